//! Clients, locations, groups, searches and extra fields of Automate.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::command::number;
use super::list::Few;
use super::{Automate, error, list, member};
use crate::fleet::System;
use crate::wire::{Reply, Request};
use crate::world::{Agent, World, guard};

/// Groups and who is in them; extra fields by target.
#[derive(Debug, Default)]
pub(super) struct Registry {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Names by number, from 2; 1 is `All Agents`.
    groups: BTreeMap<u32, String>,
    /// Rows by number: group and computer.
    members: BTreeMap<u32, (u32, String)>,
    /// By computer: its groups.
    of: BTreeMap<String, BTreeSet<u32>>,
    /// By target, such as `computers/7`, and definition.
    extra: BTreeMap<(String, u32), Value>,
}

const ALL_AGENTS: &str = "All Agents";

impl Inner {
    fn join(&mut self, group: u32, computer: &str) -> u32 {
        self.of.entry(computer.to_owned()).or_default().insert(group);
        let known = self.members.iter().find(|(_, (g, c))| *g == group && c == computer);
        if let Some((id, _)) = known {
            return *id;
        }
        let id = self.members.last_key_value().map_or(1, |(last, _)| last + 1);
        self.members.insert(id, (group, computer.to_owned()));
        id
    }
}

impl Registry {
    pub(super) fn new(world: &World) -> Self {
        let mut inner = Inner::default();
        let mut names: BTreeSet<&str> = BTreeSet::new();
        for machine in &world.machines {
            names.extend(machine.computer.groups.iter().map(String::as_str));
        }
        let by_name: BTreeMap<&str, u32> = names.into_iter().zip(2..).collect();
        inner.groups = by_name.iter().map(|(name, id)| (*id, (*name).to_owned())).collect();
        let mut row = 0;
        for agent in world.agents(System::Automate) {
            let groups = world.computer(agent).map(|computer| &computer.groups);
            for group in groups.into_iter().flatten().filter_map(|name| by_name.get(name.as_str())) {
                row += 1;
                inner.members.insert(row, (*group, agent.id.clone()));
                inner.of.entry(agent.id.clone()).or_default().insert(*group);
            }
        }
        Self { inner: Mutex::new(inner) }
    }
}

/// The definitions of extra fields: number, title and kind.
const EXTRA: &[(u32, &str, &str)] =
    &[(1, "Notes", "text"), (2, "Ring", "dropdown"), (3, "Exclude from maintenance", "checkbox")];
const RINGS: [&str; 3] = ["Pilot", "Broad", "Last"];

impl Automate {
    pub(super) fn clients(&self) -> Vec<Value> {
        let customers = self.world.companies.iter();
        customers
            .map(|customer| {
                let locations: Vec<Value> = customer
                    .sites
                    .iter()
                    .map(|place| json!({ "Id": place.number, "Name": place.name }))
                    .collect();
                let external =
                    customer.company.external_id.map_or_else(|| "0".to_owned(), |id| id.to_string());
                // The company's name is blank on new clients.
                let company =
                    if customer.number.is_multiple_of(3) { "" } else { customer.company.name.as_str() };
                json!({
                    "Id": customer.number.to_string(), "Name": customer.company.name, "Company": company,
                    "City": "", "Country": "", "ExternalId": external, "UsesInHouseSupportStaff": false,
                    "IsHiddenFromAllInclusiveGroup": false, "Locations": locations,
                })
            })
            .collect()
    }

    pub(super) fn locations(&self) -> Vec<Value> {
        let all = self
            .world
            .companies
            .iter()
            .flat_map(|customer| customer.sites.iter().map(move |p| (customer, p)));
        all.map(|(customer, place)| {
            json!({
                "Id": place.number, "Name": place.name, "ExternalId": 0,
                "Client": { "Id": customer.number.to_string(), "Name": customer.company.name },
            })
        })
        .collect()
    }

