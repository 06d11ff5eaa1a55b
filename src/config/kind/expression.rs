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
    /// Computers whose primary person this is, by UPN or by display name (RES-18).
    Person(#[schemars(length(min = 1))] String),
    /// Computers with this tag: of their own, of their tenant or of their primary person (TGT-7).
    Tag(#[schemars(length(min = 1))] String),
    /// Computers of this role. One whose role is not known is a possible member (RES-15).
    Role(crate::inventory::facts::Role),
    /// Computers with this kind of operating system.
    Os(crate::inventory::facts::OsFamily),
    /// Computers that this provider lists.
    Provider(Name),
    /// Computers at this site, as their provider names it.
    Site(SiteTerm),
    /// Primary computers of the people in this directory group, and its devices; groups within it included (TGT-4).
    Group(GroupTerm),
    /// Computers of tenants with such an agreement on the day of the plan (TGT-5).
    Agreement(AgreementTerm),
    /// Computers in this group of a provider, or with this value of one of its properties.
    ProviderGroup(ProviderGroupTerm),
    /// A stable share of all computers, by a hash of their ids: a larger share holds the smaller one.
    Ring(RingTerm),
    /// Computers that are being onboarded (true), or are not (false).
    Onboarding(bool),
    /// Computers that this Script names when it is run beside Muster with the facts of all computers (TGT-8).
    Script(Name),
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

/// A site, ignoring case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SiteTerm {
    /// Its name.
    #[schemars(length(min = 1))]
    pub name: String,
    /// The provider that names it. Default: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<Name>,
}

/// A group of a directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GroupTerm {
    /// The directory.
    pub directory: Name,
    /// The group's id there, or its name in any case.
    #[schemars(length(min = 1))]
    pub name: String,
}

/// An agreement in a PSA; with neither type nor product any.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AgreementTerm {
    /// The PSA.
    pub psa: Name,
    /// The agreement's type, in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub r#type: Option<String>,
    /// The product of one of its additions, in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub product: Option<String>,
}

/// A provider's own group, or the value of one of its custom properties; either `name`, or `property` and `value`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    { "required": ["name"], "properties": { "property": false, "value": false } },
    { "required": ["property", "value"], "properties": { "name": false } }
]))]
pub struct ProviderGroupTerm {
    /// The provider.
    pub provider: Name,
    /// The group's name, in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub name: Option<String>,
    /// The property's name, in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub property: Option<String>,
    /// The property's value, in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub value: Option<String>,
}

/// A share of all computers; either `percent`, or `from` and `to`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    { "required": ["percent"], "properties": { "from": false, "to": false } },
    { "required": ["from", "to"], "properties": { "percent": false } }
]))]
pub struct RingTerm {
    /// Rings of the same name are parts of one order of all computers; another name shuffles them anew.
    #[schemars(length(min = 1))]
    pub name: String,
    /// The first so many percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub percent: Option<u8>,
    /// From so many percent on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub from: Option<u8>,
    /// Up to so many percent; more than `from`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub to: Option<u8>,
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
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
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
