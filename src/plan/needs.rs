//! What has to be looked at before a plan can be made: which computers are contacted, and what each is asked.
//!
//! Membership that is only possible counts here, so that facts and detection go in one round trip. Of an item every
//! winner that is still possible is asked for.
//!
//! Invariant: with [`Refresh::Never`] nothing leads to a contact.

use std::collections::BTreeMap;
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::detections::Detections;
use super::fleet::Fleet;
use super::gates::Run;
use super::precedence::{Candidate, candidates, is_ignored, possible_winners};
use super::prerequisites::spread;
use super::probes;
use super::procedure::Probe;
use super::supply;
use super::view::oldest;
use crate::config::Config;
use crate::config::kind::{Mode, ParameterValue, SoftwareState};
use crate::config::model::{Deployment, Desired};
use crate::id::{Digest, Name};
use crate::inventory::item::ItemKey;
use crate::inventory::snapshot::Snapshot;
use crate::session::stage::{ActionResult, ItemResult};
use crate::time::{Limit, Timestamp};

/// When to look again at what is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Refresh {
    /// Where it is not known or too old.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never: what is known has to do.
    Never,
}

/// What one computer is to be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// The computer's position in the snapshot.
    pub computer: u32,
    /// The probes, by item and digest. Those without steps are answered by the facts, or by a provider.
    pub probes: Vec<Arc<Probe>>,
    /// Whether its facts have to be collected as well.
    pub facts: bool,
}

impl Need {
    /// Whether the computer has to be contacted; else its known facts answer all that is asked.
    #[must_use]
    pub fn contact(&self) -> bool {
        self.facts || self.probes.iter().any(|probe| !probe.steps.is_empty())
    }
}

/// What is looked at, before it is known what is fresh: a probe and where.
type Wanted = BTreeMap<(ItemKey, Digest), (Arc<Probe>, RoaringBitmap)>;

/// What needs are worked out from.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The computers.
    pub snapshot: &'a Snapshot,
    /// What is known.
    pub detections: &'a Detections,
    /// Only these computers.
    pub only: Option<&'a RoaringBitmap>,
    /// The most that the run may do; enforce when it is not limited.
    pub ceiling: Mode,
    /// What the run asks for, and the present instant.
    pub run: &'a Run,
    /// What is older is stale.
    pub max_age: Limit,
    /// When to look again.
    pub refresh: Refresh,
    /// Computers that were changed after their facts were collected; see [`outdated`]. Their facts count as too old.
    pub outdated: Option<&'a RoaringBitmap>,
}

/// The computers of which something was changed after their facts were collected: what is installed there, which roles they
/// have and the like may be otherwise by now.
#[must_use]
pub fn outdated(snapshot: &Snapshot, results: &[ItemResult]) -> RoaringBitmap {
    let ran = |result: &&ItemResult| {
        use ActionResult::{Failed, Success, Undetermined};
        result.action.changes() && matches!(result.result, Success | Failed | Undetermined)
    };
    let mut outdated = RoaringBitmap::new();
    for result in results.iter().filter(ran) {
        if let Some(ix) = snapshot.position(&result.computer)
            && snapshot.computer(ix).surveyed().is_some_and(|at| at < result.at)
        {
            outdated.insert(ix);
        }
    }
    outdated
}

/// What to ask each computer, by position.
#[must_use]
pub fn needs(ask: &Ask<'_>) -> Vec<Need> {
    let Ask { config, snapshot, detections, refresh, .. } = *ask;
    let fleet = Fleet::in_run(config, snapshot, ask.run);
    let scope = ask.only.map_or_else(|| fleet.all.clone(), |only| &fleet.all & only);
    let oldest = oldest(ask.run.now, ask.max_age);
    let mut search = Search {
        config,
        snapshot,
        fleet: &fleet,
        ceiling: ask.ceiling,
        wanted: Wanted::new(),
        interest: RoaringBitmap::new(),
    };
    search.collect(&candidates(config, snapshot, &fleet, ask.run).0, &scope);
    let Search { wanted, interest, .. } = search;

    let mut facts = ask.outdated.map_or_else(RoaringBitmap::new, |outdated| outdated & &scope);
    for ix in &interest {
        let computer = snapshot.computer(ix);
        let fresh = computer.surveyed().is_some_and(|at| at >= oldest);
        if !fresh || refresh == Refresh::Always {
            facts.insert(ix);
        }
    }
    let detections = detections.since(oldest);
    let mut asked: BTreeMap<u32, Vec<Arc<Probe>>> = BTreeMap::new();
    for ((item, digest), (probe, computers)) in wanted {
        if probe.remembered {
            // There is nothing to ask, but a computer that was not reached has to be before anything is done there.
            if refresh == Refresh::Auto {
                facts |= (&computers - detections.ever(&item, &digest, &computers)) & &fleet.unreached;
            }
            continue;
        }
        let known = detections.parts(&item, &digest, &computers);
        let due = match refresh {
            Refresh::Always => computers,
            // A computer that was not reached is tried again, for all that is wanted of it.
            Refresh::Auto => known.unknown | known.stale | (&computers & &fleet.unreached),
            Refresh::Never if probe.steps.is_empty() && !probe.is_of_provider() => {
                known.unknown & &fleet.surveyed
            }
            Refresh::Never => continue,
        };
        for ix in due {
            asked.entry(ix).or_default().push(Arc::clone(&probe));
        }
    }
    if refresh == Refresh::Never {
        facts.clear();
    }
    for ix in &facts {
        asked.entry(ix).or_default();
    }
    asked.into_iter().map(|(ix, probes)| Need { computer: ix, probes, facts: facts.contains(ix) }).collect()
}

