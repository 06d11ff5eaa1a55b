//! What is known where nobody outside is asked, and a revision's own lists are read all the same.
//!
//! A list of computers that stands in the configuration itself (local, ssh, simulated) belongs to a revision as its
//! deployments do: what was kept of it may be another revision's.
//!
//! Invariants: only providers that list by themselves are asked, and what their lists say is believed, as it was
//! committed; of all others what they said last counts. Nothing of this is to be kept.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;

use super::{Asking, Collected, computers, in_time, remembered};
use crate::id::{ComputerId, Digest, Name};
use crate::inventory::known::Known;
use crate::inventory::queries::Queries;
use crate::inventory::recognise::recognise;
use crate::inventory::relations::{Relations, SourceKind};
use crate::inventory::snapshot::Snapshot;
use crate::targets::query;

/// What is known for a revision where nobody is asked.
#[derive(Debug)]
pub struct OfRevision {
    /// Its computers, sorted by id.
    pub known: Vec<Known>,
    /// What they have to do with people, groups and agreements, and what scripts selected. A script whose kept answer is
    /// of another text or other computers, or too old, has failed: what it selects is not known.
    pub relations: Relations,
    /// Over the computers as scripts see them, where the answer of a script is not known: with the same script and the same
    /// of this, two revisions get the same answer, whatever it is.
    pub shown: Option<Digest>,
}

/// What is known of the computers of a revision without asking anybody outside and without running anything.
pub async fn of_revision(asking: &Asking<'_>) -> OfRevision {
    let Collected { known, mut relations, .. } = declared(asking).await;
    let known = recognise(asking.config, &known, asking.stored, asking.memory, asking.now).known;
    relations.as_of = asking.day;
    let wanted = query::scripts(asking.config, &[]);
    relations.scripts.clear();
    if wanted.is_empty() {
        return OfRevision { known, relations, shown: None };
    }
    let (snapshot, _) = Snapshot::build(asking.config, known.iter().cloned(), BTreeMap::new());
    let snapshot = snapshot.with_relations(asking.config, &relations);
    let queries = Queries {
        config: asking.config,
        host: None,
        wanted: &wanted,
        before: asking.kept,
        doubted: &BTreeMap::new(),
        accepted: &BTreeSet::new(),
        now: asking.now,
    };
    queries.run(&snapshot, &mut relations, &mut asking.kept.to_vec()).await;
    let open = relations.failed.keys().any(|(kind, _)| *kind == SourceKind::Script);
    let shown = open.then(|| query::input(&snapshot).ok()).flatten();
    OfRevision { known, relations, shown: shown.map(|text| Digest::of(text.as_bytes())) }
}

/// The lists that stand in the configuration itself, and what all other sources said last. A list that cannot be read is
/// told as failed, and what was listed last counts.
pub async fn declared(asking: &Asking<'_>) -> Collected {
    let providers = &asking.config.providers;
    let declares = |name: &Name| providers.get(name).is_some_and(|one| one.spec.lists_by_itself());
    let limit = asking.config.instance.sources.limit;
    let own = asking.readers.iter().filter(|(name, _)| declares(name));
    let lists = join_all(own.map(async |(name, reader)| (name, in_time(limit, reader.list()).await))).await;
    let accepted: BTreeSet<Name> = lists.iter().map(|(name, _)| (*name).clone()).collect();
    let Collected { known, failed, relations, .. } =
        computers(&Asking { accepted: &accepted, ..*asking }, lists);

    let mut collected = remembered(asking);
    collected.known.retain(|computer| !accepted.contains(&computer.provider));
    collected.known.extend(known);
    collected.known.sort_by(|a, b| a.id.cmp(&b.id));
    let stored = asking.stored.iter().filter(|computer| accepted.contains(&computer.provider));
    let replaced: BTreeSet<&ComputerId> = stored.map(|computer| &computer.id).collect();
    collected.relations.belongings.retain(|id, _| !replaced.contains(id));
    collected.relations.belongings.extend(relations.belongings);
    collected.failed = failed;
    collected
}
