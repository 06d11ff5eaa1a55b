//! Commands to computers through Automate: command 2 runs a program with arguments, command 35 makes an agent check in often.
//!
//! Not here: what is run (`session::envelope`), and when it is sent again (`provider::queued`).
//!
//! Invariants: a command's text stands in no error; where it is not certain that a command arrived, the history of the computer is
//! read, too; an output counts only when its command has ended.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::BoxFuture;
use serde_json::json;
use tokio::time::Instant;

use super::lists::API;
use super::wire::{Executed, Seen};
use crate::http::api::{ApiError, Call, Client, Sent};
use crate::id::{AgentId, Name};
use crate::provider::RunError;
use crate::provider::link::run_error;
use crate::provider::queued::{Looked, NotPosted, Queue, Settings};
use crate::session::envelope::{CommandText, Sizes};
use crate::session::script::Platform;

/// Runs a program: its name, three exclamation marks, its arguments.
const RUN: &str = "2";
/// Switches the agent to frequent check-ins; the parameter 1 means on.
const FAST_TALK: &str = "35";
/// The longest command. Windows starts no program with more than 32,767 characters.
const LONGEST: usize = 30_000;
/// The longest output that is relied on; how much the server keeps is not documented.
const OUTPUT: usize = 30_000;
/// The shortest time between two looks.
const PACE: Duration = Duration::from_secs(2);
/// How long it is believed that a computer is where it was last seen.
const BELIEVED: Duration = Duration::from_mins(1);
/// How long an agent is believed to check in often after it was asked to.
const HURRIES: Duration = Duration::from_mins(10);
/// How many commands of one computer are watched at most.
const WATCHED: usize = 40;

/// How bundles go through a link.
pub(super) fn desk(name: Name, pickup: Duration, secrets: bool) -> Settings {
    Settings { name, sizes: Sizes { longest: LONGEST, answer: OUTPUT }, pickup, pace: PACE, secrets }
}

/// The commands that were left, by computer.
#[derive(Debug)]
pub(super) struct Commands {
    name: Name,
    client: Client,
    left: Mutex<BTreeMap<AgentId, Left>>,
}

/// What was left for one computer.
#[derive(Debug, Default, Clone)]
struct Left {
    /// Commands that have not ended.
    open: BTreeSet<u64>,
    /// There may be commands of ours whose numbers are not known.
    is_uncertain: bool,
    /// The agent checks in often, as the server says.
    is_fast: bool,
    /// When it was asked to.
    hurried: Option<Instant>,
    /// When it was last asked whether it is online.
    seen: Option<Instant>,
}

impl Left {
    fn hurries(&self) -> bool {
        self.is_fast || self.hurried.is_some_and(|since| since.elapsed() < HURRIES)
    }
}

impl Commands {
    pub(super) fn new(name: Name, client: Client) -> Self {
        Self { name, client, left: Mutex::default() }
    }

    fn left(&self) -> MutexGuard<'_, BTreeMap<AgentId, Left>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of(&self, agent: &AgentId) -> Left {
        self.left().get(agent).cloned().unwrap_or_default()
    }

    fn change(&self, agent: &AgentId, change: impl FnOnce(&mut Left)) {
        change(self.left().entry(agent.clone()).or_default());
    }

    fn failed(&self, error: &ApiError) -> NotPosted {
        NotPosted { error: run_error(&self.name, error), is_maybe: error.sent == Sent::Maybe }
    }

    async fn execute(&self, agent: &AgentId, command: &str, parameter: &str) -> Result<Executed, ApiError> {
        let computer: serde_json::Value =
            agent.as_str().parse::<u64>().map_or_else(|_| json!(agent.as_str()), |number| json!(number));
        let body = json!({ "ComputerId": computer, "Command": { "Id": command }, "Parameters": [parameter] });
        let call = Call::post("the command to a computer").at(API).at("Computers").part(agent.as_str());
        self.client.json(&call.at("CommandExecute").json(body).private()).await
    }

    /// Has the agent check in often. Without it a command takes minutes, which is slower and no failure.
    async fn hurry(&self, agent: &AgentId) {
        match self.execute(agent, FAST_TALK, "1").await {
            Ok(_) => self.change(agent, |left| left.hurried = Some(Instant::now())),
            Err(error) => {
                tracing::debug!(agent = agent.as_str(), %error, "the agent is not asked to check in often");
            }
        }
    }

    async fn online(&self, agent: &AgentId) -> Result<Option<bool>, NotPosted> {
        let call = Call::get("the state of a computer").at(API).at("Computers").query("ids", agent.as_str());
        let call = call.query("includeFields", "Id,Status,IsFasTalk").query("pageSize", 1);
        let seen: Vec<Seen> = self.client.json(&call).await.map_err(|error| self.failed(&error))?;
        let Some(seen) = seen.into_iter().find(|seen| seen.id == agent.as_str()) else {
            let message = format!("{} has no computer {agent}", self.name);
            return Err(NotPosted { error: RunError::Refused { message, help: None }, is_maybe: false });
        };
        self.change(agent, |left| {
            left.seen = Some(Instant::now());
            left.is_fast = seen.is_fas_talk == Some(true);
        });
        Ok(match seen.status.trim().to_ascii_lowercase().as_str() {
            "online" => Some(true),
            "offline" => Some(false),
            _ => None,
        })
    }

    async fn outputs(&self, agent: &AgentId, left: &Left) -> Result<Vec<(String, String)>, ApiError> {
        let below = |name: &str, path| Call::get(name).at(API).at("Computers").part(agent.as_str()).at(path);
        let mut outputs = Vec::new();
        if !left.open.is_empty() {
            let ids: Vec<String> = left.open.iter().map(u64::to_string).collect();
            let call = below("the results of commands", "CommandExecute").query("ids", ids.join(","));
            let found: Vec<Executed> = self.client.json(&call.query("pageSize", 1000)).await?;
            for executed in found.into_iter().filter(Executed::has_ended) {
                self.change(agent, |left| _ = left.open.remove(&executed.id));
                outputs.push((format!("command {}", executed.id), executed.output));
            }
        }
        if left.is_uncertain {
            let call = below("the history of commands", "CommandHistory").query("orderBy", "Id desc");
            let found = self.client.json(&call.query("pageSize", 20).query("page", 1)).await;
            let found: Vec<Executed> = match found {
                // What commands brought that are not open any more is not to be had again.
                Err(_) if !outputs.is_empty() => Vec::new(),
                found => found?,
            };
            let ended = found.into_iter().filter(Executed::has_ended);
            outputs.extend(ended.map(|executed| (format!("history {}", executed.id), executed.output)));
        }
        Ok(outputs)
    }
}

