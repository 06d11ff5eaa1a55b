//! Who refers to whom, which files nobody names, and which warnings documents allow: what lints are worked out from.
//!
//! Not here: the lints (`plan::lint`).
//!
//! Invariant: a reference that was looked up is a use; every kind's references are looked up in one place.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Checker;
use super::script::by_ending;
use crate::config::document::Documents;
use crate::config::kind::Kind;
use crate::config::model::{Allow, Uses};
use crate::config::parse::RawDocument;
use crate::config::tree::{Entry, is_hidden};
use crate::diagnostic::{Finding, Findings};
use crate::id::Name;

/// Takes out the warnings that documents allow about themselves. Gives those that are left, and the positions of the
/// allowances that silenced one.
#[must_use]
pub fn silence(allows: &[Allow], findings: Findings) -> (Findings, BTreeSet<usize>) {
    let mut used = BTreeSet::new();
    if allows.is_empty() {
        return (findings, used);
    }
    let mut kept = Findings::new();
    for finding in findings {
        let fits = |allow: &Allow| {
            allow.code == finding.code
                && finding.place.as_ref().is_some_and(|place| {
                    place.file == allow.document.file
                        && (allow.document.start..=allow.document.end).contains(&place.start)
                })
        };
        match allows.iter().position(fits) {
            Some(at) if !finding.is_error() => _ = used.insert(at),
            _ => kept.push(finding),
        }
    }
    (kept, used)
}

impl<'a> Checker<'a> {
    /// Notes that a document refers to another one.
    pub(super) fn uses(&mut self, raw: &RawDocument, kind: Kind, name: &Name) {
        let declared = self.names.get(&kind).and_then(|names| names.get_key_value(name));
        if let (Some((name, _)), Some(by)) = (declared, Kind::find(&raw.kind)) {
            self.used.insert((kind, name, by));
        }
    }

    /// Notes a lint that was met on the way.
    pub(super) fn notice(&mut self, finding: Finding) {
        if !self.is_partial {
            self.noticed.push(finding);
        }
    }

    /// What is known of uses once everything was looked at.
    pub(super) fn all_uses(&mut self, documents: &'a Documents) -> Uses {
        let mut used: BTreeMap<(Kind, Name), BTreeSet<Kind>> = BTreeMap::new();
        for (kind, name, by) in &self.used {
            used.entry((*kind, (*name).clone())).or_default().insert(*by);
        }
        let declared = self.names.iter().flat_map(|(kind, names)| {
            names.iter().map(|(name, declared)| ((*kind, (*name).clone()), declared.raw.origin()))
        });
        let mut allows = Vec::new();
        for (metadata, raw) in documents.metadata().filter(|(metadata, _)| !metadata.allow.is_empty()) {
            for (at, allowed) in metadata.allow.iter().enumerate() {
                allows.push(Allow {
                    code: allowed.0,
                    place: raw.place(&format!("/metadata/allow/{at}")),
                    document: raw.extent(),
                    used: false,
                });
            }
        }
        Uses {
            declared: declared.collect(),
            used,
            forgotten: self.forgotten(documents),
            noticed: std::mem::take(&mut self.noticed),
            allows,
        }
    }

    /// Script files that no document names, in folders in which documents have scripts.
    fn forgotten(&self, documents: &Documents) -> Vec<Arc<str>> {
        let folder = |file: &str| file.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
        let mut folders: BTreeSet<String> = BTreeSet::new();
        for (kind, _, raw) in documents.names() {
            let has_scripts = matches!(kind, Kind::Software | Kind::Task | Kind::Script);
            if has_scripts && !self.libraries.iter().any(|library| library.holds(&raw.file)) {
                folders.insert(folder(&raw.file));
            }
        }
        let entries = self.around.tree.iter().filter(|(path, entry)| {
            matches!(entry, Entry::File)
                && !is_hidden(path)
                && by_ending(path).is_some()
                && !self.around.files.contains_key(*path)
                && !self.around.payloads.contains_key(*path)
                && folders.contains(&folder(path))
        });
        entries.map(|(path, _)| Arc::clone(path)).collect()
    }
}
