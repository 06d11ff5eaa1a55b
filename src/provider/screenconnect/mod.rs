//! ConnectWise Control (ScreenConnect): access sessions and commands to them, through the extension RESTful API Manager.
//!
//! Not here: how a bundle becomes commands (`provider::queued`, `session::envelope`).
//!
//! Invariants: a list is complete or an error. A session belongs to the customer that its custom property names, without
//! guessing. Only what is documented has to work; the built-in page services are asked for comfort alone.

mod calls;
mod command;
mod doctor;
mod join;
mod pages;
mod read;
mod wire;

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use self::calls::{Extension, Key, explained};
use self::command::Guests;
use self::read::{Meanings, PROPERTIES};
use super::link::{self, Detail, Keys};
use super::queued::Desk;
use super::{
    AgentRecord, Capability, Change, ClientRecord, CommandCount, CountCommands, Detect, Examination, Examine,
    JoinLink, Latency, Limits, ListAgents, ListClients, ListError, ProviderInfo, Reader, RunError,
    SetProperty, Writer,
};
use crate::config::kind::{OnRecord, ScreenconnectSpec};
use crate::http::api::{self, SetupError};
use crate::id::{AgentId, Name};
use crate::session::script::{Bundle, BundleResult, Read, Write};
use crate::session::secrets::Secrets;
use crate::time::{Clock, Limit};

/// What it can do.
const CAPABILITIES: [Capability; 5] = [
    Capability::ListTenants,
    Capability::ListComputers,
    Capability::Presence,
    Capability::RunScript,
    Capability::RemoteSession,
];
/// Computers worked on at once unless the link says otherwise.
const CONCURRENCY: u32 = 50;
/// Requests per minute unless the link says otherwise; the vendor publishes no limit.
const PER_MINUTE: u32 = 1200;
/// How long a computer that is online may take to begin.
const PICKUP: Limit = Limit::seconds(120);
/// The longest list that is taken, in bytes: several hundred thousand sessions.
const LONGEST: u64 = 1 << 30;

/// What a link to ScreenConnect is built from.
pub struct ScreenconnectSettings {
    /// The name of its document.
    pub name: Name,
    /// Its settings.
    pub spec: ScreenconnectSpec,
    /// The text of its file of certificates.
    pub authorities: Option<String>,
    /// Where credentials are found.
    pub secrets: Arc<dyn Secrets>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl fmt::Debug for ScreenconnectSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScreenconnectSettings").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A link to ScreenConnect: both halves in one.
#[derive(Debug)]
pub struct Screenconnect {
    info: Arc<ProviderInfo>,
    extension: Extension,
    /// The built-in page services, when there is an account.
    pages: Option<api::Client>,
    meanings: Meanings,
    desk: Desk,
    guests: Guests,
}

impl Screenconnect {
    /// A link. Nothing is asked yet.
    ///
    /// # Errors
    /// [`SetupError`] when its address or its certificates cannot be used.
    pub fn new(settings: ScreenconnectSettings) -> Result<Self, SetupError> {
        let ScreenconnectSettings { name, spec, authorities, secrets, clock } = settings;
        let link = spec.link.as_ref();
        let mut http = link::settings(&name, &spec.url, link, authorities.as_deref(), PER_MINUTE)?;
        http.longest = LONGEST;
        let keys = Keys::new(secrets);
        let origin = spec.origin.clone().unwrap_or_else(|| http.base.origin().ascii_serialization());
        let key = Key { keys: keys.clone(), secret: spec.secret.clone(), origin: origin.clone() };
        let pages = match spec.account.clone() {
            Some(account) => {
                let sign_in =
                    pages::SignIn { account, keys, origin: http.base.origin().ascii_serialization() };
                Some(api::Client::new(http.clone(), Arc::new(sign_in), Arc::clone(&clock))?)
            }
            None => None,
        };
        let extension = Extension::new(api::Client::new(http, Arc::new(key), Arc::clone(&clock))?);
        let pickup = link.and_then(|link| link.pickup_timeout).unwrap_or(PICKUP);
        let may_hold_secrets = link.and_then(|link| link.secrets).unwrap_or_default() == OnRecord::Allow;
        let info = ProviderInfo {
            name: name.clone(),
            kind: "screenconnect",
            capabilities: link::capabilities(&CAPABILITIES, link),
            without: link::without(&CAPABILITIES, link),
            limits: Limits {
                concurrency: link.and_then(|link| link.concurrency).unwrap_or(CONCURRENCY),
                latency: Latency::Seconds,
                connect: pickup,
            },
        };
        Ok(Self {
            info: Arc::new(info),
            pages,
            meanings: Meanings { company: spec.company_property.unwrap_or(1), group: spec.group_property },
            desk: Desk::new(command::desk(name.clone(), pickup.duration(), may_hold_secrets), clock),
            guests: Guests { name, extension: extension.clone() },
            extension,
        })
    }

    /// The half that reads.
    #[must_use]
    pub fn reader(self: &Arc<Self>) -> Reader {
        Reader::new(Arc::clone(&self.info), Arc::<Self>::clone(self), Arc::<Self>::clone(self))
            .with_clients(Arc::<Self>::clone(self))
            .with_join_links(Arc::<Self>::clone(self))
            .with_examination(Arc::<Self>::clone(self))
            .with_count(Arc::<Self>::clone(self))
    }

    /// The half that changes.
    #[must_use]
    pub fn writer(self: &Arc<Self>) -> Writer {
        Writer::new(Arc::clone(&self.info), Arc::<Self>::clone(self))
            .with_properties(Arc::<Self>::clone(self))
    }

