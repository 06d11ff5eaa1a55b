//! Tasks: they have at least one script, and their parameters make sense.

use std::collections::BTreeMap;

use super::Checker;
use super::property::defaults;
use crate::config::document::Document;
use crate::config::kind::TaskSpec;
use crate::config::model::Task;
use crate::config::parse::RawDocument;
use crate::diagnostic::{Finding, code};
use crate::id::Name;

impl<'a> Checker<'a> {
    pub(super) fn tasks(&mut self, documents: &'a [Document<TaskSpec>]) -> BTreeMap<Name, Task> {
        let mut tasks = BTreeMap::new();
        for document in documents {
            self.begin(document);
            let Document { raw, metadata, spec, .. } = document;
            let keys =
                [("test", spec.test.is_some()), ("set", spec.set.is_some()), ("get", spec.get.is_some())];
            if spec.resource.is_some() {
                let script = [("script", spec.script.is_some())];
                self.alone(raw, "resource", &[&keys[..], &script].concat());
            } else if spec.script.is_some() {
                self.alone(raw, "script", &keys);
            } else {
                self.at_least_one(raw, "/spec", &keys);
            }
            if spec.once.is_some() {
                let others = [
                    ("test", spec.test.is_some()),
                    ("get", spec.get.is_some()),
                    ("script", spec.script.is_some()),
                    ("resource", spec.resource.is_some()),
                ];
                self.once(raw, &others);
            }
            let resource = spec.resource.as_ref();
            let resource = resource.and_then(|resource| self.resource(raw, resource, &spec.parameters));
            let mut scripts = |key: &str, scripts: &Option<_>| {
                scripts.as_ref().map(|scripts| self.scripts(raw, &format!("/spec/{key}"), scripts))
            };
            let (test, set, get) = if let Some((_, built_in)) = &resource {
                (Some(built_in.clone()), Some(built_in.clone()), Some(built_in.clone()))
            } else if spec.script.is_some() {
                let all = scripts("script", &spec.script);
                (all.clone(), all.clone(), all)
            } else {
                (scripts("test", &spec.test), scripts("set", &spec.set), scripts("get", &spec.get))
            };
            self.declarations(raw, &spec.parameters);
            self.through_parameters(raw, document, defaults(&spec.parameters));
            let parameters = self.with_files_of_defaults(raw, &spec.parameters);
            tasks.entry(document.name().clone()).or_insert_with(|| Task {
                metadata: metadata.clone(),
                place: document.place(),
                test,
                set,
                get,
                once: spec.once.clone(),
                resource: resource.map(|(resource, _)| resource),
                lock: spec.lock.clone(),
                parameters,
                enabled: spec.enabled,
            });
        }
        tasks
    }

    /// What is set once is not looked at.
    fn once(&mut self, raw: &RawDocument, others: &[(&str, bool)]) {
        for (other, _) in others.iter().filter(|(_, given)| *given) {
            let message = format!("`{other}` cannot be beside `once`");
            let finding = Finding::new(code::SETTING, message, raw.key_place(&format!("/spec/{other}")));
            let at = raw.key_place("/spec/once");
            self.push(
                finding.related(at, "this says that `set` runs once and is not looked at").help(
                    "take `once` out: a task that can be looked at is set whenever it is not as wanted",
                ),
            );
        }
    }

    /// A key that says all that these would say stands without them.
    fn alone(&mut self, raw: &RawDocument, key: &str, others: &[(&str, bool)]) {
        for (other, _) in others.iter().filter(|(_, given)| *given) {
            let message = format!("`{other}` cannot be beside `{key}`");
            let finding = Finding::new(code::SETTING, message, raw.key_place(&format!("/spec/{other}")));
            let at = raw.key_place(&format!("/spec/{key}"));
            self.push(finding.related(at, "this stands for all of them").help("take one of them out"));
        }
    }
}
