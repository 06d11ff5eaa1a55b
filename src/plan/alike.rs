//! Puts together what differs only in what was found: one change, whatever each computer has in its stead (L12).
//!
//! Not here: order, causes and numbers (`sessions`).
//!
//! Invariants: the same computers come out as went in; a test's verdict is never mixed with another kind of observation; of
//! what was found either the one value is kept, or how many there were.

use std::collections::{BTreeMap, BTreeSet};

use super::document::{ActionType, Reason};
use super::sessions::Intent;
use crate::config::kind::Mode;
use crate::id::Name;
use crate::inventory::item::{FieldChange, ItemKey, Observed};
use crate::session::script::Platform;

/// By what intents that are due for a test's verdict are alike.
type Key = (
    ItemKey,
    (ActionType, Reason, Option<String>),
    Observed,
    Mode,
    Name,
    Option<ItemKey>,
    Platform,
    Vec<(String, Option<String>)>,
);

/// The intents, with those put together that want the same and differ only in what a test found. Each stands where the
/// first of it stood.
pub(super) fn merge(intents: Vec<Intent<'_>>) -> Vec<Intent<'_>> {
    let mut merged: Vec<Intent<'_>> = Vec::with_capacity(intents.len());
    let mut known: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
    let mut found: BTreeMap<usize, Vec<Observed>> = BTreeMap::new();
    for intent in intents {
        let Observed::NonCompliant { fields, .. } = &intent.before else {
            merged.push(intent);
            continue;
        };
        let wanted = fields.iter().map(|field| (field.field.clone(), field.after.clone())).collect();
        let key = (
            intent.item.clone(),
            (intent.act.action, intent.act.reason, intent.act.version.clone()),
            intent.act.after.clone(),
            intent.mode,
            intent.deployment.metadata.name.clone(),
            intent.needed_by.clone(),
            intent.platform,
            wanted,
        );
        let alike = known.entry(key).or_default();
        let same = alike
            .iter()
            .copied()
            .find(|at| merged.get(*at).is_some_and(|other| other.parameters == intent.parameters));
        if let Some((at, other)) = same.and_then(|at| merged.get_mut(at).map(|other| (at, other))) {
            other.computers |= &intent.computers;
            found.entry(at).or_insert_with(|| vec![other.before.clone()]).push(intent.before);
        } else {
            alike.push(merged.len());
            merged.push(intent);
        }
    }
    for (at, observed) in found {
        if let Some(intent) = merged.get_mut(at) {
            intent.before = together(&observed);
        }
    }
    merged
}

/// One observation for several verdicts of the same fields.
fn together(observed: &[Observed]) -> Observed {
    let mut details: BTreeSet<&str> = BTreeSet::new();
    let mut befores: Vec<BTreeSet<Option<&str>>> = Vec::new();
    let mut diffs: Vec<BTreeSet<Option<&str>>> = Vec::new();
    let mut wanted: &[FieldChange] = &[];
    for one in observed {
        let Observed::NonCompliant { detail, fields } = one else { continue };
        details.insert(detail);
        wanted = fields;
        befores.resize_with(fields.len(), BTreeSet::new);
        diffs.resize_with(fields.len(), BTreeSet::new);
        for ((field, befores), diffs) in fields.iter().zip(&mut befores).zip(&mut diffs) {
            befores.insert(field.before.as_deref());
            diffs.insert(field.diff.as_deref());
        }
    }
    let only = |values: &BTreeSet<Option<&str>>| {
        let value = values.first().copied().flatten().map(str::to_owned);
        value.filter(|_| values.len() == 1)
    };
    let count = |values: &BTreeSet<Option<&str>>| {
        (values.len() > 1).then(|| u32::try_from(values.len()).unwrap_or(u32::MAX))
    };
    let fields = wanted.iter().zip(&befores).zip(&diffs).map(|((field, befores), diffs)| FieldChange {
        field: field.field.clone(),
        before: only(befores),
        after: field.after.clone(),
        diff: only(diffs),
        different: count(befores),
    });
    let first = details.first().copied().unwrap_or_default();
    let detail = match details.len() {
        0 | 1 => first.to_owned(),
        count => {
            let such = details.iter().find(|detail| !detail.is_empty()).copied().unwrap_or_default();
            format!("{count} different findings, such as: {such}")
        }
    };
    Observed::NonCompliant { detail, fields: fields.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(detail: &str, fields: &[(&str, Option<&str>, &str)]) -> Observed {
        let field = |(field, before, after): &(&str, Option<&str>, &str)| FieldChange {
            field: (*field).to_owned(),
            before: before.map(str::to_owned),
            after: Some((*after).to_owned()),
            ..FieldChange::default()
        };
        Observed::NonCompliant { detail: detail.to_owned(), fields: fields.iter().map(field).collect() }
    }

    #[test]
    fn one_value_is_kept_and_several_are_counted() {
        let one = found("", &[("mode", Some("0644"), "0600"), ("owner", Some("bin"), "root")]);
        let two = found("", &[("mode", None, "0600"), ("owner", Some("bin"), "root")]);
        let Observed::NonCompliant { fields, .. } = together(&[one.clone(), two, one]) else { panic!() };
        assert_eq!(fields[0].phrase(), "2 different values -> 0600");
        assert_eq!(fields[1].phrase(), "bin -> root");
    }

    #[test]
    fn what_a_test_printed_is_told_once() {
        assert_eq!(together(&[found("5 MB", &[]), found("5 MB", &[])]), found("5 MB", &[]));
        let several = together(&[found("", &[]), found("5 MB", &[]), found("7 MB", &[])]);
        assert_eq!(several, found("3 different findings, such as: 5 MB", &[]));
    }
}
