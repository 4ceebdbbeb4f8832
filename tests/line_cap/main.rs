//! No line is longer than `max_line_bytes`, and what is cut goes in the documented order.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../hostile_support/mod.rs"]
mod hostile_support;
mod least;
mod limits;
mod many;
mod order;
mod sizes;
#[path = "../support/mod.rs"]
mod support;

use serde_json::Value;
use support::{Capture, lines};
use tracing_jsonl::{JsonLayer, Stats};
use tracing_subscriber::prelude::*;

/// The one line that `code` logs with `cap`, how long it is, and the counts.
#[track_caller]
fn capped_with(
    cap: usize,
    with: impl FnOnce(JsonLayer<Capture>) -> JsonLayer<Capture>,
    code: impl FnOnce(),
) -> (Value, usize, Stats) {
    let capture = Capture::default();
    let layer = with(JsonLayer::new(capture.clone()).with_max_line_bytes(cap));
    let stats = layer.stats();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), code);
    let (bytes, stats) = (capture.bytes(), stats.get());
    let mut lines = lines(&bytes);
    assert_eq!((lines.len(), stats.emitted, stats.written), (1, 1, 1));
    let (line, length) = (lines.remove(0), bytes.len() - 1);
    assert!(
        cap == 0 || length <= cap,
        "{length} bytes in place of {cap}: {line}"
    );
    assert!(
        line["timestamp"].is_string() && line["level"].is_string(),
        "{line}"
    );
    (line, length, stats)
}

/// A line that has to be cut, under the default schema.
#[track_caller]
fn cut(cap: usize, code: impl FnOnce()) -> Value {
    cut_with(cap, |layer| layer, code)
}

#[track_caller]
fn cut_with(
    cap: usize,
    with: impl FnOnce(JsonLayer<Capture>) -> JsonLayer<Capture>,
    code: impl FnOnce(),
) -> Value {
    let (line, _, stats) = capped_with(cap, with, code);
    assert_eq!(line["truncated"], true);
    assert_eq!(stats.truncated, 1);
    line
}

/// `text` is the beginning of `full`, and not all of it; gives its length.
#[track_caller]
fn assert_begins(text: &Value, full: &str) -> usize {
    let text = text.as_str().expect("a string");
    assert!(full.starts_with(text) && text.len() < full.len(), "{text}");
    text.len()
}

/// Nests `count` spans with fields too short to be cut.
fn in_spans(count: usize, code: &mut dyn FnMut()) {
    if count == 0 {
        return code();
    }
    let span = tracing::info_span!("span", a = 1, b = "two", c = true, request_id = count);
    span.in_scope(|| in_spans(count - 1, code));
}
