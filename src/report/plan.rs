//! The plan for people: what happens, to how many, why and where it is written; then what is not known.
//!
//! Not here: deciding (`plan`), the numbers (`summary`) and what reads the same (`model`).
//!
//! Invariants: the number of lines follows the kinds of change and of notes, never the number of computers (L12);
//! removals name computers (L14); with `details` everything is there.

use std::io;

use super::layout::Columns;
use super::model::{Block, about, blocks};
use super::style::{Label, Line, Pen};
use super::summary::{Summary, why_nothing};
use super::words::{count, list, list_within, plural, thousands, wrap, wrap_steady};
use super::{View, notes, terms};
use crate::inventory::item::Observed;
use crate::plan::document::{NoteKind, Plan};

/// So many computers are named instead of counted.
const FEW: usize = 3;
/// Columns for the computers of a change.
const WHO: usize = 30;
/// So many computers of a removal are named without `details`.
const REMOVALS: usize = 12;

/// Writes a plan.
///
/// # Errors
/// What the pen says.
pub fn write(pen: &mut dyn Pen, plan: &Plan, view: &View) -> io::Result<()> {
    let summary = Summary::of(plan);
    header(pen, plan, view)?;
    pen.gap()?;
    super::membership::write(pen, plan, view)?;
    if plan.changes.is_empty() {
        for line in wrap(&why_nothing(plan, &summary), view.width) {
            pen.line(&Line::new().text(line))?;
        }
    } else {
        pen.heading("Changes")?;
        changes(pen, plan, view)?;
        if summary.changes == 0 {
            pen.gap()?;
            pen.line(&Line::new().text(why_nothing(plan, &summary)))?;
        }
    }
    notes::write(pen, plan, view)?;
    super::policy::write(pen, plan, view)?;
    pen.gap()?;
    if summary.changes > 0 {
        notes::fact(pen, "Touches", &summary.extent(), Label::Plain, view)?;
    }
    notes::not_known(pen, plan, view)?;
    coverage(pen, plan, view)?;
    last(pen, plan, &summary, view)
}

/// What was planned, on which revision, limited to what.
fn header(pen: &mut dyn Pen, plan: &Plan, view: &View) -> io::Result<()> {
    let about = about(plan);
    let mut line = Line::new().with(Label::Heading, about.instance);
    match about.commit {
        Some(commit) => {
            line.push(Label::Plain, " @ ");
            line.push(Label::Code, commit);
            if let Some(subject) = about.subject {
                line.push(Label::Plain, format!("  \"{subject}\""));
            }
            if about.dirty {
                line.push(Label::Warning, "  with uncommitted changes");
            }
        }
        None => line.push(Label::Warning, "  not in git"),
    }
    pen.line(&line)?;
    let limits = about.limits.iter().map(|text| (Label::Dim, text));
    for (label, text) in limits.chain(about.hypothetical.iter().map(|text| (Label::Warning, text))) {
        for text in wrap(text, view.width) {
            pen.line(&Line::new().with(label, text))?;
        }
    }
    Ok(())
}

fn changes(pen: &mut dyn Pen, plan: &Plan, view: &View) -> io::Result<()> {
    // With details nothing is put together: parameters and what is there may differ.
    let blocks = blocks(plan, !view.details);
    let rows: Vec<Vec<Line>> = blocks
        .iter()
        .map(|block| {
            let (marker, label) = block.marker;
            let mut what = Line::new().with(label, format!("{marker} "));
            what.append(&block.what);
            let who = Line::new().text(block.who(FEW, WHO));
            let place = Line::new().with(Label::Dim, block.place.to_string());
            vec![what, who, block.why.clone(), place]
        })
        .collect();
    let layout = Columns { indent: 2, width: view.width, least: &[0, WHO + 4] };
    for (block, lines) in blocks.iter().zip(layout.rows(&rows)) {
        for line in &lines {
            pen.line(line)?;
        }
        if !view.details {
            super::fields::write(pen, &block.fields, view)?;
        }
        if view.details {
            details(pen, block, view)?;
        } else if block.removal {
            let room = view.width.saturating_sub(10);
            let names = list_within(&block.names(), REMOVALS, room);
            pen.line(&Line::new().text("      ").with(Label::Remove, names))?;
        }
    }
    Ok(())
}

