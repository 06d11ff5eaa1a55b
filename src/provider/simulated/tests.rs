//! What the model does beyond the contract of all providers.

use std::sync::Arc;

use super::*;
use crate::config::kind::Generator;
use crate::inventory::facts::{Facts, PackageSource, Role};
use crate::session::collect;
use crate::session::script::{Context, Interpreter, Script, Value, Values};

const FLEET: &str = "
inventory:
  seven-zip: { name: '7-Zip {version} (x64)', productCode: '{23170F69-40C1-2702-2301-000001000000}', upgradeCode: '{23170F69-40C1-2702-0000-000004000000}' }
computers:
  - name: lin-1
    tenant: contoso
    facts: { role: server, packages: [{ name: old-archiver, version: '3.1' }] }
    software: { seven-zip: '23.01' }
    healthy: { seven-zip: false }
    tasks: { 'firewall[public]': { compliant: true, value: on } }
  - name: WIN-2
    platform: windows
    facts: { role: portable }
    software: { seven-zip: '24.09' }
  - name: off-3
    offline: true
";

fn fleet(faults: Faults) -> Arc<Simulated> {
    let spec = SimulatedSpec { faults: Some(faults), ..SimulatedSpec::default() };
    Arc::new(Simulated::new(name("sim"), &spec, Some(FLEET), None).expect("a fleet"))
}

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
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

fn read(key: &str, purpose: Purpose) -> Step<Read> {
    Step::read(key, purpose, script(), Values::new())
}

fn change(key: &str, purpose: Purpose) -> Step<Write> {
    Step::change(key, purpose, script(), Values::new())
}

fn find(software: &str) -> Purpose {
    Purpose::DetectSoftware { software: software.to_owned() }
}

fn install(software: &str, version: &str) -> Purpose {
    Purpose::InstallSoftware { software: software.to_owned(), version: Some(version.to_owned()) }
}

fn bundle<A>(platform: Platform, steps: Vec<Step<A>>) -> Bundle<A> {
    Bundle::new(platform, steps, BTreeMap::new())
}

fn posix<A>(steps: Vec<Step<A>>) -> Bundle<A> {
    bundle(Platform::Posix, steps)
}

async fn look(fleet: &Simulated, computer: &str, purpose: Purpose) -> String {
    let result =
        fleet.detect(&AgentId::new(computer), &posix(vec![read("a", purpose)])).await.expect("an answer");
    let step = result.steps.get("a").expect("the step");
    assert_eq!(step.ended, Ended::Exit(0));
    step.stdout.clone()
}

async fn facts(fleet: &Simulated, computer: &str, platform: Platform) -> Facts {
    let bundle = bundle(platform, vec![collect::step(platform)]);
    let result = fleet.detect(&AgentId::new(computer), &bundle).await.expect("an answer");
    let step = result.steps.get(collect::KEY).expect("the step");
    collect::read(platform, &step.stdout).expect("facts")
}

#[tokio::test]
async fn facts_come_in_the_form_of_the_collector() {
    let fleet = fleet(Faults::default());
    let linux = facts(&fleet, "lin-1", Platform::Posix).await;
    assert_eq!(linux.hostname.as_deref(), Some("lin-1"));
    assert_eq!(linux.roles, Some(BTreeSet::from([Role::Server])));
    assert_eq!(linux.package_sources, BTreeSet::from([PackageSource::Dpkg]));
    let packages: Vec<_> = linux.packages.iter().map(|p| (p.name.as_str(), p.version.as_str())).collect();
    assert_eq!(packages, [("7-Zip 23.01 (x64)", "23.01"), ("old-archiver", "3.1")]);

    let windows = facts(&fleet, "WIN-2", Platform::Windows).await;
    assert_eq!(windows.roles, Some(BTreeSet::from([Role::Workstation, Role::Portable])));
    let package = windows.packages.first().expect("one");
    assert_eq!(package.name, "7-Zip 24.09 (x64)");
    assert_eq!(package.source, PackageSource::Registry);
    assert_eq!(package.product_code.as_deref(), Some("{23170F69-40C1-2702-2301-000001000000}"));
    assert_eq!(package.upgrade_code.as_deref(), Some("{23170F69-40C1-2702-0000-000004000000}"));
}

