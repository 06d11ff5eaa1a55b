//! Tests of targets: each selector, what is refused, ranks, roads and the one-line form.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;

use super::*;
use crate::config::kind::{
    Comparison, FactTerm, InstalledTerm, Match, Mode, ProviderGroupTerm, SiteTerm, Term, TextMatch,
};
use crate::config::{Config, model};
use crate::diagnostic::Findings;
use crate::inventory::facts::{OsFamily, Role};
use crate::inventory::relations::{Belongings, Relations};
use crate::inventory::snapshot::Snapshot;
use crate::inventory::snapshot::tests::{config, facts, known, metadata, name, place, texts};
use crate::session::script::Platform;

pub(super) fn all(terms: impl IntoIterator<Item = Term>) -> Match {
    Match { all: Some(terms.into_iter().collect()), ..Match::default() }
}

pub(super) fn target(config: &mut Config, text: &str, expression: Match) {
    let target = model::Target {
        metadata: metadata(text),
        place: place(&format!("targets/{text}.yaml")),
        expression,
        mode: Mode::Enforce,
    };
    config.targets.insert(name(text), target);
}

pub(super) fn resolved(expression: &Match, config: &Config) -> Resolved {
    resolve(expression, config, None).expect("every name holds")
}

fn codes(findings: &Findings) -> Vec<&'static str> {
    findings.iter().map(|finding| finding.code.as_str()).collect()
}

pub(super) fn installed(name: TextMatch, version: Option<&str>) -> Term {
    Term::Installed(InstalledTerm { name, version: version.map(str::to_owned), version_scheme: None })
}

pub(super) fn fact(path: &str, is: Comparison) -> Term {
    Term::Fact(FactTerm { path: path.to_owned(), is })
}

/// Six computers: 0 well known server of acme, 1 laptop of acme-north, 2 of contoso with nothing known, 3 without tenant
/// and a platform, 4 and 5 with the same name.
fn world() -> (Config, Snapshot) {
    let config = config();
    let mut all = vec![
        known("office", "0", "SRV", Some("acme")),
        known("office", "1", "LAP", Some("acme-north")),
        known("office", "2", "NEW", Some("contoso")),
        known("office", "3", "WIN", None),
        known("office", "4", "TWIN", None),
        known("office", "5", "twin", None),
    ];
    let software = [("7-Zip 24.09 (x64)", "24.09"), ("Git", "2.43"), ("Odd", "")];
    all[0].facts = Some(facts(Some(OsFamily::Linux), Some(Role::Server), Some(&software), Some("srv")));
    all[1].facts =
        Some(facts(Some(OsFamily::Macos), Some(Role::Portable), Some(&[("Git", "2.9")]), Some("10")));
    all[1].tags = texts(&["kiosk"]);
    all[3].platform = Some(Platform::Windows);
    (config.clone(), Snapshot::build(&config, all, BTreeMap::new()).0)
}

/// The certain members and those of which it is not known.
fn members(term: Term) -> (Vec<u32>, Vec<u32>) {
    let (config, snapshot) = world();
    let membership = evaluate(&resolved(&self::all([term]), &config), &snapshot);
    (membership.certain.iter().collect(), membership.unknown().iter().collect())
}

fn sure(indexes: &[u32]) -> (Vec<u32>, Vec<u32>) {
    (indexes.to_vec(), Vec::new())
}

#[test]
fn tenants_select_by_name_tree_and_tag_and_a_computer_without_one_is_in_none() {
    assert_eq!(members(Term::Tenant(name("acme"))), sure(&[0]));
    assert_eq!(members(Term::TenantTree(name("acme"))), sure(&[0, 1]));
    assert_eq!(members(Term::TenantTag("gold".into())), sure(&[0, 2]));
    assert_eq!(members(Term::Not(vec![Term::TenantTag("gold".into())])), sure(&[1, 3, 4, 5]));
}

#[test]
fn a_tag_reaches_a_computer_by_itself_and_by_its_tenant() {
    assert_eq!(members(Term::Tag("kiosk".into())), sure(&[1, 2]));
    assert_eq!(members(Term::Tag("Kiosk".into())), sure(&[]));
}

