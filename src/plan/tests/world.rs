//! A small world for tests: a configuration, computers, and what is really on them. Detection and application are
//! simulated; everything between is the real thing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::config::Config;
use crate::config::kind::{
    Condition, Consequence, CrossTenant, Enforcement, LicenseNeed, Match, Metadata, Mode, SoftwareState,
    Term, VersionScheme,
};
use crate::config::model::{
    self, Deployment, Desired, Detect, Layer, Prerequisite, Release, Scripts, Software, Strategy, Task,
    WantedVersion,
};
use crate::diagnostic::{Place, Sources};
use crate::id::{AgentId, ComputerId, Name, SessionId};
use crate::inventory::facts::{Facts, OsFamily};
use crate::inventory::item::{ItemKey, ItemKind, Observed};
use crate::inventory::known::{Contact, Known};
use crate::inventory::snapshot::Snapshot;
use crate::plan::detections::Detections;
use crate::plan::document::{Options, Plan, Revision};
use crate::plan::gates::Run;
use crate::plan::needs::{Ask, Refresh, needs};
use crate::plan::past::Past;
use crate::plan::planner::{Input, Planned, plan};
use crate::plan::probes::probe;
use crate::plan::procedure::Probe;
use crate::plan::remembered::Remembered;
use crate::session::script::{Context, Interpreter, Platform, Script};
use crate::session::stage::ActionResult;
use crate::session::stage::ItemResult;
use crate::time::{Limit, Timestamp};

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub(crate) fn place(file: &str) -> Place {
    Place::file(&Arc::from(file))
}

pub(crate) fn metadata(text: &str) -> Metadata {
    Metadata { name: name(text), title: None, labels: BTreeMap::new(), description: None, allow: Vec::new() }
}

pub(crate) fn scripts(text: &str) -> Scripts {
    let script = Script {
        interpreter: Interpreter::Sh,
        context: Context::System,
        text: text.into(),
        limit: None,
        origin: "test".into(),
    };
    Scripts { posix: Some(Arc::new(script)), windows: None }
}

pub(crate) fn tag(text: &str) -> Match {
    Match { all: Some(vec![Term::Tag(text.to_owned())]), ..Match::default() }
}

pub(crate) fn every() -> Match {
    Match { every: true, ..Match::default() }
}

pub(crate) fn one(computer: &str) -> Match {
    Match { all: Some(vec![Term::Computer(computer.to_owned())]), ..Match::default() }
}

pub(crate) fn of_tenant(tenant: &str) -> Match {
    Match { all: Some(vec![Term::Tenant(name(tenant))]), ..Match::default() }
}

pub(crate) fn present(version: &str) -> Observed {
    Observed::Present { version: Some(version.to_owned()), healthy: None }
}

pub(crate) fn software(text: &str) -> ItemKey {
    ItemKey::software(name(text))
}

pub(crate) fn task(text: &str) -> ItemKey {
    ItemKey::task(name(text), None)
}

pub(crate) fn latest(version: &str) -> Desired {
    state(SoftwareState::Installed, WantedVersion::Latest { install: version.to_owned() })
}

pub(crate) fn absent() -> Desired {
    state(SoftwareState::Absent, WantedVersion::Any { install: None })
}

pub(crate) fn state(state: SoftwareState, version: WantedVersion) -> Desired {
    Desired::Software { state, version, allow_downgrade: false }
}

pub(crate) fn not_installed(names: &[&str]) -> Condition {
    Condition { not_installed: Some(names.iter().map(|n| name(n)).collect()), ..Condition::default() }
}

pub(crate) fn installed(names: &[&str]) -> Condition {
    Condition { installed: Some(names.iter().map(|n| name(n)).collect()), ..Condition::default() }
}

pub(crate) fn names(names: &[&str]) -> Vec<Name> {
    names.iter().map(|n| name(n)).collect()
}

#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) config: Config,
    pub(crate) known: Vec<Known>,
    pub(crate) failed: BTreeMap<Name, String>,
    /// What is really there; by default no software and no compliant task.
    pub(crate) real: BTreeMap<(String, ItemKey), Observed>,
    pub(crate) history: Vec<ItemResult>,
    pub(crate) remembered: Remembered,
    /// What was set once, by computer and probe, and when.
    pub(crate) once: Vec<(String, Probe, Timestamp)>,
    pub(crate) now: Timestamp,
}

