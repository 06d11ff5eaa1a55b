//! `Script`, and how other kinds name their scripts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::Name;
use crate::session::script::{Context, Interpreter};
use crate::time::Limit;

/// A script that several documents share. Exactly one of `file` and `inline`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("oneOf" = [{ "required": ["file"] }, { "required": ["inline"] }]))]
pub struct ScriptSpec {
    /// A file in the repository, relative to this file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub file: Option<String>,
    /// The text itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inline: Option<String>,
    /// What runs it. Default: by the file's ending (.sh, .bash, .ps1, .cmd, .bat, .py), else sh or powershell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interpreter: Option<Interpreter>,
    /// As whom it runs. Default: system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Context>,
    /// How long it may take. Default: 4m where it only reads, 30m where it changes something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_limit: Option<Limit>,
    /// Where it selects computers: how old its last answer may be to count again. Default: any age, as long as the script
    /// and what it reads are the same. A short one, such as 1s, asks in each run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<Limit>,
}

/// A script: exactly one of `file`, `inline` and `ref`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("oneOf" = [{ "required": ["file"] }, { "required": ["inline"] }, { "required": ["ref"] }]))]
pub struct ScriptSource {
    /// A file in the repository, relative to this file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub file: Option<String>,
    /// The text itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inline: Option<String>,
    /// The name of a Script document. Its interpreter, context and time limit hold unless given here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#ref: Option<Name>,
    /// What runs it. Default: by the file's ending (.sh, .bash, .ps1, .cmd, .bat, .py), else sh or powershell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interpreter: Option<Interpreter>,
    /// As whom it runs. Default: system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Context>,
    /// How long it may take. Default: 4m where it only reads, 30m where it changes something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_limit: Option<Limit>,
}

/// The same script for each platform that it supports; at least one. Where there is none for a computer's platform, the
/// item is not applicable there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub struct PlatformScripts {
    /// For Linux, macOS and other POSIX systems.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub posix: Option<ScriptSource>,
    /// For Windows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub windows: Option<ScriptSource>,
}
