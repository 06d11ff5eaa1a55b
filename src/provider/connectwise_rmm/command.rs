//! Scripts on computers through ConnectWise RMM: a task with a template that runs the text it is given.
//!
//! Not here: what is run (`session::envelope`), and when it is sent again (`provider::queued`).
//!
//! Invariants: a script's text stands in no error; a run counts only when it has ended, and words that nobody has seen yet mean that it
//! has not. A task whose number got lost cannot be found again; its answer is asked for by another one. What one task answered is not lost when
//! another cannot be looked at.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::lists::{self, Found};
use super::read::{has_ended, output};
use super::wire::{Results, Summary, Task};
use crate::config::kind::RmmTemplates;
use crate::http::api::{ApiError, Call, Client, Fault, Sent};
use crate::id::{AgentId, Name};
use crate::provider::RunError;
use crate::provider::link::run_error;
use crate::provider::queued::{Looked, NotPosted, Queue, Settings};
use crate::session::envelope::{CommandText, Sizes};
use crate::session::script::Platform;

/// The template for PowerShell that every account has.
pub(super) const POWERSHELL: &str = "51a74346-e19b-11e7-9809-0800279505d9";
/// The longest script; no limit is documented.
const LONGEST: usize = 30_000;
/// The longest output that is relied on; no limit is documented.
const OUTPUT: usize = 20_000;
/// The shortest time between two looks.
const PACE: Duration = Duration::from_secs(3);
/// How long it is believed who is online.
const BELIEVED: Duration = Duration::from_mins(1);
/// How many tasks of one computer are watched at most.
const WATCHED: usize = 40;

/// How bundles go through a link.
pub(super) fn desk(name: Name, pickup: Duration, secrets: bool) -> Settings {
    Settings { name, sizes: Sizes { longest: LONGEST, answer: OUTPUT }, pickup, pace: PACE, secrets }
}

/// When a company's heartbeats were read, and who of its endpoints was online.
type Presences = (Instant, BTreeMap<String, bool>);

/// A task whose end is waited for.
#[derive(Debug, Clone)]
struct Open {
    task: String,
    /// Nobody waits for it after this.
    until: Instant,
}

