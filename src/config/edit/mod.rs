//! Changes in a text of YAML documents that leave everything else as somebody wrote it.
//!
//! Not here: what to change (`import`), and files (`cli`).
//!
//! Invariants: the new text was read again, and means what was meant and nothing else, value by value; every line that is a
//! comment is still there; what lies outside of the changed values has the same bytes, the byte-order mark and the line
//! ends included. A change that cannot be made so is an error, never a guess.

mod place;
mod splice;
#[cfg(test)]
mod tests;
mod tree;
mod write;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use write::{Value, document};

use self::splice::Splice;
use self::tree::Tree;
use super::format::Source;
use super::kind::Kind;
use super::spanned::{self, Node};
use crate::id::Name;

/// What happens to one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// This is put at the end of the list at the path; the list, and the mappings above it, are made where there are none.
    Append(Value),
    /// The text at the path becomes this one; its key is made where there is none.
    Set(String),
    /// The value at the path goes, and with it lists and mappings that become empty by that; what a document says as a
    /// whole (`spec`) stays, empty.
    Remove,
}

/// One change in one document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The document's kind.
    pub kind: Kind,
    /// The document's name.
    pub name: Name,
    /// A JSON pointer (RFC 6901) into the document, such as `/spec/clients/control/0`.
    pub path: String,
    /// What happens there.
    pub change: Change,
}

/// Why a change was not made. Nothing was changed then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The text is no YAML that can be read.
    #[error("the file cannot be read")]
    Unreadable,
    /// There is no such document.
    #[error("the document is not in the file any more")]
    NoDocument,
    /// It is written in a way that is not edited.
    #[error("{0}")]
    Shape(&'static str),
    /// What came out did not mean what was meant.
    #[error("the text around it would have changed its meaning")]
    Meaning,
}

/// Makes all of the changes, or none. Those of one document are made in their order, each on what the one before left.
///
/// # Errors
/// [`EditError`] of the first that cannot be made.
pub fn edit(text: &str, edits: &[Edit]) -> Result<String, EditError> {
    let mut queues: BTreeMap<(&str, &Name), Vec<&Edit>> = BTreeMap::new();
    for edit in edits {
        queues.entry((edit.kind.as_str(), &edit.name)).or_default().push(edit);
    }
    let mut text = text.to_owned();
    // The documents of a file are edited side by side, so that a file of many is read seldom.
    for round in 0..queues.values().map(Vec::len).max().unwrap_or_default() {
        let now: Vec<&Edit> = queues.values().filter_map(|edits| edits.get(round).copied()).collect();
        text = at_once(&text, &now)?;
    }
    Ok(text)
}

/// Puts documents at the end of a text; each ends with a line end and begins with no `---`.
///
/// # Errors
/// [`EditError`] when they, or the documents that are there, would mean something else.
pub fn append(text: &str, documents: &[String]) -> Result<String, EditError> {
    let before = read(text)?;
    let end = line_end(text);
    let mut new = text.to_owned();
    if !new.is_empty() && !new.ends_with('\n') {
        new.push_str(end);
    }
    let mut is_first = before.is_empty();
    for document in documents {
        if !std::mem::take(&mut is_first) {
            new.push_str("---");
            new.push_str(end);
        }
        new.push_str(&document.replace('\n', end));
    }
    let after = read(&new)?;
    let mut after = after.iter();
    let mut come_next = |nodes: &[Node]| {
        nodes.iter().all(|node| after.next().is_some_and(|other| tree::means_same(node, other)))
    };
    let mut is_meant = come_next(&before);
    // One document at a time: a file may get very many.
    for document in documents {
        is_meant = is_meant && come_next(&read(document)?);
    }
    if is_meant && after.next().is_none() { Ok(new) } else { Err(EditError::Meaning) }
}

/// Where values stand in a text, each by its document's kind and name and its path: the bytes of its key, or of the value
/// where it has none; `None` when there is no such document or value.
#[must_use]
pub fn find(text: &str, values: &[(Kind, &Name, &str)]) -> Vec<Option<std::ops::Range<usize>>> {
    let nodes = read(text).unwrap_or_default();
    let positions = positions(&nodes);
    let place = |(kind, name, path): &(Kind, &Name, &str)| {
        let at = positions.get(&(kind.as_str(), name.as_str())).copied().flatten()?;
        let node = nodes.get(at)?;
        node.at(path)?;
        let (entry, value) = node.nearest(path);
        Some(entry.map_or_else(|| value.range(), spanned::Entry::key_range))
    };
    values.iter().map(place).collect()
}

/// One change in each of several documents.
fn at_once(text: &str, edits: &[&Edit]) -> Result<String, EditError> {
    let nodes = read(text)?;
    let (source, positions) = (Source::new(text, &nodes), positions(&nodes));
    let mut expected: Vec<Tree> = nodes.iter().map(Tree::of).collect();
    let mut splices: Vec<Splice> = Vec::new();
    for edit in edits {
        let at = positions.get(&(edit.kind.as_str(), edit.name.as_str())).copied().flatten();
        let at = at.ok_or(EditError::NoDocument)?;
        let steps: Vec<String> = spanned::steps(&edit.path).collect();
        let (Some(root), Some(tree)) = (nodes.get(at), expected.get_mut(at)) else {
            return Err(EditError::NoDocument);
        };
        splices.extend(place::splices(&source, root, &steps, &edit.change)?);
        tree.change(&steps, &edit.change)?;
    }
    let new = splice::apply(text, splices).ok_or(EditError::Meaning)?;
    let after: Vec<Tree> = read(&new).map_err(|_| EditError::Meaning)?.iter().map(Tree::of).collect();
    let removes = edits.iter().any(|edit| edit.change == Change::Remove);
    if after == expected && keeps_comments(text, &new, removes) { Ok(new) } else { Err(EditError::Meaning) }
}

/// Whether no comment is lost but those that end a line which was removed.
fn keeps_comments(before: &str, after: &str, removes: bool) -> bool {
    let lines = |text: &str| {
        let comments = text.lines().filter(|line| line.trim_start().starts_with('#'));
        let mut lines: Vec<String> = comments.map(|line| line.trim().to_owned()).collect();
        lines.sort();
        lines
    };
    lines(before) == lines(after) && (removes || spanned::comments(before) == spanned::comments(after))
}

/// Where each document stands, by its kind and name; nowhere, if several have both.
fn positions(nodes: &[Node]) -> BTreeMap<(&str, &str), Option<usize>> {
    let mut positions = BTreeMap::new();
    for (at, node) in nodes.iter().enumerate() {
        let text = |path: &str| node.at(path).and_then(Node::source_text);
        if let (Some(kind), Some(name)) = (text("/kind"), text("/metadata/name")) {
            positions.entry((kind, name)).and_modify(|found| *found = None).or_insert(Some(at));
        }
    }
    positions
}

fn read(text: &str) -> Result<Vec<Node>, EditError> {
    let (nodes, findings) = spanned::read(&Arc::from(""), text);
    if findings.has_errors() { Err(EditError::Unreadable) } else { Ok(nodes) }
}

/// How lines of a text end: as the first one does.
fn line_end(text: &str) -> &'static str {
    let first = text.find('\n').and_then(|end| text.get(..end)).unwrap_or_default();
    if first.ends_with('\r') { "\r\n" } else { "\n" }
}
