//! What is asked for, what that means for each row, and the plan that comes of it.
//!
//! Invariants: a row is due only when it is a command or a response, its time is understood, and that lies before the
//! limit; where the rows of a class have times of both encodings none of them is due, as one of the two may be a
//! misunderstanding. The limit is worked out once, when the order is given.

use std::collections::BTreeMap;

use serde::Serialize;

use super::event::{Class, Table};
use super::instant::{Encoding, Reading, Ticks};
use super::shape::Shape;
use super::survey::{Attributes, Row, Sum};

/// What happens to rows that are due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// `EventAttributes` becomes 1: the server's pages do not fetch the row any more. The file stays as large.
    SoftDelete,
    /// The row goes.
    Delete,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    action: Action,
    older_than_days: u32,
    limit: Ticks,
}

/// Why an order cannot be given, or not for a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// Commands that were sent just now, and may wait for their computer, would go.
    #[error("rows of the last day are never deleted: 1 is the least number of days")]
    TooYoung,
    /// There is nothing to mark rows with.
    #[error("rows cannot be soft-deleted: there is no column EventAttributes in {}", .0.join(" and in "))]
    NoAttributes(Vec<String>),
    /// Changing a row would do something else too, or rows cannot be told apart.
    #[error("the rows of {table} cannot be changed safely: {why}")]
    Obstacle {
        /// The table.
        table: String,
        /// Why.
        why: String,
    },
}

/// What is to become of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The action is for it.
    Due,
    /// It stays: it is not old enough.
    Young,
    /// It stays: its time is not understood.
    OddTime,
    /// It stays: rows of its class have times of both encodings.
    MixedTimes,
    /// It stays: it is soft-deleted already.
    Already,
    /// It stays: it has attributes of which nobody has said what they mean.
    OtherAttributes,
}

impl Verdict {
    /// Why a row stays, for people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Young => "not old enough",
            Self::OddTime => "time not understood",
            Self::MixedTimes => "times as text and as ticks in one class",
            Self::Already => "soft-deleted already",
            Self::OtherAttributes => "other attributes",
        }
    }
}

impl Order {
    /// An order about what is older than so many days of 24 hours.
    ///
    /// # Errors
    /// [`OrderError::TooYoung`] where everything would be deleted.
    pub fn new(action: Action, days: u32, now: Ticks) -> Result<Self, OrderError> {
        if action == Action::Delete && days == 0 {
            return Err(OrderError::TooYoung);
        }
        Ok(Self { action, older_than_days: days, limit: now.before(days) })
    }

    /// What happens to rows that are due.
    #[must_use]
    pub const fn action(&self) -> Action {
        self.action
    }

    /// How old they have to be.
    #[must_use]
    pub const fn older_than_days(&self) -> u32 {
        self.older_than_days
    }

    /// What lies before it is due.
    #[must_use]
    pub const fn limit(&self) -> Ticks {
        self.limit
    }

    /// What is to become of a command or a response of a class whose times have an encoding.
    #[must_use]
    pub fn verdict(&self, encoding: Encoding, row: &Row) -> Verdict {
        let Reading::At(own, at) = row.time else { return Verdict::OddTime };
        if own != encoding {
            return Verdict::MixedTimes;
        }
        if at >= self.limit {
            return Verdict::Young;
        }
        match (self.action, row.attributes) {
            (Action::Delete, _) | (Action::SoftDelete, Attributes::None) => Verdict::Due,
            (Action::SoftDelete, Attributes::SoftDeleted) => Verdict::Already,
            (Action::SoftDelete, Attributes::Other) => Verdict::OtherAttributes,
        }
    }
}

/// Counts what an order means, row by row.
#[derive(Debug, Clone)]
pub struct Tally {
    order: Order,
    classes: BTreeMap<Class, BTreeMap<Option<Encoding>, BTreeMap<Verdict, Sum>>>,
}

impl Tally {
    /// A tally that has seen nothing.
    #[must_use]
    pub const fn new(order: Order) -> Self {
        Self { order, classes: BTreeMap::new() }
    }

    /// Takes a row in.
    pub fn add(&mut self, row: &Row) {
        let Some(class) = Class::of(row.table, row.event_type) else { return };
        let (encoding, verdict) = match row.time {
            Reading::At(encoding, _) => (Some(encoding), self.order.verdict(encoding, row)),
            Reading::Odd(_) => (None, Verdict::OddTime),
        };
        let sums = self.classes.entry(class).or_default().entry(encoding).or_default();
        sums.entry(verdict).or_default().add(row);
    }

