//! The programs that computers have, over all lists of installed software: for whoever writes a detection.
//!
//! Not here: what is wanted, and what a detection found out about an item.
//!
//! Invariant: a program is a name in one kind of list; a computer that has it twice counts once.

use std::collections::{BTreeMap, BTreeSet};

use super::inventory::{Found, Matcher, find};
use crate::config::Config;
use crate::config::kind::VersionScheme;
use crate::id::Name;
use crate::inventory::facts::{Facts, Package, PackageSource};

/// A program that at least one computer has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Its name, as the list has it.
    pub name: String,
    /// The kind of list.
    pub source: PackageSource,
    /// Computers that have it.
    pub computers: u64,
    /// Its versions, and how many computers have each; most common first.
    pub versions: Vec<(String, u64)>,
    /// The software of the repository whose detection takes it for itself.
    pub detected_as: Vec<Name>,
    /// Whether it is hidden wherever it is, so that a detection has to ask for hidden entries.
    pub hidden: bool,
}

#[derive(Default)]
struct Counted<'f> {
    computers: u64,
    versions: BTreeMap<&'f str, u64>,
    seen: bool,
    sample: Option<&'f Package>,
}

/// Counts the programs in the lists of all computers, one `Facts` each. The order is by name, then by kind of list.
pub fn count<'f>(config: &Config, facts: impl IntoIterator<Item = &'f Facts>) -> Vec<Program> {
    let mut counted: BTreeMap<(&'f str, PackageSource), Counted<'f>> = BTreeMap::new();
    for facts in facts {
        let mut here: BTreeMap<(&str, PackageSource), BTreeSet<&str>> = BTreeMap::new();
        for package in &facts.packages {
            let key = (package.name.as_str(), package.source);
            here.entry(key).or_default().insert(&package.version);
            let entry = counted.entry(key).or_default();
            entry.seen |= !package.hidden;
            entry.sample.get_or_insert(package);
        }
        for (key, versions) in here {
            let entry = counted.entry(key).or_default();
            entry.computers += 1;
            for version in versions {
                *entry.versions.entry(version).or_default() += 1;
            }
        }
    }
    let matchers: Vec<(&Name, Matcher)> =
        config.software.iter().map(|(name, software)| (name, Matcher::new(&software.detect))).collect();
    let program = |((name, source), counted): ((&str, PackageSource), Counted<'_>)| {
        let mut versions: Vec<(String, u64)> =
            counted.versions.into_iter().map(|(version, count)| (version.to_owned(), count)).collect();
        versions.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let alone = Facts {
            packages: counted.sample.cloned().into_iter().collect(),
            package_sources: BTreeSet::from([source]),
            ..Facts::default()
        };
        // Whether it is found does not hang on how versions compare.
        let found =
            |matcher: &Matcher| matches!(find(matcher, VersionScheme::default(), &alone), Found::Present(_));
        Program {
            name: name.to_owned(),
            source,
            computers: counted.computers,
            versions,
            detected_as: matchers
                .iter()
                .filter(|(_, matcher)| found(matcher))
                .map(|(name, _)| (*name).clone())
                .collect(),
            hidden: !counted.seen,
        }
    };
    counted.into_iter().map(program).collect()
}
