//! A plan with a memo is the plan without, whatever was changed in between.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::world::{
    World, every, installed, latest, name, names, not_installed, place, present, software, tag, task,
};
use crate::config::kind::{Consequence, Enforcement, Hold, Match, Mode, ParameterValue, SoftwareState, Term};
use crate::config::model::{Desired, Target, WantedVersion};
use crate::id::Digest;
use crate::inventory::item::ItemKey;
use crate::plan::document::{Options, Revision};
use crate::plan::memo::Memo;
use crate::plan::past::Past;
use crate::plan::planner::{Input, Planned, plan, replan};
use crate::plan::remembered::Remembered;
use crate::time::Limit;

/// One change to one document.
#[derive(Debug, Clone)]
struct Edit {
    what: u8,
    which: u8,
    how: u8,
}

fn edit() -> impl Strategy<Value = Edit> {
    (0_u8..14, any::<u8>(), any::<u8>()).prop_map(|(what, which, how)| Edit { what, which, how })
}

fn item(number: u8) -> ItemKey {
    match number % 6 {
        4 => task("t0"),
        5 => task("t1"),
        n => software(&format!("s{n}")),
    }
}

fn wanted(item: &ItemKey, how: u8) -> Desired {
    if *item == task("t0") || *item == task("t1") {
        return Desired::Task;
    }
    let state =
        [SoftwareState::Installed, SoftwareState::Absent, SoftwareState::UpdateIfFound][usize::from(how % 3)];
    let version = match how / 3 % 3 {
        0 => WantedVersion::Latest { install: "2.0".to_owned() },
        1 => WantedVersion::Exact { version: "1.0".to_owned() },
        _ => WantedVersion::Any { install: Some("2.0".to_owned()) },
    };
    Desired::Software { state, version, allow_downgrade: how & 1 == 1 }
}

fn expression(how: u8) -> Match {
    match how % 6 {
        0 => every(),
        1 => tag("a"),
        2 => tag("b"),
        3 => tag("nobody"),
        4 => Match {
            any: Some(vec![Term::Computer("pc9".to_owned()), Term::Tag("a".to_owned())]),
            ..Match::default()
        },
        _ => Match { all: Some(vec![Term::Target(name("first"))]), ..Match::default() },
    }
}

/// Aims a deployment: at a named target, or with an expression of its own.
fn aim(world: &mut World, deployment: &str, how: u8) {
    let target = [Some("first"), Some("second"), None][usize::from(how % 3)];
    let expression = target.map_or_else(
        || expression(how / 3),
        |target| Match { all: Some(vec![Term::Target(name(target))]), ..Match::default() },
    );
    let made = world.config.deployments.get_mut(&name(deployment)).unwrap();
    made.target = target.map(name);
    made.expression = expression;
}

fn target(world: &mut World, text: &str, expression: Match) {
    let metadata = super::world::metadata(text);
    let made =
        Target { metadata, place: place(&format!("targets/{text}.yaml")), expression, mode: Mode::Enforce };
    world.config.targets.insert(name(text), made);
}

impl Edit {
    fn make(&self, world: &mut World) {
        let Self { what, which, how } = *self;
        let some = format!("d{}", which % 8);
        let deployment = world.config.deployments.get_mut(&name(&some));
        let of = item(which);
        let known = world.config.software.get_mut(&of.name);
        match (what, deployment, known) {
            (0, ..) => {
                world.config.deployments.remove(&name(&some));
            }
            (1, ..) => {
                let of = item(how);
                world.config.deployments.remove(&name(&some));
                world.deploy(&some, of.clone(), wanted(&of, which), every());
                aim(world, &some, how);
            }
            (2, Some(made), _) => made.desired = wanted(&made.item, how),
            (3, Some(_), _) => aim(world, &some, how),
            (4, Some(made), _) => {
                made.mode = [Mode::Enforce, Mode::Audit, Mode::Monitor, Mode::Ignored][usize::from(how % 4)];
            }
            (5, Some(made), _) => made.priority = i32::from(how % 3),
            (6, Some(made), _) => {
                made.enabled = how & 1 == 0;
                made.enforcement = if how & 2 == 0 { Enforcement::Required } else { Enforcement::AdHoc };
            }
            (7, Some(made), _) => {
                made.parameters =
                    BTreeMap::from([("size".to_owned(), ParameterValue::Text(format!("{}", how % 3)))]);
            }
            (8, Some(made), _) => {
                let until = if how & 1 == 0 { "2026-01-01" } else { "2030-01-01" };
                let hold: Hold =
                    serde_json::from_value(serde_json::json!({ "until": until, "reason": "tests" })).unwrap();
                made.hold = Some(hold).filter(|_| how & 2 == 0);
            }
            (9, ..) => {
                // The first one stands on its own, so there is no circle.
                let expression = expression(how % 5);
                target(world, "first", expression);
            }
            (10, ..) => target(world, "second", expression(how)),
            (11, _, Some(made)) => {
                made.enabled = how % 4 != 0;
                made.needs_reboot = how & 4 == 0;
                made.install =
                    Some(super::world::scripts(if how & 8 == 0 { "install" } else { "install better" }));
                made.place.line = u32::from(how % 3);
            }
            (12, _, Some(made)) => {
                made.prerequisites.clear();
                made.configuration = (how % 4 == 0).then(|| name("t1"));
                let other = format!("s{}", (which % 4 + 1) % 4);
                let ask = [not_installed(&[&other]), installed(&[&other])][usize::from(how / 4 % 2)].clone();
                let follows = [
                    Consequence::Install(names(&[&other])),
                    Consequence::Uninstall(names(&[&other])),
                    Consequence::Fail("no".to_owned()),
                ];
                if how & 16 == 0 {
                    let own = of.name.as_str().to_owned();
                    world.rule(&own, ask, follows[usize::from(how / 32 % 3)].clone());
                }
            }
            (13, ..) => {
                let made = world.config.tasks.get_mut(&name("t0")).unwrap();
                made.set = Some(super::world::scripts(if how & 1 == 0 { "set" } else { "set well" }));
                made.enabled = how & 2 == 0;
            }
            _ => {}
        }
    }
}

