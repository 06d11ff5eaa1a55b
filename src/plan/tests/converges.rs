//! Prerequisites come to rest: after one apply nothing is left to do, or the plan said what it does not go on with.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::world::*;
use crate::config::kind::{Condition, Consequence, Quantifier, SoftwareState};
use crate::config::model::WantedVersion;
use crate::id::Name;
use crate::inventory::item::{ItemKey, Observed};
use crate::plan::document::{ActionType, Change, NoteKind, Plan, Reason};

/// Software by number, each present or not and with a wish or not, on each of some computers, and rules among them.
#[derive(Debug, Clone)]
struct Seeds {
    /// How many are there; and their rank, which what they need has to be above.
    rank: Vec<u8>,
    /// Whose, when (`installed`, `all`, which), then (0 install, 1 uninstall, 2 fail), which.
    rules: Vec<(usize, bool, bool, u8, u8, u8)>,
    /// By computer and software: there or not, and what is wanted.
    state: Vec<Vec<(bool, u8)>>,
}

fn seeds() -> impl Strategy<Value = Seeds> {
    (3_usize..=6).prop_flat_map(|count| {
        let rank = Just((0_u8..).take(count).collect::<Vec<u8>>()).prop_shuffle();
        let which = 1_u8..(1 << count);
        let rule = (0..count, any::<bool>(), any::<bool>(), which.clone(), 0_u8..3, which);
        let state = prop::collection::vec((any::<bool>(), 0_u8..7), count);
        (rank, prop::collection::vec(rule, 2..9), prop::collection::vec(state, 1..5))
            .prop_map(|(rank, rules, state)| Seeds { rank, rules, state })
    })
}

fn random(seeds: &Seeds) -> World {
    let mut world = World::new();
    let called = |ix: usize| format!("s{ix}");
    for ix in 0..seeds.rank.len() {
        world.software(&called(ix), &["1"]);
    }
    for (whose, there, all, conditions, kind, asked) in &seeds.rules {
        // What a configuration may say: nothing about itself, and needs without circles (M0305, M0407).
        let of = |bits: u8, upwards: bool| {
            let others = (0..seeds.rank.len()).filter(|ix| bits & (1 << ix) != 0 && ix != whose);
            let rank = &seeds.rank;
            let others = others.filter(|ix| !upwards || rank[*ix] > rank[*whose]);
            others.map(|ix| name(&called(ix))).collect::<Vec<_>>()
        };
        let when = of(*conditions, *kind == 2 && !there);
        let then = of(*asked, *kind == 0);
        if when.is_empty() || (then.is_empty() && *kind != 2) {
            continue;
        }
        let of = Some(if *all { Quantifier::All } else { Quantifier::Any });
        let when = if *there {
            Condition { installed: Some(when), of, ..Condition::default() }
        } else {
            Condition { not_installed: Some(when), of, ..Condition::default() }
        };
        let then = match kind {
            0 => Consequence::Install(then),
            1 => Consequence::Uninstall(then),
            _ => Consequence::Fail("no".into()),
        };
        world.rule(&called(*whose), when, then);
    }
    for (at, items) in seeds.state.iter().enumerate() {
        let computer = format!("pc{at}");
        world.computer(&computer, &[]);
        for (ix, (there, wish)) in items.iter().enumerate() {
            let item = software(&called(ix));
            world.is(&computer, item.clone(), if *there { present("1") } else { Observed::Absent });
            let desired = match wish {
                0 | 1 => latest("1"),
                2 => absent(),
                3 => state(SoftwareState::UpdateIfFound, WantedVersion::Latest { install: "1".into() }),
                4 => state(SoftwareState::Ignored, WantedVersion::Any { install: None }),
                _ => continue,
            };
            world.deploy(&format!("d{at}-{ix}"), item, desired, one(&computer));
        }
    }
    world
}

/// The computers of which the plan says that something does not go on.
fn stopped(plan: &Plan) -> BTreeSet<String> {
    let stops = plan.notes.iter().filter(|note| note.kind == NoteKind::Blocked);
    stops.flat_map(|note| note.computers.iter().cloned()).collect()
}

