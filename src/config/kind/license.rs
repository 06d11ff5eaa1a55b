//! `License`: what a software needs to be allowed to run, for whom and for which versions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::Name;
use crate::secret::SecretRef;

/// A key or a licence file of one software. Scripts that install, update, downgrade or repair it get it as the value
/// `license`, like any other secret; those that remove it do not (SW-27, SW-28).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("oneOf" = [{ "required": ["key"] }, { "required": ["file"] }]))]
pub struct LicenseSpec {
    /// The software.
    pub software: Name,
    /// The tenant whose computers may use it, with all tenants below. Default: all tenants. The nearest one counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Name>,
    /// The versions that it is good for, such as `>=10, <11`. Default: all. One for fewer versions counts before one
    /// for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub versions: Option<String>,
    /// Where the key is found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<SecretRef>,
    /// Where the content of the licence file is found; it is a text. A script writes it to where the software looks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<SecretRef>,
}

/// Whether a software needs a licence.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LicenseNeed {
    /// It takes none.
    #[default]
    None,
    /// It takes one where there is one.
    Optional,
    /// Without one it is not installed.
    Required,
}