/// What to ask the computers of `scope` to bring their facts up to date, whether or not a deployment may reach them: those
/// that are excluded are inventoried too (INV-4).
#[must_use]
pub fn survey(
    snapshot: &Snapshot,
    scope: &RoaringBitmap,
    (now, max_age): (Timestamp, Limit),
    refresh: Refresh,
    outdated: &RoaringBitmap,
) -> Vec<Need> {
    let oldest = oldest(now, max_age);
    let due = |ix: &u32| match refresh {
        Refresh::Always => true,
        Refresh::Auto => {
            let surveyed = snapshot.computer(*ix).surveyed();
            let fresh = surveyed.is_some_and(|at| at >= oldest) && !outdated.contains(*ix);
            !fresh || snapshot.unreached().contains(*ix)
        }
        Refresh::Never => false,
    };
    let of = |computer| Need { computer, probes: Vec::new(), facts: true };
    (scope & snapshot.all()).iter().filter(due).map(of).collect()
}

struct Search<'a> {
    config: &'a Config,
    snapshot: &'a Snapshot,
    fleet: &'a Fleet,
    ceiling: Mode,
    wanted: Wanted,
    interest: RoaringBitmap,
}

impl Search<'_> {
    fn collect(&mut self, by_item: &BTreeMap<ItemKey, Vec<Candidate<'_>>>, scope: &RoaringBitmap) {
        let mut spreading: BTreeMap<Name, RoaringBitmap> = BTreeMap::new();
        let mut covered: BTreeMap<Name, RoaringBitmap> = BTreeMap::new();
        for (item, candidates) in by_item {
            let mut open = scope.clone();
            for (candidate, computers) in candidates.iter().zip(possible_winners(candidates, scope)) {
                self.interest |= &candidate.maybe & scope;
                if !candidate.acts || is_ignored(candidate.deployment) {
                    // Another one that this one certainly comes before is not asked for.
                    open -= &candidate.reach;
                    continue;
                }
                self.candidate(item, candidate, &computers);
                if let Desired::Software { state, .. } = &candidate.deployment.desired {
                    if matches!(state, SoftwareState::Installed | SoftwareState::UpdateIfFound) {
                        *spreading.entry(item.name.clone()).or_default() |= &computers;
                    }
                    if candidate.mode > Mode::Ignored {
                        let certain = &candidate.reach & &open;
                        *covered.entry(item.name.clone()).or_default() |= certain;
                    }
                }
                open -= &candidate.reach;
            }
        }
        spread(self.config, &mut spreading);
        for (name, computers) in spreading {
            let rest = covered.get(&name).map_or_else(|| computers.clone(), |covered| &computers - covered);
            let item = ItemKey::software(name);
            let values = probes::values(self.config, &item, &BTreeMap::new());
            for (mode, computers) in self.fleet.by_mode(&rest, self.ceiling) {
                self.want(&item, None, &values, mode, &computers);
            }
        }
    }

    fn candidate(&mut self, item: &ItemKey, candidate: &Candidate<'_>, computers: &RoaringBitmap) {
        let deployment: &Deployment = candidate.deployment;
        let values = probes::values(self.config, item, &deployment.parameters);
        let task = match &deployment.desired {
            Desired::Software { state: SoftwareState::Installed | SoftwareState::UpdateIfFound, .. } => {
                let software = self.config.software.get(&item.name).filter(|_| deployment.configured);
                software.and_then(|software| probes::configuration(self.config, software))
            }
            _ => None,
        };
        for (mode, computers) in self.fleet.by_mode(computers, candidate.mode.min(self.ceiling)) {
            self.want(item, Some(deployment), &values, mode, &computers);
            if let Some(task) = &task {
                let values = probes::configuration_values(self.config, task, &values);
                self.want(task, Some(deployment), &values, mode, &computers);
            }
        }
    }

    fn want(
        &mut self,
        item: &ItemKey,
        deployment: Option<&Deployment>,
        values: &BTreeMap<String, ParameterValue>,
        mode: Mode,
        computers: &RoaringBitmap,
    ) {
        if mode == Mode::Ignored {
            return;
        }
        self.interest |= computers;
        let licenses = supply::by_license(self.config, self.snapshot, item, deployment, computers);
        for (license, computers) in licenses {
            let values = supply::with_license(values, license);
            for (platform, computers) in self.fleet.by_platform(&computers) {
                let Some(platform) = platform else { continue };
                let probe = probes::probe(self.config, item, &values, mode, platform);
                if probe.applicable {
                    let key = (item.clone(), probe.digest.clone());
                    let new = || (Arc::new(probe), RoaringBitmap::new());
                    self.wanted.entry(key).or_insert_with(new).1 |= computers;
                }
            }
        }
    }
}
