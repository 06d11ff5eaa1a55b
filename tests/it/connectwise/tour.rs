//! The example: plan and apply through each of the three systems.

use crate::support::lab_world::LabWorld;

/// What is planned: the changes as `item on computer`, sorted.
fn changes(world: &LabWorld, arguments: &[&str]) -> Vec<String> {
    let ran = world.run(&[&["plan", "--output", "json"], arguments].concat());
    let plan = ran.json();
    let sessions = plan["sessions"].as_array().unwrap().iter();
    let mut changes: Vec<String> = sessions
        .flat_map(|session| {
            let actions = session["actions"].as_array().unwrap().iter();
            actions.map(|action| {
                format!("{} on {}", action["item"]["name"].as_str().unwrap(), session["computer"])
            })
        })
        .collect();
    changes.sort();
    changes
}

#[test]
fn the_example_is_applied_through_control() {
    let world = LabWorld::example();
    world.run(&["doctor", "control"]).exits(0);
    let first = world.run(&["plan", "--through", "control"]).exits(0);
    println!("{}\n{}", first.out, first.err);
    let planned = changes(&world, &["--through", "control"]);
    println!("{planned:#?}");
    world.run(&["apply", "--auto-approve", "--through", "control"]).exits(0);
    assert_eq!(changes(&world, &["--through", "control", "--refresh", "always"]), [""; 0]);
}
