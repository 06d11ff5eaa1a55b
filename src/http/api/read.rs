//! Reads JSON from vendors, and says at which member it is not as documented.
//!
//! Not here: what the documents mean. An error tells the place and the kind of the value, never the value: it may be personal.
//!
//! Invariants: the place is found in the text itself, so that a type needs nothing special for it; ids may be numbers or
//! texts of digits, whatever the vendor's documents say, and become the same.

use std::fmt::{self, Write as _};

use serde::de::{DeserializeOwned, Deserializer, Error as _, IgnoredAny, Visitor};

/// Where a document is not as expected, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {why}")]
pub struct ReadError {
    /// The place: `$.sessions[3].SessionID`.
    pub path: String,
    /// What is wrong, without the value.
    pub why: String,
}

/// Reads a whole document. A byte order mark before it is passed over.
///
/// # Errors
/// [`ReadError`] with the place of the first thing that is wrong.
pub fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ReadError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    serde_json::from_slice(bytes).map_err(|error| ReadError {
        path: place(bytes, offset(bytes, error.line(), error.column())),
        why: without_values(&error.to_string()),
    })
}

/// Reads an entry of a list. The outer error is that of a text that is no JSON.
///
/// # Errors
/// [`ReadError`] with the place inside of the entry.
pub(super) fn entry<T: DeserializeOwned>(bytes: &[u8]) -> Result<Result<T, ReadError>, Syntax> {
    match json(bytes) {
        // What is wrong first may be that it is something else, and after that it is no JSON either.
        Err(error) => check(bytes).map(|()| Err(error)),
        Ok(value) => Ok(Ok(value)),
    }
}

/// What is wrong with a text as a JSON document, whatever it says.
pub(super) enum Syntax {
    /// It ends before the document does.
    Half,
    /// It is none.
    Not,
}

/// Whether a text is one whole JSON document.
pub(super) fn check(bytes: &[u8]) -> Result<(), Syntax> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match serde_json::from_slice::<IgnoredAny>(bytes) {
        Ok(_) => Ok(()),
        Err(error) if error.is_eof() => Err(Syntax::Half),
        Err(_) => Err(Syntax::Not),
    }
}

/// An id that is a number or a text, as text: `7`, `"7"` and `" 07"` are the same.
///
/// # Errors
/// For anything else, for an empty text, and for numbers below zero or with a fraction.
pub fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    deserializer.deserialize_any(Id)
}

/// The same where there may be none: `null`, an empty text or no member at all (with `#[serde(default)]`).
///
/// # Errors
/// The same.
pub fn maybe_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    deserializer.deserialize_any(MaybeId)
}

/// A number that may be written as a text of digits.
///
/// # Errors
/// For anything else.
pub fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = deserializer.deserialize_any(Id)?;
    text.parse().map_err(|_| D::Error::custom("a number was expected"))
}

/// A text that may be `null`: then it is empty.
///
/// # Errors
/// For anything that is neither.
pub fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    serde::Deserialize::deserialize(deserializer).map(Option::<String>::unwrap_or_default)
}

/// A list that may be `null`: then it is empty.
///
/// # Errors
/// For anything that is neither.
pub fn list<'de, D: Deserializer<'de>, T: serde::Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    serde::Deserialize::deserialize(deserializer).map(Option::<Vec<T>>::unwrap_or_default)
}

/// A number of an id without leading zeros, so that equal ones are equal as text; other texts as they are.
fn canonical(text: &str) -> String {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let digits = text.trim_start_matches('0');
        return if digits.is_empty() { "0".to_owned() } else { digits.to_owned() };
    }
    text.to_owned()
}

struct Id;

impl Visitor<'_> for Id {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id: a whole number or a text")
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<String, E> {
        u64::try_from(number).map(|number| number.to_string()).map_err(|_| E::custom("an id below zero"))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<String, E> {
        let text = canonical(text);
        if text.is_empty() { Err(E::custom("an empty id")) } else { Ok(text) }
    }
}

struct MaybeId;

