//! Which agents are on the same computer.
//!
//! In three steps. What git says comes first (`pins`). Then come agents that are known: they stay where they were, unless
//! what they say now names another computer. Then come agents that are new, the quiet and old ones before the others: each
//! makes a computer of its own, joins one, takes the place of an agent, or waits for a person (`newcomer`).
//!
//! Invariants: the same input in any order gives the same decision; deciding again with what is to be remembered changes
//! nothing; an agent is on one computer at most; only git puts two agents of one link on the same computer.

use std::collections::{BTreeMap, BTreeSet};

use super::agents::{Identified, Pin, Question, Resolution, Rules, Seen, Tombstone, Waiting, Why};
use super::keys::Keys;
use super::memory::{AgentMemory, ComputerMemory, Memory, Standing};
use super::situation::{Install, Situation};
use crate::id::{ComputerId, Name};
use crate::inventory::known::{AgentKey, Presence};
use crate::time::Timestamp;

/// Decides which agents are on the same computer. `seen` are all agents of all links that share computers with others,
/// listed or remembered; of two with one key the first counts.
#[must_use]
pub fn resolve(seen: &[Seen], pins: &[Pin], rules: Rules, before: &Memory, now: Timestamp) -> Resolution {
    let mut decided = pass(seen, pins, rules, before, now);
    if decided.memory == *before {
        return decided;
    }
    // An agent that found its place may say where another belongs.
    for _ in 0..MOST_PASSES {
        let again = pass(seen, pins, rules, &decided.memory, now);
        let is_done = again.memory == decided.memory;
        decided = again;
        if is_done {
            break;
        }
    }
    decided
}

/// Passes after the first one. Two are enough but for chains of agents each of which tells of the next.
const MOST_PASSES: usize = 8;

fn pass(seen: &[Seen], pins: &[Pin], rules: Rules, before: &Memory, now: Timestamp) -> Resolution {
    let mut resolver = Resolver::new(seen, rules, before, now);
    resolver.pinned(pins);
    resolver.known();
    resolver.crowded();
    resolver.systems();
    resolver.newcomers();
    resolver.systems();
    resolver.finish()
}

/// One computer in the making.
#[derive(Debug, Clone)]
pub(super) struct Group {
    /// Positions of its agents.
    pub(super) members: BTreeSet<usize>,
    /// Positions of agents whose places others took.
    pub(super) former: BTreeSet<usize>,
    pub(super) memory: ComputerMemory,
    /// Whether git says who is on it.
    pub(super) pinned: bool,
    /// Whether git says that it is a computer of its own whatever its identity.
    pub(super) apart: bool,
}

pub(super) struct Resolver<'a> {
    pub(super) seen: Vec<&'a Seen>,
    /// By position: what it is compared by.
    pub(super) keys: Vec<Keys>,
    /// By position: its operating system.
    pub(super) installs: Vec<Install>,
    pub(super) first_seen: Vec<Timestamp>,
    pub(super) positions: BTreeMap<&'a AgentKey, usize>,
    pub(super) groups: BTreeMap<ComputerId, Group>,
    /// Positions of the agents that are remembered as being on a computer.
    pub(super) remembered: BTreeMap<&'a ComputerId, Vec<usize>>,
    /// Computers by the texts of their keys.
    pub(super) index: BTreeMap<String, BTreeSet<ComputerId>>,
    /// Agents that are where they belong, or wait.
    pub(super) settled: BTreeSet<usize>,
    /// Agents that are where git says.
    pub(super) decided: BTreeSet<usize>,
    pub(super) waiting: BTreeMap<usize, Waiting>,
    /// Agents that wait although they are remembered as being on a computer: what is remembered of them stays.
    frozen: BTreeSet<usize>,
    pub(super) rules: Rules,
    before: &'a Memory,
    now: Timestamp,
}

