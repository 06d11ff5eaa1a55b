//! How a run shows its progress: a bar on a terminal, plain lines elsewhere.
//!
//! Not here: the events (`session::event`) and their words (`report::events`).
//!
//! Invariant: what goes wrong is a line of its own in every form; the bar only adds numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::output::{Loudness, Ui};
use crate::id::ComputerId;
use crate::report::events::{self, Weight};
use crate::report::words::{count, list, plural, thousands};
use crate::session::event::Event;
use crate::session::stage::ActionResult;

/// So many computers are named beside the bar.
const NAMED: usize = 3;

/// Shows the events of one run.
#[derive(Debug)]
pub struct Progress<'a> {
    ui: &'a Ui,
    bar: Option<ProgressBar>,
    names: BTreeMap<ComputerId, String>,
    current: BTreeSet<String>,
    done: BTreeSet<ComputerId>,
    /// How much of a file is sent, in percent, by the computer's name.
    sending: BTreeMap<String, u64>,
    failed: u64,
}

impl<'a> Progress<'a> {
    /// Progress over so many computers, with a bar if there can be one.
    #[must_use]
    pub fn new(ui: &'a Ui, computers: u64) -> Self {
        let bar = bar(ui, computers);
        Self {
            ui,
            bar,
            names: BTreeMap::new(),
            current: BTreeSet::new(),
            done: BTreeSet::new(),
            sending: BTreeMap::new(),
            failed: 0,
        }
    }

    /// Shows an event.
    pub fn event(&mut self, event: &Event) {
        match event {
            Event::SessionStarted { computer, name, .. } => {
                self.names.insert(computer.clone(), name.clone());
                self.current.insert(name.clone());
            }
            Event::SessionFinished { computer, name, .. }
            | Event::ComputerUnreachable { computer, name, .. } => {
                self.current.remove(name);
                self.sending.remove(name);
                self.done.insert(computer.clone());
            }
            Event::PayloadSending { computer, done, total, .. } => {
                if let Some(name) = self.names.get(computer) {
                    let percent = done.saturating_mul(100).checked_div(*total).unwrap_or(100);
                    _ = match percent {
                        100.. => self.sending.remove(name),
                        _ => self.sending.insert(name.clone(), percent),
                    };
                }
            }
            Event::ActionFinished { result: ActionResult::Failed | ActionResult::Undetermined, .. } => {
                self.failed = self.failed.saturating_add(1);
            }
            _ => {}
        }
        let names = |id: &str| self.names.get(id).cloned();
        let line = events::line(event, &names);
        match (events::weight(event), &self.bar) {
            (Weight::Problem, _) => self.ui.always(&line),
            // Beside a bar, what went well is a number.
            (Weight::Usual, Some(_))
                if matches!(event, Event::ActionFinished { .. } | Event::SessionFinished { .. }) =>
            {
                self.ui.step(&line);
            }
            (Weight::Usual, _) => self.ui.status(&line),
            (Weight::Fine, _) => self.ui.step(&line),
        }
        if let Some(bar) = &self.bar {
            bar.set_position(count(self.done.len()));
            bar.set_message(self.message());
        }
    }

    /// What stands beside the bar: failures, and who is being worked on.
    #[must_use]
    pub fn message(&self) -> String {
        let mut message = String::new();
        if self.failed > 0 {
            // Writing into a String cannot fail.
            _ = write!(message, "{} failed  ", plural(self.failed, "action"));
        }
        let shown = |name: &String| match self.sending.get(name) {
            Some(percent) => format!("{name} {percent}%"),
            None => name.clone(),
        };
        let names: Vec<String> = self.current.iter().map(shown).collect();
        message.push_str(&list(&names, NAMED));
        message
    }