/// Everything about one change: who declared it, with what, on which computers.
fn details(pen: &mut dyn Pen, block: &Block<'_>, view: &View) -> io::Result<()> {
    let room = view.width.saturating_sub(20);
    for change in &block.changes {
        let mut field = |name: &str, text: &str| -> io::Result<()> {
            for (at, part) in wrap(text, room).into_iter().enumerate() {
                let mut line = Line::new().text("      ");
                line.push(Label::Dim, if at == 0 { name } else { "" });
                line.pad_to(18);
                pen.line(&line.text(part))?;
            }
            Ok(())
        };
        field("deployment", change.deployment.name.as_str())?;
        field("item", &format!("{} {}", terms::code(&change.item.kind), change.item))?;
        field("mode", &change.mode.to_string())?;
        field("before", &terms::observed(&change.before))?;
        for line in terms::observed_text(&change.before).into_iter().flat_map(str::lines).skip(1) {
            field("", line)?;
        }
        if let Observed::NonCompliant { fields, .. } = &change.before {
            for found in fields {
                field("field", &format!("{}: {}", found.field, found.phrase()))?;
                for line in found.diff.iter().flat_map(|diff| diff.lines()) {
                    field("", line)?;
                }
            }
        }
        field("after", &terms::observed(&change.after))?;
        for (name, value) in &change.parameters {
            let origin = change.origins.get(name).map(terms::value_origin).unwrap_or_default();
            field("parameter", &format!("{name} = {}{origin}", value.to_json()))?;
        }
        if let Some(license) = &change.license {
            field("license", license.as_str())?;
        }
        field("content", change.content.short())?;
        let names = block.names();
        field("computers", &list(&names, names.len()))?;
    }
    Ok(())
}

/// What the plan covers; the numbers add up.
fn coverage(pen: &mut dyn Pen, plan: &Plan, view: &View) -> io::Result<()> {
    let coverage = &plan.coverage;
    let mut parts = vec![
        format!("{} of {}", thousands(coverage.known.into()), plural(coverage.managed(), "computer")),
        format!("{} of {}", thousands(coverage.detected), plural(coverage.checks, "check")),
    ];
    if coverage.not_applicable > 0 {
        parts.push(format!("{} not applicable", thousands(coverage.not_applicable)));
    }
    if coverage.unmanaged > 0 {
        let held = plan.notes.iter().any(|note| note.kind == NoteKind::OnHold);
        let what = if held { "nothing wanted, or on hold, of" } else { "nothing wanted of" };
        parts.push(format!("{what} {}", plural(coverage.unmanaged.into(), "computer")));
    }
    notes::fact(pen, "Coverage", &parts.join(", "), Label::Plain, view)
}

fn last(pen: &mut dyn Pen, plan: &Plan, summary: &Summary, view: &View) -> io::Result<()> {
    let title = format!("Plan {}", plan.digest.short());
    let mut text = summary.sentence();
    let impact = terms::impact(&plan.impact);
    if !impact.is_empty() {
        text = format!("{text}; {impact}");
    }
    let room = view.width.saturating_sub(2 + title.len());
    for (at, part) in wrap_steady(&text, room.max(20)).into_iter().enumerate() {
        let line = if at == 0 {
            Line::new().with(Label::Heading, "Plan ").with(Label::Code, plan.digest.short())
        } else {
            Line::new().text(" ".repeat(title.len()))
        };
        pen.line(&line.text("  ").with(Label::Heading, part))?;
    }
    Ok(())
}

/// How many lines a plan takes; for tests of L12 and for a pager.
#[must_use]
pub fn height(plan: &Plan, view: &View) -> u64 {
    let mut pen = super::style::Recording::default();
    // A recording does not fail.
    _ = write(&mut pen, plan, view);
    count(pen.lines.len())
}
