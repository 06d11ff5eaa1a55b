//! Whole plans: from a world to a plan, applied and planned again.

use proptest::prelude::*;
use roaring::RoaringBitmap;

use super::world::*;
use crate::config::kind::{
    Consequence, Match, Mode, ParameterValue, ParametersChanged, ResourceKind, SoftwareState, Term,
};
use crate::config::model::{Desired, Resource, ResourceProperty, Strategy as Way, WantedVersion};
use crate::diagnostic::code;
use crate::id::{Digest, SessionId};
use crate::inventory::item::Observed;
use crate::inventory::known::Contact;
use crate::plan::compare::compare;
use crate::plan::detections::Detections;
use crate::plan::digest::is_intact;
use crate::plan::document::{ActionType, Cause, Checks, NoteKind, Options, Plan, Reason};
use crate::plan::explain::{Fate, explain};
use crate::plan::gates::Run;
use crate::plan::needs::{Ask, Refresh, needs, outdated};
use crate::plan::past::Past;
use crate::plan::procedures::procedure;
use crate::session::script::Platform;
use crate::session::stage::{ActionResult, ItemResult};
use crate::time::Timestamp;

/// Two computers with an old archiver on one, and the wish for the newest.
fn archivers() -> World {
    let mut world = World::new();
    world.software("zip", &["2.0", "1.0"]);
    world.computer("pc1", &["office"]);
    world.computer("pc2", &["office"]);
    world.deploy("zip", software("zip"), latest("2.0"), tag("office"));
    world.is("pc1", software("zip"), present("1.0"));
    world
}

fn kinds(plan: &Plan) -> Vec<NoteKind> {
    plan.notes.iter().map(|note| note.kind).collect()
}

fn sum(a: Checks, b: Checks) -> Checks {
    Checks {
        wanted: a.wanted + b.wanted,
        differs: a.differs + b.differs,
        stale: a.stale + b.stale,
        unknown: a.unknown + b.unknown,
        undetermined: a.undetermined + b.undetermined,
        not_applicable: a.not_applicable + b.not_applicable,
    }
}

pub(super) fn adds_up(plan: &Plan) {
    let c = &plan.coverage;
    assert_eq!(c.computers, c.known + c.incomplete + c.unmanaged);
    assert_eq!(c.checks, c.detected + c.stale + c.unknown + c.undetermined + c.not_applicable);
    assert!(c.unreachable <= c.incomplete);
    let by_tenant = c.tenants.iter().map(|of_it| of_it.checks).fold(Checks::default(), sum);
    let by_item = c.items.iter().map(|of_it| of_it.checks).fold(Checks::default(), sum);
    let all = Checks {
        wanted: c.detected - c.differs,
        differs: c.differs,
        stale: c.stale,
        unknown: c.unknown,
        undetermined: c.undetermined,
        not_applicable: c.not_applicable,
    };
    assert_eq!((by_tenant, by_item), (all, all));
    assert_eq!(c.tenants.iter().map(|of_it| of_it.known).sum::<u32>(), c.known);
    assert_eq!(c.tenants.iter().map(|of_it| of_it.computers).sum::<u32>(), c.known + c.incomplete);
    assert!(is_intact(plan));
}

#[test]
fn an_update_that_begins_by_removing_is_held_while_the_source_fails() {
    let mut world = archivers();
    world.config.software.get_mut("zip").unwrap().upgrade = Way::UninstallInstall;
    assert_eq!(actions(&world.plan().plan, "pc1"), ["zip update"]);
    world.failed.insert(world.known[0].provider.clone(), "it broke off".to_owned());
    let plan = world.plan().plan;
    assert_eq!(actions(&plan, "pc1"), [""; 0]);
    assert_eq!(actions(&plan, "pc2"), ["zip install"]);
    assert_eq!(kinds(&plan), [NoteKind::Held]);
}

#[test]
fn tenants_and_items_tell_how_their_checks_stand() {
    let mut world = archivers();
    world.tenant("north");
    world.computer("pc3", &["office"]).tenant = Some(name("north"));
    world.is("pc3", software("zip"), present("2.0"));
    world.is("pc2", software("zip"), present("2.0"));
    let coverage = world.plan().plan.coverage;
    let told: Vec<(Option<String>, u32, u64, u64)> = coverage
        .tenants
        .iter()
        .map(|of_it| {
            let tenant = of_it.tenant.as_ref().map(ToString::to_string);
            (tenant, of_it.computers, of_it.checks.wanted, of_it.checks.differs)
        })
        .collect();
    assert_eq!(told, [(Some("north".to_owned()), 1, 1, 0), (None, 2, 1, 1)]);
    assert_eq!((coverage.items[0].title.as_str(), coverage.items[0].checks.all()), ("zip", 3));
    assert_eq!((coverage.detected, coverage.differs), (3, 1));
}

