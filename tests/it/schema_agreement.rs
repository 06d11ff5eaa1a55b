//! The schemas and the loader say the same of every file of both corpora, as far as a schema can say it.
//!
//! `tests/config/beyond-schema.txt` lists what a schema cannot express: codes, and single cases with the reason.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use muster::config::schema;
use muster::config::spanned::{self, Node, NodeKind};
use muster::config::tree::is_configuration;
use serde_json::{Map, Value, json};

use crate::config_corpus::{Case, corpus, findings, load_folder, write};

/// Codes and names of cases that stand at the beginning of the lines.
fn beyond() -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/beyond-schema.txt");
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
}

fn json_of(node: &Node) -> Value {
    match &node.kind {
        NodeKind::Null => Value::Null,
        NodeKind::Bool(value) => json!(value),
        NodeKind::Integer(text) => text.parse::<i64>().map_or_else(|_| json!(text), |number| json!(number)),
        NodeKind::Float(text) => text.parse::<f64>().map_or_else(|_| json!(text), |number| json!(number)),
        NodeKind::String { text, .. } => json!(text),
        NodeKind::Sequence(items) => items.iter().map(json_of).collect(),
        NodeKind::Mapping(entries) => {
            let entries = entries.iter().map(|entry| (entry.key.to_string(), json_of(&entry.value)));
            Value::Object(entries.collect::<Map<_, _>>())
        }
    }
}

/// What the schema says of each configuration file; files that are not YAML are left out.
fn verdicts(case: &Case, validator: &jsonschema::Validator) -> BTreeMap<String, Result<(), String>> {
    let mut verdicts = BTreeMap::new();
    for (name, bytes) in case.files.iter().filter(|(name, _)| is_configuration(name)) {
        let file: Arc<str> = name.as_str().into();
        let Ok(text) = spanned::text_of(&file, bytes) else { continue };
        let (nodes, problems) = spanned::read(&file, &text);
        if problems.has_errors() {
            continue;
        }
        let errors: Vec<String> = nodes
            .iter()
            .map(json_of)
            .flat_map(|value| {
                validator.iter_errors(&value).map(|error| error.to_string()).collect::<Vec<_>>()
            })
            .collect();
        verdicts.insert(name.clone(), if errors.is_empty() { Ok(()) } else { Err(errors.join("\n")) });
    }
    verdicts
}

#[test]
fn the_schema_and_the_loader_agree_on_structure() {
    let schema: Value = serde_json::from_str(&schema::all()[schema::ANY_KIND]).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let beyond = beyond();
    let mut wrong = Vec::new();
    let mut refused_by_both = 0;
    let mut used = BTreeSet::new();
    for case in corpus("invalid").iter().chain(&corpus("valid")) {
        let folder = write(&case.files);
        let loaded = load_folder(folder.path());
        for (file, verdict) in verdicts(case, &validator) {
            // What a provider reads for itself is no configuration.
            let own = match case.name.as_str() {
                "whole-repository" => ["providers/fleet.yaml", "providers/memory.yaml"],
                "relations" => ["data/people.yaml", "data/companies.yaml"],
                _ => [""; 2],
            };
            if own.contains(&&*file) {
                continue;
            }
            let structural = loaded.findings.iter().any(|finding| {
                let code = finding.code.to_string();
                let counts = finding.is_error() && !beyond.contains(&code);
                if finding.is_error() && !counts {
                    used.insert(code);
                }
                counts && finding.place.as_ref().is_some_and(|place| *place.file == *file)
            });
            refused_by_both += usize::from(structural && verdict.is_err());
            if structural != verdict.is_err() && beyond.contains(&case.name) {
                used.insert(case.name.clone());
            } else if structural != verdict.is_err() {
                let says = verdict.err().unwrap_or_else(|| "valid".to_owned());
                wrong.push(format!("== {} {file}\nschema: {says}\nloader: {}", case.name, findings(&loaded)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(refused_by_both > 40, "only {refused_by_both} files are refused by both");
    let unused: Vec<_> =
        beyond.iter().filter(|name| !name.starts_with("M01") && !used.contains(*name)).collect();
    assert!(unused.is_empty(), "beyond-schema.txt lists what no case needs: {unused:?}");
}