    /// How the connection to the server is, now and at every change.
    #[must_use]
    pub fn condition(&self) -> tokio::sync::watch::Receiver<api::Condition> {
        self.extension.client().condition()
    }

    async fn agents(&self, detail: Detail) -> Result<Vec<AgentRecord>, ListError> {
        let agents = self.listed(detail).await?;
        let Some(pages) = &self.pages else { return Ok(agents) };
        if !is_short(&agents, pages::count(pages).await) {
            return Ok(agents);
        }
        // Sessions may have come between the two.
        drop(agents);
        let agents = self.listed(detail).await?;
        let counted = pages::count(pages).await;
        if !is_short(&agents, counted.clone()) {
            return Ok(agents);
        }
        let counted = counted.unwrap_or_default();
        let message = format!(
            "it lists {} access sessions, and its report of sessions counts {counted} (without `account` it is not counted)",
            agents.len()
        );
        Err(ListError::Failed { provider: self.info.name.clone(), message })
    }

    async fn listed(&self, detail: Detail) -> Result<Vec<AgentRecord>, ListError> {
        let mut common = read::Common::default();
        let agent = |session| read::agent(session, self.meanings, &mut common).map(|agent| detail.of(agent));
        let agents = self.extension.sessions(agent).await;
        agents.map(read::agents).map_err(|error| link::list_error(&self.info.name, &explained(error)))
    }

    fn none(&self, agent: &AgentId) -> RunError {
        RunError::Unreachable(format!("{} has no access session {agent}", self.info.name))
    }

    fn failed(&self, error: api::ApiError) -> RunError {
        link::run_error(&self.info.name, &explained(error))
    }
}

/// Whether the server itself counts more. A count that cannot be had says nothing: it is no part of the documented calls.
fn is_short(agents: &[AgentRecord], counted: Result<u64, api::ApiError>) -> bool {
    match counted {
        Ok(counted) => (agents.len() as u64) < counted,
        Err(error) => {
            tracing::debug!(%error, "sessions are not counted");
            false
        }
    }
}

impl ListAgents for Screenconnect {
    fn list(&self) -> BoxFuture<'_, Result<Vec<AgentRecord>, ListError>> {
        Box::pin(self.agents(Detail::Whole))
    }

    fn list_briefly(&self) -> BoxFuture<'_, Result<Vec<AgentRecord>, ListError>> {
        Box::pin(self.agents(Detail::Brief))
    }
}

impl ListClients for Screenconnect {
    fn clients(&self) -> BoxFuture<'_, Result<Vec<ClientRecord>, ListError>> {
        Box::pin(async move { Ok(read::clients(&self.agents(Detail::Brief).await?)) })
    }
}

impl JoinLink for Screenconnect {
    fn join_link<'a>(&'a self, agent: &'a AgentId) -> BoxFuture<'a, Result<String, RunError>> {
        Box::pin(async move {
            let session = self.extension.session(agent).await.map_err(|error| self.failed(error))?;
            let session = session.filter(read::is_agent).ok_or_else(|| self.none(agent))?;
            let groups = match &self.pages {
                // Without a group the link works as well, and shows no others beside the session.
                Some(pages) => pages::groups(pages).await.unwrap_or_default(),
                None => Vec::new(),
            };
            let id = session.id.trim().to_ascii_lowercase();
            Ok(join::link(self.extension.client().base(), join::whole(&groups), &id))
        })
    }
}

impl SetProperty for Screenconnect {
    fn set_property<'a>(
        &'a self,
        agent: &'a AgentId,
        number: u8,
        value: &'a str,
    ) -> BoxFuture<'a, Result<(), RunError>> {
        Box::pin(async move {
            let session = self.extension.session(agent).await.map_err(|error| self.failed(error))?;
            let session = session.filter(read::is_agent).ok_or_else(|| self.none(agent))?;
            // The call replaces all eight, and one that is not known would be emptied.
            let mut values = read::properties(&session);
            let at = usize::from(number).wrapping_sub(1);
            let known = values.get_mut(at).filter(|_| read::tells_properties(&session));
            let Some(known) = known else {
                let message = if at < PROPERTIES {
                    format!("{} does not tell the custom properties of {agent}", self.info.name)
                } else {
                    format!("there is no custom property {number}")
                };
                return Err(RunError::Refused { message, help: None });
            };
            if known == value {
                return Ok(());
            }
            value.clone_into(known);
            self.extension.set_properties(agent, &values).await.map_err(|error| self.failed(error))
        })
    }
}

impl CountCommands for Screenconnect {
    fn commands(&self) -> CommandCount {
        self.desk.count()
    }
}

impl Examine for Screenconnect {
    fn examine(&self) -> BoxFuture<'_, Vec<Examination>> {
        Box::pin(doctor::examine(self))
    }
}

impl Detect for Screenconnect {
    fn detect<'a>(
        &'a self,
        agent: &'a AgentId,
        bundle: &'a Bundle<Read>,
    ) -> BoxFuture<'a, Result<BundleResult, RunError>> {
        Box::pin(self.desk.detect(&self.guests, agent, bundle))
    }
}

impl Change for Screenconnect {
    fn change<'a>(
        &'a self,
        agent: &'a AgentId,
        bundle: &'a Bundle<Write>,
    ) -> BoxFuture<'a, Result<BundleResult, RunError>> {
        Box::pin(self.desk.change(&self.guests, agent, bundle))
    }
}
