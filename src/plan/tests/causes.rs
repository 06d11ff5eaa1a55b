//! Why something is due, and who has come and gone: plans after earlier runs.

use std::collections::BTreeMap;

use super::world::*;
use crate::config::kind::{Match, Metadata, Mode, ParameterValue, ParametersChanged, SoftwareState, Term};

use crate::config::model::{self, Desired, WantedVersion};
use crate::inventory::facts::Role;
use crate::inventory::item::Observed;
use crate::plan::document::{Cause, Plan, Reason};
use crate::plan::planner::Planned;
use crate::session::stage::ActionResult;
use crate::time::Timestamp;

/// Plans, applies what is planned and remembers what was wanted, as a run does.
fn run(world: &mut World) -> Planned {
    let planned = world.plan();
    world.apply(&planned.plan);
    let snapshot = world.snapshot();
    let ids: Vec<_> = snapshot.iter().map(|(_, computer)| computer.id.clone()).collect();
    let wants = &planned.wants;
    world.remembered =
        world.remembered.clone().aligned(&ids).updated(wants.now.clone(), &wants.scope, &wants.unknown);
    planned
}

fn causes(plan: &Plan) -> Vec<(String, Cause)> {
    plan.changes.iter().map(|change| (change.item.to_string(), change.cause)).collect()
}

#[test]
fn the_cause_tells_what_made_the_difference_appear() {
    let mut world = World::new();
    world.computer("pc1", &["office"]);
    world.software("zip", &["2.0", "1.0"]);
    world.is("pc1", software("zip"), present("2.0"));
    world.deploy("zip", software("zip"), latest("2.0"), tag("office"));
    assert!(run(&mut world).plan.changes.is_empty(), "it is there already");

    // It was as wanted without any action of ours, and is not any more.
    let mut drifted = world.clone();
    drifted.is("pc1", software("zip"), present("1.0"));
    assert_eq!(causes(&drifted.plan().plan), [("zip".to_owned(), Cause::Drift)]);

    // A computer that comes into the target, be it new or tagged now.
    let mut joined = world.clone();
    joined.computer("pc2", &["office"]);
    assert_eq!(causes(&joined.plan().plan), [("zip".to_owned(), Cause::Membership)]);

    // `latest` has moved, and nobody changed the deployment.
    let mut moved = world.clone();
    moved.config.deployments.get_mut("zip").unwrap().desired = latest("3.0");
    assert_eq!(causes(&moved.plan().plan), [("zip".to_owned(), Cause::SourceData)]);

    // Another wish.
    let mut other = world.clone();
    other.config.deployments.get_mut("zip").unwrap().desired =
        state(SoftwareState::Installed, WantedVersion::Exact { version: "3.0".into() });
    assert_eq!(causes(&other.plan().plan), [("zip".to_owned(), Cause::NewIntent)]);

    // What was only watched may now be done.
    let mut watched = world.clone();
    watched.is("pc1", software("zip"), present("1.0"));
    watched.config.deployments.get_mut("zip").unwrap().mode = Mode::Audit;
    assert!(run(&mut watched).plan.changes.is_empty());
    watched.config.deployments.get_mut("zip").unwrap().mode = Mode::Enforce;
    assert_eq!(causes(&watched.plan().plan), [("zip".to_owned(), Cause::Policy)]);
}

