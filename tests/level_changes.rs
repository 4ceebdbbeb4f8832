//! Each change of the level is a line, and a change for a while ends by itself.

mod level_support;
mod support;

use level_support::{Service, changes, comes_true, eventually, turn};
use std::thread;
use std::time::{Duration, SystemTime};
use support::Capture;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tracing::{debug, error, info};
use tracing_jsonl::{JsonLayer, LevelHandle, Schema};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;

const MINUTE: Duration = Duration::from_secs(60);
const MOMENT: Duration = Duration::from_millis(30);

#[test]
fn a_change_is_a_line_with_from_to_and_by() {
    let service = Service::start("info,hyper=warn");
    service.set("[{user_id=\"a, b\"}]=debug");
    service.level.reset();
    let changes = service.changes();
    assert_eq!(changes.len(), 2);
    assert_eq!(changes[0]["from"], "info,hyper=warn");
    assert_eq!(changes[0]["to"], "info,[{user_id=\"a, b\"}]=debug");
    assert_eq!(changes[0]["by"], "api");
    assert!(changes[0]["until"].is_null());
    assert_eq!(changes[1]["from"], changes[0]["to"]);
    assert_eq!(changes[1]["to"], "info,hyper=warn");
    assert_eq!(changes[1]["by"], "api");
}

#[test]
fn a_change_for_a_while_says_until_when() {
    let service = Service::start("info");
    let before = OffsetDateTime::from(SystemTime::now());
    service.level.set_for("debug", MINUTE).unwrap();
    let after = OffsetDateTime::from(SystemTime::now());
    let change = &service.changes()[0];
    let until = OffsetDateTime::parse(change["until"].as_str().unwrap(), &Rfc3339).unwrap();
    // Lines have microseconds.
    let micro = Duration::from_micros(1);
    assert!(
        before + MINUTE - micro <= until && until <= after + MINUTE,
        "{change}"
    );
}

#[test]
fn a_change_to_the_same_writes_nothing() {
    let service = Service::start("info,hyper=warn");
    service.set("info,hyper=warn");
    service.set(" INFO , hyper=warning ");
    service.set("hyper=error,hyper=warn");
    service.level.set_for("hyper=warn", MINUTE).unwrap();
    service.level.reset();
    assert_eq!(service.capture.lines().len(), 0);
    service.set("hyper=warn,shop=debug");
    service.set("shop=debug,hyper=warn");
    assert_eq!(service.capture.lines().len(), 1);
}

#[test]
fn the_order_of_identifier_directives_makes_no_change() {
    let service = Service::start("info");
    service.set("[{user_id=a}]=debug,[{user_id=b,request_id=r}]=debug");
    service.set("[{request_id=r,user_id=b}]=debug,[{user_id=a}]=debug");
    assert_eq!(service.changes().len(), 1);
}

#[test]
fn changes_are_told_outside_all_filters() {
    let service = Service::start("error");
    service.set("off");
    error!("hidden");
    service.set("tracing_jsonl=off");
    service.set("off,tracing_jsonl=off");
    let to: Vec<_> = service
        .changes()
        .iter()
        .map(|change| change["to"].clone())
        .collect();
    assert_eq!(
        to,
        ["off", "error,tracing_jsonl=off", "off,tracing_jsonl=off"]
    );
    assert_eq!(service.capture.lines().len(), 3);
}

#[test]
fn every_joined_layer_tells_of_a_change_and_no_other() {
    let _turn = turn();
    let level = LevelHandle::new("info").unwrap();
    let captures: [Capture; 4] = Default::default();
    let [global, filtered, flat, apart] = &captures;
    let joined = |capture: &Capture| JsonLayer::new(capture.clone()).with_level(&level);
    let subscriber = tracing_subscriber::registry()
        .with(level.filter())
        .with(joined(global))
        .with(joined(filtered).with_filter(LevelFilter::OFF))
        .with(joined(flat).with_schema(Schema::flat()))
        .with(JsonLayer::new(apart.clone()));
    let guard = subscriber.set_default();
    level.set("debug").unwrap();
    for capture in [global, filtered] {
        assert_eq!(changes(capture).len(), 1);
    }
    assert_eq!(flat.lines()[0]["to"], "debug");
    assert_eq!(apart.lines().len(), 0);
    drop(guard);
    level.set("warn").unwrap();
    assert_eq!(
        changes(global).len(),
        1,
        "a layer that is gone tells nothing"
    );
}

