//! The timestamp, whatever the clock does.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::time::{Duration, SystemTime, UNIX_EPOCH};
use support::{Capture, logged_with, noon};
use tracing_jsonl::{JsonLayer, Precision, Schema};
use tracing_subscriber::prelude::*;

/// What `noon` is in the default precision.
const NOON: &str = "2026-11-23T14:26:46.123456Z";

#[test]
fn a_timestamp_has_the_chosen_number_of_digits() {
    let stamp = |precision| {
        let schema = Schema::default().with_precision(precision);
        let lines = logged_with(|layer| layer.with_schema(schema), || tracing::info!("x"));
        lines[0]["timestamp"].as_str().unwrap().to_owned()
    };
    assert_eq!(stamp(Precision::Millis), "2026-11-23T14:26:46.123Z");
    assert_eq!(stamp(Precision::Micros), "2026-11-23T14:26:46.123456Z");
    assert_eq!(stamp(Precision::Nanos), "2026-11-23T14:26:46.123456789Z");
}

#[test]
fn every_clock_gives_a_valid_timestamp_of_the_same_width() {
    use time::format_description::well_known::Rfc3339;
    let clocks: [fn() -> SystemTime; 6] = [
        || UNIX_EPOCH,
        || UNIX_EPOCH - Duration::from_nanos(1),
        || UNIX_EPOCH - Duration::from_secs(60_000_000_000),
        || UNIX_EPOCH - Duration::from_secs(1 << 40),
        || UNIX_EPOCH + Duration::from_secs(253_402_300_800),
        || UNIX_EPOCH + Duration::from_secs(1 << 40),
    ];
    for clock in clocks {
        let lines = logged_with(|layer| layer.with_clock(clock), || tracing::info!("x"));
        let stamp = lines[0]["timestamp"].as_str().unwrap();
        assert_eq!(stamp.len(), NOON.len(), "{stamp}");
        assert!(stamp.ends_with('Z'), "{stamp}");
        time::OffsetDateTime::parse(stamp, &Rfc3339).unwrap();
    }
}

#[test]
fn a_clock_that_goes_back_is_printed_as_it_is() {
    use std::sync::atomic::{AtomicU64, Ordering};
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let lines = logged_with(
        |layer| {
            layer.with_clock(|| {
                noon() - Duration::from_secs(3600 * CALLS.fetch_add(1, Ordering::Relaxed))
            })
        },
        || {
            tracing::info!("noon");
            tracing::info!("an hour before");
        },
    );
    assert_eq!(lines[0]["timestamp"], NOON);
    assert_eq!(lines[1]["timestamp"], "2026-11-23T13:26:46.123456Z");
}

#[test]
fn a_clock_that_panics_does_not_panic_the_log_call() {
    let panicked = std::panic::catch_unwind(|| {
        let layer = JsonLayer::new(Capture::default()).with_clock(|| panic!("no time"));
        let stats = layer.stats();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            tracing::info!("x");
        });
        stats.get()
    });
    let stats = panicked.expect("the log call panicked");
    assert_eq!(stats.emitted, stats.written + stats.dropped + stats.failed);
}
