//! The seams to the systems that reach computers: list agents, run a bundle that reads, run a bundle that changes.
//!
//! Adapters implement these and decide nothing. What a provider can do and how much at once is data.
//!
//! Invariants: code that plans holds a [`Reader`] only, which has no way to a [`Writer`] (L2). A list is complete or an
//! error, never a part (L3).
//!
//! Planning code cannot write, because a reader takes only bundles of reading steps …
//!
//! ```
//! use muster::{id::AgentId, provider::Reader, session::script::{Bundle, Read}};
//! async fn plan(reader: &Reader, agent: &AgentId, bundle: &Bundle<Read>) {
//!     _ = reader.detect(agent, bundle).await;
//! }
//! ```
//!
//! … the bundle that changes is of another type …
//!
//! ```compile_fail,E0308
//! use muster::{id::AgentId, provider::Reader, session::script::{Bundle, Write}};
//! async fn plan(reader: &Reader, agent: &AgentId, bundle: &Bundle<Write>) {
//!     _ = reader.detect(agent, bundle).await;
//! }
//! ```
//!
//! … and a reader has no method that changes anything.
//!
//! ```compile_fail,E0599
//! use muster::{id::AgentId, provider::Reader, session::script::{Bundle, Write}};
//! async fn plan(reader: &Reader, agent: &AgentId, bundle: &Bundle<Write>) {
//!     _ = reader.change(agent, bundle).await;
//! }
//! ```

pub mod host;
pub mod local;
pub(crate) mod page;
mod shell;
pub mod simulated;
pub mod ssh;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{AgentId, Name};
pub use crate::inventory::known::Presence;
use crate::inventory::relations::Belongings;
pub use crate::session::script::RunError;
use crate::session::script::{Bundle, BundleResult, Platform, Read, Write};
use crate::time::Limit;

/// Something a provider can do (design §9). What is not declared cannot be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// List tenants.
    ListTenants,
    /// List computers.
    ListComputers,
    /// Say who is online without contacting each computer.
    Presence,
    /// Run scripts.
    RunScript,
    /// Open a remote session for a person.
    RemoteSession,
    /// Switch maintenance mode.
    MaintenanceMode,
    /// Install approved updates of the operating system.
    OsUpdates,
    /// Groups of devices of its own.
    DeviceGroups,
    /// Hand out a token that lets its agent be removed.
    UninstallToken,
    /// Report events by itself.
    Events,
}

/// How long one round trip to a computer usually takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Latency {
    /// Well under a second.
    Interactive,
    /// Seconds.
    Seconds,
    /// Minutes: the agent polls.
    Minutes,
}

/// How much may be asked of a provider at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// Computers worked on at the same time.
    pub concurrency: u32,
    /// Usual length of a round trip.
    pub latency: Latency,
    /// How long reaching a computer may take.
    pub connect: Limit,
}

/// What is known of a provider without asking it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProviderInfo {
    /// The name of its document.
    pub name: Name,
    /// Its type: `local`, `ssh`, `simulated`.
    pub kind: &'static str,
    /// What it can do.
    pub capabilities: BTreeSet<Capability>,
    /// How much at once.
    pub limits: Limits,
}

/// One provider's record of one computer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentRecord {
    /// The provider's own id for it.
    pub id: AgentId,
    /// The name people know it by; usually the host name.
    pub name: String,
    /// The tenant it belongs to, if the provider's settings say so.
    pub tenant: Option<Name>,
    /// The platform, if it is known before the first contact.
    pub platform: Option<Platform>,
    /// Whether it answers.
    pub presence: Presence,
    /// Tags that the provider's own list gives it.
    pub tags: BTreeSet<String>,
    /// Anything else the provider says, for evidence.
    pub attributes: BTreeMap<String, String>,
    /// Site, groups, properties and who was signed in, as far as the provider says.
    #[serde(default, skip_serializing_if = "Belongings::is_empty")]
    pub belongings: Belongings,
}

