//! Arrays and objects, with each key once.

use crate::json_value::serialize::key::Key;
use crate::json_value::serialize::{Error, Json, raw};
use serde::ser::{self, Serialize};
use std::collections::HashSet;
use std::fmt::Write as _;

/// Keys of one object that are compared one by one; beyond that they are hashed.
const FEW: usize = 32;

/// An array or an object being written.
pub(super) struct Nested<'j, 'a> {
    json: &'j mut Json<'a>,
    /// The length of the path to this value.
    path: usize,
    count: usize,
    /// Where the first keys of an object stand in the text.
    few: Vec<(usize, usize)>,
    many: HashSet<Vec<u8>>,
    closing: &'static [u8],
    /// A key was written, its value was not.
    has_key: bool,
    /// This is no object, but `serde_json`'s wrapping of text.
    is_raw: bool,
}

impl<'j, 'a> Nested<'j, 'a> {
    pub(super) fn open(
        json: &'j mut Json<'a>,
        bracket: u8,
        closing: &'static [u8],
    ) -> Result<Self, Error> {
        json.open(bracket)?;
        Ok(Self::new(json, closing, false))
    }

    pub(super) fn raw(json: &'j mut Json<'a>) -> Self {
        Self::new(json, b"", true)
    }

    fn new(json: &'j mut Json<'a>, closing: &'static [u8], is_raw: bool) -> Self {
        Self {
            path: json.path.len(),
            json,
            count: 0,
            few: Vec::new(),
            many: HashSet::new(),
            closing,
            has_key: false,
            is_raw,
        }
    }

    fn comma(&mut self) {
        if self.count > 0 {
            self.json.out.push(b',');
        }
        self.count += 1;
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.json.unfinished += 1;
        let _ = write!(self.json.path, "[{}]", self.count);
        self.comma();
        self.value(value)
    }

    /// Keys and values take turns: a hand-written impl may forget one.
    fn pair(&mut self, is_key: bool) -> Result<(), Error> {
        if std::mem::replace(&mut self.has_key, is_key) == is_key {
            self.json.unfinished += 1;
            let problem = "a map's keys and values do not pair up";
            return Err(Error(problem.to_owned()));
        }
        Ok(())
    }

    fn key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.json.unfinished += 1;
        self.pair(true)?;
        self.comma();
        let start = self.json.out.len();
        key.serialize(Key(self.json))?;
        let end = self.json.out.len();
        self.json.duplicate |= self.is_known(start, end);
        self.json.enter_key(start);
        Ok(())
    }

    fn is_known(&mut self, start: usize, end: usize) -> bool {
        let out = &self.json.out;
        let key = &out[start..end];
        let known = self.few.iter().any(|&(start, end)| out[start..end] == *key);
        if self.few.len() < FEW {
            self.few.push((start, end));
            return known;
        }
        known || !self.many.insert(key.to_vec())
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        value.serialize(&mut *self.json)?;
        self.json.path.truncate(self.path);
        self.json.within_limit()?;
        self.json.unfinished -= 1;
        Ok(())
    }

    fn field<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), Error> {
        if !self.is_raw {
            self.key(key)?;
            self.has_key = false;
            return self.value(value);
        }
        let mut text = Json::new(self.json.rules);
        value.serialize(&mut text)?;
        let text: String = serde_json::from_slice(&text.out)?;
        raw::rewrite(&text, self.json)
    }

    fn finish(self) {
        for &bracket in self.closing {
            self.json.close(bracket);
        }
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
                self.finish();
                Ok(())
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
                self.finish();
                Ok(())
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
        self.pair(false)?;
        self.value(value)
    }

    fn end(mut self) -> Result<(), Error> {
        self.pair(true)?;
        self.finish();
        Ok(())
    }
}