#[test]
fn an_unknown_role_is_no_role_nor_its_negation() {
    assert_eq!(members(Term::Role(Role::Server)), (vec![0], vec![2, 3, 4, 5]));
    assert_eq!(members(Term::Not(vec![Term::Role(Role::Server)])), (vec![1], vec![2, 3, 4, 5]));
}

#[test]
fn without_facts_the_platform_tells_windows_from_the_others() {
    assert_eq!(members(Term::Os(OsFamily::Windows)), (vec![3], vec![2, 4, 5]));
    assert_eq!(members(Term::Os(OsFamily::Linux)), (vec![0], vec![2, 4, 5]));
    assert_eq!(members(Term::Not(vec![Term::Os(OsFamily::Linux)])), (vec![1, 3], vec![2, 4, 5]));
}

#[test]
fn a_computer_is_selected_by_its_name_and_a_shared_name_selects_none_for_certain() {
    assert_eq!(members(Term::Computer("srv".into())), sure(&[0]));
    assert_eq!(members(Term::Computer("office/Lap".into())), sure(&[1]));
    assert_eq!(members(Term::Computer("office/4".into())), sure(&[4]));
    assert_eq!(members(Term::Computer("TWIN".into())), (vec![], vec![4, 5]));
    assert_eq!(members(Term::Not(vec![Term::Computer("TWIN".into())])), (vec![0, 1, 2, 3], vec![4, 5]));
    let (config, snapshot) = world();
    let expression = all([Term::Computer("nobody".into()), Term::Computer("TWIN".into())]);
    let unclear = unclear_computers(&resolved(&expression, &config), &snapshot, None);
    let said: Vec<_> = unclear.iter().map(|finding| (finding.is_error(), finding.message.as_str())).collect();
    assert_eq!(
        said,
        [
            (true, "several computers are called TWIN, so none of them is selected"),
            (false, "no provider lists a computer called nobody")
        ]
    );
}

#[test]
fn below_a_not_the_name_of_nobody_leaves_everybody_undecided_in_any_nesting() {
    let (mut config, snapshot) = world();
    let everybody: Vec<u32> = (0..6).collect();
    let typos = [
        Term::Computer("srf".into()),
        Term::Person("nobody@x.example".into()),
        Term::Site(SiteTerm { name: "Nowhere".into(), provider: None }),
        Term::ProviderGroup(ProviderGroupTerm {
            provider: name("office"),
            name: Some("Servrs".into()),
            property: None,
            value: None,
        }),
        Term::ProviderGroup(ProviderGroupTerm {
            provider: name("office"),
            name: None,
            property: Some("Ownr".into()),
            value: Some("Lab".into()),
        }),
    ];
    for typo in typos {
        target(&mut config, "typo", all([typo.clone()]));
        let not = |terms: Vec<Term>| Term::Not(terms);
        for spared in [
            not(vec![typo.clone()]),
            not(vec![Term::Target(name("typo"))]),
            not(vec![Term::Computer("srv".into()), typo.clone()]),
            Term::All(vec![not(vec![Term::Any(vec![Term::Tag("x".into()), typo.clone()])])]),
            not(vec![not(vec![not(vec![typo.clone()])])]),
        ] {
            let expression = resolved(&all([spared.clone()]), &config);
            let membership = evaluate(&expression, &snapshot);
            assert!(membership.certain.is_empty(), "{expression}");
            assert!(
                membership.unknown().iter().eq(everybody.iter().copied().filter(|ix| *ix != 0))
                    || membership.unknown().iter().eq(everybody.iter().copied()),
                "{expression}"
            );
            let mut said = unclear_computers(&expression, &snapshot, None);
            said.extend(unclear(&expression, &snapshot, None));
            assert_eq!(codes(&said), ["M0760"], "{expression}");
            assert!(said.has_errors());
            let why = why_not(&expression, &snapshot, 1).expect("no member");
            assert!(why.unknown && why.to_string().contains("not known: "), "{why}");
        }
        // Where its absence only narrows, it is nobody.
        for narrow in [typo.clone(), not(vec![not(vec![typo.clone()])])] {
            let expression = resolved(&all([narrow]), &config);
            assert!(evaluate(&expression, &snapshot).possible.is_empty());
            let mut said = unclear_computers(&expression, &snapshot, None);
            said.extend(unclear(&expression, &snapshot, None));
            assert!(!said.has_errors() && !said.is_empty());
        }
    }
}

