//! The seam to directories: systems that know people and groups.
//!
//! Adapters implement it and decide nothing: whether an answer is believed is decided elsewhere (L3).
//!
//! Invariant: an answer is complete or an error, never a part.

pub mod simulated;

use std::fmt;

use futures_util::future::BoxFuture;

use crate::id::Name;
use crate::inventory::relations::Directory;

/// Why a directory has no complete answer.
#[derive(Debug, thiserror::Error)]
#[error("directory {directory} did not give a complete answer: {message}")]
pub struct DirectoryError {
    /// The directory.
    pub directory: Name,
    /// What happened.
    pub message: String,
}

/// Reads a directory.
pub trait Reader: Send + Sync + fmt::Debug {
    /// All people and groups, in a stable order.
    ///
    /// # Errors
    /// [`DirectoryError`] when the answer is not complete.
    fn read(&self) -> BoxFuture<'_, Result<Directory, DirectoryError>>;
}
