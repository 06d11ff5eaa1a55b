//! Relations laid over the computers of a snapshot.
//!
//! Not here: nesting of groups (`groups`), dates (`agreements`), who the primary person is (`primary`).
//!
//! Invariant: an answer is certain only where everything that it depends on was read; see [`Asked`].

mod asking;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use roaring::RoaringBitmap;

use super::agreements::Contract;
use super::groups::{Groups, Links};
use super::primary::{kept, primary};
use super::{Belongings, Directory, Doubt, Relations, SignIn, SourceKind};
use crate::config::Config;
use crate::config::kind::PrimaryPerson;
use crate::id::{ComputerId, Name};
use crate::inventory::snapshot::Computer;

/// A text as it is compared: without blanks around it and without regard to case.
#[must_use]
pub fn folded(text: &str) -> String {
    text.trim().to_lowercase()
}

/// The computers that something selects: those certainly, and those possibly, which hold them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Asked {
    /// Certainly.
    pub certain: RoaringBitmap,
    /// Possibly: the others depend on a source that was never read, or on what it does not tell apart.
    pub possible: RoaringBitmap,
    /// What is to be said of the name that was asked for.
    pub trouble: Option<Trouble>,
}

impl Asked {
    fn sure(set: RoaringBitmap) -> Self {
        Self { possible: set.clone(), certain: set, trouble: None }
    }

    fn unknown(set: RoaringBitmap, trouble: Option<Trouble>) -> Self {
        Self { certain: RoaringBitmap::new(), possible: set, trouble }
    }
}

/// What is wrong with a name that was asked for, as far as the sources say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing of that name is there; perhaps this one was meant.
    Missing(Option<String>),
    /// So many have that name.
    Several(usize),
    /// The source was never read.
    Unread,
    /// These tenants name companies that the PSA does not have.
    Companies(Vec<String>),
}

/// The persons, by name and by tag, of one snapshot.
#[derive(Debug, Clone, Default)]
struct Persons {
    /// Primary computers by folded UPN, whoever knows the person.
    computers: BTreeMap<String, RoaringBitmap>,
    /// UPNs as they are spelled, in the order of their numbers.
    spelled: Vec<String>,
    /// Each computer that has a primary person with that person's number, in order of computers.
    of: Vec<(u32, u32)>,
    /// UPNs that a directory knows.
    listed: BTreeSet<String>,
    /// By folded display name: UPNs with their primary computers, as directories know them.
    names: BTreeMap<String, BTreeMap<String, RoaringBitmap>>,
    /// Primary computers by a tag of the person.
    tags: BTreeMap<String, RoaringBitmap>,
    /// Computers with a primary person of whom a directory that was never read may say more.
    unread: RoaringBitmap,
}

#[derive(Debug, Clone, Default)]
struct OneDirectory {
    /// Computers of the tenants that link to it.
    reach: RoaringBitmap,
    /// `None` when it was never read.
    groups: Option<Groups>,
}

#[derive(Debug, Clone, Default)]
struct OneTenant {
    company: String,
    computers: RoaringBitmap,
    /// `None` when the PSA was never read or does not know the company.
    contracts: Option<Vec<Contract>>,
}

#[derive(Debug, Clone, Default)]
struct OnePsa {
    is_read: bool,
    tenants: BTreeMap<Name, OneTenant>,
}

/// Relations of the computers of one snapshot, in columns.
#[derive(Debug, Clone, Default)]
pub struct Related {
    as_of: Date,
    failed: BTreeMap<(SourceKind, Name), String>,
    doubts: BTreeMap<(SourceKind, Name), Vec<Doubt>>,
    persons: Persons,
    directories: BTreeMap<Name, OneDirectory>,
    psas: BTreeMap<Name, OnePsa>,
    sites: BTreeMap<String, BTreeMap<Name, RoaringBitmap>>,
    groups: BTreeMap<(Name, String), RoaringBitmap>,
    properties: BTreeMap<(Name, String, String), RoaringBitmap>,
    onboarding: RoaringBitmap,
    scripts: BTreeMap<Name, RoaringBitmap>,
    all: RoaringBitmap,
    held: RoaringBitmap,
}

