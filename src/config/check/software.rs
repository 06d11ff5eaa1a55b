//! Software: how it is found, its versions, and what its own settings need.

use std::collections::BTreeMap;

use super::{Checker, by_name};
use crate::config::document::{Document, Documents};
use crate::config::kind::{Detect, Kind, SoftwareSpec, Strategy, TaskSpec, VersionScheme};
use crate::config::model::{self, Software};
use crate::config::parse::RawDocument;
use crate::diagnostic::{Finding, code};
use crate::id::Name;
use crate::version;

/// A software as far as others need it, and the model, if it could be made.
pub(super) struct CheckedSoftware<'a> {
    pub(super) spec: &'a SoftwareSpec,
    /// The versions, highest first; `None` when some are no versions.
    pub(super) versions: Option<Vec<String>>,
    pub(super) model: Option<Software>,
}

impl<'a> Checker<'a> {
    pub(super) fn all_software(&mut self, documents: &'a Documents) -> BTreeMap<Name, CheckedSoftware<'a>> {
        let tasks = by_name(&documents.tasks);
        let mut all = BTreeMap::new();
        for document in &documents.software {
            self.begin(document);
            let checked = self.software(document, &tasks);
            if document.is_sound {
                all.entry(document.name().clone()).or_insert(checked);
            }
        }
        self.begin_all();
        self.prerequisite_cycles(&documents.software);
        all
    }

    fn software(
        &mut self,
        document: &'a Document<SoftwareSpec>,
        tasks: &BTreeMap<&Name, &Document<TaskSpec>>,
    ) -> CheckedSoftware<'a> {
        let Document { raw, metadata, spec, .. } = document;
        let scheme = spec.version_scheme.unwrap_or_default();
        let detect = self.detect(raw, &spec.detect);
        let versions = self.versions(raw, scheme, &spec.versions);
        let mut scripts = |key: &str, scripts: &Option<_>| {
            scripts.as_ref().map(|scripts| self.scripts(raw, &format!("/spec/{key}"), scripts))
        };
        let install = scripts("install", &spec.install);
        let uninstall = scripts("uninstall", &spec.uninstall);
        let test = scripts("test", &spec.test);
        let mut strategy = |key: &str, given: &Option<Strategy>, default| match given {
            Some(strategy) => {
                self.strategy_has_scripts(raw, key, spec, strategy);
                self.strategy(raw, &format!("/spec/{key}"), strategy)
            }
            None => default,
        };
        let upgrade = strategy("upgrade", &spec.upgrade, model::Strategy::InstallOver);
        let repair = strategy("repair", &spec.repair, model::Strategy::None);
        self.declarations(raw, &spec.parameters);
        let prerequisites = self.prerequisites(document);
        if let Some(task) = &spec.configuration {
            self.configuration(raw, spec, task, tasks);
        }
        let model = detect.zip(versions.as_ref()).map(|(detect, versions)| Software {
            metadata: metadata.clone(),
            place: document.place(),
            detect,
            scheme,
            versions: versions.clone(),
            install,
            upgrade,
            uninstall,
            repair,
            test,
            prerequisites,
            configuration: spec.configuration.clone(),
            parameters: spec.parameters.clone(),
            enabled: spec.enabled,
        });
        CheckedSoftware { spec, versions, model }
    }

    fn detect(&mut self, raw: &RawDocument, detect: &Detect) -> Option<model::Detect> {
        Some(match detect {
            Detect::Inventory(inventory) => {
                self.text_match(raw, "/spec/detect/inventory/name", &inventory.name);
                model::Detect::Inventory(inventory.clone())
            }
            Detect::Package(package) => {
                self.not_empty(raw, "/spec/detect/package/name", &package.name);
                model::Detect::Package(package.clone())
            }
            Detect::UpgradeCode(text) => {
                model::Detect::UpgradeCode(self.guid(raw, "/spec/detect/upgradeCode", text)?)
            }
            Detect::ProductCode(text) => {
                model::Detect::ProductCode(self.guid(raw, "/spec/detect/productCode", text)?)
            }
            Detect::Script(scripts) => {
                model::Detect::Script(self.scripts(raw, "/spec/detect/script", scripts))
            }
        })
    }

