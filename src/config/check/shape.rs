//! What a kind's type cannot say of a single document: one of several keys, nothing empty, numbers in their range.

use std::fmt::Display;

use super::Checker;
use crate::config::kind::TextMatch;
use crate::config::parse::RawDocument;
use crate::diagnostic::{Finding, code};
use crate::inventory::pattern::Pattern;

/// Fewer letters than this are found in names of other software too easily (SW-8).
const SHORT: usize = 4;

impl Checker<'_> {
    /// Exactly one of these keys is given in the mapping at `pointer`; each with whether it is.
    pub(super) fn exactly_one(&mut self, raw: &RawDocument, pointer: &str, keys: &[(&str, bool)]) -> bool {
        let given: Vec<&str> = keys.iter().filter(|(_, given)| *given).map(|(key, _)| *key).collect();
        let all = listed(keys.iter().map(|(key, _)| *key), "and");
        match given.as_slice() {
            [_] => return true,
            [] => {
                let message = format!("exactly one of {all} has to be given");
                self.push(
                    Finding::new(code::EXACTLY_ONE, message, raw.place(pointer)).label("none is given here"),
                );
            }
            [first, rest @ ..] => {
                let second = rest.first().copied().unwrap_or_default();
                let message = format!("exactly one of {all} has to be given");
                let finding =
                    Finding::new(code::EXACTLY_ONE, message, raw.key_place(&format!("{pointer}/{second}")));
                let other = raw.key_place(&format!("{pointer}/{first}"));
                self.push(
                    finding
                        .label(format!("`{second}` cannot be beside `{first}`"))
                        .related(other, "the other one")
                        .help("take one of them out"),
                );
            }
        }
        false
    }

    /// At least one of these keys is given in the mapping at `pointer`.
    pub(super) fn at_least_one(&mut self, raw: &RawDocument, pointer: &str, keys: &[(&str, bool)]) -> bool {
        if keys.iter().any(|(_, given)| *given) {
            return true;
        }
        let all = listed(keys.iter().map(|(key, _)| *key), "or");
        let place = raw.place(pointer);
        self.push(Finding::new(code::MISSING_KEY, format!("{all} has to be given"), place));
        false
    }

    /// The text at `pointer` is not empty.
    pub(super) fn not_empty(&mut self, raw: &RawDocument, pointer: &str, text: &str) -> bool {
        if text.is_empty() {
            let finding = Finding::new(code::INVALID_VALUE, "the text is empty", raw.place(pointer));
            self.push(finding.help("write something, or leave the key out if it may be absent"));
        }
        !text.is_empty()
    }

    /// The list at `pointer` is not empty.
    pub(super) fn not_empty_list<T>(&mut self, raw: &RawDocument, pointer: &str, list: &[T]) -> bool {
        if list.is_empty() {
            let finding = Finding::new(code::INVALID_VALUE, "the list is empty", raw.place(pointer));
            self.push(finding.help("a list that is given here names at least one thing"));
        }
        !list.is_empty()
    }

    /// The number at `pointer` is in a range.
    pub(super) fn within<N: Copy + PartialOrd + Display>(
        &mut self,
        raw: &RawDocument,
        pointer: &str,
        number: Option<N>,
        least: N,
        most: N,
    ) {
        if let Some(number) = number
            && (number < least || number > most)
        {
            let message = format!("{number} is out of range: expected a number from {least} to {most}");
            self.report(code::INVALID_VALUE, message, raw.place(pointer));
        }
    }

    /// The pattern can be used.
    pub(super) fn text_match(&mut self, raw: &RawDocument, pointer: &str, pattern: &TextMatch) {
        let (key, text) = match pattern {
            TextMatch::Equals(text) => ("equals", text),
            TextMatch::Contains(text) => ("contains", text),
            TextMatch::Wildcard(text) => ("wildcard", text),
            TextMatch::Regex(text) => ("regex", text),
        };
        let is_name = pointer.ends_with("/inventory/name") || pointer.ends_with("/installed/name");
        if is_name && key == "contains" && (1..SHORT).contains(&text.trim().chars().count()) {
            let message = format!("every name that contains {text:?} fits, whatever else it says");
            let place = raw.place(&format!("{pointer}/{key}"));
            let finding = Finding::new(code::SHORT_CONTAINS, message, place);
            self.notice(finding.help("write more of the name, or `regex: '^NAME'`"));
        }
        let pointer = || format!("{pointer}/{key}");
        if text.is_empty() {
            self.not_empty(raw, &pointer(), text);
        } else if key == "regex"
            && let Err(error) = Pattern::new(pattern)
        {
            let message = format!("the pattern cannot be used: {error}");
            let finding = Finding::new(code::REGEX, message, raw.place(&pointer()));
            let looks_around = ["(?=", "(?!", "(?<=", "(?<!"].iter().any(|sign| text.contains(sign));
            self.push(if looks_around {
                finding.help(
                    "look-around is not supported; match more, and take the part that matters in a group",
                )
            } else {
                finding
            });
        }
    }
}

/// `` `a`, `b` and `c` ``.
pub(super) fn listed<'a>(words: impl Iterator<Item = &'a str>, last: &str) -> String {
    let words: Vec<String> = words.map(|word| format!("`{word}`")).collect();
    match words.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., end] => format!("{} {last} {end}", rest.join(", ")),
    }
}
