//! The keys of a document in one order: apiVersion, kind, metadata, spec; and of its metadata: name, title, description,
//! labels.
//!
//! Invariant: lines are moved whole, each key with the comments directly above it and the blank lines above those. What
//! stands above the first key stays at the top, as it is about the document.

use super::{Entry, Node, Source, indentation};

const ENVELOPE: [&str; 4] = ["apiVersion", "kind", "metadata", "spec"];
const METADATA: [&str; 4] = ["name", "title", "description", "labels"];

/// Puts the keys of all documents into order.
pub(super) fn ordered(source: &Source<'_>) -> String {
    let mut lines: Vec<&str> = (0..source.starts.len()).map(|number| source.line(number)).collect();
    // From the last document to the first, and a document's metadata before itself: nothing that is still looked at moves.
    for node in source.nodes.iter().rev() {
        let metadata = node.get("metadata").map(|entry| &entry.value);
        if let Some(metadata) = metadata.filter(|metadata| !source.is_alias(metadata)) {
            order(source, metadata, &METADATA, &mut lines);
        }
        if ["apiVersion", "kind"].iter().all(|key| node.get(key).is_some()) {
            order(source, node, &ENVELOPE, &mut lines);
        }
    }
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

/// Orders the entries of one block mapping by moving their lines. `lines` has the same number of lines for it as the text.
fn order(source: &Source<'_>, node: &Node, keys: &[&str], lines: &mut [&str]) {
    let Some(entries) = node.entries().filter(|entries| entries.len() > 1 && !source.is_flow(node)) else {
        return;
    };
    let rank = |entry: &Entry| keys.iter().position(|key| **key == *entry.key).unwrap_or(keys.len());
    if entries.is_sorted_by_key(rank) {
        return;
    }
    // Every key has to begin a line of its own.
    let begins: Vec<usize> = entries.iter().map(|entry| source.line_of(entry.key_range().start)).collect();
    let own = entries.iter().all(|entry| source.before(entry.key_range().start).trim().is_empty());
    if !own || !begins.windows(2).all(|pair| pair[0] < pair[1]) {
        return;
    }
    let (Some(first), Some(last)) = (begins.first().copied(), entries.last()) else { return };
    let column = indentation(source.line(first));
    let end = end_of(source, source.line_of(last.value.range().end.saturating_sub(1)), column);
    let mut starts: Vec<usize> = begins.iter().map(|begin| above(source, *begin, column, first)).collect();
    starts.push(end);
    let mut chunks: Vec<(usize, Vec<&str>)> = entries
        .iter()
        .zip(starts.windows(2))
        .filter_map(|(entry, range)| Some((rank(entry), lines.get(range[0]..range[1])?.to_vec())))
        .collect();
    if chunks.len() != entries.len() {
        return;
    }
    chunks.sort_by_key(|(rank, _)| *rank);
    let moved: Vec<&str> = chunks.into_iter().flat_map(|(_, lines)| lines).collect();
    if let Some(place) = lines.get_mut(first..end).filter(|place| place.len() == moved.len()) {
        place.copy_from_slice(&moved);
    }
}

/// The first of the comment lines, and of the blank lines above them, that belong to a key.
fn above(source: &Source<'_>, key: usize, column: usize, first: usize) -> usize {
    let mut at = key;
    let comment = |number: usize| {
        let line = source.line(number);
        line.trim_start().starts_with('#') && indentation(line) == column
    };
    while at > first + 1 && comment(at - 1) {
        at -= 1;
    }
    while at > first + 1 && source.line(at - 1).trim().is_empty() {
        at -= 1;
    }
    if key == first { first } else { at }
}

/// One past the last line that belongs to a value: lines of a block scalar that its range leaves out are indented.
fn end_of(source: &Source<'_>, last: usize, column: usize) -> usize {
    let mut end = last + 1;
    while end < source.starts.len() {
        let line = source.line(end);
        if line.trim().is_empty() || indentation(line) <= column {
            break;
        }
        end += 1;
    }
    end
}
