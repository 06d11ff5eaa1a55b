//! Digests over values: canonical JSON (keys sorted, no spaces), then SHA-256.
//!
//! Invariant: equal values give equal digests, whatever order their fields were written in.

use serde::Serialize;
use serde_json::Value;

use super::document::Plan;
use crate::id::Digest;

/// The canonical JSON of a value.
#[must_use]
pub fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_by_key(|(key, _)| key.as_str());
            text.push('{');
            for (ix, (key, value)) in sorted.into_iter().enumerate() {
                if ix > 0 {
                    text.push(',');
                }
                text.push_str(&Value::from(key.as_str()).to_string());
                text.push(':');
                write(value, text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (ix, value) in items.iter().enumerate() {
                if ix > 0 {
                    text.push(',');
                }
                write(value, text);
            }
            text.push(']');
        }
        plain => text.push_str(&plain.to_string()),
    }
}

/// The digest of a value. A value that has no JSON form counts as null; the types of this crate all have one.
#[must_use]
pub fn of<T: Serialize + ?Sized>(value: &T) -> Digest {
    let value = serde_json::to_value(value).unwrap_or(Value::Null);
    Digest::of(canonical(&value).as_bytes())
}

/// The digest of a plan: over everything but the digest itself.
#[must_use]
pub fn of_plan(plan: &Plan) -> Digest {
    let mut value = serde_json::to_value(plan).unwrap_or(Value::Null);
    if let Value::Object(fields) = &mut value {
        fields.shift_remove("digest");
    }
    Digest::of(canonical(&value).as_bytes())
}

/// Whether the digest that stands in a plan is the one of its content.
#[must_use]
pub fn is_intact(plan: &Plan) -> bool {
    plan.digest == of_plan(plan)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_keys_does_not_matter_and_the_order_of_items_does() {
        let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(
            of(&read(r#"{"b":[1,{"d":2,"c":"\n"}],"a":null}"#)),
            of(&read(r#"{"a":null,"b":[1,{"c":"\n","d":2}]}"#))
        );
        assert_ne!(of(&read("[1,2]")), of(&read("[2,1]")));
        assert_eq!(canonical(&read(r#"{ "b": 1, "a": "é" }"#)), r#"{"a":"é","b":1}"#);
    }
}
