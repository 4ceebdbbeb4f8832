//! Hostile text, wherever it stands in a line, is the same text to a parser and nothing to a terminal.
//! That no control character comes through raw is checked by the strict parser on every line.
#![allow(clippy::unwrap_used)]

mod support;

use serde_json::{Value, json};
use support::{logged, logged_with, written_with};

/// What a terminal, a log shipper or a JSON parser would act on.
const HOSTILE: &str = "q\" b\\ n\n r\r t\t nul\0 esc\u{1b}[31m del\u{7f} c1\u{85}\u{9b} ls\u{2028} ps\u{2029} \
     bidi\u{202a}\u{202e}\u{2066}\u{2069}\u{200e}\u{200f}\u{61c} é€😀 ${jndi:x} %s {}";

#[test]
fn hostile_values_read_back_as_they_were() {
    let lines = logged(|| {
        tracing::info!(
            request_id = HOSTILE,
            text = HOSTILE,
            display = %HOSTILE,
            bytes = HOSTILE.as_bytes(),
            nested = tracing_jsonl::json([HOSTILE]),
            error = &std::io::Error::other(HOSTILE) as &dyn std::error::Error,
            "{HOSTILE}"
        );
    });
    assert_eq!(lines[0]["message"], HOSTILE);
    assert_eq!(lines[0]["metadata"], json!({"request_id": HOSTILE}));
    assert_eq!(
        lines[0]["fields"],
        json!({
            "text": HOSTILE,
            "display": HOSTILE,
            "bytes": HOSTILE,
            "nested": [HOSTILE],
            "error": {"message": HOSTILE, "chain": []},
        })
    );
}

#[test]
fn hidden_characters_are_escapes_and_plain_ones_are_not() {
    let written = written_with(
        |layer| layer,
        || tracing::info!("\u{7f}\u{80}\u{9f}\u{2028}\u{202e}\u{2066} é€😀"),
    );
    let text = String::from_utf8(written).unwrap();
    let expected = r#""message":"\u007f\u0080\u009f\u2028\u202e\u2066 é€😀""#;
    assert!(text.contains(expected), "{text}");
}

#[test]
fn hostile_field_names_are_escaped_as_values_are() {
    let lines = logged(|| {
        let _span = tracing::info_span!("s", "k\"\n\u{2029}" = 1).entered();
        tracing::info!(
            "a\"b" = 1,
            "\u{85}\u{202e}" = 2,
            "\",\"level\":\"error" = 3,
            "line\nbreak" = 4,
            "" = 5,
            "back\\slash" = f64::NAN,
            "x"
        );
    });
    assert_eq!(
        lines[0]["fields"],
        json!({
            "a\"b": 1,
            "\u{85}\u{202e}": 2,
            "\",\"level\":\"error": 3,
            "line\nbreak": 4,
            "": 5,
            "back\\slash": null,
        })
    );
    assert_eq!(lines[0]["level"], "info");
    assert_eq!(lines[0]["spans"][0]["k\"\n\u{2029}"], 1);
    assert_eq!(lines[0]["encode_errors"][0]["key"], "back\\slash");
}

#[test]
fn hostile_targets_and_span_names_are_escaped() {
    let lines = logged(|| {
        let _span = tracing::info_span!("span\"\n\u{2028}\u{7f}").entered();
        tracing::info!(target: "target\"\n\u{202e}\u{9b}", "x");
    });
    assert_eq!(lines[0]["target"], "target\"\n\u{202e}\u{9b}");
    assert_eq!(
        lines[0]["spans"],
        json!([{"name": "span\"\n\u{2028}\u{7f}"}])
    );
}

#[test]
fn hostile_names_from_code_are_escaped() {
    let name = "thread\"\n\u{202e}\u{85}";
    let log = || {
        logged_with(
            |layer| {
                layer
                    .with_thread(true)
                    .with_static_field("static\"\n\u{2028}", "value\"\n\u{2028}")
                    .with_identifiers(["id\"\n\u{7f}"])
            },
            || tracing::info!("id\"\n\u{7f}" = 7, "x"),
        )
    };
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(log);
    let lines: Vec<Value> = thread.unwrap().join().unwrap();
    assert_eq!(lines[0]["thread"], name);
    assert_eq!(lines[0]["static\"\n\u{2028}"], "value\"\n\u{2028}");
    assert_eq!(lines[0]["metadata"], json!({"id\"\n\u{7f}": "7"}));
}

#[test]
fn hostile_names_inside_json_values_read_back_as_they_were() {
    let value = json!({HOSTILE: {HOSTILE: HOSTILE}});
    let lines = logged(|| tracing::info!(value = tracing_jsonl::json(&value), "x"));
    assert_eq!(lines[0]["fields"]["value"], value);
}

#[test]
fn controls_that_have_a_short_escape_are_given_it() {
    let line = written_with(
        |layer| layer,
        || tracing::info!("\n\r\t\u{8}\u{c}\u{b}\"\\/"),
    );
    let line = String::from_utf8(line).unwrap();
    let expected = r#""message":"\n\r\t\b\f\u000b\"\\/""#;
    assert!(line.contains(expected), "{line}");
}
