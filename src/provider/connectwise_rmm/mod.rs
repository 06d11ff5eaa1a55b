//! ConnectWise RMM (the Asio platform): companies, sites and endpoints, and scripts on computers.
//!
//! Not here: how a bundle becomes scripts (`provider::queued`, `session::envelope`).
//!
//! Invariants: a list is complete or an error; companies that are gone are not there, and neither are their computers; who is online is
//! told, or not known, and never guessed.

mod auth;
mod command;
mod doctor;
mod lists;
mod read;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use self::auth::SignIn;
use self::command::{Commands, Tasks};
use self::lists::Found;
use super::link::{self, Detail, Keys};
use super::policy::{PolicySetting, ReadPolicies};
use super::queued::Desk;
use super::{
    AgentRecord, Capability, Change, ClientRecord, CommandCount, CountCommands, Detect, Examination, Examine,
    Latency, Limits, ListAgents, ListClients, ListError, ProviderInfo, Reader, RunError, Writer,
};
use crate::config::kind::{ConnectwiseRmmSpec, OnRecord, RmmRegion};
use crate::http::api::{self, ApiError, Call, Fault, SetupError};
use crate::id::{AgentId, Name};
use crate::session::script::{Bundle, BundleResult, Read, Write};
use crate::session::secrets::Secrets;
use crate::time::{Clock, Limit};

/// What it can do.
const CAPABILITIES: [Capability; 4] =
    [Capability::ListTenants, Capability::ListComputers, Capability::Presence, Capability::RunScript];
/// Computers worked on at once unless the link says otherwise.
const CONCURRENCY: u32 = 25;
/// Requests per minute unless the link says otherwise: 500 in five minutes were told of.
const PER_MINUTE: u32 = 100;
/// How long a computer that is online may take to begin.
const PICKUP: Limit = Limit::seconds(600);
/// The longest that a used-up limit is waited for.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// What a link to ConnectWise RMM is built from.
pub struct ConnectwiseRmmSettings {
    /// The name of its document.
    pub name: Name,
    /// Its settings.
    pub spec: ConnectwiseRmmSpec,
    /// The text of its file of certificates.
    pub authorities: Option<String>,
    /// Where credentials are found.
    pub secrets: Arc<dyn Secrets>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// A link to ConnectWise RMM: both halves in one.
#[derive(Debug)]
pub struct ConnectwiseRmm {
    info: Arc<ProviderInfo>,
    client: api::Client,
    desk: Desk,
    commands: Commands,
    /// Where endpoints are, once policies were asked for.
    places: tokio::sync::OnceCell<BTreeMap<AgentId, (String, String)>>,
}

/// Where a region's API is.
const fn address(region: RmmRegion) -> &'static str {
    match region {
        RmmRegion::NorthAmerica => "https://openapi.service.itsupport247.net",
        RmmRegion::Europe => "https://openapi.service.euplatform.connectwise.com",
        RmmRegion::Australia => "https://openapi.service.auplatform.connectwise.com",
    }
}

