//! Fields that log while they are formatted.
//!
//! Under a scoped subscriber `tracing` itself drops the inner event, so the layer here is global,
//! and the tests take turns.
#![allow(clippy::unwrap_used)]

mod support;

use serde_json::{Value, json};
use std::error::Error;
use std::fmt::{self, Debug};
use std::sync::{Mutex, OnceLock, PoisonError, mpsc};
use std::time::{Duration, Instant};
use support::Capture;
use support::figures::{counts, holds};
use tracing::field::Empty;
use tracing_jsonl::{JsonLayer, Stats, StatsHandle};
use tracing_subscriber::prelude::*;

/// Runs `code` on a thread of its own, which must come back; gives its lines, and the counts
/// before and after.
fn logged(code: impl FnOnce() + Send + 'static) -> (Vec<Value>, [Stats; 2]) {
    static GLOBAL: OnceLock<(Capture, StatsHandle)> = OnceLock::new();
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let (capture, stats) = GLOBAL.get_or_init(|| {
        let capture = Capture::default();
        let layer = JsonLayer::new(capture.clone());
        let stats = layer.stats();
        tracing_subscriber::registry().with(layer).init();
        (capture, stats)
    });
    capture.clear();
    let before = stats.get();
    let (done, is_done) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        code();
        done.send(()).unwrap();
    });
    let waited = is_done.recv_timeout(Duration::from_secs(20));
    assert_ne!(
        waited,
        Err(mpsc::RecvTimeoutError::Timeout),
        "the log call hangs"
    );
    thread.join().unwrap();
    let after = stats.get();
    assert_eq!(after.emitted, after.written + after.dropped + after.failed);
    (capture.lines(), [before, after])
}

/// What became of events in between.
fn between([before, after]: [Stats; 2]) -> [u64; 4] {
    let (before, mut after) = (counts(before), counts(after));
    after
        .iter_mut()
        .zip(before)
        .for_each(|(after, before)| *after -= before);
    after
}

/// A `Debug` made of a function.
struct By<F>(F);

impl<F: Fn(&mut fmt::Formatter<'_>) -> fmt::Result> Debug for By<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (self.0)(f)
    }
}

impl<F: Fn(&mut fmt::Formatter<'_>) -> fmt::Result> serde::Serialize for By<F> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{self:?}"))
    }
}

/// Logs in the middle of its text.
fn chatty() -> impl Debug + serde::Serialize {
    By(|f: &mut fmt::Formatter<'_>| {
        f.write_str("be")?;
        tracing::info!(request_id = "inner", nested = tracing_jsonl::json([1]), text = ?Some(1), "inner");
        f.write_str("fore")
    })
}

#[track_caller]
fn assert_inner(line: &Value) {
    assert_eq!(line["message"], "inner");
    assert_eq!(line["metadata"], json!({"request_id": "inner"}));
    assert_eq!(line["fields"], json!({"nested": [1], "text": "Some(1)"}));
    assert_eq!(line.get("encode_errors"), None);
}

#[test]
fn a_field_that_logs_gives_two_complete_lines() {
    let (lines, _) = logged(|| {
        tracing::info!(a = 1, b = ?chatty(), c = tracing_jsonl::json([2]), "outer {:?}", chatty());
    });
    assert_eq!(lines.len(), 3);
    assert_inner(&lines[0]);
    assert_inner(&lines[1]);
    assert_eq!(lines[2]["message"], "outer before");
    assert_eq!(lines[2]["fields"], json!({"a": 1, "b": "before", "c": [2]}));
    assert_eq!(lines[2].get("metadata"), None);
}

#[test]
fn a_json_value_that_logs_gives_two_complete_lines() {
    let (lines, _) = logged(|| {
        tracing::info!(a = tracing_jsonl::json((chatty(), 1)), "outer");
    });
    assert_inner(&lines[0]);
    assert_eq!(lines[1]["fields"], json!({"a": ["before", 1]}));
}

/// An error without a text of its own to speak of, whose source is what logs.
#[derive(Debug)]
struct Wrapped<E>(E);

impl<E: Error + 'static> fmt::Display for Wrapped<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("wrapped")
    }
}

impl<E: Error + 'static> Error for Wrapped<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

#[derive(Debug)]
struct Chatty;

impl fmt::Display for Chatty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", chatty())
    }
}

impl Error for Chatty {}

#[test]
fn a_field_that_logs_deadlocks_nowhere() {
    let (ended, has_ended) = mpsc::channel();
    let (lines, stats) = logged(move || {
        let begin = Instant::now();
        let error = Wrapped(Chatty);
        let error: &(dyn Error + 'static) = &error;
        tracing::info!(a = ?chatty(), error, "event");
        let outer = tracing::info_span!("outer", user_id = Empty).entered();
        let span = tracing::info_span!("span", a = ?chatty(), later = Empty);
        span.record("later", tracing::field::debug(chatty()));
        outer.record("user_id", tracing::field::debug(chatty()));
        span.in_scope(|| tracing::info!("in span"));
        ended.send(begin.elapsed()).unwrap();
    });
    let took = has_ended.recv().unwrap();
    assert_eq!(lines.len(), 7);
    assert_inner(&lines[0]);
    assert_inner(&lines[1]);
    let error = json!({"message": "wrapped", "chain": ["before"]});
    assert_eq!(lines[2]["fields"], json!({"a": "before", "error": error}));
    for line in &lines[3..6] {
        assert_inner_in_span(line);
    }
    assert_eq!(lines[6]["metadata"], json!({"user_id": "before"}));
    assert_eq!(
        lines[6]["spans"],
        json!([{"name": "outer"}, {"name": "span", "a": "before", "later": "before"}])
    );
    let counts = between(stats);
    assert_eq!(counts, [7, 7, 0, 0]);
    holds!(
        25,
        counts,
        "event field, error source, span attribute, Span::record: {} valid lines in {} ms",
        lines.len(),
        took.as_millis()
    );
}

#[track_caller]
fn assert_inner_in_span(line: &Value) {
    assert_inner(line);
    assert_eq!(line["spans"][0]["name"], "outer");
}

#[test]
fn a_field_that_records_into_the_span_it_is_recorded_in_does_not_deadlock() {
    let (lines, _) = logged(|| {
        let span = tracing::info_span!("span", a = Empty, b = Empty);
        let inside = span.clone();
        let recording = By(move |f: &mut fmt::Formatter<'_>| {
            inside.record("b", 2);
            inside.in_scope(|| tracing::info!("inner"));
            f.write_str("a")
        });
        span.record("a", tracing::field::debug(&recording));
        span.in_scope(|| tracing::info!("outer"));
    });
    assert_eq!(lines[0]["spans"], json!([{"name": "span", "b": 2}]));
    assert_eq!(
        lines[1]["spans"],
        json!([{"name": "span", "a": "a", "b": 2}])
    );
}

