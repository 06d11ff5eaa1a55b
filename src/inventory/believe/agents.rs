//! Whether a provider's list is believed: whether all its computers are there, and what it says of them.
//!
//! Invariant: of a computer that is gone nothing counts as lost but itself.

use std::collections::BTreeSet;

use super::{shrunk, shrunk_part};
use crate::config::model::Shrink;
use crate::id::Name;
use crate::inventory::relations::Belongings;

/// What targets select by of one entry of a provider's list.
#[derive(Debug, Clone, Copy)]
pub struct Listed<'a> {
    /// The provider's own id.
    pub id: &'a str,
    /// The tenant.
    pub tenant: Option<&'a Name>,
    /// The tags.
    pub tags: &'a BTreeSet<String>,
    /// Site, groups and properties.
    pub belongings: &'a Belongings,
}

/// Something that a computer has: the computer, and what.
type Pair<'a> = (&'a str, &'a str, &'a str);

/// What is suspicious of a provider's list; `None` when it may be believed. Tenants, tags, sites, groups and properties
/// are compared over the computers that both lists have, each as a part.
#[must_use]
pub fn agents(before: &[Listed<'_>], now: &[Listed<'_>], shrink: Shrink) -> Option<String> {
    let ids = |list: &[Listed<'_>]| list.iter().map(|one| one.id.to_owned()).collect::<BTreeSet<_>>();
    let (known, there) = (ids(before), ids(now));
    shrunk("computers", &known, &there, shrink).or_else(|| {
        let both = |one: &&Listed<'_>| known.contains(one.id) && there.contains(one.id);
        ASPECTS.iter().find_map(|(what, of)| {
            let pairs = |list: &'_ [Listed<'_>]| {
                let owned = |(a, b, c): Pair<'_>| (a.to_owned(), b.to_owned(), c.to_owned());
                list.iter().filter(both).flat_map(|one| of(one)).map(owned).collect::<BTreeSet<_>>()
            };
            shrunk_part(what, &pairs(before), &pairs(now), shrink)
        })
    })
}

/// One thing that computers have, and how it is read.
type Aspect = (&'static str, for<'a> fn(&Listed<'a>) -> Vec<Pair<'a>>);

const ASPECTS: [Aspect; 5] = [
    ("tenants of computers", |one| {
        one.tenant.map(|tenant| (one.id, tenant.as_str(), "")).into_iter().collect()
    }),
    ("tags of computers", |one| one.tags.iter().map(|tag| (one.id, tag.as_str(), "")).collect()),
    ("sites of computers", |one| {
        one.belongings.site.as_deref().map(|site| (one.id, site, "")).into_iter().collect()
    }),
    ("groups of computers", |one| {
        one.belongings.groups.iter().map(|group| (one.id, group.as_str(), "")).collect()
    }),
    ("properties of computers", |one| {
        let all = one.belongings.properties.iter();
        all.map(|(name, value)| (one.id, name.as_str(), value.as_str())).collect()
    }),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// What a list says of all its computers.
    struct Said {
        ids: Vec<String>,
        tenant: Option<Name>,
        tags: BTreeSet<String>,
        belongings: Belongings,
    }

    fn full(computers: usize) -> Said {
        Said {
            ids: (0..computers).map(|at| format!("pc-{at}")).collect(),
            tenant: Name::new("acme").ok(),
            tags: BTreeSet::from(["desk".to_owned()]),
            belongings: Belongings {
                site: Some("Berlin".to_owned()),
                groups: BTreeSet::from(["Desks".to_owned()]),
                properties: BTreeMap::from([("Owner".to_owned(), "Lab".to_owned())]),
                ..Belongings::default()
            },
        }
    }

    impl Said {
        fn list(&self, bare: usize) -> Vec<Listed<'_>> {
            static NONE: BTreeSet<String> = BTreeSet::new();
            static BARE: Belongings = Belongings {
                site: None,
                groups: BTreeSet::new(),
                properties: BTreeMap::new(),
                sign_ins: Vec::new(),
                onboarded: None,
            };
            let all = self.ids.iter().enumerate();
            all.map(|(at, id)| Listed {
                id,
                tenant: self.tenant.as_ref().filter(|_| at >= bare),
                tags: if at >= bare { &self.tags } else { &NONE },
                belongings: if at >= bare { &self.belongings } else { &BARE },
            })
            .collect()
        }
    }

    #[test]
    fn a_list_with_all_computers_that_lost_what_it_said_of_them_is_suspicious() {
        let before = full(20);
        let before = before.list(0);
        let cases: [(&str, fn(&mut Said)); 5] = [
            ("20 of 20 tenants of computers are gone", |said| said.tenant = None),
            ("20 of 20 tags of computers are gone", |said| said.tags.clear()),
            ("20 of 20 sites of computers are gone", |said| said.belongings.site = None),
            ("20 of 20 groups of computers are gone", |said| said.belongings.groups.clear()),
            ("20 of 20 properties of computers are gone", |said| said.belongings.properties.clear()),
        ];
        for (what, lose) in cases {
            let mut now = full(20);
            lose(&mut now);
            assert_eq!(agents(&before, &now.list(0), Shrink::default()).as_deref(), Some(what));
        }
        let now = full(20);
        assert_eq!(agents(&before, &now.list(10), Shrink::default()), None, "half of each is believed");
        let said = agents(&before, &now.list(11), Shrink::default());
        assert_eq!(said.as_deref(), Some("11 of 20 tenants of computers are gone"));
        let moved = Said { tenant: Name::new("other").ok(), ..full(20) };
        assert!(agents(&before, &moved.list(0), Shrink::default()).is_some(), "as many, and others");
    }

    #[test]
    fn what_computers_had_that_are_gone_is_not_lost_besides() {
        let (before, now) = (full(20), full(12));
        assert_eq!(agents(&before.list(0), &now.list(0), Shrink::default()), None);
        let (few, none) = (full(2), Said { tags: BTreeSet::new(), ..full(2) });
        assert_eq!(agents(&few.list(0), &none.list(0), Shrink::default()), None, "two tags are few");
    }
}