impl World {
    pub(crate) fn new() -> Self {
        let config = Config {
            instance: model::Instance {
                metadata: metadata("test"),
                place: place("muster.yaml"),
                mode: Mode::Enforce,
                time_zone: "UTC".to_owned(),
                concurrency: 1,
                max_age: Limit::seconds(3600),
                sources: model::Believing::default(),
                identification: model::Identification::default(),
                sqlite: None,
                libraries: Vec::new(),
                role: None,
            },
            tenants: BTreeMap::new(),
            providers: BTreeMap::new(),
            directories: BTreeMap::new(),
            psas: BTreeMap::new(),
            scripts: BTreeMap::new(),
            answer_ages: BTreeMap::new(),
            computers: BTreeMap::new(),
            targets: BTreeMap::new(),
            software: BTreeMap::new(),
            tasks: BTreeMap::new(),
            licenses: BTreeMap::new(),
            deployments: BTreeMap::new(),
            schedules: BTreeMap::new(),
            remote: crate::config::model::RemoteAccess::default(),
            order: model::Order::default(),
            safety: crate::config::safety::Safety::default(),
            uses: model::Uses::default(),
            sources: Sources::new(),
        };
        Self {
            config,
            known: Vec::new(),
            failed: BTreeMap::new(),
            real: BTreeMap::new(),
            history: Vec::new(),
            remembered: Remembered::default(),
            once: Vec::new(),
            now: Timestamp::from_second(1_800_000_000).unwrap(),
        }
    }

    pub(crate) fn tenant(&mut self, text: &str) -> &mut model::Tenant {
        let tenant = model::Tenant {
            metadata: metadata(text),
            place: place("tenants.yaml"),
            parent: None,
            directory: None,
            psa: None,
            clients: BTreeMap::new(),
            tags: BTreeSet::new(),
            mode: Mode::Enforce,
            cross_tenant: CrossTenant::Include,
            reboot: crate::config::kind::Reboot::IfNecessary,
            hold: None,
        };
        self.config.tenants.entry(name(text)).or_insert(tenant)
    }

    pub(crate) fn computer(&mut self, text: &str, tags: &[&str]) -> &mut Known {
        self.known.push(Known {
            id: ComputerId::new(format!("office/{text}")),
            name: text.to_owned(),
            provider: name("office"),
            agent: AgentId::new(text),
            tenant: None,
            client: None,
            presence: crate::inventory::known::Presence::Unknown,
            said: None,
            seen: None,
            unsupported: None,
            onboarding: false,
            agents: None,
            platform: Some(Platform::Posix),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            facts: Some((
                self.now,
                Facts {
                    os: crate::inventory::facts::Os { family: Some(OsFamily::Linux), ..Default::default() },
                    ..Facts::default()
                },
            )),
            contact: Contact::Reached,
        });
        self.known.last_mut().unwrap()
    }

    pub(crate) fn software(&mut self, text: &str, versions: &[&str]) -> &mut Software {
        let software = Software {
            metadata: metadata(text),
            place: place(&format!("software/{text}.yaml")),
            detect: Detect::Script(scripts("detect")),
            scheme: VersionScheme::Dotted,
            releases: versions
                .iter()
                .map(|v| Release::plain((*v).to_owned(), place(&format!("software/{text}.yaml"))))
                .collect(),
            source: None,
            install: Some(scripts("install")),
            upgrade: Strategy::InstallOver,
            uninstall: Some(scripts("uninstall")),
            pre_install: None,
            post_install: None,
            post_uninstall: None,
            download: None,
            license: LicenseNeed::None,
            needs_reboot: false,
            repair: Strategy::None,
            test: None,
            prerequisites: Vec::new(),
            configuration: None,
            lock: None,
            parameters_changed: None,
            parameters: BTreeMap::new(),
            enabled: true,
        };
        self.config.software.entry(name(text)).or_insert(software)
    }

    pub(crate) fn task(&mut self, text: &str) -> &mut Task {
        let task = Task {
            metadata: metadata(text),
            place: place(&format!("tasks/{text}.yaml")),
            test: Some(scripts("test")),
            set: Some(scripts("set")),
            once: None,
            resource: None,
            lock: None,
            get: Some(scripts("get")),
            parameters: BTreeMap::new(),
            enabled: true,
        };
        self.config.tasks.entry(name(text)).or_insert(task)
    }

    pub(crate) fn deploy(
        &mut self,
        text: &str,
        item: ItemKey,
        desired: Desired,
        target: Match,
    ) -> &mut Deployment {
        let deployment = Deployment {
            metadata: metadata(text),
            place: place(&format!("deployments/{text}.yaml")),
            item,
            desired,
            mode: Mode::Enforce,
            target: None,
            expression: target,
            parameters: BTreeMap::new(),
            license: None,
            configured: true,
            priority: 0,
            enabled: true,
            enforcement: Enforcement::Required,
            hold: None,
            layer: Layer::Local,
            bundle: None,
        };
        self.config.deployments.entry(name(text)).or_insert(deployment)
    }

    pub(crate) fn rule(&mut self, software: &str, when: Condition, then: Consequence) {
        let rule = Prerequisite { place: place(&format!("software/{software}.yaml")), when, then };
        self.config.software.get_mut(&name(software)).unwrap().prerequisites.push(rule);
    }

