//! What passes a filter, asked as `tracing` asks it.

use tracing_core::callsite::{Callsite, DefaultCallsite};
use tracing_core::field::{FieldSet, Value};
use tracing_core::metadata::Kind;
use tracing_core::span::Attributes;
use tracing_core::{Dispatch, Level, Metadata, identify_callsite};
use tracing_jsonl::LevelHandle;
use tracing_subscriber::layer::SubscriberExt;

pub(crate) const LEVELS: [Level; 5] = [
    Level::ERROR,
    Level::WARN,
    Level::INFO,
    Level::DEBUG,
    Level::TRACE,
];

/// The names of fields are static, and identifiers are fields.
const IDENTIFIERS: &[&str] = &[
    "request_id",
    "user_id",
    "trace_id",
    "tenant",
    "",
    "a b",
    "a,b",
    "a=b",
    "{",
    "}",
    "]",
    "\"",
    "\\",
];

/// The identifier of that name, or one that is chosen by it.
pub(crate) fn identifier(name: &str) -> &'static str {
    let known = IDENTIFIERS.iter().find(|known| **known == name);
    known.unwrap_or(&IDENTIFIERS[name.len() % IDENTIFIERS.len()])
}

static SPAN: DefaultCallsite = {
    static METADATA: Metadata<'static> = Metadata::new(
        "request",
        "shop",
        Level::INFO,
        None,
        None,
        None,
        FieldSet::new(IDENTIFIERS, identify_callsite!(&SPAN)),
        Kind::SPAN,
    );
    DefaultCallsite::new(&METADATA)
};

/// A subscriber under a level.
pub(crate) struct Probed(Dispatch);

impl Probed {
    pub(crate) fn new(handle: &LevelHandle) -> Self {
        Self(Dispatch::new(
            tracing_subscriber::registry().with(handle.filter()),
        ))
    }

    /// Which levels of a target pass inside a span with the identifiers of `scope`.
    pub(crate) fn passes(&self, target: &str, scope: &Scope) -> [bool; 5] {
        let metadata = SPAN.metadata();
        let fields: Vec<_> = metadata.fields().iter().collect();
        let values: Vec<Option<&str>> = fields
            .iter()
            .map(|field| scope.value(field.name()))
            .collect();
        let pairs: [_; IDENTIFIERS_LEN] = std::array::from_fn(|at| {
            let value = values[at].as_ref().map(|value| value as &dyn Value);
            (&fields[at], value)
        });
        let values = metadata.fields().value_set(&pairs);
        let id = self.0.new_span(&Attributes::new_root(metadata, &values));
        self.0.enter(&id);
        let passes = LEVELS.map(|level| {
            self.0.enabled(&Metadata::new(
                "event",
                target,
                level,
                None,
                None,
                None,
                FieldSet::new(&["message"], identify_callsite!(&SPAN)),
                Kind::EVENT,
            ))
        });
        self.0.exit(&id);
        self.0.try_close(id);
        passes
    }
}

const IDENTIFIERS_LEN: usize = IDENTIFIERS.len();

/// Targets that are named, that begin with such a one, that almost do, and others.
pub(crate) fn targets(text: &str, current: &str) -> Vec<String> {
    let mut targets = vec![String::new(), "shop".to_owned()];
    for text in [text, current] {
        let tokens = text
            .split([',', '=', '[', ']', '{', '}', '"'])
            .map(str::trim);
        for token in tokens.filter(|token| !token.is_empty()).take(8) {
            let mut shorter = token.to_owned();
            shorter.pop();
            targets.extend([token.to_owned(), format!("{token}::x"), shorter]);
        }
    }
    targets.sort();
    targets.dedup();
    targets
}

/// Identifiers and their values.
#[derive(Clone, Debug)]
pub(crate) struct Scope(Vec<(&'static str, String)>);

impl Scope {
    pub(crate) fn none() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn of(name: &'static str, value: &str) -> Self {
        Self(vec![(name, value.to_owned())])
    }

    fn value(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// No identifiers; each alone that a text of directives names; and for each, all up to there.
    pub(crate) fn all_in(current: &str) -> Vec<Self> {
        let mut scopes = vec![Self::none(), Self(vec![("user_id", "somebody".to_owned())])];
        let mut together = Vec::new();
        for (at, _) in current.match_indices('=').take(12) {
            let name = IDENTIFIERS
                .iter()
                .rev()
                .find(|name| current[..at].ends_with(**name));
            let value = value(&current[at + 1..]);
            if let Some(name) = name {
                together.insert(0, (*name, value.clone()));
                scopes.push(Self(vec![(*name, value)]));
                scopes.push(Self(together.clone()));
            }
        }
        scopes
    }
}

/// The value at the beginning of `text`, out of its quotes.
fn value(text: &str) -> String {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', '}']).unwrap_or(text.len());
        return text[..end].to_owned();
    };
    let mut value = String::new();
    let mut rest = quoted.chars();
    while let Some(character) = rest.next() {
        match character {
            '"' => break,
            '\\' => value.extend(rest.next()),
            plain => value.push(plain),
        }
    }
    value
}