    /// The plan.
    ///
    /// # Errors
    /// Where the file does not allow the order.
    pub fn plan(self, shape: &Shape) -> Result<Plan, OrderError> {
        let order = self.order;
        let classes: Vec<ClassPlan> =
            self.classes.into_iter().map(|(class, found)| ClassPlan::of(class, found)).collect();
        let plan = Plan { order, classes };
        let bare = |table: &Table| !shape.has_attributes(*table);
        let bare: Vec<String> =
            Table::ALL.iter().filter(|table| bare(table)).map(|t| t.name().to_owned()).collect();
        if order.action == Action::SoftDelete && !bare.is_empty() {
            return Err(OrderError::NoAttributes(bare));
        }
        for step in plan.steps() {
            let table = step.class.table();
            if let Some(why) = shape.part(table).and_then(|part| part.obstacle.clone()) {
                return Err(OrderError::Obstacle { table: table.name().to_owned(), why });
            }
        }
        Ok(plan)
    }
}

/// What is to become of the rows of one class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClassPlan {
    /// The class.
    pub class: Class,
    /// How its times are stored; none where they are mixed, or none is understood.
    pub encoding: Option<Encoding>,
    /// What is due.
    pub due: Sum,
    /// What stays, by why.
    pub kept: BTreeMap<Verdict, Sum>,
}

impl ClassPlan {
    fn of(class: Class, found: BTreeMap<Option<Encoding>, BTreeMap<Verdict, Sum>>) -> Self {
        let encodings: Vec<Encoding> = found.keys().copied().flatten().collect();
        let encoding = match encodings.as_slice() {
            [one] => Some(*one),
            _ => None,
        };
        let mixed = encodings.len() > 1;
        let (mut due, mut kept) = (Sum::default(), BTreeMap::<Verdict, Sum>::new());
        for (verdict, sum) in found.into_values().flatten() {
            match verdict {
                Verdict::Due if mixed => kept.entry(Verdict::MixedTimes).or_default().join(&sum),
                Verdict::Due => due.join(&sum),
                other => kept.entry(other).or_default().join(&sum),
            }
        }
        Self { class, encoding, due, kept }
    }

    /// Everything that stays of it.
    #[must_use]
    pub fn stays(&self) -> Sum {
        let mut sum = Sum::default();
        self.kept.values().for_each(|kept| sum.join(kept));
        sum
    }
}

/// What an order means for a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The order.
    #[serde(flatten)]
    pub order: Order,
    /// The classes that have rows.
    pub classes: Vec<ClassPlan>,
}

/// A class that is to be worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The class.
    pub class: Class,
    /// How its times are stored.
    pub encoding: Encoding,
    /// What is asked for.
    pub order: Order,
}

impl Step {
    /// Whether a row of its class is due, as the row stands now.
    #[must_use]
    pub fn is_due(&self, row: &Row) -> bool {
        let own = Class::of(row.table, row.event_type) == Some(self.class);
        own && self.order.verdict(self.encoding, row) == Verdict::Due
    }
}

