//! A fleet that exists only as a model: as strict as a real one, and with faults on request.
//!
//! Not here: scripts. They are not run; what a step is for decides what it prints and changes (`answer`).
//!
//! Invariants: the model never does what a real computer could not: a bundle for another platform, for an unknown
//! computer, with a key twice, with nothing in it, or beside another one on the same computer is nonsense and says so; a
//! bundle that reads changes nothing. Every answer goes through the frame that real ones go through. The same settings
//! and the same memory give the same answers.

mod answer;
pub mod fleet;
pub mod generate;
mod memory;
pub mod model;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;

use self::answer::{Answer, Machine, looks};
use self::fleet::{Fleet, FleetComputer};
use self::generate::Maker;
use self::memory::{Line, Memory};
use super::{
    AgentRecord, Capability, Change, ClientRecord, ClientRef, Detect, JoinLink, Latency, Limits, ListAgents,
    ListClients, ListError, Presence, ProviderInfo, Reader, RunError, Writer, page,
};
use crate::config::kind::{Faults, SimulatedSpec};
use crate::id::{AgentId, Name};
use crate::inventory::relations::Belongings;
use crate::session::script::{Bundle, BundleResult, Ended, Platform, Purpose, Read, Step, StepResult, Write};
use crate::session::{bundle, frame};
use crate::time::Limit;

/// How many computers are worked on at once unless said otherwise.
const CONCURRENCY: u32 = 256;

/// How long a slow computer takes unless said otherwise.
const DELAY: Duration = Duration::from_secs(2);

/// How long each step is said to have taken.
const STEP: Duration = Duration::from_millis(1);

/// Why there is no such fleet.
#[derive(Debug, thiserror::Error)]
pub enum SimulatedError {
    /// The fleet file is wrong.
    #[error("the fleet file is wrong: {0}")]
    Fleet(String),
    /// The settings contradict themselves.
    #[error("{0}")]
    Settings(String),
    /// The memory cannot be read.
    #[error("cannot read the memory of the simulated fleet, {path}")]
    Memory {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// A simulated provider: both halves in one.
#[derive(Debug)]
pub struct Simulated {
    info: Arc<ProviderInfo>,
    fleet: Fleet,
    /// Positions in the fleet file, by name.
    by_name: BTreeMap<String, usize>,
    maker: Option<Maker>,
    /// Whether its computers belong to companies of its own.
    has_clients: bool,
    faults: Faults,
    memory: Arc<Memory>,
    /// Computers with a bundle at work.
    busy: Arc<Mutex<BTreeSet<String>>>,
}

/// A step with what both kinds of bundles have in common.
struct Task<'a> {
    key: &'a str,
    purpose: &'a Purpose,
    values: &'a crate::session::script::Values,
    keep: usize,
}

/// Marks a computer as busy as long as it lives.
struct Busy {
    all: Arc<Mutex<BTreeSet<String>>>,
    computer: String,
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.computer);
    }
}

impl Simulated {
    /// A fleet from the text of the fleet file, from the generator in `spec`, or from both: first those of the file.
    /// What was changed is kept in the file `memory`, or only as long as this value lives. The log is kept beside that
    /// file, under its name with `.log` at the end: one JSON object on each line with `process`, `computer`, `event`
    /// and `purpose`. Events are `detected` for every step that looks; for a step that changes, `begins` before its
    /// effect, and after it `changed`, or `failed` or `lied` where a fault made it have none. The effect is on disk
    /// before `changed` is written.
    ///
    /// # Errors
    /// [`SimulatedError`] when the fleet file, the settings or the memory are wrong.
    pub fn new(
        name: Name,
        spec: &SimulatedSpec,
        fleet_text: Option<&str>,
        memory_path: Option<PathBuf>,
    ) -> Result<Self, SimulatedError> {
        let fleet =
            fleet_text.map_or_else(|| Ok(Fleet::default()), Fleet::read).map_err(SimulatedError::Fleet)?;
        let maker = spec.generate.clone().map(Maker::new).transpose().map_err(SimulatedError::Settings)?;
        let mut by_name = BTreeMap::new();
        for (position, computer) in fleet.computers.iter().enumerate() {
            if maker.as_ref().is_some_and(|maker| maker.find(&computer.name).is_some()) {
                let message =
                    format!("computer {:?} is in the fleet file and made by the generator", computer.name);
                return Err(SimulatedError::Settings(message));
            }
            by_name.insert(computer.name.clone(), position);
        }
        let memory = Memory::open(memory_path.clone())
            .map_err(|source| SimulatedError::Memory { path: memory_path.unwrap_or_default(), source })?;
        let mut capabilities = BTreeSet::from([
            Capability::ListComputers,
            Capability::Presence,
            Capability::RunScript,
            Capability::RemoteSession,
        ]);
        if spec.clients {
            capabilities.insert(Capability::ListTenants);
        }
        let info = ProviderInfo {
            name,
            kind: "simulated",
            capabilities,
            without: BTreeSet::new(),
            limits: Limits {
                concurrency: spec.concurrency.unwrap_or(CONCURRENCY),
                latency: Latency::Interactive,
                connect: Limit::seconds(10),
            },
        };
        Ok(Self {
            info: Arc::new(info),
            fleet,
            by_name,
            maker,
            has_clients: spec.clients,
            faults: spec.faults.clone().unwrap_or_default(),
            memory: Arc::new(memory),
            busy: Arc::default(),
        })
    }

