//! Canonical JSON written straight from a value: keys sorted by their bytes, no spaces, as a digest needs it.
//!
//! Not here: digests (`digest`).
//!
//! Invariant: equal values give equal bytes, whatever order their fields have in memory; a value gives the bytes that its
//! `serde_json::Value` would give.

use std::fmt::{self, Display};

use serde::ser::{
    Error as _, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

/// Why a value has no JSON form: a map's key that is no text, or what the value's own type says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoJson(String);

impl serde::ser::Error for NoJson {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// Appends the canonical JSON of a value.
///
/// # Errors
/// [`NoJson`] when it has none; then what was appended is of no use.
pub fn write<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), NoJson> {
    value.serialize(Writer(out))
}

struct Writer<'o>(&'o mut Vec<u8>);

/// A list being written; `close` ends it.
struct List<'o> {
    out: &'o mut Vec<u8>,
    first: bool,
    close: &'static [u8],
}

/// An object being written: its entries stand in `out` in the order in which they came.
struct Object<'o> {
    out: &'o mut Vec<u8>,
    start: usize,
    /// Keys, and where the entries end.
    entries: Vec<(Key, usize)>,
    key: Option<Key>,
    close: &'static [u8],
}

/// A key as it is compared.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Fixed(&'static str),
    Made(String),
}

impl Key {
    fn text(&self) -> &str {
        match self {
            Self::Fixed(text) => text,
            Self::Made(text) => text,
        }
    }
}

/// Appends a text.
pub(super) fn text(value: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let mut start = 0;
    let bytes = value.as_bytes();
    // Nearly all texts are plain; looked at as a whole they are quickly told.
    let odd = |byte: &u8| u8::from(*byte < b' ') | u8::from(*byte == b'"') | u8::from(*byte == b'\\');
    if bytes.iter().fold(0, |any, byte| any | odd(byte)) == 0 {
        out.extend_from_slice(bytes);
        out.push(b'"');
        return;
    }
    for (at, byte) in bytes.iter().enumerate() {
        let escape: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0x08 => b"\\b",
            0x0c => b"\\f",
            0x00..0x20 => b"\\u00",
            _ => continue,
        };
        out.extend_from_slice(bytes.get(start..at).unwrap_or_default());
        out.extend_from_slice(escape);
        if escape.len() == 4 {
            out.extend([byte >> 4, byte & 15].into_iter().filter_map(|digit| HEX.get(usize::from(digit))));
        }
        start = at + 1;
    }
    out.extend_from_slice(bytes.get(start..).unwrap_or_default());
    out.push(b'"');
}

/// Appends a number.
pub(super) fn number(mut value: u64, out: &mut Vec<u8>) {
    let mut digits = [0_u8; 20];
    let mut length = 0;
    for slot in digits.iter_mut().rev() {
        *slot = b'0' + u8::try_from(value % 10).unwrap_or_default();
        value /= 10;
        length += 1;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(20 - length..).unwrap_or_default());
}

impl<'o> Writer<'o> {
    fn list(self, open: &[u8], close: &'static [u8]) -> List<'o> {
        self.0.extend_from_slice(open);
        List { out: self.0, first: true, close }
    }

    fn object(self, close: &'static [u8]) -> Object<'o> {
        let start = self.0.len();
        Object { out: self.0, start, entries: Vec::new(), key: None, close }
    }

    /// Opens an object with one field, the variant's name.
    fn variant(&mut self, variant: &str) {
        self.0.push(b'{');
        text(variant, self.0);
        self.0.push(b':');
    }
}

impl Object<'_> {
    fn entry<T: Serialize + ?Sized>(&mut self, key: Key, value: &T) -> Result<(), NoJson> {
        text(key.text(), self.out);
        self.out.push(b':');
        write(value, self.out)?;
        self.entries.push((key, self.out.len()));
        Ok(())
    }

    /// Puts the entries in order, with braces around and commas between them.
    fn finish(self) {
        let mut start = self.start;
        let mut entries: Vec<(&str, std::ops::Range<usize>)> = Vec::with_capacity(self.entries.len());
        for (key, end) in &self.entries {
            entries.push((key.text(), start..*end));
            start = *end;
        }
        entries.sort_by(|a, b| a.0.cmp(b.0));
        let unsorted = self.out.split_off(self.start);
        self.out.push(b'{');
        for (number, (_, range)) in entries.into_iter().enumerate() {
            if number > 0 {
                self.out.push(b',');
            }
            let range = range.start - self.start..range.end - self.start;
            self.out.extend_from_slice(unsorted.get(range).unwrap_or_default());
        }
        self.out.extend_from_slice(self.close);
    }
}

impl<'o> Serializer for Writer<'o> {
    type Ok = ();
    type Error = NoJson;
    type SerializeSeq = List<'o>;
    type SerializeTuple = List<'o>;
    type SerializeTupleStruct = List<'o>;
    type SerializeTupleVariant = List<'o>;
    type SerializeMap = Object<'o>;
    type SerializeStruct = Object<'o>;
    type SerializeStructVariant = Object<'o>;

