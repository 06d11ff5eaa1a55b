//! `muster doctor`: what is wrong with providers, told so that it can be mended.

use crate::support::muster::{World, document};

#[test]
fn each_provider_is_looked_at_and_the_worst_decides_the_exit_code() {
    let world = World::fleet(3, "");
    let well = world.run(&["doctor"]).exits(0);
    well.shows("it lists 3 computers").shows("1 thing looked at over 1 provider: all good");
    world.write(
        "providers/broken.yaml",
        &document("Provider", "broken", "simulated: { faults: { list: true } }"),
    );
    world.write("providers/empty.yaml", &document("Provider", "empty", "simulated: {}"));
    let both = world.run(&["doctor", "--output", "json"]).exits(9).json();
    let outcomes: Vec<(&str, &str)> = both["examinations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["provider"].as_str().unwrap(), one["outcome"].as_str().unwrap()))
        .collect();
    assert_eq!(outcomes.iter().find(|(name, _)| *name == "broken"), Some(&("broken", "bad")));
    assert_eq!(outcomes.iter().find(|(name, _)| *name == "empty"), Some(&("empty", "notice")));
    assert_eq!(outcomes.len(), 3);
    world.run(&["doctor", "broken"]).exits(9).shows("bad").shows("help: mend what the message names");
    world.run(&["doctor", "empty"]).exits(0).shows("1 notice");
    world.run(&["doctor", "empty", "--fail-on-warn"]).exits(10);
    world.run(&["doctor", "brokn"]).exits(64).says("did you mean broken?");
}
