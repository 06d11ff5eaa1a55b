//! What a plan covers: checks are counted as they are made, for the whole run, for each item and for each tenant.
//!
//! Not here: what a check is and what it says (`planner`, `standings`), and how the numbers look (`report`).
//!
//! Invariant: the numbers add up, as every check is counted under exactly one heading, for one item and for one tenant.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;

use super::diff::Decision;
use super::document::{Checks, Coverage, ItemCoverage, TenantCoverage};
use super::fleet::Fleet;
use super::sessions::title;
use super::view::Seen;
use crate::config::Config;
use crate::id::Name;
use crate::inventory::item::{ItemKey, Observed};
use crate::inventory::snapshot::Snapshot;

/// What a check says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heading {
    /// It is as wanted, or nobody wants it otherwise.
    Wanted,
    /// It is otherwise.
    Differs,
    /// It was never answered.
    Unknown,
    /// Nobody wins there, as two deployments want different things, or as the computer's facts do not tell who does:
    /// nothing is known, and looking again would not help.
    Ambiguous,
    /// Its answer is too old.
    Stale,
    /// Detection did not tell.
    Undetermined,
    /// It makes no sense there.
    NotApplicable,
}

impl Heading {
    /// Of what was seen of something that nobody wants in some state.
    pub(super) fn of(seen: Seen<'_>) -> Self {
        match seen {
            Seen::Known(Observed::NotApplicable) => Self::NotApplicable,
            Seen::Known(Observed::Undetermined { .. }) => Self::Undetermined,
            Seen::Known(_) => Self::Wanted,
            Seen::Stale => Self::Stale,
            Seen::Unknown => Self::Unknown,
        }
    }

    /// Of what follows from a known observation. Reading a value changes nothing, so nothing differs.
    pub(super) fn decided(decision: &Decision) -> Self {
        match decision {
            Decision::Act(act) if act.action.changes() => Self::Differs,
            Decision::Nothing | Decision::Act(_) => Self::Wanted,
            Decision::Blocked(_) | Decision::NonCompliant(_) => Self::Differs,
            Decision::Undetermined(_) => Self::Undetermined,
            Decision::NotApplicable => Self::NotApplicable,
        }
    }
}

impl Checks {
    fn add(&mut self, heading: Heading, number: u64) {
        match heading {
            Heading::Wanted => self.wanted += number,
            Heading::Differs => self.differs += number,
            Heading::Unknown | Heading::Ambiguous => self.unknown += number,
            Heading::Stale => self.stale += number,
            Heading::Undetermined => self.undetermined += number,
            Heading::NotApplicable => self.not_applicable += number,
        }
    }

    fn absorb(&mut self, other: &Self) {
        let Self { wanted, differs, stale, unknown, undetermined, not_applicable } = other;
        self.wanted += wanted;
        self.differs += differs;
        self.stale += stale;
        self.unknown += unknown;
        self.undetermined += undetermined;
        self.not_applicable += not_applicable;
    }
}

/// The tenant of every computer, by number; the last number is that of having none.
#[derive(Debug, Clone, Default)]
pub(super) struct Tenants {
    names: Vec<Name>,
    /// By position of the computer.
    of: Vec<u32>,
    /// How many computers each has.
    whole: Vec<u64>,
    all: RoaringBitmap,
}

impl Tenants {
    pub(super) fn new(snapshot: &Snapshot) -> Self {
        let all = snapshot.all().clone();
        let names: Vec<Name> = snapshot.tenants().iter().map(|(name, _)| name.clone()).collect();
        let none = u32::try_from(names.len()).unwrap_or(u32::MAX);
        let mut of = vec![none; usize::try_from(all.len()).unwrap_or(usize::MAX)];
        for ((_, computers), number) in snapshot.tenants().iter().zip(0..) {
            for at in computers {
                if let Some(tenant) = usize::try_from(at).ok().and_then(|at| of.get_mut(at)) {
                    *tenant = number;
                }
            }
        }
        let mut tenants = Self { whole: Vec::new(), names, of, all };
        tenants.whole = tenants.each(&tenants.all);
        tenants
    }

    /// How many of `computers` each tenant has.
    fn count(&self, computers: &RoaringBitmap) -> Vec<u64> {
        // Of nearly everything, what is missing is counted instead.
        if self.whole.is_empty() || computers.len() * 2 < self.all.len() {
            return self.each(computers);
        }
        let missing = self.each(&(&self.all - computers));
        self.whole.iter().zip(missing).map(|(whole, missing)| whole.saturating_sub(missing)).collect()
    }

    fn each(&self, computers: &RoaringBitmap) -> Vec<u64> {
        let mut counts = vec![0; self.names.len() + 1];
        for at in computers {
            let tenant = usize::try_from(at).ok().and_then(|at| self.of.get(at)).copied();
            let count = tenant.and_then(|tenant| counts.get_mut(usize::try_from(tenant).ok()?));
            if let Some(count) = count {
                *count += 1;
            }
        }
        counts
    }
}

/// Counts checks as they are made.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    pub(super) wanted: RoaringBitmap,
    pub(super) incomplete: RoaringBitmap,
    pub(super) never: RoaringBitmap,
    pub(super) old: RoaringBitmap,
    /// How many checks only read a value.
    pub(super) read: u64,
    items: BTreeMap<ItemKey, Checks>,
    /// By the tenant's number; empty before the first check.
    tenants: Vec<Checks>,
    /// Where something was seen of an item for another item's sake only.
    asked: BTreeMap<ItemKey, RoaringBitmap>,
}

