//! Ten thousand events of which one in ten has a value that fails, wherever a value can stand.
#![allow(clippy::unwrap_used)]

mod hostile_support;
mod support;

use hostile_support::{Random, written};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use support::figures::{counts, holds};
use tracing::field::{Empty, debug};
use tracing::{info, info_span};

const EVENTS: usize = 10_000;

/// Writes its text, and then fails if it is to.
struct Given {
    text: String,
    fault: Option<Fault>,
}

#[derive(Clone, Copy)]
enum Fault {
    Panics,
    ReturnsErr,
}

impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        match self.fault {
            None => Ok(()),
            Some(Fault::Panics) => panic!("boom"),
            Some(Fault::ReturnsErr) => Err(fmt::Error),
        }
    }
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for Given {}

impl Serialize for Given {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Where a value can stand: how it gets there, the key it has in `encode_errors`, and the line
/// that shows `shown` in its place.
struct Place {
    log: fn(&Given, u64),
    key: &'static str,
    line: fn(&Value, u64) -> Value,
}

#[rustfmt::skip]
const PLACES: &[Place] = &[
    Place { log: |v, n| info!(v = ?v, n, "debug"), key: "v",
        line: |shown, n| json!({"message": "debug", "fields": {"v": shown, "n": n}}) },
    Place { log: |v, n| info!(v = %v, n, "display"), key: "v",
        line: |shown, n| json!({"message": "display", "fields": {"v": shown, "n": n}}) },
    Place { log: |v, n| info!(v = v as &dyn Error, n, "error"), key: "v",
        line: |shown, n| json!({"message": "error", "fields": {"v": {"message": shown, "chain": []}, "n": n}}) },
    Place { log: |v, n| info!("{n} {v}"), key: "message",
        line: |shown, n| json!({"message": format!("{n} {}", shown.as_str().unwrap())}) },
    Place { log: |v, n| info!(n, message = ?v), key: "message",
        line: |shown, n| json!({"message": shown, "fields": {"n": n}}) },
    Place { log: |v, n| info!(user_id = ?v, n, "identifier"), key: "user_id",
        line: |shown, n| json!({"message": "identifier", "metadata": {"user_id": shown}, "fields": {"n": n}}) },
    Place { log: |v, n| info_span!("s", v = ?v, n).in_scope(|| info!("span")), key: "v",
        line: |shown, n| json!({"message": "span", "spans": [{"name": "s", "v": shown, "n": n}]}) },
    Place { log: |v, n| info_span!("s", v = v as &dyn Error, n).in_scope(|| info!("span")), key: "v",
        line: |shown, n| json!({"message": "span", "spans": [{"name": "s", "v": {"message": shown, "chain": []}, "n": n}]}) },
    Place { log: |v, n| {
            let span = info_span!("s", v = Empty, n);
            span.record("v", debug(v));
            span.in_scope(|| info!("recorded"));
        }, key: "v",
        line: |shown, n| json!({"message": "recorded", "spans": [{"name": "s", "n": n, "v": shown}]}) },
    Place { log: |v, n| info_span!("s", request_id = %v, n).in_scope(|| info!("span")), key: "request_id",
        line: |shown, n| json!({"message": "span", "metadata": {"request_id": shown}, "spans": [{"name": "s", "n": n}]}) },
    Place { log: |v, n| log::info!(n; "{v}"), key: "message",
        line: |shown, n| json!({"message": shown, "fields": {"n": n}}) },
    Place { log: |v, n| log::info!(v:? = v, n; "record"), key: "v",
        line: |shown, n| json!({"message": "record", "fields": {"v": shown, "n": n}}) },
    Place { log: |v, n| log::info!(v:% = v, n; "record"), key: "v",
        line: |shown, n| json!({"message": "record", "fields": {"v": shown, "n": n}}) },
    Place { log: |v, n| log::info!(v:err = *v, n; "record"), key: "v",
        line: |shown, n| json!({"message": "record", "fields": {"v": {"message": shown, "chain": []}, "n": n}}) },
    // What cannot be serialized is `null`, whatever its text.
    Place { log: |v, n| info!(v = tracing_jsonl::json(v), n, "json"), key: "v",
        line: |shown, n| json!({"message": "json", "fields": {"v": shown, "n": n}}) },
    Place { log: |v, n| info_span!("s", v = tracing_jsonl::json([v]), n).in_scope(|| info!("span")), key: "v",
        line: |shown, n| {
            let shown = if shown.is_null() { Value::Null } else { json!([shown]) };
            json!({"message": "span", "spans": [{"name": "s", "v": shown, "n": n}]})
        } },
];
/// How many of them, at the end, are `json` values.
const NESTED: usize = 2;

/// What became of the events: their counters, panics in the caller, and values that failed.
struct Outcome {
    counts: [u64; 4],
    panics: usize,
    failing: u64,
}

/// Logs the events, a tenth of them with `fault`, and compares each line with what was given;
/// `marker` is what ends a text that failed.
fn bulk(fault: Fault, marker: &str) -> Outcome {
    let mut random = Random::new(23);
    let mut expected = Vec::new();
    let mut panics = 0;
    let (bytes, stats) = written(
        |layer| layer,
        || {
            for number in 0..EVENTS as u64 {
                let at = random.below(PLACES.len());
                let given = Given {
                    text: random.text(20),
                    fault: (random.below(10) == 0).then_some(fault),
                };
                let log = || (PLACES[at].log)(&given, number);
                panics += usize::from(catch_unwind(AssertUnwindSafe(log)).is_err());
                expected.push((at, number, given));
            }
        },
    );
    let lines = support::lines(&bytes);
    assert_eq!(lines.len(), expected.len());
    let mut failing = 0;
    for (mut line, (at, number, given)) in lines.into_iter().zip(expected) {
        failing += u64::from(given.fault.is_some());
        let mut shown = given.text;
        if given.fault.is_some() {
            shown.push_str(marker);
        }
        let object = line.as_object_mut().unwrap();
        assert_eq!(object.get("encode_errors").is_some(), given.fault.is_some());
        if let Some(listed) = object.remove("encode_errors") {
            assert_eq!(listed.as_array().unwrap().len(), 1);
            assert_eq!(listed[0]["key"], PLACES[at].key);
        }
        for key in ["timestamp", "level", "target"] {
            assert!(object.remove(key).is_some_and(|value| value.is_string()));
        }
        let nested = at >= PLACES.len() - NESTED;
        let shown = match given.fault {
            Some(_) if nested => Value::Null,
            _ => Value::from(shown),
        };
        assert_eq!(line, (PLACES[at].line)(&shown, number));
    }
    assert_eq!(stats.fallbacks, failing);
    assert_eq!(stats.written, EVENTS as u64);
    Outcome {
        counts: counts(stats),
        panics,
        failing,
    }
}

#[test]
fn values_that_panic_cost_themselves_and_nothing_else() {
    let Outcome {
        counts,
        panics,
        failing,
    } = bulk(Fault::Panics, "!PANIC: boom");
    assert_eq!(panics, 0);
    holds!(
        23,
        counts,
        "{EVENTS} valid lines, {failing} values panicked, {panics} panics reached the caller"
    );
}

#[test]
fn values_that_return_an_error_cost_themselves_and_nothing_else() {
    let Outcome {
        counts,
        panics,
        failing,
    } = bulk(Fault::ReturnsErr, "!ERROR: formatting returned an error");
    assert_eq!(panics, 0);
    holds!(
        24,
        counts,
        "{EVENTS} valid lines, {failing} values returned an error, {panics} panics reached the caller"
    );
}
