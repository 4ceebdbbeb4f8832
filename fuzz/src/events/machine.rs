//! Runs the steps of a program, and asks the registry which spans each event is in.

use crate::events::model::{Recorded, Rules, Subject};
use crate::events::nested::Nested;
use crate::events::pairs::Pairs;
use crate::events::program::{Field, Parent, Record, Value};
use crate::events::sites::{EVENTS, SPANS};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tracing_core::field::{Value as TracingValue, debug, display};
use tracing_core::span::{Attributes, Id};
use tracing_core::{Dispatch, Event, Metadata, Subscriber, span};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

/// How many fields one step may have: the arrays of `tracing` are of fixed length.
const FIELDS: usize = 8;

/// The spans of each event so far, as the registry has them, root first.
#[derive(Clone, Debug, Default)]
pub struct Scopes(Arc<Mutex<Vec<Vec<u64>>>>);

impl Scopes {
    pub fn take(&self) -> Vec<Vec<u64>> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Scopes {
    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        let spans = ctx.event_scope(event).into_iter();
        let spans = spans.flat_map(|scope| scope.from_root().map(|span| span.id().into_u64()));
        let mut scopes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        scopes.push(spans.collect());
    }
}

/// A span as the program holds it.
struct Held {
    id: Id,
    entered: u32,
    is_open: bool,
    metadata: &'static Metadata<'static>,
}

/// What an event should show besides its spans.
pub struct Made {
    pub recorded: Recorded,
    pub target: String,
    /// In capitals.
    pub level: &'static str,
    pub file: Option<String>,
    pub line: Option<u32>,
}

pub struct Machine {
    dispatch: Dispatch,
    rules: Rules,
    held: Vec<Held>,
    /// Name and fields of each span that lives.
    pub spans: HashMap<u64, (&'static str, Recorded)>,
}

/// Fields that no macro could pass: any of the site's, in any order, also twice.
macro_rules! with_values {
    ($metadata:expr, $fields:expr, |$values:ident| $use:expr) => {{
        let all: Vec<_> = $metadata.fields().iter().collect();
        let boxed: Vec<_> = $fields
            .iter()
            .take(FIELDS)
            .map(|one| boxed(&one.value))
            .collect();
        let pairs: [_; FIELDS] = std::array::from_fn(|index| match $fields.get(index) {
            Some(field) => (
                &all[usize::from(field.name) % all.len()],
                boxed[index].as_ref().map(|value| &**value),
            ),
            None => (&all[0], None),
        });
        let $values = &$metadata.fields().value_set(&pairs);
        $use
    }};
}

impl Machine {
    pub fn new(dispatch: Dispatch, rules: Rules) -> Self {
        Self {
            dispatch,
            rules,
            held: Vec::new(),
            spans: HashMap::new(),
        }
    }

    pub fn open(&mut self, site: u8, parent: Parent, fields: &[Field]) {
        let metadata = SPANS[usize::from(site) % SPANS.len()]();
        let recorded = self.recorded(Subject::Span, fields, metadata);
        let id = with_values!(metadata, fields, |values| {
            self.dispatch.new_span(&match self.parent(parent) {
                Some(Some(id)) => Attributes::child_of(id, metadata, values),
                Some(None) => Attributes::new_root(metadata, values),
                None => Attributes::new(metadata, values),
            })
        });
        self.spans
            .insert(id.into_u64(), (metadata.name(), recorded));
        self.held.push(Held {
            id,
            entered: 0,
            is_open: true,
            metadata,
        });
    }

    pub fn record(&mut self, span: u8, fields: &[Field]) {
        let Some(at) = self.at(span) else { return };
        let (id, metadata) = (self.held[at].id.clone(), self.held[at].metadata);
        let later = self.recorded(Subject::Span, fields, metadata);
        with_values!(metadata, fields, |values| {
            self.dispatch.record(&id, &span::Record::new(values));
        });
        if let Some((_, recorded)) = self.spans.get_mut(&id.into_u64()) {
            recorded.identifiers.extend(later.identifiers);
            recorded.fields.extend(later.fields);
        }
    }

    pub fn enter(&mut self, span: u8) {
        if let Some(at) = self.at(span) {
            self.held[at].entered += 1;
            self.dispatch.enter(&self.held[at].id);
        }
    }

    /// Also of a span that is not entered, and in any order.
    pub fn exit(&mut self, span: u8) {
        if self.held.is_empty() {
            return;
        }
        let at = usize::from(span) % self.held.len();
        let held = &mut self.held[at];
        if held.is_open || held.entered > 0 {
            held.entered = held.entered.saturating_sub(1);
            self.dispatch.exit(&held.id);
        }
    }

