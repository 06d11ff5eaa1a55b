//! Lints about deployments beside each other: duplicates, those that never win, priorities that decide nothing, and what
//! could never be done if it were enforced.
//!
//! From the configuration alone only equal targets can be compared; which of two different ones holds the other shows
//! with computers.

use std::collections::BTreeMap;

use super::can_count;
use crate::config::Config;
use crate::config::kind::{Enforcement, Mode, SoftwareState};
use crate::config::model::{Deployment, Desired};
use crate::diagnostic::{Finding, Findings, code};
use crate::id::Name;
use crate::inventory::item::ItemKey;
use crate::plan::gates::Run;
use crate::plan::modes;
use crate::plan::precedence::{Candidate, Rank, Winners, same_effect};
use crate::targets::{self, Expr, Resolved, Scope};
use crate::time::Timestamp;

/// A deployment that counts in some run, with what its target comes to.
struct Aimed<'c> {
    deployment: &'c Deployment,
    target: Resolved,
    scope: Scope,
    /// The most that it may do.
    mode: Mode,
}

impl Aimed<'_> {
    fn rank(&self) -> Rank {
        Rank::of(self.deployment, self.scope, false)
    }

    fn expression(&self) -> &Expr {
        self.target.expr()
    }

    /// Whether it counts wherever and whenever the other one does, where their targets are equal.
    fn counts_as_widely_as(&self, other: &Self) -> bool {
        match self.deployment.enforcement {
            Enforcement::Required => true,
            Enforcement::Onboarding => other.deployment.enforcement == Enforcement::Onboarding,
            Enforcement::AdHoc => false,
        }
    }
}

/// What two deployments of one item say of each other.
pub(super) fn pairs(config: &Config, now: Timestamp, findings: &mut Findings) {
    let run = Run::at(now);
    let mut named: BTreeMap<&Name, (Resolved, Scope, Mode)> = BTreeMap::new();
    let mut by_item: BTreeMap<&ItemKey, Vec<Aimed<'_>>> = BTreeMap::new();
    for deployment in config.deployments.values().filter(|made| can_count(config, made, now)) {
        could_not_be_enforced(config, deployment, findings);
        let cached = deployment.target.as_ref().and_then(|name| named.get(name).cloned());
        let (target, scope, through) = if let Some(known) = cached {
            known
        } else {
            let Ok(resolved) = targets::resolve(&deployment.expression, config, None) else { continue };
            let through = modes::of_targets(config, &run, deployment.target.as_ref(), &resolved);
            let made = (targets::simplify(&resolved), targets::scope(&resolved), through);
            if let Some(name) = &deployment.target {
                named.insert(name, made.clone());
            }
            made
        };
        let mode = modes::own(config, &run, deployment).min(through);
        by_item.entry(&deployment.item).or_default().push(Aimed { deployment, target, scope, mode });
    }
    for (item, mut aimed) in by_item {
        aimed.sort_by_key(Aimed::rank);
        for (at, one) in aimed.iter().enumerate() {
            beaten(item, &aimed, at, one, findings);
            idle_priority(item, &aimed, one, findings);
        }
    }
}

