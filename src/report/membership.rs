//! Who came into the named targets and who left them, before the changes that follow from it.
//!
//! Invariant: one line for each target, whatever the number of computers; with details everybody is named.

use std::io;

use super::View;
use super::style::{Label, Line, Pen};
use super::words::{list, thousands, wrap};
use crate::plan::document::{MembershipChange, Moved, Plan};

/// So many computers are named for each direction.
const FEW: usize = 3;
/// So many targets are shown without details.
const BOUND: usize = 8;

/// Writes the section; nothing when no target has changed.
///
/// # Errors
/// What the pen says.
pub fn write(pen: &mut dyn Pen, plan: &Plan, view: &View) -> io::Result<()> {
    if plan.memberships.is_empty() {
        return Ok(());
    }
    pen.heading("Membership")?;
    let shown = if view.details { plan.memberships.len() } else { BOUND };
    let width = plan.memberships.iter().take(shown).map(|change| change.target.name.as_str().len()).max();
    for change in plan.memberships.iter().take(shown) {
        target(pen, change, width.unwrap_or(0), view)?;
    }
    let more = plan.memberships.len().saturating_sub(shown);
    if more > 0 {
        let text = format!("  and {} more; --details lists them", thousands(more as u64));
        pen.line(&Line::new().with(Label::Dim, text))?;
    }
    pen.gap()
}

fn target(pen: &mut dyn Pen, change: &MembershipChange, width: usize, view: &View) -> io::Result<()> {
    let number = |moved: &[Moved]| moved.iter().map(|moved| moved.computers.len()).sum::<usize>();
    let (joined, left) = (number(&change.joined), number(&change.left));
    let mut head = Line::new().text("  ").with(Label::Heading, change.target.name.as_str());
    head.pad_to(2 + width + 3);
    if joined > 0 {
        head.push(Label::Add, format!("+{} ", thousands(joined as u64)));
    }
    if left > 0 {
        head.push(Label::Remove, format!("-{} ", thousands(left as u64)));
    }
    head.pad_to(2 + width + 3 + 10);
    let few = if view.details { usize::MAX } else { FEW };
    let sides = [("joined", &change.joined), ("left", &change.left)];
    let texts: Vec<String> = sides
        .into_iter()
        .flat_map(|(word, moved)| moved.iter().take(few).map(move |moved| (word, moved)))
        .map(|(word, moved)| {
            let names: Vec<&str> = moved.computers.iter().map(String::as_str).collect();
            let why = if moved.why.is_empty() { String::new() } else { format!(" ({})", moved.why) };
            format!("{} {word}{why}", list(&names, few.min(names.len())))
        })
        .collect();
    let at = head.width();
    for (number, part) in wrap(&texts.join("; "), view.width.saturating_sub(at)).into_iter().enumerate() {
        let line = if number == 0 { head.clone() } else { Line::new().text(" ".repeat(at)) };
        pen.line(&line.text(part))?;
    }
    Ok(())
}
