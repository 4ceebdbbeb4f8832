//! Hostile text in all places at once, keys and targets included.
#![allow(clippy::unwrap_used)]

mod hostile_support;
mod support;

use hostile_support::{Random, add, cases, log_record, written};
use serde_json::{Value, json};
use std::error::Error;
use std::fmt;
use support::figures::{counts, holds};
use tracing::{info, info_span};
use tracing_jsonl::{JsonLayer, Schema};

/// How many characters stand raw in UTF-8 that a terminal or a reader of lines acts on, by their
/// bytes: controls, DEL, C1, the separators of lines and paragraphs, bidirectional controls.
fn raw_controls(line: &[u8]) -> usize {
    let acts = |at: usize| {
        matches!(
            line[at..],
            [0x00..=0x1f | 0x7f, ..]
                | [0xc2, 0x80..=0x9f, ..]
                | [0xd8, 0x9c, ..]
                | [0xe2, 0x80, 0x8e | 0x8f | 0xa8..=0xae, ..]
                | [0xe2, 0x81, 0xa6..=0xa9, ..]
        )
    };
    (0..line.len()).filter(|&at| acts(at)).count()
}

/// Logs two lines with random text wherever a line has text, and says what they are to hold.
fn random_lines(random: &mut Random, expected: &mut Vec<Value>) {
    let [a, b, c, d] = [(); 4].map(|()| random.text(12));
    log_record(&a, &b, &c, &d);
    // A raw identifier's `r#` is Rust's.
    let key = b.strip_prefix("r#").unwrap_or(&b);
    expected.push(json!({"level": "info", "message": d, "target": a, "fields": {key: c}}));
    let error = Failed(b.clone());
    let _span =
        info_span!("s", a, debug = ?b, nested = tracing_jsonl::json(json!({&c: d}))).entered();
    info!(
        target: "t",
        user_id = a, display = %b, bytes = c.as_bytes(), error = &error as &dyn Error,
        nested = tracing_jsonl::json(json!([{&d: a}])),
        "{c}"
    );
    expected.push(json!({
        "level": "info", "message": c, "target": "t", "metadata": {"user_id": a},
        "fields": {"display": b, "bytes": c, "error": {"message": b, "chain": []}, "nested": [{&d: a}]},
        "spans": [{"name": "s", "a": a, "debug": format!("{b:?}"), "nested": {&c: d}}],
    }));
}

#[derive(Debug)]
struct Failed(String);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Failed {}

#[test]
fn no_random_text_puts_a_control_character_into_a_line() {
    const BATCH: usize = 2_000;
    let mut random = Random::new(31);
    let (mut sum, mut scanned, mut raw) = ([0; 4], 0, 0);
    for _ in 0..cases(5, 500) {
        let mut expected = Vec::new();
        let (bytes, stats) = written(
            |layer| layer,
            || (0..BATCH / 2).for_each(|_| random_lines(&mut random, &mut expected)),
        );
        scanned += bytes.len();
        let lines = bytes
            .strip_suffix(b"\n")
            .unwrap()
            .split(|&byte| byte == b'\n');
        raw += lines.map(raw_controls).sum::<usize>();
        let lines = support::lines(&bytes);
        assert_eq!(lines.len(), BATCH);
        for (mut line, expected) in lines.into_iter().zip(expected) {
            line.as_object_mut().unwrap().remove("timestamp");
            assert_eq!(line, expected);
        }
        add(&mut sum, counts(stats));
    }
    assert_eq!(raw, 0);
    holds!(
        31,
        sum,
        "{raw} raw control characters in {scanned} bytes of random lines"
    );
}

