//! From winners and observations to the plan.
//!
//! The steps, each a function below or a module: winners, decisions about each item, prerequisites, configuration tasks,
//! sessions (`sessions`), and the document.
//!
//! Invariants: `now` decides only what is stale, and reaches the output nowhere; the same input gives the same bytes
//! (L13); the numbers of the coverage add up.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;

use super::coverage::Tally;
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
use super::modes;
use super::notes::{Notes, document, origin};
use super::past::{self, Past};
use super::precedence::{self, Candidate, Named, Winners, is_ignored};
use super::prerequisites::{self, Implied, Outcome, Standing};
use super::probes;
use super::procedures::{self, starts_over};
use super::recipe::{self, Call};
use super::remembered::Remembered;
use super::sessions::{self, Intent};
use super::supply::{self, Due};
use super::view::{Part, Seen, View, oldest};
use crate::config::Config;
use crate::config::kind::{Mode, ParameterValue, ParametersChanged, SoftwareState};
use crate::config::model::{Deployment, Desired};
use crate::diagnostic::{Finding, Findings, code};
use crate::id::{Digest, Name};
use crate::inventory::item::{ItemKey, ItemKind, Observed};
use crate::inventory::known::Contact;
use crate::inventory::snapshot::Snapshot;
use crate::session::script::Platform;
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
    let run = Run::of(&input.options, input.now);
    let fleet = Fleet::in_run(input.config, input.snapshot, &run);
    let scope = input.only.as_ref().map_or_else(|| fleet.all.clone(), |only| &fleet.all & only);
    let (candidates, findings) = precedence::candidates(input.config, input.snapshot, &fleet, &run);
    let detections = input.detections.since(oldest(input.now, input.max_age));
    let view = View {
        config: input.config,
        snapshot: input.snapshot,
        fleet: &fleet,
        detections: &detections,
        ceiling: input.options.mode.unwrap_or(Mode::Enforce),
        run: &run,
    };
    let mut work = Work {
        view,
        names: Named(input.snapshot),
        findings,
        notes: Notes::default(),
        tally: Tally::default(),
        intents: Vec::new(),
        wanted: Intents::default(),
        past: input.past,
    };
    work.say_empty_targets(&candidates);
    work.say_the_run(&run, &candidates, &scope);
    let survey = work.winners(&candidates, &scope);
    work.own(&survey);
    let standings = work.standings(&survey, &scope);
    let outcome = prerequisites::resolve(input.config, &standings, input.snapshot.held());
    work.prerequisites(&outcome, &standings, &survey);
    work.configurations(&outcome, &survey);
    work.unknown();
    let Work { mut findings, mut notes, tally, intents, mut wanted, .. } = work;
    let made = sessions::assemble(input, intents, &mut wanted, &mut notes, &mut findings);
    let whole = input.only.is_none() && run.named.is_empty() && input.snapshot.failed().is_empty();
    let mut findings = lint::of_plan(input.config, findings, whole);
    findings.sort();
    let (memberships, members) = membership::changes(input.config, input.snapshot, input.past, &scope);
    for (name, members) in members {
        wanted.target(&name, members);
    }
    let at_once = input.config.instance.concurrency;
    let impact = impact::impact(&made.computers, &made.changes, input.past.durations(), at_once);
    let mut plan = Plan {
        format: FORMAT.to_owned(),
        digest: Digest::of(b""),
        instance: input.config.instance.metadata.name.clone(),
        revision: input.revision.clone(),
        options: input.options.clone(),
        memberships,
        impact,
        computers: made.computers,
        changes: made.changes,
        sessions: made.sessions,
        notes: notes.finish(Named(input.snapshot)),
        coverage: tally.coverage(&scope, &fleet),
        verdicts: Vec::new(),
    };
    plan.digest = digest::of_plan(&plan);
    let wants = Wants { now: wanted.finish(), scope, unknown: tally.incomplete };
    Planned { plan, findings, wants }
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
    names: Named<'a>,
    findings: Findings,
    notes: Notes,
    pub(super) tally: Tally,
    pub(super) intents: Vec<Intent<'a>>,
    /// What is wanted, for the next run.
    wanted: Intents,
    past: &'a Past,
}

