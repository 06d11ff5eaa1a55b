//! `muster remote`: what holds for remote sessions on a computer, how far it is, and the link that opens one; or the rule
//! that refuses. Without a computer, how far all are.
//!
//! Not here: the rules (`remote`). Nothing is detected: what is remembered decides how far a computer is.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::json;

use crate::cli::arguments::{Form, Remote};
use crate::cli::context::{Opened, Shell, readers};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::planning;
use crate::id::{ComputerId, Name};
use crate::inventory::snapshot::FindError;
use crate::plan::document::Options;
use crate::plan::needs::Refresh;
use crate::provider::Reader;
use crate::remote::access::{Asking, Refusal, decide};
use crate::remote::effective::Conflict;
use crate::remote::standing::{Reach, Remembered, Standing, standing};
use crate::report;
use crate::report::remote::Row;
use crate::report::style::{Label, Line};
use crate::session::control::Control;
use crate::session::dispatcher::Link;
use crate::session::prepare::Prepared;
use crate::store::{Store, StoreError};

/// The form of the list.
const ALL: &str = "remote";
/// The form of the document about one computer.
const ONE: &str = "remote-computer";
/// So many of a computer's last sessions are looked through for the first attempt at something.
const SESSIONS: u32 = 50;

/// What programs read of one computer.
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
    match &command.computer {
        Some(computer) => one(shell, command, computer, (&opened, &links, &store, &prepared)).await,
        None => all(shell, (&opened, &store, &prepared)).await,
    }
}

/// Lists all computers with their status.
async fn all(
    shell: &Shell,
    (opened, store, prepared): (&Opened, &dyn Store, &Prepared),
) -> Result<Exit, CliError> {
    let mut remembered = everything(store).await?;
    let reach = Reach::of(&opened.config, &prepared.snapshot);
    let mut standings = Vec::new();
    for (ix, computer) in prepared.snapshot.iter() {
        let mut own = remembered.remove(&computer.id).unwrap_or_default();
        said(store, &mut own).await?;
        match standing(&opened.config, &prepared.snapshot, &reach, ix, &own) {
            Ok(standing) => standings.extend(standing),
            Err(conflict) => shell.ui.warning(format!("{}: {}", computer.name, differ(&conflict))),
        }
    }
    let rows: Vec<Row<'_>> =
        standings.iter().map(|standing| Row { standing, refused: None, link: None }).collect();
    shell.sheet(&report::remote::sheet(&rows), "No computers.", ALL, |rows| json!({ "computers": rows }))?;
    Ok(Exit::Done)
}

/// Shows one computer, and gives the link or says which rule refuses it.
async fn one(
    shell: &Shell,
    command: &Remote,
    computer: &str,
    (opened, links, store, prepared): (&Opened, &BTreeMap<Name, Link>, &dyn Store, &Prepared),
) -> Result<Exit, CliError> {
    let ix = prepared.snapshot.find(computer).map_err(|error| not_found(&error))?;
    let id = prepared.snapshot.computer(ix).id.clone();
    let mut remembered = everything(store).await?.remove(&id).unwrap_or_default();
    said(store, &mut remembered).await?;
    tried(store, &id, &mut remembered).await?;
    let reach = Reach::of(&opened.config, &prepared.snapshot);
    let standing = standing(&opened.config, &prepared.snapshot, &reach, ix, &remembered)
        .map_err(|conflict| CliError::invalid(differ(&conflict)).hint("let both say the same"))?;
    let Some(standing) = standing else { return Err(CliError::usage("there is no such computer")) };
    let role = role(shell, command, opened);
    let decided = decide(Asking { role: role.as_deref(), agreed: command.agreed }, standing.asked());
    let link = match decided {
        Ok(()) => Some(link(links, &standing).await?),
        Err(_) => None,
    };
    let (role, refused) = (role.as_deref(), decided.as_ref().err());
    show(shell, &Document { standing: &standing, role, refused, link: link.as_deref() })?;
    if let Err(refusal) = decided {
        return Err(refuse(&standing, &refusal));
    }
    if let Some(link) = link.filter(|_| command.open) {
        shell.open_link(&link)?;
    }
    Ok(Exit::Done)
}

fn show(shell: &Shell, document: &Document<'_>) -> Result<(), CliError> {
    let Document { standing, refused, link, .. } = document;
    if shell.document(ONE, document)? {
        return Ok(());
    }
    if shell.global.output != Form::Human {
        let refused = refused.map(ToString::to_string);
        let row = Row { standing, refused: refused.as_deref(), link: *link };
        return Ok(shell.sheet(&report::remote::sheet(&[row]), "", ONE, |rows| rows)?);
    }
    let view = shell.view(false);
    shell.ui.data(|pen| {
        report::remote::write(pen, standing, &view)?;
        match link {
            Some(link) => pen.line(&Line::new().with(Label::Code, link)),
            None => Ok(()),
        }
    })?;
    Ok(())
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

fn differ(conflict: &Conflict) -> String {
    let Conflict { setting, first, second } = conflict;
    let (first, second) = (&first.policy, &second.policy);
    format!("it is at several sites, and the policies {first} and {second} differ in {setting}")
}

fn refuse(standing: &Standing, refusal: &Refusal) -> CliError {
    let error = CliError::refused(format!("no session on {}: {refusal}", standing.name));
    match refusal {
        Refusal::Site => error.hint("assign a Package to the computer's tenant or site"),
        Refusal::NoRole { .. } => error.hint("say it with --as-role ROLE, or set MUSTER_ROLE"),
        Refusal::Role { .. } => error,
        Refusal::NoAgent { .. } => error.hint("muster plan shows what brings the agent"),
        Refusal::Consent => error.hint("when the person at the computer has agreed, say --agreed"),
    }
}

/// What is remembered of the items of all computers.
async fn everything(store: &dyn Store) -> Result<BTreeMap<ComputerId, Remembered>, StoreError> {
    let mut all: BTreeMap<ComputerId, Remembered> = BTreeMap::new();
    for seen in store.detections().await? {
        all.entry(seen.computer.clone()).or_default().detections.push(seen);
    }
    for result in store.results().await? {
        all.entry(result.computer.clone()).or_default().results.push(result);
    }
    Ok(all)
}

/// Looks up what was said of actions that did not end well.
async fn said(store: &dyn Store, remembered: &mut Remembered) -> Result<(), StoreError> {
    let mut said = BTreeMap::new();
    for failure in remembered.failures() {
        let actions = store.actions(&failure.session).await?;
        let action = actions.into_iter().rev().find(|action| action.item == failure.item);
        if let Some(message) = action.and_then(|action| action.message) {
            said.insert(failure.item.clone(), message);
        }
    }
    remembered.said = said;
    Ok(())
}

/// Looks up when items of a computer were tried first.
async fn tried(store: &dyn Store, id: &ComputerId, remembered: &mut Remembered) -> Result<(), StoreError> {
    for session in store.sessions(Some(id), SESSIONS).await? {
        for action in store.actions(&session.id).await? {
            let first = remembered.tried.entry(action.item).or_insert(action.started);
            *first = action.started.min(*first);
        }
    }
    Ok(())
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
