//! Whether a provider's list is believed in its parts: single groups, sites and values of properties that targets name.
//!
//! Not here: the list as a whole and what it says of all computers together (`agents`).
//!
//! Invariants: of a computer that is gone nothing counts as lost but itself; a part that no target names may become
//! whatever it likes; where a part is doubted, who was in it still is, and everything else is as the list says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Listed, shrunk_part};
use crate::config::model::Shrink;
use crate::inventory::relations::{Belongings, folded};

/// Something that a provider's computers belong to, as targets name it; texts are folded.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// A group.
    Group(String),
    /// A site.
    Site(String),
    /// A value of a custom property: its name and the value.
    Property(String, String),
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Group(name) => write!(f, "group {name}"),
            Self::Site(name) => write!(f, "site {name}"),
            Self::Property(property, value) => write!(f, "{property} {value}"),
        }
    }
}

impl Part {
    /// Whether a computer that belongs so is in it.
    #[must_use]
    pub fn holds(&self, belongings: &Belongings) -> bool {
        match self {
            Self::Group(name) => belongings.groups.iter().any(|group| folded(group) == *name),
            Self::Site(name) => belongings.site.as_ref().is_some_and(|site| folded(site) == *name),
            Self::Property(property, value) => belongings
                .properties
                .iter()
                .any(|(key, text)| folded(key) == *property && folded(text) == *value),
        }
    }

    /// Puts a computer into it as it was before.
    pub fn restore(&self, before: &Belongings, now: &mut Belongings) {
        match self {
            Self::Group(name) => {
                let was = before.groups.iter().filter(|group| folded(group) == *name);
                Arc::make_mut(&mut now.groups).extend(was.cloned());
            }
            Self::Site(_) => now.site.clone_from(&before.site),
            Self::Property(property, _) => {
                let now = Arc::make_mut(&mut now.properties);
                now.retain(|key, _| folded(key) != *property);
                let was = before.properties.iter().filter(|(key, _)| folded(key) == *property);
                now.extend(was.map(|(key, text)| (key.clone(), text.clone())));
            }
        }
    }
}

/// A part that is not believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoubtedPart {
    /// Which.
    pub part: Part,
    /// What is suspicious.
    pub why: String,
    /// The computers that were in it and are still listed.
    pub was: BTreeSet<String>,
    /// The computers that are said to be in it.
    pub is: BTreeSet<String>,
}

