//! The shipped guardrails and their cases, and the documentation of their words.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use muster::config::kind::Expectation;
use muster::config::shipped;
use muster::policy::language::vocabulary;

use crate::config_corpus::{INSTANCE, findings, load_folder, write};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// `policies/` as the repository that it would be when it is copied into one.
fn copied() -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::from([("muster.yaml".to_owned(), INSTANCE.as_bytes().to_vec())]);
    for folder in fs::read_dir(root().join("policies")).unwrap() {
        let folder = folder.unwrap().path();
        if !folder.is_dir() {
            continue;
        }
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        for file in ["policy.yaml", "cases.yaml"] {
            files.insert(format!("policies/{name}/{file}"), fs::read(folder.join(file)).unwrap());
        }
    }
    files
}

#[test]
fn every_shipped_guardrail_has_cases_that_pass_and_cases_that_are_denied_and_all_hold() {
    let folder = write(&copied());
    let loaded = load_folder(folder.path());
    assert_eq!(findings(&loaded), "");
    let config = loaded.config.unwrap();
    let shipped: BTreeSet<&str> = shipped::names().collect();
    let known: BTreeSet<&str> = config.safety.guardrails.keys().map(muster::id::Name::as_str).collect();
    assert_eq!(known, shipped, "the folders of policies/ and the list in config::shipped");
    for name in shipped {
        let text = fs::read_to_string(root().join("policies").join(name).join("cases.yaml")).unwrap();
        for expected in [Expectation::Allow, Expectation::Deny] {
            let word = serde_json::to_value(expected).unwrap();
            let line = format!("expect: {}", word.as_str().unwrap());
            assert!(text.contains(&line), "{name} has no case with {line}");
        }
    }
}

#[test]
fn a_shipped_guardrail_holds_where_the_instance_names_it() {
    let muster = "apiVersion: muster/v1\nkind: Instance\nmetadata: { name: test }\nspec:\n  guardrails: [clean-commit, mass-removal]\n";
    let folder = write(&BTreeMap::from([("muster.yaml".to_owned(), muster.as_bytes().to_vec())]));
    let loaded = load_folder(folder.path());
    assert_eq!(findings(&loaded), "");
    let config = loaded.config.unwrap();
    let names: Vec<&str> = config.safety.guardrails.keys().map(muster::id::Name::as_str).collect();
    assert_eq!(names, ["clean-commit", "mass-removal"]);
    let place = config.safety.guardrails.values().next().unwrap().place.to_string();
    assert_eq!(place, "muster:policies/clean-commit/policy.yaml:5");
}

#[test]
fn the_reference_names_every_word_of_the_vocabulary_and_every_shipped_guardrail() {
    let text = fs::read_to_string(root().join("docs/reference/policies.md")).unwrap();
    let mut missing = Vec::new();
    for (name, record) in vocabulary::records() {
        for field in record.fields {
            let word = format!("`{name}.{}`", field.name);
            if !text.contains(&word) {
                missing.push(word);
            }
        }
    }
    let readme = fs::read_to_string(root().join("policies/README.md")).unwrap();
    for name in shipped::names() {
        for (file, text) in [("policies.md", &text), ("README.md", &readme)] {
            if !text.contains(&format!("`{name}`")) {
                missing.push(format!("{name} in {file}"));
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}
