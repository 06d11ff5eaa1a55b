//! A canary in the place of a secret: it goes to scripts on this computer and over SSH, and must be found nowhere else.
//!
//! Everything that the program prints, writes and starts is searched, with all logs on: also with a script that fails and
//! one that prints its secrets.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use crate::support::sshd::Farm;

/// In the environment; with what shells and JSON treat in a special way.
const TOKEN: &str = "canary-5f2e'\"$(x) & %s";
/// In a file; of two lines.
const KEY: &str = "canary-91c7 one\ncanary-44ab two";
/// What none of them may leave behind.
const NEEDLES: [&str; 3] = ["canary-5f2e", "canary-91c7", "canary-44ab"];

/// Scripts that write down what they see of the environment: of a task, and one that selects.
const LOOKING: &str = r#"
apiVersion: muster/v1
kind: Instance
metadata: { name: looking }
spec: {}
---
apiVersion: muster/v1
kind: Provider
metadata: { name: here }
spec: { local: { computer: here } }
---
apiVersion: muster/v1
kind: Script
metadata: { name: all }
spec: { interpreter: sh, inline: 'env >"$HOME/select.env"; echo here' }
---
apiVersion: muster/v1
kind: Task
metadata: { name: look }
spec:
  test: { posix: { inline: 'env >"$HOME/test.env"; if [ -e "$HOME/set.env" ]; then echo true; else echo false; fi' } }
  set: { posix: { inline: 'env >"$HOME/set.env"' } }
---
apiVersion: muster/v1
kind: Deployment
metadata: { name: look }
spec:
  task: look
  target: { match: { all: [{ script: all }] } }
"#;

const TASKS: &str = r#"
apiVersion: muster/v1
kind: Tenant
metadata: { name: contoso }
spec: {}
---
apiVersion: muster/v1
kind: Task
metadata: { name: quiet }
spec:
  parameters: { token: { type: secret, required: true }, key: { type: secret, required: true } }
  test:
    posix:
      inline: |
        now=$(printf '%s' "$MUSTER_PARAM_TOKEN$MUSTER_PARAM_KEY" | cksum)
        if [ "$now" = "$(cat "$HOME/quiet" 2>/dev/null)" ]; then echo true; else echo false; fi
  set:
    posix: { inline: 'printf "%s" "$MUSTER_PARAM_TOKEN$MUSTER_PARAM_KEY" | cksum >"$HOME/quiet"' }
---
apiVersion: muster/v1
kind: Task
metadata: { name: failing }
spec:
  parameters: { token: { type: secret, required: true }, key: { type: secret, required: true } }
  test: { posix: { inline: 'echo "with $MUSTER_PARAM_TOKEN"; echo false' } }
  set: { posix: { inline: 'echo "it fails with $MUSTER_PARAM_TOKEN" >&2; exit 1' } }
---
apiVersion: muster/v1
kind: Task
metadata: { name: talking }
spec:
  parameters: { token: { type: secret, required: true }, key: { type: secret, required: true } }
  test:
    posix:
      inline: |
        echo "$MUSTER_PARAM_KEY and $MUSTER_PARAM_TOKEN"
        cat "$MUSTER_PARAMETERS_FILE" >&2
        if [ -e "$HOME/talking" ]; then echo true; else echo false; fi
  set:
    posix:
      inline: |
        echo "x${MUSTER_PARAM_TOKEN}x"
        cat "$MUSTER_PARAMETERS_FILE"
        printf '%s\n' "$MUSTER_PARAM_KEY" | tail -n 1 >&2
        : >"$HOME/talking"
---
apiVersion: muster/v1
kind: Task
metadata: { name: watched }
spec:
  parameters: { token: { type: secret, required: true }, key: { type: secret, required: true } }
  get: { posix: { inline: 'printf "the value is %s\n" "$MUSTER_PARAM_TOKEN"' } }
---
apiVersion: muster/v1
kind: Task
metadata: { name: broken }
spec:
  parameters: { token: { type: secret, required: true }, key: { type: secret, required: true } }
  test: { posix: { inline: 'echo "no: $MUSTER_PARAM_KEY" >&2; exit 3' } }
"#;

