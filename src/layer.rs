//! The layer: what happens to a span and to an event.

use crate::encode::buffer::Lease;
use crate::encode::custom::{Custom, Encoder};
use crate::encode::fields::{Fields, Role};
use crate::encode::guard::guarded;
use crate::encode::schema::Schema;
use crate::encode::value::{Recorder, Subject};
use crate::encode::{Head, Layout};
use crate::level::LevelHandle;
use crate::level::filter::EventFilter;
use crate::metadata::span::{SpanNode, View};
use crate::metadata::{IDENTIFIERS, Rules};
use crate::report::{Report, ReportLine};
use crate::sink::Sink;
use crate::sink::delivery::Delivery;
use crate::stats::{Counters, Stats};
use std::sync::{Arc, Weak};
use std::time::SystemTime;
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Dispatch, Event, Level, Metadata, Subscriber};
use tracing_subscriber::fmt::{MakeWriter, TestWriter};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

/// The longest line, unless set otherwise: with its newline it fits the 16 KiB at which Docker and
/// containerd split.
pub(crate) const MAX_LINE_BYTES: usize = 16_383;
/// The least limit: time, level and identifiers need some room.
pub(crate) const LEAST_LINE_BYTES: usize = 512;

/// Writes each event as one JSON object on one line.
///
/// For those who compose their own subscriber; [`init_json_logging`](crate::init_json_logging)
/// does all of it.
///
/// ```
/// # fn main() -> Result<(), tracing_jsonl::DirectiveError> {
/// use tracing_jsonl::{JsonLayer, LevelHandle, Sink};
/// use tracing_subscriber::prelude::*;
///
/// let level = LevelHandle::new("info")?;
/// let layer = JsonLayer::new(Sink::stdout())
///     .with_level(&level)
///     .with_static_field("service", "shop");
/// let subscriber = tracing_subscriber::registry().with(level.filter()).with(layer);
/// # Ok(())
/// # }
/// ```
pub struct JsonLayer<W = Sink> {
    core: Arc<Core<W>>,
}

/// Shared with those who write lines of their own: level changes, panics.
struct Core<W> {
    settings: Settings,
    layout: Layout,
    view: Arc<View>,
    delivery: Delivery<W>,
    counters: Arc<Counters>,
    level: Option<LevelHandle>,
}

struct Settings {
    schema: Schema,
    rules: Rules,
    statics: Vec<(String, String)>,
    location: bool,
    thread: bool,
    span_close: bool,
    clock: fn() -> SystemTime,
}

/// Reads a layer's [`Stats`].
#[derive(Clone, Debug)]
pub struct StatsHandle {
    counters: Arc<Counters>,
}

impl StatsHandle {
    /// The counts as they are now.
    #[must_use]
    pub fn get(&self) -> Stats {
        self.counters.get()
    }
}

