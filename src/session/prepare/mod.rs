//! The one path to a plan: list, detect what is not known, decide. `plan` and `apply` both begin here (L1).
//!
//! Not here: reading the configuration, choosing what to do with the plan.
//!
//! Guarantees: holds readers only (L2). What was detected is remembered before the plan is made, so a second plan on the
//! same facts gives the same bytes (L13).

mod identify;
mod survey;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use roaring::RoaringBitmap;

pub use identify::Looked;
use identify::Round;
pub use survey::Surveyed;

use super::control::Control;
use super::detect::{Detector, Gathered};
use super::host::ScriptHost;
use super::recover;
use super::secrets::Secrets;
use crate::config::Config;
use crate::config::check;
use crate::config::kind::{Match, Mode};
use crate::config::model::Schedule;
use crate::diagnostic::{Findings, Severity, code};
use crate::id::{ComputerId, Name};
use crate::inventory::clients::Unmapped;
use crate::inventory::collect::{self, Asking, Collected, Sources};
use crate::inventory::failures;
use crate::inventory::identify::{Memory, Resolution};
use crate::inventory::item::Detection;
use crate::inventory::known::{AgentKey, Contact, Known};
use crate::inventory::queries::Queries;
use crate::inventory::relations::{Doubt, Relations};
use crate::inventory::snapshot::{Computer, Snapshot};
use crate::plan::detections::Detections;
use crate::plan::digest;
use crate::plan::document::{Options, Revision};
use crate::plan::gates::Run;
use crate::plan::needs::{Ask, Need, Refresh, needs, outdated};
use crate::plan::past::Past;
use crate::plan::planner::{self, Planned};
use crate::plan::probes;
use crate::policy::judge::{self, Judgement};
use crate::policy::protection::Protection;
use crate::policy::verdict::Stage;
use crate::provider::Reader;
use crate::store::{FailingKind, KeptFailure, KeptSource, Store, StoreError, StoredComputer};
use crate::targets;
use crate::time::{Clock, Timestamp};

/// Everything that preparing a plan uses.
#[derive(Clone, Copy)]
pub struct Preparation<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// Its revision.
    pub revision: &'a Revision,
    /// The reading half of each provider.
    pub readers: &'a BTreeMap<Name, Reader>,
    /// Directories and PSAs.
    pub sources: &'a Sources,
    /// Who runs scripts beside Muster.
    pub host: &'a dyn ScriptHost,
    /// What is remembered.
    pub store: &'a dyn Store,
    /// Where secret values are found.
    pub secrets: &'a dyn Secrets,
    /// The time.
    pub clock: &'a dyn Clock,
    /// How the run is told to stop.
    pub control: &'a Control,
    /// Told how far detection is.
    pub progress: &'a (dyn Fn(Progress) + Sync),
}

impl std::fmt::Debug for Preparation<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Preparation").finish_non_exhaustive()
    }
}

/// What the user limited the run to.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Only the computers that match one of these, if there are any.
    pub only: Vec<Match>,
    /// The same and the mode as they were written, for the plan.
    pub options: Options,
    /// What to detect again.
    pub refresh: Refresh,
    /// Contact nobody, list nothing: use what is remembered.
    pub offline: bool,
    /// Where nobody is contacted: read the lists all the same that stand in the configuration itself.
    pub own_lists: bool,
    /// For what the plan is judged, if it is.
    pub judge: Option<Stage>,
    /// Whether the rules of another revision judge the plan besides, which may be what an override is for.
    pub judged_besides: bool,
    /// Sources whose shorter list is believed this time.
    pub accepted: BTreeSet<Name>,
    /// The day for which dates of agreements count; today in the instance's time zone if it is not given.
    pub as_of: Option<Date>,
    /// Agents that are asked once more on which computers they are.
    pub identify: BTreeSet<AgentKey>,
    /// Whether no other agents are asked on which computers they are.
    pub identify_alone: bool,
    /// Further expressions that will be evaluated, for the scripts that they select by.
    pub also: Vec<Match>,
}

/// How far detection is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// So many computers will be contacted.
    Begin {
        /// How many.
        computers: usize,
    },
    /// One of them was contacted.
    Contacted {
        /// Its name.
        name: String,
        /// How it went.
        contact: Contact,
    },
    /// All of them were.
    Done,
}

