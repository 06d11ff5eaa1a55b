//! A computer that is a model: it takes a command apart until it finds a bundle, and answers what its steps are for.
//!
//! Not here: the model (`muster::provider::simulated::model`), commands that are no bundle (`console`).
//!
//! Invariant: what a bundle changed stays changed as long as the lab lives.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use muster::provider::simulated::model::{Changes, Happened, Model};
use muster::session::bundle::{Manifest, ManifestError};
use muster::session::envelope::{Mailbox, Received};

use super::{Machine, Order, Outcome, console};
use crate::clock;
use crate::journal::Entry;
use crate::world::{World, guard};

/// What a simulated computer remembers.
#[derive(Debug, Default)]
pub(super) struct Memory {
    changes: Changes,
    mailbox: Mailbox,
}

impl Machine {
    /// What a simulated computer answers.
    pub(super) fn answer(&self, world: &World, order: &Order) -> Outcome {
        let mut memory = guard(&self.memory);
        let Memory { changes, mailbox } = &mut *memory;
        let now = clock::shifted(world.clock.now(), world.dice.computer_skew());
        let text = script(&order.text);
        match mailbox.receive(&text, now.as_second()) {
            Some(Received::Says(output)) => Outcome::exit(0, output, ""),
            Some(Received::Runs { id, text }) => {
                // What is no bundle in an envelope is run as it is.
                let output = match self.bundle(world, &text, changes, now) {
                    Ok(Some(output)) => output,
                    Ok(None) => console::answer(&self.computer, order.shell, &text).stdout.into_bytes(),
                    Err(message) => message.into_bytes(),
                };
                Outcome::exit(0, mailbox.finish(&id, now.as_second(), output), "")
            }
            None => match self.bundle(world, &text, changes, now) {
                Ok(Some(output)) => Outcome::exit(0, String::from_utf8_lossy(&output), ""),
                Ok(None) => console::answer(&self.computer, order.shell, &text),
                Err(message) => Outcome::exit(2, "", message),
            },
        }
    }

    /// What a bundle prints here; `None` when the text is none.
    fn bundle(
        &self,
        world: &World,
        text: &str,
        changes: &mut Changes,
        now: jiff::Timestamp,
    ) -> Result<Option<Vec<u8>>, String> {
        let manifest = match Manifest::read(text) {
            Ok(manifest) => manifest,
            Err(ManifestError::None) => return Ok(None),
            Err(error @ ManifestError::Wrong(_)) => return Err(error.to_string()),
        };
        let base = self.computer.model();
        let model = Model { base: &base, inventory: &world.fleet.inventory };
        Ok(Some(model.answer(&manifest, changes, now, &mut |happened, purpose| {
            let did = match happened {
                Happened::Detected => "detected",
                Happened::Begins => "begins",
                Happened::Changed => "changed",
                Happened::Failed => "failed",
                Happened::Skipped => "skipped",
            };
            let computer = self.computer.name.clone();
            world.journal.add(Entry::Step { computer, did, purpose: purpose.clone() });
        })))
    }
}

/// The script in a command line that starts an interpreter; any other text is a script itself.
fn script(text: &str) -> Cow<'_, str> {
    let (program, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let name = program.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase();
    let found = match name.trim_end_matches(".exe") {
        "sh" | "bash" | "dash" => {
            let words = words(rest);
            let at = words.iter().position(|word| word == "-c");
            let script = at.and_then(|at| words.get(at + 1).cloned());
            script.map(|script| piped(&script).unwrap_or(script))
        }
        "powershell" | "pwsh" => encoded(rest).or_else(|| plain(rest)),
        "cmd" => {
            let at = rest.to_ascii_lowercase().find("/c ");
            at.and_then(|at| rest.get(at + 3..)).map(|rest| unquoted(rest.trim()).to_owned())
        }
        _ => None,
    };
    found.map_or(Cow::Borrowed(text), Cow::Owned)
}

/// The script of a pipe `echo BASE64 | base64 -d | sh`, whatever decoders it tries.
fn piped(script: &str) -> Option<String> {
    let (coded, rest) = script.trim().strip_prefix("echo ")?.split_once('|')?;
    let (decoder, shell) = rest.rsplit_once('|')?;
    if !decoder.contains("base64 -") || shell.trim() != "sh" {
        return None;
    }
    STANDARD.decode(coded.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok())
}

