//! The instance, tenants, and what git says of computers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Checker;
use super::identity::{Decided, identification};
use super::link::Mapped;
use crate::config::document::{Document, Documents};
use crate::config::kind::{
    ComputerSpec, CrossTenant, InstanceSpec, Kind, Mode, PrimaryPerson, ProviderSpec, TenantSpec,
};
use crate::config::model::{Computer, Instance, Tenant};
use crate::config::parse::RawDocument;
use crate::config::tree::ROOT_FILE;
use crate::diagnostic::{Finding, Place, code, nearest};
use crate::id::Name;
use crate::time::Limit;

/// Computers at once, unless the instance says otherwise.
const CONCURRENCY: u32 = 64;
/// How long a detection counts, unless the instance says otherwise.
const MAX_AGE: Limit = Limit::seconds(3600);

impl<'a> Checker<'a> {
    pub(super) fn instance(&mut self, documents: &'a Documents) -> Option<Instance> {
        let broken = documents.broken.iter().filter(|broken| broken.kind == Kind::Instance).map(|b| &b.raw);
        let all: Vec<_> = documents.instances.iter().map(|document| &document.raw).chain(broken).collect();
        let first = all.iter().copied().find(|raw| &*raw.file == ROOT_FILE);
        match (first, all.first()) {
            (Some(first), _) => {
                for raw in all.iter().filter(|raw| !Arc::ptr_eq(&raw.node, &first.node)) {
                    let finding = Finding::new(
                        code::SECOND_INSTANCE,
                        "the repository has another Instance document",
                        raw.origin(),
                    );
                    self.push(finding.related(first.origin(), "this is the one").help("delete one of them"));
                }
            }
            (None, Some(elsewhere)) => {
                let message = format!("the Instance document stands in `{}`", elsewhere.file);
                let finding = Finding::new(code::NO_INSTANCE, message, elsewhere.origin());
                self.push(finding.help(format!("move it to {ROOT_FILE} at the root of the repository")));
            }
            // A root file that cannot be read has findings of its own.
            (None, None) if self.around.root_is_broken => {}
            (None, None) => {
                let finding = match self.around.tree.get(ROOT_FILE) {
                    Some(_) => {
                        let message = format!("{ROOT_FILE} holds no document of kind Instance");
                        Finding::new(code::NO_INSTANCE, message, Place::file(&Arc::from(ROOT_FILE)))
                    }
                    None => {
                        Finding::without_place(code::NO_INSTANCE, format!("there is no {ROOT_FILE} here"))
                    }
                };
                self.push(finding.help("`muster init` writes one"));
            }
        }
        let document = documents.instances.iter().find(|document| &*document.raw.file == ROOT_FILE)?;
        self.begin(document);
        Some(self.settings(document))
    }

    fn settings(&mut self, document: &'a Document<InstanceSpec>) -> Instance {
        let Document { raw, metadata, spec, .. } = document;
        self.within(raw, "/spec/concurrency", spec.concurrency, 1, 10_000);
        if let Some(zone) = &spec.time_zone {
            self.time_zone(raw, "/spec/timeZone", zone);
        }
        if let Some(state) = &spec.state {
            self.not_empty(raw, "/spec/state/sqlite", &state.sqlite);
        }
        if let Some(remote) = &spec.remote {
            self.not_empty(raw, "/spec/remote/role", remote.role.trim());
        }
        self.fetcher = spec.payloads.as_ref().map(|payloads| payloads.fetch).unwrap_or_default();
        self.libraries = self.library_settings(document);
        let sources = self.believing(raw, spec.sources.as_ref());
        Instance {
            metadata: metadata.clone(),
            place: document.place(),
            mode: spec.mode.unwrap_or(Mode::Enforce),
            time_zone: spec.time_zone.clone().unwrap_or_else(|| "UTC".to_owned()),
            concurrency: spec.concurrency.unwrap_or(CONCURRENCY),
            max_age: spec.detection.as_ref().and_then(|detection| detection.max_age).unwrap_or(MAX_AGE),
            sources,
            identification: identification(spec),
            sqlite: spec.state.as_ref().map(|state| state.sqlite.clone()),
            libraries: self.libraries.clone(),
            role: spec.remote.as_ref().map(|remote| remote.role.clone()),
        }
    }

