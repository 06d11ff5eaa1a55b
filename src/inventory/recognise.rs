//! From the agents of all links to computers: what is known of each agent goes into the decision (`identify`), and what is
//! known of the agents of one computer is put together.
//!
//! Not here: the decision; asking anybody; the store.
//!
//! Invariants: providers whose computers are their own are left exactly as they are. An agent that waits is no computer, so
//! that no deployment reaches it. What was found out before a computer was wiped does not count (IDN-23).

use std::collections::{BTreeMap, BTreeSet};

use super::facts::Facts;
use super::identify::{Cause, Identified, Keys, Memory, Pin, Reading, Resolution, Seen, Standing, resolve};
use super::known::{AgentKey, Contact, Known, Presence, Route};
use crate::config::Config;
use crate::id::{ComputerId, Name};
use crate::store::StoredComputer;
use crate::time::Timestamp;

/// The computers behind all agents.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recognised {
    /// The computers, sorted by id.
    pub known: Vec<Known>,
    /// What was decided.
    pub resolution: Resolution,
}

/// The providers whose computers may be those of others too.
#[must_use]
pub fn recognising(config: &Config) -> BTreeSet<Name> {
    let providers = config.providers.iter().filter(|(_, provider)| provider.spec.identifies());
    providers.map(|(name, _)| name.clone()).collect()
}

/// Decides which of `agents` are on the same computer; `stored` has those too that are not listed any more.
#[must_use]
pub fn recognise(
    config: &Config,
    agents: &[Known],
    stored: &[StoredComputer],
    memory: &Memory,
    now: Timestamp,
) -> Recognised {
    let recognising = recognising(config);
    if recognising.is_empty() {
        return Recognised { known: agents.to_vec(), ..Recognised::default() };
    }
    let (theirs, own): (Vec<&Known>, Vec<&Known>) =
        agents.iter().partition(|known| recognising.contains(&known.provider));
    let seen = seen(&theirs, stored, &recognising, now);
    let resolution = resolve(&seen, &pins(config), config.instance.identification, memory, now);
    let by_key: BTreeMap<AgentKey, &Known> = theirs.into_iter().map(|known| (key(known), known)).collect();
    let computers = resolution.computers.iter();
    let mut known: Vec<Known> = computers.filter_map(|(id, one)| put_together(id, one, &by_key)).collect();
    known.extend(own.into_iter().cloned());
    known.sort_by(|a, b| a.id.cmp(&b.id));
    Recognised { known, resolution }
}

/// Which agent something is known of.
#[must_use]
pub fn key(known: &Known) -> AgentKey {
    AgentKey { provider: known.provider.clone(), agent: known.agent.clone() }
}

/// What git decided of agents.
#[must_use]
pub fn pins(config: &Config) -> Vec<Pin> {
    let decided =
        config.computers.values().filter_map(|document| Some((document, document.identity.as_ref()?)));
    decided
        .map(|(document, identity)| Pin {
            document: document.metadata.name.clone(),
            agents: identity.agents.clone(),
            decision: identity.decision,
            computer: identity.computer.clone(),
            at: identity.at,
            id: identity.id.clone(),
        })
        .collect()
}

/// All agents as the decision sees them.
fn seen(
    listed: &[&Known],
    stored: &[StoredComputer],
    recognising: &BTreeSet<Name>,
    now: Timestamp,
) -> Vec<Seen> {
    let before: BTreeMap<&ComputerId, &StoredComputer> = stored.iter().map(|one| (&one.id, one)).collect();
    let mut all: Vec<Seen> = Vec::with_capacity(listed.len());
    let mut there: BTreeSet<&ComputerId> = BTreeSet::new();
    for known in listed {
        there.insert(&known.id);
        let (cause, reading) = look(known, now);
        all.push(Seen {
            key: key(known),
            name: name(&known.name, known.facts.as_ref()),
            tenant: known.tenant.clone(),
            listed: true,
            presence: known.presence,
            last_seen: last_seen(known.facts.as_ref(), before.get(&known.id).copied()).max(known.seen),
            reading,
            cause,
        });
    }
    let gone = stored.iter().filter(|one| recognising.contains(&one.provider) && !there.contains(&one.id));
    all.extend(gone.map(|one| Seen {
        key: AgentKey { provider: one.provider.clone(), agent: one.agent.id.clone() },
        name: name(&one.agent.name, one.facts.as_deref()),
        tenant: one.agent.tenant.clone(),
        listed: false,
        presence: Presence::Offline,
        last_seen: last_seen(one.facts.as_deref(), Some(one)),
        reading:
            one.facts.as_deref().map(|(at, facts)| Reading { at: *at, evidence: facts.identity.clone() }),
        cause: None,
    }));
    all
}

