//! `--through`: which links a run contacts computers by.

use crate::support::muster::{World, document};

#[test]
fn a_run_contacts_computers_through_the_named_providers_alone() {
    let world = World::fleet(2, "");
    let fleet = "simulated: { fleet: others.yaml, memory: ../.muster/others.json }";
    world.write("providers/others.yaml", "computers: [{ name: other-1, tenant: acme }]\n");
    world.write("providers/second.yaml", &document("Provider", "second", fleet));
    let changes = |arguments: &[&str], code| {
        let ran = world.run(&[arguments, &["--output", "json"]].concat()).exits(code).json();
        ran["sessions"].as_array().unwrap().len()
    };
    assert_eq!(changes(&["plan", "--through", "second"], 5), 1, "the two of the first are not known");
    let said = world.run(&["apply", "--auto-approve", "--through", "second"]).exits(5);
    said.shows("simulated is not to be used for scripts");
    assert_eq!(changes(&["plan"], 0), 2, "nothing was done through the first");
    world.run(&["apply", "--auto-approve", "--through", "simulated", "--through", "second"]).exits(0);
    assert_eq!(changes(&["plan"], 0), 0);
    world.run(&["plan", "--through", "secnd"]).exits(64).says("did you mean second?");
}
