//! What is wanted, compared between two configurations over the same computers: without looking at any of them.
//!
//! Not here: what is there, and so what would be done (`planner`).
//!
//! Invariants: two sides want the same of a computer when whatever decides what happens there (`identity`) is the same,
//! whichever deployment says so; where it is not known which deployment wins, when it is the same ones that may, selecting
//! by the same. Every tenant appears, and the digests of one that is not touched are equal.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use roaring::RoaringBitmap;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::digest;
use super::document::Origin;
use super::fleet::Fleet;
use super::gates::Run;
use super::identity::{self, Place};
use super::notes::origin;
use super::precedence::{self, Candidate, Named, is_ignored};
use super::safeguards::{self, SafeguardDiff};
use super::sessions::title;
use super::supply;
use crate::config::Config;
use crate::config::kind::{Mode, SoftwareState};
use crate::config::model::{Deployment, Desired, WantedVersion};
use crate::id::{Digest, Name};
use crate::inventory::item::ItemKey;
use crate::inventory::snapshot::Snapshot;
use crate::session::script::Platform;

/// A configuration over the computers that are known. Both sides of a comparison have the same computers.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The computers, as this configuration sees them.
    pub snapshot: &'a Snapshot,
    /// Those of them that there are for this side; the others are there for the other side only.
    pub present: &'a RoaringBitmap,
    /// Over what scripts that select are shown of these computers, where the answer of one is not known.
    pub shown: Option<&'a Digest>,
}

/// How two configurations differ in what they want.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DesiredDiff {
    /// Deployments that were added, removed or changed.
    pub deployments: Vec<DeploymentDiff>,
    /// Rules of a rollout that were added, removed or changed: they hold for every tenant.
    pub safeguards: Vec<SafeguardDiff>,
    /// What is wanted otherwise than before, one entry for each kind of difference.
    pub changes: Vec<DesiredChange>,
    /// Every tenant, and the computers without one.
    pub tenants: Vec<TenantDiff>,
    /// Computers that are known.
    pub computers: u32,
    /// Computers of which it is not known on either side which deployment wins for some item.
    pub unclear: u32,
}

/// What became of a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentDiff {
    /// The deployment, where it stands now, or stood.
    pub deployment: Origin,
    /// What happened to it.
    pub kind: DiffKind,
}

/// What happened to a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiffKind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It says something else.
    Changed,
}

/// One kind of difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DesiredChange {
    /// The item.
    pub item: ItemKey,
    /// Its title.
    pub title: String,
    /// What was wanted; `None` when nothing was.
    pub before: Option<Wanted>,
    /// What is wanted.
    pub after: Option<Wanted>,
    /// Names of the computers, sorted.
    pub computers: Vec<String>,
    /// Their tenants.
    pub tenants: BTreeSet<Name>,
}

/// What a winner wants.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Wanted {
    /// In words.
    pub text: String,
    /// The deployment that says so.
    pub deployment: Origin,
}

/// A tenant in both configurations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantDiff {
    /// The tenant; `None` for computers without one.
    pub tenant: Option<Name>,
    /// Its computers, on either side.
    pub computers: u32,
    /// Those of them of which something else is wanted, or which came or went.
    pub touched: u32,
    /// Over all that was wanted of its computers.
    pub before: Digest,
    /// Over all that is wanted.
    pub after: Digest,
}

/// What is wanted of some computers, and what tells it from other wishes.
struct Effect {
    wanted: Option<Wanted>,
    identity: Digest,
    computers: RoaringBitmap,
}

