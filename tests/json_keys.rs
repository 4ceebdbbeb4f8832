//! Keys of maps inside `json(..)`: what has one obvious text is a key, whatever its Rust type.
#![allow(clippy::unwrap_used)]

mod support;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::{self, Debug};
use support::logged;
use tracing_jsonl::json;

/// A map from each of its keys, in order, to its place.
struct Keys<'a, K>(&'a [K]);

impl<K: Serialize> Serialize for Keys<'_, K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (place, key) in self.0.iter().enumerate() {
            map.serialize_entry(key, &place)?;
        }
        map.end()
    }
}

impl<K> Debug for Keys<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}

#[track_caller]
fn assert_keys<K: Serialize>(keys: &[K], expected: &Value) {
    let line = &logged(|| tracing::info!(map = json(Keys(keys)), "x"))[0];
    assert_eq!(&line["fields"]["map"], expected, "{line}");
    assert_eq!(line.get("encode_errors"), None, "{line}");
}

#[track_caller]
fn assert_refused<K: Serialize>(key: K, kind: &str) {
    let line = &logged(|| tracing::info!(map = json(Keys(&[key])), "x"))[0];
    assert!(line["fields"]["map"].is_null(), "{line}");
    let failure = &line["encode_errors"][0];
    assert_eq!(failure["debug"], "Keys");
    let error = failure["error"].as_str().unwrap();
    assert!(error.contains("key") && error.contains(kind), "{error}");
}

#[derive(Serialize)]
struct Unit;

#[derive(Serialize)]
struct Wrapped(u8);

#[derive(Serialize)]
enum Choice {
    Plain,
    Holds(u8),
    Two(u8, u8),
    Has { a: u8 },
}

#[derive(Serialize)]
struct Pair(u8, u8);

#[derive(Serialize)]
struct Named {
    a: u8,
}

/// As serde's own data model has them.
struct Bytes(&'static [u8]);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

struct Collected(u8);

impl Serialize for Collected {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("<{}>", self.0))
    }
}

#[test]
fn what_has_one_text_is_a_key() {
    use serde_json::json as expected;
    assert_keys(&["a\n", ""], &expected!({"a\n": 0, "": 1}));
    assert_keys(&[1.5, -2.0], &expected!({"1.5": 0, "-2": 1}));
    assert_keys(&[Some(1), Some(2)], &expected!({"1": 0, "2": 1}));
    assert_keys(&[Wrapped(7)], &expected!({"7": 0}));
    assert_keys(&[Choice::Plain], &expected!({"Plain": 0}));
    assert_keys(
        &[Bytes(b"text"), Bytes(b"\xff")],
        &expected!({"text": 0, "ff": 1}),
    );
    assert_keys(
        &[Collected(1), Collected(2)],
        &expected!({"<1>": 0, "<2>": 1}),
    );
    assert_keys(&[None::<u8>], &expected!({"null": 0}));
    assert_keys(&[()], &expected!({"null": 0}));
    assert_keys(&[Unit], &expected!({"Unit": 0}));
}

#[test]
fn a_key_given_twice_stands_once_though_nothing_else_is_there() {
    assert_keys(&["a", "a"], &serde_json::json!({"a": 1}));
    assert_keys(&[1, 1, 2], &serde_json::json!({"1": 1, "2": 2}));
}

#[test]
fn what_has_none_makes_the_value_stand_in() {
    assert_refused([1, 2], "a tuple");
    assert_refused(vec![1, 2], "a sequence");
    assert_refused(Pair(1, 2), "a tuple");
    assert_refused(BTreeMap::from([(1, 2)]), "a map");
    assert_refused(Named { a: 1 }, "a struct");
    assert_refused(Choice::Holds(1), "a variant with data");
    assert_refused(Choice::Two(1, 2), "a variant with data");
    assert_refused(Choice::Has { a: 1 }, "a variant with data");
}
