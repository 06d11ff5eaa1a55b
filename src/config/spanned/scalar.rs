//! What a scalar without quotes is: YAML 1.2 core schema, and what a YAML 1.1 reader would have taken it for.
//!
//! One rule is stricter than the core schema: a number does not begin with a superfluous zero (`0755` is text), because
//! readers disagree about whether that is octal.

/// The type of a scalar without quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scalar {
    /// Nothing, `~` or `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer,
    /// Another number.
    Float,
    /// Everything else.
    Text,
}

/// Resolves a scalar without quotes.
pub(crate) fn resolve(text: &str) -> Scalar {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Scalar::Null,
        "true" | "True" | "TRUE" => return Scalar::Bool(true),
        "false" | "False" | "FALSE" => return Scalar::Bool(false),
        _ => {}
    }
    // Most text begins with a letter: decide it without a closer look.
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return Scalar::Text;
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return whole(!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit()));
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return whole(!digits.is_empty() && digits.bytes().all(|b| matches!(b, b'0'..=b'7')));
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Scalar::Float;
    }
    decimal(unsigned)
}

fn whole(yes: bool) -> Scalar {
    if yes { Scalar::Integer } else { Scalar::Text }
}

fn digits(text: &str) -> (usize, &str) {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    (text.len() - rest.len(), rest)
}

fn decimal(unsigned: &str) -> Scalar {
    let (before, mut rest) = digits(unsigned);
    if before > 1 && unsigned.starts_with('0') {
        return Scalar::Text;
    }
    if rest.is_empty() {
        return whole(before > 0);
    }
    let mut after = 0;
    if let Some(fraction) = rest.strip_prefix('.') {
        (after, rest) = digits(fraction);
    }
    if before + after == 0 {
        return Scalar::Text;
    }
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        let (count, end) = digits(exponent);
        return if count > 0 && end.is_empty() { Scalar::Float } else { Scalar::Text };
    }
    if rest.is_empty() { Scalar::Float } else { Scalar::Text }
}

/// The value of a text that [`resolve`] called a whole number; `None` when it does not fit.
pub(crate) fn integer(text: &str) -> Option<i128> {
    if let Some(digits) = text.strip_prefix("0x") {
        i128::from_str_radix(digits, 16).ok()
    } else if let Some(digits) = text.strip_prefix("0o") {
        i128::from_str_radix(digits, 8).ok()
    } else {
        text.parse().ok()
    }
}

/// The value of a text that [`resolve`] called a number; `None` for infinity and not-a-number.
pub(crate) fn float(text: &str) -> Option<f64> {
    if text.starts_with("0x") || text.starts_with("0o") {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a number written in digits becomes the nearest float"
        )]
        return integer(text).map(|number| number as f64);
    }
    text.parse::<f64>().ok().filter(|number| number.is_finite())
}

/// What a YAML 1.1 reader takes a text without quotes for, when that is not text.
pub(crate) fn in_yaml_1_1(text: &str) -> Option<&'static str> {
    // Known to be text in 1.2 already; the rest is decided by its first character.
    let first = *text.as_bytes().first()?;
    if matches!(first, b'y' | b'Y' | b'n' | b'N' | b'o' | b'O') {
        let boolean = matches!(
            text,
            "y" | "Y"
                | "yes"
                | "Yes"
                | "YES"
                | "n"
                | "N"
                | "no"
                | "No"
                | "NO"
                | "on"
                | "On"
                | "ON"
                | "off"
                | "Off"
                | "OFF"
        );
        return boolean.then_some("a boolean");
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !unsigned.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if is_date(text) {
        return Some("a date");
    }
    let only = |extra: &[u8]| unsigned.bytes().all(|b| b.is_ascii_digit() || extra.contains(&b));
    if only(b"_.") && unsigned.bytes().filter(|b| *b == b'.').count() <= 1 {
        return Some("a number");
    }
    if unsigned.strip_prefix("0b").is_some_and(|rest| rest.bytes().all(|b| matches!(b, b'0' | b'1' | b'_'))) {
        return Some("a number");
    }
    is_base_60(unsigned).then_some("a number in base 60")
}

