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
pub mod maintenance;
pub(crate) mod page;
pub mod policy;
mod queued;
pub mod screenconnect;
mod shell;
pub mod simulated;
pub mod ssh;
mod totp;
pub mod updates;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::maintenance::MaintenanceMode;
use self::policy::ReadPolicies;
pub use crate::config::kind::Capability;
use crate::id::{AgentId, Name};
use crate::inventory::facts::IdentityEvidence;
pub use crate::inventory::known::{ClientRef, Presence};
use crate::inventory::relations::Belongings;
pub use crate::session::script::RunError;
use crate::session::script::{Bundle, BundleResult, Platform, Read, Write};
use crate::time::{Limit, Timestamp};

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
    /// What it can do and may be used for.
    pub capabilities: BTreeSet<Capability>,
    /// What it could do and is not to be used for.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub without: BTreeSet<Capability>,
    /// How much at once.
    pub limits: Limits,
}

impl ProviderInfo {
    /// The same without these capabilities (`link.without`).
    #[must_use]
    pub fn without(mut self, without: &BTreeSet<Capability>) -> Self {
        self.without = self.capabilities.intersection(without).copied().collect();
        self.capabilities.retain(|capability| !without.contains(capability));
        self
    }

    fn without_scripts(&self) -> Arc<Self> {
        let scripts = BTreeSet::from([Capability::RunScript]);
        let without = self.without.union(&scripts).copied().collect();
        let mut info = self.clone().without(&scripts);
        info.without = without;
        Arc::new(info)
    }

    fn runs_scripts(&self) -> Result<(), RunError> {
        if !self.without.contains(&Capability::RunScript) {
            return Ok(());
        }
        Err(RunError::Refused {
            message: format!("{} is not to be used for scripts", self.name),
            help: Some(format!(
                "`link.without` of {} says so, or --through, which names other providers",
                self.name
            )),
        })
    }
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
    /// Anything else the provider says, for evidence. What names the computer stands here under the paths of the facts:
    /// `identity.uuid`, `identity.serial`, `identity.manufacturer`, `identity.model`, `identity.machineId`,
    /// `identity.osInstalled` (as in RFC 3339). `unsupported` says why no script can run there (IDN-14), `lastSeen` when one was seen
    /// that is not online.
    pub attributes: BTreeMap<String, String>,
    /// Site, groups, properties and who was signed in, as far as the provider says.
    #[serde(default, skip_serializing_if = "Belongings::is_empty")]
    pub belongings: Belongings,
}

impl AgentRecord {
    /// When it was seen last, where it is not online and the list says so.
    #[must_use]
    pub fn last_seen(&self) -> Option<Timestamp> {
        let text = self.attributes.get("lastSeen").filter(|_| self.presence != Presence::Online)?;
        text.parse().ok()
    }

    /// What the list says by itself of what names the computer (IDN-4); `None` where it says nothing of that. What has
    /// not the form it should have is left out.
    #[must_use]
    pub fn evidence(&self) -> Option<IdentityEvidence> {
        let text = |path: &str| {
            let text = self.attributes.get(path).map(|text| text.trim());
            text.filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let evidence = IdentityEvidence {
            uuid: text("identity.uuid"),
            serial: text("identity.serial"),
            manufacturer: text("identity.manufacturer"),
            model: text("identity.model"),
            board_serial: None,
            machine_id: text("identity.machineId"),
            generated_id: None,
            os_installed: text("identity.osInstalled").and_then(|text| text.parse().ok()),
        };
        (evidence != IdentityEvidence::default()).then_some(evidence)
    }
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

    /// The same agents, without attributes and perhaps without presence: for whoever needs no more than names and belongings,
    /// and as little memory as that takes.
    ///
    /// # Errors
    /// [`ListError`] when the list is not complete.
    fn list_briefly(&self) -> BoxFuture<'_, Result<Vec<AgentRecord>, ListError>> {
        let list = self.list();
        Box::pin(async move {
            let mut agents = list.await?;
            for agent in &mut agents {
                agent.attributes = BTreeMap::new();
            }
            Ok(agents)
        })
    }
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
    updates: Option<Arc<dyn updates::ReadUpdates>>,
    policies: Option<Arc<dyn ReadPolicies>>,
}

