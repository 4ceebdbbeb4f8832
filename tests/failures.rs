//! What a line shows when a field's own code fails, in events, new spans and `Span::record`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use serde_json::{Value, json};
use std::cell::Cell;
use std::error::Error;
use std::fmt::{self, Debug, Display};
use support::{Capture, logged};
use tracing::field::Empty;
use tracing_jsonl::JsonLayer;
use tracing_subscriber::prelude::*;

/// Writes `so far`, then fails in its way.
#[derive(Clone, Copy)]
enum Bad {
    ReturnsErr,
    Panics,
    PanicsWithNumber,
    /// The payload panics again when it is dropped.
    PanicsTwice,
}

impl Bad {
    fn write(self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("so far\n")?;
        match self {
            Self::ReturnsErr => Err(fmt::Error),
            Self::Panics => panic!("boom \"{}\"\n", 1),
            Self::PanicsWithNumber => std::panic::panic_any(7),
            Self::PanicsTwice => std::panic::panic_any(PanicsWhenDropped),
        }
    }
}

struct PanicsWhenDropped;

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

impl Debug for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f)
    }
}

impl Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f)
    }
}

impl Error for Bad {}

/// Logs `value` as an event's field, a new span's and a recorded one, each with a plain line
/// after it; gives what the lines have for it, with their `encode_errors`.
fn in_every_place(value: Bad) -> Vec<(Value, Value)> {
    let mut lines = logged(|| {
        tracing::info!(bad = ?value, after = 1, "event");
        tracing::info!(plain = 1, "next");
        tracing::info_span!("new", bad = %value, after = 1).in_scope(|| tracing::info!("in span"));
        tracing::info!(plain = 1, "next");
        let span = tracing::info_span!("later", bad = Empty, after = 1);
        span.record("bad", tracing::field::debug(value));
        span.in_scope(|| tracing::info!("in span"));
        tracing::info!(plain = 1, "next");
    });
    for plain in [5, 3, 1] {
        let plain = lines.remove(plain);
        assert_eq!(plain["message"], "next");
        assert_eq!(plain["fields"], json!({"plain": 1}));
        assert_eq!(plain.get("encode_errors"), None);
    }
    let found = |line: &Value| {
        let fields = line.get("fields").unwrap_or(&line["spans"][0]);
        assert_eq!(fields["after"], 1);
        (fields["bad"].clone(), line["encode_errors"].clone())
    };
    lines.iter().map(found).collect()
}

#[track_caller]
fn assert_everywhere(value: Bad, text: &str, error: &str) {
    for (shown, errors) in in_every_place(value) {
        assert_eq!(shown, text);
        let errors = errors.as_array().expect("encode_errors");
        assert_eq!(errors.len(), 1);
        assert_eq!(
            (&errors[0]["key"], &errors[0]["debug"]),
            (&json!("bad"), &json!(text))
        );
        let said = errors[0]["error"].as_str().unwrap();
        assert!(said.contains(error), "{said}");
    }
}

#[test]
fn formatting_that_returns_an_error_leaves_its_text_with_a_marker() {
    for (shown, errors) in in_every_place(Bad::ReturnsErr) {
        let shown = shown.as_str().unwrap();
        assert!(
            shown.starts_with("so far\n") && shown.len() > "so far\n".len(),
            "{shown}"
        );
        assert_eq!(errors[0]["key"], "bad");
    }
}

#[test]
fn formatting_that_panics_leaves_its_text_and_the_panic() {
    assert_everywhere(Bad::Panics, "so far\n!PANIC: boom \"1\"\n", "boom");
}

#[test]
fn a_panic_that_is_no_text_is_caught_too() {
    for value in [Bad::PanicsWithNumber, Bad::PanicsTwice] {
        for (shown, errors) in in_every_place(value) {
            let shown = shown.as_str().unwrap();
            assert!(shown.starts_with("so far\n!PANIC: "), "{shown}");
            assert_eq!(errors[0]["key"], "bad");
        }
    }
}

#[test]
fn a_message_that_fails_is_what_it_wrote() {
    let lines = logged(|| {
        tracing::info!("value {}", Bad::Panics);
        tracing::info!(message = ?Bad::Panics);
        tracing::info!(user_id = ?Bad::Panics, "id");
    });
    assert_eq!(lines[0]["message"], "value so far\n!PANIC: boom \"1\"\n");
    assert_eq!(lines[1]["message"], "so far\n!PANIC: boom \"1\"\n");
    assert_eq!(
        lines[2]["metadata"]["user_id"],
        "so far\n!PANIC: boom \"1\"\n"
    );
    let keys: Vec<_> = lines
        .iter()
        .map(|line| &line["encode_errors"][0]["key"])
        .collect();
    assert_eq!(keys, ["message", "message", "user_id"]);
}

/// An error of which a part fails.
#[derive(Debug)]
struct Chained {
    text: Result<&'static str, Bad>,
    source: Option<Box<dyn Error>>,
    source_panics: bool,
}

