//! Built-in resources: what a task without scripts can look after. What is not given is not managed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::property::{Content, FileMode, Property, PropertyKind, PropertyValue, Words};
use super::system_resource::{
    EnvironmentResource, PackageResource, PowerResource, RegistryResource, ScheduledTaskResource,
    ServiceResource, TimeZoneResource, UserResource,
};
use super::{ParameterType, ParameterValue};

/// What a task without scripts looks after: exactly one of these.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub struct ResourceSpec {
    /// A file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<FileResource>,
    /// A folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<DirectoryResource>,
    /// A line of a text file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<LineResource>,
    /// A key of the registry, or a value of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry: Option<RegistryResource>,
    /// A service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceResource>,
    /// A package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<PackageResource>,
    /// An environment variable of the whole computer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<EnvironmentResource>,
    /// A local account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserResource>,
    /// A command that runs at times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduled_task: Option<ScheduledTaskResource>,
    /// When the display and the computer go off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power: Option<PowerResource>,
    /// The time zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<TimeZoneResource>,
}

/// The kinds that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ResourceKind {
    /// A file.
    File,
    /// A folder.
    Directory,
    /// A line of a text file.
    Line,
    /// A key of the registry, or a value of one.
    Registry,
    /// A service.
    Service,
    /// A package.
    Package,
    /// An environment variable of the whole computer.
    Environment,
    /// A local account.
    User,
    /// A command that runs at times.
    ScheduledTask,
    /// When the display and the computer go off.
    Power,
    /// The time zone.
    TimeZone,
}

impl ResourceKind {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::File,
        Self::Directory,
        Self::Line,
        Self::Registry,
        Self::Service,
        Self::Package,
        Self::Environment,
        Self::User,
        Self::ScheduledTask,
        Self::Power,
        Self::TimeZone,
    ];

    /// The name as it stands in YAML.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Directory => "directory",
            Self::Line => "line",
            Self::Registry => "registry",
            Self::Service => "service",
            Self::Package => "package",
            Self::Environment => "environment",
            Self::User => "user",
            Self::ScheduledTask => "scheduledTask",
            Self::Power => "power",
            Self::TimeZone => "timeZone",
        }
    }
}

/// Whether something is to be there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Presence {
    /// It is to be there.
    #[default]
    Present,
    /// It is not to be there.
    Absent,
}

/// A file with what it holds and who may read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("not" = { "required": ["content", "source"] }))]
pub struct FileResource {
    /// Where it lies. A path that begins with `/` is one of POSIX systems, one with a drive of Windows; the task is not
    /// applicable on the others.
    pub path: Property<Words>,
    /// Default: present.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Presence>,
    /// What it holds, to the byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Property<Content>>,
    /// A file of the repository with what it holds, relative to this file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub source: Option<String>,
    /// The account that owns it (POSIX).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Property<Words>>,
    /// The group that it belongs to (POSIX).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Property<Words>>,
    /// Who may do what with it, in octal digits (POSIX).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Property<FileMode>>,
    /// Whether what it holds is shown by its hash alone, and never line by line. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sensitive: bool,
}

/// A folder and who may use it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DirectoryResource {
    /// Where it lies; see the path of `file`. Folders above it are made as well.
    pub path: Property<Words>,
    /// Default: present.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Presence>,
    /// The account that owns it (POSIX).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Property<Words>>,
    /// The group that it belongs to (POSIX).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Property<Words>>,
    /// Who may do what with it, in octal digits (POSIX).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Property<FileMode>>,
    /// With `state: absent`: whether all that lies in it goes with it; otherwise only an empty folder is removed. Default:
    /// false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub recursive: bool,
}

/// A line that is in a text file, or is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("anyOf" = [
    { "required": ["line"] },
    { "required": ["match", "state"], "properties": { "state": { "const": "absent" } } }
]))]
pub struct LineResource {
    /// The text file; see the path of `file`.
    pub path: Property<Words>,
    /// Default: present.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Presence>,
    /// The line, without its end. Needed unless the state is absent and `match` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<Property<Words>>,
    /// An extended regular expression (of .NET on Windows). Present: the first line that matches becomes `line`, further ones
    /// go, and where none matches `line` is added at the end. Absent: all lines that match go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#match: Option<Property<Words>>,
    /// Whether a file that is missing is made. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub create: bool,
}

/// A property that a document gives.
#[derive(Debug, Clone)]
pub struct Given {
    /// Its name in the document.
    pub name: &'static str,
    /// Its value.
    pub value: PropertyValue,
    /// Parameters of these types can stand for it.
    pub types: &'static [ParameterType],
    /// What it takes, for messages.
    pub expected: &'static str,
    /// Whether it takes a value.
    pub takes: fn(&ParameterValue) -> bool,
}

/// The properties of a resource, and the platforms on which it makes sense.
#[derive(Debug, Clone)]
pub struct Described {
    /// Its kind.
    pub kind: ResourceKind,
    /// What is given.
    pub given: Vec<Given>,
    /// Where it lies, if it lies somewhere.
    pub path: Option<String>,
    /// Properties of POSIX systems among those given.
    pub posix_only: Vec<&'static str>,
    /// Whether all is given that Windows needs.
    pub windows: bool,
}

/// Properties in the making.
#[derive(Debug, Default)]
pub(super) struct List(Vec<Given>);

