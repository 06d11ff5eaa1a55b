//! The facts that rules are asked about: from a plan, a snapshot and a configuration to the words of the vocabulary.
//!
//! Invariants: every word of the vocabulary has a value (a test compares); computers are put together wherever a rule
//! cannot tell them apart, so that a rule is asked once for each kind of computer and not once for each computer.

mod documents;
mod scripts;
mod secrets;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use roaring::RoaringBitmap;
use serde_json::{Map, Value, json};

pub use documents::{deployments, software};
pub use scripts::scripts;

use self::documents::deployment_facts;
use super::hours;
use super::tally::{Counts, Tally};
use super::verdict::Stage;
use crate::config::Config;
use crate::config::kind::{ItemRef, Metadata, Mode};
use crate::config::safety::{ProtectedKey, ProtectedKind};
use crate::diagnostic::Place;
use crate::id::{ComputerId, Name};
use crate::inventory::facts::{OsFamily, Role};
use crate::inventory::item::{ItemKey, ItemKind};
use crate::inventory::snapshot::Snapshot;
use crate::plan::document::{ActionType, Change, Plan};
use crate::plan::effects;
use crate::policy::language::machine::Fact;
use crate::session::script::Platform;
use crate::time::Timestamp;

/// Something that a rule is asked about.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Its words by their roots.
    pub facts: Vec<(&'static str, Fact)>,
    /// What it is called.
    pub label: String,
    /// Where it is declared.
    pub about: Option<Place>,
    /// The deployment that it is, or comes from.
    pub deployment: Option<Name>,
    /// The item that it is, or is about.
    pub item: Option<ItemRef>,
    /// The tenants of its computers; `None` for computers without one.
    pub tenants: BTreeSet<Option<Name>>,
    /// Positions of its computers in the plan.
    pub computers: RoaringBitmap,
}

impl Subject {
    pub(super) fn new(label: String, facts: Vec<(&'static str, Fact)>) -> Self {
        Self {
            facts,
            label,
            about: None,
            deployment: None,
            item: None,
            tenants: BTreeSet::new(),
            computers: RoaringBitmap::new(),
        }
    }
}

/// What rules about plans are asked about.
#[derive(Debug)]
pub struct PlanFacts<'a> {
    config: &'a Config,
    snapshot: &'a Snapshot,
    plan: &'a Plan,
    tally: &'a Tally,
    now: Timestamp,
    /// Position in the snapshot of each computer of the plan.
    positions: Vec<Option<u32>>,
}

/// The words that hold in every rule.
#[must_use]
pub fn common(config: &Config, stage: Stage, now: Timestamp) -> Vec<(&'static str, Fact)> {
    let instance = &config.instance;
    let facts = json!({
        "name": instance.metadata.name.as_str(),
        "labels": labels(&instance.metadata),
        "mode": instance.mode.to_string(),
    });
    vec![
        ("instance", Fact::new(&facts)),
        ("now", Fact::new(&hours::now(now, &config.safety.zone.0))),
        ("stage", Fact::new(&Value::from(stage.as_str()))),
    ]
}

impl<'a> PlanFacts<'a> {
    /// Looks up the plan's computers.
    #[must_use]
    pub fn new(
        config: &'a Config,
        snapshot: &'a Snapshot,
        plan: &'a Plan,
        tally: &'a Tally,
        now: Timestamp,
    ) -> Self {
        let positions = plan.computers.iter().map(|computer| snapshot.position(&computer.id)).collect();
        Self { config, snapshot, plan, tally, now, positions }
    }

    /// `plan`.
    #[must_use]
    pub fn plan(&self) -> Value {
        let Counts { scope, computers, actions, removals, interruptions, reboots } = self.tally.run;
        let kinds = self.groups().len();
        let tenants: Vec<&str> = self
            .tally
            .tenants
            .iter()
            .filter(|(_, counts)| counts.computers > 0)
            .filter_map(|(tenant, _)| tenant.as_ref().map(Name::as_str))
            .collect();
        json!({
            "scope": scope,
            "computers": computers,
            "percent": self.tally.run.percent(),
            "tenants": tenants,
            "actions": actions,
            "changes": kinds,
            "removals": removals,
            "interruptions": interruptions,
            "reboots": reboots,
            "unreachable": self.plan.coverage.unreachable,
            "incomplete": self.plan.coverage.incomplete,
            "commit": self.plan.revision.commit.as_ref().map_or("", |commit| commit.as_str()),
            "dirty": self.plan.revision.dirty,
            "limited": !self.plan.options.only.is_empty() || self.plan.options.schedule.is_some(),
        })
    }

    /// The plan as a whole.
    #[must_use]
    pub fn whole(&self) -> Subject {
        Subject::new("the plan".to_owned(), Vec::new())
    }

