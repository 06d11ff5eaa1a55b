//! What was found about providers: for people by provider, for programs as a table.

use std::collections::BTreeMap;
use std::io;

use super::View;
use super::layout::table;
use super::sheet::{Cell, Column, Sheet, shown};
use super::style::{Label, Line, Pen};
use super::words::{count, plural};
use crate::id::Name;
use crate::provider::{Examination, Outcome};

const COLUMNS: &[Column] = &[
    shown("provider", "Provider"),
    shown("type", "Type"),
    shown("what", "What"),
    shown("outcome", "Outcome"),
    shown("found", "Found"),
    shown("remedy", "Remedy"),
];

/// What was found, by provider, with the provider's type.
#[derive(Debug)]
pub struct Found<'a>(pub &'a BTreeMap<Name, (&'static str, Vec<Examination>)>);

impl Found<'_> {
    fn all(&self) -> impl Iterator<Item = (&Name, &'static str, &Examination)> {
        self.0.iter().flat_map(|(name, (kind, found))| found.iter().map(move |one| (name, *kind, one)))
    }

    /// How many came out so.
    #[must_use]
    pub fn count(&self, outcome: Outcome) -> usize {
        self.all().filter(|(.., one)| one.outcome == outcome).count()
    }

    /// The table.
    #[must_use]
    pub fn sheet(&self) -> Sheet {
        let row = |(name, kind, one): (&Name, &'static str, &Examination)| {
            vec![
                Cell::text(name),
                Cell::text(kind),
                Cell::text(&one.what),
                Cell::text(word(one.outcome)),
                Cell::text(&one.found),
                Cell::maybe(one.remedy.as_ref()),
            ]
        };
        Sheet { row: "examination", columns: COLUMNS, rows: self.all().map(row).collect() }
    }

    /// Writes it for people.
    ///
    /// # Errors
    /// What the pen says.
    pub fn write(&self, pen: &mut dyn Pen, view: &View) -> io::Result<()> {
        for (name, (kind, found)) in self.0 {
            pen.line(&Line::new().with(Label::Heading, name.as_str()).with(Label::Dim, format!("  {kind}")))?;
            for one in found {
                let cells = [
                    Line::new().with(label(one.outcome), format!("{:<7}", word(one.outcome))),
                    Line::new().text(format!("{:<12}", one.what)),
                    Line::new().text(&one.found),
                ];
                for line in table(2, view.width, &[cells.to_vec()]) {
                    pen.line(&line)?;
                }
                if let Some(remedy) = &one.remedy {
                    pen.line(&Line::new().text("            ").with(Label::Hint, format!("help: {remedy}")))?;
                }
            }
        }
        let looked = self.all().count();
        let said: Vec<String> = [Outcome::Bad, Outcome::Unknown, Outcome::Notice]
            .into_iter()
            .filter(|outcome| self.count(*outcome) > 0)
            .map(|outcome| format!("{} {}", self.count(outcome), word(outcome)))
            .collect();
        let rest = if said.is_empty() { "all good".to_owned() } else { said.join(", ") };
        let providers = plural(count(self.0.len()), "provider");
        let looked = plural(count(looked), "thing");
        pen.line(&Line::new().text(format!("{looked} looked at over {providers}: {rest}")))
    }
}

const fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Good => "good",
        Outcome::Notice => "notice",
        Outcome::Bad => "bad",
        Outcome::Unknown => "unknown",
    }
}

const fn label(outcome: Outcome) -> Label {
    match outcome {
        Outcome::Good => Label::Good,
        Outcome::Notice | Outcome::Unknown => Label::Warning,
        Outcome::Bad => Label::Error,
    }
}
