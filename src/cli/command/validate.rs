//! `muster validate`: every mistake of a revision in one run.

use serde::Serialize;

use crate::cli::arguments::{Form, Validate};
use crate::cli::context::{Shell, SystemClock};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::reports::Reporting;
use crate::plan::document::Revision;
use crate::plan::lint;
use crate::policy::judge;
use crate::report::diagnostic::FindingsJson;
use crate::report::words::{count, plural};
use crate::report::{self, diagnostic};
use crate::time::Clock;

/// What programs read.
#[derive(Serialize)]
struct Validated<'a> {
    valid: bool,
    revision: &'a Revision,
    #[serde(flatten)]
    findings: FindingsJson,
}

pub(in crate::cli) fn run(shell: &mut Shell, command: &Validate) -> Result<Exit, CliError> {
    let rev = command.revision.rev.as_deref();
    let reporting = Reporting::new(shell, "validate", &command.reports, rev)?;
    let (_, mut loaded) = shell.load(rev)?;
    if let Some(config) = &loaded.config {
        loaded.findings.extend(lint::configuration(config, SystemClock.now()));
        loaded.findings.sort();
    }
    let mut findings = loaded.findings.clone();
    let valid = loaded.config.is_some() && !findings.has_errors();
    let judged =
        loaded.config.as_ref().map(|config| judge::validate(config, SystemClock.now())).unwrap_or_default();
    findings.extend(judged.findings());
    findings.sort();
    let findings = &findings;
    shell.warned |= findings.iter().any(|finding| !finding.is_error());
    let model = reporting.model(None, findings, &loaded.sources);
    reporting.write(shell, &model)?;
    match shell.global.output {
        _ if reporting.takes_output() => shell.report(findings, &loaded.sources),
        Form::Markdown => shell.ui.bytes(|out| report::markdown::write(out, &model))?,
        Form::Html => shell.ui.bytes(|out| report::html::write(out, &model))?,
        Form::Json => {
            let value = Validated {
                valid: valid && !judged.is_refused(),
                revision: &loaded.revision,
                findings: diagnostic::json(findings, &loaded.sources),
            };
            shell.ui.bytes(|out| report::json::document(out, "findings", &value))?;
        }
        Form::Ndjson => {
            for finding in &diagnostic::json(findings, &loaded.sources).findings {
                shell.ui.bytes(|out| report::json::event(out, "finding", finding))?;
            }
        }
        Form::Human | Form::Csv => {
            shell.answer(findings, &loaded.sources)?;
            if let (true, false, Some(config)) = (valid, judged.is_refused(), &loaded.config) {
                let said = format!(
                    "Valid: {} of {} software and {}, {}, {}, {}",
                    plural(count(config.deployments.len()), "deployment"),
                    config.software.len(),
                    plural(count(config.tasks.len()), "task"),
                    plural(count(config.targets.len()), "target"),
                    plural(count(config.tenants.len()), "tenant"),
                    plural(count(config.providers.len()), "provider"),
                );
                shell.ui.bytes(|out| writeln!(out, "{said}"))?;
            }
        }
    }
    Ok(match (valid, judged.is_refused()) {
        (false, _) => Exit::Configuration,
        (true, true) => Exit::Refused,
        (true, false) => Exit::Done,
    })
}
