//! Computers from a seed. Nothing of them is stored: each is made again whenever it is asked for.
//!
//! Invariant: the same generator and index give the same computer, whatever else the generator makes.

use std::collections::{BTreeMap, BTreeSet};

use super::fleet::{FleetComputer, FleetFacts, FleetOs, TaskState};
use crate::config::kind::Generator;
use crate::id::Name;
use crate::inventory::facts::{OsFamily, Role};
use crate::session::script::Platform;

/// A generator that is ready to make computers.
#[derive(Debug)]
pub struct Maker {
    generator: Generator,
    /// The sums of the tenants' weights so far: the first tenant has most computers, the last one fewest.
    shares: Vec<u64>,
}

/// One of the kinds of computer that occur.
struct Model {
    /// How many of a hundred.
    share: u64,
    word: &'static str,
    platform: Platform,
    role: Role,
    family: OsFamily,
    os: &'static str,
    version: &'static str,
}

/// The mix of computers; the shares add up to a hundred.
const MODELS: [Model; 11] = {
    use OsFamily::{Linux, Macos, Windows as Win};
    use Platform::{Posix, Windows};
    use Role::{DomainController, Portable, PrimaryDomainController, Server, Workstation};
    const fn model(
        share: u64,
        word: &'static str,
        (platform, family): (Platform, OsFamily),
        role: Role,
        os: &'static str,
        version: &'static str,
    ) -> Model {
        Model { share, word, platform, role, family, os, version }
    }
    [
        model(40, "nb", (Windows, Win), Portable, "Microsoft Windows 11 Pro", "10.0.26100"),
        model(8, "nb", (Windows, Win), Portable, "Microsoft Windows 10 Pro", "10.0.19045"),
        model(18, "pc", (Windows, Win), Workstation, "Microsoft Windows 11 Pro", "10.0.26100"),
        model(7, "srv", (Windows, Win), Server, "Microsoft Windows Server 2022 Standard", "10.0.20348"),
        model(
            2,
            "dc",
            (Windows, Win),
            DomainController,
            "Microsoft Windows Server 2022 Standard",
            "10.0.20348",
        ),
        model(
            1,
            "dc",
            (Windows, Win),
            PrimaryDomainController,
            "Microsoft Windows Server 2025 Standard",
            "10.0.26100",
        ),
        model(4, "nb", (Posix, Macos), Portable, "macOS", "15.6"),
        model(4, "pc", (Posix, Linux), Workstation, "Ubuntu", "24.04"),
        model(10, "srv", (Posix, Linux), Server, "Debian GNU/Linux", "12"),
        model(4, "srv", (Posix, Linux), Server, "Rocky Linux", "9.6"),
        model(2, "srv", (Posix, Linux), Server, "Alpine Linux", "3.22"),
    ]
};

impl Maker {
    /// Takes over a generator.
    ///
    /// # Errors
    /// What is wrong with its settings, in a sentence.
    pub fn new(generator: Generator) -> Result<Self, String> {
        if generator.tenants.is_empty() {
            return Err("the generator needs at least one tenant".to_owned());
        }
        if let Some((task, percentage)) =
            generator.compliant.iter().find(|(_, percentage)| **percentage > 100)
        {
            return Err(format!("{percentage} % of the computers cannot comply with {task}"));
        }
        for (software, versions) in &generator.software {
            if versions.is_empty()
                || versions
                    .iter()
                    .any(|version| version.trim().is_empty() || version.contains(char::is_control))
            {
                return Err(format!("software {software} needs versions, and none of them empty"));
            }
        }
        let mut sum: u64 = 0;
        let shares = (1..=generator.tenants.len() as u64)
            .map(|rank| {
                sum = sum.saturating_add((1_000_000 / rank).max(1));
                sum
            })
            .collect();
        Ok(Self { generator, shares })
    }

