//! `muster plan`: what apply would do.

#![expect(clippy::disallowed_methods, reason = "the command writes the plan file that it was asked for")]

use crate::cli::arguments::{Form, Plan as Command};
use crate::cli::context::Shell;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::planning;
use crate::cli::safety;
use crate::plan::document::Plan;
use crate::plan::needs::Refresh;
use crate::policy::verdict::Stage;
use crate::report;
use crate::session::control::Control;
use crate::session::prepare::Prepared;

pub(in crate::cli) async fn run(
    shell: &mut Shell,
    command: &Command,
    control: &Control,
) -> Result<Exit, CliError> {
    let opened = shell.open(command.scope.revision.rev.as_deref())?;
    let mut wish = planning::wish(&command.scope, Refresh::Auto, command.offline)?;
    wish.judge = Some(Stage::Plan);
    wish.options.overrides = safety::overrides(&opened.config, &command.set_aside)?;
    let links = shell.links(&opened)?;
    let store = shell.store(&opened).await?;
    let prepared = planning::prepare(shell, &opened, &links, &store, control, &wish).await?;
    let plan = &prepared.planned.plan;
    print(shell, plan, command.details)?;
    if let Some(file) = &command.out {
        let path = shell.environment.current_dir.join(file);
        let mut text = Vec::new();
        report::json::plan(&mut text, plan)?;
        std::fs::write(&path, text).map_err(|error| CliError::io("write", &path, error))?;
        shell.ui.hint(format!("saved; apply exactly this with: muster apply {}", file.display()));
    }
    match exit(&prepared, command.detailed_exitcode, command.scope.allow_missing) {
        Exit::Refused => Err(safety::refusal(plan, "it would not be applied")
            .unwrap_or_else(|| CliError::reported(Exit::Refused))),
        exit => Ok(exit),
    }
}

/// Prints a plan in the form that was asked for.
pub(in crate::cli) fn print(shell: &Shell, plan: &Plan, details: bool) -> Result<(), CliError> {
    match shell.global.output {
        Form::Json => shell.ui.bytes(|out| report::json::plan(out, plan))?,
        Form::Ndjson => shell.ui.bytes(|out| report::json::line(out, plan))?,
        Form::Markdown => shell.ui.bytes(|out| report::markdown::plan(out, plan))?,
        Form::Human => {
            let view = shell.view(details);
            shell.ui.data(|pen| report::plan::write(pen, plan, &view))?;
        }
    }
    Ok(())
}

/// What a plan that was made means for the exit code: what is worst counts.
pub(in crate::cli) fn exit(prepared: &Prepared, detailed: bool, allow_missing: u8) -> Exit {
    let plan = &prepared.planned.plan;
    if prepared.findings.has_errors() || prepared.planned.findings.has_errors() {
        Exit::Configuration
    } else if prepared.judged.is_refused() {
        Exit::Refused
    } else if !prepared.failed.is_empty() {
        Exit::Source
    } else if too_much_missing(plan, allow_missing) {
        Exit::Incomplete
    } else if detailed && !plan.sessions.is_empty() {
        Exit::Changes
    } else {
        Exit::Done
    }
}

/// Whether more computers than allowed, in percent of those in scope, were not reached.
pub(in crate::cli) fn too_much_missing(plan: &Plan, allowed: u8) -> bool {
    u64::from(plan.coverage.unreachable) * 100 > u64::from(allowed) * u64::from(plan.coverage.computers)
}
