//! `tracing` remembers for each callsite whether it is on. A change must reach that memory, on
//! whatever thread it is made and whatever happens meanwhile.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod level_support;
mod support;

use level_support::{Service, eventually, messages, turn};
use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;
use support::Capture;
use tracing::{debug, info, info_span};
use tracing_jsonl::{JsonLayer, LevelHandle};
use tracing_subscriber::prelude::*;

/// On a thread that has no subscriber.
fn elsewhere(change: impl FnOnce() + Send) {
    thread::scope(|scope| scope.spawn(change).join().unwrap());
}

#[test]
fn a_change_on_a_thread_without_the_subscriber_is_seen_where_it_is() {
    let service = Service::start("info");
    let log = || {
        info!("info");
        debug!("debug");
    };
    log();
    elsewhere(|| service.set("debug"));
    log();
    elsewhere(|| service.level.reset());
    log();
    assert_eq!(service.messages(), ["info", "info", "debug", "info"]);
}

#[test]
fn an_expiry_is_seen_where_the_subscriber_is() {
    let service = Service::start("info");
    let log = || {
        info!("info");
        debug!("debug");
    };
    elsewhere(|| service.set("error"));
    log();
    service
        .level
        .set_for("off", Duration::from_millis(20))
        .unwrap();
    eventually("the end of off", || service.changes().len() == 3);
    log();
    assert_eq!(service.messages(), ["info"]);
}

#[test]
fn a_change_elsewhere_reaches_the_filter_of_a_foreign_layer() {
    let _turn = turn();
    let level = LevelHandle::new("info").unwrap();
    let capture = Capture::default();
    let layer = JsonLayer::new(capture.clone()).with_filter(level.filter());
    let _guard = tracing_subscriber::registry().with(layer).set_default();
    let log = || {
        info!("info");
        debug!("debug");
    };
    log();
    elsewhere(|| level.set("debug").unwrap());
    log();
    assert_eq!(messages(&capture), ["info", "info", "debug"]);
}

#[test]
fn a_level_that_no_subscriber_has_disturbs_no_other() {
    let service = Service::start("info");
    let log = || info!("info");
    log();
    let unused = LevelHandle::new("info").unwrap();
    elsewhere(|| unused.set("debug").unwrap());
    log();
    // Beyond the moment at which callsites are asked again.
    thread::sleep(Duration::from_millis(200));
    log();
    assert_eq!(service.messages().len(), 3);
}

/// Changes the level while it is formatted.
struct Sets(LevelHandle, &'static str);

impl fmt::Debug for Sets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.set(self.1).map_err(|_| fmt::Error)?;
        f.write_str("set")
    }
}

/// Runs `code` on a thread of its own, and fails if it does not come to an end.
#[track_caller]
fn ends<R: Send + 'static>(code: impl FnOnce() -> R + Send + 'static) -> R {
    let (done, is_done) = channel();
    thread::spawn(move || done.send(code()));
    is_done
        .recv_timeout(Duration::from_secs(60))
        .expect("the thread ends")
}

#[test]
fn a_change_inside_the_formatting_of_a_field_does_not_deadlock() {
    let (messages, changes, fields) = ends(|| {
        let service = Service::start("info");
        let sets = |to| Sets(service.level.clone(), to);
        info!(value = ?sets("trace"), "event");
        let span = info_span!("span", value = ?sets("warn"), late = tracing::field::Empty);
        span.record("late", tracing::field::debug(sets("error")));
        let last = service.events()[0]["fields"].clone();
        (service.messages(), service.changes(), last)
    });
    assert_eq!(messages, ["event"]);
    assert_eq!(fields["value"], "set");
    let to: Vec<_> = changes.iter().map(|change| change["to"].clone()).collect();
    assert_eq!(to, ["trace", "warn", "error"]);
}

#[test]
fn a_change_inside_the_formatting_of_a_field_is_seen_by_the_next_event() {
    let service = Service::start("info");
    let log = || {
        info!("info");
        debug!("debug");
    };
    log();
    info!(value = ?Sets(service.level.clone(), "debug"), "sets");
    log();
    assert_eq!(service.messages(), ["info", "sets", "info", "debug"]);
}

/// Changes the level while a line is written.
#[derive(Clone)]
struct SetsOnWrite(Capture, LevelHandle, Arc<AtomicBool>);

impl Write for SetsOnWrite {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.2.swap(true, Ordering::SeqCst) {
            self.1.set("debug").map_err(io::Error::other)?;
        }
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_change_inside_a_writer_does_not_deadlock() {
    let (messages, current) = ends(|| {
        let _turn = turn();
        let level = LevelHandle::new("info").unwrap();
        let capture = Capture::default();
        let writer = SetsOnWrite(capture.clone(), level.clone(), Arc::default());
        let layer = JsonLayer::new(move || writer.clone()).with_level(&level);
        let subscriber = tracing_subscriber::registry()
            .with(level.filter())
            .with(layer);
        tracing::subscriber::with_default(subscriber, || info!("event"));
        (messages(&capture), level.current())
    });
    // A line from inside a writer may be dropped, the event's may not.
    assert!(messages.contains(&"event".to_owned()), "{messages:?}");
    assert_eq!(current, "debug");
}
