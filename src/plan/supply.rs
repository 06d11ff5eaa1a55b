//! What a change of software needs besides its script: a licence where one is needed, a file that fits the computer, and
//! leave to restart it where it may.
//!
//! Not here: whether anything is to be done (`diff`), and fetching files (`session`).
//!
//! Invariants: every computer is in exactly one part; a licence is never given to a tenant that it is not for; a removal
//! needs no licence and no file (SW-28).

use std::borrow::Cow;
use std::collections::BTreeMap;

use roaring::RoaringBitmap;

use super::diff::{self, Act};
use super::document::ActionType;
use super::payloads::{self, Choice, Machine};
use super::procedures::{self, starts_over};
use super::recipe::way;
use crate::config::Config;
use crate::config::kind::{LicenseNeed, ParameterValue};
use crate::config::model::{Deployment, Desired, License, Software};
use crate::id::Name;
use crate::inventory::item::{ItemKey, ItemKind, Observed};
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

impl<'a> Due<'a> {
    /// What an act on what was found takes.
    #[must_use]
    pub fn of(
        config: &Config,
        item: &ItemKey,
        act: &'a Act,
        found: &'a Observed,
        license: Option<&'a Name>,
        platform: Platform,
    ) -> Self {
        // Where the action begins by removing, nothing is there for what follows.
        let anew = starts_over(config, item, act, found);
        let before = procedures::version_of(found).filter(|_| !anew);
        Self { action: act.action, version: act.version.as_deref(), before, license, platform }
    }
}

/// What is said of an act that lacks something.
#[must_use]
pub fn blocked(act: &Act, why: &str) -> String {
    format!("{} is due: {why}", diff::phrase(act))
}

/// Computers by what they can be given.
#[derive(Debug, Default)]
pub struct Supply<'c> {
    /// With their licence, if they have one.
    pub ready: Vec<(Option<&'c License>, RoaringBitmap)>,
    /// Those that lack something, with what.
    pub lacking: Vec<(String, RoaringBitmap)>,
}

/// What is said where a removal is due that has to wait (L3).
pub const HELD: &str = "nothing is removed while a source that the computer depends on fails";

/// What is said where a change may restart a computer that is not to.
pub(super) const NO_REBOOT: &str = "it may restart the computer, and that is suppressed";

/// Splits computers by what they can be given for an action. On those of `no_reboot` nothing is done that may restart them
/// (SW-30).
#[must_use]
pub fn supply<'c>(
    config: &'c Config,
    software: &Software,
    due: &Due<'_>,
    snapshot: &Snapshot,
    no_reboot: &RoaringBitmap,
    computers: &RoaringBitmap,
) -> Supply<'c> {
    if software.needs_reboot && !computers.is_disjoint(no_reboot) {
        let rest = computers - no_reboot;
        let mut supply = supply(config, software, due, snapshot, &RoaringBitmap::new(), &rest);
        supply.lacking.push((NO_REBOOT.to_owned(), computers & no_reboot));
        supply.ready.retain(|(_, computers)| !computers.is_empty());
        return supply;
    }
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

