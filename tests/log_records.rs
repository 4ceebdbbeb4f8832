//! Records of the `log` crate, through `Logging`'s own bridge.
//!
//! There is one logger per process, so the tests take turns.
#![allow(clippy::unwrap_used)]

mod support;

use log::kv::{self, Key, VisitSource};
use serde_json::{Value, json};
use std::sync::{Mutex, OnceLock, PoisonError};
use support::Capture;
use tracing_jsonl::{Logging, Panics};

/// The lines that `code` makes.
fn logged(code: impl FnOnce()) -> Vec<Value> {
    static GLOBAL: OnceLock<(Capture, Logging)> = OnceLock::new();
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let (capture, logging) = GLOBAL.get_or_init(|| {
        let capture = Capture::default();
        let logging = Logging::builder()
            .writer(capture.clone())
            .level("info,noisy=warn,chatty=trace,off=off")
            .signals(false)
            .panics(Panics::Off)
            .source_location(true)
            .init();
        (capture, logging)
    });
    capture.clear();
    code();
    let stats = logging.stats();
    assert_eq!(stats.emitted, stats.written + stats.dropped + stats.failed);
    capture.lines()
}

#[test]
fn a_record_is_a_line_with_its_own_level_target_and_place() {
    let lines = logged(|| {
        log::info!("hello {}", 1);
        let here = line!() - 1;
        log::error!(target: "other::place", "bad");
        tracing::info!(target: "compare", here, "event");
    });
    assert_eq!(lines.len(), 3);
    let line = &lines[0];
    assert_eq!(line["message"], "hello 1");
    assert_eq!(line["level"], "info");
    assert_eq!(line["target"], "log_records");
    assert!(line["file"].as_str().unwrap().ends_with("log_records.rs"));
    assert_eq!(line["line"], lines[2]["fields"]["here"]);
    assert_eq!(
        (&lines[1]["target"], &lines[1]["level"]),
        (&json!("other::place"), &json!("error"))
    );
    for line in &lines[..2] {
        let text = line.to_string();
        assert!(!text.contains("log."), "{text}");
        assert_eq!(line.get("fields"), None);
    }
}

#[test]
fn every_level_has_its_name() {
    let lines = logged(|| {
        for level in log::Level::iter() {
            log::log!(target: "chatty", level, "x");
        }
    });
    let levels: Vec<_> = lines.iter().map(|line| &line["level"]).collect();
    assert_eq!(levels, ["error", "warn", "info", "debug", "trace"]);
}

#[test]
fn key_values_are_typed_fields_and_identifiers_are_lifted() {
    let error = std::io::Error::other("refused");
    let lines = logged(|| {
        log::info!(
            request_id = "r-7", user_id = 42,
            yes = true, least = i64::MIN, most = u64::MAX, one = 1.0, text = "t\n\u{2028}",
            debug:? = Some(1), display:% = 7, wide = u128::MAX, nan = f64::NAN, error:err = error,
            nothing = kv::Value::null();
            "placed"
        );
    });
    let line = &lines[0];
    assert_eq!(line["message"], "placed");
    assert_eq!(
        line["metadata"],
        json!({"request_id": "r-7", "user_id": "42"})
    );
    assert_eq!(
        line["fields"],
        json!({
            "yes": true, "least": i64::MIN, "most": u64::MAX, "one": 1.0, "text": "t\n\u{2028}",
            "debug": "Some(1)", "display": "7", "wide": u128::MAX.to_string(), "nan": null,
            "error": {"message": "refused", "chain": []}, "nothing": null,
        })
    );
    assert!(line["fields"]["one"].is_f64());
    assert_eq!(line["encode_errors"][0]["key"], "nan");
}

#[test]
fn records_take_part_in_spans() {
    let lines = logged(|| {
        let _span = tracing::info_span!("s", request_id = "span", trace_id = "t", a = 1).entered();
        log::warn!(request_id = "record"; "x");
    });
    assert_eq!(
        lines[0]["metadata"],
        json!({"request_id": "record", "trace_id": "t"})
    );
    assert_eq!(lines[0]["spans"], json!([{"name": "s", "a": 1}]));
}

#[test]
fn records_are_filtered_by_their_own_target() {
    let lines = logged(|| {
        for target in ["noisy", "noisy::inside", "chatty", "off", "else"] {
            log::info!(target: target, "info");
            log::debug!(target: target, "debug");
            log::warn!(target: target, "warn");
        }
    });
    let passed: Vec<_> = lines
        .iter()
        .map(|line| [&line["target"], &line["message"]].map(|text| text.as_str().unwrap()))
        .collect();
    assert_eq!(
        passed,
        [
            ["noisy", "warn"],
            ["noisy::inside", "warn"],
            ["chatty", "info"],
            ["chatty", "debug"],
            ["chatty", "warn"],
            ["else", "info"],
            ["else", "warn"],
        ]
    );
    logged(|| {
        assert!(log::log_enabled!(target: "chatty", log::Level::Trace));
        assert!(log::log_enabled!(target: "else", log::Level::Info));
        assert!(!log::log_enabled!(target: "else", log::Level::Debug));
        assert!(!log::log_enabled!(target: "noisy", log::Level::Info));
    });
}

