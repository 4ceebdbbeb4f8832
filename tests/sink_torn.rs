//! A disk that is full in the middle of a line, and has space again: one line is torn, not two.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/child.rs"]
mod child;
mod sink_support;
mod support;

use child::{Child, Scratch, To, messages, numbers, scratch, tell, tell_stats, three};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sink_support::{has, sorted, sum};
use std::fs::{self, File, OpenOptions};
use support::figures::holds;
use tracing::info;
use tracing_jsonl::{Logging, Sink, init_json_logging};

#[test]
fn child() {
    child::serve(&[
        ("three", three),
        ("outgrows", outgrows),
        ("outgrows_and_rotates", outgrows_and_rotates),
        ("two_layers_outgrow", two_layers_outgrow),
        ("fills_a_disk", fills_a_disk),
    ]);
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
    let runs = [0, 1, 2].map(|way| {
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
        let late = numbers(&lines).into_iter().filter(|&number| number >= 100);
        assert!(late.eq(100..200), "lines were lost after recovery");
        assert_eq!(bytes.last(), Some(&b'\n'));
        assert!(
            !bytes.windows(2).any(|pair| pair == b"\n\n"),
            "an empty line"
        );
        (ended.stats(), torn)
    });
    let torn = runs.iter().map(|(_, torn)| *torn);
    assert!(torn.clone().all(|torn| torn <= 1), "{torn:?}");
    let (torn, count) = (torn.sum::<usize>(), runs.len());
    holds!(
        4,
        sum(runs.map(|(stats, _)| stats)),
        "{torn} lines torn in {count} runs, none lost after recovery"
    );
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
    use tracing::dispatcher::{Dispatch, with_default};
    use tracing_jsonl::JsonLayer;
    use tracing_subscriber::{prelude::*, registry};
    let sink = Sink::file(scratch().join("log.jsonl")).unwrap();
    let layers = [sink.clone(), sink].map(JsonLayer::new);
    let stats = layers.each_ref().map(JsonLayer::stats);
    let [one, other] = layers.map(|layer| Dispatch::new(registry().with(layer)));
    with_default(&one, || {
        for number in 0..100 {
            info!(number, "an event");
        }
    });
    raise_limit();
    with_default(&other, || info!(number = 100, "an event"));
    // The first has still to hear that its torn line is ended.
    with_default(&one, || info!(number = 101, "an event"));
    tell("written", stats.map(|stats| stats.get().written).to_vec());
}

#[test]
fn after_a_torn_line_of_one_layer_the_next_line_of_another_is_intact() {
    let ended = Child::new("two_layers_outgrow")
        .shell(SMALL_DISK)
        .run()
        .ok();
    let bytes = ended.scratch.read("log.jsonl");
    let (lines, torn) = sorted(&bytes);
    assert_eq!(torn, 1);
    let numbers = numbers(&lines);
    assert!(numbers.ends_with(&[100, 101]), "{numbers:?}");
    let written = ended.told("written");
    assert_eq!(written, serde_json::json!([numbers.len() - 1, 1]));
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

/// As `outgrows`, on a disk that is full because of another file.
fn fills_a_disk() {
    let disk = scratch().join("disk");
    fs::write(disk.join("other"), vec![0; 48 * 1024]).unwrap();
    let log = disk.join("log.jsonl");
    let logging = Logging::builder().sink(Sink::file(&log).unwrap()).init();
    for number in 0..1_000 {
        info!(number, "an event");
    }
    fs::remove_file(disk.join("other")).unwrap();
    for number in 1_000..1_100 {
        info!(number, "an event");
    }
    fs::copy(&log, scratch().join("copy")).unwrap();
    tell_stats(&logging);
}

#[test]
fn on_a_full_disk_that_has_space_again_no_later_line_is_lost() {
    if !has("unshare", &["-rm", "mount", "-t", "tmpfs", "none", "/tmp"]) {
        return;
    }
    let child = Child::new("fills_a_disk");
    fs::create_dir(child.scratch().join("disk")).unwrap();
    let mount = "mount -t tmpfs -o size=64k none \"$CHILD_SCRATCH/disk\" && exec \"$0\" \"$@\"";
    let ended = child
        .under(&["unshare", "-rm", "sh", "-c", mount])
        .run()
        .ok();
    let [emitted, written, dropped, failed] = ended.stats();
    assert_eq!((emitted, dropped), (1_100, 0));
    assert!(failed > 500, "the disk was not full: {failed}");
    let (lines, torn) = sorted(&ended.scratch.read("copy"));
    assert_eq!(lines.len() as u64, written);
    assert!(torn <= 1, "{torn} torn lines");
    let numbers = numbers(&lines);
    assert!(numbers.ends_with(&(1_000..1_100).collect::<Vec<_>>()));
}
