//! What the companies of a provider and the tenants of the repository have to do with each other, and what tenants would
//! have to say.
//!
//! Invariants: what is mapped stays mapped, whatever else has its name; a company that is not named and has not exactly one
//! tenant of its name, and no other company beside it, is listed and left alone.

use std::collections::{BTreeMap, BTreeSet};

use super::files::{Group, Made};
use super::wishes::Wishes;
use super::{Company, folded, schema_comment, slug};
use crate::config::Config;
use crate::config::edit::{self, Change, Edit, Value};
use crate::config::kind::{Kind, TenantClient};
use crate::config::model::Tenant;
use crate::diagnostic::Place;
use crate::id::Name;

/// What goes for one company.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It is mapped by its id, and the name beside that is another one now.
    Renamed,
    /// It would be mapped: it has the name of a tenant, or somebody said so.
    Mapped,
    /// A tenant would be made for it.
    Created,
    /// Several tenants, or several companies, have its name.
    Ambiguous,
    /// No tenant has its name.
    NotMapped,
    /// A tenant maps it, and the provider does not have it any more.
    Vanished,
}

/// A company of which there is something to say.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What goes for it.
    pub status: Status,
    /// Its id, where it has one.
    pub id: Option<String>,
    /// Its name; of one that vanished, as the tenant has it.
    pub company: Option<String>,
    /// The tenant.
    pub tenant: Option<Name>,
    /// Where the tenant, or its entry, stands.
    pub place: Option<Place>,
    /// How many computers it has, if the provider tells.
    pub computers: Option<u64>,
    /// Its sites.
    pub sites: BTreeSet<String>,
    /// Whether a change is proposed.
    pub proposed: bool,
    /// What else there is to say.
    pub note: Option<String>,
}

/// All that there is to say and to change.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Proposal {
    /// The companies, by what goes for them and by name.
    pub rows: Vec<Row>,
    /// How many companies are mapped, with nothing to say of them.
    pub settled: usize,
    /// Changes of documents that are there.
    pub edits: Vec<Group>,
    /// Documents that would be made.
    pub made: Vec<Made>,
}

/// What is decided on.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The provider.
    pub provider: &'a Name,
    /// All its companies.
    pub companies: &'a [Company],
    /// What somebody said of them.
    pub wishes: &'a Wishes,
    /// Whether entries of companies that vanished are taken out.
    pub drop_vanished: bool,
}

/// Works out what tenants would have to say.
#[must_use]
pub fn propose(asking: &Asking<'_>) -> Proposal {
    let names = Names::of(asking);
    let mut work = Work { asking, taken: names.taken.clone(), proposal: Proposal::default() };
    let counts = |at: &usize| asking.wishes.only.as_ref().is_none_or(|only| only.contains(at));
    for (at, company) in asking.companies.iter().enumerate().filter(|(at, _)| counts(at)) {
        work.company(at, company, &names);
    }
    work.vanished();
    let mut proposal = work.proposal;
    proposal.rows.sort_by_cached_key(|row| {
        (row.status, row.company.as_deref().map(folded), row.id.clone(), row.tenant.clone())
    });
    proposal
}

/// Names of tenants and companies, as they are compared.
struct Names<'a> {
    tenants: BTreeMap<String, Vec<&'a Name>>,
    companies: BTreeMap<String, usize>,
    taken: BTreeSet<Name>,
}

impl<'a> Names<'a> {
    fn of(asking: &Asking<'a>) -> Self {
        let mut tenants: BTreeMap<String, Vec<&Name>> = BTreeMap::new();
        for (name, tenant) in &asking.config.tenants {
            let title = tenant.metadata.title.as_deref().map(folded);
            let own: BTreeSet<String> = title.into_iter().chain([folded(name.as_str())]).collect();
            for text in own {
                tenants.entry(text).or_default().push(name);
            }
        }
        let mut companies: BTreeMap<String, usize> = BTreeMap::new();
        for company in asking.companies {
            *companies.entry(folded(&company.client.name)).or_default() += 1;
        }
        let declared = asking.config.uses.declared.keys().filter(|(kind, _)| *kind == Kind::Tenant);
        let declared = declared.map(|(_, name)| name);
        Self { tenants, companies, taken: declared.chain(asking.config.tenants.keys()).cloned().collect() }
    }
}

struct Work<'a> {
    asking: &'a Asking<'a>,
    taken: BTreeSet<Name>,
    proposal: Proposal,
}

