//! Packages: what a program is called by the package managers that have it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The program's name in each package manager that has it, by which it is found, installed, updated and removed (SW-22).
///
/// Which one is used: the one that has it on its record; where none has, the first that is there, in the order of
/// `prefer` and then winget, choco, apt, dnf, brew, unless `choose` says otherwise. A manager that is not named is never used (SW-23).
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("anyOf" = [
    { "required": ["winget"] }, { "required": ["choco"] }, { "required": ["apt"] }, { "required": ["dnf"] },
    { "required": ["brew"] }
]))]
pub struct Packages {
    /// The package identifier of the Windows package manager, such as `7zip.7zip`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9.+_@/-]*$"))]
    pub winget: Option<String>,
    /// The Chocolatey package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9.+_@/-]*$"))]
    pub choco: Option<String>,
    /// The package of Debian, Ubuntu and their kin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9.+_@/-]*$"))]
    pub apt: Option<String>,
    /// The package of Fedora, Red Hat Enterprise Linux and their kin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9.+_@/-]*$"))]
    pub dnf: Option<String>,
    /// The formula or cask of Homebrew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9.+_@/-]*$"))]
    pub brew: Option<String>,
    /// The managers that are asked first where several are there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prefer: Vec<Installer>,
    /// Which of those that are there installs it where none has it on its record. Default: first.
    #[serde(default, skip_serializing_if = "Choice::is_first")]
    pub choose: Choice,
}

/// Which package manager installs what none of them has on its record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Choice {
    /// The first in their order.
    #[default]
    First,
    /// The one that offers the newest version; of equal ones, and where a version is asked for, the first in their order
    /// that has it.
    Newest,
}

impl Choice {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
    fn is_first(&self) -> bool {
        *self == Self::First
    }
}

/// A package manager that installs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Installer {
    /// The Windows package manager.
    Winget,
    /// Chocolatey.
    Choco,
    /// Debian's.
    Apt,
    /// Fedora's, or `yum` where that is what there is.
    Dnf,
    /// Homebrew.
    Brew,
}

impl Installer {
    /// All of them, in the order in which they are asked.
    pub const ALL: [Self; 5] = [Self::Winget, Self::Choco, Self::Apt, Self::Dnf, Self::Brew];

    /// As it stands in YAML.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Winget => "winget",
            Self::Choco => "choco",
            Self::Apt => "apt",
            Self::Dnf => "dnf",
            Self::Brew => "brew",
        }
    }

    /// Whether it is one of Windows.
    #[must_use]
    pub const fn is_windows(self) -> bool {
        matches!(self, Self::Winget | Self::Choco)
    }
}

impl Packages {
    /// What the program is called there, if the manager has it.
    #[must_use]
    pub fn name(&self, installer: Installer) -> Option<&str> {
        match installer {
            Installer::Winget => self.winget.as_deref(),
            Installer::Choco => self.choco.as_deref(),
            Installer::Apt => self.apt.as_deref(),
            Installer::Dnf => self.dnf.as_deref(),
            Installer::Brew => self.brew.as_deref(),
        }
    }

    /// The managers that have it with its name there, in the order in which they are asked.
    #[must_use]
    pub fn by_preference(&self) -> Vec<(Installer, &str)> {
        let mut order: Vec<Installer> = Vec::new();
        for installer in self.prefer.iter().copied().chain(Installer::ALL) {
            if !order.contains(&installer) {
                order.push(installer);
            }
        }
        order.into_iter().filter_map(|installer| Some((installer, self.name(installer)?))).collect()
    }
}