#[test]
fn a_field_that_waits_for_another_thread_that_logs_does_not_deadlock() {
    let (lines, _) = logged(|| {
        let span = tracing::info_span!("span", a = Empty);
        let waiting = By(|f: &mut fmt::Formatter<'_>| {
            let other = std::thread::spawn(|| tracing::info!("inner"));
            other.join().map_err(|_| fmt::Error)?;
            f.write_str("waited")
        });
        span.record("a", tracing::field::debug(&waiting));
        span.in_scope(|| tracing::info!(b = ?waiting, "outer"));
    });
    assert_eq!((lines.len(), &lines[0]["message"]), (3, &json!("inner")));
    assert_eq!(lines[2]["spans"], json!([{"name": "span", "a": "waited"}]));
    assert_eq!(lines[2]["fields"], json!({"b": "waited"}));
}

/// How many events stand inside each other at most.
const DEPTH: usize = 8;

#[test]
fn a_field_that_logs_itself_ends_and_is_counted() {
    struct Recursive;
    impl Debug for Recursive {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            tracing::info!(again = ?Recursive, "deeper");
            f.write_str("text")
        }
    }
    let (lines, stats) = logged(|| {
        tracing::info!(first = ?Recursive, "outermost");
        tracing::info!("next");
    });
    let said = |message: &str| {
        let says = |line: &&Value| line["message"] == message;
        lines.iter().filter(says).collect::<Vec<_>>()
    };
    let deeper = said("deeper");
    assert_eq!(deeper.len(), DEPTH - 1);
    assert!(deeper.iter().all(|line| line["fields"]["again"] == "text"));
    assert_eq!(said("outermost")[0]["fields"]["first"], "text");
    assert_eq!(lines.last().unwrap()["message"], "next");
    let told = said("log lines were dropped");
    assert_eq!((told.len(), &told[0]["fields"]["dropped"]), (1, &json!(1)));
    assert_eq!(lines.len(), DEPTH + 2);
    let counts = between(stats);
    assert_eq!(counts, [DEPTH as u64 + 3, DEPTH as u64 + 2, 1, 0]);
    holds!(
        26,
        counts,
        "a Debug that logs itself: {} lines inside each other, {} dropped and told of",
        deeper.len() + 1,
        counts[2]
    );
}

#[test]
fn a_field_that_logs_and_then_panics_spoils_neither_line() {
    let (lines, _) = logged(|| {
        let value = By(|f: &mut fmt::Formatter<'_>| {
            write!(f, "{:?}", chatty())?;
            panic!("boom")
        });
        tracing::info!(a = ?value, b = 1, "outer");
        tracing::info!(c = 1, "next");
    });
    assert_inner(&lines[0]);
    assert_eq!(
        lines[1]["fields"],
        json!({"a": "before!PANIC: boom", "b": 1})
    );
    assert_eq!(lines[2]["fields"], json!({"c": 1}));
}

#[test]
fn a_json_value_logged_elsewhere_by_a_field_stays_elsewhere() {
    let text = Capture::default();
    let writer = text.clone();
    let (lines, _) = logged(move || {
        let other = tracing_subscriber::fmt()
            .with_writer(writer)
            .with_ansi(false)
            .finish();
        let other = tracing::Dispatch::new(other);
        let trap = By(move |f: &mut fmt::Formatter<'_>| {
            tracing::dispatcher::with_default(&other, || {
                tracing::info!(secret = tracing_jsonl::json(["foreign"]), "elsewhere");
            });
            f.write_str("own")
        });
        tracing::info!(?trap, after = tracing_jsonl::json([1]), "outer");
        let span = tracing::info_span!("span", ?trap);
        span.in_scope(|| tracing::info!("in span"));
    });
    assert_eq!(lines[0]["fields"], json!({"trap": "own", "after": [1]}));
    assert_eq!(lines[1]["spans"], json!([{"name": "span", "trap": "own"}]));
    let text = String::from_utf8(text.bytes()).unwrap();
    assert_eq!(
        text.matches(r#"elsewhere secret=["foreign"]"#).count(),
        2,
        "{text}"
    );
}

/// Opens a span with itself in it while it is formatted.
struct OpensItself;

impl Debug for OpensItself {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let _span = tracing::info_span!("inner", field = ?OpensItself).entered();
        f.write_str("opened")
    }
}

#[test]
fn a_field_that_opens_spans_with_itself_comes_to_an_end() {
    let (lines, [before, after]) = logged(|| {
        let _span = tracing::info_span!("outer", field = ?OpensItself).entered();
        tracing::info!("in");
    });
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["spans"][0]["field"], "opened");
    assert!(after.fallbacks > before.fallbacks);
}
