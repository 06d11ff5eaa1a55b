//! Who wins: candidates of every item, ranked, and the winner on every computer (design §5, L4).
//!
//! Not here: what winning leads to (`diff`), and which computers a target selects (`targets`).
//!
//! Invariants: winners are found by set operations in order of rank, never by a loop over computers and deployments. On
//! one computer at most one candidate of an item wins. Where it is not known whether a better one reaches a computer,
//! none wins there. A tie that matters has no winner.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use roaring::RoaringBitmap;

use super::aims::{Aim, Sight};
use super::fleet::Fleet;
use super::gates::{self, Run};
use crate::config::Config;
use crate::config::kind::{Mode, SoftwareState};
use crate::config::model::{Deployment, Desired, Layer};
use crate::diagnostic::{Finding, Findings, code};
use crate::id::Name;
use crate::inventory::item::ItemKey;
use crate::inventory::snapshot::Snapshot;
use crate::targets::Scope;

/// A deployment that counts, with the computers that it reaches.
#[derive(Debug, Clone)]
pub struct Candidate<'c> {
    /// The deployment.
    pub deployment: &'c Deployment,
    /// What its target is about.
    pub scope: Scope,
    /// The most that it may do: its own mode under those of its targets.
    pub mode: Mode,
    /// Whether the run does what it says; others only take part in who wins.
    pub acts: bool,
    /// Whether the run puts it before all others.
    pub forced: bool,
    /// Whether its target selects any computer, reached or not.
    pub selects: bool,
    /// The computers that it certainly reaches.
    pub reach: RoaringBitmap,
    /// The computers that it may reach: whatever decides is not known of them, for whatever reason. It changes nothing
    /// there (RES-15), and no deployment of lower rank takes its place.
    pub maybe: RoaringBitmap,
}

/// What decides between candidates; less is better. Equal ranks on one computer are a tie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    forced: Reverse<bool>,
    local: Reverse<bool>,
    scope: Reverse<Scope>,
    priority: Reverse<i32>,
    acts: bool,
}

impl Rank {
    /// Local before library (DEP-30), scope and narrowness (RES-3, RES-9), priority, and `ignored` before the other states
    /// (DEP-14); before all of them what the run forces (RES-17).
    #[must_use]
    pub fn of(deployment: &Deployment, scope: Scope, forced: bool) -> Self {
        Self {
            forced: Reverse(forced),
            local: Reverse(deployment.layer == Layer::Local),
            scope: Reverse(scope),
            priority: Reverse(deployment.priority),
            acts: !is_ignored(deployment),
        }
    }
}

impl Candidate<'_> {
    /// Its rank among the candidates of its item.
    #[must_use]
    pub fn rank(&self) -> Rank {
        Rank::of(self.deployment, self.scope, self.forced)
    }

    /// Whether the other one would do the same on every computer that both reach.
    #[must_use]
    pub fn same_effect(&self, other: &Self) -> bool {
        same_effect((self.deployment, self.mode), (other.deployment, other.mode))
    }
}

/// Whether two deployments of one item, each with the most that it may do (its own mode, hold and targets), would do the
/// same on the same computer.
#[must_use]
pub fn same_effect(one: (&Deployment, Mode), other: (&Deployment, Mode)) -> bool {
    let ((a, mode), (b, other_mode)) = (one, other);
    (is_ignored(a) && is_ignored(b))
        || (a.desired == b.desired
            && mode == other_mode
            && a.parameters == b.parameters
            && a.license == b.license
            && a.configured == b.configured)
}

/// Whether a deployment says that nothing is to be done.
#[must_use]
pub fn is_ignored(deployment: &Deployment) -> bool {
    deployment.mode == Mode::Ignored
        || matches!(deployment.desired, Desired::Software { state: SoftwareState::Ignored, .. })
}

/// The candidates of every item, best first, and by name among equals.
///
/// What a gate keeps out is none, and none reaches a computer on which it does not count (`gates`). A deployment whose target cannot be resolved is none, and a finding.
#[must_use]
pub fn candidates<'c>(
    config: &'c Config,
    snapshot: &Snapshot,
    fleet: &Fleet,
    run: &Run,
) -> (BTreeMap<ItemKey, Vec<Candidate<'c>>>, Findings) {
    let sight = Sight { config, snapshot, fleet, run };
    let mut findings = Findings::new();
    let mut by_item: BTreeMap<ItemKey, Vec<Candidate<'c>>> = BTreeMap::new();
    let mut named: BTreeMap<&Name, Aim> = BTreeMap::new();
    for deployment in config.deployments.values() {
        if gates::gate(config, run, deployment).is_some() {
            continue;
        }
        let known = deployment.target.as_ref().and_then(|name| named.get(name));
        let candidate = if let Some(aim) = known {
            sight.candidate(deployment, aim)
        } else {
            match sight.aim(deployment) {
                Err(found) => {
                    findings.extend(found);
                    continue;
                }
                Ok(mut aim) => {
                    findings.extend(std::mem::take(&mut aim.findings));
                    let candidate = sight.candidate(deployment, &aim);
                    if let Some(name) = &deployment.target {
                        named.insert(name, aim);
                    }
                    candidate
                }
            }
        };
        by_item.entry(deployment.item.clone()).or_default().push(candidate);
    }
    for candidates in by_item.values_mut() {
        sort(candidates);
    }
    (by_item, findings)
}

