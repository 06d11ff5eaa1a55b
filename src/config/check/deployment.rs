//! Deployments, of their own and in bundles: one item, one target, and an item that can do what is asked of it.

use std::collections::BTreeMap;

use super::property::given;
use super::software::CheckedSoftware;
use super::{Checker, LockUse, by_name};
use crate::config::document::{Document, Documents};
use crate::config::kind::{
    BundleEntry, BundleSpec, DeploymentSpec, DeploymentTarget, Hold, Kind, Match, Metadata, Mode,
    ParameterValue, SoftwareState, TargetSpec, TaskSpec,
};
use crate::config::lock::LOCK_FILE;
use crate::config::model::{Deployment, Desired, RemoteAccess, WantedVersion};
use crate::config::parse::RawDocument;
use crate::diagnostic::{Finding, Place, code};
use crate::id::Name;
use crate::inventory::item::ItemKey;
use crate::version::{self, Constraint};

/// What a deployment says of its item, in a document of its own or as an entry of a bundle.
pub(super) struct Written<'d> {
    pub(super) raw: &'d RawDocument,
    /// The JSON pointer to it.
    pub(super) base: String,
    pub(super) software: Option<&'d Name>,
    pub(super) task: Option<&'d Name>,
    pub(super) state: Option<SoftwareState>,
    pub(super) version: Option<&'d str>,
    pub(super) mode: Option<Mode>,
    pub(super) parameters: &'d BTreeMap<String, ParameterValue>,
    pub(super) instance: Option<&'d Name>,
    pub(super) allow_downgrade: bool,
    pub(super) license: Option<&'d Name>,
    pub(super) configuration: bool,
}

impl Written<'_> {
    fn at(&self, key: &str) -> String {
        format!("{}/{key}", self.base)
    }
}

/// What deployments are checked against.
pub(super) struct Known<'k, 'a> {
    software: &'k BTreeMap<Name, CheckedSoftware<'a>>,
    tasks: BTreeMap<&'a Name, &'a Document<TaskSpec>>,
    targets: BTreeMap<&'a Name, &'a Document<TargetSpec>>,
}

impl<'a> Checker<'a> {
    pub(super) fn deployments(
        &mut self,
        documents: &'a Documents,
        software: &BTreeMap<Name, CheckedSoftware<'a>>,
    ) -> (BTreeMap<Name, Deployment>, RemoteAccess) {
        let known =
            Known { software, tasks: by_name(&documents.tasks), targets: by_name(&documents.targets) };
        let mut deployments = BTreeMap::new();
        for document in &documents.deployments {
            self.begin(document);
            if let Some(deployment) = self.deployment(document, &known) {
                deployments.entry(document.name().clone()).or_insert(deployment);
            }
        }
        for document in &documents.bundles {
            self.begin(document);
            self.bundle(document, &known, &mut deployments);
        }
        let remote = self.remote_access(documents, &known, &mut deployments);
        (deployments, remote)
    }

    fn deployment(
        &mut self,
        document: &'a Document<DeploymentSpec>,
        known: &Known<'_, 'a>,
    ) -> Option<Deployment> {
        let Document { raw, metadata, spec, .. } = document;
        let expression = self.target(raw, &spec.target, &known.targets);
        self.hold(raw, spec.hold.as_ref());
        let written = Written {
            raw,
            base: "/spec".to_owned(),
            software: spec.software.as_ref(),
            task: spec.task.as_ref(),
            state: spec.state,
            version: spec.version.as_deref(),
            mode: spec.mode,
            parameters: &spec.parameters,
            instance: spec.instance.as_ref(),
            allow_downgrade: spec.allow_downgrade,
            license: spec.license.as_ref(),
            configuration: spec.configuration,
        };
        let mode = spec.mode.unwrap_or(Mode::Enforce);
        let (item, desired) = self.item(&written, mode, known)?;
        Some(Deployment {
            metadata: metadata.clone(),
            place: document.place(),
            item,
            desired,
            mode,
            target: spec.target.r#ref.clone(),
            expression: expression?.clone(),
            parameters: self.with_files(raw, &written.base, &spec.parameters),
            license: written.license.cloned(),
            configured: spec.configuration,
            priority: spec.priority.unwrap_or(0),
            enabled: spec.enabled,
            enforcement: spec.enforcement.unwrap_or_default(),
            hold: spec.hold.clone(),
            layer: self.layer(raw, &metadata.name),
            bundle: None,
        })
    }

