//! Apply over its own death: the real program is killed with `kill -9` at random moments, two hundred times, and what it
//! has done, what it remembers and what it says the next time have to agree.
//!
//! The fleet's own log is the witness: it is written by the model, not by the journal that is on trial. Kills come a
//! random time after the run has begun, and some of them earlier.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use muster::id::{RunId, SessionId};
use muster::session::stage::{ActionResult, SessionStatus};
use muster::store::sqlite::Sqlite;
use muster::store::{ActionRecord, Store};
use serde_json::Value;

const KILLS: usize = 200;
const COMPUTERS: usize = 30;
/// Changes that an untouched computer needs.
const ITEMS: usize = 5;
/// After so many kills one run may end.
const BREATH: usize = 25;
const SEED: u64 = 0x6d75_7374_6572;

const REPOSITORY: &str = "\
apiVersion: muster/v1
kind: Tenant
metadata: { name: contoso }
spec: {}
---
apiVersion: muster/v1
kind: Software
metadata: { name: agent }
spec:
  detect: { inventory: { name: { equals: agent } } }
  versions: ['1', '2']
  install: { posix: { inline: 'true' } }
---
apiVersion: muster/v1
kind: Software
metadata: { name: suite }
spec:
  detect: { script: { posix: { inline: 'true' } } }
  versions: ['1', '2']
  install: { posix: { inline: 'true' } }
  prerequisites:
    - when: { notInstalled: [agent] }
      then: { install: [agent] }
---
apiVersion: muster/v1
kind: Software
metadata: { name: old }
spec:
  detect: { script: { posix: { inline: 'true' } } }
  uninstall: { posix: { inline: 'true' } }
---
apiVersion: muster/v1
kind: Task
metadata: { name: firewall }
spec:
  test: { posix: { inline: 'echo true' } }
  set: { posix: { inline: 'true' } }
---
apiVersion: muster/v1
kind: Task
metadata: { name: hardening }
spec:
  test: { posix: { inline: 'echo true' } }
  set: { posix: { inline: 'true' } }
---
apiVersion: muster/v1
kind: Deployment
metadata: { name: suite }
spec: { software: suite, state: installed, version: latest, target: { match: { all: [{ tenant: contoso }] } } }
---
apiVersion: muster/v1
kind: Deployment
metadata: { name: no-old }
spec: { software: old, state: absent, target: { match: { all: [{ tenant: contoso }] } } }
---
apiVersion: muster/v1
kind: Deployment
metadata: { name: firewall }
spec: { task: firewall, target: { match: { all: [{ tenant: contoso }] } } }
---
apiVersion: muster/v1
kind: Deployment
metadata: { name: hardening }
spec: { task: hardening, target: { match: { all: [{ tenant: contoso }] } } }
";

/// A repeatable row of numbers that look random (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}

/// The computer and the item of an action.
type Thing = (String, String);

/// An action that was under way at a kill, with what tells it from all others.
type Open = BTreeMap<(SessionId, u32), Thing>;

struct World {
    folder: tempfile::TempDir,
    dice: Dice,
    /// The run of each process that has begun one.
    runs: BTreeMap<u32, RunId>,
    last_run: Option<RunId>,
    /// What the last kill left: all unfinished sessions with what each was at.
    left: BTreeSet<(String, Option<String>)>,
    /// Every action that was ever under way at a kill.
    open: Open,
    /// Lines in the log at each reset of the fleet.
    resets: Vec<usize>,
}

#[derive(Debug, Default)]
struct Counts {
    kills: usize,
    in_a_run: usize,
    in_an_action: usize,
    reports: usize,
    ended: usize,
}

