//! Runs the sessions of a plan: many computers at once under the limits, one session per computer, until it is done or
//! told to stop.
//!
//! Not here: what a session does (`execute`), the lock and the choice of plan (`cli`).
//!
//! Guarantees: every session of the plan has an outcome, or is counted as under way when the run was stopped, or as not
//! begun; a failure of the journal stops the
//! run, because nothing may be done that is not written down (L11).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::StreamExt;

use super::control::{Control, Demand};
use super::detect::lanes;
use super::event::{Event, RunCounts};
use super::execute::{Session, SessionOutcome, Tools, Work};
use super::locks::{self, Locks};
use super::redact::Redactor;
use super::route::Ways;
use super::stage::SessionStatus;
use crate::config::kind::LockScope;
use crate::id::{Name, RunId, SessionId};
use crate::inventory::snapshot::Snapshot;
use crate::plan::document::{Plan, PlannedSession};
use crate::plan::interpret::Interpreter;
use crate::plan::payloads::Machine;
use crate::plan::procedures::procedure;
use crate::provider::{Reader, Writer};
use crate::store::{RunRecord, StoreError};

/// Both halves of a provider, as apply holds them.
#[derive(Debug, Clone)]
pub struct Link {
    /// Looks.
    pub reader: Reader,
    /// Changes.
    pub writer: Writer,
}

impl Link {
    /// The same provider, through which no script runs.
    #[must_use]
    pub fn without_scripts(self) -> Self {
        Self { reader: self.reader.without_scripts(), writer: self.writer.without_scripts() }
    }
}

/// Everything a run uses.
pub struct Dispatcher<'a> {
    /// What every session uses.
    pub tools: Tools<'a>,
    /// The computers, from the snapshot that the plan was made on.
    pub snapshot: &'a Snapshot,
    /// The providers.
    pub links: &'a BTreeMap<Name, Link>,
    /// Computers at once, over all providers.
    pub concurrency: usize,
    /// Makes ids that sort by time.
    pub session_id: &'a (dyn Fn() -> SessionId + Sync),
}

impl std::fmt::Debug for Dispatcher<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dispatcher").field("concurrency", &self.concurrency).finish_non_exhaustive()
    }
}

/// How a run went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunOutcome {
    /// Sessions and actions by their end; they add up to the plan's.
    pub counts: RunCounts,
    /// Whether the run was told to stop.
    pub interrupted: bool,
}

