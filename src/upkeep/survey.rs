//! A survey of the events in a session database: how many there are, of which type and age, and how much they hold.
//!
//! Built up row by row, so that memory grows with the number of types and not of rows.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::event::{Class, Table};
use super::instant::{Encoding, Odd, Reading, Ticks};

/// What the column `EventAttributes` of a row says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Attributes {
    /// Nothing: 0, NULL, or there is no such column.
    None,
    /// 1: the server's pages do not show the row any more.
    SoftDeleted,
    /// Anything else; nobody has said what it means.
    Other,
}

/// One event, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Its table.
    pub table: Table,
    /// Its type; `None` where it is no whole number.
    pub event_type: Option<i64>,
    /// Its attributes.
    pub attributes: Attributes,
    /// When it was.
    pub time: Reading,
    /// The length of its `Data` in bytes.
    pub bytes: u64,
}

/// How old an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Age {
    /// Up to 7 days; what lies ahead too.
    UpTo7Days,
    /// Up to 30 days.
    UpTo30Days,
    /// Up to 90 days.
    UpTo90Days,
    /// Up to 365 days.
    UpTo365Days,
    /// More.
    Older,
    /// Its time is not understood.
    Unknown,
}

impl Age {
    /// The age of an event.
    #[must_use]
    pub fn of(time: Reading, now: Ticks) -> Self {
        const DAY: u64 = 86_400;
        let Reading::At(_, ticks) = time else { return Self::Unknown };
        let age = ticks.age(now);
        let limits =
            [(7, Self::UpTo7Days), (30, Self::UpTo30Days), (90, Self::UpTo90Days), (365, Self::UpTo365Days)];
        let within = limits.into_iter().find(|(days, _)| age <= Duration::from_secs(days * DAY));
        within.map_or(Self::Older, |(_, age)| age)
    }

    /// For people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::UpTo7Days => "up to 7 days",
            Self::UpTo30Days => "up to 30 days",
            Self::UpTo90Days => "up to 90 days",
            Self::UpTo365Days => "up to 365 days",
            Self::Older => "older",
            Self::Unknown => "unknown",
        }
    }
}

/// How many rows, how much they hold, and from when to when they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sum {
    /// Rows.
    pub rows: u64,
    /// Bytes of their `Data`.
    pub bytes: u64,
    /// Those that are soft-deleted.
    pub soft_deleted: u64,
    /// The earliest time that is understood.
    pub oldest: Option<Ticks>,
    /// The latest one.
    pub newest: Option<Ticks>,
}

impl Sum {
    /// Counts a row.
    pub fn add(&mut self, row: &Row) {
        let at = match row.time {
            Reading::At(_, ticks) => Some(ticks),
            Reading::Odd(_) => None,
        };
        let soft_deleted = u64::from(row.attributes == Attributes::SoftDeleted);
        self.join(&Self { rows: 1, bytes: row.bytes, soft_deleted, oldest: at, newest: at });
    }

    /// Counts what another sum counts.
    pub fn join(&mut self, other: &Self) {
        self.rows = self.rows.saturating_add(other.rows);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.soft_deleted = self.soft_deleted.saturating_add(other.soft_deleted);
        self.oldest = self.oldest.into_iter().chain(other.oldest).min();
        self.newest = self.newest.into_iter().chain(other.newest).max();
    }
}

/// How the times of a table are stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Times {
    /// Rows with a time, by how it is written down.
    pub understood: BTreeMap<Encoding, u64>,
    /// Rows without one, by what stands there.
    pub odd: BTreeMap<Odd, u64>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    now: Ticks,
    groups: BTreeMap<(Table, Option<i64>, Age), Sum>,
    times: BTreeMap<Table, Times>,
}

impl Survey {
    /// A survey that has seen nothing; ages count up to `now`.
    #[must_use]
    pub const fn new(now: Ticks) -> Self {
        Self { now, groups: BTreeMap::new(), times: BTreeMap::new() }
    }

    /// Takes a row in.
    pub fn add(&mut self, row: &Row) {
        let key = (row.table, row.event_type, Age::of(row.time, self.now));
        self.groups.entry(key).or_default().add(row);
        let times = self.times.entry(row.table).or_default();
        let count = match row.time {
            Reading::At(encoding, _) => times.understood.entry(encoding).or_default(),
            Reading::Odd(odd) => times.odd.entry(odd).or_default(),
        };
        *count = count.saturating_add(1);
    }

    /// The rows by table, type and age.
    #[must_use]
    pub const fn groups(&self) -> &BTreeMap<(Table, Option<i64>, Age), Sum> {
        &self.groups
    }

