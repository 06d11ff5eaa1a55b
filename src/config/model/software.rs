//! Programs: how they are found and changed, their releases, files and licences, and what has to hold before.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::kind::{
    Architecture, Condition, Consequence, Fetcher, InventoryMatch, LicenseNeed, LockSpec, Metadata,
    PackageMatch, Packages, ParameterSpec, ParametersChanged, Sha256, VersionScheme, VersionSource,
};
use crate::diagnostic::Place;
use crate::id::{Digest, Name};
use crate::secret::SecretRef;
use crate::session::script::{Platform, Script};

/// One script for each platform that it supports.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scripts {
    /// For POSIX systems.
    pub posix: Option<Arc<Script>>,
    /// For Windows.
    pub windows: Option<Arc<Script>>,
}

impl Scripts {
    /// The script for a platform, if there is one.
    #[must_use]
    pub fn on(&self, platform: Platform) -> Option<&Arc<Script>> {
        match platform {
            Platform::Posix => self.posix.as_ref(),
            Platform::Windows => self.windows.as_ref(),
        }
    }
}

/// How a software is found.
#[derive(Debug, Clone, PartialEq)]
pub enum Detect {
    /// In the list of installed programs.
    Inventory(InventoryMatch),
    /// By a package manager's record.
    Package(PackageMatch),
    /// By the records of all managers that have it.
    Packages(Packages),
    /// By MSI upgrade code, upper case with braces.
    UpgradeCode(String),
    /// By MSI product code, upper case with braces.
    ProductCode(String),
    /// By a script.
    Script(Scripts),
}

/// How something present is changed.
#[derive(Debug, Clone, PartialEq)]
pub enum Strategy {
    /// Not at all.
    None,
    /// The install script over it.
    InstallOver,
    /// Uninstall, then install.
    UninstallInstall,
    /// A script of its own.
    Script(Scripts),
}

/// See [`crate::config::kind::SoftwareSpec`].
#[derive(Debug, Clone, PartialEq)]
pub struct Software {
    /// Its name and title.
    pub metadata: Metadata,
    /// Where it stands.
    pub place: Place,
    /// How it is found.
    pub detect: Detect,
    /// How versions compare.
    pub scheme: VersionScheme,
    /// What can be installed, highest first: what the document lists, and what `muster.lock` holds of its source.
    pub releases: Vec<Release>,
    /// Where `muster update` looks for further ones.
    pub source: Option<Arc<Source>>,
    /// Installs.
    pub install: Option<Scripts>,
    /// Updates.
    pub upgrade: Strategy,
    /// Comes before an install.
    pub pre_install: Option<Scripts>,
    /// Follows an install.
    pub post_install: Option<Scripts>,
    /// Removes.
    pub uninstall: Option<Scripts>,
    /// Follows a removal.
    pub post_uninstall: Option<Scripts>,
    /// Brings files.
    pub download: Option<Scripts>,
    /// Whether it takes a licence.
    pub license: LicenseNeed,
    /// Whether the computer may restart for it.
    pub needs_reboot: bool,
    /// Repairs.
    pub repair: Strategy,
    /// Tests.
    pub test: Option<Scripts>,
    /// What has to hold before.
    pub prerequisites: Vec<Prerequisite>,
    /// The task that follows it.
    pub configuration: Option<Name>,
    /// What its changes wait for.
    pub lock: Option<LockSpec>,
    /// What follows from changed values, as it was given.
    pub parameters_changed: Option<ParametersChanged>,
    /// What its scripts can be given.
    pub parameters: BTreeMap<String, ParameterSpec>,
    /// Whether anything is done with it at all.
    pub enabled: bool,
}

impl Software {
    /// What follows where it was installed with other values. A configuration task that a deployment does not leave out
    /// (`configured`) takes care of them itself.
    #[must_use]
    pub fn parameters_changed(&self, configured: bool) -> ParametersChanged {
        let default = match self.configuration {
            Some(_) if configured => ParametersChanged::Ignore,
            _ => ParametersChanged::Reinstall,
        };
        self.parameters_changed.unwrap_or(default)
    }

    /// The versions that can be installed, highest first.
    pub fn versions(&self) -> impl Iterator<Item = &str> {
        self.releases.iter().map(|release| release.version.as_str())
    }

    /// The highest version that can be installed.
    #[must_use]
    pub fn latest(&self) -> Option<&str> {
        self.versions().next()
    }

    /// The release of a version, however the version is written (`1.2` and `1.2.0` may be the same).
    #[must_use]
    pub fn release(&self, version: &str) -> Option<&Release> {
        let is_it = |release: &&Release| {
            release.version == version
                || crate::version::compare(self.scheme, &release.version, version)
                    .is_ok_and(std::cmp::Ordering::is_eq)
        };
        self.releases.iter().find(is_it)
    }
}

