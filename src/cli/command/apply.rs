//! `muster apply`: the plan, the question, and then exactly that plan.
//!
//! The same path as `plan` up to the plan itself (L1). One apply at a time per state.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use tokio::sync::Semaphore;

use crate::cli::arguments::{Apply, Form};
use crate::cli::basis::{self, Basis};
use crate::cli::context::{Opened, Shell, SystemClock, run_id, session_id};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::fetching::Fetching;
use crate::cli::planning;
use crate::cli::progress::Progress;
use crate::cli::prompt;
use crate::cli::reports::Reporting;
use crate::cli::safety;
use crate::cli::saved;
use crate::config::Config;
use crate::config::safety::PROTECTION;
use crate::id::{ComputerId, Name};
use crate::payload::send::{self, Files};
use crate::payload::supply::Supply;
use crate::payload::{Cache, Supplied};
use crate::plan::compare::compare;
use crate::plan::document::Plan;
use crate::plan::downloads::downloads;
use crate::plan::needs::Refresh;
use crate::plan::sending;
use crate::policy::protection;
use crate::policy::verdict::Stage;
use crate::report;
use crate::report::summary::Summary;
use crate::session::control::{Control, Demand};
use crate::session::dispatcher::{Dispatcher, Link, RunOutcome};
use crate::session::event::{Event, RunCounts, Stamped};
use crate::session::execute::Tools;
use crate::session::prepare::Prepared;
use crate::session::recover;
use crate::session::remember::remember;
use crate::store::{MaintenanceRecord, RunRecord, Store};
use crate::time::Clock;

pub(in crate::cli) async fn run(
    shell: &mut Shell,
    command: &Apply,
    control: &Control,
) -> Result<Exit, CliError> {
    let saved = match &command.file {
        Some(file) => Some(saved::read(&shell.environment.current_dir.join(file))?),
        None => None,
    };
    if saved.as_ref().is_some_and(|plan| plan.options.hypothetical.is_some()) {
        return Err(CliError::refused("this plan shows what another mode would do; it is not applied")
            .hint("change the modes in the configuration, and make a plan without --as"));
    }
    let typed = command.scope.revision.rev.as_deref();
    let basis = match &saved {
        Some(plan) => basis::of(shell, plan, typed)?,
        None => Basis::typed(typed),
    };
    let rev = basis.rev.clone();
    let reporting = Reporting::new(shell, "apply", &command.reports, rev.as_deref())?;
    let opened = reporting.open(shell, rev.as_deref())?;
    let mut wish = match &saved {
        Some(plan) => planning::wish_of(plan.options.clone(), Refresh::Always, false)?,
        None => planning::wish(&command.scope, Refresh::Always, false)?,
    };
    // A plan does not carry it: what was right to believe of one list may be wrong of the next.
    wish.accepted = command.scope.accept_shrink.iter().cloned().collect();
    wish.judge = Some(Stage::Apply);
    wish.judged_besides = basis.head().is_some();
    let judging: Vec<&Config> = basis.head().into_iter().chain([&opened.config]).collect();
    wish.options.overrides.extend(safety::overrides(&judging, &command.set_aside)?);
    let links = shell.links_through(&opened, &command.scope.through)?;
    let store = shell.store(&opened).await?;
    let holder = format!("apply by {}", shell.environment.user.as_deref().unwrap_or("somebody"));
    let _lock = store.lock(&holder).await?;
    let interrupted = recover::interrupted(&store).await?;
    if !interrupted.is_empty() {
        let event = Event::Interrupted { under_way: interrupted };
        tell(shell, &mut Progress::new(&shell.ui, 0), event, false)?;
    }
    recovering(shell, &store, &links, control).await?;
    let mut prepared = planning::prepare(shell, &opened, &links, &store, control, &wish).await?;
    let settled = |id: &ComputerId| {
        prepared.reached.contains(id)
            || (prepared.failed.is_empty() && prepared.snapshot.position(id).is_none())
    };
    recover::settle(&store, &settled, &SystemClock).await?;
    if command.download_only {
        prepared.planned.plan = downloads(&opened.config, &prepared.snapshot, &prepared.planned.plan);
    }
    let plan = &prepared.planned.plan;
    if let Some(saved) = &saved {
        stale(shell, saved, plan)
            .map_err(|error| if doubted(&prepared) { error.hint(AGAIN) } else { error })?;
        basis.holds(shell, &store, control, plan).await?;
    }
    let interrupted = control.demand() != Demand::Run;
    let findings = super::plan::findings(&opened, &prepared, interrupted);
    let model = reporting.model(Some(plan), &findings, &opened.config.sources);
    shell.warned |= model.warns();
    // Before the question and the sessions: whatever becomes of them, the reports say what was planned.
    reporting.write(shell, &model)?;
    // As JSON the plan comes at the end, in one document with what became of it.
    if !matches!(shell.global.output, Form::Ndjson | Form::Json) && !reporting.takes_output() {
        if interrupted {
            super::plan::tell_interrupted(shell)?;
        }
        super::plan::print(shell, plan, &model, command.details)?;
    }
    let shows_plan = shell.global.output == Form::Human && !reporting.takes_output();
    let run = Applying {
        opened: &opened,
        rev: rev.as_deref(),
        links: &links,
        store: &store,
        prepared: &prepared,
        shows_plan,
    };
    let result = run.carry_out(shell, command, control).await;
    planning::tell_commands(shell, &links);
    let left = store.open_maintenance().await?;
    planning::tell_maintenance(shell, &left);
    let outcome = result.as_ref().ok().and_then(|(_, outcome)| outcome.as_ref());
    conclude(shell, plan, outcome, &left)?;
    result.map(|(exit, _)| exit)
}