#[test]
fn what_is_due_is_applied_once_and_then_nothing_is_due() {
    let mut world = archivers();
    let first = world.plan().plan;
    adds_up(&first);
    assert_eq!(actions(&first, "pc1"), ["zip update"]);
    assert_eq!(actions(&first, "pc2"), ["zip install"]);
    assert!(first.changes.iter().all(|change| change.cause == Cause::NewIntent));
    assert_eq!(first.coverage.known, 2);
    let update = first.changes.iter().find(|change| change.reason == Reason::UpdateAvailable).unwrap();
    let steps = procedure(&world.config, update, Platform::Posix, crate::plan::payloads::Machine::default())
        .unwrap()
        .steps;
    assert_eq!(steps.len(), 1);
    assert_eq!(steps[0].environment["MUSTER_VERSION"], "2.0");
    assert_eq!(steps[0].environment["MUSTER_VERSION_BEFORE"], "1.0");
    assert_eq!(steps[0].environment["MUSTER_ACTION"], "update");

    world.apply(&first);
    assert!(world.plan().plan.changes.is_empty());

    // The same wish, not met any more: drift. Tried and failed: a retry. Another version: a new wish.
    world.is("pc2", software("zip"), Observed::Absent);
    assert_eq!(world.plan().plan.changes[0].cause, Cause::Drift);
    world.history.iter_mut().for_each(|result| result.result = ActionResult::Failed);
    assert_eq!(world.plan().plan.changes[0].cause, Cause::Retry);
    world.config.deployments.get_mut("zip").unwrap().desired = latest("3.0");
    assert!(world.plan().plan.changes.iter().all(|change| change.cause == Cause::NewIntent));
}

#[test]
fn what_is_not_known_is_counted_and_not_touched() {
    let mut world = archivers();
    for (number, contact) in [
        (3, Contact::Unreachable { why: "no route".into() }),
        (4, Contact::Refused { why: "unknown key".into(), help: Some("accept it".into()) }),
    ] {
        world.computer(&format!("pc{number}"), &["office"]).contact = contact;
    }
    world.computer("pc5", &["office"]).platform = None;
    world.known[4].facts = None;
    world.computer("pc6", &[]);
    world.is("pc2", software("zip"), Observed::Undetermined { why: "exit 3".into() });
    let plan = world.plan().plan;
    adds_up(&plan);
    assert_eq!(plan.sessions.len(), 1);
    assert_eq!((plan.coverage.known, plan.coverage.incomplete, plan.coverage.unmanaged), (1, 4, 1));
    assert_eq!(plan.coverage.unreachable, 2);
    assert_eq!((plan.coverage.unknown, plan.coverage.undetermined), (3, 1));
    let notes = notes(&plan);
    assert!(notes.contains(&"Undetermined zip: exit 3 [pc2]".to_owned()), "{notes:?}");
    assert!(notes.contains(&"Unreachable: no route [pc3]".to_owned()), "{notes:?}");
    assert!(notes.contains(&"Refused: unknown key; accept it [pc4]".to_owned()), "{notes:?}");

    // Too old is not known either, and the time is nowhere in the plan.
    let world = archivers();
    let snapshot = world.snapshot();
    let detections = world.detect(&snapshot);
    let at = |seconds: i64| {
        let now = Timestamp::from_second(world.now.as_second() + seconds).unwrap();
        World { now, ..world.clone() }.plan_with(&snapshot, &detections, Options::default()).plan
    };
    assert_eq!(at(3600), at(0));
    let old = at(3601);
    adds_up(&old);
    assert!(old.changes.is_empty());
    assert_eq!((old.coverage.stale, kinds(&old)), (2, vec![NoteKind::Stale]));
}

