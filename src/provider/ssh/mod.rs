//! The ssh provider: computers from a host list or an inventory file, reached through OpenSSH's protocol.
//!
//! Not here: what a bundle's text is (`session::bundle`) and how much at once (the driver obeys [`Limits`]).
//!
//! Invariants: a host key that is not known is refused. A bundle's text goes to the shell's standard input, never into
//! a command (L9). A bundle that may have run is never sent again: a connection from the pool is tried by opening a
//! channel, and only that is repeated on a new connection.

mod auth;
mod client;
mod exec;
mod hosts;
mod inventory;
mod pool;
mod settings;

pub use inventory::{InventoryError, parse_inventory};
pub use settings::SshSettings;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use futures_util::future::BoxFuture;
use russh::Channel;
use russh::client::Msg;
use tokio::time::Instant;

use self::auth::Means;
use self::client::{Lease, Terms, within};
use self::hosts::KnownHosts;
use self::pool::Pool;
use self::settings::Endpoint;
use super::shell;
use super::{
    AgentRecord, Capability, Change, Detect, Latency, Limits, ListAgents, ListError, Presence, ProviderInfo,
    RunError,
};
use crate::config::kind::{Become, SshHost};
use crate::id::AgentId;
use crate::inventory::relations::Belongings;
use crate::session::script::{Bundle, BundleResult, Platform, Read, Write};
use crate::session::{bundle as text, frame};
use crate::time::Limit;

/// Computers reached over SSH. An agent's id is its host's name.
pub struct Ssh {
    info: Arc<ProviderInfo>,
    settings: SshSettings,
    pool: Arc<Pool>,
    hosts: Mutex<Option<Arc<BTreeMap<AgentId, SshHost>>>>,
    known: Mutex<Option<(Vec<Stamp>, Arc<KnownHosts>)>>,
}

/// What says whether a file is still the one that was read.
type Stamp = Option<(SystemTime, u64)>;

impl fmt::Debug for Ssh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ssh").field("info", &self.info).finish_non_exhaustive()
    }
}

impl Ssh {
    /// Takes over the settings; reads and connects nothing yet.
    #[must_use]
    pub fn new(settings: SshSettings) -> Self {
        let concurrency = settings.concurrency();
        let info = ProviderInfo {
            name: settings.name.clone(),
            kind: "ssh",
            capabilities: BTreeSet::from([Capability::ListComputers, Capability::RunScript]),
            limits: Limits { concurrency, latency: Latency::Interactive, connect: settings.connect() },
        };
        Self {
            info: Arc::new(info),
            pool: Pool::new(usize::try_from(concurrency).unwrap_or(32).saturating_mul(2)),
            settings,
            hosts: Mutex::default(),
            known: Mutex::default(),
        }
    }

    /// What is known of it without asking it.
    #[must_use]
    pub fn info(&self) -> Arc<ProviderInfo> {
        Arc::clone(&self.info)
    }

