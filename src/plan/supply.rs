//! What an install needs besides its script: a licence where one is needed, and a file that fits the computer.
//!
//! Not here: whether anything is to be done (`diff`), and fetching files (`session`).
//!
//! Invariants: every computer is in exactly one part; a licence is never given to a tenant that it is not for; a removal
//! needs nothing (SW-28).

use std::collections::BTreeMap;

use roaring::RoaringBitmap;

use super::document::ActionType;
use super::payloads::{self, Choice, Machine};
use super::recipe::way;
use crate::config::Config;
use crate::config::kind::LicenseNeed;
use crate::config::model::{License, Software};
use crate::id::Name;
use crate::inventory::snapshot::Snapshot;
use crate::session::script::Platform;
use crate::version::Constraint;

/// The name under which scripts get the licence.
pub const LICENSE: &str = "license";

/// An action that is due.
#[derive(Debug, Clone, Copy)]
pub struct Due<'a> {
    /// What is done.
    pub action: ActionType,
    /// The version that is to be there afterwards, if one is known.
    pub version: Option<&'a str>,
    /// The version that is there.
    pub before: Option<&'a str>,
    /// The licence that the deployment names.
    pub license: Option<&'a Name>,
    /// The platform.
    pub platform: Platform,
}

/// Computers by what they can be given.
#[derive(Debug, Default)]
pub struct Supply<'c> {
    /// With their licence, if they have one.
    pub ready: Vec<(Option<&'c License>, RoaringBitmap)>,
    /// Those that lack something, with what.
    pub lacking: Vec<(String, RoaringBitmap)>,
}

/// Splits computers by what they can be given for an action.
#[must_use]
pub fn supply<'c>(
    config: &'c Config,
    software: &Software,
    due: &Due<'_>,
    snapshot: &Snapshot,
    computers: &RoaringBitmap,
) -> Supply<'c> {
    let plain = due.action == ActionType::Uninstall
        || software.license == LicenseNeed::None && software.releases.iter().all(|r| r.payloads.is_empty());
    if plain {
        return Supply { ready: vec![(None, computers.clone())], lacking: Vec::new() };
    }
    let mut lacking: BTreeMap<String, RoaringBitmap> = BTreeMap::new();
    let mut fitting = RoaringBitmap::new();
    for (machine, part) in payloads::machines(snapshot, computers) {
        match files(software, due, machine) {
            Ok(()) => fitting |= part,
            Err(why) => *lacking.entry(why).or_default() |= part,
        }
    }
    let mut ready: BTreeMap<Option<&Name>, (Option<&License>, RoaringBitmap)> = BTreeMap::new();
    for (tenant, part) in by_tenant(snapshot, fitting) {
        match license(config, software, due, tenant) {
            Err(why) => *lacking.entry(why).or_default() |= part,
            Ok(license) => {
                let name = license.map(|license| &license.metadata.name);
                ready.entry(name).or_insert_with(|| (license, RoaringBitmap::new())).1 |= part;
            }
        }
    }
    Supply { ready: ready.into_values().collect(), lacking: lacking.into_iter().collect() }
}

/// Computers by tenant; those without one last.
pub(super) fn by_tenant(
    snapshot: &Snapshot,
    computers: RoaringBitmap,
) -> Vec<(Option<&Name>, RoaringBitmap)> {
    let mut parts = Vec::new();
    let mut rest = computers;
    for (tenant, of_it) in snapshot.tenants().iter() {
        let part = &rest & of_it;
        rest -= &part;
        parts.push((Some(tenant), part));
    }
    parts.push((None, rest));
    parts.retain(|(_, computers)| !computers.is_empty());
    parts
}

/// Whether there is a file for each version on the way.
fn files(software: &Software, due: &Due<'_>, machine: Machine<'_>) -> Result<(), String> {
    let Some(version) = due.version else { return Ok(()) };
    for release in way(software, version, due.before) {
        if let Choice::Misfit(why) = payloads::choose(release, due.platform, machine) {
            return Err(why);
        }
    }
    Ok(())
}

/// The licence for the computers of a tenant: what the deployment names, else the nearest in the tree of tenants, and of
/// those the one for fewer versions, then the first by name.
fn license<'c>(
    config: &'c Config,
    software: &Software,
    due: &Due<'_>,
    tenant: Option<&Name>,
) -> Result<Option<&'c License>, String> {
    if software.license == LicenseNeed::None {
        return Ok(None);
    }
    let chain = chain(config, tenant);
    let rank = |license: &License| match &license.tenant {
        None => Some(chain.len()),
        Some(name) => chain.iter().position(|above| *above == name),
    };
    let good = |license: &License| match (&license.versions, due.version) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(text), Some(version)) => Constraint::parse(software.scheme, text)
            .and_then(|constraint| constraint.allows(version))
            .unwrap_or(false),
    };
    let of_it = |license: &&License| license.software == software.metadata.name;
    let named = due.license;
    let found = config
        .licenses
        .values()
        .filter(of_it)
        .filter(|license| named.is_none_or(|name| *name == license.metadata.name))
        .filter(|license| good(license))
        .filter_map(|license| Some((rank(license)?, license.versions.is_none(), license)))
        .min_by_key(|(rank, general, license)| (*rank, *general, &license.metadata.name));
    match (found, named) {
        (Some((.., license)), _) => Ok(Some(license)),
        (None, Some(name)) => Err(format!("no licence: {name} is not for this tenant or version")),
        (None, None) if software.license == LicenseNeed::Required => {
            Err("no licence for this tenant and version".to_owned())
        }
        (None, None) => Ok(None),
    }
}

/// A tenant and those above it, nearest first. Circles are refused by `check`.
pub(super) fn chain<'c>(config: &'c Config, tenant: Option<&Name>) -> Vec<&'c Name> {
    let mut chain: Vec<&Name> = Vec::new();
    let mut next = tenant.and_then(|name| config.tenants.get_key_value(name));
    while let Some((name, known)) = next {
        if chain.contains(&name) {
            break;
        }
        chain.push(name);
        next = known.parent.as_ref().and_then(|parent| config.tenants.get_key_value(parent));
    }
    chain
}