    /// A code of Windows Installer in upper case with braces.
    fn guid(&mut self, raw: &RawDocument, pointer: &str, text: &str) -> Option<String> {
        let inner = match text.strip_prefix('{') {
            Some(rest) => rest.strip_suffix('}'),
            None => Some(text),
        };
        let parts: Vec<&str> = inner.unwrap_or_default().split('-').collect();
        let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
        let is_hexadecimal = parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()));
        if lengths == [8, 4, 4, 4, 12] && is_hexadecimal {
            return Some(format!("{{{}}}", parts.join("-").to_ascii_uppercase()));
        }
        let message = format!("{text:?} is not a code of Windows Installer");
        let finding = Finding::new(code::INVALID_VALUE, message, raw.place(pointer));
        self.push(finding.help("write '{01234567-89AB-CDEF-0123-456789ABCDEF}'"));
        None
    }

    /// The versions, highest first.
    fn versions(
        &mut self,
        raw: &RawDocument,
        scheme: VersionScheme,
        given: &[String],
    ) -> Option<Vec<String>> {
        let mut valid = true;
        for (at, text) in given.iter().enumerate() {
            if let Err(error) = version::check(scheme, text) {
                self.report(code::VERSION, error.to_string(), raw.place(&format!("/spec/versions/{at}")));
                valid = false;
            }
        }
        if !valid {
            return None;
        }
        let mut sorted: Vec<(usize, &String)> = given.iter().enumerate().collect();
        let compare = |a: &str, b: &str| version::compare(scheme, a, b).unwrap_or(std::cmp::Ordering::Equal);
        sorted.sort_by(|a, b| compare(b.1, a.1).then(a.0.cmp(&b.0)));
        for pair in sorted.windows(2) {
            if let [(first, a), (second, b)] = pair
                && compare(a, b).is_eq()
            {
                let message = format!("the version {b:?} is listed twice");
                let finding =
                    Finding::new(code::SETTING, message, raw.place(&format!("/spec/versions/{second}")));
                let first = raw.place(&format!("/spec/versions/{first}"));
                self.push(finding.related(first, "it is the same as this one").help("take one of them out"));
            }
        }
        Some(sorted.into_iter().map(|(_, text)| text.clone()).collect())
    }

    /// A strategy that is written down has the scripts that it runs.
    fn strategy_has_scripts(
        &mut self,
        raw: &RawDocument,
        key: &str,
        spec: &SoftwareSpec,
        strategy: &Strategy,
    ) {
        let (name, needs_uninstall) = match strategy {
            Strategy::InstallOver => ("install-over", false),
            Strategy::UninstallInstall => ("uninstall-install", true),
            Strategy::None | Strategy::Script(_) => return,
        };
        let lacks =
            [("install", spec.install.is_none()), ("uninstall", needs_uninstall && spec.uninstall.is_none())];
        for (script, _) in lacks.iter().filter(|(_, lacks)| *lacks) {
            let message = format!("the {key} strategy {name} needs the script `{script}`, and there is none");
            let finding = Finding::new(code::NO_STRATEGY, message, raw.place(&format!("/spec/{key}")));
            self.push(finding.help(format!("add `{script}`, or choose another strategy")));
        }
    }

    /// The task that follows a software can be enforced with the software's parameters.
    fn configuration(
        &mut self,
        raw: &RawDocument,
        spec: &SoftwareSpec,
        name: &Name,
        tasks: &BTreeMap<&Name, &Document<TaskSpec>>,
    ) {
        let pointer = "/spec/configuration";
        if !self.reference(raw, pointer, Kind::Task, name) {
            return;
        }
        let Some(task) = tasks.get(name) else { return };
        let lacks = [("test", task.spec.test.is_none()), ("set", task.spec.set.is_none())];
        for (script, _) in lacks.iter().filter(|(_, lacks)| *lacks) {
            let message = format!("a configuration task needs `{script}`, and `{name}` has none");
            let finding = Finding::new(code::MODE_WITHOUT_SCRIPT, message, raw.place(pointer));
            self.push(finding.related(task.place(), "the task is declared here"));
        }
        for (parameter, wanted) in &task.spec.parameters {
            let place = || raw.place(pointer);
            match spec.parameters.get(parameter) {
                None if wanted.required && wanted.default.is_none() => {
                    let message = format!(
                        "the configuration task `{name}` requires the parameter `{parameter}`, which this software does not declare"
                    );
                    let finding = Finding::new(code::PARAMETER, message, place());
                    self.push(finding.related(task.place(), "the task is declared here").help(format!(
                        "declare `{parameter}` below `parameters`: a configuration task is given the software's"
                    )));
                }
                Some(declared) if declared.r#type != wanted.r#type => {
                    let message = format!(
                        "the parameter `{parameter}` is of another type here than in the configuration task `{name}`"
                    );
                    let place =
                        raw.key_place(&format!("/spec/parameters/{}", super::parameter::escaped(parameter)));
                    let finding = Finding::new(code::PARAMETER, message, place);
                    self.push(finding.related(task.place(), "the task is declared here"));
                }
                _ => {}
            }
        }
    }
}
