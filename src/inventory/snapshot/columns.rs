//! Filling a snapshot's columns.
//!
//! Computers that share a value share its memory, so each distinct value is looked at once, by its address.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::{Arc, OnceLock};

use roaring::RoaringBitmap;

use super::intern::Seed;
use super::{Column, Computer, Snapshot, Versions};
use crate::config::Config;
use crate::inventory::facts::{FactValue, Facts, Package};
use crate::inventory::known::Contact;

impl Snapshot {
    /// Fills the columns from the computers.
    pub(super) fn fill(&mut self, config: &Config) {
        let count = u32::try_from(self.computers.len()).unwrap_or(u32::MAX);
        self.all.insert_range(0..count);
        for known in [
            &mut self.tenants.known,
            &mut self.providers.known,
            &mut self.tags.known,
            &mut self.tenant_tags.known,
            &mut self.modes.known,
        ] {
            known.clone_from(&self.all);
        }
        self.facts = Facts::paths().iter().map(|path| (*path, OnceLock::new())).collect();

        let computers = &self.computers;
        for (name, set) in groups(computers, |c| c.tenant.as_ref().map(|name| (name.as_str().as_ptr(), name)))
        {
            *self.tenants.values.entry(name.clone()).or_default() |= set;
        }
        for (name, set) in groups(computers, |c| Some((c.provider.as_str().as_ptr(), &c.provider))) {
            *self.providers.values.entry(name.clone()).or_default() |= set;
        }
        for (tags, set) in groups(computers, |c| Some((Arc::as_ptr(&c.tags), &c.tags))) {
            for tag in tags.iter() {
                put(&mut self.tags.values, tag, &set);
            }
        }
        for (platform, set) in groups(computers, |c| Some((c.platform?, c.platform?))) {
            self.platforms.known |= &set;
            self.platforms.values.insert(platform, set);
        }
        for (mode, set) in groups(computers, |c| Some((c.mode, c.mode))) {
            self.modes.values.insert(mode, set);
        }
        for (excluded, set) in groups(computers, |c| Some((c.excluded, c.excluded))) {
            if excluded {
                self.excluded = set;
            }
        }
        for (contact, set) in groups(computers, |c| Some((Arc::as_ptr(&c.contact), &c.contact))) {
            if !matches!(**contact, Contact::Never | Contact::Reached) {
                self.unreached |= set;
            }
        }
        let with_facts = groups(computers, |c| {
            let kept = c.facts.as_ref()?;
            Some((Arc::as_ptr(&kept.common), &kept.common))
        });
        for (common, set) in with_facts {
            self.surveyed |= &set;
            if let Some(roles) = &common.roles {
                self.roles.known |= &set;
                for role in roles {
                    put(&mut self.roles.values, role, &set);
                }
            }
            if let Some(family) = common.family() {
                self.families.known |= &set;
                put(&mut self.families.values, &family, &set);
            }
            if common.inventory_is_known() {
                self.inventory_known |= &set;
            }
        }
        for (tenant, set) in &self.tenants.values {
            for tag in config.tenants.get(tenant).into_iter().flat_map(|tenant| &tenant.tags) {
                put(&mut self.tenant_tags.values, tag, set);
            }
        }
        let recognised = computers.iter().enumerate().filter(|(_, computer)| !computer.routes().is_empty());
        let mut reached = RoaringBitmap::new();
        for (ix, computer) in recognised {
            let Ok(ix) = u32::try_from(ix) else { continue };
            for (provider, _) in computer.agents() {
                self.providers.values.entry(provider.clone()).or_default().insert(ix);
                if !self.failed.contains_key(provider) {
                    reached.insert(ix);
                }
            }
        }
        for provider in self.failed.keys() {
            self.held |= self.providers.with(provider);
        }
        // A list that failed is no reason to hold a computer that another link lists too.
        self.held -= reached;
    }

    /// The column of one fact.
    pub(super) fn fact_column(&self, path: &str) -> Column<FactValue> {
        let mut column = Column::default();
        for (ix, computer) in self.iter() {
            let value = computer.facts.as_ref().and_then(|kept| kept.without_packages().get(path));
            if let Some(value) = value {
                column.values.entry(value).or_insert_with(RoaringBitmap::new).insert(ix);
                column.known.insert(ix);
            }
        }
        column
    }

    /// The computers with an entry in their inventories that fits; asked once for each different entry.
    #[must_use]
    pub fn with_package(&self, fits: impl Fn(&Package) -> bool) -> RoaringBitmap {
        let fitting: Vec<bool> = self.inventory.iter().map(|package| fits(package)).collect();
        if !fitting.contains(&true) {
            return RoaringBitmap::new();
        }
        let is_one = |number: &u32| usize::try_from(*number).is_ok_and(|at| fitting.get(at) == Some(&true));
        let has = |computer: &Computer| {
            computer.facts.as_ref().is_some_and(|kept| kept.packages.iter().any(is_one))
        };
        self.iter().filter(|(_, computer)| has(computer)).map(|(ix, _)| ix).collect()
    }

    /// The inventories by name and version.
    pub(super) fn package_columns(&self) -> BTreeMap<Box<str>, Versions> {
        let mut sets: Vec<Vec<u32>> = vec![Vec::new(); self.inventory.len()];
        for (ix, computer) in self.iter() {
            for number in computer.facts.iter().flat_map(|kept| &kept.packages) {
                if let Some(set) = usize::try_from(*number).ok().and_then(|at| sets.get_mut(at)) {
                    set.push(ix);
                }
            }
        }
        let mut columns: BTreeMap<Box<str>, Versions> = BTreeMap::new();
        for (package, set) in self.inventory.iter().zip(sets) {
            let version = Some(package.version.as_str()).filter(|version| !version.is_empty());
            let versions = columns.entry(package.name.as_str().into()).or_default();
            *versions.entry(version.map(Into::into)).or_default() |=
                set.into_iter().collect::<RoaringBitmap>();
        }
        columns
    }
}

/// The computers by a key, which has a value that goes with it; those without a key are in none. In no order.
fn groups<'a, K: Hash + Eq + Copy, V: Copy>(
    computers: &'a [Computer],
    key: impl Fn(&'a Computer) -> Option<(K, V)>,
) -> Vec<(V, RoaringBitmap)> {
    let mut numbers: HashMap<K, usize, Seed> = HashMap::with_hasher(Seed::new());
    let mut groups: Vec<(V, Vec<u32>)> = Vec::new();
    let mut last: Option<(K, usize)> = None;
    for (ix, computer) in (0..).zip(computers) {
        let Some((key, value)) = key(computer) else { continue };
        let number = match last {
            Some((same, number)) if same == key => number,
            _ => *numbers.entry(key).or_insert_with(|| {
                groups.push((value, Vec::new()));
                groups.len() - 1
            }),
        };
        last = Some((key, number));
        if let Some((_, set)) = groups.get_mut(number) {
            set.push(ix);
        }
    }
    // They were added in ascending order, so nothing is lost.
    let set = |list: Vec<u32>| RoaringBitmap::from_sorted_iter(list).unwrap_or_default();
    groups.into_iter().map(|(value, list)| (value, set(list))).collect()
}

/// Adds computers to the set of a value; copies the value only when it is new.
fn put<V: Ord + Clone>(values: &mut BTreeMap<V, RoaringBitmap>, value: &V, computers: &RoaringBitmap) {
    if let Some(set) = values.get_mut(value) {
        *set |= computers;
    } else {
        values.insert(value.clone(), computers.clone());
    }
}
