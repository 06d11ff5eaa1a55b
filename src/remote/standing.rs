//! How one computer stands: its policies, what they need on it, how far that is, and the agent that sessions go through.
//!
//! Not here: the rules for settings ([`super::effective`]) and for people ([`super::access`]); reading what is remembered.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;
use serde::Serialize;

use super::access::Asked;
use super::effective::{Conflict, Effective, applied, effective};
use super::status::{Known, Status, status};
use crate::config::Config;
use crate::config::model::{Deployment, Needed};
use crate::diagnostic::Place;
use crate::id::{AgentId, ComputerId, Name};
use crate::inventory::item::{Detection, ItemKey};
use crate::inventory::snapshot::{Computer, Snapshot};
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
    /// What was said of those that did not end well.
    pub said: BTreeMap<ItemKey, String>,
    /// When items were tried first, where that was looked up.
    pub tried: BTreeMap<ItemKey, Timestamp>,
}

impl Remembered {
    /// The results that did not end well.
    pub fn failures(&self) -> impl Iterator<Item = &ItemResult> {
        let is_failure =
            |result: &&ItemResult| matches!(result.result, ActionResult::Failed | ActionResult::Undetermined);
        self.results.iter().filter(is_failure)
    }
}

/// The deployments of policies, each with the computers that it is for.
#[derive(Debug, Clone)]
pub struct Reach<'c>(Vec<Reached<'c>>);

#[derive(Debug, Clone)]
struct Reached<'c> {
    name: &'c Name,
    needed: &'c Needed,
    deployment: &'c Deployment,
    computers: RoaringBitmap,
}

