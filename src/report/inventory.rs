//! What became of a run that collects facts alone.
//!
//! Invariant: the number of lines does not grow with the computers (L12); programs get all names.

use std::collections::BTreeMap;
use std::io;

use serde::Serialize;

use super::View;
use super::style::{Label, Line, Pen};
use super::words::{count, list, plural, thousands, visible};

/// So many computers that are missing are named.
const FEW: usize = 5;

/// How a run that collects facts went.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Inventory<'a> {
    /// Computers in scope.
    pub computers: usize,
    /// Those that brought facts now.
    pub collected: usize,
    /// Those without facts that are as new as is wanted, by name, with what happened.
    pub missing: &'a BTreeMap<String, String>,
}

/// Writes it.
///
/// # Errors
/// What the pen says.
pub fn write(pen: &mut dyn Pen, inventory: &Inventory<'_>, view: &View) -> io::Result<()> {
    let Inventory { computers, collected, missing } = *inventory;
    let before = computers.saturating_sub(collected).saturating_sub(missing.len());
    let line = Line::new()
        .with(Label::Heading, format!("Facts of {}", plural(count(computers), "computer")))
        .text(format!(
            ": {} collected now, {} known before, {} missing",
            thousands(count(collected)),
            thousands(count(before)),
            thousands(count(missing.len()))
        ));
    pen.line(&line)?;
    if missing.is_empty() {
        return Ok(());
    }
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, why) in missing {
        reasons.entry(why).or_default().push(name);
    }
    let mut reasons: Vec<(&str, Vec<&str>)> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, names)| std::cmp::Reverse(names.len()));
    let shown = if view.details { reasons.len() } else { FEW };
    for (why, names) in reasons.iter().take(shown) {
        pen.line(
            &Line::new()
                .text("  ")
                .with(Label::Warning, list(names, FEW))
                .text(format!(": {}", visible(why))),
        )?;
    }
    match reasons.len().saturating_sub(shown) {
        0 => Ok(()),
        more => pen.line(&Line::new().text(format!("  and {} more", plural(count(more), "reason")))),
    }
}