    /// Changes by item, action and deployment. What is there before and why it is done do not tell them apart, so that a
    /// limit cannot be passed by in pieces.
    fn groups(&self) -> BTreeMap<(&ItemKey, ActionType, &Name), Vec<usize>> {
        let mut groups: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (at, change) in self.plan.changes.iter().enumerate().filter(|(_, change)| effects::acts(change)) {
            let key = (&change.item, change.action, &change.deployment.name);
            groups.entry(key).or_default().push(at);
        }
        groups
    }

    /// What one deployment does to one item.
    #[must_use]
    pub fn changes(&self) -> Vec<Subject> {
        self.groups()
            .into_iter()
            .filter_map(|((item, action, _), ats)| self.change(item, action, &ats))
            .collect()
    }

    fn change(&self, item: &ItemKey, action: ActionType, ats: &[usize]) -> Option<Subject> {
        let action = word(action);
        let changes: Vec<_> = ats.iter().filter_map(|at| self.plan.changes.get(*at)).collect();
        let first = *changes.first()?;
        let mut computers = RoaringBitmap::new();
        for change in &changes {
            computers.extend(effects::computers(change));
        }
        let known: RoaringBitmap = computers.iter().filter_map(|at| self.position(at)).collect();
        let tenants: BTreeSet<Option<Name>> = computers.iter().map(|at| self.tenant(at).cloned()).collect();
        let roles = self.snapshot.roles();
        let of_role = |role: Role| roles.with(&role).intersection_len(&known);
        let role_words: Vec<String> =
            roles.iter().filter(|(_, set)| !set.is_disjoint(&known)).map(|(role, _)| word(role)).collect();
        let controllers = (roles.with(&Role::DomainController) | roles.with(&Role::PrimaryDomainController))
            .intersection_len(&known);
        let each = |of: &dyn Fn(&Change) -> String| -> Vec<String> {
            let set: BTreeSet<String> =
                changes.iter().map(|change| of(change)).filter(|text| !text.is_empty()).collect();
            set.into_iter().collect()
        };
        let deployment = match self.config.deployments.get(&first.deployment.name) {
            Some(deployment) => deployment_facts(self.config, deployment),
            None => super::language::vocabulary::neutral_root("deployment"),
        };
        let facts = json!({
            "item": item.name.as_str(),
            "instance": item.instance.as_ref().map_or("", Name::as_str),
            "kind": word(item.kind),
            "title": first.title,
            "action": action,
            "reasons": each(&|change| word(change.reason)),
            "causes": each(&|change| word(change.cause)),
            "versions": each(&|change| change.version.clone().unwrap_or_default()),
            "before": each(&|change| effects::seen(&change.before)),
            "after": each(&|change| effects::seen(&change.after)),
            "computers": computers.len(),
            "percent": (computers.len() * 100).checked_div(self.tally.run.scope).unwrap_or_default(),
            "tenants": tenants.iter().flatten().map(Name::as_str).collect::<Vec<_>>(),
            "roles": role_words,
            "servers": of_role(Role::Server),
            "domainControllers": controllers,
            "removes": effects::removes(first),
            "interrupts": changes.iter().any(|change| effects::interrupts(change)),
            "restarts": changes.iter().any(|change| effects::restarts(change)),
            "prerequisiteOf": first.needed_by.as_ref().map_or("", |item| item.name.as_str()),
            "deployment": deployment,
        });
        let deployment = Fact::new(&deployment);
        Some(Subject {
            about: Some(first.deployment.place.clone()),
            deployment: Some(first.deployment.name.clone()),
            item: item_ref(item),
            tenants,
            computers,
            ..Subject::new(
                format!("{action} of {item}"),
                vec![("change", Fact::new(&facts)), ("deployment", deployment)],
            )
        })
    }

    /// Tenants with something to do.
    #[must_use]
    pub fn tenants(&self) -> Vec<Subject> {
        let busy = self.tally.tenants.iter().filter(|(_, counts)| counts.computers > 0);
        busy.map(|(tenant, _)| {
            let label = tenant
                .as_ref()
                .map_or_else(|| "computers without a tenant".to_owned(), |n| format!("tenant {n}"));
            let about =
                tenant.as_ref().and_then(|name| self.config.tenants.get(name)).map(|t| t.place.clone());
            let facts = vec![("tenant", self.tenant_facts(tenant.as_ref())), self.now_of(tenant.as_ref())];
            Subject { about, tenants: BTreeSet::from([tenant.clone()]), ..Subject::new(label, facts) }
        })
        .collect()
    }

    fn now_of(&self, tenant: Option<&Name>) -> (&'static str, Fact) {
        ("now", Fact::new(&hours::now(self.now, hours::zone_of(&self.config.safety, tenant))))
    }

