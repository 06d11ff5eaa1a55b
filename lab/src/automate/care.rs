//! Maintenance modes, fast talk, patches and retired computers of Automate.
//!
//! Invariant: a patch action is asynchronous and gives no id: a job runs for a while, then the counts have changed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::command::number;
use super::token::USER;
use super::{Automate, error, member};
use crate::clock;
use crate::fleet::System;
use crate::wire::{Reply, Request};
use crate::world::{Agent, guard};

/// What is remembered by computer.
#[derive(Debug, Default)]
pub(super) struct Care {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    fast: BTreeSet<String>,
    /// Since when, for how many minutes, and in which mode.
    maintenance: BTreeMap<String, (Timestamp, u32, u32)>,
    patches: BTreeMap<String, Patches>,
    retired: BTreeMap<String, Timestamp>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Patches {
    installed: u32,
    missing: u32,
    running: bool,
    at: Option<Timestamp>,
}

/// How many patches a computer has from the beginning.
const INSTALLED: u32 = 100;

impl Automate {
    pub(super) fn is_fast(&self, agent: &Agent) -> bool {
        guard(&self.care.inner).fast.contains(&agent.id)
    }

    pub(super) fn set_fast(&self, agent: &Agent, on: bool) {
        let mut inner = guard(&self.care.inner);
        if on {
            inner.fast.insert(agent.id.clone());
        } else {
            inner.fast.remove(&agent.id);
        }
    }

    pub(super) fn is_retired(&self, agent: &Agent) -> bool {
        guard(&self.care.inner).retired.contains_key(&agent.id)
    }

    /// `DELETE /Computers/{id}`.
    pub(super) fn retire(&self, agent: &Agent) -> Reply {
        if let Some(denied) = self.denied("Computers.Delete") {
            return denied;
        }
        guard(&self.care.inner).retired.insert(agent.id.clone(), self.world.server_now());
        Reply::empty(204)
    }

    pub(super) fn retired(&self) -> Vec<Value> {
        let inner = guard(&self.care.inner);
        let row = |(number, (id, at)): (u32, (&String, &Timestamp))| {
            let agent = self.world.agent(System::Automate, id);
            let name = agent.map(|agent| agent.name.clone());
            json!({ "Id": number.to_string(), "ComputerName": name, "RetiredDate": clock::whole(*at), "ComputerId": id })
        };
        (1..).zip(&inner.retired).map(row).collect()
    }

    fn until((since, minutes, _): &(Timestamp, u32, u32)) -> Timestamp {
        clock::shifted(*since, i64::from(*minutes) * 60)
    }

    pub(crate) fn in_maintenance(&self, agent: &Agent) -> bool {
        let now = self.world.server_now();
        guard(&self.care.inner).maintenance.get(&agent.id).is_some_and(|mode| now < Self::until(mode))
    }

    /// `GET /Computers/MaintenanceModes`: those that are on.
    pub(super) fn maintenance(&self) -> Vec<Value> {
        let now = self.world.server_now();
        let inner = guard(&self.care.inner);
        let on = inner.maintenance.iter().filter(|(_, mode)| now < Self::until(mode));
        on.map(|(id, (since, minutes, mode))| {
            json!({
                "ComputerID": id.parse::<u32>().unwrap_or_default(), "TimeStart": clock::whole(*since),
                "Duration": minutes, "Mode": mode, "UserID": USER,
            })
        })
        .collect()
    }

    /// Switches maintenance mode on for so many minutes, which a script does.
    pub(crate) fn begin_maintenance(&self, agent: &Agent, minutes: u32) {
        let since = self.world.server_now();
        guard(&self.care.inner).maintenance.insert(agent.id.clone(), (since, minutes, 1));
    }

    /// Switches it off; nothing where it is off.
    pub(crate) fn end_maintenance(&self, agent: &Agent) {
        guard(&self.care.inner).maintenance.remove(&agent.id);
    }

