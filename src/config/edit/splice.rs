//! Pieces of a text that become others.

use std::ops::Range;

/// A piece of the text, by its bytes, and what stands there afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Splice {
    pub(super) range: Range<usize>,
    pub(super) new: String,
}

impl Splice {
    pub(super) fn new(range: Range<usize>, new: impl Into<String>) -> Self {
        Self { range, new: new.into() }
    }

    pub(super) fn insert(at: usize, new: impl Into<String>) -> Self {
        Self::new(at..at, new)
    }
}

/// The text with all pieces in place; `None` when two of them overlap or one lies outside.
pub(super) fn apply(text: &str, mut splices: Vec<Splice>) -> Option<String> {
    // A stable order: what is put at the end of the file by several documents stays in theirs.
    splices.sort_by_key(|splice| (splice.range.start, splice.range.end));
    let mut new = String::with_capacity(text.len() + 64);
    let mut at = 0;
    for splice in splices {
        new.push_str(text.get(at..splice.range.start)?);
        new.push_str(&splice.new);
        at = splice.range.end;
    }
    new.push_str(text.get(at..)?);
    Some(new)
}
