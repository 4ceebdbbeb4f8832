//! `json(&value)`: real JSON inside the line, whatever the value is.
#![allow(clippy::unwrap_used)]

mod support;

use serde::{Serialize, Serializer, ser};
use serde_json::{Value, json as expected, value::RawValue};
use std::collections::BTreeMap;
use std::fmt;
use support::{logged, logged_with, written_with};
use tracing_jsonl::json;

/// What `value` is in the line, and what `encode_errors` says of it.
fn line_of<T: Serialize + fmt::Debug>(value: T) -> Value {
    let mut lines = logged(|| tracing::info!(value = json(&value), after = 1, "x"));
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["fields"]["after"], 1);
    lines.remove(0)
}

#[track_caller]
#[allow(clippy::needless_pass_by_value)]
fn assert_json<T: Serialize + fmt::Debug>(value: T, expected: Value) {
    let line = line_of(value);
    assert_eq!(line["fields"]["value"], expected);
    assert_eq!(line.get("encode_errors"), None);
}

/// The value is `null`, and its debug format stands in.
#[track_caller]
fn assert_stands_in<T: Serialize + fmt::Debug>(value: T, error: &str, debug: &str) {
    let line = line_of(value);
    assert_eq!(line["fields"]["value"], Value::Null);
    let errors = line["encode_errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{line}");
    assert_eq!(errors[0]["key"], "value");
    let text = errors[0]["error"].as_str().unwrap();
    assert!(text.contains(error), "{text}");
    assert_eq!(errors[0]["debug"], debug);
}

#[derive(Debug, Serialize)]
enum Shape {
    Unit,
    Newtype(f64),
    Tuple(u8, f64),
    Struct { x: f64, y: Option<Box<Shape>> },
}

