//! Span context: which spans this thread has entered, and where each of them keeps its fields.

use crate::encode::buffer::Lease;
use crate::encode::fields::Fields;
use crate::encode::guard::guarded;
use crate::encode::value::{Recorder, Subject};
use crate::metadata::Rules;
use crate::metadata::span::SpanNode;
use crate::metadata::timing::Timing;
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Event, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

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
        if let Some(timing) = node.timing() {
            timing.enter();
        }
        with_entered(|entered| {
            // Guards held across an await leave entries behind (tokio-rs/tracing#3514).
            if entered.len() >= 64 {
                entered.retain(|entry| !entry.node.is_closed());
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
            && let Some(timing) = entry.node.timing()
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
        node.close();
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
            let entry = entered
                .iter()
                .rev()
                .find(|entry| entry.view == self.id && !entry.again && !entry.node.is_closed());
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
