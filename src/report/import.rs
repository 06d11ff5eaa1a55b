//! What an import found and proposes: companies, computers, and the difference of files.
//!
//! Not here: what is proposed (`import`), and whether it is written (`cli`).

use std::io;

use serde_json::{Value, json};

use super::View;
use super::difference;
use super::layout::table;
use super::sheet::{Cell, Column, Sheet, further, shown};
use super::style::{Label, Line, Pen};
use super::terms;
use super::words::{count, plural, thousands};
use crate::id::Name;
use crate::import::computers::{Change, Counts, Difference};
use crate::import::files::{ByHand, FileChange};
use crate::import::tenants::{Proposal, Row, Status};

/// So many lines of a file that would be made are shown where details are not asked for.
const LINES: usize = 40;
/// So many computers of a kind of change are named where details are not asked for.
const NAMED: usize = 10;

const COMPANIES: &[Column] = &[
    shown("status", "Status"),
    shown("id", "Id"),
    shown("company", "Company"),
    shown("tenant", "Tenant"),
    shown("computers", "Computers"),
    shown("sites", "Sites"),
    further("proposed"),
    shown("file", "File"),
    further("line"),
    shown("note", "Note"),
];

/// The companies of which there is something to say, as a table.
#[must_use]
pub fn companies(rows: &[Row]) -> Sheet {
    let row = |row: &Row| {
        let place = row.place.as_ref();
        vec![
            Cell::Text(terms::code(&row.status)),
            Cell::maybe(row.id.as_ref()),
            Cell::maybe(row.company.as_ref()),
            Cell::maybe(row.tenant.as_ref()),
            row.computers.map_or(Cell::Nothing, Cell::count),
            Cell::list(&row.sites),
            Cell::Flag(row.proposed),
            Cell::maybe(place.map(|place| &place.file)),
            place.map_or(Cell::Nothing, |place| Cell::count(place.line.into())),
            Cell::maybe(row.note.as_ref()),
        ]
    };
    Sheet { row: "company", columns: COMPANIES, rows: rows.iter().map(row).collect() }
}

/// What stands above the companies of one status.
const fn heading(status: Status, proposed: bool) -> &'static str {
    match (status, proposed) {
        (Status::Renamed, _) => "Renamed",
        (Status::Mapped, _) => "To be mapped",
        (Status::Created, _) => "New tenants",
        (Status::Ambiguous, _) => "Ambiguous, and left",
        (Status::NotMapped, _) => "Not mapped",
        (Status::Vanished, true) => "Vanished, to be taken out",
        (Status::Vanished, false) => "Vanished",
    }
}

/// Writes the companies by what goes for them.
///
/// # Errors
/// What the writer says.
pub fn tenants(pen: &mut dyn Pen, proposal: &Proposal, view: &View) -> io::Result<()> {
    for rows in proposal.rows.chunk_by(|a, b| a.status == b.status) {
        let Some(first) = rows.first() else { continue };
        let title = heading(first.status, first.proposed);
        pen.line(
            &Line::new().with(Label::Heading, title).text(format!("  {}", of_companies(count(rows.len())))),
        )?;
        let lines: Vec<Vec<Line>> = rows.iter().map(company).collect();
        table(2, view.width, &lines).iter().try_for_each(|line| pen.line(line))?;
        pen.gap()?;
    }
    Ok(())
}

/// So many companies.
#[must_use]
pub fn of_companies(number: u64) -> String {
    if number == 1 { "1 company".to_owned() } else { format!("{} companies", thousands(number)) }
}

