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
    world.run(&["diff", "--base", "nowhere"]).exits(64).says("nowhere");
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

/// Two tenants with a computer each, in a fleet file, and a task.
fn two() -> World {
    let world = World::new();
    world.write("muster.yaml", &document("Instance", "test", "timeZone: UTC"));
    for tenant in ["contoso", "fabrikam"] {
        world.write(&format!("tenants/{tenant}.yaml"), &document("Tenant", tenant, "{}"));
    }
    let spec = "simulated: { fleet: fleet.data, memory: ../.muster/fleet.json }";
    world.write("providers/sim.yaml", &document("Provider", "sim", spec));
    listed(&world, "");
    let script = "{ posix: { inline: 'true' } }";
    world.write("tasks/task.yaml", &document("Task", "task", &format!("test: {script}\n  set: {script}")));
    world.write(".gitignore", ".muster/\n");
    world
}

/// The fleet file; `more` is said of `pc-1`.
fn listed(world: &World, more: &str) {
    let fleet =
        format!("computers: [{{ name: pc-1, tenant: contoso{more} }}, {{ name: pc-2, tenant: fabrikam }}]\n");
    world.write("providers/fleet.data", &fleet);
}

fn deploy_to(world: &World, expression: &str) {
    let spec = format!("task: task\n  target: {{ match: {{ all: [{expression}] }} }}");
    world.write("deployments/task.yaml", &document("Deployment", "task", &spec));
}

#[test]
fn the_answer_of_a_script_counts_for_its_own_text_and_computers_alone() {
    let world = two();
    let names = |computer: &str| {
        let spec = format!("inline: 'cat > /dev/null; echo {computer}'");
        world.write("targets/chosen.yaml", &document("Script", "chosen", &spec));
    };
    names("pc-1");
    deploy_to(&world, "{ script: chosen }");
    world.commit("pc-1 is chosen");
    world.run(&["plan"]).exits(0);
    let diff = |base: &str, code| {
        world.run(&["diff", "--base", base, "--rev", "HEAD", "--detailed-exitcode"]).exits(code)
    };
    diff("HEAD", 0).shows("2 tenants with 2 computers");
    names("pc-2");
    world.commit("pc-2 is chosen");
    // Whom the new text selects is not known before it has run.
    diff("HEAD~1", 2).shows("contoso (1 of 1)").shows("fabrikam (1 of 1)").shows("Not known");
    world.run(&["plan"]).exits(0);
    diff("HEAD~1", 2).shows("contoso (1 of 1)").shows("fabrikam (1 of 1)");
    diff("HEAD", 0);
    listed(&world, ", tags: [new]");
    world.commit("what the script is shown is something else");
    diff("HEAD~1", 2).shows("contoso (1 of 1)").shows("Not known");
    // Without a script nothing of this counts.
    deploy_to(&world, "{ tenant: fabrikam }");
    world.commit("fabrikam is chosen");
    listed(&world, "");
    world.commit("no tag");
    diff("HEAD~1", 0).shows("2 tenants with 2 computers");
}

#[test]
fn what_a_list_in_the_repository_says_of_a_computer_is_that_of_each_revision() {
    let cases = [
        ("{ site: { name: Berlin } }", ", site: Berlin"),
        ("{ site: { name: Berlin, provider: sim } }", ", site: Berlin"),
        ("{ providerGroup: { provider: sim, name: desks } }", ", groups: [desks]"),
        ("{ providerGroup: { provider: sim, property: use, value: desk } }", ", properties: { use: desk }"),
        ("{ onboarding: true }", ", onboarded: false"),
    ];
    for (expression, more) in cases {
        let world = two();
        deploy_to(&world, expression);
        world.commit("nobody is meant");
        // What was listed last is in the state, and is that of neither side in the end.
        world.run(&["plan"]).exits(0);
        listed(&world, more);
        world.commit("pc-1 is meant");
        let diff = |base: &str, head: &str| {
            let ran = world.run(&["diff", "--base", base, "--rev", head, "--detailed-exitcode"]).exits(2);
            ran.shows("contoso (1 of 1)").shows("1 tenant with 1 computer: what is wanted there is the same");
        };
        diff("HEAD~1", "HEAD");
        world.run(&["plan"]).exits(0).shows("pc-1");
        diff("HEAD~1", "HEAD");
        diff("HEAD", "HEAD~1");
    }
}

#[test]
fn the_day_of_an_agreement_is_that_of_each_revisions_time_zone() {
    let world = two();
    // Between them there is always another day in one of the two.
    let (east, west) = ("Pacific/Kiritimati", "Pacific/Niue");
    let zone =
        |name: &str| world.write("muster.yaml", &document("Instance", "test", &format!("timeZone: {name}")));
    world.write("psas/psa.yaml", &document("Psa", "psa", "simulated: { file: psa.data }"));
    world.write("tenants/contoso.yaml", &document("Tenant", "contoso", "psa: { name: psa, company: '1' }"));
    let now = jiff::Timestamp::now();
    let day = |zone: &str| now.in_tz(zone).unwrap().date();
    assert_ne!(day(east), day(west));
    // In force on the eastern day alone.
    let agreement = format!("{{ name: A, type: managed, begin: {0}, end: {0} }}", day(east));
    world.write(
        "psas/psa.data",
        &format!("companies: [{{ id: '1', name: Contoso, agreements: [{agreement}] }}]\n"),
    );
    deploy_to(&world, "{ agreement: { psa: psa } }");
    zone(west);
    world.commit("in the west");
    world.run(&["plan"]).exits(0).shows("no changes");
    zone(east);
    world.commit("in the east");
    let diff = world.run(&["diff", "--base", "HEAD~1", "--rev", "HEAD"]).exits(0);
    diff.shows("contoso (1 of 1)").shows("1 tenant with 1 computer: what is wanted there is the same");
    world.run(&["plan"]).exits(0).shows("pc-1");
}