/// One version of a software that can be installed; see [`crate::config::kind::ReleaseSpec`]. Where it has no script or strategy
/// of its own, the software's holds (SW-15).
#[derive(Debug, Clone, PartialEq)]
pub struct Release {
    /// The version, as written.
    pub version: String,
    /// Where it stands: in the software's document, or in `muster.lock`.
    pub place: Place,
    /// The files that its scripts need, the preferred ones first.
    pub payloads: Vec<Payload>,
    /// Another release of the same software that has to be there before; it is one of them.
    pub requires: Option<String>,
    /// Installs.
    pub install: Option<Scripts>,
    /// Updates.
    pub upgrade: Option<Strategy>,
    /// Removes.
    pub uninstall: Option<Scripts>,
    /// Repairs.
    pub repair: Option<Strategy>,
    /// Tests.
    pub test: Option<Scripts>,
}

impl Release {
    /// A release of which no more is known than its version.
    #[must_use]
    pub fn plain(version: String, place: Place) -> Self {
        Self {
            version,
            place,
            payloads: Vec::new(),
            requires: None,
            install: None,
            upgrade: None,
            uninstall: None,
            repair: None,
            test: None,
        }
    }
}

/// Where versions of a software are found; see [`crate::config::kind::VersionSource`]. Only `muster update` uses it.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// Its settings.
    pub spec: VersionSource,
    /// Where it stands.
    pub place: Place,
    /// The digest of its settings and of the files that they name; the lock file remembers it.
    pub digest: Sha256,
    /// The text of the list's file, if it has one.
    pub list: Option<Arc<str>>,
    /// The public keys of the apt repository, if it has some.
    pub key: Option<Arc<[u8]>>,
    /// Its script, if it is one.
    pub script: Option<Scripts>,
}

/// A file that a release is installed from; see [`crate::config::kind::PayloadSpec`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Payload {
    /// Where it comes from.
    pub origin: Origin,
    /// Its SHA-256; a file with another one is not it.
    pub sha256: Digest,
    /// The processors that it is for; `None` for all.
    pub architecture: Option<Architecture>,
    /// The platform that it is for; `None` for both.
    pub platform: Option<Platform>,
    /// The name that it gets on the computer: one step of a path, usable on every system.
    pub file_name: String,
    /// Its size in bytes, where it is known.
    pub size: Option<u64>,
    /// What kind of installer it is, where it is known, such as msi.
    pub installer: Option<String>,
    /// The arguments for a silent installation, where they are known.
    pub arguments: Option<String>,
}

/// Where a payload comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// An address, from which somebody fetches it.
    Address {
        /// The address, as it was written.
        url: String,
        /// Who does.
        by: Fetcher,
    },
    /// A file of the repository, by its own path.
    File(Arc<str>),
}

impl Origin {
    /// The address, if it has one.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        match self {
            Self::Address { url, .. } => Some(url),
            Self::File(_) => None,
        }
    }

    /// Whether Muster brings it to the computers, and they do not fetch it for themselves.
    #[must_use]
    pub const fn is_sent(&self) -> bool {
        matches!(self, Self::File(_) | Self::Address { by: Fetcher::Reconciler, .. })
    }

    /// It for people: an address without what follows a `?` or `#`, which may be a secret.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Address { url, .. } => url.split(['?', '#']).next().unwrap_or_default().to_owned(),
            Self::File(path) => path.to_string(),
        }
    }
}

/// Where scripts come from that are made of a software's packages.
pub const PACKAGE_MANAGERS: &str = "package managers";

/// See [`crate::config::kind::LicenseSpec`].
#[derive(Debug, Clone, PartialEq)]
pub struct License {
    /// Its name.
    pub metadata: Metadata,
    /// Where it stands.
    pub place: Place,
    /// The software.
    pub software: Name,
    /// The tenant, with all below; `None` for all.
    pub tenant: Option<Name>,
    /// The versions, as a constraint; `None` for all.
    pub versions: Option<String>,
    /// What it is.
    pub form: LicenseForm,
    /// Where its value is found.
    pub secret: SecretRef,
}

/// What a licence is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LicenseForm {
    /// A key.
    Key,
    /// The content of a file.
    File,
}

impl LicenseForm {
    /// As scripts are told.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::File => "file",
        }
    }
}

/// See [`crate::config::kind::Prerequisite`].
#[derive(Debug, Clone, PartialEq)]
pub struct Prerequisite {
    /// Where it stands.
    pub place: Place,
    /// The condition.
    pub when: Condition,
    /// What follows.
    pub then: Consequence,
}
