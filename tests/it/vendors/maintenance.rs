//! Maintenance mode of Automate through scripts of its server: what is read back counts, whatever becomes of the start.

use muster::id::AgentId;
use muster::provider::maintenance::Maintenance;
use muster::provider::{Outcome, Reader, RunError};
use muster_lab::Lab;
use muster_lab::faults::{Faults, Rule, What};
use muster_lab::fleet::System;
use muster_lab::journal::Entry;

use crate::support::lab::{LOUD, QUIET, automate_switching, start};

/// In a hurry: a script that has not switched the mode by then will not.
const LINK: &str = "requestsPerMinute: 60000, pickupTimeout: 2s, requestTimeout: 2s";

/// Two computers, of which one is switched off, and scripts that switch, do nothing, or fail.
async fn lab(permissions: &str) -> Lab {
    start(&format!(
        "companies: [{{ name: Contoso }}]\ncomputers: [{{ name: one }}, {{ name: two, online: false }}]\n\
         automate: {{ totpSecret: GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ, {permissions} scripts: [{QUIET}, {LOUD}, \
         {{ id: 1, name: Idle, does: nothing }}, {{ id: 2, name: Broken, does: fail }}] }}\n"
    ))
    .await
}

fn one() -> AgentId {
    AgentId::new("1")
}

/// Switches the mode on, or off, and says what came of it.
async fn switch(lab: &Lab, mode: &str, agent: &AgentId, on: bool) -> Result<Maintenance, RunError> {
    let link = automate_switching(lab, &lab.url(System::Automate), LINK, mode);
    let writer = link.writer();
    let mode = writer.maintenance().expect("it can");
    mode.switch(agent, on).await
}

/// The scripts that have run.
fn ran(lab: &Lab) -> Vec<String> {
    let script = |entry| if let Entry::Script { script, .. } = entry { Some(script) } else { None };
    lab.journal().into_iter().filter_map(|line| script(line.entry)).collect()
}

const MODE: &str = "begin: quiet, end: Loud";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_started_counts_only_when_it_is_read_back() {
    let lab = lab("").await;
    assert!(matches!(switch(&lab, MODE, &one(), true).await, Ok(Maintenance::On { mark: Some(_) })));
    assert_eq!(lab.in_maintenance(), ["1"]);
    assert_eq!(switch(&lab, MODE, &one(), false).await, Ok(Maintenance::Off));
    assert_eq!(lab.in_maintenance(), [""; 0]);
    for idle in ["Idle", "Broken"] {
        let error = switch(&lab, &format!("begin: {idle}, end: Loud"), &one(), true).await.unwrap_err();
        assert!(!error.nothing_ran() && error.to_string().contains("is not on after"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_started_switches_nothing() {
    let lab = lab("").await;
    let denied = self::lab("permissions: [Scripts.Read, Computers.Show All],").await;
    let offline = AgentId::new("2");
    for (lab, mode, agent, why) in [
        (&lab, "begin: Nowhere, end: Loud", one(), "no script"),
        (&lab, MODE, offline, "offline"),
        (&lab, MODE, AgentId::new("99"), "does not exist"),
        (&lab, "begin: Idle, end: Loud, minutes: 5", one(), "no parameter"),
        (&denied, MODE, one(), "permission"),
    ] {
        let error = switch(lab, mode, &agent, true).await.unwrap_err();
        assert!(error.nothing_ran() && error.to_string().contains(why), "{mode}: {error}");
        assert_eq!(lab.in_maintenance(), [""; 0]);
    }
    assert_eq!(ran(&lab), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_whose_answer_is_lost_is_not_repeated() {
    let lab = lab("").await;
    for what in [What::ResetAfter, What::Truncated, What::Html] {
        let path = Some("*/Batch/*".to_owned());
        let rule = Rule { times: Some(1), path, system: Some(System::Automate), ..Rule::of(what) };
        lab.set_faults(Faults { rules: vec![rule], ..Faults::default() });
        let before = ran(&lab).len();
        assert!(matches!(switch(&lab, MODE, &one(), true).await, Ok(Maintenance::On { .. })), "{what:?}");
        assert_eq!(switch(&lab, MODE, &one(), false).await, Ok(Maintenance::Off), "{what:?}");
        assert_eq!(ran(&lab)[before..], ["Quiet", "Loud"], "{what:?}");
    }
}

/// What an examination says of the mode.
async fn examined(reader: &Reader) -> Option<(Outcome, String)> {
    let all = reader.examination().expect("it has one").examine().await;
    all.into_iter().find(|one| one.what == "maintenance-mode").map(|one| (one.outcome, one.found))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_scripts_are_examined() {
    let lab = lab("").await;
    let blind = self::lab("permissions: [Computers.Show All],").await;
    let denied = self::lab("permissions: [Scripts.Read, Computers.Show All],").await;
    let said = async |lab: &Lab, mode: &str, link: &str| {
        examined(&automate_switching(lab, &lab.url(System::Automate), link, mode).reader()).await
    };
    let told = |outcome, text: &str| Some((outcome, text.to_owned()));
    let both = "the scripts \"Quiet\" and \"Loud\" are there";
    assert_eq!(said(&lab, "begin: Quiet, end: Loud, minutes: 9", LINK).await, told(Outcome::Good, both));
    assert_eq!(said(&lab, MODE, "without: [maintenance-mode]").await, None);
    for (lab, mode, outcome, text) in [
        (&lab, "begin: Nowhere, end: Loud", Outcome::Bad, "no script \"Nowhere\""),
        (&lab, "begin: Idle, end: Loud, minutes: 9", Outcome::Bad, "no parameter Minutes"),
        (&blind, MODE, Outcome::Bad, "the account does not see it"),
        (&denied, MODE, Outcome::Notice, "none of the account's permissions"),
    ] {
        let (found, why) = said(lab, mode, LINK).await.expect("it is looked at");
        assert!(found == outcome && why.contains(text), "{mode}: {why}");
    }
}
