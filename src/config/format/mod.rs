//! One way to write the repository's YAML: two spaces for each level, lists indented below their key, the keys of a
//! document in one order, quotes only where they say something, one blank line at most, one line end at the end.
//!
//! It works on the lines of the text, guided by the tree, and not on a tree that is written anew: comments, blank lines,
//! flow style and the texts of block scalars stay as they are.
//!
//! Not here: files (`cli`) and what documents mean (`parse`, `check`).
//!
//! Invariants: the meaning of what is given back is the same, value by value, and so are the comments; both are checked
//! for every text, and a step that would change them is left out. Formatting twice is formatting once. A text that cannot
//! be read is not touched, and neither is one in which nothing stands. A text whose line ends are all CR LF keeps them.

mod envelope;
mod indent;
mod quotes;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub(super) use quotes::needs_none;

use super::spanned::{self, Entry, Node, NodeKind};
use crate::diagnostic::Findings;

/// A text in lines, with the tree that it was read into.
pub(super) struct Source<'a> {
    pub(super) text: &'a str,
    /// The first byte of each line.
    pub(super) starts: Vec<usize>,
    nodes: &'a [Node],
}

impl<'a> Source<'a> {
    pub(super) fn new(text: &'a str, nodes: &'a [Node]) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        let mut starts: Vec<usize> = std::iter::once(0).chain(ends).collect();
        if starts.last().is_some_and(|last| *last == text.len() && *last > 0) {
            starts.pop();
        }
        Self { text, starts, nodes }
    }

    pub(super) fn line_of(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at).saturating_sub(1)
    }

    /// A line without its end.
    pub(super) fn line(&self, number: usize) -> &'a str {
        let start = self.starts.get(number).copied().unwrap_or(self.text.len());
        let end = self.starts.get(number + 1).copied().unwrap_or(self.text.len());
        self.text.get(start..end).unwrap_or_default().trim_end_matches('\n')
    }

    /// What stands on the line before a byte.
    pub(super) fn before(&self, at: usize) -> &'a str {
        self.text.get(self.starts.get(self.line_of(at)).copied().unwrap_or(0)..at).unwrap_or_default()
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    /// Whether a value is an alias, whose content stands elsewhere.
    pub(super) fn is_alias(&self, node: &Node) -> bool {
        self.byte(node.range().start) == Some(b'*') && !begins_with_its_content(node)
    }

    /// Where the sign of a block scalar (`|` or `>`) stands: the range of one is its text.
    pub(super) fn block_sign(&self, node: &Node) -> Option<usize> {
        let NodeKind::String { plain: false, .. } = node.kind else { return None };
        let start = node.range().start;
        if !self.before(start).trim().is_empty() {
            return None;
        }
        let number = (0..self.line_of(start)).rev().find(|number| !self.line(*number).trim().is_empty())?;
        let line = self.line(number);
        let header = line.find(" #").map_or(line, |at| line.get(..at).unwrap_or(line)).trim_end();
        let sign = header.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-'));
        if !sign.ends_with(['|', '>']) {
            return None;
        }
        Some(self.starts.get(number)? + sign.len() - 1)
    }

    /// Where a value begins to be written.
    pub(super) fn begin_of(&self, node: &Node) -> usize {
        self.block_sign(node).unwrap_or(node.range().start)
    }

    /// Whether a list or mapping is written in brackets or braces.
    pub(super) fn is_flow(&self, node: &Node) -> bool {
        matches!(self.byte(node.range().start), Some(b'{' | b'[')) && !begins_with_its_content(node)
    }
}

/// Whether a list or mapping begins where the first thing in it does: what stands there is not its own then. So it is with
/// a mapping in a block, and with a list whose dashes stand right below its key.
fn begins_with_its_content(node: &Node) -> bool {
    let first = match &node.kind {
        NodeKind::Sequence(items) => items.first().map(|item| item.range().start),
        NodeKind::Mapping(entries) => entries.first().map(|entry| entry.key_range().start),
        _ => None,
    };
    first == Some(node.range().start)
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// How often the steps are tried again while something changes. One round is enough for what people write.
const ROUNDS: usize = 4;

/// The text in the one way to write it; equal to `text` when it is written so already.
///
/// # Errors
/// What is wrong with a text that cannot be read.
pub fn format(file: &Arc<str>, text: &str) -> Result<String, Findings> {
    if text.trim_start_matches('\u{feff}').trim().is_empty() {
        return Ok(text.to_owned());
    }
    let meaning = read(file, text)?;
    let comments = spanned::comments(text);
    let keeps = |next: &str| {
        read(file, next).is_ok_and(|after| same_all(&meaning, &after)) && spanned::comments(next) == comments
    };
    let mut best = text.to_owned();
    for _ in 0..ROUNDS {
        let before = best.clone();
        for step in [ends, envelope::ordered, quotes::fewer, indent::even, indent::tidy] {
            let Ok(nodes) = read(file, &best) else { break };
            // A step that would change the meaning is left out.
            let next = step(&Source::new(&best, &nodes));
            if next != best && keeps(&next) {
                best = next;
            }
        }
        if best == before {
            break;
        }
    }
    if is_crlf(text) && !best.contains('\r') {
        let with_their_ends = best.replace('\n', "\r\n");
        if keeps(&with_their_ends) {
            best = with_their_ends;
        }
    }
    Ok(best)
}

/// Whether all line ends of a text, of which there is one at least, are CR LF, as git writes them on Windows.
fn is_crlf(text: &str) -> bool {
    let ends = text.matches('\n').count();
    ends > 0 && text.matches("\r\n").count() == ends
}

/// Without a byte-order mark, and with line ends that are one character.
fn ends(source: &Source<'_>) -> String {
    source.text.strip_prefix('\u{feff}').unwrap_or(source.text).replace("\r\n", "\n")
}

fn read(file: &Arc<str>, text: &str) -> Result<Vec<Node>, Findings> {
    let (nodes, findings) = spanned::read(file, text);
    if findings.has_errors() { Err(findings) } else { Ok(nodes) }
}

fn same_all(a: &[Node], b: &[Node]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b, true))
}

/// Whether two values mean the same. The keys of a document and of its metadata have no order that means something.
fn same(a: &Node, b: &Node, any_order: bool) -> bool {
    match (&a.kind, &b.kind) {
        (NodeKind::String { text: a, .. }, NodeKind::String { text: b, .. }) => a == b,
        (NodeKind::Sequence(a), NodeKind::Sequence(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b, false))
        }
        (NodeKind::Mapping(a), NodeKind::Mapping(b)) if any_order => {
            let twin = |entry: &Entry| b.iter().find(|other| other.key == entry.key);
            a.len() == b.len()
                && a.iter().all(|entry| {
                    twin(entry)
                        .is_some_and(|other| same(&entry.value, &other.value, &*entry.key == "metadata"))
                })
        }
        (NodeKind::Mapping(a), NodeKind::Mapping(b)) => {
            a.len() == b.len()
                && a.iter().zip(b).all(|(a, b)| a.key == b.key && same(&a.value, &b.value, false))
        }
        (a, b) => a == b,
    }
}
