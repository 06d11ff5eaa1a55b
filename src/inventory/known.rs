//! What is known of one computer before a snapshot is made of all.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::facts::{Facts, IdentityEvidence};
use crate::id::{AgentId, ComputerId, Name};
use crate::session::script::Platform;
use crate::time::Timestamp;

/// A computer as its provider lists it, with what is remembered of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// Its id.
    pub id: ComputerId,
    /// Its name for people.
    pub name: String,
    /// The provider that lists it.
    pub provider: Name,
    /// The provider's own id of it.
    pub agent: AgentId,
    /// The tenant, as its provider says; a `Computer` document may say otherwise.
    pub tenant: Option<Name>,
    /// The provider's own customer that it belongs to, if it has any.
    pub client: Option<ClientRef>,
    /// Whether it answers, as its provider says.
    pub presence: Presence,
    /// What the provider's list says by itself of what names the computer (IDN-4).
    pub said: Option<Box<IdentityEvidence>>,
    /// When it was seen last, if it is not online and its provider says so (IDN-20).
    pub seen: Option<Timestamp>,
    /// Why no script can run there, if its provider says so (IDN-14).
    pub unsupported: Option<String>,
    /// Whether it was wiped and is being onboarded again (IDN-23).
    pub onboarding: bool,
    /// The agents on it, the provider's own first, where it was recognised over providers; `None` where each computer of
    /// its provider is one by itself.
    pub agents: Option<Box<[Route]>>,
    /// The platform, if known.
    pub platform: Option<Platform>,
    /// Tags, as its provider says; a `Computer` document may add some.
    pub tags: BTreeSet<String>,
    /// The last facts that were collected, and when.
    pub facts: Option<(Timestamp, Facts)>,
    /// How the last attempt to reach it went.
    pub contact: Contact,
}

/// Whether an agent answers, as far as its provider knows.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Presence {
    /// The provider says it is online.
    Online,
    /// The provider says it is offline.
    Offline,
    /// The provider cannot tell; one has to try.
    #[default]
    Unknown,
}

impl Presence {
    /// What orders agents: those that are online first, those that are offline last.
    #[must_use]
    pub const fn rank(self) -> u8 {
        match self {
            Self::Online => 0,
            Self::Unknown => 1,
            Self::Offline => 2,
        }
    }
}

/// One agent among those of all providers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AgentKey {
    /// The provider that lists it.
    pub provider: Name,
    /// The provider's own id of it.
    #[schemars(length(min = 1))]
    pub agent: AgentId,
}

impl AgentKey {
    /// The id of the computer that this agent makes when it is the first one there: `provider/agent`.
    #[must_use]
    pub fn computer(&self) -> ComputerId {
        ComputerId::new(self.to_string())
    }
}

impl std::fmt::Display for AgentKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.provider, self.agent)
    }
}

/// A customer as a provider knows it: its company, client or whatever it calls it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClientRef {
    /// The provider's own id for it; where it has none, its name in lower case.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// An agent by which a computer can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Which one.
    pub key: AgentKey,
    /// Whether it answers, as its provider says.
    pub presence: Presence,
}

/// How the last attempt to reach a computer went.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Contact {
    /// It was never tried.
    #[default]
    Never,
    /// It answered.
    Reached,
    /// It did not answer.
    Unreachable {
        /// What happened.
        why: String,
    },
    /// It answered and refused us.
    Refused {
        /// What happened.
        why: String,
        /// What mends it.
        help: Option<String>,
    },
    /// It answered, and not what was asked.
    Failed {
        /// What happened.
        why: String,
    },
}
