//! What is wanted where, where it was written, and in which order.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::kind::{Enforcement, Hold, ItemRef, Match, Metadata, Mode, ParameterValue, SoftwareState};
use crate::diagnostic::Place;
use crate::id::Name;
use crate::inventory::item::ItemKey;

/// What a deployment wants of its item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Desired {
    /// A software in a state, with the versions that it allows.
    Software {
        /// The state.
        state: SoftwareState,
        /// The versions; `Any` where the state uses none.
        version: WantedVersion,
        /// Whether a newer version may be replaced by the exact one.
        allow_downgrade: bool,
    },
    /// A task; how far to go is the deployment's mode.
    Task,
    /// That no approved update of the operating system is missing.
    OsUpdates,
}

impl Desired {
    /// Whether a software is only wanted where it is found.
    #[must_use]
    pub const fn is_update_if_found(&self) -> bool {
        matches!(self, Self::Software { state: SoftwareState::UpdateIfFound, .. })
    }
}

/// The versions that a deployment allows, and the one it would install.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WantedVersion {
    /// Whatever is there; `install` is what to install where nothing is (the software's highest, if it lists any).
    Any {
        /// What to install.
        install: Option<String>,
    },
    /// This one or newer; it is the software's highest. Older ones are updated to it.
    Latest {
        /// What to install.
        install: String,
    },
    /// Exactly this one.
    Exact {
        /// The version.
        version: String,
    },
    /// What the constraint allows.
    Range {
        /// The constraint as written.
        constraint: String,
        /// The highest listed version that it allows.
        install: String,
    },
}

/// See [`crate::config::kind::DeploymentSpec`]. Disabled deployments are kept, for `explain`.
#[derive(Debug, Clone, PartialEq)]
pub struct Deployment {
    /// Its name.
    pub metadata: Metadata,
    /// Where it stands.
    pub place: Place,
    /// What it is about.
    pub item: ItemKey,
    /// What it wants.
    pub desired: Desired,
    /// How far to go.
    pub mode: Mode,
    /// The named target, if it uses one.
    pub target: Option<Name>,
    /// The expression: its own, or that of the named target.
    pub expression: Match,
    /// Values given.
    pub parameters: BTreeMap<String, ParameterValue>,
    /// The licence that it names.
    pub license: Option<Name>,
    /// Whether the software's configuration task follows.
    pub configured: bool,
    /// Higher wins.
    pub priority: i32,
    /// Whether it counts.
    pub enabled: bool,
    /// When it counts.
    pub enforcement: Enforcement,
    /// Where it wins nothing is done for a while.
    pub hold: Option<Hold>,
    /// Where it comes from.
    pub layer: Layer,
    /// The bundle whose entry it is, and the bundle's place.
    pub bundle: Option<(Name, Place)>,
}

/// The items that go first and last, over all Order documents.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Order {
    /// First, in this order.
    pub first: Vec<ItemRef>,
    /// Last, in this order.
    pub last: Vec<ItemRef>,
}

/// Where a deployment comes from. The order is that of precedence (DEP-30).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// From a library; it counts only where the Instance lists it.
    Library {
        /// The library's folder.
        folder: Arc<str>,
        /// Whether it is listed.
        listed: bool,
    },
    /// From the repository itself.
    Local,
}
