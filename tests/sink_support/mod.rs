//! What the tests of the sink share.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout
)]
#![allow(unreachable_pub)]

use crate::child::{in_order, said};
use rustix::io::{FdFlags, fcntl_setfd};
use serde_json::Value;
use std::fs::File;
use std::os::fd::{FromRawFd, OwnedFd};
use std::process::{Command, Stdio};
use std::{ptr, thread};
use tracing::info;
use tracing_jsonl::Logging;

/// How much of something, and how much where time is no matter: `LONG=1`.
pub fn volume(usual: u64, long: u64) -> u64 {
    match std::env::var_os("LONG") {
        Some(_) => long,
        None => usual,
    }
}

/// Whether `program` can be run here.
pub fn has(program: &str, args: &[&str]) -> bool {
    let mut command = Command::new(program);
    let command = command.args(args).stdin(Stdio::null());
    let there = command.output().is_ok_and(|output| output.status.success());
    if !there {
        println!("skipped: there is no {program} here");
    }
    there
}

/// The lines that can be read, and the number of those that cannot.
pub fn sorted(bytes: &[u8]) -> (Vec<Value>, usize) {
    let lines = bytes
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.is_empty());
    let read = lines.map(serde_json::from_slice::<Value>);
    let (whole, torn): (Vec<_>, Vec<_>) = read.partition(Result::is_ok);
    (whole.into_iter().map(Result::unwrap).collect(), torn.len())
}

/// The counts of several runs together.
pub fn sum(runs: impl IntoIterator<Item = [u64; 4]>) -> [u64; 4] {
    let add = |a: [u64; 4], b: [u64; 4]| std::array::from_fn(|i| a[i] + b[i]);
    runs.into_iter().fold([0; 4], add)
}

/// Logs until a line is written at the first try with no drop left to tell of.
pub fn until_all_is_told(logging: &Logging) {
    crate::child::wait_until("room", || {
        let before = logging.stats();
        info!("is there room");
        let after = logging.stats();
        (after.emitted, after.written) == (before.emitted + 1, before.written + 1)
    });
}

/// How many lines the reports among `lines` say were dropped, and how many reports there are.
pub fn told_dropped(lines: &[Value]) -> (u64, usize) {
    let reports = said(lines, "log lines were dropped");
    let told = reports
        .iter()
        .map(|line| line["fields"]["dropped"].as_u64().unwrap());
    (told.sum(), reports.len())
}

pub const THREADS: u64 = 8;

/// Half of the texts have 200 bytes, a quarter 400, and so on to 200 KB.
fn size(number: u64) -> usize {
    (200 << (number + 1).trailing_zeros().min(10)).min(200_000)
}

/// A case: as many lines as `EACH` says on each of eight threads, from 200 bytes to 200 KB.
pub fn many_sizes() {
    let logging = tracing_jsonl::init_json_logging();
    let each: u64 = std::env::var("EACH").unwrap().parse().unwrap();
    let threads = (0..THREADS).map(|thread| {
        thread::spawn(move || {
            let letter = char::from(b'a' + u8::try_from(thread).unwrap());
            let text = letter.to_string().repeat(200_000);
            for number in 0..each {
                info!(thread, number, text = &text[..size(number)], "an event");
            }
        })
    });
    for thread in threads.collect::<Vec<_>>() {
        thread.join().unwrap();
    }
    crate::child::tell_stats(&logging);
}

/// Looks at what `many_sizes` of one process wrote: all of it, whole, in order. Gives the longest
/// text.
#[track_caller]
pub fn assert_many_sizes(lines: &[Value], each: u64) -> usize {
    let expected: Vec<_> = (0..each).collect();
    let in_order = in_order(lines);
    assert_eq!(in_order.len() as u64, THREADS);
    assert!(in_order.values().all(|numbers| *numbers == expected));
    assert_unmixed(lines)
}

/// No text holds a piece of another line. Gives the longest text.
#[track_caller]
pub fn assert_unmixed(lines: &[Value]) -> usize {
    let texts = said(lines, "an event").into_iter().map(|line| {
        let fields = &line["fields"];
        let thread = u8::try_from(fields["thread"].as_u64().unwrap()).unwrap();
        let text = fields["text"].as_str().unwrap();
        assert_eq!(text.len(), size(fields["number"].as_u64().unwrap()));
        let unmixed = text.bytes().all(|byte| byte == b'a' + thread);
        assert!(unmixed, "mixed lines");
        text.len()
    });
    texts.max().unwrap()
}

/// A terminal: what is read from it, and where to write. Descriptors of no other child.
pub fn terminal() -> (File, OwnedFd) {
    let (mut reader, mut writer) = (-1, -1);
    let [name, settings, size] = [ptr::null_mut(), ptr::null_mut(), ptr::null_mut()];
    // SAFETY: two places for the numbers of two new descriptors, which nobody else owns; null
    // pointers mean that nothing more is wanted.
    let (reader, writer) = unsafe {
        let made = libc::openpty(
            &raw mut reader,
            &raw mut writer,
            name,
            settings.cast(),
            size.cast(),
        );
        assert_eq!(made, 0, "no terminal");
        (OwnedFd::from_raw_fd(reader), OwnedFd::from_raw_fd(writer))
    };
    for descriptor in [&reader, &writer] {
        fcntl_setfd(descriptor, FdFlags::CLOEXEC).unwrap();
    }
    (reader.into(), writer)
}

/// Ends this process, a child, if it still runs after so many seconds.
pub fn die_after(seconds: u32) {
    // SAFETY: no memory is involved; nothing here handles the signal.
    unsafe { libc::alarm(seconds) };
}
