//! Who and what is there as the repository says it: tenants, links to systems, single computers, and named targets.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::config::kind::{
    ComputerIdentity, CrossTenant, Hold, Match, Metadata, Mode, PrimaryPerson, ProviderSpec, Reboot,
    TenantClient, TenantPsa,
};
use crate::diagnostic::Place;
use crate::id::Name;

/// A link to a directory or a PSA.
#[derive(Debug, Clone, PartialEq)]
pub struct Linked<T> {
    /// Its name.
    pub metadata: Metadata,
    /// Where it stands.
    pub place: Place,
    /// Its settings.
    pub spec: T,
    /// Texts of the files it refers to in the repository, by the path as written.
    pub files: BTreeMap<String, Arc<str>>,
}

/// See [`crate::config::kind::TenantSpec`].
#[derive(Debug, Clone, PartialEq)]
pub struct Tenant {
    /// Its name.
    pub metadata: Metadata,
    /// Where it stands.
    pub place: Place,
    /// The tenant above.
    pub parent: Option<Name>,
    /// The directory with its people and groups.
    pub directory: Option<Name>,
    /// Its company in a PSA.
    pub psa: Option<TenantPsa>,
    /// Its companies in providers that list several customers, by provider.
    pub clients: BTreeMap<Name, Vec<TenantClient>>,
    /// Its tags.
    pub tags: BTreeSet<String>,
    /// The most that Muster may do here.
    pub mode: Mode,
    /// Whether cross-tenant deployments reach it.
    pub cross_tenant: CrossTenant,
    /// Whether a change may restart a computer, here and below.
    pub reboot: Reboot,
    /// Nothing is done here and below for a while.
    pub hold: Option<Hold>,
}

/// See [`crate::config::kind::ProviderSpec`].
#[derive(Debug, Clone, PartialEq)]
pub struct Provider {
    /// Its name.
    pub metadata: Metadata,
    /// Where it stands.
    pub place: Place,
    /// Its settings.
    pub spec: ProviderSpec,
    /// Texts of the files it refers to in the repository (host list, fleet), by the path as written.
    pub files: BTreeMap<String, Arc<str>>,
}

/// See [`crate::config::kind::ComputerSpec`].
#[derive(Debug, Clone, PartialEq)]
pub struct Computer {
    /// The document's name.
    pub metadata: Metadata,
    /// Where it stands.
    pub place: Place,
    /// The computer's name as its provider lists it; compared without case.
    pub name: String,
    /// The provider, if it is given.
    pub provider: Option<Name>,
    /// The tenant, if it is given.
    pub tenant: Option<Name>,
    /// Added tags.
    pub tags: BTreeSet<String>,
    /// Who its primary person is.
    pub primary_person: PrimaryPerson,
    /// Whether its onboarding is done, if that is given.
    pub onboarded: Option<bool>,
    /// The most that Muster may do.
    pub mode: Mode,
    /// Whether a change may restart it.
    pub reboot: Reboot,
    /// Left out of all deployments.
    pub excluded: bool,
    /// Which agents are on it, if that was decided.
    pub identity: Option<ComputerIdentity>,
    /// The computer that it took the place of: its id or its name (IDN-21).
    pub replaces: Option<String>,
}

/// See [`crate::config::kind::TargetSpec`].
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Its name.
    pub metadata: Metadata,
    /// Where it stands.
    pub place: Place,
    /// The expression, its names checked.
    pub expression: Match,
    /// The most that Muster may do through it.
    pub mode: Mode,
}
