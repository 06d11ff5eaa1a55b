//! From winners and observations to the plan.
//!
//! The steps, each a function below or a module: winners, what follows of each item (`follow`), prerequisites and
//! configuration tasks (`implications`), sessions (`sessions`), and the document; `say` tells the rest.
//!
//! Invariants: `now` decides only what is stale, and reaches the output nowhere; the same input gives the same bytes
//! (L13); the numbers of the coverage add up.

mod follow;
mod say;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::aims::Sight;
use super::coverage::{Heading, Tally};
use super::detections::Detections;
use super::digest;
use super::document::{FORMAT, NoteKind, Options, Plan, Revision};
use super::fleet::Fleet;
use super::gates::{self, Run};
use super::impact;
use super::intents::Intents;
use super::lint;
use super::membership;
use super::memo::{Aims, Memo, Share};
use super::notes::{Notes, origin};
use super::past::Past;
use super::precedence::{self, Candidate, Named, Winners};
use super::prerequisites::{self};
use super::probes;
use super::remembered::Remembered;
use super::sessions::{self, Intent};
use super::view::{Part, View, oldest};
use crate::config::Config;
use crate::config::kind::{Consequence, Mode};
use crate::config::model::Deployment;
use crate::config::parallel;
use crate::diagnostic::Findings;
use crate::id::Digest;
use crate::inventory::item::ItemKey;
use crate::inventory::snapshot::Snapshot;
use crate::time::{Limit, Timestamp};

/// Everything a plan is made from.
#[derive(Debug, Clone)]
pub struct Input<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The computers.
    pub snapshot: &'a Snapshot,
    /// What was detected.
    pub detections: &'a Detections,
    /// What earlier runs wanted and did. It tells the causes of changes, and of which software the values have changed.
    pub past: &'a Past,
    /// The revision of the configuration.
    pub revision: Revision,
    /// What the run is limited to, as given; goes into the plan.
    pub options: Options,
    /// The computers that `options.only` selects; `None` for all.
    pub only: Option<RoaringBitmap>,
    /// The present instant.
    pub now: Timestamp,
    /// Detections older than this are stale.
    pub max_age: Limit,
}

/// A plan, and what is to be said of the configuration that it was made from.
#[derive(Debug, Clone)]
pub struct Planned {
    /// The plan. With errors among the findings it is shown, and not executed.
    pub plan: Plan,
    /// Ties, contradictions and empty targets, in reading order.
    pub findings: Findings,
    /// What is wanted now and how it stands, over the computers of the snapshot: kept when a run ends.
    pub wants: Wants,
}

/// What a run wants, to be remembered when it ends.
#[derive(Debug, Clone, Default)]
pub struct Wants {
    /// Intents and memberships as positions in the snapshot. Its list of computers is left empty.
    pub now: Remembered,
    /// The computers that the run covered.
    pub scope: RoaringBitmap,
    /// Those of them of which not everything is known.
    pub unknown: RoaringBitmap,
}

/// Makes the plan.
#[must_use]
pub fn plan(input: &Input<'_>) -> Planned {
    make(input, &Run::of(&input.options, input.now), None)
}

/// Makes the plan of one computer alone, as a run would that sees what is known, of whatever age.
pub(super) fn of_one(
    config: &Config,
    snapshot: &Snapshot,
    (detections, past): (&Detections, &Past),
    computer: u32,
    run: &Run,
) -> Planned {
    let input = Input {
        config,
        snapshot,
        detections,
        past,
        revision: Revision::default(),
        options: Options::default(),
        only: Some(RoaringBitmap::from_iter([computer])),
        now: run.now,
        max_age: Limit::seconds(u64::MAX),
    };
    make(&input, run, None)
}

/// Makes the plan with what an earlier one over the same computers left behind, and leaves as much behind. A memo about
/// other computers, detections or another past is of no use and left as it is.
#[must_use]
pub fn replan(memo: &mut Memo<'_>, input: &Input<'_>) -> Planned {
    let memo = Some(memo).filter(|memo| memo.is_about(input));
    make(input, &Run::of(&input.options, input.now), memo)
}