impl ConnectwiseRmm {
    /// A link. Nothing is asked yet.
    ///
    /// # Errors
    /// [`SetupError`] when its address or its certificates cannot be used.
    pub fn new(settings: ConnectwiseRmmSettings) -> Result<Self, SetupError> {
        let ConnectwiseRmmSettings { name, spec, authorities, secrets, clock } = settings;
        let link = spec.link.as_ref();
        let url = spec.url.as_deref().unwrap_or_else(|| address(spec.region.unwrap_or_default()));
        let http = link::settings(&name, url, link, authorities.as_deref(), PER_MINUTE)?;
        let sign_in = SignIn {
            client_id: spec.client_id,
            client_secret: spec.client_secret,
            scopes: spec.scopes,
            keys: Keys::new(secrets),
            origin: http.base.origin().ascii_serialization(),
        };
        let client = api::Client::new(http, Arc::new(sign_in), Arc::clone(&clock))?;
        let pickup = link.and_then(|link| link.pickup_timeout).unwrap_or(PICKUP);
        let may_hold_secrets = link.and_then(|link| link.secrets).unwrap_or_default() == OnRecord::Allow;
        let limits = Limits {
            concurrency: link.and_then(|link| link.concurrency).unwrap_or(CONCURRENCY),
            latency: Latency::Minutes,
            connect: pickup,
        };
        let capabilities = link::capabilities(&CAPABILITIES, link);
        let tasks =
            Tasks::new(name.clone(), client.clone(), spec.templates.unwrap_or_default(), pickup.duration());
        Ok(Self {
            info: Arc::new(ProviderInfo {
                name: name.clone(),
                kind: "connectwise-rmm",
                capabilities,
                without: link::without(&CAPABILITIES, link),
                limits,
            }),
            commands: Commands { tasks, found: Found::default() },
            places: tokio::sync::OnceCell::new(),
            desk: Desk::new(command::desk(name, pickup.duration(), may_hold_secrets), clock),
            client,
        })
    }

    /// The half that reads.
    #[must_use]
    pub fn reader(self: &Arc<Self>) -> Reader {
        let reader = Reader::new(Arc::clone(&self.info), Arc::<Self>::clone(self), Arc::<Self>::clone(self));
        reader
            .with_clients(Arc::<Self>::clone(self))
            .with_examination(Arc::<Self>::clone(self))
            .with_count(Arc::<Self>::clone(self))
            .with_policies(Arc::<Self>::clone(self))
    }

    /// The half that changes.
    #[must_use]
    pub fn writer(self: &Arc<Self>) -> Writer {
        Writer::new(Arc::clone(&self.info), Arc::<Self>::clone(self))
    }

    /// The company and the site of each endpoint that has both, by the vendor's ids.
    async fn places(&self) -> Result<BTreeMap<AgentId, (String, String)>, ApiError> {
        let companies = read::in_use(lists::companies(&self.client).await?);
        let ids: Vec<String> = companies.into_iter().map(|company| company.id).collect();
        let mut places = BTreeMap::new();
        lists::devices(&self.client, &self.commands.found, &ids, |group| {
            let Some(site) = group.site else { return };
            let place =
                |device: wire::Device| (AgentId::new(&device.id), (group.company.clone(), site.clone()));
            places.extend(group.endpoints.into_iter().map(place));
        })
        .await?;
        Ok(places)
    }

    async fn policy(&self, agent: &AgentId) -> Result<BTreeMap<String, PolicySetting>, ListError> {
        let places = self.places.get_or_try_init(|| self.places()).await;
        let places = places.map_err(|error| self.list_error(&error))?;
        let Some((company, site)) = places.get(agent) else {
            let message = format!("it tells no site of {agent}, and policies go by sites");
            return Err(ListError::Failed { provider: self.info.name.clone(), message });
        };
        let call = |version: u8| {
            let call = Call::get("the effective policy of an endpoint");
            let call = call.at(&format!("api/platform/v{version}/policy/clients")).part(company);
            call.at("sites").part(site).at("endpoints").part(agent.as_str()).at("effective-policy")
        };
        let mut policy = self.client.json(&call(2)).await;
        if matches!(&policy, Err(error) if matches!(error.fault, Fault::NotFound(_))) {
            policy = self.client.json(&call(1)).await;
        }
        policy.map(read::policy).map_err(|error| self.list_error(&error))
    }

    fn list_error(&self, error: &ApiError) -> ListError {
        link::list_error(&self.info.name, error)
    }

    /// Waits until no limit is used up. That the limits cannot be read is no reason not to go on.
    async fn respect_limits(&self) {
        match lists::rate_limits(&self.client).await {
            Ok(limits) => {
                if let Some(wait) = read::used_up(&limits, self.client.server_time()) {
                    self.client.pause(wait.min(LONGEST_PAUSE));
                }
            }
            Err(error) => tracing::debug!(%error, "the rate limits are not known"),
        }
    }

