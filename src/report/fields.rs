//! The fields that a change sets, below its line: `mode: 0644 -> 0600`.
//!
//! Not here: putting together what several computers have (`plan`); only changes that read the same are put together here,
//! for every form of a report.
//!
//! Invariant: the number of lines does not hang on the number of computers (L12).

use std::collections::BTreeMap;
use std::io;

use super::View;
use super::style::{Label, Line, Pen};
use super::words::wrap;
use crate::inventory::item::{FieldChange, Observed};
use crate::plan::document::Change;

/// So many fields are shown without `details`.
const FIELDS: usize = 12;
/// A comparison line by line is shown without `details` when it has at most so many lines.
const LINES: usize = 8;

/// Writes the fields of a block.
///
/// # Errors
/// What the pen says.
pub(super) fn write(pen: &mut dyn Pen, fields: &[FieldChange], view: &View) -> io::Result<()> {
    let room = view.width.saturating_sub(8).max(20);
    for field in fields.iter().take(FIELDS) {
        for (at, text) in wrap(&phrase(field), room).into_iter().enumerate() {
            let indent = if at == 0 { "      " } else { "        " };
            pen.line(&Line::new().text(indent).with(Label::Change, text))?;
        }
        let lines: Vec<&str> = field.diff.iter().flat_map(|diff| diff.lines()).collect();
        if lines.len() > LINES {
            continue;
        }
        for line in lines {
            let label = match line.as_bytes().first() {
                Some(b'+') => Label::Add,
                Some(b'-') => Label::Remove,
                _ => Label::Dim,
            };
            pen.line(&Line::new().text("        ").with(label, line))?;
        }
    }
    if let Some(more) = fields.len().checked_sub(FIELDS).filter(|more| *more > 0) {
        pen.line(&Line::new().text("      ").with(Label::Dim, format!("and {more} more; see --details")))?;
    }
    Ok(())
}

/// A field, with what was found and what is wanted: `mode: 0644 -> 0600`.
pub(super) fn phrase(field: &FieldChange) -> String {
    format!("{}: {}", field.field, field.phrase())
}

/// The fields of all changes; those that differ in what was found are counted.
pub(super) fn together(changes: &[&Change]) -> Vec<FieldChange> {
    let mut fields: Vec<FieldChange> = Vec::new();
    let mut known: BTreeMap<(&str, Option<&str>), usize> = BTreeMap::new();
    for change in changes {
        let Observed::NonCompliant { fields: more, .. } = &change.before else { continue };
        for field in more {
            let at = *known.entry((&field.field, field.after.as_deref())).or_insert(fields.len());
            match fields.get_mut(at) {
                None => fields.push(field.clone()),
                Some(first) if first == field => {}
                Some(first) => {
                    // How many there are over several changes is not known exactly; at least the most of one.
                    let least = first.different.max(field.different).unwrap_or(2);
                    first.different = Some(least);
                    first.diff = None;
                }
            }
        }
    }
    fields
}
