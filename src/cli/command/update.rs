//! `muster update`: moves the lock file to what the sources offer now.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};

use indicatif::ProgressBar;
use serde::Serialize;

use crate::cli::arguments::{Form, Update};
use crate::cli::context::{Shell, SystemClock, this_computer};
use crate::cli::environment::SystemSecrets;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::{files, progress};
use crate::config::Config;
use crate::config::lock::{self, LOCK_FILE, Lock, Merged};
use crate::id::Name;
use crate::report::json;
use crate::report::style::Line;
use crate::report::update as view;
use crate::session::control::Control;
use crate::session::script::Platform;
use crate::version::source::choose::Hold;
use crate::version::source::moves::{Moves, Row, Status};
use crate::version::update::{Event, Found, Updated, Updater, Wanted};

/// What programs read.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    /// Whether the lock file is another one; with `--check`, whether it would be.
    changed: bool,
    written: bool,
    software: &'a [Row],
}

pub(in crate::cli) async fn run(
    shell: &mut Shell,
    command: &Update,
    control: &Control,
) -> Result<Exit, CliError> {
    let (root, mut loaded) = shell.load_for_update()?;
    let findings = std::mem::take(&mut loaded.findings);
    shell.report(&findings, &loaded.sources);
    let Some(config) = loaded.config.filter(|_| !findings.has_errors()) else {
        return Err(CliError::reported(Exit::Configuration));
    };
    let old = loaded.lock.unwrap_or_default();
    let names = names(&config, &old, &command.names)?;
    let none = BTreeSet::new();
    let mut wanted = Vec::new();
    for software in config.software.values().filter(|software| names.contains(&software.metadata.name)) {
        if let Some(source) = &software.source {
            wanted.push(Wanted {
                software,
                source,
                asked: loaded.asked.get(&software.metadata.name).unwrap_or(&none),
                locked: old.software.get(&software.metadata.name),
            });
        }
    }
    let updated = ask(shell, &root, command, &wanted, control).await?;
    let (new, mut rows) = settle(&config, &old, &names, updated);
    let changed = new.software != old.software;
    let written = changed && !command.check && write(&root, &old, &new, &mut rows)?;
    let form = if command.json { Form::Json } else { shell.global.output };
    match form {
        Form::Json => {
            let report = Report { changed, written, software: &rows };
            shell.ui.bytes(|out| json::document(out, "update", &report))?;
        }
        Form::Ndjson => {
            for row in &rows {
                shell.ui.bytes(|out| json::event(out, "software", row))?;
            }
        }
        Form::Markdown => {
            let sheet = view::sheet(&rows);
            shell.ui.bytes(|out| sheet.markdown(out, "No software has a source."))?;
        }
        _ => {
            let form = shell.view(false);
            let all = !command.names.is_empty();
            shell.ui.data(|pen| view::write(pen, &rows, all, &form))?;
        }
    }
    if written && form != Form::Json && form != Form::Ndjson {
        shell.ui.status(&Line::new().text(if rows.iter().any(Row::moves_versions) {
            format!("{LOCK_FILE} is written; commit it to move what is planned")
        } else {
            format!("{LOCK_FILE} is written with the new settings of sources; no version moved")
        }));
    }
    let went_wrong = rows.iter().any(|row| matches!(row.status, Status::Failed | Status::Held));
    Ok(match (went_wrong, command.check && changed) {
        (true, _) => Exit::Source,
        (false, true) => Exit::Changes,
        (false, false) => Exit::Done,
    })
}

/// The software that is looked after: those named, or all with a source or an entry.
fn names(config: &Config, old: &Lock, given: &[String]) -> Result<BTreeSet<Name>, CliError> {
    let with_source =
        || config.software.values().filter(|software| software.source.is_some()).map(|s| &s.metadata.name);
    if given.is_empty() {
        return Ok(with_source().chain(old.software.keys()).cloned().collect());
    }
    let mut names = BTreeSet::new();
    for text in given {
        let known: BTreeSet<&str> = with_source().chain(old.software.keys()).map(Name::as_str).collect();
        let name = Name::new(text).ok().filter(|_| known.contains(text.as_str()));
        names.insert(name.ok_or_else(|| CliError::unknown("software with a source called", text, known))?);
    }
    Ok(names)
}

