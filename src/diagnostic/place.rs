//! Places in source texts: a file and a range of bytes, from which line and column follow.
//!
//! Invariant: a [`Place`] made from a text lies within it and on character boundaries.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A range in one file, with the line and column of its start.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Path below the repository's root, with forward slashes.
    pub file: Arc<str>,
    /// Line of the start, from 1.
    pub line: u32,
    /// Column of the start in characters, from 1.
    pub column: u32,
    /// First byte.
    #[serde(skip)]
    pub start: usize,
    /// One past the last byte.
    #[serde(skip)]
    pub end: usize,
}

impl Place {
    /// The place of `start..end` in `text`; both are moved to the nearest character boundary inside `text`.
    #[must_use]
    pub fn in_text(file: &Arc<str>, text: &str, start: usize, end: usize) -> Self {
        let floor = |mut at: usize| {
            at = at.min(text.len());
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let (start, end) = (floor(start), floor(end.max(start)));
        let before = &text[..start];
        // A byte-order mark is no character of the first line.
        let mark = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8().min(start) } else { 0 };
        let line_start = before.rfind('\n').map_or(mark, |at| at + 1);
        let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
        let column = before[line_start..].chars().count() + 1;
        Self {
            file: Arc::clone(file),
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column).unwrap_or(u32::MAX),
            start,
            end,
        }
    }

    /// The beginning of a file, for findings about the file as a whole.
    #[must_use]
    pub fn file(file: &Arc<str>) -> Self {
        Self { file: Arc::clone(file), line: 1, column: 1, start: 0, end: 0 }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// The texts that places point into, by file. Needed to show the user's own lines.
#[derive(Debug, Clone, Default)]
pub struct Sources(BTreeMap<Arc<str>, Arc<str>>);

impl Sources {
    /// No texts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Remembers the text of `file`.
    pub fn insert(&mut self, file: Arc<str>, text: Arc<str>) {
        self.0.insert(file, text);
    }

    /// Adds the texts of others.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// The text of `file`, if it is known.
    #[must_use]
    pub fn get(&self, file: &str) -> Option<&Arc<str>> {
        self.0.get(file)
    }
}
