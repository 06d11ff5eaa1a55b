//! What a test says of single fields: lines that begin with `muster-field`, turned into [`FieldChange`]s.
//!
//! A line has parts separated by tabs: the word, the field's name, `same` or `differs`, what is wanted, what was found, and for
//! the content of a small file what it holds, in base64. A text begins with `=`; `-` stands for what is not there. Within texts
//! a backslash goes before a backslash, and `\n`, `\r` and `\t` stand for line ends and tabs.
//!
//! Invariants: any text gives an answer; what is kept is bounded; a line that is not of this form is no field.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::inventory::item::FieldChange;

/// The first part of a line about a field.
const MARK: &str = "muster-field\t";
/// How many fields are kept.
const FIELDS: usize = 40;
/// How many characters of a value are kept.
const VALUE: usize = 200;
/// Contents up to this many bytes are compared line by line.
const SMALL: usize = 8 * 1024;
/// How many characters and lines of a comparison are kept.
const DIFF: (usize, usize) = (1500, 30);
/// So many digits of a hash are shown.
const DIGITS: usize = 12;

/// The other lines, and the fields that differ. `content` is what the content of a file is to be.
#[must_use]
pub fn read(output: &str, content: Option<&[u8]>) -> (String, Vec<FieldChange>) {
    let mut detail = String::new();
    let mut fields = Vec::new();
    for line in output.lines() {
        match line.strip_prefix(MARK).and_then(parse) {
            None => {
                detail.push_str(line);
                detail.push('\n');
            }
            Some(Parsed { differs: false, .. }) => {}
            Some(_) if fields.len() >= FIELDS => {}
            Some(Parsed { field, wanted, found, held, .. }) => fields.push(FieldChange {
                diff: diff(held.as_deref(), content),
                field,
                before: found.map(shown),
                after: wanted.map(shown),
                different: None,
            }),
        }
    }
    (detail, fields)
}

/// The same lines as `NAME: VALUE`, for reading; the others as they are.
#[must_use]
pub fn values(output: &str) -> String {
    let mut text = String::with_capacity(output.len());
    for line in output.lines() {
        match line.strip_prefix(MARK).and_then(parse) {
            None => text.push_str(line),
            Some(Parsed { field, found, .. }) => {
                let found = found.map_or_else(|| "(none)".to_owned(), shown);
                text.extend([field.as_str(), ": ", &found.replace('\n', " ")]);
            }
        }
        text.push('\n');
    }
    text
}

struct Parsed {
    field: String,
    differs: bool,
    wanted: Option<String>,
    found: Option<String>,
    held: Option<Vec<u8>>,
}

fn parse(line: &str) -> Option<Parsed> {
    let mut parts = line.split('\t');
    let field = parts.next().filter(|name| !name.is_empty() && name.len() <= 100)?.to_owned();
    let differs = match parts.next()? {
        "same" => false,
        "differs" => true,
        _ => return None,
    };
    let mut side = || match parts.next()? {
        "-" => Some(None),
        text => text.strip_prefix('=').map(|text| Some(unescaped(text))),
    };
    let (wanted, found) = (side()?, side()?);
    let held = parts.next().and_then(|base64| STANDARD.decode(base64.trim_end()).ok());
    Some(Parsed { field, differs, wanted, found, held })
}

fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('n') => plain.push('\n'),
                Some('r') => plain.push('\r'),
                Some('t') => plain.push('\t'),
                Some(other) => plain.push(other),
                None => plain.push('\\'),
            },
            other => plain.push(other),
        }
    }
    plain
}

/// A value for people: hashes are short, and long texts cut.
fn shown(text: String) -> String {
    let hash = text.split_once(':').filter(|(kind, digits)| {
        ["sha256", "cksum"].contains(kind) && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    });
    if let Some((kind, digits)) = hash {
        return format!("{kind}:{}", digits.get(..DIGITS).unwrap_or(digits));
    }
    match text.char_indices().nth(VALUE) {
        Some((at, _)) => format!("{} …", text.get(..at).unwrap_or_default()),
        None => text,
    }
}

