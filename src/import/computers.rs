//! What a provider's list of computers changes against what is remembered of it.
//!
//! Not here: whether the list is believed (`inventory::collect`), and who the same computer is.
//!
//! Invariant: computers of companies that no tenant maps are counted and never placed.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use crate::id::{AgentId, Name};

/// A computer as it was, or is, listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The provider's own id of it.
    pub agent: AgentId,
    /// Its name.
    pub name: Box<str>,
    /// Its tenant.
    pub tenant: Option<Name>,
    /// The name of its company at the provider.
    pub company: Option<Arc<str>>,
}

/// What happened to one computer. A renamed one that moved too is both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It was not known.
    New,
    /// It has another name.
    Renamed,
    /// It belongs to another tenant.
    Moved,
    /// It is not among the computers of mapped companies any more.
    Gone,
}

/// One computer of which something changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// How it was; `None` when it was not known.
    pub was: Option<Seen>,
    /// How it is; `None` when it is gone.
    pub is: Option<Seen>,
}

impl Difference {
    /// What happened, in order; nothing when only something else of it changed.
    #[must_use]
    pub fn changes(&self) -> Vec<Change> {
        match (&self.was, &self.is) {
            (None, None) => Vec::new(),
            (None, Some(_)) => vec![Change::New],
            (Some(_), None) => vec![Change::Gone],
            (Some(was), Some(is)) => {
                let renamed = (was.name != is.name).then_some(Change::Renamed);
                let moved = (was.tenant != is.tenant).then_some(Change::Moved);
                renamed.into_iter().chain(moved).collect()
            }
        }
    }
}

/// What changed for one tenant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// How many computers it has now.
    pub computers: u64,
    /// How many of them are new.
    pub new: u64,
    /// How many of them have another name.
    pub renamed: u64,
    /// How many came from another tenant.
    pub came: u64,
    /// How many went to another tenant.
    pub left: u64,
    /// How many are gone.
    pub gone: u64,
}

impl Counts {
    /// Whether anything changed.
    #[must_use]
    pub const fn is_quiet(&self) -> bool {
        self.new + self.renamed + self.came + self.left + self.gone == 0
    }
}

/// What changed, by tenant; under `None` what belongs to none. `now` are the tenants of all computers, one by one.
#[must_use]
pub fn by_tenant<'a>(
    now: impl Iterator<Item = Option<&'a Name>>,
    differences: &[Difference],
) -> BTreeMap<Option<Name>, Counts> {
    let mut sizes: BTreeMap<Option<&Name>, u64> = BTreeMap::new();
    now.for_each(|tenant| *sizes.entry(tenant).or_default() += 1);
    let of_size = |(tenant, computers): (Option<&Name>, u64)| {
        (tenant.cloned(), Counts { computers, ..Counts::default() })
    };
    let mut counts: BTreeMap<Option<Name>, Counts> = sizes.into_iter().map(of_size).collect();
    for difference in differences {
        let tenant = |seen: &Option<Seen>| seen.as_ref().and_then(|seen| seen.tenant.clone());
        let (was, is) = (tenant(&difference.was), tenant(&difference.is));
        for change in difference.changes() {
            match change {
                Change::New => counts.entry(is.clone()).or_default().new += 1,
                Change::Renamed => counts.entry(is.clone()).or_default().renamed += 1,
                Change::Gone => counts.entry(was.clone()).or_default().gone += 1,
                Change::Moved => {
                    counts.entry(is.clone()).or_default().came += 1;
                    counts.entry(was.clone()).or_default().left += 1;
                }
            }
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seen(name: u8, tenant: u8) -> Seen {
        let tenant = Name::new(&format!("tenant-{tenant}")).ok();
        Seen { agent: AgentId::new("a"), name: format!("pc-{name}").into(), tenant, company: None }
    }

    #[test]
    fn a_computer_can_be_renamed_and_moved_at_once() {
        let changed = |was, is| Difference { was, is }.changes();
        assert_eq!(changed(None, Some(seen(1, 1))), [Change::New]);
        assert_eq!(changed(Some(seen(1, 1)), None), [Change::Gone]);
        assert_eq!(changed(Some(seen(1, 1)), Some(seen(2, 2))), [Change::Renamed, Change::Moved]);
        assert_eq!(changed(Some(seen(1, 1)), Some(seen(1, 1))), []);
    }

    proptest! {
        #[test]
        fn the_counts_add_up(
            all in prop::collection::vec((prop::option::of((0_u8..3, 0_u8..3)), prop::option::of((0_u8..3, 0_u8..3))), 0..40),
        ) {
            let seen = |(name, tenant)| seen(name, tenant);
            let all: Vec<Difference> =
                all.into_iter().map(|(was, is)| Difference { was: was.map(seen), is: is.map(seen) }).collect();
            let now = || all.iter().filter_map(|one| one.is.as_ref());
            let counts = by_tenant(now().map(|is| is.tenant.as_ref()), &all);
            for (tenant, counts) in &counts {
                let had = all.iter().filter(|one| one.was.as_ref().is_some_and(|was| was.tenant == *tenant)).count();
                let has = now().filter(|is| is.tenant == *tenant).count() as u64;
                prop_assert_eq!(counts.computers, has);
                prop_assert_eq!(had as u64 + counts.new + counts.came, has + counts.left + counts.gone);
            }
            let quiet = all.iter().all(|one| one.changes().is_empty());
            prop_assert_eq!(quiet, counts.values().all(Counts::is_quiet));
        }
    }
}
