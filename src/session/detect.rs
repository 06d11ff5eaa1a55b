//! The detection stage: everything about one computer in one round trip, many computers at once.
//!
//! Not here: which probes are needed (`plan::needs`), what an answer means (`plan::probes`), and remembering it (the
//! caller does, through the store).
//!
//! Invariants: holds readers only (L2). Every need has one outcome; what could not be observed is said to be so (L7).
//! Secrets that scripts print are taken out before anything is read from their answers (L9).

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::Semaphore;

use super::collect;
use super::control::Control;
use super::redact::Redactor;
use super::route::Ways;
use super::script::{Bundle, BundleResult, Platform, Read, Step, StepResult};
use super::secrets::{self, Secrets};
use crate::config::Config;
use crate::id::{ComputerId, Name};
use crate::inventory::facts::Facts;
use crate::inventory::item::{Detection, Observed};
use crate::inventory::known::Contact;
use crate::inventory::snapshot::{Computer, Snapshot};
use crate::plan::interpret::Interpreter;
use crate::plan::needs::Need;
use crate::plan::procedure::{Invocation, Probe};
use crate::provider::{Reader, RunError};
use crate::time::{Clock, Timestamp};

/// What one round trip to one computer brought.
#[derive(Debug, Clone, PartialEq)]
pub struct Gathered {
    /// The computer's position in the snapshot.
    pub computer: u32,
    /// The ids under which the agents are remembered of which this is known: the one that answered, or all that were asked in
    /// vain.
    pub records: Vec<ComputerId>,
    /// When the answer came.
    pub at: Timestamp,
    /// How reaching it went.
    pub contact: Contact,
    /// Whether it was contacted; else what was known of it answered.
    pub contacted: bool,
    /// Its facts, if they were asked for and came.
    pub facts: Option<Facts>,
    /// What was observed, one for each probe, if it was reached.
    pub detections: Vec<Detection>,
    /// How long the round trip took.
    pub took: Duration,
}

/// Everything that the detection stage uses.
#[derive(Clone, Copy)]
pub struct Detector<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The computers.
    pub snapshot: &'a Snapshot,
    /// The reading half of each provider.
    pub readers: &'a BTreeMap<Name, Reader>,
    /// Where secret values are found.
    pub secrets: &'a dyn Secrets,
    /// The time.
    pub clock: &'a dyn Clock,
    /// Computers at once, over all providers.
    pub concurrency: usize,
}

impl std::fmt::Debug for Detector<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Detector").field("concurrency", &self.concurrency).finish_non_exhaustive()
    }
}

