//! Whatever is logged, under whatever cap: one line, valid, within the cap, and exact where
//! nothing was cut.
#![allow(clippy::unwrap_used)]

mod support;

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::fmt::Write;
use support::{Capture, lines};
use tracing_jsonl::{JsonLayer, Schema};
use tracing_subscriber::prelude::*;

/// Few enough for a quick run; `PROPTEST_CASES` asks for more.
fn cases() -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok());
    ProptestConfig {
        cases: asked.unwrap_or(100),
        // Nothing is to be written into the source tree.
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Text in which what needs an escape is as common as what does not.
fn text() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        any::<char>(),
        proptest::char::range(' ', '~'),
        proptest::char::range('\0', '\u{a0}'),
        prop::sample::select(
            "\"\\\n\r\u{7f}\u{61c}\u{200e}\u{2028}\u{202e}\u{2066}é€😀"
                .chars()
                .collect::<Vec<_>>()
        ),
    ];
    prop_oneof![
        4 => prop::collection::vec(character.clone(), 0..20),
        1 => prop::collection::vec(character, 0..600),
    ]
    .prop_map(String::from_iter)
}

/// Any JSON, with floats that every parser reads back the same.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i32>().prop_map(|number| Value::from(f64::from(number) / 8.0)),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 60, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::vec((text(), inner), 0..8)
                .prop_map(|members| Value::Object(Map::from_iter(members))),
        ]
    })
}

/// Mostly caps at which lines like these have to be cut.
fn cap() -> impl Strategy<Value = usize> {
    prop_oneof![512..2048_usize, Just(16_383), Just(0)]
}

/// The one line that `code` logs, which keeps to the cap.
fn line_under(cap: usize, schema: Schema, code: impl FnOnce()) -> Value {
    let capture = Capture::default();
    let layer = JsonLayer::new(capture.clone())
        .with_schema(schema)
        .with_max_line_bytes(cap)
        .with_static_field("service", "shop");
    let stats = layer.stats();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), code);
    let (bytes, stats) = (capture.bytes(), stats.get());
    assert_eq!((stats.emitted, stats.written), (1, 1));
    assert!(
        cap == 0 || bytes.len() <= cap + 1,
        "{} bytes in place of {cap}",
        bytes.len()
    );
    let mut lines = lines(&bytes);
    assert_eq!(lines.len(), 1);
    let line = lines.remove(0);
    assert_eq!(line["level"], "info");
    assert_eq!(line["timestamp"].as_str().map(str::len), Some(27));
    assert_eq!(line.get("truncated").is_some(), stats.truncated == 1);
    line
}

/// `shown` is all of `given`, or its beginning.
fn is_beginning(shown: &Value, given: &str) -> bool {
    shown.as_str().is_none_or(|shown| given.starts_with(shown))
}

/// The text of a line with JSON from elsewhere in it.
fn raw_line(raw: String) -> String {
    let raw = serde_json::value::RawValue::from_string(raw).unwrap();
    let capture = Capture::default();
    let layer = JsonLayer::new(capture.clone());
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        tracing::info!(raw = tracing_jsonl::json(&raw), "x");
    });
    capture.lines();
    String::from_utf8(capture.bytes()).unwrap()
}