#[test]
fn the_most_cautious_mode_wins_and_says_what_differs() {
    for place in 0..4 {
        let mut world = archivers();
        let mut options = Options::default();
        match place {
            0 => world.config.instance.mode = Mode::Audit,
            1 => world.config.deployments.get_mut("zip").unwrap().mode = Mode::Audit,
            2 => options.mode = Some(Mode::Audit),
            _ => {
                world.tenant("acme").mode = Mode::Audit;
                world.known.iter_mut().for_each(|known| known.tenant = Some(name("acme")));
            }
        }
        let snapshot = world.snapshot();
        let plan = world.plan_with(&snapshot, &world.detect(&snapshot), options).plan;
        adds_up(&plan);
        assert!(plan.changes.is_empty(), "{place}");
        assert_eq!(
            notes(&plan),
            [
                "NonCompliant zip: an install of 2.0 would be due [pc2]",
                "NonCompliant zip: an update to 2.0 would be due [pc1]"
            ],
            "{place}"
        );
    }
}

#[test]
fn nothing_is_removed_from_computers_of_a_source_that_failed() {
    let mut world = archivers();
    world.deploy("zip", software("zip"), absent(), tag("office"));
    world.config.deployments.get_mut("zip").unwrap().desired = absent();
    assert_eq!(actions(&world.plan().plan, "pc1"), ["zip uninstall"]);
    world.failed.insert(name("office"), "time-out".into());
    let plan = world.plan().plan;
    assert!(plan.changes.is_empty());
    assert_eq!(kinds(&plan), [NoteKind::Held]);
}

/// A file that is not to be there.
fn gone() -> Resource {
    let text = |text: &str| ResourceProperty::Value(ParameterValue::Text(text.into()));
    let properties = [("path", text("/old")), ("state", text("absent"))];
    let properties = properties.map(|(name, value)| (name.to_owned(), value));
    Resource { kind: ResourceKind::File, properties: properties.into() }
}

#[test]
fn a_configuration_that_removes_is_held_behind_a_fresh_install_too() {
    let mut world = archivers();
    world.task("clean").resource = Some(gone());
    world.config.software.get_mut("zip").unwrap().configuration = Some(name("clean"));
    world.deploy("zip", software("zip"), latest("2.0"), tag("office"));
    world.is("pc2", software("zip"), Observed::Absent);
    assert_eq!(actions(&world.plan().plan, "pc2"), ["zip install", "clean set"]);
    world.failed.insert(name("office"), "time-out".into());
    let plan = world.plan().plan;
    assert_eq!(actions(&plan, "pc2"), ["zip install"]);
    assert!(kinds(&plan).contains(&NoteKind::Held));
}

#[test]
fn a_target_that_names_nobody_says_who_may_be_meant() {
    let mut world = archivers();
    world.deploy("zip", software("zip"), latest("2.0"), one("pc3"));
    world.config.deployments.get_mut("zip").unwrap().expression = one("pc3");
    let found = |world: &World| {
        let findings = world.plan().findings;
        let of_it = findings.iter().filter(|finding| finding.code == code::COMPUTER_NOT_FOUND);
        of_it.map(|finding| (finding.message.clone(), finding.help.clone())).collect::<Vec<_>>()
    };
    let (message, help) = found(&world).remove(0);
    assert_eq!(message, "no provider lists a computer called pc3");
    assert!(help.is_some_and(|help| help.contains("pc1") || help.contains("pc2")));
    // A list that is missing may have it.
    world.failed.insert(name("office"), "time-out".into());
    assert_eq!(found(&world), []);
}

#[test]
fn where_nobody_knows_whom_a_not_leaves_out_nothing_is_done_and_the_rest_of_the_plan_goes_on() {
    let mut world = archivers();
    world.config.deployments.clear();
    world.deploy("all", software("zip"), absent(), every());
    world.is("pc1", software("zip"), present("2.0"));
    assert_eq!(actions(&world.plan().plan, "pc1"), ["zip uninstall"]);
    let but = |computer: &str| Match {
        all: Some(vec![Term::Tag("office".into())]),
        not: Some(vec![Term::Computer(computer.into())]),
        ..Match::default()
    };
    world.deploy("office", software("zip"), latest("2.0"), but("pc2"));
    assert_eq!(actions(&world.plan().plan, "pc1"), Vec::<String>::new());
    // Facts of computers settle nothing here, so nothing of lower rank wins in its place.
    world.config.deployments.get_mut("office").unwrap().expression = but("pc-2");
    let planned = world.plan();
    assert!(planned.plan.changes.is_empty(), "{:?}", planned.plan.changes);
    assert!(!planned.findings.has_errors(), "a computer that is gone stops nobody else's run");
    let told = |finding: &&crate::diagnostic::Finding| finding.code == code::EXEMPTION_NOT_FOUND;
    let found: Vec<_> = planned.findings.iter().filter(told).collect();
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].code, found[0].help.as_deref()),
        (code::EXEMPTION_NOT_FOUND, Some("did you mean `pc2`?"))
    );
    world.software("tool", &["1.0"]);
    world.deploy("tool", software("tool"), latest("1.0"), every());
    assert_eq!(actions(&world.plan().plan, "pc1"), ["tool install"]);
    world.config.deployments.remove("tool");
    // The same for a removal of its own.
    world.config.deployments.get_mut("office").unwrap().desired = absent();
    world.config.deployments.remove("all");
    assert!(world.plan().plan.changes.is_empty());
    // A list that is missing may have the computer: it is no error then, and still undecided.
    world.failed.insert(name("office"), "time-out".into());
    let planned = world.plan();
    assert!(planned.plan.changes.is_empty() && !planned.findings.has_errors());
}

