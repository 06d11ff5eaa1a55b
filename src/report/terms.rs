//! Terms: the program's own closed sets, as words.
//!
//! Codes (`update-available`) are the serialised names, so that what people read is what machines read.

use serde::Serialize;

use super::style::{Label, Line};
use super::words::count;
use crate::config::kind::Mode;
use crate::inventory::item::Observed;
use crate::inventory::known::Contact;
use crate::plan::document::{ActionType, Change, Impact, NoteKind, ValueOrigin};
use crate::plan::effects;
use crate::session::stage::{ActionResult, SessionStatus};

/// The serialised name of a value without content: `update-available`, `partly-passed`.
#[must_use]
pub fn code<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(text)) => text,
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}

/// What an action does, to stand after a number: "12 to set".
#[must_use]
pub const fn to_do(action: ActionType) -> &'static str {
    match action {
        ActionType::None => "to leave",
        ActionType::Install => "to install",
        ActionType::Update => "to update",
        ActionType::Downgrade => "to downgrade",
        ActionType::Uninstall => "to remove",
        ActionType::Repair => "to repair",
        ActionType::Reinstall => "to install again",
        ActionType::Finish => "to finish",
        ActionType::Download => "to fetch files for",
        ActionType::Set => "to set",
        ActionType::Get => "to read",
        ActionType::OsUpdate => "to update the system",
        ActionType::Reboot => "to restart",
    }
}

/// Where a value comes from, to stand behind it.
#[must_use]
pub fn value_origin(origin: &ValueOrigin) -> String {
    match origin {
        ValueOrigin::Deployment(name) => format!(", from deployment {name}"),
        ValueOrigin::Default(name) => format!(", default of {name}"),
    }
}

/// What is said of restarts and time: `up to 12 restarts, about 40 min`; empty when there is nothing to say.
#[must_use]
pub fn impact(impact: &Impact) -> String {
    let restarts = (impact.restarts > 0)
        .then(|| format!("up to {}", super::words::plural(impact.restarts.into(), "restart")));
    let time = impact.seconds.filter(|seconds| *seconds > 0).map(|time| format!("about {}", span(time)));
    restarts.into_iter().chain(time).collect::<Vec<_>>().join(", ")
}

/// A span of time for people, rounded up to what matters: `40 s`, `12 min`, `3 h`.
#[must_use]
pub fn span(seconds: u64) -> String {
    match seconds {
        0..=89 => format!("{seconds} s"),
        90..=5_399 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h", seconds.div_ceil(3600)),
    }
}

/// What was done, to stand before or after a name.
#[must_use]
pub const fn verb(action: ActionType) -> &'static str {
    match action {
        ActionType::None => "leave",
        ActionType::Install => "install",
        ActionType::Update => "update",
        ActionType::Downgrade => "downgrade",
        ActionType::Uninstall => "uninstall",
        ActionType::Repair => "repair",
        ActionType::Reinstall => "install again",
        ActionType::Finish => "finish",
        ActionType::Download => "fetch files",
        ActionType::Set => "set",
        ActionType::Get => "read",
        ActionType::OsUpdate => "system updates",
        ActionType::Reboot => "restart",
    }
}

/// The mark before a line of the plan, and what it is.
#[must_use]
pub const fn marker(change: &Change) -> (&'static str, Label) {
    match (change.action, change.mode) {
        (ActionType::None, _) => ("=", Label::Dim),
        (ActionType::Get, _) => ("?", Label::Dim),
        (_, Mode::Ignored | Mode::Monitor | Mode::Audit) => ("!", Label::Warning),
        (_, Mode::Enforce) if effects::removes(change) => ("-", Label::Remove),
        (ActionType::Install | ActionType::Set, Mode::Enforce) => ("+", Label::Add),
        (_, Mode::Enforce) => ("~", Label::Change),
    }
}

/// Whether a line of the plan is something that apply does to a computer.
#[must_use]
pub fn acts(change: &Change) -> bool {
    change.action.changes() && change.mode == Mode::Enforce
}

