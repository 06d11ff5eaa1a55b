//! SARIF 2.1.0: remarks for code scanning.
//!
//! Not here: which remarks there are and their fingerprints (`model`).
//!
//! Invariants: every result has a rule, a place and a fingerprint; what has no place of its own stands at the root file,
//! as code scanning drops results without one.

use std::fmt::Write as _;
use std::io::{self, Write};

use serde_json::{Value, json};

use super::json;
use super::model::{Model, Region, Rule, Weight, rules};
use crate::config::tree::ROOT_FILE;

/// Writes the remarks of a run.
///
/// # Errors
/// What the writer says.
pub fn write(out: &mut dyn Write, model: &Model<'_>) -> io::Result<()> {
    let rules = rules();
    let results: Vec<Value> = model
        .remarks
        .iter()
        .map(|remark| {
            let mut message = remark.message.clone();
            if let Some(help) = &remark.help {
                // Writing into a String cannot fail.
                _ = write!(message, "\n{help}");
            }
            let place = remark.region.as_ref().map_or_else(
                || json!({ "physicalLocation": { "artifactLocation": artifact(&root(model)) } }),
                |region| json!({ "physicalLocation": physical(region) }),
            );
            let mut result = json!({
                "ruleId": remark.rule,
                "level": level(remark.weight),
                "message": { "text": message },
                "locations": [place],
                "partialFingerprints": { "muster/v1": remark.fingerprint },
            });
            if let Some(index) = rules.iter().position(|rule| rule.id == remark.rule) {
                result["ruleIndex"] = json!(index);
            }
            if !remark.related.is_empty() {
                let related = remark.related.iter().enumerate().map(|(id, (region, text))| {
                    json!({ "id": id, "physicalLocation": physical(region), "message": { "text": text } })
                });
                result["relatedLocations"] = related.collect();
            }
            result
        })
        .collect();
    let sarif = json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "muster",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules.iter().map(rule).collect::<Vec<_>>(),
            } },
            "automationDetails": { "id": format!("muster/{}/", model.run.command) },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    json::pretty(out, &sarif)
}

fn rule(rule: &Rule) -> Value {
    json!({
        "id": rule.id,
        "shortDescription": { "text": rule.title },
        "fullDescription": { "text": rule.text },
        "help": { "text": rule.text, "markdown": rule.text },
        "defaultConfiguration": { "level": level(rule.weight) },
    })
}

const fn level(weight: Weight) -> &'static str {
    match weight {
        Weight::Error => "error",
        Weight::Warning => "warning",
        Weight::Notice => "note",
    }
}

fn physical(region: &Region) -> Value {
    let mut range = json!({ "startLine": region.line, "startColumn": region.column });
    if let Some((line, column)) = region.end {
        range["endLine"] = json!(line);
        range["endColumn"] = json!(column);
    }
    json!({ "artifactLocation": artifact(&region.file), "region": range })
}

fn artifact(file: &str) -> Value {
    json!({ "uri": uri(file), "uriBaseId": "%SRCROOT%" })
}

/// The root file, below the git repository's root.
pub(super) fn root(model: &Model<'_>) -> String {
    let folder = model.run.folder.trim_matches('/');
    if folder.is_empty() { ROOT_FILE.to_owned() } else { format!("{folder}/{ROOT_FILE}") }
}

/// A path as a relative URI reference.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => {
                uri.push(char::from(byte));
            }
            other => _ = write!(uri, "%{other:02X}"),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Finding, Findings, Place, Sources, code};
    use crate::policy::verdict::Verdict;
    use crate::report::model::{ChangedLines, Run};
    use crate::report::sample::{five_kinds, place, with_notes, with_verdicts};

    /// One finding of each code and each note, with regions, related places and texts that need escapes.
    pub(crate) fn rich() -> String {
        let text = "kind: Software\nspec:\n  nmae: \"é\"\n";
        let file: std::sync::Arc<str> = "software/ä b.yaml".into();
        let mut sources = Sources::new();
        sources.insert(file.clone(), text.into());
        let at = text.find("nmae").expect("there");
        let mut findings: Findings = crate::diagnostic::code::REGISTRY
            .iter()
            .map(|info| Finding::without_place(info.code, "message\u{1b}[2J <b>").help("do that"))
            .collect();
        findings.push(
            Finding::new(code::UNKNOWN_KEY, "unknown key nmae", Place::in_text(&file, text, at, at + 4))
                .related(place("muster.yaml", 1), "declared here"),
        );
        let plan = with_notes(five_kinds(20), 31);
        let changed = ChangedLines::none();
        let model = Model::of(Run {
            command: "plan",
            plan: Some(&plan),
            findings: &findings,
            sources: &sources,
            changed: &changed,
            folder: "",
        });
        let mut out = Vec::new();
        write(&mut out, &model).expect("memory");
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn verdicts_and_errors_of_a_plan_are_results() {
        let plan = with_verdicts(five_kinds(20));
        let mut findings: Findings = plan.verdicts.iter().filter_map(Verdict::finding).collect();
        findings.push(Finding::new(code::CYCLE, "these need each other in a circle", place("a.yaml", 3)));
        let (sources, changed) = (Sources::new(), ChangedLines::none());
        let (command, folder, plan) = ("plan", "", Some(&plan));
        let model = Model::of(Run {
            command,
            plan,
            findings: &findings,
            sources: &sources,
            changed: &changed,
            folder,
        });
        let mut out = Vec::new();
        write(&mut out, &model).expect("memory");
        let value: Value = serde_json::from_slice(&out).expect("JSON");
        let results = value["runs"][0]["results"].as_array().expect("results");
        let mut told: Vec<(&str, &str)> = results
            .iter()
            .filter_map(|result| Some((result["ruleId"].as_str()?, result["level"].as_str()?)))
            .collect();
        told.sort_unstable();
        let mut wanted = [
            (code::CYCLE.as_str(), "error"),
            (code::GUARDRAIL.as_str(), "error"),
            (code::GUARDRAIL.as_str(), "warning"),
        ];
        wanted.sort_unstable();
        assert_eq!(told, wanted);
    }

    #[test]
    fn every_result_has_its_rule_a_place_and_a_fingerprint() {
        let value: Value = serde_json::from_str(&rich()).expect("JSON");
        let run = &value["runs"][0];
        let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
        for result in run["results"].as_array().expect("results") {
            let index = usize::try_from(result["ruleIndex"].as_u64().expect("an index")).expect("small");
            assert_eq!(rules[index]["id"], result["ruleId"]);
            assert!(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].is_string());
            assert_eq!(result["partialFingerprints"]["muster/v1"].as_str().map(str::len), Some(64));
        }
        let named = run["results"].as_array().expect("results").iter().find(|result| {
            result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
                == "software/%C3%A4%20b.yaml"
        });
        assert_eq!(
            named.expect("the finding with a place")["locations"][0]["physicalLocation"]["region"],
            json!({ "startLine": 3, "startColumn": 3, "endLine": 3, "endColumn": 7 })
        );
    }
}
