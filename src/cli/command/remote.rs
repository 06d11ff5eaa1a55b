//! `muster remote`: what holds for remote sessions on a computer, how far it is, and the link that opens one; or the rule
//! that refuses.
//!
//! Not here: the rules (`remote`). Nothing is detected: what is remembered decides how far a computer is.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cli::arguments::Remote;
use crate::cli::context::{Opened, Shell, readers};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::planning;
use crate::id::{ComputerId, Name};
use crate::inventory::item::ItemKey;
use crate::inventory::snapshot::FindError;
use crate::plan::document::Options;
use crate::plan::needs::Refresh;
use crate::provider::Reader;
use crate::remote::access::{Asking, Refusal, decide};
use crate::remote::effective::Conflict;
use crate::remote::standing::{Remembered, Standing, standing};
use crate::report;
use crate::report::style::{Label, Line};
use crate::session::control::Control;
use crate::session::dispatcher::Link;
use crate::store::Store;
use crate::time::Timestamp;

/// The form of the document.
const FORM: &str = "remote";
/// So many of a computer's last sessions are looked through for the first attempt at something.
const SESSIONS: u32 = 50;

/// What programs read.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    #[serde(flatten)]
    standing: &'a Standing,
    role: Option<&'a str>,
    refused: Option<&'a Refusal>,
    link: Option<&'a str>,
}

pub(in crate::cli) async fn run(
    shell: &mut Shell,
    command: &Remote,
    control: &Control,
) -> Result<Exit, CliError> {
    let opened = shell.open(command.revision.rev.as_deref())?;
    let links = shell.links(&opened)?;
    let store = shell.store(&opened).await?;
    let wish = planning::wish_of(Options::default(), Refresh::Never, true)?;
    let prepared = planning::gather(shell, &opened, &links, &store, control, &wish).await?;
    let ix = prepared.snapshot.find(&command.computer).map_err(|error| not_found(&error))?;
    let id = prepared.snapshot.computer(ix).id.clone();
    let remembered = remembered(&store, &id).await?;
    let standing = standing(&opened.config, &prepared.snapshot, ix, &remembered).map_err(conflict)?;
    let Some(standing) = standing else { return Err(CliError::usage("there is no such computer")) };
    let role = role(shell, command, &opened);
    let decided = decide(Asking { role: role.as_deref(), agreed: command.agreed }, standing.asked());
    let link = match decided {
        Ok(()) => Some(link(&links, &standing).await?),
        Err(_) => None,
    };
    let document = Document {
        standing: &standing,
        role: role.as_deref(),
        refused: decided.as_ref().err(),
        link: link.as_deref(),
    };
    if !shell.document(FORM, &document)? {
        let view = shell.view(false);
        shell.ui.data(|pen| {
            report::remote::write(pen, &standing, &view)?;
            match &link {
                Some(link) => pen.line(&Line::new().with(Label::Code, link)),
                None => Ok(()),
            }
        })?;
    }
    if let Err(refusal) = decided {
        return Err(refused(&standing, &refusal));
    }
    if let Some(link) = link.filter(|_| command.open) {
        shell.open_link(&link)?;
    }
    Ok(Exit::Done)
}

/// The role of whoever asks: as typed, else of the environment, else of the Instance.
fn role(shell: &Shell, command: &Remote, opened: &Opened) -> Option<String> {
    let said = command.as_role.clone().or_else(|| shell.environment.role.clone());
    said.or_else(|| opened.config.instance.role.clone())
}

fn not_found(error: &FindError) -> CliError {
    CliError::usage(error.to_string())
        .hint("only computers that were listed are known; `muster inventory` lists them")
}

fn conflict(conflict: Conflict) -> CliError {
    let Conflict { setting, first, second } = conflict;
    CliError::invalid(format!(
        "it is at several sites, and the policies {} and {} differ in {setting}",
        first.policy, second.policy
    ))
    .hint("let both say the same")
}

fn refused(standing: &Standing, refusal: &Refusal) -> CliError {
    let error = CliError::refused(format!("no session on {}: {refusal}", standing.name));
    match refusal {
        Refusal::Site => {
            error.hint("assign a Package to the computer's site; muster explain tells which that is")
        }
        Refusal::NoRole { .. } => error.hint("say it with --as-role ROLE, or set MUSTER_ROLE"),
        Refusal::Role { .. } => error,
        Refusal::NoAgent { .. } => error.hint("muster plan shows what brings the agent"),
        Refusal::Consent => error.hint("when the person at the computer has agreed, say --agreed"),
    }
}

/// What is remembered of a computer's items.
async fn remembered(store: &dyn Store, id: &ComputerId) -> Result<Remembered, CliError> {
    let mut detections = store.detections().await?;
    detections.retain(|seen| seen.computer == *id);
    let mut results = store.results().await?;
    results.retain(|result| result.computer == *id);
    let mut tried: BTreeMap<ItemKey, (Timestamp, Option<String>)> = BTreeMap::new();
    // The newest first: what was said last stays, and the time goes back to the first attempt.
    for session in store.sessions(Some(id), SESSIONS).await? {
        for action in store.actions(&session.id).await? {
            let said = action.message.clone();
            let entry = tried.entry(action.item).or_insert((action.started, said));
            entry.0 = entry.0.min(action.started);
        }
    }
    Ok(Remembered { detections, results, tried })
}

async fn link(links: &BTreeMap<Name, Link>, standing: &Standing) -> Result<String, CliError> {
    let provider = standing.effective.as_ref().map(|effective| &effective.provider.value);
    let readers = readers(links);
    let reader: Option<&Reader> = provider.and_then(|provider| readers.get(provider));
    let (Some(provider), Some(agent)) = (provider, &standing.agent) else {
        return Err(CliError::refused(format!("no session on {}: it has no agent", standing.name)));
    };
    let Some(join) = reader.and_then(Reader::join_links) else {
        return Err(CliError::refused(format!("the provider {provider} opens no remote sessions")));
    };
    join.join_link(agent).await.map_err(|error| CliError::refused(format!("provider {provider}: {error}")))
}
