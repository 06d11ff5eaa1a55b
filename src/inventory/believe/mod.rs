//! Whether a list that became shorter is believed (L3).
//!
//! Two rules, both by the settings of the source. A whole list is suspicious when more than the allowed share of a list
//! that is long enough is gone, or when it became empty. A part of what a source says (the members of one group, the tags
//! of all computers) is suspicious when the same share is gone, or when it became empty and had at least [`FEW`] entries:
//! small groups empty in the ordinary course of things.
//!
//! Not here: lists that are errors already; who asks, and what is kept (`collect`).
//!
//! Invariant: the decision depends on both lists, the settings, the day and what targets name; on nothing else.

mod agents;
mod directory;
mod parts;
mod psa;

use std::collections::BTreeSet;

pub use agents::{Listed, agents};
pub use directory::directory;
pub use parts::{DoubtedPart, Part, parts};
pub use psa::{Asked, psa};

use super::relations::Doubt;
use crate::config::model::Shrink;

/// A part with fewer entries may become empty. Where the settings' `minimum` is lower, that counts in its place.
pub const FEW: u32 = 3;

/// What is believed of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict<T> {
    /// All of it.
    Whole(T),
    /// It with some parts as they were before; those are doubted.
    Parts(T, Vec<Doubt>),
    /// Nothing, for this reason.
    Nothing(String),
}

/// What is suspicious of a list that once had these entries and now has those; `None` when it may be believed. A list
/// that became empty is suspicious whatever its length was.
#[must_use]
pub fn shrunk<K: Ord>(what: &str, before: &BTreeSet<K>, now: &BTreeSet<K>, shrink: Shrink) -> Option<String> {
    suspicious(what, before, now, shrink, 1)
}

/// The same for a part of what a source says: one that was small may become empty.
#[must_use]
pub fn shrunk_part<K: Ord>(
    what: &str,
    before: &BTreeSet<K>,
    now: &BTreeSet<K>,
    shrink: Shrink,
) -> Option<String> {
    suspicious(what, before, now, shrink, FEW.min(shrink.minimum))
}

fn suspicious<K: Ord>(
    what: &str,
    before: &BTreeSet<K>,
    now: &BTreeSet<K>,
    shrink: Shrink,
    few: u32,
) -> Option<String> {
    let lost = before.difference(now).count();
    Loss { before: before.len(), lost, is_empty: now.is_empty() }.suspicious(what, shrink, few)
}

/// How much of something is gone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Loss {
    /// How many entries there were.
    before: usize,
    /// How many of them are gone.
    lost: usize,
    /// Whether there is none now, be it another.
    is_empty: bool,
}

impl Loss {
    fn suspicious(self, what: &str, shrink: Shrink, few: u32) -> Option<String> {
        let Self { before, lost, is_empty } = self;
        let long = |least: u32| before >= usize::try_from(least).unwrap_or(usize::MAX);
        let share = lost * 100 > before * usize::from(shrink.percent);
        let emptied = is_empty && before > 0;
        let verb = if lost == 1 { "is" } else { "are" };
        ((emptied && long(few)) || (share && long(shrink.minimum)))
            .then(|| format!("{lost} of {before} {what} {verb} gone"))
    }

    /// The same for a part.
    fn suspicious_part(self, what: &str, shrink: Shrink) -> Option<String> {
        self.suspicious(what, shrink, FEW.min(shrink.minimum))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(count: u32) -> BTreeSet<u32> {
        (0..count).collect()
    }

    #[test]
    fn more_than_the_share_of_a_list_that_is_long_enough_is_suspicious() {
        let shrink = Shrink::default();
        let said = |before, now| shrunk("computers", &of(before), &of(now), shrink);
        assert_eq!(said(100, 50), None, "half is not more than half");
        assert_eq!(said(100, 49).as_deref(), Some("51 of 100 computers are gone"));
        assert_eq!(said(9, 1), None, "too short to tell");
        assert_eq!(said(10, 4).as_deref(), Some("6 of 10 computers are gone"));
        assert_eq!(said(1, 0).as_deref(), Some("1 of 1 computers is gone"), "empty is always suspicious");
        assert_eq!(said(0, 0), None);
        assert_eq!(said(10, 100), None);
        let moved: BTreeSet<u32> = (100..200).collect();
        assert!(shrunk("computers", &of(100), &moved, shrink).is_some(), "as long, and others");
        let strict = Shrink { percent: 0, minimum: 1 };
        assert!(shrunk("computers", &of(3), &of(2), strict).is_some());
        let never = Shrink { percent: 100, minimum: 1 };
        assert!(shrunk("computers", &of(300), &of(1), never).is_none());
    }

    #[test]
    fn a_part_may_become_empty_when_it_was_small() {
        let said = |before, now| shrunk_part("members", &of(before), &of(now), Shrink::default());
        assert_eq!(said(3, 2), None);
        assert_eq!(said(3, 1), None, "few, and one is left");
        assert_eq!(said(2, 0), None, "two that leave are no outage");
        assert_eq!(said(3, 0).as_deref(), Some("3 of 3 members are gone"));
        assert_eq!(said(9, 1), None);
        assert_eq!(said(10, 4).as_deref(), Some("6 of 10 members are gone"));
        let strict = Shrink { percent: 50, minimum: 1 };
        assert!(shrunk_part("members", &of(1), &of(0), strict).is_some(), "as the settings say");
    }
}
