//! `muster plan`: what apply would do.

use crate::cli::arguments::{Form, GraphForm, Plan as Command};
use crate::cli::context::{Opened, Shell};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::files;
use crate::cli::planning;
use crate::cli::reports::Reporting;
use crate::cli::safety;
use crate::diagnostic::{Finding, Findings, code};
use crate::plan::document::{NoteKind, Plan};
use crate::plan::needs::Refresh;
use crate::policy::verdict::Stage;
use crate::report;
use crate::report::graph::Graph;
use crate::report::model::Model;
use crate::report::style::{Label, Line};
use crate::report::words::shell_path;
use crate::session::control::{Control, Demand};
use crate::session::prepare::Prepared;

pub(in crate::cli) async fn run(
    shell: &mut Shell,
    command: &Command,
    control: &Control,
) -> Result<Exit, CliError> {
    let rev = command.scope.revision.rev.as_deref();
    let reporting = Reporting::new(shell, "plan", &command.reports, rev)?;
    let opened = reporting.open(shell, rev)?;
    let mut wish = planning::wish(&command.scope, Refresh::Auto, command.offline)?;
    wish.options.hypothetical = command.hypothetical;
    wish.judge = Some(Stage::Plan);
    wish.options.overrides = safety::overrides(&[&opened.config], &command.set_aside)?;
    let links = shell.links_through(&opened, &command.scope.through)?;
    let store = shell.store(&opened).await?;
    let prepared = planning::prepare(shell, &opened, &links, &store, control, &wish).await?;
    planning::tell_commands(shell, &links);
    let plan = &prepared.planned.plan;
    let interrupted = control.demand() != Demand::Run;
    let findings = findings(&opened, &prepared, interrupted);
    let model = reporting.model(Some(plan), &findings, &opened.config.sources);
    shell.warned |= model.warns();
    reporting.write(shell, &model)?;
    match command.graph {
        _ if reporting.takes_output() => {}
        Some(form) => draw(shell, plan, form)?,
        None => {
            if interrupted {
                tell_interrupted(shell)?;
            }
            print(shell, plan, &model, command.details)?;
        }
    }
    if interrupted && command.out.is_some() {
        shell.ui.hint("the plan is not saved, as it was interrupted");
    } else if let Some(file) = &command.out {
        let path = shell.environment.current_dir.join(file);
        let mut text = Vec::new();
        report::json::plan(&mut text, plan)?;
        files::replace_private(&path, &text).map_err(|error| CliError::io("write", &path, error))?;
        shell.ui.hint(if plan.options.hypothetical.is_some() {
            "saved, to be shown: a plan with --as is not applied".to_owned()
        } else if safety::broken(&prepared, "").is_some() {
            "saved, to be shown: a plan with errors is not applied".to_owned()
        } else {
            let commit = plan.revision.commit.as_ref().filter(|_| rev.is_some());
            let rev = commit.map(|commit| format!(" --rev {commit}")).unwrap_or_default();
            format!("saved; apply exactly this with: muster apply {}{rev}", shell_path(file))
        });
    }
    match exit(&prepared, command.detailed_exitcode, command.scope.allow_missing) {
        Exit::Configuration => Err(safety::broken(&prepared, "this plan would not be applied")
            .unwrap_or_else(|| CliError::reported(Exit::Configuration))),
        Exit::Refused => {
            safety::refusal(&opened.config, plan, "it would not be applied").map_or(Ok(Exit::Refused), Err)
        }
        exit => Ok(exit),
    }
}

/// Everything that was found on the way to a plan.
pub(in crate::cli) fn findings(opened: &Opened, prepared: &Prepared, interrupted: bool) -> Findings {
    let all = [&opened.findings, &prepared.findings, &prepared.planned.findings];
    let mut findings: Findings = all.into_iter().flatten().cloned().collect();
    findings.extend(prepared.judged.findings());
    findings.extend(interrupted.then(|| Finding::without_place(code::PLAN_INTERRUPTED, INTERRUPTED)));
    findings.sort();
    findings
}

/// What an interrupted plan says of itself.
const INTERRUPTED: &str = "this is no whole plan: it was interrupted, and not every computer was looked at";

/// Says for people that what follows is not a whole plan. In Markdown and HTML it stands among the findings, and
/// programs read the exit code.
pub(in crate::cli) fn tell_interrupted(shell: &Shell) -> Result<(), CliError> {
    if matches!(shell.global.output, Form::Human | Form::Csv) {
        shell.ui.data(|pen| {
            pen.line(&Line::new().with(Label::Warning, "Interrupted: ").text(INTERRUPTED))?;
            pen.gap()
        })?;
    }
    Ok(())
}

/// Prints a plan in the form that was asked for.
pub(in crate::cli) fn print(
    shell: &Shell,
    plan: &Plan,
    model: &Model<'_>,
    details: bool,
) -> Result<(), CliError> {
    match shell.global.output {
        Form::Json => shell.ui.bytes(|out| report::json::plan(out, plan))?,
        Form::Ndjson => shell.ui.bytes(|out| report::json::line(out, plan))?,
        Form::Markdown => shell.ui.bytes(|out| report::markdown::write(out, model))?,
        Form::Html => shell.ui.bytes(|out| report::html::write(out, model))?,
        Form::Human | Form::Csv => {
            let view = shell.view(details);
            shell.ui.data(|pen| report::plan::write(pen, plan, &view))?;
        }
    }
    Ok(())
}

/// Draws the order of a plan's actions.
pub(in crate::cli) fn draw(shell: &Shell, plan: &Plan, form: GraphForm) -> Result<(), CliError> {
    let graph = Graph::of(plan);
    Ok(shell.ui.bytes(|out| match form {
        GraphForm::Dot => graph.dot(out),
        GraphForm::Mermaid => graph.mermaid(out),
    })?)
}

/// What a plan that was made means for the exit code: what is worst counts.
pub(in crate::cli) fn exit(prepared: &Prepared, detailed: bool, allow_missing: u8) -> Exit {
    let plan = &prepared.planned.plan;
    if prepared.findings.has_errors() || prepared.planned.findings.has_errors() {
        Exit::Configuration
    } else if prepared.judged.is_refused() {
        Exit::Refused
    } else if prepared.has_failed_source() {
        Exit::Source
    } else if is_overruled(plan) {
        Exit::Refused
    } else if too_much_missing(plan, allow_missing) {
        Exit::Incomplete
    } else if detailed && !plan.sessions.is_empty() {
        Exit::Changes
    } else {
        Exit::Done
    }
}

/// Whether a deployment that the run names does not win somewhere, so that the plan is not executed (RES-17).
pub(in crate::cli) fn is_overruled(plan: &Plan) -> bool {
    plan.notes.iter().any(|note| note.kind == NoteKind::Overruled)
}

/// Whether more than allowed is missing, in percent: computers in scope that were not reached, or checks without an answer
/// on those that were.
pub(in crate::cli) fn too_much_missing(plan: &Plan, allowed: u8) -> bool {
    let coverage = &plan.coverage;
    let beyond = |missing: u64, of: u64| missing * 100 > u64::from(allowed) * of;
    beyond(coverage.unreachable.into(), coverage.computers.into())
        || beyond(coverage.undetermined, coverage.checks)
}
