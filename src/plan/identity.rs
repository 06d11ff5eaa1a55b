//! What decides what happens on a computer where a deployment wins, as one digest.
//!
//! Not here: who wins (`precedence`), and what is there.
//!
//! Invariant: whatever a configuration says that can lead to another plan for the item, where the same deployment wins
//! and the same is there, is in the digest: scripts, the way it is looked at, values, rules, licences of the tenant, and
//! all of that of the software that its rules mention. Names and titles are not, and neither is the order of actions.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::digest;
use super::past;
use super::precedence::is_ignored;
use super::probes;
use super::procedures;
use super::supply;
use crate::config::Config;
use crate::config::kind::{Consequence, LicenseNeed, Mode, ParameterValue, SoftwareState};
use crate::config::model::{Deployment, Desired, Release, Scripts, Software, Strategy};
use crate::id::{Digest, Name};
use crate::inventory::item::{ItemKey, ItemKind};
use crate::session::script::Platform;
use crate::targets::{self, Expr, Selector};

/// Where something is wanted, as far as it counts for what is done.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) config: &'a Config,
    pub(super) mode: Mode,
    pub(super) platform: Platform,
    pub(super) tenant: Option<&'a Name>,
    /// Whether nothing is done that may restart the computer.
    pub(super) no_reboot: bool,
}

impl Place<'_> {
    /// Over everything that decides what happens where this deployment wins.
    pub(super) fn identity(&self, deployment: &Deployment) -> Digest {
        if is_ignored(deployment) || self.mode == Mode::Ignored {
            return Digest::of(b"ignored");
        }
        let (config, item) = (self.config, &deployment.item);
        let values = probes::values(config, item, &deployment.parameters);
        let (absent, version) = match &deployment.desired {
            Desired::Task | Desired::OsUpdates => (false, None),
            Desired::Software { state, version, .. } => (*state == SoftwareState::Absent, version.install()),
        };
        let own = self.item(item, version, absent, &values, Some(deployment));
        let along: Vec<Value> = mentioned(config, item)
            .into_iter()
            .filter_map(|name| config.software.get(name))
            .map(|software| self.mentioned(software))
            .collect();
        digest::of(&json!([past::wish(deployment), self.mode, own, along]))
    }

    /// A software that rules mention, as it would be brought along.
    fn mentioned(&self, software: &Software) -> Value {
        let item = ItemKey::software(software.metadata.name.clone());
        let values = probes::values(self.config, &item, &BTreeMap::new());
        let brought = self.item(&item, software.latest(), false, &values, None);
        let removed = procedures::content(self.config, &item, None, true, &values, self.platform);
        json!([brought, removed])
    }

    fn item(
        &self,
        item: &ItemKey,
        version: Option<&str>,
        absent: bool,
        values: &BTreeMap<String, ParameterValue>,
        deployment: Option<&Deployment>,
    ) -> Value {
        let Self { config, mode, platform, .. } = *self;
        let content = procedures::content(config, item, version, absent, values, platform);
        let probe = probes::probe(config, item, values, mode, platform).digest;
        match item.kind {
            ItemKind::OsUpdates => json!([content, probe]),
            ItemKind::Task => json!([content, probe, config.tasks.get(&item.name).map(|task| task.enabled)]),
            ItemKind::Software => {
                let software = config.software.get(&item.name);
                let more = software.map(|software| self.software(software, values, deployment));
                json!([content, probe, more])
            }
        }
    }

    fn software(
        &self,
        software: &Software,
        values: &BTreeMap<String, ParameterValue>,
        deployment: Option<&Deployment>,
    ) -> Value {
        let config = self.config;
        let configured = deployment.is_none_or(|deployment| deployment.configured);
        let rules: Vec<Value> =
            software.prerequisites.iter().map(|rule| json!([rule.when, rule.then])).collect();
        let configuration = probes::configuration(config, software).filter(|_| configured).map(|task| {
            let values = probes::configuration_values(config, &task, values);
            self.item(&task, None, false, &values, None)
        });
        let releases: Vec<Value> = software.releases.iter().filter_map(|one| self.release(one)).collect();
        json!([
            software.enabled,
            (software.needs_reboot, software.needs_reboot && self.no_reboot),
            format!("{:?}", software.parameters_changed(configured)),
            rules,
            configuration,
            releases,
            self.licenses(software, deployment.and_then(|deployment| deployment.license.as_ref())),
        ])
    }

    /// What a release does in a way of its own; which of them is there is not known.
    fn release(&self, release: &Release) -> Option<Value> {
        let of = |scripts: Option<&Scripts>| {
            scripts.and_then(|scripts| scripts.on(self.platform)).map(|script| script.digest())
        };
        let by = |strategy: Option<&Strategy>| match strategy {
            Some(Strategy::Script(scripts)) => json!(of(Some(scripts))),
            Some(other) => json!(format!("{other:?}")),
            None => Value::Null,
        };
        let own = json!([
            of(release.install.as_ref()),
            of(release.uninstall.as_ref()),
            by(release.upgrade.as_ref()),
            by(release.repair.as_ref()),
        ]);
        let says = own.as_array().is_some_and(|parts| parts.iter().any(|part| !part.is_null()));
        says.then(|| json!([release.version, release.requires, own]))
    }

    /// The licences from which one is chosen here, and how near each is.
    fn licenses(&self, software: &Software, named: Option<&Name>) -> Value {
        if software.license == LicenseNeed::None {
            return Value::Null;
        }
        let list = supply::licenses(self.config, software, named, self.tenant).map(|(near, license)| {
            json!([near, license.metadata.name, license.versions, license.form.as_str(), license.secret])
        });
        json!([software.license == LicenseNeed::Required, list.collect::<Vec<Value>>()])
    }
}

