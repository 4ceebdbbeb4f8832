//! Fields in numbers that no line has room for: a `log` record may have any, and values any depth.

use crate::hostile_support::bridge;
use crate::{capped_with, cut};
use log::kv;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tracing::info;
use tracing_jsonl::{JsonLayer, Schema};

const MANY: usize = 20_000;

/// What compares each with each takes minutes.
const AT_ONCE: Duration = Duration::from_secs(30);

/// The keys `a00000`, `a00001`, …
fn names(count: usize) -> Vec<String> {
    (0..count).map(|index| format!("a{index:05}")).collect()
}

#[track_caller]
fn record(cap: usize, flat: bool, values: &[(&str, kv::Value<'_>)]) -> Value {
    bridge();
    let begin = Instant::now();
    let layer = |layer: JsonLayer<_>| {
        if flat {
            layer.with_schema(Schema::flat())
        } else {
            layer
        }
    };
    let (line, ..) = capped_with(cap, layer, || {
        let record = log::Record::builder()
            .level(log::Level::Info)
            .target("t")
            .key_values(&values)
            .args(format_args!("m"))
            .build();
        log::logger().log(&record);
    });
    assert!(begin.elapsed() < AT_ONCE, "{:?}", begin.elapsed());
    assert_eq!(line["message"], "m");
    assert_eq!(
        line.pointer(if flat {
            "/user_id"
        } else {
            "/metadata/user_id"
        }),
        Some(&json!("u"))
    );
    line
}

/// How many of the many are left in a line.
fn left(line: &Value) -> usize {
    let fields = line.get("fields").unwrap_or(line).as_object().unwrap();
    fields.keys().filter(|key| key.starts_with('a')).count()
}

#[test]
fn thousands_of_key_values_are_a_line_at_once_and_as_many_stay_as_fit() {
    let names = names(MANY);
    let mut values: Vec<(&str, kv::Value<'_>)> = vec![("user_id", "u".into())];
    values.extend(names.iter().map(|name| (name.as_str(), kv::Value::from(7))));
    for (cap, flat) in [
        (512, false),
        (16_383, false),
        (16_383, true),
        (0, false),
        (0, true),
    ] {
        let line = record(cap, flat, &values);
        let left = left(&line);
        if cap == 0 {
            assert_eq!(left, MANY);
            continue;
        }
        assert_eq!(line["removed"], MANY - left);
        let used = left * r#""a00000":7,"#.len();
        assert!(used + 200 > cap, "{used} bytes of {cap} are fields");
    }
}

#[test]
fn thousands_of_errors_are_a_line_at_once() {
    let names = names(3_000);
    let text = "so it failed ".repeat(30);
    let errors: Vec<_> = names
        .iter()
        .map(|_| std::io::Error::other(text.as_str()))
        .collect();
    let mut values: Vec<(&str, kv::Value<'_>)> = vec![("user_id", "u".into())];
    let errors = names.iter().zip(&errors);
    values.extend(errors.map(|(name, error)| (name.as_str(), kv::Value::from_dyn_error(error))));
    for flat in [false, true] {
        let line = record(16_383, flat, &values);
        assert_eq!(line["removed"], names.len() - left(&line));
    }
}

#[test]
fn a_deep_value_that_is_too_long_goes_as_a_whole() {
    let mut deep = json!("end");
    for _ in 0..100 {
        deep = json!({"a key of some length": [deep]});
    }
    let line = cut(1024, || {
        info!(deep = tracing_jsonl::json(&deep), n = 1, "m");
    });
    assert_eq!(line["fields"], json!({"deep": null, "n": 1}));
    let text = line["encode_errors"][0]["debug"].as_str().unwrap();
    assert!(
        deep.to_string().starts_with(text) && text.len() >= 60,
        "{text}"
    );
}
