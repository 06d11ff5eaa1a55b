//! The page's charts: changes by tenant and by item, and how the checks stand, in all, by tenant and by item.
//!
//! Not here: the numbers (`model`) and the shapes on the page (`page.html`).
//!
//! Invariants: a chart has at most [`BARS`] rows and says how many there are besides; every shape has a text that says
//! the same, so nothing is said by colour or length alone.

use std::fmt::Write as _;

use serde::Serialize;

use super::super::model::{Model, Part, Share, Standing, percent, worst};
use super::super::words::{plural, thousands};
use super::page::{further, shown};
use crate::plan::document::Plan;

/// So many bars a chart has.
pub(super) const BARS: usize = 12;
/// How wide a chart is, in its own units.
const WIDE: u64 = 1000;

/// What stands below each other: all of tenants, or all of items.
#[derive(Serialize)]
pub(super) struct Side {
    changes: Option<Chart>,
    compliance: Option<Compliance>,
}

/// Changes, a bar as long as there are many of them.
#[derive(Serialize)]
struct Chart {
    title: &'static str,
    bars: Vec<Bar>,
    more: Option<String>,
    legend: bool,
}

#[derive(Serialize)]
struct Bar {
    name: String,
    label: String,
    removals: u64,
    others: u64,
    number: String,
}

/// How all checks stand, in one bar.
#[derive(Serialize)]
pub(super) struct Stack {
    title: String,
    label: String,
    parts: Vec<Segment>,
    coverage: String,
}

#[derive(Serialize)]
struct Segment {
    class: &'static str,
    word: &'static str,
    number: String,
    at: u64,
    width: u64,
}

/// How the checks of each tenant or item stand, the worst first.
#[derive(Serialize)]
struct Compliance {
    title: &'static str,
    rows: Vec<Row>,
    more: Option<String>,
}

#[derive(Serialize)]
struct Row {
    name: String,
    label: String,
    parts: Vec<Segment>,
    percent: String,
}

/// The charts of tenants and those of items, as far as there is something to draw. One tenant stands as all do.
pub(super) fn sides(model: &Model<'_>) -> Vec<Side> {
    let tenants = Side {
        changes: changes("Changes by tenant", &model.tenants, "tenant"),
        compliance: compliance("As wanted by tenant, least first", &model.tenants, "tenant", 2),
    };
    let items = Side {
        changes: changes("Changes by item", &model.items, "item"),
        compliance: compliance("As wanted by item, least first", &model.items, "item", 1),
    };
    [tenants, items].into_iter().filter(|side| side.changes.is_some() || side.compliance.is_some()).collect()
}

fn changes(title: &'static str, shares: &[Share], what: &str) -> Option<Chart> {
    let with: Vec<&Share> = shares.iter().filter(|share| share.changes > 0).collect();
    let most = with.first()?.changes;
    let more = with.get(BARS..).unwrap_or_default();
    let rest: u64 = more.iter().map(|share| share.changes).sum();
    let others = || format!("{} with {}", further(more.len(), what), plural(rest, "change"));
    Some(Chart {
        title,
        bars: with.iter().take(BARS).map(|share| bar(share, most)).collect(),
        more: (!more.is_empty()).then(others),
        legend: with.iter().any(|share| share.removals > 0),
    })
}

fn bar(share: &Share, most: u64) -> Bar {
    // A change can be seen, however few there are of it.
    let scaled = |number: u64| if number == 0 { 0 } else { scale(number, most).max(4) };
    let removals = scaled(share.removals);
    Bar {
        name: shown(&share.name),
        label: shown(&format!(
            "{}: {}, {} of them, on {}",
            share.name,
            plural(share.changes, "change"),
            plural(share.removals, "removal"),
            plural(share.computers, "computer")
        )),
        removals,
        others: scaled(share.changes - share.removals).min(WIDE - removals.min(WIDE)),
        number: thousands(share.changes),
    }
}

