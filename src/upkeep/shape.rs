//! The shape of a session database: which tables and columns there are, and what can be done with them.
//!
//! There is no published schema. What is needed here are the columns that public queries use; a file without them is
//! refused, by name, and one with more is fine.

use std::collections::{BTreeMap, BTreeSet};

use super::event::Table;

/// Columns without which nothing can be told.
const NEEDED: [&str; 3] = ["EventType", "Time", "Data"];
/// The column that takes a row out of the server's own view.
const ATTRIBUTES: &str = "EventAttributes";
/// The number of a row.
const ROW_NUMBER: &str = "_rowid_";

/// A table or view as it was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Whether it is a table that holds rows itself: no view and no virtual table.
    pub is_table: bool,
    /// Whether it was made `WITHOUT ROWID`.
    pub without_row_number: bool,
    /// The names of its columns.
    pub columns: BTreeSet<String>,
    /// The names of its triggers.
    pub triggers: BTreeSet<String>,
}

impl Found {
    fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|name| name.eq_ignore_ascii_case(column))
    }
}

/// What can be done with one table of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Whether there is a column `EventAttributes`.
    pub has_attributes: bool,
    /// Why rows of it cannot be changed safely, in words.
    pub obstacle: Option<String>,
}

/// What can be done with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape(BTreeMap<Table, Part>);

/// Why a file is no session database that is understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// Something is not there.
    #[error("it is no session database in a form that is known: it has no {}", .0.join(", no "))]
    Missing(Vec<String>),
}

impl Shape {
    /// Works out what can be done, from all tables of the file by their names.
    ///
    /// # Errors
    /// [`ShapeError::Missing`], with everything that is missing.
    pub fn of(tables: &BTreeMap<String, Found>) -> Result<Self, ShapeError> {
        let mut missing = Vec::new();
        let mut parts = BTreeMap::new();
        for table in Table::ALL {
            let found =
                tables.iter().find(|(name, found)| name.eq_ignore_ascii_case(table.name()) && found.is_table);
            let Some((_, found)) = found else {
                missing.push(format!("table {}", table.name()));
                continue;
            };
            let absent = NEEDED.into_iter().filter(|column| !found.has(column));
            missing.extend(absent.map(|column| format!("column {column} in {}", table.name())));
            parts.insert(table, Part { has_attributes: found.has(ATTRIBUTES), obstacle: obstacle(found) });
        }
        if missing.is_empty() { Ok(Self(parts)) } else { Err(ShapeError::Missing(missing)) }
    }

    /// What can be done with a table.
    #[must_use]
    pub fn part(&self, table: Table) -> Option<&Part> {
        self.0.get(&table)
    }

    /// Whether a table has a column `EventAttributes`.
    #[must_use]
    pub fn has_attributes(&self, table: Table) -> bool {
        self.part(table).is_some_and(|part| part.has_attributes)
    }
}

/// Why rows cannot be changed one by one without changing anything else.
fn obstacle(found: &Found) -> Option<String> {
    if !found.triggers.is_empty() {
        let names: Vec<&str> = found.triggers.iter().map(String::as_str).collect();
        return Some(format!("a trigger would change more than the rows themselves: {}", names.join(", ")));
    }
    let numbered = !found.without_row_number && !found.has(ROW_NUMBER);
    (!numbered).then(|| "its rows have no numbers, by which they are worked on".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(columns: &[&str]) -> Found {
        Found {
            is_table: true,
            columns: columns.iter().map(|name| (*name).to_owned()).collect(),
            ..Found::default()
        }
    }

    fn of(tables: &[(&str, Found)]) -> Result<Shape, ShapeError> {
        Shape::of(&tables.iter().map(|(name, found)| ((*name).to_owned(), found.clone())).collect())
    }

    const USUAL: [&str; 5] = ["SessionID", "Time", "EventType", "Data", "EventAttributes"];

    #[test]
    fn everything_that_is_missing_is_named_at_once() {
        let Err(error) = of(&[("SessionEvent", found(&["SessionID", "eventtype"])), ("Session", found(&[]))])
        else {
            panic!("a shape");
        };
        assert_eq!(
            error.to_string(),
            "it is no session database in a form that is known: it has no column Time in SessionEvent, no column Data in \
             SessionEvent, no table SessionConnectionEvent"
        );
        let view = Found { is_table: false, ..found(&USUAL) };
        assert!(of(&[("SessionEvent", view), ("SessionConnectionEvent", found(&USUAL))]).is_err());
    }

    #[test]
    fn a_table_may_lack_attributes_and_may_have_what_forbids_changes() {
        let shape = of(&[("sessionevent", found(&USUAL[..4])), ("SessionConnectionEvent", found(&USUAL))]);
        let shape = shape.expect("a shape");
        assert!(
            !shape.has_attributes(Table::SessionEvent) && shape.has_attributes(Table::SessionConnectionEvent)
        );
        assert_eq!(shape.part(Table::SessionEvent).and_then(|part| part.obstacle.clone()), None);
        let triggers = Found { triggers: ["on_delete".to_owned()].into(), ..found(&USUAL) };
        let bare = Found { without_row_number: true, ..found(&USUAL) };
        let shape = of(&[("SessionEvent", triggers), ("SessionConnectionEvent", bare)]).expect("a shape");
        let obstacle = |table| shape.part(table).and_then(|part| part.obstacle.clone()).unwrap_or_default();
        assert!(obstacle(Table::SessionEvent).ends_with(": on_delete"));
        assert!(obstacle(Table::SessionConnectionEvent).contains("no numbers"));
    }
}
