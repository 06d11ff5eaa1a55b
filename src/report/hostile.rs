//! No text of users or computers can become anything but text, in any form of a report.
//!
//! A plan with a foreign text in every place that takes one is written, and compared with the same plan with a plain word
//! there: the forms may differ in their texts and in nothing else. Not here: whether a form is valid (`accepted`).

use std::collections::BTreeMap;

use proptest::prelude::*;
use quick_xml::events::Event;

use super::formats::Format;
use super::graph::Graph;
use super::model::{ChangedLines, Model, Run};
use super::sample::{five_kinds, place, with_memberships, with_notes, with_verdicts};
use super::sheet::{Cell, Column, Sheet, shown};
use super::style::{Line, Pen as _, Plain};
use super::{View, diagnostic, words};
use crate::config::kind::ParameterValue;
use crate::diagnostic::{Finding, Findings, Place, Sources, code};
use crate::inventory::item::{FieldChange, Observed};
use crate::plan::document::Plan;
use crate::policy::verdict::SetAside;

/// Texts that would do something somewhere.
pub(super) const FOREIGN: &[&str] = &[
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='x",
    "</title></style></script><svg onload=x>",
    "]]>--><!--",
    "{{ 7 * 7 }}{% for x in y %}",
    "&lt;b&gt;&#60;",
    "[link](https://example.com) ![picture](//example.com/x.png)",
    "www.example.com http://example.com javascript:x",
    "@everyone @org/team #1 GH-1 a@example.com",
    "a | b || c\\| d \\\\| e",
    "`code` ``x`` ``` ~~~ *b* _i_ **b** __b__ ~~s~~",
    "# big\n- list\n1. one\n> quote\n---\n| a |\n|---|",
    "</details><summary>",
    "::error::x\n::set-output name=x::y\r\n::stop-commands::z",
    "##[error]x\n::add-mask::",
    "%0A::error::x%25 %3A%2C",
    "\u{1b}[31mred\u{1b}[0m\u{1b}]0;title\u{7}\u{1b}]8;;http://x\u{7}",
    "\u{9b}2J\u{8}\u{7f}\0\t\r",
    "safe\u{202e}gnp.exe\u{2066}x\u{2069}\u{200f}",
    "zero\u{200b}width\u{feff}\u{ad}\u{2028}\u{2029}",
    "tag\u{e0041}\u{180e}\u{2060}",
    "\u{fffe}\u{ffff}\u{fdd0}",
    "=1+1 +1 -1 @SUM(A1) \t=x",
    "\"]; c9 [label=\"x\"]; } \\",
    "x\"]:::removal\n  click c0 \"javascript:x\"\n%%{init: {}}%%",
    "שלום العربية 日本語 👩‍👩‍👧 é",
    "..\\..//../%2e%2e/ä b",
];

/// The sample with a text in every place that takes one.
pub(super) fn foreign(text: &str) -> Plan {
    foreign_as(&format!("x{text}"))
}

