//! What was wanted, of whom and how it stood when a run last ended: the previous intent, as it is kept between runs.
//!
//! Not here: what follows from it for a new plan (`past`), and where it is kept (`store`).
//!
//! Invariants: sets are positions in `computers`, which are sorted and unique; of one item at most one intent wants
//! something of a computer; what is satisfied is wanted. Losing it loses the causes of changes, never a change.

use std::collections::BTreeMap;
use std::sync::Arc;

use roaring::RoaringBitmap;

use crate::config::kind::Mode;
use crate::id::{ComputerId, Digest, Name};
use crate::inventory::item::ItemKey;
use crate::time::Timestamp;

/// What one deployment wanted of one item, with everything that it came to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct IntentKey {
    /// The item.
    pub item: ItemKey,
    /// The deployment that won.
    pub deployment: Name,
    /// Over what the deployment says: state, version as written, values. It does not change when `latest` moves.
    pub wish: Digest,
    /// Over the expression of its target as written.
    pub target: Digest,
    /// Over all that can run for it: scripts, values and the version that the wish came to.
    pub content: Digest,
    /// The version that the wish came to.
    pub version: Option<String>,
    /// How far it went.
    pub mode: Mode,
}

/// The computers of an intent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct IntentSets {
    /// Those on which it won.
    pub wanted: RoaringBitmap,
    /// Those of them that were as it wanted, by what was then known.
    pub satisfied: RoaringBitmap,
}

/// Everything that is kept of the last runs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Remembered {
    /// The computers that sets refer to.
    pub computers: Vec<ComputerId>,
    /// Intents by what they say.
    pub intents: BTreeMap<IntentKey, Arc<IntentSets>>,
    /// Those of them that a run has covered.
    pub covered: RoaringBitmap,
    /// What every deployment that counted said, and the expression that it was aimed by, as digests; also of those that won
    /// nowhere.
    pub deployments: BTreeMap<Name, (Digest, Digest)>,
    /// When the last of these runs was planned. What it did came after.
    pub planned: Option<Timestamp>,
    /// The members of each named target that was used.
    pub targets: BTreeMap<Name, RoaringBitmap>,
}

impl Remembered {
    /// For each of these computers, which are sorted, its position here.
    fn positions(&self, sorted: &[ComputerId]) -> Vec<Option<u32>> {
        let mut here = (0_u32..).zip(&self.computers).peekable();
        let find = |id: &ComputerId| {
            while here.peek().is_some_and(|(_, known)| *known < id) {
                here.next();
            }
            here.peek().filter(|(_, known)| *known == id).map(|(at, _)| *at)
        };
        sorted.iter().map(find).collect()
    }

    /// The same with sets as positions in `sorted`; computers that are not among them are left out.
    #[must_use]
    pub fn aligned(self, sorted: &[ComputerId]) -> Self {
        if self.computers == sorted {
            return self;
        }
        let mut new_of_old: Vec<Option<u32>> = vec![None; self.computers.len()];
        for (new, old) in (0_u32..).zip(self.positions(sorted)) {
            let slot = old.and_then(|old| usize::try_from(old).ok()).and_then(|old| new_of_old.get_mut(old));
            if let Some(slot) = slot {
                *slot = Some(new);
            }
        }
        // Both lists are sorted, so positions stay in order.
        let moved = |set: &RoaringBitmap| -> RoaringBitmap {
            let new = |old: u32| new_of_old.get(usize::try_from(old).ok()?).copied().flatten();
            set.iter().filter_map(new).collect()
        };
        let sets = |sets: &IntentSets| {
            Arc::new(IntentSets { wanted: moved(&sets.wanted), satisfied: moved(&sets.satisfied) })
        };
        Self {
            intents: self.intents.iter().map(|(key, of_key)| (key.clone(), sets(of_key))).collect(),
            targets: self.targets.iter().map(|(name, set)| (name.clone(), moved(set))).collect(),
            covered: moved(&self.covered),
            deployments: self.deployments,
            planned: self.planned,
            computers: sorted.to_vec(),
        }
    }

