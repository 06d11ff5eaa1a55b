//! Why something is due, and who has come and gone: plans after earlier runs.

use std::collections::BTreeMap;

use super::world::*;
use crate::config::kind::{Metadata, Mode, ParameterValue, ParametersChanged, SoftwareState};
use crate::config::model::{self, Desired, WantedVersion};
use crate::plan::document::{Cause, Plan, Reason};
use crate::plan::planner::Planned;

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
