//! What was seen after a change, and how it is told. Pure.
//!
//! Not here: whether that is a success (`plan::diff::achieved`).
//!
//! Invariant: an exit code is told as evidence and decides nothing (L6).

use super::script::{self, BundleResult, Ended, Purpose, StepResult};
use super::stage::ActionResult;
use super::verify::words;
use crate::inventory::item::Observed;
use crate::plan::procedure::Invocation;

/// What was seen after a change.
pub(super) struct Aftermath {
    pub(super) observed: Option<Observed>,
    pub(super) output: Option<String>,
    /// What went wrong on the way, whatever the result.
    pub(super) trouble: Option<String>,
    pub(super) nothing_ran: bool,
    pub(super) put_off: bool,
    /// Whether all that was to run did, and ended well.
    pub(super) all_ran: bool,
    /// Whether a script that follows an install or a removal did not end well.
    pub(super) unfinished: bool,
    /// Whether a file that is needed did not come, so that nothing was changed.
    pub(super) not_sent: bool,
}

impl Aftermath {
    pub(super) fn from_result(result: &BundleResult, steps: &[Invocation], observed: Observed) -> Self {
        let mut output = String::new();
        let mut trouble = None;
        let (mut put_off, mut ran) = (false, false);
        let (mut all_ran, mut unfinished) = (true, false);
        for (number, invocation) in steps.iter().enumerate() {
            let Some(step) = result.steps.get(&format!("a{number}")) else {
                all_ran = false;
                continue;
            };
            // The last two are how Windows says that a restart is to follow; no other system has such codes.
            if !matches!(step.ended, Ended::Exit(0 | 1641 | 3010)) {
                all_ran = false;
                let follows =
                    matches!(invocation.purpose, Purpose::PostInstall { .. } | Purpose::PostUninstall { .. });
                unfinished |= follows && !matches!(step.ended, Ended::Skipped);
            }
            append(&mut output, step);
            if trouble.is_none() {
                trouble = ended_badly(step);
            }
            put_off |= matches!(step.ended, Ended::NoUser | Ended::Busy);
            ran |= !matches!(step.ended, Ended::NoUser | Ended::Busy | Ended::Skipped | Ended::NotStarted(_));
        }
        Self {
            observed: Some(observed),
            output: (!output.is_empty()).then_some(output),
            trouble,
            nothing_ran: false,
            // What ran before it has had its effect, so the action is not simply put off.
            put_off: put_off && !ran,
            all_ran,
            unfinished,
            not_sent: false,
        }
    }

    /// A file that is needed did not come: all is as it was.
    pub(super) fn not_sent(why: &str, is_passing: bool, before: Observed) -> Self {
        Self {
            observed: Some(before),
            output: None,
            trouble: Some(format!("{why}; nothing was changed")),
            nothing_ran: false,
            put_off: is_passing,
            all_ran: false,
            unfinished: false,
            not_sent: true,
        }
    }

    /// What an action comes to whose file did not come.
    pub(super) const fn not_sent_result(&self) -> ActionResult {
        if self.put_off { ActionResult::Deferred } else { ActionResult::Failed }
    }

    pub(super) fn message(&self, result: ActionResult) -> Option<String> {
        let seen = self.observed.as_ref().map(|observed| format!("afterwards it is {}", words(observed)));
        match (result, &self.trouble) {
            _ if self.not_sent => self.trouble.clone(),
            (ActionResult::Success, None) => None,
            (ActionResult::Success, Some(trouble)) => Some(format!("{trouble}; and it is as wanted")),
            (ActionResult::Failed, Some(trouble)) if self.unfinished => {
                Some(format!("the script that follows did not do its part: {trouble}"))
            }
            (_, trouble) => {
                let parts: Vec<String> = trouble.iter().cloned().chain(seen).collect();
                (!parts.is_empty()).then(|| parts.join("; "))
            }
        }
    }
}

fn append(output: &mut String, step: &StepResult) {
    for text in [&step.stdout, &step.stderr] {
        let left = script::KEEP_OUTPUT.saturating_sub(output.len());
        output.extend(text.chars().scan(0, |bytes, c| {
            *bytes += c.len_utf8();
            (*bytes <= left).then_some(c)
        }));
        if !output.is_empty() && !output.ends_with('\n') {
            output.push('\n');
        }
    }
}

fn ended_badly(step: &StepResult) -> Option<String> {
    let last = step.stderr.lines().rev().find(|line| !line.trim().is_empty());
    let because = last.map(|line| format!(": {line}")).unwrap_or_default();
    match &step.ended {
        Ended::Exit(0) | Ended::Skipped => None,
        Ended::Exit(code) => Some(format!("the script ended with exit code {code}{because}")),
        Ended::TimedOut => Some(format!("the script was stopped at its time limit{because}")),
        Ended::NotStarted(why) => Some(format!("the script did not start: {why}")),
        Ended::Busy => Some("another change is still under way on the computer".to_owned()),
        Ended::NoUser => Some("nobody is signed in".to_owned()),
        Ended::Lost => Some("the answer broke off".to_owned()),
    }
}
