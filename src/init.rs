//! Putting it together: the subscriber, the `log` bridge, the panic hook and the admin signals.

mod environment;
mod output;
mod text;

use crate::encode::custom::{Custom, Encoder};
use crate::encode::schema::Schema;
use crate::error::{InitError, Misconfiguration};
use crate::layer::{JsonLayer, MAX_LINE_BYTES};
use crate::level::LevelHandle;
use crate::level::directives::{Directives, Reading};
use crate::metadata::IDENTIFIERS;
use crate::panic::Panics;
use crate::report::Report;
use crate::sink::{STALL, Sink};
use crate::stats::Stats;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tracing_core::{Dispatch, Level, LevelFilter, dispatcher};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::SubscriberExt;

pub(crate) use crate::init::output::Output;

/// Starts JSON logging for the whole process, as the [environment](Builder::from_env) says.
///
/// From here on every `tracing` event and every record of the `log` crate is one line, panics are
/// lines, and `SIGUSR1` and `SIGUSR2` change the level. Nothing has to be kept alive.
///
/// A variable that cannot be used never stops the service: its default holds, and a line at `warn`
/// says which, what is wrong with it and what is accepted.
///
/// ```no_run
/// let _logging = tracing_jsonl::init_json_logging();
/// tracing::info!(request_id = "r-7", user_id = 42, order_id = 17, "order placed");
/// ```
/// ```json
/// {"timestamp":"2026-11-23T14:26:46.123456Z","level":"info","message":"order placed","target":"shop","metadata":{"request_id":"r-7","user_id":"42"},"fields":{"order_id":17}}
/// ```
///
/// # Panics
///
/// If another global `tracing` subscriber is installed already; it stays as it was.
pub fn init_json_logging() -> Logging {
    Logging::builder().from_env().init()
}

/// The strict [`init_json_logging`]: what is wrong is returned, and nothing is installed then.
///
/// ```no_run
/// # fn main() -> Result<(), tracing_jsonl::InitError> {
/// let _logging = tracing_jsonl::try_init_json_logging()?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Another global subscriber, variables that cannot be used, or signals that cannot be handled.
pub fn try_init_json_logging() -> Result<Logging, InitError> {
    Logging::builder().from_env().try_init()
}

/// A service's logging: its level, its counters. Clones are the same; dropping it changes nothing.
#[derive(Clone)]
pub struct Logging {
    level: LevelHandle,
    report: Arc<dyn Report>,
}

impl Logging {
    /// Everything that [`init_json_logging`] sets up, set in code.
    ///
    /// ```no_run
    /// use tracing_jsonl::{Logging, Schema};
    ///
    /// let logging = Logging::builder()
    ///     .level("info,hyper=warn")
    ///     .schema(Schema::flat())
    ///     .static_field("service", "shop")
    ///     .init();
    /// ```
    #[must_use]
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// The level, to be read and changed while the service runs.
    #[must_use]
    pub fn level(&self) -> &LevelHandle {
        &self.level
    }

    /// What became of the lines so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.report.stats()
    }

    /// Passes on what the writer holds back. A [`Sink`] holds nothing back; a writer of your own
    /// might. Never fails: a stream that cannot be flushed has nothing to flush.
    pub fn flush(&self) {
        self.report.flush();
    }
}

impl fmt::Debug for Logging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logging")
            .field("level", &self.level)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