#[test]
fn what_is_needed_is_installed_first_recursively_and_the_configuration_follows() {
    let mut world = archivers();
    for name in ["base", "runtime"] {
        world.software(name, &["7"]);
    }
    world.task("setup");
    world.config.software.get_mut("zip").unwrap().configuration = Some(name("setup"));
    world.rule("zip", not_installed(&["runtime"]), Consequence::Install(names(&["runtime"])));
    world.rule("runtime", not_installed(&["base"]), Consequence::Install(names(&["base"])));
    world.is("pc1", task("setup"), Observed::Compliant);
    let plan = world.plan().plan;
    adds_up(&plan);
    assert_eq!(actions(&plan, "pc1"), ["base install", "runtime install", "zip update"]);
    assert_eq!(actions(&plan, "pc2"), ["base install", "runtime install", "zip install", "setup set"]);
    let session = plan.sessions.iter().find(|session| session.actions.len() == 4).unwrap();
    assert_eq!(
        session.actions.iter().map(|action| action.after.clone()).collect::<Vec<_>>(),
        [vec![], vec![0], vec![1], vec![2]]
    );
    let base = plan.changes.iter().find(|change| change.item == software("base")).unwrap();
    assert_eq!((base.reason, base.needed_by.clone()), (Reason::Prerequisite, Some(software("runtime"))));
    assert_eq!((base.deployment.name.as_str(), base.version.as_deref()), ("zip", Some("7")));
    assert_eq!(base.computers.len(), 2);
    world.apply(&plan);
    assert!(world.plan().plan.changes.is_empty());
    // PRE-8: what is needed is seen to although zip itself is as wanted.
    world.is("pc1", software("runtime"), Observed::Absent);
    assert_eq!(actions(&world.plan().plan, "pc1"), ["runtime install"]);
    // TSK-13: the configuration drifts by itself.
    world.is("pc2", task("setup"), Observed::non_compliant("x"));
    assert_eq!(actions(&world.plan().plan, "pc2"), ["setup set"]);
}

#[test]
fn a_deployment_can_leave_out_the_configuration_and_then_other_values_install_anew() {
    let mut world = archivers();
    world.task("setup");
    let zip = world.config.software.get_mut("zip").unwrap();
    zip.configuration = Some(name("setup"));
    assert_eq!(zip.parameters_changed(true), ParametersChanged::Ignore);
    assert_eq!(zip.parameters_changed(false), ParametersChanged::Reinstall);
    assert_eq!(actions(&world.plan().plan, "pc2"), ["zip install", "setup set"]);
    world.config.deployments.get_mut("zip").unwrap().configured = false;
    let plan = world.plan().plan;
    assert_eq!(actions(&plan, "pc1"), ["zip update"]);
    assert_eq!(actions(&plan, "pc2"), ["zip install"]);
    adds_up(&plan);
    world.apply(&plan);
    let after = world.plan().plan;
    assert!(after.changes.is_empty() && after.coverage.checks == 2, "{:?}", notes(&after));
    let says = crate::plan::phrase::deployment(&world.config, &world.config.deployments["zip"], world.now);
    assert!(says.ends_with("without its configuration task."), "{says}");
}

