//! `Computer`: what git says about one computer.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Mode, Reboot};
use crate::id::{ComputerId, Name};
use crate::inventory::known::AgentKey;
use crate::time::Timestamp;

/// What git says about one computer that a provider lists.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ComputerSpec {
    /// The computer's name as its provider lists it, in any case. Default: the document's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub name: Option<String>,
    /// The provider that lists it; needed when several list the same name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<Name>,
    /// The tenant it belongs to, over what its provider says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Name>,
    /// Tags that targets can select by, added to those of its provider.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<String>,
    /// Who its primary person is. Default: whoever signs in most often.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary_person: Option<PrimaryPerson>,
    /// Whether its onboarding is done, over what its provider says. Default: it is, unless its provider says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onboarded: Option<bool>,
    /// The most that Muster may do on this computer. Default: enforce.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Whether something may be done on it that may restart it (SW-30). Default: if-necessary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reboot: Option<Reboot>,
    /// Whether the computer is left out of all deployments.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub excluded: bool,
    /// Nothing is uninstalled from it, also after this line is gone, until it is released. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub protect: bool,
    /// Which agents are on it, where that was decided by a person (IDN-8). The document is then about the computer that
    /// has them, whatever it is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<ComputerIdentity>,
    /// The computer that this one took the place of: its id or its name (IDN-21).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub replaces: Option<String>,
}

/// Which agents are on a computer, and what was decided of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend(
    "if" = { "properties": { "decision": { "const": "wiped" } }, "required": ["decision"] },
    "then" = { "required": ["at"] },
    "else" = { "properties": { "at": false } },
))]
pub struct ComputerIdentity {
    /// The agents. An agent stands in one document only.
    #[schemars(length(min = 1))]
    pub agents: Vec<AgentKey>,
    /// What was decided of them. Default: that they are on one computer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// For `wiped`: when that was, so that the computer is not taken for wiped twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub at: Option<Timestamp>,
    /// The id of the computer that they are on, where their identity fits several or none: provider/agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub computer: Option<ComputerId>,
    /// A text that names the computer in place of its firmware, where that has nothing that would.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub id: Option<String>,
}

/// What a person decided of an agent that has the identity of a known computer (IDN-8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// The agent was re-installed: it takes the place of the earlier one.
    Overwrite,
    /// They are two computers, of which one is a clone: the agents are on a computer of their own.
    KeepBoth,
    /// The computer was wiped: the agent takes the place of the earlier one, and all is found out and set up anew.
    Wiped,
}

/// Who the primary person of a computer is (AFF-4).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum PrimaryPerson {
    /// Whoever signs in most often.
    #[default]
    Auto,
    /// Nobody: the computer is shared.
    None,
    /// This person, by UPN.
    Fixed(#[schemars(length(min = 1))] String),
}