/// Compares two configurations; `run` tells the time, by which holds end.
#[must_use]
pub fn compare(base: Side<'_>, head: Side<'_>, run: &Run) -> DesiredDiff {
    let (before, unclear_before) = effects(base, run);
    let (after, unclear_after) = effects(head, run);
    let items: BTreeSet<&ItemKey> = before.keys().chain(after.keys()).collect();
    let all = &(base.present | head.present);
    let mut differs = RoaringBitmap::new();
    let mut changes = Vec::new();
    for item in items {
        let old = complete(before.get(item), all);
        let new = complete(after.get(item), all);
        let mut kinds: BTreeMap<(Option<&Wanted>, Option<&Wanted>), RoaringBitmap> = BTreeMap::new();
        for a in &old {
            for b in new.iter().filter(|b| b.identity != a.identity) {
                let both = &a.computers & &b.computers;
                if !both.is_empty() {
                    *kinds.entry((a.wanted.as_ref(), b.wanted.as_ref())).or_default() |= both;
                }
            }
        }
        for ((was, is), computers) in kinds {
            differs |= &computers;
            let of = |ix| {
                let side = if head.present.contains(ix) { head } else { base };
                side.snapshot.computer(ix).tenant.clone()
            };
            let config = if is.is_some() { head.config } else { base.config };
            changes.push(DesiredChange {
                item: item.clone(),
                title: title(config, item),
                before: was.cloned(),
                after: is.cloned(),
                computers: Named(head.snapshot).all(&computers),
                tenants: computers.iter().filter_map(of).collect(),
            });
        }
    }
    let unclear = unclear_before | unclear_after;
    DesiredDiff {
        deployments: deployments(base.config, head.config),
        safeguards: safeguards::compare(base.config, head.config),
        changes,
        tenants: tenants(base, head, &before, &after, &differs),
        computers: count(head.present),
        unclear: count(&unclear),
    }
}

fn count(set: &RoaringBitmap) -> u32 {
    u32::try_from(set.len()).unwrap_or(u32::MAX)
}

fn deployments(base: &Config, head: &Config) -> Vec<DeploymentDiff> {
    let says = |deployment: &Deployment| {
        (
            deployment.item.clone(),
            super::past::wish(deployment),
            super::past::target(&deployment.expression),
            (deployment.mode, deployment.priority, deployment.enabled, deployment.enforcement),
            deployment.hold.clone(),
        )
    };
    let mut result = Vec::new();
    for (name, old) in &base.deployments {
        match head.deployments.get(name) {
            None => result.push(DeploymentDiff { deployment: origin(old), kind: DiffKind::Removed }),
            Some(new) if says(old) != says(new) => {
                result.push(DeploymentDiff { deployment: origin(new), kind: DiffKind::Changed });
            }
            Some(_) => {}
        }
    }
    for (name, new) in &head.deployments {
        if !base.deployments.contains_key(name) {
            result.push(DeploymentDiff { deployment: origin(new), kind: DiffKind::Added });
        }
    }
    result.sort_by(|a, b| (a.kind, &a.deployment).cmp(&(b.kind, &b.deployment)));
    result
}

type Effects = BTreeMap<ItemKey, Vec<Effect>>;

