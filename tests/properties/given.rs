//! A value of each type that a field can have, and what the documentation says becomes of it.

use proptest::prelude::*;
use serde_json::{Value, json};
use std::error::Error;
use std::fmt::{self, Write};

use crate::any;

/// What the crate adds to the text of a value whose `Debug` fails.
const MARKER: &str = "!ERROR: formatting returned an error";

/// A field's value, as a program would give it.
#[derive(Clone, Debug)]
pub(crate) enum Given {
    /// Declared, and given no value.
    Empty,
    Bool(bool),
    I64(i64),
    U64(u64),
    I128(i128),
    U128(u128),
    F64(f64),
    Str(String),
    Display(String),
    Debug(String),
    Bytes(Vec<u8>),
    /// An error's message and those of its sources.
    Error(Vec<String>),
    Json(Value),
    /// A `Debug` that writes so much, and then returns an error.
    Failing(String),
}

/// An entry in `encode_errors`.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) error: &'static str,
    pub(crate) debug: String,
}

impl Given {
    /// The value as `tracing` takes it.
    pub(crate) fn value(&self) -> Option<Box<dyn tracing::Value + '_>> {
        Some(match self {
            Given::Empty => return None,
            Given::Bool(value) => Box::new(*value),
            Given::I64(value) => Box::new(*value),
            Given::U64(value) => Box::new(*value),
            Given::I128(value) => Box::new(*value),
            Given::U128(value) => Box::new(*value),
            Given::F64(value) => Box::new(*value),
            Given::Str(text) => Box::new(text.as_str()),
            Given::Display(text) => Box::new(tracing::field::display(text)),
            Given::Debug(text) => Box::new(tracing::field::debug(text)),
            Given::Bytes(bytes) => Box::new(&bytes[..]),
            Given::Error(texts) => Box::new(error(texts)),
            Given::Json(value) => Box::new(tracing_jsonl::json(value)),
            Given::Failing(text) => Box::new(tracing::field::debug(failing(text))),
        })
    }

    /// The value as a field of the line.
    pub(crate) fn as_field(&self) -> Value {
        match self {
            Given::Empty => Value::Null,
            Given::Bool(value) => json!(value),
            Given::I64(value) => json!(value),
            Given::U64(value) => json!(value),
            Given::F64(value) => json!(value),
            Given::Error(texts) => json!({"message": texts[0], "chain": texts[1..]}),
            Given::Json(value) => value.clone(),
            Given::Debug(text) => json!(format!("{text:?}")),
            _ => json!(self.as_identifier()),
        }
    }

    /// The value as the message.
    pub(crate) fn as_message(&self) -> String {
        match self {
            Given::Debug(text) => format!("{text:?}"),
            _ => self.as_identifier(),
        }
    }

    /// The value as an identifier: text, and `?"u-42"` is what stands inside the quotes.
    pub(crate) fn as_identifier(&self) -> String {
        match self {
            Given::Empty => String::new(),
            Given::Bool(value) => value.to_string(),
            Given::I64(value) => value.to_string(),
            Given::U64(value) => value.to_string(),
            Given::I128(value) => value.to_string(),
            Given::U128(value) => value.to_string(),
            Given::F64(value) if value.is_infinite() => {
                format!("{value}inity").replace("inf", "Inf")
            }
            Given::F64(value) => format!("{value:?}"),
            Given::Str(text) | Given::Display(text) | Given::Debug(text) => text.clone(),
            Given::Bytes(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => text.to_owned(),
                Err(_) => bytes.iter().fold(String::new(), |mut hex, byte| {
                    let _ = write!(hex, "{byte:02x}");
                    hex
                }),
            },
            Given::Error(texts) => texts[0].clone(),
            Given::Json(value) => format!("{value:?}"),
            Given::Failing(text) => format!("{text}{MARKER}"),
        }
    }

    /// What is said of the value in `encode_errors`; a number that JSON has no form of is no
    /// failure where the line has text anyway.
    pub(crate) fn failure(&self, is_text: bool) -> Option<Failure> {
        match self {
            Given::Failing(_) => Some(Failure {
                error: "formatting returned an error",
                debug: self.as_identifier(),
            }),
            Given::F64(value) if !value.is_finite() && !is_text => Some(Failure {
                error: "JSON has no such number",
                debug: self.as_identifier(),
            }),
            _ => None,
        }
    }
}

/// A value of any type; `text` is what those with text in them are made from.
pub(crate) fn given<T>(text: T) -> impl Strategy<Value = Given> + Clone
where
    T: Strategy<Value = String> + Clone + 'static,
{
    // Display and Debug look the same to a subscriber: that a text in quotes is some string's
    // Debug is a guess, which these do not lead astray.
    let unquoted = text
        .clone()
        .prop_map(|text| text.trim_start_matches('"').to_owned());
    let number = prop_oneof![
        4 => any::<i32>().prop_map(|number| f64::from(number) / 8.0),
        1 => prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY]),
    ];
    prop_oneof![
        2 => Just(Given::Empty),
        1 => any::<bool>().prop_map(Given::Bool),
        2 => any::<i64>().prop_map(Given::I64),
        1 => any::<u64>().prop_map(Given::U64),
        1 => any::<i128>().prop_map(Given::I128),
        1 => any::<u128>().prop_map(Given::U128),
        2 => number.prop_map(Given::F64),
        4 => text.clone().prop_map(Given::Str),
        2 => unquoted.clone().prop_map(Given::Display),
        2 => text.clone().prop_map(Given::Debug),
        1 => prop::collection::vec(any::<u8>(), 0..12).prop_map(Given::Bytes),
        1 => prop::collection::vec(unquoted.clone(), 1..4).prop_map(Given::Error),
        2 => any::value(text.clone()).prop_map(Given::Json),
        1 => unquoted.prop_map(Given::Failing),
    ]
}

/// A `Debug` that writes `text`, and then returns an error.
pub(crate) fn failing(text: &str) -> impl fmt::Debug + '_ {
    struct Failing<'a>(&'a str);
    impl fmt::Debug for Failing<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)?;
            Err(fmt::Error)
        }
    }
    Failing(text)
}

/// An error that says the first of `texts`, and its sources the others.
pub(crate) fn error(texts: &[String]) -> Box<dyn Error> {
    #[derive(Debug)]
    struct Chained(String, Option<Box<dyn Error>>);
    impl fmt::Display for Chained {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(&self.0)
        }
    }
    impl Error for Chained {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref()
        }
    }
    let source = (texts.len() > 1).then(|| error(&texts[1..]));
    Box::new(Chained(texts[0].clone(), source))
}
