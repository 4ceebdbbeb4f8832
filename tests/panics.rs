//! Panics as lines.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/child.rs"]
mod child;
mod support;

use child::{Child, To, messages, said, tell, tell_stats};
use std::fmt;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::thread;
use tracing::field::{Empty, debug};
use tracing::{info, info_span};
use tracing_jsonl::{Logging, Panics, init_json_logging, json};

#[test]
fn child() {
    child::serve(&[
        ("threads", threads),
        ("payloads", payloads),
        ("one", one),
        ("previous", previous),
        ("in_fields", in_fields),
        (
            "under_the_lock_of_another_layer",
            under_the_lock_of_another_layer,
        ),
        ("many", many),
        ("hostile", hostile),
    ]);
}

fn threads() {
    let logging = init_json_logging();
    let named = thread::Builder::new().name("worker-1".to_owned());
    let named = named.spawn(|| {
        let _outer = info_span!("request", request_id = "r-7", user_id = 42).entered();
        let _inner = info_span!("query", table = "carts").entered();
        panic!("in a worker");
    });
    assert!(named.unwrap().join().is_err());
    let unnamed = thread::spawn(|| panic!("in a thread without a name"));
    assert!(unnamed.join().is_err());
    info!("life goes on");
    tell_stats(&logging);
}

#[test]
fn a_panic_of_a_thread_is_one_line_with_its_place_and_its_context() {
    let ended = Child::new("threads").run().ok();
    let lines = ended.lines();
    assert_eq!(lines.len(), 3, "{lines:?}");
    let line = &lines[0];
    assert_eq!(line["level"], "error");
    assert_eq!(line["message"], "panicked: in a worker");
    assert_eq!(
        line["metadata"].to_string(),
        r#"{"request_id":"r-7","user_id":"42"}"#
    );
    assert_eq!(line["spans"][1]["table"], "carts");
    assert_eq!(line["fields"]["thread"], "worker-1");
    let location = line["fields"]["location"].as_str().unwrap();
    assert!(location.contains("panics.rs:"), "{location}");
    assert!(lines[1]["fields"]["thread"].is_string());
    assert!(
        lines[1].get("metadata").is_none(),
        "context of another thread"
    );
    assert_eq!(lines[2]["message"], "life goes on");
    assert_eq!(ended.stderr, "");
    assert_eq!(ended.stats(), [3, 3, 0, 0]);
}

fn nothing() -> Option<u8> {
    None
}

fn refused() -> Result<u8, &'static str> {
    Err("refused")
}

fn payloads() {
    let logging = init_json_logging();
    let name = String::from("formatted");
    let _ = catch_unwind(|| panic!("a literal"));
    let _ = catch_unwind(|| panic!("{name}"));
    let _ = catch_unwind(|| panic::panic_any(String::from("a string")));
    let _ = catch_unwind(|| panic::panic_any(42_u8));
    let _ = catch_unwind(|| nothing().unwrap());
    let _ = catch_unwind(|| refused().expect("must work"));
    tell_stats(&logging);
}

#[test]
fn every_kind_of_payload_makes_a_line() {
    let ended = Child::new("payloads").run().ok();
    let lines = ended.lines();
    let expected = [
        "a literal",
        "formatted",
        "a string",
        "",
        "`None`",
        "must work: \"refused\"",
    ];
    assert_eq!(lines.len(), expected.len());
    for (message, part) in messages(&lines).into_iter().zip(expected) {
        assert!(
            message.starts_with("panicked: ") && message.contains(part),
            "{message}"
        );
    }
    assert_eq!(ended.stderr, "");
}

fn one() {
    let logging = init_json_logging();
    let _ = catch_unwind(|| panic!("just one"));
    tell_stats(&logging);
}

