//! Counts what a plan does, once over all its changes: per run and per tenant.
//!
//! Invariant: each number is that of a set of computers, except removals and actions, which count pairs of an item and a
//! computer.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;

use crate::id::Name;
use crate::inventory::snapshot::Snapshot;
use crate::plan::document::Plan;
use crate::plan::effects;

/// What is done to a set of computers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Computers in the run's scope.
    pub scope: u64,
    /// Computers on which anything is changed.
    pub computers: u64,
    /// Items changed on computers.
    pub actions: u64,
    /// Uninstallations.
    pub removals: u64,
    /// Computers on which something that is there is replaced, repaired, removed or restarted.
    pub interruptions: u64,
    /// Computers that are restarted.
    pub reboots: u64,
}

/// The counts of a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// All of it.
    pub run: Counts,
    /// By tenant, those without anything to do too; `None` for computers without a tenant.
    pub tenants: BTreeMap<Option<Name>, Counts>,
}

/// What is done to one computer.
#[derive(Debug, Clone, Copy, Default)]
struct Done {
    touched: bool,
    interrupted: bool,
    restarted: bool,
    actions: u32,
    removals: u32,
}

/// Counts. `scope` are the computers that the run is limited to; `None` for all.
#[must_use]
pub fn tally(plan: &Plan, snapshot: &Snapshot, scope: Option<&RoaringBitmap>) -> Tally {
    let mut done = vec![Done::default(); plan.computers.len()];
    for change in plan.changes.iter().filter(|change| effects::acts(change)) {
        for position in effects::computers(change) {
            let Some(done) = usize::try_from(position).ok().and_then(|at| done.get_mut(at)) else { continue };
            done.touched = true;
            done.actions += 1;
            done.interrupted |= effects::interrupts(change);
            done.restarted |= effects::restarts(change);
            done.removals += u32::from(effects::removes(change));
        }
    }
    let scope = scope.map_or_else(|| snapshot.all().clone(), |scope| scope & snapshot.all());
    let mut tally = Tally { run: Counts { scope: scope.len(), ..Counts::default() }, ..Tally::default() };
    let mut rest = scope.clone();
    for (tenant, computers) in snapshot.tenants().iter() {
        rest -= computers;
        let of_it = scope.intersection_len(computers);
        tally.tenants.insert(Some(tenant.clone()), Counts { scope: of_it, ..Counts::default() });
    }
    if !rest.is_empty() {
        tally.tenants.insert(None, Counts { scope: rest.len(), ..Counts::default() });
    }
    for (computer, done) in plan.computers.iter().zip(&done).filter(|(_, done)| done.touched) {
        if !tally.tenants.contains_key(&computer.tenant) {
            tally.tenants.insert(computer.tenant.clone(), Counts::default());
        }
        let of_tenant = tally.tenants.get_mut(&computer.tenant);
        for counts in std::iter::once(&mut tally.run).chain(of_tenant) {
            counts.computers += 1;
            counts.actions += u64::from(done.actions);
            counts.removals += u64::from(done.removals);
            counts.interruptions += u64::from(done.interrupted);
            counts.reboots += u64::from(done.restarted);
        }
    }
    tally
}

impl Counts {
    /// The computers that are changed, in percent of those in scope, rounded down.
    #[must_use]
    pub fn percent(&self) -> u64 {
        (self.computers * 100).checked_div(self.scope).unwrap_or_default()
    }
}
