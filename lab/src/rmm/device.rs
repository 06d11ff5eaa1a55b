//! Endpoints of RMM: the lists of v1 and v2, asset records, presence and agent tokens.
//!
//! Invariants: 404 is the answer of a list without rows. The v2 list goes on by a link until there is none. There is no
//! SMBIOS UUID anywhere.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use muster::inventory::facts::Role;
use muster::session::script::Platform;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Rmm, device_error};
use crate::clock;
use crate::fleet::{Computer, ListMethod, System};
use crate::ids;
use crate::wire::{Reply, Request};
use crate::world::Agent;

/// Sub-objects that a list can be asked for.
const FIELDS: [&str; 7] = ["system", "os", "bios", "baseBoard", "networks", "agent", "friendlyName"];

#[derive(Debug, Serialize)]
struct SystemPart<'a> {
    #[serde(rename = "systemName")]
    name: &'a str,
    domain: &'static str,
    #[serde(rename = "domainRole")]
    domain_role: u8,
    product: String,
    model: String,
    category: &'static str,
    #[serde(rename = "serialNumber")]
    serial: String,
    #[serde(rename = "timeZone")]
    time_zone: &'static str,
    #[serde(rename = "timeZoneDescription")]
    zone_description: &'static str,
}

#[derive(Debug, Serialize)]
struct OsPart<'a> {
    product: &'a str,
    version: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    arch: &'static str,
    manufacturer: &'static str,
    #[serde(rename = "osLanguage")]
    language: &'static str,
    #[serde(rename = "servicePack")]
    service_pack: &'static str,
    #[serde(rename = "installDate")]
    installed: String,
}

/// An endpoint in the v2 list.
#[derive(Debug, Serialize)]
struct Listed<'a> {
    #[serde(rename = "endpointID")]
    id: &'a str,
    #[serde(rename = "deviceName")]
    name: &'a str,
    #[serde(rename = "friendlyName")]
    friendly: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<SystemPart<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    os: Option<OsPart<'a>>,
    #[serde(flatten)]
    more: BTreeMap<&'static str, Value>,
}

/// The endpoints of one site.
#[derive(Debug, Serialize)]
struct AtSite<'a> {
    #[serde(rename = "companyID")]
    company: &'a str,
    #[serde(rename = "siteID")]
    site: &'a str,
    endpoints: Vec<Listed<'a>>,
}

impl Rmm {
    pub(super) fn agents(&self) -> &[Arc<Agent>] {
        self.world.agents(System::Rmm)
    }

    /// The ids of company and site.
    pub(super) fn whereabouts(&self, agent: &Agent) -> (&str, &str) {
        match self.world.place(agent) {
            Some((customer, place)) => (&customer.guid, &place.guid),
            None => (&self.nowhere.0, &self.nowhere.1),
        }
    }

    fn kinds(&self, agent: &Agent) -> (&'static str, &'static str) {
        let computer = self.world.computer(agent);
        let server = computer
            .is_some_and(|one| !matches!(one.facts.role, None | Some(Role::Workstation | Role::Portable)));
        let windows = computer.is_some_and(|one| one.platform() == Platform::Windows);
        (if server { "Server" } else { "Desktop" }, if windows { "Windows" } else { "Linux" })
    }

    /// The lists of v1.
    pub(super) fn endpoints(&self, company: Option<&str>, site: Option<&str>) -> Reply {
        let rows: Vec<Value> = self
            .agents()
            .iter()
            .filter_map(|agent| {
                let (client, place) = self.whereabouts(agent);
                let fits = company.is_none_or(|id| id.eq_ignore_ascii_case(client))
                    && site.is_none_or(|id| id.eq_ignore_ascii_case(place));
                let (kind, os) = self.kinds(agent);
                fits.then(|| {
                    json!({
                        "clientId": client, "siteId": place, "endpointId": agent.id,
                        "regId": (ids::number("reg", &agent.id) % 100_000_000).to_string(),
                        "endpointType": kind, "osType": os,
                    })
                })
            })
            .collect();
        if rows.is_empty() {
            device_error(404, "Resource not found")
        } else {
            Reply::json(&json!({ "endpoints": rows }))
        }
    }

