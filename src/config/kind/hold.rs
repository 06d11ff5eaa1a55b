//! Holds: nothing is done for a while, and then again by itself (TGT-15).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::time::Day;

/// Nothing is done until a day. It ends by itself; what is left of it afterwards is a lint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Hold {
    /// The first day on which it does not hold any more, from midnight in the instance's time zone.
    pub until: Day,
    /// Why, for whoever reads the plan.
    #[schemars(length(min = 1))]
    pub reason: String,
}
