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
