//! Made-up fleets with people, groups, agreements and expressions over them, for the laws of targets.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;
use proptest::prelude::*;

use super::tests::{all, fact, installed, target};
use crate::config::Config;
use crate::config::kind::{
    AgreementTerm, Comparison, DirectorySpec, GroupTerm, Match, PrimaryPerson, ProviderGroupTerm, PsaSpec,
    RingTerm, SimulatedSource, SiteTerm, TenantPsa, Term, TextMatch,
};
use crate::config::model::Linked;
use crate::id::ComputerId;
use crate::inventory::facts::{OsFamily, Role};
use crate::inventory::known::Known;
use crate::inventory::relations::{
    Addition, Agreement, Belongings, Company, Directory, Group, Person, Psa, Relations, SignIn,
};
use crate::inventory::snapshot::tests::{config, document, facts, known, metadata, name, place, texts};
use crate::session::script::{Context, Interpreter, Platform, Script};

use super::oracle::World;

pub(super) const UPNS: [&str; 4] = ["anna@x.example", "Ben@x.example", "cleo@y.example", "local-admin"];
pub(super) const PEOPLE: [&str; 3] = ["Anna", "Ben", "Sam"];
pub(super) const GROUPS: [&str; 4] = ["g1", "g2", "g3", "g4"];
pub(super) const CALLED: [&str; 3] = ["Finance", "finance", "Payroll"];
pub(super) const DIRECTORIES: [&str; 2] = ["entra", "ldap"];
pub(super) const PSAS: [&str; 2] = ["cw", "other"];
pub(super) const KINDS: [&str; 2] = ["Managed", "Block"];
pub(super) const PRODUCTS: [&str; 3] = ["Seat", "Backup", "Offboarding"];
pub(super) const SITES: [&str; 3] = ["Berlin", "Main Office", "berlin"];

pub(super) fn day(day: i8) -> Date {
    Date::new(2026, 6, day).expect("a day")
}

pub(super) fn belongings() -> impl Strategy<Value = Belongings> {
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
            groups: Arc::new(groups.into_iter().map(own).collect()),
            properties: Arc::new(properties.into_iter().map(|(key, value)| (own(key), own(value))).collect()),
            sign_ins,
            onboarded,
        },
    )
}

pub(super) fn directories() -> impl Strategy<Value = Directory> {
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

pub(super) fn psas() -> impl Strategy<Value = Psa> {
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
pub(super) fn relations() -> impl Strategy<Value = (Vec<Option<Belongings>>, Relations)> {
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
pub(super) fn link(config: &mut Config) {
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

pub(super) fn relation_terms() -> impl Strategy<Value = Term> {
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

pub(super) const TENANTS: [&str; 4] = ["acme", "acme-north", "acme-north-lab", "contoso"];
pub(super) const TAGS: [&str; 4] = ["gold", "kiosk", "north", "till"];
pub(super) const ROLES: [Role; 3] = [Role::Server, Role::Portable, Role::Workstation];
pub(super) const FAMILIES: [OsFamily; 3] = [OsFamily::Linux, OsFamily::Windows, OsFamily::Macos];
pub(super) const SOFTWARE: [(&str, &str); 5] =
    [("7-Zip", "24.09"), ("7-Zip", "23.01"), ("Git", "2.43"), ("Git", ""), ("Odd", "unknown")];
pub(super) const HOSTS: [&str; 4] = ["alpha", "Beta", "7", "10.2"];

pub(super) fn pick<T: Clone + std::fmt::Debug + 'static>(from: &[T]) -> impl Strategy<Value = T> + use<T> {
    prop::sample::select(from.to_vec())
}

pub(super) fn maybe<T: Clone + std::fmt::Debug + 'static>(
    from: &[T],
) -> impl Strategy<Value = Option<T>> + use<T> {
    prop::option::of(pick(from))
}

pub(super) fn computers() -> impl Strategy<Value = Vec<Known>> {
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

pub(super) fn comparisons() -> impl Strategy<Value = Comparison> {
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

pub(super) fn terms() -> impl Strategy<Value = Term> {
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

pub(super) fn expressions() -> impl Strategy<Value = Match> {
    let list = || prop::option::of(prop::collection::vec(terms(), 1..3));
    (list(), list(), list()).prop_map(|(all, any, not)| {
        let every = all.is_none() && any.is_none() && not.is_none();
        Match { every, all, any, not }
    })
}

/// Computers, a `Computer` document and two targets, of which the second may use the first.
pub(super) fn worlds() -> impl Strategy<Value = World> {
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
