//! Companies and computers from a seed: with re-installed agents, wiped machines, clones, bad ids and virtual machines.
//!
//! Not here: what software they have and what they are for; the generator of the `simulated` provider decides that, so
//! that both make the same computers.
//!
//! Invariants: the same settings make the same fleet; the computer at a position does not depend on how many follow.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use muster::config::kind::Generator;
use muster::id::Name;
use muster::provider::simulated::fleet::FleetIdentity;
use muster::provider::simulated::generate::Maker;
use serde::{Deserialize, Serialize};

use super::{Agent, Company, Computer, System};
use crate::ids;

/// Settings of the generator. Shares are percentages of the computers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Generate {
    /// How many computers.
    pub computers: u32,
    /// The seed.
    #[serde(default)]
    pub seed: u64,
    /// How many companies they are spread over; the first has most of them.
    #[serde(default = "four")]
    pub companies: u32,
    /// How many sites each company has.
    #[serde(default = "two")]
    pub sites: u32,
    /// Whose agent was installed again: an old one is left in Control and in Automate.
    #[serde(default, skip_serializing_if = "zero")]
    pub reinstalled: u8,
    /// Which were wiped and installed anew: old agents are left everywhere, with an older installation.
    #[serde(default, skip_serializing_if = "zero")]
    pub wiped: u8,
    /// Which are copies of the virtual machine before them, with its identity.
    #[serde(default, skip_serializing_if = "zero")]
    pub cloned: u8,
    /// Which have a UUID that many have.
    #[serde(default, skip_serializing_if = "zero")]
    pub bad_uuid: u8,
    /// Which are virtual machines.
    #[serde(default, skip_serializing_if = "zero")]
    pub virtual_machines: u8,
    /// Which are switched off.
    #[serde(default, skip_serializing_if = "zero")]
    pub offline: u8,
    /// Which lack the agent of a system, for each system.
    #[serde(default, skip_serializing_if = "zero")]
    pub missing: u8,
    /// Software that some of them have: a name, and the versions that occur.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub software: BTreeMap<Name, Vec<String>>,
    /// Tasks that some of them comply with: a name, and the percentage that does.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub compliant: BTreeMap<Name, u8>,
}

/// What a computer was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Case {
    /// Its agents in Control and Automate were installed again.
    Reinstalled,
    /// It was wiped.
    Wiped,
    /// It is a copy of another one.
    Clone,
    /// Another one is a copy of it.
    Cloned,
    /// Its UUID is one that many have.
    BadUuid,
    /// Its serial number is one that many have, too.
    BadSerial,
    /// It is a virtual machine.
    Virtual,
}

/// Companies that come first; more are numbered.
const NAMES: [&str; 4] = ["Contoso", "Fabrikam", "Northwind", "Tailspin"];
const SITES: [&str; 4] = ["Main", "Branch", "Depot", "Plant"];

/// 2026-01-05T08:00:00Z: the day on which the first one was installed.
const FIRST: i64 = 1_767_600_000;
const DAY: i64 = 86_400;

impl Generate {
    /// So many computers over four companies, all of them as they should be.
    #[must_use]
    pub const fn of(computers: u32, seed: u64) -> Self {
        Self {
            computers,
            seed,
            companies: 4,
            sites: 2,
            reinstalled: 0,
            wiped: 0,
            cloned: 0,
            bad_uuid: 0,
            virtual_machines: 0,
            offline: 0,
            missing: 0,
            software: BTreeMap::new(),
            compliant: BTreeMap::new(),
        }
    }

    /// Makes the companies and the computers.
    pub(super) fn make(&self) -> Result<(Vec<Company>, Vec<Computer>), String> {
        let company = |at: u32| {
            let known = usize::try_from(at).ok().and_then(|at| NAMES.get(at));
            known.map_or_else(|| format!("Customer {:03}", at + 1), |name| (*name).to_owned())
        };
        let names: Vec<String> = (0..self.companies.max(1)).map(company).collect();
        let slug = |name: &String| Name::new(&name.to_lowercase().replace(' ', "-"));
        let tenants = names.iter().map(slug).collect::<Result<Vec<_>, _>>().map_err(|e| e.to_string())?;
        let titles: BTreeMap<&str, &String> = tenants.iter().map(Name::as_str).zip(&names).collect();
        let maker = Maker::new(Generator {
            computers: self.computers.max(1),
            seed: self.seed,
            tenants: tenants.clone(),
            software: self.software.clone(),
            compliant: self.compliant.clone(),
        })?;
        let site = |at: u32| {
            let known = usize::try_from(at).ok().and_then(|at| SITES.get(at));
            known.map_or_else(|| format!("Site {:02}", at + 1), |name| (*name).to_owned())
        };
        let sites: Vec<String> = (0..self.sites.max(1)).map(site).collect();
        let companies = names
            .iter()
            .zip(250..)
            .map(|(name, id)| Company { name: name.clone(), sites: sites.clone(), external_id: Some(id) })
            .collect();
        let computers = (0..self.computers).map(|index| self.computer(index, &maker, &titles, &sites));
        Ok((companies, computers.collect()))
    }

