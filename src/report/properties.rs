//! Custom properties that are to be written, as a table.

use super::sheet::{Cell, Column, Sheet, further, shown};
use crate::inventory::properties::Due;

const COLUMNS: &[Column] =
    &[shown("computer", "Computer"), further("agent"), shown("before", "Now"), shown("after", "To be")];

/// A row for each agent.
#[must_use]
pub fn sheet(due: &[Due]) -> Sheet {
    let row = |due: &Due| {
        vec![
            Cell::text(&due.computer),
            Cell::text(&due.agent),
            Cell::text(&due.before),
            Cell::text(&due.after),
        ]
    };
    Sheet { row: "property", columns: COLUMNS, rows: due.iter().map(row).collect() }
}
