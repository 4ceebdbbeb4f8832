//! A panic's backtrace is as long as its stack is deep; its line is not.
#![cfg(all(unix, feature = "signal"))]
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/child.rs"]
mod child;
mod support;

use child::{Child, tell_stats};
use tracing::info_span;

#[test]
fn child() {
    child::serve(&[("deep", deep)]);
}

fn deep() {
    let logging = tracing_jsonl::init_json_logging();
    let _span = info_span!("request", request_id = "r-7").entered();
    let panic = || go_down(2_000);
    std::panic::catch_unwind(panic).expect_err("a panic");
    tell_stats(&logging);
}

#[inline(never)]
fn go_down(frames: u32) -> u32 {
    assert!(frames > 0, "at the end");
    // Added after the call, so that each frame stays.
    std::hint::black_box(go_down(frames - 1)) + 1
}

#[test]
fn the_line_of_a_panic_is_cut_to_fit_with_its_backtrace() {
    let whole = Child::new("deep")
        .env("RUST_BACKTRACE", "full")
        .env("LOG_MAX_LINE_BYTES", "0")
        .run()
        .ok();
    let whole = &whole.lines()[0]["fields"]["backtrace"];
    let whole = whole.as_str().unwrap();
    assert!(whole.len() > 16_383, "{} bytes", whole.len());
    for cap in [512, 4_095, 16_383] {
        let ended = Child::new("deep")
            .env("RUST_BACKTRACE", "full")
            .env("LOG_MAX_LINE_BYTES", cap.to_string())
            .run()
            .ok();
        let lines = ended.lines();
        assert_eq!(lines.len(), 1);
        assert!(
            ended.stdout.len() <= cap + 1,
            "{} bytes",
            ended.stdout.len()
        );
        // As much of the line is used as there is.
        assert!(
            ended.stdout.len() + 16 > cap,
            "{} bytes",
            ended.stdout.len()
        );
        let (line, fields) = (&lines[0], &lines[0]["fields"]);
        assert_eq!(
            (&line["message"], &line["truncated"]),
            (&"panicked: at the end".into(), &true.into())
        );
        assert_eq!(line["metadata"]["request_id"], "r-7");
        assert!(
            fields["location"]
                .as_str()
                .unwrap()
                .contains("line_backtrace.rs")
        );
        assert!(whole.starts_with(fields["backtrace"].as_str().unwrap()));
        assert_eq!(ended.stats(), [1, 1, 0, 0]);
    }
}
