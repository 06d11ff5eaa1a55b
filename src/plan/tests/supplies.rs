//! Licences, files, base versions, hooks: what installs need and what runs for them.

use std::collections::BTreeMap;
use std::time::Duration;

use super::world::*;
use crate::config::kind::{Architecture, Consequence, Fetcher, LicenseNeed, Mode, ParameterValue};
use crate::config::model::{License, LicenseForm, Origin, Payload, Release, Strategy};
use crate::id::Digest;
use crate::inventory::item::Observed;
use crate::plan::document::{ActionType, Change, Plan};
use crate::plan::interpret::interpret;
use crate::plan::payloads::Machine;
use crate::plan::planner::Planned;
use crate::plan::probes::probe;
use crate::plan::procedure::Invocation;
use crate::plan::procedures::procedure;
use crate::plan::recipe::{Call, Computer, parts};
use crate::secret::SecretRef;
use crate::session::script::{Ended, Platform, StepResult};

fn license(world: &mut World, text: &str, of: Option<&str>, versions: Option<&str>) {
    let license = License {
        metadata: metadata(text),
        place: place("licenses.yaml"),
        software: name("cad"),
        tenant: of.map(name),
        versions: versions.map(str::to_owned),
        form: LicenseForm::Key,
        secret: SecretRef::Env(text.to_uppercase()),
    };
    world.config.licenses.insert(name(text), license);
}

/// Four computers: of a tenant, of one below it, of another, and of none; all are to have a software with a licence.
fn licensed(need: LicenseNeed) -> World {
    let mut world = World::new();
    world.tenant("acme");
    world.tenant("acme-north").parent = Some(name("acme"));
    world.tenant("contoso");
    for (computer, tenant) in
        [("a", Some("acme")), ("b", Some("acme-north")), ("c", Some("contoso")), ("d", None)]
    {
        world.computer(computer, &["all"]).tenant = tenant.map(name);
    }
    world.software("cad", &["11.2", "10.5"]).license = need;
    world.deploy("cad", software("cad"), latest("11.2"), tag("all"));
    world
}

fn given(plan: &Plan) -> Vec<String> {
    let mut list = Vec::new();
    for change in &plan.changes {
        for ix in &change.computers {
            let license = change.license.as_ref().map_or("-", |name| name.as_str());
            list.push(format!("{} {license}", plan.computers[*ix as usize].name));
        }
    }
    list.sort();
    list
}

#[test]
fn the_nearest_licence_for_the_version_is_given_and_without_one_nothing_is_installed() {
    let mut world = licensed(LicenseNeed::Required);
    license(&mut world, "old", Some("acme"), Some("<11"));
    license(&mut world, "new", Some("acme"), Some(">=11, <12"));
    license(&mut world, "any", Some("acme"), None);
    let planned = world.plan().plan;
    assert_eq!(given(&planned), ["a new", "b new"]);
    assert_eq!(
        notes(&planned),
        ["Blocked cad: an install of 11.2 is due: no licence for this tenant and version [c d]"]
    );
    license(&mut world, "north", Some("acme-north"), None);
    license(&mut world, "general", None, None);
    let planned = world.plan().plan;
    assert_eq!(given(&planned), ["a new", "b north", "c general", "d general"]);
    // It reaches the scripts that install, and those that look.
    let change = planned.changes.iter().find(|c| c.license == Some(name("north"))).unwrap();
    let procedure = procedure(&world.config, change, Platform::Posix, Machine::default()).unwrap();
    assert_eq!(procedure.steps[0].parameters["license"].to_json()["secret"]["env"], "NORTH");
    assert_eq!(procedure.steps[0].environment["MUSTER_LICENSE"], "key");
    assert_eq!(procedure.verify.steps[0].parameters["license"].to_json()["secret"]["env"], "NORTH");
    // What was given changes nothing about what is due.
    world.apply(&planned);
    assert!(world.plan().plan.changes.is_empty());
}