#[test]
fn structs_and_enums_of_all_shapes_nest() {
    #[derive(Debug, Serialize)]
    struct Order {
        id: u32,
        #[serde(rename = "type")]
        kind: Shape,
        items: Vec<Item>,
        nothing: (),
        pair: (u8, &'static str),
    }
    #[derive(Debug, Serialize)]
    struct Item(&'static str);
    assert_json(
        Order {
            id: 17,
            kind: Shape::Struct {
                x: 1.0,
                y: Some(Box::new(Shape::Unit)),
            },
            items: vec![Item("tea"), Item("milk")],
            nothing: (),
            pair: (1, "a"),
        },
        expected!({
            "id": 17,
            "type": {"Struct": {"x": 1.0, "y": "Unit"}},
            "items": ["tea", "milk"],
            "nothing": null,
            "pair": [1, "a"],
        }),
    );
    assert_json(
        [
            Shape::Unit,
            Shape::Newtype(0.5),
            Shape::Tuple(1, 2.0),
            Shape::Struct { x: 3.0, y: None },
        ],
        expected!(["Unit", {"Newtype": 0.5}, {"Tuple": [1, 2.0]}, {"Struct": {"x": 3.0, "y": null}}]),
    );
}

#[derive(Debug, Serialize)]
struct Unit;

#[test]
fn options_empty_containers_and_bare_values_are_themselves() {
    assert_json(None::<u8>, Value::Null);
    assert_json(Some(Some(1)), expected!(1));
    assert_json((), Value::Null);
    assert_json(Unit, Value::Null);
    assert_json("text", expected!("text"));
    assert_json('é', expected!("é"));
    assert_json(true, expected!(true));
    assert_json([0_u8; 0], expected!([]));
    assert_json(BTreeMap::<String, u8>::new(), expected!({}));
}

#[test]
fn numbers_are_as_precise_as_their_type() {
    let written = written_with(
        |layer| layer,
        || {
            tracing::info!(
                value = json((0.1_f32, 0.1_f64, 1.0, 1_u8, i64::MIN, u64::MAX)),
                "x"
            );
        },
    );
    let text = String::from_utf8(written).unwrap();
    let value = r#""value":[0.1,0.1,1.0,1,-9223372036854775808,18446744073709551615]"#;
    assert!(text.contains(value), "{text}");
    assert_json(
        (u128::MAX, i128::MIN, 1_u128),
        expected!([u128::MAX.to_string(), i128::MIN.to_string(), "1"]),
    );
}

#[test]
fn map_keys_that_have_a_text_are_keys() {
    assert_json(
        BTreeMap::from([(1, "a"), (-2, "b")]),
        expected!({"1": "a", "-2": "b"}),
    );
    assert_json(BTreeMap::from([(true, 1)]), expected!({"true": 1}));
    assert_json(BTreeMap::from([('c', 1)]), expected!({"c": 1}));
    assert_json(
        BTreeMap::from([(u128::MAX, 1)]),
        expected!({u128::MAX.to_string(): 1}),
    );
}

#[test]
fn a_map_key_that_is_no_text_makes_the_value_stand_in() {
    assert_stands_in(BTreeMap::from([((1, 2), 3)]), "key", "{(1, 2): 3}");
    assert_stands_in(BTreeMap::from([(vec![1], 3)]), "key", "{[1]: 3}");
}

/// Bytes as serde's own data model has them.
#[derive(Debug)]
struct Bytes(&'static [u8]);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

#[test]
fn bytes_are_text_or_else_hexadecimal() {
    assert_json(
        [Bytes(b"text"), Bytes(b"\xff\x00")],
        expected!(["text", "ff00"]),
    );
}

#[test]
fn numbers_that_json_has_not_are_null_and_listed_with_their_path() {
    let value = BTreeMap::from([
        ("list", vec![Shape::Newtype(1.0), Shape::Newtype(f64::NAN)]),
        ("pair", vec![Shape::Tuple(1, f64::INFINITY)]),
        (
            "struct",
            vec![Shape::Struct {
                x: f64::NEG_INFINITY,
                y: None,
            }],
        ),
    ]);
    let log = || tracing::info!(order = json(&value), bare = json(f32::NAN), "x");
    let line = &logged(log)[0];
    assert_eq!(
        line["fields"],
        expected!({
            "bare": null,
            "order": {
                "list": [{"Newtype": 1.0}, {"Newtype": null}],
                "pair": [{"Tuple": [1, null]}],
                "struct": [{"Struct": {"x": null, "y": null}}],
            },
        })
    );
    let listed: Vec<_> = line["encode_errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| [&entry["key"], &entry["debug"]].map(|text| text.as_str().unwrap()))
        .collect();
    assert_eq!(
        listed,
        [
            ["order.list[1].Newtype", "NaN"],
            ["order.pair[0].Tuple[1]", "Infinity"],
            ["order.struct[0].Struct.x", "-Infinity"],
            ["bare", "NaN"],
        ]
    );
    let line = &logged_with(|layer| layer.with_not_finite_as_text(true), log)[0];
    assert_eq!(
        line["fields"]["order"]["list"][1],
        expected!({"Newtype": "NaN"})
    );
    assert_eq!(line["fields"]["bare"], "NaN");
    assert_eq!(line.get("encode_errors"), None);
}

#[test]
fn a_path_through_a_hostile_key_names_that_key() {
    let line = line_of(BTreeMap::from([("a\"\n", f64::NAN)]));
    assert_eq!(line["encode_errors"][0]["key"], "value.a\"\n");
}

#[derive(Debug, Serialize)]
struct Flattened {
    id: u8,
    #[serde(flatten)]
    rest: BTreeMap<&'static str, Value>,
}

#[test]
fn a_key_given_twice_by_flatten_stands_once_with_its_last_value() {
    let rest = BTreeMap::from([("id", expected!("last")), ("more", expected!(2))]);
    assert_json(
        vec![Flattened { id: 1, rest }],
        expected!([{"id": "last", "more": 2}]),
    );
}

#[test]
fn a_value_with_a_key_twice_still_lists_its_nan() {
    #[derive(Debug, Serialize)]
    struct Twice {
        ratio: f64,
        #[serde(flatten)]
        rest: Flattened,
    }
    let rest = Flattened {
        id: 1,
        rest: BTreeMap::from([("id", expected!(2))]),
    };
    let line = line_of(Twice {
        ratio: f64::NAN,
        rest,
    });
    assert_eq!(line["fields"]["value"], expected!({"ratio": null, "id": 2}));
    assert_eq!(line["encode_errors"][0]["key"], "value.ratio");
    assert_eq!(line["encode_errors"][0]["debug"], "NaN");
}

#[test]
fn many_keys_are_checked_for_twins_as_few_are() {
    #[derive(Debug)]
    struct Wide;
    impl Serialize for Wide {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map((0..200).map(|index| (format!("k{}", index % 150), index)))
        }
    }
    let line = line_of(Wide);
    let object = line["fields"]["value"].as_object().unwrap();
    assert_eq!(object.len(), 150);
    assert_eq!(
        (&object["k0"], &object["k49"], &object["k50"]),
        (&expected!(150), &expected!(199), &expected!(50))
    );
}

#[test]
fn raw_json_is_held_to_the_rules_of_the_line() {
    let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
    assert_json(
        raw("{\n\"a\": 1,\r\n \"b\": [1,\n2]\n}"),
        expected!({"a": 1, "b": [1, 2]}),
    );
    assert_json(
        raw(r#"{"a":1,"a":{"b":1,"b":2}}"#),
        expected!({"a": {"b": 2}}),
    );
    assert_json(raw(r#""plain text""#), expected!("plain text"));
    assert_json(
        [raw("\"\u{2028}\u{7f}\u{202e}\"")],
        expected!(["\u{2028}\u{7f}\u{202e}"]),
    );
}

#[test]
fn any_depth_gives_a_line_that_can_be_read() {
    for depth in [1, 50, 100, 119, 120, 121, 127, 128, 200, 400] {
        let mut value = expected!(1);
        for _ in 0..depth {
            value = expected!([value]);
        }
        let line = line_of(&value);
        if depth <= 100 {
            assert_eq!(line["fields"]["value"], value, "{depth}");
        } else if line["fields"]["value"].is_null() {
            assert_eq!(line["encode_errors"][0]["key"], "value", "{depth}");
        }
    }
}

/// A value whose `Serialize` is a function.
struct By(fn() -> Result<&'static str, &'static str>);

impl Serialize for By {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.0)() {
            Ok(text) => serializer.serialize_str(text),
            Err(text) => Err(ser::Error::custom(text)),
        }
    }
}

impl fmt::Debug for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("By { \"it\" }")
    }
}

#[test]
fn a_value_that_cannot_be_serialized_is_null_with_its_debug_format() {
    assert_stands_in(By(|| Err("not today")), "not today", "By { \"it\" }");
    assert_stands_in(
        [By(|| Ok("fine")), By(|| Err("no"))],
        "no",
        "[By { \"it\" }, By { \"it\" }]",
    );
    assert_stands_in(By(|| panic!("boom {}", 1)), "boom 1", "By { \"it\" }");
}

#[test]
fn a_value_that_logs_while_it_is_serialized_is_whole() {
    let logging = By(|| {
        tracing::info!(inner = json([1]), "inside");
        Ok("done")
    });
    assert_json(logging, expected!("done"));
}

#[test]
fn a_display_that_fails_inside_a_value_makes_it_stand_in() {
    #[derive(Debug)]
    struct Shown(bool);
    impl fmt::Display for Shown {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("so far")?;
            if self.0 { Err(fmt::Error) } else { Ok(()) }
        }
    }
    impl Serialize for Shown {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(self)
        }
    }
    assert_json([Shown(false)], expected!(["so far"]));
    assert_stands_in([Shown(true)], "", "[Shown(true)]");
}

#[test]
fn values_beside_each_other_are_not_inside_each_other() {
    let siblings = vec![vec![BTreeMap::from([("a", 1)])]; 300];
    assert_json(&siblings, serde_json::to_value(&siblings).unwrap());
}
