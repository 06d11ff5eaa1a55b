//! What can go wrong while a value is read, and how it is said.

use std::fmt;
use std::ops::Range;

use super::words;
use crate::config::spanned::Node;
use crate::diagnostic::code::{self, Code};
use crate::diagnostic::{Finding, Place, nearest};

/// An error on its way up through serde; it learns its place from the innermost node that it passes.
#[derive(Debug)]
pub(super) struct Error(pub(super) Box<Problem>);

#[derive(Debug)]
pub(super) struct Problem {
    pub(super) what: What,
    /// The node to pass over (an entry's value or a list's item), and the range to show.
    pub(super) at: Option<(usize, Range<usize>)>,
    /// The mapping that was read into a struct, for missing keys.
    pub(super) mapping: Option<usize>,
    /// The made-up value (its mapping and key) that caused it.
    pub(super) invented: Option<(usize, &'static str)>,
}

#[derive(Debug)]
pub(super) enum What {
    /// Found by the reader itself.
    Plain { code: Code, message: String, help: Option<String>, related: Option<(Place, String)> },
    /// A struct lacks a key.
    Missing(&'static str),
    /// An enum does not have this variant.
    Variant { found: String, known: &'static [&'static str] },
    /// Said by a type about a value that it was given.
    Said { code: Code, message: String },
    /// Follows from an error that was reported.
    Silent,
}

impl Error {
    pub(super) fn new(what: What) -> Self {
        Self(Box::new(Problem { what, at: None, mapping: None, invented: None }))
    }

    pub(super) fn plain(code: Code, message: impl Into<String>, help: Option<String>) -> Self {
        Self::new(What::Plain { code, message: message.into(), help, related: None })
    }

    /// Gives the error its place, unless it has one.
    pub(super) fn at(mut self, node: &Node) -> Self {
        if self.0.at.is_none() {
            self.0.at = Some((super::id(node), node.range()));
        }
        self
    }

    /// Gives the error a place that is shown, and the node to pass over, unless it has one.
    pub(super) fn at_range(mut self, node: &Node, range: Range<usize>) -> Self {
        if self.0.at.is_none() {
            self.0.at = Some((super::id(node), range));
        }
        self
    }

    /// Says which mapping was read, unless it is known.
    pub(super) fn in_mapping(mut self, mapping: &Node) -> Self {
        if self.0.mapping.is_none() && self.0.at.is_none() {
            self.0.mapping = Some(super::id(mapping));
        }
        self
    }

    pub(super) fn with_invention(mut self, mapping: &Node, key: &'static str) -> Self {
        self.0.invented.get_or_insert((super::id(mapping), key));
        self
    }
}

impl What {
    /// Whether it is the judgement of a type over a whole value, which may follow from something wrong in a part.
    pub(super) fn is_said_by_a_type(&self) -> bool {
        matches!(self, Self::Said { .. } | Self::Missing(_))
    }

    /// The finding, unless the error is silent.
    pub(super) fn finding(self, place: Place) -> Option<Finding> {
        Some(match self {
            Self::Silent => return None,
            Self::Plain { code, message, help, related } => {
                let mut finding = Finding::new(code, message, place);
                finding.help = help;
                finding.related.extend(related);
                finding
            }
            Self::Missing(key) => {
                let finding = Finding::new(code::MISSING_KEY, format!("the key `{key}` is missing"), place);
                finding.help(format!("add `{key}: …`"))
            }
            Self::Variant { found, known } => {
                let message = format!("{} is not one of the allowed values", words::quoted(&found));
                let finding = Finding::new(code::INVALID_VALUE, message, place);
                finding.help(match nearest(&found, known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("use {}", words::list(known, "or")),
                })
            }
            Self::Said { code, message } => match message.split_once('\n') {
                Some((message, help)) => Finding::new(code, message, place).help(help.trim()),
                None => Finding::new(code, message, place),
            },
        })
    }
}

impl serde::de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(What::Said { code: code::INVALID_VALUE, message: message.to_string() })
    }

    fn invalid_type(found: serde::de::Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        let expected = expected.to_string();
        let message =
            format!("expected {}, found {}", words::expectation(&expected), words::unexpected(found));
        Self::new(What::Said { code: code::WRONG_TYPE, message })
    }

    fn invalid_value(found: serde::de::Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        let expected = expected.to_string();
        let message =
            format!("expected {}, found {}", words::expectation(&expected), words::unexpected(found));
        Self::new(What::Said { code: code::INVALID_VALUE, message })
    }

    fn invalid_length(length: usize, expected: &dyn serde::de::Expected) -> Self {
        let expected = expected.to_string();
        let message = format!("expected {}, found {length} values", words::expectation(&expected));
        Self::new(What::Said { code: code::INVALID_VALUE, message })
    }

    fn unknown_variant(found: &str, known: &'static [&'static str]) -> Self {
        Self::new(What::Variant { found: found.to_owned(), known })
    }

    fn unknown_field(field: &str, known: &'static [&'static str]) -> Self {
        let help = match nearest(field, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known keys are {}", words::list(known, "and")),
        };
        Self::plain(code::UNKNOWN_KEY, format!("unknown key `{field}`"), Some(help))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(What::Missing(field))
    }

    fn duplicate_field(field: &'static str) -> Self {
        let message = format!("the key `{field}` is given twice, under two of its names");
        Self::new(What::Said { code: code::EXACTLY_ONE, message })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.what {
            What::Plain { message, .. } | What::Said { message, .. } => f.write_str(message),
            What::Missing(key) => write!(f, "the key `{key}` is missing"),
            What::Variant { found, .. } => write!(f, "{found:?} is not one of the allowed values"),
            What::Silent => f.write_str("follows from another error"),
        }
    }
}

impl std::error::Error for Error {}