fn world(tags: &[u8]) -> World {
    let mut world = World::new();
    for number in 0..4 {
        world.software(&format!("s{number}"), &["2.0", "1.0"]);
    }
    world.task("t0");
    world.task("t1");
    target(&mut world, "first", every());
    target(&mut world, "second", tag("a"));
    for (number, bits) in tags.iter().enumerate() {
        let tags: Vec<&str> =
            [(1, "a"), (2, "b")].into_iter().filter(|(bit, _)| bits & bit != 0).map(|(_, tag)| tag).collect();
        let own = format!("pc{number}");
        let known = world.computer(&own, &tags);
        if bits & 4 != 0 {
            known.facts = None;
        }
        if bits & 8 != 0 {
            world.is(&own, software("s0"), present("1.0"));
            world.is(&own, software("s1"), present("2.0"));
            world.is(&own, software("s3"), present("3.0"));
        }
    }
    for number in 0..5_u8 {
        let of = item(number);
        world.deploy(&format!("d{number}"), of.clone(), wanted(&of, number), every());
        aim(&mut world, &format!("d{number}"), number);
    }
    world.deploy("wide", software("s0"), latest("2.0"), tag("b"));
    world
}

fn same(with: &Planned, without: &Planned) -> Result<(), TestCaseError> {
    prop_assert_eq!(&with.plan, &without.plan);
    prop_assert_eq!(
        serde_json::to_string(&with.plan).unwrap(),
        serde_json::to_string(&without.plan).unwrap()
    );
    prop_assert_eq!(&with.findings, &without.findings);
    prop_assert_eq!(&with.wants.now, &without.wants.now);
    prop_assert_eq!(&with.wants.scope, &without.wants.scope);
    prop_assert_eq!(&with.wants.unknown, &without.wants.unknown);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_with_a_memo_is_the_plan_without(
        tags in prop::collection::vec(any::<u8>(), 1..7),
        edits in prop::collection::vec((edit(), 0_i64..4000, 0_u8..12), 1..16),
        remembers in any::<bool>(),
    ) {
        let mut world = world(&tags);
        let snapshot = world.snapshot();
        let mut everything = world.clone();
        // What is asked with other values has no answer; what is asked as at first has one.
        for number in 0..6 {
            let of = item(number);
            everything.deploy(&format!("x{number}"), of.clone(), wanted(&of, 0), every());
        }
        let detections = everything.detect(&snapshot);
        let mut remembered = if remembers { everything.plan().wants.now } else { Remembered::default() };
        remembered.computers = snapshot.iter().filter(|_| remembers).map(|(_, pc)| pc.id.clone()).collect();
        let past = Past::new(&snapshot, remembered, Vec::new(), BTreeMap::new());
        let mut memo = Memo::new(&snapshot, &detections, &past);
        for (edit, later, limits) in edits {
            edit.make(&mut world);
            let mode = (limits == 1).then_some(Mode::Audit);
            let deployments = if limits == 2 { vec![name("d1")] } else { Vec::new() };
            let only = (limits == 3).then(|| (0..1).collect());
            let input = Input {
                config: &world.config,
                snapshot: &snapshot,
                detections: &detections,
                past: &past,
                revision: Revision { content: Some(Digest::of(&[limits])), ..Revision::default() },
                options: Options { mode, deployments, ..Options::default() },
                only,
                now: crate::time::Timestamp::from_second(world.now.as_second() + later).unwrap(),
                max_age: Limit::seconds(3600),
            };
            same(&replan(&mut memo, &input), &plan(&input))?;
            // And once more, with nothing to work out.
            same(&replan(&mut memo, &input), &plan(&input))?;
        }
    }
}

#[test]
fn a_memo_of_other_computers_is_of_no_use_and_does_no_harm() {
    let (few, many) = (world(&[1]), world(&[1, 2, 8]));
    let (snapshot, past) = (few.snapshot(), Past::default());
    let detections = few.detect(&snapshot);
    let mut memo = Memo::new(&snapshot, &detections, &past);
    let others = many.snapshot();
    let input = Input {
        config: &many.config,
        snapshot: &others,
        detections: &detections,
        past: &past,
        revision: Revision::default(),
        options: Options::default(),
        only: None,
        now: many.now,
        max_age: Limit::seconds(3600),
    };
    same(&replan(&mut memo, &input), &plan(&input)).unwrap();
    let known = Input { config: &few.config, snapshot: &snapshot, ..input };
    same(&replan(&mut memo, &known), &plan(&known)).unwrap();
}
