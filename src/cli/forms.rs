//! Which forms of a result each command has, so that none prints another one than was asked for.
//!
//! docs/reference/reports.md shows the same table, and a test holds both against the program.

use super::arguments::{Command, Form, Maintain, Maintained, Reports};
use super::error::CliError;

/// The forms of a command, those of people first.
#[must_use]
pub(super) const fn of(command: &Command) -> &'static [Form] {
    use Form::{Csv, Html, Human, Json, Markdown, Ndjson};
    match command {
        Command::Plan(_) | Command::Show(_) | Command::Validate(_) => &[Human, Json, Ndjson, Markdown, Html],
        Command::Apply(_) | Command::Diff(_) | Command::Update(_) => &[Human, Json, Ndjson, Markdown],
        Command::Resolve(_)
        | Command::Status(_)
        | Command::Sessions(_)
        | Command::List(_)
        | Command::Doctor(_)
        | Command::Computers(_)
        | Command::Identify(_)
        | Command::Import(_)
        | Command::Remote(_)
        | Command::Maintain(Maintain { what: Some(Maintained::ScreenconnectDb(_)), .. }) => {
            &[Human, Json, Ndjson, Markdown, Csv]
        }
        Command::Explain(_)
        | Command::Fmt(_)
        | Command::Inventory(_)
        | Command::Maintain(_)
        | Command::Version => &[Human, Json, Ndjson],
        Command::Init(_) | Command::Schema(_) | Command::Completions(_) => &[Human],
    }
}

/// The command's name as it is typed.
#[must_use]
pub(super) const fn name(command: &Command) -> &'static str {
    match command {
        Command::Init(_) => "init",
        Command::Validate(_) => "validate",
        Command::Fmt(_) => "fmt",
        Command::Schema(_) => "schema",
        Command::Plan(_) => "plan",
        Command::Show(_) => "show",
        Command::Apply(_) => "apply",
        Command::Diff(_) => "diff",
        Command::Doctor(_) => "doctor",
        Command::Import(_) => "import",
        Command::Inventory(_) => "inventory",
        Command::List(_) => "list",
        Command::Maintain(Maintain { what: None, .. }) => "maintain",
        Command::Maintain(Maintain { what: Some(Maintained::ScreenconnectDb(_)), .. }) => {
            "maintain screenconnect-db"
        }
        Command::Resolve(_) => "resolve",
        Command::Explain(_) => "explain",
        Command::Remote(_) => "remote",
        Command::Status(_) => "status",
        Command::Computers(_) => "computers",
        Command::Identify(_) => "identify",
        Command::Update(_) => "update",
        Command::Sessions(_) => "sessions",
        Command::Completions(_) => "completions",
        Command::Version => "version",
    }
}

/// Refuses a form that the command does not have, and two forms at once.
///
/// # Errors
/// A usage error (64) that names the forms there are.
pub(super) fn check(command: &Command, form: Form) -> Result<(), CliError> {
    let forms = of(command);
    if !forms.contains(&form) {
        let have: Vec<&str> = forms.iter().map(|form| form.name()).collect();
        let error = CliError::usage(format!("{} has no form {}", name(command), form.name()));
        return Err(match (command, form) {
            (Command::Apply(_), Form::Html) => error
                .hint("its forms are human, json, ndjson, markdown; a page of its plan: --report html=PATH"),
            _ if have.len() == 1 => error.hint(format!("{} takes no --output", name(command))),
            _ => error.hint(format!("its forms are {}", have.join(", "))),
        });
    }
    if form == Form::Human {
        return Ok(());
    }
    let takes_output = |reports: &Reports| reports.report.iter().any(|wanted| wanted.path.is_none());
    let other = match command {
        Command::Plan(plan) if plan.graph.is_some() => Some("--graph"),
        Command::Show(show) if show.graph.is_some() => Some("--graph"),
        Command::Fmt(fmt) if fmt.diff => Some("--diff"),
        Command::Plan(plan) if takes_output(&plan.reports) => Some("--report FORMAT=-"),
        Command::Show(show) if takes_output(&show.reports) => Some("--report FORMAT=-"),
        Command::Apply(apply) if takes_output(&apply.reports) => Some("--report FORMAT=-"),
        Command::Validate(validate) if takes_output(&validate.reports) => Some("--report FORMAT=-"),
        Command::Update(update) if update.json && form != Form::Json => Some("--json"),
        _ => None,
    };
    match other {
        None => Ok(()),
        Some(other) => {
            let said = format!("standard output takes either {other} or --output {}", form.name());
            Err(CliError::usage(said).hint("leave one of them out, or write the report to a file"))
        }
    }
}
