//! Real computers: shells of this host that are different computers.

use muster::session::collect;
use muster::session::script::Platform;
use muster_lab::journal::Entry;

use crate::support::{lab, run};

const FLEET: &str = "
computers:
  - name: one
    kind: real
    identity: { uuid: 4c4c4544-0042-3010-8051-b4c04f4d4e31, serial: B0QMN1, manufacturer: Dell Inc., model: Latitude 5450, machineId: 0123456789abcdef0123456789abcdef, generatedId: abc-1, osInstalled: 2026-02-01T08:00:00Z }
    agents: [{ system: control }]
  - name: two
    kind: real
    identity: { uuid: 4c4c4544-0042-3010-8051-b4c04f4d4e32, serial: B0QMN2, manufacturer: LENOVO, model: 21HD0012GE }
    agents: [{ system: control }]
control: { commandDelayMs: 0 }
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_real_computers_on_one_host_are_two_computers() {
    let lab = lab(FLEET).await;
    let script = collect::step(Platform::Posix).script.text.to_string();
    let command = format!("#timeout=60000\n#maxlength=10000000\n{script}");
    let facts = ["one", "two"].map(|name| {
        let text = run(&lab, name, &command);
        collect::read(Platform::Posix, &text).unwrap_or_else(|error| panic!("{error}: {text}"))
    });
    let note = lab.journal().into_iter().any(|line| matches!(line.entry, Entry::Note { .. }));
    if note {
        // Said in the journal, and in the test's output: this host does not permit it.
        println!("skipped: this host permits no private view of its files");
        return;
    }
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let [one, two] = &facts;
    assert_eq!((text(&one.hostname), text(&two.hostname)), ("one".to_owned(), "two".to_owned()));
    assert_eq!(text(&one.identity.uuid).to_lowercase(), "4c4c4544-0042-3010-8051-b4c04f4d4e31");
    assert_eq!(
        (text(&one.identity.serial), text(&two.identity.serial)),
        ("B0QMN1".to_owned(), "B0QMN2".to_owned())
    );
    assert_eq!(text(&two.identity.manufacturer), "LENOVO");
    assert_eq!(text(&one.identity.generated_id), "abc-1");
    assert_eq!(one.identity.os_installed, "2026-02-01T08:00:00Z".parse().ok());
    if std::path::Path::new("/etc/machine-id").exists() {
        assert_eq!(text(&one.identity.machine_id), "0123456789abcdef0123456789abcdef");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_computer_has_a_home_of_its_own_and_a_limit_for_all_its_processes() {
    let lab = lab(FLEET).await;
    assert_eq!(
        run(&lab, "one", "echo kept >\"$HOME/file\"; echo to-stderr >&2; echo done"),
        "to-stderr\ndone\n"
    );
    assert_eq!(run(&lab, "one", "cat \"$HOME/file\""), "kept\n");
    let missing = run(&lab, "two", "ls \"$HOME\"; echo \"${MUSTER_CANARY:-clean}\"");
    assert_eq!(missing, "clean\n");
    // The inner shell would write the file later if it were left alive.
    let late = run(&lab, "one", "#timeout=300\n(sleep 1; echo alive >\"$HOME/late\") & echo begun; sleep 30");
    assert_eq!(late, "begun\n\r\nKilled after 300 milliseconds.");
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    assert_eq!(run(&lab, "one", "ls \"$HOME\""), "file\n");
    assert!(run(&lab, "one", "#maxlength=4\necho abcdefgh").starts_with("abcd\r\nTruncated output at 4"));
}