impl Plan {
    /// What there is to do, in order.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        let due = self.classes.iter().filter(|class| class.due.rows > 0);
        let step = |class: &ClassPlan| {
            Some(Step { class: class.class, encoding: class.encoding?, order: self.order })
        };
        due.filter_map(step).collect()
    }

    /// Everything that is due.
    #[must_use]
    pub fn due(&self) -> Sum {
        let mut sum = Sum::default();
        self.classes.iter().for_each(|class| sum.join(&class.due));
        sum
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::time::Timestamp;
    use crate::upkeep::instant::{Stored, read};
    use crate::upkeep::shape::Found;

    const NOW: i64 = 1_795_000_000;
    const DAY: i64 = 86_400;

    fn now() -> Ticks {
        Ticks::of(Timestamp::from_second(NOW).expect("an instant"))
    }

    fn shape(attributes: bool) -> Shape {
        let columns = ["Time", "EventType", "Data", "EventAttributes"];
        let kept = columns.iter().filter(|name| attributes || **name != "EventAttributes");
        let found = Found {
            is_table: true,
            columns: kept.map(|name| (*name).to_owned()).collect(),
            ..Found::default()
        };
        let tables = Table::ALL.map(|table| (table.name().to_owned(), found.clone()));
        Shape::of(&tables.into_iter().collect()).expect("a shape")
    }

    /// A row as a test describes it: type, seconds before now, how its time is written down, attributes.
    #[derive(Debug, Clone, Copy)]
    struct Given(Table, i64, i64, How, Attributes);

    #[derive(Debug, Clone, Copy, PartialEq)]
    enum How {
        Text,
        Ticks,
        Seconds,
        Null,
    }

    impl Given {
        fn row(&self) -> Row {
            let at = Timestamp::from_second(NOW - self.2).expect("an instant");
            let text = at.strftime("%Y-%m-%d %H:%M:%S.0000000").to_string();
            let time = match self.3 {
                How::Text => read(Stored::Text(Some(&text))),
                How::Ticks => read(Stored::Integer(Ticks::of(at).number())),
                How::Seconds => read(Stored::Integer(at.as_second())),
                How::Null => read(Stored::Null),
            };
            Row { table: self.0, event_type: Some(self.1), attributes: self.4, time, bytes: 7 }
        }
    }

    /// What the rules say, in the plainest words: the positions of rows that are due.
    fn naive(rows: &[Given], action: Action, days: u32) -> Vec<usize> {
        let is_class = |row: &Given| {
            (row.0 == Table::SessionEvent && row.1 == 44)
                || (row.0 == Table::SessionConnectionEvent && row.1 == 70)
        };
        let is_due = |row: &Given| {
            let same =
                |how: How| rows.iter().any(|other| other.0 == row.0 && is_class(other) && other.3 == how);
            is_class(row)
                && matches!(row.3, How::Text | How::Ticks)
                && !(same(How::Text) && same(How::Ticks))
                && row.2 > i64::from(days) * DAY
                && (action == Action::Delete || row.4 == Attributes::None)
        };
        (0..rows.len()).filter(|at| is_due(&rows[*at])).collect()
    }

    fn given() -> impl Strategy<Value = Given> {
        let how = prop_oneof![6 => Just(How::Text), 1 => Just(How::Ticks), 1 => Just(How::Seconds), 1 => Just(How::Null)];
        let attributes = prop_oneof![4 => Just(Attributes::None), 1 => Just(Attributes::SoftDeleted), 1 => Just(Attributes::Other)];
        let seconds = prop_oneof![0..30 * DAY, (0_i64..30).prop_map(|days| days * DAY), -DAY..0];
        let table = prop_oneof![Just(Table::SessionEvent), Just(Table::SessionConnectionEvent)];
        let number = prop_oneof![3 => Just(44_i64), 3 => Just(70), 1 => Just(32), 1 => Just(10)];
        (table, number, seconds, how, attributes).prop_map(|(t, n, s, h, a)| Given(t, n, s, h, a))
    }

    proptest! {
        #[test]
        fn a_plan_takes_what_the_rules_say_and_nothing_else(
            rows in prop::collection::vec(given(), 0..12),
            turned in any::<bool>(),
            delete in any::<bool>(),
            days in 1_u32..20,
        ) {
            let mut rows = rows;
            if turned {
                // As often ticks as texts.
                for row in &mut rows {
                    row.3 = match row.3 { How::Text => How::Ticks, How::Ticks => How::Text, other => other };
                }
            }
            let action = if delete { Action::Delete } else { Action::SoftDelete };
            let order = Order::new(action, days, now()).expect("an order");
            let mut tally = Tally::new(order);
            rows.iter().for_each(|row| tally.add(&row.row()));
            let plan = tally.plan(&shape(true)).expect("a plan");
            let expected = naive(&rows, action, days);
            prop_assert_eq!(plan.due().rows, expected.len() as u64);
            let steps = plan.steps();
            let taken: Vec<usize> = (0..rows.len())
                .filter(|at| steps.iter().any(|step| step.is_due(&rows[*at].row())))
                .collect();
            prop_assert_eq!(taken, expected);
            let classed = rows.iter().filter(|row| Class::of(row.0, Some(row.1)).is_some()).count();
            let counted: u64 = plan.classes.iter().map(|class| class.due.rows + class.stays().rows).sum();
            prop_assert_eq!(counted, classed as u64);
        }
    }

    #[test]
    fn everything_is_never_deleted_and_may_be_soft_deleted() {
        assert_eq!(Order::new(Action::Delete, 0, now()), Err(OrderError::TooYoung));
        assert!(Order::new(Action::SoftDelete, 0, now()).is_ok());
        let ages = Order::new(Action::Delete, u32::MAX, now()).expect("an order");
        assert!(ages.limit() < now());
    }

    #[test]
    fn a_table_without_attributes_or_with_triggers_refuses() {
        let tally = |action| {
            let mut tally = Tally::new(Order::new(action, 7, now()).expect("an order"));
            tally.add(&Given(Table::SessionEvent, 44, 9 * DAY, How::Text, Attributes::None).row());
            tally
        };
        let error = tally(Action::SoftDelete).plan(&shape(false)).expect_err("no column");
        assert_eq!(
            error.to_string(),
            "rows cannot be soft-deleted: there is no column EventAttributes in SessionEvent and in SessionConnectionEvent"
        );
        assert!(tally(Action::Delete).plan(&shape(false)).is_ok());
        let found = Found {
            is_table: true,
            columns: ["Time", "EventType", "Data"].map(str::to_owned).into(),
            triggers: ["cascade".to_owned()].into(),
            ..Found::default()
        };
        let tables = Table::ALL.map(|table| (table.name().to_owned(), found.clone()));
        let shape = Shape::of(&tables.into_iter().collect()).expect("a shape");
        let error = tally(Action::Delete).plan(&shape).expect_err("a trigger");
        assert!(
            error.to_string().starts_with("the rows of SessionEvent cannot be changed safely: a trigger"),
            "{error}"
        );
    }
}
