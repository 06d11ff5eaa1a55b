//! Winners, against an oracle that looks at each computer and each deployment.

use proptest::prelude::*;
use roaring::RoaringBitmap;

use super::world::*;
use crate::config::kind::{CrossTenant, Match, Mode, SoftwareState, Term};
use crate::config::model::{Desired, WantedVersion};
use crate::diagnostic::code;
use crate::inventory::facts::Role;
use crate::plan::fleet::Fleet;
use crate::plan::gates::Run;
use crate::plan::precedence::{Candidate, candidates, possible_winners, winners};

/// What one deployment of the random world is.
#[derive(Debug, Clone)]
struct Rule {
    target: u8,
    priority: i32,
    version: u8,
    state: u8,
    enabled: bool,
    mode: bool,
}

fn rule() -> impl Strategy<Value = Rule> {
    (0_u8..15, 0_i32..2, 0_u8..2, 0_u8..4, prop::bool::weighted(0.9), any::<bool>()).prop_map(
        |(target, priority, version, state, enabled, mode)| Rule {
            target,
            priority,
            version,
            state,
            enabled,
            mode,
        },
    )
}

fn target(number: u8) -> Match {
    match number {
        0 => every(),
        1..=4 => tag(&format!("t{number}")),
        5..=7 => of_tenant(&format!("c{}", number - 5)),
        8..=11 => one(&format!("pc{}", number - 8)),
        12 => Match { all: Some(vec![Term::Role(Role::Server)]), ..Match::default() },
        13 => Match { not: Some(vec![Term::Role(Role::Server)]), ..Match::default() },
        _ => one("twin"),
    }
}

/// Whether computers of these bits share a name with others of them.
const TWIN: u8 = 1 << 7;
/// Whether it is known which role they have, and whether it is that of a server.
const ROLE: u8 = 1 << 6;
const SERVER: u8 = 1 << 5;

/// Whether a target selects a computer, as the reference says: from what is known of that computer alone, and of how many
/// have its name. `None` where that is not known.
fn selects(number: u8, computer: u32, tags: &[u8], optout: bool) -> Option<bool> {
    let bits = tags[computer as usize];
    if optout && bits % 3 == 1 && !matches!(number, 5..=11 | 14) {
        return Some(false);
    }
    let is_twin = bits & TWIN != 0;
    let server = (bits & ROLE != 0).then_some(bits & SERVER != 0);
    match number {
        0 => Some(true),
        1..=4 => Some(bits & (1 << number) != 0),
        5..=7 => Some(bits % 3 == number - 5),
        8..=11 => Some(!is_twin && computer == u32::from(number - 8)),
        12 => server,
        13 => server.map(|server| !server),
        _ if tags.iter().filter(|bits| *bits & TWIN != 0).count() > 1 => (!is_twin).then_some(false),
        _ => Some(is_twin),
    }
}

fn world(rules: &[Rule], tags: &[u8], optout: bool) -> World {
    let mut world = World::new();
    for tenant in ["c0", "c1", "c2"] {
        world.tenant(tenant);
    }
    if optout {
        world.tenant("c1").cross_tenant = CrossTenant::Exclude;
    }
    world.software("x", &["1.0", "2.0"]);
    for (ix, bits) in tags.iter().enumerate() {
        let tags: Vec<String> =
            (1..=4).filter(|bit| bits & (1 << bit) != 0).map(|bit| format!("t{bit}")).collect();
        let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
        let known = world.computer(&format!("pc{ix}"), &tags);
        known.tenant = Some(name(&format!("c{}", bits % 3)));
        if bits & TWIN != 0 {
            known.name = "twin".to_owned();
        }
        if bits & ROLE != 0 {
            let role = if bits & SERVER != 0 { Role::Server } else { Role::Workstation };
            known.facts.as_mut().unwrap().1.roles = Some([role].into());
        } else if bits & SERVER != 0 {
            // Whether facts were collected that do not tell the role, or none at all, is the same.
            known.facts = None;
        }
    }
    for (ix, rule) in rules.iter().enumerate() {
        let kind = [
            SoftwareState::Installed,
            SoftwareState::Installed,
            SoftwareState::Absent,
            SoftwareState::Ignored,
        ];
        let desired = Desired::Software {
            state: kind[usize::from(rule.state)],
            version: WantedVersion::Exact { version: format!("{}.0", rule.version + 1) },
            allow_downgrade: false,
        };
        let made = world.deploy(&format!("d{ix:02}"), software("x"), desired, target(rule.target));
        made.priority = rule.priority;
        made.enabled = rule.enabled;
        made.mode = if rule.mode { Mode::Enforce } else { Mode::Audit };
    }
    world
}

