//! What every provider promises. Each promise is a function over a fixture; `suite!` runs all of them against one kind.
//!
//! The fixture's computers run the scripts below, or are a model that acts on what the steps are for: both have to come
//! to the same.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use muster::id::AgentId;
use muster::provider::{Reader, RunError, Writer};
use muster::session::script::{
    Bundle, BundleResult, Context, Ended, Interpreter, Platform, Purpose, Read, Script, Step, StepResult,
    Value, Values, Write,
};

/// A provider with computers that the contract may change.
pub(crate) struct Fixture {
    /// The half that reads.
    pub(crate) reader: Reader,
    /// The half that changes.
    pub(crate) writer: Writer,
    /// POSIX computers that it lists and that answer; at least one, more to see them work at the same time.
    pub(crate) agents: Vec<AgentId>,
    /// An agent that does not exist.
    pub(crate) unknown: AgentId,
    /// An empty folder on the computers where the scripts may keep files.
    pub(crate) folder: String,
    /// What has to live as long as the fixture.
    pub(crate) _keep: Box<dyn Any + Send + Sync>,
}

impl fmt::Debug for Fixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fixture")
            .field("reader", &self.reader)
            .field("agents", &self.agents)
            .finish_non_exhaustive()
    }
}

/// Runs the whole contract against the provider that an expression (a future of a [`Fixture`]) makes.
macro_rules! suite {
    ($kind:ident, $fixture:expr) => {
        $crate::contract::provider::suite!(
            $kind,
            $fixture,
            [
                a_list_is_stable_and_names_every_computer_once,
                a_detection_gives_a_result_for_every_step_in_one_call,
                a_failing_step_harms_no_other,
                a_bundle_that_stops_on_failure_still_looks,
                a_detection_sees_what_a_change_did,
                an_unknown_agent_is_an_error,
                computers_work_at_the_same_time,
            ]
        );
    };
    ($kind:ident, $fixture:expr, [$($promise:ident),+ $(,)?]) => {
        mod $kind {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    let fixture: $crate::contract::provider::Fixture = $fixture.await;
                    $crate::contract::provider::$promise(&fixture).await;
                }
            )+
        }
    };
}
pub(crate) use suite;

suite!(simulated, super::simulated_fixture());

async fn simulated_fixture() -> Fixture {
    use muster::config::kind::{Generator, SimulatedSpec};
    use muster::provider::simulated::Simulated;

    let name = |text: &str| muster::id::Name::new(text).unwrap();
    let spec = SimulatedSpec {
        generate: Some(Generator {
            computers: 50,
            seed: 1,
            tenants: vec![name("contoso"), name("fabrikam")],
            software: BTreeMap::new(),
            compliant: BTreeMap::new(),
        }),
        ..SimulatedSpec::default()
    };
    let folder = tempfile::tempdir().unwrap();
    let memory = folder.path().join("memory.json");
    let fleet = Arc::new(Simulated::new(name("simulated"), &spec, None, Some(memory)).unwrap());
    let posix = |agent: &muster::provider::AgentRecord| agent.platform == Some(Platform::Posix);
    let agents =
        fleet.reader().list().await.unwrap().into_iter().filter(posix).map(|agent| agent.id).collect();
    Fixture {
        reader: fleet.reader(),
        writer: fleet.writer(),
        agents,
        unknown: AgentId::new("nobody"),
        folder: "/nowhere".to_owned(),
        _keep: Box::new(folder),
    }
}

suite!(local, super::local_fixture());

async fn local_fixture() -> Fixture {
    use muster::provider::local::{Local, LocalSettings};

    let folder = tempfile::tempdir().unwrap();
    let local = Arc::new(Local::new(LocalSettings {
        environment: vec![("PATH".to_owned(), crate::support::muster::PATH.into())],
        name: muster::id::Name::new("local").unwrap(),
        computer: None,
        tenant: None,
        tags: BTreeSet::new(),
    }));
    let reader = Reader::new(local.info(), Arc::clone(&local) as _, Arc::clone(&local) as _);
    let agents = reader.list().await.unwrap().into_iter().map(|agent| agent.id).collect();
    Fixture {
        reader,
        writer: Writer::new(local.info(), local),
        agents,
        unknown: AgentId::new("nobody"),
        folder: folder.path().display().to_string(),
        _keep: Box::new(folder),
    }
}

suite!(ssh, super::ssh_fixture());

async fn ssh_fixture() -> Fixture {
    use muster::provider::ssh::Ssh;

    use crate::support::sshd::Farm;

    let farm = Farm::start(3);
    let folder = tempfile::tempdir().unwrap();
    let ssh = Arc::new(Ssh::new(farm.settings(farm.spec())));
    let reader = Reader::new(ssh.info(), Arc::clone(&ssh) as _, Arc::clone(&ssh) as _);
    let agents = reader.list().await.unwrap().into_iter().map(|agent| agent.id).collect();
    Fixture {
        reader,
        writer: Writer::new(ssh.info(), ssh),
        agents,
        unknown: AgentId::new("nobody"),
        folder: folder.path().display().to_string(),
        _keep: Box::new((farm, folder)),
    }
}

