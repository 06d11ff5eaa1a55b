//! `diff --base`, the causes of changes and the backward answer of `explain`, on real commits and a simulated fleet.

use crate::support::muster::{World, document};

const TENANTS: [&str; 4] = ["contoso", "fabrikam", "litware", "adatum"];

fn world() -> World {
    let world = World::new();
    world.write("muster.yaml", &document("Instance", "test", "timeZone: UTC"));
    for tenant in TENANTS {
        world.write(&format!("tenants/{tenant}.yaml"), &document("Tenant", tenant, "{}"));
    }
    let generate = format!(
        "simulated: {{ generate: {{ computers: 40, seed: 7, tenants: [{}] }}, memory: .muster/fleet.json }}",
        TENANTS.join(", ")
    );
    world.write("providers/sim.yaml", &document("Provider", "sim", &generate));
    let script = "{ posix: { inline: 'true' }, windows: { inline: '$true' } }";
    world.write(
        "tasks/firewall.yaml",
        &document("Task", "firewall", &format!("test: {script}\n  set: {script}")),
    );
    deploy(&world, "every: true");
    world.write(".gitignore", ".muster/\n");
    world.commit("the firewall everywhere");
    world
}

fn deploy(world: &World, expression: &str) {
    let spec = format!("task: firewall\n  target: {{ match: {{ {expression} }} }}");
    world.write("deployments/firewall.yaml", &document("Deployment", "firewall", &spec));
}

#[test]
fn a_difference_names_the_tenants_it_touches_and_proves_that_others_are_not() {
    let world = world();
    // The list of computers stands in the repository, so nothing has to be remembered for it.
    let same = "4 tenants with 40 computers: what is wanted there is the same, item by item";
    world.run(&["diff", "--base", "HEAD"]).exits(0).shows(same);
    world.run(&["plan"]).exits(0);
    world.run(&["diff", "--base", "HEAD", "--detailed-exitcode"]).exits(0).shows("no tenant");

    deploy(&world, "not: [{ tenant: contoso }]");
    let ran = world.run(&["diff", "--base", "HEAD", "--detailed-exitcode"]).exits(2);
    let ran = ran.shows("~ firewall   deployments/firewall.yaml:3").shows("firewall: set -> not managed");
    let ran = ran.shows("Touched      contoso (18 of 18)");
    ran.shows("3 tenants with 22 computers: what is wanted there is the same, item by item");

    let diff = world.run(&["diff", "--base", "HEAD", "--output", "json"]).exits(0).json();
    for tenant in diff["tenants"].as_array().unwrap() {
        let same = tenant["before"] == tenant["after"];
        assert_eq!(same, tenant["tenant"] != "contoso", "{tenant}");
    }
    world.commit("not for contoso");
    world.run(&["diff", "--base", "HEAD~1", "--rev", "HEAD"]).exits(0).shows("contoso (18 of 18)");
    world.run(&["diff", "--base", "nowhere"]).exits(3).says("nowhere");
}

#[test]
fn explaining_a_deployment_tells_what_its_removal_would_change() {
    let world = world();
    world.run(&["plan"]).exits(0);
    let ran = world.run(&["explain", "firewall"]).exits(0).shows("If it were removed:");
    ran.shows("firewall: set -> not managed").shows("40 computers");
    world.run(&["explain", "firewal"]).exits(64);
}

#[test]
fn a_second_plan_tells_who_came_into_a_target_and_why_there_is_something_to_do() {
    let world = world();
    world.write("targets/some.yaml", &document("Target", "some", "match: { any: [{ tenant: contoso }] }"));
    let spec = "task: firewall\n  target: { ref: some }";
    world.write("deployments/firewall.yaml", &document("Deployment", "firewall", spec));
    let first = world.run(&["plan"]).exits(0).shows("new-intent");
    assert!(!first.out.contains("Membership"), "{}", first.out);
    world.run(&["apply", "--auto-approve"]).exits(0);
    world.run(&["plan"]).exits(0).shows("no changes");

    // The target's members change because a computer does: its document moves it to the tenant.
    let moved = world.run(&["resolve", "tenant:fabrikam", "--output", "ndjson"]).exits(0).lines();
    let name = moved[0]["name"].as_str().unwrap().to_owned();
    let spec = format!("name: {name}\n  tenant: contoso");
    world.write("computers/moved.yaml", &document("Computer", "moved", &spec));
    let ran = world.run(&["plan"]).exits(0).shows("Membership").shows(&format!("{name} joined"));
    let ran = ran.shows("task-non-compliant, membership").shows("+1");
    drop(ran.shows("; about"));
}
