//! Automation of RMM: scripts, tasks for endpoints, and their results.
//!
//! Invariants: a task for an endpoint that is off stays open until it comes. A result stands under its endpoint, with the
//! output behind a fixed lead-in. There is no way to make a script here: one is run that exists, with parameters.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use muster::session::script::Platform;
use serde_json::{Value, json};

use super::Rmm;
use crate::clock;
use crate::faults::What;
use crate::fleet::{RmmScript, System};
use crate::ids;
use crate::journal::Entry;
use crate::machine::{Ended, Order, Shell};
use crate::wire::{Reply, Request};
use crate::world::{Agent, guard};

/// The built-in script that runs its parameter `body` in PowerShell.
const CUSTOM: &str = "51a74346-e19b-11e7-9809-0800279505d9";

/// How long a script may take that does not say.
const LIMIT: u64 = 300;

/// Tasks by id.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    known: Mutex<BTreeMap<String, Task>>,
}

#[derive(Debug)]
struct Task {
    name: String,
    template: String,
    instance: String,
    made: Timestamp,
    /// By endpoint, in their order.
    targets: BTreeMap<String, Target>,
}

#[derive(Debug, Clone, Default)]
struct Target {
    status: &'static str,
    output: String,
    error: String,
    at: Option<Timestamp>,
}

fn refused(status: u16, message: &str) -> Reply {
    Reply::status_json(status, &json!({ "message": message, "code": status.to_string() }))
}

impl Rmm {
    fn scripts(&self) -> Vec<RmmScript> {
        let custom = RmmScript {
            id: CUSTOM.to_owned(),
            name: "Custom PowerShell Script".to_owned(),
            engine: "powershell".to_owned(),
            text: None,
        };
        std::iter::once(custom).chain(self.world.fleet.rmm.scripts.iter().cloned()).collect()
    }

    /// `GET /automation/scripts`.
    pub(super) fn script_list(&self) -> Reply {
        let at = clock::whole(self.world.started);
        let one = |script: RmmScript| {
            json!({
                "id": script.id, "name": script.name, "description": "", "createdAt": at, "updatedAt": at,
                "hasParameters": script.text.is_none(),
            })
        };
        Reply::json(&self.scripts().into_iter().map(one).collect::<Vec<_>>())
    }

    /// `GET /automation/shellScripts`.
    pub(super) fn templates(&self) -> Reply {
        let at = clock::whole(self.world.started);
        let schema = json!({
            "type": "object", "additionalProperties": false, "required": ["body"],
            "properties": { "body": { "type": "string" }, "expectedExecutionTimeSec": { "type": "integer" } },
        });
        let one = |script: RmmScript| {
            json!({
                "templateId": script.id, "name": script.name, "description": "", "categories": ["Custom"],
                "executorEngine": script.engine, "expectedExecutionTimeSec": LIMIT,
                "jsonSchema": if script.text.is_none() { schema.to_string() } else { "{}".to_owned() },
                "operatingSystem": {}, "hasParameters": script.text.is_none(), "createdOn": at, "updatedOn": at,
            })
        };
        let list: Vec<Value> = self.scripts().into_iter().map(one).collect();
        let count = list.len();
        Reply::json(&json!({ "Templates": list, "count": count }))
    }

    /// `POST …/schedule-tasks`, of v1 and of v2.
    pub(super) fn schedule(self: &Arc<Self>, request: &Request, v2: bool) -> Reply {
        match self.scheduled(request, v2) {
            Ok(reply) => reply,
            Err(message) => refused(400, &message),
        }
    }

