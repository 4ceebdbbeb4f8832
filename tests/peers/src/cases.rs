//! What is tried, and how the bytes written are judged.

use crate::strict::Unique;
use serde_json::{Value, json};
use std::fmt;
use tracing::{error, info, info_span};

pub struct Case {
    /// As in the table.
    pub name: &'static str,
    pub level: &'static str,
    pub run: fn(),
    /// `Ok("yes")`, or what is wrong with what was written.
    pub read: fn(&[u8]) -> Result<String, &'static str>,
}

struct Fails;
impl fmt::Debug for Fails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("half")?;
        Err(fmt::Error)
    }
}

struct Panics;
impl fmt::Debug for Panics {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("in Debug")
    }
}

struct Logs;
impl fmt::Debug for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        info!("inner");
        f.write_str("logs")
    }
}

#[derive(Debug)]
struct Outer(std::num::ParseIntError);
impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bad order")
    }
}
impl std::error::Error for Outer {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

pub const CASES: &[Case] = &[
    Case {
        name: "a field called `message` beside the text: unique keys",
        level: "info",
        run: || info!(message = "field", "text"),
        read: |bytes| expect(bytes, 1, |_| true),
    },
    Case {
        name: "... and both values are kept",
        level: "info",
        run: || info!(message = "field", "text"),
        read: |bytes| {
            expect(bytes, 1, |lines| {
                let line = lines[0].to_string();
                line.contains("\"field\"") && line.contains("\"text\"")
            })
        },
    },
    Case {
        name: "a span field called `name`: unique keys, both kept",
        level: "info",
        run: || info_span!("work", name = "mine").in_scope(|| info!("in")),
        read: |bytes| {
            expect(bytes, 1, |lines| {
                let line = lines[0].to_string();
                line.contains("\"work\"") && line.contains("\"mine\"")
            })
        },
    },
    Case {
        name: "a target with a newline: one valid line",
        level: "info",
        run: || info!(target: "a\nb", "text"),
        read: |bytes| expect(bytes, 1, |_| true),
    },
    Case {
        name: "`Debug` returns an error: a valid line, no panic",
        level: "info",
        run: || {
            info!(field = ?Fails, "first");
            info!("second");
        },
        read: |bytes| expect(bytes, 2, |_| true),
    },
    Case {
        name: "`Debug` panics: the caller does not notice",
        level: "info",
        run: || {
            info!(field = ?Panics, "first");
            info!("second");
        },
        read: |bytes| expect(bytes, 2, |_| true),
    },
    Case {
        name: "... or catches it, and the next line is intact",
        level: "info",
        run: || {
            let _ = std::panic::catch_unwind(|| info!(field = ?Panics, "first"));
            info!("second");
        },
        read: |bytes| {
            // The first line may be lost; the second may not.
            let lines = read(bytes).map_err(|_| "**corrupt line**")?;
            let second = lines
                .iter()
                .any(|line| line.to_string().contains("\"second\""));
            second.then(|| "yes".to_owned()).ok_or("**line lost**")
        },
    },
    Case {
        name: "`Debug` that logs inside `Span::record`: no deadlock",
        level: "info",
        run: || {
            let span = info_span!("work", field = tracing::field::Empty);
            let _entered = span.enter();
            span.record("field", tracing::field::debug(Logs));
            info!("after");
        },
        read: |bytes| expect(bytes, 2, |_| true),
    },
    Case {
        name: "at `warn`, an error keeps its `info` span's `request_id`",
        level: "warn",
        run: || info_span!("request", request_id = "r-7").in_scope(|| error!("failed")),
        read: |bytes| expect(bytes, 1, |lines| lines[0].to_string().contains("\"r-7\"")),
    },
    Case {
        name: "an explicit `parent:` decides the spans",
        level: "info",
        run: || {
            let parent = info_span!("parent", request_id = "r-1");
            info_span!("other", request_id = "r-2").in_scope(|| info!(parent: &parent, "in"));
        },
        read: |bytes| {
            expect(bytes, 1, |lines| {
                let line = lines[0].to_string();
                line.contains("\"r-1\"") && !line.contains("\"r-2\"")
            })
        },
    },
    Case {
        name: "the sources of an error are in the line",
        level: "info",
        run: || {
            if let Err(source) = "x".parse::<i32>() {
                let error = Outer(source);
                info!(error = &error as &dyn std::error::Error, "failed");
            }
        },
        read: |bytes| {
            expect(bytes, 1, |lines| {
                lines[0].to_string().contains("invalid digit")
            })
        },
    },
    Case {
        name: "a NaN's text is in the line",
        level: "info",
        run: || info!(ratio = f64::NAN, "computed"),
        read: |bytes| expect(bytes, 1, |lines| lines[0].to_string().contains("NaN")),
    },
    Case {
        name: "a line of 100 KB is cut to fit 16 KiB",
        level: "info",
        run: || info!(body = "x".repeat(100_000), "received"),
        read: |bytes| expect(bytes, 1, |lines| lines[0].to_string().len() < 16_384),
    },
    Case {
        name: "key-values of `log` records are fields",
        level: "info",
        run: || log::info!(order_id = 17; "placed"),
        read: |bytes| {
            expect(bytes, 1, |lines| {
                contains(&lines[0], "order_id", &json!(17))
            })
        },
    },
];

fn expect(
    bytes: &[u8],
    count: usize,
    holds: impl Fn(&[Value]) -> bool,
) -> Result<String, &'static str> {
    let lines = read(bytes)?;
    if lines.len() != count {
        return Err("**line lost**");
    }
    holds(&lines).then(|| "yes".to_owned()).ok_or("no")
}

fn contains(value: &Value, key: &str, wanted: &Value) -> bool {
    match value {
        Value::Object(map) => {
            map.get(key) == Some(wanted) || map.values().any(|value| contains(value, key, wanted))
        }
        Value::Array(list) => list.iter().any(|value| contains(value, key, wanted)),
        _ => false,
    }
}

fn read(bytes: &[u8]) -> Result<Vec<Value>, &'static str> {
    let lines = bytes.split_inclusive(|&byte| byte == b'\n');
    lines
        .map(|line| match serde_json::from_slice(line) {
            Ok(Unique(value)) => Ok(value),
            Err(error) if error.to_string().contains("twice") => Err("**duplicate key**"),
            Err(_) => Err("**corrupt line**"),
        })
        .collect()
}
