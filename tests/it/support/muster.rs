//! Runs the real program in a world of its own: an empty environment, its own home, state and temporary folder, and a
//! configuration repository that a test writes file by file.
//!
//! Invariant: nothing of the environment that runs the tests reaches the program, and the program writes nothing
//! outside the world's folder unless a test tells it where.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "the tests prepare and look at files; a failure is a failed test"
)]

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Where the tests' programs lie.
pub(crate) const PATH: &str = "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A folder with `home`, `state`, `tmp` and `repo`.
pub(crate) struct World {
    folder: tempfile::TempDir,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ran {
    /// The exit code; 128 and the signal's number when a signal ended it.
    pub(crate) code: i32,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

impl Ran {
    /// Fails the test unless the exit code is this one.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "the exit code\n--- stdout\n{}\n--- stderr\n{}", self.out, self.err);
        self
    }

    /// Fails the test unless standard error holds this text.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.err.contains(text), "{text:?} is not in stderr\n{}\n--- stdout\n{}", self.err, self.out);
        self
    }

    /// Fails the test unless standard output holds this text.
    #[track_caller]
    pub(crate) fn shows(self, text: &str) -> Self {
        assert!(self.out.contains(text), "{text:?} is not in stdout\n{}\n--- stderr\n{}", self.out, self.err);
        self
    }

    /// Standard output as one JSON document.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }

    /// Standard output as a JSON document on each line.
    #[track_caller]
    pub(crate) fn lines(&self) -> Vec<serde_json::Value> {
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.out.lines().map(parse).collect()
    }
}

impl World {
    /// With an empty repository folder.
    pub(crate) fn new() -> Self {
        let world = Self { folder: tempfile::tempdir().unwrap() };
        for name in ["home", "state", "tmp", "repo"] {
            fs::create_dir(world.path(name)).unwrap();
        }
        world
    }

    /// With a copy of one of the examples as its repository.
    pub(crate) fn example(name: &str) -> Self {
        let world = Self::new();
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name), &world.repo());
        world
    }

    /// With this computer as `here` in the tenant `acme`, and the task `file`: the file `path` below the home folder
    /// holds `content`.
    pub(crate) fn local() -> Self {
        let world = Self::new();
        world.write("muster.yaml", &document("Instance", "test", "timeZone: UTC"));
        world.write("tenants/acme.yaml", &document("Tenant", "acme", "tags: [managed]"));
        let provider = "local: { computer: here, tenant: acme, tags: [desk] }";
        world.write("providers/here.yaml", &document("Provider", "here", provider));
        world.write("tasks/file.yaml", FILE_TASK);
        world
    }

    /// With a simulated fleet of so many Linux servers `pc-1`, `pc-2`, ..., none of which has the software `tool` that
    /// all are to have. What was changed is remembered in `.muster` of the repository. `faults` is YAML in one line.
    pub(crate) fn fleet(computers: usize, faults: &str) -> Self {
        let world = Self::new();
        world.write("muster.yaml", &document("Instance", "test", "timeZone: UTC"));
        world.write("tenants/acme.yaml", &document("Tenant", "acme", "tags: [managed]"));
        world.faults(faults);
        let computer = |number| {
            format!(
                "  - name: pc-{number}\n    tenant: acme\n    facts: {{ os: {{ family: linux, name: Debian, \
                 version: '13' }}, role: server }}\n"
            )
        };
        let fleet: String = (1..=computers).map(computer).collect();
        let fleet = format!("computers:\n{fleet}");
        world.write("providers/fleet.yaml", &fleet);
        let tool = "detect: { script: { posix: { inline: tool --version } } }\n  versions: ['1.0']\n  install: { posix: \
                    { inline: install tool } }\n  uninstall: { posix: { inline: remove tool } }";
        world.write("software/tool.yaml", &document("Software", "tool", tool));
        let everywhere =
            "software: tool\n  state: installed\n  version: latest\n  target: { match: { every: true } }";
        world.write("deployments/tool.yaml", &document("Deployment", "tool", everywhere));
        world
    }

    /// Gives the simulated fleet other faults.
    pub(crate) fn faults(&self, faults: &str) {
        let spec = format!(
            "simulated: {{ fleet: fleet.yaml, memory: ../.muster/fleet.json, faults: {{ {faults} }} }}"
        );
        self.write("providers/simulated.yaml", &document("Provider", "simulated", &spec));
    }

    /// Declares that a file holds a content; its deployment has the same name as the file.
    pub(crate) fn declare(&self, name: &str, content: &str) {
        let spec = format!(
            "task: file\n  instance: {name}\n  target: {{ match: {{ every: true }} }}\n  parameters: {{ path: {name}, \
             content: '{content}' }}"
        );
        self.write(&format!("deployments/{name}.yaml"), &document("Deployment", name, &spec));
    }

    /// A path in the world.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The repository.
    pub(crate) fn repo(&self) -> PathBuf {
        self.path("repo")
    }

    /// Writes a file of the repository.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let file = self.repo().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    /// The content of a file of the repository.
    pub(crate) fn repo_file(&self, path: &str) -> String {
        fs::read_to_string(self.repo().join(path)).unwrap()
    }

    /// The content of a file below the home folder; `None` when it is not there.
    pub(crate) fn home_file(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.path("home").join(path)).ok()
    }

    /// Writes a file below the home folder.
    pub(crate) fn set_home_file(&self, path: &str, text: &str) {
        fs::write(self.path("home").join(path), text).unwrap();
    }

    /// Removes a file below the home folder.
    pub(crate) fn remove_home_file(&self, path: &str) {
        fs::remove_file(self.path("home").join(path)).unwrap();
    }

    /// The variables of the empty environment.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        let path = |name: &str| self.path(name).display().to_string();
        vec![
            ("PATH", PATH.to_owned()),
            ("HOME", path("home")),
            ("XDG_STATE_HOME", path("state")),
            ("TMPDIR", path("tmp")),
            ("USER", "tester".to_owned()),
            ("LC_ALL", "C".to_owned()),
        ]
    }

    /// The program in the repository, not started.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
        command.args(arguments).env_clear().envs(self.environment()).current_dir(self.repo());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs the program in the repository.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        finish(&mut self.command(arguments))
    }

    /// Runs the program in the repository with one more variable.
    pub(crate) fn run_with(&self, arguments: &[&str], name: &str, value: &str) -> Ran {
        finish(self.command(arguments).env(name, value))
    }

    /// Starts the program and goes on.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        Running::new(self.command(arguments).spawn().unwrap())
    }

    /// Runs git in a folder of the world, with nobody's settings.
    pub(crate) fn git_in(&self, folder: &Path, arguments: &[&str]) -> String {
        let mut git = Command::new("git");
        git.args([
            "-c",
            "user.name=Test",
            "-c",
            "user.email=test@example.org",
            "-c",
            "init.defaultBranch=main",
        ]);
        git.args(arguments).env_clear().envs(self.environment()).current_dir(folder);
        git.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
        finish(&mut git).exits(0).out.trim().to_owned()
    }

    /// Runs git in the repository.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        self.git_in(&self.repo(), arguments)
    }

    /// Commits everything, in a git repository that is made when there is none.
    pub(crate) fn commit(&self, subject: &str) -> String {
        if !self.repo().join(".git").exists() {
            self.git(&["init", "--quiet"]);
        }
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", subject]);
        self.git(&["rev-parse", "HEAD"])
    }
}