impl Queue for Commands {
    fn post<'a>(
        &'a self,
        agent: &'a AgentId,
        command: &'a CommandText,
        _: Duration,
    ) -> BoxFuture<'a, Result<(), NotPosted>> {
        Box::pin(async move {
            let Some(parameter) = parameter(command.platform, command.text.expose()) else {
                let error = RunError::Nonsense("the command cannot be written as an argument".to_owned());
                return Err(NotPosted { error, is_maybe: false });
            };
            if !self.of(agent).hurries() {
                self.hurry(agent).await;
            }
            match self.execute(agent, RUN, &parameter).await {
                Ok(executed) => {
                    self.change(agent, |left| {
                        left.open.insert(executed.id);
                        while left.open.len() > WATCHED {
                            left.open.pop_first();
                        }
                    });
                    Ok(())
                }
                Err(error) => {
                    self.change(agent, |left| left.is_uncertain |= error.sent == Sent::Maybe);
                    Err(self.failed(&error))
                }
            }
        })
    }

    fn look<'a>(&'a self, agent: &'a AgentId) -> BoxFuture<'a, Result<Looked, NotPosted>> {
        Box::pin(async move {
            let left = self.of(agent);
            let is_waiting = !left.open.is_empty() || left.is_uncertain;
            let is_old = left.seen.is_none_or(|seen| seen.elapsed() > BELIEVED);
            let is_online = if is_old || !is_waiting { self.online(agent).await? } else { None };
            let outputs = self.outputs(agent, &left).await.map_err(|error| self.failed(&error))?;
            Ok(Looked { is_online, outputs })
        })
    }
}

/// The parameter of command 2 that has a shell read a text; `None` when the text cannot stand in one.
///
/// What a POSIX agent does with quotes is not documented, so there are none within the argument: the text travels in base64.
fn parameter(platform: Platform, text: &str) -> Option<String> {
    match platform {
        Platform::Windows => {
            let text = text.trim_end();
            let fits = !text.contains(['"', '\n', '\r']) && !text.contains("!!!");
            fits.then(|| format!("powershell.exe!!! -NoLogo -NoProfile -NonInteractive -ExecutionPolicy Bypass -Command \"{text}\""))
        }
        Platform::Posix => {
            let coded = STANDARD.encode(text);
            Some(format!("/bin/sh!!! -c \"echo {coded} | (base64 -d || base64 -D) | sh\""))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_becomes_one_argument() {
        let windows = parameter(Platform::Windows, "& { 'a' }").unwrap();
        assert_eq!(
            windows,
            "powershell.exe!!! -NoLogo -NoProfile -NonInteractive -ExecutionPolicy Bypass -Command \"& { 'a' }\""
        );
        for bad in ["say \"x\"", "a\nb", "wow!!!!"] {
            assert_eq!(parameter(Platform::Windows, bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_sent_to_computers_fits() {
        use crate::session::envelope::{OrderId, ask};

        for platform in [Platform::Windows, Platform::Posix] {
            let sizes = Sizes { longest: LONGEST, answer: OUTPUT };
            let command = ask(platform, &OrderId::new("x"), 1, &sizes);
            assert!(parameter(platform, command.text.expose()).is_some(), "{platform:?}");
        }
    }

    #[test]
    fn a_posix_text_comes_out_of_the_shell_as_it_went_in() {
        let text = "printf '%s' \"$((6 * 7)) ! \\\\ %d\"\n";
        let parameter = parameter(Platform::Posix, text).unwrap();
        let (program, argument) = parameter.split_once("!!! -c ").unwrap();
        let output =
            std::process::Command::new(program).arg("-c").arg(argument.trim_matches('"')).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "42 ! \\ %d");
    }
}
