//! Events of a run as plain lines for people and as NDJSON for machines.

use std::io::{self, Write};
use std::time::Duration;

use super::style::{Label, Line};
use super::words::{bytes, count, duration, list, plural, thousands};
use super::{json, terms};
use crate::session::event::{Event, RunCounts, Stamped};
use crate::session::stage::ActionResult;

/// How much an event matters to somebody who watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Only with `--verbose`.
    Fine,
    /// Usually.
    Usual,
    /// Something went wrong: with `--quiet` too.
    Problem,
}

/// How much an event matters.
#[must_use]
pub const fn weight(event: &Event) -> Weight {
    match event {
        Event::StageEntered { .. }
        | Event::SessionStarted { .. }
        | Event::ActionStarted { .. }
        | Event::LockWaiting { .. }
        | Event::PayloadProgress { .. }
        | Event::PayloadSending { .. }
        | Event::PayloadFetched { cached: true, .. }
        | Event::MaintenanceBegun { .. }
        | Event::MaintenanceEnded { .. }
        | Event::Checkpoint { .. } => Weight::Fine,
        Event::ActionFinished { result: ActionResult::Failed | ActionResult::Undetermined, .. }
        | Event::ComputerUnreachable { .. }
        | Event::PayloadMissing { .. }
        | Event::MaintenanceFailed { .. }
        | Event::Interrupted { .. } => Weight::Problem,
        _ => Weight::Usual,
    }
}

/// One line of NDJSON, with its line end.
///
/// # Errors
/// What the writer says.
pub fn ndjson(out: &mut dyn Write, event: &Stamped) -> io::Result<()> {
    json::line(out, event)
}

/// One line for people. Computers appear by the name `name_of` gives, or by their id.
#[must_use]
pub fn line(event: &Event, name_of: &dyn Fn(&str) -> Option<String>) -> Line {
    let named = |id: &crate::id::ComputerId| name_of(id.as_str()).unwrap_or_else(|| id.as_str().to_owned());
    match event {
        Event::RunStarted { run, plan, computers, actions } => Line::new()
            .with(Label::Heading, "apply ")
            .with(Label::Code, plan.short())
            .text(format!(": {} on {}", plural(*actions, "action"), plural(*computers, "computer")))
            .with(Label::Dim, format!("  run {run}")),
        Event::PayloadFetching { from, size, .. } => {
            let line = Line::new().text(format!("fetching {from}"));
            match size {
                Some(size) => line.with(Label::Dim, format!("  {}", bytes(*size))),
                None => line,
            }
        }
        Event::PayloadProgress { sha256, done, total } => Line::new().with(
            Label::Dim,
            match total {
                Some(total) => format!("{} of {}  {}", bytes(*done), bytes(*total), sha256.short()),
                None => format!("{}  {}", bytes(*done), sha256.short()),
            },
        ),
        Event::PayloadFetched { from, size, cached, duration_ms, .. } => {
            let how = if *cached { "is in the cache" } else { "was fetched" };
            let took = duration(Duration::from_millis(*duration_ms));
            Line::new().text(format!("{from} {how}")).with(Label::Dim, format!("  {}  {took}", bytes(*size)))
        }
        Event::PayloadMissing { from, why, .. } => Line::new()
            .with(Label::Error, "not fetched")
            .text(format!(": {from}: {}", terms::first_line(why))),
        Event::PayloadSending { computer, file, done, total, .. } => of(&named(computer))
            .with(Label::Dim, format!("{file}: {} of {} sent", bytes(*done), bytes(*total))),
        Event::SessionStarted { name, .. } => of(name).text("begins"),
        Event::StageEntered { computer, stage } => of(&named(computer)).with(Label::Dim, terms::code(stage)),
        Event::LockWaiting { computer, item, lock } => {
            of(&named(computer)).text(format!("{item} waits for the lock {lock}"))
        }
        Event::ActionStarted { computer, item, action } => {
            of(&named(computer)).text(format!("{} {item} ...", terms::verb(*action)))
        }
        Event::ActionFinished { computer, item, action, result, message, duration_ms } => {
            let mut line = of(&named(computer))
                .text(format!("{} {item}: ", terms::verb(*action)))
                .with(terms::result_label(*result), terms::code(result));
            if let Some(message) = message {
                line.push(Label::Plain, format!(": {}", terms::first_line(message)));
            }
            line.with(Label::Dim, format!("  {}", duration(Duration::from_millis(*duration_ms))))
        }
        Event::SessionFinished { name, status, .. } => {
            of(name).with(terms::status_label(*status), terms::code(status))
        }
        Event::ComputerUnreachable { name, why, .. } => {
            of(name).with(Label::Warning, "unreachable").text(format!(": {}", terms::first_line(why)))
        }
        Event::MaintenanceBegun { computer, provider } => {
            of(&named(computer)).text(format!("{provider} holds back its alerts"))
        }
        Event::MaintenanceEnded { computer, provider } => {
            of(&named(computer)).text(format!("{provider} lets its alerts through again"))
        }
        Event::MaintenanceFailed { name, provider, on, why, .. } => {
            let what = if *on { "not in maintenance mode" } else { "maintenance mode not put back" };
            of(name).with(Label::Warning, what).text(format!(" in {provider}: {}", terms::first_line(why)))
        }
        Event::Interrupted { under_way } => {
            let line = Line::new().with(Label::Warning, "interrupted");
            let items: Vec<String> = under_way
                .iter()
                .map(|work| match &work.item {
                    Some(item) => format!("{item} on {}", work.name),
                    None => work.name.clone(),
                })
                .collect();
            if items.is_empty() {
                line.text("; nothing was under way")
            } else {
                line.text(format!(
                    "; under way: {}; the next run looks at {} first",
                    list(&items, 5),
                    if count(items.len()) == 1 { "it" } else { "them" }
                ))
            }
        }
        Event::Checkpoint { done, left } => Line::new()
            .with(Label::Dim, format!("saved: {} done, {} left", plural(*done, "session"), thousands(*left))),
        Event::RunFinished { counts, .. } => finished(counts),
    }
}

