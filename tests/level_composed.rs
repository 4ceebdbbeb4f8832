//! The filter in a subscriber of the user's own: for all of it, or for one layer.
#![allow(clippy::unwrap_used)]

mod level_support;
mod support;

use level_support::{changes, eventually, messages, turn};
use support::Capture;
use tracing::field::Empty;
use tracing::{debug, error, info, info_span, trace};
use tracing_jsonl::{JsonLayer, LevelHandle};
use tracing_subscriber::filter::{FilterExt, LevelFilter, filter_fn};
use tracing_subscriber::prelude::*;
use tracing_subscriber::{Layer, Registry, fmt};

fn text(capture: &Capture) -> String {
    String::from_utf8(capture.bytes()).unwrap()
}

struct Both {
    level: LevelHandle,
    json: Capture,
    text: Capture,
}

impl Both {
    fn at(directives: &str) -> Self {
        Self {
            level: LevelHandle::new(directives).unwrap(),
            json: Capture::default(),
            text: Capture::default(),
        }
    }

    fn json(&self) -> JsonLayer<Capture> {
        JsonLayer::new(self.json.clone()).with_level(&self.level)
    }

    fn text<S>(&self) -> impl Layer<S>
    where
        S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
    {
        fmt::layer().with_writer(self.text.clone()).with_ansi(false)
    }
}

/// One round of events at each of two levels.
fn flip(level: &LevelHandle) {
    let log = |message: &str| {
        info!("{message} info");
        debug!("{message} debug");
    };
    log("first");
    level.set("debug").unwrap();
    log("second");
    level.reset();
    log("third");
}

const FLIPPED: [&str; 4] = ["first info", "second info", "second debug", "third info"];

#[test]
fn as_a_layer_it_decides_for_all_layers() {
    let _turn = turn();
    let both = Both::at("info");
    let subscriber = tracing_subscriber::registry()
        .with(both.level.filter())
        .with(both.json())
        .with(both.text());
    tracing::subscriber::with_default(subscriber, || flip(&both.level));
    assert_eq!(messages(&both.json), FLIPPED);
    assert_eq!(text(&both.text).lines().count(), FLIPPED.len());
    assert_eq!(changes(&both.json).len(), 2);
}

#[test]
fn as_a_layer_it_may_stand_above_the_others() {
    let _turn = turn();
    let both = Both::at("info");
    let subscriber = tracing_subscriber::registry()
        .with(both.text())
        .with(both.json())
        .with(both.level.filter());
    tracing::subscriber::with_default(subscriber, || flip(&both.level));
    assert_eq!(messages(&both.json), FLIPPED);
    assert_eq!(text(&both.text).lines().count(), FLIPPED.len());
}

#[test]
fn as_a_filter_it_decides_for_its_layer_only() {
    let _turn = turn();
    let both = Both::at("info");
    let subscriber = tracing_subscriber::registry()
        .with(both.json().with_filter(both.level.filter()))
        .with(both.text());
    tracing::subscriber::with_default(subscriber, || flip(&both.level));
    assert_eq!(messages(&both.json), FLIPPED);
    assert_eq!(text(&both.text).lines().count(), 6, "{}", text(&both.text));
    assert_eq!(changes(&both.json).len(), 2);
}

#[test]
fn as_a_filter_of_each_layer_it_decides_for_each() {
    let _turn = turn();
    let both = Both::at("info");
    let other = LevelHandle::new("error").unwrap();
    let subscriber = tracing_subscriber::registry()
        .with(both.json().with_filter(both.level.filter()))
        .with(both.text().with_filter(other.filter()));
    tracing::subscriber::with_default(subscriber, || {
        flip(&both.level);
        error!("both");
        flip(&other);
    });
    let (json, text) = (messages(&both.json), text(&both.text));
    assert_eq!(json[..4], FLIPPED);
    assert_eq!(
        json[4..],
        ["both", "first info", "second info", "third info"]
    );
    let shown: Vec<_> = text
        .lines()
        .map(|line| line.rsplit(": ").next().unwrap())
        .collect();
    assert_eq!(shown, ["both", "second info", "second debug"]);
}

#[test]
fn as_a_filter_of_a_foreign_layer_alone_it_changes_too() {
    let _turn = turn();
    let both = Both::at("info");
    let subscriber = Registry::default().with(both.text().with_filter(both.level.filter()));
    tracing::subscriber::with_default(subscriber, || flip(&both.level));
    assert_eq!(text(&both.text).lines().count(), FLIPPED.len());
}

#[test]
fn as_a_filter_it_combines_with_others() {
    let _turn = turn();
    let both = Both::at("info");
    let no_noise = filter_fn(|metadata| metadata.target() != "noise");
    let filter = both.level.filter().and(no_noise);
    let subscriber = tracing_subscriber::registry().with(both.json().with_filter(filter));
    tracing::subscriber::with_default(subscriber, || {
        info!(target: "noise", "hidden");
        flip(&both.level);
    });
    assert_eq!(messages(&both.json), FLIPPED);
}

