//! Saved plans: apply runs exactly what was saved, what is left of it, or nothing.

#![expect(clippy::disallowed_methods, reason = "the tests look at plan files and change them")]

use std::fs;

use crate::support::muster::{Ran, World, document};

/// A world with two declared files, and the plan for both in `plan.json` beside the repository.
fn planned() -> World {
    let world = World::local();
    world.declare("one", "first");
    world.declare("two", "second");
    world.run(&["plan", "--out", "../plan.json"]).exits(0).says("muster apply ../plan.json");
    world
}

fn apply(world: &World) -> Ran {
    world.run(&["apply", "../plan.json", "--auto-approve"])
}

#[test]
fn a_saved_plan_is_shown_without_its_repository() {
    let world = planned();
    #[cfg(unix)]
    for before in [None, Some(0o644)] {
        use std::os::unix::fs::PermissionsExt as _;
        let file = world.path("plan.json");
        if let Some(mode) = before {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            world.run(&["plan", "--out", "../plan.json"]).exits(0);
        }
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "what changes, and where, is nobody else's business");
    }
    let planned = world.run(&["plan"]).exits(0).out;
    fs::rename(world.repo(), world.path("moved")).unwrap();
    fs::create_dir(world.repo()).unwrap();
    world.run(&["plan"]).exits(3).says("there is no muster.yaml");
    let shown = world.run(&["show", "../plan.json"]).exits(0);
    assert_eq!(shown.out, planned);
    let saved = fs::read_to_string(world.path("plan.json")).unwrap();
    assert_eq!(world.run(&["show", "../plan.json", "--output", "json"]).exits(0).out, saved);
    assert_eq!(world.home_file("one"), None);
}

#[test]
fn a_saved_plan_is_applied() {
    let world = planned();
    apply(&world).exits(0).shows("actions: 2 succeeded, 0 failed, 0 open");
    assert_eq!(world.home_file("one").as_deref(), Some("first\n"));
    assert_eq!(world.home_file("two").as_deref(), Some("second\n"));
    // Now all of it is satisfied, and there is nothing left to run.
    let again = apply(&world).exits(0);
    assert!(!again.out.contains("succeeded"), "{}", again.out);
}

#[test]
fn of_a_saved_plan_only_what_is_left_runs() {
    let world = planned();
    world.set_home_file("one", "first\n");
    let applied = apply(&world).exits(0).shows("actions: 1 succeeded, 0 failed, 0 open");
    assert!(applied.err.contains("file[two]") && !applied.err.contains("file[one]"), "{}", applied.err);
    assert_eq!(world.home_file("two").as_deref(), Some("second\n"));
}

#[test]
fn a_saved_plan_is_refused_when_something_else_is_to_be_done() {
    let world = World::local();
    world.declare("one", "first");
    world.declare("two", "second");
    world.set_home_file("two", "second\n");
    world.run(&["plan", "--out", "../plan.json"]).exits(0);
    world.set_home_file("two", "changed by hand\n");
    let stale = apply(&world).exits(7).says("does not hold any more; nothing was done").says("file[two]");
    assert_eq!(stale.out, "", "the difference belongs on standard error");
    assert_eq!(world.home_file("one"), None);
    assert_eq!(world.home_file("two").as_deref(), Some("changed by hand\n"));
}

#[test]
fn a_saved_plan_of_files_without_git_is_refused_when_they_say_something_else() {
    let world = planned();
    world.declare("one", "other words");
    apply(&world).exits(7).says("file[one]");
    assert_eq!(world.home_file("two"), None);
}

#[test]
fn a_saved_plan_of_files_without_git_is_refused_when_anything_about_them_has_changed() {
    let world = planned();
    world.write("tenants/later.yaml", &document("Tenant", "later", "mode: audit"));
    apply(&world).exits(7).says("the files have changed since the plan was saved; nothing was done");
    assert_eq!(world.home_file("one"), None);
}

/// A repository with two commits, the second of which declares a file, and its plan in `plan.json`; gives that commit.
fn committed() -> (World, String) {
    let world = World::local();
    world.commit("nothing declared");
    world.declare("one", "first");
    let commit = world.commit("one file");
    let plan = world.run(&["plan", "--out", "../plan.json", "--output", "json"]).exits(0).json();
    assert_eq!(plan["revision"]["commit"], commit.as_str());
    (world, commit)
}

fn done(world: &World) -> Option<String> {
    world.home_file("one")
}

