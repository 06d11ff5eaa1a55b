//! How items are looked at: the probe of an item for some values, a mode and a platform.
//!
//! Not here: running it (`session`) and reading its results (`interpret`).
//!
//! Invariant: everything that can change the answer is in the probe's digest, so that an answer to another question is
//! never taken for one to this. The answer about a task that is set once is what was kept of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use super::digest;
use super::document::ValueOrigin;
use super::procedure::{Invocation, Probe};
use crate::config::Config;
use crate::config::kind::{Mode, PackageManager, ParameterSpec, ParameterValue};
use crate::config::model::{Deployment, Detect, Scripts, Software, Strategy, Task};
use crate::id::{Digest, Name};
use crate::inventory::item::{ItemKey, ItemKind};
use crate::session::script::{Platform, Purpose, Script};

/// The values given, and the defaults of what is not given.
#[must_use]
pub fn with_defaults(
    declared: &BTreeMap<String, ParameterSpec>,
    given: &BTreeMap<String, ParameterValue>,
) -> BTreeMap<String, ParameterValue> {
    let default = |(name, spec): (&String, &ParameterSpec)| Some((name.clone(), spec.default.clone()?));
    let mut values: BTreeMap<String, ParameterValue> = declared.iter().filter_map(default).collect();
    values.extend(given.iter().map(|(name, value)| (name.clone(), value.clone())));
    values
}

/// What an item's scripts are given: a deployment's values over the item's defaults.
#[must_use]
pub fn values(
    config: &Config,
    item: &ItemKey,
    given: &BTreeMap<String, ParameterValue>,
) -> BTreeMap<String, ParameterValue> {
    declared(config, item).map_or_else(|| given.clone(), |declared| with_defaults(declared, given))
}

/// Where each of an item's values comes from: what the deployment gives, or a default of the item or of the software that
/// it configures (PAR-7). For a prerequisite (`implied`) the deployment is that of the item which needs it and gives it
/// nothing; then a deployment of its own is looked for. What cannot be told is left out.
#[must_use]
pub fn origins(
    config: &Config,
    item: &ItemKey,
    values: &BTreeMap<String, ParameterValue>,
    deployment: &Deployment,
    implied: bool,
) -> BTreeMap<String, ValueOrigin> {
    let default = |of: &ItemKey, name: &String, value: &ParameterValue| {
        let default = declared(config, of)?.get(name)?.default.as_ref()?;
        (default == value).then(|| ValueOrigin::Default(of.name.clone()))
    };
    let origin = |(name, value): (&String, &ParameterValue)| {
        let gives = |deployment: &&Deployment| deployment.parameters.get(name) == Some(value);
        let from = |deployment: &Deployment| ValueOrigin::Deployment(deployment.metadata.name.clone());
        let origin = if implied {
            let own = || {
                let mut own = config.deployments.values().filter(|own| own.item == *item && gives(own));
                own.next().filter(|_| own.next().is_none()).map(from)
            };
            default(item, name, value).or_else(own)
        } else {
            let by_deployment = Some(deployment).filter(gives).map(from);
            let of_software = || default(&deployment.item, name, value);
            by_deployment.or_else(|| default(item, name, value)).or_else(of_software)
        };
        Some((name.clone(), origin?))
    };
    values.iter().filter_map(origin).collect()
}

/// What an item declares of its parameters.
#[must_use]
pub fn declared<'c>(config: &'c Config, item: &ItemKey) -> Option<&'c BTreeMap<String, ParameterSpec>> {
    match item.kind {
        ItemKind::Software => config.software.get(&item.name).map(|software| &software.parameters),
        ItemKind::Task => config.tasks.get(&item.name).map(|task| &task.parameters),
        ItemKind::OsUpdates => None,
    }
}

/// The key of a software's configuration task. Where several software share one task, each has it under an instance key
/// of its own: its name.
#[must_use]
pub fn configuration(config: &Config, software: &Software) -> Option<ItemKey> {
    let task = software.configuration.as_ref()?;
    let users = config.software.values().filter(|other| other.configuration.as_ref() == Some(task)).count();
    Some(ItemKey::task(task.clone(), (users > 1).then(|| software.metadata.name.clone())))
}

