//! The seam to systems that can hold back their alerts of a computer for a while: maintenance mode.
//!
//! Not here: when that is done (`session::quiet`) and what is remembered of it (`session::maintenance`).
//!
//! Invariant: whoever switches says what was read back afterwards, never what was asked for.

use std::fmt;

use futures_util::future::BoxFuture;

use super::RunError;
use crate::id::AgentId;
pub use crate::session::maintenance::Maintenance;

/// Reads and switches the maintenance mode of an agent's computer in its system.
pub trait MaintenanceMode: Send + Sync + fmt::Debug {
    /// Whether it is on.
    ///
    /// # Errors
    /// [`RunError`] when it cannot be read.
    fn found<'a>(&'a self, agent: &'a AgentId) -> BoxFuture<'a, Result<Maintenance, RunError>>;

    /// Switches it, and returns what is read back once it is so.
    ///
    /// # Errors
    /// [`RunError`]; [`RunError::nothing_ran`] says whether it is certain that nothing was switched and will not be.
    fn switch<'a>(&'a self, agent: &'a AgentId, on: bool) -> BoxFuture<'a, Result<Maintenance, RunError>>;
}
