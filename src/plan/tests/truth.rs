//! What a plan says of itself is so: what is not known is told once, with its reason, and all numbers add up.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::gates::hold;
use super::scenarios::{adds_up, random, seeds};
use super::world::*;
use crate::config::kind::{Consequence, Mode, SoftwareState};
use crate::config::model::{Detect, WantedVersion};
use crate::inventory::item::Observed;
use crate::inventory::known::Contact;
use crate::plan::document::{NoteKind, Plan};
use crate::plan::phrase;

/// The computers of which some note says that not everything is known.
fn told(plan: &Plan) -> BTreeSet<&str> {
    use NoteKind::{Ambiguous, Refused, Stale, Undetermined, Unreachable};
    let kinds = [Unreachable, Refused, Undetermined, Ambiguous, Stale];
    let notes = plan.notes.iter().filter(|note| kinds.contains(&note.kind));
    notes.flat_map(|note| &note.computers).map(String::as_str).collect()
}

#[test]
fn where_two_want_different_things_nothing_else_is_said() {
    let mut world = World::new();
    world.computer("pc1", &[]);
    world.software("zip", &["2", "1"]);
    world.deploy("a", software("zip"), latest("2"), every());
    world.deploy("b", software("zip"), absent(), every());
    let plan = world.plan().plan;
    let said = "deployments a and b both win and want different things";
    assert_eq!(notes(&plan), [format!("Ambiguous zip: {said} [pc1]")]);
    assert_eq!((plan.coverage.checks, plan.coverage.unknown, plan.coverage.incomplete), (1, 1, 1));
    adds_up(&plan);
}

