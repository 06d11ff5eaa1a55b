//! From what is to be done where to changes and sessions: order, causes, grouping.
//!
//! Invariants: every action of a session comes after all it depends on; what is part of a circle is left out and said; equal
//! changes are one change, whatever the number of computers (L12).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::diff::Act;
use super::document::{
    ActionType, Cause, Change, NoteKind, Origin, PlannedAction, PlannedComputer, PlannedSession,
};
use super::intents::Intents;
use super::notes::{Notes, document, origin};
use super::order::{Base, Placed, Sequence};
use super::planner::Input;
use super::procedures;
use crate::config::Config;
use crate::config::kind::{Mode, ParameterValue};
use crate::config::model::{Deployment, Desired};
use crate::diagnostic::{Finding, Findings, code};
use crate::id::{Digest, Name};
use crate::inventory::item::{ItemKey, ItemKind, Observed};
use crate::session::script::Platform;

/// Something to be done on computers of one platform.
#[derive(Debug, Clone)]
pub(super) struct Intent<'a> {
    pub(super) item: ItemKey,
    pub(super) act: Act,
    pub(super) before: Observed,
    pub(super) mode: Mode,
    pub(super) parameters: BTreeMap<String, ParameterValue>,
    pub(super) deployment: &'a Deployment,
    pub(super) needed_by: Option<ItemKey>,
    /// The licence that its scripts get.
    pub(super) license: Option<Name>,
    pub(super) platform: Platform,
    pub(super) computers: RoaringBitmap,
}

/// An intent where its changes have one cause.
struct Caused<'a> {
    intent: Intent<'a>,
    content: Digest,
    cause: Cause,
}

/// The parts of a plan that tell what is done.
#[derive(Debug, Default)]
pub(super) struct Made {
    pub(super) computers: Vec<PlannedComputer>,
    pub(super) changes: Vec<Change>,
    pub(super) sessions: Vec<PlannedSession>,
}

/// By what changes are told apart, and sorted.
type Key = (
    Base,
    ActionType,
    super::document::Reason,
    Cause,
    Mode,
    Observed,
    Observed,
    Option<String>,
    Origin,
    Option<ItemKey>,
    Option<Name>,
    Digest,
);

/// Orders, groups and numbers.
pub(super) fn assemble(
    input: &Input<'_>,
    intents: Vec<Intent<'_>>,
    wanted: &mut Intents,
    notes: &mut Notes,
    findings: &mut Findings,
) -> Made {
    let intents = by_cause(input, super::alike::merge(intents), wanted);
    let sequence = Sequence::new(input.config);
    let by_set = by_set(&intents);

    let mut groups: BTreeMap<usize, RoaringBitmap> = BTreeMap::new();
    let mut planned: BTreeMap<u32, (Vec<usize>, Arc<[Placed]>)> = BTreeMap::new();
    for (set, computers) in by_set {
        let (set, placed) = ordered(&sequence, &intents, set, &computers, notes, findings);
        if set.is_empty() {
            continue;
        }
        let placed: Arc<[Placed]> = placed.into();
        for ix in &set {
            *groups.entry(*ix).or_default() |= &computers;
        }
        for computer in &computers {
            planned.insert(computer, (set.clone(), Arc::clone(&placed)));
        }
    }
    // Equal ones from different parts become one change.
    let mut keys: BTreeMap<Key, (Vec<usize>, RoaringBitmap)> = BTreeMap::new();
    for (group, computers) in groups {
        let Some(caused) = intents.get(group) else { continue };
        let entry = keys.entry(key(&sequence, caused)).or_default();
        entry.0.push(group);
        entry.1 |= computers;
    }
    number(input, &intents, keys, planned)
}

