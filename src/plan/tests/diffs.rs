//! The table of design §6, line by line.

use Mode::{Audit, Enforce, Ignored, Monitor};

use super::world::*;
use crate::config::kind::{Mode, SoftwareState};
use crate::config::model::{Desired, Strategy, WantedVersion};
use crate::inventory::item::Observed;
use crate::plan::diff::{Decision, Wish, achieved, decide};

use crate::session::script::Platform;

fn world() -> World {
    let mut world = World::new();
    world.software("plain", &["2.0", "1.0"]);
    world.software("fixed", &["2.0"]).upgrade = Strategy::None;
    let tested = world.software("tested", &["2.0"]);
    tested.test = Some(scripts("test"));
    tested.repair = Strategy::Script(scripts("repair"));
    let reinstalled = world.software("reinstalled", &["2.0"]);
    reinstalled.test = Some(scripts("test"));
    reinstalled.repair = Strategy::UninstallInstall;
    let again = world.software("again", &["2.0", "1.0"]);
    again.test = Some(scripts("test"));
    again.repair = Strategy::InstallOver;
    world.software("unrepaired", &["2.0"]).test = Some(scripts("test"));
    world.task("job");
    world
}

fn decision(item: &str, desired: &Desired, mode: Mode, observed: &Observed) -> Decision {
    let world = world();
    let item = if item == "job" { task(item) } else { software(item) };
    decide(&Wish { config: &world.config, item: &item, desired, mode, platform: Platform::Posix }, observed)
}

/// `action reason version` in short, or what else follows.
fn short(decision: &Decision) -> String {
    match decision {
        Decision::Act(act) => {
            format!("{:?} {:?} {}", act.action, act.reason, act.version.as_deref().unwrap_or("-"))
        }
        other => format!("{other:?}").split(['(', ' ']).next().unwrap_or_default().to_owned(),
    }
}

fn well(version: &str, healthy: bool) -> Observed {
    Observed::Present { version: Some(version.to_owned()), healthy: Some(healthy) }
}

