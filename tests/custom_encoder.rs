//! A format of the user's own, and what stands in for it when it fails.
#![allow(clippy::unwrap_used)]

mod support;

use serde_json::json;
use std::error::Error;
use std::fmt::{self, Write};
use support::{Capture, lines, noon};
use tracing_jsonl::{Encoder, JsonLayer, LogEvent, Stats};
use tracing_subscriber::prelude::*;

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

#[allow(clippy::unnecessary_wraps)]
fn write(line: &mut String, text: &str) -> Outcome {
    line.push_str(text);
    Ok(())
}

/// An encoder made of a function.
struct By(fn(&LogEvent, &mut String) -> Outcome);

impl Encoder for By {
    fn encode(&self, event: &LogEvent, line: &mut String) -> Outcome {
        (self.0)(event, line)
    }
}

fn layer() -> JsonLayer<Capture> {
    JsonLayer::new(Capture::default())
}

/// What `code` makes a layer write that is made by `with`.
fn written(
    with: impl FnOnce(JsonLayer<Capture>) -> JsonLayer<Capture>,
    code: impl FnOnce(),
) -> (String, Stats) {
    let capture = Capture::default();
    let layer = with(JsonLayer::new(capture.clone()).with_clock(noon));
    let stats = layer.stats();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), code);
    let stats = stats.get();
    assert_eq!(stats.emitted, stats.written, "{stats:?}");
    assert_eq!(capture.calls() as u64, stats.written);
    (String::from_utf8(capture.bytes()).unwrap(), stats)
}

fn event() {
    let _span = tracing::info_span!("request", method = "GET").entered();
    tracing::warn!(target: "shop", request_id = "r-7", order_id = 17, text = "a\nb\u{2028}", "placed\nnow");
}

/// The line is the debug format of [`event`], and says why.
#[track_caller]
fn assert_stands_in(encode: fn(&LogEvent, &mut String) -> Outcome, error: &str) {
    let (text, stats) = written(
        |layer| layer.with_encoder(By(encode)),
        || {
            event();
            event();
        },
    );
    assert_eq!(stats.fallbacks, 2);
    assert_eq!(text.lines().count(), 2, "{text}");
    for line in text.lines() {
        assert!(line.starts_with("LogEvent { timestamp: "), "{line}");
        assert!(line.ends_with('}'), "{line}");
        let parts = [
            "2026-11-23T14:26:46.123456Z",
            "level: ",
            "message: \"placed\\nnow\"",
            "metadata: ",
            "request_id",
            "r-7",
            "fields: ",
            "order_id",
            "17",
            "error: ",
            error,
        ];
        for part in parts {
            assert!(line.contains(part), "no {part} in {line}");
        }
        assert!(line.to_lowercase().contains("warn"), "{line}");
        assert!(
            !line.contains(|c: char| c.is_control() || c == '\u{2028}'),
            "{line}"
        );
    }
}

#[test]
fn an_encoder_gets_every_part_of_the_event_and_its_text_is_the_line() {
    let (text, stats) = written(
        |layer| {
            layer.with_encoder(By(|event, line| {
                assert_eq!(event.timestamp, "2026-11-23T14:26:46.123456Z");
                assert_eq!(event.level, tracing::Level::WARN);
                assert_eq!(event.message, "placed\nnow");
                assert_eq!(event.target, "shop");
                assert_eq!(
                    event.metadata,
                    [("request_id".to_owned(), "r-7".to_owned())]
                );
                assert_eq!(
                    json!(event.fields),
                    json!({"order_id": 17, "text": "a\nb\u{2028}"})
                );
                assert_eq!(json!(event.spans), json!([["request", {"method": "GET"}]]));
                line.push_str("in my own format");
                Ok(())
            }))
        },
        event,
    );
    assert_eq!(text, "in my own format\n");
    assert_eq!(stats.fallbacks, 0);
}

#[test]
fn an_encoder_that_returns_an_error_is_stood_in_for() {
    assert_stands_in(|_, _| Err("no such\nformat".into()), "no such\\nformat");
    assert_stands_in(
        |_, line| {
            line.push_str("half a line");
            Err(fmt::Error.into())
        },
        "",
    );
}

#[test]
fn an_encoder_that_panics_is_stood_in_for() {
    assert_stands_in(|_, _| panic!("boom"), "boom");
    assert_stands_in(
        |_, line| {
            line.push_str("half a line");
            std::panic::panic_any(7)
        },
        "panic",
    );
}

#[test]
fn an_error_that_cannot_be_shown_is_stood_in_for() {
    #[derive(Debug)]
    struct Broken;
    impl fmt::Display for Broken {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("cannot be shown")
        }
    }
    impl Error for Broken {}
    assert_stands_in(|_, _| Err(Box::new(Broken)), "cannot be shown");
}

#[test]
fn an_encoder_that_writes_a_line_break_is_stood_in_for() {
    for encode in [
        (|_, line| write(line, "two\nlines")) as fn(&LogEvent, &mut String) -> Outcome,
        |_, line| write(line, "\n"),
        |_, line| write(line, "carriage\rreturn"),
    ] {
        assert_stands_in(encode, "line");
    }
}

