//! The difference of two plans: what a stale plan would have done, and what is to be done now.
//!
//! Not here: the comparison itself (`plan::compare`).
//!
//! Invariant: the number of lines follows the kinds of difference, not the computers (L12).

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::layout::Columns;
use super::style::{Label, Line, Pen};
use super::words::{count, plural, thousands};
use super::{View, terms};
use crate::plan::compare::{Action, Comparison};

/// Writes a comparison: one line for each kind of difference.
///
/// # Errors
/// What the pen says.
pub fn write(pen: &mut dyn Pen, comparison: &Comparison, view: &View) -> io::Result<()> {
    if comparison.is_same() {
        return pen.line(&Line::new().text("The two plans hold the same actions."));
    }
    let mut groups: BTreeMap<(u8, String), BTreeSet<&str>> = BTreeMap::new();
    for action in &comparison.added {
        groups.entry((0, what(action))).or_default().insert(&action.name);
    }
    for (old, new) in &comparison.changed {
        let text = if what(old) == what(new) {
            format!("{}: other scripts or values", what(new))
        } else {
            format!("{}, was {}", what(new), what(old))
        };
        groups.entry((1, text)).or_default().insert(&new.name);
    }
    for action in &comparison.satisfied {
        groups.entry((2, what(action))).or_default().insert(&action.name);
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
        thousands(count(comparison.satisfied.len())),
    )))
}

/// An action in a few words.
fn what(action: &Action) -> String {
    let title = action.item.to_string();
    let what = terms::what(&title, action.action, &action.before, &action.after, action.version.as_deref());
    format!("{} {what}", terms::code(&action.action))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::compare::compare;
    use crate::plan::document::Plan;
    use crate::report::sample::{five_kinds, nothing};
    use crate::report::style::Recording;

    fn text(saved: &Plan, fresh: &Plan) -> String {
        let mut pen = Recording::default();
        write(&mut pen, &compare(saved, fresh), &View::default()).expect("memory");
        pen.to_string()
    }

    #[test]
    fn a_plan_does_not_differ_from_itself() {
        assert_eq!(text(&five_kinds(100), &five_kinds(100)), "The two plans hold the same actions.\n");
    }

    #[test]
    fn the_lines_follow_the_kinds_of_difference() {
        let few = text(&nothing(100), &five_kinds(100));
        let many = text(&nothing(100), &five_kinds(10_000));
        assert_eq!(few.lines().count(), many.lines().count());
        assert!(few.contains("+ new"), "{few}");
        assert!(text(&five_kinds(100), &nothing(100)).contains("- gone"));
    }
}