    fn computer(
        &self,
        index: u32,
        maker: &Maker,
        titles: &BTreeMap<&str, &String>,
        sites: &[String],
    ) -> Computer {
        let source = self.source(index);
        let model = maker.computer(source);
        let mut computer = Computer::named(model.name);
        let mut cases = BTreeSet::new();
        if source != index {
            computer.name = format!("{}-copy", computer.name);
            cases.insert(Case::Clone);
        } else if self.source(index + 1) == index && index + 1 < self.computers {
            cases.insert(Case::Cloned);
        }
        computer.company =
            model.tenant.and_then(|tenant| titles.get(tenant.as_str()).map(|title| (*title).clone()));
        let site = usize::try_from(self.draw(source, "site")).unwrap_or_default() % sites.len().max(1);
        computer.site = sites.get(site).cloned();
        computer.platform = model.platform;
        computer.facts = model.facts;
        computer.software = model.software;
        computer.healthy = model.healthy;
        computer.tasks = model.tasks;
        computer.groups = model.tags;
        computer.mac = Some(ids::mac(&computer.name));
        let copied = cases.contains(&Case::Clone) || cases.contains(&Case::Cloned);
        computer.is_virtual = copied || self.hits(source, "virtual", self.virtual_machines);
        if computer.is_virtual {
            cases.insert(Case::Virtual);
        }
        computer.identity = Some(self.identity(source, computer.is_virtual, copied, &mut cases));
        computer.online = copied || !self.hits(index, "offline", self.offline);
        computer.missing_patches = u32::try_from(self.draw(index, "patches") % 6).unwrap_or_default();
        computer.agents = Some(self.agents(index, copied, &mut computer, &mut cases));
        computer.cases = cases;
        computer
    }

    /// The position of the computer whose hardware this one has: its own, or that of the one before.
    fn source(&self, index: u32) -> u32 {
        let copy = |index: u32| index > 0 && self.hits(index, "clone", self.cloned);
        // A copy of a copy would be a third one of the same hardware.
        if copy(index) && !copy(index.saturating_sub(1)) { index.saturating_sub(1) } else { index }
    }

    fn identity(&self, at: u32, is_virtual: bool, copied: bool, cases: &mut BTreeSet<Case>) -> FleetIdentity {
        let name = format!("{}/{at}", self.seed);
        let uuid = ids::guid("hardware", &name);
        let installed = FIRST + i64::try_from(self.draw(at, "installed") % 120).unwrap_or_default() * DAY;
        let mut identity = FleetIdentity {
            uuid: Some(uuid.clone()),
            serial: None,
            manufacturer: None,
            model: None,
            board_serial: None,
            machine_id: Some(ids::guid("installation", &name).replace('-', "")),
            generated_id: None,
            os_installed: Timestamp::from_second(installed).ok(),
        };
        let (maker, model, serial) = if is_virtual {
            self.virtual_machine(at, &name, &uuid)
        } else {
            let (maker, model, length) = match self.draw(at, "maker") % 10 {
                0..4 => ("Dell Inc.", "Latitude 5450", 7),
                4..7 => ("HP", "HP EliteBook 840 G10", 10),
                7..9 => ("LENOVO", "21HD0012GE", 8),
                _ => ("Gigabyte Technology Co., Ltd.", "B650 GAMING X", 12),
            };
            (maker, model, Some(ids::serial(&name, length)))
        };
        identity.manufacturer = Some(maker.to_owned());
        identity.model = Some(model.to_owned());
        identity.serial = serial;
        if !copied && !is_virtual && self.hits(at, "bad uuid", self.bad_uuid) {
            cases.insert(Case::BadUuid);
            let bad = ["03000200-0400-0500-0006-000700080009", "ffffffff-ffff-ffff-ffff-ffffffffffff"];
            let drawn = self.draw(at, "which bad uuid");
            identity.uuid = bad.get(usize::from(drawn % 2 == 1)).map(|bad| (*bad).to_owned());
            if drawn.is_multiple_of(3) {
                cases.insert(Case::BadSerial);
                identity.manufacturer = Some("Default string".to_owned());
                identity.model = Some("Default string".to_owned());
                identity.serial = Some("To Be Filled By O.E.M.".to_owned());
            }
        }
        identity
    }

