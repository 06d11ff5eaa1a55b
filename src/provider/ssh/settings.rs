//! The settings of an `ssh` provider: what stands in YAML ([`SshSpec`]), and what the caller adds ([`SshSettings`]).
//!
//! Plain data. Not here: reading any of the files that are named here.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::kind::{SshHost, SshSpec};
use crate::id::Name;
use crate::time::Limit;

/// What an ssh provider is built from. Adapters read no environment, so the caller says what it holds.
#[derive(Debug, Clone)]
pub struct SshSettings {
    /// The name of the provider's document.
    pub name: Name,
    /// Its spec.
    pub spec: SshSpec,
    /// The text of its inventory file, at the same revision.
    pub inventory: Option<Arc<str>>,
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
    use crate::config::kind::Become;

    fn settings(spec: &str) -> SshSettings {
        SshSettings {
            name: Name::new("x").unwrap(),
            spec: serde_json::from_str(spec).unwrap(),
            inventory: None,
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
