//! Trees of values to Rust types, with all errors of a document at once.
//!
//! A [`serde::Deserializer`] over [`Node`], so that the types of the configuration are plain
//! `#[derive(Deserialize, JsonSchema)]`. Serde stops at the first error; here the value it concerns is set aside and the
//! document is read again, until nothing new is found. Errors that only follow from a value set aside are not reported.
//!
//! A custom error's text (`serde::de::Error::custom`) may have a second line: it becomes the finding's help.
//! `flatten`, `untagged` and internally tagged enums work, and lose the place of what is wrong inside them: avoid them.
//!
//! Invariants: a value is given only when no error was found; the work is bounded by [`MAX_ROUNDS`]; no input panics.

mod error;
mod invent;
mod read;
mod words;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use self::error::{Error, What};
use self::read::Reading;
use super::spanned::{LineIndex, MAX_FINDINGS, Node, NodeKind};
use crate::diagnostic::code::{self, Code};
use crate::diagnostic::{Finding, Findings, Place};

/// How many times a document is read in search of further errors.
pub const MAX_ROUNDS: usize = 400;

/// Reads a value from a tree of the text `text`. All its errors and warnings are added to `findings`.
///
/// `None` exactly when there was an error; a value with warnings only is given.
pub fn from_node<T: DeserializeOwned>(
    file: &Arc<str>,
    text: &str,
    node: &Node,
    findings: &mut Findings,
) -> Option<T> {
    from_node_with(file, text, &LineIndex::new(), node, findings)
}

/// As [`from_node`], with an index of lines that is shared by all documents of a file.
pub fn from_node_with<T: DeserializeOwned>(
    file: &Arc<str>,
    text: &str,
    lines: &LineIndex,
    node: &Node,
    findings: &mut Findings,
) -> Option<T> {
    match from_node_partly(file, text, lines, node, findings) {
        (value, true) => value,
        (_, false) => None,
    }
}

/// As [`from_node_with`], with what could be read of a value that has errors, and whether it has none.
///
/// What is wrong is passed over in such a value, and what is missing is made up: it is good for finding more faults and
/// for nothing else.
pub fn from_node_partly<T: DeserializeOwned>(
    file: &Arc<str>,
    text: &str,
    lines: &LineIndex,
    node: &Node,
    findings: &mut Findings,
) -> (Option<T>, bool) {
    let place = |range: Range<usize>| lines.place(file, text, range);
    let context = Context { text, place: &place, state: RefCell::default() };
    let mut value = None;
    for _ in 0..MAX_ROUNDS {
        match T::deserialize(Reading::new(node, &context)) {
            Ok(read) => {
                value = Some(read);
                break;
            }
            Err(error) => {
                if !context.learn(error, node) {
                    break;
                }
            }
        }
    }
    let mut state = context.state.into_inner();
    if value.is_none() && !state.findings.iter().any(Finding::is_error) {
        // Nothing may be refused in silence, whatever a type does.
        let message = "the value cannot be read";
        state.findings.push(Finding::new(code::INVALID_VALUE, message, (context.place)(node.range())));
    }
    let is_sound = !state.findings.iter().any(Finding::is_error);
    findings.extend(state.findings);
    (value, is_sound)
}

/// The identity of a node while its tree is borrowed.
fn id(node: &Node) -> usize {
    std::ptr::from_ref(node).addr()
}

/// What is known of the document from the rounds so far.
struct Context<'a> {
    text: &'a str,
    place: &'a dyn Fn(Range<usize>) -> Place,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    findings: Vec<Finding>,
    /// What was reported of which node, as each round meets it again.
    reported: BTreeSet<(usize, Code)>,
    /// Nodes that are passed over because something is wrong with them.
    skipped: BTreeSet<usize>,
    /// Missing keys that are given a made-up value, to see what else is wrong.
    invented: Vec<Invented>,
    /// Keys that were suggested for unknown ones, with their mapping: they are not missing as well.
    suggested: BTreeSet<(usize, &'static str)>,
}

#[derive(Clone, Copy)]
struct Invented {
    /// The mapping that lacks the key.
    mapping: usize,
    key: &'static str,
    attempt: usize,
}

