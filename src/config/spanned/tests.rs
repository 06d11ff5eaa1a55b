use std::fmt::Write as _;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::diagnostic::Place;

fn file() -> Arc<str> {
    "a.yaml".into()
}

/// The findings as `line:column code message`, one in a line.
fn findings(text: &str) -> String {
    let (_, findings) = read(&file(), text);
    let mut out = String::new();
    for finding in &findings {
        let place = finding.place.as_ref().expect("a place");
        _ = writeln!(out, "{}:{} {} {}", place.line, place.column, finding.code, finding.message);
        for (place, what) in &finding.related {
            _ = writeln!(out, "  {}:{} {what}", place.line, place.column);
        }
    }
    out
}

fn one(text: &str) -> Node {
    let (mut nodes, findings) = read(&file(), text);
    assert!(findings.is_empty(), "{findings:?}");
    assert_eq!(nodes.len(), 1, "{nodes:?}");
    nodes.remove(0)
}

#[test]
fn scalars_keep_their_text_and_their_place() {
    let text = "a: 1.10\nb: 'no'\nc: no\nd: [true, ~, 0x1F]\ne: |\n  two\n  lines\n\nf:\n";
    let node = one(text);
    assert_eq!(node.at("/a").unwrap().kind, NodeKind::Float("1.10".into()));
    assert_eq!(node.at("/b").unwrap().kind, NodeKind::String { text: "no".into(), plain: false });
    assert_eq!(node.at("/c").unwrap().kind, NodeKind::String { text: "no".into(), plain: true });
    assert_eq!(node.at("/d/0").unwrap().kind, NodeKind::Bool(true));
    assert_eq!(node.at("/d/1").unwrap().kind, NodeKind::Null);
    assert_eq!(node.at("/d/2").unwrap().kind, NodeKind::Integer("0x1F".into()));
    let shown = |pointer: &str| &text[node.at(pointer).unwrap().range()];
    assert_eq!(shown("/b"), "'no'");
    assert_eq!(shown("/d"), "[true, ~, 0x1F]");
    assert_eq!(shown("/e"), "two\n  lines");
    // A key without a value stands at its key.
    assert_eq!(shown("/f"), "f");
    assert_eq!(shown(""), text.trim_end_matches([':', '\n']));
}

#[test]
fn ranges_count_the_byte_order_mark_and_carriage_returns() {
    let text = "\u{feff}é: 1\r\nb: zwei\r\n";
    let node = one(text);
    assert_eq!(&text[node.at("/b").unwrap().range()], "zwei");
    assert_eq!(&text[node.get("é").unwrap().key_range()], "é");
    let place = LineIndex::new().place(&file(), text, node.at("/b").unwrap().range());
    assert_eq!((place.line, place.column), (2, 4));
}

#[test]
fn pointers_find_values_through_lists_and_escapes() {
    let node = one("a/b:\n  c~d: [1, {e: f}]\n");
    assert_eq!(node.at("/a~1b/c~0d/1/e").and_then(Node::as_str), Some("f"));
    assert_eq!(node.at("/a~1b/c~0d/7"), None);
    assert_eq!(node.at("/a~1b/x"), None);
    let (entry, nearest) = node.nearest("/a~1b/x/y");
    assert_eq!(entry.map(|entry| &*entry.key), Some("a/b"));
    assert!(nearest.entries().is_some());
}

#[test]
fn several_documents_are_read_and_empty_ones_left_out() {
    let (nodes, found) = read(&file(), "---\n---\na: 1\n---\n# nothing\n---\nb: 2\n...\n");
    assert!(found.is_empty(), "{found:?}");
    assert_eq!(nodes.len(), 2);
    assert!(read(&file(), "").0.is_empty());
    assert!(read(&file(), "# only a comment\n").0.is_empty());
    // Null that somebody wrote is a document.
    assert_eq!(read(&file(), "null\n").0.len(), 1);
}

