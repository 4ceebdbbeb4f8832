//! What each variable of the environment does, and what a bad value of it does not.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;
#[path = "support/child.rs"]
mod child;

#[path = "environment/levels.rs"]
mod levels;
#[path = "environment/probe.rs"]
mod probe;
#[path = "environment/strict.rs"]
mod strict;

use child::{Child, said};
use probe::{FROM_INFO, lines, messages, run, timeless, warnings};
use serde_json::json;
use std::fs;
use std::os::unix::ffi::OsStrExt;

#[test]
fn child() {
    child::serve(&[
        ("everything", probe::everything),
        ("refused", strict::refused),
        ("well", strict::well),
        ("refused_then_signal", strict::refused_then_signal),
    ]);
}

#[test]
fn with_nothing_set_the_level_is_info_and_nothing_is_warned_of() {
    let ended = run(&[]);
    let lines = ended.lines();
    assert_eq!(messages(&lines), FROM_INFO);
    assert_eq!(warnings(&lines).len(), 0);
    let line = said(&lines, "an info")[0];
    assert_eq!(line["metadata"], json!({"request_id": "r-1"}));
    assert_eq!(line["spans"], json!([{"name": "work", "step": 1}]));
    assert_eq!(ended.stderr, "");
    assert_eq!(ended.stats()[0], lines.len() as u64);
}

#[test]
fn a_bad_value_is_one_warning_and_the_default_holds() {
    let usual = timeless(&lines(&[]));
    let bad = [
        ("LOG_LEVEL", "nonsense"),
        ("LOG_LEVEL", "info,hyper=wran"),
        ("LOG_LEVEL", "[{user_id=u-1}]"),
        ("LOG_LEVEL", "debug,[{nobody=u-1}]=trace"),
        ("LOG_LEVEL", "debug trace"),
        ("LOG_FORMAT", "yaml"),
        ("LOG_OUTPUT", "/no/such/directory/log.jsonl"),
        ("LOG_OUTPUT", "/"),
        ("LOG_SPANS", "maybe"),
        ("LOG_SIGNALS", "perhaps"),
        ("LOG_PANICS", "never"),
        ("LOG_DEBUG_LEVEL", "loud"),
        ("LOG_DEBUG_TTL", "10"),
        ("LOG_DEBUG_TTL", "soon"),
        ("LOG_DEBUG_TTL", "-5m"),
        ("LOG_MAX_LINE_BYTES", "100"),
        ("LOG_MAX_LINE_BYTES", "511"),
        ("LOG_MAX_LINE_BYTES", "abc"),
        ("LOG_MAX_LINE_BYTES", "-1"),
        ("LOG_MAX_LINE_BYTES", "99999999999999999999"),
        ("LOG_STALL", "2 parsecs"),
        ("LOG_STALL", "1"),
        ("LOG_REDACT", "password"),
    ];
    for (name, value) in bad {
        let lines = lines(&[(name, value)]);
        let warned = warnings(&lines);
        assert_eq!(warned.len(), 1, "{name}={value}: {lines:?}");
        let warned = warned[0];
        assert_eq!(warned["level"], "warn");
        assert_eq!(warned["target"], "tracing_jsonl");
        let fields = &warned["fields"];
        assert_eq!(fields["setting"], name);
        assert_eq!(fields["value"], value);
        for key in ["problem", "accepted"] {
            let text = fields[key].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "{name}={value}: no {key}: {warned}");
        }
        let mut rest = timeless(&lines);
        rest.retain(|line| line["fields"]["setting"].is_null());
        assert_eq!(rest, usual, "{name}={value}");
    }
}

#[test]
fn several_bad_values_are_a_warning_each() {
    let bad = [
        ("LOG_LEVEL", "loud"),
        ("LOG_SPANS", "2"),
        ("LOG_STALL", "x"),
    ];
    let lines = lines(&bad);
    let mut settings: Vec<_> = warnings(&lines)
        .iter()
        .map(|line| line["fields"]["setting"].as_str().unwrap())
        .collect();
    settings.sort_unstable();
    assert_eq!(settings, ["LOG_LEVEL", "LOG_SPANS", "LOG_STALL"]);
    assert_eq!(messages(&lines), FROM_INFO);
}

#[test]
fn log_format_names_the_layout() {
    let lines = lines(&[("LOG_FORMAT", "flat")]);
    let line = said(&lines, "an info")[0];
    assert_eq!(
        (&line["request_id"], &line["step"]),
        (&json!("r-1"), &json!(1))
    );
    assert!(line.get("metadata").is_none() && line.get("spans").is_none());
    let nested = timeless(&self::lines(&[("LOG_FORMAT", "default")]));
    assert_eq!(nested, timeless(&self::lines(&[])));
}

