//! The laws of targets, and everything against an oracle that asks one computer after the other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::Date;
use proptest::prelude::*;

use super::tests::{all, fact, installed, resolved, target};
use super::*;
use crate::config::Config;
use crate::config::kind::{
    AgreementTerm, Comparison, DirectorySpec, FactTerm, GroupTerm, Match, PrimaryPerson, ProviderGroupTerm,
    PsaSpec, RingTerm, SimulatedSource, SiteTerm, TenantPsa, Term, TextMatch, VersionScheme,
};
use crate::config::model::Linked;
use crate::id::{ComputerId, Name};
use crate::inventory::facts::{OsFamily, Role};
use crate::inventory::known::Known;
use crate::inventory::pattern::Pattern;
use crate::inventory::relations::{
    Addition, Agreement, Belongings, Company, Directory, Group, Person, Psa, Relations, SignIn,
};
use crate::inventory::snapshot::Snapshot;
use crate::inventory::snapshot::tests::{config, document, facts, known, metadata, name, place, texts};
use crate::session::script::{Context, Interpreter, Platform, Script};
use crate::version::Constraint;

/// A computer as the oracle sees it: what its provider lists, and its own and its tenant's tags.
struct World {
    config: Config,
    computers: Vec<Known>,
    relations: Relations,
}

impl World {
    fn snapshot(&self) -> Snapshot {
        let snapshot = Snapshot::build(&self.config, self.computers.clone(), BTreeMap::new()).0;
        snapshot.with_relations(&self.config, &self.relations)
    }

    fn whole(&self, expression: &Match, ix: usize) -> Option<bool> {
        let list = |terms: &Option<Vec<Term>>| terms.clone().unwrap_or_default();
        let mut parts = vec![Term::All(list(&expression.all))];
        if expression.any.is_some() {
            parts.push(Term::Any(list(&expression.any)));
        }
        parts.push(Term::Not(list(&expression.not)));
        self.holds(&Term::All(parts), ix)
    }

    /// Whether a term holds of a computer, in three-valued logic, straight from the words of its documentation.
    fn holds(&self, term: &Term, ix: usize) -> Option<bool> {
        let computer = &self.computers[ix];
        let document = self.config.computers.values().find(|d| d.name.eq_ignore_ascii_case(&computer.name));
        let tenant = document.and_then(|document| document.tenant.as_ref()).or(computer.tenant.as_ref());
        let tenant = tenant.and_then(|tenant| self.config.tenants.get(tenant));
        let facts = computer.facts.as_ref().map(|(_, facts)| facts);
        let tenant_tag = |tag: &String| tenant.is_some_and(|tenant| tenant.tags.contains(tag));
        match term {
            Term::All(terms) => {
                let verdicts: Vec<_> = terms.iter().map(|term| self.holds(term, ix)).collect();
                if verdicts.contains(&Some(false)) {
                    Some(false)
                } else if verdicts.contains(&None) {
                    None
                } else {
                    Some(true)
                }
            }
            Term::Any(terms) => {
                let verdicts: Vec<_> = terms.iter().map(|term| self.holds(term, ix)).collect();
                if verdicts.contains(&Some(true)) {
                    Some(true)
                } else if verdicts.contains(&None) {
                    None
                } else {
                    Some(false)
                }
            }
            Term::Not(terms) => self.holds(&Term::Any(terms.clone()), ix).map(|holds| !holds),
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
            Term::Target(name) => self.whole(&self.config.targets[name].expression, ix),
        }
    }

