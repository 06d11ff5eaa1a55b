//! Runs that are started again and again, and what they do besides what deployments say.

use crate::config::kind::{Match, Metadata, OsUpdates};
use crate::diagnostic::Place;
use crate::id::Name;

/// See [`crate::config::kind::ScheduleSpec`].
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// Its name.
    pub metadata: Metadata,
    /// Where it stands.
    pub place: Place,
    /// The named target, if it uses one.
    pub target: Option<Name>,
    /// The expression: its own, or that of the named target.
    pub expression: Match,
    /// Which updates of the operating system its runs start.
    pub os_updates: OsUpdates,
}

impl Schedule {
    /// The name of the deployment that its updates are; it counts in no other run.
    #[must_use]
    pub fn updates(schedule: &Name) -> Option<Name> {
        Name::new(&format!("{schedule}--os-updates")).ok()
    }
}
