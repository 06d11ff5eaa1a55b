//! Policies and packages: references hold, what policies need can be deployed, and policies of one site agree.
//!
//! Not here: what several policies come to (`remote::effective`), and which deployments that makes (`remote::expand`).

use std::collections::{BTreeMap, BTreeSet};

use super::Checker;
use super::deployment::{Known, Written};
use crate::config::document::{Document, Documents};
use crate::config::kind::{Kind, Metadata, Mode, PackageSpec, ParameterValue, PolicyEntry, PolicySpec};
use crate::config::model::{Assigned, Deployment, Layer, Needed, Package, Policy, RemoteAccess, Said};
use crate::config::parse::RawDocument;
use crate::diagnostic::{Finding, code};
use crate::id::Name;
use crate::remote::effective::Origin;
use crate::remote::expand::{Clash, Entry, Knob, Made, expand};
use crate::remote::folded;

const SETTINGS: &str = "/spec/remoteAccess";

impl<'a> Checker<'a> {
    /// Everything about remote access; the deployments of policies are added to the others.
    pub(super) fn remote_access(
        &mut self,
        documents: &'a Documents,
        known: &Known<'_, 'a>,
        deployments: &mut BTreeMap<Name, Deployment>,
    ) -> RemoteAccess {
        let mut remote = RemoteAccess::default();
        let mut entries: BTreeMap<Name, Vec<Entry>> = BTreeMap::new();
        for document in &documents.policies {
            self.begin(document);
            let policy = self.policy(document);
            let own = self.policy_entries(document, known);
            let name = document.name();
            // Of several of one name the first counts; that there are several is told.
            entries.entry(name.clone()).or_insert(own);
            remote.policies.entry(name.clone()).or_insert(policy);
        }
        for document in &documents.packages {
            self.begin(document);
            let package = self.package(document);
            remote.packages.entry(document.name().clone()).or_insert(package);
        }
        self.begin_all();
        let (made, clashes) = expand(&remote, &entries);
        for clash in &clashes {
            self.push(told(clash));
        }
        let documents: BTreeMap<&Name, &'a Document<PolicySpec>> =
            documents.policies.iter().rev().map(|document| (document.name(), document)).collect();
        let made: Vec<(Name, Needed, Deployment)> = made
            .iter()
            .filter_map(|made| self.made(made, documents.get(made.policy)?, deployments))
            .collect();
        for (name, needed, deployment) in made {
            remote.deployments.insert(name.clone(), needed);
            deployments.insert(name, deployment);
        }
        remote
    }

    fn policy(&mut self, document: &'a Document<PolicySpec>) -> Policy {
        let Document { raw, metadata, spec, .. } = document;
        let settings = &spec.remote_access;
        self.reference(raw, &format!("{SETTINGS}/provider"), Kind::Provider, &settings.provider);
        if let Some(roles) = &settings.roles {
            self.roles(raw, roles);
        }
        let roles =
            settings.roles.as_ref().map(|roles| roles.iter().map(|role| role.trim().to_owned()).collect());
        Policy {
            metadata: metadata.clone(),
            place: document.place(),
            provider: said(raw, "provider", settings.provider.clone()),
            consent: settings.consent.map(|value| said(raw, "consent", value)),
            agent_auto_update: settings.agent_auto_update.map(|value| said(raw, "agentAutoUpdate", value)),
            notification_balloon: settings
                .notification_balloon
                .map(|value| said(raw, "notificationBalloon", value)),
            roles: roles.map(|value: BTreeSet<String>| said(raw, "roles", value)),
        }
    }

    fn roles(&mut self, raw: &RawDocument, roles: &[String]) {
        let pointer = format!("{SETTINGS}/roles");
        self.not_empty_list(raw, &pointer, roles);
        let mut seen = BTreeSet::new();
        for (at, role) in roles.iter().enumerate() {
            let pointer = format!("{pointer}/{at}");
            if self.not_empty(raw, &pointer, role.trim()) && !seen.insert(folded(role)) {
                self.report(code::SETTING, format!("the role `{role}` is listed twice"), raw.place(&pointer));
            }
        }
    }