    /// What is known of it without asking it.
    #[must_use]
    pub fn info(&self) -> &Arc<ProviderInfo> {
        &self.info
    }

    /// The half that reads.
    #[must_use]
    pub fn reader(self: &Arc<Self>) -> Reader {
        let reader = Reader::new(Arc::clone(&self.info), Arc::<Self>::clone(self), Arc::<Self>::clone(self))
            .with_join_links(Arc::<Self>::clone(self));
        if self.has_clients { reader.with_clients(Arc::<Self>::clone(self)) } else { reader }
    }

    /// The half that changes.
    #[must_use]
    pub fn writer(self: &Arc<Self>) -> Writer {
        Writer::new(Arc::clone(&self.info), Arc::<Self>::clone(self))
    }

    fn computer(&self, name: &str) -> Option<Cow<'_, FleetComputer>> {
        if let Some(computer) =
            self.by_name.get(name).and_then(|position| self.fleet.computers.get(*position))
        {
            return Some(Cow::Borrowed(computer));
        }
        let maker = self.maker.as_ref()?;
        maker.find(name).map(|index| Cow::Owned(maker.computer(index)))
    }

    fn records(&self) -> Vec<AgentRecord> {
        let record = |name: String, tenant, client, platform, tags, offline, belongings| AgentRecord {
            id: AgentId::new(&name),
            name,
            tenant,
            client,
            platform: Some(platform),
            presence: if offline { Presence::Offline } else { Presence::Online },
            tags,
            attributes: BTreeMap::new(),
            belongings,
        };
        let from_file = self.fleet.computers.iter().map(|computer| {
            let platform = computer.platform.unwrap_or(Platform::Posix);
            record(
                computer.name.clone(),
                computer.tenant.clone(),
                computer
                    .client
                    .as_ref()
                    .filter(|_| self.has_clients)
                    .and_then(|name| self.fleet.client(name)),
                platform,
                computer.tags.clone(),
                computer.offline,
                computer.belongings(),
            )
        });
        let made = self.maker.iter().flat_map(|maker| {
            (0..maker.count()).map(|index| {
                let tenant = Some(maker.tenant(index).clone());
                let client = tenant.as_ref().filter(|_| self.has_clients).map(made);
                let none = Belongings::default();
                record(
                    maker.name(index),
                    tenant,
                    client,
                    maker.platform(index),
                    maker.tags(index),
                    false,
                    none,
                )
            })
        });
        from_file.chain(made).collect()
    }

    /// Runs a bundle: refuses what a real computer would not do, then answers step by step.
    async fn run<A>(
        &self,
        agent: &AgentId,
        bundle: &Bundle<A>,
        may_change: bool,
    ) -> Result<BundleResult, RunError> {
        let name = agent.as_str();
        let nonsense = |message: String| Err(RunError::Nonsense(message));
        let Some(computer) = self.computer(name) else {
            return nonsense(format!("the simulated fleet has no computer {name:?}"));
        };
        let tasks: Vec<Task<'_>> = bundle.steps.iter().map(task).collect();
        if let Some(message) = refuse(name, &computer, bundle.platform, &tasks, may_change) {
            return nonsense(message);
        }
        let faults = &self.faults;
        if computer.offline || hits(&faults.unreachable, name) {
            return Err(RunError::Unreachable(format!("{name} is switched off")));
        }
        let Some(busy) = self.claim(name) else {
            return nonsense(format!("{name} has another bundle at work: a computer gets one at a time"));
        };
        if hits(&faults.slow, name) {
            tokio::time::sleep(faults.delay.map_or(DELAY, Limit::duration)).await;
        } else {
            // A real one is never done at once: let others come in between.
            tokio::task::yield_now().await;
        }
        let mut steps = BTreeMap::new();
        let mut stopped = false;
        let mut touched = false;
        for task in &tasks {
            if stopped && !looks(task.purpose) {
                steps.insert(task.key.to_owned(), ended(Ended::Skipped, task, Answer::says("")));
                continue;
            }
            let answer = self.step(&computer, task, &mut touched).await.map_err(|error| {
                RunError::Lost(format!("the memory of the simulated fleet cannot be used: {error}"))
            })?;
            stopped |= bundle.stop_on_failure && answer.code != 0;
            steps.insert(task.key.to_owned(), ended(Ended::Exit(answer.code), task, answer));
        }
        drop(busy);
        if touched && hits(&faults.cut_off, name) {
            return Err(RunError::Lost(format!("the connection to {name} broke")));
        }
        let marker = bundle::marker(bundle, name);
        let mut output = frame::write(bundle, &marker, &BundleResult { steps, clock: None });
        if hits(&faults.garbled, name) {
            // Every byte becomes another one: nothing of the answer can be found in it.
            for byte in &mut output {
                *byte ^= 0x55;
            }
        }
        frame::read(bundle, &marker, &output)
    }

    fn claim(&self, computer: &str) -> Option<Busy> {
        let mut all = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = all.insert(computer.to_owned());
        fresh.then(|| Busy { all: Arc::clone(&self.busy), computer: computer.to_owned() })
    }

    /// Does one step and says what its script would print. `touched` becomes true when it had an effect.
    async fn step(
        &self,
        computer: &FleetComputer,
        task: &Task<'_>,
        touched: &mut bool,
    ) -> std::io::Result<Answer> {
        let name = computer.name.as_str();
        let process = std::process::id();
        let log = |event| self.memory.log(&[Line { process, computer: name, event, purpose: task.purpose }]);
        let changes = self.memory.changes(name)?;
        let machine = Machine { base: computer, changes, inventory: &self.fleet.inventory };
        if looks(task.purpose) {
            log("detected")?;
            return Ok(machine.look(task.purpose));
        }
        log("begins")?;
        let effect = match machine.effect(task.purpose, task.values) {
            _ if hits(&self.faults.failing, name) => Err("simulated: it fails here".to_owned()),
            _ if hits(&self.faults.lying, name) => {
                log("lied")?;
                return Ok(Answer::says("simulated: done\n"));
            }
            effect => effect,
        };
        let effect = match effect {
            Ok(effect) => effect,
            Err(message) => {
                log("failed")?;
                return Ok(Answer::fails(format!("{message}\n")));
            }
        };
        if let Some(effect) = effect {
            if self.memory.is_kept() {
                let (memory, name) = (Arc::clone(&self.memory), name.to_owned());
                tokio::task::spawn_blocking(move || memory.apply(&name, effect))
                    .await
                    .map_err(std::io::Error::other)??;
            } else {
                self.memory.apply(name, effect)?;
            }
        }
        *touched = true;
        log("changed")?;
        Ok(Answer::says("simulated: done\n"))
    }
}