    fn serialize_bool(self, value: bool) -> Result<(), NoJson> {
        self.0.extend_from_slice(if value { b"true" } else { b"false" });
        Ok(())
    }

    fn serialize_i8(self, value: i8) -> Result<(), NoJson> {
        self.serialize_i64(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<(), NoJson> {
        self.serialize_i64(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<(), NoJson> {
        self.serialize_i64(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result<(), NoJson> {
        if value < 0 {
            self.0.push(b'-');
        }
        number(value.unsigned_abs(), self.0);
        Ok(())
    }

    fn serialize_u8(self, value: u8) -> Result<(), NoJson> {
        self.serialize_u64(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<(), NoJson> {
        self.serialize_u64(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<(), NoJson> {
        self.serialize_u64(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<(), NoJson> {
        number(value, self.0);
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Result<(), NoJson> {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<(), NoJson> {
        serde_json::to_writer(self.0, &value).map_err(NoJson::custom)
    }

    fn serialize_char(self, value: char) -> Result<(), NoJson> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), NoJson> {
        text(value, self.0);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), NoJson> {
        self.collect_seq(value)
    }

    fn serialize_none(self) -> Result<(), NoJson> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), NoJson> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), NoJson> {
        self.0.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), NoJson> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), NoJson> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), NoJson> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), NoJson> {
        self.variant(variant);
        write(value, self.0)?;
        self.0.push(b'}');
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<List<'o>, NoJson> {
        Ok(self.list(b"[", b"]"))
    }

    fn serialize_tuple(self, _: usize) -> Result<List<'o>, NoJson> {
        Ok(self.list(b"[", b"]"))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<List<'o>, NoJson> {
        Ok(self.list(b"[", b"]"))
    }

    fn serialize_tuple_variant(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<List<'o>, NoJson> {
        self.variant(variant);
        Ok(self.list(b"[", b"]}"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Object<'o>, NoJson> {
        Ok(self.object(b"}"))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Object<'o>, NoJson> {
        Ok(self.object(b"}"))
    }

    fn serialize_struct_variant(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Object<'o>, NoJson> {
        self.variant(variant);
        Ok(self.object(b"}}"))
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), NoJson> {
        struct Raw(String);
        impl fmt::Write for Raw {
            fn write_str(&mut self, part: &str) -> fmt::Result {
                self.0.push_str(part);
                Ok(())
            }
        }
        let mut raw = Raw(String::new());
        fmt::Write::write_fmt(&mut raw, format_args!("{value}")).map_err(NoJson::custom)?;
        self.serialize_str(&raw.0)
    }
}

impl List<'_> {
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoJson> {
        if !std::mem::take(&mut self.first) {
            self.out.push(b',');
        }
        write(value, self.out)
    }

    fn finish(self) {
        self.out.extend_from_slice(self.close);
    }
}

macro_rules! lists {
    ($($trait:ident :: $method:ident),*) => {$(
        impl $trait for List<'_> {
            type Ok = ();
            type Error = NoJson;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoJson> {
                self.element(value)
            }

            fn end(self) -> Result<(), NoJson> {
                self.finish();
                Ok(())
            }
        }
    )*};
}

lists! {
    SerializeSeq::serialize_element, SerializeTuple::serialize_element, SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
}

macro_rules! structs {
    ($($trait:ident),*) => {$(
        impl $trait for Object<'_> {
            type Ok = ();
            type Error = NoJson;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), NoJson> {
                self.entry(Key::Fixed(key), value)
            }

            fn end(self) -> Result<(), NoJson> {
                self.finish();
                Ok(())
            }
        }
    )*};
}

structs! { SerializeStruct, SerializeStructVariant }

impl SerializeMap for Object<'_> {
    type Ok = ();
    type Error = NoJson;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), NoJson> {
        // What serde_json makes of a key is what counts: texts, and numbers as texts.
        let key = match serde_json::to_value(key).map_err(NoJson::custom)? {
            serde_json::Value::String(text) => text,
            plain @ (serde_json::Value::Number(_) | serde_json::Value::Bool(_)) => plain.to_string(),
            _ => return Err(NoJson("a key is no text".to_owned())),
        };
        self.key = Some(Key::Made(key));
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoJson> {
        let key = self.key.take().ok_or_else(|| NoJson("a value without a key".to_owned()))?;
        self.entry(key, value)
    }

    fn end(self) -> Result<(), NoJson> {
        self.finish();
        Ok(())
    }
}
