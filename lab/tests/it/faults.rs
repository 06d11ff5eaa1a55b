//! Every fault over a real connection.

use muster_lab::faults::{Faults, Rule, What};
use muster_lab::fleet::System;
use muster_lab::journal::Entry;
use serde_json::json;

use crate::support::{extension, lab};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_does_over_the_wire_what_its_name_says() {
    let lab = lab("computers: [{ name: pc-1, agents: [{ system: control }] }]").await;
    let url = lab.url(System::Control);
    let ask = || extension(&url, "GetSessionsByName", &json!([""]));
    let right = ask().expect("an answer");
    assert!(right.whole && right.status == 200);
    let set = |rule: Rule, server_skew| {
        lab.set_faults(Faults { rules: vec![rule], server_skew, ..Faults::default() });
    };
    let with = |what| Rule { times: Some(1), delay_ms: Some(300), retry_after: Some(7), ..Rule::of(what) };

    set(with(What::Throttle), 0);
    let answer = ask().expect("an answer");
    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("7")));
    assert_eq!(ask().map(|answer| answer.status), Some(200), "once only");

    set(Rule { status: Some(503), ..with(What::Status) }, 0);
    assert_eq!(ask().map(|answer| answer.status), Some(503));

    set(with(What::ResetBefore), 0);
    assert!(ask().is_none());

    set(with(What::Reset), 0);
    let answer = ask().expect("a beginning");
    assert!(!answer.whole && answer.status == 200 && answer.body.len() < right.body.len());

    set(with(What::SlowBody), 0);
    let begun = std::time::Instant::now();
    let answer = ask().expect("an answer");
    assert!(answer.whole && begun.elapsed().as_millis() >= 300);
    assert_eq!(answer.body.len(), right.body.len());

    set(with(What::Truncated), 0);
    let answer = ask().expect("an answer");
    assert!(answer.whole && serde_json::from_slice::<serde_json::Value>(&answer.body).is_err());

    set(with(What::Html), 0);
    let answer = ask().expect("an answer");
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/html; charset=utf-8")));

    set(with(What::LoginRedirect), 0);
    let answer = ask().expect("an answer");
    assert_eq!((answer.status, answer.header("location")), (302, Some("/Login?Reason=0")));

    set(with(What::ExpireToken), 0);
    assert_eq!(ask().map(|answer| answer.status), Some(401));

    set(with(What::EmptyLookup), 0);
    assert_eq!(ask().map(|answer| answer.body), Some(b"[]".to_vec()));

    set(Rule { times: Some(0), ..with(What::Html) }, 86_400 * 400);
    let answer = ask().expect("an answer");
    let year = answer.header("date").and_then(|date| date.split(' ').nth(3)).map(str::to_owned);
    let now = right.header("date").and_then(|date| date.split(' ').nth(3)).map(str::to_owned);
    assert_ne!(year, now, "the server's clock is ahead");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_whose_answer_is_lost_has_happened_and_the_journal_knows() {
    let lab = lab("computers: [{ name: pc-1, agents: [{ system: control }] }]").await;
    let session = lab.agents(System::Control, "pc-1").remove(0);
    let rule = Rule { path: Some("*SendCommand*".to_owned()), ..Rule::of(What::ResetAfter) };
    lab.set_faults(Faults { rules: vec![rule], ..Faults::default() });
    let sent = extension(&lab.url(System::Control), "SendCommandToSession", &json!([session, "echo hi"]));
    assert!(sent.is_none());
    assert_eq!(crate::support::outputs(&lab, &session, 1), ["hi\n"]);
    let journal = lab.journal();
    let commands = journal.iter().filter(|line| matches!(line.entry, Entry::Command { .. })).count();
    let broken = journal.iter().filter(|line| {
        matches!(&line.entry, Entry::Request { status: 0, fault: Some(What::ResetAfter), .. })
    });
    assert_eq!((commands, broken.count()), (1, 1));
    assert!(
        !journal.iter().any(|line| serde_json::to_string(line).expect("JSON").contains("lab-control-secret"))
    );
}
