//! JSON: values as they serialise, for machines.
//!
//! A document names its form: its first key is `format`, such as `muster.status/v1`. A line of NDJSON that is no document
//! is an event: it has the key `event`, which says what happened or what the line tells of.
//!
//! Invariant: the text holds no raw control character, DEL and the C1 range included, and nothing that a CI runner takes
//! for a command; the value is the same.

use std::fmt::Write as _;
use std::io::{self, Write};

use serde::Serialize;

use super::words;
use crate::plan::document::Plan;

/// A plan, pretty, with a line end: the form that `apply PLAN` reads.
///
/// # Errors
/// What the writer says.
pub fn plan(out: &mut dyn Write, plan: &Plan) -> io::Result<()> {
    pretty(out, plan)
}

/// A value with the name of its form before it.
#[derive(Serialize)]
struct Document<'a, T> {
    format: String,
    #[serde(flatten)]
    value: &'a T,
}

impl<'a, T> Document<'a, T> {
    fn new(form: &str, value: &'a T) -> Self {
        Self { format: format!("muster.{form}/v1"), value }
    }
}

/// A document of the form `muster.FORM/v1`, pretty, with a line end. The value is a struct or a mapping.
///
/// # Errors
/// What the writer says, or a value that JSON cannot hold.
pub fn document<T: Serialize>(out: &mut dyn Write, form: &str, value: &T) -> io::Result<()> {
    pretty(out, &Document::new(form, value))
}

/// A document on one line: where NDJSON is asked for what is no list.
///
/// # Errors
/// What the writer says, or a value that JSON cannot hold.
pub fn document_line<T: Serialize>(out: &mut dyn Write, form: &str, value: &T) -> io::Result<()> {
    line(out, &Document::new(form, value))
}

/// An entry of a list as a line of NDJSON. The value is a struct or a mapping.
///
/// # Errors
/// What the writer says, or a value that JSON cannot hold.
pub fn event<T: Serialize>(out: &mut dyn Write, event: &str, value: &T) -> io::Result<()> {
    #[derive(Serialize)]
    struct Entry<'a, T> {
        event: &'a str,
        #[serde(flatten)]
        value: &'a T,
    }
    line(out, &Entry { event, value })
}

/// Any value, pretty, with a line end.
///
/// # Errors
/// What the writer says, or a value that JSON cannot hold.
pub fn pretty<T: Serialize>(out: &mut dyn Write, value: &T) -> io::Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    out.write_all(escaped(text).as_bytes())?;
    out.write_all(b"\n")
}

/// Any value on one line: a line of NDJSON.
///
/// # Errors
/// What the writer says, or a value that JSON cannot hold.
pub fn line<T: Serialize>(out: &mut dyn Write, value: &T) -> io::Result<()> {
    let text = serde_json::to_string(value)?;
    out.write_all(escaped(text).as_bytes())?;
    out.write_all(b"\n")
}

/// Writes characters as `\u....` that act on some terminals or begin a command of a runner, such as the bracket of
/// `##[error]`, and that JSON lets pass. They occur only within strings.
fn escaped(text: String) -> String {
    let acts = |c: char| matches!(c, '\u{7f}'..='\u{9f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if !text.chars().any(acts) && !words::has_command(&text) {
        return text;
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if acts(character) || (character == '[' && words::begins_command(&safe)) {
            // Writing into a String cannot fail.
            _ = write!(safe, "\\u{:04x}", u32::from(character));
        } else {
            safe.push(character);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_plan_reads_back_as_it_was() {
        let plan_before = sample::five_kinds(10);
        let mut out = Vec::new();
        plan(&mut out, &plan_before).expect("memory");
        assert_eq!(out.last(), Some(&b'\n'));
        assert_eq!(serde_json::from_slice::<Plan>(&out).expect("a plan"), plan_before);
    }

    #[test]
    fn a_document_begins_with_its_form_and_an_entry_with_its_event() {
        let value = serde_json::json!({ "b": 1, "a": [2] });
        let mut out = Vec::new();
        document_line(&mut out, "status", &value).expect("memory");
        event(&mut out, "item", &value).expect("memory");
        let text = String::from_utf8(out).expect("UTF-8");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines,
            [r#"{"format":"muster.status/v1","b":1,"a":[2]}"#, r#"{"event":"item","b":1,"a":[2]}"#]
        );
        let mut out = Vec::new();
        document(&mut out, "status", &value).expect("memory");
        assert!(out.starts_with(b"{\n  \"format\": \"muster.status/v1\","));
    }

    #[test]
    fn control_characters_are_escaped_and_the_value_stays() {
        let value = "a\x1b[2J\u{9b}2J\u{202e}\nb##[error]";
        let mut out = Vec::new();
        line(&mut out, &value).expect("memory");
        let text = String::from_utf8(out).expect("UTF-8");
        assert_eq!(text, "\"a\\u001b[2J\\u009b2J\\u202e\\nb##\\u005berror]\"\n");
        assert_eq!(serde_json::from_str::<String>(&text).expect("JSON"), value);
    }
}
