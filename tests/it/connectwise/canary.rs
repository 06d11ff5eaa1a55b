//! Known secrets in every credential of the three systems, and in a parameter: they are found nowhere in what the program
//! prints or keeps, with all logs on, also when the systems refuse them.

use std::path::Path;

use muster_lab::fleet::Fleet;

use crate::support::lab_world::{LabWorld, fleet};
use crate::support::muster::{World, document, finish};

/// What each secret holds, and nothing else does.
const NEEDLE: &str = "canary-7d1f";

/// The example's fleet with credentials that can be found again.
fn marked() -> Fleet {
    let mut fleet = fleet("connectwise");
    fleet.control.secret = format!("{NEEDLE}-control");
    fleet.automate.password = format!("{NEEDLE}-automate");
    fleet.automate.totp_secret = None;
    fleet.rmm.client_secret = format!("{NEEDLE}-rmm");
    fleet
}

/// Files below a folder that hold the needle; how many were read.
fn search(folder: &Path, found: &mut Vec<String>) -> usize {
    let mut read = 0;
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            read += search(&path, found);
        } else if kind.is_file() {
            let bytes = std::fs::read(&path).unwrap_or_default();
            let here = bytes.windows(NEEDLE.len()).any(|window| window == NEEDLE.as_bytes());
            found.extend(here.then(|| path.display().to_string()));
            read += 1;
        }
    }
    read
}

/// Runs the program with all logs on, and looks at what it prints.
fn run(world: &LabWorld, arguments: &[&str], secrets: &[(&str, &str)]) -> i32 {
    let mut command = world.world.command(&[&["-vvv"], arguments].concat());
    command
        .envs(world.lab.environment())
        .env("MUSTER_LOG", "trace")
        .env("PARAMETER", format!("{NEEDLE}-parameter"));
    command.envs(secrets.iter().copied());
    let ran = finish(&mut command);
    for (stream, text) in [("standard output", &ran.out), ("standard error", &ran.err)] {
        let lines: Vec<&str> = text.lines().filter(|line| line.contains(NEEDLE)).collect();
        assert_eq!(lines, [""; 0], "{stream} of {arguments:?}");
    }
    ran.code
}

#[test]
fn no_credential_is_printed_or_kept() {
    let world = LabWorld::new(World::example("connectwise"), marked());
    let task = "parameters: { token: { type: secret, required: true } }\n  test: { posix: { inline: 'test -e \"$HOME/told\" && echo \
                true || echo false' } }\n  set: { posix: { inline: ': >\"$HOME/told\"' } }";
    world.world.write("tasks/secret.yaml", &document("Task", "secret", task));
    let deployment = "task: secret\n  target: { ref: build-servers }\n  parameters: { token: { secret: { env: PARAMETER } } }";
    world.world.write("deployments/secret.yaml", &document("Deployment", "secret", deployment));
    for link in ["control", "automate", "rmm"] {
        assert_eq!(run(&world, &["doctor", link], &[]), 0, "{link}");
        run(&world, &["plan", "--through", link, "--refresh", "always", "--out", "../plan.json"], &[]);
        run(&world, &["import", "tenants", "--from", link], &[]);
    }
    // What hands over a secret is refused by links that keep the text of commands.
    assert_eq!(run(&world, &["apply", "--auto-approve"], &[]), 5);
    for (variable, wrong) in [
        ("LAB_CONTROL_SECRET", "canary-7d1f-wrong-1"),
        ("LAB_AUTOMATE_PASSWORD", "canary-7d1f-wrong-2"),
        ("LAB_RMM_CLIENT_SECRET", "canary-7d1f-wrong-3"),
    ] {
        assert_eq!(run(&world, &["doctor"], &[(variable, wrong)]), 9, "{variable}");
        assert_eq!(run(&world, &["plan"], &[(variable, wrong)]), 9, "{variable}");
    }
    let mut found = Vec::new();
    let read: usize =
        ["home", "state", "tmp", "repo"].iter().map(|name| search(&world.world.path(name), &mut found)).sum();
    assert!(read > 20, "only {read} files");
    assert_eq!(found, [""; 0]);
    let plan = std::fs::read_to_string(world.world.path("plan.json")).unwrap();
    assert!(!plan.contains(NEEDLE));
}
