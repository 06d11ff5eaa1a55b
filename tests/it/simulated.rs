//! The simulated fleet over the death of its process: what its log says has happened is in its memory.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use muster::config::kind::{Generator, SimulatedSpec};
use muster::id::{AgentId, Name};
use muster::provider::simulated::Simulated;
use muster::session::script::{Bundle, Context, Interpreter, Platform, Purpose, Script, Step, Values};

const COMPUTERS: u32 = 40;

fn fleet(memory: &Path) -> Arc<Simulated> {
    let name = |text: &str| Name::new(text).unwrap();
    let spec = SimulatedSpec {
        generate: Some(Generator {
            computers: COMPUTERS,
            seed: 1,
            tenants: vec![name("contoso")],
            software: BTreeMap::new(),
            compliant: BTreeMap::new(),
        }),
        ..SimulatedSpec::default()
    };
    Arc::new(Simulated::new(name("simulated"), &spec, None, Some(memory.to_owned())).unwrap())
}

fn script() -> Arc<Script> {
    Arc::new(Script {
        interpreter: Interpreter::Sh,
        context: Context::System,
        text: "exit 0\n".into(),
        limit: None,
        origin: "test".into(),
    })
}

fn install(version: u32, platform: Platform) -> Bundle<muster::session::script::Write> {
    let purpose =
        Purpose::InstallSoftware { software: "agent".to_owned(), version: Some(version.to_string()) };
    Bundle::new(platform, vec![Step::change("install", purpose, script(), Values::new())], BTreeMap::new())
}

async fn installed(fleet: &Simulated, agent: &AgentId, platform: Platform) -> Option<u32> {
    use muster::provider::Detect;
    let purpose = Purpose::DetectSoftware { software: "agent".to_owned() };
    let step = Step::read("find", purpose, script(), Values::new());
    let result = fleet.detect(agent, &Bundle::new(platform, vec![step], BTreeMap::new())).await.unwrap();
    result.steps.get("find").unwrap().stdout.trim().parse().ok()
}

#[tokio::test]
async fn what_the_log_says_has_changed_has_changed_after_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let memory = folder.path().join("memory.json");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "simulated::changes_its_fleet_until_it_is_killed", "--ignored", "--nocapture"])
        .env("MUSTER_TEST_FLEET", &memory)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut rounds = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert_eq!(rounds.by_ref().filter(|line| line.contains("round")).take(5).count(), 5);
    child.kill().unwrap();
    child.wait().unwrap();

    let log = std::fs::read_to_string(folder.path().join("memory.json.log")).unwrap();
    let mut begun: BTreeMap<String, u32> = BTreeMap::new();
    let mut changed = begun.clone();
    for line in log.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let version = text(&line["purpose"]["install-software"]["version"]).parse().unwrap();
        match line["event"].as_str().unwrap() {
            "begins" => _ = begun.insert(text(&line["computer"]), version),
            "changed" => _ = changed.insert(text(&line["computer"]), version),
            other => panic!("unexpected event {other}"),
        }
    }
    let fleet = fleet(&memory);
    let agents = fleet.reader().list().await.unwrap();
    assert_eq!(changed.len(), agents.len());
    for agent in agents {
        let found = installed(&fleet, &agent.id, agent.platform.unwrap()).await.unwrap();
        let (last, next) = (changed[agent.id.as_str()], begun[agent.id.as_str()]);
        assert!(found == last || found == next, "{}: {found}, changed {last}, begun {next}", agent.id);
    }
}

/// Not a test of its own: the one above runs it in a process that it kills.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs for ever, as a child of another test"]
async fn changes_its_fleet_until_it_is_killed() {
    use muster::provider::Change;
    let memory = std::env::var_os("MUSTER_TEST_FLEET").expect("the other test sets it");
    let fleet = fleet(Path::new(&memory));
    let agents = fleet.reader().list().await.unwrap();
    let begun = Instant::now();
    for version in 1.. {
        let fleet = &fleet;
        let work = agents.iter().map(|agent| async move {
            fleet.change(&agent.id, &install(version, agent.platform.unwrap())).await.unwrap();
        });
        futures_util::future::join_all(work).await;
        let mut out = std::io::stdout().lock();
        writeln!(out, "round {version}").unwrap();
        out.flush().unwrap();
        // If the parent died first, this process must not stay.
        assert!(begun.elapsed() < Duration::from_mins(1));
    }
}
