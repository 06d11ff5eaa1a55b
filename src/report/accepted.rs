//! What others say of a form of a report is held against what is written: published schemas, and Graphviz.
//!
//! Not here: what a report says (the tests beside each form) and what no text can do to it (`hostile`).

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::formats::Format;
use super::graph::Graph;
use super::hostile::{FOREIGN, foreign};
use super::model::{ChangedLines, Model, Run};
use super::sample::{
    five_kinds, kinds_of_notes, nothing, place, program, with_memberships, with_notes, with_verdicts,
};
use crate::diagnostic::code::{self, REGISTRY};
use crate::diagnostic::{Finding, Findings, Place, Sources};
use crate::plan::document::{Note, Plan, PlannedAction};

/// A run that is reported: what it is, its plan, what was found.
struct Case {
    what: String,
    plan: Option<Plan>,
    findings: Findings,
    sources: Sources,
}

impl Case {
    fn new(what: &str, plan: Option<Plan>) -> Self {
        Self { what: what.to_owned(), plan, findings: Findings::new(), sources: Sources::new() }
    }

    fn written(&self, format: Format) -> Vec<u8> {
        let changed = ChangedLines::none();
        let (plan, findings, sources) = (self.plan.as_ref(), &self.findings, &self.sources);
        let run = Run { command: "plan", plan, findings, sources, changed: &changed, folder: "msp" };
        let mut out = Vec::new();
        format.write(&mut out, &Model::of(run)).expect("memory");
        out
    }
}

/// Every sort of run: without a plan, without changes, with every kind of note, every code, and foreign texts everywhere.
fn cases() -> Vec<Case> {
    let mut notes = with_notes(five_kinds(10), 31);
    let note = notes.notes[1].clone();
    let every = kinds_of_notes().into_iter().map(|kind| Note { kind, ..note.clone() });
    notes.notes = every
        .chain(kinds_of_notes().into_iter().map(|kind| Note {
            kind,
            item: None,
            origin: None,
            text: "without a place".to_owned(),
            computers: Vec::new(),
        }))
        .collect();
    let everything = with_verdicts(with_memberships(with_notes(five_kinds(1232), 31), 300));
    let mut cases = vec![
        Case::new("a valid configuration", None),
        Case::new("an empty plan", Some(nothing(0))),
        Case::new("no changes", Some(nothing(5))),
        Case::new("the sample", Some(five_kinds(1232))),
        Case::new("every kind of note", Some(notes)),
        Case::new("everything", Some(everything)),
    ];
    let mut many = five_kinds(10);
    let change = many.changes[2].clone();
    many.changes.extend((0..500).map(|_| change.clone()));
    many.sessions[1].actions = (0..500)
        .map(|change| PlannedAction { change, after: change.checked_sub(4).into_iter().collect() })
        .collect();
    cases.push(Case::new("many changes", Some(many)));
    let text = "kind: Software\nspec:\n  nmae: \"é\"\n";
    let file: std::sync::Arc<str> = "software/ä b.yaml".into();
    let at = text.find("nmae").expect("there");
    let mut found = Case::new("every code", None);
    found.sources.insert(file.clone(), text.into());
    found.findings = REGISTRY
        .iter()
        .map(|info| Finding::without_place(info.code, "message").help("do that"))
        .chain([Finding::new(code::UNKNOWN_KEY, "unknown key", Place::in_text(&file, text, at, at + 4))
            .related(place("muster.yaml", 1), "declared here")])
        .collect();
    cases.push(found);
    for &text in FOREIGN {
        let mut case = Case::new(&format!("foreign: {text:?}"), Some(foreign(text)));
        case.findings = [
            Finding::new(code::UNKNOWN_KEY, text, place(&format!("deployments/{text}.yaml"), 3))
                .help(text)
                .related(place(text, 1), text),
            Finding::new(code::QUOTE_IT, text, place(text, 7)),
        ]
        .into_iter()
        .collect();
        cases.push(case);
    }
    cases
}

#[expect(clippy::disallowed_methods, reason = "a test reads its schema")]
fn file_of_format(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats").join(name);
    std::fs::read_to_string(path).expect("the schema is there")
}

