//! What was detected, by item and probe: columns over the computers of a snapshot.
//!
//! All that a computer is asked is answered in one round, so the time of the last round is there once for each computer
//! and not for each cell; only cells of earlier rounds have a time of their own.
//!
//! Not here: where detections come from (`store`, `session::detect`) and whether one is needed (`needs`).
//!
//! Invariants: the value sets of a column are disjoint; a cell has a time of its own exactly if it is older than the
//! last round of its computer.

use std::borrow::Cow;
use std::collections::BTreeMap;

use roaring::RoaringBitmap;

use crate::id::{ComputerId, Digest};
use crate::inventory::item::{Detection, ItemKey, Observed};
use crate::inventory::snapshot::Snapshot;
use crate::time::Timestamp;

/// The last detection of every item on every computer by every probe.
#[derive(Debug, Clone, Default)]
pub struct Detections {
    columns: BTreeMap<ItemKey, BTreeMap<Digest, Column>>,
    /// The last round of each computer, as [`seconds`]; 0 when there was none.
    rounds: Vec<u32>,
}

/// The last detections of one item by one probe.
#[derive(Debug, Clone, Default)]
struct Column {
    values: BTreeMap<Observed, RoaringBitmap>,
    /// Times of the cells that are older than their computer's last round.
    older: BTreeMap<u32, u32>,
}

/// The computers of a column by what is known of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Parts<'d> {
    /// Those with a fresh answer, by answer.
    pub fresh: Vec<(&'d Observed, RoaringBitmap)>,
    /// Those whose answer is too old.
    pub stale: RoaringBitmap,
    /// Those without any.
    pub unknown: RoaringBitmap,
}

/// Seconds since 1970, plus one.
fn seconds(at: Timestamp) -> u32 {
    u32::try_from(at.as_second().max(0)).map_or(u32::MAX, |seconds| seconds.saturating_add(1))
}

fn position(computer: u32) -> usize {
    usize::try_from(computer).unwrap_or(usize::MAX)
}

impl Column {
    fn holds(&self, computer: u32) -> bool {
        self.values.values().any(|computers| computers.contains(computer))
    }

    fn forget(&mut self, computer: u32) {
        self.values.retain(|_, computers| {
            computers.remove(computer);
            !computers.is_empty()
        });
    }
}

impl Detections {
    /// The detections of this snapshot's computers; those of others are left out. Of several of the same the newest
    /// counts, and among equally old ones the last. It is quickest when those of one computer follow each other.
    #[must_use]
    pub fn new(snapshot: &Snapshot, detections: impl IntoIterator<Item = Detection>) -> Self {
        let mut result = Self::default();
        let mut of: Option<(ComputerId, Option<u32>)> = None;
        let mut round: Vec<Detection> = Vec::new();
        for detection in detections {
            let computer = match &of {
                Some((id, computer)) if *id == detection.computer => *computer,
                _ => {
                    result.round(of.and_then(|(_, computer)| computer), std::mem::take(&mut round));
                    let computer = snapshot.position(&detection.computer);
                    of = Some((detection.computer.clone(), computer));
                    computer
                }
            };
            if computer.is_some() {
                round.push(detection);
            }
        }
        result.round(of.and_then(|(_, computer)| computer), round);
        result
    }

    fn round(&mut self, computer: Option<u32>, round: Vec<Detection>) {
        let Some(computer) = computer else { return };
        if let Some(newest) = round.iter().map(|detection| seconds(detection.at)).max() {
            self.raise(computer, newest);
        }
        for Detection { item, probe, at, observed, .. } in round {
            self.put(computer, item, probe, seconds(at), observed);
        }
    }

    /// Adds one; an older one of the same is replaced.
    pub fn record(&mut self, computer: u32, item: ItemKey, probe: Digest, at: Timestamp, observed: Observed) {
        self.raise(computer, seconds(at));
        self.put(computer, item, probe, seconds(at), observed);
    }

    /// Adds the same for several computers; an older one of the same is replaced.
    pub fn record_all(
        &mut self,
        computers: &RoaringBitmap,
        item: &ItemKey,
        probe: &Digest,
        at: Timestamp,
        observed: &Observed,
    ) {
        let Some(most) = computers.max() else { return };
        if self.rounds.len() <= position(most) {
            self.rounds.resize(position(most) + 1, 0);
        }
        let now = seconds(at);
        let column = self.columns.entry(item.clone()).or_default().entry(probe.clone()).or_default();
        let first = column.values.values().all(|others| others.is_disjoint(computers));
        let rounds = &self.rounds;
        let round = |computer: u32| rounds.get(position(computer)).copied().unwrap_or_default();
        if first && computers.iter().all(|computer| [0, now].contains(&round(computer))) {
            for computer in computers {
                if let Some(round) = self.rounds.get_mut(position(computer)) {
                    *round = now;
                }
            }
            *column.values.entry(observed.clone()).or_default() |= computers;
        } else {
            for computer in computers {
                self.record(computer, item.clone(), probe.clone(), at, observed.clone());
            }
        }
    }

