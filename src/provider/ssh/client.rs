//! One connection: reaching a host, checking its key, the key exchange.
//!
//! Not here: signing in (`auth`), sharing connections (`pool`), running bundles (`exec`).
//!
//! Invariants: every wait ends at the deadline. A host whose key is not known gets nothing of ours, not even a user's
//! name.

use std::borrow::Cow;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use russh::client::{self, Handle};
use russh::keys::{Algorithm, PublicKeyOrCertificate};
use russh::{Preferred, cipher, kex, mac};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::auth::{self, Means};
use super::hosts::{KnownHosts, Refusal};
use super::settings::Endpoint;
use crate::provider::{RunError, shell};

/// Key exchanges, cheap ones first; the first is safe against quantum computers and costs little more than the second.
const EXCHANGES: &[kex::Name] = &[
    kex::MLKEM768X25519_SHA256,
    kex::CURVE25519,
    kex::CURVE25519_PRE_RFC_8731,
    kex::ECDH_SHA2_NISTP256,
    kex::ECDH_SHA2_NISTP384,
    kex::DH_G14_SHA256,
    kex::DH_G16_SHA512,
    kex::DH_GEX_SHA256,
    kex::EXTENSION_SUPPORT_AS_CLIENT,
    kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT,
];
const CIPHERS: &[cipher::Name] = &[
    cipher::AES_128_GCM,
    cipher::CHACHA20_POLY1305,
    cipher::AES_256_GCM,
    cipher::AES_128_CTR,
    cipher::AES_256_CTR,
];
const MACS: &[mac::Name] = &[mac::HMAC_SHA256_ETM, mac::HMAC_SHA512_ETM, mac::HMAC_SHA256, mac::HMAC_SHA512];

/// Checks the key that a host shows.
#[derive(Debug)]
pub(super) struct HostKeys {
    known: Arc<KnownHosts>,
    address: String,
    port: u16,
    direct: bool,
}

/// Why a connection came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    #[error("{0}")]
    Protocol(#[from] russh::Error),
    #[error("{}", .0.message)]
    Refused(Refusal),
}

impl client::Handler for HostKeys {
    type Error = Broken;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Broken> {
        // No certificate is asked for, so none comes; one that does is refused.
        let PublicKeyOrCertificate::PublicKey { key, .. } = shown else { return Ok(false) };
        match self.known.refusal(&self.address, self.port, self.direct, key) {
            None => Ok(true),
            Some(refusal) => Err(Broken::Refused(refusal)),
        }
    }
}

/// A connection that is signed in.
pub(super) struct Connection {
    pub(super) handle: Handle<HostKeys>,
    users: AtomicUsize,
    spoilt: AtomicBool,
    last: std::sync::Mutex<Instant>,
    /// The connection to the jump host that carries this one.
    _via: Option<Lease>,
}

impl Connection {
    /// Whether it can carry another bundle, as far as is known without asking the host.
    pub(super) fn usable(&self) -> bool {
        !self.handle.is_closed() && !self.spoilt.load(Ordering::Relaxed)
    }

    /// Since when it has been idle; `None` while it is in use.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        if self.users.load(Ordering::Acquire) > 0 {
            return None;
        }
        self.last.lock().ok().map(|last| *last)
    }
}

/// Keeps a connection from being closed as idle.
pub(super) struct Lease(Arc<Connection>);

impl Lease {
    pub(super) fn new(connection: Arc<Connection>) -> Self {
        connection.users.fetch_add(1, Ordering::AcqRel);
        Self(connection)
    }

    /// Marks the connection so that nobody else gets it.
    pub(super) fn spoil(&self) {
        self.0.spoilt.store(true, Ordering::Relaxed);
    }
}

impl std::ops::Deref for Lease {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.0
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Ok(mut last) = self.0.last.lock() {
            *last = Instant::now();
        }
        self.0.users.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Waits until the deadline at most.
///
/// # Errors
/// [`RunError::Unreachable`] when it has passed.
pub(super) async fn within<T>(
    deadline: Instant,
    endpoint: &Endpoint,
    doing: &str,
    work: impl Future<Output = T>,
) -> Result<T, RunError> {
    timeout_at(deadline, work).await.map_err(|_| {
        let Endpoint { address, port, .. } = endpoint;
        RunError::Unreachable(format!("{address} port {port} did not answer in time while {doing}"))
    })
}

/// What connecting needs besides the endpoint.
pub(super) struct Terms<'a> {
    pub(super) known: Arc<KnownHosts>,
    pub(super) means: Means<'a>,
    pub(super) keep_alive: Duration,
    pub(super) deadline: Instant,
}

