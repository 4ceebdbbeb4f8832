//! What the documentation says of fields, as plain maps: what a line should show of a span or of an
//! event, if nothing has to be cut.

use crate::events::expected::{Expected, hex_or_text, not_finite};
use crate::events::nested::Nested;
use crate::events::program::{Pair, Setup, Value};
use crate::events::script::{Link, Loud, Script, Source};
use std::collections::BTreeMap;

/// Whether `encode_errors` has an entry for a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fails {
    No,
    Yes,
    Maybe,
}

#[derive(Clone, Debug)]
pub struct Given {
    pub expected: Expected,
    pub fails: Fails,
}

/// What a span or an event was given.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    pub message: Option<Given>,
    pub target: Option<Given>,
    pub file: Option<Given>,
    pub line: Option<Given>,
    pub module: Option<Given>,
    pub identifiers: BTreeMap<String, Given>,
    pub fields: BTreeMap<String, Given>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    Event,
    /// As `log`'s bridges make them: facts about the record come as fields.
    LogRecord,
    Pairs,
    Span,
}

/// The part of the settings that values depend on.
#[derive(Clone, Debug)]
pub struct Rules {
    pub identifiers: Vec<String>,
    pub spans: bool,
    pub not_finite_as_text: bool,
}

impl Rules {
    pub fn of(setup: &Setup) -> Self {
        Self {
            identifiers: setup.identifiers(),
            spans: setup.spans,
            not_finite_as_text: setup.not_finite_as_text,
        }
    }
}

impl Recorded {
    /// Adds a field; the last value of a name wins.
    pub fn add(&mut self, rules: &Rules, subject: Subject, name: &str, value: &dyn Model) {
        let name = name.strip_prefix("r#").unwrap_or(name);
        if rules.identifiers.iter().any(|known| known == name) {
            if let Some(given) = value.as_text(true) {
                self.identifiers.insert(name.to_owned(), given);
            }
            return;
        }
        let is_event = matches!(subject, Subject::Event | Subject::LogRecord);
        if is_event && name == "message" && self.message.is_none() {
            self.message = value.as_text(false);
            return;
        }
        if subject == Subject::LogRecord {
            let fact = match name {
                "log.target" => Some(&mut self.target),
                "log.file" => Some(&mut self.file),
                "log.line" => Some(&mut self.line),
                "log.module_path" => Some(&mut self.module),
                _ => None,
            };
            if let Some(fact) = fact {
                fact.get_or_insert_with(|| value.as_field(rules));
                return;
            }
        }
        if subject != Subject::Span || rules.spans {
            self.fields.insert(name.to_owned(), value.as_field(rules));
        }
    }

    pub fn failing(&self) -> impl Iterator<Item = (&str, Fails)> {
        let facts = [
            ("message", &self.message),
            ("log.target", &self.target),
            ("log.file", &self.file),
            ("log.line", &self.line),
            ("log.module_path", &self.module),
        ];
        let facts = facts
            .into_iter()
            .filter_map(|(key, given)| Some((key, given.as_ref()?)));
        let fields = self.identifiers.iter().chain(&self.fields);
        facts
            .chain(fields.map(|(key, given)| (key.as_str(), given)))
            .map(|(key, given)| (key, given.fails))
    }
}

/// A value as the line should show it.
pub trait Model {
    fn as_field(&self, rules: &Rules) -> Given;

    /// Where the line promises a string; `None` if the value is no value there.
    fn as_text(&self, is_identifier: bool) -> Option<Given>;
}

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
