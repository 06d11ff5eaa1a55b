//! From winners and observations to the plan.
//!
//! The steps, each a function below or a module: winners, decisions about each item, prerequisites, configuration tasks,
//! sessions (`sessions`), and the document.
//!
//! Invariants: `now` decides only what is stale, and reaches the output nowhere; the same input gives the same bytes
//! (L13); the numbers of the coverage add up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::aims::Sight;
use super::coverage::{Heading, Tally};
use super::detections::Detections;
use super::diff::{self, Act, Decision, Wish};
use super::digest;
use super::document::{ActionType, FORMAT, NoteKind, Options, Plan, Reason, Revision};
use super::fleet::Fleet;
use super::gates::{self, Run};
use super::impact;
use super::intents::{Intents, Wanted};
use super::lint;
use super::membership;
use super::memo::{Aims, Memo, Share};
use super::modes;
use super::notes::{Notes, document, origin};
use super::past::{self, Past};
use super::precedence::{self, Candidate, Named, Winners};
use super::prerequisites::{self};
use super::probes;
use super::procedures::{self, starts_over};
use super::recipe::{self, Call};
use super::remembered::Remembered;
use super::sessions::{self, Intent};
use super::supply::{self, Due};
use super::view::{Part, Seen, View, oldest};
use crate::config::Config;
use crate::config::kind::{Consequence, Mode, ParameterValue, ParametersChanged};
use crate::config::model::{Deployment, Desired};
use crate::config::parallel;
use crate::diagnostic::{Finding, Findings, code};
use crate::id::Digest;
use crate::inventory::item::{ItemKey, ItemKind, Observed};
use crate::inventory::known::Contact;
use crate::inventory::snapshot::Snapshot;
use crate::session::script::Platform;
use crate::targets;
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

    fn say_empty_targets(&mut self, item: &ItemKey, candidates: &[Candidate<'a>]) {
        for candidate in candidates.iter().filter(|candidate| !candidate.selects) {
            let deployment = candidate.deployment;
            let target = deployment.target.as_ref().and_then(|name| self.view.config.targets.get(name));
            let (place, what) = match target {
                Some(target) => (&target.place, format!("target {}", target.metadata.name)),
                None => (&deployment.place, format!("the target of deployment {}", deployment.metadata.name)),
            };
            let message = format!("{what} matches no computer");
            self.findings.push(Finding::new(code::TARGET_MATCHES_NOTHING, message.clone(), place.clone()));
            self.notes.general(NoteKind::EmptyTarget, Some(item), message, origin(deployment));
        }
    }

    /// Documents of computers that nobody lists.
    fn say_unlisted(&mut self) {
        // While a list is missing, its computers are no news.
        if self.view.snapshot.failed().is_empty() && !self.view.config.computers.is_empty() {
            let mut open = self.view.config.computers.clone();
            for (_, computer) in self.view.snapshot.iter() {
                if let Some(name) = &computer.document {
                    open.remove(name);
                }
            }
            for computer in open.values() {
                let mut called = self.view.snapshot.called(&computer.name);
                called.retain(|ix| {
                    let listed = &self.view.snapshot.computer(*ix).provider;
                    computer.provider.as_ref().is_none_or(|provider| provider == listed)
                });
                let name = &computer.name;
                let text = match (called.len(), &computer.provider) {
                    (0, None) => format!("no provider lists a computer called {name}"),
                    (0, Some(provider)) => format!("provider {provider} lists no computer called {name}"),
                    // Another document applies to it, which is an error of its own.
                    (1, _) => continue,
                    (several, _) => {
                        format!("{several} computers are called {name}, so the document applies to none")
                    }
                };
                let origin = document(&computer.metadata.name, &computer.place);
                self.notes.general(NoteKind::UnknownComputer, None, text, origin);
            }
        }
    }

    /// What the run lifts, and which tenants are on hold where something would be wanted.
    fn say_the_run(&mut self, run: &Run, reached: &RoaringBitmap) {
        for (text, origin) in modes::what_is_lifted(self.view.config, run) {
            self.notes.general(NoteKind::Lifted, None, text, origin);
        }
        for (name, computers) in &self.view.fleet.on_hold {
            let Some(tenant) = self.view.config.tenants.get(name) else { continue };
            let Some(hold) = &tenant.hold else { continue };
            let text = format!("tenant {name} is {}", gates::held_text(hold));
            let at = document(name, &tenant.place);
            self.notes.add(NoteKind::OnHold, None, text, Some(at), &(computers & reached));
        }
    }

    /// Where winners are on hold, and where a deployment that the run names is none.
    fn say_the_winners(
        &mut self,
        item: &ItemKey,
        candidates: &[Candidate<'a>],
        winners: &Winners,
        scope: &RoaringBitmap,
    ) {
        let decided = scope - &winners.uncertain - &winners.ambiguous;
        for (candidate, won) in candidates.iter().zip(&winners.won).filter(|(candidate, _)| candidate.acts) {
            let deployment = candidate.deployment;
            if let Some(hold) = &deployment.hold
                && gates::holds(self.view.config, hold, self.view.run.now)
            {
                let text = format!("deployment {} is {}", deployment.metadata.name, gates::held_text(hold));
                self.notes.add(NoteKind::OnHold, Some(item), text, Some(origin(deployment)), won);
            }
            if self.view.run.named.is_empty() {
                continue;
            }
            for (other, others) in candidates.iter().zip(&winners.won).filter(|(other, _)| !other.acts) {
                let text = format!(
                    "deployment {} does not win here: {} does",
                    deployment.metadata.name, other.deployment.metadata.name
                );
                let at = Some(origin(other.deployment));
                let lost = &(&candidate.reach & &decided) & others;
                self.notes.add(NoteKind::Overruled, Some(item), text, at, &lost);
            }
        }
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

    /// Where it is not known who wins: which deployment may, and what is not known there.
    fn say_who_may_win(&mut self, item: &ItemKey, candidates: &[Candidate<'a>], uncertain: &RoaringBitmap) {
        let View { config, snapshot, fleet, .. } = self.view;
        let mut rest = uncertain.clone();
        let mut never_asked = RoaringBitmap::new();
        for candidate in candidates {
            // The best of those that may reach a computer stands in the way of all others.
            let computers = &rest & &candidate.maybe;
            if computers.is_empty() {
                continue;
            }
            rest -= &computers;
            let deployment = candidate.deployment;
            let resolved = targets::resolve(&deployment.expression, config, Some(&deployment.place));
            for doubt in resolved.iter().flat_map(|resolved| targets::doubts(resolved, snapshot, &computers))
            {
                let mut known = doubt.computers;
                if doubt.by_facts {
                    never_asked |= &known - &fleet.surveyed;
                    known &= &fleet.surveyed;
                }
                let text = format!(
                    "no deployment wins: whether {} reaches the computer is not known ({})",
                    deployment.metadata.name, doubt.selector
                );
                let at = Some(origin(deployment));
                self.notes.add(NoteKind::Undetermined, Some(item), text, at, &known);
            }
        }
        let text = "which deployment wins is not known before the computer's facts are";
        self.notes.add(NoteKind::Undetermined, Some(item), text, None, &never_asked);
    }

    /// What an item's own winners lead to.
    fn own(&mut self, item: &ItemKey, known: &Item<'a>) {
        for part in &known.parts {
            if let Some(deployment) = part.deployment {
                let values = self.view.values(item, Some(deployment));
                let values = supply::with_license(&values, part.license);
                self.part(item, deployment, &deployment.desired, &values, part);
            }
        }
    }

    /// What one part leads to.
    pub(super) fn part(
        &mut self,
        item: &ItemKey,
        deployment: &'a Deployment,
        desired: &Desired,
        values: &BTreeMap<String, ParameterValue>,
        part: &Part<'a>,
    ) {
        let lost = match part.seen {
            Seen::Known(Observed::Absent) if desired.is_update_if_found() => {
                self.past.lost(item, &part.computers)
            }
            _ => RoaringBitmap::new(),
        };
        if lost.is_empty() {
            return self.follow(item, deployment, desired, values, part, false);
        }
        let rest = &part.computers - &lost;
        for (computers, lost) in [(lost, true), (rest, false)] {
            if !computers.is_empty() {
                let part = Part { computers, ..part.clone() };
                self.follow(item, deployment, desired, values, &part, lost);
            }
        }
    }

    /// The same where what is absent is lost, or is not.
    fn follow(
        &mut self,
        item: &ItemKey,
        deployment: &'a Deployment,
        desired: &Desired,
        values: &BTreeMap<String, ParameterValue>,
        part: &Part<'a>,
        lost: bool,
    ) {
        let key = part.platform.map(|platform| {
            let wanted = Wanted { item, desired, mode: part.mode, platform, values };
            self.wanted.key(self.view.config, deployment, &wanted)
        });
        if let Some(key) = &key {
            self.wanted.wants(key, &part.computers);
        }
        let (Seen::Known(observed), Some(platform)) = (part.seen, part.platform) else {
            // What is known and on no known platform tells nothing.
            let heading = match Heading::of(part.seen) {
                Heading::Wanted => Heading::Undetermined,
                other => other,
            };
            self.tally.count(item, heading, &part.computers, self.view.fleet);
            return;
        };
        let repair = self.view.run.repairs(item);
        let wish = Wish { config: self.view.config, item, desired, mode: part.mode, platform, repair };
        let decision = if lost { diff::restore(&wish) } else { diff::decide(&wish, observed) };
        let at = Some(origin(deployment));
        let (heading, fleet) = (Heading::decided(&decision), self.view.fleet);
        if decision != Decision::Nothing {
            self.tally.count(item, heading, &part.computers, fleet);
        }
        match decision {
            Decision::NotApplicable => {}
            Decision::Nothing => {
                let stale = self.other_values(item, deployment, observed, values, part, platform);
                let mut good = &part.computers - &stale;
                let unfinished = self.unfinished(item, deployment, observed, values, part, &good, platform);
                self.tally.count(item, Heading::Differs, &unfinished, fleet);
                good -= unfinished;
                self.tally.count(item, heading, &good, fleet);
                if matches!(observed, Observed::Value { .. }) {
                    self.tally.read += good.len();
                }
                self.tally.count(item, Heading::Differs, &stale, fleet);
                if let Some(key) = &key {
                    self.wanted.satisfies(key, &good);
                }
            }
            Decision::Blocked(why) => self.notes.add(NoteKind::Blocked, Some(item), why, at, &part.computers),
            Decision::NonCompliant(what) => {
                self.notes.add(NoteKind::NonCompliant, Some(item), what, at, &part.computers);
            }
            Decision::Undetermined(why) => {
                self.notes.add(NoteKind::Undetermined, Some(item), why, at, &part.computers);
            }
            Decision::Act(act) => {
                let mut computers = part.computers.clone();
                // An update or repair that begins by removing may end there.
                let removes =
                    *observed != Observed::Absent && starts_over(self.view.config, item, &act, observed);
                if removes || procedures::removes(self.view.config, item, act.action) {
                    computers -= self.held(item, deployment, &computers);
                }
                self.intend(Intent {
                    item: item.clone(),
                    act,
                    before: observed.clone(),
                    mode: part.mode,
                    parameters: values.clone(),
                    deployment,
                    needed_by: None,
                    license: None,
                    platform,
                    computers,
                });
            }
        }
    }

    /// Where nothing may be removed now (L3); says so.
    pub(super) fn held(
        &mut self,
        item: &ItemKey,
        deployment: &Deployment,
        computers: &RoaringBitmap,
    ) -> RoaringBitmap {
        let held = computers & self.view.snapshot.held();
        self.notes.add(NoteKind::Held, Some(item), supply::HELD, Some(origin(deployment)), &held);
        held
    }

    /// Means to do something, where there is what it takes: a licence and a file (SW-21, SW-28). Elsewhere says what is
    /// missing.
    pub(super) fn intend(&mut self, intent: Intent<'a>) {
        let config = self.view.config;
        let software = config.software.get(&intent.item.name);
        let Some(software) = software.filter(|_| intent.item.kind == ItemKind::Software) else {
            self.intents.push(intent);
            return;
        };
        let license = intent.deployment.license.as_ref().filter(|_| intent.needed_by.is_none());
        let due = Due::of(config, &intent.item, &intent.act, &intent.before, license, intent.platform);
        let (version, before) = (due.version, due.before);
        let supply = supply::supply(
            config,
            software,
            &due,
            self.view.snapshot,
            &self.view.fleet.no_reboot,
            &intent.computers,
        );
        let at = Some(origin(intent.deployment));
        for (why, computers) in &supply.lacking {
            let text = supply::blocked(&intent.act, why);
            self.notes.add(NoteKind::Blocked, Some(&intent.item), text, at.clone(), computers);
        }
        let way = version.map(|version| recipe::way(software, version, before)).unwrap_or_default();
        for (license, computers) in supply.ready {
            if let [bases @ .., wanted] = way.as_slice()
                && !bases.is_empty()
                && intent.act.action != ActionType::Uninstall
            {
                let bases: Vec<&str> = bases.iter().map(|release| release.version.as_str()).collect();
                let text = format!("{} goes over {}", wanted.version, bases.join(", then "));
                self.notes.add(NoteKind::Hint, Some(&intent.item), text, at.clone(), &computers);
            }
            let license = license.map(|license| license.metadata.name.clone());
            self.intents.push(Intent { license, computers, ..intent.clone() });
        }
    }

    /// Software that is as wanted and was put there with other values (PAR-8). Gives the computers concerned.
    fn other_values(
        &mut self,
        item: &ItemKey,
        deployment: &'a Deployment,
        observed: &'a Observed,
        parameters: &BTreeMap<String, ParameterValue>,
        part: &Part<'a>,
        platform: Platform,
    ) -> RoaringBitmap {
        let Some(software) =
            self.view.config.software.get(&item.name).filter(|_| item.kind == ItemKind::Software)
        else {
            return RoaringBitmap::new();
        };
        let Observed::Present { version, .. } = observed else { return RoaringBitmap::new() };
        if software.parameters_changed(deployment.configured) == ParametersChanged::Ignore
            || software.parameters.is_empty()
        {
            return RoaringBitmap::new();
        }
        let computers = self.past.other_values(
            item,
            &past::values(&supply::without_license(self.view.config, item, parameters)),
            &part.computers,
        );
        if computers.is_empty() {
            return computers;
        }
        let at = Some(origin(deployment));
        let act = Act {
            action: ActionType::Reinstall,
            reason: Reason::ParametersChanged,
            version: version.clone(),
            after: diff::present_after(software, platform, version.clone()),
        };
        let call = Call {
            action: act.action,
            version: act.version.as_deref(),
            before: version.as_deref(),
            platform,
            computer: recipe::Computer::Any,
        };
        let steps = if diff::installs_again(software, platform, version.as_deref()) {
            procedures::steps(self.view.config, item, &call)
        } else {
            let there = version.as_deref().unwrap_or("the version that is there");
            Err(format!("{there} is none of its releases"))
        };
        match steps {
            Err(why) => {
                let text =
                    format!("it was installed with other values; {} is due, and {why}", diff::phrase(&act));
                self.notes.add(NoteKind::Blocked, Some(item), text, at, &computers);
            }
            Ok(_) if part.mode < Mode::Enforce => {
                let text = "it was installed with other values";
                self.notes.add(NoteKind::NonCompliant, Some(item), text, at, &computers);
            }
            Ok(_) => self.intend(Intent {
                item: item.clone(),
                act,
                before: observed.clone(),
                mode: part.mode,
                parameters: parameters.clone(),
                deployment,
                needed_by: None,
                license: None,
                platform,
                computers: computers.clone(),
            }),
        }
        computers
    }

    /// Software that is as wanted and whose script that follows an install may not have done its part: it is given once more.
    /// Where that was in vain, says so. Gives the computers on which it is given.
    #[expect(clippy::too_many_arguments, reason = "all that a wish is made of")]
    fn unfinished(
        &mut self,
        item: &ItemKey,
        deployment: &'a Deployment,
        observed: &'a Observed,
        parameters: &BTreeMap<String, ParameterValue>,
        part: &Part<'a>,
        computers: &RoaringBitmap,
        platform: Platform,
    ) -> RoaringBitmap {
        let none = RoaringBitmap::new();
        let software = self.view.config.software.get(&item.name).filter(|_| item.kind == ItemKind::Software);
        let Some(act) = software.and_then(|software| diff::finish(software, platform, observed)) else {
            return none;
        };
        let again = if part.mode < Mode::Enforce { none } else { self.past.to_finish(item, computers) };
        let told = self.past.unfinished(item, computers) - &again;
        let text = "it is there, and its postInstall script may not have done its part: what put it there did not \
                    come to a good end";
        self.notes.add(NoteKind::Hint, Some(item), text, Some(origin(deployment)), &told);
        if !again.is_empty() {
            self.intend(Intent {
                item: item.clone(),
                act,
                before: observed.clone(),
                mode: part.mode,
                parameters: parameters.clone(),
                deployment,
                needed_by: None,
                license: None,
                platform,
                computers: again.clone(),
            });
        }
        again
    }

    /// Says what is not known, once for each computer and not for each item.
    fn unknown(&mut self) {
        let unreached = &self.tally.incomplete & &self.view.fleet.unreached;
        for ix in &unreached {
            let one = RoaringBitmap::from_iter([ix]);
            let (kind, text) = match &*self.view.snapshot.computer(ix).contact {
                Contact::Never | Contact::Reached => continue,
                Contact::Unreachable { why } => (NoteKind::Unreachable, why.clone()),
                Contact::Refused { why, help: None } => (NoteKind::Refused, why.clone()),
                Contact::Refused { why, help: Some(help) } => (NoteKind::Refused, format!("{why}; {help}")),
                Contact::Failed { why } => (NoteKind::Undetermined, why.clone()),
            };
            self.notes.add(kind, None, text, None, &one);
        }
        let never = &self.tally.never - &unreached;
        self.notes.add(
            NoteKind::Stale,
            None,
            "not everything that is wanted was ever detected",
            None,
            &never,
        );
        let old = &self.tally.old - &unreached;
        self.notes.add(NoteKind::Stale, None, "some of what was detected is too old", None, &old);
    }
}
