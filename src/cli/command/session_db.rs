//! `muster maintain screenconnect-db`: shows what fills the session database of a ConnectWise Control server, and takes old
//! commands and responses out of it.
//!
//! Not here: which rows those are, and how it is done (`upkeep`).

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use indicatif::ProgressBar;

use crate::cli::arguments::{Form, ScreenconnectDb};
use crate::cli::context::{Shell, SystemClock};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::output::Ui;
use crate::cli::{progress, prompt};
use crate::report::session_db::{self as report, Done, Looked};
use crate::report::style::Line;
use crate::report::words::{bytes, plural, thousands};
use crate::session::control::Control;
use crate::time::{Clock, Timestamp};
use crate::upkeep::clean::{self, CleanError, Event, Outcome, Settings};
use crate::upkeep::database::{Access, DatabaseError, Size};
use crate::upkeep::instant::Ticks;
use crate::upkeep::order::{Action, Order, Plan};
use crate::upkeep::survey::Survey;

/// The form of the document.
const FORM: &str = "screenconnect-db";

/// What was found before anything was done.
struct Found {
    size: Size,
    survey: Survey,
    plan: Option<Plan>,
}

pub(in crate::cli) async fn run(
    shell: &mut Shell,
    command: &ScreenconnectDb,
    control: &Control,
) -> Result<Exit, CliError> {
    let path = shell.environment.current_dir.join(&command.file);
    let now = SystemClock.now();
    let order =
        action(command).map(|action| Order::new(action, command.older_than, Ticks::of(now))).transpose()?;
    let found = look(shell, &path, order, Ticks::of(now)).await?;
    let name = command.file.display().to_string();
    let looked = Looked { file: &name, size: &found.size, survey: &found.survey };
    show(shell, &looked, found.plan.as_ref())?;
    let Some(plan) = &found.plan else {
        shell.document(FORM, &report::document(&looked, None, None))?;
        return Ok(Exit::Done);
    };
    for warning in report::warnings(plan) {
        shell.warned = true;
        shell.ui.warning(warning);
    }
    let allowed = match plan.due().rows {
        0 => Ok(false),
        _ => permit(shell, command, &path, plan, control).await.map(|()| true),
    };
    if !matches!(allowed, Ok(true)) {
        shell.document(FORM, &report::document(&looked, Some(plan), None))?;
        return allowed.map(|_| Exit::Done);
    }
    let settings = Settings {
        backup: (!command.no_backup).then(|| backup(command, &shell.environment.current_dir, &path, now)),
        batch: command.batch,
        compact: command.vacuum,
        in_use: command.while_in_use,
    };
    let outcome = carry_out(shell, &path, (plan, &found.survey, Ticks::of(now)), &settings, control).await?;
    let backup = settings.backup.as_ref().map(|path| path.display().to_string());
    let done = Done {
        changed: outcome.changed,
        stopped: outcome.stopped,
        backup: backup.as_deref(),
        before: found.size.file,
        after: outcome.size.file,
        free: outcome.size.free,
    };
    if !shell.document(FORM, &report::document(&looked, Some(plan), Some(done)))? {
        let write = |pen: &mut dyn crate::report::style::Pen| report::outcome(pen, plan, &done);
        match shell.global.output {
            Form::Human => shell.ui.data(write)?,
            _ => shell.ui.report(write),
        }
    }
    Ok(if outcome.stopped { Exit::Interrupted } else { Exit::Done })
}

fn action(command: &ScreenconnectDb) -> Option<Action> {
    match (command.soft_delete, command.delete) {
        (true, _) => Some(Action::SoftDelete),
        (_, true) => Some(Action::Delete),
        _ => None,
    }
}

/// Looks at the file, which stays as it is.
async fn look(shell: &Shell, path: &Path, order: Option<Order>, now: Ticks) -> Result<Found, CliError> {
    let failed = |error: DatabaseError| CliError::session_db(path, &error.into());
    let mut database = shell.session_db(path, Access::Read).await.map_err(failed)?;
    let size = database.size().await.map_err(failed)?;
    let (survey, tally) = clean::look(&mut *database, now, order).await.map_err(failed)?;
    let plan = tally.map(|tally| tally.plan(database.shape())).transpose()?;
    database.close().await.map_err(failed)?;
    Ok(Found { size, survey, plan })
}

