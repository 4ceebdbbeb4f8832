//! House formats: a user's own encoder in place of a schema, and what stands in when it fails.

use crate::encode::assemble::{identifier, live};
use crate::encode::escape::{cut_text, quote};
use crate::encode::fields::{Fields, LogFact, Role, text_of as text};
use crate::encode::guard::guarded;
use crate::encode::members::Members;
use crate::encode::timestamp::Clock;
use crate::encode::{Content, Encoded, Layout};
use serde_json::{Map, Value};
use std::error::Error;
use std::fmt::{self, Write as _};
use std::sync::Arc;
use tracing_core::Level;

/// Writes an event in a format of your own.
///
/// The counterpart of `format: {Module, :function}` in Elixir's `Logger`. An encoder that returns
/// an error, panics, or writes a line break or a line longer than `max_line_bytes` costs nothing
/// but its format: the event's debug format is written in its place, on one line, and counted in
/// [`Stats::fallbacks`](crate::Stats::fallbacks).
///
/// ```
/// # mod doc { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/doc.rs")); }
/// # use doc::*;
/// use std::{error::Error, fmt::Write};
/// use tracing_jsonl::{Encoder, LogEvent};
///
/// struct Logfmt;
///
/// impl Encoder for Logfmt {
///     fn encode(&self, event: &LogEvent, line: &mut String) -> Result<(), Box<dyn Error + Send + Sync>> {
///         write!(line, "level={} msg={:?}", event.level, event.message)?;
///         for (key, value) in &event.metadata {
///             write!(line, " {key}={value}")?;
///         }
///         Ok(())
///     }
/// }
/// # prints_with(|layer| layer.with_encoder(Logfmt), r#"level=INFO msg="order placed" request_id=r-7"#, || {
/// # tracing::info!(request_id = "r-7", "order placed");
/// # });
/// ```
/// ```text
/// level=INFO msg="order placed" request_id=r-7
/// ```
pub trait Encoder: Send + Sync {
    /// Appends the line for `event`, without a line break.
    ///
    /// # Errors
    ///
    /// Any error makes the event's debug format stand in for the line.
    fn encode(
        &self,
        event: &LogEvent,
        line: &mut String,
    ) -> Result<(), Box<dyn Error + Send + Sync>>;
}

/// An event as an [`Encoder`] gets it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LogEvent {
    /// RFC 3339 in UTC.
    pub timestamp: String,
    /// The event's level.
    pub level: Level,
    /// The text of the macro.
    pub message: String,
    /// The event's target, that of the record for a `log` record.
    pub target: String,
    /// The identifiers that are present, in configured order.
    pub metadata: Vec<(String, String)>,
    /// File and line of its place in the source, where they are known.
    pub source: Option<(String, u32)>,
    /// What every line has, as set by `with_static_field`.
    pub static_fields: Map<String, Value>,
    /// The event's other fields. Their order is that of `serde_json`'s map.
    pub fields: Map<String, Value>,
    /// Name and fields of each span around the event, root first.
    pub spans: Vec<(&'static str, Map<String, Value>)>,
    /// Values that could not be given in their type, and are `null` or incomplete above: key, what
    /// went wrong, and the debug format that stands in.
    pub encode_errors: Vec<(String, String, String)>,
}

impl LogEvent {
    pub(super) fn of(layout: &Layout, content: &Content<'_>) -> Self {
        let mut timestamp = Vec::new();
        let precision = layout.precision;
        Clock::default().write(&mut timestamp, content.now, precision);
        let event = content.event;
        let metadata = layout.rules.identifiers.iter().enumerate();
        Self {
            timestamp: String::from_utf8_lossy(&timestamp).into_owned(),
            level: content.head.level,
            message: event.find(Role::Message).map(text).unwrap_or_default(),
            target: match event.find(Role::Log(LogFact::Target)) {
                Some(target) => text(target),
                None => content.head.target.to_owned(),
            },
            metadata: metadata
                .filter_map(|(index, key)| Some((key.clone(), identifier(content, index, text)?)))
                .collect(),
            source: source(content),
            static_fields: map(content.statics),
            fields: map(event),
            spans: content
                .chain
                .iter()
                .map(|node| (node.name(), node.with_fields(map)))
                .collect(),
            encode_errors: errors(event)
                .chain(
                    content.chain.iter().flat_map(|node| {
                        node.with_fields(|fields| errors(fields).collect::<Vec<_>>())
                    }),
                )
                .collect(),
        }
    }

