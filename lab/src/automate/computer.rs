//! Computers as Automate writes them: a table of members, so that a list writes those that are asked for and no others.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use muster::inventory::facts::Role;
use muster::provider::simulated::fleet::FleetIdentity;
use muster::session::script::Platform;
use serde_json::{Value, json};

use super::Automate;
use super::list::{Rows, write_members};
use crate::clock;
use crate::fleet::{Computer, System};
use crate::ids;
use crate::world::{Agent, World};

/// A computer with all that its members need.
pub(super) struct View<'a> {
    world: &'a World,
    automate: &'a Automate,
    agent: &'a Arc<Agent>,
    computer: &'a Computer,
    identity: Cow<'a, FleetIdentity>,
    online: bool,
    now: Timestamp,
}

type Member = fn(&View<'_>) -> Value;

/// The members, by their names.
const MEMBERS: &[(&str, Member)] = &[
    ("Id", |view| view.agent.id.clone().into()),
    ("ComputerName", |view| view.agent.name.clone().into()),
    ("FriendlyName", |_| "".into()),
    ("DomainName", |view| if view.windows() { "WORKGROUP".into() } else { "".into() }),
    ("Client", |view| match view.world.place(view.agent) {
        Some((customer, _)) => json!({
            "Id": customer.number.to_string(), "Name": customer.company.name,
            "ExternalId": customer.company.external_id.map_or_else(|| "0".to_owned(), |id| id.to_string()),
        }),
        None => json!({ "Id": "1", "Name": "Default" }),
    }),
    ("Location", |view| match view.world.place(view.agent) {
        Some((_, place)) => json!({ "Id": place.number, "Name": place.name }),
        None => Value::Null,
    }),
    ("OperatingSystemName", |view| match &view.computer.facts.os {
        Some(os) if view.windows() => format!("{} x64", os.name).into(),
        Some(os) => os.name.clone().into(),
        None if view.windows() => "Microsoft Windows 11 Pro x64".into(),
        None => "Debian GNU/Linux".into(),
    }),
    ("OperatingSystemVersion", |view| match &view.computer.facts.os {
        Some(os) => os.version.clone().into(),
        None if view.windows() => "10.0.26100".into(),
        None => "12".into(),
    }),
    ("Type", |view| match view.computer.facts.role {
        None | Some(Role::Workstation | Role::Portable) => "Workstation".into(),
        Some(_) => "Server".into(),
    }),
    ("Status", |view| if view.online { "Online".into() } else { "Offline".into() }),
    ("SerialNumber", |view| view.identity.serial.clone().unwrap_or_default().into()),
    ("BiosManufacturer", |view| view.identity.manufacturer.clone().unwrap_or_default().into()),
    ("MACAddress", |view| view.mac().into()),
    ("LocalIPAddress", |view| ids::address(&view.computer.name).into()),
    ("GatewayIPAddress", |_| "198.51.100.4".into()),
    ("RemoteAgentVersion", |_| "250.123".into()),
    ("RemoteAgentLastContact", |view| view.seen(-5).into()),
    ("LastHeartbeat", |view| view.seen(-2).into()),
    ("LastInventoryReceived", |view| view.seen(-3600).into()),
    ("RemoteAgentLastInventory", |view| view.seen(-3600).into()),
    ("LastStartup", |view| view.seen(-90_000).into()),
    ("DateAdded", |view| clock::whole(view.agent.since).into()),
    ("LastUserName", |view| view.user().unwrap_or_default().into()),
    ("LoggedInUsers", |view| match view.user().filter(|_| view.online) {
        Some(user) => json!([{ "LoggedInUserName": user, "ConsoleId": 1 }]),
        None => json!([]),
    }),
    ("Groups", |view| view.automate.groups_of(view.agent)),
    ("Tickets", |_| json!([])),
    ("IsRebootNeeded", |_| false.into()),
    ("IsFasTalk", |view| view.automate.is_fast(view.agent).into()),
    ("IsMaintenanceModeEnabled", |view| view.automate.in_maintenance(view.agent).into()),
    ("IsVirtualMachine", |view| view.computer.is_virtual.into()),
    ("IsVirtualHost", |_| false.into()),
    ("IsMaster", |_| false.into()),
    ("IsNetworkProbe", |_| false.into()),
    ("IsHeartbeatEnabled", |_| true.into()),
    ("IsHeartbeatRunning", |view| view.online.into()),
    ("IsTunnelSupported", |_| true.into()),
    ("IsLockedDown", |_| false.into()),
    ("IsSystemAccount", |_| true.into()),
    ("TotalMemory", |_| 16_384.into()),
    ("FreeMemory", |_| 8000.into()),
    ("CpuUsage", |_| 7.into()),
    ("UTCOffset", |_| 0.into()),
    ("UserIdleTime", |_| 0.into()),
    ("SystemUptime", |_| 90_000.into()),
    ("OpenPortsTCP", |_| json!([443])),
    ("OpenPortsUDP", |_| json!([])),
    ("VirusScanner", |view| if view.windows() { json!({ "Name": "Windows Defender" }) } else { Value::Null }),
    ("Comment", |_| "".into()),
    ("UserAccounts", |_| json!([])),
];

impl View<'_> {
    fn windows(&self) -> bool {
        self.computer.platform() == Platform::Windows
    }

    fn mac(&self) -> String {
        self.computer.mac.clone().unwrap_or_else(|| ids::mac(&self.computer.name))
    }

    /// When it was seen last, or so many seconds before now while it is online.
    fn seen(&self, seconds: i64) -> String {
        clock::whole(if self.online { clock::shifted(self.now, seconds) } else { self.agent.seen })
    }

    fn user(&self) -> Option<String> {
        let user = self.computer.sign_ins.iter().max_by_key(|one| one.at).map(|one| one.user.clone())?;
        Some(match user.split_once('@') {
            Some((name, domain)) => {
                format!("{}\\{name}", domain.split('.').next().unwrap_or_default().to_uppercase())
            }
            None => user,
        })
    }
}

