//! Surface A: the built-in page services, signing in, and the pages that hold the anti-forgery token.
//!
//! Invariants: times are milliseconds before `BaseTime`; `-1` is never. Bodies are arrays of arguments. A login that fails
//! says why in the header `X-Login-Result`.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::guest::{CLIENT, Guest};
use super::session::{Data, Event, Session, kind};
use super::{Control, command, fields};
use crate::condition::{Condition, Dialect, parse};
use crate::ids;
use crate::totp;
use crate::wire::{self, Reply, Request};
use crate::world::guard;

/// The token that calls may carry.
const TOKEN: &str = "lab-anti-forgery-token";

/// What the page services remember beside sessions.
#[derive(Debug)]
pub(super) struct SignedIn {
    cookies: Mutex<BTreeSet<String>>,
    groups: Mutex<Value>,
}

impl Default for SignedIn {
    fn default() -> Self {
        let group = |name: &str, kind: u8, filter: &str, expressions: &str| {
            json!({
                "Name": name, "SessionType": kind, "SessionFilter": filter, "SubgroupExpressions": expressions,
                "CreationDate": "0001-01-01T00:00:00",
            })
        };
        let groups = json!([
            group("All Sessions", 0, "", ""),
            group("All Meetings", 1, "", ""),
            group("All Machines", 2, "", ""),
            group("All Machines by Company", 2, "", "CustomProperty1"),
        ]);
        Self { cookies: Mutex::default(), groups: Mutex::new(groups) }
    }
}

