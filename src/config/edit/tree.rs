//! What a document means, without places and styles, and what it is to mean after a change.

use super::{Change, EditError, Value};
use crate::config::spanned::{Entry, Node, NodeKind};

/// Whether two values mean the same: the same trees, wherever and however they are written.
pub(super) fn means_same(a: &Node, b: &Node) -> bool {
    match (&a.kind, &b.kind) {
        (NodeKind::String { text: a, .. }, NodeKind::String { text: b, .. }) => a == b,
        (NodeKind::Sequence(a), NodeKind::Sequence(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| means_same(a, b))
        }
        (NodeKind::Mapping(a), NodeKind::Mapping(b)) => {
            let same = |a: &Entry, b: &Entry| a.key == b.key && means_same(&a.value, &b.value);
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (a, b) => a == b,
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Tree {
    Text(String),
    /// Null, a boolean or a number, as it was read.
    Other(NodeKind),
    List(Vec<Tree>),
    Map(Vec<(String, Tree)>),
}

impl Tree {
    pub(super) fn of(node: &Node) -> Self {
        match &node.kind {
            NodeKind::String { text, .. } => Self::Text(text.to_string()),
            NodeKind::Sequence(items) => Self::List(items.iter().map(Self::of).collect()),
            NodeKind::Mapping(entries) => Self::Map(
                entries.iter().map(|entry| (entry.key.to_string(), Self::of(&entry.value))).collect(),
            ),
            other => Self::Other(other.clone()),
        }
    }

    fn of_value(value: &Value) -> Self {
        match value {
            Value::Text(text) => Self::Text(text.clone()),
            Value::List(items) => Self::List(items.iter().map(Self::of_value).collect()),
            Value::Map(entries) => {
                Self::Map(entries.iter().map(|(key, value)| (key.clone(), Self::of_value(value))).collect())
            }
        }
    }

    /// Makes a change.
    pub(super) fn change(&mut self, steps: &[String], change: &Change) -> Result<(), EditError> {
        match change {
            Change::Append(value) => match self.made(steps, &Self::List(Vec::new()))? {
                Self::List(items) => items.push(Self::of_value(value)),
                _ => return Err(EditError::Shape("there is no list where one is to be made longer")),
            },
            Change::Set(text) => *self.made(steps, &Self::Text(String::new()))? = Self::Text(text.clone()),
            Change::Remove => {
                self.remove(steps, 0)?;
            }
        }
        Ok(())
    }

    /// The value at a path, made where there is none.
    fn made(&mut self, steps: &[String], last: &Self) -> Result<&mut Self, EditError> {
        let mut tree = self;
        for (at, step) in steps.iter().enumerate() {
            let is_last = at + 1 == steps.len();
            tree = match tree {
                Self::Map(entries) => {
                    let found = entries.iter().position(|(key, _)| key == step);
                    let found = found.unwrap_or_else(|| {
                        let new = if is_last { last.clone() } else { Self::Map(Vec::new()) };
                        entries.push((step.clone(), new));
                        entries.len() - 1
                    });
                    entries.get_mut(found).map(|(_, value)| value)
                }
                Self::List(items) => step.parse::<usize>().ok().and_then(|at| items.get_mut(at)),
                _ => None,
            }
            .ok_or(EditError::Shape("there is no such place in the document"))?;
        }
        Ok(tree)
    }

    /// Takes the value at a path away, and what becomes empty by that, but nothing above the second step.
    fn remove(&mut self, steps: &[String], depth: usize) -> Result<bool, EditError> {
        let missing = EditError::Shape("there is no such place in the document");
        let Some((step, rest)) = steps.split_first() else { return Ok(true) };
        match self {
            Self::Map(entries) => {
                let at = entries.iter().position(|(key, _)| key == step).ok_or(missing)?;
                if entries.get_mut(at).ok_or(missing)?.1.remove(rest, depth + 1)? {
                    entries.remove(at);
                }
                Ok(entries.is_empty() && depth > 1)
            }
            Self::List(items) => {
                let at = step.parse::<usize>().map_err(|_| missing)?;
                if items.get_mut(at).ok_or(missing)?.remove(rest, depth + 1)? {
                    items.remove(at);
                }
                Ok(items.is_empty() && depth > 1)
            }
            _ => Err(missing),
        }
    }
}
