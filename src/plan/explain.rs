//! Why a computer gets what it gets: every candidate of an item with its rank and its fate, what is known, what follows.
//!
//! Invariant: who wins is found by the functions of a plan, and what follows is read from a plan of this computer alone,
//! made from what is known, so nothing is decided a second way.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use roaring::RoaringBitmap;
use serde::Serialize;

use super::detections::Detections;
use super::diff::{Act, Decision};
use super::document::{Change, Checks, NoteKind, Origin, ValueOrigin};
use super::fleet::Fleet;
use super::gates::{self, Run};
use super::notes::origin;
use super::past::Past;
use super::phrase;
use super::planner::{self, Planned};
use super::precedence::{self, Candidate, Rank, Winners, is_ignored};
use super::probes;
use super::supply;
use crate::config::Config;
use crate::config::kind::{Hold, Mode, ParameterValue};
use crate::config::model::{Deployment, Layer};
use crate::diagnostic::Place;
use crate::inventory::item::{ItemKey, Observed};
use crate::inventory::snapshot::Snapshot;
use crate::targets::{self, Scope};
use crate::time::{Day, Timestamp};

/// Everything about the items of one computer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The computer's name.
    pub computer: String,
    /// The most that may be done on it.
    pub mode: Mode,
    /// Why nothing at all is done on it, if so.
    pub excluded: bool,
    /// Why nothing is done on it for a while, if so.
    pub on_hold: Option<Held>,
    /// Each item, sorted.
    pub items: Vec<ItemExplanation>,
}

/// Everything about one item on one computer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemExplanation {
    /// The item.
    pub item: ItemKey,
    /// The candidates, best first; those that do not count come last, by name.
    pub candidates: Vec<Explained>,
    /// The winner, if there is one.
    pub winner: Option<Origin>,
    /// The mode that holds for it.
    pub mode: Option<Mode>,
    /// Why nothing at all follows although a deployment wins, if so.
    pub idle: Option<Idle>,
    /// The winner's values for the scripts, in the order of their declaration; hidden ones are left out.
    pub values: Vec<ExplainedValue>,
    /// What was last observed, and when; of whatever age.
    pub observed: Option<(Observed, Timestamp)>,
    /// The item for whose sake it is changed, where its own winner does not ask for that.
    pub needed_by: Option<ItemKey>,
    /// What follows, as in a plan of this computer alone; `None` when nothing is known, nobody wins and nobody else needs
    /// it, or nothing at all follows.
    pub decision: Option<Decision>,
}

/// Why nothing follows for an item, whatever was observed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Idle {
    /// The winner, or the computer's tenant, is on hold (TGT-15).
    Held(Held),
    /// The winner says `ignored`.
    Ignored,
    /// The most that may be done on the computer, or through the winner's target, is nothing.
    Ceiling,
}

/// A hold that still holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Held {
    /// What is on hold: `deployment NAME` or `tenant NAME`.
    pub what: String,
    /// The first day on which it does not hold any more.
    pub until: Day,
    /// Why.
    pub reason: String,
    /// The document that says so.
    pub place: Place,
}

impl Held {
    /// The hold of a deployment, where it still holds.
    pub(super) fn of_deployment(config: &Config, deployment: &Deployment, now: Timestamp) -> Option<Self> {
        let hold = deployment.hold.as_ref().filter(|hold| gates::holds(config, hold, now))?;
        Some(Self::new(format!("deployment {}", deployment.metadata.name), hold, &deployment.place))
    }

    fn new(what: String, hold: &Hold, place: &Place) -> Self {
        Self { what, until: hold.until, reason: hold.reason.trim().to_owned(), place: place.clone() }
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is on hold until {}: {} ({})", self.what, self.until, self.reason, self.place)
    }
}

/// A value that the scripts get, and where it comes from (PAR-7). Secrets stand as references.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedValue {
    /// The parameter.
    pub name: String,
    /// The value.
    pub value: ParameterValue,
    /// Where it comes from.
    pub origin: Option<ValueOrigin>,
}