/// Computers by the licence that goes with the values of an item: to the scripts that look at a software, and to all of
/// its configuration task (SW-29). It is the one for the version that the deployment wants, else for the highest.
#[must_use]
pub fn by_license<'c>(
    config: &'c Config,
    snapshot: &Snapshot,
    item: &ItemKey,
    deployment: Option<&Deployment>,
    computers: &RoaringBitmap,
) -> Vec<(Option<&'c License>, RoaringBitmap)> {
    let deployment = deployment.filter(|deployment| deployment.item.kind == ItemKind::Software);
    let of = match item.kind {
        ItemKind::Software => Some(&item.name),
        ItemKind::Task => deployment.map(|deployment| &deployment.item.name),
        ItemKind::OsUpdates => None,
    };
    let software = of.and_then(|name| config.software.get(name));
    let Some(software) = software.filter(|software| software.license != LicenseNeed::None) else {
        return vec![(None, computers.clone())];
    };
    let wanted = deployment.and_then(|deployment| match &deployment.desired {
        Desired::Software { version, .. } => version.install(),
        Desired::Task | Desired::OsUpdates => None,
    });
    let due = Due {
        action: ActionType::None,
        version: wanted.or_else(|| software.latest()),
        before: None,
        license: deployment.and_then(|deployment| deployment.license.as_ref()),
        platform: Platform::Posix,
    };
    let mut parts: BTreeMap<Option<&Name>, (Option<&License>, RoaringBitmap)> = BTreeMap::new();
    for (tenant, part) in by_tenant(snapshot, computers.clone()) {
        // Where one is required and missing, whoever installs says so.
        let license = license(config, software, &due, tenant).ok().flatten();
        let name = license.map(|license| &license.metadata.name);
        parts.entry(name).or_insert_with(|| (license, RoaringBitmap::new())).1 |= part;
    }
    parts.into_values().collect()
}

/// Values with the licence that goes with them.
#[must_use]
pub fn with_license<'v>(
    values: &'v BTreeMap<String, ParameterValue>,
    license: Option<&License>,
) -> Cow<'v, BTreeMap<String, ParameterValue>> {
    let Some(license) = license else { return Cow::Borrowed(values) };
    let mut values = values.clone();
    values.insert(LICENSE.to_owned(), ParameterValue::Secret(license.secret.clone()));
    Cow::Owned(values)
}

/// Values without a licence that goes with them.
#[must_use]
pub fn without_license<'v>(
    config: &Config,
    item: &ItemKey,
    values: &'v BTreeMap<String, ParameterValue>,
) -> Cow<'v, BTreeMap<String, ParameterValue>> {
    let software = config.software.get(&item.name).filter(|_| item.kind == ItemKind::Software);
    if software.is_none_or(|software| software.license == LicenseNeed::None) || !values.contains_key(LICENSE)
    {
        return Cow::Borrowed(values);
    }
    let mut values = values.clone();
    values.remove(LICENSE);
    Cow::Owned(values)
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
    let good = |license: &License| match (&license.versions, due.version) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(text), Some(version)) => Constraint::parse(software.scheme, text)
            .and_then(|constraint| constraint.allows(version))
            .unwrap_or(false),
    };
    let named = due.license;
    let found = licenses(config, software, named, tenant)
        .filter(|(_, license)| good(license))
        .min_by_key(|(near, license)| (*near, license.versions.is_none(), &license.metadata.name))
        .map(|(_, license)| license);
    match (found, named) {
        (Some(license), _) => Ok(Some(license)),
        (None, Some(name)) => Err(format!("no licence: {name} is not for this tenant or version")),
        (None, None) if software.license == LicenseNeed::Required => {
            Err("no licence for this tenant and version".to_owned())
        }
        (None, None) => Ok(None),
    }
}

/// The licences of a software that the computers of a tenant may use, each with how near it stands to the tenant in the tree;
/// with a name, only that one.
pub(super) fn licenses<'c>(
    config: &'c Config,
    software: &Software,
    named: Option<&Name>,
    tenant: Option<&Name>,
) -> impl Iterator<Item = (usize, &'c License)> {
    let chain = chain(config, tenant);
    let of_it = move |license: &License| {
        license.software == software.metadata.name && named.is_none_or(|name| *name == license.metadata.name)
    };
    config.licenses.values().filter(move |license| of_it(license)).filter_map(move |license| {
        let near = match &license.tenant {
            None => chain.len(),
            Some(name) => chain.iter().position(|above| *above == name)?,
        };
        Some((near, license))
    })
}

/// A tenant and those above it, nearest first. Circles are refused by `check`.
fn chain<'c>(config: &'c Config, tenant: Option<&Name>) -> Vec<&'c Name> {
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
