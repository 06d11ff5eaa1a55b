//! What the extension's documents mean: access sessions as agents, custom properties as customers. Pure.
//!
//! Not here: asking for the documents (`calls`).
//!
//! Invariants: an agent is an access session that has not ended; custom properties are trimmed and compared without case;
//! an empty one is no customer. The same sessions in any order give the same records in the order of their ids.

use std::collections::{BTreeMap, BTreeSet};

use super::wire::{Details, Event, Session};
use crate::id::{AgentId, Digest};
use crate::inventory::relations::Belongings;
use crate::provider::link::{Shared, one_of_each};
use crate::provider::{AgentRecord, ClientRecord, ClientRef, Presence};
use crate::session::script::Platform;

/// How many custom properties a session has.
pub(super) const PROPERTIES: usize = 8;

/// Which custom properties mean something, by number from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Meanings {
    pub(super) company: u8,
    pub(super) group: Option<u8>,
}

/// Whether it is an access session that has not ended. Servers that do not tell the type were asked for this one.
pub(super) fn is_agent(session: &Session) -> bool {
    session.is_ended != Some(true)
        && session.kind.as_ref().is_none_or(|kind| kind.is("2", "Access"))
        && !session.id.trim().is_empty()
}

/// The agents of a list, in the order of their ids.
pub(super) fn agents(agents: Vec<AgentRecord>) -> Vec<AgentRecord> {
    // One that is told twice is one.
    let mut agents = one_of_each(agents, |a, b| a.id.cmp(&b.id));
    one_spelling(&mut agents);
    agents
}

/// The customers of these agents with their groups, in the order of their ids.
pub(super) fn clients(agents: &[AgentRecord]) -> Vec<ClientRecord> {
    let mut clients: BTreeMap<&str, ClientRecord> = BTreeMap::new();
    for agent in agents {
        let Some(client) = &agent.client else { continue };
        let record = clients.entry(client.id.as_str()).or_insert_with(|| ClientRecord {
            client: client.clone(),
            sites: BTreeSet::new(),
            external: None,
            computers: Some(0),
        });
        record.sites.extend(agent.belongings.site.clone());
        record.computers = record.computers.map(|count| count + 1);
    }
    clients.into_values().collect()
}

/// What many agents have in common, once for all of them.
#[derive(Debug, Default)]
pub(super) struct Common {
    groups: Shared<BTreeSet<String>>,
    properties: Shared<BTreeMap<String, String>>,
}

/// The agent that a session is, if it is one.
pub(super) fn agent(session: Session, meanings: Meanings, common: &mut Common) -> Option<AgentRecord> {
    if !is_agent(&session) {
        return None;
    }
    let presence = presence(&session);
    let properties = properties(&session);
    let guest = session.guest_info.unwrap_or_default();
    let id = session.id.trim().to_ascii_lowercase();
    // The name of an unattended session is usually empty: people then see the computer's own.
    let name = filled(&session.name)
        .or_else(|| filled(&guest.machine_name))
        .unwrap_or_else(|| format!("session {id}"));
    let user = match (filled(&guest.logged_on_user_domain), filled(&guest.logged_on_user_name)) {
        (Some(domain), Some(user)) => Some(format!("{domain}\\{user}")),
        (_, user) => user,
    };
    // Every change of what is listed is remembered: of those that are there this would change with each look.
    let seen = session.last_guest_disconnected_event_time.max(session.last_guest_connected_event_time);
    let seen = seen.filter(|_| presence != Presence::Online);
    let attributes = [
        ("lastSeen", seen.map(|at| at.to_string())),
        ("identity.serial", filled(&guest.machine_serial_number)),
        ("identity.manufacturer", filled(&guest.machine_manufacturer_name)),
        ("identity.model", filled(&guest.machine_model)),
        ("os.name", filled(&guest.operating_system_name)),
        ("os.version", filled(&guest.operating_system_version)),
        ("name", filled(&guest.machine_name)),
        ("domain", filled(&guest.machine_domain)),
        ("user", user),
        ("address", filled(&session.guest_network_address)),
        ("agent.version", filled(&session.guest_client_version)),
    ];
    let at = |number: u8| properties.get(usize::from(number).wrapping_sub(1)).and_then(|text| filled(text));
    let site = meanings.group.and_then(at);
    Some(AgentRecord {
        id: AgentId::new(&id),
        name,
        tenant: None,
        client: at(meanings.company).map(|name| ClientRef { id: name.to_lowercase(), name }),
        platform: platform(&guest.operating_system_name),
        presence,
        tags: BTreeSet::new(),
        attributes: attributes
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), value?)))
            .collect(),
        belongings: Belongings {
            groups: common.groups.one(site.iter().cloned().collect()),
            site,
            properties: common.properties.one(
                (1..)
                    .zip(&properties)
                    .filter_map(|(number, text)| Some((format!("CustomProperty{number}"), filled(text)?)))
                    .collect(),
            ),
            ..Belongings::default()
        },
    })
}

