//! How far a computer is with what its policies need: not enabled, pending, installed, or failed.
//!
//! The four words are the least that the vendor's own pages show; there is no document about more. They are worked out from
//! what was detected and done last, and nothing is asked.

use serde::Serialize;

use crate::config::kind::SoftwareState;
use crate::config::model::Desired;
use crate::inventory::item::Observed;
use crate::time::Timestamp;

/// How far a computer is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "status")]
pub enum Status {
    /// No policy is given to its site.
    NotEnabled,
    /// Something is missing, or was not looked at yet.
    Pending {
        /// The first attempt, else the first look that counts; `None` where nobody looked.
        since: Option<Timestamp>,
    },
    /// Everything that the policies need is as they need it.
    Installed,
    /// Something is missing, and the last attempt to bring it failed.
    Failed {
        /// What was said of it.
        text: String,
        /// When that was.
        at: Timestamp,
    },
}

/// What is known of one needed item on a computer.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// What is wanted of it.
    pub desired: &'a Desired,
    /// The last detection.
    pub seen: Option<(Timestamp, &'a Observed)>,
    /// The last failure, where nothing succeeded since, with what was said of it.
    pub failed: Option<(Timestamp, &'a str)>,
    /// When it was tried first, as far as that is remembered.
    pub tried: Option<Timestamp>,
}

impl Known<'_> {
    /// Whether it was last seen as it is wanted.
    #[must_use]
    pub fn is_there(&self) -> bool {
        let Some((_, observed)) = self.seen else { return false };
        match (self.desired, observed) {
            (Desired::Software { state: SoftwareState::Ignored, .. }, _)
            | (Desired::Task | Desired::OsUpdates, Observed::Compliant)
            | (
                Desired::Software { state: SoftwareState::Absent | SoftwareState::UpdateIfFound, .. },
                Observed::Absent,
            ) => true,
            (Desired::Software { state, .. }, Observed::Present { healthy, .. }) => {
                *state != SoftwareState::Absent && *healthy != Some(false)
            }
            _ => false,
        }
    }
}

/// The status of a computer for whose site policies are enabled or not, from the items that they need.
#[must_use]
pub fn status(enabled: bool, items: &[Known<'_>]) -> Status {
    if !enabled {
        return Status::NotEnabled;
    }
    let missing: Vec<&Known<'_>> = items.iter().filter(|item| !item.is_there()).collect();
    if let Some((at, text)) = missing.iter().filter_map(|item| item.failed).max() {
        return Status::Failed { text: text.to_owned(), at };
    }
    if missing.is_empty() {
        return Status::Installed;
    }
    let first = |item: &&Known<'_>| item.tried.or(item.seen.map(|(at, _)| at));
    Status::Pending { since: missing.iter().filter_map(first).min() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::model::WantedVersion;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).expect("an instant")
    }

    fn known<'a>(desired: &'a Desired, seen: Option<(i64, &'a Observed)>) -> Known<'a> {
        Known {
            desired,
            seen: seen.map(|(second, observed)| (at(second), observed)),
            failed: None,
            tried: None,
        }
    }

    #[test]
    fn a_computer_is_installed_when_everything_is_there_and_failed_when_an_attempt_at_what_is_missing_failed()
    {
        let agent = Desired::Software {
            state: SoftwareState::Installed,
            version: WantedVersion::Any { install: None },
            allow_downgrade: false,
        };
        let (there, gone, so) = (
            Observed::Present { version: Some("1.0".to_owned()), healthy: None },
            Observed::Absent,
            Observed::Compliant,
        );
        let ill = Observed::Present { version: None, healthy: Some(false) };
        let differs = Observed::non_compliant("");
        let task = Desired::Task;
        assert_eq!(status(false, &[known(&agent, Some((1, &there)))]), Status::NotEnabled);
        assert_eq!(status(true, &[]), Status::Installed);
        assert_eq!(status(true, &[known(&agent, None)]), Status::Pending { since: None });
        assert_eq!(
            status(true, &[known(&agent, Some((5, &gone))), known(&task, Some((4, &differs)))]),
            Status::Pending { since: Some(at(4)) }
        );
        let tried = Known { tried: Some(at(2)), ..known(&agent, Some((5, &gone))) };
        assert_eq!(status(true, &[tried]), Status::Pending { since: Some(at(2)) });
        assert_eq!(
            status(true, &[known(&agent, Some((5, &there))), known(&task, Some((5, &so)))]),
            Status::Installed
        );
        assert!(!known(&agent, Some((5, &ill))).is_there());
        let failed = Known { failed: Some((at(6), "exit code 1603")), ..known(&agent, Some((5, &gone))) };
        assert_eq!(
            status(true, &[failed, known(&task, None)]),
            Status::Failed { text: "exit code 1603".to_owned(), at: at(6) }
        );
        let since = Known { failed: Some((at(6), "exit code 1603")), ..known(&agent, Some((7, &there))) };
        assert_eq!(status(true, &[since]), Status::Installed, "somebody else brought it");
    }
}