impl<'a> Resolver<'a> {
    fn new(seen: &'a [Seen], rules: Rules, before: &'a Memory, now: Timestamp) -> Self {
        let mut sorted: Vec<&Seen> = seen.iter().collect();
        sorted.sort_by(|a, b| a.key.cmp(&b.key));
        sorted.dedup_by(|later, first| later.key == first.key);
        let memory = |agent: &Seen| before.agents.get(&agent.key);
        let keys = sorted.iter().map(|agent| {
            let read = agent.reading.as_ref().map(|reading| Keys::of(&reading.evidence)).unwrap_or_default();
            memory(agent).map_or(read.clone(), |known| read.or(&known.keys))
        });
        let installs = sorted.iter().map(|agent| match &agent.reading {
            Some(reading) => Install::of(&agent.name, Some(reading.at), &reading.evidence),
            None => Install { name: agent.name.clone(), ..Install::default() },
        });
        let first_seen = sorted.iter().map(|agent| memory(agent).map_or(now, |known| known.first_seen));
        let groups = before.computers.iter().map(|(id, memory)| {
            let group = Group {
                members: BTreeSet::new(),
                former: BTreeSet::new(),
                memory: memory.clone(),
                pinned: false,
                apart: false,
            };
            (id.clone(), group)
        });
        let mut resolver = Self {
            keys: keys.collect(),
            installs: installs.collect(),
            first_seen: first_seen.collect(),
            positions: sorted.iter().enumerate().map(|(at, agent)| (&agent.key, at)).collect(),
            groups: groups.collect(),
            remembered: BTreeMap::new(),
            index: BTreeMap::new(),
            settled: BTreeSet::new(),
            decided: BTreeSet::new(),
            waiting: BTreeMap::new(),
            frozen: BTreeSet::new(),
            seen: sorted,
            rules,
            before,
            now,
        };
        for id in before.computers.keys() {
            resolver.enter(id);
        }
        for at in 0..resolver.seen.len() {
            if let Some(Standing::Of(id)) = resolver.standing(at) {
                resolver.remembered.entry(id).or_default().push(at);
            }
        }
        resolver
    }

