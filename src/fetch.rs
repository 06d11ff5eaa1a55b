//! The seams to where versions and files come from: the web, and folders and signatures on the machine that runs Muster.
//!
//! Not here: what is asked for (`version::update`), what answers mean (`version::source`), and how it is fetched (`http`, `host`).
//!
//! Invariants: an answer is whole or an error; nothing is larger than what was asked for; a token is sent to the server that it
//! was given for and stands in no error.

use std::collections::BTreeMap;
use std::fmt;

use futures_util::future::BoxFuture;
use url::Url;

use crate::config::kind::Sha256;
use crate::secret::Secret;

/// What is asked of the web.
#[derive(Debug, Clone)]
pub struct Request {
    /// The address.
    pub url: Url,
    /// The kind of content that is wanted, for servers that have several.
    pub accept: Option<&'static str>,
    /// A token for the server.
    pub token: Option<Secret>,
    /// The most bytes that are taken.
    pub most: u64,
}

/// A whole answer, whatever its status.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Where it came from, after redirects.
    pub url: Url,
    /// The status.
    pub status: u16,
    /// The headers, by their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The content.
    pub body: Vec<u8>,
}

/// What is known of a file that was fetched once.
#[derive(Debug, Clone)]
pub struct Hashed {
    /// Its SHA-256.
    pub sha256: Sha256,
    /// Its size in bytes.
    pub size: u64,
    /// Its first bytes, up to 512.
    pub beginning: Vec<u8>,
}

/// Why nothing was fetched. Addresses are shown without what follows a `?`, which may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The server could not be reached.
    #[error("{at} cannot be reached: {why}")]
    Unreachable {
        /// The address.
        at: String,
        /// What happened.
        why: String,
    },
    /// The server was silent for too long.
    #[error("{at} did not answer within {seconds} s")]
    TimedOut {
        /// The address.
        at: String,
        /// How long was waited.
        seconds: u64,
    },
    /// The answer broke off, at every attempt.
    #[error("the answer of {at} broke off: {why}")]
    Broken {
        /// The address.
        at: String,
        /// What happened.
        why: String,
    },
    /// It is larger than what is taken.
    #[error("{at} has more than {most} bytes")]
    TooLarge {
        /// The address.
        at: String,
        /// The bound.
        most: u64,
    },
    /// The server says that it cannot or will not.
    #[error("{at} answered with status {status}")]
    Status {
        /// The address.
        at: String,
        /// The status.
        status: u16,
    },
    /// The server wants us to come back later than we wait.
    #[error("{at} asks to come back in {seconds} s")]
    Later {
        /// The address.
        at: String,
        /// How much later.
        seconds: u64,
    },
    /// What came could not be kept.
    #[error("what {at} sends cannot be kept: {why}")]
    NotKept {
        /// The address.
        at: String,
        /// What happened.
        why: String,
    },
    /// A redirect leads nowhere, in a circle, or from https to http.
    #[error("{at} leads elsewhere: {why}")]
    Redirect {
        /// The address.
        at: String,
        /// What is wrong with it.
        why: String,
    },
}

/// Is told how far a file is: bytes so far, and all of them where that is known.
pub type Progress<'a> = &'a (dyn Fn(u64, Option<u64>) + Send + Sync);

/// Takes a file's bytes as they come.
pub trait Sink: Send {
    /// How many it has.
    fn got(&self) -> u64;

    /// What the server called the state of the file that they are of.
    fn state(&self) -> Option<&str>;

    /// Whether the whole is compared with what it has to be, so that the rest may be asked for also where the server does not
    /// say what state the file is in.
    fn is_verified(&self) -> bool;

    /// What comes next goes on from what it has, and not from the beginning.
    fn goes_on(&mut self) {}

    /// Forgets what it has; what comes next is the beginning of a file in this state.
    ///
    /// # Errors
    /// Why it cannot.
    fn begin(&mut self, state: Option<&str>) -> Result<(), String>;

    /// Takes more.
    ///
    /// # Errors
    /// Why it cannot.
    fn take(&mut self, bytes: &[u8]) -> Result<(), String>;
}