/// What a configuration wants of every item, and the computers of which that is not known.
fn effects(side: Side<'_>, run: &Run) -> (Effects, RoaringBitmap) {
    let fleet = Fleet::in_run(side.config, side.snapshot, run);
    let (candidates, _) = precedence::candidates(side.config, side.snapshot, &fleet, run);
    let scope = &fleet.all & side.present;
    let mut unclear = RoaringBitmap::new();
    let mut result = Effects::new();
    for (item, candidates) in &candidates {
        let winners = precedence::winners(candidates, &scope);
        unclear |= &winners.uncertain;
        let mut of_item: BTreeMap<(Digest, String), Effect> = BTreeMap::new();
        let mut add = |identity: Digest, wanted: Wanted, computers: RoaringBitmap| {
            let key = (identity.clone(), wanted.deployment.name.to_string());
            let new = || Effect { wanted: Some(wanted), identity, computers: RoaringBitmap::new() };
            of_item.entry(key).or_insert_with(new).computers |= computers;
        };
        for (candidate, won) in candidates.iter().zip(&winners.won) {
            for (place, computers) in places(side, &fleet, won, candidate.mode) {
                let deployment = candidate.deployment;
                let wanted = Wanted { text: text(deployment, place.mode), deployment: origin(deployment) };
                add(place.identity(deployment), wanted, computers);
            }
        }
        for (rivals, computers) in undecided(candidates, &(&winners.uncertain | &winners.ambiguous), &scope) {
            let Some(first) = rivals.first() else { continue };
            let names: Vec<&str> = rivals.iter().map(|one| one.deployment.metadata.name.as_str()).collect();
            let text = match names.as_slice() {
                [only] => format!("open whether {only} applies"),
                several => format!("undecided between {}", several.join(" and ")),
            };
            for (place, computers) in places(side, &fleet, &computers, Mode::Enforce) {
                let rivals: Vec<(Digest, Digest)> = rivals
                    .iter()
                    .map(|rival| {
                        let place = Place { mode: place.mode.min(rival.mode), ..place };
                        let deployment = rival.deployment;
                        (
                            place.identity(deployment),
                            identity::selects_by(side.config, deployment, side.shown),
                        )
                    })
                    .collect();
                let wanted = Wanted { text: text.clone(), deployment: origin(first.deployment) };
                add(digest::of(&("undecided", rivals)), wanted, computers);
            }
        }
        result.insert(item.clone(), of_item.into_values().collect());
    }
    (result, unclear)
}

/// Computers by what else counts there for what is done: the mode under a ceiling, the platform, the tenant.
fn places<'a>(
    side: Side<'a>,
    fleet: &Fleet,
    computers: &RoaringBitmap,
    ceiling: Mode,
) -> Vec<(Place<'a>, RoaringBitmap)> {
    let mut list = Vec::new();
    for (mode, computers) in fleet.by_mode(computers, ceiling) {
        for (platform, computers) in fleet.by_platform(&computers) {
            // Only licences tell tenants apart, and few repositories have any.
            let parts = if side.config.licenses.is_empty() {
                vec![(None, computers)]
            } else {
                supply::by_tenant(side.snapshot, computers)
            };
            for (tenant, computers) in parts {
                let platform = platform.unwrap_or(Platform::Posix);
                let here = Place { config: side.config, mode, platform, tenant, no_reboot: false };
                let suppressed = &computers & &fleet.no_reboot;
                let free = computers - &suppressed;
                let parts = [(here, free), (Place { no_reboot: true, ..here }, suppressed)];
                list.extend(parts.into_iter().filter(|(_, computers)| !computers.is_empty()));
            }
        }
    }
    list
}

/// Computers on which it is open who wins, by those that may.
fn undecided<'c, 'a>(
    candidates: &'c [Candidate<'a>],
    open: &RoaringBitmap,
    scope: &RoaringBitmap,
) -> Vec<(Vec<&'c Candidate<'a>>, RoaringBitmap)> {
    let mut parts: Vec<(Vec<&Candidate<'_>>, RoaringBitmap)> = vec![(Vec::new(), open.clone())];
    for (candidate, possible) in candidates.iter().zip(precedence::possible_winners(candidates, scope)) {
        let mut next = Vec::new();
        for (rivals, computers) in parts {
            let with: Vec<&Candidate<'_>> = rivals.iter().copied().chain([candidate]).collect();
            next.push((with, &computers & &possible));
            next.push((rivals, computers - &possible));
        }
        next.retain(|(_, computers)| !computers.is_empty());
        parts = next;
    }
    parts
}

/// The effects of an item, and the computers of which nothing is wanted.
fn complete<'a>(effects: Option<&'a Vec<Effect>>, all: &RoaringBitmap) -> Vec<std::borrow::Cow<'a, Effect>> {
    let mut rest = all.clone();
    let mut list: Vec<std::borrow::Cow<'a, Effect>> = Vec::new();
    for effect in effects.into_iter().flatten() {
        rest -= &effect.computers;
        list.push(std::borrow::Cow::Borrowed(effect));
    }
    let nothing = Effect { wanted: None, identity: Digest::of(b"nothing"), computers: rest };
    list.push(std::borrow::Cow::Owned(nothing));
    list
}

