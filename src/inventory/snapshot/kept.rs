//! A computer's facts as a snapshot keeps them: what many computers have in common is there once.
//!
//! Not here: what facts mean (`inventory::facts`).
//!
//! Invariant: what is given back is equal to what was kept.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::intern::Table;
use crate::inventory::facts::{Facts, IdentityEvidence, Os, OsFamily, Package, PackageSource, Role};
use crate::time::Timestamp;

/// Facts of one computer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Kept {
    pub(super) at: Timestamp,
    pub(super) common: Arc<Common>,
    own: Texts,
    pub(super) signed_in_users: Option<Arc<BTreeSet<String>>>,
    pending_reboot: Option<Arc<BTreeSet<String>>>,
    last_boot: Option<Timestamp>,
    clock: Option<Timestamp>,
    os_installed: Option<Timestamp>,
    /// Numbers in the snapshot's list of packages.
    pub(super) packages: Box<[u32]>,
}

/// What computers of one make and image have in common.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Common {
    os: (Option<OsFamily>, [Option<String>; 3]),
    architecture: Option<String>,
    pub(super) roles: Option<BTreeSet<Role>>,
    manufacturer: Option<String>,
    model: Option<String>,
    package_sources: BTreeSet<PackageSource>,
    unread_sources: BTreeSet<PackageSource>,
    time_zone: Option<String>,
}

impl Common {
    /// The kind of operating system.
    pub(super) const fn family(&self) -> Option<OsFamily> {
        self.os.0
    }

    /// Whether a package that is not in the list is certainly not installed: on Windows when the registry was read to
    /// its end, elsewhere when at least one package manager's record was.
    pub(super) fn inventory_is_known(&self) -> bool {
        match self.family() {
            Some(OsFamily::Windows) => self.package_sources.contains(&PackageSource::Registry),
            _ => !self.package_sources.is_empty(),
        }
    }
}

/// What is kept once for all computers.
#[derive(Debug, Default)]
pub(super) struct Keeper {
    common: Table<Common>,
    sets: Table<BTreeSet<String>>,
    packages: Table<Package>,
}

impl Keeper {
    pub(super) fn keep(&mut self, at: Timestamp, facts: Facts) -> Kept {
        let Facts {
            hostname,
            os: Os { family, name, version, build },
            architecture,
            roles,
            identity,
            packages,
            package_sources,
            unread_sources,
            signed_in_users,
            pending_reboot,
            last_boot,
            clock,
            time_zone,
        } = facts;
        let IdentityEvidence {
            uuid,
            serial,
            manufacturer,
            model,
            board_serial,
            machine_id,
            generated_id,
            os_installed,
        } = identity;
        let common = Common {
            os: (family, [name, version, build]),
            architecture,
            roles,
            manufacturer,
            model,
            package_sources,
            unread_sources,
            time_zone,
        };
        Kept {
            at,
            common: self.common.shared(common),
            own: Texts::new([hostname, uuid, serial, board_serial, machine_id, generated_id]),
            signed_in_users: signed_in_users.map(|users| self.sets.shared(users)),
            pending_reboot: pending_reboot.map(|causes| self.sets.shared(causes)),
            last_boot,
            clock,
            os_installed,
            packages: packages.into_iter().map(|package| self.packages.number(package)).collect(),
        }
    }

    /// The packages, by number.
    pub(super) fn packages(self) -> Vec<Arc<Package>> {
        self.packages.into_values()
    }
}

impl Kept {
    /// The facts without the packages.
    pub(super) fn without_packages(&self) -> Facts {
        let [hostname, uuid, serial, board_serial, machine_id, generated_id] = self.own.texts();
        let Common {
            os,
            architecture,
            roles,
            manufacturer,
            model,
            package_sources,
            unread_sources,
            time_zone,
        } = self.common.as_ref().clone();
        let (family, [name, version, build]) = os;
        Facts {
            hostname,
            os: Os { family, name, version, build },
            architecture,
            roles,
            identity: IdentityEvidence {
                uuid,
                serial,
                manufacturer,
                model,
                board_serial,
                machine_id,
                generated_id,
                os_installed: self.os_installed,
            },
            packages: Vec::new(),
            package_sources,
            unread_sources,
            signed_in_users: self.signed_in_users.as_deref().cloned(),
            pending_reboot: self.pending_reboot.as_deref().cloned(),
            last_boot: self.last_boot,
            clock: self.clock,
            time_zone,
        }
    }

