//! The checked configuration: every reference holds, every script has its text, every default is filled in.
//!
//! Made by `config::check` only, so a value of [`Config`] is free of errors. Decisions take it by reference.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::kind::{
    Architecture, Condition, Consequence, CrossTenant, DirectorySpec, Enforcement, FileValue, Hold,
    InventoryMatch, ItemRef, Kind, LicenseNeed, LockSpec, Match, Metadata, Mode, PackageMatch, Packages,
    ParameterSpec, ParameterValue, ParametersChanged, PrimaryPerson, ProviderSpec, PsaSpec, ResourceKind,
    Sha256, SoftwareState, TenantPsa, VersionScheme, VersionSource,
};
use super::safety::Safety;
use crate::diagnostic::{Code, Finding, Place, Sources};
use crate::id::{Digest, Name};
use crate::inventory::item::ItemKey;
use crate::secret::SecretRef;
use crate::session::script::{Platform, Script};
use crate::time::Limit;

/// The whole repository at one revision, free of errors.
#[derive(Debug, Clone)]
pub struct Config {
    /// What holds everywhere.
    pub instance: Instance,
    /// Customers.
    pub tenants: BTreeMap<Name, Tenant>,
    /// Links to systems.
    pub providers: BTreeMap<Name, Provider>,
    /// Links to directories.
    pub directories: BTreeMap<Name, Linked<DirectorySpec>>,
    /// Links to PSAs.
    pub psas: BTreeMap<Name, Linked<PsaSpec>>,
    /// What git says of single computers.
    pub computers: BTreeMap<Name, Computer>,
    /// Named expressions.
    pub targets: BTreeMap<Name, Target>,
    /// Programs.
    pub software: BTreeMap<Name, Software>,
    /// Shared scripts, as they run beside Muster.
    pub scripts: BTreeMap<Name, Arc<Script>>,
    /// How old the answers of selecting scripts may be, where they say so.
    pub answer_ages: BTreeMap<Name, Limit>,
    /// Tasks.
    pub tasks: BTreeMap<Name, Task>,
    /// What software may be used by.
    pub licenses: BTreeMap<Name, License>,
    /// What is wanted where.
    pub deployments: BTreeMap<Name, Deployment>,
    /// What goes first and last.
    pub order: Order,
    /// What keeps a rollout safe.
    pub safety: Safety,
    /// Who refers to whom, and what documents allow.
    pub uses: Uses,
    /// The texts that places point into.
    pub sources: Sources,
}

impl Config {
    /// Every secret that a script may be given: of licences, deployments (those of bundles too), defaults and resources.
    #[must_use]
    pub fn secrets(&self) -> BTreeSet<&SecretRef> {
        let specs = self.software.values().map(|software| &software.parameters);
        let specs = specs.chain(self.tasks.values().map(|task| &task.parameters));
        let defaults = specs.flat_map(BTreeMap::values).filter_map(|spec| spec.default.as_ref());
        let resources = self.tasks.values().filter_map(|task| task.resource.as_ref());
        let properties = resources.flat_map(|resource| resource.properties.values());
        let fixed = properties.filter_map(|property| match property {
            ResourceProperty::Value(value) => Some(value),
            ResourceProperty::Parameter(_) | ResourceProperty::ContentOf(_) => None,
        });
        let given = self.deployments.values().flat_map(|deployment| deployment.parameters.values());
        let secrets = given.chain(defaults).chain(fixed).filter_map(|value| match value {
            ParameterValue::Secret(reference) => Some(reference),
            _ => None,
        });
        secrets.chain(self.licenses.values().map(|license| &license.secret)).collect()
    }
}

/// What documents say of each other beyond what they mean; lints are worked out from it.
#[derive(Debug, Clone, Default)]
pub struct Uses {
    /// Every document that has a name, and its place.
    pub declared: BTreeMap<(Kind, Name), Place>,
    /// What is referred to, and the kinds of the documents that do.
    pub used: BTreeMap<(Kind, Name), BTreeSet<Kind>>,
    /// Script files beside documents that no document names.
    pub forgotten: Vec<Arc<str>>,
    /// Lints that were met while documents were checked.
    pub noticed: Vec<Finding>,
    /// The warnings that documents allow about themselves.
    pub allows: Vec<Allow>,
}

