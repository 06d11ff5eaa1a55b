//! What is to be done, against an oracle that looks at each computer and each deployment; and in which order.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::scenarios::{random, seeds};
use super::world::*;
use crate::config::kind::{Mode, SoftwareState};
use crate::config::model::{Deployment, Desired, Strategy as Way, WantedVersion};
use crate::inventory::item::{ItemKey, Observed};
use crate::plan::document::ActionType;
use crate::plan::order::Sequence;

/// The winner among the deployments of one item that reach a computer; `None` when two of them contradict each other.
fn winner<'a>(mine: &[&'a Deployment]) -> Option<&'a Deployment> {
    let ignored = |d: &Deployment| {
        d.mode == Mode::Ignored
            || matches!(d.desired, Desired::Software { state: SoftwareState::Ignored, .. })
    };
    let rank = |d: &Deployment| (-d.priority, !ignored(d));
    let best = mine.iter().map(|d| rank(d)).min()?;
    let top: Vec<&Deployment> = mine.iter().copied().filter(|d| rank(d) == best).collect();
    let first = *top.first()?;
    let same = |d: &&Deployment| {
        (ignored(d) && ignored(first)) || (d.desired == first.desired && d.mode == first.mode)
    };
    top.iter().all(same).then_some(first)
}

/// What a winner leads to on one computer.
fn action(deployment: &Deployment, observed: &Observed) -> Option<ActionType> {
    if deployment.mode != Mode::Enforce {
        return None;
    }
    let there = match observed {
        Observed::Present { version, .. } => version.as_deref(),
        _ => None,
    };
    match (&deployment.desired, observed) {
        (Desired::Task, Observed::NonCompliant { .. }) => Some(ActionType::Set),
        (Desired::Software { state: SoftwareState::Absent, .. }, Observed::Present { .. }) => {
            Some(ActionType::Uninstall)
        }
        (Desired::Software { state: SoftwareState::Installed, .. }, Observed::Absent) => {
            Some(ActionType::Install)
        }
        (
            Desired::Software {
                state: SoftwareState::Installed | SoftwareState::UpdateIfFound,
                version: WantedVersion::Latest { .. },
                ..
            },
            Observed::Present { .. },
        ) if there == Some("1") => Some(ActionType::Update),
        _ => None,
    }
}

/// Everything that is to be done: each computer, each item, each deployment.
fn oracle(world: &World) -> BTreeSet<(String, ItemKey, ActionType)> {
    let mut result = BTreeSet::new();
    let items: BTreeSet<&ItemKey> = world.config.deployments.values().map(|d| &d.item).collect();
    for computer in &world.known {
        for item in &items {
            let reaches = |d: &&Deployment| {
                computer.tags.iter().any(|own| d.expression == tag(own)) && d.item == **item && d.enabled
            };
            let mine: Vec<&Deployment> = world.config.deployments.values().filter(reaches).collect();
            let Some(winner) = winner(&mine) else { continue };
            let default = match item.kind {
                crate::inventory::item::ItemKind::Software => Observed::Absent,
                crate::inventory::item::ItemKind::Task => Observed::non_compliant(""),
                crate::inventory::item::ItemKind::OsUpdates => Observed::NotApplicable,
            };
            let observed = world.real.get(&(computer.name.clone(), (*item).clone())).unwrap_or(&default);
            if let Some(action) = action(winner, observed) {
                result.insert((computer.name.clone(), (*item).clone(), action));
            }
        }
    }
    result
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_does_what_is_found_computer_by_computer_and_deployment_by_deployment(mut seeds in seeds()) {
        seeds.rules.clear();
        let mut world = random(&seeds);
        let configured = world.config.software.get_mut("s1").unwrap();
        configured.configuration = None;
        configured.upgrade = Way::InstallOver;
        let plan = world.plan().plan;
        let mut found = BTreeSet::new();
        for session in &plan.sessions {
            for action in &session.actions {
                let change = &plan.changes[action.change as usize];
                let name = plan.computers[session.computer as usize].name.clone();
                prop_assert!(found.insert((name, change.item.clone(), change.action)));
            }
        }
        prop_assert_eq!(found, oracle(&world));
    }

    #[test]
    fn every_session_is_in_the_order_that_its_actions_alone_would_have(seeds in seeds(), first in 0_u8..6) {
        let mut world = random(&seeds);
        world.config.order.last = vec![crate::config::kind::ItemRef::Software(name(&format!("s{}", first % 5)))];
        let plan = world.plan().plan;
        let sequence = Sequence::new(&world.config);
        for session in &plan.sessions {
            let change = |change: u32| &plan.changes[change as usize];
            // Given by name, so that the order in the plan plays no part.
            let mut mine: Vec<(&ItemKey, ActionType)> =
                session.actions.iter().map(|a| (&change(a.change).item, change(a.change).action)).collect();
            mine.sort();
            let placed = sequence.order(&mine, &BTreeSet::new()).unwrap();
            let expected: Vec<_> = placed
                .iter()
                .map(|placed| (mine[placed.action], placed.after.iter().map(|ix| u32::try_from(*ix).unwrap()).collect()))
                .collect::<Vec<(_, Vec<u32>)>>();
            let found: Vec<_> = session
                .actions
                .iter()
                .map(|a| ((&change(a.change).item, change(a.change).action), a.after.clone()))
                .collect();
            prop_assert_eq!(found, expected);
        }
        // Both ways of saying who gets what agree.
        let mut by_change: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for session in &plan.sessions {
            for action in &session.actions {
                by_change.entry(action.change).or_default().push(session.computer);
            }
        }
        for (number, change) in (0..).zip(&plan.changes) {
            prop_assert_eq!(&change.computers, by_change.get(&number).unwrap());
        }
    }

    #[test]
    fn planning_twice_gives_the_same_bytes(seeds in seeds()) {
        let world = random(&seeds);
        let bytes = || serde_json::to_vec(&world.plan().plan).unwrap();
        prop_assert_eq!(bytes(), bytes());
        let plan = world.plan().plan;
        let read: crate::plan::document::Plan = serde_json::from_slice(&bytes()).unwrap();
        prop_assert!(crate::plan::digest::is_intact(&read) && read == plan);
    }
}