/// The lines that differ, if both are small texts.
fn diff(found: Option<&[u8]>, wanted: Option<&[u8]>) -> Option<String> {
    let text = |bytes: Option<&[u8]>| {
        let text = bytes.filter(|bytes| bytes.len() <= SMALL).and_then(|bytes| str::from_utf8(bytes).ok())?;
        text.chars().all(|c| !c.is_control() || c == '\n' || c == '\t' || c == '\r').then(|| text.to_owned())
    };
    let (found, wanted) = (text(found)?, text(wanted)?);
    let compared = similar::TextDiff::from_lines(&found, &wanted);
    let whole = compared.unified_diff().context_radius(1).to_string();
    let mut kept = String::new();
    for (number, line) in whole.lines().enumerate() {
        if number >= DIFF.1 || kept.len().saturating_add(line.len()) > DIFF.0 {
            kept.push_str("…\n");
            break;
        }
        kept.push_str(line);
        kept.push('\n');
    }
    Some(kept)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn field(line: &str) -> Option<FieldChange> {
        read(line, None).1.pop()
    }

    #[test]
    fn a_line_says_what_is_wanted_and_what_was_found() {
        let change = field("muster-field\tmode\tdiffers\t=0600\t=0644").unwrap();
        assert_eq!((change.field.as_str(), change.phrase().as_str()), ("mode", "0644 -> 0600"));
        let change = field("muster-field\tline\tdiffers\t-\t=a\\tb\\\\n\\nc").unwrap();
        assert_eq!((change.before.as_deref(), change.after), (Some("a\tb\\n\nc"), None));
        assert_eq!(field("muster-field\tmode\tsame\t=0600\t=0600"), None);
    }

    #[test]
    fn what_is_no_field_stays_with_the_detail() {
        let output = "hello\nmuster-field\tx\tmaybe\t=\t=\nmuster-field\t\tdiffers\t=\t=\nmuster-field\tx\tdiffers\tq\t-";
        let (detail, fields) = read(output, None);
        assert_eq!((detail.trim_end(), fields.len()), (output, 0));
    }

    #[test]
    fn a_small_text_is_compared_line_by_line_and_anything_else_by_its_hash() {
        let line = |held: &[u8]| {
            let hash = "0123456789abcdef".repeat(4);
            format!(
                "muster-field\tcontent\tdiffers\t=sha256:{hash}\t=sha256:{hash}\t{}",
                STANDARD.encode(held)
            )
        };
        let change = read(&line(b"a\nb\nc\n"), Some(b"a\nx\nc\n")).1.pop().unwrap();
        assert_eq!(change.after.as_deref(), Some("sha256:0123456789ab"));
        insta::assert_snapshot!(change.diff.unwrap(), @r"
        @@ -1,3 +1,3 @@
         a
        -b
        +x
         c
        ");
        assert_eq!(read(&line(b"a\0"), Some(b"a\n")).1[0].diff, None);
        assert_eq!(read(&line(b"a\n"), Some(b"\xff")).1[0].diff, None);
        assert_eq!(read(&line(b"a\n"), None).1[0].diff, None);
        let long = "line\n".repeat(1000);
        let bounded = read(&line(b"a\n"), Some(long.as_bytes())).1[0].diff.clone().unwrap();
        assert!(bounded.lines().count() <= 31 && bounded.ends_with("…\n"));
    }

    #[test]
    fn what_is_read_is_shown_by_name() {
        let output = "x\nmuster-field\tmode\tdiffers\t=0600\t=0644\nmuster-field\tgroup\tdiffers\t=adm\t-\n";
        assert_eq!(values(output), "x\nmode: 0644\ngroup: (none)\n");
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let output = format!("muster-field\tx\tdiffers\t={}\t-\n", "y".repeat(5000)).repeat(100);
        let (detail, fields) = read(&output, None);
        assert_eq!((detail.as_str(), fields.len()), ("", FIELDS));
        assert_eq!(fields[0].after.as_ref().map(|text| text.chars().count()), Some(VALUE + 2));
    }

    proptest! {
        #[test]
        fn any_output_gives_an_answer(output in "(muster-field\t)?[a-z\\\\\t=\n-]{0,60}") {
            let (detail, fields) = read(&output, Some(b"x"));
            prop_assert!(detail.len() <= output.len() + 1);
            prop_assert!(fields.len() <= FIELDS);
        }
    }
}
