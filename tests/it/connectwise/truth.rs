//! What is true of a lab's fleet: which agents are on which real computer, and what a person should be asked about it.
//!
//! Everything here comes from the fleet, which knows what each computer was made for, and from `docs/identification.md`. Nothing of
//! what the program found out goes in, and none of its code decides.

use std::collections::{BTreeMap, BTreeSet};

use muster_lab::fleet::{Case, Computer, Fleet};

/// A computer as it should be found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// The agents that are together on one computer; none where nothing is known yet.
    pub(super) together: BTreeSet<String>,
    /// Agents whose places others took.
    pub(super) former: BTreeSet<String>,
    /// Agents that wait, with the reason.
    pub(super) waits: BTreeMap<String, &'static str>,
    /// How many installations it had, as far as anybody can know.
    pub(super) generation: u64,
}

/// Real computers that cannot be told apart: on one of them as many agents are together as is said, and the others wait, so many
/// for each reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Alike {
    pub(super) computers: Vec<BTreeSet<String>>,
    pub(super) together: usize,
    pub(super) waits: BTreeMap<&'static str, usize>,
}

/// All of it, by the names of the computers.
#[derive(Debug, Clone, Default)]
pub(super) struct Truth {
    pub(super) alone: BTreeMap<String, Outcome>,
    pub(super) alike: BTreeMap<String, Alike>,
}

/// What the program says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// Computers by their ids: agents, agents of before, how many installations it had.
    pub(super) computers: BTreeMap<String, (BTreeSet<String>, BTreeSet<String>, u64)>,
    pub(super) waits: BTreeMap<String, String>,
}

/// What can name a computer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    /// A maker whose serial numbers are unique, and one of them: every list says both.
    ByLists,
    /// The UUID of its firmware, which a script reads.
    ByScript,
    Nothing,
}

pub(super) fn named(computer: &Computer) -> Named {
    let maker = computer.identity().manufacturer.unwrap_or_default();
    let is = |case| computer.cases.contains(&case);
    if is(Case::BadSerial) {
        Named::Nothing
    } else if ["Dell Inc.", "HP", "LENOVO"].contains(&maker.as_str()) {
        Named::ByLists
    } else if is(Case::BadUuid) {
        Named::Nothing
    } else {
        Named::ByScript
    }
}

/// The agents of a computer, as `provider/id`: those that it has, or those that earlier installations left behind.
pub(super) fn agents(computer: &Computer, previous: bool) -> BTreeSet<String> {
    let agents = computer.agents.iter().flatten().filter(|agent| agent.previous == previous);
    agents.map(|agent| format!("{}/{}", agent.system.word(), agent.id.as_deref().unwrap())).collect()
}

pub(super) fn provider(agent: &str) -> &str {
    agent.split_once('/').unwrap().0
}

impl Outcome {
    fn waits(mut self, agents: &BTreeSet<String>, why: &'static str) -> Self {
        self.waits.extend(agents.iter().map(|agent| (agent.clone(), why)));
        self
    }
}

/// A computer on which these agents are.
pub(super) fn found(together: BTreeSet<String>) -> Outcome {
    Outcome { together, generation: 1, ..Outcome::default() }
}

/// What a first look at a computer of the generator finds.
pub(super) fn first_look(computer: &Computer) -> Outcome {
    let (present, left) = (agents(computer, false), agents(computer, true));
    let quiet = |outcome: Outcome, agents: &BTreeSet<String>| outcome.waits(agents, "not-asked");
    match (named(computer), computer.online) {
        (Named::Nothing, true) => quiet(Outcome::default().waits(&present, "no-identity"), &left),
        // Nobody can be asked, and no list says enough.
        (Named::Nothing | Named::ByScript, false) => quiet(quiet(Outcome::default(), &present), &left),
        (Named::ByScript, true) => quiet(found(present), &left),
        (Named::ByLists, _) if computer.cases.contains(&Case::Wiped) => wiped(computer, &present, &left),
        (Named::ByLists, _) => {
            let has_left = |agent: &&String| left.iter().any(|old| provider(old) == provider(agent));
            let (again, stayed): (BTreeSet<&String>, BTreeSet<&String>) = present.iter().partition(has_left);
            let outcome = found(left.iter().chain(stayed).cloned().collect());
            outcome.waits(&again.into_iter().cloned().collect(), "perhaps-reinstalled")
        }
    }
}