impl Clone for Effect {
    fn clone(&self) -> Self {
        Self {
            wanted: self.wanted.clone(),
            identity: self.identity.clone(),
            computers: self.computers.clone(),
        }
    }
}

/// A wish in words.
fn text(deployment: &Deployment, mode: Mode) -> String {
    if is_ignored(deployment) || mode == Mode::Ignored {
        return "ignored".to_owned();
    }
    let mut text = match &deployment.desired {
        Desired::Task => "set".to_owned(),
        Desired::OsUpdates => "no approved update missing".to_owned(),
        Desired::Software { state, version, .. } => {
            let version = match version {
                WantedVersion::Any { .. } => String::new(),
                WantedVersion::Latest { install } => format!(" {install} (latest)"),
                WantedVersion::Exact { version } => format!(" {version}"),
                WantedVersion::Range { constraint, install } => format!(" {install} ({constraint})"),
            };
            match state {
                SoftwareState::Installed => format!("installed{version}"),
                SoftwareState::Absent => "absent".to_owned(),
                SoftwareState::UpdateIfFound => format!("update if found{version}"),
                SoftwareState::Ignored => "ignored".to_owned(),
            }
        }
    };
    if mode < Mode::Enforce {
        // Writing into a string cannot fail.
        _ = write!(text, ", {mode} only");
    }
    text
}

/// Each tenant of either side, with the computers that it has now.
fn tenants(
    base: Side<'_>,
    head: Side<'_>,
    before: &Effects,
    after: &Effects,
    changed: &RoaringBitmap,
) -> Vec<TenantDiff> {
    let names: BTreeSet<&Name> = base.config.tenants.keys().chain(head.config.tenants.keys()).collect();
    let with_none = |side: Side<'_>| {
        let tenants = side.snapshot.tenants();
        tenants.iter().fold(side.present.clone(), |rest, (_, set)| rest - set)
    };
    let mut list: Vec<(Option<&Name>, RoaringBitmap, RoaringBitmap)> = names
        .into_iter()
        .map(|name| {
            let of = |side: Side<'_>| side.snapshot.tenants().with(name) & side.present;
            (Some(name), of(base), of(head))
        })
        .collect();
    list.push((None, with_none(base), with_none(head)));
    list.into_iter()
        .filter(|(name, was, is)| name.is_some() || !was.is_empty() || !is.is_empty())
        .map(|(name, was, is)| TenantDiff {
            tenant: name.cloned(),
            computers: count(&(&was | &is)),
            touched: count(&(((&is | &was) & changed) | (&was ^ &is))),
            before: sum(before, &was),
            after: sum(after, &is),
        })
        .collect()
}

/// Over all that is wanted of these computers, whichever deployments say so.
fn sum(effects: &Effects, computers: &RoaringBitmap) -> Digest {
    let mut hasher = Sha256::new();
    hasher.update(bytes_of(computers.clone()));
    for (item, of_item) in effects {
        let mut parts: BTreeMap<&Digest, RoaringBitmap> = BTreeMap::new();
        for effect in of_item {
            *parts.entry(&effect.identity).or_default() |= &effect.computers & computers;
        }
        for (identity, part) in parts.into_iter().filter(|(_, part)| !part.is_empty()) {
            hasher.update(item.to_string().as_bytes());
            hasher.update(identity.as_str().as_bytes());
            hasher.update(bytes_of(part));
        }
    }
    Digest::of(&hasher.finalize())
}

/// A set as bytes that do not depend on how it was put together.
fn bytes_of(mut set: RoaringBitmap) -> Vec<u8> {
    set.remove_run_compression();
    let mut bytes = Vec::new();
    // Writing into memory does not fail.
    _ = set.serialize_into(&mut bytes);
    bytes
}