#[test]
fn a_tag_below_a_not_may_be_nobodys_and_a_mistyped_one_is_told() {
    let (config, snapshot) = world();
    let said = |term: Term| {
        let found = unclear(&resolved(&all([Term::Not(vec![term])]), &config), &snapshot, None);
        found.iter().map(|finding| (finding.code.as_str(), finding.help.clone())).collect::<Vec<_>>()
    };
    assert_eq!(members(Term::Not(vec![Term::Tag("kiosc".into())])).0.len(), 6);
    assert_eq!(said(Term::Tag("kiosc".into())), [("M0761", Some("did you mean `kiosk`?".to_owned()))]);
    assert_eq!(said(Term::TenantTag("golt".into())), [("M0761", Some("did you mean `gold`?".to_owned()))]);
    assert_eq!(said(Term::Tag("never-patch".into())), []);
    assert_eq!(said(Term::Tag("kiosk".into())), []);
    assert_eq!(
        unclear(&resolved(&all([Term::Tag("kiosc".into())]), &config), &snapshot, None),
        Findings::new()
    );
}

#[test]
fn installed_software_selects_by_name_and_version_where_the_inventory_is_known() {
    let unknown = vec![2, 3, 4, 5];
    let contains = |text: &str| TextMatch::Contains(text.to_owned());
    assert_eq!(members(installed(contains("git"), None)), (vec![0, 1], unknown.clone()));
    assert_eq!(members(installed(contains("git"), Some(">=2.10"))), (vec![0], unknown.clone()));
    assert_eq!(members(installed(contains("nothing"), None)), (vec![], unknown.clone()));
    let without_version = (vec![], [vec![0], unknown.clone()].concat());
    assert_eq!(members(installed(contains("odd"), Some(">=1"))), without_version);
    let odd_or_zip = TextMatch::Regex("^(odd|7-zip)".to_owned());
    assert_eq!(members(installed(odd_or_zip, Some(">=24"))), (vec![0], unknown));
}

#[test]
fn a_fact_is_compared_where_it_is_known_and_is_of_the_right_sort() {
    let unknown = vec![2, 3, 4, 5];
    assert_eq!(members(fact("hostname", Comparison::Equals("SRV".into()))), (vec![0], unknown.clone()));
    let one_of = Comparison::OneOf(vec!["x".into(), "10".into()]);
    assert_eq!(members(fact("hostname", one_of)), (vec![1], unknown.clone()));
    let text = Comparison::Text(TextMatch::Wildcard("s?v".into()));
    assert_eq!(members(fact("hostname", text)), (vec![0], unknown.clone()));
    let no_number = [vec![0], unknown.clone()].concat();
    assert_eq!(members(fact("hostname", Comparison::AtLeast(10))), (vec![1], no_number.clone()));
    assert_eq!(members(fact("hostname", Comparison::AtMost(9))), (vec![], no_number.clone()));
    assert_eq!(members(fact("hostname", Comparison::Version(">=9.1".into()))), (vec![1], no_number));
    assert_eq!(members(fact("roles", Comparison::Equals("portable".into()))), (vec![1], unknown.clone()));
    assert_eq!(members(fact("os.family", Comparison::Equals("linux".into()))), (vec![0], unknown));
}

#[test]
fn every_name_that_does_not_exist_is_an_error_with_the_nearest_one() {
    let config = config();
    let expression = all([
        Term::Tenant(name("contosso")),
        Term::TenantTree(name("acm")),
        Term::Provider(name("offices")),
        Term::Target(name("nowhere")),
        fact("os.versoin", Comparison::AtLeast(1)),
    ]);
    let findings = resolve(&expression, &config, Some(&place("x.yaml"))).expect_err("nothing holds");
    assert_eq!(codes(&findings), ["M0302"; 5]);
    let help: Vec<_> = findings.iter().filter_map(|finding| finding.help.as_deref()).collect();
    for near in ["contoso", "acme", "office", "os.version"] {
        assert!(help.contains(&format!("did you mean {near}?").as_str()), "{near} in {help:?}");
    }
    assert!(findings.iter().all(|finding| finding.place == Some(place("x.yaml"))));
}

