//! When an event was, as its column `Time` holds it: a text, or .NET ticks (100 ns since the year 1, UTC).
//!
//! No vendor document says which of the two a server writes, and both were seen. SQLite ranks every integer below every
//! text, so a comparison of the column with a date, as it stands in well-known advice, takes every row of a file with
//! ticks for old. Here a value is read before it is compared, and what is neither is [`Odd`].
//!
//! Invariant: an instant lies in the years 2000 to 2199; a number that would mean another one counts something else
//! (seconds or milliseconds since 1970, for example), and so does a text.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Serialize, Serializer};

use crate::time::Timestamp;

/// An instant in .NET ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticks(i64);

/// Ticks at the beginning of 1970.
const EPOCH: i64 = 621_355_968_000_000_000;
/// The beginning of 2000: before there was the product.
const FIRST: i64 = 630_822_816_000_000_000;
/// The beginning of 2200.
const LAST: i64 = 693_937_152_000_000_000;
/// The nanoseconds of a tick.
const NANOSECONDS: i128 = 100;

impl Ticks {
    /// The ticks of an instant; at the ends of the calendar those of the end.
    #[must_use]
    pub fn of(at: Timestamp) -> Self {
        let since = i64::try_from(at.as_nanosecond().div_euclid(NANOSECONDS)).unwrap_or(i64::MAX - EPOCH);
        Self(since.saturating_add(EPOCH))
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> i64 {
        self.0
    }

    /// So many days of 24 hours before.
    #[must_use]
    pub const fn before(self, days: u32) -> Self {
        Self(self.0.saturating_sub(864_000_000_000_i64.saturating_mul(days as i64)))
    }

    /// How long it was before `now`; zero for what lies ahead.
    #[must_use]
    pub fn age(self, now: Self) -> Duration {
        let ticks = u64::try_from(now.0.saturating_sub(self.0)).unwrap_or_default();
        Duration::from_micros(ticks / 10)
    }

    /// The instant, for people.
    #[must_use]
    pub fn timestamp(self) -> Timestamp {
        let since = i128::from(self.0.saturating_sub(EPOCH)).saturating_mul(NANOSECONDS);
        Timestamp::from_nanosecond(since).unwrap_or(Timestamp::MAX)
    }
}

impl Serialize for Ticks {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.timestamp())
    }
}

/// What a row holds in its column `Time`, by the type of the value and not of the column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stored<'a> {
    /// NULL.
    Null,
    /// A whole number.
    Integer(i64),
    /// A number with a fraction.
    Real,
    /// A text; `None` where it is no Unicode.
    Text(Option<&'a str>),
    /// Bytes.
    Blob,
}

/// How an instant is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// As a text: `2026-11-22 19:35:59.1234567`.
    Text,
    /// As .NET ticks.
    Ticks,
}

/// What is no instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Odd {
    /// There is no value.
    Null,
    /// A whole number that is no count of ticks in the years 2000 to 2199.
    OtherInteger,
    /// A number with a fraction.
    Real,
    /// A text in another form, with an offset from UTC, or of another time.
    OtherText,
    /// Bytes.
    Blob,
}

/// What was made of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// An instant, and how it is written down.
    At(Encoding, Ticks),
    /// No instant.
    Odd(Odd),
}

/// Reads a value.
#[must_use]
pub fn read(stored: Stored<'_>) -> Reading {
    let within = |ticks: Ticks| (FIRST..LAST).contains(&ticks.0).then_some(ticks);
    match stored {
        Stored::Null => Reading::Odd(Odd::Null),
        Stored::Real => Reading::Odd(Odd::Real),
        Stored::Blob => Reading::Odd(Odd::Blob),
        Stored::Integer(number) => match within(Ticks(number)) {
            Some(ticks) => Reading::At(Encoding::Ticks, ticks),
            None => Reading::Odd(Odd::OtherInteger),
        },
        Stored::Text(text) => match text.and_then(parse).and_then(within) {
            Some(ticks) => Reading::At(Encoding::Text, ticks),
            None => Reading::Odd(Odd::OtherText),
        },
    }
}

/// Reads `2026-11-22 19:35:59.1234567`: with `T` between, with up to nine digits of a fraction or none, with or without
/// a `Z` at the end.
fn parse(text: &str) -> Option<Ticks> {
    let bytes = text.as_bytes();
    let is_form = |(at, byte): (usize, &u8)| match at {
        4 | 7 => *byte == b'-',
        10 => matches!(byte, b' ' | b'T'),
        13 | 16 => *byte == b':',
        _ => byte.is_ascii_digit(),
    };
    let (clock, rest) = bytes.split_at_checked(19)?;
    if !clock.iter().enumerate().all(is_form) {
        return None;
    }
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i16>().ok();
    let small = |from: usize| number(from, from + 2).and_then(|number| i8::try_from(number).ok());
    let nanoseconds = fraction(rest.strip_suffix(b"Z").unwrap_or(rest))?;
    let (year, month, day) = (number(0, 4)?, small(5)?, small(8)?);
    let civil = DateTime::new(year, month, day, small(11)?, small(14)?, small(17)?, nanoseconds).ok()?;
    Some(Ticks::of(civil.to_zoned(TimeZone::UTC).ok()?.timestamp()))
}

/// The nanoseconds of `.1234567`, or of nothing.
fn fraction(bytes: &[u8]) -> Option<i32> {
    let digits = match bytes {
        [] => return Some(0),
        [b'.', digits @ ..] => digits,
        _ => return None,
    };
    if digits.is_empty() || digits.len() > 9 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let padded = digits.iter().chain(std::iter::repeat(&b'0')).take(9);
    Some(padded.fold(0, |number, digit| number * 10 + i32::from(digit - b'0')))
}

