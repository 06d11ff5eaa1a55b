//! What Automate's documents mean: computers as agents, clients as customers with their sites. Pure.
//!
//! Not here: asking for the documents (`lists`).
//!
//! Invariants: an id is the decimal number; what is blank is not there; nothing is guessed from a name; the same documents in any order
//! give the same records in the order of their ids.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::wire::{Client, Computer, Group, GroupComputer, Location, Named};
use crate::id::AgentId;
use crate::inventory::relations::Belongings;
use crate::provider::link::{Shared, filled, instant, platform};
use crate::provider::{AgentRecord, ClientRecord, ClientRef, Presence};

/// Who is in which groups.
#[derive(Debug, Default)]
pub(super) struct Groups {
    /// The names of each group, by its number.
    names: BTreeMap<String, Vec<String>>,
    /// The names of the groups of each computer, by the computer's id.
    of_computers: BTreeMap<String, Arc<BTreeSet<String>>>,
    shared: Shared<BTreeSet<String>>,
}

impl Groups {
    /// Groups by their whole names, with nobody in them. Nobody else tells who a search finds; where a group has exactly those,
    /// they are in `Search: NAME` too.
    pub(super) fn new(groups: Vec<Group>) -> Self {
        let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for group in groups {
            let own = filled(&group.full_name).or_else(|| filled(&group.name));
            let search =
                group.computers_auto_join_search.filter(|_| group.computers_limit_to_search == Some(true));
            let search = search.and_then(|search| filled(&search.name)).map(|name| format!("Search: {name}"));
            names.insert(group.id, own.into_iter().chain(search).collect());
        }
        Self { names, ..Self::default() }
    }

    /// A computer is in a group. A row of a group that is not listed names it by its number.
    pub(super) fn join(&mut self, row: GroupComputer) {
        let names = self.names.get(&row.group_id).filter(|names| !names.is_empty()).cloned();
        let mut groups =
            self.of_computers.get(&row.computer_id).map(|groups| (**groups).clone()).unwrap_or_default();
        groups.extend(names.unwrap_or_else(|| vec![row.group_id]));
        self.of_computers.insert(row.computer_id, self.shared.one(groups));
    }

    /// The groups of a computer, which are not asked for again.
    fn take(&mut self, computer: &str) -> Arc<BTreeSet<String>> {
        self.of_computers.remove(computer).unwrap_or_default()
    }
}

/// A computer as an agent.
pub(super) fn agent(computer: Computer, groups: &mut Groups) -> AgentRecord {
    let names = [&computer.named, &computer.friendly_name];
    let name = names
        .into_iter()
        .find_map(|name| filled(name))
        .unwrap_or_else(|| format!("computer {}", computer.id));
    let mut attributes = BTreeMap::new();
    for (key, value) in [
        ("identity.serial", &computer.serial_number),
        ("identity.manufacturer", &computer.bios_manufacturer),
        ("os.name", &computer.operating_system_name),
        ("os.version", &computer.operating_system_version),
        ("domain", &computer.domain_name),
        ("type", &computer.kind),
        ("agent.version", &computer.remote_agent_version),
        ("agent.added", &computer.date_added),
    ] {
        attributes.extend(filled(value).map(|value| (key.to_owned(), value)));
    }
    let presence = presence(&computer.status);
    // Every change of what is listed is remembered: of those that are there this would change with each look.
    let seen = instant(&computer.remote_agent_last_contact).filter(|_| presence != Presence::Online);
    attributes.extend(seen.map(|at| ("lastSeen".to_owned(), at.to_string())));
    let is_virtual = computer.is_virtual_machine.filter(|is_virtual| *is_virtual);
    attributes.extend(is_virtual.map(|_| ("identity.virtual".to_owned(), "true".to_owned())));
    AgentRecord {
        id: AgentId::new(&computer.id),
        name,
        tenant: None,
        client: computer.client.and_then(client_ref),
        platform: platform(&computer.operating_system_name),
        presence,
        tags: BTreeSet::new(),
        attributes,
        belongings: Belongings {
            site: computer.location.and_then(|location| filled(&location.name)),
            groups: groups.take(&computer.id),
            ..Belongings::default()
        },
    }
}

/// The customers with their sites, in the order of their ids.
pub(super) fn clients(clients: Vec<Client>, locations: Vec<Location>) -> Vec<ClientRecord> {
    let mut sites: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for location in locations {
        let client = location.client.and_then(|client| client.id);
        if let (Some(client), Some(site)) = (client, filled(&location.name)) {
            sites.entry(client).or_default().insert(site);
        }
    }
    let record = |client: Client| {
        // A linked company has a number above zero.
        let external = client.external_id.filter(|id| id != "0");
        let names = [&client.name, &client.company];
        let name = names.into_iter().find_map(|name| filled(name)).unwrap_or_else(|| client.id.clone());
        let sites = sites.remove(&client.id).unwrap_or_default();
        ClientRecord { client: ClientRef { id: client.id, name }, sites, external, computers: None }
    };
    let mut records: Vec<ClientRecord> = clients.into_iter().map(record).collect();
    records.sort_by(|a, b| number(&a.client.id).cmp(&number(&b.client.id)));
    records
}

/// What orders ids as numbers; they have no leading zeros.
pub(super) fn number(id: &str) -> (usize, &str) {
    (id.len(), id)
}

fn client_ref(client: Named) -> Option<ClientRef> {
    let id = client.id?;
    let name = filled(&client.name).unwrap_or_else(|| id.clone());
    Some(ClientRef { id, name })
}

