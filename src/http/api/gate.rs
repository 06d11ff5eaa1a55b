//! Lets requests to a link through: not too many at once, not too fast, and none while it is left alone.
//!
//! Not here: the rules (`bucket`, `health`).
//!
//! Invariants: a request that waits gives up when its call may not wait any longer; a request that is given up frees what it
//! held; every change of the link's health is told once.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tokio::time::Instant;

use super::bucket::{Bucket, Rate};
use super::error::Fault;
use super::health::{Health, Outcome, Permit, State};

/// How a link is, for whoever watches it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The link's name.
    pub link: String,
    /// How it is.
    pub state: State,
    /// What was last wrong with it; nothing when it is healthy.
    pub why: Option<String>,
}

#[derive(Debug)]
pub(super) struct Gate {
    started: Instant,
    room: Semaphore,
    bucket: Mutex<Bucket>,
    health: Mutex<Health>,
    told: watch::Sender<Condition>,
    link: String,
}

/// The right to send one request.
#[derive(Debug)]
pub(super) struct Pass<'a> {
    gate: &'a Gate,
    _room: SemaphorePermit<'a>,
    is_probe: bool,
    is_open: bool,
}

impl Gate {
    pub(super) fn new(link: &str, rate: Rate, concurrency: u32) -> Self {
        let well = Condition { link: link.to_owned(), state: State::Healthy, why: None };
        let room = usize::try_from(concurrency.max(1)).unwrap_or(usize::MAX);
        Self {
            started: Instant::now(),
            room: Semaphore::new(room.min(Semaphore::MAX_PERMITS)),
            bucket: Mutex::new(Bucket::new(rate)),
            health: Mutex::default(),
            told: watch::Sender::new(well),
            link: link.to_owned(),
        }
    }

    pub(super) fn watch(&self) -> watch::Receiver<Condition> {
        self.told.subscribe()
    }

    pub(super) fn lower(&self, rate: Rate) {
        locked(&self.bucket).lower(rate);
    }

    pub(super) fn pause(&self, length: Duration) {
        locked(&self.bucket).pause(self.now(), length);
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// Waits until a request may go.
    pub(super) async fn enter(&self, deadline: Instant) -> Result<Pass<'_>, Fault> {
        // Nobody stands in line for a link that is left alone.
        if let Permit::No(wait) = self.peek() {
            return Err(self.open(wait));
        }
        let limited = |wait: Duration| Fault::Limited { after: Some(wait.as_secs().max(1)), said: None };
        let room = tokio::time::timeout_at(deadline, self.room.acquire()).await;
        let Ok(Ok(room)) = room else {
            return Err(limited(Duration::from_secs(1)));
        };
        let patience = deadline.saturating_duration_since(Instant::now());
        let wait = locked(&self.bucket).take(self.now(), patience).map_err(limited)?;
        tokio::time::sleep(wait).await;
        // Somebody may have been told to slow down meanwhile.
        loop {
            let left = locked(&self.bucket).pause_left(self.now());
            if left.is_zero() {
                break;
            }
            if left > deadline.saturating_duration_since(Instant::now()) {
                return Err(limited(left));
            }
            tokio::time::sleep(left).await;
        }
        let permit = locked(&self.health).ask(self.now());
        match permit {
            Permit::No(wait) => Err(self.open(wait)),
            Permit::Yes | Permit::Probe => {
                Ok(Pass { gate: self, _room: room, is_probe: permit == Permit::Probe, is_open: true })
            }
        }
    }

    /// Whether a request might go, without being the one that finds out.
    fn peek(&self) -> Permit {
        let mut health = locked(&self.health);
        let permit = health.ask(self.now());
        if permit == Permit::Probe {
            health.abandon();
        }
        permit
    }

    fn open(&self, wait: Duration) -> Fault {
        Fault::Open { failures: locked(&self.health).failures(), seconds: wait.as_secs().max(1) }
    }
}

impl Pass<'_> {
    /// Tells what came of the request.
    pub(super) fn done(mut self, outcome: Outcome, why: impl FnOnce() -> String) {
        self.is_open = false;
        let changed = locked(&self.gate.health).note(self.gate.now(), outcome, self.is_probe);
        if let Some(state) = changed {
            let before = self.gate.told.borrow().state;
            let why = (state != State::Healthy && outcome != Outcome::Answered).then(why);
            self.gate.told.send_modify(|condition| {
                condition.state = state;
                // A link on its way back keeps what was wrong with it.
                if state == State::Healthy || why.is_some() {
                    condition.why = why;
                }
            });
            let link = &self.gate.link;
            // That a link is left alone, and that it is back, is for everybody; the rest for whoever looks closer.
            if before == State::Unhealthy {
                tracing::warn!("{link} answers again");
            } else if state == State::Unhealthy {
                tracing::warn!("{}", self.gate.told.borrow().notice());
            } else {
                tracing::info!("{}", self.gate.told.borrow().notice());
            }
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if self.is_open && self.is_probe {
            locked(&self.gate.health).abandon();
        }
    }
}

/// Whoever held the lock did not panic in the middle of a change: these are plain numbers.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
