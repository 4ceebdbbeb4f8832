//! A file as the sink: appended to by many, rotated by others.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/child.rs"]
mod child;
mod sink_support;
mod support;

use child::{
    Child, Ended, Scratch, messages, numbers, scratch, tell, tell_stats, three, wait_until,
};
use serde_json::json;
use sink_support::{sorted, sum, volume};
use std::fs::{self, OpenOptions};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;
use support::figures::holds;
use tracing::info;
use tracing_jsonl::{Logging, Sink, init_json_logging};

#[test]
fn child() {
    child::serve(&[
        ("three", three),
        ("counting", counting),
        ("reopens", reopens),
        ("loses_its_directory", loses_its_directory),
        ("rotates", rotates),
        ("crowd", crowd),
    ]);
}

#[test]
fn a_file_is_made_and_then_appended_to() {
    let shared = Scratch::new();
    let path = shared.path().join("log.jsonl");
    for runs in 1..=3 {
        let ended = Child::new("three").env("LOG_OUTPUT", &path).run().ok();
        assert_eq!(ended.stats(), [3, 3, 0, 0]);
        let lines = support::lines(&fs::read(&path).unwrap());
        assert_eq!(lines.len(), 3 * runs);
    }
}

/// Logs numbers on two threads until `stop` says so, while `meanwhile` is done.
fn count_until(stop: impl Fn() -> bool + Clone + Send + 'static, meanwhile: impl FnOnce()) {
    let threads = (0..2_u64).map(|thread| {
        let stop = stop.clone();
        thread::spawn(move || {
            let mut number = thread;
            while !stop() {
                for _ in 0..20 {
                    info!(number, "an event");
                    number += 2;
                }
                thread::sleep(Duration::from_micros(200));
            }
        })
    });
    let threads: Vec<_> = threads.collect();
    meanwhile();
    for thread in threads {
        thread.join().unwrap();
    }
}

fn counting() {
    let logging = init_json_logging();
    let stop = scratch().join("stop");
    count_until(move || stop.exists(), || tell("ready", true));
    tell_stats(&logging);
}

/// All of the files' lines are whole, and together they are every line that was emitted, once.
#[track_caller]
fn assert_all_in(files: &[PathBuf], ended: &Ended) {
    let mut all = Vec::new();
    for path in files {
        all.extend(numbers(&support::lines(&fs::read(path).unwrap())));
    }
    let [emitted, written, ..] = ended.stats();
    assert_eq!((emitted, all.len() as u64), (written, written));
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len() as u64, written, "a line is there twice");
}

#[test]
fn a_file_that_is_renamed_away_is_made_again_within_a_second_or_so_and_no_line_is_lost() {
    let child = Child::new("counting");
    let path = child.scratch().join("log.jsonl");
    let mut running = child.env("LOG_OUTPUT", &path).start();
    running.wait_for("ready");
    let rotated: Vec<_> = (0..2)
        .map(|round| {
            wait_until("lines", || {
                fs::metadata(&path).is_ok_and(|file| file.len() > 0)
            });
            let to = path.with_extension(format!("{round}"));
            fs::rename(&path, &to).unwrap();
            wait_until("a new file", || path.exists());
            to
        })
        .collect();
    wait_until("lines", || {
        fs::metadata(&path).is_ok_and(|file| file.len() > 0)
    });
    fs::write(running.scratch().join("stop"), "").unwrap();
    let ended = running.wait().ok();

    assert_all_in(&[rotated, vec![path]].concat(), &ended);
}

/// A file that is copied and truncated, so many times at 100 Hz: the copies, and what is left.
fn copy_and_truncate(times: usize) -> (Ended, Vec<Vec<u8>>) {
    let child = Child::new("counting");
    let path = child.scratch().join("log.jsonl");
    let mut running = child.env("LOG_OUTPUT", &path).start();
    running.wait_for("ready");
    let mut copies = Vec::new();
    for _ in 0..times {
        copies.push(fs::read(&path).unwrap());
        let file = OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(0).unwrap();
        thread::sleep(Duration::from_millis(10));
    }
    fs::write(running.scratch().join("stop"), "").unwrap();
    let ended = running.wait().ok();
    copies.push(fs::read(&path).unwrap());
    (ended, copies)
}

const RENAMES: usize = 100;

/// Renames its file, and opens it again, at 100 Hz.
fn rotates() {
    use std::sync::{Arc, atomic::AtomicBool, atomic::Ordering::Relaxed};
    let path = scratch().join("log.jsonl");
    let sink = Sink::file(&path).unwrap().with_stall(None);
    let logging = Logging::builder().sink(sink.clone()).init();
    let done = Arc::new(AtomicBool::new(false));
    let stop = Arc::clone(&done);
    count_until(
        move || stop.load(Relaxed),
        || {
            for round in 0..RENAMES {
                thread::sleep(Duration::from_millis(10));
                fs::rename(&path, path.with_extension(round.to_string())).unwrap();
                sink.reopen().unwrap();
            }
            done.store(true, Relaxed);
        },
    );
    tell_stats(&logging);
}

