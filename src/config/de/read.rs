//! The deserializer over nodes: which value fits which type, and what is said when it does not.

use serde::de::value::StrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::error::{Error, What};
use super::invent::Invention;
use super::{Context, Invented, words};
use crate::config::spanned::scalar;
use crate::config::spanned::{Entry, Node, NodeKind};
use crate::diagnostic::{Finding, code, nearest};

#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    node: &'a Node,
    context: &'a Context<'a>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(node: &'a Node, context: &'a Context<'a>) -> Self {
        Self { node, context }
    }

    fn null(self) -> Error {
        let help = "leave the key out, or give a value: [] for an empty list, '' for empty text";
        Error::plain(code::NULL_VALUE, "the value is empty", Some(help.to_owned())).at(self.node)
    }

    fn wrong(self, expected: &str, help: Option<String>) -> Error {
        if self.node.kind == NodeKind::Null {
            return self.null();
        }
        let message = format!("expected {expected}, found {}", words::describe(self.node));
        Error::plain(code::WRONG_TYPE, message, help).at(self.node)
    }

    fn integer<T: TryFrom<i128> + Limits>(self) -> Result<T, Error> {
        let NodeKind::Integer(text) = &self.node.kind else {
            return Err(self.wrong("a whole number", self.number_help()));
        };
        scalar::integer(text).and_then(|number| T::try_from(number).ok()).ok_or_else(|| {
            let (least, most) = (T::LEAST, T::MOST);
            let message = format!("{text} is out of range: expected a whole number from {least} to {most}");
            Error::plain(code::INVALID_VALUE, message, None).at(self.node)
        })
    }

    fn float(self) -> Result<f64, Error> {
        match &self.node.kind {
            NodeKind::Integer(text) | NodeKind::Float(text) => scalar::float(text).ok_or_else(|| {
                let message = format!("expected a finite number, found {text}");
                Error::plain(code::INVALID_VALUE, message, None).at(self.node)
            }),
            _ => Err(self.wrong("a number", self.number_help())),
        }
    }

    fn number_help(self) -> Option<String> {
        let NodeKind::String { text, plain } = &self.node.kind else { return None };
        if !plain {
            let number = matches!(scalar::resolve(text), scalar::Scalar::Integer | scalar::Scalar::Float);
            return number.then(|| format!("remove the quotes: {text}"));
        }
        let unsigned = text.trim_start_matches(['+', '-']);
        let digits = unsigned.bytes().all(|b| b.is_ascii_digit());
        if digits && unsigned.len() > 1 && unsigned.starts_with('0') {
            return Some("a number has no zero in front; 0o begins an octal one".to_owned());
        }
        let grouped = text.contains('_') && text.bytes().all(|b| b.is_ascii_digit() || b == b'_');
        grouped.then(|| format!("write {}", text.replace('_', "")))
    }

    fn bool_help(self) -> Option<String> {
        let NodeKind::String { text, plain } = &self.node.kind else { return None };
        let known = match text.to_ascii_lowercase().as_str() {
            "yes" | "on" | "y" => Some("true"),
            "no" | "off" | "n" => Some("false"),
            _ => None,
        };
        match (known, plain) {
            (Some(value), _) => {
                Some(format!("write true or false (here: {value}); yes, no, on and off are text in YAML 1.2"))
            }
            (None, false) if matches!(&**text, "true" | "false") => {
                Some(format!("remove the quotes: {text}"))
            }
            _ => None,
        }
    }

    fn list_help(self) -> Option<String> {
        let text = self.node.source_text()?;
        (text.len() <= 40 && !text.contains('\n')).then(|| format!("write a list: [{text}]"))
    }

    /// The text of a text or number, with the lint for what other readers see in it.
    fn text(self) -> Result<&'a str, Error> {
        match &self.node.kind {
            NodeKind::String { text, plain } => {
                if *plain {
                    self.lint(text);
                }
                Ok(text)
            }
            NodeKind::Integer(text) | NodeKind::Float(text) => {
                self.number_lint(self.node, self.node.range(), text);
                Ok(text)
            }
            NodeKind::Bool(value) => Err(self.wrong("text", Some(format!("quote it: '{value}'")))),
            _ => Err(self.wrong("text", None)),
        }
    }

    fn lint(self, text: &str) {
        if let Some(other) = scalar::in_yaml_1_1(text) {
            self.context.note(self.node, code::QUOTE_IT, || {
                let message = format!("older YAML readers take {text} for {other}, Muster takes it for text");
                let place = (self.context.place)(self.node.range());
                Finding::new(code::QUOTE_IT, message, place).help(format!("quote it: '{text}'"))
            });
        }
    }

    /// The same for a number that stands where a text is wanted: other readers print it their own way, `1.10` as 1.1.
    fn number_lint(self, of: &Node, range: std::ops::Range<usize>, text: &str) {
        if let Some(other) = scalar::printed_otherwise(text) {
            self.context.note(of, code::QUOTE_IT, || {
                let message = format!("other YAML readers take {text} for {other}, Muster takes it for text");
                Finding::new(code::QUOTE_IT, message, (self.context.place)(range))
                    .help(format!("quote it: '{text}'"))
            });
        }
    }

    /// The same for a key of one's own, such as the name of a parameter. One in quotes is longer than its text.
    fn key_lint(self, entry: &Entry) {
        let range = entry.key_range();
        if range.len() != entry.key.len() {
            return;
        }
        self.number_lint(&entry.value, range.clone(), &entry.key);
        if scalar::resolve(&entry.key) != scalar::Scalar::Text {
            return;
        }
        if let Some(other) = scalar::in_yaml_1_1(&entry.key) {
            self.context.note(&entry.value, code::QUOTE_IT, || {
                let key = &entry.key;
                let message =
                    format!("older YAML readers take the key {key} for {other}, Muster takes it for text");
                Finding::new(code::QUOTE_IT, message, (self.context.place)(range))
                    .help(format!("quote it: '{key}'"))
            });
        }
    }

    fn fields<V: Visitor<'a>>(
        self,
        known: Option<&'static [&'static str]>,
        visitor: V,
    ) -> Result<V::Value, Error> {
        let NodeKind::Mapping(entries) = &self.node.kind else {
            let help = known.filter(|known| !known.is_empty()).map(|known| {
                let keys = words::list(known, "and");
                if known.len() == 1 { format!("its key is {keys}") } else { format!("its keys are {keys}") }
            });
            return Err(self.wrong("a mapping", help));
        };
        let entries = Entries { of: self, left: entries, known, entry: None, invented: 0, invention: None };
        visitor.visit_map(entries).map_err(|error| match &error.0.what {
            What::Missing(_) => error.in_mapping(self.node),
            _ => error.at(self.node),
        })
    }

    fn items<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.kind {
            NodeKind::Sequence(items) => visitor.visit_seq(Items { left: items, context: self.context }),
            _ => Err(self.wrong("a list", self.list_help())),
        }
    }
}

