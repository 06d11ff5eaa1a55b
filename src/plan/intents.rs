//! What a plan wants, collected while it is made: for the causes of its changes, and for the next run to remember.
//!
//! Not here: what earlier runs wanted (`past`), and the form that is kept (`remembered`).
//!
//! Invariant: the same wish has the same key, in a change as in what is remembered.

use std::collections::BTreeMap;
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::past;
use super::procedures;
use super::remembered::{IntentKey, IntentSets, Remembered};
use crate::config::Config;
use crate::config::kind::{Mode, ParameterValue, SoftwareState};
use crate::config::model::{Deployment, Desired};
use crate::id::{Digest, Name};
use crate::inventory::item::ItemKey;
use crate::session::script::Platform;
use crate::time::Timestamp;

/// Intents with their computers, and the members of targets.
#[derive(Debug, Clone, Default)]
pub(super) struct Intents {
    sets: BTreeMap<IntentKey, Arc<IntentSets>>,
    targets: BTreeMap<Name, RoaringBitmap>,
    aims: BTreeMap<Name, (Digest, Digest)>,
}

/// What a wish comes to: what tells one intent from another, apart from its deployment.
pub(super) struct Wanted<'a> {
    pub(super) item: &'a ItemKey,
    pub(super) desired: &'a Desired,
    pub(super) mode: Mode,
    pub(super) platform: Platform,
    pub(super) values: &'a BTreeMap<String, ParameterValue>,
}

impl Intents {
    /// The key of what a deployment wants of its own item, or of the configuration task of it.
    pub(super) fn key(&mut self, config: &Config, deployment: &Deployment, wanted: &Wanted<'_>) -> IntentKey {
        let (version, absent) = match wanted.desired {
            Desired::Software { state: SoftwareState::Absent, .. } => (None, true),
            Desired::Software { version, .. } => (version.install(), false),
            Desired::Task | Desired::OsUpdates => (None, false),
        };
        let content =
            procedures::content(config, wanted.item, version, absent, wanted.values, wanted.platform);
        self.key_with(wanted.item, deployment, wanted.mode, content, version)
    }

    /// The key of anything that is done on behalf of a deployment.
    pub(super) fn key_with(
        &mut self,
        item: &ItemKey,
        deployment: &Deployment,
        mode: Mode,
        content: Digest,
        version: Option<&str>,
    ) -> IntentKey {
        let (wish, target) = self.aim(deployment).clone();
        let (name, version) = (deployment.metadata.name.clone(), version.map(str::to_owned));
        IntentKey { item: item.clone(), deployment: name, wish, target, content, version, mode }
    }

    /// What a deployment says, and where it is aimed.
    fn aim(&mut self, deployment: &Deployment) -> &(Digest, Digest) {
        let aim = || (past::wish(deployment), past::target(&deployment.expression));
        self.aims.entry(deployment.metadata.name.clone()).or_insert_with(aim)
    }

    /// A deployment wins on these computers, and nothing may be done there.
    pub(super) fn holds_back(&mut self, item: &ItemKey, deployment: &Deployment, computers: &RoaringBitmap) {
        if !computers.is_empty() {
            let key = self.key_with(item, deployment, Mode::Ignored, Digest::of(b""), None);
            self.wants(&key, computers);
        }
    }

    /// It is not known who wins on these computers: what was wanted there before stays.
    pub(super) fn keeps(&mut self, before: &[(IntentKey, Arc<IntentSets>)], computers: &RoaringBitmap) {
        if computers.is_empty() {
            return;
        }
        for (key, sets) in before {
            self.wants(key, &(&sets.wanted & computers));
            self.satisfies(key, &(&sets.satisfied & computers));
        }
    }

    /// The intent wins on these computers.
    pub(super) fn wants(&mut self, key: &IntentKey, computers: &RoaringBitmap) {
        if !computers.is_empty() {
            self.of(key).wanted |= computers;
        }
    }

    /// These computers are as the intent wants them.
    pub(super) fn satisfies(&mut self, key: &IntentKey, computers: &RoaringBitmap) {
        if !computers.is_empty() {
            self.of(key).satisfied |= computers;
        }
    }

    /// Adds what was collected apart; the sets are shared where nobody else has said anything of them.
    pub(super) fn absorb(&mut self, other: &Self) {
        for (name, aim) in &other.aims {
            self.aims.entry(name.clone()).or_insert_with(|| aim.clone());
        }
        for (key, sets) in &other.sets {
            if let Some(mine) = self.sets.get_mut(key) {
                let mine = Arc::make_mut(mine);
                mine.wanted |= &sets.wanted;
                mine.satisfied |= &sets.satisfied;
            } else {
                self.sets.insert(key.clone(), Arc::clone(sets));
            }
        }
    }

    /// Makes the sets small; mostly they are all computers but a few.
    pub(super) fn pack(&mut self) {
        for sets in self.sets.values_mut().map(Arc::make_mut) {
            sets.wanted.optimize();
            sets.satisfied.optimize();
        }
    }

    /// The members of a named target.
    pub(super) fn target(&mut self, name: &Name, members: RoaringBitmap) {
        self.targets.insert(name.clone(), members);
    }

    fn of(&mut self, key: &IntentKey) -> &mut IntentSets {
        Arc::make_mut(self.sets.entry(key.clone()).or_default())
    }

    /// All of it, with positions of the snapshot, as it was planned at this time; `counts` are all deployments that count.
    pub(super) fn finish<'a>(
        mut self,
        counts: impl Iterator<Item = &'a Deployment>,
        now: Timestamp,
    ) -> Remembered {
        let deployments = counts
            .map(|deployment| (deployment.metadata.name.clone(), self.aim(deployment).clone()))
            .collect();
        Remembered {
            intents: self.sets,
            targets: self.targets,
            deployments,
            planned: Some(now),
            ..Remembered::default()
        }
    }
}