#[test]
fn a_backtrace_is_there_if_asked_for() {
    for (vars, expected) in [
        (&[][..], false),
        (&[("RUST_BACKTRACE", "1")], true),
        (&[("RUST_BACKTRACE", "full")], true),
        (&[("RUST_BACKTRACE", "0")], false),
        (&[("RUST_LIB_BACKTRACE", "1")], true),
        (
            &[("RUST_BACKTRACE", "1"), ("RUST_LIB_BACKTRACE", "0")],
            false,
        ),
    ] {
        let child = vars.iter().fold(Child::new("one"), |child, (name, value)| {
            child.env(name, value)
        });
        let ended = child.run().ok();
        let lines = ended.lines();
        assert_eq!(lines.len(), 1, "{vars:?}");
        let backtrace = lines[0]["fields"]["backtrace"].as_str();
        assert_eq!(backtrace.is_some(), expected, "{vars:?}");
        assert_eq!(lines[0]["message"], "panicked: just one");
        assert!(ended.stdout.len() <= 16_384);
        assert_eq!(ended.stderr, "");
    }
}

#[test]
fn with_log_panics_off_a_panic_is_text_as_ever() {
    let ended = Child::new("one").env("LOG_PANICS", "off").run().ok();
    assert_eq!(ended.stdout, b"");
    assert!(ended.stderr.contains("just one"), "{}", ended.stderr);
    assert_eq!(ended.stats(), [0, 0, 0, 0]);
}

fn previous() {
    panic::set_hook(Box::new(|info| tell("previous", info.to_string())));
    let panics = match std::env::var("PANICS").unwrap().as_str() {
        "replace" => Panics::Replace,
        "chain" => Panics::Chain,
        _ => Panics::Off,
    };
    let logging = Logging::builder().panics(panics).from_env().init();
    let _ = catch_unwind(|| panic!("a real one"));
    info!(field = ?Bomb, "an event");
    tell_stats(&logging);
}

#[test]
fn the_hook_that_was_there_is_replaced_or_follows_or_stays_alone() {
    // `LOG_PANICS=on` has a line for each panic, and leaves how that is done to the program.
    for (mode, environment, line, hook) in [
        ("replace", "", true, false),
        ("chain", "", true, true),
        ("off", "on", true, false),
        ("chain", "on", true, true),
    ] {
        let child = Child::new("previous").env("LOG_PANICS", environment);
        let ended = child.env("PANICS", mode).run().ok();
        let lines = ended.lines();
        assert_eq!(
            said(&lines, "panicked: a real one").len(),
            usize::from(line),
            "{mode}"
        );
        assert_eq!(lines.len(), 2, "{mode}: a panic in a field is no panic");
        let told = String::from_utf8(ended.scratch.read("told")).unwrap();
        assert_eq!(
            told.matches("\"previous\"").count(),
            usize::from(hook),
            "{mode}: {told}"
        );
        assert_eq!(told.contains("a real one"), hook);
    }
    // Left alone it hears everything: what it makes of a field's panic is its own business.
    for (mode, environment) in [("off", ""), ("chain", "off")] {
        let child = Child::new("previous").env("LOG_PANICS", environment);
        let ended = child.env("PANICS", mode).run().ok();
        assert_eq!(messages(&ended.lines()), ["an event"]);
        let told = String::from_utf8(ended.scratch.read("told")).unwrap();
        assert!(told.contains("a real one"), "{told}");
    }
}

struct Bomb;

impl fmt::Debug for Bomb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("so far")?;
        panic!("in the Debug");
    }
}

impl serde::Serialize for Bomb {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("in the Serialize");
    }
}

fn in_fields() {
    let logging = init_json_logging();
    for _ in 0..1_000 {
        let span = info_span!("work", new = ?Bomb, late = Empty);
        span.record("late", debug(Bomb));
        let _entered = span.enter();
        info!(bomb = ?Bomb, json = json(Bomb), "{:?}", Bomb);
        info!("next");
    }
    tell_stats(&logging);
}

#[test]
fn a_panic_of_a_fields_debug_is_data_and_no_panic_line() {
    let ended = Child::new("in_fields")
        .env("RUST_BACKTRACE", "1")
        .run()
        .ok();
    assert_eq!(ended.stderr, "");
    let lines = ended.lines();
    assert_eq!(lines.len(), 2_000);
    assert_eq!(ended.stats(), [2_000, 2_000, 0, 0]);
    let text = "so far!PANIC: in the Debug";
    for pair in lines.chunks(2) {
        assert_eq!(pair[0]["message"], text);
        assert_eq!(pair[0]["fields"]["bomb"], text);
        assert_eq!(
            (&pair[0]["spans"][0]["new"], &pair[0]["spans"][0]["late"]),
            (&text.into(), &text.into())
        );
        assert!(pair[0]["fields"]["json"].is_null());
        assert_eq!(pair[1]["message"], "next");
    }
}