#[test]
fn what_is_there_is_repaired_when_somebody_asks_and_never_by_itself() {
    let mut world = archivers();
    let asked = Options { repairs: vec![name("zip")], ..Options::default() };
    world.is("pc1", software("zip"), present("2.0"));
    assert_eq!(actions(&world.plan().plan, "pc1"), [""; 0]);
    // Without a way to do it that is said, and what is not there is installed as always.
    let plan = world.plan_of(asked.clone()).plan;
    assert_eq!((actions(&plan, "pc1").len(), actions(&plan, "pc2")), (0, vec!["zip install".to_owned()]));
    assert_eq!(notes(&plan), ["Blocked zip: a repair is due, and its repair strategy is none [pc1]"]);
    world.config.software.get_mut("zip").unwrap().repair = Way::InstallOver;
    let plan = world.plan_of(asked.clone()).plan;
    assert_eq!(actions(&plan, "pc1"), ["zip repair"]);
    let repair = plan.changes.iter().find(|change| change.reason == Reason::RepairRequested).unwrap();
    assert_eq!((repair.version.as_deref(), repair.cause), (Some("2.0"), Cause::NewIntent));
    world.apply(&plan);
    assert!(world.plan().plan.changes.is_empty());
    // Where it may only be told of, nobody says that it is not as wanted.
    world.config.deployments.get_mut("zip").unwrap().mode = Mode::Audit;
    let plan = world.plan_of(asked).plan;
    assert!(plan.changes.is_empty() && plan.notes.is_empty(), "{:?}", notes(&plan));
}

#[test]
fn a_conflict_is_removed_first_and_a_contradicting_winner_is_an_error() {
    let mut world = archivers();
    world.software("old", &["1"]);
    world.rule("zip", installed(&["old"]), Consequence::Uninstall(names(&["old"])));
    world.is("pc1", software("old"), present("1"));
    let plan = world.plan().plan;
    assert_eq!(actions(&plan, "pc1"), ["old uninstall", "zip update"]);
    assert_eq!(actions(&plan, "pc2"), ["zip install"]);

    world.deploy("old", software("old"), latest("1"), one("pc1"));
    let planned = world.plan();
    assert!(actions(&planned.plan, "pc1").is_empty());
    assert_eq!(actions(&planned.plan, "pc2"), ["zip install"]);
    let finding = planned.findings.iter().find(|f| f.code == code::PREREQUISITE_CONFLICT).unwrap();
    assert_eq!(finding.related[0].0.file.as_ref(), "deployments/old.yaml");
    assert_eq!(kinds(&planned.plan), [NoteKind::Blocked]);
}

#[test]
fn a_failing_prerequisite_blocks_unless_the_session_satisfies_it() {
    let mut world = archivers();
    world.software("runtime", &["7"]);
    world.rule("zip", not_installed(&["runtime"]), Consequence::Fail("runtime first".into()));
    let plan = world.plan().plan;
    assert!(plan.changes.is_empty());
    assert_eq!(notes(&plan), ["Blocked zip: its prerequisite fails: runtime first [pc1 pc2]"]);
    // PRE-4: it is queued, and runs earlier.
    world.deploy("aaa", software("runtime"), latest("7"), one("pc1"));
    world.config.order.last = vec![crate::config::kind::ItemRef::Software(name("runtime"))];
    let plan = world.plan().plan;
    assert_eq!(actions(&plan, "pc1"), ["runtime install", "zip update"]);
    let session = plan.sessions.first().unwrap();
    assert_eq!(session.actions[1].after, [0]);
    assert!(actions(&plan, "pc2").is_empty());
}

#[test]
fn update_if_found_does_nothing_where_it_is_absent_except_as_a_prerequisite() {
    let mut world = archivers();
    world.task("setup");
    world.config.software.get_mut("zip").unwrap().configuration = Some(name("setup"));
    world.software("runtime", &["7"]);
    world.rule("zip", not_installed(&["runtime"]), Consequence::Install(names(&["runtime"])));
    let found = state(SoftwareState::UpdateIfFound, WantedVersion::Latest { install: "2.0".into() });
    world.config.deployments.get_mut("zip").unwrap().desired = found;
    let plan = world.plan().plan;
    adds_up(&plan);
    assert_eq!(actions(&plan, "pc1"), ["runtime install", "zip update", "setup set"]);
    assert!(actions(&plan, "pc2").is_empty() && plan.notes.is_empty());

    world.software("editor", &["1"]);
    world.rule("editor", not_installed(&["zip"]), Consequence::Install(names(&["zip"])));
    world.deploy("editor", software("editor"), latest("1"), one("pc2"));
    let plan = world.plan().plan;
    assert_eq!(actions(&plan, "pc2"), ["runtime install", "zip install", "setup set", "editor install"]);
    world.apply(&plan);
    assert!(world.plan().plan.changes.is_empty());
}

