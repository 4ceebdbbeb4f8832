//! A callsite whose first hit overlaps the first change of the level there is: `tracing` may store
//! the answer from before the change after that from after it.
//!
//! Each case has a process of its own: later changes wait for such a callsite.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/child.rs"]
mod child;
mod level_support;
mod support;

use child::Child;
use level_support::{eventually, messages};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;
use support::Capture;
use tracing::subscriber::Interest;
use tracing::{Dispatch, Metadata, debug};
use tracing_jsonl::{JsonLayer, LevelHandle};
use tracing_subscriber::fmt;
use tracing_subscriber::layer::{Context, Filter, Layer};
use tracing_subscriber::prelude::*;

#[test]
fn child() {
    child::serve(&[("raised", raised), ("lowered", lowered)]);
}

/// Holds up the registration of the callsite at `TARGET`, the first time, once our filter has been
/// asked about it.
struct Holds {
    once: AtomicBool,
    reached: Sender<()>,
    released: Mutex<Receiver<()>>,
}

const TARGET: &str = "first";

impl Holds {
    fn hold(&self, metadata: &Metadata<'_>) {
        if metadata.target() == TARGET && !self.once.swap(true, Ordering::SeqCst) {
            self.reached.send(()).unwrap();
            self.released.lock().unwrap().recv().unwrap();
        }
    }
}

impl<S: tracing::Subscriber> Layer<S> for Holds {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        self.hold(metadata);
        Interest::always()
    }
}

impl<S> Filter<S> for Holds {
    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        self.hold(metadata);
        Interest::never()
    }

    fn enabled(&self, _metadata: &Metadata<'_>, _ctx: &Context<'_, S>) -> bool {
        false
    }
}

const HELD: &str = "HELD_FOR_MILLIS";

/// How much longer than the change the first hit takes: callsites are asked again more than once.
fn held() -> Duration {
    let millis = std::env::var(HELD).unwrap().parse();
    Duration::from_millis(millis.unwrap())
}

fn log() {
    debug!(target: TARGET, "an event");
}

/// Logs for the first time on one thread, and changes the level meanwhile on another. Then logs
/// until that gives `lines` more lines.
fn change_at_first_hit(
    level: &LevelHandle,
    to: &str,
    subscriber: impl FnOnce(JsonLayer<Capture>, Holds) -> Dispatch,
    lines: usize,
) {
    let (reached, is_reached) = channel();
    let (release, released) = channel();
    let holds = Holds {
        once: AtomicBool::new(false),
        reached,
        released: Mutex::new(released),
    };
    let capture = Capture::default();
    let layer = JsonLayer::new(capture.clone()).with_level(level);
    let dispatch = subscriber(layer, holds);
    let log = || tracing::dispatcher::with_default(&dispatch, log);
    thread::scope(|scope| {
        let first = scope.spawn(log);
        is_reached.recv().unwrap();
        level.set(to).unwrap();
        thread::sleep(held());
        release.send(()).unwrap();
        first.join().unwrap();
    });
    eventually("the callsite obeys", || {
        let before = messages(&capture).len();
        log();
        messages(&capture).len() == before + lines
    });
}

fn raised() {
    let level = LevelHandle::new("info").unwrap();
    let filter = level.filter();
    // Beside a layer that wants to see the callsite, `tracing` would store no answer.
    let subscriber = |layer: JsonLayer<_>, holds| {
        let other = fmt::layer().with_filter(holds);
        let layer = layer.with_filter(filter);
        Dispatch::new(tracing_subscriber::registry().with(other).with(layer))
    };
    change_at_first_hit(&level, "debug", subscriber, 1);
}

#[test]
fn a_callsite_first_hit_during_a_raise_logs_in_the_end() {
    for held in ["0", "100"] {
        Child::new("raised").env(HELD, held).run().ok();
    }
}

fn lowered() {
    let level = LevelHandle::new("debug").unwrap();
    let filter = level.filter();
    let subscriber = |layer, holds| {
        let subscriber = tracing_subscriber::registry().with(holds);
        Dispatch::new(subscriber.with(filter).with(layer))
    };
    // While nothing is at debug, `tracing` does not look at what it stored.
    change_at_first_hit(&level, "info,other=debug", subscriber, 0);
}

#[test]
fn a_callsite_first_hit_during_a_lowering_is_silent_in_the_end() {
    for held in ["0", "100"] {
        Child::new("lowered").env(HELD, held).run().ok();
    }
}
