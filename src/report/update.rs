//! What an update of the lock file moved, and what it could not.

use std::io;

use super::View;
use super::layout::table;
use super::sheet::{Cell, Column, Sheet, shown};
use super::style::{Label, Line, Pen};
use super::words::{count, plural};
use crate::version::source::moves::{Moves, Row, Status};

/// Writes a line for each software that moved or failed; `all` also for those without news.
///
/// # Errors
/// What the writer says.
pub fn write(pen: &mut dyn Pen, rows: &[Row], all: bool, view: &View) -> io::Result<()> {
    let shown: Vec<&Row> = rows.iter().filter(|row| all || row.status != Status::Unchanged).collect();
    let lines: Vec<Vec<Line>> = shown.iter().map(|row| cells(row)).collect();
    for line in table(0, view.width, &lines) {
        pen.line(&line)?;
    }
    let failed = rows.iter().filter(|row| row.status == Status::Failed).count();
    let moved = rows.iter().filter(|row| matches!(row.status, Status::Moved | Status::Gone)).count();
    let held = rows.iter().filter(|row| row.status == Status::Held).count();
    let mut line =
        Line::new().text(format!("{} looked after: {moved} moved", plural(count(rows.len()), "source")));
    if held > 0 {
        line = line.text(", ").with(Label::Warning, format!("{held} held"));
    }
    if failed > 0 {
        line = line.text(", ").with(Label::Error, format!("{failed} failed"));
    }
    pen.line(&line)
}

const SOFTWARE: &[Column] = &[
    shown("name", "Software"),
    shown("status", "Status"),
    shown("from", "From"),
    shown("to", "To"),
    shown("what", "What"),
    shown("notes", "Notes"),
    shown("place", "Source"),
];

/// All software that was looked after, as a table.
#[must_use]
pub fn sheet(rows: &[Row]) -> Sheet {
    let row = |row: &Row| {
        let what = match row.status {
            Status::Failed => row.error.clone(),
            Status::Moved | Status::Held => Some(moved(&row.moves)).filter(|what| !what.is_empty()),
            _ => None,
        };
        vec![
            Cell::text(&row.name),
            Cell::Text(super::terms::code(&row.status)),
            Cell::maybe(row.moves.from.as_ref()),
            Cell::maybe(row.moves.to.as_ref()),
            Cell::maybe(what),
            Cell::list(&row.notes),
            Cell::maybe(row.place.as_ref()),
        ]
    };
    Sheet { row: "software", columns: SOFTWARE, rows: rows.iter().map(row).collect() }
}

fn cells(row: &Row) -> Vec<Line> {
    let what = match (row.status, &row.error) {
        (Status::Failed, Some(error)) => Line::new().with(Label::Error, "failed: ").text(error),
        (Status::Failed, None) => Line::new().with(Label::Error, "failed"),
        (Status::Held, _) if row.moves.is_empty() => {
            Line::new().with(Label::Warning, "held at ").text(row.moves.from.as_deref().unwrap_or("-"))
        }
        // A range is held, and something else moved.
        (Status::Held, _) => Line::new().with(Label::Warning, "held in part: ").text(moved(&row.moves)),
        (Status::Gone, _) => Line::new().text("no source any more: taken out"),
        (Status::Unchanged, _) => {
            Line::new().text(format!("{}  no news", row.moves.to.as_deref().unwrap_or("-")))
        }
        (Status::Moved, _) => Line::new().text(moved(&row.moves)),
    };
    let place = row.place.as_ref().map(|place| format!("{}:{}", place.file, place.line)).unwrap_or_default();
    let mut cells = vec![Line::new().with(Label::Heading, row.name.as_str()), what, Line::new().text(place)];
    cells.extend(row.notes.iter().map(|note| Line::new().text(note)));
    cells
}

/// `24.08 -> 24.09`, and what else is another.
fn moved(moves: &Moves) -> String {
    let mut parts = Vec::new();
    match (&moves.from, &moves.to) {
        (Some(from), Some(to)) if from != to => parts.push(format!("{from} -> {to}")),
        (None, Some(to)) => parts.push(format!("new: {to}")),
        (_, Some(to)) => parts.push(to.clone()),
        (_, None) => {}
    }
    let others = |versions: &[String]| {
        let others = versions
            .iter()
            .filter(|version| Some(*version) != moves.to.as_ref() && Some(*version) != moves.from.as_ref());
        others.cloned().collect::<Vec<_>>().join(", ")
    };
    for (what, versions) in [("also ", &moves.added), ("without ", &moves.dropped)] {
        let others = others(versions);
        if !others.is_empty() {
            parts.push(format!("{what}{others}"));
        }
    }
    if !moves.republished.is_empty() {
        parts.push(format!("other files under the same version: {}", moves.republished.join(", ")));
    }
    if moves.other_source && moves.from == moves.to {
        parts.push("found under other settings".to_owned());
    }
    parts.join("; ")
}
