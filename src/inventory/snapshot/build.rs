//! Building a snapshot: what git says of computers is laid over what providers say, and the columns are filled.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::OnceLock;

use roaring::RoaringBitmap;

use super::find::folded;
use super::{Column, Computer, Snapshot, Versions};
use crate::config::kind::Mode;
use crate::config::{Config, model};
use crate::diagnostic::{Finding, Findings, code, nearest};
use crate::id::Name;
use crate::inventory::facts::{FactValue, Facts, OsFamily, PackageSource};
use crate::inventory::known::Known;
use crate::session::script::Platform;

impl Snapshot {
    /// Builds the snapshot of `known`. `failed` names the providers whose list failed, with the reason; their last good
    /// computers belong into `known` (L3). Of computers with the same id the first one counts.
    ///
    /// The findings: `Computer` documents that fit no computer (M0705) or several, which then apply to none (M0409), and
    /// tenants that a provider names and nobody declares (M0302), whose computers then have no tenant.
    #[must_use]
    pub fn build(config: &Config, mut known: Vec<Known>, failed: BTreeMap<Name, String>) -> (Self, Findings) {
        let mut findings = Findings::new();
        // Records are large: the ids are sorted, and each record then moves once.
        known.sort_by_cached_key(|computer| computer.id.clone());
        known.dedup_by(|later, first| later.id == first.id);
        // Indexes are 32 bits wide; more computers than that cannot be held in memory anyway.
        known.truncate(u32::MAX as usize);

        let mut by_name: BTreeMap<Box<str>, Vec<u32>> = BTreeMap::new();
        let mut names: HashMap<Box<str>, Vec<u32>> = HashMap::with_capacity(known.len());
        for (ix, computer) in (0..).zip(&known) {
            names.entry(folded(&computer.name)).or_default().push(ix);
        }
        by_name.extend(names);

        let documents = documents(config, &known, &by_name, &failed, &mut findings);
        let modes: BTreeMap<&Name, Mode> =
            config.tenants.keys().map(|tenant| (tenant, tenant_mode(config, tenant))).collect();
        let mut undeclared: BTreeMap<(Name, Name), usize> = BTreeMap::new();
        let computers: Vec<Computer> = (0_u32..)
            .zip(known)
            .map(|(ix, known)| {
                let document = documents.get(&ix).copied();
                merge(known, document, config, &modes, &mut undeclared)
            })
            .collect();
        for ((provider, tenant), count) in undeclared {
            findings.push(undeclared_tenant(config, &provider, &tenant, count));
        }
        findings.sort();

        let mut snapshot = Self { computers, by_name, failed, trees: trees(config), ..Self::default() };
        snapshot.fill(config);
        (snapshot, findings)
    }

    /// Fills the columns from the computers.
    fn fill(&mut self, config: &Config) {
        let count = u32::try_from(self.computers.len()).unwrap_or(u32::MAX);
        self.all.insert_range(0..count);
        for column in [&mut self.tenants.known, &mut self.providers.known] {
            column.clone_from(&self.all);
        }
        for column in [&mut self.tags.known, &mut self.tenant_tags.known] {
            column.clone_from(&self.all);
        }
        self.facts = Facts::paths().iter().map(|path| (*path, OnceLock::new())).collect();

        let mut inventories = Inventories::default();
        for (ix, computer) in (0..).zip(&self.computers) {
            if let Some(tenant) = &computer.tenant {
                put(&mut self.tenants.values, tenant, ix);
            }
            put(&mut self.providers.values, &computer.provider, ix);
            for tag in &computer.tags {
                put(&mut self.tags.values, tag, ix);
            }
            if let Some(platform) = computer.platform {
                put(&mut self.platforms.values, &platform, ix);
                self.platforms.known.insert(ix);
            }
            let Some((_, facts)) = &computer.facts else { continue };
            if let Some(roles) = &facts.roles {
                self.roles.known.insert(ix);
                for role in roles {
                    put(&mut self.roles.values, role, ix);
                }
            }
            if let Some(family) = family(facts) {
                put(&mut self.families.values, &family, ix);
                self.families.known.insert(ix);
            }
            if inventory_is_known(facts) {
                self.inventory_known.insert(ix);
            }
            for package in &facts.packages {
                inventories.add(&package.name, &package.version, ix);
            }
        }
        self.packages = inventories.finish();

        for (tenant, set) in &self.tenants.values {
            for tag in config.tenants.get(tenant).into_iter().flat_map(|tenant| &tenant.tags) {
                *self.tenant_tags.values.entry(tag.clone()).or_default() |= set;
            }
        }
        for provider in self.failed.keys() {
            self.held |= self.providers.with(provider);
        }
    }

