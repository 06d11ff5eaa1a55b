//! Probes and what their results mean.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::world::*;
use crate::config::kind::{
    InventoryMatch, Mode, PackageManager, PackageMatch, Packages, ParameterSpec, ParameterType,
    ParameterValue, TextMatch,
};
use crate::config::model::Detect;
use crate::inventory::facts::{Facts, Package, PackageSource};
use crate::inventory::item::{ItemKey, Observed};
use crate::plan::document::ValueOrigin;
use crate::plan::explain::explain;
use crate::plan::gates::Run;
use crate::plan::interpret::interpret;
use crate::plan::past::Past;
use crate::plan::probes::{configuration, origins, probe, values};
use crate::plan::procedure::Probe;
use crate::session::script::{Ended, Platform, StepResult};

fn result(ended: Ended, stdout: &str, stderr: &str) -> StepResult {
    StepResult {
        ended,
        stdout: stdout.to_owned(),
        stderr: stderr.to_owned(),
        cut: false,
        duration: Duration::ZERO,
    }
}

fn exit(code: i32, stdout: &str) -> StepResult {
    result(Ended::Exit(code), stdout, "\nboom\nmore")
}

fn probe_of(world: &World, item: &ItemKey, mode: Mode) -> Probe {
    probe(&world.config, item, &values(&world.config, item, &BTreeMap::new()), mode, Platform::Posix)
}

fn read(world: &World, item: &ItemKey, results: &[StepResult], facts: Option<&Facts>) -> Observed {
    let results = results.iter().cloned().enumerate().collect();
    interpret(&world.config, &probe_of(world, item, Mode::Enforce), &results, facts)
}

fn undetermined(why: &str) -> Observed {
    Observed::Undetermined { why: why.to_owned() }
}

#[test]
fn a_detection_script_says_present_absent_or_nothing_certain() {
    let mut world = World::new();
    world.software("x", &["1"]);
    let item = software("x");
    for (step, expected) in [
        (exit(0, "1.2.3\n"), present("1.2.3")),
        (exit(0, "found it\nv24.09-rc1\r\nthanks for asking\n"), present("v24.09-rc1")),
        (exit(0, " \n"), Observed::Absent),
        (
            exit(0, "no version here"),
            undetermined("its detection script printed something that is not a version"),
        ),
        (exit(3, "1.2.3"), undetermined("its script ended with exit code 3: boom")),
        (result(Ended::TimedOut, "1.2", ""), undetermined("its script passed its time limit")),
        (
            result(Ended::NoUser, "", ""),
            undetermined("its script runs as the signed-in user, and nobody is signed in"),
        ),
        (result(Ended::Lost, "", ""), undetermined("the answer broke off before its result")),
    ] {
        assert_eq!(read(&world, &item, std::slice::from_ref(&step), None), expected, "{step:?}");
    }
    assert_eq!(read(&world, &item, &[], None), undetermined("its detection script gave no result"));
}

#[test]
fn only_an_explicit_false_makes_a_software_unhealthy() {
    let mut world = World::new();
    world.software("x", &["1"]).test = Some(scripts("test"));
    let healthy = |test: StepResult| match read(&world, &software("x"), &[exit(0, "1"), test], None) {
        Observed::Present { healthy, .. } => healthy,
        other => panic!("{other:?}"),
    };
    assert_eq!(healthy(exit(0, "looks good\ntrue\n")), Some(true));
    assert_eq!(healthy(exit(0, "broken\nFalse\r\n\r\n")), Some(false));
    for unclear in
        [exit(0, ""), exit(0, "false alarm"), exit(1, "false"), result(Ended::TimedOut, "false", "")]
    {
        assert_eq!(healthy(unclear), None);
    }
    assert_eq!(read(&world, &software("x"), &[exit(0, ""), exit(0, "false")], None), Observed::Absent);
}