/// Shows what was found. The forms for programs that are one document come at the end.
fn show(shell: &Shell, looked: &Looked<'_>, plan: Option<&Plan>) -> Result<(), CliError> {
    let view = shell.view(false);
    let others = looked.survey.others();
    match shell.global.output {
        Form::Human => shell.ui.data(|pen| {
            report::write(pen, looked, &view)?;
            plan.map_or(Ok(()), |plan| report::plan(pen, plan, &others, &view))
        })?,
        Form::Json | Form::Ndjson => {}
        _ => {
            shell.sheet(&report::sheet(looked.survey), "No events.", FORM, |rows| rows)?;
            if let Some(plan) = plan {
                shell.ui.report(|pen| report::plan(pen, plan, &others, &view));
            }
        }
    }
    Ok(())
}

/// Refuses a file that somebody has, and asks.
async fn permit(
    shell: &Shell,
    command: &ScreenconnectDb,
    path: &Path,
    plan: &Plan,
    control: &Control,
) -> Result<(), CliError> {
    let holders = shell.session_db_holders(path);
    if !command.while_in_use && !holders.is_empty() {
        return Err(CliError::session_db(path, &DatabaseError::Held(holders).into()));
    }
    if command.yes {
        return Ok(());
    }
    if !prompt::can_ask(std::io::stdin().is_terminal(), shell.environment.ci) {
        return Err(CliError::refused("nothing was changed: there is nobody to ask")
            .hint("look at the plan first, then use --yes"));
    }
    let backup = if command.no_backup { " There will be no backup." } else { "" };
    let question = format!("{}.{backup}", report::sentence(plan));
    let ui = Arc::clone(&shell.ui);
    let answer =
        tokio::task::spawn_blocking(move || prompt::agrees(&ui, &question, &mut std::io::stdin().lock()));
    let mut control = control.clone();
    tokio::select! {
        biased;
        () = control.asked() => Err(CliError::reported(Exit::Interrupted)),
        answer = answer => match answer {
            Ok(true) => Ok(()),
            _ => Err(CliError::refused("nothing was changed: the word yes was not given")),
        },
    }
}

/// Where the backup goes: `Session.db.backup-20261122T193559Z` beside the file, or where it is wanted.
fn backup(command: &ScreenconnectDb, folder: &Path, path: &Path, now: Timestamp) -> PathBuf {
    if let Some(backup) = &command.backup {
        return folder.join(backup);
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(now.strftime(".backup-%Y%m%dT%H%M%SZ").to_string());
    path.with_file_name(name)
}

async fn carry_out(
    shell: &Shell,
    path: &Path,
    given: (&Plan, &Survey, Ticks),
    settings: &Settings,
    control: &Control,
) -> Result<Outcome, CliError> {
    let failed = |error: CleanError| CliError::session_db(path, &error);
    let access = if settings.in_use { Access::Shared } else { Access::Alone };
    let mut database = shell.session_db(path, access).await.map_err(|error| failed(error.into()))?;
    let mut told = Told::new(&shell.ui, given.0.due().rows);
    let outcome =
        clean::carry_out(&mut *database, given, settings, control, &mut |event| told.event(&event)).await;
    drop(told);
    // What went wrong before is what is told.
    let closed = database.close().await;
    let outcome = outcome.map_err(failed)?;
    closed.map_err(|error| failed(error.into()))?;
    Ok(outcome)
}

/// Tells what goes on: a bar on a terminal, a line for each tenth elsewhere.
struct Told<'a> {
    ui: &'a Ui,
    bar: Option<ProgressBar>,
    tenth: u64,
}

impl<'a> Told<'a> {
    fn new(ui: &'a Ui, rows: u64) -> Self {
        Self { ui, bar: progress::bar_of(ui, rows, "rows"), tenth: 0 }
    }

    fn event(&mut self, event: &Event) {
        let say = |text: String| self.ui.status(&Line::new().text(text));
        match event {
            Event::RoomUnknown => {
                say("this system does not tell how much room there is; it was not checked".to_owned());
            }
            Event::BackingUp(to) => say(format!("writing the backup {}", to.display())),
            Event::BackedUp(to, size) => say(format!("backup {} checked: {}", to.display(), bytes(*size))),
            Event::Compacting => say("giving the freed space back".to_owned()),
            Event::Looking => say("looking at what is left".to_owned()),
            Event::Done(done, all) => {
                if let Some(bar) = &self.bar {
                    bar.set_position(*done);
                    return;
                }
                let tenth = done.saturating_mul(10).checked_div(*all).unwrap_or(10);
                if tenth > self.tenth {
                    self.tenth = tenth;
                    say(format!("{} of {}", thousands(*done), plural(*all, "row")));
                }
            }
        }
    }
}

impl Drop for Told<'_> {
    fn drop(&mut self) {
        self.ui.set_bar(None);
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
