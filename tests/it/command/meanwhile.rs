//! What changes between a plan and its actions, and what a bad end leaves behind: looked at for real, on this computer.

use std::time::Duration;

use crate::support::muster::{World, document};

/// A software of which the file of its name below the home folder holds the version.
fn software(world: &World, name: &str, state: &str, rest: &str) {
    let spec = format!(
        "detect: {{ script: {{ posix: {{ inline: 'cat \"$HOME/{name}\" 2>/dev/null || true' }} }} }}\n  {rest}"
    );
    world.write(&format!("software/{name}.yaml"), &document("Software", name, &spec));
    let spec = format!("software: {name}\n  state: {state}\n  target: {{ match: {{ every: true }} }}");
    world.write(&format!("deployments/{name}.yaml"), &document("Deployment", name, &spec));
}

#[test]
fn what_an_earlier_action_of_the_session_has_changed_is_seen_before_the_next() {
    let world = World::local();
    let brings = "versions: ['1.0']\n  install: { posix: { inline: 'echo 1.0 >\"$HOME/first\"; echo 3.0 >\"$HOME/second\"' } }";
    software(&world, "first", "installed", brings);
    let over = "versions: ['2.0']\n  install: { posix: { inline: 'echo over >>\"$HOME/log\"; echo 2.0 >\"$HOME/second\"' } }";
    software(&world, "second", "installed", over);
    world.set_home_file("second", "1.0\n");
    world.run(&["plan"]).exits(0).shows("second 1.0 -> 2.0");
    // Newer than the latest is as good.
    world.run(&["apply", "--auto-approve"]).exits(0);
    assert_eq!((world.home_file("log"), world.home_file("second").as_deref()), (None, Some("3.0\n")));
    // Not so with an exact version: the action is not begun, and the next plan says why.
    world.remove_home_file("first");
    world.set_home_file("second", "1.0\n");
    let exact =
        "software: second\n  state: installed\n  version: '2.0'\n  target: { match: { every: true } }";
    world.write("deployments/second.yaml", &document("Deployment", "second", exact));
    world
        .run(&["apply", "--auto-approve"])
        .exits(4)
        .says("the plan expects version 1.0, and it is version 3.0");
    assert_eq!((world.home_file("log"), world.home_file("second").as_deref()), (None, Some("3.0\n")));
    world.run(&["plan"]).shows("3.0 is there, newer than the wanted 2.0");
}

#[test]
fn what_has_changed_while_an_action_waited_for_its_lock_is_seen_before_it_runs() {
    let world = World::local();
    let there = "local: { computer: there, tenant: acme }";
    world.write("providers/there.yaml", &document("Provider", "there", there));
    let task = "lock: { name: counter }\n  test: { posix: { inline: 'if [ -e \"$HOME/done\" ]; then echo true; else echo false; fi' } }\n  \
                set: { posix: { inline: 'echo set >>\"$HOME/log\"; sleep 1; touch \"$HOME/done\"' } }";
    world.write("tasks/shared.yaml", &document("Task", "shared", task));
    let everywhere = "task: shared\n  target: { match: { every: true } }";
    world.write("deployments/shared.yaml", &document("Deployment", "shared", everywhere));
    world.run(&["apply", "--auto-approve"]).exits(0);
    assert_eq!(world.home_file("log").as_deref(), Some("set\n"));
}

const REMOVES_FIRST: &str = "versions: ['2.0', '1.0']\n  upgrade: uninstall-install\n  \
     uninstall: { posix: { inline: 'rm \"$HOME/agent\"' } }\n  \
     install: { posix: { inline: 'echo try >>\"$HOME/log\"; if [ -e \"$HOME/slow\" ]; then sleep 5; exit 1; fi; \
     test ! -e \"$HOME/sad\" && echo \"$MUSTER_VERSION\" >\"$HOME/agent\"' } }";

#[test]
fn software_that_an_update_has_lost_is_installed_again_where_it_is_only_updated() {
    let world = World::local();
    software(&world, "agent", "update-if-found", REMOVES_FIRST);
    world.run(&["apply", "--auto-approve"]).exits(0);
    assert_eq!(world.home_file("log"), None);
    world.set_home_file("agent", "1.0\n");
    world.set_home_file("sad", "");
    for tries in 1..=2 {
        world.run(&["apply", "--auto-approve"]).exits(4);
        assert_eq!(world.home_file("agent"), None);
        assert_eq!(world.home_file("log").unwrap_or_default().lines().count(), tries);
    }
    world.run(&["plan", "--detailed-exitcode"]).exits(2).shows("agent: install again").shows("retry");
    world.run(&["explain", "here", "agent"]).exits(0).shows("reinstall to 2.0");
    world.remove_home_file("sad");
    world.run(&["apply", "--auto-approve"]).exits(0);
    assert_eq!(world.home_file("agent").as_deref(), Some("2.0\n"));
    // What somebody else takes away stays away.
    world.remove_home_file("agent");
    world.run(&["plan", "--detailed-exitcode", "--refresh", "always"]).exits(0).shows("No changes");
}

#[test]
fn software_that_a_killed_run_has_left_removed_is_installed_again() {
    let world = World::local();
    software(&world, "agent", "update-if-found", REMOVES_FIRST);
    world.set_home_file("agent", "1.0\n");
    world.set_home_file("slow", "");
    let running = world.start(&["apply", "--auto-approve"]);
    let end = std::time::Instant::now() + Duration::from_mins(1);
    while world.home_file("log").is_none() {
        assert!(std::time::Instant::now() < end, "the install does not begin");
        std::thread::sleep(Duration::from_millis(20));
    }
    running.signal(rustix::process::Signal::KILL);
    running.end();
    world.remove_home_file("slow");
    world.run(&["plan", "--detailed-exitcode"]).exits(2).shows("agent: install again").shows("retry");
}
