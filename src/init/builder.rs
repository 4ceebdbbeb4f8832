//! Everything that can be set before logging starts.

use crate::encode::custom::{Custom, Encoder};
use crate::encode::schema::Schema;
use crate::error::Misconfiguration;
use crate::init::Output;
use crate::layer::MAX_LINE_BYTES;
use crate::metadata::IDENTIFIERS;
use crate::panic::Panics;
use crate::sink::Sink;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::fmt::{MakeWriter, TestWriter};

/// Settings of [`Logging`](crate::Logging), made by [`Logging::builder`](crate::Logging::builder).
#[must_use = "nothing is logged before `init`"]
pub struct Builder {
    /// Directives, and the setting that they come from.
    pub(super) level: (&'static str, String),
    pub(super) format: Format,
    pub(super) output: Output,
    pub(super) identifiers: Vec<String>,
    pub(super) statics: Vec<(String, String)>,
    pub(super) spans: bool,
    pub(super) source_location: bool,
    pub(super) thread: bool,
    pub(super) span_close: bool,
    pub(super) admit_identifier_spans: bool,
    pub(super) not_finite_as_text: bool,
    pub(super) max_line_bytes: usize,
    /// `None` leaves a sink its own.
    #[allow(clippy::option_option)]
    pub(super) stall: Option<Option<Duration>>,
    pub(super) signals: bool,
    pub(super) debug_level: (&'static str, String),
    pub(super) debug_ttl: Duration,
    pub(super) panics: Panics,
    pub(super) log_bridge: bool,
    pub(super) misconfigured: Vec<Misconfiguration>,
}

pub(super) enum Format {
    Json(Schema),
    Custom(Custom),
    Text,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            level: ("level", "info".to_owned()),
            format: Format::Json(Schema::default()),
            output: Output::Sink(Sink::stdout()),
            identifiers: IDENTIFIERS.map(str::to_owned).to_vec(),
            statics: Vec::new(),
            spans: true,
            source_location: false,
            thread: false,
            span_close: false,
            admit_identifier_spans: false,
            not_finite_as_text: false,
            max_line_bytes: MAX_LINE_BYTES,
            stall: None,
            signals: true,
            debug_level: ("debug_level", "debug".to_owned()),
            debug_ttl: Duration::from_secs(600),
            panics: Panics::default(),
            log_bridge: true,
            misconfigured: Vec::new(),
        }
    }

    /// Sets the configured [directives](crate::LevelHandle): `info` unless set.
    ///
    /// ```no_run
    /// let logging = tracing_jsonl::Logging::builder().level("warn,shop=info").init();
    /// ```
    pub fn level(mut self, directives: impl Into<String>) -> Self {
        self.level = ("level", directives.into());
        self
    }

    /// Sets the layout of the line.
    ///
    /// ```no_run
    /// let logging = tracing_jsonl::Logging::builder().schema(tracing_jsonl::Schema::flat()).init();
    /// ```
    pub fn schema(mut self, schema: Schema) -> Self {
        self.format = Format::Json(schema);
        self
    }

    /// Writes lines in a format of your own; where it fails, the event's debug format stands in.
    ///
    /// [`Encoder`] has an example.
    pub fn encoder(mut self, encoder: impl Encoder + 'static) -> Self {
        self.format = Format::Custom(Custom {
            encoder: Arc::new(encoder),
            json_fallback: false,
        });
        self
    }

    /// The same, and where it fails, a JSON object with that debug format as its `message`.
    ///
    /// [`Encoder`] has an example.
    pub fn encoder_or_json(mut self, encoder: impl Encoder + 'static) -> Self {
        self.format = Format::Custom(Custom {
            encoder: Arc::new(encoder),
            json_fallback: true,
        });
        self
    }

    /// Sets where lines go: standard output unless set.
    ///
    /// ```no_run
    /// let logging = tracing_jsonl::Logging::builder().sink(tracing_jsonl::Sink::stderr()).init();
    /// ```
    pub fn sink(mut self, sink: Sink) -> Self {
        self.output = Output::Sink(sink);
        self
    }

    /// Sends lines to any `MakeWriter`.
    ///
    /// ```no_run
    /// let logging = tracing_jsonl::Logging::builder().writer(std::io::stderr).init();
    /// ```
    pub fn writer<W>(mut self, make_writer: W) -> Self
    where
        W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
    {
        self.output = Output::Custom(BoxMakeWriter::new(make_writer));
        self
    }

    /// Writes to the test harness, which shows the lines of failed tests only.
    ///
    /// ```no_run
    /// let _ = tracing_jsonl::Logging::builder().with_test_writer().try_init();
    /// ```
    pub fn with_test_writer(self) -> Self {
        self.writer(TestWriter::new())
    }

    /// Sets which fields are identifiers, in the order in which they are written.
    ///
    /// ```no_run
    /// let logging = tracing_jsonl::Logging::builder().identifiers(["request_id", "tenant"]).init();
    /// ```
    pub fn identifiers<I>(mut self, identifiers: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.identifiers = identifiers.into_iter().map(Into::into).collect();
        self
    }

