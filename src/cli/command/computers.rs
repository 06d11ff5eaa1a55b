//! `muster computers`: computers with the agents on them, and those that are gone.

use std::collections::BTreeMap;

use serde_json::json;

use super::properties::{self, Order};
use crate::cli::arguments::Computers as Command;
use crate::cli::context::{self, Opened, Shell};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::planning;
use crate::id::{ComputerId, Name};
use crate::inventory::known::{AgentKey, Known};
use crate::inventory::policies::policies;
use crate::plan::document::Options;
use crate::plan::needs::Refresh;
use crate::provider::Reader;
use crate::report;
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
    if let (Some(wanted), Some(provider)) = (&command.set_property, &command.provider) {
        let order = Order { wanted, provider, yes: command.yes };
        return properties::set(shell, &order, &links, &looked, control).await;
    }
    if command.policies {
        return of_policies(shell, &context::readers(&links), &looked).await;
    }
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

/// What the policies of their own systems set on computers.
async fn of_policies(
    shell: &mut Shell,
    readers: &BTreeMap<Name, Reader>,
    looked: &Looked,
) -> Result<Exit, CliError> {
    let snapshot = &looked.snapshot;
    let scope = looked.limit.clone().unwrap_or_else(|| snapshot.all().clone());
    let mut names = BTreeMap::new();
    let mut agents = Vec::new();
    for computer in scope.iter().filter_map(|ix| snapshot.get(ix)) {
        for (provider, agent) in computer.agents() {
            let key = AgentKey { provider: provider.clone(), agent: agent.clone() };
            names.insert(key.clone(), computer.name.clone());
            agents.push(key);
        }
    }
    let told = policies(readers, agents).await;
    let sheet = report::policies::sheet(&told, &names);
    shell.sheet(&sheet, "No system tells of a policy.", "policies", |rows| json!({ "policies": rows }))?;
    let mut is_whole = true;
    for (key, why) in told.iter().filter_map(|(key, told)| Some((key, told.as_ref().err()?))) {
        is_whole = false;
        shell.ui.warning(format!("the policies of {key} are not known: {why}"));
    }
    Ok(if looked.findings.has_errors() {
        Exit::Configuration
    } else if looked.has_failed_source() || !is_whole {
        Exit::Source
    } else {
        Exit::Done
    })
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