fn make(input: &Input<'_>, run: &Run, mut memo: Option<&mut Memo<'_>>) -> Planned {
    let config = input.config;
    let fleet = Fleet::in_run(config, input.snapshot, run);
    let scope = input.only.as_ref().map_or_else(|| fleet.all.clone(), |only| &fleet.all & only);
    let detections = input.detections.since(oldest(input.now, input.max_age));
    if let Some(memo) = memo.as_deref_mut() {
        memo.prepare(input, &fleet, &detections);
    }
    let view = View {
        config,
        snapshot: input.snapshot,
        fleet: &fleet,
        detections: &detections,
        ceiling: input.options.mode.unwrap_or(Mode::Enforce),
        run,
    };
    let mut work = Work::new(view, input.past);
    let aims = work.aims(memo.as_deref());
    work.say_unlisted();
    let mut by_item: BTreeMap<&ItemKey, Vec<&Deployment>> = BTreeMap::new();
    for deployment in config.deployments.values() {
        by_item.entry(&deployment.item).or_default().push(deployment);
    }
    let tied = tied(config);
    let shares = shares(view, input.past, &scope, &aims, &by_item, &tied, memo.as_deref_mut());
    let mut changes = Vec::new();
    let mut reached = RoaringBitmap::new();
    for share in shares {
        let Share { findings, notes, tally, wanted, changes: own, reached: here } = &*share;
        work.findings.extend(findings.clone());
        work.notes.absorb(notes);
        work.tally.absorb(tally);
        work.wanted.absorb(wanted);
        changes.extend(own.iter().map(Arc::clone));
        reached |= here;
    }
    let mut survey = Survey::new();
    for (item, deployments) in by_item.iter().filter(|(item, _)| tied.contains(**item)) {
        let candidates = work.candidates(deployments, &aims);
        if !candidates.is_empty() {
            reached |= work.reached(&candidates);
            survey.insert((*item).clone(), work.item(item, &candidates, &scope));
        }
    }
    work.say_the_run(run, &(reached & &scope));
    for (item, known) in &survey {
        work.own(item, known);
    }
    let standings = work.standings(&survey, &scope);
    let outcome = prerequisites::resolve(config, &standings, input.snapshot.held());
    work.prerequisites(&outcome, &standings, &survey);
    work.configurations(&outcome, &survey);
    work.unknown();
    let Work { mut findings, mut notes, tally, intents, mut wanted, .. } = work;
    changes.extend(sessions::by_cause(config, input.past, intents, &mut wanted));
    let made = sessions::assemble(input, changes, &mut notes, &mut findings);
    let whole = input.only.is_none() && run.named.is_empty() && input.snapshot.failed().is_empty();
    let mut findings = lint::of_plan(config, findings, whole);
    findings.sort();
    let (memberships, members) = membership::changes(config, input.snapshot, input.past, &scope, &aims);
    for (name, members) in members {
        wanted.target(&name, members);
    }
    if let Some(memo) = memo {
        memo.finish(aims, |item| by_item.contains_key(item));
    }
    let at_once = config.instance.concurrency;
    let impact = impact::impact(&made.computers, &made.changes, input.past.durations(), at_once);
    let mut plan = Plan {
        format: FORMAT.to_owned(),
        digest: Digest::of(b""),
        instance: config.instance.metadata.name.clone(),
        revision: input.revision.clone(),
        options: input.options.clone(),
        memberships,
        impact,
        computers: made.computers,
        changes: made.changes,
        sessions: made.sessions,
        notes: notes.finish(Named(input.snapshot)),
        coverage: tally.coverage(config, &scope, &fleet),
        verdicts: Vec::new(),
    };
    plan.digest = digest::of_plan(&plan);
    let counting = config.deployments.values().filter(|made| gates::gate(config, run, made).is_none());
    let wants = Wants { now: wanted.finish(counting, input.now), scope, unknown: tally.incomplete };
    Planned { plan, findings, wants }
}

/// The items in whose share others have a say: software with prerequisites or named in some, and software with a
/// configuration task, and that task.
fn tied(config: &Config) -> BTreeSet<ItemKey> {
    let mut tied = BTreeSet::new();
    for software in config.software.values() {
        let own = ItemKey::software(software.metadata.name.clone());
        for rule in &software.prerequisites {
            let conditions = rule.when.installed.iter().chain(&rule.when.not_installed).flatten();
            let mentioned = match &rule.then {
                Consequence::Install(names) | Consequence::Uninstall(names) => names.as_slice(),
                Consequence::Fail(_) => &[],
            };
            tied.extend(mentioned.iter().chain(conditions).cloned().map(ItemKey::software));
            tied.insert(own.clone());
        }
        if let Some(task) = probes::configuration(config, software) {
            tied.insert(task);
            tied.insert(own);
        }
    }
    tied
}

