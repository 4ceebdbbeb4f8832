//! A clock that only models move, and all who wait for it or for each other.

use shuttle::sync::{Condvar, Mutex, MutexGuard};
use std::ops::{Add, Sub};
use std::time::Duration;

/// Since the clock's beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instant(Duration);

pub(crate) type SystemTime = Instant;

pub(crate) const START: Instant = Instant(Duration::ZERO);

impl Instant {
    pub(crate) fn now() -> Self {
        state().now
    }

    pub(crate) fn checked_add(self, time: Duration) -> Option<Self> {
        Some(self + time)
    }

    pub(crate) fn saturating_duration_since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    pub(crate) fn elapsed(self) -> Duration {
        Self::now().saturating_duration_since(self)
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, time: Duration) -> Self {
        Self(self.0 + time)
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;

    fn sub(self, time: Duration) -> Self {
        Self(self.0.saturating_sub(time))
    }
}

struct State {
    now: Instant,
    waiting: Vec<Waiting>,
    /// Numbers those who wait.
    waited: usize,
    /// Threads that the sources started; they never end by themselves.
    helpers: usize,
    over: bool,
}

struct Waiting {
    number: usize,
    /// What it waits for besides the time.
    what: usize,
    until: Option<Instant>,
    notified: bool,
    is_helper: bool,
}

shuttle::lazy_static! {
    static ref STATE: Mutex<State> = Mutex::new(State {
        now: START,
        waiting: Vec::new(),
        waited: 0,
        helpers: 0,
        over: false,
    });
    static ref MOVED: Condvar = Condvar::new();
}

shuttle::thread_local! {
    static IS_HELPER: std::cell::Cell<bool> = std::cell::Cell::new(false);
}

fn state() -> MutexGuard<'static, State> {
    STATE.lock().expect("nobody panics with it")
}

fn wait(state: MutexGuard<'static, State>) -> MutexGuard<'static, State> {
    MOVED.wait(state).expect("nobody panics with it")
}

impl State {
    fn is_up(&self, waiting: &Waiting) -> bool {
        let is_late = waiting.until.is_some_and(|until| until <= self.now);
        waiting.notified || is_late || (self.over && waiting.is_helper)
    }

    fn set(&mut self, now: Instant) {
        self.now = self.now.max(now);
        MOVED.notify_all();
    }
}

/// Waits for `what` or the time, whichever is first; `release` gives back what others need for
/// that. True if it was the time.
pub(crate) fn wait_for(what: usize, until: Option<Instant>, release: impl FnOnce()) -> bool {
    let mut state = state();
    state.waited += 1;
    let number = state.waited;
    let is_helper = IS_HELPER.with(std::cell::Cell::get);
    state.waiting.push(Waiting {
        number,
        what,
        until,
        notified: false,
        is_helper,
    });
    // Whoever notifies needs the state for it.
    release();
    MOVED.notify_all();
    loop {
        let mut all = state.waiting.iter();
        let index = all.position(|one| one.number == number);
        let index = index.expect("it waits until it leaves");
        if state.is_up(&state.waiting[index]) {
            let me = state.waiting.remove(index);
            let over = state.over && is_helper;
            drop(state);
            if over {
                std::panic::resume_unwind(Box::new(Over));
            }
            return !me.notified;
        }
        state = wait(state);
    }
}

/// Lets go on the first, or all, that wait for `what`.
pub(crate) fn notify(what: usize, all: bool) {
    let mut state = state();
    let mut waiting = state.waiting.iter_mut();
    let first = waiting
        .by_ref()
        .find(|one| one.what == what && !one.notified);
    if let Some(first) = first {
        first.notified = true;
    }
    if all {
        waiting.for_each(|one| one.notified |= one.what == what);
    }
    MOVED.notify_all();
}

/// How a helper ends when a model does.
struct Over;

/// Runs a thread that only the model's end ends.
pub(crate) fn help(run: impl FnOnce()) {
    IS_HELPER.with(|it| it.set(true));
    let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
    if let Err(payload) = ended
        && !payload.is::<Over>()
    {
        std::panic::resume_unwind(payload);
    }
}

pub(crate) fn add_helper() {
    state().helpers += 1;
}

pub(crate) fn helpers() -> usize {
    state().helpers
}

/// Moves the clock, whatever the threads are at.
pub(crate) fn advance(time: Duration) {
    let mut state = state();
    let now = state.now + time;
    state.set(now);
}

/// Waits until the helpers have nothing to do at this time.
pub(crate) fn settle() {
    let mut state = state();
    loop {
        let idle = |one: &&Waiting| one.is_helper && !state.is_up(one);
        if state.waiting.iter().filter(idle).count() == state.helpers {
            return;
        }
        state = wait(state);
    }
}

/// Moves the clock step by step to each time that somebody waits for, up to `end`, and lets the
/// helpers do what is due then.
pub(crate) fn run_until(end: Option<Instant>) {
    loop {
        settle();
        let mut state = state();
        let next = state.waiting.iter().filter_map(|one| one.until).min();
        match next {
            Some(next) if end.is_none_or(|end| next <= end) => state.set(next),
            _ => {
                if let Some(end) = end {
                    state.set(end);
                }
                return;
            }
        }
    }
}

/// Ends the helpers, and with them the execution.
pub(crate) fn end() {
    settle();
    let mut state = state();
    state.over = true;
    MOVED.notify_all();
}
