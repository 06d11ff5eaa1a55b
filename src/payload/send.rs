//! Sends a file of the payload cache to a computer, in pieces that travel like every other change, and goes on where an
//! earlier attempt stopped.
//!
//! Not here: what comes after (`session::execute`), and the script that takes the pieces (`plan::payloads`).
//!
//! Invariants: the computer verifies the whole before it is a file of its cache; of a part that is there only what is the
//! beginning of this very file is kept; a computer that lost the connection is asked again what it has.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Semaphore;

use super::{Cache, Supplied};
use crate::config::model::Payload;
use crate::id::AgentId;
use crate::plan::payloads::{environment, receive};
use crate::plan::sending::{There, piece, read};
use crate::provider::Writer;
use crate::session::control::{Control, Demand};
use crate::session::script::{Bundle, Ended, Platform, Purpose, RunError, Step, Value, Values};

/// How many files travel at once; of each a piece is in memory.
pub const AT_ONCE: usize = 8;
/// How often in a row a lost connection is tried again without any progress.
const ATTEMPTS: u32 = 3;

/// The files of a run.
#[derive(Clone, Copy)]
pub struct Files<'a> {
    /// The cache.
    pub cache: &'a dyn Cache,
    /// What is in it.
    pub supplied: &'a Supplied,
    /// How many travel at once.
    pub lanes: &'a Semaphore,
}

impl std::fmt::Debug for Files<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Files").field("supplied", &self.supplied).finish_non_exhaustive()
    }
}

/// Where a file is sent.
#[derive(Debug, Clone, Copy)]
pub struct Receiver<'a> {
    /// The provider.
    pub writer: &'a Writer,
    /// Its agent.
    pub agent: &'a AgentId,
    /// The computer's platform.
    pub platform: Platform,
    /// Environment for every script there.
    pub environment: &'a BTreeMap<String, String>,
}

/// Why a file did not come to a computer. Nothing else was changed there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Muster does not have it.
    #[error("{0}")]
    Missing(String),
    /// The computer was not reached, or the connection was lost again and again.
    #[error("{name} could not be sent: {error}")]
    Run {
        /// The file.
        name: String,
        /// What happened.
        error: RunError,
    },
    /// Another change is under way there.
    #[error("another change is still under way on the computer")]
    Busy,
    /// The run was asked to stop.
    #[error("the run was asked to stop while {0} was sent; the next one goes on from there")]
    Stopped(String),
    /// The computer did not take it.
    #[error("{name} could not be sent: {why}")]
    Refused {
        /// The file.
        name: String,
        /// What it said.
        why: String,
    },
}

impl SendError {
    /// Whether it may go well without anything being changed, at another time.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Run { .. } | Self::Busy | Self::Stopped(_))
    }
}

impl Files<'_> {
    /// Sees to it that a file is in the cache of a computer. `progress` is told how many bytes of it are there, and of how
    /// many.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn send(
        &self,
        software: &str,
        payload: &Payload,
        to: Receiver<'_>,
        control: &Control,
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<(), SendError> {
        let size = match self.supplied.get(&payload.sha256) {
            Some(Ok(size)) => *size,
            Some(Err(why)) => return Err(SendError::Missing(why.clone())),
            None => return Err(SendError::Missing(format!("{} was not fetched", payload.file_name))),
        };
        let _lane = self.lanes.acquire().await;
        let sending = Sending { files: *self, software, payload, to, size };
        let mut attempts = 0;
        let mut best = 0;
        let mut there = None;
        loop {
            if control.demand() != Demand::Run {
                return Err(SendError::Stopped(payload.file_name.clone()));
            }
            let step = match there {
                None => sending.look().await,
                Some(from) => sending.piece(from).await,
            };
            match step {
                Ok(Some(from)) => {
                    progress(from, size);
                    if from > best {
                        (best, attempts) = (from, 0);
                    }
                    there = Some(from);
                }
                Ok(None) => {
                    progress(size, size);
                    return Ok(());
                }
                // What became of the piece is not known, so the computer is asked.
                Err(SendError::Run { error, .. }) if !error.nothing_ran() && attempts < ATTEMPTS => {
                    attempts += 1;
                    there = None;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

struct Sending<'a> {
    files: Files<'a>,
    software: &'a str,
    payload: &'a Payload,
    to: Receiver<'a>,
    size: u64,
}

impl Sending<'_> {
    /// Where to go on; `None` when all of it is there.
    async fn look(&self) -> Result<Option<u64>, SendError> {
        Ok(match self.run(None).await? {
            There::All => None,
            There::Part(bytes, Some(digest)) if bytes <= self.size => {
                let own = self.files.cache.beginning(&self.payload.sha256, bytes).await;
                let same = own.map_err(SendError::Missing)? == Some(digest);
                Some(if same { bytes } else { 0 })
            }
            There::Part(..) | There::Nothing => Some(0),
        })
    }

    /// Sends the piece that begins there, and says where the next one does.
    async fn piece(&self, from: u64) -> Result<Option<u64>, SendError> {
        let piece = self.files.cache.read(&self.payload.sha256, from, piece(self.to.platform)).await;
        let piece = piece.map_err(SendError::Missing)?;
        let next = from.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        if piece.is_empty() && from < self.size {
            return Err(SendError::Missing("the file is not whole in the payload cache any more".to_owned()));
        }
        match self.run(Some((from, piece))).await? {
            There::All => Ok(None),
            There::Part(bytes, _) if bytes == next && next < self.size => Ok(Some(next)),
            other => Err(self.refused(format!("it has {other:?} of the file after {next} bytes"))),
        }
    }

    async fn run(&self, piece: Option<(u64, Vec<u8>)>) -> Result<There, SendError> {
        let mut values = Values::new();
        let mut variables = environment(self.payload);
        variables.insert("MUSTER_PAYLOAD_SIZE".to_owned(), self.size.to_string());
        if let Some((from, content)) = piece {
            variables.insert("MUSTER_PAYLOAD_OFFSET".to_owned(), from.to_string());
            let content = Value::File { name: "piece".to_owned(), content: Arc::from(content) };
            values.insert("piece".to_owned(), content);
        }
        let purpose = Purpose::ReceivePayload { software: self.software.to_owned() };
        let mut step = Step::change("receive", purpose, receive(self.to.platform), values);
        step.environment = variables;
        let bundle = Bundle::new(self.to.platform, vec![step], self.to.environment.clone());
        let name = || self.payload.file_name.clone();
        let result = self.to.writer.change(self.to.agent, &bundle).await;
        let result = result.map_err(|error| SendError::Run { name: name(), error })?;
        let Some(step) = result.steps.get("receive") else {
            return Err(self.refused("it did not say what became of it".to_owned()));
        };
        match &step.ended {
            Ended::Exit(0) => {
                read(&step.stdout).ok_or_else(|| self.refused("it did not say what it has of it".to_owned()))
            }
            Ended::Busy => Err(SendError::Busy),
            Ended::Lost => {
                let error = RunError::Lost("the answer broke off".to_owned());
                Err(SendError::Run { name: name(), error })
            }
            Ended::NotStarted(why) => Err(self.refused(why.clone())),
            Ended::TimedOut => Err(self.refused("a piece took too long".to_owned())),
            Ended::Exit(_) | Ended::NoUser | Ended::Skipped => {
                let said = step.stderr.lines().rev().find(|line| !line.trim().is_empty());
                Err(self.refused(said.unwrap_or("its script failed").to_owned()))
            }
        }
    }

    fn refused(&self, why: String) -> SendError {
        SendError::Refused { name: self.payload.file_name.clone(), why }
    }
}
