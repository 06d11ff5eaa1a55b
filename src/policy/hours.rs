//! When people work: business hours at an instant, and the instant as rules see it.

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::config::kind::Weekday;
use crate::config::safety::{Hours, Safety};
use crate::id::Name;
use crate::time::Timestamp;

/// Whether people work then. Hours that end before they begin end on the next day.
#[must_use]
pub fn is_open(hours: &Hours, now: Timestamp) -> bool {
    let local = now.to_zoned(hours.zone.clone());
    let (today, time) = (day(local.weekday()), local.time());
    let yesterday = day(local.weekday().previous());
    if hours.from < hours.to {
        return hours.days.contains(&today) && hours.from <= time && time < hours.to;
    }
    (hours.days.contains(&today) && hours.from <= time)
        || (hours.days.contains(&yesterday) && time < hours.to)
}

/// The hours of a tenant: its own, else the instance's.
#[must_use]
pub fn of_tenant<'a>(safety: &'a Safety, tenant: Option<&Name>) -> Option<&'a Hours> {
    tenant.and_then(|name| safety.tenant_hours.get(name)).or(safety.hours.as_ref())
}

/// The time zone of a tenant: that of its hours, else the instance's.
#[must_use]
pub fn zone_of<'a>(safety: &'a Safety, tenant: Option<&Name>) -> &'a TimeZone {
    of_tenant(safety, tenant).map_or(&safety.zone.0, |hours| &hours.zone)
}

/// The instant in a time zone, as `now` in a rule.
#[must_use]
pub fn now(now: Timestamp, zone: &TimeZone) -> Value {
    let local = now.to_zoned(zone.clone());
    json!({
        "date": local.date().to_string(),
        "time": format!("{:02}:{:02}", local.hour(), local.minute()),
        "hour": local.hour(),
        "minute": local.minute(),
        "weekday": word(day(local.weekday())),
        "zone": zone.iana_name().unwrap_or("UTC"),
    })
}

const fn day(day: jiff::civil::Weekday) -> Weekday {
    match day {
        jiff::civil::Weekday::Monday => Weekday::Monday,
        jiff::civil::Weekday::Tuesday => Weekday::Tuesday,
        jiff::civil::Weekday::Wednesday => Weekday::Wednesday,
        jiff::civil::Weekday::Thursday => Weekday::Thursday,
        jiff::civil::Weekday::Friday => Weekday::Friday,
        jiff::civil::Weekday::Saturday => Weekday::Saturday,
        jiff::civil::Weekday::Sunday => Weekday::Sunday,
    }
}

const fn word(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "monday",
        Weekday::Tuesday => "tuesday",
        Weekday::Wednesday => "wednesday",
        Weekday::Thursday => "thursday",
        Weekday::Friday => "friday",
        Weekday::Saturday => "saturday",
        Weekday::Sunday => "sunday",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(days: &[Weekday], from: &str, to: &str, zone: &str) -> Hours {
        Hours {
            days: days.iter().copied().collect(),
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
            zone: jiff::tz::TimeZoneDatabase::bundled().get(zone).unwrap(),
        }
    }

    #[test]
    fn hours_hold_in_their_own_zone_and_end_with_their_last_minute() {
        let week = [Weekday::Monday, Weekday::Friday];
        let hours = hours(&week, "08:00:00", "18:00:00", "Europe/Berlin");
        // 2026-11-23 is a Monday; Berlin is one hour ahead of UTC in winter.
        for (at, open) in [
            ("2026-11-23T06:59:59Z", false),
            ("2026-11-23T07:00:00Z", true),
            ("2026-11-23T16:59:59Z", true),
            ("2026-11-23T17:00:00Z", false),
            ("2026-11-24T10:00:00Z", false),
            ("2026-11-27T10:00:00Z", true),
            // In summer it is two hours ahead.
            ("2026-07-06T06:00:00Z", true),
            ("2026-07-06T05:59:00Z", false),
        ] {
            assert_eq!(is_open(&hours, at.parse().unwrap()), open, "{at}");
        }
    }

    #[test]
    fn hours_over_midnight_belong_to_the_day_on_which_they_begin() {
        let hours = hours(&[Weekday::Friday], "22:00:00", "06:00:00", "UTC");
        for (at, open) in [
            ("2026-11-27T21:59:00Z", false),
            ("2026-11-27T22:00:00Z", true),
            ("2026-11-28T05:59:00Z", true),
            ("2026-11-28T06:00:00Z", false),
            ("2026-11-28T23:00:00Z", false),
            ("2026-11-27T03:00:00Z", false),
        ] {
            assert_eq!(is_open(&hours, at.parse().unwrap()), open, "{at}");
        }
    }
}
