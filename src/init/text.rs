//! `LOG_FORMAT=text`: readable lines for a terminal, by `tracing-subscriber`'s own formatter. The
//! sink, its counters and the lines about logging itself are ours here too; the promises about
//! hostile fields are not, since the formatter is not.

use crate::encode::custom::{Custom, Encoder, LogEvent};
use crate::report::Report;
use std::error::Error;
use std::fmt::Write as _;
use std::io;
use std::sync::Arc;
use tracing_core::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::registry::LookupSpan;

/// The layer that writes events, to the sink of `report`.
pub(crate) fn events<S>(report: &Arc<dyn Report>) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .log_internal_errors(false)
        .with_writer(TextSink(Arc::clone(report)))
}

/// How the layer beside it tells of all else.
pub(crate) fn reports() -> Custom {
    Custom {
        encoder: Arc::new(ReportText),
        json_fallback: false,
    }
}

struct ReportText;

impl Encoder for ReportText {
    fn encode(
        &self,
        event: &LogEvent,
        line: &mut String,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        let (time, level) = (&event.timestamp, event.level);
        write!(
            line,
            "{time} {level:>5} {}: {:?}",
            event.target, event.message
        )?;
        for (key, value) in &event.metadata {
            write!(line, " {key}={value:?}")?;
        }
        for (key, value) in &event.fields {
            write!(line, " {key}={value}")?;
        }
        Ok(())
    }
}

struct TextSink(Arc<dyn Report>);

/// The formatter writes each event at once.
struct TextLine<'a>(&'a dyn Report);

impl<'a> MakeWriter<'a> for TextSink {
    type Writer = TextLine<'a>;

    fn make_writer(&'a self) -> TextLine<'a> {
        TextLine(&*self.0)
    }
}

impl io::Write for TextLine<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut line = Vec::with_capacity(bytes.len() + 1);
        line.push(b'\n');
        line.extend_from_slice(bytes);
        self.0.write_line(&line);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
