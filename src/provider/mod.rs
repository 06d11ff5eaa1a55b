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

pub mod automate;
pub mod connectwise_rmm;
pub mod host;
mod link;
pub mod local;
pub(crate) mod page;
mod queued;
pub mod screenconnect;
mod shell;
pub mod simulated;
pub mod ssh;
mod totp;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::config::kind::Capability;
use crate::id::{AgentId, Name};
pub use crate::inventory::known::ClientRef;
use crate::inventory::relations::Belongings;
pub use crate::session::script::RunError;
use crate::session::script::{Bundle, BundleResult, Platform, Read, Write};
use crate::time::Limit;

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
    /// Its type: `local`, `ssh`, `screenconnect` and so on.
    pub kind: &'static str,
    /// What it can do.
    pub capabilities: BTreeSet<Capability>,
    /// How much at once.
    pub limits: Limits,
}

/// Whether an agent answers, as far as its provider knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Presence {
    /// The provider says it is online.
    Online,
    /// The provider says it is offline.
    Offline,
    /// The provider cannot tell; one has to try.
    Unknown,
}

/// A customer with what a provider says of it besides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientRecord {
    /// Which one.
    pub client: ClientRef,
    /// Its sites or locations, by name.
    pub sites: BTreeSet<String>,
    /// Its id in other systems, such as the PSA, where the provider knows one.
    pub external: Option<String>,
    /// How many computers it has there, if that is told without listing them.
    pub computers: Option<u64>,
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
    /// The provider's own customer that it belongs to; tenants map those (`Tenant.clients`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientRef>,
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

/// Lists a provider's customers.
pub trait ListClients: Send + Sync + fmt::Debug {
    /// All customers, sorted by id.
    ///
    /// # Errors
    /// [`ListError`] when the list is not complete.
    fn clients(&self) -> BoxFuture<'_, Result<Vec<ClientRecord>, ListError>>;
}

/// Makes links with which a person opens a remote session.
pub trait JoinLink: Send + Sync + fmt::Debug {
    /// The link for an agent's computer. Nothing is opened, and nobody is signed in.
    ///
    /// # Errors
    /// [`RunError`] when there is no such agent or the provider refuses.
    fn join_link<'a>(&'a self, agent: &'a AgentId) -> BoxFuture<'a, Result<String, RunError>>;
}

/// How an examination came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// As it should be.
    Good,
    /// It works, and something about it should be known.
    Notice,
    /// It does not work.
    Bad,
    /// It could not be found out.
    Unknown,
}

/// One thing that was looked at to see whether a provider can be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Examination {
    /// What was looked at, in a few words that stay the same: `reachable`, `credentials`, `clock`.
    pub what: String,
    /// How it came out.
    pub outcome: Outcome,
    /// What was found, in a sentence.
    pub found: String,
    /// What to do about it; nothing where it is good.
    pub remedy: Option<String>,
}

/// How many commands were left in a system that keeps each one in its database.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CommandCount {
    /// Commands, questions for answers among them.
    pub commands: u64,
    /// Computers that they went to.
    pub computers: u64,
}

/// Counts the commands that a provider has left in a system since it was built.
pub trait CountCommands: Send + Sync + fmt::Debug {
    /// The count until now.
    fn commands(&self) -> CommandCount;
}

/// Looks whether a provider can be used, and how well.
pub trait Examine: Send + Sync + fmt::Debug {
    /// Everything that was looked at, in the order in which one thing needs the other. Never fails: what fails is a
    /// finding.
    fn examine(&self) -> BoxFuture<'_, Vec<Examination>>;
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

/// Writes a custom property of an agent, where the provider has such properties by number.
pub trait SetProperty: Send + Sync + fmt::Debug {
    /// Sets the property with a number (from 1) to a text and leaves the others as they are.
    ///
    /// # Errors
    /// [`RunError`]; nothing was changed where [`RunError::nothing_ran`].
    fn set_property<'a>(
        &'a self,
        agent: &'a AgentId,
        number: u8,
        value: &'a str,
    ) -> BoxFuture<'a, Result<(), RunError>>;
}

/// The half of a provider that reads. Planning holds this one only.
#[derive(Debug, Clone)]
pub struct Reader {
    info: Arc<ProviderInfo>,
    list: Arc<dyn ListAgents>,
    detect: Arc<dyn Detect>,
    clients: Option<Arc<dyn ListClients>>,
    join: Option<Arc<dyn JoinLink>>,
    examine: Option<Arc<dyn Examine>>,
    count: Option<Arc<dyn CountCommands>>,
}

impl Reader {
    /// Builds it; `cli::context` does, and tests.
    #[must_use]
    pub fn new(info: Arc<ProviderInfo>, list: Arc<dyn ListAgents>, detect: Arc<dyn Detect>) -> Self {
        Self { info, list, detect, clients: None, join: None, examine: None, count: None }
    }

    /// The same with a list of the provider's customers.
    #[must_use]
    pub fn with_clients(self, clients: Arc<dyn ListClients>) -> Self {
        Self { clients: Some(clients), ..self }
    }

    /// The same with links for remote sessions.
    #[must_use]
    pub fn with_join_links(self, join: Arc<dyn JoinLink>) -> Self {
        Self { join: Some(join), ..self }
    }

    /// The same with somebody who looks whether it can be used.
    #[must_use]
    pub fn with_examination(self, examine: Arc<dyn Examine>) -> Self {
        Self { examine: Some(examine), ..self }
    }

    /// The same with a count of the commands that stay in its system.
    #[must_use]
    pub fn with_count(self, count: Arc<dyn CountCommands>) -> Self {
        Self { count: Some(count), ..self }
    }

    /// How many commands were left in its system until now, the writer's included; `None` where none stay.
    #[must_use]
    pub fn commands(&self) -> Option<CommandCount> {
        self.count.as_ref().map(|count| count.commands())
    }

    /// Who lists its customers, if it has any.
    #[must_use]
    pub fn clients(&self) -> Option<&dyn ListClients> {
        self.clients.as_deref()
    }

    /// Who makes links for remote sessions, if it can.
    #[must_use]
    pub fn join_links(&self) -> Option<&dyn JoinLink> {
        self.join.as_deref()
    }

    /// Who looks whether it can be used, where there is more to look at than its list.
    #[must_use]
    pub fn examination(&self) -> Option<&dyn Examine> {
        self.examine.as_deref()
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
    properties: Option<Arc<dyn SetProperty>>,
}

impl Writer {
    /// Builds it; `cli::context` does, and tests.
    #[must_use]
    pub fn new(info: Arc<ProviderInfo>, change: Arc<dyn Change>) -> Self {
        Self { info, change, properties: None }
    }

    /// The same with custom properties that can be written.
    #[must_use]
    pub fn with_properties(self, properties: Arc<dyn SetProperty>) -> Self {
        Self { properties: Some(properties), ..self }
    }

    /// Who writes custom properties, if its agents have any.
    #[must_use]
    pub fn properties(&self) -> Option<&dyn SetProperty> {
        self.properties.as_deref()
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