/// A warning that a document allows about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allow {
    /// The warning.
    pub code: Code,
    /// Where it is allowed.
    pub place: Place,
    /// The document from its first to its last byte.
    pub document: Place,
    /// Whether it silenced a warning while the documents were loaded.
    pub used: bool,
}

/// See [`super::kind::InstanceSpec`].
#[derive(Debug, Clone, PartialEq)]
pub struct Instance {
    /// Its name; names the state's default folder too.
    pub metadata: Metadata,
    /// Where it stands.
    pub place: Place,
    /// The most that Muster may do anywhere.
    pub mode: Mode,
    /// The time zone for people.
    pub time_zone: String,
    /// Computers at once.
    pub concurrency: u32,
    /// How long a detection counts.
    pub max_age: Limit,
    /// How answers of providers, directories and PSAs are believed.
    pub sources: Believing,
    /// The SQLite file, if it is set.
    pub sqlite: Option<String>,
    /// Folders whose documents are a library.
    pub libraries: Vec<Library>,
}

/// See [`super::kind::LibrarySettings`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Library {
    /// The folder, without a slash at its ends.
    pub folder: Arc<str>,
    /// The deployments and bundles that count.
    pub deployments: BTreeSet<Name>,
    /// Whether all of them do.
    pub every: bool,
    /// The targets that documents of the repository itself may use without a word.
    pub targets: BTreeSet<Name>,
}

impl Library {
    /// Whether a file lies in the folder.
    #[must_use]
    pub fn holds(&self, file: &str) -> bool {
        file.strip_prefix(&*self.folder).is_some_and(|rest| rest.starts_with('/'))
    }
}

/// Where a deployment comes from. The order is that of precedence (DEP-30).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// From a library; it counts only where the Instance lists it.
    Library {
        /// The library's folder.
        folder: Arc<str>,
        /// Whether it is listed.
        listed: bool,
    },
    /// From the repository itself.
    Local,
}

/// See [`super::kind::SourceSettings`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Believing {
    /// How long a source may take for its whole list.
    pub limit: Limit,
    /// When a list that became shorter is not believed.
    pub shrink: Shrink,
    /// The same for single sources.
    pub each: BTreeMap<Name, Shrink>,
}

impl Default for Believing {
    fn default() -> Self {
        Self { limit: Limit::seconds(300), shrink: Shrink::default(), each: BTreeMap::new() }
    }
}

impl Believing {
    /// What holds for a source.
    #[must_use]
    pub fn of(&self, source: &Name) -> Shrink {
        self.each.get(source).copied().unwrap_or(self.shrink)
    }
}

/// See [`super::kind::ShrinkSpec`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shrink {
    /// When more than this share is gone, in percent.
    pub percent: u8,
    /// Shorter lists may lose any share, and not all.
    pub minimum: u32,
}

impl Default for Shrink {
    fn default() -> Self {
        Self { percent: 50, minimum: 10 }
    }
}

/// A link to a directory or a PSA.
#[derive(Debug, Clone, PartialEq)]
pub struct Linked<T> {
    /// Its name.
    pub metadata: Metadata,
    /// Where it stands.
    pub place: Place,
    /// Its settings.
    pub spec: T,
    /// Texts of the files it refers to in the repository, by the path as written.
    pub files: BTreeMap<String, Arc<str>>,
}

