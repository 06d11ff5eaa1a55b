//! `muster maintain`: tidies up the payload cache beside the state. One run at a time, as a run that sends files reads them.
//!
//! Not here: what its subcommands tidy up (`session_db`).

use serde::Serialize;

use crate::cli::arguments::{Maintain, Maintained};
use crate::cli::context::{Shell, SystemClock};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::payload::{Cache, Kept, outdated};
use crate::report::style::{Label, Line};
use crate::report::words::{ago, bytes, count, plural};
use crate::session::control::Control;
use crate::store::Store;
use crate::time::Clock;

/// The form of the document.
const FORM: &str = "maintain";

/// What programs read.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    /// Files that were deleted; with `--check`, that would be.
    gone: Vec<File>,
    /// Files that are left.
    left: Vec<File>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct File {
    sha256: String,
    size: u64,
    used: String,
    complete: bool,
}

impl File {
    fn of(kept: &Kept) -> Self {
        let Kept { sha256, size, used, complete } = kept;
        Self { sha256: sha256.as_str().to_owned(), size: *size, used: used.to_string(), complete: *complete }
    }
}

pub(in crate::cli) async fn run(
    shell: &mut Shell,
    command: &Maintain,
    control: &Control,
) -> Result<Exit, CliError> {
    match &command.what {
        Some(Maintained::ScreenconnectDb(command)) => super::session_db::run(shell, command, control).await,
        None => payloads(shell, command).await,
    }
}

async fn payloads(shell: &mut Shell, command: &Maintain) -> Result<Exit, CliError> {
    let opened = shell.open(None)?;
    let store = shell.store(&opened).await?;
    let holder = format!("maintain by {}", shell.environment.user.as_deref().unwrap_or("somebody"));
    let _lock = store.lock(&holder).await?;
    let cache = shell.payloads(&opened)?;
    let unusable = |why: String| CliError::invalid(why);
    let kept = cache.list().map_err(unusable)?;
    let now = SystemClock.now();
    let gone = outdated(&kept, now, command.unused_for, command.most);
    if !command.check {
        for file in &gone {
            cache.remove(&file.sha256).map_err(unusable)?;
        }
    }
    let left: Vec<&Kept> = kept.iter().filter(|file| !gone.contains(file)).collect();
    let report = Report {
        gone: gone.iter().map(File::of).collect(),
        left: left.iter().copied().map(File::of).collect(),
    };
    if shell.document(FORM, &report)? {
        return Ok(Exit::Done);
    }
    let sum = |files: &mut dyn Iterator<Item = &Kept>| {
        bytes(files.map(|file| file.size).fold(0, u64::saturating_add))
    };
    let word = if command.check { "would be deleted" } else { "deleted" };
    shell.ui.data(|pen| {
        for file in &gone {
            let line = Line::new().with(Label::Code, file.sha256.short()).text(format!(
                "  {}, used {}",
                bytes(file.size),
                ago(file.used, now)
            ));
            pen.line(&if file.complete { line } else { line.with(Label::Dim, "  not complete") })?;
        }
        pen.line(&Line::new().text(format!(
            "{} {word} ({}), {} left ({})",
            plural(count(gone.len()), "payload"),
            sum(&mut gone.iter()),
            plural(count(left.len()), "payload"),
            sum(&mut left.iter().copied()),
        )))
    })?;
    Ok(Exit::Done)
}
