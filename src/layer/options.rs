//! What can be set of a layer before a subscriber has it.

use crate::encode::Layout;
use crate::encode::custom::{Custom, Encoder};
use crate::encode::schema::Schema;
use crate::layer::JsonLayer;
use crate::layer::core::{Core, Ready};
use crate::level::LevelHandle;
use crate::metadata::view::View;
use crate::metadata::{IDENTIFIERS, Rules};
use crate::sink::delivery::Delivery;
use std::sync::{Arc, Once, OnceLock};
use std::time::SystemTime;
use tracing_subscriber::fmt::{MakeWriter, TestWriter};

/// The longest line, unless set otherwise: with its newline it fits the 16 KiB at which Docker and
/// containerd split.
pub(crate) const MAX_LINE_BYTES: usize = 16_383;
/// The least limit: time, level and identifiers need some room.
pub(crate) const LEAST_LINE_BYTES: usize = 512;

#[derive(Clone)]
pub(super) struct Settings {
    pub(super) schema: Schema,
    rules: Rules,
    statics: Vec<(String, String)>,
    location: bool,
    thread: bool,
    span_close: bool,
    /// Whether events are lines; else only reports are.
    pub(super) events: bool,
    pub(super) clock: fn() -> SystemTime,
    custom: Option<Custom>,
}

