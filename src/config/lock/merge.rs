//! What one update found out, put into a lock file that another update may have written meanwhile.
//!
//! Not here: how the file is read and written while nobody else does (`cli`).
//!
//! Invariants: only what the update itself moved is touched; an entry that somebody else moved in between stays as they left
//! it, and is named unless both found the same.

use std::collections::BTreeSet;

use super::{Lock, Locked};
use crate::id::Name;

/// A lock that holds both.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Merged {
    /// What is to be written.
    pub lock: Lock,
    /// Software whose entry somebody else changed in between into something that was not found here. Theirs stays.
    pub theirs: BTreeSet<Name>,
}

/// Puts what moved between `old` and `new` into the lock as it is `now`.
#[must_use]
pub fn merge(old: &Lock, new: &Lock, now: &Lock) -> Merged {
    let mut merged = Merged { lock: now.clone(), theirs: BTreeSet::new() };
    let names: BTreeSet<&Name> = old.software.keys().chain(new.software.keys()).collect();
    for name in names {
        let entry = |lock: &'_ Lock| lock.software.get(name).cloned();
        let (before, moved, found) = (entry(old), entry(new), entry(now));
        if before == moved {
            continue;
        }
        if found != before {
            if !alike(found.as_ref(), moved.as_ref()) {
                merged.theirs.insert(name.clone());
            }
            continue;
        }
        match moved {
            Some(moved) => merged.lock.software.insert(name.clone(), moved),
            None => merged.lock.software.remove(name),
        };
    }
    merged
}

/// Whether two entries lock the same, whenever it was found.
fn alike(one: Option<&Locked>, other: Option<&Locked>) -> bool {
    let (one, other) = match (one, other) {
        (Some(one), Some(other)) => (one, other),
        (one, other) => return one.is_none() && other.is_none(),
    };
    let pairs = || one.releases.iter().zip(&other.releases);
    one.source == other.source
        && one.releases.len() == other.releases.len()
        && pairs().all(|(a, b)| a.version == b.version && a.signed == b.signed && a.payloads == b.payloads)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::lock::{HashOrigin, LockedPayload, LockedRelease, digest_of};

    /// An entry for each of `a`, `b`, …; `None` for those that have none. `second` is when it was found.
    fn lock(versions: &[Option<u8>], second: u8) -> Lock {
        let mut lock = Lock::default();
        for (at, version) in versions.iter().enumerate() {
            let Some(version) = version else { continue };
            let name = Name::new(&format!("s{at}")).unwrap();
            let payload = LockedPayload {
                url: "https://x.test/a".to_owned(),
                sha256: digest_of(b"x").unwrap(),
                hash: HashOrigin::Source,
                architecture: None,
                platform: None,
                file_name: "a".to_owned(),
                size: None,
                installer: None,
                arguments: None,
            };
            let release = LockedRelease {
                version: version.to_string(),
                at: format!("2026-11-20T10:00:{second:02}Z").parse().unwrap(),
                found: "x".to_owned(),
                signed: None,
                payloads: vec![payload],
            };
            let locked = Locked::new(&name, digest_of(b"source").unwrap(), vec![release]);
            lock.software.insert(name, locked);
        }
        lock
    }

    /// A software's version before, here, and there.
    type Three = (Option<u8>, Option<u8>, Option<u8>);

    #[test]
    fn moves_of_different_software_both_stay() {
        let old = lock(&[Some(1), Some(1), Some(1)], 0);
        let theirs = lock(&[Some(2), Some(1), Some(1), Some(9)], 0);
        let ours = lock(&[Some(1), Some(2), None], 0);
        let merged = merge(&old, &ours, &theirs);
        assert_eq!(merged.lock, lock(&[Some(2), Some(2), None, Some(9)], 0));
        assert_eq!(merged.theirs.len(), 0);
    }

    #[test]
    fn what_both_found_is_said_only_where_it_differs() {
        let old = lock(&[Some(1)], 0);
        let theirs = lock(&[Some(2)], 1);
        let merged = merge(&old, &lock(&[Some(2)], 2), &theirs);
        assert_eq!((merged.lock, merged.theirs.len()), (theirs.clone(), 0));
        for ours in [lock(&[Some(3)], 2), lock(&[None], 2)] {
            let merged = merge(&old, &ours, &theirs);
            assert_eq!((merged.lock, merged.theirs.len()), (theirs.clone(), 1));
        }
        // The file was removed meanwhile.
        let merged = merge(&old, &lock(&[Some(3)], 2), &Lock::default());
        assert_eq!((merged.lock, merged.theirs.len()), (Lock::default(), 1));
        let merged = merge(&old, &lock(&[None], 2), &Lock::default());
        assert_eq!((merged.lock, merged.theirs.len()), (Lock::default(), 0));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn each_move_is_there_once_or_named_in_300_cases(
            entries in proptest::collection::vec((proptest::option::of(1_u8..4), proptest::option::of(1_u8..4), proptest::option::of(1_u8..4)), 0..5),
        ) {
            let pick = |side: fn(&Three) -> Option<u8>| {
                lock(&entries.iter().map(side).collect::<Vec<_>>(), 0)
            };
            let (old, ours, now) = (pick(|e| e.0), pick(|e| e.1), pick(|e| e.2));
            let merged = merge(&old, &ours, &now);
            for (at, (old, ours, now)) in entries.iter().enumerate() {
                let name = Name::new(&format!("s{at}")).unwrap();
                let found = merged.lock.software.get(&name).map(|locked| locked.releases[0].version.clone());
                let wanted = if now == old { ours } else { now };
                prop_assert_eq!(found, wanted.map(|version| version.to_string()));
                prop_assert_eq!(merged.theirs.contains(&name), ours != old && now != old && ours != now);
            }
        }
    }
}
