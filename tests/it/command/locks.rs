//! Locks that changes share: none of them overlap, and a run with many at once comes to its end.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::muster::{World, document};

/// Forty computers in two tenants, or at two sites of one, all of which two tasks with locks are to change, up to 64 at once.
fn world(scope: &str) -> World {
    let world = World::fleet(40, "slow: [pc-1, pc-2], delay: 1s");
    world.write("muster.yaml", &document("Instance", "test", "timeZone: UTC\n  concurrency: 64"));
    world.write("tenants/beta.yaml", &document("Tenant", "beta", "tags: [managed]"));
    let (half, rest) = if scope == "site" {
        ("tenant: acme\n    site: Bonn", "tenant: acme\n    site: Ulm")
    } else {
        ("tenant: beta", "tenant: acme")
    };
    std::fs::remove_file(world.repo().join("deployments/tool.yaml")).unwrap();
    let fleet = std::fs::read_to_string(world.repo().join("providers/fleet.yaml")).unwrap();
    let mut number = 0;
    let lines = fleet.lines().map(|line| {
        number += usize::from(line.contains("name: pc-"));
        line.replace("tenant: acme", if number % 2 == 0 { half } else { rest })
    });
    world.write("providers/fleet.yaml", &lines.collect::<Vec<_>>().join("\n"));
    for name in ["one", "two"] {
        let lock = format!("lock: {{ name: shared, scope: {scope} }}");
        let spec = format!("script: {{ posix: {{ inline: 'true' }} }}\n  {lock}");
        world.write(&format!("tasks/{name}.yaml"), &document("Task", name, &spec));
        let spec = format!("task: {name}\n  target: {{ match: {{ every: true }} }}");
        world.write(&format!("deployments/{name}.yaml"), &document("Deployment", name, &spec));
    }
    world
}

/// How many changes were under way at most, all in all and within one tenant, and how many waited.
fn most(world: &World) -> (usize, usize, usize) {
    let ran = world.run(&["apply", "--auto-approve", "--output", "ndjson"]).exits(0);
    let (mut under_way, mut waited) = (BTreeSet::new(), 0);
    let (mut most, mut most_of_one) = (0, 0);
    let mut finished = 0;
    for event in ran.lines() {
        let computer = || event["computer"].as_str().unwrap_or_default().to_owned();
        let tenant = |computer: &str| {
            computer.rsplit('-').next().and_then(|number| number.parse::<usize>().ok()).unwrap() % 2
        };
        match event["event"].as_str() {
            Some("lock-waiting") => waited += 1,
            Some("action-started") => {
                assert!(under_way.insert(computer()));
                most = most.max(under_way.len());
                let mut tenants: BTreeMap<usize, usize> = BTreeMap::new();
                for computer in &under_way {
                    *tenants.entry(tenant(computer)).or_default() += 1;
                }
                most_of_one = most_of_one.max(tenants.values().copied().max().unwrap_or(0));
            }
            Some("action-finished") => {
                assert!(under_way.remove(&computer()));
                finished += 1;
            }
            _ => {}
        }
    }
    assert_eq!((finished, under_way.len()), (80, 0));
    (most, most_of_one, waited)
}

#[test]
fn of_all_changes_with_one_lock_only_one_is_under_way() {
    let (most, _, waited) = most(&world("instance"));
    assert_eq!(most, 1);
    assert!(waited > 30, "only {waited} waited");
}

#[test]
fn a_lock_of_sites_lets_each_site_go_on() {
    let (most, of_one, _) = most(&world("site"));
    assert_eq!((most, of_one), (2, 1));
}

#[test]
fn a_lock_of_tenants_lets_each_tenant_go_on() {
    let (most, of_one, _) = most(&world("tenant"));
    assert_eq!((most, of_one), (2, 1));
}
