//! Who has come into a named target and who has left it since a run last used it.
//!
//! Not here: what a target selects (`targets`), and what follows for items (`planner`).
//!
//! Invariants: a target that no run has used has not changed; of whom it is not known whether they are members, nobody has
//! left, and they stay what they were until it is known again; reasons are given for so many computers, and the rest is
//! counted under one heading.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;

use super::document::{MembershipChange, Moved};
use super::memo::Aims;
use super::notes::document;
use super::past::Past;
use super::precedence::Named;
use crate::config::Config;
use crate::id::Name;
use crate::inventory::snapshot::Snapshot;
use crate::targets::{self, Resolved};

/// For so many computers of each direction the reason is worked out one by one.
const REASONED: u64 = 200;

/// Named targets that deployments use: how their members differ from the last time, and who they are now.
pub(super) fn changes(
    config: &Config,
    snapshot: &Snapshot,
    past: &Past,
    scope: &RoaringBitmap,
    aims: &Aims,
) -> (Vec<MembershipChange>, BTreeMap<Name, RoaringBitmap>) {
    let mut changes = Vec::new();
    let mut members: BTreeMap<Name, RoaringBitmap> = BTreeMap::new();
    for deployment in config.deployments.values().filter(|deployment| deployment.enabled) {
        let Some(target) = deployment.target.as_ref().and_then(|name| config.targets.get(name)) else {
            continue;
        };
        let name = &target.metadata.name;
        if members.contains_key(name) {
            continue;
        }
        let Some(aim) = aims.get(name) else { continue };
        let mut now = aim.certain.clone();
        if let Some(before) = past.members(name) {
            now |= before & &aim.unsure;
            // Of a computer that no run has covered nothing is known from before, unless it is new.
            let joined = ((&now & scope) - before) & &(past.covered() | &(snapshot.all() - past.known()));
            let left = (before & scope) - &now;
            let resolved = targets::resolve(&target.expression, config, Some(&target.place));
            if let Ok(resolved) = resolved
                && (!joined.is_empty() || !left.is_empty())
            {
                changes.push(MembershipChange {
                    target: document(name, &target.place),
                    before: count(&(before & scope)),
                    after: count(&(&now & scope)),
                    joined: moved(&joined, snapshot, |ix| came(&resolved, snapshot, past, ix)),
                    left: moved(&left, snapshot, |ix| went(&resolved, snapshot, ix)),
                });
            }
        }
        members.insert(name.clone(), now);
    }
    changes.sort_by(|a, b| a.target.name.cmp(&b.target.name));
    (changes, members)
}

fn count(set: &RoaringBitmap) -> u32 {
    u32::try_from(set.len()).unwrap_or(u32::MAX)
}

fn came(resolved: &Resolved, snapshot: &Snapshot, past: &Past, ix: u32) -> String {
    let road = targets::road(resolved, snapshot, ix).map(|road| road.to_string()).unwrap_or_default();
    if past.known().contains(ix) { road } else { format!("new computer, {road}") }
}

fn went(resolved: &Resolved, snapshot: &Snapshot, ix: u32) -> String {
    let why_not = targets::why_not(resolved, snapshot, ix);
    why_not.map(|why| why.to_string()).unwrap_or_default()
}

/// Computers by reason, most first.
fn moved(set: &RoaringBitmap, snapshot: &Snapshot, why: impl Fn(u32) -> String) -> Vec<Moved> {
    let mut by_reason: BTreeMap<String, RoaringBitmap> = BTreeMap::new();
    for ix in set.iter().take(usize::try_from(REASONED).unwrap_or(usize::MAX)) {
        by_reason.entry(why(ix)).or_default().insert(ix);
    }
    let reasoned = by_reason.values().fold(RoaringBitmap::new(), |sum, part| sum | part);
    let rest = set - &reasoned;
    if !rest.is_empty() {
        // With a single reason so far the rest most likely shares it, but nobody has looked.
        *by_reason.entry(String::new()).or_default() |= rest;
    }
    let mut moved: Vec<Moved> = by_reason
        .into_iter()
        .map(|(why, computers)| Moved { why, computers: Named(snapshot).all(&computers) })
        .collect();
    moved.sort_by(|a, b| b.computers.len().cmp(&a.computers.len()).then_with(|| a.why.cmp(&b.why)));
    moved
}
