//! `muster diff`: what two revisions want differently, without contacting anything.

use std::collections::BTreeMap;

use crate::cli::arguments::{Diff, Form};
use crate::cli::context::{Opened, Shell, SystemClock};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::inventory::collect;
use crate::inventory::known::Known;
use crate::inventory::snapshot::Snapshot;
use crate::plan::desired::{self, Side};
use crate::plan::gates::Run;
use crate::report;
use crate::report::style::{Label, Line};
use crate::store::{Store, StoredComputer};
use crate::time::Clock;

pub(in crate::cli) async fn run(shell: &mut Shell, command: &Diff) -> Result<Exit, CliError> {
    let base = shell.open(Some(&command.base))?;
    let head = shell.open(command.revision.rev.as_deref())?;
    let store = shell.store(&head).await?;
    let stored = store.computers().await?;
    let linked =
        |opened: &Opened, stored: &StoredComputer| opened.config.providers.contains_key(&stored.provider);
    let known: Vec<Known> = stored
        .iter()
        .filter(|stored| linked(&base, stored) || linked(&head, stored))
        .map(collect::as_remembered)
        .collect();
    let today = SystemClock.now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let relations = collect::relations(&stored, &store.sources().await?, today);
    let snapshot = |opened: &Opened| {
        let snapshot = Snapshot::build(&opened.config, known.clone(), BTreeMap::new()).0;
        snapshot.with_relations(&opened.config, &relations)
    };
    let (before, after) = (snapshot(&base), snapshot(&head));
    let diff = desired::compare(
        Side { config: &base.config, snapshot: &before },
        Side { config: &head.config, snapshot: &after },
        &Run::at(SystemClock.now()),
    );
    match shell.global.output {
        Form::Json => shell.ui.bytes(|out| report::json::document(out, "diff", &diff))?,
        Form::Ndjson => shell.ui.bytes(|out| report::desired::ndjson(out, &diff))?,
        form => {
            let name = |opened: &Opened| match &opened.revision.commit {
                Some(commit) if !opened.revision.dirty => commit.as_str().chars().take(7).collect(),
                Some(_) => "the working tree".to_owned(),
                None => "the files".to_owned(),
            };
            let title = format!("{} -> {}", name(&base), name(&head));
            if form == Form::Markdown {
                shell.ui.bytes(|out| report::desired::markdown(out, &title, &diff))?;
            } else {
                let view = shell.view(command.details);
                shell.ui.data(|pen| {
                    pen.line(&Line::new().with(Label::Heading, "What is wanted, ").with(Label::Code, title))?;
                    pen.gap()?;
                    report::desired::write(pen, &diff, &view)
                })?;
            }
        }
    }
    let differs = !diff.changes.is_empty() || !diff.deployments.is_empty();
    Ok(if command.detailed_exitcode && differs { Exit::Changes } else { Exit::Done })
}