/// What each item leads to that is tied to no other, in order: taken over, or worked out.
fn shares<'a>(
    view: View<'a>,
    past: &'a Past,
    scope: &RoaringBitmap,
    aims: &Aims,
    by_item: &BTreeMap<&'a ItemKey, Vec<&'a Deployment>>,
    tied: &BTreeSet<ItemKey>,
    memo: Option<&mut Memo<'_>>,
) -> Vec<Arc<Share>> {
    let (config, now) = (view.config, view.run.now);
    let free = || by_item.iter().filter(|(item, _)| !tied.contains(**item));
    let known: Vec<Option<Arc<Share>>> = free()
        .map(|(item, deployments)| memo.as_ref()?.share(item, deployments, config, aims, now))
        .collect();
    let open: Vec<(&ItemKey, &Vec<&Deployment>)> = free()
        .zip(&known)
        .filter(|(_, known)| known.is_none())
        .map(|((item, deployments), _)| (*item, deployments))
        .collect();
    let made = parallel::map(&open, |(item, deployments)| {
        let mut work = Work::new(view, past);
        let candidates = work.candidates(deployments, aims);
        if candidates.is_empty() {
            return Arc::new(Share { findings: work.findings, ..Share::default() });
        }
        let reached = work.reached(&candidates);
        let known = work.item(item, &candidates, scope);
        work.own(item, &known);
        let Work { findings, notes, tally, intents, mut wanted, .. } = work;
        let changes = sessions::by_cause(config, past, intents, &mut wanted);
        wanted.pack();
        Arc::new(Share { findings, notes, tally, wanted, changes, reached })
    });
    if let Some(memo) = memo {
        for ((item, deployments), share) in open.iter().zip(&made) {
            memo.keep(item, deployments, config, aims, now, Arc::clone(share));
        }
    }
    let mut made = made.into_iter();
    known.into_iter().filter_map(|known| known.or_else(|| made.next())).collect()
}

/// What is wanted and known of one item.
pub(super) struct Item<'a> {
    /// Each with the most that it may do.
    deployments: Vec<(&'a Deployment, Mode)>,
    pub(super) winners: Winners,
    pub(super) parts: Vec<Part<'a>>,
}

impl<'a> Item<'a> {
    /// The deployments with the computers on which they win.
    pub(super) fn wins(&self) -> impl Iterator<Item = (&'a Deployment, &RoaringBitmap)> {
        self.wins_in_mode().map(|(deployment, _, won)| (deployment, won))
    }

    /// The same with the most that each may do.
    pub(super) fn wins_in_mode(&self) -> impl Iterator<Item = (&'a Deployment, Mode, &RoaringBitmap)> {
        let all = self.deployments.iter().zip(&self.winners.won);
        all.map(|((deployment, mode), won)| (*deployment, *mode, won)).filter(|(_, _, won)| !won.is_empty())
    }
}

/// By item.
pub(super) type Survey<'a> = BTreeMap<ItemKey, Item<'a>>;

/// A plan in the making.
pub(super) struct Work<'a> {
    pub(super) view: View<'a>,
    pub(super) names: Named<'a>,
    pub(super) findings: Findings,
    pub(super) notes: Notes,
    pub(super) tally: Tally,
    pub(super) intents: Vec<Intent<'a>>,
    /// What is wanted, for the next run.
    pub(super) wanted: Intents,
    pub(super) past: &'a Past,
}

impl<'a> Work<'a> {
    fn new(view: View<'a>, past: &'a Past) -> Self {
        Self {
            view,
            names: Named(view.snapshot),
            findings: Findings::new(),
            notes: Notes::default(),
            tally: Tally::default(),
            intents: Vec::new(),
            wanted: Intents::default(),
            past,
        }
    }