impl Dispatcher<'_> {
    /// Runs the plan.
    ///
    /// # Errors
    /// [`StoreError`] when something could not be written down. Sessions that ran at that moment are dropped, as if the
    /// process had been killed: the next run detects what they did.
    pub async fn run(
        &self,
        run: &RunRecord,
        plan: &Plan,
        control: &Control,
    ) -> Result<RunOutcome, StoreError> {
        self.tools.store.begin_run(run).await?;
        (self.tools.events)(Event::RunStarted {
            run: run.id.clone(),
            plan: plan.digest.clone(),
            computers: plan.sessions.len() as u64,
            actions: plan.sessions.iter().map(|session| session.actions.len() as u64).sum(),
        });
        let mut outcome = RunOutcome::default();
        let lanes = lanes(self.links.values().map(|link| link.reader.info()));
        let interpreter = Interpreter::new(self.tools.config);
        let locks = Locks::default();
        let redactor =
            Redactor::of(self.tools.config, |reference| self.tools.secrets.resolve(reference).ok());
        let mut stop = control.clone();
        let (begun, mut ended_sessions) = (AtomicU64::new(0), 0_u64);
        {
            let mut ended = std::pin::pin!(
                futures_util::stream::iter(&plan.sessions)
                    .map(|planned| self.one(
                        &run.id,
                        (plan, planned),
                        control,
                        (&lanes, &locks, &begun),
                        (&interpreter, &redactor)
                    ))
                    .buffer_unordered(self.concurrency.max(1))
            );
            loop {
                tokio::select! {
                    biased;
                    () = stop.stopped() => break,
                    next = ended.next() => match next {
                        None => break,
                        Some(session) => {
                            let session = session?;
                            ended_sessions += u64::from(session.is_some());
                            count(&mut outcome, session);
                        }
                    },
                }
            }
        }
        let actions: usize = plan.sessions.iter().map(|session| session.actions.len()).sum();
        if control.demand() == Demand::Stop {
            let under_way = begun.load(Ordering::Relaxed).saturating_sub(ended_sessions);
            outcome.counts.stopped(under_way, plan.sessions.len() as u64, actions as u64);
        }
        outcome.interrupted = control.demand() != Demand::Run;
        if control.demand() != Demand::Stop {
            self.tools.store.end_run(&run.id, self.tools.clock.now()).await?;
        }
        if outcome.interrupted {
            let done = outcome
                .counts
                .sessions()
                .saturating_sub(outcome.counts.not_finished.saturating_add(outcome.counts.under_way));
            (self.tools.events)(Event::Checkpoint {
                done,
                left: (plan.sessions.len() as u64).saturating_sub(done),
            });
        }
        (self.tools.events)(Event::RunFinished { run: run.id.clone(), counts: outcome.counts.clone() });
        Ok(outcome)
    }

    async fn one(
        &self,
        run: &RunId,
        (plan, planned): (&Plan, &PlannedSession),
        control: &Control,
        (lanes, locks, begun): (&BTreeMap<Name, tokio::sync::Semaphore>, &Locks, &AtomicU64),
        (interpreter, redactor): (&Interpreter<'_>, &Redactor),
    ) -> Result<Option<SessionOutcome>, StoreError> {
        let computer = usize::try_from(planned.computer)
            .ok()
            .and_then(|at| plan.computers.get(at))
            .and_then(|planned| self.snapshot.position(&planned.id));
        // A plan that was made on this snapshot has all of them; without one there is nothing to run against.
        let Some(position) = computer else { return Ok(None) };
        let computer = self.snapshot.computer(position);
        let link = |provider: &Name| {
            let link = self.links.get(provider)?;
            Some((&link.reader, Some(&link.writer)))
        };
        let ways = Ways::of(computer, link, lanes);
        if ways.is_empty() {
            return Ok(None);
        }
        let _permit = match lanes.get(&computer.provider) {
            Some(lane) if computer.routes().is_empty() => lane.acquire().await.ok(),
            Some(_) | None => None,
        };
        if control.demand() != Demand::Run {
            return Ok(None);
        }
        let platform = super::detect::platform(computer);
        let machine = Machine::of(self.snapshot, position);
        let work: Vec<Work<'_>> = planned
            .actions
            .iter()
            .filter_map(|action| {
                let change = plan.changes.get(usize::try_from(action.change).ok()?)?;
                Some(Work {
                    change,
                    after: &action.after,
                    procedure: procedure(self.tools.config, change, platform, machine),
                })
            })
            .collect();
        let at_sites = |work: &Work<'_>| {
            locks::lock_of(self.tools.config, &work.change.item)
                .is_some_and(|lock| lock.scope == LockScope::Site)
        };
        let site = if work.iter().any(at_sites) {
            let site = self.snapshot.related().site_of(position, &computer.provider);
            site.map(|site| (computer.provider.clone(), site.to_owned()))
        } else {
            None
        };
        let session = Session {
            tools: self.tools,
            run: run.clone(),
            id: (self.session_id)(),
            computer,
            ways,
            work,
            control: control.clone(),
            interpreter,
            locks,
            site,
            redactor: redactor.clone(),
            held: None,
        };
        begun.fetch_add(1, Ordering::Relaxed);
        session.run().await.map(Some)
    }
}

fn count(outcome: &mut RunOutcome, session: Option<SessionOutcome>) {
    let Some(session) = session else {
        outcome.counts.session(SessionStatus::Cancelled);
        return;
    };
    outcome.counts.session(session.status);
    for result in &session.results {
        outcome.counts.action(*result);
    }
}
