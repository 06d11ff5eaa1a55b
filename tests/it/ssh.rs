//! The ssh provider against real OpenSSH servers.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "the tests prepare and look at files; a failure is a failed test"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use muster::config::kind::{Become, SshHost, SshJump, SshSpec};
use muster::id::{AgentId, Name};
use muster::provider::ssh::{Ssh, SshSettings};
use muster::provider::{Change as _, Detect as _, ListAgents as _, RunError};
use muster::secret::Secret;
use muster::session::script::{
    Bundle, BundleResult, Context, Ended, Interpreter, KEEP_OUTPUT, Platform, Purpose, Read, Script, Step,
    Value, Values, Write,
};
use muster::time::Limit;

use crate::support::sshd::{Agent, Blackhole, Farm, Server, SlowLine, address, new_key, run};

fn script(text: &str) -> Arc<Script> {
    Arc::new(Script {
        interpreter: Interpreter::Sh,
        context: Context::System,
        text: text.into(),
        limit: None,
        origin: "test".into(),
    })
}

fn bundle(texts: &[&str]) -> Bundle<Read> {
    let step = |(index, text): (usize, &&str)| {
        Step::read(format!("s{index}"), Purpose::Collect, script(text), Values::new())
    };
    Bundle::new(Platform::Posix, texts.iter().enumerate().map(step).collect(), BTreeMap::new())
}

async fn detect(ssh: &Ssh, host: &str, text: &str) -> Result<BundleResult, RunError> {
    ssh.detect(&AgentId::new(host), &bundle(&[text])).await
}

/// The standard output of the only step, which must have succeeded.
async fn says(ssh: &Ssh, host: &str, text: &str) -> String {
    let result = detect(ssh, host, text).await.unwrap();
    let step = &result.steps["s0"];
    assert_eq!(step.ended, Ended::Exit(0), "{step:?}");
    step.stdout.trim_end().to_owned()
}

/// The refusal's message and help.
async fn refused(ssh: &Ssh, host: &str) -> (String, String) {
    match detect(ssh, host, "true").await {
        Err(RunError::Refused { message, help }) => (message, help.unwrap_or_default()),
        other => panic!("not refused: {other:?}"),
    }
}

/// Runs the command that a refusal's help names.
fn follow(help: &str) {
    let (_, command) = help.rsplit_once("run: ").unwrap_or_else(|| panic!("no command in {help:?}"));
    run("sh", &["-c", command]);
}

fn ssh(farm: &Farm) -> Ssh {
    Ssh::new(farm.settings(farm.spec()))
}

