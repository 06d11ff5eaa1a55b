//! What a link to a vendor's API is built from.
//!
//! Not here: the configuration that it comes from (`config::kind`), and credentials (`auth`).
//!
//! Invariants: an address that names no scheme is one of https; http only where it is written; a path is kept; an address holds
//! no credentials, no query and no fragment.

use std::time::Duration;

use url::Url;

use super::bucket::Rate;
use super::retry::Patience;
use crate::secret::Secret;

/// How requests leave.
#[derive(Debug, Clone)]
pub enum Proxy {
    /// As the usual environment variables and the system say.
    System,
    /// Directly.
    None,
    /// Through this one; the address may hold a user and a password.
    At(Secret),
}

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// Until there is a connection.
    pub connect: Duration,
    /// One attempt, from the first byte sent to the last one received.
    pub attempt: Duration,
    /// One call with all its attempts and waits.
    pub call: Duration,
}

/// A link.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its name in messages: that of the provider.
    pub name: String,
    /// Where the API is; see [`base`].
    pub base: Url,
    /// How long things may take.
    pub times: Times,
    /// How often and how fast something is tried again.
    pub patience: Patience,
    /// How requests leave.
    pub proxy: Proxy,
    /// Certificates of authorities that are trusted besides the system's, as PEM.
    pub authorities: Option<Vec<u8>>,
    /// The longest content that is taken, in bytes.
    pub longest: u64,
    /// How fast it is asked.
    pub rate: Rate,
    /// How many requests are under way at once; 0 counts as 1.
    pub concurrency: u32,
}

impl Settings {
    /// A link with the usual patience: 30 s for a connection, 2 min for an attempt, 5 min for a call, 4 attempts, 64 MiB, 10
    /// requests a second, 8 at once.
    #[must_use]
    pub fn new(name: impl Into<String>, base: Url) -> Self {
        Self {
            name: name.into(),
            base,
            times: Times {
                connect: Duration::from_secs(30),
                attempt: Duration::from_mins(2),
                call: Duration::from_mins(5),
            },
            patience: Patience {
                attempts: 4,
                first_wait: Duration::from_millis(500),
                longest_wait: Duration::from_secs(30),
            },
            proxy: Proxy::System,
            authorities: None,
            longest: 64 * 1024 * 1024,
            rate: Rate::per_second(10),
            concurrency: 8,
        }
    }
}

/// Why a link cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// The address is none, or holds what it may not.
    #[error("{0:?} is not an address of a server: write https://name, with a path if the server has one")]
    Address(String),
    /// The certificates cannot be read.
    #[error("the certificates of authorities cannot be read: {0}")]
    Authorities(String),
    /// The proxy's address is none.
    #[error("the address of the proxy is not one")]
    Proxy,
    /// The system's certificates cannot be used.
    #[error("no HTTP client: {0}")]
    Client(String),
}

/// The address of a server as people write it, with a path: `control.example.com`, `https://example.com/specificroute/`.
///
/// # Errors
/// [`SetupError::Address`]; the text is not repeated where it may hold a password.
pub fn base(text: &str) -> Result<Url, SetupError> {
    let text = text.trim();
    let wrong =
        || SetupError::Address(if text.contains('@') { "…@…".to_owned() } else { text.to_owned() });
    let whole = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let url = Url::parse(&whole).map_err(|_| wrong())?;
    let is_plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
        && url.host_str().is_some_and(|host| !host.is_empty());
    if is_plain && matches!(url.scheme(), "http" | "https") { Ok(url) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_people_write_it() {
        let read = |text| base(text).map(|url| url.to_string());
        assert_eq!(read(" control.example.com ").unwrap(), "https://control.example.com/");
        assert_eq!(read("control.example.com:8040/x").unwrap(), "https://control.example.com:8040/x");
        assert_eq!(read("http://127.0.0.1:80/specific/").unwrap(), "http://127.0.0.1/specific/");
        for bad in
            ["", "https://", "ftp://x", "https://x?y=1", "https://x#y", "a b", "file:///x", "https:// x"]
        {
            assert!(read(bad).is_err(), "{bad}");
        }
        let error = base("https://me:canary@x.test").unwrap_err().to_string();
        assert!(!error.contains("canary"), "{error}");
    }
}
