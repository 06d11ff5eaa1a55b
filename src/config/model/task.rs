//! Tasks, and the built-in resources that some of them look after.

use std::collections::BTreeMap;

use super::software::Scripts;
use crate::config::kind::{FileValue, LockSpec, Metadata, ParameterSpec, ParameterValue, ResourceKind};
use crate::diagnostic::Place;
use crate::id::Name;

/// See [`crate::config::kind::TaskSpec`].
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Its name and title.
    pub metadata: Metadata,
    /// Where it stands.
    pub place: Place,
    /// Tests.
    pub test: Option<Scripts>,
    /// Sets.
    pub set: Option<Scripts>,
    /// In place of a test: the key for which it is set once.
    pub once: Option<Name>,
    /// Reads.
    pub get: Option<Scripts>,
    /// What the three look after, where they are built in.
    pub resource: Option<Resource>,
    /// What its changes wait for.
    pub lock: Option<LockSpec>,
    /// What its scripts can be given.
    pub parameters: BTreeMap<String, ParameterSpec>,
    /// Whether anything is done with it at all.
    pub enabled: bool,
}

/// A built-in resource with its properties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Its kind.
    pub kind: ResourceKind,
    /// What is managed of it, by the name that its scripts know it by.
    pub properties: BTreeMap<String, ResourceProperty>,
}

/// Where the value of a property comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResourceProperty {
    /// It is given.
    Value(ParameterValue),
    /// It is that of a parameter; where there is none, the property is not managed.
    Parameter(String),
    /// It is that of a parameter, as a file with this text.
    ContentOf(String),
}

impl Resource {
    /// Whether setting it takes something away: what it looks after is to be absent, whatever its kind.
    #[must_use]
    pub fn removes(&self) -> bool {
        let absent = |property: &ResourceProperty| matches!(property, ResourceProperty::Value(ParameterValue::Text(text)) if text == "absent");
        self.properties.get("state").is_some_and(absent)
    }

    /// What its scripts are given, from the values of the task's parameters.
    #[must_use]
    pub fn values(&self, parameters: &BTreeMap<String, ParameterValue>) -> BTreeMap<String, ParameterValue> {
        let value = |property: &ResourceProperty| match property {
            ResourceProperty::Value(value) => Some(value.clone()),
            ResourceProperty::Parameter(name) => parameters.get(name).cloned(),
            ResourceProperty::ContentOf(name) => parameters.get(name).map(|value| match value {
                ParameterValue::Text(text) => ParameterValue::File(FileValue::of_text(name, text)),
                other => other.clone(),
            }),
        };
        // A shell has no lists; lines do for all of them.
        let lines = |value| match value {
            ParameterValue::List(texts) => ParameterValue::Text(texts.join("\n")),
            other => other,
        };
        self.properties
            .iter()
            .filter_map(|(name, property)| Some((name.clone(), lines(value(property)?))))
            .collect()
    }
}
