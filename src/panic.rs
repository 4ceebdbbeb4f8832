//! Panics as lines: plain text in a stream of JSON lines is lost or breaks the reader.

use crate::encode::guard::is_guarded;
use crate::report::Report;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{self, PanicHookInfo};
use std::sync::Arc;
use std::thread;
use tracing_core::Level;

/// What becomes of panics, and of the panic hook that was there before.
///
/// ```no_run
/// use tracing_jsonl::{Logging, Panics};
/// let logging = Logging::builder().panics(Panics::Replace).init();
/// let order: Option<u32> = None;
/// order.expect("an order");
/// ```
/// ```json
/// {"timestamp":"2026-11-23T14:26:46.123456Z","level":"error","message":"panicked: an order","target":"panic","fields":{"location":"src/main.rs:5:7","thread":"main"}}
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Panics {
    /// Ours takes its place: one line per panic, and no text on standard error.
    #[default]
    Replace,
    /// Ours writes its line, then the other hook runs.
    Chain,
    /// Ours is not installed.
    Off,
}

/// Installs a hook that writes one line per panic. How the process ends stays as it was.
pub(crate) fn install(report: Arc<dyn Report>, panics: Panics) {
    let previous = match panics {
        Panics::Off => return,
        Panics::Replace => None,
        Panics::Chain => Some(panic::take_hook()),
    };
    panic::set_hook(Box::new(move |info| {
        // In a field's `Debug` it is data for the line being written, and the writer may be ours.
        if is_guarded() {
            return;
        }
        write(&*report, info);
        if let Some(previous) = &previous {
            previous(info);
        }
    }));
}

fn write(report: &dyn Report, info: &PanicHookInfo<'_>) {
    let payload = info.payload();
    let text = match payload.downcast_ref::<String>() {
        Some(text) => text.as_str(),
        None => payload
            .downcast_ref::<&str>()
            .copied()
            .unwrap_or("(not text)"),
    };
    let message = format!("panicked: {text}");
    // Captured if `RUST_BACKTRACE` or `RUST_LIB_BACKTRACE` asks for it.
    let backtrace = Backtrace::capture();
    report.report_in_scope(&mut |line| {
        line.target = "panic";
        line.say(Level::ERROR, &message);
        if let Some(location) = info.location() {
            line.text("location", &location.to_string());
        }
        line.text("thread", thread::current().name().unwrap_or("unnamed"));
        if backtrace.status() == BacktraceStatus::Captured {
            line.text("backtrace", &backtrace.to_string());
        }
    });
    report.flush();
}