    fn membership(&self, expression: &Match) -> Membership {
        let verdicts = || (0_u32..).zip((0..self.computers.len()).map(|ix| self.whole(expression, ix)));
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

const UPNS: [&str; 4] = ["anna@x.example", "Ben@x.example", "cleo@y.example", "local-admin"];
const PEOPLE: [&str; 3] = ["Anna", "Ben", "Sam"];
const GROUPS: [&str; 4] = ["g1", "g2", "g3", "g4"];
const CALLED: [&str; 3] = ["Finance", "finance", "Payroll"];
const DIRECTORIES: [&str; 2] = ["entra", "ldap"];
const PSAS: [&str; 2] = ["cw", "other"];
const KINDS: [&str; 2] = ["Managed", "Block"];
const PRODUCTS: [&str; 3] = ["Seat", "Backup", "Offboarding"];
const SITES: [&str; 3] = ["Berlin", "Main Office", "berlin"];

fn day(day: i8) -> Date {
    Date::new(2026, 6, day).expect("a day")
}

fn belongings() -> impl Strategy<Value = Belongings> {
    let own = |text: &str| text.to_owned();
    let sign_in = (0_i64..40, pick(&UPNS)).prop_map(|(at, user)| SignIn {
        at: crate::time::Timestamp::from_second(at * 3600).expect("a time"),
        user: user.to_owned(),
    });
    let groups = prop::collection::btree_set(pick(&["Servers", "tills"]), 0..3);
    let properties = prop::collection::btree_map(pick(&["Ring", "Owner"]), pick(&["blue", "Green"]), 0..3);
    let sign_ins = prop::collection::vec(sign_in, 0..14);
    (maybe(&SITES), groups, properties, sign_ins, maybe(&[true, false])).prop_map(
        move |(site, groups, properties, sign_ins, onboarded)| Belongings {
            site: site.map(own),
            groups: groups.into_iter().map(own).collect(),
            properties: properties.into_iter().map(|(key, value)| (own(key), own(value))).collect(),
            sign_ins,
            onboarded,
        },
    )
}

fn directories() -> impl Strategy<Value = Directory> {
    let own = |text: &str| text.to_owned();
    let person =
        (pick(&UPNS), maybe(&PEOPLE), prop::collection::btree_set(pick(&TAGS), 0..2), maybe(&TENANTS));
    let person = person.prop_map(move |(upn, called, tags, tenant)| Person {
        upn: own(upn),
        name: called.map(own),
        tags: tags.into_iter().map(own).collect(),
        tenant: tenant.map(name),
    });
    let some = |from: &[&'static str]| {
        let own = |list: Vec<&'static str>| list.into_iter().map(str::to_owned).collect::<Vec<String>>();
        prop::collection::vec(pick(from), 0..3).prop_map(own)
    };
    let group = (pick(&CALLED), some(&UPNS), some(&["a", "B", "c"]), some(&GROUPS));
    let groups = prop::collection::vec(group, 0..=GROUPS.len()).prop_map(move |groups| {
        let numbered = GROUPS.iter().zip(groups);
        let group = |(id, (called, people, devices, groups)): (&&'static str, (&'static str, _, _, _))| {
            Group { id: (*id).to_owned(), name: called.to_owned(), people, devices, groups }
        };
        numbered.map(group).collect()
    });
    (prop::collection::vec(person, 0..6), groups).prop_map(|(people, groups)| Directory { people, groups })
}

fn psas() -> impl Strategy<Value = Psa> {
    let dates = || (prop::bool::weighted(0.8), prop::option::of(1_i8..15), prop::option::of(5_i8..20));
    let addition = (pick(&PRODUCTS), dates()).prop_map(|(product, (active, begin, end))| Addition {
        product: product.to_owned(),
        begin: begin.map(day),
        end: end.map(day),
        active,
    });
    let additions = prop::collection::vec(addition, 0..3);
    let agreement = (pick(&KINDS), dates(), additions).prop_map(|(kind, (active, begin, end), additions)| {
        let (begin, end) = (begin.map(day), end.map(day));
        Agreement { name: "An agreement".to_owned(), r#type: kind.to_owned(), begin, end, active, additions }
    });
    let agreement = agreement.boxed();
    let company = |id: &'static str| {
        prop::collection::vec(agreement.clone(), 0..3).prop_map(move |agreements| Company {
            id: id.to_owned(),
            name: format!("Company {id}"),
            agreements,
        })
    };
    (company("1"), prop::option::of(company("2")))
        .prop_map(|(one, two)| Psa { companies: std::iter::once(one).chain(two).collect() })
}

/// What sources say of up to twelve computers; each source may never have been read.
fn relations() -> impl Strategy<Value = (Vec<Option<Belongings>>, Relations)> {
    let read = (prop::option::of(directories()), prop::option::of(directories()), prop::option::of(psas()));
    let named = prop::option::of(prop::collection::vec(any::<bool>(), 12));
    (prop::collection::vec(prop::option::of(belongings()), 12), read, named, 1_i8..20).prop_map(
        |(belongings, (entra, ldap, cw), named, today)| {
            let mut relations = Relations { as_of: day(today), ..Relations::default() };
            relations.directories.extend(entra.map(|read| (name("entra"), read)));
            relations.directories.extend(ldap.map(|read| (name("ldap"), read)));
            relations.psas.extend(cw.map(|read| (name("cw"), read)));
            if let Some(named) = named {
                // By position, until the computers have ids.
                let chosen = (0..).zip(named).filter(|(_, chosen)| *chosen);
                let ids = chosen.map(|(at, _): (usize, _)| ComputerId::new(at.to_string()));
                relations.scripts.insert(name("query"), ids.collect());
            }
            (belongings, relations)
        },
    )
}

/// Links of the tenants to the sources, and a Script.
fn link(config: &mut Config) {
    for text in DIRECTORIES {
        let spec = DirectorySpec::Simulated(SimulatedSource { file: "x".to_owned(), fault: None });
        let linked =
            Linked { metadata: metadata(text), place: place("d.yaml"), spec, files: BTreeMap::new() };
        config.directories.insert(name(text), linked);
    }
    for text in PSAS {
        let spec = PsaSpec::Simulated(SimulatedSource { file: "x".to_owned(), fault: None });
        let linked =
            Linked { metadata: metadata(text), place: place("p.yaml"), spec, files: BTreeMap::new() };
        config.psas.insert(name(text), linked);
    }
    let mut set = |tenant: &str, directory: Option<&str>, company: Option<&str>| {
        let tenant = config.tenants.get_mut(tenant).expect("a tenant");
        tenant.directory = directory.map(name);
        tenant.psa = company.map(|company| TenantPsa { name: name("cw"), company: company.to_owned() });
    };
    set("acme", Some("entra"), Some("1"));
    set("acme-north", Some("entra"), None);
    set("contoso", Some("ldap"), Some("2"));
    let script = Script {
        interpreter: Interpreter::Sh,
        context: Context::System,
        text: "true".into(),
        limit: None,
        origin: "query.sh".into(),
    };
    config.scripts.insert(name("query"), Arc::new(script));
}

fn relation_terms() -> impl Strategy<Value = Term> {
    let own = |text: &str| text.to_owned();
    let optional = |from: &[&'static str]| maybe(from).prop_map(|text| text.map(str::to_owned));
    let range = (0_u8..100).prop_flat_map(|from| (Just(from), from + 1..=100));
    let ring = prop_oneof![
        (0_u8..=100).prop_map(|percent| (Some(percent), None, None)),
        range.prop_map(|(from, to)| (None, Some(from), Some(to))),
    ];
    prop_oneof![
        pick(&["anna@x.example", "ben@x.example", "nobody@x.example", "anna", "sam", "nobody"])
            .prop_map(move |person| Term::Person(own(person))),
        (pick(&DIRECTORIES), pick(&["finance", "PAYROLL", "g2", "g3", "nowhere"])).prop_map(
            move |(directory, group)| Term::Group(GroupTerm { directory: name(directory), name: own(group) })
        ),
        (pick(&PSAS), optional(&["managed", "Block", "None"]), optional(&["seat", "Offboarding", "nothing"]))
            .prop_map(|(psa, kind, product)| Term::Agreement(AgreementTerm {
                psa: name(psa),
                r#type: kind,
                product
            })),
        (pick(&["BERLIN", "main office", "Rome"]), maybe(&["office", "branch"])).prop_map(
            move |(site, provider)| Term::Site(SiteTerm { name: own(site), provider: provider.map(name) })
        ),
        (pick(&["office", "branch"]), pick(&["servers", "Tills", "none"])).prop_map(
            move |(provider, group)| {
                let provider = name(provider);
                Term::ProviderGroup(ProviderGroupTerm {
                    provider,
                    name: Some(own(group)),
                    property: None,
                    value: None,
                })
            }
        ),
        (pick(&["office", "branch"]), pick(&["ring", "Owner"]), pick(&["BLUE", "green", "red"])).prop_map(
            move |(provider, property, value)| Term::ProviderGroup(ProviderGroupTerm {
                provider: name(provider),
                name: None,
                property: Some(own(property)),
                value: Some(own(value)),
            })
        ),
        (pick(&["pilot", "other"]), ring).prop_map(move |(called, (percent, from, to))| Term::Ring(
            RingTerm { name: own(called), percent, from, to }
        )),
        any::<bool>().prop_map(Term::Onboarding),
        Just(Term::Script(name("query"))),
    ]
}

const TENANTS: [&str; 4] = ["acme", "acme-north", "acme-north-lab", "contoso"];
const TAGS: [&str; 4] = ["gold", "kiosk", "north", "till"];
const ROLES: [Role; 3] = [Role::Server, Role::Portable, Role::Workstation];
const FAMILIES: [OsFamily; 3] = [OsFamily::Linux, OsFamily::Windows, OsFamily::Macos];
const SOFTWARE: [(&str, &str); 5] =
    [("7-Zip", "24.09"), ("7-Zip", "23.01"), ("Git", "2.43"), ("Git", ""), ("Odd", "unknown")];
const HOSTS: [&str; 4] = ["alpha", "Beta", "7", "10.2"];

fn pick<T: Clone + std::fmt::Debug + 'static>(from: &[T]) -> impl Strategy<Value = T> + use<T> {
    prop::sample::select(from.to_vec())
}

fn maybe<T: Clone + std::fmt::Debug + 'static>(from: &[T]) -> impl Strategy<Value = Option<T>> + use<T> {
    prop::option::of(pick(from))
}

