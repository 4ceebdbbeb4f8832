//! A forked child logs, whatever the other threads of its parent held when it was forked.
//!
//! POSIX lets the child of a process with several threads call nothing but what may be called in a
//! signal handler. Services that fork without `exec` (preforking servers, daemons) do more, and on
//! Linux they can: the C library's allocator is made to outlive a fork. What our own log call adds
//! must not be what hangs such a child.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/child.rs"]
mod child;
mod support;

use child::{Child, Ended, To, in_order, pipe, read_slowly, said, tell, tell_stats, wait_until};
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, waitpid};
use serde_json::Value;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use support::figures::{counts, holds};
use tracing::info;
use tracing_jsonl::{Logging, init_json_logging};

#[test]
fn child() {
    child::serve(&[
        ("short_lines", short_lines),
        ("long_lines", long_lines),
        ("to_a_file", to_a_file),
    ]);
}

/// How many children are forked, one after the other.
fn forks() -> u64 {
    if std::env::var_os("LONG").is_some() {
        500
    } else {
        60
    }
}

/// Past this a forked child counts as hung.
const HUNG: Duration = Duration::from_secs(20);

fn say(what: &str, number: u64) {
    info!(number, "{what}");
}

/// Forks a child that logs once and ends; what became of its line is its exit status.
fn fork_and_log(logging: &Logging, number: u64) -> Pid {
    // SAFETY: see the top of this file. The child logs and ends, and runs nothing at its exit.
    let id = unsafe { libc::fork() };
    if id == 0 {
        let before = counts(logging.stats());
        say("forked", number);
        let after = counts(logging.stats());
        let became: Vec<_> = after.iter().zip(before).map(|(a, b)| a - b).collect();
        let code = match became[..] {
            [1, 1, 0, 0] => WRITTEN,
            [1, 0, 1, 0] => DROPPED,
            [1, 0, 0, 1] => FAILED,
            _ => UNCOUNTED,
        };
        // SAFETY: as above.
        unsafe { libc::_exit(code) }
    }
    Pid::from_raw(id).expect("a child")
}

const WRITTEN: i32 = 1;
const DROPPED: i32 = 2;
const FAILED: i32 = 3;
const UNCOUNTED: i32 = 4;

/// Its exit status, or `None` if it had to be ended.
fn status(child: Pid) -> Option<WaitStatus> {
    let begin = Instant::now();
    loop {
        if let Some((_, status)) = waitpid(Some(child), WaitOptions::NOHANG).unwrap() {
            return Some(status);
        }
        if begin.elapsed() > HUNG {
            kill_process(child, Signal::KILL).unwrap();
            waitpid(Some(child), WaitOptions::empty()).unwrap();
            return None;
        }
        thread::sleep(Duration::from_micros(200));
    }
}

/// Forks while four threads log what `log` makes of their number and a count.
fn forks_while(log: fn(&Logging, u64, u64)) {
    let logging = init_json_logging();
    let done = AtomicBool::new(false);
    let logged: [AtomicBool; 4] = Default::default();
    thread::scope(|scope| {
        for (thread, logged) in (0..).zip(&logged) {
            let (logging, done) = (&logging, &done);
            scope.spawn(move || {
                for number in 0.. {
                    log(logging, thread, number);
                    logged.store(true, Ordering::Relaxed);
                    if done.load(Ordering::Relaxed) {
                        break;
                    }
                }
            });
        }
        wait_until("all threads", || {
            logged.iter().all(|one| one.load(Ordering::Relaxed))
        });
        // By exit status.
        let (mut became, mut hung, mut slowest) = ([0_u64; 5], 0_u64, Duration::ZERO);
        for number in 0..forks() {
            let begin = Instant::now();
            match status(fork_and_log(&logging, number)) {
                None => hung += 1,
                Some(status) => {
                    let code = status.exit_status().expect("a child that ends by itself");
                    became[usize::try_from(code).unwrap()] += 1;
                }
            }
            slowest = slowest.max(begin.elapsed());
        }
        done.store(true, Ordering::Relaxed);
        tell("hung", hung);
        tell("became", became.to_vec());
        tell("slowest", u64::try_from(slowest.as_millis()).unwrap());
    });
    tell_stats(&logging);
}

/// What became of the events of the parent and of its children.
fn counts_of_all(ended: &Ended) -> [u64; 4] {
    assert_eq!(ended.told("hung"), 0);
    let [emitted, written, dropped, failed] = ended.stats();
    let became: [u64; 5] = serde_json::from_value(ended.told("became")).unwrap();
    let [w, d, f] = [WRITTEN, DROPPED, FAILED].map(|code| became[usize::try_from(code).unwrap()]);
    [emitted + forks(), written + w, dropped + d, failed + f]
}