/// The computer's own name where it was collected: people call agents what they like.
fn name(called: &str, facts: Option<&(Timestamp, Facts)>) -> String {
    let own = facts.and_then(|(_, facts)| facts.hostname.clone());
    own.unwrap_or_else(|| called.to_owned())
}

fn last_seen(facts: Option<&(Timestamp, Facts)>, stored: Option<&StoredComputer>) -> Option<Timestamp> {
    let reached = stored.filter(|one| one.contact == Contact::Reached).and_then(|one| one.contacted);
    facts.map(|(at, _)| *at).max(reached)
}

/// What is known of what names the computer, or why nothing is. What was collected goes before what the list says.
fn look(known: &Known, now: Timestamp) -> (Option<Cause>, Option<Reading>) {
    let said = known.said.as_deref().filter(|said| Keys::of(said).identity().is_some());
    match &known.facts {
        Some((at, facts)) if Keys::of(&facts.identity).identity().is_some() || said.is_none() => {
            (Cause::of_facts(facts), Some(Reading { at: *at, evidence: facts.identity.clone() }))
        }
        _ => {
            let unsupported = known.unsupported.as_ref().map(|_| Cause::Unsupported);
            let reading = said.map(|said| Reading { at: now, evidence: said.clone() });
            (unsupported.or_else(|| Cause::of(&known.contact)), reading)
        }
    }
}

/// One computer from what is known of its agents. The agent that made it goes before the others, so that it is called the
/// same as long as that is there.
fn put_together(id: &ComputerId, computer: &Identified, known: &BTreeMap<AgentKey, &Known>) -> Option<Known> {
    let agents: Vec<&Known> = computer.agents.iter().filter_map(|key| known.get(key).copied()).collect();
    let first = *agents.first()?;
    let counts = |at: Timestamp| computer.began.is_none_or(|began| at >= began);
    let facts = agents.iter().filter_map(|known| known.facts.as_ref()).filter(|(at, _)| counts(*at));
    let facts = facts.max_by_key(|(at, _)| *at).cloned();
    let mut together = first.clone();
    together.id = id.clone();
    together.tenant = agents.iter().find_map(|known| known.tenant.clone());
    together.client = agents.iter().find_map(|known| known.client.clone());
    together.platform = agents.iter().find_map(|known| known.platform);
    together.tags = agents.iter().flat_map(|known| known.tags.iter().cloned()).collect();
    together.facts = facts;
    if agents.iter().any(|known| known.contact == Contact::Reached) {
        together.contact = Contact::Reached;
    }
    let routes = agents.iter().map(|known| Route { key: key(known), presence: known.presence });
    together.agents = Some(routes.collect());
    Some(together)
}

/// What is remembered of computers, put together from what is remembered of their agents; sorted by id. Agents that wait, and
/// those whose places others took, are no computers.
#[must_use]
pub fn remembered(stored: Vec<StoredComputer>, memory: &Memory) -> Vec<StoredComputer> {
    if memory.agents.is_empty() {
        return stored;
    }
    let mut computers: BTreeMap<ComputerId, Vec<StoredComputer>> = BTreeMap::new();
    for row in stored {
        let key = AgentKey { provider: row.provider.clone(), agent: row.agent.id.clone() };
        match memory.agents.get(&key).map(|known| &known.standing) {
            None => computers.entry(row.id.clone()).or_default().push(row),
            Some(Standing::Of(id)) => computers.entry(id.clone()).or_default().push(row),
            Some(Standing::Waiting | Standing::Former(_)) => {}
        }
    }
    computers.into_iter().filter_map(|(id, rows)| joined(id, rows, memory)).collect()
}

