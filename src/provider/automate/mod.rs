//! ConnectWise Automate: clients, locations, computers and groups, and commands to computers.
//!
//! Not here: how a bundle becomes commands (`provider::queued`, `session::envelope`).
//!
//! Invariants: a list is complete or an error; a computer belongs to the client that Automate says, never to a guess; every call
//! names what it asks for.

mod auth;
mod command;
mod doctor;
mod lists;
mod maintenance;
mod patches;
mod read;
#[cfg(test)]
mod tests;
mod wire;

use std::sync::Arc;

use futures_util::future::BoxFuture;

use self::auth::SignIn;
use self::command::Commands;
use self::maintenance::Modes;
use super::link::{self, Detail, Keys};
use super::queued::Desk;
use super::{
    AgentRecord, Capability, Change, ClientRecord, CommandCount, CountCommands, Detect, Examination, Examine,
    JoinLink, Latency, Limits, ListAgents, ListClients, ListError, ProviderInfo, Reader, RunError, Writer,
};
use crate::config::kind::{AutomateSpec, MaintenanceScripts, OnRecord};
use crate::http::api::{self, Call, SetupError};
use crate::id::{AgentId, Name};
use crate::session::script::{Bundle, BundleResult, Read, Write};
use crate::session::secrets::Secrets;
use crate::time::{Clock, Limit};

/// What it can do.
const CAPABILITIES: [Capability; 7] = [
    Capability::ListTenants,
    Capability::ListComputers,
    Capability::Presence,
    Capability::RunScript,
    Capability::RemoteSession,
    Capability::DeviceGroups,
    Capability::OsUpdates,
];
/// Computers worked on at once unless the link says otherwise.
const CONCURRENCY: u32 = 50;
/// Requests per minute unless the link says otherwise; the vendor publishes no limit.
const PER_MINUTE: u32 = 1200;
/// How long a computer that is online may take to begin: its agent checks in every few minutes.
const PICKUP: Limit = Limit::seconds(600);

/// What a link to Automate is built from.
pub struct AutomateSettings {
    /// The name of its document.
    pub name: Name,
    /// Its settings.
    pub spec: AutomateSpec,
    /// The text of its file of certificates.
    pub authorities: Option<String>,
    /// Where credentials are found.
    pub secrets: Arc<dyn Secrets>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// A link to Automate: both halves in one.
#[derive(Debug)]
pub struct Automate {
    info: Arc<ProviderInfo>,
    client: api::Client,
    has_groups: bool,
    desk: Desk,
    commands: Commands,
    /// The scripts that switch maintenance mode, if the settings name any.
    scripts: Option<MaintenanceScripts>,
    modes: Option<Arc<Modes>>,
}

impl Automate {
    /// A link. Nothing is asked yet.
    ///
    /// # Errors
    /// [`SetupError`] when its address or its certificates cannot be used.
    pub fn new(settings: AutomateSettings) -> Result<Self, SetupError> {
        let AutomateSettings { name, spec, authorities, secrets, clock } = settings;
        let link = spec.link.as_ref();
        let http = link::settings(&name, &spec.url, link, authorities.as_deref(), PER_MINUTE)?;
        let sign_in = SignIn { client_id: spec.client_id, account: spec.account, keys: Keys::new(secrets) };
        let client = api::Client::new(http, Arc::new(sign_in), Arc::clone(&clock))?;
        // Without the scripts it has not this capability.
        let mode = spec.maintenance_mode.as_ref().map(|_| Capability::MaintenanceMode);
        let of_type: Vec<Capability> = CAPABILITIES.into_iter().chain(mode).collect();
        let capabilities = link::capabilities(&of_type, link);
        let has_groups = spec.groups != Some(false) && capabilities.contains(&Capability::DeviceGroups);
        let pickup = link.and_then(|link| link.pickup_timeout).unwrap_or(PICKUP);
        let may_hold_secrets = link.and_then(|link| link.secrets).unwrap_or_default() == OnRecord::Allow;
        let limits = Limits {
            concurrency: link.and_then(|link| link.concurrency).unwrap_or(CONCURRENCY),
            latency: Latency::Minutes,
            connect: pickup,
        };
        Ok(Self {
            info: Arc::new(ProviderInfo {
                name: name.clone(),
                kind: "automate",
                capabilities,
                without: link::without(&of_type, link),
                limits,
            }),
            modes: spec
                .maintenance_mode
                .clone()
                .map(|scripts| Modes::new(name.clone(), client.clone(), scripts, pickup.duration())),
            scripts: spec.maintenance_mode,
            commands: Commands::new(name.clone(), client.clone()),
            desk: Desk::new(command::desk(name, pickup.duration(), may_hold_secrets), clock),
            client,
            has_groups,
        })
    }

