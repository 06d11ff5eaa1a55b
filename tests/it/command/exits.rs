//! The exit codes, each reached by what it stands for.

#![expect(clippy::disallowed_methods, reason = "the tests look at the files that were made")]

use rustix::process::Signal;

use crate::support::muster::{World, document};
use crate::support::sshd::Farm;

#[test]
fn done_and_changes_are_told_apart_on_request() {
    let world = World::fleet(2, "");
    world.run(&["plan"]).exits(0);
    world.run(&["plan", "--detailed-exitcode"]).exits(2);
    world.run(&["apply", "--auto-approve"]).exits(0);
    world.run(&["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn a_configuration_with_mistakes_ends_with_3() {
    let world = World::fleet(1, "");
    world.write(
        "deployments/bad.yaml",
        &document(
            "Deployment",
            "bad",
            "software: tol\n  state: installed\n  target: { ref: every-one }\n  colour: red",
        ),
    );
    for command in [&["plan"][..], &["apply", "--auto-approve"], &["status"], &["resolve", "every"]] {
        let ran = world.run(command).exits(3).says("deployments/bad.yaml").says("colour");
        assert_eq!(ran.out, "", "{command:?}");
    }
    // What is wrong is the result of this one.
    let ran = world.run(&["validate"]).exits(3).shows("deployments/bad.yaml").shows("colour");
    assert_eq!(ran.err, "");
    std::fs::remove_dir_all(world.repo()).unwrap();
    std::fs::create_dir(world.repo()).unwrap();
    world.run(&["plan"]).exits(3).says("muster init");
}

/// Who limits a run to what nobody has meant something else: that nothing changes would look like success.
#[test]
fn a_limit_to_what_nobody_has_ends_with_3() {
    let world = World::fleet(2, "");
    for nobody in ["computer:pc-9", "site:nowhere", "person:nobody", "tenant:nobody"] {
        for command in [&["plan"][..], &["apply", "--auto-approve"]] {
            let ran = world.run(&[command, &["--only", nobody]].concat()).exits(3);
            assert!(ran.err.contains("error[M0"), "{nobody}: {}", ran.err);
        }
    }
    // Nobody may have a tag by right.
    world.run(&["plan", "--only", "tag:nowhere"]).exits(0);
}

#[test]
fn a_change_that_fails_ends_with_4_and_the_others_go_on() {
    let world = World::fleet(3, "failing: [pc-2]");
    let ran = world.run(&["apply", "--auto-approve"]).exits(4);
    assert!(ran.out.contains("2 passed, 1 failed"), "{}", ran.out);
    let left = world.run(&["plan", "--output", "json"]).exits(0).json();
    assert_eq!(left["computers"].as_array().unwrap().len(), 1);
    assert_eq!(left["computers"][0]["name"], "pc-2");
}

#[test]
fn a_change_that_only_claims_success_ends_with_4() {
    let world = World::fleet(2, "lying: [pc-1]");
    world.run(&["apply", "--auto-approve"]).exits(4).shows("1 passed, 1 failed");
}

#[test]
fn computers_out_of_reach_end_with_5_beyond_the_allowed_share() {
    let world = World::fleet(4, "unreachable: [pc-3]");
    let plan = world.run(&["plan", "--output", "json"]).exits(5).json();
    assert_eq!(plan["coverage"]["unreachable"], 1);
    assert_eq!(plan["coverage"]["unknown"], 1);
    assert_eq!(plan["coverage"]["detected"], 3);
    world.run(&["plan"]).exits(5).shows("1 unreachable");
    world.run(&["plan", "--allow-missing", "24"]).exits(5);
    world.run(&["plan", "--allow-missing", "25"]).exits(0);
    world.run(&["apply", "--auto-approve"]).exits(5).shows("3 passed");
    world.run(&["apply", "--auto-approve", "--allow-missing", "25"]).exits(0);
}

#[test]
fn over_ssh_a_dead_host_is_told_and_the_others_finish() {
    let mut farm = Farm::start(3);
    let world = World::local();
    world.declare("motd", "welcome");
    std::fs::remove_file(world.repo().join("providers/here.yaml")).unwrap();
    world.write("providers/farm.yaml", &ssh_provider(&farm));
    world.run(&["plan", "--detailed-exitcode"]).exits(2).shows("3 computers");
    farm.hosts[1].stop();
    let ran = world.run(&["apply", "--auto-approve"]).exits(5).shows("2 passed");
    assert!(ran.out.contains("host1") || ran.err.contains("host1"), "{} {}", ran.out, ran.err);
    let has = |host: usize| std::fs::read_to_string(farm.hosts[host].home.join("motd")).ok();
    assert_eq!([has(0), has(1), has(2)], [Some("welcome\n".to_owned()), None, Some("welcome\n".to_owned())]);
    let plan = world.run(&["plan", "--refresh", "always", "--output", "json"]).exits(5).json();
    assert_eq!(plan["coverage"]["unreachable"], 1);
    assert_eq!(plan["coverage"]["unknown"], 1);
    assert_eq!(plan["coverage"]["detected"], 2);
    assert_eq!(plan["sessions"].as_array().unwrap().len(), 0);
    let kinds: Vec<(&str, &str)> = plan["notes"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|note| Some((note["kind"].as_str()?, note["computers"][0].as_str()?)))
        .collect();
    assert_eq!(kinds, [("unreachable", "host1")]);
}

#[test]
fn without_a_terminal_nothing_is_applied_that_was_not_approved() {
    let world = World::fleet(1, "");
    world.run(&["apply"]).exits(6).says("there is nobody to ask").says("--auto-approve");
    world.run(&["plan", "--detailed-exitcode", "--refresh", "always"]).exits(2);
}

#[test]
fn a_second_apply_is_locked_out_and_the_first_ends_with_143_when_asked_to() {
    let world = World::fleet(4, "slow: ['*'], delay: 1s");
    let first = world.start(&["apply", "--auto-approve", "--concurrency", "1"]);
    first.wait_for("apply ");
    world.run(&["apply", "--auto-approve"]).exits(8).says("apply by tester");
    world.run(&["plan"]).exits(0);
    first.signal(Signal::TERM);
    first.wait_for("stopping");
    let ran = first.end().exits(143);
    assert!(ran.out.contains("1 passed, 3 not finished"), "{}", ran.out);
    // The lock has gone with its holder.
    world.faults("");
    world.run(&["apply", "--auto-approve"]).exits(0).shows("3 passed");
}

#[test]
fn an_interrupt_in_a_plan_ends_with_130() {
    let world = World::fleet(40, "slow: ['*'], delay: 30s");
    let plan = world.start(&["plan"]);
    plan.wait_for("Detecting");
    plan.signal(Signal::INT);
    plan.wait_for("stopping");
    plan.signal(Signal::INT);
    plan.end().exits(130);
}

#[test]
fn an_interrupted_plan_says_that_it_is_not_whole_and_is_not_saved() {
    for (form, says) in
        [("human", "Interrupted: this is no whole plan"), ("markdown", "this is no whole plan")]
    {
        let world = World::fleet(40, "slow: ['*'], delay: 2s");
        let plan = world.start(&["plan", "--out", "../plan.json", "--output", form]);
        plan.wait_for("Detecting");
        plan.signal(Signal::INT);
        plan.end().exits(130).shows(says).says("not saved");
        assert!(!world.path("plan.json").exists());
    }
}

#[test]
fn a_list_that_fails_ends_with_9_and_removes_nothing() {
    let world = World::fleet(2, "");
    world.run(&["apply", "--auto-approve"]).exits(0);
    let everywhere = "software: tool\n  state: absent\n  target: { match: { every: true } }";
    world.write("deployments/tool.yaml", &document("Deployment", "tool", everywhere));
    world.faults("list: true");
    world.run(&["plan"]).exits(9).says("simulated");
    let ran = world.run(&["apply", "--auto-approve"]).exits(9);
    assert!(!ran.out.contains("succeeded"), "{}", ran.out);
    world.faults("");
    world.run(&["apply", "--auto-approve"]).exits(0).shows("2 succeeded");
}

#[test]
fn warnings_end_with_10_on_request() {
    let world = World::fleet(1, "");
    let nobody = "software: tool\n  state: ignored\n  target: { match: { all: [{ computer: nobody }] } }";
    world.write("deployments/nobody.yaml", &document("Deployment", "nobody", nobody));
    world.run(&["plan"]).exits(0);
    world.run(&["plan", "--fail-on-warn"]).exits(10);
}

#[test]
fn what_cannot_be_understood_ends_with_64() {
    let world = World::fleet(1, "");
    for arguments in [
        &["aply"][..],
        &[],
        &["plan", "--colour"],
        &["plan", "--mode", "gentle"],
        &["plan", "--refresh", "some"],
        &["plan", "--allow-missing", "101"],
        &["plan", "--only", "tenant"],
        &["apply", "plan.json", "--only", "tenant:acme"],
        &["apply", "--concurrency", "0"],
        &["schema", "Deploymnet"],
        &["completions", "tcsh"],
    ] {
        let ran = world.run(arguments).exits(64);
        assert_eq!(ran.out, "", "{arguments:?}");
        assert_ne!(ran.err, "", "{arguments:?}");
    }
    world.run(&["schema", "deploymnet"]).exits(64).says("did you mean deployment?");
    world.run(&["--help"]).exits(0).shows("Usage: muster");
    world.run(&["--version"]).exits(0).shows("muster ");
}

/// The farm as a provider.
pub(super) fn ssh_provider(farm: &Farm) -> String {
    let mut spec = format!(
        "ssh:\n    user: {}\n    agent: false\n    connectTimeout: 5s\n    tenant: acme\n    identityFiles: ['{}']\n    \
         knownHosts: ['{}']\n    hosts:\n",
        farm.user,
        farm.key().display(),
        farm.known_hosts().display()
    );
    spec.extend(farm.hosts.iter().map(|host| {
        format!("      - {{ name: {}, address: {}, port: {} }}\n", host.name, host.address, host.port)
    }));
    document("Provider", "farm", spec.trim_end())
}

#[test]
fn errors_that_show_with_computers_stop_the_whole_run_and_both_commands_say_so() {
    let world = World::fleet(2, "");
    let one =
        "software: tol\n  state: absent\n  priority: 7\n  target: { match: { all: [{ computer: pc-1 }] } }";
    for name in ["left", "right"] {
        let mode = if name == "left" { "audit" } else { "enforce" };
        let spec = one.replace("tol", &format!("tool\n  mode: {mode}"));
        world.write(&format!("deployments/{name}.yaml"), &document("Deployment", name, &spec));
    }
    world
        .run(&["plan"])
        .exits(3)
        .says("this plan would not be applied: 1 error (M0702)")
        .says("--only")
        .shows("tool");
    world.run(&["apply", "--auto-approve"]).exits(3).says("nothing was done: 1 error (M0702)");
    let fleet = || std::fs::read_to_string(world.repo().join(".muster/fleet.json.log")).unwrap_or_default();
    assert!(!fleet().contains("\"changed\""), "{}", fleet());
    world.run(&["apply", "--auto-approve", "--only", "computer:pc-2"]).exits(0).shows("1 passed");
}

#[test]
fn after_an_apply_targets_go_by_what_is_installed_by_then() {
    let world = World::fleet(2, "");
    world.write(
        "tasks/badge.yaml",
        &document(
            "Task",
            "badge",
            "test: { posix: { inline: 'true' } }\n  set: { posix: { inline: 'true' } }",
        ),
    );
    world.write(
        "deployments/badge.yaml",
        &document(
            "Deployment",
            "badge",
            "task: badge\n  target: { match: { all: [{ installed: { name: { equals: tool } } }] } }",
        ),
    );
    world.run(&["apply", "--auto-approve"]).exits(0);
    let plan = world.run(&["plan", "--output", "json"]).exits(0).json();
    assert_eq!(plan["changes"][0]["item"]["name"], "badge", "{plan}");
    assert_eq!(plan["computers"].as_array().unwrap().len(), 2);
    world.run(&["apply", "--auto-approve"]).exits(0);
    world.run(&["plan", "--detailed-exitcode"]).exits(0);
}
