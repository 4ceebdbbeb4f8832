//! What the turn asks of its system, as the models want it.

use std::cell::Cell;
pub(crate) use std::time::Duration;

loom::thread_local! {
    static PROCESS: Cell<u32> = Cell::new(1);
    /// Each thread has its own: a schedule says when threads run, not how long that takes.
    static CLOCK: Cell<Duration> = Cell::new(Duration::ZERO);
    static SLEPT: Cell<usize> = Cell::new(0);
}

/// A moment on this thread's clock.
#[derive(Clone, Copy)]
pub(crate) struct Instant(Duration);

impl Instant {
    pub(crate) fn now() -> Self {
        Self(CLOCK.with(Cell::get))
    }

    pub(crate) fn elapsed(self) -> Duration {
        CLOCK.with(Cell::get).saturating_sub(self.0)
    }
}

pub(crate) mod thread {
    use super::{CLOCK, Duration, SLEPT};
    use std::cell::Cell;

    pub(crate) use super::hint as yield_now;

    /// A thread may wake before any other has run, but not for ever: after so many sleeps, others
    /// come first, and the rest of this order is not varied.
    const FRUITLESS: usize = 2;

    /// The system may let a thread sleep for longer than it asked, long enough for another to
    /// count as dead.
    pub(crate) fn sleep(at_least: Duration) {
        let took = at_least.max(Duration::from_millis(5));
        CLOCK.with(|clock| clock.set(clock.get() + took));
        SLEPT.with(|slept| slept.set(slept.get() + 1));
        if SLEPT.with(Cell::get) > FRUITLESS {
            loom::skip_branch();
            loom::thread::yield_now();
        }
    }
}

/// A hint to the processor or the system promises nothing.
pub(crate) fn hint() {}

pub(crate) mod process {
    use super::PROCESS;
    use std::cell::Cell;

    pub(crate) fn id() -> u32 {
        PROCESS.with(Cell::get)
    }

    /// From here on, this thread is one of the process `id`.
    pub(crate) fn set_id(id: u32) {
        PROCESS.with(|process| process.set(id));
    }
}
