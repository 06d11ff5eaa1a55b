//! Tasks that are set once: what is remembered is the answer, for one key, however old it is.

use super::scenarios::adds_up;
use super::world::*;
use crate::config::kind::Mode;
use crate::config::model::Desired;
use crate::inventory::item::ItemKey;
use crate::inventory::known::Contact;
use crate::plan::document::{Cause, NoteKind, Reason};
use crate::time::Timestamp;

/// Two computers on which `badge` is to be set once.
fn world() -> World {
    let mut world = World::new();
    world.computer("pc1", &[]);
    world.computer("pc2", &[]);
    let task_ = world.task("badge");
    (task_.test, task_.get) = (None, None);
    world.config.tasks.get_mut("badge").unwrap().once = Some(name("first"));
    world.deploy("badge", task("badge"), Desired::Task, every());
    world
}

fn key(world: &mut World, key: &str) {
    world.config.tasks.get_mut("badge").unwrap().once = Some(name(key));
}

#[test]
fn it_runs_once_for_a_key_and_again_for_another_and_never_for_one_that_was_there() {
    let mut world = world();
    let plan = world.plan().plan;
    assert_eq!(
        (actions(&plan, "pc1"), actions(&plan, "pc2")),
        (vec!["badge set".into()], vec!["badge set".into()])
    );
    assert_eq!((plan.changes.len(), plan.changes[0].reason), (1, Reason::NotRunYet));
    adds_up(&plan);
    world.apply(&plan);
    // Nothing looks at it, so that long ago is as good as today.
    world.now = Timestamp::from_second(world.now.as_second() + 400 * 86_400).unwrap();
    let later = world.plan().plan;
    assert!(later.changes.is_empty() && later.coverage.known == 2, "{:?}", notes(&later));
    // Neither another script nor other values are another key.
    world.config.tasks.get_mut("badge").unwrap().set = Some(scripts("other"));
    assert!(world.plan().plan.changes.is_empty());
    key(&mut world, "second");
    let plan = world.plan().plan;
    assert_eq!((plan.sessions.len(), plan.changes[0].cause), (2, Cause::NewIntent));
    world.apply(&plan);
    key(&mut world, "first");
    assert!(world.plan().plan.changes.is_empty());
}

#[test]
fn each_instance_key_is_set_by_itself() {
    let mut world = world();
    let other = ItemKey::task(name("badge"), Some(name("guests")));
    let plan = world.plan().plan;
    world.apply(&plan);
    world.deploy("guests", other.clone(), Desired::Task, one("pc1"));
    let plan = world.plan().plan;
    assert_eq!((plan.sessions.len(), &plan.changes[0].item), (1, &other));
}

#[test]
fn audit_says_where_it_has_not_run_and_a_computer_out_of_reach_is_not_known() {
    let mut world = world();
    let plan = world.plan().plan;
    world.config.deployments.get_mut("badge").unwrap().mode = Mode::Audit;
    let told = world.plan().plan;
    assert!(told.changes.is_empty());
    assert_eq!(notes(&told), ["NonCompliant badge: it has not run yet [pc1 pc2]"]);
    world.config.deployments.get_mut("badge").unwrap().mode = Mode::Enforce;
    world.known[0].contact = Contact::Unreachable { why: "no route".into() };
    let told = world.plan().plan;
    assert_eq!((actions(&told, "pc1").len(), actions(&told, "pc2").len()), (0, 1));
    assert!(told.notes.iter().any(|note| note.kind == NoteKind::Unreachable));
    // Where it has run that is known all the same.
    world.apply(&plan);
    let told = world.plan().plan;
    assert_eq!((told.changes.len(), told.coverage.known), (0, 2));
}
