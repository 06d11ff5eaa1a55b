//! The screenconnect provider against the lab: what it lists, what it does when things go wrong, and what its doctor finds.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use muster::id::AgentId;
use muster::provider::{Outcome, Presence, RunError};
use muster::session::script::{Ended, Platform};
use muster_lab::faults::{Faults, Rule, What};
use muster_lab::fleet::System;

use crate::support::lab::{control, control_at, install, leaping, look, start, times};

/// So many simulated computers, every second one with Windows.
fn fleet(count: usize) -> String {
    let mut text =
        "companies: [{ name: Contoso, sites: [Main, Depot] }, { name: \"O'Brien & Co\" }]\ncomputers:\n"
            .to_owned();
    for number in 0..count {
        let (company, site) = if number % 3 == 0 { ("O'Brien & Co", "Main") } else { ("Contoso", "Depot") };
        let platform = if number % 2 == 0 { "windows" } else { "posix" };
        writeln!(
            text,
            "  - {{ name: pc-{number:03}, company: \"{company}\", site: {site}, platform: {platform} }}"
        )
        .unwrap();
    }
    text
}

fn rule(what: What, share: f64) -> Rule {
    Rule { system: Some(System::Control), share, ..Rule::of(what) }
}

fn faults(seed: u64, rules: Vec<Rule>) -> Faults {
    Faults { seed, rules, ..Faults::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_are_listed_with_their_customers() {
    let text = "companies: [{ name: Contoso, sites: [Main] }]
computers:
  - { name: pc-1, company: Contoso, site: Main, platform: windows }
  - { name: pc-2, company: Contoso, site: Main, online: false }
  - { name: pc-3, properties: { 1: ' contoso ', 3: VIP } }
  - { name: pc-4, properties: { 1: '  ' } }
";
    let lab = start(text).await;
    let reader = control(&lab, "  groupProperty: 2\n").reader();
    let list = reader.list().await.unwrap();
    let of = |name: &str| list.iter().find(|agent| agent.name == name).unwrap();
    assert_eq!(list.len(), 4);
    assert_eq!(of("pc-1").id.as_str(), lab.agents(System::Control, "pc-1")[0]);
    assert_eq!((of("pc-1").presence, of("pc-2").presence), (Presence::Online, Presence::Offline));
    assert_eq!((of("pc-1").platform, of("pc-2").platform), (Some(Platform::Windows), Some(Platform::Posix)));
    assert!(of("pc-1").attributes.contains_key("identity.serial"));
    assert_eq!(of("pc-1").belongings.site.as_deref(), Some("Main"));
    assert_eq!(of("pc-3").belongings.properties["CustomProperty3"], "VIP");
    let clients = reader.clients().unwrap().clients().await.unwrap();
    let told: Vec<_> = clients.iter().map(|one| (one.client.id.as_str(), one.computers)).collect();
    assert_eq!(told, [("contoso", Some(3))]);
    assert!(of("pc-4").client.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_list_is_whole_or_an_error_whatever_goes_wrong() {
    const COMPUTERS: usize = 30;
    let lab = leaping(&fleet(COMPUTERS)).await;
    let mut counts = BTreeMap::<&str, u32>::new();
    for what in [
        What::Throttle,
        What::Status,
        What::ResetBefore,
        What::ResetAfter,
        What::Reset,
        What::Truncated,
        What::Html,
        What::LoginRedirect,
        What::EmptyLookup,
    ] {
        for (seed, times) in [(1, Some(1)), (2, None)] {
            let fault = Rule { times, retry_after: Some(1), ..rule(what, 1.0) };
            lab.set_faults(faults(seed, vec![fault]));
            // A link of its own: one that failed too often rests.
            let reader = control(&lab, "  link: { requestTimeout: 5s }\n").reader();
            let listed = tokio::time::timeout(Duration::from_mins(1), reader.list()).await;
            match listed {
                // A server that goes on saying so has no sessions; what was there before is then not believed to be gone.
                Ok(Ok(list)) if what == What::EmptyLookup && times.is_none() => assert!(list.is_empty()),
                Ok(Ok(list)) => {
                    assert_eq!(list.len(), COMPUTERS, "{what:?}");
                    *counts.entry("whole").or_default() += 1;
                }
                Ok(Err(error)) => {
                    assert!(error.to_string().contains("GetSessionsByFilter of control"), "{error}");
                    *counts.entry("failed").or_default() += 1;
                }
                Err(_) => *counts.entry("too slow").or_default() += 1,
            }
        }
    }
    println!("{counts:?}");
    assert!(counts["whole"] >= 5 && counts["failed"] >= 5, "{counts:?}");
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_shorter_than_the_servers_own_count_is_an_error() {
    let lab = leaping(&fleet(3)).await;
    let account = "  account: { user: lab, password: { env: LAB_CONTROL_PASSWORD } }\n";
    let lookup = || Rule { path: Some("*GetSessionsByFilter".to_owned()), ..rule(What::EmptyLookup, 1.0) };
    lab.set_faults(faults(1, vec![lookup()]));
    let error = control(&lab, account).reader().list().await.unwrap_err().to_string();
    assert!(error.contains("it lists 0 access sessions") && error.contains("counts 3"), "{error}");
    // Both looks of the first list find nothing, and the second list is whole.
    lab.set_faults(faults(1, vec![Rule { times: Some(2), ..lookup() }]));
    assert_eq!(control(&lab, account).reader().list().await.unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn nothing_runs_twice_and_no_result_is_wrong_whatever_goes_wrong() {
    const COMPUTERS: usize = 24;
    let lab = leaping(&fleet(COMPUTERS)).await;
    let link =
        control(&lab, "  link: { pickupTimeout: 8s, requestsPerMinute: 100000, requestTimeout: 5s }\n");
    let (reader, writer) = (link.reader(), link.writer());
    let agents: Vec<(String, AgentId, Platform)> = reader
        .list()
        .await
        .unwrap()
        .into_iter()
        .map(|one| (one.name, one.id, one.platform.unwrap()))
        .collect();
    let late = Rule { delay_ms: Some(4000), ..rule(What::LateOutput, 0.3) };
    let cut = Rule { bytes: Some(150), ..rule(What::CutOutput, 0.5) };
    let slow = Rule { retry_after: Some(1), ..rule(What::Throttle, 0.1) };
    let rounds = [
        vec![],
        vec![rule(What::LoseOutput, 0.4)],
        vec![late, rule(What::DuplicateOutput, 0.5), cut],
        vec![slow, rule(What::Status, 0.1), rule(What::ResetBefore, 0.05), rule(What::ResetAfter, 0.1)],
        vec![
            rule(What::Truncated, 0.1),
            rule(What::Html, 0.1),
            rule(What::Reset, 0.1),
            rule(What::EmptyLookup, 0.1),
        ],
    ];
    let mut counts = BTreeMap::<&str, u32>::new();
    for (round, rules) in rounds.into_iter().enumerate() {
        let version = format!("1.{round}");
        lab.set_faults(faults(round as u64, rules));
        let work = agents.iter().map(|(_, agent, platform)| {
            let (writer, bundle) = (&writer, install(*platform, &version));
            async move { writer.change(agent, &bundle).await }
        });
        let results = futures_util::future::join_all(work).await;
        lab.set_faults(Faults::default());
        for ((name, agent, platform), result) in agents.iter().zip(results) {
            // What is left in the queue runs before what is sent now.
            let found = reader.detect(agent, &look(*platform)).await.unwrap();
            let found = found.steps["look"].stdout.trim().to_owned();
            let ran = times(&lab, name, &version);
            assert!(ran <= 1, "{name} {version}: {ran} times");
            let what = match result {
                Ok(result) => {
                    assert_eq!(result.steps["install"].ended, Ended::Exit(0), "{name} {version}");
                    assert_eq!((ran, found.as_str()), (1, version.as_str()), "{name}");
                    "done"
                }
                Err(error) if error.nothing_ran() => {
                    assert_eq!(ran, 0, "{name} {version}: {error}");
                    "nothing ran"
                }
                Err(RunError::Lost(_) | RunError::TimedOut(_)) => "not known",
                Err(error) => panic!("{name} {version}: {error}"),
            };
            *counts.entry(what).or_default() += 1;
        }
    }
    let commands = reader.commands().unwrap();
    println!("{counts:?}, {commands:?}");
    assert_eq!(commands.computers, COMPUTERS as u64);
    assert!(counts["done"] >= 90, "{counts:?}");
}

#[tokio::test(start_paused = true)]
async fn one_stage_is_one_command_and_a_wrong_clock_costs_one_more() {
    let lab = leaping(&fleet(2)).await;
    let link = control(&lab, "");
    let list = link.reader().list().await.unwrap();
    let (agent, platform) = (&list[0].id, list[0].platform.unwrap());
    let run = async || {
        let before = link.reader().commands().unwrap().commands;
        link.writer().change(agent, &install(platform, "1")).await.unwrap();
        link.reader().commands().unwrap().commands - before
    };
    assert_eq!(run().await, 1);
    for skew in [86_400, -86_400] {
        lab.set_faults(Faults { computer_skew: skew, ..Faults::default() });
        assert_eq!((run().await, run().await), (2, 1), "{skew}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_computer_that_is_offline_is_sent_nothing() {
    let lab = start(&fleet(1)).await;
    let link = control(&lab, "");
    let agent = link.reader().list().await.unwrap().remove(0).id;
    assert!(lab.set_online("pc-000", false));
    let error = link.writer().change(&agent, &install(Platform::Windows, "1")).await.unwrap_err();
    assert_eq!(error, RunError::Unreachable("it is offline".to_owned()));
    assert_eq!(link.reader().commands().unwrap().commands, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_property_is_written_and_the_other_seven_stay() {
    let text = "computers: [{ name: pc-1, properties: { 1: Contoso, 3: VIP, 8: last } }]";
    let lab = start(text).await;
    let link = control(&lab, "");
    let agent = link.reader().list().await.unwrap().remove(0).id;
    let writer = link.writer();
    writer.properties().unwrap().set_property(&agent, 4, "Laptop").await.unwrap();
    let now = link.reader().list().await.unwrap().remove(0).belongings.properties;
    let told: Vec<&str> = now.values().map(String::as_str).collect();
    assert_eq!(told, ["Contoso", "VIP", "Laptop", "last"]);
    for number in [0, 9] {
        let error = writer.properties().unwrap().set_property(&agent, number, "x").await.unwrap_err();
        assert!(error.nothing_ran());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_join_link_leads_to_the_session() {
    let lab = start(&fleet(1)).await;
    let plain = control(&lab, "");
    let agent = plain.reader().list().await.unwrap().remove(0).id;
    let url = lab.url(System::Control);
    let link = plain.reader().join_links().unwrap().join_link(&agent).await.unwrap();
    assert_eq!(link, format!("{url}/Host#Access///{agent}/Join"));
    let account = "  account: { user: lab, password: { env: LAB_CONTROL_PASSWORD } }\n";
    let link = control(&lab, account).reader().join_links().unwrap().join_link(&agent).await.unwrap();
    assert_eq!(link, format!("{url}/Host#Access/All%20Machines//{agent}/Join"));
    let nobody = AgentId::new("01234567-89ab-4def-8123-456789abcdef");
    let error = plain.reader().join_links().unwrap().join_link(&nobody).await.unwrap_err();
    assert!(error.nothing_ran() && error.to_string().contains("no access session"), "{error}");
}

/// What the doctor finds: words and outcomes.
async fn found(link: &Arc<muster::provider::screenconnect::Screenconnect>) -> Vec<(String, Outcome, String)> {
    let found = link.reader().examination().unwrap().examine().await;
    for one in &found {
        assert_eq!(one.remedy.is_none(), one.outcome == Outcome::Good, "{one:?}");
    }
    found.into_iter().map(|one| (one.what, one.outcome, one.found)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_finds_what_is_wrong() {
    let lab =
        start(&format!("{}control: {{ antiForgery: true, totpSecret: JBSWY3DPEHPK3PXP }}\n", fleet(5))).await;
    let well = found(&control(&lab, "")).await;
    let words: Vec<&str> = well.iter().map(|(what, _, _)| what.as_str()).collect();
    let expected = [
        "reachable",
        "tls",
        "clock",
        "version",
        "extension",
        "credentials",
        "sessions",
        "company property",
        "events",
    ];
    assert_eq!(words, expected);
    let good = |(what, outcome, _): &(String, Outcome, String)| {
        *outcome == Outcome::Good || ["tls", "events"].contains(&what.as_str())
    };
    assert!(well.iter().all(good), "{well:?}");

    let last = |found: Vec<(String, Outcome, String)>| found.into_iter().next_back().unwrap();
    let url = lab.url(System::Control);
    let (what, outcome, text) = last(found(&control_at(&lab, &url, "LAB_RMM_CLIENT_SECRET", "")).await);
    assert_eq!((what.as_str(), outcome), ("credentials", Outcome::Bad), "{text}");
    let other = found(&control(&lab, "  companyProperty: 5\n")).await;
    let (_, outcome, text) = other.into_iter().find(|(what, ..)| what == "company property").unwrap();
    assert_eq!(outcome, Outcome::Notice);
    assert_eq!(text, "0 of 5 access sessions have a company in custom property 5");

    let account = "  account: { user: lab, password: { env: LAB_CONTROL_PASSWORD } }\n";
    let (what, outcome, text) = last(found(&control(&lab, account)).await);
    assert_eq!((what.as_str(), outcome), ("account", Outcome::Bad));
    assert!(text.contains("oneTimePasswordKey"), "{text}");

    lab.set_faults(Faults { server_skew: 3600, ..Faults::default() });
    let skewed = found(&control(&lab, "")).await;
    assert!(
        skewed.iter().any(|(what, outcome, _)| what == "clock" && *outcome == Outcome::Bad),
        "{skewed:?}"
    );

    drop(lab);
    let gone = start(&fleet(1)).await;
    let dead = found(&control_at(&gone, "http://127.0.0.1:9", "LAB_CONTROL_SECRET", "")).await;
    assert_eq!((dead.len(), dead[0].0.as_str(), dead[0].1), (1, "reachable", Outcome::Bad));
    let none = start(&format!("{}control: {{ extension: false, version: 21.4.1 }}\n", fleet(1))).await;
    let found = found(&control(&none, "")).await;
    assert_eq!(found.iter().filter(|(_, outcome, _)| *outcome == Outcome::Bad).count(), 2, "{found:?}");
    assert_eq!(last(found).0, "extension");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_with_a_second_factor_counts_what_stays_in_the_database() {
    let lab =
        start(&format!("{}control: {{ antiForgery: true, totpSecret: JBSWY3DPEHPK3PXP }}\n", fleet(1))).await;
    let key = "oneTimePasswordKey: { env: LAB_CONTROL_KEY }";
    let account = &format!("  account: {{ user: lab, password: {{ env: LAB_CONTROL_PASSWORD }}, {key} }}\n");
    let link = control(&lab, account);
    let list = link.reader().list().await.unwrap();
    link.reader().detect(&list[0].id, &look(list[0].platform.unwrap())).await.unwrap();
    let found = found(&link).await;
    let events = found.iter().find(|(what, _, _)| what == "events").unwrap();
    assert_eq!(events.2, "the database holds 1 commands and 1 outputs of commands");
}
