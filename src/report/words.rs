//! Words: numbers, lists, lengths of time and foreign text, as people read them.
//!
//! Not here: colours (`style`), columns (`layout`), the names of the program's own terms (`terms`).
//!
//! Writing into a `String` cannot fail, so the results of `write!` are dropped here.
//!
//! Invariant: what [`visible`] returns holds no character that moves a cursor, hides text or turns its direction, and no
//! command of a CI runner that works wherever it stands in a line.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use unicode_width::UnicodeWidthStr;

/// A number of bytes, in the unit that fits.
#[must_use]
pub fn bytes(number: u64) -> String {
    const UNITS: [(u32, &str); 4] = [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")];
    for (shift, unit) in UNITS {
        if number >> shift > 0 {
            let tenths = (u128::from(number) * 10) >> shift;
            return format!("{}.{} {unit}", tenths / 10, tenths % 10);
        }
    }
    format!("{number} B")
}

/// A number with separators: `1,184`.
#[must_use]
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A length as a number for [`thousands`] and [`plural`].
#[must_use]
pub fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// A number and its noun: `1 computer`, `1,184 computers`. The noun takes an `s`.
#[must_use]
pub fn plural(number: u64, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{} {one}s", thousands(number)) }
}

/// A length of time in its two largest units: `850 ms`, `1 min 20 s`, `3 h`, `2 d 4 h`.
#[must_use]
pub fn duration(length: Duration) -> String {
    let seconds = length.as_secs();
    if seconds == 0 {
        return format!("{} ms", length.as_millis());
    }
    let units = [("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)];
    let first = units.iter().position(|(_, size)| seconds >= *size).unwrap_or(units.len() - 1);
    let mut left = seconds;
    let mut parts = Vec::new();
    for (unit, size) in units.iter().skip(first).take(2) {
        if left >= *size {
            parts.push(format!("{} {unit}", left / size));
            left %= size;
        }
    }
    parts.join(" ")
}

/// How long before `now` something was, in its largest unit: `3 h ago`, `just now`.
#[must_use]
pub fn ago(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second().saturating_sub(then.as_second());
    match seconds {
        i64::MIN..=0 => "just now".to_owned(),
        1..60 => format!("{seconds} s ago"),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..172_800 => format!("{} h ago", seconds / 3600),
        _ => format!("{} d ago", seconds / 86_400),
    }
}

/// An instant for people: `2026-11-21 14:02:09 UTC`.
#[must_use]
pub fn moment(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
}

/// At most `bound` names, and how many more there are: `PC-1, PC-2 and 1,182 more`.
#[must_use]
pub fn list<T: AsRef<str>>(names: &[T], bound: usize) -> String {
    let shown: Vec<Cow<'_, str>> = names.iter().take(bound).map(|name| visible(name.as_ref())).collect();
    let more = names.len() - shown.len();
    match (shown.is_empty(), more) {
        (_, 0) => shown.join(", "),
        (true, more) => thousands(count(more)),
        (false, more) => format!("{} and {} more", shown.join(", "), thousands(count(more))),
    }
}

/// As many names as fit into `columns`, at least one and at most `bound`, and how many more there are.
#[must_use]
pub fn list_within<T: AsRef<str>>(names: &[T], bound: usize, columns: usize) -> String {
    let mut best = list(names, 1);
    for shown in 2..=bound.min(names.len()) {
        let longer = list(names, shown);
        if width(&longer) > columns {
            break;
        }
        best = longer;
    }
    best
}

/// How many columns a text takes on a terminal.
#[must_use]
pub fn width(text: &str) -> usize {
    text.width()
}

/// Makes characters visible that would act on a terminal or mislead its reader: control characters, line and paragraph
/// separators, marks that turn the direction of text, and invisible ones. `\x1b[2J` stays a text. So does `##[error]`,
/// which runners of GitHub and Azure obey wherever it stands: its bracket is written as `\x5b`.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(acts) && !has_command(text) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\n' => safe.push_str("\\n"),
            '\r' => safe.push_str("\\r"),
            '\t' => safe.push_str("\\t"),
            '[' if begins_command(&safe) => safe.push_str("\\x5b"),
            c if acts(c) && u32::from(c) < 0x100 => _ = write!(safe, "\\x{:02x}", u32::from(c)),
            c if acts(c) => _ = write!(safe, "\\u{{{:x}}}", u32::from(c)),
            c => safe.push(c),
        }
    }
    Cow::Owned(safe)
}

/// Whether a bracket after this text would begin a command that a runner obeys in the middle of a line, as in
/// `##[error]`, `##vso[task.setvariable]` and `##teamcity[message]`.
pub(super) fn begins_command(before: &str) -> bool {
    before.trim_end_matches(|c: char| c.is_ascii_alphabetic()).ends_with("##")
}

/// Whether there is a command in a text that a runner obeys in the middle of a line.
pub(super) fn has_command(text: &str) -> bool {
    text.contains("##")
        && text.match_indices('[').any(|(at, _)| begins_command(text.get(..at).unwrap_or_default()))
}

/// Whether a runner would take a line for a command: one that begins with `::`, blanks aside.
pub(super) fn is_command(line: &str) -> bool {
    line.trim_start().starts_with("::")
}

/// Whether a character does something other than stand there.
pub(super) fn acts(character: char) -> bool {
    character.is_control()
        || matches!(
            u32::from(character),
            0xad | 0x61c | 0x180e | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff | 0xe0000..=0xe007f
        )
}

/// Breaks a text at spaces into lines of at most `columns`; a longer word keeps a line of its own, whole.
#[must_use]
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    wrap_with(text, columns, width)
}

