//! Where the cap lies, and what no cut takes away.

use crate::support::Capture;
use crate::{assert_begins, capped_with, cut, cut_with, in_spans};
use serde_json::json;
use tracing_jsonl::{JsonLayer, Precision, Schema};
use tracing_subscriber::prelude::*;

#[test]
fn a_long_message_is_cut_and_the_identifiers_are_whole() {
    let (message, id) = ("é\n".repeat(40_000), "i".repeat(100));
    for cap in [512, 1024, 16_383] {
        let line = cut(cap, || tracing::info!(request_id = id, n = 1, "{message}"));
        assert!(assert_begins(&line["message"], &message) > 0);
        assert_eq!(line["metadata"]["request_id"], id);
    }
}

#[test]
fn huge_identifiers_are_cut_to_64_bytes_at_last() {
    let (id, other) = ("é".repeat(32 * 1024), "x".repeat(64 * 1024));
    for cap in [512, 1024, 16_383] {
        let line = cut(cap, || {
            let _span = tracing::info_span!("s", request_id = id).entered();
            tracing::info!(user_id = other, trace_id = 7, "m");
        });
        let kept = assert_begins(&line["metadata"]["request_id"], &id);
        assert!((60..=64).contains(&kept), "{kept}");
        assert_eq!(assert_begins(&line["metadata"]["user_id"], &other), 64);
        assert_eq!(line["metadata"]["trace_id"], "7");
    }
}

#[test]
fn a_huge_identifier_recorded_as_debug_is_unquoted_too() {
    let id = "i".repeat(64 * 1024);
    let line = cut(1024, || tracing::info!(user_id = ?id, "m"));
    assert_begins(&line["metadata"]["user_id"], &id);
}

#[test]
fn any_number_of_identifiers_fits() {
    let names: Vec<String> = (0..100)
        .map(|index| format!("id_{index}_{}", "n".repeat(50)))
        .collect();
    let name = names[0].clone();
    let (line, ..) = capped_with(
        512,
        |layer| {
            layer
                .with_identifiers(names)
                .with_static_field(name, "x".repeat(2000))
        },
        || tracing::info!("m"),
    );
    assert_eq!(line["message"], "m");
}

#[test]
fn names_that_are_too_long_are_cut_or_left_out() {
    // Each character of the second takes six bytes of the line.
    for name in ["n".repeat(4000), "\u{1}".repeat(80)] {
        let log = move || {
            capped_with(
                512,
                |layer| layer.with_thread(true).with_source_location(true),
                || tracing::info!(target: "\u{2}\u{2}\u{2}\u{2}\u{2}\u{2}\u{2}\u{2}", "m"),
            )
        };
        let thread = std::thread::Builder::new().name(name).spawn(log);
        let (line, ..) = thread.unwrap().join().expect("a line within its limit");
        assert_eq!(
            (&line["message"], &line["truncated"]),
            (&json!("m"), &json!(true))
        );
    }
}

#[test]
fn the_flat_schema_is_cut_in_the_same_order() {
    let text = "é\"".repeat(4000);
    let line = cut_with(
        700,
        |layer| {
            layer
                .with_schema(Schema::flat())
                .with_static_field("service", "shop")
        },
        || in_spans(30, &mut || tracing::info!(text, n = 1, trace_id = "t", "m")),
    );
    assert_begins(&line["text"], &text);
    assert_eq!(
        (&line["n"], &line["service"], &line["message"]),
        (&json!(1), &json!("shop"), &json!("m"))
    );
    assert_eq!(
        (&line["request_id"], &line["trace_id"]),
        (&json!("1"), &json!("t"))
    );
}

#[test]
fn the_cap_is_16383_unless_set_and_a_line_may_use_all_of_it() {
    let full = |length: usize| {
        let text = "x".repeat(length);
        let capture = Capture::default();
        let layer = JsonLayer::new(capture.clone());
        let log = || tracing::info!("{text}");
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        let truncated = capture.lines()[0].get("truncated").is_some();
        (capture.bytes().len() - 1, truncated)
    };
    let (around, _) = full(0);
    assert_eq!(full(16_383 - around), (16_383, false));
    let (length, truncated) = full(16_384 - around);
    assert!(length <= 16_383 && truncated);
}

#[test]
fn the_least_cap_is_512_and_zero_is_none() {
    let text = "x".repeat(300);
    let (line, length, _) = capped_with(512, |layer| layer, || tracing::info!(text, "m"));
    assert_eq!(
        (line["fields"]["text"].as_str(), line.get("truncated")),
        (Some(&*text), None)
    );
    let layer_of_one = |layer: JsonLayer<Capture>| layer.with_max_line_bytes(1);
    let (same, same_length, _) = capped_with(512, layer_of_one, || tracing::info!(text, "m"));
    assert_eq!((&same["fields"], same_length), (&line["fields"], length));
    let huge = "é".repeat(200_000);
    let (line, _, stats) = capped_with(0, |layer| layer, || tracing::info!(huge, "m"));
    assert_eq!(
        (line["fields"]["huge"].as_str(), stats.truncated),
        (Some(&*huge), 0)
    );
}

#[test]
fn the_least_line_has_room_for_everything_at_its_longest() {
    let name = "n".repeat(300);
    let text = "\u{1b}".repeat(300);
    let deep = std::thread::Builder::new().name(name.clone());
    let log = move || {
        let (line, ..) = capped_with(
            512,
            |layer| {
                let layer = layer.with_source_location(true).with_thread(true);
                let schema = Schema::default().with_precision(Precision::Nanos);
                layer.with_schema(schema).with_static_field(name, "x")
            },
            || {
                tracing::error!(
                    target: "log",
                    { log.target = text, log.file = text, log.line = u64::MAX, a = text },
                    "{text}"
                );
            },
        );
        assert!(!line["message"].as_str().unwrap().is_empty(), "{line}");
        assert!(line["thread"].is_string() && line["file"].is_string());
    };
    deep.spawn(log).unwrap().join().unwrap();
}
