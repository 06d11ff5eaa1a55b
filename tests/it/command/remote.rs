//! `muster remote` and the deployments of policies from end to end.

use crate::support::muster::{World, document};

const FLEET: &str = "computers:
  - { name: pc-1, tenant: acme, site: Berlin }
  - { name: pc-2, tenant: acme, site: Paris }
  - { name: pc-3, tenant: other }
";

const TASK: &str = "parameters: { ask: { type: boolean, required: true } }
  test: { posix: { inline: look } }
  set: { posix: { inline: do } }";

fn policy(settings: &str) -> String {
    format!("category: devices\n  type: remote-access\n  remoteAccess: {{ provider: simulated, {settings} }}")
}

/// Two sites of one tenant, and another tenant. In Berlin a second policy asks for consent.
fn world() -> World {
    let world = World::new();
    world.write("muster.yaml", &document("Instance", "test", "timeZone: UTC"));
    for tenant in ["acme", "other"] {
        world.write(&format!("tenants/{tenant}.yaml"), &document("Tenant", tenant, "tags: [managed]"));
    }
    world.write("providers/fleet.yaml", FLEET);
    world.faults("");
    world.write("tasks/ask.yaml", &document("Task", "ask", TASK));
    let free = policy("consent: not-required, deployments: [{ task: ask, settings: { consent: ask } }]");
    world.write("policies/free.yaml", &document("Policy", "free", &free));
    let careful = policy("consent: required, roles: [Manager]");
    world.write("policies/careful.yaml", &document("Policy", "careful", &careful));
    let all = "policies: [free]\n  assigned: [{ tenant: acme }]";
    world.write("packages/all.yaml", &document("Package", "all", all));
    let berlin = "policies: [careful]\n  assigned: [{ tenant: acme, site: berlin }]";
    world.write("packages/berlin.yaml", &document("Package", "berlin", berlin));
    world.commit("policies");
    world
}

#[test]
fn what_policies_need_is_planned_applied_and_shown_with_who_says_so() {
    let world = world();
    let plan = world.run(&["plan", "--output", "json"]).exits(0).json();
    let deployments: Vec<&str> = plan["changes"]
        .as_array()
        .expect("changes")
        .iter()
        .filter_map(|change| change["deployment"]["name"].as_str())
        .collect();
    assert_eq!(deployments, ["free--ask", "free--ask--careful"]);
    let before = world.run(&["remote", "pc-1", "--as-role", "manager", "--output", "json"]).exits(6).json();
    assert_eq!((&before["status"], &before["refused"]["rule"]), (&"pending".into(), &"consent".into()));
    assert_eq!(before["effective"]["consent"]["origins"][0]["policy"], "careful");
    assert_eq!(before["effective"]["consent"]["origins"][0]["package"], "berlin");
    world.run(&["apply", "--auto-approve"]).exits(0);
    let all = world.run(&["remote", "--output", "csv"]).exits(0);
    all.shows("simulated/pc-1,pc-1,acme,berlin,installed,,,simulated,required,\"careful; free\",,")
        .shows("simulated/pc-2,pc-2,acme,paris,installed,,,simulated,not-required,free,,")
        .shows("simulated/pc-3,pc-3,other,,not-enabled,,,,,,,");
    // Nothing is left to do.
    world.run(&["plan", "--detailed-exitcode"]).exits(0);
    let ran = world.run(&["remote", "pc-1", "--as-role", "manager"]).exits(0);
    ran.shows("remote access: installed")
        .shows("policy careful by package berlin (policies/careful.yaml:")
        .shows("https://simulated.invalid/Host#Access///pc-1/Join");
    let json =
        world.run(&["remote", "pc-2", "--as-role", "Office Staff", "--output", "json"]).exits(0).json();
    assert_eq!(
        (&json["effective"]["consent"]["value"], &json["refused"]),
        (&"not-required".into(), &serde_json::Value::Null)
    );
}

#[test]
fn the_rule_that_refuses_is_named() {
    let world = world();
    world.run(&["apply", "--auto-approve"]).exits(0);
    world
        .run(&["remote", "pc-3", "--as-role", "Manager"])
        .exits(6)
        .says("not enabled for its site")
        .shows("not enabled");
    world.run(&["remote", "pc-1"]).exits(6).says("no role is said").says("MUSTER_ROLE");
    world
        .run_with(&["remote", "pc-1"], "MUSTER_ROLE", "Office Staff")
        .exits(6)
        .says("the role Office Staff may not open a session; these may: Manager");
    world.run_with(&["remote", "pc-1"], "MUSTER_ROLE", "Manager").exits(0);
    world.run(&["remote", "pc-9"]).exits(64);
}

#[test]
fn a_failed_attempt_is_shown_with_what_was_said_of_it() {
    let world = world();
    world.faults("failing: [pc-1]");
    world.commit("faults");
    world.run(&["apply", "--auto-approve"]).exits(4);
    let one = world.run(&["remote", "pc-1", "--as-role", "Manager", "--output", "json"]).exits(6).json();
    assert_eq!((&one["status"], &one["refused"]["rule"]), (&"failed".into(), &"consent".into()));
    assert!(one["text"].as_str().is_some_and(|text| text.contains("exit code 1")), "{one}");
    // Whoever has asked the person may go on, with the agent that is there.
    world
        .run(&["remote", "pc-1", "--as-role", "Manager", "--agreed"])
        .exits(0)
        .shows("failed at ")
        .shows("/Join");
    let all = world.run(&["remote", "--output", "json"]).exits(0).json();
    assert_eq!(
        (&all["computers"][0]["status"], &all["computers"][1]["status"]),
        (&"failed".into(), &"installed".into())
    );
}
