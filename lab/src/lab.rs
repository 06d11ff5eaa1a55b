//! The three systems at work, in this process.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::task::JoinSet;

use crate::admin::{Admin, set_online};
use crate::automate::Automate;
use crate::clock::Clock;
use crate::control::Control;
use crate::faults::Faults;
use crate::fleet::{Agent, Computer, Fleet, FleetError, System};
use crate::journal::{Entry, Journal, Line};
use crate::rmm::Rmm;
use crate::server;
use crate::world::World;

/// How a lab is started.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The port of each system; a system without one gets any free one.
    pub ports: BTreeMap<System, u16>,
    /// The port for changing the lab while it serves; 0 is any free one, none is no such port.
    pub admin: Option<u16>,
    /// Where real computers have their folders. Default: a new folder among the system's temporary ones.
    pub folder: Option<PathBuf>,
    /// A file to which the journal is added, one JSON object on each line.
    pub journal: Option<PathBuf>,
    /// Where the time comes from. Default: this host.
    pub clock: Clock,
}

/// Why a lab does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The fleet is wrong.
    #[error(transparent)]
    Fleet(#[from] FleetError),
    /// A port cannot be had.
    #[error("cannot listen on port {port} of loopback")]
    Port {
        /// Which.
        port: u16,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The journal or the folder cannot be written.
    #[error("cannot write {path}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// A lab that serves until it is dropped.
#[derive(Debug)]
pub struct Lab {
    world: Arc<World>,
    control: Arc<Control>,
    automate: Arc<Automate>,
    ports: BTreeMap<System, u16>,
    admin: Option<u16>,
    /// Ends with the lab.
    _tasks: JoinSet<std::convert::Infallible>,
    /// Removed with the lab, when it was made for it.
    temporary: Option<PathBuf>,
}

impl Lab {
    /// Starts the three systems. It needs a runtime.
    ///
    /// # Errors
    /// [`StartError`] when the fleet is wrong, a port is taken, or a file cannot be written.
    pub async fn start(fleet: Fleet, options: Options) -> Result<Self, StartError> {
        let fleet = fleet.made()?;
        let journal = Journal::open(options.journal.as_deref(), options.clock.clone()).map_err(|source| {
            StartError::File { path: options.journal.clone().unwrap_or_default(), source }
        })?;
        let (folder, temporary) = if let Some(folder) = options.folder {
            (folder, None)
        } else {
            let folder = std::env::temp_dir().join(format!("muster-lab-{}", uuid::Uuid::now_v7()));
            (folder.clone(), Some(folder))
        };
        let world = Arc::new(World::new(fleet, options.clock, journal, folder));
        let control = Arc::new(Control::new(&world));
        let automate = Automate::new(&world);
        let mut tasks = JoinSet::new();
        let mut ports = BTreeMap::new();
        for system in System::ALL {
            let port = options.ports.get(&system).copied().unwrap_or_default();
            let listener = server::listen(port).await.map_err(|source| StartError::Port { port, source })?;
            let bound = listener.local_addr().map_err(|source| StartError::Port { port, source })?;
            ports.insert(system, bound.port());
            match system {
                System::Control => {
                    tasks.spawn(server::run(listener, Arc::clone(&world), Arc::clone(&control)))
                }
                System::Automate => {
                    tasks.spawn(server::run(listener, Arc::clone(&world), Arc::clone(&automate)))
                }
                System::Rmm => tasks.spawn(server::run(listener, Arc::clone(&world), Rmm::new(&world))),
            };
        }
        let mut admin = None;
        if let Some(port) = options.admin {
            let (listener, bound) = bind(port).await?;
            let answers = Admin { world: Arc::clone(&world), control: Arc::clone(&control) };
            tasks.spawn(server::run(listener, Arc::clone(&world), Arc::new(answers)));
            admin = Some(bound);
        }
        Ok(Self { world, control, automate, ports, admin, _tasks: tasks, temporary })
    }

    /// Where a system is served, such as `http://127.0.0.1:4711`.
    #[must_use]
    pub fn url(&self, system: System) -> String {
        format!("http://127.0.0.1:{}", self.ports.get(&system).copied().unwrap_or_default())
    }

    /// Where the lab can be changed while it serves.
    #[must_use]
    pub fn admin_url(&self) -> Option<String> {
        self.admin.map(|port| format!("http://127.0.0.1:{port}"))
    }

    /// The fleet's settings. Its computers are under [`Lab::computers`].
    #[must_use]
    pub fn settings(&self) -> &Fleet {
        &self.world.fleet
    }

    /// The computers, in their order.
    pub fn computers(&self) -> impl Iterator<Item = &crate::fleet::Computer> {
        self.world.machines.iter().map(|machine| &machine.computer)
    }

    /// The fleet as it is now, with the id of every agent. Changed and started again it goes on as the same: that is how
    /// agents come, go and are installed anew between two runs.
    #[must_use]
    pub fn fleet(&self) -> Fleet {
        let machines = self.world.machines.iter();
        let mut computers: Vec<Computer> = machines
            .map(|one| Computer { online: one.is_online(), agents: Some(Vec::new()), ..one.computer.clone() })
            .collect();
        for system in System::ALL {
            for agent in self.world.agents(system) {
                let Some(computer) = computers.get_mut(agent.machine) else { continue };
                let (own, installed) = (computer.hostname() == agent.name, computer.identity().os_installed);
                computer.agents.get_or_insert_default().push(Agent {
                    system,
                    id: Some(agent.id.clone()),
                    previous: agent.previous,
                    name: (!own).then(|| agent.name.clone()),
                    os_installed: agent.os_installed.filter(|at| Some(*at) != installed),
                    seen: Some(agent.seen),
                });
            }
        }
        Fleet { computers, ..self.world.fleet.clone() }
    }

    /// The ids of a computer's agents in a system, the present one first.
    #[must_use]
    pub fn agents(&self, system: System, computer: &str) -> Vec<String> {
        let agents = self.world.agents(system).iter();
        let mut agents: Vec<_> = agents
            .filter(|agent| self.world.computer(agent).is_some_and(|one| one.name == computer))
            .collect();
        agents.sort_by_key(|agent| agent.previous);
        agents.into_iter().map(|agent| agent.id.clone()).collect()
    }

    /// All that happened, in its order.
    #[must_use]
    pub fn journal(&self) -> Vec<Line> {
        self.world.journal.lines()
    }

    /// How many simulated steps have changed something, by computer and purpose: more than one is a double execution.
    #[must_use]
    pub fn changes(&self) -> BTreeMap<(String, String), u32> {
        let mut counts = BTreeMap::new();
        for line in self.journal() {
            if let Entry::Step { computer, did: "begins", purpose } = line.entry {
                let purpose = serde_json::to_string(&purpose).unwrap_or_default();
                *counts.entry((computer, purpose)).or_default() += 1;
            }
        }
        counts
    }

    /// The clock that the lab goes by.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.world.clock.clone()
    }

    /// Sets what goes wrong from now on; counters begin anew.
    pub fn set_faults(&self, faults: Faults) {
        self.world.set_faults(faults);
    }

    /// Switches a computer on or off; `false` when there is none of this name.
    #[must_use]
    pub fn set_online(&self, computer: &str, online: bool) -> bool {
        set_online(&self.world, &self.control, computer, online)
    }

    /// The numbers of the computers that are in maintenance in Automate.
    #[must_use]
    pub fn in_maintenance(&self) -> Vec<String> {
        let agents = self.world.agents(System::Automate).iter();
        agents.filter(|agent| self.automate.in_maintenance(agent)).map(|agent| agent.id.clone()).collect()
    }

    /// Switches maintenance mode of an agent of Automate, as a technician does: on for so many minutes, or off; `false` when
    /// there is no such agent.
    #[must_use]
    pub fn set_maintenance(&self, agent: &str, minutes: Option<u32>) -> bool {
        let Some(agent) = self.world.agent(System::Automate, agent) else { return false };
        match minutes {
            Some(minutes) => self.automate.begin_maintenance(agent, minutes),
            None => self.automate.end_maintenance(agent),
        }
        true
    }

    /// What a client needs to sign in, as variables of the environment.
    #[must_use]
    pub fn environment(&self) -> BTreeMap<&'static str, String> {
        let Fleet { control, automate, rmm, .. } = &self.world.fleet;
        BTreeMap::from([
            ("LAB_CONTROL_URL", self.url(System::Control)),
            ("LAB_CONTROL_SECRET", control.secret.clone()),
            ("LAB_CONTROL_USER", control.user.clone()),
            ("LAB_CONTROL_PASSWORD", control.password.clone()),
            ("LAB_AUTOMATE_URL", self.url(System::Automate)),
            ("LAB_AUTOMATE_USER", automate.user.clone()),
            ("LAB_AUTOMATE_PASSWORD", automate.password.clone()),
            ("LAB_AUTOMATE_CLIENT_ID", automate.client_id.clone()),
            ("LAB_RMM_URL", self.url(System::Rmm)),
            ("LAB_RMM_CLIENT_ID", rmm.client_id.clone()),
            ("LAB_RMM_CLIENT_SECRET", rmm.client_secret.clone()),
        ])
    }
}

async fn bind(port: u16) -> Result<(tokio::net::TcpListener, u16), StartError> {
    let failed = |source| StartError::Port { port, source };
    let listener = server::listen(port).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound.port()))
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.world.close();
        if let Some(folder) = &self.temporary {
            // It may never have been made.
            _ = std::fs::remove_dir_all(folder);
        }
    }
}
