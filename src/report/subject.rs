//! What a deployment, a bundle, a target, a software or a task is, for people (`muster explain`).
//!
//! Not here: what is told (`plan::subject`).

use std::io;

use super::View;
use super::layout::table;
use super::style::{Label, Line, Pen};
use super::words::{plural, thousands, wrap};
use crate::plan::document::Origin;
use crate::plan::subject::{AboutBundle, AboutDeployment, AboutItem, AboutTarget, Share, Use};

/// The column in which what is told begins.
const TOLD: usize = 12;

/// Writes a heading: a name, what it is, and its place.
fn title(pen: &mut dyn Pen, origin: &Origin, what: &str) -> io::Result<()> {
    let line = Line::new().with(Label::Heading, origin.name.as_str()).text(format!("  {what}"));
    pen.line(&line.with(Label::Dim, format!("  {}", origin.place)))
}

fn fact(pen: &mut dyn Pen, title: &str, label: Label, text: &str, view: &View) -> io::Result<()> {
    for (at, part) in wrap(text, view.width.saturating_sub(TOLD)).into_iter().enumerate() {
        let mut line = Line::new().text("  ").with(Label::Heading, if at == 0 { title } else { "" });
        line.pad_to(TOLD);
        pen.line(&line.with(label, part))?;
    }
    Ok(())
}

/// "3 computers", and those of which too little is known.
fn selected(selects: u64, unknown: u64) -> String {
    match unknown {
        0 => plural(selects, "computer"),
        unknown => format!(
            "{}, and {} of which too little is known",
            plural(selects, "computer"),
            thousands(unknown)
        ),
    }
}

/// Writes what a deployment is, whom it reaches, and why it does not act where it does not.
///
/// # Errors
/// What the pen says.
pub fn deployment(pen: &mut dyn Pen, about: &AboutDeployment, view: &View) -> io::Result<()> {
    let what = match &about.bundle {
        Some(bundle) => format!("deployment of {}, an entry of the bundle {}", about.item, bundle.name),
        None => format!("deployment of {}", about.item),
    };
    title(pen, &about.deployment, &what)?;
    fact(pen, "Says", Label::Plain, &about.says, view)?;
    fact(pen, "Selects", Label::Plain, &selected(about.selects, about.unknown), view)?;
    if let Some(gate) = &about.gate {
        return fact(pen, "Does", Label::Warning, &format!("nothing: {gate}"), view);
    }
    if let Some(held) = &about.held {
        fact(pen, "Does", Label::Warning, &format!("nothing where it wins: {held}"), view)?;
    }
    let on = |count: u64| format!("on {}", plural(count, "computer"));
    fact(pen, "Wins", Label::Plain, &on(about.wins), view)?;
    for Share { what, computers } in &about.loses {
        fact(pen, "Loses", Label::Plain, &format!("{} to {what}", on(*computers)), view)?;
    }
    for Share { what, computers } in &about.exempt {
        fact(pen, "Not on", Label::Plain, &format!("{}: {what}", plural(*computers, "computer")), view)?;
    }
    if about.open > 0 {
        let said = format!("{} nobody wins: a tie, or facts are missing", on(about.open));
        fact(pen, "Open", Label::Warning, &said, view)?;
    }
    Ok(())
}

/// Writes a bundle with its entries.
///
/// # Errors
/// What the pen says.
pub fn bundle(pen: &mut dyn Pen, about: &AboutBundle, view: &View) -> io::Result<()> {
    let entries = u64::try_from(about.deployments.len()).unwrap_or(u64::MAX);
    title(pen, &about.bundle, &format!("bundle of {}", plural(entries, "deployment")))?;
    for entry in &about.deployments {
        pen.gap()?;
        deployment(pen, entry, view)?;
    }
    Ok(())
}

/// Writes a target: whom it selects, and what uses it.
///
/// # Errors
/// What the pen says.
pub fn target(pen: &mut dyn Pen, about: &AboutTarget, view: &View) -> io::Result<()> {
    title(pen, &about.target, "target")?;
    let whom = about.says.strip_prefix("on ").unwrap_or(&about.says);
    fact(pen, "Selects", Label::Plain, &format!("{whom}: {}", selected(about.selects, about.unknown)), view)?;
    fact(pen, "At most", Label::Plain, &about.mode.to_string(), view)?;
    uses(pen, &about.uses, view)
}

/// Writes a software or task: what it is, and what uses it.
///
/// # Errors
/// What the pen says.
pub fn item(pen: &mut dyn Pen, about: &AboutItem, view: &View) -> io::Result<()> {
    let what = super::terms::code(&about.item.kind);
    title(pen, &Origin { name: about.item.name.clone(), place: about.place.clone() }, &what)?;
    if let Some(title) = &about.title {
        fact(pen, "Title", Label::Plain, title, view)?;
    }
    if let Some(latest) = &about.latest {
        fact(pen, "Latest", Label::Plain, latest, view)?;
    }
    if !about.enabled {
        fact(pen, "Does", Label::Warning, "nothing: it is disabled everywhere", view)?;
    }
    uses(pen, &about.uses, view)
}

fn uses(pen: &mut dyn Pen, uses: &[Use], view: &View) -> io::Result<()> {
    if uses.is_empty() {
        return fact(pen, "Used by", Label::Warning, "nothing", view);
    }
    fact(pen, "Used by", Label::Plain, "", view)?;
    let row = |used: &Use| {
        vec![
            Line::new().text(used.kind),
            Line::new().with(Label::Heading, used.name.as_ref().map_or("", |name| name.as_str())),
            Line::new().text(&used.how),
            Line::new().with(Label::Dim, used.place.as_ref().map(ToString::to_string).unwrap_or_default()),
        ]
    };
    let rows: Vec<Vec<Line>> = uses.iter().map(row).collect();
    table(4, view.width, &rows).iter().try_for_each(|line| pen.line(line))
}