/// The least and greatest value of a whole number's type.
trait Limits {
    const LEAST: i128;
    const MOST: i128;
}

macro_rules! limits {
    ($($type:ty)*) => { $(impl Limits for $type {
        #[allow(clippy::cast_lossless, clippy::allow_attributes, reason = "the same for all types")]
        const LEAST: i128 = <$type>::MIN as i128;
        #[allow(clippy::cast_lossless, clippy::allow_attributes, reason = "the same for all types")]
        const MOST: i128 = <$type>::MAX as i128;
    })* };
}

limits! { u8 u16 u32 u64 i8 i16 i32 i64 i128 }

macro_rules! whole_numbers {
    ($($method:ident $visit:ident $type:ty,)*) => { $(
        fn $method<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.$visit(self.integer::<$type>()?).map_err(|error: Error| error.at(self.node))
        }
    )* };
}

impl<'a> Deserializer<'a> for Reading<'a> {
    type Error = Error;

    whole_numbers! {
        deserialize_u8 visit_u8 u8,
        deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64,
        deserialize_i8 visit_i8 i8,
        deserialize_i16 visit_i16 i16,
        deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64,
        deserialize_i128 visit_i128 i128,
    }

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.kind {
            NodeKind::Null => Err(self.null()),
            NodeKind::Bool(value) => visitor.visit_bool(*value),
            NodeKind::Integer(text) if text.starts_with('-') => visitor.visit_i64(self.integer()?),
            NodeKind::Integer(_) => visitor.visit_u64(self.integer()?),
            NodeKind::Float(_) => visitor.visit_f64(self.float()?),
            NodeKind::String { .. } => visitor.visit_str(self.text()?),
            NodeKind::Sequence(_) => self.items(visitor),
            NodeKind::Mapping(_) => self.fields(None, visitor),
        }
        .map_err(|error| error.at(self.node))
    }

    fn deserialize_bool<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.node.kind {
            NodeKind::Bool(value) => visitor.visit_bool(value),
            _ => Err(self.wrong("true or false", self.bool_help())),
        }
    }

    fn deserialize_f32<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_f64(self.float()?)
    }

    fn deserialize_f64<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_f64(self.float()?)
    }

    fn deserialize_str<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_str(self.text()?)
    }

    fn deserialize_string<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_str(self.text()?)
    }

    fn deserialize_char<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        let mut chars = self.text()?.chars();
        match (chars.next(), chars.next()) {
            (Some(char), None) => visitor.visit_char(char),
            _ => Err(self.wrong("a single character", None)),
        }
    }

    fn deserialize_identifier<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.node.source_text() {
            Some(text) => visitor.visit_str(text),
            None => Err(self.wrong("a name", None)),
        }
    }

    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.node.kind == NodeKind::Null {
            return Err(self.null());
        }
        visitor.visit_some(self)
    }

    fn deserialize_unit<V: Visitor<'a>>(self, _: V) -> Result<V::Value, Error> {
        Err(self.wrong("no value", None))
    }

    fn deserialize_unit_struct<V: Visitor<'a>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        self.items(visitor)
    }

    fn deserialize_tuple<V: Visitor<'a>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.items(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.items(visitor)
    }

    fn deserialize_map<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        self.fields(None, visitor)
    }

    fn deserialize_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.fields(Some(fields), visitor)
    }

    fn deserialize_enum<V: Visitor<'a>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match &self.node.kind {
            NodeKind::String { text, .. } => {
                let (name, stray) = stray_of(text, variants);
                let choice = Choice { of: self, name, entry: None, stray };
                visitor.visit_enum(choice).map_err(|e| e.at(self.node))
            }
            NodeKind::Mapping(entries) => {
                let entry = self.chosen(entries, variants)?;
                let (name, stray) = stray_of(&entry.key, variants);
                let choice = Choice { of: self, name, entry: Some(entry), stray };
                visitor.visit_enum(choice).map_err(|e| e.at(self.node))
            }
            _ => {
                let expected = format!("one of {}", words::list(variants, "or"));
                let help = matches!(self.node.kind, NodeKind::Bool(_) | NodeKind::Integer(_))
                    .then(|| "a name is wanted here".to_owned());
                Err(self.wrong(&expected, help))
            }
        }
    }

    fn deserialize_ignored_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! { <V: Visitor<'a>> u128 bytes byte_buf }
}