/// The tasks that were made, by computer.
#[derive(Debug)]
pub(super) struct Tasks {
    name: Name,
    client: Client,
    templates: RmmTemplates,
    /// How long a computer may take to begin.
    pickup: Duration,
    /// Whether the first version of the call is not there.
    is_second: Mutex<bool>,
    /// The oldest first.
    open: Mutex<BTreeMap<AgentId, VecDeque<Open>>>,
    companies: Mutex<BTreeMap<AgentId, String>>,
    online: Mutex<BTreeMap<String, Presences>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Tasks {
    pub(super) fn new(name: Name, client: Client, templates: RmmTemplates, pickup: Duration) -> Self {
        Self {
            name,
            client,
            templates,
            pickup,
            is_second: Mutex::default(),
            open: Mutex::default(),
            companies: Mutex::default(),
            online: Mutex::default(),
        }
    }

    /// Notes whose an endpoint is, from a list.
    pub(super) fn belongs(&self, agent: &AgentId, company: &str) {
        locked(&self.companies).insert(agent.clone(), company.to_owned());
    }

    fn failed(&self, error: &ApiError) -> NotPosted {
        NotPosted { error: run_error(&self.name, error), is_maybe: error.sent == Sent::Maybe }
    }

    fn refused(message: String, help: Option<String>) -> NotPosted {
        NotPosted { error: RunError::Refused { message, help }, is_maybe: false }
    }

    /// The script that runs a text on a platform.
    pub(super) fn template(&self, platform: Platform) -> Option<&str> {
        match platform {
            Platform::Windows => Some(self.templates.windows.as_deref().unwrap_or(POWERSHELL)),
            Platform::Posix => self.templates.posix.as_deref(),
        }
    }

    async fn schedule(
        &self,
        agent: &AgentId,
        template: &str,
        text: &str,
        seconds: u64,
    ) -> Result<String, ApiError> {
        let first = !*locked(&self.is_second);
        if first {
            match self.schedule_by(1, agent, template, text, seconds).await {
                Err(error) if matches!(error.status(), Some(404 | 405)) => *locked(&self.is_second) = true,
                other => return other,
            }
        }
        self.schedule_by(2, agent, template, text, seconds).await
    }

    async fn schedule_by(
        &self,
        version: u8,
        agent: &AgentId,
        template: &str,
        text: &str,
        seconds: u64,
    ) -> Result<String, ApiError> {
        const NAME: &str = "the task for a computer";
        let path = format!("api/platform/v{version}/automation/endpoints/schedule-tasks");
        let call = Call::post(NAME).at(&path).json(task(version, agent, template, text, seconds)).private();
        let task: Task = self.client.json(&call).await?;
        task.into_id().ok_or_else(|| {
            let why = "there is no taskId".to_owned();
            ApiError::answered(NAME, Fault::Unexpected { path: "$".to_owned(), why })
        })
    }

    /// Waits for the end of a task that may run so long.
    fn watch(&self, agent: &AgentId, task: String, limit: Duration) {
        let mut open = locked(&self.open);
        let own = open.entry(agent.clone()).or_default();
        own.push_back(Open { task, until: Instant::now() + self.pickup + limit });
        while own.len() > WATCHED {
            own.pop_front();
        }
    }

    /// Waits for a task no longer.
    fn leave(&self, agent: &AgentId, task: &str) {
        if let Some(own) = locked(&self.open).get_mut(agent) {
            own.retain(|open| open.task != task);
        }
    }

    /// The tasks of an agent whose end is waited for, the newest first.
    fn watched(&self, agent: &AgentId) -> Vec<String> {
        let now = Instant::now();
        let mut open = locked(&self.open);
        let Some(own) = open.get_mut(agent) else { return Vec::new() };
        own.retain(|open| now < open.until);
        own.iter().rev().map(|open| open.task.clone()).collect()
    }

    /// Whether an endpoint is online, by the heartbeats of its company.
    async fn is_online(&self, found: &Found, agent: &AgentId) -> Result<Option<bool>, NotPosted> {
        let known = locked(&self.companies).get(agent).cloned();
        let company = if known.is_some() {
            known
        } else {
            let device =
                lists::device(&self.client, agent.as_str()).await.map_err(|error| self.failed(&error))?;
            let Some(device) = device else {
                return Err(Self::refused(format!("{} has no endpoint {agent}", self.name), None));
            };
            device.company
        };
        let Some(company) = company else { return Ok(None) };
        self.belongs(agent, &company);
        let fresh = locked(&self.online)
            .get(&company)
            .filter(|(since, _)| since.elapsed() < BELIEVED)
            .map(|(_, online)| online.get(agent.as_str()).copied());
        if let Some(is_online) = fresh {
            return Ok(is_online);
        }
        match lists::heartbeats(&self.client, found, std::slice::from_ref(&company)).await {
            Ok(online) => {
                let is_online = online.get(agent.as_str()).copied();
                locked(&self.online).insert(company, (Instant::now(), online));
                Ok(is_online)
            }
            Err(error) => {
                tracing::debug!(%error, "who is online is not known");
                Ok(None)
            }
        }
    }

    /// The output of a task on a computer, when it has ended there.
    async fn ended(&self, agent: &AgentId, task: &str) -> Result<Option<String>, ApiError> {
        let below =
            |name: &str| Call::get(name).at("api/platform/v1/automation/tasks").part(task).at("instances");
        let summary: Summary = self.client.json(&below("the state of a task").at("summary")).await?;
        let instances = summary.into_instances();
        let over = instances.iter().filter(|instance| has_ended(instance.status()));
        for instance in over.filter_map(|instance| instance.id()) {
            let call = below("the results of a task").part(instance).at("results");
            let results: Results = self.client.json(&call).await?;
            let is_own = |id: Option<&str>| id.is_none_or(|id| id.eq_ignore_ascii_case(agent.as_str()));
            let own = results.results.iter().find(|result| is_own(result.endpoint_id.as_deref()));
            if let Some(result) = own.filter(|result| has_ended(&result.completion_status)) {
                return Ok(Some(output(result)));
            }
        }
        Ok(None)
    }
}

/// A task for one computer.
fn task(version: u8, agent: &AgentId, template: &str, text: &str, seconds: u64) -> Value {
    let parameters = json!({ "body": text, "expectedExecutionTimeSec": seconds });
    let mut task = json!({
        "name": "Muster", "description": "Muster", "targets": [agent.as_str()], "targetType": "MANAGED_ENDPOINT",
        "resourcesType": "Both", "templateID": template, "templateType": "script",
        "schedule": { "regularity": "Immediate", "category": "STZ", "scheduleType": "TIME" },
    });
    if let Some(task) = task.as_object_mut() {
        if version == 1 {
            task.insert("userParameters".to_owned(), parameters);
        } else {
            task.insert("parameters".to_owned(), json!(parameters.to_string()));
        }
    }
    task
}

/// The tasks with what was found out about the server.
#[derive(Debug)]
pub(super) struct Commands {
    pub(super) tasks: Tasks,
    pub(super) found: Found,
}

impl Queue for Commands {
    fn post<'a>(
        &'a self,
        agent: &'a AgentId,
        command: &'a CommandText,
        limit: Duration,
    ) -> BoxFuture<'a, Result<(), NotPosted>> {
        Box::pin(async move {
            let tasks = &self.tasks;
            let Some(template) = tasks.template(command.platform) else {
                let name = &tasks.name;
                return Err(Tasks::refused(
                    format!("{name} has no script that runs commands on Linux and macOS"),
                    Some(format!(
                        "make a script with the parameter `body` in ConnectWise RMM and set `templates.posix` of the provider {name} to its id"
                    )),
                ));
            };
            match tasks.schedule(agent, template, command.text.expose(), limit.as_secs().max(1)).await {
                Ok(task) => {
                    tasks.watch(agent, task, limit);
                    Ok(())
                }
                Err(error) => Err(tasks.failed(&error)),
            }
        })
    }

    fn look<'a>(&'a self, agent: &'a AgentId) -> BoxFuture<'a, Result<Looked, NotPosted>> {
        Box::pin(async move {
            let tasks = &self.tasks;
            let open = tasks.watched(agent);
            let is_online = if open.is_empty() { tasks.is_online(&self.found, agent).await? } else { None };
            let looks = open.iter().map(|task| tasks.ended(agent, task));
            let mut outputs = Vec::new();
            let mut failed = None;
            for (task, ended) in open.iter().zip(join_all(looks).await) {
                match ended {
                    Ok(Some(output)) => {
                        tasks.leave(agent, task);
                        outputs.push((format!("task {task}"), output));
                    }
                    Ok(None) => {}
                    Err(error) => failed = failed.or(Some(error)),
                }
            }
            match failed {
                Some(error) if outputs.is_empty() => Err(tasks.failed(&error)),
                _ => Ok(Looked { is_online, outputs }),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_written_as_each_version_wants_it() {
        let task = |version| task(version, &AgentId::new("e1"), POWERSHELL, "a \"b\"", 300);
        let (first, second) = (task(1), task(2));
        assert_eq!(first["userParameters"], json!({ "body": "a \"b\"", "expectedExecutionTimeSec": 300 }));
        assert_eq!(second["parameters"], r#"{"body":"a \"b\"","expectedExecutionTimeSec":300}"#);
        assert!(first.get("parameters").is_none() && second.get("userParameters").is_none());
        assert_eq!(first["targets"], json!(["e1"]));
        assert_eq!(first["schedule"]["regularity"], "Immediate");
    }
}