fn company(row: &Row) -> Vec<Line> {
    let label = match row.status {
        Status::Mapped | Status::Created => Label::Add,
        Status::Renamed => Label::Change,
        Status::Vanished if row.proposed => Label::Remove,
        Status::Ambiguous | Status::Vanished => Label::Warning,
        Status::NotMapped => Label::Plain,
    };
    let nameless = row.id.as_deref().map_or_else(|| "-".to_owned(), |id| format!("id {id}"));
    let name = row.company.clone().unwrap_or(nameless);
    let id = row.id.as_deref().filter(|_| row.company.is_some()).map(|id| format!("id {id}"));
    let mut about: Vec<String> = Vec::new();
    about.extend(row.computers.map(|number| plural(number, "computer")));
    about.extend(row.note.clone());
    let mut cells = vec![Line::new().with(label, name), Line::new().text(id.unwrap_or_default())];
    if row.status != Status::NotMapped {
        cells.push(Line::new().text(row.tenant.as_ref().map_or("", Name::as_str)));
    }
    cells.push(Line::new().text(about.join(", ")));
    let place = row.place.as_ref().map(ToString::to_string).unwrap_or_default();
    cells.push(Line::new().with(Label::Dim, place));
    cells
}

/// One sentence over all companies.
#[must_use]
pub fn sentence(proposal: &Proposal) -> String {
    let mut said = vec![format!("{} mapped with nothing to change", thousands(count(proposal.settled)))];
    for (status, words) in [
        (Status::Renamed, "renamed"),
        (Status::Mapped, "to be mapped"),
        (Status::Created, "to get a tenant"),
        (Status::Ambiguous, "ambiguous"),
        (Status::NotMapped, "not mapped"),
        (Status::Vanished, "vanished"),
    ] {
        let number = proposal.rows.iter().filter(|row| row.status == status).count();
        said.extend((number > 0).then(|| format!("{} {words}", thousands(count(number)))));
    }
    format!("Companies: {}", said.join(", "))
}

/// Writes what files would hold. Of a long file that would be made the beginning is shown, unless details are asked for.
///
/// # Errors
/// What the writer says.
pub fn files(pen: &mut dyn Pen, changes: &[FileChange], details: bool) -> io::Result<()> {
    for change in changes {
        match &change.before {
            Some(before) => difference::write(pen, &change.file, before, &change.after)?,
            None => made(pen, change, details)?,
        }
        pen.gap()?;
    }
    Ok(())
}

fn made(pen: &mut dyn Pen, change: &FileChange, details: bool) -> io::Result<()> {
    pen.line(&Line::new().with(Label::Heading, format!("+++ {} (new)", change.file)))?;
    let all = change.after.lines().count();
    let most = if details || all <= LINES { all } else { LINES };
    for line in change.after.lines().take(most) {
        pen.line(&Line::new().with(Label::Add, format!("+{line}")))?;
    }
    if most < all {
        let left = plural(count(all - most), "line");
        pen.line(&Line::new().with(Label::Dim, format!("… {left} more; --details shows them")))?;
    }
    Ok(())
}

/// The same for programs: what each file would hold.
#[must_use]
pub fn files_json(changes: &[FileChange]) -> Value {
    let file = |change: &FileChange| json!({ "file": change.file, "new": change.before.is_none(), "content": change.after });
    changes.iter().map(file).collect()
}

/// What somebody has to write themselves, for programs.
#[must_use]
pub fn by_hand_json(by_hand: &[ByHand]) -> Value {
    let one = |one: &ByHand| json!({ "file": &*one.place.file, "line": one.place.line, "what": one.what, "why": one.why });
    by_hand.iter().map(one).collect()
}

const COMPUTERS: &[Column] = &[
    shown("changes", "Changes"),
    further("agent"),
    shown("name", "Name"),
    shown("tenant", "Tenant"),
    shown("company", "Company"),
    shown("wasName", "Was"),
    shown("wasTenant", "Tenant before"),
];

/// The computers of which something changed, as a table.
#[must_use]
pub fn computers(differences: &[Difference]) -> Sheet {
    let row = |one: &Difference| {
        let changes = one.changes();
        let last = one.is.as_ref().or(one.was.as_ref())?;
        let was = one.was.as_ref().filter(|_| one.is.is_some());
        (!changes.is_empty()).then(|| {
            vec![
                Cell::list(changes.iter().map(terms::code)),
                Cell::text(&last.agent),
                Cell::text(&last.name),
                Cell::maybe(last.tenant.as_ref()),
                Cell::maybe(last.company.as_ref()),
                Cell::maybe(was.map(|was| &was.name).filter(|_| changes.contains(&Change::Renamed))),
                Cell::maybe(
                    was.and_then(|was| was.tenant.as_ref()).filter(|_| changes.contains(&Change::Moved)),
                ),
            ]
        })
    };
    Sheet { row: "computer", columns: COMPUTERS, rows: differences.iter().filter_map(row).collect() }
}

