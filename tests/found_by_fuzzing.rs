//! What fuzzing found.
#![allow(clippy::unwrap_used)]

mod support;

use serde_json::{Value, value::RawValue};
use support::{logged, logged_with};
use tracing_jsonl::json;

#[test]
fn a_number_that_no_reader_has_costs_the_value_its_type_and_no_reader_the_line() {
    for text in ["5e12345", "[1,-1e400]", r#"{"a":1e999,"a":1e999}"#] {
        let raw = RawValue::from_string(text.to_owned()).unwrap();
        let lines = logged(|| tracing::info!(raw = json(&raw), "x"));
        assert_eq!(lines[0]["fields"]["raw"], Value::Null);
        assert_eq!(lines[0]["encode_errors"][0]["key"], "raw");
    }
}

#[test]
fn target_file_and_line_keep_their_type_and_the_cap_whatever_poses_as_a_record() {
    let long = std::io::Error::other("x".repeat(2000));
    let long: &(dyn std::error::Error + 'static) = &long;
    let with = |layer: tracing_jsonl::JsonLayer<_>| {
        layer.with_max_line_bytes(512).with_source_location(true)
    };
    let lines = logged_with(with, || {
        tracing::info!(target: "log", { log.target = long, log.file = long, log.line = long }, "x");
        tracing::info!(target: "log", { log.target = 5, log.file = true, log.line = "y" }, "x");
    });
    for line in lines {
        assert!(line.to_string().len() <= 512, "{line}");
        assert!(
            line["target"].is_string() && line["file"].is_string(),
            "{line}"
        );
        assert!(line["line"].is_u64(), "{line}");
    }
}
