//! Sessions: the list of them, and one with its actions and what its scripts said.

use std::fmt::Write as _;
use std::io;
use std::time::Duration;

use super::layout::table;
use super::sheet::{Cell, Column, Sheet, further, shown};
use super::style::{Label, Line, Pen};
use super::words::{ago, count, duration, moment, plural, thousands};
use super::{View, terms};
use crate::session::maintenance::Kept;
use crate::store::{ActionRecord, MaintenanceRecord, SessionRecord};
use crate::time::Timestamp;

/// So many lines of a script's output are shown without `details`: the last ones, where errors stand.
const OUTPUT: usize = 12;

/// Writes a list of sessions, one row each, in the order given.
///
/// # Errors
/// What the pen says.
pub fn list(pen: &mut dyn Pen, sessions: &[SessionRecord], now: Timestamp, view: &View) -> io::Result<()> {
    if sessions.is_empty() {
        return pen.line(&Line::new().text("No sessions."));
    }
    let rows: Vec<Vec<Line>> = sessions
        .iter()
        .map(|session| {
            vec![
                Line::new().with(terms::status_label(session.status), terms::code(&session.status)),
                Line::new().with(Label::Heading, &session.name),
                Line::new().text(session.tenant.as_ref().map_or("", |name| name.as_str())),
                Line::new().text(ago(session.started, now)),
                Line::new().text(length(session.started, session.finished).unwrap_or_default()),
                Line::new().with(Label::Code, session.id.as_str()),
            ]
        })
        .collect();
    table(0, view.width, &rows).iter().try_for_each(|line| pen.line(line))
}

const SESSIONS: &[Column] = &[
    shown("status", "Status"),
    shown("name", "Computer"),
    shown("tenant", "Tenant"),
    shown("started", "Began"),
    shown("finished", "Ended"),
    shown("id", "Session"),
    further("run"),
    further("computer"),
];

/// A list of sessions as a table, in the order given.
#[must_use]
pub fn sheet(sessions: &[SessionRecord]) -> Sheet {
    let row = |session: &SessionRecord| {
        vec![
            Cell::Text(terms::code(&session.status)),
            Cell::text(&session.name),
            Cell::maybe(session.tenant.as_ref()),
            Cell::text(session.started),
            Cell::maybe(session.finished),
            Cell::text(&session.id),
            Cell::text(&session.run),
            Cell::text(&session.computer),
        ]
    };
    Sheet { row: "session", columns: SESSIONS, rows: sessions.iter().map(row).collect() }
}

const ACTIONS: &[Column] = &[
    shown("position", "No."),
    shown("action", "Action"),
    shown("item", "Item"),
    shown("reason", "Reason"),
    shown("before", "Before"),
    shown("after", "After"),
    shown("result", "Result"),
    shown("message", "Message"),
    further("started"),
    further("finished"),
];

/// The actions of a session as a table; what their scripts printed is left out.
#[must_use]
pub fn actions(actions: &[ActionRecord]) -> Sheet {
    let row = |action: &ActionRecord| {
        vec![
            Cell::Number(i64::from(action.position) + 1),
            Cell::Text(terms::code(&action.action)),
            Cell::text(&action.item),
            Cell::Text(terms::code(&action.reason)),
            Cell::Text(terms::observed(&action.before)),
            Cell::maybe(action.after.as_ref().map(terms::observed)),
            Cell::maybe(action.result.as_ref().map(terms::code)),
            Cell::maybe(action.message.as_ref()),
            Cell::text(action.started),
            Cell::maybe(action.finished),
        ]
    };
    Sheet { row: "action", columns: ACTIONS, rows: actions.iter().map(row).collect() }
}

/// Writes one session with its actions in order.
///
/// # Errors
/// What the pen says.
pub fn one(
    pen: &mut dyn Pen,
    session: &SessionRecord,
    actions: &[ActionRecord],
    maintenance: &[MaintenanceRecord],
    view: &View,
) -> io::Result<()> {
    let mut title = Line::new().with(Label::Heading, &session.name);
    if let Some(tenant) = &session.tenant {
        title.push(Label::Plain, format!(" ({tenant})"));
    }
    title.push(Label::Plain, "  ");
    title.push(terms::status_label(session.status), terms::code(&session.status));
    pen.line(&title)?;
    let mut when = format!("began {}", moment(session.started, &view.zone));
    match length(session.started, session.finished) {
        Some(length) => _ = write!(when, ", took {length}"),
        None => when.push_str(", not ended"),
    }
    pen.line(&Line::new().text(when))?;
    pen.line(
        &Line::new()
            .with(Label::Dim, "session ")
            .with(Label::Code, session.id.as_str())
            .with(Label::Dim, "  run ")
            .with(Label::Code, session.run.as_str())
            .with(Label::Dim, format!("  computer {}", session.computer)),
    )?;
    maintenance.iter().try_for_each(|one| pen.line(&one_mode(one)))?;
    pen.gap()?;
    if actions.is_empty() {
        return pen.line(&Line::new().text("No actions."));
    }
    actions.iter().try_for_each(|action| one_action(pen, action, view))
}