/// One candidate and its fate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explained {
    /// The deployment.
    pub deployment: Origin,
    /// What it says, as a sentence (DEP-24).
    pub says: String,
    /// Its rank in words: scope, priority, whether it says ignored.
    pub rank: String,
    /// What became of it.
    pub fate: Fate,
    /// Why, in words.
    pub why: String,
}

/// What became of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It wins.
    Won,
    /// It and another one win, so that none does.
    Tied,
    /// Whether it reaches the computer is not known.
    Uncertain,
    /// A better one wins.
    Lost,
    /// It does not count here: disabled, excluded, opted out.
    Dropped,
    /// Its target does not select the computer.
    Elsewhere,
}

/// Explains the items of the computer at position `ix`: one, or all that reach it. Deployments whose targets lie elsewhere
/// are shown when an item is named. `None` when there is no such computer.
#[must_use]
pub fn explain(
    config: &Config,
    snapshot: &Snapshot,
    detections: &Detections,
    past: &Past,
    ix: u32,
    item: Option<&ItemKey>,
    run: &Run,
) -> Option<Explanation> {
    let computer = snapshot.get(ix)?;
    let fleet = Fleet::in_run(config, snapshot, run);
    let (candidates, _) = precedence::candidates(config, snapshot, &fleet, run);
    let here = RoaringBitmap::from_iter([ix]);
    let mut keys: Vec<ItemKey> = match item {
        Some(item) => vec![item.clone()],
        None => config.deployments.values().map(|deployment| deployment.item.clone()).collect(),
    };
    let planned = planner::of_one(config, snapshot, (detections, past), ix, run);
    if item.is_none() {
        // What only others need is changed as well.
        keys.extend(planned.plan.changes.iter().map(|change| change.item.clone()));
    }
    keys.sort();
    keys.dedup();
    let look = Look { config, snapshot, detections, planned, fleet: &fleet, run, ix };
    let explained = |key: ItemKey| {
        let of_item = candidates.get(&key).map_or(&[][..], Vec::as_slice);
        look.item(key, of_item, &precedence::winners(of_item, &here), item.is_some())
    };
    let mut items: Vec<ItemExplanation> = keys.into_iter().map(explained).collect();
    if item.is_none() {
        items.retain(|item| !item.candidates.is_empty() || item.decision.is_some());
    }
    Some(Explanation {
        computer: computer.name.clone(),
        mode: fleet.mode_of(ix),
        excluded: computer.excluded,
        on_hold: look.on_hold(),
        items,
    })
}

struct Look<'a> {
    config: &'a Config,
    snapshot: &'a Snapshot,
    detections: &'a Detections,
    planned: Planned,
    fleet: &'a Fleet,
    run: &'a Run,
    ix: u32,
}