#[test]
fn a_syntax_error_ends_its_document_only() {
    let text = "a: [1, 2\n---\nb: 1\n---\nc: 'x\n---\nd: 1\n";
    let (nodes, _) = read(&file(), text);
    assert!(nodes.iter().any(|node| node.get("b").is_some()), "{nodes:?}");
    insta::assert_snapshot!(findings(text), @r#"
    1:4 M0101 the list is not closed
    6:1 M0101 quoted text that began before is not closed, or goes on indented too little
      5:4 the quote that is open begins here
    "#);
}

#[test]
fn everything_that_can_be_survived_is_reported_at_once() {
    let text = "a: 1\na: 2\nb: !foo x\nc: !!str 5\n<<: {x: 1}\n? [k]\n: 1\ntrue: 1\n~: 2\nd: *no\ne: {f: 1, f: 2}\n'<<': fine\n5: five\n";
    insta::assert_snapshot!(findings(text), @r#"
    2:1 M0106 the key `a` is given twice
      1:1 first given here
    3:4 M0108 the tag !foo has no meaning here
    4:4 M0108 the tag !!str has no meaning here
    5:1 M0107 merge keys are not read
    6:3 M0109 a key is a list or a mapping
    8:1 M0109 the key true is a boolean, not text
    9:1 M0109 a key is empty
    10:4 M0110 the alias *no has no anchor before it in this document
    11:11 M0106 the key `f` is given twice
      11:5 first given here
    "#);
}

#[test]
fn duplicate_keys_are_found_in_large_mappings_too() {
    let mut text = String::new();
    for n in 0..100 {
        _ = writeln!(text, "key{n}: {n}");
    }
    text.push_str("key57: again\nkey3: again\n");
    insta::assert_snapshot!(findings(&text), @r#"
    101:1 M0106 the key `key57` is given twice
      58:1 first given here
    102:1 M0106 the key `key3` is given twice
      4:1 first given here
    "#);
}

#[test]
fn aliases_stand_for_their_anchors() {
    let text = "a: &x {b: [1, 2]}\nc: *x\nd: &y text\n*y : e\n";
    let node = one(text);
    assert_eq!(node.at("/c/b/1").unwrap().kind, NodeKind::Integer("2".into()));
    assert_eq!(&text[node.at("/c").unwrap().range()], "*x");
    assert_eq!(&text[node.at("/c/b").unwrap().range()], "[1, 2]");
    assert_eq!(node.get("text").and_then(|entry| entry.value.as_str()), Some("e"));
}

#[test]
fn an_alias_needs_an_anchor_in_its_own_document() {
    insta::assert_snapshot!(findings("a: &x 1\n---\nb: *x\nc: *z\n---\nd: &r [*r]\n"), @r#"
    3:4 M0110 the alias *x has no anchor before it in this document
    4:4 M0110 the alias *z has no anchor before it in this document
    6:8 M0110 the alias stands inside the value that it names
    "#);
    let (nodes, _) = read(&file(), "a: &x 1\n---\nb: *x\n");
    assert_eq!(nodes.len(), 1, "the document with the unknown alias is left out");
}

#[test]
fn files_that_grow_without_bound_are_stopped() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..9 {
        let items = vec![format!("*a{}", n - 1); 9].join(", ");
        _ = writeln!(bomb, "a{n}: &a{n} [{items}]");
    }
    assert!(findings(&bomb).contains("M0105"), "{}", findings(&bomb));
    assert!(read(&file(), &bomb).0.is_empty());

    let fine = format!("a: &a 1\nb: [{}]\n", vec!["*a"; MAX_ALIASES].join(", "));
    assert_eq!(findings(&fine), "");
    let many = format!("a: &a 1\nb: [{}]\n", vec!["*a"; MAX_ALIASES + 1].join(", "));
    insta::assert_snapshot!(findings(&many), @r#"
    2:405 M0105 the document uses more than 100 aliases
    "#);

    let mut documents = String::new();
    for _ in 0..200 {
        let text = "x".repeat(10_000);
        _ = writeln!(documents, "---\na: &a {text}\nb: [{}]", vec!["*a"; 50].join(", "));
    }
    assert!(findings(&documents).contains("M0105"), "many documents together are bounded as well");
}

#[test]
fn values_are_counted_up_to_the_limit() {
    let fine = format!("[{}]", vec!["1"; MAX_VALUES - 1].join(","));
    assert_eq!(findings(&fine), "");
    let mut keys = String::new();
    for n in 0..MAX_VALUES - 1 {
        _ = writeln!(keys, "{n}: 1");
    }
    assert_eq!(findings(&keys), "", "keys are not values");
    let large = format!("[{}]", vec!["1"; MAX_VALUES].join(","));
    assert!(findings(&large).contains("M0105"));
}

#[test]
fn nesting_is_limited_and_deep_files_are_cheap() {
    let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    assert_eq!(findings(&deep(MAX_DEPTH)), "");
    insta::assert_snapshot!(findings(&deep(MAX_DEPTH + 1)), @r#"
    1:65 M0104 lists and mappings nest more than 64 deep
    "#);
    insta::assert_snapshot!(findings(&"[".repeat(100_000)), @r#"
    1:256 M0104 lists and mappings nest more than 64 deep
    "#);
    let mut block = String::new();
    for n in 0..1_000 {
        _ = writeln!(block, "{}a:", " ".repeat(n));
    }
    assert!(findings(&block).starts_with("65:"), "{}", findings(&block));
    let through_alias = format!("a: &a {}\nb: {}*a{}\n", deep(40), "[".repeat(40), "]".repeat(40));
    assert!(findings(&through_alias).contains("M0104"));
}

#[test]
fn files_that_are_too_large_or_not_text_are_refused() {
    let large = vec![b'#'; 50_000_000];
    assert_eq!(text_of(&file(), &large).unwrap_err().code.as_str(), "M0103");
    assert!(findings(&"#".repeat(MAX_BYTES + 1)).contains("M0103"));
    assert_eq!(findings(&"#".repeat(MAX_BYTES)), "");
    let finding = text_of(&file(), b"a: 1\nb: \xffx\n").unwrap_err();
    assert_eq!(finding.code.as_str(), "M0102");
    let place = finding.place.unwrap();
    assert_eq!((place.line, place.column), (2, 4));
    let utf16 = text_of(&file(), b"\xff\xfea\0").unwrap_err();
    assert_eq!(utf16.help.as_deref(), Some("the file is UTF-16; save it as UTF-8"));
    assert_eq!(&*text_of(&file(), "ü: 1".as_bytes()).unwrap(), "ü: 1");
}

#[test]
fn the_usual_mistakes_are_explained() {
    let mut out = String::new();
    for text in [
        "a:\n\t- b\n",
        "a: b: c\n",
        "a: [1, 2\nb: 3\n",
        "a: {b: 1\nc: 2\n",
        "a: \"x\n",
        "a: 1\n b: 2\n",
        "a: \"C:\\Windows\"\n",
        "a: @b\n",
        "a\nb: 1\n",
        "a: 'x' y\n",
        "- a\nb: 1\n",
        "a:\n  - b\n c: 1\n",
    ] {
        _ = write!(out, "{text:?}\n  {}", findings(text));
    }
    insta::assert_snapshot!(out, @r#"
    "a:\n\t- b\n"
      2:2 M0101 a tab cannot indent YAML
    "a: b: c\n"
      1:5 M0101 a mapping cannot begin here
    "a: [1, 2\nb: 3\n"
      2:2 M0101 a mapping cannot begin here
    "a: {b: 1\nc: 2\n"
      2:2 M0101 the mapping is not closed: expected , or }
    "a: \"x\n"
      2:1 M0101 quoted text that began before is not closed, or goes on indented too little
      1:4 the quote that is open begins here
    "a: 1\n b: 2\n"
      2:3 M0101 a mapping cannot begin here
    "a: \"C:\\Windows\"\n"
      1:4 M0101 unknown escape in a double-quoted text
    "a: @b\n"
      1:4 M0101 text without quotes cannot begin with this character
    "a\nb: 1\n"
      2:2 M0101 a mapping cannot begin here
    "a: 'x' y\n"
      1:8 M0101 something follows the closing quote
    "- a\nb: 1\n"
      2:1 M0101 expected `- ` here
    "a:\n  - b\n c: 1\n"
      3:2 M0101 expected a key here
    "#);
}

#[test]
fn findings_of_one_file_are_limited() {
    let mut text = String::new();
    for _ in 0..5_000 {
        text.push_str("a: 1\n");
    }
    assert_eq!(read(&file(), &text).1.len(), MAX_FINDINGS);
}

fn lines_agree(text: &str, start: usize, end: usize) {
    let file = file();
    assert_eq!(LineIndex::new().place(&file, text, start..end), Place::in_text(&file, text, start, end));
}

/// Ranges lie in the text, on character boundaries, and parents cover their children (except through aliases).
fn check(node: &Node, text: &str) {
    assert!(text.get(node.range()).is_some(), "{node:?}");
    match &node.kind {
        NodeKind::Sequence(items) => {
            for item in items {
                check(item, text);
            }
        }
        NodeKind::Mapping(entries) => {
            for entry in entries {
                assert!(text.get(entry.key_range()).is_some(), "{entry:?}");
                check(&entry.value, text);
            }
        }
        _ => {}
    }
}

const SEED: &str = "apiVersion: muster/v1\nkind: Target\nmetadata: { name: a, labels: {x: 'y'} }\nspec:\n  match:\n    all:\n      - tenant: contoso\n      - &g group: \"a\\tb\"\n    not: [*g, tag: kiosk]\n  text: |\n    line\n    ü\n---\nkind: B\n";

proptest! {
    #[test]
    fn reading_never_panics_on_any_text(text in any::<String>()) {
        let (nodes, _) = read(&file(), &text);
        for node in &nodes { check(node, &text); }
    }

    #[test]
    fn reading_never_panics_on_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(text) = text_of(&file(), &bytes) {
            _ = read(&file(), &text);
        }
    }

    #[test]
    fn reading_never_panics_on_yaml_that_was_broken(
        edits in proptest::collection::vec(
            (0..SEED.len(), 0usize..4, "[\\[\\]{}:,'\"|>&*!#?%@\\-\\n \\t~a-c0-2<.\u{feff}ü]{0,4}"),
            1..6,
        ),
    ) {
        let mut text = SEED.to_owned();
        for (at, remove, insert) in edits {
            let start = text.floor_char_boundary(at);
            let end = text.floor_char_boundary(at + remove).max(start);
            text.replace_range(start..end, &insert);
        }
        let (nodes, found) = read(&file(), &text);
        for node in &nodes { check(node, &text); }
        for finding in &found {
            let place = finding.place.as_ref().expect("a place");
            prop_assert!(text.get(place.start..place.end).is_some());
        }
    }

    #[test]
    fn the_index_of_lines_agrees_with_counting(text in "[a\\nü\\r]{0,40}", start in 0usize..60, end in 0usize..60) {
        lines_agree(&text, start, end);
    }

    /// Where both mean the same, what is read is what the other reader of the crate gives.
    #[test]
    fn plain_scalars_mean_what_another_reader_says(text in "[-+]?(true|null|[0-9]{1,5}|[0-9]{0,3}\\.[0-9]{0,3}(e[-+]?[0-9]{1,2})?|0x[0-9a-f]{0,3}|0o[0-8]{0,3}|[a-z ]{1,6})") {
        let document = format!("- {text}\n");
        let other = serde_saphyr::from_str::<serde_json::Value>(&document);
        let (nodes, found) = read(&file(), &document);
        prop_assert!(found.is_empty());
        let (Ok(other), Some(node)) = (other, nodes.first().and_then(|node| node.at("/0"))) else { return Ok(()) };
        let Some(other) = other.get(0) else { return Ok(()) };
        let trimmed = text.trim();
        let unsigned = trimmed.trim_start_matches(['+', '-']);
        // The other reader follows YAML 1.1 with words such as yes and n.
        if scalar::in_yaml_1_1(trimmed).is_some() && trimmed.starts_with(|c: char| c.is_alphabetic()) {
            prop_assert_eq!(node.as_str(), Some(trimmed));
            return Ok(());
        }
        // Numbers with zeros in front, and signs before 0x and 0o, are text here by design.
        let differs = unsigned.len() > 1 && unsigned.starts_with('0') && !unsigned.starts_with("0.") && !unsigned.starts_with("0e")
            || unsigned != trimmed && (unsigned.starts_with("0x") || unsigned.starts_with("0o"));
        if differs && matches!(node.kind, NodeKind::String { .. }) {
            return Ok(());
        }
        match &node.kind {
            NodeKind::Null => prop_assert!(other.is_null(), "{other}"),
            NodeKind::Bool(value) => prop_assert_eq!(other.as_bool(), Some(*value)),
            NodeKind::Integer(text) => {
                prop_assert_eq!(other.as_i64().map(i128::from), scalar::integer(text), "{}", other);
            }
            NodeKind::Float(text) => prop_assert_eq!(other.as_f64(), scalar::float(text), "{}", other),
            NodeKind::String { text, .. } => prop_assert_eq!(other.as_str(), Some(&**text)),
            NodeKind::Sequence(_) | NodeKind::Mapping(_) => prop_assert!(other.is_array() || other.is_object()),
        }
    }
}

#[test]
fn a_block_scalar_ends_as_its_last_line_does() {
    let value = |text: &str| {
        let (nodes, findings) = read(&Arc::from("a.yaml"), text);
        assert!(findings.is_empty(), "{text:?}: {findings:?}");
        match &nodes[0].get("a").expect("a value").value.kind {
            NodeKind::String { text, .. } => text.to_string(),
            other => panic!("{other:?}"),
        }
    };
    for (text, expected) in [
        ("a: |\n  hello", "hello"),
        ("a: |\n  hello\n", "hello\n"),
        ("a: |\n  hello\n\n", "hello\n"),
        ("a: |\n  one\n    two", "one\n  two"),
        ("a: |+\n  hello", "hello"),
        ("a: |-\n  hello", "hello"),
        ("a: >\n  one\n  two", "one two"),
        ("a: |\n  hello\n  ", "hello\n"),
        ("a: |\n  hello\n# hello", "hello\n"),
        ("a: |\n  # hello\n# hello", "# hello\n"),
        ("a: |\n  hello\nb: hello", "hello\n"),
        ("a: |\r\n  hello\r\n", "hello\n"),
    ] {
        assert_eq!(value(text), expected, "{text:?}");
    }
}

#[test]
fn what_the_parser_complains_of_is_said_with_what_to_do() {
    for (text, line, column, message, help) in [
        ("a: one\n\tb: 2\n", 2, 1, "a tab cannot indent YAML", "spaces"),
        ("a:\n  b: one\n \tc: 2\n", 3, 2, "a tab cannot indent YAML", "spaces"),
        ("a: \"C:\\Users\\x\"\n", 1, 4, "unknown escape in a double-quoted text", "single quotes"),
        ("a: \"C:\\Some\"\n", 1, 4, "unknown escape in a double-quoted text", "single quotes"),
        ("a:\n\u{a0} b: 1\n  c: 2\n", 2, 1, "a no-break space cannot indent YAML", "spaces"),
        ("a: ]\n", 1, 4, "a bracket is closed that was not opened", "take it out"),
        ("a: [1}\n", 1, 4, "closed by one of another kind", "close ["),
    ] {
        let (_, findings) = read(&Arc::from("a.yaml"), text);
        let finding = findings.iter().next().unwrap_or_else(|| panic!("{text:?}"));
        let place = finding.place.as_ref().expect("a place");
        assert_eq!((place.line, place.column), (line, column), "{text:?} {finding:?}");
        assert!(finding.message.contains(message), "{text:?} {finding:?}");
        assert!(finding.help.as_ref().is_some_and(|given| given.contains(help)), "{text:?} {finding:?}");
    }
}

#[test]
fn an_open_quote_is_shown_where_it_begins() {
    for (text, quote) in
        [("a: it's\nb: 'one\nc: two\n", (2, 4)), ("a: \"x\"\nb: [ \"one, 'two' ]\nc: two\nd: 'x'\n", (2, 6))]
    {
        let (_, findings) = read(&Arc::from("a.yaml"), text);
        let finding = findings.iter().next().expect("an error");
        let began: Vec<_> = finding.related.iter().map(|(place, _)| (place.line, place.column)).collect();
        let place = finding.place.as_ref().map(|place| (place.line, place.column));
        assert!(began == [quote] || place == Some(quote), "{text:?} {finding:?}");
    }
}
