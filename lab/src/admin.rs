//! Changing the lab while it serves, over a port of its own: `PUT /faults`, `PUT /computers/{name}` with `{"online": …}`,
//! `GET /journal`.
//!
//! It is for tests that run the lab as a program; within one process [`crate::Lab`] has the same as functions.

use std::sync::Arc;

use serde::Deserialize;

use crate::control::Control;
use crate::faults::Faults;
use crate::fleet::System;
use crate::server::Serve;
use crate::wire::{Reply, Request};
use crate::world::World;

/// What can be changed of a computer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    online: bool,
}

/// The administrator's side.
#[derive(Debug)]
pub(crate) struct Admin {
    pub(crate) world: Arc<World>,
    pub(crate) control: Arc<Control>,
}

/// Switches a computer on or off; `false` when there is none of this name.
pub(crate) fn set_online(world: &World, control: &Control, computer: &str, online: bool) -> bool {
    let Some(machine) = world.machine_named(computer) else { return false };
    if machine.is_online() != online {
        control.presence(&machine.computer.name, online);
        machine.set_online(online);
    }
    true
}

impl Admin {
    /// Answers a request; nothing goes wrong here on purpose.
    pub(crate) fn answer(&self, request: &Request) -> Reply {
        let segments = request.segments();
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        match (request.method.as_str(), parts.as_slice()) {
            ("PUT", ["faults"]) => match request.json::<Faults>() {
                Ok(faults) => {
                    let wrong = faults.check();
                    if wrong.is_empty() {
                        self.world.set_faults(faults);
                        Reply::empty(204)
                    } else {
                        Reply::text(400, wrong.join("\n"))
                    }
                }
                Err(error) => Reply::text(400, error.to_string()),
            },
            ("PUT", ["computers", name]) => match request.json::<Change>() {
                Ok(change) if set_online(&self.world, &self.control, name, change.online) => {
                    Reply::empty(204)
                }
                Ok(_) => Reply::text(404, "there is no such computer"),
                Err(error) => Reply::text(400, error.to_string()),
            },
            ("GET", ["journal"]) => {
                let mut text = String::new();
                for line in self.world.journal.lines() {
                    text.push_str(&serde_json::to_string(&line).unwrap_or_default());
                    text.push('\n');
                }
                Reply::text(200, text)
            }
            _ => Reply::text(404, "PUT /faults, PUT /computers/NAME, GET /journal"),
        }
    }
}

impl Serve for Admin {
    fn system(&self) -> Option<System> {
        None
    }

    async fn serve(&self, request: Request) -> Reply {
        self.answer(&request)
    }

    fn expired(&self) -> Reply {
        Reply::empty(401)
    }

    fn nothing(&self, _request: &Request) -> Option<Reply> {
        None
    }
}
