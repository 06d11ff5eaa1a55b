//! Protection that outlives its declaration: what was protected by the last apply stays protected until it is released.
//!
//! Not here: what it says of a plan (`force`).
//!
//! Invariant: deleting a line never makes a removal possible, nor does giving things other names in the same commit; only
//! `--override protection` with a reason does.

mod force;
mod program;

use std::collections::{BTreeMap, BTreeSet};

use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::config::safety::{ProtectedKey, ProtectedKind};
use crate::diagnostic::Place;
use crate::id::{CommitId, ComputerId, Name};
use crate::inventory::item::ItemKind;
use crate::inventory::snapshot::Snapshot;
use crate::targets;

pub use force::judge;
pub use program::Program;

/// What was protected when something was applied last.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Protection {
    /// The document.
    pub key: ProtectedKey,
    /// Where it was declared.
    pub place: Place,
    /// In which commit, if it was one.
    pub commit: Option<CommitId>,
    /// For a deployment: its software.
    pub software: Option<Name>,
    /// What that software's detection was whenever something was applied: another Software document for the same program
    /// must not remove it either. What was kept before this was has none.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub programs: BTreeSet<Program>,
    /// For a deployment: the tenants of the computers that it was for; for a tenant: itself and those below it.
    pub tenants: BTreeSet<Name>,
    /// For a deployment: whether it was for computers without a tenant.
    pub without_tenant: bool,
    /// The ids of its computers.
    pub computers: BTreeSet<ComputerId>,
    /// What those computers are called: an id begins with the name of a provider, which a commit can change. What was
    /// kept before there were names has none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<ComputerId, String>,
}

/// What is declared as protected, as it is kept for later.
#[must_use]
pub fn declared(config: &Config, snapshot: &Snapshot, commit: Option<&CommitId>) -> Vec<Protection> {
    let mut all = Vec::new();
    for (key, place) in &config.safety.protected {
        let mut protection = Protection {
            key: key.clone(),
            place: place.clone(),
            commit: commit.cloned(),
            software: None,
            programs: BTreeSet::new(),
            tenants: BTreeSet::new(),
            without_tenant: false,
            computers: BTreeSet::new(),
            names: BTreeMap::new(),
        };
        let computers = covered(config, snapshot, key);
        for computer in computers.iter().filter_map(|ix| snapshot.get(ix)) {
            protection.computers.insert(computer.id.clone());
            protection.names.insert(computer.id.clone(), computer.name.clone());
        }
        match key.kind {
            ProtectedKind::Computer => {}
            ProtectedKind::Tenant => {
                protection.tenants = below(config, &key.name);
            }
            ProtectedKind::Deployment => {
                protection.software = software(config, key).cloned();
                protection.programs =
                    protection.software.iter().filter_map(|name| program(config, name)).collect();
                let mut rest = computers;
                for (tenant, of_it) in snapshot.tenants().iter() {
                    if !rest.is_disjoint(of_it) {
                        protection.tenants.insert(tenant.clone());
                        rest -= of_it;
                    }
                }
                protection.without_tenant = !rest.is_empty();
            }
        }
        all.push(protection);
    }
    all
}

/// What is to be kept after an apply: what is declared, and what is not declared any more unless it is released.
#[must_use]
pub fn next(stored: &[Protection], declared: Vec<Protection>, released: bool) -> Vec<Protection> {
    let mut kept: BTreeMap<ProtectedKey, Protection> = BTreeMap::new();
    if !released {
        kept.extend(stored.iter().map(|protection| (protection.key.clone(), protection.clone())));
    }
    for mut protection in declared {
        if let Some(before) = kept.remove(&protection.key) {
            protection.tenants.extend(before.tenants);
            protection.computers.extend(before.computers);
            for (id, name) in before.names {
                protection.names.entry(id).or_insert(name);
            }
            protection.without_tenant |= before.without_tenant;
            protection.programs.extend(before.programs);
            // For another software than before the protection is of every software there.
            if before.software != protection.software {
                protection.software = None;
            }
        }
        kept.insert(protection.key.clone(), protection);
    }
    kept.into_values().collect()
}

/// The computers that a declared protection is about: also those that a deployment only possibly is for (RES-15).
fn covered(config: &Config, snapshot: &Snapshot, key: &ProtectedKey) -> RoaringBitmap {
    match key.kind {
        ProtectedKind::Computer => snapshot
            .iter()
            .filter(|(_, computer)| computer.document.as_ref() == Some(&key.name))
            .map(|(ix, _)| ix)
            .collect(),
        ProtectedKind::Tenant => snapshot.tenant_tree(&key.name),
        ProtectedKind::Deployment => {
            let expression = config.deployments.get(&key.name).map(|deployment| &deployment.expression);
            match expression.map(|expression| targets::resolve(expression, config, None)) {
                Some(Ok(resolved)) => targets::evaluate(&resolved, snapshot).possible,
                // What cannot be told apart is protected everywhere.
                Some(Err(_)) => snapshot.all().clone(),
                None => RoaringBitmap::new(),
            }
        }
    }
}

fn software<'a>(config: &'a Config, key: &ProtectedKey) -> Option<&'a Name> {
    let deployment = config.deployments.get(&key.name).filter(|_| key.kind == ProtectedKind::Deployment)?;
    (deployment.item.kind == ItemKind::Software).then_some(&deployment.item.name)
}

/// What the detection of a software claims, if the software is there.
fn program(config: &Config, software: &Name) -> Option<Program> {
    config.software.get(software).map(|software| Program::of(&software.detect))
}

/// A tenant with all below it.
fn below(config: &Config, root: &Name) -> BTreeSet<Name> {
    let mut found = BTreeSet::from([root.clone()]);
    loop {
        let more: Vec<Name> = config
            .tenants
            .iter()
            .filter(|(name, tenant)| {
                !found.contains(*name) && tenant.parent.as_ref().is_some_and(|p| found.contains(p))
            })
            .map(|(name, _)| name.clone())
            .collect();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}
