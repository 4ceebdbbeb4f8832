//! Whose turn it is to write: one line at a time per descriptor, so that lines above `PIPE_BUF`
//! stay whole among threads.
//!
//! Not a `Mutex`: a child forked while another thread writes would wait for a thread it does not
//! have. The holder's process id is in the lock, and a waiter that finds another process's takes
//! the lock over.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How long a holder of another process is watched before it counts as dead. Only a forked child
/// ever waits for it, and only once.
const DEAD_AFTER: Duration = Duration::from_millis(5);

#[derive(Debug)]
pub(crate) struct Turn {
    /// 0, or the holder's process id above a number that no two turns share.
    holder: AtomicU64,
}

static TICKETS: AtomicU32 = AtomicU32::new(0);

impl Turn {
    pub(crate) const fn new() -> Self {
        Self {
            holder: AtomicU64::new(0),
        }
    }

    /// Waits for the turn until `give_up` says so.
    pub(crate) fn take(&self, give_up: impl FnMut() -> bool) -> Option<Taken<'_>> {
        let mine = ticket();
        if self.swap(0, mine) {
            return Some(Taken { turn: self, mine });
        }
        self.wait(mine, give_up)
    }

    #[cold]
    fn wait(&self, mine: u64, mut give_up: impl FnMut() -> bool) -> Option<Taken<'_>> {
        let mut foreign: Option<(u64, Instant)> = None;
        let mut attempt = 0_u32;
        loop {
            attempt = attempt.saturating_add(1);
            let holder = self.holder.load(Ordering::Relaxed);
            if holder == 0 {
                if self.swap(0, mine) {
                    return Some(Taken { turn: self, mine });
                }
                continue;
            }
            match attempt {
                0..64 => std::hint::spin_loop(),
                64..128 => thread::yield_now(),
                _ => {
                    if is_foreign(holder) {
                        let since = match foreign {
                            Some((same, since)) if same == holder => since,
                            _ => foreign.insert((holder, Instant::now())).1,
                        };
                        if since.elapsed() >= DEAD_AFTER && self.swap(holder, mine) {
                            return Some(Taken { turn: self, mine });
                        }
                    }
                    if give_up() {
                        return None;
                    }
                    // A stopped reader must not cost the service its processors.
                    thread::sleep(Duration::from_micros(50 << (attempt - 128).min(5)));
                }
            }
        }
    }

    fn swap(&self, from: u64, to: u64) -> bool {
        self.holder
            .compare_exchange(from, to, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
    }
}

/// The turn, given back on drop.
#[derive(Debug)]
pub(crate) struct Taken<'a> {
    turn: &'a Turn,
    mine: u64,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        // Not ours any more if a waiter took it over.
        let _ =
            self.turn
                .holder
                .compare_exchange(self.mine, 0, Ordering::Release, Ordering::Relaxed);
    }
}

fn ticket() -> u64 {
    // Asked each time: a forked child that went by its parent's id would take the lock from its
    // own threads.
    let ticket = TICKETS.fetch_add(1, Ordering::Relaxed);
    u64::from(std::process::id()) << 32 | u64::from(ticket)
}

fn is_foreign(holder: u64) -> bool {
    holder >> 32 != u64::from(std::process::id())
}
