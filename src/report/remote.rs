//! Remote access of one computer: what holds and who says so, how far it is, and the link or the rule that refuses.

use std::io;

use super::View;
use super::layout::table;
use super::sheet::{Cell, Column, Sheet, further, shown};
use super::style::{Label, Line, Pen};
use super::terms::code;
use super::words::moment;
use crate::config::kind::Consent;
use crate::remote::effective::{Effective, Origin, Setting};
use crate::remote::standing::Standing;
use crate::remote::status::Status;

const fn switch(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

const fn consent(consent: Consent) -> &'static str {
    match consent {
        Consent::Required => "required",
        Consent::NotRequired => "not required",
    }
}

fn by(origins: &[Origin]) -> Line {
    if origins.is_empty() {
        return Line::new().with(Label::Dim, "default");
    }
    let one = |origin: &Origin| {
        let place = &origin.place;
        format!("policy {} by package {} ({}:{})", origin.policy, origin.package, place.file, place.line)
    };
    Line::new().text(origins.iter().map(one).collect::<Vec<_>>().join(", "))
}

fn row<T>(title: &str, value: impl AsRef<str>, setting: &Setting<T>) -> Vec<Line> {
    vec![Line::new().with(Label::Heading, title), Line::new().text(value.as_ref()), by(&setting.origins)]
}

fn settings(effective: &Effective) -> Vec<Vec<Line>> {
    let Effective { provider, consent: asks, agent_auto_update, notification_balloon, roles } = effective;
    let names: Vec<&str> = roles.value.iter().map(String::as_str).collect();
    vec![
        row("provider", provider.value.as_str(), provider),
        row("consent", consent(asks.value), asks),
        row("agent updates itself", switch(agent_auto_update.value), agent_auto_update),
        row("notification balloon", switch(notification_balloon.value), notification_balloon),
        row("roles", names.join(", "), roles),
    ]
}

/// The status in a line.
#[must_use]
pub fn status(status: &Status, view: &View) -> Line {
    match status {
        Status::NotEnabled => Line::new().with(Label::Dim, "not enabled"),
        Status::Pending { since: None } => {
            Line::new().with(Label::Held, "pending").text(": nobody has looked yet")
        }
        Status::Pending { since: Some(since) } => {
            Line::new().with(Label::Held, "pending").text(format!(" since {}", moment(*since, &view.zone)))
        }
        Status::Installed => Line::new().with(Label::Good, "installed"),
        Status::Failed { text, at } => {
            Line::new().with(Label::Error, "failed").text(format!(" at {}: {text}", moment(*at, &view.zone)))
        }
    }
}

/// Writes how a computer stands.
///
/// # Errors
/// What the pen says.
pub fn write(pen: &mut dyn Pen, standing: &Standing, view: &View) -> io::Result<()> {
    let tenant = standing.tenant.as_ref().map_or("no tenant", |tenant| tenant.as_str());
    let site = if standing.sites.is_empty() { "no site".to_owned() } else { standing.sites.join(", ") };
    pen.line(&Line::new().with(Label::Heading, &standing.name).text(format!("  {tenant}, {site}")))?;
    let mut line = Line::new().text("remote access: ");
    line.append(&status(&standing.status, view));
    pen.line(&line)?;
    if let Some(effective) = &standing.effective {
        table(2, view.width, &settings(effective)).iter().try_for_each(|line| pen.line(line))?;
    }
    let needs = standing.needs.iter().map(|needs| {
        let there = if needs.there {
            Line::new().with(Label::Good, "there")
        } else {
            Line::new().with(Label::Held, "not seen there")
        };
        let place = format!("policy {} ({}:{})", needs.policy, needs.place.file, needs.place.line);
        vec![Line::new().with(Label::Heading, needs.item.to_string()), there, Line::new().text(place)]
    });
    let needs: Vec<Vec<Line>> = needs.collect();
    table(2, view.width, &needs).iter().try_for_each(|line| pen.line(line))
}

const COMPUTERS: &[Column] = &[
    further("computer"),
    shown("name", "Computer"),
    shown("tenant", "Tenant"),
    shown("sites", "Site"),
    shown("status", "Remote access"),
    shown("since", "Since"),
    shown("text", "Because"),
    shown("provider", "Provider"),
    shown("consent", "Consent"),
    shown("policies", "Policies"),
    shown("refused", "Refused"),
    shown("link", "Link"),
];

/// A computer in a table, with what became of a wish for a session, if there was one.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// How it stands.
    pub standing: &'a Standing,
    /// Why a session is refused.
    pub refused: Option<&'a str>,
    /// The link.
    pub link: Option<&'a str>,
}

/// Computers as a table.
#[must_use]
pub fn sheet(rows: &[Row<'_>]) -> Sheet {
    let row = |row: &Row<'_>| {
        let standing = row.standing;
        let (status, since, text) = match &standing.status {
            Status::NotEnabled => ("not-enabled", None, None),
            Status::Pending { since } => ("pending", *since, None),
            Status::Installed => ("installed", None, None),
            Status::Failed { text, at } => ("failed", Some(*at), Some(text)),
        };
        let effective = standing.effective.as_ref();
        let origins =
            effective.map(|effective| effective.provider.origins.iter().map(|origin| &origin.policy));
        vec![
            Cell::text(&standing.computer),
            Cell::text(&standing.name),
            Cell::maybe(standing.tenant.as_ref()),
            Cell::list(&standing.sites),
            Cell::text(status),
            Cell::maybe(since),
            Cell::maybe(text),
            Cell::maybe(effective.map(|effective| &effective.provider.value)),
            Cell::maybe(effective.map(|effective| code(&effective.consent.value))),
            origins.map_or(Cell::Nothing, Cell::list),
            Cell::maybe(row.refused),
            Cell::maybe(row.link),
        ]
    };
    Sheet { row: "computer", columns: COMPUTERS, rows: rows.iter().map(row).collect() }
}
