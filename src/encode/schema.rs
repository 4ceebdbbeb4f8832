//! What each part of a line is called, how it is represented and where it goes, as data.

use crate::encode::escape::quote;
use crate::encode::timestamp::Precision;
use std::borrow::Cow;
use tracing_core::Level;

/// The layout of a line.
///
/// A schema is a table; one encoder serves all of them. The layout of each schema named here is a
/// public promise: changing it is a breaking change of this crate.
///
/// ```
/// # mod doc { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/doc.rs")); }
/// # use doc::*;
/// use tracing_jsonl::{JsonLayer, Schema};
///
/// # prints_with(
/// # |layer| layer.with_schema(
/// Schema::flat()
/// # ),
/// # r#"{"timestamp":"2026-11-23T14:26:46.123456Z","level":"info","message":"order placed","target":"shop","request_id":"r-7","order_id":17}"#, || {
/// # tracing::info!(target: "shop", request_id = "r-7", order_id = 17, "order placed");
/// # });
/// ```
/// ```json
/// {"timestamp":"2026-11-23T14:26:46.123456Z","level":"info","message":"order placed","target":"shop","request_id":"r-7","order_id":17}
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a schema does nothing until a layer has it"]
pub struct Schema {
    pub(crate) name: &'static str,
    pub(crate) parts: Vec<Part>,
    pub(crate) precision: Precision,
}

/// One part of the line, in the order of the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Timestamp(Name),
    Level(Name, [Name; 5]),
    Message(Name),
    Target(Name),
    /// Source location and thread, where they are asked for.
    Origin {
        file: Name,
        line: Name,
        thread: Name,
        thread_id: Name,
    },
    Statics,
    Identifiers(Place),
    Fields(Place),
    Spans(Place),
}

/// Where a group of members goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In an object, or an array of objects, of this key.
    Under(Name),
    /// Among the line's own members.
    Top,
}

pub(crate) type Name = Cow<'static, str>;

impl Part {
    /// The same part with its keys and levels as they stand in a line: `"level":`, `"info"`.
    pub(crate) fn encoded(&self) -> Self {
        let key = |name: &Name| Cow::Owned(format!("{}:", quoted(name)));
        let place = |place: &Place| match place {
            Place::Under(name) => Place::Under(key(name)),
            Place::Top => Place::Top,
        };
        match self {
            Part::Timestamp(name) => Part::Timestamp(key(name)),
            Part::Level(name, levels) => Part::Level(
                key(name),
                levels.each_ref().map(|level| quoted(level).into()),
            ),
            Part::Message(name) => Part::Message(key(name)),
            Part::Target(name) => Part::Target(key(name)),
            Part::Origin {
                file,
                line,
                thread,
                thread_id,
            } => Part::Origin {
                file: key(file),
                line: key(line),
                thread: key(thread),
                thread_id: key(thread_id),
            },
            Part::Statics => Part::Statics,
            Part::Identifiers(at) => Part::Identifiers(place(at)),
            Part::Fields(at) => Part::Fields(place(at)),
            Part::Spans(at) => Part::Spans(place(at)),
        }
    }
}

fn quoted(text: &str) -> String {
    let mut out = Vec::new();
    quote(&mut out, text);
    String::from_utf8_lossy(&out).into_owned()
}

const fn name(text: &'static str) -> Name {
    Cow::Borrowed(text)
}

/// Keys that any schema may add to a line, so that none of them is a user's.
pub(crate) const TRUNCATED: &str = "truncated";
pub(crate) const REMOVED: &str = "removed";
pub(crate) const ENCODE_ERRORS: &str = "encode_errors";

impl Schema {
    /// Identifiers under `metadata`, the event's other fields under `fields`, the spans around it
    /// under `spans`, root first.
    fn nested() -> Self {
        Self {
            name: "default",
            parts: Self::parts(
                Place::Under(name("metadata")),
                Place::Under(name("fields")),
                Place::Under(name("spans")),
            ),
            precision: Precision::Micros,
        }
    }

    /// Everything at the top level.
    ///
    /// Where a field is given more than once, the event beats the inner span, and the inner span
    /// the outer. A field of a reserved name gets `fields.` in front.
    pub fn flat() -> Self {
        Self {
            name: "flat",
            parts: Self::parts(Place::Top, Place::Top, Place::Top),
            precision: Precision::Micros,
        }
    }

    /// The schema of a name that `LOG_FORMAT` takes: `default` or `flat`.
    ///
    /// ```
    /// use tracing_jsonl::Schema;
    /// assert_eq!(Schema::named("flat"), Some(Schema::flat()));
    /// assert_eq!(Schema::named("yaml"), None);
    /// ```
    pub fn named(name: &str) -> Option<Self> {
        [Self::nested(), Self::flat()]
            .into_iter()
            .find(|schema| schema.name == name)
    }

    /// Sets how many fractional digits the timestamp has; six unless set.
    ///
    /// ```
    /// use tracing_jsonl::{Precision, Schema};
    /// let schema = Schema::default().with_precision(Precision::Millis);
    /// ```
    pub fn with_precision(mut self, precision: Precision) -> Self {
        self.precision = precision;
        self
    }

    fn parts(identifiers: Place, fields: Place, spans: Place) -> Vec<Part> {
        vec![
            Part::Timestamp(name("timestamp")),
            Part::Level(
                name("level"),
                ["error", "warn", "info", "debug", "trace"].map(name),
            ),
            Part::Message(name("message")),
            Part::Target(name("target")),
            Part::Origin {
                file: name("file"),
                line: name("line"),
                thread: name("thread"),
                thread_id: name("thread_id"),
            },
            Part::Statics,
            Part::Identifiers(identifiers),
            Part::Fields(fields),
            Part::Spans(spans),
        ]
    }

    /// The keys of the line's own that no user's field may take.
    pub(crate) fn reserved(&self) -> Vec<&str> {
        let mut keys = vec![TRUNCATED, REMOVED, ENCODE_ERRORS];
        for part in &self.parts {
            match part {
                Part::Timestamp(key)
                | Part::Level(key, _)
                | Part::Message(key)
                | Part::Target(key)
                | Part::Identifiers(Place::Under(key))
                | Part::Fields(Place::Under(key))
                | Part::Spans(Place::Under(key)) => keys.push(key),
                Part::Origin {
                    file,
                    line,
                    thread,
                    thread_id,
                } => keys.extend([file, line, thread, thread_id].map(AsRef::as_ref)),
                _ => {}
            }
        }
        keys
    }
}

impl Default for Schema {
    /// The layout of `LOG_FORMAT=default`.
    fn default() -> Self {
        Self::nested()
    }
}

/// The position of a level in a schema's table.
pub(crate) fn rank(level: Level) -> usize {
    match level {
        Level::ERROR => 0,
        Level::WARN => 1,
        Level::INFO => 2,
        Level::DEBUG => 3,
        Level::TRACE => 4,
    }
}
