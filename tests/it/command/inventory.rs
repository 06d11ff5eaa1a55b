//! Collecting facts alone: of all computers in scope, those too that are excluded or that nothing is deployed to.

use crate::support::muster::{World, document};

/// Three computers: `pc-1` is to have a software, `pc-2` is excluded, `pc-3` is nobody's business.
fn world() -> World {
    let world = World::fleet(3, "");
    let one = "software: tool\n  state: installed\n  version: latest\n  target: { match: { any: [{ computer: pc-1 }, { computer: \
               pc-2 }] } }";
    world.write("deployments/tool.yaml", &document("Deployment", "tool", one));
    world.write("computers/pc-2.yaml", &document("Computer", "pc-2", "excluded: true"));
    world
}

fn has_facts(world: &World, computer: &str) -> bool {
    !world.run(&["status", computer, "--output", "json"]).exits(0).json()["computer"]["facts"].is_null()
}

fn collected(world: &World, arguments: &[&str], code: i32) -> (u64, u64, usize) {
    let ran = world.run(&[&["inventory", "--output", "json"], arguments].concat()).exits(code).json();
    let missing = ran["missing"].as_object().unwrap().len();
    (ran["computers"].as_u64().unwrap(), ran["collected"].as_u64().unwrap(), missing)
}

#[test]
fn facts_of_excluded_computers_and_of_those_without_deployments_are_collected() {
    let world = world();
    world.run(&["plan"]).exits(0);
    let known = ["pc-1", "pc-2", "pc-3"].map(|name| has_facts(&world, name));
    assert_eq!(known, [true, false, false], "a plan asks whom a deployment may reach");
    assert_eq!(collected(&world, &[], 0), (3, 2, 0));
    assert_eq!(["pc-1", "pc-2", "pc-3"].map(|name| has_facts(&world, name)), [true; 3]);
    assert_eq!(collected(&world, &[], 0), (3, 0, 0), "they are new");
    assert_eq!(collected(&world, &["--refresh", "always"], 0), (3, 3, 0));
    assert_eq!(collected(&world, &["--refresh", "always", "--only", "computer:pc-2"], 0), (1, 1, 0));
    assert_eq!(
        world.run(&["plan", "--output", "json"]).exits(0).json()["sessions"].as_array().unwrap().len(),
        1
    );
    world
        .run(&["inventory"])
        .exits(0)
        .shows("Facts of 3 computers: 0 collected now, 3 known before, 0 missing");
}

#[test]
fn computers_out_of_reach_and_failing_providers_end_with_their_codes() {
    let world = world();
    world.faults("unreachable: [pc-3]");
    assert_eq!(collected(&world, &[], 5), (3, 2, 1));
    assert_eq!(collected(&world, &["--allow-missing", "40"], 0), (3, 0, 1), "it is tried again");
    world.run(&["inventory"]).exits(5).shows("pc-3: ");
    world.faults("list: true");
    assert_eq!(collected(&world, &["--refresh", "always"], 9), (3, 0, 3), "nobody is asked through it");
    world.run(&["inventory", "--only", "computer:nobody"]).exits(3).says("nobody");
}