#[test]
fn a_boxed_or_optional_layer_is_joined_too() {
    let _turn = turn();
    let both = Both::at("info");
    let subscriber = tracing_subscriber::registry()
        .with(both.level.filter())
        .with(Some(both.json().boxed()));
    tracing::subscriber::with_default(subscriber, || flip(&both.level));
    assert_eq!(messages(&both.json), FLIPPED);
    assert_eq!(changes(&both.json).len(), 2);
}

#[test]
fn per_layer_the_level_gates_events_and_not_context() {
    let _turn = turn();
    let both = Both::at("warn");
    let subscriber = tracing_subscriber::registry()
        .with(both.json().with_filter(both.level.filter()))
        .with(both.text().with_filter(LevelFilter::ERROR));
    tracing::subscriber::with_default(subscriber, || {
        let _span = info_span!("request", request_id = "r-7").entered();
        info!("hidden");
        error!("failed");
        both.level.set("debug").unwrap();
        debug!("shown");
        trace!("hidden");
    });
    assert_eq!(messages(&both.json), ["failed", "shown"]);
    for line in level_support::events(&both.json) {
        assert_eq!(line["metadata"]["request_id"], "r-7", "{line}");
    }
    assert!(!text(&both.text).contains("r-7"), "{}", text(&both.text));
}

#[test]
fn one_user_is_found_though_the_json_layer_does_not_see_the_span() {
    let _turn = turn();
    let both = Both::at("info,[{user_id=u-42}]=debug");
    let subscriber = tracing_subscriber::registry()
        .with(both.level.filter())
        .with(both.json().with_filter(LevelFilter::WARN))
        .with(both.text());
    tracing::subscriber::with_default(subscriber, || {
        let _span = info_span!("request", user_id = "u-42").entered();
        debug!("shown");
    });
    assert!(text(&both.text).contains("shown"));
}

#[test]
fn a_level_without_a_subscriber_changes_as_well() {
    let level = LevelHandle::new("info").unwrap();
    level.set("debug").unwrap();
    level
        .set_for("trace", std::time::Duration::from_millis(5))
        .unwrap();
    eventually("the end of trace", || level.current() == "info");
}

#[test]
fn one_level_serves_two_subscribers() {
    let _turn = turn();
    let (first, second) = (Both::at("info"), Capture::default());
    let dispatch = |layer: JsonLayer<Capture>| {
        let filter = first.level.filter();
        tracing::Dispatch::new(tracing_subscriber::registry().with(filter).with(layer))
    };
    let one = dispatch(first.json());
    let two = dispatch(JsonLayer::new(second.clone()).with_level(&first.level));
    let log = || debug!("debug");
    let log_in_each = || {
        tracing::dispatcher::with_default(&one, log);
        tracing::dispatcher::with_default(&two, log);
    };
    log_in_each();
    first.level.set("debug").unwrap();
    log_in_each();
    drop(one);
    first.level.set("info").unwrap();
    tracing::dispatcher::with_default(&two, log);
    first.level.set("debug").unwrap();
    tracing::dispatcher::with_default(&two, log);
    assert_eq!(
        (messages(&first.json).len(), messages(&second).len()),
        (1, 2)
    );
    assert_eq!((changes(&first.json).len(), changes(&second).len()), (1, 3));
}

#[test]
fn the_filter_keeps_the_scope_itself_where_no_json_layer_is_joined() {
    let _turn = turn();
    let level = LevelHandle::new("info,[{user_id=u-42}]=debug").unwrap();
    let log = || {
        let request = info_span!("request", user_id = Empty);
        let _entered = request.enter();
        debug!("unknown user");
        request.record("user_id", "u-42");
        debug!("late of u-42");
        let _other = info_span!("request", user_id = "u-7").entered();
        debug!("of u-7");
    };
    let check = |text: &Capture, json: &Capture| {
        assert_eq!(messages(json), ["late of u-42"]);
        let text = self::text(text);
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains("late of u-42"), "{text}");
    };
    let [text, json, second_text, second_json]: [Capture; 4] = Default::default();
    let subscriber = tracing_subscriber::registry()
        .with(level.filter())
        .with(fmt::layer().with_writer(text.clone()))
        .with(JsonLayer::new(json.clone()));
    tracing::subscriber::with_default(subscriber, log);
    check(&text, &json);
    let text_layer = fmt::layer().with_writer(second_text.clone());
    let subscriber = tracing_subscriber::registry()
        .with(text_layer.with_filter(level.filter()))
        .with(JsonLayer::new(second_json.clone()).with_filter(level.filter()));
    tracing::subscriber::with_default(subscriber, log);
    check(&second_text, &second_json);
}

#[test]
fn two_levels_with_different_users_keep_them_apart() {
    let _turn = turn();
    let one = Both::at("[{user_id=u-1}]=debug");
    let two = Both::at("[{user_id=u-2}]=debug");
    let subscriber = tracing_subscriber::registry()
        .with(one.json().with_filter(one.level.filter()))
        .with(two.json().with_filter(two.level.filter()));
    tracing::subscriber::with_default(subscriber, || {
        for user_id in ["u-1", "u-2", "u-3"] {
            let _span = info_span!("request", user_id).entered();
            debug!("of {user_id}");
        }
    });
    assert_eq!(messages(&one.json), ["of u-1"]);
    assert_eq!(messages(&two.json), ["of u-2"]);
}