#[test]
fn expressions_without_a_condition_and_bad_patterns_and_versions_are_errors() {
    let config = config();
    let code = |expression: &Match| codes(&resolve(expression, &config, None).expect_err("an error"));
    assert_eq!(code(&Match::default()), ["M0401"]);
    assert_eq!(code(&all([])), ["M0401"]);
    assert_eq!(code(&all([Term::Any(vec![])])), ["M0401"]);
    assert_eq!(code(&Match { not: Some(vec![]), every: true, ..Match::default() }), ["M0401"]);
    assert_eq!(code(&all([installed(TextMatch::Regex("(".into()), None)])), ["M0410"]);
    assert_eq!(code(&all([installed(TextMatch::Contains("x".into()), Some("newest"))])), ["M0411"]);
    assert_eq!(code(&all([fact("hostname", Comparison::Version(">=".into()))])), ["M0411"]);
    assert_eq!(code(&all([fact("hostname", Comparison::OneOf(vec![]))])), ["M0401"]);
    assert_eq!(code(&all([Term::Tag(" ".into())])), ["M0204"]);
}

#[test]
fn targets_in_a_circle_are_an_error_that_names_them() {
    let mut config = config();
    target(&mut config, "a", all([Term::Target(name("b"))]));
    target(&mut config, "b", all([Term::Not(vec![Term::Target(name("c"))])]));
    target(&mut config, "c", all([Term::Target(name("b"))]));
    let findings = resolve(&all([Term::Target(name("a"))]), &config, None).expect_err("a circle");
    assert_eq!(codes(&findings), ["M0305"]);
    let finding = findings.iter().next().expect("one");
    assert!(finding.message.ends_with("b -> c -> b"), "{}", finding.message);
    assert_eq!(finding.place, Some(place("targets/c.yaml")));
}

#[test]
fn too_deep_and_too_large_expressions_are_errors_and_end() {
    let mut config = config();
    let deep = (0..100_000).fold(Term::Tag("x".into()), |inner, _| Term::Not(vec![inner]));
    let deep = all([deep]);
    let findings = resolve(&deep, &config, None).expect_err("too deep");
    // Dropping a value that nests so deep would itself overflow the stack.
    std::mem::forget(deep);
    assert_eq!(codes(&findings), ["M0104"]);
    target(&mut config, "c0", all([Term::Tag("x".into())]));
    for at in 1..20_000 {
        target(&mut config, &format!("c{at}"), all([Term::Target(name(&format!("c{}", at - 1)))]));
    }
    let findings =
        resolve(&all([Term::Target(name("c19999"))]), &config, None).expect_err("too long a chain");
    assert_eq!(codes(&findings), ["M0104"]);
    assert!(resolve(&all([Term::Target(name("c9"))]), &config, None).is_ok());
    target(&mut config, "t0", all([Term::Tag("x".into())]));
    for at in 1..40 {
        let below = || Term::Target(name(&format!("t{}", at - 1)));
        target(&mut config, &format!("t{at}"), all([below(), below()]));
    }
    let findings = resolve(&all([Term::Target(name("t39"))]), &config, None).expect_err("too large");
    assert!(codes(&findings).iter().all(|code| ["M0104", "M0105"].contains(code)), "{findings:?}");
}

#[test]
fn a_target_is_used_under_its_name_and_all_named_targets_are_told() {
    let (mut config, snapshot) = world();
    target(&mut config, "inner", all([Term::Tenant(name("acme"))]));
    target(&mut config, "outer", all([Term::Target(name("inner"))]));
    let expression = resolved(&all([Term::Target(name("outer"))]), &config);
    assert!(expression.targets().iter().eq([&name("inner"), &name("outer")]));
    assert_eq!(evaluate(&expression, &snapshot).certain, RoaringBitmap::from_iter([0]));
    assert_eq!(expression.to_string(), "target outer");
}

