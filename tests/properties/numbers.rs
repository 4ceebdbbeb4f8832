//! Numbers, bytes, and JSON that somebody else wrote: all of it reads back as it was.

use proptest::prelude::*;
use serde::ser::{Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::fmt::Write;
use tracing_jsonl::JsonLayer;
use tracing_subscriber::prelude::*;

use crate::any::{text, value};
use crate::support::{Capture, strict};
use crate::{BYTES, FOREIGN, FOREIGN_NUMBERS, NUMBERS, check};

/// The text of the one line that `code` logs.
fn line(code: impl FnOnce()) -> String {
    let capture = Capture::default();
    let layer = JsonLayer::new(capture.clone()).with_max_line_bytes(0);
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), code);
    let text = String::from_utf8(capture.bytes()).unwrap();
    assert_eq!(text.find('\n'), Some(text.len() - 1));
    strict(text.trim_end().as_bytes());
    text
}

/// The one line with JSON from elsewhere in it.
fn line_with(raw: String) -> String {
    let raw = RawValue::from_string(raw).unwrap();
    line(|| tracing::info!(raw = tracing_jsonl::json(&raw), "x"))
}

/// What stands for a number of this name in a line.
fn token<'a>(line: &'a str, key: &str) -> &'a str {
    let rest = line.split_once(&format!("\"{key}\":")).unwrap().1;
    rest.split([',', '}']).next().unwrap()
}

#[test]
fn every_number_reads_back_as_it_was() {
    check!(NUMBERS, any::<(f64, f32, i64, u64, i128)>(), |(
        double,
        single,
        int,
        natural,
        wide,
    )| {
        let text = line(|| {
            tracing::info!(
                double,
                json = tracing_jsonl::json(double),
                single = tracing_jsonl::json(single),
                int,
                natural,
                wide,
                "x"
            );
        });
        // The standard library reads floats exactly, which not every JSON parser does.
        for key in ["double", "json"] {
            let read: Option<f64> = token(&text, key).parse().ok();
            let expected = double.is_finite().then(|| double.to_bits());
            prop_assert_eq!(read.map(f64::to_bits), expected);
        }
        let read: Option<f32> = token(&text, "single").parse().ok();
        let expected = single.is_finite().then(|| single.to_bits());
        prop_assert_eq!(read.map(f32::to_bits), expected);
        prop_assert_eq!(token(&text, "int"), int.to_string());
        prop_assert_eq!(token(&text, "natural"), natural.to_string());
        prop_assert_eq!(token(&text, "wide"), format!("\"{wide}\""));
        Ok(())
    });
}

/// A map whose `Serialize` gives each key twice, its own value last.
#[derive(Debug)]
struct Twice<'a>(&'a [(String, Value)], &'a Value);

impl<'a> Twice<'a> {
    fn pairs(&self) -> impl Iterator<Item = (&'a String, &'a Value)> {
        let first = self.0.iter().map(|(key, _)| (key, self.1));
        first.chain(self.0.iter().map(|(key, value)| (key, value)))
    }
}

impl Serialize for Twice<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.pairs())
    }
}

#[test]
fn json_from_elsewhere_is_the_same_json_with_unique_keys() {
    let members = prop::collection::vec((text(), value(text())), 0..4);
    check!(FOREIGN, (members, value(text())), |(members, other)| {
        let twice = Twice(&members, &other);
        // Written by hand, with line breaks in between.
        let mut raw = String::from("{\n");
        for (key, value) in twice.pairs() {
            let comma = if raw.len() > 2 { ",\r\n" } else { "" };
            let _ = write!(raw, "{comma}{}:{value}", Value::from(key.as_str()));
        }
        raw.push('}');
        let raw = RawValue::from_string(raw).unwrap();
        let json = (tracing_jsonl::json(&twice), tracing_jsonl::json(&raw));
        let line = line(|| tracing::info!(twice = json.0, raw = json.1, "x"));
        let line = strict(line.trim_end().as_bytes());
        let unique = Value::Object(members.iter().cloned().collect());
        prop_assert_eq!(&line["fields"], &json!({"twice": unique, "raw": unique}));
        Ok(())
    });
}

#[test]
fn numbers_from_elsewhere_keep_their_value_and_digits() {
    check!(FOREIGN_NUMBERS, any::<(f64, u128)>(), |(float, wide)| {
        prop_assume!(float.is_finite());
        // The twin makes the value be read and written again.
        let raw = format!(r#"{{"twice":0,"twice":{float:e},"wide":{wide}}}"#);
        let text = line_with(raw);
        let read = token(&text, "twice").parse::<f64>();
        prop_assert_eq!(read.map(f64::to_bits), Ok(float.to_bits()));
        // A string, as 128-bit integers are, or the digits as they came.
        prop_assert_eq!(token(&text, "wide").trim_matches('"'), wide.to_string());
        Ok(())
    });
}

#[test]
fn bytes_read_back() {
    check!(BYTES, prop::collection::vec(any::<u8>(), 0..100), |bytes| {
        let text = line(|| tracing::info!(bytes = &bytes[..], "x"));
        let expected = String::from_utf8(bytes).unwrap_or_else(|error| {
            let mut hex = String::new();
            for byte in error.as_bytes() {
                let _ = write!(hex, "{byte:02x}");
            }
            hex
        });
        prop_assert_eq!(
            &strict(text.trim_end().as_bytes())["fields"]["bytes"],
            &expected
        );
        Ok(())
    });
}
