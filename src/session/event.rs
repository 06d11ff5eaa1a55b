//! The events of a run: what drivers say while they work, for progress, logs and NDJSON.
//!
//! Not here: how they look (`report::events`) and where they go (`cli`). They are no journal: that is the store's.
//!
//! Invariants: names and fields are part of the output that machines read, so none is renamed or reused; no event
//! carries a secret or a script's output.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::stage::{ActionResult, SessionStatus, Stage};
use crate::id::{ComputerId, Digest, Name, RunId, SessionId};
use crate::inventory::item::ItemKey;
use crate::plan::document::ActionType;
use crate::time::Timestamp;

/// An event and its instant: one line of NDJSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stamped {
    /// When it happened.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// Something that happened in a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Event {
    /// A run begins.
    RunStarted {
        /// The run.
        run: RunId,
        /// The plan that is applied.
        plan: Digest,
        /// Computers with something to do.
        computers: u64,
        /// Actions over all of them.
        actions: u64,
    },
    /// A file that Muster sends to computers is not in its cache, and is being fetched.
    PayloadFetching {
        /// Its SHA-256.
        sha256: Digest,
        /// Where it comes from: an address without what may be secret, or a path in the repository.
        from: String,
        /// Its size in bytes, where it is known.
        size: Option<u64>,
    },
    /// So much of it is there.
    PayloadProgress {
        /// Its SHA-256.
        sha256: Digest,
        /// Bytes that are there.
        done: u64,
        /// Bytes in all, where they are known.
        total: Option<u64>,
    },
    /// It is in Muster's cache, complete and verified.
    PayloadFetched {
        /// Its SHA-256.
        sha256: Digest,
        /// Where it comes from.
        from: String,
        /// Its size in bytes.
        size: u64,
        /// Whether it was there before.
        cached: bool,
        /// How long it took, in milliseconds.
        duration_ms: u64,
    },
    /// It could not be had. What needs it fails, and changes nothing.
    PayloadMissing {
        /// Its SHA-256.
        sha256: Digest,
        /// Where it comes from.
        from: String,
        /// What happened.
        why: String,
    },
    /// A file is sent to a computer; so much of it is there.
    PayloadSending {
        /// The computer.
        computer: ComputerId,
        /// The file's SHA-256.
        sha256: Digest,
        /// Its name.
        file: String,
        /// Bytes that are there.
        done: u64,
        /// Bytes in all.
        total: u64,
    },
    /// A session begins.
    SessionStarted {
        /// The session.
        session: SessionId,
        /// The computer.
        computer: ComputerId,
        /// Its name.
        name: String,
    },
    /// A session has come to a stage.
    StageEntered {
        /// The computer.
        computer: ComputerId,
        /// The stage.
        stage: Stage,
    },
    /// An action waits for a lock that another one holds.
    LockWaiting {
        /// The computer.
        computer: ComputerId,
        /// The item.
        item: ItemKey,
        /// The lock's name.
        lock: Name,
    },
    /// An action is about to be sent; it is in the journal.
    ActionStarted {
        /// The computer.
        computer: ComputerId,
        /// The item.
        item: ItemKey,
        /// What is done.
        action: ActionType,
    },
    /// The result of an action is known.
    ActionFinished {
        /// The computer.
        computer: ComputerId,
        /// The item.
        item: ItemKey,
        /// What was done.
        action: ActionType,
        /// How it ended.
        result: ActionResult,
        /// A sentence about the result.
        message: Option<String>,
        /// How long it took, in milliseconds.
        duration_ms: u64,
    },
    /// A session has ended.
    SessionFinished {
        /// The session.
        session: SessionId,
        /// The computer.
        computer: ComputerId,
        /// Its name.
        name: String,
        /// How it ended.
        status: SessionStatus,
    },
    /// A computer was not reached; its session changes nothing.
    ComputerUnreachable {
        /// The computer.
        computer: ComputerId,
        /// Its name.
        name: String,
        /// What happened.
        why: String,
    },
    /// The alerts of a computer are held back while it is changed.
    MaintenanceBegun {
        /// The computer.
        computer: ComputerId,
        /// The provider whose system holds them back.
        provider: Name,
    },
    /// They are let through again.
    MaintenanceEnded {
        /// The computer.
        computer: ComputerId,
        /// The provider whose system held them back.
        provider: Name,
    },
    /// The maintenance mode of a computer's system could not be switched.
    MaintenanceFailed {
        /// The computer.
        computer: ComputerId,
        /// Its name.
        name: String,
        /// The provider whose system it is.
        provider: Name,
        /// Whether it was to be switched on, or to be put back.
        on: bool,
        /// What happened.
        why: String,
    },
    /// The run was asked to stop. What is under way is finished or left for the next run to look at.
    Interrupted {
        /// What was under way.
        under_way: Vec<UnderWay>,
    },
    /// Everything up to here is in the state: a run that is killed now resumes from here (L11).
    Checkpoint {
        /// Sessions that have ended.
        done: u64,
        /// Sessions that have not begun or not ended.
        left: u64,
    },
    /// A run has ended.
    RunFinished {
        /// The run.
        run: RunId,
        /// What became of it.
        counts: RunCounts,
    },
}

