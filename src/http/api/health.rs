//! Whether a link is well, and whether it is asked at all: a circuit breaker as a pure state machine that is handed the time.
//!
//! Not here: waiting and telling (`gate`).
//!
//! Invariants: only a link that failed [`OPEN_AFTER`] times in a row is left alone, and never longer than [`LONGEST_REST`];
//! after the rest one request at a time finds out whether it is back; any answer of the system itself, a refusal too, is a sign of
//! health, and being asked to slow down is no failure.

use std::time::Duration;

/// So many failures in a row make a link degraded.
pub const DEGRADED_AFTER: u32 = 3;
/// So many failures in a row make it unhealthy: it is left alone.
pub const OPEN_AFTER: u32 = 10;
/// So many answers in a row make it healthy again.
pub const WELL_AFTER: u32 = 3;
/// How long it is left alone the first time; each further time twice as long.
pub const FIRST_REST: Duration = Duration::from_secs(5);
/// The longest that it is left alone.
pub const LONGEST_REST: Duration = Duration::from_mins(2);

/// How a link is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// It answers.
    Healthy,
    /// It failed several times in a row, or wants fewer requests.
    Degraded,
    /// It does not answer, and is left alone for a while.
    Unhealthy,
}

/// What came of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The system answered, be it with a refusal.
    Answered,
    /// It wants fewer requests.
    Limited,
    /// It did not answer, or with nonsense, or with a fault of its own.
    Failed,
}

/// Whether a request may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permit {
    /// It may.
    Yes,
    /// It may, and is the one that finds out whether the link is back: its outcome or its end has to be told.
    Probe,
    /// Not before so much time has passed.
    No(Duration),
}

/// The state. Times are spans since any fixed instant.
#[derive(Debug, Clone)]
pub struct Health {
    state: State,
    failures: u32,
    answers: u32,
    rest: Duration,
    rests_until: Duration,
    is_probing: bool,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            state: State::Healthy,
            failures: 0,
            answers: 0,
            rest: FIRST_REST,
            rests_until: Duration::ZERO,
            is_probing: false,
        }
    }
}

impl Health {
    /// How the link is.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// How often it failed in a row.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Whether a request may go now.
    pub fn ask(&mut self, now: Duration) -> Permit {
        if self.state != State::Unhealthy {
            return Permit::Yes;
        }
        if now < self.rests_until {
            return Permit::No(self.rests_until.saturating_sub(now));
        }
        if self.is_probing {
            // Somebody is finding out; it will not take long.
            return Permit::No(Duration::from_secs(1));
        }
        self.is_probing = true;
        Permit::Probe
    }

    /// The request that was to find out ended without an outcome.
    pub fn abandon(&mut self) {
        self.is_probing = false;
    }

    /// Notes an outcome; gives the new state when it is another one.
    pub fn note(&mut self, now: Duration, outcome: Outcome, is_probe: bool) -> Option<State> {
        let before = self.state;
        if is_probe {
            self.is_probing = false;
        }
        match outcome {
            Outcome::Failed => self.failed(now, is_probe),
            Outcome::Limited => self.answered(false, is_probe),
            Outcome::Answered => self.answered(true, is_probe),
        }
        (self.state != before).then_some(self.state)
    }

    fn failed(&mut self, now: Duration, is_probe: bool) {
        self.failures = self.failures.saturating_add(1);
        self.answers = 0;
        if self.state == State::Unhealthy {
            // Requests that were under way when it was left alone change nothing.
            if is_probe {
                self.rest = self.rest.saturating_mul(2).min(LONGEST_REST);
                self.rests_until = now.saturating_add(self.rest);
            }
        } else if self.failures >= OPEN_AFTER {
            self.state = State::Unhealthy;
            self.rests_until = now.saturating_add(self.rest);
        } else if self.failures >= DEGRADED_AFTER {
            self.state = State::Degraded;
        }
    }

