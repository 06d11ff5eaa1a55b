//! Sessions as surface B writes them.

use serde::Serialize;
use serde_json::{Value, json};

use super::guest::{CLIENT, Guest, Info};
use super::session::{Data, Session, kind};
use crate::clock;
use crate::world::World;

/// A session in a list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Record {
    #[serde(rename = "SessionID")]
    session_id: String,
    name: String,
    session_type: u8,
    host: &'static str,
    is_public: bool,
    code: String,
    is_ended: bool,
    custom_property_values: [String; 8],
    custom_properties: Properties,
    guest_network_address: String,
    guest_client_version: &'static str,
    guest_info_update_time: String,
    active_connections: Vec<Connection>,
    last_connected_event_time: String,
    last_event_time: String,
    last_guest_connected_event_time: String,
    last_guest_disconnected_event_time: String,
    guest_info: Option<Info>,
}

#[derive(Debug, Serialize)]
struct Properties {
    #[serde(rename = "CustomProperty1")]
    one: String,
    #[serde(rename = "CustomProperty2")]
    two: String,
    #[serde(rename = "CustomProperty3")]
    three: String,
    #[serde(rename = "CustomProperty4")]
    four: String,
    #[serde(rename = "CustomProperty5")]
    five: String,
    #[serde(rename = "CustomProperty6")]
    six: String,
    #[serde(rename = "CustomProperty7")]
    seven: String,
    #[serde(rename = "CustomProperty8")]
    eight: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Connection {
    #[serde(rename = "ConnectionID")]
    id: String,
    process_type: u8,
    participant_name: &'static str,
    connected_time: String,
}

impl Record {
    pub(super) fn of(world: &World, session: &Session) -> Self {
        let guest = Guest::of(world, session);
        let (connected, disconnected) = session.presence(world);
        let online = session.is_online(world);
        let time = |at: Option<jiff::Timestamp>| at.map_or_else(|| clock::NEVER.to_owned(), clock::seven);
        let data = session.data();
        let last = data.events.last().map(|event| event.at).or(disconnected).or(connected);
        let connection = Connection {
            id: session.connection(),
            process_type: 2,
            participant_name: "",
            connected_time: time(connected),
        };
        Self {
            session_id: session.id.clone(),
            name: data.name.clone(),
            session_type: session.kind,
            host: "",
            is_public: data.is_public,
            code: data.code.clone(),
            is_ended: data.ended,
            custom_property_values: data.properties.clone(),
            custom_properties: properties(&data),
            guest_network_address: guest.as_ref().map(Guest::network).unwrap_or_default(),
            guest_client_version: if guest.is_some() { CLIENT } else { "" },
            guest_info_update_time: time(guest.as_ref().map(Guest::updated)),
            active_connections: if online { vec![connection] } else { Vec::new() },
            last_connected_event_time: time(connected),
            last_event_time: time(last),
            last_guest_connected_event_time: time(connected),
            last_guest_disconnected_event_time: time(disconnected),
            guest_info: guest.as_ref().map(Guest::info),
        }
    }
}

fn properties(data: &Data) -> Properties {
    let [one, two, three, four, five, six, seven, eight] = data.properties.clone();
    Properties { one, two, three, four, five, six, seven, eight }
}

/// A session with its events, newest first.
pub(super) fn details(world: &World, session: &Session) -> Value {
    let mut record = serde_json::to_value(Record::of(world, session)).unwrap_or_default();
    if let Some(record) = record.as_object_mut() {
        record.insert("GuestConnectedCount".to_owned(), u8::from(session.is_online(world)).into());
        record.insert("HostConnectedCount".to_owned(), 0.into());
    }
    let data = session.data();
    let event = |event: &super::session::Event| {
        json!({
            "EventID": event.id, "EventType": event.kind, "Time": clock::seven(event.at),
            "Host": event.host, "Data": event.data,
        })
    };
    let events: Vec<Value> = data.events.iter().rev().map(event).collect();
    let queued: Vec<Value> = data
        .events
        .iter()
        .filter(|event| event.kind == kind::QUEUED_COMMAND && data.queued.contains(&event.id))
        .map(event)
        .collect();
    drop(data);
    let connections = record.get("ActiveConnections").cloned().unwrap_or_default();
    json!({ "Session": record, "Events": events, "Connections": connections, "QueuedEvents": queued })
}