    async fn agents(&self, detail: Detail) -> Result<Vec<AgentRecord>, ApiError> {
        self.respect_limits().await;
        let companies = read::in_use(lists::companies(&self.client).await?);
        let sites = lists::sites(&self.client).await?;
        let names = read::names(&companies, &sites);
        let ids: Vec<String> = names.companies.keys().cloned().collect();
        let (mut agents, mut peopled) = (Vec::new(), BTreeSet::new());
        let take = |group: wire::DevicesOfSite| {
            if !peopled.contains(&group.company) {
                peopled.insert(group.company.clone());
            }
            agents.extend(read::agents(group, &names).map(|agent| detail.of(agent)));
        };
        lists::devices(&self.client, &self.commands.found, &ids, take).await?;
        // What was moved to a later page while the list was read comes twice.
        let mut agents = link::one_of_each(agents, |a, b| a.id.cmp(&b.id));
        if detail == Detail::Brief {
            return Ok(agents);
        }
        for agent in &agents {
            if let Some(client) = &agent.client {
                self.commands.tasks.belongs(&agent.id, &client.id);
            }
        }
        if self.info.capabilities.contains(&Capability::Presence) {
            let peopled: Vec<String> = peopled.into_iter().collect();
            match lists::heartbeats(&self.client, &self.commands.found, &peopled).await {
                Ok(online) => agents
                    .iter_mut()
                    .for_each(|agent| agent.presence = read::presence(agent.id.as_str(), &online)),
                Err(error) => {
                    tracing::warn!(link = %self.info.name, %error, "who is online is not known");
                }
            }
        }
        Ok(agents)
    }
}

impl ListAgents for ConnectwiseRmm {
    fn list(&self) -> BoxFuture<'_, Result<Vec<AgentRecord>, ListError>> {
        Box::pin(async move { self.agents(Detail::Whole).await.map_err(|error| self.list_error(&error)) })
    }

    fn list_briefly(&self) -> BoxFuture<'_, Result<Vec<AgentRecord>, ListError>> {
        Box::pin(async move { self.agents(Detail::Brief).await.map_err(|error| self.list_error(&error)) })
    }
}

impl ReadPolicies for ConnectwiseRmm {
    fn policies<'a>(
        &'a self,
        agent: &'a AgentId,
    ) -> BoxFuture<'a, Result<BTreeMap<String, PolicySetting>, ListError>> {
        Box::pin(self.policy(agent))
    }
}

impl ListClients for ConnectwiseRmm {
    fn clients(&self) -> BoxFuture<'_, Result<Vec<ClientRecord>, ListError>> {
        Box::pin(async move {
            let lists = async {
                let companies = read::in_use(lists::companies(&self.client).await?);
                Ok((companies, read::sites_in_use(lists::sites(&self.client).await?)))
            };
            let (companies, sites) = lists.await.map_err(|error: ApiError| self.list_error(&error))?;
            Ok(read::clients(&companies, &sites))
        })
    }
}

impl CountCommands for ConnectwiseRmm {
    fn commands(&self) -> CommandCount {
        self.desk.count()
    }
}

impl Examine for ConnectwiseRmm {
    fn examine(&self) -> BoxFuture<'_, Vec<Examination>> {
        Box::pin(doctor::examine(&self.client, &self.commands.found, &self.commands.tasks))
    }
}

impl Detect for ConnectwiseRmm {
    fn detect<'a>(
        &'a self,
        agent: &'a AgentId,
        bundle: &'a Bundle<Read>,
    ) -> BoxFuture<'a, Result<BundleResult, RunError>> {
        Box::pin(self.desk.detect(&self.commands, agent, bundle))
    }
}

impl Change for ConnectwiseRmm {
    fn change<'a>(
        &'a self,
        agent: &'a AgentId,
        bundle: &'a Bundle<Write>,
    ) -> BoxFuture<'a, Result<BundleResult, RunError>> {
        Box::pin(self.desk.change(&self.commands, agent, bundle))
    }
}
