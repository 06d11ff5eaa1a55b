//! Where deployments are aimed: what the expression of a target comes to over a snapshot, and the candidate that it makes
//! of a deployment.
//!
//! Not here: who wins (`precedence`).

use roaring::RoaringBitmap;

use super::fleet::Fleet;
use super::gates::{self, Run};
use super::modes;
use super::precedence::Candidate;
use crate::config::Config;
use crate::config::kind::Mode;
use crate::config::model::Deployment;
use crate::diagnostic::{Findings, code};
use crate::inventory::snapshot::Snapshot;
use crate::targets::{self, Scope};

/// What an expression comes to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Aim {
    scope: Scope,
    /// The most that may be done through it.
    through: Mode,
    /// The computers that it certainly selects.
    pub(super) certain: RoaringBitmap,
    /// Those that it may select besides.
    pub(super) unsure: RoaringBitmap,
    /// What is to be said of it.
    pub(super) findings: Findings,
}

/// What aims are worked out from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sight<'a> {
    pub(super) config: &'a Config,
    pub(super) snapshot: &'a Snapshot,
    pub(super) fleet: &'a Fleet,
    pub(super) run: &'a Run,
}

impl Sight<'_> {
    /// What a deployment's target or own expression comes to.
    ///
    /// # Errors
    /// What is wrong with the expression.
    pub(super) fn aim(&self, deployment: &Deployment) -> Result<Aim, Findings> {
        let (config, snapshot) = (self.config, self.snapshot);
        let resolved = targets::resolve(&deployment.expression, config, Some(&deployment.place))?;
        let target = deployment.target.as_ref().and_then(|name| config.targets.get(name));
        let place = target.map_or(&deployment.place, |target| &target.place);
        let mut findings = targets::unclear(&resolved, snapshot, Some(place));
        if snapshot.failed().is_empty() {
            findings.extend(targets::unclear_computers(&resolved, snapshot, Some(place)));
        }
        // While a list is missing, what nobody knows is no news; the target stays undecided.
        if !snapshot.failed().is_empty() || !snapshot.related().failed().is_empty() {
            findings = findings.into_iter().filter(|one| one.code != code::EXEMPTION_NOT_FOUND).collect();
        }
        let membership = targets::evaluate(&resolved, snapshot);
        Ok(Aim {
            scope: targets::scope(&resolved),
            through: modes::of_targets(config, self.run, deployment.target.as_ref(), &resolved),
            unsure: membership.unknown(),
            certain: membership.certain,
            findings,
        })
    }

    /// The candidate that a deployment is.
    pub(super) fn candidate<'c>(&self, deployment: &'c Deployment, aim: &Aim) -> Candidate<'c> {
        let out = gates::exempted(self.fleet, deployment, aim.scope);
        Candidate {
            deployment,
            scope: aim.scope,
            mode: modes::own(self.config, self.run, deployment).min(aim.through),
            acts: self.run.does(deployment),
            forced: self.run.forces(deployment),
            selects: !aim.certain.is_empty() || !aim.unsure.is_empty(),
            maybe: &aim.unsure - &out,
            reach: &aim.certain - out,
        }
    }
}
