//! What computers have to do with people, groups, agreements, sites and groups of their providers.
//!
//! [`Relations`] is what sources said, by source. [`Related`] is the same laid over the computers of a snapshot, in
//! columns: nesting, dates and spelling are worked out once for each group, agreement or name, not for each computer.
//!
//! Not here: who asks the sources and whom to believe (`inventory::collect`), and what selectors mean (`targets`).
//!
//! Invariants: a source that was never read leaves what depends on it unknown for every computer that it could concern,
//! and for no other: those of the tenants that link to it (AFF-2). The same relations and computers give the same columns.

mod agreements;
mod groups;
mod primary;
mod related;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use agreements::{covers, holds_on, in_force};
pub use primary::{KEPT, kept, primary};
pub use related::{Asked, Related, Trouble, folded};

use crate::id::{ComputerId, Name};
use crate::time::Timestamp;

/// What a provider says a computer belongs to, beside its tenant and tags.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Belongings {
    /// The site or location.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// The provider's own groups. Many computers have the same ones: they may share them.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub groups: Arc<BTreeSet<String>>,
    /// Custom properties. The same goes for them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: Arc<BTreeMap<String, String>>,
    /// Who was signed in, and when; the last ten.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sign_ins: Vec<SignIn>,
    /// Whether its onboarding is done, if the provider knows of onboarding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub onboarded: Option<bool>,
}

impl Belongings {
    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Groups and properties that many computers have, each of them once.
#[derive(Debug, Default)]
pub struct Common {
    groups: BTreeSet<Arc<BTreeSet<String>>>,
    properties: BTreeSet<Arc<BTreeMap<String, String>>>,
}

impl Common {
    /// Lets a computer share its groups and properties with those before it that have the same.
    pub fn share(&mut self, belongings: &mut Belongings) {
        one(&mut self.groups, &mut belongings.groups);
        one(&mut self.properties, &mut belongings.properties);
    }
}

fn one<T: Ord>(known: &mut BTreeSet<Arc<T>>, value: &mut Arc<T>) {
    if let Some(one) = known.get(&**value) {
        *value = Arc::clone(one);
    } else {
        known.insert(Arc::clone(value));
    }
}

/// Somebody was signed in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignIn {
    /// When.
    pub at: Timestamp,
    /// Who: a UPN, or what the computer says in its place.
    pub user: String,
}

/// A person of a directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Person {
    /// The user principal name, which tells people apart; compared without case.
    pub upn: String,
    /// The name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Tags.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<String>,
    /// The tenant, where a directory is shared by several. Default: all that link to the directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Name>,
}

/// A group of a directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Group {
    /// The directory's own id of it.
    pub id: String,
    /// Its name; several groups may have the same.
    pub name: String,
    /// People in it, by UPN.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<String>,
    /// Devices in it, by the computer's name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<String>,
    /// Groups in it, by id. They may lead in circles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
}

/// All that a directory knows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Directory {
    /// People.
    #[serde(default)]
    pub people: Vec<Person>,
    /// Groups.
    #[serde(default)]
    pub groups: Vec<Group>,
}

/// A company of a PSA.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Company {
    /// The PSA's own id of it.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its agreements.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agreements: Vec<Agreement>,
}

/// An agreement with a company (TGT-5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Agreement {
    /// Its name.
    pub name: String,
    /// Its type, such as Managed Services.
    pub r#type: String,
    /// Its first day. Default: it has always been.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begin: Option<Date>,
    /// Its last day. Default: it has no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Date>,
    /// Whether it is in force between these days. Default: true.
    #[serde(default = "crate::config::kind::yes")]
    pub active: bool,
    /// What it covers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub additions: Vec<Addition>,
}

/// A product within an agreement (TGT-5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Addition {
    /// The product.
    pub product: String,
    /// Its first day. Default: that of the agreement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begin: Option<Date>,
    /// Its last day. Default: that of the agreement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Date>,
    /// Whether it is in force between these days. Default: true.
    #[serde(default = "crate::config::kind::yes")]
    pub active: bool,
}

/// All that a PSA knows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Psa {
    /// Companies.
    #[serde(default)]
    pub companies: Vec<Company>,
}

impl Psa {
    /// The company of this id or, if there is none, of this name.
    #[must_use]
    pub fn company(&self, text: &str) -> Option<&Company> {
        let wanted = folded(text);
        let by_id = self.companies.iter().find(|company| company.id.trim() == text.trim());
        by_id.or_else(|| self.companies.iter().find(|company| folded(&company.name) == wanted))
    }
}

/// Something that a source says and that is not believed while the rest of its answer is: what was there before counts
/// (L3). Whom it is about, before and now, is held; texts are folded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Doubt {
    /// What is suspicious, in words.
    pub why: String,
    /// People of a directory, by UPN.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub people: BTreeSet<String>,
    /// Devices of a directory, by name.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub devices: BTreeSet<String>,
    /// Companies of a PSA, by id.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub companies: BTreeSet<String>,
    /// Computers that a script names, or that are in a doubted part of a provider's list.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub computers: BTreeSet<ComputerId>,
}

/// The kinds of sources that membership can depend on, beside computers and their facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceKind {
    /// A provider: its groups, sites and properties.
    Provider,
    /// A directory.
    Directory,
    /// A PSA.
    Psa,
    /// A script that selects computers.
    Script,
}

impl std::fmt::Display for SourceKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Provider => "provider",
            Self::Directory => "directory",
            Self::Psa => "psa",
            Self::Script => "script",
        })
    }
}

/// What all sources said last, or are believed to have said (L3).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Relations {
    /// What providers say of single computers; those of which they say nothing are left out.
    pub belongings: BTreeMap<ComputerId, Belongings>,
    /// The directories that were read, now or before.
    pub directories: BTreeMap<Name, Directory>,
    /// The PSAs that were read, now or before.
    pub psas: BTreeMap<Name, Psa>,
    /// The computers that scripts named. Those that failed are not here.
    pub scripts: BTreeMap<Name, BTreeSet<ComputerId>>,
    /// The sources that failed just now, and why.
    pub failed: BTreeMap<(SourceKind, Name), String>,
    /// The sources of which a part is doubted just now.
    pub doubts: BTreeMap<(SourceKind, Name), Vec<Doubt>>,
    /// The day for which dates of agreements count.
    pub as_of: Date,
}
