//! What the tests share: a place to write to, and a reader of lines that is not ours.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, unreachable_pub)]

pub mod figures;
mod strict;

use serde_json::Value;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tracing_jsonl::JsonLayer;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::prelude::*;

#[allow(unused_imports)]
pub use strict::{lines, strict};

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
