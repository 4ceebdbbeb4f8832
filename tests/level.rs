//! The level gates events, not context, and changes while the service runs.

mod level_support;
mod support;

use level_support::Service;
use std::sync::Barrier;
use std::thread;
use support::figures::{counts, holds};
use tracing::{debug, debug_span, error, info, info_span, trace, trace_span, warn};
use tracing_jsonl::LevelHandle;

#[test]
fn events_are_gated_by_the_level_of_their_target() {
    let service = Service::start("info,hyper=warn,shop=debug");
    info!(target: "hyper::proto", "hidden");
    warn!(target: "hyper::proto", "hyper warns");
    debug!(target: "shop", "shop debugs");
    trace!(target: "shop", "hidden");
    info!(target: "other", "other informs");
    debug!(target: "other", "hidden");
    assert_eq!(
        service.messages(),
        ["hyper warns", "shop debugs", "other informs"]
    );
}

#[test]
fn a_change_is_seen_by_the_next_event_in_both_directions() {
    let service = Service::start("info");
    let log = |message: &str| debug!("{message}");
    for round in 0..100 {
        log("hidden");
        service.set("debug");
        log(&format!("shown {round}"));
        service.set("hyper=trace");
    }
    let shown: Vec<_> = (0..100).map(|round| format!("shown {round}")).collect();
    assert_eq!(service.messages(), shown);
}

#[test]
fn a_change_is_seen_by_the_next_event_on_every_thread() {
    const THREADS: usize = 100;
    const ROUNDS: usize = 3;
    let service = Service::start("info");
    let (dispatch, level, barrier) = (
        service.dispatch(),
        &service.level,
        Barrier::new(THREADS + 1),
    );
    let wait = || {
        barrier.wait();
    };
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                tracing::dispatcher::with_default(&dispatch, || {
                    let log = |message: &str| debug!("{message}");
                    log("before");
                    wait();
                    for _ in 0..ROUNDS {
                        wait();
                        log("raised");
                        wait();
                        wait();
                        log("lowered");
                        wait();
                    }
                });
            });
        }
        wait();
        for _ in 0..ROUNDS {
            level.set("debug").unwrap();
            wait();
            wait();
            level.set("info").unwrap();
            wait();
            wait();
        }
    });
    let messages = service.messages();
    assert_eq!(messages, vec!["raised"; ROUNDS * THREADS]);
    holds!(
        19,
        counts(service.stats.get()),
        "next event on {THREADS} threads, {ROUNDS} times: {} of {} shown once raised, {} leaked \
         once lowered",
        messages.len(),
        ROUNDS * THREADS,
        messages
            .iter()
            .filter(|message| *message != "raised")
            .count()
    );
}

#[test]
fn an_error_line_keeps_its_identifiers_at_warn() {
    for level in ["warn", "error"] {
        let service = Service::start(level);
        let _span = info_span!("request", request_id = "r-7", user_id = 42).entered();
        info!("hidden");
        error!("failed");
        let events = service.events();
        assert_eq!(events.len(), 1, "{events:?}");
        assert_eq!(events[0]["metadata"]["request_id"], "r-7");
        assert_eq!(events[0]["metadata"]["user_id"], "42");
        assert_eq!(events[0]["spans"][0]["name"], "request");
    }
}

#[test]
fn a_request_in_flight_has_its_identifiers_after_a_change_to_debug() {
    let service = Service::start("warn");
    let span = info_span!(
        "request",
        request_id = "r-7",
        user_id = tracing::field::Empty
    );
    let _entered = span.enter();
    span.record("user_id", 42);
    debug!("hidden");
    service.set("debug");
    debug!("shown");
    let events = service.events();
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0]["message"], "shown");
    assert_eq!(events[0]["metadata"]["request_id"], "r-7");
    assert_eq!(events[0]["metadata"]["user_id"], "42");
}

#[test]
fn spans_at_warn_and_error_are_admitted_too() {
    let service = Service::start("error");
    let _warn = tracing::warn_span!("w", request_id = "r-7").entered();
    let _error = tracing::error_span!("e", user_id = "u-42").entered();
    error!("failed");
    let metadata = &service.events()[0]["metadata"];
    assert_eq!(metadata["request_id"], "r-7");
    assert_eq!(metadata["user_id"], "u-42");
}

