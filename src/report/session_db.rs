//! A session database of ConnectWise Control: what it holds, what a plan means for it, and what became of that.
//!
//! Not here: which rows those are (`upkeep`).

use std::collections::BTreeMap;
use std::io;

use serde::Serialize;

use super::View;
use super::layout::table;
use super::sheet::{Cell, Column, Sheet, further, shown};
use super::style::{Label, Line, Pen};
use super::terms::code;
use super::words::{bytes, moment, plural, thousands};
use crate::upkeep::advice::{Finding, RULES, find};
use crate::upkeep::database::Size;
use crate::upkeep::event::{self, Class, Table};
use crate::upkeep::instant::Ticks;
use crate::upkeep::order::{Action, Plan, Verdict};
use crate::upkeep::survey::{Age, Sum, Survey, Times};

/// What a look at a file found.
#[derive(Debug, Clone, Copy)]
pub struct Looked<'a> {
    /// The file, as it was named.
    pub file: &'a str,
    /// Its size.
    pub size: &'a Size,
    /// Its events.
    pub survey: &'a Survey,
}

/// What became of a plan.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Done<'a> {
    /// Rows that were changed.
    pub changed: u64,
    /// Whether it was stopped before everything was done.
    pub stopped: bool,
    /// The backup.
    pub backup: Option<&'a str>,
    /// The size of the file before, in bytes.
    pub before: u64,
    /// The size of the file afterwards, in bytes.
    pub after: u64,
    /// What of it waits for new rows, in bytes.
    pub free: u64,
}

fn plain(text: impl AsRef<str>) -> Line {
    Line::new().text(text.as_ref())
}

fn day(at: Option<Ticks>, view: &View) -> Line {
    at.map_or_else(|| plain("-"), |at| plain(moment(at.timestamp(), &view.zone)))
}

/// The type of an event: `44 QueuedCommand`.
fn kind(event_type: Option<i64>) -> String {
    match event_type {
        Some(number) => match event::name(number) {
            Some(name) => format!("{number} {name}"),
            None => number.to_string(),
        },
        None => "no number".to_owned(),
    }
}

fn times(times: &Times) -> String {
    let parts = times.understood.iter().map(|(how, rows)| format!("{} {}", thousands(*rows), code(how)));
    let odd =
        times.odd.iter().map(|(how, rows)| format!("{} not understood ({})", thousands(*rows), code(how)));
    let parts: Vec<String> = parts.chain(odd).collect();
    if parts.is_empty() { "-".to_owned() } else { parts.join(", ") }
}

/// Cells of a sum: rows, bytes, oldest, newest.
fn cells(title: impl AsRef<str>, sum: &Sum, view: &View) -> Vec<Line> {
    let hidden = match sum.soft_deleted {
        0 => Line::new(),
        rows => plain(format!("{} soft-deleted", thousands(rows))),
    };
    vec![
        Line::new().with(Label::Heading, title.as_ref()),
        plain(thousands(sum.rows)),
        plain(bytes(sum.bytes)),
        day(sum.oldest, view),
        day(sum.newest, view),
        hidden,
    ]
}

fn section(pen: &mut dyn Pen, title: &str, rows: Vec<Vec<Line>>, view: &View) -> io::Result<()> {
    let heads = [title, "Rows", "Data", "Oldest", "Newest"];
    let mut lines = vec![heads.iter().map(|head| Line::new().with(Label::Dim, *head)).collect()];
    lines.extend(rows);
    pen.line(&Line::new())?;
    table(0, view.width, &lines).iter().try_for_each(|line| pen.line(line))
}

/// Writes what a file holds.
///
/// # Errors
/// What the pen says.
pub fn write(pen: &mut dyn Pen, looked: &Looked<'_>, view: &View) -> io::Result<()> {
    let Looked { file, size, survey } = *looked;
    let log =
        if size.log > 0 { format!(", {} in the log beside it", bytes(size.log)) } else { String::new() };
    pen.line(&Line::new().with(Label::Heading, file).text(format!(
        "  {}, of which {} wait for new rows{log}",
        bytes(size.file),
        bytes(size.free)
    )))?;
    for table in Table::ALL {
        let pages = size
            .tables
            .get(table.name())
            .map_or_else(String::new, |pages| format!("{} in the file, ", bytes(*pages)));
        pen.line(&plain(format!("{}: {pages}times: {}", table.name(), times(&survey.times(table)))))?;
    }
    let others = size.tables.iter().filter(|(name, _)| Table::ALL.iter().all(|table| table.name() != **name));
    let others: Vec<String> = others.map(|(name, pages)| format!("{name} {}", bytes(*pages))).collect();
    if !others.is_empty() {
        pen.line(&plain(format!("other tables: {}", others.join(", "))))?;
    }
    let by_table = Table::ALL.map(|table| cells(table.name(), &survey.sum(|of, _, _| of == table), view));
    section(pen, "By table", by_table.to_vec(), view)?;
    let by_type = survey.by_type();
    let row = |((table, number), sum): (&(Table, Option<i64>), &Sum)| {
        cells(format!("{} {}", table.name(), kind(*number)), sum, view)
    };
    section(pen, "By type", by_type.iter().map(row).collect(), view)?;
    let by_age = survey.by_age();
    let row = |(age, sum): (&Age, &Sum)| cells(age.words(), sum, view);
    section(pen, "By age", by_age.iter().map(row).collect(), view)?;
    match find(survey) {
        Some(finding) => advise(pen, &finding),
        None => Ok(()),
    }
}