async fn ask(
    shell: &Shell,
    root: &Path,
    command: &Update,
    wanted: &[Wanted<'_>],
    control: &Control,
) -> Result<Vec<Updated>, CliError> {
    let http = shell.http(command.timeout)?;
    let host = shell.this_host(root);
    let local =
        this_computer(&shell.environment).ok_or_else(|| CliError::invalid("scripts cannot be run here"))?;
    let secrets = SystemSecrets { root: root.to_owned() };
    let bar = Bar::new(shell, wanted.len());
    let updater = Updater {
        web: &http,
        host: &host,
        local: &local,
        platform: if cfg!(windows) { Platform::Windows } else { Platform::Posix },
        secrets: &secrets,
        clock: &SystemClock,
        allow_older: command.allow_older,
        progress: &|event| bar.event(event),
    };
    let mut control = control.clone();
    // Nothing is written before all have answered, so that stopping leaves everything as it was.
    tokio::select! {
        all = updater.run(wanted) => Ok(all),
        () = control.asked() => Err(CliError::reported(Exit::Interrupted)),
    }
}

/// The new lock, and what came of each software.
fn settle(config: &Config, old: &Lock, names: &BTreeSet<Name>, updated: Vec<Updated>) -> (Lock, Vec<Row>) {
    let mut new = Lock { software: old.software.clone(), ..Lock::default() };
    let mut rows = Vec::new();
    let mut results: std::collections::BTreeMap<Name, _> =
        updated.into_iter().map(|updated| (updated.name, updated.result)).collect();
    for name in names {
        let software = config.software.get(name);
        let scheme = software.map(|software| software.scheme).unwrap_or_default();
        let place = software.and_then(|software| software.source.as_ref()).map(|source| source.place.clone());
        let before = old.software.get(name);
        let row = match results.remove(name) {
            Some(Ok(Found { locked, held, mut notes })) => {
                let moves = Moves::between(scheme, before, Some(&locked));
                let status = match (held.is_empty(), moves.is_empty()) {
                    (false, _) => Status::Held,
                    (true, true) => Status::Unchanged,
                    (true, false) => Status::Moved,
                };
                notes.extend(held.into_iter().map(|Hold { range, locked, offered }| {
                    let range = range.map(|range| format!("for {range} ")).unwrap_or_default();
                    format!("{range}the source offers {offered} at most, and {locked} is locked; --allow-older takes it")
                }));
                new.software.insert(name.clone(), locked);
                Row { notes, ..Row::new(name.clone(), place, status, moves) }
            }
            Some(Err(error)) => {
                let moves = Moves::between(scheme, before, before);
                Row { error: Some(error.to_string()), ..Row::new(name.clone(), place, Status::Failed, moves) }
            }
            None => {
                new.software.remove(name);
                Row::new(name.clone(), place, Status::Gone, Moves::between(scheme, before, None))
            }
        };
        rows.push(row);
    }
    (new, rows)
}

/// Writes what moved into the lock file as it is by now: another update may have written it meanwhile. Whether it is another
/// one then.
fn write(root: &Path, old: &Lock, new: &Lock, rows: &mut [Row]) -> Result<bool, CliError> {
    let path = root.join(LOCK_FILE);
    let alone = files::alone(root);
    let now = match files::content(&path).map_err(|error| CliError::io("read", &path, error))? {
        Some(bytes) => {
            let (now, _) = lock::read(&Arc::from(LOCK_FILE), &String::from_utf8_lossy(&bytes));
            now.ok_or_else(|| {
                CliError::invalid(format!("{LOCK_FILE} was changed meanwhile and cannot be used"))
                    .hint("muster validate says what is wrong with it")
            })?
        }
        None => Lock::default(),
    };
    let Merged { lock: merged, theirs } = lock::merge(old, new, &now);
    for row in rows.iter_mut().filter(|row| theirs.contains(&row.name)) {
        row.status = Status::Failed;
        row.error = Some(
            "its entry was changed by somebody else meanwhile, and stays; run muster update again".to_owned(),
        );
    }
    let differs = merged.software != now.software;
    if differs {
        files::replace(&path, merged.text().as_bytes())
            .map_err(|error| CliError::io("write", &path, error))?;
    }
    drop(alone);
    Ok(differs)
}

/// Shows how far things are: sources that are done, and bytes of the file that was heard of last.
struct Bar<'a> {
    shell: &'a Shell,
    drawn: Option<ProgressBar>,
    done: Mutex<u64>,
}

impl<'a> Bar<'a> {
    fn new(shell: &'a Shell, sources: usize) -> Self {
        let drawn = progress::bar_of(&shell.ui, crate::report::words::count(sources), "sources");
        Self { shell, drawn, done: Mutex::new(0) }
    }

    fn event(&self, event: Event<'_>) {
        let Some(bar) = &self.drawn else { return };
        match event {
            Event::Bytes(name, done, Some(total)) => {
                let percent = done.saturating_mul(100).checked_div(total).unwrap_or(100);
                bar.set_message(format!("{name} {percent}% of {}", size(total)));
            }
            Event::Bytes(name, done, None) => bar.set_message(format!("{name} {}", size(done))),
            Event::Done(_) => {
                let mut done = self.done.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                *done += 1;
                bar.set_position(*done);
            }
        }
    }
}

impl Drop for Bar<'_> {
    fn drop(&mut self) {
        self.shell.ui.set_bar(None);
        if let Some(bar) = &self.drawn {
            bar.finish_and_clear();
        }
    }
}

fn size(bytes: u64) -> String {
    indicatif::HumanBytes(bytes).to_string()
}
