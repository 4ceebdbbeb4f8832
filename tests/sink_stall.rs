//! A reader that stops, or is too slow: log calls wait a bounded time, and what is lost is told.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/child.rs"]
mod child;
mod sink_support;
mod support;

use child::{Child, Ended, Scratch, To, in_order, pipe, read_slowly, said, tell, tell_stats};
use rustix::process::{Pid, Signal, kill_process};
use sink_support::{die_after, has, terminal, told_dropped, until_all_is_told};
use std::fs::{self, File};
use std::io::Read;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};
use support::figures::holds;
use tracing::info;
use tracing_jsonl::init_json_logging;

#[test]
fn child() {
    child::serve(&[
        ("for_two_seconds", for_two_seconds),
        ("blocked", blocked),
        ("impatient", impatient),
        ("page_by_page", page_by_page),
        ("unread", unread),
        ("becomes_a_pipe", becomes_a_pipe),
    ]);
}

/// Logs for two seconds on each of four threads, then until the reader is back. Tells how long a
/// call took, in microseconds: the usual one and the slowest.
fn for_two_seconds() {
    let logging = init_json_logging();
    let begin = Instant::now();
    let threads = (0..4_u64).map(|thread| {
        thread::spawn(move || {
            let mut took = Vec::new();
            for number in 0_u64.. {
                let call = Instant::now();
                info!(thread, number, "an event");
                took.push(u64::try_from(call.elapsed().as_micros()).unwrap());
                if begin.elapsed() > Duration::from_secs(2) {
                    break;
                }
            }
            took
        })
    });
    let threads: Vec<_> = threads.collect();
    let took = threads.into_iter().map(|thread| thread.join().unwrap());
    let mut took = took.collect::<Vec<_>>().concat();
    took.sort_unstable();
    tell("calls", took.len());
    tell("usual", took[took.len() / 2]);
    tell("slowest", *took.last().unwrap());
    tell("stopped", true);
    until_all_is_told(&logging);
    for _ in 0..100 {
        info!("after the stall");
    }
    tell_stats(&logging);
}

#[test]
fn a_stopped_reader_holds_log_calls_up_once_and_costs_lines_that_are_told_of() {
    let (reader, writer) = pipe();
    let shared = Scratch::new();
    let path = shared.path().join("read");
    let mut cat = Command::new("cat");
    let cat = cat.stdin(reader).stdout(File::create(&path).unwrap());
    let mut cat = cat.spawn().unwrap();
    kill_process(Pid::from_child(&cat), Signal::STOP).unwrap();
    let mut running = Child::new("for_two_seconds")
        .env("LOG_STALL", "")
        .stdout(To::Descriptor(writer))
        .start();
    running.wait_for("stopped");
    kill_process(Pid::from_child(&cat), Signal::CONT).unwrap();
    let ended = running.wait().ok();
    assert!(cat.wait().unwrap().success());

    let lines = support::lines(&fs::read(&path).unwrap());
    let [_, written, dropped, failed] = ended.stats();
    assert_eq!((lines.len() as u64, failed), (written, 0));
    in_order(&lines);
    assert_eq!(said(&lines, "after the stall").len(), 100);
    let reports = said(&lines, "log lines were dropped");
    assert_eq!(told_dropped(&lines), (dropped, 1));
    assert_eq!(reports[0]["level"], "warn");
    assert_eq!(reports[0]["target"], "tracing_jsonl");

    let number = |key: &str| ended.told(key).as_u64().unwrap();
    let (calls, usual, slowest) = (number("calls"), number("usual"), number("slowest") / 1_000);
    // Held up at each call, there would be a handful.
    assert!(calls > 4_000, "{calls} calls in two seconds");
    assert!(slowest < 20_000, "a call took {slowest} ms");
    holds!(
        7,
        ended.stats(),
        "4 threads for 2 s: a call took {usual} us, the slowest {slowest} ms; 1 report"
    );
}

