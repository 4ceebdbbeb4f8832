//! Logging for the whole process: the level reaches the `log` crate, and starting twice is refused.

mod level_support;
mod support;

use level_support::{changes, eventually, messages, turn};
use std::sync::MutexGuard;
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;
use support::Capture;
use tracing::level_filters::LevelFilter;
use tracing_jsonl::{Logging, Panics};

struct Global {
    logging: Logging,
    capture: Capture,
    _turn: MutexGuard<'static, ()>,
}

/// The one logging of this process, at its configured level, for one test at a time.
fn global() -> Global {
    static LOGGING: OnceLock<(Logging, Capture)> = OnceLock::new();
    let turn = turn();
    let (logging, capture) = LOGGING.get_or_init(|| {
        let capture = Capture::default();
        let logging = Logging::builder()
            .writer(capture.clone())
            .signals(false)
            .panics(Panics::Off)
            .init();
        (logging, capture)
    });
    logging.level().reset();
    capture.clear();
    Global {
        logging: logging.clone(),
        capture: capture.clone(),
        _turn: turn,
    }
}

#[test]
fn the_log_crate_follows_the_level_of_events() {
    let global = global();
    assert_eq!(log::max_level(), log::LevelFilter::Info);
    for (directives, expected) in [
        ("warn", log::LevelFilter::Warn),
        ("error", log::LevelFilter::Error),
        ("off", log::LevelFilter::Off),
        ("debug", log::LevelFilter::Debug),
        ("warn,hyper=error", log::LevelFilter::Warn),
        ("warn,hyper=trace", log::LevelFilter::Trace),
        ("off,hyper=warn", log::LevelFilter::Warn),
        ("warn,[{user_id=u-42}]=debug", log::LevelFilter::Debug),
        ("off,shop[{user_id=u-42}]=warn", log::LevelFilter::Warn),
        ("trace", log::LevelFilter::Trace),
        ("info", log::LevelFilter::Info),
    ] {
        global.logging.level().set(directives).unwrap();
        assert_eq!(log::max_level(), expected, "{directives}");
    }
}

#[test]
fn at_warn_spans_are_admitted_and_log_records_below_are_not_made() {
    let global = global();
    global.logging.level().set("warn").unwrap();
    assert_eq!(LevelFilter::current(), LevelFilter::INFO);
    assert_eq!(log::max_level(), log::LevelFilter::Warn);
    let _span = tracing::info_span!("request", request_id = "r-7").entered();
    log::info!("hidden");
    log::warn!("shown");
    assert_eq!(messages(&global.capture), ["shown"]);
    let event = &level_support::events(&global.capture)[0];
    assert_eq!(event["metadata"]["request_id"], "r-7");
}

#[test]
fn records_of_the_log_crate_obey_a_change() {
    let global = global();
    let level = global.logging.level();
    let log = |message: &str| {
        log::info!(target: "shop", "{message} info");
        log::debug!(target: "shop", "{message} debug");
        log::debug!(target: "hyper::proto", "{message} hyper");
    };
    log("first");
    level.set("debug,hyper=warn").unwrap();
    log("second");
    level.set("off,hyper=trace").unwrap();
    log("third");
    level.reset();
    log("fourth");
    let expected = [
        "first info",
        "second info",
        "second debug",
        "third hyper",
        "fourth info",
    ];
    assert_eq!(messages(&global.capture), expected);
}

#[test]
fn records_of_the_log_crate_obey_an_expiry() {
    let global = global();
    let level = global.logging.level();
    level.set_for("debug", Duration::from_millis(20)).unwrap();
    eventually("the end of debug", || changes(&global.capture).len() == 2);
    assert_eq!(log::max_level(), log::LevelFilter::Info);
    log::debug!("hidden");
    assert!(messages(&global.capture).is_empty());
}

#[test]
fn one_user_is_found_in_records_of_the_log_crate() {
    let global = global();
    let level = global.logging.level();
    level.set("[{user_id=u-42}]=debug").unwrap();
    for user_id in ["u-41", "u-42"] {
        let _span = tracing::info_span!("request", user_id).entered();
        log::debug!(target: "hyper", "of {user_id}");
    }
    log::debug!(target: "hyper", "of nobody");
    assert_eq!(messages(&global.capture), ["of u-42"]);
}

#[test]
fn a_change_by_code_is_seen_on_every_thread() {
    let global = global();
    let level = global.logging.level();
    thread::scope(|scope| scope.spawn(|| level.set("debug").unwrap()).join().unwrap());
    let log = || {
        tracing::debug!("tracing");
        log::debug!("log");
    };
    log();
    thread::scope(|scope| scope.spawn(log).join().unwrap());
    assert_eq!(
        messages(&global.capture),
        ["tracing", "log", "tracing", "log"]
    );
    let change = &changes(&global.capture)[0];
    assert_eq!(
        (&change["from"], &change["to"]),
        (&"info".into(), &"debug".into())
    );
}

#[test]
fn starting_again_is_refused_and_leaves_the_first_untouched() {
    let global = global();
    let level = global.logging.level();
    level.set("warn,hyper=error").unwrap();
    let (stats, lines) = (global.logging.stats(), global.capture.lines());
    let other = Capture::default();
    let again = Logging::builder().level("trace").writer(other.clone());
    let error = again.signals(false).try_init().unwrap_err();
    assert!(error.is_already_set(), "{error}");
    assert!(error.misconfigurations().is_empty());

    assert_eq!(level.current(), "warn,hyper=error");
    assert_eq!(global.logging.stats(), stats);
    assert_eq!(global.capture.lines(), lines);
    assert_eq!(log::max_level(), log::LevelFilter::Warn);
    tracing::info!("hidden");
    tracing::warn!("shown");
    level.set("info").unwrap();
    assert_eq!(messages(&global.capture), ["shown"]);
    assert_eq!(log::max_level(), log::LevelFilter::Info);
    assert_eq!(other.calls(), 0);
}

#[test]
fn a_refused_start_leaves_hidden_events_as_cheap_as_before() {
    let global = global();
    global.logging.level().set("warn").unwrap();
    let before = LevelFilter::current();
    let again = Logging::builder().level("trace").writer(Capture::default());
    assert!(again.signals(false).try_init().is_err());
    assert_eq!(
        LevelFilter::current(),
        before,
        "what `tracing` skips without asking"
    );
}

#[test]
fn a_strict_start_that_cannot_use_a_setting_changes_nothing() {
    let global = global();
    global.logging.level().set("warn").unwrap();
    let again = Logging::builder().level("info,hyper=wran").signals(false);
    let error = again.try_init().unwrap_err();
    assert!(!error.is_already_set());
    assert_eq!(error.misconfigurations()[0].setting(), "level");
    assert!(error.to_string().contains("hyper=wran"), "{error}");
    assert_eq!(global.logging.level().current(), "warn");
}

#[test]
fn a_handle_of_its_own_leaves_the_log_crate_alone() {
    let global = global();
    let own = tracing_jsonl::LevelHandle::new("info").unwrap();
    own.set("error").unwrap();
    assert_eq!(log::max_level(), log::LevelFilter::Info);
    log::info!("heard");
    assert_eq!(messages(&global.capture), ["heard"]);
}
