//! Facts: what one computer says of itself.
//!
//! Not here: how they are collected (`session::collect`), how old they may be (`plan`).
//!
//! Invariants: what is not known is `None`, never a default that looks like an answer (L7). Lists are sorted, so that
//! equal facts are equal values (L13).

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// What one computer said of itself at one time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Facts {
    /// The host name without its domain.
    pub hostname: Option<String>,
    /// The operating system.
    pub os: Os,
    /// The processor's architecture: `x86_64`, `aarch64`, `x86`, or what the system calls it.
    pub architecture: Option<String>,
    /// What the computer is for. `None` when there is no evidence.
    pub roles: Option<BTreeSet<Role>>,
    /// What its identity may be decided from.
    pub identity: IdentityEvidence,
    /// Installed packages, sorted. That one is missing here means something only if its source is in
    /// `package_sources`.
    pub packages: Vec<Package>,
    /// The sources of packages that were read to their end.
    pub package_sources: BTreeSet<PackageSource>,
    /// The sources that are there and could not be read.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub unread_sources: BTreeSet<PackageSource>,
    /// Users with a session of their own.
    pub signed_in_users: Option<BTreeSet<String>>,
    /// Why a reboot is pending; empty when none is.
    pub pending_reboot: Option<BTreeSet<String>>,
    /// When the computer last started.
    #[schemars(with = "Option<String>")]
    pub last_boot: Option<Timestamp>,
    /// The computer's clock when it collected the facts.
    #[schemars(with = "Option<String>")]
    pub clock: Option<Timestamp>,
    /// The time zone as the system names it.
    pub time_zone: Option<String>,
}

/// An operating system.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Os {
    /// Its family.
    pub family: Option<OsFamily>,
    /// Its name, such as `Debian GNU/Linux`.
    pub name: Option<String>,
    /// Its version, such as `12` or `10.0.22631`.
    pub version: Option<String>,
    /// Its build: the kernel's release, or build and revision on Windows.
    pub build: Option<String>,
}

/// A family of operating systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OsFamily {
    /// Linux.
    Linux,
    /// Microsoft Windows.
    Windows,
    /// Apple macOS.
    Macos,
    /// Another one.
    Other,
}

/// What a computer is for. A computer can have several roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Somebody works at it.
    Workstation,
    /// It can be carried about; a portable computer is a workstation as well.
    Portable,
    /// It serves others.
    Server,
    /// It is a controller of a Windows domain; it is a server as well.
    DomainController,
    /// It is the domain controller with the role of the primary one.
    PrimaryDomainController,
}

/// What the identity of a computer may be decided from; see `inventory::identify`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct IdentityEvidence {
    /// The UUID of the system in the firmware (SMBIOS type 1), as the system printed it.
    pub uuid: Option<String>,
    /// The serial number of the system.
    pub serial: Option<String>,
    /// Who made it.
    pub manufacturer: Option<String>,
    /// Its model.
    pub model: Option<String>,
    /// The serial number of the main board.
    pub board_serial: Option<String>,
    /// The operating system's own id: changes with a reinstallation.
    pub machine_id: Option<String>,
    /// An id that Muster gave it.
    pub generated_id: Option<String>,
    /// When the operating system was installed, as well as it can be told. Not an identity; shows a reinstallation.
    #[schemars(with = "Option<String>")]
    pub os_installed: Option<Timestamp>,
}

/// An installed package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version as the source writes it; empty when the source has none.
    pub version: String,
    /// Who says so.
    pub source: PackageSource,
    /// Its architecture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// The product code of the Windows installer, upper case in braces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_code: Option<String>,
    /// The upgrade code of the Windows installer, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upgrade_code: Option<String>,
    /// For whom it is installed, where that can differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<PackageScope>,
    /// Whether it hides itself from people (`SystemComponent`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
}

/// Where a package is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PackageSource {
    /// Debian's packages.
    Dpkg,
    /// RPM packages.
    Rpm,
    /// Alpine's packages.
    Apk,
    /// The list of installed software in the Windows registry.
    Registry,
    /// What the Windows package manager knows of.
    Winget,
    /// What Chocolatey installed.
    Choco,
    /// What Homebrew installed.
    Brew,
}

/// For whom software is installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PackageScope {
    /// For everybody.
    Machine,
    /// For one user.
    User,
}

/// The value of one fact. Ordered only so that values can be keys.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(untagged)]
pub enum FactValue {
    /// A text.
    Text(String),
    /// Yes or no.
    Flag(bool),
    /// An instant.
    Time(Timestamp),
    /// Texts, sorted.
    List(Vec<String>),
}

/// The paths that [`Facts::get`] knows, sorted.
const PATHS: &[&str] = &[
    "architecture",
    "clock",
    "hostname",
    "identity.boardSerial",
    "identity.generatedId",
    "identity.machineId",
    "identity.manufacturer",
    "identity.model",
    "identity.osInstalled",
    "identity.serial",
    "identity.uuid",
    "lastBoot",
    "os.build",
    "os.family",
    "os.name",
    "os.version",
    "pendingReboot",
    "pendingReboot.causes",
    "roles",
    "signedInUsers",
    "timeZone",
];

