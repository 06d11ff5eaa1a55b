//! Expressions good and bad: what is said of them and where, and what they answer.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::compile::{Wanted, compile};
use super::machine::{EvaluationError, Fact, Machine};
use super::template::Template;
use super::vocabulary::{self, neutral};
use crate::config::kind::Subject;

fn problems(text: &str, subject: Subject) -> Vec<String> {
    match compile(text, subject, Wanted::Truth) {
        Ok(_) => Vec::new(),
        Err(problems) => problems
            .into_iter()
            .map(|problem| {
                let marked = text.get(problem.range.clone()).unwrap_or("(outside)");
                let help = problem.help.map(|help| format!(" ({help})")).unwrap_or_default();
                format!("{marked:?}: {}{help}", problem.message)
            })
            .collect(),
    }
}

fn facts(subject: Subject, given: Value) -> Vec<(&'static str, Fact)> {
    let Value::Object(given) = given else { panic!("a mapping") };
    let given: BTreeMap<String, Value> = given.into_iter().collect();
    let facts = super::cases::facts(subject, &given).expect("they fit");
    facts.into_iter().map(|(name, value)| (name, Fact::new(&value))).collect()
}

fn truth(text: &str, subject: Subject, given: Value) -> Result<bool, EvaluationError> {
    let expression =
        compile(text, subject, Wanted::Truth).unwrap_or_else(|problems| panic!("{text}: {problems:?}"));
    Machine::new(&[]).truth(&expression, &facts(subject, given))
}

#[test]
fn expressions_answer_from_the_facts() {
    let change = json!({ "change": {
        "action": "uninstall", "computers": 12, "tenants": ["contoso", "fabrikam"], "removes": true,
        "item": "old-archiver", "versions": ["3.1"],
    } });
    for (text, expected) in [
        ("change.removes", true),
        ("!change.removes", false),
        ("change.action == 'uninstall' && change.computers > 10", true),
        ("change.action in ['install', 'update']", false),
        ("size(change.tenants) == 2", true),
        ("change.tenants.size() == 2", true),
        ("'contoso' in change.tenants", true),
        ("change.tenants.exists(t, t.startsWith('fab'))", true),
        ("change.tenants.all(t, t.startsWith('fab'))", false),
        ("change.tenants.filter(t, t != 'contoso') == ['fabrikam']", true),
        ("change.tenants.map(t, size(t)) == [7, 8]", true),
        ("change.tenants.exists_one(t, t == 'contoso')", true),
        ("change.item.matches('^old-')", true),
        ("change.computers * 100 / 7 >= 171", true),
        ("change.computers > 11.5", true),
        ("change.tenants[0] == 'contoso'", true),
        ("deployment.labels == {} && !has(deployment.labels.team)", true),
        ("change.deployment.name == ''", true),
        ("change.computers > 5 ? change.removes : false", true),
        ("string(change.computers) == '12'", true),
    ] {
        assert_eq!(truth(text, Subject::Change, change.clone()), Ok(expected), "{text}");
    }
}

#[test]
fn a_label_that_is_not_there_is_asked_for_with_has() {
    let given = json!({ "deployment": { "labels": { "team": "desk" } } });
    let ask = |text| truth(text, Subject::Deployment, given.clone());
    assert_eq!(ask("has(deployment.labels.team) && deployment.labels.team == 'desk'"), Ok(true));
    assert_eq!(ask("deployment.labels['team'] == 'desk'"), Ok(true));
    let error = ask("deployment.labels.owner == 'me'").expect_err("there is none");
    assert_eq!(error.to_string(), "there is no key \"owner\"");
}

