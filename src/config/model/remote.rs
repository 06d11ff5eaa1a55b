//! Remote access as the repository says it: policies, and the packages that give them to sites.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::kind::{Consent, Metadata};
use crate::diagnostic::Place;
use crate::id::Name;

/// A value, and where it is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said<T> {
    /// What is said.
    pub value: T,
    /// Where.
    pub place: Place,
}

/// See [`crate::config::kind::PolicySpec`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Its name.
    pub metadata: Metadata,
    /// Where it stands.
    pub place: Place,
    /// The provider of remote sessions.
    pub provider: Said<Name>,
    /// Whether the person at the computer has to agree.
    pub consent: Option<Said<Consent>>,
    /// Whether the agent updates itself.
    pub agent_auto_update: Option<Said<bool>>,
    /// Whether there is a notification balloon.
    pub notification_balloon: Option<Said<bool>>,
    /// Who may open a session.
    pub roles: Option<Said<BTreeSet<String>>>,
}

/// See [`crate::config::kind::PackageSpec`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub metadata: Metadata,
    /// Where it stands.
    pub place: Place,
    /// Its policies.
    pub policies: BTreeSet<Name>,
    /// The sites that it is given to.
    pub assigned: Vec<Assigned>,
}

/// A site of a tenant, or all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assigned {
    /// The tenant.
    pub tenant: Name,
    /// The site as written; `None` for all computers of the tenant.
    pub site: Option<String>,
    /// Where it is said.
    pub place: Place,
}

/// Everything that is said of remote access.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RemoteAccess {
    /// Policies.
    pub policies: BTreeMap<Name, Policy>,
    /// Packages.
    pub packages: BTreeMap<Name, Package>,
    /// The deployments that policies became.
    pub deployments: BTreeMap<Name, Needed>,
}

/// What a deployment is to a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed {
    /// The policy.
    pub policy: Name,
    /// Whether it makes the agent ask the person at the computer for consent.
    pub asks: bool,
}