/// The same with nothing before the text.
fn foreign_as(text: &str) -> Plan {
    let text = text.to_owned();
    let mut plan = with_verdicts(with_memberships(with_notes(five_kinds(20), 5), 5));
    plan.revision.subject = Some(text.clone());
    plan.options.only = vec![text.clone()];
    plan.computers[0].name.clone_from(&text);
    plan.changes[1].title.clone_from(&text);
    plan.changes[1].before = Observed::Present { version: Some(text.clone()), healthy: None };
    plan.changes[1].deployment.place.file = text.as_str().into();
    plan.changes[2].version = Some(text.clone());
    plan.changes[2].parameters.insert("foreign".to_owned(), ParameterValue::Text(text.clone()));
    plan.changes[3].before = Observed::NonCompliant {
        detail: String::new(),
        fields: vec![FieldChange {
            field: text.clone(),
            before: Some(text.clone()),
            after: Some(text.clone()),
            diff: Some(format!("-{text}")),
            different: None,
        }],
    };
    plan.changes[4].before = Observed::Value { value: words::visible(&text).into_owned() };
    for note in &mut plan.notes {
        note.text.clone_from(&text);
        note.computers.push(format!("{text}!"));
    }
    for change in &mut plan.memberships {
        for moved in change.joined.iter_mut().chain(&mut change.left) {
            moved.why.clone_from(&text);
            moved.computers.push(text.clone());
        }
    }
    for verdict in &mut plan.verdicts {
        verdict.rule.push_str(&text);
        verdict.subject.clone_from(&text);
        verdict.message.clone_from(&text);
        verdict.help = Some(text.clone());
        verdict.place = Some(place(&text, 2));
        if let Some(SetAside::Override { reason }) = &mut verdict.set_aside {
            reason.clone_from(&text);
        }
    }
    for item in &mut plan.coverage.items {
        if item.item.name.as_str() == "seven-zip" {
            item.title.clone_from(&text);
        }
    }
    plan
}

/// The plan and findings with a text, in one form.
fn written(format: Format, text: &str) -> String {
    written_as(format, &foreign(text), &format!("x{text}"))
}

fn written_as(format: Format, plan: &Plan, text: &str) -> String {
    let findings: Findings = [
        Finding::new(code::UNKNOWN_KEY, text, place(text, 3)).help(text).related(place(text, 1), text),
        Finding::without_place(code::NO_INSTANCE, text),
    ]
    .into_iter()
    .collect();
    let (sources, changed) = (Sources::new(), ChangedLines::none());
    let (plan, findings, sources) = (Some(plan), &findings, &sources);
    let run = Run { command: "plan", plan, findings, sources, changed: &changed, folder: "" };
    let mut out = Vec::new();
    format.write(&mut out, &Model::of(run)).expect("memory");
    String::from_utf8(out).expect("UTF-8")
}

/// Names of the tags of a page and of their attributes, in order, as a browser takes them from it.
fn tags(page: &str) -> Vec<String> {
    let mut tags = Vec::new();
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        rest = rest.get(at + 1..).unwrap_or_default();
        let mut quoted = false;
        let end = rest.find(|c: char| {
            quoted ^= c == '"';
            c == '>' && !quoted
        });
        let tag = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        let shape: Vec<&str> = tag.split('"').step_by(2).collect();
        tags.push(shape.join("\"\""));
        rest = rest.get(tag.len()..).unwrap_or_default();
        // What stands in these is not markup.
        for raw in ["style", "script"] {
            if tag == raw {
                let close = rest.find(&format!("</{raw}>")).unwrap_or(rest.len());
                rest = rest.get(close..).unwrap_or_default();
            }
        }
    }
    tags
}

/// Elements of XML with the names of their attributes, in order.
fn elements(xml: &str) -> Vec<String> {
    let mut reader = quick_xml::Reader::from_str(xml);
    let mut elements = Vec::new();
    loop {
        match reader.read_event().expect("well-formed") {
            Event::Start(start) | Event::Empty(start) => {
                let keys = start.attributes().map(|a| a.expect("an attribute").key.as_ref().to_owned());
                let keys: Vec<String> = keys.map(|key| String::from_utf8_lossy(&key).into_owned()).collect();
                elements.push(format!(
                    "{} {}",
                    String::from_utf8_lossy(start.name().as_ref()),
                    keys.join(" ")
                ));
            }
            Event::End(_) => elements.push("end".to_owned()),
            Event::Text(_) | Event::GeneralRef(_) | Event::Decl(_) => {}
            Event::Eof => return elements,
            other => elements.push(format!("{other:?}")),
        }
    }
}

