//! What a plan means for people: how many computers and tenants, what is removed, what restarts, how long it may take.
//!
//! Not here: whether that is too much (`policy`).

use std::collections::HashSet;

use roaring::RoaringBitmap;

use super::document::{Change, Impact, PlannedComputer};
use super::effects;
use super::past::Durations;
use crate::config::kind::Mode;

/// Adds up the changes. `at_once` is how many computers are worked on at the same time.
#[must_use]
pub(super) fn impact(
    computers: &[PlannedComputer],
    changes: &[Change],
    durations: &Durations,
    at_once: u32,
) -> Impact {
    let (mut touched, mut restarting) = (RoaringBitmap::new(), RoaringBitmap::new());
    let mut removals = 0_u64;
    let (mut total, mut longest) = (0.0_f64, 0.0_f64);
    let mean = mean(durations);
    for change in changes.iter().filter(|change| change.action.changes() && change.mode == Mode::Enforce) {
        // They are ascending; if they were not, they would be put in one by one.
        let here = RoaringBitmap::from_sorted_iter(change.computers.iter().copied())
            .unwrap_or_else(|_| change.computers.iter().copied().collect());
        if change.may_restart {
            restarting |= &here;
        }
        touched |= here;
        if effects::removes(change) {
            removals += change.computers.len() as u64;
        }
        let took = durations.get(&(change.item.clone(), change.action)).copied().or(mean).unwrap_or(0.0);
        let times = u32::try_from(change.computers.len()).unwrap_or(u32::MAX);
        total += took * f64::from(times);
        longest = longest.max(took);
    }
    let get = |ix: u32| usize::try_from(ix).ok().and_then(|ix| computers.get(ix));
    let tenants: HashSet<_> = touched.iter().filter_map(get).filter_map(|pc| pc.tenant.as_ref()).collect();
    let tenants = u64::try_from(tenants.len()).unwrap_or(u64::MAX);
    let count = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    Impact {
        computers: count(touched.len()),
        tenants: count(tenants),
        removals,
        restarts: count(restarting.len()),
        seconds: mean.filter(|_| !touched.is_empty()).map(|_| {
            let side_by_side = f64::from(at_once.max(1).min(count(touched.len()).max(1)));
            whole((total / side_by_side).max(longest))
        }),
    }
}

/// What stands for changes that were never made: the mean of those that were.
fn mean(durations: &Durations) -> Option<f64> {
    let count = u32::try_from(durations.len()).unwrap_or(u32::MAX);
    (count > 0).then(|| durations.values().sum::<f64>() / f64::from(count))
}

/// Seconds, rounded up.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "bounded below by zero and far below the largest number"
)]
fn whole(seconds: f64) -> u64 {
    seconds.ceil().clamp(0.0, 1e9) as u64
}
