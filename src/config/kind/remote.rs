//! `Policy` and `Package`: what holds for remote sessions, and at which customers' sites.
//!
//! They are named as in the management system that knows the same two things. Not here: what several policies come to at
//! one site (`remote`).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Mode, ParameterValue, SoftwareState};
use crate::id::Name;

/// What holds for computers of the sites that a Package gives it to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicySpec {
    /// What it is about.
    pub category: PolicyCategory,
    /// What of that.
    pub r#type: PolicyType,
    /// The settings for remote sessions.
    pub remote_access: RemoteAccessSpec,
}

/// What a policy is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyCategory {
    /// Computers.
    Devices,
}

/// What of its category a policy is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyType {
    /// Remote sessions.
    RemoteAccess,
}

/// Settings for remote sessions. What no policy of a site says has its default; where several say different things, the
/// more cautious one holds, or they are an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RemoteAccessSpec {
    /// The provider that remote sessions go through. All policies of a site have to name the same one.
    pub provider: Name,
    /// Whether the person at the computer has to agree to each session. `required` wins over `not-required`. Default:
    /// required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<Consent>,
    /// Whether the agent updates itself. `true` wins over `false`. Default: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_auto_update: Option<bool>,
    /// Whether the person at the computer sees a notification balloon. Policies of one site may not differ. Default: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notification_balloon: Option<bool>,
    /// Who may open a session. Of several lists only those in all of them may. Default: Primary Super Admin, Super Admin,
    /// Manager, Technician and Client Site Manager, Office Staff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub roles: Option<Vec<String>>,
    /// What brings the agent and its settings to the computers. Each becomes a deployment of its own, called
    /// `POLICY--ENTRY`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deployments: Vec<PolicyEntry>,
}

/// Whether the person at a computer has to agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Consent {
    /// Nobody is asked.
    NotRequired,
    /// The person is asked, and may refuse.
    Required,
}

/// One item that a policy needs on its computers. Exactly one of `software` and `task`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    { "required": ["software", "state"], "properties": { "task": false, "instance": false } },
    { "required": ["task"], "properties": { "software": false, "state": false, "version": false } }
]))]
pub struct PolicyEntry {
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
    /// How far to go. Default: enforce.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Values for the item's parameters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, ParameterValue>,
    /// Tells several deployments of one task to one computer apart (RES-2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<Name>,
    /// Parameters of the item, of the type boolean, that get what holds for the site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<SettingParameters>,
}

/// The parameters that get settings: each is `true` or `false`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub struct SettingParameters {
    /// Gets whether consent is required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub consent: Option<String>,
    /// Gets whether the agent updates itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub agent_auto_update: Option<String>,
    /// Gets whether there is a notification balloon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub notification_balloon: Option<String>,
}

/// Policies, and the sites whose computers get them: all computers that are there, and those that come later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PackageSpec {
    /// The policies.
    #[schemars(length(min = 1))]
    pub policies: Vec<Name>,
    /// The sites.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assigned: Vec<SiteSpec>,
}

/// A site of a tenant, or all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SiteSpec {
    /// The tenant.
    pub tenant: Name,
    /// The site, as its provider names it, in any case. Default: all computers of the tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub site: Option<String>,
}