async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(15);
    while !done() {
        assert!(Instant::now() < end, "{what} does not come");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_key_file_signs_in_and_every_step_has_its_result() {
    let farm = Farm::start(1);
    let ssh = ssh(&farm);
    let bundle = bundle(&["echo $HOME", "echo bad >&2; exit 7", "printf '%s' \"$MUSTER_TEST_ROOT\""]);
    let result = ssh.detect(&AgentId::new("host0"), &bundle).await.unwrap();
    let home = farm.hosts[0].home.display().to_string();
    assert_eq!(result.steps["s0"].stdout.trim_end(), home);
    assert_eq!(result.steps["s1"].ended, Ended::Exit(7));
    assert_eq!(result.steps["s1"].stderr.trim_end(), "bad");
    assert_eq!(result.steps["s2"].stdout.trim_end(), home);
}

#[tokio::test]
async fn a_bundle_that_changes_runs_on_the_computer() {
    let farm = Farm::start(1);
    let file = farm.hosts[0].home.join("made");
    let purpose = Purpose::SetTask { task: "t".into(), instance: String::new() };
    let step =
        Step::<Write>::change("x", purpose, script(&format!("echo yes > {}", file.display())), Values::new());
    let bundle = Bundle::new(Platform::Posix, vec![step], BTreeMap::new());
    ssh(&farm).change(&AgentId::new("host0"), &bundle).await.unwrap();
    assert_eq!(fs::read_to_string(file).unwrap(), "yes\n");
}

#[tokio::test]
async fn every_kind_of_key_signs_in() {
    let farm = Farm::start(1);
    for kind in ["rsa", "ecdsa"] {
        let key = farm.folder.path().join(kind);
        new_key(&key, kind, "");
        farm.accept(&key);
        let spec = SshSpec { identity_files: vec![key.display().to_string()], ..farm.spec() };
        assert_eq!(says(&Ssh::new(farm.settings(spec)), "host0", "echo in").await, "in", "{kind}");
    }
}

#[tokio::test]
async fn a_real_agent_signs_in_and_the_named_key_goes_first() {
    let farm = Farm::start(1);
    let agent = Agent::start(farm.folder.path());
    // More keys than the server listens to.
    for index in 0..8 {
        let other = farm.folder.path().join(format!("other{index}"));
        new_key(&other, "ed25519", "");
        agent.add(&other);
    }
    agent.add(&farm.key());
    let mut settings = farm.settings(farm.spec());
    settings.agent_socket = Some(agent.socket.clone());
    let by_agent = Ssh::new(settings.clone());
    assert_eq!(says(&by_agent, "host0", "echo in").await, "in");
    assert_eq!(farm.hosts[0].log().matches("Failed publickey").count(), 0);

    // Not named, so it comes too late: the server gives up first, and the refusal says so.
    settings.spec.identity_files.clear();
    let (message, _) = refused(&Ssh::new(settings), "host0").await;
    assert!(message.contains("(agent)"), "{message}");
}

#[tokio::test]
async fn only_the_agent_is_needed() {
    let farm = Farm::start(1);
    let agent = Agent::start(farm.folder.path());
    agent.add(&farm.key());
    let mut settings = farm.settings(SshSpec { identity_files: Vec::new(), ..farm.spec() });
    settings.agent_socket = Some(agent.socket.clone());
    assert_eq!(says(&Ssh::new(settings.clone()), "host0", "echo in").await, "in");
    settings.spec.agent = Some(false);
    let (message, help) = refused(&Ssh::new(settings), "host0").await;
    assert!(message.contains("there is no key to sign in with"), "{message}");
    assert!(help.contains("identityFiles"), "{help}");
}

#[tokio::test]
async fn a_key_with_a_passphrase_is_refused_until_the_agent_has_it() {
    let farm = Farm::start(1);
    let key = farm.folder.path().join("locked");
    new_key(&key, "ed25519", "correct horse");
    farm.accept(&key);
    let agent = Agent::start(farm.folder.path());
    let spec = SshSpec { identity_files: vec![key.display().to_string()], ..farm.spec() };
    let mut settings = farm.settings(spec);
    settings.agent_socket = Some(agent.socket.clone());
    let ssh = Ssh::new(settings);
    let (message, help) = refused(&ssh, "host0").await;
    assert!(message.contains("protected by a passphrase"), "{message}");
    let (_, command) = help.split_once(": ").unwrap();
    agent.shell(command, "correct horse");
    assert_eq!(says(&ssh, "host0", "echo in").await, "in");
}

#[tokio::test]
async fn a_wrong_key_is_refused_with_the_command_that_installs_it() {
    let farm = Farm::start(1);
    let key = farm.folder.path().join("wrong");
    new_key(&key, "ed25519", "");
    let spec = SshSpec { identity_files: vec![key.display().to_string()], ..farm.spec() };
    let (message, help) = refused(&Ssh::new(farm.settings(spec)), "host0").await;
    assert!(message.contains("no key is accepted") && message.contains("SHA256:"), "{message}");
    assert!(help.contains("ssh-copy-id -i ") && help.contains(&farm.hosts[0].port.to_string()), "{help}");
}

#[tokio::test]
async fn a_missing_key_file_is_named() {
    let farm = Farm::start(1);
    let spec = SshSpec { identity_files: vec!["nowhere".into()], ..farm.spec() };
    let (message, _) = refused(&Ssh::new(farm.settings(spec)), "host0").await;
    assert!(message.contains("nowhere does not exist"), "{message}");
}

#[tokio::test]
async fn an_unknown_host_is_refused_and_the_named_command_mends_it() {
    let farm = Farm::start(1);
    fs::remove_file(farm.known_hosts()).unwrap();
    let ssh = ssh(&farm);
    let (message, help) = refused(&ssh, "host0").await;
    assert!(message.contains("is not known") && message.contains("SHA256:"), "{message}");
    assert_eq!(farm.hosts[0].sign_ins(), 0);
    assert!(!farm.hosts[0].log().contains("publickey"), "something was tried on an unknown host");
    follow(&help);
    assert_eq!(says(&ssh, "host0", "echo in").await, "in");
}

#[tokio::test]
async fn a_changed_key_is_refused_and_the_named_command_mends_it() {
    let mut farm = Farm::start(2);
    let before = farm.hosts[0].known_line("ed25519");
    farm.hosts[0].reinstall();
    let ssh = ssh(&farm);
    let (message, help) = refused(&ssh, "host0").await;
    assert!(message.contains("has changed"), "{message}");
    assert_eq!(message.matches("SHA256:").count(), 2, "{message}");
    assert!(message.contains("known_hosts:1"), "{message}");
    follow(&help);
    assert!(!fs::read_to_string(farm.known_hosts()).unwrap().contains(before.trim()));
    assert_eq!(says(&ssh, "host0", "echo in").await, "in");
    assert_eq!(says(&ssh, "host1", "echo in").await, "in");
}

#[tokio::test]
async fn hashed_known_hosts_are_understood() {
    let farm = Farm::start(2);
    run("ssh-keygen", &["-H", "-f", &farm.known_hosts().display().to_string()]);
    assert!(fs::read_to_string(farm.known_hosts()).unwrap().starts_with("|1|"));
    let ssh = ssh(&farm);
    assert_eq!(says(&ssh, "host1", "echo in").await, "in");
}

#[tokio::test]
async fn the_known_kind_of_host_key_is_asked_for() {
    let farm = Farm::start(1);
    fs::write(farm.known_hosts(), farm.hosts[0].known_line("ecdsa")).unwrap();
    assert_eq!(says(&ssh(&farm), "host0", "echo in").await, "in");
}

#[tokio::test]
async fn a_revoked_key_is_refused() {
    let farm = Farm::start(1);
    let line = farm.hosts[0].known_line("ed25519");
    fs::write(farm.known_hosts(), format!("{line}@revoked {line}")).unwrap();
    let (message, _) = refused(&ssh(&farm), "host0").await;
    assert!(message.contains("revoked"), "{message}");
}

fn through(farm: &Farm) -> SshSpec {
    let jump = &farm.hosts[0];
    let jump = SshJump { address: jump.address.clone(), port: Some(jump.port), user: None };
    SshSpec { jump: Some(jump), hosts: farm.hosts.iter().skip(1).map(Server::host).collect(), ..farm.spec() }
}

#[tokio::test]
async fn hosts_behind_a_jump_host_share_its_connection() {
    let farm = Farm::start(3);
    let ssh = Ssh::new(farm.settings(through(&farm)));
    let (one, two) = tokio::join!(says(&ssh, "host1", "echo $HOME"), says(&ssh, "host2", "echo $HOME"));
    assert_eq!(one, farm.hosts[1].home.display().to_string());
    assert_eq!(two, farm.hosts[2].home.display().to_string());
    assert_eq!(farm.hosts.iter().map(Server::sign_ins).collect::<Vec<_>>(), [1, 1, 1]);
}

#[tokio::test]
async fn the_host_keys_of_jump_and_target_are_both_checked() {
    let farm = Farm::start(2);
    let ssh = Ssh::new(farm.settings(through(&farm)));
    fs::write(farm.known_hosts(), farm.hosts[1].known_line("ed25519")).unwrap();
    let (message, help) = refused(&ssh, "host1").await;
    assert!(message.contains(&farm.hosts[0].address), "{message}");
    fs::write(farm.known_hosts(), "").unwrap();
    follow(&help);
    let (message, help) = refused(&ssh, "host1").await;
    assert!(message.contains(&farm.hosts[1].address), "{message}");
    follow(&help);
    assert_eq!(says(&ssh, "host1", "echo in").await, "in");
}

#[tokio::test]
async fn a_target_that_its_jump_host_does_not_reach_is_unreachable() {
    let mut farm = Farm::start(2);
    farm.hosts[1].stop();
    let error = detect(&Ssh::new(farm.settings(through(&farm))), "host1", "true").await.unwrap_err();
    assert!(matches!(error, RunError::Unreachable(_)), "{error:?}");
}

#[tokio::test]
async fn an_inventory_file_lists_hosts_with_tenant_and_tags() {
    let farm = Farm::start(2);
    let lines: Vec<String> = farm
        .hosts
        .iter()
        .map(|host| {
            format!("{} address={} port={} tenant=contoso tags=kiosk", host.name, host.address, host.port)
        })
        .collect();
    let spec = SshSpec {
        hosts: vec![SshHost { name: "first".into(), ..SshHost::default() }],
        inventory: Some("hosts.ini".into()),
        tags: ["all".to_owned()].into(),
        ..farm.spec()
    };
    let with = |text: Option<String>| {
        Ssh::new(SshSettings { inventory: text.map(Into::into), ..farm.settings(spec.clone()) })
    };
    let ssh = with(Some(format!("[web]\n{}\n", lines.join("\n"))));
    let agents = ssh.list().await.unwrap();
    assert_eq!(agents.iter().map(|a| a.name.as_str()).collect::<Vec<_>>(), ["first", "host0", "host1"]);
    assert_eq!(agents[1].tags.iter().map(String::as_str).collect::<Vec<_>>(), ["all", "kiosk", "web"]);
    assert_eq!(agents[1].tenant.as_ref().map(Name::as_str), Some("contoso"));
    assert_eq!(says(&ssh, "host1", "echo in").await, "in");

    let error = with(Some("host0 prot=22\n".to_owned())).list().await.unwrap_err().to_string();
    assert!(error.contains("line 1: unknown key \"prot\""), "{error}");
    let error = with(Some("first\n".to_owned())).list().await.unwrap_err().to_string();
    assert!(error.contains("first is listed twice"), "{error}");
    assert!(with(None).list().await.is_err(), "a list without its file is complete");
}

#[tokio::test]
async fn a_slow_line_only_costs_time() {
    let farm = Farm::start(1);
    let line = SlowLine::open(&farm.hosts[0], Duration::from_millis(100)).await;
    let ssh = over(&farm, &line, 20);
    assert_eq!(says(&ssh, "slow", "echo in").await, "in");
    let begun = Instant::now();
    assert_eq!(says(&ssh, "slow", "echo again").await, "again");
    // Two round trips of 200 ms: the channel, then command, input and answer together.
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(390), "{took:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(farm.hosts[0].sign_ins(), 1);
}

/// A provider that reaches `host0` through a line.
fn over(farm: &Farm, line: &SlowLine, connect: u64) -> Ssh {
    let (near, port) = (line.place.ip().to_string(), line.place.port());
    fs::write(farm.known_hosts(), farm.hosts[0].known_line_as(&near, port, "ed25519")).unwrap();
    let host = SshHost { name: "slow".into(), address: Some(near), port: Some(port), ..SshHost::default() };
    let (second, connect) = (Some(Limit::seconds(1)), Some(Limit::seconds(connect)));
    Ssh::new(farm.settings(SshSpec {
        hosts: vec![host],
        keep_alive: second,
        connect_timeout: connect,
        ..farm.spec()
    }))
}

#[tokio::test]
async fn a_line_that_goes_dead_while_a_bundle_runs_is_lost_after_a_few_signs_of_life() {
    let farm = Farm::start(1);
    let line = SlowLine::open(&farm.hosts[0], Duration::ZERO).await;
    let ssh = over(&farm, &line, 10);
    let file = farm.hosts[0].home.join("begun");
    let text = format!("touch {}; sleep 20", file.display());
    let (result, begun) = tokio::join!(detect(&ssh, "slow", &text), async {
        until("the bundle", || file.exists()).await;
        line.die(1);
        Instant::now()
    });
    assert!(matches!(result, Err(RunError::Lost(_))), "{result:?}");
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_kept_connection_that_has_gone_silent_is_replaced_within_the_connect_limit() {
    let farm = Farm::start(1);
    let line = SlowLine::open(&farm.hosts[0], Duration::ZERO).await;
    let ssh = over(&farm, &line, 6);
    assert_eq!(says(&ssh, "slow", "echo in").await, "in");
    line.die(1);
    let begun = Instant::now();
    assert_eq!(says(&ssh, "slow", "echo in").await, "in");
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
    assert_eq!(farm.hosts[0].sign_ins(), 2);
}

#[tokio::test]
async fn a_kept_jump_host_that_is_gone_is_replaced() {
    let farm = Farm::start(3);
    let ssh = Ssh::new(farm.settings(through(&farm)));
    assert_eq!(says(&ssh, "host1", "echo in").await, "in");
    farm.hosts[0].cut();
    assert_eq!(says(&ssh, "host2", "echo in").await, "in");
    assert_eq!(says(&ssh, "host1", "echo in").await, "in");
    assert_eq!(farm.hosts[0].sign_ins(), 2);
}

async fn unreachable_within(farm: &Farm, address: String, port: u16, limit: Duration) -> String {
    let host = SshHost { name: "x".into(), address: Some(address), port: Some(port), ..SshHost::default() };
    let connect_timeout = Some(Limit::seconds(1));
    let ssh = Ssh::new(farm.settings(SshSpec { hosts: vec![host], connect_timeout, ..farm.spec() }));
    let begun = Instant::now();
    let error = detect(&ssh, "x", "true").await.unwrap_err();
    assert!(begun.elapsed() < limit, "{:?}", begun.elapsed());
    assert!(error.nothing_ran());
    match error {
        RunError::Unreachable(message) => message,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_closed_port_is_unreachable_at_once() {
    let farm = Farm::start(0);
    let message = unreachable_within(&farm, address(3), 1, Duration::from_millis(800)).await;
    assert!(message.contains("connection refused"), "{message}");
}

#[tokio::test]
async fn a_host_that_swallows_packets_takes_the_connect_limit_and_no_longer() {
    let farm = Farm::start(0);
    let hole = Blackhole::open().await;
    let (ip, port) = (hole.place.ip().to_string(), hole.place.port());
    let message = unreachable_within(&farm, ip, port, Duration::from_secs(4)).await;
    assert!(message.contains("did not answer in time while connecting"), "{message}");
}

#[tokio::test]
async fn a_host_that_says_nothing_takes_the_connect_limit_and_no_longer() {
    let farm = Farm::start(0);
    let silent = std::net::TcpListener::bind((address(4), 0)).unwrap();
    let port = silent.local_addr().unwrap().port();
    let message = unreachable_within(&farm, address(4), port, Duration::from_secs(4)).await;
    assert!(message.contains("did not answer in time"), "{message}");
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_unreachable() {
    let farm = Farm::start(0);
    let message = unreachable_within(&farm, "no-such-name.invalid".into(), 22, Duration::from_secs(4)).await;
    assert!(message.contains("no-such-name.invalid"), "{message}");
}

#[tokio::test]
async fn a_connection_that_is_cut_while_a_bundle_runs_is_lost_and_the_bundle_is_not_sent_again() {
    let farm = Farm::start(1);
    let host = &farm.hosts[0];
    let ssh = ssh(&farm);
    assert_eq!(says(&ssh, "host0", "echo in").await, "in");
    let file = host.home.join("begun");
    let text = format!("echo x >> {}; sleep 20", file.display());
    let (result, ()) = tokio::join!(detect(&ssh, "host0", &text), async {
        until("the bundle", || file.exists()).await;
        host.cut();
    });
    let error = result.unwrap_err();
    assert!(matches!(error, RunError::Lost(_)), "{error:?}");
    assert!(!error.nothing_ran());
    assert_eq!(says(&ssh, "host0", &format!("wc -l < {}", file.display())).await.trim(), "1");
}

#[tokio::test]
async fn a_connection_is_used_again_and_replaced_when_it_is_dead() {
    let farm = Farm::start(1);
    let host = &farm.hosts[0];
    let ssh = ssh(&farm);
    for _ in 0..3 {
        assert_eq!(says(&ssh, "host0", "echo in").await, "in");
    }
    assert_eq!(host.sign_ins(), 1);
    host.cut();
    assert_eq!(says(&ssh, "host0", "echo in").await, "in");
    assert_eq!(host.sign_ins(), 2);
}

#[tokio::test]
async fn several_bundles_at_once_share_a_connection() {
    let farm = Farm::start(1);
    let ssh = ssh(&farm);
    let all = futures_util::future::join_all((0..8).map(|_| says(&ssh, "host0", "echo in"))).await;
    assert!(all.iter().all(|said| said == "in"));
    assert_eq!(farm.hosts[0].sign_ins(), 1);
}

#[tokio::test]
async fn a_bundle_that_is_dropped_halfway_does_not_spoil_the_next() {
    let farm = Farm::start(1);
    let ssh = ssh(&farm);
    let file = farm.hosts[0].home.join("begun");
    let text = format!("touch {}; sleep 3", file.display());
    tokio::select! {
        _ = detect(&ssh, "host0", &text) => panic!("it ended"),
        () = until("the bundle", || file.exists()) => {}
    }
    assert_eq!(says(&ssh, "host0", "echo in").await, "in");
}

#[tokio::test]
async fn fifty_hosts_at_once_each_give_their_own_answer() {
    let farm = Farm::start(50);
    let ssh = ssh(&farm);
    let answers: Vec<(String, String)> = futures_util::stream::iter(&farm.hosts)
        .map(|host| async { (host.home.display().to_string(), says(&ssh, &host.name, "echo $HOME").await) })
        .buffer_unordered(32)
        .collect()
        .await;
    assert_eq!(answers.len(), 50);
    assert!(answers.iter().all(|(home, said)| home == said), "{answers:?}");
}

#[tokio::test]
async fn huge_output_is_cut_and_later_steps_still_answer() {
    let farm = Farm::start(1);
    let bundle = bundle(&["head -c 20000000 /dev/zero | tr '\\0' x; echo end >&2", "echo after"]);
    let result = ssh(&farm).detect(&AgentId::new("host0"), &bundle).await.unwrap();
    let step = &result.steps["s0"];
    assert!(step.cut && step.stdout.len() <= KEEP_OUTPUT, "{} bytes", step.stdout.len());
    assert!(step.stdout.len() > KEEP_OUTPUT / 2 && step.stdout.bytes().all(|byte| byte == b'x'));
    assert_eq!(step.stderr.trim_end(), "end");
    assert_eq!(result.steps["s1"].stdout.trim_end(), "after");
}

#[tokio::test]
async fn output_may_hold_any_bytes() {
    let farm = Farm::start(1);
    let text = r"printf 'a\000\001\377\376\303\274\r\n\033[31m\004b'; printf '\200\n' >&2";
    let result = detect(&ssh(&farm), "host0", text).await.unwrap();
    let step = &result.steps["s0"];
    assert_eq!(step.ended, Ended::Exit(0));
    assert!(step.stdout.starts_with('a') && step.stdout.trim_end().ends_with('b'), "{step:?}");
    assert!(step.stdout.contains('ü') && step.stdout.contains("\u{1b}[31m"), "{step:?}");
    assert!(step.stdout.contains('\u{fffd}') && step.stderr.contains('\u{fffd}'), "{step:?}");
}

#[tokio::test]
async fn a_large_bundle_arrives_whole() {
    let farm = Farm::start(1);
    // More than the window of a channel.
    let text = format!("cat > /dev/null <<'END'\n{}END\necho whole", "0123456789abcde\n".repeat(300_000));
    assert_eq!(says(&ssh(&farm), "host0", &text).await, "whole");
}

#[tokio::test]
async fn a_secret_is_in_no_argument_of_any_process() {
    let farm = Farm::start(1);
    let canary = "canary-7d1f0c";
    let values = Values::from([("TOKEN".to_owned(), Value::Secret(Secret::new(canary.to_owned())))]);
    let text = "for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' < $f 2>/dev/null; echo; done; true";
    let step = Step::read("s0", Purpose::Collect, script(text), values);
    let bundle = Bundle::new(Platform::Posix, vec![step], BTreeMap::new());
    let result = ssh(&farm).detect(&AgentId::new("host0"), &bundle).await.unwrap();
    let said = &result.steps["s0"].stdout;
    assert!(said.contains("sshd"), "the processes are not seen: {said}");
    assert!(!said.contains(canary), "{said}");
    assert!(!farm.hosts[0].log().contains(canary));
}

#[tokio::test]
async fn sudo_runs_the_shell_and_its_refusal_is_a_refusal() {
    // A stand-in: sudo itself cannot be set up without changing the machine.
    let farm = Farm::start(1);
    let spec = SshSpec { r#become: Some(Become::Sudo), ..farm.spec() };
    let ssh = Ssh::new(farm.settings(spec));
    farm.hosts[0]
        .install("sudo", "#!/bin/sh\n[ \"$1\" = -n ] || exit 9\nshift\nBY=sudo exec env BY=sudo \"$@\"\n");
    assert_eq!(says(&ssh, "host0", "echo $BY").await, "sudo");
    farm.hosts[0].install("sudo", "#!/bin/sh\necho 'sudo: a password is required' >&2\nexit 1\n");
    let (message, help) = refused(&ssh, "host0").await;
    assert!(message.contains("a password is required"), "{message}");
    assert!(help.contains("NOPASSWD"), "{help}");
}

#[tokio::test]
async fn a_host_that_is_not_listed_is_not_guessed() {
    let farm = Farm::start(0);
    let error = detect(&ssh(&farm), "localhost", "true").await.unwrap_err();
    assert!(error.nothing_ran(), "{error:?}");
    assert!(Path::new(&farm.known_hosts()).exists());
}
