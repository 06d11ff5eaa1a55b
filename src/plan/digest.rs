//! Digests over values: canonical JSON (keys sorted, no spaces), then SHA-256.
//!
//! Invariant: equal values give equal digests, whatever order their fields were written in.

use std::collections::BTreeMap;

use serde::Serialize;

use super::canonical;
use super::document::Plan;
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
    let mut hash = crate::id::Hash::default();
    let mut bytes = vec![b'['];
    for (number, value) in list.iter().enumerate() {
        if number > 0 {
            bytes.push(b',');
        }
        if canonical::write(value, &mut bytes).is_err() {
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
        let computers = scope.spawn(|| of_list(computers));
        let sessions = of_list(sessions);
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
        fn any_value_is_written_as_by_the_slow_way(value in value()) {
            prop_assert_eq!(written(&value), canonical(&value));
        }
    }
}
