//! What an examination of a link says of errors and clocks: findings with what to do about them. Pure.
//!
//! Not here: what is looked at, which each type of link knows.
//!
//! Invariant: a finding that is not good has a remedy.

use crate::http::api::{ApiError, Fault};
use crate::provider::{Examination, Outcome};

/// So many seconds between two clocks are worth a notice.
const NOTICE: i64 = 30;
/// So many make codes and tokens invalid.
const BAD: i64 = 120;

/// All is as it should be.
#[must_use]
pub(in crate::provider) fn good(what: &str, found: impl Into<String>) -> Examination {
    Examination { what: what.to_owned(), outcome: Outcome::Good, found: found.into(), remedy: None }
}

/// Something to know or to mend.
#[must_use]
pub(in crate::provider) fn other(
    what: &str,
    outcome: Outcome,
    found: impl Into<String>,
    remedy: impl Into<String>,
) -> Examination {
    Examination { what: what.to_owned(), outcome, found: found.into(), remedy: Some(remedy.into()) }
}

/// What was looked at could not be seen; `denied` is what to do where the account is at fault.
#[must_use]
pub(in crate::provider) fn failed(what: &str, error: &ApiError, denied: &str) -> Examination {
    let outcome = match error.fault {
        Fault::Open { .. } | Fault::Limited { .. } => Outcome::Unknown,
        _ => Outcome::Bad,
    };
    other(what, outcome, error.to_string(), remedy(error, denied))
}

fn remedy<'a>(error: &ApiError, denied: &'a str) -> &'a str {
    match &error.fault {
        Fault::Unaskable(_) => "set what is missing where Muster runs",
        Fault::Unreachable(_) => "check the address, the proxy, and that this machine may reach the server",
        Fault::Tls(_) => {
            "check the name in the address; for an authority of your own give its certificate in `link.ca`"
        }
        Fault::TimedOut(_) => "try again; if the server is slow, raise `link.requestTimeout`",
        Fault::Unauthorized(_) | Fault::Forbidden(_) => denied,
        Fault::NotFound(_) => "check the address and the version of the server",
        Fault::Limited { .. } => "try again later; lower `link.requestsPerMinute`",
        Fault::Open { .. } => "try again in a while",
        Fault::Refused(_) | Fault::Unexpected { .. } | Fault::Pages(_) => {
            "the server answers otherwise than its documents say: tell those who make Muster"
        }
        Fault::Failing(_) | Fault::Broken(_) => "look at the server and at what stands between it and Muster",
        Fault::NotJson(_) | Fault::Redirected(_) => {
            "check the address; a sign-in page, a firewall or a proxy may answer in its place"
        }
        Fault::TooLarge(_) => "tell those who make Muster",
    }
}

/// How the server's clock stands to ours, in seconds that it is ahead.
#[must_use]
pub(in crate::provider) fn clock(ahead: Option<i64>) -> Examination {
    const WHAT: &str = "clock";
    let remedy = "set the clocks of this machine and of the server by a time server";
    let Some(ahead) = ahead else {
        return other(WHAT, Outcome::Unknown, "the server does not tell its time", remedy);
    };
    let found = match ahead {
        0 => return good(WHAT, "the clocks agree"),
        1.. => format!("the server's clock is {ahead} s ahead"),
        _ => format!("the server's clock is {} s behind", ahead.unsigned_abs()),
    };
    match ahead.abs() {
        BAD.. => other(WHAT, Outcome::Bad, found, remedy),
        NOTICE.. => other(WHAT, Outcome::Notice, found, remedy),
        _ => good(WHAT, found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_compared() {
        let outcomes: Vec<Outcome> = [None, Some(0), Some(-29), Some(30), Some(-119), Some(120)]
            .map(|ahead| clock(ahead).outcome)
            .into();
        let expected =
            [Outcome::Unknown, Outcome::Good, Outcome::Good, Outcome::Notice, Outcome::Notice, Outcome::Bad];
        assert_eq!(outcomes, expected);
        assert_eq!(clock(Some(-200)).found, "the server's clock is 200 s behind");
    }

    #[test]
    fn what_could_not_be_seen_is_not_called_bad() {
        let error = |fault| ApiError::unsent("x", fault);
        let open = failed("x", &error(Fault::Open { failures: 10, seconds: 1 }), "ask");
        assert_eq!(open.outcome, Outcome::Unknown);
        let bad = failed("x", &error(Fault::Unreachable("refused".to_owned())), "ask");
        assert_eq!((bad.outcome, bad.remedy.is_some()), (Outcome::Bad, true));
    }
}
