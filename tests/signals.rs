//! `SIGUSR1` sets the debug level for a while, `SIGUSR2` returns to the configured one.
#![cfg(all(unix, feature = "signal"))]
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/child.rs"]
mod child;
mod support;

use child::{Child, messages, said, tell, tell_stats, wait_until};
use rustix::process::{Signal, getpid, kill_process};
use serde_json::Value;
use std::os::unix::process::ExitStatusExt;
use std::thread;
use std::time::Duration;
use support::figures::holds;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tracing::{debug, info, info_span, trace};
use tracing_jsonl::{JsonLayer, LevelHandle, Logging, Sink, init_json_logging};
use tracing_subscriber::prelude::*;

#[test]
fn child() {
    child::serve(&[
        ("up_and_down", up_and_down),
        ("wait_for_expiry", wait_for_expiry),
        ("renewed", renewed),
        ("at_once", at_once),
        ("for_one_user", for_one_user),
        ("from_outside", from_outside),
        ("by_hand", by_hand),
    ]);
}

fn send(signal: Signal) {
    kill_process(getpid(), signal).unwrap();
}

/// Sends a signal and waits for its line: what the line says is in force.
fn send_and_wait(logging: &Logging, signal: Signal) {
    let before = logging.stats().written;
    send(signal);
    wait_until("a line", || logging.stats().written > before);
}

fn wait_for_level(logging: &Logging, level: &str) {
    wait_until(level, || logging.level().current() == level);
}

fn up_and_down() {
    let logging = init_json_logging();
    debug!("before");
    log::debug!("a record before");
    send_and_wait(&logging, Signal::USR1);
    debug!("between");
    trace!("too fine");
    log::debug!("a record between");
    thread::spawn(|| debug!("between, elsewhere"))
        .join()
        .unwrap();
    send_and_wait(&logging, Signal::USR2);
    debug!("after");
    log::debug!("a record after");
    info!("end");
    wait_until("all lines", || logging.stats().written == 6);
    tell_stats(&logging);
}

/// From, to, and by whom, of each change.
fn changes(lines: &[Value]) -> Vec<(&str, &str, &str)> {
    let told = said(lines, "log level changed").into_iter();
    told.map(|line| {
        assert_eq!(
            (&line["level"], &line["target"]),
            (&"info".into(), &"tracing_jsonl".into())
        );
        let fields = &line["fields"];
        let [from, to, by] = ["from", "to", "by"].map(|name| fields[name].as_str().unwrap());
        (from, to, by)
    })
    .collect()
}

fn time_of(text: &Value) -> OffsetDateTime {
    OffsetDateTime::parse(text.as_str().unwrap(), &Rfc3339).unwrap()
}

#[test]
fn sigusr1_shows_debug_lines_and_sigusr2_hides_them_again() {
    let ended = Child::new("up_and_down").run().ok();
    let lines = ended.lines();
    let mut events = messages(&lines);
    events.retain(|message| *message != "log level changed");
    assert_eq!(
        events,
        ["between", "a record between", "between, elsewhere", "end"]
    );
    let expected = [("info", "debug", "signal"), ("debug", "info", "signal")];
    assert_eq!(changes(&lines), expected);
    assert_eq!(ended.stats(), [6, 6, 0, 0]);

    let changes = said(&lines, "log level changed");
    let holds = time_of(&changes[0]["fields"]["until"]) - time_of(&changes[0]["timestamp"]);
    assert!((holds.as_seconds_f64() - 600.0).abs() < 5.0, "{holds}");
    assert!(changes[1]["fields"]["until"].is_null());
}

#[test]
fn log_debug_level_and_ttl_say_what_sigusr1_does() {
    let child = Child::new("up_and_down").env("LOG_DEBUG_LEVEL", "signals=debug");
    let ended = child.env("LOG_DEBUG_TTL", "2h").run().ok();
    let lines = ended.lines();
    let to = "info,signals=debug";
    assert_eq!(
        changes(&lines),
        [("info", to, "signal"), (to, "info", "signal")]
    );
    let change = said(&lines, "log level changed")[0];
    let holds = time_of(&change["fields"]["until"]) - time_of(&change["timestamp"]);
    assert!((holds.as_seconds_f64() - 7_200.0).abs() < 5.0, "{holds}");
}

#[test]
fn with_a_ttl_of_zero_the_debug_level_stays_until_reset() {
    let ended = Child::new("up_and_down")
        .env("LOG_DEBUG_TTL", "0")
        .run()
        .ok();
    let lines = ended.lines();
    let change = said(&lines, "log level changed")[0];
    assert!(change["fields"]["until"].is_null(), "{change}");
    assert_eq!(changes(&lines).len(), 2);
}

fn wait_for_expiry() {
    let logging = init_json_logging();
    send(Signal::USR1);
    wait_for_level(&logging, "debug");
    wait_for_level(&logging, "info");
    wait_until("both lines", || logging.stats().written == 2);
    debug!("after");
    tell_stats(&logging);
}