    pub fn close(&mut self, span: u8) {
        if let Some(at) = self.at(span) {
            self.held[at].is_open = false;
            let id = self.held[at].id.clone();
            self.dispatch.try_close(id);
        }
    }

    /// Leaves and closes all that is left, the first first.
    pub fn close_all(&mut self) {
        for held in std::mem::take(&mut self.held) {
            for _ in 0..held.entered {
                self.dispatch.exit(&held.id);
            }
            if held.is_open {
                self.dispatch.try_close(held.id);
            }
        }
    }

    pub fn event(&mut self, site: u8, parent: Parent, fields: &[Field]) -> Made {
        let metadata = EVENTS[usize::from(site) % EVENTS.len()]();
        let subject = match metadata.target() {
            "log" => Subject::LogRecord,
            _ => Subject::Event,
        };
        with_values!(metadata, fields, |values| {
            self.dispatch.event(&match self.parent(parent) {
                None => Event::new(metadata, values),
                Some(parent) => Event::new_child_of(parent, metadata, values),
            });
        });
        Made {
            recorded: self.recorded(subject, fields, metadata),
            target: metadata.target().to_owned(),
            level: metadata.level().as_str(),
            file: metadata.file().map(str::to_owned),
            line: metadata.line(),
        }
    }

    pub fn log(&self, record: &Record) -> Made {
        let level = LEVELS[usize::from(record.level) % LEVELS.len()];
        let pairs = Pairs(&record.pairs);
        log::logger().log(
            &log::Record::builder()
                .level(level)
                .target(&record.target.0)
                .file(record.file.as_ref().map(|file| file.0.as_str()))
                .line(record.line)
                .args(format_args!("{}", record.message))
                .key_values(&pairs)
                .build(),
        );
        let mut recorded = Recorded::default();
        let message = Value::Display(record.message.clone());
        recorded.add(&self.rules, Subject::LogRecord, "message", &message);
        for (key, pair) in &record.pairs {
            recorded.add(&self.rules, Subject::Pairs, &key.0, pair);
        }
        Made {
            recorded,
            target: record.target.0.clone(),
            level: level.as_str(),
            file: record.file.as_ref().map(|file| file.0.clone()),
            line: record.line,
        }
    }

    /// The held span of that number that is still open, by its place.
    fn at(&self, span: u8) -> Option<usize> {
        let open = self
            .held
            .iter()
            .enumerate()
            .filter(|(_, held)| held.is_open);
        let open: Vec<usize> = open.map(|(at, _)| at).collect();
        (!open.is_empty()).then(|| open[usize::from(span) % open.len()])
    }

    /// `None` is the current span, `Some(None)` no span.
    #[allow(clippy::option_option)]
    fn parent(&self, parent: Parent) -> Option<Option<Id>> {
        match parent {
            Parent::Current => None,
            Parent::Root => Some(None),
            Parent::Span(span) => Some(self.at(span).map(|at| self.held[at].id.clone())),
        }
    }

    fn recorded(&self, subject: Subject, fields: &[Field], metadata: &Metadata<'_>) -> Recorded {
        let mut recorded = Recorded::default();
        let names: Vec<_> = metadata.fields().iter().collect();
        for Field { name, value } in fields.iter().take(FIELDS) {
            if !matches!(value, Value::Empty) {
                let name = names[usize::from(*name) % names.len()].name();
                recorded.add(&self.rules, subject, name, value);
            }
        }
        recorded
    }
}

const LEVELS: [log::Level; 5] = [
    log::Level::Error,
    log::Level::Warn,
    log::Level::Info,
    log::Level::Debug,
    log::Level::Trace,
];

fn boxed(value: &Value) -> Option<Box<dyn TracingValue + '_>> {
    Some(match value {
        Value::Bool(value) => Box::new(value),
        Value::Signed(value) => Box::new(value),
        Value::Unsigned(value) => Box::new(value),
        Value::Wide(value) => Box::new(value),
        Value::WideUnsigned(value) => Box::new(value),
        Value::Float(value) => Box::new(value),
        Value::Text(text) => Box::new(text.0.as_str()),
        Value::Bytes(bytes) => Box::new(bytes.as_slice()),
        Value::Debug(script) => Box::new(debug(script)),
        Value::Display(script) => Box::new(display(script)),
        Value::Error(link) => Box::new(link as &(dyn std::error::Error + 'static)),
        Value::Json(value) => Box::new(tracing_jsonl::json(value)),
        Value::Raw(raw) => Box::new(tracing_jsonl::json(Nested::Raw(raw.clone()))),
        Value::Empty => return None,
    })
}
