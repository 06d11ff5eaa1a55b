//! Libraries: folders with documents that somebody else maintains (DEP-30).
//!
//! The rules, and no others: a document of the repository itself takes the place of a library's of the same kind and
//! name; a library's deployments, tenants, providers and computers count only where the Instance lists them; its
//! deployments lose to every local deployment of the same item, whatever their targets; it brings no exceptions.
//!
//! Invariant: what the Instance does not list changes neither which computers there are nor what is done to them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Checker;
use crate::config::document::{Document, Documents};
use crate::config::kind::{InstanceSpec, Kind, LibrarySettings};
use crate::config::model::{Layer, Library};
use crate::config::parse::RawDocument;
use crate::config::tree::{ROOT_FILE, Resolved};
use crate::diagnostic::{Finding, Findings, Place, code, nearest};
use crate::id::Name;

/// A kind of documents, the key of their list, and the list.
type Listing = (Kind, &'static str, fn(&LibrarySettings) -> &[Name]);

/// The kinds that a library's documents have to be listed of.
const LISTED: [Listing; 3] = [
    (Kind::Tenant, "tenants", |settings| &settings.tenants),
    (Kind::Provider, "providers", |settings| &settings.providers),
    (Kind::Computer, "computers", |settings| &settings.computers),
];

/// The Instance of the repository itself, if it has libraries.
fn root<'d>(
    mut instances: impl Iterator<Item = &'d Document<InstanceSpec>>,
) -> Option<&'d Document<InstanceSpec>> {
    let root = instances.find(|document| &*document.raw.file == ROOT_FILE);
    root.filter(|root| !root.spec.libraries.is_empty())
}

/// The libraries that the Instance among these names, by their folders.
#[must_use]
pub fn libraries<'d>(instances: impl Iterator<Item = &'d Document<InstanceSpec>>) -> Vec<Library> {
    let settings = root(instances).into_iter().flat_map(|root| &root.spec.libraries);
    settings.map(|settings| library(&settings.folder)).collect()
}

/// Takes out of libraries what the repository itself says otherwise, their Instance documents, and what has to be listed
/// and is not, which is told.
pub fn lay_over(documents: &mut Documents, findings: &mut Findings) {
    let Some(root) = root(documents.instances.iter()).cloned() else { return };
    let libraries: Vec<(Library, &LibrarySettings)> =
        root.spec.libraries.iter().map(|settings| (library(&settings.folder), settings)).collect();
    let holding = |file: &str| libraries.iter().position(|(library, _)| library.holds(file));
    let local: BTreeSet<(Kind, Name)> = documents
        .names()
        .filter(|(_, _, raw)| holding(&raw.file).is_none())
        .map(|(kind, name, _)| (kind, name.clone()))
        .collect();
    let mut unlisted: BTreeMap<(usize, Kind), BTreeMap<Name, Place>> = BTreeMap::new();
    documents.retain(&mut |kind, name, raw| {
        let Some(at) = holding(&raw.file) else { return true };
        if kind == Kind::Instance || local.contains(&(kind, name.clone())) {
            return false;
        }
        let list = LISTED.iter().find(|(listed, ..)| *listed == kind).map(|(.., list)| list);
        let counts = list
            .is_none_or(|list| libraries.get(at).is_some_and(|(_, settings)| list(settings).contains(name)));
        if !counts {
            unlisted.entry((at, kind)).or_default().insert(name.clone(), raw.origin());
        }
        counts
    });
    for ((at, kind), names) in unlisted {
        let folder = libraries.get(at).map_or("", |(library, _)| &library.folder);
        let place = root.raw.place(&format!("/spec/libraries/{at}/folder"));
        findings.push(passed_over(folder, kind, &names, place));
    }
}

fn passed_over(folder: &str, kind: Kind, names: &BTreeMap<Name, Place>, place: Place) -> Finding {
    const SHOWN: usize = 5;
    let key = LISTED.iter().find(|(listed, ..)| *listed == kind).map_or("", |(_, key, _)| key);
    let shown: Vec<&str> = names.keys().take(SHOWN).map(Name::as_str).collect();
    let more = match names.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let (plural, verb) =
        if names.len() == 1 { ("", "does not count, as it is") } else { ("s", "do not count, as they are") };
    let shown = shown.join(", ");
    let message = format!("of the library `{folder}` the {kind}{plural} {shown}{more} {verb} not listed");
    let finding = Finding::new(code::LIBRARY_UNLISTED, message, place);
    let finding = match names.values().next() {
        Some(first) => finding.related(first.clone(), "declared here"),
        None => finding,
    };
    finding.help(format!("list it below `{key}` of the library, or allow this warning in the Instance"))
}

fn library(folder: &str) -> Library {
    let folder = folder.trim_start_matches("./").trim_matches('/');
    let (deployments, targets) = (BTreeSet::new(), BTreeSet::new());
    Library { folder: Arc::from(folder), deployments, every: false, targets }
}

