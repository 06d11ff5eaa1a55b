//! What relations answer: the computers of a person, a group, an agreement, a site, a property or a script.
//!
//! Not here: how relations are laid over the computers (the module above).

use std::collections::BTreeMap;

use roaring::RoaringBitmap;

use super::super::agreements::Contract;
use super::{Asked, Related, Trouble, folded};
use crate::diagnostic::nearest;
use crate::id::Name;

impl Related {
    /// The primary person of a computer, as the UPN is spelled.
    #[must_use]
    pub fn primary_person(&self, ix: u32) -> Option<&str> {
        let at = self.persons.of.binary_search_by_key(&ix, |(ix, _)| *ix).ok()?;
        let (_, number) = self.persons.of.get(at)?;
        self.persons.spelled.get(usize::try_from(*number).ok()?).map(String::as_str)
    }

    /// Primary computers of the person with this UPN, or with this display name in a directory.
    #[must_use]
    pub fn of_person(&self, text: &str) -> Asked {
        let persons = &self.persons;
        let wanted = folded(text);
        if let Some(computers) = persons.computers.get(&wanted) {
            return Asked::sure(computers.clone());
        }
        if persons.listed.contains(&wanted) {
            return Asked::default();
        }
        let named = persons.names.get(&wanted);
        let mut asked = match named.map(BTreeMap::len) {
            None => {
                let known = persons.names.keys().chain(persons.computers.keys()).map(String::as_str);
                let near = nearest(&wanted, known).map(str::to_owned);
                Asked { trouble: Some(Trouble::Missing(near)), ..Asked::default() }
            }
            Some(1) => Asked::sure(named.into_iter().flat_map(BTreeMap::values).cloned().collect_union()),
            Some(several) => {
                let all = named.into_iter().flat_map(BTreeMap::values).cloned().collect_union();
                Asked::unknown(all, Some(Trouble::Several(several)))
            }
        };
        // A UPN tells who is meant without any directory.
        if !wanted.contains('@') && !persons.unread.is_empty() {
            asked.possible |= &persons.unread;
            asked.trouble = asked.trouble.filter(|trouble| !matches!(trouble, Trouble::Missing(_)));
        }
        asked
    }

    /// Computers by a tag of their primary person.
    #[must_use]
    pub fn of_person_tag(&self, tag: &str) -> Asked {
        let mut asked = Asked::sure(self.persons.tags.get(tag).cloned().unwrap_or_default());
        asked.possible |= &self.persons.unread;
        asked
    }

    /// Computers of a directory's group and of all in it. A group that is not there, or a name that several have, tells
    /// nothing: neither the group nor all but the group.
    #[must_use]
    pub fn of_group(&self, directory: &Name, group: &str) -> Asked {
        let Some(one) = self.directories.get(directory) else {
            return Asked::unknown(self.all.clone(), Some(Trouble::Unread));
        };
        let Some(groups) = &one.groups else {
            return Asked::unknown(one.reach.clone(), Some(Trouble::Unread));
        };
        match groups.find(group).as_slice() {
            [] => {
                let near = nearest(group.trim(), groups.names()).map(str::to_owned);
                Asked::unknown(one.reach.clone(), Some(Trouble::Missing(near)))
            }
            [only] => {
                let found = groups.members(*only);
                Asked { certain: found.certain, possible: found.possible, trouble: None }
            }
            several => {
                let all = several.iter().map(|at| groups.members(*at).possible).collect_union();
                Asked::unknown(all, Some(Trouble::Several(several.len())))
            }
        }
    }

    /// By which way a computer is in a group: `through group Payroll > primary person anna@contoso.example`.
    #[must_use]
    pub fn road_to_group(&self, directory: &Name, group: &str, ix: u32) -> Option<String> {
        let groups = self.directories.get(directory)?.groups.as_ref()?;
        groups.find(group).into_iter().find_map(|at| groups.road(at, ix))
    }

    /// Computers of tenants with such an agreement; without type and product with any.
    #[must_use]
    pub fn of_agreement(&self, psa: &Name, kind: Option<&str>, product: Option<&str>) -> Asked {
        let Some(one) = self.psas.get(psa) else {
            return Asked::unknown(self.all.clone(), Some(Trouble::Unread));
        };
        let (kind, product) = (kind.map(folded), product.map(folded));
        let mut asked = Asked::default();
        let mut lost = Vec::new();
        for (name, tenant) in &one.tenants {
            if let Some(contracts) = &tenant.contracts {
                let fits = |one: &Contract| one.matches(kind.as_deref(), product.as_deref()).is_some();
                if contracts.iter().any(fits) {
                    asked.certain |= &tenant.computers;
                }
            } else {
                asked.possible |= &tenant.computers;
                lost.push(format!("{name} ({})", tenant.company));
            }
        }
        asked.possible |= &asked.certain;
        asked.trouble = if !one.is_read {
            Some(Trouble::Unread)
        } else if lost.is_empty() {
            None
        } else {
            Some(Trouble::Companies(lost))
        };
        asked
    }

