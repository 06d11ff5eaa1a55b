//! What holds everywhere: the Instance, its libraries, and how answers of sources are believed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::config::kind::{Metadata, Mode, OnConflict};
use crate::diagnostic::Place;
use crate::id::Name;
use crate::time::Limit;

/// See [`crate::config::kind::InstanceSpec`].
#[derive(Debug, Clone, PartialEq)]
pub struct Instance {
    /// Its name; names the state's default folder too.
    pub metadata: Metadata,
    /// Where it stands.
    pub place: Place,
    /// The most that Muster may do anywhere.
    pub mode: Mode,
    /// The time zone for people.
    pub time_zone: String,
    /// Computers at once.
    pub concurrency: u32,
    /// How long a detection counts.
    pub max_age: Limit,
    /// How answers of providers, directories and PSAs are believed.
    pub sources: Believing,
    /// How agents are recognised as being on the same computer.
    pub identification: Identification,
    /// The SQLite file, if it is set.
    pub sqlite: Option<String>,
    /// Folders whose documents are a library.
    pub libraries: Vec<Library>,
    /// The role of whoever says none, for remote sessions.
    pub role: Option<String>,
}

/// See [`crate::config::kind::IdentificationSettings`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identification {
    /// What a known identity with another agent of the same link means where it cannot be told (IDN-7).
    pub on_conflict: OnConflict,
    /// Whether a system that was installed less than a day before means that the computer was wiped (IDN-10).
    pub new_system_is_wipe: bool,
    /// After how long without a sign of it a computer is stale (IDN-20).
    pub stale_after: Limit,
}

impl Default for Identification {
    fn default() -> Self {
        Self {
            on_conflict: OnConflict::Ask,
            new_system_is_wipe: true,
            stale_after: Limit::seconds(30 * 24 * 60 * 60),
        }
    }
}

/// See [`crate::config::kind::LibrarySettings`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Library {
    /// The folder, without a slash at its ends.
    pub folder: Arc<str>,
    /// The deployments and bundles that count.
    pub deployments: BTreeSet<Name>,
    /// Whether all of them do.
    pub every: bool,
    /// The targets that documents of the repository itself may use without a word.
    pub targets: BTreeSet<Name>,
}

impl Library {
    /// Whether a file lies in the folder.
    #[must_use]
    pub fn holds(&self, file: &str) -> bool {
        file.strip_prefix(&*self.folder).is_some_and(|rest| rest.starts_with('/'))
    }
}

/// See [`crate::config::kind::SourceSettings`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Believing {
    /// How long a source may take for its whole list.
    pub limit: Limit,
    /// When a list that became shorter is not believed.
    pub shrink: Shrink,
    /// The same for single sources.
    pub each: BTreeMap<Name, Shrink>,
}

impl Default for Believing {
    fn default() -> Self {
        Self { limit: Limit::seconds(300), shrink: Shrink::default(), each: BTreeMap::new() }
    }
}

impl Believing {
    /// What holds for a source.
    #[must_use]
    pub fn of(&self, source: &Name) -> Shrink {
        self.each.get(source).copied().unwrap_or(self.shrink)
    }
}

/// See [`crate::config::kind::ShrinkSpec`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shrink {
    /// When more than this share is gone, in percent.
    pub percent: u8,
    /// Shorter lists may lose any share, and not all.
    pub minimum: u32,
}

impl Default for Shrink {
    fn default() -> Self {
        Self { percent: 50, minimum: 10 }
    }
}