/// Why a list could not be had. A list that broke off is such a failure (L3).
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The provider's own settings or files are wrong.
    #[error("provider {provider}: {message}")]
    Settings {
        /// The provider.
        provider: Name,
        /// What is wrong.
        message: String,
    },
    /// The system behind it failed or answered nonsense.
    #[error("provider {provider} did not give a complete list: {message}")]
    Failed {
        /// The provider.
        provider: Name,
        /// What happened.
        message: String,
    },
}

/// Lists a provider's agents.
pub trait ListAgents: Send + Sync + fmt::Debug {
    /// All agents, in a stable order.
    ///
    /// # Errors
    /// [`ListError`] when the list is not complete.
    fn list(&self) -> BoxFuture<'_, Result<Vec<AgentRecord>, ListError>>;
}

/// Runs bundles of reading steps.
pub trait Detect: Send + Sync + fmt::Debug {
    /// Runs `bundle` on the agent's computer in one round trip.
    ///
    /// # Guarantees
    /// A result for every step, or an error for the whole. Never longer than the bundle's limit and the connect limit.
    /// Dropping the future stops waiting; the bundle's own watchdogs end what still runs.
    ///
    /// # Errors
    /// [`RunError`].
    fn detect<'a>(
        &'a self,
        agent: &'a AgentId,
        bundle: &'a Bundle<Read>,
    ) -> BoxFuture<'a, Result<BundleResult, RunError>>;
}

/// Runs bundles that may change the computer.
pub trait Change: Send + Sync + fmt::Debug {
    /// Runs `bundle` on the agent's computer; the same guarantees as [`Detect::detect`].
    ///
    /// # Errors
    /// [`RunError`]; [`RunError::nothing_ran`] says whether it is certain that nothing was changed.
    fn change<'a>(
        &'a self,
        agent: &'a AgentId,
        bundle: &'a Bundle<Write>,
    ) -> BoxFuture<'a, Result<BundleResult, RunError>>;
}

/// The half of a provider that reads. Planning holds this one only.
#[derive(Debug, Clone)]
pub struct Reader {
    info: Arc<ProviderInfo>,
    list: Arc<dyn ListAgents>,
    detect: Arc<dyn Detect>,
}

impl Reader {
    /// Builds it; `cli::context` does, and tests.
    #[must_use]
    pub fn new(info: Arc<ProviderInfo>, list: Arc<dyn ListAgents>, detect: Arc<dyn Detect>) -> Self {
        Self { info, list, detect }
    }

    /// What is known of the provider without asking it.
    #[must_use]
    pub fn info(&self) -> &ProviderInfo {
        &self.info
    }

    /// All agents; see [`ListAgents::list`].
    ///
    /// # Errors
    /// [`ListError`] when the list is not complete.
    pub async fn list(&self) -> Result<Vec<AgentRecord>, ListError> {
        self.list.list().await
    }

    /// Runs a bundle that reads; see [`Detect::detect`].
    ///
    /// # Errors
    /// [`RunError`].
    pub async fn detect(&self, agent: &AgentId, bundle: &Bundle<Read>) -> Result<BundleResult, RunError> {
        self.detect.detect(agent, bundle).await
    }
}

/// The half of a provider that changes computers. Only `apply` gets one.
#[derive(Debug, Clone)]
pub struct Writer {
    info: Arc<ProviderInfo>,
    change: Arc<dyn Change>,
}

impl Writer {
    /// Builds it; `cli::context` does, and tests.
    #[must_use]
    pub fn new(info: Arc<ProviderInfo>, change: Arc<dyn Change>) -> Self {
        Self { info, change }
    }

    /// What is known of the provider without asking it.
    #[must_use]
    pub fn info(&self) -> &ProviderInfo {
        &self.info
    }

    /// Runs a bundle that changes; see [`Change::change`].
    ///
    /// # Errors
    /// [`RunError`].
    pub async fn change(&self, agent: &AgentId, bundle: &Bundle<Write>) -> Result<BundleResult, RunError> {
        self.change.change(agent, bundle).await
    }
}
