//! Debug for one user, request or trace only: decided by the scope that an event is in.

mod level_support;
mod support;

use level_support::Service;
use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;
use tracing::field::Empty;
use tracing::{Instrument, Span, debug, debug_span, info, info_span, trace};

const ONE: &str = "info,[{user_id=u-42}]=debug";

#[test]
fn only_the_user_named_is_logged_at_debug() {
    let service = Service::start(ONE);
    for user in ["u-41", "u-42", "u-4", "u-421", "U-42", ""] {
        let _span = info_span!("request", user_id = user).entered();
        info!("{user} info");
        debug!("{user} debug");
        trace!("{user} trace");
    }
    debug!("no user");
    let expected = [
        "u-41 info",
        "u-42 info",
        "u-42 debug",
        "u-4 info",
        "u-421 info",
        "U-42 info",
        " info",
    ];
    assert_eq!(service.messages(), expected);
}

#[test]
fn inner_spans_are_in_the_scope_and_lines_carry_the_identifier() {
    let service = Service::start(ONE);
    let _request = info_span!("request", user_id = "u-42").entered();
    let _query = info_span!("query", table = "orders").entered();
    let _row = debug_span!("row", number = 3).entered();
    debug!("shown");
    let event = &service.events()[0];
    assert_eq!(event["metadata"]["user_id"], "u-42");
    let names: Vec<_> = event["spans"]
        .as_array()
        .unwrap()
        .iter()
        .map(|span| &span["name"])
        .collect();
    assert_eq!(names, ["request", "query", "row"]);
}

#[test]
fn the_innermost_identifier_decides() {
    let service = Service::start(ONE);
    let _outer = info_span!("as u-42", user_id = "u-42").entered();
    {
        let _inner = info_span!("as u-7", user_id = "u-7").entered();
        debug!("of u-7");
        let _innermost = info_span!("as u-42 again", user_id = "u-42").entered();
        debug!("of u-42 again");
    }
    debug!("of u-42");
    assert_eq!(service.messages(), ["of u-42 again", "of u-42"]);
}

#[test]
fn an_identifier_recorded_late_on_an_ancestor_counts() {
    let service = Service::start(ONE);
    let request = info_span!("request", user_id = Empty);
    let _request = request.enter();
    let _inner = info_span!("inner").entered();
    let log = || debug!("of {}", service.messages().len());
    log();
    request.record("user_id", "u-7");
    log();
    request.record("user_id", "u-42");
    log();
    request.record("user_id", "u-8");
    log();
    assert_eq!(service.messages(), ["of 0"]);
}

#[test]
fn an_identifier_matches_however_it_was_recorded() {
    let check = |directive: &str, span: fn() -> Span| {
        let service = Service::start(directive);
        let _span = span().entered();
        debug!("shown");
        assert_eq!(service.messages(), ["shown"], "{directive}");
    };
    check(
        "[{user_id=u-42}]=debug",
        || info_span!("r", user_id = ?"u-42"),
    );
    check(
        "[{user_id=u-42}]=debug",
        || info_span!("r", user_id = %"u-42"),
    );
    check("[{user_id=u-42}]=debug", || {
        info_span!("r", user_id = String::from("u-42"))
    });
    check("[{user_id=42}]=debug", || info_span!("r", user_id = 42));
    check("[{user_id=-42}]=debug", || {
        info_span!("r", user_id = -42_i8)
    });
    check("[{user_id=42}]=debug", || {
        info_span!("r", user_id = Some(42_u128))
    });
    check("[{user_id=42}]=debug", || info_span!("r", user_id = ?42));
    check(
        "[{user_id=\"a \\\"b\\\"\"}]=debug",
        || info_span!("r", user_id = ?"a \"b\""),
    );
    check("[{user_id=true}]=debug", || info_span!("r", user_id = true));
    check("[{user_id=Är\u{2028}ger}]=debug", || {
        info_span!("r", user_id = "Är\u{2028}ger")
    });
}

#[test]
fn a_directive_may_be_for_one_target() {
    let service = Service::start("info,shop[{user_id=u-42}]=debug,shop::db[{user_id=u-42}]=trace");
    let _span = info_span!("request", user_id = "u-42").entered();
    debug!(target: "other", "other");
    debug!(target: "shop", "shop");
    trace!(target: "shop", "hidden");
    trace!(target: "shop::db", "shop::db");
    assert_eq!(service.messages(), ["shop", "shop::db"]);
}