    /// The host list and the inventory file's, as one.
    fn load(&self) -> Result<Arc<BTreeMap<AgentId, SshHost>>, ListError> {
        let fault = |message: String| ListError::Settings { provider: self.info.name.clone(), message };
        let mut listed = self.settings.spec.hosts.clone();
        if let Some(path) = &self.settings.spec.inventory {
            let text = self.settings.inventory.as_ref();
            let text = text.ok_or_else(|| fault(format!("the inventory {path} is not in this revision")))?;
            listed.extend(parse_inventory(text).map_err(|errors| {
                let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
                fault(format!("the inventory {path} is wrong: {}", lines.join("; ")))
            })?);
        }
        let mut hosts = BTreeMap::new();
        for host in listed {
            if let Some(twice) = hosts.insert(AgentId::new(&host.name), host) {
                return Err(fault(format!("the host {} is listed twice", twice.name)));
            }
        }
        let hosts = Arc::new(hosts);
        *self.hosts.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&hosts));
        Ok(hosts)
    }

    fn host(&self, agent: &AgentId) -> Result<SshHost, RunError> {
        let loaded = self.hosts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let hosts = match loaded {
            Some(hosts) => hosts,
            None => self.load().map_err(|error| RunError::Unreachable(error.to_string()))?,
        };
        let unknown = || RunError::Unreachable(format!("provider {} has no host {agent}", self.info.name));
        hosts.get(agent).cloned().ok_or_else(unknown)
    }

    /// The known hosts; the files are read again only when they have changed.
    async fn known_hosts(&self) -> Result<Arc<KnownHosts>, RunError> {
        let paths = self.settings.known_hosts();
        let mut stamps: Vec<Stamp> = Vec::new();
        for path in &paths {
            let stamp = tokio::fs::metadata(path).await.ok();
            stamps.push(stamp.and_then(|data| Some((data.modified().ok()?, data.len()))));
        }
        if let Some((read, known)) = &*self.known.lock().unwrap_or_else(PoisonError::into_inner)
            && *read == stamps
        {
            return Ok(Arc::clone(known));
        }
        let mut files: Vec<(PathBuf, String)> = Vec::new();
        for path in paths {
            let text = match tokio::fs::read(&path).await {
                Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
                Err(error) => {
                    let message = format!("the known hosts in {} cannot be read: {error}", path.display());
                    return Err(RunError::Refused { message, help: None });
                }
            };
            files.push((path, text));
        }
        let known = Arc::new(KnownHosts::parse(&files));
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some((stamps, Arc::clone(&known)));
        Ok(known)
    }

    /// A connection to an endpoint, and whether it was there before.
    fn lease<'a>(
        &'a self,
        endpoint: &'a Endpoint,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<(Lease, bool), RunError>> {
        Box::pin(async move {
            let slot = self.pool.slot(endpoint);
            let mut place =
                within(deadline, endpoint, "another connection to it was made", slot.lock()).await?;
            if let Some(lease) = Pool::reuse(&mut place) {
                return Ok((lease, true));
            }
            let via = match &endpoint.via {
                Some(via) => Some(self.jump(via, deadline).await?),
                None => None,
            };
            let known = self.known_hosts().await?;
            let means = Means {
                agent: self.settings.agent(),
                agent_required: self.settings.spec.agent == Some(true),
            };
            let keep_alive = self.settings.spec.keep_alive.unwrap_or(Limit::seconds(15)).duration();
            let terms = Terms { known, means, keep_alive, deadline };
            let connection = client::connect(endpoint, via, terms).await?;
            Ok((self.pool.keep(endpoint, &mut place, connection), false))
        })
    }

    /// A connection to a jump host. One from the pool is asked for a sign of life first, because a target that does
    /// not answer cannot be told from a jump host that is gone.
    async fn jump(&self, endpoint: &Endpoint, deadline: Instant) -> Result<Lease, RunError> {
        let (lease, reused) = self.lease(endpoint, deadline).await?;
        if !reused {
            return Ok(lease);
        }
        let soon = Instant::now() + deadline.saturating_duration_since(Instant::now()) / 2;
        let alive = within(soon, endpoint, "it was asked for a sign of life", lease.handle.send_ping()).await;
        if matches!(alive, Ok(Ok(()))) && lease.usable() {
            return Ok(lease);
        }
        lease.spoil();
        Ok(self.lease(endpoint, deadline).await?.0)
    }

    /// A channel for one bundle. A connection from the pool that turns out dead is replaced once.
    async fn channel(&self, endpoint: &Endpoint) -> Result<(Lease, Channel<Msg>), RunError> {
        let limit = self.info.limits.connect.duration();
        let deadline = Instant::now() + limit;
        let (mut lease, reused) = self.lease(endpoint, deadline).await?;
        if reused {
            // Half the time, so that there is some left for a new connection.
            let soon = Instant::now() + limit / 2;
            let open = within(soon, endpoint, "a channel was opened", lease.handle.channel_open_session());
            match open.await {
                Ok(Ok(channel)) => return Ok((lease, channel)),
                Ok(Err(error @ russh::Error::ChannelOpenFailure(_))) => {
                    return Err(no_channel(endpoint, &error));
                }
                Ok(Err(_)) | Err(_) => lease.spoil(),
            }
            lease = self.lease(endpoint, deadline).await?.0;
        }
        let open = lease.handle.channel_open_session();
        match within(deadline, endpoint, "a channel was opened", open).await? {
            Ok(channel) => Ok((lease, channel)),
            Err(error) => Err(no_channel(endpoint, &error)),
        }
    }

    async fn run<A: Sync>(&self, agent: &AgentId, bundle: &Bundle<A>) -> Result<BundleResult, RunError> {
        let host = self.host(agent)?;
        let endpoint = self.settings.endpoint(&host).ok_or_else(|| RunError::Refused {
            message: format!("nobody says as whom to sign in on {agent}"),
            help: Some("set user in the provider's document".to_owned()),
        })?;
        let sudo = self.settings.spec.r#become == Some(Become::Sudo) && bundle.platform == Platform::Posix;
        let program = shell::program(bundle.platform).join(" ");
        let command = if sudo { format!("sudo -n {program}") } else { program };
        let marker = text::marker(bundle, &shell::nonce());
        let rendered = text::render(bundle, &marker);
        let (lease, channel) = self.channel(&endpoint).await?;
        let unfinished = SpoilOnDrop(Some(&lease));
        let answer =
            exec::exec(channel, &command, &rendered.text, shell::bound(bundle), bundle.limit()).await?;
        unfinished.finish();
        // Nothing on standard output: the bundle, which says something first of all, has not begun.
        if sudo && answer.stdout.is_empty() {
            let said = String::from_utf8_lossy(&answer.stderr);
            let refused = |line: &&str| match answer.status {
                Some(1) => line.starts_with("sudo"),
                Some(127) => line.contains("sudo"),
                _ => false,
            };
            if let Some(line) = said.lines().find(refused).map(shell::plain) {
                let user = &endpoint.user;
                return Err(RunError::Refused {
                    message: format!("{user} may not become administrator on {}: {line}", endpoint.address),
                    help: Some(format!("let sudo ask for no password: {user} ALL=(ALL) NOPASSWD: ALL")),
                });
            }
        }
        frame::read(bundle, &marker, &answer.stdout)
    }
}