#[test]
fn every_line_of_the_table_holds() {
    let exact =
        |version: &str| state(SoftwareState::Installed, WantedVersion::Exact { version: version.into() });
    let range = |text: &str, install: &str| {
        state(
            SoftwareState::Installed,
            WantedVersion::Range { constraint: text.into(), install: install.into() },
        )
    };
    let any = state(SoftwareState::Installed, WantedVersion::Any { install: Some("2.0".into()) });
    let found = state(SoftwareState::UpdateIfFound, WantedVersion::Latest { install: "2.0".into() });
    let ignored = state(SoftwareState::Ignored, WantedVersion::Any { install: None });
    let down = Desired::Software {
        state: SoftwareState::Installed,
        version: WantedVersion::Exact { version: "1.0".into() },
        allow_downgrade: true,
    };
    let unknown = Observed::Undetermined { why: "x".into() };
    let unversioned = Observed::Present { version: None, healthy: Some(false) };
    let bare = Observed::Present { version: None, healthy: None };
    let bad = Observed::non_compliant("d");
    let value = Observed::Value { value: "v".into() };
    let job = Desired::Task;
    let table: Vec<(&str, Desired, Mode, Observed, &str)> = vec![
        ("plain", latest("2.0"), Enforce, Observed::Absent, "Install Missing 2.0"),
        ("plain", any.clone(), Enforce, Observed::Absent, "Install Missing 2.0"),
        ("plain", any.clone(), Enforce, present("0.1"), "Nothing"),
        ("plain", any.clone(), Enforce, bare.clone(), "Nothing"),
        ("plain", latest("2.0"), Enforce, present("1.10"), "Update UpdateAvailable 2.0"),
        ("plain", latest("2.0"), Enforce, present("2.0"), "Nothing"),
        ("plain", latest("2.0"), Enforce, present("2.0.0"), "Nothing"),
        ("plain", latest("2.0"), Enforce, present("3.0"), "Nothing"),
        ("plain", latest("2.0"), Enforce, bare.clone(), "Undetermined"),
        ("plain", latest("2.0"), Enforce, present("what"), "Undetermined"),
        ("plain", range(">=1.5", "2.0"), Enforce, present("1.0"), "Update UpdateAvailable 2.0"),
        ("plain", range(">=1.5", "2.0"), Enforce, present("1.7"), "Nothing"),
        ("plain", range("<2.5", "2.0"), Enforce, present("2.6"), "Blocked"),
        ("plain", exact("1.0"), Enforce, present("2.0"), "Blocked"),
        ("plain", down.clone(), Enforce, present("2.0"), "Downgrade OlderVersionRequired 1.0"),
        ("fixed", latest("2.0"), Enforce, present("1.0"), "Blocked"),
        ("fixed", latest("2.0"), Enforce, present("2.0"), "Nothing"),
        ("tested", latest("2.0"), Enforce, well("2.0", true), "Nothing"),
        ("tested", latest("2.0"), Enforce, present("2.0"), "Undetermined"),
        ("tested", latest("2.0"), Enforce, well("2.0", false), "Repair TestFailed 2.0"),
        ("tested", latest("2.0"), Enforce, well("1.0", false), "Repair TestFailed 2.0"),
        ("reinstalled", latest("2.0"), Enforce, well("1.0", false), "Repair TestFailed 2.0"),
        // Only what a release says is installed again, and a downgrade that is due is made at once.
        ("again", latest("2.0"), Enforce, well("2.0", false), "Repair TestFailed 2.0"),
        ("again", exact("1.0"), Enforce, well("2.0", false), "Repair TestFailed 2.0"),
        ("again", down.clone(), Enforce, well("2.0", false), "Downgrade OlderVersionRequired 1.0"),
        ("again", latest("2.0"), Enforce, well("2.5", false), "Blocked"),
        ("again", exact("1.0"), Enforce, well("2.5", false), "Blocked"),
        ("again", down.clone(), Enforce, well("2.5", false), "Downgrade OlderVersionRequired 1.0"),
        ("again", range("<2", "1.0"), Enforce, well("2.5", false), "Blocked"),
        ("again", any.clone(), Enforce, well("2.5", false), "Blocked"),
        ("again", any.clone(), Enforce, unversioned.clone(), "Repair TestFailed 2.0"),
        ("again", latest("2.0"), Enforce, unversioned.clone(), "Blocked"),
        ("reinstalled", latest("2.0"), Enforce, well("2.5", false), "Blocked"),
        ("tested", latest("2.0"), Enforce, well("2.5", false), "Repair TestFailed 2.5"),
        ("unrepaired", latest("2.0"), Enforce, well("2.0", false), "Blocked"),
        ("unrepaired", latest("2.0"), Enforce, well("1.0", false), "Update UpdateAvailable 2.0"),
        ("plain", absent(), Enforce, present("1.0"), "Uninstall Detected -"),
        ("plain", absent(), Enforce, Observed::Absent, "Nothing"),
        ("plain", found.clone(), Enforce, Observed::Absent, "Nothing"),
        ("plain", found.clone(), Enforce, present("1.0"), "Update UpdateAvailable 2.0"),
        ("plain", ignored.clone(), Enforce, present("1.0"), "Nothing"),
        ("plain", latest("2.0"), Audit, Observed::Absent, "NonCompliant"),
        ("plain", latest("2.0"), Monitor, present("1.0"), "NonCompliant"),
        ("plain", latest("2.0"), Monitor, present("2.0"), "Nothing"),
        ("plain", latest("2.0"), Ignored, Observed::Absent, "Nothing"),
        ("plain", latest("2.0"), Enforce, unknown.clone(), "Undetermined"),
        ("plain", latest("2.0"), Audit, unknown.clone(), "Undetermined"),
        ("plain", latest("2.0"), Enforce, Observed::NotApplicable, "NotApplicable"),
        ("job", job.clone(), Enforce, bad.clone(), "Set TaskNonCompliant -"),
        ("job", job.clone(), Enforce, Observed::Compliant, "Nothing"),
        ("job", job.clone(), Audit, bad.clone(), "NonCompliant"),
        ("job", job.clone(), Monitor, value.clone(), "Nothing"),
        ("job", job.clone(), Enforce, unknown.clone(), "Undetermined"),
    ];
    for (item, desired, mode, observed, expected) in table {
        let got = short(&decision(item, &desired, mode, &observed));
        assert_eq!(got, expected, "{item} {desired:?} {mode} {observed:?}");
    }
}

