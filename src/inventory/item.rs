//! Items: the things that deployments are about, and what was observed of them on a computer.
//!
//! Invariants: an observation is dated and carries the digest of what observed it; what could not be observed is a value
//! of its own, never an absence (L7).

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{ComputerId, Digest, Name};
use crate::time::Timestamp;

/// The two kinds of item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ItemKind {
    /// A software.
    Software,
    /// A task.
    Task,
}

/// An item under one instance key: at most one deployment of it wins on a computer (RES-1, RES-2).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ItemKey {
    /// Software or task.
    pub kind: ItemKind,
    /// The document's name.
    pub name: Name,
    /// The instance key of a task that is deployed several times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<Name>,
}

impl ItemKey {
    /// A software.
    #[must_use]
    pub const fn software(name: Name) -> Self {
        Self { kind: ItemKind::Software, name, instance: None }
    }

    /// A task, under an instance key if it has one.
    #[must_use]
    pub const fn task(name: Name, instance: Option<Name>) -> Self {
        Self { kind: ItemKind::Task, name, instance }
    }
}

impl fmt::Display for ItemKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.instance {
            Some(instance) => write!(f, "{}[{instance}]", self.name),
            None => write!(f, "{}", self.name),
        }
    }
}

/// What a detection found out about an item.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Observed {
    /// The software is there.
    Present {
        /// Its version, if detection told one.
        version: Option<String>,
        /// What its own test said; `None` when it has none or the test did not tell.
        healthy: Option<bool>,
    },
    /// The software is not there.
    Absent,
    /// The task's test said true.
    Compliant,
    /// The task's test said false.
    NonCompliant {
        /// What the test printed before its verdict.
        detail: String,
    },
    /// What the task's get script printed.
    Value {
        /// Its output.
        value: String,
    },
    /// Detection ran and did not tell.
    Undetermined {
        /// Why.
        why: String,
    },
    /// There is no script for this computer's platform.
    NotApplicable,
}

/// One observation of one item on one computer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detection {
    /// The computer.
    pub computer: ComputerId,
    /// The item.
    pub item: ItemKey,
    /// The digest of what observed it: scripts and their values. Another digest asks for another detection.
    pub probe: Digest,
    /// When.
    pub at: Timestamp,
    /// What was observed.
    pub observed: Observed,
}
