//! `Directory` and `Psa`: links to systems that know people, groups, companies and agreements; and how much of what
//! such a system last said may be missing before its answer is not believed (L3).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::Name;
use crate::time::Limit;

/// A link to a directory of people and groups; exactly one type. Tenants name the directory that is theirs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum DirectorySpec {
    /// A directory that exists only as a file.
    Simulated(SimulatedSource),
}

/// A link to a system of companies and agreements; exactly one type. Tenants name their company in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum PsaSpec {
    /// Companies and agreements that exist only as a file.
    Simulated(SimulatedSource),
}

/// What a simulated directory or PSA knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SimulatedSource {
    /// A YAML file with what it knows, relative to this file.
    #[schemars(length(min = 1))]
    pub file: String,
    /// What goes wrong with its answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<AnswerFault>,
}

/// What goes wrong with the answer of a simulated source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerFault {
    /// It says that it failed.
    Fail,
    /// It never answers.
    TimeOut,
    /// It answers with an error page where a list belongs, and calls that a success.
    ErrorPage,
    /// Its answer breaks off in the middle.
    HalfPage,
    /// It leaves out 60 % of what it knows, and calls that complete.
    Shrink,
}

/// How answers of providers, directories, PSAs and selecting scripts are believed (L3).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SourceSettings {
    /// How long a source may take for its whole list. Default: 5m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_limit: Option<Limit>,
    /// When a list that became shorter is not believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shrink: Option<ShrinkSpec>,
    /// The same for single providers, directories, PSAs and selecting scripts, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub each: BTreeMap<Name, ShrinkSpec>,
}

/// When a list that became shorter is not believed. One that became empty is never believed at once; a part of an answer,
/// such as one group, only when it had at least 3 entries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ShrinkSpec {
    /// When more than this share of the entries is gone, in percent. Default: 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub percent: Option<u8>,
    /// Shorter lists may lose any share. Default: 10 entries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<u32>,
}

/// A tenant's company in a PSA.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TenantPsa {
    /// The PSA.
    pub name: Name,
    /// The company's id or name there.
    #[schemars(length(min = 1))]
    pub company: String,
}