#[test]
fn the_debug_level_expires_by_itself() {
    let ended = Child::new("wait_for_expiry")
        .env("LOG_DEBUG_TTL", "1s")
        .run()
        .ok();
    let lines = ended.lines();
    let expected = [("info", "debug", "signal"), ("debug", "info", "expiry")];
    assert_eq!(changes(&lines), expected);
    assert_eq!(lines.len(), 2);
    let [up, down] = [0, 1].map(|index| time_of(&lines[index]["timestamp"]));
    let held = (down - up).as_seconds_f64();
    assert!(held > 0.95, "{held}");
    holds!(
        21,
        ended.stats(),
        "debug for 1 s: the configured level again after {held:.2} s, {} change lines",
        lines.len()
    );
}

fn renewed() {
    let logging = init_json_logging();
    send(Signal::USR1);
    wait_for_level(&logging, "debug");
    thread::sleep(Duration::from_secs(1));
    send(Signal::USR1);
    wait_for_level(&logging, "info");
    wait_until("both lines", || logging.stats().written == 2);
    tell_stats(&logging);
}

#[test]
fn a_repeated_sigusr1_renews_the_debug_level_without_a_line() {
    let ended = Child::new("renewed").env("LOG_DEBUG_TTL", "2s").run().ok();
    let lines = ended.lines();
    let expected = [("info", "debug", "signal"), ("debug", "info", "expiry")];
    assert_eq!(changes(&lines), expected);
    let [up, down] = [0, 1].map(|index| time_of(&lines[index]["timestamp"]));
    assert!((down - up).as_seconds_f64() > 2.95, "{}", down - up);
}

fn at_once() {
    let logging = init_json_logging();
    send_and_wait(&logging, Signal::USR1);
    debug!("alive");
    tell_stats(&logging);
}

#[test]
fn once_init_has_returned_no_signal_kills() {
    let processes = if std::env::var_os("LONG").is_some() {
        1_000
    } else {
        20
    };
    let (mut alive, mut counts) = (0, [0; 4]);
    for _ in 0..processes {
        let ended = Child::new("at_once").run().ok();
        alive += said(&ended.lines(), "alive").len();
        let stats = ended.stats();
        assert_eq!(stats, [2, 2, 0, 0]);
        counts
            .iter_mut()
            .zip(stats)
            .for_each(|(all, one)| *all += one);
    }
    assert_eq!(alive, processes);
    holds!(
        17,
        counts,
        "SIGUSR1 right after the start: {alive} of {processes} processes alive, at debug"
    );
}

fn from_outside() {
    let logging = init_json_logging();
    tell("ready", true);
    wait_until("a line", || logging.stats().written == 1);
    debug!("as root wished");
    tell("debug", true);
    wait_for_level(&logging, "info");
    tell_stats(&logging);
}

#[test]
fn an_administrator_changes_the_level_with_kill() {
    let mut running = Child::new("from_outside").start();
    running.wait_for("ready");
    kill_process(running.id(), Signal::USR1).unwrap();
    running.wait_for("debug");
    kill_process(running.id(), Signal::USR2).unwrap();
    let ended = running.wait().ok();
    assert_eq!(said(&ended.lines(), "as root wished").len(), 1);
}

fn for_one_user() {
    let logging = init_json_logging();
    let ours = info_span!("request", user_id = "u-42");
    let other = info_span!("request", user_id = "u-7");
    send_and_wait(&logging, Signal::USR1);
    ours.in_scope(|| debug!("seen"));
    other.in_scope(|| debug!("not seen"));
    debug!("nor this");
}

#[test]
fn sigusr1_can_show_the_debug_lines_of_one_user_only() {
    let child = Child::new("for_one_user").env("LOG_DEBUG_LEVEL", "[{user_id=u-42}]=debug");
    let lines = child.run().ok().lines();
    assert_eq!(said(&lines, "seen").len(), 1);
    assert_eq!(said(&lines, "seen")[0]["metadata"]["user_id"], "u-42");
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(changes(&lines)[0].1, "info,[{user_id=u-42}]=debug");
}

#[test]
fn with_log_signals_off_signals_do_what_they_did() {
    let ended = Child::new("at_once").env("LOG_SIGNALS", "off").run();
    assert_eq!(ended.status.signal(), Some(Signal::USR1.as_raw()));
}

/// A registry of one's own, whose level handles the signals.
fn by_hand() {
    let level = LevelHandle::new("warn").unwrap();
    let error = level.handle_signals("loud", Duration::ZERO).unwrap_err();
    tell("error", error.to_string());
    level.handle_signals("trace", Duration::ZERO).unwrap();
    let layer = JsonLayer::new(Sink::stdout()).with_level(&level);
    let subscriber = tracing_subscriber::registry().with(level.filter());
    tracing::subscriber::set_global_default(subscriber.with(layer)).unwrap();
    for (signal, expected) in [(Signal::USR1, "trace"), (Signal::USR2, "warn")] {
        send(signal);
        wait_until(expected, || level.current() == expected);
    }
}

#[test]
fn a_level_handles_signals_without_our_init_too() {
    let ended = Child::new("by_hand").run().ok();
    let error = ended.told("error");
    assert!(error.as_str().unwrap().contains("`loud`"), "{error}");
}
