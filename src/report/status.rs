//! What Muster remembers: items over all computers, one computer, the last runs, and what needs attention.
//!
//! Not here: whether an item is wanted. That is the plan's to say; this shows what was observed and what was done.
//!
//! Invariant: unknown, stale and not applicable are numbers of their own, never among the compliant (L7).

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use serde::Serialize;

use super::layout::table;
use super::sheet::{Cell, Column, Sheet, shown};
use super::style::{Label, Line, Pen};
use super::words::{ago, count, list, moment, plural, thousands};
use super::{View, session, terms};
use crate::id::ComputerId;
use crate::inventory::item::{Detection, ItemKey, Observed};
use crate::inventory::known::Contact;
use crate::session::stage::ActionResult;
use crate::store::{ItemResult, KeptValue, RunRecord, SessionRecord, StoredComputer};
use crate::time::{Limit, Timestamp};

/// So many versions of a software and computers that need attention are listed without `details`.
const FEW: usize = 3;
/// So many items that need attention are listed without `details`.
const ATTENTION: usize = 10;
/// So many runs are listed.
const RUNS: usize = 5;

/// What the store holds, as far as a status needs it.
#[derive(Debug, Clone, Copy)]
pub struct Remembered<'a> {
    /// The present instant.
    pub now: Timestamp,
    /// How long a detection counts.
    pub max_age: Limit,
    /// Names of computers; without one its id stands for it.
    pub names: &'a BTreeMap<ComputerId, String>,
    /// All computers.
    pub computers: &'a [StoredComputer],
    /// The last detections; of several probes of an item the newest counts.
    pub detections: &'a [Detection],
    /// The last results.
    pub results: &'a [ItemResult],
    /// The last runs, newest first.
    pub runs: &'a [RunRecord],
    /// Sessions that did not end.
    pub unfinished: &'a [SessionRecord],
}

/// How an item stands over all computers it was looked for on. The numbers add up to `computers`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemStatus {
    /// Computers it was looked for on.
    pub computers: u64,
    /// Its test says true.
    pub compliant: u64,
    /// Its test says false.
    pub non_compliant: u64,
    /// The software is there.
    pub present: u64,
    /// The software is not there.
    pub absent: u64,
    /// A value was read.
    pub values: u64,
    /// Detection ran and did not tell.
    pub undetermined: u64,
    /// The last answer is too old.
    pub stale: u64,
    /// There is no script for the platform.
    pub not_applicable: u64,
    /// How many have each version, stale ones left out.
    pub versions: BTreeMap<String, u64>,
    /// Computers on which the last action did not succeed. Not part of the sum.
    pub failing: u64,
}

/// The status of everything, for JSON and for [`write()`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Computers that are remembered.
    pub computers: u64,
    /// Those that answered last time.
    pub reached: u64,
    /// Those that did not, refused or answered nonsense.
    pub not_reached: u64,
    /// Those that were never tried.
    pub never_tried: u64,
    /// By item, as `7-zip` or `task[key]`.
    pub items: BTreeMap<String, ItemStatus>,
}

impl Status {
    /// Counts what is remembered.
    #[must_use]
    pub fn of(remembered: &Remembered<'_>) -> Self {
        let mut status = Self { computers: count(remembered.computers.len()), ..Self::default() };
        for computer in remembered.computers {
            match computer.contact {
                Contact::Reached => status.reached += 1,
                Contact::Never => status.never_tried += 1,
                _ => status.not_reached += 1,
            }
        }
        for detection in newest(remembered.detections).into_values() {
            let item = status.items.entry(detection.item.to_string()).or_default();
            item.computers += 1;
            if is_stale(detection, remembered) {
                item.stale += 1;
                continue;
            }
            match &detection.observed {
                Observed::Compliant => item.compliant += 1,
                Observed::NonCompliant { .. } => item.non_compliant += 1,
                Observed::Present { version, .. } => {
                    item.present += 1;
                    let version = version.clone().unwrap_or_else(|| "unknown version".to_owned());
                    *item.versions.entry(version).or_default() += 1;
                }
                Observed::Absent => item.absent += 1,
                Observed::Value { .. } => item.values += 1,
                Observed::Undetermined { .. } => item.undetermined += 1,
                Observed::NotApplicable => item.not_applicable += 1,
            }
        }
        for result in remembered.results.iter().filter(|result| needs_attention(result.result)) {
            status.items.entry(result.item.to_string()).or_default().failing += 1;
        }
        status
    }
}

