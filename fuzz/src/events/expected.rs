//! What a line should show of a value.

use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write;

#[derive(Clone, Debug)]
pub enum Expected {
    Exactly(Value),
    Single(f32),
    /// A string of a number.
    Digits(f64),
    /// A string, cut short by a failure that `encode_errors` tells of.
    Begins(String),
    AnyText,
    Anything,
    List(Vec<Expected>),
    Object(BTreeMap<String, Expected>),
}

impl Expected {
    pub fn exactly(value: impl Serialize) -> Self {
        Expected::Exactly(serde_json::to_value(value).unwrap_or_default())
    }

    pub fn float(value: f64, not_finite_as_text: bool) -> Self {
        match not_finite(value) {
            Some(text) if not_finite_as_text => Expected::exactly(text),
            Some(_) => Expected::exactly(()),
            None => Expected::exactly(value),
        }
    }

    pub fn agrees(&self, shown: &Value) -> bool {
        match self {
            Expected::Exactly(value) => value == shown,
            // `f64` to `f32` is what any reader of a single would do.
            #[allow(clippy::cast_possible_truncation, clippy::float_cmp)]
            Expected::Single(value) => shown.as_f64().is_some_and(|read| read as f32 == *value),
            #[allow(clippy::float_cmp)]
            Expected::Digits(value) => {
                let read = shown.as_str().and_then(|text| text.parse::<f64>().ok());
                read.is_some_and(|read| read == *value)
            }
            Expected::Begins(text) => shown.as_str().is_some_and(|shown| shown.starts_with(text)),
            Expected::AnyText => shown.is_string(),
            Expected::Anything => true,
            Expected::List(list) => shown.as_array().is_some_and(|shown| {
                shown.len() == list.len()
                    && list.iter().zip(shown).all(|(one, shown)| one.agrees(shown))
            }),
            Expected::Object(members) => shown.as_object().is_some_and(|shown| {
                shown.len() == members.len()
                    && members
                        .iter()
                        .all(|(key, one)| shown.get(key).is_some_and(|shown| one.agrees(shown)))
            }),
        }
    }
}

pub fn not_finite(value: f64) -> Option<&'static str> {
    match value {
        _ if value.is_nan() => Some("NaN"),
        f64::INFINITY => Some("Infinity"),
        f64::NEG_INFINITY => Some("-Infinity"),
        _ => None,
    }
}

pub fn hex_or_text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        }),
    }
}