fn joined(id: ComputerId, mut rows: Vec<StoredComputer>, memory: &Memory) -> Option<StoredComputer> {
    rows.sort_by_key(|row| (!row.listed, row.id != id));
    let counts = |at: Timestamp| memory.began(&id).is_none_or(|began| at >= began);
    let facts = rows.iter().filter_map(|row| row.facts.as_deref()).filter(|(at, _)| counts(*at));
    let facts = facts.max_by_key(|(at, _)| *at).cloned().map(Box::new);
    let reached = rows.iter().any(|row| row.contact == Contact::Reached);
    let contacted = rows.iter().filter_map(|row| row.contacted).max();
    let first = rows.into_iter().next()?;
    let contact = if reached { Contact::Reached } else { first.contact };
    Some(StoredComputer { id, facts, contact, contacted, ..first })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::AgentId;
    use crate::inventory::identify::{AgentMemory, ComputerMemory, Install};
    use crate::provider::AgentRecord;
    use crate::report::sample::agent;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    fn row(text: &str, collected: Option<i64>, contact: Contact) -> StoredComputer {
        let (provider, id) = text.split_once('/').expect("provider/agent");
        let facts = |second| (at(second), Facts { hostname: Some(text.to_owned()), ..Facts::default() });
        StoredComputer {
            id: ComputerId::new(text),
            provider: Name::new(provider).expect("a name"),
            agent: AgentRecord { id: AgentId::new(id), name: text.to_owned(), ..agent("x") },
            facts: collected.map(|second| Box::new(facts(second))),
            contact,
            contacted: collected.map(at),
            listed: true,
        }
    }

    #[test]
    fn what_is_remembered_of_agents_is_told_of_their_computers() {
        let id = ComputerId::new("b/1");
        let known = |standing| AgentMemory {
            first_seen: at(0),
            last_seen: None,
            standing,
            keys: Keys::default(),
            name: String::new(),
        };
        let key = |text: &str| row(text, None, Contact::Never);
        let agents = [
            ("a/1", Standing::Of(id.clone())),
            ("b/1", Standing::Of(id.clone())),
            ("b/2", Standing::Former(id.clone())),
            ("b/3", Standing::Waiting),
        ];
        let agents = agents.map(|(text, standing)| {
            let row = key(text);
            (AgentKey { provider: row.provider, agent: row.agent.id }, known(standing))
        });
        let computer = ComputerMemory {
            generation: 2,
            began: Some(at(50)),
            tenant: None,
            keys: Keys::default(),
            aliases: BTreeSet::new(),
            install: Install::default(),
            wiped: None,
        };
        let memory = Memory { agents: BTreeMap::from(agents), computers: BTreeMap::from([(id, computer)]) };
        let away = Contact::Unreachable { why: "x".to_owned() };
        let rows = vec![
            row("a/1", Some(60), Contact::Reached),
            row("b/1", Some(70), away.clone()),
            row("b/2", Some(90), Contact::Reached),
            row("b/3", Some(90), Contact::Reached),
            row("c/1", None, Contact::Never),
        ];
        let told = remembered(rows.clone(), &memory);
        let ids: Vec<&str> = told.iter().map(|row| row.id.as_str()).collect();
        assert_eq!(ids, ["b/1", "c/1"]);
        assert_eq!(told[0].agent.name, "b/1", "the one that made it");
        assert_eq!((told[0].contact.clone(), told[0].contacted), (Contact::Reached, Some(at(70))));
        assert_eq!(told[0].facts.as_deref().map(|(at, _)| *at), Some(at(70)));
        let before = vec![row("a/1", Some(40), Contact::Reached), row("b/1", Some(45), away)];
        assert_eq!(remembered(before, &memory)[0].facts, None, "of before it was wiped nothing counts");
        assert_eq!(remembered(rows.clone(), &Memory::default()), rows);
    }
}