/// Puts candidates in order: best first, and by name among equals.
pub(super) fn sort(candidates: &mut [Candidate<'_>]) {
    candidates.sort_by(|a, b| {
        let by_name = || a.deployment.metadata.name.cmp(&b.deployment.metadata.name);
        a.rank().cmp(&b.rank()).then_with(by_name)
    });
}

/// Two candidates of equal rank on the same computers.
#[derive(Debug, Clone, PartialEq)]
pub struct Tie {
    /// Position of the first among the candidates.
    pub first: usize,
    /// Position of the second.
    pub second: usize,
    /// Where both are.
    pub computers: RoaringBitmap,
    /// Whether both would do the same there, so that it does not matter.
    pub same: bool,
}

/// The winners of one item.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Winners {
    /// For each candidate, in the same order, where it wins. No two overlap.
    pub won: Vec<RoaringBitmap>,
    /// Where it is not known who wins, as it is not known whether a better one reaches the computer.
    pub uncertain: RoaringBitmap,
    /// Where two different ones win, so none does.
    pub ambiguous: RoaringBitmap,
    /// Who ties with whom.
    pub ties: Vec<Tie>,
}

/// Finds the winners among the candidates of one item, which come best first. Only computers of `scope` count.
#[must_use]
pub fn winners(candidates: &[Candidate<'_>], scope: &RoaringBitmap) -> Winners {
    let mut result = Winners { won: vec![RoaringBitmap::new(); candidates.len()], ..Winners::default() };
    let mut open = scope.clone();
    let mut start = 0;
    for group in candidates.chunk_by(|a, b| a.rank() == b.rank()) {
        let mut unsure = RoaringBitmap::new();
        for candidate in group {
            unsure |= &candidate.maybe & &open;
        }
        open -= &unsure;
        result.uncertain |= unsure;

        let mut seen = RoaringBitmap::new();
        let mut torn = RoaringBitmap::new();
        for (ix, candidate) in group.iter().enumerate() {
            let mine = &candidate.reach & &open;
            let overlap = &mine & &seen;
            if !overlap.is_empty() {
                for (earlier, other) in group.iter().enumerate().take(ix) {
                    let computers = &overlap & &other.reach;
                    if computers.is_empty() {
                        continue;
                    }
                    let same = candidate.same_effect(other);
                    if !same {
                        torn |= &computers;
                    }
                    result.ties.push(Tie { first: start + earlier, second: start + ix, computers, same });
                }
            }
            if let Some(won) = result.won.get_mut(start + ix) {
                *won = &mine - &seen;
            }
            seen |= mine;
        }
        for won in result.won.iter_mut().skip(start).take(group.len()) {
            *won -= &torn;
        }
        result.ambiguous |= torn;
        open -= seen;
        start += group.len();
    }
    result
}

/// For each candidate, where it can still turn out to win: everywhere but where a better one certainly reaches.
#[must_use]
pub fn possible_winners(candidates: &[Candidate<'_>], scope: &RoaringBitmap) -> Vec<RoaringBitmap> {
    let mut open = scope.clone();
    let mut result = Vec::with_capacity(candidates.len());
    for group in candidates.chunk_by(|a, b| a.rank() == b.rank()) {
        let mut taken = RoaringBitmap::new();
        for candidate in group {
            result.push((&candidate.reach | &candidate.maybe) & &open);
            taken |= &candidate.reach;
        }
        open -= taken;
    }
    result
}

/// What ties are worth saying: errors for those that matter, warnings for those that do not.
#[must_use]
pub fn findings(item: &ItemKey, candidates: &[Candidate<'_>], ties: &[Tie], names: Named<'_>) -> Findings {
    let mut findings = Findings::new();
    for tie in ties {
        let (Some(first), Some(second)) = (candidates.get(tie.first), candidates.get(tie.second)) else {
            continue;
        };
        let (a, b) = (first.deployment, second.deployment);
        let on = names.some(&tie.computers);
        let (code, message, help) = if tie.same {
            (
                code::DUPLICATE_DEPLOYMENT,
                format!(
                    "deployments {} and {} say the same of {item} on {on}",
                    a.metadata.name, b.metadata.name
                ),
                "remove one of the two, or narrow its target",
            )
        } else {
            (
                code::AMBIGUOUS,
                format!(
                    "deployments {} and {} both win for {item} on {on} and want different things",
                    a.metadata.name, b.metadata.name
                ),
                "give one of the two a higher `priority`, or narrow its target",
            )
        };
        findings.push(
            Finding::new(code, message, b.place.clone())
                .related(a.place.clone(), "the other deployment is here")
                .help(help),
        );
    }
    findings
}

/// Names of computers for messages.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a>(pub &'a Snapshot);

impl Named<'_> {
    /// Up to three names and how many more there are.
    #[must_use]
    pub fn some(self, computers: &RoaringBitmap) -> String {
        let mut text = computers
            .iter()
            .take(3)
            .map(|ix| self.0.computer(ix).name.as_str())
            .collect::<Vec<_>>()
            .join(", ");
        if computers.len() > 3 {
            _ = write!(text, " and {} more", computers.len() - 3);
        }
        text
    }

    /// All names, sorted.
    #[must_use]
    pub fn all(self, computers: &RoaringBitmap) -> Vec<String> {
        let mut names: Vec<String> = computers.iter().map(|ix| self.0.computer(ix).name.clone()).collect();
        names.sort();
        names
    }
}