/// As [`wrap`], with room for numbers up to 999,999 wherever one stands: how many lines there are does not hang on how
/// large they are.
#[must_use]
pub fn wrap_steady(text: &str, columns: usize) -> Vec<String> {
    let room = |word: &str| {
        let number = word.starts_with(|c: char| c.is_ascii_digit());
        if number { width(word).max("999,999".len()) } else { width(word) }
    };
    wrap_with(text, columns, room)
}

fn wrap_with(text: &str, columns: usize, room: impl Fn(&str) -> usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut taken = 0;
    for word in text.split_whitespace() {
        let word = visible(word);
        let needs = room(&word);
        if !line.is_empty() && taken + 1 + needs > columns {
            lines.push(std::mem::take(&mut line));
            taken = 0;
        }
        if !line.is_empty() {
            line.push(' ');
            taken += 1;
        }
        line.push_str(&word);
        taken += needs;
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// A path as one word of a command that is shown to be typed: for the shell of the system that it is shown on.
#[must_use]
pub fn shell_path(path: &std::path::Path) -> String {
    let text = path.to_string_lossy();
    // A name that begins like an option would be one.
    let text = if text.starts_with('-') { format!("./{text}") } else { text.into_owned() };
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,~\\".contains(c);
    let is_plain = !text.is_empty() && text.chars().all(plain) && !text.starts_with('~');
    if is_plain && (cfg!(windows) || !text.contains('\\')) {
        text
    } else if cfg!(windows) {
        format!("\"{text}\"")
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_separators_and_nouns_their_plural() {
        for (number, text) in [(0, "0"), (999, "999"), (1184, "1,184"), (1_000_000, "1,000,000")] {
            assert_eq!(thousands(number), text);
        }
        assert_eq!(plural(1, "computer"), "1 computer");
        assert_eq!(plural(0, "computer"), "0 computers");
        assert_eq!(plural(1184, "computer"), "1,184 computers");
        assert_eq!(thousands(u64::MAX), "18,446,744,073,709,551,615");
    }

    #[test]
    fn lengths_of_time_show_their_two_largest_units() {
        for (milliseconds, text) in [
            (0, "0 ms"),
            (850, "850 ms"),
            (59_999, "59 s"),
            (80_000, "1 min 20 s"),
            (3 * 3_600_000, "3 h"),
            (3 * 3_600_000 + 1_000, "3 h"),
            (100 * 3_600_000, "4 d 4 h"),
        ] {
            assert_eq!(duration(Duration::from_millis(milliseconds)), text);
        }
    }

    #[test]
    fn a_moment_in_the_future_is_not_ago() {
        let at = |second| Timestamp::from_second(second).expect("valid");
        assert_eq!(ago(at(10), at(5)), "just now");
        assert_eq!(ago(at(0), at(59)), "59 s ago");
        assert_eq!(ago(at(0), at(3 * 3600 + 5)), "3 h ago");
        assert_eq!(ago(at(0), at(10 * 86_400)), "10 d ago");
    }

    #[test]
    fn lists_are_bounded_by_number_and_by_width() {
        let names: Vec<String> = (1..=1184).map(|n| format!("PC-{n}")).collect();
        assert_eq!(list(&names, 2), "PC-1, PC-2 and 1,182 more");
        assert_eq!(list(&names[..2], 2), "PC-1, PC-2");
        assert_eq!(list(&names[..0], 2), "");
        assert_eq!(list_within(&names, 10, 30), "PC-1, PC-2 and 1,182 more");
        assert_eq!(list_within(&names, 2, 1000), "PC-1, PC-2 and 1,182 more");
        assert_eq!(list_within(&names, 10, 0), "PC-1 and 1,183 more");
        assert_eq!(list_within(&names[..0], 10, 30), "");
    }

    #[test]
    fn text_that_would_drive_a_terminal_is_made_visible() {
        for (foreign, shown) in [
            ("PC-1", "PC-1"),
            ("C:\\Programs", "C:\\Programs"),
            ("Müller 日本", "Müller 日本"),
            ("\x1b[2J", "\\x1b[2J"),
            ("a\u{9b}2Jb", "a\\x9b2Jb"),
            ("a\nb\r\tc\0\x7f", "a\\nb\\r\\tc\\x00\\x7f"),
            ("exe\u{202e}fdp", "exe\\u{202e}fdp"),
            ("a\u{200b}b\u{2028}c", "a\\u{200b}b\\u{2028}c"),
            ("a ##[error]x##vso[y] [z] ## [", "a ##\\x5berror]x##vso\\x5by] [z] ## ["),
        ] {
            assert_eq!(visible(foreign), shown);
        }
        assert_eq!(list(&["\x1b[2J"], 1), "\\x1b[2J");
        assert_eq!(wrap("\x1b[2J x", 80), ["\\x1b[2J x"]);
    }

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(width("abc"), 3);
        assert_eq!(width("日本"), 4);
    }

    #[test]
    fn steady_lines_do_not_hang_on_how_large_numbers_are() {
        let lines =
            |number| wrap_steady(&format!("{} to set, {} to read", thousands(number), thousands(number)), 24);
        assert_eq!(lines(1), ["1 to set, 1", "to read"]);
        assert_eq!(lines(999_999), ["999,999 to set, 999,999", "to read"]);
        assert_eq!(lines(1).len(), lines(999_999).len());
    }

    #[test]
    fn wrapping_loses_no_word() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("deployments/archive.yaml:12 x", 5), ["deployments/archive.yaml:12", "x"]);
        assert_eq!(wrap("", 5), [""]);
        assert_eq!(wrap("a b", 0), ["a", "b"]);
    }
}