impl<W> JsonLayer<W>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    /// A layer that writes to `make_writer`: a [`Sink`], or any `MakeWriter`.
    ///
    /// Each line is one `write`; short writes are finished, and `Interrupted` is retried. A writer
    /// that fails or panics costs one line, which is counted; `WouldBlock` counts as dropped.
    #[must_use]
    pub fn new(make_writer: W) -> Self {
        let settings = Settings {
            schema: Schema::default(),
            rules: Rules {
                identifiers: IDENTIFIERS.map(str::to_owned).to_vec(),
                limit: MAX_LINE_BYTES,
                not_finite_as_text: false,
                span_fields: true,
            },
            statics: Vec::new(),
            location: false,
            thread: false,
            span_close: false,
            clock: SystemTime::now,
        };
        let (layout, view) = settings.compile();
        Self {
            core: Arc::new(Core {
                settings,
                layout,
                view,
                delivery: Delivery::new(make_writer),
                counters: Arc::default(),
                level: None,
            }),
        }
    }

    /// Sets the layout of the line.
    #[must_use]
    pub fn with_schema(self, schema: Schema) -> Self {
        self.set(|settings| settings.schema = schema)
    }

    /// Joins the layer to a level: its changes are written to this layer's sink.
    ///
    /// The handle's [`filter`](LevelHandle::filter) has to be added to the subscriber too.
    #[must_use]
    pub fn with_level(mut self, handle: &LevelHandle) -> Self {
        if let Some(core) = Arc::get_mut(&mut self.core) {
            core.level = Some(handle.clone());
        }
        self
    }

    /// Sets which fields are identifiers, in the order in which they are written. Unless set:
    /// `request_id`, `user_id`, `trace_id`.
    #[must_use]
    pub fn with_identifiers<I>(self, identifiers: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let identifiers = identifiers.into_iter().map(Into::into).collect();
        self.set(|settings| settings.rules.identifiers = identifiers)
    }

    /// Sets whether lines carry the spans around an event, identifiers aside; they do unless told
    /// otherwise.
    #[must_use]
    pub fn with_spans(self, spans: bool) -> Self {
        self.set(|settings| settings.rules.span_fields = spans)
    }

    /// Adds a field that every line has, as `service` or `version`. A key of the schema's own gets
    /// `fields.` in front.
    #[must_use]
    pub fn with_static_field(self, key: impl Into<String>, value: impl Into<String>) -> Self {
        let field = (key.into(), value.into());
        self.set(|settings| settings.statics.push(field))
    }

    /// Adds `file` and `line` of each event's place in the source.
    #[must_use]
    pub fn with_source_location(self, location: bool) -> Self {
        self.set(|settings| settings.location = location)
    }

    /// Adds `thread` (its name, if it has one) and `thread_id` (a number).
    #[must_use]
    pub fn with_thread(self, thread: bool) -> Self {
        self.set(|settings| settings.thread = thread)
    }

    /// Writes a line when a span closes, at the span's level, with `busy_ns` and `idle_ns`: the
    /// nanoseconds for which it was entered, and open besides.
    #[must_use]
    pub fn with_span_close(self, span_close: bool) -> Self {
        self.set(|settings| settings.span_close = span_close)
    }

    /// Sets the longest line in bytes, its newline not counted: 16,383 unless set, at least 512,
    /// 0 for no limit. Longer lines are cut, marked `"truncated":true` and counted.
    #[must_use]
    pub fn with_max_line_bytes(self, bytes: usize) -> Self {
        self.set(|settings| {
            settings.rules.limit = match bytes {
                0 => usize::MAX,
                bytes => bytes.max(LEAST_LINE_BYTES),
            }
        })
    }

    /// Writes NaN and the infinities as `"NaN"`, `"Infinity"` and `"-Infinity"`, in place of `null`
    /// with the text in `encode_errors`. A key's type then depends on its value.
    #[must_use]
    pub fn with_not_finite_as_text(self, as_text: bool) -> Self {
        self.set(|settings| settings.rules.not_finite_as_text = as_text)
    }

    /// Sets the clock that timestamps are read from.
    #[must_use]
    pub fn with_clock(self, clock: fn() -> SystemTime) -> Self {
        self.set(|settings| settings.clock = clock)
    }

    /// Writes lines in a format of your own in place of the schema's.
    #[must_use]
    pub fn with_encoder(self, encoder: impl Encoder + 'static) -> Self {
        self.custom(Custom {
            encoder: Box::new(encoder),
            json_fallback: false,
        })
    }

    /// The same, and where the encoder fails, the event's debug format is wrapped in a JSON object
    /// as its `message`.
    #[must_use]
    pub fn with_encoder_or_json(self, encoder: impl Encoder + 'static) -> Self {
        self.custom(Custom {
            encoder: Box::new(encoder),
            json_fallback: true,
        })
    }

    pub(crate) fn custom(mut self, custom: Custom) -> Self {
        if let Some(core) = Arc::get_mut(&mut self.core) {
            core.layout.custom = Some(custom);
        }
        self
    }

    /// Writes to the test harness, which shows the lines of failed tests only.
    #[must_use]
    pub fn with_test_writer(self) -> JsonLayer<TestWriter> {
        let other = JsonLayer::new(TestWriter::new());
        let Some(core) = Arc::into_inner(self.core) else {
            return other;
        };
        JsonLayer {
            core: Arc::new(Core {
                settings: core.settings,
                layout: core.layout,
                view: core.view,
                delivery: Delivery::new(TestWriter::new()),
                counters: core.counters,
                level: core.level,
            }),
        }
    }

    /// A handle on the layer's counters, to keep when the layer is given away.
    #[must_use]
    pub fn stats(&self) -> StatsHandle {
        StatsHandle {
            counters: Arc::clone(&self.core.counters),
        }
    }

    pub(crate) fn reporter(&self) -> Arc<dyn Report> {
        Arc::clone(&self.core) as Arc<dyn Report>
    }

    /// Nobody else has the layer before a subscriber does, so that this always sets.
    fn set(mut self, set: impl FnOnce(&mut Settings)) -> Self {
        if let Some(core) = Arc::get_mut(&mut self.core) {
            set(&mut core.settings);
            let custom = core.layout.custom.take();
            (core.layout, core.view) = core.settings.compile();
            core.layout.custom = custom;
        }
        self
    }
}

impl Settings {
    fn compile(&self) -> (Layout, Arc<View>) {
        let rules = Arc::new(self.rules.clone());
        let mut layout = Layout::new(self.schema.clone(), Arc::clone(&rules), &self.statics);
        layout.location = self.location;
        layout.thread = self.thread;
        (layout, Arc::new(View::new(rules, self.span_close)))
    }
}

