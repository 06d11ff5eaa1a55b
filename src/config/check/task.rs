//! Tasks: they have at least one script, and their parameters make sense.

use std::collections::BTreeMap;

use super::Checker;
use crate::config::document::Document;
use crate::config::kind::TaskSpec;
use crate::config::model::Task;
use crate::id::Name;

impl<'a> Checker<'a> {
    pub(super) fn tasks(&mut self, documents: &'a [Document<TaskSpec>]) -> BTreeMap<Name, Task> {
        let mut tasks = BTreeMap::new();
        for document in documents {
            self.begin(document);
            let Document { raw, metadata, spec, .. } = document;
            let keys =
                [("test", spec.test.is_some()), ("set", spec.set.is_some()), ("get", spec.get.is_some())];
            self.at_least_one(raw, "/spec", &keys);
            let mut scripts = |key: &str, scripts: &Option<_>| {
                scripts.as_ref().map(|scripts| self.scripts(raw, &format!("/spec/{key}"), scripts))
            };
            let (test, set, get) =
                (scripts("test", &spec.test), scripts("set", &spec.set), scripts("get", &spec.get));
            self.declarations(raw, &spec.parameters);
            tasks.entry(document.name().clone()).or_insert_with(|| Task {
                metadata: metadata.clone(),
                place: document.place(),
                test,
                set,
                get,
                parameters: spec.parameters.clone(),
                enabled: spec.enabled,
            });
        }
        tasks
    }
}
