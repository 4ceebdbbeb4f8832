//! What the tests share: a place to write to, and a reader of lines that is not ours.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, unreachable_pub)]

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tracing_jsonl::JsonLayer;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::prelude::*;

/// Keeps what is written, and how many calls it took.
#[derive(Clone, Default)]
pub struct Capture {
    written: Arc<Mutex<(Vec<u8>, usize)>>,
}

impl Capture {
    pub fn bytes(&self) -> Vec<u8> {
        self.lock().0.clone()
    }

    pub fn calls(&self) -> usize {
        self.lock().1
    }

    pub fn clear(&self) {
        *self.lock() = Default::default();
    }

    /// The lines so far, each read strictly.
    pub fn lines(&self) -> Vec<Value> {
        lines(&self.bytes())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, (Vec<u8>, usize)> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Capture {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut written = self.lock();
        written.0.extend_from_slice(bytes);
        written.1 += 1;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Capture {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Runs `code` under a layer made by `with`, and gives the lines.
pub fn logged_with(
    with: impl FnOnce(JsonLayer<Capture>) -> JsonLayer<Capture>,
    code: impl FnOnce(),
) -> Vec<Value> {
    lines(&written_with(with, code))
}

/// The same with the layer's defaults.
pub fn logged(code: impl FnOnce()) -> Vec<Value> {
    logged_with(|layer| layer, code)
}

/// The bytes that `code` makes a layer write.
pub fn written_with(
    with: impl FnOnce(JsonLayer<Capture>) -> JsonLayer<Capture>,
    code: impl FnOnce(),
) -> Vec<u8> {
    let capture = Capture::default();
    let layer = with(JsonLayer::new(capture.clone()).with_clock(noon));
    let stats = layer.stats();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), code);
    let stats = stats.get();
    assert_eq!(
        stats.emitted,
        stats.written + stats.dropped + stats.failed,
        "{stats:?}"
    );
    capture.bytes()
}

/// A clock that stands at 2026-11-23T14:26:46.123456789Z.
pub fn noon() -> SystemTime {
    UNIX_EPOCH + Duration::new(1_795_444_006, 123_456_789)
}

/// Reads a stream of lines strictly: each ends in a newline, and is one JSON object.
pub fn lines(bytes: &[u8]) -> Vec<Value> {
    if bytes.is_empty() {
        return Vec::new();
    }
    assert_eq!(bytes.last(), Some(&b'\n'), "the last line has no end");
    let body = &bytes[..bytes.len() - 1];
    body.split(|&byte| byte == b'\n').map(strict).collect()
}

/// Reads one line, and refuses duplicate keys at any depth and raw control characters.
#[track_caller]
pub fn strict(line: &[u8]) -> Value {
    let text = std::str::from_utf8(line).expect("a line is UTF-8");
    let control = text.chars().find(|&c| {
        c.is_control()
            || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}' | '\u{200e}' | '\u{200f}')
    });
    assert_eq!(control, None, "raw control character in {text}");
    let read: Result<Unique, _> = serde_json::from_str(text);
    match read {
        Ok(Unique(value @ Value::Object(_))) => value,
        Ok(Unique(value)) => panic!("not an object: {value}"),
        Err(error) => panic!("{error}: {text}"),
    }
}

/// A value whose objects have each key once.
struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Unique;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }
            fn visit_unit<E>(self) -> Result<Unique, E> {
                Ok(Unique(Value::Null))
            }
            fn visit_bool<E>(self, value: bool) -> Result<Unique, E> {
                Ok(Unique(value.into()))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Unique, E> {
                Ok(Unique(value.into()))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Unique, E> {
                Ok(Unique(value.into()))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Unique, E> {
                Ok(Unique(value.into()))
            }
            fn visit_str<E>(self, value: &str) -> Result<Unique, E> {
                Ok(Unique(value.into()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Unique, A::Error> {
                let mut list = Vec::new();
                while let Some(Unique(value)) = seq.next_element()? {
                    list.push(value);
                }
                Ok(Unique(Value::Array(list)))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Unique, A::Error> {
                let mut object = Map::new();
                while let Some((key, Unique(value))) = map.next_entry::<String, _>()? {
                    if object.contains_key(&key) {
                        return Err(de::Error::custom(format!("duplicate key `{key}`")));
                    }
                    object.insert(key, value);
                }
                Ok(Unique(Value::Object(object)))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}
