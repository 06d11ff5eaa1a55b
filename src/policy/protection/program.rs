//! The program that a Software document stands for on computers: what its detection claims there.
//!
//! A protection is of a program. Another Software document for the same one must not remove it, so programs are kept
//! beside the name, and compared by what they claim.
//!
//! Not here: what a detection finds out about versions (`plan::inventory`).
//!
//! Invariant: two detections are of the same program on a computer where both claim the same entry of its list of installed
//! software, and everywhere where both are the same, or run the same script that is told nothing. What other scripts look
//! at is not known.

use std::collections::BTreeSet;

use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};

use crate::config::kind::{InventoryMatch, PackageMatch, Packages};
use crate::config::model::Detect;
use crate::id::Digest;
use crate::inventory::snapshot::Snapshot;
use crate::plan::inventory::Matcher;

/// A way of detection, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Program {
    /// In the list of installed programs.
    Inventory(InventoryMatch),
    /// By a package manager's record.
    Package(PackageMatch),
    /// By the records of several managers.
    Packages(Packages),
    /// By MSI upgrade code.
    UpgradeCode(String),
    /// By MSI product code.
    ProductCode(String),
    /// By scripts, of which these are the digests. One that reads what Muster tells it, be it the item's name, may look at
    /// something else for each document, and is not among them.
    Scripts(BTreeSet<Digest>),
}

impl Program {
    /// What a detection claims.
    #[must_use]
    pub fn of(detect: &Detect) -> Self {
        match detect {
            Detect::Inventory(rule) => Self::Inventory(rule.clone()),
            Detect::Package(rule) => Self::Package(rule.clone()),
            Detect::Packages(packages) => Self::Packages(packages.clone()),
            Detect::UpgradeCode(code) => Self::UpgradeCode(code.clone()),
            Detect::ProductCode(code) => Self::ProductCode(code.clone()),
            Detect::Script(scripts) => {
                let both = [&scripts.posix, &scripts.windows];
                let alone = both.into_iter().flatten().filter(|script| !script.text.contains("MUSTER_"));
                Self::Scripts(alone.map(|script| script.digest()).collect())
            }
        }
    }

    /// What finds its entries in lists of installed software; nothing where a script decides.
    fn matcher(&self) -> Option<Matcher> {
        Some(Matcher::new(&match self {
            Self::Inventory(rule) => Detect::Inventory(rule.clone()),
            Self::Package(rule) => Detect::Package(rule.clone()),
            Self::Packages(packages) => Detect::Packages(packages.clone()),
            Self::UpgradeCode(code) => Detect::UpgradeCode(code.clone()),
            Self::ProductCode(code) => Detect::ProductCode(code.clone()),
            Self::Scripts(_) => return None,
        }))
    }

    /// The computers on which both are the same program, as far as is known.
    #[must_use]
    pub fn shared(&self, other: &Self, snapshot: &Snapshot) -> RoaringBitmap {
        let is_same = match (self, other) {
            (Self::Scripts(a), Self::Scripts(b)) => !a.is_disjoint(b),
            _ => self == other,
        };
        if is_same {
            return snapshot.all().clone();
        }
        let (Some(own), Some(others)) = (self.matcher(), other.matcher()) else {
            return RoaringBitmap::new();
        };
        snapshot.with_package(|package| own.matches(package) && others.matches(package))
    }
}
