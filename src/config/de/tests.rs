use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::config::spanned::read;
use crate::id::Name;

fn from_text<T: DeserializeOwned>(text: &str) -> (Option<T>, String) {
    let file: Arc<str> = "a.yaml".into();
    let (nodes, mut findings) = read(&file, text);
    let value = nodes.first().and_then(|node| from_node(&file, text, node, &mut findings));
    findings.sort();
    let mut out = String::new();
    for finding in &findings {
        let place = finding.place.as_ref().expect("a place");
        let marked = text.get(place.start..place.end).expect("a place in the text");
        let (line, column) = (place.line, place.column);
        _ = write!(out, "{line}:{column} {marked:?} {} {}", finding.code, finding.message);
        for (place, what) in &finding.related {
            _ = write!(out, " ({}:{} {what})", place.line, place.column);
        }
        _ = writeln!(out, "; {}", finding.help.as_deref().unwrap_or("-"));
    }
    (value, out)
}

fn errors<T: DeserializeOwned + std::fmt::Debug>(text: &str) -> String {
    let (value, out) = from_text::<T>(text);
    assert!(value.is_none(), "{value:?}");
    out
}

fn fine<T: DeserializeOwned>(text: &str) -> T {
    let (value, out) = from_text::<T>(text);
    assert_eq!(out, "");
    value.expect("a value")
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Spec {
    name: Name,
    #[serde(default)]
    enabled: bool,
    #[serde(default)]
    port: Option<u16>,
    #[serde(default)]
    share: Option<f64>,
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    state: State,
    #[serde(default)]
    target: Option<Target>,
    #[serde(default)]
    limits: BTreeMap<Name, u8>,
    #[serde(default)]
    free: BTreeMap<String, serde_json::Value>,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum State {
    #[default]
    Installed,
    Absent,
    UpdateIfFound,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
enum Target {
    Ref(Name),
    Group { directory: Name, name: String },
    All(Vec<Target>),
    Every,
}

#[test]
fn a_document_without_mistakes_is_read() {
    let text = "name: a\nenabled: true\nport: 0x50\nshare: 5\nversion: 1.1\ntags: [x, 7, '1e3']\nstate: update-if-found\ntarget:\n  all:\n    - ref: b\n    - group: { directory: d, name: 'no' }\n    - every\nlimits: { a: 1 }\nfree: { m: 3, f: -1.5, b: false, l: [a, {c: d}], t: '1.10' }\n";
    let spec: Spec = fine(text);
    assert_eq!(spec.port, Some(80));
    assert_eq!(spec.share, Some(5.0));
    assert_eq!(spec.version.as_deref(), Some("1.1"));
    assert_eq!(spec.tags, ["x", "7", "1e3"]);
    assert_eq!(spec.state, State::UpdateIfFound);
    let group = Target::Group { directory: Name::new("d").unwrap(), name: "no".to_owned() };
    let reference = Target::Ref(Name::new("b").unwrap());
    assert_eq!(spec.target, Some(Target::All(vec![reference, group, Target::Every])));
    assert_eq!(
        serde_json::to_value(&spec.free).unwrap(),
        serde_json::json!({ "b": false, "f": -1.5, "l": ["a", { "c": "d" }], "m": 3, "t": "1.10" })
    );
}

#[test]
fn all_mistakes_of_a_document_are_found_at_once() {
    let text = "naem: a\nenabled: yes\nport: 70000\nshare: half\nversion: true\ntags: [a, [b], {c: d}, false]\nstate: instaled\ntarget:\n  all:\n    - rfe: b\n    - group: { directory: d, nam: e }\n    - ref: B_\n    - every: 1\n    - ref\n    - { ref: a, all: [] }\n    - {}\nlimits: { B_: 1, c: 300, d: -1 }\nfree: { a: , b: .nan }\n";
    insta::assert_snapshot!(errors::<Spec>(text), @r#"
    1:1 "naem" M0201 unknown key `naem`; did you mean `name`?
    2:10 "yes" M0202 expected true or false, found the text "yes"; write true or false (here: true); yes, no, on and off are text in YAML 1.2
    3:7 "70000" M0204 70000 is out of range: expected a whole number from 0 to 65535; -
    4:8 "half" M0202 expected a number, found the text "half"; -
    5:10 "true" M0202 expected text, found the boolean true; quote it: 'true'
    6:11 "[b]" M0202 expected text, found a list; -
    6:16 "{c: d}" M0202 expected text, found a mapping; -
    6:24 "false" M0202 expected text, found the boolean false; quote it: 'false'
    7:8 "instaled" M0204 "instaled" is not one of the allowed values; did you mean `installed`?
    10:7 "rfe" M0201 unknown key `rfe`; did you mean `ref`?
    11:30 "nam" M0201 unknown key `nam`; did you mean `name`?
    12:12 "B_" M0204 "B_" is not a name: use 1 to 63 lower-case letters, digits and hyphens, beginning and ending with a letter or digit; -
    13:7 "every" M0202 `every` takes no value; write `every` alone
    14:7 "ref" M0202 `ref` needs a value; write `ref: …`
    15:17 "all" M0209 `ref` and `all` cannot be given together here (15:9 the other one); use exactly one of `ref`, `group`, `all` and `every`
    16:7 "{}" M0209 one key is needed here; use exactly one of `ref`, `group`, `all` and `every`
    17:11 "B_" M0204 "B_" is not a name: use 1 to 63 lower-case letters, digits and hyphens, beginning and ending with a letter or digit; -
    17:21 "300" M0204 300 is out of range: expected a whole number from 0 to 255; -
    17:29 "-1" M0204 -1 is out of range: expected a whole number from 0 to 255; -
    18:9 "a" M0205 the value is empty; leave the key out, or give a value: [] for an empty list, '' for empty text
    18:17 ".nan" M0204 expected a finite number, found .nan; -
    "#);
}

#[test]
fn several_missing_keys_are_all_reported_and_nothing_that_follows_from_them() {
    #[derive(Debug, Deserialize)]
    #[serde(try_from = "Raw")]
    struct Checked(#[expect(dead_code, reason = "only read")] u8);
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only read")]
    struct Raw {
        first: Name,
        second: Inner,
        third: Target,
        fourth: bool,
        fifth: u8,
    }
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only read")]
    struct Inner {
        one: String,
        two: Vec<String>,
    }
    impl TryFrom<Raw> for Checked {
        type Error = String;
        fn try_from(raw: Raw) -> Result<Self, String> {
            if raw.fifth == 7 { Ok(Self(raw.fifth)) } else { Err("fifth is seven\nwrite 7".to_owned()) }
        }
    }
    insta::assert_snapshot!(errors::<Checked>("fourth: true\n"), @r#"
    1:1 "fourth: true" M0203 the key `fifth` is missing; add `fifth: …` to this mapping
    1:1 "fourth: true" M0203 the key `first` is missing; add `first: …` to this mapping
    1:1 "fourth: true" M0203 the key `second` is missing; add `second: …` to this mapping
    1:1 "fourth: true" M0203 the key `third` is missing; add `third: …` to this mapping
    "#);
    insta::assert_snapshot!(errors::<Checked>("second: {}\nfourth: 1\nfifth: x\n"), @r#"
    1:1 "second: {}" M0203 the key `first` is missing; add `first: …` to this mapping
    1:1 "second: {}" M0203 the key `third` is missing; add `third: …` to this mapping
    1:9 "{}" M0203 the key `one` is missing; add `one: …` to this mapping
    1:9 "{}" M0203 the key `two` is missing; add `two: …` to this mapping
    2:9 "1" M0202 expected true or false, found the number 1; -
    3:8 "x" M0202 expected a whole number, found the text "x"; -
    "#);
    insta::assert_snapshot!(errors::<BTreeMap<String, Checked>>("a: {}\nb: { frist: x, second: { one: a, two: b } }\n"), @r#"
    1:4 "{}" M0203 the key `fifth` is missing; add `fifth: …` to this mapping
    1:4 "{}" M0203 the key `first` is missing; add `first: …` to this mapping
    1:4 "{}" M0203 the key `fourth` is missing; add `fourth: …` to this mapping
    1:4 "{}" M0203 the key `second` is missing; add `second: …` to this mapping
    1:4 "{}" M0203 the key `third` is missing; add `third: …` to this mapping
    2:4 "{ frist: x, second: { one: a, two: b } }" M0203 the key `fifth` is missing; add `fifth: …` to this mapping
    2:4 "{ frist: x, second: { one: a, two: b } }" M0203 the key `fourth` is missing; add `fourth: …` to this mapping
    2:4 "{ frist: x, second: { one: a, two: b } }" M0203 the key `third` is missing; add `third: …` to this mapping
    2:6 "frist" M0201 unknown key `frist`; did you mean `first`?
    2:39 "b" M0202 expected a list, found the text "b"; write a list: [b]
    "#);
    let text = "x: { first: a, second: { one: a, two: [] }, third: every, fourth: true, fifth: 8 }\n";
    insta::assert_snapshot!(errors::<BTreeMap<String, Checked>>(text), @r#"
    1:4 "{ first: a, second: { one: a, two: [] }, third: every, fourth: true, fifth: 8 }" M0204 fifth is seven; write 7
    "#);
}

#[test]
fn null_is_never_a_value() {
    let text = "name: a\nport:\nversion: ~\ntags: null\nstate:\ntarget: { all: [~] }\nlimits:\nfree:\n";
    insta::assert_snapshot!(errors::<Spec>(text), @r#"
    2:1 "port" M0205 the value is empty; leave the key out, or give a value: [] for an empty list, '' for empty text
    3:10 "~" M0205 the value is empty; leave the key out, or give a value: [] for an empty list, '' for empty text
    4:7 "null" M0205 the value is empty; leave the key out, or give a value: [] for an empty list, '' for empty text
    5:1 "state" M0205 the value is empty; leave the key out, or give a value: [] for an empty list, '' for empty text
    6:17 "~" M0205 the value is empty; leave the key out, or give a value: [] for an empty list, '' for empty text
    7:1 "limits" M0205 the value is empty; leave the key out, or give a value: [] for an empty list, '' for empty text
    8:1 "free" M0205 the value is empty; leave the key out, or give a value: [] for an empty list, '' for empty text
    "#);
}

#[test]
fn a_mistake_at_the_top_is_reported_once() {
    insta::assert_snapshot!(errors::<Spec>("[a]\n"), @r#"
    1:1 "[a]" M0202 expected a mapping, found a list; its keys are `name`, `enabled`, `port`, `share`, `version`, `tags`, `state`, `target`, `limits` and `free`
    "#);
    insta::assert_snapshot!(errors::<Spec>("text\n"), @r#"
    1:1 "text" M0202 expected a mapping, found the text "text"; its keys are `name`, `enabled`, `port`, `share`, `version`, `tags`, `state`, `target`, `limits` and `free`
    "#);
    insta::assert_snapshot!(errors::<u8>("300\n"), @r#"
    1:1 "300" M0204 300 is out of range: expected a whole number from 0 to 255; -
    "#);
    insta::assert_snapshot!(errors::<State>("{ a: 1, b: 2 }\n"), @r#"
    1:3 "a" M0204 "a" is not one of the allowed values; use `installed`, `absent` or `update-if-found`
    "#);
    insta::assert_snapshot!(errors::<State>("absent: 1\n"), @r#"
    1:1 "absent" M0202 `absent` takes no value; write `absent` alone
    "#);
    insta::assert_snapshot!(errors::<State>("true\n"), @r#"
    1:1 "true" M0202 expected one of `installed`, `absent` or `update-if-found`, found the boolean true; a name is wanted here
    "#);
}

#[test]
fn hints_say_what_to_write() {
    let mut out = String::new();
    for text in ["'true'", "on", "1", "maybe"] {
        out.push_str(&errors::<bool>(text));
    }
    for text in ["'5'", "0755", "1_000", "1.5", "x", "-1", "999999999999999999999999999999999999999999"] {
        out.push_str(&errors::<u8>(text));
    }
    for text in ["true", "[a]", "{a: b}"] {
        out.push_str(&errors::<String>(text));
    }
    for text in ["a", "{a: b}"] {
        out.push_str(&errors::<Vec<String>>(text));
    }
    out.push_str(&errors::<f64>(".inf"));
    out.push_str(&errors::<BTreeMap<u8, u8>>("{a: 1, 300: 2, 1: 1}"));
    out.push_str(&errors::<(u8, u8)>("[1]"));
    out.push_str(&errors::<String>(&format!("[{}]", "long ".repeat(50))));
    insta::assert_snapshot!(out, @r#"
    1:1 "'true'" M0202 expected true or false, found the text "true"; remove the quotes: true
    1:1 "on" M0202 expected true or false, found the text "on"; write true or false (here: true); yes, no, on and off are text in YAML 1.2
    1:1 "1" M0202 expected true or false, found the number 1; -
    1:1 "maybe" M0202 expected true or false, found the text "maybe"; -
    1:1 "'5'" M0202 expected a whole number, found the text "5"; remove the quotes: 5
    1:1 "0755" M0202 expected a whole number, found the text "0755"; a number has no zero in front; 0o begins an octal one
    1:1 "1_000" M0202 expected a whole number, found the text "1_000"; write 1000
    1:1 "1.5" M0202 expected a whole number, found the number 1.5; -
    1:1 "x" M0202 expected a whole number, found the text "x"; -
    1:1 "-1" M0204 -1 is out of range: expected a whole number from 0 to 255; -
    1:1 "999999999999999999999999999999999999999999" M0204 999999999999999999999999999999999999999999 is out of range: expected a whole number from 0 to 255; -
    1:1 "true" M0202 expected text, found the boolean true; quote it: 'true'
    1:1 "[a]" M0202 expected text, found a list; -
    1:1 "{a: b}" M0202 expected text, found a mapping; -
    1:1 "a" M0202 expected a list, found the text "a"; write a list: [a]
    1:1 "{a: b}" M0202 expected a list, found a mapping; -
    1:1 ".inf" M0204 expected a finite number, found .inf; -
    1:2 "a" M0204 expected a whole number from 0 to 255 as a key, found "a"; -
    1:8 "300" M0204 expected a whole number from 0 to 255 as a key, found "300"; -
    1:1 "[1]" M0204 expected a list of 2 values, found 1 values; -
    1:1 "[long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long ]" M0202 expected text, found a list; -
    "#);
}

#[test]
fn text_that_older_readers_misread_is_a_warning_and_still_read() {
    let (value, out) = from_text::<Vec<String>>("[no, 2026-01-01, 0755, 'no', 22:00, nothing, 1.10]\n");
    assert_eq!(
        value.and_then(|items| items.last().cloned()).as_deref(),
        Some("1.10"),
        "it is read as it stands"
    );
    insta::assert_snapshot!(out, @r#"
    1:2 "no" M0601 older YAML readers take no for a boolean, Muster takes it for text; quote it: 'no'
    1:6 "2026-01-01" M0601 older YAML readers take 2026-01-01 for a date, Muster takes it for text; quote it: '2026-01-01'
    1:18 "0755" M0601 older YAML readers take 0755 for a number, Muster takes it for text; quote it: '0755'
    1:30 "22:00" M0601 older YAML readers take 22:00 for a number in base 60, Muster takes it for text; quote it: '22:00'
    1:46 "1.10" M0601 other YAML readers take 1.10 for 1.1, Muster takes it for text; quote it: '1.10'
    "#);
    let text = "on: 1\n1.10: b\n'off': c\n300: d\nplain: yes\n";
    let (value, out) = from_text::<BTreeMap<String, serde_json::Value>>(text);
    let keys: Vec<String> = value.into_iter().flatten().map(|(key, _)| key).collect();
    assert_eq!(keys, ["1.10", "300", "off", "on", "plain"]);
    insta::assert_snapshot!(out, @r#"
    1:1 "on" M0601 older YAML readers take the key on for a boolean, Muster takes it for text; quote it: 'on'
    2:1 "1.10" M0601 other YAML readers take 1.10 for 1.1, Muster takes it for text; quote it: '1.10'
    5:8 "yes" M0601 older YAML readers take yes for a boolean, Muster takes it for text; quote it: 'yes'
    "#);
}

#[test]
fn a_text_where_a_mapping_of_one_key_belongs_says_so() {
    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase")]
    enum Item {
        Software(#[expect(dead_code, reason = "only what is wrong is looked at")] String),
        Task(#[expect(dead_code, reason = "as above")] String),
    }
    let mut out = String::new();
    for text in [
        "[hello]",
        "[tasc]",
        "[\"two words: x\"]",
        "[software]",
        "[{ sofware: x }]",
        "[{ sofware: x, task: z }]",
    ] {
        out += &errors::<Vec<Item>>(text);
    }
    insta::assert_snapshot!(out, @r#"
    1:2 "hello" M0202 expected a mapping such as `software: hello`, found the text "hello"; its key is one of `software` and `task`
    1:2 "tasc" M0202 expected a mapping such as `software: tasc`, found the text "tasc"; its key is one of `software` and `task`
    1:2 "\"two words: x\"" M0202 expected a mapping such as `software: …`, found the text "two words: x"; its key is one of `software` and `task`
    1:2 "software" M0202 `software` needs a value; write `software: …`
    1:4 "sofware" M0201 unknown key `sofware`; did you mean `software`?
    1:4 "sofware" M0201 unknown key `sofware`; did you mean `software`?
    "#);
    let words = errors::<Vec<State>>("[instaled, { absnt: 1 }]\n");
    assert_eq!(words.matches("M0204").count(), 2, "{words}");
}

#[test]
fn unknown_keys_that_are_many_are_limited() {
    let mut text = "name: a\n".to_owned();
    for n in 0..5_000 {
        _ = writeln!(text, "key{n}: 1");
    }
    assert_eq!(errors::<Spec>(&text).lines().count(), MAX_FINDINGS);
}

#[test]
fn a_type_that_never_agrees_ends_the_search() {
    #[derive(Debug)]
    struct Never;
    impl<'de> Deserialize<'de> for Never {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            BTreeMap::<String, String>::deserialize(deserializer)?;
            Err(serde::de::Error::missing_field("never"))
        }
    }
    insta::assert_snapshot!(errors::<Never>("a: b\n"), @r#"
    1:1 "a: b" M0203 the key `never` is missing; add `never: …`
    "#);
    insta::assert_snapshot!(errors::<Vec<Never>>("- a: b\n- c: d\n"), @r#"
    1:3 "a: b" M0203 the key `never` is missing; add `never: …`
    2:3 "c: d" M0203 the key `never` is missing; add `never: …`
    "#);
}

proptest! {
    #[test]
    fn any_tree_gives_a_value_or_an_error(
        edits in proptest::collection::vec((0usize..200, 0usize..6, "[\\[\\]{}:,' \\n~a-c0-2-]{0,4}"), 0..6),
    ) {
        let mut text = "name: a\nenabled: true\nport: 80\ntags: [x, y]\nstate: absent\ntarget: { all: [{ref: b}, every] }\nlimits: { a: 1 }\nfree: { n: [1, {c: d}] }\n".to_owned();
        for (at, remove, insert) in edits {
            let start = text.floor_char_boundary(at);
            let end = text.floor_char_boundary(at + remove).max(start);
            text.replace_range(start..end, &insert);
        }
        let file: Arc<str> = "a.yaml".into();
        let (nodes, _) = read(&file, &text);
        for node in &nodes {
            let mut findings = Findings::new();
            let value = from_node::<Spec>(&file, &text, node, &mut findings);
            prop_assert_eq!(value.is_none(), findings.has_errors(), "{:?}", findings);
            let before = findings.len();
            findings.sort();
            prop_assert_eq!(findings.len(), before, "nothing is said twice: {:?}", findings);
        }
    }
}
