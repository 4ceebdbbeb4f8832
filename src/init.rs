//! Putting it together: the subscriber, the `log` bridge, the panic hook and the admin signals.

mod builder;
mod environment;
mod output;
mod text;

use crate::error::{InitError, Misconfiguration};
use crate::init::builder::Format;
use crate::layer::JsonLayer;
use crate::level::directives::{Directives, Reading};
use crate::level::{LevelHandle, Signals};
use crate::report::Report;
use crate::stats::Stats;
use std::fmt;
use std::sync::Arc;
use tracing_core::callsite::rebuild_interest_cache;
use tracing_core::{Dispatch, Level, LevelFilter, dispatcher};
use tracing_subscriber::layer::SubscriberExt;

pub use crate::init::builder::Builder;
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
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// The level, to be read and changed while the service runs.
    ///
    /// ```no_run
    /// # let logging = tracing_jsonl::init_json_logging();
    /// assert_eq!(logging.level().current(), "info");
    /// ```
    pub fn level(&self) -> &LevelHandle {
        &self.level
    }

    /// What became of the lines so far.
    ///
    /// ```no_run
    /// # let logging = tracing_jsonl::init_json_logging();
    /// let lost = logging.stats().dropped + logging.stats().failed;
    /// ```
    pub fn stats(&self) -> Stats {
        self.report.stats()
    }

    /// Passes on what the writer holds back. A [`Sink`](crate::Sink) holds nothing back; a writer
    /// of your own might. Never fails: a stream that cannot be flushed has nothing to flush.
    ///
    /// ```no_run
    /// # let logging = tracing_jsonl::init_json_logging();
    /// logging.flush();
    /// ```
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

impl Builder {
    /// Starts logging for the whole process. What cannot be used is warned of in a line, and its
    /// default holds.
    ///
    /// # Panics
    ///
    /// If another global `tracing` subscriber is installed already; it stays as it was.
    ///
    /// ```no_run
    /// let logging = tracing_jsonl::Logging::builder().from_env().init();
    /// ```
    pub fn init(self) -> Logging {
        match self.start(false) {
            Ok(logging) => logging,
            Err(error) => panic!("tracing-jsonl cannot start: {error}"),
        }
    }

    /// Starts logging for the whole process, or says what is wrong and installs nothing. A signal
    /// handler that the system refuses after that is a line at `warn`.
    ///
    /// # Errors
    ///
    /// Another global subscriber, settings that cannot be used, or signals that cannot be handled.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), tracing_jsonl::InitError> {
    /// let logging = tracing_jsonl::Logging::builder().from_env().try_init()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_init(self) -> Result<Logging, InitError> {
        self.start(true)
    }

    fn start(mut self, strict: bool) -> Result<Logging, InitError> {
        let level = self.level_handle();
        let debug_level = self.checked_debug_level(&level);
        let misconfigured = std::mem::take(&mut self.misconfigured);
        if strict && !misconfigured.is_empty() {
            return Err(InitError::misconfigured(misconfigured));
        }
        let (log_bridge, panics) = (self.log_bridge, self.panics);
        let signals = self
            .signals
            .then(|| Signals::prepare(&level, &debug_level, self.debug_ttl));
        let signals = match signals.transpose() {
            Err(error) if strict => return Err(InitError::signals(error)),
            signals => signals,
        };
        let report = self.install(&level)?;
        let logging = Logging { level, report };
        for one in &misconfigured {
            logging.warn(one);
        }
        crate::panic::install(Arc::clone(&logging.report), panics);
        logging.connect_log(log_bridge);
        if let Err(error) = signals.and_then(|signals| signals.map_or(Ok(()), Signals::handle)) {
            logging.report.report(&mut |line| {
                line.say(Level::WARN, "the admin signals cannot be handled");
                line.text("error", &error.to_string());
            });
        }
        Ok(logging)
    }

    /// Makes the global subscriber.
    fn install(self, level: &LevelHandle) -> Result<Arc<dyn Report>, InitError> {
        let output = match self.output {
            Output::Sink(sink) => Output::Sink(match self.stall {
                Some(stall) => sink.with_stall(stall),
                None => sink,
            }),
            custom @ Output::Custom(_) => custom,
        };
        let mut layer = JsonLayer::new(output)
            .with_identifiers(self.identifiers)
            .with_spans(self.spans)
            .with_source_location(self.source_location)
            .with_thread(self.thread)
            .with_span_close(self.span_close)
            .with_max_line_bytes(self.max_line_bytes)
            .with_not_finite_as_text(self.not_finite_as_text)
            .with_level(level);
        for (key, value) in self.statics {
            layer = layer.with_static_field(key, value);
        }
        let is_text = matches!(self.format, Format::Text);
        layer = match self.format {
            Format::Json(schema) => layer.with_schema(schema),
            Format::Custom(custom) => layer.custom(custom),
            Format::Text => layer.reports_only(text::reports()),
        };
        let report = layer.reporter();
        let filter = level
            .filter()
            .admit_identifier_spans(self.admit_identifier_spans)
            .sharing(layer.view());
        let subscriber = tracing_subscriber::registry().with(filter);
        let dispatch = if is_text {
            Dispatch::new(subscriber.with(text::events(&report)).with(layer))
        } else {
            Dispatch::new(subscriber.with(layer))
        };
        if dispatcher::set_global_default(dispatch).is_err() {
            // Ours is gone again: nobody shall be asked for what only it wanted.
            rebuild_interest_cache();
            return Err(InitError::already_set());
        }
        Ok(report)
    }

    fn level_handle(&mut self) -> LevelHandle {
        let (setting, text) = self.level.clone();
        let identifiers = self.identifiers.clone();
        let reading = Reading {
            identifiers: &identifiers,
            base: LevelFilter::INFO,
            words_are_targets: false,
        };
        let (mut directives, errors) = if setting == "RUST_LOG" {
            // Its syntax is not ours: what we know of it holds.
            Directives::parse_known(&text, reading.of_rust_log())
        } else {
            Directives::parse_known(&text, reading)
        };
        if !errors.is_empty() && setting != "RUST_LOG" {
            (directives, _) = Directives::parse_known("info", reading);
        }
        for error in &errors {
            self.refuse_directive(setting, &text, error);
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

    fn connect_log(&self, log_bridge: bool) {
        if !log_bridge {
            return;
        }
        if crate::log_bridge::install() {
            self.level.lead_log();
        } else {
            self.report.report(&mut |line| {
                let message = "another logger is installed for the `log` crate: \
                               its records do not come here";
                line.say(Level::WARN, message);
            });
        }
    }
}
