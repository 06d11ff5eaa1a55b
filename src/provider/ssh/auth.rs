//! Signing in with keys: those of the agent first, then key files, until the first that is accepted.
//!
//! Not here: passwords, which Muster does not use for SSH.
//!
//! Invariants: every wait ends at the deadline. After the first success nothing more is tried. A key file that is
//! protected by a passphrase is not opened: the agent is for those.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use russh::client::{AuthResult, Handle};
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::{AgentClient, AgentStream};
use russh::keys::{HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKey};
use tokio::time::Instant;

use super::client::{HostKeys, within};
use super::hosts::{quote, quote_path};
use super::settings::Endpoint;
use crate::provider::{RunError, shell};

/// What is there to sign in with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Means<'a> {
    /// The agent's socket, if the agent is to be used.
    pub(super) agent: Option<&'a Path>,
    /// Whether it is a fault when the agent cannot be reached.
    pub(super) agent_required: bool,
}

/// What came of a key file.
enum KeyFile {
    Ready(Box<PrivateKey>),
    /// Protected by a passphrase; the public half is known for OpenSSH's own format.
    Protected(Option<PublicKey>),
    Unreadable(String),
    Missing,
}

/// What was tried, for the refusal's text.
#[derive(Default)]
struct Tried {
    keys: Vec<String>,
    notes: Vec<String>,
    protected: Option<PathBuf>,
    readable: Option<PathBuf>,
}

/// Signs in.
///
/// # Errors
/// [`RunError::Refused`] when no key is accepted, [`RunError::Unreachable`] when the answer does not come in time.
pub(super) async fn sign_in(
    handle: &mut Handle<HostKeys>,
    endpoint: &Endpoint,
    means: Means<'_>,
    deadline: Instant,
) -> Result<(), RunError> {
    let mut tried = Tried::default();
    let mut files = Vec::new();
    for path in &endpoint.identities {
        files.push((path, load(path).await));
    }
    let wanted: Vec<&PublicKey> = files
        .iter()
        .filter_map(|(_, file)| match file {
            KeyFile::Ready(key) => Some(key.public_key()),
            KeyFile::Protected(key) => key.as_ref(),
            _ => None,
        })
        .collect();
    let mut offered = Vec::new();
    if let Some(socket) = means.agent {
        let with_agent = agent(handle, endpoint, socket, &wanted, &mut offered, &mut tried, deadline).await?;
        match with_agent {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(why) if means.agent_required => tried.notes.push(why),
            Err(why) => tracing::debug!(%why, "the SSH agent is not used"),
        }
    } else if means.agent_required {
        tried.notes.push("there is no SSH agent (SSH_AUTH_SOCK is not set)".to_owned());
    }
    for (path, file) in files {
        match file {
            KeyFile::Ready(key) => {
                tried.readable.get_or_insert_with(|| path.clone());
                if offered.contains(key.public_key().key_data()) {
                    continue;
                }
                tried.keys.push(format!("{} ({})", fingerprint(key.public_key()), path.display()));
                let hash = rsa_hash(handle, key.public_key(), deadline).await?;
                let key = PrivateKeyWithHashAlg::new(Arc::new(*key), hash);
                let answer = handle.authenticate_publickey(&endpoint.user, key);
                let answer = within(deadline, endpoint, "signing in", answer).await?;
                if accepted(answer.map_err(|error| error.to_string()), &mut tried) {
                    return Ok(());
                }
            }
            KeyFile::Protected(key) => {
                if !key.is_some_and(|key| offered.contains(key.key_data())) {
                    tried.protected.get_or_insert_with(|| path.clone());
                }
            }
            KeyFile::Unreadable(why) => tried.notes.push(why),
            KeyFile::Missing if endpoint.guessed => {}
            KeyFile::Missing => tried.notes.push(format!("the key file {} does not exist", path.display())),
        }
        if handle.is_closed() {
            tried.notes.push("it closed the connection".to_owned());
            break;
        }
    }
    Err(refusal(endpoint, &tried))
}

