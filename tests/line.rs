//! The default line.
#![allow(clippy::unwrap_used)]

mod support;

use serde_json::{Value, json};
use std::error::Error;
use std::fmt;
use support::{Capture, lines, logged, logged_with, written_with};
use tracing_jsonl::JsonLayer;
use tracing_subscriber::prelude::*;

fn text_with(
    with: impl FnOnce(JsonLayer<Capture>) -> JsonLayer<Capture>,
    code: impl FnOnce(),
) -> String {
    let written = written_with(with, code);
    lines(&written);
    String::from_utf8(written).unwrap()
}

fn text(code: impl FnOnce()) -> String {
    text_with(|layer| layer, code)
}

fn fields(code: impl FnOnce()) -> Value {
    logged(code)[0]["fields"].clone()
}

/// Each of `parts` stands in `text`, in this order.
#[track_caller]
fn assert_in_order(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let at = rest
            .find(part)
            .unwrap_or_else(|| panic!("no {part} after the earlier parts in {text}"));
        rest = &rest[at + part.len()..];
    }
}

#[test]
fn the_line_of_the_readme() {
    let written = written_with(
        |layer| layer,
        || tracing::info!(target: "shop::checkout", request_id = "r-7", user_id = 42, order_id = 17, "order placed"),
    );
    assert_eq!(
        String::from_utf8(written).unwrap(),
        concat!(
            r#"{"timestamp":"2026-11-23T14:26:46.123456Z","level":"info","message":"order placed","#,
            r#""target":"shop::checkout","metadata":{"request_id":"r-7","user_id":"42"},"fields":{"order_id":17}}"#,
            "\n"
        )
    );
}

#[test]
fn keys_stand_in_the_documented_order() {
    let text = text_with(
        |layer| layer.with_max_line_bytes(512),
        || {
            let _span = tracing::info_span!("request", method = "GET").entered();
            let long = "x".repeat(2000);
            tracing::info!(
                user_id = "u",
                request_id = "r",
                ratio = f64::NAN,
                long,
                "hello"
            );
        },
    );
    let keys = [
        "timestamp",
        "level",
        "message",
        "target",
        "metadata",
        "request_id",
        "user_id",
        "fields",
        "spans",
        "truncated",
        "encode_errors",
    ];
    assert_in_order(
        &text,
        &keys
            .map(|key| format!("\"{key}\":"))
            .each_ref()
            .map(String::as_str),
    );
}

#[test]
fn one_event_is_one_write_that_ends_in_one_newline() {
    let capture = Capture::default();
    let layer = JsonLayer::new(capture.clone());
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        for count in 1..=20 {
            tracing::info!(text = "a\nb\r\n".repeat(count), "line\nbreak");
            assert_eq!((capture.calls(), capture.lines().len()), (count, count));
        }
    });
}

#[test]
fn levels_are_lower_case_names() {
    let lines = logged(|| {
        tracing::error!("x");
        tracing::warn!("x");
        tracing::info!("x");
        tracing::debug!("x");
        tracing::trace!("x");
    });
    let levels: Vec<_> = lines.iter().map(|line| &line["level"]).collect();
    assert_eq!(levels, ["error", "warn", "info", "debug", "trace"]);
}

#[test]
fn the_message_is_always_a_string() {
    let lines = logged(|| {
        tracing::info!(message = 42);
        tracing::info!(message = ?Some(1));
        tracing::info!(message = true);
        tracing::info!(message = 0.5);
        tracing::info!(message = f64::NAN);
        tracing::info!(message = tracing_jsonl::json([1]));
        tracing::info!(message = &Failed("late") as &dyn Error);
        tracing::info!(other = 1);
        tracing::info!("{} of {}", 1, 2);
    });
    let messages: Vec<_> = lines.iter().map(|line| &line["message"]).collect();
    assert_eq!(
        messages,
        [
            "42", "Some(1)", "true", "0.5", "NaN", "[1]", "late", "", "1 of 2"
        ]
    );
}

#[test]
fn the_text_stays_the_message_beside_a_field_of_that_name() {
    let lines = logged(|| {
        tracing::info!(message = "a", "b");
        tracing::info!(first = 1, message = "a");
    });
    assert_eq!(lines[0]["message"], "b");
    assert_eq!(lines[0]["fields"], json!({"message": "a"}));
    assert_eq!(lines[1]["message"], "a");
    assert_eq!(lines[1]["fields"], json!({"first": 1}));
}

