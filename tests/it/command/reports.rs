//! `--report`: what pipelines read is written, whatever the exit code.

use std::fs;

use crate::support::muster::{World, document};

fn read(world: &World, name: &str) -> String {
    fs::read_to_string(world.repo().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn a_plan_writes_every_form_that_was_asked_for() {
    let world = World::fleet(12, "");
    world
        .run(&["plan", "--report", "json=a.json", "--report", "markdown=a.md", "--report", "html=a.html"])
        .exits(0);
    let plan: serde_json::Value = serde_json::from_str(&read(&world, "a.json")).unwrap();
    assert_eq!(plan["format"], "muster.plan/v1");
    assert!(read(&world, "a.md").starts_with("**12 changes on 12 computers of 1 tenant, 0 removals.**"));
    assert!(read(&world, "a.html").starts_with("<!DOCTYPE html>"));
    let others = [
        "sarif=b.sarif",
        "junit=b.xml",
        "github=b.txt",
        "gitlab-codequality=b.json",
        "gitlab-terraform=c.json",
    ];
    let arguments: Vec<&str> = others.iter().flat_map(|report| ["--report", report]).collect();
    world.run(&[&["plan"], arguments.as_slice()].concat()).exits(0).shows("12 computers");
    assert_eq!(
        read(&world, "c.json").split_whitespace().collect::<String>(),
        r#"{"create":12,"update":0,"delete":0}"#
    );
    let sarif: serde_json::Value = serde_json::from_str(&read(&world, "b.sarif")).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    assert!(read(&world, "b.xml").contains("<testsuite name=\"changes\" tests=\"1\""));
    // Nothing is left of the way there.
    let names = fs::read_dir(world.repo()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(names.into_iter().all(|name| !name.to_string_lossy().ends_with(".part")));
}

#[test]
fn a_configuration_with_mistakes_is_reported_and_the_exit_code_stays() {
    let world = World::fleet(1, "");
    world.write("deployments/bad.yaml", &document("Deployment", "bad", "softwear: tool"));
    for command in ["validate", "plan", "apply"] {
        let name = format!("{command}.sarif");
        world.run(&[command, "--report", &format!("sarif={name}")]).exits(3);
        let sarif: serde_json::Value = serde_json::from_str(&read(&world, &name)).unwrap();
        let results = sarif["runs"][0]["results"].as_array().unwrap();
        assert!(results.iter().any(|result| result["ruleId"] == "M0201"), "{results:?}");
    }
}

#[test]
fn standard_output_takes_one_report_and_nothing_besides() {
    let world = World::fleet(3, "");
    let ran = world.run(&["plan", "--report", "gitlab-terraform=-"]).exits(0);
    assert_eq!(ran.json()["create"], 3);
    world.run(&["plan", "--report", "json=-", "--report", "html=-"]).exits(64).says("only one report");
    world.run(&["plan", "--output", "html"]).exits(0).shows("<!DOCTYPE html>");
}

#[test]
fn an_unknown_format_is_a_usage_error_that_lists_the_formats() {
    let world = World::fleet(1, "");
    world.run(&["plan", "--report", "pdf=a"]).exits(64).says("json, markdown, html, sarif, junit, github");
    world.run(&["plan", "--report", "sarif"]).exits(64).says("FORMAT=PATH");
    world.run(&["plan", "--report", "sarif="]).exits(64).says("the path is empty");
    world.run(&["plan", "--report", "sarif=no/such/folder/a"]).exits(1).says("cannot write the report");
}

#[test]
fn a_saved_plan_is_reported_without_its_repository() {
    let world = World::fleet(3, "");
    world.run(&["plan", "--out", "saved.json"]).exits(0);
    let ran = world.run(&["show", "saved.json", "--report", "markdown=-"]).exits(0);
    assert!(ran.out.starts_with("**3 changes on 3 computers of 1 tenant, 0 removals.**"), "{}", ran.out);
    world.run(&["show", "saved.json", "--graph", "dot"]).exits(0).shows("digraph plan {");
    world.run(&["plan", "--offline", "--graph", "mermaid"]).exits(0).shows("flowchart LR");
}

/// The annotations stand on the lines that differ from the base, at paths below the top of the git repository.
#[test]
fn annotations_on_lines_that_differ_from_the_base_come_first() {
    let world = World::fleet(1, "");
    let bad = |key: &str| document("Deployment", key, &format!("{key}: 1"));
    world.write("msp/muster.yaml", &document("Instance", "test", "timeZone: UTC"));
    world.write("msp/deployments/a.yaml", &bad("old"));
    world.commit("base");
    world.git(&["checkout", "--quiet", "-b", "change"]);
    world.write("msp/deployments/b.yaml", &bad("new"));
    world.commit("change");
    let first = |arguments: &[&str]| {
        let ran =
            world.run(&[&["validate", "-C", "msp", "--report", "github=-"], arguments].concat()).exits(3);
        ran.out.lines().next().unwrap_or_default().to_owned()
    };
    assert!(first(&[]).starts_with("::error file=msp/deployments/a.yaml,"), "{}", first(&[]));
    assert!(first(&["--base", "main"]).starts_with("::error file=msp/deployments/b.yaml,"));
    assert!(
        first(&["--base", "main", "--rev", "change"]).starts_with("::error file=msp/deployments/b.yaml,")
    );
    world.run(&["validate", "-C", "msp", "--base", "mian"]).exits(64).says("no revision \"mian\"");
}