/// Puts back the maintenance modes that earlier runs have left switched on.
async fn recovering(
    shell: &Shell,
    store: &dyn Store,
    links: &BTreeMap<Name, Link>,
    control: &Control,
) -> Result<(), CliError> {
    let progress = Mutex::new(Progress::new(&shell.ui, 0));
    let events = |event: Event| {
        // Whoever reads the events may go away; what was put back is in the state.
        _ = tell(shell, &mut progress.lock().unwrap_or_else(PoisonError::into_inner), event, false);
    };
    Ok(recover::let_alerts_through(store, links, &SystemClock, &events, control).await?)
}

/// What programs read of an apply.
#[derive(Serialize)]
struct Outcome<'a> {
    /// Whether anything was begun.
    applied: bool,
    /// What became of it.
    counts: Option<&'a RunCounts>,
    /// The maintenance modes that are still to be put back.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    maintenance: &'a [MaintenanceRecord],
    plan: &'a Plan,
}

/// Says what became of the plan in the forms that are one text; the others have said it when the run ended.
fn conclude(
    shell: &Shell,
    plan: &Plan,
    outcome: Option<&RunOutcome>,
    left: &[MaintenanceRecord],
) -> Result<(), CliError> {
    let counts = outcome.map(|outcome| &outcome.counts);
    match shell.global.output {
        Form::Json => {
            let applied = Outcome { applied: counts.is_some(), counts, maintenance: left, plan };
            shell.ui.bytes(|out| report::json::document(out, "apply", &applied))?;
        }
        Form::Markdown => {
            let said = match counts {
                Some(counts) => format!("**Applied.** {}", report::events::finished(counts)),
                None => "**Not applied**: nothing was changed.".to_owned(),
            };
            shell.ui.bytes(|out| writeln!(out, "\n{said}"))?;
        }
        _ => {}
    }
    Ok(())
}

/// Everything that an apply has once its plan is made.
struct Applying<'a> {
    opened: &'a Opened,
    /// The revision that it is of; none for the files as they are.
    rev: Option<&'a str>,
    links: &'a BTreeMap<Name, Link>,
    store: &'a dyn Store,
    prepared: &'a Prepared,
    /// Whether whoever is asked has seen the plan on standard output.
    shows_plan: bool,
}

