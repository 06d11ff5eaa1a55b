//! What the decision is made from, and what it says.

use std::collections::BTreeMap;

use serde::Serialize;

use super::cause::Cause;
use super::evidence::{Identity, Unidentified};
use super::keys::Keys;
use super::memory::Memory;
use crate::config::kind::Decision;
pub use crate::config::model::Identification as Rules;
use crate::id::{ComputerId, Name};
use crate::inventory::facts::IdentityEvidence;
use crate::inventory::known::{AgentKey, Presence};
use crate::time::Timestamp;

/// One agent as its provider lists it, or listed it last.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// Which one.
    pub key: AgentKey,
    /// The computer's name.
    pub name: String,
    /// The tenant that its provider puts it into.
    pub tenant: Option<Name>,
    /// Whether it is in its provider's last list that was believed.
    pub listed: bool,
    /// Whether it answers, as its provider says.
    pub presence: Presence,
    /// When it answered last, if it ever did.
    pub last_seen: Option<Timestamp>,
    /// What names its computer: what was collected there, else what its provider says. `None` while nothing is known.
    pub reading: Option<Reading>,
    /// Why nothing could be collected, if that was tried in vain or cannot be.
    pub cause: Option<Cause>,
}

/// Evidence, and when it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// When.
    pub at: Timestamp,
    /// The evidence.
    pub evidence: IdentityEvidence,
}

/// What git says about agents: a `Computer` document with `identity`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// The document.
    pub document: Name,
    /// The agents, in the order in which they stand there.
    pub agents: Vec<AgentKey>,
    /// What was decided, if anything but that they are on one computer.
    pub decision: Option<Decision>,
    /// The computer that they are on, where it is named.
    pub computer: Option<ComputerId>,
    /// What it is about, for `wiped`: the instant of the wipe or of the decision.
    pub at: Option<Timestamp>,
    /// An id that names the computer in place of its firmware.
    pub id: Option<String>,
}

/// What was decided of all agents.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Resolution {
    /// Computers with at least one agent that is listed, by id.
    pub computers: BTreeMap<ComputerId, Identified>,
    /// Agents that are on no computer yet, with the reason.
    pub waiting: BTreeMap<AgentKey, Waiting>,
    /// Computers without an agent that is listed, by id.
    pub tombstones: BTreeMap<ComputerId, Tombstone>,
    /// What to remember.
    pub memory: Memory,
}

/// One computer with its agents.
#[derive(Debug, Clone, PartialEq)]
pub struct Identified {
    /// The agents that are listed, the one first that made it.
    pub agents: Vec<AgentKey>,
    /// Agents whose places others took.
    pub former: Vec<AgentKey>,
    /// What names it.
    pub identity: Option<Identity>,
    /// See [`super::ComputerMemory::generation`].
    pub generation: u32,
    /// See [`super::ComputerMemory::began`].
    pub began: Option<Timestamp>,
    /// Since when there was no sign of it, if it is stale (IDN-20).
    pub stale: Option<Timestamp>,
}

/// A computer that no provider lists any more. It comes back with its agents (IDN-20).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tombstone {
    /// Its agents, none of which is listed.
    pub agents: Vec<AgentKey>,
    /// What named it.
    pub identity: Option<Identity>,
    /// When one of them gave a sign last, if that is known.
    pub last_seen: Option<Timestamp>,
}

/// An agent that is on no computer yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Why.
    pub why: Why,
    /// What names its computer, where that is known.
    pub keys: Keys,
}

/// Why an agent is on no computer yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// It was not asked yet.
    NotAsked,
    /// It was asked in vain, or cannot be asked.
    Failed(Cause),
    /// It answered, and nothing names its computer.
    NoIdentity(Unidentified),
    /// A person decides.
    Asked {
        /// What is asked.
        question: Question,
        /// The computers that it may be, in order of their ids.
        candidates: Vec<ComputerId>,
        /// The agent that it was compared with, if there was one.
        against: Option<AgentKey>,
    },
}

impl Why {
    /// The reason as it stands in documents.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotAsked => "not-asked",
            Self::Failed(cause) => cause.code(),
            Self::NoIdentity(_) => "no-identity",
            Self::Asked { question, .. } => question.code(),
        }
    }
}

/// What a person is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Question {
    /// Two agents of one link with one identity are online at the same time: a clone, or a value that many have.
    BothOnline,
    /// The agent was probably re-installed.
    PerhapsReinstalled,
    /// The computer was probably wiped.
    PerhapsWiped,
    /// The earlier agent is online, and this one is not.
    EarlierOnline,
    /// One key is equal and another differs: a clone, or a value that many have.
    Contradiction,
    /// The computer is known in another tenant.
    OtherTenant,
    /// It runs another operating system than the computer that it would be.
    OtherSystem,
    /// It fits several computers.
    SeveralComputers,
    /// Another link has clones with this identity, and it may be on any of them.
    Ambiguous,
    /// An agent that was on one computer now says that it is on another.
    Moved,
    /// One agent speaks for two machines in turns.
    TwoMachines,
}

impl Question {
    /// All of them, in order.
    pub const ALL: [Self; 11] = [
        Self::BothOnline,
        Self::PerhapsReinstalled,
        Self::PerhapsWiped,
        Self::EarlierOnline,
        Self::Contradiction,
        Self::OtherTenant,
        Self::OtherSystem,
        Self::SeveralComputers,
        Self::Ambiguous,
        Self::Moved,
        Self::TwoMachines,
    ];

    /// As it stands in documents.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::BothOnline => "both-online",
            Self::PerhapsReinstalled => "perhaps-reinstalled",
            Self::PerhapsWiped => "perhaps-wiped",
            Self::EarlierOnline => "earlier-online",
            Self::Contradiction => "contradiction",
            Self::OtherTenant => "other-tenant",
            Self::OtherSystem => "other-system",
            Self::SeveralComputers => "several-computers",
            Self::Ambiguous => "ambiguous",
            Self::Moved => "moved",
            Self::TwoMachines => "two-machines",
        }
    }

    /// What was found, as a sentence.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::BothOnline => {
                "two agents of one link have this identity and are online at once: a clone, or a value that many have"
            }
            Self::PerhapsReinstalled => {
                "the earlier agent is offline: probably this one was installed in its place"
            }
            Self::PerhapsWiped => {
                "the operating system is newer and the earlier agent is offline: probably the computer was wiped"
            }
            Self::EarlierOnline => "the earlier agent is online and this one is not",
            Self::Contradiction => "of UUID and serial number one is equal and the other differs",
            Self::OtherTenant => "the computer is known in another tenant",
            Self::OtherSystem => {
                "it runs another installation of its operating system than the computer it would be"
            }
            Self::SeveralComputers => "it fits several computers",
            Self::Ambiguous => {
                "another link has several computers with this identity, and it may be on any of them"
            }
            Self::Moved => "it was on one computer and now names another",
            Self::TwoMachines => "it speaks for two machines in turns",
        }
    }
}
