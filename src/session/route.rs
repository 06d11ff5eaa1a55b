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

use super::quiet::Alerts;
use super::script::{Bundle, BundleResult, Read, RunError, Write};
use crate::id::{AgentId, ComputerId, Name};
use crate::inventory::known::{AgentKey, Presence};
use crate::inventory::snapshot::Computer;
use crate::provider::updates::{ReadUpdates, StartUpdates};
use crate::provider::{Capability, Latency, Reader, Writer};

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
    /// Those whose providers know of updates, whether scripts run through them or not.
    updating: Vec<Way<'a>>,
    /// The agents whose systems can hold back their alerts, those included through which nothing runs.
    alerts: Vec<Alerts<'a>>,
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
        let mut alerts: Vec<Alerts<'a>> = Vec::new();
        let mut add = |provider: &Name, agent: &AgentId| {
            let mode = links(provider).and_then(|(_, writer)| writer?.maintenance());
            let key = AgentKey { provider: provider.clone(), agent: agent.clone() };
            alerts.extend(mode.map(|mode| Alerts { key, mode }));
        };
        if routes.is_empty() {
            add(&computer.provider, &computer.agent);
        }
        // One that is offline is spoken of as such already, and nothing could be started there.
        for route in routes.iter().filter(|route| route.presence != Presence::Offline) {
            add(&route.key.provider, &route.key.agent);
        }
        let updates = |way: &&Way<'a>| way.reader.updates().is_some();
        let mut updating = Vec::new();
        let ways: Vec<Way<'a>> = if routes.is_empty() {
            let ways = way(&computer.provider, &computer.agent, computer.id.clone(), None);
            updating.extend(ways.iter().filter(updates).cloned());
            ways.into_iter().collect()
        } else {
            let mut found: Vec<((u8, Latency), Way<'a>)> = Vec::new();
            for route in routes {
                let key = &route.key;
                let lane = lanes.get(&key.provider);
                if let Some(way) = way(&key.provider, &key.agent, key.computer(), lane) {
                    found.push(((route.presence.rank(), way.reader.info().limits.latency), way));
                }
            }
            updating.extend(found.iter().map(|(_, way)| way).filter(updates).cloned());
            // One that may not be used is left out; where none may be, it says so.
            let runs = |(_, way): &(_, Way<'_>)| !way.reader.info().without.contains(&Capability::RunScript);
            if found.iter().any(runs) {
                found.retain(runs);
            }
            // Equal ones stay in their order.
            found.sort_by_key(|(rank, _)| *rank);
            found.into_iter().map(|(_, way)| way).collect()
        };
        Self { ways, answered: AtomicUsize::new(0), updating, alerts }
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.ways.is_empty()
    }

    /// The agent that answered last; before any did, the best one.
    pub(super) fn current(&self) -> Option<&Way<'a>> {
        self.ways.get(self.answered.load(Ordering::Relaxed))
    }

    /// The agents whose systems can hold back their alerts.
    pub(super) fn alerts(&self) -> &[Alerts<'a>] {
        &self.alerts
    }

    /// The ids under which all of them are remembered.
    pub(super) fn records(&self) -> Vec<ComputerId> {
        self.ways.iter().map(|way| way.record.clone()).collect()
    }

    /// The writing half of the provider of that agent.
    pub(super) fn writer(&self) -> Option<(&'a Writer, &'a AgentId)> {
        let way = self.current()?;
        Some((way.writer?, way.agent))
    }

    /// The provider that knows of the computer's updates, both halves of it, with its id of the computer. Of several it is the
    /// first, so that who is asked is who starts them.
    pub(super) fn updates(&self) -> Option<(&'a dyn ReadUpdates, Option<&'a dyn StartUpdates>, &'a AgentId)> {
        let way = self.updating.first()?;
        Some((way.reader.updates()?, way.writer.and_then(Writer::updates), way.agent))
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
                // Through another agent it would run after what overtook it.
                Err(RunError::Overtaken) => return Err(RunError::Overtaken),
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

fn no_way() -> RunError {
    RunError::Unreachable("no provider of it is available".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::kind::{Faults, SimulatedSpec};
    use crate::inventory::known::Route;
    use crate::inventory::snapshot::Snapshot;
    use crate::inventory::snapshot::tests::{config, known};
    use crate::provider::simulated::Simulated;
    use crate::session::collect;
    use crate::session::detect::lanes;
    use crate::session::script::{Platform, Purpose, Step, Values};
    use crate::time::Limit;
    use std::sync::Arc;

    const FLEET: &str = "computers: [{ name: pc }]";

    /// The halves of a link with these faults.
    fn link(name: &str, faults: Faults) -> (Reader, Writer) {
        let spec = SimulatedSpec { faults: Some(faults), ..SimulatedSpec::default() };
        let name = Name::new(name).expect("a name");
        let fleet = Simulated::new(name, &spec, Some(FLEET), None).expect("a fleet");
        let fleet = Arc::new(fleet);
        let reader = Reader::new(Arc::clone(fleet.info()), Arc::clone(&fleet) as _, Arc::clone(&fleet) as _);
        (reader, Writer::new(Arc::clone(fleet.info()), fleet))
    }

    fn slow(delay: u64) -> Faults {
        Faults { slow: vec!["pc".to_owned()], delay: Some(Limit::seconds(delay)), ..Faults::default() }
    }

    fn away() -> Faults {
        Faults { unreachable: vec!["pc".to_owned()], ..Faults::default() }
    }

    /// Whether a change went through where the first of two links has these faults, and through which.
    async fn changed(first: Faults) -> Result<String, String> {
        let (a, b) = (link("a", first), link("b", Faults::default()));
        let lanes = lanes([&a, &b].into_iter().map(|(reader, _)| reader.info()));
        let mut one = known("a", "pc", "pc", None);
        let route = |provider: &str| Route {
            key: AgentKey { provider: Name::new(provider).expect("a name"), agent: AgentId::new("pc") },
            presence: Presence::Online,
        };
        one.agents = Some(Box::new([route("a"), route("b")]));
        let (snapshot, _) = Snapshot::build(&config(), [one], BTreeMap::new());
        let find = |name: &Name| {
            let (reader, writer) = if name.as_str() == "a" { &a } else { &b };
            Some((reader, Some(writer)))
        };
        let ways = Ways::of(snapshot.computer(0), find, &lanes);
        let purpose = Purpose::InstallSoftware { software: "tool".to_owned(), version: Some("1".to_owned()) };
        let script = Arc::new(collect::script(Platform::Posix));
        let steps = vec![Step::change("install", purpose, script, Values::new())];
        let answer = ways.change(&Bundle::new(Platform::Posix, steps, BTreeMap::new())).await;
        let through = ways.current().map(|way| way.record.to_string()).unwrap_or_default();
        answer.map(|_| through).map_err(|error| error.to_string())
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_goes_to_the_next_agent_only_when_nothing_ran() {
        assert_eq!(changed(Faults::default()).await.as_deref(), Ok("a/pc"));
        assert_eq!(changed(away()).await.as_deref(), Ok("b/pc"));
        let cut = Faults { cut_off: vec!["pc".to_owned()], ..Faults::default() };
        assert!(changed(cut).await.is_err(), "what became of it is not known, so it is not made twice");
    }

    /// Which of two links answers, and after how long, where the first one is as `presence` says.
    async fn answered(first: Faults, second: Faults, presence: Presence) -> (Option<String>, Duration) {
        let links = BTreeMap::from([
            (Name::new("a").expect("a name"), link("a", first)),
            (Name::new("b").expect("a name"), link("b", second)),
        ]);
        let lanes = lanes(links.values().map(|(reader, _)| reader.info()));
        let route = |provider: &str, presence| Route {
            key: AgentKey { provider: Name::new(provider).expect("a name"), agent: AgentId::new("pc") },
            presence,
        };
        let mut one = known("a", "pc", "pc", None);
        one.agents = Some(Box::new([route("a", presence), route("b", Presence::Unknown)]));
        let (snapshot, _) = Snapshot::build(&config(), [one], BTreeMap::new());
        let find = |name: &Name| links.get(name).map(|(reader, writer)| (reader, Some(writer)));
        let ways = Ways::of(snapshot.computer(0), find, &lanes);
        let bundle = Bundle::new(Platform::Posix, vec![collect::step(Platform::Posix)], BTreeMap::new());
        let began = tokio::time::Instant::now();
        let answer = ways.detect(&bundle).await;
        let took = began.elapsed();
        assert!(lanes.values().all(|lane| lane.available_permits() > 0));
        (answer.ok().and(ways.current()).map(|way| way.record.to_string()), took)
    }

    #[tokio::test(start_paused = true)]
    async fn the_best_agent_is_asked_first_and_the_next_one_when_it_fails_or_takes_long() {
        let seconds = |took: Duration| took.as_secs();
        let (who, _) = answered(Faults::default(), Faults::default(), Presence::Online).await;
        assert_eq!(who.as_deref(), Some("a/pc"));
        let (who, _) = answered(Faults::default(), Faults::default(), Presence::Offline).await;
        assert_eq!(who.as_deref(), Some("b/pc"), "one that is offline comes last");
        let (who, took) = answered(away(), Faults::default(), Presence::Online).await;
        assert_eq!((who.as_deref(), seconds(took)), (Some("b/pc"), 0), "it failed");
        let (who, took) = answered(slow(60), Faults::default(), Presence::Online).await;
        assert_eq!((who.as_deref(), seconds(took)), (Some("b/pc"), 10), "it takes long");
        let (who, took) = answered(slow(12), slow(60), Presence::Online).await;
        assert_eq!((who.as_deref(), seconds(took)), (Some("a/pc"), 12), "the first answer counts");
        let (who, _) = answered(away(), away(), Presence::Online).await;
        assert_eq!(who, None);
    }
}
