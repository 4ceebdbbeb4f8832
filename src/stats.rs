//! Counters: every line asked for is written, dropped or failed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What became of the lines so far.
///
/// Once no log call is under way, `emitted == written + dropped + failed`.
///
/// ```
/// # use tracing_subscriber::prelude::*;
/// let layer = tracing_jsonl::JsonLayer::new(std::io::sink);
/// let stats = layer.stats();
/// # let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
/// tracing::info!("counted");
/// assert_eq!((stats.get().emitted, stats.get().written), (1, 1));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Lines asked for: events that passed the filter, panics, level changes and reports.
    pub emitted: u64,
    /// Lines that the sink took whole.
    pub written: u64,
    /// Lines given up by rule: the sink had no room in time, or events inside the formatting of
    /// events went too deep.
    pub dropped: u64,
    /// Lines that the sink refused: the disk is full, the reader is gone, the writer panicked.
    pub failed: u64,
    /// Values and lines for which a debug format stands in.
    pub fallbacks: u64,
    /// Lines cut to fit `max_line_bytes`.
    pub truncated: u64,
}

/// Reads a layer's [`Stats`].
#[derive(Clone, Debug)]
pub struct StatsHandle {
    counters: Arc<Counters>,
}

impl StatsHandle {
    pub(crate) fn new(counters: &Arc<Counters>) -> Self {
        Self {
            counters: Arc::clone(counters),
        }
    }

    /// The counts as they are now.
    pub fn get(&self) -> Stats {
        self.counters.get()
    }
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    emitted: AtomicU64,
    written: AtomicU64,
    dropped: AtomicU64,
    failed: AtomicU64,
    fallbacks: AtomicU64,
    truncated: AtomicU64,
    /// Drops that no line has told of yet.
    unreported: AtomicU64,
}

impl Counters {
    pub(crate) fn emitted(&self) {
        self.emitted.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn written(&self) {
        self.written.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn dropped(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
        self.tell_again(1);
    }

    /// Drops that a line has still to tell of.
    pub(crate) fn tell_again(&self, dropped: u64) {
        self.unreported.fetch_add(dropped, Ordering::Relaxed);
    }

    pub(crate) fn failed(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn fallbacks(&self, count: usize) {
        if count > 0 {
            self.fallbacks.fetch_add(count as u64, Ordering::Relaxed);
        }
    }

    pub(crate) fn truncated(&self) {
        self.truncated.fetch_add(1, Ordering::Relaxed);
    }

    /// Drops since the last call.
    pub(crate) fn take_unreported(&self) -> u64 {
        match self.unreported.load(Ordering::Relaxed) {
            0 => 0,
            _ => self.unreported.swap(0, Ordering::Relaxed),
        }
    }

    pub(crate) fn get(&self) -> Stats {
        let (written, dropped) = (load(&self.written), load(&self.dropped));
        let failed = load(&self.failed);
        Stats {
            written,
            dropped,
            failed,
            fallbacks: load(&self.fallbacks),
            truncated: load(&self.truncated),
            emitted: load(&self.emitted),
        }
    }
}

fn load(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}
