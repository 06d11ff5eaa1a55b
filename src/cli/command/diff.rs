//! `muster diff`: what two revisions want differently, without contacting anything.

use std::collections::{BTreeMap, BTreeSet};

use roaring::RoaringBitmap;

use crate::cli::arguments::{Diff, Form};
use crate::cli::context::{Opened, Shell, SystemClock, readers};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::id::ComputerId;
use crate::inventory::collect::{self, Asking, OfRevision, Sources};
use crate::inventory::identify::Memory;
use crate::inventory::known::Known;
use crate::inventory::relations::Relations;
use crate::inventory::snapshot::Snapshot;
use crate::plan::desired::{self, Side};
use crate::plan::gates::Run;
use crate::report;
use crate::report::style::{Label, Line};
use crate::store::{KeptSource, Store, StoredComputer};
use crate::targets::Named;
use crate::time::Clock;

pub(in crate::cli) async fn run(shell: &mut Shell, command: &Diff) -> Result<Exit, CliError> {
    let base = shell.open(Some(&command.base))?;
    let head = shell.open(command.revision.rev.as_deref())?;
    let store = shell.store(&head).await?;
    let (stored, kept) = (store.computers().await?, store.sources().await?);
    let memory = store.identification().await?;
    let was = known(shell, &base, &stored, &memory, &kept).await?;
    let is = known(shell, &head, &stored, &memory, &kept).await?;
    let by_id = |known: Vec<Known>| -> BTreeMap<ComputerId, Known> {
        known.into_iter().map(|computer| (computer.id.clone(), computer)).collect()
    };
    let (mut before, mut after) = (by_id(was.known), by_id(is.known));
    let (old, new): (BTreeSet<_>, BTreeSet<_>) =
        (before.keys().cloned().collect(), after.keys().cloned().collect());
    // Both sides have the same computers in the same places; which of them there are on a side is told beside.
    for (id, computer) in &before {
        after.entry(id.clone()).or_insert_with(|| computer.clone());
    }
    for (id, computer) in &after {
        before.entry(id.clone()).or_insert_with(|| computer.clone());
    }
    let snapshot = |opened: &Opened, known: BTreeMap<ComputerId, Known>, relations: &Relations| {
        let snapshot = Snapshot::build(&opened.config, known.into_values(), BTreeMap::new()).0;
        snapshot.with_relations(&opened.config, relations)
    };
    let before = snapshot(&base, before, &was.relations);
    let after = snapshot(&head, after, &is.relations);
    let present = |snapshot: &Snapshot, ids: &BTreeSet<ComputerId>| {
        ids.iter().filter_map(|id| snapshot.position(id)).collect::<RoaringBitmap>()
    };
    let (old, new) = (present(&before, &old), present(&after, &new));
    let diff = desired::compare(
        Side { config: &base.config, snapshot: &before, present: &old, shown: was.shown.as_ref() },
        Side { config: &head.config, snapshot: &after, present: &new, shown: is.shown.as_ref() },
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
    let differs = !diff.changes.is_empty() || !diff.deployments.is_empty() || !diff.safeguards.is_empty();
    Ok(if command.detailed_exitcode && differs { Exit::Changes } else { Exit::Done })
}

/// What is known of the computers of a revision: those that its own files list as they list them, of other systems what
/// they said last, and the day in its own time zone.
async fn known(
    shell: &Shell,
    opened: &Opened,
    stored: &[StoredComputer],
    memory: &Memory,
    kept: &[KeptSource],
) -> Result<OfRevision, CliError> {
    let config = &opened.config;
    let now = SystemClock.now();
    let asking = Asking {
        config,
        readers: &readers(&shell.links(opened)?),
        sources: &Sources::default(),
        stored,
        memory,
        kept,
        accepted: &BTreeSet::new(),
        named: &Named::default(),
        day: now.to_zoned(config.safety.zone.0.clone()).date(),
        now,
    };
    Ok(collect::of_revision(&asking).await)
}
