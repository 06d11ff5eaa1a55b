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

fn replace(path: &Path, format: Format, model: &Model<'_>) -> io::Result<()> {
    let mut bytes = Vec::new();
    format.write(&mut bytes, model)?;
    replace_with(path, &bytes)
}

/// Writes a file beside its place and moves it there, so that nobody reads half of it. It keeps its mode, and its owner
/// where the system lets it. What is no regular file, such as a pipe, is written to, and so is a file of several names,
/// which would be parted from the others: only once there is a whole copy beside it, which takes its place where that
/// fails.
///
/// # Errors
/// What the file system says. What was there before is there still.
pub(super) fn replace_with(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return std::fs::OpenOptions::new().write(true).open(path)?.write_all(bytes);
    }
    // A link stays a link: what it leads to is replaced.
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.{}.part", std::process::id()));
    let written = std::fs::File::create(&beside)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| match std::fs::metadata(&path) {
            Ok(before) => {
                keep_owner(&beside, &before);
                std::fs::set_permissions(&beside, before.permissions())
            }
            Err(_) => Ok(()),
        });
    if written.is_ok() && has_several_names(&path) && write_over(&path, bytes).is_ok() {
        return std::fs::remove_file(&beside);
    }
    let written = written.and_then(|()| std::fs::rename(&beside, &path));
    if written.is_err() {
        // The error says what went wrong; what is left of the attempt is of no use.
        _ = std::fs::remove_file(&beside);
    }
    written
}

/// Writes into a file as it is.
fn write_over(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = std::fs::OpenOptions::new().write(true).open(path)?;
    file.write_all(bytes)?;
    file.set_len(u64::try_from(bytes.len()).unwrap_or(u64::MAX))?;
    file.sync_all()
}

/// Gives a new file the owner and the group of the one that it replaces. Whoever may not do so gets a file of their own.
#[cfg(unix)]
fn keep_owner(new: &Path, before: &std::fs::Metadata) {
    use std::os::unix::fs::{MetadataExt as _, chown};
    let now = std::fs::metadata(new).ok().map(|now| (now.uid(), now.gid()));
    if now != Some((before.uid(), before.gid()))
        && chown(new, Some(before.uid()), Some(before.gid())).is_err()
    {
        // The group alone is often allowed.
        _ = chown(new, None, Some(before.gid()));
    }
}

#[cfg(not(unix))]
fn keep_owner(_: &Path, _: &std::fs::Metadata) {}

/// Whether a file has more names than this one.
#[cfg(unix)]
fn has_several_names(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(path).is_ok_and(|found| found.nlink() > 1)
}

#[cfg(not(unix))]
fn has_several_names(_: &Path) -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};

    use super::*;

    #[test]
    fn a_file_that_is_replaced_keeps_its_mode_its_owner_and_its_other_names() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        for (name, again) in [("alone", false), ("linked", true)] {
            std::fs::write(at(name), "something that is longer than what comes").expect("written");
            std::fs::set_permissions(at(name), std::fs::Permissions::from_mode(0o640)).expect("a mode");
            // Only root may give a file away; for others it stays their own.
            let owner =
                if chown(at(name), Some(1234), Some(1235)).is_ok() { Some((1234, 1235)) } else { None };
            if again {
                std::fs::hard_link(at(name), at("second")).expect("a second name");
            }
            replace_with(&at(name), b"new").expect("replaced");
            let found = std::fs::metadata(at(name)).expect("there");
            assert_eq!(std::fs::read(at(name)).expect("read"), b"new");
            assert_eq!(found.permissions().mode() & 0o777, 0o640);
            if let Some(owner) = owner {
                assert_eq!((found.uid(), found.gid()), owner);
            }
        }
        assert_eq!(std::fs::read(at("second")).expect("read"), b"new", "both names are of one file");
        let mut left: Vec<_> = std::fs::read_dir(folder.path())
            .expect("listed")
            .map(|entry| entry.expect("one").file_name())
            .collect();
        left.sort();
        assert_eq!(left, ["alone", "linked", "second"], "nothing is left beside them");
    }
}
