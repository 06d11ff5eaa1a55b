//! The time, and the forms in which the three systems write it.

use jiff::{SignedDuration, Timestamp};

/// The time of this host.
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// Earlier or later by so many seconds.
pub(crate) fn shifted(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(at)
}

/// `2026-07-23T10:00:00.1234567Z`: Control writes seven digits.
pub(crate) fn seven(at: Timestamp) -> String {
    format!("{}.{:07}Z", at.strftime("%Y-%m-%dT%H:%M:%S"), at.subsec_nanosecond() / 100)
}

/// What Control writes for never: without a zone.
pub(crate) const NEVER: &str = "0001-01-01T00:00:00";

/// `2026-07-23T10:00:00Z`: Automate and RMM.
pub(crate) fn whole(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The form of HTTP headers.
pub(crate) fn http(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_system_gets_its_form() {
        let at: Timestamp = "2026-07-23T10:00:00.1234567Z".parse().expect("a time");
        assert_eq!(seven(at), "2026-07-23T10:00:00.1234567Z");
        assert_eq!(seven(Timestamp::UNIX_EPOCH), "1970-01-01T00:00:00.0000000Z");
        assert_eq!(whole(at), "2026-07-23T10:00:00Z");
        assert_eq!(http(at), "Thu, 23 Jul 2026 10:00:00 GMT");
    }
}