/// What one computer brings.
struct Own<'a> {
    ix: u32,
    computer: &'a Computer,
    belongings: Option<&'a Belongings>,
}

/// Who was signed in, over all agents of one computer.
fn joined(all: Option<Belongings>, more: Option<&Belongings>) -> Option<Belongings> {
    let Some(more) = more else { return all };
    let mut joined = all.unwrap_or_default();
    joined.sign_ins = kept(joined.sign_ins.into_iter().chain(more.sign_ins.iter().cloned()));
    Some(joined)
}

impl Related {
    /// Lays relations over computers, which come with their positions in order.
    #[must_use]
    pub fn new<'a>(
        config: &Config,
        relations: &Relations,
        computers: impl Iterator<Item = (u32, &'a Computer)>,
    ) -> Self {
        let mut related = Self {
            as_of: relations.as_of,
            failed: relations.failed.clone(),
            doubts: relations.doubts.clone(),
            ..Self::default()
        };
        let doubts = relations.doubts.values().flatten();
        let in_doubt: BTreeSet<&ComputerId> = doubts.flat_map(|doubt| &doubt.computers).collect();
        let linked: BTreeSet<&Name> = config
            .tenants
            .iter()
            .filter(|(_, tenant)| tenant.directory.is_some() || tenant.psa.is_some())
            .map(|(name, _)| name)
            .collect();
        let scripted: BTreeMap<&str, Vec<&Name>> = {
            let mut scripted: BTreeMap<&str, Vec<&Name>> = BTreeMap::new();
            for (script, ids) in &relations.scripts {
                related.scripts.insert(script.clone(), RoaringBitmap::new());
                for id in ids {
                    scripted.entry(id.as_str()).or_default().push(script);
                }
            }
            scripted
        };
        let mut tenants: BTreeMap<&Name, RoaringBitmap> = BTreeMap::new();
        let mut devices: BTreeMap<&Name, Vec<(String, u32)>> = BTreeMap::new();
        let mut numbers: BTreeMap<String, u32> = BTreeMap::new();
        for (ix, computer) in computers {
            related.all.insert(ix);
            let mut merged = None;
            if computer.routes().is_empty() {
                let own = Own { ix, computer, belongings: relations.belongings.get(&computer.id) };
                related.belong(config, &own, &computer.provider);
                related.person(config, &own, &mut numbers);
            } else {
                for (record, provider) in computer.records() {
                    let own = Own { ix, computer, belongings: relations.belongings.get(&record) };
                    related.belong(config, &own, provider);
                    merged = joined(merged, own.belongings);
                }
                related.person(config, &Own { ix, computer, belongings: merged.as_ref() }, &mut numbers);
            }
            if !in_doubt.is_empty() && computer.records().any(|(record, _)| in_doubt.contains(&record)) {
                related.held.insert(ix);
            }
            for script in scripted.get(computer.id.as_str()).into_iter().flatten() {
                related.scripts.entry((*script).clone()).or_default().insert(ix);
            }
            if let Some(tenant) = &computer.tenant
                && let Some(tenant) = linked.get(tenant)
            {
                tenants.entry(tenant).or_default().insert(ix);
                devices.entry(tenant).or_default().push((folded(&computer.name), ix));
            }
        }
        related.link_directories(config, relations, &tenants, &devices);
        related.link_psas(config, relations, &tenants);
        related
    }

