//! Deployments: one item, one target, and an item that can do what is asked of it.

use std::collections::BTreeMap;

use super::software::CheckedSoftware;
use super::{Checker, by_name};
use crate::config::document::{Document, Documents};
use crate::config::kind::{DeploymentSpec, Kind, Match, Mode, SoftwareState, TargetSpec, TaskSpec};
use crate::config::model::{Deployment, Desired, WantedVersion};
use crate::config::parse::RawDocument;
use crate::diagnostic::{Finding, code};
use crate::id::Name;
use crate::inventory::item::ItemKey;
use crate::version::{self, Constraint};

impl<'a> Checker<'a> {
    pub(super) fn deployments(
        &mut self,
        documents: &'a Documents,
        software: &BTreeMap<Name, CheckedSoftware<'a>>,
    ) -> BTreeMap<Name, Deployment> {
        let tasks = by_name(&documents.tasks);
        let targets = by_name(&documents.targets);
        let mut deployments = BTreeMap::new();
        for document in &documents.deployments {
            self.begin(document);
            if let Some(deployment) = self.deployment(document, software, &tasks, &targets) {
                deployments.entry(document.name().clone()).or_insert(deployment);
            }
        }
        deployments
    }

    fn deployment(
        &mut self,
        document: &Document<DeploymentSpec>,
        software: &BTreeMap<Name, CheckedSoftware<'a>>,
        tasks: &BTreeMap<&Name, &Document<TaskSpec>>,
        targets: &BTreeMap<&Name, &Document<TargetSpec>>,
    ) -> Option<Deployment> {
        let Document { raw, metadata, spec, .. } = document;
        let expression = self.target(raw, spec, targets);
        let keys = [("software", spec.software.is_some()), ("task", spec.task.is_some())];
        if !self.exactly_one(raw, "/spec", &keys) {
            return None;
        }
        let mode = spec.mode.unwrap_or(Mode::Enforce);
        let (item, desired) = if let Some(name) = &spec.software {
            (ItemKey::software(name.clone()), self.of_software(raw, spec, mode, name, software))
        } else {
            let name = spec.task.as_ref()?;
            self.of_task(raw, spec, mode, name, tasks);
            (ItemKey::task(name.clone(), spec.instance.clone()), Some(Desired::Task))
        };
        Some(Deployment {
            metadata: metadata.clone(),
            place: document.place(),
            item,
            desired: desired?,
            mode,
            target: spec.target.r#ref.clone(),
            expression: expression?.clone(),
            parameters: self.with_files(raw, &spec.parameters),
            priority: spec.priority.unwrap_or(0),
            enabled: spec.enabled,
        })
    }