/// All eight custom properties as they are; what is not told is empty. The list goes before the object.
pub(super) fn properties(session: &Session) -> [String; PROPERTIES] {
    std::array::from_fn(|at| {
        let listed = session.custom_property_values.as_ref().map(|list| list.get(at).cloned().flatten());
        let named = || {
            session.custom_properties.as_ref()?.get(&format!("CustomProperty{}", at + 1)).cloned().flatten()
        };
        listed.unwrap_or_else(named).unwrap_or_default()
    })
}

/// Whether a session tells its custom properties at all.
pub(super) fn tells_properties(session: &Session) -> bool {
    session.custom_property_values.is_some() || session.custom_properties.is_some()
}

/// Customers that differ in case alone are one, and are spelled like the first one in order.
fn one_spelling(agents: &mut [AgentRecord]) {
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for client in agents.iter().filter_map(|agent| agent.client.as_ref()) {
        let name = names.entry(client.id.clone()).or_insert_with(|| client.name.clone());
        if client.name < *name {
            client.name.clone_into(name);
        }
    }
    for client in agents.iter_mut().filter_map(|agent| agent.client.as_mut()) {
        if let Some(name) = names.get(&client.id) {
            name.clone_into(&mut client.name);
        }
    }
}

/// Whether the guest is there: by its connection, else by when it came and left.
pub(super) fn presence(session: &Session) -> Presence {
    let guest =
        |kind: &super::wire::Connection| kind.process_type.as_ref().is_some_and(|kind| kind.is("2", "Guest"));
    if session.active_connections.iter().flatten().any(guest)
        || session.guest_connected_count.is_some_and(|n| n > 0)
    {
        return Presence::Online;
    }
    let times = (session.last_guest_connected_event_time, session.last_guest_disconnected_event_time);
    let by_times = match times {
        (Some(came), Some(left)) => Some(came > left),
        (Some(_), None) => Some(true),
        (None, Some(_)) => Some(false),
        (None, None) => None,
    };
    let is_listed = session.active_connections.is_some() || session.guest_connected_count.is_some();
    match (is_listed, by_times) {
        (_, Some(false)) | (true, None) => Presence::Offline,
        // The two contradict each other: it may have come just now.
        (true, Some(true)) | (false, None) => Presence::Unknown,
        (false, Some(true)) => Presence::Online,
    }
}

/// The outputs of commands, each under a key of its own.
pub(super) fn outputs(details: &Details) -> Vec<(String, String)> {
    let of_connections = details.connections.iter().flat_map(|connection| &connection.events);
    let ran = |event: &&Event| event.kind.as_ref().is_some_and(|kind| kind.is("70", "RanCommand"));
    let mut outputs: BTreeMap<String, &str> = BTreeMap::new();
    for event in details.events.iter().chain(of_connections).filter(ran) {
        let key = if event.id.is_empty() {
            let time = event.time.map(|time| time.to_string()).unwrap_or_default();
            format!("{time} {}", Digest::of(event.data.as_bytes()))
        } else {
            event.id.clone()
        };
        outputs.insert(key, &event.data);
    }
    outputs.into_iter().map(|(key, text)| (key, text.to_owned())).collect()
}

/// The platform that an operating system's name tells of, if it is one that is known.
fn platform(name: &str) -> Option<Platform> {
    const POSIX: [&str; 17] = [
        "linux", "ubuntu", "debian", "centos", "red hat", "redhat", "rhel", "fedora", "suse", "rocky",
        "alma", "mac os", "macos", "os x", "osx", "darwin", "bsd",
    ];
    let name = name.to_lowercase();
    if name.contains("windows") {
        return Some(Platform::Windows);
    }
    POSIX.iter().any(|part| name.contains(part)).then_some(Platform::Posix)
}