/// What a change of a plan does: [`what`], and of a task whether it takes something away.
#[must_use]
pub fn change(change: &Change) -> Line {
    let Change { title, action, before, after, version, .. } = change;
    let mut line = what(title, *action, before, after, version.as_deref());
    if *action == ActionType::Set && effects::removes(change) {
        line.push(Label::Plain, " to absent");
    }
    line
}

/// What is about to happen, by its title and versions: `7-Zip 24.08 -> 24.09`, `disk-encryption: set`.
#[must_use]
pub fn what(
    title: &str,
    action: ActionType,
    before: &Observed,
    after: &Observed,
    wanted: Option<&str>,
) -> Line {
    let old = version(before);
    let new = version(after).or(wanted);
    let mut line = Line::new().with(Label::Heading, title);
    match action {
        ActionType::Install => {
            if let Some(new) = new {
                line.push(Label::Plain, format!(" {new}"));
            }
        }
        ActionType::Update | ActionType::Downgrade => {
            let (old, new) = (old.unwrap_or("unknown version"), new.unwrap_or("newest"));
            line.push(Label::Plain, format!(" {old} -> {new}"));
        }
        ActionType::Uninstall => {
            if let Some(old) = old {
                line.push(Label::Plain, format!(" {old}"));
            }
        }
        ActionType::Repair => {
            if let Some(old) = old {
                line.push(Label::Plain, format!(" {old}"));
            }
            line.push(Label::Plain, ": repair");
        }
        ActionType::Reinstall => {
            if let Some(old) = old {
                line.push(Label::Plain, format!(" {old}"));
            }
            line.push(Label::Plain, ": install again");
        }
        ActionType::Finish => {
            if let Some(old) = old {
                line.push(Label::Plain, format!(" {old}"));
            }
            line.push(Label::Plain, ": postInstall");
        }
        ActionType::Download => {
            if let Some(new) = new {
                line.push(Label::Plain, format!(" {new}"));
            }
            line.push(Label::Plain, ": fetch files");
        }
        other => line.push(Label::Plain, format!(": {}", verb(other))),
    }
    line
}

/// The version of a software that is there, if one is known.
#[must_use]
pub fn version(observed: &Observed) -> Option<&str> {
    match observed {
        Observed::Present { version, .. } => version.as_deref(),
        _ => None,
    }
}

/// An observation in a few words; texts of scripts are cut to their first line.
#[must_use]
pub fn observed(observed: &Observed) -> String {
    match observed {
        Observed::Present { version, healthy } => {
            let version = version.as_ref().map_or_else(|| "present".to_owned(), |v| format!("present, {v}"));
            match healthy {
                Some(true) => format!("{version}, working"),
                Some(false) => format!("{version}, its test says false"),
                None => version,
            }
        }
        Observed::Absent => "absent".to_owned(),
        Observed::Compliant => "compliant".to_owned(),
        Observed::NonCompliant { detail, fields } if detail.is_empty() && !fields.is_empty() => {
            let names: Vec<&str> = fields.iter().map(|field| field.field.as_str()).collect();
            format!("non-compliant: {}", names.join(", "))
        }
        Observed::NonCompliant { detail, .. } => with_text("non-compliant", detail),
        Observed::Value { value } => with_text("value", value),
        Observed::Undetermined { why } => with_text("undetermined", why),
        Observed::NotApplicable => "not applicable".to_owned(),
    }
}

/// The whole text that came with an observation, if any.
#[must_use]
pub fn observed_text(observed: &Observed) -> Option<&str> {
    match observed {
        Observed::NonCompliant { detail: text, .. }
        | Observed::Value { value: text }
        | Observed::Undetermined { why: text } => Some(text.trim()).filter(|text| !text.is_empty()),
        _ => None,
    }
}

fn with_text(word: &str, text: &str) -> String {
    match first_line(text) {
        "" => word.to_owned(),
        line if text.trim().lines().nth(1).is_some() => format!("{word}: {line} ..."),
        line => format!("{word}: {line}"),
    }
}

/// The first line that says something.
#[must_use]
pub fn first_line(text: &str) -> &str {
    text.trim().lines().next().unwrap_or("").trim_end()
}