suite!(screenconnect, super::screenconnect_fixture());

async fn screenconnect_fixture() -> Fixture {
    let lab = crate::support::lab::start(
        "companies: [{ name: Contoso }]
computers:
  - { name: pc-1, company: Contoso, kind: real }
  - { name: pc-2, company: Contoso, kind: real }
",
    )
    .await;
    let control = crate::support::lab::control(&lab, "");
    let folder = tempfile::tempdir().unwrap();
    let agents = control.reader().list().await.unwrap().into_iter().map(|agent| agent.id).collect();
    Fixture {
        reader: control.reader(),
        writer: control.writer(),
        agents,
        unknown: AgentId::new("01234567-89ab-4def-8123-456789abcdef"),
        folder: folder.path().display().to_string(),
        _keep: Box::new((lab, folder)),
    }
}

suite!(automate, super::automate_fixture("real"));
suite!(automate_models, super::automate_fixture("simulated"));

async fn automate_fixture(kind: &str) -> Fixture {
    let lab = crate::support::lab::small(kind).await;
    let url = lab.url(muster_lab::fleet::System::Automate);
    let automate = crate::support::lab::automate_at(&lab, &url);
    lab_fixture(lab, automate.reader(), automate.writer(), "99999").await
}

suite!(connectwise_rmm, super::rmm_fixture("real"));
suite!(connectwise_rmm_models, super::rmm_fixture("simulated"));

async fn rmm_fixture(kind: &str) -> Fixture {
    let lab = crate::support::lab::small(kind).await;
    let url = lab.url(muster_lab::fleet::System::Rmm);
    let rmm = crate::support::lab::rmm_at(&lab, &url);
    lab_fixture(lab, rmm.reader(), rmm.writer(), "01234567-89ab-4def-8123-456789abcdef").await
}

async fn lab_fixture(lab: muster_lab::Lab, reader: Reader, writer: Writer, unknown: &str) -> Fixture {
    let posix = |agent: &muster::provider::AgentRecord| agent.platform == Some(Platform::Posix);
    let agents = reader.list().await.unwrap().into_iter().filter(posix).map(|agent| agent.id).collect();
    let folder = tempfile::tempdir().unwrap();
    Fixture {
        reader,
        writer,
        agents,
        unknown: AgentId::new(unknown),
        folder: folder.path().display().to_string(),
        _keep: Box::new((lab, folder)),
    }
}

const LOOK: &str = "if [ -f \"$MUSTER_PARAM_FILE\" ]; then cat \"$MUSTER_PARAM_FILE\"; fi\n";
const INSTALL: &str = "printf '%s\\n' \"$MUSTER_PARAM_VERSION\" >\"$MUSTER_PARAM_FILE\"\n";
const REMOVE: &str = "rm -f \"$MUSTER_PARAM_FILE\"\n";
const FAIL: &str = "echo 'it is not there' >&2\nexit 1\n";

impl Fixture {
    fn first(&self) -> &AgentId {
        self.agents.first().unwrap()
    }

    /// The file that stands for a software on a computer; several agents may be one computer.
    fn values(&self, agent: &AgentId, software: &str, version: &str) -> Values {
        let place = self.agents.iter().position(|other| other == agent).unwrap_or(usize::MAX);
        let text = |text: String| Value::Plain(serde_json::Value::String(text));
        Values::from([
            ("file".to_owned(), text(format!("{}/{place}-{software}", self.folder))),
            ("version".to_owned(), text(version.to_owned())),
        ])
    }

    fn look(&self, agent: &AgentId, key: &str, software: &str) -> Step<Read> {
        let purpose = Purpose::DetectSoftware { software: software.to_owned() };
        Step::read(key, purpose, script(LOOK), self.values(agent, software, ""))
    }

    fn install(&self, agent: &AgentId, key: &str, software: &str, version: &str) -> Step<Write> {
        let purpose =
            Purpose::InstallSoftware { software: software.to_owned(), version: Some(version.to_owned()) };
        Step::change(key, purpose, script(INSTALL), self.values(agent, software, version))
    }

    fn remove(&self, agent: &AgentId, key: &str, software: &str) -> Step<Write> {
        let purpose = Purpose::UninstallSoftware { software: software.to_owned() };
        Step::change(key, purpose, script(REMOVE), self.values(agent, software, ""))
    }

    async fn version(&self, agent: &AgentId, software: &str) -> String {
        let result =
            self.reader.detect(agent, &bundle(vec![self.look(agent, "look", software)])).await.unwrap();
        said(&result, "look")
    }
}

/// A step that fails: repairing what is not there.
fn fail(key: &str) -> Step<Write> {
    let purpose = Purpose::RepairSoftware { software: "not-there".to_owned() };
    Step::change(key, purpose, script(FAIL), Values::new())
}

fn script(text: &str) -> Arc<Script> {
    Arc::new(Script {
        interpreter: Interpreter::Sh,
        context: Context::System,
        text: text.into(),
        limit: None,
        origin: "contract.sh".into(),
    })
}