/// A software whose licence is the canary: it is given to what installs, which prints it and fails to hide it.
const LICENSED: &str = r#"---
apiVersion: muster/v1
kind: Software
metadata: { name: licensed }
spec:
  license: required
  versions: ['1.0']
  detect: { script: { posix: { inline: 'cat "$HOME/licensed" 2>/dev/null || :' } } }
  install:
    posix:
      inline: |
        echo "<$MUSTER_PARAM_LICENSE>" && cat "$MUSTER_PARAMETERS_FILE"
        if [ -n "$MUSTER_PARAM_LICENSE" ] && [ "$MUSTER_LICENSE" = key ]; then echo 1.0 >"$HOME/licensed"; fi
  postInstall: { posix: { inline: 'printf "%s" "$MUSTER_PARAM_LICENSE" >&2' } }
---
apiVersion: muster/v1
kind: License
metadata: { name: licensed }
spec: { software: licensed, tenant: contoso, versions: '<2', key: { env: CANARY } }
---
apiVersion: muster/v1
kind: Deployment
metadata: { name: licensed }
spec: { software: licensed, state: installed, license: licensed, target: { match: { all: [{ tenant: contoso }] } } }
"#;

/// A licence whose item leaves it behind in a file, and items that print that file, of whose secret they are told nothing.
const NOSY: &str = r#"
apiVersion: muster/v1
kind: Instance
metadata: { name: nosy }
spec: { timeZone: UTC, state: { sqlite: state/state.db } }
---
apiVersion: muster/v1
kind: Tenant
metadata: { name: contoso }
spec: {}
---
apiVersion: muster/v1
kind: Provider
metadata: { name: here }
spec: { local: { computer: here, tenant: contoso } }
---
apiVersion: muster/v1
kind: License
metadata: { name: careless }
spec: { software: careless, key: { env: CANARY } }
---
apiVersion: muster/v1
kind: License
metadata: { name: spare }
spec: { software: careless, versions: '<1', key: { env: NOBODY_HAS_SET_THIS } }
---
apiVersion: muster/v1
kind: Software
metadata: { name: careless }
spec:
  license: required
  versions: ['1.0']
  detect: { script: { posix: { inline: 'if [ -e "$HOME/left" ]; then echo 1.0; fi' } } }
  test: { posix: { inline: 'echo "settings: $(cat "$HOME/left")"; echo true' } }
  install: { posix: { inline: 'printf "%s" "$MUSTER_PARAM_LICENSE" >"$HOME/left"' } }
---
apiVersion: muster/v1
kind: Task
metadata: { name: nosy }
spec:
  test: { posix: { inline: 'cat "$HOME/left" >&2; echo "the file says $(cat "$HOME/left")"; echo false' } }
  set: { posix: { inline: 'cat "$HOME/left"; cat "$HOME/left" >&2; exit 1' } }
---
apiVersion: muster/v1
kind: Task
metadata: { name: peeping }
spec: { get: { posix: { inline: 'echo "left behind: $(cat "$HOME/left")"' } } }
---
apiVersion: muster/v1
kind: Deployment
metadata: { name: careless }
spec: { software: careless, state: installed, license: careless, target: { match: { all: [{ tenant: contoso }] } } }
---
apiVersion: muster/v1
kind: Deployment
metadata: { name: nosy }
spec: { task: nosy, mode: enforce, target: { match: { all: [{ tenant: contoso }] } } }
---
apiVersion: muster/v1
kind: Deployment
metadata: { name: peeping }
spec: { task: peeping, mode: monitor, target: { match: { all: [{ tenant: contoso }] } } }
"#;

struct World {
    farm: Farm,
    folder: tempfile::TempDir,
    home: PathBuf,
}

