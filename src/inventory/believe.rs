//! Whether a list that became shorter is believed (L3).
//!
//! Not here: lists that are errors already; who asks, and what is used in place of what is not believed (`collect`).
//!
//! Invariant: the decision depends on both lists and the settings alone.

use std::collections::BTreeSet;

use super::relations::{Directory, Psa};
use crate::config::model::Shrink;

/// What is suspicious of a list that once had these entries and now has those; `None` when it may be believed. A list
/// that became empty is suspicious whatever its length was.
#[must_use]
pub fn shrunk<K: Ord>(what: &str, before: &BTreeSet<K>, now: &BTreeSet<K>, shrink: Shrink) -> Option<String> {
    let lost = before.difference(now).count();
    let share = lost * 100 > before.len() * usize::from(shrink.percent);
    let large = before.len() >= usize::try_from(shrink.minimum).unwrap_or(usize::MAX);
    let emptied = now.is_empty() && !before.is_empty();
    (emptied || (share && large)).then(|| format!("{lost} of {} {what} are gone", before.len()))
}

/// The same for a directory: people, groups, and who is in which group.
#[must_use]
pub fn shrunk_directory(before: &Directory, now: &Directory, shrink: Shrink) -> Option<String> {
    let people = |known: &Directory| known.people.iter().map(|one| one.upn.to_lowercase()).collect();
    let groups = |known: &Directory| known.groups.iter().map(|one| one.id.clone()).collect();
    let members = |known: &Directory| -> BTreeSet<(String, String)> {
        let of = |group: &crate::inventory::relations::Group| {
            let all = group.people.iter().chain(&group.devices).chain(&group.groups);
            all.map(|member| (group.id.clone(), member.to_lowercase())).collect::<Vec<_>>()
        };
        known.groups.iter().flat_map(of).collect()
    };
    shrunk("people", &people(before), &people(now), shrink)
        .or_else(|| shrunk("groups", &groups(before), &groups(now), shrink))
        .or_else(|| shrunk("members of groups", &members(before), &members(now), shrink))
}

/// The same for a PSA: companies, agreements and their additions.
#[must_use]
pub fn shrunk_psa(before: &Psa, now: &Psa, shrink: Shrink) -> Option<String> {
    let companies = |known: &Psa| known.companies.iter().map(|one| one.id.clone()).collect();
    let agreements = |known: &Psa| -> BTreeSet<(String, usize)> {
        let of = |(id, count): (&String, usize)| (0..count).map(|at| (id.clone(), at)).collect::<Vec<_>>();
        known.companies.iter().flat_map(|one| of((&one.id, one.agreements.len()))).collect()
    };
    let additions = |known: &Psa| -> BTreeSet<(String, usize)> {
        let count = |one: &crate::inventory::relations::Company| {
            one.agreements.iter().map(|agreement| agreement.additions.len()).sum()
        };
        let of = |(id, count): (&String, usize)| (0..count).map(|at| (id.clone(), at)).collect::<Vec<_>>();
        known.companies.iter().flat_map(|one| of((&one.id, count(one)))).collect()
    };
    shrunk("companies", &companies(before), &companies(now), shrink)
        .or_else(|| shrunk("agreements", &agreements(before), &agreements(now), shrink))
        .or_else(|| shrunk("additions of agreements", &additions(before), &additions(now), shrink))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(count: u32) -> BTreeSet<u32> {
        (0..count).collect()
    }

    #[test]
    fn more_than_the_share_of_a_list_that_is_long_enough_is_suspicious() {
        let shrink = Shrink::default();
        let said = |before, now| shrunk("computers", &of(before), &of(now), shrink);
        assert_eq!(said(100, 50), None, "half is not more than half");
        assert_eq!(said(100, 49).as_deref(), Some("51 of 100 computers are gone"));
        assert_eq!(said(9, 1), None, "too short to tell");
        assert_eq!(said(10, 4).as_deref(), Some("6 of 10 computers are gone"));
        assert_eq!(said(1, 0).as_deref(), Some("1 of 1 computers are gone"), "empty is always suspicious");
        assert_eq!(said(0, 0), None);
        assert_eq!(said(10, 100), None);
        let moved: BTreeSet<u32> = (100..200).collect();
        assert!(shrunk("computers", &of(100), &moved, shrink).is_some(), "as long, and others");
        let strict = Shrink { percent: 0, minimum: 1 };
        assert!(shrunk("computers", &of(3), &of(2), strict).is_some());
        let never = Shrink { percent: 100, minimum: 1 };
        assert!(shrunk("computers", &of(300), &of(1), never).is_none());
    }

    #[test]
    fn a_group_that_lost_its_members_is_suspicious_though_everybody_is_there() {
        let group = |members: usize| crate::inventory::relations::Group {
            id: "g".to_owned(),
            name: "G".to_owned(),
            people: (0..members).map(|at| format!("p{at}")).collect(),
            devices: Vec::new(),
            groups: Vec::new(),
        };
        let directory = |members| Directory { people: Vec::new(), groups: vec![group(members)] };
        let said = shrunk_directory(&directory(20), &directory(8), Shrink::default());
        assert_eq!(said.as_deref(), Some("12 of 20 members of groups are gone"));
        assert_eq!(shrunk_directory(&directory(20), &directory(15), Shrink::default()), None);
    }
}