/// Everything that the schema says against a document.
fn against(validator: &jsonschema::Validator, value: &Value) -> Vec<String> {
    validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn sarif_is_valid_by_the_schema_of_oasis() {
    // The pattern for languages has a bracket too many, which the engine here refuses. Nothing that is written has one.
    let schema = file_of_format("sarif-2.1.0.json").replace("[a-zA-Z]{2}]?$", "[a-zA-Z]{2}$");
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    for case in cases() {
        let value: Value = serde_json::from_slice(&case.written(Format::Sarif)).expect("JSON");
        assert_eq!(against(&validator, &value), [""; 0], "{}", case.what);
        // What the text of the standard says and its schema cannot: places are relative and inside of the repository.
        for result in value["runs"][0]["results"].as_array().expect("results") {
            let uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str();
            let uri = uri.expect("a place");
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~%".contains(&byte);
            assert!(uri.bytes().all(plain) && !uri.starts_with('/'), "{}: {uri}", case.what);
        }
    }
    // The schema refuses what is wrong, so the above says something.
    let wrong = json!({ "version": "2.1.0", "runs": [{ "tool": { "driver": {} }, "results": [{ "level": "bad" }] }] });
    assert!(against(&validator, &wrong).len() >= 3);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test runs a validator")]
fn junit_is_valid_by_the_schema_of_jenkins() {
    let Some(xmllint) = program("xmllint") else { return };
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats/junit-10.xsd");
    let folder = tempfile::tempdir().expect("a folder");
    let check = |name: &str, bytes: &[u8]| {
        let file = folder.path().join(name);
        std::fs::write(&file, bytes).expect("written");
        let output = Command::new(&xmllint).arg("--noout").arg("--schema").arg(&schema).arg(&file).output();
        let output = output.expect("xmllint runs");
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for case in cases() {
        let written = case.written(Format::Junit);
        let (valid, said) = check("case.xml", &written);
        assert!(valid, "{}: {said}\n{}", case.what, String::from_utf8_lossy(&written));
    }
    let (valid, _) = check("wrong.xml", b"<testsuites><testcase name='x'/></testsuites>");
    assert!(!valid, "the schema refuses nothing");
}

#[test]
fn code_quality_has_the_fields_that_gitlab_documents() {
    let schema = json!({
        "type": "array",
        "items": {
            "type": "object",
            "required": ["description", "check_name", "fingerprint", "severity", "location"],
            "properties": {
                "description": { "type": "string", "minLength": 1 },
                "check_name": { "type": "string", "minLength": 1 },
                "fingerprint": { "type": "string", "pattern": "^[0-9a-f]{64}$" },
                "severity": { "enum": ["info", "minor", "major", "critical", "blocker"] },
                "location": {
                    "type": "object",
                    "required": ["path", "lines"],
                    "properties": {
                        "path": { "type": "string", "minLength": 1, "pattern": "^(?!\\./|/)" },
                        "lines": {
                            "type": "object",
                            "required": ["begin"],
                            "properties": { "begin": { "type": "integer", "minimum": 1 } },
                        },
                    },
                },
            },
        },
    });
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    for case in cases() {
        let bytes = case.written(Format::GitlabCodequality);
        assert!(!bytes.starts_with("\u{feff}".as_bytes()), "a byte order mark is not allowed");
        let value: Value = serde_json::from_slice(&bytes).expect("JSON");
        assert_eq!(against(&validator, &value), [""; 0], "{}", case.what);
        let issues = value.as_array().expect("a list");
        let prints: std::collections::BTreeSet<&str> =
            issues.iter().filter_map(|issue| issue["fingerprint"].as_str()).collect();
        assert_eq!(prints.len(), issues.len(), "{}: fingerprints are unique", case.what);
    }
}

#[test]
fn the_widget_has_three_numbers_and_nothing_else() {
    let number = json!({ "type": "integer", "minimum": 0 });
    let schema = json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["create", "update", "delete"],
        "properties": { "create": number, "update": number, "delete": number },
    });
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    for case in cases() {
        let value: Value = serde_json::from_slice(&case.written(Format::GitlabTerraform)).expect("JSON");
        assert_eq!(against(&validator, &value), [""; 0], "{}", case.what);
    }
}

/// A workflow command as GitHub's runner takes it apart: the command, its properties and its text.
fn command(line: &str) -> (String, Vec<(String, String)>, String) {
    let undo = |text: &str, more: bool| {
        let text = text.replace("%0D", "\r").replace("%0A", "\n");
        let text = if more { text.replace("%3A", ":").replace("%2C", ",") } else { text };
        text.replace("%25", "%")
    };
    let (head, text) = line.strip_prefix("::").and_then(|rest| rest.split_once("::")).expect("a command");
    let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
    let properties = properties.split(',').filter(|property| !property.is_empty()).map(|property| {
        let (key, value) = property.split_once('=').expect("a property");
        (key.to_owned(), undo(value, true))
    });
    (name.to_owned(), properties.collect(), undo(text, false))
}

#[test]
fn annotations_are_commands_that_the_runner_takes_apart_again() {
    for case in cases() {
        let text = String::from_utf8(case.written(Format::Github)).expect("UTF-8");
        assert!(text.lines().count() <= 10, "{}", case.what);
        for line in text.lines() {
            let (name, properties, message) = command(line);
            assert!(["error", "warning", "notice"].contains(&name.as_str()), "{}: {line}", case.what);
            let known = ["file", "line", "endLine", "col", "title"];
            let keys: Vec<&str> = properties.iter().map(|(key, _)| key.as_str()).collect();
            assert!(keys.iter().all(|key| known.contains(key)), "{}: {line}", case.what);
            assert!(keys.contains(&"title") && !message.is_empty(), "{}: {line}", case.what);
        }
    }
    let foreign = "100%, a:b\n::error::x\r";
    let mut case = Case::new("escapes", None);
    case.findings =
        [Finding::new(code::UNKNOWN_KEY, foreign, place("a%2C,b:c.yaml", 1))].into_iter().collect();
    let text = String::from_utf8(case.written(Format::Github)).expect("UTF-8");
    let (_, properties, message) = command(text.trim_end());
    assert_eq!(properties[0], ("file".to_owned(), "msp/a%2C,b:c.yaml".to_owned()));
    assert_eq!(message, "100%, a:b\\n::error::x\\r");
}

#[test]
fn pictures_of_the_order_are_read_by_graphviz() {
    let Some(dot) = program("dot") else { return };
    for case in cases() {
        let Some(plan) = &case.plan else { continue };
        let graph = Graph::of(plan);
        let mut text = Vec::new();
        graph.dot(&mut text).expect("memory");
        let mut child = Command::new(&dot)
            .arg("-Tplain")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("dot runs");
        child.stdin.take().expect("piped").write_all(&text).expect("taken");
        let output = child.wait_with_output().expect("dot ends");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{}: {said}", case.what);
        let drawn = String::from_utf8_lossy(&output.stdout);
        let nodes = drawn.lines().filter(|line| line.starts_with("node ")).count();
        assert_eq!(nodes, graph.nodes(), "{}", case.what);
    }
}

/// The lines that flowcharts are made of here, told apart by their shape: what Mermaid's grammar has of it.
#[test]
fn pictures_of_the_order_are_flowcharts_of_mermaid() {
    let text = r"(?:[\p{Alphabetic}\p{N} .,:\-+~/_=]|#[0-9]+;|<br/>)";
    let line = regex::Regex::new(&format!(
        r#"^(flowchart LR|  c\d+\["{text}*"\]:::(?:change|removal|told)|  c\d+ (?:-->\|needed by\||-\.->) c\d+|  classDef (?:change|removal|told) [a-z0-9#:,\-]+|  more\["{text}*"\]:::told)$"#
    ))
    .expect("a pattern");
    for case in cases() {
        let Some(plan) = &case.plan else { continue };
        let mut out = Vec::new();
        Graph::of(plan).mermaid(&mut out).expect("memory");
        let out = String::from_utf8(out).expect("UTF-8");
        for written in out.lines() {
            assert!(line.is_match(written), "{}: {written}", case.what);
        }
    }
}
