//! What every store promises. Each promise is a function over a fresh store; `suite!` runs all of them against one kind.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use muster::config::kind::Mode;
use muster::config::safety::{ProtectedKey, ProtectedKind};
use muster::diagnostic::Place;
use muster::id::{AgentId, CommitId, ComputerId, Digest, Name, RunId, SessionId};
use muster::inventory::facts::Facts;
use muster::inventory::identify::{AgentMemory, ComputerMemory, Install, Keys, Memory, Standing};
use muster::inventory::item::{Detection, ItemKey, Observed};
use muster::inventory::known::{AgentKey, Contact};
use muster::inventory::relations::{Belongings, Doubt, SourceKind};
use muster::plan::document::{ActionType, Reason};
use muster::plan::remembered::{IntentKey, IntentSets, Remembered};
use muster::policy::protection::{Program, Protection};
use muster::policy::verdict::Override;
use muster::provider::{AgentRecord, Presence};
use muster::session::maintenance::Kept;
use muster::session::stage::{ActionResult, SessionStatus};
use muster::store::sqlite::Sqlite;
use muster::store::{
    ActionRecord, FailingKind, ItemResult, KeptFailure, KeptSource, KeptValue, MaintenanceRecord, RunRecord,
    SessionRecord, Store, StoreError, StoredComputer, format,
};
use muster::time::Timestamp;

/// Runs the whole contract against the store that an expression opens in a folder of its own.
macro_rules! suite {
    ($kind:ident, $open:expr, [$($promise:ident),+ $(,)?]) => {
        mod $kind {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    let folder = tempfile::tempdir().unwrap();
                    let open = $open;
                    let store = open(folder.path().join("state.db")).await;
                    super::$promise(&store).await;
                }
            )+
        }
    };
}

suite!(
    sqlite,
    |path: std::path::PathBuf| async move { muster::store::sqlite::Sqlite::open(&path).await.unwrap() },
    [
        a_new_store_is_empty,
        computers_come_back_sorted_and_facts_stay_when_only_the_contact_changes,
        facts_are_replaced_alone_and_of_known_computers_only,
        the_last_answer_of_each_source_counts,
        failures_of_sources_are_replaced_as_a_whole,
        agents_and_computers_are_remembered_and_forgotten_one_by_one,
        a_detection_replaces_the_last_one_of_its_item_and_probe_only,
        a_monitored_value_is_kept_each_time_it_changes,
        every_observation_comes_back_as_it_went_in,
        twenty_thousand_detections_are_written_and_read,
        an_action_comes_back_before_and_after_its_result,
        actions_that_are_written_at_once_all_come_back,
        an_action_of_an_unknown_session_is_refused_and_harms_no_other,
        output_is_bounded,
        the_last_result_counts,
        what_was_wanted_is_replaced_as_a_whole,
        protections_are_replaced_as_a_whole,
        changes_that_succeeded_tell_how_long_they_take,
        runs_and_sessions_come_newest_first_and_limited,
        a_session_that_never_ended_is_unfinished,
        a_maintenance_mode_is_open_until_it_is_put_back,
        ending_an_unknown_run_is_an_error,
        one_run_at_a_time_holds_the_lock,
    ]
);