/// A plan and all it was made from.
#[derive(Debug)]
pub struct Prepared {
    /// The computers.
    pub snapshot: Snapshot,
    /// What is known of their items.
    pub detections: Detections,
    /// What earlier runs wanted and did there.
    pub past: Past,
    /// The plan and its findings.
    pub planned: Planned,
    /// What rules say of the plan; its verdicts stand in the plan too.
    pub judged: Judgement,
    /// What was protected when something was applied last.
    pub protections: Vec<Protection>,
    /// Findings about the computers, before planning.
    pub findings: Findings,
    /// Providers without a complete list.
    pub failed: BTreeMap<Name, String>,
    /// How many computers belong to companies that no tenant maps, by provider.
    pub unmapped: BTreeMap<Name, Unmapped>,
    /// The computers that the run is limited to; `None` for all.
    pub limit: Option<RoaringBitmap>,
    /// Computers that were tried in this run.
    pub contacted: usize,
    /// Computers that answered in this run.
    pub reached: BTreeSet<ComputerId>,
    /// The oldest observation that was there before and was not too old to be used.
    pub oldest: Option<Timestamp>,
}

impl Prepared {
    /// Whether a source failed, or said less than is believed (L3).
    #[must_use]
    pub fn has_failed_source(&self) -> bool {
        let related = self.snapshot.related();
        !self.failed.is_empty() || !related.failed().is_empty() || !related.doubts().is_empty()
    }
}

/// What all sources say, or said last.
struct Heard {
    /// One for each agent.
    known: Vec<Known>,
    stored: Vec<StoredComputer>,
    failed: BTreeMap<Name, String>,
    unmapped: BTreeMap<Name, Unmapped>,
    relations: Relations,
    kept: Vec<KeptSource>,
    failures: Vec<KeptFailure>,
    doubted: BTreeMap<Name, Vec<Doubt>>,
}

/// How many agents are on no computer yet, by the code of the reason.
fn unidentified(resolution: &Resolution) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for waiting in resolution.waiting.values() {
        *counts.entry(waiting.why.code().to_owned()).or_default() += 1;
    }
    counts
}

/// Whether any provider of a computer has a list to go by.
fn can_be_reached(computer: &Computer, failed: &BTreeMap<Name, String>) -> bool {
    computer.agents().any(|(provider, _)| !failed.contains_key(provider))
}

impl Wish {
    /// All expressions that will be evaluated besides those of the configuration.
    fn expressions(&self, config: &Config) -> Vec<Match> {
        let schedule = self.schedule(config).map(|schedule| &schedule.expression);
        self.only.iter().chain(&self.also).chain(schedule).cloned().collect()
    }

    /// The schedule whose run it is.
    fn schedule<'c>(&self, config: &'c Config) -> Option<&'c Schedule> {
        self.options.schedule.as_ref().and_then(|name| config.schedules.get(name))
    }
}