#[test]
fn a_target_that_is_off_has_no_spans_either() {
    let service = Service::start("info,noisy=off");
    let _kept = info_span!(target: "shop", "request", request_id = "r-7").entered();
    let span = info_span!(target: "noisy", "inner", user_id = "u-42");
    assert!(span.is_disabled());
    let _entered = span.entered();
    error!(target: "noisy", "hidden");
    error!(target: "shop", "shown");
    let events = service.events();
    assert_eq!(service.messages(), ["shown"]);
    assert_eq!(events[0]["metadata"]["request_id"], "r-7");
    assert!(events[0]["metadata"]["user_id"].is_null());
    assert_eq!(events[0]["spans"].as_array().unwrap().len(), 1);
}

#[test]
fn debug_spans_are_admitted_where_debug_events_are() {
    let span = || debug_span!(target: "shop", "inner", user_id = "u-42");
    let service = Service::start("info");
    assert!(span().is_disabled());
    service.set("debug");
    assert!(!span().is_disabled());
    service.set("info,shop=debug");
    assert!(!span().is_disabled());
    service.set("debug,shop=info");
    assert!(span().is_disabled());
}

#[test]
fn spans_with_an_identifier_are_admitted_at_any_level_if_wished() {
    let service = Service::start_with("warn", |filter| filter.admit_identifier_spans(true));
    let _user = trace_span!("user", user_id = "u-42").entered();
    let _request = debug_span!("request", request_id = tracing::field::Empty).entered();
    let other = debug_span!("other", customer = 7);
    assert!(other.is_disabled());
    tracing::Span::current().record("request_id", "r-7");
    info!("hidden");
    debug!("hidden");
    error!("failed");
    assert_eq!(service.messages(), ["failed"]);
    let metadata = &service.events()[0]["metadata"];
    assert_eq!(metadata["request_id"], "r-7");
    assert_eq!(metadata["user_id"], "u-42");
}

#[test]
fn without_that_wish_they_are_not() {
    let service = Service::start("warn");
    let _user = debug_span!("user", user_id = "u-42").entered();
    error!("failed");
    assert!(service.events()[0]["metadata"].is_null());
}

#[test]
fn off_is_off_for_events_and_a_change_ends_it() {
    let service = Service::start("off");
    let log = || error!("failed");
    log();
    service.set("error");
    log();
    service.set("off");
    log();
    assert_eq!(service.messages().len(), 1);
}

#[test]
fn spans_are_admitted_while_events_are_off() {
    let service = Service::start("off");
    let _span = info_span!("request", request_id = "r-7").entered();
    service.set("debug");
    debug!("shown");
    assert_eq!(service.events()[0]["metadata"]["request_id"], "r-7");
}

#[test]
fn reset_returns_to_the_configured_directives() {
    let configured = "warn,hyper=error,[{user_id=u-42}]=debug";
    let service = Service::start(configured);
    assert_eq!(service.level.current(), configured);
    service.set("trace");
    assert_eq!(service.level.current(), "trace");
    service.set("hyper=debug");
    assert_eq!(service.level.current(), "warn,hyper=debug");
    service.level.reset();
    assert_eq!(service.level.current(), configured);
    info!("hidden");
    let _span = info_span!("request", user_id = "u-42").entered();
    debug!("shown");
    assert_eq!(service.messages(), ["shown"]);
}

#[test]
fn clones_are_the_same_handle() {
    let level = LevelHandle::new("info").unwrap();
    level.clone().set("debug").unwrap();
    assert_eq!(level.current(), "debug");
}

#[test]
fn an_invalid_directive_changes_nothing() {
    let service = Service::start("warn");
    let log = |message: &str| {
        warn!("{message} warn");
        info!("{message} info");
    };
    log("before");
    for text in [
        "info,nonsense",
        "nonsense,info",
        "info,[{customer=7}]=debug",
        "info,hyper=",
    ] {
        assert!(service.level.set(text).is_err());
        let minute = std::time::Duration::from_secs(60);
        assert!(service.level.set_for(text, minute).is_err());
    }
    log("after");
    assert_eq!(service.level.current(), "warn");
    assert_eq!(service.messages(), ["before warn", "after warn"]);
    assert_eq!(service.changes().len(), 0);
}
