//! The fleet file: computers of a simulated provider, as they are before anything is changed.
//!
//! Not here: computers from a seed (`generate`), what was changed since (`memory`).
//!
//! Invariants: unknown keys are errors; names are unique without regard to case; no text can break out of its line in the
//! collector's answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::Name;
use crate::inventory::facts::{OsFamily, Role};
use crate::inventory::known::ClientRef;
use crate::inventory::relations::{Belongings, SignIn, kept};
use crate::session::script::Platform;
use crate::time::Timestamp;

/// A file with computers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fleet {
    /// The computers, in the order in which they are listed.
    #[serde(default)]
    pub computers: Vec<FleetComputer>,
    /// Companies that its computers belong to, where the provider's settings say that it has some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clients: Vec<FleetClient>,
    /// How a software stands in the list of installed programs. One that is not named here stands under its own name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inventory: BTreeMap<Name, Entry>,
}

/// A company.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FleetClient {
    /// Its id, unique in the fleet. Default: it has none, and is told by its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub id: Option<String>,
    /// Its name.
    #[schemars(length(min = 1))]
    pub name: String,
    /// Its sites.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub sites: BTreeSet<String>,
}

impl FleetClient {
    /// As the provider tells it.
    pub(super) fn reference(&self) -> ClientRef {
        let id = self.id.clone().unwrap_or_else(|| self.name.trim().to_lowercase());
        ClientRef { id, name: self.name.clone() }
    }
}

/// One computer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FleetComputer {
    /// Its name, unique in the fleet.
    #[schemars(length(min = 1))]
    pub name: String,
    /// The tenant it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Name>,
    /// The company it belongs to: its id, or its name where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub client: Option<String>,
    /// Its platform. Default: posix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// Its tags.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<String>,
    /// What it says of itself.
    #[serde(default)]
    pub facts: FleetFacts,
    /// What tells its hardware and its installation from others. Default: made from its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<FleetIdentity>,
    /// What a script that looks for a software finds: its version, by the software's name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub software: BTreeMap<Name, String>,
    /// Whether a software's own test says that it works. Default: it does.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub healthy: BTreeMap<Name, bool>,
    /// How tasks stand, by `name` or `name[instance]`. One that is not named here is not compliant.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tasks: BTreeMap<String, TaskState>,
    /// The site it is at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// Groups of the provider that it is in.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub groups: BTreeSet<String>,
    /// Custom properties of the provider.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, String>,
    /// Who was signed in, and when.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sign_ins: Vec<FleetSignIn>,
    /// Whether its onboarding is done. Default: the provider does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onboarded: Option<bool>,
    /// Whether it is switched off: listed as offline, and it does not answer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub offline: bool,
}

/// Somebody was signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FleetSignIn {
    /// When, such as 2026-06-01T08:00:00Z.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Who: a UPN.
    #[schemars(length(min = 1))]
    pub user: String,
}

/// What a computer says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FleetFacts {
    /// Its operating system. Default: one that fits the platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os: Option<FleetOs>,
    /// What it is for. Without it, that is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Installed programs beside those under `software`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<FleetPackage>,
}

/// What tells a computer from others. What is left out, the computer does not know.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FleetIdentity {
    /// The SMBIOS UUID as the system prints it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// The serial number of the system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manufacturer: Option<String>,
    /// Its model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The serial number of the mainboard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub board_serial: Option<String>,
    /// The id of the installation of its operating system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine_id: Option<String>,
    /// The id that was made for it and is kept on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generated_id: Option<String>,
    /// When its operating system was installed, such as 2026-06-01T08:00:00Z.
    #[schemars(with = "Option<String>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os_installed: Option<Timestamp>,
}

impl FleetIdentity {
    /// Its texts under the names that the collector gives them, in the collector's order.
    pub(super) fn texts(&self) -> [(&'static str, Option<&String>); 7] {
        [
            ("identity.uuid", self.uuid.as_ref()),
            ("identity.serial", self.serial.as_ref()),
            ("identity.manufacturer", self.manufacturer.as_ref()),
            ("identity.model", self.model.as_ref()),
            ("identity.boardSerial", self.board_serial.as_ref()),
            ("identity.machineId", self.machine_id.as_ref()),
            ("identity.generatedId", self.generated_id.as_ref()),
        ]
    }
}

/// An operating system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FleetOs {
    /// Its family.
    pub family: OsFamily,
    /// Its name, such as Debian GNU/Linux.
    #[schemars(length(min = 1))]
    pub name: String,
    /// Its version, such as 12.
    #[schemars(length(min = 1))]
    pub version: String,
}

/// An installed program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FleetPackage {
    /// Its name. If a software stands in the list under this name, changes to that software change this entry.
    #[schemars(length(min = 1))]
    pub name: String,
    /// Its version.
    #[schemars(length(min = 1))]
    pub version: String,
    /// Who records it. Default: what the operating system uses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// The product code of the Windows installer, in braces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_code: Option<String>,
    /// The upgrade code of the Windows installer, in braces; it needs a product code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upgrade_code: Option<String>,
    /// Whether the system hides it from people.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
}