impl Context<'_> {
    fn is_skipped(&self, node: &Node) -> bool {
        let state = self.state.borrow();
        !state.skipped.is_empty() && state.skipped.contains(&id(node))
    }

    /// The key that is made up for a mapping after the first `nth`.
    fn invented(&self, mapping: &Node, nth: usize) -> Option<Invented> {
        let state = self.state.borrow();
        if state.invented.is_empty() {
            return None;
        }
        let wanted = id(mapping);
        state.invented.iter().filter(|invented| invented.mapping == wanted).nth(nth).copied()
    }

    /// Whether a finding about a node is new and there is room for it.
    fn is_new(&self, node: &Node, code: Code) -> bool {
        let state = self.state.borrow();
        state.findings.len() < MAX_FINDINGS && !state.reported.contains(&(id(node), code))
    }

    /// Notes a finding about a node unless it was noted in an earlier round.
    fn note(&self, node: &Node, code: Code, make: impl FnOnce() -> Finding) {
        let mut state = self.state.borrow_mut();
        if state.findings.len() < MAX_FINDINGS && state.reported.insert((id(node), code)) {
            state.findings.push(make());
        }
    }

    fn suggest(&self, mapping: &Node, key: &'static str) {
        self.state.borrow_mut().suggested.insert((id(mapping), key));
    }

    /// Takes in an error and decides what to pass over in the next round; `false` when there is nothing left to try.
    fn learn(&self, error: Error, root: &Node) -> bool {
        let problem = *error.0;
        let (entry, range) = problem.at.unwrap_or_else(|| (id(root), root.range()));
        if let Some((mapping, key)) = problem.invented {
            return self.invent_again(mapping, key, root);
        }
        if let What::Missing(key) = problem.what
            && let Some(mapping) = problem.mapping
            && let Some(node) = find(root, mapping)
        {
            let entry = node.get(key);
            let known = self.is_invented(mapping, key);
            let suggested = self.state.borrow().suggested.contains(&(mapping, key));
            if !known && !suggested && entry.is_none_or(|entry| !self.is_skipped(&entry.value)) {
                self.push(self.missing(node, key));
            }
            if known {
                // The type does not take the key from where it said that it is missing.
                return self.skip(mapping, root);
            }
            let mut state = self.state.borrow_mut();
            state.invented.push(Invented { mapping, key, attempt: 0 });
            return true;
        }
        // What a type says of its parts is not to be trusted when some of them were passed over or made up.
        let follows = problem.what.is_said_by_a_type()
            && find(root, entry).is_none_or(|node| {
                let state = self.state.borrow();
                any_below(node, &mut |below| {
                    state.skipped.contains(&id(below))
                        || state.invented.iter().any(|invented| invented.mapping == id(below))
                })
            });
        if !follows && let Some(finding) = problem.what.finding((self.place)(range)) {
            self.push(finding);
        }
        self.skip(entry, root)
    }

    fn is_invented(&self, mapping: usize, key: &str) -> bool {
        self.state.borrow().invented.iter().any(|known| known.mapping == mapping && known.key == key)
    }

    fn push(&self, finding: Finding) {
        self.state.borrow_mut().findings.push(finding);
    }

    fn skip(&self, entry: usize, root: &Node) -> bool {
        // Skipping what is skipped already would go round in circles.
        entry != id(root) && self.state.borrow_mut().skipped.insert(entry)
    }

    /// The made-up value did not fit: tries the next one, or passes over the mapping that lacks the key.
    fn invent_again(&self, mapping: usize, key: &'static str, root: &Node) -> bool {
        let mut state = self.state.borrow_mut();
        let is_it = |invented: &Invented| invented.mapping == mapping && invented.key == key;
        let Some(invented) = state.invented.iter_mut().find(|invented| is_it(invented)) else { return false };
        invented.attempt += 1;
        if invented.attempt < invent::ATTEMPTS {
            return true;
        }
        state.invented.retain(|invented| !is_it(invented));
        drop(state);
        self.skip(mapping, root)
    }

    fn missing(&self, mapping: &Node, key: &str) -> Finding {
        let range = mapping.range();
        let written = self.text.get(range.clone()).unwrap_or_default();
        let first_line = written.lines().next().map_or(0, |line| line.trim_end().len());
        let place = (self.place)(range.start..range.start.saturating_add(first_line));
        let finding = Finding::new(code::MISSING_KEY, format!("the key `{key}` is missing"), place);
        finding.label("in this mapping").help(format!("add `{key}: …` to this mapping"))
    }
}

/// Whether `is` holds for the node or anything below it. Trees are bounded in depth, so recursion is.
fn any_below(node: &Node, is: &mut dyn FnMut(&Node) -> bool) -> bool {
    is(node)
        || match &node.kind {
            NodeKind::Sequence(items) => items.iter().any(|item| any_below(item, is)),
            NodeKind::Mapping(entries) => entries.iter().any(|entry| any_below(&entry.value, is)),
            _ => false,
        }
}

fn find(node: &Node, wanted: usize) -> Option<&Node> {
    if id(node) == wanted {
        return Some(node);
    }
    match &node.kind {
        NodeKind::Sequence(items) => items.iter().find_map(|item| find(item, wanted)),
        NodeKind::Mapping(entries) => entries.iter().find_map(|entry| find(&entry.value, wanted)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