impl Work<'_> {
    fn company(&mut self, at: usize, company: &Company, names: &Names<'_>) {
        if let Some(tenant) = &company.tenant {
            return self.known(company, tenant);
        }
        if let Some(tenant) = self.asking.wishes.maps.get(&at) {
            return self.map(company, &tenant.clone());
        }
        let name = folded(&company.client.name);
        let tenants = names.tenants.get(&name).filter(|_| !name.is_empty()).map(Vec::as_slice);
        let alike = names.companies.get(&name).copied().unwrap_or_default();
        let is_named = self.asking.wishes.create.contains(&at);
        match tenants {
            Some([tenant]) if alike == 1 => self.map(company, tenant),
            Some(_) if is_named => self.create(company),
            Some(tenants) => self.ambiguous(company, tenants, alike),
            None if name.is_empty() => {
                self.left(company, Status::NotMapped, Some("it has no name".to_owned()));
            }
            None if is_named || self.asking.wishes.create_all => self.create(company),
            None => self.left(company, Status::NotMapped, None),
        }
    }

    fn left(&mut self, company: &Company, status: Status, note: Option<String>) {
        self.proposal.rows.push(Row { note, ..row(status, company) });
    }

    fn ambiguous(&mut self, company: &Company, tenants: &[&Name], alike: usize) {
        let names: Vec<&str> = tenants.iter().map(|name| name.as_str()).collect();
        let names = names.join(", ");
        let note = match alike {
            0 | 1 => format!("several tenants have its name: {names}"),
            _ => format!("{alike} companies have its name, which is that of {names}"),
        };
        self.left(company, Status::Ambiguous, Some(note));
    }

    /// A company that is mapped: nothing, unless it was renamed.
    fn known(&mut self, company: &Company, tenant: &Name) {
        let config = self.asking.config;
        let Some(said) = config.tenants.get(tenant) else { return };
        let now = company.client.name.trim();
        let entry = entries(said, self.asking.provider).enumerate().find_map(|(at, entry)| {
            let id = entry.id.as_deref()?;
            let old = entry.name.as_deref()?.trim();
            (folded(id) == folded(&company.client.id) && old != now && !now.is_empty()).then_some((at, old))
        });
        let Some((at, old)) = entry else {
            self.proposal.settled += 1;
            return;
        };
        let path = format!("/spec/clients/{}/{at}/name", self.asking.provider);
        let mut edits = vec![edit(tenant, path, Change::Set(now.to_owned()))];
        if said.metadata.title.as_deref().map(str::trim) == Some(old) {
            edits.push(edit(tenant, "/metadata/title".to_owned(), Change::Set(now.to_owned())));
        }
        let what = format!("write the name {now:?} in place of {old:?} in the tenant {tenant}");
        self.change(said, edits, what);
        self.proposal.rows.push(Row {
            tenant: Some(tenant.clone()),
            place: Some(said.place.clone()),
            proposed: true,
            note: Some(format!("it was {old:?}")),
            ..row(Status::Renamed, company)
        });
    }

    fn map(&mut self, company: &Company, tenant: &Name) {
        let Some(said) = self.asking.config.tenants.get(tenant) else { return };
        let path = format!("/spec/clients/{}", self.asking.provider);
        let entry = entry(company);
        let what = format!("write {} into the list {path} of the tenant {tenant}", entry.flow());
        self.change(said, vec![edit(tenant, path, Change::Append(entry))], what);
        self.proposal.rows.push(Row {
            tenant: Some(tenant.clone()),
            place: Some(said.place.clone()),
            proposed: true,
            ..row(Status::Mapped, company)
        });
    }

    fn create(&mut self, company: &Company) {
        let sources = &self.asking.config.sources;
        let taken = &self.taken;
        let file = |name: &Name| format!("tenants/{name}/tenant.yaml");
        let is_taken = |name: &Name| taken.contains(name) || sources.get(&file(name)).is_some();
        let Some(name) = slug(&company.client.name, "tenant", &is_taken) else { return };
        self.taken.insert(name.clone());
        let file = file(&name);
        let title = company.client.name.trim();
        let mut metadata = vec![("name", Value::text(name.as_str()))];
        metadata.extend((title != name.as_str()).then(|| ("title", Value::text(title))));
        let list = Value::List(vec![entry(company)]);
        let clients = Value::map([(self.asking.provider.as_str(), list)]);
        let spec = Value::map([("clients", clients)]);
        let comment = schema_comment(&file, "tenant");
        let text = edit::document(Some(&comment), Kind::Tenant.as_str(), &Value::map(metadata), &spec);
        self.proposal.made.push(Made { file, documents: vec![text] });
        self.proposal.rows.push(Row { tenant: Some(name), proposed: true, ..row(Status::Created, company) });
    }

    /// Entries of tenants that no company of the list is.
    fn vanished(&mut self) {
        let Asking { config, provider, companies, wishes, drop_vanished } = *self.asking;
        let ids: BTreeSet<String> = companies.iter().map(|company| folded(&company.client.id)).collect();
        let names: BTreeSet<String> = companies.iter().map(|company| folded(&company.client.name)).collect();
        let is_there = |entry: &TenantClient| match (&entry.id, &entry.name) {
            (Some(id), _) => ids.contains(&folded(id)),
            (None, Some(name)) => names.contains(&folded(name)),
            (None, None) => true,
        };
        let counts = |entry: &TenantClient| {
            let mut own = entry.id.iter().chain(&entry.name).map(|text| folded(text));
            wishes.only.is_none() || own.any(|text| wishes.only_named.contains(&text))
        };
        for (name, tenant) in &config.tenants {
            let gone = entries(tenant, provider).enumerate();
            let gone = gone.filter(|(_, entry)| !is_there(entry) && counts(entry));
            // What is taken out last stands first, so that positions hold.
            let mut gone: Vec<(usize, &TenantClient)> = gone.collect();
            gone.reverse();
            let paths: Vec<String> =
                gone.iter().map(|(at, _)| format!("/spec/clients/{provider}/{at}")).collect();
            let places = places(config, tenant, &paths);
            for (((_, entry), path), place) in gone.iter().zip(&paths).zip(places) {
                if drop_vanished {
                    let what = format!("take the entry {path} out of the tenant {name}");
                    self.change(tenant, vec![edit(name, path.clone(), Change::Remove)], what);
                }
                self.proposal.rows.push(Row {
                    status: Status::Vanished,
                    id: entry.id.clone(),
                    company: entry.name.clone(),
                    tenant: Some(name.clone()),
                    place: Some(place),
                    computers: None,
                    sites: BTreeSet::new(),
                    proposed: drop_vanished,
                    note: None,
                });
            }
        }
    }

    fn change(&mut self, tenant: &Tenant, edits: Vec<Edit>, what: String) {
        self.proposal.edits.push(Group { place: tenant.place.clone(), edits, what });
    }
}

