//! What is known of computers: the nouns, who is who, and the snapshot that plans are made from.

pub mod believe;
pub mod clients;
pub mod collect;
pub mod examine;
pub mod facts;
pub mod failures;
pub mod identify;
pub mod item;
pub mod known;
pub mod pattern;
pub mod policies;
pub mod properties;
pub mod queries;
pub mod recognise;
pub mod relations;
pub mod snapshot;
pub mod updates;