/// What is done for a prerequisite on a computer and no rule asks for, judged when all is done but what it itself does.
fn idle(world: &World, plan: &Plan, computer: &str) -> Vec<String> {
    if plan
        .notes
        .iter()
        .any(|note| note.text.contains("circle") && note.computers.iter().any(|c| c == computer))
    {
        return Vec::new();
    }
    let mut after = world.clone();
    after.apply(plan);
    let there = |world: &World, name: &Name| {
        let real = world.real.get(&(computer.to_owned(), ItemKey::software(name.clone())));
        matches!(real, Some(Observed::Present { .. }))
    };
    let mine = |change: &&Change| {
        change.reason == Reason::Prerequisite
            && change.computers.iter().any(|ix| plan.computers[*ix as usize].name == computer)
    };
    let implied: BTreeSet<&Name> = plan.changes.iter().filter(mine).map(|change| &change.item.name).collect();
    let needed = |change: &&Change| {
        let needer = change.needed_by.as_ref().unwrap();
        world.config.software[&needer.name].prerequisites.iter().any(|rule| {
            let (Consequence::Install(others) | Consequence::Uninstall(others)) = &rule.then else {
                return false;
            };
            let install = matches!(rule.then, Consequence::Install(_));
            let fits =
                install == (change.action == ActionType::Install) && others.contains(&change.item.name);
            // What the rule itself did, some of what it asks for and this among it, is as before.
            let done: Vec<&Name> = others.iter().filter(|name| implied.contains(name)).collect();
            let (names, wish) = match (&rule.when.installed, &rule.when.not_installed) {
                (Some(names), _) => (names, true),
                (_, names) => (names.as_ref().unwrap(), false),
            };
            let holds = |bits: u32| {
                let own = |name: &Name| {
                    name == &change.item.name
                        || done.iter().enumerate().any(|(ix, done)| bits & (1 << ix) != 0 && *done == name)
                };
                let fits = |name: &Name| there(if own(name) { world } else { &after }, name) == wish;
                match rule.when.of.unwrap_or_default() {
                    Quantifier::All => names.iter().all(fits),
                    Quantifier::Any => names.iter().any(fits),
                }
            };
            fits && (0..1_u32 << done.len()).any(holds)
        })
    };
    let idle = plan.changes.iter().filter(mine).filter(|change| !needed(change));
    idle.map(|change| format!("{} {:?}", change.item, change.action)).collect()
}

/// Software `a` to `d`, of which `a` and `d` are wanted and nothing is there.
fn four() -> World {
    let mut world = World::new();
    world.computer("pc1", &[]);
    for text in ["a", "b", "c", "d"] {
        world.software(text, &["1"]);
    }
    for text in ["a", "d"] {
        world.deploy(text, software(text), latest("1"), every());
    }
    world
}

#[test]
fn a_reason_that_another_rule_takes_away_does_nothing_and_stops_nothing() {
    let mut world = four();
    world.rule("d", not_installed(&["b"]), Consequence::Install(names(&["b"])));
    world.rule("a", not_installed(&["b"]), Consequence::Install(names(&["c"])));
    let plan = world.plan().plan;
    assert_eq!(actions(&plan, "pc1"), ["b install", "a install", "d install"]);
    // The same where it could not be met.
    world.deploy("c", software("c"), absent(), every());
    let planned = world.plan();
    assert_eq!(actions(&planned.plan, "pc1"), ["b install", "a install", "d install"]);
    assert_eq!(notes(&planned.plan), [""; 0]);
    world.apply(&planned.plan);
    assert!(world.plan().plan.changes.is_empty());
}

#[test]
fn a_rule_that_ends_its_own_reason_is_a_conflict_and_stops_its_software() {
    let mut world = four();
    world.rule("a", not_installed(&["b"]), Consequence::Install(names(&["c"])));
    world.rule("d", installed(&["c"]), Consequence::Install(names(&["b"])));
    let planned = world.plan();
    assert_eq!(actions(&planned.plan, "pc1"), ["d install"]);
    let reason = "its prerequisite ends its own reason, which is: any of b not installed";
    assert_eq!(notes(&planned.plan), [format!("Blocked a: {reason} [pc1]")]);
    let errors = planned.findings.iter().filter(|finding| finding.is_error());
    let told: Vec<_> = errors.map(|finding| (finding.code.as_str(), finding.message.clone())).collect();
    assert_eq!(told, [("M0710", format!("a on pc1: {reason}"))]);
    // Where the other one is there for a reason of its own, there is no conflict.
    world.deploy("b", software("b"), latest("1"), every());
    let planned = world.plan();
    assert_eq!(actions(&planned.plan, "pc1"), ["b install", "a install", "d install"]);
    assert!(!planned.findings.iter().any(crate::diagnostic::Finding::is_error));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8 * ProptestConfig::default().cases, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_apply_is_enough_or_the_plan_says_what_stops(seeds in seeds()) {
        let mut world = random(&seeds);
        let first = world.plan();
        let errors = first.findings.iter().any(crate::diagnostic::Finding::is_error);
        prop_assert!(!errors || !stopped(&first.plan).is_empty());
        for computer in world.known.iter().map(|known| &known.name) {
            let idle = idle(&world, &first.plan, computer);
            prop_assert!(idle.is_empty(), "{computer}: {idle:?} of {:?}", actions(&first.plan, computer));
        }
        world.apply(&first.plan);
        let second = world.plan().plan;
        let stopped = stopped(&first.plan);
        for session in &second.sessions {
            let computer = &second.computers[session.computer as usize].name;
            prop_assert!(
                stopped.contains(computer),
                "{computer}: {:?} and then {:?}\n{:#?}",
                actions(&first.plan, computer),
                actions(&second, computer),
                notes(&second)
            );
        }
    }
}
