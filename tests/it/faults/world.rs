//! One run's lab, links, configuration and store, with the ways to plan and to apply that the program has.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};

use futures_util::future::BoxFuture;
use muster::config::Config;
use muster::config::load::load;
use muster::config::worktree::Worktree;
use muster::id::{ComputerId, Name, RunId, SessionId};
use muster::inventory::collect::Sources;
use muster::payload::Supplied;
use muster::payload::folder::Folder;
use muster::payload::send::Files;
use muster::plan::document::{Options, Revision};
use muster::plan::needs::Refresh;
use muster::secret::{Secret, SecretRef};
use muster::session::control as demand;
use muster::session::dispatcher::{Dispatcher, Link};
use muster::session::event::Event;
use muster::session::execute::Tools;
use muster::session::host::{HostError, ScriptHost};
use muster::session::prepare::{Preparation, Prepared, Wish};
use muster::session::remember::remember;
use muster::session::script::Script;
use muster::session::secrets::{SecretError, Secrets};
use muster::store::RunRecord;
use muster::store::sqlite::Sqlite;
use muster::time::Clock as _;
use muster_lab::Lab;
use muster_lab::fleet::System;
use tempfile::TempDir;

use crate::support::lab::{LabClock, automate_with, clock, control, leaping, rmm_with};
use crate::support::muster::document;

/// How many computers a run has.
pub(super) const COMPUTERS: usize = 3;
/// What is to be installed on each of them.
pub(super) const SOFTWARE: [&str; 2] = ["tool", "extra"];

const FLEET: &str = "companies: [{ name: Contoso, sites: [Main, Depot] }, { name: Fabrikam }]
automate: { totpSecret: GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ }
rmm: { scripts: [{ id: 5d2f6c1e-0000-4000-8000-000000000001, name: Shell, engine: bash }] }
computers:
  - { name: pc-1, company: Contoso, site: Depot, platform: windows }
  - { name: pc-2, company: Contoso, platform: posix }
  - { name: pc-3, company: Fabrikam, platform: windows }
";

const LINK: &str = "requestsPerMinute: 60000, pickupTimeout: 5m";

/// The configuration, of a repository that lasts as long as the process.
static DECLARED: LazyLock<(TempDir, Config, Revision)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let mut texts = vec![
        document("Instance", "faults", "detection: { maxAge: 1h }"),
        provider("control", "screenconnect: { url: http://127.0.0.1:1, secret: { env: A } }"),
        provider(
            "automate",
            "automate: { url: http://127.0.0.1:1, clientId: a, account: { user: a, password: { env: A } } }",
        ),
        provider(
            "rmm",
            "connectwise-rmm: { url: http://127.0.0.1:1, clientId: a, clientSecret: { env: A } }",
        ),
        document("Target", "everybody", "match: { every: true }"),
    ];
    for tenant in ["contoso", "fabrikam"] {
        let company = tenant[..1].to_uppercase() + &tenant[1..];
        let clients = ["control", "automate", "rmm"].map(|name| format!("{name}: [{{ name: {company} }}]"));
        texts.push(document("Tenant", tenant, &format!("clients: {{ {} }}", clients.join(", "))));
    }
    for software in SOFTWARE {
        let script = "{ posix: { inline: 'exit 0' }, windows: { inline: 'exit 0' } }";
        let spec = format!("detect: {{ script: {script} }}\n  versions: ['1.0']\n  install: {script}");
        texts.push(document("Software", software, &spec));
        let spec = format!(
            "software: {software}\n  state: installed\n  version: '1.0'\n  target: {{ ref: everybody }}"
        );
        texts.push(document("Deployment", software, &spec));
    }
    std::fs::write(folder.path().join("muster.yaml"), texts.join("---\n")).unwrap();
    let loaded = load(&Worktree::open(folder.path()).unwrap());
    let config = loaded.config.unwrap_or_else(|| panic!("{:#?}", loaded.findings));
    (folder, config, loaded.revision)
});

fn provider(name: &str, spec: &str) -> String {
    document("Provider", name, spec)
}

/// There are no secrets in scripts, and no scripts beside Muster.
#[derive(Debug)]
struct Nothing;

impl Secrets for Nothing {
    fn resolve(&self, reference: &SecretRef) -> Result<Secret, SecretError> {
        Err(SecretError::NotSet(reference.to_string()))
    }
}

impl ScriptHost for Nothing {
    fn run<'a>(
        &'a self,
        _: &'a Script,
        _: &'a str,
        _: std::time::Duration,
    ) -> BoxFuture<'a, Result<String, HostError>> {
        Box::pin(async { Err(HostError("nothing runs here".to_owned())) })
    }
}

/// One run's world.
pub(super) struct World {
    pub(super) lab: Lab,
    clock: Arc<LabClock>,
    links: BTreeMap<Name, Link>,
    store: Sqlite,
    folder: TempDir,
}

