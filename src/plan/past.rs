//! Why there is something to do: a plan's changes held against what was wanted, done and found before (L10).
//!
//! Not here: what is to be done. The past tells the cause of a change, and whether there is one only where nothing else can:
//! values that have changed, and an absence that an earlier change has left behind.
//!
//! Invariants: computers are split into causes by set operations; every computer gets exactly one cause; without any past
//! everything is a new intent.

use std::collections::BTreeMap;
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::digest;
use super::document::{ActionType, Cause};
use super::remembered::{IntentKey, IntentSets, Remembered};
use crate::config::kind::{Match, ParameterValue};
use crate::config::model::{Deployment, Desired, WantedVersion};
use crate::id::{ComputerId, Digest, Name};
use crate::inventory::item::ItemKey;
use crate::inventory::snapshot::Snapshot;
use crate::session::stage::{ActionResult, ItemResult};

/// The last results of one item: which computers ended how with what.
#[derive(Debug, Clone, Default)]
struct Done {
    by_content: BTreeMap<Digest, Ended>,
    /// Where the last result is newer than what is remembered of the last run.
    since: RoaringBitmap,
    /// Values of the last change that succeeded and left the item there.
    values: BTreeMap<Digest, RoaringBitmap>,
    /// Where the last result may have taken it away.
    lost: RoaringBitmap,
    /// Where the last result may have ended before the script that follows an install.
    unfinished: RoaringBitmap,
    /// Where that script is still to be run once more.
    to_finish: RoaringBitmap,
}

#[derive(Debug, Clone, Default)]
struct Ended {
    well: RoaringBitmap,
    otherwise: RoaringBitmap,
}

/// How long changes took.
pub type Durations = BTreeMap<(ItemKey, ActionType), f64>;

/// What is known of earlier runs, over the computers of one snapshot.
#[derive(Debug, Clone, Default)]
pub struct Past {
    done: BTreeMap<ItemKey, Done>,
    intents: BTreeMap<ItemKey, Vec<(IntentKey, Arc<IntentSets>)>>,
    /// What each deployment said and where it was aimed in the last run, wherever it won.
    deployments: BTreeMap<Name, (Digest, Digest)>,
    targets: BTreeMap<Name, RoaringBitmap>,
    known: RoaringBitmap,
    covered: RoaringBitmap,
    durations: Durations,
}

impl Past {
    /// The past of a snapshot's computers. Of several results of an item on a computer the newest counts.
    /// `durations` are the mean seconds that changes took.
    #[must_use]
    pub fn new(
        snapshot: &Snapshot,
        remembered: Remembered,
        results: impl IntoIterator<Item = ItemResult>,
        durations: Durations,
    ) -> Self {
        let known = remembered.computers.iter().filter_map(|id| snapshot.position(id)).collect();
        let remembered = if remembered.computers.is_empty() {
            remembered
        } else {
            let sorted: Vec<ComputerId> = snapshot.iter().map(|(_, computer)| computer.id.clone()).collect();
            remembered.aligned(&sorted)
        };
        let mut past = Self {
            known,
            durations,
            targets: remembered.targets,
            covered: remembered.covered,
            deployments: remembered.deployments,
            ..Self::default()
        };
        for (key, sets) in remembered.intents {
            past.intents.entry(key.item.clone()).or_default().push((key, sets));
        }
        let mut newest: BTreeMap<ItemKey, BTreeMap<u32, ItemResult>> = BTreeMap::new();
        for result in results {
            let Some(computer) = snapshot.position(&result.computer) else { continue };
            let of_item = newest.entry(result.item.clone()).or_default();
            if of_item.get(&computer).is_none_or(|known| known.at <= result.at) {
                of_item.insert(computer, result);
            }
        }
        for (item, results) in newest {
            let done = past.done.entry(item).or_default();
            for (computer, result) in results {
                if remembered.planned.is_some_and(|planned| result.at > planned) {
                    done.since.insert(computer);
                }
                let well = matches!(result.result, ActionResult::Success | ActionResult::Skipped);
                if result.may_have_lost() {
                    done.lost.insert(computer);
                }
                if result.may_be_unfinished() {
                    done.unfinished.insert(computer);
                }
                if result.is_to_finish() {
                    done.to_finish.insert(computer);
                }
                let ended = done.by_content.entry(result.content).or_default();
                if well { &mut ended.well } else { &mut ended.otherwise }.insert(computer);
                if let Some(values) = result.values {
                    done.values.entry(values).or_default().insert(computer);
                }
            }
        }
        past
    }

