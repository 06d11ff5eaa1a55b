//! `muster-lab` as a program.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use crate::support::send;

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_muster-lab"))
}

#[test]
fn it_makes_a_fleet_serves_it_and_ends_with_its_input() {
    let folder = tempfile::tempdir().expect("a folder");
    let printed = program().args(["generate", "--computers", "20", "--wiped", "30"]).output().expect("a run");
    assert!(printed.status.success());
    let fleet = folder.path().join("fleet.yaml");
    std::fs::write(&fleet, &printed.stdout).expect("a file");
    let variables = folder.path().join("lab.env");
    let mut child = program()
        .arg("serve")
        .arg(&fleet)
        .args(["--admin-port", "0", "--until-stdin-closes", "--for", "120s", "--env-file"])
        .arg(&variables)
        .arg("--journal")
        .arg(folder.path().join("journal"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program");
    let mut urls = std::collections::BTreeMap::new();
    for line in BufReader::new(child.stdout.take().expect("its output")).lines() {
        let line = line.expect("a line");
        let Some((name, url)) = line.split_once(' ') else {
            assert_eq!(line, "ready");
            break;
        };
        urls.insert(name.to_owned(), url.to_owned());
    }
    assert_eq!(urls.len(), 4, "{urls:?}");
    assert!(urls.values().all(|url| url.starts_with("http://127.0.0.1:")));
    let text = std::fs::read_to_string(&variables).expect("the file");
    assert!(text.contains(&format!("LAB_CONTROL_URL='{}'", urls["control"])));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&variables).expect("the file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let faults = r#"{"rules":[{"what":"status","status":502}]}"#;
    let set = send(&urls["admin"], "PUT", "/faults", &[], faults).expect("an answer");
    assert_eq!(set.status, 204);
    assert_eq!(send(&urls["rmm"], "GET", "/v1/rate_limits", &[], "").expect("an answer").status, 502);
    let wrong = send(&urls["admin"], "PUT", "/faults", &[], r#"{"rules":[{"what":"nothing"}]}"#);
    assert_eq!(wrong.expect("an answer").status, 400);
    let name = "/computers/nobody";
    assert_eq!(send(&urls["admin"], "PUT", name, &[], r#"{"online":false}"#).expect("an answer").status, 404);
    let journal = send(&urls["admin"], "GET", "/journal", &[], "").expect("an answer");
    assert!(String::from_utf8_lossy(&journal.body).contains("\"status\":502"));
    drop(child.stdin.take());
    assert!(child.wait().expect("its end").success());
    let kept = std::fs::read_to_string(folder.path().join("journal")).expect("the journal");
    assert_eq!(kept.lines().count(), 1);
}

#[test]
fn it_says_what_is_wrong_with_a_fleet_and_stops_after_its_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let fleet = folder.path().join("fleet.yaml");
    std::fs::write(&fleet, "computers: [{ name: a, colour: red }]").expect("a file");
    let run = program().arg("serve").arg(&fleet).output().expect("a run");
    assert_eq!(run.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&run.stderr).contains("colour"));
    std::fs::write(&fleet, "").expect("a file");
    let run = program().arg("serve").arg(&fleet).args(["--for", "100ms"]).output().expect("a run");
    assert!(run.status.success());
    assert!(String::from_utf8_lossy(&run.stdout).ends_with("ready\n"));
}
