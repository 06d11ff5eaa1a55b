//! `Bundle`: several deployments under one target (DEP-2).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DeploymentTarget, Enforcement, Hold, Mode, ParameterValue, SoftwareState, yes};
use crate::id::Name;

/// A list of deployments under one target. Each entry becomes a deployment of its own, called `BUNDLE--ENTRY`, before
/// anything is decided; nothing is shared but what stands here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BundleSpec {
    /// The computers of all entries.
    pub target: DeploymentTarget,
    /// How far to go, for entries that say nothing of it. Default: enforce.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// When entries count that say nothing of it. Default: required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enforcement: Option<Enforcement>,
    /// The priority of entries that have none. Default: 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// Whether its entries count at all. Default: true.
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    pub enabled: bool,
    /// Where an entry wins, nothing is done until a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// What is deployed.
    #[schemars(length(min = 1))]
    pub deployments: Vec<BundleEntry>,
}

/// One deployment of a bundle. Exactly one of `software` and `task`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    { "required": ["software", "state"], "properties": { "task": false, "instance": false } },
    {
        "required": ["task"],
        "properties": { "software": false, "state": false, "version": false, "license": false, "configuration": { "const": true }, "allowDowngrade": { "const": false } }
    }
]))]
pub struct BundleEntry {
    /// Tells it from the other entries. Default: the item's name, with the instance key if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// The software.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub software: Option<Name>,
    /// The task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<Name>,
    /// The software's desired state. Needed with `software`, not allowed with `task`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<SoftwareState>,
    /// As in a Deployment. Default: latest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub version: Option<String>,
    /// How far to go. Default: as the bundle says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// When it counts. Default: as the bundle says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enforcement: Option<Enforcement>,
    /// Values for the item's parameters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, ParameterValue>,
    /// Tells several deployments of one task to one computer apart (RES-2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<Name>,
    /// The licence of the software, where another one than the nearest is to be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<Name>,
    /// Decides between deployments that rank equal otherwise; higher wins. Default: as the bundle says.
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
}
