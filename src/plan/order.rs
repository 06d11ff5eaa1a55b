//! In which order the actions of one session run (ORD-1 to ORD-8).
//!
//! What is wanted for onboarding comes before everything else (ORD-3). Then the items of `Order.first` come first and those
//! of `Order.last` last, the others between them by name. What an item
//! needs comes directly before it, even if that pulls it forward; a configuration task comes directly after its software.
//!
//! Not here: whether an action is needed at all (`prerequisites`).
//!
//! Invariants: every action comes after all it depends on; the order depends on the set of actions alone, not on the order
//! in which they are given; a circle is an error that names its members.

use std::collections::{BTreeMap, BTreeSet};

use super::document::ActionType;
use super::probes;
use crate::config::Config;
use crate::config::kind::{Consequence, Enforcement, ItemRef};
use crate::id::Name;
use crate::inventory::item::{ItemKey, ItemKind};

/// The items of the configuration in their base order, and who configures whom.
#[derive(Debug)]
pub struct Sequence<'c> {
    config: &'c Config,
    first: BTreeMap<ItemRef, usize>,
    last: BTreeMap<ItemRef, usize>,
    configurations: BTreeMap<ItemKey, BTreeSet<ItemKey>>,
}

/// An action in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Its position in the list that was given.
    pub action: usize,
    /// Positions in the result of those that must have succeeded before, ascending.
    pub after: Vec<usize>,
}

/// A circle: positions in the list that was given, each needing the next, and the last needing the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Circle(pub Vec<usize>);

/// The place of an item when nothing needs anything: stage, band, position in it, name.
pub type Base = (u8, u8, usize, String, ItemKey);

impl<'c> Sequence<'c> {
    /// Of a configuration.
    #[must_use]
    pub fn new(config: &'c Config) -> Self {
        let numbered =
            |items: &[ItemRef]| items.iter().cloned().enumerate().map(|(ix, item)| (item, ix)).collect();
        let mut configurations: BTreeMap<ItemKey, BTreeSet<ItemKey>> = BTreeMap::new();
        for software in config.software.values() {
            if let Some(task) = probes::configuration(config, software) {
                let key = ItemKey::software(software.metadata.name.clone());
                configurations.entry(key).or_default().insert(task);
            }
        }
        Self {
            config,
            first: numbered(&config.order.first),
            last: numbered(&config.order.last),
            configurations,
        }
    }

    /// The configuration.
    #[must_use]
    pub const fn config(&self) -> &'c Config {
        self.config
    }

    /// Whether what this deployment wants is for computers that are being onboarded.
    #[must_use]
    pub fn is_onboarding(&self, deployment: &Name) -> bool {
        let known = self.config.deployments.get(deployment);
        known.is_some_and(|known| known.enforcement == Enforcement::Onboarding)
    }

    /// Where an item stands when nothing needs anything; `onboarding` says for what it is wanted.
    #[must_use]
    pub fn base(&self, item: &ItemKey, onboarding: bool) -> Base {
        let reference = match item.kind {
            ItemKind::Software => ItemRef::Software(item.name.clone()),
            ItemKind::Task => ItemRef::Task(item.name.clone()),
            // After everything else, as they restart computers and take long.
            ItemKind::OsUpdates => return (2, 0, 0, item.name.as_str().to_owned(), item.clone()),
        };
        let (band, position) = match (self.first.get(&reference), self.last.get(&reference)) {
            (Some(position), _) => (0, *position),
            (None, Some(position)) => (2, *position),
            (None, None) => (1, 0),
        };
        (u8::from(!onboarding), band, position, item.name.as_str().to_owned(), item.clone())
    }

    /// What each action depends on: positions in the same list.
    #[must_use]
    pub fn dependencies(&self, actions: &[(&ItemKey, ActionType)]) -> Vec<BTreeSet<usize>> {
        let positions: BTreeMap<&ItemKey, usize> =
            actions.iter().enumerate().map(|(ix, (item, _))| (*item, ix)).collect();
        let mut result = vec![BTreeSet::new(); actions.len()];
        let mut depend = |on: usize, dependent: usize| {
            if on != dependent
                && let Some(set) = result.get_mut(dependent)
            {
                set.insert(on);
            }
        };
        for (ix, (item, action)) in actions.iter().enumerate() {
            let tasks = self.configurations.get(*item).into_iter().flatten();
            for task in tasks.filter_map(|task| positions.get(task)) {
                depend(ix, *task);
            }
            if item.kind != ItemKind::Software || *action == ActionType::Uninstall {
                continue;
            }
            let software = self.config.software.get(&item.name);
            for rule in software.into_iter().flat_map(|software| &software.prerequisites) {
                let find = |name| {
                    let position = *positions.get(&ItemKey::software(Clone::clone(name)))?;
                    Some((position, actions.get(position)?.1))
                };
                let conditions = rule.when.installed.iter().chain(&rule.when.not_installed).flatten();
                for (position, action) in conditions.filter_map(find) {
                    if matches!(action, ActionType::Install | ActionType::Uninstall) {
                        depend(position, ix);
                    }
                }
                let (names, removed) = match &rule.then {
                    Consequence::Install(names) => (names.as_slice(), false),
                    Consequence::Uninstall(names) => (names.as_slice(), true),
                    Consequence::Fail(_) => continue,
                };
                for (position, action) in names.iter().filter_map(find) {
                    if removed == (action == ActionType::Uninstall) {
                        depend(position, ix);
                    }
                }
            }
        }
        result
    }

    /// The items that an action of this item may depend on, and those that come directly after it: between all others
    /// and this one [`Sequence::dependencies`] finds nothing.
    #[must_use]
    pub fn related(&self, item: &ItemKey) -> BTreeSet<ItemKey> {
        let mut related = self.configurations.get(item).cloned().unwrap_or_default();
        let software = self.config.software.get(&item.name).filter(|_| item.kind == ItemKind::Software);
        for rule in software.into_iter().flat_map(|software| &software.prerequisites) {
            let conditions = rule.when.installed.iter().chain(&rule.when.not_installed).flatten();
            related.extend(conditions.cloned().map(ItemKey::software));
            if let Consequence::Install(names) | Consequence::Uninstall(names) = &rule.then {
                related.extend(names.iter().cloned().map(ItemKey::software));
            }
        }
        related
    }

    /// Puts the actions of one session in order; those at the positions in `onboarding` are wanted for that. No item may be
    /// in the list twice.
    ///
    /// # Errors
    /// [`Circle`] when some depend on each other.
    pub fn order(
        &self,
        actions: &[(&ItemKey, ActionType)],
        onboarding: &BTreeSet<usize>,
    ) -> Result<Vec<Placed>, Circle> {
        let base =
            |(at, (item, _)): (usize, &(&ItemKey, ActionType))| self.base(item, onboarding.contains(&at));
        arrange(
            &actions.iter().enumerate().map(base).collect::<Vec<_>>(),
            &self.dependencies(actions),
            &self.followers(actions),
        )
    }

    /// For each action, the configuration tasks that come directly after it.
    fn followers(&self, actions: &[(&ItemKey, ActionType)]) -> Vec<BTreeSet<usize>> {
        let positions: BTreeMap<&ItemKey, usize> =
            actions.iter().enumerate().map(|(ix, (item, _))| (*item, ix)).collect();
        let of = |(item, _): &(&ItemKey, ActionType)| {
            let tasks = self.configurations.get(*item).into_iter().flatten();
            tasks.filter_map(|task| positions.get(task).copied()).collect()
        };
        actions.iter().map(of).collect()
    }
}

