//! What two configurations want differently, over the same computers.

use super::world::*;
use crate::config::kind::{Mode, SoftwareState};
use crate::config::model::{Desired, WantedVersion};
use crate::plan::desired::{DesiredDiff, DiffKind, Side, compare};
use crate::plan::gates::Run;

fn diff(base: &World, head: &World) -> DesiredDiff {
    let (before, after) = (base.snapshot(), head.snapshot());
    compare(
        Side { config: &base.config, snapshot: &before },
        Side { config: &head.config, snapshot: &after },
        &Run::at(base.now),
    )
}

fn world() -> World {
    let mut world = World::new();
    for tenant in ["contoso", "fabrikam"] {
        world.tenant(tenant);
        for number in 1..=2 {
            world.computer(&format!("{tenant}-{number}"), &[]).tenant = Some(name(tenant));
        }
    }
    world.software("zip", &["2.0", "1.0"]);
    world.task("firewall");
    world.deploy("zip", software("zip"), latest("2.0"), every());
    world.deploy("firewall", task("firewall"), Desired::Task, every());
    world
}

fn touched(diff: &DesiredDiff) -> Vec<(&str, u32, bool)> {
    let name = |tenant: &crate::plan::desired::TenantDiff| tenant.tenant.clone();
    diff.tenants
        .iter()
        .filter(|tenant| name(tenant).is_some())
        .map(|tenant| {
            (
                tenant.tenant.as_ref().map_or("", |name| name.as_str()),
                tenant.touched,
                tenant.before == tenant.after,
            )
        })
        .collect()
}

#[test]
fn the_same_configuration_wants_the_same() {
    let diff = diff(&world(), &world());
    assert!(diff.changes.is_empty() && diff.deployments.is_empty());
    assert_eq!(touched(&diff), [("contoso", 0, true), ("fabrikam", 0, true)]);
}

#[test]
fn a_change_for_one_tenant_is_proved_not_to_touch_the_other() {
    let mut head = world();
    let exact = state(SoftwareState::Installed, WantedVersion::Exact { version: "1.0".into() });
    head.deploy("zip-contoso", software("zip"), exact, of_tenant("contoso"));
    let diff = diff(&world(), &head);
    assert_eq!(touched(&diff), [("contoso", 2, false), ("fabrikam", 0, true)]);
    let [change] = diff.changes.as_slice() else { panic!("{:?}", diff.changes) };
    assert_eq!(change.computers, ["contoso-1", "contoso-2"]);
    assert_eq!(change.before.as_ref().unwrap().text, "installed 2.0 (latest)");
    assert_eq!(change.after.as_ref().unwrap().text, "installed 1.0");
    assert_eq!(diff.deployments[0].kind, DiffKind::Added);
}

#[test]
fn who_says_the_same_does_not_matter() {
    let mut head = world();
    let old = head.config.deployments.remove(&name("zip")).unwrap();
    head.deploy("zip-again", software("zip"), old.desired, every());
    let diff = diff(&world(), &head);
    assert_eq!(diff.deployments.len(), 2);
    assert!(diff.changes.is_empty(), "{:?}", diff.changes);
    assert_eq!(touched(&diff), [("contoso", 0, true), ("fabrikam", 0, true)]);
}

#[test]
fn scripts_modes_and_removals_are_differences() {
    let mut head = world();
    head.config.tasks.get_mut(&name("firewall")).unwrap().set = Some(scripts("another"));
    let scripts = diff(&world(), &head);
    assert_eq!(
        scripts.changes[0].before.as_ref().unwrap().text,
        scripts.changes[0].after.as_ref().unwrap().text
    );

    let mut head = world();
    head.tenant("fabrikam").mode = Mode::Audit;
    head.config.tenants.get_mut(&name("fabrikam")).unwrap().mode = Mode::Audit;
    let modes = diff(&world(), &head);
    assert_eq!(touched(&modes), [("contoso", 0, true), ("fabrikam", 2, false)]);

    let mut head = world();
    head.config.deployments.remove(&name("firewall"));
    let removed = diff(&world(), &head);
    assert_eq!((removed.changes.len(), &removed.changes[0].after), (1, &None));
}
