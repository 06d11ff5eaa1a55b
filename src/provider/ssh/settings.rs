//! The settings of an `ssh` provider: what stands in YAML ([`SshSpec`]) and what the caller adds ([`SshSettings`]).
//!
//! Plain data. Not here: reading any of the files that are named here.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::Name;
use crate::session::script::Platform;
use crate::time::Limit;

/// Computers that are reached through OpenSSH's protocol, from a list here, an inventory file, or both.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SshSpec {
    /// The computers.
    pub hosts: Vec<SshHost>,
    /// A file with more computers, one per line; its path is relative to this document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inventory: Option<String>,
    /// The user to sign in as; the user that runs Muster when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The port; 22 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Private key files, relative to this document or beginning with `~/`. When there are none, the usual ones of
    /// the user that runs Muster are tried (`~/.ssh/id_ed25519`, `id_ecdsa`, `id_rsa`). A key with a passphrase
    /// has to be in the agent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub identity_files: Vec<String>,
    /// Whether to use the SSH agent. When absent it is used if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<bool>,
    /// Files with known host keys, relative to this document or beginning with `~/`; OpenSSH's own
    /// (`~/.ssh/known_hosts` and `/etc/ssh/ssh_known_hosts`) when absent. A computer whose key is in none of them is
    /// refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub known_hosts: Vec<String>,
    /// A computer to go through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jump: Option<SshJump>,
    /// How to become administrator after signing in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#become: Option<Become>,
    /// How long reaching a computer may take, signing in included; 10s when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_timeout: Option<Limit>,
    /// After so much silence the computer is asked for a sign of life; three without an answer end the connection.
    /// 15s when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_alive: Option<Limit>,
    /// How many computers are worked on at once; 32 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1024))]
    pub concurrency: Option<u32>,
    /// The tenant of all computers that name none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Name>,
    /// Tags of all computers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

/// One computer. What is absent is taken from the provider.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SshHost {
    /// The name people know it by; unique within the provider.
    pub name: String,
    /// A host name or IP address; the name when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The user to sign in as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Private key files, instead of the provider's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identity_files: Vec<String>,
    /// A computer to go through, instead of the provider's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jump: Option<SshJump>,
    /// The tenant it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Name>,
    /// Its tags, in addition to the provider's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Its platform, where it should be known before the first contact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
}

/// A computer through which others are reached. Its host key is checked like theirs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SshJump {
    /// A host name or IP address.
    pub address: String,
    /// The port; 22 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The user to sign in as; the same as behind it when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// How to become administrator.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Become {
    /// Not at all: the user that signs in is enough.
    #[default]
    None,
    /// Through `sudo -n`, which must not ask for a password. Without meaning on Windows.
    Sudo,
}

/// What an ssh provider is built from. Adapters read no environment, so the caller says what it holds.
#[derive(Debug, Clone)]
pub struct SshSettings {
    /// The name of the provider's document.
    pub name: Name,
    /// Its spec.
    pub spec: SshSpec,
    /// The folder of the document: relative paths begin there.
    pub folder: PathBuf,
    /// The home folder, for paths that begin with `~/` and for the usual key files.
    pub home: Option<PathBuf>,
    /// The user that runs Muster.
    pub user: Option<String>,
    /// The SSH agent's socket (`SSH_AUTH_SOCK`).
    pub agent_socket: Option<PathBuf>,
    /// The files of known hosts that are used when the spec names none, the user's own first.
    pub known_hosts: Vec<PathBuf>,
}

/// Where and as whom to connect. Equal endpoints share a connection.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Endpoint {
    pub(super) address: String,
    pub(super) port: u16,
    pub(super) user: String,
    pub(super) identities: Vec<PathBuf>,
    /// Whether the key files are only a guess, so that a missing one is no fault.
    pub(super) guessed: bool,
    pub(super) via: Option<Box<Endpoint>>,
}

impl SshSettings {
    pub(super) fn path(&self, text: &str) -> PathBuf {
        match (text.strip_prefix("~/"), &self.home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => self.folder.join(text),
        }
    }

    pub(super) fn known_hosts(&self) -> Vec<PathBuf> {
        if self.spec.known_hosts.is_empty() {
            self.known_hosts.clone()
        } else {
            self.spec.known_hosts.iter().map(|text| self.path(text)).collect()
        }
    }

    /// The agent's socket if the agent is to be used.
    pub(super) fn agent(&self) -> Option<&Path> {
        self.agent_socket.as_deref().filter(|_| self.spec.agent != Some(false))
    }

    pub(super) fn connect(&self) -> Limit {
        self.spec.connect_timeout.unwrap_or(Limit::seconds(10))
    }