#[test]
fn fields_keep_their_types() {
    let text = text(|| {
        tracing::info!(
            yes = true,
            least = i64::MIN,
            most = u64::MAX,
            small = -1_i8,
            one = 1.0,
            huge = 1e300,
            single = 0.5_f32,
            text = "t",
            debug = ?Some("x"),
            display = %7,
            i128 = i128::from(i64::MIN) - 1,
            u128 = 7_u128,
        );
    });
    let fields = concat!(
        r#""fields":{"yes":true,"least":-9223372036854775808,"most":18446744073709551615,"small":-1,"#,
        r#""one":1.0,"huge":1e+300,"single":0.5,"text":"t","debug":"Some(\"x\")","display":"7","#,
        r#""i128":"-9223372036854775809","u128":"7"}"#
    );
    assert!(text.contains(fields), "{text}");
}

#[test]
fn numbers_that_json_has_not_are_null_and_listed() {
    let log = || {
        tracing::info!(
            nan = f64::NAN,
            up = f64::INFINITY,
            down = f64::NEG_INFINITY,
            "x"
        );
    };
    let line = &logged(log)[0];
    assert_eq!(
        line["fields"],
        json!({"nan": null, "up": null, "down": null})
    );
    let listed: Vec<_> = line["encode_errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            (
                entry["key"].as_str().unwrap(),
                entry["debug"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        listed,
        [("nan", "NaN"), ("up", "Infinity"), ("down", "-Infinity")]
    );
    let as_text = &logged_with(|layer| layer.with_not_finite_as_text(true), log)[0];
    assert_eq!(
        as_text["fields"],
        json!({"nan": "NaN", "up": "Infinity", "down": "-Infinity"})
    );
    assert_eq!(as_text.get("encode_errors"), None);
}

#[derive(Debug)]
struct Failed(&'static str);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Failed {}

/// An error with a cause, which may be itself.
#[derive(Debug)]
struct Because(&'static str, Option<Box<dyn Error>>);

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Because {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.1
            .as_deref()
            .or((self.0 == "circle").then_some(self as _))
    }
}

#[test]
fn an_error_is_its_message_and_the_chain_of_its_sources() {
    let wrap = |text, error| Box::new(Because(text, Some(error))) as Box<dyn Error>;
    let error = wrap(
        "pay",
        wrap("send", wrap("connect", Box::new(Failed("refused")))),
    );
    assert_eq!(
        fields(|| tracing::info!(error, alone = &Failed("x") as &dyn Error)),
        json!({
            "error": {"message": "pay", "chain": ["send", "connect", "refused"]},
            "alone": {"message": "x", "chain": []},
        })
    );
}

#[test]
fn an_error_that_is_its_own_source_ends() {
    let error = Because("circle", None);
    let fields = fields(|| tracing::info!(error = &error as &dyn Error));
    assert_eq!(fields["error"]["message"], "circle");
    assert!(!fields["error"]["chain"].as_array().unwrap().is_empty());
}

#[test]
fn bytes_are_text_or_else_hexadecimal() {
    let (text, blob) = ("é\n".as_bytes(), &[0xff_u8, 0x00, 0x0a][..]);
    assert_eq!(
        fields(|| tracing::info!(text, blob)),
        json!({"text": "é\n", "blob": "ff000a"})
    );
}

#[test]
fn the_last_value_of_a_key_given_twice_wins() {
    let lines = logged(|| {
        let span = tracing::info_span!("s", b = 1, b = 2, c = tracing::field::Empty).entered();
        span.record("c", 3);
        span.record("c", "four");
        tracing::info!(
            a = 1,
            a = "two",
            request_id = 1,
            request_id = 2,
            r#type = 1,
            "type" = 2
        );
    });
    assert_eq!(lines[0]["fields"], json!({"a": "two", "type": 2}));
    assert_eq!(lines[0]["metadata"], json!({"request_id": "2"}));
    assert_eq!(
        lines[0]["spans"],
        json!([{"name": "s", "b": 2, "c": "four"}])
    );
}
