//! Signals that follow each other at once.
//!
//! They are sent by the main thread, so that each is handled before the next is sent: of two that
//! are pending at once, no process can tell which was first.

use crate::child::{Child, in_order, said, tell, tell_stats, wait_until};
use crate::support::figures::holds;
use rustix::process::{Signal, getpid, kill_process};
use serde_json::Value;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tracing::{info, info_span};
use tracing_jsonl::{Logging, init_json_logging};

fn send(signal: Signal) {
    kill_process(getpid(), signal).unwrap();
}

fn wait_for_level(logging: &Logging, level: &str) {
    wait_until(level, || logging.level().current() == level);
}

/// Returns when no signal is under way any more and every change is told. What was on its way can
/// be mistaken for the first of these three signals, not for the others.
fn settle(logging: &Logging) {
    for (signal, level) in [
        (Signal::USR2, "info"),
        (Signal::USR1, "debug"),
        (Signal::USR2, "info"),
    ] {
        send(signal);
        wait_for_level(logging, level);
    }
    // A change waits for the lines of those before it.
    logging.level().set("warn").unwrap();
}

/// The last lines after [`settle`].
const SETTLED: [(&str, &str); 3] = [("info", "debug"), ("debug", "info"), ("info", "warn")];

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
    settle(&logging);
    tell_stats(&logging);
}

pub(crate) fn of_two_signals_the_last_one_sent_wins() {
    let ended = Child::of_main("last_wins").run().ok();
    let lines = ended.lines();
    // A signal whose state is not seen because the next one came is no change.
    for pair in changes(&lines).windows(2) {
        assert_eq!(pair[0].1, pair[1].0, "{pair:?}");
    }
    assert!(changes(&lines).len() > 600);
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
    settle(&logging);
    tell_stats(&logging);
}

pub(crate) fn a_thousand_signals_leave_the_process_alive_and_in_the_right_state() {
    let ended = Child::of_main("a_thousand").run().ok();
    let lines = ended.lines();
    let changes = changes(&lines);
    assert_eq!(changes.len(), lines.len());
    let changes = changes
        .strip_suffix(&SETTLED)
        .expect("nothing else at the end");
    assert_eq!(changes.last(), Some(&("debug", "info")));
}

pub(crate) fn short_lived() {
    let logging = init_json_logging();
    for round in 0..3_000_u64 {
        send(Signal::USR1);
        thread::sleep(Duration::from_micros(900 + round % 200));
    }
    // From here on no signal asks for debug, and none that asks for info changes anything.
    logging.level().set("trace").unwrap();
    send(Signal::USR2);
    wait_for_level(&logging, "info");
    // A change waits for the lines of those before it.
    logging.level().set("warn").unwrap();
    tell_stats(&logging);
}

pub(crate) fn change_lines_tell_one_story_when_signals_and_expiry_meet() {
    let child = Child::of_main("short_lived").env("LOG_DEBUG_TTL", "1ms");
    let ended = child.env("LOG_STALL", "60s").run().ok();
    let lines = ended.lines();
    let changes = changes(&lines);
    assert!(changes.len() > 100, "{}", changes.len());
    for pair in changes.windows(2) {
        assert_eq!(pair[0].1, pair[1].0, "{pair:?}");
    }
    // The signal may have come after the end of a debug level, and after the last change too.
    let changes = changes
        .strip_suffix(&[("warn", "info")])
        .unwrap_or(&changes);
    assert_eq!(changes.last(), Some(&("info", "warn")));
}

/// Four threads log 25,000 lines each while signals come thousands of times a second.
pub(crate) fn storm() {
    let logging = init_json_logging();
    let threads = (0..4_u64).map(|thread| {
        thread::spawn(move || {
            let _span = info_span!("request", request_id = thread).entered();
            for number in 0..25_000_u64 {
                info!(thread, number, "an event");
            }
        })
    });
    let threads: Vec<_> = threads.collect();
    let mut sent = 0_u64;
    while !threads.iter().all(JoinHandle::is_finished) {
        for signal in [Signal::USR1, Signal::USR2] {
            send(signal);
            thread::sleep(Duration::from_micros(100));
        }
        sent += 2;
    }
    settle(&logging);
    tell("sent", sent);
    tell_stats(&logging);
}

pub(crate) fn a_storm_of_signals_costs_no_line_of_100_000() {
    let child = Child::of_main("storm").env("LOG_STALL", "60s");
    let ended = child.run().ok();
    let lines = ended.lines();
    for (thread, numbers) in in_order(&lines) {
        assert!(numbers.into_iter().eq(0..25_000), "thread {thread}");
    }
    let events = said(&lines, "an event");
    assert_eq!(events.len(), 100_000);
    for event in &events {
        let thread = event["fields"]["thread"].to_string();
        assert_eq!(event["metadata"]["request_id"], thread);
    }
    let changes = changes(&lines).len();
    assert_eq!(changes, lines.len() - events.len());
    let all = lines.len() as u64;
    assert_eq!(ended.stats(), [all, all, 0, 0]);
    let sent = ended.told("sent").as_u64().unwrap();
    assert!(sent > 100, "{sent}");
    holds!(
        16,
        ended.stats(),
        "{sent} signals beside 4 threads: {} lines of events, {changes} of changes, 0 corrupt",
        events.len()
    );
}