/// The parts among `named` that became empty or shorter than is believed.
#[must_use]
pub fn parts(
    before: &[Listed<'_>],
    now: &[Listed<'_>],
    named: &BTreeSet<Part>,
    shrink: Shrink,
) -> Vec<DoubtedPart> {
    if named.is_empty() {
        return Vec::new();
    }
    let listed: BTreeSet<&str> = now.iter().map(|one| one.id).collect();
    let (was, is) = (members(before, named), members(now, named));
    let mut doubted = Vec::new();
    for part in named {
        let mut was = was.get(part).cloned().unwrap_or_default();
        was.retain(|id| listed.contains(id.as_str()));
        let is = is.get(part).cloned().unwrap_or_default();
        if let Some(why) = shrunk_part(&format!("computers of {part}"), &was, &is, shrink) {
            doubted.push(DoubtedPart { part: part.clone(), why, was, is });
        }
    }
    doubted
}

/// Who is in which of the parts.
fn members<'p>(list: &[Listed<'_>], named: &'p BTreeSet<Part>) -> BTreeMap<&'p Part, BTreeSet<String>> {
    let mut members: BTreeMap<&Part, BTreeSet<String>> = BTreeMap::new();
    let mut add = |part: &Part, id: &str| {
        if let Some(part) = named.get(part) {
            members.entry(part).or_default().insert(id.to_owned());
        }
    };
    for one in list {
        let Belongings { site, groups, properties, .. } = one.belongings;
        for group in groups.iter() {
            add(&Part::Group(folded(group)), one.id);
        }
        if let Some(site) = site {
            add(&Part::Site(folded(site)), one.id);
        }
        for (property, value) in properties.iter() {
            add(&Part::Property(folded(property), folded(value)), one.id);
        }
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    fn belongings(groups: &[&str], site: Option<&str>, owner: Option<&str>) -> Belongings {
        Belongings {
            site: site.map(str::to_owned),
            groups: Arc::new(groups.iter().map(|text| (*text).to_owned()).collect()),
            properties: Arc::new(
                owner.map(|text| ("Owner".to_owned(), text.to_owned())).into_iter().collect(),
            ),
            ..Belongings::default()
        }
    }

    /// `of` says what each of twenty computers belongs to.
    fn list(of: impl Fn(usize) -> Belongings) -> Vec<(String, Belongings)> {
        (0..20).map(|at| (format!("pc-{at}"), of(at))).collect()
    }

    fn said(
        before: &[(String, Belongings)],
        now: &[(String, Belongings)],
        named: &[Part],
    ) -> Vec<DoubtedPart> {
        parts(&listed(before), &listed(now), &named.iter().cloned().collect(), Shrink::default())
    }

    fn listed(list: &[(String, Belongings)]) -> Vec<Listed<'_>> {
        static NONE: BTreeSet<String> = BTreeSet::new();
        list.iter().map(|(id, belongings)| Listed { id, tenant: None, tags: &NONE, belongings }).collect()
    }

    fn group(text: &str) -> Part {
        Part::Group(text.to_owned())
    }

    #[test]
    fn a_named_part_that_becomes_empty_or_loses_most_alone_is_doubted() {
        let servers = |count| {
            list(move |at| belongings(if at < count { &["Servers", "All"] } else { &["All"] }, None, None))
        };
        let named = [group("servers"), group("all")];
        let why = |before, now| {
            said(&servers(before), &servers(now), &named).into_iter().map(|one| one.why).collect::<Vec<_>>()
        };
        assert_eq!(why(3, 0), ["3 of 3 computers of group servers are gone"]);
        assert_eq!(why(2, 0), [""; 0], "two are few");
        assert_eq!(why(9, 1), [""; 0]);
        assert_eq!(why(10, 4), ["6 of 10 computers of group servers are gone"]);
        assert_eq!(said(&servers(10), &servers(0), &[group("all")]), [], "nobody names it");
        let at = |site: &'static str| {
            list(move |at| belongings(&[], Some(if at < 5 { site } else { "Rome" }), None))
        };
        assert_eq!(said(&at("Berlin"), &at("Bonn"), &[Part::Site("berlin".to_owned())])[0].was.len(), 5);
        let of = |owner: &'static str| list(move |at| belongings(&[], None, (at < 5).then_some(owner)));
        let lab = Part::Property("owner".to_owned(), "lab".to_owned());
        let doubted = said(&of("Lab"), &of("Hall"), &[lab]);
        assert_eq!(doubted[0].why, "5 of 5 computers of owner lab are gone");
    }

    #[test]
    fn computers_that_are_gone_are_no_loss_of_their_groups() {
        let before = list(|_| belongings(&["Servers"], None, None));
        let mut now = before.clone();
        now.truncate(5);
        assert_eq!(said(&before, &now, &[group("servers")]), []);
    }

    #[test]
    fn a_part_is_put_back_as_it_was_and_nothing_else() {
        let before = belongings(&["Servers", "Old"], Some("Berlin"), Some("Lab"));
        let said = belongings(&["New"], Some("Bonn"), Some("Hall"));
        let restored = |part: &Part| {
            let mut now = said.clone();
            part.restore(&before, &mut now);
            assert!(part.holds(&now) && part.holds(&before) && !part.holds(&said));
            now
        };
        assert_eq!(restored(&group("servers")), belongings(&["New", "Servers"], Some("Bonn"), Some("Hall")));
        let site = Part::Site("berlin".to_owned());
        assert_eq!(restored(&site), belongings(&["New"], Some("Berlin"), Some("Hall")));
        let lab = Part::Property("owner".to_owned(), "lab".to_owned());
        assert_eq!(restored(&lab), belongings(&["New"], Some("Bonn"), Some("Lab")));
    }
}