    fn system<'a>(&self, agent: &'a Agent, computer: &'a Computer) -> SystemPart<'a> {
        let (kind, _) = self.kinds(agent);
        let identity = computer.identity.as_ref();
        let made = identity.is_none().then(|| computer.identity());
        let text = |text: Option<&String>| text.cloned().unwrap_or_default();
        let of = identity.or(made.as_ref());
        let model = text(of.and_then(|identity| identity.model.as_ref()));
        SystemPart {
            name: &agent.name,
            domain: "",
            domain_role: if kind == "Server" { 3 } else { 1 },
            product: model.clone(),
            model,
            category: kind,
            serial: text(of.and_then(|identity| identity.serial.as_ref())),
            time_zone: "+0000",
            zone_description: "UTC",
        }
    }

    fn os<'a>(&self, agent: &Agent, computer: &'a Computer) -> OsPart<'a> {
        let (_, kind) = self.kinds(agent);
        let (product, version) = match (&computer.facts.os, kind) {
            (Some(os), _) => (os.name.as_str(), os.version.as_str()),
            (None, "Windows") => ("Microsoft Windows 11 Pro", "10.0.26100"),
            (None, _) => ("Debian GNU/Linux", "12"),
        };
        OsPart {
            product,
            version,
            kind,
            arch: "x86_64",
            manufacturer: "",
            language: "1033",
            service_pack: "",
            installed: agent.os_installed.map(clock::whole).unwrap_or_default(),
        }
    }

    /// One sub-object of an asset record.
    fn part(&self, agent: &Agent, name: &str) -> Value {
        let Some(computer) = self.world.computer(agent) else { return Value::Null };
        let identity = computer.identity();
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        match name {
            "system" => serde_json::to_value(self.system(agent, computer)).unwrap_or_default(),
            "bios" => json!({
                "product": "BIOS", "manufacturer": text(&identity.manufacturer), "version": "1.0",
                "serialNumber": text(&identity.serial), "smbiosVersion": "3.4",
            }),
            "baseBoard" => json!({
                "product": text(&identity.model), "manufacturer": text(&identity.manufacturer),
                "model": text(&identity.model), "serialNumber": text(&identity.board_serial), "name": "Base Board",
                "version": "",
            }),
            "os" => serde_json::to_value(self.os(agent, computer)).unwrap_or_default(),
            "networks" => {
                let mac = computer.mac.clone().unwrap_or_else(|| ids::mac(&computer.name));
                let address = ids::address(&computer.name);
                json!([{
                    "macAddress": mac.replace('-', ":"), "ipv4": address, "ipv4List": [address], "dhcpEnabled": true,
                    "dnsServers": [], "logicalName": "eth0", "ipEnabled": true,
                }])
            }
            "installedSoftwares" => computer
                .software
                .iter()
                .map(|(name, version)| json!({ "name": name.as_str(), "version": version, "publisher": "" }))
                .collect(),
            "users" => {
                let users =
                    computer.sign_ins.iter().map(|one| json!({ "username": one.user, "userType": "Local" }));
                users.collect()
            }
            _ => json!([]),
        }
    }

    /// `GET /device/endpoints/{id}`.
    pub(super) fn asset(&self, id: &str) -> Reply {
        let Some(agent) = self.world.agent(System::Rmm, id) else {
            return device_error(404, "Resource not found");
        };
        let (client, site) = self.whereabouts(agent);
        let (kind, _) = self.kinds(agent);
        let mut record = json!({
            "endpointID": agent.id, "clientID": client, "siteID": site, "friendlyName": agent.name,
            "resourceType": kind, "endpointType": kind, "createTimeUTC": clock::whole(self.world.server_now()),
            "agentInstalledUTC": clock::whole(agent.since), "rolesFeatures": "",
        });
        let parts = ["system", "bios", "baseBoard", "os", "networks", "installedSoftwares", "users"];
        if let Some(record) = record.as_object_mut() {
            for part in parts {
                record.insert(part.to_owned(), self.part(agent, part));
            }
            for empty in ["drives", "physicalMemory", "processors", "services", "shares", "monitors"] {
                record.insert(empty.to_owned(), json!([]));
            }
        }
        Reply::json(&record)
    }

    /// `GET …/system-state-info`.
    pub(super) fn state(&self, id: &str) -> Reply {
        let Some(agent) = self.world.agent(System::Rmm, id) else {
            return device_error(404, "Resource not found");
        };
        let (client, site) = self.whereabouts(agent);
        let users = self.world.computer(agent).map(|one| one.sign_ins.clone()).unwrap_or_default();
        let mut state = json!({
            "createTimeUTC": clock::whole(self.world.server_now()), "name": "systemState", "type": "systemState",
            "endpointID": agent.id, "clientID": client, "siteID": site,
            "startupStatus": { "lastBootUpTimeUTC": clock::whole(clock::shifted(agent.seen, -3600)) },
            "loggedOnUsers": [],
        });
        if let (Some(last), Some(state)) = (users.iter().max_by_key(|one| one.at), state.as_object_mut()) {
            let user = json!({ "username": last.user, "logonTime": last.at.to_string() });
            state.insert("lastLoggedOnUser".to_owned(), user);
        }
        Reply::json(&state)
    }

    /// The v2 list. By which method it is asked for depends on the fleet file.
    pub(super) fn list(&self, request: &Request, category: &str) -> Reply {
        let method = request.method.as_str();
        let right = match self.world.fleet.rmm.list_method {
            ListMethod::Post => method == "POST",
            ListMethod::Get => method == "GET",
            ListMethod::Both => true,
        };
        if !right {
            return device_error(405, "Method Not Allowed");
        }
        match self.selected(request) {
            Ok((agents, limit, cursor)) => self.page(request, category, &agents, limit, cursor),
            Err(message) => device_error(400, message),
        }
    }

    /// The endpoints that a list is about, its page size and where it goes on.
    fn selected(&self, request: &Request) -> Result<(Vec<&Arc<Agent>>, usize, usize), &'static str> {
        let body: Value = request.json().map_err(|_| "the body is not JSON")?;
        let kind = body.get("resourceType").and_then(Value::as_str).unwrap_or_default().to_lowercase();
        let ids = body.get("resources").and_then(Value::as_array).ok_or("resources is required")?;
        let ids: Vec<String> = ids
            .iter()
            .map(|id| id.as_str().map(str::to_lowercase))
            .collect::<Option<_>>()
            .ok_or("ids are texts")?;
        let limit: usize = match request.parameter("limit") {
            Some(text) => {
                text.parse().ok().filter(|n| (1..=500).contains(n)).ok_or("limit is from 1 to 500")?
            }
            None => 50,
        };
        let cursor = match request.parameter("cursor") {
            Some(text) => {
                let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| "the cursor is invalid")?;
                let text = String::from_utf8(bytes).map_err(|_| "the cursor is invalid")?;
                text.parse().map_err(|_| "the cursor is invalid")?
            }
            None => 0,
        };
        let agents = match kind.as_str() {
            "company" | "companies" => {
                let positions = ids.iter().filter_map(|id| self.by_company.get(id)).flatten();
                positions.filter_map(|at| self.agents().get(*at)).collect()
            }
            "site" | "sites" => {
                let is_at = |agent: &&Arc<Agent>| ids.iter().any(|id| id == self.whereabouts(agent).1);
                self.agents().iter().filter(is_at).collect()
            }
            "endpoint" | "endpoints" => {
                ids.iter().filter_map(|id| self.world.agent(System::Rmm, id)).collect()
            }
            _ => return Err("resourceType is company, site or endpoint"),
        };
        Ok((agents, limit, cursor))
    }

    fn page(
        &self,
        request: &Request,
        category: &str,
        agents: &[&Arc<Agent>],
        limit: usize,
        cursor: usize,
    ) -> Reply {
        let wanted: Vec<&str> =
            request.parameters("field").into_iter().flat_map(|text| text.split(',')).collect();
        if let Some(unknown) = wanted.iter().find(|name| !FIELDS.contains(*name) && **name != "deviceName") {
            return device_error(400, &format!("there is no field {unknown}"));
        }
        let shown = |name: &str| {
            if wanted.is_empty() { matches!(name, "system" | "os") } else { wanted.contains(&name) }
        };
        let mut groups: BTreeMap<(&str, &str), Vec<Listed<'_>>> = BTreeMap::new();
        for agent in agents.iter().skip(cursor).take(limit) {
            let Some(computer) = self.world.computer(agent) else { continue };
            let more = ["bios", "baseBoard", "networks"].into_iter().filter(|name| shown(name));
            groups.entry(self.whereabouts(agent)).or_default().push(Listed {
                id: &agent.id,
                name: &agent.name,
                friendly: &agent.name,
                system: shown("system").then(|| self.system(agent, computer)),
                os: shown("os").then(|| self.os(agent, computer)),
                more: more.map(|name| (name, self.part(agent, name))).collect(),
            });
        }
        if groups.is_empty() {
            return device_error(404, "Resource not found");
        }
        let at_site = |((company, site), endpoints)| AtSite { company, site, endpoints };
        let list: Vec<AtSite<'_>> = groups.into_iter().map(at_site).collect();
        let reply = Reply::json(&BTreeMap::from([(category, list)]));
        let next = cursor.saturating_add(limit);
        if next >= agents.len() {
            return reply;
        }
        let cursor = URL_SAFE_NO_PAD.encode(next.to_string());
        let mut url = format!("{}{}?limit={limit}&cursor={cursor}", super::base(request), request.path);
        for name in wanted {
            url.push_str("&field=");
            url.push_str(name);
        }
        reply.with("link", format!("<{url}>; rel=\"next\""))
    }

    /// `GET …/heartbeat`: presence, four ids at a time.
    pub(super) fn heartbeat(&self, request: &Request) -> Reply {
        let ids: Vec<String> = request
            .parameters("resources")
            .into_iter()
            .flat_map(|text| text.split(','))
            .map(|id| id.trim().to_lowercase())
            .filter(|id| !id.is_empty())
            .collect();
        // What the document calls them, and what a live server made of it, are three things.
        match request.parameter("resourceType").unwrap_or_default().to_lowercase().as_str() {
            "companies" => {}
            "endpoints" => return Reply::text(403, "access is forbidden"),
            _ => return device_error(400, "Invalid Resource Type"),
        }
        if ids.is_empty() || ids.len() > 4 {
            return device_error(400, "resources: from 1 to 4 ids are allowed");
        }
        let only = request.parameter("availability").and_then(|text| text.parse::<bool>().ok());
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        for id in ids {
            let Some(positions) = self.by_company.get(&id) else {
                bad.push(json!({ "companyID": id }));
                continue;
            };
            let endpoints: Vec<Value> = positions
                .iter()
                .filter_map(|at| self.agents().get(*at))
                .map(|agent| (agent, self.world.is_online(agent)))
                .filter(|(_, online)| only.is_none_or(|only| only == *online))
                .map(|(agent, online)| json!({ "EndpointID": agent.id, "Availability": online }))
                .collect();
            good.push(json!({ "companyID": id, "endpoints": endpoints }));
        }
        Reply::json(&json!({ "status": "success", "successfulRecords": good, "failedRecords": bad }))
    }

    /// `POST /device/token`: the same pair gets the same token.
    pub(super) fn agent_token(&self, request: &Request) -> Reply {
        let refused =
            |message: &str| Reply::status_json(400, &json!({ "code": "bad_request", "message": message }));
        let Ok(body) = request.json::<Value>() else { return refused("ErrInvalidBody") };
        if body.get("clientID").is_some() {
            return refused("ErrClientIDNotAllowed");
        }
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
        if text("companyID").is_empty() {
            return refused("ErrCompanyIDNotProvided");
        }
        match self
            .place(text("siteID"))
            .filter(|(company, _)| company.guid.eq_ignore_ascii_case(text("companyID")))
        {
            Some((_, site)) => Reply::json(&ids::guid("agent token", &site.guid)),
            None => refused("ErrSiteNotFound"),
        }
    }
}