/// What a configuration task is given: its own defaults under all that its software is given (TSK-11).
#[must_use]
pub fn configuration_values(
    config: &Config,
    task: &ItemKey,
    software: &BTreeMap<String, ParameterValue>,
) -> BTreeMap<String, ParameterValue> {
    values(config, task, software)
}

/// Whether a software makes sense on a platform: it can be found there, and one of its scripts runs there, if it has any.
#[must_use]
pub fn applicable(software: &Software, platform: Platform) -> bool {
    let found = match &software.detect {
        Detect::Inventory(_) => true,
        Detect::Package(package) => match package.manager {
            None => true,
            Some(PackageManager::Dpkg | PackageManager::Rpm | PackageManager::Apk | PackageManager::Brew) => {
                platform == Platform::Posix
            }
            Some(PackageManager::Winget | PackageManager::Choco) => platform == Platform::Windows,
        },
        Detect::Packages(packages) => packages
            .by_preference()
            .iter()
            .any(|(installer, _)| installer.is_windows() == (platform == Platform::Windows)),
        Detect::UpgradeCode(_) | Detect::ProductCode(_) => platform == Platform::Windows,
        Detect::Script(scripts) => scripts.on(platform).is_some(),
    };
    let upgrade = match &software.upgrade {
        Strategy::Script(scripts) => Some(scripts),
        _ => None,
    };
    let mut changing =
        [&software.install, &software.uninstall].into_iter().flatten().chain(upgrade).peekable();
    found && (changing.peek().is_none() || changing.any(|scripts| scripts.on(platform).is_some()))
}

/// The probe of an item: with these values (see [`values`]), for what this mode asks, on this platform.
///
/// Monitor reads a task's value where the task has a way to; every other mode tests. An item that is not in the
/// configuration is not applicable.
#[must_use]
pub fn probe(
    config: &Config,
    item: &ItemKey,
    parameters: &BTreeMap<String, ParameterValue>,
    mode: Mode,
    platform: Platform,
) -> Probe {
    match item.kind {
        ItemKind::Software => match config.software.get(&item.name) {
            Some(software) => software_probe(software, item, parameters, platform),
            None => nothing(item, platform),
        },
        ItemKind::Task => match config.tasks.get(&item.name) {
            Some(task) => task_probe(task, item, parameters, mode, platform),
            None => nothing(item, platform),
        },
        // A provider says it; nothing runs on the computer.
        ItemKind::OsUpdates => finish(item, platform, true, &json!("by the provider"), Vec::new()),
    }
}

fn nothing(item: &ItemKey, platform: Platform) -> Probe {
    finish(item, platform, false, &Value::Null, Vec::new())
}

/// Tells the test of one release from the software's.
pub(super) const OF_VERSION: &str = "MUSTER_VERSION";

fn software_probe(
    software: &Software,
    item: &ItemKey,
    parameters: &BTreeMap<String, ParameterValue>,
    platform: Platform,
) -> Probe {
    if !applicable(software, platform) {
        return nothing(item, platform);
    }
    let name = || software.metadata.name.as_str().to_owned();
    let mut steps = Vec::new();
    let way = match &software.detect {
        Detect::Inventory(rule) => json!({ "inventory": rule }),
        Detect::Package(rule) => json!({ "package": rule }),
        Detect::Packages(packages) => json!({ "packages": packages.by_preference() }),
        Detect::UpgradeCode(code) => json!({ "upgradeCode": code }),
        Detect::ProductCode(code) => json!({ "productCode": code }),
        Detect::Script(scripts) => {
            let purpose = Purpose::DetectSoftware { software: name() };
            steps.extend(invocation(item, scripts, platform, purpose, "detect", parameters));
            json!("script")
        }
    };
    if let Some(test) = &software.test {
        let purpose = Purpose::TestSoftware { software: name() };
        steps.extend(invocation(item, test, platform, purpose, "test", parameters));
    }
    // Which version is there is not known before it was looked for, so the tests of all releases go along (SW-15).
    for release in &software.releases {
        let Some(test) = &release.test else { continue };
        let purpose = Purpose::TestSoftware { software: name() };
        if let Some(mut step) = invocation(item, test, platform, purpose, "test", parameters) {
            step.environment.insert(OF_VERSION.to_owned(), release.version.clone());
            steps.push(step);
        }
    }
    finish(item, platform, true, &json!([way, software.scheme]), steps)
}