impl<W> JsonLayer<W>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    /// A layer that writes to `make_writer`: a [`Sink`](crate::Sink), or any `MakeWriter`.
    ///
    /// Each line is one `write`; short writes are finished, and `Interrupted` is retried. A writer
    /// that fails or panics costs one line, which is counted; `WouldBlock` counts as dropped.
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
            events: true,
            clock: SystemTime::now,
            custom: None,
        };
        Self {
            core: Arc::new(Core {
                settings,
                ready: OnceLock::new(),
                delivery: Delivery::new(make_writer),
                counters: Arc::default(),
                level: None,
                joined: Once::new(),
            }),
        }
    }

    /// Sets the layout of the line.
    ///
    /// ```
    /// # use tracing_jsonl::{JsonLayer, Schema, Sink};
    /// let layer = JsonLayer::new(Sink::stdout()).with_schema(Schema::flat());
    /// ```
    pub fn with_schema(self, schema: Schema) -> Self {
        self.set(|settings| settings.schema = schema)
    }

    /// Joins the layer to a level: its changes are written to this layer's sink.
    ///
    /// The handle's [`filter`](LevelHandle::filter) has to be added to the subscriber too.
    ///
    /// ```
    /// # mod doc { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/doc.rs")); }
    /// # use doc::*;
    /// # fn main() -> Result<(), tracing_jsonl::DirectiveError> {
    /// let level = tracing_jsonl::LevelHandle::new("info")?;
    /// # prints_with(|layer| {
    /// let layer = layer.with_level(&level);
    /// # layer }, r#"{"timestamp":"2026-11-23T14:26:46.123456Z","level":"info","message":"log level changed","target":"tracing_jsonl","fields":{"from":"info","to":"debug","by":"api"}}"#, || {
    /// level.set("debug").unwrap();
    /// # });
    /// # Ok(())
    /// # }
    /// ```
    /// ```json
    /// {"timestamp":"2026-11-23T14:26:46.123456Z","level":"info","message":"log level changed","target":"tracing_jsonl","fields":{"from":"info","to":"debug","by":"api"}}
    /// ```
    pub fn with_level(mut self, handle: &LevelHandle) -> Self {
        if let Some(core) = Arc::get_mut(&mut self.core) {
            core.level = Some(handle.clone());
        }
        self
    }

    /// Sets which fields are identifiers, in the order in which they are written. Unless set:
    /// `request_id`, `user_id`, `trace_id`.
    ///
    /// ```
    /// # mod doc { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/doc.rs")); }
    /// # use doc::*;
    /// # prints_with(|layer| {
    /// let layer = layer.with_identifiers(["tenant"]);
    /// # layer }, r#"{"timestamp":"2026-11-23T14:26:46.123456Z","level":"info","message":"ready","target":"shop","metadata":{"tenant":"acme"}}"#, || {
    /// tracing::info!(target: "shop", tenant = "acme", "ready");
    /// # });
    /// ```
    /// ```json
    /// {"timestamp":"2026-11-23T14:26:46.123456Z","level":"info","message":"ready","target":"shop","metadata":{"tenant":"acme"}}
    /// ```
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
    ///
    /// ```
    /// # mod doc { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/doc.rs")); }
    /// # use doc::*;
    /// # prints_with(|layer| {
    /// let layer = layer.with_spans(false);
    /// # layer }, r#"{"timestamp":"2026-11-23T14:26:46.123456Z","level":"info","message":"ready","target":"shop","metadata":{"request_id":"r-7"}}"#, || {
    /// let _span = tracing::info_span!("request", request_id = "r-7", path = "/").entered();
    /// tracing::info!(target: "shop", "ready");
    /// # });
    /// ```
    /// ```json
    /// {"timestamp":"2026-11-23T14:26:46.123456Z","level":"info","message":"ready","target":"shop","metadata":{"request_id":"r-7"}}
    /// ```
    pub fn with_spans(self, spans: bool) -> Self {
        self.set(|settings| settings.rules.span_fields = spans)
    }

    /// Adds a field that every line has, as `service` or `version`. A key of the schema's own gets
    /// `fields.` in front.
    ///
    /// ```
    /// # mod doc { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/doc.rs")); }
    /// # use doc::*;
    /// # prints_with(|layer| {
    /// let layer = layer.with_static_field("service", "shop");
    /// # layer }, r#"{"timestamp":"2026-11-23T14:26:46.123456Z","level":"info","message":"ready","target":"shop","service":"shop"}"#, || {
    /// tracing::info!(target: "shop", "ready");
    /// # });
    /// ```
    /// ```json
    /// {"timestamp":"2026-11-23T14:26:46.123456Z","level":"info","message":"ready","target":"shop","service":"shop"}
    /// ```
    pub fn with_static_field(self, key: impl Into<String>, value: impl Into<String>) -> Self {
        let field = (key.into(), value.into());
        self.set(|settings| {
            settings.statics.retain(|(key, _)| *key != field.0);
            settings.statics.push(field);
        })
    }

    /// Adds `file` and `line` of each event's place in the source.
    ///
    /// ```
    /// # use tracing_jsonl::{JsonLayer, Sink};
    /// let layer = JsonLayer::new(Sink::stdout()).with_source_location(true);
    /// ```
    /// ```json
    /// {…,"file":"src/main.rs","line":12,…}
    /// ```
    pub fn with_source_location(self, location: bool) -> Self {
        self.set(|settings| settings.location = location)
    }

    /// Adds `thread` (its name, if it has one) and `thread_id` (a number).
    ///
    /// ```
    /// # use tracing_jsonl::{JsonLayer, Sink};
    /// let layer = JsonLayer::new(Sink::stdout()).with_thread(true);
    /// ```
    /// ```json
    /// {…,"thread":"main","thread_id":1,…}
    /// ```
    pub fn with_thread(self, thread: bool) -> Self {
        self.set(|settings| settings.thread = thread)
    }

    /// Writes a line when a span closes, at the span's level, with `busy_ns` and `idle_ns`: the
    /// nanoseconds for which it was entered, and open besides.
    ///
    /// ```
    /// # use tracing_jsonl::{JsonLayer, Sink};
    /// let layer = JsonLayer::new(Sink::stdout()).with_span_close(true);
    /// ```
    /// ```json
    /// {…,"message":"span closed","target":"shop","fields":{"span":"query","busy_ns":48211,"idle_ns":1033},…}
    /// ```
    pub fn with_span_close(self, span_close: bool) -> Self {
        self.set(|settings| settings.span_close = span_close)
    }

    /// Sets the longest line in bytes, its newline not counted: 16,383 unless set, at least 512,
    /// 0 for no limit. Longer lines are cut, marked `"truncated":true` and counted.
    ///
    /// What is cut goes in this order, and no further than it must: the longest strings, down to 32
    /// bytes; `json(..)` values, to `null` and the beginning of their text; spans, fields and static
    /// fields (`removed` says how many); `encode_errors`; target, file and thread down to 64 bytes;
    /// the message and the identifiers, down to 64 bytes each. Time and level always stay.
    ///
    /// ```
    /// # use tracing_jsonl::{JsonLayer, Sink};
    /// let layer = JsonLayer::new(Sink::stdout()).with_max_line_bytes(512);
    /// ```
    /// ```json
    /// {…,"message":"received","target":"shop","fields":{"body":"xxxxxxxx…"},"truncated":true}
    /// ```
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
    ///
    /// ```
    /// # mod doc { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/doc.rs")); }
    /// # use doc::*;
    /// # prints_with(|layer| {
    /// let layer = layer.with_not_finite_as_text(true);
    /// # layer }, r#"{"timestamp":"2026-11-23T14:26:46.123456Z","level":"info","message":"computed","target":"shop","fields":{"ratio":"NaN"}}"#, || {
    /// tracing::info!(target: "shop", ratio = f64::NAN, "computed");
    /// # });
    /// ```
    /// ```json
    /// {"timestamp":"2026-11-23T14:26:46.123456Z","level":"info","message":"computed","target":"shop","fields":{"ratio":"NaN"}}
    /// ```
    pub fn with_not_finite_as_text(self, as_text: bool) -> Self {
        self.set(|settings| settings.rules.not_finite_as_text = as_text)
    }

    /// Sets the clock that timestamps are read from.
    ///
    /// ```
    /// # mod doc { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/doc.rs")); }
    /// # use doc::*;
    /// # prints_with(|layer| {
    /// let layer = layer.with_clock(|| std::time::UNIX_EPOCH);
    /// # layer }, r#"{"timestamp":"1970-01-01T00:00:00.000000Z","level":"info","message":"ready","target":"shop"}"#, || {
    /// tracing::info!(target: "shop", "ready");
    /// # });
    /// ```
    /// ```json
    /// {"timestamp":"1970-01-01T00:00:00.000000Z","level":"info","message":"ready","target":"shop"}
    /// ```
    pub fn with_clock(self, clock: fn() -> SystemTime) -> Self {
        self.set(|settings| settings.clock = clock)
    }

    /// Writes lines in a format of your own in place of the schema's.
    /// [`Encoder`] has an example.
    pub fn with_encoder(self, encoder: impl Encoder + 'static) -> Self {
        self.custom(Custom {
            encoder: Arc::new(encoder),
            json_fallback: false,
        })
    }

    /// The same, and where the encoder fails, the event's debug format is wrapped in a JSON object
    /// as its `message`.
    pub fn with_encoder_or_json(self, encoder: impl Encoder + 'static) -> Self {
        self.custom(Custom {
            encoder: Arc::new(encoder),
            json_fallback: true,
        })
    }

    /// Leaves events to another layer, and tells of the rest in another format.
    pub(crate) fn reports_only(self, custom: Custom) -> Self {
        self.set(|settings| settings.events = false).custom(custom)
    }

    pub(crate) fn custom(self, custom: Custom) -> Self {
        self.set(|settings| settings.custom = Some(custom))
    }

    /// Writes to the test harness, which shows the lines of failed tests only.
    ///
    /// ```
    /// # use tracing_jsonl::{JsonLayer, Sink};
    /// use tracing_subscriber::prelude::*;
    ///
    /// let layer = JsonLayer::new(Sink::stdout()).with_test_writer();
    /// let _guard = tracing_subscriber::registry().with(layer).set_default();
    /// ```
    pub fn with_test_writer(self) -> JsonLayer<TestWriter> {
        self.with_writer(TestWriter::new())
    }

    /// The same layer with another writer.
    ///
    /// ```
    /// # use tracing_jsonl::{JsonLayer, Sink};
    /// let layer = JsonLayer::new(Sink::stdout()).with_writer(std::io::stderr);
    /// ```
    pub fn with_writer<V>(self, make_writer: V) -> JsonLayer<V>
    where
        V: for<'a> MakeWriter<'a> + Send + Sync + 'static,
    {
        let core = &self.core;
        JsonLayer {
            core: Arc::new(Core {
                settings: core.settings.clone(),
                ready: OnceLock::new(),
                delivery: Delivery::new(make_writer),
                counters: Arc::clone(&core.counters),
                level: core.level.clone(),
                joined: Once::new(),
            }),
        }
    }

    /// Nobody else has the layer before it is ready, so that this always sets.
    fn set(mut self, set: impl FnOnce(&mut Settings)) -> Self {
        if let Some(core) = Arc::get_mut(&mut self.core) {
            set(&mut core.settings);
        }
        self
    }
}

impl Settings {
    pub(super) fn compile(&self) -> Ready {
        let rules = Arc::new(self.rules.clone());
        let mut layout = Layout::new(&self.schema, Arc::clone(&rules), &self.statics);
        layout.location = self.location;
        layout.thread = self.thread;
        layout.custom.clone_from(&self.custom);
        Ready {
            layout,
            view: Arc::new(View::new(rules, self.span_close)),
        }
    }
}
