//! Values for the properties of built-in resources: given, or taken from a parameter of the deployment as a typed
//! reference. Nothing is ever put into a text.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize, Serializer};

use super::{ParameterType, ParameterValue};

/// A property's value: of the kind `K`, or `{ param: NAME }`.
pub struct Property<K> {
    /// What stands there.
    pub value: PropertyValue,
    kind: PhantomData<K>,
}

/// What stands for a property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PropertyValue {
    /// The value itself.
    Given(ParameterValue),
    /// The value of this parameter of the task; where the deployment gives none, the property is not managed.
    Parameter(String),
}

/// What kind of value a property takes.
pub trait PropertyKind {
    /// The name of its schema.
    const NAME: &'static str;
    /// What it takes, for messages.
    const EXPECTED: &'static str;
    /// Parameters of these types can stand for it.
    const TYPES: &'static [ParameterType];
    /// Whether it takes a value.
    fn takes(value: &ParameterValue) -> bool;
    /// The schema of a given value.
    fn schema(generator: &mut SchemaGenerator) -> Schema;
}

impl<K> Property<K> {
    /// A given value; it is not checked.
    #[must_use]
    pub const fn given(value: ParameterValue) -> Self {
        Self { value: PropertyValue::Given(value), kind: PhantomData }
    }

    /// The text, if one is given.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            PropertyValue::Given(ParameterValue::Text(text)) => Some(text),
            _ => None,
        }
    }
}

impl<K> Clone for Property<K> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), kind: PhantomData }
    }
}

impl<K> PartialEq for Property<K> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<K> Eq for Property<K> {}

impl<K> fmt::Debug for Property<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl<K> Serialize for Property<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.value {
            PropertyValue::Given(value) => value.serialize(serializer),
            PropertyValue::Parameter(name) => serde::Serializer::collect_map(serializer, [("param", name)]),
        }
    }
}

impl<'de, K: PropertyKind> Deserialize<'de> for Property<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = ParameterValue::deserialize(deserializer)?;
        if let ParameterValue::KeyValue(map) = &value
            && let (1, Some(name)) = (map.len(), map.get("param"))
        {
            return Ok(Self { value: PropertyValue::Parameter(name.clone()), kind: PhantomData });
        }
        if K::takes(&value) {
            return Ok(Self { value: PropertyValue::Given(value), kind: PhantomData });
        }
        if let ParameterValue::Text(text) = &value
            && K::TYPES.contains(&ParameterType::Text)
        {
            // What is no line has an escape that took effect, or is empty.
            let help = if K::EXPECTED == Words::EXPECTED && !text.is_empty() {
                "\nin double quotes a backslash begins an escape, such as \\n for a line end: write it in single quotes"
            } else {
                ""
            };
            return Err(D::Error::custom(format!("{text:?} is not {}{help}", K::EXPECTED)));
        }
        let help = match value {
            ParameterValue::Number(_) | ParameterValue::Boolean(_)
                if K::TYPES.contains(&ParameterType::Text) =>
            {
                "\nput it into quotes"
            }
            _ => "\nwrite it here, or name a parameter of the task: `{ param: NAME }`",
        };
        Err(D::Error::custom(format!("expected {}, and this is {}{help}", K::EXPECTED, value.what())))
    }
}

impl<K: PropertyKind> JsonSchema for Property<K> {
    fn schema_name() -> Cow<'static, str> {
        K::NAME.into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let given = K::schema(generator);
        json_schema!({
            "anyOf": [
                given,
                {
                    "description": "The value of a parameter of the task; where none is given, the property is not managed.",
                    "type": "object",
                    "properties": { "param": { "type": "string" } },
                    "required": ["param"],
                    "additionalProperties": false
                }
            ]
        })
    }
}

/// Whether a text stands on one line. NUL, with which texts end elsewhere, is on none.
fn is_line(text: &str) -> bool {
    !text.contains(['\n', '\r', '\0'])
}

