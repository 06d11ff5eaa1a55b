//! Asks a provider for its companies and its computers, and keeps what is believed.
//!
//! Not here: what the repository would have to say (`tenants`, `documents`).
//!
//! Guarantees: a list that failed, did not come in time or shrank suspiciously proposes nothing and takes nothing away
//! (L3); it is listed and judged as for a plan, by the same functions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::Date;

use super::computers::{Difference, Seen};
use super::{Company, folded};
use crate::config::Config;
use crate::id::{ComputerId, Name};
use crate::inventory::clients::{Mapping, Remembered, Unmapped};
use crate::inventory::collect::{self, Asking, Collected, OnList, Sources};
use crate::inventory::identify::Memory;
use crate::inventory::relations::SourceKind;
use crate::inventory::{believe, failures};
use crate::provider::{ClientRecord, Reader};
use crate::store::{FailingKind, KeptSource, Store, StoreError, StoredComputer};
use crate::targets;
use crate::time::Timestamp;

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
pub enum GatherError {
    /// The provider has no companies of its own.
    #[error("{0} lists no companies of its own")]
    NoCompanies(Name),
    /// It failed, or is not believed.
    #[error("{0}")]
    Source(String),
    /// What is remembered could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Who is asked, and what is believed of the answer.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The provider's name.
    pub provider: &'a Name,
    /// Its reading half.
    pub reader: &'a Reader,
    /// What is remembered.
    pub store: &'a dyn Store,
    /// Whether a shorter list is believed this time.
    pub accepted: bool,
    /// The present instant.
    pub now: Timestamp,
    /// The present day, for what depends on dates.
    pub day: Date,
}

impl Question<'_> {
    /// The provider's companies, each with the tenant that maps it, sorted by id. What is believed is remembered.
    ///
    /// # Errors
    /// [`GatherError`] when there is no list that is believed.
    pub async fn companies(&self) -> Result<Vec<Company>, GatherError> {
        let clients = self.reader.clients().ok_or_else(|| GatherError::NoCompanies(self.provider.clone()))?;
        let limit = self.config.instance.sources.limit;
        let listed = collect::in_time(limit, clients.clients()).await;
        let listed = listed.map_err(|message| self.failed(&message))?;
        let kept = self.store.sources().await?;
        let remembered = Remembered::of(self.provider, &kept);
        let companies = self.placed(listed);
        if !self.accepted
            && let Some(what) = self.shrunk(&remembered, &companies)
        {
            return Err(GatherError::Source(collect::not_believed(self.provider, &what)));
        }
        let companies_now = companies.iter().map(|company| company.client.clone()).collect();
        let now = Remembered { companies: companies_now, ..remembered };
        let keep: Vec<KeptSource> = now.to_keep(self.provider, &kept, self.now).into_iter().collect();
        self.store.put_sources(&keep).await?;
        Ok(companies)
    }

    fn failed(&self, message: &str) -> GatherError {
        GatherError::Source(if message.contains(self.provider.as_str()) {
            message.to_owned()
        } else {
            format!("provider {}: {message}", self.provider)
        })
    }

    /// One company for each id, with its tenant.
    fn placed(&self, listed: Vec<ClientRecord>) -> Vec<Company> {
        let mapping = Mapping::of(self.config);
        let mut companies: BTreeMap<String, Company> = BTreeMap::new();
        for ClientRecord { client, sites, computers, .. } in listed {
            let tenant = mapping.tenant(self.provider, &client).cloned();
            let company = Company { client, sites, computers, tenant };
            companies.entry(folded(&company.client.id)).or_insert(company);
        }
        companies.into_values().collect()
    }

    /// What is suspicious of the list: against the last one, and against what tenants map.
    fn shrunk(&self, before: &Remembered, companies: &[Company]) -> Option<String> {
        let shrink = self.config.instance.sources.of(self.provider);
        let ids: BTreeSet<String> = companies.iter().map(|company| folded(&company.client.id)).collect();
        let names = companies.iter().map(|company| folded(&company.client.name));
        let known: BTreeSet<String> = before.companies.iter().map(|client| folded(&client.id)).collect();
        let tenants = self.config.tenants.values();
        let entries = tenants.filter_map(|tenant| tenant.clients.get(self.provider)).flatten();
        let mapped: BTreeSet<(bool, String)> = entries
            .filter_map(|entry| match (&entry.id, &entry.name) {
                (Some(id), _) => Some((true, folded(id))),
                (None, name) => name.as_deref().map(|name| (false, folded(name))),
            })
            .collect();
        let there: BTreeSet<(bool, String)> =
            ids.iter().map(|id| (true, id.clone())).chain(names.map(|name| (false, name))).collect();
        believe::shrunk("companies", &known, &ids, shrink)
            .or_else(|| believe::shrunk("companies that tenants map", &mapped, &there, shrink))
    }

    /// The provider's computers, and what changed. Nothing is remembered yet.
    ///
    /// # Errors
    /// [`GatherError`] when there is no list that is believed.
    pub async fn computers(&self) -> Result<Computers, GatherError> {
        let stored = self.store.computers().await?;
        let kept = self.store.sources().await?;
        let readers = BTreeMap::from([(self.provider.clone(), self.reader.clone())]);
        let memory = Memory::default();
        let asking = Asking {
            memory: &memory,
            config: self.config,
            readers: &readers,
            sources: &Sources::default(),
            stored: &stored,
            kept: &kept,
            accepted: &self.accepted.then(|| self.provider.clone()).into_iter().collect(),
            named: &targets::named(self.config, &[]),
            day: self.day,
            now: self.now,
        };
        let (mut collected, listed) = collect::names(&asking).await;
        if let Some(message) = collected.failed.get(self.provider) {
            let message = message.clone();
            self.keep_failure(&collected).await?;
            return Err(GatherError::Source(message));
        }
        let before: BTreeMap<&ComputerId, &StoredComputer> =
            stored.iter().map(|computer| (&computer.id, computer)).collect();
        let mut companies = BTreeSet::new();
        let changed = collected.listed.iter();
        let differences =
            changed.map(|now| difference(before.get(&now.id).copied(), now, &mut companies)).collect();
        let other = |computer: &&StoredComputer| computer.listed && computer.provider != *self.provider;
        let elsewhere = stored.iter().filter(other).map(|computer| folded(&computer.agent.name)).collect();
        let unmapped = collected.unmapped.remove(self.provider).unwrap_or_default();
        let doubts = collected.relations.doubts.get(&(SourceKind::Provider, self.provider.clone()));
        let doubts = doubts.into_iter().flatten().map(|doubt| doubt.why.clone()).collect();
        Ok(Computers { differences, elsewhere, unmapped, doubts, listed, collected })
    }

    /// Remembers the list as a plan does.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub async fn keep(&self, computers: &Computers) -> Result<(), StoreError> {
        self.store.put_computers(&computers.collected.listed).await?;
        self.store.put_sources(&computers.collected.answers).await?;
        self.keep_failure(&computers.collected).await
    }

    async fn keep_failure(&self, collected: &Collected) -> Result<(), StoreError> {
        let before = self.store.failures().await?;
        let asked = BTreeSet::from([(FailingKind::Provider, self.provider.clone())]);
        let next = failures::after(&before, &asked, &collected.failed, &collected.relations, self.now);
        if next == before { Ok(()) } else { self.store.put_failures(&next).await }
    }
}