/// A program that runs, and what it has written so far.
pub(crate) struct Running {
    child: Child,
    out: Arc<Mutex<Vec<u8>>>,
    err: Arc<Mutex<Vec<u8>>>,
    readers: Vec<std::thread::JoinHandle<()>>,
}

impl Running {
    /// One that was started.
    pub(crate) fn new(mut child: Child) -> Self {
        let (out, err) = (Arc::default(), Arc::default());
        let readers = vec![
            copy_to(child.stdout.take().unwrap(), Arc::clone(&out)),
            copy_to(child.stderr.take().unwrap(), Arc::clone(&err)),
        ];
        Self { child, out, err, readers }
    }

    /// Waits until standard error holds a text.
    #[track_caller]
    pub(crate) fn wait_for(&self, text: &str) {
        wait_for(&self.err, text);
    }

    /// Sends a signal.
    #[cfg(unix)]
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Waits for the end.
    pub(crate) fn end(mut self) -> Ran {
        let status = self.child.wait().unwrap();
        self.readers.drain(..).for_each(|reader| reader.join().unwrap());
        Ran { code: code(status), out: text(&self.out), err: text(&self.err) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Waits until what was written holds a text.
#[track_caller]
pub(crate) fn wait_for(bytes: &Mutex<Vec<u8>>, wanted: &str) {
    let end = Instant::now() + Duration::from_secs(20);
    while !text(bytes).contains(wanted) {
        assert!(Instant::now() < end, "{wanted:?} does not come: {}", text(bytes));
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// What was written, as text.
pub(crate) fn text(bytes: &Mutex<Vec<u8>>) -> String {
    String::from_utf8_lossy(&bytes.lock().unwrap()).into_owned()
}

/// Copies everything that is read, on a thread of its own.
pub(crate) fn copy_to(
    mut from: impl Read + Send + 'static,
    to: Arc<Mutex<Vec<u8>>>,
) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        // A terminal whose other end is closed gives an error, which is an end too.
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            to.lock().unwrap().extend_from_slice(&buffer[..count]);
        }
    })
}

/// Runs a program to its end.
pub(crate) fn finish(command: &mut Command) -> Ran {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: code(output.status), out: text(output.stdout), err: text(output.stderr) }
}

fn code(status: std::process::ExitStatus) -> i32 {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal = None;
    status.code().or_else(|| signal.map(|signal: i32| 128 + signal)).unwrap()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        // What a run by hand has left in the example is not part of it.
        if entry.file_name() == ".muster" {
            continue;
        }
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A document; `spec` stands below `spec:` with two spaces before each line but the first.
pub(crate) fn document(kind: &str, name: &str, spec: &str) -> String {
    format!("apiVersion: muster/v1\nkind: {kind}\nmetadata: {{ name: {name} }}\nspec:\n  {spec}\n")
}

const FILE_TASK: &str = r#"apiVersion: muster/v1
kind: Task
metadata: { name: file }
spec:
  parameters:
    path: { type: text, required: true }
    content: { type: text, required: true }
  test:
    posix:
      inline: |
        if [ "$(cat "$HOME/$MUSTER_PARAM_PATH" 2>/dev/null)" = "$MUSTER_PARAM_CONTENT" ]; then
          echo true
        else
          echo false
        fi
  set:
    posix: { inline: 'printf "%s\n" "$MUSTER_PARAM_CONTENT" > "$HOME/$MUSTER_PARAM_PATH"' }
"#;