impl World {
    pub(super) async fn start(systems: &[System]) -> Self {
        let lab = leaping(FLEET).await;
        let clock = clock(&lab);
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(&folder.path().join("state.db")).await.unwrap();
        let links = systems.iter().map(|system| link(&lab, *system)).collect();
        Self { lab, clock, links, store, folder }
    }

    /// Lists, looks at everything again, and plans.
    pub(super) async fn plan(&self) -> Prepared {
        let (_folder, config, revision) = &*DECLARED;
        let readers = self.links.iter().map(|(name, link)| (name.clone(), link.reader.clone())).collect();
        let preparation = Preparation {
            config,
            revision,
            readers: &readers,
            sources: &Sources::default(),
            host: &Nothing,
            store: &self.store,
            secrets: &Nothing,
            clock: &*self.clock,
            control: &demand::control().1,
            progress: &|_| {},
        };
        let wish = Wish {
            only: Vec::new(),
            options: Options::default(),
            refresh: Refresh::Always,
            offline: false,
            own_lists: false,
            judge: None,
            judged_besides: false,
            accepted: std::collections::BTreeSet::new(),
            as_of: None,
            identify: std::collections::BTreeSet::new(),
            identify_alone: false,
            also: Vec::new(),
        };
        preparation.run(&wish).await.unwrap()
    }

    /// Does what a plan says, and gives what was told of it.
    pub(super) async fn apply(&self, prepared: &Prepared) -> Vec<Event> {
        let (_folder, config, _) = &*DECLARED;
        let plan = &prepared.planned.plan;
        let told = Mutex::new(Vec::new());
        let run = RunRecord {
            id: RunId::new(uuid::Uuid::now_v7().to_string()),
            started: self.clock.now(),
            finished: None,
            commit: None,
            plan: plan.digest.clone(),
            overrides: Vec::new(),
        };
        let dispatcher = Dispatcher {
            tools: Tools {
                config,
                store: &self.store,
                secrets: &Nothing,
                clock: &*self.clock,
                events: &|event| told.lock().unwrap().push(event),
                files: Files {
                    cache: &Folder::new(self.folder.path().join("cache")),
                    supplied: &Supplied::new(),
                    lanes: &tokio::sync::Semaphore::new(1),
                },
            },
            snapshot: &prepared.snapshot,
            links: &self.links,
            concurrency: 10,
            session_id: &|| SessionId::new(uuid::Uuid::now_v7().to_string()),
        };
        dispatcher.run(&run, plan, &demand::control().1).await.unwrap();
        remember(&self.store, &prepared.snapshot, &prepared.planned.wants).await.unwrap();
        told.into_inner().unwrap()
    }

    /// How many computers a plan knows, and how many changes it makes to them.
    pub(super) fn planned(prepared: &Prepared) -> (usize, usize) {
        let plan = &prepared.planned.plan;
        let left: usize =
            plan.memberships.iter().flat_map(|one| &one.left).map(|one| one.computers.len()).sum();
        assert_eq!(left, 0, "{:?}", plan.memberships);
        assert!(plan.changes.iter().all(|change| !change.removes), "{:?}", plan.changes);
        (prepared.snapshot.len(), plan.sessions.iter().map(|session| session.actions.len()).sum())
    }

    /// Whether everything that is wanted was looked at and is there.
    pub(super) fn is_known(prepared: &Prepared) -> bool {
        prepared.reached.len() == COMPUTERS
    }

    pub(super) fn name(prepared: &Prepared, computer: &ComputerId) -> String {
        let at = prepared.snapshot.position(computer).unwrap();
        prepared.snapshot.computer(at).name.clone()
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.lab.computers().map(|one| one.name.clone()).collect()
    }

    /// How often a software was installed on a computer.
    pub(super) fn times(&self, computer: &str, software: &str) -> u32 {
        let wanted = format!("\"{software}\"");
        let changes = self.lab.changes();
        let own = changes.iter().filter(|((name, purpose), _)| name == computer && purpose.contains(&wanted));
        own.map(|(_, count)| *count).sum()
    }

    /// How often the change ran that ran most.
    pub(super) fn most(&self) -> u32 {
        self.lab.changes().into_values().max().unwrap_or_default()
    }
}

fn link(lab: &Lab, system: System) -> (Name, Link) {
    let url = lab.url(system);
    let (name, reader, writer) = match system {
        System::Control => {
            let more = format!("  link: {{ {LINK} }}\n");
            let link = control(lab, &more);
            ("control", link.reader(), link.writer())
        }
        System::Automate => {
            let link = automate_with(lab, &url, LINK);
            ("automate", link.reader(), link.writer())
        }
        System::Rmm => {
            let link = rmm_with(lab, &url, LINK);
            ("rmm", link.reader(), link.writer())
        }
    };
    (Name::new(name).unwrap(), Link { reader, writer })
}
