//! The filter gates events, not context: spans at `info` and above are admitted whatever the event
//! level, so that an error line keeps its `request_id` at `LOG_LEVEL=warn`, and a flip to debug
//! finds the identifiers of requests already in flight.

use crate::level::LevelHandle;
use crate::level::directives::Directives;
use crate::metadata::Rules;
use crate::metadata::view::View;
use std::sync::Arc;
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::subscriber::Interest;
use tracing_core::{LevelFilter, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Filter, Layer};
use tracing_subscriber::registry::LookupSpan;

/// Lets pass what a [`LevelHandle`] says; made by [`LevelHandle::filter`].
///
/// As a `Layer` it decides for the whole subscriber, as a `Filter` for one layer. An unchanged
/// level costs what a static filter costs: `tracing` asks once per callsite and remembers.
///
/// Spans at `info` and above pass at any level, so that events keep their context. `target=off`
/// switches the spans of that target off too.
#[derive(Debug)]
#[must_use = "a filter does nothing until it is part of a subscriber"]
pub struct EventFilter {
    handle: LevelHandle,
    admit_identifier_spans: bool,
    /// The spans as this filter keeps them itself.
    own: View,
    /// Those of a layer beside it, if it may use them.
    layer: Option<Arc<View>>,
}

impl EventFilter {
    pub(crate) fn new(handle: LevelHandle) -> Self {
        let rules = Rules {
            identifiers: handle.identifiers().to_vec(),
            limit: usize::MAX,
            not_finite_as_text: false,
            span_fields: false,
        };
        Self {
            handle,
            admit_identifier_spans: false,
            own: View::new(Arc::new(rules), false),
            layer: None,
        }
    }

    /// Admits spans that declare an identifier at any level, `debug_span!` and `trace_span!`
    /// included.
    ///
    /// The price: `tracing` then has to look at every callsite once, since no level is off for
    /// all.
    pub fn admit_identifier_spans(mut self, admit: bool) -> Self {
        self.admit_identifier_spans = admit;
        if admit {
            self.handle.admit_any_span();
        }
        self
    }

    /// Takes the spans of a layer that sees all that this filter admits, in place of keeping them
    /// twice.
    pub(crate) fn sharing(mut self, view: Arc<View>) -> Self {
        self.layer = Some(view);
        self
    }

    fn interest(&self, metadata: &Metadata<'_>) -> Interest {
        let directives = self.handle.directives();
        if self.allows(&directives, metadata) {
            Interest::always()
        } else if directives.scoped(metadata).next().is_some() {
            Interest::sometimes()
        } else {
            Interest::never()
        }
    }

    fn allows(&self, directives: &Directives, metadata: &Metadata<'_>) -> bool {
        if !metadata.is_span() {
            return directives.allows(metadata.target(), *metadata.level());
        }
        let identified = || {
            let mut names = self.handle.identifiers().iter();
            names.any(|name| metadata.fields().field(name.as_str()).is_some())
        };
        directives.admits_span(metadata) || (self.admit_identifier_spans && identified())
    }

    fn is_enabled(&self, metadata: &Metadata<'_>) -> bool {
        let directives = self.handle.directives();
        self.allows(&directives, metadata) || self.scope_allows(&directives, metadata)
    }

    /// Whether the scope this thread is in has the identifiers of a directive.
    fn scope_allows(&self, directives: &Directives, metadata: &Metadata<'_>) -> bool {
        if directives.scoped(metadata).next().is_none() {
            return false;
        }
        let view = self.layer.as_deref().unwrap_or(&self.own);
        let span = view.current();
        span.is_some_and(|span| directives.scope_allows(metadata, &view.rules, &span))
    }

    /// Its own view, unless a layer keeps the spans.
    fn view(&self) -> Option<&View> {
        self.layer.is_none().then_some(&self.own)
    }
}

/// What a `Layer` and a `Filter` are told of spans is the same.
macro_rules! span_hooks {
    () => {
        fn on_new_span(&self, attrs: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
            if let Some(view) = self.view() {
                view.open(attrs, id, &ctx);
            }
        }

        fn on_record(&self, id: &Id, values: &Record<'_>, ctx: Context<'_, S>) {
            if let Some(view) = self.view() {
                view.record(id, values, &ctx);
            }
        }

        fn on_enter(&self, id: &Id, ctx: Context<'_, S>) {
            if let Some(view) = self.view() {
                view.enter(id, &ctx);
            }
        }

        fn on_exit(&self, id: &Id, _ctx: Context<'_, S>) {
            if let Some(view) = self.view() {
                view.exit(id);
            }
        }

        fn on_close(&self, id: Id, ctx: Context<'_, S>) {
            if let Some(view) = self.view() {
                view.close(&id, &ctx);
            }
        }
    };
}

impl<S> Layer<S> for EventFilter
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        self.interest(metadata)
    }

    fn enabled(&self, metadata: &Metadata<'_>, _ctx: Context<'_, S>) -> bool {
        self.is_enabled(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.handle.max_level())
    }

    span_hooks!();
}

impl<S> Filter<S> for EventFilter
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn enabled(&self, metadata: &Metadata<'_>, _ctx: &Context<'_, S>) -> bool {
        self.is_enabled(metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        self.interest(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.handle.max_level())
    }

    span_hooks!();
}
