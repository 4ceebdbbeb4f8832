//! What our own types say of themselves: errors say what was wrong, where and what is accepted, and
//! debug formats show the state.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::error::Error;
use tracing_jsonl::{JsonLayer, LevelHandle, Logging, Sink};

#[test]
fn all_settings_that_cannot_be_used_are_told_apart() {
    let builder = Logging::builder().level("nonsense").debug_level("loud");
    let error = builder.try_init().unwrap_err();
    let list = error.misconfigurations();
    assert_eq!(list.len(), 2);
    for one in list {
        assert_eq!(one.accepted(), "off, error, warn, info, debug, trace");
    }
    assert_eq!(
        error.to_string(),
        format!("{}; {}", list[0], list[1]),
        "one after the other, in between a semicolon"
    );
    assert!(error.source().is_none(), "each is told in the text already");
}

#[test]
fn a_handle_shows_the_level_in_force_and_the_one_configured() {
    let level = LevelHandle::new("warn").unwrap();
    level.set("debug").unwrap();
    assert_eq!(
        format!("{level:?}"),
        "LevelHandle { current: \"debug\", configured: \"warn\", .. }"
    );
}

#[test]
fn the_parts_of_logging_can_be_shown() {
    let layer = format!("{:?}", JsonLayer::new(Sink::stderr()));
    assert!(layer.starts_with("JsonLayer {") && layer.contains("emitted: 0"));
    let builder = format!("{:?}", Logging::builder().level("hyper=warn"));
    assert!(builder.starts_with("Builder {") && builder.contains("hyper=warn"));
    let logging = format!("{:?}", Logging::builder().signals(false).init());
    for part in ["Logging {", "current: \"info\"", "emitted: 0"] {
        assert!(logging.contains(part), "{logging}");
    }
}
