//! `Exception`: a dated exemption from a guardrail, with an owner.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ItemRef;
use crate::id::Name;

/// Exempts subjects from a guardrail until a date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExceptionSpec {
    /// The guardrail.
    pub guardrail: Name,
    /// What is exempt.
    pub subjects: ExceptionSubjects,
    /// Who answers for it.
    #[schemars(length(min = 1))]
    pub owner: String,
    /// Why it is needed.
    #[schemars(length(min = 1))]
    pub reason: String,
    /// The last day on which it holds, in the instance's time zone: 2027-03-31.
    #[schemars(extend("format" = "date"))]
    pub expires: String,
}

/// What is exempt: what is in every list that is given. At least one list is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub struct ExceptionSubjects {
    /// Deployments by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deployments: Vec<Name>,
    /// Tenants by name. A change is exempt when all of its tenants are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tenants: Vec<Name>,
    /// Software and tasks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<ItemRef>,
    /// Computers by `provider/name`, id, or a name that only one of them has, in any case. A change is exempt when all of its computers are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub computers: Vec<String>,
}