    /// Site, groups, properties and onboarding of one computer.
    fn belong(&mut self, config: &Config, own: &Own<'_>, provider: &Name) {
        let document = own.computer.document.as_ref().and_then(|name| config.computers.get(name));
        let said = own.belongings.and_then(|belongings| belongings.onboarded);
        let said = if own.computer.onboarding { Some(false) } else { said };
        if document.and_then(|document| document.onboarded).or(said) == Some(false) {
            self.onboarding.insert(own.ix);
        }
        let Some(belongings) = own.belongings else { return };
        if let Some(site) = &belongings.site {
            let sites = self.sites.entry(folded(site)).or_default();
            sites.entry(provider.clone()).or_default().insert(own.ix);
        }
        for group in belongings.groups.iter() {
            self.groups.entry((provider.clone(), folded(group))).or_default().insert(own.ix);
        }
        for (property, value) in belongings.properties.iter() {
            let key = (provider.clone(), folded(property), folded(value));
            self.properties.entry(key).or_default().insert(own.ix);
        }
    }

    /// The primary person of one computer.
    fn person(&mut self, config: &Config, own: &Own<'_>, numbers: &mut BTreeMap<String, u32>) {
        let document = own.computer.document.as_ref().and_then(|name| config.computers.get(name));
        let person = match document.map(|document| &document.primary_person) {
            Some(PrimaryPerson::None) => None,
            Some(PrimaryPerson::Fixed(upn)) => Some(upn.trim().to_owned()),
            Some(PrimaryPerson::Auto) | None => {
                let samples = sign_ins(own.computer, own.belongings);
                primary(&samples).map(str::to_owned)
            }
        };
        let Some(person) = person else { return };
        let key = folded(&person);
        let number = *numbers.entry(key.clone()).or_insert_with(|| {
            self.persons.spelled.push(person);
            u32::try_from(self.persons.spelled.len() - 1).unwrap_or(u32::MAX)
        });
        self.persons.of.push((own.ix, number));
        self.persons.computers.entry(key).or_default().insert(own.ix);
    }

    fn link_directories(
        &mut self,
        config: &Config,
        relations: &Relations,
        tenants: &BTreeMap<&Name, RoaringBitmap>,
        devices: &BTreeMap<&Name, Vec<(String, u32)>>,
    ) {
        let with_person: RoaringBitmap = self.persons.of.iter().map(|(ix, _)| *ix).collect();
        for name in config.directories.keys() {
            let linked = config.tenants.iter().filter(|(_, tenant)| tenant.directory.as_ref() == Some(name));
            let (mut reach, mut links) = (RoaringBitmap::new(), Links::default());
            for (tenant, _) in linked {
                reach |= tenants.get(tenant).cloned().unwrap_or_default();
                for (device, ix) in devices.get(tenant).into_iter().flatten() {
                    links.devices.entry(device.clone()).or_default().insert(*ix);
                }
            }
            let groups = if let Some(directory) = relations.directories.get(name) {
                self.people(directory, &reach, tenants, &mut links);
                for doubt in
                    relations.doubts.get(&(SourceKind::Directory, name.clone())).into_iter().flatten()
                {
                    let people = doubt.people.iter().filter_map(|upn| links.people.get(upn));
                    let devices = doubt.devices.iter().filter_map(|device| links.devices.get(device));
                    for computers in people.chain(devices) {
                        self.held |= computers;
                    }
                }
                Some(Groups::new(directory, links))
            } else {
                self.persons.unread |= &reach & &with_person;
                None
            };
            if relations.failed.contains_key(&(SourceKind::Directory, name.clone())) {
                self.held |= &reach;
            }
            self.directories.insert(name.clone(), OneDirectory { reach, groups });
        }
    }

    /// The people of a directory that was read: only computers of its own tenants are theirs (AFF-2).
    fn people(
        &mut self,
        directory: &Directory,
        reach: &RoaringBitmap,
        tenants: &BTreeMap<&Name, RoaringBitmap>,
        links: &mut Links,
    ) {
        for person in &directory.people {
            let upn = folded(&person.upn);
            let mut computers = self.persons.computers.get(&upn).map(|all| all & reach).unwrap_or_default();
            if let Some(tenant) = &person.tenant {
                computers &= tenants.get(tenant).cloned().unwrap_or_default();
            }
            self.persons.listed.insert(upn.clone());
            if let Some(name) = &person.name {
                let named = self.persons.names.entry(folded(name)).or_default();
                *named.entry(upn.clone()).or_default() |= &computers;
            }
            for tag in &person.tags {
                *self.persons.tags.entry(tag.trim().to_owned()).or_default() |= &computers;
            }
            *links.people.entry(upn).or_default() |= computers;
        }
    }