/// Told to wait for ever.
fn blocked() {
    let logging = init_json_logging();
    tell("stalled", true);
    let threads = (0..4_u64).map(|thread| {
        thread::spawn(move || {
            for number in 0..5_000_u64 {
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
fn told_to_block_it_waits_for_a_slow_reader_and_loses_nothing() {
    let (reader, writer) = pipe();
    let child = Child::new("blocked").env("LOG_STALL", "block");
    let mut running = child.stdout(To::Descriptor(writer)).start();
    running.wait_for("stalled");
    // Longer than the usual budget.
    thread::sleep(Duration::from_millis(1_500));
    let bytes = read_slowly(reader, 64 * 1024, Duration::from_millis(1));
    let ended = running.wait().ok();
    let lines = support::lines(&bytes);
    assert_eq!(ended.stats(), [20_000, 20_000, 0, 0]);
    assert!(
        in_order(&lines)
            .values()
            .all(|numbers| numbers.len() == 5_000)
    );
}

/// Told not to wait at all.
fn impatient() {
    let logging = init_json_logging();
    for number in 0..10_000_u64 {
        info!(thread = 0, number, "an event");
    }
    tell_stats(&logging);
}

#[test]
fn told_not_to_wait_it_drops_at_once_what_has_no_room() {
    let (mut reader, writer) = pipe();
    let child = Child::new("impatient").env("LOG_STALL", "0");
    let ended = child.stdout(To::Descriptor(writer)).run().ok();
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).unwrap();
    let [emitted, written, dropped, failed] = ended.stats();
    assert_eq!((emitted, failed), (10_000, 0));
    assert!(dropped > 5_000);
    assert_eq!(support::lines(&bytes).len() as u64, written);
}

/// Each line takes a page that a slow reader frees. After every other one its report has no room
/// left.
fn page_by_page() {
    let logging = init_json_logging();
    let text = "a".repeat(3_900);
    for number in 0_u64.. {
        let text = &text[..if number % 2 == 0 { 3_900 } else { 2_900 }];
        info!(thread = 0, number, text, "an event");
        if logging.stats().written > 60 {
            break;
        }
        thread::sleep(Duration::from_micros(200));
    }
    until_all_is_told(&logging);
    tell_stats(&logging);
}

#[test]
fn each_line_that_a_slow_reader_cost_is_told_of_once_though_reports_find_no_room_either() {
    let (reader, writer) = pipe();
    let child = Child::new("page_by_page").env("LOG_STALL", "1ms");
    let running = child.stdout(To::Descriptor(writer)).start();
    let bytes = read_slowly(reader, 4096, Duration::from_millis(5));
    let ended = running.wait().ok();
    let lines = support::lines(&bytes);
    let [_, written, dropped, failed] = ended.stats();
    assert_eq!((lines.len() as u64, failed), (written, 0));
    let (told, reports) = told_dropped(&lines);
    assert_eq!(told, dropped, "{reports} reports");
    assert!(reports > 1, "{dropped} drops, {reports} reports");
    holds!(40, ended.stats(), "{reports} reports tell of {told} drops");
}

/// Longer lines than a pipe or a terminal has room for at the end, and nobody reads.
fn unread() {
    die_after(30);
    let logging = init_json_logging();
    let text = "a".repeat(12_000);
    for number in 0..200_u64 {
        info!(number, text, "an event");
    }
    tell_stats(&logging);
}

fn assert_unread(ended: &Ended) {
    let [emitted, written, dropped, failed] = ended.stats();
    assert_eq!((emitted, failed), (200, 0));
    assert!(dropped > 100, "{written} written, {dropped} dropped");
}

#[test]
fn a_terminal_nobody_reads_holds_up_no_longer_than_a_pipe() {
    let (_reader, writer) = terminal();
    let child = Child::new("unread").env("LOG_STALL", "100ms");
    assert_unread(&child.stdout(To::Descriptor(writer)).run().ok());
}

#[test]
fn where_the_system_has_no_write_that_does_not_block_a_stopped_reader_holds_up_no_longer() {
    if !has("strace", &["-o", "/dev/null", "true"]) {
        return;
    }
    let refused = "inject=pwritev2:error=EOPNOTSUPP";
    let (_reader, writer) = pipe();
    let child = Child::new("unread").env("LOG_STALL", "100ms");
    let child = child.under(&["strace", "-f", "-o", "/dev/null", "-e", refused]);
    assert_unread(&child.stdout(To::Descriptor(writer)).run().ok());
}

/// Standard output is a file first, then a pipe that nobody reads.
fn becomes_a_pipe() {
    let logging = init_json_logging();
    let text = "x".repeat(12_000);
    info!(text, "in the file");
    let (_reader, writer) = rustix::pipe::pipe().unwrap();
    rustix::stdio::dup2_stdout(&writer).unwrap();
    for number in 0..100 {
        info!(number, text, "in the pipe");
    }
    tell_stats(&logging);
}

#[test]
fn a_file_that_becomes_a_pipe_nobody_reads_holds_up_no_longer_than_a_pipe() {
    let child = Child::new("becomes_a_pipe").env("LOG_STALL", "10ms");
    let path = child.scratch().join("out.jsonl");
    let file = File::create(path).unwrap();
    let ended = child.stdout(To::Descriptor(file.into())).run().ok();
    let [emitted, written, dropped, failed] = ended.stats();
    assert_eq!((emitted, failed), (101, 0));
    assert!(
        written >= 2 && dropped > 0,
        "{written} written, {dropped} dropped"
    );
}
