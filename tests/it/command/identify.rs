//! Two links that list the same computers: they are recognised, and reached through either.

use crate::support::muster::{World, document};

/// Computers of a fleet file, each with its tenant.
fn fleet(computers: &[(&str, &str)]) -> String {
    let one = |(name, tenant): &(&str, &str)| {
        format!(
            "  - name: {name}\n    tenant: {tenant}\n    facts: {{ os: {{ family: linux, name: Debian, version: '13' }}, role: server }}\n"
        )
    };
    format!("computers:\n{}", computers.iter().map(one).collect::<String>())
}

/// Both links list `pc-1` and `pc-2` in the tenant acme; each of them recognises its computers.
fn world() -> World {
    let world = World::fleet(2, "");
    world.write("tenants/other.yaml", &document("Tenant", "other", "tags: []"));
    links(&world, "", "");
    right(&world, &[("pc-1", "acme"), ("pc-2", "acme")]);
    world
}

fn right(world: &World, computers: &[(&str, &str)]) {
    world.write("providers/right-fleet.yaml", &fleet(computers));
}

/// Gives both links other faults.
fn links(world: &World, left: &str, right: &str) {
    let link = |fleet: &str, memory: &str, faults: &str| {
        format!(
            "simulated: {{ fleet: {fleet}, memory: ../.muster/{memory}.json, identify: true, faults: {{ {faults} }} }}"
        )
    };
    let left = link("fleet.yaml", "left", left);
    world.write("providers/simulated.yaml", &document("Provider", "left", &left));
    let right = link("right-fleet.yaml", "right", right);
    world.write("providers/right.yaml", &document("Provider", "right", &right));
}

/// The computers with their agents.
fn computers(world: &World, arguments: &[&str]) -> Vec<(String, Vec<String>)> {
    let ran = world.run(&[&["computers", "--output", "json"], arguments].concat()).exits(0).json();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let rows = ran["computers"].as_array().unwrap().clone();
    rows.iter()
        .map(|row| (text(&row["id"]), row["agents"].as_array().unwrap().iter().map(text).collect()))
        .collect()
}

fn pairs(rows: &[(&str, &[&str])]) -> Vec<(String, Vec<String>)> {
    let list = |agents: &[&str]| agents.iter().map(|agent| (*agent).to_owned()).collect();
    rows.iter().map(|(id, agents)| ((*id).to_owned(), list(agents))).collect()
}

fn sessions(world: &World, code: i32) -> usize {
    let plan = world.run(&["plan", "--output", "json"]).exits(code).json();
    plan["sessions"].as_array().unwrap().len()
}

#[test]
fn the_same_computers_in_two_links_are_planned_and_changed_once() {
    let world = world();
    // Nobody was asked, so nobody is in a target by guess.
    world
        .run(&["identify", "--detailed-exitcode"])
        .exits(2)
        .shows("left/pc-1")
        .shows("not-asked")
        .says("4 agents");
    assert_eq!(computers(&world, &[]), []);
    assert_eq!(sessions(&world, 0), 2);
    let both =
        pairs(&[("left/pc-1", &["left/pc-1", "right/pc-1"]), ("left/pc-2", &["left/pc-2", "right/pc-2"])]);
    assert_eq!(computers(&world, &[]), both);
    assert_eq!(computers(&world, &["--offline"]), both);
    assert_eq!(computers(&world, &["--only", "computer:pc-2"]), both[1..]);
    world.run(&["identify"]).exits(0).shows("No agent waits.");
    world.run(&["apply", "--auto-approve"]).exits(0);
    assert_eq!(sessions(&world, 0), 0);
    let csv = world.run(&["computers", "--output", "csv"]).exits(0);
    csv.shows("left/pc-1; right/pc-1").shows("uuid/");
}

#[test]
fn a_computer_is_reached_through_the_link_that_reaches_it() {
    let world = world();
    assert_eq!(sessions(&world, 0), 2);
    links(&world, "unreachable: [pc-1]", "");
    let plan = world.run(&["plan", "--refresh", "always", "--output", "json"]).exits(0).json();
    assert_eq!(plan["coverage"]["unreachable"], 0, "{plan}");
    world.run(&["apply", "--auto-approve"]).exits(0);
    // What was done through one is seen through it alone: their computers are models.
    assert_eq!(sessions(&world, 0), 0);
    links(&world, "unreachable: [pc-1]", "unreachable: [pc-1]");
    world.run(&["inventory", "--refresh", "always"]).exits(5).shows("1 missing");
    let known = world.run(&["status", "pc-1", "--output", "json"]).exits(0).json();
    assert!(known["computer"]["contact"]["unreachable"].is_object(), "{known}");
}