    /// The half that reads.
    #[must_use]
    pub fn reader(self: &Arc<Self>) -> Reader {
        let reader = Reader::new(Arc::clone(&self.info), Arc::<Self>::clone(self), Arc::<Self>::clone(self));
        reader
            .with_clients(Arc::<Self>::clone(self))
            .with_join_links(Arc::<Self>::clone(self))
            .with_examination(Arc::<Self>::clone(self))
            .with_count(Arc::<Self>::clone(self))
            .with_updates(Arc::<Self>::clone(self))
    }

    /// The half that changes.
    #[must_use]
    pub fn writer(self: &Arc<Self>) -> Writer {
        let writer = Writer::new(Arc::clone(&self.info), Arc::<Self>::clone(self))
            .with_updates(Arc::<Self>::clone(self));
        match &self.modes {
            Some(modes) => writer.with_maintenance(Arc::<Modes>::clone(modes)),
            None => writer,
        }
    }

    async fn agents(&self, detail: Detail) -> Result<Vec<AgentRecord>, ListError> {
        let list = async {
            let mut groups = read::Groups::default();
            if self.has_groups {
                groups = read::Groups::new(lists::groups(&self.client).await?);
                lists::members(&self.client, |row| groups.join(row)).await?;
            }
            let mut agents = Vec::new();
            let take = |computer| agents.push(detail.of(read::agent(computer, &mut groups)));
            lists::computers(&self.client, take).await?;
            Ok(agents)
        };
        let agents = list.await.map_err(|error| link::list_error(&self.info.name, &error))?;
        // A computer that was moved to a later page while the list was read comes twice.
        Ok(link::one_of_each(agents, |a, b| read::number(a.id.as_str()).cmp(&read::number(b.id.as_str()))))
    }
}

impl ListAgents for Automate {
    fn list(&self) -> BoxFuture<'_, Result<Vec<AgentRecord>, ListError>> {
        Box::pin(self.agents(Detail::Whole))
    }

    fn list_briefly(&self) -> BoxFuture<'_, Result<Vec<AgentRecord>, ListError>> {
        Box::pin(self.agents(Detail::Brief))
    }
}

impl ListClients for Automate {
    fn clients(&self) -> BoxFuture<'_, Result<Vec<ClientRecord>, ListError>> {
        Box::pin(async move {
            let (clients, locations) = lists::clients(&self.client)
                .await
                .map_err(|error| link::list_error(&self.info.name, &error))?;
            Ok(read::clients(clients, locations))
        })
    }
}

impl JoinLink for Automate {
    fn join_link<'a>(&'a self, agent: &'a AgentId) -> BoxFuture<'a, Result<String, RunError>> {
        Box::pin(async move {
            let call =
                Call::get("the link to a remote session").at(lists::API).at("extensionactions/control");
            let link: Result<String, _> = self.client.json(&call.part(agent.as_str())).await;
            link.map_err(|error| link::run_error(&self.info.name, &error))
        })
    }
}

impl CountCommands for Automate {
    fn commands(&self) -> CommandCount {
        self.desk.count()
    }
}

impl Examine for Automate {
    fn examine(&self) -> BoxFuture<'_, Vec<Examination>> {
        let may = !self.info.without.contains(&Capability::MaintenanceMode);
        Box::pin(doctor::examine(&self.client, self.scripts.as_ref(), may))
    }
}

impl Detect for Automate {
    fn detect<'a>(
        &'a self,
        agent: &'a AgentId,
        bundle: &'a Bundle<Read>,
    ) -> BoxFuture<'a, Result<BundleResult, RunError>> {
        Box::pin(self.desk.detect(&self.commands, agent, bundle))
    }
}

impl Change for Automate {
    fn change<'a>(
        &'a self,
        agent: &'a AgentId,
        bundle: &'a Bundle<Write>,
    ) -> BoxFuture<'a, Result<BundleResult, RunError>> {
        Box::pin(self.desk.change(&self.commands, agent, bundle))
    }
}
