//! One session: look, journal, act, look again, record, for each action of one computer's part of a plan.
//!
//! Not here: which sessions run at once and when they stop (`dispatcher`), what to do (the plan says it all).
//!
//! Guarantees
//! - Nothing is sent that was not detected before in this session, and again where an earlier action of the session or a wait
//!   for a lock came between; and it is journalled before it is sent (L11).
//! - A result is what was observed afterwards, never an exit code alone (L6).
//! - An action whose state has moved since the plan is not run; one that is already satisfied is skipped.
//! - Secrets that scripts print are taken out of their answers before anything is made of them (L9).
//! - Files that Muster sends are on the computer before anything of the change is sent (SW-25).
//! - Before the first change the alerts of the computer's systems are held back where that can be done, and they are let
//!   through again after the last one, however that ended (SES-19).
//! - When an action does not succeed, those that depend on it are blocked; the others go on.

mod alerts;
mod look;
mod record;
mod updates;

use std::sync::Arc;
use std::time::Duration;

use super::aftermath::Aftermath;
use super::collect;
use super::control::{Control, Demand};
use super::detect::{contact, environment, platform, reading_steps};
use super::event::Event;
use super::locks::{self, Held, Locks, Site};
use super::maintenance::MaintenanceRecord;
use super::quiet::Alerts;
use super::redact::Redactor;
use super::route::Ways;
use super::script::{Bundle, Step, Write};
use super::secrets::{self, Secrets};
use super::stage::{ActionResult, SessionStatus, Stage};
use super::verify::{unchanged, words};
use crate::config::Config;
use crate::id::{RunId, SessionId};
use crate::inventory::item::Observed;
use crate::inventory::known::Contact;
use crate::inventory::snapshot::Computer;
use crate::payload::send::{Files, Receiver, SendError};
use crate::plan::diff::achieved;
use crate::plan::document::{ActionType, Change, Reason};
use crate::plan::interpret::Interpreter;
use crate::plan::procedure::Procedure;
use crate::store::{Store, StoreError};
use crate::time::{Clock, Timestamp};

/// What a session uses. The writer is here and nowhere before.
#[derive(Clone, Copy)]
pub struct Tools<'a> {
    /// The configuration that the plan was made from.
    pub config: &'a Config,
    /// The journal.
    pub store: &'a dyn Store,
    /// Where secret values are found.
    pub secrets: &'a dyn Secrets,
    /// The time.
    pub clock: &'a dyn Clock,
    /// Where events go.
    pub events: &'a (dyn Fn(Event) + Sync),
    /// The files that are sent.
    pub files: Files<'a>,
}

/// One action with everything about it.
#[derive(Debug, Clone)]
pub struct Work<'a> {
    /// The change that the plan says.
    pub change: &'a Change,
    /// Positions of the actions that must have succeeded.
    pub after: &'a [u32],
    /// What runs; `None` when the configuration has no script for it, which planning does not let through.
    pub procedure: Option<Procedure>,
}

/// How a session went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionOutcome {
    /// Its end.
    pub status: SessionStatus,
    /// How each action ended, in order.
    pub results: Vec<ActionResult>,
    /// How reaching the computer went.
    pub contact: Contact,
}

/// One session about to run.
pub(super) struct Session<'a> {
    pub tools: Tools<'a>,
    pub run: RunId,
    pub id: SessionId,
    pub computer: &'a Computer,
    pub ways: Ways<'a>,
    pub work: Vec<Work<'a>>,
    pub control: Control,
    /// Patterns made ready once for the whole run.
    pub interpreter: &'a Interpreter<'a>,
    /// What the changes of all sessions of the run share.
    pub locks: &'a Locks,
    /// Where the computer is, if a lock of one of its changes is about that.
    pub site: Option<Site>,
    /// Knows the secrets of the run, and learns those of the session when it begins: a plan may name others.
    pub redactor: Redactor,
    /// The maintenance modes that it has switched on; `None` before its first change.
    pub held: Option<Vec<(Alerts<'a>, MaintenanceRecord)>>,
}