/// What became of the maintenance mode of one agent.
fn one_mode(one: &MaintenanceRecord) -> Line {
    let (label, what) = match one.kept {
        Kept::ToPutBack => (Label::Warning, "to be put back"),
        Kept::NeverOn => (Label::Warning, "not switched on"),
        Kept::PutBack => (Label::Plain, "put back"),
        Kept::GivenUp => (Label::Warning, "given up"),
    };
    let line = Line::new().with(Label::Dim, "maintenance mode in ").text(one.agent.provider.as_str());
    let line = line.with(Label::Dim, "  ").with(label, what);
    match &one.message {
        Some(message) => line.text(format!(": {}", terms::first_line(message))),
        None => line,
    }
}

fn one_action(pen: &mut dyn Pen, action: &ActionRecord, view: &View) -> io::Result<()> {
    let mut line = Line::new().text(format!("{:>3}. ", action.position.saturating_add(1)));
    line.push(Label::Plain, format!("{} ", terms::verb(action.action)));
    line.push(Label::Heading, action.item.to_string());
    line.push(Label::Plain, "   ");
    match action.result {
        Some(result) => line.push(terms::result_label(result), terms::code(&result)),
        None => line.push(Label::Warning, "result not known"),
    }
    if let Some(length) = length(action.started, action.finished) {
        line.push(Label::Dim, format!("   {length}"));
    }
    pen.line(&line.with(Label::Dim, format!("   {}", terms::code(&action.reason))))?;
    let field = |pen: &mut dyn Pen, name: &str, text: &str| {
        let mut line = Line::new().text("     ").with(Label::Dim, name);
        line.pad_to(13);
        pen.line(&line.text(text))
    };
    field(pen, "before", &terms::observed(&action.before))?;
    match &action.after {
        Some(after) => field(pen, "after", &terms::observed(after))?,
        None => field(pen, "after", "not looked at yet")?,
    }
    if let Some(message) = &action.message {
        for (at, text) in message.trim_end().lines().enumerate() {
            field(pen, if at == 0 { "message" } else { "" }, text)?;
        }
    }
    match action.output.as_deref().map(str::trim_end) {
        None | Some("") => Ok(()),
        Some(text) => output(pen, text, view),
    }
}

/// A script's output behind a bar, so that it is not taken for ours.
fn output(pen: &mut dyn Pen, text: &str, view: &View) -> io::Result<()> {
    let lines: Vec<&str> = text.lines().collect();
    let hidden = if view.details { 0 } else { lines.len().saturating_sub(OUTPUT) };
    if hidden > 0 {
        let text = format!("     | ... {} above; --details shows all", plural(count(hidden), "line"));
        pen.line(&Line::new().with(Label::Dim, text))?;
    }
    for line in lines.iter().skip(hidden) {
        let line =
            Line::new().with(Label::Dim, "     | ").text(line.trim_end_matches('\r').replace('\t', "    "));
        pen.line(&line)?;
    }
    Ok(())
}

/// How long something took.
fn length(from: Timestamp, to: Option<Timestamp>) -> Option<String> {
    let milliseconds = to?.as_millisecond().saturating_sub(from.as_millisecond());
    Some(duration(Duration::from_millis(u64::try_from(milliseconds).unwrap_or(0))))
}