fn of(name: &str) -> Line {
    Line::new().with(Label::Heading, name).text("  ")
}

/// What became of a run, in one line.
#[must_use]
pub fn finished(counts: &RunCounts) -> Line {
    let mut line = Line::new().with(Label::Heading, plural(counts.sessions(), "computer")).text(": ");
    let sessions = [
        (counts.passed, "passed", Label::Good),
        (counts.partly_passed, "partly passed", Label::Warning),
        (counts.failed, "failed", Label::Error),
        (counts.unreachable, "unreachable", Label::Warning),
        (counts.not_finished, "not finished", Label::Warning),
        (counts.under_way, "under way when it was stopped", Label::Warning),
    ];
    let mut first = true;
    for (number, word, label) in sessions.into_iter().filter(|(number, ..)| *number > 0) {
        if !first {
            line.push(Label::Plain, ", ");
        }
        first = false;
        line.push(label, format!("{} {word}", thousands(number)));
    }
    if first {
        line.push(Label::Plain, "nothing was done");
    }
    line.text(format!(
        "; actions: {} succeeded, {} failed, {} open",
        thousands(counts.succeeded),
        thousands(counts.actions_failed),
        thousands(counts.actions_open)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{ComputerId, Digest, RunId, SessionId};
    use crate::inventory::item::ItemKey;
    use crate::plan::document::ActionType;
    use crate::report::sample::name;
    use crate::session::event::UnderWay;
    use crate::session::stage::{SessionStatus, Stage};
    use crate::time::Timestamp;

    fn all() -> Vec<Event> {
        let computer = ComputerId::new("fleet/1");
        let item = ItemKey::software(name("seven-zip"));
        let action = ActionType::Update;
        let session = SessionId::new("0190-2");
        let run = RunId::new("0190-1");
        let file = Digest::new("9f86d081884c7d65");
        let pc = "PC-1".to_owned();
        let mut counts = RunCounts::default();
        counts.session(SessionStatus::Passed);
        counts.session(SessionStatus::Failed);
        counts.action(ActionResult::Success);
        counts.action(ActionResult::Failed);
        let mut stopped = RunCounts::default();
        stopped.stopped(1, 2, 3);
        vec![
            Event::RunStarted {
                run: run.clone(),
                plan: Digest::new("7f3ac0d9e1b2"),
                computers: 1184,
                actions: 1199,
            },
            Event::PayloadFetching {
                sha256: file.clone(),
                from: "https://x.test/tool.bin".to_owned(),
                size: Some(3_000_000),
            },
            Event::PayloadProgress { sha256: file.clone(), done: 1_500_000, total: Some(3_000_000) },
            Event::PayloadFetched {
                sha256: file.clone(),
                from: "https://x.test/tool.bin".to_owned(),
                size: 3_000_000,
                cached: false,
                duration_ms: 2000,
            },
            Event::PayloadMissing {
                sha256: file.clone(),
                from: "tools/tool.bin".to_owned(),
                why: "it cannot be read".to_owned(),
            },
            Event::PayloadSending {
                computer: computer.clone(),
                sha256: file,
                file: "tool.bin".to_owned(),
                done: 1_500_000,
                total: 3_000_000,
            },
            Event::SessionStarted { session: session.clone(), computer: computer.clone(), name: pc.clone() },
            Event::StageEntered { computer: computer.clone(), stage: Stage::Execute },
            Event::ActionStarted { computer: computer.clone(), item: item.clone(), action },
            Event::ActionFinished {
                computer: computer.clone(),
                item: item.clone(),
                action,
                result: ActionResult::Failed,
                message: Some("exit code 3\x1b[2J\nmore".to_owned()),
                duration_ms: 80_000,
            },
            Event::SessionFinished {
                session,
                computer: computer.clone(),
                name: pc.clone(),
                status: SessionStatus::Failed,
            },
            Event::ComputerUnreachable {
                computer: computer.clone(),
                name: pc.clone(),
                why: "timed out".to_owned(),
            },
            Event::MaintenanceBegun { computer: computer.clone(), provider: name("automate") },
            Event::MaintenanceEnded { computer: computer.clone(), provider: name("automate") },
            Event::MaintenanceFailed {
                computer: computer.clone(),
                name: pc.clone(),
                provider: name("automate"),
                on: false,
                why: "no answer within 60 seconds".to_owned(),
            },
            Event::Interrupted { under_way: vec![UnderWay { computer, name: pc, item: Some(item) }] },
            Event::Interrupted { under_way: vec![] },
            Event::Checkpoint { done: 1, left: 1183 },
            Event::RunFinished { run: run.clone(), counts },
            Event::RunFinished { run: run.clone(), counts: RunCounts::default() },
            Event::RunFinished { run, counts: stopped },
        ]
    }

    #[test]
    fn every_event_is_one_line_for_people() {
        let names = |id: &str| (id == "fleet/1").then(|| "PC-1".to_owned());
        let text = all().iter().map(|event| line(event, &names).to_string()).collect::<Vec<_>>().join("\n");
        insta::assert_snapshot!(text, @r#"
    apply 7f3ac0d9e1b2: 1,199 actions on 1,184 computers  run 0190-1
    fetching https://x.test/tool.bin  2.8 MiB
    1.4 MiB of 2.8 MiB  9f86d081884c
    https://x.test/tool.bin was fetched  2.8 MiB  2 s
    not fetched: tools/tool.bin: it cannot be read
    PC-1  tool.bin: 1.4 MiB of 2.8 MiB sent
    PC-1  begins
    PC-1  execute
    PC-1  update seven-zip ...
    PC-1  update seven-zip: failed: exit code 3\x1b[2J  1 min 20 s
    PC-1  failed
    PC-1  unreachable: timed out
    PC-1  automate holds back its alerts
    PC-1  automate lets its alerts through again
    PC-1  maintenance mode not put back in automate: no answer within 60 seconds
    interrupted; under way: seven-zip on PC-1; the next run looks at it first
    interrupted; nothing was under way
    saved: 1 session done, 1,183 left
    2 computers: 1 passed, 1 failed; actions: 1 succeeded, 1 failed, 0 open
    0 computers: nothing was done; actions: 0 succeeded, 0 failed, 0 open
    2 computers: 1 not finished, 1 under way when it was stopped; actions: 0 succeeded, 0 failed, 3 open
    "#);
    }

    #[test]
    fn every_event_is_one_line_of_json_that_reads_back() {
        let mut text = Vec::new();
        for event in all() {
            let stamped = Stamped { at: Timestamp::UNIX_EPOCH, event };
            let mut out = Vec::new();
            ndjson(&mut out, &stamped).expect("memory");
            assert_eq!(out.iter().position(|byte| *byte == b'\n'), Some(out.len() - 1));
            assert_eq!(serde_json::from_slice::<Stamped>(&out).expect("an event"), stamped);
            text.extend(out);
        }
        insta::assert_snapshot!(String::from_utf8(text).expect("UTF-8"), @r#"
    {"at":"1970-01-01T00:00:00Z","event":"run-started","run":"0190-1","plan":"7f3ac0d9e1b2","computers":1184,"actions":1199}
    {"at":"1970-01-01T00:00:00Z","event":"payload-fetching","sha256":"9f86d081884c7d65","from":"https://x.test/tool.bin","size":3000000}
    {"at":"1970-01-01T00:00:00Z","event":"payload-progress","sha256":"9f86d081884c7d65","done":1500000,"total":3000000}
    {"at":"1970-01-01T00:00:00Z","event":"payload-fetched","sha256":"9f86d081884c7d65","from":"https://x.test/tool.bin","size":3000000,"cached":false,"durationMs":2000}
    {"at":"1970-01-01T00:00:00Z","event":"payload-missing","sha256":"9f86d081884c7d65","from":"tools/tool.bin","why":"it cannot be read"}
    {"at":"1970-01-01T00:00:00Z","event":"payload-sending","computer":"fleet/1","sha256":"9f86d081884c7d65","file":"tool.bin","done":1500000,"total":3000000}
    {"at":"1970-01-01T00:00:00Z","event":"session-started","session":"0190-2","computer":"fleet/1","name":"PC-1"}
    {"at":"1970-01-01T00:00:00Z","event":"stage-entered","computer":"fleet/1","stage":"execute"}
    {"at":"1970-01-01T00:00:00Z","event":"action-started","computer":"fleet/1","item":{"kind":"software","name":"seven-zip"},"action":"update"}
    {"at":"1970-01-01T00:00:00Z","event":"action-finished","computer":"fleet/1","item":{"kind":"software","name":"seven-zip"},"action":"update","result":"failed","message":"exit code 3\u001b[2J\nmore","durationMs":80000}
    {"at":"1970-01-01T00:00:00Z","event":"session-finished","session":"0190-2","computer":"fleet/1","name":"PC-1","status":"failed"}
    {"at":"1970-01-01T00:00:00Z","event":"computer-unreachable","computer":"fleet/1","name":"PC-1","why":"timed out"}
    {"at":"1970-01-01T00:00:00Z","event":"maintenance-begun","computer":"fleet/1","provider":"automate"}
    {"at":"1970-01-01T00:00:00Z","event":"maintenance-ended","computer":"fleet/1","provider":"automate"}
    {"at":"1970-01-01T00:00:00Z","event":"maintenance-failed","computer":"fleet/1","name":"PC-1","provider":"automate","on":false,"why":"no answer within 60 seconds"}
    {"at":"1970-01-01T00:00:00Z","event":"interrupted","underWay":[{"computer":"fleet/1","name":"PC-1","item":{"kind":"software","name":"seven-zip"}}]}
    {"at":"1970-01-01T00:00:00Z","event":"interrupted","underWay":[]}
    {"at":"1970-01-01T00:00:00Z","event":"checkpoint","done":1,"left":1183}
    {"at":"1970-01-01T00:00:00Z","event":"run-finished","run":"0190-1","counts":{"passed":1,"partlyPassed":0,"failed":1,"unreachable":0,"notFinished":0,"succeeded":1,"actionsFailed":1,"actionsOpen":0}}
    {"at":"1970-01-01T00:00:00Z","event":"run-finished","run":"0190-1","counts":{"passed":0,"partlyPassed":0,"failed":0,"unreachable":0,"notFinished":0,"succeeded":0,"actionsFailed":0,"actionsOpen":0}}
    {"at":"1970-01-01T00:00:00Z","event":"run-finished","run":"0190-1","counts":{"passed":0,"partlyPassed":0,"failed":0,"unreachable":0,"notFinished":1,"underWay":1,"succeeded":0,"actionsFailed":0,"actionsOpen":3}}
    "#);
    }
}