impl<'de> Visitor<'de> for MaybeId {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id or null")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        maybe_id(deserializer)
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Self::Value, E> {
        Id.visit_u64(number).map(Some)
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Self::Value, E> {
        Id.visit_i64(number).map(Some)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
        let text = canonical(text);
        Ok((!text.is_empty()).then_some(text))
    }
}

/// A message without the value that it tells of, and without the line and column, which the place replaces.
fn without_values(message: &str) -> String {
    let message = message.rsplit_once(" at line ").map_or(message, |(message, _)| message);
    let (start, expected) = match message.rsplit_once(", expected ") {
        Some((start, expected)) => (start, Some(expected)),
        None => (message, None),
    };
    let start = match start.split_once(": ") {
        Some((kind @ ("invalid type" | "invalid value" | "invalid length"), value)) => {
            let kind_of_value = value.split(['"', '`']).next().unwrap_or_default().trim();
            format!("{kind}: {kind_of_value}")
        }
        _ if start.starts_with("unknown variant") => "an unknown word".to_owned(),
        _ if start.starts_with("unknown field") => "an unknown member".to_owned(),
        _ => start.to_owned(),
    };
    expected.map_or(start.clone(), |expected| format!("{start}, expected {expected}"))
}

/// The offset of a line and column as `serde_json` counts them: both from 1, columns in bytes.
fn offset(bytes: &[u8], line: usize, column: usize) -> usize {
    let mut start = 0;
    for _ in 1..line {
        start += bytes
            .get(start..)
            .unwrap_or_default()
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
    }
    start.saturating_add(column).min(bytes.len())
}

/// One container on the way to a place.
enum Step {
    Object(Option<String>),
    Array(usize),
}

/// The path of what stands at, or ended right before, an offset.
fn place(bytes: &[u8], end: usize) -> String {
    // A list or an object that is in the wrong place is told of after its first bracket.
    let before = bytes.get(..end.min(bytes.len())).unwrap_or_default().trim_ascii_end();
    let end = before.strip_suffix(b"[").or_else(|| before.strip_suffix(b"{")).unwrap_or(before).len();
    let mut way: Vec<Step> = Vec::new();
    let mut at = 0;
    while at < end {
        match bytes.get(at) {
            Some(b'{') => way.push(Step::Object(None)),
            Some(b'[') => way.push(Step::Array(0)),
            Some(b'}' | b']') => _ = way.pop(),
            Some(b',') => match way.last_mut() {
                Some(Step::Array(index)) => *index += 1,
                Some(Step::Object(key)) => *key = None,
                None => {}
            },
            Some(b'"') => {
                let length = string(bytes.get(at..).unwrap_or_default());
                if let Some(Step::Object(key @ None)) = way.last_mut() {
                    let text = bytes.get(at..at + length).unwrap_or_default();
                    *key = Some(serde_json::from_slice(text).unwrap_or_default());
                }
                at += length;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    let mut path = "$".to_owned();
    for step in way {
        // Writing into a String cannot fail.
        match step {
            Step::Object(Some(key)) => {
                _ = write!(path, ".{}", key.chars().take(60).collect::<String>().escape_debug());
            }
            Step::Object(None) => {}
            Step::Array(index) => _ = write!(path, "[{index}]"),
        }
    }
    path
}

/// How long the text in quotes is that begins here, the quotes included.
fn string(bytes: &[u8]) -> usize {
    let mut escaped = false;
    let inside = bytes.iter().skip(1).position(|byte| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    });
    inside.map_or(bytes.len(), |inside| inside + 2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Session {
        #[serde(rename = "SessionID", deserialize_with = "id")]
        id: String,
        #[serde(default, deserialize_with = "maybe_id")]
        parent: Option<String>,
        #[serde(default, deserialize_with = "text")]
        name: String,
        #[serde(default)]
        online: bool,
    }

    #[derive(Debug, Deserialize)]
    struct Page {
        #[serde(default, deserialize_with = "list")]
        sessions: Vec<Session>,
    }

    fn wrong(text: &str) -> String {
        json::<Page>(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn the_place_of_what_is_wrong_is_told_and_never_the_value() {
        insta::assert_snapshot!(wrong(r#"{"sessions":[{"SessionID":1},{"SessionID":[7]}]}"#), @"$.sessions[1].SessionID: invalid type: sequence, expected an id: a whole number or a text");
        insta::assert_snapshot!(wrong("{\"sessions\":[\n {\"SessionID\":1},\n {\"SessionID\":\"a\",\n  \"online\":\"can\\\"ary, expected\"}]}"), @"$.sessions[1].online: invalid type: string, expected a boolean");
        insta::assert_snapshot!(wrong(r#"{"sessions":[{"SessionID":1},{"x":{"SessionID":2}}]}"#), @"$.sessions[1]: missing field `SessionID`");
        insta::assert_snapshot!(wrong(r#"{"sessions":{"canary":1}}"#), @"$.sessions: invalid type: map, expected a sequence");
        insta::assert_snapshot!(wrong(r#"{"sessions":[{"SessionID":-7}]}"#), @"$.sessions[0].SessionID: an id below zero");
        insta::assert_snapshot!(wrong(r#"{"sessions":[{"SessionID":" "}]}"#), @"$.sessions[0].SessionID: an empty id");
        insta::assert_snapshot!(wrong(r#""canary""#), @"$: invalid type: string, expected struct Page");
        assert!(wrong(r#"{"sessions":[{"SessionID":1"#).contains("EOF"));
    }

    #[test]
    fn ids_are_numbers_or_texts_and_nothing_may_be_null() {
        let text = br#"{"sessions":[{"SessionID":"007","parent":null,"name":null},{"SessionID":7,"parent":"12"},{"SessionID":"a-b","parent":""}]}"#;
        let page: Page = json(text).unwrap();
        let ids: Vec<_> =
            page.sessions.iter().map(|session| (session.id.as_str(), session.parent.as_deref())).collect();
        assert_eq!(ids, [("7", None), ("7", Some("12")), ("a-b", None)]);
        assert!(json::<Page>(b"\xef\xbb\xbf{\"sessions\":null}").unwrap().sessions.is_empty());
    }

    #[test]
    fn half_a_document_is_told_from_none() {
        assert!(check(b"\xef\xbb\xbf[1, {\"a\": null}] ").is_ok());
        for half in ["", "[1,", "{\"a\"", "\"x", "[1] [", "tru"] {
            let found = check(half.as_bytes());
            assert!(matches!(found, Err(Syntax::Half)) || half == "[1] [", "{half}");
        }
        for none in ["<html>", "{a:1}", "[1] 2", "nonsense"] {
            assert!(matches!(check(none.as_bytes()), Err(Syntax::Not)), "{none}");
        }
    }

    /// A document of nested lists and objects with one wrong value, and the path to it.
    fn nested() -> impl Strategy<Value = (serde_json::Value, String)> {
        let leaf = Just((serde_json::json!("wrong"), String::new()));
        leaf.prop_recursive(5, 24, 3, |inner| {
            let list = (inner.clone(), 0..4_usize).prop_map(|((value, path), before)| {
                let mut list = vec![serde_json::json!({"x\"]},": [1, {"y": "z"}]}); before];
                list.push(value);
                (serde_json::Value::Array(list), format!("[{before}]{path}"))
            });
            let object = (inner, "[a-z]{1,6}", any::<bool>()).prop_map(|((value, path), key, first)| {
                let mut object = serde_json::Map::new();
                if first {
                    object.insert("0{[".to_owned(), serde_json::json!(["\\\"", {}]));
                }
                object.insert(key.clone(), value);
                (serde_json::Value::Object(object), format!(".{key}{path}"))
            });
            prop_oneof![list, object]
        })
    }

    proptest! {
        #[test]
        fn the_place_of_any_value_is_found((document, path) in nested(), pretty in any::<bool>()) {
            let text = if pretty { serde_json::to_string_pretty(&document) } else { serde_json::to_string(&document) };
            let text = text.unwrap();
            let end = text.find("\"wrong\"").unwrap() + "\"wrong\"".len();
            prop_assert_eq!(place(text.as_bytes(), end), format!("${path}"));
        }

        #[test]
        fn nothing_that_comes_makes_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), end in 0..300_usize) {
            _ = json::<Page>(&bytes);
            _ = place(&bytes, end);
        }
    }
}
