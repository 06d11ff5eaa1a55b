//! The inventory: what is known of the computers, which records are the same computer, and the snapshot that plans are
//! made from.

pub mod facts;
pub mod identify;
pub mod item;
pub mod known;
pub mod pattern;
pub mod snapshot;
