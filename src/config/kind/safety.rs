//! The parts of `Instance` and `Tenant` that keep a rollout safe: budgets and business hours.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much a run may do before it is refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BudgetSettings {
    /// Over all computers in the run's scope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_run: Option<BudgetKinds>,
    /// Over the computers of each tenant in the run's scope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_tenant: Option<BudgetKinds>,
}

/// An allowance for each kind of effect. What is left out keeps its default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BudgetKinds {
    /// Computers on which anything is changed. Default: unlimited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub computers: Option<AllowanceSpec>,
    /// Uninstallations: each software on each computer counts once. Default: 10 % and at least 5 per run, 25 % and at
    /// least 5 per tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removals: Option<AllowanceSpec>,
    /// Computers that are restarted. Default: 25 % and at least 5 per run, unlimited per tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reboots: Option<AllowanceSpec>,
    /// Computers on which something that is there is replaced, repaired, removed or restarted. Default: unlimited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interruptions: Option<AllowanceSpec>,
}

/// An allowance: exactly one of `count`, `percent` and `unlimited`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    { "required": ["count"], "properties": { "minimum": false } },
    { "required": ["percent"] },
    { "required": ["unlimited"], "properties": { "minimum": false } }
]))]
pub struct AllowanceSpec {
    /// So many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// So many percent of the computers in scope, rounded down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub percent: Option<u32>,
    /// With `percent`: at least so many, however few computers there are. Default: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<u32>,
    /// As many as there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("const" = true))]
    pub unlimited: Option<bool>,
}

/// When people work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BusinessHours {
    /// On these days. Default: Monday to Friday.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub days: Option<Vec<Weekday>>,
    /// From this time of the day: 08:00.
    #[schemars(regex(pattern = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"))]
    pub from: String,
    /// Up to this time of the day, which is not part of it any more: 18:00. Earlier than `from` means on the next day.
    #[schemars(regex(pattern = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"))]
    pub to: String,
    /// IANA name of the time zone. Default: the tenant's, else the instance's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Weekday {
    /// Monday.
    Monday,
    /// Tuesday.
    Tuesday,
    /// Wednesday.
    Wednesday,
    /// Thursday.
    Thursday,
    /// Friday.
    Friday,
    /// Saturday.
    Saturday,
    /// Sunday.
    Sunday,
}
