//! Records of the `log` crate that come through `tracing-log`'s own tracer.
#![allow(clippy::unwrap_used)]

mod support;

use support::Capture;
use tracing_jsonl::JsonLayer;
use tracing_subscriber::prelude::*;

#[test]
fn a_record_of_another_bridge_has_its_real_target_and_no_fields_of_the_bridge() {
    let capture = Capture::default();
    let layer = JsonLayer::new(capture.clone()).with_source_location(true);
    let subscriber = tracing_subscriber::registry().with(layer);
    tracing::subscriber::set_global_default(subscriber).unwrap();
    tracing_log::LogTracer::init().unwrap();
    let _span = tracing::info_span!("s", request_id = "r-1").entered();
    log::warn!(target: "real::target", "hello {}", 1);
    log::info!("here");
    let lines = capture.lines();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["level"], "warn");
    assert_eq!(lines[0]["target"], "real::target");
    assert_eq!(lines[0]["message"], "hello 1");
    assert_eq!(lines[0]["metadata"]["request_id"], "r-1");
    assert!(
        lines[0]["file"]
            .as_str()
            .unwrap()
            .ends_with("log_tracer.rs")
    );
    assert!(lines[0]["line"].is_u64());
    assert_eq!(lines[1]["target"], "log_tracer");
    for line in lines {
        assert_eq!(line.get("fields"), None);
        assert!(!line.to_string().contains("log."), "{line}");
    }
}