/// What of each line Markdown takes as more than text.
fn markup(text: &str) -> Vec<String> {
    text.lines()
        .map(|line| {
            let mut marks = String::new();
            let mut characters = line.chars();
            while let Some(character) = characters.next() {
                match character {
                    '\\' => _ = characters.next(),
                    '`' | '*' | '_' | '[' | ']' | '|' | '<' | '>' | '~' | '!' => marks.push(character),
                    _ => {}
                }
            }
            let start: String = line.chars().take_while(|c| !c.is_alphanumeric()).collect();
            format!("{start}{marks}")
        })
        .collect()
}

/// Keys of JSON, and how many there are of everything.
fn shape(value: &serde_json::Value) -> serde_json::Value {
    use serde_json::Value as V;
    match value {
        V::Array(items) => items.iter().map(shape).collect(),
        V::Object(entries) => entries.iter().map(|(key, value)| (key.clone(), shape(value))).collect(),
        V::String(_) => V::String(String::new()),
        other => other.clone(),
    }
}

fn harmless(text: &str) {
    let word = "word";
    assert_eq!(tags(&written(Format::Html, text)), tags(&written(Format::Html, word)), "HTML: {text:?}");
    let page = written(Format::Html, text);
    assert!(
        page.chars().all(|c| c == '\n' || words::visible(c.encode_utf8(&mut [0; 4])).len() == c.len_utf8())
    );
    let junit = |text: &str| elements(&written(Format::Junit, text));
    assert_eq!(junit(text), junit(word), "JUnit: {text:?}");
    let comment = written(Format::Markdown, text);
    assert_eq!(markup(&comment), markup(&written(Format::Markdown, word)), "Markdown: {text:?}");
    for (at, _) in comment.match_indices('@') {
        // Without a break behind it, it would call somebody. The revision has one of its own.
        let after = comment.get(at + 1..).unwrap_or_default();
        assert!(after.starts_with("&#8203;") || after.starts_with(" 3f2c91e"), "Markdown: {text:?}");
    }
    let unescaped = comment.to_ascii_lowercase().replace("\\]", "").replace("\\!", "");
    for link in ["://", "www.", "](", "<!--"] {
        assert!(!unescaped.contains(link), "Markdown: {link} of {text:?}");
    }
    let commands = |text: &str| {
        let head = |line: &str| -> Vec<String> {
            let head = line.strip_prefix("::").expect("a command").split("::").next().unwrap_or_default();
            head.split(',').map(|part| part.split('=').next().unwrap_or_default().to_owned()).collect()
        };
        written(Format::Github, text).lines().map(head).collect::<Vec<_>>()
    };
    assert_eq!(commands(text), commands(word), "GitHub: {text:?}");
    for format in [Format::Sarif, Format::GitlabCodequality, Format::GitlabTerraform, Format::Json] {
        let parsed = |text: &str| {
            let value: serde_json::Value = serde_json::from_str(&written(format, text)).expect("JSON");
            if format == Format::Json { serde_json::Value::Null } else { shape(&value) }
        };
        assert_eq!(parsed(text), parsed(word), "{format:?}: {text:?}");
    }
    graph(text);
    terminal(text);
}

/// A picture has as many lines, and every quoted text ends where it should.
fn graph(text: &str) {
    let dot = |text: &str| {
        let mut out = Vec::new();
        Graph::of(&foreign(text)).dot(&mut out).expect("memory");
        let out = String::from_utf8(out).expect("UTF-8").replace("\\\\", "").replace("\\\"", "");
        out.lines()
            .map(|line| line.split('"').step_by(2).collect::<Vec<_>>().join("\"\""))
            .collect::<Vec<_>>()
    };
    assert_eq!(dot(text), dot("word"), "DOT: {text:?}");
    let mermaid = |text: &str| {
        let mut out = Vec::new();
        Graph::of(&foreign(text)).mermaid(&mut out).expect("memory");
        let out = String::from_utf8(out).expect("UTF-8");
        assert!(!out.contains("%%") && !out.contains("click"), "Mermaid: {out}");
        out.lines()
            .map(|line| line.split('"').step_by(2).collect::<Vec<_>>().join("\"\""))
            .collect::<Vec<_>>()
    };
    if !text.contains("click") {
        assert_eq!(mermaid(text), mermaid("word"), "Mermaid: {text:?}");
    }
}

