//! Built-in resources of the system: services, packages, variables, accounts, what runs at times, and settings.
//!
//! Not here: files and their lines (`resource`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::property::{AnyText, Data, Flag, Hidden, Property, Texts, Whole, Words};
use super::resource::{List, Presence};

/// A service and how it starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("anyOf" = [{ "required": ["running"] }, { "required": ["startup"] }]))]
pub struct ServiceResource {
    /// Its name, not the one for people.
    pub name: Property<Words>,
    /// Whether it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running: Option<Property<Flag>>,
    /// How it starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub startup: Option<Startup>,
}

/// How a service starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Startup {
    /// With the computer (systemd: enabled).
    Automatic,
    /// When somebody starts it (systemd: disabled).
    Manual,
    /// Not at all (systemd: masked).
    Disabled,
}

/// A package of the system's own package manager: apt, dnf, yum, zypper, apk or brew; on Windows Chocolatey.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PackageResource {
    /// Its name.
    pub name: Property<Words>,
    /// Default: present.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Presence>,
    /// Exactly this version, as the manager writes it. Where it is not given, any does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Property<Words>>,
}

/// An environment variable of the whole computer: /etc/environment, or the machine's variables on Windows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("anyOf" = [
    { "required": ["value"] },
    { "required": ["state"], "properties": { "state": { "const": "absent" } } }
]))]
pub struct EnvironmentResource {
    /// Its name.
    pub name: Property<Words>,
    /// Default: present.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Presence>,
    /// What it holds. Needed unless it is to be absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Property<AnyText>>,
}

/// A local account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserResource {
    /// The name it signs in with.
    pub name: Property<Words>,
    /// Default: present.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Presence>,
    /// The name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_name: Option<Property<AnyText>>,
    /// Exactly the groups that it is in, beside its main group. An empty list means none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<Property<Texts>>,
    /// Whether it cannot sign in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<Property<Flag>>,
    /// Its number (POSIX).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<Property<Whole>>,
    /// Its home folder (POSIX). A folder that is there is not moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home: Option<Property<Words>>,
    /// The shell that it gets (POSIX).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shell: Option<Property<Words>>,
    /// The hash of its password, as it stands in /etc/shadow (POSIX).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_hash: Option<Property<Hidden>>,
    /// The password it is made with (Windows). It is not compared later, as Windows does not tell it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_password: Option<Property<Hidden>>,
    /// With `state: absent`: whether its home folder goes with it (POSIX). Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub remove_home: bool,
}

/// A command that runs at times: a file in /etc/cron.d, or a task of the scheduler on Windows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("anyOf" = [
    { "required": ["command", "every"], "properties": { "cron": false } },
    { "required": ["command", "cron"], "properties": { "every": false, "at": false, "days": false } },
    { "required": ["state"], "properties": { "state": { "const": "absent" } } }
], "if" = { "required": ["every"], "properties": { "every": { "const": "week" } } }, "then" = { "required": ["days"] }))]
pub struct ScheduledTaskResource {
    /// Its name: letters, digits, `_` and `-`.
    pub name: Property<Words>,
    /// Default: present.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Presence>,
    /// What runs: a line for the shell, or for cmd on Windows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Property<Words>>,
    /// As whom. Default: root, or SYSTEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Property<Words>>,
    /// How often. Exactly one of `every` and `cron`, unless it is to be absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Every>,
    /// When, as hours and minutes such as '02:30'; of `every: hour` only the minutes count. Default: '00:00'.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = "^([01][0-9]|2[0-3]):[0-5][0-9]$"))]
    pub at: Option<String>,
    /// With `every: week`: on which days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub days: Option<Vec<Day>>,
    /// The five fields of cron. The task is not applicable on Windows then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = "^[0-9*/,-]+( [0-9A-Za-z*/,-]+){4}$"))]
    pub cron: Option<String>,
}

/// How often something runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Every {
    /// When the computer starts.
    Startup,
    /// Once an hour.
    Hour,
    /// Once a day.
    Day,
    /// On some days of the week.
    Week,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Day {
    /// Sunday.
    Sun,
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
}

/// The time zone of the computer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TimeZoneResource {
    /// Its name in the IANA's database, such as Europe/Berlin.
    pub name: Property<Words>,
    /// The name that Windows has for it, such as W. Europe Standard Time. Without it the task is not applicable there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub windows_name: Option<Property<Words>>,
}

/// When the display and the computer go off, and what the lid does (Windows). Times are in minutes, and 0 means never.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub struct PowerResource {
    /// When the display goes off, on mains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_mains: Option<Property<Whole>>,
    /// When the display goes off, on battery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_battery: Option<Property<Whole>>,
    /// When the computer sleeps, on mains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sleep_mains: Option<Property<Whole>>,
    /// When the computer sleeps, on battery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sleep_battery: Option<Property<Whole>>,
    /// When the computer hibernates, on mains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hibernate_mains: Option<Property<Whole>>,
    /// When the computer hibernates, on battery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hibernate_battery: Option<Property<Whole>>,
    /// What closing the lid does, on mains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lid_mains: Option<Lid>,
    /// What closing the lid does, on battery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lid_battery: Option<Lid>,
}

/// What closing the lid does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Lid {
    /// Nothing.
    Nothing,
    /// The computer sleeps.
    Sleep,
    /// The computer hibernates.
    Hibernate,
    /// The computer is shut down.
    ShutDown,
}

