//! `ConnectWise` Control (`ScreenConnect`): access sessions, their events and commands.
//!
//! Three surfaces: the RESTful API Manager extension (`extension`), the built-in page services (`pages`), and reports
//! (`report`). All see the same sessions.

mod command;
mod extension;
mod fields;
mod guest;
mod pages;
mod record;
mod report;
mod session;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use self::session::Session;
use crate::fleet::System;
use crate::server::Serve;
use crate::wire::{Reply, Request};
use crate::world::World;

/// The id of the RESTful API Manager extension.
const EXTENSION: &str = "2d558935-686a-4bd0-9991-07539f5fe749";

/// The server.
#[derive(Debug)]
pub(crate) struct Control {
    world: Arc<World>,
    sessions: RwLock<Sessions>,
    signed: pages::SignedIn,
}

#[derive(Debug, Default)]
struct Sessions {
    list: Vec<Arc<Session>>,
    by_id: HashMap<String, usize>,
}

impl Sessions {
    fn add(&mut self, session: Arc<Session>) {
        self.by_id.insert(session.id.clone(), self.list.len());
        self.list.push(session);
    }
}

impl Control {
    pub(crate) fn new(world: &Arc<World>) -> Self {
        let mut sessions = Sessions::default();
        for agent in world.agents(System::Control) {
            sessions.add(Arc::new(Session::of(world, agent)));
        }
        Self { world: Arc::clone(world), sessions: RwLock::new(sessions), signed: pages::SignedIn::default() }
    }

    fn sessions(&self) -> Vec<Arc<Session>> {
        self.sessions.read().unwrap_or_else(std::sync::PoisonError::into_inner).list.clone()
    }

    fn session(&self, id: &str) -> Option<Arc<Session>> {
        let sessions = self.sessions.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let at = sessions.by_id.get(&id.to_lowercase())?;
        sessions.list.get(*at).filter(|session| !session.data().ended).cloned()
    }

    fn add(&self, session: Arc<Session>) {
        self.sessions.write().unwrap_or_else(std::sync::PoisonError::into_inner).add(session);
    }

    /// How long a guest takes before it begins with a command.
    fn delay(&self) -> Duration {
        Duration::from_millis(self.world.fleet.control.command_delay_ms)
    }

    /// Says that a guest came or went.
    pub(crate) fn presence(&self, computer: &str, online: bool) {
        for session in self.sessions() {
            let is_it = session.agent.as_ref().is_some_and(|agent| {
                !agent.previous && self.world.computer(agent).is_some_and(|one| one.name == computer)
            });
            if is_it {
                let kind = if online { session::kind::CONNECTED } else { session::kind::DISCONNECTED };
                session.add(&self.world, kind, "");
            }
        }
    }
}

impl Serve for Control {
    fn system(&self) -> Option<System> {
        Some(System::Control)
    }

    async fn serve(&self, request: Request) -> Reply {
        let segments = request.segments();
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        let reply = match parts.as_slice() {
            ["App_Extensions", guid, "Service.ashx", method] if guid.eq_ignore_ascii_case(EXTENSION) => {
                self.extension(&request, method)
            }
            ["Services", service, method] => self.service(&request, service, method),
            ["Report.json"] => self.report(&request, false),
            ["Report.csv"] => self.report(&request, true),
            ["Login"] if request.method == "POST" => self.form_login(&request),
            [] | ["Login" | "Host"] => self.page(&request),
            _ => Reply::html(404, "<html><body>The resource cannot be found.</body></html>"),
        };
        let version = &self.world.fleet.control.version;
        reply
            .with("server", format!("ScreenConnect/{version}-1252824368"))
            .with("server", "Microsoft-HTTPAPI/2.0")
            .with("cache-control", "private")
            .with("x-robots-tag", "noindex")
    }

    fn expired(&self) -> Reply {
        Reply::text(401, "")
    }

    fn nothing(&self, request: &Request) -> Option<Reply> {
        let path = request.path.to_lowercase();
        if path.ends_with("bysessionid") && path.contains("details") {
            Some(Reply::json(&serde_json::Value::Null))
        } else if path.contains("/getsession") {
            Some(Reply::json::<[u8; 0]>(&[]))
        } else {
            None
        }
    }
}