#[test]
fn what_is_wrong_with_an_expression_is_told_at_its_place_in_plain_words() {
    let said = |text: &str| problems(text, Subject::Change).join("; ");
    insta::assert_snapshot!(
        [
            "", "change.remove", "chnge.removes", "computer.roles == []", "tenant.businessHours", "change.removes ==",
            "change.removes = true", "change.removes & true", "change.removes and true", "(change.removes", "change.removes)",
            "change.item == 'abc", "change.action == 'unistall'", "'unistal' == change.action", "change.action in ['set', 'remove']",
            "'serwer' in change.roles", "change.computers == '12'", "change.computers", "change.removes && change.computers",
            "change.item > 3", "change.item + change.computers == ''", "change.item in 'abc'", "change.computers in change.tenants",
            "change.item.matches('(')", "change.item.matches(change.title)", "change.item.matches('(a{500}){500}')",
            "change.tenants.contains('contoso')", "len(change.tenants) > 1", "siz(change.tenants) > 1", "change.tenants.exists(t)",
            "change.deployment.labels.exists(k, k == 'a')", "change.computers.exists(c, c == 1)", "change.item.size.x", "size(change) > 1",
            "string(change.tenants) == ''", "change.tenants['a'] == ''", "change == 1", "not change.removes", "change.removes || 'x'",
            "Foo{a: 1} == 1", "duration('1h') > 1", "now > 3", "stage == 'aply'", "now.weekday == 'friady'",
        ]
        .map(|text| format!("{text}\n    {}", said(text)))
        .join("\n"),
        @r#"

            "": the expression is empty (write a condition, such as change.removes)
        change.remove
            "remove": a change has no `remove` (did you mean `removes`?)
        chnge.removes
            "chnge": there is no `chnge` here (did you mean `change`?)
        computer.roles == []
            "computer": there is no `computer` here (a rule about `computer` knows it; this one is about `change`)
        tenant.businessHours
            "tenant": there is no `tenant` here (a rule about `tenant` knows it; this one is about `change`)
        change.removes ==
            "": the expression ends too early (something is missing at the end: a value, a quote or a bracket)
        change.removes = true
            "=": the expression cannot be read at "=" (write == to compare)
        change.removes & true
            "&": the expression cannot be read at "&" (write && for and)
        change.removes and true
            "and": the expression cannot be read at "and" (write && for and)
        (change.removes
            "": the expression ends too early (something is missing at the end: a value, a quote or a bracket)
        change.removes)
            ")": the expression cannot be read at ")"
        change.item == 'abc
            "'abc": the expression cannot be read at "'abc" (a text ends with the quote that it begins with)
        change.action == 'unistall'
            "unistall": it is never 'unistall' (did you mean 'uninstall'?)
        'unistal' == change.action
            "unistal": it is never 'unistal' (did you mean 'uninstall'?)
        change.action in ['set', 'remove']
            "remove": it is never 'remove' (it is one of none, install, update, downgrade, uninstall, repair, reinstall, finish, download, set, get, os-update, reboot)
        'serwer' in change.roles
            "serwer": it is never 'serwer' (did you mean 'server'?)
        change.computers == '12'
            "==": a number is never equal to a text
        change.computers
            "change.computers": the expression gives a number; a condition is true or false
        change.removes && change.computers
            "&&": a number is neither true nor false
        change.item > 3
            ">": a text cannot be compared with a number
        change.item + change.computers == ''
            "+": a number cannot be added to a text (write string(…) around the number)
        change.item in 'abc'
            "in": a text is not a list (write text.contains('part'))
        change.computers in change.tenants
            "in": a list of this kind never holds a number
        change.item.matches('(')
            "matches": the pattern cannot be used: error: unclosed group
        change.item.matches(change.title)
            "matches": the pattern has to be written out
        change.item.matches('(a{500}){500}')
            "matches": the pattern cannot be used: it is too large
        change.tenants.contains('contoso')
            "contains": `contains` is for texts (write 'element' in list)
        len(change.tenants) > 1
            "len": there is no function `len` (there are size, contains, startsWith, endsWith, matches, string, int, double, has, all, exists, exists_one, map, filter)
        siz(change.tenants) > 1
            "siz": there is no function `siz` (did you mean `size`?)
        change.tenants.exists(t)
            "exists": `exists` is not called like this (write list.exists(element, …)); "t": there is no `t` here (a rule about `change` knows plan, change, deployment, instance, now, stage)
        change.deployment.labels.exists(k, k == 'a')
            ".": texts by name has no order to go through (lists can be gone through)
        change.computers.exists(c, c == 1)
            ".": a number is not a list (lists can be gone through)
        change.item.size.x
            "size": a text has no `size`
        size(change) > 1
            "size": a change has no size
        string(change.tenants) == ''
            "string": a list has no text
        change.tenants['a'] == ''
            "[": a list cannot be asked for a text
        change == 1
            "==": a change is never equal to a number
        not change.removes
            "change": the expression cannot be read at "change" (write ! for not)
        change.removes || 'x'
            "||": a text is neither true nor false
        Foo{a: 1} == 1
            "{": there is no type Foo
        duration('1h') > 1
            "duration": there is no function `duration` (there are size, contains, startsWith, endsWith, matches, string, int, double, has, all, exists, exists_one, map, filter)
        now > 3
            ">": the time cannot be compared with a number
        stage == 'aply'
            "aply": it is never 'aply' (did you mean 'apply'?)
        now.weekday == 'friady'
            "friady": it is never 'friady' (did you mean 'friday'?)
        "#
    );
}

#[test]
fn an_expression_that_is_huge_or_deep_is_refused() {
    let long = format!("change.removes{}", " || change.removes".repeat(200));
    let deep = format!("{}change.removes{}", "(".repeat(200), ")".repeat(200));
    let lists = format!("{}1{} == []", "[".repeat(90), "]".repeat(90));
    let nots = format!("{}change.removes", "!".repeat(500));
    let sum = format!("{}1 > 0", "1+".repeat(900));
    let dots = format!("change{} == 1", ".a".repeat(900));
    let choices = format!("{}true", "true ? true : ".repeat(120));
    for text in [&long, &deep, &lists, &nots, &sum, &dots, &choices] {
        let said = problems(text, Subject::Change);
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].contains("too deep") || said[0].contains("bytes"), "{said:?}");
    }
}

