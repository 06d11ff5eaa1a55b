//! JUnit XML: a run as test cases, for pipelines that show those.
//!
//! The configuration's findings, the notes and each block of changes are cases. An error fails its case, a warning is a
//! case that passes and says so, a block of changes that only tells is skipped. A run without remarks has one case that
//! passes, so that no pipeline takes an empty file for a broken one.
//!
//! Invariants: characters that XML cannot hold never reach it; the counts are those of the cases.

use std::io::{self, Write};

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use super::model::{Model, Remark, Weight};
use super::words::{is_command, plural, visible};

/// One test case.
struct Case {
    class: String,
    name: String,
    outcome: Outcome,
    /// What is written to its output or its failure.
    text: String,
}

enum Outcome {
    Passed,
    Failed { kind: String },
    Skipped { why: String },
}

/// Writes the remarks and changes of a run.
///
/// # Errors
/// What the writer says.
pub fn write(out: &mut dyn Write, model: &Model<'_>) -> io::Result<()> {
    let (notes, findings): (Vec<&Remark>, Vec<&Remark>) =
        model.remarks.iter().partition(|remark| remark.is_note());
    let mut suites = vec![("configuration", cases(&findings, "configuration"))];
    if model.run.plan.is_some() {
        suites.push(("notes", cases(&notes, "notes")));
        suites.push(("changes", changes(model)));
    }
    let mut xml = Writer::new_with_indent(out, b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let all = suites.iter().flat_map(|(_, cases)| cases);
    let total = suites.iter().map(|(_, cases)| cases.len()).sum::<usize>().to_string();
    let failed = all.filter(|case| case.failed()).count().to_string();
    let mut root = BytesStart::new("testsuites");
    let name = format!("muster {}", model.run.command);
    for (key, value) in
        [("name", &name), ("tests", &total), ("failures", &failed), ("errors", &"0".to_owned())]
    {
        root.push_attribute((key, value.as_str()));
    }
    xml.write_event(Event::Start(root))?;
    for (name, cases) in &suites {
        suite(&mut xml, name, cases)?;
    }
    xml.write_event(Event::End(BytesEnd::new("testsuites")))?;
    xml.into_inner().write_all(b"\n")
}

impl Case {
    const fn failed(&self) -> bool {
        matches!(self.outcome, Outcome::Failed { .. })
    }

    const fn skipped(&self) -> bool {
        matches!(self.outcome, Outcome::Skipped { .. })
    }
}

fn cases(remarks: &[&Remark], class: &str) -> Vec<Case> {
    if remarks.is_empty() {
        let name = format!("nothing to remark about the {class}");
        return vec![Case { class: class.to_owned(), name, outcome: Outcome::Passed, text: String::new() }];
    }
    remarks
        .iter()
        .map(|remark| {
            let place = remark.region.as_ref().map(|region| format!("{}:{}", region.file, region.line));
            let file = remark.region.as_ref().map_or(class, |region| region.file.as_str());
            let mut lines = vec![format!("{}: {}", remark.rule, remark.message)];
            lines.extend(place.map(|place| format!("at {place}")));
            lines.extend(remark.help.as_ref().map(|help| format!("help: {help}")));
            let related = remark.related.iter();
            lines.extend(related.map(|(region, what)| format!("{what}: {}:{}", region.file, region.line)));
            Case {
                class: file.to_owned(),
                name: format!("{}: {}", remark.rule, remark.message),
                outcome: if remark.weight == Weight::Error {
                    Outcome::Failed { kind: remark.title.clone() }
                } else {
                    Outcome::Passed
                },
                text: lines.join("\n"),
            }
        })
        .collect()
}

fn changes(model: &Model<'_>) -> Vec<Case> {
    if model.blocks.is_empty() {
        let name = model.why_nothing().unwrap_or_else(|| "No changes.".to_owned());
        return vec![Case {
            class: "changes".to_owned(),
            name,
            outcome: Outcome::Passed,
            text: String::new(),
        }];
    }
    let case = |block: &super::model::Block<'_>| Case {
        class: block.place.file.to_string(),
        name: format!("{} {}", block.marker.0, block.what),
        outcome: if block.acts {
            Outcome::Passed
        } else {
            Outcome::Skipped { why: format!("told, not done: {}", block.why) }
        },
        text: format!(
            "{}, {}; {}; {}",
            plural(super::words::count(block.computers.len()), "computer"),
            plural(super::words::count(block.tenants.len()), "tenant"),
            block.why,
            block.place
        ),
    };
    model.blocks.iter().map(case).collect()
}

