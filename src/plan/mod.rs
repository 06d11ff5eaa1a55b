//! Deciding: from a checked configuration and a snapshot to a plan. Pure, synchronous, `now` is an argument (L13).

pub mod document;
pub mod procedure;
