//! What a plan leaves behind for the next one of another configuration over the same computers and detections: what each
//! target came to, and what each item led to, so that only what a change reaches is worked out again.
//!
//! Not here: putting sessions together and the digest, which are made anew each time. Items that prerequisites or
//! configuration tasks tie to others are worked out anew as well. `muster` does not plan repeatedly yet; so far tests and
//! the benchmark do.
//!
//! How it is used: [`Memo::prepare`] forgets what does not hold any more, `aim` and `share` give what does, `keep` and
//! `finish` take in what was worked out. Memo and plan share what is large ([`Arc`]); nothing of it changes afterwards.
//!
//! Invariants: a plan made with a memo is byte for byte the one made without (tests hold the two against each other). An
//! item is taken over only if everything that it was worked out from is equal: its deployments, what their targets came
//! to, its software or task with all scripts, and what everything depends on ([`World`]). A memo borrows the snapshot,
//! the detections and the past that it is about, so they cannot change under it.

use std::collections::BTreeMap;
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::aims::Aim;
use super::coverage::Tally;
use super::detections::{Detections, Fresh};
use super::document::Options;
use super::fleet::Fleet;
use super::gates;
use super::intents::Intents;
use super::notes::Notes;
use super::past::Past;
use super::planner::Input;
use super::sessions::Caused;
use crate::config::Config;
use crate::config::kind::{DirectorySpec, PsaSpec};
use crate::config::model::{
    Computer, Deployment, Instance, License, Linked, Provider, Software, Target, Task, Tenant,
};
use crate::diagnostic::Findings;
use crate::id::Name;
use crate::inventory::item::{ItemKey, ItemKind};
use crate::inventory::snapshot::Snapshot;
use crate::session::script::Script;
use crate::time::Timestamp;

/// Earlier results over one snapshot, its detections and its past.
#[derive(Debug)]
pub struct Memo<'s> {
    snapshot: &'s Snapshot,
    detections: &'s Detections,
    past: &'s Past,
    world: Option<World>,
    targets: BTreeMap<Name, Target>,
    aims: Aims,
    items: BTreeMap<ItemKey, Kept>,
}

/// What named targets come to.
pub(super) type Aims = BTreeMap<Name, Arc<Aim>>;

/// What every item depends on.
#[derive(Debug, PartialEq)]
struct World {
    instance: Instance,
    tenants: BTreeMap<Name, Tenant>,
    providers: BTreeMap<Name, Provider>,
    directories: BTreeMap<Name, Linked<DirectorySpec>>,
    psas: BTreeMap<Name, Linked<PsaSpec>>,
    computers: BTreeMap<Name, Computer>,
    scripts: BTreeMap<Name, Arc<Script>>,
    licenses: BTreeMap<Name, License>,
    options: Options,
    only: Option<RoaringBitmap>,
    on_hold: Vec<Name>,
    /// The computers of which everything is too old, and the line itself where single cells are older.
    stale: (RoaringBitmap, Option<u32>),
}

impl World {
    /// Compares before it copies: mostly nothing has changed.
    fn is(&self, input: &Input<'_>, fleet: &Fleet, stale: &(RoaringBitmap, Option<u32>)) -> bool {
        let config = input.config;
        // Named one by one, so that a new field cannot be forgotten.
        let Self {
            instance,
            tenants,
            providers,
            directories,
            psas,
            computers,
            scripts,
            licenses,
            options,
            only,
            on_hold,
            stale: known,
        } = self;
        *instance == config.instance
            && *tenants == config.tenants
            && *providers == config.providers
            && *directories == config.directories
            && *psas == config.psas
            && *computers == config.computers
            && *scripts == config.scripts
            && *licenses == config.licenses
            && *options == input.options
            && *only == input.only
            && on_hold.iter().eq(fleet.on_hold.keys())
            && known == stale
    }

    fn of(input: &Input<'_>, fleet: &Fleet, stale: (RoaringBitmap, Option<u32>)) -> Self {
        let config = input.config;
        Self {
            instance: config.instance.clone(),
            tenants: config.tenants.clone(),
            providers: config.providers.clone(),
            directories: config.directories.clone(),
            psas: config.psas.clone(),
            computers: config.computers.clone(),
            scripts: config.scripts.clone(),
            licenses: config.licenses.clone(),
            options: input.options.clone(),
            only: input.only.clone(),
            on_hold: fleet.on_hold.keys().cloned().collect(),
            stale,
        }
    }
}

/// What one item leads to, as long as no other item has a say in it.
#[derive(Debug, Default)]
pub(super) struct Share {
    pub(super) findings: Findings,
    pub(super) notes: Notes,
    pub(super) tally: Tally,
    pub(super) wanted: Intents,
    pub(super) changes: Vec<Arc<Caused>>,
    /// Where its deployments count; only kept where tenants are on hold.
    pub(super) reached: RoaringBitmap,
}

