//! What an update moved: one lock entry compared with the one before.

use std::cmp::Ordering;

use serde::Serialize;

use crate::config::kind::VersionScheme;
use crate::config::lock::{Locked, LockedRelease};
use crate::version;

/// What moved for one software. Empty when nothing did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Moves {
    /// The newest version before, if there was one.
    pub from: Option<String>,
    /// The newest version now, if there is one.
    pub to: Option<String>,
    /// Versions that are locked now and were not.
    pub added: Vec<String>,
    /// Versions that were locked and are not any more.
    pub dropped: Vec<String>,
    /// Versions whose files are others than before.
    pub republished: Vec<String>,
    /// Whether the source was asked under other settings before.
    pub other_source: bool,
}

impl Moves {
    /// Compares.
    #[must_use]
    pub fn between(scheme: VersionScheme, old: Option<&Locked>, new: Option<&Locked>) -> Self {
        let releases =
            |locked: Option<&Locked>| locked.map(|locked| locked.releases.clone()).unwrap_or_default();
        let (before, now) = (releases(old), releases(new));
        let newest = |all: &[LockedRelease]| {
            all.iter()
                .max_by(|a, b| version::compare(scheme, &a.version, &b.version).unwrap_or(Ordering::Equal))
                .map(|release| release.version.clone())
        };
        let lacks = |all: &[LockedRelease], release: &LockedRelease| {
            !all.iter().any(|other| other.version == release.version)
        };
        let only = |these: &[LockedRelease], those: &[LockedRelease]| {
            these
                .iter()
                .filter(|release| lacks(those, release))
                .map(|release| release.version.clone())
                .collect()
        };
        let other_files = |release: &&LockedRelease| {
            before.iter().any(|other| other.version == release.version && other.payloads != release.payloads)
        };
        Self {
            from: newest(&before),
            to: newest(&now),
            added: only(&now, &before),
            dropped: only(&before, &now),
            republished: now.iter().filter(other_files).map(|release| release.version.clone()).collect(),
            other_source: matches!((old, new), (Some(old), Some(new)) if old.source != new.source),
        }
    }

    /// Whether the lock file says something else than before.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.added.is_empty() && self.dropped.is_empty() && self.republished.is_empty() && !self.other_source
    }
}

/// What came of one software in an update, for people and programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// The software.
    pub name: crate::id::Name,
    /// Where its source stands; `None` when it is gone.
    pub place: Option<crate::diagnostic::Place>,
    /// How it went.
    pub status: Status,
    /// What moved.
    pub moves: Moves,
    /// What went wrong, where something did.
    pub error: Option<String>,
    /// What else is worth saying.
    pub notes: Vec<String>,
}

/// How an update of one software went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Nothing is new.
    Unchanged,
    /// Its entry is another one.
    Moved,
    /// Its source, or what it offers for a range, is not as new as what is locked, which stays.
    Held,
    /// It failed; its entry stays as it was.
    Failed,
    /// It has no source any more; its entry goes.
    Gone,
}

impl Row {
    /// What the source and the lock file say of one software.
    #[must_use]
    pub fn new(
        name: crate::id::Name,
        place: Option<crate::diagnostic::Place>,
        status: Status,
        moves: Moves,
    ) -> Self {
        Self { name, place, status, moves, error: None, notes: Vec::new() }
    }

    /// Whether committing the lock file moves what is planned of it. Of what is held other settings of the source may be
    /// written alone.
    #[must_use]
    pub const fn moves_versions(&self) -> bool {
        let Moves { added, dropped, republished, .. } = &self.moves;
        match self.status {
            Status::Moved | Status::Gone => true,
            Status::Held => !(added.is_empty() && dropped.is_empty() && republished.is_empty()),
            Status::Unchanged | Status::Failed => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::lock::{HashOrigin, LockedPayload, digest_of};

    fn locked(source: &str, releases: &[(&str, &str)]) -> Locked {
        let sha = |text: &str| digest_of(text.as_bytes()).unwrap();
        let release = |(version, content): &(&str, &str)| LockedRelease {
            version: (*version).to_owned(),
            at: "2026-11-20T10:00:00Z".parse().unwrap(),
            found: "x".to_owned(),
            signed: None,
            payloads: vec![LockedPayload {
                url: "https://x.test/a".to_owned(),
                sha256: sha(content),
                hash: HashOrigin::Source,
                architecture: None,
                platform: None,
                file_name: "a".to_owned(),
                size: None,
                installer: None,
                arguments: None,
            }],
        };
        Locked::new(&crate::id::Name::new("a").unwrap(), sha(source), releases.iter().map(release).collect())
    }

    #[test]
    fn what_moved_is_told_by_version_and_by_content() {
        let old = locked("s", &[("1.9", "a"), ("1.8", "b")]);
        let same = Moves::between(VersionScheme::Dotted, Some(&old), Some(&old.clone()));
        assert!(same.is_empty(), "{same:?}");
        let new = locked("s", &[("1.10", "c"), ("1.9", "other")]);
        let moves = Moves::between(VersionScheme::Dotted, Some(&old), Some(&new));
        assert_eq!((moves.from.as_deref(), moves.to.as_deref()), (Some("1.9"), Some("1.10")));
        assert_eq!(
            (moves.added, moves.dropped, moves.republished),
            (vec!["1.10".to_owned()], vec!["1.8".to_owned()], vec!["1.9".to_owned()])
        );
        assert!(
            !Moves::between(
                VersionScheme::Dotted,
                Some(&old),
                Some(&locked("t", &[("1.9", "a"), ("1.8", "b")]))
            )
            .is_empty()
        );
        assert_eq!(Moves::between(VersionScheme::Dotted, None, Some(&old)).from, None);
        assert_eq!(Moves::between(VersionScheme::Dotted, Some(&old), None).dropped.len(), 2);
    }
}