    fn scheduled(self: &Arc<Self>, request: &Request, v2: bool) -> Result<Reply, String> {
        let body: Value = request.json().map_err(|_| "the body is not JSON".to_owned())?;
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
        for (name, expected) in [("targetType", "MANAGED_ENDPOINT"), ("templateType", "script")] {
            if text(name) != expected {
                return Err(format!("{name} must be {expected}"));
            }
        }
        if text("name").is_empty() {
            return Err("name is required".to_owned());
        }
        let schedule = body.get("schedule").cloned().unwrap_or_default();
        if schedule.get("regularity").and_then(Value::as_str) != Some("Immediate") {
            return Err("schedule.regularity must be Immediate".to_owned());
        }
        let script =
            self.scripts().into_iter().find(|script| script.id.eq_ignore_ascii_case(text("templateID")));
        let script = script.ok_or("the template does not exist")?;
        let parameters: Value = if v2 {
            let parameters = body.get("parameters").and_then(Value::as_str);
            serde_json::from_str(parameters.ok_or("parameters is JSON in a text")?)
                .map_err(|_| "parameters is JSON in a text".to_owned())?
        } else {
            body.get("userParameters").cloned().unwrap_or_default()
        };
        let (script_text, limit) = parameters_of(&script, &parameters)?;
        let targets = body.get("targets").and_then(Value::as_array).filter(|list| !list.is_empty());
        let targets: Vec<Arc<Agent>> = targets
            .ok_or("targets is required")?
            .iter()
            .map(|id| id.as_str().and_then(|id| self.world.agent(System::Rmm, id)).cloned())
            .collect::<Option<_>>()
            .ok_or("a target does not exist")?;
        let id = uuid::Uuid::now_v7().to_string();
        let now = self.world.server_now();
        let open = Target { status: "PENDING", ..Target::default() };
        let task = Task {
            name: text("name").to_owned(),
            template: script.id.clone(),
            instance: ids::guid("instance", &id),
            made: now,
            targets: targets.iter().map(|agent| (agent.id.clone(), open.clone())).collect(),
        };
        guard(&self.tasks.known).insert(id.clone(), task);
        for agent in targets {
            self.world.journal.add(Entry::Command {
                system: System::Rmm,
                agent: agent.id.clone(),
                id: id.clone(),
                bytes: script_text.len(),
            });
            let (rmm, of, task) = (Arc::clone(self), Arc::clone(&agent), id.clone());
            let (script, text) = (script.clone(), script_text.clone());
            let work = async move { rmm.run(&of, &task, &script, text, limit).await };
            self.world.queue(&agent, Box::pin(work));
        }
        let at = clock::whole(now);
        Ok(Reply::status_json(
            201,
            &json!({
                "taskId": id, "templateID": script.id, "name": text("name"), "templateType": "script",
                "createdOn": at, "modifiedOn": at, "stateToBeSubmitted": "PENDING",
            }),
        ))
    }

    fn set(&self, task: &str, endpoint: &str, change: impl FnOnce(&mut Target)) {
        let mut known = guard(&self.tasks.known);
        if let Some(target) = known.get_mut(task).and_then(|task| task.targets.get_mut(endpoint)) {
            change(target);
        }
    }

    async fn run(&self, agent: &Agent, task: &str, script: &RmmScript, text: String, limit: Duration) {
        tokio::time::sleep(Duration::from_millis(self.world.fleet.rmm.task_delay_ms)).await;
        self.set(task, &agent.id, |target| target.status = "RUNNING");
        let computer = self.world.computer(agent);
        let windows = computer.is_some_and(|one| one.platform() == Platform::Windows);
        let name = computer.map(|one| one.name.clone()).unwrap_or_default();
        let shell = match script.engine.as_str() {
            "powershell" => Shell::Powershell,
            "cmd" => Shell::Cmd,
            _ => Shell::Sh,
        };
        let (status, output, error) = if windows && shell == Shell::Sh {
            ("FAILED", String::new(), "The script does not fit the operating system".to_owned())
        } else {
            let order = Order { id: task.to_owned(), shell, text, limit, merged: false };
            let outcome = self.world.run(agent, order).await;
            match outcome.ended {
                Ended::Exit(0) => {
                    ("SUCCESS", format!("Script Succeeded: {}", outcome.stdout), outcome.stderr)
                }
                Ended::Exit(code) => {
                    let error = format!("Script exited with code {code}: {}", outcome.stderr);
                    ("FAILED", format!("Script Failed: {}", outcome.stdout), error)
                }
                Ended::Killed => ("FAILED", String::new(), "Script execution timed out".to_owned()),
                Ended::NotStarted(why) => ("FAILED", String::new(), why),
            }
        };
        let rule = self.world.dice.output(System::Rmm, &agent.id, &name);
        if let Some(rule) = &rule {
            let fault = rule.what;
            self.world.journal.add(Entry::Output { system: System::Rmm, computer: name, fault });
        }
        let output = match rule {
            // The result never comes, and the task stays open.
            Some(rule) if rule.what == What::LoseOutput => return,
            Some(rule) if rule.what == What::LateOutput => {
                tokio::time::sleep(rule.delay()).await;
                output
            }
            Some(rule) if rule.what == What::CutOutput => {
                let length = output.chars().count();
                output.chars().take(rule.cut(length)).collect()
            }
            Some(rule) if rule.what == What::DuplicateOutput => format!("{output}{output}"),
            _ => output,
        };
        let at = Some(self.world.server_now());
        self.set(task, &agent.id, |target| *target = Target { status, output, error, at });
    }