    fn tenant_facts(&self, name: Option<&Name>) -> Fact {
        let tenant = name.and_then(|name| self.config.tenants.get(name));
        let counts = self.tally.tenants.get(&name.cloned()).copied().unwrap_or_default();
        let open =
            hours::of_tenant(&self.config.safety, name).is_some_and(|hours| hours::is_open(hours, self.now));
        let protected = |name: &Name| {
            let key = ProtectedKey { kind: ProtectedKind::Tenant, name: name.clone() };
            self.config.safety.protected.contains_key(&key)
        };
        Fact::new(&json!({
            "name": name.map_or("", Name::as_str),
            "title": tenant.and_then(|tenant| tenant.metadata.title.as_deref()).unwrap_or_default(),
            "labels": tenant.map(|tenant| labels(&tenant.metadata)).unwrap_or_default(),
            "tags": tenant.map(|tenant| tenant.tags.iter().collect::<Vec<_>>()).unwrap_or_default(),
            "parent": tenant.and_then(|tenant| tenant.parent.as_ref()).map_or("", Name::as_str),
            "mode": tenant.map_or(Mode::Enforce, |tenant| tenant.mode).to_string(),
            "businessHours": open,
            "protected": name.is_some_and(protected),
            "scope": counts.scope,
            "computers": counts.computers,
            "percent": counts.percent(),
            "removals": counts.removals,
            "interruptions": counts.interruptions,
            "reboots": counts.reboots,
        }))
    }

    /// Computers with something to do, those put together that have the same facts; with `by_name` each for itself.
    #[must_use]
    pub fn computers(&self, by_name: bool) -> Vec<Subject> {
        let sets = self.sets();
        let mut groups: BTreeMap<Alike<'_>, RoaringBitmap> = BTreeMap::new();
        for (changes, computers) in &sets {
            for at in computers {
                groups.entry(self.alike(at, changes, by_name)).or_default().insert(at);
            }
        }
        groups
            .into_iter()
            .map(|(alike, computers)| {
                let mut facts = vec![
                    ("computer", self.computer_facts(&alike)),
                    ("tenant", self.tenant_facts(alike.tenant)),
                ];
                facts.push(self.now_of(alike.tenant));
                Subject {
                    tenants: BTreeSet::from([alike.tenant.cloned()]),
                    computers,
                    ..Subject::new(String::new(), facts)
                }
            })
            .collect()
    }

    /// Computers of the plan by the set of what acts on them.
    fn sets(&self) -> BTreeMap<Vec<usize>, RoaringBitmap> {
        let mut of_computer: Vec<Vec<usize>> = vec![Vec::new(); self.plan.computers.len()];
        for (at, change) in self.plan.changes.iter().enumerate().filter(|(_, change)| effects::acts(change)) {
            for position in effects::computers(change) {
                if let Some(changes) =
                    usize::try_from(position).ok().and_then(|position| of_computer.get_mut(position))
                {
                    changes.push(at);
                }
            }
        }
        let mut sets: BTreeMap<Vec<usize>, RoaringBitmap> = BTreeMap::new();
        for (position, changes) in (0_u32..).zip(of_computer).filter(|(_, changes)| !changes.is_empty()) {
            sets.entry(changes).or_default().insert(position);
        }
        sets
    }

    fn alike<'s>(&'s self, at: u32, changes: &'s [usize], by_name: bool) -> Alike<'s> {
        let computer = usize::try_from(at).ok().and_then(|at| self.plan.computers.get(at));
        let known = self.position(at).and_then(|ix| self.snapshot.get(ix).map(|computer| (ix, computer)));
        let protected = known.and_then(|(_, known)| known.document.as_ref()).is_some_and(|document| {
            let key = ProtectedKey { kind: ProtectedKind::Computer, name: document.clone() };
            self.config.safety.protected.contains_key(&key)
        });
        let (roles, os) = match known {
            Some((ix, _)) => (
                self.snapshot
                    .roles()
                    .iter()
                    .filter(|(_, set)| set.contains(ix))
                    .map(|(role, _)| *role)
                    .collect(),
                self.snapshot.families().iter().find(|(_, set)| set.contains(ix)).map(|(family, _)| *family),
            ),
            None => (BTreeSet::new(), None),
        };
        Alike {
            name: computer.filter(|_| by_name).map(|computer| computer.name.as_str()),
            tenant: computer.and_then(|computer| computer.tenant.as_ref()),
            provider: computer.map(|computer| &computer.provider),
            platform: computer.map(|computer| computer.platform),
            roles,
            os,
            tags: known.map(|(_, known)| &*known.tags),
            protected,
            changes,
        }
    }

