//! Maintenance mode around a session: the program against the lab, whose journal is the witness.

use std::time::{Duration, Instant};

use muster_lab::fleet::Fleet;
use muster_lab::journal::Entry;
use rustix::process::Signal;

use crate::support::lab::{LOUD, QUIET};
use crate::support::lab_world::LabWorld;
use crate::support::muster::{World, document};

/// The scripts, of which one does not do what it should.
const SCRIPTS: &str = "{ id: 1, name: Idle, does: nothing }";

/// Three computers in Control and Automate, of which the third one needs nothing.
fn world(automate: &str, begin: &str, end: &str) -> LabWorld {
    let world = World::new();
    world.write("muster.yaml", &document("Instance", "test", "timeZone: UTC"));
    let clients = "clients: { control: [{ name: Contoso }], automate: [{ name: Contoso }] }";
    world.write("tenants/contoso.yaml", &document("Tenant", "contoso", clients));
    let control = "screenconnect: { url: 'http://127.0.0.1:18040', secret: { env: LAB_CONTROL_SECRET }, link: { \
                   requestsPerMinute: 60000 } }";
    world.write("providers/control.yaml", &document("Provider", "control", control));
    write_automate(&world, "http://127.0.0.1:18041", begin, end);
    let tool = "detect: { script: { posix: { inline: tool --version } } }\n  versions: ['1.0']\n  install: { posix: { \
                inline: install tool } }";
    world.write("software/tool.yaml", &document("Software", "tool", tool));
    let everywhere =
        "software: tool\n  state: installed\n  version: latest\n  target: { match: { every: true } }";
    world.write("deployments/tool.yaml", &document("Deployment", "tool", everywhere));
    let fleet = format!(
        "companies: [{{ name: Contoso }}]\ncomputers:\n- {{ name: pc-1, company: Contoso }}\n- {{ name: pc-2, company: \
         Contoso }}\n- {{ name: pc-3, company: Contoso, software: {{ tool: '1.0' }} }}\nautomate: {{ {automate} scripts: \
         [{QUIET}, {LOUD}, {SCRIPTS}] }}\n"
    );
    LabWorld::new(world, Fleet::read(&fleet).unwrap())
}

fn write_automate(world: &World, url: &str, begin: &str, end: &str) {
    let spec = format!(
        "automate: {{ url: '{url}', clientId: 2c1e2a3b-5d4c-4f6e-8a90-1b2c3d4e5f60, account: {{ user: lab, password: {{ env: \
         LAB_AUTOMATE_PASSWORD }} }}, maintenanceMode: {{ begin: {begin}, end: {end} }}, link: {{ requestsPerMinute: 60000, \
         pickupTimeout: 3s }} }}"
    );
    world.write("providers/automate.yaml", &document("Provider", "automate", &spec));
}

/// What happened to a computer, in its order: scripts of Automate by their names, and changes.
fn story(world: &LabWorld, computer: &str) -> Vec<String> {
    let told = |entry: Entry| match entry {
        Entry::Script { computer: of, script, .. } if of == computer => Some(script),
        Entry::Step { computer: of, did: "changed", .. } if of == computer => Some("changed".to_owned()),
        _ => None,
    };
    world.lab.journal().into_iter().filter_map(|line| told(line.entry)).collect()
}

const THROUGH_CONTROL: &[&str] = &["apply", "--auto-approve", "--through", "control"];

