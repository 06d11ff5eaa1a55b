//! Target expressions as they are written: set algebra over selectors (design §4).
//!
//! Their meaning is in `targets`; an expression in which names are resolved is another type there.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::VersionScheme;
use crate::id::Name;

/// A set of computers: those in all of `all`, in at least one of `any`, and in none of `not`.
/// At least one of the three, or `every: true`, has to be given, and none of the lists may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    { "required": ["every"], "properties": { "every": { "const": true }, "all": false, "any": false, "not": false } },
    {
        "properties": { "every": { "const": false } },
        "anyOf": [{ "required": ["all"] }, { "required": ["any"] }, { "required": ["not"] }]
    }
]))]
pub struct Match {
    /// Every computer of every tenant.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub every: bool,
    /// All of these hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub all: Option<Vec<Term>>,
    /// At least one of these holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub any: Option<Vec<Term>>,
    /// None of these holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub not: Option<Vec<Term>>,
}

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Term {
    /// All of these hold.
    All(#[schemars(length(min = 1))] Vec<Term>),
    /// At least one of these holds.
    Any(#[schemars(length(min = 1))] Vec<Term>),
    /// None of these holds.
    Not(#[schemars(length(min = 1))] Vec<Term>),
    /// Computers of this tenant.
    Tenant(Name),
    /// Computers of this tenant and of all tenants below it.
    TenantTree(Name),
    /// Computers of tenants with this tag.
    TenantTag(#[schemars(length(min = 1))] String),
    /// The computer of this name, in any case; `provider/name` where several providers list it.
    Computer(#[schemars(length(min = 1))] String),
    /// Computers with this tag.
    Tag(#[schemars(length(min = 1))] String),
    /// Computers of this role. An unknown role is none of them (RES-15).
    Role(crate::inventory::facts::Role),
    /// Computers with this kind of operating system.
    Os(crate::inventory::facts::OsFamily),
    /// Computers that this provider lists.
    Provider(Name),
    /// Computers on which this software is installed, by inventory.
    Installed(InstalledTerm),
    /// Computers of which this fact holds.
    Fact(FactTerm),
    /// Computers of another target.
    Target(Name),
}

/// An installed software by the name in the computer's inventory, and if wanted its version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InstalledTerm {
    /// The name in the inventory.
    pub name: TextMatch,
    /// A version constraint such as >=1.2, <2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// How versions compare. Default: dotted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_scheme: Option<VersionScheme>,
}

/// A comparison with a collected fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FactTerm {
    /// The fact's path, such as os.version.
    pub path: String,
    /// What it is compared with.
    pub is: Comparison,
}

/// How a fact is compared. A fact that is not known matches none of these, nor their negation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Comparison {
    /// The same text, number or truth, ignoring case.
    Equals(String),
    /// One of these.
    OneOf(#[schemars(length(min = 1))] Vec<String>),
    /// A text that fits.
    Text(TextMatch),
    /// A version that the constraint allows, dotted.
    Version(String),
    /// A number of at least this.
    AtLeast(i64),
    /// A number of at most this.
    AtMost(i64),
}

/// How a text is matched (SW-2). All ways ignore case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum TextMatch {
    /// The whole text is this.
    Equals(#[schemars(length(min = 1))] String),
    /// The text contains this.
    Contains(#[schemars(length(min = 1))] String),
    /// The whole text fits this pattern, in which * stands for any text and ? for any character.
    Wildcard(#[schemars(length(min = 1))] String),
    /// The regular expression is found in the text; a group called `version` names the version.
    Regex(#[schemars(length(min = 1))] String),
}