/// The old agents are still listed. Only ConnectWise RMM's list tells when an operating system was installed.
fn wiped(computer: &Computer, present: &BTreeSet<String>, left: &BTreeSet<String>) -> Outcome {
    let has_dates = left.iter().any(|agent| provider(agent) == "rmm");
    let renamed = computer.agents.iter().flatten().any(|agent| agent.previous && agent.name.is_some());
    if has_dates && renamed {
        return Outcome { former: left.clone(), generation: 2, ..found(present.clone()) };
    }
    let outcome = found(left.clone());
    if !has_dates {
        return outcome.waits(present, "perhaps-reinstalled");
    }
    let tells = |agent: &&String| computer.online || provider(agent) == "rmm";
    let (newer, silent): (BTreeSet<&String>, BTreeSet<&String>) = present.iter().partition(tells);
    let set = |agents: BTreeSet<&String>| agents.into_iter().cloned().collect();
    outcome.waits(&set(newer), "perhaps-wiped").waits(&set(silent), "perhaps-reinstalled")
}

/// What a first look at the whole fleet of the generator finds. Clones follow the computers that they are copies of.
pub(super) fn of(fleet: &Fleet) -> Truth {
    let mut truth = Truth::default();
    for (at, computer) in fleet.computers.iter().enumerate() {
        if computer.cases.contains(&Case::Clone) {
            let pair = [&fleet.computers[at - 1], computer].map(|one| agents(one, false));
            // The first agent makes a computer; its double in the same system is told from it, and where those of the other
            // systems are nobody can tell.
            let others = pair.iter().map(BTreeSet::len).sum::<usize>() - 2;
            let waits = BTreeMap::from([("both-online", 1), ("ambiguous", others)]);
            let alike = Alike { computers: pair.to_vec(), together: 1, waits };
            truth.alike.insert(fleet.computers[at - 1].name.clone(), alike);
        } else if !computer.cases.contains(&Case::Cloned) {
            truth.alone.insert(computer.name.clone(), first_look(computer));
        }
    }
    truth
}

impl Truth {
    /// So many agents wait for each reason.
    pub(super) fn waits(&self) -> BTreeMap<&'static str, usize> {
        let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
        for why in self.alone.values().flat_map(|one| one.waits.values()) {
            *counts.entry(why).or_default() += 1;
        }
        for (why, count) in self.alike.values().flat_map(|alike| &alike.waits) {
            *counts.entry(why).or_default() += count;
        }
        counts
    }

    /// How many computers there are to be found.
    pub(super) fn computers(&self) -> usize {
        self.alike.len() + self.alone.values().filter(|one| !one.together.is_empty()).count()
    }

    /// All that is told otherwise than it is.
    pub(super) fn against(&self, told: &Told) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut waits: BTreeMap<&str, &str> =
            told.waits.iter().map(|(agent, why)| (agent.as_str(), why.as_str())).collect();
        let mut left = told.computers.clone();
        let mut take = |of: &BTreeSet<String>| {
            let ids: Vec<String> = left
                .iter()
                .filter(|(_, (agents, ..))| agents.intersection(of).next().is_some())
                .map(|(id, _)| id.clone())
                .collect();
            ids.into_iter().filter_map(|id| left.remove(&id)).collect::<Vec<_>>()
        };
        for (name, one) in &self.alone {
            let all: BTreeSet<String> = one.together.iter().chain(one.waits.keys()).cloned().collect();
            let found = take(&all);
            let expected: Vec<_> = Some((one.together.clone(), one.former.clone(), one.generation))
                .filter(|(together, ..)| !together.is_empty())
                .into_iter()
                .collect();
            if found != expected {
                wrong.push(format!("{name}: {found:?} in place of {expected:?}"));
            }
            for (agent, why) in &one.waits {
                let is = waits.remove(agent.as_str());
                if is != Some(why) {
                    wrong.push(format!("{name}: {agent} {is:?} in place of {why}"));
                }
            }
        }
        for (name, alike) in &self.alike {
            let all: BTreeSet<String> = alike.computers.iter().flatten().cloned().collect();
            let found = take(&all);
            let is_right = |(agents, ..): &(BTreeSet<String>, BTreeSet<String>, u64)| {
                agents.len() == alike.together && alike.computers.iter().any(|one| agents.is_subset(one))
            };
            if found.len() != 1 || !found.iter().all(is_right) {
                wrong.push(format!("{name} and those like it: {found:?}"));
            }
            let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
            for why in all.iter().filter_map(|agent| waits.remove(agent.as_str())) {
                *counts.entry(why).or_default() += 1;
            }
            if counts != alike.waits.iter().map(|(why, count)| (*why, *count)).collect() {
                wrong.push(format!("{name} and those like it: {counts:?} in place of {:?}", alike.waits));
            }
        }
        wrong.extend(left.iter().map(|one| format!("a computer that nobody has: {one:?}")));
        wrong.extend(waits.iter().map(|one| format!("an agent that nobody has waits: {one:?}")));
        wrong
    }
}
