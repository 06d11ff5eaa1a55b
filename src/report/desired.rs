//! How two configurations differ in what they want, for people.
//!
//! Not here: the comparison (`plan::desired`).
//!
//! Invariant: the number of lines follows the kinds of difference and the tenants that are touched, not the computers.

use std::io::{self, Write};

use super::layout::table;
use super::sheet::{Cell, Column, Sheet, shown};
use super::style::{Label, Line, Pen};
use super::words::{count, list_within, plural, wrap};
use super::{View, json, markdown};
use crate::id::Name;
use crate::plan::desired::{DesiredChange, DesiredDiff, DiffKind, TenantDiff, Wanted};
use crate::plan::safeguards::SafeguardDiff;

/// So many computers are named instead of counted.
const FEW: usize = 3;

/// Writes a difference.
///
/// # Errors
/// What the pen says.
pub fn write(pen: &mut dyn Pen, diff: &DesiredDiff, view: &View) -> io::Result<()> {
    if !diff.deployments.is_empty() {
        pen.heading("Deployments")?;
        let rows: Vec<Vec<Line>> = diff
            .deployments
            .iter()
            .map(|entry| {
                let (marker, label) = match entry.kind {
                    DiffKind::Added => ("+ ", Label::Add),
                    DiffKind::Removed => ("- ", Label::Remove),
                    DiffKind::Changed => ("~ ", Label::Change),
                };
                let name =
                    Line::new().with(label, marker).with(Label::Heading, entry.deployment.name.as_str());
                vec![name, Line::new().with(Label::Dim, entry.deployment.place.to_string())]
            })
            .collect();
        lines(pen, &rows, view)?;
        pen.gap()?;
    }
    if !diff.safeguards.is_empty() {
        pen.heading("What keeps rollouts safe, and their order")?;
        let rows: Vec<Vec<Line>> = diff.safeguards.iter().map(safeguard).collect();
        lines(pen, &rows, view)?;
        pen.gap()?;
    }
    if diff.changes.is_empty() {
        pen.line(&Line::new().text("What is wanted is the same on every computer that is known."))?;
    } else {
        pen.heading("What is wanted otherwise")?;
        let rows: Vec<Vec<Line>> = diff.changes.iter().map(change).collect();
        lines(pen, &rows, view)?;
    }
    pen.gap()?;
    let (touched, same): (Vec<&TenantDiff>, Vec<&TenantDiff>) =
        diff.tenants.iter().partition(|tenant| is_touched(tenant));
    let named = |tenant: &TenantDiff| {
        let name = tenant.tenant.as_ref().map_or("(no tenant)", Name::as_str);
        format!("{name} ({} of {})", tenant.touched, tenant.computers)
    };
    let list: Vec<String> = touched.iter().map(|tenant| named(tenant)).collect();
    let text = if list.is_empty() { "no tenant".to_owned() } else { list.join(", ") };
    fact(pen, "Touched", &text, view)?;
    let computers: u64 = same.iter().map(|tenant| u64::from(tenant.computers)).sum();
    let text = if same.is_empty() {
        "no tenant".to_owned()
    } else {
        format!(
            "{} with {}: what is wanted there is the same, item by item",
            plural(count(same.len()), "tenant"),
            plural(computers, "computer")
        )
    };
    fact(pen, "Not touched", &text, view)?;
    if view.details {
        for tenant in &diff.tenants {
            let name = tenant.tenant.as_ref().map_or("(no tenant)", Name::as_str);
            let sums = format!("{} -> {}", tenant.before.short(), tenant.after.short());
            pen.line(&Line::new().text(format!("    {name}  ")).with(Label::Code, sums))?;
        }
    }
    if diff.unclear > 0 {
        let text = format!(
            "{}: which deployment wins is not known before their facts, or the answers of scripts, are",
            plural(diff.unclear.into(), "computer")
        );
        fact(pen, "Not known", &text, view)?;
    }
    if diff.computers == 0 {
        let text = "no computers: nothing is remembered yet, so only documents are compared";
        fact(pen, "Known", text, view)?;
    }
    Ok(())
}

/// Writes a line of NDJSON for each deployment and safeguard that differs, each change and each tenant.
///
/// # Errors
/// What the writer says.
pub fn ndjson(out: &mut dyn Write, diff: &DesiredDiff) -> io::Result<()> {
    diff.deployments.iter().try_for_each(|entry| json::event(out, "deployment", entry))?;
    diff.safeguards.iter().try_for_each(|safeguard| json::event(out, "safeguard", safeguard))?;
    diff.changes.iter().try_for_each(|change| json::event(out, "change", change))?;
    diff.tenants.iter().try_for_each(|tenant| json::event(out, "tenant", tenant))
}

const CHANGES: &[Column] = &[
    shown("kind", "+-"),
    shown("title", "What"),
    shown("before", "Before"),
    shown("after", "After"),
    shown("computers", "Computers"),
    shown("names", "Who"),
    shown("place", "Declared in"),
];

