//! The one thread for all that happens later.

use super::{Handle, Real, SECOND, Threads, explore};
use crate::stand_in::clock::{self, Instant};
use std::sync::Arc;

/// Tasks that several threads add, in any order, and one that a task adds.
pub(super) fn tasks_run_in_time<H: Handle>() {
    explore(|| {
        let ran = Arc::new(shuttle::sync::Mutex::new(Vec::new()));
        let mut threads = Threads::default();
        for times in [[10, 3], [5, 8]] {
            let ran = ran.clone();
            threads.spawn(move || {
                for time in times {
                    let ran = ran.clone();
                    H::at(clock::START + SECOND * time, move || {
                        let now = Instant::now();
                        ran.lock().unwrap().push((time, now));
                        if time == 5 {
                            H::at(now + SECOND, move || {
                                ran.lock().unwrap().push((6, Instant::now()));
                            });
                        }
                    });
                }
            });
        }
        threads.join();
        clock::run_until(None);
        let expected = [3, 5, 6, 8, 10].map(|time| (time, clock::START + SECOND * time));
        assert_eq!(*ran.lock().unwrap(), expected, "tasks and when they ran");
        assert_eq!(clock::helpers(), 1, "threads were started");
    });
}

#[test]
fn tasks_of_several_threads_run_once_in_time_on_one() {
    tasks_run_in_time::<Real>();
}
