//! Commands of Control: directives, limits, the echo of the Windows command line, and output as an event of its own.
//!
//! Invariants: a command waits for an offline guest and runs when it comes; commands of one guest run one after the
//! other. Output carries no trace of the command that it belongs to, and there is no exit code.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use muster::session::script::Platform;

use super::session::{Session, kind};
use crate::faults::What;
use crate::fleet::System;
use crate::journal::Entry;
use crate::machine::{Ended, Order, Shell};
use crate::world::World;

/// A command's text without its directives, and what they say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Directed {
    pub(super) powershell: bool,
    /// Milliseconds.
    pub(super) timeout: u64,
    /// Characters.
    pub(super) longest: usize,
    pub(super) text: String,
}

/// Takes the directive lines off the beginning of a command.
pub(super) fn directives(command: &str) -> Directed {
    let mut directed = Directed { powershell: false, timeout: 10_000, longest: 5000, text: String::new() };
    let mut rest = command;
    loop {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        let Some(directive) =
            line.trim_end().strip_prefix("#!").or_else(|| line.trim_end().strip_prefix('#'))
        else {
            break;
        };
        let directive = directive.trim().to_ascii_lowercase();
        if directive == "ps" && line.starts_with("#!") {
            directed.powershell = true;
        } else if let Some(number) = directive.strip_prefix("timeout=").and_then(|n| n.trim().parse().ok()) {
            directed.timeout = number;
        } else if let Some(number) = directive.strip_prefix("maxlength=").and_then(|n| n.trim().parse().ok())
        {
            directed.longest = number;
        } else {
            break;
        }
        rest = after;
    }
    rest.clone_into(&mut directed.text);
    directed
}

/// Output as the server keeps it: cut at the limit, with the sentence that says so.
pub(super) fn bounded(output: &str, longest: usize) -> String {
    match output.char_indices().nth(longest) {
        None => output.to_owned(),
        Some((end, _)) => {
            let cut = output.get(..end).unwrap_or_default();
            format!("{cut}\r\nTruncated output at {longest} characters.")
        }
    }
}

/// Queues a command for the guest of a session.
pub(super) fn send(world: &Arc<World>, session: &Arc<Session>, command: &str, delay: Duration) {
    let id = session.add(world, kind::QUEUED_COMMAND, command);
    let Some(agent) = session.agent.clone() else { return };
    world.journal.add(Entry::Command {
        system: System::Control,
        agent: agent.id.clone(),
        id: id.clone(),
        bytes: command.len(),
    });
    session.data().queued.push(id.clone());
    let (world_, session, command) = (Arc::clone(world), Arc::clone(session), command.to_owned());
    let work = async move { run(world_, session, id, command, delay).await };
    world.queue(&agent, Box::pin(work));
}

async fn run(world: Arc<World>, session: Arc<Session>, id: String, command: String, delay: Duration) {
    tokio::time::sleep(delay).await;
    session.data().queued.retain(|queued| *queued != id);
    let Some(agent) = session.agent.clone() else { return };
    let Some(computer) = world.computer(&agent) else { return };
    let windows = computer.platform() == Platform::Windows;
    let name = computer.name.clone();
    let directed = directives(&command);
    let shell = match (windows, directed.powershell) {
        (true, true) => Shell::Powershell,
        (true, false) => Shell::Cmd,
        (false, _) => Shell::Sh,
    };
    let echo = shell == Shell::Cmd;
    let limit = Duration::from_millis(directed.timeout);
    let order = Order { id, shell, text: directed.text.clone(), limit, merged: true };
    let outcome = world.run(&agent, order).await;
    let mut output = String::new();
    if echo {
        for line in directed.text.lines() {
            output.push_str("\r\nC:\\WINDOWS\\system32>");
            output.push_str(line);
            output.push_str("\r\n");
        }
    }
    output.push_str(&outcome.stdout);
    output.push_str(&outcome.stderr);
    if let Ended::NotStarted(why) = &outcome.ended {
        output.push_str(why);
    }
    if outcome.ended == Ended::Killed {
        // Writing into a String cannot fail.
        _ = write!(output, "\r\nKilled after {} milliseconds.", directed.timeout);
    }
    let output = bounded(&output, directed.longest);
    let rule = world.dice.output(System::Control, &agent.id, &name);
    if let Some(rule) = &rule {
        let (computer, fault) = (name, rule.what);
        world.journal.add(Entry::Output { system: System::Control, computer, fault });
    }
    match rule {
        Some(rule) if rule.what == What::LoseOutput => {}
        Some(rule) if rule.what == What::LateOutput => {
            // Others go on meanwhile.
            tokio::spawn(async move {
                tokio::time::sleep(rule.delay()).await;
                session.add(&world, kind::RAN_COMMAND, &output);
            });
        }
        Some(rule) if rule.what == What::DuplicateOutput => {
            session.add(&world, kind::RAN_COMMAND, &output);
            session.add(&world, kind::RAN_COMMAND, &output);
        }
        Some(rule) if rule.what == What::CutOutput => {
            let length = output.chars().count();
            let cut: String = output.chars().take(rule.cut(length)).collect();
            session.add(&world, kind::RAN_COMMAND, &cut);
        }
        _ => {
            session.add(&world, kind::RAN_COMMAND, &output);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_are_lines_at_the_beginning_in_any_case() {
        let all = directives("#!PS\n#Timeout=600000\r\n#MaxLength=100000\nGet-Date\n#timeout=1\n");
        assert_eq!(
            all,
            Directed {
                powershell: true,
                timeout: 600_000,
                longest: 100_000,
                text: "Get-Date\n#timeout=1\n".to_owned()
            }
        );
        let none = directives("# muster-bundle 1 {}\necho");
        assert_eq!((none.timeout, none.longest, none.powershell), (10_000, 5000, false));
        assert_eq!(none.text, "# muster-bundle 1 {}\necho");
        assert_eq!(directives("#!/bin/sh\necho").text, "#!/bin/sh\necho");
        assert_eq!(directives("").text, "");
    }

    #[test]
    fn output_beyond_the_limit_is_cut_and_says_so() {
        assert_eq!(bounded("äöü", 3), "äöü");
        assert_eq!(bounded("äöüx", 3), "äöü\r\nTruncated output at 3 characters.");
    }
}
