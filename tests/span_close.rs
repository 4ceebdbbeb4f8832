//! Lines about spans that close, with how long they were busy and idle.
#![allow(clippy::expect_used)]

mod support;

use serde_json::Value;
use std::time::{Duration, Instant};
use support::{Capture, logged, logged_with};
use tracing::{debug, info_span};
use tracing_jsonl::{JsonLayer, LevelHandle};
use tracing_subscriber::prelude::*;

fn nanoseconds(line: &Value, key: &str) -> Duration {
    Duration::from_nanos(line["fields"][key].as_u64().expect("a number"))
}

#[test]
fn there_are_none_unless_asked_for() {
    assert!(logged(|| drop(info_span!("query").entered())).is_empty());
}

#[test]
fn a_line_says_which_span_closed_and_in_which_context() {
    let lines = logged_with(
        |layer| layer.with_span_close(true),
        || {
            let _request = info_span!("request", request_id = "r-7").entered();
            drop(tracing::warn_span!(target: "db", "query", table = "orders").entered());
        },
    );
    assert_eq!(lines.len(), 2);
    let line = &lines[0];
    assert_eq!(line["message"], "span closed");
    assert_eq!(
        (&line["level"], &line["target"]),
        (&"warn".into(), &"db".into())
    );
    assert_eq!(line["fields"]["span"], "query");
    assert_eq!(line["metadata"]["request_id"], "r-7");
    assert_eq!(line["spans"][1]["table"], "orders");
}

#[test]
fn a_span_entered_again_while_entered_is_busy_once_and_not_idle() {
    let nap = Duration::from_millis(20);
    let lines = logged_with(
        |layer| layer.with_span_close(true),
        || {
            let span = info_span!("query");
            let outer = span.enter();
            span.in_scope(|| std::thread::sleep(nap));
            std::thread::sleep(nap);
            drop(outer);
            std::thread::sleep(nap);
            drop(span);
        },
    );
    // Sleeps are at least as long as asked for; only that is counted on.
    assert!(nanoseconds(&lines[0], "busy_ns") >= 2 * nap, "{}", lines[0]);
    assert!(nanoseconds(&lines[0], "idle_ns") >= nap, "{}", lines[0]);
}

#[test]
fn a_span_entered_on_two_threads_is_busy_from_the_first_to_the_last() {
    let nap = Duration::from_millis(20);
    let capture = Capture::default();
    let layer = JsonLayer::new(capture.clone()).with_span_close(true);
    let dispatch = tracing::Dispatch::new(tracing_subscriber::registry().with(layer));
    tracing::dispatcher::with_default(&dispatch, || {
        let span = info_span!("query");
        let entered = span.enter();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                tracing::dispatcher::with_default(&dispatch, || {
                    span.in_scope(|| std::thread::sleep(nap));
                });
            });
        });
        std::thread::sleep(nap);
        drop(entered);
    });
    let line = &capture.lines()[0];
    assert!(nanoseconds(line, "busy_ns") >= 2 * nap, "{line}");
}

#[test]
fn they_obey_the_level_of_events() {
    let capture = Capture::default();
    let level = LevelHandle::new("warn,[{user_id=u-42}]=debug").expect("directives");
    let layer = JsonLayer::new(capture.clone())
        .with_level(&level)
        .with_span_close(true);
    let subscriber = tracing_subscriber::registry()
        .with(level.filter())
        .with(layer);
    tracing::subscriber::with_default(subscriber, || {
        for user_id in ["u-42", "u-7"] {
            info_span!("request", user_id).in_scope(|| debug!("in"));
        }
    });
    let lines = capture.lines();
    let said: Vec<_> = lines.iter().map(|line| &line["message"]).collect();
    assert_eq!(said, ["in", "span closed"]);
    assert_eq!(lines[1]["metadata"]["user_id"], "u-42");
}

#[test]
fn time_before_a_span_is_entered_is_idle() {
    let nap = Duration::from_millis(20);
    let mut inside = Duration::ZERO;
    let lines = logged_with(
        |layer| layer.with_span_close(true),
        || {
            let span = info_span!("query");
            std::thread::sleep(nap);
            let begin = Instant::now();
            span.in_scope(|| ());
            inside = begin.elapsed();
        },
    );
    assert!(nanoseconds(&lines[0], "idle_ns") >= nap, "{}", lines[0]);
    assert!(nanoseconds(&lines[0], "busy_ns") <= inside, "{}", lines[0]);
}
