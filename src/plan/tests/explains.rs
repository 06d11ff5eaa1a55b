//! What is explained of a computer is what its plan says.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::scenarios::{random, seeds};
use super::world::*;
use crate::config::kind::{Consequence, Mode, ParameterValue, SoftwareState};
use crate::config::model::WantedVersion;
use crate::inventory::item::ItemKey;
use crate::plan::diff::Decision;
use crate::plan::document::{ActionType, Plan};
use crate::plan::explain::{ItemExplanation, explain};
use crate::plan::gates::Run;
use crate::plan::past::Past;

fn items(world: &World, computer: &str) -> Vec<ItemExplanation> {
    let snapshot = world.snapshot();
    let ix = snapshot.find(computer).unwrap();
    let past = Past::new(&snapshot, world.remembered.clone(), world.history.clone(), BTreeMap::new());
    let run = Run::at(world.now);
    explain(&world.config, &snapshot, &world.detect(&snapshot), &past, ix, None, &run).unwrap().items
}

fn item(world: &World, computer: &str, item: &ItemKey) -> ItemExplanation {
    items(world, computer).into_iter().find(|told| told.item == *item).unwrap()
}

fn action(told: &ItemExplanation) -> Option<ActionType> {
    match &told.decision {
        Some(Decision::Act(act)) => Some(act.action),
        _ => None,
    }
}

#[test]
fn what_prerequisites_forbid_or_ask_for_is_explained_so() {
    let mut world = World::new();
    world.computer("pc1", &[]);
    world.computer("pc2", &[]);
    for text in ["app", "base", "old"] {
        world.software(text, &["1.0"]);
    }
    world.is("pc1", software("old"), present("1.0"));
    world.rule("app", installed(&["old"]), Consequence::Fail("old is in the way".into()));
    world.rule("app", not_installed(&["base"]), Consequence::Install(names(&["base"])));
    world.deploy("app", software("app"), latest("1.0"), every());
    let update = state(SoftwareState::UpdateIfFound, WantedVersion::Latest { install: "1.0".into() });
    world.deploy("base", software("base"), update, one("pc1"));
    let told = item(&world, "pc1", &software("app"));
    assert!(
        matches!(&told.decision, Some(Decision::Blocked(why)) if why.contains("old is in the way")),
        "{:?}",
        told.decision
    );
    assert_eq!(item(&world, "pc1", &software("base")).decision, Some(Decision::Nothing));
    // Nobody deploys it there, and it is installed all the same.
    let told = item(&world, "pc2", &software("base"));
    assert_eq!((action(&told), told.needed_by), (Some(ActionType::Install), Some(software("app"))));
    world.deploy("base", software("base"), latest("1.0"), every()).expression = every();
    let told = item(&world, "pc2", &software("base"));
    assert!(told.winner.is_some());
    assert_eq!((action(&told), told.mode), (Some(ActionType::Install), Some(Mode::Enforce)));
}

#[test]
fn values_that_have_changed_are_explained_in_enforce_and_in_audit() {
    let mut world = World::new();
    world.computer("pc1", &[]);
    let parameter = serde_json::from_str(r#"{ "type": "text" }"#).unwrap();
    world.software("agent", &["1.0"]).parameters.insert("site".into(), parameter);
    let give = |world: &mut World, site: &str| {
        let made = world.deploy("agent", software("agent"), latest("1.0"), every());
        made.parameters.insert("site".into(), ParameterValue::Text(site.to_owned()));
    };
    give(&mut world, "north");
    let plan = world.plan().plan;
    world.apply(&plan);
    assert_eq!(item(&world, "pc1", &software("agent")).decision, Some(Decision::Nothing));
    give(&mut world, "south");
    assert_eq!(action(&item(&world, "pc1", &software("agent"))), Some(ActionType::Reinstall));
    world.deploy("agent", software("agent"), latest("1.0"), every()).mode = Mode::Audit;
    let told = item(&world, "pc1", &software("agent"));
    assert!(matches!(told.decision, Some(Decision::NonCompliant(_))), "{:?}", told.decision);
}

#[test]
fn a_removal_that_is_held_is_explained_so() {
    let mut world = World::new();
    world.computer("pc1", &[]);
    world.software("zip", &["1.0"]);
    world.is("pc1", software("zip"), present("1.0"));
    world.deploy("zip", software("zip"), absent(), every());
    assert_eq!(action(&item(&world, "pc1", &software("zip"))), Some(ActionType::Uninstall));
    world.failed.insert(name("office"), "no answer".into());
    let told = item(&world, "pc1", &software("zip"));
    assert!(matches!(told.decision, Some(Decision::Blocked(_))), "{:?}", told.decision);
}

#[test]
fn where_nobody_wins_nothing_follows() {
    let mut world = World::new();
    world.computer("pc1", &[]);
    world.software("zip", &["1.0"]);
    world.deploy("a", software("zip"), latest("1.0"), every());
    world.deploy("b", software("zip"), absent(), every());
    let told = item(&world, "pc1", &software("zip"));
    assert_eq!((told.winner, told.decision), (None, None));
}

/// The changes of one computer by item.
fn changes(plan: &Plan, computer: &str) -> BTreeMap<ItemKey, ActionType> {
    let on = |at: &u32| plan.computers[*at as usize].name == computer;
    let here = plan.changes.iter().filter(|change| change.computers.iter().any(on));
    here.map(|change| (change.item.clone(), change.action)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_wanted_the_explanation_acts_where_the_plan_of_everything_does(seeds in seeds()) {
        let world = random(&seeds);
        let plan = world.plan().plan;
        for known in &world.known {
            let told: BTreeMap<ItemKey, ActionType> = items(&world, &known.name)
                .iter()
                .filter_map(|told| Some((told.item.clone(), action(told)?)))
                .collect();
            prop_assert_eq!(told, changes(&plan, &known.name), "{}", &known.name);
        }
    }
}
