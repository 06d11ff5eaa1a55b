//! What a guest tells the server of itself.
//!
//! There is no SMBIOS UUID in it: only the serial number is known without running a command.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use muster::provider::simulated::fleet::FleetIdentity;
use muster::session::script::Platform;
use serde::Serialize;
use serde_json::Value;

use super::session::Session;
use crate::clock;
use crate::fleet::Computer;
use crate::ids;
use crate::world::{Agent, World};

/// The version of the agents.
pub(super) const CLIENT: &str = "24.2.3.8999";

/// The guest of a session.
pub(super) struct Guest<'a> {
    pub(super) agent: &'a Arc<Agent>,
    computer: &'a Computer,
    identity: Cow<'a, FleetIdentity>,
    started: Timestamp,
    now: Timestamp,
    online: bool,
}

/// The guest as surface B writes it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Info {
    machine_name: String,
    machine_domain: String,
    machine_serial_number: String,
    machine_manufacturer_name: String,
    machine_model: String,
    logged_on_user_name: String,
    logged_on_user_domain: String,
    operating_system_name: String,
    operating_system_version: String,
    processor_name: &'static str,
    system_memory_total_megabytes: u32,
    system_memory_available_megabytes: u32,
    private_network_address: String,
    hardware_network_address: String,
    last_boot_time: String,
    last_activity_time: String,
    time_zone_name: &'static str,
    is_local_admin_present: bool,
}

const PROCESSOR: &str = "Intel(R) Core(TM) i5-14500";

impl<'a> Guest<'a> {
    pub(super) fn of(world: &'a World, session: &'a Session) -> Option<Self> {
        let agent = session.agent.as_ref()?;
        let computer = world.computer(agent)?;
        let online = world.is_online(agent);
        let identity = computer.known_identity();
        Some(Self { agent, computer, identity, started: world.started, now: world.clock.now(), online })
    }

    /// The operating system's name and version.
    pub(super) fn os(computer: &Computer) -> (String, String) {
        match (&computer.facts.os, computer.platform()) {
            (Some(os), _) => (os.name.clone(), os.version.clone()),
            (None, Platform::Posix) => ("Debian GNU/Linux".to_owned(), "12".to_owned()),
            (None, Platform::Windows) => ("Microsoft Windows 11 Pro".to_owned(), "10.0.26100".to_owned()),
        }
    }

    fn user(&self) -> (String, String) {
        let user = self.computer.sign_ins.iter().max_by_key(|one| one.at).map(|one| one.user.clone());
        let user = user.unwrap_or_default();
        match user.split_once('@') {
            Some((name, domain)) => {
                (name.to_owned(), domain.split('.').next().unwrap_or_default().to_uppercase())
            }
            None => (user, String::new()),
        }
    }

    fn domain(&self) -> String {
        match self.computer.platform() {
            Platform::Windows => "WORKGROUP".to_owned(),
            Platform::Posix => String::new(),
        }
    }

    /// The public address that the server saw.
    pub(super) fn network(&self) -> String {
        format!(
            "203.0.113.{}",
            1 + ids::number("public", self.computer.company.as_deref().unwrap_or("")) % 254
        )
    }

    pub(super) fn updated(&self) -> Timestamp {
        if self.online { clock::shifted(self.started, -600) } else { self.agent.seen }
    }

    pub(super) fn booted(&self) -> Timestamp {
        let base = if self.online { self.started } else { self.agent.seen };
        clock::shifted(
            base,
            -i64::try_from(ids::number("boot", &self.computer.name) % 600_000).unwrap_or(0) - 3600,
        )
    }

    pub(super) fn info(&self) -> Info {
        let (user, domain) = self.user();
        let (os, version) = Self::os(self.computer);
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        Info {
            machine_name: self.agent.name.clone(),
            machine_domain: self.domain(),
            machine_serial_number: text(&self.identity.serial),
            machine_manufacturer_name: text(&self.identity.manufacturer),
            machine_model: text(&self.identity.model),
            logged_on_user_name: user,
            logged_on_user_domain: domain,
            operating_system_name: os,
            operating_system_version: version,
            processor_name: PROCESSOR,
            system_memory_total_megabytes: 16_257,
            system_memory_available_megabytes: 8000,
            private_network_address: ids::address(&self.computer.name),
            hardware_network_address: self.mac(),
            last_boot_time: clock::seven(self.booted()),
            last_activity_time: clock::seven(self.updated()),
            time_zone_name: "UTC",
            is_local_admin_present: true,
        }
    }

    fn mac(&self) -> String {
        self.computer.mac.clone().unwrap_or_else(|| ids::mac(&self.computer.name))
    }

    /// A field of the guest, by the name that filters and reports give it.
    pub(super) fn field(&self, name: &str) -> Value {
        let text = |text: &Option<String>| text.clone().unwrap_or_default().into();
        let age = |at: Timestamp| clock::seven(at).into();
        match name {
            "GuestMachineName" => self.agent.name.clone().into(),
            "GuestMachineDomain" => self.domain().into(),
            "GuestMachineSerialNumber" => text(&self.identity.serial),
            "GuestMachineManufacturerName" => text(&self.identity.manufacturer),
            "GuestMachineModel" => text(&self.identity.model),
            "GuestLoggedOnUserName" => self.user().0.into(),
            "GuestLoggedOnUserDomain" => self.user().1.into(),
            "GuestOperatingSystemName" => Self::os(self.computer).0.into(),
            "GuestOperatingSystemVersion" => Self::os(self.computer).1.into(),
            "GuestOperatingSystemInstallationTime" => self.agent.os_installed.map(clock::seven).into(),
            "GuestOperatingSystemLanguage" => "English (United States)".into(),
            "GuestProcessorName" => PROCESSOR.into(),
            "GuestProcessorVirtualCount" => 8.into(),
            "GuestProcessorArchitecture" => "X64".into(),
            "GuestSystemMemoryTotalMegabytes" => 16_257.into(),
            "GuestSystemMemoryAvailableMegabytes" => 8000.into(),
            "GuestPrivateNetworkAddress" => ids::address(&self.computer.name).into(),
            "GuestHardwareNetworkAddress" => self.mac().into(),
            "GuestNetworkAddress" => self.network().into(),
            "GuestClientVersion" => CLIENT.into(),
            "GuestLastBootTime" => age(self.booted()),
            "GuestInfoUpdateTime" | "GuestLastActivityTime" => age(self.updated()),
            "GuestTimeZoneName" => "UTC".into(),
            "GuestDurationSeconds" => {
                let begun = clock::shifted(self.started, -3600);
                if self.online { (self.now.as_second() - begun.as_second()).into() } else { 3600.into() }
            }
            "GuestTimeZoneOffsetHours"
            | "HostDurationSeconds"
            | "UnknownDurationSeconds"
            | "GuestAttributes" => 0.into(),
            "GuestOperatingSystemManufacturerName"
            | "GuestMachineDescription"
            | "GuestMachineProductNumber" => "".into(),
            _ => Value::Null,
        }
    }
}