impl Detector<'_> {
    /// Contacts each computer of `needs` once and hands what it brought to `found`, in the order of arrival.
    ///
    /// After a demand to checkpoint no further computer is contacted; after a demand to stop it returns at once.
    pub async fn run(&self, needs: &[Need], control: &Control, mut found: impl FnMut(Gathered)) {
        let interpreter = Interpreter::new(self.config);
        let lanes = lanes(self.readers.values().map(Reader::info));
        let redactor = Redactor::of(self.config, |reference| self.secrets.resolve(reference).ok());
        let mut stop = control.clone();
        let mut answers = std::pin::pin!(
            futures_util::stream::iter(needs)
                .take_while(|_| std::future::ready(control.demand() == super::control::Demand::Run))
                .map(|need| self.one(need, &interpreter, &lanes, redactor.clone()))
                .buffer_unordered(self.concurrency.max(1))
        );
        loop {
            tokio::select! {
                biased;
                () = stop.stopped() => return,
                answer = answers.next() => match answer {
                    Some(answer) => found(answer),
                    None => return,
                },
            }
        }
    }

    async fn one(
        &self,
        need: &Need,
        interpreter: &Interpreter<'_>,
        lanes: &BTreeMap<Name, Semaphore>,
        mut redactor: Redactor,
    ) -> Gathered {
        let computer = self.snapshot.computer(need.computer);
        if !need.contact() {
            return self.answer_from_facts(need, computer, (interpreter, lanes)).await;
        }
        // A semaphore that is never closed always grants its permit in the end.
        let _permit = match lanes.get(&computer.provider) {
            Some(lane) if computer.routes().is_empty() => lane.acquire().await.ok(),
            Some(_) | None => None,
        };
        let began = self.clock.now();
        let mut assembled = assemble(need, computer, self.secrets);
        let ways = Ways::of(computer, |provider| Some((self.readers.get(provider)?, None)), lanes);
        let answer = if ways.is_empty() {
            Err(RunError::Unreachable(format!("provider {} is not available", computer.provider)))
        } else {
            ways.detect(&assembled.bundle).await
        };
        if answer.is_ok() && need.probes.iter().any(|probe| probe.is_of_provider()) {
            assembled.updates = Some(updates(&ways).await);
        }
        let answered = ways.current().filter(|_| answer.is_ok());
        let mut records = answered.map_or_else(|| ways.records(), |way| vec![way.record.clone()]);
        if records.is_empty() {
            records.push(computer.id.clone());
        }
        redactor.learn(assembled.bundle.steps.iter().map(|step| &step.values));
        let answer = redactor.answer(answer);
        let at = self.clock.now();
        let took = Duration::try_from(at.duration_since(began)).unwrap_or_default();
        let gathered = read(need, self.snapshot, (interpreter, &redactor), &assembled, answer, (at, took));
        Gathered { records, ..gathered }
    }

    /// What is answered without the computer: by the facts that are known, which is as old as they are, and by providers.
    async fn answer_from_facts(
        &self,
        need: &Need,
        computer: &Computer,
        (interpreter, lanes): (&Interpreter<'_>, &BTreeMap<Name, Semaphore>),
    ) -> Gathered {
        let known = self.snapshot.facts(need.computer);
        let (at, facts) = match &known {
            Some((at, facts)) => (*at, Some(facts)),
            None => (self.clock.now(), None),
        };
        let mut detections = Vec::with_capacity(need.probes.len());
        for probe in &need.probes {
            detections.push(if probe.is_of_provider() {
                let ways = Ways::of(computer, |provider| Some((self.readers.get(provider)?, None)), lanes);
                let observed = updates(&ways).await;
                detection(computer, probe, self.clock.now(), observed)
            } else {
                detection(computer, probe, at, interpreter.interpret(probe, &BTreeMap::new(), facts))
            });
        }
        Gathered {
            computer: need.computer,
            at,
            records: Vec::new(),
            contact: Contact::clone(&computer.contact),
            contacted: false,
            facts: None,
            detections,
            took: Duration::ZERO,
        }
    }
}

fn detection(computer: &Computer, probe: &Probe, at: Timestamp, observed: Observed) -> Detection {
    Detection {
        computer: computer.id.clone(),
        item: probe.item.clone(),
        probe: probe.digest.clone(),
        at,
        observed,
    }
}

/// What the answer to a need means.
fn read(
    need: &Need,
    snapshot: &Snapshot,
    reading: (&Interpreter<'_>, &Redactor),
    assembled: &Assembled,
    answer: Result<BundleResult, RunError>,
    (at, took): (Timestamp, Duration),
) -> Gathered {
    let result = match answer {
        Ok(result) => result,
        Err(error) => {
            let contact = contact(&error);
            let (facts, detections) = (None, Vec::new());
            return Gathered {
                computer: need.computer,
                records: Vec::new(),
                at,
                contact,
                contacted: true,
                facts,
                detections,
                took,
            };
        }
    };
    let computer = snapshot.computer(need.computer);
    let (mut contact, mut facts) = (Contact::Reached, None);
    if need.facts {
        match result.steps.get(collect::KEY).map(|step| collect::read(platform(computer), &step.stdout)) {
            Some(Ok(found)) => facts = Some(found),
            Some(Err(error)) => contact = Contact::Failed { why: error.to_string() },
            None => contact = Contact::Failed { why: "the collector gave no answer".to_owned() },
        }
    }
    let remembered = if facts.is_none() { snapshot.facts(need.computer) } else { None };
    let known = facts.as_ref().or(remembered.as_ref().map(|(_, facts)| facts));
    let detections = need
        .probes
        .iter()
        .enumerate()
        .map(|(position, probe)| {
            let observed = match (assembled.broken.get(&position), &assembled.updates) {
                (Some(why), _) => Observed::Undetermined { why: why.clone() },
                (None, Some(updates)) if probe.is_of_provider() => updates.clone(),
                (None, _) => observe(reading, ("d", position), probe, &result, known),
            };
            // Without fresh facts, what the facts answer is as old as they are.
            let at = match (&remembered, &facts) {
                (Some((collected, _)), None) if probe.steps.is_empty() && !probe.is_of_provider() => {
                    *collected
                }
                _ => at,
            };
            detection(computer, probe, at, observed)
        })
        .collect();
    let records = Vec::new();
    Gathered { computer: need.computer, records, at, contact, contacted: true, facts, detections, took }
}

/// A semaphore for each provider, as wide as the provider's own limit.
pub(super) fn lanes<'a>(
    providers: impl Iterator<Item = &'a crate::provider::ProviderInfo>,
) -> BTreeMap<Name, Semaphore> {
    providers
        .map(|info| {
            let width = usize::try_from(info.limits.concurrency).unwrap_or(1).max(1);
            (info.name.clone(), Semaphore::new(width.min(Semaphore::MAX_PERMITS)))
        })
        .collect()
}