    /// Every entry of a bundle becomes a deployment of its own.
    fn bundle(
        &mut self,
        document: &'a Document<BundleSpec>,
        known: &Known<'_, 'a>,
        deployments: &mut BTreeMap<Name, Deployment>,
    ) {
        let Document { raw, metadata, spec, .. } = document;
        let expression = self.target(raw, &spec.target, &known.targets);
        self.hold(raw, spec.hold.as_ref());
        self.not_empty_list(raw, "/spec/deployments", &spec.deployments);
        let mut places: BTreeMap<Name, Place> = BTreeMap::new();
        for (number, entry) in spec.deployments.iter().enumerate() {
            let written = Written {
                raw,
                base: format!("/spec/deployments/{number}"),
                software: entry.software.as_ref(),
                task: entry.task.as_ref(),
                state: entry.state,
                version: entry.version.as_deref(),
                mode: entry.mode,
                parameters: &entry.parameters,
                instance: entry.instance.as_ref(),
                allow_downgrade: entry.allow_downgrade,
                license: entry.license.as_ref(),
                configuration: entry.configuration,
            };
            let mode = entry.mode.or(spec.mode).unwrap_or(Mode::Enforce);
            let wanted = self.item(&written, mode, known);
            let place = raw.place(&written.base);
            let Some(name) = self.entry_name(document, entry, &written, &place, &mut places) else {
                continue;
            };
            let (Some((item, desired)), Some(expression)) = (wanted, expression) else { continue };
            let title = metadata.title.as_ref().map(|title| format!("{title}: {}", item.name));
            deployments.entry(name.clone()).or_insert(Deployment {
                metadata: Metadata { name, title, ..metadata.clone() },
                place,
                item,
                desired,
                mode,
                target: spec.target.r#ref.clone(),
                expression: expression.clone(),
                parameters: self.with_files(raw, &written.base, &entry.parameters),
                license: entry.license.clone(),
                configured: entry.configuration,
                priority: entry.priority.or(spec.priority).unwrap_or(0),
                enabled: spec.enabled && entry.enabled,
                enforcement: entry.enforcement.or(spec.enforcement).unwrap_or_default(),
                hold: spec.hold.clone(),
                layer: self.layer(raw, &metadata.name),
                bundle: Some((document.name().clone(), document.place())),
            });
        }
    }

    /// The name of an entry's deployment: `BUNDLE--ENTRY`, the same wherever in the list the entry stands.
    fn entry_name(
        &mut self,
        document: &Document<BundleSpec>,
        entry: &BundleEntry,
        written: &Written<'_>,
        place: &Place,
        places: &mut BTreeMap<Name, Place>,
    ) -> Option<Name> {
        let own = match (&entry.name, &entry.instance) {
            (Some(name), _) => name.to_string(),
            (None, instance) => {
                let item = entry.software.as_ref().or(entry.task.as_ref())?;
                instance.as_ref().map_or_else(|| item.to_string(), |key| format!("{item}-{key}"))
            }
        };
        let text = format!("{}--{own}", document.name());
        let Ok(name) = Name::new(&text) else {
            let message = format!("the deployment of this entry would be called `{text}`, which is too long");
            let finding = Finding::new(code::BUNDLE_ENTRY, message, place.clone());
            self.push(
                finding
                    .help("give the entry a shorter `name`; bundle and entry may have 61 letters together"),
            );
            return None;
        };
        let first = places.get(&name).cloned();
        let first = first.map(|place| (place, "the other entry")).or_else(|| {
            let declared = self.names.get(&Kind::Deployment)?.get(&name)?;
            Some((declared.raw.origin(), "the Deployment of that name"))
        });
        if let Some((first, what)) = first {
            let message = format!("another deployment is called `{name}` already");
            let finding = Finding::new(code::BUNDLE_ENTRY, message, written.raw.place(&written.base));
            self.push(finding.related(first, what).help("give the entry a `name` of its own"));
            return None;
        }
        places.insert(name.clone(), place.clone());
        Some(name)
    }

