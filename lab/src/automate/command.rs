//! Commands of Automate: `Pending`, `Executing`, then `Success` or `Failed`.
//!
//! Invariants: a command waits until the agent checks in, which takes minutes unless it is in fast talk (here less, by the
//! settings), and as long as the computer is off. There is no exit code.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use muster::session::script::Platform;
use serde_json::{Value, json};

use super::list::Few;
use super::{Automate, error, list, member};
use crate::clock;
use crate::faults::What;
use crate::fleet::System;
use crate::journal::Entry;
use crate::machine::{Ended, Order, Shell};
use crate::wire::{Reply, Request};
use crate::world::{Agent, guard};

/// The commands that the catalogue names.
const CATALOGUE: &[(u32, &str, &str)] = &[
    (2, "Execute Command", "Runs a program"),
    (28, "Scan Services", "Lists the services anew"),
    (35, "FasTalk", "Makes the agent check in often"),
    (123, "Resend System Information", "Sends the inventory again"),
];

/// How long a command may take.
const LIMIT: Duration = Duration::from_hours(1);

/// Commands by id.
#[derive(Debug, Default)]
pub(super) struct Commands {
    known: Mutex<BTreeMap<u32, Command>>,
}

#[derive(Debug, Clone)]
struct Command {
    agent: String,
    command: u32,
    parameters: Vec<String>,
    status: &'static str,
    output: String,
    fast: bool,
    executed: Timestamp,
    finished: Option<Timestamp>,
}

impl Commands {
    fn set(&self, id: u32, change: impl FnOnce(&mut Command)) {
        if let Some(command) = guard(&self.known).get_mut(&id) {
            change(command);
        }
    }
}

/// The catalogue.
pub(super) fn catalogue() -> Vec<Value> {
    let one = |(id, name, description): &(u32, &str, &str)| json!({ "Id": id.to_string(), "Name": name, "Description": description, "Level": 1 });
    CATALOGUE.iter().map(one).collect()
}

fn written(id: u32, command: &Command) -> Value {
    let (_, name, description) =
        CATALOGUE.iter().find(|(known, ..)| *known == command.command).unwrap_or(&(0, "", ""));
    json!({
        "Id": id, "ComputerId": command.agent.parse::<u32>().unwrap_or_default(),
        "Command": { "Id": command.command.to_string(), "Name": name, "Description": description, "Level": 1 },
        "Status": command.status, "Parameters": command.parameters, "Output": command.output,
        "Fastalk": command.fast,
    })
}

impl Automate {
    /// `POST /Computers/{id}/CommandExecute`.
    pub(super) fn execute(self: &Arc<Self>, request: &Request, agent: &Arc<Agent>) -> Reply {
        let Ok(body) = request.json::<Value>() else { return error(400, "The request is invalid.") };
        let computer = member(&body, "ComputerId");
        if number(&computer).is_some_and(|id| id.to_string() != agent.id) {
            return error(400, "The computer of the body is not the computer of the address.");
        }
        let Some(command) = number(&member(&member(&body, "Command"), "Id")) else {
            return error(400, "Command.Id is required.");
        };
        if !CATALOGUE.iter().any(|(known, ..)| *known == command) {
            return error(400, "The command does not exist.");
        }
        let parameters: Vec<String> = match member(&body, "Parameters") {
            Value::Array(list) => list
                .iter()
                .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
                .collect(),
            _ => Vec::new(),
        };
        if let Some(denied) = self.denied("Commands Send") {
            return denied;
        }
        let id = self.queue(agent, command, parameters);
        match guard(&self.commands.known).get(&id) {
            Some(command) => Reply::json(&written(id, command)),
            None => error(500, "An error has occurred."),
        }
    }

    /// `POST /Computers/{id}/CommandPrompt`: answers the bare number.
    pub(super) fn prompt(self: &Arc<Self>, request: &Request, agent: &Arc<Agent>) -> Reply {
        let Ok(body) = request.json::<Value>() else { return error(400, "The request is invalid.") };
        let Some(text) = member(&body, "CommandText").as_str().map(str::to_owned) else {
            return error(400, "CommandText is required.");
        };
        if let Some(denied) = self.denied("Command Prompt") {
            return denied;
        }
        let powershell = member(&body, "UsePowerShell").as_bool().unwrap_or_default();
        let program = match (self.is_windows(agent), powershell) {
            (true, true) => {
                format!("powershell.exe!!! -NonInteractive -Command \"{}\"", text.replace('"', "\\\""))
            }
            (true, false) => format!("cmd.exe!!! /c \"{text}\""),
            (false, _) => format!("sh!!! -c '{}'", text.replace('\'', "'\\''")),
        };
        Reply::json(&self.queue(agent, 2, vec![program]))
    }

    fn is_windows(&self, agent: &Agent) -> bool {
        self.world.computer(agent).is_some_and(|one| one.platform() == Platform::Windows)
    }

    fn queue(self: &Arc<Self>, agent: &Arc<Agent>, command: u32, parameters: Vec<String>) -> u32 {
        let id = {
            let mut known = guard(&self.commands.known);
            let id = known.last_key_value().map_or(88_123, |(last, _)| last + 1);
            let new = Command {
                agent: agent.id.clone(),
                command,
                parameters: parameters.clone(),
                status: "Pending",
                output: String::new(),
                fast: self.is_fast(agent),
                executed: self.world.server_now(),
                finished: None,
            };
            known.insert(id, new);
            id
        };
        self.world.journal.add(Entry::Command {
            system: System::Automate,
            agent: agent.id.clone(),
            id: id.to_string(),
            bytes: parameters.iter().map(String::len).sum(),
        });
        let (automate, of) = (Arc::clone(self), Arc::clone(agent));
        let work = async move { automate.run(&of, id, command, &parameters).await };
        self.world.queue(agent, Box::pin(work));
        id
    }