/// Splits what is to be done by why it is due.
fn by_cause<'a>(input: &Input<'a>, intents: Vec<Intent<'a>>, wanted: &mut Intents) -> Vec<Caused<'a>> {
    let mut result = Vec::with_capacity(intents.len());
    for intent in intents.into_iter().filter(|intent| !intent.computers.is_empty()) {
        let content = content(input.config, &intent);
        let version = match &intent.deployment.desired {
            Desired::Software { version, .. } if intent.needed_by.is_none() => version.install(),
            _ => intent.act.version.as_deref(),
        };
        let key = wanted.key_with(&intent.item, intent.deployment, intent.mode, content.clone(), version);
        for (cause, computers) in input.past.causes(&key, &intent.computers) {
            let intent = Intent { computers, ..intent.clone() };
            result.push(Caused { intent, content: content.clone(), cause });
        }
    }
    result
}

fn content(config: &Config, intent: &Intent<'_>) -> Digest {
    let absent = intent.act.action == ActionType::Uninstall;
    let wish = intent.item.kind == ItemKind::Software && intent.needed_by.is_none() && !absent;
    let version = match &intent.deployment.desired {
        // What is wanted counts, not what is due: a repair and an update serve the same wish.
        Desired::Software { version, .. } if wish => version.install(),
        _ => intent.act.version.as_deref(),
    };
    procedures::content(config, &intent.item, version, absent, &intent.parameters, intent.platform)
}

