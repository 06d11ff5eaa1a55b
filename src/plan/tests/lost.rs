//! What an action of Muster has left behind that did not end well: software that is gone, and scripts that may not have run.

use std::collections::BTreeMap;

use super::world::*;
use crate::config::kind::{
    Mode, ParameterSpec, ParameterType, ParameterValue, ParametersChanged, SoftwareState,
};
use crate::config::model::{Strategy, WantedVersion};
use crate::id::{ComputerId, Name, SessionId};
use crate::inventory::item::Observed;
use crate::plan::document::{ActionType, Cause, Plan, Reason};
use crate::plan::explain::explain;
use crate::plan::gates::Run;
use crate::plan::past::Past;
use crate::plan::procedures::content;
use crate::plan::recipe::{self, Call, Computer};
use crate::session::script::Platform;
use crate::session::stage::{ActionResult, ItemResult};

/// One computer on which the archiver is updated where it is found, by removing the old version first.
fn world() -> World {
    let mut world = World::new();
    world.computer("pc-1", &[]);
    let zip = world.software("zip", &["2.0", "1.0"]);
    zip.upgrade = Strategy::UninstallInstall;
    let found = state(SoftwareState::UpdateIfFound, WantedVersion::Latest { install: "2.0".into() });
    world.deploy("zip", software("zip"), found, every());
    world
}

fn ended(world: &mut World, action: ActionType, result: ActionResult, observed: Option<Observed>) {
    let none = BTreeMap::new();
    let item = software("zip");
    world.history.push(ItemResult {
        computer: ComputerId::new("office/pc-1"),
        content: content(&world.config, &item, Some("2.0"), false, &none, Platform::Posix),
        item,
        action,
        result,
        observed,
        values: None,
        at: world.now,
        session: SessionId::new("s"),
    });
}

fn planned(plan: &Plan) -> Vec<String> {
    let text = |change: &crate::plan::document::Change| {
        let version = change.version.as_deref().unwrap_or("-");
        format!("{:?} {:?} {:?} {version}", change.action, change.reason, change.cause)
    };
    plan.changes.iter().map(text).collect()
}

#[test]
fn what_a_change_that_did_not_end_well_has_taken_away_is_brought_back_and_nothing_else() {
    use ActionResult::{Acknowledged, Blocked, Deferred, Failed, Skipped, Success, Undetermined};
    use ActionType::{Downgrade, Install, Reinstall, Repair, Uninstall, Update};
    let gone = Some(Observed::Absent);
    let unclear = Some(Observed::Undetermined { why: "x".into() });
    let table = [
        (Update, Failed, gone.clone(), true),
        (Downgrade, Failed, gone.clone(), true),
        (Repair, Failed, gone.clone(), true),
        (Update, Failed, unclear, true),
        (Update, Undetermined, None, true),
        // Tried again in vain, or not at all.
        (Reinstall, Failed, gone.clone(), true),
        (Reinstall, Deferred, gone.clone(), true),
        (Reinstall, Blocked, gone.clone(), true),
        // It was still there then, so that somebody else has taken it away since.
        (Update, Failed, Some(present("1.0")), false),
        (Update, Success, Some(present("2.0")), false),
        (Update, Skipped, Some(present("2.0")), false),
        (Update, Deferred, None, false),
        (Update, Acknowledged, None, false),
        (Reinstall, Deferred, None, false),
        (Install, Failed, gone.clone(), false),
        (Uninstall, Undetermined, gone, false),
    ];
    for (action, result, observed, lost) in table {
        let mut world = world();
        ended(&mut world, action, result, observed.clone());
        let expected: &[&str] = if lost { &["Reinstall Missing Retry 2.0"] } else { &[] };
        assert_eq!(planned(&world.plan().plan), expected, "{action:?} {result:?} {observed:?}");
        let snapshot = world.snapshot();
        let past = Past::new(&snapshot, world.remembered.clone(), world.history.clone(), BTreeMap::new());
        let detections = world.detect(&snapshot);
        let run = Run::at(world.now);
        let told = explain(&world.config, &snapshot, &detections, &past, 0, None, &run).unwrap();
        let says = format!("{:?}", told.items[0].decision);
        assert_eq!(says.contains("Reinstall"), lost, "{says}");
    }
}