/// One process and what it printed.
struct Ended {
    process: u32,
    status: ExitStatus,
    events: Vec<Value>,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write(
            "muster.yaml",
            "apiVersion: muster/v1\nkind: Instance\nmetadata: { name: crash }\n\
             spec: { timeZone: UTC, state: { sqlite: state/state.db }, budgets: { perRun: { removals: { unlimited: true } }, perTenant: { removals: { unlimited: true } } } }\n",
        );
        write(
            "provider.yaml",
            "apiVersion: muster/v1\nkind: Provider\nmetadata: { name: sim }\n\
             spec: { simulated: { fleet: fleet.yaml, memory: state/fleet.json } }\n",
        );
        let computer = |n| format!("  - {{ name: pc-{n:02}, tenant: contoso, software: {{ old: '1' }} }}");
        let computers: Vec<String> = (0..COMPUTERS).map(computer).collect();
        write("fleet.yaml", &format!("computers:\n{}\n", computers.join("\n")));
        write("all.yaml", REPOSITORY);
        let (runs, left, open) = (BTreeMap::new(), BTreeSet::new(), Open::new());
        Self { folder, dice: Dice(SEED), runs, last_run: None, left, open, resets: Vec::new() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn muster(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
        command.current_dir(self.folder.path()).args(arguments).stdin(Stdio::null());
        command.env_clear().env("HOME", self.folder.path());
        command
    }

    /// Starts an apply and kills it, unless it may end or is faster.
    fn apply(&mut self, may_end: bool) -> Ended {
        // A file, not a pipe: a reader that is slow must not hold it up.
        let out = self.path("out");
        let mut child = self
            .muster(&["apply", "--auto-approve", "--concurrency", "6", "--output", "ndjson"])
            .stdout(std::fs::File::create(&out).unwrap())
            .stderr(std::fs::File::create(self.path("err")).unwrap())
            .spawn()
            .unwrap();
        let process = child.id();
        if !may_end {
            if self.dice.below(10) == 0 {
                std::thread::sleep(Duration::from_millis(self.dice.below(120)));
            } else {
                let end = Instant::now() + Duration::from_secs(20);
                while child.try_wait().unwrap().is_none() && !contains(&out, "\"run-started\"") {
                    assert!(Instant::now() < end, "no run: {}", self.text("err"));
                    std::thread::sleep(Duration::from_millis(2));
                }
                std::thread::sleep(Duration::from_micros(self.dice.below(180_000)));
            }
            child.kill().unwrap();
        }
        let status = child.wait().unwrap();
        // The last line may be half written when it was killed.
        let text = self.text("out");
        let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        let events = whole.map(|line| serde_json::from_str(line).unwrap()).collect();
        Ended { process, status, events }
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// The state as the last process left it. A copy: the next process has to cope with the original, untouched.
    async fn state(&self) -> (Sqlite, tempfile::TempDir) {
        let copy = tempfile::tempdir().unwrap();
        for name in ["state.db", "state.db-wal"] {
            let from = self.path("state").join(name);
            if from.exists() {
                std::fs::copy(&from, copy.path().join(name)).unwrap();
            }
        }
        (Sqlite::open(&copy.path().join("state.db")).await.unwrap(), copy)
    }

    /// Compares what a process said at its start with what the kill before it had left, and looks at what it leaves.
    async fn look(&mut self, ended: &Ended, counts: &mut Counts) {
        if !self.path("state/state.db").exists() {
            return;
        }
        let said = ended.events.iter().find(|event| event["event"] == "interrupted");
        let began = ended.events.iter().any(|event| event["event"] == "run-started");
        if let Some(said) = said {
            let said: BTreeSet<(String, Option<String>)> = said["underWay"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| {
                    let item = one.get("item").filter(|item| !item.is_null());
                    (one["name"].as_str().unwrap().to_owned(), item.map(thing))
                })
                .collect();
            assert_eq!(said, self.left, "what it says was under way is what the kill had left");
            counts.reports += 1;
        } else {
            assert!(!began || self.left.is_empty(), "it went on without a word about {:?}", self.left);
        }

        let (store, _copy) = self.state().await;
        let run = store.runs(1).await.unwrap().into_iter().next();
        if let Some(run) = run.filter(|run| self.last_run.as_ref() != Some(&run.id)) {
            self.last_run = Some(run.id.clone());
            self.runs.insert(ended.process, run.id);
            counts.in_a_run += usize::from(ended.status.signal() == Some(9));
        }
        self.left.clear();
        let mut inside = false;
        for session in store.unfinished().await.unwrap() {
            assert_eq!(session.status, SessionStatus::Running);
            let actions = store.actions(&session.id).await.unwrap();
            let open: Vec<&ActionRecord> = actions.iter().filter(|action| action.result.is_none()).collect();
            assert!(open.len() <= 1, "a session does one thing after the other: {open:?}");
            let item = open.first().map(|action| action.item.to_string());
            for action in &open {
                let thing = (session.name.clone(), action.item.to_string());
                inside |= Some(&session.run) == self.runs.get(&ended.process);
                self.open.insert((session.id.clone(), action.position), thing);
            }
            self.left.insert((session.name, item));
        }
        counts.in_an_action += usize::from(inside);
        store.close().await.unwrap();
    }

    /// After a run that ended by itself: nothing is left, and a plan has nothing to do. Then the fleet is as at first.
    async fn settled(&mut self, ended: &Ended) {
        assert_eq!(ended.status.code(), Some(0), "{}", self.text("err"));
        assert!(self.left.is_empty(), "{:?}", self.left);
        let plan = self.muster(&["plan", "--detailed-exitcode", "--output", "json"]).output().unwrap();
        assert_eq!(plan.status.code(), Some(0), "{}", String::from_utf8_lossy(&plan.stdout));
        let options = format!("sqlite:{}", self.path("state/state.db").display());
        let mut connection = <sqlx::SqliteConnection as sqlx::Connection>::connect(&options).await.unwrap();
        let healthy: String =
            sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut connection).await.unwrap();
        assert_eq!(healthy, "ok");
        sqlx::Connection::close(connection).await.unwrap();
        std::fs::remove_file(self.path("state/fleet.json")).unwrap();
        self.resets.push(self.text("state/fleet.json.log").lines().count());
    }
}

fn contains(file: &Path, part: &str) -> bool {
    std::fs::read_to_string(file).is_ok_and(|text| text.contains(part))
}

/// An item in JSON as its own text form.
fn thing(item: &Value) -> String {
    format!("{}", serde_json::from_value::<muster::inventory::item::ItemKey>(item.clone()).unwrap())
}

/// What a step is for, as the item it is about.
fn about(purpose: &Value) -> Option<String> {
    let (_, about) = purpose.as_object()?.iter().next()?;
    let name = |key: &str| about.get(key).and_then(Value::as_str);
    name("software").or_else(|| name("task")).map(ToOwned::to_owned)
}

/// What the fleet's log and the journal say of each other, over all processes.
struct Trial {
    effects: usize,
    begun_without_end: usize,
    repeated: usize,
    undetermined: usize,
    /// Lines of the log that a kill cut off; a few among thousands.
    torn: usize,
}

/// The journal: what each run says of each item on each computer.
async fn journal(world: &World) -> (BTreeMap<(RunId, Thing), ActionRecord>, Vec<(SessionId, SessionStatus)>) {
    let (store, _copy) = world.state().await;
    let mut records = BTreeMap::new();
    let mut sessions = Vec::new();
    for session in store.sessions(None, u32::MAX).await.unwrap() {
        for action in store.actions(&session.id).await.unwrap() {
            let key = (session.run.clone(), (session.name.clone(), action.item.name.to_string()));
            assert!(records.insert(key, action).is_none(), "two records of one item in one run");
        }
        sessions.push((session.id, session.status));
    }
    store.close().await.unwrap();
    (records, sessions)
}

async fn judge(world: &World) -> Trial {
    let (records, sessions) = journal(world).await;
    assert!(
        sessions
            .iter()
            .all(|(_, status)| matches!(status, SessionStatus::Passed | SessionStatus::Interrupted))
    );
    let mut trial = Trial { effects: 0, begun_without_end: 0, repeated: 0, undetermined: 0, torn: 0 };
    // Since the last reset: who began last, and whether it is known to have had its effect; who has looked since.
    let mut last: BTreeMap<Thing, bool> = BTreeMap::new();
    let mut looked: BTreeMap<Thing, u32> = BTreeMap::new();
    let mut done: BTreeSet<(RunId, Thing)> = BTreeSet::new();
    let mut begun: BTreeSet<(RunId, Thing)> = BTreeSet::new();
    for (number, line) in world.text("state/fleet.json.log").lines().enumerate() {
        if world.resets.contains(&number) {
            trial.begun_without_end += last.values().filter(|done| !**done).count();
            last.clear();
            looked.clear();
        }
        // A kill can fall into the writing of a line, and then what it would have told was not done yet, or is not known to
        // have had its effect.
        let Ok(line) = serde_json::from_str::<Value>(line) else {
            trial.torn += 1;
            continue;
        };
        let process = u32::try_from(line["process"].as_u64().unwrap()).unwrap();
        let computer = line["computer"].as_str().unwrap().to_owned();
        // The collector looks at everything that the inventory answers.
        let item = about(&line["purpose"]).unwrap_or_else(|| "agent".to_owned());
        let thing = (computer, item);
        match line["event"].as_str().unwrap() {
            "detected" => _ = looked.insert(thing, process),
            "begins" => {
                let run =
                    world.runs.get(&process).expect("a process changes nothing before its run is recorded");
                let key = (run.clone(), thing.clone());
                let record = records.get(&key).unwrap_or_else(|| panic!("no record of {key:?}"));
                assert!(
                    matches!(record.result, Some(ActionResult::Success | ActionResult::Undetermined)),
                    "{key:?}: {record:?}"
                );
                assert!(begun.insert(key), "twice in one run: {thing:?}");
                assert_eq!(
                    looked.get(&thing),
                    Some(&process),
                    "{thing:?} is changed by one who has not looked"
                );
                if let Some(had_effect) = last.insert(thing.clone(), false) {
                    assert!(!had_effect, "{thing:?} is done again although it was done");
                    trial.repeated += 1;
                }
                // Whoever changes it next has to look again.
                looked.remove(&thing);
            }
            "changed" => {
                trial.effects += 1;
                last.insert(thing.clone(), true);
                done.insert((world.runs[&process].clone(), thing));
            }
            other => panic!("unexpected event {other}"),
        }
    }
    for (key, record) in &records {
        match record.result {
            Some(ActionResult::Success) => {
                assert!(done.contains(key), "a success without an effect: {key:?}");
            }
            Some(ActionResult::Undetermined) => trial.undetermined += 1,
            Some(_) => assert!(!begun.contains(key), "{key:?}: {record:?}"),
            None => panic!("still open: {key:?}"),
        }
    }
    let (store, _copy) = world.state().await;
    for ((session, position), thing) in &world.open {
        let actions = store.actions(session).await.unwrap();
        let action =
            actions.iter().find(|action| action.position == *position).expect("it stays in the journal");
        assert_eq!(action.result, Some(ActionResult::Undetermined), "{thing:?}");
        assert!(action.message.as_ref().is_some_and(|message| message.contains("killed")), "{action:?}");
        assert!(action.finished.is_some());
        let status = sessions.iter().find(|(id, _)| id == session).map(|(_, status)| *status);
        assert_eq!(status, Some(SessionStatus::Interrupted), "{thing:?}");
    }
    assert_eq!(trial.undetermined, world.open.len(), "nothing else is undetermined");
    store.close().await.unwrap();
    trial
}

#[tokio::test]
async fn two_hundred_kills_lose_nothing_and_repeat_nothing_without_looking() {
    let begin = Instant::now();
    let mut world = World::new();
    let mut counts = Counts::default();
    while counts.kills < KILLS {
        let may_end = counts.kills > 0 && counts.kills.is_multiple_of(BREATH) && !world.left.is_empty();
        let ended = world.apply(may_end);
        let killed = ended.status.signal() == Some(9);
        counts.kills += usize::from(killed);
        world.look(&ended, &mut counts).await;
        if !killed {
            counts.ended += 1;
            world.settled(&ended).await;
        }
    }
    let ended = world.apply(true);
    world.look(&ended, &mut counts).await;
    world.settled(&ended).await;
    let trial = judge(&world).await;
    println!(
        "{} kills ({} in a run, {} inside an action, {} actions under way), {} runs ended by themselves, \
             {} reports of what was under way; {} effects, {} begun and without an end, {} of them begun again after a look, \
             {} undetermined; {:.1} s",
        counts.kills,
        counts.in_a_run,
        counts.in_an_action,
        world.open.len(),
        counts.ended + 1,
        counts.reports,
        trial.effects,
        trial.begun_without_end + trial.repeated,
        trial.repeated,
        trial.undetermined,
        begin.elapsed().as_secs_f64(),
    );
    assert!(counts.kills >= KILLS);
    assert!(counts.in_an_action >= KILLS / 4, "{counts:?}");
    assert!(trial.effects >= COMPUTERS * ITEMS);
    assert!(trial.torn <= 5, "{} lines of the log are cut off", trial.torn);
    assert!(trial.repeated > 0, "no kill fell between the beginning of an effect and its end");
}
