//! Formatting changes how a text looks and never what it says.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;

fn file() -> Arc<str> {
    Arc::from("a.yaml")
}

fn formatted(text: &str) -> String {
    let once = format(&file(), text).unwrap_or_else(|findings| panic!("{findings:?}"));
    assert_eq!(format(&file(), &once).as_ref(), Ok(&once), "twice is not once");
    once
}

#[test]
fn a_document_is_put_into_the_one_form_and_keeps_its_comments() {
    let text = "\u{feff}# yaml-language-server: $schema=../schemas/deployment.json\r\n\r\n\r\n\
                # what it is about\r\nkind: \"Deployment\"   # the kind\r\nspec:\r\n    # the item\r\n    software: 'seven-zip'\r\n\
                \r\n\r\n    target:\r\n        match:\r\n            all:\r\n            # only theirs\r\n            -   tenant: contoso\r\n\
                \x20               # below the first\r\n            - tag: \"yes\"\r\n            # at the end of the list\r\n\
                \x20   state: installed\r\n# who\r\nmetadata:\r\n    title: Archive\r\n    name: archive\r\n\
                apiVersion: muster/v1   \r\n\r\n\r\n";
    let out = formatted(text);
    assert_eq!(out.matches('\n').count(), out.matches("\r\n").count(), "its line ends stay: {out:?}");
    insta::assert_snapshot!(out.replace("\r\n", "\n"), @r"
    # yaml-language-server: $schema=../schemas/deployment.json

    # what it is about
    apiVersion: muster/v1
    kind: Deployment   # the kind
    # who
    metadata:
      name: archive
      title: Archive
    spec:
      # the item
      software: seven-zip

      target:
        match:
          all:
            # only theirs
            - tenant: contoso
                # below the first
            - tag: 'yes'
            # at the end of the list
      state: installed
    ");
}

#[test]
fn line_ends_stay_what_they_are_where_they_are_all_alike() {
    let lines = [
        "kind:  Task",
        "apiVersion: muster/v1",
        "metadata: { name: x }",
        "spec:",
        "  set:",
        "    posix: |",
        "      a",
        "      b",
        "",
    ];
    let (unix, windows) = (lines.join("\n"), lines.join("\r\n"));
    let formatted_unix = formatted(&unix);
    assert_eq!(formatted(&windows), formatted_unix.replace('\n', "\r\n"));
    assert_eq!(formatted(&formatted_unix.replace('\n', "\r\n")), formatted_unix.replace('\n', "\r\n"));
    assert_eq!(
        formatted(&windows.replacen("\r\n", "\n", 1)),
        formatted_unix,
        "mixed ones become one character"
    );
    for nothing in ["", "\u{feff}", "\n\n", "  "] {
        assert_eq!(formatted(nothing), nothing);
    }
}

#[test]
fn block_scalars_keep_their_text() {
    let text = "kind: Task\napiVersion: muster/v1\nspec:\n    test:\n        posix:\n            inline: |\n                if true; then\n\n                    # no comment\n                  echo 'x'   \n                fi\n\n\n            shell: >-\n                a\n                b\n    list:\n    - |+\n      kept\n\n\n    - \"two\n      lines\"\n    - [ a,\n        b ] # after\nmetadata: { name: x }\n";
    insta::assert_snapshot!(formatted(text), @r#"
    apiVersion: muster/v1
    kind: Task
    metadata: { name: x }
    spec:
      test:
        posix:
          inline: |
              if true; then

                  # no comment
                echo 'x'   
              fi

          shell: >-
              a
              b
      list:
        - |+
          kept


        - "two
          lines"
        - [ a,
            b ] # after
    "#);
}

#[test]
fn lists_of_flow_collections_and_aliases_are_indented_as_all_lists_are() {
    let text = "kind: Target\napiVersion: muster/v1\nspec:\n  match:\n    all:\n    # whose\n    - { tenant: contoso } # theirs\n\
                \n    - not: { tag: kiosk }\n    any:\n    -   [ a,\n          b ]\n    - &x { tag: c }\n    # again\n    some:\n    - *x\n    - d\nmetadata: { name: x }\n";
    insta::assert_snapshot!(formatted(text), @r"
    apiVersion: muster/v1
    kind: Target
    metadata: { name: x }
    spec:
      match:
        all:
          # whose
          - { tenant: contoso } # theirs

          - not: { tag: kiosk }
        any:
          - [ a,
                b ]
          - &x { tag: c }
        # again
        some:
          - *x
          - d
    ");
}

#[test]
fn what_cannot_be_read_is_not_touched() {
    for text in ["a: [", "a: 1\na: 2\n", "a: !!python x\n", "a:\n\tb: 1\n"] {
        assert!(format(&file(), text).is_err(), "{text:?}");
    }
}

#[test]
fn unusual_ways_to_write_keep_their_meaning() {
    for text in [
        "? a\n: b\n",
        "a:\n- - 1\n  - 2\n-   - 3\n",
        "- a: 1\n  b:\n  - 2\n-\n  c: 3\n",
        "a: &x\n    b: 1\nc: *x\n",
        "a: &x [1, 2]\nb:\n  - *x\n",
        "---\na: 1\n...\n---\n# only a comment\n---\nb:\n   c: 2\n",
        "a: |2\n    two more\n  none\nb: 1\n",
        "a:\n  'quoted key': 1\n  \"b\" : 2\n",
        "a: one\n  two\n  three\n",
        "a:\n  # first\n  b: 1\n# between\n  # odd\n  c: 2\n      # last\n",
        "",
        "\n\n",
        "# nothing but this\n",
        "a: 'x'",
    ] {
        formatted(text);
    }
}

/// Every valid file of the corpus and every example: real files with real comments.
#[test]
#[expect(clippy::disallowed_methods, reason = "the test reads the repository's own files")]
fn real_files_keep_their_meaning_and_come_out_the_same_twice() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut open =
        ["examples", "tests/config", "policies", "src/cli/command/init"].map(|name| root.join(name)).to_vec();
    let (mut read, mut comments) = (0, 0);
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(
                std::fs::read_dir(&path).expect("a folder").map(|entry| entry.expect("an entry").path()),
            );
            continue;
        }
        if !path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml") {
            continue;
        }
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        if let Ok(once) = format(&file(), &text) {
            assert_eq!(format(&file(), &once).as_ref(), Ok(&once), "{}", path.display());
            comments += spanned::comments(&once).len();
            read += 1;
        }
    }
    assert!(read > 100 && comments > 30, "{read} files, {comments} comments");
}

