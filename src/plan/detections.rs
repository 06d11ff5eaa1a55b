//! What was detected, by item and probe: columns over the computers of a snapshot.
//!
//! Not here: where detections come from (`store`, `session::detect`) and whether one is needed (`needs`).
//!
//! Invariant: the value sets of a column are disjoint, and together they are the computers that have a time in it.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;

use crate::id::{ComputerId, Digest};
use crate::inventory::item::{Detection, ItemKey, Observed};
use crate::inventory::snapshot::Snapshot;
use crate::time::Timestamp;

/// The last detection of every item on every computer by every probe.
#[derive(Debug, Clone, Default)]
pub struct Detections(BTreeMap<ItemKey, BTreeMap<Digest, Column>>);

/// The last detections of one item by one probe.
#[derive(Debug, Clone, Default)]
pub struct Column {
    values: BTreeMap<Observed, RoaringBitmap>,
    /// Seconds since 1970 by computer, sorted by computer. Eight bytes each, as there are many.
    at: Vec<(u32, u32)>,
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

fn seconds(at: Timestamp) -> u32 {
    u32::try_from(at.as_second().max(0)).unwrap_or(u32::MAX)
}

impl Detections {
    /// The detections of this snapshot's computers; those of others are left out. Of several of the same the newest
    /// counts, and among equally old ones the last.
    #[must_use]
    pub fn new(snapshot: &Snapshot, detections: impl IntoIterator<Item = Detection>) -> Self {
        let positions: BTreeMap<&ComputerId, u32> =
            snapshot.iter().map(|(ix, computer)| (&computer.id, ix)).collect();
        let mut result = Self::default();
        for detection in detections {
            if let Some(computer) = positions.get(&detection.computer) {
                result.record(*computer, detection.item, detection.probe, detection.at, detection.observed);
            }
        }
        result
    }

    /// Adds one; an older one of the same is replaced.
    pub fn record(&mut self, computer: u32, item: ItemKey, probe: Digest, at: Timestamp, observed: Observed) {
        let column = self.0.entry(item).or_default().entry(probe).or_default();
        let at = seconds(at);
        let newest = column.at.last().is_none_or(|(last, _)| *last < computer);
        match if newest {
            Err(column.at.len())
        } else {
            column.at.binary_search_by_key(&computer, |cell| cell.0)
        } {
            Err(position) => column.at.insert(position, (computer, at)),
            Ok(position) => {
                let Some(cell) = column.at.get_mut(position) else { return };
                if cell.1 > at {
                    return;
                }
                cell.1 = at;
                column.values.retain(|_, computers| {
                    computers.remove(computer);
                    !computers.is_empty()
                });
            }
        }
        column.values.entry(observed).or_default().insert(computer);
    }

    /// The computers of `within` by what this probe of this item says of them; answers before `oldest` are stale.
    #[must_use]
    pub fn parts(
        &self,
        item: &ItemKey,
        probe: &Digest,
        within: &RoaringBitmap,
        oldest: Timestamp,
    ) -> Parts<'_> {
        let Some(column) = self.0.get(item).and_then(|probes| probes.get(probe)) else {
            return Parts { unknown: within.clone(), ..Parts::default() };
        };
        let oldest = seconds(oldest);
        let stale: RoaringBitmap =
            column.at.iter().filter(|(_, at)| *at < oldest).map(|(computer, _)| *computer).collect();
        let stale = stale & within;
        let mut unknown = within - &stale;
        let mut fresh = Vec::new();
        for (observed, computers) in &column.values {
            let part = computers & &unknown;
            if !part.is_empty() {
                fresh.push((observed, part));
            }
        }
        for (_, part) in &fresh {
            unknown -= part;
        }
        Parts { fresh, stale, unknown }
    }

    /// What this probe said last of this item on this computer, and when (whole seconds).
    #[must_use]
    pub fn get(&self, computer: u32, item: &ItemKey, probe: &Digest) -> Option<(&Observed, Timestamp)> {
        let column = self.0.get(item)?.get(probe)?;
        let position = column.at.binary_search_by_key(&computer, |cell| cell.0).ok()?;
        let at = column.at.get(position)?.1;
        let (observed, _) = column.values.iter().find(|(_, computers)| computers.contains(computer))?;
        Some((observed, Timestamp::from_second(i64::from(at)).ok()?))
    }
}
