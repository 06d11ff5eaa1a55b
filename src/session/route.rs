//! By which agents a computer is reached, and in which order.
//!
//! Agents that are online come first, those that are offline last; of the others those first whose answers come soon. What
//! only reads may run through two agents at once when the first one takes long, and the first answer counts. A change goes
//! to the next agent only when it is certain that nothing ran through the one before.
//!
//! Invariants: each attempt holds a permit of its provider's lane and nothing else, so that nobody waits for somebody who
//! waits; a change is never under way through two agents.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::Semaphore;

use super::script::{Bundle, BundleResult, Read, RunError, Write};
use crate::id::{AgentId, ComputerId, Name};
use crate::inventory::known::Presence;
use crate::inventory::snapshot::Computer;
use crate::provider::{Latency, Reader, Writer};

/// One agent of a computer, with what reaches it.
#[derive(Debug, Clone)]
pub(super) struct Way<'a> {
    /// The id under which the agent is remembered.
    pub(super) record: ComputerId,
    pub(super) agent: &'a AgentId,
    reader: &'a Reader,
    writer: Option<&'a Writer>,
    /// The lane of which each attempt holds a permit; `None` where the caller holds one.
    lane: Option<&'a Semaphore>,
}

/// All agents of a computer, the best first.
#[derive(Debug)]
pub(super) struct Ways<'a> {
    ways: Vec<Way<'a>>,
    /// The position of the one that answered last.
    answered: AtomicUsize,
}

impl<'a> Ways<'a> {
    /// The agents of a computer whose providers are there. Of one that was recognised over providers each attempt takes a
    /// permit of its own; of others the caller holds one.
    pub(super) fn of(
        computer: &'a Computer,
        links: impl Fn(&Name) -> Option<(&'a Reader, Option<&'a Writer>)>,
        lanes: &'a BTreeMap<Name, Semaphore>,
    ) -> Self {
        let routes = computer.routes();
        let way = |provider: &Name, agent: &'a AgentId, record: ComputerId, lane| {
            let (reader, writer) = links(provider)?;
            Some(Way { record, agent, reader, writer, lane })
        };
        let ways = if routes.is_empty() {
            way(&computer.provider, &computer.agent, computer.id.clone(), None).into_iter().collect()
        } else {
            let mut found: Vec<((u8, Latency), Way<'a>)> = Vec::new();
            for route in routes {
                let key = &route.key;
                let lane = lanes.get(&key.provider);
                if let Some(way) = way(&key.provider, &key.agent, key.computer(), lane) {
                    found.push(((rank(route.presence), way.reader.info().limits.latency), way));
                }
            }
            // Equal ones stay in their order.
            found.sort_by_key(|(rank, _)| *rank);
            found.into_iter().map(|(_, way)| way).collect()
        };
        Self { ways, answered: AtomicUsize::new(0) }
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.ways.is_empty()
    }

    /// The agent that answered last; before any did, the best one.
    pub(super) fn current(&self) -> Option<&Way<'a>> {
        self.ways.get(self.answered.load(Ordering::Relaxed))
    }

    /// The writing half of the provider of that agent.
    pub(super) fn writer(&self) -> Option<(&'a Writer, &'a AgentId)> {
        let way = self.current()?;
        Some((way.writer?, way.agent))
    }

    /// The positions, that of the agent that answered last first.
    fn order(&self) -> impl Iterator<Item = usize> + use<> {
        let current = self.answered.load(Ordering::Relaxed);
        std::iter::once(current).chain((0..self.ways.len()).filter(move |at| *at != current))
    }

    /// Runs what only reads, through the agent that answers first.
    pub(super) async fn detect(&self, bundle: &Bundle<Read>) -> Result<BundleResult, RunError> {
        let mut next = self.order().filter_map(|at| Some((at, self.ways.get(at)?))).peekable();
        let mut running = FuturesUnordered::new();
        let mut failed: Option<RunError> = None;
        loop {
            let patience = if running.is_empty() {
                Duration::ZERO
            } else {
                self.patience(next.peek().map(|(at, _)| *at))
            };
            if running.is_empty() && next.peek().is_none() {
                return Err(failed.unwrap_or_else(no_way));
            }
            tokio::select! {
                biased;
                Some((at, answer)) = running.next(), if !running.is_empty() => match answer {
                    Ok(result) => {
                        self.answered.store(at, Ordering::Relaxed);
                        return Ok(result);
                    }
                    // What the best one says is told.
                    Err(error) => failed = failed.or(Some(error)),
                },
                () = tokio::time::sleep(patience), if next.peek().is_some() => {
                    if let Some((at, way)) = next.next() {
                        running.push(async move { (at, way.detect(bundle).await) });
                    }
                }
            }
        }
    }

    /// How long the agents that were asked may take before the next one is asked as well.
    fn patience(&self, next: Option<usize>) -> Duration {
        let latency =
            self.ways.iter().take(next.unwrap_or(1).max(1)).map(|way| way.reader.info().limits.latency);
        Duration::from_secs(match latency.max() {
            Some(Latency::Interactive) | None => 10,
            Some(Latency::Seconds) => 30,
            Some(Latency::Minutes) => 180,
        })
    }

    /// Runs what may change the computer, through the agent that answered last; through the next one only when it is
    /// certain that nothing ran.
    pub(super) async fn change(&self, bundle: &Bundle<Write>) -> Result<BundleResult, RunError> {
        let mut failed: Option<RunError> = None;
        for at in self.order() {
            let Some(way) = self.ways.get(at) else { continue };
            match way.change(bundle).await {
                Ok(result) => {
                    self.answered.store(at, Ordering::Relaxed);
                    return Ok(result);
                }
                Err(error) if error.nothing_ran() => failed = failed.or(Some(error)),
                Err(error) => return Err(error),
            }
        }
        Err(failed.unwrap_or_else(no_way))
    }
}

impl Way<'_> {
    async fn detect(&self, bundle: &Bundle<Read>) -> Result<BundleResult, RunError> {
        let _permit = permit(self.lane).await;
        self.reader.detect(self.agent, bundle).await
    }

    async fn change(&self, bundle: &Bundle<Write>) -> Result<BundleResult, RunError> {
        let _permit = permit(self.lane).await;
        match self.writer {
            Some(writer) => writer.change(self.agent, bundle).await,
            None => Err(no_way()),
        }
    }
}

/// A permit of a lane. A semaphore that is never closed always grants it in the end.
async fn permit(lane: Option<&Semaphore>) -> Option<tokio::sync::SemaphorePermit<'_>> {
    match lane {
        Some(lane) => lane.acquire().await.ok(),
        None => None,
    }
}

const fn rank(presence: Presence) -> u8 {
    match presence {
        Presence::Online => 0,
        Presence::Unknown => 1,
        Presence::Offline => 2,
    }
}

fn no_way() -> RunError {
    RunError::Unreachable("no provider of it is available".to_owned())
}