fn computers() -> impl Strategy<Value = Vec<Known>> {
    let collected = (
        maybe(&FAMILIES),
        maybe(&ROLES),
        prop::option::of(prop::collection::vec(pick(&SOFTWARE), 0..4)),
        maybe(&HOSTS),
    );
    let platforms = [Platform::Posix, Platform::Windows];
    let one = (
        (maybe(&TENANTS), pick(&["office", "branch"]), pick(&["A", "b", "C", "D", "E"])),
        (maybe(&platforms), prop::collection::btree_set(pick(&TAGS), 0..3), prop::option::of(collected)),
    );
    prop::collection::vec(one, 0..12).prop_map(|computers| {
        let mut all: Vec<Known> = (0..)
            .zip(computers)
            .map(|(at, ((tenant, provider, called), (platform, tags, collected)))| {
                let mut computer = known(provider, &format!("{at:02}"), called, tenant);
                computer.platform = platform;
                computer.tags = tags.into_iter().map(str::to_owned).collect();
                computer.facts = collected
                    .map(|(family, role, packages, host)| facts(family, role, packages.as_deref(), host));
                computer
            })
            .collect();
        all.sort_by(|a, b| a.id.cmp(&b.id));
        all
    })
}

fn comparisons() -> impl Strategy<Value = Comparison> {
    let text = |text: &str| text.to_owned();
    prop_oneof![
        pick(&HOSTS).prop_map(move |host| Comparison::Equals(host.to_lowercase())),
        prop::collection::vec(pick(&HOSTS), 1..3)
            .prop_map(move |hosts| Comparison::OneOf(hosts.into_iter().map(text).collect())),
        pick(&["a", "B", "7"]).prop_map(move |part| Comparison::Text(TextMatch::Contains(text(part)))),
        pick(&[">=7", "<10", "10.2.0", "*"]).prop_map(move |version| Comparison::Version(text(version))),
        (0_i64..20).prop_map(Comparison::AtLeast),
        (0_i64..20).prop_map(Comparison::AtMost),
    ]
}