#[test]
fn the_configuration_task_has_the_licence_and_a_removal_does_not() {
    let mut world = licensed(LicenseNeed::Required);
    license(&mut world, "acme", Some("acme"), None);
    license(&mut world, "north", Some("acme-north"), None);
    world.task("activate");
    world.config.software.get_mut("cad").unwrap().configuration = Some(name("activate"));
    let of = |world: &World, planned: &Planned, action: ActionType, computer: &str| {
        let plan = &planned.plan;
        let here = |change: &&Change| {
            change.action == action
                && change.computers.iter().any(|ix| plan.computers[*ix as usize].name == computer)
        };
        let change = plan.changes.iter().find(here).unwrap();
        let made = procedure(&world.config, change, Platform::Posix, Machine::default()).unwrap();
        let given = |steps: &[Invocation]| {
            let license = steps[0].parameters.get("license").map(ParameterValue::to_json);
            license.map(|license| license["secret"]["env"].as_str().unwrap().to_owned())
        };
        (given(&made.steps), given(&made.verify.steps))
    };
    let text = |text: &str| Some(text.to_owned());
    let planned = world.plan();
    assert_eq!(of(&world, &planned, ActionType::Set, "a"), (text("ACME"), text("ACME")));
    assert_eq!(of(&world, &planned, ActionType::Set, "b"), (text("NORTH"), text("NORTH")));
    world.apply(&planned.plan);
    let planned = world.plan();
    assert!(planned.plan.changes.is_empty(), "{:?}", notes(&planned.plan));
    // Another licence is no other value, so that nothing is installed again for it.
    license(&mut world, "anew", Some("acme"), Some(">=11, <12"));
    assert!(!world.plan().plan.changes.iter().any(|change| change.action != ActionType::Set));
    world.config.deployments.get_mut("cad").unwrap().desired = absent();
    let planned = world.plan();
    assert_eq!(of(&world, &planned, ActionType::Uninstall, "a"), (None, text("ANEW")));
    world.apply(&planned.plan);
    assert!(world.plan().plan.changes.is_empty());
}

#[test]
fn a_named_licence_is_given_only_to_whom_it_is_for_and_a_removal_needs_none() {
    let mut world = licensed(LicenseNeed::Optional);
    license(&mut world, "acme", Some("acme"), None);
    license(&mut world, "special", Some("acme-north"), None);
    assert_eq!(given(&world.plan().plan), ["a acme", "b special", "c -", "d -"]);
    world.config.deployments.get_mut("cad").unwrap().license = Some(name("special"));
    let planned = world.plan().plan;
    assert_eq!(given(&planned), ["b special"]);
    assert!(notes(&planned)[0].contains("no licence: special is not for this tenant or version [a c d]"));
    let mut world = licensed(LicenseNeed::Required);
    world.config.deployments.get_mut("cad").unwrap().desired = absent();
    world.is("c", software("cad"), present("10.5"));
    assert_eq!(given(&world.plan().plan), ["c -"]);
}

#[test]
fn what_needs_software_without_a_licence_waits_for_it() {
    let mut world = licensed(LicenseNeed::Required);
    world.config.deployments.clear();
    license(&mut world, "acme", Some("acme"), None);
    world.software("plotter", &["1"]);
    world.rule("plotter", not_installed(&["cad"]), Consequence::Install(names(&["cad"])));
    world.deploy("plotter", software("plotter"), latest("1"), tag("all"));
    let planned = world.plan().plan;
    assert_eq!(actions(&planned, "a"), ["cad install", "plotter install"]);
    assert_eq!(actions(&planned, "c"), [""; 0]);
    assert!(
        notes(&planned).iter().any(|note| note.starts_with("Blocked plotter: cad has to be there first"))
    );
}

fn payload(file: &str, architecture: Option<Architecture>) -> Payload {
    Payload {
        origin: Origin::Address { url: format!("https://example.com/{file}"), by: Fetcher::Computer },
        sha256: Digest::of(file.as_bytes()),
        architecture,
        platform: None,
        file_name: file.to_owned(),
        size: None,
        installer: Some("deb".to_owned()),
        arguments: None,
    }
}