#[test]
fn the_narrowest_of_all_and_the_widest_of_any_give_the_scope() {
    let mut config = config();
    target(&mut config, "lab", all([Term::Tenant(name("acme-north-lab"))]));
    let tenant = |text: &str| Term::Tenant(name(text));
    let role = || Term::Role(Role::Server);
    let computer = || Term::Computer("PC".into());
    let not = |term: Term| Term::Not(vec![term]);
    let scope = |expression: &Match| scope(&resolved(expression, &config));
    let of = |terms: Vec<Term>| scope(&all(terms));
    let any = |terms: Vec<Term>| scope(&Match { any: Some(terms), ..Match::default() });
    let rank = |level, narrowed| Scope { level, narrowed };
    let at = |depth| Level::Tenant { depth };
    let every = scope(&Match { every: true, ..Match::default() });

    assert_eq!(every, rank(Level::CrossTenant, false));
    assert_eq!(of(vec![tenant("acme")]), rank(at(0), false));
    assert_eq!(of(vec![Term::TenantTree(name("acme-north"))]), rank(at(1), false));
    assert_eq!(of(vec![Term::Target(name("lab"))]), rank(at(2), false));
    assert_eq!(of(vec![role()]), rank(Level::CrossTenant, true));
    assert_eq!(of(vec![tenant("acme"), role()]), rank(at(0), true));
    assert_eq!(of(vec![Term::TenantTree(name("acme")), tenant("acme-north")]), rank(at(1), true));
    assert_eq!(of(vec![tenant("acme"), computer()]), rank(Level::Computer, true));
    assert_eq!(of(vec![tenant("acme"), not(computer())]), rank(at(0), true));
    assert_eq!(of(vec![not(computer())]), rank(Level::CrossTenant, true));
    assert_eq!(any(vec![tenant("acme"), computer()]), rank(at(0), false));
    assert_eq!(any(vec![computer(), Term::Computer("B".into())]), rank(Level::Computer, false));
    assert_eq!(any(vec![tenant("acme"), role()]), rank(Level::CrossTenant, true));
    assert_eq!(any(vec![tenant("acme"), not(role())]), rank(Level::CrossTenant, true));
    assert_eq!(of(vec![Term::Any(vec![tenant("acme")]), tenant("acme")]), rank(at(0), false));
    assert!(every.is_cross_tenant() && of(vec![role()]).is_cross_tenant());
    assert!(!of(vec![tenant("acme")]).is_cross_tenant());

    let ascending = [
        every,
        of(vec![role()]),
        of(vec![tenant("acme")]),
        of(vec![tenant("acme"), role()]),
        of(vec![tenant("acme-north")]),
        of(vec![computer()]),
        of(vec![computer(), role()]),
    ];
    assert!(ascending.is_sorted_by(|a, b| a < b), "{ascending:?}");
}

#[test]
fn the_road_tells_by_what_a_computer_is_a_member_and_why_not() {
    let (mut config, snapshot) = world();
    target(&mut config, "gold", all([Term::TenantTag("gold".into())]));
    let said = |expression: &Match, ix| {
        let expression = resolved(expression, &config);
        let road = road(&expression, &snapshot, ix).map(|road| road.to_string());
        let why_not = why_not(&expression, &snapshot, ix).map(|why| (why.to_string(), why.unknown));
        assert!(road.is_some() != why_not.is_some());
        (road, why_not)
    };
    let kiosk = all([Term::Tag("kiosk".into())]);
    assert_eq!(said(&kiosk, 1).0.as_deref(), Some("tag kiosk (its own)"));
    assert_eq!(said(&kiosk, 2).0.as_deref(), Some("tag kiosk (of its tenant contoso)"));
    assert_eq!(said(&kiosk, 0).1, Some(("not tag kiosk".to_owned(), false)));
    let mixed = Match {
        all: Some(vec![Term::TenantTree(name("acme"))]),
        not: Some(vec![Term::Role(Role::Server)]),
        ..Match::default()
    };
    assert_eq!(
        said(&mixed, 1).0.as_deref(),
        Some("tenant acme and those below (as acme-north), not role server")
    );
    assert_eq!(said(&mixed, 0).1, Some(("role server".to_owned(), false)));
    let gold_servers = all([Term::Target(name("gold")), Term::Role(Role::Server)]);
    assert_eq!(
        said(&gold_servers, 0).0.as_deref(),
        Some("target gold (tenants with tag gold (as acme)), role server")
    );
    assert_eq!(said(&gold_servers, 2).1, Some(("not known: role server".to_owned(), true)));
    assert_eq!(said(&Match { every: true, ..Match::default() }, 3).0.as_deref(), Some("every computer"));
}