impl<'a> Checker<'a> {
    pub(super) fn library_settings(&mut self, document: &'a Document<InstanceSpec>) -> Vec<Library> {
        let raw = &document.raw;
        let mut libraries: Vec<Library> = Vec::new();
        for (at, settings) in document.spec.libraries.iter().enumerate() {
            let pointer = format!("/spec/libraries/{at}");
            let mut library = library(&settings.folder);
            let place = raw.place(&format!("{pointer}/folder"));
            if !matches!(self.around.tree.resolve("", &library.folder), Resolved::Folder)
                || matches!(&*library.folder, "" | ".")
            {
                let message = format!("there is no folder `{}` below the root", settings.folder);
                let finding = Finding::new(code::FILE_MISSING, message, place);
                self.push(finding.help("write the path of a folder from the root of the repository"));
            } else if libraries.iter().any(|other| *other.folder == *library.folder) {
                self.report(
                    code::SETTING,
                    format!("the library `{}` is listed twice", library.folder),
                    place,
                );
            }
            if settings.every && !settings.deployments.is_empty() {
                let message = "`every` lets all deployments count, so a list beside it says nothing";
                let place = raw.key_place(&format!("{pointer}/deployments"));
                self.push(Finding::new(code::SETTING, message, place).help("take one of them out"));
            }
            library.every = settings.every;
            library.deployments.extend(settings.deployments.iter().cloned());
            library.targets.extend(settings.targets.iter().cloned());
            libraries.push(library);
        }
        libraries
    }

    /// What the Instance lists of a library is in it.
    pub(super) fn listed_in_libraries(&mut self, documents: &'a Documents) {
        let Some(document) = documents.instances.iter().find(|document| &*document.raw.file == ROOT_FILE)
        else {
            return;
        };
        self.begin(document);
        for (at, settings) in document.spec.libraries.iter().enumerate() {
            let library = library(&settings.folder);
            let deployments =
                (&[Kind::Deployment, Kind::Bundle][..], "deployments", &settings.deployments[..]);
            let targets = (&[Kind::Target][..], "targets", &settings.targets[..]);
            let others =
                LISTED.iter().map(|(kind, key, list)| (std::slice::from_ref(kind), *key, list(settings)));
            for (kinds, key, listed) in [deployments, targets].into_iter().chain(others) {
                let pointer = format!("/spec/libraries/{at}/{key}");
                self.listed_in_library(&document.raw, &pointer, &library, kinds, listed);
            }
        }
        self.begin_all();
    }

    fn listed_in_library(
        &mut self,
        raw: &RawDocument,
        pointer: &str,
        library: &Library,
        kinds: &[Kind],
        listed: &[Name],
    ) {
        let names = kinds.iter().filter_map(|kind| self.names.get(kind)).flatten();
        let inside: Vec<&Name> =
            names.filter(|(_, declared)| library.holds(&declared.raw.file)).map(|(name, _)| *name).collect();
        let what: Vec<String> = kinds.iter().map(|kind| kind.as_str().to_lowercase()).collect();
        let what = what.join(" or ");
        for (number, name) in listed.iter().enumerate().filter(|(_, name)| !inside.contains(name)) {
            let message = format!("the library `{}` has no {what} `{name}`", library.folder);
            let place = raw.place(&format!("{pointer}/{number}"));
            let finding = Finding::new(code::UNKNOWN_REFERENCE, message, place);
            let near = nearest(name.as_str(), inside.iter().map(|name| name.as_str()));
            self.push(match near {
                Some(near) => finding.help(format!("did you mean `{near}`?")),
                None => finding.help("take it out; what the repository itself declares needs no listing"),
            });
        }
    }

    /// Whether a document stands in a library.
    pub(super) fn in_library(&self, raw: &RawDocument) -> Option<&Library> {
        self.libraries.iter().find(|library| library.holds(&raw.file))
    }

    /// Tells of a document of the repository itself that uses a target of a library, unless the Instance lists it.
    pub(super) fn target_of_library(&mut self, raw: &RawDocument, place: &Place, name: &Name) {
        let declared = self.names.get(&Kind::Target).and_then(|targets| targets.get(name)).copied();
        let Some(declared) = declared.filter(|_| self.in_library(raw).is_none()) else { return };
        let library = self.in_library(declared.raw).filter(|library| !library.targets.contains(name));
        let Some(folder) = library.map(|library| Arc::clone(&library.folder)) else { return };
        let message = format!("the target `{name}` is one of the library `{folder}`");
        let finding = Finding::new(code::LIBRARY_TARGET, message, place.clone());
        self.push(
            finding
                .related(declared.raw.origin(), "declared here")
                .help("list it below `targets` of the library, or declare one of the repository's own"),
        );
    }

    /// The layer of a deployment or bundle.
    pub(super) fn layer(&self, raw: &RawDocument, name: &Name) -> Layer {
        match self.in_library(raw) {
            Some(library) => Layer::Library {
                folder: Arc::clone(&library.folder),
                listed: library.every || library.deployments.contains(name),
            },
            None => Layer::Local,
        }
    }
}
