//! Computers with their agents, and agents that wait, as tables.
//!
//! Not here: who is where (`inventory::identify`), and who is asked.

use std::collections::BTreeMap;
use std::io;

use super::View;
use super::layout::table;
use super::sheet::{Cell, Column, Sheet, further, shown};
use super::style::{Label, Line, Pen};
use super::words::visible;
use crate::id::ComputerId;
use crate::inventory::facts::IdentityEvidence;
use crate::inventory::identify::{Identity, Memory, Resolution, Waiting, Why};
use crate::inventory::known::{AgentKey, Known, Presence};
use crate::inventory::snapshot::Snapshot;

/// The columns of computers.
const COMPUTERS: &[Column] = &[
    further("id"),
    shown("name", "Computer"),
    shown("tenant", "Tenant"),
    shown("agents", "Agents"),
    shown("presence", "Presence"),
    shown("identity", "Identity"),
    shown("generation", "Generation"),
    shown("stale", "No sign since"),
    shown("former", "Former agents"),
    shown("replaces", "In place of"),
    further("began"),
];

/// The columns of computers that are gone.
const GONE: &[Column] = &[
    shown("id", "Computer"),
    shown("tenant", "Tenant"),
    shown("agents", "Agents"),
    shown("identity", "Identity"),
    shown("lastSeen", "Last sign"),
];

/// The columns of agents that wait.
const WAITING: &[Column] = &[
    shown("agent", "Agent"),
    shown("name", "Computer"),
    shown("tenant", "Tenant"),
    shown("reason", "Reason"),
    shown("candidates", "May be"),
    shown("help", "What to do"),
    further("sentence"),
    further("against"),
    further("presence"),
    further("uuid"),
    further("manufacturer"),
    further("serial"),
    further("machineId"),
    further("osInstalled"),
];

/// The computers at these positions. `replaces` says of some which they took the place of.
#[must_use]
pub fn computers(
    snapshot: &Snapshot,
    positions: impl Iterator<Item = u32>,
    resolution: &Resolution,
    known: &BTreeMap<AgentKey, &Known>,
    replaces: &dyn Fn(u32) -> Option<String>,
) -> Sheet {
    let row = |ix: u32| {
        let computer = snapshot.get(ix)?;
        let found = resolution.computers.get(&computer.id);
        let agents: Vec<AgentKey> = computer
            .agents()
            .map(|(provider, agent)| AgentKey { provider: provider.clone(), agent: agent.clone() })
            .collect();
        let presence = agents.iter().filter_map(|key| known.get(key)).map(|known| known.presence).min();
        Some(vec![
            Cell::text(&computer.id),
            Cell::text(&computer.name),
            Cell::maybe(computer.tenant.as_ref()),
            Cell::list(&agents),
            Cell::text(word(presence.unwrap_or_default())),
            Cell::maybe(found.and_then(|one| one.identity.as_ref()).map(Identity::key)),
            found
                .filter(|one| one.generation > 1)
                .map_or(Cell::Nothing, |one| Cell::count(one.generation.into())),
            Cell::maybe(found.and_then(|one| one.stale).map(day)),
            found.filter(|one| !one.former.is_empty()).map_or(Cell::Nothing, |one| Cell::list(&one.former)),
            Cell::maybe(replaces(ix)),
            Cell::maybe(found.and_then(|one| one.began)),
        ])
    };
    Sheet { row: "computer", columns: COMPUTERS, rows: positions.filter_map(row).collect() }
}

/// The computers that no provider lists any more.
#[must_use]
pub fn gone(resolution: &Resolution) -> Sheet {
    let rows = resolution.tombstones.iter().map(|(id, tombstone)| {
        let tenant = resolution.memory.computers.get(id).and_then(|computer| computer.tenant.as_ref());
        vec![
            Cell::text(id),
            Cell::maybe(tenant),
            Cell::list(&tombstone.agents),
            Cell::maybe(tombstone.identity.as_ref().map(Identity::key)),
            Cell::maybe(tombstone.last_seen.map(day)),
        ]
    });
    Sheet { row: "computer", columns: GONE, rows: rows.collect() }
}

/// The agents that wait, those among them that `only` takes.
#[must_use]
pub fn waiting(
    resolution: &Resolution,
    known: &BTreeMap<AgentKey, &Known>,
    only: &dyn Fn(&AgentKey) -> bool,
) -> Sheet {
    let rows = resolution.waiting.iter().filter(|(key, _)| only(key)).map(|(key, waiting)| {
        let known = known.get(key).copied();
        let evidence = known.and_then(evidence).cloned().unwrap_or_default();
        let (candidates, against) = match &waiting.why {
            Why::Asked { candidates, against, .. } => (candidates.as_slice(), against.as_ref()),
            _ => (&[][..], None),
        };
        vec![
            Cell::text(key),
            Cell::maybe(known.map(|known| &known.name)),
            Cell::maybe(known.and_then(|known| known.tenant.as_ref())),
            Cell::text(waiting.why.code()),
            if candidates.is_empty() { Cell::Nothing } else { Cell::list(candidates) },
            Cell::text(help(&waiting.why)),
            Cell::text(sentence(&waiting.why)),
            Cell::maybe(against),
            Cell::text(word(known.map(|known| known.presence).unwrap_or_default())),
            Cell::maybe(evidence.uuid),
            Cell::maybe(evidence.manufacturer),
            Cell::maybe(evidence.serial),
            Cell::maybe(evidence.machine_id),
            Cell::maybe(evidence.os_installed),
        ]
    });
    Sheet { row: "agent", columns: WAITING, rows: rows.collect() }
}

