//! A saved plan where the repository is on another commit: what that head guards and lists counts too.

use crate::support::muster::{World, document};

/// Two computers with a tool that is to go, the plan for that in `plan.json`, and its commit. `pc-2` has a second one.
fn planned() -> (World, String) {
    let world = World::fleet(2, "");
    fleet(&world, &["pc-1", "pc-2"], "");
    let absent = "software: tool\n  state: absent\n  target: { match: { all: [{ tenant: acme }], not: [{ tag: kiosk }] } }";
    world.write("deployments/tool.yaml", &document("Deployment", "tool", absent));
    world.write(".gitignore", ".muster/\n");
    let commit = world.commit("the tool goes");
    world.run(&["plan", "--out", "../plan.json"]).exits(0).shows("2 changes");
    (world, commit)
}

/// The fleet in the repository; `tagged` has the tag that the deployment leaves out.
fn fleet(world: &World, names: &[&str], tagged: &str) {
    let computer = |name: &&str| {
        let tags = if *name == tagged { "tags: [kiosk], " } else { "" };
        format!(
            "  - {{ name: {name}, tenant: acme, {tags}software: {{ tool: '1.0' }}, facts: {{ os: {{ family: linux, name: \
             Debian, version: '13' }}, role: server }} }}\n"
        )
    };
    let computers: String = names.iter().map(computer).collect();
    world.write("providers/fleet.yaml", &format!("computers:\n{computers}"));
}

fn apply(world: &World, code: i32) -> crate::support::muster::Ran {
    world.run(&["apply", "../plan.json", "--auto-approve"]).exits(code)
}

/// Nothing has been changed, and the plan's own commit is still applied where it is named.
fn nothing_was_done(world: &World, commit: &str) {
    let memory = world.path("repo/.muster/fleet.json");
    assert!(
        !memory.exists() || !world.repo_file(".muster/fleet.json").contains("tool"),
        "something was changed"
    );
    world
        .run(&["apply", "../plan.json", "--auto-approve", "--rev", commit])
        .exits(0)
        .shows("actions: 2 succeeded, 0 failed, 0 open");
}

#[test]
fn what_the_head_protects_is_not_removed_by_an_older_plan() {
    let (world, commit) = planned();
    world.write("tenants/acme.yaml", &document("Tenant", "acme", "protect: true"));
    world.commit("acme is protected");
    world.run(&["plan"]).exits(6);
    apply(&world, 6)
        .says("tenant acme is protected, and tool would be uninstalled from pc-1, pc-2")
        .says("refused by protection")
        .says("--rev");
    nothing_was_done(&world, &commit);
}

#[test]
fn the_budgets_of_the_head_count_for_an_older_plan() {
    let (world, commit) = planned();
    let budget = "timeZone: UTC\n  budgets: { perRun: { removals: { count: 1 } } }";
    world.write("muster.yaml", &document("Instance", "test", budget));
    world.commit("one removal a run");
    apply(&world, 6).says("refused by budget removals");
    nothing_was_done(&world, &commit);
    // What the head wants besides does not count against the budget of the plan.
    let (world, _) = planned();
    let budget = "timeZone: UTC\n  budgets: { perRun: { removals: { count: 2 } } }";
    world.write("muster.yaml", &document("Instance", "test", budget));
    let more = "detect: { script: { posix: { inline: tool --version } } }\n  versions: ['1.0']\n  uninstall: { posix: { \
                inline: remove more } }";
    world.write("software/more.yaml", &document("Software", "more", more));
    let gone = "software: more\n  state: absent\n  target: { match: { every: true } }";
    world.write("deployments/more.yaml", &document("Deployment", "more", gone));
    world.commit("two removals a run, and more to remove");
    apply(&world, 0).says("wants the same of all that it does").shows("actions: 2 succeeded");
}

#[test]
fn a_guardrail_of_the_head_refuses_an_older_plan() {
    let (world, commit) = planned();
    let rule = "for: change\n  deny: change.action == 'uninstall'\n  message: 'removes {change.item}'\n  stages: { plan: \
                warn, apply: deny }\n  overridable: false";
    world.write("policies/removals.yaml", &document("Guardrail", "no-removals", rule));
    world.commit("nothing is removed");
    apply(&world, 6).says("removes tool").says("refused by guardrail no-removals");
    nothing_was_done(&world, &commit);
    // Where it may be set aside, it may be so for an older plan too, which knows nothing of it.
    let (world, _) = planned();
    world.write(
        "policies/removals.yaml",
        &document("Guardrail", "no-removals", &rule.replace("false", "true")),
    );
    world.commit("nothing is removed without a word");
    apply(&world, 6).says("refused by guardrail no-removals");
    let aside = ["--override", "no-removals", "--reason", "agreed"];
    let applied = world.run(&[&["apply", "../plan.json", "--auto-approve"], &aside[..]].concat());
    let applied = applied.exits(0).shows("actions: 2 succeeded, 0 failed, 0 open");
    assert!(!applied.err.contains("M0808"), "the head needed it: {}", applied.err);
}

#[test]
fn a_computer_that_the_head_does_not_list_or_leaves_out_is_not_changed_by_an_older_plan() {
    type Edit = fn(&World);
    let edits: [(&str, Edit); 3] = [
        ("a computer that is not listed any more", |world| fleet(world, &["pc-1"], "")),
        ("a computer with another tag", |world| fleet(world, &["pc-1", "pc-2"], "pc-2")),
        ("a computer with a tag of a document", |world| {
            world.write("computers/pc-2.yaml", &document("Computer", "pc-2", "tags: [kiosk]"));
        }),
    ];
    for (what, edit) in edits {
        let (world, commit) = planned();
        edit(&world);
        world.commit(what);
        let refused = apply(&world, 7).says("wants something else; nothing was done");
        assert!(refused.err.contains("pc-2") && !refused.err.contains("pc-1"), "{what}\n{}", refused.err);
        nothing_was_done(&world, &commit);
    }
    // One more is nothing to an older plan.
    let (world, _) = planned();
    fleet(&world, &["pc-1", "pc-2", "pc-3"], "");
    world.commit("one computer more");
    apply(&world, 0).says("wants the same of all that it does").shows("actions: 2 succeeded");
}

#[test]
fn a_head_whose_errors_show_with_computers_only_is_no_reason_to_apply_what_was_before() {
    let (world, commit) = planned();
    // The head says the opposite of the same computers with the same rank: nobody wins there.
    let there = "software: tool\n  state: installed\n  target: { match: { all: [{ tenant: acme }], not: [{ tag: kiosk }] } }";
    world.write("deployments/other.yaml", &document("Deployment", "other", there));
    world.commit("two that disagree");
    world.run(&["plan"]).exits(3).says("M0702");
    apply(&world, 7).says("has errors; nothing was done").says("--rev");
    nothing_was_done(&world, &commit);
}
