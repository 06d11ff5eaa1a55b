//! Whether a provider's list is believed: whether all its computers are there, and what it says of them.
//!
//! Invariant: of a computer that is gone nothing counts as lost but itself.

use std::collections::{BTreeMap, BTreeSet};

use super::{Loss, shrunk};
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

/// What is suspicious of a provider's list; `None` when it may be believed. Tenants, tags, sites, groups and properties
/// are compared over the computers that both lists have, each as a part.
#[must_use]
pub fn agents<'a>(before: &[Listed<'a>], now: &[Listed<'a>], shrink: Shrink) -> Option<String> {
    let known: BTreeSet<&str> = before.iter().map(|one| one.id).collect();
    let there: BTreeMap<&str, &Listed<'_>> = now.iter().map(|one| (one.id, one)).collect();
    let ids: BTreeSet<&str> = there.keys().copied().collect();
    if let Some(what) = shrunk("computers", &known, &ids, shrink) {
        return Some(what);
    }
    let mut losses = [Loss { is_empty: true, ..Loss::default() }; ASPECTS.len()];
    for was in before {
        let Some(is) = there.get(was.id) else { continue };
        for (loss, (_, count)) in losses.iter_mut().zip(ASPECTS) {
            let (had, lost, has) = count(was, is);
            loss.before += had;
            loss.lost += lost;
            loss.is_empty &= has == 0;
        }
    }
    let parts = losses.iter().zip(ASPECTS);
    parts.into_iter().find_map(|(loss, (what, _))| loss.suspicious_part(what, shrink))
}

/// Of one computer: how much of something it had, how much of that is gone, how much it has.
type Count = fn(&Listed<'_>, &Listed<'_>) -> (usize, usize, usize);

const ASPECTS: [(&str, Count); 5] = [
    ("tenants of computers", |was, is| of_one(was.tenant.map(Name::as_str), is.tenant.map(Name::as_str))),
    ("tags of computers", |was, is| of_many(was.tags, is.tags)),
    ("sites of computers", |was, is| of_one(was.belongings.site.as_deref(), is.belongings.site.as_deref())),
    ("groups of computers", |was, is| of_many(&was.belongings.groups, &is.belongings.groups)),
    ("properties of computers", |was, is| {
        let (was, is) = (&was.belongings.properties, &is.belongings.properties);
        let lost = was.iter().filter(|(name, value)| is.get(*name) != Some(*value)).count();
        (was.len(), lost, is.len())
    }),
];

fn of_one(was: Option<&str>, is: Option<&str>) -> (usize, usize, usize) {
    (usize::from(was.is_some()), usize::from(was.is_some() && was != is), usize::from(is.is_some()))
}

fn of_many(was: &BTreeSet<String>, is: &BTreeSet<String>) -> (usize, usize, usize) {
    (was.len(), was.difference(is).count(), is.len())
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, LazyLock};

    use super::*;

    /// Takes something from what a list says.
    type Lose = fn(&mut Said);

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
                groups: Arc::new(BTreeSet::from(["Desks".to_owned()])),
                properties: Arc::new(BTreeMap::from([("Owner".to_owned(), "Lab".to_owned())])),
                ..Belongings::default()
            },
        }
    }

    impl Said {
        fn list(&self, bare: usize) -> Vec<Listed<'_>> {
            static NONE: BTreeSet<String> = BTreeSet::new();
            static BARE: LazyLock<Belongings> = LazyLock::new(Belongings::default);
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
        let cases: [(&str, Lose); 5] = [
            ("20 of 20 tenants of computers are gone", |said| said.tenant = None),
            ("20 of 20 tags of computers are gone", |said| said.tags.clear()),
            ("20 of 20 sites of computers are gone", |said| said.belongings.site = None),
            ("20 of 20 groups of computers are gone", |said| said.belongings.groups = Arc::default()),
            ("20 of 20 properties of computers are gone", |said| said.belongings.properties = Arc::default()),
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