/// A list of computers that is believed.
#[derive(Debug)]
pub struct Computers {
    /// What changed, by computer.
    pub differences: Vec<Difference>,
    /// Names of computers of other providers, as they are compared.
    pub elsewhere: BTreeSet<String>,
    /// How many computers belong to companies that no tenant maps.
    pub unmapped: Unmapped,
    /// Parts of the list that are not believed.
    pub doubts: Vec<String>,
    /// All computers of mapped companies.
    listed: Vec<OnList>,
    /// What is to be remembered.
    collected: Collected,
}

impl Computers {
    /// All computers of mapped companies: name and tenant.
    pub fn listed(&self) -> impl Iterator<Item = (&str, Option<&Name>)> {
        self.listed.iter().map(|(name, tenant)| (&**name, tenant.as_ref()))
    }
}

/// What changed of a computer. Of each name of a company there is one, in `companies`: many computers have the same.
fn difference(
    before: Option<&StoredComputer>,
    now: &StoredComputer,
    companies: &mut BTreeSet<Arc<str>>,
) -> Difference {
    let mut company = |name: &str| {
        companies.get(name).cloned().unwrap_or_else(|| {
            let name: Arc<str> = name.into();
            companies.insert(Arc::clone(&name));
            name
        })
    };
    let mut seen = |computer: &StoredComputer| Seen {
        agent: computer.agent.id.clone(),
        name: computer.agent.name.as_str().into(),
        tenant: computer.agent.tenant.clone(),
        company: computer.agent.client.as_ref().map(|client| company(&client.name)),
    };
    let was = before.filter(|before| before.listed).map(&mut seen);
    Difference { was, is: now.listed.then(|| seen(now)) }
}
