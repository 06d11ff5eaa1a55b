//! What runs for a change: the scripts of each action, with what they are told.
//!
//! Not here: whether the change is made (`diff`), and running it (`session`).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use super::diff::Act;
use super::digest;
use super::document::{ActionType, Change};
use super::payloads::{self, Machine};
use super::probes::{instance, probe};
use super::procedure::{Invocation, Procedure};
use super::recipe::{self, Call, Computer, Part};
use super::sending;
use super::supply;
use crate::config::Config;
use crate::config::kind::{Mode, ParameterValue};
use crate::config::model::{Resource, Scripts, Strategy};
use crate::id::Digest;
use crate::inventory::item::{ItemKey, ItemKind, Observed};
use crate::session::script::{Platform, Purpose, Script};

/// The scripts that an action of an item runs on a platform.
///
/// # Errors
/// A phrase such as "it has no install script for posix", when the action cannot be done there.
pub fn steps(config: &Config, item: &ItemKey, call: &Call<'_>) -> Result<Vec<Part>, String> {
    match item.kind {
        ItemKind::Software => {
            let software = config.software.get(&item.name).ok_or("it is not in the configuration")?;
            recipe::parts(software, call)
        }
        // A provider does it.
        ItemKind::OsUpdates => match call.action {
            ActionType::OsUpdate => Ok(Vec::new()),
            _ => Err("updates of the operating system can only be started".to_owned()),
        },
        ItemKind::Task => {
            let task = config.tasks.get(&item.name).ok_or("it is not in the configuration")?;
            let purpose = Purpose::SetTask { task: item.name.as_str().to_owned(), instance: instance(item) };
            match call.action {
                ActionType::Set => Ok(vec![Part {
                    purpose,
                    script: script(task.set.as_ref(), "set", call.platform)?,
                    version: String::new(),
                    before: String::new(),
                    payload: None,
                }]),
                _ => Err("a task can only be set".to_owned()),
            }
        }
    }
}

pub(super) fn script(
    scripts: Option<&Scripts>,
    what: &str,
    platform: Platform,
) -> Result<Arc<Script>, String> {
    let on = match platform {
        Platform::Posix => "posix",
        Platform::Windows => "windows",
    };
    let scripts = scripts.ok_or_else(|| format!("it has no {what} script"))?;
    scripts.on(platform).cloned().ok_or_else(|| format!("it has no {what} script for {on}"))
}

/// Whether an action removes the software before it is there again, so that its configuration may be gone.
#[must_use]
pub fn starts_over(config: &Config, item: &ItemKey, act: &Act, before: &Observed) -> bool {
    let Some(software) = config.software.get(&item.name).filter(|_| item.kind == ItemKind::Software) else {
        return false;
    };
    let strategy = match act.action {
        ActionType::Install => return true,
        ActionType::Reinstall => return *before == Observed::Absent,
        ActionType::Update | ActionType::Downgrade => recipe::upgrade(software, act.version.as_deref()),
        ActionType::Repair => recipe::repair(software, version_of(before)),
        _ => return false,
    };
    matches!(strategy, Strategy::UninstallInstall)
}

/// Whether an action ends with something gone that people may miss: a software, or what a built-in resource is to remove.
#[must_use]
pub fn removes(config: &Config, item: &ItemKey, action: ActionType) -> bool {
    match action {
        ActionType::Uninstall => true,
        ActionType::Set => resource(config, item).is_some_and(Resource::removes),
        _ => false,
    }
}