    /// The bundled time zones decide, so that the answer is the same on every machine.
    pub(super) fn time_zone(&mut self, raw: &RawDocument, pointer: &str, zone: &str) {
        let zones = jiff::tz::TimeZoneDatabase::bundled();
        if zones.get(zone).is_ok() {
            return;
        }
        let message = format!("there is no time zone {zone:?}");
        let finding = Finding::new(code::INVALID_VALUE, message, raw.place(pointer));
        let known: Vec<String> = zones.available().map(|name| name.to_string()).collect();
        let city =
            |name: &&String| name.rsplit_once('/').is_some_and(|(_, city)| city.eq_ignore_ascii_case(zone));
        let near = known.iter().find(city).map(String::as_str);
        let near = near.or_else(|| nearest(zone, known.iter().map(String::as_str)));
        self.push(match near {
            Some(near) => finding.help(format!("did you mean `{near}`?")),
            None => finding.help("write the IANA name, such as Europe/Berlin"),
        });
    }

    pub(super) fn tenants(
        &mut self,
        documents: &'a [Document<TenantSpec>],
        providers: &'a [Document<ProviderSpec>],
    ) -> BTreeMap<Name, Tenant> {
        let mut tenants = BTreeMap::new();
        let mut mapped = Mapped::new();
        let mut edges = Vec::new();
        for document in documents {
            self.begin(document);
            self.hold(&document.raw, document.spec.hold.as_ref());
            if let Some(parent) = &document.spec.parent {
                self.reference(&document.raw, "/spec/parent", Kind::Tenant, parent);
                edges.push((document.name(), document.raw.place("/spec/parent"), vec![parent]));
            }
            self.tenant_links(&document.raw, &document.spec);
            let clients = self.clients(document, providers, &mut mapped);
            tenants.entry(document.name().clone()).or_insert_with(|| Tenant {
                metadata: document.metadata.clone(),
                place: document.place(),
                parent: document.spec.parent.clone(),
                directory: document.spec.directory.clone(),
                psa: document.spec.psa.clone(),
                clients,
                tags: tidy(&document.spec.tags),
                mode: document.spec.mode.unwrap_or(Mode::Enforce),
                cross_tenant: document.spec.cross_tenant.unwrap_or(CrossTenant::Include),
                reboot: document.spec.reboot.unwrap_or_default(),
                hold: document.spec.hold.clone(),
            });
        }
        self.begin_all();
        self.no_cycles("Tenant", "belongs to", edges);
        tenants
    }

    pub(super) fn computers(
        &mut self,
        documents: &'a [Document<ComputerSpec>],
        providers: &'a [Document<ProviderSpec>],
    ) -> BTreeMap<Name, Computer> {
        let mut computers = BTreeMap::new();
        let mut decided = Decided::new();
        let mut seen: BTreeMap<(String, Option<&Name>), Place> = BTreeMap::new();
        for document in documents {
            self.begin(document);
            let Document { raw, metadata, spec, .. } = document;
            if let Some(name) = &spec.name {
                self.not_empty(raw, "/spec/name", name);
            }
            if let Some(provider) = &spec.provider {
                self.reference(raw, "/spec/provider", Kind::Provider, provider);
            }
            self.optional_tenant(raw, "/spec/tenant", spec.tenant.as_ref());
            if let Some(PrimaryPerson::Fixed(upn)) = &spec.primary_person {
                self.not_empty(raw, "/spec/primaryPerson/fixed", upn);
            }
            self.identity(document, providers, &mut decided);
            let name = spec.name.clone().unwrap_or_else(|| metadata.name.to_string());
            let place = document.place();
            let key = (name.to_lowercase(), spec.provider.as_ref());
            if !document.is_sound || computers.contains_key(&metadata.name) {
                continue;
            }
            // Clones have one name.
            let is_alone = spec.identity.is_some();
            if let Some(first) = seen.get(&key).filter(|_| !is_alone) {
                let message = format!("two documents are about the computer `{name}`");
                let finding = Finding::new(code::SETTING, message, place.clone());
                self.push(
                    finding
                        .related(first.clone(), "the other one")
                        .help("put both into one, or name the provider of each"),
                );
            } else if !is_alone {
                seen.insert(key, place.clone());
            }
            computers.insert(
                metadata.name.clone(),
                Computer {
                    metadata: metadata.clone(),
                    place,
                    name,
                    provider: spec.provider.clone(),
                    tenant: spec.tenant.clone(),
                    tags: tidy(&spec.tags),
                    primary_person: spec.primary_person.clone().unwrap_or_default(),
                    onboarded: spec.onboarded,
                    mode: spec.mode.unwrap_or(Mode::Enforce),
                    reboot: spec.reboot.unwrap_or_default(),
                    excluded: spec.excluded,
                    identity: spec.identity.clone(),
                    replaces: spec.replaces.clone(),
                },
            );
        }
        computers
    }
}
/// Tags as they count: selectors have no blanks around theirs.
fn tidy(tags: &BTreeSet<String>) -> BTreeSet<String> {
    tags.iter().map(|tag| tag.trim().to_owned()).filter(|tag| !tag.is_empty()).collect()
}
