//! `Instance`: what holds for the whole repository.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BudgetSettings, BusinessHours, Fetcher, Mode, SourceSettings};
use crate::id::Name;
use crate::time::Limit;

/// Settings of the whole repository, in `muster.yaml` at its root.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InstanceSpec {
    /// The most that Muster may do anywhere. Default: enforce.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// IANA name of the time zone for people, such as Europe/Berlin. Default: UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// How many computers are worked on at once over all providers. Default: 64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10000))]
    pub concurrency: Option<u32>,
    /// Remote sessions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote: Option<RemoteSettings>,
    /// How detection is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detection: Option<DetectionSettings>,
    /// How much a run may do before it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budgets: Option<BudgetSettings>,
    /// When people work, unless their tenant says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub business_hours: Option<BusinessHours>,
    /// Shipped guardrails that hold here, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guardrails: Vec<Name>,
    /// How answers of providers, directories and PSAs are believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sources: Option<SourceSettings>,
    /// How agents are recognised as being on the same computer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identification: Option<IdentificationSettings>,
    /// How the files of releases come to the computers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payloads: Option<PayloadSettings>,
    /// Where results are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<StateSettings>,
    /// Folders with documents that somebody else maintains; documents of this repository go before them (DEP-30).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub libraries: Vec<LibrarySettings>,
}

/// A folder of the repository whose documents are a library: recommended by somebody else and brought in from
/// elsewhere. Its deployments, tenants, providers and computers do not count unless they are listed here (DEP-31).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("not" = { "required": ["deployments", "every"], "properties": { "every": { "const": true } } }))]
pub struct LibrarySettings {
    /// The folder, from the root of the repository.
    #[schemars(length(min = 1))]
    pub folder: String,
    /// The deployments and bundles of the library that count. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deployments: Vec<Name>,
    /// Whether all of its deployments count, also those that it will have later.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub every: bool,
    /// The tenants of the library that count. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tenants: Vec<Name>,
    /// The providers of the library that count. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub providers: Vec<Name>,
    /// The Computer documents of the library that count. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub computers: Vec<Name>,
    /// The targets of the library that documents of the repository itself use. Others can be used as well, with a warning
    /// that somebody else decides whom they select.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<Name>,
}

/// What commands for remote sessions take for granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RemoteSettings {
    /// The role of whoever says none, such as Manager.
    #[schemars(length(min = 1))]
    pub role: String,
}

/// How long what was detected may be used without looking again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DetectionSettings {
    /// Older detections are stale: plan looks again, and counts them as not known when it may not. Default: 1h.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<Limit>,
}

/// How agents are recognised as being on the same computer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IdentificationSettings {
    /// What a known identity with another agent of the same provider means where it cannot be told (IDN-7). Two agents
    /// that are online at the same time are asked about all the same, unless this says `clone`. Default: ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_conflict: Option<OnConflict>,
    /// Whether an operating system that was installed less than 24 hours before it was seen means that the computer was
    /// wiped (IDN-10). Default: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_system_is_wipe: Option<bool>,
    /// After how long without a sign of it a computer is stale (IDN-20). Default: 30d.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale_after: Option<Limit>,
}

/// What a known identity with another agent of the same provider means.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum OnConflict {
    /// A person decides, with `muster identify`.
    #[default]
    Ask,
    /// The agent was re-installed, and takes the place of the earlier one.
    Overwrite,
    /// It is another computer with the same identity.
    Clone,
}

/// How the files of releases come to the computers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PayloadSettings {
    /// Who fetches them from their addresses, unless the software or the release says otherwise. Default: computer.
    pub fetch: Fetcher,
}

/// Where results are kept. Losing them loses history, never correctness.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StateSettings {
    /// Path of an SQLite file, relative to the folder of muster.yaml unless absolute.
    #[schemars(length(min = 1))]
    pub sqlite: String,
}
