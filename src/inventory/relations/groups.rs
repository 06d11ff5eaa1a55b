//! Directory groups with everything nested in them, as sets of computers (TGT-4).
//!
//! Invariant: circles end; each group is worked out once, at its first use.

use std::collections::{BTreeMap, VecDeque};
use std::sync::OnceLock;

use roaring::RoaringBitmap;

use super::related::folded;
use super::{Directory, Group};

/// The computers of a group, and the devices that may be one of several computers.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct GroupMatch {
    /// Primary computers of its people, and its devices.
    pub(super) certain: RoaringBitmap,
    /// Those, and computers that share the name of a device.
    pub(super) possible: RoaringBitmap,
}

/// Where the members of groups lead: people to their computers, devices to computers of that name.
#[derive(Debug, Clone, Default)]
pub(super) struct Links {
    /// Primary computers by the person's folded UPN.
    pub(super) people: BTreeMap<String, RoaringBitmap>,
    /// Computers by folded name.
    pub(super) devices: BTreeMap<String, RoaringBitmap>,
}

/// The groups of one directory.
#[derive(Debug, Clone, Default)]
pub(super) struct Groups {
    all: Vec<Group>,
    by_id: BTreeMap<String, usize>,
    by_name: BTreeMap<String, Vec<usize>>,
    links: Links,
    made: Vec<OnceLock<GroupMatch>>,
}

impl Groups {
    pub(super) fn new(directory: &Directory, links: Links) -> Self {
        let groups = directory.groups.clone();
        let mut by_name: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut by_id = BTreeMap::new();
        for (at, group) in groups.iter().enumerate() {
            by_name.entry(folded(&group.name)).or_default().push(at);
            by_id.insert(group.id.clone(), at);
        }
        let made = groups.iter().map(|_| OnceLock::new()).collect();
        Self { all: groups, by_id, by_name, links, made }
    }

    /// The groups of this id or, if there is none, of this name.
    pub(super) fn find(&self, text: &str) -> Vec<usize> {
        match self.by_id.get(text.trim()) {
            Some(at) => vec![*at],
            None => self.by_name.get(&folded(text)).cloned().unwrap_or_default(),
        }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|group| group.name.as_str())
    }

    /// The computers of a group and of all in it.
    pub(super) fn members(&self, at: usize) -> GroupMatch {
        let Some(made) = self.made.get(at) else { return GroupMatch::default() };
        let whole = || {
            let mut whole = GroupMatch::default();
            self.walk(at, |path| {
                if let Some(group) = path.last().and_then(|at| self.all.get(*at)) {
                    let people = group.people.iter().filter_map(|upn| self.links.people.get(&folded(upn)));
                    for computers in people {
                        whole.certain |= computers;
                    }
                    let devices = group.devices.iter();
                    for named in devices.filter_map(|name| self.links.devices.get(&folded(name))) {
                        whole.possible |= named;
                        if named.len() == 1 {
                            whole.certain |= named;
                        }
                    }
                }
                false
            });
            whole.possible |= &whole.certain;
            whole
        };
        made.get_or_init(whole).clone()
    }

    /// By which way a computer is in a group: the groups from the outermost in, then the person or device.
    pub(super) fn road(&self, at: usize, ix: u32) -> Option<String> {
        let mut found = None;
        self.walk(at, |path| {
            let Some(group) = path.last().and_then(|at| self.all.get(*at)) else { return false };
            let leads = |known: &BTreeMap<String, RoaringBitmap>, member: &String| {
                known.get(&folded(member)).is_some_and(|computers| computers.contains(ix))
            };
            let person = group.people.iter().find(|upn| leads(&self.links.people, upn));
            let device = group.devices.iter().find(|name| leads(&self.links.devices, name));
            let member = match (person, device) {
                (Some(upn), _) => format!("primary person {upn}"),
                (None, Some(name)) => format!("device {name}"),
                (None, None) => return false,
            };
            let groups = path.iter().skip(1).filter_map(|at| self.all.get(*at));
            let mut steps: Vec<String> = groups.map(|group| format!("group {}", group.name)).collect();
            steps.push(member);
            found = Some(format!("through {}", steps.join(" > ")));
            true
        });
        found
    }

    /// Visits a group and all in it, nearest first, each once, with the way to it; ends when `visit` says so.
    fn walk(&self, at: usize, mut visit: impl FnMut(&[usize]) -> bool) {
        let mut seen = vec![false; self.all.len()];
        let mut open = VecDeque::from([vec![at]]);
        if let Some(first) = seen.get_mut(at) {
            *first = true;
        }
        while let Some(path) = open.pop_front() {
            if visit(&path) {
                return;
            }
            let Some(group) = path.last().and_then(|at| self.all.get(*at)) else { continue };
            for inner in group.groups.iter().filter_map(|id| self.by_id.get(id)) {
                if let Some(fresh) = seen.get_mut(*inner)
                    && !*fresh
                {
                    *fresh = true;
                    let mut way = path.clone();
                    way.push(*inner);
                    open.push_back(way);
                }
            }
        }
    }
}
