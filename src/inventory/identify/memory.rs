//! What is remembered of agents and of the computers that they are on.
//!
//! Losing it loses which of two agents was there first and what was wiped when, never what a person decided: that is in git.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::keys::Keys;
use super::situation::Install;
use crate::id::{ComputerId, Name};
use crate::inventory::known::AgentKey;
use crate::time::Timestamp;

/// All that is remembered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memory {
    /// Agents, by their keys.
    pub agents: BTreeMap<AgentKey, AgentMemory>,
    /// Computers, by their ids.
    pub computers: BTreeMap<ComputerId, ComputerMemory>,
}

/// What is remembered of one agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentMemory {
    /// When it was first listed.
    pub first_seen: Timestamp,
    /// When its provider last said that it is online, or it answered; to the day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Timestamp>,
    /// What it is to a computer.
    pub standing: Standing,
    /// What it was compared by last.
    #[serde(default)]
    pub keys: Keys,
    /// Its name then.
    #[serde(default)]
    pub name: String,
}

/// What an agent is to a computer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It is not known on which it is.
    Waiting,
    /// It is on this one.
    Of(ComputerId),
    /// It was on this one, until another took its place.
    Former(ComputerId),
}

/// What is remembered of one computer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ComputerMemory {
    /// How many installations of an operating system it has had, as far as is known; 1 is the first (IDN-23).
    pub generation: u32,
    /// When the present one began; what was found out earlier does not count any more. `None` for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began: Option<Timestamp>,
    /// The tenant of its agents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Name>,
    /// What its agents are compared with.
    #[serde(default)]
    pub keys: Keys,
    /// UUIDs that it had before (IDN-6).
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub aliases: BTreeSet<String>,
    /// Its operating system, as it was seen last.
    #[serde(default)]
    pub install: Install,
    /// The instant of the decision "wiped" in git that was carried out last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wiped: Option<Timestamp>,
}

/// One thing that is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remember {
    /// Of an agent.
    Agent(AgentKey, AgentMemory),
    /// Of a computer.
    Computer(ComputerId, ComputerMemory),
}

impl FromIterator<Remember> for Memory {
    fn from_iter<T: IntoIterator<Item = Remember>>(all: T) -> Self {
        let mut memory = Self::default();
        for one in all {
            match one {
                Remember::Agent(key, known) => _ = memory.agents.insert(key, known),
                Remember::Computer(id, known) => _ = memory.computers.insert(id, known),
            }
        }
        memory
    }
}

/// What is to be remembered otherwise than before; nothing in place of what is to be forgotten.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemoryChange {
    /// Of agents.
    pub agents: BTreeMap<AgentKey, Option<AgentMemory>>,
    /// Of computers.
    pub computers: BTreeMap<ComputerId, Option<ComputerMemory>>,
}

impl MemoryChange {
    /// Whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.agents.is_empty() && self.computers.is_empty()
    }
}

impl Memory {
    /// What changed since `before`.
    #[must_use]
    pub fn since(&self, before: &Self) -> MemoryChange {
        MemoryChange {
            agents: changed(&before.agents, &self.agents),
            computers: changed(&before.computers, &self.computers),
        }
    }

    /// When what is known of a computer begins to count: what was found out before its system was installed does not
    /// (IDN-23).
    #[must_use]
    pub fn began(&self, computer: &ComputerId) -> Option<Timestamp> {
        self.computers.get(computer)?.began
    }

    /// The change that forgets a computer and its agents for good (IDN-20).
    #[must_use]
    pub fn without(&self, computer: &ComputerId) -> MemoryChange {
        let is_of = |standing: &Standing| match standing {
            Standing::Of(id) | Standing::Former(id) => id == computer,
            Standing::Waiting => false,
        };
        let agents = self.agents.iter().filter(|(_, known)| is_of(&known.standing));
        MemoryChange {
            agents: agents.map(|(key, _)| (key.clone(), None)).collect(),
            computers: self
                .computers
                .get_key_value(computer)
                .map(|(id, _)| (id.clone(), None))
                .into_iter()
                .collect(),
        }
    }
}

fn changed<K: Ord + Clone, V: PartialEq + Clone>(
    before: &BTreeMap<K, V>,
    after: &BTreeMap<K, V>,
) -> BTreeMap<K, Option<V>> {
    let gone = before.keys().filter(|key| !after.contains_key(key)).map(|key| (key.clone(), None));
    let new = after.iter().filter(|(key, value)| before.get(key) != Some(value));
    new.map(|(key, value)| (key.clone(), Some(value.clone()))).chain(gone).collect()
}
