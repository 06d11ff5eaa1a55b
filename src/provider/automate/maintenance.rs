//! Maintenance mode of Automate: read from its records, switched by two scripts of the server, since no call switches it.
//!
//! `GET /Computers/MaintenanceModes` and the computer's `IsMaintenanceModeEnabled` are documented, and so is starting a script
//! (`POST /Batch/ScriptSchedule`); a call that sets the mode is in no public source.
//!
//! Not here: when the mode is switched (`session::quiet`).
//!
//! Invariants: that a script was started says nothing, what is read back does; a start is never sent again, because each one runs
//! the script.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::json;
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::lists::{API, PAGE_SIZE};
use super::wire::{Mode, Quietness, ScriptStart, ServerScript};
use crate::config::kind::MaintenanceScripts;
use crate::http::api::{ApiError, Call, Client, Fault, Sent};
use crate::id::{AgentId, Name};
use crate::provider::RunError;
use crate::provider::link::run_error;
use crate::provider::maintenance::{Maintenance, MaintenanceMode};

/// How long it may take until a script has switched the mode: agents check in every few minutes.
const LIMIT: Duration = Duration::from_mins(5);
/// The first pause between two looks; each one is twice as long as the one before …
const FIRST: Duration = Duration::from_millis(500);
/// … up to this.
const PAUSE: Duration = Duration::from_secs(15);
/// The parameter that holds the minutes.
pub(super) const MINUTES: &str = "Minutes";

/// Switches the mode through the scripts that the settings name.
#[derive(Debug)]
pub(super) struct Modes {
    name: Name,
    client: Client,
    scripts: MaintenanceScripts,
    limit: Duration,
    /// The numbers of the two scripts, once they were looked up.
    numbers: OnceCell<(u64, u64)>,
}

impl Modes {
    /// `pickup`: how long a computer may take to begin with what it is sent; nothing takes longer here.
    pub(super) fn new(
        name: Name,
        client: Client,
        scripts: MaintenanceScripts,
        pickup: Duration,
    ) -> Arc<Self> {
        let limit = LIMIT.min(pickup);
        Arc::new(Self { name, client, scripts, limit, numbers: OnceCell::new() })
    }

    fn failed(&self, error: &ApiError) -> RunError {
        run_error(&self.name, error)
    }

    async fn numbers(&self) -> Result<(u64, u64), RunError> {
        let look_up = async || {
            let scripts = all(&self.client).await.map_err(|error| self.failed(&error))?;
            let number = |wanted: &str| {
                find(&scripts, wanted).map(|script| script.id).map_err(|message| RunError::Refused {
                    message: format!("{}: {message}", self.name),
                    help: Some(format!("muster doctor {}", self.name)),
                })
            };
            Ok((number(&self.scripts.begin)?, number(&self.scripts.end)?))
        };
        self.numbers.get_or_try_init(look_up).await.copied()
    }

    async fn look(&self, agent: &AgentId) -> Result<Maintenance, ApiError> {
        let call = Call::get("the maintenance mode of a computer").at(API).at("Computers");
        let call = call.query("ids", agent.as_str()).query("includeFields", "Id,IsMaintenanceModeEnabled");
        let found: Vec<Quietness> = self.client.json(&call.query("pageSize", 1)).await?;
        // An account that may not see a computer is given an empty list.
        let Some(told) = found.into_iter().find(|one| one.id == agent.as_str()) else {
            let why = format!("there is no computer {agent} for this account");
            let fault = Fault::Unexpected { path: "$".to_owned(), why };
            return Err(ApiError::answered("the maintenance mode of a computer", fault));
        };
        match told.is_maintenance_mode_enabled {
            Some(false) => Ok(Maintenance::Off),
            told => {
                let mode = self.mode(agent).await?;
                let is_on = told.unwrap_or(mode.is_some());
                let mark = mode.map(|mode| format!("{} {}", mode.time_start, mode.duration));
                Ok(if is_on { Maintenance::On { mark } } else { Maintenance::Off })
            }
        }
    }

    /// The computer's row among all modes that are on.
    async fn mode(&self, agent: &AgentId) -> Result<Option<Mode>, ApiError> {
        for page in 1.. {
            let call = Call::get("the maintenance modes").at(API).at("Computers/MaintenanceModes");
            let call = call.query("page", page).query("pageSize", PAGE_SIZE);
            let rows: Vec<Mode> = self.client.json(&call).await?;
            // A page may be shorter than it was asked for.
            let is_last = rows.is_empty();
            let own = rows.into_iter().find(|row| row.computer_id == agent.as_str());
            if own.is_some() || is_last {
                return Ok(own);
            }
        }
        Ok(None)
    }

