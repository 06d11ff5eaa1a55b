//! Links to management systems, and the companies of theirs that tenants map.
//!
//! Invariant: no system is contacted here; whether a company exists there is found out by whoever lists it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Checker;
use crate::config::document::Document;
use crate::config::kind::{
    Account, AutomateSpec, Capability, ConnectwiseRmmSpec, Kind, LinkSettings, MaintenanceScripts,
    ProviderSpec, ScreenconnectSpec, TenantClient, TenantSpec,
};
use crate::config::parse::RawDocument;
use crate::diagnostic::{Finding, Place, code};
use crate::id::Name;

/// The most computers that are worked on at once through one link.
const MAX_CONCURRENCY: u32 = 10_000;
/// The most minutes of maintenance mode: a week.
const MAX_MINUTES: u32 = 10_080;

/// Who has which company of which provider, by id or by name: trimmed and without case.
pub(super) type Mapped = BTreeMap<(Name, &'static str, String), (Name, Place)>;

impl<'a> Checker<'a> {
    pub(super) fn screenconnect(&mut self, raw: &RawDocument, spec: &ScreenconnectSpec) {
        let at = "/spec/screenconnect";
        self.address(raw, &format!("{at}/url"), &spec.url);
        self.within(raw, &format!("{at}/companyProperty"), spec.company_property, 1, 8);
        self.within(raw, &format!("{at}/groupProperty"), spec.group_property, 1, 8);
        if let Some(group) = spec.group_property
            && group == spec.company_property.unwrap_or(1)
        {
            let place = raw.place(&format!("{at}/groupProperty"));
            let message = format!("the custom property {group} holds the customer already");
            self.push(Finding::new(code::SETTING, message, place).help("name another one, or leave it out"));
        }
        if let Some(origin) = &spec.origin {
            self.not_empty(raw, &format!("{at}/origin"), origin);
        }
        if let Some(account) = &spec.account {
            self.account(raw, &format!("{at}/account"), account);
        }
    }

    pub(super) fn automate(&mut self, raw: &RawDocument, spec: &AutomateSpec) {
        self.address(raw, "/spec/automate/url", &spec.url);
        if let Some(id) = &spec.client_id {
            self.not_empty(raw, "/spec/automate/clientId", id);
        }
        self.account(raw, "/spec/automate/account", &spec.account);
        if let Some(scripts) = &spec.maintenance_mode {
            self.maintenance_scripts(raw, "/spec/automate/maintenanceMode", scripts);
        }
    }

    /// The scripts that switch maintenance mode are two.
    fn maintenance_scripts(&mut self, raw: &RawDocument, at: &str, scripts: &MaintenanceScripts) {
        let MaintenanceScripts { begin, end, minutes } = scripts;
        self.not_empty(raw, &format!("{at}/begin"), begin);
        self.not_empty(raw, &format!("{at}/end"), end);
        self.within(raw, &format!("{at}/minutes"), *minutes, 1, MAX_MINUTES);
        if !begin.trim().is_empty() && begin.trim().eq_ignore_ascii_case(end.trim()) {
            let place = raw.place(&format!("{at}/end"));
            let finding = Finding::new(code::SETTING, "one script cannot switch both on and off", place);
            self.push(finding.help("name the script that switches maintenance mode off"));
        }
    }

    pub(super) fn connectwise_rmm(&mut self, raw: &RawDocument, spec: &ConnectwiseRmmSpec) {
        let at = "/spec/connectwise-rmm";
        if let Some(url) = &spec.url {
            self.address(raw, &format!("{at}/url"), url);
            if spec.region.is_some() {
                let place = raw.place(&format!("{at}/region"));
                let finding = Finding::new(code::SETTING, "an address of its own has no region", place);
                self.push(finding.help("leave out `region` or `url`"));
            }
        }
        self.not_empty(raw, &format!("{at}/clientId"), &spec.client_id);
        if let Some(templates) = &spec.templates {
            for (key, id) in [("windows", &templates.windows), ("posix", &templates.posix)] {
                if let Some(id) = id {
                    self.not_empty(raw, &format!("{at}/templates/{key}"), id);
                }
            }
        }
    }

    fn account(&mut self, raw: &RawDocument, at: &str, account: &Account) {
        self.not_empty(raw, &format!("{at}/user"), &account.user);
    }

    /// The common settings of a link, and its file of certificates.
    pub(super) fn link(
        &mut self,
        raw: &RawDocument,
        spec: &ProviderSpec,
        files: &mut BTreeMap<String, Arc<str>>,
    ) {
        let Some(link) = spec.link() else { return };
        let at = format!("/spec/{}/link", spec.type_name());
        let LinkSettings { concurrency, requests_per_minute, requests_at_once, proxy, ca, .. } = link;
        self.within(raw, &format!("{at}/concurrency"), *concurrency, 1, MAX_CONCURRENCY);
        self.within(raw, &format!("{at}/requestsPerMinute"), *requests_per_minute, 1, 100_000);
        self.within(raw, &format!("{at}/requestsAtOnce"), *requests_at_once, 1, 1000);
        if link.without.contains(&Capability::ListComputers) {
            let place = raw.place(&format!("{at}/without"));
            let finding = Finding::new(code::SETTING, "a link that lists no computers is of no use", place);
            self.push(finding.help("take list-computers out, or delete the provider"));
        }
        if let Some(proxy) = proxy {
            self.address(raw, &format!("{at}/proxy"), proxy);
        }
        if let Some(path) = ca
            && let Some(text) = self.data_file(raw, &format!("{at}/ca"), path)
        {
            if !text.contains("-----BEGIN CERTIFICATE-----") {
                let finding = Finding::new(
                    code::SETTING,
                    format!("`{path}` holds no certificate"),
                    raw.place(&format!("{at}/ca")),
                );
                self.push(
                    finding.help("give certificates in the PEM form, which begins with BEGIN CERTIFICATE"),
                );
            }
            files.insert(path.clone(), text);
        }
    }

    /// The companies of a tenant: their providers have companies, and no company is mapped twice.
    pub(super) fn clients(
        &mut self,
        document: &'a Document<TenantSpec>,
        providers: &'a [Document<ProviderSpec>],
        mapped: &mut Mapped,
    ) -> BTreeMap<Name, Vec<TenantClient>> {
        let raw = &document.raw;
        let mut clients = BTreeMap::new();
        for (provider, listed) in &document.spec.clients {
            let at = format!("/spec/clients/{provider}");
            if !self.key_reference(raw, &at, Kind::Provider, provider) {
                continue;
            }
            let declared = providers.iter().find(|other| other.name() == provider);
            if let Some(other) = declared.filter(|other| !other.spec.has_clients()) {
                let message = format!("{provider} lists no companies of its own");
                let finding = Finding::new(code::SETTING, message, raw.key_place(&at));
                self.push(
                    finding
                        .related(other.place(), format!("it is of the type {}", other.spec.type_name()))
                        .help("its own settings say which tenant its computers belong to"),
                );
                continue;
            }
            self.not_empty_list(raw, &at, listed);
            for (index, client) in listed.iter().enumerate() {
                self.client(raw, &format!("{at}/{index}"), (provider, client), document.name(), mapped);
            }
            clients.insert(provider.clone(), listed.clone());
        }
        clients
    }

    fn client(
        &mut self,
        raw: &RawDocument,
        at: &str,
        (provider, client): (&Name, &TenantClient),
        tenant: &Name,
        mapped: &mut Mapped,
    ) {
        for (key, text) in [("id", &client.id), ("name", &client.name)] {
            if let Some(text) = text {
                self.not_empty(raw, &format!("{at}/{key}"), text.trim());
            }
        }
        let (key, text) = match (&client.id, &client.name) {
            (Some(id), _) => ("id", id),
            (None, Some(name)) => ("name", name),
            (None, None) => {
                let finding =
                    Finding::new(code::MISSING_KEY, "a company is named by something", raw.place(at));
                return self.push(finding.help("write its `id`, or its `name` where it has no id"));
            }
        };
        let place = raw.place(&format!("{at}/{key}"));
        let key = (provider.clone(), key, text.trim().to_lowercase());
        match mapped.get(&key) {
            Some((first, other)) => {
                let message = format!("the company {text:?} of {provider} is mapped twice");
                self.push(
                    Finding::new(code::SETTING, message, place)
                        .related(other.clone(), format!("it is the tenant {first} here"))
                        .help("a company is one tenant: take one of them out"),
                );
            }
            None => _ = mapped.insert(key, (tenant.clone(), place)),
        }
    }
}