impl Reader {
    /// Builds it; `cli::context` does, and tests.
    #[must_use]
    pub fn new(info: Arc<ProviderInfo>, list: Arc<dyn ListAgents>, detect: Arc<dyn Detect>) -> Self {
        Self {
            info,
            list,
            detect,
            clients: None,
            join: None,
            examine: None,
            count: None,
            updates: None,
            policies: None,
        }
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

    /// The same provider, through which no script runs.
    #[must_use]
    pub fn without_scripts(self) -> Self {
        Self { info: self.info.without_scripts(), ..self }
    }

    /// The same with a count of the commands that stay in its system.
    #[must_use]
    pub fn with_count(self, count: Arc<dyn CountCommands>) -> Self {
        Self { count: Some(count), ..self }
    }

    /// The same with the policies of its system.
    #[must_use]
    pub fn with_policies(self, policies: Arc<dyn ReadPolicies>) -> Self {
        Self { policies: Some(policies), ..self }
    }

    /// Who tells which policies of its system hold, if it has any.
    #[must_use]
    pub fn policies(&self) -> Option<&dyn ReadPolicies> {
        self.policies.as_deref()
    }

    /// How many commands were left in its system until now, the writer's included; `None` where none stay.
    #[must_use]
    pub fn commands(&self) -> Option<CommandCount> {
        self.count.as_ref().map(|count| count.commands())
    }

    /// Who lists its customers, if it has any.
    #[must_use]
    pub fn clients(&self) -> Option<&dyn ListClients> {
        self.clients.as_deref().filter(|_| self.can(Capability::ListTenants))
    }

    /// Who makes links for remote sessions, if it can.
    #[must_use]
    pub fn join_links(&self) -> Option<&dyn JoinLink> {
        self.join.as_deref().filter(|_| self.can(Capability::RemoteSession))
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

    /// All agents; see [`ListAgents::list`]. What the provider is not to be used for is left out of them: presence is
    /// unknown then, and there are no groups.
    ///
    /// # Errors
    /// [`ListError`] when the list is not complete.
    pub async fn list(&self) -> Result<Vec<AgentRecord>, ListError> {
        self.list.list().await.map(|agents| self.used(agents))
    }

    /// The same agents, with no more than names and belongings; see [`ListAgents::list_briefly`].
    ///
    /// # Errors
    /// [`ListError`] when the list is not complete.
    pub async fn list_briefly(&self) -> Result<Vec<AgentRecord>, ListError> {
        self.list.list_briefly().await.map(|agents| self.used(agents))
    }

    /// The agents without what the provider is not to be used for.
    fn used(&self, mut agents: Vec<AgentRecord>) -> Vec<AgentRecord> {
        let without = &self.info.without;
        for agent in &mut agents {
            if without.contains(&Capability::Presence) {
                agent.presence = Presence::Unknown;
            }
            if without.contains(&Capability::DeviceGroups) {
                agent.belongings.groups = Arc::default();
            }
        }
        agents
    }

    fn can(&self, capability: Capability) -> bool {
        self.info.capabilities.contains(&capability)
    }

    /// Runs a bundle that reads; see [`Detect::detect`].
    ///
    /// # Errors
    /// [`RunError`]; refused where the provider is not to be used for scripts.
    pub async fn detect(&self, agent: &AgentId, bundle: &Bundle<Read>) -> Result<BundleResult, RunError> {
        self.info.runs_scripts()?;
        self.detect.detect(agent, bundle).await
    }
}

/// The half of a provider that changes computers. Only `apply` gets one.
#[derive(Debug, Clone)]
pub struct Writer {
    info: Arc<ProviderInfo>,
    change: Arc<dyn Change>,
    properties: Option<Arc<dyn SetProperty>>,
    updates: Option<Arc<dyn updates::StartUpdates>>,
    maintenance: Option<Arc<dyn MaintenanceMode>>,
}

impl Writer {
    /// Builds it; `cli::context` does, and tests.
    #[must_use]
    pub fn new(info: Arc<ProviderInfo>, change: Arc<dyn Change>) -> Self {
        Self { info, change, properties: None, updates: None, maintenance: None }
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

    /// The same with a maintenance mode that can be switched.
    #[must_use]
    pub fn with_maintenance(self, maintenance: Arc<dyn MaintenanceMode>) -> Self {
        Self { maintenance: Some(maintenance), ..self }
    }

    /// Who switches the maintenance mode of its agents' computers, if it can and may.
    #[must_use]
    pub fn maintenance(&self) -> Option<&dyn MaintenanceMode> {
        let may = self.info.capabilities.contains(&Capability::MaintenanceMode);
        self.maintenance.as_deref().filter(|_| may)
    }

    /// The same provider, through which no script runs.
    #[must_use]
    pub fn without_scripts(self) -> Self {
        Self { info: self.info.without_scripts(), ..self }
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
        self.info.runs_scripts()?;
        self.change.change(agent, bundle).await
    }
}

#[cfg(test)]
mod tests {
    use super::simulated::Simulated;
    use super::*;
    use crate::config::kind::SimulatedSpec;
    use crate::session::script::Platform;

    /// A provider of one computer in a group, without these.
    fn limited(without: &[Capability]) -> (Reader, Writer) {
        let fleet = "computers: [{ name: a, groups: [Desks] }]";
        let name = Name::new("lab").unwrap();
        let simulated = Arc::new(Simulated::new(name, &SimulatedSpec::default(), Some(fleet), None).unwrap());
        let mut info = ProviderInfo::clone(simulated.info());
        info.capabilities.insert(Capability::DeviceGroups);
        let info = Arc::new(info.without(&without.iter().copied().collect()));
        let reader = Reader::new(Arc::clone(&info), Arc::clone(&simulated) as _, Arc::clone(&simulated) as _);
        (reader, Writer::new(info, simulated))
    }

    #[tokio::test]
    async fn what_a_link_is_not_to_be_used_for_is_not_done_through_it() {
        let (reader, writer) = limited(&[Capability::RunScript, Capability::Presence, Capability::OsUpdates]);
        let listed = reader.list().await.unwrap();
        assert_eq!(listed.first().map(|agent| agent.presence), Some(Presence::Unknown));
        let agent = AgentId::new("a");
        let empty = Bundle::new(Platform::Posix, Vec::new(), BTreeMap::new());
        let refused = reader.detect(&agent, &empty).await.unwrap_err();
        assert!(
            refused.nothing_ran() && refused.to_string().contains("not to be used for scripts"),
            "{refused}"
        );
        let empty = Bundle::new(Platform::Posix, Vec::new(), BTreeMap::new());
        assert_eq!(writer.change(&agent, &empty).await, Err(refused));
        let without = &reader.info().without;
        assert!(!without.contains(&Capability::OsUpdates), "it could not do that anyway");
    }

    #[tokio::test]
    async fn groups_are_left_out_where_they_are_not_wanted() {
        let groups = async |without: &[Capability]| {
            let listed = limited(without).0.list().await.unwrap();
            listed
                .into_iter()
                .flat_map(|agent| Arc::unwrap_or_clone(agent.belongings.groups))
                .collect::<Vec<_>>()
        };
        assert_eq!(groups(&[]).await, ["Desks"]);
        assert_eq!(groups(&[Capability::DeviceGroups]).await, [""; 0]);
    }
}
