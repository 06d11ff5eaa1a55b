//! Scripts of Automate: what is known of them, starting one, what runs and what has run.
//!
//! Not here: what a script changes (`care`).
//!
//! Invariants: a start gives no number; what one computer refuses stands within an answer of 200. Scripts run on the server,
//! beside what the agent does. A start that repeats another one starts the script again.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::command::number;
use super::{Automate, error, member};
use crate::clock;
use crate::fleet::{AutomateScript, AutomateWork, System};
use crate::journal::Entry;
use crate::wire::{Reply, Request};
use crate::world::{Agent, guard};

/// How long maintenance lasts where nobody says, in minutes.
const HOUR: u32 = 60;

/// The members that a start may have.
const MEMBERS: &[&str] = &[
    "EntityType",
    "EntityIds",
    "ScriptId",
    "ScriptGuid",
    "Schedule",
    "Parameters",
    "UseAgentTime",
    "StartDate",
    "ExpireDate",
    "OfflineActionFlags",
    "DistributionWindow",
    "Priority",
    "IncludeSubGroups",
];

/// Scripts that were started, in their order.
#[derive(Debug, Default)]
pub(super) struct Scripts {
    started: Mutex<Vec<Started>>,
}

#[derive(Debug, Clone)]
struct Started {
    agent: String,
    script: u32,
    name: String,
    began: Timestamp,
    /// When it ended, and whether it did what it does.
    ended: Option<(Timestamp, bool)>,
}

impl Automate {
    /// `GET /Scripts`.
    pub(super) fn scripts(&self) -> Vec<Value> {
        if self.denied("Scripts.Read").is_some() {
            return Vec::new();
        }
        let one = |script: &AutomateScript| {
            json!({
                "Id": script.id.to_string(), "Name": script.name, "Comments": "", "IsComputerScript": true,
                "IsLocationScript": false, "IsMaintenanceScript": false, "IsOffline": false, "Version": 1,
                "Parameters": script.parameters, "FullFolderPath": "Scripts", "Permission": [], "EditPermission": [],
            })
        };
        self.world.fleet.automate.scripts.iter().map(one).collect()
    }

