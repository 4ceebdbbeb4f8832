//! Where `metadata` comes from.
#![allow(clippy::unwrap_used)]

mod support;

use serde_json::{Value, json};
use support::{Capture, logged, logged_with};
use tracing::field::Empty;
use tracing::{Span, info, info_span};
use tracing_jsonl::JsonLayer;
use tracing_subscriber::prelude::*;

/// The `metadata` of each line that `code` logs.
fn metadata(code: impl FnOnce()) -> Vec<Value> {
    let lines = logged(code);
    lines.iter().map(|line| line["metadata"].clone()).collect()
}

#[test]
fn the_event_comes_first_and_then_the_innermost_span_that_has_it() {
    let found = metadata(|| {
        let _a = info_span!("a", request_id = "a", user_id = "a", trace_id = "a").entered();
        let _b = info_span!("b", request_id = "b", user_id = "b").entered();
        let _c = info_span!("c", other = 1).entered();
        info!(request_id = "event", "x");
    });
    assert_eq!(
        found,
        [json!({"request_id": "event", "user_id": "b", "trace_id": "a"})]
    );
}

#[test]
fn identifiers_that_were_lifted_are_nowhere_else() {
    let lines = logged(|| {
        let _span = info_span!("a", request_id = "a", kept = 1).entered();
        info!(user_id = 7, kept = 2, "x");
    });
    assert_eq!(lines[0]["spans"], json!([{"name": "a", "kept": 1}]));
    assert_eq!(lines[0]["fields"], json!({"kept": 2}));
}

#[test]
fn absent_identifiers_are_left_out_and_so_is_empty_metadata() {
    let lines = logged(|| {
        let _span = info_span!("a", request_id = Empty, user_id = None::<u64>).entered();
        info!(trace_id = Empty, "none");
        info!(trace_id = 1, "one");
    });
    assert_eq!(lines[0].get("metadata"), None);
    assert_eq!(lines[1]["metadata"], json!({"trace_id": "1"}));
}

#[test]
fn identifiers_are_strings_whatever_their_rust_type() {
    let values = metadata(|| {
        info!(user_id = 42_u64, "x");
        info!(user_id = -42, "x");
        info!(user_id = i128::MIN, "x");
        info!(user_id = u128::MAX, "x");
        info!(user_id = true, "x");
        info!(user_id = 1.0, "x");
        info!(user_id = f64::NAN, "x");
        info!(user_id = "u-42", "x");
        info!(user_id = String::from("u-42"), "x");
        info!(user_id = %"u-42", "x");
        info!(user_id = ?"u-42", "x");
        info!(user_id = ?"q\"\\\n\u{202e}é", "x");
        info!(user_id = ?Some("u-42"), "x");
        info!(user_id = ?7, "x");
        info!(user_id = b"u-42".as_slice(), "x");
        info!(user_id = &b"\xff"[..], "x");
        info!(user_id = tracing_jsonl::json("u-42"), "x");
        info!(user_id = tracing_jsonl::json(42), "x");
        info!(
            user_id = &std::io::Error::other("e") as &dyn std::error::Error,
            "x"
        );
        info!(user_id = "", "x");
    });
    let expected = [
        "42",
        "-42",
        "-170141183460469231731687303715884105728",
        "340282366920938463463374607431768211455",
        "true",
        "1.0",
        "NaN",
        "u-42",
        "u-42",
        "u-42",
        "u-42",
        "q\"\\\n\u{202e}é",
        "Some(\"u-42\")",
        "7",
        "u-42",
        "ff",
        "u-42",
        "42",
        "e",
        "",
    ];
    let values: Vec<_> = values
        .iter()
        .map(|value| value["user_id"].as_str())
        .collect();
    assert_eq!(values, expected.map(Some));
}

#[test]
fn an_explicit_parent_is_honoured() {
    let found = metadata(|| {
        let other = info_span!("other", request_id = "other");
        let child = info_span!(parent: &other, "child", user_id = 1);
        let root = info_span!(parent: None, "root", trace_id = 1);
        let _here = info_span!("here", request_id = "here").entered();
        info_span!(parent: None, "no parent", user_id = 2).in_scope(|| info!("x"));
        info!(parent: &child, "x");
        info!(parent: None, "x");
        info!(parent: &root, "x");
        root.in_scope(|| info!("x"));
        child.in_scope(|| info!("x"));
        info!("x");
    });
    assert_eq!(
        found,
        [
            json!({"user_id": "2"}),
            json!({"request_id": "other", "user_id": "1"}),
            Value::Null,
            json!({"trace_id": "1"}),
            json!({"trace_id": "1"}),
            json!({"request_id": "other", "user_id": "1"}),
            json!({"request_id": "here"}),
        ]
    );
}

