//! Parsers that are not ours, and not Rust's: they are to read in a line what `serde_json` does.
#![allow(clippy::print_stdout)]

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde::ser::{Error, Serialize, Serializer};
use serde_json::{Number, Value, json};
use std::fmt;
use std::io::Write;
use std::process::{Command, Stdio};
use tracing_jsonl::JsonLayer;
use tracing_subscriber::prelude::*;

use crate::config;
use crate::lines::case;
use crate::support::{Capture, lines};

/// A program that reads lines, and writes what it read.
struct Parser {
    program: &'static str,
    args: &'static [&'static str],
    /// Whether it tells integers of 64 bits from the floats beside them.
    is_exact: bool,
}

const PYTHON: &str = r#"
import json, sys
def unique(pairs):
    assert len({key for key, _ in pairs}) == len(pairs), "a key stands twice"
    return dict(pairs)
def refuse(constant):
    raise ValueError(constant)
for line in sys.stdin.buffer.read().split(b"\n")[:-1]:
    value = json.loads(line.decode(), object_pairs_hook=unique, parse_constant=refuse)
    print(json.dumps(value))
"#;

const NODE: &str = r#"
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const text = decoder.decode(require("fs").readFileSync(0));
for (const line of text.split("\n").slice(0, -1)) console.log(JSON.stringify(JSON.parse(line)));
"#;

const PARSERS: [Parser; 3] = [
    Parser {
        program: "python3",
        args: &["-c", PYTHON],
        is_exact: true,
    },
    Parser {
        program: "node",
        args: &["-e", NODE],
        is_exact: false,
    },
    Parser {
        program: "jq",
        args: &["-c", "."],
        is_exact: false,
    },
];

impl Parser {
    /// What it reads in each line of `bytes`; nothing if it is not here.
    fn read(&self, bytes: &[u8]) -> Option<Vec<Value>> {
        let mut command = Command::new(self.program);
        command
            .args(self.args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let Ok(mut child) = command.spawn() else {
            println!("skipped: there is no {} here", self.program);
            return None;
        };
        let mut stdin = child.stdin.take().unwrap();
        let output = std::thread::scope(|scope| {
            // One that refuses a line stops reading: its status says so.
            scope.spawn(move || drop(stdin.write_all(bytes)));
            child.wait_with_output().unwrap()
        });
        assert!(output.status.success(), "{} refuses a line", self.program);
        let mut read = output
            .stdout
            .split(|&byte| byte == b'\n')
            .collect::<Vec<_>>();
        assert_eq!(read.pop(), Some(&b""[..]));
        Some(
            read.into_iter()
                .map(|line| serde_json::from_slice(line).unwrap())
                .collect(),
        )
    }

    /// Whether it and `serde_json` read the same.
    fn agrees(&self, read: &Value, expected: &Value) -> bool {
        match (read, expected) {
            (Value::Number(read), Value::Number(expected)) => self.is_same(read, expected),
            (Value::Array(read), Value::Array(expected)) => {
                let mut both = read.iter().zip(expected);
                read.len() == expected.len()
                    && both.all(|(read, expected)| self.agrees(read, expected))
            }
            (Value::Object(read), Value::Object(expected)) => {
                let is_same = |(key, read): (&String, &Value)| {
                    let expected = expected.get(key);
                    expected.is_some_and(|expected| self.agrees(read, expected))
                };
                read.len() == expected.len() && read.iter().all(is_same)
            }
            _ => read == expected,
        }
    }

    /// `serde_json` reads floats to within a bit or two, and most others read all numbers as floats.
    fn is_same(&self, read: &Number, expected: &Number) -> bool {
        if self.is_exact && !expected.is_f64() {
            return read == expected;
        }
        let (read, expected) = (read.as_f64().unwrap(), expected.as_f64().unwrap());
        (read - expected).abs() <= 4.0 * f64::EPSILON * expected.abs()
    }
}

/// Reads `bytes` with each parser that is here; gives `serde_json`'s reading.
pub(crate) fn read_by_all(bytes: &[u8]) -> Vec<Value> {
    let expected = lines(bytes);
    for parser in &PARSERS {
        let Some(read) = parser.read(bytes) else {
            continue;
        };
        assert_eq!(read.len(), expected.len(), "lines, to {}", parser.program);
        for (read, expected) in read.iter().zip(&expected) {
            assert!(
                parser.agrees(read, expected),
                "{}: {read}, not {expected}",
                parser.program
            );
        }
    }
    expected
}

#[test]
fn python_node_and_jq_read_any_line_as_serde_json_does() {
    let (whole, cut) = (Capture::default(), Capture::default());
    let mut runner = TestRunner::new(config(20_000, file!()));
    let count = runner.config().cases;
    let case = case();
    for _ in 0..count {
        let case = case.new_tree(&mut runner).unwrap().current();
        let layers = (case.layer(&whole, 0), case.layer(&cut, 512));
        let subscriber = tracing_subscriber::registry().with(layers.0).with(layers.1);
        tracing::subscriber::with_default(subscriber, || case.log());
    }
    for capture in [whole, cut] {
        assert_eq!(read_by_all(&capture.bytes()).len() as u64, u64::from(count));
    }
}

#[test]
fn python_node_and_jq_read_every_kind_of_value_as_serde_json_does() {
    struct Panicking;
    impl fmt::Debug for Panicking {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("no \"text\"\n")
        }
    }
    #[derive(Debug)]
    struct Unserializable;
    impl Serialize for Unserializable {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(S::Error::custom("no \u{2028} form"))
        }
    }
    fn deep(levels: usize) -> Value {
        (0..levels).fold(json!("inside"), |inside, level| {
            if level % 2 == 0 {
                json!([inside])
            } else {
                json!({"d\u{9b}": inside})
            }
        })
    }
    let capture = Capture::default();
    let layer = JsonLayer::new(capture.clone());
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        let json = tracing_jsonl::json::<Value>;
        tracing::info!(
            least = i64::MIN,
            most = u64::MAX,
            zero = -0.0,
            yes = true,
            "64 bits"
        );
        tracing::info!(least = i128::MIN, most = u128::MAX, "128 bits");
        tracing::info!(
            most = f64::MAX,
            least = f64::MIN_POSITIVE,
            tiny = 5e-324,
            sum = 0.1 + 0.2,
            "floats"
        );
        tracing::info!(
            nan = f64::NAN,
            up = f64::INFINITY,
            down = f64::NEG_INFINITY,
            "no floats"
        );
        tracing::info!(panics = ?Panicking, value = tracing_jsonl::json(Unserializable), "failing");
        tracing::info!(
            text = b"\xe2\x82\xac".as_slice(),
            bytes = b"\xff\x00".as_slice(),
            "bytes"
        );
        tracing::info!(
            deepest = json(deep(120)),
            too_deep = json(deep(121)),
            "nested"
        );
        tracing::info!(
            null = json(json!(null)),
            empty = json(json!([{}, [], ""])),
            "empty"
        );
        tracing::info!(long = "\u{1b}\u{20ac}".repeat(10_000), short = 1, "cut");
    });
    let lines = read_by_all(&capture.bytes());
    assert_eq!(lines[0]["fields"]["most"], u64::MAX);
    assert_eq!(lines[6]["fields"]["deepest"], deep(120));
    assert_eq!(lines[6]["encode_errors"][0]["key"], "too_deep");
    assert_eq!(lines.last().unwrap()["truncated"], true);
}
