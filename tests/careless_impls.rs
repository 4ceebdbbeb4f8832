//! `Serialize` impls, writers and layers of others that do not keep their own rules.

mod support;

use serde::ser::{Error, Serialize, SerializeMap, SerializeStruct, Serializer};
use serde_json::{Value, json};
use std::fmt;
use std::io;
use std::sync::Mutex;
use std::time::Duration;
use support::{Capture, logged, logged_with};
use tracing_jsonl::JsonLayer;
use tracing_subscriber::prelude::*;

struct By<F>(F);

impl<F> fmt::Debug for By<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("By")
    }
}

/// A map whose parts are written by a function that looks at no result.
impl<F: Fn(&mut dyn Parts)> Serialize for By<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        (self.0)(&mut Careless(&mut map));
        map.end()
    }
}

trait Parts {
    fn key(&mut self, key: &str);
    fn value(&mut self, value: &Value);
    fn failing_value(&mut self);
}

struct Careless<'a, M>(&'a mut M);

impl<M: SerializeMap> Parts for Careless<'_, M> {
    fn key(&mut self, key: &str) {
        let _ = self.0.serialize_key(key);
    }
    fn value(&mut self, value: &Value) {
        let _ = self.0.serialize_value(value);
    }
    fn failing_value(&mut self) {
        let _ = self.0.serialize_value(&Failing);
    }
}

/// Fails half way into an object.
struct Failing;

impl Serialize for Failing {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Failing", 2)?;
        object.serialize_field("x", &1)?;
        Err(S::Error::custom("half way"))
    }
}

#[track_caller]
fn stands_in<F: Fn(&mut dyn Parts)>(parts: F) {
    let value = By(parts);
    let lines = logged(|| tracing::info!(v = tracing_jsonl::json(&value), n = 1, "x"));
    assert_eq!(lines[0]["fields"], json!({"v": null, "n": 1}));
    assert_eq!(lines[0]["encode_errors"][0]["debug"], "By");
}

#[test]
fn a_swallowed_error_leaves_no_half_written_value() {
    stands_in(|map| {
        map.key("a");
        map.failing_value();
        map.key("b");
        map.value(&json!(1));
    });
}

#[test]
fn keys_and_values_that_do_not_pair_up_leave_no_broken_object() {
    stands_in(|map| map.key("a"));
    stands_in(|map| map.value(&json!(1)));
    stands_in(|map| {
        map.key("a");
        map.key("b");
        map.value(&json!(1));
    });
}

#[test]
fn text_that_claims_to_be_a_number_is_held_to_json() {
    struct Number;
    impl Serialize for Number {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let name = "$serde_json::private::Number";
            let mut number = serializer.serialize_struct(name, 1)?;
            number.serialize_field(name, "\n1\n")?;
            number.end()
        }
    }
    impl fmt::Debug for Number {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Number")
        }
    }
    let lines = logged(|| tracing::info!(v = tracing_jsonl::json(Number), "x"));
    assert_eq!(lines[0]["fields"], json!({"v": 1}));
}

/// Logs while it is flushed.
struct LogsOnFlush(Capture);

impl io::Write for LogsOnFlush {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        tracing::info!("from the writer");
        Ok(())
    }
}

#[test]
fn a_writer_that_logs_while_it_is_flushed_does_not_wait_for_itself() {
    let capture = Capture::default();
    let writer = Mutex::new(LogsOnFlush(capture.clone()));
    let logging = tracing_jsonl::Logging::builder()
        .writer(writer)
        .signals(false)
        .panics(tracing_jsonl::Panics::Off)
        .init();
    let (done, is_done) = std::sync::mpsc::channel();
    let flushed = logging.clone();
    std::thread::spawn(move || {
        flushed.flush();
        done.send(())
    });
    let waited = is_done.recv_timeout(Duration::from_secs(60));
    assert_eq!(waited, Ok(()), "flush hangs");
    let stats = logging.stats();
    assert_eq!((stats.emitted, stats.dropped), (1, 1));
}

#[test]
fn a_lock_that_another_layer_poisoned_costs_context_at_most() {
    struct Panics;
    impl fmt::Debug for Panics {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("under the lock of another layer")
        }
    }
    let capture = Capture::default();
    let subscriber = tracing_subscriber::registry()
        .with(tracing_subscriber::fmt::layer().with_writer(io::sink))
        .with(JsonLayer::new(capture.clone()));
    tracing::subscriber::with_default(subscriber, || {
        let span = tracing::info_span!("work", field = tracing::field::Empty);
        let record = || span.record("field", tracing::field::debug(Panics));
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            record();
        }));
        assert!(panicked.is_err(), "the other layer's own");
        // Entering and closing are ours alone to survive: the other layer does nothing then.
        let entered = span.enter();
        drop(entered);
        drop(span);
        // Outside of the span, which the other layer would still look into.
        let parent: Option<tracing::span::Id> = None;
        tracing::info!(parent: parent, "after");
    });
    let lines = capture.lines();
    assert_eq!(
        lines.last().map(|line| &line["message"]),
        Some(&json!("after"))
    );
}

#[test]
fn a_static_field_given_twice_is_the_last() {
    let lines = logged_with(
        |layer| {
            layer
                .with_static_field("service", "one")
                .with_static_field("service", "two")
        },
        || tracing::info!("x"),
    );
    assert_eq!(lines[0]["service"], "two");
    assert_eq!(lines[0].get("fields"), None);
}

#[test]
fn text_in_bytes_is_text_wherever_it_is_cut() {
    let text = "é".repeat(2_000);
    for limit in [1_000, 1_001] {
        let lines = logged_with(
            |layer| layer.with_max_line_bytes(limit),
            || tracing::info!(bytes = text.as_bytes(), "x"),
        );
        let shown = lines[0]["fields"]["bytes"]
            .as_str()
            .map(|shown| text.starts_with(shown));
        assert_eq!(shown, Some(true));
    }
}