/// How other readers print a number of YAML 1.2 that stands where a text is wanted, if that is another text: `1.10` becomes
/// 1.1, `0x10` 16. `None` for what is no number and for one that stays.
pub(crate) fn printed_otherwise(text: &str) -> Option<String> {
    let printed = match resolve(text) {
        Scalar::Integer => integer(text)?.to_string(),
        Scalar::Float => match float(text) {
            Some(number) => number.to_string(),
            None => return Some("a number".to_owned()),
        },
        _ => return None,
    };
    (printed != text).then_some(printed)
}

fn is_date(text: &str) -> bool {
    let day = text.split(['T', 't', ' ']).next().unwrap_or(text);
    let mut parts = day.split('-');
    let mut part = |lengths: &[usize]| {
        parts.next().is_some_and(|p| lengths.contains(&p.len()) && p.bytes().all(|b| b.is_ascii_digit()))
    };
    part(&[4]) && part(&[1, 2]) && part(&[1, 2]) && parts.next().is_none()
}

fn is_base_60(unsigned: &str) -> bool {
    let mut parts = unsigned.split(':');
    parts.next().is_some_and(|p| p.bytes().all(|b| b.is_ascii_digit() || b == b'_'))
        && unsigned.contains(':')
        && parts.all(|p| p.parse::<u8>().is_ok_and(|n| n < 60) && p.len() <= 2)
}

#[cfg(test)]
mod tests {
    use super::{Scalar, float, in_yaml_1_1, integer, printed_otherwise, resolve};

    #[test]
    fn only_the_core_schema_makes_values_of_plain_text() {
        for text in ["", "~", "null", "Null", "NULL"] {
            assert_eq!(resolve(text), Scalar::Null, "{text:?}");
        }
        for text in ["0", "-1", "+5", "0x1F", "0o17", "10", "123456789012345678901234567890"] {
            assert_eq!(resolve(text), Scalar::Integer, "{text:?}");
        }
        for text in ["1.", ".5", "1.10", "-1e3", "1E+2", ".inf", "-.INF", ".nan", "0.0", "0e0"] {
            assert_eq!(resolve(text), Scalar::Float, "{text:?}");
        }
        for text in [
            "yes",
            "no",
            "on",
            "off",
            "y",
            "0755",
            "00",
            "-01",
            "01.5",
            "12:30:45",
            "2026-01-01",
            "1_000",
            "0b1",
            "0x",
            "0o8",
            "-0x1",
            ".",
            "+",
            "-",
            "e3",
            ".e3",
            "1e",
            "1.2.3",
            "nULL",
            "tRUE",
            "+.nan",
            "1a",
            "..5",
        ] {
            assert_eq!(resolve(text), Scalar::Text, "{text:?}");
        }
    }

    #[test]
    fn numbers_have_their_value_and_too_large_ones_none() {
        assert_eq!(integer("0x1F"), Some(31));
        assert_eq!(integer("0o17"), Some(15));
        assert_eq!(integer("+5"), Some(5));
        assert_eq!(integer(&"9".repeat(60)), None);
        assert_eq!(float("1."), Some(1.0));
        assert_eq!(float("-1e3"), Some(-1000.0));
        assert_eq!(float(".inf"), None);
        assert_eq!(float("1e999"), None);
    }

    #[test]
    fn a_number_that_loses_its_form_elsewhere_is_known() {
        for (text, other) in [
            ("1.10", "1.1"),
            ("24.0", "24"),
            ("0x10", "16"),
            ("+5", "5"),
            ("1e3", "1000"),
            (".inf", "a number"),
        ] {
            assert_eq!(printed_otherwise(text).as_deref(), Some(other), "{text}");
        }
        for text in ["1.1", "24", "-3", "1.2.3", "v1.10", "yes", ""] {
            assert_eq!(printed_otherwise(text), None, "{text}");
        }
    }

    #[test]
    fn what_older_readers_take_for_something_else_is_known() {
        for text in
            ["yes", "N", "off", "2026-01-01", "2026-1-1 10:00:00", "0755", "1_000", "22:00", "0b11", "01.5"]
        {
            assert!(in_yaml_1_1(text).is_some(), "{text}");
        }
        for text in
            ["yesterday", "nO", "7zip", "1.2.3", "10.0.0.1", "a:b", "1:99", "2026-01", "one", "-", "é"]
        {
            assert_eq!(in_yaml_1_1(text), None, "{text}");
        }
    }
}
