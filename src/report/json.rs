//! JSON: values as they serialise, for machines.
//!
//! Invariant: the text holds no raw control character, DEL and the C1 range included; the value is the same.

use std::fmt::Write as _;
use std::io::{self, Write};

use serde::Serialize;

use crate::plan::document::Plan;

/// A plan, pretty, with a line end: the form that `apply PLAN` reads.
///
/// # Errors
/// What the writer says.
pub fn plan(out: &mut dyn Write, plan: &Plan) -> io::Result<()> {
    pretty(out, plan)
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

/// Writes characters as `\u....` that act on some terminals and that JSON lets pass. They occur only within strings.
fn escaped(text: String) -> String {
    let acts = |c: char| matches!(c, '\u{7f}'..='\u{9f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if !text.chars().any(acts) {
        return text;
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if acts(character) {
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
    fn control_characters_are_escaped_and_the_value_stays() {
        let value = "a\x1b[2J\u{9b}2J\u{202e}\nb";
        let mut out = Vec::new();
        line(&mut out, &value).expect("memory");
        let text = String::from_utf8(out).expect("UTF-8");
        assert_eq!(text, "\"a\\u001b[2J\\u009b2J\\u202e\\nb\"\n");
        assert_eq!(serde_json::from_str::<String>(&text).expect("JSON"), value);
    }
}
