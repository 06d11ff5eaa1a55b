//! Finding a software in a computer's list of installed programs.
//!
//! Invariants: of several entries that match, the highest version counts, and one without a version comes after all others.
//! That nothing matches means absent only where the list was read to its end (L7).

use super::interpret::newer;
use crate::config::kind::{Installer, PackageManager, VersionScheme};
use crate::config::model::Detect;
use crate::inventory::facts::{Facts, Package, PackageSource};
use crate::inventory::pattern::Pattern;

/// A way of detection, made ready to be used on many lists.
#[derive(Debug)]
pub enum Matcher {
    /// By name; `version` is a group of the pattern.
    Name {
        /// The name's pattern.
        pattern: Pattern,
        /// Whether hidden entries count.
        hidden: bool,
    },
    /// By a package manager's record.
    Package {
        /// The exact name.
        name: String,
        /// The manager; `None` is any.
        manager: Option<PackageSource>,
    },
    /// By the records of several managers, with the exact name in each.
    Packages(Vec<(PackageSource, String)>),
    /// By upgrade code.
    UpgradeCode(String),
    /// By product code.
    ProductCode(String),
    /// Not in the list: by a script, or by a pattern that cannot be used (which `check` refuses).
    Never,
}

/// What a list says of a software.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It is there, in this version if an entry tells it.
    Present(Option<String>),
    /// It is not there.
    Absent,
    /// The package manager that would know of it is not on this computer.
    OtherManager,
    /// The list does not tell. Says why.
    Unknown(&'static str),
}

impl Matcher {
    /// Makes a way of detection ready.
    #[must_use]
    pub fn new(detect: &Detect) -> Self {
        match detect {
            Detect::Inventory(rule) => match Pattern::new(&rule.name) {
                Ok(pattern) => Self::Name { pattern, hidden: rule.include_hidden },
                Err(_) => Self::Never,
            },
            Detect::Package(rule) => Self::Package {
                name: rule.name.clone(),
                manager: rule.manager.map(|manager| match manager {
                    PackageManager::Dpkg => PackageSource::Dpkg,
                    PackageManager::Rpm => PackageSource::Rpm,
                    PackageManager::Apk => PackageSource::Apk,
                    PackageManager::Winget => PackageSource::Winget,
                    PackageManager::Choco => PackageSource::Choco,
                    PackageManager::Brew => PackageSource::Brew,
                }),
            },
            Detect::Packages(packages) => {
                let record = |(installer, name): (Installer, &str)| match installer {
                    Installer::Winget => (PackageSource::Winget, name.to_owned()),
                    Installer::Choco => (PackageSource::Choco, name.to_owned()),
                    Installer::Apt => (PackageSource::Dpkg, name.to_owned()),
                    Installer::Dnf => (PackageSource::Rpm, name.to_owned()),
                    // The folder has the name without the tap.
                    Installer::Brew => {
                        (PackageSource::Brew, name.rsplit_once('/').map_or(name, |(_, name)| name).to_owned())
                    }
                };
                Self::Packages(packages.by_preference().into_iter().map(record).collect())
            }
            Detect::UpgradeCode(code) => Self::UpgradeCode(code.clone()),
            Detect::ProductCode(code) => Self::ProductCode(code.clone()),
            Detect::Script(_) => Self::Never,
        }
    }

    /// Whether an entry matches.
    #[must_use]
    pub fn matches(&self, package: &Package) -> bool {
        self.version_of(package).is_some()
    }

    /// Whether an entry matches, and if so its version.
    #[expect(
        clippy::option_option,
        reason = "no match, and a match without a version, are different answers"
    )]
    fn version_of(&self, package: &Package) -> Option<Option<String>> {
        let own = || Some(package.version.clone()).filter(|version| !version.is_empty());
        let same = |code: &str, other: &Option<String>| {
            let bare = |text: &str| text.trim_matches(['{', '}']).to_ascii_lowercase();
            other.as_ref().is_some_and(|other| bare(other) == bare(code))
        };
        match self {
            Self::Name { pattern, hidden } => {
                if package.hidden && !hidden || !pattern.matches(&package.name) {
                    return None;
                }
                Some(pattern.version(&package.name).map(str::to_owned).or_else(own))
            }
            Self::Package { name, manager } => {
                let fits = match manager {
                    Some(manager) => package.source == *manager,
                    None => package.source != PackageSource::Registry,
                };
                (fits && is_named(package, name)).then(own)
            }
            Self::Packages(names) => names
                .iter()
                .any(|(source, name)| package.source == *source && is_named(package, name))
                .then(own),
            Self::UpgradeCode(code) => same(code, &package.upgrade_code).then(own),
            Self::ProductCode(code) => same(code, &package.product_code).then(own),
            Self::Never => None,
        }
    }
}

/// Whether a package has a name, by the rules of its manager: those of Windows take no notice of case.
fn is_named(package: &Package, name: &str) -> bool {
    match package.source {
        PackageSource::Winget | PackageSource::Choco => package.name.eq_ignore_ascii_case(name),
        _ => package.name == name,
    }
}

/// What a computer's list says of a software.
#[must_use]
pub fn find(matcher: &Matcher, scheme: VersionScheme, facts: &Facts) -> Found {
    if matches!(matcher, Matcher::Never) {
        return Found::Unknown("its pattern cannot be used");
    }
    let best =
        facts.packages.iter().filter_map(|package| matcher.version_of(package)).max_by(|a, b| match (a, b) {
            (Some(a), Some(b)) => newer(scheme, a, b),
            (a, b) => a.is_some().cmp(&b.is_some()),
        });
    if let Some(version) = best {
        return Found::Present(version);
    }
    let read = &facts.package_sources;
    let unread = |source: &PackageSource| facts.unread_sources.contains(source);
    let whole = match matcher {
        Matcher::Package { manager: Some(manager), .. } if unread(manager) => false,
        // A record that cannot be read may hold it, whatever the others say.
        Matcher::Packages(names) if names.iter().any(|(source, _)| unread(source)) => false,
        Matcher::Packages(names) if !read.is_empty() => {
            if !names.iter().any(|(source, _)| read.contains(source)) {
                return Found::OtherManager;
            }
            true
        }
        Matcher::Package { manager: Some(manager), .. } if !read.is_empty() && !read.contains(manager) => {
            return Found::OtherManager;
        }
        Matcher::UpgradeCode(_) | Matcher::ProductCode(_) => read.contains(&PackageSource::Registry),
        _ => !read.is_empty(),
    };
    if whole { Found::Absent } else { Found::Unknown("the list of installed software could not be read") }
}
