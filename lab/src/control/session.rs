//! Sessions of Control: what the server keeps of a guest, and its events.
//!
//! Not here: how they are written (`record`, `pages`), how commands run (`command`).
//!
//! Invariant: events are appended, each with an id of its own; nothing links the output of a command to the command.

use std::sync::{Arc, Mutex, MutexGuard};

use jiff::Timestamp;

use crate::clock;
use crate::ids;
use crate::world::{Agent, World, guard};

/// Kinds of events, by their numbers.
pub(super) mod kind {
    pub(crate) const CONNECTED: u16 = 10;
    pub(crate) const DISCONNECTED: u16 = 11;
    pub(crate) const CREATED: u16 = 20;
    pub(crate) const ENDED: u16 = 21;
    pub(crate) const NOTE: u16 = 32;
    pub(crate) const QUEUED_COMMAND: u16 = 44;
    pub(crate) const QUEUED_MESSAGE: u16 = 45;
    pub(crate) const QUEUED_TOOL: u16 = 47;
    pub(crate) const MODIFIED_NAME: u16 = 60;
    pub(crate) const MODIFIED_PROPERTY: u16 = 64;
    pub(crate) const RAN_COMMAND: u16 = 70;

    /// The name of a kind, for filters and triggers.
    pub(crate) const fn name(kind: u16) -> &'static str {
        match kind {
            CONNECTED => "Connected",
            DISCONNECTED => "Disconnected",
            CREATED => "CreatedSession",
            ENDED => "EndedSession",
            30 => "InitiatedJoin",
            NOTE => "AddedNote",
            40 => "QueuedReinstall",
            43 => "QueuedWake",
            QUEUED_COMMAND => "QueuedCommand",
            QUEUED_MESSAGE => "QueuedMessage",
            46 => "QueuedGuestInfoUpdate",
            QUEUED_TOOL => "QueuedTool",
            54 => "ProcessedCommand",
            MODIFIED_NAME => "ModifiedName",
            MODIFIED_PROPERTY => "ModifiedCustomProperty",
            RAN_COMMAND => "RanCommand",
            71 => "SentMessage",
            _ => "None",
        }
    }
}

/// An event.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) kind: u16,
    pub(super) at: Timestamp,
    pub(super) host: String,
    pub(super) data: String,
    /// Whether it belongs to the guest's connection.
    pub(super) of_guest: bool,
}

/// A session.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: String,
    /// 0 support, 1 meeting, 2 access.
    pub(super) kind: u8,
    /// The guest; a support session has none until somebody joins.
    pub(super) agent: Option<Arc<Agent>>,
    data: Mutex<Data>,
}

/// What changes of a session.
#[derive(Debug, Default)]
pub(super) struct Data {
    pub(super) name: String,
    pub(super) is_public: bool,
    pub(super) code: String,
    pub(super) properties: [String; 8],
    pub(super) events: Vec<Event>,
    pub(super) ended: bool,
    /// Commands that wait for the guest: ids of their events.
    pub(super) queued: Vec<String>,
}

impl Session {
    /// The session of an agent.
    pub(super) fn of(world: &World, agent: &Arc<Agent>) -> Self {
        let mut data = Data::default();
        if let Some((customer, place)) = world.place(agent) {
            data.properties[0].clone_from(&customer.company.name);
            data.properties[1].clone_from(&place.name);
        }
        if let Some(computer) = world.computer(agent) {
            for (number, text) in &computer.properties {
                let at = usize::from(*number).saturating_sub(1);
                if let Some(property) = data.properties.get_mut(at) {
                    property.clone_from(text);
                }
            }
        }
        Self { id: agent.id.clone(), kind: 2, agent: Some(Arc::clone(agent)), data: Mutex::new(data) }
    }

    /// A session that was made by hand.
    pub(super) fn new(kind: u8, data: Data) -> Self {
        Self { id: uuid::Uuid::now_v7().to_string(), kind, agent: None, data: Mutex::new(data) }
    }

    pub(super) fn data(&self) -> MutexGuard<'_, Data> {
        guard(&self.data)
    }

    /// Adds an event and says its id.
    pub(super) fn add(&self, world: &World, kind: u16, data: &str) -> String {
        let mut session = self.data();
        let id = ids::guid("event", &format!("{}/{}", self.id, session.events.len()));
        let event = Event {
            id: id.clone(),
            kind,
            at: world.server_now(),
            host: String::new(),
            data: data.to_owned(),
            of_guest: matches!(kind, kind::RAN_COMMAND | kind::CONNECTED | kind::DISCONNECTED),
        };
        session.events.push(event);
        id
    }

    /// The id of the guest's connection.
    pub(super) fn connection(&self) -> String {
        ids::guid("connection", &self.id)
    }

    pub(super) fn is_online(&self, world: &World) -> bool {
        self.agent.as_ref().is_some_and(|agent| world.is_online(agent))
    }

    /// When the guest came, if it is there; when it left, if it is not and ever was.
    pub(super) fn presence(&self, world: &World) -> (Option<Timestamp>, Option<Timestamp>) {
        let Some(agent) = &self.agent else { return (None, None) };
        if world.is_online(agent) {
            (Some(clock::shifted(world.started, -3600)), None)
        } else {
            (Some(clock::shifted(agent.seen, -3600)), Some(agent.seen))
        }
    }
}
