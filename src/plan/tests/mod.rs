//! Tests of planning as a whole.

mod diffs;
mod orders;
mod precedences;
mod scenarios;
pub(crate) mod world;
