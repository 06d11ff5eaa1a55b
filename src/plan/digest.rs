//! Digests over values: canonical JSON (keys sorted, no spaces), then SHA-256.
//!
//! A plan's computers and sessions are so many that writing JSON of them would take most of the time of planning, so
//! they have a plainer form: numbers as four bytes (the lowest first), texts and lists after their length, fields in the
//! order of their declaration.
//!
//! Invariants: equal values give equal digests, whatever order their fields were written in; different values have
//! different forms.

use std::collections::BTreeMap;

use serde::Serialize;

use super::canonical;
use super::document::{Plan, PlannedAction, PlannedComputer, PlannedSession};
use crate::id::{Digest, Hash, Name};
use crate::session::script::Platform;

/// The digest of a value. A value that has no JSON form counts as null; the types of this crate all have one.
#[must_use]
pub fn of<T: Serialize + ?Sized>(value: &T) -> Digest {
    let mut bytes = Vec::new();
    match canonical::write(value, &mut bytes) {
        Ok(()) => Digest::of(&bytes),
        Err(_) => Digest::of(b"null"),
    }
}

/// The digest of a list, as [`of`] makes it, with one element at a time in memory.
fn of_list<T: Serialize>(list: &[T]) -> Digest {
    let mut hash = Hash::default();
    let mut bytes = vec![b'['];
    for (number, value) in list.iter().enumerate() {
        if number > 0 {
            bytes.push(b',');
        }
        if canonical::write(value, &mut bytes).is_err() {
            return Digest::of(b"null");
        }
        flush(&mut bytes, &mut hash);
    }
    bytes.push(b']');
    hash.add(&bytes);
    hash.finish()
}

/// The digest of a list in the plain form.
fn of_many<T>(list: &[T], write: impl Fn(&T, &mut Vec<u8>)) -> Digest {
    let mut hash = Hash::default();
    let mut bytes = Vec::new();
    length(list.len(), &mut bytes);
    for value in list {
        write(value, &mut bytes);
        flush(&mut bytes, &mut hash);
    }
    hash.add(&bytes);
    hash.finish()
}

/// Hands over what is written, once it is worth it.
fn flush(bytes: &mut Vec<u8>, hash: &mut Hash) {
    if bytes.len() > 1 << 15 {
        hash.add(bytes);
        bytes.clear();
    }
}

fn number(value: u32, out: &mut Vec<u8>) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn length(length: usize, out: &mut Vec<u8>) {
    number(u32::try_from(length).unwrap_or(u32::MAX), out);
}

fn text(value: &str, out: &mut Vec<u8>) {
    length(value.len(), out);
    out.extend_from_slice(value.as_bytes());
}

/// A session in the plain form.
fn session(session: &PlannedSession, out: &mut Vec<u8>) {
    let PlannedSession { computer, actions } = session;
    number(*computer, out);
    length(actions.len(), out);
    for PlannedAction { change, after } in actions {
        number(*change, out);
        length(after.len(), out);
        for action in after {
            number(*action, out);
        }
    }
}

/// A computer in the plain form.
fn computer(computer: &PlannedComputer, out: &mut Vec<u8>) {
    let PlannedComputer { id, name, tenant, provider, agent, platform } = computer;
    text(id.as_str(), out);
    text(name, out);
    // No tenant has an empty name.
    text(tenant.as_ref().map_or("", Name::as_str), out);
    text(provider.as_str(), out);
    text(agent.as_str(), out);
    out.push(match platform {
        Platform::Posix => 0,
        Platform::Windows => 1,
    });
}