#[test]
fn a_change_for_a_while_ends_with_a_line_by_expiry() {
    let service = Service::start("warn");
    service.set("error");
    service.level.set_for("debug", MOMENT).unwrap();
    eventually("the end of debug", || service.changes().len() == 3);
    assert_eq!(service.level.current(), "warn", "the configured level");
    info!("hidden");
    let change = &service.changes()[2];
    assert_eq!(change["from"], "debug");
    assert_eq!(change["to"], "warn");
    assert_eq!(change["by"], "expiry");
    assert!(change["until"].is_null());
    assert_eq!(service.messages().len(), 0);
}

#[test]
fn the_end_is_seen_by_the_next_event() {
    let service = Service::start("debug");
    let log = || debug!("hidden at the end");
    service.set("info");
    log();
    service.set("debug");
    service.level.reset();
    service.level.set_for("error", MOMENT).unwrap();
    eventually("the end of error", || service.changes().len() == 4);
    log();
    assert_eq!(service.messages().len(), 1);
}

#[test]
fn an_old_timer_does_not_undo_a_newer_change() {
    let service = Service::start("info");
    service.level.set_for("debug", MOMENT).unwrap();
    service.set("trace");
    thread::sleep(MOMENT * 5);
    assert_eq!(service.level.current(), "trace");
    service.level.set_for("debug", MOMENT).unwrap();
    service.level.reset();
    service.set("warn");
    thread::sleep(MOMENT * 5);
    assert_eq!(service.level.current(), "warn");
}

#[test]
fn the_same_level_without_an_end_takes_the_end_away() {
    let service = Service::start("info");
    service.level.set_for("debug", MOMENT).unwrap();
    service.set("debug");
    thread::sleep(MOMENT * 5);
    assert_eq!(service.level.current(), "debug");
}

#[test]
fn a_longer_time_renews_a_change() {
    let service = Service::start("info");
    service.level.set_for("debug", MOMENT).unwrap();
    service.level.set_for("debug", MINUTE).unwrap();
    thread::sleep(MOMENT * 5);
    assert_eq!(service.level.current(), "debug");
}

#[test]
fn a_shorter_time_counts_from_then_on() {
    let service = Service::start("info");
    service.level.set_for("debug", MINUTE).unwrap();
    service.level.set_for("trace", MOMENT).unwrap();
    eventually("the end of trace", || service.level.current() == "info");
    service.level.set_for("debug", MINUTE).unwrap();
    service.level.set_for("debug", MOMENT).unwrap();
    eventually("the end of debug", || service.level.current() == "info");
}

#[test]
fn no_time_at_all_means_until_the_next_change() {
    let service = Service::start("info");
    service.level.set_for("debug", Duration::ZERO).unwrap();
    thread::sleep(MOMENT);
    assert_eq!(service.level.current(), "debug");
    assert!(service.changes()[0]["until"].is_null());
}

#[test]
fn the_longest_times_are_no_problem() {
    let service = Service::start("info");
    let years = |count: u64| Duration::from_secs(count * 365 * 86_400);
    let half = Duration::from_secs(u64::MAX / 4);
    for ttl in [
        Duration::MAX,
        Duration::from_secs(u64::MAX),
        half,
        years(10_000),
        years(300),
    ] {
        service.level.set_for("debug", ttl).unwrap();
        debug!("shown");
        service.level.reset();
    }
    assert_eq!(service.messages().len(), 5);
    assert_eq!(service.changes().len(), 10);
    service.level.set_for("debug", Duration::MAX).unwrap();
    service.level.set_for("debug", MOMENT).unwrap();
    eventually("the end of debug", || service.level.current() == "info");
}

#[test]
fn the_shortest_times_end() {
    let service = Service::start("info");
    for _ in 0..50 {
        service
            .level
            .set_for("debug", Duration::from_nanos(1))
            .unwrap();
    }
    eventually("the end of debug", || service.level.current() == "info");
}

#[test]
fn each_handle_ends_on_its_own() {
    let _turn = turn();
    let handles: Vec<_> = (0..20).map(|_| LevelHandle::new("info").unwrap()).collect();
    for (index, handle) in (1_u32..).zip(&handles) {
        let ttl = if index % 2 == 0 {
            MOMENT * index
        } else {
            MINUTE
        };
        handle.set_for("debug", ttl).unwrap();
    }
    let kept = |handle: &&LevelHandle| handle.current() == "debug";
    assert!(comes_true(|| handles.iter().filter(kept).count() == 10));
}