/// Computers by the set of what is to be done on them: most have one of few sets.
fn by_set(intents: &[Caused<'_>]) -> BTreeMap<Vec<usize>, RoaringBitmap> {
    let mut of_computer: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (ix, intent) in intents.iter().enumerate() {
        for computer in &intent.intent.computers {
            of_computer.entry(computer).or_default().push(ix);
        }
    }
    let mut sets: BTreeMap<Vec<usize>, RoaringBitmap> = BTreeMap::new();
    for (computer, set) in of_computer {
        sets.entry(set).or_default().insert(computer);
    }
    sets
}

/// Puts a set in order. Circles, and what depends on them, are taken out and said.
fn ordered(
    sequence: &Sequence<'_>,
    intents: &[Caused<'_>],
    mut set: Vec<usize>,
    computers: &RoaringBitmap,
    notes: &mut Notes,
    findings: &mut Findings,
) -> (Vec<usize>, Vec<Placed>) {
    loop {
        let chosen: Vec<&Intent<'_>> =
            set.iter().filter_map(|ix| intents.get(*ix)).map(|caused| &caused.intent).collect();
        let actions: Vec<(&ItemKey, ActionType)> =
            chosen.iter().map(|intent| (&intent.item, intent.act.action)).collect();
        let circle = match sequence.order(&actions) {
            Ok(placed) => return (set, placed),
            Err(circle) => circle.0,
        };
        let mut path: Vec<String> =
            circle.iter().filter_map(|ix| chosen.get(*ix)).map(|intent| intent.item.to_string()).collect();
        path.extend(path.first().cloned());
        let text = format!("these need each other in a circle: {}", path.join(" -> "));
        let mut out: BTreeSet<usize> = circle.iter().copied().collect();
        let needs = sequence.dependencies(&actions);
        while let Some(more) = (0..needs.len())
            .find(|ix| !out.contains(ix) && needs.get(*ix).is_some_and(|n| !n.is_disjoint(&out)))
        {
            out.insert(more);
        }
        for ix in &out {
            let Some(intent) = chosen.get(*ix) else { continue };
            notes.add(
                NoteKind::Blocked,
                Some(&intent.item),
                &text,
                Some(origin(intent.deployment)),
                computers,
            );
        }
        if let Some(intent) = circle.first().and_then(|ix| chosen.get(*ix)) {
            let software = sequence.config().software.get(&intent.item.name);
            let at = match software.filter(|_| intent.item.kind == ItemKind::Software) {
                Some(software) => document(&software.metadata.name, &software.place),
                None => origin(intent.deployment),
            };
            findings.push(Finding::new(code::CYCLE, text, at.place));
        }
        set = set.iter().enumerate().filter(|(ix, _)| !out.contains(ix)).map(|(_, intent)| *intent).collect();
    }
}

fn key(sequence: &Sequence<'_>, caused: &Caused<'_>) -> Key {
    let Caused { intent, content, cause } = caused;
    (
        sequence.base(&intent.item),
        intent.act.action,
        intent.act.reason,
        *cause,
        intent.mode,
        intent.before.clone(),
        intent.act.after.clone(),
        intent.act.version.clone(),
        origin(intent.deployment),
        intent.needed_by.clone(),
        intent.license.clone(),
        content.clone(),
    )
}

/// Makes the lists of the document, which refer to each other by position.
fn number(
    input: &Input<'_>,
    intents: &[Caused<'_>],
    keys: BTreeMap<Key, (Vec<usize>, RoaringBitmap)>,
    planned: BTreeMap<u32, (Vec<usize>, Arc<[Placed]>)>,
) -> Made {
    let narrow = |ix: usize| u32::try_from(ix).unwrap_or(u32::MAX);
    let positions: BTreeMap<u32, u32> =
        planned.keys().enumerate().map(|(at, computer)| (*computer, narrow(at))).collect();
    let mut made = Made::default();
    for computer in planned.keys() {
        let known = input.snapshot.computer(*computer);
        made.computers.push(PlannedComputer {
            id: known.id.clone(),
            name: known.name.clone(),
            tenant: known.tenant.clone(),
            provider: known.provider.clone(),
            agent: known.agent.clone(),
            // Where something is to be done the platform is known.
            platform: known.platform.unwrap_or(Platform::Posix),
        });
    }
    let mut numbers: BTreeMap<usize, u32> = BTreeMap::new();
    for (_, (groups, computers)) in keys {
        let Some(Caused { intent, content, cause }) = groups.first().and_then(|first| intents.get(*first))
        else {
            continue;
        };
        let number = narrow(made.changes.len());
        numbers.extend(groups.into_iter().map(|group| (group, number)));
        made.changes.push(Change {
            item: intent.item.clone(),
            title: title(input.config, &intent.item),
            action: intent.act.action,
            reason: intent.act.reason,
            cause: *cause,
            mode: intent.mode,
            before: intent.before.clone(),
            after: intent.act.after.clone(),
            version: intent.act.version.clone(),
            license: intent.license.clone(),
            parameters: intent.parameters.clone(),
            deployment: origin(intent.deployment),
            needed_by: intent.needed_by.clone(),
            content: content.clone(),
            may_restart: input
                .config
                .software
                .get(&intent.item.name)
                .is_some_and(|software| intent.item.kind == ItemKind::Software && software.needs_reboot),
            computers: computers.iter().filter_map(|computer| positions.get(&computer).copied()).collect(),
        });
    }
    for (computer, (groups, placed)) in planned {
        let action = |placed: &Placed| {
            let change = *numbers.get(groups.get(placed.action)?)?;
            Some(PlannedAction { change, after: placed.after.iter().map(|ix| narrow(*ix)).collect() })
        };
        made.sessions.push(PlannedSession {
            computer: positions.get(&computer).copied().unwrap_or_default(),
            actions: placed.iter().filter_map(action).collect(),
        });
    }
    made
}

/// An item's title for people.
pub(super) fn title(config: &Config, item: &ItemKey) -> String {
    let metadata = match item.kind {
        ItemKind::Software => config.software.get(&item.name).map(|software| &software.metadata),
        ItemKind::Task => config.tasks.get(&item.name).map(|task| &task.metadata),
    };
    let title = metadata.and_then(|metadata| metadata.title.clone());
    let title = title.unwrap_or_else(|| item.name.as_str().to_owned());
    match &item.instance {
        Some(instance) => format!("{title} [{instance}]"),
        None => title,
    }
}