    pub(crate) fn is(&mut self, computer: &str, item: ItemKey, observed: Observed) {
        self.real.insert((computer.to_owned(), item), observed);
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let snapshot = Snapshot::build(&self.config, self.known.clone(), self.failed.clone()).0;
        snapshot.with_relations(&self.config, &crate::inventory::relations::Relations::default())
    }

    /// Looks at all that `needs` asks for, as a driver would.
    pub(crate) fn detect(&self, snapshot: &Snapshot) -> Detections {
        self.detect_in(snapshot, &Run::at(self.now))
    }

    /// The same for a run.
    pub(crate) fn detect_in(&self, snapshot: &Snapshot, run: &Run) -> Detections {
        let mut detections = Detections::default();
        for (computer, probe, at) in &self.once {
            let known = snapshot.iter().find(|(_, known)| known.name == *computer);
            if let Some((ix, _)) = known {
                detections.record(ix, probe.item.clone(), probe.digest.clone(), *at, Observed::Compliant);
            }
        }
        let ask = Ask {
            config: &self.config,
            snapshot,
            detections: &Detections::default(),
            only: None,
            ceiling: Mode::Enforce,
            run,
            max_age: self.config.instance.max_age,
            refresh: Refresh::Always,
            outdated: None,
        };
        for need in needs(&ask) {
            let computer = &snapshot.computer(need.computer);
            for probe in need.probes {
                let real = self.real.get(&(computer.name.clone(), probe.item.clone()));
                let observed = real.cloned().unwrap_or_else(|| match probe.item.kind {
                    ItemKind::Software => Observed::Absent,
                    ItemKind::Task => Observed::non_compliant(""),
                    ItemKind::OsUpdates => Observed::NotApplicable,
                });
                detections.record(
                    need.computer,
                    probe.item.clone(),
                    probe.digest.clone(),
                    self.now,
                    observed,
                );
            }
        }
        detections
    }

    pub(crate) fn plan_with(
        &self,
        snapshot: &Snapshot,
        detections: &Detections,
        options: Options,
    ) -> Planned {
        plan(&Input {
            config: &self.config,
            snapshot,
            detections,
            past: &Past::new(snapshot, self.remembered.clone(), self.history.clone(), BTreeMap::new()),
            revision: Revision::default(),
            options,
            only: None,
            now: self.now,
            max_age: self.config.instance.max_age,
        })
    }

    pub(crate) fn plan(&self) -> Planned {
        let snapshot = self.snapshot();
        self.plan_with(&snapshot, &self.detect(&snapshot), Options::default())
    }

    /// The plan of a run with these options.
    pub(crate) fn plan_of(&self, options: Options) -> Planned {
        let snapshot = self.snapshot();
        let detections = self.detect_in(&snapshot, &Run::of(&options, self.now));
        self.plan_with(&snapshot, &detections, options)
    }

    /// Does what a plan says, and remembers it.
    pub(crate) fn apply(&mut self, plan: &Plan) {
        for session in &plan.sessions {
            let computer = &plan.computers[session.computer as usize];
            for action in &session.actions {
                let change = &plan.changes[action.change as usize];
                self.real.insert((computer.name.clone(), change.item.clone()), change.after.clone());
                let verify =
                    probe(&self.config, &change.item, &change.parameters, Mode::Enforce, computer.platform);
                if verify.remembered {
                    self.once.push((computer.name.clone(), verify, self.now));
                }
                self.history.push(ItemResult {
                    computer: computer.id.clone(),
                    item: change.item.clone(),
                    action: change.action,
                    result: ActionResult::Success,
                    observed: Some(change.after.clone()),
                    content: change.content.clone(),
                    values: Some(crate::plan::past::values(&crate::plan::supply::without_license(
                        &self.config,
                        &change.item,
                        &change.parameters,
                    ))),
                    at: self.now,
                    session: SessionId::new("s"),
                });
            }
        }
    }
}

/// The actions of one computer in order, as `item action`.
pub(crate) fn actions(plan: &Plan, computer: &str) -> Vec<String> {
    let find = |session: &&crate::plan::document::PlannedSession| {
        plan.computers[session.computer as usize].name == computer
    };
    let session = plan.sessions.iter().find(find);
    let text = |action: &crate::plan::document::PlannedAction| {
        let change = &plan.changes[action.change as usize];
        format!("{} {}", change.item, crate::plan::procedures::name(change.action))
    };
    session.map(|session| session.actions.iter().map(text).collect()).unwrap_or_default()
}

/// Notes as `kind item: text [computers]`.
pub(crate) fn notes(plan: &Plan) -> Vec<String> {
    let text = |note: &crate::plan::document::Note| {
        let item = note.item.as_ref().map_or_else(String::new, |item| format!(" {item}"));
        format!("{:?}{item}: {} [{}]", note.kind, note.text, note.computers.join(" "))
    };
    plan.notes.iter().map(text).collect()
}
