//! What goes wrong at the edge: one error with an exit code, its sources, and hints.
//!
//! Invariants: the kind decides the exit code, in one table; hints are made here, from what went wrong, and never stand in
//! a library error's text; a message never repeats its source.

use std::error::Error;
use std::fmt;
use std::path::Path;

use super::exit::Exit;
use super::output::Ui;
use crate::config::git::GitError;
use crate::config::worktree::WorktreeError;
use crate::diagnostic::nearest;
use crate::id::{InvalidName, Name};
use crate::store::StoreError;
use crate::targets::LineError;
use crate::upkeep::clean::CleanError;
use crate::upkeep::database::DatabaseError;
use crate::upkeep::order::OrderError;

/// An error that ends the program.
#[derive(Debug)]
pub struct CliError {
    /// The exit code.
    pub exit: Exit,
    /// What went wrong; `None` when it has been reported already.
    pub message: Option<String>,
    /// Why.
    pub source: Option<Box<dyn Error + Send + Sync>>,
    /// What the user can do.
    pub hints: Vec<String>,
}

impl CliError {
    fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: Some(message.into()), source: None, hints: Vec::new() }
    }

    /// Everything has been said already.
    #[must_use]
    pub fn reported(exit: Exit) -> Self {
        Self { exit, message: None, source: None, hints: Vec::new() }
    }

    /// What was typed cannot be done (64).
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// A file of ours or the user's cannot be used (3).
    #[must_use]
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Exit::Configuration, message)
    }

    /// It was refused (6).
    #[must_use]
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(Exit::Refused, message)
    }

    /// The saved plan does not hold any more (7).
    #[must_use]
    pub fn stale(message: impl Into<String>) -> Self {
        Self::new(Exit::Stale, message)
    }

    /// A file could not be read or written (1).
    #[must_use]
    pub fn io(what: &str, path: &Path, error: std::io::Error) -> Self {
        Self {
            source: Some(Box::new(error)),
            ..Self::new(Exit::Error, format!("cannot {what} {}", path.display()))
        }
    }

    /// A file that was named cannot be read: there is none (64), or something else happened (1).
    #[must_use]
    pub fn named(path: &Path, error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::NotFound => {
                Self::new(Exit::Usage, format!("cannot read {}: there is no such file", path.display()))
            }
            _ => Self::io("read", path, error),
        }
    }

    /// A repository without files, and no revision was named (3).
    #[must_use]
    pub fn bare(start: &Path) -> Self {
        Self::new(
            Exit::Configuration,
            format!("{} is a bare repository, which has no files", start.display()),
        )
        .hint("name a revision: --rev REV; what writes files needs a clone with a working tree")
    }

    /// There is no muster.yaml (3).
    #[must_use]
    pub fn no_repository(start: &Path) -> Self {
        Self::new(
            Exit::Configuration,
            format!("there is no muster.yaml in {} or a folder above it", start.display()),
        )
        .hint("name the repository with -C PATH, or begin one with: muster init PATH")
    }

    /// A provider's files cannot be used (3).
    #[must_use]
    pub fn provider(name: &Name, error: &(dyn Error + 'static)) -> Self {
        Self::new(Exit::Configuration, format!("provider {name}: {error}"))
    }

    /// The file of a directory or PSA cannot be used (3).
    #[must_use]
    pub fn source(kind: &str, name: &Name, file: &str, error: &str) -> Self {
        Self::new(Exit::Configuration, format!("{kind} {name}: the file {file} is wrong: {error}"))
    }

    /// A one-line selector cannot be read (64).
    #[must_use]
    pub fn selector(line: &str, error: &LineError) -> Self {
        Self::new(Exit::Usage, format!("the selectors {line:?} cannot be read: {error}"))
            .hint("write them as tenant:contoso,role:server,not:tag:kiosk")
    }

    /// A name is not known (64).
    #[must_use]
    pub fn unknown<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let error = Self::new(Exit::Usage, format!("there is no {what} {name}"));
        match nearest(name, known) {
            Some(near) => error.hint(format!("did you mean {near}?")),
            None => error,
        }
    }

    /// Says it and its hints on standard error, unless it has been said.
    pub fn tell(&self, ui: &Ui) {
        if self.message.is_some() {
            ui.error(self.to_string());
        }
        for hint in &self.hints {
            ui.hint(hint);
        }
    }

    /// Adds what the user can do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(message) = &self.message else { return Ok(()) };
        f.write_str(message)?;
        let mut source = self.source.as_deref().map(|source| source as &dyn Error);
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        let (exit, hint) = match &error {
            StoreError::Locked { .. } => (Exit::Locked, Some("wait until it has ended, then try again")),
            StoreError::Open { unusable: true, .. } => {
                (Exit::Error, Some("the state is a cache with a journal: moved away, it is made anew"))
            }
            StoreError::Open { unusable: false, .. } => (
                Exit::Error,
                Some(
                    "look whether the disk is full and the folder may be written; leave the file where it is",
                ),
            ),
            StoreError::TooNew { .. } | StoreError::Failed { .. } | StoreError::Broken { .. } => {
                (Exit::Error, None)
            }
        };
        let new = Self::new(exit, error.to_string());
        let source = error.source().map(std::string::ToString::to_string);
        let new = match source {
            Some(source) => Self { source: Some(source.into()), ..new },
            None => new,
        };
        match hint {
            Some(hint) => new.hint(hint),
            None => new,
        }
    }
}