/// Arranges positions `0..base.len()`: by `base`, each directly after what it needs, and each of `followers` directly
/// after the one it follows.
///
/// A search in depth from each in base order: what is needed is put down first, and nothing else in between. It uses a
/// stack of its own, so a long chain cannot exhaust the thread's.
///
/// # Errors
/// [`Circle`] when some need each other.
pub fn arrange<B: Ord>(
    base: &[B],
    needs: &[BTreeSet<usize>],
    followers: &[BTreeSet<usize>],
) -> Result<Vec<Placed>, Circle> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        Open,
        Done,
    }
    let mut roots: Vec<usize> = (0..base.len()).collect();
    roots.sort_by(|a, b| base.get(*a).cmp(&base.get(*b)));
    let sorted = |set: Option<&BTreeSet<usize>>| {
        let mut list: Vec<usize> = set.into_iter().flatten().copied().collect();
        // The last is taken first.
        list.sort_by(|a, b| base.get(*b).cmp(&base.get(*a)));
        list
    };
    let mut marks = vec![Mark::New; base.len()];
    let mut placed: Vec<usize> = Vec::with_capacity(base.len());
    let mut stack: Vec<(usize, Vec<usize>)> = Vec::new();
    let mut queue: Vec<usize> = roots.into_iter().rev().collect();
    while let Some(root) = queue.pop() {
        if marks.get(root) != Some(&Mark::New) {
            continue;
        }
        if let Some(mark) = marks.get_mut(root) {
            *mark = Mark::Open;
        }
        stack.push((root, sorted(needs.get(root))));
        while let Some((current, open)) = stack.last_mut() {
            let current = *current;
            if let Some(next) = open.pop() {
                match marks.get(next) {
                    Some(Mark::New) => {
                        if let Some(mark) = marks.get_mut(next) {
                            *mark = Mark::Open;
                        }
                        stack.push((next, sorted(needs.get(next))));
                    }
                    Some(Mark::Open) => {
                        let from = stack.iter().position(|(ix, _)| *ix == next).unwrap_or(0);
                        return Err(Circle(stack.iter().skip(from).map(|(ix, _)| *ix).collect()));
                    }
                    _ => {}
                }
                continue;
            }
            stack.pop();
            if let Some(mark) = marks.get_mut(current) {
                *mark = Mark::Done;
            }
            placed.push(current);
            // Followers are put down at once if everything else that they need is there already.
            for follower in sorted(followers.get(current)).into_iter().rev() {
                let ready = |need: &usize| marks.get(*need) == Some(&Mark::Done);
                if marks.get(follower) == Some(&Mark::New)
                    && needs.get(follower).is_none_or(|needs| needs.iter().all(ready))
                {
                    if let Some(mark) = marks.get_mut(follower) {
                        *mark = Mark::Done;
                    }
                    placed.push(follower);
                }
            }
        }
    }
    let mut position = vec![0; base.len()];
    for (at, ix) in placed.iter().enumerate() {
        if let Some(slot) = position.get_mut(*ix) {
            *slot = at;
        }
    }
    let after = |ix: usize| {
        let needs = needs.get(ix).into_iter().flatten();
        let mut after: Vec<usize> = needs.filter_map(|need| position.get(*need).copied()).collect();
        after.sort_unstable();
        after
    };
    Ok(placed.iter().map(|ix| Placed { action: *ix, after: after(*ix) }).collect())
}
