//! Protection that outlives its declaration: what was protected by the last apply stays protected until it is released.
//!
//! Invariant: deleting a line never makes a removal possible; only `--override protection` with a reason does.

use std::collections::{BTreeMap, BTreeSet};

use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::config::safety::{ProtectedKey, ProtectedKind};
use crate::diagnostic::{Finding, Findings, Place, code};
use crate::id::{CommitId, ComputerId, Name};
use crate::inventory::item::ItemKind;
use crate::inventory::snapshot::Snapshot;
use crate::plan::document::Plan;
use crate::plan::effects;
use crate::policy::verdict::{RuleKind, Verdict, Weight};
use crate::targets;

/// The name by which `--override` sets protections aside.
pub const RULE: &str = "protection";

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
    /// For a deployment: the tenants of the computers that it was for; for a tenant: itself and those below it.
    pub tenants: BTreeSet<Name>,
    /// For a deployment: whether it was for computers without a tenant.
    pub without_tenant: bool,
    /// For a computer: its ids.
    pub computers: BTreeSet<ComputerId>,
}

/// What is known of a declaration that is not there any more.
#[derive(Debug, Clone, Copy)]
struct Gone<'a> {
    commit: Option<&'a CommitId>,
}

/// A protection that is in force, and its computers.
#[derive(Debug)]
struct InForce<'a> {
    key: &'a ProtectedKey,
    place: &'a Place,
    /// Where it is not declared any more: what declared it.
    gone: Option<Gone<'a>>,
    software: Option<&'a Name>,
    computers: RoaringBitmap,
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
            tenants: BTreeSet::new(),
            without_tenant: false,
            computers: BTreeSet::new(),
        };
        let computers = covered(config, snapshot, key);
        protection.computers =
            computers.iter().filter_map(|ix| snapshot.get(ix)).map(|c| c.id.clone()).collect();
        match key.kind {
            ProtectedKind::Computer => {}
            ProtectedKind::Tenant => {
                protection.tenants = below(config, &key.name);
            }
            ProtectedKind::Deployment => {
                protection.software = software(config, key).cloned();
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
            protection.without_tenant |= before.without_tenant;
            // For another software than before the protection is of every software there.
            if before.software != protection.software {
                protection.software = None;
            }
        }
        kept.insert(protection.key.clone(), protection);
    }
    kept.into_values().collect()
}

/// The removals of a plan that are protected, and protections whose declaration is gone.
#[must_use]
pub fn judge(
    config: &Config,
    snapshot: &Snapshot,
    plan: &Plan,
    stored: &[Protection],
) -> (Vec<Verdict>, Findings) {
    let mut verdicts = Vec::new();
    let mut lints = Findings::new();
    let in_force = in_force(config, snapshot, stored);
    if in_force.is_empty() {
        return (verdicts, lints);
    }
    let positions: Vec<Option<u32>> =
        plan.computers.iter().map(|computer| snapshot.position(&computer.id)).collect();
    let mut removals = Vec::new();
    for change in &plan.changes {
        if effects::acts(change) && effects::removes(change) {
            let of_plan = effects::computers(change).filter_map(|at| usize::try_from(at).ok());
            let computers: RoaringBitmap =
                of_plan.filter_map(|at| positions.get(at).copied().flatten()).collect();
            removals.push((change, computers));
        }
    }
    for protection in &in_force {
        let mut hit = false;
        for (change, computers) in &removals {
            let is_its = protection.software.is_none_or(|software| {
                change.item.kind == ItemKind::Software && change.item.name == *software
            });
            let affected = if is_its { computers & &protection.computers } else { RoaringBitmap::new() };
            if affected.is_empty() {
                continue;
            }
            hit = true;
            let names = names(snapshot, &affected);
            let was = was(protection);
            verdicts.push(Verdict {
                kind: RuleKind::Protection,
                rule: RULE.to_owned(),
                weight: Weight::Deny,
                subject: protection.key.to_string(),
                message: format!("{} {was}, and {} would be uninstalled from {names}", protection.key, change.item),
                help: Some(match protection.gone {
                    None => "take `protect` out and apply that first with --override protection --reason TEXT, or leave the item"
                        .to_owned(),
                    Some(_) => "put it back, or release it with --override protection --reason TEXT".to_owned(),
                }),
                place: Some(protection.place.clone()),
                about: Some(change.deployment.place.clone()),
                set_aside: None,
                expired: None,
            });
        }
        if !hit && protection.gone.is_some() {
            let message = format!("{} {} and stays protected", protection.key, was(protection));
            let finding = Finding::without_place(code::PROTECTION_GONE, message);
            lints.push(finding.help(
                "put `protect: true` back, or release it: muster apply --override protection --reason TEXT",
            ));
        }
    }
    (verdicts, lints)
}

fn was(protection: &InForce<'_>) -> String {
    match protection.gone {
        None => "is protected".to_owned(),
        Some(Gone { commit }) => {
            let at = commit.map_or_else(String::new, |commit| format!(" at commit {}", short(commit)));
            format!("was protected by {}{at}, is not declared so any more", protection.place)
        }
    }
}

fn short(commit: &CommitId) -> &str {
    commit.as_str().get(..7).unwrap_or(commit.as_str())
}

fn names(snapshot: &Snapshot, computers: &RoaringBitmap) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<&str> = computers
        .iter()
        .take(SHOWN)
        .filter_map(|ix| snapshot.get(ix))
        .map(|computer| computer.name.as_str())
        .collect();
    let more = usize::try_from(computers.len()).unwrap_or(usize::MAX).saturating_sub(shown.len());
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}

fn in_force<'a>(config: &'a Config, snapshot: &Snapshot, stored: &'a [Protection]) -> Vec<InForce<'a>> {
    let declared = config.safety.protected.iter().map(|(key, place)| InForce {
        key,
        place,
        gone: None,
        software: software(config, key),
        computers: covered(config, snapshot, key),
    });
    // What was protected stays so, also where its document now says something else.
    let gone = stored.iter().map(|protection| {
        let mut computers: RoaringBitmap =
            protection.computers.iter().filter_map(|id| snapshot.position(id)).collect();
        for tenant in &protection.tenants {
            computers |= snapshot.tenants().with(tenant);
        }
        if protection.without_tenant {
            let with = snapshot.tenants().iter().fold(RoaringBitmap::new(), |sum, (_, of_it)| sum | of_it);
            computers |= snapshot.all() - with;
        }
        InForce {
            key: &protection.key,
            place: &protection.place,
            gone: (!config.safety.protected.contains_key(&protection.key))
                .then_some(Gone { commit: protection.commit.as_ref() }),
            software: protection.software.as_ref(),
            computers,
        }
    });
    declared.chain(gone).collect()
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
