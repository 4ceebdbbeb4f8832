//! The layer: what happens to a span and to an event.

mod core;
mod options;

use crate::encode::Head;
use crate::encode::value::{Recorder, Subject};
use crate::layer::core::{Core, Ready};
use crate::metadata::view::View;
use crate::report::Report;
use crate::sink::Sink;
use crate::stats::StatsHandle;
use std::fmt;
use std::sync::{Arc, Weak};
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Event, Metadata, Subscriber};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

pub(crate) use crate::layer::options::{LEAST_LINE_BYTES, MAX_LINE_BYTES};

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
#[must_use = "a layer does nothing until it is part of a subscriber"]
pub struct JsonLayer<W = Sink> {
    core: Arc<Core<W>>,
}

impl<S, W> Layer<S> for JsonLayer<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    fn on_layer(&mut self, _subscriber: &mut S) {
        // Lines about the level may come before the first event.
        self.ready();
    }

    fn on_new_span(&self, attrs: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        let failures = self.ready().view.open(attrs, id, &ctx);
        self.core.counters.fallbacks(failures);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, ctx: Context<'_, S>) {
        let failures = self.ready().view.record(id, values, &ctx);
        self.core.counters.fallbacks(failures);
    }

    fn on_enter(&self, id: &Id, ctx: Context<'_, S>) {
        self.ready().view.enter(id, &ctx);
    }

    fn on_exit(&self, id: &Id, _ctx: Context<'_, S>) {
        self.ready().view.exit(id);
    }

    fn on_close(&self, id: Id, ctx: Context<'_, S>) {
        let closed = self.ready().view.close(&id, &ctx);
        if let (Some(span), Some(metadata)) = (closed, ctx.metadata(&id)) {
            self.core.span_closed(&span, metadata);
        }
    }

    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        let core = &*self.core;
        if !core.settings.events {
            return;
        }
        let metadata = event.metadata();
        let ready = self.ready();
        let context = ready.view.context_of(event, &ctx);
        core.line(Head::of(metadata), Some(metadata), context, |fields| {
            event.record(&mut Recorder {
                fields,
                rules: &ready.view.rules,
                subject: subject(metadata),
            });
        });
    }
}

/// Events that a bridge made from `log` records carry their facts as fields.
fn subject(metadata: &Metadata<'_>) -> Subject {
    if metadata.target() == "log" && metadata.fields().field("log.target").is_some() {
        return Subject::LogRecord;
    }
    Subject::Event
}

impl<W> JsonLayer<W>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    /// A handle on the layer's counters, to keep when the layer is given away.
    pub fn stats(&self) -> StatsHandle {
        StatsHandle::new(&self.core.counters)
    }

    /// Makes the settings take effect, once all are there.
    fn ready(&self) -> &Ready {
        if let Some(level) = &self.core.level {
            self.core.joined.call_once(|| {
                let core: Weak<Core<W>> = Arc::downgrade(&self.core);
                level.join(core);
            });
        }
        self.core.ready()
    }

    /// How this layer sees spans.
    pub(crate) fn view(&self) -> Arc<View> {
        Arc::clone(&self.ready().view)
    }

    pub(crate) fn reporter(&self) -> Arc<dyn Report> {
        self.ready();
        Arc::clone(&self.core) as Arc<dyn Report>
    }
}

impl<W> fmt::Debug for JsonLayer<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonLayer")
            .field("schema", &self.core.settings.schema)
            .field("stats", &self.core.counters.get())
            .finish_non_exhaustive()
    }
}
