//! New values as text: quotes only where they say something, as `muster fmt` has it.

use crate::config::format::needs_none;

/// A value to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// A mapping, in the order in which it is written.
    Map(Vec<(String, Value)>),
}

impl Value {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A mapping.
    pub fn map<K: Into<String>>(entries: impl IntoIterator<Item = (K, Value)>) -> Self {
        Self::Map(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }

    /// On one line.
    #[must_use]
    pub fn flow(&self) -> String {
        match self {
            Self::Text(text) => scalar(text),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(Self::flow).collect();
                format!("[{}]", items.join(", "))
            }
            Self::Map(entries) if entries.is_empty() => "{}".to_owned(),
            Self::Map(entries) => {
                let entry = |(key, value): &(String, Self)| format!("{}: {}", scalar(key), value.flow());
                let entries: Vec<String> = entries.iter().map(entry).collect();
                format!("{{ {} }}", entries.join(", "))
            }
        }
    }

    /// What stands after `KEY:`, with its blank or line end before it and none after it. Mappings and lists are opened,
    /// entries of lists stand on one line each. `indent` is that of what is inside.
    pub(super) fn block(&self, indent: usize, end: &str) -> String {
        let blanks = " ".repeat(indent);
        match self {
            Self::Map(entries) if !entries.is_empty() => {
                let lines = entries.iter().map(|(key, value)| {
                    format!("{end}{blanks}{}:{}", scalar(key), value.block(indent + 2, end))
                });
                lines.collect::<Vec<String>>().concat()
            }
            Self::List(items) if !items.is_empty() => {
                let lines: Vec<String> =
                    items.iter().map(|item| format!("{end}{blanks}- {}", item.flow())).collect();
                lines.concat()
            }
            other => format!(" {}", other.flow()),
        }
    }
}

/// A whole document of Muster as text, with a comment before it if there is one.
#[must_use]
pub fn document(comment: Option<&str>, kind: &str, metadata: &Value, spec: &Value) -> String {
    let comment = comment.map(|comment| format!("# {comment}\n")).unwrap_or_default();
    let head = format!("apiVersion: {}\nkind: {kind}\n", crate::config::kind::API_VERSION);
    format!("{comment}{head}metadata: {}\nspec:{}\n", metadata.flow(), spec.block(2, "\n"))
}

/// A text with the quotes that it needs wherever it stands.
pub(super) fn scalar(text: &str) -> String {
    if needs_none(text) {
        text.to_owned()
    } else if text.contains(is_odd) {
        quoted(text)
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

/// A text in double quotes.
pub(super) fn quoted(text: &str) -> String {
    let mut written = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => written.extend(['\\', c]),
            c if is_odd(c) => written.extend(format!("\\U{:08x}", u32::from(c)).chars()),
            c => written.push(c),
        }
    }
    written.push('"');
    written
}

/// What does not stand for itself between simple quotes.
fn is_odd(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}
