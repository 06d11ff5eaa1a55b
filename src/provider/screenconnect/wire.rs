//! The documents of the RESTful API Manager extension, as tolerantly as its references are uncertain: all but a session's
//! id may be missing or `null`. What is there and of another type is an error that names the place.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::http::api::read::{list, text};
use crate::time::Timestamp;

/// A session, in a list or with its details.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Session {
    #[serde(rename = "SessionID")]
    pub(super) id: String,
    #[serde(default, deserialize_with = "text")]
    pub(super) name: String,
    #[serde(default)]
    pub(super) session_type: Option<Kind>,
    #[serde(default)]
    pub(super) is_ended: Option<bool>,
    #[serde(default)]
    pub(super) custom_property_values: Option<Vec<Option<String>>>,
    #[serde(default)]
    pub(super) custom_properties: Option<std::collections::BTreeMap<String, Option<String>>>,
    #[serde(default)]
    pub(super) active_connections: Option<Vec<Connection>>,
    #[serde(default)]
    pub(super) guest_connected_count: Option<u64>,
    #[serde(default, deserialize_with = "time")]
    pub(super) last_guest_connected_event_time: Option<Timestamp>,
    #[serde(default, deserialize_with = "time")]
    pub(super) last_guest_disconnected_event_time: Option<Timestamp>,
    #[serde(default, deserialize_with = "text")]
    pub(super) guest_client_version: String,
    #[serde(default, deserialize_with = "text")]
    pub(super) guest_network_address: String,
    #[serde(default)]
    pub(super) guest_info: Option<GuestInfo>,
}

/// What a guest has told of itself.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct GuestInfo {
    #[serde(deserialize_with = "text")]
    pub(super) machine_name: String,
    #[serde(deserialize_with = "text")]
    pub(super) machine_domain: String,
    #[serde(deserialize_with = "text")]
    pub(super) machine_serial_number: String,
    #[serde(deserialize_with = "text")]
    pub(super) machine_manufacturer_name: String,
    #[serde(deserialize_with = "text")]
    pub(super) machine_model: String,
    #[serde(deserialize_with = "text")]
    pub(super) logged_on_user_name: String,
    #[serde(deserialize_with = "text")]
    pub(super) logged_on_user_domain: String,
    #[serde(deserialize_with = "text")]
    pub(super) operating_system_name: String,
    #[serde(deserialize_with = "text")]
    pub(super) operating_system_version: String,
}

/// A number that some servers write as a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kind(pub(super) String);

impl Kind {
    /// Whether it is this number or name.
    pub(super) fn is(&self, number: &str, name: &str) -> bool {
        self.0 == number || self.0.eq_ignore_ascii_case(name)
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Number(number) => Ok(Self(number.to_string())),
            Value::String(text) => Ok(Self(text)),
            _ => Err(serde::de::Error::custom("a number or a name was expected")),
        }
    }
}

/// Somebody who is connected.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Connection {
    #[serde(default)]
    pub(super) process_type: Option<Kind>,
    /// Only older servers have them here.
    #[serde(default, deserialize_with = "list")]
    pub(super) events: Vec<Event>,
}

/// Something that happened in a session.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Event {
    #[serde(rename = "EventID", default, deserialize_with = "text")]
    pub(super) id: String,
    #[serde(default)]
    pub(super) event_type: Option<Kind>,
    #[serde(default, deserialize_with = "time")]
    pub(super) time: Option<Timestamp>,
    #[serde(default, deserialize_with = "text")]
    pub(super) data: String,
}

/// A session with what happened in it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Details {
    #[serde(default)]
    pub(super) session: Option<Session>,
    #[serde(default, deserialize_with = "list")]
    pub(super) events: Vec<Event>,
    #[serde(default, deserialize_with = "list")]
    pub(super) connections: Vec<Connection>,
}

/// A session group of the built-in services.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Group {
    #[serde(default, deserialize_with = "text")]
    pub(super) name: String,
    #[serde(default)]
    pub(super) session_type: Option<Kind>,
    #[serde(default, deserialize_with = "text")]
    pub(super) session_filter: String,
}

/// A time. One without a zone is in UTC; year 1 is never; what is no time is none, as nothing depends on it alone.
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let Value::String(text) = Value::deserialize(deserializer)? else { return Ok(None) };
    let text = text.trim();
    let with_zone = text.parse::<Timestamp>().ok();
    let told = with_zone.or_else(|| {
        let plain = text.parse::<jiff::civil::DateTime>().ok()?;
        Some(plain.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    });
    // 1970; nobody had such a server before.
    Ok(told.filter(|time| time.as_second() > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(time: &str) -> Option<String> {
        let text = format!(r#"{{"EventID":"a","EventType":70,"Time":{time},"Data":null}}"#);
        serde_json::from_str::<Event>(&text).expect("an event").time.map(|time| time.to_string())
    }

    #[test]
    fn times_are_read_in_all_spellings() {
        let at = Some("2026-07-23T10:00:00.1234567Z".to_owned());
        assert_eq!(event("\"2026-07-23T10:00:00.1234567Z\""), at);
        assert_eq!(event("\"2026-07-23T10:00:00.1234567\""), at);
        assert_eq!(event("\"2026-07-23T12:00:00.1234567+02:00\""), at);
        for never in ["\"0001-01-01T00:00:00\"", "\"0001-01-01T00:00:00Z\"", "\"\"", "null", "-1", "\"soon\""]
        {
            assert_eq!(event(never), None, "{never}");
        }
    }

    #[test]
    fn kinds_are_numbers_or_names() {
        let kind = |text: &str| serde_json::from_str::<Kind>(text);
        assert!(
            kind("2").expect("a kind").is("2", "Access")
                && kind("\"access\"").expect("a kind").is("2", "Access")
        );
        assert!(!kind("\"Support\"").expect("a kind").is("2", "Access"));
        assert!(kind("[2]").is_err());
    }
}
