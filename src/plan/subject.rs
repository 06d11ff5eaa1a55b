//! What somebody asks about by its name: a deployment, a bundle, a target, a software or a task. What it is, whom it
//! reaches, what uses it, and why it does not act.
//!
//! Not here: what follows on one computer (`explain`), and text for people (`report`).
//!
//! Invariant: the functions that decide in a plan decide here too; nothing is worked out a second way.

use std::collections::{BTreeMap, BTreeSet};

use roaring::RoaringBitmap;
use serde::Serialize;

use super::document::Origin;
use super::explain::Held;
use super::fleet::Fleet;
use super::gates::{self, Run};
use super::notes::{document, origin};
use super::phrase;
use super::precedence::{self, Candidate};
use crate::config::Config;
use crate::config::kind::{Consequence, ItemRef, Kind, Mode};
use crate::config::model::{Deployment, Prerequisite};
use crate::diagnostic::Place;
use crate::id::Name;
use crate::inventory::item::{ItemKey, ItemKind};
use crate::inventory::snapshot::Snapshot;
use crate::targets::{self, Expr, Membership};

/// A deployment, over all computers that are known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AboutDeployment {
    /// Its name and place.
    pub deployment: Origin,
    /// The bundle that it is an entry of.
    pub bundle: Option<Origin>,
    /// What it is about.
    pub item: ItemKey,
    /// What it says, as a sentence (DEP-24).
    pub says: String,
    /// Why it counts on no computer at all, if so.
    pub gate: Option<String>,
    /// Why nothing is done where it wins, if so.
    pub held: Option<Held>,
    /// Computers that its target selects for certain.
    pub selects: u64,
    /// Computers of which too little is known to say whether it does.
    pub unknown: u64,
    /// Selected computers on which it does not count, by the reason.
    pub exempt: Vec<Share>,
    /// Computers on which it wins.
    pub wins: u64,
    /// Computers on which another one wins, by that one.
    pub loses: Vec<Share>,
    /// Computers on which nobody wins for certain: a tie, or facts are missing.
    pub open: u64,
}

/// A number of computers, and what they have in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Share {
    /// What they have in common.
    pub what: String,
    /// How many.
    pub computers: u64,
}

/// A bundle with all its entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AboutBundle {
    /// Its name and place.
    pub bundle: Origin,
    /// What it expands to.
    pub deployments: Vec<AboutDeployment>,
}

/// A target, its size, and who uses it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AboutTarget {
    /// Its name and place.
    pub target: Origin,
    /// Whom it selects, in words.
    pub says: String,
    /// The most that may be done through it.
    pub mode: Mode,
    /// Computers that it selects for certain.
    pub selects: u64,
    /// Computers of which too little is known.
    pub unknown: u64,
    /// What refers to it.
    pub uses: Vec<Use>,
}

/// A software or task, and who uses it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AboutItem {
    /// The item.
    pub item: ItemKey,
    /// Its title.
    pub title: Option<String>,
    /// Its document.
    pub place: Place,
    /// Whether anything is done with it at all.
    pub enabled: bool,
    /// The newest version that can be installed.
    pub latest: Option<String>,
    /// What refers to it.
    pub uses: Vec<Use>,
}

/// Something that refers to a document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Use {
    /// What refers to it: `Deployment`, `Bundle`, `Target`, `Software`, `License`, `Order`.
    pub kind: &'static str,
    /// Its name; an `Order` has none here, as all of them are one.
    pub name: Option<Name>,
    /// Where it stands.
    pub place: Option<Place>,
    /// How it uses it.
    pub how: String,
}

/// Whether a deployment came from this bundle.
fn of_bundle(deployment: &Deployment, bundle: &Name) -> bool {
    deployment.bundle.as_ref().is_some_and(|(name, _)| name == bundle)
}

/// What a deployment does over all computers.
#[must_use]
pub fn deployment(config: &Config, snapshot: &Snapshot, run: &Run, wanted: &Deployment) -> AboutDeployment {
    let fleet = Fleet::in_run(config, snapshot, run);
    let (candidates, _) = precedence::candidates(config, snapshot, &fleet, run);
    about(config, snapshot, run, &fleet, &candidates, wanted)
}

/// What a bundle expands to, and what becomes of it; `None` when no deployment is of it.
#[must_use]
pub fn bundle(config: &Config, snapshot: &Snapshot, run: &Run, name: &Name) -> Option<AboutBundle> {
    let entries: Vec<&Deployment> =
        config.deployments.values().filter(|deployment| of_bundle(deployment, name)).collect();
    let (_, place) = entries.first()?.bundle.as_ref()?;
    let fleet = Fleet::in_run(config, snapshot, run);
    let (candidates, _) = precedence::candidates(config, snapshot, &fleet, run);
    let one = |entry: &&Deployment| about(config, snapshot, run, &fleet, &candidates, entry);
    Some(AboutBundle { bundle: document(name, place), deployments: entries.iter().map(one).collect() })
}