/// What a task that is set once is remembered by: the item and the key, and nothing else, so that only another key sets
/// it again.
fn once(item: &ItemKey, key: &Name) -> Digest {
    digest::of(&json!([item, "once", key]))
}

/// The digests of all probes whose answers are kept and not looked for again.
#[must_use]
pub fn remembered(config: &Config) -> BTreeSet<Digest> {
    let items = config.deployments.values().map(|deployment| &deployment.item);
    let tasks = items.filter(|item| item.kind == ItemKind::Task);
    tasks.filter_map(|item| Some(once(item, config.tasks.get(&item.name)?.once.as_ref()?))).collect()
}

fn task_probe(
    task: &Task,
    item: &ItemKey,
    parameters: &BTreeMap<String, ParameterValue>,
    mode: Mode,
    platform: Platform,
) -> Probe {
    if let Some(key) = &task.once {
        let applicable = task.set.as_ref().is_some_and(|set| set.on(platform).is_some());
        let (item, digest) = (item.clone(), once(item, key));
        return Probe { item, platform, applicable, digest, steps: Vec::new(), remembered: true };
    }
    let (name, instance) = (item.name.as_str().to_owned(), instance(item));
    let values = task.resource.as_ref().map(|resource| resource.values(parameters));
    let parameters = values.as_ref().unwrap_or(parameters);
    let reads = mode == Mode::Monitor || task.test.is_none();
    let step = match (&task.get, &task.test) {
        (Some(get), _) if reads => {
            invocation(item, get, platform, Purpose::GetTask { task: name, instance }, "get", parameters)
        }
        (_, Some(test)) => {
            invocation(item, test, platform, Purpose::TestTask { task: name, instance }, "test", parameters)
        }
        _ => None,
    };
    let applicable = step.is_some();
    finish(item, platform, applicable, &Value::Null, step.into_iter().collect())
}

/// An item's instance key as text, empty without one.
pub(super) fn instance(item: &ItemKey) -> String {
    item.instance.as_ref().map_or_else(String::new, |name| Name::as_str(name).to_owned())
}

fn invocation(
    item: &ItemKey,
    scripts: &Scripts,
    platform: Platform,
    purpose: Purpose,
    action: &str,
    parameters: &BTreeMap<String, ParameterValue>,
) -> Option<Invocation> {
    let script: &Arc<Script> = scripts.on(platform)?;
    let environment = [
        ("MUSTER_ITEM", item.name.as_str().to_owned()),
        ("MUSTER_ACTION", action.to_owned()),
        ("MUSTER_INSTANCE", instance(item)),
    ];
    let method = (item.kind == ItemKind::Task).then(|| ("MUSTER_METHOD", action.to_owned()));
    Some(Invocation {
        purpose,
        script: Arc::clone(script),
        parameters: parameters.clone(),
        environment: environment
            .into_iter()
            .chain(method)
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    })
}

fn finish(
    item: &ItemKey,
    platform: Platform,
    applicable: bool,
    way: &Value,
    steps: Vec<Invocation>,
) -> Probe {
    let steps_of =
        |step: &Invocation| json!([step.purpose, step.script.digest(), step.parameters, step.environment]);
    let over = json!([item, platform, applicable, way, steps.iter().map(steps_of).collect::<Vec<_>>()]);
    Probe { item: item.clone(), platform, applicable, digest: digest::of(&over), steps, remembered: false }
}
