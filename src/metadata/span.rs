//! Span context: what each open span recorded, and which spans this thread has entered.
//!
//! Fields are encoded once, when they are recorded, before any lock is taken: a `Debug` that logs
//! inside `Span::record` deadlocks layers that format under the extensions lock
//! (tokio-rs/tracing#763, #1565).

use crate::encode::assemble::span_object;
use crate::encode::buffer::Lease;
use crate::encode::fields::Fields;
use crate::encode::guard::guarded;
use crate::encode::value::{Recorder, Subject};
use crate::metadata::Rules;
use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Event, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

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
    fn new(
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

    fn record(&self, later: &Fields) {
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

/// How long a span was entered, and how long it was open besides.
#[derive(Debug)]
pub(crate) struct Timing {
    made: Instant,
    /// Entries that were not left yet, on all threads.
    entries: AtomicU64,
    changed: AtomicU64,
    busy: AtomicU64,
    idle: AtomicU64,
}

impl Timing {
    fn start() -> Self {
        Self {
            made: Instant::now(),
            entries: AtomicU64::new(0),
            changed: AtomicU64::new(0),
            busy: AtomicU64::new(0),
            idle: AtomicU64::new(0),
        }
    }

    fn enter(&self) {
        if self.entries.fetch_add(1, Ordering::Relaxed) == 0 {
            self.lap(&self.idle);
        }
    }

    fn exit(&self) {
        if self.entries.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.lap(&self.busy);
        }
    }

    fn lap(&self, side: &AtomicU64) {
        let now = u64::try_from(self.made.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let before = self.changed.swap(now, Ordering::Relaxed);
        side.fetch_add(now.saturating_sub(before), Ordering::Relaxed);
    }

    /// Nanoseconds busy and idle, up to now.
    pub(crate) fn close(&self) -> (u64, u64) {
        self.lap(&self.idle);
        (
            self.busy.load(Ordering::Relaxed),
            self.idle.load(Ordering::Relaxed),
        )
    }
}

/// How one of our layers or filters sees the spans of its subscriber.
///
/// Each view has its own slot in a span's extensions, so that two of our layers and any other
/// layer leave each other's data alone.
#[derive(Debug)]
pub(crate) struct View {
    id: u64,
    pub(crate) rules: Arc<Rules>,
    pub(crate) timed: bool,
}

/// The extension: what each view keeps of one span.
struct Slots(Vec<(u64, Arc<SpanNode>)>);

impl View {
    pub(crate) fn new(rules: Arc<Rules>, timed: bool) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            rules,
            timed,
        }
    }

    /// Keeps what a new span carries. Gives the number of values that could not be encoded.
    pub(crate) fn open<S>(&self, attrs: &Attributes<'_>, id: &Id, ctx: &Context<'_, S>) -> usize
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let (fields, failures) = self.recorded(|recorder| attrs.record(recorder));
        let parent = match attrs.parent() {
            Some(parent) => self.find(parent, ctx),
            None if attrs.is_contextual() => self.current(),
            None => None,
        };
        let timing = self.timed.then(Timing::start);
        let node = SpanNode::new(parent, attrs.metadata().name(), fields, timing);
        let _ = guarded(|| {
            let Some(span) = ctx.span(id) else { return };
            let mut extensions = span.extensions_mut();
            match extensions.get_mut::<Slots>() {
                Some(slots) => slots.0.push((self.id, node)),
                None => extensions.insert(Slots(vec![(self.id, node)])),
            }
        });
        failures
    }

    /// Adds what `Span::record` gives. Counts failures as [`open`](Self::open) does.
    pub(crate) fn record<S>(&self, id: &Id, values: &Record<'_>, ctx: &Context<'_, S>) -> usize
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let (later, failures) = self.recorded(|recorder| values.record(recorder));
        if let Some(node) = self.find(id, ctx) {
            node.record(&later);
        }
        failures
    }

    /// Fields, and how many could not be given in their type. A `Debug` that opens spans with
    /// itself in them ends like one that logs itself: too deep, there are no fields.
    fn recorded(&self, record: impl FnOnce(&mut Recorder<'_>)) -> (Fields, usize) {
        let Some(mut lease) = Lease::take() else {
            return (Fields::default(), 1);
        };
        let fields = &mut lease.buffer().fields;
        record(&mut Recorder {
            fields,
            rules: &self.rules,
            subject: Subject::Span,
        });
        (fields.clone(), fields.failures().len())
    }

    pub(crate) fn enter<S>(&self, id: &Id, ctx: &Context<'_, S>)
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let Some(node) = self.find(id, ctx) else {
            return;
        };
        if let Some(timing) = &node.timing {
            timing.enter();
        }
        with_entered(|entered| {
            // Guards held across an await leave entries behind (tokio-rs/tracing#3514).
            if entered.len() >= 64 {
                entered.retain(|entry| !entry.node.is_closed.load(Ordering::Relaxed));
            }
            let again = entered
                .iter()
                .any(|entry| entry.view == self.id && entry.span == *id);
            entered.push(Entered {
                view: self.id,
                span: id.clone(),
                node,
                again,
            });
        });
    }

    pub(crate) fn exit(&self, id: &Id) {
        let entry = with_entered(|entered| {
            let at = entered
                .iter()
                .rposition(|entry| entry.view == self.id && entry.span == *id)?;
            Some(entered.remove(at))
        });
        if let Some(entry) = entry.flatten()
            && let Some(timing) = &entry.node.timing
        {
            timing.exit();
        }
    }

    /// Marks a span as closed: its id will be used again.
    pub(crate) fn close<S>(&self, id: &Id, ctx: &Context<'_, S>) -> Option<Arc<SpanNode>>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let node = self.find(id, ctx)?;
        node.is_closed.store(true, Ordering::Relaxed);
        Some(node)
    }

    /// The span an event is in: its explicit parent, else the one this thread is in.
    pub(crate) fn context_of<S>(
        &self,
        event: &Event<'_>,
        ctx: &Context<'_, S>,
    ) -> Option<Arc<SpanNode>>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        match event.parent() {
            Some(parent) => self.find(parent, ctx),
            None if event.is_contextual() => self.current(),
            None => None,
        }
    }

    /// The innermost span this thread is in. Takes no lock, so that a panic hook may ask.
    pub(crate) fn current(&self) -> Option<Arc<SpanNode>> {
        with_entered(|entered| {
            let entry = entered.iter().rev().find(|entry| {
                entry.view == self.id
                    && !entry.again
                    && !entry.node.is_closed.load(Ordering::Relaxed)
            });
            entry.map(|entry| Arc::clone(&entry.node))
        })
        .flatten()
    }

    fn find<S>(&self, id: &Id, ctx: &Context<'_, S>) -> Option<Arc<SpanNode>>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        // Another layer that panicked under this lock has poisoned it, at which
        // tracing-subscriber panics.
        let find = || {
            let span = ctx.span(id)?;
            let extensions = span.extensions();
            let slots = extensions.get::<Slots>()?;
            let slot = slots.0.iter().find(|(view, _)| *view == self.id)?;
            Some(Arc::clone(&slot.1))
        };
        guarded(find).ok().flatten()
    }
}

struct Entered {
    view: u64,
    span: Id,
    node: Arc<SpanNode>,
    /// Entered while entered already: as in the registry, that does not change the current span.
    again: bool,
}

thread_local! {
    static ENTERED: RefCell<Vec<Entered>> = const { RefCell::new(Vec::new()) };
}

/// `None` in a destructor that runs after ours: such a thread is in no span.
fn with_entered<R>(use_stack: impl FnOnce(&mut Vec<Entered>) -> R) -> Option<R> {
    ENTERED
        .try_with(|entered| Some(use_stack(&mut *entered.try_borrow_mut().ok()?)))
        .ok()
        .flatten()
}