/// Connects and signs in, through `via` if there is one.
///
/// # Errors
/// [`RunError::Unreachable`] and [`RunError::Refused`]: nothing ran.
pub(super) async fn connect(
    endpoint: &Endpoint,
    via: Option<Lease>,
    terms: Terms<'_>,
) -> Result<Connection, RunError> {
    let Terms { known, means, keep_alive, deadline } = terms;
    let Endpoint { address, port, .. } = endpoint;
    let config = config(known.algorithms(address, *port), keep_alive);
    let keys = HostKeys { known, address: address.clone(), port: *port, direct: via.is_none() };
    let mut handle = if let Some(jump) = &via {
        let open = jump.handle.channel_open_direct_tcpip(address, u32::from(*port), "127.0.0.1", 0);
        let channel = within(deadline, endpoint, "being reached through the jump host", open).await?;
        let channel = channel.map_err(|error| {
            if matches!(error, russh::Error::ChannelOpenFailure(_)) {
                let place = endpoint.via.as_ref().map_or("", |via| &via.address);
                RunError::Unreachable(format!("{place} does not reach {address} port {port}: {error}"))
            } else {
                jump.spoil();
                RunError::Unreachable(format!("the connection to the jump host broke: {error}"))
            }
        })?;
        exchange(config, channel.into_stream(), keys, endpoint, deadline).await?
    } else {
        let stream = reach(endpoint, deadline).await?;
        exchange(config, stream, keys, endpoint, deadline).await?
    };
    auth::sign_in(&mut handle, endpoint, means, deadline).await?;
    Ok(Connection {
        handle,
        users: AtomicUsize::new(0),
        spoilt: AtomicBool::new(false),
        last: std::sync::Mutex::new(Instant::now()),
        _via: via,
    })
}

fn config(algorithms: Vec<Algorithm>, keep_alive: Duration) -> Arc<client::Config> {
    let preferred = Preferred {
        kex: Cow::Borrowed(EXCHANGES),
        key: Cow::Owned(algorithms),
        cipher: Cow::Borrowed(CIPHERS),
        mac: Cow::Borrowed(MACS),
        ..Preferred::DEFAULT
    };
    Arc::new(client::Config {
        preferred,
        keepalive_interval: Some(keep_alive),
        keepalive_max: 3,
        nodelay: true,
        ..client::Config::default()
    })
}

/// Exchanges keys over a stream.
async fn exchange<S>(
    config: Arc<client::Config>,
    stream: S,
    keys: HostKeys,
    endpoint: &Endpoint,
    deadline: Instant,
) -> Result<Handle<HostKeys>, RunError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Endpoint { address, port, .. } = endpoint;
    let work = client::connect_stream(config, stream, keys);
    within(deadline, endpoint, "keys were exchanged", work).await?.map_err(|error| match error {
        Broken::Refused(Refusal { message, help }) => RunError::Refused { message, help: Some(help) },
        Broken::Protocol(error @ russh::Error::NoCommonAlgo { .. }) => RunError::Refused {
            message: format!(
                "{address} port {port} speaks another SSH: {}",
                shell::plain(&error.to_string())
            ),
            help: None,
        },
        Broken::Protocol(error @ (russh::Error::UnknownKey | russh::Error::WrongServerSig)) => {
            RunError::Refused {
                message: format!(
                    "{address} port {port} did not prove who it is: {}",
                    shell::plain(&error.to_string())
                ),
                help: None,
            }
        }
        Broken::Protocol(error) => RunError::Unreachable(format!(
            "{address} port {port} broke off the key exchange: {}",
            shell::plain(&error.to_string())
        )),
    })
}

/// Finds the addresses of a name and connects to the first that answers.
async fn reach(endpoint: &Endpoint, deadline: Instant) -> Result<TcpStream, RunError> {
    let Endpoint { address, port, .. } = endpoint;
    let lookup = tokio::net::lookup_host((address.as_str(), *port));
    let found = within(deadline, endpoint, "its name was resolved", lookup).await?;
    let addresses: Vec<_> = found
        .map_err(|error| RunError::Unreachable(format!("the name {address} cannot be resolved: {error}")))?
        .collect();
    let mut last = RunError::Unreachable(format!("the name {address} has no address"));
    for (index, socket) in addresses.iter().enumerate() {
        let left = u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
        let share = deadline.saturating_duration_since(Instant::now()) / left;
        last = match within(Instant::now() + share, endpoint, "connecting", TcpStream::connect(socket)).await
        {
            Ok(Ok(stream)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "TCP_NODELAY is not set");
                }
                return Ok(stream);
            }
            Ok(Err(error)) => RunError::Unreachable(format!("{address} port {port}: {}", in_words(&error))),
            Err(late) => late,
        };
    }
    Err(last)
}

fn in_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::HostUnreachable => "no route to the host".to_owned(),
        io::ErrorKind::NetworkUnreachable => "no route to its network".to_owned(),
        _ => error.to_string(),
    }
}
