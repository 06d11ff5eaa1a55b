//! The seam to what Muster remembers: facts, detections, sessions, actions, results, and who is applying.
//!
//! Losing the store loses history, never correctness: everything in it can be detected again.
//!
//! Invariants: an action's start is on disk before the action is sent (L11); no secret value is ever stored (L9).

mod file;
pub mod format;
mod lock;
mod memory;
mod row;
pub mod sqlite;

use std::fmt;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::id::{CommitId, ComputerId, Digest, Name, RunId, SessionId};
use crate::inventory::facts::Facts;
use crate::inventory::identify::{Memory, MemoryChange};
use crate::inventory::item::{Detection, ItemKey, Observed};
use crate::inventory::known::Contact;
use crate::inventory::relations::{Doubt, SourceKind};
use crate::plan::document::{ActionType, Reason};
use crate::plan::past::Durations;
use crate::plan::remembered::Remembered;
use crate::policy::protection::Protection;
use crate::policy::verdict::Override;
use crate::provider::AgentRecord;
pub use crate::session::maintenance::MaintenanceRecord;
pub use crate::session::stage::ItemResult;
use crate::session::stage::{ActionResult, SessionStatus};
use crate::time::Timestamp;

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be opened.
    #[error("cannot open the state {path}")]
    Open {
        /// Where it is.
        path: String,
        /// Whether it is the file itself: no database of Muster, or a damaged one.
        unusable: bool,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It was written by a newer release. Nothing was touched.
    #[error("the state has schema version {found}, this release writes {known}: use a newer muster")]
    TooNew {
        /// The version in the file.
        found: i64,
        /// The version that this release writes.
        known: i64,
    },
    /// A read or write failed.
    #[error("the state could not {operation}")]
    Failed {
        /// What was tried, to fit after "could not".
        operation: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A row holds something that cannot be read.
    #[error("the state holds a broken {what}")]
    Broken {
        /// What it is.
        what: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Somebody else is applying.
    #[error("another run holds the lock: {holder}")]
    Locked {
        /// Who, what for, since when.
        holder: String,
    },
}

/// What is remembered of a computer: how its provider last listed it, its last facts, the last attempt to reach it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredComputer {
    /// The computer.
    pub id: ComputerId,
    /// The provider that listed it.
    pub provider: Name,
    /// As it was listed last. Used while its provider fails (L3).
    pub agent: AgentRecord,
    /// The last facts, and when they were collected.
    pub facts: Option<Box<(Timestamp, Facts)>>,
    /// The last attempt to reach it.
    pub contact: Contact,
    /// When that was.
    pub contacted: Option<Timestamp>,
    /// Whether it was in its provider's last list that was believed.
    pub listed: bool,
}

/// The last answer of a source that was believed (L3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptSource {
    /// What kind of source.
    pub kind: SourceKind,
    /// Its name.
    pub name: Name,
    /// What the answer belongs to, where that is more than the name; else empty.
    pub key: String,
    /// When it was given.
    pub at: Timestamp,
    /// The answer, as JSON.
    pub content: String,
}

/// A source that failed, or of which a part was doubted, when it was asked last (L3). A plan that asks nobody holds what
/// depends on it all the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptFailure {
    /// What kind of source.
    pub kind: FailingKind,
    /// Its name.
    pub name: Name,
    /// When it was first found so, without a good answer since.
    pub since: Timestamp,
    /// Why it has no answer that is believed; `None` when only parts of it are doubted.
    pub message: Option<String>,
    /// The parts that are doubted.
    pub doubts: Vec<Doubt>,
}

/// Everything that is asked for computers or what they belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailingKind {
    /// A provider.
    Provider,
    /// A directory.
    Directory,
    /// A PSA.
    Psa,
    /// A script that selects computers.
    Script,
}

impl From<SourceKind> for FailingKind {
    fn from(kind: SourceKind) -> Self {
        match kind {
            SourceKind::Provider => Self::Provider,
            SourceKind::Directory => Self::Directory,
            SourceKind::Psa => Self::Psa,
            SourceKind::Script => Self::Script,
        }
    }
}

/// One run of apply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Its id.
    pub id: RunId,
    /// When it began.
    pub started: Timestamp,
    /// When it ended; `None` while it runs, or when it was killed.
    pub finished: Option<Timestamp>,
    /// The commit that was applied.
    pub commit: Option<CommitId>,
    /// The plan's digest.
    pub plan: Digest,
    /// What it set aside, and why.
    pub overrides: Vec<Override>,
}

/// One session: one computer in one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRecord {
    /// Its id.
    pub id: SessionId,
    /// The run it belongs to.
    pub run: RunId,
    /// The computer.
    pub computer: ComputerId,
    /// The computer's name then.
    pub name: String,
    /// Its tenant then.
    pub tenant: Option<Name>,
    /// Where it stands.
    pub status: SessionStatus,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Option<Timestamp>,
}

/// One action of a session. Written before it is sent, and again when its result is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionRecord {
    /// The session.
    pub session: SessionId,
    /// Position in the session, from 0.
    pub position: u32,
    /// The item.
    pub item: ItemKey,
    /// What is done.
    pub action: ActionType,
    /// Why.
    pub reason: Reason,
    /// Digest over scripts and values.
    pub content: Digest,
    /// What was there before.
    pub before: Observed,
    /// What is there now; `None` until it was detected again.
    pub after: Option<Observed>,
    /// The result; `None` from the moment before it is sent until it is known.
    pub result: Option<ActionResult>,
    /// A sentence about the result.
    pub message: Option<String>,
    /// The script's output, bounded.
    pub output: Option<String>,
    /// When it was journalled, just before it was sent.
    pub started: Timestamp,
    /// When its result was known.
    pub finished: Option<Timestamp>,
}

