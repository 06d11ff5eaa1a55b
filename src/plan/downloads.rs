//! A plan that only warms caches: of each change that needs files, the fetching of them, and nothing else (SW-26).
//!
//! Not here: the fetching itself (`payloads`, `recipe`).
//!
//! Invariants: nothing in it changes what is installed; its actions depend on nothing, as files can come in any order.

use std::collections::{BTreeMap, BTreeSet};

use super::digest;
use super::document::{ActionType, Change, Impact, Plan, PlannedAction, PlannedSession};
use super::payloads::Machine;
use super::procedures::{steps, version_of};
use super::recipe::{Call, Computer};
use crate::config::Config;
use crate::config::kind::Mode;
use crate::inventory::snapshot::Snapshot;

/// The downloads of a plan. Computers that need none are not in it.
#[must_use]
pub fn downloads(config: &Config, snapshot: &Snapshot, plan: &Plan) -> Plan {
    let at = |ix: u32| usize::try_from(ix).unwrap_or(usize::MAX);
    let mut needed: BTreeSet<(u32, u32)> = BTreeSet::new();
    for session in &plan.sessions {
        let Some(planned) = plan.computers.get(at(session.computer)) else { continue };
        let machine = snapshot.position(&planned.id).map(|ix| Machine::of(snapshot, ix)).unwrap_or_default();
        for action in &session.actions {
            let Some(change) = plan.changes.get(at(action.change)) else { continue };
            if change.mode < Mode::Enforce || change.action == ActionType::Uninstall {
                continue;
            }
            let call = Call {
                action: ActionType::Download,
                version: change.version.as_deref(),
                before: version_of(&change.before),
                platform: planned.platform,
                computer: Computer::With(machine),
            };
            if steps(config, &change.item, &call).is_ok_and(|parts| !parts.is_empty()) {
                needed.insert((action.change, session.computer));
            }
        }
    }
    let mut numbers: BTreeMap<u32, u32> = BTreeMap::new();
    let mut changes: Vec<Change> = Vec::new();
    for (number, change) in (0..).zip(&plan.changes) {
        let computers: Vec<u32> =
            change.computers.iter().copied().filter(|pc| needed.contains(&(number, *pc))).collect();
        if !computers.is_empty() {
            numbers.insert(number, u32::try_from(changes.len()).unwrap_or(u32::MAX));
            changes.push(Change {
                action: ActionType::Download,
                license: None,
                removes: false,
                may_restart: false,
                computers,
                ..change.clone()
            });
        }
    }
    let sessions = plan.sessions.iter().filter_map(|session| {
        let wanted =
            session.actions.iter().filter(|action| needed.contains(&(action.change, session.computer)));
        let actions: Vec<PlannedAction> = wanted
            .filter_map(|action| {
                Some(PlannedAction { change: *numbers.get(&action.change)?, after: Vec::new() })
            })
            .collect();
        (!actions.is_empty()).then_some(PlannedSession { computer: session.computer, actions })
    });
    let mut result = Plan {
        sessions: sessions.collect(),
        changes,
        memberships: Vec::new(),
        impact: Impact::default(),
        ..plan.clone()
    };
    result.digest = digest::of_plan(&result);
    result
}