/// The software that an item's rules mention, and the rules of those, and so on; without the item itself.
fn mentioned<'c>(config: &'c Config, item: &ItemKey) -> BTreeSet<&'c Name> {
    let mut found: BTreeSet<&Name> = BTreeSet::new();
    if item.kind != ItemKind::Software {
        return found;
    }
    let mut open: Vec<&Software> = config.software.get(&item.name).into_iter().collect();
    while let Some(software) = open.pop() {
        for rule in &software.prerequisites {
            let then: &[Name] = match &rule.then {
                Consequence::Install(names) | Consequence::Uninstall(names) => names,
                Consequence::Fail(_) => &[],
            };
            let when = rule.when.installed.iter().chain(&rule.when.not_installed).flatten();
            for name in when.chain(then) {
                if *name != item.name && found.insert(name) {
                    open.extend(config.software.get(name));
                }
            }
        }
    }
    found
}

/// What a deployment selects by, with the targets that it goes through and the scripts that it asks: counts where facts
/// or answers are missing, so that it is not known whom it selects. `shown` is over what scripts are shown.
pub(super) fn selects_by(config: &Config, deployment: &Deployment, shown: Option<&Digest>) -> Digest {
    let resolved = targets::resolve(&deployment.expression, config, Some(&deployment.place));
    let mut through: BTreeSet<&Name> = deployment.target.iter().collect();
    let mut scripts: BTreeSet<&Name> = BTreeSet::new();
    if let Ok(resolved) = &resolved {
        names_in(resolved.expr(), &mut through, &mut scripts);
    }
    let script = |name: &Name| config.scripts.get(name).map(|script| script.digest());
    let asked: BTreeMap<&Name, (Option<Digest>, Option<&Digest>)> =
        scripts.into_iter().map(|name| (name, (script(name), shown))).collect();
    let expression = |name: &Name| config.targets.get(name).map(|target| past::target(&target.expression));
    let named: BTreeMap<&Name, Option<Digest>> =
        through.into_iter().map(|name| (name, expression(name))).collect();
    digest::of(&json!([past::target(&deployment.expression), named, asked]))
}

/// The targets and the scripts in an expression. Expressions are bounded in depth, so the recursion is.
fn names_in<'e>(expression: &'e Expr, targets: &mut BTreeSet<&'e Name>, scripts: &mut BTreeSet<&'e Name>) {
    match expression {
        Expr::Select(Selector::Script(name)) => _ = scripts.insert(name),
        Expr::Select(_) => {}
        Expr::Not(inner) => names_in(inner, targets, scripts),
        Expr::All(members) | Expr::Any(members) => {
            for member in members {
                names_in(member, targets, scripts);
            }
        }
        Expr::Target(name, inner) => {
            targets.insert(name);
            names_in(inner, targets, scripts);
        }
    }
}