#[test]
fn an_answer_that_nobody_understands_is_neither_unreachable_nor_counted_twice() {
    let mut world = World::new();
    for text in ["pc1", "pc2", "pc3", "pc4"] {
        world.computer(text, &[]);
    }
    world.known[0].contact = Contact::Failed { why: "the answer is no JSON".into() };
    world.known[1].contact = Contact::Refused { why: "no password".into(), help: None };
    world.known[2].contact = Contact::Unreachable { why: "no route".into() };
    world.software("zip", &["2", "1"]);
    world.task("rights");
    world.deploy("zip", software("zip"), latest("2"), every());
    world.deploy("rights", task("rights"), crate::config::model::Desired::Task, every());
    let plan = world.plan().plan;
    insta::assert_snapshot!(notes(&plan).join("\n"), @r"
    Unreachable: no route [pc3]
    Refused: no password [pc2]
    Undetermined: the answer is no JSON [pc1]
    ");
    let c = &plan.coverage;
    assert_eq!((c.computers, c.known, c.incomplete, c.unreachable), (4, 1, 3, 3));
    assert_eq!((c.checks, c.detected, c.unknown), (8, 2, 6));
    adds_up(&plan);
}

#[test]
fn where_nothing_that_is_wanted_makes_sense_nobody_has_to_be_reached() {
    let mut world = World::new();
    world.computer("pc1", &[]).contact = Contact::Unreachable { why: "no route".into() };
    world.software("zip", &["1"]).detect = Detect::ProductCode("{0}".into());
    world.deploy("zip", software("zip"), latest("1"), every());
    let plan = world.plan().plan;
    assert_eq!(notes(&plan), [""; 0]);
    assert_eq!((plan.coverage.known, plan.coverage.not_applicable, plan.coverage.unreachable), (1, 1, 0));
}

#[test]
fn what_is_needed_and_switched_off_is_told_so_and_not_to_lack_a_script() {
    let mut world = World::new();
    world.computer("pc1", &[]);
    world.software("agent", &["1"]);
    world.software("other", &["1"]).enabled = false;
    world.rule("agent", not_installed(&["other"]), Consequence::Install(names(&["other"])));
    world.deploy("agent", software("agent"), latest("1"), every());
    let plan = world.plan().plan;
    assert!(plan.changes.is_empty());
    let said = "other has to be there first, and it is switched off (`enabled: false`)";
    assert!(notes(&plan).iter().any(|note| note.contains(said)), "{:?}", notes(&plan));
    world.config.software.get_mut("other").unwrap().enabled = true;
    assert_eq!(actions(&world.plan().plan, "pc1"), ["other install", "agent install"]);
}

#[test]
fn a_document_for_a_name_that_several_have_says_so() {
    let mut world = World::new();
    world.computer("pc1", &[]);
    let document =
        |provider: Option<&str>| crate::inventory::snapshot::tests::document("pc1", "pc1", provider).1;
    world.config.computers.insert(name("pc1"), document(None));
    let said = |world: &World| {
        let notes = world.plan().plan.notes;
        notes
            .into_iter()
            .filter(|note| note.kind == NoteKind::UnknownComputer)
            .map(|note| note.text)
            .collect::<Vec<_>>()
    };
    assert_eq!(said(&world), [""; 0]);
    world.computer("other", &[]).name = "pc1".to_owned();
    assert_eq!(said(&world), ["2 computers are called pc1, so the document applies to none"]);
    world.config.computers.insert(name("pc1"), document(Some("branch")));
    assert_eq!(said(&world), ["provider branch lists no computer called pc1"]);
    world.known.clear();
    world.config.computers.insert(name("pc1"), document(None));
    assert_eq!(said(&world), ["no provider lists a computer called pc1"]);
}

#[test]
fn what_makes_no_sense_on_a_platform_is_in_nobodys_way_there() {
    let mut world = World::new();
    world.computer("pc1", &[]);
    world.software("agent", &["1"]);
    world.software("other", &["1"]).detect = Detect::ProductCode("{0}".into());
    world.rule("agent", installed(&["other"]), Consequence::Uninstall(names(&["other"])));
    world.deploy("agent", software("agent"), latest("1"), every());
    let plan = world.plan().plan;
    assert_eq!(actions(&plan, "pc1"), ["agent install"]);
    assert_eq!(notes(&plan), [""; 0]);
    // What needs it cannot have it, and says so.
    world.rule("agent", not_installed(&["other"]), Consequence::Install(names(&["other"])));
    let plan = world.plan().plan;
    assert!(plan.changes.is_empty());
    let said = "other has to be there first, and it has no install script for this platform";
    assert_eq!(notes(&plan), [format!("Blocked agent: {said} [pc1]")]);
}

#[test]
fn a_hold_that_has_ended_is_not_told_any_more() {
    let mut world = World::new();
    world.software("zip", &["1"]);
    let ignored = state(SoftwareState::Ignored, WantedVersion::Any { install: None });
    let made = world.deploy("a", software("zip"), ignored, every());
    // The world's day is 15 January 2027.
    made.hold = Some(hold("2027-01-16"));
    let says = |world: &World| phrase::deployment(&world.config, &world.config.deployments["a"], world.now);
    assert_eq!(says(&world), "Leaves zip alone on all computers; on hold until 2027-01-16.");
    world.config.deployments.get_mut("a").unwrap().hold = Some(hold("2027-01-15"));
    assert_eq!(says(&world), "Leaves zip alone on all computers.");
}

#[test]
fn a_value_that_is_only_read_is_compared_with_nothing() {
    let mut world = World::new();
    world.computer("pc1", &[]);
    world.task("disk");
    world.task("rights");
    world.deploy("disk", task("disk"), crate::config::model::Desired::Task, every()).mode = Mode::Monitor;
    world.deploy("rights", task("rights"), crate::config::model::Desired::Task, every());
    world.is("pc1", task("disk"), Observed::Value { value: "12".into() });
    world.is("pc1", task("rights"), Observed::Compliant);
    let plan = world.plan().plan;
    assert_eq!((plan.coverage.checks, plan.coverage.read, plan.coverage.detected), (2, 1, 2));
    adds_up(&plan);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_computers_answer_each_that_is_not_known_is_told_of_and_no_other(
        seeds in seeds(),
        contacts in prop::collection::vec((0_u8..9, any::<bool>()), 6),
    ) {
        let mut world = random(&seeds);
        for (known, (contact, surveyed)) in world.known.iter_mut().zip(&contacts) {
            known.contact = match contact {
                0 => Contact::Unreachable { why: "no route".into() },
                1 => Contact::Refused { why: "no password".into(), help: None },
                2 => Contact::Failed { why: "nonsense".into() },
                3 => Contact::Never,
                _ => Contact::Reached,
            };
            if !surveyed {
                known.facts = None;
            }
        }
        // Some software makes no sense there, and of some it cannot be told whether it is there.
        world.config.software.get_mut("s2").unwrap().detect = Detect::ProductCode("{0}".into());
        world.is("pc0", software("s4"), Observed::Undetermined { why: "garbled".into() });
        let plan = world.plan().plan;
        adds_up(&plan);
        prop_assert_eq!(told(&plan).len(), plan.coverage.incomplete as usize, "{:#?}", notes(&plan));
    }
}