/// An action that had begun when a run was asked to stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnderWay {
    /// The computer.
    pub computer: ComputerId,
    /// Its name.
    pub name: String,
    /// The item; `None` between two actions.
    pub item: Option<ItemKey>,
}

/// What became of a run. Sessions and actions each add up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunCounts {
    /// Sessions that passed.
    pub passed: u64,
    /// Sessions in which some actions succeeded and some did not.
    pub partly_passed: u64,
    /// Sessions in which no action succeeded.
    pub failed: u64,
    /// Computers that were not reached.
    pub unreachable: u64,
    /// Sessions that were cancelled, interrupted, put off, missed or not begun.
    pub not_finished: u64,
    /// Sessions that had begun and had not ended when the run was stopped at once; the next run looks at them first.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub under_way: u64,
    /// Actions whose wanted state was observed after them, or before.
    pub succeeded: u64,
    /// Actions that ran and did not bring the wanted state.
    pub actions_failed: u64,
    /// Actions that were blocked, deferred, cancelled or left undetermined.
    pub actions_open: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl RunCounts {
    /// Counts what a stop at once left: sessions that had begun and have no end, all others of the plan that have none as
    /// not begun, and the actions without a known end as open.
    pub const fn stopped(&mut self, under_way: u64, sessions: u64, actions: u64) {
        self.under_way = under_way;
        let not_begun = sessions.saturating_sub(self.sessions());
        self.not_finished = self.not_finished.saturating_add(not_begun);
        let ended = self.succeeded.saturating_add(self.actions_failed).saturating_add(self.actions_open);
        self.actions_open = self.actions_open.saturating_add(actions.saturating_sub(ended));
    }

    /// Counts the end of a session.
    pub const fn session(&mut self, status: SessionStatus) {
        let field = match status {
            SessionStatus::Passed => &mut self.passed,
            SessionStatus::PartlyPassed => &mut self.partly_passed,
            SessionStatus::Failed => &mut self.failed,
            SessionStatus::PendingConnectivity => &mut self.unreachable,
            _ => &mut self.not_finished,
        };
        *field = field.saturating_add(1);
    }

    /// Counts the end of an action.
    pub const fn action(&mut self, result: ActionResult) {
        let field = match result {
            ActionResult::Success | ActionResult::Skipped | ActionResult::Acknowledged => &mut self.succeeded,
            ActionResult::Failed => &mut self.actions_failed,
            ActionResult::Cancelled
            | ActionResult::Undetermined
            | ActionResult::Blocked
            | ActionResult::Deferred => &mut self.actions_open,
        };
        *field = field.saturating_add(1);
    }

    /// Sessions in all.
    #[must_use]
    pub const fn sessions(&self) -> u64 {
        self.passed
            .saturating_add(self.partly_passed)
            .saturating_add(self.failed)
            .saturating_add(self.unreachable)
            .saturating_add(self.not_finished)
            .saturating_add(self.under_way)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_and_actions_add_up() {
        use SessionStatus as S;
        let mut counts = RunCounts::default();
        let statuses =
            [S::Passed, S::Passed, S::PartlyPassed, S::Failed, S::PendingConnectivity, S::Interrupted];
        for status in statuses {
            counts.session(status);
        }
        counts.action(ActionResult::Skipped);
        counts.action(ActionResult::Failed);
        counts.action(ActionResult::Blocked);
        assert_eq!(counts.sessions(), statuses.len() as u64);
        assert_eq!((counts.passed, counts.failed, counts.unreachable, counts.not_finished), (2, 1, 1, 1));
        assert_eq!((counts.succeeded, counts.actions_failed, counts.actions_open), (1, 1, 1));
    }

    #[test]
    fn what_a_stop_at_once_leaves_adds_up_to_the_plan() {
        let mut counts = RunCounts::default();
        counts.session(SessionStatus::Passed);
        counts.action(ActionResult::Success);
        counts.stopped(2, 10, 12);
        assert_eq!((counts.under_way, counts.not_finished, counts.sessions()), (2, 7, 10));
        assert_eq!((counts.succeeded, counts.actions_failed, counts.actions_open), (1, 0, 11));
    }

    #[test]
    fn the_schema_names_every_event() {
        let schema = serde_json::to_string(&schemars::schema_for!(Stamped)).expect("JSON");
        for name in [
            "run-started",
            "session-finished",
            "computer-unreachable",
            "interrupted",
            "checkpoint",
            "durationMs",
        ] {
            assert!(schema.contains(&format!("\"{name}\"")), "{name}");
        }
    }
}
