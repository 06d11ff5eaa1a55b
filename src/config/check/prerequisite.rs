//! Prerequisites: what they name exists, they can hold, and they do not go round in circles (PRE-5, PRE-11).

use super::Checker;
use crate::config::document::Document;
use crate::config::kind::{Consequence, Kind, Prerequisite, SoftwareSpec};
use crate::config::model;
use crate::diagnostic::{Finding, code};
use crate::id::Name;

impl<'a> Checker<'a> {
    pub(super) fn prerequisites(&mut self, document: &Document<SoftwareSpec>) -> Vec<model::Prerequisite> {
        let raw = &document.raw;
        let all = &document.spec.prerequisites;
        for (at, prerequisite) in all.iter().enumerate() {
            let pointer = format!("/spec/prerequisites/{at}");
            let when = &prerequisite.when;
            let keys =
                [("installed", when.installed.is_some()), ("notInstalled", when.not_installed.is_some())];
            self.exactly_one(raw, &format!("{pointer}/when"), &keys);
            for (key, names) in [("installed", &when.installed), ("notInstalled", &when.not_installed)] {
                if let Some(names) = names {
                    self.others(document, &format!("{pointer}/when/{key}"), names);
                }
            }
            match &prerequisite.then {
                Consequence::Install(names) => {
                    self.others(document, &format!("{pointer}/then/install"), names);
                }
                Consequence::Uninstall(names) => {
                    self.others(document, &format!("{pointer}/then/uninstall"), names);
                }
                Consequence::Fail(why) => _ = self.not_empty(raw, &format!("{pointer}/then/fail"), why),
            }
            self.contradiction(document, at, prerequisite);
        }
        all.iter()
            .enumerate()
            .map(|(at, prerequisite)| model::Prerequisite {
                place: raw.place(&format!("/spec/prerequisites/{at}")),
                when: prerequisite.when.clone(),
                then: prerequisite.then.clone(),
            })
            .collect()
    }

    /// A list of software, none of which is the one that it belongs to.
    fn others(&mut self, document: &Document<SoftwareSpec>, pointer: &str, names: &[Name]) {
        self.not_empty_list(&document.raw, pointer, names);
        for (at, name) in names.iter().enumerate() {
            let pointer = format!("{pointer}/{at}");
            if name == document.name() {
                let message = format!("the prerequisites of `{name}` refer to `{name}` itself");
                let finding = Finding::new(code::PREREQUISITE, message, document.raw.place(&pointer));
                self.push(finding.help("a prerequisite is about other software; take this out"));
            } else {
                self.reference(&document.raw, &pointer, Kind::Software, name);
            }
        }
    }

    /// Under one condition the same software is to be there and not to be there.
    fn contradiction(&mut self, document: &Document<SoftwareSpec>, at: usize, second: &Prerequisite) {
        let earlier = document.spec.prerequisites.iter().take(at).enumerate();
        for (first_at, first) in earlier.filter(|(_, first)| first.when == second.when) {
            let ((Consequence::Install(here), Consequence::Uninstall(there))
            | (Consequence::Uninstall(there), Consequence::Install(here))) = (&first.then, &second.then)
            else {
                continue;
            };
            if let Some(name) = here.iter().find(|name| there.contains(name)) {
                let place = |at| document.raw.place(&format!("/spec/prerequisites/{at}/then"));
                let message =
                    format!("`{name}` has to be installed and uninstalled under the same condition");
                let finding = Finding::new(code::PREREQUISITE, message, place(at));
                self.push(finding.related(place(first_at), "the opposite is asked for here"));
            }
        }
    }

    /// Circles among what software needs installed. What it names only to refuse counts too, as it has to come first.
    pub(super) fn prerequisite_cycles(&mut self, documents: &'a [Document<SoftwareSpec>]) {
        let mut edges = Vec::new();
        for document in documents.iter().filter(|document| !document.spec.prerequisites.is_empty()) {
            let mut needed: Vec<&Name> = Vec::new();
            for prerequisite in &document.spec.prerequisites {
                match (&prerequisite.then, &prerequisite.when.not_installed) {
                    (Consequence::Install(names), _) | (Consequence::Fail(_), Some(names)) => {
                        needed.extend(names);
                    }
                    _ => {}
                }
            }
            // A software that needs itself has a finding of its own.
            needed.retain(|name| *name != document.name());
            edges.push((document.name(), document.place(), needed));
        }
        self.no_cycles("Software", "needs", edges);
    }
}
