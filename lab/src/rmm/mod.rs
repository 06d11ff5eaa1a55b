//! `ConnectWise` RMM (the Asio platform): companies, sites, endpoints, automation tasks, policies.
//!
//! Invariants: every call needs a token with its scope. Errors have the form of their service. Empty lists of devices are
//! 404.

mod company;
mod device;
mod policy;
mod task;
#[cfg(test)]
mod tests;
mod token;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, Weak};

use serde_json::json;

use crate::fleet::System;
use crate::ids;
use crate::server::Serve;
use crate::wire::{Reply, Request};
use crate::world::World;

/// The server.
#[derive(Debug)]
pub(crate) struct Rmm {
    world: Arc<World>,
    gate: token::Gate,
    tasks: task::Tasks,
    fields: company::Fields,
    /// Positions of endpoints by company.
    by_company: HashMap<String, Vec<usize>>,
    /// The ids of company and site of an endpoint without either.
    nowhere: (String, String),
    /// For work that outlives a request.
    this: OnceLock<Weak<Self>>,
}

/// An error in the form of the device service.
fn device_error(status: u16, description: &str) -> Reply {
    Reply::status_json(status, &json!({ "error": status.to_string(), "description": description }))
}

/// Where the caller reaches the server.
fn base(request: &Request) -> String {
    format!("http://{}", request.header("host").unwrap_or("127.0.0.1"))
}

impl Rmm {
    pub(crate) fn new(world: &Arc<World>) -> Arc<Self> {
        let mut rmm = Self {
            world: Arc::clone(world),
            gate: token::Gate::default(),
            tasks: task::Tasks::default(),
            fields: company::Fields::default(),
            by_company: HashMap::new(),
            nowhere: (ids::guid("company", ""), ids::guid("site", "")),
            this: OnceLock::new(),
        };
        // A company without endpoints is known, too.
        let mut by_company: HashMap<String, Vec<usize>> =
            world.companies.iter().map(|one| (one.guid.clone(), Vec::new())).collect();
        for (at, agent) in world.agents(System::Rmm).iter().enumerate() {
            by_company.entry(rmm.whereabouts(agent).0.to_owned()).or_default().push(at);
        }
        rmm.by_company = by_company;
        let rmm = Arc::new(rmm);
        // It is new: nobody has set it before.
        _ = rmm.this.set(Arc::downgrade(&rmm));
        rmm
    }

    fn route(&self, request: &Request, parts: &[&str]) -> Reply {
        // What a call needs: a scope and a place among the limits.
        macro_rules! needs {
            ($scope:expr, $group:expr, $reply:expr) => {
                match self.refusal(request, $scope, $group) {
                    Some(refusal) => refusal,
                    None => $reply,
                }
            };
        }
        match (request.method.as_str(), parts) {
            ("POST", ["v1", "token"]) => self.sign_in(request),
            ("GET", ["v1", "rate_limits"]) => needs!("", "", self.rate_limits()),
            (method, ["api", "platform", version @ ("v1" | "v2"), service, rest @ ..]) => {
                match (*service, *version) {
                    ("company", "v1") => {
                        let sites = rest.contains(&"sites");
                        let scope = if rest.last() == Some(&"custom-fields") {
                            "platform.custom_fields_values.read"
                        } else if sites {
                            "platform.sites.read"
                        } else {
                            "platform.companies.read"
                        };
                        needs!(scope, "company", self.company_service(request, method, rest))
                    }
                    ("custom-field", "v1") => needs!(
                        "platform.custom_fields_definitions.read",
                        "custom_fields",
                        match (method, rest) {
                            ("GET", ["definitions"]) => Reply::json(&company::definitions()),
                            _ => device_error(404, "Resource not found"),
                        }
                    ),
                    ("device", version) => self.device_service(request, method, version, rest),
                    ("device-groups", "v1") => {
                        needs!("platform.deviceGroups.read", "device", Reply::json::<[u8; 0]>(&[]))
                    }
                    ("automation", version) => {
                        let create = method == "POST";
                        let scope =
                            if create { "platform.automation.create" } else { "platform.automation.read" };
                        needs!(scope, "automation", self.automation(request, method, version, rest))
                    }
                    ("policy", _) => {
                        needs!("platform.policies.read", "policy", self.policy_service(method, rest))
                    }
                    _ => device_error(404, "Resource not found"),
                }
            }
            _ => Reply::text(404, "404 page not found"),
        }
    }

