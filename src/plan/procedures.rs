//! What runs for a change: the scripts of each action, with what they are told.
//!
//! Not here: whether the change is made (`diff`), and running it (`session`).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use super::digest;
use super::document::{ActionType, Change};
use super::probes::{instance, probe};
use super::procedure::{Invocation, Procedure};
use crate::config::Config;
use crate::config::kind::{Mode, ParameterValue};
use crate::config::model::{Resource, Scripts, Software, Strategy};
use crate::id::Digest;
use crate::inventory::item::{ItemKey, ItemKind, Observed};
use crate::session::script::{Platform, Purpose, Script};

/// The scripts of an action, in order.
pub type Steps = Vec<(Purpose, Arc<Script>)>;

/// The scripts that an action of an item runs on a platform.
///
/// # Errors
/// A phrase such as "it has no install script for posix", when the action cannot be done there.
pub fn steps(
    config: &Config,
    item: &ItemKey,
    action: ActionType,
    version: Option<&str>,
    platform: Platform,
) -> Result<Steps, String> {
    match item.kind {
        ItemKind::Software => {
            let software = config.software.get(&item.name).ok_or("it is not in the configuration")?;
            software_steps(software, action, version, platform)
        }
        ItemKind::Task => {
            let task = config.tasks.get(&item.name).ok_or("it is not in the configuration")?;
            let purpose = Purpose::SetTask { task: item.name.as_str().to_owned(), instance: instance(item) };
            match action {
                ActionType::Set => Ok(vec![(purpose, script(task.set.as_ref(), "set", platform)?)]),
                _ => Err("a task can only be set".to_owned()),
            }
        }
    }
}

fn script(scripts: Option<&Scripts>, what: &str, platform: Platform) -> Result<Arc<Script>, String> {
    let on = match platform {
        Platform::Posix => "posix",
        Platform::Windows => "windows",
    };
    let scripts = scripts.ok_or_else(|| format!("it has no {what} script"))?;
    scripts.on(platform).cloned().ok_or_else(|| format!("it has no {what} script for {on}"))
}

fn software_steps(
    software: &Software,
    action: ActionType,
    version: Option<&str>,
    platform: Platform,
) -> Result<Steps, String> {
    let name = || software.metadata.name.as_str().to_owned();
    let installing = || Purpose::InstallSoftware { software: name(), version: version.map(str::to_owned) };
    let install = || Ok::<_, String>((installing(), script(software.install.as_ref(), "install", platform)?));
    let uninstall = || {
        let purpose = Purpose::UninstallSoftware { software: name() };
        Ok::<_, String>((purpose, script(software.uninstall.as_ref(), "uninstall", platform)?))
    };
    let by = |strategy: &Strategy, what: &str, purpose: Purpose| match strategy {
        Strategy::None => Err(format!("its {what} strategy is none")),
        Strategy::InstallOver => Ok(vec![install()?]),
        Strategy::UninstallInstall => Ok(vec![uninstall()?, install()?]),
        Strategy::Script(scripts) => Ok(vec![(purpose, script(Some(scripts), what, platform)?)]),
    };
    match action {
        ActionType::Install | ActionType::Reinstall => Ok(vec![install()?]),
        ActionType::Update | ActionType::Downgrade => by(&software.upgrade, "upgrade", installing()),
        ActionType::Uninstall => Ok(vec![uninstall()?]),
        ActionType::Repair => by(&software.repair, "repair", Purpose::RepairSoftware { software: name() }),
        _ => Err("a software cannot be set or read".to_owned()),
    }
}

/// Whether an action removes the software before it is there again, so that its configuration may be gone.
#[must_use]
pub fn starts_over(config: &Config, item: &ItemKey, action: ActionType) -> bool {
    let Some(software) = config.software.get(&item.name).filter(|_| item.kind == ItemKind::Software) else {
        return false;
    };
    match action {
        ActionType::Install => true,
        ActionType::Update | ActionType::Downgrade => matches!(software.upgrade, Strategy::UninstallInstall),
        ActionType::Repair => matches!(software.repair, Strategy::UninstallInstall),
        _ => false,
    }
}

