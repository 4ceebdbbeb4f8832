//! The level: a handle to change it while the service runs, and the filter that obeys.

mod change;
pub(crate) mod directives;
pub(crate) mod filter;
#[cfg(all(unix, feature = "signal"))]
mod signal;
#[cfg(not(all(unix, feature = "signal")))]
#[path = "level/no_signal.rs"]
mod signal;
mod timer;

use crate::error::DirectiveError;
use crate::level::change::{By, Pending};
use crate::level::directives::{Directives, Reading};
use crate::level::filter::EventFilter;
use crate::metadata::span::SpanNode;
use crate::metadata::{IDENTIFIERS, Rules};
use crate::report::Report;

pub(crate) use crate::level::signal::Signals;
use arc_swap::ArcSwap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tracing_core::{LevelFilter, Metadata};

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
/// An identifier is looked for in the span that the thread is in and those around it; an event's own
/// fields and its explicit `parent:` are not known yet when this is decided.
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
    /// That a line about a change was written.
    told: Condvar,
    joined: Mutex<Vec<Weak<dyn Report>>>,
    /// Whether the `log` crate's maximum is ours to set.
    leads_log: AtomicBool,
    /// Whether a filter of this handle admits spans at any level.
    admits_any_span: AtomicBool,
}

impl LevelHandle {
    /// A handle whose configured level is `directives`, or `info` if that is empty.
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
        let directives = match directives.trim() {
            "" => "info",
            directives => directives,
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
                told: Condvar::new(),
                joined: Mutex::default(),
                leads_log: AtomicBool::new(false),
                admits_any_span: AtomicBool::new(false),
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
        let reading = Reading {
            identifiers: &self.shared.identifiers,
            base: self.shared.configured.base(),
            words_are_targets: false,
        };
        Directives::parse(text, reading)
    }

    /// Lines about changes go to `layer` too.
    pub(crate) fn join(&self, layer: Weak<dyn Report>) {
        let mut joined = lock(&self.shared.joined);
        joined.retain(|layer| layer.strong_count() > 0);
        joined.push(layer);
    }

    /// The most verbose level at which anything may pass.
    pub(crate) fn max_level(&self) -> LevelFilter {
        if self.shared.admits_any_span.load(Ordering::Relaxed) {
            return LevelFilter::TRACE;
        }
        self.directives().max_level()
    }

    pub(crate) fn admit_any_span(&self) {
        self.shared.admits_any_span.store(true, Ordering::Relaxed);
    }

    /// Takes over the `log` crate's maximum. Not for each handle: several may be in use, and one
    /// must not hide the records that another wants.
    pub(crate) fn lead_log(&self) {
        self.shared.leads_log.store(true, Ordering::Relaxed);
        self.follow_in_log();
    }

    pub(crate) fn directives(&self) -> arc_swap::Guard<Arc<Directives>> {
        self.shared.current.load()
    }

    pub(crate) fn identifiers(&self) -> &[String] {
        &self.shared.identifiers
    }

    /// Whether a line about `span` is logged.
    pub(crate) fn allows_in(
        &self,
        metadata: &Metadata<'_>,
        rules: &Rules,
        span: &SpanNode,
    ) -> bool {
        let directives = self.directives();
        directives.allows(metadata.target(), *metadata.level())
            || directives.scope_allows(metadata, rules, span)
    }
}

/// A poisoned lock must not stop a service: what it guards is whole between any two statements.
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