#[test]
fn loops_end_after_a_bounded_number_of_steps() {
    let tenants: Vec<String> = (0..1000).map(|n| format!("tenant-{n}")).collect();
    let given = json!({ "plan": { "tenants": tenants } });
    let ask = |text| truth(text, Subject::Plan, given.clone());
    assert_eq!(
        ask("plan.tenants.all(a, plan.tenants.exists(b, b == 'none') || a != '')"),
        Err(EvaluationError::TooLong)
    );
    assert_eq!(
        ask("plan.tenants.map(a, plan.tenants.map(b, [a, b])).size() > 0"),
        Err(EvaluationError::TooLong)
    );
    assert_eq!(
        ask("plan.tenants.filter(a, plan.tenants.filter(b, b == a).size() == 1).size() > 0"),
        Err(EvaluationError::TooLong)
    );
    assert_eq!(ask("plan.tenants.all(a, a.startsWith('tenant-'))"), Ok(true));
    // The count begins anew with each evaluation.
    let expression = compile("plan.tenants.all(a, a != '')", Subject::Plan, Wanted::Truth).expect("good");
    let machine = Machine::new(&[]);
    let facts = facts(Subject::Plan, given);
    for _ in 0..200 {
        assert_eq!(machine.truth(&expression, &facts), Ok(true));
    }
}

#[test]
fn what_cannot_be_worked_out_is_an_error_and_no_panic() {
    for (text, why) in [
        ("1 / plan.scope == 1", "it divides by zero"),
        ("1 % plan.scope == 1", "it divides by zero"),
        ("plan.tenants[3] == ''", "a list has fewer elements than it asks for"),
        ("9223372036854775807 + plan.scope + 1 > 0", "a number becomes too large"),
        ("int(plan.commit) == 3", "int"),
    ] {
        let error = truth(text, Subject::Plan, json!({})).expect_err(text);
        assert!(error.to_string().contains(why), "{text}: {error}");
    }
}

#[test]
fn messages_hold_values_in_braces() {
    let given = json!({ "change": { "item": "agent", "computers": 3, "tenants": ["a", "b"] } });
    let fill = |text: &str| {
        let template = Template::new(text, Subject::Change).unwrap_or_else(|problems| panic!("{problems:?}"));
        template.fill(&Machine::new(&[]), &facts(Subject::Change, given.clone()))
    };
    assert_eq!(fill("removes {change.item} from {change.computers}"), "removes agent from 3");
    assert_eq!(fill("{change.tenants} {{x}} {change.removes ? '}' : '{'}"), "a, b {x} {");
    assert_eq!(fill("half: {10 / (change.computers - 3)}"), "half: ?");
    assert_eq!(fill("ä {change.item} ö"), "ä agent ö");
    for (text, marked) in [
        ("removes {change.itm}", "itm"),
        ("removes {change.item", "{change.item"),
        ("removes change.item}", "}"),
        ("ä {chang.item}", "chang"),
        ("{}", ""),
        ("{change.deployment}", "change.deployment"),
    ] {
        let problems = Template::new(text, Subject::Change).expect_err(text);
        assert_eq!(text.get(problems[0].range.clone()), Some(marked), "{text}: {problems:?}");
    }
}

#[test]
fn neutral_facts_answer_every_word() {
    for subject in Subject::ALL {
        for root in vocabulary::roots(subject) {
            let vocabulary::Of::Record(record) = root.of else { continue };
            for field in record.fields {
                let text = format!("{0}.{1} == {0}.{1}", root.name, field.name);
                assert_eq!(truth(&text, subject, json!({})), Ok(true), "{text}");
            }
            assert!(neutral(root.of).is_object());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_reading_panic(text in "[ -~äß\n]{0,60}") {
        _ = compile(&text, Subject::Change, Wanted::Truth);
        _ = Template::new(&text, Subject::Change);
    }

    #[test]
    fn no_pieces_of_the_language_make_reading_or_evaluating_panic(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "change", ".", "item", "computers", "tenants", "(", ")", "[", "]", "{", "}", "&&", "||", "!", "==", "in", "'x'",
            "1", "-", "?", ":", ",", ".exists(t, ", ".map(t, ", "t", "size(", "has(", "true", "null", "1.5", "0u", "b'x'", "'", "\\",
            ".matches('", "1/0", "stage", "now.hour", "\"\"\"",
        ]), 0..14)
    ) {
        let text = pieces.concat();
        if let Ok(expression) = compile(&text, Subject::Change, Wanted::Text) {
            _ = Machine::new(&[]).text(&expression, &facts(Subject::Change, json!({})));
        }
    }
}
