//! Finding a software in a computer's list of installed programs.
//!
//! Invariant: of several entries that match, the highest version counts, and one without a version comes after all others.

use regex::{Regex, RegexBuilder};

use super::interpret::newer;
use crate::config::kind::{PackageManager, TextMatch, VersionScheme};
use crate::config::model::Detect;
use crate::inventory::facts::Package;

/// A way of detection, made ready to be used on many lists.
#[derive(Debug)]
pub enum Matcher {
    /// By name; `version` is a group of the pattern.
    Name {
        /// The name's pattern.
        pattern: Regex,
        /// Whether hidden entries count.
        hidden: bool,
    },
    /// By a package manager's record.
    Package {
        /// The exact name.
        name: String,
        /// The manager's name.
        manager: Option<&'static str>,
    },
    /// By upgrade code.
    UpgradeCode(String),
    /// By product code.
    ProductCode(String),
    /// Not in the list: by a script, or by a pattern that cannot be used (which `check` refuses).
    Never,
}

impl Matcher {
    /// Makes a way of detection ready.
    #[must_use]
    pub fn new(detect: &Detect) -> Self {
        match detect {
            Detect::Inventory(rule) => match pattern(&rule.name) {
                Some(pattern) => Self::Name { pattern, hidden: rule.include_hidden },
                None => Self::Never,
            },
            Detect::Package(rule) => Self::Package {
                name: rule.name.clone(),
                manager: rule.manager.map(|manager| match manager {
                    PackageManager::Dpkg => "dpkg",
                    PackageManager::Rpm => "rpm",
                    PackageManager::Apk => "apk",
                }),
            },
            Detect::UpgradeCode(code) => Self::UpgradeCode(code.clone()),
            Detect::ProductCode(code) => Self::ProductCode(code.clone()),
            Detect::Script(_) => Self::Never,
        }
    }

    /// Whether an entry matches, and if so its version.
    fn version_of(&self, package: &Package) -> Option<Option<String>> {
        let own = || Some(package.version.clone()).filter(|version| !version.is_empty());
        let same = |code: &str, other: &Option<String>| {
            let bare = |text: &str| text.trim_matches(['{', '}']).to_ascii_lowercase();
            other.as_ref().is_some_and(|other| bare(other) == bare(code))
        };
        match self {
            Self::Name { pattern, hidden } => {
                if package.hidden && !hidden {
                    return None;
                }
                let found = pattern.captures(&package.name)?;
                let named = found.name("version").map(|group| group.as_str().to_owned());
                Some(named.or_else(own))
            }
            Self::Package { name, manager } => {
                let fits = manager.is_none_or(|manager| package.source == manager);
                (package.name == *name && fits).then(own)
            }
            Self::UpgradeCode(code) => same(code, &package.upgrade_code).then(own),
            Self::ProductCode(code) => same(code, &package.product_code).then(own),
            Self::Never => None,
        }
    }
}

/// The highest version of what matches in a list: `Ok(None)` when nothing does, `Ok(Some(None))` when no entry tells its
/// version.
///
/// # Errors
/// A sentence, when the list cannot tell.
#[expect(clippy::option_option, reason = "absent, and present in an unknown version, are different answers")]
pub fn find(
    matcher: &Matcher,
    scheme: VersionScheme,
    packages: &[Package],
) -> Result<Option<Option<String>>, String> {
    if matches!(matcher, Matcher::Never) {
        return Err("its pattern cannot be used".to_owned());
    }
    let best = packages.iter().filter_map(|package| matcher.version_of(package)).max_by(|a, b| match (a, b) {
        (Some(a), Some(b)) => newer(scheme, a, b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    });
    Ok(best)
}

fn pattern(rule: &TextMatch) -> Option<Regex> {
    let text = match rule {
        TextMatch::Equals(text) => format!("^(?:{})$", regex::escape(text)),
        TextMatch::Contains(text) => regex::escape(text),
        TextMatch::Wildcard(text) => {
            let escaped = regex::escape(text).replace(r"\*", ".*").replace(r"\?", ".");
            format!("^(?:{escaped})$")
        }
        TextMatch::Regex(text) => text.clone(),
    };
    RegexBuilder::new(&text).case_insensitive(true).build().ok()
}
