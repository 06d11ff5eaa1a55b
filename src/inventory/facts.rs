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
/// Os
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Os {
    /// x
    pub family: OsFamily,
}
/// Package
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Package {
    /// x
    pub name: String,
    /// x
    pub version: Option<String>,
}
/// A fact's value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum FactValue {
    /// x
    Text(String),
    /// x
    Number(i64),
    /// x
    Truth(bool),
}
/// Facts
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Facts {
    /// x
    pub os: Option<Os>,
    /// x
    pub role: Option<Role>,
    /// x
    pub packages: Option<Vec<Package>>,
    /// x
    pub hostname: Option<String>,
}
impl Facts {
    /// x
    #[must_use]
    pub fn get(&self, path: &str) -> Option<FactValue> {
        match path {
            "hostname" => self.hostname.clone().map(FactValue::Text),
            _ => None,
        }
    }
    /// x
    #[must_use]
    pub fn paths() -> &'static [&'static str] {
        &["hostname"]
    }
}
