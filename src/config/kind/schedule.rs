//! `Schedule`: whom a run is for that somebody starts again and again, and what it does there besides.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::DeploymentTarget;

/// A run that is started again and again: by a person, by a timer, by the clock of a CI (`muster apply --schedule NAME`).
/// It says nothing of what is wanted on computers; deployments do (SCH-1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScheduleSpec {
    /// The computers that its runs are limited to.
    pub target: DeploymentTarget,
    /// Whether its runs start the updates of the operating system that were approved in the system which manages
    /// them. Default: none.
    #[serde(default, skip_serializing_if = "OsUpdates::is_none")]
    pub os_updates: OsUpdates,
}

/// Which updates of the operating system the runs of a schedule start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OsUpdates {
    /// None, and none are asked for.
    #[default]
    None,
    /// Those that somebody approved in the system that manages updates. Muster approves none.
    Approved,
}

impl OsUpdates {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde asks for it")]
    const fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }
}