    /// Begins a new round of a computer: what was found in the last one now has that one's time.
    fn raise(&mut self, computer: u32, at: u32) {
        let at_position = position(computer);
        if self.rounds.len() <= at_position {
            self.rounds.resize(at_position + 1, 0);
        }
        let Some(round) = self.rounds.get_mut(at_position) else { return };
        let last = *round;
        if at <= last {
            return;
        }
        *round = at;
        if last > 0 {
            for column in self.columns.values_mut().flat_map(BTreeMap::values_mut) {
                if !column.older.contains_key(&computer) && column.holds(computer) {
                    column.older.insert(computer, last);
                }
            }
        }
    }

    /// Puts a cell into its column; the computer's last round is not before it.
    fn put(&mut self, computer: u32, item: ItemKey, probe: Digest, at: u32, observed: Observed) {
        let last = self.rounds.get(position(computer)).copied().unwrap_or_default();
        let column = self.columns.entry(item).or_default().entry(probe).or_default();
        let same = column.values.get(&observed).is_some_and(|computers| computers.contains(computer));
        if same || column.holds(computer) {
            let known = column.older.get(&computer).copied().unwrap_or(last);
            if known > at {
                return;
            }
            if !same {
                column.forget(computer);
            }
        }
        if at < last {
            column.older.insert(computer, at);
        } else {
            column.older.remove(&computer);
        }
        if !same {
            column.values.entry(observed).or_default().insert(computer);
        }
    }

    /// The detections as they are seen when those before `oldest` are too old.
    #[must_use]
    pub fn since(&self, oldest: Timestamp) -> Fresh<'_> {
        let oldest = seconds(oldest);
        let old = (0..).zip(&self.rounds).filter(|(_, round)| **round < oldest).map(|(ix, _)| ix);
        Fresh { detections: self, oldest, old: old.collect() }
    }

    /// What this probe said last of this item on this computer, and when (whole seconds).
    #[must_use]
    pub fn get(&self, computer: u32, item: &ItemKey, probe: &Digest) -> Option<(&Observed, Timestamp)> {
        let column = self.columns.get(item)?.get(probe)?;
        let (observed, _) = column.values.iter().find(|(_, computers)| computers.contains(computer))?;
        let at = column.older.get(&computer).or_else(|| self.rounds.get(position(computer)))?;
        Some((observed, Timestamp::from_second(i64::from(*at) - 1).ok()?))
    }
}

/// The detections, and what of them is too old.
#[derive(Debug)]
pub struct Fresh<'d> {
    detections: &'d Detections,
    oldest: u32,
    /// The computers of which everything is too old.
    old: RoaringBitmap,
}

impl<'d> Fresh<'d> {
    /// What decides what is too old: two with the same line over the same detections give the same parts. The instant
    /// counts only where some cells are older than their computer's last round.
    pub(super) fn line(&self) -> (RoaringBitmap, Option<u32>) {
        let mut columns = self.detections.columns.values().flat_map(BTreeMap::values);
        let single = columns.any(|column| !column.older.is_empty());
        (self.old.clone(), single.then_some(self.oldest))
    }

    /// The computers of `within` of which this probe of this item says that they are as wanted, however long ago.
    #[must_use]
    pub fn ever(&self, item: &ItemKey, probe: &Digest, within: &RoaringBitmap) -> RoaringBitmap {
        let column = self.detections.columns.get(item).and_then(|probes| probes.get(probe));
        let found = column.and_then(|column| column.values.get(&Observed::Compliant));
        found.map(|computers| computers & within).unwrap_or_default()
    }

    /// The computers of `within` by what this probe of this item says of them.
    #[must_use]
    pub fn parts(&self, item: &ItemKey, probe: &Digest, within: &RoaringBitmap) -> Parts<'d> {
        let Some(column) = self.detections.columns.get(item).and_then(|probes| probes.get(probe)) else {
            return Parts { unknown: within.clone(), ..Parts::default() };
        };
        let mut old = Cow::Borrowed(&self.old);
        if !column.older.is_empty() {
            let too_old = column.older.iter().filter(|(_, at)| **at < self.oldest);
            *old.to_mut() |= too_old.map(|(computer, _)| *computer).collect::<RoaringBitmap>();
        }
        let mut unknown = within.clone();
        let mut stale = RoaringBitmap::new();
        let mut fresh = Vec::new();
        for (observed, computers) in &column.values {
            let mut part = computers & within;
            unknown -= &part;
            if !old.is_empty() {
                stale |= &part & &*old;
                part -= &*old;
            }
            if !part.is_empty() {
                fresh.push((observed, part));
            }
        }
        Parts { fresh, stale, unknown }
    }
}
