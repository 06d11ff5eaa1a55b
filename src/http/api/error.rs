//! Why a call has no answer: what happened, whether it may have been carried out all the same, and what can be done.
//!
//! Not here: what is tried again (`retry`), and what reads answers (`body`).
//!
//! Invariants: an error names the call and never holds a query, a header, a secret or a piece of a successful answer; what a
//! server says for itself is one line without control characters, at most 300 characters long.

use std::fmt;

/// The most characters of a server's own words that an error keeps.
pub(super) const SAID: usize = 300;

/// Whether a call that failed may have been carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sent {
    /// It is certain that the server has done nothing.
    Never,
    /// Nobody can tell.
    Maybe,
}

/// A call that has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{call}: {fault}")]
pub struct ApiError {
    /// What was asked, for people: `GetSessionsByFilter of control`.
    pub call: String,
    /// What happened, at the last attempt.
    pub fault: Fault,
    /// Whether it may have been carried out, at any attempt.
    pub sent: Sent,
    /// How often it was tried; 0 when it was not sent at all.
    pub attempts: u32,
}

/// What a server says for itself with a status that is no success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The status.
    pub status: u16,
    /// One line of what it says, where that is text and holds no secret.
    pub text: Option<String>,
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.text {
            Some(text) => write!(f, "status {}: {text}", self.status),
            None => write!(f, "status {}", self.status),
        }
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The call cannot be put into a request: a part of its path is empty, or it leads to another server.
    #[error("this cannot be asked: {0}")]
    Unaskable(String),
    /// There is no connection.
    #[error("the server cannot be reached: {0}")]
    Unreachable(String),
    /// There is a connection, but the server's certificate is not accepted, or there is no common protocol.
    #[error("no secure connection: {0}")]
    Tls(String),
    /// No whole answer in time.
    #[error("no answer within {0} s")]
    TimedOut(u64),
    /// The credentials are not accepted (401), also new ones.
    #[error("the credentials are not accepted ({0})")]
    Unauthorized(Said),
    /// The account may not do this (403).
    #[error("the account may not do this ({0})")]
    Forbidden(Said),
    /// There is no such thing, or no such call on this server (404).
    #[error("it is not there ({0})")]
    NotFound(Said),
    /// Too much is asked in too short a time (429), for longer than the call waits.
    #[error("the server wants fewer requests{}{}", .after.map(|s| format!("; it asks to come back in {s} s")).unwrap_or_default(), .said.as_ref().map(|said| format!(" ({said})")).unwrap_or_default())]
    Limited {
        /// How many seconds to wait.
        after: Option<u64>,
        /// What it says; nothing where the link's own limit was in the way.
        said: Option<Said>,
    },
    /// The server refuses the call as it stands (any other 4xx).
    #[error("the server refuses this ({0})")]
    Refused(Said),
    /// The server itself fails (5xx).
    #[error("the server fails ({0})")]
    Failing(Said),
    /// Something else came where JSON was expected.
    #[error("the answer is not JSON: {0}")]
    NotJson(String),
    /// The answer broke off, or ends in the middle of the document.
    #[error("the answer is not whole: {0}")]
    Broken(String),
    /// The answer is JSON, but not what is documented.
    #[error("the answer is not as documented at {path}: {why}")]
    Unexpected {
        /// The place in the document: `$.sessions[3].SessionID`.
        path: String,
        /// What is wrong there, without what stands there.
        why: String,
    },
    /// The answer is longer than is taken.
    #[error("the answer has more than {0} bytes")]
    TooLarge(u64),
    /// The answer leads elsewhere, which is not followed.
    #[error("redirected to {0}: check the address and the sign-in")]
    Redirected(String),
    /// Nothing was sent: the link failed too often and rests.
    #[error("not asked: the server failed {failures} times in a row and is left alone for {seconds} s more")]
    Open {
        /// How often it failed in a row.
        failures: u32,
        /// For how long nothing is asked.
        seconds: u64,
    },
    /// The pages of a list do not come to an end, or do not fit together.
    #[error("the pages of the list do not fit together: {0}")]
    Pages(String),
}

impl ApiError {
    /// An error about a call that was not sent.
    #[must_use]
    pub fn unsent(call: &str, fault: Fault) -> Self {
        Self { call: call.to_owned(), fault, sent: Sent::Never, attempts: 0 }
    }

    /// An error about a call's answer, which came.
    #[must_use]
    pub fn answered(call: &str, fault: Fault) -> Self {
        Self { call: call.to_owned(), fault, sent: Sent::Maybe, attempts: 1 }
    }

    /// The status of the answer, where there is one that tells of an error.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match &self.fault {
            Fault::Unauthorized(said)
            | Fault::Forbidden(said)
            | Fault::NotFound(said)
            | Fault::Refused(said)
            | Fault::Failing(said)
            | Fault::Limited { said: Some(said), .. } => Some(said.status),
            _ => None,
        }
    }

    /// Whether the account or its rights are at fault, so that asking again changes nothing.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        matches!(self.fault, Fault::Unauthorized(_) | Fault::Forbidden(_))
    }
}

impl Fault {
    /// What a status that is no success means.
    #[must_use]
    pub fn of_status(said: Said, after: Option<u64>) -> Self {
        match said.status {
            401 => Self::Unauthorized(said),
            403 => Self::Forbidden(said),
            404 => Self::NotFound(said),
            429 => Self::Limited { after, said: Some(said) },
            500..=599 => Self::Failing(said),
            _ => Self::Refused(said),
        }
    }
}

/// Text from outside for a message: one line, without control characters, bounded; `None` when nothing is left.
#[must_use]
pub fn plain(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split(|c: char| c.is_control() || c.is_whitespace()).collect();
    let line = words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    let cut: String = line.chars().take(SAID).collect();
    let cut = if cut.len() < line.len() { format!("{cut} …") } else { cut };
    (!cut.is_empty()).then_some(cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_has_one_meaning() {
        let meaning = |status| Fault::of_status(Said { status, text: None }, Some(3));
        assert!(matches!(meaning(401), Fault::Unauthorized(_)));
        assert!(matches!(meaning(403), Fault::Forbidden(_)));
        assert!(matches!(meaning(404), Fault::NotFound(_)));
        assert!(matches!(meaning(429), Fault::Limited { after: Some(3), .. }));
        assert!(matches!(meaning(418), Fault::Refused(_)));
        assert!(matches!(meaning(500), Fault::Failing(_)));
        assert!(matches!(meaning(599), Fault::Failing(_)));
        assert_eq!(ApiError::answered("x", meaning(503)).status(), Some(503));
    }

    #[test]
    fn words_from_outside_are_one_bounded_line() {
        assert_eq!(plain("a\u{1b}[31m\r\n\tb  c").as_deref(), Some("a [31m b c"));
        assert_eq!(plain(" \n "), None);
        assert_eq!(plain(&"x".repeat(1000)).unwrap().chars().count(), SAID + 2);
    }

    #[test]
    fn errors_are_sentences_that_name_the_call() {
        let said = Said { status: 429, text: Some("slow down".to_owned()) };
        let error = ApiError::answered("Computers of automate", Fault::of_status(said, Some(7)));
        insta::assert_snapshot!(error, @"Computers of automate: the server wants fewer requests; it asks to come back in 7 s (status 429: slow down)");
        let error = ApiError::unsent("x", Fault::Open { failures: 10, seconds: 4 });
        insta::assert_snapshot!(error, @"x: not asked: the server failed 10 times in a row and is left alone for 4 s more");
    }
}