/// Each child's line, in the order of the forks; each thread's, without a gap.
fn assert_complete(lines: &[Value]) {
    let numbers = said(lines, "forked").into_iter();
    let numbers: Vec<_> = numbers
        .map(|line| line["fields"]["number"].clone())
        .collect();
    assert_eq!(numbers, (0..forks()).collect::<Vec<_>>());
    let threads = in_order(lines);
    assert_eq!(threads.len(), 4);
    for numbers in threads.values() {
        assert!(
            numbers
                .iter()
                .zip(0..)
                .all(|(found, number)| *found == number)
        );
    }
}

/// The level changes too. A change holds a lock of `tracing`'s, which a callsite needs at its first
/// hit: that is in the parent here.
fn short_lines() {
    forks_while(|logging, thread, number| {
        info!(thread, number, "an event");
        match (thread, number % 200) {
            (0, 0) => say("begin", number),
            (0, 50) => logging.level().set("debug").unwrap(),
            (0, 150) => logging.level().set("info").unwrap(),
            _ => {}
        }
    });
}

#[test]
fn a_child_forked_while_others_log_logs_too() {
    let child = Child::new("short_lines").env("LOG_STALL", "60s");
    let ended = child.run().ok();
    let counts = counts_of_all(&ended);
    // Read strictly: not one of them is torn.
    let lines = ended.lines();
    let all = lines.len() as u64;
    assert_eq!(counts, [all, all, 0, 0]);
    assert_complete(&lines);
    holds!(
        15,
        counts,
        "{} forks beside 4 threads and {} changes of the level: {} hung, {} lines of children, \
         0 torn, slowest {} ms",
        forks(),
        said(&lines, "log level changed").len(),
        ended.told("hung"),
        said(&lines, "forked").len(),
        ended.told("slowest")
    );
}

fn log_text(thread: u64, number: u64, longest: u64) {
    let length = 1 + (number * 7_919 + thread * 50_021) % longest;
    let text = "x".repeat(usize::try_from(length).unwrap());
    info!(thread, number, length, text, "an event");
}

fn long_lines() {
    forks_while(|_, thread, number| log_text(thread, number, 200_000));
}

/// Not as many, so that the file stays small.
fn to_a_file() {
    forks_while(|_, thread, number| {
        log_text(thread, number, 50_000);
        thread::sleep(Duration::from_millis(1));
    });
}

fn assert_whole_texts(lines: &[Value]) {
    for line in said(lines, "an event") {
        let text = line["fields"]["text"].as_str().unwrap();
        assert_eq!(line["fields"]["length"], text.len());
    }
}

/// A file takes each line whole, at any length and from any process.
#[test]
fn in_a_file_lines_of_forked_children_and_long_lines_stay_whole() {
    let child = Child::new("to_a_file").env("LOG_MAX_LINE_BYTES", "0");
    let path = child.scratch().join("log");
    let child = child.env("LOG_OUTPUT", &path).env("LOG_STALL", "60s");
    let ended = child.run().ok();
    let lines = support::lines(&ended.scratch.read("log"));
    let all = lines.len() as u64;
    assert_eq!(counts_of_all(&ended), [all, all, 0, 0]);
    assert_complete(&lines);
    assert_whole_texts(&lines);
}

/// A pipe takes no more than `PIPE_BUF` at once: a child's line may stand in the midst of one of
/// its parent's. Both are there to the last byte.
#[test]
fn a_child_forked_while_a_long_line_waits_for_its_reader_logs_too() {
    let (reader, writer) = pipe();
    let child = Child::new("long_lines").stdout(To::Descriptor(writer));
    let child = child.env("LOG_STALL", "60s").env("LOG_MAX_LINE_BYTES", "0");
    let running = child.start();
    let reading = thread::spawn(|| read_slowly(reader, 16 * 1024, Duration::from_millis(1)));
    let ended = running.wait().ok();
    let text = String::from_utf8(reading.join().unwrap()).unwrap();

    const BEGIN: &str = "{\"timestamp\":";
    let (mut parents, mut lines) = (String::new(), Vec::new());
    for piece in text.split(BEGIN).skip(1) {
        match piece.split_once('\n') {
            Some((line, rest)) if line.contains("\"message\":\"forked\"") => {
                lines.push(support::strict(format!("{BEGIN}{line}").as_bytes()));
                parents.push_str(rest);
            }
            _ => parents.extend([BEGIN, piece]),
        }
    }
    // A child that knows its parent's line unfinished ends it before its own begins.
    let parents = parents.replace('\n', "");
    let whole = parents.split(BEGIN).skip(1);
    lines.extend(whole.map(|line| support::strict(format!("{BEGIN}{line}").as_bytes())));
    let all = lines.len() as u64;
    assert_eq!(counts_of_all(&ended), [all, all, 0, 0]);
    assert_complete(&lines);
    assert_whole_texts(&lines);
}