fn advise(pen: &mut dyn Pen, finding: &Finding) -> io::Result<()> {
    pen.line(&Line::new())?;
    pen.line(&Line::new().with(Label::Hint, "hint: ").text(format!(
        "{} of {} are commands and responses older than 7 days; the server keeps itself small with these maintenance \
         actions (Administration > Database):",
        thousands(finding.old),
        plural(finding.all, "event")
    )))?;
    RULES.iter().try_for_each(|rule| pen.line(&plain(format!("  {rule}"))))
}

/// What an action does, to stand after a number of rows.
const fn to_do(action: Action) -> &'static str {
    match action {
        Action::SoftDelete => "to soft-delete",
        Action::Delete => "to delete",
    }
}

const fn done(action: Action) -> &'static str {
    match action {
        Action::SoftDelete => "soft-deleted",
        Action::Delete => "deleted",
    }
}

const fn called(class: Class) -> &'static str {
    match class {
        Class::Commands => "commands (SessionEvent 44)",
        Class::Responses => "responses (SessionConnectionEvent 70)",
    }
}

/// One sentence: what a plan does.
#[must_use]
pub fn sentence(plan: &Plan) -> String {
    let due = plan.due();
    format!(
        "{} {} ({}), commands and responses older than {}",
        plural(due.rows, "row"),
        to_do(plan.order.action()),
        bytes(due.bytes),
        plural(u64::from(plan.order.older_than_days()), "day")
    )
}

/// Writes what a plan does and what stays.
///
/// # Errors
/// What the pen says.
pub fn plan(pen: &mut dyn Pen, plan: &Plan, others: &Sum, view: &View) -> io::Result<()> {
    pen.line(&Line::new())?;
    pen.line(&Line::new().with(Label::Heading, "Plan: ").text(format!(
        "{}: before {}",
        sentence(plan),
        moment(plan.order.limit().timestamp(), &view.zone)
    )))?;
    let label = if plan.order.action() == Action::Delete { Label::Remove } else { Label::Change };
    let mut lines = Vec::new();
    for class in &plan.classes {
        let mut row = |title: Line, sum: &Sum| {
            let mut cells = cells("", sum, view);
            cells[0] = title;
            lines.push(cells);
        };
        let times = class.encoding.map_or("unsure", |encoding| match encoding {
            crate::upkeep::instant::Encoding::Text => "text",
            crate::upkeep::instant::Encoding::Ticks => "ticks",
        });
        let title = format!("{} {}, times as {times}", to_do(plan.order.action()), called(class.class));
        row(Line::new().with(label, title), &class.due);
        for (why, sum) in &class.kept {
            row(plain(format!("stays {}: {}", called(class.class), why.words())), sum);
        }
    }
    lines.push(cells("stays everything else, notes included", others, view));
    table(0, view.width, &lines).iter().try_for_each(|line| pen.line(line))
}

/// Writes what became of a plan.
///
/// # Errors
/// What the pen says.
pub fn outcome(pen: &mut dyn Pen, of: &Plan, what: &Done<'_>) -> io::Result<()> {
    let word = done(of.order.action());
    let left = of.due().rows.saturating_sub(what.changed);
    let mut line = plain(format!("{} {word}", plural(what.changed, "row")));
    if what.stopped {
        line = line.with(Label::Warning, format!(", stopped: {} left for the next run", thousands(left)));
    }
    pen.line(&line.text(format!(
        "; the file has {}, of which {} wait for new rows (before: {})",
        bytes(what.after),
        bytes(what.free),
        bytes(what.before)
    )))?;
    match what.backup {
        Some(backup) => pen.line(&plain("backup: ").with(Label::Code, backup)),
        None => Ok(()),
    }
}

const EVENTS: &[Column] = &[
    shown("table", "Table"),
    shown("eventType", "Type"),
    shown("name", "Name"),
    shown("age", "Age"),
    shown("rows", "Rows"),
    shown("bytes", "Bytes of data"),
    shown("softDeleted", "Soft-deleted"),
    shown("oldest", "Oldest"),
    shown("newest", "Newest"),
    further("class"),
];

