//! Providers: tenants exist, files are there, numbers make sense.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Checker;
use crate::config::document::{Document, Documents};
use crate::config::kind::{Kind, ProviderSpec, SimulatedSpec, SshJump, SshSpec};
use crate::config::model::Provider;
use crate::config::parse::RawDocument;
use crate::config::tree::{ReadError, Resolved};
use crate::diagnostic::{Finding, Place, code};
use crate::id::Name;

/// The most computers or hosts that are worked on at once.
const MAX_CONCURRENCY: u32 = 10_000;

impl<'a> Checker<'a> {
    pub(super) fn providers(&mut self, documents: &'a [Document<ProviderSpec>]) -> BTreeMap<Name, Provider> {
        let mut providers = BTreeMap::new();
        for document in documents {
            self.begin(document);
            let raw = &document.raw;
            let mut files = BTreeMap::new();
            let mut data = |checker: &mut Self, pointer: &str, path: &Option<String>| {
                let Some(path) = path else { return };
                if let Some(text) = checker.data_file(raw, pointer, path) {
                    files.insert(path.clone(), text);
                }
            };
            match &document.spec {
                ProviderSpec::Local(local) => {
                    if let Some(computer) = &local.computer {
                        self.not_empty(raw, "/spec/local/computer", computer);
                    }
                    self.optional_tenant(raw, "/spec/local/tenant", local.tenant.as_ref());
                }
                ProviderSpec::Ssh(ssh) => {
                    data(self, "/spec/ssh/inventory", &ssh.inventory);
                    self.ssh(raw, ssh);
                }
                ProviderSpec::Simulated(simulated) => {
                    data(self, "/spec/simulated/fleet", &simulated.fleet);
                    self.simulated(raw, simulated);
                }
                ProviderSpec::Screenconnect(spec) => self.screenconnect(raw, spec),
                ProviderSpec::Automate(spec) => self.automate(raw, spec),
                ProviderSpec::ConnectwiseRmm(spec) => self.connectwise_rmm(raw, spec),
            }
            self.link(raw, &document.spec, &mut files);
            providers.entry(document.name().clone()).or_insert_with(|| Provider {
                metadata: document.metadata.clone(),
                place: document.place(),
                spec: document.spec.clone(),
                files,
            });
        }
        providers
    }

    pub(super) fn optional_tenant(&mut self, raw: &RawDocument, pointer: &str, tenant: Option<&Name>) {
        if let Some(tenant) = tenant {
            self.reference(raw, pointer, Kind::Tenant, tenant);
        }
    }

    fn ssh(&mut self, raw: &RawDocument, ssh: &SshSpec) {
        self.within(raw, "/spec/ssh/port", ssh.port, 1, u16::MAX);
        self.within(raw, "/spec/ssh/concurrency", ssh.concurrency, 1, MAX_CONCURRENCY);
        self.jump(raw, "/spec/ssh/jump", ssh.jump.as_ref());
        self.optional_tenant(raw, "/spec/ssh/tenant", ssh.tenant.as_ref());
        let mut names: BTreeMap<String, Place> = BTreeMap::new();
        for (at, host) in ssh.hosts.iter().enumerate() {
            let pointer = format!("/spec/ssh/hosts/{at}");
            let name = format!("{pointer}/name");
            if self.not_empty(raw, &name, &host.name) {
                let place = raw.place(&name);
                if let Some(first) = names.get(&host.name.to_lowercase()) {
                    let message = format!("the host `{}` is listed twice", host.name);
                    let finding = Finding::new(code::SETTING, message, place);
                    self.push(
                        finding
                            .related(first.clone(), "it is listed here first")
                            .help("give each host a name of its own; `address` says where to connect to"),
                    );
                } else {
                    names.insert(host.name.to_lowercase(), place);
                }
            }
            self.within(raw, &format!("{pointer}/port"), host.port, 1, u16::MAX);
            self.jump(raw, &format!("{pointer}/jump"), host.jump.as_ref());
            self.optional_tenant(raw, &format!("{pointer}/tenant"), host.tenant.as_ref());
        }
    }