#[test]
fn one_line_is_read_as_the_expression_it_says() {
    let line = parse_line("tenant:contoso, ROLE:server,not:tag:kiosk,tenant-tree:acme,tenantTag:gold")
        .expect("valid");
    assert_eq!(
        line,
        Match {
            every: false,
            all: Some(vec![
                Term::Tenant(name("contoso")),
                Term::Role(Role::Server),
                Term::TenantTree(name("acme")),
                Term::TenantTag("gold".into()),
            ]),
            any: None,
            not: Some(vec![Term::Tag("kiosk".into())]),
        }
    );
    assert_eq!(parse_line("every"), Ok(Match { every: true, ..Match::default() }));
    let one = |text: &str| parse_line(text).map(|line| line.all.expect("one").remove(0));
    assert_eq!(one("computer:office/PC-1"), Ok(Term::Computer("office/PC-1".into())));
    assert_eq!(one("os:Windows"), Ok(Term::Os(OsFamily::Windows)));
    assert_eq!(one("role:primary-domain-controller"), Ok(Term::Role(Role::PrimaryDomainController)));
    assert_eq!(one("provider:office"), Ok(Term::Provider(name("office"))));
    assert_eq!(one("target:lab"), Ok(Term::Target(name("lab"))));
    assert_eq!(one("tag:a:b"), Ok(Term::Tag("a:b".into())));
    assert_eq!(one("not:not:tag:a"), Ok(Term::Tag("a".into())));
    assert_eq!(one("installed:7-Zip"), Ok(installed(TextMatch::Contains("7-Zip".into()), None)));
    let expected = fact("os.version", Comparison::Equals("10.0:x".into()));
    assert_eq!(one("fact:os.version:10.0:x"), Ok(expected.clone()));
    assert_eq!(one("fact:os.version=10.0:x"), Ok(expected));
}

#[test]
fn one_line_that_cannot_be_read_says_what_would_be() {
    let said = |text: &str| parse_line(text).expect_err("an error").to_string();
    assert_eq!(said("tenat:contoso"), "there is no selector \"tenat\"; did you mean tenant?");
    assert!(said("frobnicate:1").contains("there are agreement, computer, every, fact"));
    assert_eq!(said("role"), "role needs a value: write role:server");
    assert!(said("role:sever").contains("server"), "{}", said("role:sever"));
    assert!(said("tenant:Con toso").contains("is not a name"));
    assert!(said("fact:hostname").contains("fact:hostname:pc-1042"));
    for empty in ["", "tag:a,", ",tag:a", "not:", "  "] {
        assert_eq!(parse_line(empty), Err(LineError::Empty), "{empty:?}");
    }
    assert!(said("not:every").contains("no computer"));
}

#[test]
fn nobody_is_asked_whether_the_same_name_or_one_of_another_provider_was_meant() {
    let (config, snapshot) = world();
    let second = known("lab", "9", "LAB", None);
    let first = snapshot.computer(0).id.clone();
    let site = |text: &str| Belongings { site: Some(text.to_owned()), ..Belongings::default() };
    let belongings = [(second.id.clone(), site("Paris")), (first, site("Berlin"))].into();
    let relations = Relations { belongings, ..Relations::default() };
    let computers = [known("office", "0", "SRV", Some("acme")), second];
    let snapshot = Snapshot::build(&config, computers, BTreeMap::new()).0.with_relations(&config, &relations);
    let said = |text: &str, provider: Option<&str>| {
        let term = Term::Site(SiteTerm { name: text.to_owned(), provider: provider.map(name) });
        let expression = resolved(&all([term]), &config);
        let found = unclear(&expression, &snapshot, None);
        let finding = found.iter().next().expect("nobody is there");
        assert_eq!(finding.code.as_str(), "M0723");
        finding.help.clone()
    };
    assert_eq!(said("PARIS", Some("office")), None);
    assert_eq!(said("Berlim", Some("office")), Some("did you mean `berlin`?".to_owned()));
    assert_eq!(said("Pariss", None), Some("did you mean `paris`?".to_owned()));
}
