//! A change of the level: what it stores, whom it tells, and how it ends.

use crate::error::DirectiveError;
use crate::level::directives::Directives;
use crate::level::{LevelHandle, lock, timer};
use crate::report::Report;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant, SystemTime};
use tracing_core::dispatcher::{self, WeakDispatch};
use tracing_core::{Dispatch, Level, LevelFilter};

/// What is still to come of the changes so far.
#[derive(Default)]
pub(super) struct Pending {
    /// When the level in force ends. Each change sets this anew, so that no old timer undoes it.
    until: Option<Instant>,
    /// When the timer is due for that. One is enough: it sets itself again.
    timer: Option<Instant>,
    changed: Option<Instant>,
    asking_again: bool,
}

/// How long after a change, and how long at most, callsites are asked again.
const ASK_AGAIN: Duration = Duration::from_millis(20);
const ASK_LAST: Duration = Duration::from_secs(1);

/// Who changed the level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Api,
    #[cfg(all(unix, feature = "signal"))]
    Signal,
    Expiry,
}

impl By {
    fn as_str(self) -> &'static str {
        match self {
            By::Api => "api",
            #[cfg(all(unix, feature = "signal"))]
            By::Signal => "signal",
            By::Expiry => "expiry",
        }
    }
}

impl LevelHandle {
    pub(super) fn change(
        &self,
        to: Directives,
        by: By,
        ttl: Option<Duration>,
    ) -> Result<(), DirectiveError> {
        let ttl = ttl.filter(|ttl| !ttl.is_zero());
        let until = ttl.and_then(|ttl| Instant::now().checked_add(ttl));
        let text = to.text().to_owned();
        let mut pending = lock(&self.shared.pending);
        self.expire_at(&mut pending, until).map_err(|error| {
            let problem = format!("its end cannot be timed: {error}");
            DirectiveError::new(&text, problem, "a change without a time limit")
        })?;
        let from = self.shared.current.load_full();
        if *from == to {
            return Ok(());
        }
        self.shared.current.store(Arc::new(to));
        pending.changed = Some(Instant::now());
        drop(pending);
        self.apply();
        self.apply_again();
        self.announce(from.text(), &text, by, ttl);
        Ok(())
    }

    fn expire_at(&self, pending: &mut Pending, until: Option<Instant>) -> io::Result<()> {
        if let Some(until) = until
            && pending.timer.is_none_or(|due| due > until)
        {
            let shared = Arc::downgrade(&self.shared);
            timer::at(until, move || {
                if let Some(shared) = shared.upgrade() {
                    Self { shared }.expire();
                }
            })?;
            pending.timer = Some(until);
        }
        pending.until = until;
        Ok(())
    }

    fn expire(&self) {
        let mut pending = lock(&self.shared.pending);
        pending.timer = None;
        match pending.until {
            Some(until) if until > Instant::now() => {
                // The thread runs already: this is it.
                let _ = self.expire_at(&mut pending, Some(until));
            }
            Some(_) => {
                drop(pending);
                self.reset_by(By::Expiry);
            }
            None => {}
        }
    }

    /// Makes tracing ask the filter again, and the `log` crate follow.
    fn apply(&self) {
        let dispatches: Vec<Dispatch> = {
            let mut saved = lock(&self.shared.dispatches);
            saved.retain(|dispatch| dispatch.upgrade().is_some());
            saved.iter().filter_map(WeakDispatch::upgrade).collect()
        };
        // With a single subscriber, tracing-core asks the *current* one: on a thread without it,
        // a rebuild would switch every callsite off.
        match dispatches.last() {
            Some(dispatch) => {
                dispatcher::with_default(dispatch, tracing_core::callsite::rebuild_interest_cache);
            }
            None => tracing_core::callsite::rebuild_interest_cache(),
        }
        self.follow_in_log();
    }

    /// A callsite whose first hit overlaps a change stores the old answer after the new one: ask
    /// again, soon and once more later.
    fn apply_again(&self) {
        let mut pending = lock(&self.shared.pending);
        let Some(changed) = pending.changed.filter(|_| !pending.asking_again) else {
            return;
        };
        let soon = changed + ASK_AGAIN;
        let time = if soon > Instant::now() {
            soon
        } else {
            changed + ASK_LAST
        };
        let shared = Arc::downgrade(&self.shared);
        let again = move || {
            if let Some(shared) = shared.upgrade() {
                let handle = Self { shared };
                handle.apply();
                let mut pending = lock(&handle.shared.pending);
                pending.asking_again = false;
                let last = pending
                    .changed
                    .is_none_or(|time| time.elapsed() >= ASK_LAST);
                drop(pending);
                if !last {
                    handle.apply_again();
                }
            }
        };
        // Without the thread the race stays open, but the change itself holds.
        pending.asking_again = timer::at(time, again).is_ok();
    }

    /// Sets `log`'s maximum from the level of events: spans are admitted at `info` whatever that
    /// is, and `log` has none. Other layers may want more.
    pub(crate) fn follow_in_log(&self) {
        if !self.shared.leads_log.load(Ordering::Relaxed) {
            return;
        }
        let current = self.shared.current.load();
        let wanted = if LevelFilter::current() > current.max_level() {
            LevelFilter::current()
        } else {
            current.max_event_level()
        };
        log::set_max_level(match wanted {
            LevelFilter::OFF => log::LevelFilter::Off,
            LevelFilter::ERROR => log::LevelFilter::Error,
            LevelFilter::WARN => log::LevelFilter::Warn,
            LevelFilter::INFO => log::LevelFilter::Info,
            LevelFilter::DEBUG => log::LevelFilter::Debug,
            LevelFilter::TRACE => log::LevelFilter::Trace,
        });
    }

    fn announce(&self, from: &str, to: &str, by: By, ttl: Option<Duration>) {
        let until = ttl.and_then(|ttl| SystemTime::now().checked_add(ttl));
        let joined: Vec<Arc<dyn Report>> = {
            let mut joined = lock(&self.shared.joined);
            joined.retain(|layer| layer.strong_count() > 0);
            joined.iter().filter_map(Weak::upgrade).collect()
        };
        for layer in joined {
            layer.report(&mut |report| {
                report.say(Level::INFO, "log level changed");
                report.text("from", from);
                report.text("to", to);
                report.text("by", by.as_str());
                if let Some(until) = until {
                    report.time("until", until);
                }
            });
        }
    }
}
