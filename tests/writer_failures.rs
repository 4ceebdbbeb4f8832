//! A writer that fails costs the line it fails on, which is counted, and no other.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Write};
use std::sync::{Arc, Mutex, PoisonError};
use support::figures::{counts, holds};
use support::{lines, strict};
use tracing_jsonl::{JsonLayer, Stats, StatsHandle};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::prelude::*;

/// What one call of `write`, or of `make_writer`, does.
#[derive(Clone, Copy)]
enum Step {
    /// Takes everything.
    All,
    /// Takes up to so many bytes.
    Some(usize),
    Fails(ErrorKind),
    Panics,
    CannotBeMade,
}

/// A writer that follows a script; past its end it takes everything.
#[derive(Clone, Default)]
struct Scripted(Arc<Mutex<(VecDeque<Step>, Vec<u8>)>>);

impl Scripted {
    fn with<R>(&self, run: impl FnOnce(&mut VecDeque<Step>, &mut Vec<u8>) -> R) -> R {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (steps, bytes) = &mut *state;
        run(steps, bytes)
    }
}

impl Write for Scripted {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let step = self.with(|steps, _| steps.pop_front()).unwrap_or(Step::All);
        let count = match step {
            Step::All => line.len(),
            Step::Some(count) => count.min(line.len()),
            Step::Fails(kind) => return Err(kind.into()),
            Step::Panics | Step::CannotBeMade => panic!("the writer panicked"),
        };
        self.with(|_, bytes| bytes.extend_from_slice(&line[..count]));
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Scripted {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        let next = self.with(|steps, _| steps.front().copied());
        if matches!(next, Some(Step::CannotBeMade)) {
            self.with(|steps, _| steps.pop_front());
            panic!("no writer");
        }
        self.clone()
    }
}

/// Logs `events` numbered events to a writer that follows `steps`.
fn written(steps: &[Step], events: usize) -> (Vec<u8>, Stats) {
    let writer = Scripted::default();
    writer.with(|script, _| script.extend(steps));
    let layer = JsonLayer::new(writer.clone());
    let stats: StatsHandle = layer.stats();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        for number in 0..events {
            tracing::info!(number, "x");
        }
    });
    let stats = stats.get();
    assert_eq!(
        stats.emitted,
        stats.written + stats.dropped + stats.failed,
        "{stats:?}"
    );
    (writer.with(|_, bytes| bytes.clone()), stats)
}

/// The numbers of the events whose lines are whole, and the number of reports of drops.
fn numbers(bytes: &[u8]) -> Vec<u64> {
    let numbers = lines(bytes).into_iter();
    numbers
        .filter_map(|line| line["fields"]["number"].as_u64())
        .collect()
}

#[test]
fn short_writes_and_interruptions_are_finished() {
    let interrupted = Step::Fails(ErrorKind::Interrupted);
    let (bytes, stats) = written(
        &[
            Step::Some(1),
            interrupted,
            Step::Some(20),
            interrupted,
            interrupted,
        ],
        2,
    );
    assert_eq!(numbers(&bytes), [0, 1]);
    assert_eq!((stats.written, stats.failed, stats.dropped), (2, 0, 0));
}

#[test]
fn a_line_that_the_writer_refuses_is_failed_and_the_next_is_tried() {
    let refusals = [
        Step::Fails(ErrorKind::BrokenPipe),
        Step::Fails(ErrorKind::StorageFull),
        Step::Some(0),
        Step::Panics,
        Step::CannotBeMade,
    ];
    for refusal in refusals {
        let (bytes, stats) = written(&[refusal], 2);
        assert_eq!(numbers(&bytes), [1]);
        assert_eq!((stats.emitted, stats.written, stats.failed), (2, 1, 1));
    }
    let (bytes, stats) = written(&refusals, 7);
    assert_eq!(numbers(&bytes), [5, 6]);
    assert_eq!((stats.emitted, stats.written, stats.failed), (7, 2, 5));
}

#[test]
fn a_writer_that_panics_on_one_line_writes_the_others() {
    let mut steps = [Step::All; 10];
    steps[2] = Step::Panics;
    let (bytes, stats) = written(&steps, 10);
    let numbers = numbers(&bytes);
    assert_eq!(numbers, [0, 1, 3, 4, 5, 6, 7, 8, 9]);
    let lines = numbers.len();
    holds!(14, counts(stats), "panics on event 3 of 10: {lines} lines");
}

#[test]
fn a_writer_without_room_drops_and_the_drops_are_told() {
    let full = Step::Fails(ErrorKind::WouldBlock);
    let (bytes, stats) = written(&[full, full, full], 4);
    assert_eq!(numbers(&bytes), [3]);
    assert_eq!((stats.dropped, stats.failed), (3, 0));
    let told: Vec<_> = lines(&bytes)
        .into_iter()
        .filter(|line| line["fields"]["dropped"] == 3)
        .collect();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["level"], "warn");
    assert_eq!(stats.written, 2);
}

#[test]
fn the_line_after_a_torn_one_starts_with_a_newline() {
    let tears = [
        Step::Fails(ErrorKind::StorageFull),
        Step::Fails(ErrorKind::WouldBlock),
        Step::Some(0),
        Step::Panics,
    ];
    for tear in tears {
        let (bytes, stats) = written(&[Step::All, Step::Some(10), tear], 4);
        assert_eq!(stats.failed + stats.dropped, 1);
        let text = String::from_utf8(bytes).unwrap();
        let mut lines: Vec<_> = text.lines().collect();
        let torn = lines.remove(1);
        assert_eq!(torn, &lines[0][..10], "the torn line alone");
        let numbers: Vec<_> = lines
            .iter()
            .filter_map(|line| strict(line.as_bytes())["fields"]["number"].as_u64())
            .collect();
        assert_eq!(numbers, [0, 2, 3]);
    }
}

#[test]
fn a_line_torn_before_its_newline_spoils_no_other() {
    let length = written(&[], 1).0.len();
    let full = Step::Fails(ErrorKind::StorageFull);
    let (bytes, stats) = written(&[Step::Some(length - 1), full], 2);
    assert_eq!(numbers(&bytes), [0, 1]);
    assert_eq!((stats.written, stats.failed), (1, 1));
}

#[test]
fn a_second_failure_after_a_torn_line_adds_no_empty_line() {
    let full = Step::Fails(ErrorKind::StorageFull);
    // The newline that ends the torn line gets through, and nothing else.
    let (bytes, stats) = written(&[Step::Some(10), full, full, Step::Some(1), full], 4);
    let text = String::from_utf8(bytes).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert_eq!(strict(lines[1].as_bytes())["fields"]["number"], 3);
    assert_eq!((stats.written, stats.failed), (1, 3));
}