impl<'a> Reading<'a> {
    /// The entry that chooses a variant; notes others that are unknown.
    fn chosen(self, entries: &'a [Entry], variants: &'static [&'static str]) -> Result<&'a Entry, Error> {
        let choices = || format!("use exactly one of {}", words::list(variants, "and"));
        let [first, rest @ ..] = entries else {
            let error = Error::plain(code::EXACTLY_ONE, "one key is needed here", Some(choices()));
            return Err(error.at(self.node));
        };
        if rest.is_empty() {
            return Ok(first);
        }
        let is_known = |entry: &&Entry| variants.contains(&&*entry.key);
        let mut known = entries.iter().filter(is_known);
        match (known.next(), known.next()) {
            (Some(one), None) => {
                for entry in entries.iter().filter(|entry| !std::ptr::eq(*entry, one)) {
                    self.unknown(entry, variants);
                }
                Ok(one)
            }
            (None, _) => Ok(first),
            (Some(one), Some(two)) => {
                let place = (self.context.place)(one.key_range());
                let message = format!("`{}` and `{}` cannot be given together here", one.key, two.key);
                let what = What::Plain {
                    code: code::EXACTLY_ONE,
                    message,
                    help: Some(choices()),
                    related: Some((place, "the other one".to_owned())),
                };
                Err(Error::new(what).at_range(self.node, two.key_range()))
            }
        }
    }

    fn unknown(self, entry: &Entry, known: &'static [&'static str]) {
        if !self.context.is_new(&entry.value, code::UNKNOWN_KEY) {
            return;
        }
        // A key that is given already was not meant; looked up only for what is near, as mappings can be large.
        let near = nearest(&entry.key, known.iter().copied()).filter(|near| self.node.get(near).is_none());
        self.context.note(&entry.value, code::UNKNOWN_KEY, || {
            let place = (self.context.place)(entry.key_range());
            let message = format!("unknown key {}", words::list([&entry.key], "and"));
            let finding = Finding::new(code::UNKNOWN_KEY, message, place);
            finding.help(match near {
                Some(near) => format!("did you mean `{near}`?"),
                None if known.is_empty() => "no key is known here".to_owned(),
                None => format!("known keys are {}", words::list(known, "and")),
            })
        });
        if let Some(near) = near {
            self.context.suggest(self.node, near);
        }
    }
}

struct Items<'a> {
    left: &'a [Node],
    context: &'a Context<'a>,
}

