//! Finding out on which computers agents are, before anything is planned.
//!
//! Agents of which nothing is known yet are sent the collector alone (IDN-19); then it is decided (`inventory::identify`),
//! and what was decided is remembered.
//!
//! Not here: the decision, and what is known of the computers that came of it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Preparation, Wish};
use crate::diagnostic::Findings;
use crate::id::{ComputerId, Name};
use crate::inventory::identify::{Cause, Memory, Resolution, Why};
use crate::inventory::known::{AgentKey, Known, Presence};
use crate::inventory::recognise::{self, Recognised};
use crate::inventory::relations::Relations;
use crate::inventory::snapshot::Snapshot;
use crate::plan::detections::Detections;
use crate::plan::needs::{Need, Refresh};
use crate::session::stage::SessionStatus;
use crate::store::{StoreError, StoredComputer};

/// The agents of all links, and the computers that they are on.
#[derive(Debug, Default)]
pub(super) struct Fleet {
    /// One for each agent, sorted by id.
    pub(super) agents: Vec<Known>,
    /// The computers, sorted by id.
    pub(super) known: Vec<Known>,
    /// Who is where, and who waits.
    pub(super) resolution: Resolution,
    /// As they were remembered before, for those that are not listed any more.
    stored: Vec<StoredComputer>,
    before: Memory,
    /// Computers that were wiped and are being onboarded again.
    onboarding: BTreeSet<ComputerId>,
    /// Whether any provider's computers may be those of another.
    pub(super) recognises: bool,
}

/// Where failing providers are, what computers belong to, and what is looked at again.
#[derive(Clone, Copy)]
pub(super) struct Round<'a> {
    pub(super) failed: &'a BTreeMap<Name, String>,
    pub(super) relations: &'a Relations,
    /// Agents that are asked whatever is known of them.
    pub(super) again: &'a BTreeSet<AgentKey>,
}

impl Preparation<'_> {
    /// Finds out on which computers the agents are. Where that is not known yet and somebody may be asked, it asks.
    pub(super) async fn identify(
        &self,
        wish: &Wish,
        agents: Vec<Known>,
        stored: Vec<StoredComputer>,
        round: Round<'_>,
    ) -> Result<Fleet, StoreError> {
        let recognises = !recognise::recognising(self.config).is_empty();
        if !recognises {
            return Ok(Fleet { known: agents.clone(), agents, ..Fleet::default() });
        }
        let before = self.store.identification().await?;
        let mut fleet = Fleet { agents, stored, before, recognises, ..Fleet::default() };
        self.recognise(&mut fleet);
        if !wish.offline && wish.refresh != Refresh::Never {
            let asked = self.unidentified(&fleet, round);
            if !asked.is_empty() {
                self.ask(wish, &mut fleet, &asked, round).await?;
                self.recognise(&mut fleet);
            }
        }
        if !wish.offline {
            self.remember(&fleet).await?;
        }
        self.onboard_again(&mut fleet).await?;
        Ok(fleet)
    }

    /// Decides anew, by what is known of the agents now.
    pub(super) fn recognise(&self, fleet: &mut Fleet) {
        if !fleet.recognises {
            fleet.known.clone_from(&fleet.agents);
            return;
        }
        let now = self.clock.now();
        let Recognised { known, resolution } =
            recognise::recognise(self.config, &fleet.agents, &fleet.stored, &fleet.before, now);
        fleet.known = known;
        fleet.resolution = resolution;
        fleet.mark();
    }

    /// Remembers what was decided, where that is something else than before.
    pub(super) async fn remember(&self, fleet: &Fleet) -> Result<(), StoreError> {
        let change = fleet.resolution.memory.since(&fleet.before);
        if fleet.recognises && !change.is_empty() {
            self.store.put_identification(&change).await?;
        }
        Ok(())
    }

    /// The agents that can be asked and of which nothing is known, and those that are to be asked again.
    fn unidentified(&self, fleet: &Fleet, round: Round<'_>) -> Vec<Known> {
        let is_open = |key: &AgentKey| {
            let why = fleet.resolution.waiting.get(key).map(|waiting| &waiting.why);
            match why {
                Some(Why::NotAsked) => true,
                Some(Why::Failed(cause)) => *cause != Cause::Unsupported,
                Some(Why::NoIdentity(_) | Why::Asked { .. }) | None => false,
            }
        };
        let wanted = fleet.agents.iter().filter(|known| {
            let key = recognise::key(known);
            let can = known.presence != Presence::Offline && !round.failed.contains_key(&known.provider);
            can && (is_open(&key) || round.again.contains(&key))
        });
        wanted.cloned().collect()
    }

    /// Sends these agents the collector, and remembers what came back.
    async fn ask(
        &self,
        wish: &Wish,
        fleet: &mut Fleet,
        asked: &[Known],
        round: Round<'_>,
    ) -> Result<(), StoreError> {
        let (snapshot, _) = Snapshot::build(self.config, asked.iter().cloned(), BTreeMap::new());
        let snapshot = snapshot.with_relations(self.config, round.relations);
        let scope = self.scope(&wish.only, &snapshot, &mut Findings::new());
        let scope = scope.map_or_else(|| snapshot.all().clone(), |scope| scope.possible);
        let needs: Vec<Need> =
            scope.iter().map(|computer| Need { computer, probes: Vec::new(), facts: true }).collect();
        let found = self.detect(&snapshot, &needs).await;
        let mut none = Detections::new(&snapshot, Vec::new());
        self.keep(&found, round.relations, &mut fleet.agents, &mut none).await
    }

    /// Computers that were wiped are being onboarded until a session on them went well (IDN-23).
    async fn onboard_again(&self, fleet: &mut Fleet) -> Result<(), StoreError> {
        for (id, computer) in &fleet.resolution.memory.computers {
            let Some(began) = computer.began else { continue };
            let sessions = self.store.sessions(Some(id), 20).await?;
            if !sessions.iter().any(|one| one.started >= began && one.status == SessionStatus::Passed) {
                fleet.onboarding.insert(id.clone());
            }
        }
        fleet.mark();
        Ok(())
    }
}

impl Fleet {
    /// Says of the computers that were wiped that they are being onboarded.
    fn mark(&mut self) {
        for known in &mut self.known {
            known.onboarding = self.onboarding.contains(&known.id);
        }
    }

    /// Whether something that was found out then still counts.
    pub(super) fn counts(&self, computer: &ComputerId, at: crate::time::Timestamp) -> bool {
        self.resolution.memory.began(computer).is_none_or(|began| at >= began)
    }
}
