//! The snapshot by columns: what planning asks of all computers at once, as sets of positions.
//!
//! Not here: anything about items. Made once for each plan, from the snapshot's columns.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;

use crate::config::Config;
use crate::config::kind::{CrossTenant, Mode};
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
    /// Those whose facts were collected, at whatever time.
    pub surveyed: RoaringBitmap,
    /// Those of which the last attempt to reach them failed, in whatever way.
    pub unreached: RoaringBitmap,
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
        }
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
