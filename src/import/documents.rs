//! `Computer` documents for computers of a provider: which ones are to be made, which ones name a computer that has
//! another name now, and which ones name one that is gone.
//!
//! Invariants: a document names a computer by its name and, if it says so, its provider. One that could mean several
//! computers is told and not edited; a computer that shares its name with another one of its provider gets none.

use std::collections::{BTreeMap, BTreeSet};

use super::computers::Difference;
use super::files::{Group, Made};
use super::{folded, schema_comment, slug};
use crate::config::Config;
use crate::config::edit::{self, Edit, Value};
use crate::config::kind::Kind;
use crate::config::model::Computer;
use crate::diagnostic::Place;
use crate::id::Name;

/// The most bytes of documents in one file; what is more goes into a further one.
const MOST_BYTES: usize = 2 * 1024 * 1024;

/// A document about a computer that is not there under the name it has.
#[derive(Debug, Clone, PartialEq)]
pub struct Stale {
    /// The document.
    pub document: Name,
    /// Where it stands.
    pub place: Place,
    /// The name it gives.
    pub computer: String,
    /// What to do about it.
    pub note: String,
}

/// What documents would have to say.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Proposal {
    /// Documents that name a computer that was renamed.
    pub edits: Vec<Group>,
    /// Documents that would be made, by file.
    pub made: Vec<Made>,
    /// How many they are.
    pub new: usize,
    /// Documents of computers that are gone, and those that have to be looked at.
    pub stale: Vec<Stale>,
    /// Names that several computers of the provider have, and how many have them.
    pub shared: BTreeMap<String, usize>,
}

/// A computer of the provider's list: its name and its tenant.
pub type Listed<'a> = (&'a str, Option<&'a Name>);

/// Works out what documents would have to say. `elsewhere` are the names of computers of other providers.
#[must_use]
pub fn propose(
    config: &Config,
    provider: &Name,
    listed: &[Listed<'_>],
    differences: &[Difference],
    elsewhere: &BTreeSet<String>,
) -> Proposal {
    let mut proposal = Proposal::default();
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    for (name, _) in listed {
        *names.entry(folded(name)).or_default() += 1;
    }
    let mut documented = of_provider(config, provider);
    for difference in differences {
        let Some(was) = &difference.was else { continue };
        let (old, new) = (folded(&was.name), difference.is.as_ref().map(|is| folded(&is.name)));
        // As far as documents go it has the name it had.
        if new.as_ref() == Some(&old) {
            continue;
        }
        if names.contains_key(&old) {
            let documents = documented.get(&old).into_iter().flatten();
            let note = match &difference.is {
                None => "that one is gone, and it is about another computer of this name now".to_owned(),
                Some(is) => format!("that one is called {} now, and it is about another computer", is.name),
            };
            proposal.stale.extend(documents.map(|document| stale(document, note.clone())));
            continue;
        }
        let documents = documented.remove(&old).unwrap_or_default();
        for document in &documents {
            match &difference.is {
                None => proposal.stale.push(stale(document, "its computer is gone".to_owned())),
                Some(is) if document.provider.is_none() && elsewhere.contains(&old) => {
                    let note = format!("one of several computers of this name is called {} now", is.name);
                    proposal.stale.push(stale(document, note));
                }
                Some(is) => {
                    proposal.edits.push(renamed(document, &is.name));
                    documented.entry(folded(&is.name)).or_default().push(document);
                }
            }
        }
    }
    make(config, provider, listed, &names, &documented, &mut proposal);
    proposal.shared = names.into_iter().filter(|(_, count)| *count > 1).collect();
    proposal
}

/// The documents that can be about computers of a provider, by the name they give.
fn of_provider<'a>(config: &'a Config, provider: &Name) -> BTreeMap<String, Vec<&'a Computer>> {
    let mut documented: BTreeMap<String, Vec<&Computer>> = BTreeMap::new();
    let own = config.computers.values();
    for computer in own.filter(|computer| computer.provider.as_ref().is_none_or(|of| of == provider)) {
        documented.entry(folded(&computer.name)).or_default().push(computer);
    }
    documented
}

fn stale(document: &Computer, note: String) -> Stale {
    Stale {
        document: document.metadata.name.clone(),
        place: document.place.clone(),
        computer: document.name.clone(),
        note,
    }
}

fn renamed(document: &Computer, name: &str) -> Group {
    let edit = Edit {
        kind: Kind::Computer,
        name: document.metadata.name.clone(),
        path: "/spec/name".to_owned(),
        change: edit::Change::Set(name.to_owned()),
    };
    let what = format!(
        "write name: {} below spec of the computer {}",
        Value::text(name).flow(),
        document.metadata.name
    );
    Group { place: document.place.clone(), edits: vec![edit], what }
}

fn make(
    config: &Config,
    provider: &Name,
    listed: &[Listed<'_>],
    names: &BTreeMap<String, usize>,
    documented: &BTreeMap<String, Vec<&Computer>>,
    proposal: &mut Proposal,
) {
    let declared = config.uses.declared.keys().filter(|(kind, _)| *kind == Kind::Computer);
    let mut taken: BTreeSet<Name> = declared.map(|(_, name)| name.clone()).collect();
    let mut by_tenant: BTreeMap<Option<&Name>, Vec<String>> = BTreeMap::new();
    let mut sorted: Vec<&Listed<'_>> = listed.iter().collect();
    sorted.sort();
    for (name, tenant) in sorted {
        let key = folded(name);
        if key.is_empty() || documented.contains_key(&key) || names.get(&key) != Some(&1) {
            continue;
        }
        let Some(own) = slug(name, "computer", &|name| taken.contains(name)) else { continue };
        let metadata = Value::map([("name", Value::text(own.as_str()))]);
        let spec = Value::map([("name", Value::text(*name)), ("provider", Value::text(provider.as_str()))]);
        let text = edit::document(None, Kind::Computer.as_str(), &metadata, &spec);
        taken.insert(own);
        by_tenant.entry(*tenant).or_default().push(text);
        proposal.new += 1;
    }
    for (tenant, documents) in by_tenant {
        let folder = tenant.map_or_else(|| "computers".to_owned(), |tenant| format!("tenants/{tenant}"));
        proposal.made.extend(into_files(config, &folder, documents));
    }
}

/// Documents over as many files of a folder as they need.
fn into_files(config: &Config, folder: &str, documents: Vec<String>) -> Vec<Made> {
    let mut files: Vec<Made> = Vec::new();
    let mut size = usize::MAX;
    let mut number = 0;
    for document in documents {
        while size.saturating_add(document.len()) > MOST_BYTES {
            number += 1;
            let end = if number == 1 { String::new() } else { format!("-{number}") };
            let file = format!("{folder}/computers{end}.yaml");
            let there = config.sources.get(&file);
            size = there.map_or(0, |text| text.len());
            if size.saturating_add(document.len()) > MOST_BYTES {
                continue;
            }
            files.push(Made { file, documents: Vec::new() });
        }
        size += document.len();
        if let Some(made) = files.last_mut() {
            let is_new = made.documents.is_empty() && config.sources.get(&made.file).is_none();
            let head = if is_new {
                format!("# {}\n", schema_comment(&made.file, "computer"))
            } else {
                String::new()
            };
            made.documents.push(head + &document);
        }
    }
    files
}
