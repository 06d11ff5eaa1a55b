//! The seams to systems that manage updates of operating systems: what is missing on a computer, and its deployment.
//!
//! Not here: what follows from what is missing (`inventory::updates`), and waiting for it (`session::execute`).

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::{Capability, Reader, RunError, Writer};
use crate::id::AgentId;
use crate::inventory::updates::Updates;

/// Says how a computer stands to the updates that were approved for it.
pub trait ReadUpdates: Send + Sync + fmt::Debug {
    /// What the system knows. Nothing is asked of the computer itself.
    ///
    /// # Errors
    /// [`RunError`] when there is no such agent, or the system fails or refuses.
    fn updates<'a>(&'a self, agent: &'a AgentId) -> BoxFuture<'a, Result<Updates, RunError>>;
}

/// Starts the updates that were approved for a computer.
pub trait StartUpdates: Send + Sync + fmt::Debug {
    /// Has all of them installed that were approved; returns when that was accepted, not when it is done. It is sent once.
    ///
    /// # Errors
    /// [`RunError`]; nothing was started where [`RunError::nothing_ran`], else it is not known.
    fn start_updates<'a>(&'a self, agent: &'a AgentId) -> BoxFuture<'a, Result<(), RunError>>;
}

impl Reader {
    /// The same with what it knows of updates.
    #[must_use]
    pub fn with_updates(self, updates: Arc<dyn ReadUpdates>) -> Self {
        Self { updates: Some(updates), ..self }
    }

    /// Who knows of updates, if it does.
    #[must_use]
    pub fn updates(&self) -> Option<&dyn ReadUpdates> {
        self.updates.as_deref().filter(|_| self.can(Capability::OsUpdates))
    }
}

impl Writer {
    /// The same with updates that it starts.
    #[must_use]
    pub fn with_updates(self, updates: Arc<dyn StartUpdates>) -> Self {
        Self { updates: Some(updates), ..self }
    }

    /// Who starts updates, if it does.
    #[must_use]
    pub fn updates(&self) -> Option<&dyn StartUpdates> {
        self.updates.as_deref().filter(|_| self.info.capabilities.contains(&Capability::OsUpdates))
    }
}