/// All events by table, type and age.
#[must_use]
pub fn sheet(survey: &Survey) -> Sheet {
    let row = |((table, number, age), sum): (&(Table, Option<i64>, Age), &Sum)| {
        vec![
            Cell::text(table.name()),
            number.map_or(Cell::Nothing, Cell::Number),
            Cell::maybe(number.and_then(event::name)),
            Cell::Text(code(age)),
            Cell::count(sum.rows),
            Cell::count(sum.bytes),
            Cell::count(sum.soft_deleted),
            Cell::maybe(sum.oldest.map(Ticks::timestamp)),
            Cell::maybe(sum.newest.map(Ticks::timestamp)),
            Cell::maybe(Class::of(*table, *number).map(|class| code(&class))),
        ]
    };
    Sheet { row: "events", columns: EVENTS, rows: survey.groups().iter().map(row).collect() }
}

/// What programs read.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    file: &'a str,
    size: &'a Size,
    times: BTreeMap<Table, Times>,
    events: serde_json::Value,
    advice: &'static [&'static str],
    plan: Option<PlanDocument<'a>>,
    done: Option<Done<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PlanDocument<'a> {
    #[serde(flatten)]
    plan: &'a Plan,
    due: Sum,
    others: Sum,
}

/// The document: the file, its events, and the plan and what became of it where there is one.
#[must_use]
pub fn document<'a>(
    looked: &Looked<'a>,
    plan: Option<&'a Plan>,
    done: Option<Done<'a>>,
) -> impl Serialize + use<'a> {
    let advice: &'static [&'static str] = if find(looked.survey).is_some() { &RULES } else { &[] };
    let others = looked.survey.others();
    Document {
        file: looked.file,
        size: looked.size,
        times: Table::ALL.into_iter().map(|table| (table, looked.survey.times(table))).collect(),
        events: sheet(looked.survey).json(),
        advice,
        plan: plan.map(|plan| PlanDocument { plan, due: plan.due(), others }),
        done,
    }
}

