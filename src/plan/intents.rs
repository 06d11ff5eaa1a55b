//! What a plan wants, collected while it is made: for the causes of its changes, and for the next run to remember.
//!
//! Not here: what earlier runs wanted (`past`), and the form that is kept (`remembered`).
//!
//! Invariant: the same wish has the same key, in a change as in what is remembered.

use std::collections::BTreeMap;

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

/// Intents with their computers, and the members of targets.
#[derive(Debug, Clone, Default)]
pub(super) struct Intents {
    sets: BTreeMap<IntentKey, IntentSets>,
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
            Desired::Task => (None, false),
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
        let name = &deployment.metadata.name;
        let aim = || (past::wish(deployment), past::target(&deployment.expression));
        let (wish, target) = self.aims.entry(name.clone()).or_insert_with(aim).clone();
        let version = version.map(str::to_owned);
        IntentKey { item: item.clone(), deployment: name.clone(), wish, target, content, version, mode }
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

    /// Adds what was collected apart.
    pub(super) fn absorb(&mut self, other: Self) {
        for (key, sets) in other.sets {
            let mine = self.sets.entry(key).or_default();
            if mine.wanted.is_empty() && mine.satisfied.is_empty() {
                *mine = sets;
            } else {
                mine.wanted |= sets.wanted;
                mine.satisfied |= sets.satisfied;
            }
        }
        self.targets.extend(other.targets);
    }

    /// The members of a named target.
    pub(super) fn target(&mut self, name: &Name, members: RoaringBitmap) {
        self.targets.insert(name.clone(), members);
    }

    fn of(&mut self, key: &IntentKey) -> &mut IntentSets {
        self.sets.entry(key.clone()).or_default()
    }

    /// All of it, with positions of the snapshot.
    pub(super) fn finish(self) -> Remembered {
        Remembered { intents: self.sets, targets: self.targets, ..Remembered::default() }
    }
}