#[test]
fn a_circle_of_prerequisites_is_an_error_and_blocks_its_members_only() {
    let mut world = archivers();
    for name in ["a", "b"] {
        world.software(name, &["1"]);
    }
    world.rule("a", not_installed(&["b"]), Consequence::Install(names(&["b"])));
    world.rule("b", not_installed(&["a"]), Consequence::Install(names(&["a"])));
    world.deploy("a", software("a"), latest("1"), every());
    let planned = world.plan();
    assert_eq!(actions(&planned.plan, "pc1"), ["zip update"]);
    assert!(planned.findings.iter().any(|f| f.code == code::CYCLE && f.message.ends_with("a -> b -> a")));
}

#[test]
fn a_computer_is_asked_once_for_all_that_may_be_wanted_and_no_more() {
    let mut world = archivers();
    world.software("runtime", &["7"]);
    world.rule("zip", not_installed(&["runtime"]), Consequence::Install(names(&["runtime"])));
    world.computer("pc3", &[]);
    let snapshot = world.snapshot();
    let run = Run::at(world.now);
    let none = Detections::default();
    let base = Ask {
        config: &world.config,
        snapshot: &snapshot,
        detections: &none,
        only: None,
        ceiling: Mode::Enforce,
        run: &run,
        max_age: world.config.instance.max_age,
        refresh: Refresh::Auto,
        outdated: None,
    };
    let ask = |detections: &Detections, refresh| needs(&Ask { detections, refresh, ..base });
    let result = |computer: &str, result, seconds: i64| ItemResult {
        computer: world.known.iter().find(|known| known.name == computer).unwrap().id.clone(),
        item: software("zip"),
        action: ActionType::Install,
        result,
        observed: None,
        content: Digest::of(b"x"),
        values: None,
        at: Timestamp::from_second(world.now.as_second() + seconds).unwrap(),
        session: SessionId::new("s"),
    };
    // The facts of the first are from before its change; those of the others are not, or nothing ran there.
    let results = [
        result("pc1", ActionResult::Success, 1),
        result("pc2", ActionResult::Success, 0),
        result("pc3", ActionResult::Skipped, 1),
    ];
    let old = outdated(&snapshot, &results);
    assert_eq!(old.iter().collect::<Vec<_>>(), [0]);
    let fresh = world.detect(&snapshot);
    let wanted = needs(&Ask { detections: &fresh, outdated: Some(&old), ..base });
    assert_eq!(wanted.iter().map(|need| (need.computer, need.facts)).collect::<Vec<_>>(), [(0, true)]);
    let never = Ask { detections: &fresh, refresh: Refresh::Never, outdated: Some(&old), ..base };
    assert!(needs(&never).is_empty());
    let first = ask(&none, Refresh::Auto);
    assert_eq!(first.iter().map(|need| need.computer).collect::<Vec<_>>(), [0, 1]);
    let items: Vec<&str> = first[0].probes.iter().map(|probe| probe.item.name.as_str()).collect();
    assert_eq!((items, first[0].facts, first[0].contact()), (vec!["runtime", "zip"], false, true));
    let known = world.detect(&snapshot);
    assert!(ask(&known, Refresh::Auto).is_empty());
    assert_eq!(ask(&known, Refresh::Always).len(), 2);
    assert!(ask(&none, Refresh::Never).is_empty());
    world.known[0].contact = Contact::Unreachable { why: "x".into() };
    let snapshot = world.snapshot();
    let again = needs(&Ask {
        config: &world.config,
        snapshot: &snapshot,
        detections: &known,
        only: None,
        ceiling: Mode::Enforce,
        run: &Run::at(world.now),
        max_age: world.config.instance.max_age,
        refresh: Refresh::Auto,
        outdated: None,
    });
    assert_eq!(again.len(), 1, "what was not reached is tried again");
}

#[test]
fn a_saved_plan_is_compared_by_what_it_does() {
    let mut world = archivers();
    let saved = world.plan().plan;
    assert!(compare(&saved, &saved).is_same());
    world.is("pc1", software("zip"), present("2.0"));
    let done = compare(&saved, &world.plan().plan);
    assert!(done.is_subset() && !done.is_same());
    assert_eq!((done.same.len(), done.satisfied.len()), (1, 1));
    world.computer("pc9", &["office"]);
    world.is("pc2", software("zip"), present("1.5"));
    let moved = compare(&saved, &world.plan().plan);
    assert!(!moved.is_subset());
    assert_eq!((moved.changed.len(), moved.added.len()), (1, 1));
    // What is not known any more is not called satisfied.
    world.known[1].contact = Contact::Unreachable { why: "x".into() };
    let lost = compare(&saved, &world.plan().plan).lost;
    assert_eq!(lost.into_iter().collect::<Vec<_>>(), ["pc2"]);
}

