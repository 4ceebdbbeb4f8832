//! What the tests of the level share: a service with a JSON layer under a level.
#![allow(dead_code, clippy::unwrap_used, clippy::unused_self, unreachable_pub)]

use crate::support::Capture;
use serde_json::Value;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tracing::Dispatch;
use tracing::subscriber::DefaultGuard;
use tracing_jsonl::{EventFilter, JsonLayer, LevelHandle, StatsHandle};
use tracing_subscriber::prelude::*;

/// What `tracing` remembers of callsites is the whole process's: one service at a time.
static TURN: Mutex<()> = Mutex::new(());

pub fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A JSON layer under a level, on this thread until dropped.
pub struct Service {
    pub level: LevelHandle,
    pub capture: Capture,
    pub stats: StatsHandle,
    // In the order in which they are dropped.
    _guard: DefaultGuard,
    _turn: MutexGuard<'static, ()>,
}

impl Service {
    pub fn start(directives: &str) -> Self {
        Self::start_with(directives, |filter| filter)
    }

    pub fn start_with(directives: &str, with: impl FnOnce(EventFilter) -> EventFilter) -> Self {
        let turn = turn();
        let level = LevelHandle::new(directives).unwrap();
        let capture = Capture::default();
        let layer = JsonLayer::new(capture.clone()).with_level(&level);
        let stats = layer.stats();
        let filter = with(level.filter());
        let guard = tracing_subscriber::registry()
            .with(filter)
            .with(layer)
            .set_default();
        Self {
            level,
            capture,
            stats,
            _guard: guard,
            _turn: turn,
        }
    }

    pub fn set(&self, directives: &str) {
        self.level.set(directives).unwrap();
    }

    /// For other threads.
    pub fn dispatch(&self) -> Dispatch {
        tracing::dispatcher::get_default(Clone::clone)
    }

    pub fn events(&self) -> Vec<Value> {
        events(&self.capture)
    }

    /// The messages of the events so far.
    pub fn messages(&self) -> Vec<String> {
        messages(&self.capture)
    }

    pub fn changes(&self) -> Vec<Value> {
        changes(&self.capture)
    }
}

/// The lines about events, without those about the level.
pub fn events(capture: &Capture) -> Vec<Value> {
    let mut lines = capture.lines();
    lines.retain(|line| !is_change(line));
    lines
}

pub fn messages(capture: &Capture) -> Vec<String> {
    let message = |line: &Value| line["message"].as_str().unwrap().to_owned();
    events(capture).iter().map(message).collect()
}

/// The `fields` of the lines about the level.
pub fn changes(capture: &Capture) -> Vec<Value> {
    let mut lines = capture.lines();
    lines.retain(is_change);
    lines.iter().map(|line| line["fields"].clone()).collect()
}

fn is_change(line: &Value) -> bool {
    let fields = &line["fields"];
    ["from", "to", "by"]
        .iter()
        .all(|key| fields[key].is_string())
}

/// Waits for what must come true at some time.
#[track_caller]
pub fn eventually(what: &str, is_true: impl FnMut() -> bool) {
    assert!(comes_true(is_true), "never: {what}");
}

pub fn comes_true(mut is_true: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while !is_true() {
        if start.elapsed() > Duration::from_secs(20) {
            return false;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    true
}
