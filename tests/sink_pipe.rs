//! Standard output as services have it: a pipe, whose reader may be slow, stopped or gone.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

#[path = "support/child.rs"]
mod child;
mod support;

use child::{Child, To, in_order, pipe, read_slowly, said, scratch, tell_stats};
use serde_json::Value;
use std::fs::File;
use std::thread;
use std::time::{Duration, Instant};
use support::figures::holds;
use tracing::info;
use tracing_jsonl::init_json_logging;

#[test]
fn child() {
    child::serve(&[
        ("ten_thousand", ten_thousand),
        ("eight_threads", eight_threads),
        ("all_sizes", all_sizes),
        ("short", short),
        ("pages", pages),
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

/// Emits `count` events on each of eight threads, and gives how long the slowest call took.
fn on_eight_threads(count: u64) -> Duration {
    let threads = (0..8_u64).map(|thread| {
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

fn eight_threads() {
    let logging = init_json_logging();
    on_eight_threads(10_000);
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
    for to in broken {
        let child = Child::new("ten_thousand").stdout(to()).stderr(to());
        assert_eq!(child.run().ok().stats(), [10_000, 0, 0, 10_000]);
        let child = Child::new("ten_thousand").stdout(to()).stderr(to());
        let child = child
            .env("LOG_OUTPUT", "stderr")
            .env("LOG_LEVEL", "nonsense");
        assert_eq!(child.run().ok().stats(), [10_001, 0, 0, 10_001]);
    }
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

/// Eight threads, lines from 200 bytes to 200 KB.
fn all_sizes() {
    let logging = init_json_logging();
    let threads = (0..8_usize).map(|thread| {
        thread::spawn(move || {
            for number in 0..40_usize {
                let length = 200 << ((thread + number) % 11);
                let letter = char::from(b'a' + u8::try_from(thread).unwrap());
                let text = letter.to_string().repeat(length.min(200_000));
                info!(thread, number, text, "an event");
            }
        })
    });
    let threads: Vec<_> = threads.collect();
    for thread in threads {
        thread.join().unwrap();
    }
    tell_stats(&logging);
}

fn assert_whole(lines: &[Value]) {
    for line in said(lines, "an event") {
        let thread = u8::try_from(line["fields"]["thread"].as_u64().unwrap()).unwrap();
        let text = line["fields"]["text"].as_str().unwrap();
        assert!(
            text.bytes().all(|byte| byte == b'a' + thread),
            "mixed lines"
        );
    }
}

#[test]
fn lines_of_every_size_from_eight_threads_stay_whole_on_one_pipe() {
    for at_once in [4 * 1024, 64 * 1024] {
        let (reader, writer) = pipe();
        let child = Child::new("all_sizes")
            .env("LOG_MAX_LINE_BYTES", "0")
            .env("LOG_STALL", "60s");
        let running = child.stdout(To::Descriptor(writer)).start();
        let bytes = read_slowly(reader, at_once, Duration::ZERO);
        let ended = running.wait().ok();
        let lines = support::lines(&bytes);
        assert_eq!(ended.stats(), [320, 320, 0, 0]);
        assert_whole(&lines);
        assert!(in_order(&lines).values().all(|numbers| numbers.len() == 40));
    }
}

/// Standard output breaks, and is put right by a `dup2`.
fn heals() {
    let logging = init_json_logging();
    info!("before");
    let good = rustix::io::dup(rustix::stdio::stdout()).unwrap();
    rustix::stdio::dup2_stdout(File::options().write(true).open("/dev/full").unwrap()).unwrap();
    for _ in 0..100 {
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
    let messages: Vec<_> = lines
        .iter()
        .map(|line| line["message"].as_str().unwrap())
        .collect();
    assert_eq!(messages, ["before", "after"]);
    assert_eq!(ended.stats(), [102, 2, 0, 100]);
}

fn short() {
    let logging = init_json_logging();
    std::fs::write(scratch().join("begin"), "").unwrap();
    for number in 0..1_000 {
        info!(number, "an event");
    }
    std::fs::write(scratch().join("end"), "").unwrap();
    tell_stats(&logging);
}

#[test]
fn each_line_is_exactly_one_write() {
    if std::process::Command::new("strace")
        .arg("-V")
        .output()
        .is_err()
    {
        println!("skipped: there is no strace here");
        return;
    }
    let child = Child::new("short");
    let (trace, file) = (child.scratch().join("trace"), child.scratch().join("file"));
    for to in [
        To::Pipe,
        To::Descriptor(File::create(&file).unwrap().into()),
    ] {
        let child = Child::new("short").stdout(to);
        let ended = child
            .under(&["strace", "-f", "-o", trace.to_str().unwrap()])
            .run()
            .ok();
        assert_eq!(ended.stats(), [1_000, 1_000, 0, 0]);
        let trace = std::fs::read_to_string(&trace).unwrap();
        let calls = trace.lines().skip_while(|call| !call.contains("/begin\""));
        let calls = calls.skip(1).take_while(|call| !call.contains("/end\""));
        let calls: Vec<_> = calls.filter(|call| call.contains("(1, ")).collect();
        let writes = calls.iter().filter(|call| call.contains("write"));
        assert_eq!(writes.count(), 1_000);
        // What kind of file it is may be asked now and then.
        assert!(calls.len() < 1_050, "{} calls", calls.len());
    }
}

/// Lines up to the size that a pipe takes in one piece.
fn pages() {
    let logging = init_json_logging();
    let text = "a".repeat(8_000);
    for number in 0..1_000_usize {
        info!(thread = 0, number, text = &text[..number * 7], "an event");
    }
    tell_stats(&logging);
}

#[test]
fn lines_of_4095_bytes_from_four_processes_stay_whole_on_one_pipe() {
    let (reader, writer) = pipe();
    let children = (0..4).map(|_| {
        let child = Child::new("pages").env("LOG_MAX_LINE_BYTES", "4095");
        let writer = writer.try_clone().unwrap();
        child
            .env("LOG_STALL", "60s")
            .stdout(To::Descriptor(writer))
            .start()
    });
    let children: Vec<_> = children.collect();
    drop(writer);
    let bytes = read_slowly(reader, 64 * 1024, Duration::ZERO);
    for child in children {
        assert_eq!(child.wait().ok().stats(), [1_000, 1_000, 0, 0]);
    }
    let lines = support::lines(&bytes);
    assert_eq!(said(&lines, "an event").len(), 4_000);
    assert_whole(&lines);
}

#[test]
fn a_socket_is_as_good_as_a_pipe() {
    let (reader, writer) = std::os::unix::net::UnixStream::pair().unwrap();
    let child = Child::new("all_sizes")
        .env("LOG_MAX_LINE_BYTES", "0")
        .env("LOG_STALL", "60s");
    let running = child.stdout(To::Descriptor(writer.into())).start();
    let reader = File::from(std::os::fd::OwnedFd::from(reader));
    let bytes = read_slowly(reader, 64 * 1024, Duration::ZERO);
    assert_eq!(running.wait().ok().stats(), [320, 320, 0, 0]);
    let lines = support::lines(&bytes);
    assert_eq!(lines.len(), 320);
    assert_whole(&lines);
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