/// Nothing that acts reaches a terminal, and no text begins a line of its own where another one would stand.
fn terminal(text: &str) {
    let plan = foreign(text);
    let nothing_acts = |text: &str, what: &str| {
        for line in text.lines() {
            assert_eq!(words::visible(line), line, "{what}");
        }
    };
    for (width, details) in [(60, false), (100, true), (140, false)] {
        let mut out = Vec::new();
        let view = View { width, details, ..View::default() };
        super::plan::write(&mut Plain(&mut out), &plan, &view).expect("memory");
        nothing_acts(&String::from_utf8(out).expect("UTF-8"), "a plan");
    }
    let mut out = Vec::new();
    Plain(&mut out).line(&Line::new().text(text)).expect("memory");
    let line = String::from_utf8(out).expect("UTF-8");
    assert_eq!(line.matches('\n').count(), 1, "{text:?}");
    let source = format!("kind: Software\nspec: {text}\nlast: x\n");
    let mut sources = Sources::new();
    sources.insert("a.yaml".into(), source.as_str().into());
    let at = Place::in_text(&"a.yaml".into(), &source, 15, source.len() - 9);
    let findings: Findings =
        [Finding::new(code::UNKNOWN_KEY, text, at.clone()).help(text).label(text).related(at, text)]
            .into_iter()
            .collect();
    let shown = diagnostic::render(&findings, &sources, diagnostic::Style::default());
    nothing_acts(&shown, "a finding");
}

/// No runner obeys a text: no line begins with `::`, blanks aside, but for the annotations that are meant, and none holds
/// `##[` or the like.
fn no_commands(text: &str, what: &str) {
    for line in text.lines() {
        assert!(!words::is_command(line), "{what}: {line:?}");
        assert!(!words::has_command(line), "{what}: {line:?}");
    }
}

/// A text as the name of a file, as what is wrong with it and as help, with and without the file's own lines.
fn found(text: &str) -> String {
    let source = format!("kind: Software\nspec: {text}\nlast: x\n");
    let mut sources = Sources::new();
    sources.insert(text.into(), source.as_str().into());
    let at = Place::in_text(&text.into(), &source, 15, source.len() - 9);
    let gone = place(&format!("{text}.gone"), 3);
    let finding = |at: &Place, other: &Place| {
        Finding::new(code::UNKNOWN_KEY, text, at.clone()).help(text).label(text).related(other.clone(), text)
    };
    let findings: Findings =
        [finding(&at, &at), finding(&at, &gone), finding(&gone, &at), finding(&gone, &gone)]
            .into_iter()
            .chain([Finding::without_place(code::NO_INSTANCE, text).help(text)])
            .collect();
    let lines: Vec<String> = findings.iter().map(diagnostic::one_line).collect();
    diagnostic::render(&findings, &sources, diagnostic::Style::default()) + &lines.join("\n")
}

const COLUMNS: &[Column] = &[shown("name", "Name"), shown("all", "All")];