#[tokio::test]
async fn every_generated_computer_answers_as_what_it_is() {
    let spec = SimulatedSpec {
        generate: Some(Generator {
            computers: 600,
            seed: 4,
            tenants: vec![name("contoso")],
            software: BTreeMap::from([(name("seven-zip"), vec!["24.09".to_owned()])]),
            compliant: BTreeMap::new(),
        }),
        ..SimulatedSpec::default()
    };
    let fleet = Arc::new(Simulated::new(name("sim"), &spec, None, None).expect("a fleet"));
    let agents = fleet.reader().list().await.expect("a list");
    let mut roles = BTreeSet::new();
    for agent in &agents {
        let facts = facts(&fleet, agent.id.as_str(), agent.platform.expect("a platform")).await;
        assert_eq!(facts.hostname.as_deref(), Some(agent.name.as_str()));
        roles.extend(facts.roles.expect("a role"));
    }
    assert_eq!(agents.len(), 600);
    assert_eq!(roles.len(), 5, "{roles:?}");
}

#[tokio::test]
async fn a_change_shows_in_scripts_tests_and_facts() {
    let fleet = fleet(Faults::default());
    let test = || Purpose::TestSoftware { software: "seven-zip".to_owned() };
    assert_eq!(look(&fleet, "lin-1", find("seven-zip")).await, "23.01\n");
    assert_eq!(look(&fleet, "lin-1", find("none")).await, "");
    assert!(look(&fleet, "lin-1", test()).await.ends_with("\nfalse\n"));
    let steps = vec![
        change("install", install("seven-zip", "24.09")),
        read("verify", find("seven-zip")).in_change(),
        change("remove", Purpose::UninstallSoftware { software: "old-archiver".to_owned() }),
    ];
    let result = fleet.change(&AgentId::new("lin-1"), &posix(steps)).await.expect("an answer");
    assert_eq!(result.steps.get("verify").map(|step| step.stdout.as_str()), Some("24.09\n"));
    assert_eq!(look(&fleet, "lin-1", test()).await, "true\n");
    let packages = facts(&fleet, "lin-1", Platform::Posix).await.packages;
    assert_eq!(packages.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["7-Zip 24.09 (x64)"]);
    assert_eq!(look(&fleet, "lin-1", find("old-archiver")).await, "");
}

#[tokio::test]
async fn tasks_are_kept_apart_by_their_instance() {
    let fleet = fleet(Faults::default());
    let task = |instance: &str| ("firewall".to_owned(), instance.to_owned());
    let test = |(task, instance)| Purpose::TestTask { task, instance };
    let get = |(task, instance)| Purpose::GetTask { task, instance };
    assert_eq!(look(&fleet, "lin-1", test(task("public"))).await, "true\n");
    assert_eq!(look(&fleet, "lin-1", get(task("public"))).await, "on\n");
    assert!(look(&fleet, "lin-1", test(task(""))).await.ends_with("false\n"));
    let values = Values::from([("value".to_owned(), Value::Plain(serde_json::json!(15)))]);
    let (name, instance) = task("");
    let set = Step::change("set", Purpose::SetTask { task: name, instance }, script(), values);
    fleet.change(&AgentId::new("lin-1"), &posix(vec![set])).await.expect("an answer");
    assert_eq!(look(&fleet, "lin-1", test(task(""))).await, "true\n");
    assert_eq!(look(&fleet, "lin-1", get(task(""))).await, "15\n");
    assert_eq!(look(&fleet, "lin-1", get(task("public"))).await, "on\n");
}

