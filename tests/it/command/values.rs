//! Values that a software was installed with: changing them is drift that apply really mends, and only once.

use crate::support::muster::{World, document};

fn world(server: &str) -> World {
    let world = World::local();
    let spec = "detect: { script: { posix: { inline: 'test ! -f \"$HOME/agent\" || echo 1.0' } } }\n  versions: ['1.0']\n  \
                install: { posix: { inline: 'test ! -f \"$HOME/broken\" || exit 3; echo \"$MUSTER_PARAM_SERVER\" > \"$HOME/agent\"' } }\n  \
                parameters: { server: { type: text } }";
    world.write("software/agent.yaml", &document("Software", "agent", spec));
    serve(&world, server);
    world
}

fn serve(world: &World, server: &str) {
    let spec = format!(
        "software: agent\n  state: installed\n  version: latest\n  parameters: {{ server: {server} }}\n  \
         target: {{ match: {{ every: true }} }}"
    );
    world.write("deployments/agent.yaml", &document("Deployment", "agent", &spec));
}

#[test]
fn a_changed_value_reaches_the_computer_once() {
    let world = world("north");
    world.run(&["apply", "--auto-approve"]).exits(0);
    assert_eq!(world.home_file("agent").as_deref(), Some("north\n"));
    serve(&world, "south");
    world.run(&["plan"]).exits(0).shows("agent 1.0: install again").shows("parameters-changed");
    world.run(&["apply", "--auto-approve"]).exits(0);
    assert_eq!(world.home_file("agent").as_deref(), Some("south\n"));
    world.run(&["plan", "--detailed-exitcode", "--refresh", "always"]).exits(0).shows("No changes");
}

#[test]
fn an_install_that_failed_with_the_new_value_is_tried_again() {
    let world = world("north");
    world.run(&["apply", "--auto-approve"]).exits(0);
    serve(&world, "south");
    world.set_home_file("broken", "yes");
    world.run(&["apply", "--auto-approve"]).exits(4);
    assert_eq!(world.home_file("agent").as_deref(), Some("north\n"));
    world.run(&["plan", "--detailed-exitcode"]).exits(2).shows("install again").shows("retry");
    // What it was put there with is not forgotten by the failure: the old value is no drift.
    serve(&world, "north");
    world.run(&["plan", "--detailed-exitcode"]).exits(0).shows("No changes");
}

#[test]
fn a_test_without_a_verdict_is_not_compliant() {
    let world = world("north");
    world.run(&["apply", "--auto-approve"]).exits(0);
    let spec = "detect: { script: { posix: { inline: 'echo 1.0' } } }\n  versions: ['1.0']\n  \
                install: { posix: { inline: 'true' } }\n  test: { posix: { inline: 'exit 3' } }";
    world.write("software/tested.yaml", &document("Software", "tested", spec));
    let spec =
        "software: tested\n  state: installed\n  version: latest\n  target: { match: { every: true } }";
    world.write("deployments/tested.yaml", &document("Deployment", "tested", spec));
    world.run(&["plan"]).exits(5).shows("its test gave no verdict");
    world.run(&["plan", "--allow-missing", "100"]).exits(0);
}