impl ListAgents for Simulated {
    fn list(&self) -> BoxFuture<'_, Result<Vec<AgentRecord>, ListError>> {
        Box::pin(async move {
            if self.faults.list {
                let message = "it broke off, as its settings ask for".to_owned();
                return Err(ListError::Failed { provider: self.info.name.clone(), message });
            }
            let Some(fault) = self.faults.answer else { return Ok(self.records()) };
            let answer = page::answer(&self.records(), Some(fault)).await;
            answer.map_err(|message| ListError::Failed { provider: self.info.name.clone(), message })
        })
    }
}

/// The company of made computers: it has no id, and the name of the tenant that they are made for.
fn made(tenant: &Name) -> ClientRef {
    ClientRef { id: tenant.to_string(), name: tenant.to_string() }
}

impl ListClients for Simulated {
    fn clients(&self) -> BoxFuture<'_, Result<Vec<ClientRecord>, ListError>> {
        Box::pin(async move {
            let agents = self.list().await?;
            let mut clients: BTreeMap<ClientRef, ClientRecord> = BTreeMap::new();
            let record = |client: ClientRef, sites| {
                let record =
                    ClientRecord { client: client.clone(), sites, external: None, computers: Some(0) };
                (client, record)
            };
            clients.extend(self.fleet.clients.iter().map(|one| record(one.reference(), one.sites.clone())));
            let tenants = self.maker.iter().flat_map(Maker::tenants);
            clients.extend(tenants.map(|tenant| record(made(tenant), BTreeSet::new())));
            for client in agents.iter().filter_map(|agent| agent.client.as_ref()) {
                let known = clients.get_mut(client).and_then(|record| record.computers.as_mut());
                if let Some(count) = known {
                    *count += 1;
                }
            }
            Ok(clients.into_values().collect())
        })
    }
}