    pub(super) fn groups(&self) -> Vec<Value> {
        let inner = guard(&self.registry.inner);
        let group = |id: u32, name: &str| {
            json!({
                "Id": id.to_string(), "ParentId": "0", "Name": name, "FullName": name, "TypeId": 1,
                "TypeName": "Service Plan", "SubGroups": [], "Depth": 0, "ComputersAutoJoinSearch": null,
                "ComputersLimitToSearch": false,
            })
        };
        let all = [group(1, ALL_AGENTS)];
        all.into_iter().chain(inner.groups.iter().map(|(id, name)| group(*id, name))).collect()
    }

    /// Who is in which group, without the group of all.
    pub(super) fn group_computers(&self) -> Vec<Value> {
        let inner = guard(&self.registry.inner);
        let row = |(id, (group, computer)): (&u32, &(u32, String))| json!({ "Id": id.to_string(), "GroupId": group.to_string(), "ComputerId": computer });
        inner.members.iter().map(row).collect()
    }

    /// The groups of a computer, as its record names them.
    pub(super) fn groups_of(&self, agent: &Agent) -> Value {
        let inner = guard(&self.registry.inner);
        let named = inner.of.get(&agent.id).into_iter().flatten();
        let named = named.filter_map(|id| Some((id.to_string(), inner.groups.get(id)?.clone())));
        let all = [("1".to_owned(), ALL_AGENTS.to_owned())];
        all.into_iter().chain(named).map(|(id, name)| json!({ "Id": id, "Name": name })).collect()
    }

    /// The computers of a group.
    pub(super) fn in_group(&self, group: u32) -> Vec<Arc<Agent>> {
        let inner = guard(&self.registry.inner);
        let agents = self.world.agents(System::Automate).iter();
        let is_in = |agent: &&Arc<Agent>| {
            group == 1 || inner.of.get(&agent.id).is_some_and(|groups| groups.contains(&group))
        };
        agents.filter(is_in).cloned().collect()
    }

    /// `POST /GroupComputers`, `DELETE /GroupComputers/{id}`.
    pub(super) fn join(&self, request: &Request) -> Reply {
        let Ok(body) = request.json::<Value>() else { return error(400, "The request is invalid.") };
        let (group, computer) = (number(&member(&body, "GroupId")), number(&member(&body, "ComputerId")));
        let (Some(group), Some(computer)) = (group, computer) else {
            return error(400, "GroupId and ComputerId are required.");
        };
        let computer = computer.to_string();
        let mut inner = guard(&self.registry.inner);
        if !inner.groups.contains_key(&group) || self.world.agent(System::Automate, &computer).is_none() {
            return error(404, "The group or the computer does not exist.");
        }
        let id = inner.join(group, &computer);
        Reply::json(&json!({ "Id": id.to_string(), "GroupId": group.to_string(), "ComputerId": computer }))
    }

    pub(super) fn leave(&self, id: &str) -> Reply {
        let mut inner = guard(&self.registry.inner);
        let Some((group, computer)) = id.parse().ok().and_then(|id: u32| inner.members.remove(&id)) else {
            return error(404, "The row does not exist.");
        };
        if let Some(groups) = inner.of.get_mut(&computer) {
            groups.remove(&group);
        }
        Reply::empty(204)
    }

    /// Saved searches.
    pub(super) fn searches() -> Vec<Value> {
        let search = |id: u32, name: &str| json!({ "Id": id.to_string(), "Name": name, "IsReadOnly": true, "SearchType": "AdvancedComputers" });
        vec![search(1, "All Windows Servers"), search(2, "Offline for a week")]
    }

