//! Rings whose names differ in capitals alone: two orders of all computers where one is probably meant.
//!
//! Not here: what a ring is (`targets::ring`). Its name is taken as it is written, as folding it would move the computers
//! of rings that are there.

use std::collections::BTreeMap;

use crate::config::Config;
use crate::config::kind::Term;
use crate::diagnostic::{Finding, Findings, Place, code};
use crate::inventory::relations::folded;
use crate::targets::selectors_of;

/// Where a spelling stands first, and how often it stands somewhere.
struct Spelling<'a> {
    place: &'a Place,
    times: usize,
}

/// A finding for each spelling of a ring's name but the one that is used most.
pub(super) fn spellings(config: &Config, findings: &mut Findings) {
    let targets = config.targets.values().map(|target| (&target.expression, &target.place));
    let made = config.deployments.values().map(|made| (&made.expression, &made.place));
    let mut rings: BTreeMap<String, BTreeMap<&str, Spelling<'_>>> = BTreeMap::new();
    for (expression, place) in targets.chain(made) {
        for term in selectors_of(expression) {
            let Term::Ring(ring) = term else { continue };
            let spellings = rings.entry(folded(&ring.name)).or_default();
            spellings.entry(ring.name.trim()).or_insert(Spelling { place, times: 0 }).times += 1;
        }
    }
    for spellings in rings.values() {
        let Some((usual, first)) = spellings.iter().max_by_key(|(_, one)| one.times) else { continue };
        for (name, other) in spellings.iter().filter(|(name, _)| *name != usual) {
            let message =
                format!("the ring `{name}` is another one than `{usual}`: capitals count in names of rings");
            let finding = Finding::new(code::RING_SPELLINGS, message, other.place.clone());
            findings.push(
                finding
                    .related(first.place.clone(), "the other one is used here")
                    .help("write the name in one way; other computers are in the ring whose name changes"),
            );
        }
    }
}