/// Waits until Automate holds back the alerts of the first computer, before Muster can have read that back.
#[track_caller]
fn wait_for_silence(world: &LabWorld) {
    let end = Instant::now() + Duration::from_mins(1);
    while !world.lab.in_maintenance().contains(&"1".to_owned()) {
        assert!(Instant::now() < end, "no maintenance mode is switched on");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn alerts_are_held_back_only_while_a_computer_is_changed_and_only_by_us() {
    let world = world("", "Quiet", "Loud");
    world.run(&["doctor", "automate"]).exits(0).shows("maintenance-mode");
    // A technician has put the second one into maintenance before.
    assert!(world.lab.set_maintenance("2", Some(60)));
    // The scripts run through Control; the alerts are those of Automate.
    let ran = world.run(&[THROUGH_CONTROL, &["--verbose"]].concat()).exits(0);
    ran.says("pc-1  automate holds back its alerts").says("pc-1  automate lets its alerts through again");
    assert_eq!(story(&world, "pc-1"), ["Quiet", "changed", "Loud"]);
    assert_eq!(story(&world, "pc-2"), ["changed"], "what was on before stays on");
    assert_eq!(story(&world, "pc-3"), [""; 0], "what needs nothing is left alone");
    assert_eq!(world.lab.in_maintenance(), ["2"]);
    world.run(THROUGH_CONTROL).exits(0);
    assert_eq!(story(&world, "pc-1").len(), 3, "there was nothing to do");
}

#[test]
fn what_a_killed_run_has_switched_on_the_next_one_puts_back() {
    let world = world("", "Quiet", "Loud");
    let running = world.start(&["apply", "--auto-approve"]);
    wait_for_silence(&world);
    running.signal(Signal::KILL);
    running.end();
    assert!(world.lab.in_maintenance().contains(&"1".to_owned()));
    let ran = world.run(&["apply", "--auto-approve"]).exits(0);
    ran.says("interrupted");
    assert_eq!(world.lab.in_maintenance(), [""; 0]);
    let first = story(&world, "pc-1");
    assert_eq!(first.iter().filter(|what| *what == "changed").count(), 1, "{first:?}");
    assert_eq!(first[..2], ["Quiet", "Loud"], "before anything else");
    assert_eq!(first.last().unwrap(), "Loud");
}

#[test]
fn a_run_that_is_asked_to_stop_puts_back_what_it_has_switched_on() {
    let world = world("", "Quiet", "Loud");
    let running = world.start(&["apply", "--auto-approve"]);
    wait_for_silence(&world);
    running.signal(Signal::INT);
    running.end().exits(130);
    assert_eq!(world.lab.in_maintenance(), [""; 0]);
}

#[test]
fn a_mode_that_cannot_be_switched_on_keeps_no_session_from_its_work() {
    let denied = "permissions: [Clients.Show All, Computers.Show All, Locations.Show All, Groups.Show All, \
                  Commands Send, Commands View, Scripts.Read],";
    let world = world(denied, "Quiet", "Loud");
    let ran = world.run(THROUGH_CONTROL).exits(0);
    ran.says("pc-1  not in maintenance mode in automate").says("permission");
    assert_eq!(story(&world, "pc-1"), ["changed"]);
    let sessions = world.run(&["sessions", "--output", "json"]).exits(0).json();
    let id = sessions["sessions"][0]["id"].as_str().unwrap();
    world.run(&["sessions", id]).exits(0).shows("maintenance mode in automate  not switched on");
    let one = world.run(&["sessions", id, "--output", "json"]).exits(0).json();
    assert_eq!(one["maintenance"][0]["kept"], "never-on");
}

#[test]
fn what_cannot_be_put_back_is_told_and_put_back_by_the_next_run() {
    let world = world("", "Quiet", "Idle");
    let ran = world.run(&["apply", "--auto-approve", "--output", "json", "--only", "computer:pc-1"]).exits(0);
    assert_eq!(ran.json()["maintenance"][0]["name"], "pc-1");
    ran.says("pc-1 may still be in maintenance mode in automate").says("the next apply");
    assert_eq!(world.lab.in_maintenance(), ["1"]);
    // It is tried again in each run …
    world.run(THROUGH_CONTROL).exits(0).says("pc-1  maintenance mode not put back in automate");
    assert!(world.lab.in_maintenance().contains(&"1".to_owned()));
    // … until it works, though there is nothing else to do.
    write_automate(&world.world, &world.lab.url(muster_lab::fleet::System::Automate), "Quiet", "Loud");
    world.run(THROUGH_CONTROL).exits(0);
    assert_eq!(world.lab.in_maintenance(), [""; 0]);
}

#[test]
fn what_a_revision_cannot_put_back_is_told_until_another_one_can() {
    let world = world("", "Quiet", "Idle");
    world.run(&["apply", "--auto-approve", "--only", "computer:pc-1"]).exits(0);
    let url = world.lab.url(muster_lab::fleet::System::Automate);
    write_automate(&world.world, &url, "Quiet", "Loud");
    let text = world.world.repo_file("providers/automate.yaml");
    let without = text.replace("maintenanceMode: { begin: Quiet, end: Loud }, ", "");
    assert_ne!(text, without);
    world.world.write("providers/automate.yaml", &without);
    world.run(THROUGH_CONTROL).exits(0).says("any more");
    world.run(THROUGH_CONTROL).exits(0).says("any more");
    assert!(world.lab.in_maintenance().contains(&"1".to_owned()));
    write_automate(&world.world, &url, "Quiet", "Loud");
    let quiet = world.run(THROUGH_CONTROL).exits(0);
    assert!(!quiet.err.contains("still be in maintenance"), "{}", quiet.err);
    assert_eq!(world.lab.in_maintenance(), [""; 0]);
}
