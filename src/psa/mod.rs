//! The seam to PSAs: systems that know companies and agreements. Tickets are no part of it.
//!
//! Adapters implement it and decide nothing: whether an answer is believed is decided elsewhere (L3).
//!
//! Invariant: an answer is complete or an error, never a part.

pub mod simulated;

use std::fmt;

use futures_util::future::BoxFuture;

use crate::id::Name;
use crate::inventory::relations::Psa;

/// Why a PSA has no complete answer.
#[derive(Debug, thiserror::Error)]
#[error("psa {psa} did not give a complete answer: {message}")]
pub struct PsaError {
    /// The PSA.
    pub psa: Name,
    /// What happened.
    pub message: String,
}

/// Reads a PSA.
pub trait Reader: Send + Sync + fmt::Debug {
    /// All companies with their agreements, in a stable order.
    ///
    /// # Errors
    /// [`PsaError`] when the answer is not complete.
    fn read(&self) -> BoxFuture<'_, Result<Psa, PsaError>>;
}
