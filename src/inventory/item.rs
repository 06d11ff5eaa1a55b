//! Items: the things that deployments are about, and what was observed of them on a computer.
//!
//! Invariants: an observation is dated and carries the digest of what observed it; what could not be observed is a value
//! of its own, never an absence (L7).

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{ComputerId, Digest, Name};
use crate::time::Timestamp;

/// The kinds of item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ItemKind {
    /// A software.
    Software,
    /// A task.
    Task,
    /// The updates of the operating system that a provider manages; there is one such item, and a schedule asks for it.
    OsUpdates,
}

/// An item under one instance key: at most one deployment of it wins on a computer (RES-1, RES-2).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ItemKey {
    /// Software, task or the updates of the operating system.
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

    /// The updates of the operating system.
    #[must_use]
    pub fn os_updates() -> Option<Self> {
        Name::new("os-updates").ok().map(|name| Self { kind: ItemKind::OsUpdates, name, instance: None })
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
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
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
        /// What the test printed before its verdict, beside what it said of single fields.
        detail: String,
        /// The fields that differ, if the test says so of single ones.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        fields: Vec<FieldChange>,
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

impl Observed {
    /// A task that is not compliant, with what its test printed and nothing of single fields.
    #[must_use]
    pub fn non_compliant(detail: impl Into<String>) -> Self {
        Self::NonCompliant { detail: detail.into(), fields: Vec::new() }
    }
}

/// One field of an item that is not as wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FieldChange {
    /// Its name.
    pub field: String,
    /// What was found; `None` where there is nothing, or where several computers differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What is wanted; `None` where nothing is to be there. A secret is `[secret]`, of a file's content it is the hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// The lines of a small text that differ, in the form of `diff -u` without its head.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
    /// How many different values were found, where a change stands for computers that differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub different: Option<u32>,
}

impl FieldChange {
    /// `0644 -> 0600`: what was found and what is wanted, in one line.
    #[must_use]
    pub fn phrase(&self) -> String {
        let text = |side: &Option<String>| side.clone().unwrap_or_else(|| "(none)".to_owned());
        let before = match self.different {
            Some(count) => format!("{count} different values"),
            None => text(&self.before),
        };
        format!("{before} -> {}", text(&self.after))
    }
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