impl Session<'_> {
    /// Runs it to its end, or to the next checkpoint.
    pub(super) async fn run(mut self) -> Result<SessionOutcome, StoreError> {
        let started = self.tools.clock.now();
        self.record(SessionStatus::Running, started, None).await?;
        self.emit(Event::SessionStarted {
            session: self.id.clone(),
            computer: self.computer.id.clone(),
            name: self.computer.name.clone(),
        });

        self.learn_secrets();
        self.stage(Stage::Detect);
        let looked = self.look().await;
        let mut results = Vec::with_capacity(self.work.len());
        let contact = match looked {
            Err(error) => {
                let contact = contact(&error);
                self.emit(Event::ComputerUnreachable {
                    computer: self.computer.id.clone(),
                    name: self.computer.name.clone(),
                    why: error.to_string(),
                });
                for position in 0..self.work.len() {
                    let message = format!("not begun: {error}");
                    results.push(self.not_begun(position, ActionResult::Deferred, &message).await?);
                }
                contact
            }
            Ok(observed) => {
                self.remember(&observed).await?;
                self.stage(Stage::Execute);
                for (position, now) in observed.into_iter().enumerate() {
                    let result = self.action(position, now, &results).await?;
                    results.push(result);
                }
                self.let_alerts_through().await?;
                Contact::Reached
            }
        };

        let status = if contact == Contact::Reached {
            SessionStatus::from_results(&results)
        } else {
            SessionStatus::PendingConnectivity
        };
        self.record(status, started, Some(self.tools.clock.now())).await?;
        self.emit(Event::SessionFinished {
            session: self.id.clone(),
            computer: self.computer.id.clone(),
            name: self.computer.name.clone(),
            status,
        });
        Ok(SessionOutcome { status, results, contact })
    }

    /// Values that cannot be had are missed where they are needed.
    fn learn_secrets(&mut self) {
        let procedures = self.work.iter().filter_map(|work| work.procedure.as_ref());
        let steps = procedures.flat_map(|procedure| procedure.steps.iter().chain(&procedure.verify.steps));
        for step in steps {
            self.redactor.learn(secrets::values(&step.parameters, self.tools.secrets).iter());
        }
    }

    fn emit(&self, event: Event) {
        (self.tools.events)(event);
    }

    fn stage(&self, stage: Stage) {
        self.emit(Event::StageEntered { computer: self.computer.id.clone(), stage });
    }

    /// Runs one action, or says why it is not run.
    async fn action(
        &mut self,
        position: usize,
        now: Observed,
        results: &[ActionResult],
    ) -> Result<ActionResult, StoreError> {
        let Some(work) = self.work.get(position).cloned() else { return Ok(ActionResult::Cancelled) };
        if self.control.demand() != Demand::Run {
            return self.not_begun(position, ActionResult::Cancelled, "the run was asked to stop").await;
        }
        if let Some(blocker) = self.blocker(work.after, results) {
            let message = format!("{blocker} did not succeed");
            return self.not_begun(position, ActionResult::Blocked, &message).await;
        }
        let untouched = |result: &ActionResult| {
            matches!(result, ActionResult::Skipped | ActionResult::Blocked | ActionResult::Cancelled)
        };
        let mut now = now;
        if !results.iter().all(untouched) {
            // An installer may have brought it along, whether the two are known to depend on each other or not.
            match self.look_now(&work, now).await? {
                Some(seen) => now = seen,
                None => return self.not_begun(position, ActionResult::Deferred, UNSEEN).await,
            }
        }
        if let Some((result, why)) = self.moved(work.change, &now) {
            return self.not_begun(position, result, &why).await;
        }
        let Some(procedure) = &work.procedure else {
            return self
                .not_begun(position, ActionResult::Failed, "there is no script for this platform")
                .await;
        };
        let bundle = match self.bundle(procedure) {
            Ok(bundle) => bundle,
            Err(error) => return self.not_begun(position, ActionResult::Failed, &error.to_string()).await,
        };
        let Ok((_held, mut stale)) = self.lock(work.change).await else {
            return self.not_begun(position, ActionResult::Cancelled, "the run was asked to stop").await;
        };
        // What was seen is looked at again after a wait: for the lock, and for alerts to be held back, which is begun only
        // when nothing else is in the way.
        for quiet in [false, true] {
            if quiet {
                stale = self.hold_alerts_back(work.change).await?;
                if self.control.demand() != Demand::Run {
                    return self
                        .not_begun(position, ActionResult::Cancelled, "the run was asked to stop")
                        .await;
                }
            }
            if stale {
                match self.look_now(&work, now).await? {
                    Some(seen) => now = seen,
                    None => return self.not_begun(position, ActionResult::Deferred, UNSEEN).await,
                }
                if let Some((result, why)) = self.moved(work.change, &now) {
                    return self.not_begun(position, result, &why).await;
                }
            }
        }
        let again = is_again(work.change);

        let started = self.tools.clock.now();
        let mut record = self.action_record(position, work.change, started);
        self.tools.store.put_action(&record).await?;
        self.emit(Event::ActionStarted {
            computer: self.computer.id.clone(),
            item: work.change.item.clone(),
            action: work.change.action,
        });

        let mut facts = None;
        let seen = if procedure.verify.is_of_provider() {
            self.update(&now).await?
        } else if let Err(error) = self.send(work.change, procedure).await {
            Aftermath::not_sent(&error.to_string(), error.is_passing(), now)
        } else {
            let answer = self.redactor.answer(self.ways.change(&bundle).await);
            facts = answer.as_ref().ok().and_then(|result| self.facts(result));
            self.see(procedure, answer).await
        };
        let result = match &seen.observed {
            _ if seen.not_sent => seen.not_sent_result(),
            _ if seen.nothing_ran || seen.put_off => ActionResult::Deferred,
            // What was fetched was verified where it lies.
            _ if work.change.action == ActionType::Download && seen.all_ran => ActionResult::Success,
            Some(_) if work.change.action == ActionType::Download => ActionResult::Failed,
            None => ActionResult::Undetermined,
            Some(observed) => match achieved(self.tools.config, work.change, observed) {
                Some(true) if seen.unfinished || (again && !seen.all_ran) => ActionResult::Failed,
                Some(true) => ActionResult::Success,
                Some(false) => ActionResult::Failed,
                None => ActionResult::Undetermined,
            },
        };
        let message = seen.message(result);
        let finished = self.tools.clock.now();
        record.after = seen.observed.clone();
        record.result = Some(result);
        record.message.clone_from(&message);
        record.output = seen.output;
        record.finished = Some(finished);
        self.tools.store.put_action(&record).await?;
        // The inventory after the change decides memberships of the next plan. Facts that are older than a change are
        // collected again (`plan::needs`).
        if let Some(facts) = facts {
            let record = self.ways.current().map_or(&self.computer.id, |way| &way.record);
            self.tools.store.put_facts(record, finished, &facts).await?;
        }
        if let Some(observed) = &seen.observed {
            let detection = self.detection(&procedure.verify, observed.clone(), finished);
            self.tools.store.put_detections(&[detection]).await?;
        }
        self.keep_result(work.change, result, seen.observed, finished).await?;
        self.emit(Event::ActionFinished {
            computer: self.computer.id.clone(),
            item: work.change.item.clone(),
            action: work.change.action,
            result,
            message,
            duration_ms: millis(started, finished),
        });
        Ok(result)
    }

    /// Why a change is not made where this is what is there, and how it ends then; `None` where it is.
    fn moved(&self, change: &Change, now: &Observed) -> Option<(ActionResult, String)> {
        // That it is there says nothing of the values that it was put there with.
        if !is_again(change) && achieved(self.tools.config, change, now) == Some(true) {
            return Some((ActionResult::Skipped, "it is so already".to_owned()));
        }
        (!unchanged(&change.before, now)).then(|| {
            let message = format!("the plan expects {}, and it is {}", words(&change.before), words(now));
            (ActionResult::Blocked, message)
        })
    }

    /// The item that this action waits for and that did not succeed.
    fn blocker(&self, after: &[u32], results: &[ActionResult]) -> Option<String> {
        after.iter().find_map(|position| {
            let position = usize::try_from(*position).ok()?;
            match results.get(position) {
                Some(ActionResult::Success | ActionResult::Skipped) => None,
                _ => self.work.get(position).map(|work| work.change.item.to_string()),
            }
        })
    }

    /// Sends the files that a change needs and that Muster brings. Until all of them are there nothing else is changed.
    async fn send(&self, change: &Change, procedure: &Procedure) -> Result<(), SendError> {
        let environment = environment(self.computer);
        let Some((writer, agent)) = self.ways.writer() else { return Ok(()) };
        let to = Receiver { writer, agent, platform: platform(self.computer), environment: &environment };
        for payload in &procedure.sent {
            let progress = |done, total| {
                self.emit(Event::PayloadSending {
                    computer: self.computer.id.clone(),
                    sha256: payload.sha256.clone(),
                    file: payload.file_name.clone(),
                    done,
                    total,
                });
            };
            let software = change.item.name.as_str();
            self.tools.files.send(software, payload, to, &self.control, &progress).await?;
        }
        Ok(())
    }

    /// The bundle that makes a change and looks at its result.
    fn bundle(&self, procedure: &Procedure) -> Result<Bundle<Write>, secrets::SecretError> {
        let mut steps = Vec::new();
        for (number, invocation) in procedure.steps.iter().enumerate() {
            let values = secrets::values(&invocation.parameters, self.tools.secrets)?;
            let mut step = Step::change(
                format!("a{number}"),
                invocation.purpose.clone(),
                Arc::clone(&invocation.script),
                values,
            );
            step.environment = invocation.environment.clone();
            steps.push(step);
        }
        if self.needs_facts(&procedure.verify) {
            steps.push(collect::step(platform(self.computer)).in_change());
        }
        let looking = reading_steps("v", 0, &procedure.verify, self.tools.secrets)?;
        steps.extend(looking.into_iter().map(Step::in_change));
        let mut bundle = Bundle::new(platform(self.computer), steps, environment(self.computer));
        bundle.stop_on_failure = true;
        Ok(bundle)
    }

    /// Takes the lock that a change shares with others, if it has one, and says whether it had to wait for it; fails when the
    /// run is asked to stop meanwhile.
    async fn lock(&self, change: &Change) -> Result<(Option<Held>, bool), ()> {
        let Some(lock) = locks::lock_of(self.tools.config, &change.item) else { return Ok((None, false)) };
        let semaphore = self.locks.of(lock, self.computer.tenant.as_ref(), self.site.as_ref());
        if let Ok(held) = Arc::clone(&semaphore).try_acquire_owned() {
            return Ok((Some(held), false));
        }
        self.emit(Event::LockWaiting {
            computer: self.computer.id.clone(),
            item: change.item.clone(),
            lock: lock.name.clone(),
        });
        let mut control = self.control.clone();
        tokio::select! {
            biased;
            () = control.asked() => Err(()),
            held = semaphore.acquire_owned() => held.map(|held| (Some(held), true)).map_err(|_| ()),
        }
    }
}

/// Said where an action is put off as its item does not answer any more.
const UNSEEN: &str = "not begun: it could not be looked at again after what came before it";

/// Whether a change is made though what it brings about is there: it says nothing of the values that it was put there with,
/// whether the script that follows an install has run, nor whether somebody wants it repaired.
fn is_again(change: &Change) -> bool {
    change.reason == Reason::RepairRequested
        || change.action == ActionType::Finish
        || change.action == ActionType::Reinstall && change.before != Observed::Absent
}

/// Whether a change brings back what an earlier one has lost.
fn brings_back(change: &Change) -> bool {
    change.action == ActionType::Reinstall && change.before == Observed::Absent
}

fn millis(from: Timestamp, to: Timestamp) -> u64 {
    let took = Duration::try_from(to.duration_since(from)).unwrap_or_default();
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}
