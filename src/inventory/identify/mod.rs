//! Identity: what names one computer over reinstallations and over several management systems, and which agents are on
//! the same one.
//!
//! Not here: asking anybody, and remembering what was decided (`session::prepare`).
//!
//! Invariants: a value that many computers share is no identity, and a network card's address is never one. Where what is
//! known does not decide, a person is asked and the agent waits: nobody gets into a target by guess. The decision depends on
//! what it is given alone, in whatever order (L13), and deciding again with what is to be remembered changes nothing.

mod agents;
mod cause;
mod evidence;
#[cfg(test)]
mod fleet;
mod keys;
#[cfg(test)]
mod laws;
mod memory;
mod newcomer;
mod pins;
mod resolve;
mod situation;
#[cfg(test)]
pub(crate) mod tests;

pub use agents::{Identified, Pin, Question, Reading, Resolution, Rules, Seen, Tombstone, Waiting, Why};
pub use cause::Cause;
pub use evidence::{BadSerial, BadUuid, Identity, Unidentified, identify, is_placeholder, turned};
pub use keys::Keys;
pub use memory::{AgentMemory, ComputerMemory, Memory, MemoryChange, Remember, Standing};
pub use resolve::resolve;
pub use situation::{Install, is_ephemeral};