const ITEMS: &[Column] = &[
    shown("item", "Item"),
    shown("computers", "Computers"),
    shown("compliant", "Compliant"),
    shown("nonCompliant", "Not compliant"),
    shown("present", "Present"),
    shown("absent", "Absent"),
    shown("values", "Values"),
    shown("undetermined", "Undetermined"),
    shown("stale", "Stale"),
    shown("notApplicable", "Not applicable"),
    shown("failing", "Failing"),
    shown("versions", "Versions"),
];

impl Status {
    /// The items as a table.
    #[must_use]
    pub fn items(&self) -> Sheet {
        let row = |(item, status): (&String, &ItemStatus)| {
            let versions = status.versions.iter().map(|(version, count)| format!("{version} ({count})"));
            let mut cells = vec![Cell::text(item)];
            cells.extend(
                [
                    status.computers,
                    status.compliant,
                    status.non_compliant,
                    status.present,
                    status.absent,
                    status.values,
                    status.undetermined,
                    status.stale,
                    status.not_applicable,
                    status.failing,
                ]
                .map(Cell::count),
            );
            cells.push(Cell::list(versions));
            cells
        };
        Sheet { row: "item", columns: ITEMS, rows: self.items.iter().map(row).collect() }
    }
}

const OF_COMPUTER: &[Column] = &[
    shown("item", "Item"),
    shown("observed", "Observed"),
    shown("at", "When"),
    shown("stale", "Stale"),
    shown("action", "Last action"),
    shown("result", "Result"),
    shown("resultAt", "When"),
];

/// What was observed and done on one computer, as a table.
#[must_use]
pub fn of_computer(remembered: &Remembered<'_>, id: &ComputerId) -> Sheet {
    let row = |(item, (seen, done)): (&ItemKey, (Option<&Detection>, Option<&ItemResult>))| {
        vec![
            Cell::text(item),
            Cell::maybe(seen.map(|seen| terms::observed(&seen.observed))),
            Cell::maybe(seen.map(|seen| seen.at)),
            seen.map_or(Cell::Nothing, |seen| Cell::Flag(is_stale(seen, remembered))),
            Cell::maybe(done.map(|done| terms::code(&done.action))),
            Cell::maybe(done.map(|done| terms::code(&done.result))),
            Cell::maybe(done.map(|done| done.at)),
        ]
    };
    Sheet { row: "detection", columns: OF_COMPUTER, rows: of(remembered, id).into_iter().map(row).collect() }
}

/// Each item of a computer with its newest detection and its last result.
fn of<'a>(
    remembered: &Remembered<'a>,
    id: &ComputerId,
) -> BTreeMap<&'a ItemKey, (Option<&'a Detection>, Option<&'a ItemResult>)> {
    let mut items: BTreeMap<&ItemKey, (Option<&Detection>, Option<&ItemResult>)> = BTreeMap::new();
    for ((computer, item), detection) in newest(remembered.detections) {
        if computer == id {
            items.entry(item).or_default().0 = Some(detection);
        }
    }
    for result in remembered.results.iter().filter(|result| result.computer == *id) {
        items.entry(&result.item).or_default().1 = Some(result);
    }
    items
}

/// The newest detection of each item on each computer.
fn newest(detections: &[Detection]) -> BTreeMap<(&ComputerId, &ItemKey), &Detection> {
    let mut newest: BTreeMap<(&ComputerId, &ItemKey), &Detection> = BTreeMap::new();
    for detection in detections {
        let slot = newest.entry((&detection.computer, &detection.item)).or_insert(detection);
        if detection.at > slot.at {
            *slot = detection;
        }
    }
    newest
}

fn is_stale(detection: &Detection, remembered: &Remembered<'_>) -> bool {
    let age = remembered.now.as_second().saturating_sub(detection.at.as_second());
    u64::try_from(age).is_ok_and(|age| age > remembered.max_age.as_secs())
}

/// Whether somebody has to look at a result (SES-16).
const fn needs_attention(result: ActionResult) -> bool {
    matches!(result, ActionResult::Failed | ActionResult::Undetermined | ActionResult::Blocked)
}

