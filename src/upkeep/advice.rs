//! What is to be recommended after a look at a session database.
//!
//! Source: the product's own maintenance plans (Administration > Database), with the two actions that integrations with
//! many commands recommend. Notes are left out of them, as other products keep assignments in notes.

use super::event::Class;
use super::survey::{Age, Survey};

/// Commands and responses that are older than this are of no more use to Muster, which reads a response within a session.
const OF_USE: Age = Age::UpTo7Days;

/// What was found that calls for advice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Old commands and responses.
    pub old: u64,
    /// All events.
    pub all: u64,
}

/// Old commands and responses, where they are more than half of all events: the server's own maintenance is not set up, or
/// keeps them too long.
#[must_use]
pub fn find(survey: &Survey) -> Option<Finding> {
    let all = survey.sum(|_, _, _| true).rows;
    let is_old = |age: Age| age != OF_USE && age != Age::Unknown;
    let old = survey.sum(|table, number, age| Class::of(table, number).is_some() && is_old(age)).rows;
    (old.saturating_mul(2) > all).then_some(Finding { old, all })
}

/// What to set up in the server, a line each.
pub const RULES: [&str; 2] = [
    "Access Sessions: Purge records of session activity older than 7 days for all events except AddedNote",
    "Access Sessions: Purge records of session connections older than 7 days for Host and Guest connections",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upkeep::event::Table;
    use crate::upkeep::instant::Encoding;
    use crate::upkeep::instant::{Reading, Ticks};
    use crate::upkeep::survey::{Attributes, Row};

    #[test]
    fn the_servers_own_rules_are_recommended_when_most_rows_are_old_commands_and_responses() {
        let now = Ticks::of("2026-11-22T12:00:00Z".parse().expect("an instant"));
        let survey = |old: u32, others: u32| {
            let mut survey = Survey::new(now);
            let row = |number: i64, days: u32| Row {
                table: Table::SessionEvent,
                event_type: Some(number),
                attributes: Attributes::None,
                time: Reading::At(Encoding::Ticks, now.before(days)),
                bytes: 1,
            };
            (0..old).for_each(|_| survey.add(&row(44, 8)));
            (0..others).for_each(|at| survey.add(&row(if at % 2 == 0 { 10 } else { 44 }, at % 2 * 3)));
            survey
        };
        assert_eq!(find(&survey(5, 5)), None);
        assert_eq!(find(&survey(6, 5)), Some(Finding { old: 6, all: 11 }));
        assert_eq!(find(&survey(0, 0)), None);
        assert!(RULES[0].ends_with("except AddedNote"));
    }
}