fn about(
    config: &Config,
    snapshot: &Snapshot,
    run: &Run,
    fleet: &Fleet,
    candidates: &BTreeMap<ItemKey, Vec<Candidate<'_>>>,
    wanted: &Deployment,
) -> AboutDeployment {
    let resolved = targets::resolve(&wanted.expression, config, Some(&wanted.place)).ok();
    let membership =
        resolved.as_ref().map_or_else(Membership::default, |resolved| targets::evaluate(resolved, snapshot));
    let mut about = AboutDeployment {
        deployment: origin(wanted),
        bundle: wanted.bundle.as_ref().map(|(name, place)| document(name, place)),
        item: wanted.item.clone(),
        says: phrase::deployment(config, wanted, run.now),
        gate: gates::gate(config, run, wanted).map(|gate| gate.to_string()),
        held: Held::of_deployment(config, wanted, run.now),
        selects: membership.certain.len(),
        unknown: membership.unknown().len(),
        exempt: Vec::new(),
        wins: 0,
        loses: Vec::new(),
        open: 0,
    };
    if about.gate.is_some() {
        return about;
    }
    if let Some(resolved) = &resolved {
        let scope = targets::scope(resolved);
        let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
        for ix in &(gates::exempted(fleet, wanted, scope) & &membership.certain) {
            if let Some(why) = gates::exempt(fleet, wanted, scope, ix) {
                *reasons.entry(why.to_string()).or_default() += 1;
            }
        }
        about.exempt = shares(reasons);
    }
    let of_item = candidates.get(&wanted.item).map_or(&[][..], Vec::as_slice);
    let name = &wanted.metadata.name;
    let Some(own) = of_item.iter().position(|candidate| candidate.deployment.metadata.name == *name) else {
        return about;
    };
    let winners = precedence::winners(of_item, &fleet.all);
    let reach = of_item.get(own).map_or_else(RoaringBitmap::new, |candidate| candidate.reach.clone());
    let mut open = reach.clone();
    let mut loses: BTreeMap<String, u64> = BTreeMap::new();
    for (at, (candidate, won)) in of_item.iter().zip(&winners.won).enumerate() {
        let here = won & &reach;
        open -= &here;
        if at == own {
            about.wins = here.len();
        } else if !here.is_empty() {
            let to = candidate.deployment;
            loses.insert(format!("{} ({})", to.metadata.name, to.place), here.len());
        }
    }
    about.loses = shares(loses);
    about.open = open.len();
    about
}

fn shares(counted: BTreeMap<String, u64>) -> Vec<Share> {
    counted.into_iter().map(|(what, computers)| Share { what, computers }).collect()
}

/// A target, its size and its uses; `None` when there is none of that name.
#[must_use]
pub fn target(config: &Config, snapshot: &Snapshot, run: &Run, name: &Name) -> Option<AboutTarget> {
    let target = config.targets.get(name)?;
    let resolved = targets::resolve(&target.expression, config, Some(&target.place)).ok()?;
    let membership = targets::evaluate(&resolved, snapshot);
    let mut uses = Vec::new();
    for deployment in config.deployments.values() {
        if deployment.target.as_ref() == Some(name) || goes_through(config, deployment, name) {
            uses.push(use_of(deployment, phrase::deployment(config, deployment, run.now)));
        }
    }
    for (other, declared) in config.targets.iter().filter(|(other, _)| *other != name) {
        let resolved = targets::resolve(&declared.expression, config, Some(&declared.place));
        if resolved.is_ok_and(|resolved| names(resolved.expr(), name)) {
            uses.push(Use {
                kind: Kind::Target.as_str(),
                name: Some(other.clone()),
                place: Some(declared.place.clone()),
                how: "is made of it".to_owned(),
            });
        }
    }
    uses.sort();
    Some(AboutTarget {
        target: document(name, &target.place),
        says: phrase::on(config, None, &resolved),
        mode: target.mode,
        selects: membership.certain.len(),
        unknown: membership.unknown().len(),
        uses,
    })
}

fn goes_through(config: &Config, deployment: &Deployment, name: &Name) -> bool {
    let resolved = targets::resolve(&deployment.expression, config, Some(&deployment.place));
    resolved.is_ok_and(|resolved| names(resolved.expr(), name))
}