/// What loggers, shells, terminals, browsers, databases and spreadsheets have been made to act on.
const INTERPRETED: &[&str] = &[
    "${jndi:ldap://x}",
    "${${lower:j}ndi:${lower:l}dap://x/a}",
    "${env:PATH}",
    "$PATH",
    "%PATH%",
    "$(id)",
    "`id`",
    "%s%n%x%1$p",
    "%d %Y-%m-%dT%H:%M:%S",
    "{}",
    "{0}",
    "{name:?}",
    "{{",
    "}}",
    "#{1+1}",
    "{{7*7}}",
    "<%= 7 %>",
    "<script>alert(1)</script>",
    "]]>&lt;&#10;",
    "' OR 1=1 --",
    "=cmd|'/c calc'!A1",
    "\\u0022\\n\\x0a",
    "\"} {\"level\":\"error\",\"message\":\"forged",
    "\u{1b}[2J\u{1b}]0;title\u{7}",
    "\u{9b}31m",
    "RUST_LOG=trace",
    "\r\n\r\nHTTP/1.1 200 OK",
];

/// `text` in every place that has room for it; gives a line for each, and where it is in it.
fn everywhere(text: &str) -> Vec<&'static str> {
    log_record(text, "k", "v", "m");
    log_record("t", text, text, "m");
    log_record("t", "k", "v", text);
    info!("{text}");
    info!(message = text);
    info!(v = text, "m");
    info!(v = %text, "m");
    info!(v = &Failed(text.to_owned()) as &dyn Error, "m");
    info!(v = tracing_jsonl::json(json!({text: text})), "m");
    info!(request_id = text, "m");
    info!(request_id = ?text, "m");
    info_span!("s", v = text).in_scope(|| info!("m"));
    vec![
        "/target",
        "",
        "/message",
        "/message",
        "/message",
        "v",
        "v",
        "v/message",
        "v/",
        "request_id",
        "request_id",
        "span/v",
    ]
}

#[test]
fn text_that_others_interpret_stands_as_it_is() {
    type With = fn(JsonLayer<support::Capture>) -> JsonLayer<support::Capture>;
    // Where fields, identifiers and spans' fields are.
    let layouts: [(With, [&str; 3]); 2] = [
        (|layer| layer, ["/fields/", "/metadata/", "/spans/0/"]),
        (|layer| layer.with_schema(Schema::flat()), ["/", "/", "/"]),
    ];
    let (mut sum, mut places_tried) = ([0; 4], 0);
    for (with, [fields, metadata, span]) in layouts {
        for text in INTERPRETED {
            let mut places = Vec::new();
            let (bytes, stats) = written(
                |layer| with(layer.with_static_field(*text, *text)),
                || places = everywhere(text),
            );
            let lines = support::lines(&bytes);
            assert_eq!(lines.len(), places.len());
            for (line, place) in lines.iter().zip(places) {
                assert_eq!(line[*text], *text, "static field");
                let key = text.replace('~', "~0").replace('/', "~1");
                let pointer = match place {
                    // The static field has the name at the top level already.
                    "" if fields == "/" => format!("/fields.{key}"),
                    "" => format!("{fields}{key}"),
                    "v/" => format!("{fields}v/{key}"),
                    "request_id" => format!("{metadata}request_id"),
                    "span/v" => format!("{span}v"),
                    top if top.starts_with('/') => top.to_owned(),
                    field => format!("{fields}{field}"),
                };
                let found = line.pointer(&pointer).and_then(Value::as_str);
                assert_eq!(found, Some(*text), "{pointer} of {line}");
                places_tried += 1;
            }
            // What JSON does not have escaped is the same bytes.
            if serde_json::to_string(text).unwrap()[1..].starts_with(text)
                && !text.contains('\u{9b}')
            {
                for line in bytes
                    .strip_suffix(b"\n")
                    .unwrap()
                    .split(|&byte| byte == b'\n')
                {
                    // The static field's key and value, and the place.
                    let times = std::str::from_utf8(line).unwrap().matches(text).count();
                    assert!(times >= 3, "{text} {times} times");
                }
            }
            add(&mut sum, counts(stats));
        }
    }
    holds!(
        38,
        sum,
        "{} texts, {places_tried} places, each read back the same",
        INTERPRETED.len()
    );
}