#[tokio::test]
async fn what_a_real_computer_could_not_do_is_nonsense() {
    let fleet = fleet(Faults::default());
    let one = AgentId::new("lin-1");
    let nonsense = |result: Result<BundleResult, RunError>| match result {
        Err(RunError::Nonsense(message)) => message,
        other => panic!("not nonsense: {other:?}"),
    };
    let a = || read("a", find("seven-zip"));
    let result = fleet.detect(&AgentId::new("nobody"), &posix(vec![a()])).await;
    assert_eq!(nonsense(result), "the simulated fleet has no computer \"nobody\"");
    let result = fleet.detect(&one, &posix(vec![])).await;
    assert_eq!(nonsense(result), "the bundle for lin-1 is empty");
    let result = fleet.detect(&one, &posix(vec![a(), a()])).await;
    assert_eq!(nonsense(result), "the bundle for lin-1 has two steps with the key \"a\"");
    let result = fleet.detect(&one, &bundle(Platform::Windows, vec![a()])).await;
    assert_eq!(nonsense(result), "the bundle is made for Windows and lin-1 is Posix");
    let result = fleet.detect(&one, &posix(vec![read("b", install("seven-zip", "1"))])).await;
    assert_eq!(nonsense(result), "the bundle for lin-1 reads, and its step \"b\" changes");
    assert_eq!(look(&fleet, "lin-1", find("seven-zip")).await, "23.01\n");

    let bundle = posix(vec![a()]);
    let (first, second) = tokio::join!(fleet.detect(&one, &bundle), fleet.detect(&one, &bundle));
    assert!(first.is_ok());
    assert_eq!(nonsense(second), "lin-1 has another bundle at work: a computer gets one at a time");
    assert!(fleet.detect(&one, &bundle).await.is_ok(), "and afterwards it is free again");
}

#[tokio::test(start_paused = true)]
async fn faults_do_what_they_say() {
    let only = || vec!["LIN-?".to_owned()];
    let one = AgentId::new("lin-1");
    let bundle = || {
        posix(vec![
            change("install", install("seven-zip", "24.09")),
            read("verify", find("seven-zip")).in_change(),
        ])
    };
    let version = |result: &BundleResult| result.steps.get("verify").map(|step| step.stdout.clone());
    let code = |result: &BundleResult| result.steps.get("install").map(|step| step.ended.clone());

    let sim = fleet(Faults { unreachable: only(), ..Faults::default() });
    assert!(matches!(sim.change(&one, &bundle()).await, Err(RunError::Unreachable(_))));
    assert!(matches!(
        sim.detect(&AgentId::new("off-3"), &posix(vec![read("a", find("x"))])).await,
        Err(RunError::Unreachable(_))
    ));

    let sim = fleet(Faults { failing: only(), ..Faults::default() });
    let result = sim.change(&one, &bundle()).await.expect("an answer");
    assert_eq!((code(&result), version(&result)), (Some(Ended::Exit(1)), Some("23.01\n".to_owned())));

    let sim = fleet(Faults { lying: only(), ..Faults::default() });
    let result = sim.change(&one, &bundle()).await.expect("an answer");
    assert_eq!((code(&result), version(&result)), (Some(Ended::Exit(0)), Some("23.01\n".to_owned())));

    let sim = fleet(Faults { garbled: only(), ..Faults::default() });
    assert!(matches!(sim.change(&one, &bundle()).await, Err(RunError::Nonsense(_))));

    let sim = fleet(Faults { cut_off: only(), ..Faults::default() });
    assert!(matches!(sim.change(&one, &bundle()).await, Err(RunError::Lost(_))));
    assert_eq!(look(&sim, "lin-1", find("seven-zip")).await, "24.09\n", "it did take effect");

    let sim = fleet(Faults { slow: only(), delay: Limit::parse("7s").ok(), ..Faults::default() });
    let begun = tokio::time::Instant::now();
    assert!(sim.change(&one, &bundle()).await.is_ok());
    assert_eq!(begun.elapsed().as_secs(), 7);

    let sim = fleet(Faults { list: true, ..Faults::default() });
    assert!(matches!(sim.reader().list().await, Err(ListError::Failed { .. })));
}

