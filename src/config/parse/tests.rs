use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

use super::*;

const KINDS: [&str; 3] = ["Target", "Software", "Deployment"];

fn parsed(text: &str) -> (Vec<RawDocument>, String) {
    let (documents, findings) = parse(&"a.yaml".into(), &text.into(), &KINDS);
    (documents, listed(&findings))
}

fn listed(findings: &Findings) -> String {
    let mut out = String::new();
    for finding in findings {
        let place = finding.place.as_ref().expect("a place");
        let (line, column, help) = (place.line, place.column, finding.help.as_deref().unwrap_or("-"));
        _ = writeln!(out, "{line}:{column} {} {}; {help}", finding.code, finding.message);
    }
    out
}

const GOOD: &str = "apiVersion: muster/v1\nkind: Target\nmetadata:\n  name: a\n  title: The A\n  labels: { team: x }\n  description: |\n    Text.\nspec:\n  match:\n    - tag: x\n    - { tag: z }\n";

#[test]
fn a_document_has_a_kind_a_name_and_a_spec() {
    #[derive(Debug, Deserialize, PartialEq)]
    struct Spec {
        r#match: Vec<BTreeMap<String, String>>,
    }
    let (documents, findings) = parsed(GOOD);
    assert_eq!(findings, "");
    let [document] = &documents[..] else { panic!("{documents:?}") };
    assert_eq!(document.kind, "Target");
    let metadata = document.metadata.as_ref().expect("metadata");
    assert_eq!(metadata.name.as_str(), "a");
    assert_eq!(metadata.title.as_deref(), Some("The A"));
    assert_eq!(metadata.labels.get("team").map(String::as_str), Some("x"));
    assert_eq!(metadata.description.as_deref(), Some("Text.\n"));
    let mut findings = Findings::new();
    let spec = document.spec::<Spec>(&mut findings).expect("a spec");
    assert_eq!(spec.r#match.len(), 2);
    assert!(document.spec::<Vec<u8>>(&mut findings).is_none());
    assert_eq!(listed(&findings), "10:3 M0202 expected a list, found a mapping; -\n");
}

#[test]
fn places_are_found_by_pointer() {
    let (documents, _) = parsed(GOOD);
    let document = documents.first().expect("a document");
    let at = |place: Place| (place.line, place.column, GOOD[place.start..place.end].to_owned());
    assert_eq!(at(document.place("/spec/match/1/tag")), (12, 14, "z".to_owned()));
    assert_eq!(at(document.key_place("/spec/match/1/tag")), (12, 9, "tag".to_owned()));
    assert_eq!(at(document.place("/spec/match/1/gone/deeper")), (12, 7, "{ tag: z }".to_owned()));
    assert_eq!(at(document.key_place("/spec/match")), (10, 3, "match".to_owned()));
    assert_eq!(at(document.place("/spec")), (10, 3, "match:".to_owned()));
    assert_eq!(at(document.key_place("/gone")), (1, 1, "apiVersion: muster/v1".to_owned()));
    assert_eq!(at(document.origin()), (4, 9, "a".to_owned()));
}

#[test]
fn the_envelope_is_strict() {
    let text =
        "apiVersion: muster/v2\nkind: Tagret\nmetadata: { name: A, titel: x }\nspce: {}\nname: b\nother: c\n";
    let (documents, findings) = parsed(text);
    assert!(documents.is_empty());
    insta::assert_snapshot!(findings, @r#"
    4:1 M0201 unknown key `spce`; did you mean `spec`?
    5:1 M0201 unknown key `name`; put `name` below `metadata`
    6:1 M0201 unknown key `other`; a document has apiVersion, kind, metadata and spec; what the kind says goes below `spec`
    1:13 M0207 unknown apiVersion "muster/v2"; write `apiVersion: muster/v1`
    2:7 M0206 unknown kind "Tagret"; did you mean `Target`?
    3:19 M0204 "A" is not a name: use 1 to 63 lower-case letters, digits and hyphens, beginning and ending with a letter or digit; -
    3:22 M0201 unknown key `titel`; did you mean `title`?
    "#);
    insta::assert_snapshot!(parsed("a: 1\n").1, @r#"
    1:1 M0201 unknown key `a`; a document has apiVersion, kind, metadata and spec; what the kind says goes below `spec`
    1:1 M0203 the key `apiVersion` is missing; begin the document with `apiVersion: muster/v1`
    1:1 M0203 the key `kind` is missing; add `kind: …`
    1:1 M0203 the key `metadata` is missing; add `metadata: { name: … }`
    1:1 M0203 the key `spec` is missing; add `spec: …` with what the kind says
    "#);
    insta::assert_snapshot!(parsed("[a]\n---\ntext\n---\nnull\n").1, @r#"
    1:1 M0208 a document is a mapping with the keys apiVersion, kind, metadata and spec; begin it with `apiVersion: muster/v1`
    3:1 M0208 a document is a mapping with the keys apiVersion, kind, metadata and spec; begin it with `apiVersion: muster/v1`
    5:1 M0208 a document is a mapping with the keys apiVersion, kind, metadata and spec; begin it with `apiVersion: muster/v1`
    "#);
    insta::assert_snapshot!(parsed("apiVersion:\nkind: [a]\nmetadata: x\nspec:\n").1, @r#"
    1:1 M0205 the value is empty; leave the key out, or give a value: [] for an empty list, '' for empty text
    2:7 M0202 expected text, found a list; -
    3:11 M0202 expected a mapping, found the text "x"; its keys are `name`, `title`, `labels`, `description` and `allow`
    "#);
    insta::assert_snapshot!(parsed("apiVersion: muster/v1\nkind: Zebra\nmetadata: { name: a }\nspec: {}\n").1, @r#"
    2:7 M0206 unknown kind "Zebra"; known kinds are Target, Software, Deployment
    "#);
}

#[test]
fn a_file_without_a_document_is_a_warning() {
    insta::assert_snapshot!(parsed("").1, @r#"
    1:1 M0111 the file holds no document; delete the file, or put a document in
    "#);
    insta::assert_snapshot!(parsed("# later\n---\n").1, @r#"
    1:1 M0111 the file holds no document; delete the file, or put a document in
    "#);
    assert!(!parsed("a: [\n").1.contains("M0111"), "what cannot be read is not empty");
}

#[test]
fn one_bad_document_does_not_hide_another() {
    let text = format!("{GOOD}---\nkind: Gone\n---\na: [b\n---\n{GOOD}---\n[x]\n---\n{GOOD}");
    let (documents, findings) = parsed(&text);
    assert_eq!(documents.len(), 3);
    insta::assert_snapshot!(findings, @r#"
    16:4 M0101 the list is not closed; close it with ]
    14:7 M0206 unknown kind "Gone"; known kinds are Target, Software, Deployment
    14:1 M0203 the key `apiVersion` is missing; begin the document with `apiVersion: muster/v1`
    14:1 M0203 the key `metadata` is missing; add `metadata: { name: … }`
    14:1 M0203 the key `spec` is missing; add `spec: …` with what the kind says
    31:1 M0208 a document is a mapping with the keys apiVersion, kind, metadata and spec; begin it with `apiVersion: muster/v1`
    "#);
}

#[test]
fn a_document_with_bad_metadata_is_still_given_to_check_its_spec() {
    let (documents, findings) = parsed("apiVersion: muster/v1\nkind: Target\nmetadata: {}\nspec: 1\n");
    assert_eq!(documents.len(), 1);
    assert!(documents.iter().all(|document| document.metadata.is_none()));
    assert!(findings.contains("M0203"), "{findings}");
}

#[test]
fn a_file_of_unknown_keys_is_bounded() {
    let mut text = String::new();
    for n in 0..100_000 {
        _ = writeln!(text, "k{n}: 1");
    }
    let (_, findings) = parse(&"a.yaml".into(), &text.as_str().into(), &KINDS);
    assert!(findings.len() < 1_100, "{}", findings.len());
}