#[test]
fn explain_shows_every_candidate_and_why_it_lost() {
    let mut world = archivers();
    world.tenant("acme");
    world.known[0].tenant = Some(name("acme"));
    world.deploy("zip-acme", software("zip"), latest("1.0"), of_tenant("acme"));
    world.deploy("zip-off", software("zip"), latest("1.0"), every()).enabled = false;
    world.deploy("zip-other", software("zip"), latest("1.0"), one("pc2"));
    let snapshot = world.snapshot();
    let detections = world.detect(&snapshot);
    let run = Run::at(world.now);
    let told =
        explain(&world.config, &snapshot, &detections, &Past::default(), 0, Some(&software("zip")), &run)
            .unwrap();
    let fates: Vec<(&str, Fate)> =
        told.items[0].candidates.iter().map(|c| (c.deployment.name.as_str(), c.fate)).collect();
    assert_eq!(
        fates,
        [
            ("zip-acme", Fate::Won),
            ("zip", Fate::Lost),
            ("zip-off", Fate::Dropped),
            ("zip-other", Fate::Elsewhere)
        ]
    );
    assert!(told.items[0].candidates[1].why.contains("zip-acme (deployments/zip-acme.yaml:1)"));
    assert_eq!(told.items[0].observed.as_ref().unwrap().0, present("1.0"));
    assert_eq!(told.items[0].decision, Some(crate::plan::diff::Decision::Nothing));
    assert!(explain(&world.config, &snapshot, &detections, &Past::default(), 99, None, &run).is_none());
}

/// A random world: software that need each other upwards only, tasks, and deployments over tags.
#[derive(Debug, Clone)]
pub(super) struct Seeds {
    deployments: Vec<(u8, u8, u8, u8)>,
    pub(super) rules: Vec<(u8, u8, u8)>,
    tags: Vec<u8>,
    real: Vec<(u8, u8, u8)>,
}

pub(super) fn seeds() -> impl Strategy<Value = Seeds> {
    (
        prop::collection::vec((0_u8..8, 0_u8..5, 0_u8..6, 0_u8..3), 0..12),
        prop::collection::vec((0_u8..5, 0_u8..5, 0_u8..3), 0..6),
        prop::collection::vec(0_u8..32, 1..6),
        prop::collection::vec((0_u8..6, 0_u8..8, 0_u8..4), 0..20),
    )
        .prop_map(|(deployments, rules, tags, real)| Seeds { deployments, rules, tags, real })
}

