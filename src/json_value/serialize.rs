//! A `serde` serializer for values inside a line. `serde_json`'s own writes duplicate keys, raw
//! newlines from `RawValue` and bare 128-bit numbers, and says nothing when a NaN becomes `null`.

use crate::encode::escape::{escape, quote};
use crate::json_value::Encoded;
use crate::metadata::Rules;
use serde::ser::{self, Serialize};
use std::collections::HashSet;
use std::fmt::{self, Display, Write as _};

/// Below the 128 levels at which `serde_json` stops reading, with room for the line around it.
const MAX_DEPTH: usize = 120;

/// How `serde_json` marks text that is JSON already, and numbers of any precision.
const RAW_VALUE: &str = "$serde_json::private::RawValue";
const RAW_NUMBER: &str = "$serde_json::private::Number";

pub(crate) fn encode<T: Serialize + ?Sized>(value: &T, rules: &Rules) -> Result<Encoded, Error> {
    let mut json = Json::new(rules);
    value.serialize(&mut json)?;
    if json.duplicate {
        // `#[serde(flatten)]` and hand-written impls can give a key twice. Reading the text back
        // leaves the last value of each.
        let value: serde_json::Value = serde_json::from_slice(&json.out)?;
        json.out.clear();
        json.not_finite.clear();
        value.serialize(&mut json)?;
    }
    Ok(Encoded {
        bytes: json.out,
        not_finite: json.not_finite,
    })
}

#[derive(Debug)]
pub(crate) struct Error(String);

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl ser::Error for Error {
    fn custom<T: Display>(message: T) -> Self {
        let mut text = String::new();
        // `to_string` would panic on a `Display` that fails.
        let _ = write!(text, "{message}");
        Self(text)
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}

struct Json<'a> {
    out: Vec<u8>,
    rules: &'a Rules,
    depth: usize,
    /// Where in the value we are, for reports: `.items[2].price`.
    path: String,
    not_finite: Vec<(String, &'static str)>,
    duplicate: bool,
}

impl<'a> Json<'a> {
    fn new(rules: &'a Rules) -> Self {
        Self {
            out: Vec::new(),
            rules,
            depth: 0,
            path: String::new(),
            not_finite: Vec::new(),
            duplicate: false,
        }
    }

    fn number<T: Serialize>(&mut self, number: T) -> Result<(), Error> {
        Ok(serde_json::to_writer(&mut self.out, &number)?)
    }

    fn string(&mut self, text: &str) -> Result<(), Error> {
        quote(&mut self.out, text);
        self.within_limit()
    }

    /// A value that cannot fit the line need not be built to its end.
    fn within_limit(&self) -> Result<(), Error> {
        if self.out.len() > self.rules.limit {
            return Err(Error("longer than the line may be".to_owned()));
        }
        Ok(())
    }

    fn open(&mut self, bracket: u8) -> Result<(), Error> {
        if self.depth == MAX_DEPTH {
            return Err(Error(format!("nested deeper than {MAX_DEPTH} levels")));
        }
        self.depth += 1;
        self.out.push(bracket);
        self.within_limit()
    }

    fn close(&mut self, bracket: u8) {
        self.depth -= 1;
        self.out.push(bracket);
    }

    /// JSON text that is not ours, held to our rules by reading it.
    fn raw(&mut self, text: &str) -> Result<(), Error> {
        let value: serde_json::Value = serde_json::from_str(text)?;
        value.serialize(self)
    }
}

/// An array or an object being written.
struct Nested<'j, 'a> {
    json: &'j mut Json<'a>,
    path: usize,
    count: usize,
    /// Ends of an object's keys in `out`, to find one given twice.
    keys: Vec<(usize, usize)>,
    /// The same, once there are many.
    many: HashSet<Vec<u8>>,
    closing: &'static [u8],
    raw: Option<&'static str>,
}

impl<'j, 'a> Nested<'j, 'a> {
    fn open(json: &'j mut Json<'a>, bracket: u8, closing: &'static [u8]) -> Result<Self, Error> {
        json.open(bracket)?;
        Ok(Self {
            path: json.path.len(),
            json,
            count: 0,
            keys: Vec::new(),
            many: HashSet::new(),
            closing,
            raw: None,
        })
    }

    fn raw(json: &'j mut Json<'a>, kind: &'static str) -> Self {
        Self {
            path: json.path.len(),
            json,
            count: 0,
            keys: Vec::new(),
            many: HashSet::new(),
            closing: b"",
            raw: Some(kind),
        }
    }

    fn comma(&mut self) {
        if self.count > 0 {
            self.json.out.push(b',');
        }
        self.count += 1;
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let index = self.count;
        self.comma();
        let _ = write!(self.json.path, "[{index}]");
        self.value(value)
    }

    fn key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.comma();
        let start = self.json.out.len();
        key.serialize(Key(self.json))?;
        let end = self.json.out.len();
        self.check_unique(start, end);
        let key = &self.json.out[start + 1..end - 1];
        self.json.path.push('.');
        self.json.path.push_str(&String::from_utf8_lossy(key));
        self.json.out.push(b':');
        Ok(())
    }

    fn check_unique(&mut self, start: usize, end: usize) {
        let out = &self.json.out;
        let key = &out[start..end];
        let twice = if self.keys.len() < 64 {
            self.keys
                .iter()
                .any(|&(start, end)| out[start..end] == *key)
        } else {
            if self.many.is_empty() {
                let earlier = self
                    .keys
                    .iter()
                    .map(|&(start, end)| out[start..end].to_vec());
                self.many.extend(earlier);
            }
            !self.many.insert(key.to_vec())
        };
        self.json.duplicate |= twice;
        if self.keys.len() < 64 {
            self.keys.push((start, end));
        }
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        value.serialize(&mut *self.json)?;
        self.json.path.truncate(self.path);
        self.json.within_limit()
    }

    fn field<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), Error> {
        let Some(kind) = self.raw else {
            self.key(key)?;
            return self.value(value);
        };
        let mut text = Json::new(self.json.rules);
        value.serialize(&mut text)?;
        let text: String = serde_json::from_slice(&text.out)?;
        if kind == RAW_VALUE {
            return self.json.raw(&text);
        }
        serde_json::from_str::<serde::de::IgnoredAny>(&text)?;
        self.json.out.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn finish(self) -> Result<(), Error> {
        if self.raw.is_none() {
            for &bracket in self.closing {
                self.json.close(bracket);
            }
        }
        Ok(())
    }
}