    /// Adds a field that every line has.
    ///
    /// ```no_run
    /// let logging = tracing_jsonl::Logging::builder().static_field("service", "shop").init();
    /// ```
    pub fn static_field(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.statics.push((key.into(), value.into()));
        self
    }

    /// Sets whether lines carry the spans around an event.
    ///
    /// ```no_run
    /// let logging = tracing_jsonl::Logging::builder().spans(false).init();
    /// ```
    pub fn spans(mut self, spans: bool) -> Self {
        self.spans = spans;
        self
    }

    /// Adds `file` and `line` of each event's place in the source.
    ///
    /// ```no_run
    /// let logging = tracing_jsonl::Logging::builder().source_location(true).init();
    /// ```
    pub fn source_location(mut self, location: bool) -> Self {
        self.source_location = location;
        self
    }

    /// Adds `thread` (its name) and `thread_id`.
    ///
    /// ```no_run
    /// let logging = tracing_jsonl::Logging::builder().thread(true).init();
    /// ```
    pub fn thread(mut self, thread: bool) -> Self {
        self.thread = thread;
        self
    }

    /// Writes a line when a span closes, with its busy and idle nanoseconds.
    ///
    /// ```no_run
    /// let logging = tracing_jsonl::Logging::builder().span_close(true).init();
    /// ```
    pub fn span_close(mut self, span_close: bool) -> Self {
        self.span_close = span_close;
        self
    }

    /// Admits spans that declare an identifier at any level; see
    /// [`EventFilter::admit_identifier_spans`](crate::EventFilter::admit_identifier_spans).
    ///
    /// ```no_run
    /// let logging = tracing_jsonl::Logging::builder().admit_identifier_spans(true).init();
    /// ```
    pub fn admit_identifier_spans(mut self, admit: bool) -> Self {
        self.admit_identifier_spans = admit;
        self
    }

    /// Writes NaN and the infinities as strings, in place of `null` with the text in
    /// `encode_errors`.
    ///
    /// ```no_run
    /// let logging = tracing_jsonl::Logging::builder().not_finite_as_text(true).init();
    /// ```
    pub fn not_finite_as_text(mut self, as_text: bool) -> Self {
        self.not_finite_as_text = as_text;
        self
    }

    /// Sets the longest line in bytes: 16,383 unless set, at least 512, 0 for no limit.
    ///
    /// ```no_run
    /// let logging = tracing_jsonl::Logging::builder().max_line_bytes(8_191).init();
    /// ```
    pub fn max_line_bytes(mut self, bytes: usize) -> Self {
        self.set_max_line_bytes("max_line_bytes", &bytes.to_string());
        self
    }

    /// Sets how long a sink without room may hold up log calls in one episode: one second unless
    /// set, `None` for ever.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// let logging = tracing_jsonl::Logging::builder().stall(Duration::from_millis(50)).init();
    /// ```
    pub fn stall(mut self, stall: impl Into<Option<Duration>>) -> Self {
        self.stall = Some(stall.into());
        self
    }

    /// Sets whether `SIGUSR1` and `SIGUSR2` change the level, and `SIGXFSZ` (a file at its size
    /// limit) is survived; they do and it is unless told otherwise, where there are such signals and
    /// the feature `signal` is on.
    ///
    /// ```no_run
    /// let logging = tracing_jsonl::Logging::builder().signals(false).init();
    /// ```
    pub fn signals(mut self, signals: bool) -> Self {
        self.signals = signals;
        self
    }

    /// Sets the directives of `SIGUSR1`: `debug` unless set.
    ///
    /// ```no_run
    /// let logging = tracing_jsonl::Logging::builder().debug_level("shop=trace").init();
    /// ```
    pub fn debug_level(mut self, directives: impl Into<String>) -> Self {
        self.debug_level = ("debug_level", directives.into());
        self
    }

    /// Sets for how long `SIGUSR1` holds: ten minutes unless set, zero for until reset.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// let logging = tracing_jsonl::Logging::builder().debug_ttl(Duration::from_secs(60)).init();
    /// ```
    pub fn debug_ttl(mut self, ttl: Duration) -> Self {
        self.debug_ttl = ttl;
        self
    }

    /// Sets what becomes of panics: a line each, unless told otherwise.
    ///
    /// ```no_run
    /// let logging = tracing_jsonl::Logging::builder().panics(tracing_jsonl::Panics::Chain).init();
    /// ```
    pub fn panics(mut self, panics: Panics) -> Self {
        self.panics = panics;
        self
    }

    /// Sets whether records of the `log` crate become lines; they do unless told otherwise.
    ///
    /// ```no_run
    /// let logging = tracing_jsonl::Logging::builder().log_bridge(false).init();
    /// ```
    pub fn log_bridge(mut self, log_bridge: bool) -> Self {
        self.log_bridge = log_bridge;
        self
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("level", &self.level.1)
            .finish_non_exhaustive()
    }
}
