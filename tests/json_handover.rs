//! A `json` value hands itself over to our writer only, and only as the whole of a field.
#![allow(clippy::unwrap_used)]

mod support;

use serde_json::{Value, json as expected};
use std::fmt::{self, Debug, Write};
use support::{Capture, logged};
use tracing::field::{Field, Visit};
use tracing_jsonl::json;
use tracing_subscriber::prelude::*;

/// Gives a `json` value's own `Debug` to code that is no subscriber.
struct Inside<V>(V);

impl<V: tracing::Value> Debug for Inside<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        struct Writes<'a, 'b>(&'a mut fmt::Formatter<'b>, fmt::Result);
        impl Visit for Writes<'_, '_> {
            fn record_debug(&mut self, _field: &Field, value: &dyn Debug) {
                self.1 = value.fmt(self.0);
            }
        }
        let mut writes = Writes(f, Ok(()));
        self.0.record(&any_field(), &mut writes);
        writes.1
    }
}

fn any_field() -> Field {
    static FIELD: std::sync::OnceLock<Field> = std::sync::OnceLock::new();
    let make = || {
        let dispatch = tracing::Dispatch::new(tracing_subscriber::registry());
        let span = || tracing::info_span!("any", field = tracing::field::Empty);
        let span = tracing::dispatcher::with_default(&dispatch, span);
        span.field("field").unwrap()
    };
    FIELD.get_or_init(make).clone()
}

/// A `Debug` made of a function.
struct By<F>(F);

impl<F: Fn(&mut fmt::Formatter<'_>) -> fmt::Result> Debug for By<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (self.0)(f)
    }
}

fn by<F: Fn(&mut fmt::Formatter<'_>) -> fmt::Result>(write: F) -> By<F> {
    By(write)
}

fn value_of(value: impl Debug) -> Value {
    // Outside, since the helper's own span must not be in the line.
    any_field();
    let mut lines = logged(|| tracing::info!(?value, "x"));
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].get("encode_errors"), None);
    lines[0]["fields"]["value"].take()
}

#[test]
fn a_debug_that_is_nothing_but_a_json_value_is_json() {
    assert_eq!(value_of(Inside(json([1]))), expected!([1]));
}

#[test]
fn a_json_value_inside_other_text_is_text() {
    #[derive(Debug)]
    #[allow(dead_code)]
    struct Wrapper<D>(D);
    assert_eq!(value_of(Wrapper(Inside(json([1])))), "Wrapper([1])");
    assert_eq!(value_of([Inside(json("a"))]), "[\"a\"]");
    assert_eq!(value_of(by(|f| write!(f, "n{:?}", Inside(json(1))))), "n1");
}

#[test]
fn text_after_a_json_value_makes_all_of_it_text() {
    assert_eq!(
        value_of(by(|f| write!(f, "{:?} apples", Inside(json(3))))),
        "3 apples"
    );
    let twice = by(|f| write!(f, "{:?}{:?}", Inside(json([1])), Inside(json([2]))));
    assert_eq!(value_of(twice), "[1][2]");
}

#[test]
fn a_json_value_followed_by_a_panic_is_text_with_the_panic() {
    let lines = logged(|| {
        any_field();
        let value = by(|f| {
            Inside(json([1])).fmt(f)?;
            panic!("boom")
        });
        tracing::info!(?value, "x");
    });
    assert_eq!(lines[0]["fields"]["value"], "[1]!PANIC: boom");
    assert_eq!(lines[0]["encode_errors"][0]["key"], "value");
}

#[test]
fn a_json_value_written_elsewhere_while_a_field_is_formatted_stays_there() {
    let value = by(|f| {
        let mut elsewhere = String::new();
        write!(elsewhere, "{:?}", Inside(json("secret")))?;
        assert_eq!(elsewhere, "\"secret\"");
        f.write_str("own text")
    });
    assert_eq!(value_of(value), "own text");
    let value = by(|f| {
        let text = format!("{:?}", Inside(json("other")));
        Inside(json([text.len()])).fmt(f)
    });
    assert_eq!(value_of(value), expected!([7]));
}

#[test]
fn a_json_value_is_given_as_text_where_the_line_wants_text() {
    let lines = logged(|| tracing::info!(user_id = json([1]), message = json(["m"])));
    assert_eq!(lines[0]["metadata"]["user_id"], "[1]");
    assert_eq!(lines[0]["message"], "[\"m\"]");
}

#[test]
fn other_subscribers_print_a_json_value_as_its_debug_format() {
    #[derive(Debug, serde::Serialize)]
    struct Order {
        id: u8,
    }
    let (text, ours) = (Capture::default(), Capture::default());
    let fmt_layer = tracing_subscriber::fmt::layer()
        .with_writer(text.clone())
        .with_ansi(false);
    let subscriber = tracing_subscriber::registry()
        .with(tracing_jsonl::JsonLayer::new(ours.clone()))
        .with(fmt_layer);
    tracing::subscriber::with_default(subscriber, || {
        tracing::info!(order = json(Order { id: 17 }), "placed");
    });
    let text = String::from_utf8(text.bytes()).unwrap();
    assert!(
        text.ends_with("placed order=Order { id: 17 }\n"),
        "{text:?}"
    );
    assert_eq!(ours.lines()[0]["fields"]["order"], expected!({"id": 17}));
}

#[test]
fn a_json_value_is_an_event_field_a_span_field_and_a_recorded_one() {
    let lines = logged(|| {
        let span = tracing::info_span!("s", at_start = json([1]), later = tracing::field::Empty);
        span.record("later", json([2]));
        span.in_scope(|| tracing::info!(in_event = json([3]), "x"));
    });
    assert_eq!(
        lines[0]["spans"],
        expected!([{"name": "s", "at_start": [1], "later": [2]}])
    );
    assert_eq!(lines[0]["fields"], expected!({"in_event": [3]}));
}