#[test]
fn what_is_lost_comes_back_with_its_base_versions_in_any_mode_that_may_and_once() {
    let mut world = world();
    let zip = world.software("zip", &[]);
    zip.releases[0].requires = Some("1.0".to_owned());
    ended(&mut world, ActionType::Update, ActionResult::Failed, Some(Observed::Absent));
    let plan = world.plan().plan;
    assert_eq!(notes(&plan), ["Hint zip: 2.0 goes over 1.0 [pc-1]"]);
    assert_eq!((plan.changes[0].before.clone(), plan.changes[0].reason), (Observed::Absent, Reason::Missing));
    world.deploy("zip", software("zip"), latest("2.0"), every()).mode = Mode::Audit;
    assert_eq!(notes(&world.plan().plan), ["NonCompliant zip: another install would be due [pc-1]"]);
    world.deploy("zip", software("zip"), latest("2.0"), every()).mode = Mode::Enforce;
    world.apply(&plan);
    assert!(world.plan().plan.changes.is_empty());
    world.is("pc-1", software("zip"), Observed::Absent);
    world.now = crate::time::Timestamp::from_second(world.now.as_second() + 60).unwrap();
    assert!(world.plan().plan.changes.is_empty(), "somebody removed it");
}

#[test]
fn an_update_that_removes_first_goes_over_every_base_version_again() {
    let mut world = world();
    let zip = world.software("zip", &[]);
    zip.releases[0].requires = Some("1.0".to_owned());
    world.is("pc-1", software("zip"), present("1.0"));
    let plan = world.plan().plan;
    assert_eq!(planned(&plan), [format!("Update UpdateAvailable {:?} 2.0", Cause::NewIntent)]);
    assert_eq!(notes(&plan), ["Hint zip: 2.0 goes over 1.0 [pc-1]"]);
    world.software("zip", &[]).upgrade = Strategy::InstallOver;
    assert!(notes(&world.plan().plan).is_empty());
}

#[test]
fn other_values_do_not_install_a_version_again_that_no_release_has() {
    let mut world = world();
    let zip = world.software("zip", &[]);
    zip.parameters_changed = Some(ParametersChanged::Reinstall);
    zip.parameters.insert("p".to_owned(), ParameterSpec::new(ParameterType::Text));
    ended(&mut world, ActionType::Install, ActionResult::Success, Some(present("2.0")));
    world.history[0].values = Some(crate::plan::past::values(&BTreeMap::from([(
        "p".to_owned(),
        ParameterValue::Text("old".to_owned()),
    )])));
    world.is("pc-1", software("zip"), present("2.0"));
    assert_eq!(actions(&world.plan().plan, "pc-1"), ["zip reinstall"]);
    world.is("pc-1", software("zip"), present("2.5"));
    let plan = world.plan().plan;
    assert!(plan.changes.is_empty());
    assert_eq!(
        notes(&plan),
        ["Blocked zip: it was installed with other values; another install is due, and 2.5 is none of its \
          releases [pc-1]"]
    );
}

/// The software is there with a script that follows its install, and these actions have ended so before, one a minute.
fn followed(history: &[(ActionType, ActionResult, Option<Observed>)]) -> World {
    let mut world = world();
    world.software("zip", &[]).post_install = Some(scripts("follow"));
    world.is("pc-1", software("zip"), present("2.0"));
    for (action, result, observed) in history {
        ended(&mut world, *action, *result, observed.clone());
        world.now = crate::time::Timestamp::from_second(world.now.as_second() + 60).unwrap();
    }
    world
}

