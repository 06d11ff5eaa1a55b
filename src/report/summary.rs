//! The numbers of a plan, for its last line, for the prompt and for whoever decides on an exit code.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;

use super::terms;
use super::words::{count, plural, thousands};
use crate::plan::document::{ActionType, Coverage, NoteKind, Plan};
use crate::plan::effects;

/// What a plan amounts to. Every number counts computers and actions, not kinds of change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Actions that change a computer.
    pub changes: u64,
    /// Computers with at least one of them.
    pub computers: u64,
    /// Tenants with at least one of them.
    pub tenants: u64,
    /// Those of them that take something away: a software, or what a task wants to be absent.
    pub removals: u64,
    /// How many of each type, those that change nothing included.
    pub actions: BTreeMap<ActionType, u64>,
    /// Notes of each kind, counted in computers; a note without computers counts as one.
    pub notes: BTreeMap<NoteKind, u64>,
}

impl Summary {
    /// Counts a plan.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let mut summary = Self::default();
        let mut computers = BTreeSet::new();
        for change in &plan.changes {
            let number = count(change.computers.len());
            if terms::acts(change) {
                summary.changes += number;
                summary.removals += if effects::removes(change) { number } else { 0 };
                computers.extend(change.computers.iter().copied());
                *summary.actions.entry(change.action).or_default() += number;
            } else if !change.action.changes() {
                *summary.actions.entry(change.action).or_default() += number;
            }
        }
        for note in &plan.notes {
            *summary.notes.entry(note.kind).or_default() += count(note.computers.len()).max(1);
        }
        let tenants: BTreeSet<_> = computers
            .iter()
            .filter_map(|at| plan.computers.get(usize::try_from(*at).ok()?)?.tenant.as_ref())
            .collect();
        summary.computers = count(computers.len());
        summary.tenants = count(tenants.len());
        summary
    }

    /// How many actions there are of each type; what takes something away counts as a removal, whatever its type is.
    #[must_use]
    pub fn amounts(&self) -> BTreeMap<ActionType, u64> {
        let mut amounts = self.actions.clone();
        let uninstalls = amounts.get(&ActionType::Uninstall).copied().unwrap_or(0);
        let others = self.removals.saturating_sub(uninstalls);
        if others > 0 {
            amounts.insert(ActionType::Uninstall, self.removals);
            amounts.entry(ActionType::Set).and_modify(|sets| *sets = sets.saturating_sub(others));
        }
        amounts
    }

    /// `1,199 changes: 12 to set, 1,184 to update, 3 to remove`; without changes, `no changes`.
    #[must_use]
    pub fn sentence(&self) -> String {
        let parts: Vec<String> = self
            .amounts()
            .iter()
            .filter(|(action, number)| action.changes() && **number > 0)
            .map(|(action, number)| format!("{} {}", thousands(*number), terms::to_do(*action)))
            .collect();
        let reads = self.actions.get(&ActionType::Get).copied().unwrap_or(0);
        let mut text = if self.changes == 0 {
            "no changes".to_owned()
        } else {
            format!("{}: {}", plural(self.changes, "change"), parts.join(", "))
        };
        if reads > 0 {
            _ = write!(text, "; {} to read", plural(reads, "value"));
        }
        text
    }

    /// Where the changes are: `1,187 computers, 37 tenants`.
    #[must_use]
    pub fn extent(&self) -> String {
        let computers = plural(self.computers, "computer");
        if self.tenants == 0 { computers } else { format!("{computers}, {}", plural(self.tenants, "tenant")) }
    }
}

/// Why a plan without changes has none (L10), one sentence.
#[must_use]
pub fn why_nothing(plan: &Plan, summary: &Summary) -> String {
    let Coverage { computers, known, incomplete, checks, read, .. } = plan.coverage;
    let managed = u64::from(known) + u64::from(incomplete);
    let differs = summary.notes.get(&NoteKind::NonCompliant).copied().unwrap_or(0);
    let stopped: u64 = [NoteKind::Ambiguous, NoteKind::Blocked, NoteKind::Held]
        .iter()
        .filter_map(|kind| summary.notes.get(kind))
        .sum();
    if computers == 0 {
        if plan.options.only.is_empty() && plan.options.schedule.is_none() {
            "No changes can be told: no computer is known.".to_owned()
        } else {
            "No changes: no computer matches what the run is limited to.".to_owned()
        }
    } else if managed == 0 {
        let of = these(u64::from(computers));
        if summary.notes.contains_key(&NoteKind::OnHold) {
            format!("No changes: what is wanted of {of} is on hold, as said below.")
        } else if summary.notes.contains_key(&NoteKind::Overruled) {
            format!("No changes: what the run names wins on none of {of}, as said below.")
        } else {
            // None reaches them, or they are excluded, or their tenants have opted out.
            format!("No changes: no deployment counts for {of}.")
        }
    } else if known == 0 {
        format!("No changes can be told: nothing complete is known of {}.", these(u64::from(incomplete)))
    } else if incomplete > 0 {
        format!(
            "No changes on {}; {} not completely known.",
            plural(u64::from(known), "computer"),
            if incomplete == 1 {
                "1 is".to_owned()
            } else {
                format!("{} are", thousands(u64::from(incomplete)))
            }
        )
    } else if stopped > 0 {
        "No changes: what differs waits or is blocked, as said below.".to_owned()
    } else if differs > 0 {
        "No changes: something differs, and the mode only lets Muster say so.".to_owned()
    } else {
        let on = plural(u64::from(known), "computer");
        match (checks.saturating_sub(read), read) {
            (0 | 1, 0) => format!("No changes: the only check on {on} found as wanted."),
            (all, 0) => format!("No changes: all {} checks on {on} found as wanted.", thousands(all)),
            (0, read) => {
                format!("No changes: {} read on {on}, and compared with nothing.", plural(read, "value"))
            }
            (compared, read) => format!(
                "No changes: {} on {on} found as wanted; {} only read.",
                plural(compared, "check"),
                plural(read, "value")
            ),
        }
    }
}

fn these(number: u64) -> String {
    if number == 1 { "this computer".to_owned() } else { format!("these {} computers", thousands(number)) }
}