/// Settings of [`Logging`], made by [`Logging::builder`].
#[must_use = "nothing is logged before `init`"]
pub struct Builder {
    /// Directives, and the setting that they come from.
    level: (&'static str, String),
    format: Format,
    output: Output,
    identifiers: Vec<String>,
    statics: Vec<(String, String)>,
    spans: bool,
    source_location: bool,
    thread: bool,
    span_close: bool,
    admit_identifier_spans: bool,
    max_line_bytes: usize,
    stall: Option<Duration>,
    signals: bool,
    debug_level: (&'static str, String),
    debug_ttl: Duration,
    panics: Panics,
    log_bridge: bool,
    misconfigured: Vec<Misconfiguration>,
}

enum Format {
    Json(Schema),
    Custom(Custom),
    Text,
}

impl Builder {
    fn new() -> Self {
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
            max_line_bytes: MAX_LINE_BYTES,
            stall: Some(STALL),
            signals: true,
            debug_level: ("debug_level", "debug".to_owned()),
            debug_ttl: Duration::from_secs(600),
            panics: Panics::default(),
            log_bridge: true,
            misconfigured: Vec::new(),
        }
    }

    /// Sets the configured [directives](LevelHandle): `info` unless set.
    pub fn level(mut self, directives: impl Into<String>) -> Self {
        self.level = ("level", directives.into());
        self
    }

    /// Sets the layout of the line.
    pub fn schema(mut self, schema: Schema) -> Self {
        self.format = Format::Json(schema);
        self
    }

    /// Writes lines in a format of your own; where it fails, the event's debug format stands in.
    pub fn encoder(mut self, encoder: impl Encoder + 'static) -> Self {
        self.format = Format::Custom(Custom {
            encoder: Box::new(encoder),
            json_fallback: false,
        });
        self
    }

    /// Sets where lines go: standard output unless set.
    pub fn sink(mut self, sink: Sink) -> Self {
        self.output = Output::Sink(sink);
        self
    }

    /// Sends lines to any `MakeWriter`.
    pub fn writer<W>(mut self, make_writer: W) -> Self
    where
        W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
    {
        self.output = Output::Custom(BoxMakeWriter::new(make_writer));
        self
    }

    /// Writes to the test harness, which shows the lines of failed tests only.
    pub fn with_test_writer(self) -> Self {
        self.writer(tracing_subscriber::fmt::TestWriter::new())
    }

    /// Sets which fields are identifiers, in the order in which they are written.
    pub fn identifiers<I>(mut self, identifiers: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.identifiers = identifiers.into_iter().map(Into::into).collect();
        self
    }

    /// Adds a field that every line has.
    pub fn static_field(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.statics.push((key.into(), value.into()));
        self
    }

    /// Sets whether lines carry the spans around an event.
    pub fn spans(mut self, spans: bool) -> Self {
        self.spans = spans;
        self
    }

    /// Adds `file` and `line` of each event's place in the source.
    pub fn source_location(mut self, location: bool) -> Self {
        self.source_location = location;
        self
    }

    /// Adds `thread` (its name) and `thread_id`.
    pub fn thread(mut self, thread: bool) -> Self {
        self.thread = thread;
        self
    }

    /// Writes a line when a span closes, with its busy and idle nanoseconds.
    pub fn span_close(mut self, span_close: bool) -> Self {
        self.span_close = span_close;
        self
    }

    /// Admits spans that declare an identifier at any level; see
    /// [`EventFilter::admit_identifier_spans`](crate::EventFilter::admit_identifier_spans).
    pub fn admit_identifier_spans(mut self, admit: bool) -> Self {
        self.admit_identifier_spans = admit;
        self
    }

    /// Sets the longest line in bytes: 16,383 unless set, at least 512, 0 for no limit.
    pub fn max_line_bytes(mut self, bytes: usize) -> Self {
        self.max_line_bytes = bytes;
        self
    }

    /// Sets how long a sink without room may hold up log calls in one episode: one second unless
    /// set, `None` for ever.
    pub fn stall(mut self, stall: impl Into<Option<Duration>>) -> Self {
        self.stall = stall.into();
        self
    }

    /// Sets whether `SIGUSR1` and `SIGUSR2` change the level; they do unless told otherwise, where
    /// there are such signals and the feature `signal` is on.
    pub fn signals(mut self, signals: bool) -> Self {
        self.signals = signals;
        self
    }

    /// Sets the directives of `SIGUSR1`: `debug` unless set.
    pub fn debug_level(mut self, directives: impl Into<String>) -> Self {
        self.debug_level = ("debug_level", directives.into());
        self
    }

    /// Sets for how long `SIGUSR1` holds: ten minutes unless set, zero for until reset.
    pub fn debug_ttl(mut self, ttl: Duration) -> Self {
        self.debug_ttl = ttl;
        self
    }

    /// Sets what becomes of panics: a line each, unless told otherwise.
    pub fn panics(mut self, panics: Panics) -> Self {
        self.panics = panics;
        self
    }

    /// Sets whether records of the `log` crate become lines; they do unless told otherwise.
    pub fn log_bridge(mut self, log_bridge: bool) -> Self {
        self.log_bridge = log_bridge;
        self
    }

    /// Starts logging for the whole process. What cannot be used is warned of in a line, and its
    /// default holds.
    ///
    /// # Panics
    ///
    /// If another global `tracing` subscriber is installed already; it stays as it was.
    pub fn init(self) -> Logging {
        match self.start(false) {
            Ok(logging) => logging,
            Err(error) => panic!("tracing-jsonl cannot start: {error}"),
        }
    }

    /// Starts logging for the whole process, or says what is wrong and installs nothing.
    ///
    /// # Errors
    ///
    /// Another global subscriber, settings that cannot be used, or signals that cannot be handled.
    pub fn try_init(self) -> Result<Logging, InitError> {
        self.start(true)
    }

    fn start(mut self, strict: bool) -> Result<Logging, InitError> {
        let level = self.level_handle();
        let debug_level = self.checked_debug_level(&level);
        if strict && !self.misconfigured.is_empty() {
            return Err(InitError::misconfigured(self.misconfigured));
        }
        let output = match self.output {
            Output::Sink(sink) => Output::Sink(sink.with_stall(self.stall)),
            output => output,
        };
        let mut layer = JsonLayer::new(output)
            .with_identifiers(self.identifiers)
            .with_spans(self.spans)
            .with_source_location(self.source_location)
            .with_thread(self.thread)
            .with_span_close(self.span_close)
            .with_max_line_bytes(self.max_line_bytes)
            .with_level(&level);
        for (key, value) in self.statics {
            layer = layer.with_static_field(key, value);
        }
        let filter = level
            .filter()
            .admit_identifier_spans(self.admit_identifier_spans);
        let subscriber = tracing_subscriber::registry().with(filter);
        let (report, dispatch) = match self.format {
            Format::Json(schema) => {
                let layer = layer.with_schema(schema);
                (layer.reporter(), Dispatch::new(subscriber.with(layer)))
            }
            Format::Custom(custom) => {
                let layer = layer.custom(custom);
                (layer.reporter(), Dispatch::new(subscriber.with(layer)))
            }
            Format::Text => text::compose(subscriber, layer, &level),
        };
        dispatcher::set_global_default(dispatch).map_err(|_| InitError::already_set())?;
        let logging = Logging { level, report };
        for misconfigured in &self.misconfigured {
            logging.warn(misconfigured);
        }
        logging.connect(self.log_bridge, self.panics);
        if self.signals {
            logging.handle_signals(&debug_level, self.debug_ttl, strict)?;
        }
        Ok(logging)
    }

    fn level_handle(&mut self) -> LevelHandle {
        let (setting, text) = self.level.clone();
        let identifiers = self.identifiers.clone();
        let reading = Reading {
            identifiers: &identifiers,
            base: LevelFilter::INFO,
            words_are_targets: false,
        };
        let (mut directives, error) = if setting == "RUST_LOG" {
            // Its syntax is not ours: what we know of it holds.
            Directives::parse_known(&text, reading.of_rust_log())
        } else {
            Directives::parse_known(&text, reading)
        };
        if let Some(error) = error {
            self.refuse_directive(setting, &text, &error);
            if setting != "RUST_LOG" {
                (directives, _) = Directives::parse_known("info", reading);
            }
        }
        LevelHandle::configured(directives, identifiers)
    }

    fn checked_debug_level(&mut self, level: &LevelHandle) -> String {
        let (setting, text) = self.debug_level.clone();
        match level.check(&text) {
            Ok(()) => text,
            Err(error) => {
                self.refuse_directive(setting, &text, &error);
                "debug".to_owned()
            }
        }
    }
}

impl Logging {
    fn warn(&self, misconfigured: &Misconfiguration) {
        self.report.report(&mut |line| {
            line.say(Level::WARN, "a setting cannot be used, its default holds");
            line.text("setting", misconfigured.setting());
            line.text("value", misconfigured.value());
            line.text("problem", misconfigured.problem());
            line.text("accepted", misconfigured.accepted());
        });
    }

    fn connect(&self, log_bridge: bool, panics: Panics) {
        crate::panic::install(Arc::clone(&self.report), panics);
        if log_bridge {
            if crate::log_bridge::install() {
                self.level.follow_in_log();
            } else {
                self.report.report(&mut |line| {
                    let message = "another logger is installed for the `log` crate: \
                                   its records do not come here";
                    line.say(Level::WARN, message);
                });
            }
        }
    }

    #[cfg(all(unix, feature = "signal"))]
    fn handle_signals(&self, level: &str, ttl: Duration, strict: bool) -> Result<(), InitError> {
        match self.level.handle_signals(level, ttl) {
            Err(error) if strict => Err(InitError::signals(error)),
            Err(error) => {
                self.report.report(&mut |line| {
                    line.say(Level::WARN, "the admin signals cannot be handled");
                    line.text("error", &error.to_string());
                });
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    #[cfg(not(all(unix, feature = "signal")))]
    fn handle_signals(&self, _level: &str, _ttl: Duration, _strict: bool) -> Result<(), InitError> {
        Ok(())
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("level", &self.level.1)
            .finish_non_exhaustive()
    }
}