#[test]
fn a_computer_without_a_file_that_fits_is_told_of_and_left_alone() {
    let mut world = World::new();
    for (computer, architecture) in [("a", Some("x86_64")), ("b", Some("aarch64")), ("c", None)] {
        let known = world.computer(computer, &["all"]);
        known.facts.as_mut().unwrap().1.architecture = architecture.map(str::to_owned);
    }
    let tool = world.software("tool", &["1.0"]);
    tool.releases[0].payloads = vec![payload("tool-x64", Some(Architecture::X86_64))];
    world.deploy("tool", software("tool"), latest("1.0"), tag("all"));
    let planned = world.plan().plan;
    assert_eq!(actions(&planned, "a"), ["tool install"]);
    assert_eq!(planned.sessions.len(), 1);
    assert_eq!(
        notes(&planned),
        [
            "Blocked tool: an install of 1.0 is due: its architecture is not known, and there is no payload for all [c]",
            "Blocked tool: an install of 1.0 is due: no payload for this architecture: 1.0 has none for aarch64 [b]",
        ]
    );
}

/// What runs for an action, as words.
fn runs(world: &World, action: ActionType, version: Option<&str>, before: Option<&str>) -> Vec<String> {
    let call = Call {
        action,
        version,
        before,
        platform: Platform::Posix,
        computer: Computer::With(Machine::default()),
    };
    match parts(&world.config.software["tool"], &call) {
        Err(why) => vec![why],
        Ok(parts) => parts
            .iter()
            .map(|part| {
                let purpose = format!("{:?}", part.purpose);
                let purpose = purpose.split([' ', '{']).next().unwrap().to_owned();
                format!(
                    "{purpose} {} {}->{}",
                    part.script.text.lines().next().unwrap(),
                    part.before,
                    part.version
                )
            })
            .collect(),
    }
}

/// 1.0 <- 2.0 <- 2.1, of which 2.1 is a patch with scripts of its own.
fn patched() -> World {
    let mut world = World::new();
    let tool = world.software("tool", &["2.1", "2.0", "1.0"]);
    tool.releases[0].requires = Some("2.0".to_owned());
    tool.releases[0].upgrade = Some(Strategy::Script(scripts("patch")));
    tool.releases[1].install = Some(scripts("install-two"));
    world
}

#[test]
fn base_versions_come_first_where_nothing_as_new_is_there() {
    use ActionType::{Install, Update};
    let world = patched();
    let two = "InstallSoftware install-two";
    let patch = "InstallSoftware patch";
    assert_eq!(
        runs(&world, Install, Some("2.1"), None),
        [format!("{two} ->2.0"), format!("{patch} 2.0->2.1")]
    );
    assert_eq!(
        runs(&world, Update, Some("2.1"), Some("1.0")),
        [format!("{two} 1.0->2.0"), format!("{patch} 2.0->2.1")]
    );
    for there in ["2.0", "2.0.3"] {
        assert_eq!(runs(&world, Update, Some("2.1"), Some(there)), [format!("{patch} {there}->2.1")]);
    }
    let mut world = patched();
    world.computer("pc", &["all"]);
    world.deploy("tool", software("tool"), latest("2.1"), tag("all"));
    let planned = world.plan().plan;
    assert_eq!(actions(&planned, "pc"), ["tool install"]);
    assert_eq!(notes(&planned), ["Hint tool: 2.1 goes over 2.0 [pc]"]);
    world.is("pc", software("tool"), present("2.0"));
    assert_eq!(notes(&world.plan().plan), [""; 0]);
}

#[test]
fn files_come_before_anything_else_and_each_of_them_once() {
    let mut world = patched();
    let tool = world.software("tool", &[]);
    tool.upgrade = Strategy::UninstallInstall;
    tool.releases[0].payloads = vec![payload("patch.bin", None)];
    tool.releases[0].upgrade = None;
    tool.releases[1].payloads = vec![payload("base.bin", None), payload("other.bin", None)];
    tool.pre_install = Some(scripts("pre-install"));
    tool.post_install = Some(scripts("post-install"));
    tool.post_uninstall = Some(scripts("post-uninstall"));
    let short = |list: Vec<String>| {
        list.iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        short(runs(&world, ActionType::Update, Some("2.1"), Some("1.0"))),
        [
            "FetchPayload",
            "FetchPayload",
            "PreInstall",
            "UninstallSoftware",
            "InstallSoftware",
            "InstallSoftware",
            "PostInstall"
        ]
    );
    assert_eq!(
        short(runs(&world, ActionType::Download, Some("2.1"), Some("1.0"))),
        ["FetchPayload", "FetchPayload"]
    );
    assert_eq!(
        short(runs(&world, ActionType::Uninstall, None, Some("2.1"))),
        ["UninstallSoftware", "PostUninstall"]
    );
    world.software("tool", &[]).download = Some(scripts("download"));
    assert_eq!(
        short(runs(&world, ActionType::Reinstall, Some("2.0"), Some("2.0"))),
        ["DownloadPayload", "FetchPayload", "PreInstall", "InstallSoftware", "PostInstall"]
    );
    assert_eq!(short(runs(&world, ActionType::Download, Some("1.0"), None)), [""; 0]);
}