impl<'a> Work<'a> {
    fn say_empty_targets(&mut self, candidates: &BTreeMap<ItemKey, Vec<Candidate<'a>>>) {
        for (item, candidates) in candidates {
            for candidate in candidates.iter().filter(|candidate| !candidate.selects) {
                let deployment = candidate.deployment;
                let target = deployment.target.as_ref().and_then(|name| self.view.config.targets.get(name));
                let (place, what) = match target {
                    Some(target) => (&target.place, format!("target {}", target.metadata.name)),
                    None => {
                        (&deployment.place, format!("the target of deployment {}", deployment.metadata.name))
                    }
                };
                let message = format!("{what} matches no computer");
                self.findings.push(Finding::new(
                    code::TARGET_MATCHES_NOTHING,
                    message.clone(),
                    place.clone(),
                ));
                self.notes.general(NoteKind::EmptyTarget, Some(item), message, origin(deployment));
            }
        }
        // While a list is missing, its computers are no news.
        if self.view.snapshot.failed().is_empty() && !self.view.config.computers.is_empty() {
            let mut open = self.view.config.computers.clone();
            for (_, computer) in self.view.snapshot.iter() {
                if let Some(name) = &computer.document {
                    open.remove(name);
                }
            }
            for computer in open.values() {
                let text = format!("no provider lists a computer called {}", computer.name);
                let origin = document(&computer.metadata.name, &computer.place);
                self.notes.general(NoteKind::UnknownComputer, None, text, origin);
            }
        }
    }

