use std::sync::Arc;

use super::*;
use crate::diagnostic::code;

fn sources(text: &str) -> (Sources, Arc<str>) {
    let file: Arc<str> = "targets/a.yaml".into();
    let mut sources = Sources::new();
    sources.insert(Arc::clone(&file), text.into());
    (sources, file)
}

fn at(file: &Arc<str>, text: &str, what: &str) -> Place {
    let start = text.find(what).expect("the text to mark");
    Place::in_text(file, text, start, start + what.len())
}

#[test]
fn a_finding_shows_the_users_own_lines() {
    let text = "kind: Target\nspec:\n  match:\n    tagret: x\n    tag: y # ü\n";
    let (sources, file) = sources(text);
    let mut findings = Findings::new();
    let finding = Finding::new(code::UNKNOWN_KEY, "unknown key `tagret`", at(&file, text, "tagret"));
    findings.push(finding.help("did you mean `target`?"));
    let finding = Finding::new(code::DUPLICATE_KEY, "the key `tag` is given twice", at(&file, text, "tag:"));
    findings.push(finding.related(at(&file, text, "spec"), "first given here").help("keep one"));
    let finding = Finding::new(code::QUOTE_IT, "quote it", at(&file, text, "y # ü")).label("this");
    findings.push(finding);
    findings
        .push(Finding::without_place(code::NO_INSTANCE, "there is no muster.yaml").help("run `muster init`"));
    let gone = Place { file: "gone.yaml".into(), line: 3, column: 7, start: 20, end: 30 };
    findings.push(Finding::new(code::CYCLE, "a needs b needs a", gone.clone()).related(gone, "here too"));
    insta::assert_snapshot!(render(&findings, &sources, Style::default()), @r#"
    error[M0201]: unknown key `tagret`
     --> targets/a.yaml:4:5
      |
    4 |     tagret: x
      |     ^^^^^^
      |
      = help: did you mean `target`?

    error[M0106]: the key `tag` is given twice
     --> targets/a.yaml:5:5
      |
    2 | spec:
      | ---- first given here
    ...
    5 |     tag: y # ü
      |     ^^^^
      |
      = help: keep one

    warning[M0601]: quote it
     --> targets/a.yaml:5:10
      |
    5 |     tag: y # ü
      |          ^^^^^ this

    error[M0306]: there is no muster.yaml
     |
     = help: run `muster init`

    error[M0305]: a needs b needs a
    --> gone.yaml:3:7
     |
    note: here too
    --> gone.yaml:3:7

    4 errors, 1 warning
    "#);
}

#[test]
fn colour_is_meaning_beside_the_same_text() {
    let text = "a: 1\n";
    let (sources, file) = sources(text);
    let finding = Finding::new(code::UNKNOWN_KEY, "unknown key `a`", at(&file, text, "a")).help("remove it");
    let coloured = render_one(&finding, &sources, Style { colour: true, width: 80 });
    assert!(coloured.contains("\u{1b}["), "{coloured:?}");
    let plain = render_one(&finding, &sources, Style { colour: false, width: 80 });
    assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), plain);
}