    pub(super) fn concurrency(&self) -> u32 {
        self.spec.concurrency.unwrap_or(32).max(1)
    }

    pub(super) fn tags(&self, host: &SshHost) -> BTreeSet<String> {
        self.spec.tags.iter().chain(&host.tags).cloned().collect()
    }

    /// Where a host is; `None` when nobody says as whom to sign in.
    pub(super) fn endpoint(&self, host: &SshHost) -> Option<Endpoint> {
        let user = host.user.as_ref().or(self.spec.user.as_ref()).or(self.user.as_ref())?.clone();
        let named =
            if host.identity_files.is_empty() { &self.spec.identity_files } else { &host.identity_files };
        let guessed = named.is_empty();
        let identities: Vec<PathBuf> = match (&self.home, guessed) {
            (Some(home), true) => {
                ["id_ed25519", "id_ecdsa", "id_rsa"].iter().map(|file| home.join(".ssh").join(file)).collect()
            }
            _ => named.iter().map(|text| self.path(text)).collect(),
        };
        let via = host.jump.as_ref().or(self.spec.jump.as_ref()).map(|jump| {
            Box::new(Endpoint {
                address: jump.address.clone(),
                port: jump.port.unwrap_or(22),
                user: jump.user.clone().unwrap_or_else(|| user.clone()),
                identities: identities.clone(),
                guessed,
                via: None,
            })
        });
        Some(Endpoint {
            address: host.address.clone().unwrap_or_else(|| host.name.clone()),
            port: host.port.or(self.spec.port).unwrap_or(22),
            user,
            identities,
            guessed,
            via,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(spec: &str) -> SshSettings {
        SshSettings {
            name: Name::new("x").unwrap(),
            spec: serde_json::from_str(spec).unwrap(),
            folder: "/repo/providers".into(),
            home: Some("/home/me".into()),
            user: Some("me".to_owned()),
            agent_socket: Some("/agent".into()),
            known_hosts: vec!["/home/me/.ssh/known_hosts".into()],
        }
    }

    #[test]
    fn a_host_takes_from_the_provider_what_it_does_not_say_itself() {
        let settings = settings(
            r#"{"user": "ops", "port": 2222, "identityFiles": ["~/k", "k"], "become": "sudo", "tags": ["all"],
                "jump": {"address": "hop"}, "hosts": [
                {"name": "a"},
                {"name": "b", "address": "192.0.2.1", "port": 22, "user": "root", "identityFiles": ["/k"],
                 "jump": {"address": "hop2", "port": 99, "user": "x"}, "tags": ["own"]}]}"#,
        );
        let [a, b] = [0, 1].map(|index| settings.endpoint(&settings.spec.hosts[index]).unwrap());
        assert_eq!((a.address.as_str(), a.port, a.user.as_str()), ("a", 2222, "ops"));
        assert_eq!(a.identities, [Path::new("/home/me/k"), Path::new("/repo/providers/k")]);
        let hop = a.via.unwrap();
        assert_eq!((hop.address.as_str(), hop.port, hop.user.as_str()), ("hop", 22, "ops"));
        assert_eq!((b.address.as_str(), b.port, b.user.as_str()), ("192.0.2.1", 22, "root"));
        assert_eq!(b.identities, [Path::new("/k")]);
        let hop = b.via.unwrap();
        assert_eq!((hop.address.as_str(), hop.port, hop.user.as_str()), ("hop2", 99, "x"));
        assert_eq!(settings.tags(&settings.spec.hosts[1]), ["all".to_owned(), "own".to_owned()].into());
        assert_eq!(settings.spec.r#become, Some(Become::Sudo));
    }

    #[test]
    fn what_nobody_says_is_as_openssh_has_it() {
        let settings = settings(r#"{"hosts": [{"name": "a"}]}"#);
        let a = settings.endpoint(&settings.spec.hosts[0]).unwrap();
        assert_eq!((a.port, a.user.as_str(), a.guessed), (22, "me", true));
        assert_eq!(a.identities.first().map(PathBuf::as_path), Some(Path::new("/home/me/.ssh/id_ed25519")));
        assert_eq!(settings.known_hosts(), [Path::new("/home/me/.ssh/known_hosts")]);
        assert_eq!(settings.agent(), Some(Path::new("/agent")));
        assert_eq!((settings.connect().as_secs(), settings.concurrency()), (10, 32));
    }

    #[test]
    fn unknown_keys_are_errors() {
        assert!(serde_json::from_str::<SshSpec>(r#"{"host": []}"#).is_err());
        assert!(serde_json::from_str::<SshSpec>(r#"{"hosts": [{"name": "a", "prot": 22}]}"#).is_err());
    }
}