#[test]
fn values_that_have_changed_since_the_install_are_drift() {
    let mut world = World::new();
    world.computer("pc1", &["office"]);
    world.computer("pc2", &["office"]);
    let parameter = serde_json::from_str(r#"{ "type": "text" }"#).unwrap();
    world.software("agent", &["1.0"]).parameters.insert("site".into(), parameter);
    world.is("pc2", software("agent"), present("1.0"));
    let give = |world: &mut World, site: &str| {
        let deployment = world.config.deployments.get_mut("agent").unwrap();
        deployment.parameters.insert("site".into(), ParameterValue::Text(site.to_owned()));
    };
    world.deploy("agent", software("agent"), latest("1.0"), tag("office"));
    give(&mut world, "north");
    assert_eq!(actions(&run(&mut world).plan, "pc1"), ["agent install"]);
    assert!(world.plan().plan.changes.is_empty());

    give(&mut world, "south");
    let plan = world.plan().plan;
    assert_eq!(actions(&plan, "pc1"), ["agent reinstall"]);
    assert_eq!(plan.changes[0].reason, Reason::ParametersChanged);
    // Muster did not install it there, so nobody knows with what.
    assert!(actions(&plan, "pc2").is_empty());
    run(&mut world);
    assert!(world.plan().plan.changes.is_empty(), "once is enough");

    give(&mut world, "west");
    world.config.software.get_mut(&name("agent")).unwrap().parameters_changed =
        Some(ParametersChanged::Ignore);
    assert!(world.plan().plan.changes.is_empty());
}

#[test]
fn memberships_tell_who_came_and_who_left() {
    let mut world = World::new();
    world.computer("pc1", &["office"]);
    world.computer("pc2", &["office"]);
    world.task("set");
    let target = model::Target {
        metadata: Metadata {
            name: name("office"),
            title: None,
            labels: BTreeMap::new(),
            description: None,
            allow: Vec::new(),
        },
        place: place("targets.yaml"),
        expression: tag("office"),
        mode: Mode::Enforce,
    };
    world.config.targets.insert(name("office"), target);
    world.deploy("set", task("set"), Desired::Task, tag("office")).target = Some(name("office"));
    assert!(run(&mut world).plan.memberships.is_empty(), "the first run has nothing to compare with");

    world.known[1].tags.clear();
    world.computer("pc3", &["office"]);
    let plan = world.plan().plan;
    let [change] = plan.memberships.as_slice() else { panic!("{:?}", plan.memberships) };
    assert_eq!((change.before, change.after), (2, 2));
    assert_eq!(change.joined[0].computers, ["pc3"]);
    assert!(change.joined[0].why.contains("new computer"), "{}", change.joined[0].why);
    assert_eq!(change.left[0].computers, ["pc2"]);
    assert!(change.left[0].why.contains("office"), "{}", change.left[0].why);
}

#[test]
fn nobody_has_left_or_joined_where_it_is_not_known_who_is_a_member() {
    let mut world = World::new();
    world.task("set");
    let servers = Match { all: Some(vec![Term::Role(Role::Server)]), ..Match::default() };
    let target = model::Target {
        metadata: metadata("servers"),
        place: place("targets.yaml"),
        expression: servers.clone(),
        mode: Mode::Enforce,
    };
    world.config.targets.insert(name("servers"), target);
    world.deploy("set", task("set"), Desired::Task, servers).target = Some(name("servers"));
    for text in ["pc1", "pc2", "pc3"] {
        world.computer(text, &[]);
    }
    let role = |world: &mut World, at: usize, role: Option<Role>| {
        world.known[at].facts.as_mut().unwrap().1.roles = role.map(|role| [role].into());
    };
    for at in 0..3 {
        role(&mut world, at, Some(Role::Server));
    }
    run(&mut world);
    role(&mut world, 0, None);
    role(&mut world, 1, Some(Role::Workstation));
    let plan = run(&mut world).plan;
    let [change] = plan.memberships.as_slice() else { panic!("{:?}", plan.memberships) };
    assert_eq!((change.before, change.after), (3, 2));
    assert!(change.joined.is_empty());
    assert_eq!(change.left.iter().flat_map(|left| &left.computers).collect::<Vec<_>>(), ["pc2"]);
    assert!(world.plan().plan.memberships.is_empty(), "nobody came or went");
    // What it was before the doubt is remembered through it.
    let mut back = world.clone();
    role(&mut back, 0, Some(Role::Server));
    assert!(back.plan().plan.memberships.is_empty());
    role(&mut world, 0, Some(Role::Workstation));
    let plan = world.plan().plan;
    assert_eq!(plan.memberships[0].left[0].computers, ["pc1"]);
}

/// Whether a task is set there.
fn set(world: &mut World, computer: &str, good: bool) {
    let observed = if good { Observed::Compliant } else { Observed::non_compliant("") };
    world.is(computer, task("set"), observed);
}

#[test]
fn what_the_last_run_wanted_tells_the_cause_and_not_what_was_done_long_ago() {
    let mut world = World::new();
    world.task("set");
    world.computer("pc1", &["office"]);
    let deploy = |world: &mut World| {
        world.deploy("set", task("set"), Desired::Task, tag("office"));
    };
    deploy(&mut world);
    assert_eq!(causes(&run(&mut world).plan), [("set".to_owned(), Cause::NewIntent)]);
    assert!(run(&mut world).plan.changes.is_empty());
    set(&mut world, "pc1", false);
    assert_eq!(causes(&world.plan().plan), [("set".to_owned(), Cause::Drift)]);

    // A mode, or a hold, held it back in the last run.
    for held in [Mode::Audit, Mode::Ignored] {
        let mut watched = world.clone();
        watched.config.deployments.get_mut("set").unwrap().mode = held;
        assert!(run(&mut watched).plan.changes.is_empty());
        watched.config.deployments.get_mut("set").unwrap().mode = Mode::Enforce;
        assert_eq!(causes(&watched.plan().plan), [("set".to_owned(), Cause::Policy)], "{held}");
    }

    // The computer was not in the target in the last run.
    let mut away = world.clone();
    away.known[0].tags.clear();
    assert!(run(&mut away).plan.changes.is_empty());
    away.known[0].tags = ["office".to_owned()].into();
    assert_eq!(causes(&away.plan().plan), [("set".to_owned(), Cause::Membership)]);

    // The deployment was not there in the last run.
    let mut gone = world.clone();
    gone.config.deployments.clear();
    assert!(run(&mut gone).plan.changes.is_empty());
    deploy(&mut gone);
    assert_eq!(causes(&gone.plan().plan), [("set".to_owned(), Cause::NewIntent)]);
}

#[test]
fn a_deployment_that_won_nowhere_was_there_all_the_same() {
    let mut world = World::new();
    world.task("set");
    world.computer("pc1", &[]);
    world.deploy("set", task("set"), Desired::Task, tag("gold"));
    assert!(run(&mut world).plan.changes.is_empty());
    world.known[0].tags = ["gold".to_owned()].into();
    assert_eq!(causes(&world.plan().plan), [("set".to_owned(), Cause::Membership)]);
}

#[test]
fn what_failed_is_tried_again_until_it_was_found_as_wanted() {
    let mut world = World::new();
    world.task("set");
    world.computer("pc1", &[]);
    world.deploy("set", task("set"), Desired::Task, every());
    let later = |world: &mut World| {
        world.now = Timestamp::from_second(world.now.as_second() + 60).unwrap();
    };
    let fails = |world: &mut World| {
        let last = world.history.last_mut().unwrap();
        (last.result, last.observed) = (ActionResult::Failed, None);
        last.at = Timestamp::from_second(last.at.as_second() + 1).unwrap();
        set(world, "pc1", false);
    };
    run(&mut world);
    fails(&mut world);
    assert_eq!(causes(&world.plan().plan), [("set".to_owned(), Cause::Retry)]);
    // Somebody mended it, a run saw that, and then it was gone again.
    later(&mut world);
    set(&mut world, "pc1", true);
    assert!(run(&mut world).plan.changes.is_empty());
    later(&mut world);
    set(&mut world, "pc1", false);
    let plan = world.plan().plan;
    assert_eq!(causes(&plan), [("set".to_owned(), Cause::Drift)]);
    // A run that tried and was stopped keeps nothing but its results.
    world.apply(&plan);
    fails(&mut world);
    assert_eq!(causes(&world.plan().plan), [("set".to_owned(), Cause::Retry)]);
}

#[test]
fn where_nobody_won_for_lack_of_knowledge_what_was_wanted_before_counts() {
    let mut world = World::new();
    world.task("set");
    world.computer("pc1", &[]).facts.as_mut().unwrap().1.roles = Some([Role::Server].into());
    let servers = Match { all: Some(vec![Term::Role(Role::Server)]), ..Match::default() };
    world.deploy("set", task("set"), Desired::Task, servers);
    run(&mut world);
    run(&mut world);
    world.known[0].facts.as_mut().unwrap().1.roles = None;
    assert!(run(&mut world).plan.changes.is_empty());
    world.known[0].facts.as_mut().unwrap().1.roles = Some([Role::Server].into());
    set(&mut world, "pc1", false);
    assert_eq!(causes(&world.plan().plan), [("set".to_owned(), Cause::Drift)]);
}