impl Preparation<'_> {
    /// Lists, detects and plans.
    ///
    /// # Errors
    /// [`StoreError`] when what is remembered cannot be read or written.
    pub async fn run(&self, wish: &Wish) -> Result<Prepared, StoreError> {
        let now = self.clock.now();
        let Heard {
            known,
            stored: before,
            failed,
            unmapped,
            mut relations,
            mut kept,
            mut failures,
            doubted,
            ..
        } = self.hear(wish).await?;
        let round = Round { failed: &failed, relations: &relations, again: &wish.identify };
        let mut fleet = self.identify(wish, known, before, round).await?;
        let queries = Queries {
            config: self.config,
            host: (!wish.offline).then_some(self.host),
            wanted: &targets::query::scripts(self.config, &wish.expressions(self.config)),
            before: &kept.clone(),
            doubted: &doubted,
            accepted: &wish.accepted,
            now,
        };
        // What a killed run left under way is not known any more, whatever was detected before (L11).
        let doubtful: BTreeSet<ComputerId> =
            self.store.unfinished().await?.into_iter().map(|session| session.computer).collect();
        let mut results = self.store.results().await?;
        results.extend(recover::left(self.store).await?);
        let mut stored: Vec<Detection> = self.store.detections().await?;
        // What was set once and ended well stays so; what had only begun was never kept.
        let lasting = probes::remembered(self.config);
        stored.retain(|detection| {
            !doubtful.contains(&detection.computer) || lasting.contains(&detection.probe)
        });
        // Of a computer that was wiped nothing counts that was found out or done before (IDN-23).
        stored.retain(|detection| fleet.counts(&detection.computer, detection.at));
        results.retain(|result| fleet.counts(&result.computer, result.at));
        let max_age = self.config.instance.max_age;
        let (mut snapshot, mut findings) =
            self.snapshot(fleet.known(), &failed, &mut relations, &queries, &mut kept).await?;
        let too_old = self.clock.now().checked_sub(max_age.duration()).unwrap_or(Timestamp::MIN);
        let oldest = stored.iter().map(|detection| detection.at).filter(|at| *at >= too_old).min();
        let mut detections = Detections::new(&snapshot, stored.iter().cloned());
        let by_facts = targets::go_by_facts(self.config, &wish.expressions(self.config));
        let mut contacted = 0;
        let (mut reached, mut in_vain) = (BTreeSet::new(), BTreeSet::new());
        let mut refresh = if wish.offline { Refresh::Never } else { wish.refresh };
        // Fresh facts can bring a computer into a target for the first time; then its items are asked for in a second
        // round, and only then.
        for _round in 0..2 {
            // What is wrong with the selectors is told once, below.
            let scope = self.limit(wish, &snapshot, &mut Findings::new());
            // What nobody selects by needs not be collected again for what was changed.
            let outdated = by_facts.then(|| outdated(&snapshot, &results));
            let mut wanted = needs(&Ask {
                config: self.config,
                snapshot: &snapshot,
                detections: &detections,
                only: scope.as_ref().map(|scope| &scope.possible),
                ceiling: wish.options.mode.unwrap_or(Mode::Enforce),
                run: &Run::of(&wish.options, self.clock.now()),
                max_age,
                refresh,
                outdated: outdated.as_ref(),
            });
            wanted.retain(|need| {
                !need.contact()
                    || can_be_reached(snapshot.computer(need.computer), &failed)
                        && !in_vain.contains(&snapshot.computer(need.computer).id)
            });
            if wanted.is_empty() {
                break;
            }
            let found = self.detect(&snapshot, &wanted).await;
            contacted += found.iter().filter(|gathered| gathered.contacted).count();
            for gathered in found.iter().filter(|gathered| gathered.contacted) {
                let id = snapshot.computer(gathered.computer).id.clone();
                let answered = gathered.contact == Contact::Reached;
                _ = if answered { reached.insert(id) } else { in_vain.insert(id) };
            }
            self.keep(&found, &relations, &mut fleet.agents, &mut detections).await?;
            let moved = self.recognise(&mut fleet);
            (snapshot, findings) =
                self.snapshot(fleet.known(), &failed, &mut relations, &queries, &mut kept).await?;
            stored.extend(found.into_iter().flat_map(|gathered| gathered.detections));
            if moved {
                // Positions are those of another snapshot now, and what a wiped computer said before does not count.
                stored.retain(|detection| fleet.counts(&detection.computer, detection.at));
                results.retain(|result| fleet.counts(&result.computer, result.at));
                detections = Detections::new(&snapshot, stored.iter().cloned());
            }
            if refresh == Refresh::Never {
                break;
            }
            refresh = Refresh::Auto;
        }
        if !wish.offline {
            self.remember(&mut fleet).await?;
            let scripts = queries.wanted.iter().map(|name| (FailingKind::Script, name.clone())).collect();
            let next = failures::after(&failures, &scripts, &failed, &relations, queries.now);
            self.keep_failures(&mut failures, next).await?;
        }
        let scope = self.limit(wish, &snapshot, &mut findings);
        findings = check::silence(&self.config.uses.allows, findings).0;
        let past =
            Past::new(&snapshot, self.store.remembered().await?, results, self.store.durations().await?);
        let limit = scope.as_ref().map(|scope| scope.certain.clone());
        let mut planned = planner::plan(&planner::Input {
            config: self.config,
            snapshot: &snapshot,
            detections: &detections,
            past: &past,
            revision: self.revision.clone(),
            options: wish.options.clone(),
            only: scope.map(|scope| scope.certain),
            now: self.clock.now(),
            max_age,
        });
        let protections = self.store.protections().await?;
        let judged = match wish.judge {
            None => Judgement::default(),
            Some(stage) => judge::judge(&judge::Input {
                config: self.config,
                snapshot: &snapshot,
                plan: &planned.plan,
                scope: limit.as_ref(),
                stage,
                now: self.clock.now(),
                overrides: &wish.options.overrides,
                protections: &protections,
            }),
        };
        let unidentified = unidentified(&fleet.resolution);
        if !judged.verdicts.is_empty() || !unidentified.is_empty() {
            planned.plan.coverage.unidentified = unidentified;
            planned.plan.verdicts.clone_from(&judged.verdicts);
            planned.plan.digest = digest::of_plan(&planned.plan);
        }
        Ok(Prepared {
            snapshot,
            detections,
            past,
            planned,
            judged,
            protections,
            findings,
            failed,
            unmapped,
            limit,
            contacted,
            reached,
            oldest,
        })
    }

    /// Asks all sources but scripts, or remembers what they said, and keeps what is believed.
    async fn hear(&self, wish: &Wish) -> Result<Heard, StoreError> {
        let stored = self.store.computers().await?;
        let kept = self.store.sources().await?;
        let day = wish.as_of.unwrap_or_else(|| self.today());
        let now = self.clock.now();
        let memory = Memory::default();
        let asking = Asking {
            memory: &memory,
            config: self.config,
            readers: self.readers,
            sources: self.sources,
            stored: &stored,
            kept: &kept,
            accepted: &wish.accepted,
            named: &targets::named(self.config, &wish.expressions(self.config)),
            day,
            now,
        };
        let collected = match (wish.offline, wish.own_lists) {
            (false, _) => collect::collect(&asking).await,
            (true, false) => collect::remembered(&asking),
            (true, true) => collect::declared(&asking).await,
        };
        let Collected { known, mut failed, unmapped, mut relations, listed, answers } = collected;
        relations.as_of = day;
        let mut failures = self.store.failures().await?;
        let mut doubted = BTreeMap::new();
        if wish.offline {
            doubted = failures::recall(&failures, self.config, &mut failed, &mut relations);
        } else {
            self.store.put_computers(&listed).await?;
            self.store.put_sources(&answers).await?;
            let next = failures::after(&failures, &self.asked(), &failed, &relations, now);
            failures::say_since(&next, now, &mut failed, &mut relations);
            self.keep_failures(&mut failures, next).await?;
        }
        Ok(Heard { known, stored, failed, unmapped, relations, kept, failures, doubted })
    }

    /// The sources that are asked, scripts left out.
    fn asked(&self) -> BTreeSet<(FailingKind, Name)> {
        let of = |kind: FailingKind| move |name: &Name| (kind, name.clone());
        let providers = self.readers.keys().map(of(FailingKind::Provider));
        let directories = self.sources.directories.keys().map(of(FailingKind::Directory));
        let psas = self.sources.psas.keys().map(of(FailingKind::Psa));
        providers.chain(directories).chain(psas).collect()
    }

    /// Remembers which sources fail, where that is something else than before.
    async fn keep_failures(
        &self,
        known: &mut Vec<KeptFailure>,
        next: Vec<KeptFailure>,
    ) -> Result<(), StoreError> {
        if *known != next {
            self.store.put_failures(&next).await?;
            *known = next;
        }
        Ok(())
    }

    /// The computers with their relations; what scripts select by the facts as they are now is among them.
    async fn snapshot(
        &self,
        known: &[Known],
        failed: &BTreeMap<Name, String>,
        relations: &mut Relations,
        queries: &Queries<'_>,
        kept: &mut Vec<KeptSource>,
    ) -> Result<(Snapshot, Findings), StoreError> {
        let (snapshot, findings) = Snapshot::build(self.config, known.iter().cloned(), failed.clone());
        let mut snapshot = snapshot.with_relations(self.config, relations);
        if !queries.wanted.is_empty() {
            let fresh = queries.run(&snapshot, relations, kept).await;
            self.store.put_sources(&fresh).await?;
            snapshot = snapshot.with_relations(self.config, relations);
        }
        Ok((snapshot, findings))
    }

    /// The day it is in the instance's time zone.
    fn today(&self) -> Date {
        let zone = jiff::tz::TimeZoneDatabase::bundled().get(&self.config.instance.time_zone);
        self.clock.now().to_zoned(zone.unwrap_or(jiff::tz::TimeZone::UTC)).date()
    }

    /// The computers that a run is limited to: by what was typed, and by its schedule. `None` for all.
    fn limit(
        &self,
        wish: &Wish,
        snapshot: &Snapshot,
        findings: &mut Findings,
    ) -> Option<targets::Membership> {
        let only = self.scope(&wish.only, snapshot, findings);
        let Some(schedule) = wish.schedule(self.config) else { return only };
        let place = Some(&schedule.place);
        let of_schedule = match targets::resolve(&schedule.expression, self.config, place) {
            Ok(resolved) => {
                findings.extend(targets::unclear_computers(&resolved, snapshot, place));
                findings.extend(targets::unclear(&resolved, snapshot, place));
                targets::evaluate(&resolved, snapshot)
            }
            Err(more) => {
                findings.extend(more);
                targets::Membership::default()
            }
        };
        Some(match only {
            None => of_schedule,
            Some(only) => only.and(&of_schedule),
        })
    }

    /// The computers that all of `only` select; `None` without any, that is all computers.
    fn scope(
        &self,
        only: &[Match],
        snapshot: &Snapshot,
        findings: &mut Findings,
    ) -> Option<targets::Membership> {
        let mut whole: Option<targets::Membership> = None;
        // Each one narrows: a second one never lets in what the first kept out.
        for expression in only {
            match targets::resolve(expression, self.config, None) {
                Ok(resolved) => {
                    let membership = targets::evaluate(&resolved, snapshot);
                    let unclear = targets::unclear_computers(&resolved, snapshot, None);
                    for mut finding in unclear.into_iter().chain(targets::unclear(&resolved, snapshot, None))
                    {
                        finding.message = format!("--only: {}", finding.message);
                        // Who limits a run to a computer, person or site that is not there meant another one; a source
                        // that was not read may have it.
                        let all_read = snapshot.failed().is_empty() && snapshot.related().failed().is_empty();
                        let is_unknown = finding.code == code::NAME_NOT_FOUND && all_read;
                        if finding.code == code::COMPUTER_NOT_FOUND || is_unknown {
                            finding.severity = Severity::Error;
                        }
                        findings.push(finding);
                    }
                    whole = Some(match whole {
                        None => membership,
                        Some(whole) => whole.and(&membership),
                    });
                }
                Err(more) => {
                    findings.extend(more);
                    whole = Some(targets::Membership::default());
                }
            }
        }
        whole
    }

    async fn detect(&self, snapshot: &Snapshot, wanted: &[Need]) -> Vec<Gathered> {
        (self.progress)(Progress::Begin { computers: wanted.iter().filter(|need| need.contact()).count() });
        let detector = Detector {
            config: self.config,
            snapshot,
            readers: self.readers,
            secrets: self.secrets,
            clock: self.clock,
            concurrency: usize::try_from(self.config.instance.concurrency).unwrap_or(usize::MAX),
        };
        let mut found = Vec::with_capacity(wanted.len());
        detector
            .run(wanted, self.control, |gathered| {
                if gathered.contacted {
                    (self.progress)(Progress::Contacted {
                        name: snapshot.computer(gathered.computer).name.clone(),
                        contact: gathered.contact.clone(),
                    });
                }
                found.push(gathered);
            })
            .await;
        (self.progress)(Progress::Done);
        found
    }

    /// Remembers what was found, in the store and here.
    async fn keep(
        &self,
        found: &[Gathered],
        relations: &Relations,
        known: &mut [Known],
        detections: &mut Detections,
    ) -> Result<(), StoreError> {
        // One for each agent.
        let positions: BTreeMap<ComputerId, usize> =
            known.iter().enumerate().map(|(at, known)| (known.id.clone(), at)).collect();
        let mut computers = Vec::with_capacity(found.len());
        let mut fresh = Vec::new();
        for gathered in found {
            for detection in &gathered.detections {
                let Detection { item, probe, at, observed, .. } = detection.clone();
                detections.record(gathered.computer, item, probe, at, observed);
            }
            fresh.extend(gathered.detections.iter().cloned());
            for id in gathered.records.iter().filter(|_| gathered.contacted) {
                let Some(entry) = positions.get(id).and_then(|at| known.get_mut(*at)) else { continue };
                entry.contact = gathered.contact.clone();
                if let Some(facts) = &gathered.facts {
                    entry.facts = Some((gathered.at, facts.clone()));
                }
                computers.push(collect::remember(entry, relations.belongings.get(id), Some(gathered.at)));
            }
        }
        self.store.put_computers(&computers).await?;
        self.store.put_detections(&fresh).await?;
        Ok(())
    }
}
