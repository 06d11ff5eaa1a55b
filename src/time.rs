//! Time: instants, days and spans as people write them, and the clock's seam.
//!
//! Decisions take `now` as an argument. Only `cli::context` builds a [`Clock`] that reads the machine's time.
//!
//! Invariant: a [`Limit`] is longer than zero (SCR-7: zero is not a limit).

use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

pub use jiff::Timestamp;

/// Something that knows the time. Implemented for real in `cli`, and by tests with a time of their own.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

/// A day of the calendar as written in the configuration: `2026-12-31`. When it begins depends on a time zone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(jiff::civil::Date);

/// Why a text is not a [`Day`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a day: write year, month and day, such as 2026-12-31")]
pub struct InvalidDay(pub String);

impl Day {
    /// Reads `2026-12-31`.
    ///
    /// # Errors
    /// [`InvalidDay`] for anything else, also for days that are in no calendar.
    pub fn parse(text: &str) -> Result<Self, InvalidDay> {
        let bytes = text.as_bytes();
        let is_form = bytes.len() == 10
            && bytes.iter().enumerate().all(|(at, byte)| match at {
                4 | 7 => *byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        let date = text.parse().ok().filter(|_| is_form);
        date.map(Self).ok_or_else(|| InvalidDay(text.to_owned()))
    }

    /// The instant at which the day begins in a time zone of the bundled database; in UTC when the zone is not known.
    #[must_use]
    pub fn begins(self, zone: &str) -> Timestamp {
        let zone = jiff::tz::TimeZoneDatabase::bundled().get(zone).unwrap_or(jiff::tz::TimeZone::UTC);
        self.0.to_zoned(zone).map_or(Timestamp::MAX, |zoned| zoned.timestamp())
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Serialize for Day {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Day {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Day".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A day of the calendar: 2026-12-31.",
            "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
        })
    }
}

/// A length of time as written in the configuration: `45s`, `10m`, `2h`, `1h 30m`, `7d`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Limit(Duration);

/// Why a text is not a [`Limit`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a length of time: write a number with s, m, h or d, such as 45s, 10m or 1h 30m, longer than zero"
)]
pub struct InvalidLimit(pub String);

impl Limit {
    /// A limit of so many seconds; zero becomes one second.
    #[must_use]
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(if seconds == 0 { 1 } else { seconds }))
    }

    /// Reads `45s`, `10m`, `1h 30m`, `7d`.
    ///
    /// # Errors
    /// [`InvalidLimit`] for anything else, for zero, and for more than 366 days.
    pub fn parse(text: &str) -> Result<Self, InvalidLimit> {
        let invalid = || InvalidLimit(text.to_owned());
        let mut total: u64 = 0;
        let mut parts = 0;
        let mut rest = text.trim();
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let number: u64 = rest[..digits].parse().map_err(|_| invalid())?;
            rest = &rest[digits..];
            let unit = match rest.bytes().next() {
                Some(b's') => 1,
                Some(b'm') => 60,
                Some(b'h') => 3600,
                Some(b'd') => 86_400,
                _ => return Err(invalid()),
            };
            rest = rest[1..].trim_start();
            total = number.checked_mul(unit).and_then(|n| total.checked_add(n)).ok_or_else(invalid)?;
            parts += 1;
        }
        if parts == 0 || total == 0 || total > 366 * 86_400 {
            return Err(invalid());
        }
        Ok(Self(Duration::from_secs(total)))
    }

    /// The limit as a [`Duration`].
    #[must_use]
    pub const fn duration(self) -> Duration {
        self.0
    }

    /// Whole seconds.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.0.as_secs()
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = self.0.as_secs();
        let mut first = true;
        for (unit, seconds) in [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)] {
            if left >= seconds {
                if !first {
                    f.write_str(" ")?;
                }
                write!(f, "{}{unit}", left / seconds)?;
                left %= seconds;
                first = false;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Limit {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Limit {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Limit".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A length of time longer than zero: 45s, 10m, 1h 30m, 7d.",
            "pattern": r"^\s*([0-9]+[smhd]\s*)+$",
            "allOf": [{ "pattern": "[1-9]" }],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight_of_the_zone() {
        let day = Day::parse("2026-12-01").expect("valid");
        assert_eq!(day.to_string(), "2026-12-01");
        assert_eq!(day.begins("UTC").to_string(), "2026-12-01T00:00:00Z");
        assert_eq!(day.begins("Europe/Berlin").to_string(), "2026-11-30T23:00:00Z");
        assert_eq!(day.begins("Nowhere/Land"), day.begins("UTC"));
        for bad in ["", "2026-13-01", "2026-02-30", "26-12-01", "2026-12-01T00:00", "20261201", "2026-12-1"] {
            assert!(Day::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn limits_read_and_print_the_same() {
        for (text, seconds, printed) in [
            ("45s", 45, "45s"),
            ("90s", 90, "1m 30s"),
            ("1h30m", 5400, "1h 30m"),
            ("2d 1s", 172_801, "2d 1s"),
        ] {
            let limit = Limit::parse(text).expect("valid");
            assert_eq!(limit.as_secs(), seconds);
            assert_eq!(limit.to_string(), printed);
            assert_eq!(Limit::parse(printed), Ok(limit));
        }
        for bad in ["", "0s", "5", "s", "5x", "-5s", "1.5h", "99999999999999999999s", "400d"] {
            assert!(Limit::parse(bad).is_err(), "{bad:?}");
        }
    }
}