#[cfg(test)]
#[allow(
    clippy::disallowed_methods,
    clippy::decimal_bitwise_operands,
    reason = "tests make and look at files"
)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Ticks {
        Ticks::of(text.parse().expect("an instant"))
    }

    fn text(text: &str) -> Reading {
        read(Stored::Text(Some(text)))
    }

    #[test]
    fn texts_of_all_usual_forms_are_read() {
        let expected = at("2026-11-22T19:35:59.1234567Z");
        for form in [
            "2026-11-22 19:35:59.1234567",
            "2026-11-22T19:35:59.1234567",
            "2026-11-22T19:35:59.1234567Z",
            "2026-11-22 19:35:59.123456700",
        ] {
            assert_eq!(text(form), Reading::At(Encoding::Text, expected), "{form}");
        }
        assert_eq!(text("2026-11-22 19:35:59"), Reading::At(Encoding::Text, at("2026-11-22T19:35:59Z")));
        assert_eq!(text("2026-11-22 19:35:59.5Z"), Reading::At(Encoding::Text, at("2026-11-22T19:35:59.5Z")));
    }

    #[test]
    fn ticks_are_read_as_dot_net_counts_them() {
        // DateTime(2026, 11, 22, 19, 35, 59, DateTimeKind.Utc).Ticks
        let number = 639_309_729_590_000_000;
        let expected = at("2026-11-22T19:35:59Z");
        assert_eq!(expected.number(), number);
        assert_eq!(read(Stored::Integer(number)), Reading::At(Encoding::Ticks, expected));
        assert_eq!(expected.timestamp().to_string(), "2026-11-22T19:35:59Z");
        assert_eq!(at("2000-01-01T00:00:00Z").number(), FIRST);
        assert_eq!(at("2200-01-01T00:00:00Z").number(), LAST);
        assert_eq!(expected.before(7), at("2026-11-15T19:35:59Z"));
    }

    #[test]
    fn what_counts_something_else_is_no_instant() {
        // Seconds, milliseconds, microseconds and nanoseconds since 1970, a FILETIME, a day number, and ticks with a flag.
        let seconds = 1_795_376_159_i64;
        for number in [
            seconds,
            seconds * 1_000,
            seconds * 1_000_000,
            seconds * 1_000_000_000,
            134_398_497_590_000_000,
            2_461_367,
            0,
            -1,
            i64::MIN,
            i64::MAX,
            639_309_729_590_000_000 | 1 << 62,
            FIRST - 1,
            LAST,
        ] {
            assert_eq!(read(Stored::Integer(number)), Reading::Odd(Odd::OtherInteger), "{number}");
        }
        for form in [
            "",
            "2026-11-22",
            "2026-11-22 19:35",
            "2026-11-22 19:35:59+02:00",
            "2026-11-22 19:35:59.",
            "2026-11-22 19:35:59.1234567890",
            "2026-11-22 19:35:59 ",
            "2026-02-30 19:35:59",
            "2026-11-22 24:00:00",
            "2026-11-22 19:35:60",
            "22.11.2026 19:35:59",
            "11/22/2026 7:35:59 PM",
            "0001-01-01 00:00:00.0000000",
            "9999-12-31 23:59:59.9999999",
            "639309729590000000",
            "２０２６-11-22 19:35:59",
            "2026-11-22 19:35:59.12ü",
        ] {
            assert_eq!(text(form), Reading::Odd(Odd::OtherText), "{form}");
        }
        assert_eq!(read(Stored::Text(None)), Reading::Odd(Odd::OtherText));
        assert_eq!(read(Stored::Null), Reading::Odd(Odd::Null));
        assert_eq!(read(Stored::Real), Reading::Odd(Odd::Real));
        assert_eq!(read(Stored::Blob), Reading::Odd(Odd::Blob));
    }

    #[test]
    fn the_ends_of_the_calendar_are_no_panic() {
        assert!(Ticks::of(Timestamp::MIN) < Ticks::of(Timestamp::MAX));
        assert_eq!(Ticks(i64::MIN).before(u32::MAX).number(), i64::MIN);
        assert_eq!(Ticks(i64::MAX).age(Ticks(i64::MIN)), Duration::ZERO);
        assert!(
            Ticks(i64::MIN).timestamp() < Timestamp::UNIX_EPOCH
                || Ticks(i64::MIN).timestamp() == Timestamp::MAX
        );
    }

    proptest! {
        #[test]
        fn both_encodings_of_an_instant_are_the_same_instant(seconds in 946_684_800_i64..7_258_118_400, tick in 0..10_000_000_i32) {
            let timestamp = Timestamp::new(seconds, tick * 100).expect("an instant");
            let written = timestamp.strftime("%Y-%m-%d %H:%M:%S").to_string();
            let both = [text(&format!("{written}.{tick:07}")), read(Stored::Integer(EPOCH + seconds * 10_000_000 + i64::from(tick)))];
            prop_assert_eq!(both[0], Reading::At(Encoding::Text, Ticks::of(timestamp)));
            prop_assert_eq!(both[1], Reading::At(Encoding::Ticks, Ticks::of(timestamp)));
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC{0,30}|[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9:.Z]{0,20}") {
            if let Reading::At(encoding, ticks) = read(Stored::Text(Some(&text))) {
                prop_assert_eq!(encoding, Encoding::Text);
                prop_assert!((FIRST..LAST).contains(&ticks.number()));
            }
        }
    }
}