/// The digest over all that a wish can run on a platform: every script of the item that changes something, the values and
/// the version. It does not depend on which of the actions is due, so that what was applied can be compared with what
/// is wanted now (PAR-8).
#[must_use]
pub fn content(
    config: &Config,
    item: &ItemKey,
    version: Option<&str>,
    absent: bool,
    parameters: &BTreeMap<String, ParameterValue>,
    platform: Platform,
) -> Digest {
    let of = |scripts: Option<&Scripts>| {
        scripts.and_then(|scripts| scripts.on(platform)).map(|script| script.digest())
    };
    let by = |strategy: &Strategy| match strategy {
        Strategy::None => json!("none"),
        Strategy::InstallOver => json!("install-over"),
        Strategy::UninstallInstall => json!("uninstall-install"),
        Strategy::Script(scripts) => json!(of(Some(scripts))),
    };
    let scripts = match item.kind {
        ItemKind::Software => config.software.get(&item.name).map(|software| {
            if absent {
                json!([of(software.uninstall.as_ref())])
            } else {
                json!([
                    of(software.install.as_ref()),
                    of(software.uninstall.as_ref()),
                    by(&software.upgrade),
                    by(&software.repair)
                ])
            }
        }),
        ItemKind::Task => config.tasks.get(&item.name).map(|task| json!([of(task.set.as_ref())])),
    };
    match resource(config, item) {
        Some(resource) => digest::of(&json!([item, platform, scripts, resource.values(parameters)])),
        None => digest::of(&json!([item, platform, absent, version, scripts, parameters])),
    }
}

/// The built-in resource of a task, if it has one.
fn resource<'c>(config: &'c Config, item: &ItemKey) -> Option<&'c Resource> {
    config.tasks.get(&item.name).filter(|_| item.kind == ItemKind::Task)?.resource.as_ref()
}

/// What runs for a change on a platform, and how its result is looked at. `None` when the configuration has no scripts
/// for it, which is so only if the change was planned from another configuration or another platform.
#[must_use]
pub fn procedure(config: &Config, change: &Change, platform: Platform) -> Option<Procedure> {
    let item = &change.item;
    let before = match &change.before {
        Observed::Present { version: Some(version), .. } => version.clone(),
        _ => String::new(),
    };
    let method = (item.kind == ItemKind::Task).then(|| ("MUSTER_METHOD", name(change.action).to_owned()));
    let environment: BTreeMap<String, String> = [
        ("MUSTER_ITEM", item.name.as_str().to_owned()),
        ("MUSTER_ACTION", name(change.action).to_owned()),
        ("MUSTER_VERSION", change.version.clone().unwrap_or_default()),
        ("MUSTER_VERSION_BEFORE", before),
        ("MUSTER_INSTANCE", instance(item)),
    ]
    .into_iter()
    .chain(method)
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    let steps = steps(config, item, change.action, change.version.as_deref(), platform).ok()?;
    let resource = resource(config, item);
    let parameters = match resource {
        Some(resource) => resource.values(&change.parameters),
        None => change.parameters.clone(),
    };
    let steps = steps.into_iter().map(|(purpose, script)| Invocation {
        purpose,
        script,
        parameters: parameters.clone(),
        environment: environment.clone(),
    });
    Some(Procedure {
        steps: steps.collect(),
        verify: probe(config, item, &change.parameters, Mode::Enforce, platform),
    })
}

/// An action's name as it stands in plans and in `MUSTER_ACTION`.
#[must_use]
pub const fn name(action: ActionType) -> &'static str {
    match action {
        ActionType::None => "none",
        ActionType::Install => "install",
        ActionType::Update => "update",
        ActionType::Downgrade => "downgrade",
        ActionType::Uninstall => "uninstall",
        ActionType::Repair => "repair",
        ActionType::Reinstall => "reinstall",
        ActionType::Set => "set",
        ActionType::Get => "get",
        ActionType::OsUpdate => "os-update",
        ActionType::Reboot => "reboot",
    }
}
