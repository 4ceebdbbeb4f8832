//! No more is cut than the line needs, and what nothing else can make fit goes whole.

use crate::{assert_begins, capped_with, cut, cut_with};
use serde_json::json;
use std::fmt;
use tracing::{info, info_span};
use tracing_jsonl::JsonLayer;

/// How long the line is if nothing is cut.
fn whole(code: impl FnOnce()) -> usize {
    capped_with(0, |layer| layer, code).1
}

#[test]
fn several_strings_are_cut_to_one_length_and_use_the_room_there_is() {
    let [one, two, three] = [900, 700, 200].map(|length| "x".repeat(length));
    let log = || info!(one, two, three, "m");
    let whole = whole(log);
    for cap in (512..whole).step_by(7) {
        let (line, length, _) = capped_with(cap, |layer| layer, log);
        let kept = ["one", "two", "three"].map(|key| line["fields"][key].as_str().unwrap().len());
        // A byte of each string may be lost to rounding.
        assert!(length + 3 > cap, "{length} of {cap}: {kept:?}");
        assert_eq!(kept[0], kept[1].max(kept[0]), "the longer stays the longer");
        assert!(kept[2] == 200 || kept[2] == kept[0], "{kept:?}");
        assert!(kept[1] == 700 || kept[1] == kept[0], "{kept:?}");
    }
}

#[test]
fn strings_in_spans_are_cut_with_those_of_the_event() {
    let (text, other) = ("x".repeat(900), "y".repeat(900));
    let line = cut(1024, || {
        let _span = info_span!("s", other).entered();
        info!(text, "m");
    });
    let of_event = assert_begins(&line["fields"]["text"], &text);
    let of_span = assert_begins(&line["spans"][0]["other"], &other);
    assert_eq!(of_event, of_span);
}

#[test]
fn no_more_json_values_go_than_have_to() {
    let values = [300, 200, 100].map(|length| vec![1; length]);
    let log = || {
        let [large, middle, small] = values.each_ref().map(tracing_jsonl::json);
        info!(large, middle, small, "m");
    };
    let whole = whole(log);
    // An entry in `encode_errors` takes the place of each.
    for (cap, gone) in [(whole - 1, 1), (whole - 300, 1), (whole - 600, 2)] {
        let line = cut(cap, log);
        let nulls = ["large", "middle", "small"].map(|key| line["fields"][key].is_null());
        assert_eq!(nulls, [gone > 0, gone > 1, gone > 2], "{cap}");
        assert_eq!(line["encode_errors"].as_array().unwrap().len(), gone);
    }
}

#[test]
fn json_values_of_spans_go_with_those_of_the_event_largest_first() {
    let (large, small) = (vec![1; 500], vec![2; 50]);
    let line = cut(1024, || {
        let _span = info_span!("s", large = tracing_jsonl::json(&large)).entered();
        info!(small = tracing_jsonl::json(&small), "m");
    });
    assert_eq!(line["fields"]["small"], json!(small));
    assert_eq!(line["spans"], json!([{"name": "s", "large": null}]));
}

fn with_static_fields(layer: JsonLayer<crate::Capture>) -> JsonLayer<crate::Capture> {
    (0..100).fold(layer, |layer, index| {
        layer.with_static_field(format!("static{index:02}"), "0123456789")
    })
}

#[test]
fn no_more_static_fields_go_than_have_to() {
    const EACH: usize = r#","static00":"0123456789""#.len();
    let log = || info!("m");
    let (_, whole, _) = capped_with(0, with_static_fields, log);
    for gone in [1, 2, 50] {
        // `"removed":50` takes room as well, for which up to one more may go.
        let line = cut_with(whole - (gone - 1) * EACH - 1, with_static_fields, log);
        let removed = line["removed"].as_u64().unwrap();
        let most = gone as u64 + 3;
        assert!(
            (gone as u64..=most).contains(&removed),
            "{removed} for {gone}"
        );
        let left = line.as_object().unwrap().keys();
        let left = left.filter(|key| key.starts_with("static")).count();
        assert_eq!(left as u64 + removed, 100);
    }
}

/// A text that fails at its end.
struct Fails(usize);

impl fmt::Display for Fails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&"x".repeat(self.0))?;
        panic!("{}", "p".repeat(self.0))
    }
}

#[test]
fn a_line_of_nothing_but_failures_fits() {
    for length in [10, 100, 100_000] {
        let log = || {
            info!(
                request_id = %Fails(length),
                user_id = %Fails(length),
                trace_id = %Fails(length),
                "{}",
                Fails(length)
            );
        };
        for cap in [512, 600, 700, 1024] {
            let (line, ..) = capped_with(cap, |layer| layer, log);
            let ids = line["metadata"].as_object().unwrap();
            assert_eq!(ids.len(), 3, "{line}");
            for id in ids.values() {
                let shown = id.as_str().unwrap();
                assert!(shown.starts_with("xxxxxxxxxx"), "{shown}");
            }
            let message = line["message"].as_str().unwrap();
            assert!(message.starts_with("xxxxxxxxxx"), "{line}");
        }
    }
}

#[test]
fn identifiers_that_no_line_has_room_for_are_removed_and_numbered() {
    const NAMES: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
    let id = "0123456789".repeat(7);
    let with = |layer: JsonLayer<crate::Capture>| layer.with_identifiers(NAMES);
    let log = || {
        info!(
            a = id,
            b = id,
            c = id,
            d = id,
            e = id,
            f = id,
            g = id,
            h = id,
            i = id,
            j = id,
            k = id,
            l = id,
            "m"
        );
    };
    let line = cut_with(512, with, log);
    assert_eq!(line["message"], "m");
    let left = line["metadata"].as_object().unwrap().len();
    assert!((4..8).contains(&left), "{left}");
    assert_eq!(line["removed"], 12 - left);
    // Where they have room, they are shortened and stay.
    let line = cut_with(1000, with, log);
    assert_eq!(line["metadata"].as_object().unwrap().len(), 12);
    assert_eq!(line.get("removed"), None);
}

#[test]
fn a_long_value_that_was_replaced_by_a_short_one_cuts_nothing() {
    let long = "x".repeat(5000);
    let event = || {
        let span = info_span!("s", text = long).entered();
        span.record("text", "short");
        info!("m");
    };
    let (line, _, stats) = capped_with(1024, |layer| layer, event);
    assert_eq!(line["spans"], json!([{"name": "s", "text": "short"}]));
    assert_eq!((line.get("truncated"), stats.truncated), (None, 0));
}

#[test]
fn a_long_json_string_is_cut_as_a_string_is() {
    let text = "x".repeat(1000);
    let line = cut(1024, || info!(text = tracing_jsonl::json(&text), "m"));
    assert_begins(&line["fields"]["text"], &text);
    assert_eq!(line.get("encode_errors"), None);
}
