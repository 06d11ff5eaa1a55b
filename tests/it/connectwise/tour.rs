//! The example: customers and computers are imported, planned and applied through each of the three systems.

use std::collections::BTreeSet;

use crate::support::lab_world::LabWorld;

/// All changes of the example, as `item on computer`.
const ALL: [&str; 6] = [
    "automate-agent on contoso-pc-3",
    "automate-agent on fabrikam-nb-1",
    "greeting on contoso-build",
    "greeting on fabrikam-build",
    "seven-zip on contoso-pc-2",
    "seven-zip on fabrikam-nb-1",
];

/// What is planned.
fn changes(world: &LabWorld, arguments: &[&str]) -> BTreeSet<String> {
    let ran = world.run(&[&["plan", "--output", "json"], arguments].concat());
    let plan = ran.json();
    let at = |list: &serde_json::Value, position: &serde_json::Value| {
        list[usize::try_from(position.as_u64().unwrap()).unwrap()].clone()
    };
    let mut found = BTreeSet::new();
    for session in plan["sessions"].as_array().unwrap() {
        let computer = at(&plan["computers"], &session["computer"]);
        for action in session["actions"].as_array().unwrap() {
            let change = at(&plan["changes"], &action["change"]);
            let item = change["item"]["name"].as_str().unwrap();
            found.insert(format!("{item} on {}", computer["name"].as_str().unwrap()));
        }
    }
    found
}

fn set(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// Plans, applies and plans again through one link; what it leaves, and the exit code of the apply.
fn through(link: &str, code: i32) -> BTreeSet<String> {
    let world = LabWorld::example();
    world.run(&["doctor", link]).exits(0);
    let applied = world.run(&["apply", "--auto-approve", "--through", link]).exits(code);
    applied.says(&format!("{link}: "));
    let left = changes(&world, &["--through", link, "--refresh", "always"]);
    let twice: Vec<_> = world.lab.changes().into_iter().filter(|(_, times)| *times > 1).collect();
    assert_eq!(twice, [], "nothing was done twice");
    left
}

#[test]
fn the_example_is_planned_as_its_page_says() {
    let world = LabWorld::example();
    assert_eq!(changes(&world, &[]), set(&ALL));
    let again = world.run(&["plan"]).exits(0);
    assert_eq!(again.out, world.run(&["plan"]).exits(0).out);
    again.says("of no tenant, and left out: 1 computer of 1 company");
}

#[test]
fn the_example_is_applied_through_control() {
    assert_eq!(through("control", 0), BTreeSet::new());
}

#[test]
fn the_example_is_applied_through_automate_as_far_as_its_agents_go() {
    let without =
        ["automate-agent on contoso-pc-3", "automate-agent on fabrikam-nb-1", "seven-zip on fabrikam-nb-1"];
    let left = through("automate", 5);
    assert!(left.is_subset(&set(&without)), "{left:?}");
}

#[test]
fn the_example_is_applied_through_rmm() {
    assert_eq!(through("rmm", 0), BTreeSet::new());
}

#[test]
fn agents_of_three_systems_are_one_computer_and_what_one_cannot_reach_another_mends() {
    let world = LabWorld::example();
    world.run(&["apply", "--auto-approve"]).exits(0);
    assert_eq!(changes(&world, &["--refresh", "always"]), BTreeSet::new());
    let computers = world.run(&["computers", "--output", "json"]).exits(0).json();
    assert_eq!(computers["computers"].as_array().unwrap().len(), 7, "{computers}");
    world.run(&["identify"]).exits(0);
}

#[test]
fn a_customer_that_no_tenant_maps_is_imported_with_its_computers() {
    let world = LabWorld::example();
    let proposed =
        world.run(&["import", "tenants", "--from", "control", "--create", "all", "--check"]).exits(2);
    proposed.shows("Northwind");
    for link in ["control", "automate", "rmm"] {
        world.run(&["import", "tenants", "--from", link, "--create", "all", "--yes"]).exits(0);
        world.run(&["import", "computers", "--from", link, "--yes"]).exits(0);
    }
    world.run(&["validate", "--fail-on-warn"]).exits(0);
    let planned = changes(&world, &[]);
    assert!(planned.contains("seven-zip on northwind-pc-1"), "{planned:?}");
    world.run(&["apply", "--auto-approve"]).exits(0);
    assert_eq!(changes(&world, &["--refresh", "always"]), BTreeSet::new());
}
