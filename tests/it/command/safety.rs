//! Budgets, guardrails, exceptions and protections as a user meets them: what is refused, by which code, and what is kept.

#![expect(clippy::disallowed_methods, reason = "the tests take files away")]

use std::fs;

use crate::support::muster::{World, document};

/// Everybody has the tool, and now nobody is to have it.
fn removing(computers: usize) -> World {
    let world = World::fleet(computers, "");
    world.run(&["apply", "--auto-approve"]).exits(0);
    world.write("deployments/tool.yaml", &absent());
    world
}

fn absent() -> String {
    document("Deployment", "tool", "software: tool\n  state: absent\n  target: { match: { every: true } }")
}

#[test]
fn a_plan_beyond_a_budget_ends_with_6_and_nothing_is_done_before_a_reason_is_given() {
    let world = removing(8);
    let plan = world.run(&["plan", "--out", "../plan.json"]).exits(6);
    assert!(plan.out.contains("8 removals, and 5 allowed"), "{}", plan.out);
    plan.says("refused by budget removals, budget tenant-removals").says("saved; apply exactly this");
    world.run(&["show", "../plan.json"]).exits(0).shows("8 removals, and 5 allowed");
    world.run(&["apply", "../plan.json", "--auto-approve"]).exits(6).says("nothing was done: refused by");
    world.run(&["apply"]).exits(6).says("nothing was done: refused by");
    let json = world.run(&["plan", "--output", "json"]).exits(6).json();
    assert_eq!(json["verdicts"][0]["rule"], "removals");
    assert_eq!(json["verdicts"][0]["weight"], "deny");
    let aside = ["--override", "removals", "--override", "tenant-removals", "--reason", "tool is retired"];
    let plan = world.run(&[&["plan", "--out", "../plan.json"], &aside[..]].concat()).exits(0);
    assert!(
        plan.out.contains("set aside") && plan.out.contains("overridden: tool is retired"),
        "{}",
        plan.out
    );
    // The saved plan carries what it sets aside.
    world.run(&["apply", "../plan.json", "--auto-approve"]).exits(0).shows("actions: 8 succeeded");
    let state = kept(&world);
    assert!(state.contains("tool is retired") && state.contains("tenant-removals"), "{state}");
}

/// All that the state holds, as text.
fn kept(world: &World) -> String {
    let folder = world.path("state/muster/test");
    let files = fs::read_dir(folder).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap());
    files.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).collect()
}

#[test]
fn overrides_that_make_no_sense_are_usage_errors() {
    let world = World::fleet(1, "");
    world.run(&["plan", "--override", "removals"]).exits(64).says("--reason");
    world.run(&["plan", "--reason", "because"]).exits(64).says("--override");
    world.run(&["plan", "--override", "removal", "--reason", "r"]).exits(64).says("did you mean removals?");
    world.run(&["plan", "--override", "removals", "--reason", "  "]).exits(64).says("a reason is empty");
    let two = ["--reason", "a", "--reason", "b"];
    world
        .run(&[&["plan", "--override", "removals"], &two[..]].concat())
        .exits(64)
        .says("1 overrides and 2 reasons");
    let once = ["plan", "--override", "removals", "--reason", "r"];
    let twice = [&once[..], &["--override", "removals"]].concat();
    for said in [&once[..], &twice] {
        let ran = world.run(said).exits(0).says("M0808");
        assert_eq!(ran.err.matches("M0808").count(), 1, "{}", ran.err);
    }
}

#[test]
fn a_budget_of_the_instance_is_told_with_its_place() {
    let world = World::fleet(3, "");
    let budget = "budgets:\n    perRun:\n      computers: { count: 2 }";
    world.write("muster.yaml", &document("Instance", "test", budget));
    world.run(&["plan"]).exits(6).shows("3 computers changed, and 2 allowed").shows("muster.yaml:");
    world.run(&["plan", "--only", "not:computer:pc-1"]).exits(0);
    world.run(&["apply", "--auto-approve"]).exits(6);
    world.run(&["apply", "--auto-approve", "--only", "computer:pc-1"]).exits(0);
}

#[test]
fn a_guardrail_refuses_at_its_stages_and_an_exception_sets_it_aside() {
    let world = World::fleet(2, "");
    let rule = "for: change\n  deny: change.action == 'install' && change.servers > 0\n  message: 'installs \
                {change.item} on {change.servers} servers'\n  stages: { plan: warn, apply: deny }\n  overridable: false";
    world.write("policies/servers.yaml", &document("Guardrail", "no-servers", rule));
    world.run(&["validate"]).exits(0);
    world.run(&["plan"]).exits(0).shows("warning").shows("installs tool on 2 servers");
    world.run(&["apply", "--auto-approve"]).exits(6).says("refused by guardrail no-servers");
    let forced = ["apply", "--auto-approve", "--override", "no-servers", "--reason", "now"];
    world.run(&forced).exits(64).says("cannot be overridden");
    let exception = |expires: &str| {
        format!(
            "guardrail: no-servers\n  subjects: {{ deployments: [tool] }}\n  owner: desk\n  reason: agreed\n  expires: '{expires}'"
        )
    };
    world.write("policies/agreed.yaml", &document("Exception", "agreed", &exception("2020-01-31")));
    world.run(&["apply", "--auto-approve"]).exits(6).shows("exception agreed expired on 2020-01-31");
    world.write("policies/agreed.yaml", &document("Exception", "agreed", &exception("2999-12-31")));
    world
        .run(&["apply", "--auto-approve"])
        .exits(0)
        .shows("exception agreed of desk, until 2999-12-31: agreed");
}

#[test]
fn a_guardrail_about_documents_refuses_when_they_are_validated() {
    let world = World::fleet(1, "");
    let rule =
        "for: deployment\n  require: deployment.labels == {} || has(deployment.labels.owner)\n  message: 'x'";
    world.write("policies/labels.yaml", &document("Guardrail", "labels", rule));
    world.run(&["validate"]).exits(0);
    let rule = "for: deployment\n  require: has(deployment.labels.owner)\n  message: '{deployment.name} has no owner'";
    world.write("policies/labels.yaml", &document("Guardrail", "labels", rule));
    world
        .run(&["validate"])
        .exits(6)
        .shows("deployments/tool.yaml")
        .shows("M0802")
        .shows("tool has no owner");
    let json = world.run(&["validate", "--output", "json"]).exits(6).json();
    assert_eq!(json["valid"], false);
    world.run(&["plan"]).exits(6).shows("tool has no owner");
}

#[test]
fn a_protected_tenant_stays_protected_after_its_line_is_gone_until_it_is_released() {
    let world = World::fleet(2, "");
    world.write("tenants/acme.yaml", &document("Tenant", "acme", "protect: true"));
    world.run(&["apply", "--auto-approve"]).exits(0);
    world.write("deployments/tool.yaml", &absent());
    world
        .run(&["plan"])
        .exits(6)
        .shows("tenant acme is protected, and tool would be uninstalled from pc-1, pc-2");
    // The line goes together with what it stood in the way of.
    world.write("tenants/acme.yaml", &document("Tenant", "acme", "tags: [managed]"));
    world.run(&["plan"]).exits(6).shows("was protected by tenants/acme.yaml:5");
    world.run(&["apply", "--auto-approve"]).exits(6);
    let release = ["apply", "--auto-approve", "--override", "protection", "--reason", "contract ended"];
    world.run(&release).exits(0).shows("actions: 2 succeeded");
    world.run(&["plan"]).exits(0);
    let gone = world.run(&["apply", "--auto-approve"]).exits(0);
    assert!(!gone.err.contains("M0810"), "{}", gone.err);
}