#[test]
fn a_test_of_a_task_says_true_or_false_in_its_last_line() {
    let mut world = World::new();
    world.task("t").get = None;
    let unclear = "the last line of its output is neither true nor false";
    for (step, expected) in [
        (exit(0, "true"), Observed::Compliant),
        (exit(0, "a\nb\nfalse\n\n"), Observed::non_compliant("a\nb")),
        (exit(0, ""), undetermined(unclear)),
        (exit(0, "true\nmaybe"), undetermined(unclear)),
        (exit(0, "untrue"), undetermined(unclear)),
        (exit(1, "true"), undetermined("its script ended with exit code 1: boom")),
    ] {
        assert_eq!(read(&world, &task("t"), std::slice::from_ref(&step), None), expected, "{step:?}");
    }
    let long = exit(0, &format!("{}\nfalse", "ä".repeat(10_000)));
    let Observed::NonCompliant { detail, .. } = read(&world, &task("t"), &[long], None) else { panic!() };
    assert!(detail.chars().count() < 2010);
}

#[test]
fn monitor_reads_and_a_platform_without_a_script_is_not_applicable() {
    let mut world = World::new();
    world.task("t");
    let reads = probe_of(&world, &task("t"), Mode::Monitor);
    let results = BTreeMap::from([(0, exit(0, "key-1\n"))]);
    assert_eq!(
        interpret(&world.config, &reads, &results, None),
        Observed::Value { value: "key-1".to_owned() }
    );
    assert_ne!(reads.digest, probe_of(&world, &task("t"), Mode::Audit).digest);
    world.software("x", &["1"]);
    for item in [task("t"), software("x"), software("unheard-of")] {
        let probe = probe(&world.config, &item, &BTreeMap::new(), Mode::Enforce, Platform::Windows);
        assert!(!probe.applicable && probe.steps.is_empty());
        assert_eq!(interpret(&world.config, &probe, &BTreeMap::new(), None), Observed::NotApplicable);
    }
}

fn package(name: &str, version: &str, source: PackageSource) -> Package {
    Package {
        name: name.to_owned(),
        version: version.to_owned(),
        source,
        architecture: None,
        product_code: None,
        upgrade_code: None,
        scope: None,
        hidden: false,
    }
}

#[test]
fn the_inventory_answers_with_the_highest_version_or_says_that_it_cannot() {
    let mut world = World::new();
    let by_name = |pattern: &str, hidden| {
        Detect::Inventory(InventoryMatch { name: TextMatch::Regex(pattern.into()), include_hidden: hidden })
    };
    let mut shy = package("Shy 9", "9", PackageSource::Registry);
    shy.hidden = true;
    let mut coded = package("Coded", "4.1", PackageSource::Registry);
    coded.upgrade_code = Some("{AB-1}".to_owned());
    let facts = Facts {
        packages: vec![
            package("7-Zip 9.20 (x64)", "9.20.00", PackageSource::Registry),
            package("7-Zip 24.09 (x64)", "", PackageSource::Registry),
            package("bash", "5.2-1", PackageSource::Dpkg),
            shy,
            coded,
        ],
        package_sources: BTreeSet::from([PackageSource::Registry, PackageSource::Dpkg]),
        ..Facts::default()
    };
    let named = |apt: Option<&str>, dnf: Option<&str>| {
        let text = |name: Option<&str>| name.map(str::to_owned);
        Detect::Packages(Packages { apt: text(apt), dnf: text(dnf), ..Packages::default() })
    };
    let of = |name: &str, manager| Detect::Package(PackageMatch { name: name.into(), manager });
    for (detect, expected) in [
        (by_name(r"^7-zip (?<version>[0-9.]+)", false), present("24.09")),
        (by_name("^7-Zip", false), present("9.20.00")),
        (by_name("^Shy", false), Observed::Absent),
        (by_name("^Shy", true), present("9")),
        (of("bash", None), present("5.2-1")),
        (of("bas", None), Observed::Absent),
        (of("bash", Some(PackageManager::Rpm)), Observed::NotApplicable),
        (named(Some("bash"), None), present("5.2-1")),
        (named(Some("zsh"), Some("bash")), Observed::Absent),
        (named(None, Some("bash")), Observed::NotApplicable),
    ] {
        world.software("x", &["1"]).detect = detect.clone();
        assert!(probe_of(&world, &software("x"), Mode::Enforce).steps.is_empty());
        assert_eq!(read(&world, &software("x"), &[], Some(&facts)), expected, "{detect:?}");
        let unknown = read(&world, &software("x"), &[], Some(&Facts::default()));
        assert_eq!(unknown, undetermined("the list of installed software could not be read"), "{detect:?}");
        assert!(matches!(read(&world, &software("x"), &[], None), Observed::Undetermined { .. }));
    }
    // One record that cannot be read may hold what the others do not.
    let unread = Facts { unread_sources: BTreeSet::from([PackageSource::Rpm]), ..facts.clone() };
    world.software("x", &["1"]).detect = named(Some("zsh"), Some("zsh"));
    let why = "the list of installed software could not be read";
    assert_eq!(read(&world, &software("x"), &[], Some(&unread)), undetermined(why));
    world.software("x", &["1"]).detect = Detect::UpgradeCode("{ab-1}".to_owned());
    world.config.software.get_mut("x").unwrap().install.as_mut().unwrap().windows = scripts("i").posix;
    let probe = probe(&world.config, &software("x"), &BTreeMap::new(), Mode::Enforce, Platform::Windows);
    assert_eq!(interpret(&world.config, &probe, &BTreeMap::new(), Some(&facts)), present("4.1"));
}

