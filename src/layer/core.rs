//! One line from its fields to the sink, and the counting of it.

use crate::encode::buffer::Lease;
use crate::encode::fields::{Fields, Role};
use crate::encode::guard::guarded;
use crate::encode::{Head, Layout};
use crate::layer::options::Settings;
use crate::level::LevelHandle;
use crate::metadata::span::SpanNode;
use crate::metadata::view::View;
use crate::report::{Report, ReportLine};
use crate::sink::delivery::Delivery;
use crate::stats::{Counters, Stats};
use std::sync::{Arc, Once, OnceLock};
use tracing_core::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// Shared with those who write lines of their own: level changes, panics.
pub(super) struct Core<W> {
    pub(super) settings: Settings,
    /// Made from the settings when the layer is first used: a layer that is put in by a reload is
    /// told nothing before.
    pub(super) ready: OnceLock<Ready>,
    pub(super) delivery: Delivery<W>,
    pub(super) counters: Arc<Counters>,
    pub(super) level: Option<LevelHandle>,
    pub(super) joined: Once,
}

/// What settings amount to.
pub(super) struct Ready {
    pub(super) layout: Layout,
    pub(super) view: Arc<View>,
}

impl<W> Core<W> {
    pub(super) fn ready(&self) -> &Ready {
        self.ready.get_or_init(|| self.settings.compile())
    }
}

impl<W> Core<W>
where
    W: for<'a> MakeWriter<'a>,
{
    /// Writes one line, and tells of lines lost before it.
    pub(super) fn line(
        &self,
        head: Head<'_>,
        metadata: Option<&Metadata<'_>>,
        context: Option<Arc<SpanNode>>,
        record: impl FnOnce(&mut Fields),
    ) {
        if self.write(head, metadata, context, record) {
            self.report_drops();
        }
    }

    /// Records, encodes and writes one line, and counts what became of it; true if it was written.
    fn write(
        &self,
        head: Head<'_>,
        metadata: Option<&Metadata<'_>>,
        context: Option<Arc<SpanNode>>,
        record: impl FnOnce(&mut Fields),
    ) -> bool {
        self.counters.emitted();
        let Some(mut lease) = Lease::take() else {
            self.counters.dropped();
            return false;
        };
        let buffer = lease.buffer();
        let encoded = guarded(|| {
            record(&mut buffer.fields);
            if let Some(span) = context {
                span.chain(&mut buffer.chain);
            }
            // Not part of the line: it ends a torn one before.
            buffer.line.push(b'\n');
            let encoded = self.ready().layout.encode(
                (self.settings.clock)(),
                head,
                &buffer.fields,
                &buffer.chain,
                &mut buffer.assembly,
                &mut buffer.line,
            );
            buffer.line.push(b'\n');
            encoded
        });
        let Ok(encoded) = encoded else {
            self.counters.failed();
            return false;
        };
        if encoded.truncated {
            self.counters.truncated();
        }
        let failures = buffer.fields.failures().len();
        self.counters
            .fallbacks(failures + usize::from(encoded.fallback));
        self.delivery
            .deliver(metadata, &buffer.line, &self.counters)
    }

    /// One line for all drops since the last, once there is room for it.
    fn report_drops(&self) {
        let dropped = self.counters.take_unreported();
        if dropped == 0 {
            return;
        }
        let mut report = ReportLine::default();
        report.say(Level::WARN, "log lines were dropped");
        report.number("dropped", dropped);
        // Not `line`: a writer that logs has each line drop one more.
        let told = self.write(report.head(), None, None, |fields| {
            fields.absorb(&report.fields);
        });
        if !told {
            self.counters.tell_again(dropped);
        }
    }

    pub(super) fn span_closed(&self, span: &Arc<SpanNode>, metadata: &Metadata<'_>) {
        let Some(timing) = span.timing() else {
            return;
        };
        let rules = &self.ready().view.rules;
        if let Some(level) = &self.level
            && !level.allows_in(metadata, rules, span)
        {
            return;
        }
        let (busy, idle) = timing.close();
        let head = Head::of(metadata);
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
        self.line(report.head(), None, context, |fields| {
            fields.absorb(&report.fields);
        });
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
        self.own_line(self.ready().view.current(), fill);
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