    /// `GET …/instances/summary`.
    pub(super) fn summary(&self, task: &str) -> Reply {
        let known = guard(&self.tasks.known);
        let Some(task) = known.get(&task.to_lowercase()) else {
            return refused(404, "the task does not exist");
        };
        let count = |status: &str| task.targets.values().filter(|target| target.status == status).count();
        let (pending, running, good, bad) =
            (count("PENDING"), count("RUNNING"), count("SUCCESS"), count("FAILED"));
        let all = task.targets.len();
        let status = if pending == all {
            "PENDING"
        } else if pending + running > 0 {
            "RUNNING"
        } else if good == all {
            "SUCCESS"
        } else if bad == all {
            "FAILED"
        } else {
            "PARTIAL_SUCCESS"
        };
        let mut instance = json!({
            "taskInstanceId": task.instance, "OverallStatus": status, "ExecutedOn": clock::whole(task.made),
        });
        let done = task.targets.values().filter_map(|target| target.at).max();
        if let (Some(at), Some(instance), 0) = (done, instance.as_object_mut(), pending + running) {
            instance.insert("CompletedOn".to_owned(), clock::whole(at).into());
        }
        Reply::json(&json!({
            "taskName": task.name, "templateId": task.template, "Results": [instance], "runningCount": running,
            "waitingCount": pending, "scheduledCount": 0, "successCount": good, "failedCount": bad,
        }))
    }

    /// `GET …/instances/{instance}/results`.
    pub(super) fn results(&self, id: &str, instance: &str) -> Reply {
        let known = guard(&self.tasks.known);
        let task = known.get(&id.to_lowercase()).filter(|task| task.instance.eq_ignore_ascii_case(instance));
        let Some(task) = task else { return refused(404, "the task instance does not exist") };
        let done = task.targets.iter().filter_map(|(endpoint, target)| Some((endpoint, target, target.at?)));
        let list: Vec<Value> = done
            .map(|(endpoint, target, at)| {
                json!({
                    "taskId": id, "taskInstanceId": instance, "endpointId": endpoint,
                    "executionTime": clock::whole(at), "createdOn": clock::whole(task.made),
                    "errorDetails": target.error, "resultDetails": target.output,
                    "completionStatus": target.status, "executionContext": "Not Applicable",
                })
            })
            .collect();
        let count = list.len();
        Reply::json(&json!({ "Result": list, "Count": count }))
    }
}

/// The text that a script runs with these parameters, and how long it may take.
fn parameters_of(script: &RmmScript, parameters: &Value) -> Result<(String, Duration), String> {
    let known = ["body", "expectedExecutionTimeSec"];
    let given = parameters.as_object().cloned().unwrap_or_default();
    if let Some(unknown) = given.keys().find(|name| script.text.is_some() || !known.contains(&name.as_str()))
    {
        return Err(format!("additional property {unknown} is not allowed"));
    }
    let limit = match given.get("expectedExecutionTimeSec") {
        Some(value) => value.as_u64().ok_or("expectedExecutionTimeSec is a number")?,
        None => LIMIT,
    };
    let text = match &script.text {
        Some(text) => text.clone(),
        None => given.get("body").and_then(Value::as_str).ok_or("body is required")?.to_owned(),
    };
    Ok((text, Duration::from_secs(limit)))
}
