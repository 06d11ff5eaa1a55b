//! The fleet file: companies, computers, the agents on them, and the three systems that list them.
//!
//! Not here: computers from a seed (`generate`), what happens to them later (`crate::world`).
//!
//! Invariants: unknown keys are errors; names are unique without regard to case; every company and site that a computer
//! names exists. A computer is described as the `simulated` provider of Muster describes one, so that one model answers
//! for both.

mod generate;
mod settings;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use muster::id::Name;
use muster::provider::simulated::fleet::{
    Entry, FleetComputer, FleetFacts, FleetIdentity, FleetSignIn, TaskState,
};
use muster::session::script::Platform;
use serde::{Deserialize, Serialize};

pub use self::generate::{Case, Generate};
pub use self::settings::{
    AutomateScript, AutomateSettings, AutomateWork, ControlSettings, ListMethod, PolicySite, RateLimit,
    RmmPolicy, RmmScript, RmmSettings,
};
use crate::faults::Faults;

/// A fleet file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fleet {
    /// The customers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub companies: Vec<Company>,
    /// The computers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub computers: Vec<Computer>,
    /// How a software stands in the list of installed programs of simulated computers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inventory: BTreeMap<Name, Entry>,
    /// More companies and computers, from a seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generate: Option<Generate>,
    /// `ConnectWise` Control (`ScreenConnect`).
    #[serde(default)]
    pub control: ControlSettings,
    /// `ConnectWise` Automate.
    #[serde(default)]
    pub automate: AutomateSettings,
    /// `ConnectWise` RMM.
    #[serde(default)]
    pub rmm: RmmSettings,
    /// What goes wrong.
    #[serde(default)]
    pub faults: Faults,
}

/// A customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Company {
    /// Its name, unique.
    pub name: String,
    /// Its sites. Default: one, `Main`.
    #[serde(default = "main_site")]
    pub sites: Vec<String>,
    /// Its id in the PSA.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<u32>,
}

/// Whether a computer is a model or this host's shell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// It answers what the steps of a bundle are for.
    #[default]
    Simulated,
    /// A shell of this host runs the command, in a folder of the computer's own.
    Real,
}

/// A system with agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum System {
    /// `ConnectWise` Control (`ScreenConnect`).
    Control,
    /// `ConnectWise` Automate.
    Automate,
    /// `ConnectWise` RMM.
    Rmm,
}

impl System {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Control, Self::Automate, Self::Rmm];

    /// The word in files and logs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Control => "control",
            Self::Automate => "automate",
            Self::Rmm => "rmm",
        }
    }
}

/// One computer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Computer {
    /// Its name, unique in the fleet; also its host name unless `hostname` says otherwise.
    pub name: String,
    /// The name it gives itself, where two computers call themselves the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// The company whose computer it is. Without one the systems list it without, where they can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    /// The company's site. Default: its first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// A model or a shell. Default: a model.
    #[serde(default)]
    pub kind: Kind,
    /// Its platform. Default: posix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// What it says of itself.
    #[serde(default)]
    pub facts: FleetFacts,
    /// What tells it from others; made from its name when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<FleetIdentity>,
    /// The address of its network card. Default: made from its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
    /// Whether it is a virtual machine.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_virtual: bool,
    /// What a script that looks for a software finds: its version, by the software's name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub software: BTreeMap<Name, String>,
    /// Whether a software's own test says that it works. Default: it does.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub healthy: BTreeMap<Name, bool>,
    /// How tasks stand, by `name` or `name[instance]`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tasks: BTreeMap<String, TaskState>,
    /// Groups of Automate that it is in, beside `All Agents`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub groups: BTreeSet<String>,
    /// Custom properties of its session in Control, by number from 1; 1 is the company and 2 the site unless said here.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<u8, String>,
    /// Who was signed in, and when.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sign_ins: Vec<FleetSignIn>,
    /// Patches that are approved and missing.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub missing_patches: u32,
    /// Whether it is switched on. Default: it is.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub online: bool,
    /// Its agents. Default: one in each system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agents: Option<Vec<Agent>>,
    /// What the generator made it for; it changes nothing.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub cases: BTreeSet<Case>,
}

/// An agent of a system on a computer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Agent {
    /// Whose agent it is.
    pub system: System,
    /// Its id there: a GUID, in Automate a number. Default: made from the computer's name or counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Whether it is what an earlier installation left behind: listed, and never online again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub previous: bool,
    /// The name that the system knows, if it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When the operating system was installed that the system knows of, if it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os_installed: Option<Timestamp>,
    /// When it was seen last, while it is not online. Default: some days ago; before a wipe, if it is of before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Timestamp>,
}

impl Agent {
    /// The present agent of a system.
    #[must_use]
    pub const fn of(system: System) -> Self {
        Self { system, id: None, previous: false, name: None, os_installed: None, seen: None }
    }
}