/// The digest of a plan: over the canonical JSON of an object with the digests of all its fields but the digest itself.
#[must_use]
pub fn of_plan(plan: &Plan) -> Digest {
    // Named one by one, so that a new field cannot be forgotten.
    let Plan {
        digest: _,
        format,
        instance,
        revision,
        options,
        memberships,
        impact,
        computers,
        changes,
        sessions,
        notes,
        coverage,
        verdicts,
    } = plan;
    let (computers, sessions, changes) = std::thread::scope(|scope| {
        let computers = scope.spawn(|| of_many(computers, computer));
        let (sessions, changes) = (of_many(sessions, session), of_list(changes));
        match computers.join() {
            Ok(computers) => (computers, sessions, changes),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    });
    of(&BTreeMap::from([
        ("changes", changes),
        ("computers", computers),
        ("coverage", of(coverage)),
        ("format", of(format)),
        ("impact", of(impact)),
        ("instance", of(instance)),
        ("memberships", of(memberships)),
        ("notes", of_list(notes)),
        ("options", of(options)),
        ("revision", of(revision)),
        ("sessions", sessions),
        ("verdicts", of_list(verdicts)),
    ]))
}

/// Whether the digest that stands in a plan is the one of its content.
#[must_use]
pub fn is_intact(plan: &Plan) -> bool {
    plan.digest == of_plan(plan)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::id::{AgentId, ComputerId};

    /// Canonical JSON by way of a value, as a reader of the format would make it.
    fn canonical(value: &Value) -> String {
        match value {
            Value::Object(fields) => {
                let mut sorted: Vec<_> = fields.iter().collect();
                sorted.sort_by_key(|(key, _)| key.as_str());
                let field =
                    |(key, value)| format!("{}:{}", Value::from(String::as_str(key)), canonical(value));
                format!("{{{}}}", sorted.into_iter().map(field).collect::<Vec<_>>().join(","))
            }
            Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
            plain => plain.to_string(),
        }
    }

    fn written<T: Serialize + ?Sized>(value: &T) -> String {
        let mut bytes = Vec::new();
        canonical::write(value, &mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    fn a_number(bytes: &mut &[u8]) -> u32 {
        let (number, rest) = bytes.split_first_chunk().unwrap();
        *bytes = rest;
        u32::from_le_bytes(*number)
    }

    fn a_text(bytes: &mut &[u8]) -> String {
        let length = a_number(bytes) as usize;
        let (text, rest) = bytes.split_at(length);
        *bytes = rest;
        String::from_utf8(text.to_vec()).unwrap()
    }

    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    enum Odd {
        Unit,
        New(i16),
        Two(u8, Option<f32>),
        Named { z: char, a: (), nested: BTreeMap<u32, Vec<bool>> },
    }

    #[test]
    fn the_order_of_keys_does_not_matter_and_the_order_of_items_does() {
        let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(
            of(&read(r#"{"b":[1,{"d":2,"c":"\n"}],"a":null}"#)),
            of(&read(r#"{"a":null,"b":[1,{"c":"\n","d":2}]}"#))
        );
        assert_ne!(of(&read("[1,2]")), of(&read("[2,1]")));
        assert_eq!(written(&read(r#"{ "b": 1, "a": "é" }"#)), r#"{"a":"é","b":1}"#);
        assert_eq!(of_list(&["a", "b"]), of(&["a", "b"]));
        assert_eq!(of_list::<u8>(&[]), of(&[0_u8; 0]));
    }

    #[test]
    fn every_shape_of_a_type_is_written_as_its_value_is() {
        let nested = BTreeMap::from([(10, vec![true]), (9, vec![])]);
        let odd = [
            Odd::Unit,
            Odd::New(-3),
            Odd::Two(1, None),
            Odd::Two(2, Some(1.5)),
            Odd::Named { z: '"', a: (), nested },
        ];
        assert_eq!(written(&odd), canonical(&json!(odd)));
        assert_eq!(
            written(&(f64::NAN, u64::MAX, i64::MIN, 1e300)),
            canonical(&json!((f64::NAN, u64::MAX, i64::MIN, 1e300)))
        );
        let long: Vec<String> = (0..20_000).map(|n| format!("text {n}")).collect();
        assert_eq!(of_list(&long), of(&long));
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::hash_map(any::<String>(), inner, 0..5)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn sessions_can_be_read_back_from_their_form(
            sessions in prop::collection::vec(
                (any::<u32>(), prop::collection::vec((any::<u32>(), prop::collection::vec(any::<u32>(), 0..3)), 0..4)), 0..5,
            ),
        ) {
            let mut bytes = Vec::new();
            for (computer, actions) in &sessions {
                let action = |(change, after): &(u32, Vec<u32>)| PlannedAction { change: *change, after: after.clone() };
                let actions = actions.iter().map(action).collect();
                session(&PlannedSession { computer: *computer, actions }, &mut bytes);
            }
            let mut rest = &bytes[..];
            let mut read = Vec::new();
            while !rest.is_empty() {
                let (computer, count) = (a_number(&mut rest), a_number(&mut rest));
                let mut actions = Vec::new();
                for _ in 0..count {
                    let (change, after) = (a_number(&mut rest), a_number(&mut rest));
                    actions.push((change, (0..after).map(|_| a_number(&mut rest)).collect()));
                }
                read.push((computer, actions));
            }
            prop_assert_eq!(read, sessions);
        }

        #[test]
        fn computers_can_be_read_back_from_their_form(
            computers in prop::collection::vec((any::<String>(), "[a-z]{1,9}", any::<(bool, bool)>()), 0..5),
        ) {
            let mut bytes = Vec::new();
            for (text, name, (has_tenant, posix)) in &computers {
                let made = PlannedComputer {
                    id: ComputerId::new(format!("office/{text}")),
                    tenant: has_tenant.then(|| Name::new(name).unwrap()),
                    provider: Name::new(name).unwrap(),
                    agent: AgentId::new(text),
                    name: text.clone(),
                    platform: if *posix { Platform::Posix } else { Platform::Windows },
                };
                computer(&made, &mut bytes);
            }
            let mut rest = &bytes[..];
            for (known, name, (has_tenant, posix)) in computers {
                prop_assert_eq!(a_text(&mut rest), format!("office/{known}"));
                prop_assert_eq!(a_text(&mut rest), known.clone());
                prop_assert_eq!(a_text(&mut rest), if has_tenant { name.clone() } else { String::new() });
                prop_assert_eq!(a_text(&mut rest), name);
                prop_assert_eq!(a_text(&mut rest), known);
                let (platform, after) = rest.split_first().unwrap();
                prop_assert_eq!(*platform, u8::from(!posix));
                rest = after;
            }
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn any_value_is_written_as_by_the_slow_way(value in value()) {
            prop_assert_eq!(written(&value), canonical(&value));
        }
    }
}
