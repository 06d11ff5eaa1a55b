//! The difference of two plans: what a stale plan would have done, and what is to be done now.
//!
//! Invariant: the number of lines follows the kinds of difference, not the computers (L12).

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use serde::Serialize;

use super::layout::Columns;
use super::style::{Label, Line, Pen};
use super::words::{count, plural, thousands};
use super::{View, terms};
use crate::config::kind::Mode;
use crate::id::{ComputerId, Digest};
use crate::inventory::item::ItemKey;
use crate::plan::document::{ActionType, Plan};

/// One action on one computer, as far as a comparison needs it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// The computer.
    pub computer: ComputerId,
    /// The item.
    pub item: ItemKey,
    /// The computer's name.
    pub name: String,
    /// What is done.
    pub action: ActionType,
    /// How far it goes.
    pub mode: Mode,
    /// In words: `7-Zip 24.08 -> 24.09`.
    pub what: String,
    /// Over scripts and values: another digest is another action.
    pub content: Digest,
}

/// Every action of a plan, sorted by computer and item.
#[must_use]
pub fn entries(plan: &Plan) -> Vec<Entry> {
    let mut entries: Vec<Entry> = plan
        .changes
        .iter()
        .flat_map(|change| {
            let what = terms::what(
                &change.title,
                change.action,
                &change.before,
                &change.after,
                change.version.as_deref(),
            )
            .to_string();
            change.computers.iter().filter_map(move |at| {
                let computer = plan.computers.get(usize::try_from(*at).ok()?)?;
                Some(Entry {
                    computer: computer.id.clone(),
                    item: change.item.clone(),
                    name: computer.name.clone(),
                    action: change.action,
                    mode: change.mode,
                    what: what.clone(),
                    content: change.content.clone(),
                })
            })
        })
        .collect();
    entries.sort();
    entries
}

/// What differs between two lists of actions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// Only in the new one.
    pub added: Vec<Entry>,
    /// Only in the old one: satisfied by now, or not wanted any more.
    pub removed: Vec<Entry>,
    /// In both, and not the same: old and new.
    pub changed: Vec<(Entry, Entry)>,
}

impl Comparison {
    /// Compares by computer, item and the direction of the action: an update that became a removal is one that changed.
    #[must_use]
    pub fn of(old: &[Entry], new: &[Entry]) -> Self {
        let key = |entry: &Entry| (entry.computer.clone(), entry.item.clone());
        let mut before: BTreeMap<_, Vec<&Entry>> = BTreeMap::new();
        for entry in old {
            before.entry(key(entry)).or_default().push(entry);
        }
        let mut comparison = Self::default();
        let mut left: Vec<&Entry> = Vec::new();
        for entry in new {
            let same = before.get_mut(&key(entry));
            let at = same.as_ref().and_then(|old| old.iter().position(|old| *old == entry));
            match (same, at) {
                (Some(old), Some(at)) => {
                    old.swap_remove(at);
                }
                _ => left.push(entry),
            }
        }
        for entry in left {
            match before.get_mut(&key(entry)).and_then(Vec::pop) {
                Some(old) => comparison.changed.push((old.clone(), entry.clone())),
                None => comparison.added.push(entry.clone()),
            }
        }
        comparison.removed = before.into_values().flatten().cloned().collect();
        comparison
    }

    /// Whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

/// Writes a comparison: one line for each kind of difference.
///
/// # Errors
/// What the pen says.
pub fn write(pen: &mut dyn Pen, comparison: &Comparison, view: &View) -> io::Result<()> {
    if comparison.is_empty() {
        return pen.line(&Line::new().text("The two plans hold the same actions."));
    }
    let mut groups: BTreeMap<(u8, String), BTreeSet<&str>> = BTreeMap::new();
    for entry in &comparison.added {
        groups.entry((0, entry.what.clone())).or_default().insert(&entry.name);
    }
    for (old, new) in &comparison.changed {
        let what = if old.what != new.what {
            format!("{}, was {}", new.what, old.what)
        } else if old.mode != new.mode {
            format!("{}: mode {}, was {}", new.what, new.mode, old.mode)
        } else {
            format!("{}: other scripts or values", new.what)
        };
        groups.entry((1, what)).or_default().insert(&new.name);
    }
    for entry in &comparison.removed {
        groups.entry((2, entry.what.clone())).or_default().insert(&entry.name);
    }
    let rows: Vec<Vec<Line>> = groups
        .into_iter()
        .map(|((kind, what), names)| {
            let (marker, label, word) = match kind {
                0 => ("+", Label::Add, "new"),
                1 => ("~", Label::Change, "other"),
                _ => ("-", Label::Remove, "gone"),
            };
            let names: Vec<&str> = names.into_iter().collect();
            let bound = if view.details { names.len() } else { 3 };
            let who = if names.len() <= bound {
                super::words::list(&names, bound)
            } else {
                terms::who(&names, &[], 3, 40)
            };
            vec![
                Line::new().with(label, format!("{marker} {word}")),
                Line::new().with(Label::Heading, what),
                Line::new().text(who),
            ]
        })
        .collect();
    for line in (Columns { indent: 2, width: view.width, least: &[] }).rows(&rows).iter().flatten() {
        pen.line(line)?;
    }
    pen.line(&Line::new().text(format!(
        "{} new, {} other, {} gone",
        plural(count(comparison.added.len()), "action"),
        thousands(count(comparison.changed.len())),
        thousands(count(comparison.removed.len())),
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{five_kinds, nothing, present};
    use crate::report::style::Recording;

    fn text(comparison: &Comparison) -> String {
        let mut pen = Recording::default();
        write(&mut pen, comparison, &View::default()).expect("memory");
        pen.to_string()
    }

    #[test]
    fn a_plan_does_not_differ_from_itself() {
        let entries = entries(&five_kinds(100));
        assert_eq!(entries.len(), 100 + 10 + 15 + 20 + 50);
        let same = Comparison::of(&entries, &entries);
        assert!(same.is_empty());
        assert_eq!(text(&same), "The two plans hold the same actions.\n");
    }

    #[test]
    fn differences_are_grouped_by_kind() {
        let old = five_kinds(1000);
        let mut new = five_kinds(1000);
        new.changes[1].after = present("24.10");
        new.changes[1].computers.retain(|at| *at != 7);
        new.changes[2].content = Digest::of(b"other script");
        new.changes[3].mode = Mode::Audit;
        new.changes.remove(0);
        let comparison = Comparison::of(&entries(&old), &entries(&new));
        insta::assert_snapshot!(text(&comparison), @r#"
      ~ other   7-Zip 24.08 -> 24.10, was 7-Zip 24.08 -> 24.09   999 computers
      ~ other   Audit Agent 2.0: other scripts or values         143 computers
      ~ other   disk-encryption: set: mode audit, was enforce    200 computers
      - gone    7-Zip 24.08 -> 24.09                             PC-0007
      - gone    Old Archiver 3.1                                 100 computers
    0 actions new, 1,342 other, 101 gone
    "#);
        let all_new = Comparison::of(&entries(&nothing(0)), &entries(&new));
        assert_eq!(
            (all_new.added.len(), all_new.removed.len(), all_new.changed.len()),
            (999 + 143 + 200 + 500, 0, 0)
        );
    }
}