/// Keeps a connection on which a bundle was left unfinished from carrying another.
struct SpoilOnDrop<'a>(Option<&'a Lease>);

impl SpoilOnDrop<'_> {
    fn finish(mut self) {
        self.0 = None;
    }
}

impl Drop for SpoilOnDrop<'_> {
    fn drop(&mut self) {
        if let Some(lease) = self.0 {
            lease.spoil();
        }
    }
}

fn no_channel(endpoint: &Endpoint, error: &russh::Error) -> RunError {
    let Endpoint { address, port, .. } = endpoint;
    match error {
        russh::Error::ChannelOpenFailure(_) => RunError::Refused {
            message: format!("{address} port {port} opens no session: {error}"),
            help: None,
        },
        _ => RunError::Unreachable(format!("{address} port {port}: {error}")),
    }
}

impl ListAgents for Ssh {
    fn list(&self) -> BoxFuture<'_, Result<Vec<AgentRecord>, ListError>> {
        Box::pin(async {
            let hosts = self.load()?;
            let record = |(id, host): (&AgentId, &SshHost)| {
                let mut attributes = BTreeMap::new();
                if let Some(endpoint) = self.settings.endpoint(host) {
                    attributes.insert("address".to_owned(), endpoint.address);
                    attributes.insert("port".to_owned(), endpoint.port.to_string());
                    attributes.insert("user".to_owned(), endpoint.user);
                }
                AgentRecord {
                    id: id.clone(),
                    name: host.name.clone(),
                    tenant: host.tenant.clone().or_else(|| self.settings.spec.tenant.clone()),
                    client: None,
                    platform: host.platform,
                    presence: Presence::Unknown,
                    tags: self.settings.tags(host),
                    attributes,
                    belongings: Belongings::default(),
                }
            };
            Ok(hosts.iter().map(record).collect())
        })
    }
}

impl Detect for Ssh {
    fn detect<'a>(
        &'a self,
        agent: &'a AgentId,
        bundle: &'a Bundle<Read>,
    ) -> BoxFuture<'a, Result<BundleResult, RunError>> {
        Box::pin(self.run(agent, bundle))
    }
}

impl Change for Ssh {
    fn change<'a>(
        &'a self,
        agent: &'a AgentId,
        bundle: &'a Bundle<Write>,
    ) -> BoxFuture<'a, Result<BundleResult, RunError>> {
        Box::pin(self.run(agent, bundle))
    }
}