impl World {
    fn new() -> Self {
        use std::fmt::Write as _;
        use std::os::unix::fs::PermissionsExt as _;
        let farm = Farm::start(1);
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write(
            "muster.yaml",
            "apiVersion: muster/v1\nkind: Instance\nmetadata: { name: canary }\n\
             spec: { timeZone: UTC, state: { sqlite: state/state.db } }\n",
        );
        let (host, key, known) = (&farm.hosts[0], farm.key(), farm.known_hosts());
        write(
            "providers.yaml",
            &format!(
                "apiVersion: muster/v1\nkind: Provider\nmetadata: {{ name: here }}\n\
                 spec: {{ local: {{ computer: here, tenant: contoso }} }}\n---\n\
                 apiVersion: muster/v1\nkind: Provider\nmetadata: {{ name: far }}\n\
                 spec:\n  ssh:\n    user: {}\n    identityFiles: [{}]\n    knownHosts: [{}]\n    \
                 hosts: [{{ name: far, tenant: contoso, address: {}, port: {} }}]\n",
                farm.user,
                key.display(),
                known.display(),
                host.address,
                host.port,
            ),
        );
        let mut all = format!("{TASKS}{LICENSED}");
        for (task, mode) in [
            ("quiet", "enforce"),
            ("failing", "enforce"),
            ("talking", "enforce"),
            ("watched", "monitor"),
            ("broken", "audit"),
        ] {
            write!(
                all,
                "---\napiVersion: muster/v1\nkind: Deployment\nmetadata: {{ name: {task} }}\nspec:\n  task: {task}\n  \
                 mode: {mode}\n  parameters:\n    token: {{ secret: {{ env: CANARY }} }}\n    \
                 key: {{ secret: {{ file: key.secret }} }}\n  target: {{ match: {{ all: [{{ tenant: contoso }}] }} }}\n",
            )
            .unwrap();
        }
        write("all.yaml", &all);
        write("key.secret", &format!("{KEY}\n"));
        std::fs::set_permissions(folder.path().join("key.secret"), std::fs::Permissions::from_mode(0o600))
            .unwrap();
        let home = folder.path().join("home");
        std::fs::create_dir(&home).unwrap();
        Self { farm, folder, home }
    }

    /// Runs the program, and searches what it prints.
    fn muster(&self, arguments: &[&str], exit: i32) -> Output {
        muster(self.folder.path(), &self.home, arguments, exit)
    }
}

/// Runs the program in a folder, and searches what it prints.
fn muster(folder: &Path, home: &Path, arguments: &[&str], exit: i32) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_muster"))
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", home)
        .env("CANARY", TOKEN)
        .env("MUSTER_LOG", "trace")
        .arg("-vvv")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!(output.status.code(), Some(exit), "{arguments:?}: {}", text(&output.stdout));
    for (name, bytes) in [("standard output", &output.stdout), ("standard error", &output.stderr)] {
        assert_eq!(found(bytes), None, "{name} of {arguments:?}");
    }
    output
}

/// A needle in these bytes, as text or as a list of the bytes' numbers.
fn found(bytes: &[u8]) -> Option<String> {
    let has = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    NEEDLES.iter().find_map(|needle| {
        let (numbers, hex) = (format!("{:?}", needle.as_bytes()), needle.bytes().map(|b| format!("{b:02x}")));
        let forms = [(*needle).to_owned(), numbers.trim_matches(['[', ']']).to_owned(), hex.collect()];
        forms.into_iter().find(|form| has(form.as_bytes()))
    })
}

/// Searches every file below a folder, other than the secret's own.
fn search(folder: &Path) -> usize {
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            files += search(&path);
        } else if kind.is_file() && !path.ends_with("key.secret") {
            // Another test's file may be gone by now.
            let bytes = std::fs::read(&path).unwrap_or_default();
            assert_eq!(found(&bytes), None, "{}", path.display());
            files += 1;
        }
    }
    files
}

/// Reads the arguments of all processes again and again until told to stop; what it finds, and how many it has read.
fn watch(stop: &AtomicBool) -> (Vec<String>, usize) {
    let (mut bad, mut read) = (Vec::new(), 0);
    while !stop.load(Ordering::Relaxed) {
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let Ok(bytes) = std::fs::read(entry.path().join("cmdline")) else { continue };
            read += 1;
            if found(&bytes).is_some() {
                bad.push(String::from_utf8_lossy(&bytes).into_owned());
            }
        }
    }
    (bad, read)
}

#[test]
fn a_secret_is_found_nowhere_but_in_the_scripts_it_was_given_to() {
    let world = World::new();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| watch(&stop));
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| commands(&world)));
        stop.store(true, Ordering::Relaxed);
        let (bad, read) = watcher.join().unwrap();
        if let Err(panic) = result {
            std::panic::resume_unwind(panic);
        }
        assert!(bad.is_empty(), "in arguments: {bad:?}");
        assert!(read > 100, "{read}");
    });
    assert!(search(world.folder.path()) > 5);
    assert!(search(world.farm.folder.path()) > 5);
    for entry in std::fs::read_dir("/tmp").unwrap().flatten() {
        if entry.file_name().to_string_lossy().starts_with("muster.") && entry.path().is_dir() {
            search(&entry.path());
        }
    }
}