    fn patches(&self, agent: &Agent) -> Patches {
        let missing = self.world.computer(agent).map(|one| one.missing_patches).unwrap_or_default();
        let default = Patches { installed: INSTALLED, missing, ..Patches::default() };
        guard(&self.care.inner).patches.get(&agent.id).copied().unwrap_or(default)
    }

    /// `GET /Computers/{id}/PatchingStats`.
    pub(super) fn patching_stats(&self, agent: &Agent) -> Reply {
        if let Some(denied) = self.denied("Patch Manager.Read") {
            return denied;
        }
        let patches = self.patches(agent);
        let all = f64::from(patches.installed + patches.missing).max(1.0);
        let last = clock::whole(patches.at.unwrap_or(agent.since));
        Reply::json(&json!({
            "ComputerId": agent.id.parse::<u32>().unwrap_or_default(),
            "OverallCompliance": f64::from(patches.installed) / all * 100.0,
            "InstalledPatchCount": patches.installed, "MissingPatchCount": patches.missing, "FailedPatchCount": 0,
            "CompliantSoftwareCount": 0, "NonCompliantSoftwareCount": 0, "FailedSoftwareCount": 0,
            "IncorrectSoftwareCount": 0, "Stage": "Production", "NoPatchInventory": false, "WSUSEnabled": false,
            "PatchJobRunning": patches.running, "DaytimePatchingEnabled": false, "WUAOutOfDate": false,
            "MissingBaselinePatches": false, "WUAVersion": "10.0", "LastPatchedDate": last,
            "LastPatchInventory": last, "IsMicrosoftManaged": true, "IsThirdPartyManaged": false,
        }))
    }

    /// `POST /PatchActions/…`.
    pub(super) fn patch_action(self: &Arc<Self>, request: &Request, action: &str) -> Reply {
        if let Some(denied) = self.denied("Patch Manager.Read") {
            return denied;
        }
        let Ok(body) = request.json::<Value>() else { return error(400, "The request is invalid.") };
        let (kind, id) = (number(&member(&body, "EntityType")), number(&member(&body, "EntityId")));
        let (Some(kind), Some(id)) = (kind, id) else {
            return error(400, "EntityType and EntityId are required, and are numbers.");
        };
        let agents = self.world.agents(System::Automate).iter();
        let placed = |wanted: fn(&crate::world::Customer, &crate::world::Place) -> usize| {
            let fits = |agent: &&Arc<Agent>| {
                self.world
                    .place(agent)
                    .is_some_and(|(company, site)| wanted(company, site).to_string() == id.to_string())
            };
            agents.clone().filter(fits).cloned().collect::<Vec<_>>()
        };
        let targets = match kind {
            1 => self.world.agent(System::Automate, &id.to_string()).cloned().into_iter().collect(),
            2 => placed(|_, site| site.number),
            3 => placed(|company, _| company.number),
            7 => self.in_group(id),
            _ => return error(400, "The entity type is not supported."),
        };
        if targets.is_empty() {
            return error(404, "The entity does not exist.");
        }
        if action.starts_with("deployall") || action == "reattemptfailed" {
            for agent in targets {
                self.deploy(&agent);
            }
        }
        Reply::empty(204)
    }

    fn deploy(self: &Arc<Self>, agent: &Arc<Agent>) {
        let automate = Arc::clone(self);
        let of = Arc::clone(agent);
        let set = move |automate: &Self, change: &dyn Fn(&mut Patches)| {
            let mut patches = automate.patches(&of);
            change(&mut patches);
            guard(&automate.care.inner).patches.insert(of.id.clone(), patches);
        };
        set(self, &|patches| patches.running = true);
        let wait = Duration::from_millis(self.world.fleet.automate.patch_job_ms);
        let work = async move {
            tokio::time::sleep(wait).await;
            let now = automate.world.server_now();
            set(&automate, &|patches| {
                patches.installed += patches.missing;
                patches.missing = 0;
                patches.running = false;
                patches.at = Some(now);
            });
        };
        self.world.queue(agent, Box::pin(work));
    }
}
