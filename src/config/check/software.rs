//! Software: how it is found, its versions, and what its own settings need.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::property::defaults;
use super::{Checker, by_name, packages};
use crate::config::document::{Document, Documents};
use crate::config::kind::{Detect, Kind, LicenseNeed, SoftwareSpec, Strategy, TaskSpec};
use crate::config::model::{self, Software};
use crate::config::parse::RawDocument;
use crate::diagnostic::{Finding, code};
use crate::id::Name;

/// A software as far as others need it, and the model, if it could be made.
pub(super) struct CheckedSoftware<'a> {
    pub(super) spec: &'a SoftwareSpec,
    /// The versions, highest first; `None` when some are no versions.
    pub(super) versions: Option<Vec<String>>,
    /// Whether it has a source, and the lock file holds nothing of it.
    pub(super) is_not_locked: bool,
    pub(super) model: Option<Software>,
}

/// Which scripts there are for strategies to run.
pub(super) struct Scripted {
    pub(super) install: bool,
    pub(super) uninstall: bool,
}

impl Scripted {
    pub(super) fn of(spec: &SoftwareSpec) -> Self {
        let packages = spec.packages.is_some();
        Self { install: spec.install.is_some() || packages, uninstall: spec.uninstall.is_some() || packages }
    }
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
        self.stale_locks(&all);
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
        let detect = match (&spec.detect, &spec.packages) {
            (Some(detect), _) => self.detect(raw, detect),
            (None, Some(packages)) => Some(model::Detect::Packages(packages.clone())),
            (None, None) => {
                let finding = Finding::new(
                    code::MISSING_KEY,
                    "`detect` or `packages` has to be given",
                    raw.place("/spec"),
                );
                self.push(finding.help("say how it is found, or what package managers call it"));
                None
            }
        };
        let mut scripts = |key: &str, scripts: &Option<_>| {
            scripts.as_ref().map(|scripts| self.scripts(raw, &format!("/spec/{key}"), scripts))
        };
        let mut install = scripts("install", &spec.install);
        let mut uninstall = scripts("uninstall", &spec.uninstall);
        let test = scripts("test", &spec.test);
        let pre_install = scripts("preInstall", &spec.pre_install);
        let post_install = scripts("postInstall", &spec.post_install);
        let post_uninstall = scripts("postUninstall", &spec.post_uninstall);
        let download = scripts("download", &spec.download);
        let mut strategy = |key: &str, given: &Option<Strategy>, default| match given {
            Some(strategy) => {
                self.strategy_has_scripts(raw, &format!("/spec/{key}"), strategy, &Scripted::of(spec));
                self.strategy(raw, &format!("/spec/{key}"), strategy)
            }
            None => default,
        };
        let upgrade = strategy("upgrade", &spec.upgrade, model::Strategy::InstallOver);
        let repair = strategy("repair", &spec.repair, model::Strategy::None);
        let source = spec.source.as_ref().map(|source| self.version_source(raw, scheme, source));
        let locked = source.as_ref().and_then(|_| self.around.lock?.software.get(document.name()));
        if let Some(packages) = &spec.packages
            && self.packages(raw, packages)
        {
            install = packages::filled(install, packages, packages::Use::Install);
            uninstall = packages::filled(uninstall, packages, packages::Use::Uninstall);
        }
        let releases = self.releases(document, scheme, locked);
        let versions =
            releases.as_ref().map(|all| all.iter().map(|release| release.version.clone()).collect());
        self.declarations(raw, &spec.parameters);
        let parameters = self.with_files_of_defaults(raw, &spec.parameters);
        if spec.license != LicenseNeed::None && spec.parameters.contains_key("license") {
            let message = "the parameter `license` is the licence's own name";
            let finding = Finding::new(code::LICENSE, message, raw.key_place("/spec/parameters/license"));
            self.push(finding.help("rename the parameter: scripts get the licence as `license`"));
        }
        let prerequisites = self.prerequisites(document);
        if let Some(task) = &spec.configuration {
            self.configuration(raw, spec, task, tasks);
        } else if spec.configuration_required {
            let message = "no configuration task is named that could be required";
            let finding = Finding::new(code::SETTING, message, raw.key_place("/spec/configurationRequired"));
            self.push(finding.help("add `configuration: TASK`, or take it out"));
        }
        let model = detect.zip(releases).map(|(detect, releases)| Software {
            metadata: metadata.clone(),
            place: document.place(),
            detect,
            scheme,
            releases,
            source: source.flatten().map(Arc::new),
            install,
            upgrade,
            pre_install,
            post_install,
            uninstall,
            post_uninstall,
            download,
            license: spec.license,
            needs_reboot: spec.needs_reboot,
            repair,
            test,
            prerequisites,
            configuration: spec.configuration.clone(),
            lock: spec.lock.clone(),
            parameters_changed: spec.parameters_changed,
            parameters,
            enabled: spec.enabled,
        });
        CheckedSoftware { spec, versions, is_not_locked: spec.source.is_some() && locked.is_none(), model }
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

    /// A strategy that is written down has the scripts that it runs.
    pub(super) fn strategy_has_scripts(
        &mut self,
        raw: &RawDocument,
        pointer: &str,
        strategy: &Strategy,
        scripted: &Scripted,
    ) {
        let (name, needs_uninstall) = match strategy {
            Strategy::InstallOver => ("install-over", false),
            Strategy::UninstallInstall => ("uninstall-install", true),
            Strategy::None | Strategy::Script(_) => return,
        };
        let lacks = [("install", !scripted.install), ("uninstall", needs_uninstall && !scripted.uninstall)];
        let key = pointer.rsplit('/').next().unwrap_or_default();
        for (script, _) in lacks.iter().filter(|(_, lacks)| *lacks) {
            let message = format!("the {key} strategy {name} needs the script `{script}`, and there is none");
            let finding = Finding::new(code::NO_STRATEGY, message, raw.place(pointer));
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
        let lacks = [("test", !task.spec.has_test()), ("set", !task.spec.has_set())];
        for (script, _) in lacks.iter().filter(|(_, lacks)| *lacks) {
            let message = format!("a configuration task needs `{script}`, and `{name}` has none");
            let finding = Finding::new(code::MODE_WITHOUT_SCRIPT, message, raw.place(pointer));
            self.push(finding.related(task.place(), "the task is declared here"));
        }
        self.through_parameters(raw, task, defaults(&spec.parameters));
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
