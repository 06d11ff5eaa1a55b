//! `Software`: how a program is found, installed, updated, tested and removed.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Fetcher, LicenseNeed, LockSpec, Packages, ParameterSpec, PlatformScripts, ReleaseSpec, TextMatch,
    VersionSource, yes,
};
use crate::id::Name;

/// A program that can be present in some version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("anyOf" = [{ "required": ["detect"] }, { "required": ["packages"] }]))]
pub struct SoftwareSpec {
    /// How its presence and version are found (SW-1). Default: by the records of the managers in `packages`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detect: Option<Detect>,
    /// What it is called by package managers. They install, update and remove it where it has no script of its own for
    /// that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packages: Option<Packages>,
    /// How its versions compare. Default: dotted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_scheme: Option<VersionScheme>,
    /// Versions that can be installed and need nothing of their own; short for `releases` with a version each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<String>,
    /// Versions that can be installed, with their files and scripts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub releases: Vec<ReleaseSpec>,
    /// Where further versions are found; `muster update` writes them into muster.lock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<VersionSource>,
    /// Installs the version given in MUSTER_VERSION.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub install: Option<PlatformScripts>,
    /// How an older version becomes the wanted one (SW-12). Default: install-over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upgrade: Option<Strategy>,
    /// Runs before an install, update or downgrade, and before a repair that installs: after all files are there, and before
    /// anything is removed. If it fails, nothing else is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pre_install: Option<PlatformScripts>,
    /// Runs after an install, update or downgrade, and after a repair that installs (SW-33).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post_install: Option<PlatformScripts>,
    /// Removes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uninstall: Option<PlatformScripts>,
    /// Runs after a removal; not where an update removes the old version (SW-33).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post_uninstall: Option<PlatformScripts>,
    /// Brings the file of a release, where its address is not enough: it writes MUSTER_PAYLOAD, which is verified like
    /// any other (SW-18).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub download: Option<PlatformScripts>,
    /// Who fetches the files of its releases from their addresses, unless a release says otherwise. Default: what the
    /// Instance says, and computer where it says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetch: Option<Fetcher>,
    /// How it is repaired when its test says false (SW-14). Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repair: Option<Strategy>,
    /// Asked when it is present: prints true or false as its last line (SW-9).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<PlatformScripts>,
    /// Whether it takes a licence (SW-27). Default: none.
    #[serde(default, skip_serializing_if = "is_none_needed")]
    pub license: LicenseNeed,
    /// Whether the computer may restart for it, or has to (SW-30). Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub needs_reboot: bool,
    /// What has to hold before it is installed, updated or kept (PRE-1 to PRE-11).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prerequisites: Vec<Prerequisite>,
    /// A task that runs directly after it where it is present (TSK-12, ORD-5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration: Option<Name>,
    /// Whether its configuration task is part of it: then no deployment can leave it out. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub configuration_required: bool,
    /// A lock that its changes share with others of the same lock: only one of them runs at a time in a run of Muster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<LockSpec>,
    /// What follows where it was installed with other values than those that are wanted now (PAR-8). Default: reinstall,
    /// and with a configuration task ignore, as that task is given the new values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters_changed: Option<ParametersChanged>,
    /// The parameters that deployments may give; all its scripts and its configuration task get them (TSK-11).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, ParameterSpec>,
    /// Whether anything is done with it at all: switched off, no deployment of it counts anywhere. Default: true.
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    pub enabled: bool,
}

impl SoftwareSpec {
    /// Whether some of its releases bring an install script of their own.
    #[must_use]
    pub fn releases_install(&self) -> bool {
        self.releases.iter().any(|release| release.install.is_some())
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_none_needed(need: &LicenseNeed) -> bool {
    *need == LicenseNeed::None
}

/// How a software is found; exactly one way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Detect {
    /// By its entry in the computer's list of installed programs.
    Inventory(InventoryMatch),
    /// By a package manager's own record.
    Package(PackageMatch),
    /// By its MSI upgrade code (SW-4).
    UpgradeCode(
        #[schemars(regex(
            pattern = r"^(\{[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})$"
        ))]
        String,
    ),
    /// By its MSI product code.
    ProductCode(
        #[schemars(regex(
            pattern = r"^(\{[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})$"
        ))]
        String,
    ),
    /// By a script: exit 0 and a version on standard output means present, exit 0 and nothing means absent, and
    /// anything else means undetermined (SW-5).
    Script(PlatformScripts),
}

/// A match in the computer's list of installed programs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InventoryMatch {
    /// The name in the list.
    pub name: TextMatch,
    /// Whether entries that the system hides count. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub include_hidden: bool,
}

/// A package manager's record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PackageMatch {
    /// The package's exact name.
    #[schemars(length(min = 1))]
    pub name: String,
    /// The package manager. Default: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<PackageManager>,
}

/// A package manager whose records are collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PackageManager {
    /// Debian's.
    Dpkg,
    /// Red Hat's and SUSE's.
    Rpm,
    /// Alpine's.
    Apk,
    /// The Windows package manager.
    Winget,
    /// Chocolatey.
    Choco,
    /// Homebrew.
    Brew,
}

/// How versions of a software compare; never as plain text.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum VersionScheme {
    /// Numbers between dots, a missing one counting as zero: 1.10 is newer than 1.9.
    #[default]
    Dotted,
    /// Semantic versions, with pre-releases before releases.
    Semver,
    /// Debian's: epoch, upstream, revision, with ~ before everything.
    Debian,
    /// Days: 2024-09-15, 2024.9 or 20240915, which may be followed by further numbers.
    Date,
}

/// What follows when the values that a software was installed with have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ParametersChanged {
    /// The install script runs again with the new values.
    Reinstall,
    /// Nothing.
    Ignore,
}

/// How something present is changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Strategy {
    /// Not at all: where it would be needed the plan says so as an error (SW-13).
    None,
    /// The install script runs over it.
    InstallOver,
    /// The uninstall script, then the install script.
    UninstallInstall,
    /// A script of its own.
    Script(PlatformScripts),
}

/// If the condition holds on the planned state, then the consequence has to (PRE-4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Prerequisite {
    /// The condition.
    pub when: Condition,
    /// What follows.
    pub then: Consequence,
}

/// A condition on other software. Exactly one of `installed` and `notInstalled`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("oneOf" = [{ "required": ["installed"] }, { "required": ["notInstalled"] }]))]
pub struct Condition {
    /// These are installed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub installed: Option<Vec<Name>>,
    /// These are not installed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub not_installed: Option<Vec<Name>>,
    /// Whether it takes one of them or all. Default: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Quantifier>,
}

/// One of several, or all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Quantifier {
    /// At least one.
    #[default]
    Any,
    /// All.
    All,
}

/// What has to happen; exactly one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Consequence {
    /// These are installed first, by their own deployment's version, or the latest.
    Install(#[schemars(length(min = 1))] Vec<Name>),
    /// These are removed first.
    Uninstall(#[schemars(length(min = 1))] Vec<Name>),
    /// The item cannot go on, and this says why.
    Fail(#[schemars(length(min = 1))] String),
}