    /// The facts, with the snapshot's list of packages.
    pub(super) fn facts(&self, packages: &[Arc<Package>]) -> Facts {
        let package = |number: &u32| packages.get(usize::try_from(*number).ok()?).map(|p| Package::clone(p));
        Facts { packages: self.packages.iter().filter_map(package).collect(), ..self.without_packages() }
    }
}

/// How many texts a computer has of its own.
const OWN: usize = 6;

/// Texts that hardly any two computers have in common, one after the other.
#[derive(Debug, Clone, PartialEq)]
struct Texts {
    all: Box<str>,
    ends: [u32; OWN],
    known: [bool; OWN],
}

impl Texts {
    fn new(texts: [Option<String>; OWN]) -> Self {
        let mut all = String::with_capacity(texts.iter().flatten().map(String::len).sum());
        let known = texts.each_ref().map(Option::is_some);
        let ends = texts.map(|text| {
            all.push_str(&text.unwrap_or_default());
            u32::try_from(all.len()).unwrap_or(u32::MAX)
        });
        Self { all: all.into(), ends, known }
    }

    fn texts(&self) -> [Option<String>; OWN] {
        let mut start = 0;
        let mut texts = [const { None }; OWN];
        for (text, (end, known)) in texts.iter_mut().zip(self.ends.iter().zip(self.known)) {
            let end = usize::try_from(*end).unwrap_or(usize::MAX);
            *text = known.then(|| self.all.get(start..end).unwrap_or_default().to_owned());
            start = end;
        }
        texts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_come_back_as_they_were_kept() {
        let text = |text: &str| Some(text.to_owned());
        let set = |text: &str| Some(BTreeSet::from([text.to_owned(), "b".to_owned()]));
        let time = |second| Timestamp::from_second(second).ok();
        let package = |name: &str, code: Option<&str>| Package {
            name: name.to_owned(),
            version: "1".to_owned(),
            source: PackageSource::Registry,
            architecture: text("x86"),
            product_code: code.map(str::to_owned),
            upgrade_code: None,
            scope: None,
            hidden: code.is_none(),
        };
        let full = Facts {
            hostname: text("hé"),
            os: Os {
                family: Some(OsFamily::Windows),
                name: text("w"),
                version: text("10"),
                build: text("1.2"),
            },
            architecture: text("x86_64"),
            roles: Some(BTreeSet::from([Role::Server])),
            identity: IdentityEvidence {
                uuid: text("u"),
                serial: text(""),
                manufacturer: text("m"),
                model: text("o"),
                board_serial: None,
                machine_id: text("i"),
                generated_id: text("g"),
                os_installed: time(1),
            },
            packages: vec![package("b", None), package("a", Some("{C}")), package("b", Some("{D}"))],
            package_sources: BTreeSet::from([PackageSource::Registry]),
            unread_sources: BTreeSet::from([PackageSource::Rpm]),
            signed_in_users: set("a"),
            pending_reboot: set("c"),
            last_boot: time(2),
            clock: time(3),
            time_zone: text("UTC"),
        };
        let part = Facts { hostname: text("x"), packages: full.packages[1..].to_vec(), ..Facts::default() };
        let all = [full.clone(), part, Facts::default(), full];
        let mut keeper = Keeper::default();
        let kept: Vec<Kept> =
            all.iter().map(|facts| keeper.keep(Timestamp::UNIX_EPOCH, facts.clone())).collect();
        let packages = keeper.packages();
        assert_eq!(packages.len(), 3, "each package once");
        assert!(Arc::ptr_eq(&kept[0].common, &kept[3].common));
        for (kept, facts) in kept.iter().zip(&all) {
            assert_eq!(kept.facts(&packages), *facts);
            assert_eq!(kept.without_packages(), Facts { packages: Vec::new(), ..facts.clone() });
        }
    }
}