#[test]
fn no_text_is_a_command_to_a_runner_in_any_form() {
    let command = "::error file=muster.yaml,line=1::injected";
    let wide = |from: usize| format!("{}{command}", "x ".repeat(from));
    let mut texts: Vec<String> = FOREIGN.iter().map(|text| (*text).to_owned()).collect();
    texts.extend([
        command.to_owned(),
        format!("x\n{command}.yaml"),
        format!("x\r\n \t\u{a0}{command}"),
        "x\n::stop-commands::zz\n".to_owned(),
        "a ##[stop-commands]x ##vso[task.setvariable variable=x]y".to_owned(),
    ]);
    // Lines that are broken for a width must not begin with it either.
    texts.extend((1..60).map(wide));
    for text in &texts {
        no_commands(&found(text), "findings");
        let sheet =
            Sheet { row: "thing", columns: COLUMNS, rows: vec![vec![Cell::text(text), Cell::list([text])]] };
        let mut listing = Vec::new();
        sheet.csv(&mut listing).expect("memory");
        sheet.ndjson(&mut listing).expect("memory");
        sheet.markdown(&mut listing, "").expect("memory");
        sheet.human(&mut Plain(&mut listing), "", &View::default()).expect("memory");
        no_commands(&String::from_utf8(listing).expect("UTF-8"), "a listing");
        let plan = foreign_as(text);
        for format in Format::ALL {
            let out = written_as(format, &plan, text);
            if format == Format::Github {
                assert!(out.lines().all(|line| line.starts_with("::")), "{out}");
            } else {
                no_commands(&out, &format!("{format:?}"));
            }
        }
        for (width, details) in [(60, false), (100, true)] {
            let mut out = Vec::new();
            let view = View { width, details, ..View::default() };
            super::plan::write(&mut Plain(&mut out), &plan, &view).expect("memory");
            super::difference::write(&mut Plain(&mut out), text, &format!("a\n{text}\nb"), text)
                .expect("memory");
            no_commands(&String::from_utf8(out).expect("UTF-8"), "the terminal");
        }
        let (mut dot, mut mermaid) = (Vec::new(), Vec::new());
        Graph::of(&plan).dot(&mut dot).expect("memory");
        Graph::of(&plan).mermaid(&mut mermaid).expect("memory");
        no_commands(&String::from_utf8(dot).expect("UTF-8"), "DOT");
        no_commands(&String::from_utf8(mermaid).expect("UTF-8"), "Mermaid");
    }
}

#[test]
fn texts_that_would_do_something_stay_texts_in_every_form() {
    for text in FOREIGN {
        harmless(text);
    }
}

#[test]
fn the_shapes_tell_markup_from_text() {
    // If these could not fail, nothing above would say anything.
    assert_ne!(tags("<b title=\"x\">y</b>"), tags("<b title=\"x\" onclick=\"y\">y</b>"));
    assert_ne!(tags("<p>x</p>"), tags("<p><i>x</i></p>"));
    assert_eq!(tags("<p>x</p>"), tags("<p>&lt;i&gt;</p>"));
    assert_ne!(markup("| a |"), markup("| a | b |"));
    assert_eq!(markup("| a |"), markup("| a \\| b |"));
    assert_ne!(elements("<a b='1'/>"), elements("<a b='1' c='2'/>"));
    let two: BTreeMap<&str, i32> = [("a", 1), ("b", 2)].into();
    assert_ne!(shape(&serde_json::json!({ "a": 1 })), shape(&serde_json::json!(two)));
}

/// Parts of what would do something, and characters of all sorts, in any order.
fn text() -> impl Strategy<Value = String> {
    let parts = prop::sample::select(vec![
        "<",
        ">",
        "\"",
        "'",
        "&",
        "</",
        "<!--",
        "-->",
        "|",
        "\\",
        "`",
        "*",
        "_",
        "[",
        "](",
        ")",
        "!",
        "~",
        "#",
        "@",
        "::",
        "%0A",
        "%",
        "\n",
        "\r\n",
        "\t",
        " ",
        "=",
        "+",
        "-",
        "{{",
        "}}",
        "{%",
        "%}",
        "://",
        "www.",
        "\u{1b}[",
        "\u{202e}",
        "\u{200b}",
        "\u{0}",
        "\u{9b}",
        ";",
        ":",
        ",",
        "x",
        "1",
        "é",
        "🏳️‍🌈",
        "]]>",
        "error",
        "script",
    ]);
    prop::collection::vec(
        prop_oneof![4 => parts.prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from)],
        0..12,
    )
    .prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_text_is_it_stays_a_text_in_every_form(text in text()) {
        harmless(&text);
    }
}