impl List {
    pub(super) fn need<K: PropertyKind>(mut self, name: &'static str, property: &Property<K>) -> Self {
        let value = property.value.clone();
        self.0.push(Given { name, value, types: K::TYPES, expected: K::EXPECTED, takes: K::takes });
        self
    }

    pub(super) fn may<K: PropertyKind>(self, name: &'static str, property: Option<&Property<K>>) -> Self {
        match property {
            Some(property) => self.need(name, property),
            None => self,
        }
    }

    pub(super) fn fixed(mut self, name: &'static str, value: ParameterValue) -> Self {
        let value = PropertyValue::Given(value);
        self.0.push(Given { name, value, types: &[], expected: "this", takes: |_| true });
        self
    }

    pub(super) fn state(self, state: Option<Presence>) -> Self {
        match state {
            Some(Presence::Absent) => self.fixed("state", ParameterValue::Text("absent".to_owned())),
            _ => self,
        }
    }

    pub(super) fn text(self, name: &'static str, text: Option<String>) -> Self {
        match text {
            Some(text) => self.fixed(name, ParameterValue::Text(text)),
            None => self,
        }
    }

    /// One of several words.
    pub(super) fn word<T: Serialize>(self, name: &'static str, value: Option<&T>) -> Self {
        self.text(name, value.map(word))
    }

    pub(super) fn flag(self, name: &'static str, flag: bool) -> Self {
        if flag { self.fixed(name, ParameterValue::Boolean(true)) } else { self }
    }
}

/// A word as it stands in YAML.
pub(super) fn word<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

impl ResourceSpec {
    /// The keys, each with whether it is given.
    #[must_use]
    pub fn keys(&self) -> Vec<(&'static str, bool)> {
        vec![
            ("file", self.file.is_some()),
            ("directory", self.directory.is_some()),
            ("line", self.line.is_some()),
            ("registry", self.registry.is_some()),
            ("service", self.service.is_some()),
            ("package", self.package.is_some()),
            ("environment", self.environment.is_some()),
            ("user", self.user.is_some()),
            ("scheduledTask", self.scheduled_task.is_some()),
            ("power", self.power.is_some()),
            ("timeZone", self.time_zone.is_some()),
        ]
    }

    /// The one that is given, with its properties.
    #[must_use]
    pub fn described(&self) -> Option<Described> {
        if let Some(file) = &self.file {
            let list = List::default()
                .need("path", &file.path)
                .state(file.state)
                .may("content", file.content.as_ref())
                .may("owner", file.owner.as_ref())
                .may("group", file.group.as_ref())
                .may("mode", file.mode.as_ref())
                .flag("sensitive", file.sensitive);
            return Some(owned(ResourceKind::File, list, &file.path));
        }
        if let Some(folder) = &self.directory {
            let list = List::default()
                .need("path", &folder.path)
                .state(folder.state)
                .may("owner", folder.owner.as_ref())
                .may("group", folder.group.as_ref())
                .may("mode", folder.mode.as_ref())
                .flag("recursive", folder.recursive);
            return Some(owned(ResourceKind::Directory, list, &folder.path));
        }
        if let Some(line) = &self.line {
            let list = List::default()
                .need("path", &line.path)
                .state(line.state)
                .may("line", line.line.as_ref())
                .may("match", line.r#match.as_ref())
                .flag("create", line.create);
            return Some(at(ResourceKind::Line, list, &line.path));
        }
        self.of_the_system()
    }

    fn of_the_system(&self) -> Option<Described> {
        if let Some(service) = &self.service {
            return Some(of(ResourceKind::Service, service.list()));
        }
        if let Some(package) = &self.package {
            return Some(of(ResourceKind::Package, package.list()));
        }
        if let Some(variable) = &self.environment {
            return Some(of(ResourceKind::Environment, variable.list()));
        }
        if let Some(user) = &self.user {
            return Some(of(ResourceKind::User, user.list()));
        }
        if let Some(task) = &self.scheduled_task {
            let windows = task.cron.is_none();
            return Some(Described { windows, ..of(ResourceKind::ScheduledTask, task.list()) });
        }
        if let Some(zone) = &self.time_zone {
            let windows = zone.windows_name.is_some();
            return Some(Described { windows, ..of(ResourceKind::TimeZone, zone.list()) });
        }
        if let Some(power) = &self.power {
            return Some(of(ResourceKind::Power, power.list()));
        }
        let registry = self.registry.as_ref()?;
        Some(of(ResourceKind::Registry, registry.list()))
    }
}

/// Something that lies at a path.
fn at(kind: ResourceKind, list: List, path: &Property<Words>) -> Described {
    Described { path: path.text().map(str::to_owned), ..of(kind, list) }
}

/// Something at a path that has an owner, a group and a mode on POSIX systems.
fn owned(kind: ResourceKind, list: List, path: &Property<Words>) -> Described {
    let is_given = |key: &&'static str| list.0.iter().any(|given| given.name == *key);
    let posix_only = ["owner", "group", "mode"].into_iter().filter(is_given).collect();
    Described { posix_only, ..at(kind, list, path) }
}

fn of(kind: ResourceKind, list: List) -> Described {
    Described { kind, given: list.0, path: None, posix_only: Vec::new(), windows: true }
}