    fn answered(&mut self, is_well: bool, is_probe: bool) {
        if self.state == State::Unhealthy && !is_probe {
            return;
        }
        self.failures = 0;
        self.answers = if is_well { self.answers.saturating_add(1) } else { 0 };
        self.state = match self.state {
            State::Unhealthy => State::Degraded,
            _ if !is_well => State::Degraded,
            State::Degraded if self.answers >= WELL_AFTER => State::Healthy,
            state => state,
        };
        if self.state == State::Healthy {
            self.rest = FIRST_REST;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn down() -> Health {
        let mut health = Health::default();
        for _ in 0..OPEN_AFTER {
            health.note(at(0), Outcome::Failed, false);
        }
        health
    }

    #[test]
    fn a_link_that_keeps_failing_is_left_alone_and_found_again_by_one_request() {
        let mut health = down();
        assert_eq!(health.state(), State::Unhealthy);
        assert_eq!(health.ask(at(1)), Permit::No(at(4)));
        assert_eq!(health.ask(at(5)), Permit::Probe);
        assert_eq!(health.ask(at(5)), Permit::No(at(1)), "one at a time");
        assert_eq!(health.note(at(5), Outcome::Failed, true), None);
        assert_eq!(health.ask(at(6)), Permit::No(at(9)), "twice as long");
        assert_eq!(health.ask(at(15)), Permit::Probe);
        assert_eq!(health.note(at(15), Outcome::Answered, true), Some(State::Degraded));
        assert_eq!(health.ask(at(15)), Permit::Yes);
        assert_eq!(health.note(at(15), Outcome::Answered, false), None);
        assert_eq!(health.note(at(15), Outcome::Answered, false), Some(State::Healthy));
    }

    #[test]
    fn a_request_that_was_given_up_does_not_keep_the_others_out() {
        let mut health = down();
        assert_eq!(health.ask(at(9)), Permit::Probe);
        health.abandon();
        assert_eq!(health.ask(at(9)), Permit::Probe);
    }

    #[test]
    fn late_outcomes_of_requests_from_before_neither_open_nor_prolong() {
        let mut health = down();
        assert_eq!(health.note(at(3), Outcome::Failed, false), None);
        assert_eq!(health.note(at(4), Outcome::Answered, false), None);
        assert_eq!(health.ask(at(5)), Permit::Probe);
    }

    #[test]
    fn one_failure_among_answers_is_no_news_and_a_limit_is_degraded_only() {
        let mut health = Health::default();
        for _ in 0..50 {
            assert_eq!(health.note(at(0), Outcome::Failed, false), None);
            assert_eq!(health.note(at(0), Outcome::Answered, false), None);
        }
        assert_eq!(health.note(at(0), Outcome::Limited, false), Some(State::Degraded));
        for _ in 0..50 {
            health.note(at(0), Outcome::Limited, false);
        }
        assert_eq!(health.state(), State::Degraded);
    }

    fn outcome() -> impl Strategy<Value = Outcome> {
        prop_oneof![4 => Just(Outcome::Failed), 2 => Just(Outcome::Answered), 1 => Just(Outcome::Limited)]
    }

    proptest! {
        #[test]
        fn the_rules_hold_for_any_course_of_events(
            steps in proptest::collection::vec((outcome(), 0..40_u64, any::<bool>()), 1..300),
        ) {
            let mut health = Health::default();
            let (mut now, mut in_a_row, mut well, mut probe) = (0, 0_u32, 0_u32, false);
            for (outcome, later, gives_up) in steps {
                now += later;
                let before = health.state();
                let permit = health.ask(at(now));
                match permit {
                    Permit::No(wait) => {
                        prop_assert_eq!(before, State::Unhealthy);
                        prop_assert!(wait <= LONGEST_REST && wait > Duration::ZERO);
                        continue;
                    }
                    Permit::Probe => {
                        prop_assert!(before == State::Unhealthy && !probe);
                        probe = true;
                    }
                    Permit::Yes => prop_assert!(before != State::Unhealthy),
                }
                if gives_up {
                    if probe {
                        health.abandon();
                        probe = false;
                    }
                    continue;
                }
                let changed = health.note(at(now), outcome, permit == Permit::Probe);
                probe = false;
                in_a_row = if outcome == Outcome::Failed { in_a_row + 1 } else { 0 };
                well = if outcome == Outcome::Answered { well + 1 } else { 0 };
                prop_assert_eq!(changed, (health.state() != before).then_some(health.state()));
                prop_assert_eq!(health.failures(), in_a_row);
                match health.state() {
                    State::Unhealthy => prop_assert!(in_a_row >= OPEN_AFTER),
                    State::Degraded => prop_assert!(well < WELL_AFTER),
                    State::Healthy => prop_assert!(in_a_row < DEGRADED_AFTER && outcome != Outcome::Limited),
                }
            }
        }
    }
}
