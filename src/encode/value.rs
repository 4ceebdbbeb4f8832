//! The visitor: each field of an event or a span, encoded once, in its own type.

use crate::encode::escape::{cut_text, quote, quote_bytes};
use crate::encode::fields::{Fields, Kind, LogFact, Mark, Role};
use crate::encode::guard::guarded;
use crate::encode::text::{Formatted, format_text};
use crate::encode::undebug::undo_debug_quotes;
use crate::json_value::{Terms, not_finite};
use crate::metadata::Rules;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use tracing_core::field::{Field, Visit};

/// An error's `source()` chain is followed this far: it may be a circle.
const MAX_SOURCES: usize = 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    Event,
    /// An event that the bridge made from a `log` record.
    LogRecord,
    /// The key-values of such a record.
    KeyValues,
    Span,
}

/// Records fields under `rules` into `fields`.
pub(crate) struct Recorder<'a> {
    pub(crate) fields: &'a mut Fields,
    pub(crate) rules: &'a Arc<Rules>,
    pub(crate) subject: Subject,
}

impl Recorder<'_> {
    /// Where a field of this name belongs; `None` if it is not wanted.
    fn role(&self, key: &str) -> Option<Role> {
        if let Some(index) = self.rules.identifier(key) {
            return Some(Role::Identifier(index));
        }
        match self.subject {
            Subject::Span if !self.rules.span_fields => None,
            Subject::Span | Subject::KeyValues => Some(Role::Field),
            // `info!(message = "a", "b")` visits the macro's text first: it stays the message.
            _ if key == "message" && !self.fields.has(Role::Message) => Some(Role::Message),
            Subject::LogRecord => match key {
                "log.target" => Some(Role::Log(LogFact::Target)),
                "log.file" => Some(Role::Log(LogFact::File)),
                "log.line" => Some(Role::Log(LogFact::Line)),
                "log.module_path" => Some(Role::Log(LogFact::Module)),
                _ => Some(Role::Field),
            },
            Subject::Event => Some(Role::Field),
        }
    }

    fn begin(&mut self, key: &str) -> Option<(Mark, Role)> {
        let key = plain(key);
        let role = self.role(key)?;
        Some((self.fields.begin(key), role))
    }

    /// A number or a boolean, in quotes where the line promises a string.
    fn scalar(&mut self, key: &str, value: impl serde::Serialize) {
        let Some((mark, role)) = self.begin(key) else {
            return;
        };
        let quoted = is_string(role);
        let out = &mut self.fields.bytes;
        if quoted {
            out.push(b'"');
        }
        // Writing a number to a `Vec` has no way to fail.
        let _ = serde_json::to_writer(&mut *out, &value);
        if quoted {
            out.push(b'"');
        }
        self.fields.end(mark, role, Kind::Scalar);
    }

    pub(crate) fn bool(&mut self, key: &str, value: bool) {
        self.scalar(key, value);
    }

    pub(crate) fn i64(&mut self, key: &str, value: i64) {
        self.scalar(key, value);
    }

    pub(crate) fn u64(&mut self, key: &str, value: u64) {
        self.scalar(key, value);
    }

    pub(crate) fn null(&mut self, key: &str) {
        if let Some((mark, role)) = self.begin(key).filter(|(_, role)| !is_string(*role)) {
            self.fields.bytes.extend_from_slice(b"null");
            self.fields.end(mark, role, Kind::Scalar);
        }
    }

    pub(crate) fn f64(&mut self, key: &str, value: f64) {
        let Some(text) = not_finite(value) else {
            return self.scalar(key, value);
        };
        let Some((mark, role)) = self.begin(key) else {
            return;
        };
        if is_string(role) || self.rules.not_finite_as_text {
            quote(&mut self.fields.bytes, text);
            return self.fields.end(mark, role, Kind::Text);
        }
        self.null_for(mark, role, key, NOT_FINITE.to_owned(), text.to_owned());
    }

    /// Ends a field that cannot be given in its type: `null`, and its text in `encode_errors`.
    fn null_for(&mut self, mark: Mark, role: Role, key: &str, error: String, debug: String) {
        self.fields.bytes.truncate(mark.value);
        self.fields.bytes.extend_from_slice(b"null");
        self.fields.failed(plain(key).to_owned(), error, debug);
        self.fields.end(mark, role, Kind::Scalar);
    }

    pub(crate) fn str(&mut self, key: &str, value: &str) {
        let Some((mark, role)) = self.begin(key) else {
            return;
        };
        let kept = cut_text(value, self.rules.limit);
        self.fields.cut |= kept.len() < value.len();
        quote(&mut self.fields.bytes, kept);
        self.fields.end(mark, role, Kind::Text);
    }

    fn bytes(&mut self, key: &str, value: &[u8]) {
        if let Ok(text) = std::str::from_utf8(value) {
            return self.str(key, text);
        }
        let Some((mark, role)) = self.begin(key) else {
            return;
        };
        let kept = &value[..value.len().min(self.rules.limit)];
        self.fields.cut |= kept.len() < value.len();
        quote_bytes(&mut self.fields.bytes, kept);
        self.fields.end(mark, role, Kind::Text);
    }

    /// Text that code of the user's writes.
    pub(crate) fn text(&mut self, key: &str, value: fmt::Arguments<'_>) {
        let Some((mark, role)) = self.begin(key) else {
            return;
        };
        let terms = (!is_string(role)).then(|| Terms {
            rules: Arc::clone(self.rules),
        });
        self.fields.bytes.push(b'"');
        let formatted = format_text(&mut self.fields.bytes, self.rules.limit, terms, value);
        match formatted {
            Ok(Formatted::Text { cut }) => {
                self.fields.cut |= cut;
                self.fields.bytes.push(b'"');
                if matches!(role, Role::Identifier(_)) {
                    undo_debug_quotes(&mut self.fields.bytes, mark.value, cut);
                }
                self.fields.end(mark, role, Kind::Text);
            }
            Ok(Formatted::Json(encoded)) => {
                self.fields.bytes.truncate(mark.value);
                self.fields.bytes.extend_from_slice(&encoded.bytes);
                for (path, text) in encoded.not_finite {
                    let key = format!("{}{path}", plain(key));
                    self.fields
                        .failed(key, NOT_FINITE.to_owned(), text.to_owned());
                }
                let kind = match encoded.bytes.first() {
                    Some(b'{' | b'[') => Kind::Nested,
                    Some(b'"') => Kind::Text,
                    _ => Kind::Scalar,
                };
                self.fields.end(mark, role, kind);
            }
            Ok(Formatted::Unserializable { error, debug }) => {
                self.null_for(mark, role, key, error, debug);
            }
            Ok(Formatted::TooLong(beginning)) => {
                self.fields.cut = true;
                self.null_for(mark, role, key, CUT.to_owned(), beginning);
            }
            Ok(Formatted::KeyValues(fields)) => {
                self.fields.abandon(mark);
                self.fields.absorb(&fields);
            }
            Err(error) => {
                self.fields.bytes.push(b'"');
                let text = self.fields.text_since(mark);
                self.fields.failed(plain(key).to_owned(), error, text);
                self.fields.end(mark, role, Kind::Text);
            }
        }
    }

    pub(crate) fn error(&mut self, key: &str, value: &(dyn Error + 'static)) {
        if self.role(plain(key)).is_some_and(is_string) {
            return self.text(key, format_args!("{value}"));
        }
        let Some((mark, role)) = self.begin(key) else {
            return;
        };
        self.fields.bytes.extend_from_slice(b"{\"message\":");
        let mut failed = self.error_text(value);
        self.fields.bytes.extend_from_slice(b",\"chain\":[");
        let mut source = next_source(value);
        for index in 0..MAX_SOURCES {
            let cause = match source {
                Ok(None) => break,
                Ok(Some(cause)) => cause,
                Err(error) => {
                    failed = failed.or(Some(error));
                    break;
                }
            };
            if index > 0 {
                self.fields.bytes.push(b',');
            }
            failed = self.error_text(cause).or(failed);
            source = next_source(cause);
        }
        self.fields.bytes.extend_from_slice(b"]}");
        if let Some(error) = failed {
            let text = self.fields.text_since(mark);
            self.fields.failed(plain(key).to_owned(), error, text);
        }
        self.fields.end(mark, role, Kind::Nested);
    }

    /// One error's own text as a JSON string; what went wrong with it, if anything.
    fn error_text(&mut self, error: &(dyn Error + 'static)) -> Option<String> {
        let out = &mut self.fields.bytes;
        out.push(b'"');
        let formatted = format_text(out, self.rules.limit, None, format_args!("{error}"));
        out.push(b'"');
        match formatted {
            Ok(Formatted::Text { cut }) => {
                self.fields.cut |= cut;
                None
            }
            Ok(_) => None,
            Err(error) => Some(error),
        }
    }
}

/// What `encode_errors` says of a value that was cut to nothing.
pub(crate) const CUT: &str = "cut: the line was too long";

const NOT_FINITE: &str = "JSON has no such number";

/// A raw identifier's `r#` is Rust's, not the user's.
fn plain(key: &str) -> &str {
    key.strip_prefix("r#").unwrap_or(key)
}

/// These are strings whatever their Rust type: a mapping that has seen
/// one as a number rejects the next document.
fn is_string(role: Role) -> bool {
    matches!(
        role,
        Role::Message | Role::Identifier(_) | Role::Log(LogFact::Target | LogFact::File)
    )
}

fn next_source<'e>(
    error: &'e (dyn Error + 'static),
) -> Result<Option<&'e (dyn Error + 'static)>, String> {
    guarded(|| error.source()).map_err(|message| format!("panicked: {message}"))
}

impl Visit for Recorder<'_> {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.bool(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.i64(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.u64(field.name(), value);
    }

    // Stores disagree on numbers above 64 bits, so the type does not depend on the value.
    fn record_i128(&mut self, field: &Field, value: i128) {
        self.text(field.name(), format_args!("{value}"));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.text(field.name(), format_args!("{value}"));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.f64(field.name(), value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.str(field.name(), value);
    }

    fn record_bytes(&mut self, field: &Field, value: &[u8]) {
        self.bytes(field.name(), value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.error(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.text(field.name(), format_args!("{value:?}"));
    }
}
