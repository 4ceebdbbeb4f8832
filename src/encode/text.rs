//! Formats one value of the user's into a JSON string, whatever its `Debug` or `Display` does.

use crate::encode::escape::{cut_text, escape};
use crate::encode::fields::Fields;
use crate::encode::guard::guarded;
use crate::json_value::{self, Delivery, Terms};
use std::fmt;

/// The longest text that tells, inside a value, why the value ends there.
const MARKER: usize = 1024;

/// What formatting a value gave.
pub(crate) enum Formatted {
    /// The text, already appended.
    Text { cut: bool },
    /// A [`json`](crate::json) value handed itself over as JSON.
    Json(json_value::Encoded),
    /// A [`json`](crate::json) value that could not be serialized, and its debug format instead.
    Unserializable { error: String, debug: String },
    /// A [`json`](crate::json) value that no line has room for, and the beginning of it.
    TooLong(String),
    /// Key-values of a `log` record.
    KeyValues(Fields),
}

/// Appends the text that `value` writes to `out`, escaped but without quotes, up to `limit` bytes.
///
/// `terms` allows a [`json`](crate::json) value to hand over JSON in place of text. `Err` says
/// why the text is incomplete; what there is of it stays in `out`, with a marker.
pub(crate) fn format_text(
    out: &mut Vec<u8>,
    limit: usize,
    terms: Option<Terms>,
    value: fmt::Arguments<'_>,
) -> Result<Formatted, String> {
    let start = out.len();
    let mut writer = TextWriter {
        out,
        start,
        limit,
        cut: false,
        terms,
        state: State::Text,
    };
    let outcome = guarded(|| fmt::write(&mut writer, value));
    json_value::withdraw();
    let (error, marker) = match outcome {
        Ok(Ok(())) => return Ok(writer.finish()),
        // We had enough, and said so.
        _ if writer.cut => return Ok(writer.finish()),
        Ok(Err(fmt::Error)) => {
            let error = "formatting returned an error".to_owned();
            let marker = format!("!ERROR: {error}");
            (error, marker)
        }
        Err(message) => (format!("panicked: {message}"), format!("!PANIC: {message}")),
    };
    let marker = cut_text(&marker, limit.min(MARKER));
    match std::mem::replace(&mut writer.state, State::Text) {
        State::Standin {
            error: cause,
            debug,
        } => Ok(Formatted::Unserializable {
            error: cause,
            debug: debug + marker,
        }),
        state => {
            writer.back_to_text(state);
            escape(writer.out, marker);
            Err(error)
        }
    }
}

struct TextWriter<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
    limit: usize,
    cut: bool,
    terms: Option<Terms>,
    state: State,
}

enum State {
    Text,
    /// Our terms are with a value that asked for them.
    Offered,
    Delivered(Delivery),
    /// The value could not be serialized: what it writes now stands in for it.
    Standin {
        error: String,
        debug: String,
    },
}

impl fmt::Write for TextWriter<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if text.is_empty() {
            self.signal(text);
            return Ok(());
        }
        match &mut self.state {
            State::Text => self.append(text),
            State::Standin { debug, .. } => {
                let room = self.limit.saturating_sub(debug.len());
                debug.push_str(cut_text(text, room));
                self.cut |= text.len() > room;
            }
            // Text after a hand-over: the value is more than that JSON, so all of it is text.
            State::Offered | State::Delivered(_) => {
                let state = std::mem::replace(&mut self.state, State::Text);
                self.back_to_text(state);
                self.append(text);
            }
        }
        // A value that would go on for ever is told to stop.
        if self.cut { Err(fmt::Error) } else { Ok(()) }
    }
}

impl TextWriter<'_> {
    fn append(&mut self, text: &str) {
        let used = self.out.len() - self.start;
        let kept = cut_text(text, self.limit.saturating_sub(used));
        self.cut |= kept.len() < text.len();
        escape(self.out, kept);
    }

    /// The two empty strings of the hand-over, told by their addresses.
    fn signal(&mut self, text: &str) {
        if json_value::is_offer(text) {
            let first = matches!(self.state, State::Text) && self.out.len() == self.start;
            if first && let Some(terms) = self.terms.take() {
                json_value::accept(terms);
                self.state = State::Offered;
            }
        } else if json_value::is_delivery(text)
            && matches!(self.state, State::Offered)
            && let Some(delivery) = json_value::collect()
        {
            self.state = match delivery {
                Delivery::Failed(error) => State::Standin {
                    error,
                    debug: String::new(),
                },
                delivery => State::Delivered(delivery),
            };
        }
    }

    fn back_to_text(&mut self, state: State) {
        match state {
            State::Delivered(Delivery::Json(encoded)) => {
                self.append(&String::from_utf8_lossy(&encoded.bytes));
            }
            State::Delivered(Delivery::TooLong(text)) => {
                self.cut = true;
                self.append(&text);
            }
            _ => {}
        }
    }

    fn finish(self) -> Formatted {
        match self.state {
            State::Delivered(Delivery::Json(encoded)) => Formatted::Json(encoded),
            State::Delivered(Delivery::TooLong(text)) => Formatted::TooLong(text),
            State::Delivered(Delivery::KeyValues(fields)) => Formatted::KeyValues(fields),
            State::Standin { error, debug } => Formatted::Unserializable { error, debug },
            _ => Formatted::Text { cut: self.cut },
        }
    }
}