#[test]
fn a_key_value_cannot_take_the_place_of_the_records_own_facts() {
    let lines = logged(|| {
        log::info!(
            target: "real", message = "mine", level = "mine", target = "mine",
            "log.target" = "forged", "log.line" = "forged", "log.kv" = "mine"; "text"
        );
    });
    let line = &lines[0];
    assert_eq!(line["message"], "text");
    assert_eq!(line["level"], "info");
    assert_eq!(line["target"], "real");
    assert!(line["line"].is_u64());
    let fields = line["fields"].as_object().unwrap();
    for (key, value) in [
        ("message", "mine"),
        ("level", "mine"),
        ("target", "mine"),
        ("log.target", "forged"),
        ("log.line", "forged"),
        ("log.kv", "mine"),
    ] {
        assert_eq!(fields.get(key), Some(&json!(value)), "{key}");
    }
}

#[test]
fn the_last_value_of_a_key_given_twice_wins() {
    let lines = logged(|| log::info!(a = 1, a = "two", user_id = 1, user_id = 2; "x"));
    assert_eq!(lines[0]["fields"], json!({"a": "two"}));
    assert_eq!(lines[0]["metadata"], json!({"user_id": "2"}));
}

/// A source with keys from anywhere, which may stop early.
struct Source(Option<fn() -> kv::Error>);

impl kv::Source for Source {
    fn visit<'kvs>(&'kvs self, visitor: &mut dyn VisitSource<'kvs>) -> Result<(), kv::Error> {
        visitor.visit_pair(Key::from_str("a\"\n\u{202e}"), kv::Value::from(1))?;
        if let Some(stop) = self.0 {
            return Err(stop());
        }
        visitor.visit_pair(Key::from_str("b"), kv::Value::from_debug(&Failing))
    }
}

struct Failing;

impl std::fmt::Debug for Failing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("so far")?;
        panic!("boom")
    }
}

fn send(source: &Source) {
    let record = log::Record::builder()
        .level(log::Level::Info)
        .target("built\"\n")
        .args(format_args!("text"))
        .key_values(source)
        .build();
    log::logger().log(&record);
}

#[test]
fn hostile_and_failing_key_values_give_a_valid_line() {
    let lines = logged(|| {
        send(&Source(None));
        send(&Source(Some(|| kv::Error::msg("stopped"))));
        send(&Source(Some(|| panic!("boom"))));
        log::info!(plain = 1; "next");
    });
    assert_eq!(lines.len(), 4);
    for line in &lines[..3] {
        assert_eq!(line["target"], "built\"\n");
        assert_eq!(line["message"], "text");
        assert_eq!(line["fields"]["a\"\n\u{202e}"], 1);
    }
    assert_eq!(lines[0]["fields"]["b"], "so far!PANIC: boom");
    assert_eq!(lines[0]["encode_errors"][0]["key"], "b");
    assert_eq!(lines[3]["fields"], json!({"plain": 1}));
}

#[test]
fn a_record_of_any_size_fits_the_line() {
    let long = "x".repeat(100_000);
    let lines = logged(|| {
        let record = log::Record::builder()
            .level(log::Level::Info)
            .target(&long)
            .file(Some(&long))
            .module_path(Some(&long))
            .args(format_args!("text"))
            .build();
        log::logger().log(&record);
    });
    assert_eq!(lines.len(), 1);
    assert!(lines[0].to_string().len() <= 16_383);
    assert_eq!(lines[0]["truncated"], true);
}

#[test]
fn an_event_that_only_looks_like_a_record_is_an_event() {
    let lines = logged(|| {
        tracing::info!(target: "log", a = 1, "an event");
        tracing::info!(log.target = "x", log.line = 7, "another");
    });
    assert_eq!(
        (&lines[0]["target"], &lines[0]["fields"]),
        (&json!("log"), &json!({"a": 1}))
    );
    assert_eq!(
        (&lines[1]["target"], &lines[1]["fields"]),
        (
            &json!("log_records"),
            &json!({"log.target": "x", "log.line": 7})
        )
    );
}

#[test]
fn another_subscriber_prints_key_values_as_their_debug_format() {
    let capture = Capture::default();
    logged(|| {
        let writer = capture.clone();
        let other = tracing_subscriber::fmt().with_writer(move || writer.clone());
        tracing::subscriber::with_default(other.with_ansi(false).finish(), || {
            log::info!(a = 1, b = "two"; "m");
        });
    });
    let text = String::from_utf8(capture.bytes()).unwrap();
    assert!(text.contains(r#"{a: 1, b: "two"}"#), "{text}");
}
