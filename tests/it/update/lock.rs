//! The lock file decides: what it holds can be planned, what it lacks cannot, and nothing but `muster update` asks a source.

use super::{deploy, lock, locked, sha, tool, whole_sha, world};
use crate::support::muster::{World, document};
use crate::support::web::{Reply, Web};

fn list(versions: &[&str]) -> String {
    let line = |version: &&str| {
        format!("{version} https://downloads.example.com/{version} {}\n", whole_sha(version))
    };
    versions.iter().map(line).collect()
}

fn listed(versions: &[&str]) -> World {
    let world = world("{ list: { file: tool.txt } }");
    world.write("software/tool.txt", &list(versions));
    world
}

fn versions(world: &World) -> Vec<String> {
    locked(world).iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect()
}

#[test]
fn a_version_that_was_not_looked_up_is_an_error_where_it_is_needed() {
    let world = listed(&["1.0", "2.0"]);
    world.run(&["validate"]).exits(3).shows("M0450").shows("muster update tool");
    deploy(&world, "tool", ">=1");
    world.run(&["validate"]).exits(3).shows("M0450");
    std::fs::remove_file(world.repo().join("deployments/tool.yaml")).unwrap();
    world.run(&["validate"]).exits(0).shows("M0451");
    deploy(&world, "tool", "1.0");
    world.run(&["update"]).exits(0);
    assert_eq!(versions(&world), ["2.0", "1.0"], "the newest, and what is asked for");
    world.run(&["validate"]).exits(0);
    deploy(&world, "tool", "1.5");
    world.run(&["validate"]).exits(3).shows("M0403").shows("muster update tool");
}

#[test]
fn a_plan_takes_the_version_from_the_lock_and_asks_nobody() {
    let web = Web::start(|_| Reply::ok("file"));
    let world = World::fleet(2, "");
    let spec = |version: &str| {
        format!(
            "detect: {{ script: {{ posix: {{ inline: tool --version }} }} }}\n  install: {{ posix: {{ inline: install tool }} }}\n  \
             source: {{ list: {{ releases: [{{ version: '{version}', url: '{}/x' }}] }} }}",
            web.url
        )
    };
    world.write("software/tool.yaml", &document("Software", "tool", &spec("1.0")));
    world.run(&["update"]).exits(0);
    let asked = web.asked().len();
    assert_eq!(asked, 1);
    world.write("software/tool.yaml", &document("Software", "tool", &spec("2.0")));
    let ran = world.run(&["plan"]).exits(0).says("M0323");
    assert!(ran.out.contains("1.0") && !ran.out.contains("2.0"), "{}", ran.out);
    world.run(&["apply", "--auto-approve"]).exits(0);
    assert_eq!(web.asked().len(), asked);
    world.run(&["update"]).exits(0).shows("1.0 -> 2.0");
    let ran = world.run(&["plan"]).exits(0);
    assert!(ran.out.contains("2.0") && !ran.err.contains("M0323"), "{}{}", ran.out, ran.err);
}

#[test]
fn a_check_writes_nothing_and_says_what_would_move() {
    let world = listed(&["1.0"]);
    world.run(&["update", "--check"]).exits(2).shows("new: 1.0");
    assert_eq!(lock(&world), "");
    world.run(&["update"]).exits(0);
    world.run(&["update", "--check"]).exits(0);
    world.write("software/tool.txt", &list(&["1.0", "1.1"]));
    let before = lock(&world);
    let report = world.run(&["update", "--check", "--output", "json"]).exits(2).json();
    assert_eq!((report["changed"].as_bool(), report["written"].as_bool()), (Some(true), Some(false)));
    assert_eq!(report["software"][0]["moves"]["from"], "1.0");
    assert_eq!(report["software"][0]["moves"]["to"], "1.1");
    assert_eq!(lock(&world), before);
}

#[test]
fn a_source_that_fell_back_is_told_and_not_taken() {
    let world = listed(&["1.0", "2.0"]);
    world.run(&["update"]).exits(0);
    world.write("software/tool.txt", &list(&["1.0"]));
    let before = lock(&world);
    let held = world.run(&["update"]).exits(9).shows("held at 2.0").shows("--allow-older");
    assert!(!held.err.contains("is written"), "{}", held.err);
    deploy(&world, "tool", "1.0");
    world.run(&["update"]).exits(9).shows("held at 2.0");
    assert_eq!(lock(&world), before, "nothing is added while it is held");
    deploy(&world, "tool", "latest");
    world.run(&["update", "--allow-older"]).exits(0).shows("2.0 -> 1.0");
    assert_eq!(versions(&world), ["1.0"]);
}

