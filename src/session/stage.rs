//! Stages and results of a session: closed sets, with the moves between them.
//!
//! Invariant: a session that has ended does not begin again; another session is another id.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{ComputerId, Digest, SessionId};
use crate::inventory::item::{ItemKey, Observed};
use crate::plan::document::ActionType;
use crate::time::Timestamp;

/// The stages of a session, in order (design §7). Later kinds of stage have their place here already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Reach the computer.
    Connect,
    /// Gates before anything changes.
    Preflight,
    /// Collect facts.
    Inventory,
    /// What a new computer gets once.
    Onboarding,
    /// Resolve targets and winners.
    Resolve,
    /// Look at every item; changes nothing.
    Detect,
    /// Tell the user and wait.
    NoticeBefore,
    /// Act.
    Execute,
    /// Look again.
    Verify,
    /// Tell the user how it went.
    NoticeAfter,
    /// Hand in the results.
    Report,
}

/// Where a session stands (SES-9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SessionStatus {
    /// It exists.
    Created,
    /// It waits for its turn.
    Pending,
    /// It waits for the computer to come online.
    PendingConnectivity,
    /// It waits for a gate.
    PendingPreflight,
    /// It runs.
    Running,
    /// Every action succeeded, or there was none.
    Passed,
    /// Some actions succeeded and some did not (SES-10).
    PartlyPassed,
    /// No action succeeded.
    Failed,
    /// It was cancelled.
    Cancelled,
    /// The user put it off.
    Postponed,
    /// Its time passed.
    Missed,
    /// Its run ended without it: killed, or the power failed.
    Interrupted,
}

impl SessionStatus {
    /// Whether the session has ended.
    #[must_use]
    pub const fn is_final(self) -> bool {
        !matches!(
            self,
            Self::Created
                | Self::Pending
                | Self::PendingConnectivity
                | Self::PendingPreflight
                | Self::Running
        )
    }

    /// Whether a session may go from here to `next`.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        if self.is_final() {
            return false;
        }
        match next {
            Self::Created => false,
            Self::Passed | Self::PartlyPassed | Self::Failed => matches!(self, Self::Running),
            _ => true,
        }
    }

    /// The status that follows from the results of its actions.
    #[must_use]
    pub fn from_results(results: &[ActionResult]) -> Self {
        let good = |r: &&ActionResult| matches!(r, ActionResult::Success | ActionResult::Skipped);
        let succeeded = results.iter().filter(good).count();
        if results.contains(&ActionResult::Cancelled) {
            Self::Cancelled
        } else if succeeded == results.len() {
            Self::Passed
        } else if succeeded > 0 {
            Self::PartlyPassed
        } else {
            Self::Failed
        }
    }
}

/// How an action ended (SES-15).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ActionResult {
    /// The wanted state was observed after it.
    Success,
    /// It ran, and the wanted state was not observed.
    Failed,
    /// It was stopped before it began.
    Cancelled,
    /// Whether it ran or what it did is not known.
    Undetermined,
    /// There was nothing to do: the wanted state was observed before it.
    Skipped,
    /// Something it depends on did not succeed, so it did not begin.
    Blocked,
    /// It could not run now: nobody is signed in, or the time is over.
    Deferred,
    /// Somebody has settled it by hand.
    Acknowledged,
}

/// The last result of an item on a computer (SES-25).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemResult {
    /// The computer.
    pub computer: ComputerId,
    /// The item.
    pub item: ItemKey,
    /// The action that brought it about.
    pub action: ActionType,
    /// How it ended.
    pub result: ActionResult,
    /// What was detected after it.
    pub observed: Option<Observed>,
    /// Digest over scripts and values that were applied.
    pub content: Digest,
    /// Digest over the values that the item was last put there with (PAR-8). A result that put nothing there brings none,
    /// and the one before stays; a removal forgets it.
    pub values: Option<Digest>,
    /// When.
    pub at: Timestamp,
    /// The session.
    pub session: SessionId,
}

impl ItemResult {
    /// Whether the item, if it is absent by now, is so because of this: what was to change it, or to bring it back after
    /// that, did not end well, and it was not seen there afterwards.
    #[must_use]
    pub fn may_have_lost(&self) -> bool {
        if matches!(self.observed, Some(Observed::Present { .. })) {
            return false;
        }
        let ran = matches!(self.result, ActionResult::Failed | ActionResult::Undetermined);
        match self.action {
            ActionType::Update | ActionType::Downgrade | ActionType::Repair => ran,
            ActionType::Reinstall => {
                let waits = matches!(self.result, ActionResult::Blocked | ActionResult::Deferred);
                ran || (waits && self.observed == Some(Observed::Absent))
            }
            _ => false,
        }
    }

    /// Whether it put a software there, and may have ended before the script that follows, or without its success.
    #[must_use]
    pub fn may_be_unfinished(&self) -> bool {
        let ran = matches!(self.result, ActionResult::Failed | ActionResult::Undetermined);
        ran && (self.put_there() || self.action == ActionType::Finish)
    }

    /// Whether the script that follows an install is to be run once more: what put the software there did not come to a good
    /// end and left it there as far as is known, or the one attempt to make up for it was put off.
    #[must_use]
    pub fn is_to_finish(&self) -> bool {
        match self.result {
            // Before what failed without a look at it, nothing may have run.
            ActionResult::Failed => {
                self.put_there() && matches!(self.observed, Some(Observed::Present { .. }))
            }
            ActionResult::Undetermined => self.put_there() && self.observed != Some(Observed::Absent),
            ActionResult::Blocked | ActionResult::Deferred => self.action == ActionType::Finish,
            _ => false,
        }
    }

    const fn put_there(&self) -> bool {
        matches!(
            self.action,
            ActionType::Install
                | ActionType::Update
                | ActionType::Downgrade
                | ActionType::Repair
                | ActionType::Reinstall
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_that_has_ended_stays_so() {
        assert!(SessionStatus::Running.may_become(SessionStatus::Passed));
        assert!(!SessionStatus::Pending.may_become(SessionStatus::Passed));
        assert!(!SessionStatus::Failed.may_become(SessionStatus::Running));
    }

    #[test]
    fn the_status_follows_from_the_results() {
        use ActionResult::{Blocked, Cancelled, Failed, Skipped, Success};
        for (results, status) in [
            (vec![], SessionStatus::Passed),
            (vec![Success, Skipped], SessionStatus::Passed),
            (vec![Success, Failed], SessionStatus::PartlyPassed),
            (vec![Failed, Blocked], SessionStatus::Failed),
            (vec![Success, Cancelled], SessionStatus::Cancelled),
        ] {
            assert_eq!(SessionStatus::from_results(&results), status, "{results:?}");
        }
    }
}
