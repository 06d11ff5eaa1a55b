//! What somebody who means it ill, or is merely unlucky, could make of an apply: from end to end, on this computer.

use std::process::{Command, Output, Stdio};

const HEAD: &str = "\
apiVersion: muster/v1
kind: Instance
metadata: { name: adversary }
spec: { timeZone: UTC, state: { sqlite: state/state.db } }
---
apiVersion: muster/v1
kind: Provider
metadata: { name: here }
spec: { local: { computer: here, tenant: contoso } }
---
apiVersion: muster/v1
kind: Tenant
metadata: { name: contoso }
spec: {}
---
";

fn repository(documents: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("muster.yaml"), format!("{HEAD}{documents}")).unwrap();
    folder
}

fn muster(folder: &tempfile::TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
    command.current_dir(folder.path()).env_clear().env("HOME", folder.path()).stdin(Stdio::null());
    command.env("PATH", std::env::var_os("PATH").unwrap());
    command
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

const FAILS: &str = "\
apiVersion: muster/v1
kind: Task
metadata: { name: fails }
spec:
  test: { posix: { inline: 'echo false' } }
  set: { posix: { inline: 'exit 1' } }
---
apiVersion: muster/v1
kind: Deployment
metadata: { name: fails }
spec: { task: fails, target: { match: { all: [{ tenant: contoso }] } } }
";

#[test]
fn a_reader_that_goes_away_does_not_hide_that_a_computer_failed() {
    let folder = repository(FAILS);
    for form in ["human", "ndjson"] {
        let mut child = muster(&folder)
            .args(["apply", "--auto-approve", "--output", form])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        assert_eq!(child.wait().unwrap().code(), Some(4), "{form}");
    }
}

#[test]
fn a_configuration_task_that_cannot_be_looked_at_after_its_install_is_not_set() {
    let folder = repository(
        "\
apiVersion: muster/v1
kind: Task
metadata: { name: settings }
spec:
  test: { posix: { inline: 'echo broken >&2; exit 3' } }
  set: { posix: { inline: 'touch \"$HOME/was-set\"' } }
---
apiVersion: muster/v1
kind: Software
metadata: { name: tool }
spec:
  detect: { script: { posix: { inline: 'cat \"$HOME/tool\" 2>/dev/null || true' } } }
  versions: ['1.0']
  install: { posix: { inline: 'echo 1.0 >\"$HOME/tool\"' } }
  configuration: settings
---
apiVersion: muster/v1
kind: Deployment
metadata: { name: tool }
spec: { software: tool, state: installed, version: latest, target: { match: { all: [{ tenant: contoso }] } } }
",
    );
    let output = muster(&folder).args(["apply", "--auto-approve", "--details"]).output().unwrap();
    assert!(folder.path().join("tool").exists(), "{}", text(&output));
    assert!(!folder.path().join("was-set").exists(), "{}", text(&output));
    assert_eq!(output.status.code(), Some(4), "{}", text(&output));
}

#[test]
fn an_empty_secret_is_no_secret() {
    let folder = repository(
        &FAILS
            .replace("'exit 1'", "'touch \"$HOME/was-set\"'")
            .replace("spec:\n", "spec:\n  parameters: { token: { type: secret, required: true } }\n")
            .replace("task: fails, ", "task: fails, parameters: { token: { secret: { env: TOKEN } } }, "),
    );
    let output = muster(&folder).env("TOKEN", "").args(["apply", "--auto-approve"]).output().unwrap();
    assert!(!folder.path().join("was-set").exists(), "{}", text(&output));
    assert!(text(&output).contains("env:TOKEN is empty"), "{}", text(&output));
    let output = muster(&folder).env("TOKEN", "x").args(["apply", "--auto-approve"]).output().unwrap();
    assert!(folder.path().join("was-set").exists(), "{}", text(&output));
}

const SLOW: &str = "\
apiVersion: muster/v1
kind: Software
metadata: { name: slow }
spec:
  detect: { script: { posix: { inline: 'cat \"$HOME/tool\" 2>/dev/null || true' } } }
  versions: ['1.0']
  install: { posix: { inline: 'echo begin >>\"$HOME/log\"; sleep 2; echo end >>\"$HOME/log\"; echo 1.0 >\"$HOME/tool\"' } }
---
apiVersion: muster/v1
kind: Deployment
metadata: { name: slow }
spec: { software: slow, state: installed, target: { match: { all: [{ tenant: contoso }] } } }
";

#[test]
fn a_script_that_outlives_a_killed_run_is_not_started_a_second_time() {
    let folder = repository(SLOW);
    let log = || std::fs::read_to_string(folder.path().join("log")).unwrap_or_default();
    let mut child = muster(&folder).args(["apply", "--auto-approve"]).stderr(Stdio::null()).spawn().unwrap();
    let patience = std::time::Instant::now();
    while log().is_empty() {
        assert!(patience.elapsed().as_secs() < 20, "the script never began");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();

    let next = muster(&folder).args(["apply", "--auto-approve"]).output().unwrap();
    assert_eq!(next.status.code(), Some(4), "{}", text(&next));
    assert!(text(&next).contains("another change is still under way"), "{}", text(&next));
    assert_eq!(log(), "begin\n");
    while log() == "begin\n" {
        assert!(patience.elapsed().as_secs() < 20, "the script never ended");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    // The lock goes with the shell that the script ran in.
    std::thread::sleep(std::time::Duration::from_millis(500));
    let last = muster(&folder).args(["apply", "--auto-approve"]).output().unwrap();
    assert_eq!(last.status.code(), Some(0), "{}", text(&last));
    assert_eq!(log(), "begin\nend\n");
    assert!(!folder.path().join(".muster-change").exists());
}

#[test]
fn a_lock_whose_owner_is_gone_stops_nobody() {
    let folder = repository(SLOW);
    // Process 1 is there and began at another time; the other number belongs to nobody.
    for stale in ["1 12345\n", "999999999 5\n", "", "nonsense"] {
        _ = std::fs::remove_file(folder.path().join("tool"));
        std::fs::write(folder.path().join(".muster-change"), stale).unwrap();
        let done = muster(&folder).args(["apply", "--auto-approve"]).output().unwrap();
        assert_eq!(done.status.code(), Some(0), "{stale:?}: {}", text(&done));
    }
}
