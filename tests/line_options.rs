//! The parts of the default line that come from spans and from options.
#![allow(clippy::unwrap_used)]

mod support;

use serde_json::json;
use support::{logged, logged_with};

#[test]
fn spans_go_from_root_to_leaf() {
    let lines = logged(|| {
        let _a = tracing::info_span!("outer", request_id = "r-1", a = 1).entered();
        let _b = tracing::info_span!("inner", b = 2).entered();
        tracing::info!("in");
    });
    assert_eq!(
        lines[0]["spans"].to_string(),
        r#"[{"a":1,"name":"outer"},{"b":2,"name":"inner"}]"#
    );
}

#[test]
fn span_fields_are_typed_as_event_fields_are() {
    let lines = logged(|| {
        let _span = tracing::info_span!(
            "s",
            yes = true,
            one = 1.0,
            most = u64::MAX,
            wide = 1_u128,
            nan = f64::NAN,
            blob = &[0xff_u8][..],
            value = tracing_jsonl::json([1, 2]),
            message = "not the line's",
        )
        .entered();
        tracing::info!("x");
    });
    assert_eq!(
        lines[0]["spans"],
        json!([{
            "name": "s", "yes": true, "one": 1.0, "most": u64::MAX, "wide": "1", "nan": null,
            "blob": "ff", "value": [1, 2], "message": "not the line's",
        }])
    );
    assert_eq!(lines[0]["message"], "x");
    assert_eq!(lines[0]["encode_errors"][0]["key"], "nan");
}

#[test]
fn a_span_field_called_name_is_renamed() {
    let lines = logged(|| {
        let _a = tracing::info_span!("a", name = 1).entered();
        let _b = tracing::info_span!("b", name = 1, "fields.name" = 2).entered();
        tracing::info!("x");
    });
    assert_eq!(
        lines[0]["spans"],
        json!([
            {"name": "a", "fields.name": 1},
            {"name": "b", "fields.name": 2, "fields.fields.name": 1},
        ])
    );
}

#[test]
fn no_span_and_no_field_leave_their_keys_out() {
    let lines = logged(|| tracing::info!(target: "t", "x"));
    assert_eq!(
        lines[0],
        json!({"timestamp": "2026-11-23T14:26:46.123456Z", "level": "info", "message": "x", "target": "t"})
    );
}

#[test]
fn spans_can_be_left_out_and_identifiers_stay() {
    let lines = logged_with(
        |layer| layer.with_spans(false),
        || {
            let span = tracing::info_span!(
                "s",
                request_id = "r",
                user_id = tracing::field::Empty,
                a = 1
            );
            span.record("user_id", 7);
            span.in_scope(|| tracing::info!(b = 2, "x"));
        },
    );
    assert_eq!(lines[0].get("spans"), None);
    assert_eq!(
        lines[0]["metadata"],
        json!({"request_id": "r", "user_id": "7"})
    );
    assert_eq!(lines[0]["fields"], json!({"b": 2}));
}

#[test]
fn static_fields_are_on_every_line() {
    let lines = logged_with(
        |layer| {
            layer
                .with_static_field("service", "shop")
                .with_static_field("version", "1.2.3")
        },
        || {
            tracing::info!(service = "mine", "x");
            tracing::error!("y");
        },
    );
    for line in &lines {
        assert_eq!(
            (&line["service"], &line["version"]),
            (&json!("shop"), &json!("1.2.3"))
        );
    }
    assert_eq!(lines[0]["fields"], json!({"service": "mine"}));
}

#[test]
fn a_static_field_of_a_reserved_name_is_renamed() {
    let reserved = [
        "timestamp",
        "level",
        "message",
        "target",
        "metadata",
        "fields",
        "spans",
        "truncated",
        "removed",
        "encode_errors",
        "file",
        "line",
        "thread",
        "thread_id",
    ];
    let lines = logged_with(
        |layer| {
            let layer = layer.with_source_location(true).with_thread(true);
            let twice = ["fields.level"].into_iter().chain(reserved);
            twice.fold(layer, |layer, key| layer.with_static_field(key, "mine"))
        },
        || tracing::info!(request_id = "r", a = 1, "x"),
    );
    let line = &lines[0];
    assert_eq!(line["level"], "info");
    assert_eq!(line["message"], "x");
    assert_eq!(line["metadata"], json!({"request_id": "r"}));
    assert_eq!(line["fields"], json!({"a": 1}));
    assert_eq!(line["fields.fields.level"], "mine");
    for key in reserved {
        assert_eq!(line[format!("fields.{key}")], "mine", "{key}");
    }
}

#[test]
fn the_source_location_is_opt_in() {
    let log = || tracing::info!("x");
    let line = &logged_with(|layer| layer.with_source_location(true), log)[0];
    assert!(line["file"].as_str().unwrap().ends_with("line_options.rs"));
    assert!(line["line"].is_u64());
    assert_eq!(logged(log)[0].get("file"), None);
}

#[test]
fn the_thread_is_opt_in() {
    let log = || tracing::info!("x");
    let threads = move || {
        let named = logged_with(|layer| layer.with_thread(true), log);
        (named[0].clone(), logged(log)[0].clone())
    };
    let thread = std::thread::Builder::new().name("worker-1".to_owned());
    let (with, without) = thread.spawn(threads).unwrap().join().unwrap();
    assert_eq!(with["thread"], "worker-1");
    assert!(with["thread_id"].is_u64());
    assert_eq!(without.get("thread").or(without.get("thread_id")), None);
    let (unnamed, _) = std::thread::spawn(threads).join().unwrap();
    assert_eq!(unnamed.get("thread"), None);
    assert!(unnamed["thread_id"].is_u64());
}