fn commands(world: &World) {
    world.muster(&["validate"], 0);
    world.muster(&["plan", "--allow-missing", "100", "--details", "--out", "saved.json"], 0);
    world.muster(&["show", "saved.json", "--details"], 0);
    // One task fails on purpose.
    world.muster(&["apply", "saved.json", "--auto-approve", "--details"], 4);
    for home in [&world.home, &world.farm.hosts[0].home] {
        assert!(
            home.join("quiet").exists() && home.join("talking").exists() && home.join("licensed").exists(),
            "the scripts got their secrets"
        );
    }
    world.muster(&["apply", "--auto-approve", "--output", "ndjson"], 4);
    for form in ["human", "json", "markdown"] {
        world.muster(&["plan", "--allow-missing", "100", "--output", form], 0);
    }
    world.muster(&["status"], 0);
    let status = world.muster(&["status", "here", "--output", "json"], 0);
    assert!(String::from_utf8_lossy(&status.stdout).contains("the value is [secret]"));
    world.muster(&["explain", "far"], 0);
    world.muster(&["explain", "far", "talking"], 0);
    let sessions = world.muster(&["sessions", "--output", "json"], 0);
    let sessions: Value = serde_json::from_slice(&sessions.stdout).unwrap();
    let sessions = sessions["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 4);
    let mut told = String::new();
    for session in sessions {
        let id = session["id"].as_str().unwrap();
        told += &String::from_utf8(world.muster(&["sessions", id], 0).stdout).unwrap();
        told += &String::from_utf8(world.muster(&["sessions", id, "--output", "json"], 0).stdout).unwrap();
    }
    assert!(told.contains("x[secret]x"), "what a script printed beside its secret is kept: {told}");
    assert!(told.contains("it fails with [secret]"), "{told}");
    assert!(told.contains("<[secret]>"), "{told}");
}

#[test]
fn what_one_script_leaves_behind_no_other_tells() {
    let (folder, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(folder.path().join("muster.yaml"), NOSY).unwrap();
    let run = |arguments: &[&str], exit| {
        String::from_utf8(muster(folder.path(), home.path(), arguments, exit).stdout).unwrap()
    };
    // One task fails on purpose.
    run(&["apply", "--auto-approve", "--output", "ndjson"], 4);
    assert!(found(&std::fs::read(home.path().join("left")).unwrap()).is_some(), "it was left behind");
    run(&["plan", "--allow-missing", "100", "--refresh", "always", "--details", "--out", "saved.json"], 0);
    run(&["show", "saved.json", "--details"], 0);
    for form in ["human", "json", "markdown", "html"] {
        let plan = run(&["plan", "--allow-missing", "100", "--output", form], 0);
        std::fs::write(folder.path().join(form), plan).unwrap();
    }
    for item in ["careless", "nosy", "peeping"] {
        run(&["explain", "here", item], 0);
    }
    run(&["apply", "--auto-approve", "--output", "ndjson"], 4);
    let status = run(&["status", "here", "--output", "json"], 0);
    assert!(status.contains("left behind: [secret]"), "{status}");
    assert!(search(folder.path()) > 5);
}

#[test]
fn no_script_on_this_computer_sees_a_variable_of_the_program() {
    let (folder, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(folder.path().join("muster.yaml"), LOOKING).unwrap();
    let seen = |name: &str| std::fs::read_to_string(home.path().join(name)).unwrap();
    muster(folder.path(), home.path(), &["apply", "--auto-approve"], 0);
    for name in ["test.env", "set.env", "select.env"] {
        let seen = seen(name);
        assert!(seen.contains("PATH=") && seen.contains("HOME="), "{name}: {seen}");
        assert_eq!(found(seen.as_bytes()), None, "{name}");
        assert!(!seen.contains("CANARY") && !seen.contains("MUSTER_LOG"), "{name}: {seen}");
    }
}