impl Facts {
    /// The paths that [`Facts::get`] knows, sorted.
    #[must_use]
    pub fn paths() -> &'static [&'static str] {
        PATHS
    }

    /// One fact by its path; `None` when it is unknown, or when there is no such path (see [`Facts::paths`]).
    #[must_use]
    pub fn get(&self, path: &str) -> Option<FactValue> {
        let text = |value: &Option<String>| value.clone().map(FactValue::Text);
        let list = |values: &BTreeSet<String>| FactValue::List(values.iter().cloned().collect());
        match path {
            "architecture" => text(&self.architecture),
            "clock" => self.clock.map(FactValue::Time),
            "hostname" => text(&self.hostname),
            "identity.boardSerial" => text(&self.identity.board_serial),
            "identity.generatedId" => text(&self.identity.generated_id),
            "identity.machineId" => text(&self.identity.machine_id),
            "identity.manufacturer" => text(&self.identity.manufacturer),
            "identity.model" => text(&self.identity.model),
            "identity.osInstalled" => self.identity.os_installed.map(FactValue::Time),
            "identity.serial" => text(&self.identity.serial),
            "identity.uuid" => text(&self.identity.uuid),
            "lastBoot" => self.last_boot.map(FactValue::Time),
            "os.build" => text(&self.os.build),
            "os.family" => self.os.family.map(|family| FactValue::Text(family.as_str().to_owned())),
            "os.name" => text(&self.os.name),
            "os.version" => text(&self.os.version),
            "pendingReboot" => self.pending_reboot.as_ref().map(|causes| FactValue::Flag(!causes.is_empty())),
            "pendingReboot.causes" => self.pending_reboot.as_ref().map(list),
            "roles" => self
                .roles
                .as_ref()
                .map(|roles| FactValue::List(roles.iter().map(|role| role.as_str().to_owned()).collect())),
            "signedInUsers" => self.signed_in_users.as_ref().map(list),
            "timeZone" => text(&self.time_zone),
            _ => None,
        }
    }
}

impl OsFamily {
    /// As it stands in YAML.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Linux => "linux",
            Self::Windows => "windows",
            Self::Macos => "macos",
            Self::Other => "other",
        }
    }
}

impl Role {
    /// As it stands in YAML.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Workstation => "workstation",
            Self::Portable => "portable",
            Self::Server => "server",
            Self::DomainController => "domain-controller",
            Self::PrimaryDomainController => "primary-domain-controller",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Facts {
        let text = || Some("x".to_owned());
        let time = Some(Timestamp::UNIX_EPOCH);
        Facts {
            hostname: text(),
            os: Os { family: Some(OsFamily::Linux), name: text(), version: text(), build: text() },
            architecture: text(),
            roles: Some(BTreeSet::from([Role::Server, Role::PrimaryDomainController])),
            identity: IdentityEvidence {
                uuid: text(),
                serial: text(),
                manufacturer: text(),
                model: text(),
                board_serial: text(),
                machine_id: text(),
                generated_id: text(),
                os_installed: time,
            },
            packages: Vec::new(),
            package_sources: BTreeSet::new(),
            unread_sources: BTreeSet::new(),
            signed_in_users: Some(BTreeSet::from(["a".to_owned()])),
            pending_reboot: Some(BTreeSet::new()),
            last_boot: time,
            clock: time,
            time_zone: text(),
        }
    }

    #[test]
    fn every_listed_path_has_a_value_when_all_is_known_and_none_when_nothing_is() {
        assert!(Facts::paths().is_sorted());
        for path in Facts::paths() {
            assert!(full().get(path).is_some(), "{path}");
            assert_eq!(Facts::default().get(path), None, "{path}");
        }
        assert_eq!(full().get("os"), None);
        assert_eq!(full().get("pendingReboot"), Some(FactValue::Flag(false)));
    }

    #[test]
    fn names_in_lookups_are_those_in_json() {
        for role in [
            Role::Workstation,
            Role::Portable,
            Role::Server,
            Role::DomainController,
            Role::PrimaryDomainController,
        ] {
            assert_eq!(serde_json::json!(role), role.as_str());
        }
        for family in [OsFamily::Linux, OsFamily::Windows, OsFamily::Macos, OsFamily::Other] {
            assert_eq!(serde_json::json!(family), family.as_str());
        }
    }

    #[test]
    fn facts_survive_json() {
        let json = serde_json::to_string(&full()).expect("serialises");
        assert_eq!(serde_json::from_str::<Facts>(&json).expect("reads"), full());
        assert_eq!(serde_json::from_str::<Facts>("{}").expect("reads"), Facts::default());
    }
}
