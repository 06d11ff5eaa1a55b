//! Where in the text a change is made: the pieces that become others.
//!
//! It refuses what it does not know: aliases, keys that do not begin their line, texts in blocks.

use super::splice::Splice;
use super::write::{quoted, scalar};
use super::{Change, EditError, Value, line_end};
use crate::config::format::Source;
use crate::config::spanned::{Entry, Node, NodeKind};

const ALIAS: EditError = EditError::Shape("it is written once and used in several places (an anchor)");
const INLINE: EditError = EditError::Shape("it does not stand on a line of its own");
const NO_PLACE: EditError = EditError::Shape("there is no such place in the document");

/// A value on the way to where something changes.
#[derive(Clone, Copy)]
struct Step<'a> {
    node: &'a Node,
    /// The entry that holds it; `None` for the document and for entries of lists.
    entry: Option<&'a Entry>,
    /// Whether what holds it is written in brackets or braces.
    in_flow: bool,
    /// Where it stands in what holds it.
    index: usize,
}

/// The pieces that one change needs.
pub(super) fn splices(
    source: &Source<'_>,
    root: &Node,
    steps: &[String],
    change: &Change,
) -> Result<Vec<Splice>, EditError> {
    let road = road(source, root, steps)?;
    let last = *road.last().ok_or(NO_PLACE)?;
    let rest = steps.get(road.len() - 1..).unwrap_or_default();
    match (change, rest) {
        (Change::Append(value), []) => append(source, last, value),
        (Change::Append(value), [key, inner @ ..]) => {
            let new = Value::List(vec![value.clone()]);
            let value = inner.iter().rev().fold(new, |value, key| Value::map([(key.as_str(), value)]));
            add_key(source, last, key, &value)
        }
        (Change::Set(text), []) => set(source, last, text),
        (Change::Set(text), [key]) => add_key(source, last, key, &Value::text(text.as_str())),
        (Change::Remove, []) => remove(source, &road),
        _ => Err(NO_PLACE),
    }
}

/// The values from the document to the one at the path, or to the last one that is there.
fn road<'a>(source: &Source<'_>, root: &'a Node, steps: &[String]) -> Result<Vec<Step<'a>>, EditError> {
    let mut road = vec![Step { node: root, entry: None, in_flow: false, index: 0 }];
    for step in steps {
        let Some(above) = road.last().copied() else { break };
        let in_flow = above.in_flow || source.is_flow(above.node);
        let next = match &above.node.kind {
            NodeKind::Mapping(entries) => {
                let found = entries.iter().enumerate().find(|(_, entry)| &*entry.key == step.as_str());
                found.map(|(index, entry)| Step { node: &entry.value, entry: Some(entry), in_flow, index })
            }
            NodeKind::Sequence(items) => {
                let index = step.parse::<usize>().map_err(|_| NO_PLACE)?;
                items.get(index).map(|node| Step { node, entry: None, in_flow, index })
            }
            _ => return Err(NO_PLACE),
        };
        let Some(next) = next else { break };
        if source.is_alias(next.node) {
            return Err(ALIAS);
        }
        road.push(next);
    }
    Ok(road)
}

/// The blanks before something that begins its line, with dashes of lists counted as blanks.
fn column(source: &Source<'_>, at: usize) -> Result<usize, EditError> {
    let before = source.before(at);
    let before = before.strip_prefix('\u{feff}').unwrap_or(before);
    if before.chars().all(|c| matches!(c, ' ' | '-')) { Ok(before.len()) } else { Err(INLINE) }
}

/// A piece that puts lines (each without its end) below the line of a byte.
fn below(source: &Source<'_>, at: usize, lines: &str) -> Splice {
    let text = source.text;
    let end = line_end(text);
    match text.get(at..).and_then(|rest| rest.find('\n')) {
        Some(next) => Splice::insert(at + next + 1, format!("{lines}{end}")),
        None => Splice::insert(text.len(), format!("{end}{lines}")),
    }
}

/// The last byte of a value, from which its line is told.
fn last_byte(node: &Node) -> usize {
    node.range().end.saturating_sub(1).max(node.range().start)
}

fn append(source: &Source<'_>, at: Step<'_>, value: &Value) -> Result<Vec<Splice>, EditError> {
    let NodeKind::Sequence(items) = &at.node.kind else {
        return Err(EditError::Shape("there is no list where one is to be made longer"));
    };
    let Some(last) = items.last() else {
        let range = at.node.range();
        return Ok(vec![Splice::new(range, Value::List(vec![value.clone()]).flow())]);
    };
    if source.is_flow(at.node) {
        return Ok(vec![Splice::insert(last.range().end, format!(", {}", value.flow()))]);
    }
    let dash = dash(source, last)?;
    let indent = column(source, dash)?;
    let blanks = " ".repeat(indent);
    let opened = matches!(last.kind, NodeKind::Mapping(_)) && !source.is_flow(last) && !source.is_alias(last);
    let written = match value {
        Value::Map(_) if opened => value.block(indent + 2, line_end(source.text)).trim_start().to_owned(),
        _ => value.flow(),
    };
    Ok(vec![below(source, last_byte(last), &format!("{blanks}- {written}"))])
}

/// Where the dash of an entry of a list stands.
fn dash(source: &Source<'_>, item: &Node) -> Result<usize, EditError> {
    let before = source.text.get(..source.begin_of(item)).unwrap_or_default().trim_end();
    if before.ends_with('-') { Ok(before.len() - 1) } else { Err(INLINE) }
}

