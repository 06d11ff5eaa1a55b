//! The world: computers, the agents on them, and which of them are switched on.
//!
//! Not here: what the three systems make of it.
//!
//! Invariants: an agent's commands run one after the other, in the order in which they came, and only while it is online.
//! An agent that an earlier installation left behind is never online.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::watch;

use crate::clock::{self, Clock};
use crate::faults::{Dice, Faults};
use crate::fleet::{Company, Computer, Fleet, System};
use crate::ids;
use crate::journal::{Entry, Journal};
use crate::machine::{Machine, Order, Outcome};

/// All that exists.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) fleet: Fleet,
    pub(crate) companies: Vec<Customer>,
    pub(crate) machines: Vec<Machine>,
    by_name: HashMap<String, usize>,
    /// By system, in the order in which they are listed.
    agents: BTreeMap<System, Agents>,
    pub(crate) clock: Clock,
    pub(crate) dice: Dice,
    pub(crate) journal: Journal,
    /// When the lab was started.
    pub(crate) started: Timestamp,
    /// Where real computers have their folders.
    pub(crate) folder: PathBuf,
    closing: watch::Sender<bool>,
}

/// The agents of one system.
#[derive(Debug, Default)]
struct Agents {
    list: Vec<Arc<Agent>>,
    by_id: HashMap<String, usize>,
}

/// A company with the ids that the systems have for it.
#[derive(Debug)]
pub(crate) struct Customer {
    pub(crate) company: Company,
    /// In Automate: from 1.
    pub(crate) number: usize,
    /// In RMM.
    pub(crate) guid: String,
    pub(crate) sites: Vec<Place>,
}

/// A site with the ids that the systems have for it.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) number: usize,
    pub(crate) guid: String,
}

/// An agent of a system on a computer.
#[derive(Debug)]
pub(crate) struct Agent {
    pub(crate) system: System,
    /// Its id in its system, lower case.
    pub(crate) id: String,
    /// The computer's position.
    pub(crate) machine: usize,
    /// Whether it is what an earlier installation left behind.
    pub(crate) previous: bool,
    /// The name that the system knows.
    pub(crate) name: String,
    pub(crate) os_installed: Option<Timestamp>,
    /// When it was installed.
    pub(crate) since: Timestamp,
    /// When it was seen last, if it is not online.
    pub(crate) seen: Timestamp,
    /// Positions of company and site.
    pub(crate) place: Option<(usize, usize)>,
    lane: Mutex<Lane>,
}

/// Commands that wait for their turn.
#[derive(Default)]
struct Lane {
    waiting: VecDeque<BoxFuture<'static, ()>>,
    at_work: bool,
}

impl std::fmt::Debug for Lane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Lane({})", self.waiting.len())
    }
}

