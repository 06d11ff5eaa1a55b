//! Building a snapshot: what git says of computers is laid over what providers say.
//!
//! Not here: filling the columns (`columns`).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::find::folded;
use super::intern::Table;
use super::kept::{Keeper, Kept};
use super::{Computer, Snapshot};
use crate::config::kind::Mode;
use crate::config::{Config, model};
use crate::diagnostic::{Finding, Findings, code, nearest};
use crate::id::Name;
use crate::inventory::facts::OsFamily;
use crate::inventory::known::{AgentKey, Contact, Known};
use crate::session::script::Platform;

/// What the configuration said when a snapshot was built, as far as it went into it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Said {
    mode: Option<Mode>,
    tenants: BTreeMap<Name, model::Tenant>,
    computers: BTreeMap<Name, model::Computer>,
    providers: BTreeSet<Name>,
}

impl Said {
    pub(super) fn of(config: &Config) -> Self {
        Self {
            mode: Some(config.instance.mode),
            tenants: config.tenants.clone(),
            computers: config.computers.clone(),
            providers: config.providers.keys().cloned().collect(),
        }
    }
}

impl Snapshot {
    /// Builds the snapshot of `known`, of which each is used up before the next is asked for. `failed` names the
    /// providers whose list failed, with the reason; their last good computers belong into `known` (L3). Of computers
    /// with the same id the first one counts.
    ///
    /// The findings: `Computer` documents that fit no computer (M0705) or several, which then apply to none (M0409), and
    /// tenants that a provider names and nobody declares (M0302), whose computers then have no tenant.
    #[must_use]
    pub fn build(
        config: &Config,
        known: impl IntoIterator<Item = Known>,
        failed: BTreeMap<Name, String>,
    ) -> (Self, Findings) {
        let mut findings = Findings::new();
        let mut shared = Shared::default();
        let mut computers: Vec<Computer> = known.into_iter().map(|known| shared.take(known)).collect();
        computers.sort_by(|a, b| a.id.cmp(&b.id));
        computers.dedup_by(|later, first| later.id == first.id);
        // Indexes are 32 bits wide; more computers than that cannot be held in memory anyway.
        computers.truncate(u32::MAX as usize);
        computers.shrink_to_fit();

        let documents = documents(config, &computers, &failed, &mut findings);
        let modes: BTreeMap<&Name, Mode> =
            config.tenants.keys().map(|tenant| (tenant, tenant_mode(config, tenant))).collect();
        let mut undeclared: BTreeMap<(Name, Name), usize> = BTreeMap::new();
        for (ix, computer) in (0_u32..).zip(&mut computers) {
            merge(computer, documents.get(&ix).copied(), config, &modes, &mut shared.tags, &mut undeclared);
        }
        for ((provider, tenant), count) in undeclared {
            findings.push(undeclared_tenant(config, &provider, &tenant, count));
        }
        findings.sort();

        let inventory = shared.keeper.packages();
        let (said, trees) = (Said::of(config), trees(config));
        let mut snapshot = Self { computers, said, trees, inventory, failed, ..Self::default() };
        snapshot.fill(config);
        (snapshot, findings)
    }
}

/// What computers have in common, kept once.
#[derive(Debug, Default)]
struct Shared {
    names: Table<Name>,
    tags: Table<BTreeSet<String>>,
    contacts: Table<Contact>,
    keeper: Keeper,
}

impl Shared {
    /// A computer as its provider says.
    fn take(&mut self, known: Known) -> Computer {
        let Known {
            id,
            name,
            provider,
            agent,
            tenant,
            agents,
            onboarding,
            platform,
            tags,
            facts,
            contact,
            ..
        } = known;
        let mut one = |name: Name| Name::clone(&self.names.shared(name));
        Computer {
            id,
            name,
            provider: one(provider),
            agent,
            tenant: tenant.map(one),
            platform,
            tags: self.tags.shared(tags),
            facts: facts.map(|(at, facts)| Box::new(self.keeper.keep(at, facts))),
            contact: self.contacts.shared(contact),
            mode: Mode::Enforce,
            excluded: false,
            document: None,
            onboarding,
            routes: agents,
        }
    }
}