/// What stands for a number of this name in a line.
fn token<'a>(line: &'a str, key: &str) -> &'a str {
    let rest = line.split_once(&format!("\"{key}\":")).unwrap().1;
    rest.split([',', '}']).next().unwrap()
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn every_event_is_one_valid_line_within_the_cap(
        cap in cap(),
        message in text(),
        id in text(),
        texts in [text(), text(), text()],
        value in value(),
        number in any::<f64>(),
    ) {
        let [a, b, in_span] = &texts;
        let line = line_under(cap, Schema::default(), || {
            let _outer = tracing::info_span!("outer", user_id = id, in_span, name = 1).entered();
            let _inner = tracing::info_span!("inner", value = tracing_jsonl::json(&value)).entered();
            tracing::info!(
                request_id = id, a, b = %b, number, debug = ?b, value = tracing_jsonl::json(&value), "{message}"
            );
        });
        if line.get("truncated").is_none() {
            prop_assert_eq!(&line["message"], &message);
            prop_assert_eq!(&line["metadata"], &json!({"request_id": id, "user_id": id}));
            prop_assert_eq!(&line["spans"], &json!([
                {"name": "outer", "fields.name": 1, "in_span": in_span},
                {"name": "inner", "value": value},
            ]));
            prop_assert_eq!(&line["fields"]["a"], a);
            prop_assert_eq!(&line["fields"]["b"], b);
            prop_assert_eq!(&line["fields"]["debug"], &format!("{b:?}"));
            prop_assert_eq!(&line["fields"]["value"], &value);
            prop_assert_eq!(line["fields"]["number"].is_null(), !number.is_finite());
        } else {
            prop_assert!(is_beginning(&line["message"], &message));
            prop_assert!(is_beginning(&line["metadata"]["request_id"], &id));
            prop_assert!(is_beginning(&line["fields"]["a"], a));
            prop_assert!(is_beginning(&line["fields"]["b"], b));
        }
    }

    #[test]
    fn every_event_is_one_valid_flat_line_within_the_cap(
        cap in cap(),
        message in text(),
        id in text(),
        texts in [text(), text()],
        value in value(),
    ) {
        let [a, b] = &texts;
        let line = line_under(cap, Schema::flat(), || {
            let _outer = tracing::info_span!("outer", user_id = id, a = %a, b, level = b).entered();
            let _inner = tracing::info_span!("inner", a, "fields.level" = a, service = b).entered();
            tracing::info!(request_id = id, timestamp = a, value = tracing_jsonl::json(&value), "{message}");
        });
        prop_assert!(is_beginning(&line["service"], "shop"));
        if line.get("truncated").is_none() {
            let mut members = line;
            for key in ["timestamp", "level", "target"] {
                members.as_object_mut().unwrap().remove(key);
            }
            prop_assert_eq!(members, json!({
                "message": message, "service": "shop", "request_id": id, "user_id": id,
                "a": a, "b": b, "fields.level": a, "fields.fields.level": b,
                "fields.service": b, "fields.timestamp": a, "value": value,
            }));
        }
    }

    #[test]
    fn every_number_reads_back_as_it_was(float in any::<f64>(), single in any::<f32>(), int in any::<i64>()) {
        let capture = Capture::default();
        let layer = JsonLayer::new(capture.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            tracing::info!(float, json = tracing_jsonl::json(float), single = tracing_jsonl::json(single), int, "x");
        });
        let text = String::from_utf8(capture.bytes()).unwrap();
        lines(text.as_bytes());
        // The standard library reads floats exactly, which not every JSON parser does.
        for key in ["float", "json"] {
            let read: Option<f64> = token(&text, key).parse().ok();
            prop_assert_eq!(read.map(f64::to_bits), float.is_finite().then(|| float.to_bits()));
        }
        let read: Option<f32> = token(&text, "single").parse().ok();
        prop_assert_eq!(read.map(f32::to_bits), single.is_finite().then(|| single.to_bits()));
        prop_assert_eq!(token(&text, "int"), int.to_string());
    }

    #[test]
    fn json_from_elsewhere_is_the_same_json_with_unique_keys(
        members in prop::collection::vec((text(), value()), 0..6),
        more in value(),
    ) {
        // Written by hand, with every key twice and a line break in between.
        let mut raw = String::from("{\n");
        let all = members.iter().map(|(key, _)| (key, &more));
        for (key, value) in all.chain(members.iter().map(|(key, value)| (key, value))) {
            let comma = if raw.len() > 2 { ",\r\n" } else { "" };
            let _ = write!(raw, "{comma}{}:{value}", Value::from(key.as_str()));
        }
        raw.push('}');
        let raw = serde_json::value::RawValue::from_string(raw).unwrap();
        let line = line_under(0, Schema::default(), || tracing::info!(raw = tracing_jsonl::json(&raw), "x"));
        prop_assert_eq!(&line["fields"]["raw"], &Value::Object(Map::from_iter(members)));
    }

    #[test]
    fn floats_from_elsewhere_keep_their_value(float in any::<f64>()) {
        prop_assume!(float.is_finite());
        // The twin makes the value be read and written again.
        let text = raw_line(format!(r#"{{"twice":0,"twice":{float:e}}}"#));
        let read = token(&text, "twice").parse::<f64>();
        prop_assert_eq!(read.map(f64::to_bits), Ok(float.to_bits()));
    }

    #[test]
    fn integers_from_elsewhere_keep_their_digits(wide in any::<u128>()) {
        let text = raw_line(format!(r#"{{"wide":{wide}}}"#));
        // A string, as 128-bit integers are, or the digits as they came.
        prop_assert_eq!(token(&text, "wide").trim_matches('"'), wide.to_string());
    }

    #[test]
    fn bytes_read_back(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let line = line_under(0, Schema::default(), || tracing::info!(bytes = &bytes[..], "x"));
        let expected = String::from_utf8(bytes).unwrap_or_else(|error| {
            let mut hex = String::new();
            for byte in error.as_bytes() {
                let _ = write!(hex, "{byte:02x}");
            }
            hex
        });
        prop_assert_eq!(&line["fields"]["bytes"], &expected);
    }

    #[test]
    fn identifiers_read_back_through_debug_and_display(id in text()) {
        let line = line_under(0, Schema::default(), || tracing::info!(request_id = ?id, trace_id = ?id.as_str(), "x"));
        prop_assert_eq!(&line["metadata"], &json!({"request_id": id, "trace_id": id}));
    }
}