/// How a software stands in the list of installed programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Entry {
    /// The name; `{version}` in it becomes the version.
    #[schemars(length(min = 1))]
    pub name: String,
    /// The product code of the Windows installer, in braces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_code: Option<String>,
    /// The upgrade code of the Windows installer, in braces; it needs a product code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upgrade_code: Option<String>,
}

/// Who records installed programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// Debian's packages.
    Dpkg,
    /// RPM packages.
    Rpm,
    /// Alpine's packages.
    Apk,
    /// The list of installed programs of Windows.
    Registry,
}

impl Source {
    /// The word in the collector's answer.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Dpkg => "dpkg",
            Self::Rpm => "rpm",
            Self::Apk => "apk",
            Self::Registry => "registry",
        }
    }
}

/// How a task stands on a computer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TaskState {
    /// What its test says. Default: false.
    #[serde(default)]
    pub compliant: bool,
    /// What its get script prints.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

impl Fleet {
    /// Reads a fleet file and checks it.
    ///
    /// # Errors
    /// What is wrong, in a sentence, with the line where it can be told.
    pub fn read(text: &str) -> Result<Self, String> {
        let fleet: Self = if text.trim().is_empty() {
            Self::default()
        } else {
            serde_saphyr::from_str(text).map_err(|error| error.to_string())?
        };
        let mut clients = BTreeSet::new();
        for client in &fleet.clients {
            let mut texts = client.id.iter().chain([&client.name]).chain(&client.sites);
            texts.try_for_each(|text| line(text)).map_err(|what| format!("a client: {what}"))?;
            if !clients.insert(client.reference().id) {
                return Err(format!("client {:?} is there twice", client.name));
            }
        }
        let mut names = BTreeSet::new();
        for computer in &fleet.computers {
            if let Some(client) = computer.client.as_ref().filter(|client| fleet.client(client).is_none()) {
                return Err(format!("computer {:?}: there is no client {client:?}", computer.name));
            }
            computer.check().map_err(|what| format!("computer {:?}: {what}", computer.name))?;
            if !names.insert(computer.name.to_lowercase()) {
                return Err(format!("computer {:?} is there twice", computer.name));
            }
        }
        for (software, entry) in &fleet.inventory {
            let Entry { name, product_code, upgrade_code } = entry;
            line(name)
                .and_then(|()| codes(product_code.as_deref(), upgrade_code.as_deref()))
                .map_err(|what| format!("inventory of {software}: {what}"))?;
        }
        Ok(fleet)
    }
}

impl Fleet {
    /// The company by its id, or its name where it has none.
    pub(super) fn client(&self, text: &str) -> Option<ClientRef> {
        let found = self.clients.iter().find(|client| match &client.id {
            Some(id) => id == text,
            None => client.name == text,
        });
        found.map(FleetClient::reference)
    }
}

impl FleetComputer {
    /// What the provider says that it belongs to.
    pub(super) fn belongings(&self) -> Belongings {
        let signed = self.sign_ins.iter().map(|one| SignIn { at: one.at, user: one.user.clone() });
        Belongings {
            site: self.site.clone(),
            groups: Arc::new(self.groups.clone()),
            properties: Arc::new(self.properties.clone()),
            sign_ins: kept(signed),
            onboarded: self.onboarded,
        }
    }

    /// Checks one computer by itself.
    ///
    /// # Errors
    /// What is wrong, in a sentence.
    pub fn check(&self) -> Result<(), String> {
        line(&self.name)?;
        let platform = self.platform.unwrap_or(Platform::Posix);
        if let Some(os) = &self.facts.os {
            line(&os.name)?;
            line(&os.version)?;
            if (os.family == OsFamily::Windows) != (platform == Platform::Windows) {
                return Err("its operating system does not fit its platform".to_owned());
            }
        }
        let role = self.facts.role;
        if matches!(role, Some(Role::DomainController | Role::PrimaryDomainController))
            && platform == Platform::Posix
        {
            return Err("only a Windows computer can be a domain controller".to_owned());
        }
        for package in &self.facts.packages {
            line(&package.name)?;
            line(&package.version)?;
            codes(package.product_code.as_deref(), package.upgrade_code.as_deref())?;
            let windows = package.source.is_none_or(|source| source == Source::Registry);
            if package.source.is_some() && windows != (platform == Platform::Windows) {
                return Err(format!("the source of package {:?} does not fit its platform", package.name));
            }
        }
        let names = self.site.iter().chain(&self.groups).chain(self.properties.keys());
        for text in names.chain(self.sign_ins.iter().map(|one| &one.user)) {
            line(text)?;
        }
        let identity = self.identity.iter().flat_map(FleetIdentity::texts);
        for text in identity.filter_map(|(_, text)| text) {
            line(text)?;
        }
        for version in self.software.values() {
            line(version)?;
        }
        for key in self.tasks.keys() {
            let (name, instance) = match key.split_once('[') {
                None => (key.as_str(), None),
                Some((name, rest)) => (name, Some(rest.strip_suffix(']').unwrap_or_default())),
            };
            for part in std::iter::once(name).chain(instance) {
                Name::new(part).map_err(|error| format!("task {key:?}: {error}"))?;
            }
        }
        Ok(())
    }
}