    fn link_psas(
        &mut self,
        config: &Config,
        relations: &Relations,
        tenants: &BTreeMap<&Name, RoaringBitmap>,
    ) {
        for name in config.psas.keys() {
            let psa = relations.psas.get(name);
            let mut one = OnePsa { is_read: psa.is_some(), tenants: BTreeMap::new() };
            for (tenant, model) in &config.tenants {
                let Some(link) = model.psa.as_ref().filter(|link| link.name == *name) else { continue };
                let computers = tenants.get(tenant).cloned().unwrap_or_default();
                let company = psa.and_then(|psa| psa.company(&link.company));
                let contracts = company.map(|company| Contract::of(company, relations.as_of));
                let source = (SourceKind::Psa, name.clone());
                let doubts = || relations.doubts.get(&source).into_iter().flatten();
                let doubted = company
                    .is_some_and(|company| doubts().any(|doubt| doubt.companies.contains(&company.id)));
                if doubted || relations.failed.contains_key(&source) {
                    self.held |= &computers;
                }
                let company = link.company.clone();
                one.tenants.insert(tenant.clone(), OneTenant { company, computers, contracts });
            }
            self.psas.insert(name.clone(), one);
        }
    }

    /// The day for which dates of agreements count.
    #[must_use]
    pub const fn as_of(&self) -> Date {
        self.as_of
    }

    /// The sites of a computer as its providers name them, in lower case.
    #[must_use]
    pub fn sites_of(&self, ix: u32) -> Vec<&str> {
        let is_there = |providers: &BTreeMap<Name, RoaringBitmap>| {
            providers.values().any(|computers| computers.contains(ix))
        };
        self.sites
            .iter()
            .filter(|(_, providers)| is_there(providers))
            .map(|(site, _)| site.as_str())
            .collect()
    }

    /// The sources that failed just now, and why. What they said before still counts (L3).
    #[must_use]
    pub const fn failed(&self) -> &BTreeMap<(SourceKind, Name), String> {
        &self.failed
    }

    /// Whether anything that a source said counts: now, or what it said last. Of a script that failed nothing does.
    #[must_use]
    pub fn is_known(&self, kind: SourceKind, name: &Name) -> bool {
        match kind {
            SourceKind::Directory => self.directories.get(name).is_some_and(|one| one.groups.is_some()),
            SourceKind::Psa => self.psas.get(name).is_some_and(|one| one.is_read),
            SourceKind::Script => self.scripts.contains_key(name),
            SourceKind::Provider => true,
        }
    }

    /// What sources say just now of single groups, companies or computers and is not believed.
    #[must_use]
    pub const fn doubts(&self) -> &BTreeMap<(SourceKind, Name), Vec<Doubt>> {
        &self.doubts
    }

    /// Computers of tenants that link to a source that failed, and those that a doubt is about: nothing is removed from
    /// them (L3).
    #[must_use]
    pub const fn held(&self) -> &RoaringBitmap {
        &self.held
    }

    /// Computers that are being onboarded. One of which neither git nor its provider says so is not.
    #[must_use]
    pub const fn onboarding(&self) -> &RoaringBitmap {
        &self.onboarding
    }
}

/// All that is known of who was signed in: from the provider, and from the last facts.
fn sign_ins(computer: &Computer, belongings: Option<&Belongings>) -> Vec<SignIn> {
    let told = belongings.into_iter().flat_map(|belongings| belongings.sign_ins.iter().cloned());
    let facts = computer
        .surveyed()
        .into_iter()
        .flat_map(|at| computer.signed_in_users().map(move |user| SignIn { at, user: user.to_owned() }));
    kept(told.chain(facts))
}