/// An item's share with what it was worked out from.
#[derive(Debug)]
struct Kept {
    deployments: Vec<Told>,
    software: Option<Software>,
    task: Option<Task>,
    share: Arc<Share>,
}

/// A deployment, and what its say depends on outside its document.
#[derive(Debug)]
struct Told {
    deployment: Deployment,
    aim: Option<Arc<Aim>>,
    held: bool,
}

impl<'s> Memo<'s> {
    /// An empty one.
    #[must_use]
    pub const fn new(snapshot: &'s Snapshot, detections: &'s Detections, past: &'s Past) -> Self {
        Self {
            snapshot,
            detections,
            past,
            world: None,
            targets: BTreeMap::new(),
            aims: BTreeMap::new(),
            items: BTreeMap::new(),
        }
    }

    /// Whether it is about the same computers, detections and past.
    pub(super) fn is_about(&self, input: &Input<'_>) -> bool {
        std::ptr::eq(self.snapshot, input.snapshot)
            && std::ptr::eq(self.detections, input.detections)
            && std::ptr::eq(self.past, input.past)
    }

    /// Forgets what does not hold for this input.
    pub(super) fn prepare(&mut self, input: &Input<'_>, fleet: &Fleet, fresh: &Fresh<'_>) {
        let stale = fresh.line();
        if !self.world.as_ref().is_some_and(|world| world.is(input, fleet, &stale)) {
            self.world = Some(World::of(input, fleet, stale));
            self.aims.clear();
            self.items.clear();
        }
        if self.targets != input.config.targets {
            self.targets.clone_from(&input.config.targets);
            self.aims.clear();
            // What an expression of its own comes to may go through any target.
            let named = |told: &Told| !told.deployment.enabled || told.aim.is_some();
            self.items.retain(|_, kept| kept.deployments.iter().all(named));
        }
    }

    /// What a named target came to.
    pub(super) fn aim(&self, target: &Name) -> Option<Arc<Aim>> {
        self.aims.get(target).cloned()
    }

    /// What an item led to, if it was worked out from the same.
    pub(super) fn share(
        &self,
        item: &ItemKey,
        deployments: &[&Deployment],
        config: &Config,
        aims: &Aims,
        now: Timestamp,
    ) -> Option<Arc<Share>> {
        let kept = self.items.get(item)?;
        let (software, task) = documents(config, item);
        let same = |(told, deployment): (&Told, &&Deployment)| {
            told.deployment == **deployment
                && told.held == held(config, deployment, now)
                && same_aim(told.aim.as_ref(), aim_of(aims, deployment))
        };
        let all = kept.deployments.len() == deployments.len()
            && kept.software.as_ref() == software
            && kept.task.as_ref() == task
            && kept.deployments.iter().zip(deployments).all(same);
        all.then(|| Arc::clone(&kept.share))
    }

    /// Keeps what an item leads to.
    pub(super) fn keep(
        &mut self,
        item: &ItemKey,
        deployments: &[&Deployment],
        config: &Config,
        aims: &Aims,
        now: Timestamp,
        share: Arc<Share>,
    ) {
        let told = |deployment: &&Deployment| Told {
            deployment: (*deployment).clone(),
            aim: aim_of(aims, deployment).cloned(),
            held: held(config, deployment, now),
        };
        let (software, task) = documents(config, item);
        let kept = Kept {
            deployments: deployments.iter().map(told).collect(),
            software: software.cloned(),
            task: task.cloned(),
            share,
        };
        self.items.insert(item.clone(), kept);
    }

    /// Keeps what targets came to, and forgets items of which nothing is wanted any more.
    pub(super) fn finish(&mut self, aims: Aims, wanted: impl Fn(&ItemKey) -> bool) {
        self.aims = aims;
        self.items.retain(|item, _| wanted(item));
    }
}

fn aim_of<'a>(aims: &'a Aims, deployment: &Deployment) -> Option<&'a Arc<Aim>> {
    aims.get(deployment.target.as_ref()?)
}

/// Mostly it is the very same one, which need not be looked through.
fn same_aim(one: Option<&Arc<Aim>>, other: Option<&Arc<Aim>>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => Arc::ptr_eq(one, other) || one == other,
        (None, None) => true,
        _ => false,
    }
}

fn held(config: &Config, deployment: &Deployment, now: Timestamp) -> bool {
    deployment.hold.as_ref().is_some_and(|hold| gates::holds(config, hold, now))
}

fn documents<'c>(config: &'c Config, item: &ItemKey) -> (Option<&'c Software>, Option<&'c Task>) {
    match item.kind {
        ItemKind::Software => (config.software.get(&item.name), None),
        ItemKind::Task => (None, config.tasks.get(&item.name)),
        ItemKind::OsUpdates => (None, None),
    }
}
