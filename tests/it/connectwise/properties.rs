//! Custom properties of ConnectWise Control are shown before they are written, and written where they differ.

use crate::support::lab_world::LabWorld;

const SET: [&str; 5] = ["computers", "--provider", "control", "--set-property", "7={tenant}/{computer}"];

fn due(world: &LabWorld, only: &str) -> Vec<(String, String, String)> {
    let ran = world.run(&[&SET[..], &["--only", only, "--yes", "--output", "json"]].concat()).exits(0).json();
    let text = |row: &serde_json::Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let row = |row| (text(row, "computer"), text(row, "before"), text(row, "after"));
    ran["agents"].as_array().unwrap().iter().map(row).collect()
}

#[test]
fn a_property_is_written_where_it_differs_and_only_after_it_was_shown() {
    let world = LabWorld::example();
    let refused = world.run(&[&SET[..], &["--only", "tenant:fabrikam"]].concat()).exits(6);
    refused.shows("fabrikam/fabrikam-nb-1").says("nothing was written");
    let mut all = due(&world, "computer:contoso-pc-1");
    let is = |computer: &str, before: &str| {
        (computer.to_owned(), before.to_owned(), format!("contoso/{computer}"))
    };
    assert_eq!(all, [is("contoso-pc-1", "")], "nothing was written before");
    assert_eq!(due(&world, "computer:contoso-pc-1"), []);
    all = due(&world, "tenant:contoso");
    assert!(all.len() >= 2 && !all.contains(&is("contoso-pc-1", "")), "{all:?}");
    // The company stays what it was, and so every computer stays where it was.
    world.run(&["computers", "--only", "tenant:contoso"]).exits(0).shows("contoso-pc-1");

    let other = ["computers", "--provider", "automate", "--set-property", "7=x", "--yes"];
    world.run(&other).exits(6).says("no custom properties");
    world.run(&["computers", "--provider", "controll", "--set-property", "7=x"]).exits(64).says("control");
    world.run(&["computers", "--set-property", "7=x"]).exits(64);
    world.run(&["computers", "--provider", "control", "--set-property", "9=x", "--yes"]).exits(4);
    world.run(&["computers", "--provider", "control", "--set-property", "x"]).exits(64).says("3=VIP");
}
