//! Deciding: from a checked configuration and a snapshot to a plan. Pure, synchronous, `now` is an argument (L13).
//!
//! The way: [`gates`] says what counts, [`precedence`] finds the winners, [`modes`] how far each may go, [`needs`] what has to be looked at, [`probes`] how, [`interpret`] what was
//! found, [`diff`] what follows for one item, [`prerequisites`] what follows for others, [`order`] in which order, and
//! [`planner`] makes the [`document`] of it.

mod aims;
mod alike;
pub mod canonical;
pub mod compare;
mod coverage;
pub mod desired;
pub mod detections;
pub mod diff;
pub mod digest;
pub mod document;
pub mod downloads;
pub mod effects;
pub mod explain;
pub mod fleet;
pub mod gates;
mod identity;
mod impact;
mod implications;
mod intents;
pub mod interpret;
pub mod inventory;
pub mod lint;
mod membership;
pub mod memo;
pub mod modes;
pub mod needs;
mod notes;
pub mod order;
pub mod past;
pub mod payloads;
pub mod phrase;
pub mod planner;
pub mod precedence;
pub mod prerequisites;
pub mod probes;
pub mod procedure;
pub mod procedures;
pub mod recipe;
pub mod remembered;
pub mod safeguards;
mod sessions;
mod standings;
pub mod supply;
pub mod view;

#[cfg(test)]
pub(crate) mod tests;
