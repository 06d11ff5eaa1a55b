//! How one computer stands: its policies, what they need on it, how far that is, and the agent that sessions go through.
//!
//! Not here: the rules for settings ([`super::effective`]) and for people ([`super::access`]); reading what is remembered.

use std::collections::BTreeMap;

use serde::Serialize;

use super::access::Asked;
use super::effective::{Conflict, Effective, applied, effective};
use super::status::{Known, Status, status};
use crate::config::Config;
use crate::config::model::Deployment;
use crate::diagnostic::Place;
use crate::id::{AgentId, ComputerId, Name};
use crate::inventory::item::{Detection, ItemKey};
use crate::inventory::snapshot::Snapshot;
use crate::session::stage::{ActionResult, ItemResult};
use crate::targets;
use crate::time::Timestamp;

/// What is remembered of one computer.
#[derive(Debug, Clone, Default)]
pub struct Remembered {
    /// The last detections of its items.
    pub detections: Vec<Detection>,
    /// The last results of its items.
    pub results: Vec<ItemResult>,
    /// When items were tried first, and what was said of the last attempt.
    pub tried: BTreeMap<ItemKey, (Timestamp, Option<String>)>,
}

/// An item that a policy needs on the computer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Needs {
    /// The policy.
    pub policy: Name,
    /// The deployment.
    pub deployment: Name,
    /// The item.
    pub item: ItemKey,
    /// Where the policy says so.
    pub place: Place,
    /// Whether it was last seen as it is wanted.
    pub there: bool,
    #[serde(skip)]
    asks: bool,
}

/// How a computer stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// The computer.
    pub computer: ComputerId,
    /// Its name.
    pub name: String,
    /// Its tenant.
    pub tenant: Option<Name>,
    /// Its sites, in lower case.
    pub sites: Vec<String>,
    /// What holds; `None` where no policy does.
    pub effective: Option<Effective>,
    /// What the policies need.
    pub needs: Vec<Needs>,
    /// How far it is.
    #[serde(flatten)]
    pub status: Status,
    /// The agent of the provider of sessions.
    pub agent: Option<AgentId>,
}

impl Standing {
    /// What the rules for people ask of a computer.
    #[must_use]
    pub fn asked(&self) -> Asked<'_> {
        Asked {
            effective: self.effective.as_ref(),
            status: &self.status,
            agent_asks: self.needs.iter().any(|needs| needs.asks && needs.there),
            has_agent: self.agent.is_some(),
        }
    }
}

/// Works out how the computer at a position stands. `None` when there is none.
///
/// # Errors
/// [`Conflict`] where it is at several sites whose policies contradict each other; those of one site do not.
pub fn standing(
    config: &Config,
    snapshot: &Snapshot,
    ix: u32,
    remembered: &Remembered,
) -> Result<Option<Standing>, Conflict> {
    let Some(computer) = snapshot.get(ix) else { return Ok(None) };
    let sites = snapshot.related().sites_of(ix);
    let here = computer.tenant.as_ref().map(|tenant| applied(&config.remote, tenant, &sites));
    let effective = effective(&here.unwrap_or_default())?;
    let wanted = wanted(config, snapshot, ix);
    let known: Vec<Known<'_>> = wanted.iter().map(|(.., deployment)| known(deployment, remembered)).collect();
    let needs = wanted.iter().zip(&known).map(|((name, needed, deployment), known)| Needs {
        policy: needed.policy.clone(),
        deployment: (*name).clone(),
        item: deployment.item.clone(),
        place: deployment.place.clone(),
        there: known.is_there(),
        asks: needed.asks,
    });
    let agent = effective.as_ref().and_then(|effective| agent(snapshot, ix, &effective.provider.value));
    Ok(Some(Standing {
        computer: computer.id.clone(),
        name: computer.name.clone(),
        tenant: computer.tenant.clone(),
        sites: sites.into_iter().map(str::to_owned).collect(),
        status: status(effective.is_some(), &known),
        needs: needs.collect(),
        effective,
        agent,
    }))
}

type Wanted<'c> = (&'c Name, &'c crate::config::model::Needed, &'c Deployment);

/// The deployments of policies that are for a computer.
fn wanted<'c>(config: &'c Config, snapshot: &Snapshot, ix: u32) -> Vec<Wanted<'c>> {
    let all = config.remote.deployments.iter();
    let all = all.filter_map(|(name, needed)| Some((name, needed, config.deployments.get(name)?)));
    let is_for = |deployment: &Deployment| {
        targets::resolve(&deployment.expression, config, None)
            .is_ok_and(|resolved| targets::evaluate(&resolved, snapshot).certain.contains(ix))
    };
    all.filter(|(.., deployment)| is_for(deployment)).collect()
}

/// What is known of a deployment's item on the computer.
fn known<'a>(deployment: &'a Deployment, remembered: &'a Remembered) -> Known<'a> {
    let item = &deployment.item;
    let seen = remembered.detections.iter().filter(|seen| seen.item == *item).max_by_key(|seen| seen.at);
    let failed = remembered.results.iter().find(|result| {
        result.item == *item && matches!(result.result, ActionResult::Failed | ActionResult::Undetermined)
    });
    let tried = remembered.tried.get(item);
    let said = tried.and_then(|(_, said)| said.as_deref()).unwrap_or("nothing was said of it");
    Known {
        desired: &deployment.desired,
        seen: seen.map(|seen| (seen.at, &seen.observed)),
        failed: failed.map(|result| (result.at, said)),
        tried: tried.map(|(at, _)| *at),
    }
}

/// The agent of a provider on a computer: its own, or that of the one computer of the same name and tenant which this
/// provider lists.
fn agent(snapshot: &Snapshot, ix: u32, provider: &Name) -> Option<AgentId> {
    let computer = snapshot.get(ix)?;
    if computer.provider == *provider {
        return Some(computer.agent.clone());
    }
    let same = snapshot.called(&computer.name).into_iter().filter_map(|ix| snapshot.get(ix));
    let same = same.filter(|other| other.provider == *provider && other.tenant == computer.tenant);
    let agents: Vec<&AgentId> = same.map(|other| &other.agent).collect();
    match agents.as_slice() {
        [one] if computer.tenant.is_some() => Some((*one).clone()),
        _ => None,
    }
}
