//! How long spans take.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// How long a span was entered, and how long it was open besides.
#[derive(Debug)]
pub(crate) struct Timing {
    made: Instant,
    /// Entries that were not left yet, on all threads.
    entries: AtomicU64,
    changed: AtomicU64,
    busy: AtomicU64,
    idle: AtomicU64,
}

impl Timing {
    pub(super) fn start() -> Self {
        Self {
            made: Instant::now(),
            entries: AtomicU64::new(0),
            changed: AtomicU64::new(0),
            busy: AtomicU64::new(0),
            idle: AtomicU64::new(0),
        }
    }

    pub(super) fn enter(&self) {
        if self.entries.fetch_add(1, Ordering::Relaxed) == 0 {
            self.lap(&self.idle);
        }
    }

    pub(super) fn exit(&self) {
        if self.entries.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.lap(&self.busy);
        }
    }

    fn lap(&self, side: &AtomicU64) {
        let now = u64::try_from(self.made.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let before = self.changed.swap(now, Ordering::Relaxed);
        side.fetch_add(now.saturating_sub(before), Ordering::Relaxed);
    }

    /// Nanoseconds busy and idle, up to now.
    pub(crate) fn close(&self) -> (u64, u64) {
        self.lap(&self.idle);
        (
            self.busy.load(Ordering::Relaxed),
            self.idle.load(Ordering::Relaxed),
        )
    }
}
