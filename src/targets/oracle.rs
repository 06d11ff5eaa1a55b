//! What targets mean, asked naively: one computer after the other, one selector after the other.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::*;
use crate::config::Config;
use crate::config::kind::{
    AgreementTerm, Comparison, FactTerm, GroupTerm, Match, PrimaryPerson, ProviderGroupTerm, RingTerm, Term,
    VersionScheme,
};
use crate::id::Name;
use crate::inventory::facts::OsFamily;
use crate::inventory::known::Known;
use crate::inventory::pattern::Pattern;
use crate::inventory::relations::{Addition, Belongings, Group, Person, Relations, SignIn};
use crate::inventory::snapshot::Snapshot;
use crate::session::script::Platform;
use crate::version::Constraint;

/// A computer as the oracle sees it: what its provider lists, and its own and its tenant's tags.
pub(super) struct World {
    pub(super) config: Config,
    pub(super) computers: Vec<Known>,
    pub(super) relations: Relations,
}

impl World {
    pub(super) fn snapshot(&self) -> Snapshot {
        let snapshot = Snapshot::build(&self.config, self.computers.clone(), BTreeMap::new()).0;
        snapshot.with_relations(&self.config, &self.relations)
    }

    fn whole(&self, expression: &Match, ix: usize, negated: bool) -> Option<bool> {
        let list = |terms: &Option<Vec<Term>>| terms.clone().unwrap_or_default();
        let mut parts = vec![Term::All(list(&expression.all))];
        if expression.any.is_some() {
            parts.push(Term::Any(list(&expression.any)));
        }
        parts.push(Term::Not(list(&expression.not)));
        self.holds(&Term::All(parts), ix, negated)
    }

