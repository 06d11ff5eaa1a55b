//! From what is to be done where to changes and sessions: order, causes, grouping.
//!
//! Invariants: every action of a session comes after all it depends on; what is part of a circle is left out and said; equal
//! changes are one change, whatever the number of computers (L12).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::diff::Act;
use super::document::{
    ActionType, Cause, Change, NoteKind, Origin, PlannedAction, PlannedComputer, PlannedSession, Reason,
};
use super::intents::Intents;
use super::notes::{Notes, document, origin};
use super::order::{Base, Placed, Sequence};
use super::past::Past;
use super::planner::Input;
use super::{probes, procedures};
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

/// An intent where its changes have one cause, on its own.
#[derive(Debug, Clone)]
pub(super) struct Caused {
    item: ItemKey,
    act: Act,
    before: Observed,
    mode: Mode,
    parameters: BTreeMap<String, ParameterValue>,
    origin: Origin,
    needed_by: Option<ItemKey>,
    license: Option<Name>,
    computers: RoaringBitmap,
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
    Reason,
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
    mut intents: Vec<Arc<Caused>>,
    notes: &mut Notes,
    findings: &mut Findings,
) -> Made {
    let sequence = Sequence::new(input.config);
    let orders = Orders::new(&sequence, &mut intents, notes, findings);
    // Equal ones from different parts become one change.
    let mut changes: BTreeMap<Key, (usize, RoaringBitmap)> = BTreeMap::new();
    for (ix, caused) in intents.iter().enumerate() {
        if !caused.computers.is_empty() {
            let entry = changes.entry(key(&sequence, caused)).or_insert((ix, RoaringBitmap::new()));
            entry.1 |= &caused.computers;
        }
    }
    number(input, &intents, &changes.into_values().collect::<Vec<_>>(), &orders)
}

/// Splits what is to be done by why it is due.
pub(super) fn by_cause(
    config: &Config,
    past: &Past,
    intents: Vec<Intent<'_>>,
    wanted: &mut Intents,
) -> Vec<Arc<Caused>> {
    let mut result = Vec::with_capacity(intents.len());
    let merged = super::alike::merge(intents);
    for intent in merged.into_iter().filter(|intent| !intent.computers.is_empty()) {
        let content = content(config, &intent);
        let version = match &intent.deployment.desired {
            Desired::Software { version, .. } if intent.needed_by.is_none() => version.install(),
            _ => intent.act.version.as_deref(),
        };
        let key = wanted.key_with(&intent.item, intent.deployment, intent.mode, content.clone(), version);
        let causes = match intent.act.reason {
            // What it makes up for was tried before, whatever was wanted then.
            Reason::Unfinished => vec![(Cause::Retry, intent.computers.clone())],
            // Nothing has changed but what somebody asks for.
            Reason::RepairRequested => vec![(Cause::NewIntent, intent.computers.clone())],
            Reason::UpdatesWaiting => due_for_updates(past.causes(&key, true, &intent.computers)),
            _ => past.causes(&key, intent.needed_by.is_none(), &intent.computers),
        };
        for (cause, computers) in causes {
            result.push(Arc::new(Caused {
                item: intent.item.clone(),
                act: intent.act.clone(),
                before: intent.before.clone(),
                mode: intent.mode,
                parameters: intent.parameters.clone(),
                origin: origin(intent.deployment),
                needed_by: intent.needed_by.clone(),
                license: intent.license.clone(),
                computers,
                content: content.clone(),
                cause,
            }));
        }
    }
    result
}

