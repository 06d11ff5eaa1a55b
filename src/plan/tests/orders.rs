//! The order of actions, against what it has to hold.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::gates::about;
use super::world::*;
use crate::config::kind::{Consequence, Enforcement, ItemRef};
use crate::config::model;
use crate::inventory::item::ItemKey;
use crate::plan::document::ActionType;
use crate::plan::order::{Circle, Sequence, arrange};

fn order(world: &World, items: &[(ItemKey, ActionType)]) -> Result<Vec<String>, Circle> {
    let list: Vec<(&ItemKey, ActionType)> = items.iter().map(|(item, action)| (item, *action)).collect();
    let placed = Sequence::new(&world.config).order(&list, &BTreeSet::new())?;
    Ok(placed.iter().map(|placed| items[placed.action].0.to_string()).collect())
}

fn installs(names: &[&str]) -> Vec<(ItemKey, ActionType)> {
    names.iter().map(|name| (software(name), ActionType::Install)).collect()
}

#[test]
fn first_then_by_name_then_last_and_what_is_needed_directly_before() {
    let mut world = World::new();
    for name in ["a", "b", "c", "d", "e", "z"] {
        world.software(name, &["1"]);
    }
    world.task("setup");
    world.config.software.get_mut("b").unwrap().configuration = Some(name("setup"));
    world.config.order.first = vec![ItemRef::Software(name("d"))];
    world.config.order.last = vec![ItemRef::Software(name("a")), ItemRef::Software(name("z"))];
    world.rule("d", not_installed(&["z"]), Consequence::Install(names(&["z"])));
    let mut items = installs(&["a", "b", "c", "d", "e", "z"]);
    items.push((task("setup"), ActionType::Set));
    // z is pulled forward to directly before d, setup comes directly after b.
    assert_eq!(order(&world, &items).unwrap(), ["z", "d", "b", "setup", "c", "e", "a"]);
}

#[test]
fn what_is_wanted_for_onboarding_comes_before_everything_else_on_the_computers_that_are_new() {
    let mut world = World::new();
    for text in ["agent", "base", "zip"] {
        world.software(text, &["1"]);
        world.deploy(text, software(text), latest("1"), tag("office"));
    }
    world.config.order.first = vec![ItemRef::Software(name("agent"))];
    world.rule("zip", not_installed(&["base"]), Consequence::Install(names(&["base"])));
    // zip is for everybody, and for new computers by a deployment of its own.
    let mut made = world.config.deployments[&name("zip")].clone();
    made.metadata = metadata("zip-at-first");
    (made.enforcement, made.priority) = (Enforcement::Onboarding, 1);
    world.config.deployments.insert(name("zip-at-first"), made);
    for text in ["new", "old"] {
        world.computer(text, &["office"]);
        let told = model::Computer { onboarded: Some(text == "old"), ..about(text) };
        world.config.computers.insert(name(text), told);
    }
    let plan = world.plan().plan;
    assert_eq!(actions(&plan, "new"), ["base install", "zip install", "agent install"]);
    assert_eq!(actions(&plan, "old"), ["agent install", "base install", "zip install"]);
}

#[test]
fn a_circle_names_its_members() {
    let mut world = World::new();
    for name in ["a", "b", "c"] {
        world.software(name, &["1"]);
    }
    world.rule("b", not_installed(&["c"]), Consequence::Install(names(&["c"])));
    world.rule("c", not_installed(&["b"]), Consequence::Install(names(&["b"])));
    assert_eq!(order(&world, &installs(&["a", "b", "c"])), Err(Circle(vec![1, 2])));
}

#[test]
fn a_chain_of_a_hundred_thousand_does_not_exhaust_the_stack() {
    let n = 100_000;
    let needs: Vec<BTreeSet<usize>> =
        (0..n).map(|ix| if ix + 1 < n { BTreeSet::from([ix + 1]) } else { BTreeSet::new() }).collect();
    let placed = arrange(&(0..n).collect::<Vec<_>>(), &needs, &vec![BTreeSet::new(); n]).unwrap();
    assert_eq!(placed.first().unwrap().action, n - 1);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_edge_is_kept_and_the_order_does_not_depend_on_the_input(
        size in 1_usize..12,
        edges in prop::collection::vec((0_usize..12, 0_usize..12), 0..25),
        shuffle in any::<u64>(),
    ) {
        // Edges from higher to lower ids only, so there are no circles; the base order is another one.
        let base = |id: usize| (id * 7 + 3) % 13;
        let build = |ids: &[usize]| {
            let position = |id: usize| ids.iter().position(|other| *other == id).unwrap();
            let mut needs = vec![BTreeSet::new(); ids.len()];
            for (a, b) in &edges {
                let (a, b) = (a % size, b % size);
                if a > b {
                    needs[position(a)].insert(position(b));
                }
            }
            let bases: Vec<usize> = ids.iter().map(|id| base(*id)).collect();
            let placed = arrange(&bases, &needs, &vec![BTreeSet::new(); ids.len()]).unwrap();
            for (at, step) in placed.iter().enumerate() {
                prop_assert_eq!(step.after.len(), needs[step.action].len());
                for before in &step.after {
                    prop_assert!(*before < at);
                    prop_assert!(needs[step.action].contains(&placed[*before].action));
                }
            }
            Ok(placed.iter().map(|step| ids[step.action]).collect::<Vec<_>>())
        };
        let ids: Vec<usize> = (0..size).collect();
        let mut shuffled = ids.clone();
        let mut seed = shuffle;
        for ix in (1..size).rev() {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            shuffled.swap(ix, usize::try_from(seed >> 33).unwrap() % (ix + 1));
        }
        let order = build(&ids)?;
        prop_assert_eq!(&order, &build(&shuffled)?);
        prop_assert_eq!(order.iter().copied().collect::<BTreeSet<_>>().len(), size);
        if edges.iter().all(|(a, b)| a % size <= b % size) {
            let mut sorted = ids;
            sorted.sort_by_key(|id| base(*id));
            prop_assert_eq!(order, sorted);
        }
    }
}