/// Why a caller is not let in.
struct Refused(&'static str);

impl Control {
    /// A page: it needs no login, and holds the token.
    pub(super) fn page(&self, request: &Request) -> Reply {
        let context = json!({
            "antiForgeryToken": TOKEN, "isUserAdministrator": true,
            "isUserAuthenticated": self.user(request).is_ok(),
            "userName": self.world.fleet.control.user, "pageType": "HostPage", "processType": 1,
            "instanceUrlScheme": "sc-lab", "sessionTypeInfos": [], "clientLaunchParameters": {},
        });
        let script = format!("<script>SC.util.mergeIntoContext({context});</script>");
        Reply::html(200, format!("<!DOCTYPE html>\n<html><head>{script}</head><body></body></html>\n"))
    }

    /// Whether the caller is signed in.
    pub(super) fn signed_in(&self, request: &Request) -> Result<(), &'static str> {
        self.user(request).map_err(|Refused(why)| why)
    }

    /// Who calls: by a cookie or by name and password.
    fn user(&self, request: &Request) -> Result<(), Refused> {
        let cookies = request.header("cookie").unwrap_or_default();
        let known = guard(&self.signed.cookies);
        if cookies
            .split(';')
            .filter_map(|one| one.trim().strip_prefix(".ASPXAUTH="))
            .any(|c| known.contains(c))
        {
            return Ok(());
        }
        drop(known);
        let basic = request.header("authorization").and_then(|text| text.strip_prefix("Basic "));
        let decoded = basic.and_then(|text| STANDARD.decode(text.trim()).ok());
        let text = decoded.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
        let (name, password) = text.split_once(':').unwrap_or_default();
        self.login(name, password, request.header("x-one-time-password"))
    }

    fn login(&self, name: &str, password: &str, code: Option<&str>) -> Result<(), Refused> {
        let settings = &self.world.fleet.control;
        if !name.eq_ignore_ascii_case(&settings.user) {
            return Err(Refused("UserNameInvalid"));
        }
        if password != settings.password {
            return Err(Refused("PasswordInvalid"));
        }
        match (&settings.totp_secret, code.filter(|code| !code.is_empty())) {
            (None, _) => Ok(()),
            (Some(_), None) => Err(Refused("OneTimePasswordRequired")),
            (Some(secret), Some(code)) if totp::fits(secret, code, self.world.server_now()) => Ok(()),
            (Some(_), Some(_)) => Err(Refused("OneTimePasswordInvalid")),
        }
    }

    /// Answers a call of a page service.
    pub(super) fn service(&self, request: &Request, service: &str, method: &str) -> Reply {
        let arguments = match request.json::<Value>() {
            Ok(Value::Array(arguments)) => arguments,
            _ if request.body.is_empty() => Vec::new(),
            _ => return Reply::text(500, "Parameters must be an array"),
        };
        if service.eq_ignore_ascii_case("AuthenticationService.ashx")
            && method.eq_ignore_ascii_case("TryLogin")
        {
            return self.try_login(&arguments);
        }
        if let Err(Refused(why)) = self.user(request) {
            return Reply::text(403, "").with("x-login-result", why);
        }
        let token = request.header("x-anti-forgery-token");
        let required = self.world.fleet.control.anti_forgery;
        if token.is_some_and(|token| token != TOKEN) || (required && token.is_none()) {
            return Reply::text(403, "Anti-forgery token is missing or wrong");
        }
        let reply = match service.to_ascii_lowercase().as_str() {
            "pageservice.ashx" => self.page_service(method, &arguments),
            "sessiongroupservice.ashx" => self.groups(method, &arguments),
            "mailservice.ashx" if method == "SendEmail" => Ok(Reply::empty(200)),
            _ => return Reply::html(404, "<html><body>The resource cannot be found.</body></html>"),
        };
        reply.unwrap_or_else(|message| Reply::text(500, message))
    }

    /// A new cookie of somebody who has signed in.
    fn cookie(&self) -> String {
        let cookie = ids::guid("cookie", &uuid::Uuid::now_v7().to_string());
        guard(&self.signed.cookies).insert(cookie.clone());
        format!(".ASPXAUTH={cookie}; path=/; HttpOnly; SameSite=Lax")
    }

    /// The form that older releases have: one who gets in is led to the page of hosts, others see the form again.
    pub(super) fn form_login(&self, request: &Request) -> Reply {
        let fields = wire::query(&String::from_utf8_lossy(&request.body));
        let field = |name: &str| {
            let found = fields.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.as_str()).unwrap_or_default()
        };
        match self.login(field("ctl00$Main$userNameBox"), field("ctl00$Main$passwordBox"), None) {
            Ok(()) => Reply::text(302, "").with("location", "/Host").with("set-cookie", self.cookie()),
            Err(Refused(why)) => self.page(request).with("x-login-result", why),
        }
    }

    fn try_login(&self, arguments: &[Value]) -> Reply {
        let text = |at: usize| arguments.get(at).and_then(Value::as_str);
        match self.login(text(0).unwrap_or_default(), text(1).unwrap_or_default(), text(2)) {
            Ok(()) => Reply::json(&1).with("set-cookie", self.cookie()),
            Err(Refused(why)) => {
                let number = if why.starts_with("OneTimePassword") { 11 } else { 2 };
                Reply::json(&number).with("x-login-result", why)
            }
        }
    }

    fn groups(&self, method: &str, arguments: &[Value]) -> Result<Reply, String> {
        match method {
            "GetSessionGroups" => Ok(Reply::json(&*guard(&self.signed.groups))),
            "SaveSessionGroups" => {
                let groups = arguments.first().filter(|groups| groups.is_array());
                *guard(&self.signed.groups) = groups.ok_or("Invalid parameter type")?.clone();
                Ok(Reply::empty(200))
            }
            _ => Err("Web method does not exist".to_owned()),
        }
    }

    /// The filters of a group and of a search, as one condition each.
    fn filters(&self, group: &Value, filter: &Value) -> Result<Vec<Condition>, String> {
        let mut conditions = Vec::new();
        let name = match group {
            Value::Array(parts) => parts.first().and_then(Value::as_str),
            Value::String(name) => Some(name.as_str()),
            _ => None,
        };
        let mut add = |text: &str| -> Result<(), String> {
            if !text.trim().is_empty() {
                conditions.push(parse(Dialect::Control, text)?);
            }
            Ok(())
        };
        if let Some(name) = name.filter(|name| !name.is_empty()) {
            let groups = guard(&self.signed.groups);
            let mut all = groups.as_array().into_iter().flatten();
            let group = all.find(|group| group.get("Name").and_then(Value::as_str) == Some(name));
            let group = group.ok_or_else(|| format!("Session group does not exist: {name}"))?;
            add(group.get("SessionFilter").and_then(Value::as_str).unwrap_or_default())?;
        }
        add(filter.as_str().unwrap_or_default())?;
        Ok(conditions)
    }

    /// Sessions of a type and group.
    fn host_sessions(
        &self,
        kind: &Value,
        group: &Value,
        filter: &Value,
        find: &Value,
    ) -> Result<Value, String> {
        let conditions = self.filters(group, filter)?;
        let now = self.world.server_now();
        let (mut list, mut counts) = (Vec::new(), [0_u32; 3]);
        for session in self.sessions() {
            if session.data().ended {
                continue;
            }
            if let Some(count) = counts.get_mut(usize::from(session.kind)) {
                *count += 1;
            }
            let fits = kind.as_u64().is_none_or(|kind| kind == u64::from(session.kind))
                && find.as_str().is_none_or(|id| session.id.eq_ignore_ascii_case(id))
                && conditions.iter().all(|c| c.holds(&|name| fields::session(&self.world, &session, name)));
            if fits {
                list.push(self.listed(&session, now));
            }
        }
        let groups = guard(&self.signed.groups);
        let summaries: Vec<Value> = groups
            .as_array()
            .into_iter()
            .flatten()
            .map(|group| {
                let kind = group.get("SessionType").and_then(Value::as_u64).unwrap_or(2);
                let count = usize::try_from(kind).ok().and_then(|kind| counts.get(kind));
                json!({ "Name": group["Name"], "SessionType": kind, "SessionCount": count })
            })
            .collect();
        let version = now.as_second();
        Ok(json!({ "Sessions": list, "PathSessionGroupSummaries": [summaries], "Version": version }))
    }

    /// A session in a list.
    fn listed(&self, session: &Session, now: Timestamp) -> Value {
        let guest = Guest::of(&self.world, session);
        let field = |name: &str| match &guest {
            Some(guest) => guest.field(name),
            None => "".into(),
        };
        let (connected, disconnected) = session.presence(&self.world);
        let online = session.is_online(&self.world);
        let ago = |at: Option<Timestamp>| at.map_or(-1, |at| elapsed(now, at));
        let connection = json!({
            "ConnectionID": session.connection(), "ConnectedTime": ago(connected), "ParticipantName": "",
            "ProcessType": 2, "ClientType": 0, "Attributes": 0,
        });
        let data = session.data();
        let queued = data.queued.iter().filter_map(|id| data.events.iter().find(|event| &event.id == id));
        let queued: Vec<Value> = queued.map(|event| written(event, now)).collect();
        json!({
            "SessionID": session.id, "SessionType": session.kind, "Name": data.name, "Host": "",
            "Code": data.code, "IsPublic": data.is_public, "IsEnded": data.ended,
            "CustomPropertyValues": data.properties,
            "GuestOperatingSystemName": field("GuestOperatingSystemName"),
            "GuestOperatingSystemVersion": field("GuestOperatingSystemVersion"),
            "GuestLoggedOnUserDomain": field("GuestLoggedOnUserDomain"),
            "GuestLoggedOnUserName": field("GuestLoggedOnUserName"),
            "GuestMachineName": field("GuestMachineName"),
            "GuestIdleTime": 0, "GuestClientVersion": if guest.is_some() { CLIENT } else { "" },
            "Attributes": 0, "Permissions": 132_865,
            "LastConnectedEventTime": ago(connected), "LastInitiatedJoinEventTime": -1,
            "LastDisconnectedEventTime": ago(disconnected),
            "ActiveConnections": if online { vec![connection] } else { Vec::new() },
            "QueuedEvents": queued, "UnacknowledgedEvents": [], "Notes": [], "LastAlteredVersion": now.as_second(),
        })
    }

    /// A session with its events, in the order of their time; `null` when there is none.
    fn session_details(&self, id: &str) -> Value {
        let Some(session) = self.session(id) else { return Value::Null };
        let now = self.world.server_now();
        let mut record = self.listed(&session, now);
        if let (Some(guest), Some(record)) = (Guest::of(&self.world, &session), record.as_object_mut()) {
            for name in fields::SESSION.iter().chain(&["GuestNetworkAddress"]) {
                if name.starts_with("Guest") && !record.contains_key(*name) {
                    record.insert((*name).to_owned(), guest.field(name));
                }
            }
            record.insert("GuestInfoUpdateTime".to_owned(), elapsed(now, guest.updated()).into());
            record.insert("GuestLastBootTime".to_owned(), elapsed(now, guest.booted()).into());
            record.insert("GuestLastActivityTime".to_owned(), elapsed(now, guest.updated()).into());
        }
        let connection = session.connection();
        let events: Vec<Value> = session
            .data()
            .events
            .iter()
            .map(|event| {
                let mut value = written(event, now);
                if let (true, Some(value)) = (event.of_guest, value.as_object_mut()) {
                    value.insert("ConnectionID".to_owned(), connection.clone().into());
                }
                value
            })
            .collect();
        let connections = record.get("ActiveConnections").cloned().unwrap_or_default();
        json!({
            "Session": record, "Events": events, "Connections": connections,
            "BaseTime": now.as_millisecond(), "GuestScreenshotContent": null,
        })
    }

    fn page_service(&self, method: &str, arguments: &[Value]) -> Result<Reply, String> {
        let at = |at: usize| arguments.get(at).unwrap_or(&Value::Null);
        let text =
            |value: &Value| value.as_str().map(str::to_owned).ok_or("Invalid parameter type".to_owned());
        let found = |value: &Value| {
            self.session(value.as_str().unwrap_or_default())
                .ok_or_else(|| "Session does not exist".to_owned())
        };
        match method {
            "GetHostSessionInfo" => Ok(Reply::json(&self.host_sessions(at(0), at(1), at(2), at(3))?)),
            "GetLiveData" => {
                let info = at(0).get("HostSessionInfo").unwrap_or(&Value::Null);
                let get = |name: &str| info.get(name).unwrap_or(&Value::Null);
                let (kind, group) = (get("sessionType"), get("sessionGroupPathParts"));
                let host = self.host_sessions(kind, group, get("filter"), get("findSessionID"))?;
                Ok(Reply::json(&json!({ "ResponseInfoMap": { "HostSessionInfo": host }, "Version": 1 })))
            }
            "GetSessionDetails" => {
                self.filters(at(0), &Value::Null)?;
                Ok(Reply::json(&self.session_details(at(1).as_str().unwrap_or_default())))
            }
            "GetGuestSessionInfo" => {
                let ids = at(1).as_array().into_iter().flatten().filter_map(Value::as_str);
                let now = self.world.server_now();
                let found: Vec<Value> =
                    ids.filter_map(|id| self.session(id)).map(|one| self.listed(&one, now)).collect();
                Ok(Reply::json(&json!({ "Sessions": found, "Version": now.as_second() })))
            }
            "AddSessionEvents" => {
                self.filters(at(0), &Value::Null)?;
                for event in at(1).as_array().into_iter().flatten() {
                    let session = found(event.get("SessionID").unwrap_or(&Value::Null))?;
                    let kind = event.get("EventType").and_then(Value::as_u64).unwrap_or_default();
                    self.add_event(&session, kind, event.get("Data").and_then(Value::as_str).unwrap_or(""));
                }
                Ok(Reply::empty(200))
            }
            "AddEventToSessions" => {
                self.filters(at(0), &Value::Null)?;
                for id in at(1).as_array().into_iter().flatten() {
                    self.add_event(&found(id)?, at(2).as_u64().unwrap_or(0), at(3).as_str().unwrap_or(""));
                }
                Ok(Reply::empty(200))
            }
            "GetAccessToken" => {
                let session = found(at(1))?;
                Ok(Reply::json(&STANDARD.encode(format!("lab-access-token {}", session.id))))
            }
            "UpdateSessionCustomPropertyValue" => {
                let session = found(at(1))?;
                let mut properties = session.data().properties.clone();
                let number = at(2).as_u64().and_then(|number| usize::try_from(number).ok()).unwrap_or(8);
                *properties.get_mut(number).ok_or("Invalid property index")? = text(at(3))?;
                self.set_properties(&session, &properties);
                Ok(Reply::empty(200))
            }
            "UpdateSessionName" => {
                let session = found(at(1))?;
                session.data().name = text(at(2))?;
                session.add(&self.world, kind::MODIFIED_NAME, &text(at(2))?);
                Ok(Reply::empty(200))
            }
            "CreateSession" => {
                let kind = at(0).as_u64().and_then(|kind| u8::try_from(kind).ok()).filter(|kind| *kind <= 2);
                let data = Data {
                    name: text(at(1))?,
                    is_public: at(2).as_bool().unwrap_or_default(),
                    code: at(3).as_str().unwrap_or_default().to_owned(),
                    ..Data::default()
                };
                let session = Arc::new(Session::new(kind.ok_or("Invalid session type")?, data));
                for (at, value) in at(4).as_array().into_iter().flatten().enumerate() {
                    if let Some(property) = session.data().properties.get_mut(at) {
                        value.as_str().unwrap_or_default().clone_into(property);
                    }
                }
                session.add(&self.world, kind::CREATED, "");
                self.add(Arc::clone(&session));
                Ok(Reply::json(&session.id))
            }
            "UpdateSessions" | "TransferSessions" => {
                self.filters(at(0), &Value::Null)?;
                Ok(Reply::empty(200))
            }
            "LogInitiatedJoin" => {
                found(at(0))?.add(&self.world, 30, at(2).as_str().unwrap_or_default());
                Ok(Reply::empty(200))
            }
            _ => Err("Web method does not exist".to_owned()),
        }
    }

    fn add_event(&self, session: &Arc<Session>, number: u64, data: &str) {
        let number = u16::try_from(number).unwrap_or_default();
        if number == kind::QUEUED_COMMAND {
            command::send(&self.world, session, data, self.delay());
            return;
        }
        session.add(&self.world, number, data);
        if number == kind::ENDED {
            session.data().ended = true;
        }
    }
}

/// Milliseconds before now.
fn elapsed(now: Timestamp, at: Timestamp) -> i64 {
    now.as_millisecond().saturating_sub(at.as_millisecond()).max(0)
}

fn written(event: &Event, now: Timestamp) -> Value {
    json!({
        "EventID": event.id, "EventType": event.kind, "Time": elapsed(now, event.at), "Host": event.host,
        "Data": event.data,
    })
}
