//! Tests of planning as a whole.

mod causes;
mod detections;
mod diffs;
mod gates;
mod modes;
mod orders;
mod precedences;
mod readings;
mod scenarios;
pub(crate) mod world;
