//! Which secrets the scripts of a deployment may be given, by their names.
//!
//! Invariant: names and paths only; no value is anywhere near (L9).

use std::collections::BTreeSet;

use crate::config::Config;
use crate::config::kind::{LicenseNeed, ParameterValue, SoftwareState};
use crate::config::model::{Deployment, Desired, License, ResourceProperty};
use crate::id::Name;
use crate::inventory::item::{ItemKey, ItemKind};
use crate::secret::SecretRef;

/// The secrets that a deployment gives, those that its item and the item's configuration task have by themselves
/// (defaults of parameters that it does not give, properties of a resource), and those of the licences that may be taken
/// for it. `tenants` are those that its target names; a licence of another tenant is not taken there.
pub(super) fn of_deployment(
    config: &Config,
    deployment: &Deployment,
    tenants: &BTreeSet<String>,
) -> BTreeSet<String> {
    let mut secrets: BTreeSet<&SecretRef> = deployment.parameters.values().filter_map(secret).collect();
    of_item(config, deployment, &deployment.item, &mut secrets);
    if let Some(software) = config.software.get(&deployment.item.name).filter(|_| is_software(deployment)) {
        if let Some(task) = software.configuration.as_ref().filter(|_| deployment.configured) {
            of_item(config, deployment, &ItemKey::task(task.clone(), None), &mut secrets);
        }
        if software.license != LicenseNeed::None && installs(deployment) {
            let licenses = config.licenses.values();
            let its = licenses.filter(|license| license.software == software.metadata.name);
            let taken = its.filter(|license| may_take(config, deployment, license, tenants));
            secrets.extend(taken.map(|license| &license.secret));
        }
    }
    secrets.into_iter().map(name).collect()
}

fn is_software(deployment: &Deployment) -> bool {
    deployment.item.kind == ItemKind::Software
}

fn installs(deployment: &Deployment) -> bool {
    use SoftwareState::{Installed, UpdateIfFound};
    matches!(deployment.desired, Desired::Software { state: Installed | UpdateIfFound, .. })
}

/// What an item has by itself.
fn of_item<'a>(
    config: &'a Config,
    deployment: &Deployment,
    item: &ItemKey,
    secrets: &mut BTreeSet<&'a SecretRef>,
) {
    let task = config.tasks.get(&item.name).filter(|_| item.kind == ItemKind::Task);
    let software = config.software.get(&item.name).filter(|_| item.kind == ItemKind::Software);
    let declared = task.map(|task| &task.parameters).or(software.map(|software| &software.parameters));
    let defaults = declared.into_iter().flatten();
    let defaults = defaults.filter(|(name, _)| !deployment.parameters.contains_key(*name));
    secrets.extend(defaults.filter_map(|(_, spec)| secret(spec.default.as_ref()?)));
    let resource = task.and_then(|task| task.resource.as_ref());
    let properties = resource.into_iter().flat_map(|resource| resource.properties.values());
    secrets.extend(properties.filter_map(|property| match property {
        ResourceProperty::Value(value) => secret(value),
        ResourceProperty::Parameter(_) | ResourceProperty::ContentOf(_) => None,
    }));
}

/// Whether a licence may be the one that is taken: the one that the deployment names, else one for all tenants or for
/// one that its target names or that stands above such a one; any, where the target names no tenant.
fn may_take(config: &Config, deployment: &Deployment, license: &License, tenants: &BTreeSet<String>) -> bool {
    if let Some(named) = &deployment.license {
        return *named == license.metadata.name;
    }
    let Some(owner) = &license.tenant else { return true };
    tenants.is_empty() || tenants.iter().any(|tenant| is_above(config, owner, tenant))
}

/// Whether a tenant is another one or stands above it.
fn is_above(config: &Config, upper: &Name, lower: &str) -> bool {
    let parent = |name: &&str| config.tenants.get(*name).and_then(|tenant| tenant.parent.as_ref());
    // `check` refuses circles; no way up is longer than there are tenants.
    let way = std::iter::successors(Some(lower), |name| parent(name).map(Name::as_str));
    way.take(config.tenants.len() + 1).any(|name| name == upper.as_str())
}

fn secret(value: &ParameterValue) -> Option<&SecretRef> {
    match value {
        ParameterValue::Secret(reference) => Some(reference),
        _ => None,
    }
}

/// The name or path of a secret.
fn name(reference: &SecretRef) -> String {
    match reference {
        SecretRef::Env(name) | SecretRef::File(name) => name.clone(),
    }
}
