//! A thousand runs of planning and applying through Control, Automate and RMM with everything going wrong.
//!
//! Each run has a lab and a store of its own. All is well when the computers are found; then its seed decides what goes
//! wrong while they are planned again and while the plan is applied; then all is well again, and it is planned and applied
//! until there is nothing to do. Time leaps to the next thing that happens, so that waiting costs nothing.
//!
//! Judged by what the lab did, not by what Muster believes: nothing ran twice, what is said of an action is so, no computer
//! is lost from a target, and nothing that is wanted stays undone.

#![allow(clippy::print_stdout, reason = "it tells its counts")]

mod dice;
mod world;

use std::collections::BTreeMap;

use muster::session::event::Event;
use muster::session::stage::ActionResult;
use muster_lab::faults::Faults;
use muster_lab::fleet::System;

use self::world::{COMPUTERS, SOFTWARE, World};

/// How often what happened.
#[derive(Debug, Default)]
struct Counts(BTreeMap<String, u64>);

impl Counts {
    fn count(&mut self, what: impl Into<String>) {
        self.add(what, 1);
    }

    fn add(&mut self, what: impl Into<String>, many: u64) {
        *self.0.entry(what.into()).or_default() += many;
    }

    fn of(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or_default()
    }
}

/// One run.
async fn run(seed: u64, systems: &[System], counts: &mut Counts) {
    let world = World::start(systems).await;
    let found = world.plan().await;
    assert_eq!(
        World::planned(&found),
        (COMPUTERS, COMPUTERS * SOFTWARE.len()),
        "seed {seed}: nothing is wrong yet"
    );

    let faults = dice::faults(seed);
    for rule in &faults.rules {
        counts.count(format!("rule {:?}", rule.what));
    }
    counts.add("clocks apart", u64::from(faults.server_skew != 0 || faults.computer_skew != 0));
    world.lab.set_faults(faults.clone());
    let plan = world.plan().await;
    counts.add("lists failed", plan.failed.len() as u64);
    let (computers, changes) = World::planned(&plan);
    assert_eq!(computers, COMPUTERS, "seed {seed}: a computer is lost ({:?})", plan.failed);
    counts.add("changes seen while it goes wrong", changes as u64);
    // What could not be planned while it goes wrong is planned as it was before.
    let plan = if changes == COMPUTERS * SOFTWARE.len() { plan } else { found };
    let ended = world.apply(&plan).await;
    for event in &ended {
        let Event::ActionFinished { computer, item, result, message, .. } = event else { continue };
        let name = World::name(&plan, computer);
        let ran = world.times(&name, item.name.as_str());
        counts.count(format!("{result:?}"));
        let said = format!("seed {seed}: {name} {item}: {result:?} {message:?}, and it ran {ran} times");
        match result {
            ActionResult::Success | ActionResult::Skipped => assert_eq!(ran, 1, "{said}"),
            // No installation fails here: one that did not succeed did not begin.
            ActionResult::Failed
            | ActionResult::Deferred
            | ActionResult::Blocked
            | ActionResult::Cancelled => {
                assert_eq!(ran, 0, "{said}");
            }
            ActionResult::Undetermined | ActionResult::Acknowledged => assert!(ran <= 1, "{said}"),
        }
    }
    assert_eq!(world.most(), world.most().min(1), "seed {seed}: something ran twice");

    world.lab.set_faults(Faults::default());
    for round in 1.. {
        // Links that failed too often rest.
        tokio::time::sleep(std::time::Duration::from_mins(30)).await;
        let plan = world.plan().await;
        let (computers, changes) = World::planned(&plan);
        assert_eq!(computers, COMPUTERS, "seed {seed}: a computer is lost afterwards");
        if changes == 0 && plan.failed.is_empty() && World::is_known(&plan) {
            counts.count(format!("rounds {round}"));
            break;
        }
        assert!(
            round < 5,
            "seed {seed}: there is no end to it: {:?} {:?}",
            plan.failed,
            plan.planned.plan.notes
        );
        world.apply(&plan).await;
    }
    for computer in world.names() {
        for software in SOFTWARE {
            assert_eq!(world.times(&computer, software), 1, "seed {seed}: {software} on {computer}");
        }
    }
    counts.count("runs");
    counts.add("installed once", (COMPUTERS * SOFTWARE.len()) as u64);
}

fn runs(systems: &[System], seeds: std::ops::Range<u64>) {
    let mut counts = Counts::default();
    let wanted = seeds.end - seeds.start;
    for seed in seeds {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        runtime.unwrap().block_on(run(seed, systems, &mut counts));
    }
    println!("{systems:?}: {:#?}", counts.0);
    assert_eq!(counts.of("runs"), wanted);
    // It goes wrong, and most of it is done all the same.
    assert!(counts.of("Success") * 10 >= counts.of("installed once") * 7, "{counts:?}");
    assert!(
        counts.of("Success") < counts.of("installed once") && counts.of("lists failed") >= 10,
        "{counts:?}"
    );
}

#[test]
fn nothing_goes_wrong_with_control() {
    runs(&[System::Control], 0..250);
}

#[test]
fn nothing_goes_wrong_with_automate() {
    runs(&[System::Automate], 250..500);
}

#[test]
fn nothing_goes_wrong_with_rmm() {
    runs(&[System::Rmm], 500..750);
}

#[test]
fn nothing_goes_wrong_with_all_of_them_at_once() {
    runs(&System::ALL, 750..1000);
}