/// Updates are due as somebody approved them since, or as they were started in vain; not for what a schedule says.
fn due_for_updates(causes: Vec<(Cause, RoaringBitmap)>) -> Vec<(Cause, RoaringBitmap)> {
    let mut sets: BTreeMap<Cause, RoaringBitmap> = BTreeMap::new();
    for (cause, computers) in causes {
        let cause = if cause == Cause::Retry { cause } else { Cause::SourceData };
        *sets.entry(cause).or_default() |= computers;
    }
    sets.into_iter().collect()
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

/// For each of some computers, the numbers of the sets that it is in, ascending.
struct Rows {
    /// Where the numbers of each computer begin, by its position; one more at the end.
    starts: Vec<usize>,
    numbers: Vec<u32>,
}

impl Rows {
    /// `lists` are the sets, as positions below `count`.
    fn new(lists: &[Vec<u32>], count: usize) -> Self {
        let mut starts = vec![0_usize; count + 1];
        for position in lists.iter().flatten() {
            if let Some(start) = starts.get_mut(wide(*position) + 1) {
                *start += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut numbers = vec![0; sum];
        let mut next = starts.clone();
        for (number, list) in (0_u32..).zip(lists) {
            for position in list {
                let Some(at) = next.get_mut(wide(*position)) else { continue };
                if let Some(slot) = numbers.get_mut(*at) {
                    *slot = number;
                }
                *at += 1;
            }
        }
        Self { starts, numbers }
    }

    fn iter(&self) -> impl Iterator<Item = &[u32]> {
        let range = |ends: &[usize]| self.numbers.get(*ends.first()?..*ends.last()?);
        self.starts.windows(2).map(move |ends| range(ends).unwrap_or_default())
    }
}

/// The positions of some computers among themselves.
struct Positions {
    of: Vec<u32>,
    count: usize,
}

impl Positions {
    fn new(computers: &RoaringBitmap) -> Self {
        let size = computers.max().map_or(0, |most| wide(most) + 1);
        let mut of = vec![u32::MAX; size];
        let mut count = 0;
        for (position, computer) in (0..).zip(computers) {
            if let Some(slot) = of.get_mut(wide(computer)) {
                *slot = position;
                count += 1;
            }
        }
        Self { of, count }
    }

    /// A set as positions, ascending. What is not among the computers is left out.
    fn list(&self, set: &RoaringBitmap) -> Vec<u32> {
        let mut list = Vec::with_capacity(usize::try_from(set.len()).unwrap_or_default());
        let position =
            |computer| self.of.get(wide(computer)).copied().filter(|position| *position < u32::MAX);
        list.extend(set.iter().filter_map(position));
        list
    }
}

fn wide(ix: u32) -> usize {
    usize::try_from(ix).unwrap_or(usize::MAX)
}

fn narrow(ix: usize) -> u32 {
    u32::try_from(ix).unwrap_or(u32::MAX)
}

/// The order of actions on computers where it is not just the base order.
#[derive(Default)]
struct Orders {
    orders: Vec<Order>,
    of_computer: HashMap<u32, usize>,
}

/// An order: positions in the base order, each with what must have succeeded before it.
type Order = Vec<(usize, Vec<u32>)>;

impl Orders {
    /// Puts in order what depends on each other. Intents that cannot run on a computer are taken from it.
    fn new(
        sequence: &Sequence<'_>,
        intents: &mut [Arc<Caused>],
        notes: &mut Notes,
        findings: &mut Findings,
    ) -> Self {
        let mut result = Self::default();
        let entangled = entangled(sequence, intents);
        if entangled.is_empty() {
            return result;
        }
        let positions = Positions::new(&entangled);
        let lists: Vec<Vec<u32>> =
            intents.iter().map(|caused| positions.list(&(&caused.computers & &entangled))).collect();
        let mut by_set: BTreeMap<Vec<u32>, RoaringBitmap> = BTreeMap::new();
        for (computer, row) in entangled.iter().zip(Rows::new(&lists, positions.count).iter()) {
            match by_set.get_mut(row) {
                Some(computers) => _ = computers.insert(computer),
                None => _ = by_set.insert(row.to_vec(), RoaringBitmap::from_iter([computer])),
            }
        }
        let bases: Vec<Base> = intents.iter().map(|caused| base(sequence, caused)).collect();
        for (set, computers) in by_set {
            let set: Vec<usize> = set.into_iter().map(wide).collect();
            let (left, placed) = ordered(sequence, intents, set.clone(), &computers, notes, findings);
            for ix in set.iter().filter(|ix| !left.contains(ix)) {
                if let Some(caused) = intents.get_mut(*ix) {
                    Arc::make_mut(caused).computers -= &computers;
                }
            }
            let mut by_base: Vec<usize> = (0..left.len()).collect();
            by_base.sort_by_key(|at| left.get(*at).and_then(|ix| bases.get(*ix)));
            let mut ranks = vec![0; left.len()];
            for (rank, at) in by_base.into_iter().enumerate() {
                if let Some(slot) = ranks.get_mut(at) {
                    *slot = rank;
                }
            }
            let step = |Placed { action, after }: Placed| {
                (ranks.get(action).copied().unwrap_or_default(), after.into_iter().map(narrow).collect())
            };
            let order: Order = placed.into_iter().map(step).collect();
            if order.iter().enumerate().any(|(at, (rank, after))| at != *rank || !after.is_empty()) {
                result.of_computer.extend(computers.iter().map(|computer| (computer, result.orders.len())));
                result.orders.push(order);
            }
        }
        result
    }

    /// The order on a computer, if it is not the base order.
    fn of(&self, computer: u32) -> Option<&Order> {
        if self.orders.is_empty() {
            return None;
        }
        self.orders.get(*self.of_computer.get(&computer)?)
    }
}

/// The computers on which something may depend on something else.
fn entangled(sequence: &Sequence<'_>, intents: &[Arc<Caused>]) -> RoaringBitmap {
    let mut by_item: BTreeMap<&ItemKey, RoaringBitmap> = BTreeMap::new();
    for intent in intents {
        *by_item.entry(&intent.item).or_default() |= &intent.computers;
    }
    let mut entangled = RoaringBitmap::new();
    for (item, computers) in &by_item {
        for other in sequence.related(item) {
            if let Some(others) = by_item.get(&other) {
                entangled |= computers & others;
            }
        }
    }
    entangled
}

/// Puts a set in order. Circles, and what depends on them, are taken out and said.
fn ordered(
    sequence: &Sequence<'_>,
    intents: &[Arc<Caused>],
    mut set: Vec<usize>,
    computers: &RoaringBitmap,
    notes: &mut Notes,
    findings: &mut Findings,
) -> (Vec<usize>, Vec<Placed>) {
    loop {
        let chosen: Vec<&Caused> = set.iter().filter_map(|ix| intents.get(*ix)).map(AsRef::as_ref).collect();
        let actions: Vec<(&ItemKey, ActionType)> =
            chosen.iter().map(|intent| (&intent.item, intent.act.action)).collect();
        let onboarding =
            |(at, intent): (usize, &&Caused)| sequence.is_onboarding(&intent.origin.name).then_some(at);
        let onboarding = chosen.iter().enumerate().filter_map(onboarding).collect();
        let circle = match sequence.order(&actions, &onboarding) {
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
            notes.add(NoteKind::Blocked, Some(&intent.item), &text, Some(intent.origin.clone()), computers);
        }
        if let Some(intent) = circle.first().and_then(|ix| chosen.get(*ix)) {
            let software = sequence.config().software.get(&intent.item.name);
            let at = match software.filter(|_| intent.item.kind == ItemKind::Software) {
                Some(software) => document(&software.metadata.name, &software.place),
                None => intent.origin.clone(),
            };
            findings.push(Finding::new(code::CYCLE, text, at.place));
        }
        set = set.iter().enumerate().filter(|(ix, _)| !out.contains(ix)).map(|(_, intent)| *intent).collect();
    }
}

fn base(sequence: &Sequence<'_>, caused: &Caused) -> Base {
    sequence.base(&caused.item, sequence.is_onboarding(&caused.origin.name))
}

fn key(sequence: &Sequence<'_>, caused: &Caused) -> Key {
    let intent = caused;
    (
        base(sequence, intent),
        intent.act.action,
        intent.act.reason,
        intent.cause,
        intent.mode,
        intent.before.clone(),
        intent.act.after.clone(),
        intent.act.version.clone(),
        intent.origin.clone(),
        intent.needed_by.clone(),
        intent.license.clone(),
        intent.content.clone(),
    )
}

/// Makes the lists of the document, which refer to each other by position. The changes come in the base order of their
/// items, so each computer's are in that order as well.
fn number(
    input: &Input<'_>,
    intents: &[Arc<Caused>],
    changes: &[(usize, RoaringBitmap)],
    orders: &Orders,
) -> Made {
    let touched = changes.iter().fold(RoaringBitmap::new(), |sum, (_, computers)| sum | computers);
    let positions = Positions::new(&touched);
    let lists: Vec<Vec<u32>> = changes.iter().map(|(_, computers)| positions.list(computers)).collect();
    let rows = Rows::new(&lists, positions.count);
    let computer = |ix: u32| {
        let known = input.snapshot.computer(ix);
        PlannedComputer {
            id: known.id.clone(),
            name: known.name.clone(),
            tenant: known.tenant.clone(),
            provider: known.provider.clone(),
            agent: known.agent.clone(),
            // Where something is to be done the platform is known.
            platform: known.platform.unwrap_or(Platform::Posix),
        }
    };
    let change = |((first, _), computers): (&(usize, RoaringBitmap), Vec<u32>)| {
        let intent = intents.get(*first)?;
        Some(Change {
            item: intent.item.clone(),
            title: title(input.config, &intent.item),
            action: intent.act.action,
            reason: intent.act.reason,
            cause: intent.cause,
            mode: intent.mode,
            before: intent.before.clone(),
            after: intent.act.after.clone(),
            version: intent.act.version.clone(),
            license: intent.license.clone(),
            parameters: intent.parameters.clone(),
            origins: input.config.deployments.get(&intent.origin.name).map_or_else(
                BTreeMap::new,
                |deployment| {
                    let implied = intent.needed_by.is_some();
                    probes::origins(input.config, &intent.item, &intent.parameters, deployment, implied)
                },
            ),
            deployment: intent.origin.clone(),
            needed_by: intent.needed_by.clone(),
            removes: procedures::removes(input.config, &intent.item, intent.act.action),
            content: intent.content.clone(),
            may_restart: match intent.item.kind {
                ItemKind::Software => {
                    input.config.software.get(&intent.item.name).is_some_and(|software| software.needs_reboot)
                }
                ItemKind::Task => false,
                ItemKind::OsUpdates => true,
            },
            computers,
        })
    };
    let session = |(position, (ix, row)): (u32, (u32, &[u32]))| {
        let actions = match orders.of(ix) {
            None => row.iter().map(|change| PlannedAction { change: *change, after: Vec::new() }).collect(),
            Some(order) => {
                let action = |(rank, after): &(usize, Vec<u32>)| {
                    Some(PlannedAction { change: *row.get(*rank)?, after: after.clone() })
                };
                order.iter().filter_map(action).collect()
            }
        };
        PlannedSession { computer: position, actions }
    };
    std::thread::scope(|scope| {
        let others = scope.spawn(|| {
            let computers = touched.iter().map(computer).collect();
            (computers, changes.iter().zip(lists).filter_map(change).collect())
        });
        let sessions = (0..).zip(touched.iter().zip(rows.iter())).map(session).collect();
        match others.join() {
            Ok((computers, changes)) => Made { computers, changes, sessions },
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// An item's title for people.
pub(super) fn title(config: &Config, item: &ItemKey) -> String {
    let metadata = match item.kind {
        ItemKind::Software => config.software.get(&item.name).map(|software| &software.metadata),
        ItemKind::Task => config.tasks.get(&item.name).map(|task| &task.metadata),
        ItemKind::OsUpdates => return "Updates of the operating system".to_owned(),
    };
    let title = metadata.and_then(|metadata| metadata.title.clone());
    let title = title.unwrap_or_else(|| item.name.as_str().to_owned());
    match &item.instance {
        Some(instance) => format!("{title} [{instance}]"),
        None => title,
    }
}
