//! One thread for all that happens later: levels that expire, and second looks at callsites.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

type Task = Box<dyn FnOnce() + Send>;

struct Timer {
    /// By time, and by order among equal times.
    tasks: BTreeMap<(Instant, u64), Task>,
    added: u64,
    running: bool,
}

static TIMER: Mutex<Timer> = Mutex::new(Timer {
    tasks: BTreeMap::new(),
    added: 0,
    running: false,
});
static CHANGED: Condvar = Condvar::new();

/// Runs `task` at `time`, on a thread that is started when first needed.
pub(crate) fn at(time: Instant, task: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let mut timer = TIMER.lock().unwrap_or_else(PoisonError::into_inner);
    if !timer.running {
        let name = "tracing-jsonl timer".to_owned();
        thread::Builder::new().name(name).spawn(run)?;
        timer.running = true;
    }
    timer.added += 1;
    let key = (time, timer.added);
    timer.tasks.insert(key, Box::new(task));
    CHANGED.notify_one();
    Ok(())
}

fn run() {
    let mut timer = TIMER.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let Some(first) = timer.tasks.first_entry() else {
            timer = CHANGED.wait(timer).unwrap_or_else(PoisonError::into_inner);
            continue;
        };
        let left = first.key().0.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let task = first.remove();
            drop(timer);
            // A layer of the user's that panics in `register_callsite` must not end the thread.
            let _ = crate::encode::guard::guarded(task);
            timer = TIMER.lock().unwrap_or_else(PoisonError::into_inner);
        } else {
            (timer, _) = CHANGED
                .wait_timeout(timer, left)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}
