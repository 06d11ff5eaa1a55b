//! What is told of deployments, bundles, targets and items by their names, and of what is on hold.

use super::gates::hold;
use super::world::*;
use crate::config::kind::{Consequence, CrossTenant, Enforcement, Mode};
use crate::config::model::Desired;
use crate::inventory::facts::{Facts, Package, PackageSource};
use crate::inventory::item::ItemKind;
use crate::plan::explain::{Explanation, Idle, explain};
use crate::plan::gates::Run;
use crate::plan::past::Past;
use crate::plan::{programs, subject};

fn explained(world: &World, computer: u32) -> Explanation {
    let snapshot = world.snapshot();
    let detections = world.detect(&snapshot);
    explain(&world.config, &snapshot, &detections, &Past::default(), computer, None, &Run::at(world.now))
        .unwrap()
}

fn two() -> World {
    let mut world = World::new();
    world.tenant("low");
    world.computer("pc1", &[]).tenant = Some(name("low"));
    world.computer("pc2", &[]);
    world.software("zip", &["1.0", "2.0"]);
    world
}

#[test]
fn an_item_on_hold_says_since_nothing_is_done_until_when_and_why() {
    let mut world = two();
    world.deploy("zip", software("zip"), latest("2.0"), every()).hold = Some(hold("2027-03-01"));
    world.is("pc1", software("zip"), present("1.0"));
    let told = explained(&world, 0);
    let item = &told.items[0];
    assert_eq!(item.decision, None, "nothing follows, which is not the same as being as wanted");
    let Some(Idle::Held(held)) = &item.idle else { panic!("{:?}", item.idle) };
    assert_eq!(
        held.to_string(),
        "deployment zip is on hold until 2027-03-01: a fair (deployments/zip.yaml:1)"
    );
    // The day after, all is as if it had never been.
    world.config.deployments.get_mut("zip").unwrap().hold = Some(hold("2027-01-15"));
    let item = explained(&world, 0).items.remove(0);
    assert!(item.idle.is_none() && item.decision.is_some());
}

#[test]
fn what_was_seen_before_a_hold_began_is_still_told() {
    let mut world = two();
    world.deploy("zip", software("zip"), latest("2.0"), every());
    world.is("pc1", software("zip"), present("1.0"));
    let snapshot = world.snapshot();
    let detections = world.detect(&snapshot);
    world.config.deployments.get_mut("zip").unwrap().hold = Some(hold("2027-03-01"));
    let told = explain(&world.config, &snapshot, &detections, &Past::default(), 0, None, &Run::at(world.now))
        .unwrap();
    assert_eq!(told.items[0].observed.as_ref().map(|(observed, _)| observed), Some(&present("1.0")));
}

#[test]
fn a_tenants_hold_an_ignoring_deployment_and_a_ceiling_are_told_apart() {
    let mut world = two();
    world.deploy("zip", software("zip"), latest("2.0"), every());
    world.tenant("low").hold = Some(hold("2027-03-01"));
    let told = explained(&world, 0);
    assert_eq!(
        told.on_hold.unwrap().to_string(),
        "tenant low is on hold until 2027-03-01: a fair (tenants.yaml:1)"
    );
    assert!(matches!(told.items[0].idle, Some(Idle::Held(_))));
    world.config.tenants.get_mut("low").unwrap().hold = None;
    world.config.deployments.get_mut("zip").unwrap().mode = Mode::Ignored;
    assert_eq!(explained(&world, 0).items[0].idle, Some(Idle::Ignored));
    world.config.deployments.get_mut("zip").unwrap().mode = Mode::Enforce;
    world.config.instance.mode = Mode::Ignored;
    assert_eq!(explained(&world, 0).items[0].idle, Some(Idle::Ceiling));
}

fn told(world: &World, deployment: &str) -> subject::AboutDeployment {
    let snapshot = world.snapshot();
    let wanted = &world.config.deployments[deployment];
    subject::deployment(&world.config, &snapshot, &Run::at(world.now), wanted)
}

