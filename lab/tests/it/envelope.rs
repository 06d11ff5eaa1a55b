//! Bundles in envelopes through the lab: what the sender seals, simulated and real computers open, run once and answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use muster::session::envelope::{self, Order, OrderId, Packing, Reader, Reading, Sizes};
use muster::session::script::{
    Bundle, BundleResult, Context, Ended, Interpreter, Platform, Purpose, Script, Step, Values, Write,
};
use muster::session::{bundle, frame};
use muster_lab::Lab;
use muster_lab::fleet::System;
use serde_json::json;

use crate::support::{extension, lab, outputs};

const FLEET: &str = "
computers:
  - { name: lin, agents: [{ system: control }] }
  - { name: win, platform: windows, agents: [{ system: control }] }
  - { name: own, kind: real, agents: [{ system: control }] }
control: { commandDelayMs: 0 }
";

fn bundle_for(platform: Platform, text: &str) -> Bundle<Write> {
    let interpreter = if platform == Platform::Windows { Interpreter::Powershell } else { Interpreter::Sh };
    let script = Arc::new(Script {
        interpreter,
        context: Context::System,
        text: text.into(),
        limit: None,
        origin: "test".into(),
    });
    let purpose =
        Purpose::InstallSoftware { software: "seven-zip".to_owned(), version: Some("24.09".to_owned()) };
    let detect = Purpose::DetectSoftware { software: "seven-zip".to_owned() };
    let steps = vec![
        Step::change("install", purpose, Arc::clone(&script), Values::new()),
        Step::read("verify", detect, script, Values::new()).in_change(),
    ];
    Bundle::new(platform, steps, BTreeMap::new())
}

/// Sends an order, in so many copies, and reads the answer.
fn deliver(
    lab: &Lab,
    computer: &str,
    platform: Platform,
    text: &str,
    longest: usize,
    copies: usize,
) -> BundleResult {
    let bundle = bundle_for(platform, text);
    let marker = bundle::marker(&bundle, computer);
    let rendered = bundle::render(&bundle, &marker);
    let now = jiff::Timestamp::now().as_second();
    let id = OrderId::new(&format!("{computer}{longest}"));
    let order = Order {
        id: id.clone(),
        number: u64::try_from(now).unwrap_or_default() * 1000,
        from: now - 60,
        until: now + 600,
        packing: Packing::Gzip,
    };
    let sizes = Sizes { longest, answer: 100_000 };
    let session = lab.agents(System::Control, computer).remove(0);
    let url = lab.url(System::Control);
    let commands = envelope::seal(&rendered, &order, &sizes);
    let mut sent = 0;
    for _ in 0..copies {
        for command in &commands {
            let shell = if platform == Platform::Windows { "#!ps\n" } else { "" };
            let text = format!("{shell}#timeout=60000\n#maxlength=100000\n{}", command.text.expose());
            let answer = extension(&url, "SendCommandToSession", &json!([session, text]));
            assert_eq!(answer.map(|answer| answer.status), Some(200));
            sent += 1;
        }
    }
    let mut reader = Reader::new(id);
    for output in outputs(lab, &session, sent) {
        reader.feed(&output);
    }
    match reader.reading() {
        Reading::Complete(output) => frame::read(&bundle, &marker, &output).expect("an answer"),
        other => panic!("{computer}: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_arrives_twice_and_in_parts_runs_once() {
    let lab = lab(FLEET).await;
    for (computer, platform) in [("lin", Platform::Posix), ("win", Platform::Windows)] {
        let long = format!("# {}\nexit 0\n", "x7y".repeat(10_000));
        let result = deliver(&lab, computer, platform, &long, 8_000, 2);
        let verify = result.steps.get("verify").expect("a step");
        assert_eq!((&verify.ended, verify.stdout.as_str()), (&Ended::Exit(0), "24.09\n"), "{computer}");
    }
    let changes = lab.changes();
    assert_eq!(changes.len(), 2);
    assert!(changes.values().all(|count| *count == 1), "{changes:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_computer_runs_the_same_text() {
    let lab = lab(FLEET).await;
    let text = "echo run >>\"$HOME/count\"; wc -l <\"$HOME/count\" | tr -d ' '";
    let result = deliver(&lab, "own", Platform::Posix, text, 1_000_000, 2);
    let said: Vec<&str> = result.steps.values().map(|step| step.stdout.as_str()).collect();
    assert_eq!(said, ["1\n", "2\n"], "two steps of one run");
}