/// Writes a difference for a comment on a pull request.
///
/// # Errors
/// What the writer says.
pub fn markdown(out: &mut dyn Write, title: &str, diff: &DesiredDiff) -> io::Result<()> {
    let computers: u64 = diff.tenants.iter().map(|tenant| u64::from(tenant.touched)).sum();
    let touched: Vec<&TenantDiff> = diff.tenants.iter().filter(|tenant| is_touched(tenant)).collect();
    let on = plural(computers, "computer");
    let of = plural(count(touched.len()), "tenant");
    let what = plural(count(diff.changes.len()), "difference");
    writeln!(out, "**{what} in what is wanted, on {on} of {of}.**\n\n{}\n", markdown::cell(title))?;
    let row = |change: &DesiredChange| {
        let (marker, _) = marker(change);
        let text = |side: &Option<Wanted>| side.as_ref().map(|wanted| wanted.text.clone());
        let place = change.after.as_ref().or(change.before.as_ref()).map(|wanted| &wanted.deployment.place);
        vec![
            Cell::text(marker.trim_end()),
            Cell::text(&change.title),
            Cell::maybe(text(&change.before)),
            Cell::maybe(text(&change.after)),
            Cell::count(count(change.computers.len())),
            Cell::list(&change.computers),
            Cell::maybe(place),
        ]
    };
    let sheet = Sheet { row: "change", columns: CHANGES, rows: diff.changes.iter().map(row).collect() };
    sheet.markdown(out, "What is wanted is the same on every computer that is known.")?;
    for (at, guard) in diff.safeguards.iter().enumerate() {
        let begin = if at == 0 { "\nWhat keeps rollouts safe, and their order:\n\n" } else { "" };
        let cells: Vec<String> =
            safeguard(guard).iter().map(|cell| markdown::cell(&cell.to_string())).collect();
        writeln!(out, "{begin}- {}", cells.join(" "))?;
    }
    let untouched = diff.tenants.len().saturating_sub(touched.len());
    writeln!(out, "\nNot touched: {}.", plural(count(untouched), "tenant"))?;
    if diff.unclear > 0 {
        let unclear = plural(diff.unclear.into(), "computer");
        writeln!(
            out,
            "\nNot known: {unclear}; which deployment wins there hangs on their facts, or on the answers of scripts."
        )?;
    }
    if diff.computers == 0 {
        writeln!(out, "\nNo computer is known yet, so only documents are compared.")?;
    }
    Ok(())
}

fn safeguard(diff: &SafeguardDiff) -> Vec<Line> {
    let (marker, label) = match diff.kind {
        DiffKind::Added => ("+ ", Label::Add),
        DiffKind::Removed => ("- ", Label::Remove),
        DiffKind::Changed => ("~ ", Label::Change),
    };
    let states = match (&diff.before, &diff.after) {
        (None, None) => String::new(),
        (Some(only), None) | (None, Some(only)) => format!(": {only}"),
        (Some(before), Some(after)) => format!(": {before} -> {after}"),
    };
    let what = Line::new().with(label, marker).with(Label::Heading, &diff.what).text(states);
    vec![what, Line::new().with(Label::Dim, diff.place.clone().unwrap_or_default())]
}

fn is_touched(tenant: &TenantDiff) -> bool {
    tenant.touched > 0 || tenant.before != tenant.after
}

fn marker(change: &DesiredChange) -> (&'static str, Label) {
    match (&change.before, &change.after) {
        (None, _) => ("+ ", Label::Add),
        (_, None) => ("- ", Label::Remove),
        _ => ("~ ", Label::Change),
    }
}

fn change(change: &DesiredChange) -> Vec<Line> {
    let (marker, label) = marker(change);
    let text = |side: &Option<Wanted>| {
        side.as_ref().map_or_else(|| "not managed".to_owned(), |wanted| wanted.text.clone())
    };
    let (before, after) = (text(&change.before), text(&change.after));
    let states = if before == after {
        format!(": {after}, by other scripts, values or rules")
    } else {
        format!(": {before} -> {after}")
    };
    let what = Line::new().with(label, marker).with(Label::Heading, &change.title).text(states);
    let names: Vec<&str> = change.computers.iter().map(String::as_str).collect();
    let who = if names.len() <= FEW {
        names.join(", ")
    } else {
        let tenants: Vec<&str> = change.tenants.iter().map(Name::as_str).collect();
        let tenants = match tenants.as_slice() {
            [] => String::new(),
            few if few.len() <= FEW => format!(", {}", list_within(few, FEW, 60)),
            many => format!(", {}", plural(count(many.len()), "tenant")),
        };
        format!("{}{tenants}", plural(count(names.len()), "computer"))
    };
    let place = change.after.as_ref().or(change.before.as_ref());
    let place = place.map(|wanted| wanted.deployment.place.to_string()).unwrap_or_default();
    vec![what, Line::new().text(who), Line::new().with(Label::Dim, place)]
}

fn lines(pen: &mut dyn Pen, rows: &[Vec<Line>], view: &View) -> io::Result<()> {
    table(2, view.width, rows).iter().try_for_each(|line| pen.line(line))
}

fn fact(pen: &mut dyn Pen, title: &str, text: &str, view: &View) -> io::Result<()> {
    for (at, part) in wrap(text, view.width.saturating_sub(13)).into_iter().enumerate() {
        let mut line = Line::new();
        line.push(Label::Heading, if at == 0 { title } else { "" });
        line.pad_to(13);
        pen.line(&line.text(part))?;
    }
    Ok(())
}