impl<'c> Reach<'c> {
    /// Works it out for all computers at once.
    #[must_use]
    pub fn of(config: &'c Config, snapshot: &Snapshot) -> Self {
        let all = config.remote.deployments.iter().filter_map(|(name, needed)| {
            let deployment = config.deployments.get(name)?;
            let resolved = targets::resolve(&deployment.expression, config, None).ok()?;
            let computers = targets::evaluate(&resolved, snapshot).certain;
            Some(Reached { name, needed, deployment, computers })
        });
        Self(all.collect())
    }
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
    reach: &Reach<'_>,
    ix: u32,
    remembered: &Remembered,
) -> Result<Option<Standing>, Box<Conflict>> {
    let Some(computer) = snapshot.get(ix) else { return Ok(None) };
    let sites = snapshot.related().sites_of(ix);
    let here = computer.tenant.as_ref().map(|tenant| applied(&config.remote, tenant, &sites));
    let effective = effective(&here.unwrap_or_default())?;
    let wanted: Vec<&Reached<'_>> = reach.0.iter().filter(|reached| reached.computers.contains(ix)).collect();
    let known: Vec<Known<'_>> = wanted.iter().map(|reached| known(reached.deployment, remembered)).collect();
    let needs = wanted.iter().zip(&known).map(|(reached, known)| Needs {
        policy: reached.needed.policy.clone(),
        deployment: reached.name.clone(),
        item: reached.deployment.item.clone(),
        place: reached.deployment.place.clone(),
        there: known.is_there(),
        asks: reached.needed.asks,
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

/// What is known of a deployment's item on the computer.
fn known<'a>(deployment: &'a Deployment, remembered: &'a Remembered) -> Known<'a> {
    let item = &deployment.item;
    let seen = remembered.detections.iter().filter(|seen| seen.item == *item).max_by_key(|seen| seen.at);
    let failed = remembered.failures().find(|result| result.item == *item);
    let said = remembered.said.get(item).map_or("nothing was said of it", String::as_str);
    Known {
        desired: &deployment.desired,
        seen: seen.map(|seen| (seen.at, &seen.observed)),
        failed: failed.map(|result| (result.at, said)),
        tried: remembered.tried.get(item).copied(),
    }
}

/// The agent of a provider on a computer: the best of its own or, where agents were not recognised over providers, that of
/// the one computer of the same name and tenant which this provider lists.
fn agent(snapshot: &Snapshot, ix: u32, provider: &Name) -> Option<AgentId> {
    let computer = snapshot.get(ix)?;
    if let Some(agent) = best(computer, provider) {
        return Some(agent.clone());
    }
    // Two that were both recognised are two.
    let may_be_it = |other: &&Computer| {
        other.tenant == computer.tenant && (computer.routes().is_empty() || other.routes().is_empty())
    };
    let same = snapshot.called(&computer.name).into_iter().filter_map(|ix| snapshot.get(ix));
    let agents: Vec<&AgentId> = same.filter(may_be_it).filter_map(|other| best(other, provider)).collect();
    match agents.as_slice() {
        [one] if computer.tenant.is_some() => Some((*one).clone()),
        _ => None,
    }
}

/// Of the agents that a provider has on a computer the one that is online, or might be; of equal ones the first.
fn best<'c>(computer: &'c Computer, provider: &Name) -> Option<&'c AgentId> {
    if computer.routes().is_empty() {
        return (computer.provider == *provider).then_some(&computer.agent);
    }
    let own = computer.routes().iter().filter(|route| route.key.provider == *provider);
    own.min_by_key(|route| route.presence.rank()).map(|route| &route.key.agent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::known::{AgentKey, Presence, Route};
    use crate::inventory::snapshot::tests::{config, known};

    fn name(text: &str) -> Name {
        Name::new(text).expect("a name")
    }

    /// The agent of `control` on the computer of an RMM that is called pc and has these agents besides; `beside`: Control
    /// lists a computer of that name apart, which has been recognised or not.
    fn agent_of(agents: &[(&str, &str, Presence)], beside: Option<bool>) -> Option<String> {
        let route = |(provider, agent, presence): &(&str, &str, Presence)| Route {
            key: AgentKey { provider: name(provider), agent: AgentId::new(*agent) },
            presence: *presence,
        };
        let mut one = known("rmm", "r1", "pc", Some("contoso"));
        one.agents = (!agents.is_empty()).then(|| agents.iter().map(route).collect());
        let mut all = vec![one];
        if let Some(is_recognised) = beside {
            let mut other = known("control", "c9", "pc", Some("contoso"));
            let own = [route(&("control", "c9", Presence::Online))];
            other.agents = is_recognised.then(|| Box::from(own));
            all.push(other);
        }
        let (snapshot, _) = Snapshot::build(&config(), all, BTreeMap::new());
        let ix = snapshot.all().iter().find(|ix| snapshot.computer(*ix).provider.as_str() == "rmm")?;
        agent(&snapshot, ix, &name("control")).map(|agent| agent.to_string())
    }

    #[test]
    fn sessions_go_through_the_best_agent_of_the_computer_itself() {
        use Presence::{Offline, Online, Unknown};
        let (r1, c1, c2) = (
            ("rmm", "r1", Online),
            |presence| ("control", "c1", presence),
            |presence| ("control", "c2", presence),
        );
        assert_eq!(agent_of(&[r1, c1(Offline), c2(Online)], None).as_deref(), Some("c2"));
        assert_eq!(agent_of(&[r1, c1(Offline), c2(Unknown)], Some(true)).as_deref(), Some("c2"));
        assert_eq!(agent_of(&[r1, c1(Online), c2(Online)], None).as_deref(), Some("c1"));
        assert_eq!(agent_of(&[r1], None), None);
    }

    #[test]
    fn a_computer_of_the_same_name_is_the_same_only_where_nobody_has_told_them_apart() {
        let recognised = [("rmm", "r1", Presence::Online)];
        assert_eq!(agent_of(&[], Some(false)).as_deref(), Some("c9"));
        assert_eq!(agent_of(&recognised, Some(false)).as_deref(), Some("c9"));
        assert_eq!(agent_of(&recognised, Some(true)), None, "these are two computers");
    }
}
