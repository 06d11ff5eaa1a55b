//! Approved updates of the operating system: planned and started in runs of a schedule, through Automate.

use std::collections::BTreeMap;

use muster_lab::faults::{Faults, Rule, What};
use muster_lab::journal::Entry;
use rustix::process::Signal;

use crate::support::lab_world::{LabWorld, fleet};
use crate::support::muster::World;

/// The run of the schedule.
const PLAN: [&str; 5] = ["plan", "--schedule", "updates", "--refresh", "always"];
const APPLY: [&str; 4] = ["apply", "--auto-approve", "--schedule", "updates"];

/// The example, whose patch jobs take so long.
fn example(job_ms: u64) -> LabWorld {
    let mut fleet = fleet("connectwise");
    fleet.automate.patch_job_ms = job_ms;
    LabWorld::new(World::example("connectwise"), fleet)
}

/// How many patches are planned to be brought where, as text, by computer.
fn planned(world: &LabWorld) -> BTreeMap<String, String> {
    let ran = world.run(&[&PLAN[..], &["--output", "json"]].concat());
    let plan = ran.json();
    let mut found = BTreeMap::new();
    for change in plan["changes"].as_array().unwrap().iter().filter(|change| change["action"] == "os-update")
    {
        assert_eq!(change["item"]["kind"], "os-updates");
        assert_eq!(change["mayRestart"], true);
        let before = change["before"]["non-compliant"]["fields"][0].clone();
        let text = before["before"].as_str().map_or_else(|| before["different"].to_string(), str::to_owned);
        for at in change["computers"].as_array().unwrap() {
            let computer = &plan["computers"][usize::try_from(at.as_u64().unwrap()).unwrap()]["name"];
            found.insert(computer.as_str().unwrap().to_owned(), text.clone());
        }
    }
    found
}

/// How often the deployment of patches was asked for, whatever became of it.
fn asked(world: &LabWorld) -> usize {
    let is_it = |entry: &Entry| matches!(entry, Entry::Request { method, path, .. } if method == "POST" && path.contains("PatchActions"));
    world.lab.journal().iter().filter(|line| is_it(&line.entry)).count()
}

#[test]
fn approved_updates_are_planned_started_once_and_not_due_again() {
    let world = example(200);
    world.run(&["apply", "--auto-approve"]).exits(0);
    assert_eq!(asked(&world), 0, "only a schedule asks for them");
    let of = [("contoso-pc-1", "2"), ("contoso-pc-2", "2")];
    let expected: BTreeMap<String, String> =
        of.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
    assert_eq!(planned(&world), expected, "two computers, with two different counts");
    let shown = world.run(&PLAN).exits(0);
    shown.shows("the run of schedule updates").shows("missing patches").shows("schedules/updates.yaml");
    world.run(&APPLY).exits(0);
    assert_eq!(asked(&world), 2);
    assert_eq!(planned(&world), BTreeMap::new());
    world.run(&[&PLAN[..], &["--detailed-exitcode"]].concat()).exits(0).shows("No changes");
    world.run(&APPLY).exits(0);
    assert_eq!(asked(&world), 2);
}

#[test]
fn a_saved_plan_of_a_schedule_is_applied_with_its_updates() {
    let world = example(200);
    world.run(&[&PLAN[..], &["--out", "updates.plan"]].concat()).exits(0);
    world.run(&["apply", "updates.plan", "--auto-approve"]).exits(0);
    assert_eq!(asked(&world), 2);
    world.run(&["apply", "updates.plan", "--auto-approve"]).exits(0);
    assert_eq!(asked(&world), 2, "what is done is not done again");
    assert_eq!(planned(&world), BTreeMap::new());
}

#[test]
fn what_only_audits_and_what_may_not_restart_starts_nothing() {
    let world = example(200);
    world.run(&[&APPLY[..], &["--mode", "audit"]].concat()).exits(0).shows("approved updates wait");
    world.run(&[&APPLY[..], &["--mode", "monitor"]].concat()).exits(0);
    world.run(&[&APPLY[..], &["--no-reboot"]].concat()).exits(0).shows("it may restart the computer");
    assert_eq!(asked(&world), 0);
}

#[test]
fn the_run_of_a_schedule_is_about_its_computers_alone() {
    let world = example(200);
    let narrowed =
        world.run(&["plan", "--schedule", "updates", "--only", "computer:contoso-pc-2", "--output", "json"]);
    let plan = narrowed.exits(0).json();
    assert_eq!(plan["coverage"]["computers"], 1, "{plan}");
    assert_eq!(plan["options"]["schedule"], "updates");
    let whole = world.run(&[&PLAN[..], &["--output", "json"]].concat()).json();
    assert_eq!(whole["coverage"]["computers"], 5, "the Linux computers are not of it");
    let unknown = world.run(&["plan", "--schedule", "update"]).exits(64);
    unknown.says("there is no schedule called update").says("did you mean updates?").says("repair, updates");
}

#[test]
fn an_agent_is_repaired_through_another_one_by_a_schedule() {
    let world = example(200);
    let run = ["--schedule", "repair", "--deployment", "automate-agent-works", "--through", "control"];
    world.run(&[&["apply", "--auto-approve"], &run[..]].concat()).exits(0);
    world.run(&[&["plan", "--detailed-exitcode"], &run[..]].concat()).exits(0).shows("No changes");
    assert_eq!(asked(&world), 0);
}

#[test]
fn an_answer_that_is_lost_starts_nothing_twice() {
    let world = example(3000);
    let rule = |what| Rule { path: Some("*PatchActions*".to_owned()), times: Some(1), ..Rule::of(what) };
    world.lab.set_faults(Faults { rules: vec![rule(What::ResetAfter)], ..Faults::default() });
    let applied = world.run(&[&APPLY[..], &["--only", "computer:contoso-pc-1"]].concat()).exits(0);
    assert_eq!(asked(&world), 1, "{}", applied.err);
    let throttle = Rule { retry_after: Some(1), ..rule(What::Throttle) };
    world.lab.set_faults(Faults { rules: vec![throttle], ..Faults::default() });
    world.run(&[&APPLY[..], &["--only", "computer:contoso-pc-2"]].concat()).exits(0);
    assert_eq!(asked(&world), 3, "one that was refused at first");
    assert_eq!(planned(&world), BTreeMap::new());
}

#[test]
fn updates_under_way_are_waited_for_and_not_started_again() {
    let world = example(20_000);
    let only = ["--only", "computer:contoso-pc-1"];
    let first = world.start(&[&APPLY[..], &only, &["--output", "ndjson"]].concat());
    let end = std::time::Instant::now() + std::time::Duration::from_mins(1);
    while asked(&world) == 0 && std::time::Instant::now() < end {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    first.signal(Signal::INT);
    let stopped = first.end().exits(130);
    assert!(stopped.out.contains("goes on by itself"), "{}", stopped.out);
    world.run(&[&APPLY[..], &only].concat()).exits(0);
    assert_eq!(asked(&world), 1);
    let left = planned(&world);
    assert_eq!(left.keys().collect::<Vec<_>>(), ["contoso-pc-2"]);
}

#[test]
fn an_account_that_may_not_see_patches_is_told_and_nothing_is_started() {
    let mut fleet = fleet("connectwise");
    fleet.automate.permissions.retain(|permission| permission != "Patch Manager.Read");
    let world = LabWorld::new(World::example("connectwise"), fleet);
    let told = world.run(&APPLY).exits(5);
    assert_eq!(asked(&world), 0);
    told.shows("the patches of a computer");
}