/// Writes what changed by tenant; tenants without a change only where details are asked for.
///
/// # Errors
/// What the writer says.
pub fn by_tenant<'a>(
    pen: &mut dyn Pen,
    counts: impl Iterator<Item = (Option<&'a Name>, &'a Counts)>,
    view: &View,
) -> io::Result<()> {
    let number = |number: u64| Line::new().text(if number == 0 { "-".to_owned() } else { thousands(number) });
    let titles = ["Tenant", "Computers", "New", "Renamed", "Came", "Left", "Gone"];
    let mut lines: Vec<Vec<Line>> =
        vec![titles.iter().map(|title| Line::new().with(Label::Dim, *title)).collect()];
    let mut quiet = 0;
    for (tenant, counts) in counts {
        if counts.is_quiet() && !view.details {
            quiet += 1;
            continue;
        }
        let tenant = Line::new().with(Label::Heading, tenant.map_or("(none)", Name::as_str));
        let Counts { computers, new, renamed, came, left, gone } = *counts;
        let numbers = [computers, new, renamed, came, left, gone].map(number);
        lines.push(std::iter::once(tenant).chain(numbers).collect());
    }
    if lines.len() > 1 {
        table(0, view.width, &lines).iter().try_for_each(|line| pen.line(line))?;
    }
    if quiet > 0 {
        pen.line(&Line::new().with(Label::Dim, format!("{} without a change", plural(quiet, "tenant"))))?;
    }
    pen.gap()
}

/// Writes which computers were renamed, moved, or are gone. New ones are counted only, unless details are asked for.
///
/// # Errors
/// What the writer says.
pub fn changed(pen: &mut dyn Pen, differences: &[Difference], view: &View) -> io::Result<()> {
    for (change, title) in [
        (Change::New, "New"),
        (Change::Renamed, "Renamed"),
        (Change::Moved, "In another tenant"),
        (Change::Gone, "Gone"),
    ] {
        if change == Change::New && !view.details {
            continue;
        }
        let of_it: Vec<&Difference> =
            differences.iter().filter(|one| one.changes().contains(&change)).collect();
        if of_it.is_empty() {
            continue;
        }
        pen.line(
            &Line::new()
                .with(Label::Heading, title)
                .text(format!("  {}", plural(count(of_it.len()), "computer"))),
        )?;
        let most = if view.details { of_it.len() } else { NAMED };
        let lines: Vec<Vec<Line>> = of_it.iter().take(most).map(|one| one_computer(one, change)).collect();
        table(2, view.width, &lines).iter().try_for_each(|line| pen.line(line))?;
        if let Some(left) = of_it.len().checked_sub(most).filter(|left| *left > 0) {
            let line = format!("  … {} more; --details shows them", thousands(count(left)));
            pen.line(&Line::new().with(Label::Dim, line))?;
        }
        pen.gap()?;
    }
    Ok(())
}

fn one_computer(one: &Difference, change: Change) -> Vec<Line> {
    let tenant = |tenant: Option<&Name>| tenant.map_or("-", Name::as_str).to_owned();
    let last = one.is.as_ref().or(one.was.as_ref());
    let name = last.map(|seen| seen.name.clone()).unwrap_or_default();
    let now = tenant(last.and_then(|seen| seen.tenant.as_ref()));
    let about = match (change, &one.was) {
        (Change::Renamed, Some(was)) => format!("was {}", was.name),
        (Change::Moved, Some(was)) => format!("was of {}", tenant(was.tenant.as_ref())),
        _ => String::new(),
    };
    vec![Line::new().with(Label::Plain, name), Line::new().text(now), Line::new().text(about)]
}
