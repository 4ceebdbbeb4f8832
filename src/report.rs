//! Lines about logging itself. They never go through `tracing`: a report about a field must not
//! log that field.

use crate::encode::Head;
use crate::encode::fields::{Fields, Role};
use crate::encode::timestamp::{Clock, Precision};
use crate::stats::Stats;
use std::time::SystemTime;
use tracing_core::Level;

/// A layer, to those who write lines of their own to its sink.
pub(crate) trait Report: Send + Sync {
    /// Writes one line outside all filters.
    fn report(&self, fill: &mut dyn FnMut(&mut ReportLine));

    /// The same, with the identifiers and spans of the scope this thread is in.
    fn report_in_scope(&self, fill: &mut dyn FnMut(&mut ReportLine));

    /// Writes a line that is encoded already, a newline before and after it.
    fn write_line(&self, line: &[u8]);

    fn flush(&self);

    fn stats(&self) -> Stats;
}

/// A line being told.
pub(crate) struct ReportLine {
    pub(crate) level: Level,
    pub(crate) target: &'static str,
    pub(crate) fields: Fields,
}

impl Default for ReportLine {
    fn default() -> Self {
        Self {
            level: Level::INFO,
            target: "tracing_jsonl",
            fields: Fields::default(),
        }
    }
}

impl ReportLine {
    pub(crate) fn head(&self) -> Head<'static> {
        Head {
            level: self.level,
            target: self.target,
            file: None,
            line: None,
        }
    }

    pub(crate) fn say(&mut self, level: Level, message: &str) {
        self.level = level;
        self.fields.text(Role::Message, "message", message);
    }

    pub(crate) fn text(&mut self, key: &str, text: &str) {
        self.fields.text(Role::Field, key, text);
    }

    pub(crate) fn number(&mut self, key: &str, number: u64) {
        self.fields.number(key, number);
    }

    pub(crate) fn time(&mut self, key: &str, time: SystemTime) {
        let mut text = Vec::new();
        Clock::default().write(&mut text, time, Precision::Micros);
        self.text(key, &String::from_utf8_lossy(&text));
    }
}
