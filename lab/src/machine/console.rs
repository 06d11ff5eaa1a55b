//! What a simulated computer says to a command that is no bundle: as a shell that knows next to nothing.

use super::{Outcome, Shell};
use crate::fleet::Computer;

/// Answers a command. `echo`, `hostname` and `exit` are known, on one line or several.
pub(super) fn answer(computer: &Computer, shell: Shell, text: &str) -> Outcome {
    let (mut stdout, mut stderr, mut code) = (String::new(), String::new(), 0);
    let feed = if shell == Shell::Sh { "\n" } else { "\r\n" };
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        match word.to_ascii_lowercase().as_str() {
            "" => {}
            word if word.starts_with('#') || word == "rem" || word.starts_with('@') => {}
            "echo" | "write-output" => {
                stdout.push_str(rest.trim_matches(['"', '\'']));
                stdout.push_str(feed);
                code = 0;
            }
            "hostname" => {
                stdout.push_str(computer.hostname());
                stdout.push_str(feed);
                code = 0;
            }
            "exit" => {
                code = rest.trim().parse().unwrap_or(code);
                break;
            }
            _ => {
                let (message, unknown) = unknown(shell, number + 1, word);
                stderr.push_str(&message);
                stderr.push_str(feed);
                code = unknown;
            }
        }
    }
    Outcome::exit(code, stdout, stderr)
}

/// What a shell says of a command that it does not know, and its exit code.
fn unknown(shell: Shell, line: usize, word: &str) -> (String, i32) {
    match shell {
        Shell::Sh => (format!("sh: {line}: {word}: not found"), 127),
        Shell::Cmd => {
            let says =
                "is not recognized as an internal or external command,\r\noperable program or batch file.";
            (format!("'{word}' {says}"), 9009)
        }
        Shell::Powershell => {
            let says =
                "is not recognized as the name of a cmdlet, function, script file, or operable program.";
            (format!("{word} : The term '{word}' {says}"), 1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Ended;

    #[test]
    fn it_knows_next_to_nothing_and_says_so() {
        let computer = Computer::named("pc-1");
        let run = |shell, text| answer(&computer, shell, text);
        assert_eq!(run(Shell::Sh, "echo hello\nhostname").stdout, "hello\npc-1\n");
        let unknown = run(Shell::Sh, "echo a\nfrobnicate -x");
        assert_eq!(
            (unknown.ended, unknown.stderr.as_str()),
            (Ended::Exit(127), "sh: 2: frobnicate: not found\n")
        );
        assert!(run(Shell::Cmd, "frobnicate").stderr.contains("not recognized"));
        assert_eq!(run(Shell::Powershell, "exit 3\necho never").ended, Ended::Exit(3));
    }
}
