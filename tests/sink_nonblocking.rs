//! A pipe that others made non-blocking: the flag belongs to all who have it.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/child.rs"]
mod child;
mod sink_support;
mod support;

use child::{Child, To, in_order, pipe, read_slowly, tell_stats};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use sink_support::{sorted, told_dropped, until_all_is_told};
use std::time::Duration;
use support::figures::holds;
use tracing::info;
use tracing_jsonl::init_json_logging;

#[test]
fn child() {
    child::serve(&[("short", short), ("some_long", some_long)]);
}

const COUNT: u64 = 20_000;

/// Sets the flag, which is shared with whoever made the pipe, as a parent's event loop would.
fn set_flag() {
    let stdout = rustix::stdio::stdout();
    let flags = fcntl_getfl(stdout).unwrap();
    fcntl_setfl(stdout, flags | OFlags::NONBLOCK).unwrap();
}

fn log(size: impl Fn(u64) -> usize) {
    set_flag();
    let logging = init_json_logging();
    let text = "a".repeat(9_000);
    for number in 0..COUNT {
        let text = &text[..size(number)];
        info!(thread = 0, number, text, "an event");
    }
    until_all_is_told(&logging);
    tell_stats(&logging);
}

fn short() {
    log(|_| 100);
}

/// Some longer than what a pipe takes in one piece.
fn some_long() {
    log(|number| if number % 50 == 0 { 9_000 } else { 100 });
}

#[test]
fn a_non_blocking_pipe_with_a_slow_reader_loses_and_tears_nothing() {
    let (reader, writer) = pipe();
    let child = Child::new("some_long").env("LOG_STALL", "60s");
    let running = child.stdout(To::Descriptor(writer)).start();
    let bytes = read_slowly(reader, 16 * 1024, Duration::from_micros(1_500));
    let ended = running.wait().ok();
    let (lines, torn) = sorted(&bytes);
    let numbers = &in_order(&lines)[&0];
    assert_eq!((numbers, torn), (&(0..COUNT).collect(), 0));
    let long = lines.iter().filter(|line| line.to_string().len() > 9_000);
    assert_eq!(long.count(), 400);
    let [emitted, _, dropped, failed] = ended.stats();
    assert_eq!((emitted, dropped, failed), (COUNT + 1, 0, 0));
    let longest = bytes.split(|&byte| byte == b'\n').map(<[u8]>::len).max();
    let longest = longest.unwrap();
    holds!(
        6,
        ended.stats(),
        "lines of up to {longest} B to a slow reader: {dropped} dropped, {torn} torn"
    );
}

#[test]
fn a_non_blocking_pipe_with_a_reader_slower_than_the_stall_still_adds_up() {
    for case in ["short", "some_long"] {
        let (reader, writer) = pipe();
        let child = Child::new(case).env("LOG_STALL", "1ms");
        let running = child.stdout(To::Descriptor(writer)).start();
        let bytes = read_slowly(reader, 4 * 1024, Duration::from_millis(5));
        let [_, written, dropped, failed] = running.wait().ok().stats();
        assert!(dropped > 0, "the reader was not slow");
        assert_eq!(failed, 0);
        let (whole, torn) = sorted(&bytes);
        assert_eq!(whole.len() as u64, written);
        // Only what a pipe does not take in one piece can be given up in the middle.
        let may_be_torn = if case == "short" { 0 } else { dropped };
        assert!(torn as u64 <= may_be_torn, "{torn} torn, {dropped} dropped");
        in_order(&whole);
        let (told, reports) = told_dropped(&whole);
        assert_eq!(told, dropped, "{reports} reports");
    }
}