/// See [`super::kind::TenantSpec`].
#[derive(Debug, Clone, PartialEq)]
pub struct Tenant {
    /// Its name.
    pub metadata: Metadata,
    /// Where it stands.
    pub place: Place,
    /// The tenant above.
    pub parent: Option<Name>,
    /// The directory with its people and groups.
    pub directory: Option<Name>,
    /// Its company in a PSA.
    pub psa: Option<TenantPsa>,
    /// Its tags.
    pub tags: BTreeSet<String>,
    /// The most that Muster may do here.
    pub mode: Mode,
    /// Whether cross-tenant deployments reach it.
    pub cross_tenant: CrossTenant,
    /// Nothing is done here and below for a while.
    pub hold: Option<Hold>,
}

/// See [`super::kind::ProviderSpec`].
#[derive(Debug, Clone, PartialEq)]
pub struct Provider {
    /// Its name.
    pub metadata: Metadata,
    /// Where it stands.
    pub place: Place,
    /// Its settings.
    pub spec: ProviderSpec,
    /// Texts of the files it refers to in the repository (host list, fleet), by the path as written.
    pub files: BTreeMap<String, Arc<str>>,
}

/// See [`super::kind::ComputerSpec`].
#[derive(Debug, Clone, PartialEq)]
pub struct Computer {
    /// The document's name.
    pub metadata: Metadata,
    /// Where it stands.
    pub place: Place,
    /// The computer's name as its provider lists it; compared without case.
    pub name: String,
    /// The provider, if it is given.
    pub provider: Option<Name>,
    /// The tenant, if it is given.
    pub tenant: Option<Name>,
    /// Added tags.
    pub tags: BTreeSet<String>,
    /// Who its primary person is.
    pub primary_person: PrimaryPerson,
    /// Whether its onboarding is done, if that is given.
    pub onboarded: Option<bool>,
    /// The most that Muster may do.
    pub mode: Mode,
    /// Left out of all deployments.
    pub excluded: bool,
}

/// See [`super::kind::TargetSpec`].
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Its name.
    pub metadata: Metadata,
    /// Where it stands.
    pub place: Place,
    /// The expression, its names checked.
    pub expression: Match,
    /// The most that Muster may do through it.
    pub mode: Mode,
}

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

/// See [`super::kind::SoftwareSpec`].
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

/// One version of a software that can be installed; see [`super::kind::ReleaseSpec`]. Where it has no script or strategy
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

/// Where versions of a software are found; see [`super::kind::VersionSource`]. Only `muster update` uses it.
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

/// A file that a release is installed from; see [`super::kind::PayloadSpec`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Payload {
    /// Where it is fetched from.
    pub url: String,
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

/// Where scripts come from that are made of a software's packages.
pub const PACKAGE_MANAGERS: &str = "package managers";

/// See [`super::kind::LicenseSpec`].
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

/// See [`super::kind::Prerequisite`].
#[derive(Debug, Clone, PartialEq)]
pub struct Prerequisite {
    /// Where it stands.
    pub place: Place,
    /// The condition.
    pub when: Condition,
    /// What follows.
    pub then: Consequence,
}

/// See [`super::kind::TaskSpec`].
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Its name and title.
    pub metadata: Metadata,
    /// Where it stands.
    pub place: Place,
    /// Tests.
    pub test: Option<Scripts>,
    /// Sets.
    pub set: Option<Scripts>,
    /// In place of a test: the key for which it is set once.
    pub once: Option<Name>,
    /// Reads.
    pub get: Option<Scripts>,
    /// What the three look after, where they are built in.
    pub resource: Option<Resource>,
    /// What its changes wait for.
    pub lock: Option<LockSpec>,
    /// What its scripts can be given.
    pub parameters: BTreeMap<String, ParameterSpec>,
    /// Whether anything is done with it at all.
    pub enabled: bool,
}

/// A built-in resource with its properties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Its kind.
    pub kind: ResourceKind,
    /// What is managed of it, by the name that its scripts know it by.
    pub properties: BTreeMap<String, ResourceProperty>,
}

/// Where the value of a property comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResourceProperty {
    /// It is given.
    Value(ParameterValue),
    /// It is that of a parameter; where there is none, the property is not managed.
    Parameter(String),
    /// It is that of a parameter, as a file with this text.
    ContentOf(String),
}