/// Writes the status of everything.
///
/// # Errors
/// What the pen says.
pub fn write(pen: &mut dyn Pen, remembered: &Remembered<'_>, view: &View) -> io::Result<()> {
    let status = Status::of(remembered);
    if status.computers == 0 && status.items.is_empty() && remembered.runs.is_empty() {
        return pen
            .line(&Line::new().text("Nothing is remembered yet: no plan or apply has run with this state."));
    }
    pen.line(&Line::new().with(Label::Heading, "Computers").text(format!(
        "  {}: {} reached, {} not reached, {} never tried",
        thousands(status.computers),
        thousands(status.reached),
        thousands(status.not_reached),
        thousands(status.never_tried)
    )))?;
    if !status.items.is_empty() {
        pen.gap()?;
        pen.heading("Items")?;
        let rows: Vec<Vec<Line>> =
            status.items.iter().map(|(name, item)| item_row(name, item, view)).collect();
        table(2, view.width, &rows).iter().try_for_each(|line| pen.line(line))?;
    }
    attention(pen, remembered, view)?;
    runs(pen, remembered, view)?;
    if let Some(line) = session::unfinished(remembered.unfinished) {
        pen.gap()?;
        pen.line(&line)?;
    }
    Ok(())
}

fn item_row(name: &str, item: &ItemStatus, view: &View) -> Vec<Line> {
    let mut line = Line::new();
    let mut add = |number: u64, word: &str, label: Label| {
        if number > 0 {
            let comma = if line.is_empty() { "" } else { ", " };
            line.push(Label::Plain, comma);
            line.push(label, format!("{} {word}", thousands(number)));
        }
    };
    add(item.compliant, "compliant", Label::Good);
    add(item.non_compliant, "non-compliant", Label::Error);
    let mut versions: Vec<(&String, &u64)> = item.versions.iter().collect();
    versions.sort_by_key(|(_, number)| std::cmp::Reverse(**number));
    let shown = if view.details { versions.len() } else { FEW };
    let names: Vec<String> =
        versions.iter().map(|(version, number)| format!("{version}: {}", thousands(**number))).collect();
    let word =
        if names.is_empty() { "present".to_owned() } else { format!("present ({})", list(&names, shown)) };
    add(item.present, &word, Label::Plain);
    add(item.absent, "absent", Label::Plain);
    add(item.values, if item.values == 1 { "value" } else { "values" }, Label::Plain);
    add(item.undetermined, "undetermined", Label::Warning);
    add(item.stale, "stale", Label::Warning);
    add(item.not_applicable, "not applicable", Label::Dim);
    add(item.failing, "failing", Label::Error);
    vec![Line::new().with(Label::Heading, name), Line::new().text(plural(item.computers, "computer")), line]
}

/// The last results that somebody has to look at, grouped by item and result.
fn attention(pen: &mut dyn Pen, remembered: &Remembered<'_>, view: &View) -> io::Result<()> {
    let mut groups: BTreeMap<(ActionResult, &ItemKey), BTreeSet<&str>> = BTreeMap::new();
    for result in remembered.results.iter().filter(|result| needs_attention(result.result)) {
        let name = remembered.names.get(&result.computer).map_or(result.computer.as_str(), String::as_str);
        groups.entry((result.result, &result.item)).or_default().insert(name);
    }
    if groups.is_empty() {
        return Ok(());
    }
    pen.gap()?;
    pen.heading("Needs attention")?;
    let shown = if view.details { groups.len() } else { ATTENTION };
    let rows: Vec<Vec<Line>> = groups
        .iter()
        .take(shown)
        .map(|((result, item), names)| {
            let names: Vec<&str> = names.iter().copied().collect();
            let bound = if view.details { names.len() } else { FEW };
            vec![
                Line::new().with(terms::result_label(*result), terms::code(result)),
                Line::new().with(Label::Heading, item.to_string()),
                Line::new().text(list(&names, bound)),
            ]
        })
        .collect();
    table(2, view.width, &rows).iter().try_for_each(|line| pen.line(line))?;
    let more = groups.len().saturating_sub(shown);
    if more > 0 {
        let text = format!("  and {}; --details lists them", plural(count(more), "further item"));
        pen.line(&Line::new().with(Label::Dim, text))?;
    }
    Ok(())
}

fn runs(pen: &mut dyn Pen, remembered: &Remembered<'_>, view: &View) -> io::Result<()> {
    if remembered.runs.is_empty() {
        return Ok(());
    }
    pen.gap()?;
    pen.heading("Last runs")?;
    let rows: Vec<Vec<Line>> = remembered
        .runs
        .iter()
        .take(RUNS)
        .map(|run| {
            let commit = match &run.commit {
                None => Line::new().with(Label::Dim, "no commit"),
                Some(commit) => Line::new()
                    .with(Label::Dim, "commit ")
                    .with(Label::Code, commit.as_str().chars().take(9).collect::<String>()),
            };
            vec![
                Line::new().text(moment(run.started, &view.zone)),
                match run.finished {
                    Some(_) => Line::new().with(Label::Good, "ended"),
                    None => Line::new().with(Label::Warning, "not ended"),
                },
                commit,
                Line::new().with(Label::Dim, "plan ").with(Label::Code, run.plan.short()),
                Line::new().with(Label::Dim, "run ").with(Label::Code, run.id.as_str()),
            ]
        })
        .collect();
    table(2, view.width, &rows).iter().try_for_each(|line| pen.line(line))
}

