//! The laws of targets, and everything against an oracle that asks one computer after the other.

use proptest::prelude::*;

use super::tests::{all, fact, installed, resolved};
use super::*;
use crate::config::kind::{
    AgreementTerm, Comparison, FactTerm, GroupTerm, Match, ProviderGroupTerm, RingTerm, SiteTerm, Term,
    TextMatch,
};
use crate::inventory::snapshot::tests::name;

use super::worlds::*;

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
