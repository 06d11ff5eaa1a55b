//! The snapshot by columns: what planning asks of all computers at once, as sets of positions.
//!
//! Not here: anything about items. Made once for each plan, from the snapshot's columns.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;

use super::coverage::Tenants;
use super::gates::{self, Run};
use super::modes;
use crate::config::Config;
use crate::config::kind::{CrossTenant, Mode, Reboot};
use crate::config::model::Computer;
use crate::id::Name;
use crate::inventory::snapshot::{Column, Snapshot};
use crate::session::script::Platform;

/// Sets of computers by what is known of them.
#[derive(Debug, Clone, Default)]
pub struct Fleet {
    /// All of them.
    pub all: RoaringBitmap,
    /// By platform; those of unknown platform are in none.
    pub platforms: BTreeMap<Platform, RoaringBitmap>,
    /// By the most that may be done on them.
    pub modes: BTreeMap<Mode, RoaringBitmap>,
    /// Those that no deployment reaches.
    pub excluded: RoaringBitmap,
    /// Those of tenants that cross-tenant deployments do not reach (RES-12).
    pub opted_out: RoaringBitmap,
    /// Those that are being onboarded: onboarding deployments count for them (DEP-16).
    pub onboarding: RoaringBitmap,
    /// Those of tenants on hold, by the tenant whose document says so (TGT-15). Their mode is ignored.
    pub on_hold: BTreeMap<Name, RoaringBitmap>,
    /// Those on which nothing is done that may restart them (SW-30).
    pub no_reboot: RoaringBitmap,
    /// Those whose facts were collected, at whatever time.
    pub surveyed: RoaringBitmap,
    /// Those of which the last attempt to reach them failed, in whatever way.
    pub unreached: RoaringBitmap,
    /// The tenant of each, for counting.
    pub(super) tenants: Tenants,
}

impl Fleet {
    /// Of a snapshot, for a configuration.
    #[must_use]
    pub fn new(config: &Config, snapshot: &Snapshot) -> Self {
        let sets = |column: &Column<Mode>| column.iter().map(|(mode, set)| (*mode, set.clone())).collect();
        let mut opted_out = RoaringBitmap::new();
        for (name, computers) in snapshot.tenants().iter() {
            let tenant = config.tenants.get(name);
            if tenant.is_some_and(|tenant| tenant.cross_tenant == CrossTenant::Exclude) {
                opted_out |= computers;
            }
        }
        Self {
            all: snapshot.all().clone(),
            platforms: snapshot.platforms().iter().map(|(platform, set)| (*platform, set.clone())).collect(),
            modes: sets(snapshot.modes()),
            excluded: snapshot.excluded().clone(),
            opted_out,
            surveyed: snapshot.surveyed().clone(),
            unreached: snapshot.unreached().clone(),
            tenants: Tenants::new(snapshot),
            ..Self::default()
        }
    }

    /// As [`Self::new`], as a run sees it: modes lifted as it asks for, and nothing done where a tenant is on hold.
    #[must_use]
    pub fn in_run(config: &Config, snapshot: &Snapshot, run: &Run) -> Self {
        let mut fleet = Self::new(config, snapshot);
        fleet.onboarding = snapshot.related().onboarding() | onboarding(config, snapshot);
        fleet.no_reboot = if run.no_reboot { fleet.all.clone() } else { no_reboot(config, snapshot) };
        if run.lift.is_some() {
            for (mode, computers) in std::mem::take(&mut fleet.modes) {
                *fleet.modes.entry(modes::lifted(mode, run)).or_default() |= computers;
            }
        }
        for (name, tenant) in &config.tenants {
            if tenant.hold.as_ref().is_some_and(|hold| gates::holds(config, hold, run.now)) {
                let computers = snapshot.tenant_tree(name);
                fleet.modes.values_mut().for_each(|of_mode| *of_mode -= &computers);
                *fleet.modes.entry(Mode::Ignored).or_default() |= &computers;
                fleet.on_hold.insert(name.clone(), computers);
            }
        }
        fleet
    }

    /// The most that may be done on one computer.
    #[must_use]
    pub fn mode_of(&self, ix: u32) -> Mode {
        let found = self.modes.iter().find(|(_, computers)| computers.contains(ix));
        found.map_or(Mode::Ignored, |(mode, _)| *mode)
    }

    /// `computers` by platform; the last part, without a platform, is those of which it is not known.
    #[must_use]
    pub fn by_platform(&self, computers: &RoaringBitmap) -> Vec<(Option<Platform>, RoaringBitmap)> {
        let mut rest = computers.clone();
        let mut parts = Vec::new();
        for (platform, of_it) in &self.platforms {
            let part = computers & of_it;
            if !part.is_empty() {
                rest -= &part;
                parts.push((Some(*platform), part));
            }
        }
        if !rest.is_empty() {
            parts.push((None, rest));
        }
        parts
    }

    /// `computers` by the mode that holds on them under a further ceiling (L5).
    #[must_use]
    pub fn by_mode(&self, computers: &RoaringBitmap, ceiling: Mode) -> BTreeMap<Mode, RoaringBitmap> {
        let mut parts: BTreeMap<Mode, RoaringBitmap> = BTreeMap::new();
        for (mode, of_it) in &self.modes {
            let part = computers & of_it;
            if !part.is_empty() {
                *parts.entry((*mode).min(ceiling)).or_default() |= part;
            }
        }
        parts
    }
}

/// Those that are not to restart, by their own document, their tenant's or that of a tenant above.
fn no_reboot(config: &Config, snapshot: &Snapshot) -> RoaringBitmap {
    let tenants = config.tenants.iter().filter(|(_, tenant)| tenant.reboot == Reboot::Suppress);
    let of_tenants = tenants.map(|(name, _)| snapshot.tenant_tree(name));
    of_tenants
        .fold(told(config, snapshot, |computer| computer.reboot == Reboot::Suppress), |all, computers| {
            all | computers
        })
}

/// Those of which git says that their onboarding is not done; also where the snapshot knows no relations.
fn onboarding(config: &Config, snapshot: &Snapshot) -> RoaringBitmap {
    told(config, snapshot, |computer| computer.onboarded == Some(false))
}

/// Those of whose documents something holds.
fn told(config: &Config, snapshot: &Snapshot, holds: impl Fn(&Computer) -> bool) -> RoaringBitmap {
    let is_so = |name: &Name| config.computers.get(name).is_some_and(&holds);
    if !config.computers.values().any(&holds) {
        return RoaringBitmap::new();
    }
    let told = snapshot.iter().filter(|(_, computer)| computer.document.as_ref().is_some_and(is_so));
    told.map(|(ix, _)| ix).collect()
}
