//! Levels are kept by `arc-swap`, whose versions before 1.9.5 could use freed memory, or give one
//! instance the value of another, too seldom for a test of ours to provoke it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod level_support;
mod support;

use level_support::turn;
use std::io;
use std::path::Path;
use std::thread::{self, ScopedJoinHandle};
use support::figures::{counts, holds};
use tracing::{Dispatch, debug, info_span};
use tracing_jsonl::{JsonLayer, LevelHandle};
use tracing_subscriber::prelude::*;

type Version = (u32, u32, u32);

fn version(text: &str) -> Version {
    let mut numbers = text.split('.').map(|number| number.parse().unwrap());
    let mut next = || numbers.next().unwrap_or(0);
    (next(), next(), next())
}

fn read(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// What dependents get at least, and what this build has.
fn versions() -> (Version, Vec<Version>) {
    let manifest = read("Cargo.toml");
    let required = manifest
        .lines()
        .find_map(|line| line.strip_prefix("arc-swap = \"")?.strip_suffix('"'));
    let lock = read("Cargo.lock");
    let locked = lock.split("[[package]]").filter_map(|package| {
        let (_, rest) = package.split_once("name = \"arc-swap\"\nversion = \"")?;
        Some(version(rest.split('"').next().unwrap()))
    });
    (
        version(required.expect("a plain version")),
        locked.collect(),
    )
}

#[test]
fn levels_are_kept_by_an_arc_swap_without_known_faults() {
    const EVENTS: u64 = 20_000;
    const SOUND: Version = (1, 9, 5);
    let (required, locked) = versions();
    assert!(required >= SOUND, "{required:?}");
    assert!(locked.iter().all(|version| *version >= SOUND), "{locked:?}");
    assert_eq!(locked.len(), 1, "{locked:?}");

    // Each event asks the level, which is swapped meanwhile; so is another, which hides it.
    let _turn = turn();
    let ours = LevelHandle::new("off").unwrap();
    let other = LevelHandle::new("off").unwrap();
    let layer = JsonLayer::new(io::sink).with_level(&ours);
    let stats = layer.stats();
    let filter = ours.filter();
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(filter).with(layer));
    let mut swaps = 0;
    thread::scope(|scope| {
        ours.set("[{user_id=u-42}]=debug").unwrap();
        let log = || {
            tracing::dispatcher::with_default(&dispatch, || {
                let _span = info_span!("request", user_id = "u-42").entered();
                for _ in 0..EVENTS {
                    debug!("an event");
                }
            });
        };
        let threads = [scope.spawn(log), scope.spawn(log)];
        while !threads.iter().all(ScopedJoinHandle::is_finished) {
            for text in ["warn", "error"] {
                ours.set(&format!("{text},[{{user_id=u-42}}]=debug"))
                    .unwrap();
                other.set(text).unwrap();
                swaps += 1;
            }
        }
    });
    let stats = stats.get();
    // The first change is before the loop.
    assert_eq!(stats.emitted, 2 * EVENTS + 1 + swaps);
    let (major, minor, patch) = required;
    holds!(
        22,
        counts(stats),
        "arc-swap >= {major}.{minor}.{patch} required; {swaps} swaps of each of 2 levels, {} of {} \
         events by the right one",
        stats.emitted - 1 - swaps,
        2 * EVENTS
    );
}
