//! The commands that only answer: each with its forms, and with what it says about names that it does not know.

#![expect(clippy::disallowed_methods, reason = "the tests look at the files that were made")]

use std::fs;
use std::process::{Command, Stdio};

use crate::support::muster::World;

#[test]
fn a_new_repository_validates_and_plans() {
    let world = World::new();
    world.run(&["init", "acme-msp"]).exits(0).says("named acme-msp").says("muster validate");
    let at = ["-C", "acme-msp"];
    let valid = world.run(&[&at[..], &["validate", "--fail-on-warn"]].concat()).exits(0);
    assert_eq!(valid.err, "");
    world.run(&[&at[..], &["plan"]].concat()).exits(0);
    world.run(&["init", "acme-msp"]).exits(64).says("is a repository already");
    world.run(&["init", "other", "--name", "No Name"]).exits(64);
    assert!(!world.repo().join("other").exists());
    world.write("full/targets/all.yaml", "mine\n");
    for more in [&[][..], &["--into-existing"]] {
        let ran = world.run(&[&["init", "full"], more].concat()).exits(64);
        ran.says("full has files of the same names: targets/all.yaml");
    }
    assert_eq!(fs::read_to_string(world.repo().join("full/targets/all.yaml")).unwrap(), "mine\n");
}

#[test]
fn a_folder_that_holds_other_things_is_not_written_into_unless_that_is_asked_for() {
    let world = World::new();
    world.write("busy/notes.txt", "mine\n");
    world.write("busy/b/c.txt", "");
    world.run(&["init", "busy"]).exits(64).says("busy is not empty: b, notes.txt").says("--into-existing");
    assert!(!world.repo().join("busy/muster.yaml").exists());
    world.run(&["init", "busy/notes.txt"]).exits(64).says("is no folder");
    world.run(&["init", "busy", "--into-existing"]).exits(0);
    world.run(&["-C", "busy", "validate"]).exits(0);
    assert_eq!(fs::read_to_string(world.repo().join("busy/notes.txt")).unwrap(), "mine\n");
    world
        .run(&["init", "busy/inner"])
        .exits(64)
        .says("lies in the repository")
        .says("which can have one Instance");
    // What git itself keeps there is nothing of anybody's.
    world.write("cloned/.gitignore", "target\n");
    world.git(&["init", "--quiet", "cloned"]);
    let ran =
        world.run(&["init", "cloned"]).exits(0).says("next: cd cloned && muster validate && muster plan");
    assert!(!ran.err.contains("git init"), "{}", ran.err);
}

#[test]
fn the_command_that_is_shown_can_be_typed_as_it_is() {
    let world = World::new();
    let name = "it's a folder";
    let shown = world.run(&["init", name]).exits(0);
    let (_, next) = shown.err.split_once("next: ").unwrap();
    let first = next.split(" && ").next().unwrap();
    let there =
        Command::new("sh").arg("-c").arg(format!("{first} && pwd")).current_dir(world.repo()).output();
    let there = String::from_utf8(there.unwrap().stdout).unwrap();
    assert_eq!(there.trim_end(), fs::canonicalize(world.repo().join(name)).unwrap().to_str().unwrap());
    let here = world.path("here");
    fs::create_dir(&here).unwrap();
    let mut inside = world.command(&["init"]);
    let output = inside.current_dir(&here).output().unwrap();
    assert!(String::from_utf8(output.stderr).unwrap().contains("next: git init && muster validate"));
}

#[test]
fn the_schemas_are_those_of_the_release() {
    let world = World::new();
    world.run(&["schema", "--dir", "out/deep"]).exits(0);
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    let mut compared = 0;
    for entry in fs::read_dir(world.repo().join("out/deep")).unwrap() {
        let entry = entry.unwrap();
        let ours = fs::read_to_string(folder.join(entry.file_name())).unwrap();
        assert_eq!(fs::read_to_string(entry.path()).unwrap(), ours);
        compared += 1;
    }
    assert!(compared > 5, "{compared}");
    let one = world.run(&["schema", "Deployment"]).exits(0).out;
    assert_eq!(one, fs::read_to_string(folder.join("deployment.json")).unwrap());
}

#[test]
fn codes_computers_and_items_are_explained() {
    let world = World::fleet(2, "");
    world.run(&["plan"]).exits(0);
    world.run(&["explain", "M0201"]).exits(0).shows("M0201");
    world.run(&["explain", "m0201"]).exits(0).shows("M0201");
    world.run(&["explain", "pc-1"]).exits(0).shows("pc-1").shows("tool").shows("deployments/tool.yaml:");
    world.run(&["explain", "pc-1", "tool"]).exits(0).shows("deployments/tool.yaml:");
    let json = world.run(&["explain", "pc-1", "tool", "--output", "json"]).exits(0).json();
    assert_eq!(json["computer"], "pc-1");
    world.run(&["explain", "pc-11"]).exits(64).says("did you mean pc-1?");
    world.run(&["explain", "pc1"]).exits(64).says("did you mean pc-1?");
    world.run(&["explain", "M0299"]).exits(64).says("M0299").says("did you mean M02");
    world.run(&["explain", "nobody-of-all-here"]).exits(64).says("`muster status` lists what is known");
    world.run(&["explain", "pc-1", "tol"]).exits(64).says("did you mean tool?");
}

