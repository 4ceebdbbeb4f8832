//! What is cut before what.

use crate::{assert_begins, capped_with, cut, cut_with, in_spans};
use serde_json::{Map, Value, json};

fn object<T: Into<Value>>(members: impl Iterator<Item = (String, T)>) -> Value {
    Value::Object(
        members
            .map(|(key, value)| (key, value.into()))
            .collect::<Map<_, _>>(),
    )
}

#[test]
fn the_longest_strings_are_cut_first_and_everything_else_stays() {
    let (long, longer) = ("a".repeat(700), "é€😀\"\n".repeat(200));
    let line = cut(1024, || {
        let _span = tracing::info_span!("s", request_id = "r", method = "GET").entered();
        tracing::info!(
            long,
            longer,
            short = "s",
            number = 1,
            value = tracing_jsonl::json([1]),
            "m"
        );
    });
    let kept = [
        assert_begins(&line["fields"]["long"], &long),
        assert_begins(&line["fields"]["longer"], &longer),
    ];
    assert!(kept.iter().all(|&kept| kept > 32), "{kept:?}");
    assert_eq!(line["fields"]["short"], "s");
    assert_eq!(line["fields"]["number"], 1);
    assert_eq!(line["fields"]["value"], json!([1]));
    assert_eq!(line["spans"], json!([{"name": "s", "method": "GET"}]));
    assert_eq!(line["metadata"], json!({"request_id": "r"}));
    assert_eq!(line["message"], "m");
    assert_eq!(line.get("removed"), None);
}

#[test]
fn strings_are_cut_no_more_than_the_line_needs() {
    for cap in 600..700 {
        let text = "x".repeat(1000);
        let (line, length, _) = capped_with(cap, |layer| layer, || tracing::info!(text, "m"));
        assert_begins(&line["fields"]["text"], &text);
        assert!(length + 16 >= cap, "{length} of {cap} bytes used");
    }
}

#[test]
fn a_cut_splits_no_character_at_any_length() {
    let text = "é€😀\"\\\n\u{1b}\u{2028}ab".repeat(60);
    for cap in 512..620 {
        let line = cut(cap, || tracing::info!(text, "m"));
        assert_begins(&line["fields"]["text"], &text);
    }
}

#[test]
fn json_values_go_next_to_null_with_cut_text() {
    // One that could fit a line, and one that could not.
    for members in [100, 900] {
        let wide = object((0..members).map(|index| (format!("k{index}"), index)));
        let line = cut(1024, || {
            let _span = tracing::info_span!("s", method = "GET").entered();
            tracing::info!(
                wide = tracing_jsonl::json(&wide),
                small = tracing_jsonl::json([1]),
                n = 1,
                "m"
            );
        });
        assert_eq!(line["fields"], json!({"wide": null, "small": [1], "n": 1}));
        assert_eq!(line["spans"], json!([{"name": "s", "method": "GET"}]));
        assert_eq!(line["encode_errors"][0]["key"], "wide");
        let text = line["encode_errors"][0]["debug"].as_str().unwrap();
        assert!(text.contains("k0"), "{text}");
    }
}

#[test]
fn a_json_value_longer_than_any_line_is_cut_text_whatever_its_debug_format() {
    #[derive(serde::Serialize)]
    struct Short(Vec<u32>);
    impl std::fmt::Debug for Short {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("short")
        }
    }
    let value = Short((0..100_000).collect());
    let line = cut(16_383, || {
        tracing::info!(value = tracing_jsonl::json(&value), n = 1, "m");
    });
    assert_eq!(line["fields"], json!({"value": null, "n": 1}));
    assert_eq!(line["encode_errors"][0]["key"], "value");
}

#[test]
fn what_a_cut_json_value_listed_goes_with_it() {
    let many = vec![f64::NAN; 2000];
    let line = cut_with(
        16_383,
        |layer| layer.with_static_field("service", "shop"),
        || {
            let _span = tracing::info_span!("s", method = "GET").entered();
            tracing::info!(many = tracing_jsonl::json(&many), n = 1, "m");
        },
    );
    assert_eq!(line["fields"], json!({"many": null, "n": 1}));
    assert_eq!(line["spans"], json!([{"name": "s", "method": "GET"}]));
    assert_eq!(line["service"], "shop");
    assert_eq!(line["encode_errors"][0]["key"], "many");
}