/// The computer's platform; POSIX until somebody says otherwise.
pub(super) fn platform(computer: &Computer) -> Platform {
    computer.platform.unwrap_or(Platform::Posix)
}

/// What the scripts of every bundle are told about where they run (SCR-12).
pub(super) fn environment(computer: &Computer) -> BTreeMap<String, String> {
    let mut environment = BTreeMap::from([
        ("MUSTER_COMPUTER".to_owned(), computer.name.clone()),
        ("MUSTER_COMPUTER_ID".to_owned(), computer.id.to_string()),
    ]);
    if let Some(tenant) = &computer.tenant {
        environment.insert("MUSTER_TENANT".to_owned(), tenant.to_string());
    }
    environment
}

/// How an error of the round trip is remembered.
pub(super) fn contact(error: &RunError) -> Contact {
    match error {
        RunError::Unreachable(_) | RunError::Overtaken => Contact::Unreachable { why: error.to_string() },
        RunError::Refused { message, help } => Contact::Refused { why: message.clone(), help: help.clone() },
        RunError::Lost(_) | RunError::TimedOut(_) | RunError::Nonsense(_) => {
            Contact::Failed { why: error.to_string() }
        }
    }
}

/// How a computer stands to its updates, as the provider says that manages them. Where none does, nothing of that kind
/// makes sense; where it does not answer, nothing is known (L7).
pub(super) async fn updates(ways: &Ways<'_>) -> Observed {
    let Some((reader, _, agent)) = ways.updates() else { return Observed::NotApplicable };
    match reader.updates(agent).await {
        Ok(updates) => updates.observed(),
        Err(error) => Observed::Undetermined { why: error.to_string() },
    }
}

struct Assembled {
    bundle: Bundle<Read>,
    /// Probes that could not be sent, by position, with the reason.
    broken: BTreeMap<usize, String>,
    /// What a provider says of updates, once it was asked.
    updates: Option<Observed>,
}

fn assemble(need: &Need, computer: &Computer, secrets: &dyn Secrets) -> Assembled {
    let platform = platform(computer);
    let mut steps = Vec::new();
    let mut broken = BTreeMap::new();
    if need.facts {
        steps.push(collect::step(platform));
    }
    for (position, probe) in need.probes.iter().enumerate() {
        match reading_steps("d", position, probe, secrets) {
            Ok(more) => steps.extend(more),
            Err(error) => {
                broken.insert(position, error.to_string());
            }
        }
    }
    Assembled { bundle: Bundle::new(platform, steps, environment(computer)), broken, updates: None }
}

/// The steps of a probe, under keys made of `prefix`, its position and the step's position.
pub(super) fn reading_steps(
    prefix: &str,
    position: usize,
    probe: &Probe,
    secrets: &dyn Secrets,
) -> Result<Vec<Step<Read>>, secrets::SecretError> {
    probe
        .steps
        .iter()
        .enumerate()
        .map(|(number, Invocation { purpose, script, parameters, environment })| {
            let values = secrets::values(parameters, secrets)?;
            let mut step = Step::read(
                format!("{prefix}{position}.{number}"),
                purpose.clone(),
                std::sync::Arc::clone(script),
                values,
            );
            step.environment = environment.clone();
            Ok(step)
        })
        .collect()
}

/// What the answers to a probe's steps mean. The steps' keys begin with `prefix` and the probe's position.
pub(super) fn observe(
    (interpreter, redactor): (&Interpreter<'_>, &Redactor),
    (prefix, position): (&str, usize),
    probe: &Probe,
    result: &BundleResult,
    facts: Option<&Facts>,
) -> Observed {
    let answers: BTreeMap<usize, StepResult> = (0..probe.steps.len())
        .filter_map(|number| {
            result.steps.get(&format!("{prefix}{position}.{number}")).map(|step| (number, step.clone()))
        })
        .collect();
    redactor.observed(interpreter.interpret(probe, &answers, facts))
}
