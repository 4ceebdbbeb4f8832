//! The timestamp, whatever the clock does.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod hostile_support;
mod support;

use hostile_support::{Random, cases, written};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use support::figures::{counts, holds};
use support::logged_with;
use time::format_description::well_known::Rfc3339;
use tracing_jsonl::{Precision, Schema};

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

/// The last instant there is in a direction.
fn last(step: fn(&SystemTime, Duration) -> Option<SystemTime>) -> SystemTime {
    let seconds = (0..64).rev().map(|bit| Duration::from_secs(1 << bit));
    let nanos = (0..30).rev().map(|bit| Duration::from_nanos(1 << bit));
    let steps = seconds.chain(nanos);
    steps.fold(UNIX_EPOCH, |now, by| step(&now, by).unwrap_or(now))
}

#[test]
fn every_clock_gives_a_valid_timestamp_of_the_same_width() {
    let clocks: [fn() -> SystemTime; 8] = [
        || UNIX_EPOCH,
        || UNIX_EPOCH - Duration::from_nanos(1),
        || UNIX_EPOCH - Duration::from_secs(60_000_000_000),
        || UNIX_EPOCH - Duration::from_secs(1 << 40),
        || UNIX_EPOCH + Duration::from_secs(253_402_300_800),
        || UNIX_EPOCH + Duration::from_secs(1 << 40),
        || last(SystemTime::checked_add),
        || last(SystemTime::checked_sub),
    ];
    for clock in clocks {
        let lines = logged_with(|layer| layer.with_clock(clock), || tracing::info!("x"));
        let stamp = lines[0]["timestamp"].as_str().unwrap();
        assert_eq!(stamp.len(), NOON.len(), "{stamp}");
        assert!(stamp.ends_with('Z'), "{stamp}");
        time::OffsetDateTime::parse(stamp, &Rfc3339).unwrap();
    }
}

/// So many nanoseconds after 1970, or before.
fn at(nanos: i64) -> SystemTime {
    let offset = Duration::from_nanos(nanos.unsigned_abs());
    if nanos < 0 {
        UNIX_EPOCH - offset
    } else {
        UNIX_EPOCH + offset
    }
}

/// Readings over all that 64 bits of nanoseconds have, and after each one an hour earlier.
fn readings() -> Vec<i64> {
    const HOUR: i64 = 3_600_000_000_000;
    const DAY: i64 = 24 * HOUR;
    let mut random = Random::new(39);
    let edges = [
        0,
        1,
        -1,
        999_999_999,
        1_000_000_000,
        -999_999_999,
        -1_000_000_000,
        -DAY,
        DAY - 1,
        i64::MAX,
    ];
    let any = (0..cases(5_000, 200_000)).map(|_| random.next().cast_signed());
    let forward = edges
        .into_iter()
        .chain(any)
        .filter_map(|nanos| Some([nanos, nanos.checked_sub(HOUR)?]));
    forward.flatten().chain([i64::MIN]).collect()
}

#[test]
fn a_clock_that_jumps_is_printed_as_it_is_and_the_lines_stay_in_order() {
    thread_local! {
        static NOW: Cell<i64> = const { Cell::new(0) };
    }
    let readings = readings();
    let (bytes, stats) = written(
        |layer| {
            let schema = Schema::default().with_precision(Precision::Nanos);
            layer.with_schema(schema).with_clock(|| at(NOW.get()))
        },
        || {
            for (number, &nanos) in readings.iter().enumerate() {
                NOW.set(nanos);
                tracing::info!(number, "an event");
            }
        },
    );
    let lines = support::lines(&bytes);
    assert_eq!(lines.len(), readings.len());
    let mut backwards = 0;
    let mut before = i64::MIN;
    for (number, (line, nanos)) in lines.iter().zip(readings).enumerate() {
        let stamp = line["timestamp"].as_str().unwrap();
        let read = time::OffsetDateTime::parse(stamp, &Rfc3339).unwrap();
        assert_eq!(read.unix_timestamp_nanos(), i128::from(nanos), "{stamp}");
        assert!(stamp.len() == 30 && stamp.ends_with('Z'), "{stamp}");
        assert_eq!(line["fields"]["number"], number);
        backwards += usize::from(nanos < before);
        before = nanos;
    }
    holds!(
        39,
        counts(stats),
        "{} readings, {backwards} steps back, each the same to the time crate",
        lines.len()
    );
}

#[test]
fn a_clock_that_panics_costs_its_line_and_no_more() {
    static BROKEN: AtomicBool = AtomicBool::new(true);
    let (bytes, stats) = written(
        |layer| {
            layer.with_clock(|| {
                assert!(!BROKEN.load(Ordering::Relaxed), "no time");
                UNIX_EPOCH
            })
        },
        || {
            let log = AssertUnwindSafe(|| tracing::info!("lost"));
            catch_unwind(log).expect("the log call panicked");
            BROKEN.store(false, Ordering::Relaxed);
            tracing::info!("next");
        },
    );
    assert_eq!(support::lines(&bytes)[0]["message"], "next");
    assert_eq!(counts(stats), [2, 1, 0, 1]);
}