#[test]
fn a_name_in_encode_errors_is_the_fields_own() {
    // One that could fit a line, and one that could not.
    for length in [250, 500] {
        let wide: Vec<u32> = (0..length).collect();
        let message = "m".repeat(200);
        let line = cut(1024, || {
            tracing::info!("a\"\\é" = tracing_jsonl::json(&wide), "{message}");
        });
        assert_eq!(line["encode_errors"][0]["key"], "a\"\\é");
    }
}

#[test]
fn the_cut_text_of_a_json_value_stays_when_the_spans_go() {
    let wide: Vec<u32> = (0..250).collect();
    let line = cut(1024, || {
        in_spans(40, &mut || {
            tracing::info!(wide = tracing_jsonl::json(&wide), n = 1, "m");
        });
    });
    assert_eq!(line["fields"], json!({"wide": null, "n": 1}));
    assert_eq!(line["encode_errors"][0]["key"], "wide");
}

#[test]
fn spans_go_next_and_their_identifiers_stay() {
    let line = cut(1024, || in_spans(50, &mut || tracing::info!(n = 1, "m")));
    assert_eq!(line["fields"], json!({"n": 1}));
    assert_eq!(line["metadata"], json!({"request_id": "1"}));
    assert_eq!(line["message"], "m");
    let spans = line.get("spans").and_then(Value::as_array);
    assert!(
        spans.is_none_or(
            |spans| spans.len() < 50 || spans.iter().any(|span| span.get("a").is_none())
        )
    );
}

/// An event with so many fields, static fields and `extra` bytes of message.
fn crowded(cap: usize, statics: usize, extra: usize) -> Value {
    cut_with(
        cap,
        |layer| {
            (0..statics).fold(layer, |layer, index| {
                layer.with_static_field(format!("static{index}"), "value")
            })
        },
        || {
            let message = "m".repeat(extra);
            tracing::info!(
                user_id = 7,
                f0 = 0,
                f1 = 1,
                f2 = 2,
                f3 = 3,
                f4 = 4,
                f5 = 5,
                f6 = 6,
                f7 = 7,
                f8 = 8,
                f9 = 9,
                g0 = 0,
                g1 = 1,
                g2 = 2,
                g3 = 3,
                g4 = 4,
                g5 = 5,
                g6 = 6,
                g7 = 7,
                g8 = 8,
                g9 = 9,
                "{message}"
            );
        },
    )
}

fn count(line: &Value, prefix: &str) -> usize {
    let object = line.as_object().unwrap();
    object.keys().filter(|key| key.starts_with(prefix)).count()
}

fn fields(line: &Value) -> usize {
    line.get("fields")
        .map_or(0, |fields| fields.as_object().unwrap().len())
}

#[test]
fn fields_go_before_static_fields_and_these_before_the_message() {
    for extra in 300..600 {
        let line = crowded(600, 5, extra);
        let (fields, statics) = (fields(&line), count(&line, "static"));
        assert!(statics == 5 || fields == 0, "message of {extra}: {line}");
        let message = line["message"].as_str().unwrap().len();
        assert!(
            message == extra || statics == 0,
            "message of {extra}: {line}"
        );
        assert_eq!(line["metadata"], json!({"user_id": "7"}));
        assert_eq!(line["removed"], json!(20 - fields + 5 - statics));
    }
}

#[test]
fn static_fields_that_no_line_has_room_for_are_removed_and_numbered() {
    let line = crowded(1024, 200, 10);
    let (left, statics) = (fields(&line), count(&line, "static"));
    assert_eq!(left, 0);
    assert!(statics < 200);
    assert_eq!(line["removed"], 20 + 200 - statics);
    assert_eq!(line["message"], "m".repeat(10));
    assert_eq!(line["metadata"], json!({"user_id": "7"}));
}
