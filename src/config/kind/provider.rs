//! `Provider`: a link to a system that lists computers and runs scripts.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AnswerFault, AutomateSpec, ConnectwiseRmmSpec, LinkSettings, ScreenconnectSpec};
use crate::id::Name;
use crate::session::script::Platform;
use crate::time::Limit;

/// A link to a system that lists computers and runs scripts; exactly one type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ProviderSpec {
    /// This computer.
    Local(LocalSpec),
    /// Computers behind SSH.
    Ssh(SshSpec),
    /// A fleet that exists only as a model.
    Simulated(SimulatedSpec),
    /// ConnectWise Control (ScreenConnect).
    Screenconnect(ScreenconnectSpec),
    /// ConnectWise Automate.
    Automate(AutomateSpec),
    /// ConnectWise RMM.
    ConnectwiseRmm(ConnectwiseRmmSpec),
}

impl ProviderSpec {
    /// The type's name as it is written.
    #[must_use]
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::Local(_) => "local",
            Self::Ssh(_) => "ssh",
            Self::Simulated(_) => "simulated",
            Self::Screenconnect(_) => "screenconnect",
            Self::Automate(_) => "automate",
            Self::ConnectwiseRmm(_) => "connectwise-rmm",
        }
    }

    /// Whether its list of computers stands in the repository, so that it can be read of every revision and without
    /// asking another system.
    #[must_use]
    pub const fn lists_by_itself(&self) -> bool {
        match self {
            Self::Local(_) | Self::Ssh(_) | Self::Simulated(_) => true,
            Self::Screenconnect(_) | Self::Automate(_) | Self::ConnectwiseRmm(_) => false,
        }
    }

    /// Whether its computers may be those of other providers too, so that they are recognised by their firmware (IDN-1).
    #[must_use]
    pub const fn identifies(&self) -> bool {
        match self {
            Self::Local(spec) => spec.identify,
            Self::Ssh(spec) => spec.identify,
            Self::Simulated(spec) => spec.identify,
            Self::Screenconnect(_) | Self::Automate(_) | Self::ConnectwiseRmm(_) => true,
        }
    }

    /// What a link to a management system has in common with others; `None` for other providers.
    #[must_use]
    pub const fn link(&self) -> Option<&LinkSettings> {
        match self {
            Self::Local(_) | Self::Ssh(_) | Self::Simulated(_) => None,
            Self::Screenconnect(spec) => spec.link.as_ref(),
            Self::Automate(spec) => spec.link.as_ref(),
            Self::ConnectwiseRmm(spec) => spec.link.as_ref(),
        }
    }

    /// Whether the computers it lists are told to belong to companies of its own, which tenants map.
    #[must_use]
    pub const fn has_clients(&self) -> bool {
        match self {
            Self::Local(_) | Self::Ssh(_) => false,
            Self::Simulated(spec) => spec.clients,
            Self::Screenconnect(_) | Self::Automate(_) | Self::ConnectwiseRmm(_) => true,
        }
    }
}

/// This computer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LocalSpec {
    /// The name to list it under. Default: its host name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub computer: Option<String>,
    /// The tenant it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Name>,
    /// Its tags.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<String>,
    /// Whether its computer may be that of another provider too, so that it is recognised by its firmware. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub identify: bool,
}