fn at(second: i64) -> Timestamp {
    Timestamp::from_microsecond(1_790_000_000_000_000 + second * 1_000_000 + 123_456).unwrap()
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn software(text: &str) -> ItemKey {
    ItemKey::software(name(text))
}

fn detection(computer: &str, item: ItemKey, probe: &str, second: i64, observed: Observed) -> Detection {
    Detection {
        computer: ComputerId::new(computer),
        item,
        probe: Digest::new(probe),
        at: at(second),
        observed,
    }
}

fn present(version: &str) -> Observed {
    Observed::Present { version: Some(version.to_owned()), healthy: None }
}

fn run(id: &str, second: i64) -> RunRecord {
    RunRecord {
        id: RunId::new(id),
        started: at(second),
        finished: None,
        commit: Some(CommitId::new("3f2c91e")),
        plan: Digest::of(id.as_bytes()),
        overrides: vec![Override { rule: "removals".to_owned(), reason: "approved".to_owned() }],
    }
}

fn session(id: &str, run: &str, computer: &str, second: i64) -> SessionRecord {
    SessionRecord {
        id: SessionId::new(id),
        run: RunId::new(run),
        computer: ComputerId::new(computer),
        name: computer.to_uppercase(),
        tenant: Some(name("contoso")),
        status: SessionStatus::Running,
        started: at(second),
        finished: None,
    }
}

fn action(session: &str, position: u32) -> ActionRecord {
    ActionRecord {
        session: SessionId::new(session),
        position,
        item: ItemKey::task(name("firewall"), Some(name("public"))),
        action: ActionType::Set,
        reason: Reason::TaskNonCompliant,
        content: Digest::of(b"script"),
        before: Observed::non_compliant("off"),
        after: None,
        result: None,
        message: None,
        output: None,
        started: at(i64::from(position)),
        finished: None,
    }
}

async fn with_session(store: &dyn Store) {
    store.begin_run(&run("r1", 0)).await.unwrap();
    store.put_session(&session("s1", "r1", "sim/pc-1", 1)).await.unwrap();
}

async fn a_new_store_is_empty(store: &dyn Store) {
    assert_eq!(store.computers().await.unwrap(), []);
    assert_eq!(store.detections().await.unwrap(), []);
    assert_eq!(store.results().await.unwrap(), []);
    assert_eq!(store.runs(10).await.unwrap(), []);
    assert_eq!(store.sessions(None, 10).await.unwrap(), []);
    assert_eq!(store.unfinished().await.unwrap(), []);
    assert_eq!(store.actions(&SessionId::new("none")).await.unwrap(), []);
    store.put_detections(&[]).await.unwrap();
}

fn agent(id: &str) -> AgentRecord {
    AgentRecord {
        id: AgentId::new(id),
        name: id.to_uppercase(),
        tenant: Some(name("contoso")),
        client: None,
        platform: None,
        presence: Presence::Offline,
        tags: ["kiosk".to_owned()].into(),
        attributes: BTreeMap::new(),
        belongings: Belongings { site: Some("Berlin".to_owned()), ..Belongings::default() },
    }
}

async fn computers_come_back_sorted_and_facts_stay_when_only_the_contact_changes(store: &dyn Store) {
    let computer = |id: &str, facts: Option<i64>, contact: Contact, contacted: Option<i64>| StoredComputer {
        id: ComputerId::new(id),
        provider: name("sim"),
        agent: agent(id),
        facts: facts.map(|second| Box::new((at(second), Facts::default()))),
        contact,
        contacted: contacted.map(at),
        listed: contacted.is_some(),
    };
    let first = computer("sim/b", Some(5), Contact::Reached, Some(6));
    let second = computer("sim/a", None, Contact::Never, None);
    store.put_computers(&[first.clone(), second.clone()]).await.unwrap();
    assert_eq!(store.computers().await.unwrap(), [second.clone(), first]);

    let refused = Contact::Refused { why: "no key is accepted".to_owned(), help: Some("add one".to_owned()) };
    store.put_computers(&[computer("sim/b", None, refused.clone(), Some(9))]).await.unwrap();
    let kept = computer("sim/b", Some(5), refused, Some(9));
    assert_eq!(store.computers().await.unwrap(), [second, kept]);
}

async fn the_last_answer_of_each_source_counts(store: &dyn Store) {
    let source = |kind, text: &str, second, content: &str| KeptSource {
        kind,
        name: name(text),
        key: String::new(),
        at: at(second),
        content: content.to_owned(),
    };
    assert_eq!(store.sources().await.unwrap(), []);
    let psa = source(SourceKind::Psa, "contoso", 1, "{}");
    let old = source(SourceKind::Directory, "contoso", 1, r#"{"people":["Änne, \"O'Neil\""]}"#);
    store.put_sources(&[psa.clone(), old.clone()]).await.unwrap();
    assert_eq!(store.sources().await.unwrap(), [old, psa.clone()]);
    let new = KeptSource { key: "k".to_owned(), ..source(SourceKind::Directory, "contoso", 2, "[]") };
    store.put_sources(std::slice::from_ref(&new)).await.unwrap();
    assert_eq!(store.sources().await.unwrap(), [new, psa]);
}

async fn failures_of_sources_are_replaced_as_a_whole(store: &dyn Store) {
    let failure = |kind, text: &str, message: Option<&str>, doubts: Vec<Doubt>| KeptFailure {
        kind,
        name: name(text),
        since: at(3),
        message: message.map(str::to_owned),
        doubts,
    };
    assert_eq!(store.failures().await.unwrap(), []);
    let people = BTreeSet::from(["änne@contoso.example".to_owned()]);
    let doubt = Doubt { why: "group \"Finance\" is gone".to_owned(), people, ..Doubt::default() };
    let doubted = failure(FailingKind::Directory, "contoso", None, vec![doubt]);
    let failed = failure(FailingKind::Provider, "contoso", Some("no answer"), Vec::new());
    store.put_failures(&[failed.clone(), doubted.clone()]).await.unwrap();
    assert_eq!(store.failures().await.unwrap(), [doubted, failed.clone()]);
    store.put_failures(std::slice::from_ref(&failed)).await.unwrap();
    assert_eq!(store.failures().await.unwrap(), [failed]);
    store.put_failures(&[]).await.unwrap();
    assert_eq!(store.failures().await.unwrap(), []);
}

async fn agents_and_computers_are_remembered_and_forgotten_one_by_one(store: &dyn Store) {
    assert_eq!(store.identification().await.unwrap(), Memory::default());
    let key = |provider: &str, agent: &str| AgentKey { provider: name(provider), agent: AgentId::new(agent) };
    let known = |standing| AgentMemory {
        first_seen: at(1),
        last_seen: Some(at(2)),
        standing,
        keys: Keys {
            uuid: Some("U".to_owned()),
            maker: Some(("dell".to_owned(), "S".to_owned())),
            ..Keys::default()
        },
        name: "Büro".to_owned(),
    };
    let id = ComputerId::new("control/a/b");
    let computer = ComputerMemory {
        generation: 2,
        began: Some(at(3)),
        tenant: Some(name("acme")),
        keys: Keys::default(),
        aliases: BTreeSet::from(["V".to_owned()]),
        install: Install { at: Some(at(4)), name: "PC".to_owned(), machine_id: None, installed: Some(at(5)) },
        wiped: None,
    };
    // An agent's id may hold what stands between it and its provider.
    let memory = Memory {
        agents: BTreeMap::from([
            (key("control", "a/b"), known(Standing::Of(id.clone()))),
            (key("rmm", "7"), known(Standing::Former(id.clone()))),
            (key("rmm", "8"), known(Standing::Waiting)),
        ]),
        computers: BTreeMap::from([(id.clone(), computer)]),
    };
    store.put_identification(&memory.since(&Memory::default())).await.unwrap();
    assert_eq!(store.identification().await.unwrap(), memory);
    let mut next = memory.clone();
    next.agents.remove(&key("rmm", "8"));
    next.computers.get_mut(&id).unwrap().generation = 3;
    let change = next.since(&memory);
    assert_eq!((change.agents.len(), change.computers.len()), (1, 1), "nothing else is written");
    store.put_identification(&change).await.unwrap();
    assert_eq!(store.identification().await.unwrap(), next);
    store.put_identification(&next.since(&next)).await.unwrap();
    store.put_identification(&next.without(&id)).await.unwrap();
    assert_eq!(store.identification().await.unwrap(), Memory::default());
}

async fn facts_are_replaced_alone_and_of_known_computers_only(store: &dyn Store) {
    let known = StoredComputer {
        id: ComputerId::new("sim/a"),
        provider: name("sim"),
        agent: agent("sim/a"),
        facts: None,
        contact: Contact::Reached,
        contacted: Some(at(1)),
        listed: true,
    };
    store.put_computers(std::slice::from_ref(&known)).await.unwrap();
    let facts = Facts { hostname: Some("a".to_owned()), ..Facts::default() };
    store.put_facts(&known.id, at(5), &facts).await.unwrap();
    store.put_facts(&ComputerId::new("sim/nobody"), at(5), &facts).await.unwrap();
    assert_eq!(
        store.computers().await.unwrap(),
        [StoredComputer { facts: Some(Box::new((at(5), facts))), ..known }]
    );
}

async fn a_detection_replaces_the_last_one_of_its_item_and_probe_only(store: &dyn Store) {
    let task = |instance: Option<&str>| ItemKey::task(name("seven-zip"), instance.map(name));
    let old = [
        detection("sim/b", software("seven-zip"), "p1", 1, present("23.01")),
        detection("sim/a", task(Some("x")), "p1", 1, Observed::Compliant),
        detection("sim/a", software("seven-zip"), "p2", 1, Observed::Absent),
        detection("sim/a", task(None), "p1", 1, Observed::Compliant),
        detection("sim/a", software("seven-zip"), "p1", 1, present("23.01")),
    ];
    store.put_detections(&old).await.unwrap();
    let new = detection("sim/a", software("seven-zip"), "p1", 2, present("24.09"));
    store.put_detections(std::slice::from_ref(&new)).await.unwrap();
    let [b, with_instance, other_probe, without_instance, _] = old;
    assert_eq!(store.detections().await.unwrap(), [new, other_probe, without_instance, with_instance, b]);
}

async fn a_monitored_value_is_kept_each_time_it_changes(store: &dyn Store) {
    let task = ItemKey::task(name("disk-space"), None);
    let said = |second: i64, value: &str| {
        detection("sim/a", task.clone(), "p1", second, Observed::Value { value: value.to_owned() })
    };
    for seen in [said(1, "80 %"), said(2, "80 %"), said(3, "90 %"), said(4, "80 %")] {
        store.put_detections(std::slice::from_ref(&seen)).await.unwrap();
    }
    store.put_detections(&[detection("sim/a", software("zip"), "p1", 5, present("1"))]).await.unwrap();
    let kept = store.values(&ComputerId::new("sim/a"), 10).await.unwrap();
    let told = |kept: &KeptValue| (kept.at, kept.observed.clone());
    let value = |text: &str| Observed::Value { value: text.to_owned() };
    assert_eq!(
        kept.iter().map(told).collect::<Vec<_>>(),
        [(at(4), value("80 %")), (at(3), value("90 %")), (at(1), value("80 %"))]
    );
    assert_eq!(store.values(&ComputerId::new("sim/a"), 1).await.unwrap().len(), 1);
    assert_eq!(store.values(&ComputerId::new("sim/b"), 10).await.unwrap(), []);
}

async fn every_observation_comes_back_as_it_went_in(store: &dyn Store) {
    let odd = "line\n\"quoted\" \\ 'single' ; -- \u{0} \u{1f} \u{fffd} 😀 ünï $1 {}".to_owned();
    let observed = [
        Observed::Present { version: None, healthy: Some(false) },
        Observed::Present { version: Some("1.10".to_owned()), healthy: Some(true) },
        Observed::Absent,
        Observed::Compliant,
        Observed::non_compliant(odd.clone()),
        Observed::Value { value: odd.clone() },
        Observed::Undetermined { why: odd },
        Observed::NotApplicable,
    ];
    let detections: Vec<_> = (0..)
        .zip(observed)
        .map(|(i, observed)| detection("sim/a'\"\\", software("x"), &format!("p{i}"), i, observed))
        .collect();
    store.put_detections(&detections).await.unwrap();
    assert_eq!(store.detections().await.unwrap(), detections);
}

async fn twenty_thousand_detections_are_written_and_read(store: &dyn Store) {
    let detections: Vec<_> = (0..2_000)
        .flat_map(|computer| {
            (0..10).map(move |item| {
                let item = software(&format!("software-{item}"));
                detection(
                    &format!("sim/pc-{computer:04}"),
                    item,
                    &"a1".repeat(32),
                    computer,
                    present("24.09"),
                )
            })
        })
        .collect();
    store.put_detections(&detections).await.unwrap();
    let back = store.detections().await.unwrap();
    assert_eq!(back, detections);
}

async fn an_action_comes_back_before_and_after_its_result(store: &dyn Store) {
    with_session(store).await;
    let id = SessionId::new("s1");
    let mut first = action("s1", 0);
    let second = action("s1", 1);
    store.put_action(&second).await.unwrap();
    store.put_action(&first).await.unwrap();
    assert_eq!(store.actions(&id).await.unwrap(), [first.clone(), second.clone()]);

    first.after = Some(Observed::Compliant);
    first.result = Some(ActionResult::Success);
    first.message = Some("set, and it is so".to_owned());
    first.output = Some("with a \u{0} in it".to_owned());
    first.finished = Some(at(9));
    store.put_action(&first).await.unwrap();
    assert_eq!(store.actions(&id).await.unwrap(), [first, second]);
    assert_eq!(store.actions(&SessionId::new("s2")).await.unwrap(), []);
}

async fn actions_that_are_written_at_once_all_come_back(store: &dyn Store) {
    with_session(store).await;
    let actions: Vec<_> = (0..500).map(|position| action("s1", position)).collect();
    let results = futures_util::future::join_all(actions.iter().map(|action| store.put_action(action))).await;
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(store.actions(&SessionId::new("s1")).await.unwrap(), actions);
}

async fn an_action_of_an_unknown_session_is_refused_and_harms_no_other(store: &dyn Store) {
    with_session(store).await;
    let actions: Vec<_> =
        (0..20).map(|position| action(if position % 5 == 0 { "s9" } else { "s1" }, position)).collect();
    let results = futures_util::future::join_all(actions.iter().map(|action| store.put_action(action))).await;
    for (action, result) in actions.iter().zip(&results) {
        assert_eq!(result.is_ok(), action.session.as_str() == "s1", "{action:?}: {result:?}");
    }
    assert_eq!(store.actions(&SessionId::new("s1")).await.unwrap().len(), 16);
    assert!(store.put_session(&session("s2", "r9", "sim/pc-1", 1)).await.is_err(), "its run is unknown");
}

async fn output_is_bounded(store: &dyn Store) {
    with_session(store).await;
    let long = "ö".repeat(format::LONGEST_TEXT);
    let record =
        ActionRecord { output: Some(long.clone()), message: Some("short".to_owned()), ..action("s1", 0) };
    store.put_action(&record).await.unwrap();
    let back = store.actions(&SessionId::new("s1")).await.unwrap().remove(0);
    let output = back.output.unwrap();
    assert!(output.len() <= format::LONGEST_TEXT && long.starts_with(output.trim_end_matches("\n[cut]")));
    assert_eq!(back.message.as_deref(), Some("short"));

    let value = Observed::Value { value: long };
    store.put_detections(&[detection("sim/a", software("x"), "p", 1, value)]).await.unwrap();
    let Observed::Value { value } = store.detections().await.unwrap().remove(0).observed else {
        panic!("it was a value")
    };
    assert!(value.len() <= format::LONGEST_TEXT && value.ends_with("\n[cut]"));
}

async fn protections_are_replaced_as_a_whole(store: &dyn Store) {
    assert_eq!(store.protections().await.unwrap(), []);
    let protection = |kind, text: &str| Protection {
        key: ProtectedKey { kind, name: name(text) },
        place: Place::file(&"tenants/contoso/tenant.yaml".into()),
        commit: Some(CommitId::new("3f2c91e")),
        software: Some(name("antivirus")),
        programs: [Program::UpgradeCode("{1}".to_owned()), Program::Scripts([Digest::of(b"x")].into())]
            .into(),
        tenants: [name("contoso")].into(),
        without_tenant: true,
        computers: [ComputerId::new("sim/a"), ComputerId::new("sim/b")].into(),
        names: [(ComputerId::new("sim/a"), "PC-A".to_owned())].into(),
    };
    let tenant = protection(ProtectedKind::Tenant, "contoso");
    let computer = protection(ProtectedKind::Computer, "pc");
    store.put_protections(&[tenant.clone(), computer.clone()]).await.unwrap();
    assert_eq!(store.protections().await.unwrap(), [computer.clone(), tenant.clone()]);
    let twice = store.put_protections(&[tenant.clone(), tenant.clone()]).await;
    assert!(twice.is_err(), "a document is protected once");
    assert_eq!(store.protections().await.unwrap(), [computer, tenant.clone()], "all or none");
    store.put_protections(std::slice::from_ref(&tenant)).await.unwrap();
    assert_eq!(store.protections().await.unwrap(), [tenant]);
    store.put_protections(&[]).await.unwrap();
    assert_eq!(store.protections().await.unwrap(), []);
}

async fn what_was_wanted_is_replaced_as_a_whole(store: &dyn Store) {
    assert_eq!(store.remembered().await.unwrap(), Remembered::default());
    let digest = |text: &str| Digest::of(text.as_bytes());
    let key = |deployment: &str| IntentKey {
        item: ItemKey::task(name("firewall"), Some(name("public"))),
        deployment: name(deployment),
        wish: digest("wish"),
        target: digest("target"),
        content: digest("content"),
        version: Some("1.0".to_owned()),
        mode: Mode::Audit,
    };
    let sets = |from: u32| {
        let (wanted, satisfied) = ((from..90_000).collect(), (from..90_000).step_by(7).collect());
        Arc::new(IntentSets { wanted, satisfied })
    };
    let computers = (0..100_000).map(|n| ComputerId::new(format!("sim/pc-{n:06}"))).collect();
    let first = Remembered {
        computers,
        intents: [(key("one"), sets(0)), (key("two"), sets(80_000))].into(),
        targets: [(name("all"), (0..100_000).collect())].into(),
        covered: (0..50_000).collect(),
        deployments: [(name("one"), (digest("wish"), digest("target")))].into(),
        planned: Some("2027-01-15T08:00:00Z".parse().unwrap()),
    };
    store.put_remembered(&first).await.unwrap();
    assert!(store.remembered().await.unwrap() == first);
    let second = Remembered {
        computers: vec![ComputerId::new("sim/a")],
        intents: [(key("one"), sets(89_999))].into(),
        ..Remembered::default()
    };
    store.put_remembered(&second).await.unwrap();
    assert!(store.remembered().await.unwrap() == second, "nothing of the first is left");
}

async fn changes_that_succeeded_tell_how_long_they_take(store: &dyn Store) {
    with_session(store).await;
    for (position, seconds, result) in [
        (0, 10, Some(ActionResult::Success)),
        (1, 30, Some(ActionResult::Success)),
        (2, 900, Some(ActionResult::Failed)),
        (3, 0, None),
    ] {
        let mut action = action("s1", position);
        action.result = result;
        action.finished = result.map(|_| at(i64::from(position) + seconds));
        store.put_action(&action).await.unwrap();
    }
    let durations = store.durations().await.unwrap();
    assert_eq!(durations.len(), 1);
    let (key, seconds) = durations.into_iter().next().unwrap();
    assert_eq!(key, (ItemKey::task(name("firewall"), Some(name("public"))), ActionType::Set));
    assert!((seconds - 20.0).abs() < 1e-6, "{seconds}");
}

async fn the_last_result_counts(store: &dyn Store) {
    let result = |computer: &str, second: i64, result: ActionResult| ItemResult {
        computer: ComputerId::new(computer),
        item: software("seven-zip"),
        action: ActionType::Update,
        result,
        observed: (result == ActionResult::Success).then(|| present("24.09")),
        content: Digest::of(b"content"),
        values: (second == 2).then(|| Digest::of(b"values")),
        at: at(second),
        session: SessionId::new(format!("s{second}")),
    };
    let first = result("sim/b", 1, ActionResult::Failed);
    let other = result("sim/a", 1, ActionResult::Undetermined);
    store.put_results(&[first.clone(), other.clone()]).await.unwrap();
    assert_eq!(store.results().await.unwrap(), [other.clone(), first]);
    let second = result("sim/b", 2, ActionResult::Success);
    store.put_results(std::slice::from_ref(&second)).await.unwrap();
    store.put_results(std::slice::from_ref(&second)).await.unwrap();
    assert_eq!(store.results().await.unwrap(), [other, second]);
}

async fn runs_and_sessions_come_newest_first_and_limited(store: &dyn Store) {
    let (first, mut second) = (run("r1", 1), run("r2", 2));
    store.begin_run(&second).await.unwrap();
    store.begin_run(&first).await.unwrap();
    assert!(store.begin_run(&first).await.is_err(), "a run begins once");
    store.end_run(&second.id, at(7)).await.unwrap();
    second.finished = Some(at(7));
    assert_eq!(store.runs(10).await.unwrap(), [second.clone(), first]);
    assert_eq!(store.runs(1).await.unwrap(), [second]);

    let sessions = [
        session("s1", "r1", "sim/a", 1),
        session("s2", "r1", "sim/b", 2),
        SessionRecord { tenant: None, ..session("s3", "r2", "sim/a", 2) },
    ];
    for session in &sessions {
        store.put_session(session).await.unwrap();
    }
    let [one, two, three] = sessions;
    assert_eq!(store.sessions(None, 2).await.unwrap(), [three.clone(), two]);
    assert_eq!(store.sessions(Some(&ComputerId::new("sim/a")), 10).await.unwrap(), [three, one]);
}

async fn a_session_that_never_ended_is_unfinished(store: &dyn Store) {
    with_session(store).await;
    let mut other = session("s0", "r1", "sim/pc-2", 0);
    store.put_session(&other).await.unwrap();
    assert_eq!(store.unfinished().await.unwrap(), [other.clone(), session("s1", "r1", "sim/pc-1", 1)]);
    other.status = SessionStatus::PartlyPassed;
    other.finished = Some(at(20));
    store.put_session(&other).await.unwrap();
    assert_eq!(store.unfinished().await.unwrap(), [session("s1", "r1", "sim/pc-1", 1)]);
    assert_eq!(store.sessions(Some(&other.computer), 1).await.unwrap(), [other]);
}

async fn a_maintenance_mode_is_open_until_it_is_put_back(store: &dyn Store) {
    with_session(store).await;
    store.put_session(&session("s0", "r1", "sim/pc-2", 0)).await.unwrap();
    let record = |session: &str, agent: &str, second: i64| MaintenanceRecord {
        session: SessionId::new(session),
        agent: AgentKey { provider: name("automate"), agent: AgentId::new(agent) },
        computer: ComputerId::new("sim/pc-1"),
        name: "pc-1".to_owned(),
        kept: Kept::ToPutBack,
        mark: None,
        message: None,
        begun: at(second),
        ended: None,
    };
    let (mut first, other) = (record("s1", "7", 5), record("s0", "8", 4));
    for record in [&first, &other] {
        store.put_maintenance(record).await.unwrap();
    }
    assert_eq!(store.open_maintenance().await.unwrap(), [other.clone(), first.clone()]);
    first.mark = Some("noon".to_owned());
    store.put_maintenance(&first).await.unwrap();
    assert_eq!(store.maintenance(&first.session).await.unwrap(), [first.clone()]);
    first.done(Some("it was set anew"), at(9));
    store.put_maintenance(&first).await.unwrap();
    assert_eq!(store.open_maintenance().await.unwrap(), [other]);
    assert_eq!(store.maintenance(&first.session).await.unwrap(), [first]);
    assert!(store.put_maintenance(&record("unknown", "7", 1)).await.is_err());
}

async fn ending_an_unknown_run_is_an_error(store: &dyn Store) {
    let error = store.end_run(&RunId::new("r9"), at(1)).await.unwrap_err();
    assert_eq!(error.to_string(), "the state could not end a run");
}

async fn one_run_at_a_time_holds_the_lock(store: &dyn Store) {
    let lock = store.lock("ada on host-1, apply, since 14:02").await.unwrap();
    let error = store.lock("somebody else").await.unwrap_err();
    assert_eq!(error.to_string(), "another run holds the lock: ada on host-1, apply, since 14:02");
    assert!(matches!(error, StoreError::Locked { .. }));
    drop(lock);
    drop(store.lock("somebody else").await.unwrap());
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "contract::store::writes_actions_until_it_is_killed", "--ignored", "--nocapture"])
        .env("MUSTER_TEST_STORE", &path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut acknowledged = Vec::new();
    let mut held = true;
    while acknowledged.len() < 200 {
        let line = lines.next().expect("the child goes on until it is killed").unwrap();
        if let Some((_, position)) = line.split_once("acknowledged ") {
            acknowledged.push(position.parse::<u32>().unwrap());
        }
        if acknowledged.len() == 100 {
            // Another process reads while the child writes, and does not get its lock.
            let other = Sqlite::open_read_only(&path).await.unwrap();
            assert!(other.actions(&SessionId::new("s1")).await.unwrap().len() >= 99);
            held &=
                matches!(other.lock("me").await, Err(StoreError::Locked { holder }) if holder == "the child");
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // What it acknowledged between the last line read and its death counts too.
    for line in lines.map_while(Result::ok) {
        acknowledged.extend(line.split_once("acknowledged ").and_then(|(_, n)| n.parse::<u32>().ok()));
    }
    assert!(held);

    let store = Sqlite::open(&path).await.unwrap();
    let actions = store.actions(&SessionId::new("s1")).await.unwrap();
    let there: std::collections::BTreeSet<u32> = actions.iter().map(|action| action.position).collect();
    assert!(acknowledged.len() >= 200);
    for position in &acknowledged {
        assert!(there.contains(position), "{position} was acknowledged and is gone");
    }
    assert_eq!(store.unfinished().await.unwrap().len(), 1);
    drop(store.lock("the next run").await.unwrap());
}

/// Not a test of its own: [`what_was_acknowledged_survives_kill_9`] runs it in a process that it kills.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs for ever, as a child of another test"]
async fn writes_actions_until_it_is_killed() {
    let path = std::env::var_os("MUSTER_TEST_STORE").expect("the other test sets it");
    let store = Sqlite::open(Path::new(&path)).await.unwrap();
    let _lock = store.lock("the child").await.unwrap();
    with_session(&store).await;
    let begun = Instant::now();
    for position in 0.. {
        store.put_action(&action("s1", position)).await.unwrap();
        let mut out = std::io::stdout().lock();
        writeln!(out, "acknowledged {position}").unwrap();
        out.flush().unwrap();
        // If the parent died first, this process must not stay.
        assert!(begun.elapsed() < Duration::from_mins(1));
    }
}

mod file {
    //! What holds of the file beside the contract.

    use super::{Path, Sqlite, Store, StoreError, detection, present, software};

    async fn made(path: &Path) {
        let store = Sqlite::open(path).await.unwrap();
        let one = detection("sim/a", software("x"), "p", 1, present("1"));
        store.put_detections(&[one]).await.unwrap();
        store.close().await.unwrap();
    }

    async fn statement(path: &Path, sql: &'static str) {
        use sqlx::{ConnectOptions, Connection};
        sqlx::any::install_default_drivers();
        let address = format!("sqlite:{}?mode=rwc", path.display());
        let mut connection =
            address.parse::<sqlx::any::AnyConnectOptions>().unwrap().connect().await.unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }

    /// Opens a file that has to be refused, and proves that not a byte of it changed.
    async fn refused(path: &Path) -> StoreError {
        let before = std::fs::read(path).unwrap();
        let error = Sqlite::open(path).await.unwrap_err();
        assert_eq!(std::fs::read(path).unwrap(), before, "a refused file is left as it is");
        assert!(Sqlite::open_read_only(path).await.is_err());
        assert_eq!(std::fs::read(path).unwrap(), before);
        error
    }

    fn why(error: &StoreError) -> String {
        std::error::Error::source(error).map(ToString::to_string).unwrap_or_default()
    }

    #[tokio::test]
    async fn what_was_written_is_there_when_it_is_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a new folder/ünï #?%20.db");
        made(&path).await;
        assert!(path.is_file());
        assert_eq!(Sqlite::open(&path).await.unwrap().detections().await.unwrap().len(), 1);
        let reading = Sqlite::open_read_only(&path).await.unwrap();
        assert_eq!(reading.detections().await.unwrap().len(), 1);
        let one = detection("sim/a", software("x"), "p", 1, present("1"));
        assert!(matches!(reading.put_detections(&[one]).await, Err(StoreError::Failed { .. })));
    }

    #[tokio::test]
    async fn processes_that_create_it_at_the_same_time_do_not_disturb_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let opened = futures_util::future::join_all((0..8).map(|_| Sqlite::open(&path))).await;
        for store in opened {
            store
                .unwrap()
                .put_detections(&[detection("sim/a", software("x"), "p", 1, present("1"))])
                .await
                .unwrap();
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn only_the_owner_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/state.db");
        let store = Sqlite::open(&path).await.unwrap();
        store.put_detections(&[detection("sim/a", software("x"), "p", 1, present("1"))]).await.unwrap();
        let _lock = store.lock("me").await.unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        let mut files = 0;
        for entry in std::fs::read_dir(path.parent().unwrap()).unwrap() {
            let path = entry.unwrap().path();
            assert_eq!(mode(&path), 0o600, "{}", path.display());
            files += 1;
        }
        assert_eq!(files, 4, "the database, its log, the log's index and the lock");
    }

    #[tokio::test]
    async fn a_newer_file_is_refused_untouched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        made(&path).await;
        statement(&path, "PRAGMA user_version = 99").await;
        let error = refused(&path).await;
        assert!(matches!(error, StoreError::TooNew { found: 99, known: 5 }), "{error:?}");
    }

    #[tokio::test]
    async fn a_file_of_another_program_is_refused_untouched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        statement(&path, "CREATE TABLE theirs (a INTEGER); INSERT INTO theirs VALUES (1)").await;
        let error = refused(&path).await;
        assert_eq!(why(&error), "it belongs to another program");
        statement(&path, "PRAGMA application_id = 1").await;
        assert_eq!(why(&refused(&path).await), "it belongs to another program");
    }

    #[tokio::test]
    async fn a_file_that_is_no_database_is_refused_untouched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        for content in [b"x".as_slice(), &[0; 5000], b"SQLite format 3\0 and then no more"] {
            std::fs::write(&path, content).unwrap();
            let error = refused(&path).await;
            assert_eq!(error.to_string(), format!("cannot open the state {}", path.display()));
            assert_eq!(why(&error), "it is not an SQLite database");
            assert!(matches!(error, StoreError::Open { unusable: true, .. }));
        }
        assert!(matches!(Sqlite::open(folder.path()).await, Err(StoreError::Open { .. })), "a folder");
    }

    #[tokio::test]
    async fn a_damaged_file_gives_errors_and_is_not_thrown_away() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        made(&path).await;
        let whole = std::fs::read(&path).unwrap();
        let mut refused = 0;
        for cut in (100..whole.len()).step_by(1999) {
            let mut damaged = whole.clone();
            damaged.get_mut(cut..).unwrap().fill(0xa5);
            std::fs::write(&path, &damaged).unwrap();
            let outcome = async {
                let store = Sqlite::open(&path).await?;
                let one = detection("sim/a", software("x"), "p", 1, present("2"));
                store.put_detections(&[one]).await?;
                store.detections().await?;
                store.close().await
            }
            .await;
            refused += usize::from(outcome.is_err());
            assert!(std::fs::metadata(&path).unwrap().len() >= whole.len() as u64);
            for rest in ["state.db-wal", "state.db-shm"] {
                _ = std::fs::remove_file(folder.path().join(rest));
            }
        }
        assert!(refused > 0);
    }

    #[tokio::test]
    async fn a_row_that_cannot_be_read_is_an_error_that_says_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        made(&path).await;
        statement(&path, "UPDATE detection SET observed = '{\"present\":7}'").await;
        let error = Sqlite::open(&path).await.unwrap().detections().await.unwrap_err();
        assert_eq!(error.to_string(), "the state holds a broken detection");
    }

    #[tokio::test]
    async fn a_missing_file_is_not_created_by_reading() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("none.db");
        assert!(matches!(Sqlite::open_read_only(&path).await, Err(StoreError::Open { .. })));
        assert!(!path.exists());
    }
}