/// Something that a monitored task said, and when it said so first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptValue {
    /// The task.
    pub item: ItemKey,
    /// When.
    pub at: Timestamp,
    /// What it said.
    pub observed: Observed,
}

/// Keeps the lock until it is dropped or its process ends, however it ends.
pub trait RunLock: Send + Sync + fmt::Debug {}

/// What Muster remembers. One contract suite runs against every implementation.
pub trait Store: Send + Sync + fmt::Debug {
    /// Facts and contacts of all computers, sorted by id.
    fn computers(&self) -> BoxFuture<'_, Result<Vec<StoredComputer>, StoreError>>;

    /// Replaces facts (where given) and contact of these computers, all or none.
    fn put_computers<'a>(&'a self, computers: &'a [StoredComputer]) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Replaces the facts of a known computer, and nothing else of it. An unknown computer is left unknown.
    fn put_facts<'a>(
        &'a self,
        computer: &'a ComputerId,
        at: Timestamp,
        facts: &'a Facts,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The last answers of sources that were believed, sorted by kind and name.
    fn sources(&self) -> BoxFuture<'_, Result<Vec<KeptSource>, StoreError>>;

    /// Replaces the last answers of these sources, all or none.
    fn put_sources<'a>(&'a self, sources: &'a [KeptSource]) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The sources that failed or were doubted when they were asked last, sorted by kind and name.
    fn failures(&self) -> BoxFuture<'_, Result<Vec<KeptFailure>, StoreError>>;

    /// Replaces all of them, all or none.
    fn put_failures<'a>(&'a self, failures: &'a [KeptFailure]) -> BoxFuture<'a, Result<(), StoreError>>;

    /// What was decided last of agents and the computers that they are on.
    fn identification(&self) -> BoxFuture<'_, Result<Memory, StoreError>>;

    /// Changes that, all or nothing. What the change does not name stays as it is.
    fn put_identification<'a>(&'a self, change: &'a MemoryChange) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The last detection of every item on every computer by every probe, sorted by computer, item and probe.
    fn detections(&self) -> BoxFuture<'_, Result<Vec<Detection>, StoreError>>;

    /// Replaces the last detections of these items on these computers by these probes, all or none. A monitored value that
    /// differs from the last one is kept in its history too.
    fn put_detections<'a>(&'a self, detections: &'a [Detection]) -> BoxFuture<'a, Result<(), StoreError>>;

    /// What monitored tasks said on a computer, each change once, newest first, at most `limit` (TSK-4).
    fn values<'a>(
        &'a self,
        computer: &'a ComputerId,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<KeptValue>, StoreError>>;

    /// Begins a run.
    fn begin_run<'a>(&'a self, run: &'a RunRecord) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Ends a run.
    fn end_run<'a>(&'a self, run: &'a RunId, at: Timestamp) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Creates a session or changes its status and end.
    fn put_session<'a>(&'a self, session: &'a SessionRecord) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Writes an action; durable when this returns.
    fn put_action<'a>(&'a self, action: &'a ActionRecord) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Keeps the last result of items on computers, and adds each to their history.
    fn put_results<'a>(&'a self, results: &'a [ItemResult]) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The last result of every item on every computer, sorted by computer and item.
    fn results(&self) -> BoxFuture<'_, Result<Vec<ItemResult>, StoreError>>;

    /// What was wanted of whom when the last run ended; nothing before the first.
    fn remembered(&self) -> BoxFuture<'_, Result<Remembered, StoreError>>;
    /// Replaces it, all or none.
    fn put_remembered<'a>(&'a self, remembered: &'a Remembered) -> BoxFuture<'a, Result<(), StoreError>>;
    /// How many seconds changes that succeeded took, in the mean, by item and action.
    fn durations(&self) -> BoxFuture<'_, Result<Durations, StoreError>>;
    /// What was protected when something was applied last, sorted by kind and name.
    fn protections(&self) -> BoxFuture<'_, Result<Vec<Protection>, StoreError>>;

    /// Replaces all that was protected, all or none.
    fn put_protections<'a>(&'a self, protections: &'a [Protection]) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The runs, newest first, at most `limit`.
    fn runs(&self, limit: u32) -> BoxFuture<'_, Result<Vec<RunRecord>, StoreError>>;

    /// The sessions, newest first, at most `limit`; of one computer if it is given.
    fn sessions<'a>(
        &'a self,
        computer: Option<&'a ComputerId>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<SessionRecord>, StoreError>>;

    /// The actions of a session, in order.
    fn actions<'a>(&'a self, session: &'a SessionId) -> BoxFuture<'a, Result<Vec<ActionRecord>, StoreError>>;

    /// Sessions that never ended, oldest first: those of a run that was killed.
    fn unfinished(&self) -> BoxFuture<'_, Result<Vec<SessionRecord>, StoreError>>;

    /// Keeps what became of the maintenance mode of an agent in a session; durable when this returns.
    fn put_maintenance<'a>(&'a self, record: &'a MaintenanceRecord) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The maintenance modes that a session found off, sorted by agent.
    fn maintenance<'a>(
        &'a self,
        session: &'a SessionId,
    ) -> BoxFuture<'a, Result<Vec<MaintenanceRecord>, StoreError>>;

    /// Those of all sessions that are still to be put back, oldest first.
    fn open_maintenance(&self) -> BoxFuture<'_, Result<Vec<MaintenanceRecord>, StoreError>>;

    /// Takes the lock that one apply at a time holds, or says who holds it.
    fn lock<'a>(&'a self, holder: &'a str) -> BoxFuture<'a, Result<Box<dyn RunLock>, StoreError>>;
}
