//! An agent that is on no computer yet: which one is it on?
//!
//! Source: the rules in `docs/identification.md` (IDN-4, IDN-7 to IDN-11, IDN-16).

use std::collections::{BTreeMap, BTreeSet};

use super::agents::{Question, Seen, Why};
use super::evidence::identify;
use super::memory::Standing;
use super::resolve::Resolver;
use super::situation::{DAY_SECONDS, Install, Situation, is_ephemeral};
use crate::config::kind::OnConflict;
use crate::id::{ComputerId, Name};
use crate::inventory::known::Presence;

/// What becomes of a newcomer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// It joins the computer.
    Join,
    /// It takes the place of the agents of its link.
    Replace,
    /// The same, and the computer was wiped.
    Wipe,
    /// It is on a computer of its own with the same identity.
    Apart,
    /// Others stay in its place.
    Leave,
    /// A person decides.
    Ask(Question, Option<usize>),
}

impl Resolver<'_> {
    /// Finds the computers of all agents that have none.
    pub(super) fn newcomers(&mut self) {
        let shared = self.shared();
        for at in self.waiting_in_order() {
            let agent = self.agent(at);
            if self.keys[at].identity().is_none() {
                let why = unidentified(agent);
                self.wait(at, why);
                continue;
            }
            self.newcomer(at, &shared);
        }
    }

    /// Agents without a place: those that are quiet and were seen last long ago come first, so that those that took their
    /// places come after them.
    fn waiting_in_order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.seen.len())
            .filter(|at| !self.settled.contains(at) && self.agent(*at).listed && self.looks_for_place(*at))
            .collect();
        order.sort_by_key(|at| {
            let rank = match self.agent(*at).presence {
                Presence::Offline => 0_u8,
                Presence::Unknown => 1,
                Presence::Online => 2,
            };
            // What has the better key tells more of the others.
            let (key, installed) = (self.keys[*at].uuid.is_none(), self.installs[*at].installed);
            let last = self.last_seen(*at);
            // Who was never seen may have been there just now.
            (rank, key, last.is_none(), last, self.first_seen[*at], installed, *at)
        });
        order
    }

    /// An agent that lost its place looks for one again when it is online, or when nobody is in it any more.
    fn looks_for_place(&self, at: usize) -> bool {
        let Some(Standing::Former(id)) = self.standing(at) else { return true };
        let mut members = self.groups.get(id).into_iter().flat_map(|group| &group.members);
        // Of sandboxes the last one counts, however long those before are there.
        let comes_back = self.agent(at).presence == Presence::Online && !is_ephemeral(&self.agent(at).name);
        comes_back || !members.any(|other| self.agent(*other).listed)
    }

    /// The keys that two agents of one link have at the same time, and whether each of these runs an installation of its
    /// own, so that it can be told which is which.
    fn shared(&self) -> BTreeMap<String, bool> {
        let mut online: BTreeMap<(String, &Name), Vec<usize>> = BTreeMap::new();
        let pinned: BTreeSet<usize> = self
            .groups
            .values()
            .filter(|group| group.pinned)
            .flat_map(|group| group.members.clone())
            .collect();
        for (at, agent) in self.seen.iter().enumerate() {
            if agent.listed && agent.presence == Presence::Online && !pinned.contains(&at) {
                for text in self.keys[at].texts() {
                    online.entry((text, &agent.key.provider)).or_default().push(at);
                }
            }
        }
        let mut shared = BTreeMap::new();
        for ((text, _), agents) in online {
            if agents.len() > 1 {
                let ids: BTreeSet<&str> =
                    agents.iter().filter_map(|at| self.installs[*at].machine_id.as_deref()).collect();
                let distinct = shared.entry(text).or_insert(true);
                *distinct &= ids.len() == agents.len();
            }
        }
        shared
    }

    fn newcomer(&mut self, at: usize, shared: &BTreeMap<String, bool>) {
        let mut candidates = self.with(&self.keys[at]);
        candidates.retain(|id| !self.is_told_apart(at, id));
        if candidates.len() > 1 {
            let install = &self.installs[at];
            let same =
                |id: &&ComputerId| self.groups.get(*id).is_some_and(|group| group.memory.install.is(install));
            let fitting: Vec<ComputerId> = candidates.iter().filter(same).cloned().collect();
            if let [one] = fitting.as_slice() {
                candidates = BTreeSet::from([one.clone()]);
            }
        }
        let mut ids = candidates.iter();
        match (ids.next(), ids.next()) {
            (None, _) => {
                let id = self.own_id(at);
                self.join(at, &id);
            }
            (Some(id), None) => {
                let id = id.clone();
                let verdict = self.judge(at, &id, shared);
                self.carry_out(at, &id, verdict);
            }
            (Some(_), Some(_)) => self.ask(at, Question::SeveralComputers, candidates, None),
        }
    }

    /// Whether git or the policy says that the newcomer is a clone of this computer: that has another agent of its link.
    fn is_told_apart(&self, at: usize, id: &ComputerId) -> bool {
        let apart = self.groups.get(id).is_some_and(|group| group.apart);
        (apart || self.rules.on_conflict == OnConflict::Clone)
            && self.same_link(at, id).into_iter().any(|other| self.agent(other).listed)
    }

    fn carry_out(&mut self, at: usize, id: &ComputerId, verdict: Verdict) {
        let wiped = verdict == Verdict::Wipe;
        match verdict {
            Verdict::Ask(question, against) => self.ask(at, question, [id.clone()], against),
            Verdict::Leave => self.retire(at, id),
            Verdict::Apart => {
                let own = self.own_id(at);
                self.join(at, &own);
            }
            Verdict::Join => self.join(at, id),
            Verdict::Replace | Verdict::Wipe => {
                let mut earlier = self.same_link(at, id);
                if wiped {
                    earlier.extend(self.quiet(id));
                }
                for earlier in earlier {
                    self.retire(earlier, id);
                }
                self.join(at, id);
                if wiped {
                    self.begin(id, at, None);
                }
            }
        }
    }

    /// The agents of the newcomer's own link that are on the computer.
    fn same_link(&self, at: usize, id: &ComputerId) -> Vec<usize> {
        let link = &self.agent(at).key.provider;
        let members = self.groups.get(id).into_iter().flat_map(|group| &group.members).copied();
        members.filter(|other| self.agent(*other).key.provider == *link).collect()
    }

    /// Agents of whatever link that are on the computer and listed as offline: where it was wiped, they were so too. Whichever
    /// was not comes back when it is online.
    fn quiet(&self, id: &ComputerId) -> Vec<usize> {
        let members = self.groups.get(id).into_iter().flat_map(|group| &group.members).copied();
        let is_quiet = |at: &usize| {
            let agent = self.agent(*at);
            agent.listed && agent.presence == Presence::Offline && !self.decided.contains(at)
        };
        members.filter(is_quiet).collect()
    }

    fn judge(&self, at: usize, id: &ComputerId, shared: &BTreeMap<String, bool>) -> Verdict {
        let Some(group) = self.groups.get(id) else { return Verdict::Join };
        let is_there = |other: &&usize| self.agent(**other).listed;
        let there: Vec<usize> = group.members.iter().filter(is_there).copied().collect();
        let any = there.first().copied().or_else(|| group.members.first().copied());
        if self.keys[at].contradict(&group.memory.keys).is_some() && !self.is_alias(at, id) {
            return Verdict::Ask(Question::Contradiction, any);
        }
        let tenants = (&group.memory.tenant, &self.agent(at).tenant);
        if let (Some(known), Some(new)) = tenants
            && known != new
            && !there.is_empty()
        {
            return Verdict::Ask(Question::OtherTenant, any);
        }
        let same_link = self.same_link(at, id);
        if same_link.is_empty() {
            self.in_another_link(at, id, &there, shared)
        } else if let Some(other) = same_link.iter().find(|other| self.decided.contains(other)) {
            // What git says gives way to nothing but git.
            let online = |at: usize| self.agent(at).presence == Presence::Online;
            let both = online(at) && online(*other);
            Verdict::Ask(if both { Question::BothOnline } else { Question::PerhapsReinstalled }, Some(*other))
        } else if self.is_next_sandbox(at, &same_link) {
            Verdict::Replace
        } else {
            self.in_its_link(at, id, &same_link)
        }
    }

    /// Whether the newcomer is a sandbox that came after sandboxes, or after agents that are quiet (IDN-11).
    fn is_next_sandbox(&self, at: usize, earlier: &[usize]) -> bool {
        let mut others = earlier.iter().map(|other| (*other, &self.agent(*other).name));
        is_ephemeral(&self.agent(at).name)
            && others.all(|(other, name)| is_ephemeral(name) || !self.is_alive(other, at))
    }

    /// Whether the newcomer runs the system that the computer has now, and all earlier agents were only seen on one before
    /// it: that was wiped, and they with it.
    fn survived(&self, at: usize, earlier: &[usize], now: &Install) -> bool {
        let was_before = |other: &usize| {
            let install = &self.installs[*other];
            install.machine_id.is_some() && !install.is(now) && install.installed < now.installed
        };
        now.is(&self.installs[at]) && earlier.iter().all(was_before)
    }

    /// Whether the newcomer's UUID is one that the computer had before.
    fn is_alias(&self, at: usize, id: &ComputerId) -> bool {
        let group = self.groups.get(id);
        let uuid = self.keys[at].uuid.as_ref();
        uuid.is_some_and(|uuid| group.is_some_and(|group| group.memory.aliases.contains(uuid)))
            && self.installs[at].machine_id.is_some()
            && group.is_some_and(|group| group.memory.install.is(&self.installs[at]))
    }

    /// Whether an agent was there after the newcomer came.
    fn is_alive(&self, other: usize, newcomer: usize) -> bool {
        let agent = self.agent(other);
        agent.listed
            && match agent.presence {
                Presence::Online => true,
                Presence::Offline => false,
                Presence::Unknown => agent.last_seen.is_some_and(|last| last > self.first_seen[newcomer]),
            }
    }

    /// Whether the newcomer is offline and was so before the other, which is still listed.
    fn outlived(&self, other: usize, newcomer: usize) -> bool {
        self.agent(other).listed
            && self.agent(newcomer).presence == Presence::Offline
            && self.last_seen(other) > self.last_seen(newcomer)
    }

    /// Whether an earlier agent was still there when the newcomer's system had been installed for a day: then it was not that
    /// one's disk which was wiped.
    fn was_seen_since(&self, at: usize, earlier: &[usize]) -> bool {
        let Some(installed) = self.installs[at].installed else { return false };
        let limit = installed.as_second().saturating_add(DAY_SECONDS);
        earlier.iter().any(|other| self.last_seen(*other).is_some_and(|last| last.as_second() > limit))
    }

    /// A known identity with another agent of the same link (IDN-7).
    fn in_its_link(&self, at: usize, id: &ComputerId, earlier: &[usize]) -> Verdict {
        let Some(group) = self.groups.get(id) else { return Verdict::Join };
        let alive =
            earlier.iter().copied().find(|other| self.is_alive(*other, at) || self.outlived(*other, at));
        let first = earlier.first().copied();
        let policy = self.rules.on_conflict;
        if let Some(other) = alive {
            return match (self.agent(at).presence, policy) {
                (Presence::Offline, OnConflict::Overwrite) => Verdict::Leave,
                (Presence::Offline, _) => Verdict::Ask(Question::EarlierOnline, Some(other)),
                _ => Verdict::Ask(Question::BothOnline, Some(other)),
            };
        }
        let gone = !earlier.iter().any(|other| self.agent(*other).listed);
        let settle = |question, otherwise| match policy {
            OnConflict::Ask => Verdict::Ask(question, first),
            OnConflict::Overwrite => otherwise,
            OnConflict::Clone => Verdict::Apart,
        };
        if self.survived(at, earlier, &group.memory.install) {
            return Verdict::Replace;
        }
        match group.memory.install.then(&self.installs[at], self.rules.new_system_is_wipe) {
            Situation::Wiped { .. } if !gone && self.was_seen_since(at, earlier) => {
                settle(Question::OtherSystem, Verdict::Wipe)
            }
            Situation::Wiped { sure } if sure || gone => Verdict::Wipe,
            Situation::Wiped { .. } => settle(Question::PerhapsWiped, Verdict::Wipe),
            Situation::Newer if !gone => settle(Question::PerhapsWiped, Verdict::Replace),
            Situation::Other => settle(Question::OtherSystem, Verdict::Replace),
            Situation::Same | Situation::Newer | Situation::Unclear if gone => Verdict::Replace,
            Situation::Same | Situation::Newer | Situation::Unclear => {
                settle(Question::PerhapsReinstalled, Verdict::Replace)
            }
        }
    }

    /// A known identity in another link: the same computer, unless something speaks against it (IDN-1).
    fn in_another_link(
        &self,
        at: usize,
        id: &ComputerId,
        there: &[usize],
        shared: &BTreeMap<String, bool>,
    ) -> Verdict {
        let Some(group) = self.groups.get(id) else { return Verdict::Join };
        let (known, install) = (&group.memory.install, &self.installs[at]);
        let texts = self.keys[at].texts();
        let clones = texts.iter().filter_map(|text| shared.get(text)).copied().reduce(|a, b| a & b);
        if clones.is_some_and(|distinct| !(distinct && known.is(install))) {
            return Verdict::Ask(Question::Ambiguous, there.first().copied());
        }
        let alive = there.iter().copied().find(|other| self.is_alive(*other, at));
        // An agent that was seen on the earlier system after the later one was installed is on another computer.
        let outlived = known.at.is_some() && known.at >= install.installed;
        // The name in a list of another link is no sign of a new system: only the computer itself tells one for sure.
        let tells = known.machine_id.is_none() || install.machine_id.is_some();
        match known.then(install, self.rules.new_system_is_wipe) {
            Situation::Same | Situation::Newer | Situation::Unclear => Verdict::Join,
            Situation::Other => Verdict::Ask(Question::OtherSystem, there.first().copied()),
            Situation::Wiped { .. } if outlived && alive.is_some() => {
                Verdict::Ask(Question::OtherSystem, alive)
            }
            Situation::Wiped { sure } if sure && tells || alive.is_none() && there.is_empty() => {
                Verdict::Wipe
            }
            Situation::Wiped { .. } => match self.rules.on_conflict {
                OnConflict::Overwrite => Verdict::Wipe,
                OnConflict::Ask | OnConflict::Clone => {
                    Verdict::Ask(Question::PerhapsWiped, there.first().copied())
                }
            },
        }
    }
}

/// Why an agent without an identity has none.
fn unidentified(agent: &Seen) -> Why {
    let known = agent.reading.as_ref().map(|reading| identify(&reading.evidence));
    match (agent.cause, known) {
        (Some(cause), _) => Why::Failed(cause),
        (None, Some(Err(reasons))) => Why::NoIdentity(reasons),
        (None, Some(Ok(_)) | None) => Why::NotAsked,
    }
}
