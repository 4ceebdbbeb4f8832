//! A `serde` serializer for values inside a line. `serde_json`'s own writes duplicate keys, raw
//! newlines from `RawValue` and bare 128-bit numbers, and says nothing when a NaN becomes `null`.

mod key;
mod nested;
mod raw;

use crate::encode::escape::{cut_text, escape, quote, quote_bytes};
use crate::json_value::serialize::nested::Nested;
use crate::json_value::{Delivery, Encoded};
use crate::metadata::Rules;
use serde::ser::{self, Serialize, Serializer};
use std::fmt::{self, Display, Write as _};

/// Below the 128 levels at which `serde_json` stops reading, with room for the line around it.
const MAX_DEPTH: usize = 120;

/// How `serde_json` marks text that is JSON already, and numbers of any precision.
const RAW_VALUE: &str = "$serde_json::private::RawValue";
const RAW_NUMBER: &str = "$serde_json::private::Number";

pub(crate) fn encode<T: Serialize + ?Sized>(value: &T, rules: &Rules) -> Delivery {
    let mut json = Json::new(rules);
    let mut result = value.serialize(&mut json);
    if result.is_ok() && json.unfinished > 0 {
        result = Err(Error("its `Serialize` left a part unfinished".to_owned()));
    }
    if result.is_ok() && json.duplicate {
        // `#[serde(flatten)]` and hand-written impls can give a key twice: the last value stays.
        let text = String::from_utf8(std::mem::take(&mut json.out)).unwrap_or_default();
        result = raw::rewrite(&text, &mut json);
    }
    match result {
        Ok(()) => Delivery::Json(Encoded {
            bytes: json.out,
            not_finite: json.not_finite,
        }),
        Err(_) if json.too_long => {
            let text = String::from_utf8_lossy(&json.out);
            Delivery::TooLong(cut_text(&text, BEGINNING).to_owned())
        }
        Err(error) => Delivery::Failed(error.to_string()),
    }
}

/// As much of `text` as is longer than `limit`, if it is: no more of it need be written.
fn more_than(limit: usize, text: &str) -> &str {
    cut_text(text, limit.saturating_add(4))
}

/// What is kept of a value that no line has room for.
const BEGINNING: usize = 1024;

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

/// The text written so far, and where in the value we are.
struct Json<'a> {
    out: Vec<u8>,
    rules: &'a Rules,
    depth: usize,
    /// For reports: `.items[2].price`.
    path: String,
    not_finite: Vec<(String, &'static str)>,
    duplicate: bool,
    too_long: bool,
    /// Parts begun and not ended: an impl may swallow the error of one.
    unfinished: usize,
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
            too_long: false,
            unfinished: 0,
        }
    }

    /// A number, a boolean: what `serde_json` writes as we would.
    fn scalar<T: Serialize>(&mut self, scalar: T) -> Result<(), Error> {
        Ok(serde_json::to_writer(&mut self.out, &scalar)?)
    }

    fn string(&mut self, text: &str) -> Result<(), Error> {
        quote(&mut self.out, more_than(self.rules.limit, text));
        self.within_limit()
    }

    /// A value that cannot fit the line need not be built to its end.
    fn within_limit(&mut self) -> Result<(), Error> {
        if self.out.len() > self.rules.limit {
            self.too_long = true;
            return Err(Error("longer than the line may be".to_owned()));
        }
        Ok(())
    }

    fn open(&mut self, bracket: u8) -> Result<(), Error> {
        if self.depth >= MAX_DEPTH {
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

    /// Writes a key of ours, and steps into it.
    fn push_key(&mut self, key: &str) {
        let start = self.out.len();
        quote(&mut self.out, key);
        self.enter_key(start);
    }

    /// Steps into the key that was written from `start` on.
    fn enter_key(&mut self, start: usize) {
        let key = &self.out[start + 1..self.out.len() - 1];
        self.path.push('.');
        self.path.push_str(&String::from_utf8_lossy(key));
        self.out.push(b':');
    }

    /// `{"Variant":`, which the caller closes.
    fn open_variant(&mut self, variant: &str) -> Result<(), Error> {
        self.open(b'{')?;
        self.push_key(variant);
        Ok(())
    }
}

macro_rules! scalars {
    ($($method:ident: $type:ty),*) => {$(
        fn $method(self, value: $type) -> Result<(), Error> {
            self.scalar(value)
        }
    )*};
}

impl<'j, 'a> Serializer for &'j mut Json<'a> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Nested<'j, 'a>;
    type SerializeTuple = Nested<'j, 'a>;
    type SerializeTupleStruct = Nested<'j, 'a>;
    type SerializeTupleVariant = Nested<'j, 'a>;
    type SerializeMap = Nested<'j, 'a>;
    type SerializeStruct = Nested<'j, 'a>;
    type SerializeStructVariant = Nested<'j, 'a>;

    scalars! {
        serialize_bool: bool,
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64
    }

    fn serialize_i128(self, value: i128) -> Result<(), Error> {
        self.string(&value.to_string())
    }

    fn serialize_u128(self, value: u128) -> Result<(), Error> {
        self.string(&value.to_string())
    }

    fn serialize_f32(self, value: f32) -> Result<(), Error> {
        if value.is_finite() {
            return self.scalar(value);
        }
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Error> {
        let Some(text) = not_finite(value) else {
            return self.scalar(value);
        };
        if self.rules.not_finite_as_text {
            return self.string(text);
        }
        // The path is kept as it stands in the line, escapes and all.
        let path = serde_json::from_str(&format!("\"{}\"", self.path));
        let path = path.unwrap_or_else(|_| self.path.clone());
        self.not_finite.push((path, text));
        self.serialize_unit()
    }

    fn serialize_char(self, value: char) -> Result<(), Error> {
        self.string(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        self.string(value)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        if let Ok(text) = std::str::from_utf8(value) {
            return self.string(text);
        }
        let most = value.len().min(self.rules.limit.saturating_add(1));
        quote_bytes(&mut self.out, &value[..most]);
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
        let path = self.path.len();
        self.open_variant(variant)?;
        value.serialize(&mut *self)?;
        self.path.truncate(path);
        self.close(b'}');
        Ok(())
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
        self.open_variant(variant)?;
        Nested::open(self, b'[', b"]}")
    }

    fn serialize_map(self, _length: Option<usize>) -> Result<Nested<'j, 'a>, Error> {
        Nested::open(self, b'{', b"}")
    }

    fn serialize_struct(self, name: &'static str, _length: usize) -> Result<Nested<'j, 'a>, Error> {
        match name {
            RAW_VALUE | RAW_NUMBER => Ok(Nested::raw(self)),
            _ => Nested::open(self, b'{', b"}"),
        }
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Nested<'j, 'a>, Error> {
        self.open_variant(variant)?;
        Nested::open(self, b'{', b"}}")
    }

    // The default goes through `to_string`, which panics when `Display` fails.
    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), Error> {
        struct Escaped<'j, 'a>(&'j mut Json<'a>);
        impl fmt::Write for Escaped<'_, '_> {
            fn write_str(&mut self, text: &str) -> fmt::Result {
                escape(&mut self.0.out, more_than(self.0.rules.limit, text));
                self.0.within_limit().map_err(|_| fmt::Error)
            }
        }
        self.out.push(b'"');
        write!(Escaped(&mut *self), "{value}")
            .map_err(|_| Error("Display returned an error".to_owned()))?;
        self.out.push(b'"');
        self.within_limit()
    }
}