/// How a note looks.
#[must_use]
pub const fn note_label(kind: NoteKind) -> Label {
    match kind {
        NoteKind::Ambiguous | NoteKind::Blocked => Label::Error,
        NoteKind::Held => Label::Held,
        NoteKind::Hint => Label::Hint,
        _ => Label::Warning,
    }
}

/// How a result looks.
#[must_use]
pub const fn result_label(result: ActionResult) -> Label {
    match result {
        ActionResult::Success => Label::Good,
        ActionResult::Skipped | ActionResult::Acknowledged => Label::Dim,
        ActionResult::Failed => Label::Error,
        ActionResult::Cancelled
        | ActionResult::Undetermined
        | ActionResult::Blocked
        | ActionResult::Deferred => Label::Warning,
    }
}

/// How a session's status looks.
#[must_use]
pub const fn status_label(status: SessionStatus) -> Label {
    match status {
        SessionStatus::Passed => Label::Good,
        SessionStatus::Failed => Label::Error,
        SessionStatus::PartlyPassed
        | SessionStatus::Interrupted
        | SessionStatus::Missed
        | SessionStatus::Postponed
        | SessionStatus::Cancelled => Label::Warning,
        _ => Label::Plain,
    }
}

/// How the last attempt to reach a computer went, in a few words.
#[must_use]
pub fn contact(contact: &Contact) -> String {
    match contact {
        Contact::Never => "never tried".to_owned(),
        Contact::Reached => "reached".to_owned(),
        Contact::Unreachable { why } => with_text("unreachable", why),
        Contact::Refused { why, help: None } => with_text("refused", why),
        Contact::Refused { why, help: Some(help) } => format!("{} ({help})", with_text("refused", why)),
        Contact::Failed { why } => with_text("failed", why),
    }
}

/// The computers and tenants of a line: `1,184 computers, 37 tenants`, or the computers' names when they are few and
/// fit into `columns`. `tenants` holds each tenant once.
#[must_use]
pub fn who(names: &[&str], tenants: &[&str], few: usize, columns: usize) -> String {
    if names.len() <= few {
        let names = super::words::list(names, few);
        if super::words::width(&names) <= columns {
            return names;
        }
    }
    let computers = super::words::plural(count(names.len()), "computer");
    match tenants {
        [] => computers,
        [tenant] if super::words::width(tenant) + super::words::width(&computers) + 2 <= columns => {
            format!("{computers}, {tenant}")
        }
        many => format!("{computers}, {}", super::words::plural(count(many.len()), "tenant")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::document::{Cause, Reason};

    #[test]
    fn codes_are_the_serialised_names() {
        assert_eq!(code(&Reason::UpdateAvailable), "update-available");
        assert_eq!(code(&Cause::SourceData), "source-data");
        assert_eq!(code(&SessionStatus::PartlyPassed), "partly-passed");
    }

    #[test]
    fn computers_are_named_when_few_and_counted_when_many() {
        assert_eq!(who(&["PC-1", "PC-2"], &["contoso"], 3, 30), "PC-1, PC-2");
        assert_eq!(who(&["PC-1"; 4], &["contoso"], 3, 30), "4 computers, contoso");
        assert_eq!(who(&["PC-1"; 4], &["contoso", "fabrikam"], 3, 30), "4 computers, 2 tenants");
        assert_eq!(who(&["PC-1"; 4], &[], 3, 30), "4 computers");
        let long = "x".repeat(63);
        assert_eq!(who(&[long.as_str()], &[long.as_str()], 3, 30), "1 computer, 1 tenant");
    }

    #[test]
    fn an_observation_shows_the_first_line_of_its_text() {
        let detail = "BitLocker is off\nsecond line".to_owned();
        assert_eq!(observed(&Observed::non_compliant(detail)), "non-compliant: BitLocker is off ...");
        assert_eq!(observed(&Observed::Undetermined { why: String::new() }), "undetermined");
        let present = Observed::Present { version: Some("1.2".into()), healthy: Some(false) };
        assert_eq!(observed(&present), "present, 1.2, its test says false");
    }
}