/// Whether an expression refers to a target. Expressions are bounded in depth, so the recursion is.
fn names(expression: &Expr, name: &Name) -> bool {
    match expression {
        Expr::Select(_) => false,
        Expr::Not(inner) => names(inner, name),
        Expr::All(members) | Expr::Any(members) => members.iter().any(|member| names(member, name)),
        Expr::Target(other, inner) => other == name || names(inner, name),
    }
}

fn use_of(deployment: &Deployment, how: String) -> Use {
    Use {
        kind: Kind::Deployment.as_str(),
        name: Some(deployment.metadata.name.clone()),
        place: Some(deployment.place.clone()),
        how,
    }
}

/// A software or task and its uses; `None` when there is none of that name.
#[must_use]
pub fn item(config: &Config, run: &Run, kind: ItemKind, name: &Name) -> Option<AboutItem> {
    let (metadata, place, enabled, latest) = match kind {
        ItemKind::Software => {
            let software = config.software.get(name)?;
            (&software.metadata, &software.place, software.enabled, software.latest())
        }
        ItemKind::Task => {
            let task = config.tasks.get(name)?;
            (&task.metadata, &task.place, task.enabled, None)
        }
        ItemKind::OsUpdates => return None,
    };
    Some(AboutItem {
        item: ItemKey { kind, name: name.clone(), instance: None },
        title: metadata.title.clone(),
        place: place.clone(),
        enabled,
        latest: latest.map(str::to_owned),
        uses: uses(config, run, kind, name),
    })
}

/// Everything that refers to a software or task: deployments with their bundles and targets, other software, licences and
/// the order.
#[must_use]
pub fn uses(config: &Config, run: &Run, kind: ItemKind, name: &Name) -> Vec<Use> {
    let mut uses: BTreeSet<Use> = BTreeSet::new();
    let mut say = |kind: Kind, name: Option<&Name>, place: Option<&Place>, how: String| {
        uses.insert(Use { kind: kind.as_str(), name: name.cloned(), place: place.cloned(), how });
    };
    let of_it = |item: &ItemKey| item.kind == kind && item.name == *name;
    for deployment in config.deployments.values().filter(|deployment| of_it(&deployment.item)) {
        let said = phrase::deployment(config, deployment, run.now);
        say(Kind::Deployment, Some(&deployment.metadata.name), Some(&deployment.place), said);
        if let Some((bundle, place)) = &deployment.bundle {
            say(Kind::Bundle, Some(bundle), Some(place), "has it as an entry".to_owned());
        }
        if let Some(target) = deployment.target.as_ref().and_then(|target| config.targets.get(target)) {
            let how = "computers of it get it".to_owned();
            say(Kind::Target, Some(&target.metadata.name), Some(&target.place), how);
        }
    }
    for (other, software) in &config.software {
        if kind == ItemKind::Task && software.configuration.as_ref() == Some(name) {
            let how = "is configured by it".to_owned();
            say(Kind::Software, Some(other), Some(&software.place), how);
        }
        for prerequisite in software.prerequisites.iter().filter(|_| kind == ItemKind::Software) {
            for how in roles(prerequisite, name) {
                say(Kind::Software, Some(other), Some(&prerequisite.place), how.to_owned());
            }
        }
    }
    if kind == ItemKind::Software {
        for (license, declared) in config.licenses.iter().filter(|(_, license)| license.software == *name) {
            say(Kind::License, Some(license), Some(&declared.place), "is for it".to_owned());
        }
    }
    let is_it = |item: &ItemRef| match item {
        ItemRef::Software(other) => kind == ItemKind::Software && other == name,
        ItemRef::Task(other) => kind == ItemKind::Task && other == name,
    };
    for (items, how) in [(&config.order.first, "puts it first"), (&config.order.last, "puts it last")] {
        if items.iter().any(is_it) {
            say(Kind::Order, None, None, how.to_owned());
        }
    }
    uses.into_iter().collect()
}

/// What a software has to do with a prerequisite of another one.
fn roles(prerequisite: &Prerequisite, name: &Name) -> Vec<&'static str> {
    let within = |names: &Vec<Name>| names.contains(name);
    let mut roles = Vec::new();
    if prerequisite.when.installed.as_ref().is_some_and(within)
        || prerequisite.when.not_installed.as_ref().is_some_and(within)
    {
        roles.push("asks whether it is installed");
    }
    match &prerequisite.then {
        Consequence::Install(names) if within(names) => roles.push("has it installed first"),
        Consequence::Uninstall(names) if within(names) => roles.push("has it removed first"),
        _ => {}
    }
    roles
}
