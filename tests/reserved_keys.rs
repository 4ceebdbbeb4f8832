//! The line's own keys as names of everything that a user may name: fields of events and spans,
//! key-values of `log` records, static fields.
#![allow(clippy::unwrap_used)]
#![recursion_limit = "512"]

mod hostile_support;
mod support;

use hostile_support::{Random, add, cases, written};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use support::figures::{counts, holds};
use support::noon;
use tracing::{info, info_span};
use tracing_jsonl::{JsonLayer, Schema};

/// Calls `$do` with every name that a line may use itself, under any schema or in any of its
/// objects, and with the names that these become when they are taken.
macro_rules! with_names {
    ($do:ident) => {
        $do!(
            "timestamp",
            "level",
            "message",
            "target",
            "metadata",
            "fields",
            "spans",
            "truncated",
            "removed",
            "encode_errors",
            "file",
            "line",
            "thread",
            "thread_id",
            "request_id",
            "user_id",
            "trace_id",
            "name",
            "key",
            "span",
            "error",
            "debug",
            "chain",
            "log.target",
            "log.file",
            "log.line",
            "log.module_path",
            "log.kv",
            "fields.level",
            "fields.fields.level",
            "fields.message",
            "fields.name",
            "fields.request_id",
            "service",
            "fields.service",
            ""
        )
    };
}

macro_rules! list {
    ($($name:literal),*) => { &[$($name),*] };
}
const NAMES: &[&str] = with_names!(list);
const IDENTIFIERS: [&str; 3] = ["request_id", "user_id", "trace_id"];

/// What one place is given: a value of its own under some of the names.
type Given = BTreeMap<&'static str, String>;

fn log_event(given: &Given) {
    let value = |name| given.get(name).map(String::as_str);
    macro_rules! event {
        ($($name:literal),*) => { info!(target: "t", nan = f64::NAN, $($name = value($name)),*, "text") };
    }
    with_names!(event);
}

fn log_record(given: &Given) {
    let values: Vec<_> = given
        .iter()
        .map(|(name, value)| (*name, log::kv::Value::from(value.as_str())))
        .collect();
    let values = [&values[..], &[("nan", log::kv::Value::from(f64::NAN))]].concat();
    log::logger().log(
        &log::Record::builder()
            .level(log::Level::Info)
            .target("t")
            .file(Some("f"))
            .line(Some(1))
            .key_values(&values)
            .args(format_args!("text"))
            .build(),
    );
}

fn in_span(given: &Given, code: impl FnOnce()) {
    let value = |name| given.get(name).map(String::as_str);
    macro_rules! span {
        ($($name:literal),*) => { info_span!("own", $($name = value($name)),*) };
    }
    with_names!(span).in_scope(code);
}

/// Gives names to the four places; where one place would hide another, to one of them only.
fn give(random: &mut Random, is_flat: bool) -> [Given; 4] {
    let mut places: [Given; 4] = Default::default();
    let mut values = 0;
    for name in NAMES {
        let chosen = random.below(places.len());
        let only_there = is_flat || IDENTIFIERS.contains(name);
        for (at, given) in places.iter_mut().enumerate() {
            if (!only_there || at == chosen) && random.below(3) > 0 {
                values += 1;
                given.insert(name, format!("value {values}."));
            }
        }
    }
    places
}

fn texts(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => _ = found.insert(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| texts(value, found)),
        Value::Object(members) => members.values().for_each(|value| texts(value, found)),
        _ => {}
    }
}

/// What stands under the line's own keys is the line's own.
fn assert_own(line: &Value, is_flat: bool, is_record: bool) {
    assert_eq!(line["timestamp"], "2026-11-23T14:26:46.123456Z");
    assert_eq!(
        (&line["level"], &line["message"]),
        (&"info".into(), &"text".into())
    );
    assert_eq!(line["target"], "t");
    assert_eq!(line["thread"], "reserved");
    assert!(line["thread_id"].is_u64() && line["line"].is_u64());
    let file = line["file"].as_str().unwrap();
    assert_eq!(file == "f", is_record, "{file}");
    assert_eq!(line["encode_errors"].as_array().map(Vec::len), Some(1));
    assert_eq!(line["encode_errors"][0]["key"], "nan");
    assert_eq!(line.get("truncated").or(line.get("removed")), None);
    if !is_flat {
        let metadata = line.get("metadata").and_then(Value::as_object);
        assert!(
            metadata
                .is_none_or(|object| object.keys().all(|key| IDENTIFIERS.contains(&key.as_str())))
        );
        let names: Vec<_> = line["spans"]
            .as_array()
            .unwrap()
            .iter()
            .map(|span| &span["name"])
            .collect();
        assert_eq!(names, ["own", "own"]);
        assert!(line["fields"].is_object());
    }
}

/// Tries them all; gives the counters, and how many values were found again.
fn try_all() -> ([u64; 4], usize) {
    let mut random = Random::new(32);
    let (mut sum, mut found_again) = ([0; 4], 0);
    for case in 0..cases(2_000, 30_000) {
        let (is_flat, is_record) = (case % 2 == 0, case % 4 < 2);
        let [statics, outer, inner, event] = give(&mut random, is_flat);
        let with = |layer: JsonLayer<support::Capture>| {
            let layer = layer
                .with_clock(noon)
                .with_thread(true)
                .with_source_location(true);
            let schema = if is_flat {
                Schema::flat()
            } else {
                Schema::default()
            };
            let fields = statics.iter();
            fields.fold(layer.with_schema(schema), |layer, (name, value)| {
                layer.with_static_field(*name, value)
            })
        };
        let log = if is_record { log_record } else { log_event };
        let (bytes, stats) = written(with, || in_span(&outer, || in_span(&inner, || log(&event))));
        // Each key at most once, at every depth.
        let lines = support::lines(&bytes);
        assert_eq!(lines.len(), 1);
        assert_own(&lines[0], is_flat, is_record);
        let mut found = BTreeSet::new();
        texts(&lines[0], &mut found);
        let values = [&statics, &outer, &inner, &event]
            .into_iter()
            .flat_map(BTreeMap::values);
        for value in values {
            found_again += 1;
            assert!(found.contains(value), "no {value} in {}", lines[0]);
        }
        add(&mut sum, counts(stats));
    }
    (sum, found_again)
}

#[test]
fn a_name_of_the_lines_own_forges_nothing_and_loses_nothing() {
    let thread = std::thread::Builder::new().name("reserved".to_owned());
    let (counts, values) = thread.spawn(try_all).unwrap().join().unwrap();
    holds!(
        32,
        counts,
        "{values} values under {} of the line's own names, all found again, no key twice",
        NAMES.len()
    );
}
