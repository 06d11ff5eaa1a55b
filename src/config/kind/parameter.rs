//! Parameters: what scripts can be given, and what deployments give them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use crate::id::Digest;
use crate::secret::SecretRef;

/// A parameter that scripts of an item can be given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("allOf" = [
    {
        "if": { "properties": { "type": { "const": "select" } } },
        "then": { "required": ["options"] },
        "else": { "properties": { "options": false } }
    },
    {
        "if": { "not": { "properties": { "type": { "const": "number" } } } },
        "then": { "properties": { "min": false, "max": false, "integer": { "const": false } } }
    },
    {
        "if": { "not": { "properties": { "type": { "const": "text" } } } },
        "then": { "properties": { "pattern": false, "minLength": false, "maxLength": false } }
    },
    {
        "if": { "not": { "properties": { "type": { "const": "uri" } } } },
        "then": { "properties": { "schemes": false } }
    }
]))]
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
    /// With `number`: the least value that is allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<f64>")]
    pub min: Option<serde_json::Number>,
    /// With `number`: the greatest value that is allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<f64>")]
    pub max: Option<serde_json::Number>,
    /// With `number`: whether only whole numbers are allowed. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub integer: bool,
    /// With `text`: a regular expression that the whole text has to match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// With `text`: the least number of characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_length: Option<u32>,
    /// With `text`: the greatest number of characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u32>,
    /// With `uri`: the schemes that are allowed. Default: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub schemes: Option<Vec<String>>,
    /// Whether `muster explain` leaves it out: something that scripts need and people seldom ask for. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
    /// Where it stands among the others for people; lower comes first. Default: 0, and then by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<i32>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl ParameterSpec {
    /// A parameter of a type with nothing else said.
    #[must_use]
    pub fn new(kind: ParameterType) -> Self {
        Self {
            r#type: kind,
            required: false,
            default: None,
            options: None,
            min: None,
            max: None,
            integer: false,
            pattern: None,
            min_length: None,
            max_length: None,
            schemes: None,
            hidden: false,
            order: None,
            description: None,
        }
    }
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
    /// A file of the repository; scripts get its path on the computer (TSK-20).
    File,
    /// An absolute URI.
    Uri,
}

/// A file of the repository as a value: where it lies, and what it holds.
///
/// Two are equal when path and content are; of a value that was read from a saved plan only the content's hash is known.
#[derive(Debug, Clone)]
pub struct FileValue {
    /// In a document: relative to it. In a checked configuration: from the root of the repository.
    pub path: String,
    /// SHA-256 over the content. In a document it may be left out; where it is given the content has to fit.
    pub sha256: Option<Digest>,
    /// The content, in a checked configuration.
    pub content: Option<Arc<[u8]>>,
}

impl FileValue {
    /// A file that holds a text, under a name for people.
    #[must_use]
    pub fn of_text(name: &str, text: &str) -> Self {
        let content: Arc<[u8]> = text.as_bytes().into();
        Self { path: name.to_owned(), sha256: Some(Digest::of(&content)), content: Some(content) }
    }
}

impl PartialEq for FileValue {
    fn eq(&self, other: &Self) -> bool {
        (&self.path, &self.sha256) == (&other.path, &other.sha256)
    }
}

impl Eq for FileValue {}

/// A value for a parameter. A secret is given as `{ secret: { env: NAME } }` or `{ secret: { file: PATH } }`, a file of the
/// repository as `{ file: PATH }`.
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
    /// A file of the repository.
    File(FileValue),
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
                | (Self::Text(_), ParameterType::Text | ParameterType::Select | ParameterType::Uri)
                | (Self::List(_), ParameterType::List)
                | (Self::KeyValue(_), ParameterType::KeyValue)
                | (Self::Secret(_), ParameterType::Secret)
                | (Self::File(_), ParameterType::File)
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
            Self::File(_) => "a file",
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
            Self::File(file) => {
                let mut map = serializer.serialize_map(None)?;
                map.serialize_entry("file", &file.path)?;
                if let Some(sha256) = &file.sha256 {
                    map.serialize_entry("sha256", sha256)?;
                }
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
                    "a text, a number, true or false, a list of texts, texts by name, a secret reference or a file",
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
                    None if is_file(&map) => {
                        let sha256 = map.remove("sha256");
                        if sha256.as_ref().is_some_and(|text| !is_sha256(text)) {
                            return Err(serde::de::Error::custom(
                                "a SHA-256 has 64 digits from 0 to f, in lower case",
                            ));
                        }
                        let path = map.remove("file").unwrap_or_default();
                        if path.is_empty() {
                            return Err(serde::de::Error::custom("the path is empty"));
                        }
                        let sha256 = sha256.map(Digest::new);
                        Ok(ParameterValue::File(FileValue { path, sha256, content: None }))
                    }
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

/// Whether these keys name a file: `file`, and at most its hash beside it.
fn is_file(map: &BTreeMap<String, String>) -> bool {
    map.contains_key("file") && map.keys().all(|key| key == "file" || key == "sha256")
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

impl JsonSchema for ParameterValue {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ParameterValue".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let secret = generator.subschema_for::<SecretRef>();
        json_schema!({
            "description": "A value for a parameter. A secret is given as { secret: { env: NAME } } or { secret: { file: PATH } }, a file of the repository as { file: PATH }.",
            "oneOf": [
                { "type": ["boolean", "number", "string"] },
                { "type": "array", "items": { "type": "string" } },
                {
                    "type": "object",
                    "additionalProperties": { "type": "string" },
                    "not": {
                        "anyOf": [
                            { "required": ["secret"] },
                            { "required": ["file"], "properties": { "file": true, "sha256": true }, "additionalProperties": false }
                        ]
                    }
                },
                {
                    "type": "object",
                    "properties": {
                        "file": { "type": "string", "minLength": 1 },
                        "sha256": { "type": "string", "pattern": "^[0-9a-f]{64}$" }
                    },
                    "required": ["file"],
                    "additionalProperties": false
                },
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
