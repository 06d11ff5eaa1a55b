//! What happens after a failed attempt: another one, when, or none. Pure; the random number and the time left are arguments.
//!
//! Not here: waiting (`client`), and the new token after a 401 (`auth`).
//!
//! Invariants: what may have been carried out is sent again only where the call says that a repeat is harmless; a server's wish
//! to come back later is obeyed or the call ends; nothing waits longer than the call may take.

use std::time::Duration;

use super::error::{Fault, Sent};
use super::health::Outcome;

/// How patient to be.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// How often something is tried at most; 0 counts as 1.
    pub attempts: u32,
    /// The wait before the second attempt; each further one is twice as long, give or take a quarter.
    pub first_wait: Duration,
    /// The longest wait of our own choice.
    pub longest_wait: Duration,
}

/// A failed attempt.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) fault: Fault,
    /// How many seconds the server asks to wait.
    pub(super) after: Option<u64>,
}

impl Failed {
    pub(super) fn new(fault: Fault) -> Self {
        Self { fault, after: None }
    }

    /// Whether the call may have been carried out by this attempt.
    pub(super) fn sent(&self) -> Sent {
        match &self.fault {
            Fault::Unaskable(_)
            | Fault::Unreachable(_)
            | Fault::Tls(_)
            | Fault::Open { .. }
            | Fault::Unauthorized(_)
            | Fault::Forbidden(_)
            | Fault::NotFound(_)
            | Fault::Limited { .. } => Sent::Never,
            // 408: the request came in part, or it came and took too long.
            Fault::Refused(said) if said.status != 408 => Sent::Never,
            // A server that is closed and says until when has not begun.
            Fault::Failing(said) if said.status == 503 && self.after.is_some() => Sent::Never,
            _ => Sent::Maybe,
        }
    }

    /// What it says of the link.
    pub(super) fn outcome(&self) -> Outcome {
        match &self.fault {
            Fault::Limited { .. } => Outcome::Limited,
            Fault::Unreachable(_)
            | Fault::Tls(_)
            | Fault::TimedOut(_)
            | Fault::Failing(_)
            | Fault::NotJson(_)
            | Fault::Broken(_)
            | Fault::Redirected(_) => Outcome::Failed,
            _ => Outcome::Answered,
        }
    }

    /// Whether it may pass by itself.
    fn is_passing(&self) -> bool {
        match &self.fault {
            Fault::Unreachable(_) | Fault::TimedOut(_) | Fault::Broken(_) | Fault::Limited { .. } => true,
            Fault::Refused(said) => said.status == 408,
            Fault::Failing(said) => matches!(said.status, 500 | 502 | 503 | 504),
            _ => false,
        }
    }
}

/// How long to wait before the next attempt; `None` when there is none. `left` is what the call may still take, `random`
/// spreads those who wait.
pub(super) fn wait(
    patience: Patience,
    failed: &Failed,
    attempt: u32,
    is_idempotent: bool,
    left: Duration,
    random: u8,
) -> Option<Duration> {
    let may = is_idempotent || failed.sent() == Sent::Never;
    if !may || !failed.is_passing() || attempt >= patience.attempts.max(1) {
        return None;
    }
    let own =
        patience.first_wait.saturating_mul(1 << attempt.saturating_sub(1).min(16)).min(patience.longest_wait);
    let own = own.mul_f64(0.75 + f64::from(random) / 512.0);
    let wait = failed.after.map_or(own, Duration::from_secs);
    (wait < left).then_some(wait)
}

#[cfg(test)]
mod tests {
    use super::super::error::Said;
    use super::*;

    const PATIENCE: Patience =
        Patience { attempts: 4, first_wait: Duration::from_secs(1), longest_wait: Duration::from_secs(6) };
    const LONG: Duration = Duration::from_hours(1);

    fn status(status: u16, after: Option<u64>) -> Failed {
        Failed { fault: Fault::of_status(Said { status, text: None }, after), after }
    }

    fn again(failed: &Failed, is_idempotent: bool) -> bool {
        wait(PATIENCE, failed, 1, is_idempotent, LONG, 0).is_some()
    }

    #[test]
    fn what_may_be_tried_again() {
        let text = || "x".to_owned();
        for (failed, looking, doing) in [
            (status(400, None), false, false),
            (status(401, None), false, false),
            (status(403, None), false, false),
            (status(404, None), false, false),
            (status(408, None), true, false),
            (status(409, None), false, false),
            (status(423, Some(5)), false, false),
            (status(429, None), true, true),
            (status(429, Some(5)), true, true),
            (status(500, None), true, false),
            (status(501, None), false, false),
            (status(502, None), true, false),
            (status(503, None), true, false),
            (status(503, Some(5)), true, true),
            (status(504, None), true, false),
            (Failed::new(Fault::Unreachable(text())), true, true),
            (Failed::new(Fault::Tls(text())), false, false),
            (Failed::new(Fault::TimedOut(1)), true, false),
            (Failed::new(Fault::Broken(text())), true, false),
            (Failed::new(Fault::NotJson(text())), false, false),
            (Failed::new(Fault::Redirected(text())), false, false),
            (Failed::new(Fault::TooLarge(1)), false, false),
            (Failed::new(Fault::Open { failures: 1, seconds: 1 }), false, false),
        ] {
            assert_eq!((again(&failed, true), again(&failed, false)), (looking, doing), "{failed:?}");
        }
    }

    #[test]
    fn waits_grow_are_spread_and_end() {
        let failed = Failed::new(Fault::TimedOut(1));
        let waits = |random| -> Vec<u64> {
            (1..=9)
                .map_while(|attempt| wait(PATIENCE, &failed, attempt, true, LONG, random))
                .map(|wait| wait.as_millis().try_into().unwrap())
                .collect()
        };
        assert_eq!(waits(0), [750, 1500, 3000]);
        assert_eq!(waits(255), [1248, 2496, 4992]);
        let patience = Patience { attempts: 9, ..PATIENCE };
        assert_eq!(wait(patience, &failed, 8, true, LONG, 128), Some(Duration::from_secs(6)));
    }

    #[test]
    fn a_server_is_obeyed_or_the_call_ends() {
        let failed = status(429, Some(30));
        assert_eq!(wait(PATIENCE, &failed, 1, true, LONG, 9), Some(Duration::from_secs(30)));
        assert_eq!(wait(PATIENCE, &failed, 1, true, Duration::from_secs(30), 9), None);
        assert_eq!(wait(PATIENCE, &status(503, Some(u64::MAX)), 1, true, LONG, 9), None);
    }
}
