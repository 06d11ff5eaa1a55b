//! `muster resolve`: the computers that a target selects, each with the reason.

use std::fmt::Write as _;

use serde_json::json;

use crate::cli::arguments::{Form, Resolve};
use crate::cli::context::{Opened, Shell};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::planning;
use crate::config::kind::Match;
use crate::id::Name;
use crate::plan::document::Options;
use crate::plan::needs::Refresh;
use crate::report::layout::table;
use crate::report::sheet::{Cell, Column, Sheet, further, shown};
use crate::report::style::{Label, Line};
use crate::report::words::{count, plural};
use crate::session::control::Control;
use crate::targets;

const MEMBERS: &[Column] = &[
    further("computer"),
    shown("name", "Computer"),
    shown("tenant", "Tenant"),
    shown("certain", "Certain"),
    shown("reason", "Why"),
];

pub(in crate::cli) async fn run(
    shell: &mut Shell,
    command: &Resolve,
    control: &Control,
) -> Result<Exit, CliError> {
    let opened = shell.open(command.revision.rev.as_deref())?;
    let expression = expression(&opened, &command.target)?;
    let links = shell.links(&opened)?;
    let store = shell.store(&opened).await?;
    let refresh = if command.offline { Refresh::Never } else { Refresh::Auto };
    let mut wish = planning::wish_of(Options::default(), refresh, command.offline)?;
    wish.as_of = command.as_of;
    wish.also.push(expression.clone());
    let prepared = planning::prepare(shell, &opened, &links, &store, control, &wish).await?;
    let resolved = match targets::resolve(&expression, &opened.config, None) {
        Ok(resolved) => resolved,
        Err(findings) => {
            shell.report(&findings, &opened.config.sources);
            return Err(CliError::reported(Exit::Configuration));
        }
    };
    let snapshot = &prepared.snapshot;
    let place = opened.config.targets.get(command.target.as_str()).map(|target| target.place.clone());
    let mut unclear = targets::unclear_computers(&resolved, snapshot, place.as_ref());
    unclear.extend(targets::unclear(&resolved, snapshot, place.as_ref()));
    shell.report(&unclear, &opened.config.sources);
    let membership = targets::evaluate(&resolved, snapshot);
    let unknown = membership.unknown();
    let roads = targets::Roads::new(&resolved, snapshot);
    let reason = |ix: u32| match roads.road(ix) {
        Some(road) => road.to_string(),
        None => roads.why_not(ix).map(|why| why.to_string()).unwrap_or_default(),
    };
    let members = membership.certain.iter().map(|ix| (ix, true));
    let members: Vec<(u32, bool)> = members.chain(unknown.iter().map(|ix| (ix, false))).collect();
    if shell.global.output == Form::Human {
        let rows: Vec<Vec<Line>> = members
            .iter()
            .map(|(ix, certain)| {
                let computer = snapshot.computer(*ix);
                let tenant = computer.tenant.as_ref().map_or("-", Name::as_str);
                let reason = reason(*ix);
                let reason = if *certain {
                    Line::new().text(reason)
                } else {
                    Line::new().with(Label::Warning, reason)
                };
                vec![Line::new().with(Label::Heading, &computer.name), Line::new().text(tenant), reason]
            })
            .collect();
        let view = shell.view(false);
        shell.ui.data(|pen| table(0, view.width, &rows).iter().try_for_each(|line| pen.line(line)))?;
        let mut said = plural(membership.certain.len(), "computer");
        if !unknown.is_empty() {
            // Writing into a string cannot fail.
            let _ = write!(said, ", and {} of which too little is known", unknown.len());
        }
        let all = plural(count(snapshot.len()), "computer");
        shell.ui.status(&Line::new().text(format!("{said}, of {all}")));
    } else {
        let row = |(ix, certain): &(u32, bool)| {
            let computer = snapshot.computer(*ix);
            vec![
                Cell::text(&computer.id),
                Cell::text(&computer.name),
                Cell::maybe(computer.tenant.as_ref()),
                Cell::Flag(*certain),
                Cell::Text(reason(*ix)),
            ]
        };
        let sheet = Sheet { row: "member", columns: MEMBERS, rows: members.iter().map(row).collect() };
        let whole = |rows| json!({ "target": command.target, "computers": snapshot.len(), "members": rows });
        shell.sheet(&sheet, "It selects no computer.", "resolve", whole)?;
    }
    Ok(if unclear.has_errors() {
        Exit::Configuration
    } else if prepared.has_failed_source() {
        Exit::Source
    } else {
        Exit::Done
    })
}

/// A target's name, or one-line selectors.
fn expression(opened: &Opened, text: &str) -> Result<Match, CliError> {
    let targets = &opened.config.targets;
    if let Some(target) = targets.get(text) {
        return Ok(target.expression.clone());
    }
    if text.contains(':') || ["every", "onboarding"].contains(&text) {
        return targets::parse_line(text).map_err(|error| CliError::selector(text, &error));
    }
    Err(CliError::unknown("target called", text, targets.keys().map(Name::as_str)))
}
