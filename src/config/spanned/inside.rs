//! Places inside a text that is the value of a scalar: where a part of the value stands in the file.

use std::ops::Range;

/// Where `part` of a value stands in the text that it was `written` as: plain, in quotes, or as a block. Where the two
/// differ (an escape, a folded line) the place is the nearest that can be told.
#[must_use]
pub fn within(written: &str, value: &str, part: Range<usize>) -> Range<usize> {
    let mut at = match written.chars().next() {
        // The header of a block ends with its line.
        Some('|' | '>') => written.find('\n').map_or(0, |end| end + 1),
        Some('\'' | '"') => 1,
        _ => 0,
    };
    let (mut start, mut end) = (None, at);
    for (offset, c) in value.char_indices() {
        if offset >= part.end && start.is_some() {
            break;
        }
        let rest = written.get(at..).unwrap_or_default();
        // Indentation, line ends and escapes stand between the characters of a value.
        let found = if c.is_whitespace() {
            rest.find(char::is_whitespace).filter(|skip| *skip == 0)
        } else {
            rest.find(c)
        };
        let here = found.map_or(at, |skip| at + skip);
        if offset >= part.start && start.is_none() {
            start = Some(here);
        }
        if found.is_some() {
            at = here + written.get(here..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        }
        end = at;
    }
    let start = start.unwrap_or(end);
    start..end.max(start)
}

#[cfg(test)]
mod tests {
    use super::within;

    #[test]
    fn a_part_is_found_however_the_value_is_written() {
        for (written, value) in [
            ("a.b == 'c'", "a.b == 'c'"),
            ("'a.b == ''c'''", "a.b == 'c'"),
            ("\"a.b == 'c'\"", "a.b == 'c'"),
            (">-\n    a.b\n    == 'c'\n", "a.b == 'c'"),
            ("|\n    a.b\n    == 'c'\n", "a.b\n== 'c'\n"),
        ] {
            let at = value.find("==").expect("it is there");
            let range = within(written, value, at..at + 2);
            assert_eq!(written.get(range), Some("=="), "{written:?}");
            let at = value.find('c').expect("it is there");
            let range = within(written, value, at..at + 1);
            assert_eq!(written.get(range), Some("c"), "{written:?}");
        }
        assert_eq!(within("", "abc", 1..2), 0..0);
        assert_eq!(within("abc", "abc", 3..3), 3..3);
    }
}