    fn company_service(&self, request: &Request, method: &str, rest: &[&str]) -> Reply {
        let missing = || device_error(404, "Resource not found");
        match (method, rest) {
            ("GET", ["companies"]) => self.companies(request),
            ("GET", ["companies", id]) => {
                self.customer(id).map_or_else(missing, |one| Reply::json(&self.company(one)))
            }
            ("GET", ["companies", id, "sites"]) => self.sites(request, Some(id)),
            ("GET", ["companies", company, "sites", id]) => {
                let site = self.place(id).filter(|(one, _)| one.guid.eq_ignore_ascii_case(company));
                site.map_or_else(missing, |site| Reply::json(&self.site(site)))
            }
            ("GET", ["sites"]) => self.sites(request, None),
            ("GET", ["sites", id]) => {
                self.place(id).map_or_else(missing, |site| Reply::json(&self.site(site)))
            }
            ("GET" | "PUT", [kind @ ("companies" | "sites"), id, "custom-fields"]) => {
                self.fields(request, &format!("{kind}/{id}"))
            }
            _ => missing(),
        }
    }

    fn device_service(&self, request: &Request, method: &str, version: &str, rest: &[&str]) -> Reply {
        let scope = match (version, rest) {
            ("v1", ["token"] | ["endpoints", _, "system-state-info"]) | ("v2", _) => "platform.devices.read",
            ("v1", ["endpoints", _, "custom-fields"]) => "platform.custom_fields_values.read",
            _ => "platform.asset.read",
        };
        let group = if scope == "platform.asset.read" { "asset" } else { "device" };
        if let Some(refusal) = self.refusal(request, scope, group) {
            return refusal;
        }
        match (method, version, rest) {
            ("GET", "v1", ["endpoints"]) => self.endpoints(None, None),
            ("GET", "v1", ["clients", company, "endpoints"]) => self.endpoints(Some(company), None),
            ("GET", "v1", ["clients", company, "sites", site, "endpoints"]) => {
                self.endpoints(Some(company), Some(site))
            }
            ("GET", "v2", ["endpoints", "heartbeat"]) => self.heartbeat(request),
            ("GET", _, ["endpoints", id, "system-state-info"]) => self.state(id),
            ("GET" | "PUT", "v1", ["endpoints", id, "custom-fields"]) => {
                self.fields(request, &format!("endpoints/{id}"))
            }
            ("GET", "v1", ["endpoints", id])
            | ("GET", "v2", ["companies", _, "sites", _, "endpoints", id]) => self.asset(id),
            ("POST", "v1", ["token"]) => self.agent_token(request),
            (_, "v2", ["categories", category @ ("platform" | "network" | "cloud" | "all"), "endpoints"]) => {
                self.list(request, category)
            }
            _ => device_error(404, "Resource not found"),
        }
    }

    fn automation(&self, request: &Request, method: &str, version: &str, rest: &[&str]) -> Reply {
        let Some(this) = self.this.get().and_then(Weak::upgrade) else { return Reply::empty(500) };
        match (method, rest) {
            ("GET", ["scripts"]) => self.script_list(),
            ("GET", ["shellScripts"]) => self.templates(),
            ("POST", ["endpoints", "schedule-tasks"]) => this.schedule(request, version == "v2"),
            ("GET", ["tasks", id, "instances", "summary"]) => self.summary(id),
            ("GET", ["tasks", id, "instances", instance, "results"]) => self.results(id, instance),
            _ => Reply::status_json(404, &json!({ "message": "Resource not found", "code": "404" })),
        }
    }
}

impl Serve for Rmm {
    fn system(&self) -> Option<System> {
        Some(System::Rmm)
    }

    async fn serve(&self, request: Request) -> Reply {
        let segments = request.segments();
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        self.route(&request, &parts)
    }

    fn expired(&self) -> Reply {
        Reply::text(401, "bearer token is missing, expired or invalid")
    }

    fn nothing(&self, request: &Request) -> Option<Reply> {
        request.path.ends_with("/endpoints").then(|| device_error(404, "Resource not found"))
    }
}