impl Look<'_> {
    fn item(
        &self,
        item: ItemKey,
        candidates: &[Candidate<'_>],
        winners: &Winners,
        elsewhere: bool,
    ) -> ItemExplanation {
        let mut explained: Vec<Explained> = Vec::new();
        let mut best: Option<&Candidate<'_>> = None;
        let mut winner: Option<&Candidate<'_>> = None;
        for (position, candidate) in candidates.iter().enumerate() {
            let reached = candidate.reach.contains(self.ix);
            if !reached && !candidate.maybe.contains(self.ix) {
                continue;
            }
            let won = winners.won.get(position).is_some_and(|won| won.contains(self.ix));
            let (fate, why) = match best {
                _ if won => (Fate::Won, self.won(candidate.deployment)),
                _ if !reached => (
                    Fate::Uncertain,
                    format!("it may reach the computer; {}", self.open(candidate.deployment)),
                ),
                Some(best) => (Fate::Lost, lost(candidate, best)),
                None if winners.uncertain.contains(self.ix) => {
                    (Fate::Lost, "a better one may reach the computer; that is not known".to_owned())
                }
                None => (Fate::Tied, "another one of equal rank wants something different".to_owned()),
            };
            let fate = match best {
                Some(best)
                    if fate == Fate::Lost
                        && winners.ambiguous.contains(self.ix)
                        && best.rank() == candidate.rank() =>
                {
                    Fate::Tied
                }
                _ => fate,
            };
            if reached && best.is_none() {
                best = Some(candidate);
            }
            if won {
                winner = Some(candidate);
            }
            explained.push(Explained {
                deployment: origin(candidate.deployment),
                says: phrase::deployment(self.config, candidate.deployment, self.run.now),
                rank: rank(candidate),
                fate,
                why,
            });
        }
        explained.extend(self.others(&item, candidates, winner.or(best), elsewhere));
        let Follows { mode, idle, observed, needed_by, decision } = self.follows(&item, winner);
        let values = winner.map(|winner| self.values(&item, winner.deployment)).unwrap_or_default();
        ItemExplanation {
            values,
            item,
            candidates: explained,
            winner: winner.map(|winner| origin(winner.deployment)),
            mode,
            idle,
            observed,
            needed_by,
            decision,
        }
    }

    /// What the winner's scripts get.
    fn values(&self, item: &ItemKey, winner: &Deployment) -> Vec<ExplainedValue> {
        if is_ignored(winner) {
            return Vec::new();
        }
        let declared = probes::declared(self.config, item);
        let spec = |name: &String| declared.and_then(|declared| declared.get(name));
        let values = probes::values(self.config, item, &winner.parameters);
        let mut origins = probes::origins(self.config, item, &values, winner, false);
        let mut shown: Vec<ExplainedValue> = values
            .into_iter()
            .filter(|(name, _)| !spec(name).is_some_and(|spec| spec.hidden))
            .map(|(name, value)| ExplainedValue { origin: origins.remove(&name), name, value })
            .collect();
        // By name they stand already.
        shown.sort_by_key(|value| spec(&value.name).and_then(|spec| spec.order).unwrap_or(0));
        shown
    }

    /// By which road a winner selects the computer, and whether it is on hold.
    fn won(&self, deployment: &Deployment) -> String {
        let road = self.road(deployment);
        match &deployment.hold {
            Some(hold) if gates::holds(self.config, hold, self.run.now) => {
                format!("{road}; it is {}", gates::held_text(hold))
            }
            _ => road,
        }
    }

    /// Those of an item that do not count here, and why.
    fn others(
        &self,
        item: &ItemKey,
        candidates: &[Candidate<'_>],
        best: Option<&Candidate<'_>>,
        elsewhere: bool,
    ) -> Vec<Explained> {
        let mut result = Vec::new();
        for deployment in self.config.deployments.values().filter(|deployment| deployment.item == *item) {
            let candidate =
                candidates.iter().find(|c| c.deployment.metadata.name == deployment.metadata.name);
            let counts = |c: &Candidate<'_>| c.reach.contains(self.ix) || c.maybe.contains(self.ix);
            if candidate.is_some_and(counts) {
                continue;
            }
            let Ok(resolved) = targets::resolve(&deployment.expression, self.config, Some(&deployment.place))
            else {
                continue;
            };
            let why_not = targets::why_not(&resolved, self.snapshot, self.ix);
            let scope = targets::scope(&resolved);
            let gate = gates::gate(self.config, self.run, deployment);
            let (fate, why) = match (why_not, gate) {
                (Some(why_not), None) if why_not.unknown => {
                    (Fate::Elsewhere, format!("it does not count, as this is not known: {why_not}"))
                }
                (Some(why_not), _) => {
                    (Fate::Elsewhere, format!("its target does not select the computer: {why_not}"))
                }
                (None, gate) => {
                    let exempt = gates::exempt(self.fleet, deployment, scope, self.ix);
                    let why = gate.map(|gate| gate.to_string());
                    let why = why.or_else(|| exempt.map(|exempt| exempt.to_string())).unwrap_or_default();
                    (Fate::Dropped, format!("{why}; {}", would(deployment, scope, best)))
                }
            };
            if fate == Fate::Elsewhere && !elsewhere {
                continue;
            }
            result.push(Explained {
                deployment: origin(deployment),
                says: phrase::deployment(self.config, deployment, self.run.now),
                rank: in_words(deployment, scope, false),
                fate,
                why,
            });
        }
        result
    }

    /// The hold of the computer's tenant, or of one above it.
    fn on_hold(&self) -> Option<Held> {
        let (name, _) = self.fleet.on_hold.iter().find(|(_, computers)| computers.contains(self.ix))?;
        let tenant = self.config.tenants.get(name)?;
        Some(Held::new(format!("tenant {name}"), tenant.hold.as_ref()?, &tenant.place))
    }

    /// What is not known where a deployment may reach the computer.
    fn open(&self, deployment: &Deployment) -> String {
        targets::resolve(&deployment.expression, self.config, Some(&deployment.place))
            .ok()
            .and_then(|resolved| targets::why_not(&resolved, self.snapshot, self.ix))
            .map_or_else(String::new, |why_not| why_not.to_string())
    }

    fn road(&self, deployment: &Deployment) -> String {
        targets::resolve(&deployment.expression, self.config, Some(&deployment.place))
            .ok()
            .and_then(|resolved| targets::road(&resolved, self.snapshot, self.ix))
            .map_or_else(String::new, |road| format!("its target selects the computer by {road}"))
    }

    /// What follows for an item, as the computer's own plan says it.
    fn follows(&self, item: &ItemKey, winner: Option<&Candidate<'_>>) -> Follows {
        let known = winner.map_or_else(Follows::default, |winner| self.at_rest(item, winner));
        if let Some(change) = self.planned.plan.changes.iter().find(|change| change.item == *item) {
            let Change { action, reason, ref version, ref after, mode, ref needed_by, .. } = *change;
            let act = Act { action, reason, version: version.clone(), after: after.clone() };
            let observed = known.observed.or_else(|| self.last_seen(item, &change.parameters));
            return Follows {
                mode: Some(mode),
                idle: None,
                observed,
                needed_by: needed_by.clone(),
                decision: Some(Decision::Act(act)),
            };
        }
        let note = |kind: NoteKind| {
            let mut notes = self.planned.plan.notes.iter();
            let said = notes.find(|note| {
                note.kind == kind && note.item.as_ref() == Some(item) && !note.computers.is_empty()
            });
            said.map(|note| note.text.clone())
        };
        let decision = note(NoteKind::Blocked)
            .or_else(|| note(NoteKind::Held))
            .map(Decision::Blocked)
            .or_else(|| note(NoteKind::NonCompliant).map(Decision::NonCompliant));
        if decision.is_some() {
            return Follows { decision, idle: None, ..known };
        }
        if winner.is_none() || known.idle.is_some() {
            return known;
        }
        let decision = note(NoteKind::Undetermined).map(Decision::Undetermined).or_else(|| {
            let checks = self.planned.plan.coverage.items.iter().find(|of| of.item == *item)?.checks;
            match checks {
                Checks { wanted: 1.., .. } => Some(Decision::Nothing),
                Checks { not_applicable: 1.., .. } => Some(Decision::NotApplicable),
                _ => None,
            }
        });
        Follows { decision, ..known }
    }

    /// The mode of a winner, why nothing follows at all where that is so, and what was last observed.
    fn at_rest(&self, item: &ItemKey, winner: &Candidate<'_>) -> Follows {
        let mode = self.fleet.mode_of(self.ix).min(winner.mode);
        if is_ignored(winner.deployment) || mode == Mode::Ignored {
            let held = Held::of_deployment(self.config, winner.deployment, self.run.now);
            let idle = match held.or_else(|| self.on_hold()) {
                _ if is_ignored(winner.deployment) => Idle::Ignored,
                Some(held) => Idle::Held(held),
                None => Idle::Ceiling,
            };
            return Follows {
                mode: Some(Mode::Ignored),
                idle: Some(idle),
                observed: self.last_seen(item, &winner.deployment.parameters),
                ..Follows::default()
            };
        }
        Follows { mode: Some(mode), observed: self.seen(item, winner, mode), ..Follows::default() }
    }

    /// What was observed as the winner looks at it.
    fn seen(&self, item: &ItemKey, winner: &Candidate<'_>, mode: Mode) -> Option<(Observed, Timestamp)> {
        let platform = self.snapshot.computer(self.ix).platform?;
        let values = probes::values(self.config, item, &winner.deployment.parameters);
        let here = RoaringBitmap::from_iter([self.ix]);
        let licenses = supply::by_license(self.config, self.snapshot, item, Some(winner.deployment), &here);
        let license = licenses.first().and_then(|(license, _)| *license);
        let values = supply::with_license(&values, license);
        let probe = probes::probe(self.config, item, &values, mode, platform);
        let seen = self.detections.get(self.ix, item, &probe.digest).filter(|_| probe.applicable);
        let seen = seen.filter(|(observed, _)| !probe.remembered || **observed == Observed::Compliant);
        seen.map(|(observed, at)| (observed.clone(), at))
    }

    /// What was last observed of an item that is not looked at now: what is looked at depends on the mode, so the newest
    /// observation of any.
    fn last_seen(
        &self,
        item: &ItemKey,
        parameters: &BTreeMap<String, ParameterValue>,
    ) -> Option<(Observed, Timestamp)> {
        let platform = self.snapshot.computer(self.ix).platform?;
        let values = probes::values(self.config, item, parameters);
        let seen = [Mode::Enforce, Mode::Audit, Mode::Monitor].into_iter().filter_map(|mode| {
            let probe = probes::probe(self.config, item, &values, mode, platform);
            self.detections.get(self.ix, item, &probe.digest)
        });
        seen.max_by_key(|(_, at)| *at).map(|(observed, at)| (observed.clone(), at))
    }
}

/// What follows for an item; see the fields of [`ItemExplanation`].
#[derive(Default)]
struct Follows {
    mode: Option<Mode>,
    idle: Option<Idle>,
    observed: Option<(Observed, Timestamp)>,
    needed_by: Option<ItemKey>,
    decision: Option<Decision>,
}

/// A rank in words.
fn rank(candidate: &Candidate<'_>) -> String {
    in_words(candidate.deployment, candidate.scope, candidate.forced)
}

fn in_words(deployment: &Deployment, scope: Scope, forced: bool) -> String {
    let forced = if forced { "forced, " } else { "" };
    let library = if deployment.layer == Layer::Local { "" } else { "library, " };
    let ignored = if is_ignored(deployment) { ", ignored" } else { "" };
    format!("{forced}{library}{scope}, priority {}{ignored}", deployment.priority)
}

/// What would be if a deployment that does not count did: it would win, or lose to the one that wins now (DEP-20).
fn would(deployment: &Deployment, scope: Scope, best: Option<&Candidate<'_>>) -> String {
    let Some(best) = best else { return "otherwise it would win".to_owned() };
    let name = &best.deployment.metadata.name;
    match Rank::of(deployment, scope, false).cmp(&best.rank()) {
        Ordering::Less => format!("otherwise it would win in place of {name}"),
        Ordering::Equal => format!("otherwise it would have the same rank as {name}"),
        Ordering::Greater => format!("otherwise it would lose to {name}"),
    }
}

/// Why a candidate lost to a better one: the first difference.
fn lost(candidate: &Candidate<'_>, best: &Candidate<'_>) -> String {
    let name = &best.deployment.metadata.name;
    let what = if candidate.forced != best.forced {
        "is what this run forces".to_owned()
    } else if candidate.deployment.layer != best.deployment.layer && best.deployment.layer == Layer::Local {
        "is not from a library".to_owned()
    } else if candidate.scope.level != best.scope.level {
        format!("is for something narrower ({})", best.scope)
    } else if candidate.scope.narrowed != best.scope.narrowed {
        "is narrowed by a further selector".to_owned()
    } else if candidate.deployment.priority != best.deployment.priority {
        format!("has the higher priority ({})", best.deployment.priority)
    } else if is_ignored(best.deployment) != is_ignored(candidate.deployment) {
        "says ignored".to_owned()
    } else if candidate.same_effect(best) {
        return format!(
            "{name} ({}) has the same rank, says the same and comes first by name",
            best.deployment.place
        );
    } else {
        return format!("{name} ({}) has the same rank and wants something different", best.deployment.place);
    };
    format!("{name} ({}) {what}", best.deployment.place)
}
