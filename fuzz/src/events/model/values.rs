//! Each kind of value, where it keeps its type and where the line promises a string.

use crate::events::expected::{Expected, hex_or_text, not_finite};
use crate::events::model::{Fails, Given, Model, Rules};
use crate::events::nested::Nested;
use crate::events::program::{Pair, Value};
use crate::events::script::{Link, Loud, Script, Source};

fn well(expected: Expected) -> Given {
    Given {
        expected,
        fails: Fails::No,
    }
}

fn script(script: &Script) -> Given {
    if script.ends_well() {
        return well(Expected::exactly(script.text()));
    }
    Given {
        expected: Expected::Begins(script.text()),
        fails: Fails::Yes,
    }
}

/// An identifier recorded with `?` loses its quotes.
fn unquoted(given: Given, is_identifier: bool) -> Given {
    let has_quotes = match &given.expected {
        Expected::Exactly(value) => value.as_str().is_some_and(|text| text.starts_with('"')),
        Expected::Begins(text) => text.starts_with('"'),
        _ => false,
    };
    if is_identifier && has_quotes {
        return Given {
            expected: Expected::AnyText,
            ..given
        };
    }
    given
}

fn float(value: f64, rules: &Rules) -> Given {
    let fails = !value.is_finite() && !rules.not_finite_as_text;
    Given {
        expected: Expected::float(value, rules.not_finite_as_text),
        fails: if fails { Fails::Yes } else { Fails::No },
    }
}

fn digits(value: f64) -> Given {
    well(match not_finite(value) {
        Some(text) => Expected::exactly(text),
        None => Expected::Digits(value),
    })
}

fn error(link: &Link) -> Given {
    let message = script(&link.script);
    let mut fails = message.fails;
    let mut chain = Vec::new();
    let mut next = &link.source;
    // As many causes as are looked at: they may be a circle.
    while chain.len() < 32 {
        match next {
            Source::None => break,
            Source::Panic => {
                fails = Fails::Yes;
                break;
            }
            Source::Link(link) => {
                let cause = script(&link.script);
                if cause.fails == Fails::Yes {
                    fails = Fails::Yes;
                }
                chain.push(cause.expected);
                next = &link.source;
            }
        }
    }
    // Whether the cause after the last is asked for is nobody's business.
    if chain.len() == 32 && matches!(next, Source::Panic) {
        fails = Fails::Maybe;
    }
    let members = [
        ("message".to_owned(), message.expected),
        ("chain".to_owned(), Expected::List(chain)),
    ];
    Given {
        expected: Expected::Object(members.into()),
        fails,
    }
}

fn nested(value: &Nested, rules: &Rules) -> Given {
    if value.is_uncertain() {
        return Given {
            expected: Expected::Anything,
            fails: Fails::Maybe,
        };
    }
    match value.expected(rules.not_finite_as_text) {
        Ok(expected) if value.has_nan() => Given {
            expected,
            fails: Fails::Maybe,
        },
        Ok(expected) => well(expected),
        Err(()) => Given {
            expected: Expected::exactly(()),
            fails: Fails::Yes,
        },
    }
}

impl Model for Value {
    fn as_field(&self, rules: &Rules) -> Given {
        match self {
            Value::Bool(value) => well(Expected::exactly(value)),
            Value::Signed(value) => well(Expected::exactly(value)),
            Value::Unsigned(value) => well(Expected::exactly(value)),
            Value::Wide(value) => well(Expected::exactly(value.to_string())),
            Value::WideUnsigned(value) => well(Expected::exactly(value.to_string())),
            Value::Float(value) => float(*value, rules),
            Value::Text(text) => well(Expected::exactly(&text.0)),
            Value::Bytes(bytes) => well(Expected::exactly(hex_or_text(bytes))),
            Value::Debug(Loud(value)) | Value::Display(value) => script(value),
            Value::Error(link) => error(link),
            Value::Json(value) => nested(value, rules),
            Value::Raw(raw) => nested(&Nested::Raw(raw.clone()), rules),
            Value::Empty => well(Expected::exactly(())),
        }
    }

    fn as_text(&self, is_identifier: bool) -> Option<Given> {
        Some(match self {
            Value::Bool(value) => well(Expected::exactly(value.to_string())),
            Value::Signed(value) => well(Expected::exactly(value.to_string())),
            Value::Unsigned(value) => well(Expected::exactly(value.to_string())),
            Value::Wide(value) => well(Expected::exactly(value.to_string())),
            Value::WideUnsigned(value) => well(Expected::exactly(value.to_string())),
            Value::Float(value) => digits(*value),
            Value::Text(text) => well(Expected::exactly(&text.0)),
            Value::Bytes(bytes) => well(Expected::exactly(hex_or_text(bytes))),
            Value::Debug(Loud(value)) | Value::Display(value) => {
                unquoted(script(value), is_identifier)
            }
            Value::Error(link) => unquoted(script(&link.script), is_identifier),
            Value::Json(value) => match value.debug() {
                Some(text) => unquoted(well(Expected::exactly(text)), is_identifier),
                None => Given {
                    expected: Expected::AnyText,
                    fails: Fails::Maybe,
                },
            },
            Value::Raw(raw) => {
                return Value::Json(Nested::Raw(raw.clone())).as_text(is_identifier);
            }
            Value::Empty => return None,
        })
    }
}

impl Model for Pair {
    fn as_field(&self, rules: &Rules) -> Given {
        match self {
            Pair::Null => well(Expected::exactly(())),
            Pair::Float(value) => float(*value, rules),
            Pair::Bool(value) => well(Expected::exactly(value)),
            Pair::Signed(value) => well(Expected::exactly(value)),
            Pair::Unsigned(value) => well(Expected::exactly(value)),
            Pair::Error(link) => error(link),
            other => other
                .as_text(false)
                .unwrap_or_else(|| well(Expected::AnyText)),
        }
    }

    fn as_text(&self, is_identifier: bool) -> Option<Given> {
        Some(match self {
            Pair::Null => return None,
            Pair::Bool(value) => well(Expected::exactly(value.to_string())),
            Pair::Signed(value) => well(Expected::exactly(value.to_string())),
            Pair::Unsigned(value) => well(Expected::exactly(value.to_string())),
            Pair::Wide(value) => well(Expected::exactly(value.to_string())),
            Pair::Float(value) => digits(*value),
            Pair::Character(value) => {
                unquoted(well(Expected::exactly(value.to_string())), is_identifier)
            }
            Pair::Text(text) => well(Expected::exactly(&text.0)),
            Pair::Debug(Loud(value)) | Pair::Display(value) => {
                unquoted(script(value), is_identifier)
            }
            Pair::Error(link) => unquoted(script(&link.script), is_identifier),
        })
    }
}