    /// Starts the script, once. An answer that was lost is no failure: what is read back counts.
    async fn start(&self, agent: &AgentId, on: bool) -> Result<(), RunError> {
        let (begin, end) = self.numbers().await.map_err(|error| {
            // Nothing was started yet.
            if error.nothing_ran() { error } else { RunError::Unreachable(error.to_string()) }
        })?;
        let Ok(computer) = agent.as_str().parse::<u32>() else {
            let message = format!("{}: {agent} is no number of a computer", self.name);
            return Err(RunError::Refused { message, help: None });
        };
        let mut body = json!({
            "EntityType": "Computer",
            "EntityIds": [computer],
            "ScriptId": if on { begin } else { end },
            "Schedule": { "ScriptScheduleFrequency": { "ScriptScheduleFrequencyId": 1 } },
            "UseAgentTime": false,
            "StartDate": self.client.server_time().to_string(),
            "OfflineActionFlags": {
                "SkipsOfflineAgents": true, "WakesOfflineAgents": false, "OnlyRunsOnOfflineAgents": false,
            },
            "Priority": 12,
        });
        if let (true, Some(minutes), Some(body)) = (on, self.scripts.minutes, body.as_object_mut()) {
            let parameter = json!([{ "Key": MINUTES, "Value": minutes.to_string() }]);
            body.insert("Parameters".to_owned(), parameter);
        }
        let call = Call::post("the start of a script").at(API).at("Batch/ScriptSchedule").json(body);
        match self.client.json::<ScriptStart>(&call).await {
            Ok(start) => match start.refusal() {
                None => Ok(()),
                Some(why) => {
                    let message = format!("{} does not start its script: {why}", self.name);
                    Err(RunError::Refused { message, help: Some(format!("muster doctor {}", self.name)) })
                }
            },
            Err(error) if error.sent == Sent::Maybe => {
                tracing::debug!(agent = agent.as_str(), %error, "whether the script was started is seen from the mode");
                Ok(())
            }
            Err(error) => Err(self.failed(&error)),
        }
    }
}

impl MaintenanceMode for Modes {
    fn found<'a>(&'a self, agent: &'a AgentId) -> BoxFuture<'a, Result<Maintenance, RunError>> {
        Box::pin(async move { self.look(agent).await.map_err(|error| self.failed(&error)) })
    }

    fn switch<'a>(&'a self, agent: &'a AgentId, on: bool) -> BoxFuture<'a, Result<Maintenance, RunError>> {
        Box::pin(async move {
            self.start(agent, on).await?;
            let began = Instant::now();
            let mut pause = FIRST;
            loop {
                tokio::time::sleep(pause).await;
                pause = pause.saturating_mul(2).min(PAUSE);
                let looked = self.look(agent).await;
                let is_over = began.elapsed() >= self.limit;
                match looked {
                    Ok(found) if matches!(found, Maintenance::On { .. }) == on => return Ok(found),
                    Ok(_) if is_over => {
                        let (script, state) =
                            if on { (&self.scripts.begin, "on") } else { (&self.scripts.end, "off") };
                        return Err(RunError::Lost(format!(
                            "the script {script:?} of {} was started, and maintenance mode is not {state} after {} s",
                            self.name,
                            began.elapsed().as_secs(),
                        )));
                    }
                    Err(error) if is_over => return Err(RunError::Lost(error.to_string())),
                    Ok(_) | Err(_) => {}
                }
            }
        })
    }
}

/// All scripts of the server, without their texts.
pub(super) async fn all(client: &Client) -> Result<Vec<ServerScript>, ApiError> {
    let mut scripts = Vec::new();
    super::lists::each(client, &super::lists::SCRIPTS, |script| scripts.push(script)).await?;
    Ok(scripts)
}

/// The script with this number or, where there is none, this name without case and blanks around it.
pub(super) fn find<'s>(scripts: &'s [ServerScript], wanted: &str) -> Result<&'s ServerScript, String> {
    let wanted = wanted.trim();
    if let Some(script) = scripts.iter().find(|script| script.id.to_string() == wanted) {
        return Ok(script);
    }
    let mut named = scripts.iter().filter(|script| script.name.trim().eq_ignore_ascii_case(wanted));
    match (named.next(), named.next()) {
        (Some(script), None) => Ok(script),
        (None, _) => Err(format!("there is no script {wanted:?}, or the account does not see it")),
        (Some(one), Some(other)) => Err(format!(
            "several scripts are called {wanted:?}, such as the numbers {} and {}",
            one.id, other.id
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_found_by_number_or_by_a_name_that_is_one() {
        let scripts: Vec<ServerScript> = serde_json::from_str(
            r#"[{"Id":"11","Name":"Quiet "},{"Id":12,"Name":"Loud"},{"Id":"13","Name":"loud"},{"Id":"14","Name":"11"}]"#,
        )
        .unwrap();
        let found = |wanted: &str| find(&scripts, wanted).map(|script| script.id);
        assert_eq!(found("quiet"), Ok(11));
        assert_eq!(found(" 12 "), Ok(12));
        assert_eq!(found("11"), Ok(11), "a number before a name");
        assert!(found("Loud").unwrap_err().contains("12 and 13"));
        assert!(found("Silent").unwrap_err().contains("no script"));
    }
}
