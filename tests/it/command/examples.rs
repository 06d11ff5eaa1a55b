//! The examples do what their descriptions promise.

use crate::support::muster::World;

const EXAMPLES: [&str; 5] = ["connectwise", "quickstart", "resources", "simulated-fleet", "ssh"];

#[test]
#[expect(clippy::disallowed_methods, reason = "lists the examples")]
fn every_example_validates_without_findings() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut found: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().join("muster.yaml").exists())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    found.sort();
    assert_eq!(found, EXAMPLES, "a new example needs a test here");
    for name in found {
        let ran = World::example(&name).run(&["validate", "--fail-on-warn"]).exits(0).shows("Valid: ");
        assert_eq!(ran.err, "", "{name}");
    }
}

#[test]
fn quickstart_is_planned_applied_and_repaired() {
    let world = World::example("quickstart");
    let first = world.run(&["plan", "--detailed-exitcode"]).exits(2);
    assert_eq!(first.out, world.run(&["plan", "--detailed-exitcode"]).exits(2).out);
    let json = world.run(&["plan", "--output", "json"]).exits(0);
    assert_eq!(json.out, world.run(&["plan", "--output", "json"]).exits(0).out);
    assert_eq!(world.home_file("muster-quickstart/welcome.txt"), None, "planning writes nothing");

    let applied = world.run(&["apply", "--auto-approve"]).exits(0);
    assert!(
        applied.out.contains("1 computer: 1 passed; actions: 5 succeeded, 0 failed, 0 open"),
        "{}",
        applied.out
    );
    let contacts = world.home_file("muster-quickstart/notes/contacts.txt").unwrap();
    assert_eq!(contacts, "Names are just data, even this one: $(reboot)\"; rm -rf /\n");
    world.run(&["plan", "--detailed-exitcode"]).exits(0).shows("No changes");
    world.run(&["plan", "--detailed-exitcode", "--refresh", "always"]).exits(0).shows("No changes");

    world.set_home_file("muster-quickstart/welcome.txt", "changed by hand\n");
    world.run(&["plan", "--detailed-exitcode"]).exits(0).shows("No changes");
    let drift = world.run(&["plan", "--detailed-exitcode", "--refresh", "always"]).exits(2);
    let drift = drift.shows("drift").shows("deployments/files.yaml:5");
    assert!(!drift.out.contains("new-intent"), "{}", drift.out);
    world.run(&["apply", "--auto-approve"]).exits(0);
    let welcome = world.home_file("muster-quickstart/welcome.txt").unwrap();
    assert_eq!(welcome, "Muster looks after this file. Change it, and plan again.\n");
    world.run(&["plan", "--detailed-exitcode", "--refresh", "always"]).exits(0);
}

#[test]
fn the_simulated_fleet_is_planned_and_applied() {
    let world = World::example("simulated-fleet");
    let first = world.run(&["plan", "--detailed-exitcode"]).exits(2);
    assert_eq!(first.out, world.run(&["plan", "--detailed-exitcode"]).exits(2).out);
    let json = world.run(&["plan", "--output", "json"]).exits(0);
    assert_eq!(json.out, world.run(&["plan", "--output", "json"]).exits(0).out);
    // One customer is enough to see that the model remembers; all five take a while on a slow machine.
    let only = ["--only", "tenant:tailspin"];
    let applied = world.run(&[&["apply", "--auto-approve", "--quiet"], &only[..]].concat()).exits(0);
    assert_eq!(applied.err, "", "quiet says what went wrong only");
    world.run(&[&["plan", "--detailed-exitcode"], &only[..]].concat()).exits(0);
    let again = [&["plan", "--detailed-exitcode", "--refresh", "always"], &only[..]].concat();
    world.run(&again).exits(0).shows("No changes");
    world.run(&["plan", "--detailed-exitcode"]).exits(2);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the example keeps a folder of its own")]
fn resources_are_planned_field_by_field_and_applied() {
    let folder = std::path::Path::new("/tmp/muster-resources");
    _ = std::fs::remove_dir_all(folder);
    let world = World::example("resources");
    world.run(&["plan", "--detailed-exitcode"]).exits(2).shows("mode: (none) -> 0600");
    world.run(&["apply", "--auto-approve"]).exits(0);
    let settings = folder.join("settings.conf");
    assert_eq!(std::fs::read_to_string(&settings).unwrap(), "limit = 20\n");
    world.run(&["plan", "--detailed-exitcode", "--refresh", "always"]).exits(0).shows("No changes");

    std::fs::write(&settings, "# kept\nlimit = 7\n").unwrap();
    let drift = world.run(&["plan", "--detailed-exitcode", "--refresh", "always"]).exits(2);
    drift.shows("drift").shows("line: limit = 7 -> limit = 20");
    world.run(&["apply", "--auto-approve"]).exits(0);
    assert_eq!(std::fs::read_to_string(&settings).unwrap(), "# kept\nlimit = 20\n");
    std::fs::remove_dir_all(folder).unwrap();
}