#[test]
fn an_action_without_a_script_for_the_platform_is_blocked() {
    let mut world = world();
    world.software("plain", &[]).uninstall = None;
    let item = software("plain");
    let wish = Wish {
        config: &world.config,
        item: &item,
        desired: &absent(),
        mode: Mode::Enforce,
        platform: Platform::Posix,
    };
    let Decision::Blocked(why) = decide(&wish, &present("1.0")) else { panic!("not blocked") };
    assert_eq!(why, "an uninstall is due, and it has no uninstall script");
}

#[test]
fn the_more_cautious_of_two_modes_never_does_more() {
    let rank = |decision: &Decision| match decision {
        Decision::Act(act) if act.action.changes() => 2,
        Decision::Nothing => 0,
        _ => 1,
    };
    let states =
        [Observed::Absent, present("1.0"), present("2.0"), Observed::Undetermined { why: "x".into() }];
    for observed in &states {
        for desired in [latest("2.0"), absent()] {
            let modes = [Mode::Ignored, Mode::Monitor, Mode::Audit, Mode::Enforce];
            for pair in modes.windows(2) {
                let [less, more] = pair else { unreachable!() };
                if matches!(observed, Observed::Undetermined { .. }) {
                    continue;
                }
                let (less, more) = (
                    decision("plain", &desired, *less, observed),
                    decision("plain", &desired, *more, observed),
                );
                assert!(rank(&less) <= rank(&more), "{less:?} {more:?}");
            }
        }
    }
}

#[test]
fn what_the_wish_does_not_allow_is_no_success_and_anything_newer_is_where_it_does() {
    let mut world = world();
    let range = |text: &str| WantedVersion::Range { constraint: text.into(), install: "1.0".into() };
    let exact = WantedVersion::Exact { version: "1.0".into() };
    let latest = WantedVersion::Latest { install: "1.0".into() };
    let any = WantedVersion::Any { install: Some("1.0".into()) };
    let table = [
        (exact.clone(), "1.0", Some(true)),
        (exact.clone(), "1.0.0", Some(true)),
        (exact.clone(), "2.0", Some(false)),
        (exact, "0.9", Some(false)),
        (range("<2"), "1.9", Some(true)),
        (range("<2"), "2.0", Some(false)),
        (latest, "2.0", Some(true)),
        (any, "2.0", Some(true)),
    ];
    world.computer("pc-1", &[]);
    for (wanted, found, expected) in table {
        let desired = state(SoftwareState::Installed, wanted.clone());
        world.config.deployments.clear();
        world.deploy("plain", software("plain"), desired, every());
        let plan = world.plan().plan;
        let [change] = plan.changes.as_slice() else { panic!("{:?}", plan.changes) };
        assert_eq!(achieved(&world.config, change, &present(found)), expected, "{wanted:?} {found}");
    }
}

#[test]
fn a_repair_in_a_version_that_is_not_the_wanted_one_has_brought_about_what_it_was_to() {
    let mut world = world();
    world.computer("pc-1", &[]);
    let exact = WantedVersion::Exact { version: "1.0".into() };
    world.deploy("again", software("again"), state(SoftwareState::Installed, exact), every());
    world.is("pc-1", software("again"), well("2.0", false));
    let plan = world.plan().plan;
    assert_eq!(actions(&plan, "pc-1"), ["again repair"]);
    assert_eq!(achieved(&world.config, &plan.changes[0], &well("2.0", true)), Some(true));
    assert_eq!(achieved(&world.config, &plan.changes[0], &well("2.0", false)), Some(false));
}
