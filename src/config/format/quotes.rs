//! Quotes only where they say something: a text that every YAML reader takes for text needs none, and of the two kinds the
//! simple one is enough where nothing is escaped.

use std::ops::Range;

use super::{Node, NodeKind, Source};
use crate::config::spanned::scalar::{self, Scalar};

/// Takes quotes away, or makes them simple.
pub(super) fn fewer(source: &Source<'_>) -> String {
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    for node in source.nodes {
        walk(source, node, &mut edits);
    }
    edits.sort_by_key(|(range, _)| range.start);
    let mut text = source.text.to_owned();
    for (range, new) in edits.into_iter().rev() {
        if text.get(range.clone()).is_some() {
            text.replace_range(range, &new);
        }
    }
    text
}

fn walk(source: &Source<'_>, node: &Node, edits: &mut Vec<(Range<usize>, String)>) {
    if source.is_alias(node) {
        return;
    }
    match &node.kind {
        NodeKind::Sequence(items) => items.iter().for_each(|item| walk(source, item, edits)),
        NodeKind::Mapping(entries) => entries.iter().for_each(|entry| walk(source, &entry.value, edits)),
        NodeKind::String { text, plain: false } => {
            let range = node.range();
            let Some(written) = source.text.get(range.clone()) else { return };
            if let Some(new) = simpler(written, text) {
                edits.push((range, new));
            }
        }
        _ => {}
    }
}

/// The text as it is written with fewer quotes; `None` when it is written so already.
fn simpler(written: &str, text: &str) -> Option<String> {
    let quote = written.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let inside = written.strip_prefix(quote)?.strip_suffix(quote)?;
    // What is escaped, or goes over several lines, stays.
    if inside != text || written.contains('\n') {
        return None;
    }
    if needs_none(text) {
        return Some(text.to_owned());
    }
    (quote == '"' && !text.contains(['\'', '\\'])).then(|| format!("'{text}'"))
}

/// Whether a text is one without quotes too, for every reader and in every place.
pub(in crate::config) fn needs_none(text: &str) -> bool {
    let word = |word: &str| {
        !word.is_empty()
            && word
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '@' | '+'))
    };
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.split(' ').all(word)
        && matches!(scalar::resolve(text), Scalar::Text)
        && scalar::in_yaml_1_1(text).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_stay_where_they_say_something() {
        for (written, text, new) in [
            ("'contoso'", "contoso", Some("contoso")),
            ("\"7-Zip 24\"", "7-Zip 24", Some("'7-Zip 24'")),
            ("\"Old Archiver 3.1\"", "Old Archiver 3.1", Some("Old Archiver 3.1")),
            ("'yes'", "yes", None),
            ("'true'", "true", None),
            ("'null'", "null", None),
            ("'1.0'", "1.0", None),
            ("\"1.0\"", "1.0", Some("'1.0'")),
            ("'a: b'", "a: b", None),
            ("'a #b'", "a #b", None),
            ("\"a\\tb\"", "a\tb", None),
            ("\"it's\"", "it's", None),
            ("''", "", None),
            ("\"\"", "", Some("''")),
            ("'a  b'", "a  b", None),
            ("'a,b'", "a,b", None),
            ("plain", "plain", None),
        ] {
            assert_eq!(simpler(written, text).as_deref(), new, "{written}");
        }
    }
}