    pub(super) fn agent(&self, at: usize) -> &'a Seen {
        self.seen[at]
    }

    pub(super) fn standing(&self, at: usize) -> Option<&'a Standing> {
        self.before.agents.get(&self.agent(at).key).map(|known| &known.standing)
    }

    /// Puts a computer's keys into the index.
    fn enter(&mut self, id: &ComputerId) {
        let Some(group) = self.groups.get(id) else { return };
        let aliases = group.memory.aliases.iter().map(|uuid| format!("uuid/{uuid}"));
        for text in group.memory.keys.texts().into_iter().chain(aliases) {
            self.index.entry(text).or_default().insert(id.clone());
        }
    }

    /// The computers that have one of these keys.
    pub(super) fn with(&self, keys: &Keys) -> BTreeSet<ComputerId> {
        let texts = keys.texts();
        texts.iter().filter_map(|text| self.index.get(text)).flatten().cloned().collect()
    }

    /// Puts an agent on a computer, which comes into being where there is none of this id.
    pub(super) fn join(&mut self, at: usize, id: &ComputerId) {
        let (keys, install) = (self.keys[at].clone(), self.installs[at].clone());
        let tenant = self.agent(at).tenant.clone();
        if let Some(Standing::Former(earlier)) = self.standing(at)
            && let Some(group) = self.groups.get_mut(earlier)
        {
            group.former.remove(&at);
        }
        let first = install.clone();
        let group = self.groups.entry(id.clone()).or_insert_with(|| Group {
            members: BTreeSet::new(),
            former: BTreeSet::new(),
            memory: ComputerMemory {
                generation: 1,
                began: None,
                tenant,
                keys: Keys::default(),
                aliases: BTreeSet::new(),
                install: first,
                wiped: None,
            },
            pinned: false,
            apart: false,
        });
        group.members.insert(at);
        let memory = &mut group.memory;
        if memory.tenant.is_none() {
            memory.tenant.clone_from(&self.seen[at].tenant);
        }
        // Lists of some links say nothing of operating systems, and those of others do.
        // What was seen before the present one began is of an earlier one.
        let is_of_it = memory.began.is_none_or(|began| install.at.is_some_and(|at| at >= began));
        if !memory.install.tells() && install.tells() && is_of_it {
            memory.install = install;
        }
        if let (Some(own), Some(new)) = (&memory.keys.uuid, &keys.uuid)
            && own != new
        {
            memory.aliases.insert(new.clone());
        }
        memory.keys = std::mem::take(&mut memory.keys).or(&keys);
        self.settled.insert(at);
        self.enter(id);
    }

    /// A free id for a computer of its own that this agent makes.
    pub(super) fn own_id(&self, at: usize) -> ComputerId {
        let id = self.agent(at).key.computer();
        let numbered = (2_u32..).map(|number| ComputerId::new(format!("{id}#{number}")));
        let mut free = std::iter::once(id.clone()).chain(numbered);
        free.find(|id| !self.groups.contains_key(id)).unwrap_or(id)
    }

    /// Begins a new generation of a computer, with the operating system that this agent saw (IDN-23).
    pub(super) fn begin(&mut self, id: &ComputerId, at: usize, not_before: Option<Timestamp>) {
        let install = self.installs[at].clone();
        let Some(group) = self.groups.get_mut(id) else { return };
        let began = install.at.max(not_before).unwrap_or(self.now);
        group.memory.generation = group.memory.generation.saturating_add(1);
        group.memory.began = Some(began);
        group.memory.install = install;
    }

    pub(super) fn wait(&mut self, at: usize, why: Why) {
        self.waiting.insert(at, Waiting { why, keys: self.keys[at].clone() });
        self.settled.insert(at);
    }

    pub(super) fn ask(
        &mut self,
        at: usize,
        question: Question,
        candidates: impl IntoIterator<Item = ComputerId>,
        against: Option<usize>,
    ) {
        let candidates = candidates.into_iter().collect();
        let against = against.map(|other| self.agent(other).key.clone());
        self.wait(at, Why::Asked { question, candidates, against });
    }

    /// Agents that are known stay where they were, unless what they say now is of another computer.
    fn known(&mut self) {
        for at in 0..self.seen.len() {
            if self.settled.contains(&at) {
                continue;
            }
            match self.standing(at) {
                Some(Standing::Of(id)) => self.stays(at, id),
                Some(Standing::Former(id)) => {
                    if let Some(group) = self.groups.get_mut(id) {
                        group.former.insert(at);
                    }
                }
                Some(Standing::Waiting) | None => {}
            }
        }
    }

    fn stays(&mut self, at: usize, id: &ComputerId) {
        let known = self.before.agents.get(&self.agent(at).key).map(|known| known.keys.clone());
        let (was, is) = (known.unwrap_or_default(), self.keys[at].clone());
        if !self.agent(at).listed {
            // What an agent said that is gone moves nothing any more.
            self.keys[at] = was;
            return self.join(at, id);
        }
        let Some(group) = self.groups.get_mut(id) else {
            // What was remembered of the computer is lost: it is as new.
            return self.join(at, id);
        };
        let own = is.fit(&group.memory.keys);
        if let (Some(old), Some(new)) = (&was.uuid, &is.uuid)
            && old != new
        {
            if group.memory.aliases.contains(new) {
                self.frozen.insert(at);
                return self.ask(at, Question::TwoMachines, [id.clone()], None);
            }
            let mut others = self.with(&is);
            others.remove(id);
            if !own && !others.is_empty() {
                self.frozen.insert(at);
                return self.ask(at, Question::Moved, others, None);
            }
            // A firmware update, or another main board (IDN-6).
            if let Some(group) = self.groups.get_mut(id)
                && group.memory.keys.uuid.as_ref() == Some(old)
            {
                group.memory.aliases.insert(old.clone());
                group.memory.keys.uuid = Some(new.clone());
                if is.serial.is_some() {
                    group.memory.keys.serial.clone_from(&is.serial);
                    group.memory.keys.maker.clone_from(&is.maker);
                }
            }
        }
        self.join(at, id);
    }

    /// Of several agents of one link on one computer that git did not put there, one stays: others came while it waited, or
    /// a decision was taken back. Those that are listed look for a place again.
    fn crowded(&mut self) {
        let ids: Vec<ComputerId> = self.groups.keys().cloned().collect();
        for id in ids {
            let mut links: BTreeMap<&Name, Vec<usize>> = BTreeMap::new();
            for at in self.groups.get(&id).into_iter().flat_map(|group| &group.members) {
                links.entry(&self.seen[*at].key.provider).or_default().push(*at);
            }
            for mut agents in links.into_values().filter(|agents| agents.len() > 1) {
                let all = agents.len();
                agents.retain(|at| !self.decided.contains(at));
                let stay = usize::from(agents.len() == all);
                agents.sort_by_key(|at| {
                    let agent = self.agent(*at);
                    let online = agent.presence == Presence::Online;
                    std::cmp::Reverse((agent.listed, online, self.last_seen(*at), std::cmp::Reverse(*at)))
                });
                for at in agents.into_iter().skip(stay) {
                    if self.agent(at).listed {
                        self.settled.remove(&at);
                        if let Some(group) = self.groups.get_mut(&id) {
                            group.members.remove(&at);
                        }
                    } else {
                        self.retire(at, &id);
                    }
                }
            }
        }
    }

    /// Looks at the operating systems of computers whose agents stayed: a newer one is a new generation (IDN-23).
    fn systems(&mut self) {
        let ids: Vec<ComputerId> = self.groups.keys().cloned().collect();
        for id in ids {
            let Some(group) = self.groups.get(&id) else { continue };
            let mut looks: Vec<usize> =
                group.members.iter().copied().filter(|at| self.installs[*at].at.is_some()).collect();
            looks.sort_by_key(|at| (self.installs[*at].at, *at));
            for at in looks {
                self.look(&id, at);
            }
        }
    }

    fn look(&mut self, id: &ComputerId, at: usize) {
        let later = self.installs[at].clone();
        let Some(group) = self.groups.get_mut(id) else { return };
        let known = &mut group.memory.install;
        if later.at <= known.at || !later.tells() {
            return;
        }
        match known.then(&later, false) {
            // A date alone, whatever the name is in that list, neither makes a new system of it nor becomes that of the one that
            // is known: the computer itself is asked.
            Situation::Wiped { .. } | Situation::Newer | Situation::Unclear
                if known.machine_id.is_some() && later.machine_id.is_none() => {}
            Situation::Wiped { .. } => self.begin(id, at, None),
            Situation::Other => {}
            Situation::Same | Situation::Newer | Situation::Unclear => {
                let merged = Install {
                    at: later.at,
                    name: later.name,
                    machine_id: later.machine_id.or_else(|| known.machine_id.clone()),
                    installed: later.installed.or(known.installed),
                };
                if (&merged.name, &merged.machine_id, merged.installed)
                    != (&known.name, &known.machine_id, known.installed)
                {
                    *known = merged;
                }
            }
        }
    }

    fn finish(mut self) -> Resolution {
        self.belong();
        let mut resolution = Resolution::default();
        for (id, group) in &self.groups {
            let listed: Vec<usize> =
                group.members.iter().copied().filter(|at| self.agent(*at).listed).collect();
            let keys = |set: &BTreeSet<usize>| set.iter().map(|at| self.agent(*at).key.clone()).collect();
            let identity = group.memory.keys.identity();
            let last_seen = group.members.iter().filter_map(|at| self.last_seen(*at)).max();
            if !listed.is_empty() {
                let mut agents: Vec<AgentKey> = listed.iter().map(|at| self.agent(*at).key.clone()).collect();
                agents.sort_by_key(|key| key.to_string() != id.as_str());
                let identified = Identified {
                    agents,
                    former: keys(&group.former),
                    identity,
                    generation: group.memory.generation,
                    began: group.memory.began,
                    stale: self.stale(&listed, last_seen),
                };
                resolution.computers.insert(id.clone(), identified);
            } else if group.members.union(&group.former).next().is_some() {
                let agents = group.members.union(&group.former).copied().collect();
                resolution
                    .tombstones
                    .insert(id.clone(), Tombstone { agents: keys(&agents), identity, last_seen });
            }
        }
        resolution.memory = self.memory();
        resolution.waiting =
            self.waiting.into_iter().map(|(at, waiting)| (self.seen[at].key.clone(), waiting)).collect();
        resolution
    }

    /// Computers get the tenant of their agents.
    fn belong(&mut self) {
        for group in self.groups.values_mut() {
            let listed = group.members.iter().filter(|at| self.seen[**at].listed);
            let tenants: BTreeSet<&Name> = listed.filter_map(|at| self.seen[*at].tenant.as_ref()).collect();
            // Where its agents do not agree, it stays where it was.
            if let Some(first) = tenants.first()
                && !group.memory.tenant.as_ref().is_some_and(|tenant| tenants.contains(tenant))
            {
                group.memory.tenant = Some((*first).clone());
            }
        }
    }

    pub(super) fn last_seen(&self, at: usize) -> Option<Timestamp> {
        let agent = self.agent(at);
        let known = self.before.agents.get(&agent.key).and_then(|known| known.last_seen);
        let online = (agent.listed && agent.presence == Presence::Online).then_some(self.now);
        agent.last_seen.max(known).max(online)
    }

    fn stale(&self, listed: &[usize], last_seen: Option<Timestamp>) -> Option<Timestamp> {
        let first = listed.iter().filter_map(|at| self.first_seen.get(*at)).min().copied();
        let since = last_seen.or(first)?;
        let limit = i64::try_from(self.rules.stale_after.as_secs()).unwrap_or(i64::MAX);
        (self.now.as_second().saturating_sub(since.as_second()) > limit).then_some(since)
    }

    /// What becomes of an agent that is not looked at now: another of its link may have taken its place.
    fn standing_of_absent(&self, key: &AgentKey, known: &AgentMemory) -> Standing {
        if let Standing::Of(id) = &known.standing
            && let Some(group) = self.groups.get(id)
            && !group.pinned
            && group.members.iter().any(|at| self.agent(*at).key.provider == key.provider)
        {
            return Standing::Former(id.clone());
        }
        known.standing.clone()
    }

    fn memory(&self) -> Memory {
        let mut memory = Memory::default();
        // Agents of links that are not asked now stay as they were.
        for (key, known) in &self.before.agents {
            if !self.positions.contains_key(key) {
                let standing = self.standing_of_absent(key, known);
                memory.agents.insert(key.clone(), AgentMemory { standing, ..known.clone() });
            }
        }
        let mut standings: BTreeMap<usize, Standing> = BTreeMap::new();
        for (id, group) in &self.groups {
            standings.extend(group.former.iter().map(|at| (*at, Standing::Former(id.clone()))));
            standings.extend(group.members.iter().map(|at| (*at, Standing::Of(id.clone()))));
        }
        for (at, agent) in self.seen.iter().enumerate() {
            if self.frozen.contains(&at) {
                let known = self.before.agents.get(&agent.key);
                memory.agents.extend(known.map(|known| (agent.key.clone(), known.clone())));
                continue;
            }
            let standing = standings.remove(&at).unwrap_or(Standing::Waiting);
            if !agent.listed && standing == Standing::Waiting {
                continue;
            }
            let last_seen = self.last_seen(at).map(day);
            memory.agents.insert(
                agent.key.clone(),
                AgentMemory {
                    first_seen: self.first_seen[at],
                    last_seen,
                    standing,
                    keys: self.keys[at].clone(),
                    name: agent.name.clone(),
                },
            );
        }
        let named: BTreeSet<&ComputerId> = memory
            .agents
            .values()
            .filter_map(|agent| match &agent.standing {
                Standing::Of(id) | Standing::Former(id) => Some(id),
                Standing::Waiting => None,
            })
            .collect();
        let computers = self.groups.iter().filter(|(id, _)| named.contains(id));
        memory.computers = computers.map(|(id, group)| (id.clone(), group.memory.clone())).collect();
        memory
    }
}

/// The beginning of the day, so that what is remembered does not change with every look.
fn day(at: Timestamp) -> Timestamp {
    let seconds = at.as_second();
    Timestamp::from_second(seconds - seconds.rem_euclid(86_400)).unwrap_or(at)
}