    /// What a policy needs, as far as it can be deployed.
    fn policy_entries(&mut self, document: &'a Document<PolicySpec>, known: &Known<'_, 'a>) -> Vec<Entry> {
        let listed = document.spec.remote_access.deployments.iter().enumerate();
        let mut names: BTreeSet<String> = BTreeSet::new();
        let mut entries = Vec::new();
        for (at, entry) in listed {
            let base = format!("{SETTINGS}/deployments/{at}");
            let Some(checked) = self.policy_entry(&document.raw, &base, entry, known) else { continue };
            if names.insert(checked.name.clone()) {
                entries.push(checked);
            } else {
                let message = format!("another entry of this policy is called `{}` already", checked.name);
                let finding = Finding::new(code::BUNDLE_ENTRY, message, checked.place);
                self.push(finding.help("give the entry a `name` of its own"));
            }
        }
        entries
    }

    fn policy_entry(
        &mut self,
        raw: &'a RawDocument,
        base: &str,
        entry: &'a PolicyEntry,
        known: &Known<'_, 'a>,
    ) -> Option<Entry> {
        let settings = self.given_settings(raw, base, entry);
        // Whichever value holds for a site, it is of this type.
        let mut parameters = entry.parameters.clone();
        parameters.extend(settings.values().map(|name| (name.clone(), ParameterValue::Boolean(true))));
        let written = Written {
            raw,
            base: base.to_owned(),
            software: entry.software.as_ref(),
            task: entry.task.as_ref(),
            state: entry.state,
            version: entry.version.as_deref(),
            mode: entry.mode,
            parameters: &parameters,
            instance: entry.instance.as_ref(),
            allow_downgrade: false,
            license: None,
            configuration: true,
        };
        let mode = entry.mode.unwrap_or(Mode::Enforce);
        let (item, desired) = self.item(&written, mode, known)?;
        let own = entry
            .instance
            .as_ref()
            .map_or_else(|| item.name.to_string(), |key| format!("{}-{key}", item.name));
        Some(Entry {
            name: entry.name.as_ref().map_or(own, ToString::to_string),
            place: raw.place(base),
            item,
            desired,
            mode,
            parameters: self.with_files(raw, base, &entry.parameters),
            settings,
        })
    }

    /// The parameters that get settings: each once, and none that is given a value too.
    fn given_settings(
        &mut self,
        raw: &RawDocument,
        base: &str,
        entry: &PolicyEntry,
    ) -> BTreeMap<Knob, String> {
        let Some(settings) = &entry.settings else { return BTreeMap::new() };
        let base = format!("{base}/settings");
        let all = [
            ("consent", Knob::Consent, &settings.consent),
            ("agentAutoUpdate", Knob::AgentAutoUpdate, &settings.agent_auto_update),
            ("notificationBalloon", Knob::NotificationBalloon, &settings.notification_balloon),
        ];
        let keys = all.map(|(key, _, name)| (key, name.is_some()));
        self.at_least_one(raw, &base, &keys);
        let mut taken: BTreeSet<&str> = entry.parameters.keys().map(String::as_str).collect();
        let mut given = BTreeMap::new();
        for (key, knob, name) in all {
            let Some(name) = name else { continue };
            let pointer = format!("{base}/{key}");
            if !taken.insert(name) {
                let message = format!("the parameter `{name}` is given two values");
                let finding = Finding::new(code::SETTING, message, raw.place(&pointer));
                self.push(finding.help("a parameter that gets a setting stands nowhere else in the entry"));
                continue;
            }
            given.insert(knob, name.clone());
        }
        given
    }

    fn package(&mut self, document: &'a Document<PackageSpec>) -> Package {
        let Document { raw, metadata, spec, .. } = document;
        if let Some(folder) = self.in_library(raw).map(|library| library.folder.clone()) {
            let message = format!("the Package `{}` stands in the library `{folder}`", metadata.name);
            let finding = Finding::new(code::LIBRARY_PACKAGE, message, document.place());
            self.push(
                finding
                    .help("which sites get it is said by the repository itself: move it out of the library"),
            );
        }
        self.not_empty_list(raw, "/spec/policies", &spec.policies);
        for (at, policy) in spec.policies.iter().enumerate() {
            self.reference(raw, &format!("/spec/policies/{at}"), Kind::Policy, policy);
        }
        let mut assigned: Vec<Assigned> = Vec::new();
        for (at, site) in spec.assigned.iter().enumerate() {
            let pointer = format!("/spec/assigned/{at}");
            self.reference(raw, &format!("{pointer}/tenant"), Kind::Tenant, &site.tenant);
            if let Some(site) = &site.site {
                self.not_empty(raw, &format!("{pointer}/site"), site.trim());
            }
            let next =
                Assigned { tenant: site.tenant.clone(), site: site.site.clone(), place: raw.place(&pointer) };
            let is_same = |other: &&Assigned| {
                other.tenant == next.tenant
                    && other.site.as_deref().map(folded) == next.site.as_deref().map(folded)
            };
            if let Some(first) = assigned.iter().find(is_same).map(|other| other.place.clone()) {
                let finding = Finding::new(code::SETTING, "this site is listed twice", next.place);
                self.push(finding.related(first, "it is listed here first").help("take one of them out"));
                continue;
            }
            assigned.push(next);
        }
        Package {
            metadata: metadata.clone(),
            place: document.place(),
            policies: spec.policies.iter().cloned().collect(),
            assigned,
        }
    }