#[test]
fn what_fails_its_test_is_repaired_and_then_updated_in_the_same_action() {
    let mut world = World::new();
    let tool = world.software("tool", &["2.0", "1.0"]);
    tool.repair = Strategy::Script(scripts("mend"));
    tool.test = Some(scripts("test"));
    let run = |world: &World, version| runs(world, ActionType::Repair, Some(version), Some("1.0"));
    assert_eq!(run(&world, "1.0"), ["RepairSoftware mend 1.0->1.0"]);
    assert_eq!(run(&world, "2.0"), ["RepairSoftware mend 1.0->1.0", "InstallSoftware install 1.0->2.0"]);
    world.computer("pc", &["all"]);
    world.deploy("tool", software("tool"), latest("2.0"), tag("all"));
    let sick = Observed::Present { version: Some("1.0".to_owned()), healthy: Some(false) };
    world.is("pc", software("tool"), sick);
    let planned = world.plan().plan;
    assert_eq!(actions(&planned, "pc"), ["tool repair"]);
    assert_eq!(planned.changes[0].version.as_deref(), Some("2.0"));
    world.apply(&planned);
    assert!(world.plan().plan.changes.is_empty());
    // Where there is no way to update, the repair leaves the version alone.
    world.is(
        "pc",
        software("tool"),
        Observed::Present { version: Some("1.0".to_owned()), healthy: Some(false) },
    );
    world.software("tool", &[]).upgrade = Strategy::None;
    assert_eq!(world.plan().plan.changes[0].version.as_deref(), Some("1.0"));
}

#[test]
fn a_release_brings_a_test_of_its_own() {
    let mut world = World::new();
    let tool = world.software("tool", &["2.0", "1.0"]);
    tool.test = Some(scripts("test"));
    tool.releases[0].test = Some(scripts("test-two"));
    let probe = probe(&world.config, &software("tool"), &BTreeMap::new(), Mode::Enforce, Platform::Posix);
    assert_eq!(probe.steps.len(), 3);
    let says = |text: &str| StepResult {
        ended: Ended::Exit(0),
        stdout: text.to_owned(),
        stderr: String::new(),
        cut: false,
        duration: Duration::ZERO,
    };
    for (version, healthy) in [("1.0", true), ("2.0", false), ("2.0.0", false), ("3.0", true)] {
        let results = BTreeMap::from([(0, says(version)), (1, says("true")), (2, says("false"))]);
        let observed = interpret(&world.config, &probe, &results, None);
        let expected = Observed::Present { version: Some(version.to_owned()), healthy: Some(healthy) };
        assert_eq!(observed, expected);
    }
}

#[test]
fn a_release_says_how_it_is_removed_and_repaired() {
    let mut world = patched();
    let tool = world.software("tool", &[]);
    tool.releases[2] = Release {
        uninstall: Some(scripts("remove-one")),
        repair: Some(Strategy::InstallOver),
        ..tool.releases[2].clone()
    };
    assert_eq!(
        runs(&world, ActionType::Uninstall, None, Some("1.0")),
        ["UninstallSoftware remove-one 1.0->"]
    );
    assert_eq!(runs(&world, ActionType::Uninstall, None, Some("2.0")), ["UninstallSoftware uninstall 2.0->"]);
    assert_eq!(
        runs(&world, ActionType::Repair, Some("1.0"), Some("1.0")),
        ["InstallSoftware install 1.0->1.0"]
    );
    assert_eq!(runs(&world, ActionType::Repair, Some("2.0"), Some("2.0")), ["its repair strategy is none"]);
}