impl Applying<'_> {
    /// Asks, and does what the plan says. Gives what became of it where anything was begun.
    async fn carry_out(
        &self,
        shell: &mut Shell,
        command: &Apply,
        control: &Control,
    ) -> Result<(Exit, Option<RunOutcome>), CliError> {
        let Self { opened, rev, links, store, prepared, shows_plan } = *self;
        let plan = &prepared.planned.plan;
        if let Some(broken) = safety::broken(prepared, "nothing was done") {
            return Err(broken);
        }
        if let Some(refusal) = safety::refusal(&opened.config, plan, "nothing was done") {
            return Err(refusal);
        }
        if super::plan::is_overruled(plan) {
            return Err(CliError::refused(
                "not applied: a deployment that was named does not win everywhere",
            )
            .hint("the plan says where and against which; --force-deployment takes it all the same"));
        }
        // What a run of named deployments wants is not all that is wanted, and fetching files brings nothing about.
        let whole = plan.options.deployments.is_empty() && !command.download_only;
        if plan.sessions.is_empty() && control.demand() == Demand::Run {
            protect(opened, store, prepared).await?;
        }
        if whole && plan.sessions.is_empty() && control.demand() == Demand::Run {
            remember(store, &prepared.snapshot, &prepared.planned.wants).await?;
        }
        if plan.sessions.is_empty() || control.demand() != Demand::Run {
            return Ok((exit(prepared, None, control, command), None));
        }
        if !command.auto_approve {
            if !shows_plan {
                let view = shell.view(command.details);
                shell.ui.report(|pen| report::plan::write(pen, plan, &view));
            }
            approve(shell, plan, control.clone()).await?;
        }
        protect(opened, store, prepared).await?;
        let cache = shell.payloads(opened)?;
        let supplied = supply(shell, opened, rev, &cache, prepared, control).await?;
        let files = Files { cache: &cache, supplied: &supplied, lanes: &Semaphore::new(send::AT_ONCE) };
        let outcome =
            execute(shell, opened, links, store, prepared, control, command, files, shows_plan).await?;
        if whole && control.demand() == Demand::Run {
            remember(store, &prepared.snapshot, &prepared.planned.wants).await?;
        }
        Ok((exit(prepared, Some(&outcome), control, command), Some(outcome)))
    }
}

/// Keeps what is protected by what is applied now; releases what is not declared any more, if that was asked for.
async fn protect(opened: &Opened, store: &dyn Store, prepared: &Prepared) -> Result<(), CliError> {
    let plan = &prepared.planned.plan;
    let declared = protection::declared(&opened.config, &prepared.snapshot, plan.revision.commit.as_ref());
    let released = plan.options.overrides.iter().any(|given| given.rule == PROTECTION);
    let next = protection::next(&prepared.protections, declared, released);
    if next != prepared.protections {
        store.put_protections(&next).await?;
    }
    Ok(())
}

/// Refuses a saved plan that does not hold any more, with the difference (exit 7).
fn stale(shell: &Shell, saved: &Plan, fresh: &Plan) -> Result<(), CliError> {
    if saved.instance != fresh.instance {
        let message =
            format!("the saved plan is of the instance {}, and this is {}", saved.instance, fresh.instance);
        return Err(CliError::stale(message));
    }
    let comparison = compare(saved, fresh);
    if !comparison.is_subset() {
        let view = shell.view(false);
        shell.ui.report(|pen| report::compare::write(pen, &comparison, &view));
        return Err(CliError::stale("the saved plan does not hold any more; nothing was done")
            .hint("look at the difference, and make a new plan with: muster plan --out FILE"));
    }
    // What a commit says does not change; other files may say anything by now.
    let of_commit = saved.revision.commit.is_some() && !saved.revision.dirty;
    if !of_commit && saved.revision.content != fresh.revision.content {
        return Err(CliError::stale("the files have changed since the plan was saved; nothing was done")
            .hint("make a new plan with: muster plan --out FILE; a plan of a commit stays what it is"));
    }
    Ok(())
}

/// What a saved plan needs beside itself that was made with `--accept-shrink`.
const AGAIN: &str =
    "if the plan was made with --accept-shrink NAME, say that here too: a plan does not carry it";

/// Whether some source, or a part of one, is not believed.
fn doubted(prepared: &Prepared) -> bool {
    prepared.has_failed_source()
}

/// Asks for the word `yes` on a terminal; without one, or in CI, nothing can be approved. Ctrl-C is an answer too.
async fn approve(shell: &Shell, plan: &Plan, control: Control) -> Result<(), CliError> {
    if !prompt::can_ask(std::io::stdin().is_terminal(), shell.environment.ci) {
        return Err(CliError::refused("not applied: there is nobody to ask")
            .hint("look at the plan first, then use --auto-approve"));
    }
    let question = format!("{}.", Summary::of(plan).sentence());
    match prompt::asked(Arc::clone(&shell.ui), question, control).await {
        None => Err(CliError::reported(Exit::Interrupted)),
        Some(true) => Ok(()),
        Some(false) => Err(CliError::refused("not applied: the word yes was not given")),
    }
}