/// Writes what is known of an agent that waits beside what is known of the agents that it may share a computer with.
///
/// # Errors
/// What the pen says.
pub fn beside(
    pen: &mut dyn Pen,
    key: &AgentKey,
    waiting: &Waiting,
    resolution: &Resolution,
    known: &BTreeMap<AgentKey, &Known>,
    view: &View,
) -> io::Result<()> {
    pen.line(
        &Line::new()
            .with(Label::Heading, visible(&key.to_string()))
            .text(" waits: ")
            .with(Label::Warning, waiting.why.code())
            .text(format!(", {}", sentence(&waiting.why))),
    )?;
    pen.gap()?;
    let mut agents = vec![key.clone()];
    if let Why::Asked { candidates, .. } = &waiting.why {
        for id in candidates {
            agents.extend(of_computer(id, resolution, &resolution.memory));
        }
    }
    agents.dedup();
    let mut rows = vec![agents.iter().fold(vec![Line::new()], |mut row, key| {
        row.push(Line::new().with(Label::Heading, visible(&key.to_string())));
        row
    })];
    for (title, value) in ASPECTS {
        let mut row = vec![Line::new().text(title)];
        let mut first: Option<String> = None;
        for key in &agents {
            let text = known.get(key).and_then(|known| value(known)).unwrap_or_else(|| "-".to_owned());
            let differs = first.as_ref().is_some_and(|first| *first != text);
            let label = if differs { Label::Warning } else { Label::Plain };
            row.push(Line::new().with(label, visible(&text)));
            first.get_or_insert(text);
        }
        rows.push(row);
    }
    table(0, view.width, &rows).iter().try_for_each(|line| pen.line(line))?;
    pen.gap()?;
    for (choice, meaning) in CHOICES {
        pen.line(&Line::new().text("  --decide ").with(Label::Code, choice).text(format!("  {meaning}")))?;
    }
    Ok(())
}

/// What is compared, with its title.
type Aspect = (&'static str, fn(&Known) -> Option<String>);

const ASPECTS: &[Aspect] = &[
    ("Name", |known| Some(known.name.clone())),
    ("Tenant", |known| known.tenant.as_ref().map(ToString::to_string)),
    ("Presence", |known| Some(word(known.presence).to_owned())),
    ("UUID", |known| evidence(known)?.uuid.clone()),
    ("Maker", |known| evidence(known)?.manufacturer.clone()),
    ("Serial number", |known| evidence(known)?.serial.clone()),
    ("Model", |known| evidence(known)?.model.clone()),
    ("System's id", |known| evidence(known)?.machine_id.clone()),
    ("Installed", |known| evidence(known)?.os_installed.map(|at| at.to_string())),
    ("Asked", |known| known.facts.as_ref().map(|(at, _)| at.to_string())),
];

const CHOICES: [(&str, &str); 3] = [
    (
        "overwrite",
        "the agent was installed again, and takes the place of the earlier one (nearly always right)",
    ),
    ("wiped    ", "the computer was set up anew: what was known of it does not count any more"),
    ("keep-both", "they are two computers, one of which is a clone of the other"),
];

fn of_computer(id: &ComputerId, resolution: &Resolution, memory: &Memory) -> Vec<AgentKey> {
    if let Some(computer) = resolution.computers.get(id) {
        return computer.agents.clone();
    }
    let tombstone = resolution.tombstones.get(id);
    let gone = tombstone.map(|tombstone| tombstone.agents.clone()).unwrap_or_default();
    gone.into_iter().filter(|key| memory.agents.contains_key(key)).collect()
}

/// What is known of what names an agent's computer.
fn evidence(known: &Known) -> Option<&IdentityEvidence> {
    known.facts.as_ref().map(|(_, facts)| &facts.identity).or(known.said.as_deref())
}

fn sentence(why: &Why) -> String {
    match why {
        Why::NotAsked => "it was not asked yet".to_owned(),
        Why::Failed(cause) => cause.help().to_owned(),
        Why::NoIdentity(reasons) => reasons.to_string(),
        Why::Asked { question, .. } => question.sentence().to_owned(),
    }
}

fn help(why: &Why) -> String {
    match why {
        Why::NotAsked => "it is asked when it is online".to_owned(),
        Why::Failed(cause) => cause.help().to_owned(),
        Why::NoIdentity(_) => {
            "--give-id writes an id onto its computer; --decide same --id TEXT names it in git".to_owned()
        }
        Why::Asked { .. } => "muster identify AGENT shows the evidence, --decide settles it".to_owned(),
    }
}

const fn word(presence: Presence) -> &'static str {
    match presence {
        Presence::Online => "online",
        Presence::Offline => "offline",
        Presence::Unknown => "unknown",
    }
}

fn day(at: crate::time::Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}
