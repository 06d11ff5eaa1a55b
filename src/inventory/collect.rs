//! Asks every provider for its agents and joins them with what is remembered.
//!
//! Not here: facts and detections, which come with the detection stage; who is the same computer.
//!
//! Guarantees: a provider that fails takes no computer away. Its last good list is used, and its failure is told, so that
//! the plan can hold what it must not touch (L3).

use std::collections::BTreeMap;

use futures_util::future::join_all;

use super::known::Known;
use crate::id::{ComputerId, Name};
use crate::provider::{AgentRecord, Presence, Reader};
use crate::store::StoredComputer;
use crate::time::Timestamp;

/// What all providers list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Collected {
    /// The computers, sorted by id.
    pub known: Vec<Known>,
    /// The providers without a complete list, with what happened.
    pub failed: BTreeMap<Name, String>,
}

/// Asks all providers at the same time.
pub async fn collect(readers: &BTreeMap<Name, Reader>, stored: &[StoredComputer]) -> Collected {
    let remembered: BTreeMap<&ComputerId, &StoredComputer> =
        stored.iter().map(|computer| (&computer.id, computer)).collect();
    let lists = join_all(readers.iter().map(async |(name, reader)| (name, reader.list().await))).await;
    let mut known = BTreeMap::new();
    let mut failed = BTreeMap::new();
    for (provider, list) in lists {
        match list {
            Ok(agents) => {
                for agent in agents {
                    let id = computer_id(provider, &agent);
                    let entry = join(provider, agent, remembered.get(&id).copied());
                    known.insert(id, entry);
                }
            }
            Err(error) => {
                failed.insert(provider.clone(), error.to_string());
                for computer in stored.iter().filter(|computer| computer.provider == *provider) {
                    let entry = join(provider, computer.agent.clone(), Some(computer));
                    known.insert(computer.id.clone(), entry);
                }
            }
        }
    }
    Collected { known: known.into_values().collect(), failed }
}

/// What the providers listed last, without asking them.
#[must_use]
pub fn remembered(readers: &BTreeMap<Name, Reader>, stored: &[StoredComputer]) -> Collected {
    let known = stored
        .iter()
        .filter(|computer| readers.contains_key(&computer.provider))
        .map(|computer| join(&computer.provider, computer.agent.clone(), Some(computer)))
        .collect();
    Collected { known, failed: BTreeMap::new() }
}

/// A computer as it is remembered, without asking anybody.
#[must_use]
pub fn as_remembered(stored: &StoredComputer) -> Known {
    join(&stored.provider, stored.agent.clone(), Some(stored))
}

/// The id of the computer behind an agent. Until computers are merged over providers each agent is one.
#[must_use]
pub fn computer_id(provider: &Name, agent: &AgentRecord) -> ComputerId {
    ComputerId::new(format!("{provider}/{}", agent.id))
}

fn join(provider: &Name, agent: AgentRecord, stored: Option<&StoredComputer>) -> Known {
    Known {
        id: computer_id(provider, &agent),
        name: agent.name,
        provider: provider.clone(),
        agent: agent.id,
        tenant: agent.tenant,
        platform: agent.platform,
        tags: agent.tags,
        facts: stored.and_then(|stored| stored.facts.clone()),
        contact: stored.map(|stored| stored.contact.clone()).unwrap_or_default(),
    }
}

/// What to remember of a computer.
#[must_use]
pub fn remember(known: &Known, contacted: Option<Timestamp>) -> StoredComputer {
    StoredComputer {
        id: known.id.clone(),
        provider: known.provider.clone(),
        agent: AgentRecord {
            id: known.agent.clone(),
            name: known.name.clone(),
            tenant: known.tenant.clone(),
            platform: known.platform,
            presence: Presence::Unknown,
            tags: known.tags.clone(),
            attributes: BTreeMap::new(),
        },
        facts: known.facts.clone(),
        contact: known.contact.clone(),
        contacted,
    }
}
