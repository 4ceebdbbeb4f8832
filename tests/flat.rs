//! The flat schema: everything at the top level, and no key twice.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use serde_json::{Value, json};
use support::{Capture, logged_with, written_with};
use tracing_jsonl::{JsonLayer, Schema};

fn flat(code: impl FnOnce()) -> Value {
    flat_with(|layer| layer, code)
}

fn flat_with(
    with: impl FnOnce(JsonLayer<Capture>) -> JsonLayer<Capture>,
    code: impl FnOnce(),
) -> Value {
    let mut lines = logged_with(|layer| with(layer.with_schema(Schema::flat())), code);
    assert_eq!(lines.len(), 1);
    lines.remove(0)
}

/// The members of a line besides those that every line has.
fn members(mut line: Value) -> Value {
    for key in ["timestamp", "level", "message", "target"] {
        line.as_object_mut().unwrap().remove(key).expect(key);
    }
    line
}

#[test]
fn everything_is_at_the_top_level_in_documented_order() {
    let written = written_with(
        |layer| layer.with_schema(Schema::flat()),
        || tracing::info!(target: "shop", order_id = 17, user_id = 42, request_id = "r-7", "placed"),
    );
    assert_eq!(
        String::from_utf8(written).unwrap(),
        concat!(
            r#"{"timestamp":"2026-11-23T14:26:46.123456Z","level":"info","message":"placed","#,
            r#""target":"shop","request_id":"r-7","user_id":"42","order_id":17}"#,
            "\n"
        )
    );
}

#[test]
fn the_event_beats_the_inner_span_and_the_inner_span_the_outer() {
    let line = flat(|| {
        let _outer =
            tracing::info_span!("outer", a = "outer", b = "outer", c = "outer", d = 1).entered();
        let _inner = tracing::info_span!("inner", a = "inner", b = "inner").entered();
        tracing::info!(a = "event", "x");
    });
    assert_eq!(
        members(line),
        json!({"a": "event", "b": "inner", "c": "outer", "d": 1})
    );
}

#[test]
fn what_is_recorded_later_in_the_outer_span_does_not_beat_the_inner() {
    let line = flat(|| {
        let outer = tracing::info_span!("outer", a = 1, b = 1);
        let _outer = outer.enter();
        let _inner = tracing::info_span!("inner", a = 2).entered();
        outer.record("a", 3);
        outer.record("b", 3);
        tracing::info!("x");
    });
    assert_eq!(members(line), json!({"a": 2, "b": 3}));
}

#[test]
fn a_field_of_a_reserved_name_is_renamed_and_never_lost() {
    let line = flat(|| {
        let _span = tracing::info_span!("s", timestamp = "span", encode_errors = 7).entered();
        tracing::info!(
            level = "mine",
            target = "mine",
            truncated = "mine",
            removed = 1,
            message = "m",
            "x"
        );
    });
    assert_eq!(line["level"], "info");
    assert_eq!(line["message"], "x");
    assert_eq!(
        members(line),
        json!({
            "fields.level": "mine",
            "fields.target": "mine",
            "fields.truncated": "mine",
            "fields.removed": 1,
            "fields.message": "m",
            "fields.timestamp": "span",
            "fields.encode_errors": 7,
        })
    );
}

#[test]
fn a_renamed_field_makes_way_for_a_field_of_that_name() {
    let line = flat(|| {
        tracing::info!(level = 1, "fields.level" = 2, "x");
    });
    assert_eq!(
        members(line),
        json!({"fields.fields.level": 1, "fields.level": 2})
    );
    // The other order, and the two in different places.
    let line = flat(|| {
        let _span =
            tracing::info_span!("s", "fields.level" = 2, "fields.fields.level" = 3).entered();
        tracing::info!(level = 1, "x");
    });
    assert_eq!(
        members(line),
        json!({"fields.fields.fields.level": 1, "fields.level": 2, "fields.fields.level": 3})
    );
}

#[test]
fn two_renamed_fields_make_way_for_each_other() {
    // The static field is renamed first, which makes `fields.level` a reserved key too.
    let line = flat_with(
        |layer| layer.with_static_field("level", "static"),
        || tracing::info!(level = 1, "fields.level" = 2, "x"),
    );
    let members = members(line);
    assert_eq!(members["fields.level"], "static");
    let mut rest: Vec<_> = members
        .as_object()
        .unwrap()
        .iter()
        .filter(|(key, _)| *key != "fields.level")
        .map(|(_, value)| value.clone())
        .collect();
    rest.sort_by_key(Value::as_u64);
    assert_eq!(rest, [1, 2]);
}

#[test]
fn static_fields_and_identifiers_are_reserved_too() {
    let line = flat_with(
        |layer| {
            layer
                .with_static_field("service", "shop")
                .with_identifiers(["level", "tenant"])
        },
        || {
            let _span = tracing::info_span!("s", tenant = 7).entered();
            tracing::info!(
                service = "mine",
                level = "id",
                "fields.level" = "field",
                "x"
            );
        },
    );
    assert_eq!(line["level"], "info");
    assert_eq!(
        members(line),
        json!({
            "service": "shop",
            "fields.level": "id",
            "tenant": "7",
            "fields.service": "mine",
            "fields.fields.level": "field",
        })
    );
}

#[test]
fn two_identifiers_are_never_given_one_key() {
    let line = flat_with(
        |layer| layer.with_identifiers(["level", "fields.level"]),
        || tracing::info!(level = "a", "fields.level" = "b", "x"),
    );
    let members = members(line);
    let mut values: Vec<_> = members.as_object().unwrap().values().collect();
    values.sort_by_key(|value| value.as_str());
    assert_eq!(values, ["a", "b"]);
}

#[test]
fn identifiers_come_from_spans_and_follow_precedence() {
    let line = flat(|| {
        let outer = tracing::info_span!("outer", request_id = "o", user_id = tracing::field::Empty);
        let _outer = outer.enter();
        let _inner = tracing::info_span!("inner", request_id = "i").entered();
        outer.record("user_id", 42);
        tracing::info!(trace_id = 1, "x");
    });
    assert_eq!(
        members(line),
        json!({"request_id": "i", "user_id": "42", "trace_id": "1"})
    );
}

#[test]
fn spans_left_out_leave_their_fields_out_and_identifiers_stay() {
    let line = flat_with(
        |layer| layer.with_spans(false),
        || {
            let _span = tracing::info_span!("s", request_id = "r", a = 1, b = 1).entered();
            tracing::info!(b = 2, "x");
        },
    );
    assert_eq!(members(line), json!({"request_id": "r", "b": 2}));
}

#[test]
fn failures_are_listed_at_the_top() {
    let line = flat(|| {
        let _span = tracing::info_span!("s", in_span = f64::NAN).entered();
        tracing::info!(in_event = f64::NAN, "x");
    });
    let keys: Vec<_> = line["encode_errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["key"])
        .collect();
    assert_eq!(keys, ["in_event", "in_span"]);
    assert_eq!(
        (&line["in_event"], &line["in_span"]),
        (&Value::Null, &Value::Null)
    );
}