#[test]
fn log_format_text_is_readable_lines_through_the_same_sink() {
    let ended = run(&[("LOG_FORMAT", "text")]);
    let text = String::from_utf8(ended.stdout.clone()).unwrap();
    let has = |needle: &str| text.lines().any(|line| line.contains(needle));
    for message in FROM_INFO {
        assert!(has(message), "{message}");
    }
    assert!(!has("a debug"));
    assert!(has("an info") && has("request_id=\"r-1\""));
    assert!(!has("\u{1b}"), "colours for nobody");
    assert!(has("log level changed") && has("by=\"signal\""));
    assert_eq!(ended.stats()[0], text.lines().count() as u64);
}

#[test]
fn log_output_is_stdout_stderr_or_a_file() {
    let usual = timeless(&lines(&[]));
    assert_eq!(timeless(&lines(&[("LOG_OUTPUT", "stdout")])), usual);

    let stderr = run(&[("LOG_OUTPUT", "stderr")]);
    assert_eq!(stderr.stdout, b"");
    assert_eq!(timeless(&support::lines(stderr.stderr.as_bytes())), usual);

    let child = Child::new("everything").env("PROBE_SIGNAL", "1");
    let path = child.scratch().join("service.jsonl");
    fs::write(&path, "{\"old\":true}\n").unwrap();
    let ended = child.env("LOG_OUTPUT", &path).run().ok();
    assert_eq!(
        (ended.stdout.as_slice(), ended.stderr.as_str()),
        (&b""[..], "")
    );
    let mut lines = support::lines(&fs::read(&path).unwrap());
    assert_eq!(lines.remove(0), json!({"old": true}));
    assert_eq!(timeless(&lines), usual);
}

#[test]
fn a_path_that_is_not_utf_8_is_a_path() {
    let child = Child::new("everything");
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9.jsonl");
    let path = child.scratch().join(name);
    let ended = child.env("LOG_OUTPUT", &path).run().ok();
    let lines = support::lines(&fs::read(&path).unwrap_or_default());
    let names: Vec<_> = fs::read_dir(ended.scratch.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(messages(&lines), FROM_INFO, "{names:?}");
}

#[test]
fn a_value_that_is_not_utf_8_is_a_bad_value() {
    let usual = Child::new("everything").run().ok().lines();
    for name in [
        "LOG_LEVEL",
        "LOG_FORMAT",
        "LOG_SPANS",
        "LOG_MAX_LINE_BYTES",
        "LOG_STALL",
    ] {
        let value = std::ffi::OsStr::from_bytes(b"o\xff");
        let lines = Child::new("everything").env(name, value).run().ok().lines();
        let warned = warnings(&lines);
        assert_eq!(warned.len(), 1, "{name}");
        assert_eq!(warned[0]["fields"]["setting"], name);
        assert_eq!(warned[0]["fields"]["value"], "o\u{fffd}");
        assert_eq!(messages(&lines), messages(&usual), "{name}");
    }
}

#[test]
fn log_spans_off_leaves_spans_out_and_identifiers_in() {
    for value in ["off", "OFF", "0", "false"] {
        let lines = lines(&[("LOG_SPANS", value)]);
        let line = said(&lines, "an info")[0];
        assert!(line.get("spans").is_none(), "{line}");
        assert_eq!(line["metadata"], json!({"request_id": "r-1"}));
    }
    let lines = lines(&[("LOG_SPANS", "on")]);
    assert!(said(&lines, "an info")[0]["spans"].is_array());
}

#[test]
fn log_max_line_bytes_cuts_the_line() {
    for (value, limit) in [
        ("512", 512),
        ("600", 600),
        ("16383", 16_383),
        ("20000", 20_000),
    ] {
        let ended = run(&[("LOG_MAX_LINE_BYTES", value)]);
        let longest = ended
            .stdout
            .split(|&byte| byte == b'\n')
            .map(<[u8]>::len)
            .max();
        assert!(longest.unwrap() <= limit, "{value}: {longest:?}");
        assert!(longest.unwrap() > limit - 300, "{value}: {longest:?}");
        let lines = ended.lines();
        assert_eq!(said(&lines, "long")[0]["truncated"], true);
        assert_eq!(said(&lines, "long")[0]["metadata"]["request_id"], "r-1");
        assert_eq!(warnings(&lines).len(), 0);
    }
    let lines = lines(&[("LOG_MAX_LINE_BYTES", "0")]);
    assert_eq!(
        said(&lines, "long")[0]["fields"]["text"],
        "x".repeat(100_000)
    );
}

#[test]
fn durations_that_can_be_used_are_not_warned_of() {
    for value in ["0", "500ms", "2s", "10m", "1h", "block", " 2s "] {
        assert_eq!(
            warnings(&lines(&[("LOG_STALL", value)])).len(),
            0,
            "{value}"
        );
    }
    for value in ["0", "500ms", "2s", "10m", "24h"] {
        assert_eq!(
            warnings(&lines(&[("LOG_DEBUG_TTL", value)])).len(),
            0,
            "{value}"
        );
    }
}