    /// `POST /Batch/ScriptSchedule` and `POST /Batch/ScriptExecute`: once, at once, for computers.
    pub(super) fn start_script(self: &Arc<Self>, request: &Request) -> Reply {
        if let Some(denied) = self.denied("Scripts.Schedule Scripts") {
            return denied;
        }
        let Ok(body) = request.json::<Value>() else { return error(400, "The request is invalid.") };
        let known = |name: &String| MEMBERS.iter().any(|known| known.eq_ignore_ascii_case(name));
        if !body.as_object().is_some_and(|body| body.keys().all(known)) {
            return error(400, "The request has a member that is not known.");
        }
        let kind = member(&body, "EntityType");
        if kind != 1 && !kind.as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("Computer")) {
            return error(400, "The entity type is not supported.");
        }
        let ids: Option<Vec<u32>> =
            member(&body, "EntityIds").as_array().and_then(|ids| ids.iter().map(number).collect());
        let Some(ids) = ids.filter(|ids| !ids.is_empty()) else {
            return error(400, "EntityIds are required, and are numbers.");
        };
        let frequency = member(&member(&body, "Schedule"), "ScriptScheduleFrequency");
        if number(&member(&frequency, "ScriptScheduleFrequencyId")) != Some(1) {
            return error(400, "The schedule is not supported.");
        }
        let id = number(&member(&body, "ScriptId"));
        let Some(script) = self.world.fleet.automate.scripts.iter().find(|script| Some(script.id) == id)
        else {
            return error(404, "The script does not exist.");
        };
        let given = member(&body, "Parameters");
        let given: Vec<(String, String)> = given
            .as_array()
            .into_iter()
            .flatten()
            .map(|one| (text(&member(one, "Key")), text(&member(one, "Value"))))
            .collect();
        if let Some((key, _)) = given
            .iter()
            .find(|(key, _)| !script.parameters.iter().any(|known| known.eq_ignore_ascii_case(key)))
        {
            return error(400, &format!("The script has no parameter {key}."));
        }
        let flags = member(&body, "OfflineActionFlags");
        let skips = member(&flags, "SkipsOfflineAgents") == true;
        let results: Vec<Value> = ids.iter().map(|id| self.start_one(*id, script, &given, skips)).collect();
        let failed = results.iter().any(|result| result["ResultDetails"]["ResultStatus"] != 0);
        Reply::json(&json!({ "ScriptResults": results, "ContainsUnsuccessfulResults": failed }))
    }

    /// Starts a script on one computer, and says how that went.
    fn start_one(
        self: &Arc<Self>,
        id: u32,
        script: &AutomateScript,
        given: &[(String, String)],
        skips: bool,
    ) -> Value {
        let agent =
            self.world.agent(System::Automate, &id.to_string()).filter(|agent| !self.is_retired(agent));
        let why = match agent {
            None => "The computer does not exist.",
            Some(agent) if skips && !self.world.is_online(agent) => "The computer is offline.",
            Some(agent) => {
                let minutes = given.iter().find(|(key, _)| key.eq_ignore_ascii_case("Minutes"));
                let minutes = minutes.and_then(|(_, value)| value.trim().parse().ok()).unwrap_or(HOUR);
                let at = self.started(agent, script);
                let (automate, agent, script) = (Arc::clone(self), Arc::clone(agent), script.clone());
                tokio::spawn(async move { automate.run_script(at, &agent, &script, minutes).await });
                ""
            }
        };
        let status = i32::from(!why.is_empty());
        json!({
            "EntityId": id,
            "ResultDetails": { "ResultStatus": status, "ReasonCode": status, "Message": why },
        })
    }

    /// Writes down that a script was started, before the answer leaves.
    fn started(&self, agent: &Agent, script: &AutomateScript) -> usize {
        let mut started = guard(&self.scripts.started);
        started.push(Started {
            agent: agent.id.clone(),
            script: script.id,
            name: script.name.clone(),
            began: self.world.server_now(),
            ended: None,
        });
        started.len() - 1
    }

    async fn run_script(&self, at: usize, agent: &Agent, script: &AutomateScript, minutes: u32) {
        tokio::time::sleep(Duration::from_millis(self.world.fleet.automate.script_delay_ms)).await;
        match script.does {
            AutomateWork::Nothing | AutomateWork::Fail => {}
            AutomateWork::BeginMaintenance => self.begin_maintenance(agent, minutes),
            AutomateWork::EndMaintenance => self.end_maintenance(agent),
        }
        let succeeded = script.does != AutomateWork::Fail;
        if let Some(started) = guard(&self.scripts.started).get_mut(at) {
            started.ended = Some((self.world.server_now(), succeeded));
        }
        self.world.journal.add(Entry::Script {
            system: System::Automate,
            computer: self.world.computer(agent).map(|one| one.name.clone()).unwrap_or_default(),
            script: script.name.clone(),
            succeeded,
        });
    }

    /// `GET /Computers/{id}/RunningScripts` and `GET /Scripting/RunningScripts`.
    pub(super) fn running_scripts(&self, agent: Option<&Agent>) -> Vec<Value> {
        let started = guard(&self.scripts.started);
        let is_it = |one: &Started| one.ended.is_none() && agent.is_none_or(|agent| agent.id == one.agent);
        let rows = (1_u32..).zip(started.iter()).filter(|(_, one)| is_it(one));
        rows.map(|(id, one)| {
            json!({
                "Id": id, "ScriptId": one.script, "ComputerId": one.agent.parse::<u32>().unwrap_or_default(),
                "Name": one.name, "Status": "Running", "StartDate": clock::whole(one.began),
            })
        })
        .collect()
    }

    /// `GET /Computers/{id}/ScriptHistory`.
    pub(super) fn script_history(&self, agent: &Agent) -> Vec<Value> {
        let started = guard(&self.scripts.started);
        let rows = (1_u32..).zip(started.iter()).filter(|(_, one)| one.agent == agent.id);
        rows.filter_map(|(id, one)| {
            let (at, succeeded) = one.ended?;
            Some(json!({
                "Id": id, "ScriptId": one.script, "ComputerId": one.agent.parse::<u32>().unwrap_or_default(),
                "Name": one.name, "User": self.world.fleet.automate.user, "Status": "Completed",
                "State": if succeeded { "Success" } else { "Failure" }, "HistoryDate": clock::whole(at),
                "DiagnosticMessage": if succeeded { "" } else { "The script failed." },
            }))
        })
        .collect()
    }
}

/// A text; what is none is written as JSON.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