impl<'a> SeqAccess<'a> for Items<'a> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'a>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        while let Some((item, rest)) = self.left.split_first() {
            self.left = rest;
            if !self.context.is_skipped(item) {
                let value = seed.deserialize(Reading::new(item, self.context));
                return value.map(Some).map_err(|error| error.at(item));
            }
        }
        Ok(None)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left.len())
    }
}

struct Entries<'a> {
    of: Reading<'a>,
    left: &'a [Entry],
    /// The keys of a struct; any key is good for a map.
    known: Option<&'static [&'static str]>,
    entry: Option<&'a Entry>,
    invented: usize,
    invention: Option<Invented>,
}

impl<'a> MapAccess<'a> for Entries<'a> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'a>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        while let Some((entry, rest)) = self.left.split_first() {
            self.left = rest;
            if let Some(known) = self.known
                && !known.contains(&&*entry.key)
            {
                self.of.unknown(entry, known);
                continue;
            }
            if !self.of.context.is_skipped(&entry.value) {
                if self.known.is_none() {
                    self.of.key_lint(entry);
                }
                self.entry = Some(entry);
                let key = seed.deserialize(Key(&entry.key));
                return key.map(Some).map_err(|error| error.at_range(&entry.value, entry.key_range()));
            }
        }
        self.entry = None;
        self.invention = self.of.context.invented(self.of.node, self.invented);
        self.invented += 1;
        self.invention.map(|invention| seed.deserialize(Key(invention.key))).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, Error> {
        match (self.entry, self.invention) {
            (Some(entry), _) => {
                let value = seed.deserialize(Reading::new(&entry.value, self.of.context));
                value.map_err(|error| error.in_mapping(&entry.value).at(&entry.value))
            }
            (None, Some(invention)) => seed
                .deserialize(Invention::new(invention.attempt))
                .map_err(|error| error.with_invention(self.of.node, invention.key)),
            (None, None) => Err(Error::new(What::Silent)),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left.len())
    }
}

/// A key of a mapping: text, and a number where the type of the keys wants one.
#[derive(Clone, Copy)]
pub(super) struct Key<'a>(pub(super) &'a str);

macro_rules! number_keys {
    ($($method:ident $visit:ident $type:ty,)*) => { $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self.0.parse::<$type>() {
                Ok(number) => visitor.$visit(number),
                Err(_) => {
                    let (least, most) = (<$type>::MIN, <$type>::MAX);
                    let message = format!(
                        "expected a whole number from {least} to {most} as a key, found {}",
                        words::quoted(self.0)
                    );
                    Err(Error::plain(code::INVALID_VALUE, message, None))
                }
            }
        }
    )* };
}

