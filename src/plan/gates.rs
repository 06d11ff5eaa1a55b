//! What keeps a deployment from counting before anything is ranked (design §5), and what a run asks for.
//!
//! Not here: ranks (`precedence`) and how far anything goes (`modes`). A hold is no gate: what is on hold still wins, so
//! that nothing else steps into its place, and then nothing is done.
//!
//! Invariant: a gate depends on the configuration, the run and the computer alone, never on other deployments.

use std::collections::BTreeSet;
use std::fmt;

use roaring::RoaringBitmap;

use super::document::Options;
use super::fleet::Fleet;
use crate::config::Config;
use crate::config::kind::{Enforcement, Hold, Mode};
use crate::config::model::{Deployment, Layer, Schedule};
use crate::id::Name;
use crate::inventory::item::{ItemKey, ItemKind};
use crate::targets::Scope;
use crate::time::Timestamp;

/// What a run asks for beyond "everything that is declared".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Run {
    /// Only these deployments do anything; where it is empty, all do.
    pub named: BTreeSet<Name>,
    /// Whether those win against all others.
    pub force: bool,
    /// The mode that stands in place of every more cautious one, to see what switching would do.
    pub lift: Option<Mode>,
    /// Software that is repaired where it is, although nothing says that it has to be.
    pub repairs: BTreeSet<Name>,
    /// Whether nothing is done that may restart a computer.
    pub no_reboot: bool,
    /// The deployment of the updates that its schedule starts.
    pub scheduled: Option<Name>,
    /// The present instant, which ends holds.
    pub now: Timestamp,
}

impl Run {
    /// The run of these options.
    #[must_use]
    pub fn of(options: &Options, now: Timestamp) -> Self {
        Self {
            named: options.deployments.iter().cloned().collect(),
            force: options.force_deployments,
            lift: options.hypothetical,
            repairs: options.repairs.iter().cloned().collect(),
            no_reboot: options.no_reboot,
            scheduled: options.schedule.as_ref().and_then(Schedule::updates),
            now,
        }
    }

    /// A run of everything.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self { now, ..Self::default() }
    }

    /// Whether it does what this deployment says.
    #[must_use]
    pub fn does(&self, deployment: &Deployment) -> bool {
        let name = &deployment.metadata.name;
        self.named.is_empty() || self.named.contains(name) || self.scheduled.as_ref() == Some(name)
    }

    /// Whether it repairs this item where it is.
    #[must_use]
    pub fn repairs(&self, item: &ItemKey) -> bool {
        item.kind == ItemKind::Software && self.repairs.contains(&item.name)
    }

    /// Whether this deployment wins against all that the run does not name.
    #[must_use]
    pub fn forces(&self, deployment: &Deployment) -> bool {
        self.force && self.named.contains(&deployment.metadata.name)
    }
}

/// Why a deployment counts on no computer at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gate {
    /// `enabled: false` (DEP-20).
    Disabled,
    /// Its item is disabled everywhere.
    ItemDisabled,
    /// Its library's folder; the Instance does not list it (DEP-30).
    NotListed(String),
    /// It is ad-hoc, and the run does not name it (DEP-17).
    AdHoc,
    /// A schedule asks for it, and the run is not of that schedule.
    NotScheduled,
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disabled => f.write_str("it is disabled"),
            Self::ItemDisabled => f.write_str("its item is disabled everywhere"),
            Self::NotListed(folder) => {
                write!(f, "it comes from the library {folder}, and the Instance does not list it")
            }
            Self::AdHoc => f.write_str("it counts only in a run that names it (--deployment)"),
            Self::NotScheduled => f.write_str("it counts only in runs of its schedule (--schedule)"),
        }
    }
}

/// Why a deployment counts nowhere in a run, if it does.
#[must_use]
pub fn gate(config: &Config, run: &Run, deployment: &Deployment) -> Option<Gate> {
    let item = &deployment.item;
    let on = match item.kind {
        ItemKind::Software => config.software.get(&item.name).is_none_or(|software| software.enabled),
        ItemKind::Task => config.tasks.get(&item.name).is_none_or(|task| task.enabled),
        ItemKind::OsUpdates => true,
    };
    if !deployment.enabled {
        Some(Gate::Disabled)
    } else if !on {
        Some(Gate::ItemDisabled)
    } else if let Layer::Library { folder, listed: false } = &deployment.layer {
        Some(Gate::NotListed(folder.to_string()))
    } else if deployment.enforcement == Enforcement::AdHoc && !run.named.contains(&deployment.metadata.name) {
        Some(Gate::AdHoc)
    } else if item.kind == ItemKind::OsUpdates && run.scheduled.as_ref() != Some(&deployment.metadata.name) {
        Some(Gate::NotScheduled)
    } else {
        None
    }
}

/// Why a deployment does not count on some computers that its target selects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exempt {
    /// The computer is excluded from all deployments.
    Excluded,
    /// The deployment is cross-tenant, and the tenant opted out (RES-12).
    OptedOut,
    /// The deployment is for onboarding, and the computer is not being onboarded (DEP-16).
    NotOnboarding,
}

impl fmt::Display for Exempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Excluded => "the computer is excluded from all deployments",
            Self::OptedOut => "the tenant opted out of cross-tenant deployments",
            Self::NotOnboarding => "it is for onboarding, and the computer is not being onboarded",
        })
    }
}

/// The computers on which a deployment does not count.
#[must_use]
pub fn exempted(fleet: &Fleet, deployment: &Deployment, scope: Scope) -> RoaringBitmap {
    let mut out = fleet.excluded.clone();
    if scope.is_cross_tenant() {
        out |= &fleet.opted_out;
    }
    if deployment.enforcement == Enforcement::Onboarding {
        out |= &fleet.all - &fleet.onboarding;
    }
    out
}

/// Why a deployment does not count on one computer, if it does not.
#[must_use]
pub fn exempt(fleet: &Fleet, deployment: &Deployment, scope: Scope, ix: u32) -> Option<Exempt> {
    if fleet.excluded.contains(ix) {
        Some(Exempt::Excluded)
    } else if scope.is_cross_tenant() && fleet.opted_out.contains(ix) {
        Some(Exempt::OptedOut)
    } else if deployment.enforcement == Enforcement::Onboarding && !fleet.onboarding.contains(ix) {
        Some(Exempt::NotOnboarding)
    } else {
        None
    }
}

/// Whether a hold still holds: up to the beginning of its day in the instance's time zone (TGT-15).
#[must_use]
pub fn holds(config: &Config, hold: &Hold, now: Timestamp) -> bool {
    now < hold.until.begins(&config.instance.time_zone)
}

/// A hold in words.
#[must_use]
pub fn held_text(hold: &Hold) -> String {
    format!("on hold until {}: {}", hold.until, hold.reason.trim())
}