    /// How many computers are done.
    #[must_use]
    pub fn done(&self) -> String {
        thousands(count(self.done.len()))
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.ui.set_bar(None);
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A bar below everything that is written from now on. There is one when standard error is a terminal, outside CI, unless
/// quiet.
pub(super) fn bar(ui: &Ui, computers: u64) -> Option<ProgressBar> {
    bar_of(ui, computers, "computers")
}

/// Such a bar over so many of something.
pub(super) fn bar_of(ui: &Ui, computers: u64, what: &str) -> Option<ProgressBar> {
    let surroundings = ui.surroundings();
    let wanted = surroundings.stderr_terminal
        && !surroundings.ci
        && !surroundings.dumb
        && ui.loudness() > Loudness::Quiet
        && computers > 0;
    let bar = wanted.then(|| {
        let bar = ProgressBar::with_draw_target(Some(computers), ProgressDrawTarget::stderr());
        // A template that cannot be read leaves the usual one, which shows the same numbers.
        if let Ok(style) = ProgressStyle::with_template(&format!(
            "[{{bar:24}}] {{human_pos}}/{{human_len}} {what} {{wide_msg}}"
        )) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar
    });
    ui.set_bar(bar.clone());
    bar
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::output::Surroundings;
    use crate::cli::output::tests::{Kept, ui};
    use crate::id::{RunId, SessionId};
    use crate::inventory::item::ItemKey;
    use crate::plan::document::ActionType;
    use crate::session::event::RunCounts;
    use crate::session::stage::SessionStatus;

    fn events() -> Vec<Event> {
        let mut events = Vec::new();
        for n in 1..=5 {
            events.push(Event::SessionStarted {
                session: SessionId::new(format!("s{n}")),
                computer: ComputerId::new(format!("fleet/{n}")),
                name: format!("PC-{n}"),
            });
        }
        for (n, result, status) in [
            (1, ActionResult::Success, SessionStatus::Passed),
            (2, ActionResult::Failed, SessionStatus::Failed),
        ] {
            let computer = ComputerId::new(format!("fleet/{n}"));
            events.push(Event::ActionFinished {
                computer: computer.clone(),
                item: ItemKey::software(crate::id::Name::new("seven-zip").expect("a name")),
                action: ActionType::Update,
                result,
                message: (result == ActionResult::Failed).then(|| "exit code 3".to_owned()),
                duration_ms: 1000,
            });
            let (session, name) = (SessionId::new(format!("s{n}")), format!("PC-{n}"));
            events.push(Event::SessionFinished { session, computer, name, status });
        }
        events
    }

    #[test]
    fn without_a_terminal_there_are_plain_lines() {
        let (ui, out, err) = ui(Loudness::Usual);
        let mut progress = Progress::new(&ui, 5);
        for event in &events() {
            progress.event(event);
        }
        progress.event(&Event::RunFinished { run: RunId::new("r"), counts: RunCounts::default() });
        assert_eq!(progress.message(), "1 action failed  PC-3, PC-4, PC-5");
        for (done, message) in [(30, "PC-3, PC-4 30%, PC-5"), (100, "PC-3, PC-4, PC-5")] {
            progress.event(&Event::PayloadSending {
                computer: ComputerId::new("fleet/4"),
                sha256: crate::id::Digest::new("0"),
                file: "tool.bin".to_owned(),
                done,
                total: 100,
            });
            assert_eq!(progress.message(), format!("1 action failed  {message}"));
        }
        assert_eq!(progress.done(), "2");
        drop(progress);
        assert_eq!(out.text(), "");
        insta::assert_snapshot!(err.text(), @r#"
    PC-1  update seven-zip: success  1 s
    PC-1  passed
    PC-2  update seven-zip: failed: exit code 3  1 s
    PC-2  failed
    0 computers: nothing was done; actions: 0 succeeded, 0 failed, 0 open
    "#);
    }

    #[test]
    fn quiet_shows_what_went_wrong_only() {
        let (ui, _, err) = ui(Loudness::Quiet);
        let mut progress = Progress::new(&ui, 5);
        for event in &events() {
            progress.event(event);
        }
        assert_eq!(err.text(), "PC-2  update seven-zip: failed: exit code 3  1 s\n");
    }

    #[test]
    fn a_bar_leaves_failures_as_lines() {
        let err = Kept::default();
        let surroundings = Surroundings { stderr_terminal: true, ..Surroundings::default() };
        let streams = (Box::new(Kept::default()), Box::new(err.clone()));
        let ui = Ui::with_streams(streams.0, streams.1, (false, false), Loudness::Usual, surroundings);
        let mut progress = Progress::new(&ui, 5);
        assert!(progress.bar.is_some());
        for event in &events() {
            progress.event(event);
        }
        assert_eq!(progress.bar.as_ref().map(ProgressBar::position), Some(2));
        drop(progress);
        ui.status(&crate::report::style::Line::new().text("after"));
        assert_eq!(err.text(), "PC-2  update seven-zip: failed: exit code 3  1 s\nafter\n");
    }
}
