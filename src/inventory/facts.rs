//! Facts.
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
/// Role
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// x
    Workstation,
    /// x
    Portable,
    /// x
    Server,
    /// x
    DomainController,
    /// x
    PrimaryDomainController,
}
/// Os
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OsFamily {
    /// x
    Linux,
    /// x
    Windows,
    /// x
    Macos,
    /// x
    Other,
}
/// Facts
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Facts {}
