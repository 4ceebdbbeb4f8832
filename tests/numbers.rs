//! Numbers at the edges of their types: their tokens, and what other readers make of these.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod hostile_support;
mod support;

use hostile_support::{add, written};
use serde_json::Value;
use std::io::Write as _;
use std::process::{Command, Stdio};
use support::figures::{counts, holds};
use tracing::{info, info_span};
use tracing_jsonl::json;

/// How a number stands in a line.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Shown {
    /// These very bytes.
    Token(&'static str),
    /// `null`, and this text in `encode_errors`.
    Null(&'static str),
}

use Shown::{Null, Token};

/// One number in each place a number can stand, by what its Rust type is.
struct Row {
    /// The Rust type: values of one type have one type in JSON.
    kind: &'static str,
    shown: Shown,
    log: fn(),
}

/// Logs a number as an event's field and a span's, inside `json`, by the `log` crate and as an
/// identifier.
macro_rules! row {
    ($kind:ident, $value:expr, $shown:expr) => {
        Row {
            kind: stringify!($kind),
            shown: $shown,
            log: || {
                let value: $kind = $value;
                let _span = info_span!("s", in_span = value).entered();
                info!(value, user_id = value, nested = json([value]), bare = json(value), "event");
                log::info!(value = value, user_id = value; "record");
            },
        }
    };
}

#[rustfmt::skip]
const ROWS: &[Row] = &[
    row!(i8, i8::MIN, Token("-128")),
    row!(i16, i16::MIN, Token("-32768")),
    row!(i32, i32::MIN, Token("-2147483648")),
    row!(i64, 0, Token("0")),
    row!(i64, -1, Token("-1")),
    row!(i64, i64::MIN, Token("-9223372036854775808")),
    row!(i64, i64::MAX, Token("9223372036854775807")),
    row!(i64, (1 << 53) + 1, Token("9007199254740993")),
    row!(u8, u8::MAX, Token("255")),
    row!(u64, 0, Token("0")),
    row!(u64, (1 << 53) + 1, Token("9007199254740993")),
    row!(u64, u64::MAX, Token("18446744073709551615")),
    row!(i128, 0, Token("\"0\"")),
    row!(i128, i128::MIN, Token("\"-170141183460469231731687303715884105728\"")),
    row!(i128, i128::MAX, Token("\"170141183460469231731687303715884105727\"")),
    row!(u128, 1, Token("\"1\"")),
    row!(u128, u128::MAX, Token("\"340282366920938463463374607431768211455\"")),
    row!(f64, 0.0, Token("0.0")),
    row!(f64, -0.0, Token("-0.0")),
    row!(f64, 1.0, Token("1.0")),
    row!(f64, 0.1, Token("0.1")),
    row!(f64, 9_007_199_254_740_993.0, Token("9007199254740992.0")),
    row!(f64, f64::MAX, Token("1.7976931348623157e+308")),
    row!(f64, f64::MIN, Token("-1.7976931348623157e+308")),
    row!(f64, f64::MIN_POSITIVE, Token("2.2250738585072014e-308")),
    // The least that is no zero, and the greatest that is not normal.
    row!(f64, f64::from_bits(1), Token("5e-324")),
    row!(f64, f64::from_bits(0x000f_ffff_ffff_ffff), Token("2.225073858507201e-308")),
    row!(f64, f64::EPSILON, Token("2.220446049250313e-16")),
    row!(f64, f64::NAN, Null("NaN")),
    row!(f64, -f64::NAN, Null("NaN")),
    row!(f64, f64::INFINITY, Null("Infinity")),
    row!(f64, f64::NEG_INFINITY, Null("-Infinity")),
];

impl Row {
    /// The two lines it makes.
    fn lines(&self) -> (Vec<u8>, [u64; 4]) {
        let (bytes, stats) = written(|layer| layer, self.log);
        (bytes, counts(stats))
    }

    /// What `"value":` and the like have after them, in the order of the line.
    fn expected(&self) -> String {
        match self.shown {
            Token(token) => token.to_owned(),
            Null(_) => "null".to_owned(),
        }
    }

    fn text(&self) -> &'static str {
        match self.shown {
            Token(text) | Null(text) => text.trim_matches('"'),
        }
    }
}

/// The keys in `encode_errors`, and the text of each.
fn listed(line: &Value) -> Vec<(&str, &str)> {
    let listed = line.get("encode_errors").and_then(Value::as_array);
    listed
        .into_iter()
        .flatten()
        .map(|one| (one["key"].as_str().unwrap(), one["debug"].as_str().unwrap()))
        .collect()
}

#[test]
fn numbers_at_the_edges_of_their_types_keep_their_digits_and_their_type() {
    let mut sum = [0; 4];
    let mut all = Vec::new();
    for row in ROWS {
        let (bytes, counts) = row.lines();
        let text = std::str::from_utf8(&bytes).unwrap();
        let (event, record) = text.split_once('\n').unwrap();
        let (token, identifier) = (row.expected(), format!("\"user_id\":\"{}\"", row.text()));
        for part in [
            format!("\"value\":{token},\"nested\":[{token}],\"bare\":{token}"),
            format!("\"in_span\":{token}"),
            identifier.clone(),
        ] {
            assert!(event.contains(&part), "no {part} in {event}");
        }
        for part in [format!("\"value\":{token}"), identifier] {
            assert!(record.contains(&part), "no {part} in {record}");
        }
        let lines = support::lines(&bytes);
        let nested = ["value", "nested[0]", "bare", "in_span"];
        for (line, keys) in lines.iter().zip([&nested[..], &["value", "in_span"]]) {
            let null = |&key| matches!(row.shown, Null(_)).then(|| (key, row.text()));
            let expected: Vec<_> = keys.iter().filter_map(null).collect();
            assert_eq!(listed(line), expected);
        }
        all.extend(bytes);
        add(&mut sum, counts);
    }
    let read = python_reads(&all);
    holds!(
        34,
        sum,
        "{} numbers at the edges of their types, {read} of them read back by Python",
        ROWS.len()
    );
}

/// How many rows Python reads as what they are in Rust: integers of any length, floats to the last
/// bit.
fn python_reads(lines: &[u8]) -> usize {
    const READ: &str = "import json, struct, sys
for line in sys.stdin:
    value = json.loads(line)['fields']['value']
    print(type(value).__name__, struct.pack('>d', value).hex() if type(value) is float else value)";
    let python = Command::new("python3")
        .args(["-c", READ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut python) = python else {
        println!("skipped: there is no python3 here");
        return 0;
    };
    python.stdin.take().unwrap().write_all(lines).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success());
    let read = String::from_utf8(output.stdout).unwrap();
    let read: Vec<&str> = read.lines().collect();
    assert_eq!(read.len(), 2 * ROWS.len());
    for (row, read) in ROWS.iter().zip(read.chunks(2)) {
        let float = || row.text().parse::<f64>().unwrap().to_bits();
        let expected = match (row.shown, row.kind) {
            (Null(_), _) => "NoneType None".to_owned(),
            (_, "f64") => format!("float {:016x}", float()),
            (_, "i128" | "u128") => format!("str {}", row.text()),
            _ => format!("int {}", row.text()),
        };
        assert_eq!(read, [&expected; 2]);
    }
    ROWS.len()
}