    /// The deployment of an entry, with its name and what it is to its policy.
    fn made(
        &mut self,
        made: &Made<'_>,
        document: &'a Document<PolicySpec>,
        others: &BTreeMap<Name, Deployment>,
    ) -> Option<(Name, Needed, Deployment)> {
        let place = made.entry.place.clone();
        let Ok(name) = Name::new(&made.name) else {
            let message =
                format!("the deployment of this entry would be called `{}`, which is too long", made.name);
            let finding = Finding::new(code::BUNDLE_ENTRY, message, place);
            self.push(finding.help("give the entry a shorter `name`, or the policies shorter ones"));
            return None;
        };
        if let Some(other) = others.get(&name) {
            let message = format!("another deployment is called `{name}` already");
            let finding = Finding::new(code::BUNDLE_ENTRY, message, place);
            self.push(
                finding.related(other.place.clone(), "this one").help("give the entry a `name` of its own"),
            );
            return None;
        }
        let metadata = &document.metadata;
        let title = metadata.title.as_ref().map(|title| format!("{title}: {}", made.entry.item.name));
        let deployment = Deployment {
            metadata: Metadata { name: name.clone(), title, ..metadata.clone() },
            place,
            item: made.entry.item.clone(),
            desired: made.entry.desired.clone(),
            mode: made.entry.mode,
            target: None,
            expression: made.expression.clone(),
            parameters: made.parameters.clone(),
            license: None,
            configured: true,
            priority: 0,
            enabled: true,
            enforcement: crate::config::kind::Enforcement::Required,
            hold: None,
            // A package of the repository itself gave it to its sites.
            layer: Layer::Local,
            bundle: None,
        };
        let asks = made.entry.settings.get(&Knob::Consent).and_then(|name| made.parameters.get(name));
        let asks = asks == Some(&ParameterValue::Boolean(true));
        Some((name, Needed { policy: made.policy.clone(), asks }, deployment))
    }
}

fn said<T>(raw: &RawDocument, key: &str, value: T) -> Said<T> {
    Said { value, place: raw.place(&format!("{SETTINGS}/{key}")) }
}

/// A finding about policies of one site that contradict each other.
fn told(clash: &Clash) -> Finding {
    let by = |origin: &Origin| format!("the policy `{}` (package `{}`)", origin.policy, origin.package);
    match clash {
        Clash::Setting(conflict) => {
            let (first, second) = (&conflict.first, &conflict.second);
            let message =
                format!("{} and {} differ in `{}` for one site", by(first), by(second), conflict.setting);
            let finding = Finding::new(code::POLICY_CONFLICT, message, second.place.clone());
            finding.related(first.place.clone(), "the other one says this").help(match conflict.setting {
                "roles" => "name at least one role in both, or give the site one of them only",
                _ => "let both say the same, or give the site one of them only",
            })
        }
        Clash::Item { item, first, second } => {
            let message = if first.0 == second.0 {
                format!("the policy `{}` wants `{}` in two ways", first.0, item.name)
            } else {
                let names = (&first.0, &second.0);
                format!(
                    "the policies `{}` and `{}` of one site want `{}` in different ways",
                    names.0, names.1, item.name
                )
            };
            let help = if first.0 == second.0 {
                "take one of them out, or give them an `instance` each"
            } else {
                "let both say the same, or give the site one of them only"
            };
            let finding = Finding::new(code::POLICY_CONFLICT, message, second.1.clone());
            finding.related(first.1.clone(), "the other one wants it so").help(help)
        }
    }
}
