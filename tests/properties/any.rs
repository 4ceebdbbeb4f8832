//! Any text, any JSON, any key, any cap.

use proptest::prelude::*;
use serde_json::{Map, Value};

const HOSTILE: [char; 17] = [
    '"', '\\', '\n', '\r', '\0', '\u{1b}', '\u{7f}', '\u{9b}', '\u{61c}', '\u{200e}', '\u{2028}',
    '\u{202e}', '\u{2066}', '\u{feff}', 'é', '€', '😀',
];

/// Text in which what needs an escape is as common as what does not.
pub(crate) fn text() -> impl Strategy<Value = String> + Clone {
    prop_oneof![
        5 => text_of(0..20),
        1 => text_of(0..600),
    ]
}

/// The same, in few characters.
pub(crate) fn short_text() -> impl Strategy<Value = String> + Clone {
    text_of(0..6)
}

fn text_of(length: std::ops::Range<usize>) -> impl Strategy<Value = String> + Clone {
    // One number for each character: much quicker than a strategy for each.
    prop::collection::vec(any::<u32>(), length)
        .prop_map(|codes| codes.into_iter().map(character).collect())
}

fn character(code: u32) -> char {
    let which = code >> 2;
    let of = |count: u32| which % count;
    match code & 3 {
        // The least number is a plain letter, which a failing case then shrinks to.
        0 => char::from_u32(u32::from(b' ') + (of(95) + 65) % 95),
        1 => HOSTILE.get(of(17) as usize).copied(),
        2 => char::from_u32(of(0xa1)),
        _ => char::from_u32(of(0x11_0000)),
    }
    .unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// Any JSON, with floats that every parser reads back the same.
pub(crate) fn value<T>(text: T) -> impl Strategy<Value = Value> + Clone
where
    T: Strategy<Value = String> + Clone + 'static,
{
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i32>().prop_map(|number| Value::from(f64::from(number) / 8.0)),
        text.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 24, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((text.clone(), inner), 0..5)
                .prop_map(|members| Value::Object(Map::from_iter(members))),
        ]
    })
}

/// A field's name: one that means something somewhere in the line, or any text.
pub(crate) fn key() -> impl Strategy<Value = String> + Clone {
    const NAMES: [&str; 24] = [
        "a",
        "b",
        "message",
        "request_id",
        "user_id",
        "trace_id",
        "tenant",
        "name",
        "fields.name",
        "level",
        "fields.level",
        "fields.fields.level",
        "timestamp",
        "target",
        "service",
        "fields.service",
        "metadata",
        "fields",
        "spans",
        "truncated",
        "removed",
        "encode_errors",
        "r#type",
        "type",
    ];
    prop_oneof![
        3 => prop::sample::select(&NAMES[..]).prop_map(str::to_owned),
        1 => short_text(),
    ]
}

/// Mostly caps at which lines like these have to be cut.
pub(crate) fn cap() -> impl Strategy<Value = usize> + Clone {
    prop_oneof![4 => 512..1500_usize, 1 => Just(16_383), 1 => Just(0)]
}