pub(super) fn random(seeds: &Seeds) -> World {
    let mut world = World::new();
    for ix in 0..5 {
        world.software(&format!("s{ix}"), &["2", "1"]);
    }
    for ix in 0..3 {
        world.task(&format!("t{ix}"));
    }
    world.task("setup");
    let configured = world.config.software.get_mut("s1").unwrap();
    configured.configuration = Some(name("setup"));
    configured.upgrade = Way::UninstallInstall;
    for (ix, bits) in seeds.tags.iter().enumerate() {
        let tags: Vec<String> =
            (0..5).filter(|bit| bits & (1 << bit) != 0).map(|bit| format!("g{bit}")).collect();
        world.computer(&format!("pc{ix}"), &tags.iter().map(String::as_str).collect::<Vec<_>>());
    }
    for (a, b, kind) in &seeds.rules {
        if a < b {
            let other = format!("s{b}");
            let (when, then) = match kind {
                0 => (not_installed(&[&other]), Consequence::Install(names(&[&other]))),
                1 => (installed(&[&other]), Consequence::Uninstall(names(&[&other]))),
                _ => (not_installed(&[&other]), Consequence::Fail("no".into())),
            };
            world.rule(&format!("s{a}"), when, then);
        }
    }
    for (ix, (item, group, desired, mode)) in seeds.deployments.iter().enumerate() {
        let (key, desired) = if *item < 5 {
            let version = WantedVersion::Latest { install: "2".into() };
            let desired = match desired {
                0 | 1 => latest("2"),
                2 => absent(),
                3 => state(SoftwareState::UpdateIfFound, version),
                4 => state(SoftwareState::Ignored, WantedVersion::Any { install: None }),
                _ => state(SoftwareState::Installed, WantedVersion::Exact { version: "1".into() }),
            };
            (software(&format!("s{item}")), desired)
        } else {
            (task(&format!("t{}", item - 5)), crate::config::model::Desired::Task)
        };
        let made = world.deploy(&format!("d{ix:02}"), key, desired, tag(&format!("g{group}")));
        made.priority = i32::try_from(ix % 4).unwrap();
        made.mode = [Mode::Enforce, Mode::Enforce, Mode::Audit][usize::from(*mode)];
    }
    for (computer, item, what) in &seeds.real {
        let (key, observed) = if *item < 5 {
            let what = match what {
                0 => present("1"),
                1 => present("2"),
                2 => Observed::Absent,
                _ => Observed::Undetermined { why: "x".into() },
            };
            (software(&format!("s{item}")), what)
        } else {
            (task(&format!("t{}", item - 5)), Observed::Compliant)
        };
        world.is(&format!("pc{computer}"), key, observed);
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn after_an_apply_there_is_nothing_to_do(seeds in seeds()) {
        let mut world = random(&seeds);
        let first = world.plan().plan;
        adds_up(&first);
        for session in &first.sessions {
            let mut items = std::collections::BTreeSet::new();
            for (at, action) in session.actions.iter().enumerate() {
                let change = &first.changes[action.change as usize];
                prop_assert!(items.insert(change.item.clone()), "an item twice in a session");
                prop_assert!(change.computers.contains(&session.computer));
                prop_assert!(action.after.iter().all(|before| (*before as usize) < at));
            }
        }
        let pairs: usize = first.changes.iter().map(|change| change.computers.len()).sum();
        prop_assert_eq!(pairs, first.sessions.iter().map(|session| session.actions.len()).sum::<usize>());
        world.apply(&first);
        let second = world.plan().plan;
        prop_assert!(second.changes.is_empty(), "{:#?}\n{:#?}", first.changes, second.changes);
    }

    #[test]
    fn the_order_of_what_is_read_does_not_reach_the_plan(seeds in seeds(), turn in 0_usize..6) {
        let world = random(&seeds);
        let mut other = world.clone();
        other.known.reverse();
        let turn = turn % other.known.len();
        other.known.rotate_left(turn);
        other.history.reverse();
        let bytes = |world: &World| serde_json::to_vec(&world.plan().plan).unwrap();
        prop_assert_eq!(bytes(&world), bytes(&other));
    }

    #[test]
    fn a_limited_run_does_to_its_computers_what_the_whole_would(seeds in seeds(), only in 0_u32..6) {
        let world = random(&seeds);
        let snapshot = world.snapshot();
        let detections = world.detect(&snapshot);
        let whole = world.plan().plan;
        let planned = crate::plan::planner::plan(&crate::plan::planner::Input {
            config: &world.config,
            snapshot: &snapshot,
            detections: &detections,
            past: &crate::plan::past::Past::default(),
            revision: crate::plan::document::Revision::default(),
            options: Options::default(),
            only: Some(RoaringBitmap::from_iter([only])),
            now: world.now,
            max_age: world.config.instance.max_age,
        }).plan;
        adds_up(&planned);
        let name = format!("pc{only}");
        prop_assert_eq!(actions(&whole, &name), actions(&planned, &name));
        prop_assert!(planned.computers.iter().all(|computer| computer.name == name));
    }
}

#[test]
fn what_each_computer_has_in_its_stead_splits_no_change() {
    let mut world = World::new();
    world.task("rights");
    world.deploy("rights", task("rights"), Desired::Task, every());
    for at in 0..300 {
        let name = format!("pc{at}");
        world.computer(&name, &[]);
        let field = crate::inventory::item::FieldChange {
            field: "mode".to_owned(),
            before: Some(format!("{at:04}")),
            after: Some("0600".to_owned()),
            ..Default::default()
        };
        let found = Observed::NonCompliant { detail: String::new(), fields: vec![field] };
        world.is(&name, task("rights"), found);
    }
    let plan = world.plan().plan;
    adds_up(&plan);
    assert_eq!((plan.changes.len(), plan.sessions.len()), (1, 300));
    let Observed::NonCompliant { fields, .. } = &plan.changes[0].before else { panic!() };
    assert_eq!(fields[0].phrase(), "300 different values -> 0600");
}
