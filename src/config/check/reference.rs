//! References between documents: the name is declared, and it is of the kind that the place needs.

use super::Checker;
use crate::config::kind::Kind;
use crate::config::parse::RawDocument;
use crate::diagnostic::{Finding, Place, code, nearest};
use crate::id::Name;

impl Checker<'_> {
    /// Whether `name` is declared as a `kind`; otherwise says what is wrong at `pointer`.
    pub(super) fn reference(&mut self, raw: &RawDocument, pointer: &str, kind: Kind, name: &Name) -> bool {
        self.reference_at(raw, raw.place(pointer), kind, name)
    }

    /// The same for a name that is the key at `pointer`.
    pub(super) fn key_reference(
        &mut self,
        raw: &RawDocument,
        pointer: &str,
        kind: Kind,
        name: &Name,
    ) -> bool {
        self.reference_at(raw, raw.key_place(pointer), kind, name)
    }

    fn reference_at(&mut self, raw: &RawDocument, place: Place, kind: Kind, name: &Name) -> bool {
        if self.is_declared(kind, name) {
            self.uses(raw, kind, name);
            if kind == Kind::Target {
                self.target_of_library(raw, &place, name);
            }
            return true;
        }
        if self.is_written(raw, &place, name.as_str()) {
            self.unknown(kind, name, place);
        }
        false
    }

    fn unknown(&mut self, kind: Kind, name: &Name, place: Place) {
        let other =
            self.names.iter().find_map(|(other, names)| names.get(name).map(|found| (*other, *found)));
        if let Some((other, found)) = other {
            let message =
                format!("`{name}` is {}, and this place needs {}", other.with_article(), kind.with_article());
            let mut finding = Finding::new(code::WRONG_KIND_HERE, message, place);
            finding = finding.related(found.raw.origin(), format!("the {other} is declared here"));
            if let Some(near) = self.near(kind, name) {
                finding = finding.help(format!("did you mean the {kind} `{near}`?"));
            }
            self.push(finding);
            return;
        }
        let finding = Finding::new(code::UNKNOWN_REFERENCE, format!("there is no {kind} `{name}`"), place);
        let help = match self.near(kind, name) {
            Some(near) => format!("did you mean `{near}`?"),
            None if self.around.incomplete => {
                "it may be declared in a file that could not be read".to_owned()
            }
            None if !self.names.contains_key(&kind) => format!("no {kind} is declared in this repository"),
            None => format!("declare it, or correct the name of the {kind}"),
        };
        self.push(finding.help(help));
    }

    pub(super) fn is_declared(&self, kind: Kind, name: &Name) -> bool {
        self.names.get(&kind).is_some_and(|names| names.contains_key(name))
    }

    fn near(&mut self, kind: Kind, name: &Name) -> Option<String> {
        let names = self.names.get(&kind)?;
        let near = self
            .nearest
            .entry((kind, name.clone()))
            .or_insert_with(|| nearest(name.as_str(), names.keys().map(|name| name.as_str())));
        near.map(str::to_owned)
    }
}
