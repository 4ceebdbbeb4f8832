//! Values of any size, from one byte to 64 MiB, in any place.

use crate::capped_with;
use crate::hostile_support::{add, bridge, cases};
use crate::support::figures::{counts, holds};
use serde_json::Value;
use std::error::Error;
use tracing::{info, info_span};

const MOST: usize = 64 * 1024 * 1024;

/// Characters of all widths, and such as grow when they are escaped.
const PATTERN: &str = "é€😀\"\\\n\u{1b}\u{2028}plain";

/// What can be recorded as an error.
fn failed(text: &str) -> Box<dyn Error + 'static> {
    text.into()
}

/// Where a value goes, and where it is in the line.
type Place = (fn(&str), &'static str);

const PLACES: &[Place] = &[
    (|text| info!("{text}"), "/message"),
    (|text| info!(message = text), "/message"),
    (|text| info!(v = text, "m"), "/fields/v"),
    (|text| info!(v = %text, "m"), "/fields/v"),
    (|text| info!(v = text.as_bytes(), "m"), "/fields/v"),
    (|text| info!(v = &*failed(text), "m"), "/fields/v/message"),
    (
        |text| info!(v = tracing_jsonl::json(text), "m"),
        "/fields/v",
    ),
    (
        |text| info!(v = tracing_jsonl::json([text]), "m"),
        "/fields/v/0",
    ),
    (|text| info!(user_id = text, "m"), "/metadata/user_id"),
    (
        |text| info_span!("s", v = text).in_scope(|| info!("m")),
        "/spans/1/v",
    ),
    (|text| log::info!("{text}"), "/message"),
    (|text| log::info!(v = text; "m"), "/fields/v"),
    (|text| log::info!(target: text, "m"), "/target"),
];

/// The most of `text` that takes no more bytes than `most`.
fn beginning(text: &str, most: usize) -> &str {
    &text[..(0..=most)
        .rev()
        .find(|&end| text.is_char_boundary(end))
        .unwrap()]
}

#[test]
fn values_of_any_size_fit_and_the_identifiers_stay() {
    bridge();
    let huge = PATTERN.repeat(MOST / PATTERN.len() + 1);
    let (mut sum, mut longest, mut truncated) = ([0; 4], 0, 0);
    for cap in [512, 16_383, 0] {
        // Without a cap a line is as long as its value.
        let most = if cap == 0 {
            cases(1 << 18, 1 << 24)
        } else {
            MOST
        };
        for size in (0..)
            .map(|power| 1 << (2 * power))
            .take_while(|&size| size <= most)
        {
            let text = beginning(&huge, size);
            for (log, pointer) in PLACES {
                let (line, length, stats) = capped_with(
                    cap,
                    |layer| layer,
                    || info_span!("request", request_id = "r-7").in_scope(|| log(text)),
                );
                assert_eq!(line["metadata"]["request_id"], "r-7");
                let shown = line.pointer(pointer).and_then(Value::as_str);
                if line.get("truncated").is_none() {
                    assert_eq!(shown, Some(text), "{size} {pointer}");
                } else {
                    assert!(cap > 0 && size > cap / 8, "{size} {pointer}");
                    assert!(shown.is_none_or(|shown| text.starts_with(shown)));
                    longest = longest.max(length);
                }
                assert_eq!(u64::from(line.get("truncated").is_some()), stats.truncated);
                truncated += stats.truncated;
                add(&mut sum, counts(stats));
            }
        }
    }
    holds!(
        35,
        sum,
        "values of 1 byte to {} MiB, {truncated} lines cut, the longest of them {longest} bytes",
        MOST >> 20
    );
}
