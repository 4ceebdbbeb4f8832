//! What the documentation says of fields, as plain maps: what a line should show of a span or of an
//! event, if nothing has to be cut.

mod values;

use crate::events::expected::Expected;
use crate::events::program::Setup;
use std::collections::BTreeMap;

/// Whether `encode_errors` has an entry for a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fails {
    No,
    Yes,
    Maybe,
}

impl Fails {
    fn or(self, other: Self) -> Self {
        if self == other { self } else { Fails::Maybe }
    }
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
            let text = || value.as_text(false);
            let fact = match name {
                "log.target" => Some((&mut self.target, text())),
                "log.file" => Some((&mut self.file, text())),
                "log.line" => Some((&mut self.line, Some(value.as_field(rules)))),
                "log.module_path" => Some((&mut self.module, Some(value.as_field(rules)))),
                _ => None,
            };
            if let Some((fact, given)) = fact {
                if let Some(given) = given {
                    // The first is what the line says; of each it tells if it failed.
                    let fails = given.fails;
                    let first = fact.get_or_insert(given);
                    first.fails = first.fails.or(fails);
                }
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
