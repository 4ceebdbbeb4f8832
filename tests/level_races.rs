//! Changes of the level that meet events, timers and one another.
#![allow(clippy::unwrap_used)]

mod level_support;
mod support;

use level_support::{Service, eventually, turn};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, ScopedJoinHandle, ThreadId};
use std::time::{Duration, Instant};
use support::figures::{counts, holds};
use tracing::subscriber::Interest;
use tracing::{Dispatch, Event, Level, Metadata, debug, info, warn};
use tracing_jsonl::{JsonLayer, LevelHandle};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::prelude::*;

/// Counts the lines that say "kept".
#[derive(Clone, Default)]
struct Counts(Arc<AtomicUsize>);

impl Write for Counts {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let word = br#""message":"kept""#;
        if bytes.windows(word.len()).any(|window| window == word) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Counts the events it is shown at `info`.
struct Beside(Arc<AtomicUsize>);

impl<S: tracing::Subscriber> Layer<S> for Beside {
    fn on_event(&self, event: &Event<'_>, _ctx: Context<'_, S>) {
        if *event.metadata().level() == Level::INFO {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[test]
fn no_event_is_lost_while_the_level_changes_above_it() {
    let (events, swaps) = if std::env::var_os("LONG").is_some() {
        (2_000_000, 100_000)
    } else {
        (100_000, 2_000)
    };
    let _turn = turn();
    let level = LevelHandle::new("info").unwrap();
    let (counted, beside) = (Counts::default(), Counts::default());
    let writer = counted.clone();
    let layer = JsonLayer::new(move || writer.clone()).with_level(&level);
    let stats = layer.stats();
    let subscriber = tracing_subscriber::registry()
        .with(level.filter())
        .with(layer)
        .with(Beside(beside.0.clone()));
    let dispatch = Dispatch::new(subscriber);
    let mut changes = 0;
    thread::scope(|scope| {
        let log = || {
            tracing::dispatcher::with_default(&dispatch, || {
                for _ in 0..events {
                    info!("kept");
                }
            });
        };
        let threads = [scope.spawn(log), scope.spawn(log)];
        let texts = [
            "debug",
            "info",
            "[{user_id=u-42}]=debug",
            "hyper=off,trace",
            "info,hyper=warn",
        ];
        for text in texts.iter().cycle() {
            level.set(text).unwrap();
            changes += 1;
            let done = threads.iter().all(ScopedJoinHandle::is_finished);
            if done && changes >= swaps {
                break;
            }
        }
    });
    let [counted, beside] = [counted, beside].map(|counts| counts.0.load(Ordering::SeqCst));
    assert_eq!((counted, beside), (2 * events, 2 * events));
    let stats = stats.get();
    assert_eq!(stats.emitted, 2 * events as u64 + changes);
    assert_eq!(stats.written, stats.emitted);
    holds!(
        20,
        counts(stats),
        "{changes} swaps against 2 threads: {counted} of {} events written, {beside} seen by \
         another layer",
        2 * events
    );
}

/// Takes its time over callsites, on other threads than that of the test.
struct Slow(ThreadId);

impl<S: tracing::Subscriber> Layer<S> for Slow {
    fn register_callsite(&self, _metadata: &'static Metadata<'static>) -> Interest {
        if thread::current().id() != self.0 {
            thread::sleep(Duration::from_millis(1));
        }
        Interest::always()
    }
}

#[test]
fn each_of_many_changes_is_seen_by_the_next_event() {
    // Callsites are asked again some time after a change: this is long enough for many times.
    const TIME: Duration = Duration::from_secs(3);
    let _turn = turn();
    let level = LevelHandle::new("info").unwrap();
    let layer = JsonLayer::new(io::sink).with_level(&level);
    let stats = layer.stats();
    let _guard = tracing_subscriber::registry()
        .with(Slow(thread::current().id()))
        .with(level.filter())
        .with(layer)
        .set_default();
    let written = || {
        let before = stats.get().emitted;
        debug!("shown or hidden");
        stats.get().emitted - before
    };
    let start = Instant::now();
    let (mut rounds, mut shown, mut leaked) = (0, 0, 0);
    while start.elapsed() < TIME {
        level.set("debug").unwrap();
        shown += written();
        level.set("info").unwrap();
        leaked += written();
        rounds += 1;
    }
    assert_eq!(
        (rounds - shown, leaked),
        (0, 0),
        "events lost and leaked in {rounds} rounds"
    );
}

#[test]
fn an_expiry_never_undoes_a_change_made_at_the_same_time() {
    // A long configured text gives the end of a level some work, during which a change may come.
    let targets = (0..3_000).map(|number| format!("shop::module_{number}=warn"));
    let configured = targets.collect::<Vec<_>>().join(",");
    let service = Service::start(&configured);
    let ttl = Duration::from_millis(4);
    for round in 0..40 {
        service.level.set_for("debug", ttl).unwrap();
        // Around the end, sooner and later by turns.
        thread::sleep(ttl.mul_f64(f64::from(round % 8).mul_add(0.05, 0.85)));
        service.set("error");
        thread::sleep(ttl * 4);
        let current = service.level.current();
        assert!(current == "error", "undone in round {round}");
    }
}

#[test]
fn changes_from_many_threads_end_in_one_level_that_all_agree_on() {
    const THREADS: usize = 8;
    let service = Service::start("info");
    let log = |message: &str| {
        warn!("{message} warn");
        debug!("{message} debug");
    };
    thread::scope(|scope| {
        for number in 0..THREADS {
            let level = service.level.clone();
            scope.spawn(move || {
                for round in 0..60 {
                    match (number + round) % 5 {
                        0 => level.set("debug").unwrap(),
                        1 => level.set_for("trace", Duration::from_millis(1)).unwrap(),
                        2 => level.set_for("warn", Duration::from_secs(60)).unwrap(),
                        3 => level.set("[{user_id=u-42}]=debug").unwrap(),
                        _ => level.reset(),
                    }
                }
            });
        }
    });
    service.set("debug");
    log("first");
    assert_eq!(service.level.current(), "debug");
    service.set("warn");
    thread::sleep(Duration::from_millis(100));
    assert_eq!(
        service.level.current(),
        "warn",
        "no old timer undoes the last change"
    );
    log("second");
    assert_eq!(
        service.messages(),
        ["first warn", "first debug", "second warn"]
    );

    // The lines, in whatever order, lead from the first level to the last.
    let mut balance: BTreeMap<String, i64> = BTreeMap::new();
    for change in service.changes() {
        let [from, to] = ["from", "to"].map(|key| change[key].as_str().unwrap().to_owned());
        assert_ne!(from, to);
        *balance.entry(from).or_default() -= 1;
        *balance.entry(to).or_default() += 1;
    }
    balance.retain(|_, count| *count != 0);
    let ends = [("info".to_owned(), -1), ("warn".to_owned(), 1)];
    assert_eq!(balance, BTreeMap::from(ends));
}

#[test]
fn the_last_line_about_the_level_names_the_level_in_force() {
    for round in 0..50 {
        let service = Service::start("info");
        thread::scope(|scope| {
            for text in ["debug", "warn"] {
                let level = service.level.clone();
                scope.spawn(move || level.set(text).unwrap());
            }
        });
        let last = service.changes().pop().unwrap();
        assert_eq!(last["to"], *service.level.current(), "round {round}");
    }
}

#[test]
fn a_change_that_ends_at_once_is_told_before_its_end() {
    for round in 0..50 {
        let service = Service::start("info");
        service
            .level
            .set_for("debug", Duration::from_nanos(1))
            .unwrap();
        eventually("the end of debug", || service.changes().len() == 2);
        let by: Vec<_> = service
            .changes()
            .iter()
            .map(|change| change["by"].clone())
            .collect();
        assert_eq!(by, ["api", "expiry"], "round {round}");
    }
}
