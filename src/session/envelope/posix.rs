//! The text of a command for a POSIX shell: `posix.sh` with its words and its piece.
//!
//! Invariants: everything stands within one pair of braces, so that a text that breaks off runs nothing. The bundle reaches
//! its shell through a pipe; only the parts of one that came in several were on disk before, in the private folder.

use std::sync::LazyLock;

/// The functions without comments and indentation, which a system with short commands has no room for.
static FUNCTIONS: LazyLock<String> = LazyLock::new(|| {
    let lines = include_str!("posix.sh").lines().map(str::trim_start);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).flat_map(|line| [line, "\n"]).collect()
});

/// What stands before the words.
pub(super) const WORDS: &str = "set -- ";
/// What stands around the piece.
pub(super) const PIECE: (&str, &str) = ("\nmu_piece='", "'\n");

pub(super) fn text(words: &str, piece: &str) -> String {
    let (open, close) = PIECE;
    format!("{{\n{WORDS}{words}{open}{piece}{close}{}}}\n", FUNCTIONS.as_str())
}