/// Why a fleet file is not taken.
#[derive(Debug, thiserror::Error)]
#[error("the fleet file is wrong: {0}")]
pub struct FleetError(pub String);

impl Fleet {
    /// Reads a fleet file and checks it.
    ///
    /// # Errors
    /// [`FleetError`] with all that is wrong, one line each.
    pub fn read(text: &str) -> Result<Self, FleetError> {
        let fleet: Self = if text.trim().is_empty() {
            Self::default()
        } else {
            serde_saphyr::from_str(text).map_err(|error| FleetError(error.to_string()))?
        };
        fleet.made()
    }

    /// The fleet as a file.
    ///
    /// # Errors
    /// [`FleetError`] when it cannot be written as YAML.
    pub fn write(&self) -> Result<String, FleetError> {
        serde_saphyr::to_string(self).map_err(|error| FleetError(error.to_string()))
    }

    /// The fleet with what its generator makes, checked.
    ///
    /// # Errors
    /// [`FleetError`] with all that is wrong, one line each.
    pub fn made(mut self) -> Result<Self, FleetError> {
        if let Some(generate) = self.generate.take() {
            let (companies, computers) = generate.make().map_err(FleetError)?;
            self.companies.extend(companies);
            self.computers.extend(computers);
        }
        let wrong = self.check();
        if wrong.is_empty() { Ok(self) } else { Err(FleetError(wrong.join("\n"))) }
    }

    fn check(&self) -> Vec<String> {
        let mut wrong = self.settings();
        let mut companies: BTreeMap<String, &Company> = BTreeMap::new();
        for company in &self.companies {
            if company.name.trim().is_empty() || company.sites.is_empty() {
                wrong.push(format!("company {:?} needs a name and at least one site", company.name));
            }
            if companies.insert(company.name.to_lowercase(), company).is_some() {
                wrong.push(format!("company {:?} is there twice", company.name));
            }
        }
        let mut names = BTreeSet::new();
        let mut ids = BTreeSet::new();
        for computer in &self.computers {
            let name = &computer.name;
            let mut say = |what: String| wrong.push(format!("computer {name:?}: {what}"));
            if !names.insert(name.to_lowercase()) {
                say("it is there twice".to_owned());
            }
            if let Err(what) = computer.model().check() {
                say(what);
            }
            if computer.kind == Kind::Real && computer.platform == Some(Platform::Windows) {
                say("a real computer is posix: it is a shell of this host".to_owned());
            }
            if computer.properties.keys().any(|number| !(1..=8).contains(number)) {
                say("custom properties have the numbers 1 to 8".to_owned());
            }
            match &computer.company {
                None if computer.site.is_some() => say("a site needs a company".to_owned()),
                None => {}
                Some(company) => match companies.get(&company.to_lowercase()) {
                    None => say(format!("there is no company {company:?}")),
                    Some(known) => {
                        if let Some(site) = computer.site.as_ref().filter(|site| !known.sites.contains(site))
                        {
                            say(format!("{company:?} has no site {site:?}"));
                        }
                    }
                },
            }
            for agent in computer.agents.iter().flatten() {
                if let Some(id) = &agent.id {
                    if let Err(what) = check_id(agent.system, id) {
                        say(what);
                    }
                    if !ids.insert((agent.system, id.to_lowercase())) {
                        say(format!("{} has the id {id:?} twice", agent.system.word()));
                    }
                }
            }
        }
        wrong
    }

    fn settings(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (what, text) in [
            ("control.secret", &self.control.secret),
            ("control.user", &self.control.user),
            ("control.password", &self.control.password),
            ("automate.user", &self.automate.user),
            ("automate.password", &self.automate.password),
            ("automate.clientId", &self.automate.client_id),
            ("rmm.clientId", &self.rmm.client_id),
            ("rmm.clientSecret", &self.rmm.client_secret),
        ] {
            if text.is_empty() {
                wrong.push(format!("{what} is empty"));
            }
        }
        for site in self.rmm.policies.iter().flat_map(|policy| &policy.sites) {
            let company = self.companies.iter().find(|one| one.name == site.company);
            let known =
                company.is_some_and(|one| site.site.as_ref().is_none_or(|site| one.sites.contains(site)));
            if !known {
                wrong.push(format!("rmm.policies: there is no site {site:?}"));
            }
        }
        wrong.extend(self.faults.check());
        wrong
    }
}

fn check_id(system: System, id: &str) -> Result<(), String> {
    let fits = match system {
        System::Automate => id.parse::<u32>().is_ok_and(|number| number > 0),
        System::Control | System::Rmm => uuid::Uuid::parse_str(id).is_ok(),
    };
    if fits { Ok(()) } else { Err(format!("{id:?} is no id of {}", system.word())) }
}