impl<S, W> Layer<S> for JsonLayer<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    fn on_layer(&mut self, _subscriber: &mut S) {
        if let Some(level) = &self.core.level {
            let core: Weak<Core<W>> = Arc::downgrade(&self.core);
            level.join(core);
        }
    }

    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        if let Some(level) = &self.core.level {
            level.registered(dispatch);
            if let Some(filter) = dispatch.downcast_ref::<EventFilter>() {
                filter.share(level, &self.core.view);
            }
        }
    }

    fn on_new_span(&self, attrs: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        let failures = self.core.view.open(attrs, id, &ctx);
        self.core.counters.fallbacks(failures);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, ctx: Context<'_, S>) {
        let failures = self.core.view.record(id, values, &ctx);
        self.core.counters.fallbacks(failures);
    }

    fn on_enter(&self, id: &Id, ctx: Context<'_, S>) {
        self.core.view.enter(id, &ctx);
    }

    fn on_exit(&self, id: &Id, _ctx: Context<'_, S>) {
        self.core.view.exit(id);
    }

    fn on_close(&self, id: Id, ctx: Context<'_, S>) {
        let closed = self.core.view.close(&id, &ctx);
        if let (Some(span), Some(metadata)) = (closed, ctx.metadata(&id)) {
            self.core.span_closed(&span, metadata);
        }
    }

    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        let core = &*self.core;
        let metadata = event.metadata();
        let context = core.view.context_of(event, &ctx);
        core.line(
            Head::of(metadata, (core.settings.clock)()),
            Some(metadata),
            context,
            |fields| {
                event.record(&mut Recorder {
                    fields,
                    rules: &core.view.rules,
                    subject: subject(metadata),
                });
            },
        );
    }
}

/// Events that a bridge made from `log` records carry their facts as fields.
fn subject(metadata: &Metadata<'_>) -> Subject {
    if metadata.target() == "log" && metadata.fields().field("log.target").is_some() {
        return Subject::LogRecord;
    }
    Subject::Event
}

impl<W> Core<W>
where
    W: for<'a> MakeWriter<'a>,
{
    /// Records, encodes and writes one line, and counts what became of it.
    fn line(
        &self,
        head: Head<'_>,
        metadata: Option<&Metadata<'_>>,
        context: Option<Arc<SpanNode>>,
        record: impl FnOnce(&mut Fields),
    ) {
        self.counters.emitted();
        let Some(mut lease) = Lease::take() else {
            return self.counters.dropped();
        };
        let buffer = &mut *lease;
        let encoded = guarded(|| {
            record(&mut buffer.fields);
            if let Some(span) = context {
                span.chain(&mut buffer.chain);
            }
            // Not part of the line: it ends a torn one before.
            buffer.line.push(b'\n');
            let (fields, assembly) = (&buffer.fields, &mut buffer.assembly);
            let encoded =
                self.layout
                    .encode(head, fields, &buffer.chain, assembly, &mut buffer.line);
            buffer.line.push(b'\n');
            encoded
        });
        let Ok(encoded) = encoded else {
            return self.counters.failed();
        };
        if encoded.truncated {
            self.counters.truncated();
        }
        let failures = buffer.fields.failures().len();
        self.counters
            .fallbacks(failures + usize::from(encoded.fallback));
        let written = self
            .delivery
            .deliver(metadata, &buffer.line, &self.counters);
        drop(lease);
        if written {
            self.report_drops();
        }
    }

    /// One line for all drops since the last, once there is room for it.
    fn report_drops(&self) {
        let dropped = self.counters.take_unreported();
        if dropped > 0 {
            self.own_line(None, &mut |report| {
                report.say(Level::WARN, "log lines were dropped");
                report.number("dropped", dropped);
            });
        }
    }

    fn span_closed(&self, span: &Arc<SpanNode>, metadata: &Metadata<'_>) {
        let Some(timing) = span.timing() else {
            return;
        };
        if self
            .level
            .as_ref()
            .is_some_and(|level| !level.allows(metadata))
        {
            return;
        }
        let (busy, idle) = timing.close();
        let head = Head::of(metadata, (self.settings.clock)());
        self.line(head, Some(metadata), Some(Arc::clone(span)), |fields| {
            fields.text(Role::Message, "message", "span closed");
            fields.text(Role::Field, "span", span.name());
            fields.number("busy_ns", busy);
            fields.number("idle_ns", idle);
        });
    }

    fn own_line(&self, context: Option<Arc<SpanNode>>, fill: &mut dyn FnMut(&mut ReportLine)) {
        let mut report = ReportLine::default();
        fill(&mut report);
        let head = Head {
            now: (self.settings.clock)(),
            level: report.level,
            target: report.target,
            file: None,
            line: None,
        };
        self.line(head, None, context, |fields| fields.absorb(&report.fields));
    }
}

impl<W> Report for Core<W>
where
    W: for<'a> MakeWriter<'a> + Send + Sync,
{
    fn report(&self, fill: &mut dyn FnMut(&mut ReportLine)) {
        self.own_line(None, fill);
    }

    fn report_in_scope(&self, fill: &mut dyn FnMut(&mut ReportLine)) {
        self.own_line(self.view.current(), fill);
    }

    fn write_line(&self, line: &[u8]) {
        self.counters.emitted();
        if self.delivery.deliver(None, line, &self.counters) {
            self.report_drops();
        }
    }

    fn flush(&self) {
        self.delivery.flush();
    }

    fn stats(&self) -> Stats {
        self.counters.get()
    }
}

impl<W> std::fmt::Debug for JsonLayer<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JsonLayer")
            .field("schema", &self.core.settings.schema)
            .field("stats", &self.core.counters.get())
            .finish_non_exhaustive()
    }
}