    /// `GET` and `PATCH` of `/{kind}/{id}/ExtraFields[/{definition}]`.
    pub(super) fn extra_fields(
        &self,
        request: &Request,
        kind: &str,
        id: &str,
        definition: Option<&str>,
    ) -> Reply {
        let exists = match kind {
            "computers" => self.world.agent(System::Automate, id).is_some(),
            "clients" => self.world.companies.iter().any(|one| one.number.to_string() == id),
            _ => {
                let mut sites = self.world.companies.iter().flat_map(|one| &one.sites);
                sites.any(|site| site.number.to_string() == id)
            }
        };
        if !exists {
            return error(404, "The target does not exist.");
        }
        let target = format!("{kind}/{id}");
        let definition = definition.map(|text| text.parse::<u32>().unwrap_or_default());
        if definition.is_some_and(|wanted| !EXTRA.iter().any(|(known, ..)| *known == wanted)) {
            return error(404, "The extra field does not exist.");
        }
        if request.method == "PATCH" {
            let Some(definition) = definition else { return error(405, "The method is not allowed.") };
            return self.patch_extra(request, &target, definition);
        }
        let field =
            |(definition, title, kind): &(u32, &str, &str)| self.extra(&target, *definition, title, kind);
        match definition {
            None => {
                let rows = EXTRA.iter().map(field).collect();
                let few = Few::new(rows).with_id("ExtraFieldDefinitionId");
                list::answer(request, &self.world.fleet.automate, &few)
            }
            Some(wanted) => {
                let known = EXTRA.iter().find(|(known, ..)| *known == wanted);
                Reply::json(&known.map(field).unwrap_or_default())
            }
        }
    }

    fn extra(&self, target: &str, definition: u32, title: &str, kind: &str) -> Value {
        let inner = guard(&self.registry.inner);
        let value = inner.extra.get(&(target.to_owned(), definition)).cloned();
        let number = target.rsplit('/').next().and_then(|id| id.parse::<u32>().ok()).unwrap_or_default();
        let mut field = json!({
            "TargetId": number, "ExtraFieldDefinitionId": definition, "Title": title, "Section": "Muster",
            "Tooltip": "", "IsReadOnly": false, "IsEncrypted": false, "IsDefaultValue": value.is_none(),
        });
        let (name, settings) = match kind {
            "text" => (
                "TextFieldSettings",
                json!({ "Value": value.unwrap_or_else(|| "".into()), "IsMasked": false }),
            ),
            "dropdown" => {
                let selected = value.unwrap_or_else(|| "Broad".into());
                let all: BTreeMap<&str, &str> = RINGS.iter().map(|ring| (*ring, *ring)).collect();
                ("DropdownSettings", json!({ "AvailableOptions": all, "SelectedValue": selected }))
            }
            _ => ("CheckboxSettings", json!({ "IsChecked": value.unwrap_or_else(|| false.into()) })),
        };
        if let Some(field) = field.as_object_mut() {
            field.insert(name.to_owned(), settings);
        }
        field
    }

    fn patch_extra(&self, request: &Request, target: &str, definition: u32) -> Reply {
        let Some((_, title, kind)) = EXTRA.iter().find(|(known, ..)| *known == definition) else {
            return error(404, "The extra field does not exist.");
        };
        let path = match *kind {
            "text" => "/TextFieldSettings/Value",
            "dropdown" => "/DropdownSettings/SelectedValue",
            _ => "/CheckboxSettings/IsChecked",
        };
        let Ok(Value::Array(changes)) = request.json::<Value>() else {
            return error(400, "A patch is an array of operations.");
        };
        for change in &changes {
            let operation = member(change, "Op");
            let value = member(change, "Value");
            let right = match *kind {
                "text" => value.is_string(),
                "dropdown" => value.as_str().is_some_and(|text| RINGS.contains(&text)),
                _ => value.is_boolean(),
            };
            let of = member(change, "Path");
            if operation != "replace"
                || !of.as_str().is_some_and(|of| of.eq_ignore_ascii_case(path))
                || !right
            {
                return error(400, &format!("The operation does not fit {path}."));
            }
            guard(&self.registry.inner).extra.insert((target.to_owned(), definition), value);
        }
        Reply::json(&self.extra(target, definition, title, kind))
    }
}
