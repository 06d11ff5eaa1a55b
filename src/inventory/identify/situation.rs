//! What became of a computer's operating system between two looks at it.
//!
//! Source: the table of situations in `docs/identification.md`.

use serde::{Deserialize, Serialize};

use crate::inventory::facts::IdentityEvidence;
use crate::time::Timestamp;

/// An operating system that is younger was installed just now (IDN-10). Also by how much two systems may tell the date of one
/// installation differently: some know the day alone, and some no time zone.
pub(super) const DAY_SECONDS: i64 = 24 * 60 * 60;

/// What tells one installation of an operating system from the next.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Install {
    /// When this was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// The computer's name then.
    pub name: String,
    /// The operating system's own id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine_id: Option<String>,
    /// When it was installed. A feature update may change it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installed: Option<Timestamp>,
}

/// What a later installation is to an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Situation {
    /// The same.
    Same,
    /// A newer one: the computer was wiped.
    Wiped {
        /// Whether a rule says so by itself (IDN-9, IDN-10).
        sure: bool,
    },
    /// One that is newer by its date alone, which a feature update changes too.
    Newer,
    /// Another one that is not newer.
    Other,
    /// It cannot be told.
    Unclear,
}

impl Install {
    pub(super) fn of(name: &str, at: Option<Timestamp>, evidence: &IdentityEvidence) -> Self {
        let id = evidence.machine_id.as_deref().map(str::trim).filter(|id| !id.is_empty());
        Self {
            at,
            name: name.to_owned(),
            machine_id: id.map(str::to_ascii_lowercase),
            installed: evidence.os_installed,
        }
    }

    /// Whether it tells anything of an operating system.
    pub(super) const fn tells(&self) -> bool {
        self.machine_id.is_some() || self.installed.is_some()
    }

    /// Whether both are known to be of one installation.
    pub(super) fn is(&self, other: &Self) -> bool {
        matches!((&self.machine_id, &other.machine_id), (Some(a), Some(b)) if a == b)
    }

    /// What `later` is to this one. `fresh` says whether a new system by itself means that the computer was wiped
    /// (IDN-10).
    pub(super) fn then(&self, later: &Self, fresh: bool) -> Situation {
        let ids = match (&self.machine_id, &later.machine_id) {
            (Some(a), Some(b)) => Some(a == b),
            _ => None,
        };
        let dates = match (self.installed, later.installed) {
            (Some(a), Some(b)) if ids.is_none() && apart(a, b) < DAY_SECONDS => {
                Some(std::cmp::Ordering::Equal)
            }
            (Some(a), Some(b)) => Some(a.cmp(&b)),
            _ => None,
        };
        match (ids, dates) {
            (Some(true), _) | (None, Some(std::cmp::Ordering::Equal)) => Situation::Same,
            (_, Some(std::cmp::Ordering::Less)) => {
                let renamed = !host(&self.name).eq_ignore_ascii_case(host(&later.name));
                let sure = renamed || (fresh && later.is_young());
                // A feature update changes the date, and somebody may have changed nothing else.
                if sure || ids == Some(false) { Situation::Wiped { sure } } else { Situation::Newer }
            }
            (Some(false), _) => Situation::Other,
            (None, _) => Situation::Unclear,
        }
    }

    /// Whether it had just been installed when it was seen.
    fn is_young(&self) -> bool {
        match (self.installed, self.at) {
            (Some(installed), Some(at)) => {
                (0..DAY_SECONDS).contains(&at.as_second().saturating_sub(installed.as_second()))
            }
            _ => false,
        }
    }
}

/// How many seconds are between two times.
fn apart(a: Timestamp, b: Timestamp) -> i64 {
    a.as_second().saturating_sub(b.as_second()).saturating_abs()
}

/// The name without the domain, which some systems add.
fn host(name: &str) -> &str {
    name.split('.').next().unwrap_or(name).trim()
}

/// Whether a name is that of a sandbox or of an image that was not made ready: a bare GUID (IDN-11).
#[must_use]
pub fn is_ephemeral(name: &str) -> bool {
    let name = name.trim();
    name.len() == 36 && uuid::Uuid::try_parse(name).is_ok()
}