/// What becomes of an item on one computer.
#[derive(Debug, PartialEq)]
enum Outcome {
    Nobody,
    NotKnown,
    Torn,
    Winner(String),
}

/// The same by the rule and not by sets: among all that reach the computer or may, the best rank decides; where one of that
/// rank only may, nobody wins.
fn oracle(candidates: &[Candidate<'_>], reaches: impl Fn(&Candidate<'_>) -> Option<bool>) -> Outcome {
    let here: Vec<_> = candidates.iter().filter(|c| reaches(c) != Some(false)).collect();
    let Some(best) = here.iter().map(|c| c.rank()).min() else { return Outcome::Nobody };
    let top: Vec<_> = here.iter().filter(|c| c.rank() == best).collect();
    if top.iter().any(|c| reaches(c).is_none()) {
        return Outcome::NotKnown;
    }
    if top.iter().any(|a| top.iter().any(|b| !a.same_effect(b))) {
        return Outcome::Torn;
    }
    let first = top.iter().map(|c| c.deployment.metadata.name.as_str().to_owned()).min();
    first.map_or(Outcome::Nobody, Outcome::Winner)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn winners_by_sets_are_those_found_computer_by_computer(
        rules in prop::collection::vec(rule(), 0..12),
        tags in prop::collection::vec(any::<u8>(), 1..8),
        optout in any::<bool>(),
    ) {
        let world = world(&rules, &tags, optout);
        let snapshot = world.snapshot();
        let run = Run::at(world.now);
        let fleet = Fleet::in_run(&world.config, &snapshot, &run);
        let (by_item, _) = candidates(&world.config, &snapshot, &fleet, &run);
        for candidates in by_item.values() {
            for candidate in candidates {
                prop_assert!(candidate.deployment.enabled);
                if optout && candidate.scope.is_cross_tenant() {
                    prop_assert!(candidate.reach.iter().all(|ix| snapshot.computer(ix).tenant != Some(name("c1"))));
                }
            }
            let found = winners(candidates, &fleet.all);
            let possible = possible_winners(candidates, &fleet.all);
            for ix in &fleet.all {
                let won: Vec<usize> = (0..candidates.len()).filter(|at| found.won[*at].contains(ix)).collect();
                let number = |c: &Candidate<'_>| c.deployment.metadata.name.as_str()[1..].parse::<usize>().unwrap();
                let reaches = |c: &Candidate<'_>| selects(rules[number(c)].target, ix, &tags, optout);
                let outcome = oracle(candidates, reaches);
                prop_assert_eq!(found.ambiguous.contains(ix), outcome == Outcome::Torn);
                prop_assert_eq!(found.uncertain.contains(ix), outcome == Outcome::NotKnown);
                if let Outcome::Winner(name) = outcome {
                    prop_assert_eq!(won.len(), 1);
                    prop_assert_eq!(candidates[won[0]].deployment.metadata.name.as_str(), name);
                    prop_assert!(possible[won[0]].contains(ix));
                } else {
                    prop_assert!(won.is_empty());
                }
                if found.ambiguous.contains(ix) {
                    prop_assert!(found.ties.iter().any(|tie| !tie.same && tie.computers.contains(ix)));
                }
            }
        }
    }
}

#[test]
fn a_better_one_that_may_reach_a_computer_leaves_it_without_a_winner() {
    let mut world = world(&[], &[0, 0], false);
    world.deploy("wide", software("x"), latest("1.0"), every());
    world.deploy("narrow", software("x"), latest("2.0"), one("pc0"));
    let snapshot = world.snapshot();
    let run = Run::at(world.now);
    let fleet = Fleet::in_run(&world.config, &snapshot, &run);
    let (mut by_item, _) = candidates(&world.config, &snapshot, &fleet, &run);
    let of_item = by_item.get_mut(&software("x")).unwrap();
    assert_eq!(of_item[0].deployment.metadata.name.as_str(), "narrow");
    of_item[0].maybe = RoaringBitmap::from_iter([1]);
    let found = winners(of_item, &fleet.all);
    assert_eq!(found.won, [RoaringBitmap::from_iter([0]), RoaringBitmap::new()]);
    assert_eq!(found.uncertain, RoaringBitmap::from_iter([1]));
    let possible = possible_winners(of_item, &fleet.all);
    assert_eq!(possible, [RoaringBitmap::from_iter([0, 1]), RoaringBitmap::from_iter([1])]);
}