fn entries<'a>(tenant: &'a Tenant, provider: &Name) -> impl Iterator<Item = &'a TenantClient> {
    tenant.clients.get(provider).into_iter().flatten()
}

fn edit(tenant: &Name, path: String, change: Change) -> Edit {
    Edit { kind: Kind::Tenant, name: tenant.clone(), path, change }
}

/// What a tenant says of a company: by its id, with the name beside it, or by its name where it has no id.
fn entry(company: &Company) -> Value {
    let name = Some(company.client.name.trim()).filter(|name| !name.is_empty());
    let id = company.has_id().then(|| ("id", Value::text(company.client.id.trim())));
    Value::map(id.into_iter().chain(name.map(|name| ("name", Value::text(name)))))
}

fn row(status: Status, company: &Company) -> Row {
    Row {
        status,
        id: company.has_id().then(|| company.client.id.trim().to_owned()),
        company: Some(company.client.name.trim().to_owned()).filter(|name| !name.is_empty()),
        tenant: None,
        place: None,
        computers: company.computers,
        sites: company.sites.clone(),
        proposed: false,
        note: None,
    }
}

/// Where entries of a tenant stand; the tenant's own place where that cannot be told.
fn places(config: &Config, tenant: &Tenant, paths: &[String]) -> Vec<Place> {
    let file = &tenant.place.file;
    let text = config.sources.get(file);
    let values: Vec<(Kind, &Name, &str)> =
        paths.iter().map(|path| (Kind::Tenant, &tenant.metadata.name, path.as_str())).collect();
    let found = text.filter(|_| !paths.is_empty()).map(|text| edit::find(text, &values)).unwrap_or_default();
    let place = |at: usize| {
        let range = found.get(at).cloned().flatten()?;
        Some(Place::in_text(file, text?, range.start, range.end))
    };
    (0..paths.len()).map(|at| place(at).unwrap_or_else(|| tenant.place.clone())).collect()
}