/// The version that was observed, if one was.
#[must_use]
pub fn version_of(observed: &Observed) -> Option<&str> {
    match observed {
        Observed::Present { version, .. } => version.as_deref(),
        _ => None,
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
                json!([of(software.uninstall.as_ref()), of(software.post_uninstall.as_ref())])
            } else {
                let mut all = json!([
                    of(software.install.as_ref()),
                    of(software.uninstall.as_ref()),
                    by(&software.upgrade),
                    by(&software.repair),
                    of(software.post_install.as_ref()),
                    of(software.download.as_ref()),
                    version
                        .map(|version| recipe::way(software, version, None))
                        .unwrap_or_default()
                        .into_iter()
                        .map(|release| json!([
                            release.version,
                            of(release.install.as_ref()),
                            of(release.uninstall.as_ref()),
                            release.upgrade.as_ref().map(by),
                            release.repair.as_ref().map(by),
                            release
                                .payloads
                                .iter()
                                .map(|payload| json!([
                                    payload.sha256,
                                    payload.origin.url(),
                                    payload.file_name,
                                    payload.installer,
                                    payload.arguments
                                ]))
                                .collect::<Vec<_>>(),
                        ]))
                        .collect::<Vec<_>>()
                ]);
                if let (Some(before), Some(all)) = (of(software.pre_install.as_ref()), all.as_array_mut()) {
                    all.push(json!(before));
                }
                all
            }
        }),
        ItemKind::Task => config.tasks.get(&item.name).map(|task| match &task.once {
            Some(key) => json!([of(task.set.as_ref()), key]),
            None => json!([of(task.set.as_ref())]),
        }),
        ItemKind::OsUpdates => None,
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
pub fn procedure(
    config: &Config,
    change: &Change,
    platform: Platform,
    machine: Machine<'_>,
) -> Option<Procedure> {
    let item = &change.item;
    let call = Call {
        action: change.action,
        version: change.version.as_deref(),
        before: version_of(&change.before),
        platform,
        computer: Computer::With(machine),
    };
    let license = match &change.license {
        Some(name) => Some(config.licenses.get(name)?),
        None => None,
    };
    let given = match resource(config, item) {
        Some(resource) => resource.values(&change.parameters),
        None => supply::without_license(config, item, &change.parameters).into_owned(),
    };
    let parts = steps(config, item, &call).ok()?;
    let sent = sending::of_parts(&parts);
    let steps = parts.into_iter().map(|part| {
        let mut environment = environment(change, &part);
        let mut parameters = given.clone();
        match &part.purpose {
            Purpose::FetchPayload { .. } => parameters.clear(),
            Purpose::UninstallSoftware { .. } | Purpose::DownloadPayload { .. } => {}
            _ => {
                if let Some(license) = license {
                    parameters
                        .insert(supply::LICENSE.to_owned(), ParameterValue::Secret(license.secret.clone()));
                    environment.insert("MUSTER_LICENSE".to_owned(), license.form.as_str().to_owned());
                }
            }
        }
        Invocation { purpose: part.purpose, script: part.script, parameters, environment }
    });
    Some(Procedure {
        sent,
        steps: steps.collect(),
        verify: probe(config, item, &change.parameters, Mode::Enforce, platform),
    })
}

/// What one script of a change is told.
fn environment(change: &Change, part: &Part) -> BTreeMap<String, String> {
    let item = &change.item;
    let method = (item.kind == ItemKind::Task).then(|| ("MUSTER_METHOD", name(change.action).to_owned()));
    let mut environment: BTreeMap<String, String> = [
        ("MUSTER_ITEM", item.name.as_str().to_owned()),
        ("MUSTER_ACTION", name(change.action).to_owned()),
        ("MUSTER_VERSION", part.version.clone()),
        ("MUSTER_VERSION_BEFORE", part.before.clone()),
        ("MUSTER_INSTANCE", instance(item)),
    ]
    .into_iter()
    .chain(method)
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    if let Some(payload) = &part.payload {
        environment.extend(payloads::environment(payload));
    }
    if matches!(part.purpose, Purpose::FetchPayload { brought: true, .. }) {
        let sent = part.payload.as_ref().is_some_and(|payload| payload.origin.is_sent());
        let by = if sent { "muster" } else { "script" };
        environment.insert("MUSTER_PAYLOAD_FETCHED".to_owned(), by.to_owned());
    }
    environment
}

/// An action's name as it stands in plans and in `MUSTER_ACTION`.
#[must_use]
pub const fn name(action: ActionType) -> &'static str {
    action.as_str()
}
