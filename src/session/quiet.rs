//! Holding back the alerts of a computer while it is changed, and letting them through again (SES-19).
//!
//! All agents count whose system can do that, whichever of them the session runs through: the alerts are that system's.
//!
//! Not here: what follows from what is found (`maintenance`).
//!
//! Guarantees: a switch is written down before it is made (L11). A session goes on where a mode cannot be switched on: it is a
//! courtesy to those who read alerts, no safety. What could not be put back is kept for the next run, which tries again.

use std::time::Duration;

use futures_util::StreamExt as _;

use super::control::{Control, Demand};
use super::event::Event;
use super::maintenance::{Kept, Maintenance, MaintenanceRecord, Next};
use crate::id::{AgentId, ComputerId, SessionId};
use crate::inventory::known::AgentKey;
use crate::provider::maintenance::MaintenanceMode;
use crate::store::{Store, StoreError};
use crate::time::Clock;

/// How often putting back is tried before it is left to the next run.
const TRIES: u32 = 3;
/// How long the first pause between two tries is; each one is twice as long as the one before.
const PAUSE: Duration = Duration::from_secs(2);
/// How many computers are put back at once after a killed run.
const AT_ONCE: usize = 16;

/// An agent whose system can hold back its alerts.
#[derive(Debug, Clone)]
pub(super) struct Alerts<'a> {
    pub(super) key: AgentKey,
    pub(super) mode: &'a dyn MaintenanceMode,
}

/// What switching and putting back use.
#[derive(Clone, Copy)]
pub(super) struct Desk<'a> {
    pub(super) store: &'a dyn Store,
    pub(super) clock: &'a dyn Clock,
    pub(super) events: &'a (dyn Fn(Event) + Sync),
}

impl Desk<'_> {
    /// Switches the mode on if it is off, and says what is to be put back; `None` where it was on before, or is not touched.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written down; then nothing was switched.
    pub(super) async fn hold_back(
        self,
        alerts: &Alerts<'_>,
        session: &SessionId,
        (computer, name): (&ComputerId, &str),
        control: &mut Control,
    ) -> Result<Option<MaintenanceRecord>, StoreError> {
        let mut record = MaintenanceRecord {
            session: session.clone(),
            agent: alerts.key.clone(),
            computer: computer.clone(),
            name: name.to_owned(),
            kept: Kept::ToPutBack,
            mark: None,
            // Until there is an answer; a killed run leaves it so.
            message: Some("it is not known what became of the switch".to_owned()),
            begun: self.clock.now(),
            ended: None,
        };
        let agent: &AgentId = &alerts.key.agent;
        let answer = match alerts.mode.found(agent).await {
            Ok(Maintenance::On { .. }) => return Ok(None),
            Ok(Maintenance::Off) => {
                self.store.put_maintenance(&record).await?;
                tokio::select! {
                    biased;
                    answer = alerts.mode.switch(agent, true) => answer,
                    () = control.asked() => {
                        // It stays written down, and is put back at the session's end.
                        record.message = Some("the run was asked to stop while it was switched on".to_owned());
                        self.store.put_maintenance(&record).await?;
                        return Ok(Some(record));
                    }
                }
            }
            Err(error) => {
                // Nothing was asked for yet.
                record.switched(Err(crate::provider::RunError::Unreachable(error.to_string())), record.begun);
                self.store.put_maintenance(&record).await?;
                self.failed(&record, true);
                return Ok(None);
            }
        };
        let is_on = answer.is_ok();
        record.switched(answer, self.clock.now());
        self.store.put_maintenance(&record).await?;
        if is_on {
            (self.events)(Event::MaintenanceBegun {
                computer: record.computer.clone(),
                provider: record.agent.provider.clone(),
            });
        } else {
            self.failed(&record, true);
        }
        Ok(record.is_open().then_some(record))
    }

    /// Puts a mode back, if that is still to be done; tries `tries` times.
    ///
    /// # Errors
    /// [`StoreError`] when the outcome cannot be written down.
    async fn put_back(
        self,
        mode: &dyn MaintenanceMode,
        mut record: MaintenanceRecord,
        tries: u32,
    ) -> Result<(), StoreError> {
        let agent = record.agent.agent.clone();
        let mut pause = PAUSE;
        for attempt in 1..=tries.max(1) {
            let answer = match mode.found(&agent).await {
                Err(error) => Err(error),
                Ok(found) => match record.next(&found, self.clock.now()) {
                    Next::Switch => mode.switch(&agent, false).await.map(|_| None),
                    Next::Nothing => Ok(None),
                    Next::Theirs => Ok(Some("it was set anew meanwhile, and stays on")),
                    Next::Wait => {
                        self.failed(&record, false);
                        return Ok(());
                    }
                },
            };
            match answer {
                Ok(message) => {
                    record.done(message, self.clock.now());
                    self.store.put_maintenance(&record).await?;
                    (self.events)(Event::MaintenanceEnded {
                        computer: record.computer.clone(),
                        provider: record.agent.provider.clone(),
                    });
                    return Ok(());
                }
                Err(_) if attempt < tries => {
                    tokio::time::sleep(pause).await;
                    pause = pause.saturating_mul(2);
                }
                Err(error) => {
                    record.failed(error.to_string(), self.clock.now());
                    self.store.put_maintenance(&record).await?;
                    self.failed(&record, false);
                }
            }
        }
        Ok(())
    }

    /// Puts back what a session has switched on, all at once. A run that was asked to stop tries only once.
    ///
    /// # Errors
    /// [`StoreError`] when an outcome cannot be written down.
    pub(super) async fn let_through(
        self,
        held: Vec<(Alerts<'_>, MaintenanceRecord)>,
        control: &Control,
    ) -> Result<(), StoreError> {
        let tries = if control.demand() == Demand::Run { TRIES } else { 1 };
        let all = held
            .into_iter()
            .map(|(alerts, record)| async move { self.put_back(alerts.mode, record, tries).await });
        futures_util::future::try_join_all(all).await.map(drop)
    }

    /// Puts back what earlier runs have left, each once; what fails is left to the next run. `mode` finds who switches it.
    ///
    /// # Errors
    /// [`StoreError`] when the journal cannot be read or written.
    pub(super) async fn recover<'m>(
        self,
        mode: impl Fn(&AgentKey) -> Option<&'m dyn MaintenanceMode>,
        control: &Control,
    ) -> Result<(), StoreError> {
        let left = self.store.open_maintenance().await?;
        let one = |mut record: MaintenanceRecord| {
            let mode = mode(&record.agent);
            async move {
                if let Some(mode) = mode {
                    return self.put_back(mode, record, 1).await;
                }
                let provider = &record.agent.provider;
                // Another revision may have it again.
                let why = format!("no provider {provider} is there any more that switches it");
                record.failed(why, self.clock.now());
                self.store.put_maintenance(&record).await?;
                self.failed(&record, false);
                Ok(())
            }
        };
        let mut stop = control.clone();
        let mut all = std::pin::pin!(futures_util::stream::iter(left).map(one).buffer_unordered(AT_ONCE));
        loop {
            tokio::select! {
                biased;
                () = stop.asked() => return Ok(()),
                next = all.next() => match next {
                    None => return Ok(()),
                    Some(done) => done?,
                },
            }
        }
    }

    fn failed(self, record: &MaintenanceRecord, on: bool) {
        (self.events)(Event::MaintenanceFailed {
            computer: record.computer.clone(),
            name: record.name.clone(),
            provider: record.agent.provider.clone(),
            on,
            why: record.message.clone().unwrap_or_default(),
        });
    }
}