fn bundle<A>(steps: Vec<Step<A>>) -> Bundle<A> {
    Bundle::new(Platform::Posix, steps, BTreeMap::new())
}

fn step<'a>(result: &'a BundleResult, key: &str) -> &'a StepResult {
    result.steps.get(key).unwrap_or_else(|| panic!("no result for {key}: {result:?}"))
}

/// What a step that went well printed.
fn said(result: &BundleResult, key: &str) -> String {
    let step = step(result, key);
    assert_eq!(step.ended, Ended::Exit(0), "{step:?}");
    step.stdout.trim().to_owned()
}

pub(crate) async fn a_list_is_stable_and_names_every_computer_once(fixture: &Fixture) {
    let list = fixture.reader.list().await.unwrap();
    assert_eq!(fixture.reader.list().await.unwrap(), list);
    let ids: BTreeSet<_> = list.iter().map(|agent| &agent.id).collect();
    assert_eq!(ids.len(), list.len());
    for agent in &fixture.agents {
        assert!(ids.contains(agent), "{agent} is not listed");
    }
    assert!(!ids.contains(&fixture.unknown));
    assert_eq!(fixture.reader.info(), fixture.writer.info());
}

pub(crate) async fn a_detection_gives_a_result_for_every_step_in_one_call(fixture: &Fixture) {
    let agent = fixture.first();
    let keys: Vec<String> = (0..25).map(|number| format!("key {number} ü")).collect();
    let steps = keys.iter().map(|key| fixture.look(agent, key, "nothing")).collect();
    let result = fixture.reader.detect(agent, &bundle(steps)).await.unwrap();
    assert_eq!(result.steps.len(), keys.len());
    for key in &keys {
        assert_eq!(said(&result, key), "");
    }
}

pub(crate) async fn a_failing_step_harms_no_other(fixture: &Fixture) {
    let agent = fixture.first();
    let steps = vec![
        fixture.install(agent, "1", "one", "1.0"),
        fail("2"),
        fixture.install(agent, "3", "three", "3.0"),
        fixture.look(agent, "4", "one").in_change(),
        fixture.look(agent, "5", "three").in_change(),
    ];
    let result = fixture.writer.change(agent, &bundle(steps)).await.unwrap();
    let failed = step(&result, "2");
    assert_eq!(failed.ended, Ended::Exit(1));
    assert!(failed.stderr.contains("not-there") || failed.stderr.contains("not there"), "{failed:?}");
    assert_eq!((said(&result, "4"), said(&result, "5")), ("1.0".to_owned(), "3.0".to_owned()));
}

pub(crate) async fn a_bundle_that_stops_on_failure_still_looks(fixture: &Fixture) {
    let agent = fixture.first();
    let mut bundle = bundle(vec![
        fixture.install(agent, "1", "four", "4.0"),
        fail("2"),
        fixture.install(agent, "3", "four", "4.1"),
        fixture.look(agent, "4", "four").in_change(),
    ]);
    bundle.stop_on_failure = true;
    let result = fixture.writer.change(agent, &bundle).await.unwrap();
    assert_eq!(step(&result, "3").ended, Ended::Skipped);
    assert_eq!(said(&result, "4"), "4.0");
}

pub(crate) async fn a_detection_sees_what_a_change_did(fixture: &Fixture) {
    let agent = fixture.first();
    assert_eq!(fixture.version(agent, "five").await, "");
    for version in ["5.0", "5.1"] {
        let steps = vec![fixture.install(agent, "install", "five", version)];
        let result = fixture.writer.change(agent, &bundle(steps)).await.unwrap();
        assert_eq!(step(&result, "install").ended, Ended::Exit(0));
        assert_eq!(fixture.version(agent, "five").await, version);
    }
    let steps = vec![fixture.remove(agent, "remove", "five")];
    let result = fixture.writer.change(agent, &bundle(steps)).await.unwrap();
    assert_eq!(step(&result, "remove").ended, Ended::Exit(0));
    assert_eq!(fixture.version(agent, "five").await, "");
}

pub(crate) async fn an_unknown_agent_is_an_error(fixture: &Fixture) {
    let unknown = &fixture.unknown;
    let read = fixture.reader.detect(unknown, &bundle(vec![fixture.look(unknown, "look", "one")])).await;
    let written =
        fixture.writer.change(unknown, &bundle(vec![fixture.install(unknown, "install", "one", "1")])).await;
    let errors: [Result<BundleResult, RunError>; 2] = [read, written];
    for result in errors {
        let error = result.unwrap_err();
        assert!(!error.to_string().is_empty());
    }
}

pub(crate) async fn computers_work_at_the_same_time(fixture: &Fixture) {
    let work = fixture.agents.iter().map(|agent| async move {
        let version = format!("6.{}", agent.as_str());
        let steps = vec![fixture.install(agent, "install", "six", &version)];
        fixture.writer.change(agent, &bundle(steps)).await.unwrap();
        (fixture.version(agent, "six").await, version)
    });
    for (found, expected) in futures_util::future::join_all(work).await {
        assert_eq!(found, expected);
    }
}