#[tokio::test]
async fn after_a_failure_only_steps_that_look_go_on_if_the_bundle_says_so() {
    let fleet = fleet(Faults { failing: vec!["*".to_owned()], ..Faults::default() });
    let mut bundle = posix(vec![
        change("one", install("seven-zip", "24.09")),
        change("two", install("seven-zip", "24.09")),
        read("verify", find("seven-zip")).in_change(),
    ]);
    bundle.stop_on_failure = true;
    let result = fleet.change(&AgentId::new("lin-1"), &bundle).await.expect("an answer");
    let ended: Vec<_> = result.steps.values().map(|step| step.ended.clone()).collect();
    assert_eq!(ended, [Ended::Exit(1), Ended::Skipped, Ended::Exit(0)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_memory_outlives_the_process_and_the_log_tells_what_was_done() {
    let folder = tempfile::tempdir().expect("a folder");
    let memory = folder.path().join("memory.json");
    let open = || {
        Simulated::new(name("sim"), &SimulatedSpec::default(), Some(FLEET), Some(memory.clone()))
            .expect("a fleet")
    };
    let first = open();
    assert_eq!(look(&first, "lin-1", find("seven-zip")).await, "23.01\n");
    let install = posix(vec![change("install", install("seven-zip", "24.09"))]);
    first.change(&AgentId::new("lin-1"), &install).await.expect("an answer");
    assert_eq!(look(&open(), "lin-1", find("seven-zip")).await, "24.09\n");

    let log = tokio::fs::read_to_string(folder.path().join("memory.json.log")).await.expect("the log");
    let events: Vec<String> = log
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a line"))
        .map(|line| format!("{} {} {}", line["computer"], line["event"], line["purpose"]))
        .collect();
    let find = r#"{"detect-software":{"software":"seven-zip"}}"#;
    let change = r#"{"install-software":{"software":"seven-zip","version":"24.09"}}"#;
    assert_eq!(
        events,
        [
            format!(r#""lin-1" "detected" {find}"#),
            format!(r#""lin-1" "begins" {change}"#),
            format!(r#""lin-1" "changed" {change}"#),
            format!(r#""lin-1" "detected" {find}"#),
        ]
    );
}

#[test]
fn patterns_fit_whole_names_without_regard_to_case() {
    for (pattern, text, expected) in [
        ("*", "", true),
        ("pc-*", "PC-7", true),
        ("pc-*", "xpc-7", false),
        ("*-7", "pc-7-7", true),
        ("p?-7", "pc-7", true),
        ("p?-7", "p-7", false),
        ("a*b*c", "aXbYbZc", true),
        ("a*b*c", "aXbYbZ", false),
        ("ä?", "äö", true),
        ("", "a", false),
    ] {
        assert_eq!(hits(&[pattern.to_owned()], text), expected, "{pattern} {text}");
    }
}

#[tokio::test]
async fn the_example_is_a_fleet_of_a_thousand() {
    #[derive(serde::Deserialize)]
    struct Document {
        spec: crate::config::kind::ProviderSpec,
    }
    let text = include_str!("../../../examples/simulated-fleet/providers/simulated.yaml");
    let document: Document = serde_saphyr::from_str(text).expect("a document");
    let crate::config::kind::ProviderSpec::Simulated(spec) = document.spec else { panic!("it is simulated") };
    let fleet = include_str!("../../../examples/simulated-fleet/providers/fleet.yaml");
    let fleet = Arc::new(Simulated::new(name("simulated"), &spec, Some(fleet), None).expect("a fleet"));
    let agents = fleet.reader().list().await.expect("a list");
    assert_eq!(agents.len(), 1000);
    assert_eq!(agents.iter().filter_map(|agent| agent.tenant.clone()).collect::<BTreeSet<_>>().len(), 5);
}
