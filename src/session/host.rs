//! The seam to scripts beside Muster: those that run on the machine that runs Muster, and on no computer.
//!
//! Invariant: an answer is what a script printed that ended well, else an error.

use std::fmt;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::script::Script;

/// Why a script has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct HostError(pub String);

/// Runs scripts beside Muster.
pub trait ScriptHost: Send + Sync + fmt::Debug {
    /// Runs the script with `input` on its standard input, for at most `limit`, and gives what it printed.
    ///
    /// # Errors
    /// [`HostError`] when it could not be started, did not end with 0, or did not end in time.
    fn run<'a>(
        &'a self,
        script: &'a Script,
        input: &'a str,
        limit: Duration,
    ) -> BoxFuture<'a, Result<String, HostError>>;
}
