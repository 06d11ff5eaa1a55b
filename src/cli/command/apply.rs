//! `muster apply`: the plan, the question, and then exactly that plan.
//!
//! The same path as `plan` up to the plan itself (L1). One apply at a time per state.

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::cli::arguments::{Apply, Form};
use crate::cli::context::{Opened, Shell, SystemClock, run_id, session_id};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::planning;
use crate::cli::progress::{Bar, confirm};
use crate::cli::saved;
use crate::id::Name;
use crate::plan::compare::compare;
use crate::plan::document::Plan;
use crate::plan::needs::Refresh;
use crate::report;
use crate::session::control::{Control, Demand};
use crate::session::dispatcher::{Dispatcher, Link, RunOutcome};
use crate::session::event::{Event, Stamped};
use crate::session::execute::Tools;
use crate::session::prepare::Prepared;
use crate::session::recover;
use crate::store::{RunRecord, Store};
use crate::time::Clock;

pub(in crate::cli) async fn run(shell: &mut Shell, command: &Apply, control: &Control) -> Result<Exit, CliError> {
    let saved = match &command.file {
        Some(file) => Some(saved::read(&shell.environment.current_dir.join(file))?),
        None => None,
    };
    let rev = match &saved {
        Some(plan) if !plan.revision.dirty => plan.revision.commit.as_ref().map(|c| c.as_str().to_owned()),
        Some(_) => None,
        None => command.scope.revision.rev.clone(),
    };
    let opened = shell.open(rev.as_deref())?;
    let wish = match &saved {
        Some(plan) => planning::wish_of(plan.options.clone(), Refresh::Always, false)?,
        None => planning::wish(&command.scope, Refresh::Always, false)?,
    };
    let links = shell.links(&opened)?;
    let store = shell.store(&opened).await?;
    let holder = format!("apply by {}", shell.environment.user.as_deref().unwrap_or("somebody"));
    let _lock = store.lock(&holder).await?;
    let interrupted = recover::interrupted(&store).await?;
    if !interrupted.is_empty() {
        shell.event(&Event::Interrupted { under_way: interrupted })?;
    }
    let prepared = planning::prepare(shell, &opened, &links, &store, control, &wish).await?;
    recover::settle(&store, &prepared.reached, &SystemClock).await?;
    let plan = &prepared.planned.plan;
    if let Some(saved) = &saved {
        stale(shell, saved, plan)?;
    }
    if shell.global.output != Form::Ndjson {
        super::plan::print(shell, plan, command.details)?;
    }
    if prepared.findings.has_errors() || prepared.planned.findings.has_errors() {
        return Err(CliError::reported(Exit::Invalid));
    }
    if plan.sessions.is_empty() || control.demand() != Demand::Run {
        return Ok(exit(&prepared, None, control, command));
    }
    if !command.auto_approve && !confirm(&mut shell.ui, &report::summary::question(plan))? {
        return Err(CliError::refused("not applied: the word yes was not given"));
    }
    let outcome = execute(shell, &opened, &links, &store, &prepared, control, command).await?;
    Ok(exit(&prepared, Some(&outcome), control, command))
}

/// Refuses a saved plan that does not hold any more, with the difference (exit 7).
fn stale(shell: &mut Shell, saved: &Plan, fresh: &Plan) -> Result<(), CliError> {
    let comparison = compare(saved, fresh);
    if comparison.is_subset() {
        return Ok(());
    }
    let text = report::compare::render(&comparison, &shell.ui.view(false));
    shell.ui.message(&text)?;
    Err(CliError::stale("the saved plan does not hold any more; nothing was done")
        .hint("look at the difference, and make a new plan with: muster plan --out FILE"))
}

async fn execute(
    shell: &mut Shell,
    opened: &Opened,
    links: &BTreeMap<Name, Link>,
    store: &dyn Store,
    prepared: &Prepared,
    control: &Control,
    command: &Apply,
) -> Result<RunOutcome, CliError> {
    let plan = &prepared.planned.plan;
    let secrets = shell.secrets(opened);
    let bar = Bar::new(&shell.ui, "Applying");
    bar.begin(plan.sessions.len());
    let run = RunRecord {
        id: run_id(),
        started: SystemClock.now(),
        finished: None,
        commit: plan.revision.commit.clone(),
        plan: plan.digest.clone(),
    };
    let outcome = {
        let shell = Mutex::new(&mut *shell);
        let broken = Mutex::new(None);
        let events = |event: Event| {
            if matches!(event, Event::SessionFinished { .. }) {
                bar.advance();
            }
            let said = match shell.lock() {
                Ok(mut shell) => bar.suspend(|| shell.event(&event)),
                Err(_) => Ok(()),
            };
            if let (Err(error), Ok(mut broken)) = (said, broken.lock()) {
                broken.get_or_insert(error);
            }
        };
        let dispatcher = Dispatcher {
            tools: Tools { config: &opened.config, store, secrets: &secrets, clock: &SystemClock, events: &events },
            snapshot: &prepared.snapshot,
            links,
            concurrency: usize::try_from(command.concurrency.unwrap_or(opened.config.instance.concurrency))
                .unwrap_or(usize::MAX),
            session_id: &session_id,
        };
        dispatcher.run(&run, plan, control).await?
    };
    bar.done();
    Ok(outcome)
}

impl Shell {
    /// Tells an event in the form that was asked for.
    fn event(&mut self, event: &Event) -> Result<(), CliError> {
        if self.global.output == Form::Ndjson {
            let stamped = Stamped { at: SystemClock.now(), event: event.clone() };
            let text = report::events::ndjson_text(&stamped);
            self.ui.data(&text)?;
        } else {
            self.ui.event(event)?;
        }
        Ok(())
    }
}

/// What an apply means for the exit code: what is worst counts.
fn exit(prepared: &Prepared, outcome: Option<&RunOutcome>, control: &Control, command: &Apply) -> Exit {
    let counts = outcome.map(|outcome| outcome.counts.clone()).unwrap_or_default();
    if control.demand() != Demand::Run {
        Exit::Interrupted
    } else if counts.failed + counts.partly_passed > 0 {
        Exit::ApplyFailed
    } else if !prepared.failed.is_empty() {
        Exit::SourceFailed
    } else if counts.unreachable + counts.not_finished > 0
        || super::plan::too_much_missing(&prepared.planned.plan, command.scope.allow_missing)
    {
        Exit::Incomplete
    } else {
        Exit::Done
    }
}