#[test]
fn other_settings_of_a_source_that_is_held_are_written_and_nothing_is_said_to_move() {
    let world = listed(&["2.9", "3.9"]);
    deploy(&world, "tool", "<3");
    world.run(&["update"]).exits(0).says("commit it to move what is planned");
    let before = versions(&world);
    // All of the entry is held: it stays as it is.
    world.write("software/other.txt", &list(&["2.8"]));
    tool(&world, "tool", "{ list: { file: other.txt } }");
    let held = world.run(&["update"]).exits(9).shows("0 moved, 1 held");
    assert!(!held.err.contains("is written"), "{}", held.err);
    // A range alone is held.
    world.write("software/other.txt", &list(&["2.8", "3.9"]));
    let held = world.run(&["update"]).exits(9).shows("0 moved, 1 held");
    assert!(!held.err.contains("to move what is planned"), "{}", held.err);
    held.says("muster.lock is written with the new settings of sources; no version moved");
    assert_eq!(versions(&world), before);
}

#[test]
fn a_range_does_not_fall_back_by_itself() {
    let world = listed(&["2.9", "3.9", "4.0"]);
    deploy(&world, "tool", "<3");
    world.run(&["update"]).exits(0);
    assert_eq!(versions(&world), ["4.0", "2.9"]);
    world.write("software/tool.txt", &list(&["2.0", "3.9", "4.1"]));
    let shown = "for <3 the source offers 2.0 at most, and 2.9 is locked; --allow-older takes it";
    world.run(&["update"]).exits(9).shows("4.0 -> 4.1").shows(shown);
    assert_eq!(versions(&world), ["4.1", "4.0", "2.9"]);
    world.run(&["update", "--allow-older"]).exits(0);
    assert_eq!(versions(&world), ["4.1", "4.0", "2.0"]);
}

#[test]
fn of_two_updates_at_once_neither_loses_what_the_other_moved() {
    let world = World::new();
    world.write("muster.yaml", &document("Instance", "test", "timeZone: UTC"));
    for (name, seconds) in [("fast", 1), ("slow", 3)] {
        tool(&world, name, &format!("{{ script: {{ posix: {{ file: {name}.sh }} }} }}"));
        let sha = whole_sha("x");
        let script = format!(
            "touch \"$HOME/{name}\"; sleep {seconds}; echo \"$(cat \"$HOME/version\") https://x.test/{name} {sha}\"\n"
        );
        world.write(&format!("software/{name}.sh"), &script);
    }
    world.set_home_file("version", "1.0");
    world.run(&["update"]).exits(0);
    for name in ["fast", "slow"] {
        world.remove_home_file(name);
    }
    world.set_home_file("version", "2.0");
    let slow = world.command(&["update", "slow"]).spawn().unwrap();
    while world.home_file("slow").is_none() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    world.run(&["update", "fast"]).exits(0).shows("1.0 -> 2.0");
    let slow = slow.wait_with_output().unwrap();
    assert!(slow.status.success(), "{slow:?}");
    assert_eq!(versions(&world), ["2.0", "1.0", "2.0", "1.0"]);
    world.run(&["validate"]).exits(0);
}

#[test]
fn only_what_is_named_moves_and_what_is_gone_goes() {
    let world = listed(&["1.0"]);
    tool(&world, "other", "{ list: { file: other.txt } }");
    world.write("software/other.txt", &list(&["7.0"]));
    world.run(&["update"]).exits(0);
    world.write("software/tool.txt", &list(&["1.1"]));
    world.write("software/other.txt", &list(&["7.1"]));
    world.run(&["update", "other"]).exits(0).shows("7.0 -> 7.1");
    assert_eq!(versions(&world), ["7.1", "7.0", "1.0"]);
    world.run(&["update", "othr"]).exits(64).says("did you mean other?");
    std::fs::remove_file(world.repo().join("software/other.yaml")).unwrap();
    world.run(&["validate"]).exits(0).shows("M0322").shows("M0323");
    world.run(&["update"]).exits(0).shows("taken out");
    assert_eq!(versions(&world), ["1.1", "1.0"]);
}

#[test]
fn an_edited_or_half_merged_lock_is_an_error_with_its_line() {
    let world = listed(&["1.0"]);
    world.run(&["update"]).exits(0);
    let good = lock(&world);
    world.write("muster.lock", &good.replace(&whole_sha("1.0"), &whole_sha("evil")));
    world.run(&["validate"]).exits(3).shows("M0321").shows("muster.lock:5");
    world.run(&["plan"]).exits(3).says("M0321");
    world.run(&["update"]).exits(3).says("M0321");
    world.write(
        "muster.lock",
        &good.replace("  \"tool\":\n", "<<<<<<< ours\n  \"tool\":\n=======\n  \"tol\":\n>>>>>>> theirs\n"),
    );
    let ran = world.run(&["validate"]).exits(3).shows("M0320").shows("merge conflict");
    assert!(!ran.out.contains("M0450"), "what follows from it is not told as well: {}", ran.out);
    world.write("muster.lock", &good);
    world.run(&["validate"]).exits(0);
    assert_eq!(locked(&world), [format!("1.0 1.0 {} source", sha("1.0"))]);
}

#[test]
fn a_lock_belongs_to_its_commit() {
    let world = listed(&["1.0"]);
    world.run(&["update"]).exits(0);
    let commit = world.commit("with a lock");
    std::fs::remove_file(world.repo().join("muster.lock")).unwrap();
    world.run(&["validate"]).exits(3).shows("M0450");
    world.run(&["validate", "--rev", &commit]).exits(0);
}
