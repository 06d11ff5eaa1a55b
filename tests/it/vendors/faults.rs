//! Automate and ConnectWise RMM with everything going wrong: a list is whole or an error, nothing runs twice, no result is wrong.

#![allow(clippy::print_stdout, reason = "it tells its counts")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use muster::id::AgentId;
use muster::provider::{Reader, RunError, Writer};
use muster::session::script::{Ended, Platform};
use muster_lab::Lab;
use muster_lab::faults::{Faults, Rule, What};
use muster_lab::fleet::System;

use crate::support::lab::{automate_with, install, leaping, look, rmm_with, times};

/// So many simulated computers, every second one with Windows.
async fn fleet(count: usize) -> Lab {
    let mut text = "companies: [{ name: Contoso, sites: [Main, Depot] }, { name: Fabrikam }]\n\
                    automate: { totpSecret: GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ }\n\
                    rmm: { signInsPerMinute: 10000, scripts: [{ id: 5d2f6c1e-0000-4000-8000-000000000001, name: Shell, engine: bash }] }\n\
                    computers:\n"
        .to_owned();
    for number in 0..count {
        let company = if number % 3 == 0 { "Fabrikam" } else { "Contoso" };
        let platform = if number % 2 == 0 { "windows" } else { "posix" };
        writeln!(text, "  - {{ name: pc-{number:03}, company: {company}, platform: {platform} }}").unwrap();
    }
    leaping(&text).await
}

/// What a link is in a hurry for.
const LINK: &str = "requestsPerMinute: 60000, pickupTimeout: 20s, requestTimeout: 5s";

/// A link of its own.
fn link(lab: &Lab, system: System) -> (Reader, Writer) {
    let url = lab.url(system);
    if system == System::Automate {
        let link = automate_with(lab, &url, LINK);
        (link.reader(), link.writer())
    } else {
        let link = rmm_with(lab, &url, LINK);
        (link.reader(), link.writer())
    }
}

fn faults(system: System, seed: u64, rules: Vec<Rule>) -> Faults {
    let of = |rule: Rule| Rule { system: Some(system), ..rule };
    Faults { seed, rules: rules.into_iter().map(of).collect(), ..Faults::default() }
}

async fn lists(system: System) {
    const COMPUTERS: usize = 30;
    let lab = fleet(COMPUTERS).await;
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
        What::ExpireToken,
    ] {
        for (seed, times) in [(1, Some(1)), (2, None)] {
            // Signing in works; what fails is what is asked then.
            let path = if system == System::Automate { "*/Computers*" } else { "*/platform/*" };
            let rule = Rule { times, retry_after: Some(1), path: Some(path.to_owned()), ..Rule::of(what) };
            lab.set_faults(faults(system, seed, vec![rule]));
            let (reader, _) = link(&lab, system);
            let word = match tokio::time::timeout(Duration::from_mins(1), reader.list()).await {
                Ok(Ok(list)) => {
                    assert_eq!(list.len(), COMPUTERS, "{what:?}");
                    "whole"
                }
                Ok(Err(error)) => {
                    assert!(error.to_string().contains("list of"), "{error}");
                    "failed"
                }
                Err(_) => "too slow",
            };
            if times.is_none() {
                assert_ne!(word, "whole", "{what:?}");
            }
            *counts.entry(word).or_default() += 1;
        }
    }
    println!("{system:?} lists: {counts:?}");
    assert!(counts["whole"] >= 7 && counts["failed"] >= 8, "{counts:?}");
}

#[tokio::test(start_paused = true)]
async fn a_list_of_automate_is_whole_or_an_error_whatever_goes_wrong() {
    lists(System::Automate).await;
}

#[tokio::test(start_paused = true)]
async fn a_list_of_rmm_is_whole_or_an_error_whatever_goes_wrong() {
    lists(System::Rmm).await;
}

async fn bundles(system: System) {
    const COMPUTERS: usize = 10;
    let lab = fleet(COMPUTERS).await;
    let (reader, writer) = link(&lab, system);
    let agents: Vec<(String, AgentId, Platform)> = reader
        .list()
        .await
        .unwrap()
        .into_iter()
        .map(|one| (one.name, one.id, one.platform.unwrap()))
        .collect();
    let rule = |what, share| Rule { share, ..Rule::of(what) };
    let rounds = [
        vec![rule(What::LoseOutput, 0.4)],
        vec![
            Rule { delay_ms: Some(4000), ..rule(What::LateOutput, 0.3) },
            rule(What::DuplicateOutput, 0.5),
            Rule { bytes: Some(150), ..rule(What::CutOutput, 0.5) },
        ],
        vec![
            Rule { retry_after: Some(1), ..rule(What::Throttle, 0.05) },
            rule(What::Status, 0.1),
            rule(What::ResetBefore, 0.05),
            rule(What::ResetAfter, 0.1),
            rule(What::Truncated, 0.1),
            rule(What::Html, 0.1),
        ],
    ];
    let mut counts = BTreeMap::<&str, u32>::new();
    for (round, rules) in rounds.into_iter().enumerate() {
        let version = format!("1.{round}");
        lab.set_faults(faults(system, round as u64, rules));
        let work = agents.iter().map(|(_, agent, platform)| {
            let (writer, bundle) = (&writer, install(*platform, &version));
            async move { writer.change(agent, &bundle).await }
        });
        let results = futures_util::future::join_all(work).await;
        lab.set_faults(Faults::default());
        let looks = agents.iter().map(|(_, agent, platform)| {
            let (reader, bundle) = (&reader, look(*platform));
            async move { reader.detect(agent, &bundle).await.unwrap().steps["look"].stdout.trim().to_owned() }
        });
        // What is left in the queue runs before what is sent now.
        let found = futures_util::future::join_all(looks).await;
        for (((name, _, _), result), found) in agents.iter().zip(results).zip(found) {
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
    println!("{system:?} bundles: {counts:?}, {:?}", reader.commands());
    assert!(counts["done"] >= 22, "{counts:?}");
}

#[tokio::test(start_paused = true)]
async fn nothing_runs_twice_through_automate_and_no_result_is_wrong_whatever_goes_wrong() {
    bundles(System::Automate).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_runs_twice_through_rmm_and_no_result_is_wrong_whatever_goes_wrong() {
    bundles(System::Rmm).await;
}
