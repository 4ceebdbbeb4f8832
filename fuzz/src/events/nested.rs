//! Values for `json(..)`, careless ones among them, and what a line should show of each.

use crate::events::expected::{Expected, hex_or_text};
use crate::events::raw::Raw;
use crate::events::script::{Loud, Script};
use crate::events::text::Text;
use crate::planned_panic;
use arbitrary::Arbitrary;
use serde::ser::{Error, Serialize, SerializeMap, SerializeSeq, SerializeStruct, Serializer};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

#[derive(Arbitrary, Clone, Debug)]
pub enum Nested {
    Null,
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Wide(i128),
    Float(f64),
    Single(f32),
    Character(char),
    Text(Text),
    Bytes(Vec<u8>),
    Some(Box<Nested>),
    List(Vec<Nested>),
    Map(Vec<(Text, Nested)>),
    Numbered(Vec<(i64, Nested)>),
    /// A struct whose first key comes again at its end.
    Twice(Box<(Nested, Nested)>),
    Newtype(Box<Nested>),
    Variant(Box<Nested>),
    Deep(u8),
    /// So many keys, of which the last come again.
    Keys(u8),
    Raw(Raw),
    Display(Script),
    Logs(Box<Nested>),
    Fails(Text),
    Panics,
    /// So does its `Debug`, perhaps.
    FailsLoudly(Loud),
    /// Takes no notice of the error of a part.
    Swallows,
    KeyWithoutValue,
    KeyIsList,
}

impl Serialize for Nested {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Nested::Null => to.serialize_none(),
            Nested::Bool(value) => to.serialize_bool(*value),
            Nested::Signed(value) => to.serialize_i64(*value),
            Nested::Unsigned(value) => to.serialize_u64(*value),
            Nested::Wide(value) => to.serialize_i128(*value),
            Nested::Float(value) => to.serialize_f64(*value),
            Nested::Single(value) => to.serialize_f32(*value),
            Nested::Character(value) => to.serialize_char(*value),
            Nested::Text(text) => to.serialize_str(&text.0),
            Nested::Bytes(bytes) => to.serialize_bytes(bytes),
            Nested::Some(value) => to.serialize_some(value),
            Nested::List(list) => to.collect_seq(list),
            Nested::Map(members) => to.collect_map(members.iter().map(|(k, v)| (&k.0, v))),
            Nested::Numbered(members) => to.collect_map(members.iter().map(|(k, v)| (k, v))),
            Nested::Twice(values) => {
                let mut object = to.serialize_struct("Twice", 3)?;
                object.serialize_field("a", &values.0)?;
                object.serialize_field("b", &Nested::Null)?;
                object.serialize_field("a", &values.1)?;
                object.end()
            }
            Nested::Newtype(value) => to.serialize_newtype_struct("Newtype", value),
            Nested::Variant(value) => to.serialize_newtype_variant("Enum", 0, "a\nb", value),
            Nested::Deep(0) => to.serialize_unit(),
            Nested::Deep(depth) => to.collect_seq([Nested::Deep(depth - 1)]),
            Nested::Keys(count) => to.collect_map((0..*count).map(|at| (at % KEYS, at))),
            Nested::Raw(raw) => match RawValue::from_string(raw.json()) {
                Ok(raw) => raw.serialize(to),
                Err(_) => to.serialize_str(&raw.json()),
            },
            Nested::Display(script) => to.collect_str(script),
            Nested::Logs(value) => {
                tracing::info!(inner = true, "a line inside a value");
                value.serialize(to)
            }
            Nested::Fails(text) => Err(S::Error::custom(&text.0)),
            Nested::Panics => planned_panic("no price yet"),
            Nested::FailsLoudly(_) => Err(S::Error::custom("loudly")),
            Nested::Swallows => {
                let mut list = to.serialize_seq(None)?;
                let _ = list.serialize_element(&Nested::Fails(Text::default()));
                list.end()
            }
            Nested::KeyWithoutValue => {
                let mut map = to.serialize_map(None)?;
                map.serialize_key("a")?;
                map.end()
            }
            Nested::KeyIsList => to.collect_map([(vec![1], 1)]),
        }
    }
}

/// More than are compared one by one.
const KEYS: u8 = 50;

/// The depth to which lines nest, as the error beyond it says.
const MAX_DEPTH: usize = 120;

impl Nested {
    /// What the line shows in its place; `Err` if it cannot be serialized.
    pub fn expected(&self, not_finite_as_text: bool) -> Result<Expected, ()> {
        self.at(0, not_finite_as_text)
    }