#[test]
fn a_deployment_tells_whom_it_reaches_where_it_wins_and_to_whom_it_loses() {
    let mut world = two();
    world.deploy("wide", software("zip"), latest("1.0"), every());
    world.deploy("narrow", software("zip"), latest("2.0"), one("pc1"));
    let wide = told(&world, "wide");
    assert_eq!((wide.selects, wide.wins, wide.open), (2, 1, 0));
    assert_eq!(wide.loses.len(), 1);
    assert_eq!(wide.loses[0].what, "narrow (deployments/narrow.yaml:1)");
    // A tie leaves both without a winner.
    world.deploy("other", software("zip"), latest("1.0"), one("pc1"));
    assert_eq!((told(&world, "narrow").wins, told(&world, "narrow").open), (0, 1));
    world.config.tenants.get_mut("low").unwrap().cross_tenant = CrossTenant::Exclude;
    let wide = told(&world, "wide");
    assert_eq!(wide.exempt[0].what, "the tenant opted out of cross-tenant deployments");
    assert_eq!((wide.exempt[0].computers, wide.wins), (1, 1));
}

#[test]
fn a_deployment_that_counts_nowhere_says_why_and_whom_it_would_reach() {
    let mut world = two();
    world.deploy("off", software("zip"), latest("1.0"), every()).enabled = false;
    world.deploy("ask", software("zip"), latest("1.0"), one("pc2")).enforcement = Enforcement::AdHoc;
    let off = told(&world, "off");
    assert_eq!((off.gate.as_deref(), off.selects, off.wins), (Some("it is disabled"), 2, 0));
    let ask = told(&world, "ask");
    assert_eq!(ask.gate.as_deref(), Some("it counts only in a run that names it (--deployment)"));
    assert_eq!((ask.selects, ask.wins), (1, 0));
}

#[test]
fn a_bundle_tells_all_of_its_entries_and_an_item_everything_that_uses_it() {
    let mut world = two();
    world.task("tidy");
    let bundle = (name("base"), place("bundles/base.yaml"));
    world.deploy("base--zip", software("zip"), latest("1.0"), every()).bundle = Some(bundle.clone());
    world.deploy("base--tidy", task("tidy"), Desired::Task, every()).bundle = Some(bundle);
    world.software("app", &["1.0"]).configuration = Some(name("tidy"));
    world.rule("app", not_installed(&["zip"]), Consequence::Install(names(&["zip"])));
    let snapshot = world.snapshot();
    let run = Run::at(world.now);
    let about = subject::bundle(&world.config, &snapshot, &run, &name("base")).unwrap();
    let entries: Vec<&str> = about.deployments.iter().map(|entry| entry.deployment.name.as_str()).collect();
    assert_eq!(entries, ["base--tidy", "base--zip"]);
    assert_eq!(subject::bundle(&world.config, &snapshot, &run, &name("app")), None);

    let said = |kind, item: &str| -> Vec<String> {
        let uses = subject::uses(&world.config, &run, kind, &name(item));
        uses.iter()
            .map(|used| format!("{} {}: {}", used.kind, used.name.as_ref().unwrap(), used.how))
            .collect()
    };
    insta::assert_snapshot!(said(ItemKind::Software, "zip").join("\n"), @r#"
    Bundle base: has it as an entry
    Deployment base--zip: Installs zip, latest, on all computers.
    Software app: asks whether it is installed
    Software app: has it installed first
    "#);
    insta::assert_snapshot!(said(ItemKind::Task, "tidy").join("\n"), @r#"
    Bundle base: has it as an entry
    Deployment base--tidy: Sets tidy on all computers.
    Software app: is configured by it
    "#);
}

#[test]
fn programs_are_counted_once_for_a_computer_and_name_the_software_that_takes_them() {
    let mut world = two();
    world.config.software.get_mut("zip").unwrap().detect =
        crate::config::model::Detect::Package(crate::config::kind::PackageMatch {
            name: "zip".to_owned(),
            manager: None,
        });
    let package = |name: &str, version: &str, hidden| Package {
        name: name.to_owned(),
        version: version.to_owned(),
        source: PackageSource::Dpkg,
        architecture: None,
        product_code: None,
        upgrade_code: None,
        scope: None,
        hidden,
    };
    let of = |packages| Facts { packages, ..Facts::default() };
    let fleet = [
        of(vec![package("zip", "1.0", false), package("zip", "1.0", false), package("zip", "2.0", false)]),
        of(vec![package("zip", "2.0", false), package("ghost", "1", true)]),
        Facts::default(),
    ];
    let counted = programs::count(&world.config, &fleet);
    let said: Vec<String> = counted
        .iter()
        .map(|p| format!("{} {} {:?} {:?} {}", p.name, p.computers, p.versions, p.detected_as, p.hidden))
        .collect();
    insta::assert_snapshot!(said.join("\n"), @r#"
    ghost 1 [("1", 1)] [] true
    zip 2 [("2.0", 2), ("1.0", 1)] ["zip"] false
    "#);
}
