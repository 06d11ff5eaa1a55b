//! Finding out on which computers agents are, before anything is planned.
//!
//! Agents of which nothing is known yet are sent the collector alone (IDN-19); then it is decided (`inventory::identify`),
//! and what was decided is remembered.
//!
//! Not here: the decision, and what is known of the computers that came of it.

use std::collections::{BTreeMap, BTreeSet};

use roaring::RoaringBitmap;

use super::{Heard, Preparation, Wish};
use crate::diagnostic::Findings;
use crate::id::{ComputerId, Name};
use crate::inventory::identify::{Cause, Memory, Resolution, Why};
use crate::inventory::known::{AgentKey, Known, Presence};
use crate::inventory::queries::Queries;
use crate::inventory::recognise::{self, Recognised};
use crate::inventory::relations::Relations;
use crate::inventory::snapshot::Snapshot;
use crate::plan::detections::Detections;
use crate::plan::needs::{Need, Refresh};
use crate::session::stage::SessionStatus;
use crate::store::{StoreError, StoredComputer};
use crate::targets;

/// The agents of all links, and the computers that they are on.
#[derive(Debug, Default)]
pub(super) struct Fleet {
    /// One for each agent, sorted by id.
    pub(super) agents: Vec<Known>,
    /// The computers, sorted by id, where they are not the agents themselves.
    known: Vec<Known>,
    /// Who is where, and who waits.
    pub(super) resolution: Resolution,
    /// As they were remembered before, for those that are not listed any more.
    stored: Vec<StoredComputer>,
    before: Memory,
    /// Computers that were wiped and are being onboarded again.
    onboarding: BTreeSet<ComputerId>,
    /// Whether any provider's computers may be those of another.
    recognises: bool,
}

/// The computers and the agents on them, and the agents that wait.
#[derive(Debug)]
pub struct Looked {
    /// One for each agent, sorted by the ids under which they are remembered.
    pub agents: Vec<Known>,
    /// The computers.
    pub snapshot: Snapshot,
    /// Who is where, and who waits.
    pub resolution: Resolution,
    /// The computers that the run is limited to; `None` for all.
    pub limit: Option<RoaringBitmap>,
    /// Findings about the computers and the scope.
    pub findings: Findings,
    /// Providers without a complete list.
    pub failed: BTreeMap<Name, String>,
}

impl Looked {
    /// Whether a source failed, or said less than is believed (L3).
    #[must_use]
    pub fn has_failed_source(&self) -> bool {
        let related = self.snapshot.related();
        !self.failed.is_empty() || !related.failed().is_empty() || !related.doubts().is_empty()
    }
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
    /// Lists, finds out on which computers the agents are, and nothing else.
    ///
    /// # Errors
    /// [`StoreError`] when what is remembered cannot be read or written.
    pub async fn look(&self, wish: &Wish) -> Result<Looked, StoreError> {
        let Heard { known, stored, failed, mut relations, mut kept, doubted, .. } = self.hear(wish).await?;
        let round = Round { failed: &failed, relations: &relations, again: &wish.identify };
        let fleet = self.identify(wish, known, stored, round).await?;
        let queries = Queries {
            config: self.config,
            host: (!wish.offline).then_some(self.host),
            wanted: &targets::query::scripts(self.config, &wish.only),
            before: &kept.clone(),
            doubted: &doubted,
            accepted: &wish.accepted,
            now: self.clock.now(),
        };
        let (snapshot, mut findings) =
            self.snapshot(fleet.known(), &failed, &mut relations, &queries, &mut kept).await?;
        let limit = self.scope(&wish.only, &snapshot, &mut findings).map(|scope| scope.certain);
        let Fleet { agents, resolution, .. } = fleet;
        Ok(Looked { agents, snapshot, resolution, limit, findings, failed })
    }

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
            return Ok(Fleet { agents, ..Fleet::default() });
        }
        let before = self.store.identification().await?;
        let mut fleet = Fleet { agents, stored, before, recognises, ..Fleet::default() };
        _ = self.recognise(&mut fleet);
        if !wish.offline && wish.refresh != Refresh::Never {
            let asked = Self::unidentified(&fleet, round, wish.identify_alone);
            if !asked.is_empty() {
                self.ask(wish, &mut fleet, &asked, round).await?;
                // What the lists alone decided stands, unless what came back speaks against it.
                let by_lists = fleet.resolution.memory.clone();
                let before = std::mem::replace(&mut fleet.before, by_lists);
                _ = self.recognise(&mut fleet);
                fleet.before = before;
            }
        }
        if !wish.offline {
            self.remember(&mut fleet).await?;
        }
        self.onboard_again(&mut fleet).await?;
        Ok(fleet)
    }

    /// Decides anew, by what is known of the agents now. Whether there are other computers than before, or some that were
    /// wiped: then positions in an earlier snapshot mean nothing any more.
    pub(super) fn recognise(&self, fleet: &mut Fleet) -> bool {
        if !fleet.recognises {
            return false;
        }
        let now = self.clock.now();
        let Recognised { known, resolution } =
            recognise::recognise(self.config, &fleet.agents, &fleet.stored, &fleet.before, now);
        let ids = |known: &[Known]| known.iter().map(|one| one.id.clone()).collect::<Vec<_>>();
        let generations = |resolution: &Resolution| {
            let of = resolution.memory.computers.iter();
            of.map(|(id, computer)| (id.clone(), computer.began)).collect::<Vec<_>>()
        };
        let moved =
            ids(&known) != ids(&fleet.known) || generations(&resolution) != generations(&fleet.resolution);
        fleet.known = known;
        fleet.resolution = resolution;
        fleet.mark();
        moved
    }

    /// Remembers what was decided, where that is something else than before. What is decided later goes on from there.
    pub(super) async fn remember(&self, fleet: &mut Fleet) -> Result<(), StoreError> {
        let change = fleet.resolution.memory.since(&fleet.before);
        if fleet.recognises && !change.is_empty() {
            self.store.put_identification(&change).await?;
            fleet.before = fleet.resolution.memory.clone();
        }
        Ok(())
    }

    /// The agents that can be asked and of which nothing is known, and those that are to be asked again.
    fn unidentified(fleet: &Fleet, round: Round<'_>, alone: bool) -> Vec<Known> {
        let is_open = |known: &Known, key: &AgentKey| {
            let why = fleet.resolution.waiting.get(key).map(|waiting| &waiting.why);
            match why {
                Some(Why::NotAsked) => true,
                Some(Why::Failed(cause)) => *cause != Cause::Unsupported,
                // What a list says was enough to name it; what it says itself may be enough to answer the question.
                Some(Why::Asked { .. }) => known.facts.is_none() && known.unsupported.is_none(),
                Some(Why::NoIdentity(_)) | None => false,
            }
        };
        let wanted = fleet.agents.iter().filter(|known| {
            let key = recognise::key(known);
            let can = known.presence != Presence::Offline && !round.failed.contains_key(&known.provider);
            can && ((is_open(known, &key) && !alone) || round.again.contains(&key))
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
    /// The computers, sorted by id.
    pub(super) fn known(&self) -> &[Known] {
        if self.recognises { &self.known } else { &self.agents }
    }

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
