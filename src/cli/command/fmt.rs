//! `muster fmt`: the one way to write the repository's YAML.

#![expect(clippy::disallowed_methods, reason = "rewrites the files that the user named")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;

use crate::cli::arguments::{Fmt, Form};
use crate::cli::context::Shell;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::config::format::format;
use crate::config::spanned::text_of;
use crate::diagnostic::{Findings, Sources};
use crate::report::style::Line;
use crate::report::words::{count, plural};
use crate::report::{self, diagnostic, difference};

pub(in crate::cli) fn run(shell: &mut Shell, command: &Fmt) -> Result<Exit, CliError> {
    let files = files(shell, &command.paths)?;
    let (mut findings, mut sources) = (Findings::new(), Sources::new());
    let mut changed: Vec<String> = Vec::new();
    let writes = !command.check && !command.diff;
    for path in &files {
        let name: Arc<str> = shown(shell, path).into();
        let bytes = std::fs::read(path).map_err(|error| CliError::named(path, error))?;
        let text = match text_of(&name, &bytes) {
            Ok(text) => text,
            Err(finding) => {
                findings.push(*finding);
                continue;
            }
        };
        let new = match format(&name, &text) {
            Ok(new) => new,
            Err(faults) => {
                sources.insert(name, text);
                findings.extend(faults);
                continue;
            }
        };
        if *new == *text {
            continue;
        }
        changed.push(name.to_string());
        if command.diff {
            shell.ui.data(|pen| difference::write(pen, &name, &text, &new))?;
        } else if shell.global.output == Form::Human {
            shell.ui.data(|pen| pen.line(&Line::new().text(&*name)))?;
        } else if shell.global.output == Form::Ndjson {
            let file = json!({ "file": &*name, "written": writes });
            shell.ui.bytes(|out| report::json::event(out, "file", &file))?;
        }
        if writes {
            crate::cli::reports::replace_with(path, new.as_bytes())
                .map_err(|error| CliError::io("write", path, error))?;
        }
    }
    match shell.global.output {
        Form::Json => {
            let found = diagnostic::json(&findings, &sources).findings;
            let value = json!({
                "files": files.len(), "changed": changed, "written": writes, "findings": found,
            });
            shell.ui.bytes(|out| report::json::document(out, "fmt", &value))?;
        }
        Form::Ndjson => {
            for finding in diagnostic::json(&findings, &sources).findings {
                shell.ui.bytes(|out| report::json::event(out, "finding", &finding))?;
            }
        }
        _ => shell.report(&findings, &sources),
    }
    let all = plural(count(files.len()), "file");
    let said = match (changed.len(), writes) {
        (0, _) => format!("{all}, nothing to format"),
        (number, false) => format!("{number} of {all} would be formatted"),
        (number, true) => format!("{number} of {all} formatted"),
    };
    shell.ui.status(&Line::new().text(said));
    Ok(if findings.has_errors() {
        Exit::Configuration
    } else if command.check && !changed.is_empty() {
        Exit::Changes
    } else {
        Exit::Done
    })
}

/// The files that were named, those below the folders that were, or all of the repository's.
fn files(shell: &Shell, paths: &[PathBuf]) -> Result<BTreeSet<PathBuf>, CliError> {
    if paths.is_empty() {
        return Ok(shell.configuration_files(None)?.into_iter().collect());
    }
    let mut files = BTreeSet::new();
    for path in paths {
        let path = shell.environment.current_dir.join(path);
        let found = std::fs::metadata(&path).map_err(|error| CliError::named(&path, error))?;
        if found.is_dir() {
            files.extend(shell.configuration_files(Some(&path))?);
        } else {
            files.insert(path);
        }
    }
    Ok(files)
}

/// A path as it is read most easily: below the current folder.
fn shown(shell: &Shell, path: &Path) -> String {
    path.strip_prefix(&shell.environment.current_dir).unwrap_or(path).display().to_string()
}
