//! The facts of deployments and software, which are known before there is a plan.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::scripts::software_scripts;
use super::{Subject, item_ref, labels, secrets, word};
use crate::config::Config;
use crate::config::kind::{ItemRef, SoftwareState};
use crate::config::model::{Deployment, Desired, Detect, Software, WantedVersion};
use crate::config::safety::{ProtectedKey, ProtectedKind};
use crate::id::Name;
use crate::policy::language::machine::Fact;
use crate::targets::{self, Level};

/// Enabled deployments.
#[must_use]
pub fn deployments(config: &Config) -> Vec<Subject> {
    let enabled = config.deployments.values().filter(|deployment| deployment.enabled);
    enabled
        .map(|deployment| {
            let name = &deployment.metadata.name;
            let facts = vec![("deployment", Fact::new(&deployment_facts(config, deployment)))];
            Subject {
                about: Some(deployment.place.clone()),
                deployment: Some(name.clone()),
                item: item_ref(&deployment.item),
                ..Subject::new(format!("deployment {name}"), facts)
            }
        })
        .collect()
}

pub(super) fn deployment_facts(config: &Config, deployment: &Deployment) -> Value {
    let scope =
        targets::resolve(&deployment.expression, config, None).ok().map(|resolved| targets::scope(&resolved));
    let expression = serde_json::to_value(&deployment.expression).unwrap_or_default();
    let mut words = Words::default();
    words.read(config, &expression, false);
    let (state, version, pinned) = match &deployment.desired {
        Desired::Software { state, version, .. } => {
            let text = match version {
                WantedVersion::Any { .. } => "any",
                WantedVersion::Latest { .. } => "latest",
                WantedVersion::Exact { version } => version,
                WantedVersion::Range { constraint, .. } => constraint,
            };
            let installs = matches!(state, SoftwareState::Installed | SoftwareState::UpdateIfFound);
            (word(state), if installs { text } else { "" }, installs && version.install().is_some())
        }
        Desired::Task | Desired::OsUpdates => (String::new(), "", false),
    };
    let secrets = secrets::of_deployment(config, deployment, &words.tenants);
    let owners: BTreeSet<&str> = secrets.iter().filter_map(|secret| owner(config, secret)).collect();
    let key = ProtectedKey { kind: ProtectedKind::Deployment, name: deployment.metadata.name.clone() };
    json!({
        "name": deployment.metadata.name.as_str(),
        "title": deployment.metadata.title.as_deref().unwrap_or_default(),
        "labels": labels(&deployment.metadata),
        "file": &*deployment.place.file,
        "item": deployment.item.name.as_str(),
        "instance": deployment.item.instance.as_ref().map_or("", Name::as_str),
        "kind": word(deployment.item.kind),
        "state": state,
        "version": version,
        "pinned": pinned,
        "mode": deployment.mode.to_string(),
        "enabled": deployment.enabled,
        "priority": deployment.priority,
        "target": deployment.target.as_ref().map_or("", Name::as_str),
        "level": match scope.map(|scope| scope.level) {
            Some(Level::Computer) => "computer",
            Some(Level::Person) => "person",
            Some(Level::Tenant { .. }) => "tenant",
            Some(Level::CrossTenant) | None => "cross-tenant",
        },
        "narrowed": scope.is_some_and(|scope| scope.narrowed),
        "every": words.every,
        "tenants": words.tenants,
        "ring": words.ring,
        "parameters": deployment.parameters.keys().collect::<Vec<_>>(),
        "secrets": secrets,
        "secretTenants": owners,
        "protected": config.safety.protected.contains_key(&key),
    })
}

/// What an expression says outside of its `not`s, named targets put in place.
#[derive(Debug, Default)]
struct Words {
    every: bool,
    ring: bool,
    tenants: BTreeSet<String>,
    seen: BTreeSet<String>,
}

impl Words {
    fn read(&mut self, config: &Config, expression: &Value, denied: bool) {
        match expression {
            Value::Array(items) => items.iter().for_each(|item| self.read(config, item, denied)),
            Value::Object(fields) => {
                for (key, value) in fields {
                    self.key(config, key, value, denied);
                }
            }
            _ => {}
        }
    }

    fn key(&mut self, config: &Config, key: &str, value: &Value, denied: bool) {
        match (key, value) {
            ("not", _) => self.read(config, value, true),
            ("every", Value::Bool(true)) if !denied => self.every = true,
            ("ring", _) if !denied => self.ring = true,
            ("tenant" | "tenantTree", Value::String(name)) if !denied => {
                self.tenants.insert(name.clone());
            }
            ("target", Value::String(name)) => {
                let target = config.targets.iter().find(|(known, _)| known.as_str() == name);
                if let Some((_, target)) = target.filter(|_| self.seen.insert(name.clone())) {
                    let inner = serde_json::to_value(&target.expression).unwrap_or_default();
                    self.read(config, &inner, denied);
                }
            }
            _ => self.read(config, value, denied),
        }
    }
}

/// The tenant whose name a secret's name or a folder of its path begins with; the longest one.
fn owner<'a>(config: &'a Config, secret: &str) -> Option<&'a str> {
    let parts: Vec<String> =
        secret.split('/').map(|part| part.to_lowercase().replace(['_', '.'], "-")).collect();
    let owns = |tenant: &&Name| {
        let begins = |part: &String| {
            part.strip_prefix(tenant.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        parts.iter().any(begins)
    };
    config.tenants.keys().filter(owns).max_by_key(|tenant| tenant.as_str().len()).map(Name::as_str)
}

/// All software.
#[must_use]
pub fn software(config: &Config) -> Vec<Subject> {
    config
        .software
        .values()
        .map(|software| {
            let name = &software.metadata.name;
            let facts = vec![("software", Fact::new(&software_facts(software)))];
            Subject {
                about: Some(software.place.clone()),
                item: Some(ItemRef::Software(name.clone())),
                ..Subject::new(format!("software {name}"), facts)
            }
        })
        .collect()
}

fn software_facts(software: &Software) -> Value {
    let scripts = software_scripts(software);
    let has = |purpose: &str| scripts.iter().any(|(of, _)| *of == purpose);
    // A package manager installs and removes what it has.
    let managed = matches!(software.detect, Detect::Packages(_));
    let payloads = software.releases.iter().flat_map(|release| &release.payloads);
    let origins: BTreeSet<_> = payloads.map(|payload| &payload.origin).collect();
    let addresses: BTreeSet<&str> = origins.iter().filter_map(|origin| origin.url()).collect();
    json!({
        "name": software.metadata.name.as_str(),
        "title": software.metadata.title.as_deref().unwrap_or_default(),
        "labels": labels(&software.metadata),
        "file": &*software.place.file,
        "detection": match &software.detect {
            Detect::Inventory(_) => "inventory",
            Detect::Package(_) | Detect::Packages(_) => "package",
            Detect::UpgradeCode(_) => "upgrade-code",
            Detect::ProductCode(_) => "product-code",
            Detect::Script(_) => "script",
        },
        "versions": software.versions().collect::<Vec<_>>(),
        "installs": managed || has("install"),
        "uninstalls": managed || has("uninstall"),
        "tests": has("test"),
        "payloads": origins.len(),
        "addresses": addresses,
    })
}