    async fn run(&self, agent: &Agent, id: u32, command: u32, parameters: &[String]) {
        let settings = &self.world.fleet.automate;
        let wait = if self.is_fast(agent) { settings.fast_talk_ms } else { settings.check_in_ms };
        tokio::time::sleep(Duration::from_millis(wait)).await;
        self.commands.set(id, |command| command.status = "Executing");
        let (status, output) = match command {
            2 => self.program(agent, id, parameters.first().map_or("", String::as_str)).await,
            35 => {
                let on = parameters.first().is_none_or(|text| text.trim() != "0");
                self.set_fast(agent, on);
                ("Success", "OK".to_owned())
            }
            _ => ("Success", "OK".to_owned()),
        };
        let name = self.world.computer(agent).map(|one| one.name.clone()).unwrap_or_default();
        let rule = self.world.dice.output(System::Automate, &agent.id, &name);
        if let Some(rule) = &rule {
            let fault = rule.what;
            self.world.journal.add(Entry::Output { system: System::Automate, computer: name, fault });
        }
        let output = match rule {
            Some(rule) if rule.what == What::LoseOutput => String::new(),
            Some(rule) if rule.what == What::CutOutput => {
                let length = output.chars().count();
                output.chars().take(rule.cut(length)).collect()
            }
            Some(rule) if rule.what == What::DuplicateOutput => format!("{output}{output}"),
            Some(rule) if rule.what == What::LateOutput => {
                tokio::time::sleep(rule.delay()).await;
                output
            }
            _ => output,
        };
        let now = self.world.server_now();
        self.commands.set(id, |command| {
            command.status = status;
            command.output = output;
            command.finished = Some(now);
        });
    }

    /// Runs `program!!!arguments`.
    async fn program(&self, agent: &Agent, id: u32, text: &str) -> (&'static str, String) {
        // Three exclamation marks divide; a fourth, or three more, make another program of it than was meant.
        let Some((program, arguments)) = text.split_once("!!!").filter(|(_, rest)| !rest.contains("!!!"))
        else {
            return ("Failed", "ERR".to_owned());
        };
        if arguments.starts_with('!') || program.trim().is_empty() {
            return ("Failed", "ERR".to_owned());
        }
        let shell = if self.is_windows(agent) { Shell::Cmd } else { Shell::Sh };
        let text =
            format!("{}{}{arguments}", program.trim(), if arguments.starts_with(' ') { "" } else { " " });
        let order = Order { id: id.to_string(), shell, text, limit: LIMIT, merged: true };
        let outcome = self.world.run(agent, order).await;
        let output = outcome.stdout + &outcome.stderr;
        match outcome.ended {
            Ended::Exit(0) => ("Success", output),
            // Whether a failing program fails the command is not known; one that says nothing was seen to answer this.
            Ended::Exit(_) if output.trim().is_empty() => ("Failed", "ERR".to_owned()),
            Ended::Exit(_) => ("Success", output),
            Ended::Killed | Ended::NotStarted(_) => ("Failed", "ERR".to_owned()),
        }
    }

    /// `GET /Computers/{id}/CommandExecute`, all or one.
    pub(super) fn executed(&self, request: &Request, agent: &Agent, id: Option<&str>) -> Reply {
        if let Some(denied) = self.denied("Commands View") {
            return denied;
        }
        let known = guard(&self.commands.known);
        let own = known.iter().filter(|(_, command)| command.agent == agent.id);
        match id {
            None => {
                let rows = own.map(|(id, command)| written(*id, command)).collect();
                list::answer(request, &self.world.fleet.automate, &Few::new(rows))
            }
            Some(id) => match own.map(|(id, c)| (id.to_string(), c)).find(|(known, _)| known == id) {
                Some((id, command)) => Reply::json(&written(id.parse().unwrap_or_default(), command)),
                None => error(404, "The command does not exist."),
            },
        }
    }

    /// `GET /Computers/{id}/CommandHistory`.
    pub(super) fn history(&self, request: &Request, agent: &Agent) -> Reply {
        let known = guard(&self.commands.known);
        let own = known.iter().filter(|(_, command)| command.agent == agent.id);
        let row = |(id, command): (&u32, &Command)| {
            let name =
                CATALOGUE.iter().find(|(known, ..)| *known == command.command).map(|(_, name, _)| *name);
            let mut row = json!({
                "Id": id, "ComputerId": command.agent.parse::<u32>().unwrap_or_default(),
                "DateExecuted": clock::whole(command.executed), "CommandId": command.command, "Command": name,
                "Status": command.status, "Output": command.output, "Parameters": command.parameters.join("|"),
                "User": self.world.fleet.automate.user,
            });
            if let (Some(at), Some(row)) = (command.finished, row.as_object_mut()) {
                row.insert("DateFinished".to_owned(), clock::whole(at).into());
            }
            row
        };
        let rows = own.map(row).collect();
        list::answer(request, &self.world.fleet.automate, &Few::new(rows))
    }
}

/// A number, or a text that is one.
pub(super) fn number(value: &Value) -> Option<u32> {
    match value {
        Value::Number(number) => number.as_u64().and_then(|number| u32::try_from(number).ok()),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}