#[test]
fn a_saved_plan_of_a_commit_is_refused_when_the_head_wants_something_else_unless_the_commit_is_named() {
    let (world, commit) = committed();
    world.declare("one", "later");
    world.commit("other words");
    world.declare("two", "not committed");
    let refused = apply(&world).exits(7).says("wants something else; nothing was done").says("--rev");
    assert!(refused.err.contains("set file[one]"), "{}", refused.err);
    assert_eq!(done(&world), None);
    world
        .run(&["apply", "../plan.json", "--auto-approve", "--rev", "HEAD"])
        .exits(64)
        .says("the plan was made of");
    assert_eq!(done(&world), None);
    world.run(&["apply", "../plan.json", "--auto-approve", "--rev", &commit[..10]]).exits(0);
    assert_eq!(done(&world).as_deref(), Some("first\n"));
    assert_eq!(world.home_file("two"), None);
}

#[test]
fn a_saved_plan_of_a_commit_that_was_reverted_is_refused() {
    let (world, commit) = committed();
    world.git(&["revert", "--no-edit", "HEAD"]);
    let refused = apply(&world).exits(7).says("wants something else");
    assert!(refused.err.contains("- gone"), "{}", refused.err);
    assert_eq!(done(&world), None);
    // Reverting the revert wants it again, by another commit with the same files.
    world.git(&["revert", "--no-edit", "HEAD"]);
    apply(&world).exits(0).says("has the same configuration");
    assert_eq!(done(&world).as_deref(), Some("first\n"));
    let again = world.run(&["apply", "../plan.json", "--auto-approve", "--rev", &commit]);
    again.exits(0);
}

#[test]
fn a_saved_plan_of_a_commit_runs_when_later_commits_have_nothing_to_do_with_it() {
    let (world, _) = committed();
    world.declare("two", "second");
    world.commit("another file");
    apply(&world).exits(0).says("wants the same of all that it does");
    assert_eq!((done(&world).as_deref(), world.home_file("two")), (Some("first\n"), None));
}

#[test]
fn an_amended_commit_and_another_branch_count_by_what_they_want() {
    let (world, _) = committed();
    world.git(&["checkout", "--quiet", "-b", "before", "HEAD~1"]);
    apply(&world).exits(7);
    world.git(&["checkout", "--quiet", "main"]);
    world.git(&["commit", "--quiet", "--amend", "-m", "one file, in other words"]);
    world.git(&[
        "clone",
        "--quiet",
        "--depth",
        "1",
        &format!("file://{}", world.repo().display()),
        "../clone",
    ]);
    // The clone does not have the commit of the plan, and has its files.
    world
        .run(&["-C", "../clone", "apply", "../plan.json", "--auto-approve"])
        .exits(0)
        .says("the same configuration");
    assert_eq!(done(&world).as_deref(), Some("first\n"));
}

#[test]
fn a_shallow_clone_of_the_commit_itself_is_enough() {
    let (world, _) = committed();
    let origin = format!("file://{}", world.repo().display());
    world.git(&["clone", "--quiet", "--depth", "1", &origin, "../exact"]);
    world.declare("one", "later");
    world.commit("other words");
    world.git(&["clone", "--quiet", "--depth", "1", &origin, "../later"]);
    let later = world.run(&["-C", "../later", "apply", "../plan.json", "--auto-approve"]);
    later.exits(7).says("which this repository does not have");
    assert_eq!(done(&world), None);
    let exact = world.run(&["-C", "../exact", "apply", "../plan.json", "--auto-approve"]).exits(0);
    assert!(!exact.err.contains("head"), "nothing is said of it\n{}", exact.err);
    assert_eq!(done(&world).as_deref(), Some("first\n"));
}

#[test]
fn a_head_with_errors_is_no_reason_to_apply_what_was_before() {
    let (world, _) = committed();
    world.write("deployments/broken.yaml", "kind: Deployment\n");
    world.commit("broken");
    apply(&world).exits(7).says("has errors; nothing was done");
    assert_eq!(done(&world), None);
}

#[test]
fn a_plan_file_that_was_changed_is_not_applied() {
    let world = planned();
    let file = world.path("plan.json");
    let text = fs::read_to_string(&file).unwrap();
    let other_form = text.replace("muster.plan/v1", "muster.plan/v9");
    let half = &text[..text.len() / 2];
    let edited = text.replace("first", "worst");
    assert_ne!(edited, text);
    let mut small = text.clone();
    small.insert_str(small.find("\"digest\"").unwrap(), "\"more\": 1, ");
    let cases: [(&str, &str); 6] = [
        (&other_form, "muster.plan/v9"),
        (half, "it is not whole JSON"),
        (&edited, "it was changed after it was made"),
        (&small, "it is not a plan"),
        ("{}", "it is not a plan"),
        ("", "it is not whole JSON"),
    ];
    for (text, why) in cases {
        fs::write(&file, text).unwrap();
        apply(&world).exits(3).says(why);
        world.run(&["show", "../plan.json"]).exits(3).says(why);
    }
    assert_eq!(world.home_file("one"), None);
    fs::remove_file(&file).unwrap();
    apply(&world).exits(64).says("there is no such file");
    world.run(&["show", "../plan.json"]).exits(64).says("there is no such file");
}