    /// The column of one fact.
    pub(super) fn fact_column(&self, path: &str) -> Column<FactValue> {
        let mut column = Column::default();
        for (ix, computer) in self.iter() {
            if let Some(value) = computer.facts.as_ref().and_then(|(_, facts)| facts.get(path)) {
                put(&mut column.values, &value, ix);
                column.known.insert(ix);
            }
        }
        column
    }
}

/// Gathers names and versions. This is where most of a snapshot's time goes, in waiting for memory: so the sets are
/// plain lists until the end, and a short version is told apart without looking at its text again.
#[derive(Default)]
struct Inventories<'a> {
    names: HashMap<&'a str, Vec<Gathered<'a>>>,
}

/// One version of a name, with its computers.
struct Gathered<'a> {
    short: Option<u64>,
    version: &'a str,
    computers: Vec<u32>,
}

/// The bytes of a text of at most eight; no two such texts without NUL bytes have the same.
fn short(text: &str) -> Option<u64> {
    let mut bytes = [0; 8];
    bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
    (!text.contains('\0')).then_some(u64::from_le_bytes(bytes))
}

impl<'a> Inventories<'a> {
    /// Adds an entry; indexes have to come in ascending order.
    fn add(&mut self, name: &'a str, version: &'a str, ix: u32) {
        let versions = self.names.entry(name).or_default();
        let short = short(version);
        let same =
            |known: &&mut Gathered<'_>| known.short == short && (short.is_some() || known.version == version);
        match versions.iter_mut().find(same) {
            Some(known) => known.computers.push(ix),
            None => versions.push(Gathered { short, version, computers: vec![ix] }),
        }
    }

    fn finish(self) -> BTreeMap<Box<str>, Versions> {
        let set = |Gathered { version, computers, .. }: Gathered<'_>| {
            let version = Some(version).filter(|version| !version.is_empty()).map(Into::into);
            (version, computers.into_iter().collect())
        };
        let one = |(name, versions): (&str, Vec<_>)| (name.into(), versions.into_iter().map(set).collect());
        self.names.into_iter().map(one).collect()
    }
}

/// Adds an index to the set of a value; copies the value only when it is new.
fn put<V: Ord + Clone>(values: &mut BTreeMap<V, RoaringBitmap>, value: &V, ix: u32) {
    if let Some(set) = values.get_mut(value) {
        set.insert(ix);
    } else {
        values.insert(value.clone(), RoaringBitmap::from_iter([ix]));
    }
}

/// The kind of operating system that facts tell.
const fn family(facts: &Facts) -> Option<OsFamily> {
    facts.os.family
}

/// Whether a package that is not in the list is certainly not installed: on Windows when the registry was read to its
/// end, elsewhere when at least one package manager's record was.
fn inventory_is_known(facts: &Facts) -> bool {
    match family(facts) {
        Some(OsFamily::Windows) => facts.package_sources.contains(&PackageSource::Registry),
        _ => !facts.package_sources.is_empty(),
    }
}

/// The `Computer` document of each computer that has one.
fn documents<'a>(
    config: &'a Config,
    known: &[Known],
    by_name: &BTreeMap<Box<str>, Vec<u32>>,
    failed: &BTreeMap<Name, String>,
    findings: &mut Findings,
) -> BTreeMap<u32, &'a model::Computer> {
    let at = |ix: u32| known.get(usize::try_from(ix).ok()?);
    let mut taken: BTreeMap<u32, &model::Computer> = BTreeMap::new();
    for document in config.computers.values() {
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

fn not_found(document: &model::Computer, known: &[Known]) -> Finding {
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
    known: Known,
    document: Option<&model::Computer>,
    config: &Config,
    modes: &BTreeMap<&Name, Mode>,
    undeclared: &mut BTreeMap<(Name, Name), usize>,
) -> Computer {
    let Known { id, name, provider, agent, tenant, platform, mut tags, facts, contact } = known;
    let tenant = document.and_then(|document| document.tenant.clone()).or(tenant);
    let tenant = tenant.filter(|tenant| {
        let declared = config.tenants.contains_key(tenant);
        if !declared {
            *undeclared.entry((provider.clone(), tenant.clone())).or_default() += 1;
        }
        declared
    });
    let mut mode = config.instance.mode;
    if let Some(most) = tenant.as_ref().and_then(|tenant| modes.get(tenant)) {
        mode = mode.min(*most);
    }
    if let Some(document) = document {
        mode = mode.min(document.mode);
        tags.extend(document.tags.iter().cloned());
    }
    let platform = platform.or_else(|| {
        let (_, facts) = facts.as_ref()?;
        Some(match family(facts)? {
            OsFamily::Windows => Platform::Windows,
            _ => Platform::Posix,
        })
    });
    Computer {
        id,
        name,
        provider,
        agent,
        tenant,
        platform,
        tags,
        facts,
        contact,
        mode,
        excluded: document.is_some_and(|document| document.excluded),
        document: document.map(|document| document.metadata.name.clone()),
    }
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