#[test]
fn a_script_that_follows_an_install_and_may_not_have_run_is_run_once_more_and_then_told() {
    use ActionResult::{Blocked, Deferred, Failed, Skipped, Success, Undetermined};
    use ActionType::{Finish, Install, Uninstall, Update};
    let there = || Some(present("2.0"));
    let due = (vec!["Finish Unfinished Retry 2.0".to_owned()], Vec::new());
    let note = "Hint zip: it is there, and its postInstall script may not have done its part: what put it there did \
                not come to a good end [pc-1]";
    let told = (Vec::new(), vec![note.to_owned()]);
    let nothing = (Vec::new(), Vec::new());
    let table = [
        (vec![(Install, Undetermined, None)], &due),
        (vec![(Update, Undetermined, there())], &due),
        (vec![(Install, Failed, there())], &due),
        // It may not have begun, or somebody else has put it there.
        (vec![(Install, Failed, None)], &told),
        (vec![(Install, Failed, Some(Observed::Absent))], &told),
        (vec![(Install, Success, there())], &nothing),
        (vec![(Install, Deferred, None)], &nothing),
        (vec![(Uninstall, Undetermined, None)], &nothing),
        // Once.
        (vec![(Install, Undetermined, None), (Finish, Success, there())], &nothing),
        (vec![(Install, Undetermined, None), (Finish, Skipped, there())], &nothing),
        (vec![(Install, Undetermined, None), (Finish, Failed, there())], &told),
        (vec![(Install, Undetermined, None), (Finish, Undetermined, None)], &told),
        (vec![(Install, Undetermined, None), (Finish, Deferred, None)], &due),
        (vec![(Install, Undetermined, None), (Finish, Blocked, None)], &due),
        (vec![(Install, Undetermined, None), (Finish, Failed, there()), (Update, Failed, there())], &due),
    ];
    for (history, expected) in table {
        let world = followed(&history);
        let plan = world.plan().plan;
        assert_eq!((planned(&plan), notes(&plan)), *expected, "{history:?}");
        let snapshot = world.snapshot();
        let past = Past::new(&snapshot, world.remembered.clone(), world.history.clone(), BTreeMap::new());
        let detections = world.detect(&snapshot);
        let run = Run::at(world.now);
        let told = explain(&world.config, &snapshot, &detections, &past, 0, None, &run).unwrap();
        let says = format!("{:?}", told.items[0].decision);
        assert_eq!(says.contains("Finish"), !expected.0.is_empty(), "{history:?}: {says}");
    }
}

#[test]
fn a_script_that_follows_is_run_once_more_alone_and_only_where_it_may_and_there_is_one() {
    let history = [(ActionType::Install, ActionResult::Undetermined, None)];
    let mut world = followed(&history);
    let plan = world.plan().plan;
    let change = &plan.changes[0];
    assert_eq!((change.before.clone(), change.after.clone()), (present("2.0"), present("2.0")));
    let parts = recipe::parts(
        &world.config.software[&Name::new("zip").unwrap()],
        &Call {
            action: change.action,
            version: Some("2.0"),
            before: Some("2.0"),
            platform: Platform::Posix,
            computer: Computer::Any,
        },
    );
    let purposes: Vec<String> = parts.unwrap().iter().map(|part| format!("{:?}", part.purpose)).collect();
    assert_eq!(purposes, ["PostInstall { software: \"zip\" }"]);
    world.apply(&plan);
    assert!(world.plan().plan.changes.is_empty());
    let mut audited = followed(&history);
    audited.deploy("zip", software("zip"), latest("2.0"), every()).mode = Mode::Audit;
    let plan = audited.plan().plan;
    assert_eq!((planned(&plan).len(), notes(&plan).len()), (0, 1));
    let mut bare = followed(&history);
    bare.software("zip", &[]).post_install = None;
    let plan = bare.plan().plan;
    assert_eq!((planned(&plan).len(), notes(&plan).len()), (0, 0));
}
