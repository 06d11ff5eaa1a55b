//! `Order`: items that go first or last in a session.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::Name;

/// Items that go first or last in every session; the others go between, by name (ORD-1, ORD-8).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OrderSpec {
    /// These go first, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub first: Vec<ItemRef>,
    /// These go last, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub last: Vec<ItemRef>,
}

/// A software or a task.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum ItemRef {
    /// A software.
    Software(Name),
    /// A task.
    Task(Name),
}