impl Resource {
    /// Whether setting it takes something away: what it looks after is to be absent, whatever its kind.
    #[must_use]
    pub fn removes(&self) -> bool {
        let absent = |property: &ResourceProperty| matches!(property, ResourceProperty::Value(ParameterValue::Text(text)) if text == "absent");
        self.properties.get("state").is_some_and(absent)
    }

    /// What its scripts are given, from the values of the task's parameters.
    #[must_use]
    pub fn values(&self, parameters: &BTreeMap<String, ParameterValue>) -> BTreeMap<String, ParameterValue> {
        let value = |property: &ResourceProperty| match property {
            ResourceProperty::Value(value) => Some(value.clone()),
            ResourceProperty::Parameter(name) => parameters.get(name).cloned(),
            ResourceProperty::ContentOf(name) => parameters.get(name).map(|value| match value {
                ParameterValue::Text(text) => ParameterValue::File(FileValue::of_text(name, text)),
                other => other.clone(),
            }),
        };
        // A shell has no lists; lines do for all of them.
        let lines = |value| match value {
            ParameterValue::List(texts) => ParameterValue::Text(texts.join("\n")),
            other => other,
        };
        self.properties
            .iter()
            .filter_map(|(name, property)| Some((name.clone(), lines(value(property)?))))
            .collect()
    }
}

/// What a deployment wants of its item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Desired {
    /// A software in a state, with the versions that it allows.
    Software {
        /// The state.
        state: SoftwareState,
        /// The versions; `Any` where the state uses none.
        version: WantedVersion,
        /// Whether a newer version may be replaced by the exact one.
        allow_downgrade: bool,
    },
    /// A task; how far to go is the deployment's mode.
    Task,
}

impl Desired {
    /// Whether a software is only wanted where it is found.
    #[must_use]
    pub const fn is_update_if_found(&self) -> bool {
        matches!(self, Self::Software { state: SoftwareState::UpdateIfFound, .. })
    }
}

/// The versions that a deployment allows, and the one it would install.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WantedVersion {
    /// Whatever is there; `install` is what to install where nothing is (the software's highest, if it lists any).
    Any {
        /// What to install.
        install: Option<String>,
    },
    /// This one or newer; it is the software's highest. Older ones are updated to it.
    Latest {
        /// What to install.
        install: String,
    },
    /// Exactly this one.
    Exact {
        /// The version.
        version: String,
    },
    /// What the constraint allows.
    Range {
        /// The constraint as written.
        constraint: String,
        /// The highest listed version that it allows.
        install: String,
    },
}

/// See [`super::kind::DeploymentSpec`]. Disabled deployments are kept, for `explain`.
#[derive(Debug, Clone, PartialEq)]
pub struct Deployment {
    /// Its name.
    pub metadata: Metadata,
    /// Where it stands.
    pub place: Place,
    /// What it is about.
    pub item: ItemKey,
    /// What it wants.
    pub desired: Desired,
    /// How far to go.
    pub mode: Mode,
    /// The named target, if it uses one.
    pub target: Option<Name>,
    /// The expression: its own, or that of the named target.
    pub expression: Match,
    /// Values given.
    pub parameters: BTreeMap<String, ParameterValue>,
    /// The licence that it names.
    pub license: Option<Name>,
    /// Whether the software's configuration task follows.
    pub configured: bool,
    /// Higher wins.
    pub priority: i32,
    /// Whether it counts.
    pub enabled: bool,
    /// When it counts.
    pub enforcement: Enforcement,
    /// Where it wins nothing is done for a while.
    pub hold: Option<Hold>,
    /// Where it comes from.
    pub layer: Layer,
    /// The bundle whose entry it is, and the bundle's place.
    pub bundle: Option<(Name, Place)>,
}

/// The items that go first and last, over all Order documents.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Order {
    /// First, in this order.
    pub first: Vec<ItemRef>,
    /// Last, in this order.
    pub last: Vec<ItemRef>,
}