    /// Whether a term holds of a computer, in three-valued logic, straight from the words of its documentation.
    /// `negated` says whether the term stands below an odd number of `not`: there, who must exist and does not is unknown.
    fn holds(&self, term: &Term, ix: usize, negated: bool) -> Option<bool> {
        if negated && self.is_nobody(term) {
            return None;
        }
        let computer = &self.computers[ix];
        let document = self.config.computers.values().find(|d| d.name.eq_ignore_ascii_case(&computer.name));
        let tenant = document.and_then(|document| document.tenant.as_ref()).or(computer.tenant.as_ref());
        let tenant = tenant.and_then(|tenant| self.config.tenants.get(tenant));
        let facts = computer.facts.as_ref().map(|(_, facts)| facts);
        let tenant_tag = |tag: &String| tenant.is_some_and(|tenant| tenant.tags.contains(tag));
        match term {
            Term::All(terms) => {
                let verdicts: Vec<_> = terms.iter().map(|term| self.holds(term, ix, negated)).collect();
                if verdicts.contains(&Some(false)) {
                    Some(false)
                } else if verdicts.contains(&None) {
                    None
                } else {
                    Some(true)
                }
            }
            Term::Any(terms) => {
                let verdicts: Vec<_> = terms.iter().map(|term| self.holds(term, ix, negated)).collect();
                if verdicts.contains(&Some(true)) {
                    Some(true)
                } else if verdicts.contains(&None) {
                    None
                } else {
                    Some(false)
                }
            }
            Term::Not(terms) => self.holds(&Term::Any(terms.clone()), ix, !negated).map(|holds| !holds),
            Term::Tenant(name) => Some(tenant.is_some_and(|tenant| tenant.metadata.name == *name)),
            Term::TenantTree(name) => {
                let mut next = tenant;
                while let Some(tenant) = next {
                    if tenant.metadata.name == *name {
                        return Some(true);
                    }
                    next = tenant.parent.as_ref().map(|parent| &self.config.tenants[parent]);
                }
                Some(false)
            }
            Term::TenantTag(tag) => Some(tenant_tag(tag)),
            Term::Tag(tag) => {
                let by_document = document.is_some_and(|document| document.tags.contains(tag));
                if computer.tags.contains(tag) || by_document || tenant_tag(tag) {
                    return Some(true);
                }
                self.by_person(ix, |person| person.tags.contains(tag))
            }
            Term::Person(text) => self.is_of_person(ix, text),
            Term::Group(term) => self.is_in_group(ix, term),
            Term::Agreement(term) => self.has_agreement(ix, term),
            Term::Site(site) => {
                let own = self.belongings(ix).and_then(|own| own.site);
                let here = own.is_some_and(|own| own.eq_ignore_ascii_case(&site.name));
                Some(here && site.provider.as_ref().is_none_or(|provider| *provider == computer.provider))
            }
            Term::ProviderGroup(ProviderGroupTerm { provider, name, property, value }) => {
                let own = self.belongings(ix).filter(|_| computer.provider == *provider).unwrap_or_default();
                let same =
                    |a: &str, b: &Option<String>| b.as_ref().is_some_and(|b| a.eq_ignore_ascii_case(b));
                let in_group = own.groups.iter().any(|group| same(group, name));
                Some(
                    in_group
                        || own.properties.iter().any(|(key, text)| same(key, property) && same(text, value)),
                )
            }
            Term::Ring(RingTerm { name, percent, from, to }) => {
                let ring = Ring {
                    name: name.clone(),
                    from: from.unwrap_or(0),
                    to: percent.or(*to).expect("one of them"),
                };
                Some(ring.holds(&computer.id))
            }
            Term::Onboarding(wanted) => {
                let said = self.belongings(ix).and_then(|own| own.onboarded);
                let done = document.and_then(|document| document.onboarded).or(said).unwrap_or(true);
                Some(done != *wanted)
            }
            Term::Script(script) => Some(self.relations.scripts.get(script)?.contains(&computer.id)),
            Term::Computer(text) => {
                if !computer.name.eq_ignore_ascii_case(text) {
                    return Some(false);
                }
                let same =
                    self.computers.iter().filter(|other| other.name.eq_ignore_ascii_case(text)).count();
                (same == 1).then_some(true)
            }
            Term::Role(role) => Some(facts?.roles.as_ref()?.contains(role)),
            Term::Os(family) => match (facts.and_then(|facts| facts.os.family), computer.platform) {
                (Some(known), _) => Some(known == *family),
                (None, Some(Platform::Windows)) => Some(*family == OsFamily::Windows),
                (None, Some(Platform::Posix)) if *family == OsFamily::Windows => Some(false),
                (None, _) => None,
            },
            Term::Provider(name) => Some(computer.provider == *name),
            Term::Installed(term) => {
                let facts = facts?;
                let name = Pattern::new(&term.name).expect("valid");
                let mut unclear = facts.package_sources.is_empty();
                for package in facts.packages.iter().filter(|package| name.matches(&package.name)) {
                    let Some(version) = &term.version else { return Some(true) };
                    let version = Constraint::parse(VersionScheme::Dotted, version).expect("valid");
                    match version.allows(&package.version) {
                        Ok(true) => return Some(true),
                        Ok(false) => {}
                        Err(_) => unclear = true,
                    }
                }
                (!unclear).then_some(false)
            }
            Term::Fact(FactTerm { is, .. }) => {
                let hostname = facts?.hostname.as_ref()?;
                match is {
                    Comparison::Equals(value) => Some(hostname.eq_ignore_ascii_case(value)),
                    Comparison::OneOf(values) => {
                        Some(values.iter().any(|v| hostname.eq_ignore_ascii_case(v)))
                    }
                    Comparison::Text(text) => Some(Pattern::new(text).expect("valid").matches(hostname)),
                    Comparison::Version(text) => {
                        Constraint::parse(VersionScheme::Dotted, text).expect("valid").allows(hostname).ok()
                    }
                    Comparison::AtLeast(bound) => Some(hostname.parse::<i64>().ok()? >= *bound),
                    Comparison::AtMost(bound) => Some(hostname.parse::<i64>().ok()? <= *bound),
                }
            }
            Term::Target(name) => self.whole(&self.config.targets[name].expression, ix, negated),
        }
    }