#[test]
fn another_value_is_another_question_and_defaults_are_filled_in() {
    let mut world = World::new();
    let spec = ParameterSpec {
        default: Some(ParameterValue::Text("de".into())),
        ..ParameterSpec::new(ParameterType::Text)
    };
    world.task("t").parameters.insert("language".to_owned(), spec);
    let with = |text: &str| {
        let given = BTreeMap::from([("language".to_owned(), ParameterValue::Text(text.into()))]);
        let values = values(&world.config, &task("t"), &given);
        probe(&world.config, &task("t"), &values, Mode::Enforce, Platform::Posix)
    };
    let default = probe_of(&world, &task("t"), Mode::Enforce);
    assert_eq!(default.steps[0].parameters["language"], ParameterValue::Text("de".into()));
    assert_eq!(with("de").digest, default.digest);
    assert_ne!(with("fr").digest, default.digest);
}

#[test]
fn each_value_tells_whether_the_deployment_gives_it_or_it_is_a_default() {
    let mut world = World::new();
    world.computer("pc1", &["office"]);
    let text = |text: &str| ParameterValue::Text(text.into());
    let spec = |default: Option<&str>| ParameterSpec {
        default: default.map(text),
        ..ParameterSpec::new(ParameterType::Text)
    };
    let agent = world.software("agent", &["1.0"]);
    agent.parameters.insert("site".to_owned(), spec(None));
    agent.parameters.insert("language".to_owned(), spec(Some("de")));
    agent.parameters.insert("colour".to_owned(), spec(Some("blue")));
    let hidden = ParameterSpec { hidden: true, ..spec(Some("x")) };
    agent.parameters.insert("internal".to_owned(), hidden);
    agent.parameters.insert("first".to_owned(), ParameterSpec { order: Some(-1), ..spec(Some("1")) });
    agent.configuration = Some(name("setup"));
    world.task("setup").parameters.insert("depth".to_owned(), spec(Some("deep")));
    let deployment = world.deploy("rollout", software("agent"), latest("1.0"), tag("office"));
    // Given, though it is the default as well.
    for (name, value) in [("site", "north"), ("colour", "blue")] {
        deployment.parameters.insert(name.to_owned(), text(value));
    }
    let given = ValueOrigin::Deployment(name("rollout"));
    let default = ValueOrigin::Default(name("agent"));
    let plan = world.plan().plan;
    let of = |item: &str| {
        let change = plan.changes.iter().find(|change| change.item.name.as_str() == item).expect("a change");
        assert_eq!(change.origins.len(), change.parameters.len(), "{item}");
        change.origins.clone()
    };
    assert_eq!(of("agent")["site"], given);
    assert_eq!(of("agent")["colour"], given);
    assert_eq!(of("agent")["language"], default);
    assert_eq!(of("setup")["depth"], ValueOrigin::Default(name("setup")));
    assert_eq!(of("setup")["language"], default);

    let snapshot = world.snapshot();
    let detections = world.detect(&snapshot);
    let told = explain(
        &world.config,
        &snapshot,
        &detections,
        &Past::default(),
        0,
        Some(&software("agent")),
        &Run::at(world.now),
    );
    let values = &told.expect("explained").items[0].values;
    let told: Vec<_> = values.iter().map(|value| (value.name.as_str(), value.origin.clone())).collect();
    assert_eq!(
        told,
        [
            ("first", Some(default.clone())),
            ("colour", Some(given.clone())),
            ("language", Some(default)),
            ("site", Some(given)),
        ]
    );
}