/// Fetches from the web.
pub trait Web: Send + Sync + fmt::Debug {
    /// A whole page, whatever its status. What may pass by itself (no connection, silence, a server's own fault) is tried again
    /// first, and a server that says when to come back is obeyed.
    ///
    /// # Errors
    /// [`FetchError`].
    fn get<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Answer, FetchError>>;

    /// The hash of a file, which is not kept. A transfer that breaks off goes on where it stopped if the server can do that
    /// and the file is still the same, else from its beginning.
    ///
    /// # Errors
    /// [`FetchError`], also for every status that is not a success.
    fn hash<'a>(
        &'a self,
        request: &'a Request,
        progress: Progress<'a>,
    ) -> BoxFuture<'a, Result<Hashed, FetchError>>;

    /// A file, into a sink that may have the beginning of it. A transfer that breaks off goes on where it stopped if the
    /// server can do that, else from its beginning. What the sink has when this fails is worth keeping.
    ///
    /// # Errors
    /// [`FetchError`], also for every status that is not a success.
    fn file<'a>(
        &'a self,
        request: &'a Request,
        sink: &'a mut dyn Sink,
        progress: Progress<'a>,
    ) -> BoxFuture<'a, Result<(), FetchError>>;
}

/// What the machine that runs Muster has.
pub trait Host: Send + Sync + fmt::Debug {
    /// The names of the folders in a folder; relative paths are below the repository.
    ///
    /// # Errors
    /// What happened.
    fn folders(&self, path: &str) -> Result<Vec<String>, String>;

    /// A file's content; `None` when there is no such file.
    ///
    /// # Errors
    /// What happened, or that it has more than `most` bytes.
    fn read(&self, path: &str, most: u64) -> Result<Option<Vec<u8>>, String>;

    /// The text that a signature vouches for, made by one of the keys: that inside a clear-text signature, or `signed` itself
    /// where `signature` is given.
    ///
    /// # Errors
    /// Why it does not.
    fn verify<'a>(
        &'a self,
        signed: &'a [u8],
        signature: Option<&'a [u8]>,
        keyring: &'a [u8],
    ) -> BoxFuture<'a, Result<Vec<u8>, String>>;
}

/// An address for people: without what follows a `?` or `#`, which may be a secret.
#[must_use]
pub fn shown(url: &Url) -> String {
    let mut shown = url.clone();
    shown.set_query(None);
    shown.set_fragment(None);
    shown.to_string()
}

/// How long a server asks to wait, in seconds. An instant is compared with the server's own clock, where it tells it.
#[must_use]
pub fn retry_after(headers: &BTreeMap<String, String>) -> Option<u64> {
    let text = headers.get("retry-after")?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let instant = |text: &str| {
        jiff::fmt::rfc2822::parse(&text.replace("GMT", "+0000"))
            .ok()
            .map(|zoned| zoned.timestamp().as_second())
    };
    let (then, now) = (instant(text)?, instant(headers.get("date")?)?);
    Some(u64::try_from(then.saturating_sub(now)).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_says_how_long_to_wait_in_seconds_or_by_its_own_clock() {
        let headers = |after: &str, date: Option<&str>| {
            let mut headers = BTreeMap::from([("retry-after".to_owned(), after.to_owned())]);
            headers.extend(date.map(|date| ("date".to_owned(), date.to_owned())));
            headers
        };
        let now = Some("Sun, 22 Nov 2026 10:00:00 GMT");
        assert_eq!(retry_after(&headers("7", None)), Some(7));
        assert_eq!(retry_after(&headers("Sun, 22 Nov 2026 10:01:30 GMT", now)), Some(90));
        assert_eq!(retry_after(&headers("Sun, 22 Nov 2026 09:00:00 GMT", now)), Some(0));
        assert_eq!(retry_after(&headers("Sun, 22 Nov 2026 10:01:30 GMT", None)), None);
        assert_eq!(retry_after(&headers("soon", now)), None);
        assert_eq!(retry_after(&BTreeMap::new()), None);
    }

    #[test]
    fn addresses_are_shown_without_what_may_be_secret() {
        let url = Url::parse("https://x.test/a?token=canary#canary").unwrap();
        assert_eq!(shown(&url), "https://x.test/a");
    }
}