#[test]
fn a_line_of_an_encoder_that_is_too_long_is_stood_in_for() {
    assert_stands_in(|_, line| write(line, &"x".repeat(16_384)), "16383");
    let (text, stats) = written(
        |layer| layer.with_encoder(By(|_, line| write(line, &"x".repeat(16_383)))),
        event,
    );
    assert_eq!((text.len(), stats.fallbacks), (16_384, 0));
}

#[test]
fn what_stands_in_keeps_to_the_longest_line_too() {
    for json in [false, true] {
        let encoder = By(|_, _| Err("no".into()));
        let (text, stats) = written(
            |layer| {
                let layer = layer.with_max_line_bytes(512);
                if json {
                    layer.with_encoder_or_json(encoder)
                } else {
                    layer.with_encoder(encoder)
                }
            },
            || {
                // Each is short enough for itself.
                let text = "é\"\n".repeat(60);
                tracing::info!(a = text, b = text, c = text, "{}", "\\é".repeat(60));
            },
        );
        assert_eq!(text.lines().count(), 1);
        assert!(text.len() <= 513, "{} bytes", text.len());
        assert_eq!((stats.fallbacks, stats.truncated), (1, 1));
    }
}

#[test]
fn what_stands_in_can_be_a_json_object() {
    let (text, stats) = written(
        |layer| layer.with_encoder_or_json(By(|_, _| Err("no\nway".into()))),
        event,
    );
    let line = &lines(text.as_bytes())[0];
    assert_eq!(line["timestamp"], "2026-11-23T14:26:46.123456Z");
    assert_eq!(line["level"], "warn");
    let message = line["message"].as_str().unwrap();
    assert!(message.starts_with("LogEvent { timestamp: "), "{message}");
    assert!(message.contains("no\\nway"), "{message}");
    assert_eq!(stats.fallbacks, 1);
}

#[test]
fn an_encoder_that_can_again_is_used_again() {
    let (text, stats) = written(
        |layer| {
            layer.with_encoder(By(|event, line| {
                assert_ne!(event.message, "bad");
                Ok(write!(line, "fine: {}", event.message)?)
            }))
        },
        || {
            tracing::info!("one");
            tracing::info!("bad");
            tracing::info!("two");
        },
    );
    let lines: Vec<_> = text.lines().collect();
    assert_eq!((lines[0], lines[2]), ("fine: one", "fine: two"));
    assert!(lines[1].starts_with("LogEvent { timestamp: "));
    assert_eq!(stats.fallbacks, 1);
}

#[test]
fn other_layers_are_not_disturbed_by_an_encoder_that_fails() {
    let capture = Capture::default();
    let subscriber = tracing_subscriber::registry()
        .with(layer().with_encoder(By(|_, _| panic!("boom"))))
        .with(JsonLayer::new(capture.clone()));
    tracing::subscriber::with_default(subscriber, event);
    assert_eq!(capture.lines()[0]["message"], "placed\nnow");
}

/// Writes the message and no more.
fn brief(event: &LogEvent, line: &mut String) -> Outcome {
    write(line, &event.message)
}

#[test]
fn a_value_that_was_cut_before_the_encoder_saw_it_is_counted() {
    const LIMIT: usize = 1000;
    type Log = fn(&str);
    let logs: [Log; 4] = [
        |text| tracing::info!(text, "m"),
        |text| tracing::info!(%text, "m"),
        |text| tracing::info!(error = &*Box::<dyn Error>::from(text), "m"),
        |text| {
            let bytes = [&[0xff][..], &text.as_bytes()[1..]].concat();
            tracing::info!(bytes = &bytes[..], "m");
        },
    ];
    for log in logs {
        for (length, truncated) in [(LIMIT, 0), (LIMIT + 1, 1), (LIMIT * 2, 1)] {
            let (text, stats) = written(
                |layer| layer.with_max_line_bytes(LIMIT).with_encoder(By(brief)),
                || log(&"x".repeat(length)),
            );
            assert_eq!(
                (text.as_str(), stats.truncated),
                ("m\n", truncated),
                "{length}"
            );
        }
    }
}

#[test]
fn an_encoder_gets_the_place_in_the_source() {
    let (text, _) = written(
        |layer| {
            layer.with_encoder(By(|event, line| {
                let (file, number) = event.source.clone().unwrap();
                Ok(write!(line, "{file}:{number}")?)
            }))
        },
        || {
            tracing::info!("x");
            // As a bridge from the `log` crate has it.
            tracing::info!(target: "log", { log.target = "t", log.file = "f.rs", log.line = 7 }, "x");
        },
    );
    let here = format!("{}:{}", file!(), line!() - 5);
    assert_eq!(text.lines().collect::<Vec<_>>(), [here.as_str(), "f.rs:7"]);
}

#[test]
fn what_stands_in_as_a_json_object_uses_the_room_there_is() {
    for length in 300..400 {
        let (text, stats) = written(
            |layer| {
                let layer = layer.with_max_line_bytes(512);
                layer.with_encoder_or_json(By(|_, _| Err("no".into())))
            },
            || tracing::info!("{}", "x".repeat(length)),
        );
        let [line] = &lines(text.as_bytes())[..] else {
            panic!("{text}");
        };
        let whole = line["message"]
            .as_str()
            .unwrap()
            .ends_with("error: \"no\" }");
        assert_eq!(stats.truncated, u64::from(!whole));
        // What is an escape in the object is not one in what is cut.
        assert!(whole || text.len() > 480, "{} bytes", text.len());
    }
}
