//! The price of admitting spans at any level is not paid by the `log` crate.

mod support;

use support::Capture;
use tracing_jsonl::{Logging, Panics};

#[test]
fn the_log_crate_follows_events_where_identifier_spans_are_admitted_at_any_level() {
    let capture = Capture::default();
    let logging = Logging::builder()
        .writer(capture.clone())
        .signals(false)
        .panics(Panics::Off)
        .admit_identifier_spans(true)
        .init();
    assert_eq!(log::max_level(), log::LevelFilter::Info);
    logging.level().set("warn").unwrap();
    assert_eq!(log::max_level(), log::LevelFilter::Warn);
    let _span = tracing::trace_span!("request", request_id = "r-7").entered();
    log::info!("hidden");
    log::warn!("shown");
    let lines = capture.lines();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[1]["message"], "shown");
    assert_eq!(lines[1]["metadata"]["request_id"], "r-7");
}
