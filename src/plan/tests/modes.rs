//! The lattice of modes against an oracle, and what `--as` shows.

use proptest::prelude::*;

use super::gates::{about, hold};
use super::world::*;
use crate::config::kind::{Match, Mode, SoftwareState, Term};
use crate::config::model::{self, Desired, Target, WantedVersion};
use crate::plan::document::{NoteKind, Options};
use crate::plan::fleet::Fleet;
use crate::plan::gates::Run;
use crate::plan::precedence::candidates;

fn mode() -> impl Strategy<Value = Mode> {
    prop_oneof![
        1 => Just(Mode::Ignored),
        2 => Just(Mode::Monitor),
        2 => Just(Mode::Audit),
        6 => Just(Mode::Enforce),
    ]
}

fn target(text: &str, mode: Mode, expression: Match) -> (crate::id::Name, Target) {
    let target = Target { metadata: metadata(text), place: place("targets.yaml"), expression, mode };
    (name(text), target)
}

fn within(text: &str) -> Match {
    Match { all: Some(vec![Term::Target(name(text)), Term::Tag("in".to_owned())]), ..Match::default() }
}

/// A computer of `low` below `top`; a target in a target; a third one that is only taken away.
fn world(modes: &[Mode; 9], held: u8) -> World {
    let [instance, top, low, outer, inner, away, deployment, computer, _] = *modes;
    let mut world = World::new();
    world.config.instance.mode = instance;
    world.tenant("top").mode = top;
    let tenant = world.tenant("low");
    (tenant.mode, tenant.parent) = (low, Some(name("top")));
    if held == 1 {
        world.config.tenants.get_mut("top").unwrap().hold = Some(hold("2027-02-01"));
    }
    world.computer("pc1", &["in"]).tenant = Some(name("low"));
    world.config.computers.insert(name("pc1"), model::Computer { mode: computer, ..about("pc1") });
    let mut taken = within("inner");
    taken.not = Some(vec![Term::Target(name("away"))]);
    world.config.targets.extend([
        target("outer", outer, taken.clone()),
        target("inner", inner, tag("in")),
        target("away", away, tag("out")),
    ]);
    world.task("job");
    let made = world.deploy("job", task("job"), Desired::Task, taken);
    made.target = Some(name("outer"));
    made.mode = deployment;
    if held == 2 {
        made.hold = Some(hold("2027-02-01"));
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_most_cautious_of_all_modes_holds(
        modes in prop::array::uniform9(mode()),
        lift in prop::option::of(prop_oneof![Just(Mode::Monitor), Just(Mode::Audit), Just(Mode::Enforce)]),
        held in 0..6_u8,
    ) {
        let world = world(&modes, held);
        let [instance, top, low, outer, inner, _, deployment, computer, run_mode] = modes;
        let snapshot = world.snapshot();
        let run = Run { lift, ..Run::at(world.now) };
        let fleet = Fleet::in_run(&world.config, &snapshot, &run);
        let (by_item, _) = candidates(&world.config, &snapshot, &fleet, &run);
        let candidate = &by_item[&task("job")][0];
        let parts = fleet.by_mode(&candidate.reach, candidate.mode.min(run_mode));
        prop_assert_eq!(parts.len(), 1);

        // One after another, as the documentation puts it.
        let mut expected = Mode::Enforce;
        for ceiling in [instance, top, low, computer, outer, inner] {
            let seen = match lift {
                Some(to) if ceiling < to => to,
                _ => ceiling,
            };
            if seen < expected {
                expected = seen;
            }
        }
        let own = match lift {
            Some(to) if deployment != Mode::Ignored && deployment < to => to,
            _ => deployment,
        };
        for last in [own, run_mode] {
            if last < expected {
                expected = last;
            }
        }
        if held == 1 || held == 2 {
            expected = Mode::Ignored;
        }
        prop_assert_eq!(parts.keys().next(), Some(&expected));
    }
}

const ENFORCE: [Mode; 9] = [Mode::Enforce; 9];

#[test]
fn a_plan_as_if_enforced_shows_what_switching_would_do_and_what_it_lifts() {
    let mut modes = ENFORCE;
    (modes[1], modes[4], modes[6]) = (Mode::Monitor, Mode::Audit, Mode::Audit);
    let world = world(&modes, 0);
    let declared = world.plan().plan;
    assert!(
        declared.changes.iter().all(|change| change.mode != Mode::Enforce)
            && declared.options.hypothetical.is_none()
    );

    let options = Options { hypothetical: Some(Mode::Enforce), ..Options::default() };
    let plan = world.plan_of(options.clone()).plan;
    assert_eq!(actions(&plan, "pc1"), ["job set"]);
    assert_eq!(plan.changes[0].mode, Mode::Enforce);
    assert_eq!(plan.options.hypothetical, Some(Mode::Enforce));
    let lifted: Vec<String> = notes(&plan).into_iter().filter(|note| note.starts_with("Lifted")).collect();
    assert_eq!(
        lifted,
        [
            "Lifted: deployment job is taken as enforce in place of audit []",
            "Lifted: target inner is taken as enforce in place of audit []",
            "Lifted: tenant top is taken as enforce in place of monitor []",
        ]
    );
    // The run's own ceiling holds all the same.
    let capped = world.plan_of(Options { mode: Some(Mode::Audit), ..options }).plan;
    assert!(capped.sessions.is_empty());
    assert_ne!(plan.digest, declared.digest);
}

#[test]
fn exclusions_holds_and_exceptions_are_not_lifted() {
    let options = Options { hypothetical: Some(Mode::Enforce), ..Options::default() };
    for held in [1, 2] {
        assert!(world(&ENFORCE, held).plan_of(options.clone()).plan.sessions.is_empty());
    }
    let mut modes = ENFORCE;
    modes[6] = Mode::Ignored;
    assert!(world(&modes, 0).plan_of(options.clone()).plan.sessions.is_empty());
    let mut excluded = world(&ENFORCE, 0);
    excluded.config.computers.get_mut("pc1").unwrap().excluded = true;
    assert!(excluded.plan_of(options.clone()).plan.sessions.is_empty());
    let mut ignored = world(&ENFORCE, 0);
    ignored.software("zip", &["1.0"]);
    ignored.deploy(
        "zip",
        software("zip"),
        state(SoftwareState::Ignored, WantedVersion::Any { install: None }),
        every(),
    );
    assert_eq!(actions(&ignored.plan_of(options.clone()).plan, "pc1"), ["job set"]);
    // A ceiling of ignored is lifted: switching a tenant on is what is asked for.
    let mut modes = ENFORCE;
    modes[2] = Mode::Ignored;
    assert_eq!(actions(&world(&modes, 0).plan_of(options).plan, "pc1"), ["job set"]);
}

#[test]
fn audit_without_a_script_to_act_with_is_blocked_when_it_is_lifted() {
    let mut world = World::new();
    world.software("zip", &["1.0"]).install = None;
    world.computer("pc1", &[]);
    world.deploy("zip", software("zip"), latest("1.0"), every()).mode = Mode::Audit;
    let options = Options { hypothetical: Some(Mode::Enforce), ..Options::default() };
    let plan = world.plan_of(options).plan;
    assert!(plan.sessions.is_empty());
    assert!(plan.notes.iter().any(|note| note.kind == NoteKind::Blocked), "{:?}", notes(&plan));
}
