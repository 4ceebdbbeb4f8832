//! A disk that is full in the middle of a line, and has space again: one line is torn, not two.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/child.rs"]
mod child;
mod support;

use child::{Child, Scratch, To, messages, numbers, scratch, tell_stats, three};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::Value;
use std::fs::{self, File, OpenOptions};
use tracing::info;
use tracing_jsonl::{Logging, Sink, init_json_logging};

#[test]
fn child() {
    child::serve(&[
        ("three", three),
        ("outgrows", outgrows),
        ("outgrows_and_rotates", outgrows_and_rotates),
        ("two_layers_outgrow", two_layers_outgrow),
    ]);
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

/// The soft limit on a file's size stands for a full disk; raising it gives space again.
fn raise_limit() {
    let limit = getrlimit(Resource::Fsize);
    assert!(limit.current.is_some());
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Fsize, raised).unwrap();
}

fn outgrow() -> Logging {
    let logging = init_json_logging();
    for number in 0..100 {
        info!(number, "an event");
    }
    raise_limit();
    logging
}

fn outgrows() {
    let logging = outgrow();
    for number in 100..200 {
        info!(number, "an event");
    }
    tell_stats(&logging);
}

const SMALL_DISK: &str = "trap '' XFSZ; ulimit -S -f 4";

#[test]
fn after_a_torn_line_the_next_is_intact() {
    let append = |path: &std::path::Path| {
        let file = OpenOptions::new().append(true).create(true).open(path);
        To::Descriptor(file.unwrap().into())
    };
    let plain = |path: &std::path::Path| To::Descriptor(File::create(path).unwrap().into());
    for way in 0..3 {
        let child = Child::new("outgrows").shell(SMALL_DISK);
        let path = child.scratch().join("log.jsonl");
        let child = match way {
            0 => child.stdout(append(&path)),
            1 => child.stdout(plain(&path)),
            _ => child.env("LOG_OUTPUT", &path),
        };
        let ended = child.run().ok();
        let [emitted, written, dropped, failed] = ended.stats();
        assert_eq!((emitted, dropped), (200, 0));
        assert!(failed > 10, "the disk was not full: {failed}");
        let bytes = fs::read(&path).unwrap();
        let (lines, torn) = sorted(&bytes);
        assert_eq!(lines.len() as u64, written);
        assert!(torn <= 1, "{torn} torn lines");
        let late: Vec<_> = numbers(&lines)
            .into_iter()
            .filter(|&number| number >= 100)
            .collect();
        assert_eq!(late, (100..200).collect::<Vec<_>>());
        assert_eq!(bytes.last(), Some(&b'\n'));
        assert!(
            !bytes.windows(2).any(|pair| pair == b"\n\n"),
            "an empty line"
        );
    }
}

fn outgrows_and_rotates() {
    let path = scratch().join("log.jsonl");
    let sink = Sink::file(&path).unwrap();
    let logging = Logging::builder().sink(sink.clone()).init();
    for number in 0..100 {
        info!(number, "an event");
    }
    raise_limit();
    fs::rename(&path, scratch().join("old.jsonl")).unwrap();
    sink.reopen().unwrap();
    info!("in the new file");
    tell_stats(&logging);
}

#[test]
fn a_new_file_begins_with_a_line_whatever_became_of_the_old() {
    let ended = Child::new("outgrows_and_rotates")
        .shell(SMALL_DISK)
        .run()
        .ok();
    let old = ended.scratch.read("old.jsonl");
    assert_ne!(old.last(), Some(&b'\n'), "no line was torn");
    let new = ended.scratch.read("log.jsonl");
    assert_eq!(
        new.first(),
        Some(&b'{'),
        "{:?}",
        String::from_utf8_lossy(&new)
    );
    assert_eq!(messages(&support::lines(&new)), ["in the new file"]);
}

/// A layer's line is torn, and the next to write is another layer.
fn two_layers_outgrow() {
    use tracing::subscriber::with_default;
    use tracing_jsonl::JsonLayer;
    use tracing_subscriber::{prelude::*, registry};
    let sink = Sink::file(scratch().join("log.jsonl")).unwrap();
    let [one, other] = [sink.clone(), sink].map(|sink| registry().with(JsonLayer::new(sink)));
    with_default(one, || {
        for number in 0..100 {
            info!(number, "an event");
        }
    });
    raise_limit();
    with_default(other, || {
        info!(number = 100, "an event");
    });
}

#[test]
fn after_a_torn_line_of_one_layer_the_next_line_of_another_is_intact() {
    let ended = Child::new("two_layers_outgrow")
        .shell(SMALL_DISK)
        .run()
        .ok();
    let bytes = ended.scratch.read("log.jsonl");
    let (lines, torn) = sorted(&bytes);
    assert_eq!((numbers(&lines).last(), torn), (Some(&100), 1));
}

#[test]
fn a_line_that_an_earlier_process_left_torn_does_not_spoil_the_next() {
    let shared = Scratch::new();
    let path = shared.path().join("log.jsonl");
    fs::write(&path, "{\"whole\":true}\n{\"timestamp\":\"2026-11-23T14:26").unwrap();
    let ended = Child::new("three").env("LOG_OUTPUT", &path).run().ok();
    assert_eq!(ended.stats(), [3, 3, 0, 0]);
    let bytes = fs::read(&path).unwrap();
    let (lines, torn) = sorted(&bytes);
    assert_eq!(
        (numbers(&lines), torn),
        (vec![0, 1, 2], 1),
        "{}",
        String::from_utf8_lossy(&bytes)
    );
}