/// The `Computer` document of each computer that has one.
fn documents<'a>(
    config: &'a Config,
    known: &[Computer],
    failed: &BTreeMap<Name, String>,
    findings: &mut Findings,
) -> BTreeMap<u32, &'a model::Computer> {
    let at = |ix: u32| known.get(usize::try_from(ix).ok()?);
    let mut taken: BTreeMap<u32, &model::Computer> = BTreeMap::new();
    let mut by_name: HashMap<Box<str>, Vec<u32>> =
        config.computers.values().map(|document| (folded(&document.name), Vec::new())).collect();
    if !by_name.is_empty() {
        for (ix, computer) in (0..).zip(known) {
            if let Some(found) = by_name.get_mut(&folded(&computer.name)) {
                found.push(ix);
            }
        }
    }
    let by_agent = by_agent(config, known);
    for document in config.computers.values() {
        if let Some(identity) = &document.identity {
            let mut found = identity.agents.iter().filter_map(|key| by_agent.get(key).copied());
            match found.next() {
                Some(ix) => _ = taken.insert(ix, document),
                None if failed.is_empty() => findings.push(not_decided(document)),
                None => {}
            }
            continue;
        }
        let named = by_name.get(&folded(&document.name)).into_iter().flatten().copied();
        let fits = |ix: &u32| {
            let wanted = document.provider.as_ref();
            at(*ix).is_some_and(|computer| wanted.is_none_or(|provider| *provider == computer.provider))
        };
        let found: Vec<u32> = named.filter(fits).collect();
        match found.as_slice() {
            [] => {
                // What a failed source last said may be less than what it knows; then nothing is wrong yet (L3).
                let silent =
                    document.provider.as_ref().map_or(!failed.is_empty(), |name| failed.contains_key(name));
                if !silent {
                    findings.push(not_found(document, known));
                }
            }
            [one] => {
                if let Some(first) = taken.get(one) {
                    findings.push(
                        Finding::new(
                            code::SETTING,
                            format!("a second Computer document for {}", document.name),
                            document.place.clone(),
                        )
                        .related(first.place.clone(), "the first one, which applies")
                        .help("put all that is said of a computer into one document"),
                    );
                } else {
                    taken.insert(*one, document);
                }
            }
            several => {
                let ids: Vec<&str> =
                    several.iter().filter_map(|ix| at(*ix)).map(|c| c.id.as_str()).take(10).collect();
                findings.push(
                    Finding::new(
                        code::SETTING,
                        format!("several computers are called {}, so this applies to none", document.name),
                        document.place.clone(),
                    )
                    .label(ids.join(", "))
                    .help("name the provider, or give the computers different names"),
                );
            }
        }
    }
    taken
}

/// The computers of the agents that git decided of.
fn by_agent<'a>(config: &'a Config, known: &[Computer]) -> BTreeMap<&'a AgentKey, u32> {
    let decided = config.computers.values().filter_map(|document| document.identity.as_ref());
    let wanted: BTreeSet<&AgentKey> = decided.flat_map(|identity| &identity.agents).collect();
    let mut found = BTreeMap::new();
    if wanted.is_empty() {
        return found;
    }
    for (ix, computer) in (0..).zip(known) {
        for route in computer.routes() {
            if let Some(key) = wanted.get(&route.key) {
                found.insert(*key, ix);
            }
        }
    }
    found
}

/// A decision about agents none of which is on a computer.
fn not_decided(document: &model::Computer) -> Finding {
    let message = format!("no agent of {} is on a computer that is listed", document.name);
    Finding::new(code::COMPUTER_NOT_FOUND, message, document.place.clone())
        .help("`muster identify` lists the agents that wait; a decision about agents that are gone can be taken out")
}