    /// The debug format that stands in for a line, on one line.
    pub(super) fn fallback(&self, error: &str) -> String {
        struct Fallback<'a>(&'a LogEvent, &'a str);
        impl fmt::Debug for Fallback<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let event = self.0;
                f.debug_struct("LogEvent")
                    .field("timestamp", &event.timestamp)
                    .field("level", &event.level)
                    .field("message", &event.message)
                    .field("target", &event.target)
                    .field("metadata", &event.metadata)
                    .field("fields", &event.fields)
                    .field("spans", &event.spans)
                    .field("encode_errors", &event.encode_errors)
                    .field("error", &self.1)
                    .finish()
            }
        }
        format!("{:?}", Fallback(self, error))
    }
}

fn source(content: &Content<'_>) -> Option<(String, u32)> {
    let facts = [LogFact::File, LogFact::Line].map(|fact| content.event.find(Role::Log(fact)));
    match facts {
        [Some(file), Some(line)] => Some((text(file), text(line).parse().ok()?)),
        _ => Some((content.head.file?.to_owned(), content.head.line?)),
    }
}

fn errors(fields: &Fields) -> impl Iterator<Item = (String, String, String)> {
    let failures = fields.failures().iter();
    failures.map(|one| (one.key.clone(), one.error.clone(), one.debug.clone()))
}

fn map(fields: &Fields) -> Map<String, Value> {
    let member = |piece| {
        let key = fields.key(piece);
        let value = serde_json::from_slice(fields.value(piece));
        let key = text(&key[..key.len() - 1]);
        (key, value.unwrap_or(Value::Null))
    };
    live(fields).map(member).collect()
}

/// A user's encoder as one layer has it.
#[derive(Clone)]
pub(crate) struct Custom {
    pub(crate) encoder: Arc<dyn Encoder>,
    /// Fallback lines as JSON objects, for streams in which each line must be one.
    pub(crate) json_fallback: bool,
}

impl Custom {
    /// Appends the encoder's line, or the event's debug format if there is none.
    pub(super) fn encode(
        &self,
        layout: &Layout,
        content: &Content<'_>,
        out: &mut Vec<u8>,
    ) -> Encoded {
        let event = LogEvent::of(layout, content);
        let mut line = String::new();
        let encoded = guarded(|| {
            self.encoder
                .encode(&event, &mut line)
                .map_err(|error| describe(&*error))
        });
        let error = match encoded {
            Ok(Ok(())) => match refuse(&line, layout.rules.limit) {
                None => {
                    out.extend_from_slice(line.as_bytes());
                    return Encoded {
                        truncated: content.truncated,
                        fallback: false,
                    };
                }
                Some(error) => error,
            },
            Ok(Err(error)) => error,
            Err(message) => format!("panicked: {message}"),
        };
        let fallback = event.fallback(&error);
        let cut = if self.json_fallback {
            wrap(out, &event, &fallback, layout.rules.limit)
        } else {
            let kept = cut_text(&fallback, layout.rules.limit);
            out.extend_from_slice(kept.as_bytes());
            kept.len() < fallback.len()
        };
        Encoded {
            truncated: content.truncated || cut,
            fallback: true,
        }
    }
}

/// The fallback in a JSON object, within the limit; true if it had to be cut.
fn wrap(out: &mut Vec<u8>, event: &LogEvent, fallback: &str, limit: usize) -> bool {
    let start = out.len();
    let mut kept = fallback;
    loop {
        let mut line = Members::open(out);
        quote(line.key("timestamp"), &event.timestamp);
        let level = event.level.as_str().to_ascii_lowercase();
        quote(line.key("level"), &level);
        quote(line.key("message"), kept);
        line.close();
        let over = (out.len() - start).saturating_sub(limit);
        if over == 0 || kept.is_empty() {
            return kept.len() < fallback.len();
        }
        kept = cut_text(kept, kept.len().saturating_sub(over));
        out.truncate(start);
    }
}

fn describe(error: &dyn Error) -> String {
    let mut text = String::new();
    // `to_string` would panic on a `Display` that fails.
    let _ = write!(text, "{error}");
    text
}

fn refuse(line: &str, limit: usize) -> Option<String> {
    if line.contains(['\n', '\r']) {
        return Some("the encoder wrote a line break".to_owned());
    }
    (line.len() > limit).then(|| format!("the encoder wrote more than {limit} bytes"))
}