    fn target<'d>(
        &mut self,
        raw: &RawDocument,
        spec: &'d DeploymentSpec,
        targets: &BTreeMap<&Name, &'d Document<TargetSpec>>,
    ) -> Option<&'d Match> {
        let keys = [("ref", spec.target.r#ref.is_some()), ("match", spec.target.r#match.is_some())];
        let one = self.exactly_one(raw, "/spec/target", &keys);
        if let Some(expression) = &spec.target.r#match {
            self.expression(raw, "/spec/target/match", expression);
            return Some(expression).filter(|_| one);
        }
        let name = spec.target.r#ref.as_ref()?;
        if !self.reference(raw, "/spec/target/ref", Kind::Target, name) {
            return None;
        }
        targets.get(name).map(|target| &target.spec.r#match)
    }

    fn of_software(
        &mut self,
        raw: &RawDocument,
        spec: &DeploymentSpec,
        mode: Mode,
        name: &Name,
        software: &BTreeMap<Name, CheckedSoftware<'a>>,
    ) -> Option<Desired> {
        let known = self.reference(raw, "/spec/software", Kind::Software, name);
        if let Some(instance) = &spec.instance {
            let message = format!("the instance key `{instance}` is for tasks; a software is there once");
            self.report(code::SETTING, message, raw.key_place("/spec/instance"));
        }
        let Some(state) = spec.state else {
            let finding = Finding::new(code::MISSING_KEY, "the key `state` is missing", raw.place("/spec"));
            self.push(
                finding
                    .label("in this mapping")
                    .help("add `state: installed`, `absent`, `update-if-found` or `ignored`"),
            );
            return None;
        };
        let uses_version = matches!(state, SoftwareState::Installed | SoftwareState::UpdateIfFound);
        if !uses_version && spec.version.is_some() {
            let message = format!("the state {} takes no version", state_name(state));
            let finding = Finding::new(code::VERSION_NOT_USED, message, raw.key_place("/spec/version"));
            self.push(finding.help("take the version out, or write `state: installed`"));
        }
        if !uses_version && spec.allow_downgrade {
            let message = format!("the state {} installs nothing that could be older", state_name(state));
            let finding = Finding::new(code::SETTING, message, raw.key_place("/spec/allowDowngrade"));
            self.push(finding.help("take `allowDowngrade` out"));
        }
        if !known {
            return None;
        }
        // Without one the Software document has findings of its own.
        let checked = software.get(name)?;
        if mode == Mode::Enforce {
            self.can_do(raw, name, checked, state);
        }
        let are_required = uses_version && mode != Mode::Ignored;
        let by = format!("the software `{name}`");
        self.values(raw, &by, &checked.spec.parameters, &spec.parameters, are_required);
        let version = if uses_version {
            self.wanted(raw, name, spec.version.as_deref(), checked)?
        } else {
            WantedVersion::Any { install: None }
        };
        Some(Desired::Software { state, version, allow_downgrade: spec.allow_downgrade })
    }

    /// The software has the scripts that the state runs.
    fn can_do(
        &mut self,
        raw: &RawDocument,
        name: &Name,
        checked: &CheckedSoftware<'_>,
        state: SoftwareState,
    ) {
        let spec = checked.spec;
        let lacks = match state {
            SoftwareState::Installed if spec.install.is_none() && !spec.releases_install() => "install",
            SoftwareState::Absent if spec.uninstall.is_none() => "uninstall",
            // A strategy that is written down was checked with the software.
            SoftwareState::UpdateIfFound
                if spec.upgrade.is_none() && spec.install.is_none() && !spec.releases_install() =>
            {
                "install"
            }
            _ => return,
        };
        let message =
            format!("the state {} needs the script `{lacks}`, and `{name}` has none", state_name(state));
        let mut finding = Finding::new(code::NO_STRATEGY, message, raw.place("/spec/state"));
        if let Some(place) = checked.model.as_ref().map(|software| software.place.clone()) {
            finding = finding.related(place, "the software is declared here");
        }
        self.push(finding.help(format!("add `{lacks}` to the software, or use `mode: audit`")));
    }

    fn wanted(
        &mut self,
        raw: &RawDocument,
        name: &Name,
        version: Option<&str>,
        checked: &CheckedSoftware<'_>,
    ) -> Option<WantedVersion> {
        // Without them the Software document has findings of its own.
        let versions = checked.versions.as_ref()?;
        let scheme = checked.spec.version_scheme.unwrap_or_default();
        let pointer = if version.is_some() { "/spec/version" } else { "/spec/software" };
        let none = |what: &str| {
            let message = format!("`{name}` lists no version {what}");
            let mut finding = Finding::new(code::NO_VERSION, message, raw.place(pointer));
            if let Some(software) = &checked.model {
                finding = finding.related(software.place.clone(), "the software is declared here");
            }
            match versions.as_slice() {
                [] => finding
                    .help("list `versions` in the software, or write `version: any` or an exact version"),
                [one] => finding.help(format!("it lists {one}")),
                [first, .., last] => {
                    finding.help(format!("it lists {} versions from {last} to {first}", versions.len()))
                }
            }
        };
        match version {
            Some("") => {
                self.not_empty(raw, pointer, "");
                None
            }
            Some("any") => Some(WantedVersion::Any { install: versions.first().cloned() }),
            None | Some("latest") => {
                let Some(install) = versions.first().cloned() else {
                    self.push(none("that could be the latest"));
                    return None;
                };
                Some(WantedVersion::Latest { install })
            }
            Some(text) => {
                let constraint = match Constraint::parse(scheme, text) {
                    Ok(constraint) => constraint,
                    Err(error) => {
                        let finding = Finding::new(code::VERSION, error.to_string(), raw.place(pointer));
                        self.push(
                            finding.help("write latest, any, 1.2.3, or a constraint such as >=1.2, <2"),
                        );
                        return None;
                    }
                };
                if let Some(exact) = constraint.is_exact() {
                    let is_it = |listed: &String| {
                        version::compare(scheme, listed, exact).is_ok_and(std::cmp::Ordering::is_eq)
                    };
                    if !versions.is_empty() && !versions.iter().any(is_it) {
                        self.push(none(exact));
                        return None;
                    }
                    return Some(WantedVersion::Exact { version: exact.to_owned() });
                }
                let highest = versions.iter().find(|listed| constraint.allows(listed).unwrap_or(false));
                let Some(install) = highest.cloned() else {
                    self.push(none(&format!("that {text} allows")));
                    return None;
                };
                Some(WantedVersion::Range { constraint: text.to_owned(), install })
            }
        }
    }

    fn of_task(
        &mut self,
        raw: &RawDocument,
        spec: &DeploymentSpec,
        mode: Mode,
        name: &Name,
        tasks: &BTreeMap<&Name, &Document<TaskSpec>>,
    ) {
        let known = self.reference(raw, "/spec/task", Kind::Task, name);
        let not_for_tasks = [
            ("state", spec.state.is_some()),
            ("version", spec.version.is_some()),
            ("allowDowngrade", spec.allow_downgrade),
        ];
        for (key, _) in not_for_tasks.iter().filter(|(_, given)| *given) {
            let message = format!("`{key}` is for software, and this deploys a task");
            let finding = Finding::new(code::SETTING, message, raw.key_place(&format!("/spec/{key}")));
            self.push(match *key {
                "state" => finding.help("take it out; `mode` says how far to go with a task"),
                _ => finding.help("take it out"),
            });
        }
        if !known {
            return;
        }
        let Some(task) = tasks.get(name) else { return };
        let needed: &[(&str, bool)] = match mode {
            Mode::Enforce => &[("test", task.spec.has_test()), ("set", task.spec.has_set())],
            Mode::Audit => &[("test", task.spec.has_test())],
            Mode::Monitor => &[("get", task.spec.has_get())],
            Mode::Ignored => &[],
        };
        for (script, _) in needed.iter().filter(|(_, given)| !given) {
            let message =
                format!("the mode {mode} needs the script `{script}`, and the task `{name}` has none");
            let pointer = if spec.mode.is_some() { "/spec/mode" } else { "/spec/task" };
            let finding = Finding::new(code::MODE_WITHOUT_SCRIPT, message, raw.place(pointer));
            self.push(
                finding
                    .related(task.place(), "the task is declared here")
                    .help(format!("add `{script}` to the task, or choose another mode")),
            );
        }
        let by = format!("the task `{name}`");
        self.values(raw, &by, &task.spec.parameters, &spec.parameters, mode != Mode::Ignored);
    }
}

const fn state_name(state: SoftwareState) -> &'static str {
    match state {
        SoftwareState::Installed => "installed",
        SoftwareState::Absent => "absent",
        SoftwareState::UpdateIfFound => "update-if-found",
        SoftwareState::Ignored => "ignored",
    }
}