/// Declares kinds of values.
macro_rules! property_kinds {
    ($($(#[$about:meta])* $kind:ident $expected:literal [$($type:ident),*] $value:ident => $takes:expr, $schema:tt;)*) => {
        $(
            $(#[$about])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq)]
            pub enum $kind {}

            impl PropertyKind for $kind {
                const NAME: &'static str = concat!(stringify!($kind), "Property");
                const EXPECTED: &'static str = $expected;
                const TYPES: &'static [ParameterType] = &[$(ParameterType::$type),*];

                fn takes($value: &ParameterValue) -> bool {
                    $takes
                }

                fn schema(_: &mut SchemaGenerator) -> Schema {
                    json_schema!($schema)
                }
            }
        )*
    };
}

property_kinds! {
    /// Any text.
    AnyText "a text" [Text, Select, Uri] value
        => matches!(value, ParameterValue::Text(text) if !text.contains('\0')), { "type": "string", "pattern": "^[^\\x00]*$" };
    /// A text on one line that is not empty, such as a path or a name.
    Words "a text on one line that is not empty" [Text, Select, Uri] value
        => matches!(value, ParameterValue::Text(text) if !text.is_empty() && is_line(text)),
        { "type": "string", "pattern": "^[^\\n\\r\\x00]+$" };
    /// A mode of POSIX systems, in octal digits.
    FileMode "a mode in octal digits such as '0644'" [Text, Select] value
        => matches!(value, ParameterValue::Text(text) if (3..=4).contains(&text.len()) && text.bytes().all(|b| (b'0'..=b'7').contains(&b))),
        { "type": "string", "pattern": "^[0-7]{3,4}$" };
    /// true or false.
    Flag "true or false" [Boolean] value => matches!(value, ParameterValue::Boolean(_)), { "type": "boolean" };
    /// Texts that a script is given as lines.
    Texts "a list of texts on one line each" [List] value
        => matches!(value, ParameterValue::List(texts) if texts.iter().all(|text| is_line(text))),
        { "type": "array", "items": { "type": "string", "pattern": "^[^\\n\\r\\x00]*$" } };
    /// A whole number that is not negative.
    Whole "a whole number" [Number] value
        => matches!(value, ParameterValue::Number(number) if number.is_u64()), { "type": "integer", "minimum": 0 };
    /// What a registry value holds.
    Data "a text, a whole number or a list of texts" [Text, Select, Uri, Number, List] value
        => match value {
            ParameterValue::Text(_) => true,
            ParameterValue::List(texts) => texts.iter().all(|text| is_line(text)),
            ParameterValue::Number(number) => number.is_u64(),
            _ => false,
        },
        { "anyOf": [
            { "type": "string" },
            { "type": "integer", "minimum": 0 },
            { "type": "array", "items": { "type": "string", "pattern": "^[^\\n\\r\\x00]*$" } }
        ] };
}

/// What a file holds: a text, or a reference to a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {}

impl PropertyKind for Content {
    const NAME: &'static str = "ContentProperty";
    const EXPECTED: &'static str = "a text or a reference to a secret";
    const TYPES: &'static [ParameterType] = &[
        ParameterType::Text,
        ParameterType::Select,
        ParameterType::Uri,
        ParameterType::File,
        ParameterType::Secret,
    ];

    fn takes(value: &ParameterValue) -> bool {
        matches!(value, ParameterValue::Text(_) | ParameterValue::Secret(_))
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let secret = secret(generator);
        json_schema!({ "anyOf": [{ "type": "string" }, secret] })
    }
}

/// A reference to a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hidden {}

impl PropertyKind for Hidden {
    const NAME: &'static str = "SecretProperty";
    const EXPECTED: &'static str = "a reference to a secret";
    const TYPES: &'static [ParameterType] = &[ParameterType::Secret];

    fn takes(value: &ParameterValue) -> bool {
        matches!(value, ParameterValue::Secret(_))
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        secret(generator)
    }
}

fn secret(generator: &mut SchemaGenerator) -> Schema {
    let reference = generator.subschema_for::<crate::secret::SecretRef>();
    json_schema!({
        "type": "object",
        "properties": { "secret": reference },
        "required": ["secret"],
        "additionalProperties": false
    })
}
