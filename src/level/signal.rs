//! Admin signals: `SIGUSR1` sets the debug level for a while, `SIGUSR2` returns to the configured
//! one.
//!
//! Each signal names a state and never toggles: signals coalesce. Of several before the thread
//! wakes, the last one sent must win, so the handler stores its number; an iterator over pending
//! signals would give them in numeric order.
//!
//! `SIGXFSZ` is only survived: a file at the size limit refuses a write, and would otherwise end the
//! process (nodejs/node#27798). Handled and not ignored, so that programs started from here have the
//! system's default.

use crate::encode::guard::guarded;
use crate::level::LevelHandle;
use crate::level::change::By;
use signal_hook::consts::{SIGUSR1, SIGUSR2, SIGXFSZ};
use signal_hook::{flag, low_level};
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

const NONE: usize = 0;
const DEBUG: usize = 1;
const RESET: usize = 2;

/// All that handling the signals takes, but the handlers.
pub(crate) struct Signals {
    last: Arc<AtomicUsize>,
    wake: [UnixStream; 2],
}

impl Signals {
    /// Starts the thread that obeys: once a handler is there, there must be one. Dropping this
    /// ends it.
    pub(crate) fn prepare(
        handle: &LevelHandle,
        directives: &str,
        ttl: Duration,
    ) -> io::Result<Self> {
        let (mut woken, wake) = UnixStream::pair()?;
        let wake = [wake.try_clone()?, wake];
        let last = Arc::new(AtomicUsize::new(NONE));
        let (handle, directives) = (handle.clone(), directives.to_owned());
        let wanted = Arc::clone(&last);
        thread::Builder::new()
            .name("tracing-jsonl signals".to_owned())
            .spawn(move || {
                let mut bytes = [0_u8; 64];
                loop {
                    match woken.read(&mut bytes) {
                        Ok(0) => return,
                        Err(error) if error.kind() != io::ErrorKind::Interrupted => return,
                        _ => {
                            let wish = wanted.swap(NONE, Ordering::SeqCst);
                            // A layer of the user's that panics must not end this thread.
                            let _ = guarded(|| handle.obey(wish, &directives, ttl));
                        }
                    }
                }
            })?;
        Ok(Self { last, wake })
    }

    /// Puts the handlers in place; nothing but a store and a wake-up happens in them.
    pub(crate) fn handle(self) -> io::Result<()> {
        let signals = [(SIGUSR1, DEBUG), (SIGUSR2, RESET)];
        for ((signal, wish), wake) in signals.into_iter().zip(self.wake) {
            flag::register_usize(signal, Arc::clone(&self.last), wish)?;
            low_level::pipe::register(signal, wake)?;
        }
        flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)))?;
        Ok(())
    }
}

impl LevelHandle {
    /// Lets `SIGUSR1` set `directives` for `ttl` (zero: until reset) and `SIGUSR2` return to the
    /// configured level. When this returns, neither can end the process any more, nor can a file
    /// that has reached its size limit (`SIGXFSZ`): the line is counted as failed.
    ///
    /// [`Builder::init`](crate::Builder::init) does this unless told not to. Only on Unix, with the
    /// feature `signal`. Of two signals that are pending at once, the system keeps no order.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    /// let level = tracing_jsonl::LevelHandle::new("info")?;
    /// level.handle_signals("debug", Duration::from_secs(600))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `InvalidInput` for directives that cannot be understood; else the system's refusal of a
    /// handler, a socket or a thread.
    pub fn handle_signals(&self, directives: &str, ttl: Duration) -> io::Result<()> {
        self.check(directives)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        Signals::prepare(self, directives, ttl)?.handle()
    }

    fn obey(&self, wish: usize, directives: &str, ttl: Duration) {
        match wish {
            DEBUG => {
                let parsed = self.parse(directives);
                // A refusal leaves the level as it was: there is nobody here to tell.
                let _ = parsed.and_then(|to| self.change(to, By::Signal, Some(ttl)));
            }
            RESET => self.reset_by(By::Signal),
            _ => {}
        }
    }
}