fn not_found(document: &model::Computer, known: &[Computer]) -> Finding {
    let of = document.provider.as_ref();
    let message = match of {
        Some(provider) => format!("provider {provider} lists no computer called {}", document.name),
        None => format!("no provider lists a computer called {}", document.name),
    };
    let finding = Finding::new(code::COMPUTER_NOT_FOUND, message, document.place.clone());
    let names = known
        .iter()
        .filter(|computer| of.is_none_or(|provider| *provider == computer.provider))
        .map(|computer| computer.name.as_str());
    match nearest(&document.name, names) {
        Some(name) => finding.help(format!("did you mean {name}?")),
        None => finding,
    }
}

/// Lays what git says over what is known.
fn merge(
    computer: &mut Computer,
    document: Option<&model::Computer>,
    config: &Config,
    modes: &BTreeMap<&Name, Mode>,
    tags: &mut Table<BTreeSet<String>>,
    undeclared: &mut BTreeMap<(Name, Name), usize>,
) {
    if let Some(tenant) = document.and_then(|document| document.tenant.as_ref()) {
        computer.tenant = Some(tenant.clone());
    }
    let most = computer.tenant.as_ref().map(|tenant| (tenant, modes.get(tenant).copied()));
    computer.mode = config.instance.mode;
    match most {
        None => {}
        Some((_, Some(most))) => computer.mode = computer.mode.min(most),
        Some((tenant, None)) => {
            *undeclared.entry((computer.provider.clone(), tenant.clone())).or_default() += 1;
            computer.tenant = None;
        }
    }
    if let Some(document) = document {
        computer.mode = computer.mode.min(document.mode);
        computer.excluded = document.excluded;
        computer.document = Some(document.metadata.name.clone());
        if !document.tags.is_subset(&computer.tags) {
            computer.tags = tags.shared(computer.tags.union(&document.tags).cloned().collect());
        }
    }
    computer.platform = computer.platform.or_else(|| {
        let facts: &Kept = computer.facts.as_ref()?;
        Some(match facts.common.family()? {
            OsFamily::Windows => Platform::Windows,
            _ => Platform::Posix,
        })
    });
}

fn undeclared_tenant(config: &Config, provider: &Name, tenant: &Name, count: usize) -> Finding {
    let computers = if count == 1 { "1 computer".to_owned() } else { format!("{count} computers") };
    let message =
        format!("provider {provider} puts {computers} into tenant {tenant}, which is declared nowhere");
    let finding = match config.providers.get(provider) {
        Some(document) => Finding::new(code::UNKNOWN_REFERENCE, message, document.place.clone()),
        None => Finding::without_place(code::UNKNOWN_REFERENCE, message),
    };
    match nearest(tenant.as_str(), config.tenants.keys().map(Name::as_str)) {
        Some(name) => finding.help(format!("did you mean {name}?")),
        None => finding.help(format!("declare it: a Tenant document with the name {tenant}")),
    }
}

/// A tenant and those above it, nearest first. Ends even if they go round in a circle, which `config::check` refuses.
fn ancestors<'a>(config: &'a Config, tenant: &'a Name) -> Vec<&'a Name> {
    let mut chain = Vec::new();
    let mut next = Some(tenant);
    while let Some(name) = next
        && !chain.contains(&name)
    {
        chain.push(name);
        next = config.tenants.get(name).and_then(|tenant| tenant.parent.as_ref());
    }
    chain
}

/// The most cautious mode of a tenant and those above it.
fn tenant_mode(config: &Config, tenant: &Name) -> Mode {
    let chain = ancestors(config, tenant);
    chain
        .into_iter()
        .filter_map(|name| config.tenants.get(name))
        .map(|t| t.mode)
        .min()
        .unwrap_or(Mode::Enforce)
}

/// Each tenant with all those below it.
fn trees(config: &Config) -> BTreeMap<Name, BTreeSet<Name>> {
    let mut trees: BTreeMap<Name, BTreeSet<Name>> = BTreeMap::new();
    for tenant in config.tenants.keys() {
        for above in ancestors(config, tenant) {
            trees.entry(above.clone()).or_default().insert(tenant.clone());
        }
    }
    trees
}
