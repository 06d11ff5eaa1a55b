//! Runs that name deployments, plans as if another mode stood, holds and lints, with the real program.

use crate::support::muster::{World, document};

/// The file `name` with a content as an ad-hoc deployment called `deployment`.
fn ad_hoc(world: &World, deployment: &str, name: &str, content: &str) {
    let spec = format!(
        "task: file\n  instance: {name}\n  enforcement: ad-hoc\n  target: {{ match: {{ every: true }} }}\n  parameters: \
         {{ path: {name}, content: '{content}' }}"
    );
    world.write(&format!("deployments/{deployment}.yaml"), &document("Deployment", deployment, &spec));
}

#[test]
fn an_ad_hoc_deployment_is_done_in_a_run_that_names_it_and_in_no_other() {
    let world = World::local();
    world.declare("one", "first");
    ad_hoc(&world, "now", "two", "second");
    world.run(&["apply", "--deployment", "now", "--auto-approve"]).exits(0).shows("1 succeeded");
    assert_eq!((world.home_file("one"), world.home_file("two").as_deref()), (None, Some("second\n")));
    world.set_home_file("two", "changed by hand\n");
    world.run(&["apply", "--auto-approve"]).exits(0).shows("1 succeeded");
    assert_eq!(world.home_file("one").as_deref(), Some("first\n"));
    assert_eq!(world.home_file("two").as_deref(), Some("changed by hand\n"));
    world.run(&["plan", "--deployment", "nwo"]).exits(64).says("did you mean now?");
}

#[test]
fn a_named_deployment_that_does_not_win_is_refused_unless_it_is_forced() {
    let world = World::local();
    let usual = "task: file\n  instance: one\n  target: { match: { all: [{ computer: here }] } }\n  parameters: { path: \
                 one, content: usual }";
    world.write("deployments/usual.yaml", &document("Deployment", "usual", usual));
    ad_hoc(&world, "now", "one", "now");
    let named = ["--deployment", "now"];
    let plan = [&["plan"], &named[..]].concat();
    world.run(&plan).exits(6).shows("deployment now does not win here: usual does");
    let apply = [&["apply", "--auto-approve"], &named[..]].concat();
    world.run(&apply).exits(6).says("does not win everywhere").says("--force-deployment");
    assert_eq!(world.home_file("one"), None);
    let forced = [&apply[..], &["--force-deployment"]].concat();
    world.run(&forced).exits(0);
    assert_eq!(world.home_file("one").as_deref(), Some("now\n"));
}

#[test]
fn a_plan_as_if_enforced_is_shown_and_not_applied() {
    let world = World::local();
    world.declare("one", "first");
    world.write("tenants/acme.yaml", &document("Tenant", "acme", "mode: audit"));
    world.run(&["plan"]).exits(0).shows("No changes");
    let plan = world.run(&["plan", "--as", "enforce", "--out", "../plan.json"]).exits(0);
    plan.shows("as if enforce").shows("tenant acme is taken as enforce in place of audit").shows("1 to set");
    world.run(&["show", "../plan.json"]).exits(0).shows("as if enforce");
    world.run(&["apply", "../plan.json", "--auto-approve"]).exits(6).says("it is not applied");
    assert_eq!(world.home_file("one"), None);
    world.run(&["plan", "--as", "ignored"]).exits(64);
}

#[test]
fn what_is_on_hold_is_told_and_an_ended_hold_is_a_lint() {
    let world = World::local();
    world.declare("one", "first");
    let hold = |until: &str| format!("hold: {{ until: '{until}', reason: a fair }}");
    world.write("tenants/acme.yaml", &document("Tenant", "acme", &hold("9998-01-01")));
    world.run(&["apply", "--auto-approve"]).exits(0).shows("tenant acme is on hold until 9998-01-01: a fair");
    assert_eq!(world.home_file("one"), None);
    world.run(&["validate", "--fail-on-warn"]).exits(0);
    world.write("tenants/acme.yaml", &document("Tenant", "acme", &hold("2020-01-01")));
    world.run(&["validate", "--fail-on-warn"]).exits(10).shows("M0609");
    world.run(&["apply", "--auto-approve"]).exits(0);
    assert_eq!(world.home_file("one").as_deref(), Some("first\n"));
}

#[test]
fn a_software_is_repaired_on_demand_and_only_where_it_is_named() {
    let world = World::local();
    let tool = "detect: { script: { posix: { inline: echo 1.0 } } }\n  versions: ['1.0']\n  \
                install: { posix: { inline: 'true' } }\n  \
                repair: { script: { posix: { inline: 'echo \"$MUSTER_ACTION\" >>\"$HOME/log\"' } } }";
    world.write("software/tool.yaml", &document("Software", "tool", tool));
    let wanted = "software: tool\n  state: installed\n  target: { match: { every: true } }";
    world.write("deployments/tool.yaml", &document("Deployment", "tool", wanted));
    world.run(&["apply", "--auto-approve"]).exits(0);
    assert_eq!(world.home_file("log"), None);
    world.run(&["apply", "--auto-approve", "--repair", "tool"]).exits(64);
    let repair = |command: &[&str], name: &str| {
        let scope = ["--only", "computer:here", "--deployment", "tool", "--repair", name];
        world.run(&[command, &scope[..]].concat())
    };
    repair(&["plan"], "toll").exits(64).says("tool");
    repair(&["plan"], "tool").exits(0).shows("repair-requested");
    repair(&["apply", "--auto-approve"], "tool").exits(0);
    assert_eq!(world.home_file("log").as_deref(), Some("repair\n"));
    world.run(&["plan", "--detailed-exitcode"]).exits(0);
}
