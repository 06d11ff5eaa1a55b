//! Tests of planning as a whole.

mod causes;
mod converges;
mod desired;
mod detections;
mod diffs;
mod explains;
mod gates;
mod lost;
mod memos;
mod modes;
mod once;
mod orders;
mod outcomes;
mod precedences;
mod readings;
mod reboots;
mod scenarios;
mod subjects;
mod supplies;
mod truth;
mod updates;
pub(crate) mod world;
