//! What runs: the scripts of a detection (probe) and of a change (procedure), with their values as references.
//!
//! Not here: running them (`session`), and resolving secrets.
//!
//! Invariant: the same configuration gives the same digest; any change of a script, value or version gives another.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::kind::ParameterValue;
use crate::config::model::Payload;
use crate::id::Digest;
use crate::inventory::item::{ItemKey, ItemKind};
use crate::session::script::{Platform, Purpose, Script};

/// One script to run with its values; secrets still as references.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// What it is for.
    pub purpose: Purpose,
    /// The script.
    pub script: Arc<Script>,
    /// Values by parameter name.
    pub parameters: BTreeMap<String, ParameterValue>,
    /// Environment of this script alone, such as `MUSTER_VERSION`.
    pub environment: BTreeMap<String, String>,
}

/// How one item is detected on one computer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// The item.
    pub item: ItemKey,
    /// The platform it is made for.
    pub platform: Platform,
    /// Whether the item makes sense on this platform at all; if not there are no steps.
    pub applicable: bool,
    /// Over all of this, and over the way of detection where it needs no script.
    pub digest: Digest,
    /// The scripts, all reading. Empty when the inventory alone answers, or when nothing fits the platform.
    pub steps: Vec<Invocation>,
    /// Whether nobody looks: what is kept of earlier runs is the answer, however old it is (TSK-8).
    pub remembered: bool,
}

impl Probe {
    /// Whether a provider is asked, and nothing on the computer itself.
    #[must_use]
    pub fn is_of_provider(&self) -> bool {
        self.item.kind == ItemKind::OsUpdates
    }
}

/// How one change is made on one computer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Procedure {
    /// The files that Muster sends before anything runs, each once.
    pub sent: Vec<Payload>,
    /// The scripts in order; one that fails stops those after it.
    pub steps: Vec<Invocation>,
    /// How the result is looked at afterwards.
    pub verify: Probe,
}
