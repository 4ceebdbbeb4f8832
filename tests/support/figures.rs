//! What became of the events under each fault of `GUARANTEES.md`, in figures.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, unreachable_pub)]

use std::fmt::Display;
use std::path::Path;
use tracing_jsonl::Stats;

/// Says that the test it stands in holds under fault `$number` of `GUARANTEES.md`, with what became
/// of its events (`[emitted, written, dropped, failed]`), and figures of its own, as `format!`
/// takes them. At the end of the test: it is the last assertion.
#[allow(unused_macros)]
macro_rules! holds {
    ($number:literal, $counts:expr, $($figures:tt)+) => {{
        fn here() {}
        let here = std::any::type_name_of_val(&here);
        crate::support::figures::record($number, here, $counts, format_args!($($figures)+))
    }};
}
#[allow(unused_imports)]
pub(crate) use holds;

/// The counters as `holds!` takes them.
pub fn counts(stats: Stats) -> [u64; 4] {
    [stats.emitted, stats.written, stats.dropped, stats.failed]
}

/// The invariant of every test under a fault: each event is written, dropped or failed.
#[track_caller]
pub fn record(number: u8, here: &str, counts: [u64; 4], figures: impl Display) {
    let [emitted, written, dropped, failed] = counts;
    assert_eq!(emitted, written + dropped + failed, "{counts:?}");
    let Some(directory) = std::env::var_os("FAULT_FIGURES") else {
        return;
    };
    let test = here.strip_suffix("::here").unwrap();
    let row = format!("{number}\t{test}\t{emitted}\t{written}\t{dropped}\t{failed}\t{figures}\n");
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(Path::new(&directory).join(format!("{number}-{test}")), row).unwrap();
}