fn add_key(source: &Source<'_>, at: Step<'_>, key: &str, value: &Value) -> Result<Vec<Splice>, EditError> {
    let NodeKind::Mapping(entries) = &at.node.kind else { return Err(NO_PLACE) };
    let end = line_end(source.text);
    if let Some(last) = entries.last() {
        if at.in_flow || source.is_flow(at.node) {
            let new = format!(", {}: {}", scalar(key), value.flow());
            return Ok(vec![Splice::insert(last.value.range().end, new)]);
        }
        let first = entries.first().map_or(0, |first| first.key_range().start);
        let indent = column(source, first)?;
        let new = format!("{}{}:{}", " ".repeat(indent), scalar(key), value.block(indent + 2, end));
        return Ok(vec![below(source, last_byte(&last.value), &new)]);
    }
    let range = at.node.range();
    let whole = Value::map([(key, value.clone())]);
    match at.entry {
        // `spec: {}` on a line of its own is opened.
        Some(entry) if !at.in_flow => {
            let colon = colon(source, entry)?;
            let indent = column(source, entry.key_range().start)?;
            let lines = whole.block(indent + 2, end);
            let lines = lines.strip_prefix(end).unwrap_or(&lines);
            Ok(vec![Splice::new(colon + 1..range.end, ""), below(source, range.end, lines)])
        }
        _ => Ok(vec![Splice::new(range, whole.flow())]),
    }
}

/// Where the colon after a key stands.
fn colon(source: &Source<'_>, entry: &Entry) -> Result<usize, EditError> {
    let after = entry.key_range().end;
    let rest = source.text.get(after..).unwrap_or_default();
    let blanks = rest.len() - rest.trim_start_matches(' ').len();
    if rest.trim_start_matches(' ').starts_with(':') { Ok(after + blanks) } else { Err(INLINE) }
}

fn set(source: &Source<'_>, at: Step<'_>, text: &str) -> Result<Vec<Splice>, EditError> {
    if matches!(at.node.kind, NodeKind::Sequence(_) | NodeKind::Mapping(_) | NodeKind::Null) {
        return Err(EditError::Shape("there is no text that could become another"));
    }
    if source.block_sign(at.node).is_some() {
        return Err(EditError::Shape("the text is written as a block"));
    }
    let range = at.node.range();
    let is_double = source.text.get(range.clone()).is_some_and(|written| written.starts_with('"'));
    let plain = scalar(text);
    let new = if is_double && plain != text { quoted(text) } else { plain };
    Ok(vec![Splice::new(range, new)])
}

fn remove(source: &Source<'_>, road: &[Step<'_>]) -> Result<Vec<Splice>, EditError> {
    let mut depth = road.len() - 1;
    let children = |step: &Step<'_>| match &step.node.kind {
        NodeKind::Sequence(items) => items.len(),
        NodeKind::Mapping(entries) => entries.len(),
        _ => 0,
    };
    let above = |depth: usize| depth.checked_sub(1).and_then(|depth| road.get(depth));
    // What becomes empty goes too; what the document says as a whole becomes `{}`.
    while depth > 2 && above(depth).is_some_and(|step| children(step) == 1) {
        depth -= 1;
    }
    let (Some(step), Some(holder)) = (road.get(depth), above(depth)) else { return Err(NO_PLACE) };
    let empties = children(holder) == 1;
    if step.in_flow {
        return Ok(vec![if empties {
            Splice::new(holder.node.range(), empty(holder))
        } else {
            between(source, step, holder)?
        }]);
    }
    let start = match step.entry {
        Some(entry) => entry.key_range().start,
        None => dash(source, step.node)?,
    };
    if !source.before(start).trim().is_empty() {
        return Err(INLINE);
    }
    let mut splices = lines(source, start, last_byte(step.node));
    if empties {
        let entry = holder.entry.ok_or(NO_PLACE)?;
        splices.insert(0, Splice::insert(colon(source, entry)? + 1, format!(" {}", empty(holder))));
    }
    Ok(splices)
}

fn empty(step: &Step<'_>) -> &'static str {
    if matches!(step.node.kind, NodeKind::Sequence(_)) { "[]" } else { "{}" }
}

/// What goes of a list or mapping in brackets or braces: the value and the comma on one side of it.
fn between(source: &Source<'_>, step: &Step<'_>, holder: &Step<'_>) -> Result<Splice, EditError> {
    let part = |index: usize| match &holder.node.kind {
        NodeKind::Sequence(items) => items.get(index).map(|item| (source.begin_of(item), item.range().end)),
        NodeKind::Mapping(entries) => {
            entries.get(index).map(|entry| (entry.key_range().start, entry.value.range().end))
        }
        _ => None,
    };
    let this = part(step.index).ok_or(NO_PLACE)?;
    if let Some(before) = step.index.checked_sub(1).and_then(part) {
        return Ok(Splice::new(before.1..this.1, ""));
    }
    let next = part(step.index + 1).ok_or(NO_PLACE)?;
    Ok(Splice::new(this.0..next.0, ""))
}

/// The lines from one byte to another, without those that are comments.
fn lines(source: &Source<'_>, start: usize, end: usize) -> Vec<Splice> {
    let (first, last) = (source.line_of(start), source.line_of(end));
    let begin = |number: usize| source.starts.get(number).copied().unwrap_or(source.text.len());
    let goes = (first..=last).filter(|number| !source.line(*number).trim_start().starts_with('#'));
    goes.map(|number| Splice::new(begin(number)..begin(number + 1), "")).collect()
}
