//! `muster computers`: computers with the agents on them, and those that are gone.

use std::collections::BTreeMap;

use serde_json::json;

use crate::cli::arguments::Computers as Command;
use crate::cli::context::{Opened, Shell};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::planning;
use crate::id::ComputerId;
use crate::inventory::known::{AgentKey, Known};
use crate::plan::document::Options;
use crate::plan::needs::Refresh;
use crate::report::identify;
use crate::report::style::Line;
use crate::report::words::{count, plural};
use crate::session::control::Control;
use crate::session::prepare::Looked;
use crate::store::Store;

pub(in crate::cli) async fn run(
    shell: &mut Shell,
    command: &Command,
    control: &Control,
) -> Result<Exit, CliError> {
    let opened = shell.open(command.revision.rev.as_deref())?;
    let store = shell.store(&opened).await?;
    if let Some(id) = &command.forget {
        return forget(shell, &store, &ComputerId::new(id.trim())).await;
    }
    let options = Options { only: command.only.clone(), ..Options::default() };
    let wish = planning::wish_of(options, Refresh::Never, command.offline)?;
    let links = shell.links(&opened)?;
    let looked = planning::look(shell, &opened, &links, &store, control, &wish).await?;
    let (sheet, what) = if command.gone {
        (identify::gone(&looked.resolution), "No computer is gone.")
    } else {
        (listed(&opened, command, &looked), "No computer.")
    };
    shell.sheet(&sheet, what, "computers", |rows| json!({ "computers": rows }))?;
    let waiting = looked.resolution.waiting.len();
    if waiting > 0 {
        let agents = plural(count(waiting), "agent");
        shell.ui.status(&Line::new().text(format!("{agents} on no computer yet: muster identify")));
    }
    Ok(if looked.findings.has_errors() {
        Exit::Configuration
    } else if looked.has_failed_source() {
        Exit::Source
    } else {
        Exit::Done
    })
}

fn listed(opened: &Opened, command: &Command, looked: &Looked) -> crate::report::sheet::Sheet {
    let snapshot = &looked.snapshot;
    let is_stale = |ix: &u32| {
        let found = snapshot.get(*ix).and_then(|one| looked.resolution.computers.get(&one.id));
        !command.stale || found.is_some_and(|one| one.stale.is_some())
    };
    let scope = looked.limit.clone().unwrap_or_else(|| snapshot.all().clone());
    let replaces = |ix: u32| {
        let document = snapshot.get(ix)?.document.as_ref()?;
        opened.config.computers.get(document)?.replaces.clone()
    };
    let known = by_key(&looked.agents);
    identify::computers(snapshot, scope.iter().filter(is_stale), &looked.resolution, &known, &replaces)
}

/// What is known of each agent.
pub(super) fn by_key(agents: &[Known]) -> BTreeMap<AgentKey, &Known> {
    let key = |known: &Known| AgentKey { provider: known.provider.clone(), agent: known.agent.clone() };
    agents.iter().map(|known| (key(known), known)).collect()
}

/// Forgets a computer that is gone (IDN-20).
async fn forget(shell: &Shell, store: &dyn Store, id: &ComputerId) -> Result<Exit, CliError> {
    let memory = store.identification().await?;
    if !memory.computers.contains_key(id) {
        let known = memory.computers.keys().map(ComputerId::as_str);
        return Err(CliError::unknown("computer with the id", id.as_str(), known)
            .hint("`muster computers --gone` lists those that can be forgotten"));
    }
    let change = memory.without(id);
    let computers = store.computers().await?;
    let is_listed = |key: &AgentKey| computers.iter().any(|one| one.listed && one.id == key.computer());
    if let Some(key) = change.agents.keys().find(|key| is_listed(key)) {
        return Err(CliError::refused(format!("{id} is not gone: {key} is listed")).hint(
            "take it out there first; to leave it alone here, say `excluded: true` in a Computer document",
        ));
    }
    store.put_identification(&change).await?;
    shell.ui.status(&Line::new().text(format!("{id} is forgotten")));
    Ok(Exit::Done)
}