#[test]
fn rotation_leaves_neither_holes_nor_torn_lines_and_renaming_loses_none() {
    let (truncated, copies) = copy_and_truncate(100);
    let times = copies.len() - 1;
    // The last line of a copy may not have been there whole.
    let whole = copies.iter().map(|copy| {
        let end = copy.iter().rposition(|&byte| byte == b'\n');
        &copy[..end.map_or(0, |end| end + 1)]
    });
    let corrupt: usize = whole.map(|copy| sorted(copy).1).sum();
    let nul = copies.iter().flatten().filter(|&&byte| byte == 0).count();
    assert_eq!((nul, corrupt), (0, 0));
    let [emitted, written, ..] = truncated.stats();
    assert_eq!(emitted, written);

    let renamed = Child::new("rotates").run().ok();
    let path = renamed.scratch.path().join("log.jsonl");
    let old = (0..RENAMES).map(|round| path.with_extension(round.to_string()));
    assert_all_in(&old.chain([path.clone()]).collect::<Vec<_>>(), &renamed);
    holds!(
        10,
        sum([truncated.stats(), renamed.stats()]),
        "{times} truncations: {nul} NUL bytes, {corrupt} corrupt lines; {RENAMES} renames: 0 lost"
    );
}

fn reopens() {
    let path = scratch().join("log.jsonl");
    let sink = Sink::file(&path).unwrap();
    let logging = Logging::builder().sink(sink.clone()).init();
    info!("before");
    fs::rename(&path, scratch().join("old.jsonl")).unwrap();
    sink.reopen().unwrap();
    info!("after");
    // What cannot be opened leaves the file in use.
    fs::rename(&path, scratch().join("new.jsonl")).unwrap();
    fs::create_dir(&path).unwrap();
    tell("refused", sink.reopen().is_err());
    info!("still there");
    Sink::stdout().reopen().unwrap();
    tell_stats(&logging);
}

#[test]
fn reopen_takes_effect_at_once() {
    let ended = Child::new("reopens").run().ok();
    assert_eq!(ended.stats(), [3, 3, 0, 0]);
    let old = support::lines(&ended.scratch.read("old.jsonl"));
    let new = support::lines(&ended.scratch.read("new.jsonl"));
    assert_eq!(
        (messages(&old), messages(&new)),
        (vec!["before"], vec!["after", "still there"])
    );
    assert_eq!(ended.told("refused"), true);
}

fn loses_its_directory() {
    let directory = scratch().join("logs");
    fs::create_dir(&directory).unwrap();
    let path = directory.join("log.jsonl");
    let sink = Sink::file(&path).unwrap();
    let logging = Logging::builder().sink(sink).init();
    info!("before");
    fs::remove_dir_all(&directory).unwrap();
    // Longer than it takes to notice.
    for _ in 0..15 {
        info!("into the old file");
        thread::sleep(Duration::from_millis(100));
    }
    fs::create_dir(&directory).unwrap();
    wait_until("a new file", || {
        info!("is it back");
        path.exists()
    });
    info!("back");
    fs::copy(&path, scratch().join("copy")).unwrap();
    tell_stats(&logging);
}

#[test]
fn a_directory_that_goes_and_comes_back_costs_no_call_and_the_file_is_made_again() {
    let ended = Child::new("loses_its_directory").run().ok();
    let [emitted, written, ..] = ended.stats();
    assert_eq!(emitted, written);
    let lines = support::lines(&ended.scratch.read("copy"));
    assert_eq!(messages(&lines).last(), Some(&"back"));
}

fn each_of_a_crowd() -> u64 {
    volume(5_000, 20_000)
}

fn crowd() {
    let logging = init_json_logging();
    let threads = (0..8_u64).map(|thread| {
        thread::spawn(move || {
            for number in 0..each_of_a_crowd() {
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
fn a_file_has_room_at_all_times_so_nothing_is_dropped() {
    // However little a stall may hold up: waiting for another thread's line is no stall.
    for stall in ["0", "1ms"] {
        let child = Child::new("crowd").env("LOG_STALL", stall);
        let path = child.scratch().join("log.jsonl");
        let ended = child.env("LOG_OUTPUT", &path).run().ok();
        let count = 8 * each_of_a_crowd();
        assert_eq!(ended.stats(), [count, count, 0, 0], "LOG_STALL={stall}");
    }
}

#[test]
fn a_layer_of_ones_own_writes_to_a_file_too() {
    use tracing_subscriber::prelude::*;
    let shared = Scratch::new();
    let path = shared.path().join("log.jsonl");
    let layer = tracing_jsonl::JsonLayer::new(Sink::file(&path).unwrap());
    let stats = layer.stats();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        info!(number = 1, "an event");
    });
    assert_eq!(stats.get().written, 1);
    let lines = support::lines(&fs::read(&path).unwrap());
    assert_eq!(lines[0]["fields"], json!({"number": 1}));
    assert!(Sink::file(shared.path().join("no/such/directory")).is_err());
}