fn terms() -> impl Strategy<Value = Term> {
    let text = |text: &str| text.to_owned();
    let leaf = prop_oneof![
        pick(&TENANTS).prop_map(|tenant| Term::Tenant(name(tenant))),
        pick(&TENANTS).prop_map(|tenant| Term::TenantTree(name(tenant))),
        pick(&TAGS).prop_map(move |tag| Term::TenantTag(text(tag))),
        pick(&TAGS).prop_map(move |tag| Term::Tag(text(tag))),
        pick(&["a", "B", "c", "nobody"]).prop_map(move |called| Term::Computer(text(called))),
        pick(&ROLES).prop_map(Term::Role),
        pick(&FAMILIES).prop_map(Term::Os),
        pick(&["office", "branch"]).prop_map(|provider| Term::Provider(name(provider))),
        (pick(&["7-zip", "git", "odd", "i"]), maybe(&[">=24", "<24", "2.43", "*"]))
            .prop_map(move |(called, version)| installed(TextMatch::Contains(text(called)), version)),
        comparisons().prop_map(|is| fact("hostname", is)),
        pick(&["t0", "t1"]).prop_map(|target| Term::Target(name(target))),
    ];
    prop_oneof![2 => leaf, 3 => relation_terms()].prop_recursive(3, 12, 3, |inner| {
        let list = move || prop::collection::vec(inner.clone(), 1..4);
        prop_oneof![list().prop_map(Term::All), list().prop_map(Term::Any), list().prop_map(Term::Not)]
    })
}

