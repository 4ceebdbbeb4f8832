//! Text that tries to be more than text.

use proptest::prelude::*;
use serde_json::{Value, json};
use std::cell::Cell;
use tracing_jsonl::JsonLayer;
use tracing_subscriber::prelude::*;

use crate::any::text;
use crate::model::named;
use crate::naughty::naughty_strings;
use crate::support::figures::{counts, holds};
use crate::support::{Capture, strict};
use crate::{STRINGS, check, records};

/// Any text, and that which has broken programs before.
fn string() -> impl Strategy<Value = String> + Clone {
    prop_oneof![3 => text(), 1 => prop::sample::select(naughty_strings())]
}

#[test]
fn no_text_forges_a_line_wherever_it_stands() {
    let strings = Cell::new(0_u64);
    let totals = Cell::new([0; 4]);
    let case = prop::collection::vec(string(), 8);
    check!(STRINGS, case, |case| {
        let [message, target, key, value, inner, id, span_id, in_span] = &case[..] else {
            unreachable!()
        };
        let object = json!({inner: inner});
        let capture = Capture::default();
        let layer = JsonLayer::new(capture.clone()).with_max_line_bytes(0);
        let stats = layer.stats();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let span = tracing::info_span!("s", user_id = ?span_id, in_span = %in_span, json = tracing_jsonl::json(&object));
            let _entered = span.entered();
            records::log(
                &log::Record::builder()
                    .target(target)
                    .args(format_args!("{message}"))
                    .key_values(&[(key.as_str(), value.as_str()), ("request_id", id)])
                    .build(),
            );
        });
        let bytes = capture.bytes();
        prop_assert_eq!(
            bytes.iter().position(|&byte| byte < 0x20),
            Some(bytes.len() - 1)
        );
        prop_assert_eq!(bytes.last(), Some(&b'\n'));
        let line = strict(&bytes[..bytes.len() - 1]);
        prop_assert_eq!(&line["message"], message);
        prop_assert_eq!(&line["target"], target);
        prop_assert_eq!(
            &line["metadata"],
            &json!({"request_id": id, "user_id": span_id})
        );
        prop_assert_eq!(&line["fields"], &json!({named(key): value}));
        let span = json!({"name": "s", "in_span": in_span, "json": object});
        prop_assert_eq!(&line["spans"], &Value::from(vec![span]));
        let all = totals.get().into_iter().zip(counts(stats.get()));
        totals.set(
            all.map(|(total, more)| total + more)
                .collect::<Vec<_>>()
                .try_into()
                .unwrap(),
        );
        // The key and the value inside the object are one string in two places.
        strings.set(strings.get() + case.len() as u64 + 1);
        Ok(())
    });
    let strings = strings.get();
    holds!(
        30,
        totals.get(),
        "{strings} strings in 9 places read back, 0 raw control characters"
    );
}
