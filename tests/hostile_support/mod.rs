//! Hostile data from a seed, the same in each run, and a subscriber to try it on.
#![allow(dead_code, clippy::unwrap_used, unreachable_pub)]

use crate::support::Capture;
use std::io;
use std::sync::Once;
use tracing_jsonl::{JsonLayer, Logging, Panics, Stats};
use tracing_subscriber::prelude::*;

/// How much is tried: `LONG` asks for all of it.
pub fn cases(few: usize, many: usize) -> usize {
    if std::env::var_os("LONG").is_some() {
        many
    } else {
        few
    }
}

/// From here on records of the `log` crate are events, and panics that are caught on the way are
/// silent.
pub fn bridge() {
    static BRIDGE: Once = Once::new();
    BRIDGE.call_once(|| {
        Logging::builder()
            .writer(io::sink)
            .level("trace")
            .signals(false)
            .panics(Panics::Chain)
            .init();
    });
}

/// The bytes that `code` makes a layer write, over the bridge too, with its counters.
pub fn written(
    with: impl FnOnce(JsonLayer<Capture>) -> JsonLayer<Capture>,
    code: impl FnOnce(),
) -> (Vec<u8>, Stats) {
    bridge();
    let capture = Capture::default();
    let layer = with(JsonLayer::new(capture.clone()));
    let stats = layer.stats();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), code);
    (capture.bytes(), stats.get())
}

/// Adds counters up.
pub fn add(sum: &mut [u64; 4], more: [u64; 4]) {
    for (sum, more) in sum.iter_mut().zip(more) {
        *sum += more;
    }
}

/// Sends a record of the `log` crate with names that no macro would take.
pub fn log_record(target: &str, key: &str, value: &str, message: &str) {
    log::logger().log(
        &log::Record::builder()
            .level(log::Level::Info)
            .target(target)
            .key_values(&[(key, value)])
            .args(format_args!("{message}"))
            .build(),
    );
}

/// Characters that something on the way would act on, or take for another.
const SPECIAL: &str = "\0\u{7}\u{8}\t\n\u{b}\u{c}\r\u{1b}\"\\/{}[]:,$%&<>'`\u{7f}\u{80}\u{85}\u{9b}\u{9f}\
    \u{a0}\u{ad}\u{61c}\u{200b}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202e}\u{2066}\u{2069}\
    \u{feff}\u{fffd}\u{ffff}é€😀\u{10ffff}";

/// xorshift: a spread of data needs no more.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Less than `count`.
    pub fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap() % count
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    pub fn bytes(&mut self, most: usize) -> Vec<u8> {
        let length = self.below(most + 1);
        (0..length).map(|_| self.next().to_le_bytes()[7]).collect()
    }

    pub fn text(&mut self, most: usize) -> String {
        let length = self.below(most + 1);
        (0..length).map(|_| self.character()).collect()
    }

    fn character(&mut self) -> char {
        let any = match self.below(8) {
            0 | 1 => u32::try_from(self.below(0x60)).unwrap() + 0x20,
            2 => u32::try_from(self.below(0xa0)).unwrap(),
            // Blocks with the line and paragraph separators, and the bidirectional controls.
            3 => u32::try_from(self.below(0x70)).unwrap() + 0x2000,
            4 => u32::try_from(self.below(0x11_0000)).unwrap(),
            _ => {
                return SPECIAL
                    .chars()
                    .nth(self.below(SPECIAL.chars().count()))
                    .unwrap();
            }
        };
        char::from_u32(any).unwrap_or('x')
    }
}
