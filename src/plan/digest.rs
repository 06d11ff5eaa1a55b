//! Digests over values: canonical JSON (keys sorted, no spaces), then SHA-256.
//!
//! Invariant: equal values give equal digests, whatever order their fields were written in.

use std::collections::BTreeMap;

use serde::Serialize;

use super::canonical;
use super::document::{Plan, PlannedAction, PlannedComputer, PlannedSession};
use crate::id::Digest;

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
    of_list_by(list, |value, bytes| canonical::write(value, bytes).is_ok())
}

/// The same with a way of its own to write an element; it says whether the element has a form.
fn of_list_by<T>(list: &[T], write: impl Fn(&T, &mut Vec<u8>) -> bool) -> Digest {
    let mut hash = crate::id::Hash::default();
    let mut bytes = vec![b'['];
    for (number, value) in list.iter().enumerate() {
        if number > 0 {
            bytes.push(b',');
        }
        if !write(value, &mut bytes) {
            return Digest::of(b"null");
        }
        if bytes.len() > 1 << 16 {
            hash.add(&bytes);
            bytes.clear();
        }
    }
    bytes.push(b']');
    hash.add(&bytes);
    hash.finish()
}

/// Writes a session as [`canonical::write`] does. There are so many of them and of computers that it counts.
fn session(session: &PlannedSession, out: &mut Vec<u8>) -> bool {
    let PlannedSession { computer, actions } = session;
    out.extend_from_slice(br#"{"actions":["#);
    for (at, PlannedAction { change, after }) in actions.iter().enumerate() {
        out.extend_from_slice(if at == 0 { br#"{"after":["# } else { br#",{"after":["# });
        for (at, action) in after.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            canonical::number(u64::from(*action), out);
        }
        out.extend_from_slice(br#"],"change":"#);
        canonical::number(u64::from(*change), out);
        out.push(b'}');
    }
    out.extend_from_slice(br#"],"computer":"#);
    canonical::number(u64::from(*computer), out);
    out.push(b'}');
    true
}

/// Writes a computer as [`canonical::write`] does.
fn computer(computer: &PlannedComputer, out: &mut Vec<u8>) -> bool {
    let PlannedComputer { id, name, tenant, provider, agent, platform } = computer;
    out.extend_from_slice(br#"{"agent":"#);
    canonical::text(agent.as_str(), out);
    out.extend_from_slice(br#","id":"#);
    canonical::text(id.as_str(), out);
    out.extend_from_slice(br#","name":"#);
    canonical::text(name, out);
    out.extend_from_slice(br#","platform":"#);
    let written = canonical::write(platform, out).is_ok();
    out.extend_from_slice(br#","provider":"#);
    canonical::text(provider.as_str(), out);
    out.extend_from_slice(br#","tenant":"#);
    match tenant {
        Some(tenant) => canonical::text(tenant.as_str(), out),
        None => out.extend_from_slice(b"null"),
    }
    out.push(b'}');
    written
}

/// The digest of a plan: over the digests of all its fields but the digest itself.
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
    let (computers, sessions) = std::thread::scope(|scope| {
        let computers = scope.spawn(|| of_list_by(computers, computer));
        let sessions = of_list_by(sessions, session);
        match computers.join() {
            Ok(computers) => (computers, sessions),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    });
    of(&BTreeMap::from([
        ("changes", of_list(changes)),
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
    use crate::id::{AgentId, ComputerId, Name};
    use crate::session::script::Platform;

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
        fn sessions_are_written_as_any_value_is(
            sessions in prop::collection::vec(
                (any::<u32>(), prop::collection::vec((any::<u32>(), prop::collection::vec(any::<u32>(), 0..3)), 0..4)), 0..5,
            ),
        ) {
            let action = |(change, after)| PlannedAction { change, after };
            let made = |(computer, actions): (_, Vec<_>)| {
                PlannedSession { computer, actions: actions.into_iter().map(action).collect() }
            };
            let sessions: Vec<PlannedSession> = sessions.into_iter().map(made).collect();
            prop_assert_eq!(of_list_by(&sessions, session), of(&sessions));
        }

        #[test]
        fn computers_are_written_as_any_value_is(
            computers in prop::collection::vec((any::<String>(), "[a-z]{1,9}", any::<(bool, bool)>()), 0..5),
        ) {
            let made = |(text, name, (has_tenant, posix)): (String, String, (bool, bool))| PlannedComputer {
                id: ComputerId::new(format!("office/{text}")),
                tenant: has_tenant.then(|| Name::new(&name).unwrap()),
                provider: Name::new(&name).unwrap(),
                agent: AgentId::new(&text),
                name: text,
                platform: if posix { Platform::Posix } else { Platform::Windows },
            };
            let computers: Vec<PlannedComputer> = computers.into_iter().map(made).collect();
            prop_assert_eq!(of_list_by(&computers, computer), of(&computers));
        }

        #[test]
        fn any_value_is_written_as_by_the_slow_way(value in value()) {
            prop_assert_eq!(written(&value), canonical(&value));
        }
    }
}
