//! The question before something changes.
//!
//! Invariants: only the word `yes` agrees; anything else, the end of input and an error of it refuse. Where `CI` is set
//! nobody is asked, whatever the terminal.

use std::io::{BufRead, Read};
use std::sync::Arc;

use super::output::Ui;
use crate::session::control::Control;

/// Longer answers are not `yes`, and are not read to their end.
const LONGEST: u64 = 64;

/// Whether there is somebody to ask: standard input is a terminal, and `CI` does not say that a program sits at it.
#[must_use]
pub const fn can_ask(terminal: bool, ci: bool) -> bool {
    terminal && !ci
}

/// Asks a question and reads one line. The caller asks [`can_ask`] before, and refuses where nobody can be
/// asked.
#[must_use]
pub fn agrees(ui: &Ui, question: &str, input: &mut dyn BufRead) -> bool {
    ui.ask(&format!("{question} Type yes to go on:"));
    let mut answer = Vec::new();
    let read = input.take(LONGEST).read_until(b'\n', &mut answer);
    read.is_ok() && matches!(answer.as_slice(), b"yes\n" | b"yes\r\n")
}

/// Asks on the terminal of this process; `None` when Ctrl-C was the answer.
pub(super) async fn asked(ui: Arc<Ui>, question: String, mut control: Control) -> Option<bool> {
    let answer = tokio::task::spawn_blocking(move || agrees(&ui, &question, &mut std::io::stdin().lock()));
    tokio::select! {
        biased;
        () = control.asked() => None,
        answer = answer => Some(answer.unwrap_or(false)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::output::Loudness;
    use crate::cli::output::tests::ui;

    #[test]
    fn a_runner_with_a_terminal_is_nobody_to_ask() {
        assert!(can_ask(true, false));
        assert!(!can_ask(true, true), "CI is set, and the runner has a terminal");
        assert!(!can_ask(false, false));
        assert!(!can_ask(false, true));
    }

    #[test]
    fn only_the_whole_word_agrees() {
        for (answer, agreed) in [
            ("yes\n", true),
            ("yes\r\n", true),
            ("", false),
            ("yes", false),
            ("y\n", false),
            ("YES\n", false),
            ("yes please\n", false),
            ("no\nyes\n", false),
            ("\n", false),
            (&"y".repeat(100_000), false),
        ] {
            let (ui, out, err) = ui(Loudness::Quiet);
            assert_eq!(agrees(&ui, "3 computers change.", &mut answer.as_bytes()), agreed, "{answer:?}");
            assert_eq!(err.text(), "3 computers change. Type yes to go on: ");
            assert_eq!(out.text(), "");
        }
    }
}