fn suite(xml: &mut Writer<&mut dyn Write>, name: &str, cases: &[Case]) -> io::Result<()> {
    let number = |of: &dyn Fn(&Case) -> bool| cases.iter().filter(|case| of(case)).count().to_string();
    let mut start = BytesStart::new("testsuite");
    start.push_attribute(("name", name));
    start.push_attribute(("tests", cases.len().to_string().as_str()));
    start.push_attribute(("failures", number(&Case::failed).as_str()));
    start.push_attribute(("errors", "0"));
    start.push_attribute(("skipped", number(&Case::skipped).as_str()));
    xml.write_event(Event::Start(start))?;
    for case in cases {
        let mut start = BytesStart::new("testcase");
        start.push_attribute(("classname", holdable(&case.class).as_str()));
        start.push_attribute(("name", holdable(&case.name).as_str()));
        start.push_attribute(("time", "0"));
        xml.write_event(Event::Start(start))?;
        match &case.outcome {
            Outcome::Failed { kind } => {
                let message = case.text.lines().next().unwrap_or_default();
                element(xml, "failure", &[("type", kind.as_str()), ("message", message)], &case.text)?;
            }
            Outcome::Skipped { why } => element(xml, "skipped", &[("message", why.as_str())], "")?,
            Outcome::Passed => {}
        }
        if !case.failed() && !case.text.is_empty() {
            element(xml, "system-out", &[], &case.text)?;
        }
        xml.write_event(Event::End(BytesEnd::new("testcase")))?;
    }
    xml.write_event(Event::End(BytesEnd::new("testsuite")))
}

fn element(
    xml: &mut Writer<&mut dyn Write>,
    name: &str,
    attributes: &[(&str, &str)],
    text: &str,
) -> io::Result<()> {
    let mut start = BytesStart::new(name);
    for (key, value) in attributes {
        start.push_attribute((*key, holdable(value).as_str()));
    }
    xml.write_event(Event::Start(start))?;
    let text: Vec<String> =
        text.lines().map(|line| unread(&quick_xml::escape::escape(holdable(line)))).collect();
    xml.write_event(Event::Text(BytesText::from_escaped(text.join("\n"))))?;
    xml.write_event(Event::End(BytesEnd::new(name)))
}

/// An escaped line that is no command to a runner that reads along: its first colon is a reference.
fn unread(line: &str) -> String {
    if is_command(line) { line.replacen(':', "&#58;", 1) } else { line.to_owned() }
}

/// Text without characters that XML 1.0 cannot hold.
fn holdable(text: &str) -> String {
    visible(text).chars().filter(|c| !matches!(c, '\u{fffe}' | '\u{ffff}')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Finding, Findings, Sources, code};
    use crate::report::model::{ChangedLines, Run};
    use crate::report::sample::{five_kinds, place, run, with_notes, with_verdicts};

    fn text(model: &Model<'_>) -> String {
        let mut out = Vec::new();
        write(&mut out, model).expect("memory");
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn findings_are_cases_and_errors_fail_theirs() {
        let findings: Findings = [
            Finding::new(code::UNKNOWN_KEY, "unknown key \"a<b\"\u{1b}", place("a.yaml", 3)).help("write b"),
            Finding::new(code::QUOTE_IT, "quote it", place("b.yaml", 1)),
        ]
        .into_iter()
        .collect();
        let (sources, changed) = (Sources::new(), ChangedLines::none());
        let run = Run {
            command: "validate",
            plan: None,
            findings: &findings,
            sources: &sources,
            changed: &changed,
            folder: "",
        };
        insta::assert_snapshot!(text(&Model::of(run)), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="muster validate" tests="2" failures="1" errors="0">
          <testsuite name="configuration" tests="2" failures="1" errors="0" skipped="0">
            <testcase classname="a.yaml" name="M0201: unknown key &quot;a&lt;b&quot;\x1b" time="0">
              <failure type="unknown key" message="M0201: unknown key &quot;a&lt;b&quot;\x1b">M0201: unknown key &quot;a&lt;b&quot;\x1b
        at a.yaml:3
        help: write b</failure>
            </testcase>
            <testcase classname="b.yaml" name="M0601: quote it" time="0">
              <system-out>M0601: quote it
        at b.yaml:1</system-out>
            </testcase>
          </testsuite>
        </testsuites>
        "#);
    }

    #[test]
    fn a_plan_has_a_suite_of_changes_and_one_of_notes() {
        let plan = with_notes(five_kinds(100), 3);
        let text = text(&Model::of(run(Some(&plan))));
        assert!(
            text.contains(r#"<testsuite name="changes" tests="5" failures="0" errors="0" skipped="1">"#),
            "{text}"
        );
        assert!(
            text.contains(r#"<testsuite name="notes" tests="6" failures="1" errors="0" skipped="0">"#),
            "{text}"
        );
        assert!(text.contains("24.08 -&gt; 24.09"), "{text}");
    }

    #[test]
    fn a_verdict_that_refuses_fails_its_case_and_one_that_warns_does_not() {
        let plan = with_verdicts(five_kinds(10));
        let text = text(&Model::of(run(Some(&plan))));
        assert!(
            text.contains(
                r#"<testsuite name="configuration" tests="2" failures="1" errors="0" skipped="0">"#
            ),
            "{text}"
        );
        let failure = text.split("<failure").nth(1).and_then(|rest| rest.split("</failure>").next());
        assert!(failure.is_some_and(|failure| failure.contains("guardrail no-fridays")), "{text}");
    }

    #[test]
    fn a_run_without_remarks_has_a_case_that_passes() {
        let text = text(&Model::of(run(None)));
        assert!(text.contains("nothing to remark about the configuration"), "{text}");
    }
}