    /// How many computers there are.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.generator.computers
    }

    /// The tenants that they are spread over.
    pub(super) fn tenants(&self) -> &[Name] {
        &self.generator.tenants
    }

    /// The index of the computer of this name.
    pub(super) fn find(&self, name: &str) -> Option<u32> {
        let (_, number) = name.rsplit_once('-')?;
        let index: u32 = number.parse().ok()?;
        (index < self.count() && self.name(index) == name).then_some(index)
    }

    pub(super) fn name(&self, index: u32) -> String {
        let model = self.model(index);
        format!("{}-{}-{index:05}", self.tenant(index), model.word)
    }

    pub(super) fn tenant(&self, index: u32) -> &Name {
        let sum = self.shares.last().copied().unwrap_or(1).max(1);
        let drawn = self.draw(index, "tenant") % sum;
        let position = self.shares.partition_point(|share| *share <= drawn);
        // There is at least one tenant, and one share for each.
        self.generator.tenants.get(position).unwrap_or(&self.generator.tenants[0])
    }

    pub(super) fn platform(&self, index: u32) -> Platform {
        self.model(index).platform
    }

    /// The tags, beside which a list needs nothing else.
    pub(super) fn tags(&self, index: u32) -> BTreeSet<String> {
        let draw = self.draw(index, "tag") % 100;
        let tag = match draw {
            0..5 => "pilot",
            5..8 => "kiosk",
            _ => return BTreeSet::new(),
        };
        BTreeSet::from([tag.to_owned()])
    }

    /// The whole computer.
    #[must_use]
    pub fn computer(&self, index: u32) -> FleetComputer {
        let model = self.model(index);
        let mut software = BTreeMap::new();
        let mut healthy = BTreeMap::new();
        for (name, versions) in &self.generator.software {
            let drawn = self.draw(index, &format!("software {name}"));
            if drawn % 100 < 70 {
                let versions_count = versions.len().max(1) as u64;
                let position = usize::try_from((drawn >> 32) % versions_count).unwrap_or_default();
                software.extend(versions.get(position).map(|version| (name.clone(), version.clone())));
                if self.draw(index, &format!("healthy {name}")) % 100 < 1 {
                    healthy.insert(name.clone(), false);
                }
            }
        }
        let tasks = self.generator.compliant.iter().map(|(name, percentage)| {
            let compliant = self.draw(index, &format!("task {name}")) % 100 < u64::from(*percentage);
            (name.as_str().to_owned(), TaskState { compliant, value: None })
        });
        FleetComputer {
            name: self.name(index),
            tenant: Some(self.tenant(index).clone()),
            client: None,
            platform: Some(model.platform),
            tags: self.tags(index),
            facts: FleetFacts {
                os: Some(FleetOs {
                    family: model.family,
                    name: model.os.to_owned(),
                    version: model.version.to_owned(),
                }),
                role: Some(model.role),
                packages: Vec::new(),
            },
            identity: None,
            software,
            healthy,
            tasks: tasks.collect(),
            site: None,
            groups: BTreeSet::new(),
            properties: BTreeMap::new(),
            sign_ins: Vec::new(),
            onboarded: None,
            offline: false,
        }
    }

    fn model(&self, index: u32) -> &'static Model {
        let mut drawn = self.draw(index, "model") % 100;
        for model in &MODELS {
            if drawn < model.share {
                return model;
            }
            drawn = drawn.saturating_sub(model.share);
        }
        &MODELS[0]
    }

    /// A number for one aspect of one computer.
    fn draw(&self, index: u32, aspect: &str) -> u64 {
        number(self.generator.seed, u64::from(index), aspect)
    }
}

/// A number that depends on all three, and evenly so: two rounds of splitmix64 over an FNV-1a of the aspect.
fn number(seed: u64, index: u64, aspect: &str) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in aspect.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    splitmix(splitmix(seed ^ hash).wrapping_add(index))
}

const fn splitmix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn maker(computers: u32, seed: u64) -> Maker {
        let name = |text: &str| Name::new(text).expect("a name");
        Maker::new(Generator {
            computers,
            seed,
            tenants: ["contoso", "fabrikam", "northwind", "tailspin"].map(name).to_vec(),
            software: BTreeMap::from([(name("seven-zip"), vec!["23.01".to_owned(), "24.09".to_owned()])]),
            compliant: BTreeMap::from([(name("firewall"), 80)]),
        })
        .expect("a generator")
    }

    #[test]
    fn the_first_numbers_of_splitmix64_are_the_published_ones() {
        // Seed 0: each state is the last one plus the constant that the function adds itself.
        let first = splitmix(0);
        let second = splitmix(0x9e37_79b9_7f4a_7c15);
        assert_eq!((first, second), (0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4));
    }

    #[test]
    fn the_same_seed_makes_the_same_computers_and_another_seed_others() {
        let (one, same, other) = (maker(500, 7), maker(2_000_000, 7), maker(500, 8));
        for index in 0..500 {
            assert_eq!(one.computer(index), same.computer(index), "the size of the fleet does not matter");
        }
        assert!((0..500).any(|index| one.computer(index) != other.computer(index)));
    }

    #[test]
    fn a_computer_is_found_by_its_name_and_by_no_other() {
        let maker = maker(2_000_000, 1);
        for index in [0, 1, 99_999, 100_000, 1_999_999] {
            assert_eq!(maker.find(&maker.name(index)), Some(index));
        }
        for wrong in ["", "x", "contoso-nb-", "contoso-zz-00001", "contoso-nb-2000000", "contoso-nb-+0001"] {
            assert_eq!(maker.find(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn tenants_differ_in_size_and_percentages_hold() {
        let maker = maker(20_000, 3);
        let mut tenants: BTreeMap<&str, u32> = BTreeMap::new();
        let mut compliant = 0;
        for index in 0..maker.count() {
            *tenants.entry(maker.tenant(index).as_str()).or_default() += 1;
            let computer = maker.computer(index);
            compliant += u32::from(computer.tasks.get("firewall").is_some_and(|task| task.compliant));
        }
        let sizes: Vec<u32> = ["contoso", "fabrikam", "northwind", "tailspin"].map(|t| tenants[t]).to_vec();
        assert!(sizes.is_sorted_by(|a, b| a > b), "{sizes:?}");
        assert!((15_600..16_400).contains(&compliant), "{compliant}");
        assert_eq!(MODELS.iter().map(|model| model.share).sum::<u64>(), 100);
    }
}
