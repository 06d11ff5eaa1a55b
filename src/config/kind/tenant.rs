//! `Tenant`: a customer.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BusinessHours, Hold, Mode, Reboot, TenantPsa};
use crate::id::Name;

/// A customer of the service provider.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TenantSpec {
    /// The tenant that this one belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Name>,
    /// The directory with this tenant's people and groups. Not passed on to tenants below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<Name>,
    /// This tenant's company in a PSA. Not passed on to tenants below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub psa: Option<TenantPsa>,
    /// The companies that are this customer in providers which list several customers, by provider.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub clients: BTreeMap<Name, Vec<TenantClient>>,
    /// Tags that targets can select by.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<String>,
    /// The most that Muster may do on this tenant's computers. Default: enforce.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Whether deployments that are not made for this tenant reach it (RES-12). Default: include.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cross_tenant: Option<CrossTenant>,
    /// When people work here. Default: the hours of the instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub business_hours: Option<BusinessHours>,
    /// Nothing is uninstalled from its computers and those of tenants below it, also after this line is gone, until it is released. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub protect: bool,
    /// Whether something may be done here, and on tenants below, that may restart a computer (SW-30). Default: if-necessary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reboot: Option<Reboot>,
    /// Nothing is done on the computers of this tenant and of those below it until a day (TGT-15).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
}

/// A company of a provider: by its id, which stays when it is renamed, or by its name where the provider has no ids.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TenantClient {
    /// Its id there. With one, the name is for people, and tells when it was renamed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub id: Option<String>,
    /// Its whole name there; compared without case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub name: Option<String>,
}

/// Whether cross-tenant deployments reach a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CrossTenant {
    /// They do.
    Include,
    /// They do not.
    Exclude,
}