    fn computer_facts(&self, alike: &Alike<'_>) -> Fact {
        let changes: Vec<_> = alike.changes.iter().filter_map(|at| self.plan.changes.get(*at)).collect();
        let actions: BTreeSet<String> = changes.iter().map(|change| word(change.action)).collect();
        let items: BTreeSet<&str> = changes.iter().map(|change| change.item.name.as_str()).collect();
        let removes = changes.iter().filter(|change| effects::removes(change));
        let removes: BTreeSet<&str> = removes.map(|change| change.item.name.as_str()).collect();
        Fact::new(&json!({
            "name": alike.name.unwrap_or_default(),
            "roles": alike.roles.iter().map(word).collect::<Vec<_>>(),
            "os": alike.os.map(word).unwrap_or_default(),
            "platform": alike.platform.map(word).unwrap_or_default(),
            "provider": alike.provider.map_or("", Name::as_str),
            "tags": alike.tags.map(|tags| tags.iter().collect::<Vec<_>>()).unwrap_or_default(),
            "protected": alike.protected,
            "actions": actions,
            "items": items,
            "removes": removes,
            "interrupts": changes.iter().any(|change| effects::interrupts(change)),
            "restarts": changes.iter().any(|change| effects::restarts(change)),
        }))
    }

    /// The names of computers of the plan.
    #[must_use]
    pub fn names(&self, computers: &RoaringBitmap) -> Vec<&'a str> {
        computers.iter().filter_map(|at| self.name(at)).collect()
    }

    /// The name of a computer of the plan.
    #[must_use]
    pub fn name(&self, at: u32) -> Option<&'a str> {
        usize::try_from(at)
            .ok()
            .and_then(|at| self.plan.computers.get(at))
            .map(|computer| computer.name.as_str())
    }

    /// The computers that words of exceptions, in lower case, fit: by id, else by `provider/name`, else by name. All that are
    /// known are looked at, so that a run that is limited does not make a name unique.
    #[must_use]
    pub fn called<'w>(&self, words: &BTreeSet<&'w str>) -> BTreeMap<&'w str, BTreeSet<&'a ComputerId>> {
        let (snapshot, plan) = (self.snapshot, self.plan);
        let known = snapshot.iter().map(|(_, known)| (&known.id, &*known.name, &known.provider));
        let planned = plan.computers.iter().map(|known| (&known.id, &*known.name, &known.provider));
        let mut found: BTreeMap<&'w str, [BTreeSet<&'a ComputerId>; 3]> = BTreeMap::new();
        if !words.is_empty() {
            for (id, name, provider) in known.chain(planned) {
                let forms = [id.to_string(), format!("{provider}/{name}"), name.to_owned()];
                for (rank, form) in forms.into_iter().enumerate() {
                    let Some(word) = words.get(form.to_lowercase().as_str()) else { continue };
                    if let Some(set) = found.entry(*word).or_default().get_mut(rank) {
                        set.insert(id);
                    }
                }
            }
        }
        let best = |sets: [BTreeSet<&'a ComputerId>; 3]| sets.into_iter().find(|set| !set.is_empty());
        found.into_iter().filter_map(|(word, sets)| Some((word, best(sets)?))).collect()
    }

    /// The computer of the plan with this id.
    #[must_use]
    pub fn planned(&self, id: &ComputerId) -> Option<u32> {
        let at = self.plan.computers.iter().position(|computer| computer.id == *id)?;
        u32::try_from(at).ok()
    }

    fn position(&self, at: u32) -> Option<u32> {
        usize::try_from(at).ok().and_then(|at| self.positions.get(at).copied().flatten())
    }

    fn tenant(&self, at: u32) -> Option<&'a Name> {
        usize::try_from(at).ok().and_then(|at| self.plan.computers.get(at)).and_then(|c| c.tenant.as_ref())
    }
}

/// All that a rule can tell of a computer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Alike<'a> {
    name: Option<&'a str>,
    tenant: Option<&'a Name>,
    provider: Option<&'a Name>,
    platform: Option<Platform>,
    roles: BTreeSet<Role>,
    os: Option<OsFamily>,
    tags: Option<&'a BTreeSet<String>>,
    protected: bool,
    changes: &'a [usize],
}

fn item_ref(item: &ItemKey) -> Option<ItemRef> {
    match item.kind {
        ItemKind::Software => Some(ItemRef::Software(item.name.clone())),
        ItemKind::Task => Some(ItemRef::Task(item.name.clone())),
        ItemKind::OsUpdates => None,
    }
}

fn labels(metadata: &Metadata) -> Map<String, Value> {
    metadata.labels.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect()
}

/// A member of a closed set as it is written.
fn word<T: serde::Serialize>(member: T) -> String {
    match serde_json::to_value(member) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}