#[test]
fn a_link_that_is_down_neither_shrinks_anything_nor_holds_what_the_other_reaches() {
    let world = world();
    assert_eq!(sessions(&world, 0), 2);
    links(&world, "list: true", "");
    assert_eq!(sessions(&world, 9), 2);
    let rows = world.run(&["computers", "--output", "json"]).exits(9).json();
    assert_eq!(rows["computers"].as_array().unwrap().len(), 2, "{rows}");
    world.run(&["apply", "--auto-approve"]).exits(9);
    assert_eq!(sessions(&world, 9), 0, "they were changed through the other link");
}

#[test]
fn agents_that_nobody_reaches_are_counted_and_asked_again() {
    let world = world();
    links(&world, "unreachable: [pc-1]", "unreachable: [pc-1]");
    let plan = world.run(&["plan", "--output", "json"]).exits(0).json();
    assert_eq!(plan["coverage"]["unidentified"], serde_json::json!({ "no-answer": 2 }), "{plan}");
    assert_eq!(plan["coverage"]["computers"], 1);
    world.run(&["plan"]).exits(0).shows("2 agents on no computer yet (2 no-answer): muster identify");
    world.run(&["identify", "--retry", "all"]).exits(5).shows("no-answer");
    links(&world, "", "unreachable: [pc-1]");
    world
        .run(&["identify", "--retry", "left/pc-1"])
        .exits(0)
        .shows("left/pc-1 does not wait: it is on left/pc-1.");
    assert_eq!(computers(&world, &[]).len(), 2);
    world.run(&["identify", "--retry", "nobody"]).exits(64).says("no agent called");
}

#[test]
fn what_cannot_be_told_is_asked_and_the_answer_is_a_document() {
    let world = world();
    right(&world, &[("pc-1", "acme"), ("pc-2", "other")]);
    assert_eq!(sessions(&world, 0), 2);
    let alone = pairs(&[("left/pc-1", &["left/pc-1", "right/pc-1"]), ("left/pc-2", &["left/pc-2"])]);
    assert_eq!(computers(&world, &[]), alone);
    let shown = world.run(&["identify", "right/pc-2"]).exits(0);
    shown.shows("other-tenant").shows("left/pc-2").shows("keep-both");
    let decide = ["identify", "right/pc-2", "--decide", "same", "--computer", "left/pc-2"];
    world.run(&[&decide[..], &["--check"]].concat()).exits(0).shows("+++ computers/pc-2.yaml");
    assert!(!world.repo().join("computers/pc-2.yaml").exists());
    world.run(&decide).exits(0).says("computers/pc-2.yaml is written");
    assert_eq!(
        world.repo_file("computers/pc-2.yaml"),
        "apiVersion: muster/v1\nkind: Computer\nmetadata: { name: pc-2 }\nspec:\n  name: pc-2\n  identity:\n    agents:\n      \
         - { provider: right, agent: pc-2 }\n    computer: left/pc-2\n"
    );
    world.run(&["validate"]).exits(0);
    world.run(&["plan"]).exits(0);
    let both =
        pairs(&[("left/pc-1", &["left/pc-1", "right/pc-1"]), ("left/pc-2", &["left/pc-2", "right/pc-2"])]);
    assert_eq!(computers(&world, &[]), both);
    // The decision is edited where it stands, and the rest of the file stays.
    world.write(
        "computers/pc-2.yaml",
        &world.repo_file("computers/pc-2.yaml").replace("spec:\n", "spec: # by hand\n  tags: [till] # why\n"),
    );
    world.run(&["identify", "right/pc-2", "--decide", "keep-both"]).exits(0);
    let text = world.repo_file("computers/pc-2.yaml");
    assert!(
        text.contains("spec: # by hand\n  tags: [till] # why") && text.contains("decision: keep-both"),
        "{text}"
    );
    assert!(!text.contains("computer: left/pc-2"), "{text}");
    let apart = pairs(&[
        ("left/pc-1", &["left/pc-1", "right/pc-1"]),
        ("left/pc-2", &["left/pc-2"]),
        ("right/pc-2", &["right/pc-2"]),
    ]);
    assert_eq!(computers(&world, &[]), apart);
}

#[test]
fn a_computer_that_is_gone_is_remembered_until_it_is_forgotten() {
    let world = world();
    assert_eq!(sessions(&world, 0), 2);
    world.run(&["computers", "--forget", "left/pc-2"]).exits(6).says("is listed");
    world.write("providers/fleet.yaml", &fleet(&[("pc-1", "acme")]));
    right(&world, &[("pc-1", "acme")]);
    let accept = ["--accept-shrink", "left", "--accept-shrink", "right"];
    world.run(&[&["plan"][..], &accept].concat()).exits(0);
    assert_eq!(computers(&world, &[]).len(), 1);
    world.run(&["computers", "--gone"]).exits(0).shows("left/pc-2");
    world.run(&["computers", "--forget", "left/pc-2"]).exits(0);
    world.run(&["computers", "--gone"]).exits(0).shows("No computer is gone.");
    world.run(&["computers", "--forget", "left/pc-2"]).exits(64);
}