/// Why rows stay that somebody may have expected to go, a line each.
#[must_use]
pub fn warnings(plan: &Plan) -> Vec<String> {
    let odd = [Verdict::OddTime, Verdict::MixedTimes, Verdict::OtherAttributes];
    let of_class = plan.classes.iter().flat_map(|class| {
        class.kept.iter().filter(|(why, _)| odd.contains(why)).map(|(why, sum)| {
            format!(
                "{} of {} stay as they are: {}",
                plural(sum.rows, "row"),
                called(class.class),
                why.words()
            )
        })
    });
    of_class.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::style::Recording;
    use crate::upkeep::instant::{Stored, read};
    use crate::upkeep::order::{Order, Tally};
    use crate::upkeep::shape::{Found, Shape};
    use crate::upkeep::survey::{Attributes, Row};

    fn now() -> Ticks {
        Ticks::of("2026-11-22T12:00:00Z".parse().expect("an instant"))
    }

    fn rows() -> Vec<Row> {
        let row = |table, number, days, bytes| Row {
            table,
            event_type: Some(number),
            attributes: if days == 90 { Attributes::SoftDeleted } else { Attributes::None },
            time: read(Stored::Integer(now().before(days).number())),
            bytes,
        };
        let mut rows: Vec<Row> =
            [1, 8, 20, 90, 800].iter().map(|days| row(Table::SessionEvent, 44, *days, 1_000)).collect();
        rows.extend([8, 9].map(|days| row(Table::SessionConnectionEvent, 70, days, 2_000_000)));
        rows.push(Row {
            time: read(Stored::Integer(1_795_000_000)),
            ..row(Table::SessionConnectionEvent, 70, 1, 5)
        });
        rows.push(row(Table::SessionEvent, 32, 900, 10));
        rows.push(row(Table::SessionEvent, 777, 2, 10));
        rows
    }

    #[test]
    fn the_report_names_tables_types_ages_and_what_a_plan_leaves() {
        let order = Order::new(Action::Delete, 7, now()).expect("an order");
        let (mut survey, mut tally) = (Survey::new(now()), Tally::new(order));
        for row in rows() {
            survey.add(&row);
            tally.add(&row);
        }
        let columns = ["Time", "EventType", "Data"].map(str::to_owned);
        let found = Found { is_table: true, columns: columns.into(), ..Found::default() };
        let shape = Shape::of(&Table::ALL.map(|table| (table.name().to_owned(), found.clone())).into())
            .expect("a shape");
        let wanted = tally.plan(&shape).expect("a plan");
        let tables = [("Session".to_owned(), 4096), ("SessionEvent".to_owned(), 65_536)].into();
        let size = Size { file: 5_000_000, log: 70_000, used: 4_900_000, free: 100_000, tables };
        let looked = Looked { file: "Session.db", size: &size, survey: &survey };
        let what = Done {
            changed: 5,
            stopped: true,
            backup: Some("b.db"),
            before: 6_000_000,
            after: 5_000_000,
            free: 90_000,
        };
        let mut pen = Recording::default();
        let view = View::default();
        write(&mut pen, &looked, &view).expect("memory");
        plan(&mut pen, &wanted, &survey.others(), &view).expect("memory");
        outcome(&mut pen, &wanted, &what).expect("memory");
        insta::assert_snapshot!(pen.to_string(), @r#"
        Session.db  4.7 MiB, of which 97.6 KiB wait for new rows, 68.3 KiB in the log beside it
        SessionEvent: 64.0 KiB in the file, times: 7 ticks
        SessionConnectionEvent: times: 2 ticks, 1 not understood (other-integer)
        other tables: Session 4.0 KiB

        By table                 Rows   Data      Oldest                    Newest
        SessionEvent             7      4.9 KiB   2024-06-05 12:00:00 UTC   2026-11-21 12:00:00 UTC   1 soft-deleted
        SessionConnectionEvent   3      3.8 MiB   2026-11-13 12:00:00 UTC   2026-11-14 12:00:00 UTC

        By type                                Rows   Data      Oldest                    Newest
        SessionEvent 32 AddedNote              1      10 B      2024-06-05 12:00:00 UTC   2024-06-05 12:00:00 UTC
        SessionEvent 44 QueuedCommand          5      4.8 KiB   2024-09-13 12:00:00 UTC   2026-11-21 12:00:00 UTC   1 soft-deleted
        SessionEvent 777                       1      10 B      2026-11-20 12:00:00 UTC   2026-11-20 12:00:00 UTC
        SessionConnectionEvent 70 RanCommand   3      3.8 MiB   2026-11-13 12:00:00 UTC   2026-11-14 12:00:00 UTC

        By age          Rows   Data      Oldest                    Newest
        up to 7 days    2      1010 B    2026-11-20 12:00:00 UTC   2026-11-21 12:00:00 UTC
        up to 30 days   4      3.8 MiB   2026-11-02 12:00:00 UTC   2026-11-14 12:00:00 UTC
        up to 90 days   1      1000 B    2026-08-24 12:00:00 UTC   2026-08-24 12:00:00 UTC   1 soft-deleted
        older           2      1010 B    2024-06-05 12:00:00 UTC   2024-09-13 12:00:00 UTC
        unknown         1      5 B       -                         -

        hint: 6 of 10 events are commands and responses older than 7 days; the server keeps itself small with these maintenance actions (Administration > Database):
          Access Sessions: Purge records of session activity older than 7 days for all events except AddedNote
          Access Sessions: Purge records of session connections older than 7 days for Host and Guest connections

        Plan: 6 rows to delete (3.8 MiB), commands and responses older than 7 days: before 2026-11-15 12:00:00 UTC
        to delete commands (SessionEvent 44), times as ticks               4   3.9 KiB   2024-09-13 12:00:00 UTC   2026-11-14 12:00:00 UTC
            1 soft-deleted
        stays commands (SessionEvent 44): not old enough                   1   1000 B    2026-11-21 12:00:00 UTC   2026-11-21 12:00:00 UTC
        to delete responses (SessionConnectionEvent 70), times as ticks    2   3.8 MiB   2026-11-13 12:00:00 UTC   2026-11-14 12:00:00 UTC
        stays responses (SessionConnectionEvent 70): time not understood   1   5 B       -                         -
        stays everything else, notes included                              2   20 B      2024-06-05 12:00:00 UTC   2026-11-20 12:00:00 UTC
        5 rows deleted, stopped: 1 left for the next run; the file has 4.7 MiB, of which 87.8 KiB wait for new rows (before: 5.7 MiB)
        backup: b.db
        "#);
        assert_eq!(
            warnings(&wanted),
            ["1 row of responses (SessionConnectionEvent 70) stay as they are: time not understood"]
        );
        let value = serde_json::to_value(document(&looked, Some(&wanted), Some(what))).expect("JSON");
        assert_eq!(value["plan"]["due"]["rows"], 6);
        assert_eq!(value["plan"]["olderThanDays"], 7);
        assert_eq!(value["events"].as_array().map(Vec::len), Some(sheet(&survey).rows.len()));
        assert_eq!(value["advice"].as_array().map(Vec::len), Some(2));
        assert_eq!(value["times"]["SessionConnectionEvent"]["odd"]["other-integer"], 1);
    }
}
