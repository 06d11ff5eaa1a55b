//! How values and expectations are called in messages: in the words of somebody who writes YAML, not Rust.

use crate::config::spanned::{Node, NodeKind};

/// "the text \"abc\"", "a list".
pub(super) fn describe(node: &Node) -> String {
    match &node.kind {
        NodeKind::Null => "nothing".to_owned(),
        NodeKind::Bool(value) => format!("the boolean {value}"),
        NodeKind::Integer(text) | NodeKind::Float(text) => format!("the number {}", shortened(text)),
        NodeKind::String { text, .. } => format!("the text {}", quoted(text)),
        NodeKind::Sequence(_) => "a list".to_owned(),
        NodeKind::Mapping(_) => "a mapping".to_owned(),
    }
}

/// The text in quotes, shortened and with control characters escaped.
pub(super) fn quoted(text: &str) -> String {
    format!("{:?}", shortened(text))
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// What serde calls an expectation, in plain words.
pub(super) fn expectation(expected: &str) -> String {
    if let Some(length) = expected.strip_prefix("a tuple of size ") {
        return format!("a list of {length} values");
    }
    let words = match expected {
        "a string" | "string" | "a borrowed string" | "str" => "text",
        "a boolean" | "bool" => "true or false",
        "a sequence" | "sequence" => "a list",
        "a map" | "map" => "a mapping",
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" | "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => {
            "a whole number"
        }
        "f32" | "f64" => "a number",
        other if other.starts_with("struct ") => "a mapping",
        other if other.starts_with("tuple ") => "a list",
        other if other.starts_with("enum ") => "one of several names",
        other => other,
    };
    words.to_owned()
}

/// What serde met, in plain words.
pub(super) fn unexpected(found: serde::de::Unexpected<'_>) -> String {
    use serde::de::Unexpected as U;
    match found {
        U::Bool(value) => format!("the boolean {value}"),
        U::Unsigned(number) => format!("the number {number}"),
        U::Signed(number) => format!("the number {number}"),
        U::Float(number) => format!("the number {number}"),
        U::Char(char) => format!("the text {}", quoted(&char.to_string())),
        U::Str(text) => format!("the text {}", quoted(text)),
        U::Unit | U::Option => "nothing".to_owned(),
        U::Seq | U::Bytes(_) => "a list".to_owned(),
        U::Map => "a mapping".to_owned(),
        U::NewtypeStruct
        | U::Enum
        | U::UnitVariant
        | U::NewtypeVariant
        | U::TupleVariant
        | U::StructVariant => "another form of value".to_owned(),
        U::Other(other) => other.to_owned(),
    }
}

/// "`a`, `b` and `c`"; at most twenty, then how many more.
pub(super) fn list(names: impl IntoIterator<Item = impl AsRef<str>>, and: &str) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{}`", name.as_ref())).collect();
    let shown = names.get(..20).unwrap_or(&names);
    let more = names.len().saturating_sub(shown.len());
    match shown {
        [] => "none".to_owned(),
        [only] => only.clone(),
        shown if more > 0 => format!("{} {and} {more} more", shown.join(", ")),
        [before @ .., last] => format!("{} {and} {last}", before.join(", ")),
    }
}
