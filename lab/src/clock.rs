//! The time, and the forms in which the three systems write it.

use std::sync::Arc;

use jiff::Timestamp;

/// Where a lab has the time from.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// A clock that shows what `now` gives, such as one that goes faster than time.
    pub fn of(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// What it shows.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl Default for Clock {
    /// The clock of this host.
    fn default() -> Self {
        Self::of(Timestamp::now)
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clock").finish_non_exhaustive()
    }
}

/// Earlier or later by so many seconds.
pub(crate) fn shifted(at: Timestamp, seconds: i64) -> Timestamp {
    Timestamp::new(at.as_second().saturating_add(seconds), at.subsec_nanosecond()).unwrap_or(at)
}

/// Year, month, day, and the seconds since midnight, in UTC. Lists of large fleets write many times, so it is done here.
fn civil(at: Timestamp) -> (i64, i64, i64, i64) {
    let (days, second) = (at.as_second().div_euclid(86_400), at.as_second().rem_euclid(86_400));
    // Days since 0000-03-01, in eras of 400 years.
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month) = (day - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    (year + era * 400 + i64::from(month <= 2), month, day, second)
}

fn seconds(at: Timestamp) -> String {
    let (year, month, day, second) = civil(at);
    let (hour, minute) = (second / 3600, second / 60 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}", second % 60)
}

/// `2026-07-23T10:00:00.1234567Z`: Control writes seven digits.
pub(crate) fn seven(at: Timestamp) -> String {
    format!("{}.{:07}Z", seconds(at), at.subsec_nanosecond().max(0) / 100)
}

/// What Control writes for never: without a zone.
pub(crate) const NEVER: &str = "0001-01-01T00:00:00";

/// `2026-07-23T10:00:00Z`: Automate and RMM.
pub(crate) fn whole(at: Timestamp) -> String {
    seconds(at) + "Z"
}

/// The form of HTTP headers.
pub(crate) fn http(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for day in -40_000..60_000 {
            let at = Timestamp::from_second(day * 86_400 + 86_399).expect("a time");
            assert_eq!(whole(at), at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
        }
    }

    #[test]
    fn every_system_gets_its_form() {
        let at: Timestamp = "2026-07-23T10:00:00.1234567Z".parse().expect("a time");
        assert_eq!(seven(at), "2026-07-23T10:00:00.1234567Z");
        assert_eq!(seven(Timestamp::UNIX_EPOCH), "1970-01-01T00:00:00.0000000Z");
        assert_eq!(whole(at), "2026-07-23T10:00:00Z");
        assert_eq!(http(at), "Thu, 23 Jul 2026 10:00:00 GMT");
    }
}