#[test]
fn targets_and_selectors_are_resolved() {
    let world = World::example("simulated-fleet");
    world.run(&["resolve", "servers"]).exits(0).shows("contoso-files").shows("contoso");
    let few = world.run(&["resolve", "tenant:contoso,tag:kiosk"]).exits(0).shows("contoso-front-desk");
    let few = few.says(" computers, of 1,000 computers");
    assert!(
        few.out.lines().count() > 1 && few.out.lines().all(|line| line.starts_with("contoso-")),
        "{}",
        few.out
    );
    let server = world.run(&["resolve", "tenant:contoso,role:server,not:tag:kiosk"]).exits(0);
    assert!(!few.out.lines().any(|line| server.out.contains(line)), "{}", server.out);
    let lines = world.run(&["resolve", "windows-workstations", "--output", "ndjson"]).exits(0).lines();
    assert!(lines.len() > 100, "{}", lines.len());
    assert!(lines.iter().all(|line| line["certain"] == true && line["name"] != "contoso-front-desk"));
    world.run(&["resolve", "server"]).exits(64).says("did you mean servers?");
    world.run(&["resolve", "tenant:contsoo"]).exits(3).says("contoso");
    world.run(&["resolve", "colour:red"]).exits(64).says("tenant:contoso");
}

#[test]
fn a_name_that_nobody_has_is_told_and_below_a_not_it_is_an_error() {
    let world = World::example("simulated-fleet");
    world
        .run(&["resolve", "computer:contoso-fils"])
        .exits(0)
        .says("M0705")
        .says("did you mean `contoso-files`?");
    let but = |name: &str| format!("tenant:contoso,not:computer:{name}");
    world.run(&["resolve", &but("contoso-files")]).exits(0);
    let typo = world.run(&["resolve", &but("contoso-fils"), "--output", "json"]).exits(3);
    let members = typo.json()["members"].as_array().map(Vec::len);
    assert!(
        members > Some(0) && typo.err.contains("M0760") && !typo.out.contains("\"certain\": true"),
        "{}",
        typo.out
    );
    world.run(&["plan", "--only", &but("contoso-fils")]).exits(3).says("M0760");
    world.run(&["plan", "--only", "not:person:nobody@contoso.example"]).exits(3).says("M0760");
    world.run(&["resolve", "not:tag:kiosc"]).exits(0).says("M0761").says("did you mean `kiosk`?");
}

#[test]
fn each_only_limits_a_run_further() {
    let world = World::example("simulated-fleet");
    let computers = |only: &[&str]| {
        let only: Vec<&str> = only.iter().flat_map(|line| ["--only", line]).collect();
        let plan = world.run(&[&["plan", "--output", "json"], &only[..]].concat());
        plan.json()["coverage"]["computers"].as_u64()
    };
    let (contoso, both) =
        (computers(&["tenant:contoso"]), computers(&["tenant:contoso,not:computer:contoso-files"]));
    assert!(both.is_some() && both < contoso, "{both:?} {contoso:?}");
    assert_eq!(computers(&["tenant:contoso", "not:computer:contoso-files"]), both);
    assert_eq!(computers(&["not:computer:contoso-files", "tenant:contoso"]), both);
    assert_eq!(computers(&["computer:contoso-files", "not:computer:contoso-files"]), Some(0));
}

#[test]
fn the_record_tells_what_was_done_with_its_output() {
    let world = World::local();
    world.declare("one", "first");
    world.write(
        "tasks/loud.yaml",
        "apiVersion: muster/v1\nkind: Task\nmetadata: { name: loud }\nspec:\n  test: { posix: { inline: 'if [ -e \
         \"$HOME/loud\" ]; then echo true; else echo false; fi' } }\n  set: { posix: { inline: 'echo heard far away; \
         touch \"$HOME/loud\"' } }\n",
    );
    world.write(
        "deployments/loud.yaml",
        "apiVersion: muster/v1\nkind: Deployment\nmetadata: { name: loud }\nspec: { task: loud, target: { match: { \
         every: true } } }\n",
    );
    world.run(&["status"]).exits(0);
    world.run(&["sessions"]).exits(0);
    world.run(&["apply", "--auto-approve"]).exits(0);
    world.run(&["status"]).exits(0).shows("1 computer");
    world.run(&["status", "here"]).exits(0).shows("loud");
    world.run(&["status", "hree"]).exits(64).says("did you mean here?");
    assert!(world.run(&["status", "--output", "json"]).exits(0).json().is_object());
    world.run(&["sessions"]).exits(0).shows("here").shows("passed");
    world.run(&["sessions", "--computer", "nobody"]).exits(64);
    let listed = world.run(&["sessions", "--output", "ndjson"]).exits(0).lines();
    assert_eq!(listed.len(), 1);
    let whole = world.run(&["sessions", "--output", "json"]).exits(0).json();
    assert_eq!(whole["sessions"][0]["id"], listed[0]["id"]);
    let id = listed[0]["id"].as_str().unwrap();
    world.run(&["sessions", id]).exits(0).shows("heard far away").shows("file[one]");
    world.run(&["sessions", &id[id.len() - 8..]]).exits(0).shows("heard far away");
    let one = world.run(&["sessions", id, "--output", "json"]).exits(0).json();
    assert_eq!(one["actions"].as_array().unwrap().len(), 2);
    world.run(&["sessions", "zz"]).exits(64).says("there is no session zz");
}