    /// The computers of `on` by the cause of a change that this intent leads to there. `own` says that it is what the
    /// winner of the item wants, and not what another item needs.
    ///
    /// What the last run wanted tells it; results do where that run has not covered the computer, where it wanted the very
    /// same and did not find it, and of what only others need, as no run remembers that.
    #[must_use]
    pub fn causes(&self, intent: &IntentKey, own: bool, on: &RoaringBitmap) -> Vec<(Cause, RoaringBitmap)> {
        let mut sets: BTreeMap<Cause, RoaringBitmap> = BTreeMap::new();
        let mut rest = on.clone();
        let mut take = |cause: Cause, part: RoaringBitmap, rest: &mut RoaringBitmap| {
            let part = part & &*rest;
            if !part.is_empty() {
                *rest -= &part;
                *sets.entry(cause).or_default() |= part;
            }
        };
        let none = Ended::default();
        let done = self.done.get(&intent.item);
        let ended = done.and_then(|done| done.by_content.get(&intent.content)).unwrap_or(&none);
        let since = done.map_or_else(RoaringBitmap::new, |done| done.since.clone());
        let untold = if own { &rest - &self.covered } else { rest.clone() };
        take(Cause::Retry, &untold & &ended.otherwise, &mut rest);
        take(Cause::Drift, &untold & &ended.well, &mut rest);
        for (before, of_before) in self.intents.get(&intent.item).into_iter().flatten() {
            if rest.is_empty() {
                break;
            }
            let part = &rest & &of_before.wanted;
            if part.is_empty() {
                continue;
            }
            let same_wish = before.deployment == intent.deployment && before.wish == intent.wish;
            if same_wish && before.content == intent.content && before.mode == intent.mode {
                // What was tried after it was found as wanted belongs to a run that kept nothing.
                let tried = &ended.otherwise - (&of_before.satisfied - &since);
                take(Cause::Retry, &part & tried, &mut rest);
                take(Cause::Drift, &part & (&of_before.satisfied | &ended.well), &mut rest);
                take(Cause::NewIntent, part, &mut rest);
            } else if same_wish && before.mode != intent.mode {
                take(Cause::Policy, part, &mut rest);
            } else if same_wish && before.version != intent.version {
                take(Cause::SourceData, part, &mut rest);
            } else if self.was_there(intent) && before.deployment != intent.deployment {
                take(Cause::Membership, part, &mut rest);
            } else {
                take(Cause::NewIntent, part, &mut rest);
            }
        }
        // Of a computer that was known and that no run has covered nothing is known from before.
        if self.was_there(intent) {
            let came = &rest - (&self.known - &self.covered);
            take(Cause::Membership, came, &mut rest);
        }
        take(Cause::NewIntent, rest.clone(), &mut rest);
        sets.into_iter().collect()
    }

    /// What the last runs wanted of an item.
    pub(super) fn wanted(&self, item: &ItemKey) -> &[(IntentKey, Arc<IntentSets>)] {
        self.intents.get(item).map_or(&[], Vec::as_slice)
    }

    /// Whether this deployment said the same and was aimed at the same in the last run, so that only who is in its target
    /// can have changed.
    fn was_there(&self, intent: &IntentKey) -> bool {
        let before = self.deployments.get(&intent.deployment);
        before.is_some_and(|(wish, target)| *wish == intent.wish && *target == intent.target)
    }

