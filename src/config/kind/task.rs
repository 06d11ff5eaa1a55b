//! `Task`: something to test, set and read by scripts.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ParameterSpec, PlatformScripts, ResourceSpec, yes};
use crate::id::Name;

/// Something that is either so or not so on a computer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("anyOf" = [
    { "required": ["test"], "properties": { "script": false, "resource": false } },
    { "required": ["set"], "properties": { "script": false, "resource": false } },
    { "required": ["get"], "properties": { "script": false, "resource": false } },
    { "required": ["script"], "properties": { "test": false, "set": false, "get": false, "resource": false } },
    { "required": ["resource"], "properties": { "test": false, "set": false, "get": false, "script": false } }
], "dependentSchemas" = {
    "once": { "required": ["set"], "properties": { "test": false, "get": false, "script": false, "resource": false } }
}))]
pub struct TaskSpec {
    /// Prints true or false as its last line and changes nothing; lines before say why. Needed by enforce and audit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<PlatformScripts>,
    /// Makes it so. Needed by enforce.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<PlatformScripts>,
    /// In place of a test: `set` runs once on each computer for this key, which the state remembers; another key runs it
    /// again (TSK-8).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub once: Option<Name>,
    /// Prints the present value and changes nothing. Needed by monitor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub get: Option<PlatformScripts>,
    /// In place of the three: one script that is told in `MUSTER_METHOD` which of them it is to be, `test`, `set` or `get`
    /// (TSK-1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<PlatformScripts>,
    /// In place of all scripts: something built in that is looked after (SCR-13).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<ResourceSpec>,
    /// A lock that its changes share with others of the same lock: only one of them runs at a time in a run of Muster (TSK-15).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<LockSpec>,
    /// The parameters that deployments give.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, ParameterSpec>,
    /// Whether anything is done with it at all: switched off, no deployment of it counts anywhere. Default: true.
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    pub enabled: bool,
}

/// A lock by its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LockSpec {
    /// Its name; tasks that name the same share it.
    pub name: Name,
    /// Among which computers. Default: instance.
    #[serde(default)]
    pub scope: LockScope,
}

/// Among which computers a lock is one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LockScope {
    /// All.
    #[default]
    Instance,
    /// Those of one tenant; those without a tenant have one together.
    Tenant,
    /// Those at one site of a tenant, as their provider tells it; those of a tenant without a site have one together.
    Site,
}

impl TaskSpec {
    /// Whether something says how it is tested.
    #[must_use]
    pub const fn has_test(&self) -> bool {
        self.test.is_some() || self.script.is_some() || self.resource.is_some()
    }

    /// Whether something says how it is set.
    #[must_use]
    pub const fn has_set(&self) -> bool {
        self.set.is_some() || self.script.is_some() || self.resource.is_some()
    }

    /// Whether something says how it is read.
    #[must_use]
    pub const fn has_get(&self) -> bool {
        self.get.is_some() || self.script.is_some() || self.resource.is_some()
    }
}
