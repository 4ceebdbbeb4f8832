//! A reader that stops, or is too slow: log calls wait a bounded time, and what is lost is told.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/child.rs"]
mod child;
mod support;

use child::{Child, Ended, To, in_order, pipe, read_slowly, said, tell, tell_stats, wait_until};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use serde_json::Value;
use std::fs::File;
use std::io::Read;
use std::thread;
use std::time::{Duration, Instant};
use tracing::info;
use tracing_jsonl::init_json_logging;

#[test]
fn child() {
    child::serve(&[
        ("stalled", stalled),
        ("blocked", blocked),
        ("non_blocking", non_blocking),
        ("impatient", impatient),
        ("page_by_page", page_by_page),
        ("becomes_a_pipe", becomes_a_pipe),
    ]);
}

/// Emits `count` events on each of four threads, and gives how long the slowest call took.
fn on_four_threads(count: u64) -> Duration {
    let threads = (0..4_u64).map(|thread| {
        thread::spawn(move || {
            let mut slowest = Duration::ZERO;
            for number in 0..count {
                let begin = Instant::now();
                info!(thread, number, "an event");
                slowest = slowest.max(begin.elapsed());
            }
            slowest
        })
    });
    let threads: Vec<_> = threads.collect();
    threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .max()
        .unwrap()
}

const STALL: Duration = Duration::from_millis(300);

/// Nobody reads until `stalled` is told; then the sink has room again.
fn stalled() {
    let logging = init_json_logging();
    let begin = Instant::now();
    let slowest = on_four_threads(5_000);
    tell("took", u64::try_from(begin.elapsed().as_millis()).unwrap());
    tell("slowest", u64::try_from(slowest.as_millis()).unwrap());
    let begin = Instant::now();
    for _ in 0..1_000 {
        info!("still no room");
    }
    tell("later", u64::try_from(begin.elapsed().as_millis()).unwrap());
    tell("dropped", logging.stats().dropped);
    tell("stalled", true);
    let before = logging.stats().written;
    wait_until("room", || {
        info!("is there room");
        logging.stats().written > before
    });
    for _ in 0..100 {
        info!("after the stall");
    }
    tell_stats(&logging);
}

fn run_stalled(child: Child) -> (Ended, Vec<u8>) {
    let (mut reader, writer) = pipe();
    let mut running = child.stdout(To::Descriptor(writer)).start();
    running.wait_for("stalled");
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).unwrap();
    (running.wait().ok(), bytes)
}

#[test]
fn a_stopped_reader_holds_log_calls_up_once_and_costs_lines_that_are_told_of() {
    let stall = format!("{}ms", STALL.as_millis());
    let (ended, bytes) = run_stalled(Child::new("stalled").env("LOG_STALL", stall));
    let lines = support::lines(&bytes);
    let [emitted, written, dropped, failed] = ended.stats();
    assert_eq!(lines.len() as u64, written);
    assert_eq!(failed, 0);
    assert!(dropped > 10_000, "{dropped} of {emitted}");

    for key in ["took", "slowest", "later"] {
        let millis = ended.told(key).as_u64().unwrap();
        assert!(
            u128::from(millis) < 10 * STALL.as_millis(),
            "{key}: {millis} ms"
        );
    }
    in_order(&lines);
    assert_eq!(said(&lines, "after the stall").len(), 100);

    let reports = said(&lines, "log lines were dropped");
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert_eq!(reports[0]["level"], "warn");
    assert_eq!(reports[0]["target"], "tracing_jsonl");
    assert_eq!(reports[0]["fields"]["dropped"], dropped);
}

