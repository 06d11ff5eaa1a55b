//! `ConnectWise` Automate: computers with clients, locations and groups; commands; patches.
//!
//! Invariants: paths do not depend on case, and neither do the names of members in requests. Errors are objects with a
//! `Message`. Computers without the right to show all of them are not listed.

mod care;
mod command;
mod computer;
mod list;
mod script;
mod tenant;
#[cfg(test)]
mod tests;
mod token;

use std::sync::{Arc, OnceLock, Weak};

use serde_json::{Value, json};

use self::list::{Few, Rows};
use crate::clock;
use crate::fleet::System;
use crate::server::Serve;
use crate::wire::{Reply, Request};
use crate::world::{Agent, World};

/// The server.
#[derive(Debug)]
pub(crate) struct Automate {
    world: Arc<World>,
    tokens: token::Tokens,
    commands: command::Commands,
    registry: tenant::Registry,
    care: care::Care,
    scripts: script::Scripts,
    /// For work that outlives a request.
    this: OnceLock<Weak<Self>>,
}

/// An error in the form of the platform.
fn error(status: u16, message: &str) -> Reply {
    Reply::status_json(status, &json!({ "Message": message }))
}

/// A member of an object, whatever the case of its name; null when there is none.
fn member(object: &Value, name: &str) -> Value {
    let members = object.as_object().into_iter().flatten();
    let same = |key: &str| key.eq_ignore_ascii_case(name);
    members.into_iter().find(|(key, _)| same(key)).map(|(_, value)| value.clone()).unwrap_or_default()
}

impl Automate {
    pub(crate) fn new(world: &Arc<World>) -> Arc<Self> {
        let automate = Arc::new(Self {
            world: Arc::clone(world),
            tokens: token::Tokens::default(),
            commands: command::Commands::default(),
            registry: tenant::Registry::new(world),
            care: care::Care::default(),
            scripts: script::Scripts::default(),
            this: OnceLock::new(),
        });
        // It is new: nobody has set it before.
        _ = automate.this.set(Arc::downgrade(&automate));
        automate
    }

    /// The refusal of what the user may not do.
    fn denied(&self, permission: &str) -> Option<Reply> {
        let has =
            self.world.fleet.automate.permissions.iter().any(|one| one.eq_ignore_ascii_case(permission));
        (!has).then(|| error(403, "You do not have permission to perform this action."))
    }

    fn rows(&self, request: &Request, rows: &dyn Rows) -> Reply {
        list::answer(request, &self.world.fleet.automate, rows)
    }

    fn few(&self, request: &Request, rows: Vec<Value>) -> Reply {
        self.rows(request, &Few::new(rows))
    }

    /// A list that is empty for a user who may not see all.
    fn shown(&self, request: &Request, permission: &str, rows: Vec<Value>) -> Reply {
        self.few(request, if self.denied(permission).is_none() { rows } else { Vec::new() })
    }

    fn one(rows: &[Value], id: &str) -> Reply {
        let is_it = |row: &&Value| {
            let known = member(row, "Id");
            known.as_str().map_or_else(|| known.to_string(), str::to_owned) == id
        };
        match rows.iter().find(is_it) {
            Some(row) => Reply::json(row),
            None => error(404, "The entity does not exist."),
        }
    }

    fn route(&self, request: &Request, parts: &[&str]) -> Reply {
        match (request.method.as_str(), parts) {
            ("GET", ["computers"]) if self.denied("Computers.Show All").is_some() => {
                self.few(request, Vec::new())
            }
            ("GET", ["computers"]) => self.rows(request, &computer::Computers::of(self)),
            ("GET", ["computers", "maintenancemodes"]) => {
                self.rows(request, &Few::new(self.maintenance()).with_id("ComputerID"))
            }
            (_, ["computers", id, rest @ ..]) => {
                match self.world.agent(System::Automate, id).filter(|agent| !self.is_retired(agent)) {
                    Some(agent) => self.computer(request, agent, rest),
                    None => error(404, "The computer does not exist."),
                }
            }
            ("GET", ["clients"]) => self.shown(request, "Clients.Show All", self.clients()),
            ("GET", ["clients", id]) => Self::one(&self.clients(), id),
            ("GET", ["locations"]) => self.shown(request, "Locations.Show All", self.locations()),
            ("GET", ["locations", id]) => Self::one(&self.locations(), id),
            ("GET" | "PATCH", [kind @ ("clients" | "locations"), id, "extrafields", rest @ ..]) => {
                self.extra_fields(request, kind, id, rest.first().copied())
            }
            ("GET", ["groups"]) => self.shown(request, "Groups.Show All", self.groups()),
            ("GET", ["groups", id]) => Self::one(&self.groups(), id),
            ("GET", ["groupcomputers"]) => self.few(request, self.group_computers()),
            ("GET", ["groupcomputers", id]) => Self::one(&self.group_computers(), id),
            ("POST", ["groupcomputers"]) => self.join(request),
            ("DELETE", ["groupcomputers", id]) => self.leave(id),
            ("GET", ["searches"]) => self.few(request, Self::searches()),
            ("GET", ["commands"]) => self.few(request, command::catalogue()),
            ("GET", ["commands", id]) => Self::one(&command::catalogue(), id),
            ("GET", ["scripts"]) => self.few(request, self.scripts()),
            ("GET", ["scripting", "runningscripts"]) => self.few(request, self.running_scripts(None)),
            ("POST", ["batch", "scriptschedule" | "scriptexecute"]) => {
                match self.this.get().and_then(Weak::upgrade) {
                    Some(this) => this.start_script(request),
                    None => error(500, "An error has occurred."),
                }
            }
            ("GET", ["retiredassets"]) => self.few(request, self.retired()),
            ("POST", ["patchactions", action]) => match self.this.get().and_then(Weak::upgrade) {
                Some(this) => this.patch_action(request, action),
                None => error(500, "An error has occurred."),
            },
            ("GET", _) => self.server(request, parts),
            _ => error(404, "No HTTP resource was found that matches the request URI."),
        }
    }