/// How many sessions did not end and what that means, for the beginning of other reports.
#[must_use]
pub fn unfinished(sessions: &[SessionRecord]) -> Option<Line> {
    if sessions.is_empty() {
        return None;
    }
    let names: Vec<&str> = sessions.iter().map(|session| session.name.as_str()).collect();
    let text = format!(
        "{} did not end ({}); the next apply looks at {} first",
        if sessions.len() == 1 {
            "1 session".to_owned()
        } else {
            format!("{} sessions", thousands(count(sessions.len())))
        },
        super::words::list(&names, 3),
        if sessions.len() == 1 { "it" } else { "them" },
    );
    Some(Line::new().with(Label::Warning, "! ").text(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{AgentId, ComputerId, Digest, RunId, SessionId};
    use crate::inventory::item::{ItemKey, Observed};
    use crate::inventory::known::AgentKey;
    use crate::plan::document::{ActionType, Reason};
    use crate::report::sample::{name, present};
    use crate::report::style::Recording;
    use crate::session::stage::{ActionResult, SessionStatus};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_795_269_729 + second).expect("valid")
    }

    fn session(number: u32, status: SessionStatus, finished: Option<i64>) -> SessionRecord {
        SessionRecord {
            id: SessionId::new(format!("0193fd2e-0000-7000-8000-{number:012}")),
            run: RunId::new("0193fd2e-0000-7000-8000-00000000aaaa"),
            computer: ComputerId::new(format!("fleet/{number}")),
            name: format!("PC-{number}"),
            tenant: Some(name("contoso")),
            status,
            started: at(0),
            finished: finished.map(at),
        }
    }

    fn action(position: u32, result: Option<ActionResult>) -> ActionRecord {
        ActionRecord {
            session: SessionId::new("s"),
            position,
            item: ItemKey::software(name("seven-zip")),
            action: ActionType::Update,
            reason: Reason::UpdateAvailable,
            content: Digest::of(b""),
            before: present("24.08"),
            after: result.map(|_| present("24.09")),
            result,
            message: None,
            output: None,
            started: at(0),
            finished: result.map(|_| at(80)),
        }
    }

    #[test]
    fn sessions_are_listed_with_their_ids() {
        let mut pen = Recording::default();
        let sessions = [
            session(1, SessionStatus::Passed, Some(80)),
            session(2, SessionStatus::PartlyPassed, Some(3700)),
            session(3, SessionStatus::Running, None),
        ];
        list(&mut pen, &sessions, at(7200), &View::default()).expect("memory");
        list(&mut pen, &[], at(0), &View::default()).expect("memory");
        pen.lines.extend(unfinished(&sessions[2..]));
        assert_eq!(unfinished(&[]), None);
        insta::assert_snapshot!(pen, @r#"
    passed          PC-1   contoso   2 h ago   1 min 20 s   0193fd2e-0000-7000-8000-000000000001
    partly-passed   PC-2   contoso   2 h ago   1 h 1 min    0193fd2e-0000-7000-8000-000000000002
    running         PC-3   contoso   2 h ago                0193fd2e-0000-7000-8000-000000000003
    No sessions.
    ! 1 session did not end (PC-3); the next apply looks at it first
    "#);
    }

    #[test]
    fn a_session_shows_its_actions_and_the_end_of_their_output() {
        let mut pen = Recording::default();
        let mut failed = action(1, Some(ActionResult::Failed));
        failed.message = Some("exit code 1603".to_owned());
        failed.output = Some((1..=20).map(|n| format!("line {n}\x1b[2J\r\n")).collect::<Vec<_>>().concat());
        failed.item = ItemKey::task(name("disk-encryption"), None);
        failed.action = ActionType::Set;
        failed.before = Observed::non_compliant("off");
        failed.after = Some(Observed::non_compliant("off"));
        let actions = [action(0, Some(ActionResult::Success)), failed, action(2, None)];
        let agent = AgentKey { provider: name("automate"), agent: AgentId::new("7") };
        let mode = MaintenanceRecord {
            session: SessionId::new("s"),
            computer: agent.computer(),
            agent,
            name: "PC-2".to_owned(),
            kept: Kept::NeverOn,
            mark: None,
            message: Some("automate does not start its script: denied".to_owned()),
            begun: at(0),
            ended: Some(at(0)),
        };
        let passed = session(2, SessionStatus::PartlyPassed, Some(80));
        one(&mut pen, &passed, &actions, &[mode], &View::default()).expect("memory");
        insta::assert_snapshot!(pen, @r#"
    PC-2 (contoso)  partly-passed
    began 2026-11-21 14:02:09 UTC, took 1 min 20 s
    session 0193fd2e-0000-7000-8000-000000000002  run 0193fd2e-0000-7000-8000-00000000aaaa  computer fleet/2
    maintenance mode in automate  not switched on: automate does not start its script: denied

      1. update seven-zip   success   1 min 20 s   update-available
         before  present, 24.08
         after   present, 24.09
      2. set disk-encryption   failed   1 min 20 s   update-available
         before  non-compliant: off
         after   non-compliant: off
         message exit code 1603
         | ... 8 lines above; --details shows all
         | line 9\x1b[2J
         | line 10\x1b[2J
         | line 11\x1b[2J
         | line 12\x1b[2J
         | line 13\x1b[2J
         | line 14\x1b[2J
         | line 15\x1b[2J
         | line 16\x1b[2J
         | line 17\x1b[2J
         | line 18\x1b[2J
         | line 19\x1b[2J
         | line 20\x1b[2J
      3. update seven-zip   result not known   update-available
         before  present, 24.08
         after   not looked at yet
    "#);
        let mut pen = Recording::default();
        let view = View { details: true, ..View::default() };
        one(&mut pen, &session(2, SessionStatus::Failed, None), &actions, &[], &view).expect("memory");
        assert!(pen.to_string().contains("| line 1\\x1b[2J\n"));
    }
}