    /// Takes over what a run says of the computers in `scope`; of the others what was remembered before stays. Where an
    /// intent is the same and the run knows less, what was satisfied stays so.
    ///
    /// Both have the same computers; see [`Remembered::aligned`].
    #[must_use]
    pub fn updated(mut self, now: Self, scope: &RoaringBitmap, unknown: &RoaringBitmap) -> Self {
        self.covered |= scope;
        let mut kept: BTreeMap<IntentKey, RoaringBitmap> = BTreeMap::new();
        for (key, sets) in &mut self.intents {
            let sets = Arc::make_mut(sets);
            kept.insert(key.clone(), &(&sets.satisfied & scope) & unknown);
            sets.wanted -= scope;
            sets.satisfied -= scope;
        }
        for (key, sets) in now.intents {
            let still = kept.remove(&key).unwrap_or_default() & &sets.wanted;
            let entry = Arc::make_mut(self.intents.entry(key).or_default());
            entry.wanted |= &sets.wanted;
            entry.satisfied |= &sets.satisfied;
            entry.satisfied |= still;
        }
        self.intents.retain(|_, sets| !sets.wanted.is_empty());
        self.planned = now.planned.or(self.planned);
        // A run of some computers does not tell that a deployment is gone.
        if usize::try_from(scope.len()).is_ok_and(|covered| covered == self.computers.len()) {
            self.deployments = now.deployments;
        } else {
            self.deployments.extend(now.deployments);
        }
        for (name, members) in now.targets {
            let entry = self.targets.entry(name).or_default();
            *entry -= scope;
            *entry |= members & scope;
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(names: &[&str]) -> Vec<ComputerId> {
        names.iter().map(ComputerId::new).collect()
    }

    fn key(content: &str) -> IntentKey {
        let digest = |text: &str| Digest::of(text.as_bytes());
        IntentKey {
            item: ItemKey::task(Name::new("t").unwrap(), None),
            deployment: Name::new("d").unwrap(),
            wish: digest("wish"),
            target: digest("target"),
            content: digest(content),
            version: None,
            mode: Mode::Enforce,
        }
    }

    fn of(list: &[u32]) -> RoaringBitmap {
        list.iter().copied().collect()
    }

    fn one(computers: &[&str], wanted: &[u32], satisfied: &[u32]) -> Remembered {
        Remembered {
            computers: ids(computers),
            intents: [(key("x"), Arc::new(IntentSets { wanted: of(wanted), satisfied: of(satisfied) }))]
                .into(),
            targets: [(Name::new("all").unwrap(), of(wanted))].into(),
            covered: of(wanted),
            ..Remembered::default()
        }
    }

    #[test]
    fn sets_follow_their_computers_when_others_come_and_go() {
        let old = one(&["b", "c", "e"], &[0, 1, 2], &[2]);
        let new = old.aligned(&ids(&["a", "c", "d", "e"]));
        let sets = &new.intents[&key("x")];
        assert_eq!((&sets.wanted, &sets.satisfied), (&of(&[1, 3]), &of(&[3])));
        assert_eq!(new.targets.values().next(), Some(&of(&[1, 3])));
    }

    #[test]
    fn a_run_of_some_computers_leaves_the_others_as_they_were() {
        let old = one(&["a", "b", "c"], &[0, 1, 2], &[0, 1, 2]);
        let mut now = one(&["a", "b", "c"], &[], &[]);
        now.intents = [(key("y"), Arc::new(IntentSets { wanted: of(&[1]), satisfied: of(&[]) }))].into();
        let new = old.updated(now, &of(&[1]), &of(&[]));
        assert_eq!(new.intents[&key("x")].wanted, of(&[0, 2]));
        assert_eq!(new.intents[&key("y")].wanted, of(&[1]));
        assert_eq!(new.targets.values().next(), Some(&of(&[0, 2])));
    }

    #[test]
    fn what_was_satisfied_and_is_now_unknown_stays_satisfied() {
        let old = one(&["a", "b"], &[0, 1], &[0, 1]);
        let now = one(&["a", "b"], &[0, 1], &[]);
        let new = old.updated(now, &of(&[0, 1]), &of(&[0]));
        assert_eq!(new.intents[&key("x")].satisfied, of(&[0]));
    }
}