#[test]
fn an_exemption_whose_role_facts_do_not_tell_keeps_everybody_else_away_and_says_so() {
    let mut world = world(&[], &[ROLE | SERVER, ROLE, 0, SERVER], false);
    let ignored = state(SoftwareState::Ignored, WantedVersion::Any { install: None });
    let servers = Match { all: Some(vec![Term::Role(Role::Server)]), ..Match::default() };
    world.deploy("servers", software("x"), ignored, servers);
    world.deploy("all", software("x"), latest("1.0"), every());
    let plan = world.plan().plan;
    assert_eq!(actions(&plan, "pc1"), ["x install"]);
    for spared in ["pc0", "pc2", "pc3"] {
        assert_eq!(actions(&plan, spared), [""; 0], "{spared}");
    }
    insta::assert_snapshot!(notes(&plan).join("\n"), @r"
    Stale: not everything that is wanted was ever detected [pc3]
    Undetermined x: no deployment wins: whether servers reaches the computer is not known (role server) [pc2]
    Undetermined x: which deployment wins is not known before the computer's facts are [pc3]
    ");
    assert_eq!((plan.coverage.known, plan.coverage.incomplete, plan.coverage.unknown), (1, 2, 2));
}

#[test]
fn ties_name_both_places_and_weigh_by_whether_they_matter() {
    let mut world = world(&[], &[0], false);
    world.deploy("one", software("x"), latest("1.0"), every());
    world.deploy("two", software("x"), latest("2.0"), every());
    let planned = world.plan();
    let finding = planned.findings.iter().find(|finding| finding.code == code::AMBIGUOUS).unwrap();
    assert!(finding.is_error());
    assert_eq!(finding.place.as_ref().unwrap().file.as_ref(), "deployments/two.yaml");
    assert_eq!(finding.related[0].0.file.as_ref(), "deployments/one.yaml");
    assert!(planned.plan.changes.is_empty());

    world.config.deployments.get_mut("two").unwrap().desired = latest("1.0");
    let planned = world.plan();
    assert!(!planned.findings.has_errors());
    assert!(planned.findings.iter().any(|finding| finding.code == code::DUPLICATE_DEPLOYMENT));
    assert_eq!(actions(&planned.plan, "pc0"), ["x install"]);

    world.config.deployments.get_mut("two").unwrap().desired =
        state(SoftwareState::Ignored, WantedVersion::Any { install: None });
    let planned = world.plan();
    assert!(!planned.findings.has_errors() && planned.plan.changes.is_empty());
    assert!(planned.findings.iter().all(|finding| finding.code == code::NEVER_WINS_HERE));
}

#[test]
fn the_lint_of_two_on_one_target_and_the_plan_say_the_same_of_them() {
    type Change = fn(&mut World);
    fn second(world: &mut World) -> &mut crate::config::model::Deployment {
        world.config.deployments.get_mut("two").unwrap()
    }
    let table: [(Change, bool); 6] = [
        (|_| {}, true),
        (|world| second(world).configured = false, false),
        (|world| second(world).mode = Mode::Audit, false),
        (|world| second(world).target = Some(name("watched")), false),
        (|world| second(world).hold = Some(super::gates::hold("2027-02-01")), false),
        // It ended before the world's day.
        (|world| second(world).hold = Some(super::gates::hold("2027-01-01")), true),
    ];
    for (number, (change, same)) in table.into_iter().enumerate() {
        let mut world = world(&[], &[0], false);
        let watched = crate::config::model::Target {
            metadata: metadata("watched"),
            place: place("targets.yaml"),
            expression: every(),
            mode: Mode::Audit,
        };
        world.config.targets.insert(name("watched"), watched);
        world.deploy("one", software("x"), latest("1.0"), every());
        world.deploy("two", software("x"), latest("1.0"), every());
        change(&mut world);
        let lints = crate::plan::lint::configuration(&world.config, world.now);
        let lint = lints.iter().find(|finding| finding.code == code::SAME_TARGET).unwrap();
        assert_eq!(lint.message.contains("say the same"), same, "{number}: {}", lint.message);
        let tie = if same { code::DUPLICATE_DEPLOYMENT } else { code::AMBIGUOUS };
        assert!(world.plan().findings.iter().any(|finding| finding.code == tie), "{number}");
    }
}
