//! Maintenance mode of an agent's system while its computer is changed: what is found, what is remembered of it, and what
//! follows. Pure.
//!
//! Not here: asking and switching (`provider`), and when a session does so (`quiet`).
//!
//! Invariants: only a mode that was found off is switched on, and only what was switched on is put back (SES-19); it is
//! remembered before it is switched. A switch of which it is not certain whether it did anything is put back like one that
//! did. A mode that somebody set anew meanwhile is left to them.

use serde::{Deserialize, Serialize};

use super::script::RunError;
use crate::id::{ComputerId, SessionId};
use crate::inventory::known::AgentKey;
use crate::time::Timestamp;

/// For so many hours a switch of which nobody knows what became of it may come late.
const COMES_LATE: i64 = 1;
/// After so many hours what is not put back is given up: modes end by themselves, and computers go away.
const GIVEN_UP: i64 = 7 * 24;

/// Whether a system holds back what it would say of a computer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Maintenance {
    /// It does not.
    Off,
    /// It does.
    On {
        /// What stays the same as long as nobody sets the mode anew, where the system tells such a thing.
        mark: Option<String>,
    },
}

/// How it stands with a maintenance mode that a session found off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kept {
    /// It is about to be switched on, or is on, and is to be put back.
    ToPutBack,
    /// It was not switched on, for certain; the session went on without.
    NeverOn,
    /// It is off again, or belongs to somebody who set it anew.
    PutBack,
    /// It could not be put back for so long that nobody tries any more.
    GivenUp,
}

/// What is remembered of the maintenance mode of one agent in one session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MaintenanceRecord {
    /// The session that found it off.
    pub session: SessionId,
    /// The agent whose system has the mode.
    pub agent: AgentKey,
    /// Its computer.
    pub computer: ComputerId,
    /// The computer's name then.
    pub name: String,
    /// How it stands.
    pub kept: Kept,
    /// What the mode that the session set is known by.
    pub mark: Option<String>,
    /// What went wrong, or what somebody should know.
    pub message: Option<String>,
    /// When it was written down, just before it was switched.
    pub begun: Timestamp,
    /// When nothing more was to be done about it.
    pub ended: Option<Timestamp>,
}

/// What is to be done to put a mode back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Switch it off.
    Switch,
    /// Look again in a later run: what was started may come late.
    Wait,
    /// Nothing: it is off.
    Nothing,
    /// Nothing: somebody set it since.
    Theirs,
}

impl MaintenanceRecord {
    /// Whether it is still to be put back.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.kept, Kept::ToPutBack)
    }

    /// What is known once switching it on was tried.
    pub fn switched(&mut self, answer: Result<Maintenance, RunError>, now: Timestamp) {
        match answer {
            Ok(found) => {
                self.mark = match found {
                    Maintenance::On { mark } => mark,
                    Maintenance::Off => None,
                };
                self.message = None;
            }
            Err(error) if error.nothing_ran() => {
                self.kept = Kept::NeverOn;
                self.message = Some(error.to_string());
                self.ended = Some(now);
            }
            Err(error) => self.message = Some(error.to_string()),
        }
    }

    /// What follows from how the mode is found when it is to be put back.
    #[must_use]
    pub fn next(&self, found: &Maintenance, now: Timestamp) -> Next {
        let comes_late = now.duration_since(self.begun).as_hours() < COMES_LATE;
        match found {
            // A message tells that it is not certain what became of the switch.
            Maintenance::Off if self.message.is_some() && comes_late => Next::Wait,
            Maintenance::Off => Next::Nothing,
            Maintenance::On { mark: Some(mark) } if self.mark.as_ref().is_some_and(|own| own != mark) => {
                Next::Theirs
            }
            Maintenance::On { .. } => Next::Switch,
        }
    }

    /// It needs nothing more.
    pub fn done(&mut self, message: Option<&str>, now: Timestamp) {
        self.kept = Kept::PutBack;
        self.message = message.map(str::to_owned);
        self.ended = Some(now);
    }

    /// It was not put back; after a week nobody tries any more. Says whether that is so.
    pub fn failed(&mut self, why: String, now: Timestamp) -> bool {
        self.message = Some(why);
        let hours = now.duration_since(self.begun).as_hours();
        if hours >= GIVEN_UP {
            self.give_up(now);
        }
        !self.is_open()
    }

    /// Nobody can put it back any more.
    pub fn give_up(&mut self, now: Timestamp) {
        self.kept = Kept::GivenUp;
        self.ended = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{AgentId, Name};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_795_269_729 + second).expect("valid")
    }

    fn record() -> MaintenanceRecord {
        let agent = AgentKey { provider: Name::new("automate").expect("a name"), agent: AgentId::new("7") };
        MaintenanceRecord {
            session: SessionId::new("s"),
            computer: agent.computer(),
            agent,
            name: "PC-7".to_owned(),
            kept: Kept::ToPutBack,
            mark: None,
            message: None,
            begun: at(0),
            ended: None,
        }
    }

    fn on(mark: Option<&str>) -> Maintenance {
        Maintenance::On { mark: mark.map(str::to_owned) }
    }

    #[test]
    fn only_what_was_switched_on_for_certain_or_perhaps_is_put_back() {
        let after = |answer| {
            let mut record = record();
            record.switched(answer, at(9));
            (record.kept, record.is_open())
        };
        assert_eq!(after(Ok(on(None))), (Kept::ToPutBack, true));
        assert_eq!(after(Err(RunError::Lost("x".to_owned()))), (Kept::ToPutBack, true));
        assert_eq!(after(Err(RunError::TimedOut(300))), (Kept::ToPutBack, true));
        assert_eq!(after(Err(RunError::Unreachable("x".to_owned()))), (Kept::NeverOn, false));
    }

    #[test]
    fn what_is_found_decides_what_is_done() {
        let mut certain = record();
        certain.switched(Ok(on(Some("noon"))), at(1));
        for now in [at(60), at(86_400)] {
            assert_eq!(certain.next(&on(Some("noon")), now), Next::Switch);
            assert_eq!(certain.next(&on(None), now), Next::Switch);
            assert_eq!(certain.next(&on(Some("one")), now), Next::Theirs);
            assert_eq!(certain.next(&Maintenance::Off, now), Next::Nothing);
        }
        let mut doubtful = record();
        doubtful.switched(Err(RunError::TimedOut(300)), at(1));
        assert_eq!(doubtful.next(&Maintenance::Off, at(60)), Next::Wait, "a later run may come first");
        assert_eq!(doubtful.next(&Maintenance::Off, at(7200)), Next::Nothing);
        assert_eq!(doubtful.next(&on(Some("noon")), at(60)), Next::Switch, "it came late");
        assert_eq!(record().next(&on(Some("noon")), at(60)), Next::Switch, "the run was killed in between");
    }

    #[test]
    fn after_a_week_nobody_tries_any_more() {
        let mut record = record();
        assert!(!record.failed("not reachable".to_owned(), at(6 * 86_400)));
        assert!(record.is_open() && record.message.is_some());
        assert!(record.failed("not reachable".to_owned(), at(7 * 86_400)));
        assert_eq!((record.kept, record.ended), (Kept::GivenUp, Some(at(7 * 86_400))));
    }
}
