//! Detections, against a list of cells that is searched from end to end.

use std::collections::BTreeMap;

use proptest::prelude::*;
use roaring::RoaringBitmap;

use super::world::*;
use crate::id::Digest;
use crate::inventory::item::{Detection, ItemKey, Observed};
use crate::plan::detections::Detections;
use crate::time::Timestamp;

const ITEMS: u32 = 4;
const COMPUTERS: u32 = 5;

/// Computer, item, second, value.
type Cell = (u32, u32, i64, u8);

fn item(number: u32) -> (ItemKey, Digest) {
    (software(&format!("s{}", number % 3)), Digest::of(&[u8::try_from(number).unwrap()]))
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// The last of the newest of each.
fn oracle(cells: &[Cell]) -> BTreeMap<(u32, u32), (i64, Observed)> {
    let mut known: BTreeMap<(u32, u32), (i64, Observed)> = BTreeMap::new();
    for (computer, item, second, value) in cells {
        let new = (*second, present(&value.to_string()));
        let entry = known.entry((*computer, *item)).or_insert_with(|| new.clone());
        if entry.0 <= *second {
            *entry = new;
        }
    }
    known
}

fn agrees(detections: &Detections, cells: &[Cell], oldest: i64) -> Result<(), TestCaseError> {
    let known = oracle(cells);
    let within: RoaringBitmap = (0..COMPUTERS).filter(|ix| *ix != 3).collect();
    let fresh = detections.since(at(oldest));
    for number in 0..ITEMS {
        let (item, probe) = item(number);
        let parts = fresh.parts(&item, &probe, &within);
        let mut sum: u64 = parts.stale.len() + parts.unknown.len();
        sum += parts.fresh.iter().map(|(_, set)| set.len()).sum::<u64>();
        prop_assert_eq!(sum, within.len());
        for computer in 0..COMPUTERS {
            let cell = known.get(&(computer, number));
            let found = detections.get(computer, &item, &probe);
            prop_assert_eq!(found, cell.map(|(second, observed)| (observed, at(*second))));
            if within.contains(computer) {
                match cell {
                    None => prop_assert!(parts.unknown.contains(computer)),
                    Some((second, _)) if *second < oldest => prop_assert!(parts.stale.contains(computer)),
                    Some((_, value)) => {
                        prop_assert!(
                            parts.fresh.iter().any(|(seen, set)| *seen == value && set.contains(computer))
                        );
                    }
                }
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_known_is_the_newest_of_each_cell_in_whatever_way_it_was_added(
        cells in prop::collection::vec((0..COMPUTERS, 0..ITEMS, 1_i64..6, 0_u8..3), 0..40),
        split in 0_usize..40,
        oldest in 0_i64..7,
    ) {
        let mut world = World::new();
        for ix in 0..COMPUTERS {
            world.computer(&format!("pc{ix}"), &[]);
        }
        let snapshot = world.snapshot();
        let detection = |(computer, number, second, value): &Cell| {
            let (item, probe) = item(*number);
            let computer = snapshot.computer(*computer).id.clone();
            Detection { computer, item, probe, at: at(*second), observed: present(&value.to_string()) }
        };
        let loaded = split.min(cells.len());
        // Loaded in any order, then recorded one by one.
        let mut detections = Detections::new(&snapshot, cells[..loaded].iter().map(detection));
        agrees(&detections, &cells[..loaded], oldest)?;
        for (computer, number, second, value) in &cells[loaded..] {
            let (item, probe) = item(*number);
            detections.record(*computer, item, probe, at(*second), present(&value.to_string()));
        }
        agrees(&detections, &cells, oldest)?;
        // Recorded for several computers at once: one cell of each stands for two.
        let mut several = Detections::default();
        let mut spread = Vec::new();
        for (computer, number, second, value) in &cells {
            let (item, probe) = item(*number);
            let both = [*computer, (*computer + 1) % COMPUTERS];
            several.record_all(&both.into_iter().collect(), &item, &probe, at(*second), &present(&value.to_string()));
            spread.extend(both.map(|computer| (computer, *number, *second, *value)));
        }
        agrees(&several, &spread, oldest)?;
    }
}

#[test]
fn detections_of_computers_that_are_not_in_the_snapshot_are_left_out() {
    let mut world = World::new();
    world.computer("pc0", &[]);
    let snapshot = world.snapshot();
    let (item, probe) = item(0);
    let computer = crate::id::ComputerId::new("office/other");
    let stranger = Detection { computer, item, probe, at: at(1), observed: Observed::Absent };
    let detections = Detections::new(&snapshot, [stranger.clone()]);
    assert_eq!(detections.get(0, &stranger.item, &stranger.probe), None);
}
