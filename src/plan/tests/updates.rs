//! Approved updates of the operating system, in runs of a schedule.

use super::gates::hold;
use super::world::*;
use crate::config::kind::Mode;
use crate::config::model::Desired;
use crate::inventory::item::{FieldChange, ItemKey, Observed};
use crate::plan::document::{ActionType, Cause, Options, Plan, Reason};
use crate::plan::{digest, effects};
use crate::session::stage::ActionResult;

fn updates() -> ItemKey {
    ItemKey::os_updates().unwrap()
}

fn missing(count: u32) -> Observed {
    let field = FieldChange {
        field: "missing patches".to_owned(),
        before: Some(count.to_string()),
        after: Some("0".to_owned()),
        ..FieldChange::default()
    };
    Observed::NonCompliant { detail: String::new(), fields: vec![field] }
}

/// Three computers with a task; of `a` three patches are missing, of `b` one and of `c` none. A schedule starts updates on all.
fn patched() -> World {
    let mut world = World::new();
    world.tenant("acme");
    for (computer, observed) in [("a", missing(3)), ("b", missing(1)), ("c", Observed::Compliant)] {
        world.computer(computer, &["all"]).tenant = Some(name("acme"));
        world.is(computer, updates(), observed);
    }
    world.task("zone");
    world.deploy("zone", task("zone"), Desired::Task, tag("all"));
    world.deploy("nightly--os-updates", updates(), Desired::OsUpdates, tag("all"));
    world
}

fn nightly() -> Options {
    Options { schedule: Some(name("nightly")), ..Options::default() }
}

fn of_updates(plan: &Plan) -> Vec<(Cause, Reason, usize)> {
    let found = plan.changes.iter().filter(|change| change.action == ActionType::OsUpdate);
    found.map(|change| (change.cause, change.reason, change.computers.len())).collect()
}

#[test]
fn they_are_the_last_of_a_session_and_one_change_whatever_is_missing() {
    let world = patched();
    let plan = world.plan_of(nightly()).plan;
    assert_eq!(actions(&plan, "a"), ["zone set", "os-updates os-update"]);
    assert_eq!(actions(&plan, "b"), ["zone set", "os-updates os-update"]);
    assert_eq!(actions(&plan, "c"), ["zone set"]);
    assert_eq!(of_updates(&plan), [(Cause::SourceData, Reason::UpdatesWaiting, 2)]);
    let change = plan.changes.iter().find(|change| change.action == ActionType::OsUpdate).unwrap();
    assert!(effects::acts(change) && effects::interrupts(change) && effects::restarts(change));
    assert_eq!(plan.impact.restarts, 2);
    assert_eq!(plan.coverage.checks, 6);
    assert_ne!(plan.digest, world.plan().plan.digest);
    assert_eq!(plan.digest, digest::of_plan(&plan));
}

#[test]
fn no_other_run_knows_of_them() {
    let world = patched();
    for options in [
        Options::default(),
        Options { schedule: Some(name("weekly")), ..Options::default() },
        Options { deployments: vec![name("zone")], ..Options::default() },
    ] {
        let plan = world.plan_of(options).plan;
        assert_eq!(of_updates(&plan), []);
        assert_eq!(plan.coverage.checks, 3, "they are not asked for");
    }
}

#[test]
fn named_deployments_leave_them_to_their_schedule() {
    let options = Options { deployments: vec![name("zone")], ..nightly() };
    assert_eq!(actions(&patched().plan_of(options).plan, "a"), ["zone set", "os-updates os-update"]);
}

#[test]
fn modes_holds_and_restarts_are_about_them_too() {
    let world = patched();
    for mode in [Mode::Audit, Mode::Monitor] {
        let plan = world.plan_of(Options { mode: Some(mode), ..nightly() }).plan;
        assert!(plan.sessions.is_empty());
        let told = notes(&plan);
        assert!(
            told.contains(&"NonCompliant os-updates: approved updates wait [a b]".to_owned()),
            "{told:?}"
        );
    }
    let quiet = world.plan_of(Options { no_reboot: true, ..nightly() }).plan;
    assert_eq!(actions(&quiet, "a"), ["zone set"]);
    let why = "Blocked os-updates: it may restart the computer, and that is suppressed [a b]";
    assert_eq!(notes(&quiet), [why]);
    let mut held = patched();
    held.config.tenants.get_mut("acme").unwrap().hold = Some(hold("2999-01-01"));
    assert!(held.plan_of(nightly()).plan.sessions.is_empty());
}

#[test]
fn what_is_not_known_starts_nothing_and_counts_as_nothing_else() {
    let mut world = patched();
    let why = "it is not said how many patches are missing";
    world.is("a", updates(), Observed::Undetermined { why: why.to_owned() });
    world.is("b", updates(), Observed::NotApplicable);
    let plan = world.plan_of(nightly()).plan;
    assert_eq!(of_updates(&plan), []);
    assert_eq!((plan.coverage.undetermined, plan.coverage.not_applicable), (1, 1));
    assert!(notes(&plan).contains(&format!("Undetermined os-updates: {why} [a]")));
}

#[test]
fn after_they_were_started_nothing_is_due_and_in_vain_is_tried_again() {
    let mut world = patched();
    let plan = world.plan_of(nightly()).plan;
    world.apply(&plan);
    assert!(world.plan_of(nightly()).plan.sessions.is_empty());
    world.is("b", updates(), missing(1));
    for result in world.history.iter_mut().filter(|result| result.item == updates()) {
        result.result = ActionResult::Failed;
    }
    assert_eq!(of_updates(&world.plan_of(nightly()).plan), [(Cause::Retry, Reason::UpdatesWaiting, 1)]);
}
