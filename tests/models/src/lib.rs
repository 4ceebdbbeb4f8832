//! The two places where threads of `tracing-jsonl` meet, under model checkers: the turn to write
//! (`src/sink/turn.rs`, by loom) and changes of the level (`src/level.rs`, `src/level/change.rs`
//! and `src/level/timer.rs`, by shuttle). `build.rs` copies these sources as they are, with the
//! checkers' primitives in place of `std`'s.
//!
//! `cargo test --release --manifest-path tests/models/Cargo.toml` runs all; `LONG=1` tries more
//! schedules, and `-- --show-output` says how many. The README beside this says what is claimed.

#![cfg(test)]

mod level;
// Its signatures are others'.
#[allow(clippy::unnecessary_wraps, clippy::unused_self)]
mod stand_in;
mod turn;

#[allow(dead_code, unused, unexpected_cfgs, clippy::all, clippy::pedantic)]
mod variants {
    include!(concat!(env!("OUT_DIR"), "/variants.rs"));
}

// By the names that the sources know them by.
use stand_in::{encode, error, metadata, report};
