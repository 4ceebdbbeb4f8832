//! Standard output as services have it: a pipe, whose reader may be gone, or a disk that is full.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/child.rs"]
mod child;
mod sink_support;
mod support;

use child::{Child, To, in_order, messages, tell_stats};
use sink_support::sum;
use std::fs::File;
use std::thread;
use support::figures::holds;
use tracing::info;
use tracing_jsonl::init_json_logging;

#[test]
fn child() {
    child::serve(&[
        ("ten_thousand", ten_thousand),
        ("eight_threads", eight_threads),
        ("heals", heals),
    ]);
}

fn ten_thousand() {
    let logging = init_json_logging();
    for number in 0..10_000 {
        info!(number, "an event");
    }
    tell_stats(&logging);
}

fn eight_threads() {
    let logging = init_json_logging();
    let threads = (0..8_u64).map(|thread| {
        thread::spawn(move || {
            for number in 0..10_000_u64 {
                info!(thread, number, "an event");
            }
        })
    });
    for thread in threads.collect::<Vec<_>>() {
        thread.join().unwrap();
    }
    tell_stats(&logging);
}

#[test]
fn ten_thousand_events_reach_a_reader() {
    let ended = Child::new("ten_thousand").run().ok();
    let lines = ended.lines();
    assert_eq!(lines.len(), 10_000);
    assert_eq!(ended.stats(), [10_000, 10_000, 0, 0]);
    for (number, line) in lines.iter().enumerate() {
        assert_eq!(line["fields"]["number"], number);
    }
}

#[test]
fn a_reader_that_is_gone_costs_lines_and_nothing_else() {
    let ended = Child::new("ten_thousand").stdout(To::ClosedPipe).run().ok();
    assert_eq!(ended.stats(), [10_000, 0, 0, 10_000]);
    assert_eq!(ended.stderr, "");
    holds!(1, ended.stats(), "0 panics, exit 0, 0 bytes on stderr");
}

#[test]
fn a_full_disk_costs_lines_and_nothing_else() {
    let ended = Child::new("ten_thousand").stdout(To::Full).run().ok();
    assert_eq!(ended.stats(), [10_000, 0, 0, 10_000]);
    assert_eq!(ended.stderr, "");
}

#[test]
fn with_standard_output_and_error_both_broken_lines_are_counted() {
    let broken: [fn() -> To; 2] = [|| To::Full, || To::ClosedPipe];
    let runs = broken.map(|to| {
        let child = || Child::new("ten_thousand").stdout(to()).stderr(to());
        let usual = child().run().ok().stats();
        assert_eq!(usual, [10_000, 0, 0, 10_000]);
        // One line more: about the level.
        let child = child().env("LOG_OUTPUT", "stderr");
        let to_stderr = child.env("LOG_LEVEL", "nonsense").run().ok().stats();
        assert_eq!(to_stderr, [10_001, 0, 0, 10_001]);
        sum([usual, to_stderr])
    });
    let places = "stdout and stderr on /dev/full, and on pipes without reader";
    holds!(2, sum(runs), "{places}: 0 panics, each exit 0");
}

#[test]
fn a_broken_sink_fails_every_line_of_every_thread_and_drops_none() {
    // A fault is no stall, however long it lasts and whoever waits for a turn at it.
    let broken: [fn() -> To; 2] = [|| To::Full, || To::ClosedPipe];
    for to in broken {
        let child = Child::new("eight_threads").stdout(to());
        let ended = child.env("LOG_STALL", "1ms").run().ok();
        assert_eq!(ended.stats(), [80_000, 0, 0, 80_000]);
    }
}

#[test]
fn a_slow_turn_is_no_stall() {
    let child = Child::new("eight_threads").env("LOG_STALL", "10s");
    let ended = child.run().ok();
    assert_eq!(ended.stats(), [80_000, 80_000, 0, 0]);
    let lines = ended.lines();
    assert_eq!(lines.len(), 80_000);
    assert!(
        in_order(&lines)
            .values()
            .all(|numbers| numbers.len() == 10_000)
    );
}

/// Standard output breaks, and is put right by a `dup2`.
fn heals() {
    let logging = init_json_logging();
    info!("before");
    let good = rustix::io::dup(rustix::stdio::stdout()).unwrap();
    rustix::stdio::dup2_stdout(File::options().write(true).open("/dev/full").unwrap()).unwrap();
    for _ in 0..10_000 {
        info!("into nothing");
    }
    rustix::stdio::dup2_stdout(good).unwrap();
    info!("after");
    tell_stats(&logging);
}

#[test]
fn the_sink_follows_the_descriptor_and_never_latches_off() {
    let ended = Child::new("heals").run().ok();
    let lines = ended.lines();
    assert_eq!(messages(&lines), ["before", "after"]);
    assert_eq!(ended.stats(), [10_002, 2, 0, 10_000]);
    let [.., failed] = ended.stats();
    holds!(
        3,
        ended.stats(),
        "ENOSPC {failed} times, 0 panics, the next line is written"
    );
}

#[test]
fn dev_null_takes_every_line() {
    let null = File::options().write(true).open("/dev/null").unwrap();
    let ended = Child::new("ten_thousand")
        .stdout(To::Descriptor(null.into()))
        .run()
        .ok();
    assert_eq!(ended.stats(), [10_000, 10_000, 0, 0]);
}