pub(crate) fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    pub(crate) fn new(mut fleet: Fleet, clock: Clock, journal: Journal, folder: PathBuf) -> Self {
        let started = clock.now();
        let dice = Dice::default();
        dice.set(std::mem::take(&mut fleet.faults));
        let companies = customers(&fleet.companies);
        let computers = std::mem::take(&mut fleet.computers);
        let by_company: HashMap<String, usize> =
            companies.iter().enumerate().map(|(at, one)| (one.company.name.to_lowercase(), at)).collect();
        let mut agents: BTreeMap<System, Agents> =
            System::ALL.map(|system| (system, Agents::default())).into();
        for (at, computer) in computers.iter().enumerate() {
            let place = computer.company.as_ref().and_then(|name| {
                let company = *by_company.get(&name.to_lowercase())?;
                let sites = &companies.get(company)?.sites;
                let site = computer.site.as_ref();
                Some((company, site.and_then(|s| sites.iter().position(|p| &p.name == s)).unwrap_or(0)))
            });
            for (ordinal, given) in computer.agents().iter().enumerate() {
                if let Some(known) = agents.get_mut(&given.system) {
                    known.add(agent(at, ordinal, computer, given, place, started));
                }
            }
        }
        let by_name = computers.iter().enumerate().map(|(at, one)| (one.name.to_lowercase(), at)).collect();
        let machines = computers.into_iter().map(Machine::new).collect();
        let closing = watch::Sender::new(false);
        Self { fleet, companies, machines, by_name, agents, clock, dice, journal, started, folder, closing }
    }

    /// The agents of a system, in the order in which they are listed.
    pub(crate) fn agents(&self, system: System) -> &[Arc<Agent>] {
        self.agents.get(&system).map_or(&[], |agents| agents.list.as_slice())
    }

    /// The agent of this id, whatever its case.
    pub(crate) fn agent(&self, system: System, id: &str) -> Option<&Arc<Agent>> {
        let agents = self.agents.get(&system)?;
        agents.by_id.get(&id.to_lowercase()).and_then(|at| agents.list.get(*at))
    }

    pub(crate) fn machine(&self, agent: &Agent) -> Option<&Machine> {
        self.machines.get(agent.machine)
    }

    pub(crate) fn machine_named(&self, name: &str) -> Option<&Machine> {
        self.by_name.get(&name.to_lowercase()).and_then(|at| self.machines.get(*at))
    }

    pub(crate) fn computer(&self, agent: &Agent) -> Option<&Computer> {
        self.machine(agent).map(|machine| &machine.computer)
    }

    pub(crate) fn is_online(&self, agent: &Agent) -> bool {
        !agent.previous && self.machine(agent).is_some_and(Machine::is_online)
    }

    /// The company and the site of an agent.
    pub(crate) fn place(&self, agent: &Agent) -> Option<(&Customer, &Place)> {
        let (company, site) = agent.place?;
        let company = self.companies.get(company)?;
        Some((company, company.sites.get(site)?))
    }

    /// The time as a server tells it.
    pub(crate) fn server_now(&self) -> Timestamp {
        clock::shifted(self.clock.now(), self.dice.server_skew())
    }

    pub(crate) fn set_faults(&self, faults: Faults) {
        self.dice.set(faults);
    }

    /// Ends all that waits.
    pub(crate) fn close(&self) {
        self.closing.send_replace(true);
    }

    /// Adds work to an agent's lane: it is done when its turn comes and the agent is online.
    pub(crate) fn queue(self: &Arc<Self>, agent: &Arc<Agent>, work: BoxFuture<'static, ()>) {
        let mut lane = guard(&agent.lane);
        lane.waiting.push_back(work);
        if !lane.at_work {
            lane.at_work = true;
            tokio::spawn(Arc::clone(self).drain(Arc::clone(agent)));
        }
    }

    async fn drain(self: Arc<Self>, agent: Arc<Agent>) {
        loop {
            if !self.wait_for(&agent).await {
                return;
            }
            let next = {
                let mut lane = guard(&agent.lane);
                let next = lane.waiting.pop_front();
                lane.at_work = next.is_some();
                next
            };
            match next {
                Some(work) => work.await,
                None => return,
            }
        }
    }

    /// Waits until the agent is online; `false` when the lab ends before.
    async fn wait_for(&self, agent: &Agent) -> bool {
        let mut closing = self.closing.subscribe();
        let Some(machine) = self.machine(agent).filter(|_| !agent.previous) else {
            // It never comes back. Its commands wait as long as the lab lives.
            _ = closing.wait_for(|closing| *closing).await;
            return false;
        };
        tokio::select! {
            () = machine.until_online() => true,
            _ = closing.wait_for(|closing| *closing) => false,
        }
    }

    /// Runs a command on the agent's computer now.
    pub(crate) async fn run(&self, agent: &Agent, order: Order) -> Outcome {
        let Some(machine) = self.machine(agent) else {
            return Outcome::not_started("there is no such computer");
        };
        let computer = machine.computer.name.clone();
        let (system, id) = (agent.system, order.id.clone());
        self.journal.add(Entry::Runs { system, computer: computer.clone(), id: id.clone() });
        let outcome = machine.run(self, order).await;
        self.journal.add(Entry::Ran { system, computer, id, outcome: outcome.ended.to_string() });
        outcome
    }
}

impl Agents {
    fn add(&mut self, mut agent: Agent) {
        if agent.id.is_empty() {
            // Automate counts.
            let mut number = self.list.len() + 1;
            while self.by_id.contains_key(&number.to_string()) {
                number += 1;
            }
            agent.id = number.to_string();
        }
        self.by_id.insert(agent.id.clone(), self.list.len());
        self.list.push(Arc::new(agent));
    }
}

fn agent(
    machine: usize,
    ordinal: usize,
    computer: &Computer,
    given: &crate::fleet::Agent,
    place: Option<(usize, usize)>,
    started: Timestamp,
) -> Agent {
    let id = given.id.clone().unwrap_or_else(|| match given.system {
        System::Automate => String::new(),
        // A re-installed agent of Control gets a new id; the first one keeps what it had.
        System::Control | System::Rmm => {
            ids::guid(given.system.word(), &format!("{}/{ordinal}", computer.name))
        }
    });
    let days = 86_400;
    let old = i64::try_from(ids::number("seen", &computer.name) % 60).unwrap_or_default() + 30;
    let identity = computer.identity();
    let os_installed = given.os_installed.or(identity.os_installed);
    let since = clock::shifted(os_installed.unwrap_or(started), 3600);
    let seen = clock::shifted(started, -days * if given.previous { old } else { old % 7 + 1 });
    // What ran an earlier installation was not seen any more once there was a later one.
    let wiped = identity.os_installed.filter(|present| given.previous && os_installed < Some(*present));
    let seen = given.seen.unwrap_or_else(|| wiped.map_or(seen, |at| seen.min(clock::shifted(at, -days))));
    Agent {
        system: given.system,
        id: id.to_lowercase(),
        machine,
        previous: given.previous,
        name: given.name.clone().unwrap_or_else(|| computer.hostname().to_owned()),
        os_installed,
        since,
        seen,
        place,
        lane: Mutex::default(),
    }
}

fn customers(companies: &[Company]) -> Vec<Customer> {
    let mut site_number = 0;
    let mut place = |company: &Company, name: &String| {
        site_number += 1;
        let guid = ids::guid("site", &format!("{}\0{name}", company.name));
        Place { name: name.clone(), number: site_number, guid }
    };
    companies
        .iter()
        .enumerate()
        .map(|(at, company)| Customer {
            company: company.clone(),
            number: at + 1,
            guid: ids::guid("company", &company.name),
            sites: company.sites.iter().map(|name| place(company, name)).collect(),
        })
        .collect()
}