impl Tally {
    /// Counts the checks of one item on computers of which the same is known.
    pub(super) fn count(
        &mut self,
        item: &ItemKey,
        heading: Heading,
        computers: &RoaringBitmap,
        fleet: &Fleet,
    ) {
        if computers.is_empty() {
            return;
        }
        self.wanted |= computers;
        match heading {
            Heading::Wanted | Heading::Differs | Heading::NotApplicable => {}
            Heading::Undetermined | Heading::Ambiguous => self.incomplete |= computers,
            Heading::Stale => {
                self.incomplete |= computers;
                self.old |= computers;
            }
            Heading::Unknown => {
                self.incomplete |= computers;
                self.never |= computers;
            }
        }
        match self.items.get_mut(item) {
            Some(checks) => checks.add(heading, computers.len()),
            None => self.items.entry(item.clone()).or_default().add(heading, computers.len()),
        }
        let counts = fleet.tenants.count(computers);
        self.tenants.resize(counts.len(), Checks::default());
        for (checks, number) in self.tenants.iter_mut().zip(counts) {
            checks.add(heading, number);
        }
    }

    /// Counts the checks of an item that only another one asks for.
    pub(super) fn count_asked(
        &mut self,
        item: &ItemKey,
        seen: Seen<'_>,
        computers: &RoaringBitmap,
        fleet: &Fleet,
    ) {
        let heading = Heading::of(seen);
        self.count(item, heading, computers, fleet);
        if heading == Heading::Wanted {
            *self.asked.entry(item.clone()).or_default() |= computers;
        }
    }

    /// What another item asks for changes an item here: where only such items ask for it, it is not as wanted.
    pub(super) fn turn(&mut self, item: &ItemKey, computers: &RoaringBitmap, fleet: &Fleet) {
        let Some(asked) = self.asked.get_mut(item) else { return };
        let turned = &*asked & computers;
        *asked -= &turned;
        if let Some(checks) = self.items.get_mut(item) {
            checks.wanted -= turned.len();
            checks.differs += turned.len();
        }
        for (checks, number) in self.tenants.iter_mut().zip(fleet.tenants.count(&turned)) {
            checks.wanted -= number;
            checks.differs += number;
        }
    }

    /// Adds what was counted apart.
    pub(super) fn absorb(&mut self, other: &Self) {
        let Self { wanted, incomplete, never, old, read, items, tenants, asked } = other;
        self.read += read;
        self.wanted |= wanted;
        self.incomplete |= incomplete;
        self.never |= never;
        self.old |= old;
        for (item, checks) in items {
            self.items.entry(item.clone()).or_default().absorb(checks);
        }
        self.tenants.resize(self.tenants.len().max(tenants.len()), Checks::default());
        for (checks, more) in self.tenants.iter_mut().zip(tenants) {
            checks.absorb(more);
        }
        for (item, computers) in asked {
            *self.asked.entry(item.clone()).or_default() |= computers;
        }
    }

    /// The numbers.
    pub(super) fn coverage(&self, config: &Config, scope: &RoaringBitmap, fleet: &Fleet) -> Coverage {
        let count = |set: u64| u32::try_from(set).unwrap_or(u32::MAX);
        let mut all = Checks::default();
        self.items.values().for_each(|checks| all.absorb(checks));
        Coverage {
            computers: count(scope.len()),
            known: count((&self.wanted - &self.incomplete).len()),
            incomplete: count(self.incomplete.len()),
            unmanaged: count((scope - &self.wanted).len()),
            unreachable: count((&self.incomplete & &fleet.unreached).len()),
            checks: all.all(),
            detected: all.detected(),
            differs: all.differs,
            stale: all.stale,
            unknown: all.unknown,
            undetermined: all.undetermined,
            not_applicable: all.not_applicable,
            read: self.read,
            unidentified: BTreeMap::new(),
            tenants: self.by_tenant(fleet),
            items: self
                .items
                .iter()
                .map(|(item, checks)| ItemCoverage {
                    item: item.clone(),
                    title: title(config, item),
                    checks: *checks,
                })
                .collect(),
        }
    }

    /// Of the tenants on whose computers something is wanted; without a tenant last.
    fn by_tenant(&self, fleet: &Fleet) -> Vec<TenantCoverage> {
        let managed = fleet.tenants.count(&self.wanted);
        let incomplete = fleet.tenants.count(&self.incomplete);
        let names = fleet.tenants.names.iter().cloned().map(Some).chain([None]);
        let numbers = managed.into_iter().zip(incomplete).zip(&self.tenants);
        names
            .zip(numbers)
            .filter(|(_, ((managed, _), _))| *managed > 0)
            .map(|(tenant, ((managed, incomplete), checks))| TenantCoverage {
                tenant,
                computers: u32::try_from(managed).unwrap_or(u32::MAX),
                known: u32::try_from(managed - incomplete).unwrap_or(u32::MAX),
                checks: *checks,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn counting_what_is_missing_gives_what_counting_one_by_one_gives(
            of in prop::collection::vec(0_u32..4, 1..60),
            chosen in prop::collection::vec(any::<bool>(), 60),
        ) {
            let names = ["a", "b", "c"].map(|text| Name::new(text).unwrap()).to_vec();
            let all: RoaringBitmap = (0..u32::try_from(of.len()).unwrap()).collect();
            let mut tenants = Tenants { names, of: of.clone(), whole: Vec::new(), all };
            tenants.whole = tenants.each(&tenants.all);
            let computers: RoaringBitmap =
                tenants.all.iter().filter(|at| chosen[*at as usize]).collect();
            let one_by_one: Vec<u64> = (0..4)
                .map(|tenant| computers.iter().filter(|at| of[*at as usize] == tenant).count() as u64)
                .collect();
            prop_assert_eq!(tenants.count(&computers), one_by_one);
        }
    }
}