/// Writes the status of one computer: contact, facts, and each item with its last observation and result.
///
/// # Errors
/// What the pen says.
pub fn computer(
    pen: &mut dyn Pen,
    remembered: &Remembered<'_>,
    id: &ComputerId,
    view: &View,
) -> io::Result<()> {
    let name = remembered.names.get(id).map_or(id.as_str(), String::as_str);
    let stored = remembered.computers.iter().find(|computer| computer.id == *id);
    pen.line(&Line::new().with(Label::Heading, name).with(Label::Dim, format!("  {id}")))?;
    let mut line = Line::new();
    match stored {
        None => line.push(Label::Warning, "nothing is remembered of it"),
        Some(stored) => {
            let label = if stored.contact == Contact::Reached { Label::Good } else { Label::Warning };
            line.push(label, terms::contact(&stored.contact));
            if let Some(at) = stored.contacted {
                line.push(Label::Plain, format!(", {}", ago(at, remembered.now)));
            }
            match stored.facts.as_deref() {
                Some((at, _)) => line.push(Label::Plain, format!("; facts {}", ago(*at, remembered.now))),
                None => line.push(Label::Plain, "; no facts"),
            }
        }
    }
    pen.line(&line)?;
    let items = of(remembered, id);
    if !items.is_empty() {
        pen.gap()?;
    }
    let rows: Vec<Vec<Line>> =
        items.into_iter().map(|(item, (seen, done))| computer_row(item, seen, done, remembered)).collect();
    table(2, view.width, &rows).iter().try_for_each(|line| pen.line(line))?;
    let unfinished: Vec<SessionRecord> =
        remembered.unfinished.iter().filter(|session| session.computer == *id).cloned().collect();
    match session::unfinished(&unfinished) {
        Some(line) => pen.line(&line),
        None => Ok(()),
    }
}

/// Writes what monitored tasks said on a computer over time, newest first.
///
/// # Errors
/// What the pen says.
pub fn values(pen: &mut dyn Pen, values: &[KeptValue], view: &View) -> io::Result<()> {
    if values.is_empty() {
        return Ok(());
    }
    pen.gap()?;
    pen.line(&Line::new().with(Label::Heading, "Values"))?;
    let row = |kept: &KeptValue| {
        let text = terms::observed_text(&kept.observed)
            .map_or_else(|| terms::observed(&kept.observed), str::to_owned);
        vec![
            Line::new().with(Label::Dim, moment(kept.at, &view.zone)),
            Line::new().text(kept.item.to_string()),
            Line::new().text(terms::first_line(&text)),
        ]
    };
    let rows: Vec<Vec<Line>> = values.iter().map(row).collect();
    table(2, view.width, &rows).iter().try_for_each(|line| pen.line(line))
}

fn computer_row(
    item: &ItemKey,
    seen: Option<&Detection>,
    done: Option<&ItemResult>,
    remembered: &Remembered<'_>,
) -> Vec<Line> {
    let mut state = Line::new();
    match seen {
        None => state.push(Label::Warning, "never detected"),
        Some(detection) => {
            let label = match detection.observed {
                Observed::Compliant => Label::Good,
                Observed::NonCompliant { .. } => Label::Error,
                Observed::Undetermined { .. } => Label::Warning,
                _ => Label::Plain,
            };
            state.push(label, terms::observed(&detection.observed));
            state.push(Label::Dim, format!(", {}", ago(detection.at, remembered.now)));
            if is_stale(detection, remembered) {
                state.push(Label::Warning, ", stale");
            }
        }
    }
    let last = done.map_or_else(Line::new, |done| {
        Line::new()
            .with(Label::Dim, format!("last {}: ", terms::verb(done.action)))
            .with(terms::result_label(done.result), terms::code(&done.result))
            .with(Label::Dim, format!(", {}", ago(done.at, remembered.now)))
    });
    vec![Line::new().with(Label::Heading, item.to_string()), state, last]
}