/// As `stalled`, but told to wait for ever.
fn blocked() {
    let logging = init_json_logging();
    tell("stalled", true);
    on_four_threads(5_000);
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

/// The flag is shared with whoever made the pipe, as a parent's event loop would set it.
fn non_blocking() {
    let stdout = rustix::stdio::stdout();
    let flags = fcntl_getfl(stdout).unwrap();
    fcntl_setfl(stdout, flags | OFlags::NONBLOCK).unwrap();
    let logging = init_json_logging();
    for number in 0..4_000_u64 {
        let text = "a".repeat(if number % 10 == 0 { 9_000 } else { 100 });
        info!(thread = 0, number, text, "an event");
    }
    let before = logging.stats().written;
    wait_until("room", || {
        info!("is there room");
        logging.stats().written > before
    });
    tell_stats(&logging);
}

#[test]
fn a_non_blocking_pipe_with_a_slow_reader_loses_and_tears_nothing() {
    let (reader, writer) = pipe();
    let child = Child::new("non_blocking").env("LOG_STALL", "60s");
    let running = child.stdout(To::Descriptor(writer)).start();
    let bytes = read_slowly(reader, 16 * 1024, Duration::from_micros(500));
    let ended = running.wait().ok();
    let lines = support::lines(&bytes);
    assert_eq!(ended.stats(), [4_001, 4_001, 0, 0]);
    assert_eq!(in_order(&lines)[&0], (0..4_000).collect::<Vec<_>>());
}

#[test]
fn a_non_blocking_pipe_with_a_reader_slower_than_the_stall_still_adds_up() {
    let (reader, writer) = pipe();
    let child = Child::new("non_blocking").env("LOG_STALL", "1ms");
    let running = child.stdout(To::Descriptor(writer)).start();
    let bytes = read_slowly(reader, 64 * 1024, Duration::from_millis(5));
    let ended = running.wait().ok();
    let [_, written, dropped, failed] = ended.stats();
    assert!(dropped > 0, "the reader was not slow");
    assert_eq!(failed, 0);
    let (whole, torn) = sorted(&bytes);
    assert_eq!(whole.len() as u64, written);
    assert!(torn as u64 <= dropped, "{torn} torn, {dropped} dropped");
    in_order(&whole);
    let reports = said(&whole, "log lines were dropped");
    let told = reports
        .iter()
        .map(|line| line["fields"]["dropped"].as_u64().unwrap());
    assert_eq!(told.sum::<u64>(), dropped, "{} reports", reports.len());
}

/// The lines that can be read, and the number of those that cannot.
fn sorted(bytes: &[u8]) -> (Vec<Value>, usize) {
    let lines = bytes
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.is_empty());
    let read = lines.map(serde_json::from_slice::<Value>);
    let (whole, torn): (Vec<_>, Vec<_>) = read.partition(Result::is_ok);
    (whole.into_iter().map(Result::unwrap).collect(), torn.len())
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

/// Each line fills the page that a slow reader frees, so that the report finds no room after it.
fn page_by_page() {
    let logging = init_json_logging();
    let text = "a".repeat(3_900);
    for number in 0..400_u64 {
        info!(thread = 0, number, text, "an event");
    }
    tell("dropped", logging.stats().dropped);
    let before = logging.stats().written;
    wait_until("room", || {
        info!("is there room");
        logging.stats().written > before + 50
    });
    tell_stats(&logging);
}

#[test]
fn a_report_of_drops_that_is_dropped_itself_is_made_up_for_by_the_next() {
    let (reader, writer) = pipe();
    let child = Child::new("page_by_page").env("LOG_STALL", "1ms");
    let running = child.stdout(To::Descriptor(writer)).start();
    let bytes = read_slowly(reader, 4096, Duration::from_millis(5));
    let ended = running.wait().ok();
    let lines = support::lines(&bytes);
    let [_, written, dropped, failed] = ended.stats();
    assert_eq!((lines.len() as u64, failed), (written, 0));
    assert!(dropped > 0, "the reader was not slow");
    let reports = said(&lines, "log lines were dropped");
    let told = reports
        .iter()
        .map(|line| line["fields"]["dropped"].as_u64().unwrap());
    assert_eq!(told.sum::<u64>(), dropped, "{} reports", reports.len());
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
