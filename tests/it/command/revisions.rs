//! Revisions of git: what is read is the revision, never the working tree, and neither is written.

#![expect(clippy::disallowed_methods, reason = "the tests look at the files of a working tree")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::support::muster::World;

/// Two commits of one declared file: `v1` is a tag of the first, `next` a branch with the second; `main` is checked out.
fn history() -> World {
    let world = World::local();
    world.declare("one", "first");
    world.commit("first words");
    world.git(&["tag", "v1"]);
    world.git(&["checkout", "--quiet", "-b", "next"]);
    world.declare("one", "second");
    world.commit("second words");
    world.git(&["checkout", "--quiet", "main"]);
    world
}

fn wanted(world: &World, arguments: &[&str]) -> (String, String) {
    let plan = world.run(&[&["plan", "--output", "json"], arguments].concat()).exits(0).json();
    let content = plan["changes"][0]["parameters"]["content"].as_str().unwrap().to_owned();
    (content, plan["revision"]["commit"].as_str().unwrap_or("none").to_owned())
}

#[test]
fn a_tag_a_branch_and_a_commit_are_read_without_a_checkout() {
    let world = history();
    let (first, second) = (world.git(&["rev-parse", "v1"]), world.git(&["rev-parse", "next"]));
    world.declare("one", "not committed");
    assert_eq!(wanted(&world, &["--rev", "v1"]), ("first".to_owned(), first.clone()));
    assert_eq!(wanted(&world, &["--rev", "next"]), ("second".to_owned(), second.clone()));
    assert_eq!(wanted(&world, &["--rev", &second[..10]]), ("second".to_owned(), second));
    assert_eq!(wanted(&world, &["--rev", "HEAD"]), ("first".to_owned(), first));
    assert_eq!(wanted(&world, &[]).0, "not committed");
    world.run(&["plan"]).exits(0).shows("with uncommitted changes");
}

#[test]
fn a_bare_repository_is_planned_and_applied() {
    let world = history();
    let bare = world.path("bare.git");
    world.git(&["clone", "--quiet", "--bare", ".", "../bare.git"]);
    let before = tree(&bare);
    let at = ["-C", "../bare.git"];
    let second = world.git(&["rev-parse", "next"]);
    assert_eq!(wanted(&world, &[&at[..], &["--rev", "next"]].concat()), ("second".to_owned(), second));
    world.run(&[&at[..], &["validate", "--rev", "v1"]].concat()).exits(0);
    world.run(&[&at[..], &["apply", "--rev", "next", "--auto-approve"]].concat()).exits(0);
    assert_eq!(world.home_file("one").as_deref(), Some("second\n"));
    assert_eq!(tree(&bare), before);
    world.run(&[&at[..], &["plan"]].concat()).exits(3).says("is a bare repository").says("--rev");
    world.run(&[&at[..], &["fmt"]].concat()).exits(3).says("is a bare repository");
}

#[test]
fn neither_plan_nor_apply_touches_the_working_tree() {
    let world = history();
    world.declare("two", "not committed");
    let before = tree(&world.repo());
    for arguments in [
        &["validate"][..],
        &["plan"],
        &["plan", "--rev", "next"],
        &["apply", "--rev", "next", "--auto-approve"],
        &["apply", "--auto-approve"],
        &["plan", "--refresh", "always"],
        &["resolve", "every"],
        &["explain", "here"],
        &["status"],
        &["sessions"],
    ] {
        world.run(arguments).exits(0);
        let after = tree(&world.repo());
        assert!(after == before, "{arguments:?} touched the working tree");
    }
}

#[test]
fn a_revision_that_does_not_exist_is_named() {
    let world = history();
    let wrong = world.run(&["plan", "--rev", "nxet"]).exits(64).says("no revision \"nxet\"; there is next");
    assert!(!wrong.err.contains("shallow"), "{}", wrong.err);
    assert_eq!(world.home_file("one"), None);
}

#[test]
fn a_shallow_clone_says_why_an_older_commit_is_not_there() {
    let world = history();
    world.declare("one", "third");
    world.commit("third words");
    let origin = format!("file://{}", world.repo().display());
    world.git(&["clone", "--quiet", "--depth", "1", &origin, "../clone"]);
    let at = ["-C", "../clone"];
    for command in
        [&["diff", "--base", "HEAD~1"][..], &["validate", "--base", "HEAD~1"], &["plan", "--rev", "v1"]]
    {
        let wrong = world.run(&[&at[..], command].concat()).exits(64).says("has no revision");
        wrong.says("this clone is shallow").says("fetch-depth: 0");
    }
    world.run(&[&at[..], &["plan", "--rev", "HEAD"]].concat()).exits(0);
}

#[test]
fn a_repository_without_commits_has_a_working_tree_and_no_revision() {
    let world = World::local();
    world.declare("one", "first");
    world.git(&["init", "--quiet"]);
    assert_eq!(wanted(&world, &[]), ("first".to_owned(), "none".to_owned()));
    world.run(&["plan", "--rev", "HEAD"]).exits(3).says("has no commit yet");
}

/// Every file and folder with its time of change and its content.
fn tree(root: &Path) -> BTreeMap<PathBuf, (SystemTime, Vec<u8>)> {
    let mut found = BTreeMap::new();
    let mut open = vec![root.to_owned()];
    while let Some(path) = open.pop() {
        let metadata = fs::symlink_metadata(&path).unwrap();
        let mut content = Vec::new();
        if metadata.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            content = fs::read(&path).unwrap();
        }
        found.insert(path, (metadata.modified().unwrap(), content));
    }
    found
}