/// A deployment to whose target an earlier one goes as well.
fn beaten(item: &ItemKey, aimed: &[Aimed<'_>], at: usize, one: &Aimed<'_>, findings: &mut Findings) {
    let earlier = aimed.iter().take(at).find(|other| {
        other.expression() == one.expression()
            && (other.counts_as_widely_as(one) || other.deployment.enforcement == one.deployment.enforcement)
    });
    let Some(other) = earlier else { return };
    let (a, b) = (other.deployment, one.deployment);
    let (code, message, help) = if other.rank() < one.rank() {
        if !other.counts_as_widely_as(one) {
            return;
        }
        let message = format!(
            "deployment {} never wins: {} is for {item} on the same target and goes before it",
            b.metadata.name, a.metadata.name
        );
        (code::NEVER_WINS, message, "delete one of the two, or give it another target")
    } else if same_effect((a, other.mode), (b, one.mode)) {
        let message = format!(
            "deployments {} and {} say the same of {item} on the same target",
            a.metadata.name, b.metadata.name
        );
        (code::SAME_TARGET, message, "delete one of the two")
    } else {
        let message = format!(
            "deployments {} and {} want different things of {item} on the same target, so neither wins",
            a.metadata.name, b.metadata.name
        );
        (code::SAME_TARGET, message, "give one of the two a higher `priority`, or another target")
    };
    let finding = Finding::new(code, message, b.place.clone());
    findings.push(finding.related(a.place.clone(), "the other deployment is here").help(help));
}

/// A priority decides only among deployments of the same item, layer and scope.
fn idle_priority(item: &ItemKey, aimed: &[Aimed<'_>], one: &Aimed<'_>, findings: &mut Findings) {
    let made = one.deployment;
    let local = |aimed: &Aimed<'_>| aimed.deployment.layer == crate::config::model::Layer::Local;
    let rivals = aimed.iter().filter(|other| {
        other.deployment.metadata.name != made.metadata.name
            && other.scope == one.scope
            && local(other) == local(one)
    });
    if made.priority == 0 || made.bundle.is_some() || rivals.count() > 0 {
        return;
    }
    let message = format!(
        "the priority {} of deployment {} decides nothing: no other deployment of {item} has the scope {}",
        made.priority, made.metadata.name, one.scope
    );
    let finding = Finding::new(code::IDLE_PRIORITY, message, made.place.clone());
    findings.push(finding.help("take `priority` out; it decides only between deployments of equal scope"));
}

/// What is only watched and could not be installed if it were enforced.
fn could_not_be_enforced(config: &Config, made: &Deployment, findings: &mut Findings) {
    let Desired::Software { state: SoftwareState::Installed, .. } = &made.desired else { return };
    if !matches!(made.mode, Mode::Audit | Mode::Monitor) {
        return;
    }
    let Some(software) = config.software.get(&made.item.name) else { return };
    if software.install.is_some() || software.releases.iter().any(|release| release.install.is_some()) {
        return;
    }
    let message = format!(
        "deployment {} wants {} installed, and the software has no install script",
        made.metadata.name, made.item
    );
    let finding = Finding::new(code::NOT_INSTALLABLE, message, made.place.clone());
    findings.push(
        finding
            .related(software.place.clone(), "the software is declared here")
            .help("add `install` before it is enforced; until then it is only told where it is missing"),
    );
}

/// A candidate that reaches computers and wins on none of them. Only to be asked of a run of everything.
#[must_use]
pub fn never_wins_here(item: &ItemKey, candidates: &[Candidate<'_>], winners: &Winners) -> Findings {
    let mut findings = Findings::new();
    for (at, (candidate, won)) in candidates.iter().zip(&winners.won).enumerate() {
        let open = &winners.uncertain | &winners.ambiguous;
        let tied = winners.ties.iter().any(|tie| tie.first == at || tie.second == at);
        let decided =
            !candidate.reach.is_empty() && candidate.maybe.is_empty() && candidate.reach.is_disjoint(&open);
        if !won.is_empty() || tied || !decided {
            continue;
        }
        let before: Vec<&Deployment> = candidates
            .iter()
            .zip(&winners.won)
            .filter(|(_, won)| !won.is_disjoint(&candidate.reach))
            .map(|(other, _)| other.deployment)
            .collect();
        let names: Vec<&str> = before.iter().take(3).map(|other| other.metadata.name.as_str()).collect();
        let more = before.len().saturating_sub(3);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let made = candidate.deployment;
        let message = format!(
            "deployment {} wins for {item} on none of the {} computers that it reaches: {}{more} did",
            made.metadata.name,
            candidate.reach.len(),
            names.join(", ")
        );
        let mut finding = Finding::new(code::NEVER_WINS_HERE, message, made.place.clone());
        for other in before.iter().take(3) {
            finding = finding.related(other.place.clone(), format!("{} wins", other.metadata.name));
        }
        findings.push(finding.help("delete it, narrow its target, or give it a higher `priority`"));
    }
    findings
}
