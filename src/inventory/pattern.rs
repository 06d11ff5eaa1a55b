//! Text matching over inventory names and facts: a [`TextMatch`] made ready to use.
//!
//! Invariant: all ways ignore case, and no pattern takes more than linear time in the length of the text.

use std::fmt;

use regex::{Regex, RegexBuilder};

use crate::config::kind::TextMatch;

/// The most that one compiled pattern may take, in bytes.
const SIZE_LIMIT: usize = 1 << 20;

/// Why a pattern cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPattern {
    /// An empty text would match nothing, or all.
    #[error("the pattern is empty")]
    Empty,
    /// The regular expression is not valid.
    #[error("{0}")]
    Regex(String),
    /// It is valid and too large.
    #[error("the pattern is too large")]
    TooLarge,
}

/// A [`TextMatch`] made ready. Equal when what it was made from is equal.
#[derive(Debug, Clone)]
pub struct Pattern {
    source: TextMatch,
    regex: Regex,
}

impl Pattern {
    /// Makes a match ready.
    ///
    /// # Errors
    /// [`InvalidPattern`] when it is empty, not a regular expression or too large.
    pub fn new(source: &TextMatch) -> Result<Self, InvalidPattern> {
        let (TextMatch::Equals(text)
        | TextMatch::Contains(text)
        | TextMatch::Wildcard(text)
        | TextMatch::Regex(text)) = source;
        if text.is_empty() {
            return Err(InvalidPattern::Empty);
        }
        let expression = match source {
            TextMatch::Equals(text) => format!(r"\A{}\z", regex::escape(text)),
            TextMatch::Contains(text) => regex::escape(text),
            TextMatch::Wildcard(text) => {
                let mut expression = String::from(r"\A");
                for character in text.chars() {
                    match character {
                        '*' => expression.push_str(r"(?s:.*)"),
                        '?' => expression.push_str(r"(?s:.)"),
                        other => expression.push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
                    }
                }
                expression.push_str(r"\z");
                expression
            }
            TextMatch::Regex(text) => text.clone(),
        };
        let regex =
            RegexBuilder::new(&expression).case_insensitive(true).size_limit(SIZE_LIMIT).build().map_err(
                |error| match error {
                    regex::Error::CompiledTooBig(_) => InvalidPattern::TooLarge,
                    // The last line says what is wrong; those before it draw the place in a text of ours.
                    other => {
                        let text = other.to_string();
                        let line = text.lines().last().unwrap_or_default();
                        InvalidPattern::Regex(line.trim_start_matches("error: ").to_owned())
                    }
                },
            )?;
        Ok(Self { source: source.clone(), regex })
    }

    /// What it was made from.
    #[must_use]
    pub const fn source(&self) -> &TextMatch {
        &self.source
    }

    /// Whether `text` fits.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// What the group called `version` found in `text`, if the pattern has such a group and it took part.
    #[must_use]
    pub fn version<'a>(&self, text: &'a str) -> Option<&'a str> {
        self.regex.captures(text)?.name("version").map(|found| found.as_str())
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Pattern {}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            TextMatch::Equals(text) => write!(f, "{text:?}"),
            TextMatch::Contains(text) => write!(f, "containing {text:?}"),
            TextMatch::Wildcard(text) => write!(f, "like {text:?}"),
            TextMatch::Regex(text) => write!(f, "matching /{text}/"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(source: &TextMatch, text: &str) -> bool {
        Pattern::new(source).expect("valid").matches(text)
    }

    #[test]
    fn every_way_of_matching_ignores_case_and_takes_other_characters_literally() {
        assert!(matches(&TextMatch::Equals("7-Zip (x64)".into()), "7-ZIP (X64)"));
        assert!(!matches(&TextMatch::Equals("7-Zip".into()), "7-Zip 24"));
        assert!(matches(&TextMatch::Contains("ZIP (".into()), "7-Zip (x64)"));
        assert!(!matches(&TextMatch::Contains("z.p".into()), "7-Zip"));
        assert!(matches(&TextMatch::Wildcard("7-?ip*".into()), "7-zip 24.09\nx"));
        assert!(!matches(&TextMatch::Wildcard("zip".into()), "7-Zip"));
        assert!(matches(&TextMatch::Equals("Größe".into()), "GRÖßE"));
    }

    #[test]
    fn a_regular_expression_names_the_version() {
        let pattern = Pattern::new(&TextMatch::Regex(r"^7-Zip (?<version>[0-9.]+)".into())).expect("valid");
        assert_eq!(pattern.version("7-zip 24.09 (x64)"), Some("24.09"));
        assert_eq!(pattern.version("WinRAR 7"), None);
    }

    #[test]
    fn what_cannot_be_used_is_refused() {
        assert_eq!(Pattern::new(&TextMatch::Contains(String::new())).err(), Some(InvalidPattern::Empty));
        assert!(matches!(Pattern::new(&TextMatch::Regex("(".into())), Err(InvalidPattern::Regex(_))));
        assert_eq!(
            Pattern::new(&TextMatch::Regex(r"\w{1000}{1000}".into())).err(),
            Some(InvalidPattern::TooLarge)
        );
    }
}
