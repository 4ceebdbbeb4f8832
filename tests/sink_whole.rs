//! Lines stay whole whoever else writes: threads of this process at any size, and other processes.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/child.rs"]
mod child;
mod sink_support;
mod support;

use child::{Child, Scratch, To, pipe, read_slowly, said, scratch, tell_stats};
use sink_support::{THREADS, assert_many_sizes, assert_unmixed, has, many_sizes, sum, volume};
use std::fs::{self, File};
use std::time::Duration;
use support::figures::holds;
use tracing::info;
use tracing_jsonl::init_json_logging;

#[test]
fn child() {
    child::serve(&[
        ("many_sizes", many_sizes),
        ("short", short),
        ("pages", pages),
    ]);
}

/// Logs `each` lines of all sizes on each thread, none of which is cut or dropped.
fn child_of_many_sizes(each: u64) -> Child {
    Child::new("many_sizes")
        .env("EACH", each.to_string())
        .env("LOG_MAX_LINE_BYTES", "0")
        .env("LOG_STALL", "60s")
}

#[test]
fn lines_of_every_size_from_eight_threads_stay_whole_on_one_pipe() {
    let each = volume(1_024, 10_000);
    // Where a pipe is one page, each line above 4 KiB takes more than one write.
    let runs = [4 * 1024, 64 * 1024].map(|room| {
        let (reader, writer) = pipe();
        #[cfg(target_os = "linux")]
        rustix::pipe::fcntl_setpipe_size(&writer, room).unwrap();
        let child = child_of_many_sizes(each);
        let running = child.stdout(To::Descriptor(writer)).start();
        let bytes = read_slowly(reader, room, Duration::ZERO);
        let stats = running.wait().ok().stats();
        let lines = support::lines(&bytes);
        assert_eq!(stats, [THREADS * each, THREADS * each, 0, 0]);
        assert_eq!(lines.len() as u64, THREADS * each);
        (stats, assert_many_sizes(&lines, each))
    });
    let longest = runs.map(|(_, longest)| longest)[0];
    assert_eq!(longest, 200_000);
    let (counts, count) = (sum(runs.map(|(stats, _)| stats)), runs.len());
    holds!(
        9,
        counts,
        "{THREADS} threads, texts of 200 to {longest} B, {count} runs: 0 lines torn or mixed"
    );
}

#[test]
fn a_socket_is_as_good_as_a_pipe() {
    let (reader, writer) = std::os::unix::net::UnixStream::pair().unwrap();
    let child = child_of_many_sizes(128);
    let running = child.stdout(To::Descriptor(writer.into())).start();
    let reader = File::from(std::os::fd::OwnedFd::from(reader));
    let bytes = read_slowly(reader, 64 * 1024, Duration::ZERO);
    assert_eq!(running.wait().ok().stats(), [1_024, 1_024, 0, 0]);
    let lines = support::lines(&bytes);
    assert_eq!(lines.len(), 1_024);
    assert_many_sizes(&lines, 128);
}

#[test]
fn lines_of_every_size_from_four_processes_stay_whole_in_one_file() {
    let each = volume(256, 2_048);
    let shared = Scratch::new();
    let path = shared.path().join("log.jsonl");
    let children = (0..4).map(|_| child_of_many_sizes(each).env("LOG_OUTPUT", &path).start());
    for child in children.collect::<Vec<_>>() {
        let count = THREADS * each;
        assert_eq!(child.wait().ok().stats(), [count, count, 0, 0]);
    }
    let lines = support::lines(&fs::read(&path).unwrap());
    assert_eq!(lines.len() as u64, 4 * THREADS * each);
    assert_unmixed(&lines);
}

fn short() {
    let logging = init_json_logging();
    fs::write(scratch().join("begin"), "").unwrap();
    for number in 0..1_000 {
        info!(number, "an event");
    }
    fs::write(scratch().join("end"), "").unwrap();
    tell_stats(&logging);
}

#[test]
fn each_line_is_exactly_one_write() {
    if !has("strace", &["-o", "/dev/null", "true"]) {
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
        let trace = fs::read_to_string(&trace).unwrap();
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
    let lines = said(&lines, "an event");
    assert_eq!(lines.len(), 4_000);
    for line in lines {
        let text = line["fields"]["text"].as_str().unwrap();
        assert!(text.bytes().all(|byte| byte == b'a'), "mixed lines");
    }
}
