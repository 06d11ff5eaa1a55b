//! Directories and PSAs: their files are there; who links to them; how far their answers are believed.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Checker;
use crate::config::document::{Document, Documents};
use crate::config::kind::{
    DirectorySpec, Kind, PsaSpec, ShrinkSpec, SimulatedSource, SourceSettings, TenantSpec,
};
use crate::config::model::{Believing, Linked, Shrink};
use crate::config::parse::RawDocument;
use crate::diagnostic::{Finding, code, nearest};
use crate::id::Name;

/// Links of one kind, by name.
type Links<T> = BTreeMap<Name, Linked<T>>;

impl<'a> Checker<'a> {
    pub(super) fn sources(&mut self, documents: &'a Documents) -> (Links<DirectorySpec>, Links<PsaSpec>) {
        let directories = self.links(&documents.directories, |DirectorySpec::Simulated(source)| source);
        let psas = self.links(&documents.psas, |PsaSpec::Simulated(source)| source);
        (directories, psas)
    }

    fn links<T: Clone>(
        &mut self,
        documents: &'a [Document<T>],
        source: fn(&T) -> &SimulatedSource,
    ) -> Links<T> {
        let mut links = Links::new();
        for document in documents {
            self.begin(document);
            let mut files = BTreeMap::new();
            let path = &source(&document.spec).file;
            if let Some(text) = self.data_file(&document.raw, "/spec/simulated/file", path) {
                files.insert(path.clone(), text);
            }
            links.entry(document.name().clone()).or_insert_with(|| Linked {
                metadata: document.metadata.clone(),
                place: document.place(),
                spec: document.spec.clone(),
                files,
            });
        }
        links
    }

    /// What a tenant links to exists.
    pub(super) fn tenant_links(&mut self, raw: &RawDocument, spec: &TenantSpec) {
        if let Some(directory) = &spec.directory {
            self.reference(raw, "/spec/directory", Kind::Directory, directory);
        }
        if let Some(psa) = &spec.psa {
            self.reference(raw, "/spec/psa/name", Kind::Psa, &psa.name);
            self.not_empty(raw, "/spec/psa/company", &psa.company);
        }
    }

    pub(super) fn believing(&mut self, raw: &RawDocument, spec: Option<&SourceSettings>) -> Believing {
        let mut believing = Believing::default();
        let Some(spec) = spec else { return believing };
        if let Some(limit) = spec.time_limit {
            believing.limit = limit;
        }
        if let Some(shrink) = &spec.shrink {
            believing.shrink = self.shrink(raw, "/spec/sources/shrink", shrink, believing.shrink);
        }
        for (name, shrink) in &spec.each {
            let pointer = format!("/spec/sources/each/{name}");
            let kinds = [Kind::Provider, Kind::Directory, Kind::Psa, Kind::Script];
            if !kinds.iter().any(|kind| self.is_declared(*kind, name)) {
                let message = format!("there is no Provider, Directory, Psa or Script `{name}`");
                let finding = Finding::new(code::UNKNOWN_REFERENCE, message, raw.key_place(&pointer));
                let known = kinds.iter().filter_map(|kind| self.names.get(kind)).flat_map(BTreeMap::keys);
                let near = nearest(name.as_str(), known.map(|name| name.as_str())).map(str::to_owned);
                self.push(match near {
                    Some(near) => finding.help(format!("did you mean `{near}`?")),
                    None => finding.help("the keys here are names of sources"),
                });
            }
            let own = self.shrink(raw, &pointer, shrink, believing.shrink);
            believing.each.insert(name.clone(), own);
        }
        believing
    }

    fn shrink(&mut self, raw: &RawDocument, pointer: &str, spec: &ShrinkSpec, otherwise: Shrink) -> Shrink {
        self.within(raw, &format!("{pointer}/percent"), spec.percent, 0, 100);
        Shrink {
            percent: spec.percent.unwrap_or(otherwise.percent),
            minimum: spec.minimum.unwrap_or(otherwise.minimum),
        }
    }
}

/// The files that directories and PSAs read for themselves: the file that names each, and the path as written.
pub(super) fn data_files(documents: &Documents) -> impl Iterator<Item = (&Arc<str>, &str)> {
    let directories = documents.directories.iter().map(|document| {
        let DirectorySpec::Simulated(source) = &document.spec;
        (&document.raw.file, source.file.as_str())
    });
    let psas = documents.psas.iter().map(|document| {
        let PsaSpec::Simulated(source) = &document.spec;
        (&document.raw.file, source.file.as_str())
    });
    directories.chain(psas)
}
