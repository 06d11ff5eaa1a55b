//! The laws of targets, and everything against an oracle that asks one computer after the other.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::tests::{all, fact, installed, resolved, target};
use super::*;
use crate::config::Config;
use crate::config::kind::{Comparison, FactTerm, Match, Term, TextMatch, VersionScheme};
use crate::inventory::facts::{OsFamily, Role};
use crate::inventory::known::Known;
use crate::inventory::pattern::Pattern;
use crate::inventory::snapshot::Snapshot;
use crate::inventory::snapshot::tests::{config, document, facts, known, name, texts};
use crate::session::script::Platform;
use crate::version::Constraint;

/// A computer as the oracle sees it: what its provider lists, and its own and its tenant's tags.
struct World {
    config: Config,
    computers: Vec<Known>,
}

impl World {
    fn snapshot(&self) -> Snapshot {
        Snapshot::build(&self.config, self.computers.clone(), BTreeMap::new()).0
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
                Some(computer.tags.contains(tag) || by_document || tenant_tag(tag))
            }
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
    leaf.prop_recursive(3, 12, 3, |inner| {
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
    let documented = (pick(&["a", "B", "c"]), maybe(&TENANTS), pick(&TAGS));
    (computers(), documented, targets).prop_map(move |(computers, (called, tenant, tag), (t0, t1))| {
        let mut config = config();
        let called_so = computers.iter().filter(|known| known.name.eq_ignore_ascii_case(called)).count();
        if called_so == 1 {
            let (key, mut computer) = document("documented", called, None);
            computer.tenant = tenant.map(name);
            computer.tags = texts(&[tag]);
            config.computers.insert(key, computer);
        }
        target(&mut config, "t0", no_targets(t0));
        let mut second = no_targets(t1);
        second.not = Some(vec![Term::Target(name("t0"))]);
        target(&mut config, "t1", second);
        World { config, computers }
    })
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World")
            .field("computers", &self.computers)
            .field("documents", &self.config.computers)
            .field("targets", &self.config.targets)
            .finish()
    }
}

/// Worlds and expressions per property.
const CASES: u32 = 300;

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 2000, ..ProptestConfig::with_cases(CASES) })]

    #[test]
    fn evaluation_agrees_with_asking_one_computer_after_the_other_in_300_worlds(
        world in worlds(), expression in expressions()
    ) {
        let snapshot = world.snapshot();
        let found = evaluate(&resolved(&expression, &world.config), &snapshot);
        prop_assert!(found.certain.is_subset(&found.possible));
        prop_assert_eq!(found, world.membership(&expression));
    }

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
