//! A task that is set once, for real: the state remembers it, and only an end that was good counts.

use crate::support::muster::{Ran, World, document};

fn declare(world: &World, key: &str) {
    let set =
        "set: { posix: { inline: 'echo \"$MUSTER_METHOD\" >>\"$HOME/log\"; test ! -e \"$HOME/sad\"' } }";
    world.write("tasks/badge.yaml", &document("Task", "badge", &format!("once: {key}\n  {set}")));
    let everywhere = "task: badge\n  target: { match: { every: true } }";
    world.write("deployments/badge.yaml", &document("Deployment", "badge", everywhere));
}

fn apply(world: &World) -> Ran {
    world.run(&["apply", "--auto-approve"])
}

#[test]
fn a_task_is_set_once_for_each_key_and_again_after_a_bad_end() {
    let world = World::local();
    declare(&world, "first");
    world.run(&["plan"]).exits(0).shows("badge").shows("not-run-yet");
    let lines = || world.home_file("log").unwrap_or_default().lines().count();
    assert_eq!(lines(), 0);
    apply(&world).exits(0);
    apply(&world).exits(0);
    world.run(&["plan", "--refresh", "always", "--detailed-exitcode"]).exits(0);
    assert_eq!(lines(), 1);
    declare(&world, "second");
    world.set_home_file("sad", "");
    apply(&world).exits(4).says("exit code 1");
    apply(&world).exits(4);
    assert_eq!(lines(), 3);
    world.remove_home_file("sad");
    apply(&world).exits(0);
    apply(&world).exits(0);
    assert_eq!(lines(), 4);
    world.run(&["explain", "here"]).exits(0).shows("badge");
    declare(&world, "first");
    world.run(&["plan", "--detailed-exitcode"]).exits(0);
}
