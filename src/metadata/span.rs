//! What each open span recorded.
//!
//! Fields are encoded once, when they are recorded, before any lock is taken: a `Debug` that logs
//! inside `Span::record` deadlocks layers that format under the extensions lock
//! (tokio-rs/tracing#763, #1565).

use crate::encode::assemble::span_object;
use crate::encode::fields::Fields;
use crate::metadata::timing::Timing;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// One span as one view sees it.
#[derive(Debug)]
pub(crate) struct SpanNode {
    parent: Option<Arc<SpanNode>>,
    name: &'static str,
    /// As given when the span was made.
    given: Recorded,
    /// All there is, once `Span::record` has added some.
    recorded: Mutex<Option<Recorded>>,
    is_recorded: AtomicBool,
    is_closed: AtomicBool,
    timing: Option<Timing>,
}

/// Fields, and the span as it stands in the line.
#[derive(Debug)]
struct Recorded {
    fields: Fields,
    object: Vec<u8>,
}

impl Recorded {
    fn new(name: &str, fields: Fields) -> Self {
        Self {
            object: span_object(name, &fields),
            fields,
        }
    }
}

impl SpanNode {
    pub(super) fn new(
        parent: Option<Arc<SpanNode>>,
        name: &'static str,
        fields: Fields,
        timing: Option<Timing>,
    ) -> Arc<Self> {
        Arc::new(Self {
            parent,
            name,
            given: Recorded::new(name, fields),
            recorded: Mutex::new(None),
            is_recorded: AtomicBool::new(false),
            is_closed: AtomicBool::new(false),
            timing,
        })
    }

    /// A span of a line being cut: nobody else sees it.
    pub(crate) fn detached(name: &'static str, fields: Fields) -> Arc<Self> {
        Self::new(None, name, fields, None)
    }

    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn timing(&self) -> Option<&Timing> {
        self.timing.as_ref()
    }

    /// Reads the fields. `read` must not run code of the user's: a lock may be held.
    pub(crate) fn with_fields<R>(&self, read: impl FnOnce(&Fields) -> R) -> R {
        self.with(|recorded| read(&recorded.fields))
    }

    /// Reads the span as it stands in the line, under the same rule.
    pub(crate) fn with_object<R>(&self, read: impl FnOnce(&[u8]) -> R) -> R {
        self.with(|recorded| read(&recorded.object))
    }

    fn with<R>(&self, read: impl FnOnce(&Recorded) -> R) -> R {
        if self.is_recorded.load(Ordering::Acquire) {
            let recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
            return read(recorded.as_ref().unwrap_or(&self.given));
        }
        read(&self.given)
    }

    pub(super) fn record(&self, later: &Fields) {
        let mut recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        let before = recorded.as_ref().unwrap_or(&self.given);
        let merged = before.fields.merged(later);
        *recorded = Some(Recorded::new(self.name, merged));
        self.is_recorded.store(true, Ordering::Release);
    }

    /// From the root to this span.
    pub(crate) fn chain(self: &Arc<Self>, chain: &mut Vec<Arc<SpanNode>>) {
        let mut next = Some(self);
        while let Some(node) = next {
            chain.push(Arc::clone(node));
            next = node.parent.as_ref();
        }
        chain.reverse();
    }

    /// The nearest value that satisfies `read`, from this span outwards.
    pub(crate) fn nearest<R>(&self, mut read: impl FnMut(&Fields) -> Option<R>) -> Option<R> {
        let mut next = Some(self);
        while let Some(node) = next {
            if let Some(found) = node.with_fields(&mut read) {
                return Some(found);
            }
            next = node.parent.as_deref();
        }
        None
    }
}

impl Drop for SpanNode {
    /// Frees a long chain of parents in a loop: recursion would overflow the stack.
    fn drop(&mut self) {
        let mut parent = self.parent.take();
        while let Some(node) = parent {
            parent = Arc::into_inner(node).and_then(|mut node| node.parent.take());
        }
    }
}
