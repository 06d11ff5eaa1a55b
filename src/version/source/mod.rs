//! What version sources answer, as offers: pure readers of texts, one module for each kind of source.
//!
//! Not here: fetching those texts (the seam is `fetch`, the driver `version::update`).
//!
//! Invariants: an answer is read completely or refused, never in part (L3); a web page where data was expected is told by its
//! content, whatever its status said; what one reader keeps is bounded.

pub mod apt;
pub mod choose;
pub mod github;
pub mod lines;
pub mod moves;
pub mod page;
pub mod winget;

use crate::config::kind::{Architecture, Sha256};
use crate::session::script::Platform;

/// The most versions that one source may offer.
pub const MAX_OFFERS: usize = 10_000;

/// A version that a source offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The version, as the source writes it.
    pub version: String,
    /// Whether the source itself calls it a pre-release.
    pub prerelease: bool,
    /// Where it was found, for the lock file.
    pub found: String,
    /// Whether a signature vouches for it, where the kind of source has one.
    pub signed: Option<bool>,
    /// Its files, the preferred ones first. Empty where the source tells them only when it is asked for this version.
    pub files: Vec<OfferedFile>,
}

/// A file of an offer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OfferedFile {
    /// Where it is fetched from.
    pub url: String,
    /// Its SHA-256, if the source says so.
    pub sha256: Option<Sha256>,
    /// Its size in bytes, if the source says so.
    pub size: Option<u64>,
    /// The processors that it is for; `None` for all.
    pub architecture: Option<Architecture>,
    /// The platform that it is for; `None` for both.
    pub platform: Option<Platform>,
    /// Its name, where the address is not to decide.
    pub file_name: Option<String>,
    /// What kind of installer it is.
    pub installer: Option<String>,
    /// The arguments for a silent installation.
    pub arguments: Option<String>,
}

/// Why an answer of a source is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// A page for people, such as an error or sign-in page.
    #[error("{what} is a web page, and {wanted} was expected")]
    WebPage {
        /// What was read.
        what: String,
        /// What should have come.
        wanted: &'static str,
    },
    /// It is not what it should be.
    #[error("{what} cannot be read: {why}")]
    Unreadable {
        /// What was read.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// It does not have the hash that its index says.
    #[error("{what} does not have the hash that {by} says")]
    WrongHash {
        /// What was read.
        what: String,
        /// What says so.
        by: String,
    },
    /// It is not valid any more.
    #[error("{what} was valid until {until}; an old copy may have been served")]
    Expired {
        /// What was read.
        what: String,
        /// Its last instant.
        until: String,
    },
    /// It describes another suite of the repository.
    #[error("{what} is that of another suite: the suite {suite:?} is wanted, and it is {found}")]
    OtherSuite {
        /// What was read.
        what: String,
        /// The suite that was asked for.
        suite: String,
        /// How it calls itself.
        found: String,
    },
    /// It was read, and holds nothing that is looked for.
    #[error("{0}")]
    Nothing(String),
}

impl SourceError {
    fn unreadable(what: &str, why: impl Into<String>) -> Self {
        Self::Unreadable { what: what.to_owned(), why: why.into() }
    }
}

/// Whether bytes begin as a page for people does. Enough of the beginning is 512 bytes.
#[must_use]
pub fn is_web_page(beginning: &[u8]) -> bool {
    let text = String::from_utf8_lossy(beginning.get(..beginning.len().min(512)).unwrap_or_default());
    let text = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']).to_ascii_lowercase();
    let mut text = text.as_str();
    // Comments and an XML head may stand before it.
    while text.starts_with("<!--") || text.starts_with("<?xml") {
        let end = if text.starts_with("<!--") { "-->" } else { "?>" };
        let Some((_, rest)) = text.split_once(end) else { return false };
        text = rest.trim_start();
    }
    text.starts_with("<!doctype html") || text.starts_with("<html") || text.starts_with("<head")
}

/// The text of an answer in which data is expected.
fn data<'a>(what: &str, bytes: &'a [u8], wanted: &'static str) -> Result<&'a str, SourceError> {
    if is_web_page(bytes) {
        return Err(SourceError::WebPage { what: what.to_owned(), wanted });
    }
    str::from_utf8(bytes)
        .map(|text| text.strip_prefix('\u{feff}').unwrap_or(text))
        .map_err(|_| SourceError::unreadable(what, "it is not UTF-8 text"))
}

/// Text from outside for a message or the lock file: one line without control characters, not longer than a few lines.
#[must_use]
pub fn plain(text: &str) -> String {
    let shown = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    text.trim().lines().next().unwrap_or_default().chars().take(300).map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_told_by_their_beginning() {
        for page in [
            "<!DOCTYPE html><html>",
            "\u{feff}\n <html lang=en>",
            "<?xml version='1.0'?><!DOCTYPE html PUBLIC>",
            "<!-- x --><HTML>",
        ] {
            assert!(is_web_page(page.as_bytes()), "{page:?}");
        }
        for data in [
            "",
            "[]",
            "{\"a\": \"<html>\"}",
            "Package: x",
            "MZ\u{0}<html>",
            "<?xml version='1.0'?><feed>",
            "<!-- ",
        ] {
            assert!(!is_web_page(data.as_bytes()), "{data:?}");
        }
    }
}
