//! What the scripts of a step would print on a simulated computer, and what they would change there.
//!
//! Not here: faults, round trips (`super`), where changes are kept (`memory`).
//!
//! Invariant: facts are printed in the form of the platform's collector, and of nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::fleet::{Entry, FleetComputer, FleetOs, FleetPackage, Source, TaskState, pack};
use super::memory::{Changes, Effect};
use crate::id::Name;
use crate::inventory::facts::{OsFamily, Role};
use crate::session::script::{Platform, Purpose, Value, Values};

/// A computer as it is now.
pub(super) struct Machine<'a> {
    /// As it was before any change.
    pub(super) base: &'a FleetComputer,
    /// What was changed since.
    pub(super) changes: Changes,
    /// How software stands in the list of installed programs.
    pub(super) inventory: &'a BTreeMap<Name, Entry>,
}

/// What a script would print, and its exit code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) code: i32,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Answer {
    pub(super) fn says(stdout: impl Into<String>) -> Self {
        Self { code: 0, stdout: stdout.into(), stderr: String::new() }
    }

    pub(super) fn fails(stderr: impl Into<String>) -> Self {
        Self { code: 1, stdout: String::new(), stderr: stderr.into() }
    }
}

/// Whether a purpose only looks.
pub(super) const fn looks(purpose: &Purpose) -> bool {
    match purpose {
        Purpose::Collect
        | Purpose::DetectSoftware { .. }
        | Purpose::TestSoftware { .. }
        | Purpose::TestTask { .. }
        | Purpose::GetTask { .. }
        // It has no place for files: asked for one, it has it.
        | Purpose::ReceivePayload { .. } => true,
        Purpose::InstallSoftware { .. }
        | Purpose::UninstallSoftware { .. }
        | Purpose::RepairSoftware { .. }
        | Purpose::PreInstall { .. }
        | Purpose::PostInstall { .. }
        | Purpose::PostUninstall { .. }
        | Purpose::DownloadPayload { .. }
        | Purpose::FetchPayload { .. }
        | Purpose::SetTask { .. } => false,
    }
}