/// Scalars as they may be written, block scalars and quotes included.
fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,5}",
        "'[a-z:# ]{0,6}'",
        "\"[a-z:#' ]{0,6}\"",
        Just("1.0".to_owned()),
        Just("'yes'".to_owned()),
        Just("{ a: 1, b: [x, 'y'] }".to_owned()),
        Just("[ { a: 1 }, { b: 2 } ]".to_owned()),
        Just("[]".to_owned()),
    ]
}

/// Lines of a value that stands below a key at `indent`, written with any step, comments and blank lines between.
fn value(depth: u32) -> BoxedStrategy<Vec<String>> {
    if depth == 0 {
        return scalar().prop_map(|text| vec![text]).boxed();
    }
    let below = || (value(depth - 1), 0..5_usize, any::<bool>(), any::<bool>());
    let mapping = prop::collection::vec(below(), 1..4).prop_map(|entries| {
        let mut lines = vec![String::new()];
        for (at, (value, step, comment, blank)) in entries.into_iter().enumerate() {
            if blank {
                lines.push("  ".to_owned());
            }
            if comment {
                lines.push(format!("# comment {at}"));
            }
            let (first, rest) = value.split_first().expect("never empty");
            lines.push(if first.is_empty() { format!("k{at}:  ") } else { format!("k{at}: {first}") });
            // Only a list may stand right below its key.
            let is_list =
                rest.iter().find(|line| !line.starts_with('#')).is_some_and(|line| line.starts_with("- "));
            let step = if is_list { step } else { step.max(1) };
            lines.extend(rest.iter().map(|line| format!("{}{line}", " ".repeat(step))));
        }
        lines
    });
    let list = prop::collection::vec(below(), 1..4).prop_map(|entries| {
        let mut lines = vec![String::new()];
        for (value, step, comment, _) in entries {
            if comment {
                lines.push("# item".to_owned());
            }
            let (first, rest) = value.split_first().expect("never empty");
            let gap = " ".repeat(step.max(1));
            match rest.first() {
                Some(second) if first.is_empty() && !second.starts_with(['#', ' ']) => {
                    lines.push(format!("-{gap}{second}"));
                    lines.extend(rest.iter().skip(1).map(|line| format!(" {gap}{line}")));
                }
                Some(_) => lines.push("- x".to_owned()),
                None => lines.push(format!("-{gap}{first}")),
            }
        }
        lines
    });
    let block = (
        prop::collection::vec("[ ]{0,3}[a-z#:]{1,4}[ ]{0,2}", 1..4),
        1..4_usize,
        prop::sample::select(vec!["|", "|-", "|+", ">"]),
    )
        .prop_map(|(texts, step, sign)| {
            let text = texts.iter().enumerate().map(|(at, line)| {
                format!("{}{}", " ".repeat(step), if at == 0 { line.trim_start() } else { line.as_str() })
            });
            std::iter::once(sign.to_owned()).chain(text).collect()
        });
    prop_oneof![2 => mapping, 2 => list, 1 => block, 2 => scalar().prop_map(|text| vec![text])].boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_text_keeps_its_meaning_and_twice_is_once(lines in value(4)) {
        let mut text = lines.join("\n");
        text.push('\n');
        if let Ok(once) = format(&file(), &text) {
            let meaning = |text: &str| read(&file(), text).expect("can be read");
            prop_assert!(same_all(&meaning(&text), &meaning(&once)), "{text}\n--\n{once}");
            prop_assert_eq!(spanned::comments(&text), spanned::comments(&once));
            let twice = format(&file(), &once);
            prop_assert_eq!(twice.as_ref().ok(), Some(&once), "{}", text);
        }
    }
}
