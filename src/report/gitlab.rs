//! GitLab: a code quality report and the numbers of the Terraform widget.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::json;
use super::model::{Model, Weight};
use super::sarif::root;
use crate::plan::document::ActionType;

/// Writes the remarks as a code quality report.
///
/// # Errors
/// What the writer says.
pub fn code_quality(out: &mut dyn Write, model: &Model<'_>) -> io::Result<()> {
    let issues: Vec<Value> = model
        .remarks
        .iter()
        .map(|remark| {
            let (path, line) = match &remark.region {
                Some(region) => (region.file.clone(), region.line),
                None => (root(model), 1),
            };
            json!({
                "description": remark.message,
                "check_name": remark.rule,
                "fingerprint": remark.fingerprint,
                "severity": match remark.weight {
                    Weight::Error => "critical",
                    Weight::Warning => "minor",
                    Weight::Notice => "info",
                },
                "location": { "path": path, "lines": { "begin": line } },
            })
        })
        .collect();
    json::pretty(out, &issues)
}

/// Writes how much is created, updated and deleted. An install creates, a removal deletes, whatever else changes is an
/// update.
///
/// # Errors
/// What the writer says.
pub fn terraform(out: &mut dyn Write, model: &Model<'_>) -> io::Result<()> {
    let (mut create, mut update, mut delete) = (0, 0, 0);
    for (action, number) in &model.summary.amounts() {
        match action {
            ActionType::Install => create += number,
            ActionType::Uninstall => delete += number,
            action if action.changes() => update += number,
            _ => {}
        }
    }
    json::pretty(out, &json!({ "create": create, "update": update, "delete": delete }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{five_kinds, run, with_notes};

    #[test]
    fn the_widget_counts_every_change_once() {
        let plan = five_kinds(1232);
        let mut out = Vec::new();
        terraform(&mut out, &Model::of(run(Some(&plan)))).expect("memory");
        let value: Value = serde_json::from_slice(&out).expect("JSON");
        assert_eq!(value, json!({ "create": 176, "update": 1232 + 247, "delete": 124 }));
    }

    #[test]
    fn an_issue_has_what_the_widget_needs() {
        let plan = with_notes(five_kinds(10), 3);
        let mut out = Vec::new();
        code_quality(&mut out, &Model::of(run(Some(&plan)))).expect("memory");
        let value: Value = serde_json::from_slice(&out).expect("JSON");
        let issues = value.as_array().expect("a list");
        assert_eq!(issues.len(), 6);
        assert_eq!(issues[0]["severity"], "critical");
        assert_eq!(
            issues[0]["location"],
            json!({ "path": "deployments/browser.yaml", "lines": { "begin": 3 } })
        );
        let mut prints: Vec<&str> = issues.iter().filter_map(|issue| issue["fingerprint"].as_str()).collect();
        prints.sort_unstable();
        prints.dedup();
        assert_eq!(prints.len(), 6);
    }
}