fn scale(number: u64, most: u64) -> u64 {
    let scaled = (u128::from(number) * u128::from(WIDE)).checked_div(u128::from(most)).unwrap_or_default();
    u64::try_from(scaled).unwrap_or(WIDE)
}

/// How all checks stand; none without checks.
pub(super) fn standing(model: &Model<'_>, plan: &Plan) -> Option<Stack> {
    let all = plan.coverage.checks;
    let parts = segments(&model.standing);
    let coverage = &plan.coverage;
    let managed = u64::from(coverage.known) + u64::from(coverage.incomplete);
    let mut text = format!(
        "Everything is known of {} of {}",
        thousands(coverage.known.into()),
        plural(managed, "computer")
    );
    if coverage.unmanaged > 0 {
        // Writing into a String cannot fail.
        _ = write!(text, "; nothing is wanted of {}", plural(coverage.unmanaged.into(), "computer"));
    }
    let share = percent(&model.standing).map(|percent| format!(": {percent} as wanted")).unwrap_or_default();
    (all > 0).then(|| Stack {
        title: format!("How {} stand{}{share}", plural(all, "check"), if all == 1 { "s" } else { "" }),
        label: said(&parts),
        parts,
        coverage: text,
    })
}

fn compliance(title: &'static str, shares: &[Share], what: &str, least: usize) -> Option<Compliance> {
    let shares = worst(shares);
    (shares.len() >= least).then(|| Compliance {
        title,
        rows: shares.iter().take(BARS).map(|share| row(share)).collect(),
        more: (shares.len() > BARS)
            .then(|| format!("{}, none of them worse", further(shares.len() - BARS, what))),
    })
}

fn row(share: &Share) -> Row {
    // What makes no sense there is not part of the percentage, and not of the bar.
    let standing = share.standing();
    let applicable: Vec<Part> =
        standing.into_iter().filter(|part| part.standing != Standing::NotApplicable).collect();
    let parts = segments(&applicable);
    let percent = share.percent().unwrap_or_default();
    Row {
        label: shown(&format!("{}: {percent} as wanted; {}", share.name, said(&parts))),
        name: shown(&share.name),
        parts,
        percent,
    }
}

/// In words: `1,184 as wanted, 12 not known`.
fn said(parts: &[Segment]) -> String {
    parts.iter().map(|part| format!("{} {}", part.number, part.word)).collect::<Vec<_>>().join(", ")
}

fn segments(parts: &[Part]) -> Vec<Segment> {
    let all: u64 = parts.iter().map(|part| part.checks).sum();
    let mut before = 0;
    parts
        .iter()
        .filter(|part| part.checks > 0)
        .map(|Part { standing, checks }| {
            let at = scale(before, all);
            before += checks;
            Segment {
                class: match standing {
                    Standing::Wanted => "wanted",
                    Standing::Differs => "differs",
                    Standing::Stale => "stale",
                    Standing::Undetermined => "undetermined",
                    Standing::Unknown => "unknown",
                    Standing::NotApplicable => "not-applicable",
                },
                word: standing.word(),
                number: thousands(*checks),
                // Also the last and smallest part can be seen.
                at: at.min(WIDE - 3),
                width: (scale(before, all) - at).max(3),
            }
        })
        .collect()
}

/// A row of the tables of tenants and of items.
#[derive(Serialize)]
pub(super) struct ShareRow {
    name: String,
    computers: String,
    percent: String,
    differs: String,
    open: String,
    changes: String,
    removals: String,
}

impl ShareRow {
    pub(super) fn of(share: &Share) -> Self {
        Self {
            name: shown(&share.name),
            computers: thousands(share.managed),
            percent: share.percent().unwrap_or_else(|| "–".to_owned()),
            differs: thousands(share.checks.differs),
            open: thousands(share.open()),
            changes: thousands(share.changes),
            removals: thousands(share.removals),
        }
    }
}
