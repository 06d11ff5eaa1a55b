//! `muster list` and `muster explain` of what is in a repository.

use crate::support::muster::{World, document};

#[test]
fn deployments_are_listed_for_people_programs_and_spreadsheets() {
    let world = World::example("simulated-fleet");
    let human = world.run(&["list", "deployments"]).exits(0);
    let json = world.run(&["list", "deployments", "--output", "json"]).exits(0).json();
    assert_eq!((&json["format"], &json["what"]), (&"muster.list/v1".into(), &"deployments".into()));
    let listed = json["rows"].as_array().unwrap();
    let rows = listed.len();
    assert!(
        rows > 3 && listed.iter().all(|row| human.out.contains(row["name"].as_str().unwrap())),
        "{}",
        human.out
    );
    for key in ["name", "item", "state", "version", "target", "mode", "priority", "tenants", "place"] {
        assert!(listed[0].get(key).is_some(), "{key}: {}", listed[0]);
    }
    assert_eq!(world.run(&["list", "deployments", "--output", "ndjson"]).exits(0).lines().len(), rows);
    let csv = world.run(&["list", "deployments", "--output", "csv"]).exits(0);
    assert!(csv.out.starts_with("name,kind,item,state,version,target,tenants,mode,priority,"), "{}", csv.out);
    let name = listed[0]["name"].as_str().unwrap();
    world.run(&["list", "deployments", &name.to_uppercase()]).exits(0).shows(name);
    world.run(&["list", "deployments", "no-such-thing"]).exits(0).shows("No deployments.");
    world.run(&["list", "things"]).exits(64).says("deployments, bundles, software");
}

#[test]
fn everything_that_can_be_listed_is() {
    let world = World::example("simulated-fleet");
    world.run(&["plan"]);
    for what in ["software", "tasks", "targets", "tenants", "programs"] {
        let rows = world.run(&["list", what, "--output", "ndjson"]).exits(0).lines();
        assert!(!rows.is_empty() && rows[0]["name"].is_string(), "{what}: {rows:?}");
    }
    let programs = world.run(&["list", "programs", "--output", "ndjson"]).exits(0).lines();
    let most = programs.iter().filter_map(|program| program["computers"].as_u64()).max().unwrap();
    assert!(most > 100, "{most}");
}

#[test]
fn parameters_are_listed_in_their_order_with_what_holds_of_them() {
    let world = World::fleet(1, "");
    let spec = "set: { posix: { inline: 'true' } }\n  test: { posix: { inline: 'echo true' } }\n  parameters:\n    \
                last: { type: text, order: 9, hidden: true }\n    first: { type: number, order: -1, required: true }\n    \
                middle: { type: select, options: [a, b], default: a, description: which }";
    world.write("tasks/colour.yaml", &document("Task", "colour", spec));
    let rows = world.run(&["list", "parameters", "colour", "--output", "ndjson"]).exits(0).lines();
    let names: Vec<&str> = rows.iter().filter_map(|row| row["name"].as_str()).collect();
    assert_eq!(names, ["first", "middle", "last"]);
    assert_eq!((&rows[0]["required"], &rows[2]["hidden"]), (&true.into(), &true.into()));
    assert_eq!((&rows[1]["default"], &rows[1]["options"][1]), (&"a".into(), &"b".into()));
}

#[test]
fn documents_are_explained_by_their_names() {
    let world = World::fleet(2, "");
    let everyone = "target: { match: { every: true } }";
    let off = format!("software: tool\n  state: installed\n  version: any\n  enabled: false\n  {everyone}");
    world.write("deployments/off.yaml", &document("Deployment", "off", &off));
    let ask = format!("software: tool\n  state: absent\n  enforcement: ad-hoc\n  {everyone}");
    world.write("deployments/ask.yaml", &document("Deployment", "ask", &ask));
    world.write("targets/all.yaml", &document("Target", "all", "match: { every: true }"));
    let held = "software: tool\n  state: installed\n  version: any\n  target: { match: { all: [{ computer: pc-2 }] } }\n  \
                hold: { until: 2999-01-01, reason: an exam }";
    world.write("deployments/held.yaml", &document("Deployment", "held", held));
    world.run(&["plan"]).exits(0);

    world.run(&["explain", "off"]).exits(0).shows("Selects   2 computers").shows("nothing: it is disabled");
    let ask = world.run(&["explain", "ask"]).exits(0).shows("it counts only in a run that names it");
    ask.says("muster plan --deployment ask");
    world
        .run(&["explain", "held"])
        .exits(0)
        .shows("on hold until 2999-01-01: an exam")
        .shows("on 1 computer");
    world.run(&["explain", "all"]).exits(0).shows("2 computers").says("muster resolve all");
    // A deployment and a software of one name.
    world.run(&["explain", "tool"]).exits(0).shows("deployment of tool").says("muster explain software/tool");
    let used = world.run(&["explain", "software/tool"]).exits(0);
    for name in ["ask", "held", "off", "tool"] {
        assert!(used.out.lines().any(|line| line.contains(&format!("Deployment   {name}"))), "{}", used.out);
    }
    let json = world.run(&["explain", "software/tool", "--output", "json"]).exits(0).json();
    assert_eq!((&json["format"], &json["subject"]), (&"muster.explain/v1".into(), &"software".into()));
    world.run(&["explain", "software/tol"]).exits(64).says("did you mean tool?");
    world.run(&["explain", "held", "tool"]).exits(64).says("an item is explained on a computer");
    // On the computer it is said too, in place of "as wanted".
    let pc = world.run(&["explain", "pc-2", "tool"]).exits(0);
    let pc =
        pc.shows("nothing: deployment held is on hold until 2999-01-01: an exam (deployments/held.yaml:");
    assert!(!pc.out.contains("as wanted") && !pc.out.contains("never detected"), "{}", pc.out);
}