    /// The agreement by which a tenant is selected, in words.
    #[must_use]
    pub fn road_to_agreement(
        &self,
        psa: &Name,
        tenant: &Name,
        kind: Option<&str>,
        product: Option<&str>,
    ) -> Option<String> {
        let contracts = self.psas.get(psa)?.tenants.get(tenant)?.contracts.as_ref()?;
        let (kind, product) = (kind.map(folded), product.map(folded));
        contracts.iter().find_map(|one| one.matches(kind.as_deref(), product.as_deref()))
    }

    /// The site of a computer, as its provider tells it: its name in the form in which names are compared.
    #[must_use]
    pub fn site_of(&self, computer: u32, provider: &Name) -> Option<&str> {
        let here = |sites: &BTreeMap<Name, RoaringBitmap>| {
            sites.get(provider).is_some_and(|computers| computers.contains(computer))
        };
        self.sites.iter().find(|(_, sites)| here(sites)).map(|(site, _)| site.as_str())
    }

    /// Computers at a site, of one provider or of all.
    #[must_use]
    pub fn of_site(&self, provider: Option<&Name>, site: &str) -> Asked {
        let wanted = folded(site);
        let sites = self.sites.get(&wanted).into_iter().flatten();
        let found = sites.filter(|(name, _)| provider.is_none_or(|provider| provider == *name));
        let set = found.map(|(_, set)| set.clone()).collect_union();
        let here = |sites: &BTreeMap<Name, RoaringBitmap>| {
            provider.is_none_or(|provider| sites.contains_key(provider))
        };
        let known = self.sites.iter().filter(|(_, sites)| here(sites)).map(|(site, _)| site.as_str());
        self.named(set, &wanted, known)
    }

    /// Computers in a provider's own group.
    #[must_use]
    pub fn of_provider_group(&self, provider: &Name, group: &str) -> Asked {
        let wanted = folded(group);
        let set = self.groups.get(&(provider.clone(), wanted.clone())).cloned().unwrap_or_default();
        let known = self.groups.keys().filter(|(name, _)| name == provider).map(|(_, group)| group.as_str());
        self.named(set, &wanted, known)
    }

    /// Computers with this value of a provider's custom property.
    #[must_use]
    pub fn of_property(&self, provider: &Name, property: &str, value: &str) -> Asked {
        let (property, wanted) = (folded(property), folded(value));
        let key = (provider.clone(), property.clone(), wanted.clone());
        let set = self.properties.get(&key).cloned().unwrap_or_default();
        let same = |(name, other, _): &&(Name, String, String)| name == provider && *other == property;
        let known = self.properties.keys().filter(same).map(|(_, _, value)| value.as_str());
        self.named(set, &wanted, known)
    }

    /// Whether any computer of a provider has this custom property, whatever its value.
    #[must_use]
    pub fn has_property(&self, provider: &Name, property: &str) -> bool {
        let first = (provider.clone(), folded(property), String::new());
        self.properties
            .range(first.clone()..)
            .next()
            .is_some_and(|((name, other, _), _)| (name, other) == (&first.0, &first.1))
    }

    /// The tags that directories give their people, in order.
    pub fn person_tags(&self) -> impl Iterator<Item = &str> {
        self.persons.tags.keys().map(String::as_str)
    }

    #[expect(clippy::unused_self, reason = "the answer is about these relations")]
    fn named<'a>(&self, set: RoaringBitmap, wanted: &str, known: impl Iterator<Item = &'a str>) -> Asked {
        let trouble = set.is_empty().then(|| Trouble::Missing(nearest(wanted, known).map(str::to_owned)));
        Asked { trouble, ..Asked::sure(set) }
    }

    /// Computers that a script named; all of them possibly when it has no answer.
    #[must_use]
    pub fn of_script(&self, script: &Name) -> Asked {
        match self.scripts.get(script) {
            Some(set) => Asked::sure(set.clone()),
            None => Asked::unknown(self.all.clone(), Some(Trouble::Unread)),
        }
    }
}

/// The union of sets.
trait Union {
    fn collect_union(self) -> RoaringBitmap;
}

impl<I: Iterator<Item = RoaringBitmap>> Union for I {
    fn collect_union(self) -> RoaringBitmap {
        self.fold(RoaringBitmap::new(), |whole, one| whole | one)
    }
}
