//! Version sources: where `muster update` finds out which versions of a software there are (SW-17, SW-18).
//!
//! Not here: what they answered. That is in `muster.lock`, which alone decides what `latest` means; plans and applies
//! never contact a source.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Architecture, PlatformScripts, Sha256};
use crate::secret::SecretRef;
use crate::session::script::Platform;

/// Where versions are found. Exactly one of `list`, `winget`, `github`, `apt`, `page` and `script`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    { "required": ["list"] }, { "required": ["winget"] }, { "required": ["github"] },
    { "required": ["apt"] }, { "required": ["page"] }, { "required": ["script"] }
]))]
pub struct VersionSource {
    /// A list in this repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<ListSource>,
    /// Manifests in the layout of the winget community repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub winget: Option<WingetSource>,
    /// Releases of a project on GitHub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub github: Option<GithubSource>,
    /// A package in an apt repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apt: Option<AptSource>,
    /// A page that names its versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<PageSource>,
    /// A script that prints versions; it runs where Muster runs, during `muster update` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<PlatformScripts>,
    /// Only versions that this allows, such as <2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub constraint: Option<String>,
    /// Whether pre-releases count. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub prereleases: bool,
    /// How many versions the lock file keeps beside those that deployments ask for, the newest first. Default: 2, the
    /// newest and the one before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub keep: Option<u32>,
}

/// A list in this repository. Exactly one of `releases` and `file`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("oneOf" = [{ "required": ["releases"] }, { "required": ["file"] }]))]
pub struct ListSource {
    /// The versions with their addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub releases: Option<Vec<ListedRelease>>,
    /// A file with one of them on a line, relative to this file: `version address [sha256]`, or a JSON object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub file: Option<String>,
}

/// A version in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListedRelease {
    /// The version.
    #[schemars(length(min = 1))]
    pub version: String,
    /// Where its file is fetched from.
    #[schemars(regex(pattern = r"^https?://."))]
    pub url: String,
    /// Its SHA-256, if it is known; otherwise the file is fetched once to find it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Sha256>,
    /// The processors that the file is for. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<Architecture>,
    /// The platform that the file is for. Default: both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
}

/// Manifests in the layout of the winget community repository: manifests/letter/Publisher/Package/version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WingetSource {
    /// The package's identifier, such as 7zip.7zip. Letters of both cases are told apart.
    #[schemars(regex(pattern = r"^[^.\s/\\]+(\.[^.\s/\\]+)+$"))]
    pub id: String,
    /// Where the manifests are. Default: github, the community repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<WingetRepository>,
    /// Only installers of this scope. Those that name none count as both. Default: machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<InstallerScope>,
    /// Only installers of these kinds, such as msi or exe, the ones named first being preferred. Default: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub installers: Vec<String>,
}

/// Where winget manifests are; exactly one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum WingetRepository {
    /// A folder where Muster runs that holds `manifests`; relative to this repository's root.
    Path(#[schemars(length(min = 1))] String),
    /// A web address below which `manifests` lies, on a server that lists its folders as pages with links.
    Url(
        #[schemars(regex(pattern = r"^https?://."))]
        String,
    ),
    /// A repository on GitHub, read through its contents API.
    Github(GithubContents),
}

/// A repository on GitHub whose folders are listed through the contents API.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GithubContents {
    /// Owner and name. Default: microsoft/winget-pkgs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$"))]
    pub repository: Option<String>,
    /// The address of the API. Default: https://api.github.com.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^https?://."))]
    pub api: Option<String>,
    /// A token, which is allowed many more requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<SecretRef>,
}

/// For whom an installer installs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InstallerScope {
    /// For all users of the computer.
    Machine,
    /// For one user.
    User,
}

/// Releases of a project on GitHub. Drafts never count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GithubSource {
    /// Owner and name.
    #[schemars(regex(pattern = r"^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$"))]
    pub repository: String,
    /// Which files of a release are its payloads.
    #[schemars(length(min = 1))]
    pub assets: Vec<AssetRule>,
    /// Finds the version in the release's tag; a group called `version` names it. Default: the whole tag. Tags that it
    /// does not fit are passed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub tag: Option<String>,
    /// The address of the API. Default: https://api.github.com.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^https?://."))]
    pub api: Option<String>,
    /// A token, for private projects and for many more requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<SecretRef>,
}

/// A file of a release by its name, and what it is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AssetRule {
    /// Fits the whole name of exactly one file of a release.
    #[schemars(length(min = 1))]
    pub regex: String,
    /// The processors that the file is for. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<Architecture>,
    /// The platform that the file is for. Default: both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
}

/// A package in an apt repository. The index is checked against the repository's Release file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AptSource {
    /// The repository's address, below which `dists` lies.
    #[schemars(regex(pattern = r"^https?://."))]
    pub url: String,
    /// The suite, such as stable or noble.
    #[schemars(length(min = 1))]
    pub suite: String,
    /// The component. Default: main.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub component: Option<String>,
    /// The package.
    #[schemars(length(min = 1))]
    pub package: String,
    /// The architectures to look for, as the repository calls them. Default: amd64.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub architectures: Vec<String>,
    /// A file with the public keys that may have signed the repository, relative to this file. Without one the
    /// signature is not checked, which `muster update` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub key: Option<String>,
}

/// A page that names its versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PageSource {
    /// The page's address.
    #[schemars(regex(pattern = r"^https?://."))]
    pub url: String,
    /// Is looked for everywhere in the page. A group called `version` names the version, and one called `url` its file,
    /// relative to the page.
    #[schemars(length(min = 1))]
    pub regex: String,
    /// Where a version's file is, with {version} for the version. Needed when the expression has no group `url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub download: Option<String>,
    /// The processors that the file is for. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<Architecture>,
    /// The platform that the file is for. Default: both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
}
