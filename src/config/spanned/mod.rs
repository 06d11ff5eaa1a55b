//! YAML as trees of values that know where they stand in the text.
//!
//! The only place that touches the YAML crate for reading. YAML 1.2 core schema and nothing else: `yes`, `0755`,
//! `12:30` and dates are text. Tags, merge keys and duplicate keys are findings. What values mean is decided by
//! [`super::de`] and [`super::parse`].
//!
//! Invariants: ranges are bytes of the original text, on character boundaries, byte-order mark included; a tree is at
//! most [`MAX_DEPTH`] deep and holds at most [`MAX_VALUES`] values; keys of a mapping are unique; no input panics.

mod inside;
mod read;
pub(crate) mod scalar;
mod source;

use std::ops::Range;

pub use inside::within;
pub use read::{comments, read};
pub use source::{LineIndex, text_of};

/// The largest file that is read, in bytes.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;
/// How deep a document may nest.
pub const MAX_DEPTH: usize = 64;
/// How many values a document may hold, each use of an alias counted as all it stands for.
pub const MAX_VALUES: usize = 200_000;
/// How many aliases a document may use.
pub const MAX_ALIASES: usize = 100;
/// How many findings are reported for one file; reading it stops there.
pub const MAX_FINDINGS: usize = 1_000;

/// One value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The value.
    pub kind: NodeKind,
    start: u32,
    end: u32,
}

/// A value of the YAML 1.2 core schema. Numbers keep the text they were written as.
#[derive(Debug, Clone, PartialEq)]
pub enum NodeKind {
    /// `null`, `~` or nothing at all.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number, as written: decimal, `0x` or `0o`.
    Integer(Box<str>),
    /// A number with a fraction or an exponent, or `.inf`, `.nan`; as written.
    Float(Box<str>),
    /// Text.
    String {
        /// The text, escapes resolved.
        text: Box<str>,
        /// Whether it was written without quotes.
        plain: bool,
    },
    /// A list.
    Sequence(Vec<Node>),
    /// A mapping, in the order of the text.
    Mapping(Vec<Entry>),
}

/// One key of a mapping and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key; numbers as written.
    pub key: Box<str>,
    /// The value.
    pub value: Node,
    start: u32,
    end: u32,
}

impl Node {
    fn new(kind: NodeKind, start: u32, end: u32) -> Self {
        Self { kind, start, end }
    }

    /// The bytes that the value covers. For an alias: the alias, while what is below it stands at the anchor.
    /// For a key without a value: the key.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// The value at a JSON pointer such as `/spec/targets/3`; the empty pointer is the value itself.
    #[must_use]
    pub fn at(&self, pointer: &str) -> Option<&Self> {
        let mut node = self;
        for step in steps(pointer) {
            node = node.child(&step)?.1;
        }
        Some(node)
    }

    /// The value at a JSON pointer, or its nearest ancestor that exists, with the entry that holds it, if one does.
    #[must_use]
    pub fn nearest(&self, pointer: &str) -> (Option<&Entry>, &Self) {
        let mut found = (None, self);
        for step in steps(pointer) {
            let Some(child) = found.1.child(&step) else { break };
            found = child;
        }
        found
    }

    /// The entry of a mapping under `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries()?.iter().find(|entry| &*entry.key == key)
    }

    /// The entries, if this is a mapping.
    #[must_use]
    pub fn entries(&self) -> Option<&[Entry]> {
        match &self.kind {
            NodeKind::Mapping(entries) => Some(entries),
            _ => None,
        }
    }

    /// The text, if this is text.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            NodeKind::String { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The text of a text or number as written; numbers keep their digits (`1.10`).
    #[must_use]
    pub fn source_text(&self) -> Option<&str> {
        match &self.kind {
            NodeKind::String { text, .. } | NodeKind::Integer(text) | NodeKind::Float(text) => Some(text),
            _ => None,
        }
    }

    fn child(&self, step: &str) -> Option<(Option<&Entry>, &Self)> {
        match &self.kind {
            NodeKind::Mapping(_) => self.get(step).map(|entry| (Some(entry), &entry.value)),
            NodeKind::Sequence(items) => {
                step.parse::<usize>().ok().and_then(|index| items.get(index)).map(|item| (None, item))
            }
            _ => None,
        }
    }
}

impl Entry {
    /// The bytes of the key.
    #[must_use]
    pub fn key_range(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// The steps of a JSON pointer (RFC 6901), escapes resolved.
pub(super) fn steps(pointer: &str) -> impl Iterator<Item = String> {
    pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~"))
}

#[cfg(test)]
mod tests;