impl Machine<'_> {
    /// What a step that looks prints; a step that changes prints nothing here.
    pub(super) fn look(&self, purpose: &Purpose) -> Answer {
        match purpose {
            Purpose::Collect => Answer::says(self.facts()),
            Purpose::DetectSoftware { software } => {
                Answer::says(self.version(software).map(|version| format!("{version}\n")).unwrap_or_default())
            }
            Purpose::TestSoftware { software } => {
                if self.version(software).is_some() && self.healthy(software) {
                    Answer::says("true\n")
                } else {
                    Answer::says("simulated: it does not work\nfalse\n")
                }
            }
            Purpose::TestTask { task, instance } => {
                if self.task(&key(task, instance)).compliant {
                    Answer::says("true\n")
                } else {
                    Answer::says("simulated: it is not set\nfalse\n")
                }
            }
            Purpose::GetTask { task, instance } => {
                let state = self.task(&key(task, instance));
                let word = if state.compliant { "set" } else { "not set" };
                Answer::says(format!("{}\n", state.value.as_deref().unwrap_or(word)))
            }
            Purpose::ReceivePayload { .. } => Answer::says("have\n"),
            Purpose::InstallSoftware { .. }
            | Purpose::UninstallSoftware { .. }
            | Purpose::RepairSoftware { .. }
            | Purpose::PreInstall { .. }
            | Purpose::PostInstall { .. }
            | Purpose::PostUninstall { .. }
            | Purpose::DownloadPayload { .. }
            | Purpose::FetchPayload { .. }
            | Purpose::SetTask { .. } => Answer::says(""),
        }
    }

    /// What a step that changes would change; `Ok(None)` when there is nothing to change.
    ///
    /// # Errors
    /// What its script would print when it fails.
    pub(super) fn effect(&self, purpose: &Purpose, values: &Values) -> Result<Option<Effect>, String> {
        let name = |text: &str| Name::new(text).map_err(|error| error.to_string());
        Ok(match purpose {
            Purpose::InstallSoftware { software, version } => Some(Effect::Install {
                software: name(software)?,
                version: version
                    .clone()
                    .or_else(|| self.version(software))
                    .unwrap_or_else(|| "1.0".to_owned()),
            }),
            Purpose::UninstallSoftware { software } => match self.version(software) {
                Some(_) => Some(Effect::Remove { software: name(software)? }),
                None => None,
            },
            Purpose::RepairSoftware { software } => match self.version(software) {
                Some(_) => Some(Effect::Repair { software: name(software)? }),
                None => return Err(format!("simulated: {software} is not there")),
            },
            Purpose::SetTask { task, instance } => {
                let value = match values.get("value") {
                    Some(Value::Plain(serde_json::Value::String(text))) => Some(text.clone()),
                    Some(Value::Plain(value)) => Some(value.to_string()),
                    Some(Value::Secret(_) | Value::File { .. }) | None => None,
                };
                Some(Effect::Task { key: key(task, instance), state: TaskState { compliant: true, value } })
            }
            Purpose::Collect
            | Purpose::DetectSoftware { .. }
            | Purpose::TestSoftware { .. }
            | Purpose::TestTask { .. }
            | Purpose::GetTask { .. }
            // A simulated computer has no place for files.
            | Purpose::PreInstall { .. }
            | Purpose::PostInstall { .. }
            | Purpose::PostUninstall { .. }
            | Purpose::DownloadPayload { .. }
            | Purpose::ReceivePayload { .. }
            | Purpose::FetchPayload { .. } => None,
        })
    }

    fn platform(&self) -> Platform {
        self.base.platform.unwrap_or(Platform::Posix)
    }

    fn os(&self) -> FleetOs {
        let (family, name, version) = match self.platform() {
            Platform::Posix => (OsFamily::Linux, "Debian GNU/Linux", "12"),
            Platform::Windows => (OsFamily::Windows, "Microsoft Windows 11 Pro", "10.0.26100"),
        };
        let default = || FleetOs { family, name: name.to_owned(), version: version.to_owned() };
        self.base.facts.os.clone().unwrap_or_else(default)
    }

    /// Who records programs here; nobody on systems without a list.
    fn source(&self) -> Option<Source> {
        let os = self.os();
        match (self.platform(), os.family) {
            (Platform::Windows, _) => Some(Source::Registry),
            (Platform::Posix, OsFamily::Linux) => {
                let os = os.name.to_lowercase();
                let has = |words: &[&str]| words.iter().any(|word| os.contains(word));
                Some(if has(&["alpine"]) {
                    Source::Apk
                } else if has(&["rocky", "alma", "red hat", "centos", "fedora", "suse", "oracle"]) {
                    Source::Rpm
                } else {
                    Source::Dpkg
                })
            }
            (Platform::Posix, _) => None,
        }
    }

    fn version(&self, software: &str) -> Option<String> {
        if let Some(changed) = self.changes.software.get(software) {
            return changed.clone();
        }
        let listed = || self.base.facts.packages.iter().find(|package| self.is(package, software));
        self.base.software.get(software).cloned().or_else(|| listed().map(|package| package.version.clone()))
    }

    /// Whether a program in the list is this software.
    fn is(&self, package: &FleetPackage, software: &str) -> bool {
        self.entry(software, &package.version) == package.name
    }

    /// The name under which a software stands in the list.
    fn entry(&self, software: &str, version: &str) -> String {
        let name = self.inventory.get(software).map_or(software, |entry| entry.name.as_str());
        name.replace("{version}", version)
    }

    fn healthy(&self, software: &str) -> bool {
        let known = self.changes.healthy.get(software).or_else(|| self.base.healthy.get(software));
        known.copied().unwrap_or(true)
    }

    fn task(&self, key: &str) -> TaskState {
        self.changes.tasks.get(key).or_else(|| self.base.tasks.get(key)).cloned().unwrap_or_default()
    }

    /// What the platform's collector prints.
    fn facts(&self) -> String {
        let os = self.os();
        let family = os.family.as_str();
        let mut text = String::from("muster-facts\t1\n");
        let mut fact = |name: &str, value: &str| {
            // Writing into a String cannot fail.
            _ = writeln!(text, "{name}\t{value}");
        };
        fact("hostname", self.base.name.split('.').next().unwrap_or_default());
        fact("architecture", "x86_64");
        fact("os.family", family);
        fact("os.name", &os.name);
        fact("os.version", &os.version);
        for (name, value) in self.identity() {
            fact(name, &value);
        }
        for (name, value) in self.role() {
            fact(name, value);
        }
        fact("users", "known");
        fact("reboot", "known");
        let mut sources: BTreeSet<Source> = self.source().into_iter().collect();
        for package in self.packages() {
            let source = package.source.or_else(|| self.source());
            let Some(source) = source else { continue };
            sources.insert(source);
            text.push_str(&package_lines(&package, source));
        }
        for source in sources {
            _ = writeln!(text, "source\t{}", source.word());
        }
        text.push_str("end\n");
        text
    }

    /// The evidence of what it is: as the fleet says, else made from its name.
    fn identity(&self) -> Vec<(&'static str, String)> {
        if let Some(identity) = &self.base.identity {
            let texts = identity.texts().into_iter();
            let installed = identity.os_installed.map(|at| at.as_second().to_string());
            return texts
                .filter_map(|(name, text)| text.map(|text| (name, text.clone())))
                .chain(installed.map(|at| ("identity.osInstalled", at)))
                .collect();
        }
        let uuid = crate::id::Digest::of(self.base.name.as_bytes());
        let group = |from: usize, to: usize| uuid.as_str().get(from..to).unwrap_or_default();
        let uuid = [(0, 8), (8, 12), (13, 16), (17, 20), (20, 32)].map(|(from, to)| group(from, to));
        let [first, second, third, fourth, fifth] = uuid;
        vec![
            ("identity.uuid", format!("{first}-{second}-4{third}-8{fourth}-{fifth}")),
            ("identity.manufacturer", "Muster".to_owned()),
            ("identity.model", "Simulated".to_owned()),
        ]
    }

    /// The evidence of its role.
    fn role(&self) -> &'static [(&'static str, &'static str)] {
        let Some(role) = self.base.facts.role else { return &[] };
        match (self.platform(), role) {
            (Platform::Posix, Role::Workstation) => &[("chassis", "3"), ("desktop", "yes")],
            (Platform::Posix, Role::Portable) => &[("chassis", "10"), ("battery", "yes"), ("desktop", "yes")],
            // Controllers are refused where the fleet is read.
            (Platform::Posix, _) => &[("chassis", "17")],
            (Platform::Windows, Role::Workstation) => &[("chassis", "3"), ("domain-role", "1")],
            (Platform::Windows, Role::Portable) => {
                &[("chassis", "10"), ("battery", "yes"), ("domain-role", "1")]
            }
            (Platform::Windows, Role::Server) => &[("chassis", "17"), ("domain-role", "3")],
            (Platform::Windows, Role::DomainController) => &[("chassis", "17"), ("domain-role", "4")],
            (Platform::Windows, Role::PrimaryDomainController) => &[("chassis", "17"), ("domain-role", "5")],
        }
    }

    /// The list of installed programs as it is now.
    fn packages(&self) -> Vec<FleetPackage> {
        let names: BTreeSet<&Name> = self.base.software.keys().chain(self.changes.software.keys()).collect();
        let mut packages: Vec<FleetPackage> = self.base.facts.packages.clone();
        // A program that is one of these stands in the list by its present version, or not at all.
        packages.retain(|package| !names.iter().any(|software| self.is(package, software.as_str())));
        for software in names {
            let Some(version) = self.version(software.as_str()) else { continue };
            let entry = self.inventory.get(software);
            packages.push(FleetPackage {
                name: self.entry(software.as_str(), &version),
                version,
                source: None,
                product_code: entry.and_then(|entry| entry.product_code.clone()),
                upgrade_code: entry.and_then(|entry| entry.upgrade_code.clone()),
                hidden: false,
            });
        }
        packages
    }
}

/// A program in the form of the collector.
fn package_lines(package: &FleetPackage, source: Source) -> String {
    let FleetPackage { name, version, source: _, product_code, upgrade_code, hidden } = package;
    if source != Source::Registry {
        return format!("package\t{}\t{name}\t{version}\tx86_64\tinstall ok installed\n", source.word());
    }
    let code = product_code.as_deref().unwrap_or_default();
    let hidden = if *hidden { "yes" } else { "no" };
    let mut text = format!("software\t{name}\t{version}\tx64\t{code}\tmachine\t{hidden}\n");
    if let (Some(product), Some(upgrade)) =
        (product_code.as_deref().and_then(pack), upgrade_code.as_deref().and_then(pack))
    {
        _ = writeln!(text, "upgrade\t{product}\t{upgrade}");
    }
    text
}

/// A task under its instance.
fn key(task: &str, instance: &str) -> String {
    if instance.is_empty() { task.to_owned() } else { format!("{task}[{instance}]") }
}
