//! What the transports that run shells themselves share: which program reads a bundle, how much of its answer is kept.
//!
//! Not here: the text of a bundle (`session::bundle`) and the reading of the answer (`session::frame`).

use std::time::Duration;

use crate::session::script::{Bundle, Platform};

/// The outer shell's own framing may take this many bytes, and this many per step.
const FRAMING: usize = 256 * 1024;
const FRAMING_PER_STEP: usize = 4 * 1024;
/// How much of the outer shell's own standard error is kept.
pub(super) const KEEP_ERROR: usize = 4 * 1024;
/// How long output may be silent after the shell has ended, while something it left behind holds its pipes open.
pub(super) const SILENCE: Duration = Duration::from_secs(1);

/// The program and its arguments that read a bundle from standard input.
pub(super) const fn program(platform: Platform) -> &'static [&'static str] {
    match platform {
        Platform::Posix => &["sh"],
        Platform::Windows => &["powershell", "-NoProfile", "-NonInteractive", "-Command", "-"],
    }
}

/// How many bytes of a bundle's answer are kept. What comes after is read and thrown away, so that the bundle
/// can still run to its end.
pub(super) fn bound<A>(bundle: &Bundle<A>) -> usize {
    // Twice for the two outputs, and twice again for an encoding.
    let one = |keep: usize| keep.saturating_mul(4).saturating_add(FRAMING_PER_STEP);
    bundle.steps.iter().map(|step| one(step.keep)).fold(FRAMING, usize::saturating_add)
}

/// Appends as much of `more` as fits below `bound`.
pub(super) fn keep(kept: &mut Vec<u8>, more: &[u8], bound: usize) {
    let room = bound.saturating_sub(kept.len()).min(more.len());
    kept.extend(more.iter().take(room));
}

/// Text from outside for a message: one line of it, without control characters, not longer than a few lines.
pub(super) fn plain(text: &str) -> String {
    let shown = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    text.lines().next().unwrap_or_default().chars().take(400).map(shown).collect()
}

/// A random text for a bundle's marker.
pub(super) fn nonce() -> String {
    uuid::Uuid::now_v7().simple().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_cannot_steer_the_terminal() {
        assert_eq!(plain("a\u{1b}[31mb\u{7}\nsecond"), "a\u{fffd}[31mb\u{fffd}");
        assert_eq!(plain(&"x".repeat(1000)).len(), 400);
        assert_eq!(plain(""), "");
    }

    #[test]
    fn no_more_than_the_bound_is_kept() {
        let mut kept = Vec::new();
        keep(&mut kept, b"abc", 5);
        keep(&mut kept, b"def", 5);
        keep(&mut kept, b"ghi", 5);
        assert_eq!(kept, b"abcde");
    }
}
