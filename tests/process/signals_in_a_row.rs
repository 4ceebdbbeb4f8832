//! Signals that follow each other at once.
//!
//! They are sent by the main thread, so that each is handled before the next is sent: of two that
//! are pending at once, no process can tell which was first.

use crate::child::{Child, said, tell, tell_stats, wait_until};
use rustix::process::{Signal, getpid, kill_process};
use serde_json::Value;
use std::thread;
use std::time::Duration;
use tracing_jsonl::{Logging, init_json_logging};

fn send(signal: Signal) {
    kill_process(getpid(), signal).unwrap();
}

fn wait_for_level(logging: &Logging, level: &str) {
    wait_until(level, || logging.level().current() == level);
}

/// From and to.
fn changes(lines: &[Value]) -> Vec<(&str, &str)> {
    let told = said(lines, "log level changed").into_iter();
    told.map(|line| {
        let [from, to] = ["from", "to"].map(|name| line["fields"][name].as_str().unwrap());
        (from, to)
    })
    .collect()
}

pub(crate) fn last_wins() {
    assert_eq!(rustix::thread::gettid(), getpid(), "not the main thread");
    let logging = init_json_logging();
    for _ in 0..300 {
        send(Signal::USR2);
        send(Signal::USR1);
        wait_for_level(&logging, "debug");
        thread::sleep(Duration::from_micros(300));
        assert_eq!(logging.level().current(), "debug");
        send(Signal::USR1);
        send(Signal::USR2);
        wait_for_level(&logging, "info");
        thread::sleep(Duration::from_micros(300));
        assert_eq!(logging.level().current(), "info");
    }
    wait_until("all lines", || logging.stats().written >= 600);
    tell_stats(&logging);
}

pub(crate) fn of_two_signals_the_last_one_sent_wins() {
    let ended = Child::of_main("last_wins").run().ok();
    let lines = ended.lines();
    // A signal whose state is not seen because the next one came is no change.
    for pair in changes(&lines).windows(2) {
        assert_eq!(pair[0].1, pair[1].0, "{pair:?}");
    }
    assert!(changes(&lines).len() >= 600);
}

pub(crate) fn a_thousand() {
    let logging = init_json_logging();
    for round in 0..1_000 {
        send(if round % 2 == 0 {
            Signal::USR2
        } else {
            Signal::USR1
        });
    }
    wait_for_level(&logging, "debug");
    for _ in 0..1_000 {
        send(Signal::USR1);
    }
    send(Signal::USR2);
    wait_for_level(&logging, "info");
    thread::sleep(Duration::from_millis(20));
    tell("level", logging.level().current());
    tell_stats(&logging);
}

pub(crate) fn a_thousand_signals_leave_the_process_alive_and_in_the_right_state() {
    let ended = Child::of_main("a_thousand").run().ok();
    assert_eq!(ended.told("level"), "info");
    let lines = ended.lines();
    assert_eq!(changes(&lines).last().unwrap().1, "info");
    assert_eq!(changes(&lines).len(), lines.len());
}

pub(crate) fn short_lived() {
    let logging = init_json_logging();
    for round in 0..3_000_u64 {
        send(Signal::USR1);
        thread::sleep(Duration::from_micros(900 + round % 200));
    }
    wait_for_level(&logging, "info");
    thread::sleep(Duration::from_millis(100));
    tell("level", logging.level().current());
    tell_stats(&logging);
}

pub(crate) fn change_lines_tell_one_story_when_signals_and_expiry_meet() {
    let child = Child::of_main("short_lived").env("LOG_DEBUG_TTL", "1ms");
    let ended = child.env("LOG_STALL", "60s").run().ok();
    assert_eq!(ended.told("level"), "info");
    let lines = ended.lines();
    let changes = changes(&lines);
    assert!(changes.len() > 100, "{}", changes.len());
    for pair in changes.windows(2) {
        assert_eq!(pair[0].1, pair[1].0, "{pair:?}");
    }
    assert_eq!(changes.last().unwrap().1, "info");
}