/// Tries the agent's keys. The inner error says why the agent is of no use.
async fn agent(
    handle: &mut Handle<HostKeys>,
    endpoint: &Endpoint,
    socket: &Path,
    wanted: &[&PublicKey],
    offered: &mut Vec<russh::keys::ssh_key::public::KeyData>,
    tried: &mut Tried,
    deadline: Instant,
) -> Result<Result<bool, String>, RunError> {
    let unusable =
        |error: russh::keys::Error| format!("the SSH agent at {} fails: {error}", socket.display());
    let connected = within(deadline, endpoint, "asking the SSH agent", connect(socket)).await?;
    let mut agent = match connected {
        Ok(agent) => agent,
        Err(error) => return Ok(Err(unusable(error))),
    };
    if let Some(binding) = handle.agent_session_binding() {
        // For keys that are limited to certain hosts; other agents than OpenSSH's do not know it.
        _ = within(deadline, endpoint, "asking the SSH agent", agent.bind_session(binding, false)).await?;
    }
    let identities =
        match within(deadline, endpoint, "asking the SSH agent", agent.request_identities()).await? {
            Ok(identities) => identities,
            Err(error) => return Ok(Err(unusable(error))),
        };
    let mut keys: Vec<PublicKey> = identities
        .into_iter()
        .filter_map(|identity| match identity {
            AgentIdentity::PublicKey { key, .. } => Some(key),
            AgentIdentity::Certificate { .. } => None,
        })
        .collect();
    // Servers give up after a few keys, so those that the settings name go first.
    keys.sort_by_key(|key| !wanted.iter().any(|wanted| wanted.key_data() == key.key_data()));
    for key in keys {
        tried.keys.push(format!("{} (agent)", fingerprint(&key)));
        offered.push(key.key_data().clone());
        let hash = rsa_hash(handle, &key, deadline).await?;
        let answer = handle.authenticate_publickey_with(&endpoint.user, key, hash, &mut agent);
        let answer = within(deadline, endpoint, "signing in", answer).await?;
        if accepted(answer.map_err(|error| error.to_string()), tried) {
            return Ok(Ok(true));
        }
        if handle.is_closed() {
            tried.notes.push("it closed the connection".to_owned());
            break;
        }
    }
    Ok(Ok(false))
}

fn accepted(answer: Result<AuthResult, String>, tried: &mut Tried) -> bool {
    match answer {
        Ok(AuthResult::Success) => return true,
        Ok(AuthResult::Failure { partial_success: true, .. }) => {
            tried.notes.push("it asks for more than a key".to_owned());
        }
        Ok(AuthResult::Failure { .. }) => {}
        Err(error) => tried.notes.push(shell::plain(&error)),
    }
    false
}

fn refusal(endpoint: &Endpoint, tried: &Tried) -> RunError {
    let Endpoint { user, address, port, .. } = endpoint;
    let place = format!("{user} on {address} port {port}");
    let mut message = if tried.keys.is_empty() {
        format!("there is no key to sign in with as {place}")
    } else {
        format!("no key is accepted for {place}: {}", tried.keys.join(", "))
    };
    let help = if let Some(path) = &tried.protected {
        _ = write!(message, "; {} is protected by a passphrase", path.display());
        format!("load the key into the SSH agent: ssh-add {}", quote_path(path))
    } else if let Some(path) = &tried.readable {
        let target = quote(&format!("{user}@{address}"));
        format!("let the computer accept the key: ssh-copy-id -i {} -p {port} {target}", quote_path(path))
    } else if tried.keys.is_empty() {
        "name a key file under identityFiles, or load a key into the SSH agent with ssh-add".to_owned()
    } else {
        format!("add one of these keys to {user}'s ~/.ssh/authorized_keys on {address}")
    };
    for note in &tried.notes {
        message.push_str("; ");
        message.push_str(note);
    }
    RunError::Refused { message, help: Some(help) }
}

fn fingerprint(key: &PublicKey) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}

/// The hash for an RSA key's signature: the best that the server names, never SHA-1.
async fn rsa_hash(
    handle: &Handle<HostKeys>,
    key: &PublicKey,
    deadline: Instant,
) -> Result<Option<HashAlg>, RunError> {
    if !key.algorithm().is_rsa() {
        return Ok(None);
    }
    let best = tokio::time::timeout_at(deadline, handle.best_supported_rsa_hash()).await;
    let named = best.ok().and_then(Result::ok).flatten().flatten();
    Ok(Some(named.unwrap_or(HashAlg::Sha256)))
}

async fn load(path: &Path) -> KeyFile {
    let unreadable = |why: String| KeyFile::Unreadable(format!("the key file {} {why}", path.display()));
    let text = match tokio::fs::read_to_string(path).await {
        Ok(text) => crate::secret::Secret::new(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return KeyFile::Missing,
        Err(error) => return unreadable(format!("cannot be read: {error}")),
    };
    if let Ok(key) = PrivateKey::from_openssh(text.expose()) {
        if key.is_encrypted() {
            return KeyFile::Protected(Some(key.public_key().clone()));
        }
        return KeyFile::Ready(Box::new(key));
    }
    match russh::keys::decode_secret_key(text.expose(), None) {
        Ok(key) => KeyFile::Ready(Box::new(key)),
        Err(russh::keys::Error::KeyIsEncrypted) => KeyFile::Protected(None),
        Err(_) if text.expose().contains("ENCRYPTED") => KeyFile::Protected(None),
        Err(_) => unreadable("holds no private key that can be read".to_owned()),
    }
}

type AnyAgent = AgentClient<Box<dyn AgentStream + Send + Unpin>>;

#[cfg(unix)]
async fn connect(socket: &Path) -> Result<AnyAgent, russh::keys::Error> {
    AgentClient::connect_uds(socket).await.map(AgentClient::dynamic)
}

#[cfg(windows)]
async fn connect(socket: &Path) -> Result<AnyAgent, russh::keys::Error> {
    AgentClient::connect_named_pipe(socket).await.map(AgentClient::dynamic)
}
