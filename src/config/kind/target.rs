//! `Target`: a named expression that selects computers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Match, Mode};

/// A named set of computers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TargetSpec {
    /// Which computers.
    pub r#match: Match,
    /// The most that Muster may do through this target. Default: enforce.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
}