#[test]
fn a_user_may_be_all_that_is_logged() {
    for rest in ["off", "error"] {
        let service = Service::start(&format!("{rest},[{{user_id=u-42}}]=debug"));
        let log = || {
            info!("info");
            debug!("debug");
        };
        info_span!("request", user_id = "u-42").in_scope(log);
        info_span!("request", user_id = "u-7").in_scope(log);
        assert_eq!(service.messages(), ["info", "debug"], "{rest}");
    }
}

#[test]
fn a_request_in_flight_is_found_when_the_level_is_set() {
    let service = Service::start("warn");
    let log = |message: &str| debug!("{message}");
    let request = info_span!("request", user_id = "u-42").entered();
    log("hidden");
    service.set(ONE);
    log("shown");
    {
        let _other = info_span!("request", user_id = "u-7").entered();
        log("hidden");
    }
    service.level.reset();
    log("hidden");
    drop(request);
    assert_eq!(service.messages(), ["shown"]);
}

#[test]
fn the_scope_ends_with_the_span() {
    let service = Service::start(ONE);
    let span = info_span!("request", user_id = "u-42");
    let log = |message: &str| debug!("{message}");
    span.in_scope(|| log("in"));
    log("out");
    let _ = std::panic::catch_unwind(|| {
        let _span = info_span!("request", user_id = "u-42").entered();
        std::panic::resume_unwind(Box::new("unwound"));
    });
    log("unwound");
    span.in_scope(|| log("in again"));
    drop(span);
    for _ in 0..100 {
        let _same_slot = info_span!("request").entered();
        log("next span");
    }
    assert_eq!(service.messages(), ["in", "in again"]);
}

#[test]
fn each_thread_has_its_own_scope() {
    let service = Service::start(ONE);
    let dispatch = service.dispatch();
    let shared = info_span!("request", user_id = Empty);
    thread::scope(|scope| {
        for number in 0..8 {
            let (dispatch, shared) = (&dispatch, shared.clone());
            scope.spawn(move || {
                tracing::dispatcher::with_default(dispatch, || {
                    for _ in 0..100 {
                        let user_id = if number == 3 { "u-42" } else { "u-7" };
                        let _span = info_span!("request", user_id).entered();
                        debug!("of {user_id}");
                    }
                    if number == 5 {
                        let _shared = shared.enter();
                        shared.record("user_id", "u-42");
                        debug!("of the shared one");
                    }
                });
            });
        }
    });
    let _shared = shared.entered();
    debug!("of the shared one");
    let messages = service.messages();
    let count = |text: &str| messages.iter().filter(|message| *message == text).count();
    assert_eq!(count("of u-42"), 100);
    assert_eq!(count("of the shared one"), 2);
    assert_eq!(messages.len(), 102);
}

#[test]
fn tasks_keep_their_scope_from_thread_to_thread() {
    let service = Service::start(ONE);
    let dispatch = service.dispatch();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .on_thread_start(move || {
            // For as long as the thread lives.
            std::mem::forget(tracing::dispatcher::set_default(&dispatch));
        })
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut tasks = Vec::new();
        for number in 0..50 {
            let user_id = if number % 5 == 0 { "u-42" } else { "u-7" };
            let request = info_span!("request", user_id = Empty, number);
            let task = async move {
                Span::current().record("user_id", user_id);
                for step in 0..4 {
                    debug!(number, step, "of {user_id}");
                    tokio::task::yield_now().await;
                    tokio::time::sleep(Duration::from_micros(200)).await;
                    async { debug!(number, step, "inner of {user_id}") }
                        .instrument(info_span!("step", step))
                        .await;
                }
            };
            tasks.push(tokio::spawn(task.instrument(request)));
        }
        for task in tasks {
            task.await.unwrap();
        }
    });
    drop(runtime);
    let events = service.events();
    assert_eq!(events.len(), 10 * 4 * 2);
    let users: BTreeSet<_> = events
        .iter()
        .map(|event| event["metadata"]["user_id"].as_str())
        .collect();
    assert_eq!(users, BTreeSet::from([Some("u-42")]));
}

#[test]
fn others_are_never_in_the_lines_of_one() {
    let service = Service::start("error,shop[{request_id=r-7}]=trace");
    for number in 0..50 {
        let _request = info_span!(target: "shop", "request", request_id = format!("r-{number}"), user_id = number).entered();
        debug!(target: "shop", "mine");
        trace!(target: "shop", "mine");
        info!(target: "other", "hidden");
    }
    let events = service.events();
    assert_eq!(events.len(), 2);
    for event in events {
        assert_eq!(event["metadata"]["request_id"], "r-7");
        assert_eq!(event["metadata"]["user_id"], "7");
    }
}