    /// How times are stored in a table.
    #[must_use]
    pub fn times(&self, table: Table) -> Times {
        self.times.get(&table).cloned().unwrap_or_default()
    }

    /// The sum over the groups that are wanted.
    #[must_use]
    pub fn sum(&self, wanted: impl Fn(Table, Option<i64>, Age) -> bool) -> Sum {
        let mut sum = Sum::default();
        for ((table, event_type, age), group) in &self.groups {
            if wanted(*table, *event_type, *age) {
                sum.join(group);
            }
        }
        sum
    }

    /// The rows by table and type.
    #[must_use]
    pub fn by_type(&self) -> BTreeMap<(Table, Option<i64>), Sum> {
        self.folded(|(table, event_type, _)| (table, event_type))
    }

    /// The rows by age.
    #[must_use]
    pub fn by_age(&self) -> BTreeMap<Age, Sum> {
        self.folded(|(_, _, age)| age)
    }

    /// Everything but commands and responses: what no cleaning up may change.
    #[must_use]
    pub fn others(&self) -> Sum {
        self.sum(|table, event_type, _| Class::of(table, event_type).is_none())
    }

    fn folded<K: Ord>(&self, key: impl Fn((Table, Option<i64>, Age)) -> K) -> BTreeMap<K, Sum> {
        let mut sums: BTreeMap<K, Sum> = BTreeMap::new();
        for (group, sum) in &self.groups {
            sums.entry(key(*group)).or_default().join(sum);
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upkeep::instant::{Stored, read};

    fn ticks(text: &str) -> Ticks {
        Ticks::of(text.parse().expect("an instant"))
    }

    fn row(table: Table, event_type: i64, time: &str, bytes: u64) -> Row {
        let time = read(Stored::Text(Some(time)));
        Row { table, event_type: Some(event_type), attributes: Attributes::None, time, bytes }
    }

    #[test]
    fn ages_have_the_documented_borders() {
        let now = ticks("2026-11-22T12:00:00Z");
        for (time, age) in [
            ("2027-01-01 00:00:00", Age::UpTo7Days),
            ("2026-11-15 12:00:00", Age::UpTo7Days),
            ("2026-11-15 11:59:59", Age::UpTo30Days),
            ("2026-10-23 12:00:00", Age::UpTo30Days),
            ("2026-10-23 11:59:59", Age::UpTo90Days),
            ("2026-08-24 12:00:00", Age::UpTo90Days),
            ("2026-08-24 11:59:59", Age::UpTo365Days),
            ("2025-11-22 12:00:00", Age::UpTo365Days),
            ("2025-11-22 11:59:59", Age::Older),
            ("never", Age::Unknown),
        ] {
            assert_eq!(Age::of(read(Stored::Text(Some(time))), now), age, "{time}");
        }
    }

    #[test]
    fn rows_are_counted_by_table_type_and_age() {
        let mut survey = Survey::new(ticks("2026-11-22T12:00:00Z"));
        let hidden = Row {
            attributes: Attributes::SoftDeleted,
            ..row(Table::SessionEvent, 44, "2026-01-01 00:00:00", 5)
        };
        for row in [
            row(Table::SessionEvent, 44, "2026-11-22 00:00:00", 10),
            hidden,
            row(Table::SessionEvent, 32, "2020-01-01 00:00:00", 3),
            row(Table::SessionConnectionEvent, 70, "", 100),
        ] {
            survey.add(&row);
        }
        let commands = survey.sum(|table, number, _| Class::of(table, number) == Some(Class::Commands));
        assert_eq!((commands.rows, commands.bytes, commands.soft_deleted), (2, 15, 1));
        assert_eq!(commands.oldest, Some(ticks("2026-01-01T00:00:00Z")));
        assert_eq!(commands.newest, Some(ticks("2026-11-22T00:00:00Z")));
        assert_eq!(survey.others().rows, 1);
        let ages: Vec<(Age, u64)> = survey.by_age().iter().map(|(age, sum)| (*age, sum.rows)).collect();
        assert_eq!(ages, [(Age::UpTo7Days, 1), (Age::UpTo365Days, 1), (Age::Older, 1), (Age::Unknown, 1)]);
        assert_eq!(survey.times(Table::SessionConnectionEvent).odd, [(Odd::OtherText, 1)].into());
        assert_eq!(survey.times(Table::SessionEvent).understood, [(Encoding::Text, 3)].into());
        assert_eq!(survey.by_type().len(), 3);
    }
}