#[test]
fn every_shell_gets_its_completions() {
    let world = World::new();
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let script = world.run(&["completions", shell]).exits(0).out;
        assert!(script.contains("muster") && script.contains("auto-approve"), "{shell}");
    }
    let script = world.run(&["completions", "bash"]).out;
    fs::write(world.path("completions"), script).unwrap();
    let checked = Command::new("bash").arg("-n").arg(world.path("completions")).status().unwrap();
    assert!(checked.success());
    world.run(&["version"]).exits(0).shows(env!("CARGO_PKG_VERSION")).shows("muster/v1");
    let version = world.run(&["version", "--output", "json"]).exits(0).json();
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn results_for_programs_can_be_read_by_programs() {
    let world = World::fleet(3, "failing: [pc-2]");
    let plan = world.run(&["plan", "--output", "json"]).exits(0).json();
    assert_eq!(plan["format"], "muster.plan/v1");
    let line = world.run(&["plan", "--output", "ndjson"]).exits(0).lines();
    assert_eq!(line, [plan]);
    let markdown = world.run(&["plan", "--output", "markdown"]).exits(0);
    let markdown = markdown.shows("deployments/tool.yaml:");
    assert!(!markdown.out.contains('\x1b'));
    let bars = |row: &str| row.replace("\\|", "").matches('|').count();
    let lines: Vec<&str> = markdown.out.lines().collect();
    let tables = lines.chunk_by(|a, b| a.starts_with('|') && b.starts_with('|'));
    let tables: Vec<&[&str]> = tables.filter(|table| table[0].starts_with('|')).collect();
    assert!(!tables.is_empty() && tables.iter().all(|table| table.len() >= 3), "{}", markdown.out);
    assert!(
        tables.iter().all(|table| table.iter().all(|row| bars(row) == bars(table[0]))),
        "{}",
        markdown.out
    );
    let events = world.run(&["apply", "--auto-approve", "--output", "ndjson"]).exits(4).lines();
    let count = |kind: &str| events.iter().filter(|event| event["event"] == kind).count();
    assert_eq!(
        (count("run-started"), count("session-started"), count("action-finished"), count("run-finished")),
        (1, 3, 3, 1)
    );
    world.write("deployments/bad.yaml", "kind: Deployment\n");
    let validated = world.run(&["validate", "--output", "json"]).exits(3).json();
    assert_eq!(validated["valid"], false);
    assert!(!validated["findings"].as_array().unwrap().is_empty());
    assert_eq!(validated["errors"], validated["findings"].as_array().unwrap().len());
}

#[test]
fn colour_comes_when_it_is_asked_for() {
    let world = World::fleet(1, "");
    let coloured = |arguments: &[&str], name: &str, value: &str| {
        world.run_with(&[&["plan"], arguments].concat(), name, value).exits(0).out.contains('\x1b')
    };
    assert!(!coloured(&[], "TERM", "xterm"), "standard output is no terminal");
    assert!(coloured(&[], "CLICOLOR_FORCE", "1"));
    assert!(!coloured(&[], "CLICOLOR_FORCE", "0"));
    assert!(!coloured(&["--color", "never"], "CLICOLOR_FORCE", "1"));
    assert!(coloured(&["--color", "always"], "NO_COLOR", "1"));
    let mut both = world.command(&["plan"]);
    both.env("NO_COLOR", "1").env("CLICOLOR_FORCE", "1");
    assert!(
        !String::from_utf8(both.output().unwrap().stdout).unwrap().contains('\x1b'),
        "no goes before yes"
    );
}

#[test]
fn a_reader_that_goes_away_ends_the_output_quietly() {
    let world = World::example("simulated-fleet");
    for arguments in [&["resolve", "every"][..], &["plan", "--details"], &["schema", "deployment"]] {
        let mut child = world.command(arguments).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {err}");
        assert!(!err.contains("panic") && !err.contains("roken pipe"), "{arguments:?}: {err}");
    }
    let mut head = Command::new("sh");
    head.args([
        "-c",
        &format!("{} resolve every | head -1; echo ${{PIPESTATUS:-}}", env!("CARGO_BIN_EXE_muster")),
    ]);
    head.env_clear().envs(world.environment()).current_dir(world.repo()).stdin(Stdio::null());
    let output = head.output().unwrap();
    assert!(!String::from_utf8(output.stderr).unwrap().contains("roken pipe"));
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim().lines().count(), 1);
}
