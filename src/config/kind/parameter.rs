//! Parameters: what scripts can be given, and what deployments give them.

use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use crate::secret::SecretRef;

/// A parameter that scripts of an item can be given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend(
    "if" = { "properties": { "type": { "const": "select" } } },
    "then" = { "required": ["options"] },
    "else" = { "properties": { "options": false } }
))]
pub struct ParameterSpec {
    /// What kind of value it takes.
    pub r#type: ParameterType,
    /// Whether a deployment has to give it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// The value where a deployment gives none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<ParameterValue>,
    /// The values that `select` allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub options: Option<Vec<String>>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// What kind of value a parameter takes (PAR-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ParameterType {
    /// Any text.
    Text,
    /// A whole or decimal number.
    Number,
    /// true or false.
    Boolean,
    /// One of `options`.
    Select,
    /// A list of texts.
    List,
    /// Texts by name.
    KeyValue,
    /// A reference to a secret.
    Secret,
}

/// A value for a parameter. A secret is given as `{ secret: { env: NAME } }` or `{ secret: { file: PATH } }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParameterValue {
    /// true or false.
    Boolean(bool),
    /// A number.
    Number(serde_json::Number),
    /// A text.
    Text(String),
    /// A list of texts.
    List(Vec<String>),
    /// Texts by name.
    KeyValue(BTreeMap<String, String>),
    /// Where a secret is found.
    Secret(SecretRef),
}

impl ParameterValue {
    /// The value as JSON; a secret as its reference.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or(serde_json::Value::Null)
    }

    /// Whether a parameter of this type takes it.
    #[must_use]
    pub fn fits(&self, kind: ParameterType) -> bool {
        matches!(
            (self, kind),
            (Self::Boolean(_), ParameterType::Boolean)
                | (Self::Number(_), ParameterType::Number)
                | (Self::Text(_), ParameterType::Text | ParameterType::Select)
                | (Self::List(_), ParameterType::List)
                | (Self::KeyValue(_), ParameterType::KeyValue)
                | (Self::Secret(_), ParameterType::Secret)
        )
    }

    /// What it is, for messages.
    #[must_use]
    pub const fn what(&self) -> &'static str {
        match self {
            Self::Boolean(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::KeyValue(_) => "a mapping",
            Self::Secret(_) => "a secret",
        }
    }
}

impl Serialize for ParameterValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Boolean(value) => value.serialize(serializer),
            Self::Number(value) => value.serialize(serializer),
            Self::Text(value) => value.serialize(serializer),
            Self::List(value) => value.serialize(serializer),
            Self::KeyValue(value) => value.serialize(serializer),
            Self::Secret(reference) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("secret", reference)?;
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for ParameterValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = ParameterValue;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a text, a number, true or false, a list of texts, texts by name, or a secret reference",
                )
            }

            fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
                Ok(ParameterValue::Boolean(value))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
                Ok(ParameterValue::Number(value.into()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
                Ok(ParameterValue::Number(value.into()))
            }

            fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Self::Value, E> {
                serde_json::Number::from_f64(value)
                    .map(ParameterValue::Number)
                    .ok_or_else(|| E::custom("the number must be finite"))
            }

            fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
                Ok(ParameterValue::Text(value.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element::<String>()? {
                    list.push(item);
                }
                Ok(ParameterValue::List(list))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
                let mut map = BTreeMap::new();
                let mut secret = None;
                while let Some(key) = entries.next_key::<String>()? {
                    if key == "secret" {
                        secret = Some(entries.next_value::<SecretRef>()?);
                    } else {
                        map.insert(key, entries.next_value::<String>()?);
                    }
                }
                match secret {
                    None => Ok(ParameterValue::KeyValue(map)),
                    Some(reference) if map.is_empty() => Ok(ParameterValue::Secret(reference)),
                    Some(_) => {
                        Err(serde::de::Error::custom("`secret` stands alone; other keys cannot be beside it"))
                    }
                }
            }
        }

        deserializer.deserialize_any(Reader)
    }
}

impl JsonSchema for ParameterValue {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ParameterValue".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let secret = generator.subschema_for::<SecretRef>();
        json_schema!({
            "description": "A value for a parameter. A secret is given as { secret: { env: NAME } } or { secret: { file: PATH } }.",
            "oneOf": [
                { "type": ["boolean", "number", "string"] },
                { "type": "array", "items": { "type": "string" } },
                { "type": "object", "additionalProperties": { "type": "string" }, "not": { "required": ["secret"] } },
                {
                    "type": "object",
                    "properties": { "secret": secret },
                    "required": ["secret"],
                    "additionalProperties": false
                }
            ]
        })
    }
}