impl<'de> Deserializer<'de> for Key<'_> {
    type Error = Error;

    number_keys! {
        deserialize_u8 visit_u8 u8,
        deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64,
        deserialize_i8 visit_i8 i8,
        deserialize_i16 visit_i16 i16,
        deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64,
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_str(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        StrDeserializer::new(self.0).deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        bool i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct
        identifier ignored_any
    }
}

/// A variant of an enum: a name alone, or a mapping of the name to its content.
struct Choice<'a> {
    of: Reading<'a>,
    name: &'a str,
    entry: Option<&'a Entry>,
    /// A text that is the name of no variant, and the names that there are; `name` is the first of them then.
    stray: Option<Stray<'a>>,
}

impl<'a> EnumAccess<'a> for Choice<'a> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'a>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        let range = self.entry.map_or_else(|| self.of.node.range(), Entry::key_range);
        let name = seed.deserialize(Key(self.name)).map_err(|e| e.at_range(self.of.node, range))?;
        Ok((name, self))
    }
}

/// A name that an enum does not have, and those that it has.
type Stray<'a> = (&'a str, &'static [&'static str]);

/// The variant to choose by a name. Where there is none of that name the first one is, as it shows then whether the
/// variants take a value; the name is given back beside it.
fn stray_of<'a>(name: &'a str, variants: &'static [&'static str]) -> (&'a str, Option<Stray<'a>>) {
    match variants.first() {
        Some(first) if !variants.contains(&name) => (first, Some((name, variants))),
        _ => (name, None),
    }
}

/// The error for a text where a mapping of one key is wanted, such as `software: hello`.
fn wants_a_mapping(found: &str, known: &'static [&'static str]) -> Error {
    let example = known.iter().find(|known| **known == "tenant").or_else(|| known.first()).unwrap_or(&"key");
    let is_name =
        found.len() <= 40 && found.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'));
    let value = if is_name { found } else { "…" };
    let found = words::quoted(found);
    let message = format!("expected a mapping such as `{example}: {value}`, found the text {found}");
    let help = format!("its key is one of {}", words::list(known, "and"));
    Error::plain(code::WRONG_TYPE, message, Some(help))
}

impl<'a> Choice<'a> {
    /// The content of the variant.
    fn content(&self) -> Result<Reading<'a>, Error> {
        if let Some((found, known)) = self.stray {
            return Err(match self.entry {
                // A mapping's key is a key, whether or not others stand beside it.
                Some(entry) => {
                    let error: Error = serde::de::Error::unknown_field(found, known);
                    error.at_range(self.of.node, entry.key_range())
                }
                None => wants_a_mapping(found, known).at(self.of.node),
            });
        }
        let Some(entry) = self.entry else {
            let name = self.name;
            let message = format!("`{name}` needs a value");
            let help = format!("write `{name}: …`");
            return Err(Error::plain(code::WRONG_TYPE, message, Some(help)).at(self.of.node));
        };
        if self.of.context.is_skipped(&entry.value) {
            return Err(Error::new(What::Silent).at(self.of.node));
        }
        Ok(Reading::new(&entry.value, self.of.context))
    }
}

impl<'a> VariantAccess<'a> for Choice<'a> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        if let Some((found, known)) = self.stray {
            let range = self.entry.map_or_else(|| self.of.node.range(), Entry::key_range);
            let error = Error::new(What::Variant { found: found.to_owned(), known });
            return Err(error.at_range(self.of.node, range));
        }
        let Some(entry) = self.entry else { return Ok(()) };
        let name = self.name;
        let message = format!("`{name}` takes no value");
        let help = format!("write `{name}` alone");
        let error = Error::plain(code::WRONG_TYPE, message, Some(help));
        Err(error.at_range(self.of.node, entry.key_range()))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'a>>(self, seed: T) -> Result<T::Value, Error> {
        let content = self.content()?;
        seed.deserialize(content).map_err(|error| error.in_mapping(content.node).at(content.node))
    }

    fn tuple_variant<V: Visitor<'a>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        let content = self.content()?;
        content.items(visitor).map_err(|error| error.at(content.node))
    }

    fn struct_variant<V: Visitor<'a>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let content = self.content()?;
        content.fields(Some(fields), visitor).map_err(|error| error.at(content.node))
    }
}