    /// Whether a term names somebody or something that must exist and that no source knows.
    fn is_nobody(&self, term: &Term) -> bool {
        let computers = || 0..self.computers.len();
        let own = |ix| self.belongings(ix).unwrap_or_default();
        match term {
            Term::Computer(text) => {
                self.computers.iter().all(|computer| !computer.name.eq_ignore_ascii_case(text))
            }
            Term::Person(text) => {
                let people = self.relations.directories.values().flat_map(|directory| &directory.people);
                let is = |person: &Person| {
                    person.upn.eq_ignore_ascii_case(text)
                        || person.name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(text))
                };
                let unread = |ix: usize| {
                    let directory = self.directory(ix);
                    directory.is_some_and(|directory| !self.relations.directories.contains_key(directory))
                };
                !people.into_iter().any(is)
                    && computers().all(|ix| {
                        let primary = self.primary(ix);
                        primary.as_ref().is_none_or(|upn| !upn.eq_ignore_ascii_case(text))
                            && (text.contains('@') || primary.is_none() || !unread(ix))
                    })
            }
            Term::Site(site) => computers().all(|ix| {
                let provider = &self.computers[ix].provider;
                !own(ix).site.is_some_and(|own| own.eq_ignore_ascii_case(&site.name))
                    || site.provider.as_ref().is_some_and(|wanted| wanted != provider)
            }),
            Term::ProviderGroup(term) => computers().all(|ix| {
                let of_group = |text: &String| own(ix).groups.iter().any(|g| g.eq_ignore_ascii_case(text));
                let with = |text: &String| own(ix).properties.keys().any(|k| k.eq_ignore_ascii_case(text));
                self.computers[ix].provider != term.provider
                    || !(term.name.as_ref().is_some_and(of_group) || term.property.as_ref().is_some_and(with))
            }),
            _ => false,
        }
    }

    pub(super) fn membership(&self, expression: &Match) -> Membership {
        let verdicts =
            || (0_u32..).zip((0..self.computers.len()).map(|ix| self.whole(expression, ix, false)));
        Membership {
            certain: verdicts().filter(|(_, holds)| *holds == Some(true)).map(|(ix, _)| ix).collect(),
            possible: verdicts().filter(|(_, holds)| *holds != Some(false)).map(|(ix, _)| ix).collect(),
        }
    }
}

/// What the oracle knows of people, groups and agreements.
impl World {
    fn belongings(&self, ix: usize) -> Option<Belongings> {
        self.relations.belongings.get(&self.computers[ix].id).cloned()
    }

    fn tenant(&self, ix: usize) -> Option<Name> {
        let computer = &self.computers[ix];
        let document = self.config.computers.values().find(|d| d.name.eq_ignore_ascii_case(&computer.name));
        document.and_then(|document| document.tenant.clone()).or_else(|| computer.tenant.clone())
    }

    fn directory(&self, ix: usize) -> Option<&Name> {
        self.config.tenants.get(&self.tenant(ix)?)?.directory.as_ref()
    }

    /// The primary person's UPN in lower case: by the document, else counted one by one.
    fn primary(&self, ix: usize) -> Option<String> {
        let computer = &self.computers[ix];
        let document = self.config.computers.values().find(|d| d.name.eq_ignore_ascii_case(&computer.name));
        match document.map(|document| &document.primary_person) {
            Some(PrimaryPerson::Fixed(upn)) => return Some(upn.to_lowercase()),
            Some(PrimaryPerson::None) => return None,
            _ => {}
        }
        let mut signed: Vec<SignIn> = self.belongings(ix)?.sign_ins;
        signed.sort();
        signed.dedup();
        let signed: Vec<SignIn> = signed.into_iter().rev().take(10).collect();
        let count = |upn: &str| signed.iter().filter(|one| one.user.eq_ignore_ascii_case(upn)).count();
        let most = signed.iter().map(|one| count(&one.user)).max()?;
        signed.iter().find(|one| count(&one.user) == most).map(|one| one.user.to_lowercase())
    }

    /// Whether something holds of the primary person, as the directory of the computer's tenant knows it.
    fn by_person(&self, ix: usize, holds: impl Fn(&Person) -> bool) -> Option<bool> {
        let (Some(primary), Some(directory)) = (self.primary(ix), self.directory(ix)) else {
            return Some(false);
        };
        let people = &self.relations.directories.get(directory)?.people;
        let tenant = self.tenant(ix);
        Some(people.iter().any(|person| {
            person.upn.eq_ignore_ascii_case(&primary)
                && (person.tenant.is_none() || person.tenant == tenant)
                && holds(person)
        }))
    }

