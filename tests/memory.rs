//! Memory while huge values are logged and after it, in processes of their own.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/child.rs"]
mod child;
mod support;

use child::{Child, Ended, To, tell, tell_stats};
use std::alloc::{GlobalAlloc, Layout, System};
use std::error::Error;
use std::fmt;
use std::fs::{self, OpenOptions};
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use support::figures::holds;
use tracing::field::Empty;
use tracing::{info, info_span};

const THREADS: usize = 8;
const HUGE: usize = 32 << 20;
const MIB: u64 = 1 << 20;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, with a count of the bytes in use.
struct Counted;

#[global_allocator]
static COUNTED: Counted = Counted;

// SAFETY: the system's allocator does all of it.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(live, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let live = LIVE.fetch_add(size, Ordering::Relaxed) + size;
        PEAK.fetch_max(live - layout.size(), Ordering::Relaxed);
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.realloc(block, layout, size) }
    }
}

#[test]
fn child() {
    child::serve(&[("burst", burst)]);
}

/// What each thread logs in the burst, by name.
type Kind = (&'static str, fn(&'static str));

const KINDS: &[Kind] = &[
    ("field", |huge| info!(huge, "a field")),
    ("json", |huge| {
        info!(huge = tracing_jsonl::json([huge]), "nested");
    }),
    ("message", |huge| info!("{huge}")),
    (
        "debug",
        |huge| info!(huge = ?huge, "escaped while it is written"),
    ),
    ("bytes", |huge| info!(huge = huge.as_bytes(), "bytes")),
    ("error", |huge| {
        info!(huge = &Failed(huge) as &dyn Error, "an error");
    }),
    ("identifier", |huge| info!(user_id = huge, "an identifier")),
    ("shown", |huge| {
        info!(
            huge = tracing_jsonl::json(format_args!("{huge}")),
            "written into JSON"
        );
    }),
    ("span", |huge| {
        let span = info_span!("s", huge, later = Empty);
        span.record("later", huge);
        span.in_scope(|| info!("in a span"));
    }),
];
/// Those that take the ways on which a long line is long. `LONG` takes them all.
const FEW: usize = 2;

#[derive(Debug)]
struct Failed(&'static str);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Failed {}

fn burst() {
    let kind = std::env::var("BURST").unwrap();
    let (_, log) = KINDS.iter().find(|(name, _)| *name == kind).unwrap();
    // Pages of two megabytes would be counted whole for one byte in them.
    // SAFETY: changes how this process gets its pages, and nothing else.
    unsafe { libc::prctl(libc::PR_SET_THP_DISABLE, 1, 0, 0, 0) };
    let logging = tracing_jsonl::init_json_logging();
    let turn = Barrier::new(THREADS + 1);
    // Of the program's own, and not given back.
    let huge: &'static str = "x".repeat(HUGE).leak();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                log("small");
                turn.wait();
                turn.wait();
                log(huge);
                turn.wait();
                // Alive, with all that a thread keeps for its next line.
                turn.wait();
            });
        }
        turn.wait();
        let (live, resident_before) = (LIVE.load(Ordering::Relaxed), resident());
        PEAK.store(live, Ordering::Relaxed);
        turn.wait();
        turn.wait();
        tell("peak", PEAK.load(Ordering::Relaxed) - live);
        tell("kept", LIVE.load(Ordering::Relaxed).saturating_sub(live));
        tell("grown", resident().saturating_sub(resident_before));
        turn.wait();
    });
    tell_stats(&logging);
}

/// Bytes of this process in memory. `status` would give an estimate.
fn resident() -> u64 {
    let rollup = fs::read_to_string("/proc/self/smaps_rollup").unwrap();
    let line = rollup.lines().find(|line| line.starts_with("Rss:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    kib.unwrap().parse::<u64>().unwrap() * 1024
}

/// A burst with so long lines at most: what is in use at its height, what stays in use, and by how
/// much the process has grown.
fn bytes_after(kind: &str, cap: &str) -> ([u64; 3], Ended) {
    let null = OpenOptions::new().write(true).open("/dev/null").unwrap();
    let ended = Child::new("burst")
        .env("BURST", kind)
        .env("LOG_MAX_LINE_BYTES", cap)
        .stdout(To::Descriptor(null.into()))
        .run()
        .ok();
    let bytes = ["peak", "kept", "grown"].map(|key| ended.told(key).as_u64().unwrap());
    (bytes, ended)
}

#[test]
fn memory_comes_back_after_a_burst_of_huge_lines() {
    let long = std::env::var_os("LONG").is_some();
    let kinds = if long { KINDS } else { &KINDS[..FEW] };
    let (mut sum, mut most) = ([0; 4], 0);
    for (kind, _) in kinds {
        let ([peak, kept, grown], ended) = bytes_after(kind, "0");
        assert!(peak > HUGE as u64, "{kind}: no long line");
        assert!(kept < MIB, "{kind}: {kept} bytes stay in use");
        assert!(grown < MIB, "{kind}: {grown} bytes stay in memory");
        most = most.max(grown);
        for (sum, more) in sum.iter_mut().zip(ended.stats()) {
            *sum += more;
        }
    }
    holds!(
        36,
        sum,
        "{THREADS} idle threads keep {} KiB in memory after lines of {} MiB",
        most >> 10,
        HUGE >> 20
    );
}

#[test]
fn a_value_that_has_to_be_cut_takes_no_memory_by_its_length() {
    for (kind, _) in KINDS {
        let ([peak, kept, _], ended) = bytes_after(kind, "16383");
        let each = peak / THREADS as u64;
        assert!(each < MIB, "{kind}: {each} bytes in use for one line");
        assert!(kept < MIB, "{kind}: {kept} bytes stay in use");
        let [emitted, written, ..] = ended.stats();
        assert_eq!(emitted, written);
    }
}
