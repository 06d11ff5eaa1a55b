//! The checked configuration: every reference holds, every script has its text, every default is filled in.
//!
//! Made by `config::check` only, so a value of [`Config`] is free of errors. Decisions take it by reference.

mod deployment;
mod fleet;
mod instance;
mod remote;
mod schedule;
mod software;
mod task;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::config::kind::{DirectorySpec, Kind, ParameterValue, PsaSpec};
use crate::config::safety::Safety;
use crate::diagnostic::{Code, Finding, Place, Sources};
use crate::id::Name;
use crate::secret::SecretRef;
use crate::session::script::Script;
use crate::time::Limit;

pub use deployment::{Deployment, Desired, Layer, Order, WantedVersion};
pub use fleet::{Computer, Linked, Provider, Target, Tenant};
pub use instance::{Believing, Identification, Instance, Library, Shrink};
pub use remote::{Assigned, Needed, Package, Policy, RemoteAccess, Said};
pub use schedule::Schedule;
pub use software::{
    Detect, License, LicenseForm, Origin, PACKAGE_MANAGERS, Payload, Prerequisite, Release, Scripts,
    Software, Source, Strategy,
};
pub use task::{Resource, ResourceProperty, Task};

/// The whole repository at one revision, free of errors.
#[derive(Debug, Clone)]
pub struct Config {
    /// What holds everywhere.
    pub instance: Instance,
    /// Customers.
    pub tenants: BTreeMap<Name, Tenant>,
    /// Links to systems.
    pub providers: BTreeMap<Name, Provider>,
    /// Links to directories.
    pub directories: BTreeMap<Name, Linked<DirectorySpec>>,
    /// Links to PSAs.
    pub psas: BTreeMap<Name, Linked<PsaSpec>>,
    /// What git says of single computers.
    pub computers: BTreeMap<Name, Computer>,
    /// Named expressions.
    pub targets: BTreeMap<Name, Target>,
    /// Programs.
    pub software: BTreeMap<Name, Software>,
    /// Shared scripts, as they run beside Muster.
    pub scripts: BTreeMap<Name, Arc<Script>>,
    /// How old the answers of selecting scripts may be, where they say so.
    pub answer_ages: BTreeMap<Name, Limit>,
    /// Tasks.
    pub tasks: BTreeMap<Name, Task>,
    /// What software may be used by.
    pub licenses: BTreeMap<Name, License>,
    /// What is wanted where.
    pub deployments: BTreeMap<Name, Deployment>,
    /// Runs that are started again and again.
    pub schedules: BTreeMap<Name, Schedule>,
    /// Remote access.
    pub remote: RemoteAccess,
    /// What goes first and last.
    pub order: Order,
    /// What keeps a rollout safe.
    pub safety: Safety,
    /// Who refers to whom, and what documents allow.
    pub uses: Uses,
    /// The texts that places point into.
    pub sources: Sources,
}

impl Config {
    /// Every secret that a script may be given: of licences, deployments (those of bundles too), defaults and resources.
    #[must_use]
    pub fn secrets(&self) -> BTreeSet<&SecretRef> {
        let specs = self.software.values().map(|software| &software.parameters);
        let specs = specs.chain(self.tasks.values().map(|task| &task.parameters));
        let defaults = specs.flat_map(BTreeMap::values).filter_map(|spec| spec.default.as_ref());
        let resources = self.tasks.values().filter_map(|task| task.resource.as_ref());
        let properties = resources.flat_map(|resource| resource.properties.values());
        let fixed = properties.filter_map(|property| match property {
            ResourceProperty::Value(value) => Some(value),
            ResourceProperty::Parameter(_) | ResourceProperty::ContentOf(_) => None,
        });
        let given = self.deployments.values().flat_map(|deployment| deployment.parameters.values());
        let secrets = given.chain(defaults).chain(fixed).filter_map(|value| match value {
            ParameterValue::Secret(reference) => Some(reference),
            _ => None,
        });
        secrets.chain(self.licenses.values().map(|license| &license.secret)).collect()
    }
}

/// What documents say of each other beyond what they mean; lints are worked out from it.
#[derive(Debug, Clone, Default)]
pub struct Uses {
    /// Every document that has a name, and its place.
    pub declared: BTreeMap<(Kind, Name), Place>,
    /// What is referred to, and the kinds of the documents that do.
    pub used: BTreeMap<(Kind, Name), BTreeSet<Kind>>,
    /// Script files beside documents that no document names.
    pub forgotten: Vec<Arc<str>>,
    /// Lints that were met while documents were checked.
    pub noticed: Vec<Finding>,
    /// The warnings that documents allow about themselves.
    pub allows: Vec<Allow>,
}

/// A warning that a document allows about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allow {
    /// The warning.
    pub code: Code,
    /// Where it is allowed.
    pub place: Place,
    /// The document from its first to its last byte.
    pub document: Place,
    /// Whether it silenced a warning while the documents were loaded.
    pub used: bool,
}