/// A text that is one field of one line.
fn line(text: &str) -> Result<(), String> {
    if text.trim().is_empty() {
        Err("a text is empty".to_owned())
    } else if text.contains(char::is_control) {
        Err(format!("{text:?} holds control characters"))
    } else {
        Ok(())
    }
}

fn codes(product: Option<&str>, upgrade: Option<&str>) -> Result<(), String> {
    for code in product.iter().chain(&upgrade) {
        if pack(code).is_none() {
            return Err(format!("{code:?} is not a GUID in braces"));
        }
    }
    if upgrade.is_some() && product.is_none() {
        return Err("an upgrade code needs a product code".to_owned());
    }
    Ok(())
}

/// A GUID in braces in the packed form of the Windows installer: 32 digits, some groups turned round.
pub(super) fn pack(guid: &str) -> Option<String> {
    let inner = guid.strip_prefix('{')?.strip_suffix('}')?;
    let groups: Vec<&str> = inner.split('-').collect();
    let right = |(group, length): (&&str, usize)| {
        group.len() == length && group.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    if groups.len() != 5 || !groups.iter().zip([8, 4, 4, 4, 12]).all(right) {
        return None;
    }
    let mut packed = String::with_capacity(32);
    for (index, group) in groups.iter().enumerate() {
        // The first three groups are turned round as a whole, the others in pairs of digits.
        let width = if index < 3 { group.len() } else { 2 };
        for part in group.to_ascii_uppercase().as_bytes().chunks(width) {
            packed.extend(part.iter().rev().map(|byte| char::from(*byte)));
        }
    }
    Some(packed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fleet_file_is_read_strictly() {
        let fleet = Fleet::read(
            "computers:\n\
             - name: pc-1\n  tenant: contoso\n  tags: [kiosk]\n  software: { seven-zip: 1.10 }\n  \
             tasks: { 'firewall[public]': { compliant: true } }\n  \
             facts: { role: server, packages: [{ name: vim, version: '9' , source: dpkg }] }\n",
        )
        .expect("a fleet");
        let computer = fleet.computers.first().expect("one");
        assert_eq!(
            computer.software.get("seven-zip").map(String::as_str),
            Some("1.10"),
            "text, not a number"
        );
        assert_eq!(Fleet::read(" \n"), Ok(Fleet::default()));
        for (bad, what) in [
            ("computers: [{ name: a, colour: red }]", "colour"),
            ("computers: [{ name: a }, { name: A }]", "twice"),
            ("computers: [{ name: '' }]", "empty"),
            ("clients: [{ name: a }, { id: a, name: b }]", "twice"),
            ("clients: [{ id: ' ', name: b }]", "empty"),
            ("clients: [{ id: '7', name: b }]\ncomputers: [{ name: a, client: b }]", "no client"),
            ("computers: [{ name: \"a\\tb\" }]", "control"),
            (
                "computers: [{ name: a, platform: windows, facts: { os: { family: linux, name: x, version: '1' } } }]",
                "fit",
            ),
            ("computers: [{ name: a, facts: { role: domain-controller } }]", "Windows"),
            (
                "computers: [{ name: a, facts: { packages: [{ name: x, version: '1', source: registry }] } }]",
                "fit",
            ),
            ("computers: [{ name: a, tasks: { 'x[y': {} } }]", "not a name"),
            ("computers: [{ name: a, site: ' ' }]", "empty"),
            ("computers: [{ name: a, signIns: [{ at: yesterday, user: x }] }]", "yesterday"),
            ("computers: [{ name: a, signIns: [{ at: 2026-06-01T08:00:00Z, user: '' }] }]", "empty"),
            ("computers: [{ name: a, identity: { serial: ' ' } }]", "empty"),
            ("computers: [{ name: a, identity: { osInstalled: now } }]", "now"),
            ("inventory: { x: { name: X, upgradeCode: '{1}' } }", "GUID"),
            ("computers: [", "line"),
        ] {
            let error = Fleet::read(bad).expect_err(bad);
            assert!(error.contains(what), "{bad}: {error}");
        }
    }

    #[test]
    fn a_guid_is_packed_as_the_windows_installer_does() {
        let code = "{23170F69-40C1-2702-2301-000001000000}";
        let packed = pack(&code.to_lowercase()).expect("a GUID");
        assert_eq!(packed, "96F071321C0420723210000010000000");
        assert_eq!(crate::session::collect::unpack(&packed).as_deref(), Some(code));
        assert_eq!(pack("23170F69-40C1-2702-2301-000001000000"), None);
    }
}
