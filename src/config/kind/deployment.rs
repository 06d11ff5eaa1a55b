//! `Deployment`: one item, its desired state and the computers it is for.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Hold, Match, Mode, ParameterValue, yes};
use crate::id::Name;

/// One item in a desired state on the computers of a target. Exactly one of `software` and `task` (DEP-2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    { "required": ["software", "state"], "properties": { "task": false, "instance": false } },
    {
        "required": ["task"],
        "properties": { "software": false, "state": false, "version": false, "license": false, "configuration": { "const": true }, "allowDowngrade": { "const": false } }
    }
]))]
pub struct DeploymentSpec {
    /// The software.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub software: Option<Name>,
    /// The task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<Name>,
    /// The software's desired state. Needed with `software`, not allowed with `task`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<SoftwareState>,
    /// With installed or update-if-found: `latest`, `any`, an exact version such as 24.09, or a constraint such as
    /// `>=1.2, <2`. Default: latest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub version: Option<String>,
    /// How far to go. Default: enforce.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// The computers.
    pub target: DeploymentTarget,
    /// Values for the item's parameters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, ParameterValue>,
    /// Tells several deployments of one task to one computer apart (RES-2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<Name>,
    /// The licence of the software, where another one than the nearest is to be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<Name>,
    /// Decides between deployments that rank equal otherwise; higher wins. Default: 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// Whether it counts at all. Default: true.
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    pub enabled: bool,
    /// Whether the configuration task of the software follows it. Default: true.
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    pub configuration: bool,
    /// Whether a newer version may be replaced by the exact one that is wanted (DEP-10). Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_downgrade: bool,
    /// Its software is not uninstalled from the computers that it is for, also after this line is gone, until it is released. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub protect: bool,
    /// When it counts. Default: required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enforcement: Option<Enforcement>,
    /// Where it wins, nothing is done until a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
}

/// When a deployment counts (DEP-15 to DEP-17). It says nothing about who wins: the target and the priority do.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Enforcement {
    /// In every run.
    #[default]
    Required,
    /// Only for computers that are being onboarded.
    Onboarding,
    /// Only in a run that names it.
    AdHoc,
}

/// The computers of a deployment: exactly one of the two.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub struct DeploymentTarget {
    /// The name of a Target document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#ref: Option<Name>,
    /// An expression of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#match: Option<Match>,
}

/// The desired state of a software (DEP-3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SoftwareState {
    /// Present in a version that `version` allows.
    Installed,
    /// Not present.
    Absent,
    /// Where it is present, in a version that `version` allows; where it is absent, nothing (DEP-6, DEP-7).
    UpdateIfFound,
    /// This deployment wins, and nothing is done (DEP-13).
    Ignored,
}
