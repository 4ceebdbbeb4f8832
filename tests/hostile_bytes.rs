//! Bytes that are no text, in all places that bytes can get to.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod hostile_support;
mod support;

use hostile_support::{Random, add, cases, written};
use serde::{Serialize, Serializer};
use serde_json::json;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use support::figures::{counts, holds};
use tracing::{info, info_span};

/// Bytes as serde's own data model has them.
#[derive(Debug)]
struct Bytes<'a>(&'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

/// Their text, or else two digits for each.
fn text_or_hexadecimal(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        }),
    }
}

#[test]
fn bytes_that_are_no_text_never_break_the_encoding_of_a_line() {
    let mut random = Random::new(33);
    let lots: Vec<Vec<u8>> = (0..cases(3_000, 100_000))
        .map(|_| random.bytes(24))
        .collect();
    let (mut sum, mut no_text, mut valid) = ([0; 4], 0, 0);
    for lots in lots.chunks(3_000) {
        let (bytes, stats) = written(
            |layer| layer,
            || {
                for bytes in lots {
                    let (text, path) = (
                        OsStr::from_bytes(bytes),
                        Path::new(OsStr::from_bytes(bytes)),
                    );
                    let _span = info_span!("s", bytes = bytes.as_slice()).entered();
                    info!(
                        user_id = bytes.as_slice(), bytes = bytes.as_slice(), nested = tracing_jsonl::json([Bytes(bytes)]),
                        ?text, ?path, display = %path.display(), json = tracing_jsonl::json(path),
                        "{}", path.display()
                    );
                }
            },
        );
        let lines = bytes
            .strip_suffix(b"\n")
            .unwrap()
            .split(|&byte| byte == b'\n');
        valid += lines
            .filter(|line| std::str::from_utf8(line).is_ok())
            .count();
        let lines = support::lines(&bytes);
        assert_eq!(lines.len(), lots.len());
        for (line, bytes) in lines.iter().zip(lots) {
            let path = Path::new(OsStr::from_bytes(bytes));
            let (shown, lossy) = (text_or_hexadecimal(bytes), path.to_string_lossy());
            let serializable = path.to_str();
            no_text += usize::from(serializable.is_none());
            assert_eq!(line["message"], *lossy);
            assert_eq!(line["metadata"]["user_id"], shown);
            assert_eq!(line["spans"][0]["bytes"], shown);
            assert_eq!(
                line["fields"],
                json!({
                    "bytes": shown, "nested": [shown], "text": format!("{path:?}"), "path": format!("{path:?}"),
                    "display": lossy, "json": serializable,
                })
            );
            assert_eq!(line.get("encode_errors").is_some(), serializable.is_none());
        }
        add(&mut sum, counts(stats));
    }
    assert_eq!(valid, lots.len());
    holds!(
        33,
        sum,
        "{valid} of {} lines are UTF-8, {no_text} of the values were not",
        lots.len()
    );
}
