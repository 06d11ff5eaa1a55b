//! `muster diff`: what two revisions want differently, without contacting anything.

use std::collections::{BTreeMap, BTreeSet};

use roaring::RoaringBitmap;

use crate::cli::arguments::{Diff, Form};
use crate::cli::context::{Opened, Shell, SystemClock};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::id::ComputerId;
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
    let today = SystemClock.now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let relations = collect::relations(&stored, &store.sources().await?, today);
    let (mut before, mut after) = (known(shell, &base, &stored).await?, known(shell, &head, &stored).await?);
    let (old, new): (BTreeSet<_>, BTreeSet<_>) =
        (before.keys().cloned().collect(), after.keys().cloned().collect());
    // Both sides have the same computers in the same places; which of them there are on a side is told beside.
    for (id, computer) in &before {
        after.entry(id.clone()).or_insert_with(|| computer.clone());
    }
    for (id, computer) in &after {
        before.entry(id.clone()).or_insert_with(|| computer.clone());
    }
    let snapshot = |opened: &Opened, known: BTreeMap<ComputerId, Known>| {
        let snapshot = Snapshot::build(&opened.config, known.into_values(), BTreeMap::new()).0;
        snapshot.with_relations(&opened.config, &relations)
    };
    let (before, after) = (snapshot(&base, before), snapshot(&head, after));
    let present = |snapshot: &Snapshot, ids: &BTreeSet<ComputerId>| {
        ids.iter().filter_map(|id| snapshot.position(id)).collect::<RoaringBitmap>()
    };
    let (old, new) = (present(&before, &old), present(&after, &new));
    let diff = desired::compare(
        Side { config: &base.config, snapshot: &before, present: &old },
        Side { config: &head.config, snapshot: &after, present: &new },
        &Run::at(SystemClock.now()),
    );
    if matches!(shell.global.output, Form::Json | Form::Ndjson) {
        shell.ui.bytes(|out| report::json::pretty(out, &diff))?;
    } else {
        let name = |opened: &Opened| match &opened.revision.commit {
            Some(commit) if !opened.revision.dirty => commit.as_str().chars().take(7).collect(),
            Some(_) => "the working tree".to_owned(),
            None => "the files".to_owned(),
        };
        let view = shell.view(command.details);
        let title = format!("{} -> {}", name(&base), name(&head));
        shell.ui.data(|pen| {
            pen.line(&Line::new().with(Label::Heading, "What is wanted, ").with(Label::Code, title))?;
            pen.gap()?;
            report::desired::write(pen, &diff, &view)
        })?;
    }
    let differs = !diff.changes.is_empty() || !diff.deployments.is_empty() || !diff.safeguards.is_empty();
    Ok(if command.detailed_exitcode && differs { Exit::Changes } else { Exit::Done })
}

/// The computers of a revision: those that its own files list, and of other systems those that were listed last.
async fn known(
    shell: &Shell,
    opened: &Opened,
    stored: &[StoredComputer],
) -> Result<BTreeMap<ComputerId, Known>, CliError> {
    let remembered: BTreeMap<&ComputerId, &StoredComputer> =
        stored.iter().map(|stored| (&stored.id, stored)).collect();
    let mut known = BTreeMap::new();
    for (name, link) in shell.links(opened)? {
        let declared = opened.config.providers.get(&name).is_some_and(|found| found.spec.lists_by_itself());
        if declared && let Ok(agents) = link.reader.list().await {
            for agent in agents {
                let id = collect::computer_id(&name, &agent);
                let computer = collect::as_listed(&name, agent, remembered.get(&id).copied());
                known.insert(id, computer);
            }
            continue;
        }
        let listed = stored.iter().filter(|stored| stored.listed && stored.provider == name);
        known.extend(listed.map(|stored| (stored.id.clone(), collect::as_remembered(stored))));
    }
    Ok(known)
}
