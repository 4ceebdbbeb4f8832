//! `with_test_writer`: the harness shows the lines of failed tests only.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/child.rs"]
mod child;
mod support;

use child::Child;
use tracing::info;
use tracing_jsonl::{JsonLayer, Logging, Sink};
use tracing_subscriber::prelude::*;

fn log_in_child(case: &str) {
    if child::is(case) {
        let logging = Logging::builder().with_test_writer().init();
        info!(order_id = 17, "a line of a test");
        assert_eq!(logging.stats().written, 1);
        assert!(!case.starts_with("fail"), "on purpose");
    }
}

#[test]
fn passes() {
    log_in_child("passes");
}

#[test]
fn fails() {
    log_in_child("fails");
}

#[test]
fn fails_with_a_layer() {
    if child::is("fails_with_a_layer") {
        let layer = JsonLayer::new(Sink::stdout()).with_test_writer();
        let _guard = tracing_subscriber::registry().with(layer).set_default();
        info!("a line of a test");
        panic!("on purpose");
    }
}

#[test]
fn passes_with_a_layer() {
    if child::is("passes_with_a_layer") {
        let layer = JsonLayer::new(Sink::stdout()).with_test_writer();
        let _guard = tracing_subscriber::registry().with(layer).set_default();
        info!("a line of a test");
    }
}

#[test]
fn a_test_that_passes_shows_no_line() {
    for case in ["passes", "passes_with_a_layer"] {
        let ended = Child::captured(case).run().ok();
        let stdout = String::from_utf8(ended.stdout).unwrap();
        assert!(stdout.contains("1 passed"), "{stdout}");
        assert!(!stdout.contains("a line of a test"), "{stdout}");
        assert_eq!(ended.stderr, "");
    }
}

#[test]
fn a_test_that_fails_shows_its_lines() {
    for case in ["fails", "fails_with_a_layer"] {
        let ended = Child::captured(case).run();
        assert_eq!(ended.status.code(), Some(101));
        let stdout = String::from_utf8(ended.stdout).unwrap();
        let line = stdout
            .lines()
            .find(|line| line.contains("a line of a test"));
        let line = support::strict(line.expect("the line").as_bytes());
        assert_eq!(line["message"], "a line of a test");
        assert!(stdout.contains("on purpose"), "{stdout}");
    }
}