fn filled(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEANINGS: Meanings = Meanings { company: 1, group: Some(2) };

    fn session(text: &str) -> Session {
        serde_json::from_str(text).expect("a session")
    }

    fn read(sessions: Vec<Session>) -> Vec<AgentRecord> {
        let mut common = Common::default();
        agents(sessions.into_iter().filter_map(|session| agent(session, MEANINGS, &mut common)).collect())
    }

    const WHOLE: &str = r#"{
        "SessionID":"2D558935-686A-4BD0-9991-07539F5FE749","Name":"","SessionType":2,"IsEnded":false,
        "CustomPropertyValues":[" Contoso ","Main","","","","","",""],
        "ActiveConnections":[{"ConnectionID":"x","ProcessType":2,"ConnectedTime":"2026-07-23T10:00:00.1234567Z"}],
        "LastGuestDisconnectedEventTime":"0001-01-01T00:00:00","GuestClientVersion":"24.1.3.8892","Unknown":[1],
        "GuestInfo":{"MachineName":"PC1","MachineDomain":"CONTOSO","MachineSerialNumber":" 7GXL8S3 ",
          "MachineManufacturerName":"Dell Inc.","MachineModel":"Latitude 5440","LoggedOnUserName":"alice",
          "LoggedOnUserDomain":"CONTOSO","OperatingSystemName":"Windows 11 Pro","OperatingSystemVersion":"10.0.22631",
          "SystemMemoryTotalMegabytes":16257}}"#;

    #[test]
    fn a_session_is_read_with_all_that_identifies_the_computer() {
        let agents = read(vec![session(WHOLE)]);
        insta::assert_json_snapshot!(agents, @r#"
        [
          {
            "id": "2d558935-686a-4bd0-9991-07539f5fe749",
            "name": "PC1",
            "tenant": null,
            "client": {
              "id": "contoso",
              "name": "Contoso"
            },
            "platform": "windows",
            "presence": "online",
            "tags": [],
            "attributes": {
              "agent.version": "24.1.3.8892",
              "domain": "CONTOSO",
              "identity.manufacturer": "Dell Inc.",
              "identity.model": "Latitude 5440",
              "identity.serial": "7GXL8S3",
              "name": "PC1",
              "os.name": "Windows 11 Pro",
              "os.version": "10.0.22631",
              "user": "CONTOSO\\alice"
            },
            "belongings": {
              "site": "Main",
              "groups": [
                "Main"
              ],
              "properties": {
                "CustomProperty1": "Contoso",
                "CustomProperty2": "Main"
              }
            }
          }
        ]
        "#);
    }

    #[test]
    fn when_it_was_seen_last_is_told_of_those_that_are_not_online() {
        let seen = |more: &str| {
            let session = session(&format!(r#"{{"SessionID":"a"{more}}}"#));
            agent(session, MEANINGS, &mut Common::default()).unwrap().last_seen().map(|at| at.to_string())
        };
        let came = r#","LastGuestConnectedEventTime":"2026-07-23T10:00:00Z""#;
        let left = r#","LastGuestDisconnectedEventTime":"2026-07-23T11:00:00""#;
        assert_eq!(seen(&format!("{came}{left}")).as_deref(), Some("2026-07-23T11:00:00Z"));
        assert_eq!(seen(&format!(r#"{came},"GuestConnectedCount":1"#)), None, "it is online");
        assert_eq!(seen(r#","LastGuestDisconnectedEventTime":"0001-01-01T00:00:00""#), None);
    }

    #[test]
    fn everything_but_the_id_may_be_missing() {
        let bare = read(vec![session(r#"{"SessionID":"a","GuestInfo":null,"Name":null}"#)]);
        assert_eq!(
            (bare[0].name.as_str(), bare[0].presence, bare[0].platform),
            ("session a", Presence::Unknown, None)
        );
        assert!(bare[0].client.is_none() && bare[0].attributes.is_empty());
        assert!(serde_json::from_str::<Session>(r#"{"Name":"x"}"#).is_err());
        assert!(serde_json::from_str::<Session>(r#"{"SessionID":"a","CustomPropertyValues":"x"}"#).is_err());
    }

    #[test]
    fn properties_are_read_from_the_list_or_the_object() {
        let of = |text: &str| properties(&session(text)).join("|");
        assert_eq!(of(r#"{"SessionID":"a","CustomPropertyValues":["A",null,"C"]}"#), "A||C|||||");
        let object =
            r#""CustomProperties":{"CustomProperty2":"B","CustomProperty8":"H","CustomProperty1":null}"#;
        assert_eq!(of(&format!(r#"{{"SessionID":"a",{object}}}"#)), "|B||||||H");
        assert_eq!(of(&format!(r#"{{"SessionID":"a","CustomPropertyValues":["A"],{object}}}"#)), "A|||||||");
    }

    #[test]
    fn customers_are_told_apart_by_name_without_case_and_blanks() {
        let with = |id: &str, company: &str, site: &str| {
            session(&format!(r#"{{"SessionID":"{id}","CustomPropertyValues":["{company}","{site}"]}}"#))
        };
        let list = vec![
            with("c", "contoso", "B"),
            with("a", " Contoso", "A"),
            with("b", " ", "A"),
            with("d", "Fabrikam", ""),
        ];
        let agents = read(list);
        let ids: Vec<&str> = agents.iter().map(|agent| agent.id.as_str()).collect();
        assert_eq!(ids, ["a", "b", "c", "d"]);
        assert!(agents[1].client.is_none());
        let clients = clients(&agents);
        let told: Vec<_> =
            clients.iter().map(|one| (one.client.name.as_str(), one.computers, one.sites.len())).collect();
        assert_eq!(told, [("Contoso", Some(2), 2), ("Fabrikam", Some(1), 0)]);
    }

    #[test]
    fn ended_sessions_and_those_of_other_types_are_no_agents() {
        for (text, counts) in [
            (r#"{"SessionID":"a","IsEnded":true}"#, false),
            (r#"{"SessionID":"a","SessionType":0}"#, false),
            (r#"{"SessionID":"a","SessionType":"Support"}"#, false),
            (r#"{"SessionID":" "}"#, false),
            (r#"{"SessionID":"a","SessionType":"Access","IsEnded":false}"#, true),
        ] {
            assert_eq!(read(vec![session(text)]).len(), usize::from(counts), "{text}");
        }
    }

    #[test]
    fn presence_is_told_by_connections_or_by_times() {
        let of = |more: &str| presence(&session(&format!(r#"{{"SessionID":"a"{more}}}"#)));
        let guest = r#","ActiveConnections":[{"ProcessType":1},{"ProcessType":"Guest"}]"#;
        let host = r#","ActiveConnections":[{"ProcessType":1}]"#;
        let came = r#","LastGuestConnectedEventTime":"2026-07-23T10:00:00Z""#;
        let left = r#","LastGuestDisconnectedEventTime":"2026-07-23T11:00:00""#;
        assert_eq!(of(guest), Presence::Online);
        assert_eq!(of(r#","GuestConnectedCount":1"#), Presence::Online);
        assert_eq!(of(host), Presence::Offline);
        assert_eq!(of(&format!("{host}{came}{left}")), Presence::Offline);
        assert_eq!(of(&format!("{host}{came}")), Presence::Unknown);
        assert_eq!(of(came), Presence::Online);
        assert_eq!(of(&format!("{came}{left}")), Presence::Offline);
        assert_eq!(of(""), Presence::Unknown);
    }

    #[test]
    fn outputs_stand_in_the_events_or_in_those_of_connections() {
        let text = r#"{"Session":{"SessionID":"a"},"Events":[
            {"EventID":"1","EventType":44,"Data":"command"},{"EventID":"3","EventType":"70","Data":"c"},
            {"EventID":"2","EventType":70,"Time":"2026-07-23T10:00:00Z","Data":"b"},{"EventType":"RanCommand","Data":"x"}],
            "Connections":[{"ProcessType":2,"Events":[{"EventID":"2","EventType":70,"Data":"b"},{"EventID":"0","EventType":70,"Data":null}]},
            {"Events":null}]}"#;
        let details: Details = serde_json::from_str(text).expect("details");
        let outputs = outputs(&details);
        let texts: BTreeSet<&str> = outputs.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, BTreeSet::from(["", "b", "c", "x"]));
        assert_eq!(outputs.len(), 4);
    }

    #[test]
    fn systems_are_known_by_their_names() {
        for (name, expected) in [
            ("Microsoft Windows Server 2022", Some(Platform::Windows)),
            ("Debian GNU/Linux 12", Some(Platform::Posix)),
            ("macOS 14.5", Some(Platform::Posix)),
            ("", None),
            ("Other", None),
        ] {
            assert_eq!(platform(name), expected, "{name}");
        }
    }
}