impl CliError {
    /// A session database cannot be read or worked on.
    #[must_use]
    pub fn session_db(path: &Path, error: &CleanError) -> Self {
        let (exit, hint) = match error {
            CleanError::Database(DatabaseError::Missing) => (Exit::Usage, None),
            CleanError::Database(DatabaseError::Header(_) | DatabaseError::Shape(_)) => {
                (Exit::Configuration, None)
            }
            CleanError::Database(DatabaseError::Held(_)) => (
                Exit::Locked,
                Some(
                    "stop the server (the service ScreenConnect Session Manager) first, or say --while-in-use",
                ),
            ),
            CleanError::Room { .. } => (
                Exit::Refused,
                Some("name another place with --backup FILE, or leave --vacuum out; nothing was changed"),
            ),
            CleanError::Damaged(_) => {
                (Exit::Configuration, Some("restore a backup of the server; nothing was changed"))
            }
            CleanError::Copy(_) => (Exit::Error, Some("nothing was changed")),
            CleanError::Lost { .. } => (Exit::Error, Some("restore the backup, and report this")),
            CleanError::Database(_) => (Exit::Error, None),
        };
        let new = Self::new(exit, format!("{}: {error}", path.display()));
        let source = error.source().map(|source| source.to_string().into());
        let new = Self { source, ..new };
        match hint {
            Some(hint) => new.hint(hint),
            None => new,
        }
    }
}

impl From<OrderError> for CliError {
    fn from(error: OrderError) -> Self {
        let exit = if error == OrderError::TooYoung { Exit::Usage } else { Exit::Refused };
        let new = Self::new(exit, error.to_string());
        match error {
            OrderError::NoAttributes(_) => new.hint("--delete needs no such column; nothing was changed"),
            OrderError::Obstacle { .. } => new.hint("nothing was changed"),
            OrderError::TooYoung => new,
        }
    }
}

impl From<GitError> for CliError {
    fn from(error: GitError) -> Self {
        let source = error.source().map(|source| source.to_string().into());
        let exit = match &error {
            // A wrong name, as any other that was typed.
            GitError::UnknownRevision { .. } | GitError::NotACommit { .. } => Exit::Usage,
            _ => Exit::Configuration,
        };
        let new = Self { source, ..Self::new(exit, error.to_string()) };
        match error {
            GitError::UnknownRevision { shallow: true, .. } => new.hint(
                "this clone is shallow and has the newest commits only: git fetch --unshallow brings the others, and \
                 fetch-depth: 0 where actions/checkout makes the clone",
            ),
            _ => new,
        }
    }
}

impl From<WorktreeError> for CliError {
    fn from(error: WorktreeError) -> Self {
        let source = error.source().map(|source| source.to_string().into());
        Self { source, ..Self::new(Exit::Configuration, error.to_string()) }
    }
}

impl From<InvalidName> for CliError {
    fn from(error: InvalidName) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<std::io::Error> for CliError {
    fn from(error: std::io::Error) -> Self {
        Self { source: Some(Box::new(error)), ..Self::new(Exit::Error, "cannot write the output") }
    }
}
