//! What somebody said about companies, looked up in a provider's list: which ones count, which tenant they are, which ones
//! get a tenant of their own.
//!
//! Invariants: a company is named by its id or its whole name; a name that several have is an error. All that is wrong is
//! told in one run, and nothing is done then.

use std::collections::{BTreeMap, BTreeSet};

use super::{Company, folded};
use crate::config::Config;
use crate::diagnostic::nearest;
use crate::id::Name;

/// What was said, as it was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// Only these companies count; none stands for all.
    pub only: Vec<String>,
    /// Companies and their tenants, each with where that was said, such as `customers.csv:7`.
    pub maps: Vec<(String, String, String)>,
    /// Companies that get a tenant of their own; `all` stands for all that are not mapped.
    pub create: Vec<String>,
}

/// What was meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wishes {
    /// The companies that count, by their position in the list; `None` for all.
    pub only: Option<BTreeSet<usize>>,
    /// The same as they were written, for companies that are not in the list any more.
    pub only_named: BTreeSet<String>,
    /// Companies and the tenants they are.
    pub maps: BTreeMap<usize, Name>,
    /// Companies that get a tenant of their own because they were named.
    pub create: BTreeSet<usize>,
    /// Whether all others do that are not mapped and not ambiguous.
    pub create_all: bool,
}

/// Looks everything up.
///
/// # Errors
/// All that is wrong, a sentence each.
pub fn look_up(
    said: &Said,
    config: &Config,
    provider: &Name,
    companies: &[Company],
) -> Result<Wishes, Vec<String>> {
    let list = List::new(companies);
    let mut wishes = Wishes::default();
    let mut faults = Vec::new();
    if !said.only.is_empty() {
        let gone = mapped(config, provider);
        let mut only = BTreeSet::new();
        for text in &said.only {
            wishes.only_named.insert(folded(text));
            match list.find(text) {
                Ok(at) => _ = only.insert(at),
                Err(_) if gone.contains(&folded(text)) => {}
                Err(why) => faults.push(format!("--only: {why}")),
            }
        }
        wishes.only = Some(only);
    }
    let mut from: BTreeMap<usize, &str> = BTreeMap::new();
    for (company, tenant, place) in &said.maps {
        match map(&list, config, company, tenant) {
            Ok((at, tenant)) => {
                let before = wishes.maps.insert(at, tenant.clone());
                let first = from.insert(at, place).unwrap_or(place);
                if let Some(other) = before.filter(|other| *other != tenant) {
                    faults.push(format!("{place}: {company:?} is {tenant} here and {other} in {first}"));
                }
            }
            Err(why) => faults.push(format!("{place}: {why}")),
        }
    }
    for text in &said.create {
        if text == "all" {
            wishes.create_all = true;
            continue;
        }
        match list.find(text).and_then(|at| list.creatable(at, text).map(|()| at)) {
            Ok(at) if wishes.maps.contains_key(&at) => {
                faults.push(format!("--create: {text:?} is mapped by hand as well"));
            }
            Ok(at) => _ = wishes.create.insert(at),
            Err(why) => faults.push(format!("--create: {why}")),
        }
    }
    if faults.is_empty() { Ok(wishes) } else { Err(faults) }
}

fn map(list: &List<'_>, config: &Config, company: &str, tenant: &str) -> Result<(usize, Name), String> {
    let at = list.find(company)?;
    let Some((tenant, _)) = Name::new(tenant).ok().and_then(|name| config.tenants.get_key_value(&name))
    else {
        let near = nearest(tenant, config.tenants.keys().map(Name::as_str));
        let near = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
        return Err(format!("there is no tenant {tenant}{near}"));
    };
    match list.companies.get(at).and_then(|company| company.tenant.as_ref()) {
        Some(other) if other != tenant => {
            Err(format!("{company:?} is the tenant {other} already; take it out there first"))
        }
        _ => Ok((at, tenant.clone())),
    }
}

/// What tenants say of companies of a provider: ids and names, as they are compared.
fn mapped(config: &Config, provider: &Name) -> BTreeSet<String> {
    let entries = config.tenants.values().filter_map(|tenant| tenant.clients.get(provider)).flatten();
    entries.flat_map(|entry| entry.id.iter().chain(&entry.name)).map(|text| folded(text)).collect()
}

/// A provider's list, to find companies in.
struct List<'a> {
    companies: &'a [Company],
    by_id: BTreeMap<String, usize>,
    by_name: BTreeMap<String, Vec<usize>>,
}

impl<'a> List<'a> {
    fn new(companies: &'a [Company]) -> Self {
        let mut list = Self { companies, by_id: BTreeMap::new(), by_name: BTreeMap::new() };
        for (at, company) in companies.iter().enumerate() {
            list.by_id.insert(folded(&company.client.id), at);
            list.by_name.entry(folded(&company.client.name)).or_default().push(at);
        }
        list
    }

    /// The position of a company by its id or its whole name.
    fn find(&self, text: &str) -> Result<usize, String> {
        let key = folded(text);
        if let Some(at) = self.by_id.get(&key) {
            return Ok(*at);
        }
        match self.by_name.get(&key).map(Vec::as_slice) {
            Some([at]) => Ok(*at),
            Some(several) => {
                let ids = several.iter().filter_map(|at| self.companies.get(*at));
                let ids: Vec<&str> = ids.map(|company| company.client.id.as_str()).collect();
                Err(format!("several companies are called {text:?}: name one by its id ({})", ids.join(", ")))
            }
            None => {
                let names = self.companies.iter().map(|company| company.client.name.as_str());
                let near = nearest(text, names);
                let near = near.map(|near| format!("; did you mean {near:?}?")).unwrap_or_default();
                Err(format!("the provider has no company {text:?}{near}"))
            }
        }
    }

    fn creatable(&self, at: usize, text: &str) -> Result<(), String> {
        match self.companies.get(at) {
            Some(Company { tenant: Some(tenant), .. }) => {
                Err(format!("{text:?} is the tenant {tenant} already"))
            }
            Some(company) if company.client.name.trim().is_empty() => {
                Err(format!("the company {text:?} has no name: map it to a tenant by hand"))
            }
            _ => Ok(()),
        }
    }
}
