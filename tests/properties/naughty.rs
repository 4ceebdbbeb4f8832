//! The Big List of Naughty Strings, wherever a line has text, to four parsers.

use serde_json::{Value, json};
use tracing::{Event, Level, Span, info_span};
use tracing_jsonl::{JsonLayer, Schema};
use tracing_subscriber::prelude::*;

use crate::foreign::read_by_all;
use crate::given::Given;
use crate::support::Capture;
use crate::{records, sites};

/// See `blns.LICENSE` beside it.
pub(crate) fn naughty_strings() -> Vec<String> {
    serde_json::from_str(include_str!("../data/blns.json")).unwrap()
}

/// The lines of each string under `schema`, to all parsers alike.
fn read(schema: &Schema, log: impl Fn(&str)) -> Vec<(String, Value)> {
    let capture = Capture::default();
    let layer = JsonLayer::new(capture.clone()).with_schema(schema.clone());
    let strings = naughty_strings();
    assert_eq!(strings.len(), 515);
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        for text in &strings {
            log(text);
        }
    });
    let lines = read_by_all(&capture.bytes());
    assert_eq!(lines.len(), strings.len());
    strings.into_iter().zip(lines).collect()
}

/// As message, target, key, value, identifier and in a span, at run time.
fn log_record(text: &str) {
    let _span = info_span!("s", in_span = text, user_id = ?text).entered();
    records::log(
        &log::Record::builder()
            .target(text)
            .args(format_args!("{text}"))
            .key_values(&[(text, text), ("request_id", text)])
            .build(),
    );
}

/// As the name of a span and of fields, and inside a value.
fn log_event(text: &str) {
    let given = [
        Given::Display(text.to_owned()),
        Given::Json(json!({text: [text]})),
    ];
    let keys = [text, "json"];
    let span = sites::span(text, keys);
    let _span = sites::with_values(span, &given, |values| Span::new(span, values).entered());
    let event = sites::event(text, Level::INFO, keys);
    sites::with_values(event, &given, |values| Event::dispatch(event, values));
}

#[test]
fn naughty_strings_read_back_to_every_parser() {
    for (text, line) in read(&Schema::default(), log_record) {
        assert_eq!([&line["message"], &line["target"]], [&text, &text]);
        assert_eq!(
            line["metadata"],
            json!({"request_id": text, "user_id": text})
        );
        assert_eq!(line["fields"], json!({&text: text}));
        assert_eq!(line["spans"], json!([{"name": "s", "in_span": text}]));
    }
    for (text, line) in read(&Schema::default(), log_event) {
        let members = json!({&text: text, "json": {&text: [text]}});
        let mut span = members.clone();
        span["name"] = text.as_str().into();
        assert_eq!(line["target"], text);
        assert_eq!(
            (&line["fields"], &line["spans"]),
            (&members, &json!([span]))
        );
    }
}

#[test]
fn naughty_strings_read_back_from_flat_lines_too() {
    for (text, line) in read(&Schema::flat(), log_record) {
        for key in [
            "message",
            "target",
            "request_id",
            "user_id",
            "in_span",
            text.as_str(),
        ] {
            assert_eq!(line[key], text, "{key}");
        }
        assert_eq!(line.as_object().unwrap().len(), 8);
    }
    for (text, line) in read(&Schema::flat(), log_event) {
        assert_eq!(
            (&line[&text], &line["target"]),
            (&json!(text), &json!(text))
        );
        assert_eq!(line["json"], json!({&text: [text]}));
        assert_eq!(line.as_object().unwrap().len(), 6);
    }
}
