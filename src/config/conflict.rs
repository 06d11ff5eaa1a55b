//! Merge conflicts that git left in a file, which would otherwise read as broken YAML.

use std::sync::Arc;

use crate::diagnostic::Place;

/// The first line of a conflict that is not resolved.
#[must_use]
pub(super) fn place(path: &Arc<str>, text: &str) -> Option<Place> {
    if !text.contains("<<<<<<< ") || !text.contains(">>>>>>> ") {
        return None;
    }
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.starts_with("<<<<<<< ") {
            return Some(Place::in_text(path, text, at, at + line.trim_end().len()));
        }
        at += line.len();
    }
    None
}