#[test]
fn what_an_ancestor_records_later_is_seen_by_later_events() {
    let found = metadata(|| {
        let a = info_span!("a", request_id = Empty, user_id = Empty);
        let b = info_span!(parent: &a, "b", trace_id = Empty);
        let _c = info_span!(parent: &b, "c").entered();
        info!("before");
        a.record("request_id", "r-1");
        b.record("trace_id", 5);
        info!("after");
        a.record("request_id", "r-2");
        a.record("user_id", 7);
        info!("later");
    });
    assert_eq!(
        found,
        [
            Value::Null,
            json!({"request_id": "r-1", "trace_id": "5"}),
            json!({"request_id": "r-2", "user_id": "7", "trace_id": "5"}),
        ]
    );
}

#[test]
fn what_another_thread_records_is_seen_too() {
    let found = metadata(|| {
        let span = info_span!("a", request_id = Empty);
        let _entered = span.enter();
        let recording = span.clone();
        std::thread::spawn(move || {
            recording.record("request_id", "r-1");
        })
        .join()
        .unwrap();
        info!("x");
    });
    assert_eq!(found, [json!({"request_id": "r-1"})]);
}

#[test]
fn a_closed_parent_gives_a_line_without_identifiers() {
    let found = metadata(|| {
        let span = info_span!("gone", request_id = "gone");
        let id = span.id();
        drop(span);
        let _here = info_span!("here", request_id = "here").entered();
        info!(parent: id, "gone");
        info!(parent: tracing::Id::from_u64(999), "never was");
    });
    assert_eq!(found, [Value::Null, Value::Null]);
}

#[test]
fn a_span_entered_twice_is_left_once_it_was_left_twice() {
    let found = metadata(|| {
        let span = info_span!("a", request_id = "a");
        let outer = span.enter();
        let inner = span.enter();
        info!("twice");
        drop(inner);
        info!("once");
        drop(outer);
        info!("out");
    });
    let a = json!({"request_id": "a"});
    assert_eq!(found, [a.clone(), a, Value::Null]);
}

#[test]
fn spans_left_out_of_order_leave_the_others_in_place() {
    let found = metadata(|| {
        let (a, b) = (
            info_span!("a", request_id = "a"),
            info_span!("b", user_id = "b"),
        );
        let in_a = a.enter();
        let in_b = b.enter();
        drop(in_a);
        info!("in b");
        drop(in_b);
        info!("out");
    });
    assert_eq!(found, [json!({"user_id": "b"}), Value::Null]);
}

#[test]
fn the_list_of_identifiers_and_its_order_are_the_users() {
    let lines = logged_with(
        |layer| layer.with_identifiers(["tenant", "job"]),
        || {
            let _span = info_span!("a", job = 7).entered();
            info!(tenant = "t", request_id = "r", "x");
        },
    );
    assert_eq!(lines[0]["metadata"], json!({"tenant": "t", "job": "7"}));
    assert_eq!(lines[0]["fields"], json!({"request_id": "r"}));
    let none = logged_with(
        |layer| layer.with_identifiers([""; 0]),
        || info!(request_id = "r", "x"),
    );
    assert_eq!(none[0].get("metadata"), None);
}

#[test]
fn two_of_our_layers_and_one_of_another_kind_leave_each_other_alone() {
    let (ours, tenants, text) = (Capture::default(), Capture::default(), Capture::default());
    let subscriber = tracing_subscriber::registry()
        .with(JsonLayer::new(ours.clone()))
        .with(
            tracing_subscriber::fmt::layer()
                .with_writer(text.clone())
                .with_ansi(false),
        )
        .with(JsonLayer::new(tenants.clone()).with_identifiers(["tenant"]));
    tracing::subscriber::with_default(subscriber, || {
        let span = info_span!("s", tenant = "t", request_id = Empty);
        span.record("request_id", "r");
        span.in_scope(|| info!(a = 1, "x"));
    });
    let (ours, tenants) = (&ours.lines()[0], &tenants.lines()[0]);
    assert_eq!(ours["metadata"], json!({"request_id": "r"}));
    assert_eq!(ours["spans"], json!([{"name": "s", "tenant": "t"}]));
    assert_eq!(tenants["metadata"], json!({"tenant": "t"}));
    assert_eq!(tenants["spans"], json!([{"name": "s", "request_id": "r"}]));
    let text = String::from_utf8(text.bytes()).unwrap();
    assert!(text.contains(r#"s{tenant="t" request_id="r"}"#), "{text}");
    assert!(text.contains("x a=1"), "{text}");
}

#[tracing::instrument(skip_all, fields(request_id = %id, user_id))]
fn instrumented(id: &str) {
    Span::current().record("user_id", 42);
    info!("inside");
}

#[test]
fn an_instrumented_function_gives_its_events_its_identifiers() {
    let found = metadata(|| instrumented("r-1"));
    assert_eq!(found, [json!({"request_id": "r-1", "user_id": "42"})]);
}