    /// What the run lifts, and which tenants are on hold where something would be wanted.
    fn say_the_run(
        &mut self,
        run: &Run,
        candidates: &BTreeMap<ItemKey, Vec<Candidate<'a>>>,
        scope: &RoaringBitmap,
    ) {
        for (text, origin) in modes::what_is_lifted(self.view.config, run) {
            self.notes.general(NoteKind::Lifted, None, text, origin);
        }
        if self.view.fleet.on_hold.is_empty() {
            return;
        }
        let reached = candidates.values().flatten().filter(|candidate| candidate.acts);
        let reached = reached.fold(RoaringBitmap::new(), |sum, candidate| sum | &candidate.reach) & scope;
        for (name, computers) in &self.view.fleet.on_hold {
            let Some(tenant) = self.view.config.tenants.get(name) else { continue };
            let Some(hold) = &tenant.hold else { continue };
            let text = format!("tenant {name} is {}", gates::held_text(hold));
            let at = document(name, &tenant.place);
            self.notes.add(NoteKind::OnHold, None, text, Some(at), &(computers & &reached));
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

    /// Who wins, and what is known there.
    fn winners(
        &mut self,
        candidates: &BTreeMap<ItemKey, Vec<Candidate<'a>>>,
        scope: &RoaringBitmap,
    ) -> Survey<'a> {
        let mut survey = Survey::new();
        for (item, candidates) in candidates {
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
            self.tally.count(Seen::Unknown, &winners.uncertain, false);
            self.tally.count(Seen::Unknown, &winners.ambiguous, false);
            self.notes.add(
                NoteKind::Undetermined,
                Some(item),
                "which deployment wins is not known before the computer's facts are",
                None,
                &winners.uncertain,
            );
            self.say_the_winners(item, candidates, &winners, scope);
            if self.view.run.named.is_empty() && *scope == self.view.fleet.all {
                self.findings.extend(lint::deployments::never_wins_here(item, candidates, &winners));
            }
            let parts = self.view.parts(item, candidates, &winners);
            let of = |candidate: &Candidate<'a>| (candidate.deployment, candidate.mode);
            let deployments = candidates.iter().map(of).collect();
            survey.insert(item.clone(), Item { deployments, winners, parts });
        }
        survey
    }

    /// What each item's own winners lead to.
    fn own(&mut self, survey: &Survey<'a>) {
        for (item, known) in survey {
            for part in &known.parts {
                if let Some(deployment) = part.deployment {
                    let values = self.view.values(item, Some(deployment));
                    self.part(item, deployment, &deployment.desired, &values, part);
                }
            }
        }
    }

    /// What one part leads to.
    fn part(
        &mut self,
        item: &ItemKey,
        deployment: &'a Deployment,
        desired: &Desired,
        values: &BTreeMap<String, ParameterValue>,
        part: &Part<'a>,
    ) {
        let key = part.platform.map(|platform| {
            let wanted = Wanted { item, desired, mode: part.mode, platform, values };
            self.wanted.key(self.view.config, deployment, &wanted)
        });
        if let Some(key) = &key {
            self.wanted.wants(key, &part.computers);
        }
        let (Seen::Known(observed), Some(platform)) = (part.seen, part.platform) else {
            self.tally.count(part.seen, &part.computers, false);
            return;
        };
        let wish = Wish { config: self.view.config, item, desired, mode: part.mode, platform };
        let decision = diff::decide(&wish, observed);
        let tells = !matches!(decision, Decision::Undetermined(_));
        self.tally.count(part.seen, &part.computers, tells);
        let at = Some(origin(deployment));
        match decision {
            Decision::NotApplicable => {}
            Decision::Nothing => {
                let stale = self.other_values(item, deployment, observed, values, part, platform);
                if let Some(key) = &key {
                    self.wanted.satisfies(key, &(&part.computers - &stale));
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
                    act.action != ActionType::Install && starts_over(self.view.config, item, &act, observed);
                if removes || act.action == ActionType::Uninstall {
                    let held = &computers & self.view.snapshot.held();
                    let text = "nothing is removed while a source that the computer depends on fails";
                    self.notes.add(NoteKind::Held, Some(item), text, at, &held);
                    computers -= held;
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

    /// Means to do something, where there is what it takes: a licence and a file (SW-21, SW-28). Elsewhere says what is
    /// missing.
    fn intend(&mut self, intent: Intent<'a>) {
        let config = self.view.config;
        let software = config.software.get(&intent.item.name);
        let Some(software) = software.filter(|_| intent.item.kind == ItemKind::Software) else {
            self.intents.push(intent);
            return;
        };
        let version = intent.act.version.as_deref();
        let before = procedures::version_of(&intent.before);
        let due = Due {
            action: intent.act.action,
            version,
            before,
            license: intent.deployment.license.as_ref().filter(|_| intent.needed_by.is_none()),
            platform: intent.platform,
        };
        let supply = supply::supply(config, software, &due, self.view.snapshot, &intent.computers);
        let at = Some(origin(intent.deployment));
        for (why, computers) in &supply.lacking {
            let text = format!("{} is due: {why}", diff::phrase(&intent.act));
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
        if software.parameters_changed() == ParametersChanged::Ignore || software.parameters.is_empty() {
            return RoaringBitmap::new();
        }
        let computers = self.past.other_values(item, &past::values(parameters), &part.computers);
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
        match procedures::steps(self.view.config, item, &call) {
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

    /// Takes back what is blocked, and adds what is implied.
    fn prerequisites(
        &mut self,
        outcome: &Outcome<'a>,
        standings: &BTreeMap<Name, Standing<'a>>,
        survey: &Survey<'a>,
    ) {
        let config = self.view.config;
        for trouble in &outcome.troubles {
            let item = ItemKey::software(trouble.software.clone());
            let at = document(&trouble.software, &trouble.place);
            self.notes.add(trouble.kind, Some(&item), trouble.text.clone(), Some(at), &trouble.computers);
            let on = self.names.some(&trouble.computers);
            if trouble.undoes {
                let message = format!("{} on {on}: {}", trouble.software, trouble.text);
                let finding = Finding::new(code::PREREQUISITE_UNDOES, message, trouble.place.clone());
                self.findings.push(finding.help(
                    "ask about something that what it installs or removes does not change through other software",
                ));
            }
            let Some(other) = &trouble.against else { continue };
            let mut finding = Finding::new(
                code::PREREQUISITE_CONFLICT,
                format!("{} on {on}: {}", trouble.software, trouble.text),
                trouble.place.clone(),
            )
            .help("change one of the two, or exempt these computers from one of them");
            for (deployment, won) in standings.get(other).into_iter().flat_map(|standing| &standing.winners) {
                if !won.is_disjoint(&trouble.computers) {
                    let what = format!("deployment {} wins for {other}", deployment.metadata.name);
                    finding = finding.related(deployment.place.clone(), what);
                }
            }
            self.findings.push(finding);
        }
        for intent in &mut self.intents {
            if intent.item.kind != ItemKind::Software || intent.act.action == ActionType::Uninstall {
                continue;
            }
            if let Some(blocked) = outcome.blocked.get(&intent.item.name) {
                intent.computers -= blocked;
            }
            for implied in outcome.implied.iter().filter(|implied| !implied.install) {
                if implied.software == intent.item.name {
                    intent.computers -= &implied.computers;
                }
            }
        }
        for implied in &outcome.implied {
            let item = ItemKey::software(implied.software.clone());
            let Some(software) = config.software.get(&implied.software) else { continue };
            let mut rest = implied.computers.clone();
            // By its own update-if-found winner where it has one (DEP-8), else in its highest version (PRE-14).
            for (deployment, won) in survey.get(&item).into_iter().flat_map(Item::wins) {
                let mine = &rest & won;
                rest -= &mine;
                let version = match &deployment.desired {
                    Desired::Software { version, .. } => version.install().map(str::to_owned),
                    Desired::Task => None,
                };
                let version = version.or_else(|| software.latest().map(str::to_owned));
                self.imply(&item, Some(deployment), version.as_deref(), implied, &mine);
            }
            self.imply(&item, None, software.latest(), implied, &rest);
        }
    }

    fn imply(
        &mut self,
        item: &ItemKey,
        own: Option<&'a Deployment>,
        version: Option<&str>,
        implied: &Implied<'a>,
        computers: &RoaringBitmap,
    ) {
        let Some(software) = self.view.config.software.get(&item.name) else { return };
        let own = own.filter(|deployment| !is_ignored(deployment));
        let parameters = self.view.values(item, own);
        let mut parts = Vec::new();
        self.view.look(item, own, &parameters, Mode::Enforce, computers, &mut parts);
        for part in parts {
            let (Seen::Known(before), Some(platform)) = (part.seen, part.platform) else { continue };
            let (action, version, after) = if implied.install {
                let version = version.map(str::to_owned);
                (ActionType::Install, version.clone(), diff::present_after(software, platform, version))
            } else {
                (ActionType::Uninstall, None, Observed::Absent)
            };
            self.intend(Intent {
                item: item.clone(),
                act: Act { action, reason: Reason::Prerequisite, version, after },
                before: before.clone(),
                mode: Mode::Enforce,
                parameters: parameters.clone(),
                deployment: implied.deployment,
                needed_by: Some(ItemKey::software(implied.needed_by.clone())),
                license: None,
                platform,
                computers: part.computers,
            });
        }
    }

    /// The configuration tasks of what is there, or will be (TSK-10 to TSK-14).
    fn configurations(&mut self, outcome: &Outcome<'a>, survey: &Survey<'a>) {
        let config = self.view.config;
        for (item, known) in survey.iter().filter(|(item, _)| item.kind == ItemKind::Software) {
            let Some(software) = config.software.get(&item.name) else { continue };
            let Some(task) = probes::configuration(config, software) else { continue };
            let mut out = outcome.blocked.get(&item.name).cloned().unwrap_or_default();
            for implied in outcome.implied.iter().filter(|i| !i.install && i.software == item.name) {
                out |= &implied.computers;
            }
            if let Some(own) = survey.get(&task) {
                // A deployment of the task itself says more.
                own.winners.won.iter().for_each(|won| out |= won);
            }
            let mut anew = RoaringBitmap::new();
            for intent in self.intents.iter().filter(|intent| intent.item == *item) {
                if starts_over(config, item, &intent.act, &intent.before) {
                    anew |= &intent.computers;
                }
            }
            anew -= &out;
            for part in &known.parts {
                let Some(deployment) = part.deployment else { continue };
                let wanted = matches!(
                    deployment.desired,
                    Desired::Software { state: SoftwareState::Installed | SoftwareState::UpdateIfFound, .. }
                );
                if !wanted {
                    continue;
                }
                let values = self.view.values(item, Some(deployment));
                let values = probes::configuration_values(config, &task, &values);
                let there = matches!(part.seen, Seen::Known(Observed::Present { .. }));
                let fresh = &part.computers & &anew;
                let keeps = if there { &part.computers - &out - &fresh } else { RoaringBitmap::new() };
                let mut parts = Vec::new();
                self.view.look(&task, Some(deployment), &values, part.mode, &keeps, &mut parts);
                for part in &parts {
                    self.part(&task, deployment, &Desired::Task, &values, part);
                }
                let Some(platform) = part.platform.filter(|_| !fresh.is_empty()) else { continue };
                let call = Call {
                    action: ActionType::Set,
                    version: None,
                    before: None,
                    platform,
                    computer: recipe::Computer::Any,
                };
                if procedures::steps(config, &task, &call).is_err() {
                    continue;
                }
                let before = Observed::Undetermined {
                    why: format!("not known before {} is installed", software.metadata.name),
                };
                self.intents.push(Intent {
                    item: task.clone(),
                    act: Act {
                        action: ActionType::Set,
                        reason: Reason::TaskNonCompliant,
                        version: None,
                        after: Observed::Compliant,
                    },
                    before,
                    mode: part.mode,
                    parameters: values,
                    deployment,
                    needed_by: None,
                    license: None,
                    platform,
                    computers: fresh,
                });
            }
        }
    }

    /// Says what is not known, once for each computer and not for each item.
    fn unknown(&mut self) {
        let unreached = &self.tally.wanted & &self.view.fleet.unreached;
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