impl Computer {
    /// A computer of this name, with the defaults.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            hostname: None,
            company: None,
            site: None,
            kind: Kind::default(),
            platform: None,
            facts: FleetFacts::default(),
            identity: None,
            mac: None,
            is_virtual: false,
            software: BTreeMap::new(),
            healthy: BTreeMap::new(),
            tasks: BTreeMap::new(),
            groups: BTreeSet::new(),
            properties: BTreeMap::new(),
            sign_ins: Vec::new(),
            missing_patches: 0,
            online: true,
            agents: None,
            cases: BTreeSet::new(),
        }
    }

    /// Its platform.
    #[must_use]
    pub fn platform(&self) -> Platform {
        self.platform.unwrap_or(Platform::Posix)
    }

    /// The name it gives itself.
    #[must_use]
    pub fn hostname(&self) -> &str {
        self.hostname.as_deref().unwrap_or(&self.name)
    }

    /// The computer as the model of the `simulated` provider knows it.
    #[must_use]
    pub fn model(&self) -> FleetComputer {
        FleetComputer {
            client: None,
            name: self.hostname().to_owned(),
            tenant: None,
            platform: self.platform,
            tags: BTreeSet::new(),
            facts: self.facts.clone(),
            identity: Some(self.identity()),
            software: self.software.clone(),
            healthy: self.healthy.clone(),
            tasks: self.tasks.clone(),
            site: None,
            groups: self.groups.clone(),
            properties: BTreeMap::new(),
            sign_ins: self.sign_ins.clone(),
            onboarded: None,
            offline: !self.online,
        }
    }

    /// What tells it from others: as given, or made from its name so that it is like no other.
    #[must_use]
    pub fn identity(&self) -> FleetIdentity {
        self.identity.clone().unwrap_or_else(|| FleetIdentity {
            uuid: Some(crate::ids::guid("hardware", &self.name)),
            serial: Some(crate::ids::serial(&self.name, 7)),
            manufacturer: Some("Dell Inc.".to_owned()),
            model: Some("OptiPlex 7020".to_owned()),
            board_serial: None,
            machine_id: Some(crate::ids::guid("installation", &self.name).replace('-', "")),
            generated_id: None,
            os_installed: Timestamp::from_second(1_767_600_000).ok(),
        })
    }

    /// The same without a copy, where it is given.
    pub(crate) fn known_identity(&self) -> Cow<'_, FleetIdentity> {
        self.identity.as_ref().map_or_else(|| Cow::Owned(self.identity()), Cow::Borrowed)
    }

    /// Its agents, the default ones when none are named.
    #[must_use]
    pub fn agents(&self) -> Vec<Agent> {
        self.agents.clone().unwrap_or_else(|| System::ALL.map(Agent::of).to_vec())
    }
}

fn main_site() -> Vec<String> {
    vec!["Main".to_owned()]
}

const fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_true(value: &bool) -> bool {
    *value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_zero(value: &u32) -> bool {
    *value == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fleet_file_says_all_that_is_wrong_with_it() {
        let error = Fleet::read(
            "companies: [{ name: Contoso }, { name: contoso }]
computers:
  - { name: a, company: Fabrikam }
  - { name: A, company: Contoso, site: Elsewhere }
  - { name: b, kind: real, platform: windows, properties: { 9: x } }
  - { name: c, site: Main, agents: [{ system: automate, id: '0' }, { system: control, id: x }] }
control: { secret: '' }
",
        )
        .expect_err("it is wrong")
        .to_string();
        for what in [
            "\"contoso\" is there twice",
            "no company \"Fabrikam\"",
            "\"A\": it is there twice",
            "no site \"Elsewhere\"",
            "shell of this host",
            "1 to 8",
            "needs a company",
            "\"0\" is no id of automate",
            "\"x\" is no id of control",
            "control.secret is empty",
        ] {
            assert!(error.contains(what), "{what}: {error}");
        }
        for (bad, what) in [("computers: [{ name: a, colour: red }]", "colour"), ("computers: [", "line")] {
            assert!(Fleet::read(bad).expect_err(bad).to_string().contains(what), "{bad}");
        }
    }

    #[test]
    fn the_fleet_of_the_documentation_is_one() {
        let page = include_str!("../../../docs/lab.md");
        let (_, rest) = page.split_once("```yaml\n").expect("an example");
        let (text, _) = rest.split_once("```").expect("its end");
        let fleet = Fleet::read(text).expect("a fleet");
        assert_eq!(fleet.computers.len(), 102);
        assert_eq!(fleet.faults.rules.len(), 2);
    }

    #[test]
    fn a_written_fleet_reads_the_same() {
        let text = "companies: [{ name: \"O'Brien & Co\", sites: [Main, Depot], externalId: 250 }]
computers: [{ name: pc-1, company: \"O'Brien & Co\", site: Depot, properties: { 3: kiosk }, online: false }]
";
        let fleet = Fleet::read(text).expect("a fleet");
        let written = fleet.write().expect("YAML");
        assert_eq!(Fleet::read(&written).expect("a fleet"), fleet, "{written}");
    }
}