/// All computers of Automate.
pub(super) struct Computers<'a> {
    automate: &'a Automate,
    agents: Vec<&'a Arc<Agent>>,
    now: Timestamp,
}

impl<'a> Computers<'a> {
    pub(super) fn of(automate: &'a Automate) -> Self {
        let agents = automate.world.agents(System::Automate).iter();
        let now = automate.world.server_now();
        Self { automate, agents: agents.filter(|agent| !automate.is_retired(agent)).collect(), now }
    }

    fn view(&self, at: usize) -> Option<View<'_>> {
        let agent = *self.agents.get(at)?;
        let world = self.automate.world.as_ref();
        let computer = world.computer(agent)?;
        let (identity, online) = (computer.known_identity(), world.is_online(agent));
        Some(View { world, automate: self.automate, agent, computer, identity, online, now: self.now })
    }
}

/// One computer, whole.
pub(super) fn whole(automate: &Automate, agent: &Arc<Agent>) -> Value {
    let one = Computers { automate, agents: vec![agent], now: automate.world.server_now() };
    let mut body = Vec::new();
    one.write(0, &(0..MEMBERS.len()).collect::<Vec<_>>(), &mut body);
    serde_json::from_slice(&body).unwrap_or_default()
}

impl Rows for Computers<'_> {
    fn count(&self) -> usize {
        self.agents.len()
    }

    fn members(&self) -> Vec<&str> {
        MEMBERS.iter().map(|(name, _)| *name).collect()
    }

    fn member(&self, at: usize, name: &str) -> Value {
        let member = MEMBERS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        match (member, self.agents.get(at)) {
            // The most frequent question needs no view.
            (Some(("Id", _)), Some(agent)) => agent.id.clone().into(),
            (Some((_, member)), Some(_)) => self.view(at).map(|view| member(&view)).unwrap_or_default(),
            _ => Value::Null,
        }
    }

    fn write(&self, at: usize, chosen: &[usize], to: &mut Vec<u8>) {
        let Some(view) = self.view(at) else { return };
        let members = chosen.iter().filter_map(|at| MEMBERS.get(*at));
        write_members(members.map(|(name, member)| (*name, member(&view))), to);
    }
}