    /// The computers of `on` on which an item was put in place with other values than these (PAR-8). Where Muster did not
    /// put it there, nothing is known of its values, and it is left alone.
    #[must_use]
    pub fn other_values(&self, item: &ItemKey, values: &Digest, on: &RoaringBitmap) -> RoaringBitmap {
        let Some(done) = self.done.get(item) else { return RoaringBitmap::new() };
        let others = done.values.iter().filter(|(known, _)| *known != values);
        others.fold(RoaringBitmap::new(), |sum, (_, computers)| sum | (computers & on))
    }

    /// The computers of `on`, where an item is absent, on which it is so because a change of it did not end well.
    #[must_use]
    pub fn lost(&self, item: &ItemKey, on: &RoaringBitmap) -> RoaringBitmap {
        self.done.get(item).map_or_else(RoaringBitmap::new, |done| &done.lost & on)
    }

    /// Whether that is so of one computer.
    #[must_use]
    pub fn has_lost(&self, item: &ItemKey, computer: u32) -> bool {
        self.done.get(item).is_some_and(|done| done.lost.contains(computer))
    }

    /// The computers of `on` on which an item was put in place last by a change of which it is not known that it came to
    /// its end.
    #[must_use]
    pub fn unfinished(&self, item: &ItemKey, on: &RoaringBitmap) -> RoaringBitmap {
        self.done.get(item).map_or_else(RoaringBitmap::new, |done| &done.unfinished & on)
    }

    /// The computers of `on` on which the script that follows an install is to be run once more.
    #[must_use]
    pub fn to_finish(&self, item: &ItemKey, on: &RoaringBitmap) -> RoaringBitmap {
        self.done.get(item).map_or_else(RoaringBitmap::new, |done| &done.to_finish & on)
    }

    /// Whether that is so of one computer.
    #[must_use]
    pub fn has_to_finish(&self, item: &ItemKey, computer: u32) -> bool {
        self.done.get(item).is_some_and(|done| done.to_finish.contains(computer))
    }

    /// Who was in a named target when a run last used it; `None` when none did.
    #[must_use]
    pub fn members(&self, target: &Name) -> Option<&RoaringBitmap> {
        self.targets.get(target)
    }

    /// The computers that were known when a run last ended.
    #[must_use]
    pub const fn known(&self) -> &RoaringBitmap {
        &self.known
    }

    /// Those of them that a run has covered.
    #[must_use]
    pub const fn covered(&self) -> &RoaringBitmap {
        &self.covered
    }

    /// The mean seconds that a change of an item took.
    #[must_use]
    pub const fn durations(&self) -> &Durations {
        &self.durations
    }
}

/// Whether an action leaves the item there with the values that it was given.
#[must_use]
pub const fn puts_there(action: ActionType) -> bool {
    matches!(
        action,
        ActionType::Install
            | ActionType::Update
            | ActionType::Downgrade
            | ActionType::Repair
            | ActionType::Reinstall
            | ActionType::Finish
            | ActionType::Set
    )
}

/// The digest of what a deployment says of its item, without what `latest` or a range comes to at the moment.
#[must_use]
pub fn wish(deployment: &Deployment) -> Digest {
    let desired = match &deployment.desired {
        Desired::Task => serde_json::json!("task"),
        Desired::OsUpdates => serde_json::json!("os-updates"),
        Desired::Software { state, version, allow_downgrade } => {
            let version = match version {
                WantedVersion::Any { .. } => "any",
                WantedVersion::Latest { .. } => "latest",
                WantedVersion::Exact { version } => version,
                WantedVersion::Range { constraint, .. } => constraint,
            };
            serde_json::json!([state, version, allow_downgrade])
        }
    };
    if deployment.configured {
        digest::of(&(desired, &deployment.parameters))
    } else {
        digest::of(&(desired, &deployment.parameters, "not configured"))
    }
}

/// The digest of a target's expression.
#[must_use]
pub fn target(expression: &Match) -> Digest {
    digest::of(expression)
}

/// The digest of values, as it is kept with a result (PAR-8).
#[must_use]
pub fn values(values: &BTreeMap<String, ParameterValue>) -> Digest {
    digest::of(values)
}