    fn computer(&self, request: &Request, agent: &Arc<Agent>, rest: &[&str]) -> Reply {
        let Some(this) = self.this.get().and_then(Weak::upgrade) else {
            return error(500, "An error has occurred.");
        };
        match (request.method.as_str(), rest) {
            ("GET", []) => Reply::json(&computer::whole(self, agent)),
            ("DELETE", []) => self.retire(agent),
            ("POST", ["commandexecute"]) => this.execute(request, agent),
            ("GET", ["commandexecute"]) => self.executed(request, agent, None),
            ("GET", ["commandexecute", id]) => self.executed(request, agent, Some(id)),
            ("GET", ["commandhistory"]) => self.history(request, agent),
            ("POST", ["commandprompt"]) => this.prompt(request, agent),
            ("GET", ["runningscripts"]) => self.few(request, self.running_scripts(Some(agent))),
            ("GET", ["scripthistory"]) => self.few(request, self.script_history(agent)),
            ("GET", ["patchingstats"]) => self.patching_stats(agent),
            ("GET" | "PATCH", ["extrafields", rest @ ..]) => {
                self.extra_fields(request, "computers", &agent.id, rest.first().copied())
            }
            ("GET", ["operatingsystem"]) => {
                let record = computer::whole(self, agent);
                let installed = agent.os_installed.map(clock::whole).unwrap_or_default();
                let server = member(&record, "Type") == "Server";
                Reply::json(&json!({
                    "ComputerId": agent.id.parse::<u32>().unwrap_or_default(),
                    "Name": member(&record, "OperatingSystemName"),
                    "Version": member(&record, "OperatingSystemVersion"),
                    "IsServer": server, "Is64Bit": true, "InstallDate": installed,
                }))
            }
            ("GET", ["software"]) => {
                let software = self.world.computer(agent).map(|one| one.software.clone()).unwrap_or_default();
                let row = |(number, (name, version)): (u32, (muster::id::Name, String))| json!({ "Id": number.to_string(), "Name": name.as_str(), "Version": version });
                self.few(request, (1..).zip(software).map(row).collect())
            }
            _ => error(404, "No HTTP resource was found that matches the request URI."),
        }
    }

    /// What the server says of itself and of the caller.
    fn server(&self, request: &Request, parts: &[&str]) -> Reply {
        let settings = &self.world.fleet.automate;
        match parts {
            ["patchinformation"] => Reply::json(&json!({
                "WebServerPatchVersion": settings.version, "DBAgentServerPatchVersion": settings.version,
                "ControlCenterPatchVersion": settings.version, "RemoteAgentPatchVersion": "250.123",
                "LinuxAgentPatchVersion": "250.123", "MacAgentPatchVersion": "250.123",
                "LastPatchedDate": clock::whole(self.world.started),
            })),
            ["featureflags"] => {
                self.few(request, vec![json!({ "Id": 1, "Name": "NewPatchManager", "IsEnabled": true })])
            }
            ["permissions", "users"] => Reply::json(&settings.permissions),
            ["permissions", "clients", _] => {
                Reply::json(&["Commands View", "Commands Send", "Command Prompt"])
            }
            ["users", id, "useraccess"] if *id == token::USER.to_string() => Reply::json(&json!({
                "UserId": token::USER, "UserPermissions": settings.permissions, "PluginPermissions": [],
                "WebExtensionClaims": [],
            })),
            ["databaseservertime"] => Reply::json(&clock::whole(self.world.server_now())),
            ["approvalpolicies" | "patchhistory" | "alerts" | "tickets" | "rebootpolicies"] => {
                self.few(request, Vec::new())
            }
            _ => error(404, "No HTTP resource was found that matches the request URI."),
        }
    }
}

impl Serve for Automate {
    fn system(&self) -> Option<System> {
        Some(System::Automate)
    }

    async fn serve(&self, request: Request) -> Reply {
        let lower: Vec<String> = request.segments().iter().map(|part| part.to_lowercase()).collect();
        let parts: Vec<&str> = lower.iter().map(String::as_str).collect();
        let ["cwa", "api", "v1", rest @ ..] = parts.as_slice() else {
            return Reply::html(404, "<html><body>404 - File or directory not found.</body></html>");
        };
        if let Some(reply) = self.token(&request, rest) {
            return reply;
        }
        if let Some(refusal) = self.refusal(&request) {
            return refusal;
        }
        self.route(&request, rest)
    }

    fn expired(&self) -> Reply {
        error(401, "Authorization has been denied for this request.")
    }

    fn nothing(&self, request: &Request) -> Option<Reply> {
        let list = request.method == "GET" && request.path.to_lowercase().ends_with("/computers");
        list.then(|| Reply::json::<[u8; 0]>(&[]))
    }
}
