//! What git says of agents (IDN-8): it goes before everything that is found out.
//!
//! Invariant: a decision that was carried out already changes nothing any more.

use std::collections::BTreeSet;

use super::agents::{Pin, Question};
use super::keys::Keys;
use super::memory::Standing;
use super::resolve::Resolver;
use crate::config::kind::Decision;
use crate::id::ComputerId;

impl Resolver<'_> {
    /// Puts agents where git says.
    pub(super) fn pinned(&mut self, pins: &[Pin]) {
        let mut pins: Vec<&Pin> = pins.iter().collect();
        pins.sort_by(|a, b| a.document.cmp(&b.document));
        // Who is kept apart is out of the way before others look for their computers.
        pins.sort_by_key(|pin| !matches!(pin.decision, Some(Decision::KeepBoth)));
        for pin in pins {
            self.pin(pin);
        }
    }

    fn pin(&mut self, pin: &Pin) {
        let found = pin.agents.iter().filter_map(|key| self.positions.get(key).copied());
        // Of agents that are gone nothing is decided any more.
        let found = found.filter(|at| self.agent(*at).listed);
        let agents: Vec<usize> = found.filter(|at| !self.settled.contains(at)).collect();
        let Some(first) = agents.first().copied() else { return };
        if let Some(id) = &pin.id {
            for at in &agents {
                self.keys[*at] = Keys::given(id);
            }
        }
        let Some(id) = self.place(pin, first, &agents) else { return };
        for at in &agents {
            self.join(*at, &id);
            self.decided.insert(*at);
        }
        if let Some(group) = self.groups.get_mut(&id) {
            group.pinned = true;
            group.apart = pin.decision == Some(Decision::KeepBoth);
        }
        if matches!(pin.decision, Some(Decision::Overwrite | Decision::Wiped)) {
            self.replace(&id, &agents);
        }
        self.wiped(pin, &id, first);
    }

    /// The computer that the agents are on; `None` when that cannot be told, and they wait.
    fn place(&mut self, pin: &Pin, first: usize, agents: &[usize]) -> Option<ComputerId> {
        let remembered = |at: &usize| match self.standing(*at) {
            Some(Standing::Of(id) | Standing::Former(id)) => Some(id.clone()),
            Some(Standing::Waiting) | None => None,
        };
        let known = agents.iter().find_map(remembered);
        match (&pin.computer, pin.decision) {
            (Some(id), _) => Some(id.clone()),
            (None, Some(Decision::KeepBoth)) => Some(self.apart(first, agents)),
            (None, Some(Decision::Overwrite | Decision::Wiped)) => match known {
                Some(id) => Some(id),
                None => self.known_by_identity(first, agents),
            },
            (None, None) => Some(known.unwrap_or_else(|| self.own_id(first))),
        }
    }

    /// The computer of its own that these agents are on: where they are already, if nobody else made it.
    fn apart(&self, first: usize, agents: &[usize]) -> ComputerId {
        let own = self.agent(first).key.computer();
        let mine = |id: &ComputerId| {
            *id == own || id.as_str().strip_prefix(own.as_str()).is_some_and(|rest| rest.starts_with('#'))
        };
        let are_there = |id: &ComputerId| {
            agents.iter().any(|at| matches!(self.standing(*at), Some(Standing::Of(of)) if of == id))
        };
        let mut ids = self.groups.keys();
        ids.find(|id| mine(id) && are_there(id)).cloned().unwrap_or_else(|| self.own_id(first))
    }

    /// The computer with the identity of these agents. They wait where there are several.
    fn known_by_identity(&mut self, first: usize, agents: &[usize]) -> Option<ComputerId> {
        let all: BTreeSet<ComputerId> = agents.iter().flat_map(|at| self.with(&self.keys[*at])).collect();
        let pinned = |id: &ComputerId| self.groups.get(id).is_some_and(|group| group.pinned);
        let free: Vec<ComputerId> = all.iter().filter(|id| !pinned(id)).cloned().collect();
        match free.as_slice() {
            [one] => Some(one.clone()),
            [] => Some(self.own_id(first)),
            _ => {
                for at in agents {
                    self.ask(*at, Question::SeveralComputers, free.clone(), None);
                }
                None
            }
        }
    }

    /// Other agents of the same links lose their places.
    fn replace(&mut self, id: &ComputerId, agents: &[usize]) {
        let links: BTreeSet<_> = agents.iter().map(|at| self.agent(*at).key.provider.clone()).collect();
        for at in self.remembered.get(id).cloned().unwrap_or_default() {
            let is_free = !agents.contains(&at) && !self.settled.contains(&at);
            if is_free && links.contains(&self.agent(at).key.provider) {
                self.retire(at, id);
            }
        }
    }

    /// An agent whose place another took.
    pub(super) fn retire(&mut self, at: usize, id: &ComputerId) {
        if let Some(group) = self.groups.get_mut(id) {
            group.members.remove(&at);
            group.former.insert(at);
        }
        self.settled.insert(at);
    }

    /// Begins a new generation, once for each decision.
    fn wiped(&mut self, pin: &Pin, id: &ComputerId, first: usize) {
        let (Some(Decision::Wiped), Some(when)) = (pin.decision, pin.at) else { return };
        let Some(group) = self.groups.get_mut(id) else { return };
        if group.memory.wiped.is_some_and(|before| before >= when) {
            return;
        }
        group.memory.wiped = Some(when);
        self.begin(id, first, Some(when));
    }
}
