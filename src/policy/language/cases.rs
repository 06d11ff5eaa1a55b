//! Tries a rule on invented facts: what a `GuardrailTest` document says is compared with what the rule answers.
//!
//! Facts that a case does not give are neutral: false, 0, an empty text or list.

use std::collections::BTreeMap;

use serde_json::Value;

use super::machine::{Fact, Machine};
use super::vocabulary::{self, Of, Record};
use crate::config::kind::Expectation;
use crate::config::kind::Subject;
use crate::config::safety::Rule;
use crate::diagnostic::nearest;

/// Something wrong with what a case gives: the JSON pointer below `given`, and a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// Such as `/change/computers`.
    pub pointer: String,
    /// A sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// What a rule says of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What came out.
    pub result: Expectation,
    /// The message, where it is denied; or why it could not be judged.
    pub message: String,
}

/// The facts of a case: neutral ones, with what it gives put over them.
///
/// # Errors
/// Everything that does not fit the vocabulary.
pub fn facts(
    subject: Subject,
    given: &BTreeMap<String, Value>,
) -> Result<BTreeMap<&'static str, Value>, Vec<Misfit>> {
    let mut misfits = Vec::new();
    let roots = vocabulary::roots(subject);
    let mut facts = BTreeMap::new();
    for root in &roots {
        facts.insert(root.name, vocabulary::neutral(root.of));
    }
    for (name, value) in given {
        let Some(root) = roots.iter().find(|root| root.name == name) else {
            misfits.push(unknown("", name, "a rule of this kind", roots.iter().map(|root| root.name)));
            continue;
        };
        if let Some(under) = facts.get_mut(root.name) {
            lay_over(under, value, root.of, &format!("/{name}"), &mut misfits);
        }
    }
    // A rule about changes knows the deployment by two names.
    if subject == Subject::Change && given.contains_key("deployment") {
        let deployment = facts.get("deployment").cloned();
        if let (Some(deployment), Some(Value::Object(change))) = (deployment, facts.get_mut("change")) {
            change.insert("deployment".to_owned(), deployment);
        }
    } else if let Some(deployment) = facts.get("change").and_then(|change| change.get("deployment")).cloned()
    {
        facts.insert("deployment", deployment);
    }
    if misfits.is_empty() { Ok(facts) } else { Err(misfits) }
}

/// What a rule answers to these facts.
#[must_use]
pub fn answer(rule: &Rule, facts: &BTreeMap<&'static str, Value>) -> Answer {
    let machine = Machine::new(&[]);
    let facts: Vec<(&str, Fact)> = facts.iter().map(|(name, value)| (*name, Fact::new(value))).collect();
    match rule.denies(&machine, &facts) {
        Ok(None) => Answer { result: Expectation::Allow, message: String::new() },
        Ok(Some(message)) => Answer { result: Expectation::Deny, message },
        Err(error) => {
            Answer { result: Expectation::Deny, message: format!("it could not be judged: {error}") }
        }
    }
}

fn unknown<'a>(pointer: &str, name: &str, what: &str, known: impl Iterator<Item = &'a str>) -> Misfit {
    let known: Vec<&str> = known.collect();
    Misfit {
        pointer: format!("{pointer}/{name}"),
        message: format!("{what} has no `{name}`"),
        help: Some(match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it has {}", known.join(", ")),
        }),
    }
}

fn lay_over(under: &mut Value, value: &Value, of: Of, pointer: &str, misfits: &mut Vec<Misfit>) {
    let word = |words: &[&str], value: &Value| value.as_str().is_some_and(|text| words.contains(&text));
    let fits = match of {
        Of::Record(record) => return record_over(under, value, record, pointer, misfits),
        Of::Bool => value.is_boolean(),
        Of::Int => value.is_i64() || value.is_u64(),
        Of::Text => value.is_string(),
        Of::Word(words) => word(words, value),
        Of::Texts => value.as_array().is_some_and(|items| items.iter().all(Value::is_string)),
        Of::Words(words) => value.as_array().is_some_and(|items| items.iter().all(|item| word(words, item))),
        Of::Map => value.as_object().is_some_and(|map| map.values().all(Value::is_string)),
    };
    if fits {
        *under = value.clone();
        return;
    }
    let expected = match of {
        Of::Bool => "true or false".to_owned(),
        Of::Int => "a whole number".to_owned(),
        Of::Text | Of::Record(_) => "a text".to_owned(),
        Of::Word(words) => format!("one of {}", words.join(", ")),
        Of::Texts => "a list of texts".to_owned(),
        Of::Words(words) => format!("a list of {}", words.join(", ")),
        Of::Map => "texts by name".to_owned(),
    };
    misfits.push(Misfit { pointer: pointer.to_owned(), message: format!("expected {expected}"), help: None });
}

fn record_over(
    under: &mut Value,
    value: &Value,
    record: &'static Record,
    pointer: &str,
    misfits: &mut Vec<Misfit>,
) {
    let (Value::Object(under), Value::Object(given)) = (under, value) else {
        let message = format!("expected the words of {}", record.name);
        misfits.push(Misfit { pointer: pointer.to_owned(), message, help: None });
        return;
    };
    for (name, value) in given {
        let Some(field) = record.field(name) else {
            misfits.push(unknown(pointer, name, record.name, record.fields.iter().map(|field| field.name)));
            continue;
        };
        if let Some(under) = under.get_mut(name) {
            lay_over(under, value, field.of, &format!("{pointer}/{name}"), misfits);
        }
    }
}
