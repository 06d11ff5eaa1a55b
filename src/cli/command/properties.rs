//! `muster computers --set-property`: writes a custom property of agents, after showing which have another value.
//!
//! Not here: which those are (`inventory::properties`).
//!
//! Invariants: what is written was shown, and is written only where the list of this moment says something else.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::Arc;

use futures_util::StreamExt as _;
use serde_json::json;

use crate::cli::context::Shell;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::prompt;
use crate::id::{AgentId, Name};
use crate::inventory::properties::{Due, Wanted, due};
use crate::inventory::snapshot::Computer;
use crate::provider::SetProperty;
use crate::report;
use crate::report::style::Line;
use crate::report::words::{count, plural};
use crate::session::control::{Control, Demand};
use crate::session::dispatcher::Link;
use crate::session::prepare::Looked;

/// How many are written at once.
const AT_ONCE: usize = 8;

/// What was asked for.
pub(super) struct Order<'a> {
    pub(super) wanted: &'a Wanted,
    pub(super) provider: &'a Name,
    /// Nobody is asked.
    pub(super) yes: bool,
}

pub(super) async fn set(
    shell: &Shell,
    order: &Order<'_>,
    links: &BTreeMap<Name, Link>,
    looked: &Looked,
    control: &Control,
) -> Result<Exit, CliError> {
    let provider = order.provider;
    let Some(link) = links.get(provider) else {
        let known = links.keys().map(Name::as_str);
        return Err(CliError::unknown("provider called", provider.as_str(), known));
    };
    let Some(properties) = link.writer.properties() else {
        return Err(CliError::refused(format!("the provider {provider} has no custom properties to write")));
    };
    let agents = match link.reader.list().await {
        Ok(agents) => agents,
        Err(error) => {
            shell.ui.warning(format!("{error}; nothing was written"));
            return Ok(Exit::Source);
        }
    };
    let computers = of_provider(looked, provider);
    let name = order.wanted.name();
    let of_them = agents.iter().filter_map(|agent| {
        Some((&agent.id, agent.belongings.properties.get(&name), *computers.get(&agent.id)?))
    });
    let due = due(order.wanted, of_them);
    let none = "Nothing is to be written.";
    let whole = |rows| json!({ "provider": provider, "property": order.wanted.number, "agents": rows });
    shell.sheet(&report::properties::sheet(&due), none, "properties", whole)?;
    if due.is_empty() {
        return Ok(Exit::Done);
    }
    if !order.yes {
        approve(shell, order, due.len(), control).await?;
    }
    let failed = write(shell, properties, order, &due, control).await;
    let written = due.len() - failed;
    shell.ui.status(
        &Line::new().text(format!("written on {}, not on {failed}", plural(count(written), "agent"))),
    );
    Ok(match (failed, control.demand()) {
        (_, demand) if demand != Demand::Run => Exit::Interrupted,
        (0, _) => Exit::Done,
        _ => Exit::Failed,
    })
}

/// The computers in scope that have an agent of the provider, by that.
fn of_provider<'a>(looked: &'a Looked, provider: &Name) -> BTreeMap<&'a AgentId, &'a Computer> {
    let snapshot = &looked.snapshot;
    let scope = looked.limit.clone().unwrap_or_else(|| snapshot.all().clone());
    let mut found = BTreeMap::new();
    for computer in scope.iter().filter_map(|ix| snapshot.get(ix)) {
        let own = computer.agents().filter(|(of, _)| *of == provider);
        found.extend(own.map(|(_, agent)| (agent, computer)));
    }
    found
}

async fn approve(shell: &Shell, order: &Order<'_>, many: usize, control: &Control) -> Result<(), CliError> {
    if !prompt::can_ask(std::io::stdin().is_terminal(), shell.environment.ci) {
        return Err(CliError::refused("nothing was written: there is nobody to ask")
            .hint("look at the list first, then use --yes"));
    }
    let question = format!(
        "Custom property {} of {} is about to be written.",
        order.wanted.number,
        plural(count(many), "agent")
    );
    match prompt::asked(Arc::clone(&shell.ui), question, control.clone()).await {
        None => Err(CliError::reported(Exit::Interrupted)),
        Some(true) => Ok(()),
        Some(false) => Err(CliError::refused("nothing was written: the word yes was not given")),
    }
}

/// Writes, and says how many were not; those that were not begun when it was asked to stop count too.
async fn write(
    shell: &Shell,
    properties: &dyn SetProperty,
    order: &Order<'_>,
    due: &[Due],
    control: &Control,
) -> usize {
    let one = |due: &'_ Due| {
        let (agent, after, computer) = (due.agent.clone(), due.after.clone(), due.computer.clone());
        async move {
            if control.demand() != Demand::Run {
                return false;
            }
            let written = properties.set_property(&agent, order.wanted.number, &after).await;
            if let Err(error) = &written {
                shell.ui.warning(format!("{computer}: {error}"));
            }
            written.is_ok()
        }
    };
    let ended: Vec<bool> =
        futures_util::stream::iter(due.iter().map(one)).buffer_unordered(AT_ONCE).collect().await;
    ended.into_iter().filter(|written| !written).count()
}
