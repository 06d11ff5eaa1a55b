//! Libraries: folders with documents that somebody else maintains (DEP-30).
//!
//! Three rules, and no others: a document of the repository itself takes the place of a library's of the same kind and
//! name; a library's deployment counts only where the Instance lists it; and it loses to every local deployment of the
//! same item, whatever their targets.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Checker;
use crate::config::document::{Document, Documents};
use crate::config::kind::{InstanceSpec, Kind};
use crate::config::model::{Layer, Library};
use crate::config::parse::RawDocument;
use crate::config::tree::{ROOT_FILE, Resolved};
use crate::diagnostic::{Finding, code, nearest};
use crate::id::Name;

/// Takes out of libraries what the repository itself says otherwise, and their Instance documents.
pub fn lay_over(documents: &mut Documents) {
    let root = documents.instances.iter().find(|document| &*document.raw.file == ROOT_FILE);
    let Some(root) = root.filter(|root| !root.spec.libraries.is_empty()) else { return };
    let libraries: Vec<Library> =
        root.spec.libraries.iter().map(|settings| library(&settings.folder)).collect();
    let in_library = |file: &str| libraries.iter().any(|library| library.holds(file));
    let local: BTreeSet<(Kind, Name)> = documents
        .names()
        .filter(|(_, _, raw)| !in_library(&raw.file))
        .map(|(kind, name, _)| (kind, name.clone()))
        .collect();
    documents.retain(&mut |kind, name, raw| {
        !in_library(&raw.file) || (kind != Kind::Instance && !local.contains(&(kind, name.clone())))
    });
}

fn library(folder: &str) -> Library {
    let folder = folder.trim_start_matches("./").trim_matches('/');
    Library { folder: Arc::from(folder), deployments: BTreeSet::new(), every: false }
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
            let inside: Vec<&Name> = [Kind::Deployment, Kind::Bundle]
                .into_iter()
                .filter_map(|kind| self.names.get(&kind))
                .flatten()
                .filter(|(_, declared)| library.holds(&declared.raw.file))
                .map(|(name, _)| *name)
                .collect();
            for (number, name) in settings.deployments.iter().enumerate() {
                if inside.contains(&name) {
                    continue;
                }
                let place = document.raw.place(&format!("/spec/libraries/{at}/deployments/{number}"));
                let message =
                    format!("the library `{}` has no deployment or bundle `{name}`", library.folder);
                let finding = Finding::new(code::UNKNOWN_REFERENCE, message, place);
                let near = nearest(name.as_str(), inside.iter().map(|name| name.as_str()));
                self.push(match near {
                    Some(near) => finding.help(format!("did you mean `{near}`?")),
                    None => finding.help("take it out; what the repository itself declares needs no listing"),
                });
            }
        }
        self.begin_all();
    }

    /// The layer of a deployment or bundle.
    pub(super) fn layer(&self, raw: &RawDocument, name: &Name) -> Layer {
        match self.libraries.iter().find(|library| library.holds(&raw.file)) {
            Some(library) => Layer::Library {
                folder: Arc::clone(&library.folder),
                listed: library.every || library.deployments.contains(name),
            },
            None => Layer::Local,
        }
    }
}