#[test]
fn what_a_prerequisite_gets_is_not_taken_for_what_the_other_item_is_given() {
    let mut world = World::new();
    let text = |text: &str| ParameterValue::Text(text.into());
    let spec = ParameterSpec { default: Some(text("de")), ..ParameterSpec::new(ParameterType::Text) };
    world.software("base", &["1.0"]).parameters.insert("language".to_owned(), spec);
    world.software("agent", &["1.0"]);
    let needing = world.deploy("rollout", software("agent"), latest("1.0"), every());
    needing.parameters.insert("language".to_owned(), text("de"));
    let needing = needing.clone();
    let own = world.deploy("base", software("base"), latest("1.0"), tag("none"));
    own.parameters.insert("language".to_owned(), text("fr"));
    let of = |value: &str| {
        let values = BTreeMap::from([("language".to_owned(), text(value))]);
        origins(&world.config, &software("base"), &values, &needing, true).remove("language")
    };
    assert_eq!(of("de"), Some(ValueOrigin::Default(name("base"))));
    assert_eq!(of("fr"), Some(ValueOrigin::Deployment(name("base"))));
    assert_eq!(of("it"), None);
}

#[test]
fn software_that_share_a_configuration_task_have_it_under_their_names() {
    let mut world = World::new();
    world.task("setup");
    world.software("a", &["1"]).configuration = Some(name("setup"));
    let key = |world: &World| configuration(&world.config, &world.config.software["a"]);
    assert_eq!(key(&world), Some(task("setup")));
    world.software("b", &["1"]).configuration = Some(name("setup"));
    assert_eq!(key(&world), Some(ItemKey::task(name("setup"), Some(name("a")))));
}

#[test]
fn an_answer_that_was_cut_tells_nothing_whatever_it_ends_in() {
    let mut world = World::new();
    world.software("agent", &["1.9.512", "1.9.5"]).test = Some(scripts("test"));
    world.task("job");
    let cut = |stdout: &str| StepResult { cut: true, ..exit(0, stdout) };
    let lost = "its output was cut, so its last line is not known";
    for words in ["found\ntrue ", "found\nfalse", "found"] {
        assert_eq!(read(&world, &task("job"), &[cut(words)], None), undetermined(lost), "{words}");
    }
    assert_eq!(
        read(&world, &software("agent"), &[cut("found\n1.9.5"), exit(0, "true")], None),
        undetermined(lost)
    );
    assert_eq!(read(&world, &software("agent"), &[cut(""), exit(0, "true")], None), undetermined(lost));
    // A test that was cut gives no verdict.
    let found = read(&world, &software("agent"), &[exit(0, "1.9.5"), cut("no\nfalse")], None);
    assert_eq!(found, present("1.9.5"));
}