fn expressions() -> impl Strategy<Value = Match> {
    let list = || prop::option::of(prop::collection::vec(terms(), 1..3));
    (list(), list(), list()).prop_map(|(all, any, not)| {
        let every = all.is_none() && any.is_none() && not.is_none();
        Match { every, all, any, not }
    })
}

/// Computers, a `Computer` document and two targets, of which the second may use the first.
fn worlds() -> impl Strategy<Value = World> {
    let no_targets = |terms: Vec<Term>| {
        fn uses(term: &Term) -> bool {
            match term {
                Term::Target(_) => true,
                Term::All(terms) | Term::Any(terms) | Term::Not(terms) => terms.iter().any(uses),
                _ => false,
            }
        }
        let kept: Vec<Term> = terms.into_iter().filter(|term| !uses(term)).collect();
        if kept.is_empty() { all([Term::Tag("till".into())]) } else { all(kept) }
    };
    let targets = (prop::collection::vec(terms(), 1..3), prop::collection::vec(terms(), 1..2));
    let pinned = prop_oneof![
        Just(PrimaryPerson::Auto),
        Just(PrimaryPerson::None),
        pick(&UPNS).prop_map(|upn| PrimaryPerson::Fixed(upn.to_owned()))
    ];
    let documented = (pick(&["a", "B", "c"]), maybe(&TENANTS), pick(&TAGS), pinned, maybe(&[true, false]));
    let made = (computers(), documented, targets, relations());
    made.prop_map(
        move |(computers, (called, tenant, tag, person, onboarded), (t0, t1), (belongings, said))| {
            let mut config = config();
            link(&mut config);
            let mut relations = said;
            let ids = computers.iter().map(|computer| computer.id.clone());
            let belonging = ids.clone().zip(belongings).filter_map(|(id, own)| Some((id, own?)));
            relations.belongings = belonging.collect();
            for chosen in relations.scripts.values_mut() {
                let at = |at: usize| ComputerId::new(at.to_string());
                *chosen = (0..)
                    .zip(ids.clone())
                    .filter(|(ix, _)| chosen.contains(&at(*ix)))
                    .map(|(_, id)| id)
                    .collect();
            }
            let called_so = computers.iter().filter(|known| known.name.eq_ignore_ascii_case(called)).count();
            if called_so == 1 {
                let (key, mut computer) = document("documented", called, None);
                computer.tenant = tenant.map(name);
                computer.tags = texts(&[tag]);
                computer.primary_person = person;
                computer.onboarded = onboarded;
                config.computers.insert(key, computer);
            }
            target(&mut config, "t0", no_targets(t0));
            let mut second = no_targets(t1);
            second.not = Some(vec![Term::Target(name("t0"))]);
            target(&mut config, "t1", second);
            World { config, computers, relations }
        },
    )
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World")
            .field("computers", &self.computers)
            .field("documents", &self.config.computers)
            .field("targets", &self.config.targets)
            .field("relations", &self.relations)
            .finish()
    }
}

