//! The text of a command for Windows PowerShell 5.1 or newer: `windows.ps1` with its words and its piece, compressed.
//!
//! Invariants: the text is a single statement in ASCII on a single line without double quotes and percent signs, so that
//! it can be a file, an argument or a line of input. A text that breaks off runs nothing.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::{gunzip, gzip};

/// What a bundle's text has around its body; see `session::bundle`.
const BUNDLE: (&str, &str) =
    ("& ([ScriptBlock]::Create([Text.Encoding]::UTF8.GetString([Convert]::FromBase64String('", "'))))\n\n");

/// What the line of comment before it begins with; see `session::bundle`.
const COMMENT: &str = "# muster-bundle ";

/// What a command has around the script that it runs.
const LOADER: (&str, &str) = (
    "& { $m = New-Object IO.MemoryStream (, [Convert]::FromBase64String('",
    "')); $z = New-Object IO.Compression.GZipStream $m, ([IO.Compression.CompressionMode]::Decompress); \
     $r = New-Object IO.StreamReader $z, ([Text.Encoding]::UTF8); & ([ScriptBlock]::Create($r.ReadToEnd())) }\n",
);

/// What stands before the words.
pub(super) const WORDS: &str = "$words = '";
/// What stands around the piece.
pub(super) const PIECE: (&str, &str) = ("'.Split(' ')\n$piece = '", "'\n");

static FUNCTIONS: LazyLock<String> = LazyLock::new(|| {
    let lines = include_str!("windows.ps1").lines().map(str::trim_start);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).flat_map(|line| [line, "\n"]).collect()
});

/// The body of a bundle's text, which compresses better than the text; the computer puts the same around it again. The
/// line of comment before the text stands before the body.
pub(super) fn body(text: &str) -> Zeroizing<Vec<u8>> {
    let (open, close) = BUNDLE;
    let (head, rest) = comment(text);
    let coded = rest.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
    let body = coded.and_then(|coded| STANDARD.decode(coded).ok()).map(Zeroizing::new);
    Zeroizing::new(match body {
        Some(body) => [head.as_bytes(), &body].concat(),
        None => text.as_bytes().to_vec(),
    })
}

/// The text of a bundle with this body.
pub(super) fn bundle(body: &[u8]) -> String {
    let (open, close) = BUNDLE;
    let line = body.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let (head, rest) = body.split_at(if body.starts_with(COMMENT.as_bytes()) { line } else { 0 });
    format!("{}{open}{}{close}", String::from_utf8_lossy(head), STANDARD.encode(rest))
}

/// The line of comment at the beginning of a bundle's text, and the rest.
fn comment(text: &str) -> (&str, &str) {
    let line = text.find('\n').map_or(0, |end| end + 1);
    text.split_at(if text.starts_with(COMMENT) { line } else { 0 })
}

pub(super) fn text(words: &str, piece: &str) -> String {
    let (open, close) = LOADER;
    format!("{open}{}{close}", STANDARD.encode(&*gzip(script(words, piece).as_bytes())))
}

/// What the loader runs.
fn script(words: &str, piece: &str) -> Zeroizing<String> {
    let (open, close) = PIECE;
    Zeroizing::new(format!("{WORDS}{words}{open}{piece}{close}{}", FUNCTIONS.as_str()))
}

/// What the loader in `text` runs; `None` when there is no such loader.
pub(super) fn loaded(text: &str) -> Option<Zeroizing<String>> {
    let (open, close) = LOADER;
    let (_, rest) = text.split_once(open)?;
    let (coded, _) = rest.split_once(close.trim_end())?;
    String::from_utf8(gunzip(&STANDARD.decode(coded).ok()?)?).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::powershell::syntax_errors;

    #[test]
    fn both_layers_are_powershell_and_the_outer_one_can_be_an_argument() {
        for (words, piece) in [("order 0 1 2", "AAAA\nBBBB"), ("ask 0 1 10", "")] {
            let text = text(words, piece);
            assert!(text.is_ascii() && !text.contains(['"', '%']));
            assert_eq!(text.trim_end().lines().count(), 1);
            assert!(syntax_errors(&text).is_empty());
            let script = loaded(&text).expect("a loader");
            let errors: Vec<&str> =
                syntax_errors(&script).into_iter().filter_map(|range| script.get(range)).collect();
            assert_eq!(errors, [""; 0]);
        }
        assert!(text("ask 0 1 10", "").len() < 6000, "{}", text("ask 0 1 10", "").len());
    }

    #[test]
    fn the_text_of_a_bundle_is_taken_apart_and_put_together_again() {
        for head in ["", "# muster-bundle 1 {}\n"] {
            let inner = format!("{head}Write-Output 'ä'\n# muster-bundle\n");
            let text = bundle(inner.as_bytes());
            assert!(text.starts_with(&format!("{head}& (")));
            assert_eq!(body(&text).as_slice(), inner.as_bytes());
            assert_eq!(bundle(&body(&text)), text);
        }
        assert_eq!(body("another").as_slice(), b"another");
    }
}
