//! `flush` never fails, hangs or panics, whatever the lines go to.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/child.rs"]
mod child;
mod sink_support;
mod support;

use child::{Child, To, pipe, tell, tell_stats, wait_until};
use sink_support::{die_after, sum, terminal};
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::thread;
use support::figures::holds;
use tracing::info;
use tracing_jsonl::{Logging, Sink, init_json_logging};
use tracing_subscriber::fmt::MakeWriter;

#[test]
fn child() {
    child::serve(&[
        ("flushes", flushes),
        ("flushes_nothing", flushes_nothing),
        ("flushes_while_held_up", flushes_while_held_up),
        ("fails", || with_writer(false)),
        ("panics", || with_writer(true)),
    ]);
}

/// Flushes a hundred times, before and after a line.
fn flush(logging: &Logging) {
    die_after(60);
    for number in 0..2 {
        for _ in 0..50 {
            logging.flush();
        }
        info!(number, "an event");
    }
    let errors = (0..50).filter(|_| Sink::stdout().make_writer().flush().is_err());
    tell("errors", errors.count());
    tell_stats(logging);
}

fn flushes() {
    flush(&init_json_logging());
}

fn flushes_nothing() {
    let logging = init_json_logging();
    // SAFETY: nobody else uses standard output in this process, where libtest has `/dev/null`.
    unsafe { libc::close(1) };
    flush(&logging);
}

#[test]
fn flush_is_news_to_nothing_that_lines_go_to() {
    let (_unread, nowhere) = pipe();
    let (_unread_terminal, shown) = terminal();
    let (_peer, socket) = UnixStream::pair().unwrap();
    let child = || Child::new("flushes");
    let stdout = |to: To| child().stdout(to);
    let file = child();
    let path = file.scratch().join("log.jsonl");
    let redirected = File::create(path.with_extension("stdout")).unwrap();
    let outputs = [
        ("a pipe", child(), true),
        ("a pipe nobody reads", stdout(To::Descriptor(nowhere)), true),
        ("a closed pipe", stdout(To::ClosedPipe), false),
        ("a terminal", stdout(To::Descriptor(shown)), true),
        ("a socket", stdout(To::Descriptor(socket.into())), true),
        ("a file", file.env("LOG_OUTPUT", &path), true),
        (
            "a redirection",
            stdout(To::Descriptor(redirected.into())),
            true,
        ),
        ("/dev/full", stdout(To::Full), false),
        ("nothing", Child::new("flushes_nothing"), false),
    ];
    let kinds = outputs.len();
    let runs = outputs.map(|(name, child, takes_lines)| {
        let ended = child.run().ok();
        assert_eq!(ended.told("errors"), 0, "{name}");
        let expected = if takes_lines {
            [2, 2, 0, 0]
        } else {
            [2, 0, 0, 2]
        };
        assert_eq!(ended.stats(), expected, "{name}");
        assert_eq!(ended.stderr, "", "{name}");
        ended.stats()
    });
    holds!(42, sum(runs), "{kinds} kinds of output: 0 errors, 0 hung");
}

/// Another thread waits for a reader that stopped.
fn flushes_while_held_up() {
    die_after(60);
    let logging = init_json_logging();
    let writer = thread::spawn(|| {
        for number in 0..2_000 {
            info!(number, "an event");
        }
    });
    wait_until("drops", || {
        logging.flush();
        logging.stats().dropped > 0
    });
    writer.join().unwrap();
    tell_stats(&logging);
}

#[test]
fn flush_returns_though_a_reader_that_stopped_holds_other_threads_up() {
    let (_reader, writer) = pipe();
    let child = Child::new("flushes_while_held_up")
        .env("LOG_STALL", "100ms")
        .stdout(To::Descriptor(writer));
    let [emitted, _, _, failed] = child.run().ok().stats();
    assert_eq!((emitted, failed), (2_000, 0));
}

/// A writer that takes lines, and does not want to be flushed.
struct NoFlush {
    panics: bool,
}

impl Write for NoFlush {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        assert!(!self.panics, "on purpose");
        Err(io::ErrorKind::Unsupported.into())
    }
}

fn with_writer(panics: bool) {
    let writer = move || NoFlush { panics };
    flush(&Logging::builder().writer(writer).init());
}

#[test]
fn flush_hides_that_a_writer_cannot_be_flushed() {
    for case in ["fails", "panics"] {
        let ended = Child::new(case).run().ok();
        assert_eq!(ended.stats(), [2, 2, 0, 0]);
        assert_eq!(ended.stderr, "");
    }
}
