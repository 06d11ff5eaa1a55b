//! Who came into the named targets and who left them, before the changes that follow from it.
//!
//! Invariant: one line for each target, whatever the number of computers; with details everybody is named.

use std::io;

use super::View;
use super::model::{Shift, shifts};
use super::style::{Label, Line, Pen};
use super::words::{count, thousands, wrap};
use crate::plan::document::Plan;

/// So many computers are named for each direction.
const FEW: usize = 3;
/// So many targets are shown without details.
const BOUND: usize = 8;

/// Writes the section; nothing when no target has changed.
///
/// # Errors
/// What the pen says.
pub fn write(pen: &mut dyn Pen, plan: &Plan, view: &View) -> io::Result<()> {
    let shifts = shifts(plan);
    if shifts.is_empty() {
        return Ok(());
    }
    pen.heading("Membership")?;
    let shown = if view.details { shifts.len() } else { BOUND };
    let width = shifts.iter().take(shown).map(|shift| shift.target.name.as_str().len()).max();
    for shift in shifts.iter().take(shown) {
        target(pen, shift, width.unwrap_or(0), view)?;
    }
    let more = shifts.len().saturating_sub(shown);
    if more > 0 {
        let text = format!("  and {} more; --details lists them", thousands(count(more)));
        pen.line(&Line::new().with(Label::Dim, text))?;
    }
    pen.gap()
}

fn target(pen: &mut dyn Pen, shift: &Shift<'_>, width: usize, view: &View) -> io::Result<()> {
    let mut head = Line::new().text("  ").with(Label::Heading, shift.target.name.as_str());
    head.pad_to(2 + width + 3);
    if shift.joined > 0 {
        head.push(Label::Add, format!("+{} ", thousands(shift.joined)));
    }
    if shift.left > 0 {
        head.push(Label::Remove, format!("-{} ", thousands(shift.left)));
    }
    head.pad_to(2 + width + 3 + 10);
    let text = shift.text(if view.details { usize::MAX } else { FEW });
    let at = head.width();
    for (number, part) in wrap(&text, view.width.saturating_sub(at)).into_iter().enumerate() {
        let line = if number == 0 { head.clone() } else { Line::new().text(" ".repeat(at)) };
        pen.line(&line.text(part))?;
    }
    Ok(())
}