    fn at(&self, depth: usize, text: bool) -> Result<Expected, ()> {
        let inside = |inner: &Nested| {
            let fits = depth < MAX_DEPTH;
            fits.then(|| inner.at(depth + 1, text)).ok_or(())?
        };
        Ok(match self {
            Nested::Null | Nested::Deep(0) => Expected::exactly(()),
            Nested::Bool(value) => Expected::exactly(value),
            Nested::Signed(value) => Expected::exactly(value),
            Nested::Unsigned(value) => Expected::exactly(value),
            Nested::Wide(value) => Expected::exactly(value.to_string()),
            Nested::Float(value) => Expected::float(*value, text),
            Nested::Single(value) if value.is_finite() => Expected::Single(*value),
            Nested::Single(value) => Expected::float((*value).into(), text),
            Nested::Character(value) => Expected::exactly(value),
            Nested::Text(value) => Expected::exactly(&value.0),
            Nested::Bytes(bytes) => Expected::exactly(hex_or_text(bytes)),
            Nested::Some(value) | Nested::Newtype(value) | Nested::Logs(value) => {
                value.at(depth, text)?
            }
            Nested::List(_) | Nested::Map(_) | Nested::Numbered(_) if depth == MAX_DEPTH => {
                return Err(());
            }
            Nested::List(list) => {
                Expected::List(list.iter().map(inside).collect::<Result<_, _>>()?)
            }
            Nested::Map(members) => {
                let members = members.iter().map(|(k, v)| Ok((k.0.clone(), inside(v)?)));
                Expected::Object(members.collect::<Result<_, ()>>()?)
            }
            Nested::Numbered(members) => {
                let members = members.iter().map(|(k, v)| Ok((k.to_string(), inside(v)?)));
                Expected::Object(members.collect::<Result<_, ()>>()?)
            }
            Nested::Twice(values) => {
                // The last value of a key wins, but none may fail.
                inside(&values.0)?;
                Expected::Object(BTreeMap::from([
                    ("a".to_owned(), inside(&values.1)?),
                    ("b".to_owned(), Expected::exactly(())),
                ]))
            }
            Nested::Variant(value) => {
                Expected::Object(BTreeMap::from([("a\nb".to_owned(), inside(value)?)]))
            }
            Nested::Deep(levels) => Expected::List(vec![inside(&Nested::Deep(levels - 1))?]),
            Nested::Keys(_) if depth == MAX_DEPTH => return Err(()),
            Nested::Keys(count) => Expected::Object(
                (0..*count)
                    .map(|at| ((at % KEYS).to_string(), Expected::exactly(at)))
                    .collect(),
            ),
            Nested::Raw(raw) => {
                let json = raw.json();
                if RawValue::from_string(json.clone()).is_err() {
                    return Ok(Expected::exactly(json));
                }
                // The parser is the judge of what can be read; nobody else's recursion is deeper.
                let value: serde_json::Value = serde_json::from_str(&json).map_err(drop)?;
                if depth + levels(&value) > MAX_DEPTH {
                    return Err(());
                }
                Expected::Exactly(value)
            }
            Nested::Display(script) if script.ends_well() => Expected::exactly(script.text()),
            _ => return Err(()),
        })
    }

    /// Whether its derived `Debug` can be had without a failure.
    pub fn debug(&self) -> Option<String> {
        (!self.any(&|one| matches!(one, Nested::FailsLoudly(_)))).then(|| format!("{self:?}"))
    }

    /// A NaN that a later value of its key has replaced is told of or not.
    pub fn has_nan(&self) -> bool {
        self.any(&|one| match one {
            Nested::Float(value) => !value.is_finite(),
            Nested::Single(value) => !value.is_finite(),
            _ => false,
        })
    }

    /// A value that nobody can read, but that a later value of its key may have replaced.
    pub fn is_uncertain(&self) -> bool {
        self.any(&|one| match one {
            Nested::Raw(raw) => {
                let read = serde_json::from_str::<serde_json::Value>(&raw.json());
                read.is_err() && raw.may_have_twins()
            }
            _ => false,
        })
    }

    fn any(&self, is: &dyn Fn(&Nested) -> bool) -> bool {
        if is(self) {
            return true;
        }
        match self {
            Nested::Some(one) | Nested::Newtype(one) | Nested::Variant(one) | Nested::Logs(one) => {
                one.any(is)
            }
            Nested::List(list) => list.iter().any(|one| one.any(is)),
            Nested::Map(members) => members.iter().any(|(_, one)| one.any(is)),
            Nested::Numbered(members) => members.iter().any(|(_, one)| one.any(is)),
            Nested::Twice(values) => values.0.any(is) || values.1.any(is),
            _ => false,
        }
    }
}

fn levels(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::Array(list) => 1 + list.iter().map(levels).max().unwrap_or(0),
        serde_json::Value::Object(map) => 1 + map.values().map(levels).max().unwrap_or(0),
        _ => 0,
    }
}