fn presence(status: &str) -> Presence {
    match status.trim().to_ascii_lowercase().as_str() {
        "online" => Presence::Online,
        "offline" => Presence::Offline,
        _ => Presence::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn computer(text: &str) -> Computer {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_computer_is_read_with_all_that_identifies_it() {
        let text = r#"{"Id":"7","ComputerName":"PC-0042","FriendlyName":"","DomainName":"fabrikam.local",
            "Client":{"Id":"3","Name":"Fabrikam","Company":"Fabrikam GmbH"},"Location":{"Id":12,"Name":"Bonn"},
            "OperatingSystemName":"Microsoft Windows 11 Pro x64","OperatingSystemVersion":"10.0.22631","Type":"Workstation",
            "Status":"Online","SerialNumber":" 5CD1234XYZ ","BiosManufacturer":"HP","IsVirtualMachine":false,"UTCOffset":0,
            "RemoteAgentVersion":"250.123","DateAdded":"2024-01-10T08:00:00Z","AssetTag":null}"#;
        let mut groups = Groups::default();
        groups.of_computers.insert("7".to_owned(), Arc::new(BTreeSet::from(["Servers".to_owned()])));
        let agent = agent(computer(text), &mut groups);
        insta::assert_json_snapshot!(agent, @r#"
        {
          "id": "7",
          "name": "PC-0042",
          "tenant": null,
          "client": {
            "id": "3",
            "name": "Fabrikam"
          },
          "platform": "windows",
          "presence": "online",
          "tags": [],
          "attributes": {
            "agent.added": "2024-01-10T08:00:00Z",
            "agent.version": "250.123",
            "domain": "fabrikam.local",
            "identity.manufacturer": "HP",
            "identity.serial": "5CD1234XYZ",
            "os.name": "Microsoft Windows 11 Pro x64",
            "os.version": "10.0.22631",
            "type": "Workstation"
          },
          "belongings": {
            "site": "Bonn",
            "groups": [
              "Servers"
            ]
          }
        }
        "#);
        assert!(groups.of_computers.is_empty());
    }

    #[test]
    fn when_it_was_seen_last_is_told_of_those_that_are_not_online() {
        let seen = |status: &str, last: &str| {
            let text = format!(r#"{{"Id":8,"Status":"{status}","RemoteAgentLastContact":"{last}"}}"#);
            agent(computer(&text), &mut Groups::default()).last_seen().map(|at| at.to_string())
        };
        assert_eq!(seen("Offline", "2025-06-01T10:00:00").as_deref(), Some("2025-06-01T10:00:00Z"));
        assert_eq!(seen("Unclear", "2025-06-01T10:00:00Z").as_deref(), Some("2025-06-01T10:00:00Z"));
        assert_eq!(seen("Online", "2025-06-01T10:00:00Z"), None, "it is there");
        assert_eq!(seen("Offline", "0001-01-01T00:00:00"), None);
    }

    #[test]
    fn a_computer_of_which_little_is_known_is_one_too() {
        let text = r#"{"Id":8,"ComputerName":null,"Client":null,"Status":"Unclear","IsVirtualMachine":true}"#;
        let agent = agent(computer(text), &mut Groups::default());
        assert_eq!(
            (agent.name.as_str(), agent.presence, agent.platform),
            ("computer 8", Presence::Unknown, None)
        );
        assert_eq!(agent.client, None);
        assert_eq!(agent.attributes["identity.virtual"], "true");
        for bad in
            [r#"{"ComputerName":"x"}"#, r#"{"Id":null}"#, r#"{"Id":""}"#, r#"{"Id":-1}"#, r#"{"Id":{}}"#]
        {
            assert!(serde_json::from_str::<Computer>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn clients_come_with_their_sites_and_in_the_order_of_their_numbers() {
        let list: Vec<Client> = serde_json::from_str(
            r#"[{"Id":"10","Name":"Contoso","ExternalId":"0"},{"Id":2,"Name":" ","Company":"Fabrikam GmbH","ExternalId":250},
                {"Id":"3","Company":null}]"#,
        )
        .unwrap();
        let locations: Vec<Location> = serde_json::from_str(
            r#"[{"Id":1,"Name":"Bonn","Client":{"Id":"2"}},{"Id":2,"Name":"Aachen","Client":{"Id":2}},{"Id":3,"Name":"","Client":{"Id":2}},
                {"Id":4,"Name":"Nowhere"}]"#,
        )
        .unwrap();
        let records = clients(list, locations);
        let told: Vec<_> = records
            .iter()
            .map(|r| (r.client.id.as_str(), r.client.name.as_str(), r.external.as_deref(), r.sites.len()))
            .collect();
        assert_eq!(
            told,
            [("2", "Fabrikam GmbH", Some("250"), 2), ("3", "3", None, 0), ("10", "Contoso", None, 0)]
        );
    }

    #[test]
    fn groups_are_known_by_their_whole_names() {
        let list: Vec<Group> =
            serde_json::from_str(r#"[{"Id":"1","Name":"Servers","FullName":"Service Plans.Servers"},{"Id":2,"Name":"Laptops","ComputersAutoJoinSearch":{"Id":"5","Name":"On battery"},"ComputersLimitToSearch":true},{"Id":3}]"#)
                .unwrap();
        let rows: Vec<GroupComputer> = serde_json::from_str(
            r#"[{"Id":"1","GroupId":"1","ComputerId":"7"},{"GroupId":2,"ComputerId":7},{"GroupId":"9","ComputerId":"8"}]"#,
        )
        .unwrap();
        let mut groups = Groups::new(list);
        for row in rows {
            groups.join(row);
        }
        let of_seven = groups.take("7");
        let names: Vec<&str> = of_seven.iter().map(String::as_str).collect();
        assert_eq!(names, ["Laptops", "Search: On battery", "Service Plans.Servers"]);
        assert_eq!(*groups.take("8"), BTreeSet::from(["9".to_owned()]));
    }
}
