//! A change of the level: what it stores, whom it tells, and how it ends.

use crate::error::DirectiveError;
use crate::level::directives::Directives;
use crate::level::{LevelHandle, lock, timer};
use crate::report::Report;
use std::cell::Cell;
use std::collections::VecDeque;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant, SystemTime};
use tracing_core::callsite::rebuild_interest_cache;
use tracing_core::subscriber::NoSubscriber;
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
    /// Changes whose lines are not written yet, and whether somebody is at it.
    untold: VecDeque<Change>,
    telling: bool,
}

/// What a line about a change says.
struct Change {
    from: String,
    to: String,
    by: By,
    until: Option<SystemTime>,
}

/// How long after a change, and how long at most, callsites are asked again.
const ASK_AGAIN: Duration = Duration::from_millis(20);
const ASK_LAST: Duration = Duration::from_secs(1);

/// How long to wait for another thread to write the line about a change.
const LINE_TAKES: Duration = Duration::from_secs(2);

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
        let text = to.text().to_owned();
        let mut pending = lock(&self.shared.pending);
        let changed = self.store(&mut pending, to, by, ttl).map_err(|error| {
            let problem = format!("its end cannot be timed: {error}");
            DirectiveError::new(&text, problem, "a change without a time limit")
        })?;
        drop(pending);
        if changed {
            self.changed();
        }
        Ok(())
    }

    /// False if that is in force already.
    fn store(
        &self,
        pending: &mut Pending,
        to: Directives,
        by: By,
        ttl: Option<Duration>,
    ) -> io::Result<bool> {
        let ttl = ttl.filter(|ttl| !ttl.is_zero());
        let until = ttl.and_then(|ttl| Instant::now().checked_add(ttl));
        // An end that was announced and will not come is news too.
        let stays = pending.until.is_some() && until.is_none() && to != self.shared.configured;
        self.expire_at(pending, until)?;
        let from = self.shared.current.load_full();
        if *from == to && !stays {
            return Ok(false);
        }
        pending.untold.push_back(Change {
            from: from.text().to_owned(),
            to: to.text().to_owned(),
            by,
            until: ttl.and_then(|ttl| SystemTime::now().checked_add(ttl)),
        });
        self.shared.current.store(Arc::new(to));
        pending.changed = Some(Instant::now());
        Ok(true)
    }

    fn changed(&self) {
        self.apply();
        self.apply_again();
        self.announce();
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
        if pending.timer.is_some_and(|due| due > Instant::now()) {
            // Another was set since, for a shorter limit: that one is to come.
            return;
        }
        pending.timer = None;
        match pending.until {
            Some(until) if until > Instant::now() => {
                // The thread runs already: this is it.
                let _ = self.expire_at(&mut pending, Some(until));
            }
            Some(_) => {
                let to = self.shared.configured.clone();
                let changed = self.store(&mut pending, to, By::Expiry, None);
                drop(pending);
                if changed.unwrap_or(false) {
                    self.changed();
                }
            }
            None => {}
        }
    }

    /// Makes tracing ask the filter again, and the `log` crate follow.
    fn apply(&self) {
        // Two at once could leave `log` with the older maximum.
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _turn = lock(&ONE_AT_A_TIME);
        // While there is a single subscriber, tracing-core asks the *current* one: on a thread
        // without it, each callsite would be switched off, and in the midst of an event it panics.
        // Once it has seen a second, it asks each that lives, and waits for callsites that are
        // being registered.
        drop(Dispatch::new(NoSubscriber::new()));
        rebuild_interest_cache();
        self.follow_in_log();
    }

    /// A callsite whose first hit overlaps the first change there is stores the old answer after
    /// the new one: ask again, soon and once more later.
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
                let mut pending = lock(&handle.shared.pending);
                pending.asking_again = false;
                let changed = pending.changed;
                drop(pending);
                handle.apply();
                if changed.is_some_and(|time| time.elapsed() < ASK_LAST) {
                    handle.apply_again();
                }
            }
        };
        // Without the thread the race stays open, but the change itself holds.
        pending.asking_again = timer::at(time, again).is_ok();
    }

    /// Sets `log`'s maximum from the level of events: spans are admitted at `info` whatever that
    /// is, and `log` has none. Other layers may want more.
    pub(super) fn follow_in_log(&self) {
        if !self.shared.leads_log.load(Ordering::Relaxed) {
            return;
        }
        let wanted = if LevelFilter::current() > self.max_level() {
            LevelFilter::current()
        } else {
            self.shared.current.load().max_event_level()
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

    /// Tells of changes in their order: one thread tells all that there are, outside of locks, and
    /// the others wait for it.
    fn announce(&self) {
        thread_local! {
            static TELLING: Cell<bool> = const { Cell::new(false) };
        }
        let mut pending = lock(&self.shared.pending);
        if pending.telling {
            // A writer that changes the level cannot wait for its own line.
            if !TELLING.get() {
                let is_telling = |pending: &mut Pending| pending.telling;
                let told = &self.shared.told;
                // Not for ever: its writer may wait for something of ours.
                let _ = told.wait_timeout_while(pending, LINE_TAKES, is_telling);
            }
            return;
        }
        pending.telling = true;
        TELLING.set(true);
        while let Some(change) = pending.untold.pop_front() {
            drop(pending);
            self.tell(&change);
            pending = lock(&self.shared.pending);
        }
        TELLING.set(false);
        pending.telling = false;
        self.shared.told.notify_all();
    }

    fn tell(&self, change: &Change) {
        let joined: Vec<Arc<dyn Report>> = {
            let mut joined = lock(&self.shared.joined);
            joined.retain(|layer| layer.strong_count() > 0);
            joined.iter().filter_map(Weak::upgrade).collect()
        };
        for layer in joined {
            layer.report(&mut |report| {
                report.say(Level::INFO, "log level changed");
                report.text("from", &change.from);
                report.text("to", &change.to);
                report.text("by", change.by.as_str());
                if let Some(until) = change.until {
                    report.time("until", until);
                }
            });
        }
    }
}