/// A key of the registry, or a value of one (Windows).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("anyOf" = [{ "required": ["name"] }, { "properties": { "type": false, "data": false } }]))]
pub struct RegistryResource {
    /// The key, such as `HKLM:\SOFTWARE\Example`.
    pub key: Property<Words>,
    /// Default: present.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Presence>,
    /// The name of the value. Without one it is the key itself that is there or is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Property<Words>>,
    /// The type of the value. A value that is made without one is a string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#type: Option<RegistryType>,
    /// What the value holds: a number for dword and qword, a list for multi-string, hexadecimal digits in lower case for
    /// binary, else a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Property<Data>>,
    /// With `state: absent` and no `name`: whether the keys below it go with it. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub recursive: bool,
}

/// The types of registry values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RegistryType {
    /// A text.
    String,
    /// A text in which variables are expanded.
    ExpandString,
    /// Several texts.
    MultiString,
    /// A number of 32 bits.
    Dword,
    /// A number of 64 bits.
    Qword,
    /// Bytes.
    Binary,
}

impl ServiceResource {
    pub(super) fn list(&self) -> List {
        List::default()
            .need("name", &self.name)
            .may("running", self.running.as_ref())
            .word("startup", self.startup.as_ref())
    }
}

impl PackageResource {
    pub(super) fn list(&self) -> List {
        List::default().need("name", &self.name).state(self.state).may("version", self.version.as_ref())
    }
}

impl EnvironmentResource {
    pub(super) fn list(&self) -> List {
        List::default().need("name", &self.name).state(self.state).may("value", self.value.as_ref())
    }
}

impl UserResource {
    pub(super) fn list(&self) -> List {
        List::default()
            .need("name", &self.name)
            .state(self.state)
            .may("fullName", self.full_name.as_ref())
            .may("groups", self.groups.as_ref())
            .may("disabled", self.disabled.as_ref())
            .may("uid", self.uid.as_ref())
            .may("home", self.home.as_ref())
            .may("shell", self.shell.as_ref())
            .may("passwordHash", self.password_hash.as_ref())
            .may("initialPassword", self.initial_password.as_ref())
            .flag("removeHome", self.remove_home)
    }
}

impl ScheduledTaskResource {
    pub(super) fn list(&self) -> List {
        let days = self.days.as_ref().map(|days| {
            let mut days = days.clone();
            days.sort_unstable();
            days.dedup();
            days
        });
        let names: Option<Vec<String>> =
            days.as_ref().map(|days| days.iter().map(super::resource::word).collect());
        List::default()
            .need("name", &self.name)
            .state(self.state)
            .may("command", self.command.as_ref())
            .may("user", self.user.as_ref())
            .word("every", self.every.as_ref())
            .text("at", self.every.is_some().then(|| self.at().to_owned()))
            .text("days", names.map(|names| names.join("\n")))
            .text("schedule", self.schedule(days.as_deref()))
    }

    fn at(&self) -> &str {
        self.at.as_deref().unwrap_or("00:00")
    }

    /// When it runs, as cron says it.
    fn schedule(&self, days: Option<&[Day]>) -> Option<String> {
        if let Some(cron) = &self.cron {
            return Some(cron.split_whitespace().collect::<Vec<_>>().join(" "));
        }
        let (hour, minute) = self.at().split_once(':')?;
        let plain = |digits: &str| digits.trim_start_matches('0').parse::<u8>().unwrap_or(0);
        let (hour, minute) = (plain(hour), plain(minute));
        Some(match self.every? {
            Every::Startup => "@reboot".to_owned(),
            Every::Hour => format!("{minute} * * * *"),
            Every::Day => format!("{minute} {hour} * * *"),
            Every::Week => {
                let days: Vec<String> = days?.iter().map(|day| (*day as u8).to_string()).collect();
                format!("{minute} {hour} * * {}", days.join(","))
            }
        })
    }
}

impl TimeZoneResource {
    pub(super) fn list(&self) -> List {
        List::default().need("name", &self.name).may("windowsName", self.windows_name.as_ref())
    }
}

impl PowerResource {
    pub(super) fn list(&self) -> List {
        List::default()
            .may("displayMains", self.display_mains.as_ref())
            .may("displayBattery", self.display_battery.as_ref())
            .may("sleepMains", self.sleep_mains.as_ref())
            .may("sleepBattery", self.sleep_battery.as_ref())
            .may("hibernateMains", self.hibernate_mains.as_ref())
            .may("hibernateBattery", self.hibernate_battery.as_ref())
            .word("lidMains", self.lid_mains.as_ref())
            .word("lidBattery", self.lid_battery.as_ref())
    }
}

impl RegistryResource {
    pub(super) fn list(&self) -> List {
        List::default()
            .need("key", &self.key)
            .state(self.state)
            .may("name", self.name.as_ref())
            .word("type", self.r#type.as_ref())
            .may("data", self.data.as_ref())
            .flag("recursive", self.recursive)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::kind::ParameterValue;

    fn schedule(every: Every, at: &str, days: &[Day]) -> Option<String> {
        let name = || Property::given(ParameterValue::Text("x".to_owned()));
        let task = ScheduledTaskResource {
            name: name(),
            state: None,
            command: Some(name()),
            user: None,
            every: Some(every),
            at: Some(at.to_owned()),
            days: Some(days.to_vec()).filter(|days| !days.is_empty()),
            cron: None,
        };
        task.schedule(task.days.as_deref())
    }

    #[test]
    fn a_time_is_told_to_cron_in_its_own_words() {
        assert_eq!(schedule(Every::Startup, "00:00", &[]).as_deref(), Some("@reboot"));
        assert_eq!(schedule(Every::Hour, "09:05", &[]).as_deref(), Some("5 * * * *"));
        assert_eq!(schedule(Every::Day, "09:00", &[]).as_deref(), Some("0 9 * * *"));
        assert_eq!(schedule(Every::Week, "23:59", &[Day::Sun, Day::Fri]).as_deref(), Some("59 23 * * 0,5"));
        assert_eq!(schedule(Every::Week, "23:59", &[]), None);
    }
}