/// Brings the files that Muster sends into its cache, with progress.
async fn supply(
    shell: &Shell,
    opened: &Opened,
    rev: Option<&str>,
    cache: &dyn Cache,
    prepared: &Prepared,
    control: &Control,
) -> Result<Supplied, CliError> {
    let wanted = sending::of_plan(&opened.config, &prepared.snapshot, &prepared.planned.plan);
    if wanted.is_empty() {
        return Ok(Supplied::new());
    }
    let source = shell.source(opened, rev)?;
    let web = shell.http(None)?;
    let fetching = Fetching::new(&shell.ui, wanted.values());
    let events = |event: Event| {
        if shell.global.output == Form::Ndjson {
            // Whoever reads the events may go away; the run goes on.
            let stamped = Stamped { at: SystemClock.now(), event };
            _ = shell.ui.bytes(|out| report::events::ndjson(out, &stamped));
        } else {
            fetching.event(&event);
        }
    };
    let supply = Supply { cache, web: &web, source: &*source, clock: &SystemClock, events: &events, control };
    Ok(supply.run(&wanted).await)
}

#[expect(clippy::too_many_arguments, reason = "all that a run needs, once")]
async fn execute(
    shell: &mut Shell,
    opened: &Opened,
    links: &BTreeMap<Name, Link>,
    store: &dyn Store,
    prepared: &Prepared,
    control: &Control,
    command: &Apply,
    files: Files<'_>,
    concludes: bool,
) -> Result<RunOutcome, CliError> {
    let plan = &prepared.planned.plan;
    let secrets = shell.secrets(opened);
    let run = RunRecord {
        id: run_id(),
        started: SystemClock.now(),
        finished: None,
        commit: plan.revision.commit.clone(),
        plan: plan.digest.clone(),
        overrides: plan.options.overrides.clone(),
    };
    let progress = Mutex::new(Progress::new(&shell.ui, plan.sessions.len() as u64));
    let shell: &Shell = shell;
    let events = |event: Event| {
        // Whoever reads the events may go away; the run goes on, and its record is in the state.
        _ = tell(shell, &mut progress.lock().unwrap_or_else(PoisonError::into_inner), event, concludes);
    };
    let concurrency = command.concurrency.unwrap_or(opened.config.instance.concurrency);
    let dispatcher = Dispatcher {
        tools: Tools {
            config: &opened.config,
            store,
            secrets: &secrets,
            clock: &SystemClock,
            events: &events,
            files,
        },
        snapshot: &prepared.snapshot,
        links,
        concurrency: usize::try_from(concurrency).unwrap_or(usize::MAX),
        session_id: &session_id,
    };
    Ok(dispatcher.run(&run, plan, control).await?)
}

/// Tells an event in the form that was asked for. `concludes`: what became of the run belongs to the result.
fn tell(shell: &Shell, progress: &mut Progress<'_>, event: Event, concludes: bool) -> Result<(), CliError> {
    if shell.global.output == Form::Ndjson {
        let stamped = Stamped { at: SystemClock.now(), event };
        shell.ui.bytes(|out| report::events::ndjson(out, &stamped))?;
        return Ok(());
    }
    match &event {
        Event::RunFinished { counts, .. } if concludes => {
            shell.ui.data(|pen| pen.line(&report::events::finished(counts)))?;
        }
        event => progress.event(event),
    }
    Ok(())
}

/// What an apply means for the exit code: what is worst counts.
fn exit(prepared: &Prepared, outcome: Option<&RunOutcome>, control: &Control, command: &Apply) -> Exit {
    let counts = outcome.map(|outcome| outcome.counts.clone()).unwrap_or_default();
    if control.demand() != Demand::Run {
        Exit::Interrupted
    } else if counts.failed + counts.partly_passed > 0 {
        Exit::Failed
    } else if prepared.has_failed_source() {
        Exit::Source
    } else if counts.unreachable + counts.not_finished + counts.under_way > 0
        || super::plan::too_much_missing(&prepared.planned.plan, command.scope.allow_missing)
    {
        Exit::Incomplete
    } else {
        Exit::Done
    }
}