    /// The item and what is wanted of it.
    pub(super) fn item(
        &mut self,
        written: &Written<'_>,
        mode: Mode,
        known: &Known<'_, 'a>,
    ) -> Option<(ItemKey, Desired)> {
        let keys = [("software", written.software.is_some()), ("task", written.task.is_some())];
        if !self.exactly_one(written.raw, &written.base, &keys) {
            return None;
        }
        if let Some(name) = written.software {
            let desired = self.of_software(written, mode, name, known);
            return Some((ItemKey::software(name.clone()), desired?));
        }
        let name = written.task?;
        self.of_task(written, mode, name, &known.tasks);
        Some((ItemKey::task(name.clone(), written.instance.cloned()), Desired::Task))
    }

    /// The expression that a document's `target` has or names.
    pub(super) fn target(
        &mut self,
        raw: &RawDocument,
        target: &'a DeploymentTarget,
        targets: &BTreeMap<&'a Name, &'a Document<TargetSpec>>,
    ) -> Option<&'a Match> {
        let keys = [("ref", target.r#ref.is_some()), ("match", target.r#match.is_some())];
        let one = self.exactly_one(raw, "/spec/target", &keys);
        if let Some(expression) = &target.r#match {
            self.expression(raw, "/spec/target/match", expression);
            return Some(expression).filter(|_| one);
        }
        let name = target.r#ref.as_ref()?;
        if !self.reference(raw, "/spec/target/ref", Kind::Target, name) {
            return None;
        }
        targets.get(name).map(|target| &target.spec.r#match)
    }

    /// The reason at `/spec/hold` says something.
    pub(super) fn hold(&mut self, raw: &RawDocument, hold: Option<&Hold>) {
        if let Some(hold) = hold {
            self.not_empty(raw, "/spec/hold/reason", hold.reason.trim());
        }
    }

    fn of_software(
        &mut self,
        written: &Written<'_>,
        mode: Mode,
        name: &Name,
        known: &Known<'_, 'a>,
    ) -> Option<Desired> {
        let raw = written.raw;
        let is_known = self.reference(raw, &written.at("software"), Kind::Software, name);
        if let Some(instance) = written.instance {
            let message = format!("the instance key `{instance}` is for tasks; a software is there once");
            self.report(code::SETTING, message, raw.key_place(&written.at("instance")));
        }
        let Some(state) = written.state else {
            let place = raw.place(&written.base);
            let finding = Finding::new(code::MISSING_KEY, "the key `state` is missing", place);
            self.push(
                finding
                    .label("in this mapping")
                    .help("add `state: installed`, `absent`, `update-if-found` or `ignored`"),
            );
            return None;
        };
        let uses_version = matches!(state, SoftwareState::Installed | SoftwareState::UpdateIfFound);
        if !uses_version && written.version.is_some() {
            let message = format!("the state {} takes no version", state_name(state));
            let place = raw.key_place(&written.at("version"));
            let finding = Finding::new(code::VERSION_NOT_USED, message, place);
            self.push(finding.help("take the version out, or write `state: installed`"));
        }
        if !uses_version && written.allow_downgrade {
            let message = format!("the state {} installs nothing that could be older", state_name(state));
            let place = raw.key_place(&written.at("allowDowngrade"));
            self.push(Finding::new(code::SETTING, message, place).help("take `allowDowngrade` out"));
        }
        if !is_known {
            return None;
        }
        // Without one the Software document has findings of its own.
        let checked = known.software.get(name)?;
        if mode == Mode::Enforce {
            self.can_do(written, name, checked, state);
        }
        self.named_license(written, name);
        if !written.configuration {
            self.left_out(written, name, checked);
        }
        let are_required = uses_version && mode != Mode::Ignored;
        let by = format!("the software `{name}`");
        self.values(raw, &written.base, &by, &checked.spec.parameters, written.parameters, are_required);
        let task = checked.spec.configuration.as_ref().filter(|_| written.configuration);
        if let Some(task) = task.and_then(|task| known.tasks.get(task)) {
            self.through_parameters(raw, task, given(&written.base, written.parameters));
        }
        let version = if uses_version {
            self.wanted(written, name, checked)?
        } else {
            WantedVersion::Any { install: None }
        };
        Some(Desired::Software { state, version, allow_downgrade: written.allow_downgrade })
    }

    /// The configuration task that a deployment leaves out is there, and can be left out.
    fn left_out(&mut self, written: &Written<'_>, name: &Name, checked: &CheckedSoftware<'_>) {
        let message = match &checked.spec.configuration {
            None => format!("the software `{name}` has no configuration task that could be left out"),
            Some(task) if checked.spec.configuration_required => {
                format!(
                    "the configuration task `{task}` is part of the software `{name}` and cannot be left out"
                )
            }
            Some(_) => return,
        };
        let place = written.raw.key_place(&written.at("configuration"));
        let mut finding = Finding::new(code::SETTING, message, place).help("take `configuration: false` out");
        if let Some(place) = checked.model.as_ref().map(|software| software.place.clone()) {
            finding = finding.related(place, "the software is declared here");
        }
        self.push(finding);
    }

    /// The licence that a deployment names is one of its software.
    fn named_license(&mut self, written: &Written<'_>, software: &Name) {
        let (raw, Some(license)) = (written.raw, written.license) else { return };
        let pointer = &written.at("license");
        if !self.reference(raw, pointer, Kind::License, license) {
            return;
        }
        if self.licensed.get(license).is_some_and(|of| *of != software) {
            let message = format!("the licence `{license}` is for another software than `{software}`");
            self.push(Finding::new(code::LICENSE, message, raw.place(pointer)));
        }
    }

    /// The software has the scripts that the state runs.
    fn can_do(
        &mut self,
        written: &Written<'_>,
        name: &Name,
        checked: &CheckedSoftware<'_>,
        state: SoftwareState,
    ) {
        let spec = checked.spec;
        let lacks = match state {
            // Package managers do all of it.
            _ if spec.packages.is_some() => return,
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
        let mut finding = Finding::new(code::NO_STRATEGY, message, written.raw.place(&written.at("state")));
        if let Some(place) = checked.model.as_ref().map(|software| software.place.clone()) {
            finding = finding.related(place, "the software is declared here");
        }
        self.push(finding.help(format!("add `{lacks}` to the software, or use `mode: audit`")));
    }

    fn wanted(
        &mut self,
        written: &Written<'_>,
        name: &Name,
        checked: &CheckedSoftware<'_>,
    ) -> Option<WantedVersion> {
        let (raw, version) = (written.raw, written.version);
        // Without them the Software document has findings of its own.
        let versions = checked.versions.as_ref()?;
        let scheme = checked.spec.version_scheme.unwrap_or_default();
        let pointer = &written.at(if version.is_some() { "version" } else { "software" });
        if checked.spec.source.is_some() {
            let asked = self.asked.entry(name.clone()).or_default();
            asked.insert(version.unwrap_or("latest").to_owned());
            if self.around.lock_use == LockUse::IsMade {
                return None;
            }
            if checked.is_not_locked && !version.is_some_and(|version| is_listed(checked, version)) {
                let message = format!("{LOCK_FILE} holds no version of `{name}`");
                let mut finding = Finding::new(code::NOT_LOCKED, message, raw.place(pointer));
                if let Some(source) = checked.model.as_ref().and_then(|model| model.source.as_ref()) {
                    finding = finding.related(source.place.clone(), "its versions come from this source");
                }
                self.push(finding.help(format!("run `muster update {name}`, and commit {LOCK_FILE}")));
                return None;
            }
        }
        let none = |what: &str| {
            let message = format!("`{name}` lists no version {what}");
            let mut finding = Finding::new(code::NO_VERSION, message, raw.place(pointer));
            if let Some(software) = &checked.model {
                finding = finding.related(software.place.clone(), "the software is declared here");
            }
            match versions.as_slice() {
                _ if checked.spec.source.is_some() => finding.help(format!(
                    "run `muster update {name}`: it looks for the versions that deployments ask for"
                )),
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
        written: &Written<'_>,
        mode: Mode,
        name: &Name,
        tasks: &BTreeMap<&'a Name, &'a Document<TaskSpec>>,
    ) {
        let raw = written.raw;
        let known = self.reference(raw, &written.at("task"), Kind::Task, name);
        let not_for_tasks = [
            ("state", written.state.is_some()),
            ("version", written.version.is_some()),
            ("allowDowngrade", written.allow_downgrade),
            ("license", written.license.is_some()),
            ("configuration", !written.configuration),
        ];
        for (key, _) in not_for_tasks.iter().filter(|(_, given)| *given) {
            let message = format!("`{key}` is for software, and this deploys a task");
            let finding = Finding::new(code::SETTING, message, raw.key_place(&written.at(key)));
            self.push(match *key {
                "state" => finding.help("take it out; `mode` says how far to go with a task"),
                _ => finding.help("take it out"),
            });
        }
        if !known {
            return;
        }
        let Some(task) = tasks.get(name) else { return };
        let is_tested = task.spec.has_test() || task.spec.once.is_some();
        let needed: &[(&str, bool)] = match mode {
            Mode::Enforce => &[("test", is_tested), ("set", task.spec.has_set())],
            Mode::Audit => &[("test", is_tested)],
            Mode::Monitor => &[("get", task.spec.has_get())],
            Mode::Ignored => &[],
        };
        for (script, _) in needed.iter().filter(|(_, given)| !given) {
            let message =
                format!("the mode {mode} needs the script `{script}`, and the task `{name}` has none");
            let place = raw.place(&written.at(if written.mode.is_some() { "mode" } else { "task" }));
            let finding = Finding::new(code::MODE_WITHOUT_SCRIPT, message, place);
            let help = if *script == "test" && task.spec.set.is_some() {
                "add `test` to the task, say `once: KEY` if it is enough to set it once, or choose another mode".to_owned()
            } else {
                format!("add `{script}` to the task, or choose another mode")
            };
            self.push(finding.related(task.place(), "the task is declared here").help(help));
        }
        let by = format!("the task `{name}`");
        let are_required = mode != Mode::Ignored;
        self.values(raw, &written.base, &by, &task.spec.parameters, written.parameters, are_required);
        self.through_parameters(raw, task, given(&written.base, written.parameters));
    }
}

/// Whether the software's document itself lists this exact version, or any will do.
fn is_listed(checked: &CheckedSoftware<'_>, version: &str) -> bool {
    version == "any" || checked.model.as_ref().is_some_and(|model| model.release(version).is_some())
}

const fn state_name(state: SoftwareState) -> &'static str {
    match state {
        SoftwareState::Installed => "installed",
        SoftwareState::Absent => "absent",
        SoftwareState::UpdateIfFound => "update-if-found",
        SoftwareState::Ignored => "ignored",
    }
}
