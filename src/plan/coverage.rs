//! What a plan covers: checks are counted as they are made.
//!
//! Invariant: the numbers add up, as every check is counted under exactly one heading.

use roaring::RoaringBitmap;

use super::document::Coverage;
use super::fleet::Fleet;
use super::view::Seen;
use crate::inventory::item::Observed;

/// Counts checks as they are made.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    pub(super) wanted: RoaringBitmap,
    pub(super) incomplete: RoaringBitmap,
    pub(super) never: RoaringBitmap,
    pub(super) old: RoaringBitmap,
    detected: u64,
    stale: u64,
    unknown: u64,
    undetermined: u64,
    not_applicable: u64,
}

impl Tally {
    /// Counts the checks of computers on which nobody wins, as two deployments want different things: nothing is known
    /// there, and looking would not help.
    pub(super) fn ambiguous(&mut self, computers: &RoaringBitmap) {
        self.wanted |= computers;
        self.incomplete |= computers;
        self.unknown += computers.len();
    }

    /// Counts the checks of computers of which the same is known; `tells` is whether that is an answer.
    pub(super) fn count(&mut self, seen: Seen<'_>, computers: &RoaringBitmap, tells: bool) {
        self.wanted |= computers;
        let number = computers.len();
        match seen {
            Seen::Known(Observed::NotApplicable) => self.not_applicable += number,
            Seen::Known(_) if tells => self.detected += number,
            Seen::Known(_) => {
                self.undetermined += number;
                self.incomplete |= computers;
            }
            Seen::Stale => {
                self.stale += number;
                self.incomplete |= computers;
                self.old |= computers;
            }
            Seen::Unknown => {
                self.unknown += number;
                self.incomplete |= computers;
                self.never |= computers;
            }
        }
    }

    /// Adds what was counted apart.
    pub(super) fn absorb(&mut self, other: &Self) {
        self.wanted |= &other.wanted;
        self.incomplete |= &other.incomplete;
        self.never |= &other.never;
        self.old |= &other.old;
        self.detected += other.detected;
        self.stale += other.stale;
        self.unknown += other.unknown;
        self.undetermined += other.undetermined;
        self.not_applicable += other.not_applicable;
    }

    /// The numbers.
    pub(super) fn coverage(&self, scope: &RoaringBitmap, fleet: &Fleet) -> Coverage {
        let count = |set: u64| u32::try_from(set).unwrap_or(u32::MAX);
        Coverage {
            computers: count(scope.len()),
            known: count((&self.wanted - &self.incomplete).len()),
            incomplete: count(self.incomplete.len()),
            unmanaged: count((scope - &self.wanted).len()),
            unreachable: count((&self.incomplete & &fleet.unreached).len()),
            checks: self.detected + self.stale + self.unknown + self.undetermined + self.not_applicable,
            detected: self.detected,
            stale: self.stale,
            unknown: self.unknown,
            undetermined: self.undetermined,
            not_applicable: self.not_applicable,
        }
    }
}