    /// Maker, model and serial number as the platforms write them.
    fn virtual_machine(
        &self,
        at: u32,
        name: &str,
        uuid: &str,
    ) -> (&'static str, &'static str, Option<String>) {
        match self.draw(at, "hypervisor") % 4 {
            0 | 1 => {
                let digits: Vec<char> = uuid.chars().filter(|c| *c != '-').collect();
                let pairs: Vec<String> = digits.chunks(2).map(|pair| pair.iter().collect()).collect();
                let (a, b) = pairs.split_at(pairs.len() / 2);
                let serial = format!("VMware-{}-{}", a.join(" "), b.join(" "));
                ("VMware, Inc.", "VMware20,1", Some(serial))
            }
            2 => {
                let digits = format!("{:026}", u128::from(ids::number("hyper-v", name)) * 999_983);
                let groups: Vec<&str> = (0..6).filter_map(|at| digits.get(at * 4..at * 4 + 4)).collect();
                let end = digits.get(24..26).unwrap_or("00");
                ("Microsoft Corporation", "Virtual Machine", Some(format!("{}-{end}", groups.join("-"))))
            }
            _ => ("QEMU", "Standard PC (Q35 + ICH9, 2009)", None),
        }
    }

    fn agents(
        &self,
        index: u32,
        copied: bool,
        computer: &mut Computer,
        cases: &mut BTreeSet<Case>,
    ) -> Vec<Agent> {
        let has = |system: &System| copied || !self.hits(index, system.word(), self.missing);
        let mut agents: Vec<Agent> = System::ALL.iter().filter(|s| has(s)).map(|s| Agent::of(*s)).collect();
        let old: Vec<Agent> = if copied {
            Vec::new()
        } else if self.hits(index, "wiped", self.wiped) {
            cases.insert(Case::Wiped);
            let before = computer.identity.as_ref().and_then(|identity| identity.os_installed);
            let before = before.and_then(|at| Timestamp::from_second(at.as_second() - 400 * DAY).ok());
            let name = self.hits(index, "renamed", 50).then(|| format!("old-{}", computer.hostname()));
            let left = |agent: &Agent| Agent {
                previous: true,
                name: name.clone(),
                os_installed: before,
                ..agent.clone()
            };
            agents.iter().map(left).collect()
        } else if self.hits(index, "reinstalled", self.reinstalled) {
            let left = agents.iter().filter(|agent| agent.system != System::Rmm);
            let left: Vec<Agent> = left.map(|agent| Agent { previous: true, ..agent.clone() }).collect();
            if !left.is_empty() {
                cases.insert(Case::Reinstalled);
            }
            left
        } else {
            Vec::new()
        };
        agents.extend(old);
        agents
    }

    fn hits(&self, index: u32, aspect: &str, share: u8) -> bool {
        self.draw(index, aspect) % 100 < u64::from(share)
    }

    fn draw(&self, index: u32, aspect: &str) -> u64 {
        ids::number(aspect, &format!("{}/{index}", self.seed))
    }
}

const fn four() -> u32 {
    4
}

const fn two() -> u32 {
    2
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn zero(value: &u8) -> bool {
    *value == 0
}

#[cfg(test)]
mod tests {
    use super::super::Fleet;
    use super::*;

    fn odd(computers: u32) -> Generate {
        Generate {
            reinstalled: 8,
            wiped: 5,
            cloned: 5,
            bad_uuid: 5,
            virtual_machines: 20,
            offline: 10,
            missing: 4,
            ..Generate::of(computers, 9)
        }
    }

    #[test]
    fn every_case_occurs_and_shows_in_what_is_listed() {
        let fleet = Fleet { generate: Some(odd(500)), ..Fleet::default() }.made().expect("a fleet");
        assert_eq!(fleet.computers.len(), 500);
        let mut seen: BTreeMap<Case, u32> = BTreeMap::new();
        for (at, computer) in fleet.computers.iter().enumerate() {
            let identity = computer.identity();
            let old: Vec<&Agent> = computer.agents.iter().flatten().filter(|agent| agent.previous).collect();
            for case in &computer.cases {
                *seen.entry(*case).or_default() += 1;
                match case {
                    Case::Reinstalled => {
                        assert!(old.iter().all(|a| a.system != System::Rmm && a.os_installed.is_none()));
                        assert!(!old.is_empty());
                    }
                    Case::Wiped => {
                        assert!(old.iter().all(|agent| agent.os_installed < identity.os_installed));
                    }
                    Case::Clone => {
                        let source = &fleet.computers[at - 1];
                        assert_eq!(source.identity(), identity);
                        assert!(source.cases.contains(&Case::Cloned) && source.online && computer.online);
                        assert_eq!(source.company, computer.company);
                    }
                    Case::BadUuid => {
                        assert!(identity.uuid.as_ref().is_some_and(|uuid| uuid.starts_with(['0', 'f'])));
                    }
                    Case::Cloned | Case::BadSerial | Case::Virtual => {}
                }
            }
        }
        assert_eq!(seen.len(), 7, "{seen:?}");
        assert_eq!(seen.get(&Case::Clone), seen.get(&Case::Cloned));
    }

    #[test]
    fn the_beginning_of_a_fleet_does_not_depend_on_its_size() {
        let make = |count| odd(count).make().expect("a fleet").1;
        let (small, large) = (make(100), make(300));
        // The last one of the small fleet may be copied in the large one.
        assert_eq!(small.get(..99), large.get(..99));
    }
}
