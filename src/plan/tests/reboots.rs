//! Where nothing is done that may restart a computer (SW-30).

use super::gates::about;
use super::world::*;
use crate::config::kind::{Consequence, Reboot};
use crate::config::model::Computer;
use crate::plan::diff::Decision;
use crate::plan::document::{Options, Plan};
use crate::plan::explain::explain;
use crate::plan::gates::Run;
use crate::plan::past::Past;

/// Three computers, of a tenant, of one below it and of another; all are to have a driver that may restart them, and a tool
/// that does not.
fn drivers() -> World {
    let mut world = World::new();
    world.tenant("acme");
    world.tenant("acme-north").parent = Some(name("acme"));
    world.tenant("contoso");
    for (computer, tenant) in [("a", "acme"), ("b", "acme-north"), ("c", "contoso")] {
        world.computer(computer, &["all"]).tenant = Some(name(tenant));
    }
    world.software("driver", &["2.0", "1.0"]).needs_reboot = true;
    world.software("tool", &["1.0"]);
    world.deploy("driver", software("driver"), latest("2.0"), tag("all"));
    world.deploy("tool", software("tool"), latest("1.0"), tag("all"));
    world
}

fn done(plan: &Plan) -> Vec<(String, Vec<String>)> {
    ["a", "b", "c"].map(|computer| (computer.to_owned(), actions(plan, computer))).to_vec()
}

const SUPPRESSED: &str =
    "Blocked driver: an install of 2.0 is due: it may restart the computer, and that is suppressed";

#[test]
fn software_that_may_restart_waits_where_a_tenant_above_or_the_computer_says_so() {
    let mut world = drivers();
    world.config.tenants.get_mut("acme").unwrap().reboot = Reboot::Suppress;
    let plan = world.plan().plan;
    assert_eq!(actions(&plan, "a"), ["tool install"]);
    assert_eq!(actions(&plan, "b"), ["tool install"]);
    assert_eq!(actions(&plan, "c"), ["driver install", "tool install"]);
    assert_eq!(notes(&plan), [format!("{SUPPRESSED} [a b]")]);
    assert_eq!(plan.impact.restarts, 1);

    let mut world = drivers();
    let told = Computer { reboot: Reboot::Suppress, ..about("c") };
    world.config.computers.insert(name("c"), told);
    assert_eq!(notes(&world.plan().plan), [format!("{SUPPRESSED} [c]")]);
}

#[test]
fn a_run_that_may_restart_nothing_does_the_rest_and_the_next_one_what_was_left() {
    let mut world = drivers();
    world.is("a", software("driver"), present("1.0"));
    let quiet = world.plan_of(Options { no_reboot: true, ..Options::default() }).plan;
    let tool = vec!["tool install".to_owned()];
    assert_eq!(done(&quiet), ["a", "b", "c"].map(|computer| (computer.to_owned(), tool.clone())));
    assert_eq!(quiet.impact.restarts, 0);
    world.apply(&quiet);
    let rest = world.plan().plan;
    assert_eq!(actions(&rest, "a"), ["driver update"]);
    assert_eq!(actions(&rest, "b"), ["driver install"]);
    assert_eq!(rest.impact.restarts, 3);
}

#[test]
fn a_removal_that_may_restart_waits_too() {
    let mut world = drivers();
    world.config.deployments.get_mut("driver").unwrap().desired = absent();
    for computer in ["a", "b", "c"] {
        world.is(computer, software("driver"), present("1.0"));
    }
    world.config.tenants.get_mut("contoso").unwrap().reboot = Reboot::Suppress;
    let plan = world.plan().plan;
    assert_eq!(actions(&plan, "a"), ["driver uninstall", "tool install"]);
    assert_eq!(actions(&plan, "c"), ["tool install"]);
}

#[test]
fn what_needs_something_that_may_restart_waits_with_it() {
    let mut world = drivers();
    world.config.deployments.remove("driver");
    world.rule("tool", not_installed(&["driver"]), Consequence::Install(names(&["driver"])));
    world.config.tenants.get_mut("contoso").unwrap().reboot = Reboot::Suppress;
    let plan = world.plan().plan;
    assert_eq!(actions(&plan, "a"), ["driver install", "tool install"]);
    assert_eq!(actions(&plan, "c"), [] as [&str; 0]);
    let why = "it may restart the computer, and that is suppressed";
    assert_eq!(notes(&plan), [format!("Blocked tool: driver has to be there first: {why} [c]")]);
    // And where it would have to go.
    let mut world = drivers();
    world.config.deployments.remove("driver");
    world.is("c", software("driver"), present("1.0"));
    world.rule("tool", installed(&["driver"]), Consequence::Uninstall(names(&["driver"])));
    world.config.tenants.get_mut("contoso").unwrap().reboot = Reboot::Suppress;
    let plan = world.plan().plan;
    assert_eq!(actions(&plan, "a"), ["tool install"]);
    assert_eq!(actions(&plan, "c"), [] as [&str; 0]);
    assert_eq!(notes(&plan), [format!("Blocked tool: driver has to be gone first: {why} [c]")]);
}

#[test]
fn explain_says_what_the_plan_says() {
    let mut world = drivers();
    world.config.tenants.get_mut("acme").unwrap().reboot = Reboot::Suppress;
    let snapshot = world.snapshot();
    let detections = world.detect(&snapshot);
    let item = software("driver");
    let run = Run::at(world.now);
    let decision = |ix| {
        let told =
            explain(&world.config, &snapshot, &detections, &Past::default(), ix, Some(&item), &run).unwrap();
        told.items[0].decision.clone().unwrap()
    };
    assert_eq!(
        format!(
            "Blocked driver: {}",
            match decision(0) {
                Decision::Blocked(why) => why,
                other => format!("{other:?}"),
            }
        ),
        SUPPRESSED
    );
    assert!(matches!(decision(2), Decision::Act(_)));
}