/// Worlds and expressions per property.
const CASES: u32 = 300;

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 2000, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn evaluation_agrees_with_asking_one_computer_after_the_other_in_1000_worlds(
        world in worlds(), expression in expressions()
    ) {
        let snapshot = world.snapshot();
        let found = evaluate(&resolved(&expression, &world.config), &snapshot);
        prop_assert!(found.certain.is_subset(&found.possible));
        prop_assert_eq!(found, world.membership(&expression));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 2000, ..ProptestConfig::with_cases(CASES) })]

    #[test]
    fn simplifying_keeps_the_meaning_and_the_scope_and_is_done_once_in_300_worlds(
        world in worlds(), expression in expressions()
    ) {
        let snapshot = world.snapshot();
        let before = resolved(&expression, &world.config);
        let after = simplify(&before);
        prop_assert_eq!(evaluate(&before, &snapshot), evaluate(&after, &snapshot));
        prop_assert_eq!(scope(&before), scope(&after));
        prop_assert_eq!(&simplify(&after), &after);
        prop_assert!(size(after.expr()) <= size(before.expr()));
    }

    #[test]
    fn the_laws_of_the_algebra_hold_in_300_worlds(world in worlds(), a in terms(), b in terms()) {
        let snapshot = world.snapshot();
        let of = |term: Term| evaluate(&resolved(&all([term]), &world.config), &snapshot);
        let not = |term: Term| Term::Not(vec![term]);
        // De Morgan, both ways.
        prop_assert_eq!(
            of(not(Term::All(vec![a.clone(), b.clone()]))),
            of(Term::Any(vec![not(a.clone()), not(b.clone())]))
        );
        prop_assert_eq!(
            of(Term::Not(vec![a.clone(), b.clone()])),
            of(Term::All(vec![not(a.clone()), not(b.clone())]))
        );
        // Double negation, order, absorption.
        prop_assert_eq!(of(not(not(a.clone()))), of(a.clone()));
        prop_assert_eq!(of(Term::All(vec![a.clone(), b.clone()])), of(Term::All(vec![b.clone(), a.clone()])));
        prop_assert_eq!(of(Term::Any(vec![a.clone(), b.clone()])), of(Term::Any(vec![b.clone(), a.clone()])));
        prop_assert_eq!(of(Term::Any(vec![a.clone(), Term::All(vec![a.clone(), b])])), of(a.clone()));
        // A computer is a certain member of at most one of an expression and its negation.
        prop_assert!((of(a.clone()).certain & of(not(a)).certain).is_empty());
    }

    #[test]
    fn learning_more_never_takes_back_what_was_certain_in_300_worlds(
        world in worlds(), expression in expressions(), learned in computers()
    ) {
        // Names are unique here: another computer of the same name would be news of another sort.
        let mut world = world;
        for (at, computer) in world.computers.iter_mut().enumerate() {
            computer.name = format!("pc-{at}");
        }
        world.config.computers.clear();
        let before = evaluate(&resolved(&expression, &world.config), &world.snapshot());
        for (computer, more) in world.computers.iter_mut().zip(learned) {
            if computer.facts.is_none() && computer.platform.is_none() {
                computer.facts = more.facts;
            }
        }
        let after = evaluate(&resolved(&expression, &world.config), &world.snapshot());
        prop_assert!(before.certain.is_subset(&after.certain));
        prop_assert!(after.possible.is_subset(&before.possible));
    }

    #[test]
    fn the_road_exists_for_the_certain_members_and_no_others_in_300_worlds(
        world in worlds(), expression in expressions()
    ) {
        let snapshot = world.snapshot();
        let expression = resolved(&expression, &world.config);
        let found = evaluate(&expression, &snapshot);
        for (ix, _) in snapshot.iter() {
            prop_assert_eq!(road(&expression, &snapshot, ix).is_some(), found.certain.contains(ix));
            let unknown = why_not(&expression, &snapshot, ix).map(|why| why.unknown);
            prop_assert_eq!(unknown == Some(true), found.unknown().contains(ix));
            let steps = road(&expression, &snapshot, ix).map(|road| road.steps.len())
                .or_else(|| why_not(&expression, &snapshot, ix).map(|why| why.steps.len()));
            prop_assert!(steps > Some(0));
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn what_is_written_in_one_line_is_read_back_as_the_same(
        members in prop::collection::vec((any::<bool>(), line_terms()), 1..5)
    ) {
        let words: Vec<String> = members
            .iter()
            .map(|(negated, term)| format!("{}{}", if *negated { "not:" } else { "" }, line_of(term)))
            .collect();
        let line = words.join(",");
        prop_assert!(!line.contains([' ', '"', '\'', '$', '&', '|', ';', '<', '>', '(', ')', '*', '`', '!', '\\']));
        let terms = |wanted: bool| {
            let list: Vec<Term> =
                members.iter().filter(|(negated, _)| *negated == wanted).map(|(_, term)| term.clone()).collect();
            (!list.is_empty()).then_some(list)
        };
        let expected = Match { every: false, all: terms(false), any: None, not: terms(true) };
        prop_assert_eq!(parse_line(&line), Ok(expected), "{}", line);
    }

    #[test]
    fn no_line_is_a_panic(text in "(not:)?[a-zA-Z]{0,8}:?\\PC{0,12},?\\PC{0,4}") {
        _ = parse_line(&text);
    }
}

/// How many nodes an expression has.
fn size(expression: &Expr) -> usize {
    match expression {
        Expr::Select(_) => 1,
        Expr::All(members) | Expr::Any(members) => 1 + members.iter().map(size).sum::<usize>(),
        Expr::Not(inner) => 1 + size(inner),
        Expr::Target(_, inner) => 1 + size(inner),
    }
}

/// Terms that one line can say, with texts of every kind.
fn line_terms() -> impl Strategy<Value = Term> {
    let text = || "[a-zA-Z0-9 ,/%:;&$()<>|*!'\"`äß€.-]{0,12}[a-z%/,]";
    let trimmed = |text: String| text.trim().to_owned();
    let simple = prop_oneof![
        text().prop_map(move |tag| Term::Tag(trimmed(tag))),
        text().prop_map(move |tag| Term::TenantTag(trimmed(tag))),
        text().prop_map(move |person| Term::Person(trimmed(person))),
        text().prop_map(move |computer| Term::Computer(trimmed(computer))),
        text().prop_map(move |called| installed(TextMatch::Contains(trimmed(called)), None)),
        text().prop_map(move |value| fact("hostname", Comparison::Equals(trimmed(value)))),
    ];
    let named = (text(), text()).prop_map(move |(one, two)| (trimmed(one), trimmed(two)));
    let parts = named.prop_flat_map(|(one, two)| {
        let provider = Some(name("office"));
        prop::sample::select(vec![
            Term::Site(SiteTerm { name: one.clone(), provider: None }),
            Term::Site(SiteTerm { name: one.clone(), provider }),
            Term::Group(GroupTerm { directory: name("entra"), name: one.clone() }),
            Term::Agreement(AgreementTerm {
                psa: name("cw"),
                r#type: Some(one.clone()),
                product: Some(two.clone()),
            }),
            Term::Agreement(AgreementTerm { psa: name("cw"), r#type: None, product: Some(two.clone()) }),
            Term::ProviderGroup(ProviderGroupTerm {
                provider: name("office"),
                name: None,
                property: Some(one),
                value: Some(two),
            }),
        ])
    });
    let words = prop_oneof![
        pick(&TENANTS).prop_map(|tenant| Term::TenantTree(name(tenant))),
        pick(&ROLES).prop_map(Term::Role),
        pick(&FAMILIES).prop_map(Term::Os),
        Just(Term::Script(name("query"))),
        any::<bool>().prop_map(Term::Onboarding),
        (0_u8..=100).prop_map(|percent| {
            Term::Ring(RingTerm { name: "pilot".to_owned(), percent: Some(percent), from: None, to: None })
        }),
    ];
    prop_oneof![simple, parts, words]
}

/// A term in one line, everything but letters, digits, dots and hyphens percent-encoded.
fn line_of(term: &Term) -> String {
    let plain = |text: &str| -> String {
        let byte = |byte: u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        };
        text.bytes().map(byte).collect()
    };
    match term {
        Term::Tag(text) => format!("tag:{}", plain(text)),
        Term::TenantTag(text) => format!("tenantTag:{}", plain(text)),
        Term::Person(text) => format!("person:{}", plain(text)),
        Term::Computer(text) => format!("computer:{}", plain(text)),
        Term::Installed(term) => match &term.name {
            TextMatch::Contains(text) => format!("installed:{}", plain(text)),
            other => panic!("{other:?}"),
        },
        Term::Fact(FactTerm { path, is: Comparison::Equals(text) }) => format!("fact:{path}:{}", plain(text)),
        Term::Site(SiteTerm { name, provider: None }) => format!("site:{}", plain(name)),
        Term::Site(SiteTerm { name, provider: Some(provider) }) => format!("site:{provider}/{}", plain(name)),
        Term::Group(group) => format!("group:{}/{}", group.directory, plain(&group.name)),
        Term::Agreement(AgreementTerm { psa, r#type, product }) => {
            let part = |key: &str, text: &Option<String>| {
                text.as_ref().map(|text| format!("/{key}/{}", plain(text))).unwrap_or_default()
            };
            format!("agreement:{psa}{}{}", part("type", r#type), part("product", product))
        }
        Term::ProviderGroup(ProviderGroupTerm { provider, property, value, .. }) => {
            let text = |text: &Option<String>| plain(text.as_deref().unwrap_or_default());
            format!("provider-group:{provider}/{}/{}", text(property), text(value))
        }
        Term::TenantTree(name) => format!("tenant-tree:{name}"),
        Term::Role(role) => format!("role:{}", role.as_str()),
        Term::Os(family) => format!("os:{}", family.as_str()),
        Term::Script(name) => format!("script:{name}"),
        Term::Onboarding(wanted) => format!("onboarding:{wanted}"),
        Term::Ring(ring) => format!("ring:{}/{}", plain(&ring.name), ring.percent.unwrap_or_default()),
        other => panic!("one line does not say {other:?} here"),
    }
}