#[test]
fn a_very_long_line_is_cut_around_the_mark() {
    let text = format!("a: 1\nlist: [{} bad, {}]\n", "good, ".repeat(10_000), "fine, ".repeat(10_000));
    let (sources, file) = sources(&text);
    let finding = Finding::new(code::WRONG_TYPE, "expected a number", at(&file, &text, "bad"));
    let out = render_one(&finding, &sources, Style::default());
    assert!(out.len() < 1_500, "{}", out.len());
    insta::assert_snapshot!(out, @r#"
    error[M0202]: expected a number
     --> targets/a.yaml:2:60009
      |
     ::: 
    2 | ...od, good, good, good, good, good, good, good, good,  bad, fine, fine, fine, fine, fine, fine, fine, fine, fine...
      |                                                         ^^^
    "#);
}

#[test]
fn a_long_place_is_shown_by_its_first_line() {
    let text = "a:\n  b: 1\n  c: 2\n";
    let (sources, file) = sources(text);
    let place = Place::in_text(&file, text, 0, text.len());
    insta::assert_snapshot!(render_one(&Finding::new(code::NOT_A_MAPPING, "no", place), &sources, Style::default()), @r#"
    error[M0208]: no
     --> targets/a.yaml:1:1
      |
    1 | a:
      | ^^
    "#);
}

#[test]
fn a_file_cannot_paint_the_terminal() {
    let text = "\"\u{1b}[31mred\u{202e}\": 1\r\n";
    let (sources, file) = sources(text);
    let place = Place::in_text(&file, text, 0, 8);
    let finding = Finding::new(code::UNKNOWN_KEY, "unknown key `\u{1b}[31m`\u{7}", place.clone())
        .label("\u{1b}]0;x\u{7}")
        .related(place, "\u{1b}[2J")
        .help("\u{1b}[2J\u{202e}");
    let out = render_one(&finding, &sources, Style::default()) + &one_line(&finding);
    assert!(!out.contains(|c: char| c.is_control() && c != '\n'), "{out:?}");
    assert!(!out.contains('\u{202e}'), "{out:?}");
}

#[test]
fn a_byte_order_mark_is_no_column_and_is_not_shown() {
    let text = "\u{feff}apiversion: x\nkind: é\n";
    let (sources, file) = sources(text);
    let out = render_one(
        &Finding::new(code::UNKNOWN_KEY, "no", at(&file, text, "apiversion")),
        &sources,
        Style::default(),
    );
    insta::assert_snapshot!(out, @r"
    error[M0201]: no
     --> targets/a.yaml:1:1
      |
    1 | apiversion: x
      | ^^^^^^^^^^
    ");
    let (nodes, _) = crate::config::spanned::read(&file, text);
    let key = nodes[0].get("apiversion").expect("the value").value.range();
    let index = crate::config::spanned::LineIndex::new();
    for range in [key, 3..5, 0..2, text.len() - 3..text.len() - 1] {
        let place = index.place(&file, text, range.clone());
        assert_eq!(place, Place::in_text(&file, text, range.start, range.end));
    }
    assert_eq!((index.place(&file, text, 0..1).column, index.place(&file, text, 4..5).column), (1, 2));
}

#[test]
fn places_that_do_not_fit_the_text_do_no_harm() {
    let (sources, file) = sources("a: ü\n");
    for (start, end) in [(0, 0), (4, 4), (5, 100), (100, 200), (6, 6), (3, 1)] {
        let place = Place { file: Arc::clone(&file), line: 1, column: 1, start, end };
        let finding = Finding::new(code::SYNTAX, "x", place.clone()).related(place, "y");
        assert!(render_one(&finding, &sources, Style::default()).contains("M0101"));
    }
    let (empty, file) = self::sources("");
    let finding = Finding::new(code::NO_DOCUMENT, "nothing", Place::file(&file));
    assert!(render_one(&finding, &empty, Style::default()).contains("targets/a.yaml:1:1"));
}

#[test]
fn one_line_says_all_of_it() {
    let text = "a: 1\nb: 2\n";
    let (_, file) = sources(text);
    let finding = Finding::new(code::UNKNOWN_KEY, "unknown key `b`", at(&file, text, "b"))
        .help("did you mean `a`?")
        .related(at(&file, text, "a"), "known here");
    assert_eq!(
        one_line(&finding),
        "targets/a.yaml:2:1: error[M0201]: unknown key `b`; did you mean `a`? (known here: targets/a.yaml:1:1)"
    );
    assert_eq!(one_line(&Finding::without_place(code::QUOTE_IT, "x")), "warning[M0601]: x");
}

#[test]
fn the_summary_counts() {
    let mut findings = Findings::new();
    assert_eq!(summary(&findings), "no findings");
    assert_eq!(render(&findings, &Sources::new(), Style::default()), "");
    findings.push(Finding::without_place(code::QUOTE_IT, "x"));
    assert_eq!(summary(&findings), "1 warning");
    findings.push(Finding::without_place(code::SYNTAX, "x"));
    findings.push(Finding::without_place(code::SYNTAX, "y"));
    assert_eq!(summary(&findings), "2 errors, 1 warning");
}

#[test]
fn machines_get_the_same_findings() {
    let text = "a: 1\nb: zwölf\n";
    let (sources, file) = sources(text);
    let mut findings = Findings::new();
    let finding = Finding::new(code::WRONG_TYPE, "expected a number", at(&file, text, "zwölf"));
    findings.push(finding.help("write 12").related(at(&file, text, "a"), "like this one"));
    findings.push(Finding::without_place(code::QUOTE_IT, "x"));
    insta::assert_json_snapshot!(json(&findings, &sources), @r#"
    {
      "errors": 1,
      "warnings": 1,
      "findings": [
        {
          "code": "M0202",
          "title": "wrong type of value",
          "severity": "error",
          "message": "expected a number",
          "place": {
            "file": "targets/a.yaml",
            "line": 2,
            "column": 4,
            "endLine": 2,
            "endColumn": 9
          },
          "help": "write 12",
          "related": [
            {
              "place": {
                "file": "targets/a.yaml",
                "line": 1,
                "column": 1,
                "endLine": 1,
                "endColumn": 2
              },
              "message": "like this one"
            }
          ]
        },
        {
          "code": "M0601",
          "title": "text that other YAML readers take for something else",
          "severity": "warning",
          "message": "x"
        }
      ]
    }
    "#);
}

#[test]
fn a_document_with_mistakes_reads_like_this() {
    let text = "apiVersion: muster/v1\nkind: Taget\nmetadata:\n  name: Finance\n  labels: [a]\nmetadata: {}\nspec:\n  a: {{ b }}\n";
    let (mut sources, file) = sources("");
    let text: Arc<str> = text.into();
    sources.insert(Arc::clone(&file), Arc::clone(&text));
    let (_, mut findings) = crate::config::parse::parse(&file, &text, &["Target", "Task"]);
    findings.sort();
    insta::assert_snapshot!(render(&findings, &sources, Style::default()), @r#"
    error[M0206]: unknown kind "Taget"
     --> targets/a.yaml:2:7
      |
    2 | kind: Taget
      |       ^^^^^
      |
      = help: did you mean `Target`?

    error[M0204]: "Finance" is not a name: use 1 to 63 lower-case letters, digits and hyphens, beginning and ending with a letter or digit
     --> targets/a.yaml:4:9
      |
    4 |   name: Finance
      |         ^^^^^^^

    error[M0202]: expected a mapping, found a list
     --> targets/a.yaml:5:11
      |
    5 |   labels: [a]
      |           ^^^

    error[M0106]: the key `metadata` is given twice
     --> targets/a.yaml:6:1
      |
    3 | metadata:
      | -------- first given here
    ...
    6 | metadata: {}
      | ^^^^^^^^
      |
      = help: keep one of the two

    error[M0109]: a key is a list or a mapping
     --> targets/a.yaml:8:7
      |
    8 |   a: {{ b }}
      |       ^^^^^
      |
      = help: a key is text; quote it if it begins with { or [

    5 errors
    "#);
}
