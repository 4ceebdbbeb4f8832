//! The level: a handle to change it while the service runs, and the filter that obeys.

pub(crate) mod directives;
pub(crate) mod filter;
#[cfg(all(unix, feature = "signal"))]
mod signal;
mod timer;

use crate::error::DirectiveError;
use crate::level::directives::{Directives, Reading};
use crate::level::filter::EventFilter;
use crate::metadata::IDENTIFIERS;
use crate::report::Report;
use arc_swap::ArcSwap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime};
use tracing_core::dispatcher::{self, WeakDispatch};
use tracing_core::{Dispatch, Level, LevelFilter, Metadata};

/// The level of a running service, to be read and changed from anywhere.
///
/// Clones are the same handle. A change is seen by the next event on every thread, and is itself
/// a line in the log of each [`JsonLayer`](crate::JsonLayer) joined with
/// [`with_level`](crate::JsonLayer::with_level).
///
/// A text of directives is a comma-separated list of
///
/// | directive | means |
/// |---|---|
/// | `info` | the level of all targets that nothing else names: `off`, `error`, `warn`, `info`, `debug` or `trace` |
/// | `hyper=warn` | the level of targets that begin with `hyper` |
/// | `[{user_id=u-42}]=debug` | the level wherever the scope has this identifier, for one user, request or trace |
/// | `shop[{user_id=u-42}]=debug` | the same for one target |
///
/// A text without a level for all targets leaves that of the configured text in force. Values with
/// commas or quotes are written `"a, \"b\""`.
///
/// ```
/// # fn main() -> Result<(), tracing_jsonl::DirectiveError> {
/// use std::time::Duration;
/// use tracing_jsonl::LevelHandle;
///
/// let level = LevelHandle::new("info,hyper=warn")?;
/// level.set("debug")?;
/// assert_eq!(level.current(), "debug");
/// level.set_for("[{user_id=u-42}]=trace", Duration::from_secs(600))?;
/// assert_eq!(level.current(), "info,[{user_id=u-42}]=trace");
/// level.reset();
/// assert_eq!(level.current(), "info,hyper=warn");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct LevelHandle {
    shared: Arc<Shared>,
}

struct Shared {
    current: ArcSwap<Directives>,
    configured: Directives,
    identifiers: Vec<String>,
    pending: Mutex<Pending>,
    joined: Mutex<Vec<Weak<dyn Report>>>,
    dispatches: Mutex<Vec<WeakDispatch>>,
}

/// What is still to come of the changes so far.
#[derive(Default)]
struct Pending {
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
enum By {
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
    /// A handle whose configured level is `directives`.
    ///
    /// # Errors
    ///
    /// A directive that cannot be understood, with what can.
    pub fn new(directives: &str) -> Result<Self, DirectiveError> {
        Self::with_identifiers(directives, IDENTIFIERS)
    }

    /// The same, with the identifiers that directives may match on. They should be those of the
    /// layers that the handle is joined to.
    ///
    /// ```
    /// # fn main() -> Result<(), tracing_jsonl::DirectiveError> {
    /// use tracing_jsonl::LevelHandle;
    /// let level = LevelHandle::with_identifiers("info", ["tenant"])?;
    /// level.set("[{tenant=acme}]=debug")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_identifiers<I>(directives: &str, identifiers: I) -> Result<Self, DirectiveError>
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let identifiers: Vec<String> = identifiers.into_iter().map(Into::into).collect();
        let reading = Reading {
            identifiers: &identifiers,
            base: LevelFilter::INFO,
            words_are_targets: false,
        };
        let configured = Directives::parse(directives, reading)?;
        Ok(Self::configured(configured, identifiers))
    }

    pub(crate) fn configured(configured: Directives, identifiers: Vec<String>) -> Self {
        Self {
            shared: Arc::new(Shared {
                current: ArcSwap::from_pointee(configured.clone()),
                configured,
                identifiers,
                pending: Mutex::default(),
                joined: Mutex::default(),
                dispatches: Mutex::default(),
            }),
        }
    }

    /// The filter that obeys this handle: a global `Layer`, or a `Filter` for one layer.
    ///
    /// ```
    /// # fn main() -> Result<(), tracing_jsonl::DirectiveError> {
    /// use tracing_jsonl::{JsonLayer, LevelHandle, Sink};
    /// use tracing_subscriber::prelude::*;
    ///
    /// let level = LevelHandle::new("info")?;
    /// let layer = JsonLayer::new(Sink::stdout()).with_level(&level);
    /// let subscriber = tracing_subscriber::registry().with(level.filter()).with(layer);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn filter(&self) -> EventFilter {
        EventFilter::new(self.clone())
    }

    /// Sets the level until the next change.
    ///
    /// # Errors
    ///
    /// A directive that cannot be understood. Nothing changes then.
    pub fn set(&self, directives: &str) -> Result<(), DirectiveError> {
        self.change(self.parse(directives)?, By::Api, None)
    }

    /// Sets the level, and returns to the configured one after `ttl`, unless there was another
    /// change by then. A `ttl` of zero means until the next change.
    ///
    /// # Errors
    ///
    /// A directive that cannot be understood, or the system's refusal to start the one thread that
    /// watches the time. Nothing changes then.
    pub fn set_for(&self, directives: &str, ttl: Duration) -> Result<(), DirectiveError> {
        self.change(self.parse(directives)?, By::Api, Some(ttl))
    }

    /// Returns to the configured level.
    pub fn reset(&self) {
        self.reset_by(By::Api);
    }

    /// The directives in force.
    #[must_use]
    pub fn current(&self) -> String {
        self.shared.current.load().text().to_owned()
    }

    fn reset_by(&self, by: By) {
        // Without a time limit there is nothing that can be refused.
        let _ = self.change(self.shared.configured.clone(), by, None);
    }

    /// Whether a later change to `directives` would be understood.
    pub(crate) fn check(&self, directives: &str) -> Result<(), DirectiveError> {
        self.parse(directives).map(drop)
    }

    fn parse(&self, text: &str) -> Result<Directives, DirectiveError> {
        if text.trim().is_empty() {
            let problem = "there is none".to_owned();
            return Err(DirectiveError::new(text, problem, "a level, as `debug`"));
        }
        let reading = Reading {
            identifiers: &self.shared.identifiers,
            base: self.shared.configured.base(),
            words_are_targets: false,
        };
        Directives::parse(text, reading)
    }

    fn change(&self, to: Directives, by: By, ttl: Option<Duration>) -> Result<(), DirectiveError> {
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

    /// Lines about changes go to `layer` too.
    pub(crate) fn join(&self, layer: Weak<dyn Report>) {
        lock(&self.shared.joined).push(layer);
    }

    pub(crate) fn registered(&self, dispatch: &Dispatch) {
        let mut saved = lock(&self.shared.dispatches);
        saved.retain(|dispatch| dispatch.upgrade().is_some());
        saved.push(dispatch.downgrade());
    }

    pub(crate) fn directives(&self) -> arc_swap::Guard<Arc<Directives>> {
        self.shared.current.load()
    }

    pub(crate) fn identifiers(&self) -> &[String] {
        &self.shared.identifiers
    }

    /// Whether a line about something of `metadata` is logged whatever its scope.
    pub(crate) fn allows(&self, metadata: &Metadata<'_>) -> bool {
        self.directives()
            .allows(metadata.target(), *metadata.level())
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

/// No code that could panic runs under these locks, but a poisoned one must not stop a service.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for LevelHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LevelHandle")
            .field("current", &self.current())
            .field("configured", &self.shared.configured.text())
            .finish_non_exhaustive()
    }
}