impl<'j, 'a> ser::Serializer for &'j mut Json<'a> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Nested<'j, 'a>;
    type SerializeTuple = Nested<'j, 'a>;
    type SerializeTupleStruct = Nested<'j, 'a>;
    type SerializeTupleVariant = Nested<'j, 'a>;
    type SerializeMap = Nested<'j, 'a>;
    type SerializeStruct = Nested<'j, 'a>;
    type SerializeStructVariant = Nested<'j, 'a>;

    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.number(value)
    }
    fn serialize_i8(self, value: i8) -> Result<(), Error> {
        self.number(value)
    }
    fn serialize_i16(self, value: i16) -> Result<(), Error> {
        self.number(value)
    }
    fn serialize_i32(self, value: i32) -> Result<(), Error> {
        self.number(value)
    }
    fn serialize_i64(self, value: i64) -> Result<(), Error> {
        self.number(value)
    }
    fn serialize_u8(self, value: u8) -> Result<(), Error> {
        self.number(value)
    }
    fn serialize_u16(self, value: u16) -> Result<(), Error> {
        self.number(value)
    }
    fn serialize_u32(self, value: u32) -> Result<(), Error> {
        self.number(value)
    }
    fn serialize_u64(self, value: u64) -> Result<(), Error> {
        self.number(value)
    }
    fn serialize_i128(self, value: i128) -> Result<(), Error> {
        self.string(&value.to_string())
    }
    fn serialize_u128(self, value: u128) -> Result<(), Error> {
        self.string(&value.to_string())
    }
    fn serialize_f32(self, value: f32) -> Result<(), Error> {
        if value.is_finite() {
            return self.number(value);
        }
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Error> {
        let Some(text) = not_finite(value) else {
            return self.number(value);
        };
        if self.rules.not_finite_as_text {
            return self.string(text);
        }
        self.not_finite.push((self.path.clone(), text));
        self.serialize_unit()
    }

    fn serialize_char(self, value: char) -> Result<(), Error> {
        self.string(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        self.string(value)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        bytes(&mut self.out, value);
        self.within_limit()
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.out.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), Error> {
        self.string(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        let mut object = Nested::open(self, b'{', b"}")?;
        object.field(variant, value)?;
        object.finish()
    }

    fn serialize_seq(self, _length: Option<usize>) -> Result<Nested<'j, 'a>, Error> {
        Nested::open(self, b'[', b"]")
    }

    fn serialize_tuple(self, _length: usize) -> Result<Nested<'j, 'a>, Error> {
        Nested::open(self, b'[', b"]")
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        _length: usize,
    ) -> Result<Nested<'j, 'a>, Error> {
        Nested::open(self, b'[', b"]")
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Nested<'j, 'a>, Error> {
        self.open(b'{')?;
        quote(&mut self.out, variant);
        self.out.push(b':');
        Nested::open(self, b'[', b"]}")
    }

    fn serialize_map(self, _length: Option<usize>) -> Result<Nested<'j, 'a>, Error> {
        Nested::open(self, b'{', b"}")
    }

    fn serialize_struct(self, name: &'static str, _length: usize) -> Result<Nested<'j, 'a>, Error> {
        if name == RAW_VALUE || name == RAW_NUMBER {
            return Ok(Nested::raw(self, name));
        }
        Nested::open(self, b'{', b"}")
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Nested<'j, 'a>, Error> {
        self.open(b'{')?;
        quote(&mut self.out, variant);
        self.out.push(b':');
        Nested::open(self, b'{', b"}}")
    }

    // The default goes through `to_string`, which panics when `Display` fails.
    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), Error> {
        self.out.push(b'"');
        display(&mut self.out, value)?;
        self.out.push(b'"');
        self.within_limit()
    }
}

/// `Some` name for a number that JSON has no form of.
pub(crate) fn not_finite(value: f64) -> Option<&'static str> {
    if value.is_finite() {
        None
    } else if value.is_nan() {
        Some("NaN")
    } else if value > 0.0 {
        Some("Infinity")
    } else {
        Some("-Infinity")
    }
}

/// Appends bytes as a string: their text if they are UTF-8, else hexadecimal.
pub(crate) fn bytes(out: &mut Vec<u8>, value: &[u8]) {
    if let Ok(text) = std::str::from_utf8(value) {
        return quote(out, text);
    }
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    for byte in value {
        out.push(HEX[usize::from(byte >> 4)]);
        out.push(HEX[usize::from(byte & 0xf)]);
    }
    out.push(b'"');
}

fn display<T: Display + ?Sized>(out: &mut Vec<u8>, value: &T) -> Result<(), Error> {
    struct Escaped<'a>(&'a mut Vec<u8>);
    impl fmt::Write for Escaped<'_> {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            escape(self.0, text);
            Ok(())
        }
    }
    write!(Escaped(out), "{value}").map_err(|_| Error("Display returned an error".to_owned()))
}

