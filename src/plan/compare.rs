//! Two plans compared: the one that was saved and reviewed, and the one that would be made now.
//!
//! An action is the same when it does the same to the same item of the same computer from the same state: computer,
//! item, action, before, after, content, version, licence. Why it is done may have changed.

use std::collections::{BTreeMap, BTreeSet};

use super::digest;
use super::document::{ActionType, Change, Impact, Plan};
use crate::id::{ComputerId, Digest, Name};
use crate::inventory::item::{ItemKey, Observed};

/// One action on one computer, by what makes it that action.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Action {
    /// The computer.
    pub computer: ComputerId,
    /// Its name.
    pub name: String,
    /// The item.
    pub item: ItemKey,
    /// What is done.
    pub action: ActionType,
    /// What is there.
    pub before: Observed,
    /// What is to be there.
    pub after: Observed,
    /// The version to install.
    pub version: Option<String>,
    /// The licence that its scripts get.
    pub license: Option<Name>,
    /// Over scripts and values.
    pub content: Digest,
}

/// What became of the actions of a saved plan. All lists are sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// In both plans.
    pub same: Vec<Action>,
    /// In the saved plan only, and nothing else is to be done about the item there: it was done, or is not wanted any more.
    pub satisfied: Vec<Action>,
    /// In the saved plan, and something else is to be done about the item now: before and now.
    pub changed: Vec<(Action, Action)>,
    /// In the fresh plan only.
    pub added: Vec<Action>,
    /// Of the saved plan's computers, those of which the fresh plan knows less, by name: gone, not reached, too old.
    /// What stands in `satisfied` of them is not known to be satisfied.
    pub lost: BTreeSet<String>,
}

impl Comparison {
    /// Whether what is to be done now is within what was saved, so that it may run under the saved plan's approval.
    #[must_use]
    pub fn is_subset(&self) -> bool {
        self.changed.is_empty() && self.added.is_empty()
    }

    /// Whether both plans do exactly the same.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.is_subset() && self.satisfied.is_empty()
    }
}

/// Whether two actions do the same from the same state. What a test printed beside its verdict may differ.
fn is_same(old: &Action, new: &Action) -> bool {
    let told = |action: &Action| matches!(action.before, Observed::NonCompliant { .. });
    let same_state = old.before == new.before || (told(old) && told(new));
    same_state && *old == Action { before: old.before.clone(), ..new.clone() }
}

/// Compares a saved plan with a fresh one.
#[must_use]
pub fn compare(saved: &Plan, fresh: &Plan) -> Comparison {
    use super::document::NoteKind;

    let before = actions(saved);
    let mut now = actions(fresh);
    let mut result = Comparison::default();
    for (place, old) in before {
        match now.remove(&place) {
            None => result.satisfied.push(old),
            Some(new) if is_same(&old, &new) => result.same.push(old),
            Some(new) => result.changed.push((old, new)),
        }
    }
    result.added = now.into_values().collect();
    result.added.sort();
    let unknown = fresh.notes.iter().filter(|note| {
        matches!(
            note.kind,
            NoteKind::Unreachable | NoteKind::Refused | NoteKind::Stale | NoteKind::Undetermined
        )
    });
    let unknown: BTreeSet<&str> =
        unknown.flat_map(|note| note.computers.iter().map(String::as_str)).collect();
    let lost = result.satisfied.iter().filter(|action| unknown.contains(action.name.as_str()));
    result.lost = lost.map(|action| action.name.clone()).collect();
    result
}

/// Of a plan what another one does as well, for judging just that. It has no sessions: it is not to be executed.
#[must_use]
pub fn within(plan: &Plan, other: &Plan) -> Plan {
    fn id_at(plan: &Plan, position: u32) -> Option<&ComputerId> {
        let computer = usize::try_from(position).ok().and_then(|ix| plan.computers.get(ix));
        computer.map(|computer| &computer.id)
    }
    let mut kept: BTreeSet<(&ComputerId, &ItemKey)> = BTreeSet::new();
    for change in &other.changes {
        let ids = change.computers.iter().filter_map(|position| id_at(other, *position));
        kept.extend(ids.map(|id| (id, &change.item)));
    }
    let mut changes = Vec::new();
    for change in &plan.changes {
        let both =
            |position: &u32| id_at(plan, *position).is_some_and(|id| kept.contains(&(id, &change.item)));
        let computers: Vec<u32> = change.computers.iter().copied().filter(both).collect();
        if !computers.is_empty() {
            changes.push(Change { computers, ..change.clone() });
        }
    }
    let mut result = Plan {
        changes,
        sessions: Vec::new(),
        memberships: Vec::new(),
        impact: Impact::default(),
        verdicts: Vec::new(),
        ..plan.clone()
    };
    result.digest = digest::of_plan(&result);
    result
}

/// The actions of a plan by computer and item, of which there is one at most. Positions that lead nowhere are left out.
fn actions(plan: &Plan) -> BTreeMap<(ComputerId, ItemKey), Action> {
    let mut result = BTreeMap::new();
    for change in &plan.changes {
        for computer in &change.computers {
            let computer = usize::try_from(*computer).ok().and_then(|ix| plan.computers.get(ix));
            let Some(computer) = computer else { continue };
            let key = (computer.id.clone(), change.item.clone());
            result.insert(key, action(change, &computer.id, &computer.name));
        }
    }
    result
}

fn action(change: &Change, computer: &ComputerId, name: &str) -> Action {
    Action {
        computer: computer.clone(),
        name: name.to_owned(),
        item: change.item.clone(),
        action: change.action,
        before: change.before.clone(),
        after: change.after.clone(),
        version: change.version.clone(),
        license: change.license.clone(),
        content: change.content.clone(),
    }
}