/// The text format's layer formats spans under the lock of their extensions.
fn under_the_lock_of_another_layer() {
    let logging = init_json_logging();
    let span = info_span!("request", request_id = "r-7", late = Empty);
    let entered = span.clone().entered();
    let caught = catch_unwind(AssertUnwindSafe(|| span.record("late", debug(Bomb))));
    tell("caught", caught.is_err());
    // The registry does not forgive that layer: the span is of no use any more, not even to close.
    std::mem::forget(entered);
    std::mem::forget(span);
    tell_stats(&logging);
}

#[test]
fn a_panic_under_the_lock_of_a_layer_beside_ours_does_not_hang() {
    let child = Child::new("under_the_lock_of_another_layer");
    let ended = child.env("LOG_FORMAT", "text").run().ok();
    let text = String::from_utf8_lossy(&ended.stdout);
    assert!(text.contains("panicked: in the Debug"), "{text}");
    assert_eq!(ended.stats()[0], text.lines().count() as u64, "{text}");
}

#[test]
fn in_the_text_format_too_a_panic_has_its_context() {
    let child = Child::new("threads").env("LOG_FORMAT", "text");
    let ended = child.run().ok();
    let text = String::from_utf8_lossy(&ended.stdout);
    let line = text
        .lines()
        .find(|line| line.contains("panicked: in a worker"));
    let line = line.expect("a line for the panic");
    for part in ["ERROR", "panics.rs:", "worker-1", "r-7"] {
        assert!(line.contains(part), "no {part}: {line}");
    }
    assert_eq!(ended.stderr, "");
}

fn many() {
    let logging = init_json_logging();
    let threads = (0..8).map(|thread| {
        thread::spawn(move || {
            for number in 0..200 {
                let _span = info_span!("request", request_id = thread).entered();
                let _ = catch_unwind(|| panic!("{thread} {number}"));
            }
        })
    });
    let threads: Vec<_> = threads.collect();
    for thread in threads {
        thread.join().unwrap();
    }
    tell_stats(&logging);
}

#[test]
fn panics_of_many_threads_are_a_line_each() {
    let ended = Child::new("many").env("LOG_STALL", "60s").run().ok();
    let lines = ended.lines();
    assert_eq!(lines.len(), 1_600);
    assert_eq!(ended.stats(), [1_600, 1_600, 0, 0]);
    for line in &lines {
        let message = line["message"]
            .as_str()
            .unwrap()
            .strip_prefix("panicked: ")
            .unwrap();
        let (thread, _) = message.split_once(' ').unwrap();
        assert_eq!(line["metadata"]["request_id"], thread);
    }
}

#[test]
fn panics_with_output_broken_are_counted() {
    let ended = Child::new("many")
        .stdout(To::ClosedPipe)
        .stderr(To::ClosedPipe)
        .run()
        .ok();
    assert_eq!(ended.stats(), [1_600, 0, 0, 1_600]);
}

fn hostile() {
    let logging = init_json_logging();
    let _ = catch_unwind(|| panic!("two\nlines \u{1b}[31m\u{202e}\0\"{{\\"));
    let _ = catch_unwind(|| panic!("{}", "\u{e9}".repeat(100_000)));
    info!("after");
    tell_stats(&logging);
}

#[test]
fn a_panic_message_of_any_text_and_length_is_one_line() {
    let ended = Child::new("hostile").run().ok();
    let lines = ended.lines();
    assert_eq!(
        lines[0]["message"],
        "panicked: two\nlines \u{1b}[31m\u{202e}\0\"{\\"
    );
    assert_eq!(lines[1]["truncated"], true);
    assert!(
        lines[1]["message"]
            .as_str()
            .unwrap()
            .starts_with("panicked: \u{e9}\u{e9}")
    );
    assert_eq!(lines[2]["message"], "after");
    assert!(
        ended
            .stdout
            .split(|&byte| byte == b'\n')
            .all(|line| line.len() <= 16_383)
    );
    assert_eq!(ended.stats(), [3, 3, 0, 0]);
}