    fn sight(&self) -> Sight<'a> {
        let View { config, snapshot, fleet, run, .. } = self.view;
        Sight { config, snapshot, fleet, run }
    }

    /// What the named targets come to that deployments use; says what is to be said of those that count in the run.
    fn aims(&mut self, memo: Option<&Memo<'_>>) -> Aims {
        let View { config, run, .. } = self.view;
        let mut aims = Aims::new();
        let mut said = BTreeSet::new();
        for deployment in config.deployments.values().filter(|deployment| deployment.enabled) {
            let Some(name) = &deployment.target else { continue };
            if !aims.contains_key(name) {
                let known = memo.and_then(|memo| memo.aim(name));
                // What is wrong with it is said of each item that it would reach.
                let Some(aim) = known.or_else(|| self.sight().aim(deployment).ok().map(Arc::new)) else {
                    continue;
                };
                aims.insert(name.clone(), aim);
            }
            if let Some(aim) = aims.get(name)
                && gates::gate(config, run, deployment).is_none()
                && said.insert(name)
            {
                self.findings.extend(aim.findings.clone());
            }
        }
        aims
    }

    /// The candidates of one item, best first.
    fn candidates(&mut self, deployments: &[&'a Deployment], aims: &Aims) -> Vec<Candidate<'a>> {
        let View { config, run, .. } = self.view;
        let sight = self.sight();
        let mut candidates = Vec::new();
        for deployment in deployments.iter().filter(|made| gates::gate(config, run, made).is_none()) {
            if let Some(aim) = deployment.target.as_ref().and_then(|name| aims.get(name)) {
                candidates.push(sight.candidate(deployment, aim));
                continue;
            }
            match sight.aim(deployment) {
                Ok(aim) => {
                    candidates.push(sight.candidate(deployment, &aim));
                    self.findings.extend(aim.findings);
                }
                Err(found) => self.findings.extend(found),
            }
        }
        precedence::sort(&mut candidates);
        candidates
    }

    /// Where an item's deployments count; asked only where tenants are on hold.
    fn reached(&self, candidates: &[Candidate<'a>]) -> RoaringBitmap {
        if self.view.fleet.on_hold.is_empty() {
            return RoaringBitmap::new();
        }
        let acting = candidates.iter().filter(|candidate| candidate.acts);
        acting.fold(RoaringBitmap::new(), |sum, candidate| sum | &candidate.reach)
    }

    /// Who wins of an item, and what is known there.
    fn item(&mut self, item: &ItemKey, candidates: &[Candidate<'a>], scope: &RoaringBitmap) -> Item<'a> {
        self.say_empty_targets(item, candidates);
        let winners = precedence::winners(candidates, scope);
        for tie in winners.ties.iter().filter(|tie| !tie.same) {
            if let (Some(a), Some(b)) = (candidates.get(tie.first), candidates.get(tie.second)) {
                let text = format!(
                    "deployments {} and {} both win and want different things",
                    a.deployment.metadata.name, b.deployment.metadata.name
                );
                let at = Some(origin(b.deployment));
                self.notes.add(NoteKind::Ambiguous, Some(item), text, at, &tie.computers);
            }
        }
        self.findings.extend(precedence::findings(item, candidates, &winners.ties, self.names));
        let never_asked = &winners.uncertain - &self.view.fleet.surveyed;
        self.tally.count(item, Heading::Unknown, &never_asked, self.view.fleet);
        self.tally.count(item, Heading::Ambiguous, &(&winners.uncertain - never_asked), self.view.fleet);
        self.tally.count(item, Heading::Ambiguous, &winners.ambiguous, self.view.fleet);
        self.say_who_may_win(item, candidates, &winners.uncertain);
        self.say_the_winners(item, candidates, &winners, scope);
        if self.view.run.named.is_empty() && *scope == self.view.fleet.all {
            self.findings.extend(lint::deployments::never_wins_here(item, candidates, &winners));
        }
        self.wanted.keeps(self.past.wanted(item), &winners.uncertain);
        for (candidate, won) in candidates.iter().zip(&winners.won).filter(|(candidate, _)| candidate.acts) {
            if candidate.mode.min(self.view.ceiling) == Mode::Ignored {
                self.wanted.holds_back(item, candidate.deployment, won);
            } else if let Some(ignored) = self.view.fleet.modes.get(&Mode::Ignored) {
                self.wanted.holds_back(item, candidate.deployment, &(won & ignored));
            }
        }
        let parts = self.view.parts(item, candidates, &winners);
        let of = |candidate: &Candidate<'a>| (candidate.deployment, candidate.mode);
        let deployments = candidates.iter().map(of).collect();
        Item { deployments, winners, parts }
    }
}