    fn is_of_person(&self, ix: usize, text: &str) -> Option<bool> {
        let primary = self.primary(ix);
        let everybody = || self.relations.directories.values().flat_map(|directory| &directory.people);
        let anybodys = (0..self.computers.len()).any(|ix| self.primary(ix).as_deref() == Some(text));
        if anybodys || everybody().any(|person| person.upn.eq_ignore_ascii_case(text)) {
            return Some(primary.as_deref() == Some(text));
        }
        let called =
            |person: &Person| person.name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(text));
        let upns: BTreeSet<String> =
            everybody().filter(|person| called(person)).map(|person| person.upn.to_lowercase()).collect();
        match self.by_person(ix, called) {
            Some(true) if upns.len() > 1 => None,
            // A directory that was never read may know somebody of that name; a UPN needs no directory.
            None if text.contains('@') => Some(false),
            other => other,
        }
    }

    fn is_in_group(&self, ix: usize, term: &GroupTerm) -> Option<bool> {
        if self.directory(ix) != Some(&term.directory) {
            return Some(false);
        }
        let groups = &self.relations.directories.get(&term.directory)?.groups;
        let mut wanted: Vec<&Group> = groups.iter().filter(|group| group.id == term.name).collect();
        if wanted.is_empty() {
            wanted = groups.iter().filter(|group| group.name.eq_ignore_ascii_case(&term.name)).collect();
        }
        match wanted.as_slice() {
            [] => None,
            [one] => self.member(ix, groups, one, &mut Vec::new()),
            several => {
                let none =
                    several.iter().all(|one| self.member(ix, groups, one, &mut Vec::new()) == Some(false));
                none.then_some(false)
            }
        }
    }

    fn member<'g>(
        &self,
        ix: usize,
        groups: &'g [Group],
        group: &'g Group,
        seen: &mut Vec<&'g str>,
    ) -> Option<bool> {
        if seen.contains(&&*group.id) {
            return Some(false);
        }
        seen.push(&group.id);
        let listed = |person: &Person| group.people.iter().any(|upn| upn.eq_ignore_ascii_case(&person.upn));
        let own = &self.computers[ix].name;
        let device = group.devices.iter().any(|name| name.eq_ignore_ascii_case(own));
        let same = (0..self.computers.len()).filter(|other| {
            self.directory(*other) == self.directory(ix)
                && self.computers[*other].name.eq_ignore_ascii_case(own)
        });
        let mut verdicts = vec![self.by_person(ix, listed)];
        verdicts.push(if device { (same.count() == 1).then_some(true) } else { Some(false) });
        for id in &group.groups {
            if let Some(inner) = groups.iter().find(|group| group.id == *id) {
                verdicts.push(self.member(ix, groups, inner, seen));
            }
        }
        if verdicts.contains(&Some(true)) {
            Some(true)
        } else if verdicts.contains(&None) {
            None
        } else {
            Some(false)
        }
    }

    fn has_agreement(&self, ix: usize, term: &AgreementTerm) -> Option<bool> {
        let tenant = self.tenant(ix).and_then(|tenant| self.config.tenants.get(&tenant));
        let Some(link) = tenant.and_then(|tenant| tenant.psa.as_ref()) else { return Some(false) };
        if link.name != term.psa {
            return Some(false);
        }
        let companies = &self.relations.psas.get(&term.psa)?.companies;
        let company = companies.iter().find(|company| company.id == link.company)?;
        let day = self.relations.as_of;
        let in_force = |active: bool, begin: Option<Date>, end: Option<Date>| {
            active && begin.is_none_or(|begin| day >= begin) && end.is_none_or(|end| day <= end)
        };
        Some(company.agreements.iter().any(|agreement| {
            in_force(agreement.active, agreement.begin, agreement.end)
                && term.r#type.as_ref().is_none_or(|kind| kind.eq_ignore_ascii_case(&agreement.r#type))
                && term.product.as_ref().is_none_or(|product| {
                    let fits = |one: &&Addition| one.product.eq_ignore_ascii_case(product);
                    agreement
                        .additions
                        .iter()
                        .filter(fits)
                        .any(|one| in_force(one.active, one.begin, one.end))
                })
        }))
    }
}