impl Display for Chained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.text {
            Ok(text) => f.write_str(text),
            Err(bad) => bad.write(f),
        }
    }
}

impl Error for Chained {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        assert!(!self.source_panics, "no source");
        self.source.as_deref()
    }
}

fn chained(text: Result<&'static str, Bad>, source: Option<Box<dyn Error>>) -> Chained {
    Chained {
        text,
        source,
        source_panics: false,
    }
}

#[test]
fn an_error_whose_text_or_source_fails_keeps_the_rest_of_its_chain() {
    let end = || Some(Box::new(chained(Ok("end"), None)) as Box<dyn Error>);
    let middle = Some(Box::new(chained(Err(Bad::Panics), end())) as Box<dyn Error>);
    let lines = logged(|| {
        tracing::info!(e = &chained(Err(Bad::Panics), end()) as &dyn Error);
        tracing::info!(e = &chained(Ok("top"), middle) as &dyn Error);
        let source_panics = Chained {
            source_panics: true,
            ..chained(Ok("top"), None)
        };
        tracing::info!(e = &source_panics as &dyn Error);
        tracing::info!(plain = 1, "next");
    });
    let panic = "so far\n!PANIC: boom \"1\"\n";
    let shown: Vec<_> = lines.iter().map(|line| &line["fields"]["e"]).collect();
    assert_eq!(*shown[0], json!({"message": panic, "chain": ["end"]}));
    assert_eq!(
        *shown[1],
        json!({"message": "top", "chain": [panic, "end"]})
    );
    assert_eq!(shown[2]["message"], "top");
    for (line, error) in lines.iter().zip(["boom", "boom", "no source"]) {
        assert_eq!(line["encode_errors"][0]["key"], "e");
        let said = line["encode_errors"][0]["error"].as_str().unwrap();
        assert!(said.contains(error), "{said}");
    }
    assert_eq!(lines[3]["fields"], json!({"plain": 1}));
}

#[test]
fn a_stand_in_that_fails_too_says_so() {
    struct Broken(Bad);
    impl Debug for Broken {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.write(f)
        }
    }
    impl serde::Serialize for Broken {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("not serializable"))
        }
    }
    let lines = logged(|| {
        tracing::info!(a = tracing_jsonl::json(Broken(Bad::Panics)), b = 1, "x");
        tracing::info!(a = tracing_jsonl::json(Broken(Bad::ReturnsErr)), b = 1, "x");
    });
    for line in &lines {
        assert_eq!(line["fields"], json!({"a": null, "b": 1}));
        assert_eq!(line["encode_errors"][0]["error"], "not serializable");
    }
    let debug = |line: &Value| {
        line["encode_errors"][0]["debug"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(debug(&lines[0]), "so far\n!PANIC: boom \"1\"\n");
    assert!(debug(&lines[1]).starts_with("so far\n"));
    assert!(debug(&lines[1]).len() > "so far\n".len());
}

#[test]
fn failures_are_counted_once_each() {
    let layer = JsonLayer::new(Capture::default());
    let stats = layer.stats();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        tracing::info!(a = ?Bad::Panics, b = f64::NAN, "two");
        assert_eq!(stats.get().fallbacks, 2);
        let span = tracing::info_span!("s", a = ?Bad::ReturnsErr, later = Empty);
        assert_eq!(stats.get().fallbacks, 3);
        span.record("later", tracing::field::debug(Bad::Panics));
        assert_eq!(stats.get().fallbacks, 4);
        span.in_scope(|| tracing::info!("in the span"));
        assert_eq!(stats.get().fallbacks, 4);
    });
    let stats = stats.get();
    assert_eq!((stats.emitted, stats.written), (2, 2));
}

/// Counts how often it is formatted.
struct Counted<'a>(&'a Cell<u32>);

impl Debug for Counted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.set(self.0.get() + 1);
        write!(f, "call {}", self.0.get())
    }
}

impl serde::Serialize for Counted<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{self:?}"))
    }
}

#[test]
fn each_value_is_formatted_once_per_layer() {
    for layers in 1..=2 {
        let mut subscriber: Box<dyn tracing_subscriber::Layer<_> + Send + Sync> =
            JsonLayer::new(Capture::default())
                .with_max_line_bytes(512)
                .boxed();
        if layers == 2 {
            subscriber = subscriber
                .and_then(JsonLayer::new(Capture::default()))
                .boxed();
        }
        tracing::subscriber::with_default(tracing_subscriber::registry().with(subscriber), || {
            let calls: [Cell<u32>; 5] = Default::default();
            let [event, message, value, span, later] = calls.each_ref().map(Counted);
            let entered = tracing::info_span!("s", a = ?span, later = Empty).entered();
            entered.record("later", tracing::field::debug(later));
            // Too long for one of the layers, which makes its line again.
            let long = "x".repeat(1000);
            tracing::info!(
                a = ?event, long, value = tracing_jsonl::json(value),
                "{:?}", message
            );
            tracing::info!("again in the span");
            assert_eq!(calls.each_ref().map(Cell::get), [layers; 5]);
        });
    }
}
