//! The fields of sessions in filters and reports, by name.

use serde_json::Value;

use super::guest::Guest;
use super::session::{Event, Session, kind};
use crate::clock;
use crate::world::World;

/// The fields of a session, as reports name them.
pub(super) const SESSION: &[&str] = &[
    "SessionID",
    "Code",
    "ConnectionCount",
    "CreatedTime",
    "CustomProperty1",
    "CustomProperty2",
    "CustomProperty3",
    "CustomProperty4",
    "CustomProperty5",
    "CustomProperty6",
    "CustomProperty7",
    "CustomProperty8",
    "EventCount",
    "GuestAttributes",
    "GuestDurationSeconds",
    "GuestHardwareNetworkAddress",
    "GuestInfoUpdateTime",
    "GuestLastActivityTime",
    "GuestLastBootTime",
    "GuestLoggedOnUserDomain",
    "GuestLoggedOnUserName",
    "GuestMachineDescription",
    "GuestMachineDomain",
    "GuestMachineManufacturerName",
    "GuestMachineModel",
    "GuestMachineName",
    "GuestMachineProductNumber",
    "GuestMachineSerialNumber",
    "GuestOperatingSystemInstallationTime",
    "GuestOperatingSystemLanguage",
    "GuestOperatingSystemManufacturerName",
    "GuestOperatingSystemName",
    "GuestOperatingSystemVersion",
    "GuestPrivateNetworkAddress",
    "GuestProcessorArchitecture",
    "GuestProcessorName",
    "GuestProcessorVirtualCount",
    "GuestScreenshotContent",
    "GuestScreenshotContentHash",
    "GuestScreenshotContentType",
    "GuestSystemMemoryAvailableMegabytes",
    "GuestSystemMemoryTotalMegabytes",
    "GuestTimeZoneName",
    "GuestTimeZoneOffsetHours",
    "GuestWakeToken",
    "Host",
    "HostDurationSeconds",
    "IsEnded",
    "IsPublic",
    "LegacyEncryptionKey",
    "Name",
    "SessionType",
    "UnknownDurationSeconds",
];

/// Fields that a filter may name beside those.
const FILTER: &[&str] =
    &["GuestConnectedCount", "HostConnectedCount", "GuestClientVersion", "GuestNetworkAddress"];

/// The fields of an event in a report, beside those of its session with `Session` before their names.
const EVENT: &[&str] = &["EventID", "EventType", "Time", "Host", "Data", "SessionID"];

/// The fields of a connection in a report, beside those of its session.
const CONNECTION: &[&str] = &[
    "SessionID",
    "ConnectionID",
    "ProcessType",
    "ParticipantName",
    "NetworkAddress",
    "ClientType",
    "ClientVersion",
    "ConnectedTime",
    "DisconnectedTime",
];

/// The name as it is written, of a field that a filter may name.
pub(super) fn filterable(name: &str) -> Option<&'static str> {
    known(SESSION, name).or_else(|| known(FILTER, name))
}

fn known(names: &[&'static str], name: &str) -> Option<&'static str> {
    names.iter().find(|known| known.eq_ignore_ascii_case(name)).copied()
}

/// A field of a session; the name may have any case.
pub(super) fn session(world: &World, session: &Session, name: &str) -> Value {
    let Some(name) = filterable(name) else { return Value::Null };
    if let Some(number) = name.strip_prefix("CustomProperty").and_then(|n| n.parse::<usize>().ok()) {
        return session.data().properties.get(number.wrapping_sub(1)).cloned().into();
    }
    match name {
        "SessionID" => session.id.clone().into(),
        "Name" => session.data().name.clone().into(),
        "Code" => session.data().code.clone().into(),
        "Host" => "".into(),
        "IsPublic" => session.data().is_public.into(),
        "IsEnded" => session.data().ended.into(),
        "SessionType" => type_name(session.kind).into(),
        "GuestConnectedCount" | "ConnectionCount" => u8::from(session.is_online(world)).into(),
        "HostConnectedCount" => 0.into(),
        "EventCount" => session.data().events.len().into(),
        "CreatedTime" => match &session.agent {
            Some(agent) => clock::seven(agent.since).into(),
            None => clock::seven(world.started).into(),
        },
        name => match Guest::of(world, session) {
            Some(guest) => guest.field(name),
            None => Value::Null,
        },
    }
}

/// The name of a type of session.
pub(super) const fn type_name(kind: u8) -> &'static str {
    match kind {
        0 => "Support",
        1 => "Meeting",
        _ => "Access",
    }
}

/// A field of an event of a session.
pub(super) fn event(world: &World, of: &Session, event: &Event, name: &str) -> Option<Value> {
    if let Some(known) = known(EVENT, name) {
        return Some(match known {
            "EventID" => event.id.clone().into(),
            "EventType" => kind::name(event.kind).into(),
            "Time" => clock::seven(event.at).into(),
            "Host" => event.host.clone().into(),
            "Data" => event.data.clone().into(),
            _ => of.id.clone().into(),
        });
    }
    if event.of_guest && name.eq_ignore_ascii_case("SessionConnectionProcessType") {
        return Some("Guest".into());
    }
    parent(world, of, name)
}

/// A field of the guest's connection of a session.
pub(super) fn connection(world: &World, of: &Session, name: &str) -> Option<Value> {
    let Some(known) = known(CONNECTION, name) else { return parent(world, of, name) };
    let (connected, disconnected) = of.presence(world);
    let time = |at: Option<jiff::Timestamp>| at.map(clock::seven).into();
    Some(match known {
        "SessionID" => of.id.clone().into(),
        "ConnectionID" => of.connection().into(),
        "ProcessType" => "Guest".into(),
        "ParticipantName" | "ClientType" => "".into(),
        "NetworkAddress" => session(world, of, "GuestNetworkAddress"),
        "ClientVersion" => session(world, of, "GuestClientVersion"),
        "ConnectedTime" => time(connected),
        _ => time(disconnected),
    })
}

fn parent(world: &World, of: &Session, name: &str) -> Option<Value> {
    let field = name.get(..7).filter(|head| head.eq_ignore_ascii_case("Session")).and(name.get(7..))?;
    filterable(field).map(|field| session(world, of, field))
}
