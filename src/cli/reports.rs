//! The reports that were asked for with `--report`: worked out once, written whole or not at all.
//!
//! Invariant: they are written whatever the exit code will be, so that a pipeline that fails still shows why.

#![expect(clippy::disallowed_methods, reason = "writes the report files that the user named")]

use std::io::{self, Write};
use std::path::Path;

use super::arguments::{Reports, Wanted};
use super::context::{Opened, Shell};
use super::error::CliError;
use crate::diagnostic::{Findings, Sources};
use crate::plan::document::Plan;
use crate::report::formats::Format;
use crate::report::model::{ChangedLines, Model, Run};

/// What the reports of one command are about, apart from its plan and findings.
#[derive(Debug)]
pub(super) struct Reporting {
    command: &'static str,
    wanted: Vec<Wanted>,
    changed: ChangedLines,
    folder: String,
}

impl Reporting {
    /// What was asked for.
    ///
    /// # Errors
    /// When standard output is wanted twice (exit 64), or the base cannot be compared with.
    pub(super) fn new(
        shell: &Shell,
        command: &'static str,
        reports: &Reports,
        rev: Option<&str>,
    ) -> Result<Self, CliError> {
        let out = reports.report.iter().filter(|wanted| wanted.path.is_none());
        if out.count() > 1 {
            return Err(CliError::usage("only one report can be written to standard output"));
        }
        let (changed, folder) = shell.changes(reports.base.as_deref(), rev)?;
        Ok(Self { command, wanted: reports.report.clone(), changed, folder })
    }

    /// Whether standard output belongs to one of the reports.
    pub(super) fn takes_output(&self) -> bool {
        self.wanted.iter().any(|wanted| wanted.path.is_none())
    }

    /// What the reports say.
    pub(super) fn model<'a>(
        &'a self,
        plan: Option<&'a Plan>,
        findings: &'a Findings,
        sources: &'a Sources,
    ) -> Model<'a> {
        let Self { command, changed, folder, .. } = self;
        Model::of(Run { command, plan, findings, sources, changed, folder })
    }

    /// Writes all of them. Every one is tried; the first that fails is the error.
    ///
    /// # Errors
    /// When one cannot be written (exit 1).
    pub(super) fn write(&self, shell: &Shell, model: &Model<'_>) -> Result<(), CliError> {
        let mut result = Ok(());
        for wanted in &self.wanted {
            let written = match &wanted.path {
                None => shell.ui.bytes(|out| wanted.format.write(out, model)).map_err(CliError::from),
                Some(path) => {
                    let path = shell.environment.current_dir.join(path);
                    replace(&path, wanted.format, model)
                        .map_err(|error| CliError::io("write the report", &path, error))
                }
            };
            result = result.and(written);
        }
        result
    }

    /// Reads the configuration as [`Shell::open`] does; when it cannot be used, the reports say why.
    ///
    /// # Errors
    /// As [`Shell::open`].
    pub(super) fn open(&self, shell: &mut Shell, rev: Option<&str>) -> Result<Opened, CliError> {
        let (root, loaded) = shell.load(rev)?;
        if loaded.config.is_none() || loaded.findings.has_errors() {
            self.write(shell, &self.model(None, &loaded.findings, &loaded.sources))?;
        }
        shell.opened(root, loaded)
    }
}

/// Writes a report beside its place and moves it there, so that nobody reads half of one. What is no regular file, such as
/// a pipe, is written to.
fn replace(path: &Path, format: Format, model: &Model<'_>) -> io::Result<()> {
    let mut bytes = Vec::new();
    format.write(&mut bytes, model)?;
    if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return std::fs::OpenOptions::new().write(true).open(path)?.write_all(&bytes);
    }
    // A link stays a link: what it leads to is replaced.
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.{}.part", std::process::id()));
    let written = std::fs::File::create(&beside)
        .and_then(|mut file| file.write_all(&bytes).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&beside, &path));
    if written.is_err() {
        // The error says what went wrong; what is left of the attempt is of no use.
        _ = std::fs::remove_file(&beside);
    }
    written
}