/// Links are what the real system's look like, at a server that is nowhere.
impl JoinLink for Simulated {
    fn join_link<'a>(&'a self, agent: &'a AgentId) -> BoxFuture<'a, Result<String, RunError>> {
        Box::pin(async move {
            if self.computer(agent.as_str()).is_none() {
                let message = format!("there is no agent {agent}");
                return Err(RunError::Refused { message, help: None });
            }
            Ok(format!("https://{}.invalid/Host#Access///{agent}/Join", self.info.name))
        })
    }
}

impl Detect for Simulated {
    fn detect<'a>(
        &'a self,
        agent: &'a AgentId,
        bundle: &'a Bundle<Read>,
    ) -> BoxFuture<'a, Result<BundleResult, RunError>> {
        Box::pin(self.run(agent, bundle, false))
    }
}

impl Change for Simulated {
    fn change<'a>(
        &'a self,
        agent: &'a AgentId,
        bundle: &'a Bundle<Write>,
    ) -> BoxFuture<'a, Result<BundleResult, RunError>> {
        Box::pin(self.run(agent, bundle, true))
    }
}

fn task<A>(step: &Step<A>) -> Task<'_> {
    Task { key: &step.key, purpose: &step.purpose, values: &step.values, keep: step.keep }
}

/// Why a bundle makes no sense on a computer.
fn refuse(
    name: &str,
    computer: &FleetComputer,
    platform: Platform,
    tasks: &[Task<'_>],
    may_change: bool,
) -> Option<String> {
    let own = computer.platform.unwrap_or(Platform::Posix);
    if own != platform {
        return Some(format!("the bundle is made for {platform:?} and {name} is {own:?}"));
    }
    if tasks.is_empty() {
        return Some(format!("the bundle for {name} is empty"));
    }
    let mut keys = BTreeSet::new();
    for task in tasks {
        if !keys.insert(task.key) {
            return Some(format!("the bundle for {name} has two steps with the key {:?}", task.key));
        }
        if !may_change && !looks(task.purpose) {
            return Some(format!("the bundle for {name} reads, and its step {:?} changes", task.key));
        }
    }
    None
}

fn ended(ended: Ended, task: &Task<'_>, answer: Answer) -> StepResult {
    let (stdout, out_cut) = bounded(answer.stdout, task.keep);
    let (stderr, err_cut) = bounded(answer.stderr, task.keep);
    let duration = if ended == Ended::Skipped { Duration::ZERO } else { STEP };
    StepResult { ended, stdout, stderr, cut: out_cut || err_cut, duration }
}

/// The text up to so many bytes, and whether something is missing.
fn bounded(mut text: String, keep: usize) -> (String, bool) {
    if text.len() <= keep {
        return (text, false);
    }
    let mut end = keep;
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    text.truncate(end);
    (text, true)
}

/// Whether one of the patterns fits the name; case does not matter.
fn hits(patterns: &[String], name: &str) -> bool {
    !patterns.is_empty() && {
        let chars = |text: &str| text.to_lowercase().chars().collect::<Vec<_>>();
        let name = chars(name);
        patterns.iter().any(|pattern| fits(&chars(pattern), &name))
    }
}

/// Whether a pattern with `*` and `?` fits the whole text.
fn fits(pattern: &[char], text: &[char]) -> bool {
    // Where to go on when the last star has to take one character more.
    let mut retry: Option<(&[char], &[char])> = None;
    let (mut pattern, mut text) = (pattern, text);
    loop {
        match (pattern, text) {
            ([], []) => return true,
            (['*', rest @ ..], _) => {
                retry = Some((rest, text));
                pattern = rest;
            }
            (['?', p @ ..], [_, t @ ..]) => (pattern, text) = (p, t),
            ([a, p @ ..], [b, t @ ..]) if a == b => (pattern, text) = (p, t),
            _ => match retry {
                Some((rest, [_, t @ ..])) => {
                    retry = Some((rest, t));
                    (pattern, text) = (rest, t);
                }
                _ => return false,
            },
        }
    }
}

#[cfg(test)]
mod tests;