/// The key of a map: strings, and what has one obvious text.
struct Key<'j, 'a>(&'j mut Json<'a>);

impl Key<'_, '_> {
    fn refuse(kind: &str) -> Result<ser::Impossible<(), Error>, Error> {
        Err(Error(format!("a map key must be text, not {kind}")))
    }

    fn text(self, text: impl Display) -> Result<(), Error> {
        self.0.collect_text(text)
    }
}

impl Json<'_> {
    fn collect_text(&mut self, text: impl Display) -> Result<(), Error> {
        ser::Serializer::collect_str(self, &text)
    }
}

impl ser::Serializer for Key<'_, '_> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = ser::Impossible<(), Error>;
    type SerializeTuple = ser::Impossible<(), Error>;
    type SerializeTupleStruct = ser::Impossible<(), Error>;
    type SerializeTupleVariant = ser::Impossible<(), Error>;
    type SerializeMap = ser::Impossible<(), Error>;
    type SerializeStruct = ser::Impossible<(), Error>;
    type SerializeStructVariant = ser::Impossible<(), Error>;

    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.text(value)
    }
    fn serialize_i8(self, value: i8) -> Result<(), Error> {
        self.text(value)
    }
    fn serialize_i16(self, value: i16) -> Result<(), Error> {
        self.text(value)
    }
    fn serialize_i32(self, value: i32) -> Result<(), Error> {
        self.text(value)
    }
    fn serialize_i64(self, value: i64) -> Result<(), Error> {
        self.text(value)
    }
    fn serialize_i128(self, value: i128) -> Result<(), Error> {
        self.text(value)
    }
    fn serialize_u8(self, value: u8) -> Result<(), Error> {
        self.text(value)
    }
    fn serialize_u16(self, value: u16) -> Result<(), Error> {
        self.text(value)
    }
    fn serialize_u32(self, value: u32) -> Result<(), Error> {
        self.text(value)
    }
    fn serialize_u64(self, value: u64) -> Result<(), Error> {
        self.text(value)
    }
    fn serialize_u128(self, value: u128) -> Result<(), Error> {
        self.text(value)
    }
    fn serialize_f32(self, value: f32) -> Result<(), Error> {
        self.text(value)
    }
    fn serialize_f64(self, value: f64) -> Result<(), Error> {
        self.text(value)
    }
    fn serialize_char(self, value: char) -> Result<(), Error> {
        self.text(value)
    }
    fn serialize_str(self, value: &str) -> Result<(), Error> {
        self.0.string(value)
    }
    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        ser::Serializer::serialize_bytes(self.0, value)
    }
    fn serialize_none(self) -> Result<(), Error> {
        self.text("null")
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<(), Error> {
        self.text("null")
    }
    fn serialize_unit_struct(self, name: &'static str) -> Result<(), Error> {
        self.text(name)
    }
    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), Error> {
        self.text(variant)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _value: &T,
    ) -> Result<(), Error> {
        Self::refuse("a variant with data").map(drop)
    }
    fn serialize_seq(self, _length: Option<usize>) -> Result<Self::SerializeSeq, Error> {
        Self::refuse("a sequence")
    }
    fn serialize_tuple(self, _length: usize) -> Result<Self::SerializeTuple, Error> {
        Self::refuse("a tuple")
    }
    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        _length: usize,
    ) -> Result<Self::SerializeTupleStruct, Error> {
        Self::refuse("a tuple")
    }
    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _length: usize,
    ) -> Result<Self::SerializeTupleVariant, Error> {
        Self::refuse("a variant with data")
    }
    fn serialize_map(self, _length: Option<usize>) -> Result<Self::SerializeMap, Error> {
        Self::refuse("a map")
    }
    fn serialize_struct(
        self,
        _name: &'static str,
        _length: usize,
    ) -> Result<Self::SerializeStruct, Error> {
        Self::refuse("a struct")
    }
    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _length: usize,
    ) -> Result<Self::SerializeStructVariant, Error> {
        Self::refuse("a variant with data")
    }
    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), Error> {
        self.text(value)
    }
}

macro_rules! elements {
    ($($compound:ident :: $method:ident),*) => {$(
        impl ser::$compound for Nested<'_, '_> {
            type Ok = ();
            type Error = Error;
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.element(value)
            }
            fn end(self) -> Result<(), Error> {
                self.finish()
            }
        }
    )*};
}

elements!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

macro_rules! members {
    ($($compound:ident),*) => {$(
        impl ser::$compound for Nested<'_, '_> {
            type Ok = ();
            type Error = Error;
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), Error> {
                self.field(key, value)
            }
            fn end(self) -> Result<(), Error> {
                self.finish()
            }
        }
    )*};
}

members!(SerializeStruct, SerializeStructVariant);

impl ser::SerializeMap for Nested<'_, '_> {
    type Ok = ();
    type Error = Error;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.key(key)
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.value(value)
    }
    fn end(self) -> Result<(), Error> {
        self.finish()
    }
}
