//! Every command in every form: what docs/reference/reports.md promises is there, and everything else is refused.

use std::collections::{BTreeMap, BTreeSet};

use clap::CommandFactory;

use crate::support::muster::{Ran, World, document};

const FORMS: [&str; 6] = ["human", "json", "ndjson", "markdown", "html", "csv"];

/// The table of the page: the forms that each command has.
fn promised() -> BTreeMap<String, BTreeSet<&'static str>> {
    let page = include_str!("../../../docs/reference/reports.md");
    let head = FORMS.map(|form| format!("`{form}`")).join(" | ");
    let (_, table) = page.split_once(&format!("| Command | {head} |")).expect("the page has the table");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let row = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let forms = FORMS.iter().zip(&cells[1..]).filter(|(_, cell)| **cell == "yes").map(|(form, _)| *form);
        (cells[0].trim_matches('`').to_owned(), forms.collect())
    };
    rows.map(row).collect()
}

/// A call of each command that succeeds.
fn call(command: &str, turn: usize) -> Vec<String> {
    let fresh = format!("../fresh-{turn}");
    let words: &[&str] = match command {
        "init" => &["init", &fresh],
        "fmt" => &["fmt", "--check"],
        "schema" => &["schema", "deployment"],
        "show" => &["show", "../saved.json"],
        "apply" => &["apply", "--auto-approve"],
        "diff" => &["diff", "--base", "HEAD~1"],
        "list" => &["list", "deployments"],
        "resolve" => &["resolve", "every"],
        "explain" => &["explain", "pc-1"],
        "import" => &["import", "tenants", "--from", "companies"],
        "remote" => &["remote", "pc-1", "--as-role", "Manager", "--agreed"],
        "completions" => &["completions", "bash"],
        "maintain screenconnect-db" => &["maintain", "screenconnect-db", "../Session.db"],
        other => &[other],
    };
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Whether an answer is in the form that it claims.
fn is_in(form: &str, ran: &Ran, what: &str) {
    let said = || format!("{what} as {form}: {}", ran.out);
    match form {
        "json" => {
            let format = ran.json()["format"].as_str().map(str::to_owned).unwrap_or_default();
            assert!(format.starts_with("muster.") && format.ends_with("/v1"), "{}", said());
            assert!(ran.out.starts_with("{\n  \"format\": "), "{}", said());
        }
        "ndjson" => {
            for line in ran.lines() {
                let known = line["format"].is_string() || line["event"].is_string();
                assert!(line.is_object() && known, "{}", said());
            }
        }
        // Where there is no row, a sentence says so.
        "markdown" => {
            let begins = ran.out.starts_with("**") || ran.out.starts_with("| ") || ran.out.starts_with("No ");
            assert!(begins && ran.out.ends_with('\n') && !ran.out.contains('\x1b'), "{}", said());
        }
        "html" => assert!(ran.out.starts_with("<!DOCTYPE html>"), "{}", said()),
        "csv" => {
            let commas = |line: &str| {
                let unquoted = line.split('"').step_by(2).collect::<String>();
                unquoted.matches(',').count()
            };
            // No agent waits there.
            let least = usize::from(what != "identify");
            assert!(ran.out.lines().count() > least && ran.out.contains("\r\n"), "{}", said());
            let columns = commas(ran.out.lines().next().unwrap());
            assert!(ran.out.lines().all(|line| commas(line) == columns && columns > 2), "{}", said());
        }
        _ => {
            let is_json = ran.out.trim_start().starts_with('{') && what != "schema";
            assert!(!is_json && !ran.out.contains("<html"), "{}", said());
        }
    }
}

#[test]
fn every_command_has_the_forms_that_are_documented_and_refuses_the_others() {
    let promised = promised();
    let commands: Vec<String> = muster::cli::arguments::Arguments::command()
        .get_subcommands()
        .flat_map(|command| {
            let name = command.get_name();
            if command.is_subcommand_required_set() {
                return vec![name.to_owned()];
            }
            let below = command.get_subcommands().map(move |below| format!("{name} {}", below.get_name()));
            std::iter::once(name.to_owned()).chain(below).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(promised.keys().cloned().collect::<BTreeSet<_>>(), commands.iter().cloned().collect());
    let world = World::fleet(3, "");
    let companies = "simulated: { clients: true, fleet: customers.yaml }";
    world.write("providers/companies.yaml", &document("Provider", "companies", companies));
    world.write("providers/customers.yaml", "clients: [{ id: '1', name: Contoso }]\n");
    let policy = "category: devices\n  type: remote-access\n  remoteAccess: { provider: simulated }";
    world.write("policies/free.yaml", &document("Policy", "free", policy));
    let package = "policies: [free]\n  assigned: [{ tenant: acme }]";
    world.write("packages/all.yaml", &document("Package", "all", package));
    world.commit("one");
    world.write("tenants/acme.yaml", &document("Tenant", "acme", "tags: [managed, more]"));
    world.commit("two");
    super::session_db::database(&world.path("Session.db"));
    world.run(&["plan", "--out", "../saved.json"]).exits(0);
    world.run(&["apply", "--auto-approve"]).exits(0);
    for (turn, form) in FORMS.iter().enumerate() {
        for command in &commands {
            let words = call(command, turn);
            let words: Vec<&str> = words.iter().map(String::as_str).chain(["--output", form]).collect();
            let ran = world.run(&words);
            if promised[command].contains(form) {
                is_in(form, &ran.exits(0), command);
            } else {
                let ran = ran.exits(64).says(&format!("{command} has no form {form}"));
                assert_eq!(ran.out, "", "{command} as {form}");
            }
        }
    }
}

#[test]
fn standard_output_is_never_wanted_for_two_things() {
    let world = World::fleet(1, "");
    for words in [
        &["plan", "--graph", "dot", "--output", "json"][..],
        &["plan", "--report", "sarif=-", "--output", "markdown"],
        &["validate", "--report", "github=-", "--output", "ndjson"],
        &["fmt", "--diff", "--output", "json"],
        &["update", "--json", "--output", "ndjson"],
    ] {
        let ran = world.run(words).exits(64).says("standard output takes either");
        assert_eq!(ran.out, "", "{words:?}");
    }
}

#[test]
fn an_apply_as_json_is_one_document_with_the_plan_and_what_became_of_it() {
    let world = World::fleet(3, "failing: [pc-2]");
    let refused = world.run(&["apply", "--output", "json"]).exits(6).says("there is nobody to ask").json();
    assert_eq!((&refused["format"], refused["applied"].as_bool()), (&"muster.apply/v1".into(), Some(false)));
    let applied = world.run(&["apply", "--auto-approve", "--output", "json"]).exits(4).json();
    assert_eq!(applied["applied"], true);
    assert_eq!((&applied["counts"]["passed"], &applied["counts"]["failed"]), (&2.into(), &1.into()));
    assert_eq!(applied["plan"]["format"], "muster.plan/v1");
    world.faults("");
    let told = world.run(&["apply", "--auto-approve", "--output", "markdown"]).exits(0);
    told.shows("**1 change").shows("**Applied.** 1 computer: 1 passed");
}