    fn jump(&mut self, raw: &RawDocument, pointer: &str, jump: Option<&SshJump>) {
        if let Some(jump) = jump {
            self.not_empty(raw, &format!("{pointer}/address"), &jump.address);
            self.within(raw, &format!("{pointer}/port"), jump.port, 1, u16::MAX);
        }
    }

    fn simulated(&mut self, raw: &RawDocument, simulated: &SimulatedSpec) {
        self.within(raw, "/spec/simulated/concurrency", simulated.concurrency, 1, MAX_CONCURRENCY);
        if let Some(path) = &simulated.memory {
            let pointer = "/spec/simulated/memory";
            // It need not be there yet.
            if self.not_empty(raw, pointer, path)
                && self.around.tree.resolve(&raw.file, path) == Resolved::Leaves
            {
                let message = format!("{path:?} leads out of the repository");
                self.report(code::LEAVES_REPOSITORY, message, raw.place(pointer));
            }
        }
        let Some(generate) = &simulated.generate else { return };
        let pointer = "/spec/simulated/generate";
        self.within(raw, &format!("{pointer}/computers"), Some(generate.computers), 1, 2_000_000);
        self.not_empty_list(raw, &format!("{pointer}/tenants"), &generate.tenants);
        let tenants = generate.tenants.iter().enumerate();
        for (at, tenant) in tenants.filter(|_| !simulated.clients) {
            self.reference(raw, &format!("{pointer}/tenants/{at}"), Kind::Tenant, tenant);
        }
        for (task, percentage) in &generate.compliant {
            self.within(raw, &format!("{pointer}/compliant/{task}"), Some(*percentage), 0, 100);
        }
    }

    /// The text of a file that a provider or a source reads for itself.
    pub(super) fn data_file(&mut self, raw: &RawDocument, pointer: &str, path: &str) -> Option<Arc<str>> {
        let file = self.file(raw, pointer, path)?;
        let message = match self.around.files.get(&file) {
            Some(Ok(bytes)) => match str::from_utf8(bytes) {
                Ok(text) => return Some(Arc::from(text.strip_prefix('\u{feff}').unwrap_or(text))),
                Err(_) => format!("`{file}` is not UTF-8 text"),
            },
            Some(Err(ReadError::TooLarge(size))) => {
                let message = format!("`{file}` has {size} bytes, which is more than is read");
                self.report(code::TOO_LARGE, message, raw.place(pointer));
                return None;
            }
            Some(Err(error)) => format!("`{file}` cannot be read: {error}"),
            None => format!("`{file}` was not read"),
        };
        self.report(code::FILE_UNREADABLE, message, raw.place(pointer));
        None
    }
}

/// The files that providers read for themselves: the file that names each, and the path as written. They are no
/// configuration, even if they end in .yaml.
pub fn data_files(documents: &Documents) -> impl Iterator<Item = (&Arc<str>, &str)> {
    let of_providers = documents.providers.iter().filter_map(|document| {
        let path = match &document.spec {
            ProviderSpec::Ssh(ssh) => ssh.inventory.as_deref(),
            ProviderSpec::Simulated(simulated) => simulated.fleet.as_deref(),
            ProviderSpec::Local(_) => None,
            other => other.link().and_then(|link| link.ca.as_deref()),
        };
        Some((&document.raw.file, path?))
    });
    of_providers.chain(super::source::data_files(documents))
}

/// The files that providers write, likewise. They are no part of the revision.
pub fn memory_files(documents: &Documents) -> impl Iterator<Item = (&Arc<str>, &str)> {
    documents.providers.iter().filter_map(|document| match &document.spec {
        ProviderSpec::Simulated(simulated) => Some((&document.raw.file, simulated.memory.as_deref()?)),
        _ => None,
    })
}