/// What follows `-EncodedCommand`, or a beginning of it, decoded.
fn encoded(arguments: &str) -> Option<String> {
    let mut words = arguments.split_whitespace().skip_while(|word| {
        let flag = word.trim_start_matches(['-', '/']).to_ascii_lowercase();
        flag.len() == word.len() || flag.is_empty() || !(flag == "ec" || "encodedcommand".starts_with(&flag))
    });
    let coded = words.nth(1)?.trim_matches(['"', '\'']);
    let bytes = STANDARD.decode(coded).ok().filter(|bytes| bytes.len().is_multiple_of(2))?;
    let pair = |pair: &[u8]| pair.iter().rev().fold(0, |sum, byte| (sum << 8) | u16::from(*byte));
    String::from_utf16(&bytes.chunks(2).map(pair).collect::<Vec<u16>>()).ok()
}

/// What follows `-Command`, without its quotes.
fn plain(arguments: &str) -> Option<String> {
    let lower = arguments.to_ascii_lowercase();
    let (at, length) = ["-command ", "-c "].iter().find_map(|flag| Some((lower.find(flag)?, flag.len())))?;
    let text = arguments.get(at + length..)?.trim();
    let inner = unquoted(text);
    Some(if inner.len() == text.len() { text.to_owned() } else { inner.replace("\\\"", "\"") })
}

fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text)
}

/// The words of a line as a POSIX shell takes them, without expansions.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\'' => {
                let inner = word.get_or_insert_default();
                inner.extend(letters.by_ref().take_while(|letter| *letter != '\''));
            }
            '"' => {
                let inner = word.get_or_insert_default();
                while let Some(letter) = letters.next().filter(|letter| *letter != '"') {
                    match letter {
                        '\\' => match letters.next() {
                            Some(special @ ('"' | '\\' | '$' | '`')) => inner.push(special),
                            Some('\n') | None => {}
                            Some(other) => inner.extend(['\\', other]),
                        },
                        other => inner.push(other),
                    }
                }
            }
            '\\' => word.get_or_insert_default().extend(letters.next()),
            letter if letter.is_whitespace() => words.extend(word.take()),
            letter => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_that_a_shell_reads_from_a_pipe_is_decoded() {
        let coded = STANDARD.encode("echo ä\n");
        assert_eq!(
            script(&format!("/bin/sh -c \"echo {coded} | (base64 -d || base64 -D) | sh\"")),
            "echo ä\n"
        );
        for other in [
            format!("echo {coded} | base64 -d | cat"),
            "echo ? | base64 -d | sh".to_owned(),
            "echo x".to_owned(),
        ] {
            assert_eq!(script(&format!("sh -c \"{other}\"")), other);
        }
    }

    #[test]
    fn the_script_is_found_in_the_command_line_that_starts_its_interpreter() {
        let coded = STANDARD.encode("echo ä".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>());
        for (line, expected) in [
            (format!("powershell.exe -NoProfile -EncodedCommand {coded}"), "echo ä"),
            (format!("powershell -e {coded}"), "echo ä"),
            (r#"powershell.exe -NonInteractive -Command "echo \"a b\"""#.to_owned(), r#"echo "a b""#),
            ("cmd.exe /c \"echo a\"".to_owned(), "echo a"),
            (r"/bin/sh -c 'echo '\''a'\''' x".to_owned(), "echo 'a'"),
            (r#"sh -e -c "echo \"\$a\" \n""#.to_owned(), r#"echo "$a" \n"#),
            (r#"/bin/sh -c "echo ZWNobyAiYSI= | (base64 -d || base64 -D) | sh""#.to_owned(), "echo \"a\""),
            (r#"sh -c "echo ZWNobyAiYSI= | cat | sh""#.to_owned(), "echo ZWNobyAiYSI= | cat | sh"),
            ("echo -e AAAA".to_owned(), "echo -e AAAA"),
            ("sh".to_owned(), "sh"),
            ("{\necho -c x\n}\n".to_owned(), "{\necho -c x\n}\n"),
        ] {
            assert_eq!(script(&line), expected, "{line}");
        }
    }
}