/// Computers behind SSH: those of `hosts` and those of the inventory file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SshSpec {
    /// The hosts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<SshHost>,
    /// A file with more hosts, one on a line, relative to this file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub inventory: Option<String>,
    /// The account to sign in with. Default: the one that runs Muster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The port. Default: 22.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub port: Option<u16>,
    /// Files with private keys on the reconciler's host. Default: the usual ones in ~/.ssh.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identity_files: Vec<String>,
    /// Whether to ask the SSH agent. Default: if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<bool>,
    /// Files with the hosts' known keys. Default: ~/.ssh/known_hosts and /etc/ssh/ssh_known_hosts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub known_hosts: Vec<String>,
    /// A host to go through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jump: Option<SshJump>,
    /// How to get administrator's rights. Default: none, the account has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#become: Option<Become>,
    /// How long reaching a host may take. Default: 10s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect_timeout: Option<Limit>,
    /// How often a silent connection is checked. Default: 15s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_alive: Option<Limit>,
    /// How many hosts are worked on at once. Default: 32.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10000))]
    pub concurrency: Option<u32>,
    /// The tenant of hosts that name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Name>,
    /// Tags of all hosts.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<String>,
    /// Whether its computers may be those of another provider too, so that they are recognised by their firmware. Default:
    /// false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub identify: bool,
}

/// One host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SshHost {
    /// The name people know it by; unique within the provider.
    #[schemars(length(min = 1))]
    pub name: String,
    /// Where to connect to. Default: the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The port, over the provider's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub port: Option<u16>,
    /// The account, over the provider's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Files with private keys, over the provider's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identity_files: Vec<String>,
    /// A host to go through, over the provider's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jump: Option<SshJump>,
    /// The tenant it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Name>,
    /// Its tags.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<String>,
    /// Its platform. Default: posix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
}

/// A host to go through.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SshJump {
    /// Where to connect to.
    #[schemars(length(min = 1))]
    pub address: String,
    /// Its port. Default: 22.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub port: Option<u16>,
    /// The account there. Default: the host's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// How to get administrator's rights after signing in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Become {
    /// The account has them, or they are not needed.
    None,
    /// `sudo -n`, which must not ask for a password. Without meaning on Windows.
    Sudo,
}

/// A fleet that exists only as a model: from a file, from a generator, or both.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SimulatedSpec {
    /// A YAML file with computers, relative to this file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub fleet: Option<String>,
    /// Makes computers from a seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generate: Option<Generator>,
    /// A file in which the model keeps what was changed, relative to this file, so that a later run sees it. Without
    /// it the fleet is as new in each run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub memory: Option<String>,
    /// Whether its computers belong to companies of its own, which tenants map: those of the fleet file, and for made
    /// computers one for each tenant, under its name. Default: false, and each computer says its tenant itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub clients: bool,
    /// What goes wrong, and where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub faults: Option<Faults>,
    /// How many computers are worked on at once. Default: 256.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10000))]
    pub concurrency: Option<u32>,
    /// Whether its computers may be those of another provider too, so that they are recognised by their firmware. Default:
    /// false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub identify: bool,
}

/// Makes computers from a seed: the same seed makes the same fleet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Generator {
    /// How many computers.
    #[schemars(range(min = 1, max = 2_000_000))]
    pub computers: u32,
    /// The seed.
    #[serde(default)]
    pub seed: u64,
    /// The tenants they are spread over; with `clients`, the companies, which need be no tenants.
    #[schemars(length(min = 1))]
    pub tenants: Vec<Name>,
    /// Software that some of them have: a name, and the versions that occur.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub software: BTreeMap<Name, Vec<String>>,
    /// Tasks that some of them already comply with: a name, and the percentage that does.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("allOf" = [{ "additionalProperties": { "maximum": 100 } }]))]
    pub compliant: BTreeMap<Name, u8>,
}

/// What goes wrong in a simulated fleet: names of computers, with * and ? as wildcards.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Faults {
    /// These do not answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreachable: Vec<String>,
    /// These answer after a while.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slow: Vec<String>,
    /// How long the slow ones take. Default: 2s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<Limit>,
    /// Changes fail on these with exit code 1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failing: Vec<String>,
    /// Changes claim success on these and change nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lying: Vec<String>,
    /// The answer of these is not what any script prints.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub garbled: Vec<String>,
    /// The connection to these breaks in the middle of a change that did take effect.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cut_off: Vec<String>,
    /// What goes wrong with the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<AnswerFault>,
    /// The list itself fails.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub list: bool,
}
