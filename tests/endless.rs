//! Values without an end: each is told to stop once it is longer than the line may be.
#![allow(clippy::unwrap_used)]

mod support;

use serde::ser::{Error, Serialize, SerializeMap, SerializeSeq, Serializer};
use std::fmt;
use support::logged;
use tracing_jsonl::json;

/// Writes for as long as it may.
struct Endless;

impl fmt::Debug for Endless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        loop {
            f.write_str("and so on ")?;
        }
    }
}

impl Serialize for Endless {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        loop {
            list.serialize_element("and so on")?;
        }
    }
}

#[test]
fn a_debug_format_without_an_end_is_told_to_stop() {
    let lines = logged(|| tracing::info!(a = ?Endless, "x"));
    let text = lines[0]["fields"]["a"].as_str().unwrap();
    assert!(text.starts_with("and so on and"), "{text}");
    assert_eq!(lines[0]["truncated"], true);
    assert_eq!(lines[0].get("encode_errors"), None);
}

#[test]
fn a_list_without_an_end_is_told_to_stop() {
    let lines = logged(|| tracing::info!(a = json(Endless), "x"));
    assert!(lines[0]["fields"]["a"].is_null());
    let text = lines[0]["encode_errors"][0]["debug"].as_str().unwrap();
    assert!(text.starts_with(r#"["and so on","and so on""#), "{text}");
    assert_eq!(lines[0]["truncated"], true);
}

/// Numbers, which no string's length gives away.
struct Numbers;

impl Serialize for Numbers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for key in 0_u64.. {
            map.serialize_entry(&key, &key)?;
        }
        map.end()
    }
}

impl fmt::Debug for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("all")
    }
}

#[test]
fn a_map_without_an_end_is_told_to_stop() {
    let lines = logged(|| tracing::info!(a = json(Numbers), "x"));
    assert!(lines[0]["fields"]["a"].is_null());
    assert_eq!(lines[0]["truncated"], true);
}

/// Cannot be serialized, and its debug format has no end.
struct Neither;

impl fmt::Debug for Neither {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&Endless, f)
    }
}

impl Serialize for Neither {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom("no"))
    }
}

#[test]
fn a_stand_in_without_an_end_is_told_to_stop() {
    let lines = logged(|| tracing::info!(a = json(Neither), "x"));
    assert!(lines[0]["fields"]["a"].is_null());
    let listed = &lines[0]["encode_errors"][0];
    assert_eq!(listed["error"], "no");
    let text = listed["debug"].as_str().unwrap();
    assert!(text.starts_with("and so on and"), "{text}");
}
